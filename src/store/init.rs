//! Making and opening a store.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use chrono::DateTime;
use chrono::Utc;
use git2::ObjectType;
use git2::Oid;
use git2::Repository;

use crate::format;
use crate::format::Marker;
use crate::platform;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::store::Error;
use crate::store::Store;
use crate::store::commit_text::CommitText;
use crate::store::donors::Donors;
use crate::store::foreign;
use crate::store::git_settings::make_repository;
use crate::store::layout::ATTRIBUTES;
use crate::store::layout::MARKER;
use crate::store::layout::Tree;
use crate::store::objects::corrupt;
use crate::store::older::Cleaner;
use crate::store::prune_guard::modified;
use crate::store::refs::MAIN;

/// Bytes stay as they are in every clone, whatever its git is set to; `annals merge-driver` is
/// asked where somebody set it up.
pub(super) const ATTRIBUTES_TEXT: &str = "\
* -text
sessions/** merge=annals
tombstones/** merge=annals
annals.yaml merge=annals
";

/// What libgit2 alone is told, from a file that git itself does not read: there the old name of
/// the setting makes it print warnings.
const LIBRARY_CONFIG: &[u8] = b"[core]\n\tfsyncObjectFiles = true\n";

impl Store {
    /// Makes a store at `path` (a folder that does not exist or is empty), with its first commit.
    ///
    /// It is made beside its place and moved there whole.
    pub fn init(path: &Path, marker: &Marker, at: DateTime<Utc>) -> Result<Self, Error> {
        let path = absolute(path)?;
        if is_occupied(&path).map_err(making(&path))? {
            return Err(Error::Occupied { path });
        }
        let parent = path.parent().map_or_else(|| path.clone(), PathBuf::from);
        platform::create_private_folder(&parent).map_err(making(&path))?;
        let mut builder = tempfile::Builder::new();
        let folder = builder.prefix(".annals-").tempdir_in(&parent).map_err(making(&path))?;
        make_repository(folder.path())?;
        close_to_others(folder.path()).map_err(making(&path))?;
        let store = open_at(folder.path())?;
        store.make_durable()?;
        store.write_first_commit(marker, at)?;
        close_to_others(folder.path()).map_err(making(&path))?;
        sync_all(folder.path()).map_err(making(&path))?;
        match fs::rename(folder.path(), &path) {
            Ok(()) => drop(folder.keep()),
            Err(_) if is_occupied(&path).unwrap_or(true) => return Err(Error::Occupied { path }),
            Err(error) => return Err(making(&path)(error)),
        }
        platform::sync_folder(&parent).map_err(making(&path))?;
        Self::open(&path)
    }

    /// Opens the store at `path`. Cheap: owner and marker are checked, nothing else.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let store = open_own(path)?;
        // Nothing is written into a repository that is no store.
        store.marker()?;
        store.make_durable()?;
        Ok(store)
    }

    /// As [`Store::open`], of a store whose newest revision may not be readable.
    pub fn open_damaged(path: &Path) -> Result<Self, Error> {
        let store = open_own(path)?;
        if !store.private_folder().is_dir() {
            return Err(no_store(&store.path, "it has no folder `annals`"));
        }
        store.make_durable()?;
        Ok(store)
    }

    /// Opens a repository of git's own that holds a store's history, wherever its branches are: to
    /// read revisions, and to make objects. `objects`: where git puts new ones at the moment.
    pub(super) fn open_plain(common: &Path, objects: &Path) -> Result<Self, Error> {
        let mut store = open_at(common)?;
        if objects != store.objects {
            store.see_also(objects)?;
            objects.clone_into(&mut store.objects);
        }
        Ok(store)
    }

    /// The marker at the tip.
    pub fn marker(&self) -> Result<Marker, Error> {
        self.marker_at(&self.tip()?)
    }

    pub(super) fn marker_at(&self, at: &RevisionId) -> Result<Marker, Error> {
        self.read_marker(self.marker_id(at)?, at)
    }

    pub(super) fn marker_id(&self, at: &RevisionId) -> Result<Oid, Error> {
        let root = self.root(at)?;
        let found = root.file(MARKER).map_err(|cause| no_store(&self.path, &cause))?;
        found.ok_or_else(|| no_store(&self.path, "annals.yaml is not in its branch main"))
    }

    fn read_marker(&self, id: Oid, at: &RevisionId) -> Result<Marker, Error> {
        let what = format_args!("{MARKER} of the revision {}", at.short());
        let text = self.read_text(id, &what)?;
        format::parse_marker(&text).map_err(|error| corrupt(id, &what, error.to_string()))
    }

    /// Refuses to write into a store that a later version has written, or an earlier one.
    pub fn check_schema(&self, at: &RevisionId) -> Result<(), Error> {
        let id = self.marker_id(at)?;
        if self.checked_marker.get() == Some(id) {
            return Ok(());
        }
        match self.read_marker(id, at)?.schema {
            found if found > SCHEMA_VERSION => Err(Error::TooNew { found }),
            found if found < SCHEMA_VERSION => Err(Error::TooOld { found }),
            _ => {
                self.checked_marker.set(Some(id));
                Ok(())
            }
        }
    }

    fn write_first_commit(&self, marker: &Marker, at: DateTime<Utc>) -> Result<(), Error> {
        let mut batch = self.batch();
        let mut root = Tree::default();
        let text = format::render_marker(marker);
        root.set_file(MARKER, batch.put(ObjectType::Blob, text.into_bytes())?);
        let text = ATTRIBUTES_TEXT.as_bytes().to_vec();
        root.set_file(ATTRIBUTES, batch.put(ObjectType::Blob, text)?);
        let text = CommitText {
            operation: "init",
            subject: "a new store",
            sessions: &[],
            schema: SCHEMA_VERSION,
            at,
        };
        let tree = batch.put_tree(&root)?;
        let bytes = text.render(tree, &[], self.author());
        let commit = batch.put(ObjectType::Commit, bytes)?;
        batch.flush()?;
        self.begin_main(commit)
    }
}

/// Opens what lies at a path, if it belongs to the user.
fn open_own(path: &Path) -> Result<Store, Error> {
    let path = absolute(path)?;
    match fs::metadata(&path) {
        Ok(metadata) if !metadata.is_dir() => return Err(no_store(&path, "it is no folder")),
        Ok(metadata) if !platform::is_own(&metadata) => {
            return Err(no_store(&path, "it belongs to another user"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Missing { path });
        }
        Err(source) => {
            return Err(Error::Io { doing: format!("opening {}", path.display()), source });
        }
    }
    foreign::check(&path)?;
    open_at(&path)
}

/// Opens what lies at a path, for reading.
pub(super) fn open_at(path: &Path) -> Result<Store, Error> {
    // open_bare looks nowhere else and at no environment; the owner was checked by us.
    let repository =
        Repository::open_bare(path).map_err(|error| no_store(path, error.message()))?;
    let objects = path.join("objects");
    let packs_at = Cell::new(modified(&objects.join("pack")));
    let mut store = Store {
        path: path.to_owned(),
        objects,
        repository,
        trees: RefCell::default(),
        commits: RefCell::default(),
        open_ends: RefCell::default(),
        migrated: RefCell::default(),
        cleaner: Cleaner::default(),
        donors: Donors::default(),
        checked_marker: Cell::default(),
        sees_others: false,
        packs_at,
        generation: Vec::new(),
        author: OnceCell::new(),
    };
    store.generation = store.read_generation();
    Ok(store)
}

impl Store {
    /// Forgets what it knows of the folder, in which files of git's were put in others' places.
    pub(super) fn look_again(&mut self) -> Result<(), Error> {
        let opened = Repository::open_bare(&self.path);
        self.repository = opened.map_err(|error| no_store(&self.path, error.message()))?;
        self.make_durable()
    }

    /// Has libgit2 bring each ref and object to the disk.
    fn make_durable(&self) -> Result<(), Error> {
        let Some(config) = self.library_config().map_err(making(&self.path))? else {
            return Ok(());
        };
        let level = git2::ConfigLevel::App;
        let added = self.repository.config().and_then(|mut all| all.add_file(&config, level, true));
        let doing = || format!("opening the store {}", self.path.display());
        added.map_err(|source| Error::Git { doing: doing(), source })
    }

    /// The file with what libgit2 is told; made again when somebody removed or changed it. None: it can't be
    /// made, and neither can the lock, without which nothing is written.
    fn library_config(&self) -> io::Result<Option<PathBuf>> {
        let folder = self.private_folder();
        let path = folder.join("libgit2.config");
        // It could lead to any other file.
        if !platform::read_within(&path, 1 << 10).is_ok_and(|text| text == LIBRARY_CONFIG) {
            if !platform::is_writable(&folder) {
                return Ok(None);
            }
            platform::create_private_folder(&folder)?;
            platform::write_atomic(&path, LIBRARY_CONFIG)?;
        }
        Ok(Some(path))
    }
}

/// libgit2 makes the folder and its files as open as the umask lets it.
fn close_to_others(path: &Path) -> io::Result<()> {
    for name in ["", "config", "HEAD", MAIN, "logs/HEAD", "logs/refs/heads/main"] {
        match platform::close_to_others(&path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            looked => {
                looked?;
            }
        }
    }
    Ok(())
}

/// Brings a small folder with all that is in it to the disk.
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    platform::sync_folder(folder)
}

fn is_occupied(path: &Path) -> io::Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(true),
        Err(error) => Err(error),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path)
        .map_err(|source| Error::Io { doing: format!("finding {}", path.display()), source })
}

fn no_store(path: &Path, cause: &str) -> Error {
    Error::Foreign { path: path.to_owned(), cause: cause.to_owned() }
}

fn making(path: &Path) -> impl Fn(io::Error) -> Error {
    let doing = format!("making {}", path.display());
    move |source| Error::Io { doing: doing.clone(), source }
}
