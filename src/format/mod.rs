//! Session ⇄ YAML text, schema, checksum; `format/migrate/` holds one file per version step, each
//! a pure value → value function.
//!
//! A stream of records becomes chunks ([`Chunker`], [`parse_chunk`]), each one file of YAML
//! documents with large payloads beside it; the head, the marker and tombstones are small files of
//! their own. Equal values give equal bytes, and what is read back is equal, whatever the texts
//! hold. Where the files lie is the store's business, whether they are whole is git's: a text cut
//! off at a line may still parse. `docs/format.md` describes the form for readers.

mod annals;
mod canonical;
mod chunk;
mod chunk_text;
mod emitter;
mod head;
mod migrate;
mod node;
mod object;
mod parse;
mod payload;
mod reader;
mod record;
mod whole;

pub use chunk::parse_chunk;
pub use chunk::parse_chunk_in_part;
pub use chunk_text::ChunkText;
pub use chunk_text::document_lines;
pub use head::parse_head;
pub use head::parse_marker;
pub use head::parse_tombstone;
pub use head::render_head;
pub use head::render_marker;
pub use head::render_tombstone;
pub use migrate::parse_older;
pub use payload::has_lost_file;
pub use whole::head_to_value;
pub use whole::parse_session;
pub use whole::parse_sessions;
pub use whole::parse_value;
pub use whole::record_from_value;
pub use whole::record_to_value;
pub use whole::render_records;
pub use whole::render_session;
pub use whole::render_value;

use uuid::Uuid;

use crate::session::Head;
use crate::session::Native;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;

/// Why a text is not what annals writes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not the YAML that annals reads.
    #[error("line {line}: {cause}")]
    Yaml {
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        cause: String,
    },
    /// YAML, but not of the right shape.
    #[error("document {document}: {cause}")]
    Shape {
        /// The document in the file, from 1.
        document: usize,
        /// What is wrong, and in which field.
        cause: String,
    },
    /// A file that the records refer to is missing or is not what its name says.
    #[error("the file {name} {cause}")]
    File {
        /// Its name.
        name: String,
        /// What is wrong.
        cause: String,
    },
    /// Written by a later version.
    #[error("schema {found} is newer than this program's")]
    TooNew {
        /// The schema version found.
        found: u32,
    },
}

/// The kind of a JSON document with sessions.
pub const EXPORT_KIND: &str = "annals.export/1";

/// A session that a text gives.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenSession {
    /// What it says of itself.
    pub head: Head,
    /// Its records.
    pub records: Vec<Record>,
    /// What is odd about the text, though it can be read.
    pub warnings: Vec<String>,
}

/// A large payload that lies beside the records, named by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// `<sha256>.<ext>`.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A piece of a session's stream, as it lies in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The YAML documents.
    pub text: String,
    /// The large payloads of its records.
    pub files: Vec<StoredFile>,
    /// How many records it holds.
    pub records: usize,
}

/// Cuts a stream into chunks; a pure function of the sequence of records.
#[derive(Debug, Default)]
pub struct Chunker {
    /// The records since the last cut.
    open: Vec<chunk::Rendered>,
    /// The bytes of their documents.
    size: usize,
}

/// The store's marker, `annals.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// The store's id.
    pub store: Uuid,
    /// The schema version.
    pub schema: u32,
    /// The rewritings of history that this store went through, in their order.
    pub scrubs: Vec<ScrubRecord>,
    /// Fields of a later version.
    pub native: Native,
}

/// A rewriting of history: where main stood before it, and what became of that revision. Another
/// store that finds it leaves the old history too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScrubRecord {
    /// The tip before.
    pub from: RevisionId,
    /// The same revision, rewritten.
    pub to: RevisionId,
}

/// What is left of a deleted session: no content.
#[derive(Debug, Clone, PartialEq)]
pub struct Tombstone {
    /// The session.
    pub id: SessionId,
    /// The agent's name.
    pub agent: String,
    /// The agent's own id of the session.
    pub session: Option<String>,
    /// When it was deleted (RFC 3339).
    pub at: String,
    /// The keys of the records it had, of each the first 16 digits of its SHA-256, and its number.
    pub keys: Vec<RecordKey>,
}

impl Error {
    /// A value of the wrong shape.
    fn shape(document: usize, flaw: &object::Flaw) -> Self {
        Self::Shape { document, cause: flaw.words() }
    }
}

#[cfg(test)]
pub(crate) mod arbitrary;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
