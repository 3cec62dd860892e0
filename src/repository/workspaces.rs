//! Which workspaces there are, where they lie on this machine, and saying so.

use std::path::Path;
use std::path::PathBuf;

use chrono::DateTime;
use chrono::Utc;

use crate::config::KnownPlace;
use crate::config::Machine;
use crate::config::MachineEdit;
use crate::config::MovedRoot;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::Index;
use crate::index::WorkspaceCount;
use crate::repository::Repository;
use crate::repository::place::as_the_system_has_it;
use crate::repository::place::is_below;
use crate::repository::place::is_place;
use crate::repository::place::moved_to;
use crate::store;

/// The fewest characters by which an id of a commit is known.
const SHORTEST: usize = 4;

/// What a workspace is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkspaceName {
    /// What its repository is known by.
    Repository(String),
    /// The folder that sessions have recorded.
    Root(String),
}

/// A workspace that sessions are about, or that a place is known of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceEntry {
    /// What it is called.
    pub name: WorkspaceName,
    /// How many sessions are about it, sub-agents' not counted.
    pub sessions: u64,
    /// Where it lies here, what was seen last first.
    pub places: Vec<WorkspacePlace>,
    /// Folders that its sessions have recorded and that are not here.
    pub elsewhere: Vec<String>,
}

/// Where a workspace lies on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspacePlace {
    /// The folder.
    pub folder: PathBuf,
    /// Whether it is there.
    pub exists: bool,
    /// When it was seen there, if that was noted.
    pub seen: Option<DateTime<Utc>>,
}

/// All workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceListing {
    /// Those that sessions are about, the latest first, then those of no session.
    pub workspaces: Vec<WorkspaceEntry>,
    /// What is known of this machine and cannot be used.
    pub faults: Vec<String>,
}

/// What is known of a workspace from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedWorkspace {
    /// The workspace.
    pub name: WorkspaceName,
    /// Where it lies here.
    pub folder: PathBuf,
    /// How many sessions are about it, or a folder below it.
    pub sessions: u64,
}

impl std::fmt::Display for WorkspaceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Repository(name) | Self::Root(name) => f.write_str(name),
        }
    }
}

impl Repository {
    /// The workspaces that sessions are about, and where they lie on this machine.
    pub fn workspaces(&mut self) -> Result<WorkspaceListing> {
        let counts = self.index(Index::workspaces)?;
        let machine = self.machine();
        let mut workspaces: Vec<WorkspaceEntry> = Vec::new();
        for count in counts {
            if let Some(entry) = name_of(&count).map(|name| entry(name, &mut workspaces)) {
                entry.sessions += count.sessions;
                entry.elsewhere.extend(count.root);
            }
        }
        let repositories = machine.places.iter().map(|place| &place.repository);
        let mut known: Vec<WorkspaceName> =
            repositories.cloned().map(WorkspaceName::Repository).collect();
        known.extend(machine.moved.iter().map(|rule| WorkspaceName::Root(rule.from.clone())));
        for name in known {
            entry(name, &mut workspaces);
        }
        for entry in &mut workspaces {
            match entry.name.clone() {
                WorkspaceName::Repository(name) => place_repository(entry, &name, &machine),
                WorkspaceName::Root(root) => place_root(entry, &root, &machine),
            }
        }
        let faults = machine.faults.iter().map(ToString::to_string).collect();
        Ok(WorkspaceListing { workspaces, faults })
    }

    /// The workspace that was typed: a repository that is known, or its last part if that is the
    /// only one's, or its URL; else a folder. `current`: where relative paths begin.
    ///
    /// # Errors
    /// `Ambiguous`: several repositories are called so. `Invalid`: it is neither.
    pub fn workspace_named(&mut self, text: &str, current: &Path) -> Result<WorkspaceName> {
        let is_relative = matches!(text.split('/').next(), Some("." | ".."));
        if is_relative {
            let folder = as_the_system_has_it(current.join(text));
            return Ok(WorkspaceName::Root(folder.to_string_lossy().into_owned()));
        }
        if is_place(text) {
            let root = text.trim_end_matches(['/', '\\']);
            return Ok(WorkspaceName::Root(if root.is_empty() { text } else { root }.to_owned()));
        }
        let text = store::normalised_url(text).unwrap_or_else(|| text.to_owned());
        let listing = self.workspaces()?;
        let known = listing.workspaces.into_iter().filter_map(|entry| match entry.name {
            WorkspaceName::Repository(name) => Some(name),
            WorkspaceName::Root(_) => None,
        });
        let known: Vec<String> = known.filter(|name| is_called(name, &text)).collect();
        match known.as_slice() {
            _ if known.contains(&text) => Ok(WorkspaceName::Repository(text)),
            [one] => Ok(WorkspaceName::Repository(one.clone())),
            [] if store::is_commit(&text) || is_whole_name(&text) => {
                Ok(WorkspaceName::Repository(text))
            }
            [] => {
                let message = format!(
                    "{text} is neither a repository that a session is about nor a whole path"
                );
                Err(Error::new(ErrorKind::Invalid, message))
            }
            several => {
                let message =
                    format!("{text} may mean several repositories: {}", several.join(", "));
                Err(Error::new(ErrorKind::Ambiguous, message))
            }
        }
    }

    /// Says where a workspace lies on this machine. `folder` must be there; and be the repository,
    /// where one is named.
    ///
    /// # Errors
    /// `NotFound`: there is no such folder. `Invalid`: it is another repository, or the recorded
    /// folder is there itself.
    pub fn map_workspace(
        &mut self,
        name: &WorkspaceName,
        folder: &Path,
    ) -> Result<MappedWorkspace> {
        let folder = as_the_system_has_it(self.environment.current.join(folder));
        if !folder.is_dir() {
            let message = format!("there is no folder {}", folder.display());
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let folder = match name {
            WorkspaceName::Repository(repository) => {
                let top = store::top_if_known_by(&folder, repository);
                let top = top.ok_or_else(|| is_another(&folder, repository))?;
                self.check_harmless(&top)?;
                let (repository, seen) = (repository.clone(), Some(self.now()));
                let place = KnownPlace { repository, folder: top.clone(), seen };
                self.change_machine(vec![MachineEdit::Seen(place)])?;
                top
            }
            WorkspaceName::Root(root) => {
                if Path::new(root).is_dir() {
                    let message =
                        format!("{root} is there, so sessions about it are resumed in it");
                    return Err(Error::new(ErrorKind::Invalid, message));
                }
                self.note_moved(root, &folder)?;
                folder
            }
        };
        let counts = self.index(Index::workspaces)?;
        let is_meant = |count: &&WorkspaceCount| match name {
            WorkspaceName::Repository(name) => count.repository.as_ref() == Some(name),
            WorkspaceName::Root(name) => {
                count.root.as_ref().is_some_and(|root| is_below(root, name))
            }
        };
        let sessions = counts.iter().filter(is_meant).map(|count| count.sessions).sum();
        Ok(MappedWorkspace { name: name.clone(), folder, sessions })
    }

    /// Forgets where a workspace lies on this machine. Whether anything was known of it.
    ///
    /// # Errors
    /// `Io`: what is known cannot be written.
    pub fn forget_workspace(&mut self, name: &WorkspaceName) -> Result<bool> {
        let edit = match name {
            WorkspaceName::Repository(name) => MachineEdit::ForgetRepository(name.clone()),
            WorkspaceName::Root(root) => MachineEdit::ForgetFolder(root.clone()),
        };
        let before = self.machine();
        let is_known = before.places.iter().any(|place| match name {
            WorkspaceName::Repository(name) => place.repository == *name,
            WorkspaceName::Root(root) => place.folder == Path::new(root),
        }) || before.moved.iter().any(|rule| rule.from == name.to_string());
        self.change_machine(vec![edit])?;
        Ok(is_known)
    }

    /// Notes that a folder lies elsewhere now.
    pub(super) fn note_moved(&self, root: &str, folder: &Path) -> Result<()> {
        let from = root.trim_end_matches(['/', '\\']).to_owned();
        [Path::new(&from), folder].into_iter().try_for_each(|path| self.check_harmless(path))?;
        let rule = MovedRoot { from, to: folder.to_owned() };
        self.change_machine(vec![MachineEdit::Moved(rule)])?;
        Ok(())
    }

    fn check_harmless(&self, folder: &Path) -> Result<()> {
        if self.is_harmless(folder) {
            return Ok(());
        }
        let message = "the path holds what looks like a secret, so it is not written down";
        Err(Error::new(ErrorKind::Invalid, message))
    }
}

/// The workspace that sessions count for; none: they name none.
fn name_of(count: &WorkspaceCount) -> Option<WorkspaceName> {
    let root = || count.root.clone().map(WorkspaceName::Root);
    count.repository.clone().map(WorkspaceName::Repository).or_else(root)
}

/// The entry of that name, made if there is none.
fn entry(name: WorkspaceName, entries: &mut Vec<WorkspaceEntry>) -> &mut WorkspaceEntry {
    let index = entries.iter().position(|entry| entry.name == name).unwrap_or(entries.len());
    if index == entries.len() {
        let (places, elsewhere) = (Vec::new(), Vec::new());
        entries.push(WorkspaceEntry { name, sessions: 0, places, elsewhere });
    }
    &mut entries[index]
}

/// Where a repository lies: where it was seen, and where sessions of it were held that is here.
fn place_repository(entry: &mut WorkspaceEntry, repository: &str, machine: &Machine) {
    let known = machine.places.iter().filter(|place| place.repository == repository);
    entry.places.extend(known.map(|known| place(known.folder.clone(), known.seen)));
    let places = &mut entry.places;
    entry.elsewhere.retain(|root| {
        let folder = Path::new(root);
        if !folder.is_absolute() || !folder.is_dir() {
            return true;
        }
        let is_known = |places: &[WorkspacePlace]| {
            places.iter().any(|place| place.exists && folder.starts_with(&place.folder))
        };
        if !is_known(places)
            && let Some(top) = store::top_if_known_by(folder, repository)
            && !places.iter().any(|place| place.folder == top)
        {
            places.push(place(top, None));
        }
        !is_known(places)
    });
}

/// Where a folder lies that is in no repository.
fn place_root(entry: &mut WorkspaceEntry, root: &str, machine: &Machine) {
    entry.elsewhere.clear();
    let said = machine.moved.iter().find(|rule| rule.from == root).map(|rule| rule.to.clone());
    let here = PathBuf::from(root);
    let folder = if here.is_absolute() && here.is_dir() {
        Some(here)
    } else {
        moved_to(root, &machine.moved).or(said)
    };
    entry.places.extend(folder.map(|folder| place(folder, None)));
}

fn place(folder: PathBuf, seen: Option<DateTime<Utc>>) -> WorkspacePlace {
    WorkspacePlace { exists: folder.is_dir(), folder, seen }
}

/// Whether a repository goes by what was typed: its name, the last parts of it, or the beginning of
/// its first commit's id.
fn is_called(name: &str, typed: &str) -> bool {
    let is_end =
        name.strip_suffix(typed).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    let is_beginning = store::is_commit(name)
        && typed.len() >= SHORTEST
        && name.starts_with(&typed.to_ascii_lowercase());
    !typed.is_empty() && (is_end || is_beginning)
}

/// Whether it is a host and a path.
fn is_whole_name(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    let host = text.split_once('/').map(|(host, _)| host);
    host.is_some_and(|host| host.contains('.') && !host.starts_with('.'))
        && text.split('/').all(is_part)
}

/// The error that a folder is not the repository that it should be.
fn is_another(folder: &Path, repository: &str) -> Error {
    let found = store::repository_of(folder);
    let folder = folder.display();
    let message = match found {
        Some(other) => format!("{folder} is {}, not {repository}", other.identity),
        None => format!("{folder} is in no git repository, so it is not {repository}"),
    };
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_goes_by_the_last_parts_of_its_name() {
        let name = "github.com/kim/shop";
        for typed in [name, "kim/shop", "shop"] {
            assert!(is_called(name, typed), "{typed}");
        }
        for typed in ["", "hop", "kim", "im/shop", "github.com"] {
            assert!(!is_called(name, typed), "{typed}");
        }
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert!(is_called(commit, "0123") && is_called(commit, "0123456789AB"));
        assert!(!is_called(commit, "012") && !is_called(commit, "4567"));
    }

    #[test]
    fn a_name_that_nobody_knows_has_a_host_and_a_path() {
        for text in ["github.com/kim/shop", "10.0.0.1/x"] {
            assert!(is_whole_name(text), "{text}");
        }
        for text in ["shop", "kim/shop", "./shop", "h.com//x", "h.com/a b", "github.com/"] {
            assert!(!is_whole_name(text), "{text}");
        }
    }
}
