//! Changes of single files in a repository of git's: planned, then done.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::platform;
use crate::repository::HookChange;
use crate::repository::plain_git::conflict;

/// Tells a hook of ours.
const OWN: &str = "# Put here by `annals hooks install git`";
/// The most of a hook that is read to tell whose it is, in bytes.
const HOOK_LIMIT: u64 = 64 << 10;

/// One file, and what happens to it.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) path: PathBuf,
    pub(super) change: HookChange,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Step {
    Write(PathBuf, Vec<u8>, u32),
    /// The settings that git itself locks.
    WriteSettings(PathBuf, Vec<u8>),
    Move(PathBuf, PathBuf),
    Remove(PathBuf),
    /// If nothing is in it.
    RemoveFolder(PathBuf),
}

/// What stands where a hook may be.
pub(super) enum Found {
    Nothing,
    Ours(Vec<u8>),
    Theirs,
}

impl Edit {
    pub(super) fn apply(&self) -> Result<()> {
        self.steps.iter().try_for_each(Step::apply).map_err(|error| {
            let kind = match error.kind() {
                io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                io::ErrorKind::AlreadyExists => ErrorKind::Locked,
                _ => ErrorKind::Io,
            };
            Error::new(kind, format!("cannot change {}", self.path.display())).because(error)
        })
    }
}

impl Step {
    fn apply(&self) -> io::Result<()> {
        match self {
            Self::Write(path, bytes, mode) => {
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                // The file itself, when it is kept elsewhere; a hook of ours never is.
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                let mode = mode_of(&path).filter(|_| mode & 0o111 == 0).unwrap_or(*mode);
                platform::place_file(&path, ".annals-", mode, bytes)
            }
            Self::WriteSettings(path, bytes) => {
                let path = path.canonicalize()?;
                let mut lock = path.clone().into_os_string();
                lock.push(".lock");
                platform::write_new(Path::new(&lock), bytes)?;
                let placed = fs::metadata(&path)
                    .and_then(|before| fs::set_permissions(&lock, before.permissions()))
                    .and_then(|()| fs::rename(&lock, &path));
                placed.inspect_err(|_| drop(fs::remove_file(&lock)))
            }
            Self::Move(from, to) => fs::rename(from, to),
            Self::Remove(path) => fs::remove_file(path),
            Self::RemoveFolder(path) => match fs::remove_dir(path) {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            },
        }
    }
}

pub(super) fn look(path: &Path) -> Result<Found> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => {
            let message = format!("cannot look at {}", path.display());
            return Err(Error::new(ErrorKind::Io, message).because(error));
        }
        Ok(found) if found.is_dir() => {
            return Err(conflict(format!("{} is a folder, and no hook", path.display())));
        }
        // Ours is a plain file; a hook that cannot be read is not ours.
        Ok(found) if !found.is_file() || found.len() > HOOK_LIMIT => return Ok(Found::Theirs),
        Ok(_) => {}
    }
    match fs::read(path) {
        Ok(bytes) if memchr::memmem::find(&bytes, OWN.as_bytes()).is_some() => {
            Ok(Found::Ours(bytes))
        }
        _ => Ok(Found::Theirs),
    }
}

pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("cannot read {}", path.display());
            Err(Error::new(ErrorKind::Io, message).because(error))
        }
    }
}

pub(super) fn is_program(path: &Path) -> bool {
    mode_of(path).is_none_or(|mode| mode & 0o111 != 0)
}

/// Who may do what with a file; none: there is none, or the system does not say so.
pub(super) fn mode_of(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Some(fs::metadata(path).ok()?.permissions().mode() & 0o7777)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}
