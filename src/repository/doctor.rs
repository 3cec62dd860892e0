//! Checks of the store and its index.

use crate::error::Result;
use crate::index::Filter;
use crate::index::Page;
use crate::index::SortKey;
use crate::repository::Operation;
use crate::repository::Progress;
use crate::repository::Repository;
use crate::repository::observing::observed;
use crate::session::Head;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::session::Session;
use crate::session::SessionId;

/// A check of the doctor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// What was found, in one sentence.
    pub found: String,
    /// How bad it is.
    pub verdict: Verdict,
}

/// How bad a finding of the doctor's is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All is well.
    Fine,
    /// Worth knowing.
    Warning,
    /// Damage.
    Damaged,
}

impl Check {
    pub(super) fn fine(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, found: found.into(), verdict: Verdict::Fine }
    }

    pub(super) fn warning(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, found: found.into(), verdict: Verdict::Warning }
    }

    fn damaged(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, found: found.into(), verdict: Verdict::Damaged }
    }
}

impl Repository {
    /// Checks everything: every object of history, every session's records against its head, the
    /// index against the store, modes, journals, locks, settings, the agents' folders, the room on the
    /// disk, and the git program.
    pub fn doctor(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Check>> {
        observed(self, Operation::Doctor, &[], |it| it.check_all(progress))
    }

    fn check_all(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Check>> {
        let mut checks = self.check_objects(progress);
        checks.extend(self.check_sessions(progress)?);
        checks.push(self.check_index()?);
        checks.extend(self.check_surroundings());
        Ok(checks)
    }

    fn check_objects(&self, progress: &mut dyn FnMut(Progress)) -> Vec<Check> {
        let mut count = 0;
        let damages = self.store.check(&mut |done, total| {
            count = done;
            progress(Progress { unit: "objects", done, total });
        });
        if damages.is_empty() {
            return vec![Check::fine("objects", format!("{count}, all whole"))];
        }
        damages.iter().map(|damage| Check::damaged("objects", damage.to_string())).collect()
    }

    fn check_sessions(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Check>> {
        let tip = self.store.tip()?;
        let ids = self.store.sessions(&tip)?;
        let total = ids.len() as u64;
        let mut checks = Vec::new();
        for (done, id) in ids.into_iter().enumerate() {
            progress(Progress { unit: "sessions", done: done as u64 + 1, total });
            match self.examined(&tip, id) {
                Ok(head) => drop(self.index.mark_whole(id, &head)),
                Err(fault) => {
                    drop(self.index.mark_damaged(id, &fault));
                    checks.push(Check::damaged("sessions", format!("session {id}: {fault}")));
                }
            }
        }
        if checks.is_empty() {
            let found = format!("{total}, each as its head says");
            checks.push(Check::fine("sessions", found));
        }
        Ok(checks)
    }

    /// The head of a session, or what is wrong: it cannot be read, or its head is not what its
    /// records say.
    fn examined(&self, tip: &RevisionId, id: SessionId) -> std::result::Result<Head, String> {
        let read = || -> Result<(Head, Head)> {
            let stored = self.stored(tip, id)?;
            let head = self.store.head(&stored)?.into_inner();
            let records = self.store.records(&stored)?.into_inner();
            Ok((head, Session { id, records }.head()))
        };
        match read() {
            // What a later version says there cannot be known here.
            Ok((head, folded)) if folded == head || head.schema > SCHEMA_VERSION => Ok(head),
            Ok(_) => Err("its head is not what its records say".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(super) fn check_index(&mut self) -> Result<Check> {
        let stored = self.store.sessions(&self.store.tip()?)?.len() as u64;
        let everything = Filter { with_subagents: true, ..Filter::default() };
        let page = Page { offset: 0, limit: 1 };
        let indexed =
            self.index(|index| index.list(&everything, SortKey::Modified, false, page))?.1;
        Ok(if indexed == stored {
            Check::fine("index", "it lists them all".to_owned())
        } else {
            let found = format!("it lists {indexed} sessions, the store has {stored}");
            Check::damaged("index", found)
        })
    }
}
