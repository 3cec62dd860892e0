//! Merging two histories: what becomes of each session that they have otherwise.
//!
//! A session that one side alone changed is taken from there. What both changed is merged record
//! by record. Of a deletion and new records the records win; two tombstones become one that knows
//! the records of both.

use std::collections::HashSet;

use crate::error::Result;
use crate::format::Tombstone;
use crate::redact::Clean;
use crate::repository::change::Bench;
use crate::repository::delete::shorten;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::merge;
use crate::store::Batch;
use crate::store::Change;
use crate::store::MergeSides;
use crate::store::ObjectId;
use crate::store::SessionState;
use crate::store::StagedSession;
use crate::store::Store;
use crate::store::StoredSession;

/// A merge that is ready.
pub(super) struct Merging<'s> {
    ours: RevisionId,
    theirs: RevisionId,
    /// What the files that people put beside the sessions are compared with.
    file_base: Option<RevisionId>,
    batch: Batch<'s>,
    changes: Vec<Change>,
    /// Sessions that are taken from the other side, deletions too.
    pub(super) came: Vec<SessionId>,
    /// Sessions that both had changed.
    pub(super) merged: Vec<SessionId>,
    /// Sessions that one had deleted and the other went on with.
    pub(super) kept: Vec<SessionId>,
}

impl<'s> Merging<'s> {
    /// Decides what becomes of each session. `base`: a revision that both come from, if there is
    /// one.
    pub(super) fn of(store: &'s Store, (ours, theirs, base): MergeSides<'_>) -> Result<Self> {
        let ids = store.differing_sessions(ours, theirs)?;
        Self::of_sessions(store, (ours, theirs, base), &ids)
    }

    /// The same, for those sessions only.
    pub(super) fn of_sessions(
        store: &'s Store,
        (ours, theirs, base): MergeSides<'_>,
        ids: &[SessionId],
    ) -> Result<Self> {
        let mut merging = Self {
            ours: ours.clone(),
            theirs: theirs.clone(),
            file_base: base.cloned(),
            batch: store.batch(),
            changes: Vec::new(),
            came: Vec::new(),
            merged: Vec::new(),
            kept: Vec::new(),
        };
        for id in ids.iter().copied() {
            let here = store.session_state(ours, id)?;
            let there = store.session_state(theirs, id)?;
            let before = base.map(|base| store.session_state(base, id)).transpose()?;
            if before == Some(there) || there.is_nothing() {
                continue;
            }
            if before == Some(here) || here.is_nothing() {
                merging.take(store, id, (here, there))?;
            } else {
                merging.join(store, id, here)?;
            }
        }
        Ok(merging)
    }

    /// Compares the files that people put beside the sessions with another revision.
    pub(super) fn with_file_base(self, base: RevisionId) -> Self {
        Self { file_base: Some(base), ..self }
    }

    /// Whether nothing is to be changed here.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Makes the commit; none: main moved meanwhile.
    pub(super) fn commit(self, store: &Store) -> Result<Option<RevisionId>> {
        let sides = (&self.ours, &self.theirs, self.file_base.as_ref());
        Ok(store.commit_merge(self.batch, sides, &self.changes, &self.merged)?)
    }

    /// The top folder that the commit would have, for whoever makes it himself.
    pub(super) fn tree(self, store: &Store) -> Result<ObjectId> {
        let sides = (&self.ours, &self.theirs, self.file_base.as_ref());
        Ok(store.merged_tree(self.batch, sides, &self.changes)?)
    }

    /// Makes the commit, and leaves main where it is.
    pub(super) fn write(mut self, store: &Store) -> Result<RevisionId> {
        let sides = (&self.ours, &self.theirs, self.file_base.as_ref());
        Ok(store.write_merge(&mut self.batch, sides, &self.changes, &self.merged)?)
    }

    /// Takes what the other side has.
    fn take(
        &mut self,
        store: &Store,
        id: SessionId,
        (here, there): (SessionState, SessionState),
    ) -> Result<()> {
        self.came.push(id);
        let change = match there.tree {
            Some(tree) => as_it_is(store, id, here.tree, tree)?,
            None => match store.tombstone(&self.theirs, id)? {
                Some(tombstone) => Change::Delete { base: here.tree, tombstone },
                None => return Ok(()),
            },
        };
        self.changes.push(change);
        Ok(())
    }

    /// Makes one of what both sides have.
    fn join(&mut self, store: &Store, id: SessionId, here: SessionState) -> Result<()> {
        let (ours, theirs) = (store.session(&self.ours, id)?, store.session(&self.theirs, id)?);
        let stones = (store.tombstone(&self.ours, id)?, store.tombstone(&self.theirs, id)?);
        let change = match (ours, theirs) {
            (Some(ours), Some(theirs)) if ours.is_older() || theirs.is_older() => {
                // What neither side could migrate both have, in their histories.
                let is_better = |it: &StoredSession| (!it.is_older(), it.tree);
                if is_better(&ours) >= is_better(&theirs) {
                    return Ok(());
                }
                self.came.push(id);
                as_it_is(store, id, here.tree, theirs.tree)?
            }
            (Some(ours), Some(theirs)) => {
                self.merged.push(id);
                self.joined(store, &ours, &theirs)?
            }
            (Some(live), None) | (None, Some(live)) => {
                let ((Some(stone), None) | (None, Some(stone))) = stones else { return Ok(()) };
                if goes_on(store, &live, &stone)? {
                    self.kept.push(id);
                    self.brought_back(store, here, &live)?
                } else {
                    self.came.push(id);
                    Change::Delete { base: here.tree, tombstone: stone }
                }
            }
            (None, None) => {
                let (Some(ours), Some(theirs)) = stones else { return Ok(()) };
                let tombstone = ours.join(theirs).map(|(ours, theirs)| union(ours, theirs));
                Change::Delete { base: None, tombstone }
            }
        };
        self.changes.push(change);
        Ok(())
    }

    /// A session that one side deleted and the other went on with: with what the side that deleted
    /// it had of it, which the other may never have seen.
    fn brought_back(
        &mut self,
        store: &Store,
        here: SessionState,
        live: &StoredSession,
    ) -> Result<Change> {
        let deleted_by = if here.tree.is_none() { &self.ours } else { &self.theirs };
        store.check_session(live.id, live.tree)?;
        let mut stream = store.records(live)?;
        if let Some(more) = buried_stream(store, deleted_by, live.id)? {
            stream = stream.join(more).map(|(left, right)| merge(&left, &right));
        }
        let base = here.tree.map(|_| live);
        Ok(Bench::plan_whole(&mut self.batch, live.id, base, stream, 0)?.change)
    }

    /// The records of both.
    fn joined(
        &mut self,
        store: &Store,
        ours: &StoredSession,
        theirs: &StoredSession,
    ) -> Result<Change> {
        // Of one of a later version nobody here knows all that it says.
        store.check_session(theirs.id, theirs.tree)?;
        let [left, right] = store.records_of_both(ours, theirs)?;
        let stream = left.join(right).map(|(left, right)| merge(&left, &right));
        Ok(Bench::plan_whole(&mut self.batch, ours.id, Some(ours), stream, 0)?.change)
    }
}

impl SessionState {
    fn is_nothing(&self) -> bool {
        self.tree.is_none() && self.tombstone.is_none()
    }
}

/// The records that a deleted session had, in all lines of the history that leads to `at`. None:
/// it was in none.
pub(super) fn buried_stream(
    store: &Store,
    at: &RevisionId,
    id: SessionId,
) -> Result<Option<Clean<Vec<Record>>>> {
    let mut stream: Option<Clean<Vec<Record>>> = None;
    for buried in store.buried_sessions(at, id)? {
        let more = store.records(&buried)?;
        stream = Some(match stream {
            Some(stream) => stream.join(more).map(|(left, right)| merge(&left, &right)),
            None => more,
        });
    }
    Ok(stream)
}

/// A session as one side has it.
pub(super) fn as_it_is(
    store: &Store,
    id: SessionId,
    base: Option<ObjectId>,
    tree: ObjectId,
) -> Result<Change> {
    let stored = store.session_of_tree(id, &tree.to_string())?;
    let stored = stored.expect("the tree was found in a revision");
    if stored.is_older() {
        // Whoever could not migrate it knows no more of it than that.
        return Ok(Change::Keep { id, base, file: tree });
    }
    Ok(Change::Save(StagedSession { id, base, tree, head: store.head(&stored)? }))
}

/// Whether a session has records that its tombstone does not know.
pub(super) fn goes_on(store: &Store, live: &StoredSession, stone: &Tombstone) -> Result<bool> {
    let buried: HashSet<&RecordKey> = stone.keys.iter().collect();
    let keys: Clean<Vec<RecordKey>> = store.records(live)?.derive(|stream| Keys::of(stream));
    Ok(keys.iter().any(|key| !buried.contains(&shorten(key))))
}

/// One tombstone of two: the records of both, and the earlier time.
fn union(mut ours: Tombstone, theirs: Tombstone) -> Tombstone {
    ours.keys.extend(theirs.keys);
    ours.keys.sort_unstable();
    ours.keys.dedup();
    ours.at = ours.at.min(theirs.at);
    ours.session = ours.session.max(theirs.session);
    ours.agent = ours.agent.min(theirs.agent);
    ours
}
