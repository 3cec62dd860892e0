//! What git keeps beside objects to find them sooner: indexes of packs, bitmaps, graphs of commits.
//!
//! All of it follows from the objects, so none is ever lost: an index is made again from its pack, the
//! rest is taken away, and git makes it again when it packs. Each of these files, and each pack, ends
//! with the SHA-1 of all before it, an index's before that with its pack's (gitformat-pack,
//! gitformat-commit-graph).

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;
use std::path::PathBuf;

use sha1_smol::Sha1;

use crate::platform;
use crate::store::Error;
use crate::store::Store;
use crate::store::donors::AT_ONCE;
use crate::store::donors::Donor;
use crate::store::git;
use crate::store::repack::Packed;
use crate::store::repair::mending;

/// How many bytes a checksum has.
const CHECKSUM: usize = 20;

/// A file beside the objects that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedFault {
    /// The file; of a pack without an index, where that would be.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A pack, with an index that tells what is in it.
    Pack,
    /// The index of a pack.
    Index,
    /// There is none: somebody died before he made it, or it was lost.
    NoIndex,
    /// What git makes again by itself.
    Other,
}

impl DerivedFault {
    /// Whether it is damage: a pack without an index is left by whoever died over it, too.
    pub fn is_damage(&self) -> bool {
        self.kind != Kind::NoIndex
    }

    /// Whether a pack has to be read without its index.
    pub fn is_index(&self) -> bool {
        matches!(self.kind, Kind::Index | Kind::NoIndex)
    }

    /// Whether the pack itself is damaged.
    pub fn is_pack(&self) -> bool {
        self.kind == Kind::Pack
    }
}

impl Store {
    /// The files beside the objects that are damaged, and the packs that have no index. Reads all
    /// packs.
    pub fn derived_faults(&self) -> Result<Vec<DerivedFault>, Error> {
        let mut faults = Vec::new();
        for folder in ["pack", "info", "info/commit-graphs"] {
            for path in paths_in(&self.objects.join(folder))? {
                match fault_of(&path) {
                    // Git has just put something better in its place.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(source) => {
                        return Err(Error::Io {
                            doing: format!("reading {}", path.display()),
                            source,
                        });
                    }
                    Ok(fault) => faults.extend(fault),
                }
            }
        }
        faults.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(faults)
    }

    /// From now on, what a pack has whose index is damaged or missing is read without it, as far as that
    /// can be. Whether all of it can, so that the index was made again, beside its place.
    pub fn read_without_index(&mut self, index: &Path) -> Result<bool, Error> {
        let (place, pack) = (self.mending_place()?, index.with_extension("pack"));
        let objects = place.path().join("objects");
        let (copy, is_whole) = index_pack(place.path(), index)?;
        let donor = if is_whole {
            Donor::of_pack(index, &objects, place)?
        } else {
            fs::remove_file(&copy).map_err(mending)?;
            let mut command = git::git_in(place.path());
            command.args(["unpack-objects", "-r", "-q"]);
            command.stdin(File::open(&pack).map_err(mending)?);
            // It fails, for something is damaged; what comes before that is there.
            drop(git::run(command, "reading what can be read of a pack"));
            Donor::of(&format!("what is left of {}", pack.display()), objects, Some(place))?
        };
        self.borrow_from(vec![donor]);
        Ok(is_whole)
    }

    /// Puts an index in its place that was made again.
    pub fn place_index(&mut self, index: &Path) -> Result<(), Error> {
        let Some(made) = self.index_made_for(index) else { return Ok(()) };
        let _lock = self.lock()?;
        self.put_index(index, &made)?;
        self.look_again()
    }

    /// Gives those packs an index that have none: whoever made them, or was removing them, died. One
    /// that is damaged is left to the doctor.
    pub(super) fn index_packs(&self) -> Result<(), Error> {
        for path in paths_in(&self.objects.join("pack"))? {
            let index = path.with_extension("idx");
            if path.extension().is_none_or(|end| end != "pack") || index.exists() {
                continue;
            }
            let place = self.mending_place()?;
            let (copy, is_whole) = index_pack(place.path(), &index)?;
            if is_whole {
                self.put_index(&index, &copy.with_extension("idx"))?;
            }
        }
        Ok(())
    }

    fn put_index(&self, index: &Path, made: &Path) -> Result<(), Error> {
        let text = fs::read(made).map_err(mending)?;
        platform::place_file(index, "tmp_idx_", 0o444, &text).map_err(mending)?;
        platform::sync_folder(&self.objects.join("pack")).map_err(mending)
    }

    /// The indexes of packs in which something is damaged, though all of that may be sound elsewhere
    /// too.
    pub fn damaged_packs(&self) -> Result<Vec<PathBuf>, Error> {
        let mut damaged = Vec::new();
        for path in paths_in(&self.objects.join("pack"))? {
            if path.extension().is_some_and(|end| end == "idx") {
                let mut command = git::git_in(&self.path);
                command.args(["verify-pack", "--"]).arg(&path);
                damaged.extend(git::run(command, "verifying a pack").is_err().then_some(path));
            }
        }
        Ok(damaged)
    }

    /// Writes what can be read of damaged packs beside them, and puts them aside. Git alone would make
    /// the same pack again, and find that there is one of that name.
    pub fn empty_packs(&mut self, indexes: &[PathBuf]) -> Result<(), Error> {
        for index in indexes {
            let ids = Packed::read(index).map_err(mending)?.map_or_else(Vec::new, Packed::into_ids);
            for part in ids.chunks(AT_ONCE) {
                let _lock = self.lock()?;
                let mut batch = self.batch_anew();
                for (kind, bytes) in part.iter().filter_map(|id| self.read_only_packed(*id)) {
                    batch.put_anew(kind, bytes)?;
                }
                batch.flush()?;
            }
            let beside = ["pack", "idx", "rev", "bitmap"].map(|end| index.with_extension(end));
            self.put_aside(&beside)?;
        }
        Ok(())
    }

    /// Puts files beside the objects out of the way, where nobody finds them.
    pub fn put_aside(&mut self, paths: &[PathBuf]) -> Result<(), Error> {
        let _lock = self.lock()?;
        for path in paths {
            self.set_aside(path)?;
            platform::sync_folder(path.parent().unwrap_or(&self.objects)).map_err(mending)?;
        }
        self.look_again()
    }
}

/// What lies in a folder that need not be there.
fn paths_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(mending)?,
    };
    entries.map(|entry| Ok(entry.map_err(mending)?.path())).collect()
}

/// Makes the index of a pack, in a repository of its own. Gives the pack's copy there, beside which the
/// index stands, and whether it could be made.
fn index_pack(repository: &Path, index: &Path) -> Result<(PathBuf, bool), Error> {
    let pack = index.with_extension("pack");
    let copy = repository.join("objects/pack").join(pack.file_name().unwrap_or_default());
    // A second name is enough, where the file system has such.
    let copied = fs::hard_link(&pack, &copy).or_else(|_| fs::copy(&pack, &copy).map(drop));
    copied.map_err(mending)?;
    let mut command = git::git_in(repository);
    command.arg("index-pack").arg("-o").arg(copy.with_extension("idx")).arg(&copy);
    let is_whole = git::run(command, "making the index of a pack again").is_ok();
    Ok((copy, is_whole))
}

/// What is wrong with a file beside the objects.
fn fault_of(path: &Path) -> io::Result<Option<DerivedFault>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let end = path.extension().unwrap_or_default().to_string_lossy();
    let is_many = name.starts_with("multi-pack-index") && !name.ends_with(".lock");
    let kind = match &*end {
        "pack" if !path.with_extension("idx").exists() => {
            let path = path.with_extension("idx");
            let cause = "is missing, so nothing of its pack can be found";
            return Ok(Some(DerivedFault { path, cause, kind: Kind::NoIndex }));
        }
        "pack" => Kind::Pack,
        "idx" if path.with_extension("pack").exists() => Kind::Index,
        "rev" | "bitmap" | "mtimes" | "graph" => Kind::Other,
        _ if is_many || name == "commit-graph" => Kind::Other,
        _ => return Ok(None),
    };
    let fault = |cause| Some(DerivedFault { path: path.to_owned(), cause, kind });
    let [of_pack, own] = checksums(path)?;
    if own.is_none() || own != checksum(path)? {
        return Ok(fault("is not what its checksum says"));
    }
    if kind == Kind::Index && of_pack != checksums(&path.with_extension("pack"))?[1] {
        return Ok(fault("is the index of another pack"));
    }
    Ok(None)
}

/// The last two checksums in a file; none: it is too short.
fn checksums(path: &Path) -> io::Result<[Option<[u8; CHECKSUM]>; 2]> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut read = |from_end: usize| -> io::Result<Option<[u8; CHECKSUM]>> {
        let Some(at) = length.checked_sub(from_end as u64) else { return Ok(None) };
        let mut bytes = [0; CHECKSUM];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut bytes)?;
        Ok(Some(bytes))
    };
    Ok([read(2 * CHECKSUM)?, read(CHECKSUM)?])
}

/// The checksum that a file should end with: of all before its end; none: it is too short.
fn checksum(path: &Path) -> io::Result<Option<[u8; CHECKSUM]>> {
    let file = File::open(path)?;
    let Some(length) = file.metadata()?.len().checked_sub(CHECKSUM as u64) else { return Ok(None) };
    let (mut rest, mut sha, mut buffer) = (file.take(length), Sha1::new(), vec![0; 1 << 16]);
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok(Some(sha.digest().bytes())),
            length => sha.update(&buffer[..length]),
        }
    }
}
