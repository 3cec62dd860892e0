//! Which commits of one history another has too, as they are or without what was taken out of
//! them.
//!
//! A rewriting of history keeps of a commit who made it, when, and on top of what, and of its
//! sessions which records they have. So its scrubbed form is found again, with no list of what
//! became what. Commits that are not found so, or from which more was taken out here, are of this
//! history alone.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use git2::ObjectType;
use git2::Oid;

use crate::session::Keys;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::has_more_redactions;
use crate::store::Error;
use crate::store::History;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::StoredSession;
use crate::store::refs::revision;

/// What two histories have in common, but for what was taken out of the second.
#[derive(Debug, Default)]
pub struct Twins {
    /// What stands in the second for each commit that both have.
    pub(super) commits: HashMap<Oid, Oid>,
    /// What stands in the second for sessions' trees.
    pub trees: HashMap<ObjectId, ObjectId>,
}

/// Shown a session's records, and what became of them.
pub(super) type SeeTwins<'s> = dyn FnMut(&[Record], &[Record]) + 's;

impl Store {
    /// Compares a history with the one that leads to `scrubbed`. `see` is shown the records that
    /// differ.
    pub fn twins(
        &self,
        history: &History,
        scrubbed: &RevisionId,
        see: &mut SeeTwins<'_>,
    ) -> Result<Twins, Error> {
        let other = self.history_to(scrubbed)?;
        let known: HashSet<Oid> = other.commits().iter().copied().collect();
        let ours: HashSet<Oid> = history.commits().iter().copied().collect();
        let mut candidates: BTreeMap<Vec<u8>, Vec<Oid>> = BTreeMap::new();
        for commit in other.commits().iter().filter(|commit| !ours.contains(commit)) {
            candidates.entry(self.signature(*commit)?).or_default().push(*commit);
        }
        let (twins, images, compared) = Default::default();
        let mut work = Work { store: self, scrubbed, see, twins, images, compared };
        for commit in history.commits() {
            if known.contains(commit) {
                work.pair(*commit, *commit)?;
                continue;
            }
            let others = candidates.get_mut(&self.signature(*commit)?);
            work.look_for(*commit, others)?;
        }
        Ok(work.twins)
    }

    /// What a rewriting leaves of a commit, but for its place: the lines of its head, and the
    /// trailers that name no session.
    fn signature(&self, commit: Oid) -> Result<Vec<u8>, Error> {
        let what = format_args!("the revision {:.8}", commit.to_string());
        let bytes = self.read(commit, ObjectType::Commit, &what)?;
        let text = String::from_utf8_lossy(&bytes);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let is_kept = |line: &&str| {
            let moved = ["tree ", "parent ", "gpgsig", "mergetag ", " ", "Annals-Session"];
            !moved.iter().any(|start| line.starts_with(start))
        };
        let lines = head.lines().chain(message.lines().skip(1)).filter(is_kept);
        Ok(lines.collect::<Vec<_>>().join("\n").into_bytes())
    }
}

struct Work<'w> {
    store: &'w Store,
    scrubbed: &'w RevisionId,
    see: &'w mut SeeTwins<'w>,
    twins: Twins,
    /// What stands for a commit if nothing is left of it: what stands for its parent.
    images: HashMap<Oid, Oid>,
    /// Pairs of trees or chunks that were compared, and whether they are of the same records.
    compared: HashMap<(ObjectId, ObjectId), bool>,
}

impl Work<'_> {
    /// Looks for what stands for a commit among others of its signature.
    fn look_for(&mut self, commit: Oid, others: Option<&mut Vec<Oid>>) -> Result<(), Error> {
        let parents = self.parents(commit)?;
        if let (Some(parents), Some(others)) = (&parents, others) {
            for place in 0..others.len() {
                let other = others[place];
                let is_twin = self.store.read_commit(other)?.parents == *parents
                    && self.is_twin(commit, other)?;
                if is_twin {
                    others.swap_remove(place);
                    return self.pair(commit, other);
                }
            }
        }
        if let Some([parent]) = parents.as_deref() {
            self.images.insert(commit, *parent);
        }
        Ok(())
    }

    /// What stands for the parents of a commit, each once; none: one has nothing that does.
    fn parents(&self, commit: Oid) -> Result<Option<Vec<Oid>>, Error> {
        let mut parents = Vec::new();
        for parent in &self.store.read_commit(commit)?.parents {
            let image = self.twins.commits.get(parent).or_else(|| self.images.get(parent));
            match image {
                None => return Ok(None),
                Some(image) if parents.contains(image) => {}
                Some(image) => parents.push(*image),
            }
        }
        Ok(Some(parents))
    }

    /// Notes what stands for a commit; commits before it of which nothing was left were of both.
    fn pair(&mut self, commit: Oid, other: Oid) -> Result<(), Error> {
        let mut waiting = vec![commit];
        while let Some(id) = waiting.pop() {
            for parent in &self.store.read_commit(id)?.parents {
                if let Some(image) = self.images.remove(parent) {
                    self.twins.commits.insert(*parent, image);
                    waiting.push(*parent);
                }
            }
        }
        self.twins.commits.insert(commit, other);
        Ok(())
    }

    /// Whether one commit did what the other did, but for what was taken out.
    fn is_twin(&mut self, commit: Oid, other: Oid) -> Result<bool, Error> {
        let (here, there) = (self.changed(commit)?, self.changed(other)?);
        let mut trees = Vec::new();
        for id in here.keys().chain(there.keys()).collect::<BTreeSet<_>>() {
            let tree = |at: Oid| -> Result<Option<ObjectId>, Error> {
                Ok(self.store.session(&revision(at), *id)?.map(|stored| stored.tree))
            };
            match (tree(commit)?, tree(other)?) {
                (ours, theirs) if ours == theirs => {}
                (Some(_), None) if self.store.tombstone(self.scrubbed, *id)?.is_some() => {}
                (Some(ours), Some(theirs)) if self.is_same(*id, ours, theirs)? => {
                    trees.push((ours, theirs));
                }
                _ => return Ok(false),
            }
        }
        self.twins.trees.extend(trees);
        Ok(true)
    }

    /// The sessions that a commit changed, with what they became.
    fn changed(&self, commit: Oid) -> Result<BTreeMap<SessionId, Option<ObjectId>>, Error> {
        let parent = self.store.read_commit(commit)?.parents.first().copied().map(revision);
        let changes = self.store.changes(parent.as_ref(), &revision(commit))?;
        Ok(changes.into_iter().map(|change| (change.id, change.tree)).collect())
    }

    /// Whether two trees of a session are of the same records.
    fn is_same(&mut self, id: SessionId, ours: ObjectId, theirs: ObjectId) -> Result<bool, Error> {
        let stored = |tree: ObjectId| -> Result<StoredSession, Error> {
            let stored = self.store.session_of_tree(id, &tree.to_string())?;
            Ok(stored.expect("the tree was found in a revision"))
        };
        let (ours, theirs) = (stored(ours)?, stored(theirs)?);
        let numbers = |stored: &StoredSession| -> Vec<u32> {
            stored.chunks.iter().map(|(number, _)| *number).collect()
        };
        // What differs is the last chunk, most of the time, and that has most of its records of the
        // commit before.
        let mut is_same = numbers(&ours) == numbers(&theirs);
        for (left, right) in ours.chunks.iter().zip(&theirs.chunks) {
            let part = |whole: &StoredSession, chunk: &(u32, ObjectId)| StoredSession {
                chunks: vec![*chunk],
                ..whole.clone()
            };
            is_same = is_same
                && self.is_same_stream(
                    (left.1, right.1),
                    (&part(&ours, left), &part(&theirs, right)),
                )?;
        }
        Ok(is_same || self.is_same_stream((ours.tree, theirs.tree), (&ours, &theirs))?)
    }

    fn is_same_stream(
        &mut self,
        pair: (ObjectId, ObjectId),
        (ours, theirs): (&StoredSession, &StoredSession),
    ) -> Result<bool, Error> {
        if pair.0 == pair.1 {
            return Ok(true);
        }
        if let Some(is_same) = self.compared.get(&pair) {
            return Ok(*is_same);
        }
        let (ours, theirs) = (self.store.records(ours)?, self.store.records(theirs)?);
        let is_same = Keys::of(&ours) == Keys::of(&theirs)
            && !ours.iter().zip(theirs.iter()).any(|(a, b)| has_more_redactions(a, b));
        if is_same {
            (self.see)(&ours, &theirs);
        }
        self.compared.insert(pair, is_same);
        Ok(is_same)
    }
}
