//! Bringing this store and a remote to the same state: fetch, check, merge, push.
//!
//! History here never shrinks by it. A sync that is interrupted anywhere leaves a store that the
//! next one goes on with: what was fetched is only more objects until main moves, and main moves
//! in one step.

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::merging::Merging;
use crate::repository::observing::observed;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Address;
use crate::store::Arrived;
use crate::store::Pushed;
use crate::store::Relation;
use crate::store::Remote;

/// How often it starts again when another machine was faster.
const TRIES: usize = 20;

/// What a sync does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncOptions {
    /// Only finds out what it would do: fetches, and changes nothing here or there.
    pub is_dry_run: bool,
}

/// What a sync did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncOutcome {
    /// The remote's name.
    pub remote: String,
    /// Sessions that came, or came with changes.
    pub came: Vec<SessionId>,
    /// Sessions that both sides had changed.
    pub merged: Vec<SessionId>,
    /// Sessions that were deleted on one side and went on on the other: they are there.
    pub kept: Vec<SessionId>,
    /// Sessions that went, or went with changes.
    pub went: Vec<SessionId>,
    /// Whether a scrubbed history took the place of the one before, here or there.
    pub is_scrubbed: bool,
    /// Main, here and there.
    pub revision: Option<RevisionId>,
    /// Whether it only says what it would do.
    pub is_dry_run: bool,
}

impl SyncOutcome {
    pub(super) fn note_merging(&mut self, merging: &Merging<'_>) {
        note(&mut self.came, merging.came.clone());
        note(&mut self.merged, merging.merged.clone());
        note(&mut self.kept, merging.kept.clone());
    }
}

impl Repository {
    /// The remotes, by name.
    pub fn remotes(&self) -> Result<Vec<Remote>> {
        Ok(self.store.remotes_to_sync()?)
    }

    /// Adds a remote.
    ///
    /// # Errors
    /// `Invalid`: its name or address cannot be used. `Remote`: there is one of that name.
    pub fn add_remote(&mut self, name: &str, address: &str) -> Result<Remote> {
        observed(self, Operation::Remote, &[], |it| it.added_remote(name, address))
    }

    fn added_remote(&self, name: &str, address: &str) -> Result<Remote> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let is_name = !name.is_empty() && name.len() <= 60 && name.chars().all(is_plain);
        if !is_name || name.starts_with('-') {
            let message = format!("{name:?} is no name for a remote: letters, digits, - and _");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let address = Address::parse(&absolute(address)?);
        let address = address.map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        let remote = Remote { name: name.to_owned(), address };
        self.store.add_remote(&remote)?;
        Ok(remote)
    }

    /// Removes a remote; what was synced stays.
    pub fn remove_remote(&mut self, name: &str) -> Result<Remote> {
        observed(self, Operation::Remote, &[], |it| {
            let remote = it.remote(Some(name))?;
            it.store.remove_remote(&remote.name)?;
            Ok(remote)
        })
    }

    /// Asks a remote for its newest revision; none: there is nothing yet.
    pub fn test_remote(&self, name: &str) -> Result<(Remote, Option<RevisionId>)> {
        let remote = self.remote(Some(name))?;
        let tip = self.store.remote_tip(&remote)?;
        Ok((remote, tip))
    }

    /// The remote of that name, or the only one.
    fn remote(&self, name: Option<&str>) -> Result<Remote> {
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

    /// Brings this store and a remote to the same state. `name`: none, the only one there is.
    /// `step` is told what is being done.
    ///
    /// # Errors
    /// `Remote`: there is none of that name, it is not reached, or what it has is no store.
    pub fn sync(
        &mut self,
        name: Option<&str>,
        options: SyncOptions,
        step: &mut dyn FnMut(&'static str),
    ) -> Result<SyncOutcome> {
        observed(self, Operation::Sync, &[], |it| it.synced(name, options, step))
    }

    fn synced(
        &mut self,
        name: Option<&str>,
        options: SyncOptions,
        step: &mut dyn FnMut(&'static str),
    ) -> Result<SyncOutcome> {
        let remote = self.remote(name)?;
        if options.is_dry_run {
            self.catch_up()?;
        } else {
            self.ready_to_write()?;
        }
        let mut outcome = SyncOutcome {
            remote: remote.name.clone(),
            is_dry_run: options.is_dry_run,
            ..SyncOutcome::default()
        };
        for _ in 0..TRIES {
            step("Asking the remote");
            let theirs = self.store.remote_tip(&remote)?;
            let Some(theirs) = theirs else {
                let ours = self.store.tip()?;
                if self.give(&remote, None, &ours, step, &mut outcome)? {
                    return Ok(outcome);
                }
                continue;
            };
            if self.store.was_scrubbed_away(&theirs)? {
                if self.give_over(&remote, &theirs, step, &mut outcome)? {
                    return Ok(outcome);
                }
                continue;
            }
            let mut arrived = None;
            if !self.store.has_revision(&theirs) {
                step("Fetching");
                arrived = self.store.fetch(&remote, &theirs)?;
            }
            if self.meet(&remote, &theirs, arrived.as_ref(), step, &mut outcome)? {
                return Ok(outcome);
            }
        }
        let message = format!("the remote {} moves all the time", remote.name);
        Err(Error::new(ErrorKind::Locked, message))
    }

    /// Comes to one state with what the remote has; false: one of the two moved meanwhile.
    fn meet(
        &mut self,
        remote: &Remote,
        theirs: &RevisionId,
        arrived: Option<&Arrived>,
        step: &mut dyn FnMut(&'static str),
        outcome: &mut SyncOutcome,
    ) -> Result<bool> {
        let ours = self.store.tip()?;
        let reader = arrived.map_or(&self.store, |arrived| &arrived.store);
        let scrubs = reader.scrubs_apart(&ours, theirs)?;
        if scrubs.only_here || scrubs.only_there {
            if outcome.is_dry_run {
                outcome.is_scrubbed = true;
                note(&mut outcome.came, reader.differing_sessions(&ours, theirs)?);
                return Ok(true);
            }
            let both = (remote, theirs);
            return self.meet_scrubbed(both, arrived, scrubs, step, outcome);
        }
        match self.store.relation(&ours, theirs)? {
            Relation::Same => {
                outcome.revision = Some(ours);
                Ok(true)
            }
            Relation::Ahead => self.give(remote, Some(theirs), &ours, step, outcome),
            Relation::Behind => {
                let came = self.store.differing_sessions(&ours, theirs)?;
                note(&mut outcome.came, came);
                outcome.revision = Some(theirs.clone());
                if outcome.is_dry_run {
                    return Ok(true);
                }
                // Of what an older program gave the remote, the present form goes back to it.
                let new = self.in_present_schema(theirs)?;
                let moved = self.store.fast_forward((&ours, &new), self.now())?;
                self.catch_up()?;
                if moved && new != *theirs {
                    return self.give(remote, Some(theirs), &new, step, outcome);
                }
                Ok(moved)
            }
            Relation::Apart(base) => {
                step("Merging");
                let new = if outcome.is_dry_run {
                    theirs.clone()
                } else {
                    self.in_present_schema(theirs)?
                };
                let merging = Merging::of(&self.store, (&ours, &new, base.as_ref()))?;
                outcome.note_merging(&merging);
                if outcome.is_dry_run {
                    let went = self.store.differing_sessions(&ours, theirs)?;
                    let is_ours = |id: &SessionId| !merging.came.contains(id);
                    note(&mut outcome.went, went.into_iter().filter(is_ours).collect());
                    return Ok(true);
                }
                let Some(joined) = merging.commit(&self.store)? else { return Ok(false) };
                self.catch_up()?;
                self.give(remote, Some(theirs), &joined, step, outcome)
            }
        }
    }

    /// Gives the remote the scrubbed history in the place of what it was before.
    pub(super) fn give_over(
        &self,
        remote: &Remote,
        theirs: &RevisionId,
        step: &mut dyn FnMut(&'static str),
        outcome: &mut SyncOutcome,
    ) -> Result<bool> {
        let ours = self.store.tip()?;
        outcome.is_scrubbed = true;
        outcome.revision = Some(ours.clone());
        if outcome.is_dry_run {
            return Ok(true);
        }
        step("Pushing");
        Ok(self.store.push_over(remote, theirs, &ours)? == Pushed::Done)
    }

    /// Gives the remote our revision; false: it was overtaken.
    pub(super) fn give(
        &self,
        remote: &Remote,
        theirs: Option<&RevisionId>,
        ours: &RevisionId,
        step: &mut dyn FnMut(&'static str),
        outcome: &mut SyncOutcome,
    ) -> Result<bool> {
        let went = match theirs {
            Some(theirs) => self.store.differing_sessions(theirs, ours)?,
            None => self.store.sessions(ours)?,
        };
        note(&mut outcome.went, went);
        outcome.revision = Some(ours.clone());
        if outcome.is_dry_run {
            return Ok(true);
        }
        step("Pushing");
        Ok(self.store.push(remote, ours)? == Pushed::Done)
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

pub(super) fn note(all: &mut Vec<SessionId>, more: Vec<SessionId>) {
    all.extend(more);
    all.sort_unstable();
    all.dedup();
}
