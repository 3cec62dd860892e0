//! What this machine knows of the places of workspaces: read, and learnt while sessions are
//! captured and restored.
//!
//! All of it is a help: what cannot be learnt is told, and fails nothing. What is read is never
//! trusted: whoever goes to a place looks first whether the repository is still there.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;

use crate::config::KnownPlace;
use crate::config::Machine;
use crate::config::MachineEdit;
use crate::error::Result;
use crate::redact::Redactor;
use crate::repository::Repository;
use crate::session::Head;
use crate::store;

/// Which repositories folders lie in, each looked up once.
#[derive(Debug, Default)]
pub(super) struct KnownFolders(RefCell<HashMap<PathBuf, Option<String>>>);

impl KnownFolders {
    /// What the repository of a folder is known by.
    pub(super) fn identity_of(&self, folder: &Path) -> Option<String> {
        if let Some(known) = self.0.borrow().get(folder) {
            return known.clone();
        }
        let identity = store::repository_of(folder).map(|it| it.identity);
        self.0.borrow_mut().insert(folder.to_owned(), identity.clone());
        identity
    }
}

impl Repository {
    /// What is known of this machine.
    pub(super) fn machine(&self) -> Machine {
        Machine::load(&self.store.private_folder())
    }

    /// Changes what is known of this machine. Whether there was anything to change.
    pub(super) fn change_machine(&self, mut edits: Vec<MachineEdit>) -> Result<bool> {
        let folder = self.store.private_folder();
        if self.machine().store.is_none() {
            edits.insert(0, MachineEdit::Began(self.store.marker()?.store.to_string()));
        }
        Ok(Machine::change(&folder, &edits)?)
    }

    /// Notes which store this machine began with, before a merge could give it another id.
    pub(super) fn note_beginning(&self) {
        if !Machine::is_begun(&self.store.private_folder()) {
            // A store that cannot be written is merged with no other.
            drop(self.change_machine(Vec::new()));
        }
    }

    /// Learns where the workspaces of some sessions lie, as far as they are here, and says why if
    /// that fails.
    pub(super) fn learn_roots<'h>(&self, heads: impl Iterator<Item = &'h Head>) -> Option<String> {
        let known = |head: &'h Head| {
            let workspace = &head.workspace;
            Some((workspace.repository.as_deref()?, Path::new(workspace.root.as_deref()?)))
        };
        let found: BTreeSet<(&str, &Path)> = heads.filter_map(known).collect();
        self.learn(found.into_iter())
    }

    /// Learns that repositories lie in some folders, where that is so.
    pub(super) fn learn<'f>(
        &self,
        found: impl Iterator<Item = (&'f str, &'f Path)>,
    ) -> Option<String> {
        let found: Vec<_> = found.filter(|(_, folder)| folder.is_absolute()).collect();
        if found.is_empty() {
            return None;
        }
        let machine = self.machine();
        let now = self.now();
        let place = |repository: &str, folder: &Path| KnownPlace {
            repository: repository.to_owned(),
            folder: folder.to_owned(),
            seen: Some(now),
        };
        let mut edits = Vec::new();
        for (repository, folder) in found {
            let mut above = machine.places.iter().filter(|it| folder.starts_with(&it.folder));
            // A look at the repository costs more than one into the file.
            if above.any(|it| machine.knows(&place(repository, &it.folder))) {
                continue;
            }
            if let Some(top) = store::top_if_known_by(folder, repository)
                && self.is_harmless(&top)
            {
                edits.push(MachineEdit::Seen(place(repository, &top)));
            }
        }
        if edits.is_empty() {
            return None;
        }
        let failed = self.change_machine(edits).err();
        failed.map(|error| format!("Where the workspaces lie could not be noted: {error}"))
    }

    /// Whether a path may be written down: no secret is, wherever it stands.
    pub(super) fn is_harmless(&self, folder: &Path) -> bool {
        let text = folder.to_string_lossy().into_owned();
        let Ok(rules) = self.rules() else {
            return false;
        };
        Redactor::new(rules).text("folder", text.clone()).into_inner() == text
    }
}
