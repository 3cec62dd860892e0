//! One commit: changes of sessions, put on top of the tip under the store's lock.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Arc;

use git2::ObjectType;
use git2::Oid;

use crate::format;
use crate::format::Marker;
use crate::format::Tombstone;
use crate::redact::Clean;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::Change;
use crate::store::CommitNote;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Remains;
use crate::store::Store;
use crate::store::commit_text::CommitText;
use crate::store::commit_text::subject_line;
use crate::store::init::ATTRIBUTES_TEXT;
use crate::store::layout;
use crate::store::layout::ATTRIBUTES;
use crate::store::layout::Entry;
use crate::store::layout::MARKER;
use crate::store::layout::SESSIONS;
use crate::store::layout::TOMBSTONES;
use crate::store::layout::Tree;
use crate::store::objects::corrupt;
use crate::store::older::older_file;
use crate::store::refs::object_id;
use crate::store::refs::revision;

/// Who writes where the user's git does not say.
pub(super) const NEUTRAL_AUTHOR: &str = "annals <annals@localhost>";
/// How often a commit starts again because somebody moved main without the store's lock.
const TRIES: u64 = 100;

/// Makes a change anew on top of the tip; none: there is nothing left to do for it.
pub type Rebase<'r> =
    dyn FnMut(&mut Batch<'_>, &RevisionId, Change) -> Result<Option<Change>, Error> + 'r;

impl Store {
    /// Commits changes whose objects are in `batch`, on top of the tip, under the store's lock.
    ///
    /// When a session's tree at the tip is not the one that a change was made from, `rebase` makes
    /// the change anew, still under the lock; none: there is nothing left to do for it. Returns the
    /// new revision, or none when nothing changes.
    pub fn commit(
        &self,
        mut batch: Batch<'_>,
        note: &CommitNote,
        mut changes: Vec<Change>,
        rebase: &mut Rebase<'_>,
    ) -> Result<Option<RevisionId>, Error> {
        batch.prepare()?;
        let _lock = self.lock()?;
        if self.is_outdated() {
            return Err(Error::Rewritten);
        }
        for _ in 0..TRIES {
            let tip = self.tip()?;
            self.check_schema(&tip)?;
            let mut edit = TipEdit::new(self, &tip)?;
            let mut settled = Vec::with_capacity(changes.len());
            for change in changes {
                settled.extend(edit.settle(&mut batch, &tip, change, rebase)?);
            }
            changes = settled;
            let Some(commit) = edit.write_commit(&mut batch, note, object_id(&tip))? else {
                return Ok(None);
            };
            let message = note.subject_line();
            if self.advance(&mut batch, (object_id(&tip), commit), note.at, &message)? {
                edit.remember();
                return Ok(Some(revision(commit)));
            }
        }
        Err(Error::Locked { seconds: 0 })
    }

    /// The author of commits, as the user's git has it.
    pub(super) fn author(&self) -> &str {
        self.author.get_or_init(|| {
            let config = self.repository.config().and_then(|mut config| config.snapshot());
            let read = |key| {
                let text = config.as_ref().ok()?.get_string(key).ok()?;
                let is_plain = |c: &char| !c.is_control() && !matches!(c, '<' | '>');
                let text: String = text.chars().filter(is_plain).collect();
                let text = text.trim().to_owned();
                (!text.is_empty()).then_some(text)
            };
            match (read("user.name"), read("user.email")) {
                (Some(name), Some(email)) => format!("{name} <{email}>"),
                _ => NEUTRAL_AUTHOR.to_owned(),
            }
        })
    }
}

impl Change {
    /// The session that changes.
    pub fn session(&self) -> SessionId {
        match self {
            Self::Save(staged) => staged.id,
            Self::Keep { id, .. } => *id,
            Self::Delete { tombstone, .. } => tombstone.id,
        }
    }

    /// The tree that it was made from.
    fn base(&self) -> Option<Oid> {
        match self {
            Self::Save(staged) => staged.base.map(|base| base.0),
            Self::Keep { base, .. } | Self::Delete { base, .. } => base.map(|base| base.0),
        }
    }
}

impl CommitNote {
    pub(super) fn subject_line(&self) -> String {
        subject_line(self.operation, &self.subject)
    }
}

/// The tip's folders, as far as changes touch them.
pub(super) struct TipEdit<'s> {
    store: &'s Store,
    base: Oid,
    pub(super) root: Tree,
    areas: BTreeMap<&'static str, AreaEdit>,
    changed: Vec<SessionId>,
    written: Vec<(Oid, Tree)>,
}

/// The folder `sessions` or `tombstones`, with its touched folders.
#[derive(Default)]
struct AreaEdit {
    top: Tree,
    shards: BTreeMap<String, Tree>,
}

impl<'s> TipEdit<'s> {
    pub(super) fn new(store: &'s Store, tip: &RevisionId) -> Result<Self, Error> {
        let base = store.read_commit(object_id(tip))?.tree;
        let root = Tree::clone(&*store.root(tip)?);
        let (areas, changed, written) = (BTreeMap::new(), Vec::new(), Vec::new());
        Ok(Self { store, base, root, areas, changed, written })
    }

    /// One of a tip that is damaged, with what stands in for its folders.
    pub(super) fn over(store: &'s Store, remains: &Remains) -> Result<Self, Error> {
        let base = store.read_commit(object_id(&remains.at))?.tree;
        let (root, changed, written) = (remains.root.clone(), Vec::new(), Vec::new());
        let mut edit = Self { store, base, root, areas: BTreeMap::new(), changed, written };
        for (area, top) in &remains.areas {
            edit.areas.insert(area, AreaEdit { top: top.clone(), shards: BTreeMap::new() });
        }
        for ((area, name), shard) in &remains.shards {
            edit.area(area)?.shards.insert(name.clone(), shard.clone());
        }
        Ok(edit)
    }

    /// One of a history that begins.
    pub(super) fn begin(store: &'s Store, batch: &mut Batch<'_>) -> Result<Self, Error> {
        let mut root = Tree::default();
        let text = ATTRIBUTES_TEXT.as_bytes().to_vec();
        root.set_file(ATTRIBUTES, batch.put(ObjectType::Blob, text)?);
        let (areas, changed, written) = (BTreeMap::new(), Vec::new(), Vec::new());
        Ok(Self { store, base: Oid::ZERO_SHA1, root, areas, changed, written })
    }

    /// Takes a change in, made anew if its session is no longer what it was made from.
    fn settle(
        &mut self,
        batch: &mut Batch<'_>,
        tip: &RevisionId,
        change: Change,
        rebase: &mut Rebase<'_>,
    ) -> Result<Option<Change>, Error> {
        let change = if self.session_tree(change.session())? == change.base() {
            change
        } else {
            match rebase(batch, tip, change)? {
                Some(change) => change,
                None => return Ok(None),
            }
        };
        let session = change.session();
        if self.session_tree(session)? != change.base() {
            return Err(Error::Stale { session });
        }
        self.apply(batch, &change)?;
        Ok(Some(change))
    }

    fn session_tree(&mut self, id: SessionId) -> Result<Option<Oid>, Error> {
        let shard = self.shard(SESSIONS, id)?;
        let what = format!("the folder of session {id}");
        let found = shard.folder(&id.to_string());
        match found.map_err(|cause| Error::Corrupt { what, cause })? {
            Some(tree) => Ok(Some(tree)),
            None => older_file(&self.area(SESSIONS)?.top, id),
        }
    }

    /// Takes a change in, whatever it was made from.
    pub(super) fn apply(&mut self, batch: &mut Batch<'_>, change: &Change) -> Result<(), Error> {
        let id = change.session();
        let (name, stone) = (id.to_string(), layout::tombstone_name(id));
        let before = self.entries_of(id)?;
        let older = layout::older_name(id);
        let file = older_file(&self.area(SESSIONS)?.top, id)?;
        match change {
            Change::Save(staged) => {
                check_staged(batch, id, staged.tree)?;
                self.place(id, staged.tree)?;
                self.shard(TOMBSTONES, id)?.remove(&stone);
            }
            Change::Keep { file, .. } => {
                check_staged(batch, id, *file)?;
                self.shard(SESSIONS, id)?.remove(&name);
                self.shard(TOMBSTONES, id)?.remove(&stone);
                self.area(SESSIONS)?.top.set_file(&older, file.0);
            }
            Change::Delete { tombstone, .. } => {
                let tree = self.shard(SESSIONS, id)?.folder(&name).ok().flatten();
                tree.map_or(Ok(()), |tree| self.store.check_session(id, ObjectId(tree)))?;
                let text = format::render_tombstone(tombstone);
                let blob = batch.put(ObjectType::Blob, text.into_bytes())?;
                self.shard(SESSIONS, id)?.remove(&name);
                self.shard(TOMBSTONES, id)?.set_file(&stone, blob);
            }
        }
        if file.is_some() && !matches!(change, Change::Keep { .. }) {
            self.area(SESSIONS)?.top.remove(&older);
        }
        let is_same =
            self.entries_of(id)? == before && older_file(&self.area(SESSIONS)?.top, id)? == file;
        if !is_same {
            self.changed.push(id);
        }
        Ok(())
    }

    /// What a session's own folder and tombstone are.
    fn entries_of(&mut self, id: SessionId) -> Result<[Option<Entry>; 2], Error> {
        let (name, stone) = (id.to_string(), layout::tombstone_name(id));
        let folder = self.shard(SESSIONS, id)?.entry(name.as_bytes()).cloned();
        Ok([folder, self.shard(TOMBSTONES, id)?.entry(stone.as_bytes()).cloned()])
    }

    /// Has a session in that tree.
    pub(super) fn place(&mut self, id: SessionId, tree: ObjectId) -> Result<(), Error> {
        self.shard(SESSIONS, id)?.set_folder(&id.to_string(), tree.0);
        Ok(())
    }

    /// Takes files of older schemas away, by their names.
    pub(super) fn drop_older(&mut self, is_gone: &dyn Fn(&[u8]) -> bool) -> Result<(), Error> {
        let top = &mut self.area(SESSIONS)?.top;
        top.drop_if(|entry| entry.is_file() && is_gone(&entry.name));
        Ok(())
    }

    /// Puts a tombstone where there is none yet.
    pub(super) fn bury(
        &mut self,
        batch: &mut Batch<'_>,
        tombstone: &Clean<Tombstone>,
    ) -> Result<(), Error> {
        let (id, name) = (tombstone.id, layout::tombstone_name(tombstone.id));
        self.changed.push(id);
        let found = self.shard(TOMBSTONES, id)?.file(&name);
        let what = || format!("the tombstone of session {id}");
        if found.map_err(|cause| Error::Corrupt { what: what(), cause })?.is_none() {
            let text = format::render_tombstone(tombstone);
            let blob = batch.put(ObjectType::Blob, text.into_bytes())?;
            self.shard(TOMBSTONES, id)?.set_file(&name, blob);
        }
        Ok(())
    }

    /// Puts another marker in place.
    pub(super) fn mark(&mut self, batch: &mut Batch<'_>, marker: &Marker) -> Result<(), Error> {
        let text = format::render_marker(marker);
        self.root.set_file(MARKER, batch.put(ObjectType::Blob, text.into_bytes())?);
        Ok(())
    }

    /// Writes the touched folders and the commit; none when all is as it was.
    pub(super) fn write_commit(
        &mut self,
        batch: &mut Batch<'_>,
        note: &CommitNote,
        tip: Oid,
    ) -> Result<Option<Oid>, Error> {
        let root = self.write_root(batch)?;
        if root == self.base {
            return Ok(None);
        }
        let mut named = HashSet::new();
        self.changed.retain(|id| named.insert(*id));
        let text = CommitText {
            operation: note.operation,
            subject: &note.subject,
            sessions: &self.changed,
            schema: SCHEMA_VERSION,
            at: note.at,
        };
        let bytes = text.render(root, &[tip], self.store.author());
        batch.put(ObjectType::Commit, bytes).map(Some)
    }

    /// Writes the touched folders.
    pub(super) fn write_root(&mut self, batch: &mut Batch<'_>) -> Result<Oid, Error> {
        for (area, mut edit) in std::mem::take(&mut self.areas) {
            for (name, shard) in std::mem::take(&mut edit.shards) {
                self.write(batch, &mut edit.top, &name, shard)?;
            }
            let mut root = std::mem::take(&mut self.root);
            self.write(batch, &mut root, area, edit.top)?;
            self.root = root;
        }
        let root = batch.put_tree(&self.root)?;
        self.written.push((root, self.root.clone()));
        Ok(root)
    }

    /// Writes a folder into the one above it; an empty one vanishes.
    fn write(
        &mut self,
        batch: &mut Batch<'_>,
        above: &mut Tree,
        name: &str,
        tree: Tree,
    ) -> Result<(), Error> {
        if tree.is_empty() {
            above.remove(name);
            return Ok(());
        }
        let id = batch.put_tree(&tree)?;
        above.set_folder(name, id);
        self.written.push((id, tree));
        Ok(())
    }

    /// Keeps the written folders in memory: the next save reads them.
    fn remember(self) {
        let mut cache = self.store.trees.borrow_mut();
        self.written.into_iter().for_each(|(id, tree)| cache.add(id, Arc::new(tree)));
    }

    /// The folder that a session, or its tombstone, lies in.
    fn shard(&mut self, area: &'static str, id: SessionId) -> Result<&mut Tree, Error> {
        let name = id.shard();
        let (store, base) = (self.store, self.base);
        let edit = self.area(area)?;
        if !edit.shards.contains_key(&name) {
            let shard = read_folder(store, base, &edit.top, &name)?;
            edit.shards.insert(name.clone(), shard);
        }
        Ok(edit.shards.entry(name).or_default())
    }

    fn area(&mut self, area: &'static str) -> Result<&mut AreaEdit, Error> {
        if !self.areas.contains_key(area) {
            let top = read_folder(self.store, self.base, &self.root, area)?;
            self.areas.insert(area, AreaEdit { top, shards: BTreeMap::new() });
        }
        Ok(self.areas.entry(area).or_default())
    }
}

/// A folder of the tip, to be edited.
fn read_folder(store: &Store, base: Oid, above: &Tree, name: &str) -> Result<Tree, Error> {
    match above.folder(name) {
        Ok(Some(id)) => store.read_tree(id, &name).map(|tree| Tree::clone(&tree)),
        Ok(None) => Ok(Tree::default()),
        Err(cause) => Err(corrupt(base, &"the tip", cause)),
    }
}

/// Every object of a commit must be there before it is.
fn check_staged(batch: &Batch<'_>, id: SessionId, tree: ObjectId) -> Result<(), Error> {
    if batch.has(tree.0) {
        return Ok(());
    }
    let what = format_args!("the staged session {id}");
    Err(corrupt(tree.0, &what, "it belongs to another batch".into()))
}
