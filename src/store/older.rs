//! Sessions in the files of an older schema, read as if they were of the present one.
//!
//! Such a session is one file, `sessions/<id>.yaml`. The id of that file stands for its tree, its
//! head and its only chunk alike, so whoever reads sessions need not know. What is read of it is
//! migrated in memory, and passes redaction like all that enters: what older programs let pass must
//! not reach the index.

use std::fmt;
use std::sync::Arc;

use git2::ObjectType;
use git2::Oid;

use crate::format;
use crate::format::ChunkText;
use crate::redact::Clean;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::StoredChunk;
use crate::store::StoredSession;
use crate::store::layout;
use crate::store::layout::SESSIONS;
use crate::store::layout::Tree;
use crate::store::objects::corrupt;

/// Redacts the records of a session; an error says why nothing passes.
pub type CleanRecords = dyn Fn(Vec<Record>) -> Result<Clean<Vec<Record>>, String> + Send + Sync;

/// What an older session is called as one event.
const AS_IT_STANDS: &str = "older-file";

/// What older sessions pass; without it none is read.
#[derive(Clone, Default)]
pub(super) struct Cleaner(Option<Arc<CleanRecords>>);

impl fmt::Debug for Cleaner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cleaner")
    }
}

/// An older session in the present form.
#[derive(Debug)]
pub(super) struct Migrated {
    pub(super) schema: u32,
    pub(super) head: Clean<Head>,
    pub(super) records: Clean<Vec<Record>>,
}

impl StoredSession {
    /// Whether it is in the form of an older schema.
    pub fn is_older(&self) -> bool {
        self.tree == self.head
    }

    /// A session that is one file.
    pub(super) fn in_file(id: SessionId, file: Oid) -> Self {
        let file = ObjectId(file);
        Self { id, tree: file, head: file, chunks: vec![(1, file)] }
    }
}

impl Store {
    /// Has older sessions pass this before anything is read of them.
    pub fn clean_older_by(&mut self, clean: Arc<CleanRecords>) {
        self.cleaner = Cleaner(Some(clean));
    }

    /// The sessions of a revision that are in the form of an older schema.
    pub fn older_sessions(&self, at: &RevisionId) -> Result<Vec<StoredSession>, Error> {
        let area = self.area(at)?;
        let files = area.iter().filter(|entry| entry.is_file());
        let session = |name: &[u8]| layout::older_session_of(name);
        Ok(files.filter_map(|it| Some(StoredSession::in_file(session(&it.name)?, it.id))).collect())
    }

    /// The schema that an older session was written in.
    pub fn schema_of(&self, older: &StoredSession) -> Result<u32, Error> {
        Ok(self.migrated(older.id, older.tree)?.schema)
    }

    /// The session that a revision has in one file.
    pub(super) fn older_session(
        &self,
        at: &RevisionId,
        id: SessionId,
    ) -> Result<Option<StoredSession>, Error> {
        let file = older_file(&*self.area(at)?, id)?;
        Ok(file.map(|file| StoredSession::in_file(id, file)))
    }

    /// Reads an older session. The last ones are kept: a list asks for the head, then for the rest.
    ///
    /// # Errors
    /// [`Error::Corrupt`]: it is not of its form; file and line are named.
    pub(super) fn migrated(&self, id: SessionId, file: ObjectId) -> Result<Arc<Migrated>, Error> {
        let file = file.0;
        if let Some(known) = self.migrated.borrow().find(&(id, file)) {
            return Ok(Arc::clone(known));
        }
        let what = format!("{SESSIONS}/{}", layout::older_name(id));
        let text = self.read_text(file, &what)?;
        let given = match format::parse_older(&text) {
            Ok(given) if given.head.id == id => given,
            Ok(given) => {
                let cause = format!("it is that of session {}", given.head.id);
                return Err(Error::Corrupt { what, cause });
            }
            Err(format::Error::TooNew { found }) => return Err(Error::TooNew { found }),
            Err(error) => return Err(Error::Corrupt { what, cause: error.to_string() }),
        };
        let schema = given.head.schema;
        let nothing = || Err("there are no rules to redact by".to_owned());
        let records = self.cleaner.0.as_ref().map_or_else(nothing, |clean| clean(given.records));
        let records = records.map_err(|cause| Error::Unredacted { cause })?;
        let head = records.derive(|records| HeadFold::of_stream(id, records).head().clone());
        let migrated = Arc::new(Migrated { schema, head, records });
        self.migrated.borrow_mut().add((id, file), Arc::clone(&migrated));
        Ok(migrated)
    }

    /// The records of a session as they stand, for who looks for what should not be in them: of an
    /// older one nothing was redacted, and all of it stands in one event.
    pub fn records_as_they_stand(&self, session: &StoredSession) -> Result<Vec<Record>, Error> {
        if !session.is_older() {
            return self.records(session).map(Clean::into_inner);
        }
        let what = format_args!("the file of session {}", session.id);
        let native = format::parse_value(&self.head_text(session)?);
        let native = native.map_err(|error| corrupt(session.tree.0, &what, error.to_string()))?;
        let (envelope, name) = (Envelope::default(), AS_IT_STANDS.to_owned());
        Ok(vec![Record::Event(Event { envelope, name, title: None, native })])
    }

    /// An older session as the text of a chunk.
    pub(super) fn migrated_chunk(
        &self,
        id: SessionId,
        file: ObjectId,
    ) -> Result<StoredChunk, Error> {
        let text = format::render_records(&self.migrated(id, file)?.records);
        let text = ChunkText::of(text).expect("a migrated session has records of our form");
        Ok(StoredChunk { id, tree: file, number: 1, chunk: file, text })
    }

    /// Whether what a session is in is a file of an older schema.
    pub fn is_older_file(&self, tree: ObjectId) -> bool {
        self.is_file(tree.0)
    }

    /// Whether an object is a file.
    pub(super) fn is_file(&self, id: Oid) -> bool {
        self.read(id, ObjectType::Blob, &"it").is_ok()
    }
}

impl Batch<'_> {
    /// Takes in the file of an older session, from what it was as one event.
    pub fn put_as_it_stands(&mut self, record: Clean<Record>) -> Result<Option<ObjectId>, Error> {
        let Record::Event(Event { native, .. }) = record.into_inner() else { return Ok(None) };
        let text = format::render_value(&native);
        self.put(ObjectType::Blob, text.into_bytes()).map(|file| Some(ObjectId(file)))
    }
}

/// The file of a session in the folder `sessions`.
pub(super) fn older_file(area: &Tree, id: SessionId) -> Result<Option<Oid>, Error> {
    let what = || format!("the file of session {id}");
    let found = area.file(&layout::older_name(id));
    found.map_err(|cause| Error::Corrupt { what: what(), cause })
}
