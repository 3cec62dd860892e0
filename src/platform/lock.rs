//! Locks between processes. The kernel frees a dead owner's; a live one's is never broken.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// The first and the longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_micros(200), Duration::from_millis(10));

/// A lock on a file, freed when dropped or when the process dies.
///
/// The file itself stays: what was left of an earlier owner is no lock.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Takes the lock, waiting up to `patience`. `Ok(None)`: somebody else still holds it.
    pub fn acquire(path: &Path, patience: Duration) -> io::Result<Option<Self>> {
        Self::acquire_by(path, patience, File::try_lock)
    }

    /// Takes the lock together with others who take it so.
    pub fn acquire_shared(path: &Path, patience: Duration) -> io::Result<Option<Self>> {
        Self::acquire_by(path, patience, File::try_lock_shared)
    }

    fn acquire_by(
        path: &Path,
        patience: Duration,
        try_lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> io::Result<Option<Self>> {
        let start = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            let file = open(path)?;
            match try_lock(&file) {
                // A file that was removed or replaced meanwhile locks nobody else out.
                Ok(()) if is_at(&file, path)? => return Ok(Some(Self(file))),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if start.elapsed() >= patience => return Ok(None),
                Err(TryLockError::WouldBlock) => thread::sleep(pause),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Takes the lock of a file that somebody made and may have left behind. `Ok(None)`: he still
    /// holds it, or the file is gone.
    pub fn claim(path: &Path) -> io::Result<Option<Self>> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        match file.try_lock() {
            Ok(()) => Ok(is_at(&file, path)?.then_some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Another handle of the locked file, for a process that must not outlive the lock.
    pub fn share(&self) -> io::Result<File> {
        self.0.try_clone()
    }

    /// The locked file: the lock lasts until the last handle of it is closed, in this process or
    /// in one that inherits it.
    pub fn into_file(self) -> File {
        self.0
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whether `path` still names the open file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let held = file.metadata()?;
        match std::fs::metadata(path) {
            Ok(found) => Ok((found.dev(), found.ino()) == (held.dev(), held.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
    #[cfg(not(unix))]
    {
        // An open file cannot be removed there.
        let _ = (file, path);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_and_freed_when_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let take = |patience| FileLock::acquire(&path, patience).expect("the file can be locked");
        let held = take(Duration::ZERO).expect("free");
        assert!(take(Duration::ZERO).is_none(), "a live owner's lock is never broken");
        drop(held);
        assert!(take(Duration::ZERO).is_some());
    }

    #[test]
    fn a_shared_lock_is_held_by_many_and_by_none_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let share = || FileLock::acquire_shared(&path, Duration::ZERO).expect("can be locked");
        let alone = || FileLock::acquire(&path, Duration::ZERO).expect("can be locked");
        let (first, second) = (share().expect("free"), share().expect("shared"));
        assert!(alone().is_none());
        drop(first);
        assert!(alone().is_none(), "the second holds it still");
        drop(second);
        let held = alone().expect("free");
        assert!(share().is_none());
        drop(held);
    }

    #[test]
    fn waiting_ends_when_the_owner_lets_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let held = FileLock::acquire(&path, Duration::ZERO).expect("can be locked");
        thread::scope(|scope| {
            let waiter = scope.spawn(|| FileLock::acquire(&path, Duration::from_secs(60)));
            drop(held);
            let taken = waiter.join().expect("no panic").expect("can be locked");
            assert!(taken.is_some());
        });
    }

    #[test]
    fn what_is_left_of_an_earlier_owner_is_no_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        File::create(&path).expect("made");
        assert!(FileLock::acquire(&path, Duration::ZERO).expect("can be locked").is_some());
    }

    #[test]
    fn a_removed_lock_file_locks_the_next_one_out_no_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let old = FileLock::acquire(&path, Duration::ZERO).expect("can be locked");
        std::fs::remove_file(&path).expect("removed");
        let new = FileLock::acquire(&path, Duration::ZERO).expect("can be locked");
        assert!(new.is_some() && old.is_some());
        assert!(FileLock::acquire(&path, Duration::ZERO).expect("can be locked").is_none());
    }
}
