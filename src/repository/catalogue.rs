//! Reading the index, whatever state it is in: it is derived, and made anew when it cannot be used.

use crate::error::Result;
use crate::index;
use crate::index::Index;
use crate::repository::Repository;

impl Repository {
    /// Reads the index, brought up to the tip. One that turns out to be damaged is made anew, and
    /// read again.
    pub(super) fn index<T>(
        &mut self,
        read: impl Fn(&Index) -> std::result::Result<T, index::Error>,
    ) -> Result<T> {
        self.follow_main()?;
        match read(&self.index) {
            Err(error) if error.is_damage() => {
                self.rebuild_index()?;
                self.index.refresh(&self.store)?;
                Ok(read(&self.index)?)
            }
            outcome => Ok(outcome?),
        }
    }

    /// Brings the index up to the tip.
    pub(super) fn follow_main(&mut self) -> Result<()> {
        let refreshed = self.index.refresh(&self.store)?;
        // That of a new store is not made anew.
        if refreshed.is_rebuilt && refreshed.commits > 1 {
            self.note_rebuilding();
        }
        self.note_damage()
    }

    /// Makes a damaged index anew.
    pub(super) fn rebuild_index(&mut self) -> Result<()> {
        self.note_rebuilding();
        Ok(self.index.rebuild()?)
    }

    fn note_rebuilding(&self) {
        let at = self.now();
        self.observer.note(|done| done.rebuilt.note(at, None));
        self.observer.repaired("index", 1);
    }
}
