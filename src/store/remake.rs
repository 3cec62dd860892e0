//! Objects that nobody has, made again: those of a session from a stream that begins as the session once
//! was, the folders that hold sessions from the trees that these are in.
//!
//! What is stored follows from the records alone. So whoever has the records of a later state, or of
//! another source, can make the files of each earlier one; the ids of the objects prove them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use git2::ObjectType;
use git2::Oid;

use crate::format;
use crate::format::Chunk;
use crate::format::Chunker;
use crate::format::Marker;
use crate::redact::Clean;
use crate::session::HeadFold;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::donors::Made;
use crate::store::init::ATTRIBUTES_TEXT;
use crate::store::layout;
use crate::store::layout::ATTRIBUTES;
use crate::store::layout::FILES;
use crate::store::layout::HEAD;
use crate::store::layout::MARKER;
use crate::store::layout::MESSAGES;
use crate::store::layout::SESSIONS;
use crate::store::layout::Tree;

/// Longer streams are not looked through: each of their beginnings costs as much as a save.
const LONGEST: usize = 50_000;

/// The files of a stream that grows, of which those that are wanted are kept.
struct Growing<'w> {
    id: SessionId,
    making: Making<'w>,
    messages: Tree,
    files: Tree,
    next: u32,
}

impl Store {
    /// Of the objects that are wanted, those that the session had while its stream was a beginning
    /// of this one.
    pub fn remake(
        &self,
        id: SessionId,
        stream: &Clean<Vec<Record>>,
        wanted: &BTreeSet<ObjectId>,
    ) -> Result<Made, Error> {
        let making = Making { wanted, made: Made::default() };
        let (messages, files) = (Tree::default(), Tree::default());
        let mut growing = Growing { id, making, messages, files, next: 1 };
        let (mut chunker, mut fold) = (Chunker::default(), HeadFold::of(id));
        for record in stream.iter().take(LONGEST) {
            if growing.making.made.len() == wanted.len() {
                break;
            }
            fold.add(record);
            if let Some(chunk) = chunker.push(record) {
                growing.close(chunk)?;
            }
            growing.look(chunker.last(), &fold)?;
        }
        Ok(growing.making.made)
    }
}

impl Store {
    /// Of the folders that are wanted, those that hold these sessions, each in its tree, and the top
    /// folder round them, with what the `beside` revisions have in theirs, or a new store has with this
    /// marker.
    pub fn remake_folders(
        &self,
        sessions: &[(SessionId, ObjectId)],
        beside: &[RevisionId],
        marker: Option<&Marker>,
        wanted: &BTreeSet<ObjectId>,
    ) -> Result<Made, Error> {
        let mut making = Making { wanted, made: Made::default() };
        let mut shards: BTreeMap<String, Tree> = BTreeMap::new();
        for (id, tree) in sessions {
            shards.entry(id.shard()).or_default().set_folder(&id.to_string(), tree.0);
        }
        let mut area = Tree::default();
        for (name, shard) in &shards {
            area.set_folder(name, making.make(ObjectType::Tree, shard.render())?);
        }
        let area = making.make(ObjectType::Tree, area.render())?;
        let roots = beside.iter().filter_map(|at| self.root(at).ok());
        let mut roots: Vec<Tree> = roots.map(|root| Tree::clone(&root)).collect();
        if let Some(marker) = marker {
            let mut root = Tree::default();
            let text = format::render_marker(marker).into_bytes();
            root.set_file(MARKER, making.make(ObjectType::Blob, text)?);
            let text = ATTRIBUTES_TEXT.as_bytes().to_vec();
            root.set_file(ATTRIBUTES, making.make(ObjectType::Blob, text)?);
            roots.push(root);
        }
        for mut root in roots {
            making.make(ObjectType::Tree, root.render())?;
            root.set_folder(SESSIONS, area);
            making.make(ObjectType::Tree, root.render())?;
        }
        Ok(making.made)
    }
}

/// Objects that are made again, of which those that are wanted are kept.
struct Making<'w> {
    wanted: &'w BTreeSet<ObjectId>,
    made: Made,
}

impl Making<'_> {
    fn make(&mut self, kind: ObjectType, bytes: Vec<u8>) -> Result<Oid, Error> {
        let failed = |source| Error::Git { doing: "hashing an object".into(), source };
        let id = Oid::hash_object(kind, &bytes).map_err(failed)?;
        if self.wanted.contains(&ObjectId(id)) {
            self.made.insert(id, (kind, bytes));
        }
        Ok(id)
    }
}

impl Growing<'_> {
    /// Takes in a chunk that nothing more is added to.
    fn close(&mut self, chunk: Chunk) -> Result<(), Error> {
        let (mut messages, mut files) = (self.messages.clone(), self.files.clone());
        self.place(chunk, &mut messages, &mut files)?;
        (self.messages, self.files) = (messages, files);
        self.next += 1;
        Ok(())
    }

    /// Makes what the session is in when it ends here.
    fn look(&mut self, open: Option<Chunk>, fold: &HeadFold) -> Result<(), Error> {
        let (mut messages, mut files) = (self.messages.clone(), self.files.clone());
        if let Some(open) = open {
            self.place(open, &mut messages, &mut files)?;
        }
        let mut top = Tree::default();
        let head = format::render_head(&Clean::stored(fold.head().clone()));
        top.set_file(HEAD, self.making.make(ObjectType::Blob, head.into_bytes())?);
        for (name, tree) in [(MESSAGES, &messages), (FILES, &files)] {
            if !tree.is_empty() {
                top.set_folder(name, self.making.make(ObjectType::Tree, tree.render())?);
            }
        }
        self.making.make(ObjectType::Tree, top.render()).map(drop)
    }

    fn place(&mut self, chunk: Chunk, messages: &mut Tree, files: &mut Tree) -> Result<(), Error> {
        for file in chunk.files {
            let id = self.making.make(ObjectType::Blob, file.bytes)?;
            files.set_file(&file.name, id);
        }
        let id = self.making.make(ObjectType::Blob, chunk.text.into_bytes())?;
        messages.set_file(&layout::chunk_name(self.id, self.next), id);
        Ok(())
    }
}
