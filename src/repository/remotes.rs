//! The remotes of a store: adding and removing them, and what is known of each.
//!
//! When each was synced with last, what it had then, and why that failed last, stands in
//! `annals/remotes.json`. Losing it costs no session: a remote that was rewritten is then not known
//! to be.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::DateTime;
use chrono::Utc;
use serde::Deserialize;
use serde::Serialize;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::Filter;
use crate::platform;
use crate::platform::FileLock;
use crate::repository::NOTES_LIMIT;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::SyncOutcome;
use crate::repository::observing::observed;
use crate::repository::remote_filter::RemoteFilter;
use crate::repository::told_without_secrets;
use crate::session::RevisionId;
use crate::store::Address;
use crate::store::Relation;
use crate::store::Remote;

const FILE: &str = "remotes.json";
const LOCK: &str = "remotes.lock";

/// How long another process is waited for that notes something.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a remote is to be.
#[derive(Debug, Clone, Default)]
pub struct RemoteOptions {
    /// The sessions that it gets; none: all.
    pub only: Option<RemoteFilter>,
    /// Whether it is synced with by itself, after saves.
    pub is_auto: bool,
}

/// How many sessions a filter lets go to a remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteShare {
    /// Sessions that go, those of sub-agents among them.
    pub goes: u64,
    /// Sessions that stay.
    pub stays: u64,
}

/// A sync that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncFailure {
    /// When.
    pub at: DateTime<Utc>,
    /// Why, without what is secret in it.
    pub reason: String,
}

/// What is known of syncs with a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteState {
    /// The remote.
    pub remote: Remote,
    /// When it was synced with last.
    pub synced: Option<DateTime<Utc>>,
    /// The last time that failed.
    pub failed: Option<SyncFailure>,
}

/// What is noted of a remote.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RemoteNote {
    /// What it had when it was synced with last.
    pub(super) seen: Option<RevisionId>,
    /// When a sync by itself began last.
    pub(super) tried: Option<DateTime<Utc>>,
    synced: Option<DateTime<Utc>>,
    failed: Option<SyncFailure>,
}

impl Repository {
    /// The remotes, by name.
    pub fn remotes(&self) -> Result<Vec<Remote>> {
        Ok(self.store.remotes_to_sync()?)
    }

    /// Adds a remote.
    ///
    /// # Errors
    /// `Invalid`: its name or address cannot be used, or an agent that its filter names is none.
    /// `Remote`: there is one of that name.
    pub fn add_remote(
        &mut self,
        name: &str,
        address: &str,
        options: &RemoteOptions,
    ) -> Result<Remote> {
        observed(self, Operation::Remote, &[], |it| it.added_remote(name, address, options))
    }

    fn added_remote(
        &mut self,
        name: &str,
        address: &str,
        options: &RemoteOptions,
    ) -> Result<Remote> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let is_name = !name.is_empty() && name.len() <= 60 && name.chars().all(is_plain);
        if !is_name || name.starts_with('-') {
            let message = format!("{name:?} is no name for a remote: letters, digits, - and _");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let address = Address::parse(&absolute(address)?);
        let address = address.map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        if told_without_secrets(address.as_str()) != address.as_str() {
            let message = "the address holds a secret; leave it out, and let git's credential \
                helper keep it";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let filter = options.only.as_ref().map(RemoteFilter::filter);
        for filter in filter.into_iter().chain(filter.and_then(|it| it.without.as_deref())) {
            if let Some(error) = self.unknown_agent(filter)? {
                return Err(Error::new(ErrorKind::Invalid, error.to_string()));
            }
        }
        let only = options.only.as_ref().map(|it| it.as_str().to_owned());
        let remote = Remote { name: name.to_owned(), address, only, is_auto: options.is_auto };
        self.store.add_remote(&remote)?;
        Ok(remote)
    }

    /// Removes a remote; what was synced stays.
    pub fn remove_remote(&mut self, name: &str) -> Result<Remote> {
        observed(self, Operation::Remote, &[], |it| {
            let remote = it.remote(Some(name))?;
            it.store.remove_remote(&remote.name)?;
            it.store.drop_lineage(&remote.name)?;
            it.change_notes(|notes| drop(notes.remove(&remote.name)))?;
            Ok(remote)
        })
    }

    /// Asks a remote for its newest revision; none: there is nothing yet.
    pub fn test_remote(&self, name: &str) -> Result<(Remote, Option<RevisionId>)> {
        let remote = self.remote(Some(name))?;
        let tip = self.store.remote_tip(&remote)?;
        Ok((remote, tip))
    }

    /// How many sessions a remote with this filter gets as things are.
    pub fn remote_share(&mut self, filter: &Filter) -> Result<RemoteShare> {
        let goes = self.index(|index| index.family(filter, &[]))?.len() as u64;
        let all = Filter { with_subagents: true, ..Filter::default() };
        let all = self.index(|index| index.matching(&all))?.len() as u64;
        Ok(RemoteShare { goes, stays: all.saturating_sub(goes) })
    }

    /// What is known of syncs with each remote, by name; of those that can be synced with.
    pub fn remote_states(&self) -> Result<Vec<RemoteState>> {
        let mut notes = self.remote_notes();
        let state = |remote: Remote| {
            let RemoteNote { synced, failed, .. } = notes.remove(&remote.name).unwrap_or_default();
            RemoteState { remote, synced, failed }
        };
        Ok(self.store.usable_remotes()?.into_iter().map(state).collect())
    }

    /// The remote of that name, or the only one.
    pub(super) fn remote(&self, name: Option<&str>) -> Result<Remote> {
        let mut remotes = self.remotes()?;
        let message = match name {
            Some(name) => match remotes.iter().position(|it| it.name == name) {
                Some(place) => return Ok(remotes.swap_remove(place)),
                None => format!("there is no remote {name}"),
            },
            None if remotes.len() == 1 => return Ok(remotes.swap_remove(0)),
            None if remotes.is_empty() => "there is no remote".to_owned(),
            None => {
                let names: Vec<&str> = remotes.iter().map(|it| it.name.as_str()).collect();
                format!("there are several remotes: {}", names.join(", "))
            }
        };
        Err(Error::new(ErrorKind::Remote, message))
    }

    /// The filter of a remote; none: it gets all sessions.
    pub(super) fn filter_of(&self, remote: &Remote) -> Result<Option<RemoteFilter>> {
        let Some(only) = &remote.only else { return Ok(None) };
        let filter = RemoteFilter::kept(only, &self.environment.home);
        filter.map(Some).map_err(|error| {
            let message = format!("the filter of the remote {} is none: {error}", remote.name);
            Error::new(ErrorKind::Invalid, message)
        })
    }

    /// Tells if the remote's history does not go on from what it had when it was last synced with,
    /// where no scrub is the reason. `theirs`: what it has now, which must be here; none: nothing.
    pub(super) fn look_for_rewriting(
        &self,
        remote: &Remote,
        theirs: Option<&RevisionId>,
        outcome: &mut SyncOutcome,
    ) -> Result<()> {
        let seen = self.remote_notes().remove(&remote.name).and_then(|note| note.seen);
        // What is no longer here was scrubbed away.
        let Some(seen) = seen.filter(|seen| self.store.is_revision(seen)) else { return Ok(()) };
        if theirs.map_or(Ok(false), |theirs| self.comes_from(&seen, theirs))? {
            return Ok(());
        }
        if outcome.rewritten.is_none() {
            outcome.rewritten = Some(seen);
        }
        Ok(())
    }

    /// Whether `later` is `earlier`, or comes from it.
    pub(super) fn comes_from(&self, earlier: &RevisionId, later: &RevisionId) -> Result<bool> {
        let relation = self.store.relation(earlier, later)?;
        Ok(matches!(relation, Relation::Same | Relation::Behind))
    }

    /// What is noted of each remote; nothing, where that cannot be read.
    pub(super) fn remote_notes(&self) -> BTreeMap<String, RemoteNote> {
        let text = platform::read_within(&self.remotes_file(), NOTES_LIMIT).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Notes something of a remote.
    pub(super) fn note_remote(&self, name: &str, note: impl FnOnce(&mut RemoteNote)) -> Result<()> {
        self.change_notes(|notes| note(notes.entry(name.to_owned()).or_default()))
    }

    /// Notes what a sync came to. Where that cannot be noted, stats say less.
    pub(super) fn note_sync(&self, remote: &Remote, outcome: &Result<SyncOutcome>) {
        let at = self.now();
        drop(self.note_remote(&remote.name, |note| match outcome {
            Ok(outcome) => {
                note.synced = Some(at);
                note.seen.clone_from(&outcome.revision);
            }
            Err(error) => {
                let reason = told_without_secrets(&error.to_string());
                note.failed = Some(SyncFailure { at, reason });
            }
        }));
    }

    fn change_notes(&self, change: impl FnOnce(&mut BTreeMap<String, RemoteNote>)) -> Result<()> {
        let noting = |error| {
            Error::new(ErrorKind::Io, "cannot note what is known of the remotes").because(error)
        };
        let lock = self.store.private_folder().join(LOCK);
        let lock = FileLock::acquire(&lock, PATIENCE).map_err(noting)?;
        let mut notes = self.remote_notes();
        change(&mut notes);
        let text = serde_json::to_vec(&notes).expect("times and texts become JSON");
        platform::write_atomic(&self.remotes_file(), &text).map_err(noting)?;
        drop(lock);
        Ok(())
    }

    fn remotes_file(&self) -> PathBuf {
        self.store.private_folder().join(FILE)
    }
}

/// A path that says where it is from here means the same later.
fn absolute(address: &str) -> Result<String> {
    if !address.starts_with("./") && !address.starts_with("../") && address != "." {
        return Ok(address.to_owned());
    }
    let path = std::path::absolute(address).map_err(|error| {
        Error::new(ErrorKind::Invalid, format!("{address} is no path")).because(error)
    })?;
    Ok(path.display().to_string())
}
