//! A file that only grows, written by one owner: each entry is on disk when the call returns.

use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::platform::FileLock;
use crate::platform::files::prepared;
use crate::platform::files::sync_folder;

/// How the names of files begin that have no name of their own yet.
const UNNAMED: &str = ".annals-";

/// How often a file is made that somebody removes before it has its name.
const TRIES: usize = 5;

/// A growing file, locked by its owner as long as it is open. Mode 0600.
///
/// An entry that fails to reach the disk leaves those before it as they were. After a failed flush
/// nobody knows what the disk holds: then the file takes nothing more.
#[derive(Debug)]
pub struct AppendLog {
    file: File,
    path: PathBuf,
    length: u64,
    is_sound: bool,
}

impl AppendLog {
    /// Makes the file, with `first` in it; its name is durable too. The lock is held from before
    /// the file has its name.
    ///
    /// # Errors
    /// `AlreadyExists`: something has that name.
    pub fn create(path: &Path, first: &[u8]) -> io::Result<Self> {
        let mut made = Self::place(path, first);
        for _ in 1..TRIES {
            // Whoever tidies up may take a file that is not locked yet for one that was left.
            if !made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                break;
            }
            made = Self::place(path, first);
        }
        let file = made?;
        sync_folder(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Self { file, path: path.to_owned(), length: first.len() as u64, is_sound: true })
    }

    fn place(path: &Path, first: &[u8]) -> io::Result<File> {
        let mut file = prepared(path, UNNAMED, 0o600, &[], File::lock)?;
        file.write_all(first)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)
    }

    /// Removes what owners left in a folder that died while they made a log.
    pub fn remove_unnamed(folder: &Path) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            if name.starts_with(UNNAMED.as_bytes())
                && let Ok(Some(_lock)) = FileLock::claim(&path)
            {
                // What cannot be removed holds nothing, and is met again.
                drop(std::fs::remove_file(&path));
            }
        }
    }

    /// Adds an entry, durably.
    pub fn append(&mut self, entry: &[u8]) -> io::Result<()> {
        if !self.is_sound {
            return Err(io::Error::other("an earlier entry could not be flushed"));
        }
        if let Err(error) = self.file.write_all(entry) {
            self.is_sound = self.cut_back();
            return Err(error);
        }
        if let Err(error) = self.file.sync_data() {
            self.is_sound = false;
            self.cut_back();
            return Err(error);
        }
        self.length += entry.len() as u64;
        Ok(())
    }

    /// Whether it takes further entries.
    pub fn is_sound(&self) -> bool {
        self.is_sound
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes away what an entry that failed left. Whether that worked.
    fn cut_back(&mut self) -> bool {
        use std::io::Seek;
        let end = io::SeekFrom::Start(self.length);
        self.file.set_len(self.length).is_ok() && self.file.seek(end).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn entries_stand_one_behind_the_other_and_the_owner_holds_the_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut log = AppendLog::create(&path, b"first\n").expect("made");
        log.append(b"second\n").expect("appended");
        assert_eq!(std::fs::read(&path).expect("there"), b"first\nsecond\n");
        assert!(FileLock::claim(&path).expect("can be tried").is_none(), "its owner is alive");
        drop(log);
        // A program that another test just starts may hold a copy of the lock for a moment.
        assert!(FileLock::acquire(&path, Duration::from_secs(60)).expect("tried").is_some());
    }

    #[test]
    fn what_was_left_without_a_name_is_removed_and_what_is_being_made_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let made = prepared(&path, UNNAMED, 0o600, b"", File::lock).expect("made");
        std::fs::write(folder.path().join(".annals-left"), b"{").expect("written");
        AppendLog::remove_unnamed(folder.path());
        assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 1);
        assert!(made.path().exists());
    }

    #[test]
    fn a_log_takes_no_other_ones_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        std::fs::write(&path, b"mine").expect("written");
        let error = AppendLog::create(&path, b"first\n").expect_err("the name is taken");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).expect("there"), b"mine");
    }

    #[test]
    fn a_claimed_file_must_be_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gone");
        assert!(FileLock::claim(&path).expect("can be tried").is_none());
        assert!(!path.exists(), "claiming makes nothing");
        FileLock::acquire(&path, Duration::ZERO).expect("acquiring does");
        assert!(path.exists());
    }
}
