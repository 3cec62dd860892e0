//! Reading objects, so that no damage goes unseen and none makes annals hang.
//!
//! A loose object is read by our own bounded reader: libgit2 spins without end on a torn one.
//! What is not loose comes from a pack, through libgit2, which checks its id.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::fmt::Display;
use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use flate2::Decompress;
use flate2::FlushDecompress;
use flate2::Status;
use git2::ObjectType;
use git2::Oid;

use crate::store::Error;
use crate::store::Store;
use crate::store::layout::Tree;

/// The most bytes that one object may have.
const SIZE_LIMIT: u64 = 512 << 20;
/// The longest header: `commit`, a number of 20 digits, a space and a NUL.
const HEADER_LIMIT: usize = 32;
/// No deflated byte stands for more bytes than this.
const DEFLATE_LIMIT: u64 = 1_032;
/// How many entries of trees are kept in memory: about 100 bytes each.
const CACHE_LIMIT: usize = 100_000;

/// Why a loose object could not be read.
pub(super) enum LooseError {
    /// The operating system failed.
    Io(io::Error),
    /// It is not what its name says.
    Damaged(String),
}

/// Trees that were read or written lately. A tree never changes, so none is ever out of date.
#[derive(Debug, Default)]
pub(super) struct TreeCache {
    trees: HashMap<Oid, Arc<Tree>>,
    entries: usize,
}

impl TreeCache {
    pub(super) fn find(&self, id: Oid) -> Option<Arc<Tree>> {
        self.trees.get(&id).cloned()
    }

    pub(super) fn add(&mut self, id: Oid, tree: Arc<Tree>) {
        if self.entries > CACHE_LIMIT {
            *self = Self::default();
        }
        self.entries += tree.len() + 1;
        self.trees.insert(id, tree);
    }
}

/// The few values that were used last, by their keys.
#[derive(Debug)]
pub(super) struct Latest<K, V>(VecDeque<(K, V)>);

/// How many values [`Latest`] holds.
const LATEST: usize = 8;

impl<K, V> Default for Latest<K, V> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<K: PartialEq, V> Latest<K, V> {
    pub(super) fn find(&self, key: &K) -> Option<&V> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(super) fn take(&mut self, key: &K) -> Option<V> {
        let place = self.0.iter().position(|(known, _)| known == key)?;
        self.0.remove(place).map(|(_, value)| value)
    }

    pub(super) fn add(&mut self, key: K, value: V) {
        self.take(&key);
        self.0.truncate(LATEST - 1);
        self.0.push_front((key, value));
    }
}

impl Store {
    /// The bytes of an object. `what` names it for people, in errors.
    pub(super) fn read(
        &self,
        id: Oid,
        kind: ObjectType,
        what: &dyn Display,
    ) -> Result<Vec<u8>, Error> {
        let damaged = |cause: String| corrupt(id, what, cause);
        let own = match read_loose(&self.objects, id) {
            Ok(Some(object)) => Ok(object),
            Ok(None) => self.read_packed(id),
            Err(LooseError::Damaged(cause)) => Err(cause),
            Err(LooseError::Io(source)) => return Err(reading(what, source)),
        };
        let (found, bytes) = match own {
            Ok(object) => object,
            Err(cause) => {
                // A pack that cannot be opened at the moment is not damaged, and lacks nothing.
                self.check_packs_open().map_err(|source| reading(what, source))?;
                self.donors.read(id).ok_or_else(|| damaged(cause))?
            }
        };
        if found != kind {
            return Err(damaged(format!("it is a {found}, not a {kind}")));
        }
        Ok(bytes)
    }

    /// Whether the store itself has a sound object of that id.
    pub(super) fn has_sound(&self, id: Oid) -> bool {
        match read_loose(&self.objects, id) {
            Ok(None) => self.read_packed(id).is_ok(),
            read => read.is_ok(),
        }
    }

    /// The text of a blob.
    pub(super) fn read_text(&self, id: Oid, what: &dyn Display) -> Result<String, Error> {
        let bytes = self.read(id, ObjectType::Blob, what)?;
        String::from_utf8(bytes).map_err(|_| corrupt(id, what, "it is no UTF-8".into()))
    }

    /// As [`Self::read_text`], where a text is read to be searched: git's own check of a packed
    /// object's id is left out, which takes as long as reading it.
    pub(super) fn read_text_to_search(&self, id: Oid, what: &dyn Display) -> Result<String, Error> {
        git2::opts::strict_hash_verification(false);
        let text = self.read_text(id, what);
        git2::opts::strict_hash_verification(true);
        text
    }

    /// A tree.
    pub(super) fn read_tree(&self, id: Oid, what: &dyn Display) -> Result<Arc<Tree>, Error> {
        if let Some(tree) = self.trees.borrow().find(id) {
            return Ok(tree);
        }
        let bytes = self.read(id, ObjectType::Tree, what)?;
        let tree = Tree::parse(&bytes).map_err(|cause| corrupt(id, what, cause))?;
        let tree = Arc::new(tree);
        self.trees.borrow_mut().add(id, tree.clone());
        Ok(tree)
    }

    /// Opens each pack, and what finds objects in it: libgit2 passes over those that it cannot open.
    fn check_packs_open(&self) -> io::Result<()> {
        let entries = match fs::read_dir(self.objects.join("pack")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            match File::open(entry?.path()) {
                // Git has just packed it elsewhere.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => drop(opened?),
            }
        }
        Ok(())
    }

    /// An object that lies in a pack alone; none: it is loose, or damaged.
    pub(super) fn read_only_packed(&self, id: Oid) -> Option<(ObjectType, Vec<u8>)> {
        match read_loose(&self.objects, id) {
            Ok(None) => self.read_packed(id).ok(),
            _ => None,
        }
    }

    fn read_packed(&self, id: Oid) -> Result<(ObjectType, Vec<u8>), String> {
        let odb = self.repository.odb().map_err(cause)?;
        match odb.read(id) {
            Ok(object) => Ok((object.kind(), object.data().to_vec())),
            Err(error) if error.code() == git2::ErrorCode::NotFound => {
                Err("it is missing".to_owned())
            }
            // Another process may have repacked: its packs are listed anew, once.
            Err(_) => {
                odb.refresh().map_err(cause)?;
                let object = odb.read(id).map_err(cause)?;
                Ok((object.kind(), object.data().to_vec()))
            }
        }
    }
}

fn reading(what: &dyn Display, source: io::Error) -> Error {
    Error::Io { doing: format!("reading {what}"), source }
}

/// The error for an object that is not what it must be.
pub(super) fn corrupt(id: Oid, what: &dyn Display, cause: String) -> Error {
    Error::Corrupt { what: format!("{what} (object {id})"), cause }
}

#[expect(clippy::needless_pass_by_value, reason = "stands in map_err")]
fn cause(error: git2::Error) -> String {
    error.message().to_owned()
}

/// Where a loose object lies.
pub(super) fn loose_path(objects: &Path, id: Oid) -> PathBuf {
    let hex = id.to_string();
    objects.join(&hex[..2]).join(&hex[2..])
}

/// Reads a loose object whole and checks it against its id; none when it is not loose.
pub(super) fn read_loose(
    objects: &Path,
    id: Oid,
) -> Result<Option<(ObjectType, Vec<u8>)>, LooseError> {
    let path = loose_path(objects, id);
    match fs::metadata(&path) {
        Ok(metadata) if metadata.len() > SIZE_LIMIT => {
            return Err(LooseError::Damaged(too_large(metadata.len())));
        }
        // Opening a pipe would wait for its writer.
        Ok(metadata) if !metadata.is_file() => {
            return Err(LooseError::Damaged("its file is no plain file".to_owned()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LooseError::Io(error)),
    }
    match fs::read(&path) {
        Ok(raw) => inflate(&raw, id).map(Some).map_err(LooseError::Damaged),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LooseError::Io(error)),
    }
}

/// Inflates within the size that the header declares, in two calls whatever the bytes are.
fn inflate(raw: &[u8], id: Oid) -> Result<(ObjectType, Vec<u8>), String> {
    let mut start = [0; HEADER_LIMIT];
    let mut inflater = Decompress::new(true);
    let begun = inflater.decompress(raw, &mut start, FlushDecompress::None);
    begun.map_err(|_| "it is no zlib stream".to_owned())?;
    let (kind, size, header) = parse_header(&start).ok_or("its header is broken")?;
    let length = raw.len() as u64;
    if size > SIZE_LIMIT || size > length.saturating_mul(DEFLATE_LIMIT) {
        return Err(too_large(size));
    }
    let size = usize::try_from(size).map_err(|_| too_large(size))?;
    // One byte more, so that a stream that goes on is seen.
    let mut bytes = vec![0; header + size + 1];
    inflater.reset(true);
    let end = inflater
        .decompress(raw, &mut bytes, FlushDecompress::Finish)
        .map_err(|_| "its zlib stream is broken".to_owned())?;
    if end != Status::StreamEnd || inflater.total_out() != (header + size) as u64 {
        return Err("it is cut off, or longer than its header says".into());
    }
    if inflater.total_in() != length {
        return Err("something follows its end".into());
    }
    bytes.truncate(header + size);
    bytes.drain(..header);
    check_id(kind, &bytes, id)?;
    Ok((kind, bytes))
}

/// Whether bytes are what an id says.
pub(super) fn check_id(kind: ObjectType, bytes: &[u8], id: Oid) -> Result<(), String> {
    match Oid::hash_object(kind, bytes) {
        Ok(found) if found == id => Ok(()),
        Ok(found) => Err(format!("its bytes have the id {found}")),
        Err(error) => Err(cause(error)),
    }
}

fn too_large(size: u64) -> String {
    format!("it would have {size} bytes")
}

/// Kind, size and length of a loose object's header.
fn parse_header(start: &[u8]) -> Option<(ObjectType, u64, usize)> {
    let end = memchr::memchr(0, start)?;
    let (kind, size) = std::str::from_utf8(&start[..end]).ok()?.split_once(' ')?;
    let kind = match kind {
        "blob" => ObjectType::Blob,
        "tree" => ObjectType::Tree,
        "commit" => ObjectType::Commit,
        "tag" => ObjectType::Tag,
        _ => return None,
    };
    (!size.starts_with('+')).then_some(())?;
    Some((kind, size.parse().ok()?, end + 1))
}
