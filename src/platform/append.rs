//! A file that only grows, written by one owner: each entry is on disk when the call returns.

use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::platform::files::prepared;
use crate::platform::files::sync_folder;

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
        let file = prepared(path, ".annals-", 0o600, first, File::sync_all)?;
        file.as_file().lock()?;
        let file = file.persist_noclobber(path).map_err(|error| error.error)?;
        sync_folder(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Self { file, path: path.to_owned(), length: first.len() as u64, is_sound: true })
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
    use crate::platform::FileLock;

    #[test]
    fn entries_stand_one_behind_the_other_and_the_owner_holds_the_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut log = AppendLog::create(&path, b"first\n").expect("made");
        log.append(b"second\n").expect("appended");
        assert_eq!(std::fs::read(&path).expect("there"), b"first\nsecond\n");
        assert!(FileLock::claim(&path).expect("can be tried").is_none(), "its owner is alive");
        drop(log);
        assert!(FileLock::claim(&path).expect("can be tried").is_some());
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
