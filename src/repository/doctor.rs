//! Checks of the store and its index.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::index::Filter;
use crate::index::Index;
use crate::repository::Damage;
use crate::repository::Operation;
use crate::repository::Progress;
use crate::repository::Repository;
use crate::repository::examine::Fault;
use crate::repository::examine::examine;
use crate::repository::observing::observed;
use crate::session::SessionId;
use crate::store::ObjectId;
use crate::store::Store;

/// How many sessions of a folder are named.
const SHOWN: usize = 5;

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

    pub(super) fn damaged(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, found: found.into(), verdict: Verdict::Damaged }
    }
}

impl Repository {
    /// Checks everything: every object of history, refs, every session's records against its head, the
    /// index against the store, modes and owners, journals, locks, settings, the agents' folders, the
    /// room on the disk, and the git program.
    pub fn doctor(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Check>> {
        observed(self, Operation::Doctor, &[], |it| it.check_all(progress))
    }

    fn check_all(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Check>> {
        let mut checks = self.check_objects(progress)?;
        checks.extend(self.check_refs()?);
        checks.extend(self.check_sessions(progress)?);
        checks.push(self.check_index()?);
        checks.extend(self.check_surroundings());
        Ok(checks)
    }

    fn check_objects(&self, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Check>> {
        let tip = self.store.tip()?;
        let mut count = 0;
        let damages = self.store.check(&tip, &mut |done, total| {
            count = done;
            progress(Progress { unit: "objects", done, total });
        });
        let mut checks = vec![Check::fine("objects", format!("{count}, all whole"))];
        if !damages.is_empty() {
            let (each, _) = self.store.found_sessions(&tip)?;
            let damaged = |damage: &Damage| {
                let found = damage.to_string() + &held_in(&damage.file, &each);
                Check::damaged("objects", found)
            };
            checks = damages.iter().map(damaged).collect();
        }
        for fault in self.store.derived_faults()? {
            let found = format!("{} {}", fault.path.display(), fault.cause);
            let check = if fault.is_damage() { Check::damaged } else { Check::warning };
            checks.push(check("packs", found));
        }
        // Where no folder can be read, nothing in it is foreign, and that was told.
        for name in self.store.foreign_names(&tip).unwrap_or_default() {
            let found = format!("{name} is no name of annals': it is kept, and never read");
            checks.push(Check::warning("names", found));
        }
        Ok(checks)
    }

    fn check_refs(&self) -> Result<Vec<Check>> {
        let damaged = |name: String| Check::damaged("refs", format!("{name} leads nowhere"));
        let mut checks: Vec<Check> = self.store.stray_refs()?.into_iter().map(damaged).collect();
        if !self.store.are_packed_refs_sound()? {
            let found = "packed-refs has lines that are no refs, so git reads none of it";
            checks.push(Check::damaged("refs", found));
        }
        if !self.store.is_head_sound() {
            checks.push(Check::damaged("refs", "HEAD names nothing, so git takes it for no store"));
        }
        if checks.is_empty() {
            checks.push(Check::fine("refs", "each leads somewhere"));
        }
        Ok(checks)
    }

    fn check_sessions(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Check>> {
        let (each, are_all) = self.store.found_sessions(&self.store.tip()?)?;
        let total = each.len() as u64;
        let mut checks = Vec::new();
        for (done, (id, tree)) in each.iter().enumerate() {
            progress(Progress { unit: "sessions", done: done as u64 + 1, total });
            match examine(&self.store, *id, *tree) {
                Ok(head) => drop(self.index.mark_whole(*id, &head)),
                Err(Fault::Damaged(fault) | Fault::Newer(fault)) => {
                    drop(self.index.mark_damaged(*id, &fault));
                    checks.push(Check::damaged("sessions", format!("session {id}: {fault}")));
                }
            }
        }
        if !are_all {
            // What lies in a folder that cannot be read, the index alone still knows.
            for id in listed_beside(&self.index, &each)? {
                let found = format!("session {id}: the folder that it is in cannot be read");
                checks.push(Check::damaged("sessions", found));
            }
        }
        if checks.is_empty() {
            let found = format!("{total}, each as its head says");
            checks.push(Check::fine("sessions", found));
        }
        Ok(checks)
    }

    fn check_index(&mut self) -> Result<Check> {
        // Whoever meets a damaged file of the index makes it anew.
        let damaged = self.index.fault()?;
        if damaged.is_some() {
            self.index.rebuild()?;
        }
        Ok(match (self.index_fault()?, damaged) {
            (Some(fault), _) => Check::damaged("index", fault),
            (None, Some(fault)) => Check::warning("index", format!("{fault}; it was made anew")),
            (None, None) => Check::fine("index", "it says of each what the store does"),
        })
    }

    /// What the index says otherwise than the store.
    pub(super) fn index_fault(&mut self) -> Result<Option<String>> {
        let Self { store, index, .. } = self;
        index_fault(store, index)
    }
}

/// Whom a folder that sessions share holds, as far as that is known: those that are in it now.
fn held_in(folder: &str, each: &[(SessionId, ObjectId)]) -> String {
    let is_in = |id: &SessionId| folder == format!("sessions/{}", id.shard());
    let ids = each.iter().map(|(id, _)| id).filter(|id| is_in(id));
    let ids: Vec<String> = ids.take(SHOWN).map(ToString::to_string).collect();
    if ids.is_empty() { String::new() } else { format!("; it is that of {}", ids.join(", ")) }
}

/// What an index says otherwise than the store: of which session, and of how many more.
pub(super) fn index_fault(store: &Store, index: &mut Index) -> Result<Option<String>> {
    if let Some(fault) = index.fault()? {
        return Ok(Some(fault));
    }
    if index.refresh(store).is_err() {
        return Ok(None);
    }
    let Some(at) = index.stands_for()? else { return Ok(None) };
    // Others may move it meanwhile: then it says nothing of that revision.
    let is_elsewhere = |index: &Index, (id, tree): (SessionId, ObjectId)| {
        index.tree_at(&at, id).map(|known| known.is_some_and(|known| known != tree.to_string()))
    };
    let (each, are_all) = store.found_sessions(&at)?;
    let mut faults = Vec::new();
    for (id, tree) in &each {
        let Ok(Some(stored)) = store.session_of_tree(*id, &tree.to_string()) else { continue };
        // What cannot be read is told of by whoever reads sessions.
        let Ok(head) = store.head(&stored) else { continue };
        match index.summary(*id)? {
            None => faults.push(format!("it does not list session {id}")),
            Some(summary) if summary.head != *head || is_elsewhere(index, (*id, *tree))? => {
                faults.push(format!("of session {id} it says something else than the store"));
            }
            Some(_) => {}
        }
    }
    if are_all {
        let gone = listed_beside(index, &each)?;
        faults.extend(gone.iter().map(|id| format!("it lists session {id}, which is not there")));
    }
    Ok(match faults.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        [first, more @ ..] => Some(format!("{first}; so of {} more", more.len())),
    })
}

/// The sessions that the index lists and that are not among these.
fn listed_beside(index: &Index, each: &[(SessionId, ObjectId)]) -> Result<Vec<SessionId>> {
    let everything = Filter { with_subagents: true, ..Filter::default() };
    let found: BTreeSet<SessionId> = each.iter().map(|(id, _)| *id).collect();
    let listed = index.matching(&everything)?.into_iter();
    Ok(listed.filter(|id| !found.contains(id)).collect())
}
