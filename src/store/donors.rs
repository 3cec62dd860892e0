//! Who may have what is damaged or missing here: remotes, clones, backups, and what was made again.
//!
//! While a store has donors, what it cannot read itself it reads there. Objects are read by their
//! ids, so whoever gives one can only give what was here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use git2::ObjectType;
use git2::Odb;
use git2::Oid;
use tempfile::TempDir;

use crate::platform;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Remote;
use crate::store::Store;
use crate::store::init::open_at;
use crate::store::objects::check_id;
use crate::store::objects::loose_path;
use crate::store::objects::read_loose;
use crate::store::repair::HEAD_TEXT;
use crate::store::repair::mending;

/// How the folders begin in which what remotes have arrives.
pub(super) const ARRIVING: &str = "mending-";
/// The settings of an empty repository.
const CONFIG_TEXT: &[u8] = b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
/// The lock of whoever mends the store, in the private folder.
pub(super) const MENDING: &str = "mending.lock";
/// How many objects are written before they are made durable. So many stay loose: what is loose is
/// seen before what a damaged pack has.
pub(super) const AT_ONCE: usize = 100;

/// Somebody who may have what is damaged or missing here.
pub struct Donor {
    /// How it is called: a remote's name, or a folder.
    pub name: String,
    source: Source,
}

/// What a donor reads.
enum Source {
    /// A repository: its folder of objects, and the place that goes with it.
    Repository { folder: PathBuf, packs: Odb<'static>, _place: Option<TempDir> },
    /// A pack of the store itself, with an index that was made again: what it has is here as soon
    /// as that lies in its place.
    Pack { index: PathBuf, made: PathBuf, packs: Odb<'static>, _place: TempDir },
    /// What was made again from other things.
    Made(Made),
}

/// Objects that were made again, and are not in the store yet.
#[derive(Debug, Default)]
pub struct Made(HashMap<Oid, (ObjectType, Vec<u8>)>);

impl Made {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether an object is among them.
    pub fn has(&self, object: ObjectId) -> bool {
        self.0.contains_key(&object.0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(&mut self, id: Oid, object: (ObjectType, Vec<u8>)) {
        self.0.insert(id, object);
    }
}

/// Who is asked, and what each of them had.
#[derive(Debug, Default)]
pub(super) struct Donors {
    each: Vec<Donor>,
    given: RefCell<BTreeMap<Oid, usize>>,
}

impl std::fmt::Debug for Donor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Donor").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Donor {
    pub(super) fn of(name: &str, folder: PathBuf, place: Option<TempDir>) -> Result<Self, Error> {
        let packs = open_objects(name, &folder)?;
        let source = Source::Repository { folder, packs, _place: place };
        Ok(Self { name: name.to_owned(), source })
    }

    /// A pack of the store, whose index was made again in a place of its own.
    pub(super) fn of_pack(index: &Path, objects: &Path, place: TempDir) -> Result<Self, Error> {
        let name = index.display().to_string();
        let packs = open_objects(&name, objects)?;
        let made = objects.join("pack").join(index.file_name().unwrap_or_default());
        let source = Source::Pack { index: index.to_owned(), made, packs, _place: place };
        Ok(Self { name, source })
    }

    fn is_pack(&self) -> bool {
        matches!(self.source, Source::Pack { .. })
    }

    /// An object, if it is sound there. A torn loose one is seen by our own reader, which ends.
    fn read(&self, id: Oid) -> Option<(ObjectType, Vec<u8>)> {
        let packs = match &self.source {
            Source::Repository { folder, packs, .. } => match read_loose(folder, id) {
                Ok(None) => packs,
                Ok(found) => return found,
                Err(_) => return None,
            },
            Source::Pack { packs, .. } => packs,
            Source::Made(made) => return made.0.get(&id).cloned(),
        };
        let object = packs.read(id).ok()?;
        let (kind, bytes) = (object.kind(), object.data().to_vec());
        check_id(kind, &bytes, id).is_ok().then_some((kind, bytes))
    }
}

fn open_objects(name: &str, folder: &Path) -> Result<Odb<'static>, Error> {
    let failed = |source| Error::Git { doing: format!("opening {name}"), source };
    let text = folder.to_str().ok_or_else(|| Error::Foreign {
        path: folder.to_owned(),
        cause: "its name is no text".into(),
    })?;
    let packs = Odb::new().map_err(failed)?;
    packs.add_disk_alternate(text).map_err(failed)?;
    Ok(packs)
}

impl Donors {
    /// An object that one of them has.
    pub(super) fn read(&self, id: Oid) -> Option<(ObjectType, Vec<u8>)> {
        let mut each = self.each.iter().enumerate();
        let (place, object) = each.find_map(|(place, it)| Some((place, it.read(id)?)))?;
        self.given.borrow_mut().insert(id, place);
        Some(object)
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
        Donor::of(&folder.display().to_string(), found.commondir().join("objects"), None)
    }

    /// All that a remote has, brought into a folder of its own.
    pub fn donor_of(&self, remote: &Remote) -> Result<Donor, Error> {
        let place = self.mending_place()?;
        let other = open_at(place.path())?;
        other.fetch_all(remote)?;
        Donor::of(&remote.name, other.objects, Some(place))
    }

    /// An empty repository in a folder of its own, which goes with whoever has it.
    pub(super) fn mending_place(&self) -> Result<TempDir, Error> {
        let mut builder = tempfile::Builder::new();
        let place = builder.prefix(ARRIVING).tempdir_in(self.private_folder()).map_err(mending)?;
        // By hand: libgit2 tries out links there, and one that is left has the store refused.
        for folder in ["objects/pack", "refs"] {
            fs::create_dir_all(place.path().join(folder)).map_err(mending)?;
        }
        for (name, text) in [("HEAD", HEAD_TEXT), ("config", CONFIG_TEXT)] {
            platform::write_new(&place.path().join(name), text).map_err(mending)?;
        }
        Ok(place)
    }

    /// From now on, what is damaged or missing here is read from these too.
    pub fn borrow_from(&mut self, donors: Vec<Donor>) {
        self.donors.each.extend(donors);
    }

    /// The index that was made again for one of the store's packs.
    pub(super) fn index_made_for(&self, index: &Path) -> Option<PathBuf> {
        self.donors.each.iter().find_map(|donor| match &donor.source {
            Source::Pack { index: of, made, .. } if of == index => Some(made.clone()),
            _ => None,
        })
    }

    /// As [`Store::borrow_from`], what was made again from something that is called `name`.
    pub fn borrow_made(&mut self, name: &str, made: Made) {
        self.donors.each.push(Donor { name: name.to_owned(), source: Source::Made(made) });
    }

    /// How many of the objects that were read so far are damaged or missing here, and who has them.
    pub fn given(&self) -> Vec<(String, u64)> {
        let given = self.donors.given.borrow();
        let mut counts: Vec<(String, u64)> = Vec::new();
        let donors = given.values().map(|place| &self.donors.each[*place]);
        for name in donors.filter(|donor| !donor.is_pack()).map(|donor| &donor.name) {
            match counts.iter_mut().find(|(known, _)| known == name) {
                Some((_, count)) => *count += 1,
                None => counts.push((name.clone(), 1)),
            }
        }
        counts
    }

    /// Takes in what donors gave so far; nobody is asked any more. `each` is told how far it is.
    pub fn take_given(&mut self, each: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
        let Donors { each: donors, given } = std::mem::take(&mut self.donors);
        let given = given.into_inner().into_iter();
        // What a pack of the store's own has is here.
        let given: Vec<(Oid, usize)> = given.filter(|(_, it)| !donors[*it].is_pack()).collect();
        let (mut done, total) = (0, given.len() as u64);
        for part in given.chunks(AT_ONCE) {
            let _lock = self.lock()?;
            let mut batch = self.batch();
            for (id, place) in part {
                done += 1;
                each(done, total);
                // Whoever had it a moment ago may be gone: then it is damaged still, and told of.
                let Some((kind, bytes)) = donors[*place].read(*id) else { continue };
                self.set_aside(&loose_path(&self.objects, *id))?;
                batch.put_anew(kind, bytes)?;
            }
            batch.flush()?;
        }
        Ok(())
    }
}
