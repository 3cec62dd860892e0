//! Mending the store: objects that other repositories still have, and where main leads.
//!
//! Nothing is thrown away: what is damaged moves into the folder `annals/damaged`, and stays there until
//! history is rewritten. Objects are taken
//! by their ids, so whoever gives them can only give what was there.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use git2::ObjectType;
use git2::Odb;
use git2::Oid;
use git2::RepositoryInitOptions;
use tempfile::TempDir;

use crate::platform;
use crate::platform::FileLock;
use crate::session::RevisionId;
use crate::store::Error;
use crate::store::Remote;
use crate::store::Store;
use crate::store::git;
use crate::store::init::open_at;
use crate::store::objects::check_id;
use crate::store::objects::loose_path;
use crate::store::refs::MAIN;
use crate::store::refs::revision;

/// Where what is damaged is kept, in the private folder.
pub(super) const DAMAGED: &str = "damaged";
/// How the folders begin in which what remotes have arrives.
const ARRIVING: &str = "mending-";
/// How many objects are written before they are made durable. So many stay loose: what is loose is
/// seen before what a damaged pack has.
const AT_ONCE: usize = 100;

/// A repository that may have what is damaged or missing here.
pub struct Donor {
    /// How it is called: a remote's name, or a folder.
    pub name: String,
    objects: Odb<'static>,
    _place: Option<TempDir>,
}

impl std::fmt::Debug for Donor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Donor").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Donor {
    fn of(name: &str, objects: &Path, place: Option<TempDir>) -> Result<Self, Error> {
        let failed = |source| Error::Git { doing: format!("opening {name}"), source };
        let text = objects.to_str().ok_or_else(|| Error::Foreign {
            path: objects.to_owned(),
            cause: "its name is no text".into(),
        })?;
        let odb = Odb::new().map_err(failed)?;
        odb.add_disk_alternate(text).map_err(failed)?;
        Ok(Self { name: name.to_owned(), objects: odb, _place: place })
    }

    /// An object, if it is sound there.
    fn read(&self, id: Oid) -> Option<(ObjectType, Vec<u8>)> {
        let object = self.objects.read(id).ok()?;
        let (kind, bytes) = (object.kind(), object.data().to_vec());
        check_id(kind, &bytes, id).is_ok().then_some((kind, bytes))
    }
}

impl Store {
    /// A repository in a folder of this machine: a clone, a backup, another store.
    ///
    /// # Errors
    /// [`Error::Foreign`]: there is none.
    pub fn donor_at(folder: &Path) -> Result<Donor, Error> {
        let foreign = |error: git2::Error| Error::Foreign {
            path: folder.to_owned(),
            cause: error.message().to_owned(),
        };
        let found = git2::Repository::open(folder).map_err(foreign)?;
        Donor::of(&folder.display().to_string(), &found.commondir().join("objects"), None)
    }

    /// Has nobody else mend the store, and removes what was left by one who died over it.
    pub fn begin_mending(&self) -> Result<FileLock, Error> {
        let folder = self.private_folder();
        let lock = FileLock::acquire(&folder.join("mending.lock"), Duration::ZERO);
        let lock = lock.map_err(mending)?.ok_or(Error::Locked { seconds: 0 })?;
        for entry in fs::read_dir(&folder).map_err(mending)? {
            let entry = entry.map_err(mending)?;
            if entry.file_name().to_string_lossy().starts_with(ARRIVING) {
                fs::remove_dir_all(entry.path()).map_err(mending)?;
            }
        }
        Ok(lock)
    }

    /// All that a remote has, brought into a folder of its own.
    pub fn donor_of(&self, remote: &Remote) -> Result<Donor, Error> {
        let failed = |source| Error::Git { doing: format!("asking {}", remote.name), source };
        let mut builder = tempfile::Builder::new();
        let place = builder.prefix(ARRIVING).tempdir_in(self.private_folder()).map_err(mending)?;
        let mut options = RepositoryInitOptions::new();
        options.bare(true).external_template(false);
        git2::Repository::init_opts(place.path(), &options).map_err(failed)?;
        let other = open_at(place.path())?;
        other.fetch_all(remote)?;
        Donor::of(&remote.name, &other.objects, Some(place))
    }

    /// Takes from donors what is damaged or missing in main's history. Returns how many objects came
    /// from each.
    pub fn mend_objects(
        &self,
        donors: &[Donor],
        each: &mut dyn FnMut(u64, u64),
    ) -> Result<Vec<(String, u64)>, Error> {
        let mut counts: Vec<(String, u64)> = Vec::new();
        let mut tried = HashSet::new();
        loop {
            let damages = self.check(each);
            let wanted: Vec<Oid> =
                damages.iter().filter_map(|it| it.object.map(|id| id.0)).collect();
            let new: Vec<Oid> = wanted.into_iter().filter(|id| tried.insert(*id)).collect();
            let mut is_better = false;
            for part in new.chunks(AT_ONCE) {
                let _lock = self.lock()?;
                let mut batch = self.batch();
                for id in part {
                    let sound = donors.iter().find_map(|it| Some((it, it.read(*id)?)));
                    let Some((donor, (kind, bytes))) = sound else { continue };
                    self.set_aside(&loose_path(&self.objects, *id))?;
                    batch.put_anew(kind, bytes)?;
                    is_better = true;
                    match counts.iter_mut().find(|(name, _)| *name == donor.name) {
                        Some((_, count)) => *count += 1,
                        None => counts.push((donor.name.clone(), 1)),
                    }
                }
                batch.flush()?;
            }
            if !is_better {
                return Ok(counts);
            }
        }
    }

    /// Has main lead to the newest revision that is here or at a donor's, if it leads nowhere. What
    /// it led to is looked for in its reflog.
    pub fn mend_main(&self, donors: &[Donor]) -> Result<Option<RevisionId>, Error> {
        let is_there = |id: Oid| {
            self.read(id, ObjectType::Commit, &"it").is_ok()
                || donors.iter().any(|it| it.read(id).is_some_and(|it| it.0 == ObjectType::Commit))
        };
        if self.tip_id().is_ok_and(&is_there) {
            return Ok(None);
        }
        let log = self.path.join("logs").join(MAIN);
        let text = match fs::read(&log) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(mending)?,
        };
        let text = String::from_utf8_lossy(&text);
        let new = |line: &str| Oid::from_str(line.split(' ').nth(1)?).ok();
        let old = |line: &str| Oid::from_str(line.split(' ').next()?).ok();
        let entries = text.lines().rev().flat_map(|line| [new(line), old(line)]).flatten();
        let Some(found) = entries.into_iter().find(|id| is_there(*id)) else { return Ok(None) };
        let _lock = self.lock()?;
        self.set_aside(&self.path.join(MAIN))?;
        let moved = self.repository.reference(MAIN, found, true, "repair");
        moved.map_err(|source| Error::Git { doing: "mending main".into(), source })?;
        Ok(Some(revision(found)))
    }

    /// Whether a pack has something damaged, though all of that may be sound elsewhere too.
    pub fn has_damaged_packs(&self) -> Result<bool, Error> {
        let entries = match fs::read_dir(self.objects.join("pack")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            entries => entries.map_err(mending)?,
        };
        for entry in entries {
            let path = entry.map_err(mending)?.path();
            if path.extension().is_some_and(|end| end == "idx") {
                let mut command = git::git_in(&self.path);
                command.args(["verify-pack", "--"]).arg(&path);
                if git::run(command, "verifying a pack").is_err() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Moves a file out of the way, if it is there.
    fn set_aside(&self, path: &Path) -> Result<(), Error> {
        let folder = self.private_folder().join(DAMAGED);
        platform::create_private_folder(&folder).map_err(mending)?;
        // An object's name is its folder's and its own.
        let parent = path.parent().and_then(Path::file_name).unwrap_or_default();
        let mut name = parent.to_owned();
        name.push(path.file_name().unwrap_or_default());
        let place = folder.join(name);
        match fs::rename(path, &place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(mending(error)),
            Ok(()) => platform::close_to_others(&place).map(drop).map_err(mending),
        }
    }
}

fn mending(source: io::Error) -> Error {
    Error::Io { doing: "mending the store".into(), source }
}
