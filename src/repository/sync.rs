//! Bringing this store and a remote to the same state: fetch, check, merge, push.
//!
//! History here never shrinks by it. A sync that is interrupted anywhere leaves a store that the
//! next one goes on with: what was fetched is only more objects until main moves, and main moves
//! in one step.

use std::collections::HashSet;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::merging::Merging;
use crate::repository::observing::observed;
use crate::session::RevisionId;
use crate::session::SessionId;
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
    /// Sessions that the remote has and that went on here, but do not match its filter (any more):
    /// what is new in them stays here.
    pub held: Vec<SessionId>,
    /// How many sessions stay here because they do not match the remote's filter; none: it has none.
    pub stays: Option<u64>,
    /// What the remote had before somebody rewrote its history by force; it is still here.
    pub rewritten: Option<RevisionId>,
    /// Whether a scrubbed history took the place of the one before, here or there.
    pub is_scrubbed: bool,
    /// Main, here and there; of a remote with a filter, what it has.
    pub revision: Option<RevisionId>,
    /// Whether it only says what it would do.
    pub is_dry_run: bool,
    /// Why the remote last did not let its main be moved.
    pub(crate) hindrance: Option<String>,
}

impl SyncOutcome {
    /// Whether the remote has it; else why not is kept.
    pub(super) fn is_pushed(&mut self, pushed: Pushed) -> bool {
        match pushed {
            Pushed::Done => return true,
            Pushed::Overtaken(why) => self.hindrance = Some(why),
        }
        false
    }

    pub(super) fn note_merging(&mut self, merging: &Merging<'_>) {
        note(&mut self.came, merging.came.clone());
        note(&mut self.merged, merging.merged.clone());
        note(&mut self.kept, merging.kept.clone());
    }
}

impl Repository {
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
        observed(self, Operation::Sync, &[], |it| {
            let remote = it.remote(name)?;
            let outcome = it.synced(&remote, options, step);
            if !options.is_dry_run {
                it.note_sync(&remote, &outcome);
            }
            outcome
        })
    }

    fn synced(
        &mut self,
        remote: &Remote,
        options: SyncOptions,
        step: &mut dyn FnMut(&'static str),
    ) -> Result<SyncOutcome> {
        let filter = self.filter_of(remote)?;
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
        // What arrives is reached by nothing until main moves.
        let _guard = self.store.keep_from_pruning()?;
        let mut is_moving = false;
        let mut before = None;
        for _ in 0..TRIES {
            step("Asking the remote");
            let theirs = self.store.remote_tip(remote)?;
            is_moving |= before.replace(theirs.clone()).is_some_and(|before| before != theirs);
            if let Some(filter) = &filter {
                if self.exchange_some(remote, filter, theirs.as_ref(), step, &mut outcome)? {
                    return Ok(outcome);
                }
                continue;
            }
            let Some(theirs) = theirs else {
                self.look_for_rewriting(remote, None, &mut outcome)?;
                let ours = self.store.tip()?;
                if self.give(remote, None, &ours, step, &mut outcome)? {
                    return Ok(outcome);
                }
                continue;
            };
            if self.store.was_scrubbed_away(&theirs)? {
                if self.give_over(remote, &theirs, step, &mut outcome)? {
                    return Ok(outcome);
                }
                continue;
            }
            let arrived = self.store.bring(remote, &theirs, &mut || step("Fetching"))?;
            if self.meet(remote, &theirs, arrived.as_ref(), step, &mut outcome)? {
                return Ok(outcome);
            }
        }
        if is_moving {
            let message = format!("the remote {} moves all the time", remote.name);
            return Err(Error::new(ErrorKind::Locked, message));
        }
        let mut cause = outcome.hindrance.unwrap_or_default();
        if cause.contains(".lock'") {
            cause += " Where no git is at work there, one that died left it: remove it.";
        }
        let message = format!("the remote {}: its main cannot be moved: {cause}", remote.name);
        Err(Error::new(ErrorKind::Remote, message))
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
        self.look_for_rewriting(remote, Some(theirs), outcome)?;
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
                    let came: HashSet<&SessionId> = merging.came.iter().collect();
                    let is_ours = |id: &SessionId| !came.contains(id);
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
        Ok(outcome.is_pushed(self.store.push_over(remote, theirs, &ours)?))
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
        self.store.check_outgoing(ours, &went)?;
        note(&mut outcome.went, went);
        outcome.revision = Some(ours.clone());
        if outcome.is_dry_run {
            return Ok(true);
        }
        step("Pushing");
        Ok(outcome.is_pushed(self.store.push(remote, ours)?))
    }
}

/// Adds sessions, each once, in order.
pub(super) fn note(all: &mut Vec<SessionId>, more: Vec<SessionId>) {
    all.extend(more);
    all.sort_unstable();
    all.dedup();
}
