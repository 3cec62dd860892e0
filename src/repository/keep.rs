//! Keeping the store small, and making a readable folder of it.

use std::path::Path;

use crate::config::Section;
use crate::error::Result;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::observing::observed;

/// What gc did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcOutcome {
    /// Bytes of the store's files before.
    pub before: u64,
    /// Bytes of the store's files after.
    pub after: u64,
    /// Whether all that history leads to is there. What is missing keeps nothing else from being packed.
    pub is_whole: bool,
}

impl Repository {
    /// Packs the store tightly.
    ///
    /// # Errors
    /// `Corrupt`: the newest revision is damaged. `NotFound`: there is no git program. `Invalid`: `packing.level` cannot be used.
    pub fn gc(&self) -> Result<GcOutcome> {
        observed(self, Operation::Gc, &[], |it| it.pack())
    }

    fn pack(&self) -> Result<GcOutcome> {
        self.refuse_if_only_read()?;
        let settings = self.settings();
        settings.check(Section::Packing)?;
        let before = self.store.size()?;
        let is_whole = self.store.gc(settings.packing_level.value)?;
        Ok(GcOutcome { before, after: self.store.size()?, is_whole })
    }

    /// Writes the tip as a folder of readable files: a clone with a work tree.
    ///
    /// # Errors
    /// `Conflict`: the folder exists and is not empty.
    pub fn checkout(&self, folder: &Path) -> Result<()> {
        observed(self, Operation::Checkout, &[], |it| Ok(it.store.clone_to(folder)?))
    }
}
