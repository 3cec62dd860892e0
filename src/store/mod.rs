//! The git repository and the crash journal; the only module that knows git exists. Accepts only
//! `Clean<Session>`.
//!
//! A bare repository with one branch, `main`. Refs and objects are the only truth:
//!
//! ```text
//! annals.yaml                        the marker: store id, schema version
//! .gitattributes                     no line-end conversion; the merge driver
//! sessions/<xx>/<session id>/        xx = the last two hex digits of the id
//!     session.yaml                   the head
//!     messages/<id8>-000001.yaml …   the records, in chunks
//!     files/<sha256>.<ext>           large payloads
//! tombstones/<xx>/<session id>.yaml  what was deleted
//! ```
//!
//! Promises: when [`Store::commit`] returns, the commit is on disk, objects before the ref; an
//! interruption leaves the old state or the new one; writers in many processes lose nothing; a
//! damaged object is an error that names it, never a hang; no object is ever pruned but by
//! [`Store::replace_history`], which takes out what nobody must see any more.
//! `bundle` makes and reads bundles, which never become part of the store; `identity` tells the
//! repositories in the user's folders, which it only reads; `plain` is where git works by itself.
//! It does not know what a session means: it stores streams of records and their heads.
//! A folder that has git, or us, do somebody else's will is refused before it is opened (`foreign`).
//! Limits: 512 MiB an object, SHA-1 repositories without reftable.

mod adopt;
mod batch;
mod bundle;
mod check;
mod chunks;
mod commit;
mod commit_text;
mod derived;
mod donors;
mod error;
mod foreign;
mod git;
mod git_locks;
mod git_settings;
mod history;
mod identity;
mod init;
mod inspect;
mod journal;
mod layout;
mod lineage;
mod maintenance;
mod measure;
mod merge;
mod migrate;
mod news;
mod objects;
mod older;
mod pack;
mod plain;
mod prune_guard;
mod refs;
mod remains;
mod remake;
mod remote;
mod repack;
mod repair;
mod replace;
mod rewrite;
mod salvage;
mod sessions;
mod stager;
mod twins;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::DateTime;
use chrono::Utc;
use git2::Oid;

use crate::format::Tombstone;
use crate::redact::Clean;
use crate::session::Head;
use crate::session::RevisionId;
use crate::session::SessionId;

pub use batch::Batch;
pub use bundle::BUNDLE_LIMIT;
pub use bundle::Bundle;
pub use bundle::BundleError;
pub use bundle::BundleText;
pub use bundle::BundledSession;
pub use bundle::render_bundle;
pub use chunks::StoredChunk;
pub use commit::Rebase;
pub use derived::DerivedFault;
pub use donors::Donor;
pub use donors::Made;
pub use error::Error;
pub use git_locks::GitLock;
pub use git_settings::SettingsFault;
pub use identity::KnownRepository;
pub use identity::is_commit;
pub use identity::normalised_url;
pub use identity::repository_of;
pub use identity::top_if_known_by;
pub use inspect::StoreSizes;
pub use journal::Journal;
pub use journal::JournalFolder;
pub use journal::LeftJournal;
pub use journal::StandingJournal;
pub use lineage::LineageChanges;
pub use merge::MergeSides;
pub use merge::Relation;
pub use merge::ScrubsApart;
pub use merge::SessionState;
pub use migrate::Migration;
pub use migrate::SchemaState;
pub use news::NewFile;
pub use news::NewFileKind;
pub use older::CleanRecords;
pub use plain::PlainRepository;
pub use prune_guard::PruneGuard;
pub use remains::Remains;
pub use remote::Address;
pub use remote::AddressError;
pub use remote::Arrived;
pub use remote::Pushed;
pub use remote::Remote;
pub use repair::FoundMain;
pub use replace::Forget;
pub use rewrite::CleanText;
pub use rewrite::History;
pub use rewrite::Rewrite;
pub use rewrite::Rewritten;
pub use salvage::ChunkRemains;
pub use salvage::SessionRemains;
pub use stager::Stager;
pub use twins::Twins;

use donors::Donors;
use history::Commit;
use objects::Latest;
use objects::TreeCache;
use older::Cleaner;
use older::Migrated;
use stager::OpenEnd;

/// The folder for what is never committed, in the store's.
const PRIVATE: &str = "annals";

/// The id of a tree or blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(git2::Oid);

impl ObjectId {
    /// The id that these 40 hex digits stand for.
    pub fn parse(text: &str) -> Option<Self> {
        git2::Oid::from_str(text).ok().filter(|_| text.len() == 40).map(Self)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A session as one revision of the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The session.
    pub id: SessionId,
    /// Its tree, or the one file of an older schema: equal trees, equal sessions.
    pub tree: ObjectId,
    /// The id of its `session.yaml`.
    pub head: ObjectId,
    /// Its chunks, in order: number and id.
    pub chunks: Vec<(u32, ObjectId)>,
}

/// A session whose objects are made, ready to be committed.
#[derive(Debug)]
pub struct StagedSession {
    /// The session.
    pub id: SessionId,
    /// The tree it was made from: the commit goes through only on top of it.
    pub base: Option<ObjectId>,
    /// Its new tree.
    pub tree: ObjectId,
    /// Its new head.
    pub head: Clean<Head>,
}

/// A change of one session.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "few exist at a time, and most are saves")]
pub enum Change {
    /// It is as staged, and has no tombstone.
    Save(StagedSession),
    /// It stays in a file of an older schema, as another store has it.
    Keep {
        /// The session.
        id: SessionId,
        /// The tree it had.
        base: Option<ObjectId>,
        /// The file.
        file: ObjectId,
    },
    /// It leaves the tip and a tombstone stands for it.
    Delete {
        /// The tree it had; none: it has a tombstone already, or never was here.
        base: Option<ObjectId>,
        /// What stands for it.
        tombstone: Clean<Tombstone>,
    },
}

/// What a commit says of itself.
#[derive(Debug, Clone)]
pub struct CommitNote {
    /// `save`, `capture`, `rollback`, `delete` …: the trailer `Annals-Operation`.
    pub operation: &'static str,
    /// What follows `<operation>: ` in the subject, redacted, one line.
    pub subject: Clean<String>,
    /// The time.
    pub at: DateTime<Utc>,
}

/// A commit on main, as the index wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitEntry {
    /// The commit.
    pub revision: RevisionId,
    /// Its time.
    pub at: DateTime<Utc>,
    /// Its operation: the trailer, or `commit` for one that annals did not make.
    pub operation: String,
    /// The subject line.
    pub subject: String,
    /// Who made it, `name <address>`; none: his git did not say.
    pub author: Option<String>,
    /// Its parents.
    pub parents: Vec<RevisionId>,
}

/// A damaged or missing object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The object's id.
    pub object: ObjectId,
    /// The newest revision that holds it, as far as that is known.
    pub revision: RevisionId,
    /// The session it belongs to, if it belongs to one.
    pub session: Option<SessionId>,
    /// Its path in that revision; empty for the revision itself.
    pub file: String,
    /// What is wrong with it.
    pub cause: String,
}

/// A session that differs between two revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionChange {
    /// The session.
    pub id: SessionId,
    /// Its tree after the change; none: it is gone.
    pub tree: Option<ObjectId>,
    /// Whether its `session.yaml` or chunks were there before.
    pub existed: bool,
}

/// The store: a bare git repository with one branch, `main`.
pub struct Store {
    path: PathBuf,
    objects: PathBuf,
    repository: git2::Repository,
    trees: RefCell<TreeCache>,
    /// The commits read last.
    commits: RefCell<Latest<Oid, Arc<Commit>>>,
    /// The ends of the streams written last, by the sessions' trees.
    open_ends: RefCell<Latest<Oid, OpenEnd>>,
    /// The older sessions read last, with their files.
    migrated: RefCell<Latest<(SessionId, Oid), Arc<Migrated>>>,
    /// What they pass before anything is read of them.
    cleaner: Cleaner,
    /// Who is asked for what is damaged or missing.
    donors: Donors,
    /// The marker whose schema was found to be known.
    checked_marker: Cell<Option<Oid>>,
    /// Whether it sees objects in other folders too.
    sees_others: bool,
    /// When the folder of packs had last changed, as far as it is known here.
    packs_at: Cell<Option<SystemTime>>,
    /// Which replacement of history it was opened after.
    generation: Vec<u8>,
    author: OnceCell<String>,
}

impl Store {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder for what is never committed: index, journal, lock.
    pub fn private_folder(&self) -> PathBuf {
        self.path.join(PRIVATE)
    }

    /// Starts a batch.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }

    /// Sees the objects in a folder too.
    fn see_also(&mut self, objects: &Path) -> Result<(), Error> {
        let opening = |source| Error::Git { doing: "opening what arrived".into(), source };
        let text = objects.to_str().ok_or_else(|| Error::Io {
            doing: format!("opening what arrived in {}", objects.display()),
            source: io::ErrorKind::InvalidFilename.into(),
        })?;
        self.sees_others = true;
        let odb = self.odb()?;
        odb.add_disk_alternate(text).map_err(opening)?;
        odb.refresh().map_err(opening)
    }

    fn odb(&self) -> Result<git2::Odb<'_>, Error> {
        let doing = || "opening the objects of the store".to_owned();
        self.repository.odb().map_err(|source| Error::Git { doing: doing(), source })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}
