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

/// The most bytes of an open chunk that are kept in memory for the next save.
const KEPT_BYTES: usize = 1 << 20;

/// Where the stream of a stored session ends, kept so that the next save of it need not read and
/// render its last chunk again. It follows from the session's tree alone, so it is never out of
/// date.
#[derive(Debug)]
pub(super) struct OpenEnd {
    chunker: Chunker,
    next: u32,
    messages: Tree,
    files: Tree,
}

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
        if base.is_older() {
            let mut stager = self.write(base.id, Some(base));
            let migrated = stager.batch.store.migrated(base.id, base.tree)?;
            migrated.records.iter().try_for_each(|record| stager.take(record))?;
            return Ok(stager);
        }
        let kept = self.store.open_ends.borrow_mut().take(&base.tree.0);
        if let Some(OpenEnd { chunker, next, messages, files }) = kept {
            let (id, base) = (base.id, Some(base.tree));
            return Ok(Stager { batch: self, id, base, chunker, next, messages, files });
        }
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
        if let Some(base) = self.base {
            self.batch.store.check_session(self.id, base)?;
        }
        let next = self.next;
        if let Some(chunk) = self.chunker.last() {
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
        let (id, base) = (self.id, self.base);
        self.keep(tree, next);
        Ok(StagedSession { id, base, tree, head })
    }

    fn keep(mut self, tree: ObjectId, next: u32) {
        if self.chunker.size() <= KEPT_BYTES {
            self.chunker.drop_files();
            let Self { batch, chunker, messages, files, .. } = self;
            let end = OpenEnd { chunker, next, messages, files };
            batch.store.open_ends.borrow_mut().add(tree.0, end);
        }
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
