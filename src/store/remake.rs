//! Objects of a session that nobody has, made again from a stream that begins as the session once was.
//!
//! What is stored follows from the records alone. So whoever has the records of a later state, or of
//! another source, can make the files of each earlier one; the ids of the objects prove them.

use std::collections::BTreeSet;

use git2::ObjectType;
use git2::Oid;

use crate::format;
use crate::format::Chunk;
use crate::format::Chunker;
use crate::redact::Clean;
use crate::session::HeadFold;
use crate::session::Record;
use crate::session::SessionId;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::donors::Made;
use crate::store::layout;
use crate::store::layout::FILES;
use crate::store::layout::HEAD;
use crate::store::layout::MESSAGES;
use crate::store::layout::Tree;

/// Longer streams are not looked through: each of their beginnings costs as much as a save.
const LONGEST: usize = 50_000;

/// The files of a stream that grows, of which those that are wanted are kept.
struct Growing<'w> {
    id: SessionId,
    wanted: &'w BTreeSet<ObjectId>,
    made: Made,
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
        let (made, messages, files) = (Made::default(), Tree::default(), Tree::default());
        let mut growing = Growing { id, wanted, made, messages, files, next: 1 };
        let (mut chunker, mut fold) = (Chunker::default(), HeadFold::of(id));
        for record in stream.iter().take(LONGEST) {
            if growing.made.len() == wanted.len() {
                break;
            }
            fold.add(record);
            if let Some(chunk) = chunker.push(record) {
                growing.close(chunk)?;
            }
            growing.look(chunker.last(), &fold)?;
        }
        Ok(growing.made)
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
        top.set_file(HEAD, self.make(ObjectType::Blob, head.into_bytes())?);
        for (name, tree) in [(MESSAGES, &messages), (FILES, &files)] {
            if !tree.is_empty() {
                top.set_folder(name, self.make(ObjectType::Tree, tree.render())?);
            }
        }
        self.make(ObjectType::Tree, top.render()).map(drop)
    }

    fn place(&mut self, chunk: Chunk, messages: &mut Tree, files: &mut Tree) -> Result<(), Error> {
        for file in chunk.files {
            let id = self.make(ObjectType::Blob, file.bytes)?;
            files.set_file(&file.name, id);
        }
        let id = self.make(ObjectType::Blob, chunk.text.into_bytes())?;
        messages.set_file(&layout::chunk_name(self.id, self.next), id);
        Ok(())
    }

    fn make(&mut self, kind: ObjectType, bytes: Vec<u8>) -> Result<Oid, Error> {
        let failed = |source| Error::Git { doing: "hashing an object".into(), source };
        let id = Oid::hash_object(kind, &bytes).map_err(failed)?;
        if self.wanted.contains(&ObjectId(id)) {
            self.made.insert(id, (kind, bytes));
        }
        Ok(id)
    }
}
