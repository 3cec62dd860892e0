//! What can still be read of a revision that is damaged, and the commit that holds it.
//!
//! Folders that cannot be read are those of the newest older revision that has them; the files of a
//! session are read one by one, so that one that is damaged does not hide the others. What is read so
//! is put together elsewhere. History stays as it is: a commit on top has what was found.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;

use git2::ObjectType;
use git2::Oid;

use crate::format;
use crate::redact::Clean;
use crate::session::Head;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::Change;
use crate::store::CommitNote;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Remains;
use crate::store::Store;
use crate::store::commit::TipEdit;
use crate::store::init::ATTRIBUTES_TEXT;
use crate::store::layout;
use crate::store::layout::ATTRIBUTES;
use crate::store::layout::Entry;
use crate::store::layout::HEAD;
use crate::store::layout::MARKER;
use crate::store::layout::MESSAGES;
use crate::store::layout::SESSIONS;
use crate::store::layout::TOMBSTONES;
use crate::store::layout::Tree;
use crate::store::refs::MAIN;
use crate::store::refs::object_id;
use crate::store::refs::revision;
use crate::store::sessions::known;

/// What can be read of one state of a session.
#[derive(Debug, Default)]
pub struct SessionRemains {
    /// What can be read of its `session.yaml`.
    pub head: Option<Head>,
    /// Its chunks, as far as it is known that there were any.
    pub chunks: Vec<ChunkRemains>,
    /// What of the rest cannot be read.
    pub faults: Vec<String>,
}

/// What can be read of a chunk.
#[derive(Debug)]
pub struct ChunkRemains {
    /// Its number and id, if it is in the folder.
    pub chunk: (u32, Option<ObjectId>),
    /// Its records, or why there are none.
    pub records: Result<Clean<Vec<Record>>, String>,
    /// The files that were missing, by the places of the records in the chunk.
    pub lost_files: Vec<(usize, String)>,
}

impl Store {
    /// The revisions that can be read of a history, newest first along each line. Where it is torn, it
    /// goes on with what main's log and the other refs lead to.
    pub fn readable_revisions(&self, tip: &RevisionId) -> Result<Vec<RevisionId>, Error> {
        self.readable_from(Some(object_id(tip)))
    }

    /// The newest revision that can be read as far as its sessions are found by it.
    pub fn newest_readable(&self) -> Result<Option<RevisionId>, Error> {
        let revisions = self.readable_from(self.tip_id().ok())?;
        Ok(revisions.into_iter().find(|at| self.check_readable(at).is_ok()))
    }

    fn readable_from(&self, tip: Option<Oid>) -> Result<Vec<RevisionId>, Error> {
        let logged = self.logged(MAIN)?;
        let others = self.other_tips()?.into_iter().map(|(id, _)| id);
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        for start in tip.into_iter().chain(logged).chain(others) {
            let mut waiting = vec![start];
            while let Some(id) = waiting.pop() {
                if !seen.insert(id) {
                    continue;
                }
                if let Ok(commit) = self.read_commit(id) {
                    waiting.extend(commit.parents.iter().rev());
                    found.push(revision(id));
                }
            }
        }
        Ok(found)
    }

    /// What can be read of a revision; `revisions` are those whose folders stand in for others.
    pub fn remains(&self, at: &RevisionId, revisions: &[RevisionId]) -> Result<Remains, Error> {
        let mut remains = Remains {
            at: at.clone(),
            sessions: BTreeMap::new(),
            lost_folders: Vec::new(),
            is_tip_lost: false,
            placed: BTreeSet::new(),
            is_marker_lost: false,
            marker: None,
            are_attributes_lost: false,
            lost_tombstones: BTreeSet::new(),
            root: Tree::default(),
            areas: BTreeMap::new(),
            shards: BTreeMap::new(),
        };
        let root = known(self.root(at))?.map(|root| Tree::clone(&root));
        remains.root = root.unwrap_or_else(|| {
            remains.lost_folders.push(String::new());
            self.newest_folder(revisions, &[])
        });
        for area in [SESSIONS, TOMBSTONES] {
            self.read_area(&mut remains, area, revisions)?;
        }
        self.read_top_files(&mut remains, revisions)?;
        Ok(remains)
    }

    fn read_area(
        &self,
        remains: &mut Remains,
        area: &'static str,
        revisions: &[RevisionId],
    ) -> Result<(), Error> {
        let top = match remains.root.folder(area) {
            Ok(None) => return Ok(()),
            Ok(Some(id)) => known(self.read_tree(id, &area))?.map(|top| Tree::clone(&top)),
            Err(_) => None,
        };
        let top = top.unwrap_or_else(|| {
            let found = self.newest_folder(revisions, &[area]);
            remains.lost_folders.push(area.to_owned());
            remains.areas.insert(area, found.clone());
            found
        });
        for entry in top.iter().filter(|it| it.is_folder() && layout::is_shard(&it.name)) {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            let shard = known(self.read_tree(entry.id, &area))?.map(|shard| Tree::clone(&shard));
            let shard = shard.unwrap_or_else(|| {
                let found = self.newest_folder(revisions, &[area, &name]);
                remains.lost_folders.push(format!("{area}/{name}"));
                remains.shards.insert((area, name.clone()), found.clone());
                found
            });
            self.read_shard(remains, area, (&entry.name, &shard));
        }
        Ok(())
    }

    fn read_shard(&self, remains: &mut Remains, area: &str, (name, shard): (&[u8], &Tree)) {
        for entry in shard.iter() {
            if area == SESSIONS {
                let id = layout::session_of(name, &entry.name).filter(|_| entry.is_folder());
                remains.sessions.extend(id.map(|id| (id, ObjectId(entry.id))));
                continue;
            }
            let stem = entry.name.strip_suffix(b".yaml").filter(|_| entry.is_file());
            let Some(id) = stem.and_then(|stem| layout::session_of(name, stem)) else { continue };
            let text = self.read_text(entry.id, &"a tombstone");
            if text.is_ok_and(|text| format::parse_tombstone(&text).is_ok()) {
                // What was deleted since does not come back with an older folder.
                remains.sessions.remove(&id);
            } else {
                remains.lost_tombstones.insert(id);
            }
        }
    }

    fn read_top_files(&self, remains: &mut Remains, revisions: &[RevisionId]) -> Result<(), Error> {
        let attributes = remains.root.file(ATTRIBUTES).ok().flatten();
        let attributes = attributes.map(|id| known(self.read_text(id, &ATTRIBUTES)));
        remains.are_attributes_lost = matches!(attributes.transpose()?, Some(None));
        let marker = match remains.root.file(MARKER) {
            Ok(Some(id)) => known(self.read_text(id, &MARKER))?,
            _ => None,
        };
        remains.is_marker_lost = marker.is_none_or(|text| format::parse_marker(&text).is_err());
        if remains.is_marker_lost {
            remains.marker = revisions.iter().find_map(|at| self.marker_at(at).ok());
        }
        Ok(())
    }

    /// The sessions of a revision, and where each lies, as far as its folders can be read; and whether
    /// they all can.
    pub fn found_sessions(
        &self,
        at: &RevisionId,
    ) -> Result<(Vec<(SessionId, ObjectId)>, bool), Error> {
        let Some(area) = known(self.area(at))? else { return Ok((Vec::new(), false)) };
        let (mut found, mut are_all) = (Vec::new(), true);
        for entry in area.iter() {
            if let Some(id) = layout::older_session_of(&entry.name).filter(|_| entry.is_file()) {
                found.push((id, ObjectId(entry.id)));
            } else if entry.is_folder() && layout::is_shard(&entry.name) {
                let shard = known(self.read_tree(entry.id, &SESSIONS))?;
                are_all &= shard.is_some();
                let shard = shard.unwrap_or_default();
                let folders = shard.iter().filter(|it| it.is_folder());
                let id = |it: &Entry| layout::session_of(&entry.name, &it.name);
                found.extend(folders.filter_map(|it| Some((id(it)?, ObjectId(it.id)))));
            }
        }
        Ok((found, are_all))
    }

    /// A folder in the newest revision where it can be read; empty, where there is none.
    fn newest_folder(&self, revisions: &[RevisionId], path: &[&str]) -> Tree {
        let found = revisions.iter().find_map(|at| {
            let mut tree = self.root(at).ok()?;
            for part in path {
                let id = tree.folder(part).ok()??;
                tree = self.read_tree(id, part).ok()?;
            }
            Some(Tree::clone(&tree))
        });
        found.unwrap_or_default()
    }

    /// The states that a session had in these revisions, each once, in their order.
    pub fn states(&self, id: SessionId, revisions: &[RevisionId]) -> Vec<(RevisionId, ObjectId)> {
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        for at in revisions {
            let Ok(area) = self.area(at) else { continue };
            let Ok(Some(shard)) = area.folder(&id.shard()) else { continue };
            let Ok(shard) = self.read_tree(shard, &SESSIONS) else { continue };
            if let Ok(Some(tree)) = shard.folder(&id.to_string())
                && seen.insert(tree)
            {
                found.push((at.clone(), ObjectId(tree)));
            }
        }
        found
    }

    /// What can be read of one state of a session.
    ///
    /// # Errors
    /// [`Error::TooNew`]: a later version wrote it. [`Error::Io`].
    pub fn session_remains(&self, id: SessionId, tree: ObjectId) -> Result<SessionRemains, Error> {
        let mut remains = SessionRemains::default();
        let what = format_args!("session {id}");
        let top = match self.read_tree(tree.0, &what) {
            Err(Error::Corrupt { cause, .. }) => {
                remains.faults.push(format!("its folder: {cause}"));
                return Ok(remains);
            }
            top => top?,
        };
        match top.file(HEAD).ok().flatten().map(|head| self.read_text(head, &HEAD)) {
            None => remains.faults.push(format!("{HEAD}: it is missing")),
            Some(Err(Error::Corrupt { cause, .. })) => {
                remains.faults.push(format!("{HEAD}: {cause}"));
            }
            Some(text) => match format::parse_head(&text?) {
                Ok(head) if head.id == id => remains.head = Some(head),
                Ok(head) => {
                    remains.faults.push(format!("{HEAD}: it is that of session {}", head.id));
                }
                Err(format::Error::TooNew { found }) => return Err(Error::TooNew { found }),
                Err(error) => remains.faults.push(format!("{HEAD}: {error}")),
            },
        }
        match top.folder(MESSAGES).map(|it| it.map(|it| self.read_tree(it, &MESSAGES))) {
            Ok(None) => {}
            Ok(Some(Ok(messages))) => remains.chunks = self.chunk_remains(id, tree, &messages)?,
            Ok(Some(Err(Error::Corrupt { cause, .. }))) | Err(cause) => {
                remains.faults.push(format!("{MESSAGES}: {cause}"));
            }
            Ok(Some(Err(error))) => return Err(error),
        }
        Ok(remains)
    }

    fn chunk_remains(
        &self,
        id: SessionId,
        tree: ObjectId,
        messages: &Tree,
    ) -> Result<Vec<ChunkRemains>, Error> {
        let mut chunks: BTreeMap<u32, ObjectId> = BTreeMap::new();
        for entry in messages.iter().filter(|entry| entry.is_file()) {
            chunks.extend(layout::chunk_number(id, &entry.name).map(|it| (it, ObjectId(entry.id))));
        }
        let last = chunks.keys().next_back().copied().unwrap_or(0);
        // A name that is far off says nothing of how many there were.
        let most = u32::try_from(chunks.len()).unwrap_or(u32::MAX).saturating_mul(2);
        let last = last.min(most);
        (1..=last)
            .map(|number| self.chunk_remain(id, tree, (number, chunks.get(&number))))
            .collect()
    }

    fn chunk_remain(
        &self,
        id: SessionId,
        tree: ObjectId,
        (number, chunk): (u32, Option<&ObjectId>),
    ) -> Result<ChunkRemains, Error> {
        let name = layout::chunk_name(id, number);
        let chunk = (number, chunk.copied());
        let lost = |cause: String| ChunkRemains {
            chunk,
            records: Err(format!("{name}: {cause}")),
            lost_files: Vec::new(),
        };
        let Some(blob) = chunk.1 else { return Ok(lost("it is not in its folder".into())) };
        let text = match self.read_text(blob.0, &name) {
            Err(Error::Corrupt { cause, .. }) => return Ok(lost(cause)),
            text => text?,
        };
        let mut lost_files = Vec::new();
        let parsed = format::parse_chunk_in_part(&text, &mut lost_files, &mut |file| {
            self.file(id, tree, file).ok().flatten()
        });
        match parsed {
            Ok(records) => {
                Ok(ChunkRemains { chunk, records: Ok(Clean::stored(records)), lost_files })
            }
            Err(format::Error::TooNew { found }) => Err(Error::TooNew { found }),
            Err(error) => Ok(lost(error.to_string())),
        }
    }

    /// Commits, on top of the damaged revision, what was put together of it: its folders, its marker,
    /// and sessions whose objects are in the store. None: all is as it was. To be called when all of
    /// `remains` that can be had is in the store.
    ///
    /// # Errors
    /// [`Error::Rewritten`]: main is no longer there.
    pub fn commit_remains(
        &self,
        note: &CommitNote,
        remains: &Remains,
        changes: &[Change],
    ) -> Result<Option<RevisionId>, Error> {
        let _lock = self.lock()?;
        let tip = self.tip()?;
        if tip != remains.at || self.is_outdated() {
            return Err(Error::Rewritten);
        }
        let mut batch = self.batch_anew();
        let mut edit = TipEdit::over(self, remains)?;
        if let Some(marker) = &remains.marker {
            edit.mark(&mut batch, marker)?;
        }
        if remains.are_attributes_lost {
            let text = ATTRIBUTES_TEXT.as_bytes().to_vec();
            edit.root.set_file(ATTRIBUTES, batch.put(ObjectType::Blob, text)?);
        }
        changes.iter().try_for_each(|change| edit.apply(&mut batch, change))?;
        let Some(commit) = edit.write_commit(&mut batch, note, object_id(&tip))? else {
            return batch.flush().map(|()| None);
        };
        let message = note.subject_line();
        if self.advance(&mut batch, (object_id(&tip), commit), note.at, &message)? {
            return Ok(Some(revision(commit)));
        }
        Err(Error::Rewritten)
    }

    /// A batch that writes again what the store has, but cannot read.
    pub fn batch_anew(&self) -> Batch<'_> {
        Batch::anew(self)
    }
}
