//! Retention: which sessions are kept and which are let go, and why. Pure: sessions, limits and the
//! time in, a verdict on each out.
//!
//! A session and its sub-agents' sessions stay or go together. What is pinned, held by a program,
//! or without a time stays whatever the limits are, but counts as much as any other. Of the rest
//! the newest stay: the limits never let a session go and keep an older one.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::HashMap;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;

use crate::session::SessionId;

/// A session, as retention looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionItem {
    /// The session.
    pub id: SessionId,
    /// When it was changed last, if that is known.
    pub at: Option<DateTime<Utc>>,
    /// How much it holds.
    pub bytes: u64,
    /// The session that started it.
    pub parent: Option<SessionId>,
    /// Which of the limits are its own.
    pub group: usize,
    /// Whether it is pinned.
    pub is_pinned: bool,
    /// Whether a program holds it.
    pub is_live: bool,
}

/// The limits for a group of sessions; without any all of them stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionLimits {
    /// The most sessions, sub-agents' not counted.
    pub count: Option<u64>,
    /// How long a session stays after its last change.
    pub age: Option<TimeDelta>,
    /// The most bytes of them together.
    pub size: Option<u64>,
}

/// Why a session stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepReason {
    /// It is pinned, or one of its family is.
    Pinned,
    /// A program holds it, or one of its family.
    Live,
    /// Nobody knows how old it is.
    Undated,
    /// No limit asks for it.
    Within,
}

/// Why a session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// It was not changed for longer than this.
    Age(TimeDelta),
    /// There are this many that are newer.
    Count(u64),
    /// With it, those that are newer hold more than these bytes.
    Size(u64),
}

/// What becomes of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retained {
    /// It stays.
    Kept(KeepReason),
    /// It goes.
    Dropped(DropReason),
}

/// A session with its sub-agents' sessions, and theirs.
#[derive(Debug, Clone)]
struct Family {
    root: SessionId,
    at: Option<DateTime<Utc>>,
    bytes: u64,
    group: usize,
    guard: Option<KeepReason>,
}

/// What stays and what goes. `limits`: those of each group.
pub fn plan_retention(
    items: &[RetentionItem],
    limits: &[RetentionLimits],
    now: DateTime<Utc>,
) -> BTreeMap<SessionId, Retained> {
    let roots = roots(items);
    let mut groups: BTreeMap<usize, Vec<Family>> = BTreeMap::new();
    for family in families(items, &roots) {
        groups.entry(family.group).or_default().push(family);
    }
    let mut verdicts = HashMap::new();
    for (group, families) in groups {
        let limits = limits.get(group).copied().unwrap_or_default();
        verdicts.extend(judge(families, limits, now));
    }
    items.iter().map(|item| (item.id, verdicts[&roots[&item.id]])).collect()
}

/// The head of the family of each session.
fn roots(items: &[RetentionItem]) -> HashMap<SessionId, SessionId> {
    let parents: HashMap<SessionId, Option<SessionId>> =
        items.iter().map(|item| (item.id, item.parent)).collect();
    let root = |id: SessionId| {
        let mut root = id;
        // Sessions that claim to have started one another have no head: each then stands alone.
        for _ in 0..parents.len() {
            match parents[&root].filter(|parent| parents.contains_key(parent)) {
                Some(parent) => root = parent,
                None => return root,
            }
        }
        id
    };
    items.iter().map(|item| (item.id, root(item.id))).collect()
}

fn families(items: &[RetentionItem], roots: &HashMap<SessionId, SessionId>) -> Vec<Family> {
    let mut families: BTreeMap<SessionId, Family> = BTreeMap::new();
    for item in items {
        let root = roots[&item.id];
        let family = families.entry(root).or_insert(Family {
            root,
            at: None,
            bytes: 0,
            group: item.group,
            guard: None,
        });
        if item.id == root {
            family.group = item.group;
        }
        family.at = family.at.max(item.at);
        family.bytes = family.bytes.saturating_add(item.bytes);
        family.guard = match (family.guard, item.is_pinned, item.is_live) {
            (Some(KeepReason::Pinned), _, _) | (_, true, _) => Some(KeepReason::Pinned),
            (_, _, true) => Some(KeepReason::Live),
            (guard, _, _) => guard,
        };
    }
    let undated = |mut family: Family| {
        if family.at.is_none() && family.guard.is_none() {
            family.guard = Some(KeepReason::Undated);
        }
        family
    };
    families.into_values().map(undated).collect()
}

fn judge(
    families: Vec<Family>,
    limits: RetentionLimits,
    now: DateTime<Utc>,
) -> Vec<(SessionId, Retained)> {
    let (guarded, mut free): (Vec<_>, Vec<_>) =
        families.into_iter().partition(|family| family.guard.is_some());
    free.sort_by_key(|family| (Reverse(family.at), family.root));
    let mut bytes = guarded.iter().fold(0, |sum: u64, it| sum.saturating_add(it.bytes));
    let mut verdicts: Vec<_> = guarded
        .iter()
        .filter_map(|family| Some((family.root, Retained::Kept(family.guard?))))
        .collect();
    let mut full = None;
    for (newer, family) in (guarded.len() as u64..).zip(free) {
        bytes = bytes.saturating_add(family.bytes);
        let is_old = |age: &TimeDelta| family.at.is_some_and(|at| now - at > *age);
        let reason = limits.age.filter(is_old).map(DropReason::Age);
        // Once they are full, nothing older finds a place, however small it is.
        full = full.or_else(|| {
            let count = limits.count.filter(|most| newer >= *most).map(DropReason::Count);
            count.or_else(|| limits.size.filter(|most| bytes > *most).map(DropReason::Size))
        });
        let kept = Retained::Kept(KeepReason::Within);
        verdicts.push((family.root, reason.or(full).map_or(kept, Retained::Dropped)));
    }
    verdicts
}

#[cfg(test)]
mod tests;
