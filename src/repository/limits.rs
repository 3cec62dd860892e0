//! The soft limit on the store's size: past it the user is told, at most once a day, with what
//! would free space and how much.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::config::Section;
use crate::error::Result;
use crate::index::Filter;
use crate::index::Index;
use crate::repository::Repository;
use crate::repository::upkeep::is_due;
use crate::session::SessionId;

/// How long it is at least from one notice to the next.
const PAUSE: TimeDelta = TimeDelta::days(1);

/// That the store is past its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageNotice {
    /// How many bytes it has.
    pub size: u64,
    /// How many it should have at most.
    pub limit: u64,
    /// What would free space, the most first.
    pub remedies: Vec<Remedy>,
}

/// Something that would free space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remedy {
    /// What it is.
    pub kind: RemedyKind,
    /// How many bytes, as measured.
    pub frees: u64,
}

/// What would free space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemedyKind {
    /// Packing the store; at least as much.
    Pack,
    /// Taking the deleted sessions out of history.
    PurgeDeleted,
    /// Letting go what retention does not keep, and taking that out of history.
    PruneAndPurge,
}

impl Repository {
    /// Whether the store is past the limit that the user has set, if that was not said within the
    /// day. Who asks must tell it.
    ///
    /// # Errors
    /// `Invalid`: `limits.size` cannot be used; the message names file, line and key.
    pub fn storage_notice(&mut self) -> Result<Option<StorageNotice>> {
        let settings = self.settings();
        settings.check(Section::Limits)?;
        let Some(limit) = settings.size_limit.value else {
            return Ok(None);
        };
        let (mut state, now) = (self.upkeep_state(), self.now());
        if !is_due(state.noticed, PAUSE, now) {
            return Ok(None);
        }
        let size = self.store.size()?;
        if size <= limit {
            return Ok(None);
        }
        state.noticed = Some(now);
        self.keep_upkeep_state(&state)?;
        let level = settings.packing_level.value;
        Ok(Some(StorageNotice { size, limit, remedies: self.remedies(level)? }))
    }

    /// The sessions that are deleted and that history still holds.
    pub fn deleted_sessions(&mut self) -> Result<Vec<SessionId>> {
        self.index(Index::deleted)
    }

    fn remedies(&mut self, level: u8) -> Result<Vec<Remedy>> {
        let deleted: BTreeSet<SessionId> = self.deleted_sessions()?.into_iter().collect();
        // A mistake in the settings of retention has its own place to be told.
        let plan = self.plan_prune(&Filter::default()).unwrap_or_default();
        let pruned: BTreeSet<SessionId> = plan.dropped.iter().map(|it| it.head.id).collect();
        let all = if pruned.is_empty() { BTreeSet::new() } else { &pruned | &deleted };
        // What cannot be measured, for want of a git program say, is not promised.
        let measured = [
            (RemedyKind::Pack, self.store.gain_of_packing(level)),
            (RemedyKind::PurgeDeleted, self.store.bytes_only_in(&deleted)),
            (RemedyKind::PruneAndPurge, self.store.bytes_only_in(&all)),
        ];
        let mut remedies: Vec<Remedy> = measured
            .into_iter()
            .filter_map(|(kind, frees)| Some(Remedy { kind, frees: frees.ok()? }))
            .filter(|remedy| remedy.frees > 0)
            .collect();
        remedies.sort_by_key(|remedy| std::cmp::Reverse(remedy.frees));
        Ok(remedies)
    }
}
