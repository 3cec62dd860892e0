//! Taking sessions out of all history.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::format::Tombstone;
use crate::redact::Clean;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::delete::tombstone_of;
use crate::repository::observing::attempted;
use crate::repository::observing::observed;
use crate::repository::rewrite::RewriteOutcome;
use crate::session::Head;
use crate::session::SessionId;
use crate::session::Timestamp;

/// What a purge would do.
#[derive(Debug)]
pub struct PurgePlan {
    /// The sessions that go, sub-agents' included, as they last were.
    pub sessions: Vec<PurgedSession>,
    /// How many revisions the store has.
    pub revisions: u64,
    /// The remotes of the store, name and address: they may hold them too.
    pub remotes: Vec<(String, String)>,
    tombstones: BTreeMap<SessionId, Clean<Tombstone>>,
}

/// A session that goes.
#[derive(Debug, Clone, PartialEq)]
pub struct PurgedSession {
    /// Its head, as it last was.
    pub head: Head,
    /// How many revisions of it there are.
    pub revisions: u64,
}

impl Repository {
    /// Says what purging sessions, deleted or not, would take away: they and their sub-agents'.
    ///
    /// # Errors
    /// `NotFound`: history has no such session.
    pub fn plan_purge(&mut self, ids: &[SessionId]) -> Result<PurgePlan> {
        attempted(self, Operation::Purge, ids, |it| it.look_for(ids))
    }

    fn look_for(&mut self, ids: &[SessionId]) -> Result<PurgePlan> {
        let mut all = self.with_subagents(ids)?;
        for id in ids {
            for other in self.index(|index| index.deleted_with(*id))? {
                let stored = self.last_before_deletion(other)?;
                let parent = self.store.head(&stored)?.into_inner().parent;
                let is_child = parent.is_some_and(|parent| parent.session == id.to_string());
                if is_child && !all.contains(&other) {
                    all.push(other);
                }
            }
        }
        let at = Timestamp::from_instant(self.now());
        let mut plan = PurgePlan {
            sessions: Vec::new(),
            revisions: self.store.whole_history()?.len() as u64,
            remotes: self.store.remotes(),
            tombstones: BTreeMap::new(),
        };
        for id in all {
            let revisions = self.index(|index| index.revisions(id))?.len() as u64;
            let stored = self.last_before_deletion(id)?;
            let head = self.store.head(&stored)?.into_inner();
            plan.tombstones.insert(id, tombstone_of(&self.store, &stored, &at)?);
            plan.sessions.push(PurgedSession { head, revisions });
        }
        Ok(plan)
    }

    /// Takes the sessions of a plan out of all history. There is no way back.
    ///
    /// # Errors
    /// As [`Repository::scrub`]; `Locked` also while a program holds one of them.
    pub fn purge(&mut self, plan: &PurgePlan) -> Result<RewriteOutcome> {
        let ids: Vec<SessionId> = plan.sessions.iter().map(|session| session.head.id).collect();
        observed(self, Operation::Purge, &ids, |it| it.take_out(plan))
    }

    fn take_out(&mut self, plan: &PurgePlan) -> Result<RewriteOutcome> {
        let ids: Vec<SessionId> = plan.sessions.iter().map(|session| session.head.id).collect();
        self.silence_in_audit_log(&ids)?;
        let count = plan.sessions.len();
        let sessions = if count == 1 { "session" } else { "sessions" };
        self.rewrite_history(
            ("purge", format!("{count} {sessions}")),
            &mut |_, _, _, renewal| {
                renewal.purged.clone_from(&plan.tombstones);
                Ok(())
            },
            &|_| None,
            // Whoever holds one of them goes on with it: its next save would bring it back.
            &|journal| plan.tombstones.contains_key(&journal.session),
        )
    }
}
