//! Checking what arrives from a remote, before any of it becomes part of the store.
//!
//! The tip must be a store's: its marker of a schema that is known, our names and modes only, each
//! file within its limit and readable. What the store has already is not looked at again. Git has
//! checked the form of all other objects when it took them in.
//!
//! Limits: 1 MiB `annals.yaml` and `session.yaml`, 16 MiB a tombstone, 64 MiB a file of messages,
//! 256 MiB a payload; 1 MiB a commit, 64 MiB a folder.

use std::fs;
use std::path::Path;

use git2::ObjectType;
use git2::Oid;
use tempfile::TempDir;

use crate::format;
use crate::platform;
use crate::platform::FileLock;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;
use crate::store::Error;
use crate::store::Store;
use crate::store::git;
use crate::store::layout;
use crate::store::layout::Entry;
use crate::store::layout::FILES;
use crate::store::layout::HEAD;
use crate::store::layout::MARKER;
use crate::store::layout::MESSAGES;
use crate::store::layout::SESSIONS;
use crate::store::layout::TOMBSTONES;
use crate::store::layout::Tree;
use crate::store::objects::corrupt;
use crate::store::refs::object_id;

const SMALL_TEXT: usize = 1 << 20;
const TOMBSTONE: usize = 16 << 20;
const CHUNK: usize = 64 << 20;
const PAYLOAD: usize = 256 << 20;
const FOLDER: usize = 64 << 20;

/// What was fetched and has what was scrubbed here: it never becomes part of the store as it is,
/// and is removed when this is dropped.
#[derive(Debug)]
pub struct Arrived {
    /// Sees the store, and what arrived.
    pub store: Store,
    place: TempDir,
    _lock: FileLock,
}

impl Arrived {
    pub(super) fn new(store: Store, place: TempDir, lock: FileLock) -> Self {
        Self { store, place, _lock: lock }
    }

    /// Takes into `store` what leads to a revision that was made of what arrived.
    pub fn take_in(&self, store: &Store, revision: &RevisionId) -> Result<(), Error> {
        let failed = |source| Error::Io { doing: "taking in what arrived".into(), source };
        let taken = self.place.path().join("taken");
        let wanted = self.place.path().join("wanted");
        fs::create_dir_all(taken.join("pack")).map_err(failed)?;
        platform::write_atomic(&wanted, format!("{revision}\n").as_bytes()).map_err(failed)?;
        let mut command = git::git_in(&store.path);
        command
            .args(["pack-objects", "--quiet", "--revs", "--local", "--non-empty"])
            .arg(taken.join("pack/pack"))
            .env("GIT_OBJECT_DIRECTORY", self.place.path())
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &store.objects)
            .stdin(fs::File::open(&wanted).map_err(failed)?);
        git::run(command, "taking in what arrived")?;
        store.move_in(&taken).map_err(failed)?;
        let failed = |source| Error::Git { doing: "opening what was taken in".into(), source };
        store.odb()?.refresh().map_err(failed)
    }
}

impl Store {
    /// Checks the revision `tip`, whose objects lie in `place` where this store lacks them. Gives a
    /// store that sees both.
    pub(super) fn check_arrival(&self, place: &Path, tip: &RevisionId) -> Result<Self, Error> {
        // Of its own, so that this store never looks where objects arrive.
        let mut store = Self::open(&self.path)?;
        store.cleaner = self.cleaner.clone();
        let opening = |source| Error::Git { doing: "opening what arrived".into(), source };
        let text = place.to_str().ok_or_else(|| corrupt_path(place))?;
        store.odb()?.add_disk_alternate(text).map_err(opening)?;
        store.odb()?.refresh().map_err(opening)?;
        let arrival = Arrival { store: &store };
        arrival.check_history(object_id(tip), self)?;
        arrival.check_root(tip, &self.tip()?)?;
        Ok(store)
    }
}

struct Arrival<'s> {
    store: &'s Store,
}

impl Arrival<'_> {
    /// Every commit that is new must be one, with its parents there.
    fn check_history(&self, tip: Oid, known: &Store) -> Result<(), Error> {
        let known = known.odb()?;
        let mut waiting = vec![tip];
        let mut seen = std::collections::HashSet::new();
        while let Some(id) = waiting.pop() {
            if known.exists(id) || !seen.insert(id) {
                continue;
            }
            self.check_size(id, ObjectType::Commit, SMALL_TEXT, "a revision")?;
            waiting.extend(&self.store.read_commit(id)?.parents);
        }
        Ok(())
    }

    fn check_root(&self, tip: &RevisionId, ours: &RevisionId) -> Result<(), Error> {
        let marker = self.store.marker_at(tip)?;
        if marker.schema > SCHEMA_VERSION {
            return Err(Error::TooNew { found: marker.schema });
        }
        let ours = self.store.root(ours)?;
        for entry in self.store.root(tip)?.iter() {
            match &*entry.name {
                name if name == SESSIONS.as_bytes() || name == TOMBSTONES.as_bytes() => {
                    let area = if name == SESSIONS.as_bytes() { SESSIONS } else { TOMBSTONES };
                    let known = ours.folder(area).ok().flatten();
                    self.check_area(area, entry, known)?;
                }
                // What people put beside our own files is theirs; links lead elsewhere.
                _ if entry.is_file() => {
                    let limit =
                        if *entry.name == *MARKER.as_bytes() { SMALL_TEXT } else { PAYLOAD };
                    self.check_size(entry.id, ObjectType::Blob, limit, &shown(entry))?;
                }
                _ => return Err(unexpected("the top folder", entry)),
            }
        }
        Ok(())
    }

    /// A session of an older schema: whether it can be migrated is told when it is.
    fn check_older(&self, id: SessionId, file: &Entry) -> Result<(), Error> {
        let what = format!("the file of session {id}");
        if !file.is_file() {
            return Err(unexpected(SESSIONS, file));
        }
        self.check_size(file.id, ObjectType::Blob, CHUNK, &what)
    }

    fn check_area(&self, area: &str, top: &Entry, known: Option<Oid>) -> Result<(), Error> {
        if Some(top.id) == known {
            return Ok(());
        }
        let known = known.map(|id| self.tree(id, area)).transpose()?.unwrap_or_default();
        for shard in self.folder(top, area)?.iter() {
            if let Some(id) = layout::older_session_of(&shard.name).filter(|_| area == SESSIONS) {
                self.check_older(id, shard)?;
                continue;
            }
            let name = String::from_utf8_lossy(&shard.name).into_owned();
            let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if name.len() != 2 || !name.bytes().all(is_hex) {
                return Err(unexpected(area, shard));
            }
            let before = known.folder(&name).ok().flatten();
            if before == Some(shard.id) {
                continue;
            }
            let what = format!("{area}/{name}");
            let before = before.map(|id| self.tree(id, &what)).transpose()?.unwrap_or_default();
            for entry in self.folder(shard, &what)?.iter() {
                if !before.iter().any(|it| it == entry) {
                    self.check_entry(area, &shard.name, entry)?;
                }
            }
        }
        Ok(())
    }

    fn check_entry(&self, area: &str, shard: &[u8], entry: &Entry) -> Result<(), Error> {
        if area == SESSIONS {
            let id = layout::session_of(shard, &entry.name);
            return self.check_session(id.ok_or_else(|| unexpected(area, entry))?, entry);
        }
        let id = entry.name.strip_suffix(b".yaml").and_then(|it| layout::session_of(shard, it));
        let id = id.filter(|_| entry.is_file()).ok_or_else(|| unexpected(area, entry))?;
        let what = format!("the tombstone of session {id}");
        let text = self.text(entry, TOMBSTONE, &what)?;
        match format::parse_tombstone(&text) {
            Ok(tombstone) if tombstone.id == id => Ok(()),
            Ok(_) => Err(corrupt(entry.id, &what, "it is another session's".into())),
            Err(error) => Err(unreadable(entry, &what, error)),
        }
    }

    fn check_session(&self, id: SessionId, top: &Entry) -> Result<(), Error> {
        let what = format!("session {id}");
        let mut head = None;
        for entry in self.folder(top, &what)?.iter() {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            if name == HEAD && entry.is_file() {
                let text = self.text(entry, SMALL_TEXT, &format!("{HEAD} of {what}"))?;
                let read = format::parse_head(&text).map_err(|it| unreadable(entry, &what, it))?;
                head = Some(read);
            } else if name == FILES && entry.is_folder() {
                for file in self.folder(entry, &what)?.iter() {
                    let name = String::from_utf8_lossy(&file.name);
                    if !file.is_file() || !layout::is_file_name(&name) {
                        return Err(unexpected(&what, file));
                    }
                    self.check_size(file.id, ObjectType::Blob, PAYLOAD, &what)?;
                }
            } else if name == MESSAGES && entry.is_folder() {
                for chunk in self.folder(entry, &what)?.iter() {
                    self.check_size(chunk.id, ObjectType::Blob, CHUNK, &what)?;
                }
            } else {
                return Err(unexpected(&what, entry));
            }
        }
        // Names and numbers of the chunks, and every record in them.
        let stored = self.store.session_of_tree(id, &top.id.to_string())?;
        let stored = stored.ok_or_else(|| corrupt(top.id, &what, "it is not there".into()))?;
        let folded = self.store.records(&stored)?.derive(|stream| HeadFold::of_stream(id, stream));
        let counts = |head: &Head| (head.id, head.counts.records, head.counts.messages);
        match head {
            Some(head) if counts(&head) == counts(folded.head()) => Ok(()),
            _ => {
                let cause = "its session.yaml does not tell of the records that are there";
                Err(corrupt(top.id, &what, cause.into()))
            }
        }
    }

    fn text(&self, entry: &Entry, limit: usize, what: &str) -> Result<String, Error> {
        self.check_size(entry.id, ObjectType::Blob, limit, what)?;
        self.store.read_text(entry.id, &what)
    }

    fn folder(&self, entry: &Entry, what: &str) -> Result<Tree, Error> {
        if entry.is_folder() { self.tree(entry.id, what) } else { Err(unexpected(what, entry)) }
    }

    /// A folder whose entries stand in git's order, each once.
    fn tree(&self, id: Oid, what: &str) -> Result<Tree, Error> {
        self.check_size(id, ObjectType::Tree, FOLDER, what)?;
        let tree = Tree::clone(&*self.store.read_tree(id, &what)?);
        if tree.is_ordered() {
            return Ok(tree);
        }
        Err(corrupt(id, &what, "it is no folder as git writes it".into()))
    }

    fn check_size(&self, id: Oid, kind: ObjectType, limit: usize, what: &str) -> Result<(), Error> {
        let odb = self.store.odb()?;
        let header = odb.read_header(id);
        let (size, found) =
            header.map_err(|error| corrupt(id, &what, error.message().to_owned()))?;
        match size > limit {
            _ if found != kind => Err(corrupt(id, &what, format!("it is a {}", found.str()))),
            true => Err(corrupt(id, &what, format!("it has more than {} MiB", limit >> 20))),
            false => Ok(()),
        }
    }
}

fn unexpected(place: &str, entry: &Entry) -> Error {
    let cause = format!("it holds {:?}, which has no place there", shown(entry));
    corrupt(entry.id, &place, cause)
}

/// A name, as far as an error shows it.
fn shown(entry: &Entry) -> String {
    String::from_utf8_lossy(&entry.name).chars().take(60).collect()
}

fn unreadable(entry: &Entry, what: &str, error: format::Error) -> Error {
    match error {
        format::Error::TooNew { found } => Error::TooNew { found },
        error => corrupt(entry.id, &what, error.to_string()),
    }
}

fn corrupt_path(place: &Path) -> Error {
    let doing = format!("opening what arrived in {}", place.display());
    Error::Io { doing, source: std::io::ErrorKind::InvalidFilename.into() }
}
