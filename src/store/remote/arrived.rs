//! What arrived from a remote and is held apart: read where it lies, and taken in as something else.

use std::fs;

use tempfile::TempDir;

use crate::platform;
use crate::platform::FileLock;
use crate::session::RevisionId;
use crate::store::Error;
use crate::store::Store;
use crate::store::git;

/// What was fetched and has what was scrubbed here: it never becomes part of the store as it is,
/// and is removed when this is dropped.
#[derive(Debug)]
pub struct Arrived {
    /// Sees the store, and what arrived.
    pub store: Store,
    place: TempDir,
    _lock: FileLock,
}

impl Arrived {
    pub(super) fn new(store: Store, place: TempDir, lock: FileLock) -> Self {
        Self { store, place, _lock: lock }
    }

    /// Takes into `store` what leads to a revision that was made of what arrived.
    pub fn take_in(&self, store: &Store, revision: &RevisionId) -> Result<(), Error> {
        let failed = |source| Error::Io { doing: "taking in what arrived".into(), source };
        let taken = self.place.path().join("taken");
        let wanted = self.place.path().join("wanted");
        fs::create_dir_all(taken.join("pack")).map_err(failed)?;
        platform::write_atomic(&wanted, format!("{revision}\n").as_bytes()).map_err(failed)?;
        let mut command = git::git_in(&store.path);
        command
            .args(["pack-objects", "--quiet", "--revs", "--local", "--non-empty"])
            .arg(taken.join("pack/pack"))
            .env("GIT_OBJECT_DIRECTORY", self.place.path())
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &store.objects)
            .stdin(fs::File::open(&wanted).map_err(failed)?);
        git::run(command, "taking in what arrived")?;
        store.move_in(&taken).map_err(failed)?;
        let failed = |source| Error::Git { doing: "opening what was taken in".into(), source };
        store.odb()?.refresh().map_err(failed)
    }
}
