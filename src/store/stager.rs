//! Turning a stream of records into the objects of a session.

use git2::ObjectType;

use crate::format;
use crate::format::Chunk;
use crate::format::Chunker;
use crate::redact::Clean;
use crate::session::Head;
use crate::session::Record;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::StagedSession;
use crate::store::StoredSession;
use crate::store::layout;
use crate::store::layout::FILES;
use crate::store::layout::HEAD;
use crate::store::layout::MESSAGES;
use crate::store::layout::Tree;
use crate::store::objects::corrupt;

/// Writes the stream of one session into a batch.
#[derive(Debug)]
pub struct Stager<'b, 's> {
    batch: &'b mut Batch<'s>,
    id: SessionId,
    base: Option<ObjectId>,
    chunker: Chunker,
    next: u32,
    messages: Tree,
    files: Tree,
}

impl<'s> Batch<'s> {
    /// Writes a new session, from its first record on. `base`: the tree that it replaces.
    pub fn write(&mut self, id: SessionId, base: Option<&StoredSession>) -> Stager<'_, 's> {
        Stager {
            batch: self,
            id,
            base: base.map(|base| base.tree),
            chunker: Chunker::default(),
            next: 1,
            messages: Tree::default(),
            files: Tree::default(),
        }
    }

    /// Continues a stored session behind its last record.
    ///
    /// Only the last chunk is read and cut anew; where the others end does not depend on what
    /// follows them.
    pub fn append(&mut self, base: &StoredSession) -> Result<Stager<'_, 's>, Error> {
        let records = self.store.last_records(base)?;
        let what = format_args!("session {}", base.id);
        let top = self.store.read_tree(base.tree.0, &what)?;
        let read = |name| match top.folder(name) {
            Ok(Some(id)) => self.store.read_tree(id, &what).map(|tree| Tree::clone(&tree)),
            Ok(None) => Ok(Tree::default()),
            Err(cause) => Err(corrupt(base.tree.0, &what, cause)),
        };
        let (messages, files) = (read(MESSAGES)?, read(FILES)?);
        let mut stager = self.write(base.id, Some(base));
        stager.next = base.chunks.last().map_or(1, |(number, _)| *number);
        stager.messages = messages;
        stager.files = files;
        for record in records.iter() {
            stager.take(record)?;
        }
        Ok(stager)
    }
}

impl Stager<'_, '_> {
    /// Adds a record to the stream.
    pub fn push(&mut self, record: &Clean<Record>) -> Result<(), Error> {
        self.take(record)
    }

    /// Closes the stream; the head is what the records fold to.
    pub fn finish(mut self, head: Clean<Head>) -> Result<StagedSession, Error> {
        if let Some(chunk) = std::mem::take(&mut self.chunker).finish() {
            self.place(chunk)?;
        }
        let mut top = Tree::default();
        let text = format::render_head(&head);
        top.set_file(HEAD, self.batch.put(ObjectType::Blob, text.into_bytes())?);
        for (name, tree) in [(MESSAGES, &self.messages), (FILES, &self.files)] {
            if !tree.is_empty() {
                top.set_folder(name, self.batch.put_tree(tree)?);
            }
        }
        let tree = ObjectId(self.batch.put_tree(&top)?);
        Ok(StagedSession { id: self.id, base: self.base, tree, head })
    }

    fn take(&mut self, record: &Record) -> Result<(), Error> {
        match self.chunker.push(record) {
            Some(chunk) => self.place(chunk),
            None => Ok(()),
        }
    }

    fn place(&mut self, chunk: Chunk) -> Result<(), Error> {
        for file in chunk.files {
            if !layout::is_file_name(&file.name) {
                let cause = "it is not of letters and digits".to_owned();
                return Err(Error::Corrupt {
                    what: format!("the file name {:?}", file.name),
                    cause,
                });
            }
            let id = self.batch.put(ObjectType::Blob, file.bytes)?;
            self.files.set_file(&file.name, id);
        }
        let id = self.batch.put(ObjectType::Blob, chunk.text.into_bytes())?;
        self.messages.set_file(&layout::chunk_name(self.id, self.next), id);
        self.next += 1;
        Ok(())
    }
}
