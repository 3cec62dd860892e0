//! Syncing by itself: with the remotes that are to be, after saves, at most every so often.
//!
//! Whoever saved asks which are due and has another process, or thread, see to them: a save waits for
//! nobody. Only one is at it. A remote that is not reached is no error: `stats` tells of it.

use std::time::Duration;

use chrono::TimeDelta;

use crate::config::Section;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::platform::FileLock;
use crate::repository::Repository;
use crate::repository::SyncOptions;
use crate::repository::SyncOutcome;
use crate::repository::upkeep::is_due;
use crate::store::Remote;

const LOCK: &str = "syncing.lock";

impl Repository {
    /// The remotes that are to be synced with by themselves, and were not within `sync.interval`.
    ///
    /// # Errors
    /// `Invalid`: that setting cannot be used; the message names file, line and key.
    pub fn due_remotes(&self) -> Result<Vec<Remote>> {
        let mut remotes = self.store.usable_remotes()?;
        remotes.retain(|remote| remote.is_auto);
        if remotes.is_empty() {
            return Ok(remotes);
        }
        let settings = self.settings();
        settings.check(Section::Sync)?;
        let pause = TimeDelta::from_std(settings.sync_interval.value).unwrap_or(TimeDelta::MAX);
        let (notes, now) = (self.remote_notes(), self.now());
        let tried = |remote: &Remote| notes.get(&remote.name).and_then(|note| note.tried);
        remotes.retain(|remote| is_due(tried(remote), pause, now));
        Ok(remotes)
    }

    /// Syncs with the remotes that are due, one after the other, and says what each came to. Nothing,
    /// if another process is at it. `step` is told what is being done.
    ///
    /// # Errors
    /// As [`Repository::due_remotes`]; what a sync fails with stands beside its remote.
    pub fn sync_due(
        &mut self,
        step: &mut dyn FnMut(&'static str),
    ) -> Result<Vec<(Remote, Result<SyncOutcome>)>> {
        let path = self.store.private_folder().join(LOCK);
        let lock = FileLock::acquire(&path, Duration::ZERO).map_err(|error| {
            Error::new(ErrorKind::Io, "cannot lock the syncs that are done by themselves")
                .because(error)
        })?;
        let Some(_lock) = lock else { return Ok(Vec::new()) };
        let mut done = Vec::new();
        for remote in self.due_remotes()? {
            let now = self.now();
            // Noted first: what fails, or is killed, is not tried again by each save.
            self.note_remote(&remote.name, |note| note.tried = Some(now))?;
            let outcome = self.sync(Some(&remote.name), SyncOptions::default(), step);
            done.push((remote, outcome));
        }
        Ok(done)
    }
}
