//! Two histories: how they stand to each other, what differs, and the commit that joins them.
//!
//! What a session comes to is decided above ([`crate::session::merge`]). Here a merge commit is
//! made the same on every machine: of the same two revisions, in whatever order, comes the same
//! commit. So machines that merge each other's work come to rest.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::sync::Arc;

use chrono::DateTime;
use chrono::Utc;
use git2::ObjectType;

use crate::format::Marker;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::Change;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::StoredSession;
use crate::store::commit::NEUTRAL_AUTHOR;
use crate::store::commit::TipEdit;
use crate::store::commit_text::CommitText;
use crate::store::git;
use crate::store::layout;
use crate::store::layout::MARKER;
use crate::store::layout::SESSIONS;
use crate::store::layout::TOMBSTONES;
use crate::store::layout::Tree;
use crate::store::refs::object_id;
use crate::store::refs::revision;
use crate::store::sessions::differing;

/// How one revision stands to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// They are the same.
    Same,
    /// The other is among its ancestors.
    Ahead,
    /// It is among the other's ancestors.
    Behind,
    /// Each has what the other has not; with a revision that both come from, if there is one.
    Apart(Option<RevisionId>),
}

/// Ours, theirs, and a revision that both come from, if there is one.
pub type MergeSides<'r> = (&'r RevisionId, &'r RevisionId, Option<&'r RevisionId>);

/// What a revision has of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionState {
    /// The tree of the session, if it is there.
    pub tree: Option<ObjectId>,
    /// Its tombstone, if it was deleted.
    pub tombstone: Option<ObjectId>,
}

/// Which of two histories were scrubbed since they were last the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScrubsApart {
    /// Ours was, and theirs was not.
    pub only_here: bool,
    /// Theirs was, and ours was not.
    pub only_there: bool,
}

impl ScrubsApart {
    /// Where it was scrubbed, if only one of the two was, or each by itself.
    pub(super) fn side(self) -> Option<&'static str> {
        match self {
            Self { only_there: true, .. } => Some("there"),
            Self { only_here: true, .. } => Some("here"),
            _ => None,
        }
    }
}

impl Store {
    /// How `ours` stands to `theirs`.
    pub fn relation(&self, ours: &RevisionId, theirs: &RevisionId) -> Result<Relation, Error> {
        if ours == theirs {
            return Ok(Relation::Same);
        }
        let doing = "comparing two histories";
        let mut command = git::git_in(&self.path);
        command.args(["merge-base", ours.as_str(), theirs.as_str()]);
        let output = command.output().map_err(|error| Error::Program {
            doing: doing.into(),
            cause: format!("the git program cannot be started: {error}"),
        })?;
        let said = String::from_utf8_lossy(&output.stdout);
        match (output.status.code(), RevisionId::parse(said.trim())) {
            (Some(0), Some(base)) if base == *ours => Ok(Relation::Behind),
            (Some(0), Some(base)) if base == *theirs => Ok(Relation::Ahead),
            (Some(0), Some(base)) => Ok(Relation::Apart(Some(base))),
            (Some(1), _) => Ok(Relation::Apart(None)),
            _ => {
                let cause = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                Err(Error::Program { doing: doing.into(), cause })
            }
        }
    }

    /// The sessions that two revisions do not have alike, deleted ones too.
    pub fn differing_sessions(
        &self,
        left: &RevisionId,
        right: &RevisionId,
    ) -> Result<Vec<SessionId>, Error> {
        let mut ids = BTreeSet::new();
        for area in [SESSIONS, TOMBSTONES] {
            let (left, right) = (self.folder_at(left, area)?, self.folder_at(right, area)?);
            for shard in differing(&left, &right) {
                let name = String::from_utf8_lossy(&shard).into_owned();
                let inner = |tree: &Tree| match tree.folder(&name) {
                    Ok(Some(id)) => self.read_tree(id, &area).map(|tree| Tree::clone(&tree)),
                    _ => Ok(Tree::default()),
                };
                for name in differing(&inner(&left)?, &inner(&right)?) {
                    let stem = name.strip_suffix(b".yaml").unwrap_or(&name);
                    ids.extend(layout::session_of(&shard, stem));
                }
                ids.extend(layout::older_session_of(&shard).filter(|_| area == SESSIONS));
            }
        }
        Ok(ids.into_iter().collect())
    }

    /// What a revision has of a session.
    pub fn session_state(&self, at: &RevisionId, id: SessionId) -> Result<SessionState, Error> {
        let tree = self.session(at, id)?.map(|stored| stored.tree);
        let shard = self.folder_at(at, TOMBSTONES)?.folder(&id.shard()).ok().flatten();
        let stone = shard.map(|id| self.read_tree(id, &TOMBSTONES)).transpose()?;
        let name = layout::tombstone_name(id);
        let tombstone = stone.and_then(|shard| shard.file(&name).ok().flatten());
        Ok(SessionState { tree, tombstone: tombstone.map(ObjectId) })
    }

    /// A deleted session as it last was, in each line of the history that leads to `at`. What cannot
    /// be read is passed by.
    pub fn buried_sessions(
        &self,
        at: &RevisionId,
        id: SessionId,
    ) -> Result<Vec<StoredSession>, Error> {
        let mut found = Vec::new();
        let (mut waiting, mut seen) = (vec![object_id(at)], HashSet::new());
        while let Some(commit) = waiting.pop() {
            match self.session(&revision(commit), id) {
                Ok(Some(stored)) => found.push(stored),
                _ => {
                    let parents = self.read_commit(commit)?.parents.clone();
                    waiting.extend(parents.into_iter().filter(|parent| seen.insert(*parent)));
                }
            }
        }
        Ok(found)
    }

    /// Moves main on to a revision that comes from it; false: main was moved meanwhile.
    pub fn fast_forward(
        &self,
        (from, to): (&RevisionId, &RevisionId),
        at: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let _lock = self.lock()?;
        if self.is_outdated() {
            return Err(Error::Rewritten);
        }
        if self.tip()? != *from {
            return Ok(false);
        }
        self.check_schema(from)?;
        self.check_schema(to)?;
        let moved = (object_id(from), object_id(to));
        self.advance(&mut self.batch(), moved, at, "sync: what others saved")
    }

    /// Joins two revisions: `changes` turn what the first has into what both have. `merged`: the
    /// sessions that both had changed. None: main is no longer the first, and nothing happened.
    ///
    /// # Errors
    /// [`Error::Scrubbed`]: one side's history was scrubbed of what the other still has.
    pub fn commit_merge(
        &self,
        mut batch: Batch<'_>,
        (ours, theirs, base): MergeSides<'_>,
        changes: &[Change],
        merged: &[SessionId],
    ) -> Result<Option<RevisionId>, Error> {
        let scrubs = self.scrubs_apart(ours, theirs)?;
        if let Some(side) = scrubs.side() {
            return Err(Error::Scrubbed { side });
        }
        batch.prepare()?;
        let _lock = self.lock()?;
        if self.is_outdated() {
            return Err(Error::Rewritten);
        }
        if self.tip()? != *ours {
            return Ok(None);
        }
        let commit = self.write_merge(&mut batch, (ours, theirs, base), changes, merged)?;
        let at = self.commit_time(&commit)?;
        let moved = (object_id(ours), object_id(&commit));
        let moved = self.advance(&mut batch, moved, at, "merge: two histories")?;
        Ok(moved.then_some(commit))
    }

    /// Makes the commit of a merge and all that it needs; no ref moves.
    pub fn write_merge(
        &self,
        batch: &mut Batch<'_>,
        (ours, theirs, base): MergeSides<'_>,
        changes: &[Change],
        merged: &[SessionId],
    ) -> Result<RevisionId, Error> {
        self.check_schema(ours)?;
        self.check_schema(theirs)?;
        let tree = self.join_trees(batch, (ours, theirs, base), changes)?;
        let at = self.commit_time(ours)?.max(self.commit_time(theirs)?);
        let (subject, schema) = ("two histories", SCHEMA_VERSION);
        let text = CommitText { operation: "merge", subject, sessions: merged, schema, at };
        let mut parents = [object_id(ours), object_id(theirs)];
        parents.sort();
        let commit = text.render(tree, &parents, NEUTRAL_AUTHOR);
        let commit = batch.put(ObjectType::Commit, commit)?;
        batch.flush()?;
        Ok(revision(commit))
    }

    /// Which of two revisions' histories were scrubbed of what the other may still have.
    pub fn scrubs_apart(
        &self,
        ours: &RevisionId,
        theirs: &RevisionId,
    ) -> Result<ScrubsApart, Error> {
        let (ours, theirs) = (self.marker_at(ours)?, self.marker_at(theirs)?);
        let lacks = |a: &Marker, b: &Marker| b.scrubs.iter().any(|it| !a.scrubs.contains(it));
        Ok(ScrubsApart { only_here: lacks(&theirs, &ours), only_there: lacks(&ours, &theirs) })
    }

    /// The top folder of a revision that joins two, without making one: `changes` as for
    /// [`Store::commit_merge`].
    ///
    /// # Errors
    /// [`Error::Scrubbed`]: one side's history was scrubbed of what the other still has.
    pub fn merged_tree(
        &self,
        mut batch: Batch<'_>,
        (ours, theirs, base): MergeSides<'_>,
        changes: &[Change],
    ) -> Result<ObjectId, Error> {
        if let Some(side) = self.scrubs_apart(ours, theirs)?.side() {
            return Err(Error::Scrubbed { side });
        }
        for side in [ours, theirs] {
            self.check_schema(side)?;
        }
        let tree = self.join_trees(&mut batch, (ours, theirs, base), changes)?;
        batch.flush()?;
        Ok(ObjectId(tree))
    }

    fn join_trees(
        &self,
        batch: &mut Batch<'_>,
        (ours, theirs, base): MergeSides<'_>,
        changes: &[Change],
    ) -> Result<git2::Oid, Error> {
        let marker = self.joined_marker(ours, theirs)?;
        let mut edit = TipEdit::new(self, ours)?;
        for change in changes {
            edit.apply(batch, change)?;
        }
        edit.mark(batch, &marker)?;
        let base = base.map(|base| self.root(base)).transpose()?;
        edit.join_foreign(&*self.root(theirs)?, base.as_deref());
        edit.write_root(batch)
    }

    /// The marker of a store that both became.
    fn joined_marker(&self, ours: &RevisionId, theirs: &RevisionId) -> Result<Marker, Error> {
        let (ours, theirs) = (self.marker_at(ours)?, self.marker_at(theirs)?);
        let (mut first, second) =
            if ours.store <= theirs.store { (ours, theirs) } else { (theirs, ours) };
        first.schema = first.schema.max(second.schema);
        for scrub in second.scrubs {
            if !first.scrubs.contains(&scrub) {
                first.scrubs.push(scrub);
            }
        }
        first.scrubs.sort_unstable();
        for (name, value) in second.native {
            first.native.entry(name).or_insert(value);
        }
        Ok(first)
    }

    fn folder_at(&self, at: &RevisionId, area: &'static str) -> Result<Arc<Tree>, Error> {
        match self.root(at)?.folder(area) {
            Ok(Some(id)) => self.read_tree(id, &area),
            Ok(None) => Ok(Arc::default()),
            Err(cause) => Err(Error::Corrupt { what: area.to_owned(), cause }),
        }
    }
}

impl TipEdit<'_> {
    /// Merges what people put beside our own files. What only one side changed is taken from
    /// there; of two the one with the smaller id, and what one side changed and the other took
    /// away stays.
    fn join_foreign(&mut self, theirs: &Tree, base: Option<&Tree>) {
        let own = [SESSIONS, TOMBSTONES, MARKER].map(str::as_bytes);
        let all = self.root.iter().chain(theirs.iter()).filter(|it| it.is_file());
        let names: BTreeSet<String> = all
            .filter(|it| !own.contains(&&*it.name))
            .filter_map(|it| std::str::from_utf8(&it.name).ok().map(str::to_owned))
            .collect();
        for name in names {
            // What is no plain file on one side stays as it is here.
            let (Ok(here), Ok(there)) = (self.root.file(&name), theirs.file(&name)) else {
                continue;
            };
            let before = base.map(|base| base.file(&name).ok().flatten());
            match (here, there) {
                _ if before == Some(there) => {}
                (_, Some(there)) if before == Some(here) => self.root.set_file(&name, there),
                (_, None) if before == Some(here) => self.root.remove(&name),
                (Some(here), Some(there)) => self.root.set_file(&name, here.min(there)),
                (None, Some(there)) => self.root.set_file(&name, there),
                (_, None) => {}
            }
        }
    }
}
