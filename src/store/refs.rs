//! The branch main and the store's lock.

use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use chrono::DateTime;
use chrono::Utc;
use git2::ErrorClass;
use git2::ErrorCode;
use git2::Oid;

use crate::platform;
use crate::platform::FileLock;
use crate::session::RevisionId;
use crate::store::Batch;
use crate::store::Error;
use crate::store::Store;

pub(super) const MAIN: &str = "refs/heads/main";
/// How long a save waits for the other writers.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a ref that git itself has locked is tried again, and after what pause.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(10);

impl Store {
    /// The newest revision.
    pub fn tip(&self) -> Result<RevisionId, Error> {
        self.tip_id().map(revision)
    }

    pub(super) fn tip_id(&self) -> Result<Oid, Error> {
        self.ref_id(MAIN)?.ok_or_else(|| self.no_main())
    }

    /// Says what is there instead of main: `git branch -m` takes HEAD along.
    fn no_main(&self) -> Error {
        let head = self.repository.find_reference("HEAD").ok();
        let target = head.as_ref().and_then(|head| head.symbolic_target().ok()?);
        let branch = target.and_then(|target| target.strip_prefix("refs/heads/")).filter(|name| {
            // It is offered as part of a command line.
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._/-".contains(&b);
            let is_there = |id: Option<Oid>| id.is_some();
            name.bytes().all(is_plain)
                && self.ref_id(&format!("refs/heads/{name}")).is_ok_and(is_there)
        });
        Error::NoMain { path: self.path.clone(), branch: branch.map(str::to_owned) }
    }

    /// What main led to before each of its moves, newest first, as far as its reflog goes. What it was
    /// moved to is not sure: the mover may have died over it.
    pub(super) fn past_tips(&self) -> Result<Vec<Oid>, Error> {
        let log = read_if_there(&self.path.join("logs").join(MAIN)).map_err(moving)?;
        let text = String::from_utf8_lossy(log.as_deref().unwrap_or_default()).into_owned();
        let before = |line: &str| Oid::from_str(line.split(' ').next()?).ok();
        Ok(text.lines().rev().filter_map(before).filter(|id| !id.is_zero()).collect())
    }

    /// Takes the store's lock, and clears away what a dead owner of it left behind.
    pub(super) fn lock(&self) -> Result<FileLock, Error> {
        self.try_lock(PATIENCE)?.ok_or(Error::Locked { seconds: PATIENCE.as_secs() })
    }

    /// As [`Store::lock`]; none: somebody else holds it all the time.
    pub(super) fn try_lock(&self, patience: Duration) -> Result<Option<FileLock>, Error> {
        let folder = self.private_folder();
        let lock = platform::create_private_folder(&folder)
            .and_then(|()| FileLock::acquire(&folder.join("lock"), patience))
            .map_err(locking)?;
        if lock.is_some() {
            self.clear_dead_ref_lock().map_err(locking)?;
        }
        Ok(lock)
    }

    /// Makes what is in the batch part of the store and moves main from one commit to the next,
    /// durably; false when it was moved by somebody who does not know the store's lock. To be
    /// called with the lock held.
    ///
    /// It keeps to git's own protocol, by hand: libgit2 flushes both reflogs too, which are no
    /// truth, and that doubles the price of a save. Three flushes are left, each of all that must
    /// be sure before what follows: the objects' bytes and the note of the lock; the objects' names
    /// and the new ref's bytes; the ref's name.
    pub(super) fn advance(
        &self,
        batch: &mut Batch<'_>,
        (from, to): (Oid, Oid),
        at: DateTime<Utc>,
        message: &str,
    ) -> Result<bool, Error> {
        self.move_ref(batch, MAIN, (from, to), at, message)
    }

    /// As [`Store::advance`], of any ref that there is.
    pub(super) fn move_ref(
        &self,
        batch: &mut Batch<'_>,
        name: &str,
        (from, to): (Oid, Oid),
        at: DateTime<Utc>,
        message: &str,
    ) -> Result<bool, Error> {
        let is_there = |found: Result<Option<Oid>, Error>| Ok(found? == Some(from));
        self.put_ref(batch, name, (from, to), at, message, &is_there)
    }

    /// As [`Store::move_ref`], of a ref that is lost, or leads nowhere.
    pub(super) fn force_ref(&self, name: &str, to: Oid, at: DateTime<Utc>) -> Result<(), Error> {
        let folder = self.path.join(name);
        folder.parent().map_or(Ok(()), platform::create_private_folder).map_err(locking)?;
        let moved = (Oid::ZERO_SHA1, to);
        self.put_ref(&mut self.batch(), name, moved, at, "repair", &|_| Ok(true)).map(drop)
    }

    /// `may_move`: whether what the ref leads to, now that nobody else can move it, may be replaced.
    fn put_ref(
        &self,
        batch: &mut Batch<'_>,
        name: &str,
        (from, to): (Oid, Oid),
        at: DateTime<Utc>,
        message: &str,
        may_move: &dyn Fn(Result<Option<Oid>, Error>) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        self.note_ref_lock(name, to).map_err(locking)?;
        let unsure = batch.place(Some(&self.ref_lock_note()))?;
        let lock = self.path.join(format!("{name}.lock"));
        let file = match lock_ref(&lock) {
            Ok(file) => file,
            Err(error) => {
                // The lock that is there is not ours: nobody may take it for that.
                fs::remove_file(self.ref_lock_note()).map_err(locking)?;
                return Err(error);
            }
        };
        let seconds = at.timestamp().max(0);
        let entry = format!("{from} {to} {} {seconds} +0000\t{message}\n", self.author());
        let moved = may_move(self.ref_id(name)).and_then(|may_move| {
            if !may_move {
                return Ok(false);
            }
            let written = writeln!(&file, "{to}").and_then(|()| sync(&file, &lock, &unsure));
            let replaced = written.and_then(|()| self.replace_ref((name, &lock), &entry));
            replaced.map(|()| true).map_err(moving)
        });
        if !matches!(moved, Ok(true)) {
            // Not there when only the last flush failed.
            drop(fs::remove_file(&lock));
            lock.parent().map_or(Ok(()), platform::sync_folder).map_err(locking)?;
        }
        fs::remove_file(self.ref_lock_note()).map_err(locking)?;
        moved
    }

    fn replace_ref(&self, (name, lock): (&str, &Path), entry: &str) -> io::Result<()> {
        let logs: &[&str] = if name == MAIN { &[MAIN, "HEAD"] } else { &[] };
        for log in logs {
            let path = self.path.join("logs").join(log);
            path.parent().map_or(Ok(()), platform::create_private_folder)?;
            let mut log = private().append(true).create(true).open(path)?;
            log.write_all(entry.as_bytes())?;
        }
        let path = self.path.join(name);
        fs::rename(lock, &path)?;
        path.parent().map_or(Ok(()), platform::sync_folder)
    }

    /// What a ref leads to; none: there is no such ref.
    pub(super) fn ref_id(&self, name: &str) -> Result<Option<Oid>, Error> {
        match self.repository.refname_to_id(name) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            // The file may be as it should be.
            Err(source) if source.class() == ErrorClass::Os => {
                Err(Error::Git { doing: format!("reading the ref {name}"), source })
            }
            Err(error) => {
                let what = format!("the ref {name}");
                Err(Error::Corrupt { what, cause: error.message().into() })
            }
        }
    }

    /// Makes main, in a store that nobody else knows yet.
    pub(super) fn begin_main(&self, commit: Oid) -> Result<(), Error> {
        let made = self.repository.reference(MAIN, commit, false, "init");
        made.map(drop).map_err(|source| Error::Git { doing: "making main".into(), source })
    }

    /// Says, before the lock of a ref is made, that it is ours and what will be written to it. A
    /// process that dies in between leaves both, and only then may the next one remove them: a
    /// lock that git holds is never broken. It is flushed before there is a lock: a loss of power
    /// would else leave the lock alone.
    fn note_ref_lock(&self, name: &str, to: Oid) -> io::Result<()> {
        let mut options = private();
        let options = options.write(true).create(true).truncate(true);
        let mut note = options.open(self.ref_lock_note())?;
        note.write_all(format!("{to} {name}\n").as_bytes())
    }

    fn clear_dead_ref_lock(&self) -> io::Result<()> {
        let Some(note) = read_if_there(&self.ref_lock_note())? else {
            return Ok(());
        };
        // A note without its end was not whole before its writer died, and there was no lock yet.
        let whole = String::from_utf8_lossy(&note);
        if let Some((to, name)) = whole.strip_suffix('\n').and_then(|it| it.split_once(' ')) {
            // What stands there may be somebody else's word: no other file is ever removed.
            let is_ref = name.starts_with("refs/") && git2::Reference::is_valid_name(name);
            let path = self.path.join(format!("{name}.lock"));
            // After a loss of power there may be zeros where its bytes were to be.
            let is_ours = |held: &[u8]| {
                let written = held.split(|byte| *byte == 0).next().unwrap_or_default();
                to.as_bytes().starts_with(written.trim_ascii_end())
            };
            if is_ref && read_if_there(&path)?.is_some_and(|held| is_ours(&held)) {
                fs::remove_file(&path)?;
                path.parent().map_or(Ok(()), platform::sync_folder)?;
            }
        }
        fs::remove_file(self.ref_lock_note())
    }

    fn ref_lock_note(&self) -> PathBuf {
        self.private_folder().join("moving-ref")
    }
}

/// A revision's name, as a value of the domain.
pub(super) fn revision(id: Oid) -> RevisionId {
    RevisionId::parse(&id.to_string()).expect("an object id is 40 hex digits")
}

/// An object id, from a revision's name.
pub(super) fn object_id(revision: &RevisionId) -> Oid {
    Oid::from_str(revision.as_str()).expect("a revision is 40 hex digits")
}

fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes git's own lock of main, as soon as another program lets go of it.
fn lock_ref(path: &Path) -> Result<File, Error> {
    for _ in 0..TRIES {
        match private().write(true).create_new(true).open(path) {
            Ok(file) => return Ok(file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => thread::sleep(PAUSE),
            Err(error) => return Err(locking(error)),
        }
    }
    Err(Error::Locked { seconds: (PAUSE * TRIES).as_secs() })
}

/// Makes a new ref's bytes durable, and names that are not yet.
fn sync(file: &File, path: &Path, names: &BTreeSet<PathBuf>) -> io::Result<()> {
    if names.is_empty() {
        file.sync_all()
    } else {
        platform::sync_placed(&[path.to_owned()], names)
    }
}

/// Options under which a new file is closed to others.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn moving(source: io::Error) -> Error {
    Error::Io { doing: "moving main".into(), source }
}

pub(super) fn locking(source: io::Error) -> Error {
    Error::Io { doing: "locking the store".into(), source }
}
