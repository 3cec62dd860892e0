//! What can be seen of a store from outside: its size, its modes, the git program beside it.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::platform;
use crate::store::Damage;
use crate::store::Error;
use crate::store::Store;
use crate::store::git;

/// What the files of a store take, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreSizes {
    /// All of them.
    pub total: u64,
    /// Git's objects.
    pub objects: u64,
    /// What is never committed.
    pub private: u64,
}

impl Store {
    /// Bytes of all its files.
    pub fn size(&self) -> Result<u64, Error> {
        let mut size = 0;
        each_file(&self.path, &mut |_, metadata| size += metadata.len())?;
        Ok(size)
    }

    /// Bytes of all its files, and of what they are.
    pub fn sizes(&self) -> Result<StoreSizes, Error> {
        let (mut sizes, private) = (StoreSizes::default(), self.private_folder());
        each_file(&self.path, &mut |path, metadata| {
            sizes.total += metadata.len();
            if path.starts_with(&self.objects) {
                sizes.objects += metadata.len();
            } else if path.starts_with(&private) {
                sizes.private += metadata.len();
            }
        })?;
        Ok(sizes)
    }

    /// Files and folders of annals' own that others could read. Git's objects have git's modes;
    /// the closed folder round them keeps others out.
    pub fn wrong_modes(&self) -> Vec<PathBuf> {
        let mut wrong = Vec::new();
        let mut look = |path: &Path, metadata: &fs::Metadata| {
            if platform::is_open_to_others(metadata) {
                wrong.push(path.to_owned());
            }
        };
        if let Ok(metadata) = fs::metadata(&self.path) {
            look(&self.path, &metadata);
        }
        // A file that goes away meanwhile is open to nobody.
        drop(each_file(&self.private_folder(), &mut look));
        wrong
    }

    /// Closes to others what they could read of annals' own: the store's folder, and what lies in
    /// the private one. What was closed. Cheap: one look at each.
    pub fn close_to_others(&self) -> Vec<PathBuf> {
        let own = self.private_folder();
        let entries = fs::read_dir(&own).into_iter().flatten().flatten();
        let paths = [self.path.clone(), own].into_iter().chain(entries.map(|it| it.path()));
        // What cannot be closed, on a read-only medium say, the doctor tells of.
        paths.filter(|path| platform::close_to_others(path).unwrap_or(false)).collect()
    }

    /// Files and folders of the store that belong to somebody else, who could change them, and whom
    /// they may be closed to.
    pub fn wrong_owners(&self) -> Vec<PathBuf> {
        let mut wrong = Vec::new();
        let mut waiting = vec![self.path.clone()];
        while let Some(path) = waiting.pop() {
            // What goes away meanwhile belongs to nobody.
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if !platform::is_own(&metadata) {
                wrong.push(path);
            } else if metadata.is_dir() {
                waiting.extend(
                    fs::read_dir(&path).into_iter().flatten().flatten().map(|it| it.path()),
                );
            }
        }
        wrong.sort();
        wrong
    }

    /// What the git program says of its version; none: there is no git program.
    pub fn git_version(&self) -> Option<String> {
        let output = git::git().arg("--version").output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.session, self.file.as_str()) {
            (Some(session), file) => write!(f, "session {session}, {file}")?,
            (None, "") => f.write_str("the history")?,
            (None, file) => f.write_str(file)?,
        }
        write!(f, " in revision {}, object {}: {}", self.revision.short(), self.object, self.cause)
    }
}

/// Bytes of the files below a folder, as far as they can be looked at.
pub(super) fn bytes_in(folder: &Path) -> u64 {
    let mut bytes = 0;
    // What goes away meanwhile takes no room.
    drop(each_file(folder, &mut |_, metadata| bytes += metadata.len()));
    bytes
}

fn each_file(folder: &Path, see: &mut dyn FnMut(&Path, &fs::Metadata)) -> Result<(), Error> {
    let failed = |path: &Path, source: io::Error| Error::Io {
        doing: format!("looking at {}", path.display()),
        source,
    };
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => each_file(&path, see)?,
            Ok(metadata) => see(&path, &metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path, error)),
        }
    }
    Ok(())
}
