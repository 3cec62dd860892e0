//! Reading sessions and tombstones from a revision.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use git2::ObjectType;
use git2::Oid;

use crate::format;
use crate::format::Tombstone;
use crate::redact::Clean;
use crate::session::Head;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::SessionChange;
use crate::store::Store;
use crate::store::StoredSession;
use crate::store::layout;
use crate::store::layout::FILES;
use crate::store::layout::HEAD;
use crate::store::layout::MESSAGES;
use crate::store::layout::SESSIONS;
use crate::store::layout::TOMBSTONES;
use crate::store::layout::Tree;
use crate::store::objects::corrupt;
use crate::store::refs::object_id;

impl Store {
    /// The session as `at` holds it.
    pub fn session(&self, at: &RevisionId, id: SessionId) -> Result<Option<StoredSession>, Error> {
        let what = format_args!("the folder of session {id}");
        let shard = self.shard(at, SESSIONS, id)?;
        match shard.map_or(Ok(None), |shard| folder(&shard, &id.to_string(), &what))? {
            Some(tree) => self.stored_session(id, tree).map(Some),
            None => self.older_session(at, id),
        }
    }

    /// A session by the id of its tree, in hex, as some revision has it; none: there is no such
    /// tree.
    pub fn session_of_tree(
        &self,
        id: SessionId,
        tree: &str,
    ) -> Result<Option<StoredSession>, Error> {
        let Ok(tree) = Oid::from_str(tree) else { return Ok(None) };
        match self.stored_session(id, tree) {
            Err(_) if self.is_file(tree) => Ok(Some(StoredSession::in_file(id, tree))),
            stored => stored.map(Some),
        }
    }

    /// A session by its tree.
    fn stored_session(&self, id: SessionId, tree: Oid) -> Result<StoredSession, Error> {
        let what = format_args!("session {id}");
        let top = self.read_tree(tree, &what)?;
        let damaged = |cause| corrupt(tree, &what, cause);
        let head = top.file(HEAD).map_err(damaged)?;
        let head = head.ok_or_else(|| damaged("it has no session.yaml".into()))?;
        let chunks = match top.folder(MESSAGES).map_err(damaged)? {
            Some(messages) => self.chunks(id, messages)?,
            None => Vec::new(),
        };
        Ok(StoredSession { id, tree: ObjectId(tree), head: ObjectId(head), chunks })
    }

    fn chunks(&self, id: SessionId, messages: Oid) -> Result<Vec<(u32, ObjectId)>, Error> {
        let what = format_args!("the messages of session {id}");
        let tree = self.read_tree(messages, &what)?;
        let mut chunks = Vec::with_capacity(tree.len());
        for entry in tree.iter() {
            let number = layout::chunk_number(id, &entry.name).filter(|_| entry.is_file());
            let number = number.ok_or_else(|| {
                let name = String::from_utf8_lossy(&entry.name);
                corrupt(messages, &what, format!("{name:?} in it is no file of this session"))
            })?;
            chunks.push((number, ObjectId(entry.id)));
        }
        chunks.sort_unstable();
        match (1..).zip(&chunks).find(|(expected, (number, _))| expected != number) {
            Some((lost, _)) => {
                let name = layout::chunk_name(id, lost);
                Err(corrupt(messages, &what, format!("{name} is not in it")))
            }
            None => Ok(chunks),
        }
    }

    /// Its head.
    pub fn head(&self, session: &StoredSession) -> Result<Clean<Head>, Error> {
        if session.is_older() {
            return Ok(self.migrated(session.id, session.tree)?.head.clone());
        }
        let what = format_args!("{HEAD} of session {}", session.id);
        let text = self.head_text(session)?;
        let head = format::parse_head(&text);
        head.map(Clean::stored).map_err(|error| unreadable(session.head.0, &what, error))
    }

    /// Refuses to write a session anew that a later version has written: what it says there cannot
    /// be known here.
    pub fn check_session(&self, id: SessionId, tree: ObjectId) -> Result<(), Error> {
        // What cannot be read, or is of an older form, is told by whoever reads it.
        let Ok(top) = self.read_tree(tree.0, &format_args!("session {id}")) else { return Ok(()) };
        let Ok(Some(head)) = top.file(HEAD) else { return Ok(()) };
        let text = self.read_text(head, &format_args!("{HEAD} of session {id}"))?;
        if text.starts_with(&format!("schema: {SCHEMA_VERSION}\n")) {
            return Ok(());
        }
        match format::parse_head(&text) {
            Ok(head) if head.schema > SCHEMA_VERSION => {
                Err(Error::NewerSession { session: id, found: head.schema })
            }
            Err(format::Error::TooNew { found }) => Err(Error::NewerSession { session: id, found }),
            _ => Ok(()),
        }
    }

    /// The text of its `session.yaml`.
    pub fn head_text(&self, session: &StoredSession) -> Result<String, Error> {
        self.read_text(session.head.0, &format_args!("{HEAD} of session {}", session.id))
    }

    /// Its records, the whole stream.
    pub fn records(&self, session: &StoredSession) -> Result<Clean<Vec<Record>>, Error> {
        self.records_of(session, &session.chunks)
    }

    /// The records of its first chunks, at most so many.
    pub fn first_records(
        &self,
        session: &StoredSession,
        chunks: usize,
    ) -> Result<Clean<Vec<Record>>, Error> {
        self.records_of(session, &session.chunks[..chunks.min(session.chunks.len())])
    }

    /// The records of two sessions, or of two states of one; what the same chunks hold is read but
    /// once.
    pub fn records_of_both(
        &self,
        left: &StoredSession,
        right: &StoredSession,
    ) -> Result<[Clean<Vec<Record>>; 2], Error> {
        let pairs = left.chunks.iter().zip(&right.chunks);
        let (same, left_rest) = left.chunks.split_at(pairs.take_while(|(l, r)| l == r).count());
        let right_rest = &right.chunks[same.len()..];
        let same = self.records_of(left, same)?;
        let longer = |rest: Clean<Vec<Record>>, same: Clean<Vec<Record>>| {
            Clean::from_items(same.items().chain(rest.items()))
        };
        Ok([
            longer(self.records_of(left, left_rest)?, same.clone()),
            longer(self.records_of(right, right_rest)?, same),
        ])
    }

    /// The records of its last chunk.
    pub fn last_records(&self, session: &StoredSession) -> Result<Clean<Vec<Record>>, Error> {
        self.records_of(session, session.chunks.last().map_or(&[], std::slice::from_ref))
    }

    fn records_of(
        &self,
        session: &StoredSession,
        chunks: &[(u32, ObjectId)],
    ) -> Result<Clean<Vec<Record>>, Error> {
        let mut records = Vec::new();
        for chunk in chunks {
            let found = self.chunk_records(session.id, session.tree, *chunk)?;
            records.extend(found.into_inner());
        }
        Ok(Clean::stored(records))
    }

    /// Reads the list of its large payloads, if it has one.
    pub fn check_files(&self, session: &StoredSession) -> Result<(), Error> {
        if session.is_older() {
            return Ok(());
        }
        let what = format_args!("session {}", session.id);
        let top = self.read_tree(session.tree.0, &what)?;
        let files = folder(&top, FILES, &what)?;
        files.map_or(Ok(()), |files| self.read_tree(files, &what).map(drop))
    }

    /// A large payload of a session.
    pub(super) fn file(
        &self,
        id: SessionId,
        tree: ObjectId,
        name: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        let what = format_args!("session {id}");
        let top = self.read_tree(tree.0, &what)?;
        let Some(files) = folder(&top, FILES, &what)? else {
            return Ok(None);
        };
        let what = format_args!("the file {name} of session {id}");
        let tree = self.read_tree(files, &what)?;
        match tree.file(name).map_err(|cause| corrupt(files, &what, cause))? {
            Some(id) => self.read(id, ObjectType::Blob, &what).map(Some),
            None => Ok(None),
        }
    }

    /// The tombstone that `at` holds for a session.
    pub fn tombstone(
        &self,
        at: &RevisionId,
        id: SessionId,
    ) -> Result<Option<Clean<Tombstone>>, Error> {
        let Some(shard) = self.shard(at, TOMBSTONES, id)? else {
            return Ok(None);
        };
        let what = format_args!("the tombstone of session {id}");
        let name = layout::tombstone_name(id);
        let found =
            shard.file(&name).map_err(|cause| Error::Corrupt { what: what.to_string(), cause })?;
        let Some(blob) = found else { return Ok(None) };
        let text = self.read_text(blob, &what)?;
        let tombstone = format::parse_tombstone(&text);
        tombstone
            .map(|found| Some(Clean::stored(found)))
            .map_err(|error| unreadable(blob, &what, error))
    }

    /// The sessions that a revision holds.
    pub fn sessions(&self, at: &RevisionId) -> Result<Vec<SessionId>, Error> {
        Ok(self.changes(None, at)?.into_iter().map(|change| change.id).collect())
    }

    /// The sessions that differ between two revisions, by tree ids; from nothing when `from` is
    /// none.
    ///
    /// Folders with equal ids are not entered, so it costs what changed: libgit2's own comparison
    /// reads both trees whole.
    pub fn changes(
        &self,
        from: Option<&RevisionId>,
        to: &RevisionId,
    ) -> Result<Vec<SessionChange>, Error> {
        let old = match from {
            Some(from) => self.area(from)?,
            None => Arc::default(),
        };
        let new = self.area(to)?;
        self.changes_between(&old, &new)
    }

    /// As [`Store::changes`], as far as folders can be read: nothing is said of sessions in one that
    /// `to` has and that cannot, and what lay in one that `from` had counts as not there before.
    pub fn changes_in_part(
        &self,
        from: Option<&RevisionId>,
        to: &RevisionId,
    ) -> Result<Vec<SessionChange>, Error> {
        let old = match from {
            Some(from) => known(self.area(from))?.unwrap_or_default(),
            None => Arc::default(),
        };
        let Some(new) = known(self.area(to))? else { return Ok(Vec::new()) };
        let (mut old, mut new) = (Tree::clone(&old), Tree::clone(&new));
        for name in differing(&old, &new) {
            if known(self.shard_in(&new, &name))?.is_none() {
                new.drop_if(|entry| entry.name == name);
                old.drop_if(|entry| entry.name == name);
            } else if known(self.shard_in(&old, &name))?.is_none() {
                old.drop_if(|entry| entry.name == name);
            }
        }
        self.changes_between(&old, &new)
    }

    /// The sessions that `from` has in folders which `to` has too, but cannot be read there: nobody knows
    /// what became of them.
    pub fn hidden_sessions(
        &self,
        from: &RevisionId,
        to: &RevisionId,
    ) -> Result<Vec<SessionId>, Error> {
        let (old, new) = (known(self.area(from))?, known(self.area(to))?);
        let (Some(old), Some(new)) = (old, new) else { return Ok(Vec::new()) };
        let mut hidden = Vec::new();
        for name in differing(&old, &new) {
            if known(self.shard_in(&new, &name))?.is_none() {
                let before = known(self.shard_in(&old, &name))?.unwrap_or_default();
                hidden.extend(before.iter().filter_map(|it| layout::session_of(&name, &it.name)));
            }
        }
        Ok(hidden)
    }

    fn changes_between(&self, old: &Tree, new: &Tree) -> Result<Vec<SessionChange>, Error> {
        let (mut changes, mut seen) = (Vec::new(), BTreeSet::new());
        for name in differing(old, new) {
            let mut ids: Vec<SessionId> = layout::older_session_of(&name).into_iter().collect();
            if ids.is_empty() {
                let (old, new) = (self.shard_in(old, &name)?, self.shard_in(new, &name)?);
                let inner = differing(&old, &new);
                ids.extend(inner.iter().filter_map(|inner| layout::session_of(&name, inner)));
            }
            for id in ids.into_iter().filter(|id| seen.insert(*id)) {
                let (before, tree) = (self.tree_in(old, id)?, self.tree_in(new, id)?);
                if before != tree {
                    changes.push(SessionChange { id, tree, existed: before.is_some() });
                }
            }
        }
        Ok(changes)
    }

    /// The tree, or file, of a session in a folder `sessions`.
    fn tree_in(&self, area: &Tree, id: SessionId) -> Result<Option<ObjectId>, Error> {
        let shard = self.shard_in(area, id.shard().as_bytes())?;
        let found = shard.folder(&id.to_string()).ok().flatten();
        // A file with another mode than a plain one's is none of ours.
        let older = || area.file(&layout::older_name(id)).ok().flatten();
        Ok(found.or_else(older).map(ObjectId))
    }

    fn shard_in(&self, area: &Tree, name: &[u8]) -> Result<Arc<Tree>, Error> {
        match std::str::from_utf8(name).ok().and_then(|name| area.folder(name).ok().flatten()) {
            Some(id) => self.read_tree(id, &SESSIONS),
            None => Ok(Arc::default()),
        }
    }

    /// Whether a revision can be read as far as its sessions are found by it.
    ///
    /// # Errors
    /// [`Error::Corrupt`]: it cannot.
    pub fn check_readable(&self, at: &RevisionId) -> Result<(), Error> {
        self.area(at).map(drop)
    }

    /// The folder `sessions` of a revision.
    pub(super) fn area(&self, at: &RevisionId) -> Result<Arc<Tree>, Error> {
        let root = self.root(at)?;
        match folder(&root, SESSIONS, &format_args!("the revision {}", at.short()))? {
            Some(id) => self.read_tree(id, &SESSIONS),
            None => Ok(Arc::default()),
        }
    }

    /// The folder that a session, or its tombstone, would lie in.
    fn shard(
        &self,
        at: &RevisionId,
        area: &'static str,
        id: SessionId,
    ) -> Result<Option<Arc<Tree>>, Error> {
        let root = self.root(at)?;
        let Some(top) = folder(&root, area, &format_args!("the revision {}", at.short()))? else {
            return Ok(None);
        };
        let top = self.read_tree(top, &area)?;
        match folder(&top, &id.shard(), &area)? {
            Some(id) => self.read_tree(id, &area).map(Some),
            None => Ok(None),
        }
    }

    /// The top folder of a revision.
    pub(super) fn root(&self, at: &RevisionId) -> Result<Arc<Tree>, Error> {
        let commit = self.read_commit(object_id(at))?;
        self.read_tree(commit.tree, &format_args!("the top folder of the revision {}", at.short()))
    }
}

/// What was read; none: it is damaged.
pub(super) fn known<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(Error::Corrupt { .. }) => Ok(None),
        read => read.map(Some),
    }
}

fn folder(tree: &Tree, name: &str, what: &dyn Display) -> Result<Option<Oid>, Error> {
    tree.folder(name).map_err(|cause| Error::Corrupt { what: what.to_string(), cause })
}

/// The names of the entries that are not the same in both.
pub(super) fn differing(old: &Tree, new: &Tree) -> BTreeSet<Box<[u8]>> {
    let set = |tree: &Tree| tree.iter().map(|e| (e.name.clone(), e.id)).collect::<BTreeSet<_>>();
    let (old, new) = (set(old), set(new));
    old.symmetric_difference(&new).map(|(name, _)| name.clone()).collect()
}

pub(super) fn unreadable(id: Oid, what: &dyn Display, error: format::Error) -> Error {
    match error {
        format::Error::TooNew { found } => Error::TooNew { found },
        error => corrupt(id, what, error.to_string()),
    }
}
