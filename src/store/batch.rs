//! Objects made without a lock, until a commit takes them in.
//!
//! Few objects become loose files. Many go into one pack, streamed to a temporary file, so that
//! memory stays bounded. A small save never makes a pack: 500 packs make a save 20 times dearer.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use flate2::Compress;
use flate2::Compression;
use flate2::FlushCompress;
use flate2::Status;
use git2::ObjectType;
use git2::OdbLookupFlags;
use git2::Oid;
use tempfile::TempPath;

use crate::platform;
use crate::store::Error;
use crate::store::Store;
use crate::store::layout::Tree;
use crate::store::objects::LooseError;
use crate::store::objects::loose_path;
use crate::store::objects::read_loose;
use crate::store::pack::PackWriter;
use crate::store::prune_guard::PruneGuard;

/// Beyond this many objects, or bytes of them, a batch becomes a pack.
const LOOSE_OBJECTS: usize = 200;
const LOOSE_BYTES: usize = 8 << 20;

/// How the name of a loose object begins that is not whole; git's own clean-up knows it.
const UNNAMED: &str = "tmp_obj_";

/// How often the folder of a loose object is made again, when git's clean-up, which removes empty
/// ones, comes between the folder and the object.
const ROOM_ATTEMPTS: usize = 20;

/// Objects made without a lock, until a commit takes them in. Many are kept as one pack, few as
/// loose objects. Dropped without a commit, it leaves nothing behind that matters.
#[derive(Debug)]
pub struct Batch<'s> {
    pub(super) store: &'s Store,
    known: HashSet<Oid>,
    held: Vec<Held>,
    held_bytes: usize,
    pack: Option<PackWriter>,
    deflater: Deflater,
    /// Loose objects, and folders with names of some, that may not be durable yet: others wrote
    /// them a moment ago.
    unsynced: (Vec<PathBuf>, BTreeSet<PathBuf>),
    /// Keeps git from removing what no ref reaches yet.
    guard: Option<PruneGuard>,
    /// Whether what the store has is read, before it is taken for there.
    is_anew: bool,
}

/// A loose object that has no name yet.
struct Unnamed {
    made: TempPath,
    path: PathBuf,
    deflated: Vec<u8>,
}

#[derive(Debug)]
struct Held {
    id: Oid,
    kind: ObjectType,
    bytes: Vec<u8>,
}

impl<'s> Batch<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self {
            store,
            known: HashSet::new(),
            held: Vec::new(),
            held_bytes: 0,
            pack: None,
            deflater: Deflater(Compress::new(Compression::fast(), true)),
            unsynced: (Vec::new(), BTreeSet::new()),
            guard: None,
            is_anew: false,
        }
    }

    /// One for a store that is damaged: what it has, but cannot read, is written again.
    pub(super) fn anew(store: &'s Store) -> Self {
        Self { is_anew: true, ..Self::new(store) }
    }

    /// Takes an object in, unless the store has it; returns its id.
    pub(super) fn put(&mut self, kind: ObjectType, bytes: Vec<u8>) -> Result<Oid, Error> {
        self.keep_from_pruning()?;
        let failed = |source| Error::Git { doing: "hashing an object".into(), source };
        let id = Oid::hash_object(kind, &bytes).map_err(failed)?;
        if self.known.contains(&id) || self.is_stored(id)? {
            self.known.insert(id);
            return Ok(id);
        }
        self.known.insert(id);
        self.held_bytes += bytes.len();
        self.held.push(Held { id, kind, bytes });
        let is_large = self.held.len() > LOOSE_OBJECTS || self.held_bytes > LOOSE_BYTES;
        if is_large || self.pack.is_some() {
            self.pack_held().map_err(writing("a pack"))?;
        }
        Ok(id)
    }

    /// Takes an object in, whatever the store has under its id; it will be loose.
    pub(super) fn put_anew(&mut self, kind: ObjectType, bytes: Vec<u8>) -> Result<Oid, Error> {
        self.keep_from_pruning()?;
        let failed = |source| Error::Git { doing: "hashing an object".into(), source };
        let id = Oid::hash_object(kind, &bytes).map_err(failed)?;
        self.known.insert(id);
        self.held.push(Held { id, kind, bytes });
        Ok(id)
    }

    /// Keeps git's clean-up away from what will be in it. Else the first object does, and what fails
    /// then looks like the object's fault.
    pub fn keep_from_pruning(&mut self) -> Result<(), Error> {
        if self.guard.is_none() {
            self.guard = Some(self.store.keep_from_pruning()?);
        }
        Ok(())
    }

    /// Takes a folder in.
    pub(super) fn put_tree(&mut self, tree: &Tree) -> Result<Oid, Error> {
        self.put(ObjectType::Tree, tree.render())
    }

    /// Whether the object is here or in the store.
    pub(super) fn has(&self, id: Oid) -> bool {
        self.known.contains(&id) || self.store.repository.odb().is_ok_and(|odb| odb.exists(id))
    }

    /// Does without a lock what can be done without it.
    pub(super) fn prepare(&mut self) -> Result<(), Error> {
        match &mut self.pack {
            Some(pack) => pack.sync().map_err(writing("a pack")),
            // Few objects are written at once, with those of the commit: one flush serves all.
            None => Ok(()),
        }
    }

    /// Makes all objects part of the store, durably.
    pub fn flush(&mut self) -> Result<(), Error> {
        let folders = self.place(None)?;
        platform::sync_placed(&[], &folders).map_err(writing("an object"))
    }

    /// Makes all objects part of the store, and `also`, a file that was just written, durable. The
    /// objects' bytes are, before they have names: a power loss leaves no torn object. Their names
    /// are not: whoever goes on must flush the folders that this gives.
    pub(super) fn place(&mut self, also: Option<&Path>) -> Result<BTreeSet<PathBuf>, Error> {
        if self.pack.is_some() {
            self.install_pack()?;
        }
        let mut place = || {
            let unnamed = self.write_loose()?;
            let (mut files, folders) = std::mem::take(&mut self.unsynced);
            files.extend(unnamed.iter().map(|object| object.made.to_path_buf()));
            files.extend(also.map(Path::to_owned));
            let beside = also.and_then(Path::parent).map(Path::to_owned).into_iter().collect();
            platform::sync_placed(&files, &beside)?;
            unnamed.into_iter().try_for_each(Unnamed::name)?;
            Ok(folders)
        };
        place().map_err(writing("an object"))
    }

    /// Makes what is in it durable, though nothing leads to it yet: whoever makes the same again finds
    /// it.
    pub fn keep(&mut self) -> Result<(), Error> {
        self.prepare()?;
        self.flush()
    }

    /// Whether the store has a sound copy. A loose one is read, for a torn one must be written
    /// anew, and gets a new time, which keeps git's clean-up away from it.
    fn is_stored(&mut self, id: Oid) -> Result<bool, Error> {
        match read_loose(&self.store.objects, id) {
            Ok(Some(_)) => {
                self.freshen(id);
                Ok(true)
            }
            Ok(None) if self.is_anew => Ok(self.store.has_sound(id)),
            Ok(None) => {
                let odb = self.store.odb()?;
                Ok(odb.exists_ext(id, OdbLookupFlags::NO_REFRESH))
            }
            Err(LooseError::Damaged(_)) => {
                if self.is_anew {
                    self.store.set_aside(&loose_path(&self.store.objects, id))?;
                }
                Ok(false)
            }
            Err(LooseError::Io(source)) => {
                Err(Error::Io { doing: format!("reading the object {id}"), source })
            }
        }
    }

    /// Another process may have written it a moment ago, and not have made its name durable.
    fn freshen(&mut self, id: Oid) {
        let path = loose_path(&self.store.objects, id);
        #[expect(clippy::disallowed_methods, reason = "the time of a file, compared by git alone")]
        let now = SystemTime::now();
        // Not our file, or gone into a pack: then git's clean-up is no danger to it either.
        drop(File::open(&path).and_then(|file| file.set_modified(now)));
        self.unsynced.1.extend(path.parent().map(PathBuf::from));
        self.unsynced.0.push(path);
    }

    fn pack_held(&mut self) -> io::Result<()> {
        let folder = self.store.objects.join("pack");
        for held in std::mem::take(&mut self.held) {
            if let Some(full) = self.pack.take_if(|pack| pack.is_full()) {
                full.install(&folder)?;
            }
            let pack = match &mut self.pack {
                Some(pack) => pack,
                none => none.insert(PackWriter::new(&folder)?),
            };
            let deflated = self.deflater.deflate(&[&held.bytes])?;
            pack.add(held.id, held.kind, held.bytes.len(), &deflated)?;
        }
        self.held_bytes = 0;
        Ok(())
    }

    fn install_pack(&mut self) -> Result<(), Error> {
        self.pack_held().map_err(writing("a pack"))?;
        if let Some(pack) = self.pack.take() {
            let folder = self.store.objects.join("pack");
            pack.install(&folder).map_err(writing("a pack"))?;
        }
        let failed = |source| Error::Git { doing: "opening a new pack".into(), source };
        self.store.odb()?.refresh().map_err(failed)
    }

    fn write_loose(&mut self) -> io::Result<Vec<Unnamed>> {
        let mut unnamed = Vec::with_capacity(self.held.len());
        for held in std::mem::take(&mut self.held) {
            let header = format!("{} {}\0", held.kind.str(), held.bytes.len());
            let deflated = self.deflater.deflate(&[header.as_bytes(), &held.bytes])?;
            let path = loose_path(&self.store.objects, held.id);
            let mut attempts = ROOM_ATTEMPTS;
            let made = loop {
                match platform::prepare_file(&path, UNNAMED, 0o444, &deflated) {
                    Ok(made) => break made,
                    Err(error) if attempts == 0 => return Err(error),
                    Err(error) => self.make_room(&path, error)?,
                }
                attempts -= 1;
            };
            self.unsynced.1.extend(path.parent().map(PathBuf::from));
            unnamed.push(Unnamed { made, path, deflated });
        }
        self.held_bytes = 0;
        Ok(unnamed)
    }

    /// Makes the folder of a loose object when that is what was missing.
    fn make_room(&mut self, path: &Path, error: io::Error) -> io::Result<()> {
        let Some(folder) = path.parent() else {
            return Err(error);
        };
        if error.kind() != io::ErrorKind::NotFound {
            return Err(error);
        }
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.unsynced.1.insert(self.store.objects.clone());
        Ok(())
    }
}

impl Unnamed {
    fn name(self) -> io::Result<()> {
        match self.made.persist(&self.path).map_err(|error| error.error) {
            // Git's clean-up takes unnamed files away, when somebody tells it to take them all.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                platform::place_file(&self.path, UNNAMED, 0o444, &self.deflated)
            }
            named => named,
        }
    }
}

/// One deflate state, used again for each object: making it anew costs more than a small object.
struct Deflater(Compress);

impl std::fmt::Debug for Deflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deflater")
    }
}

impl Deflater {
    fn deflate(&mut self, parts: &[&[u8]]) -> io::Result<Vec<u8>> {
        self.0.reset();
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut out = Vec::with_capacity(length / 2 + 256);
        for (n, part) in parts.iter().enumerate() {
            let is_last = n + 1 == parts.len();
            self.deflate_part(part, is_last, &mut out)?;
        }
        Ok(out)
    }

    fn deflate_part(&mut self, part: &[u8], is_last: bool, out: &mut Vec<u8>) -> io::Result<()> {
        let flush = if is_last { FlushCompress::Finish } else { FlushCompress::None };
        let start = self.0.total_in();
        loop {
            let done = usize::try_from(self.0.total_in() - start).map_err(io::Error::other)?;
            let status = self.0.compress_vec(&part[done..], out, flush)?;
            let is_taken = self.0.total_in() - start == part.len() as u64;
            match status {
                Status::StreamEnd => return Ok(()),
                _ if !is_last && is_taken => return Ok(()),
                _ => out.reserve(out.capacity().max(256)),
            }
        }
    }
}

fn writing(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Io { doing: format!("writing {what} into the store"), source }
}
