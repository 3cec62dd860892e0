//! Keeping `git gc` away while objects are made that nothing leads to yet.
//!
//! `git gc --prune=now` removes each object that no ref reaches, also one that a save made a moment
//! ago and is about to name: main would then lead to nothing. Git lets one gc at a time work in a
//! repository, and knows by the file `gc.pid`, which holds `<process> <host>`, that one does. Whoever
//! makes objects here has that file stand, together with all others who do: git refuses to begin, and
//! says why. While git is at it, they wait. Source: `builtin/gc.c` of git.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use std::time::SystemTime;

use git2::Repository;

use crate::platform;
use crate::platform::FileLock;
use crate::store::Error;
use crate::store::Store;
use crate::store::refs::locking;
use crate::store::refs::private;

/// What stands for the host. None has such a name, so git does not look whether the process is one of
/// this machine, and prints the words: "gc is already running on machine '…'".
pub(super) const HOST: &str = "(annals-is-writing)";
/// How long a gc may take, as git has it: an older file was left by one that died.
const LONGEST_GC: Duration = Duration::from_secs(12 * 60 * 60);
/// Between its lock of the file and the file itself a git does nothing that takes time.
const LONGEST_LOCK: Duration = Duration::from_secs(60);
/// How often it is looked whether git has ended, and after what pause.
const TRIES: u32 = 3_000;
const PAUSE: Duration = Duration::from_millis(10);
/// Nobody holds the lock for himself longer than it takes to remove a file.
const PATIENCE: Duration = Duration::from_secs(10);

/// While it lives, no `git gc` begins in the store.
#[derive(Debug)]
pub struct PruneGuard {
    sign: PathBuf,
    lock: PathBuf,
    shared: Option<FileLock>,
}

impl Store {
    /// Keeps `git gc` away until the guard is dropped, and waits for one that is at work. Where nothing
    /// can be written there is nothing to keep.
    ///
    /// # Errors
    /// [`Error::Collecting`]: it does not end.
    pub fn keep_from_pruning(&self) -> Result<PruneGuard, Error> {
        let (sign, lock) = (self.path.join("gc.pid"), self.private_folder().join("objects.lock"));
        let mut guard = PruneGuard { sign, lock, shared: None };
        // A clone of somebody's, where git itself is at work.
        if !self.private_folder().is_dir() {
            return Ok(guard);
        }
        let shared = match FileLock::acquire_shared(&guard.lock, PATIENCE) {
            Err(error) if is_denied(&error) => return Ok(guard),
            shared => shared.map_err(locking)?,
        };
        guard.shared = Some(shared.ok_or(Error::Locked { seconds: PATIENCE.as_secs() })?);
        for _ in 0..TRIES {
            if guard.raise().map_err(locking)? {
                self.forget_removed_packs()?;
                return Ok(guard);
            }
            thread::sleep(PAUSE);
        }
        Err(Error::Collecting { seconds: (PAUSE * TRIES).as_secs(), path: guard.sign.clone() })
    }

    /// An open store goes on seeing objects in packs that a gc has removed.
    fn forget_removed_packs(&self) -> Result<(), Error> {
        let changed = modified(&self.objects.join("pack"));
        if self.packs_at.replace(changed) == changed || self.sees_others {
            return Ok(());
        }
        let opened = Repository::open_bare(&self.path);
        let set = opened.and_then(|it| self.repository.set_odb(&it.odb()?));
        set.map_err(|source| Error::Git { doing: "opening the objects anew".into(), source })
    }
}

impl PruneGuard {
    /// Has the sign stand; false: git is at work.
    fn raise(&self) -> io::Result<bool> {
        match self.standing()? {
            Standing::Ours => touch(&self.sign)?,
            Standing::Git => return Ok(false),
            Standing::Nothing => {
                let placed = private().write(true).create_new(true).open(&self.sign);
                match placed.and_then(|mut file| write!(file, "{} {HOST}", std::process::id())) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
                    placed => placed?,
                }
            }
        }
        // A git that looked before the sign stood has its lock still, or has put its own in its place.
        let lock = self.sign.with_extension("pid.lock");
        let is_beginning = is_younger(modified(&lock), LONGEST_LOCK);
        Ok(!is_beginning && matches!(self.standing()?, Standing::Ours))
    }

    /// Whose sign stands. That of a git which died is removed.
    fn standing(&self) -> io::Result<Standing> {
        let text = match fs::read_to_string(&self.sign) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::Nothing),
            Err(error) => return Err(error),
        };
        // Its writer may have died over it, so part of the words is enough; and a loss of power may
        // have left zeros for the rest.
        let text = text.split('\0').next().unwrap_or_default();
        let (process, host) = text.trim_end().split_once(' ').unwrap_or_default();
        if !host.is_empty() && HOST.starts_with(host) {
            return Ok(Standing::Ours);
        }
        let is_elsewhere = platform::host_name().is_none_or(|here| !here.starts_with(host));
        let lives = is_elsewhere || process.parse().is_ok_and(platform::is_alive);
        if !host.is_empty() && lives && is_younger(modified(&self.sign), LONGEST_GC) {
            return Ok(Standing::Git);
        }
        match fs::remove_file(&self.sign) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Standing::Nothing),
        }
    }
}

impl Drop for PruneGuard {
    fn drop(&mut self) {
        if self.shared.take().is_none() {
            return;
        }
        // Whoever still makes objects, or comes to it now, has the lock, and removes the sign himself.
        if let Ok(Some(_alone)) = FileLock::acquire(&self.lock, Duration::ZERO)
            && matches!(self.standing(), Ok(Standing::Ours))
        {
            drop(fs::remove_file(&self.sign));
        }
    }
}

fn is_denied(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

enum Standing {
    Nothing,
    Ours,
    Git,
}

fn touch(path: &Path) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the time of a file, compared by git alone")]
    let now = SystemTime::now();
    match File::options().write(true).open(path).and_then(|file| file.set_modified(now)) {
        // Its last holder went just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        touched => touched,
    }
}

pub(super) fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Whether a file that was changed at a time was changed within the time before now.
fn is_younger(changed: Option<SystemTime>, age: Duration) -> bool {
    // A time that lies ahead is no age.
    changed.is_some_and(|changed| changed.elapsed().map_or(true, |elapsed| elapsed <= age))
}
