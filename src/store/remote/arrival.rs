//! Checking what arrives from a remote, before any of it becomes part of the store.
//!
//! The tip must be a store's: its marker of a schema that is known, our names and modes only, each
//! file within its limit and readable. What the store has already is not looked at again. Git has
//! checked the form of all other objects when it took them in. What is wrong is named by file and,
//! where a text is to blame, line. The hooks of plain git look at what is committed and pushed with
//! the same eyes.
//!
//! Limits: 1 MiB `annals.yaml` and `session.yaml`, 16 MiB a tombstone, 64 MiB a file of messages,
//! 256 MiB a payload; 1 MiB a commit, 64 MiB a folder.

use std::fs;
use std::path::Path;

use git2::ObjectType;
use git2::Oid;
use tempfile::TempDir;

use crate::format;
use crate::format::Marker;
use crate::platform;
use crate::platform::FileLock;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::StoredSession;
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
        let store = Self::open(&self.path)?;
        let opening = |source| Error::Git { doing: "opening what arrived".into(), source };
        let text = place.to_str().ok_or_else(|| corrupt_path(place))?;
        store.odb()?.add_disk_alternate(text).map_err(opening)?;
        store.odb()?.refresh().map_err(opening)?;
        let arrival = Arrival { store: &store };
        arrival.check_history(object_id(tip), self)?;
        arrival.check_root(&*store.root(tip)?, &*store.root(&self.tip()?)?)?;
        Ok(store)
    }

    /// Checks what the top folder `root` holds and `known` does not; none: all of it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the first file that has no place in a store, or is not what it must
    /// be; [`Error::Foreign`]: it is no store's at all.
    pub fn check_folder(&self, root: ObjectId, known: Option<ObjectId>) -> Result<(), Error> {
        let arrival = Arrival { store: self };
        let read = |id: ObjectId| arrival.tree(id.0, "the top folder");
        let known = known.map(read).transpose()?.unwrap_or_default();
        arrival.check_root(&read(root)?, &known)
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

    fn check_root(&self, root: &Tree, ours: &Tree) -> Result<(), Error> {
        let marker = self.marker(root)?;
        if marker.schema > SCHEMA_VERSION {
            return Err(Error::TooNew { found: marker.schema });
        }
        for entry in root.iter() {
            match &*entry.name {
                name if name == SESSIONS.as_bytes() || name == TOMBSTONES.as_bytes() => {
                    let area = if name == SESSIONS.as_bytes() { SESSIONS } else { TOMBSTONES };
                    let known = ours.folder(area).ok().flatten();
                    self.check_area(area, entry, known)?;
                }
                // What people put beside our own files is theirs; links lead elsewhere.
                _ if entry.is_file() => {
                    self.check_size(entry.id, ObjectType::Blob, PAYLOAD, &shown(entry))?;
                }
                _ => return Err(unexpected("", entry)),
            }
        }
        Ok(())
    }

    fn marker(&self, root: &Tree) -> Result<Marker, Error> {
        let foreign = |cause| Error::Foreign { path: self.store.path.clone(), cause };
        let id = root.file(MARKER).map_err(foreign)?;
        let id = id.ok_or_else(|| foreign(format!("{MARKER} is missing")))?;
        let text = self.text(id, SMALL_TEXT, MARKER)?;
        format::parse_marker(&text).map_err(|error| unreadable(MARKER, &text, error))
    }

    fn check_area(&self, area: &str, top: &Entry, known: Option<Oid>) -> Result<(), Error> {
        if Some(top.id) == known {
            return Ok(());
        }
        let known = known.map(|id| self.tree(id, area)).transpose()?.unwrap_or_default();
        for shard in self.folder(top, area)?.iter() {
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
        let folder = format!("{area}/{}", String::from_utf8_lossy(shard));
        if area == SESSIONS {
            let id = layout::session_of(shard, &entry.name);
            return self.check_session(id.ok_or_else(|| unexpected(&folder, entry))?, entry);
        }
        let id = entry.name.strip_suffix(b".yaml").and_then(|it| layout::session_of(shard, it));
        let id = id.filter(|_| entry.is_file()).ok_or_else(|| unexpected(&folder, entry))?;
        let path = format!("{folder}/{}", shown(entry));
        let text = self.text(entry.id, TOMBSTONE, &path)?;
        match format::parse_tombstone(&text) {
            Ok(tombstone) if tombstone.id == id => Ok(()),
            Ok(_) => Err(wrong(path, "it is another session's")),
            Err(error) => Err(unreadable(&path, &text, error)),
        }
    }

    fn check_session(&self, id: SessionId, top: &Entry) -> Result<(), Error> {
        let path = format!("{SESSIONS}/{}/{id}", id.shard());
        let head_path = format!("{path}/{HEAD}");
        let mut head = None;
        for entry in self.folder(top, &path)?.iter() {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            let inner = format!("{path}/{name}");
            if name == HEAD && entry.is_file() {
                let text = self.text(entry.id, SMALL_TEXT, &head_path)?;
                let read = format::parse_head(&text);
                head = Some(read.map_err(|it| unreadable(&head_path, &text, it))?);
            } else if name == FILES && entry.is_folder() {
                for file in self.folder(entry, &inner)?.iter() {
                    let name = String::from_utf8_lossy(&file.name);
                    if !file.is_file() || !layout::is_file_name(&name) {
                        return Err(unexpected(&inner, file));
                    }
                    self.check_size(file.id, ObjectType::Blob, PAYLOAD, &inner)?;
                }
            } else if name == MESSAGES && entry.is_folder() {
                for chunk in self.folder(entry, &inner)?.iter() {
                    let path = format!("{inner}/{}", shown(chunk));
                    self.check_size(chunk.id, ObjectType::Blob, CHUNK, &path)?;
                }
            } else {
                return Err(unexpected(&path, entry));
            }
        }
        // Names and numbers of the chunks, and every record in them.
        let stored = self.store.session_of_tree(id, &top.id.to_string());
        let stored = stored.map_err(|error| at_path(&path, error))?;
        let stored = stored.ok_or_else(|| wrong(path.clone(), "it is not there"))?;
        let records = self.store.records(&stored);
        let records = records.map_err(|error| self.blame(&stored, error))?;
        let folded = records.derive(|stream| HeadFold::of_stream(id, stream));
        let counts = |head: &Head| (head.id, head.counts.records, head.counts.messages);
        match head {
            Some(head) if counts(&head) == counts(folded.head()) => Ok(()),
            _ => Err(wrong(head_path, "it does not tell of the records that are there")),
        }
    }

    /// The file, and its line, for which a session cannot be read.
    fn blame(&self, stored: &StoredSession, error: Error) -> Error {
        let folder = format!("{SESSIONS}/{}/{}/{MESSAGES}", stored.id.shard(), stored.id);
        for (number, chunk) in &stored.chunks {
            let path = format!("{folder}/{}", layout::chunk_name(stored.id, *number));
            let read = self.store.chunk_records(stored.id, stored.tree, (*number, *chunk));
            let Err(error) = read else { continue };
            let Ok(text) = self.text(chunk.0, CHUNK, &path) else { return at_path(&path, error) };
            let mut payload = |name: &str| self.store.file(stored.id, stored.tree, name).ok()?;
            return match format::parse_chunk(&text, &mut payload) {
                Err(error) => unreadable(&path, &text, error),
                Ok(_) => at_path(&path, error),
            };
        }
        error
    }

    fn text(&self, id: Oid, limit: usize, path: &str) -> Result<String, Error> {
        self.check_size(id, ObjectType::Blob, limit, path)?;
        self.store.read_text(id, &path).map_err(|error| at_path(path, error))
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

    fn check_size(&self, id: Oid, kind: ObjectType, limit: usize, path: &str) -> Result<(), Error> {
        let header = self.store.odb()?.read_header(id);
        let (size, found) =
            header.map_err(|error| corrupt(id, &path, error.message().to_owned()))?;
        match size > limit {
            _ if found != kind => Err(wrong(path.to_owned(), &format!("it is a {}", found.str()))),
            true => Err(wrong(path.to_owned(), &format!("it has more than {} MiB", limit >> 20))),
            false => Ok(()),
        }
    }
}

fn unexpected(folder: &str, entry: &Entry) -> Error {
    let slash = if folder.is_empty() { "" } else { "/" };
    wrong(format!("{folder}{slash}{}", shown(entry)), "it has no place in a store")
}

/// A name, as far as an error shows it.
fn shown(entry: &Entry) -> String {
    String::from_utf8_lossy(&entry.name).chars().take(60).collect()
}

fn wrong(what: String, cause: &str) -> Error {
    Error::Corrupt { what, cause: cause.to_owned() }
}

/// What is wrong with a text, by its line.
fn unreadable(path: &str, text: &str, error: format::Error) -> Error {
    match error {
        format::Error::TooNew { found } => Error::TooNew { found },
        format::Error::Yaml { line, cause } => wrong(format!("{path}:{line}"), &cause),
        format::Error::Shape { document, cause } => {
            let lines = format::document_lines(text);
            let line = lines.get(document.saturating_sub(1)).unwrap_or(&1);
            wrong(format!("{path}:{line}"), &cause)
        }
        error @ format::Error::File { .. } => wrong(path.to_owned(), &error.to_string()),
    }
}

fn at_path(path: &str, error: Error) -> Error {
    match error {
        Error::Corrupt { cause, .. } => wrong(path.to_owned(), &cause),
        error => error,
    }
}

fn corrupt_path(place: &Path) -> Error {
    let doing = format!("opening what arrived in {}", place.display());
    Error::Io { doing, source: std::io::ErrorKind::InvalidFilename.into() }
}
