//! Checking what arrives from a remote, before any of it becomes part of the store.
//!
//! The tip must be a store's: its marker of a schema that is known, our names and modes only, each
//! file within its limit and readable. What the store has already is not looked at again. Git has
//! checked the form of all other objects when it took them in. What is wrong is named by file and,
//! where a text is to blame, line. The hooks of plain git look at what is committed and pushed with
//! the same eyes.
//!
//! Sizes are known before anything is read: few bytes may stand for very many, and one file may
//! stand in many places.
//!
//! Limits: 1 MiB `annals.yaml` and `session.yaml`, 16 MiB a tombstone, 64 MiB a file of messages,
//! 512 MiB and ten million commas, lines and brackets the messages of a session, 256 MiB a payload;
//! 1 MiB a commit, 64 MiB a folder; 1,000 files beside our own; two minutes for all of it, and a
//! second more for each 64 KiB that arrived.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use git2::ObjectType;
use git2::Oid;

use crate::format;
use crate::format::Marker;
use crate::session::Head;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::StoredSession;
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
use crate::store::remote::talk;

pub(super) const SMALL_TEXT: usize = 1 << 20;
const TOMBSTONE: usize = 16 << 20;
const CHUNK: usize = 64 << 20;
const SESSION: usize = 512 << 20;
/// Each takes some 75 to 250 bytes of memory, and two in the text.
const VALUES: usize = 10_000_000;
pub(super) const PAYLOAD: usize = 256 << 20;
const FOLDER: usize = 64 << 20;
const FOREIGN: usize = 1_000;

impl Store {
    /// Checks the revision `tip`, whose objects lie in `place` where this store lacks them. Gives a
    /// store that sees both.
    pub(super) fn check_arrival(&self, place: &Path, tip: &RevisionId) -> Result<Self, Error> {
        // Of its own, so that this store never looks where objects arrive.
        let mut store = Self::open(&self.path)?;
        store.cleaner = self.cleaner.clone();
        store.see_also(place)?;
        let time = talk::time_to_look_at(place);
        let arrival = Arrival { store: &store, begun: Instant::now(), time };
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
        let arrival = Arrival::at_home(self);
        let read = |id: ObjectId| arrival.tree(id.0, "the top folder");
        let known = known.map(read).transpose()?.unwrap_or_default();
        arrival.check_root(&read(root)?, &known)
    }
}

pub(super) struct Arrival<'s> {
    store: &'s Store,
    begun: Instant,
    /// How long it may take.
    time: Duration,
}

impl<'s> Arrival<'s> {
    /// For what lies in the store already, however long that takes.
    pub(super) fn at_home(store: &'s Store) -> Self {
        Self { store, begun: Instant::now(), time: Duration::MAX }
    }

    /// Every revision that is new must be one, with its parents there, and have folders and a file
    /// where ours are: what is read on the way to the newest one.
    fn check_history(&self, tip: Oid, known: &Store) -> Result<(), Error> {
        let known = known.odb()?;
        let mut waiting = vec![tip];
        let mut seen = HashSet::new();
        while let Some(id) = waiting.pop() {
            if known.exists(id) || !seen.insert(id) {
                continue;
            }
            for entry in self.top(id)?.iter() {
                match &*entry.name {
                    name if name == MARKER.as_bytes() => {
                        self.check_file(entry, SMALL_TEXT, "a revision")?;
                    }
                    name if name == SESSIONS.as_bytes() || name == TOMBSTONES.as_bytes() => {
                        self.folder(entry, "a revision")?;
                    }
                    _ => {}
                }
            }
            waiting.extend(&self.store.read_commit(id)?.parents);
        }
        Ok(())
    }

    fn check_root(&self, root: &Tree, ours: &Tree) -> Result<(), Error> {
        for entry in root.iter().filter(|entry| entry.is_file()) {
            let limit = if *entry.name == *MARKER.as_bytes() { SMALL_TEXT } else { PAYLOAD };
            self.check_size(entry.id, ObjectType::Blob, limit, &shown(entry))?;
        }
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
                _ if entry.is_file() => {}
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

    /// A session of an older schema: whether it can be migrated is told when it is.
    fn check_older(&self, id: SessionId, file: &Entry) -> Result<(), Error> {
        let what = format!("the file of session {id}");
        self.check_file(file, CHUNK, &what)
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
            let before: HashMap<_, _> = before.iter().map(|it| (&it.name, it)).collect();
            for entry in self.folder(shard, &what)?.iter() {
                if before.get(&entry.name) != Some(&entry) {
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
                let read = read.map_err(|it| unreadable(&head_path, &text, it))?;
                if read.schema > SCHEMA_VERSION {
                    return Err(Error::TooNew { found: read.schema });
                }
                head = Some(read);
            } else if name == FILES && entry.is_folder() {
                for file in self.folder(entry, &inner)?.iter() {
                    if !layout::is_file_name(&String::from_utf8_lossy(&file.name)) {
                        return Err(unexpected(&inner, file));
                    }
                    self.check_file(file, PAYLOAD, &inner)?;
                }
            } else if name == MESSAGES && entry.is_folder() {
                self.check_messages(entry, &inner)?;
            } else {
                return Err(unexpected(&path, entry));
            }
        }
        // Names and numbers of the chunks, and every record in them.
        let stored = self.store.session_of_tree(id, &top.id.to_string());
        let stored = stored.map_err(|error| at_path(&path, error))?;
        let stored = stored.ok_or_else(|| wrong(path.clone(), "it is not there"))?;
        let folded = self.store.fold(&stored).map_err(|error| self.blame(&stored, error))?;
        let counts = |head: &Head| (head.id, head.counts.records, head.counts.messages);
        match head {
            Some(head) if counts(&head) == counts(folded.head()) => Ok(()),
            _ => Err(wrong(head_path, "it does not tell of the records that are there")),
        }
    }

    /// The sizes of a session's messages, and how many values they can hold.
    pub(super) fn check_messages(&self, top: &Entry, folder: &str) -> Result<(), Error> {
        let (chunks, mut size) = (self.folder(top, folder)?, 0);
        let path = |chunk: &Entry| format!("{folder}/{}", shown(chunk));
        for chunk in chunks.iter() {
            size += self.check_size(chunk.id, ObjectType::Blob, CHUNK, &path(chunk))?;
        }
        if size > SESSION {
            let cause = format!("its messages have more than {} MiB", SESSION >> 20);
            return Err(wrong(folder.to_owned(), &cause));
        }
        let mut values = 0;
        // There is no more than one to a byte.
        for chunk in chunks.iter().filter(|_| size > VALUES) {
            let text = self.text(chunk.id, CHUNK, &path(chunk))?;
            values += text.bytes().filter(|byte| b",\n[{".contains(byte)).count();
            if values > VALUES {
                let cause = format!("its messages may hold more than {VALUES} values");
                return Err(wrong(folder.to_owned(), &cause));
            }
        }
        Ok(())
    }

    fn check_file(&self, entry: &Entry, limit: usize, what: &str) -> Result<(), Error> {
        if !entry.is_file() {
            return Err(unexpected(what, entry));
        }
        self.check_size(entry.id, ObjectType::Blob, limit, what).map(drop)
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

    pub(super) fn folder(&self, entry: &Entry, what: &str) -> Result<Tree, Error> {
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

    /// The top folder of a revision.
    fn top(&self, revision: Oid) -> Result<Tree, Error> {
        self.check_size(revision, ObjectType::Commit, SMALL_TEXT, "a revision")?;
        let what = "the top folder";
        let tree = self.tree(self.store.read_commit(revision)?.tree, what)?;
        if tree.len() > FOREIGN {
            let cause = format!("it has more than {FOREIGN} files");
            return Err(corrupt(revision, &what, cause));
        }
        Ok(tree)
    }

    /// The size of an object, known from its header.
    pub(super) fn check_size(
        &self,
        id: Oid,
        kind: ObjectType,
        limit: usize,
        path: &str,
    ) -> Result<usize, Error> {
        if self.begun.elapsed() > self.time {
            let cause = format!("looking at it takes more than {} s", self.time.as_secs());
            return Err(corrupt(id, &path, cause));
        }
        let odb = self.store.odb()?;
        let header = odb.read_header(id);
        let (size, found) =
            header.map_err(|error| corrupt(id, &path, error.message().to_owned()))?;
        match size > limit {
            _ if found != kind => Err(wrong(path.to_owned(), &format!("it is a {}", found.str()))),
            true => Err(wrong(path.to_owned(), &format!("it has more than {} MiB", limit >> 20))),
            false => Ok(size),
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
