//! History made anew: the same commits over other trees, beside what stands.
//!
//! Nothing here changes what any ref leads to; [`Store::replace_history`] does, at the end. A
//! commit over which nothing changed keeps its id, and one that would change nothing any more is
//! left out. Signatures do not outlive a change.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use git2::ObjectType;
use git2::Oid;

use crate::format::Tombstone;
use crate::redact::Clean;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::StandingJournal;
use crate::store::Store;
use crate::store::Twins;
use crate::store::commit_text::named_session;
use crate::store::commit_text::without;
use crate::store::history::Commit;
use crate::store::layout;
use crate::store::layout::Entry;
use crate::store::layout::MARKER;
use crate::store::layout::SESSIONS;
use crate::store::layout::TOMBSTONES;
use crate::store::layout::Tree;
use crate::store::objects::corrupt;
use crate::store::refs::object_id;
use crate::store::refs::revision;

/// All that the refs of a store lead to, as they stood at one moment.
#[derive(Debug, PartialEq, Eq)]
pub struct History {
    /// Each ref below `refs/` and its commit, main first.
    pub(super) refs: Vec<(String, Oid)>,
    /// Parents before their children.
    commits: Vec<Oid>,
}

/// Gives a text without what must go; none: there is nothing of it.
pub type CleanText<'c> = dyn Fn(&[u8]) -> Option<Clean<Vec<u8>>> + 'c;

/// What a history is to become.
pub struct Rewrite<'r> {
    /// What becomes of sessions' trees; those that are not named stay.
    pub trees: &'r HashMap<ObjectId, ObjectId>,
    /// Sessions' trees that could not be read: their files are cleaned as other files are.
    pub unread: &'r HashSet<ObjectId>,
    /// Sessions that leave all revisions, each with what stands for it afterwards.
    pub purged: &'r BTreeMap<SessionId, Clean<Tombstone>>,
    /// Cleans what is no session's: subjects of commits, files that somebody put beside the
    /// sessions. None: it is clean.
    pub clean: &'r CleanText<'r>,
    /// Commits that are not made anew: what stands for them is there already.
    pub twins: &'r Twins,
    /// Whether a journal holds what must go: while one does, nothing is rewritten, for its owner
    /// would bring it back.
    pub brings_back: &'r dyn Fn(&StandingJournal) -> bool,
}

impl std::fmt::Debug for Rewrite<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Rewrite");
        shown.field("trees", &self.trees).field("purged", &self.purged).finish_non_exhaustive()
    }
}

/// A history made anew, its objects in a batch.
#[derive(Debug)]
pub struct Rewritten {
    /// What becomes of each commit.
    pub(super) commits: HashMap<Oid, Oid>,
    /// How many commits are other than they were.
    pub changed: u64,
}

impl Rewritten {
    /// What became of a revision.
    pub fn revision(&self, old: &RevisionId) -> RevisionId {
        self.commits.get(&object_id(old)).map_or_else(|| old.clone(), |new| revision(*new))
    }
}

impl History {
    /// How many commits there are.
    pub fn len(&self) -> usize {
        self.commits.len()
    }

    pub(super) fn contains(&self, commit: Oid) -> bool {
        self.commits.contains(&commit)
    }

    /// Its commits, parents before their children.
    pub(super) fn commits(&self) -> &[Oid] {
        &self.commits
    }

    /// The commits that have no twin.
    #[must_use]
    pub fn without(&self, twins: &Twins) -> Self {
        let is_own = |id: &&Oid| !twins.commits.contains_key(id);
        Self { refs: Vec::new(), commits: self.commits.iter().filter(is_own).copied().collect() }
    }

    /// Whether there are none; a store has at least one.
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }
}

impl Store {
    /// All that the refs lead to now. Copies of other repositories' refs do not count: they are
    /// dropped when history is replaced.
    pub fn whole_history(&self) -> Result<History, Error> {
        self.history_of(self.rewritable_refs()?)
    }

    /// All that leads to a revision, which no ref need lead to.
    pub fn history_to(&self, tip: &RevisionId) -> Result<History, Error> {
        self.history_of(vec![(String::new(), object_id(tip))])
    }

    fn history_of(&self, refs: Vec<(String, Oid)>) -> Result<History, Error> {
        let mut commits = Vec::new();
        let mut seen = HashSet::new();
        for (_, tip) in &refs {
            // A commit is listed when it is met for the second time, after all its parents.
            let mut waiting = vec![(*tip, false)];
            while let Some((id, are_parents_listed)) = waiting.pop() {
                if are_parents_listed {
                    commits.push(id);
                } else if seen.insert(id) {
                    waiting.push((id, true));
                    let commit = self.read_commit(id)?;
                    waiting.extend(commit.parents.iter().rev().map(|parent| (*parent, false)));
                }
            }
        }
        Ok(History { refs, commits })
    }

    /// Every tree that a session ever had in a history, older ones first. `each` is told how many
    /// commits are done.
    pub fn session_trees(
        &self,
        history: &History,
        each: &mut dyn FnMut(u64),
    ) -> Result<Vec<(SessionId, ObjectId)>, Error> {
        let (mut trees, mut seen) = (Vec::new(), HashSet::new());
        for (done, id) in (1..).zip(&history.commits) {
            let parent = self.read_commit(*id)?.parents.first().copied();
            for change in self.changes(parent.map(revision).as_ref(), &revision(*id))? {
                trees.extend(
                    change.tree.filter(|tree| seen.insert(*tree)).map(|it| (change.id, it)),
                );
            }
            each(done);
        }
        Ok(trees)
    }

    /// Makes a history anew, in `batch`.
    pub fn rewrite(
        &self,
        batch: &mut Batch<'_>,
        history: &History,
        rewrite: &Rewrite<'_>,
    ) -> Result<Rewritten, Error> {
        let (folders, commits) = (HashMap::new(), rewrite.twins.commits.clone());
        let mut work = Work { store: self, batch, rewrite, folders, commits };
        for id in history.commits.iter().filter(|id| !rewrite.twins.commits.contains_key(id)) {
            work.commit(*id)?;
        }
        let changed = work.commits.iter().filter(|(old, new)| old != new).count() as u64;
        Ok(Rewritten { commits: work.commits, changed })
    }
}

/// Which folder of a revision it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    /// The top one.
    Root,
    /// `sessions`.
    Sessions,
    /// One in `sessions`.
    Shard([u8; 2]),
    /// What annals does not know, or could not read.
    Other,
}

struct Work<'w, 's> {
    store: &'w Store,
    batch: &'w mut Batch<'s>,
    rewrite: &'w Rewrite<'w>,
    /// What became of folders and files; none: nothing is left in the folder.
    folders: HashMap<(Place, Oid), Option<Oid>>,
    /// What became of commits.
    commits: HashMap<Oid, Oid>,
}

impl Work<'_, '_> {
    fn commit(&mut self, id: Oid) -> Result<(), Error> {
        let what = format_args!("the revision {:.8}", id.to_string());
        let bytes = self.store.read(id, ObjectType::Commit, &what)?;
        let commit = Commit::parse(&bytes);
        let commit = commit.ok_or_else(|| corrupt(id, &what, "it is no commit".into()))?;
        let tree = self.root(commit.tree)?;
        let mut parents: Vec<Oid> = Vec::new();
        for parent in &commit.parents {
            let parent = self.commits.get(parent).copied().unwrap_or(*parent);
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        let new = if self.is_left_out(&commit, tree)? {
            parents[0]
        } else {
            let message = self.message(id, &commit)?;
            let is_same = tree == commit.tree && parents == commit.parents && message.is_none();
            if is_same {
                id
            } else {
                let bytes = render(&bytes, tree, &parents, message.as_deref());
                self.batch.put(ObjectType::Commit, bytes)?
            }
        };
        self.commits.insert(id, new);
        Ok(())
    }

    /// Whether the commit changed something, and would now change nothing.
    fn is_left_out(&mut self, commit: &Commit, tree: Oid) -> Result<bool, Error> {
        let [parent] = commit.parents.as_slice() else { return Ok(false) };
        let before = self.store.read_commit(*parent)?.tree;
        Ok(before != commit.tree && self.root(before)? == tree)
    }

    /// The top folder as it must be now.
    fn root(&mut self, id: Oid) -> Result<Oid, Error> {
        match self.folder(Place::Root, id)? {
            Some(root) => Ok(root),
            None => self.batch.put_tree(&Tree::default()),
        }
    }

    /// The folder as it must be now; none: nothing is left in it.
    fn folder(&mut self, place: Place, id: Oid) -> Result<Option<Oid>, Error> {
        if let Some(new) = self.folders.get(&(place, id)) {
            return Ok(*new);
        }
        let tree = self.store.read_tree(id, &"a folder")?;
        let new = tree.try_map(|entry| self.entry(place, entry))?;
        let new = match () {
            () if new == *tree => Some(id),
            () if new.is_empty() => None,
            () => Some(self.batch.put_tree(&new)?),
        };
        self.folders.insert((place, id), new);
        Ok(new)
    }

    fn entry(&mut self, place: Place, entry: &Entry) -> Result<Option<Oid>, Error> {
        let is_folder = entry.is_folder();
        match (place, &*entry.name) {
            (Place::Root, name) if is_folder && name == SESSIONS.as_bytes() => {
                self.folder(Place::Sessions, entry.id)
            }
            // Ids and hashes, no content.
            (Place::Root, name) if is_folder && name == TOMBSTONES.as_bytes() => Ok(Some(entry.id)),
            (Place::Root, name) if entry.is_file() && name == MARKER.as_bytes() => {
                Ok(Some(entry.id))
            }
            (Place::Sessions, name) if entry.is_file() => self.older(name, entry.id),
            (Place::Sessions, &[a, b]) if is_folder => self.folder(Place::Shard([a, b]), entry.id),
            (Place::Shard(shard), name) if is_folder => match layout::session_of(&shard, name) {
                Some(session) => self.session(session, entry.id),
                None => self.folder(Place::Other, entry.id),
            },
            _ if is_folder => self.folder(Place::Other, entry.id),
            _ if entry.is_submodule() => Ok(Some(entry.id)),
            _ => self.file(entry.id).map(Some),
        }
    }

    fn session(&mut self, session: SessionId, tree: Oid) -> Result<Option<Oid>, Error> {
        if self.rewrite.purged.contains_key(&session) {
            Ok(None)
        } else if self.rewrite.unread.contains(&ObjectId(tree)) {
            self.folder(Place::Other, tree)
        } else {
            Ok(Some(self.rewrite.trees.get(&ObjectId(tree)).map_or(tree, |new| new.0)))
        }
    }

    /// A file of an older schema, or one that somebody put beside it.
    fn older(&mut self, name: &[u8], file: Oid) -> Result<Option<Oid>, Error> {
        let session = layout::older_session_of(name);
        match session.and_then(|_| self.rewrite.trees.get(&ObjectId(file))) {
            _ if session.is_some_and(|id| self.rewrite.purged.contains_key(&id)) => Ok(None),
            Some(new) => Ok(Some(new.0)),
            None => self.file(file).map(Some),
        }
    }

    fn file(&mut self, id: Oid) -> Result<Oid, Error> {
        if let Some(Some(new)) = self.folders.get(&(Place::Other, id)) {
            return Ok(*new);
        }
        let bytes = self.store.read(id, ObjectType::Blob, &"a file")?;
        let new = match (self.rewrite.clean)(&bytes) {
            Some(bytes) => self.batch.put(ObjectType::Blob, bytes.into_inner())?,
            None => id,
        };
        self.folders.insert((Place::Other, id), Some(new));
        Ok(new)
    }

    /// What the commit says now; none: the same.
    fn message(&self, id: Oid, commit: &Commit) -> Result<Option<String>, Error> {
        let gone = self.purged_in(id, commit)?;
        if !gone.is_empty() && commit.is_ours() {
            return Ok(Some(without(commit.message(), &gone)));
        }
        // Of our own words only the subject holds any of a session's; the rest are names and ids.
        let (subject, rest) = match commit.message().split_once('\n') {
            Some(parts) if commit.is_ours() => parts,
            _ => (commit.message(), ""),
        };
        let Some(clean) = (self.rewrite.clean)(subject.as_bytes()) else { return Ok(None) };
        let mut message = String::from_utf8_lossy(&clean).into_owned();
        if subject.len() < commit.message().len() {
            message.push('\n');
            message.push_str(rest);
        }
        Ok(Some(message))
    }

    /// The purged sessions that the commit changed or names.
    fn purged_in(&self, id: Oid, commit: &Commit) -> Result<BTreeSet<SessionId>, Error> {
        if self.rewrite.purged.is_empty() {
            return Ok(BTreeSet::new());
        }
        let parent = commit.parents.first().copied().map(revision);
        let changes = self.store.changes(parent.as_ref(), &revision(id))?;
        let changed = changes.into_iter().map(|change| change.id);
        let named = commit.message().lines().filter_map(named_session);
        let is_purged = |id: &SessionId| self.rewrite.purged.contains_key(id);
        Ok(changed.chain(named).filter(is_purged).collect())
    }
}

/// The commit over another tree, on other parents, with another message if there is one.
fn render(commit: &[u8], tree: Oid, parents: &[Oid], message: Option<&str>) -> Vec<u8> {
    let end = memchr::memmem::find(commit, b"\n\n").unwrap_or(commit.len());
    let mut text = format!("tree {tree}\n").into_bytes();
    for parent in parents {
        text.extend_from_slice(format!("parent {parent}\n").as_bytes());
    }
    let mut is_kept = true;
    for line in commit[..end].split(|byte| *byte == b'\n') {
        // A line that begins with a space goes on with the field before it.
        if !line.starts_with(b" ") {
            let dropped: [&[u8]; 4] = [b"tree ", b"parent ", b"gpgsig", b"mergetag "];
            is_kept = !dropped.iter().any(|field| line.starts_with(field));
        }
        if is_kept {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
    }
    text.push(b'\n');
    match message {
        Some(message) => text.extend_from_slice(message.as_bytes()),
        None => text.extend_from_slice(commit.get(end + 2..).unwrap_or_default()),
    }
    text
}
