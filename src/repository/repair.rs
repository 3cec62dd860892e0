//! Mending a store: what other repositories still have of it, where main leads, the index.

use std::path::Path;

use crate::config::Settings;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::repository::OpenOptions;
use crate::repository::Progress;
use crate::repository::Repository;
use crate::repository::doctor::Verdict;
use crate::session::RevisionId;
use crate::store::Donor;
use crate::store::Store;

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepairOutcome {
    /// Where main leads now, if it led nowhere.
    pub main: Option<RevisionId>,
    /// How many objects came from where.
    pub objects: Vec<(String, u64)>,
    /// Whether the index was made anew.
    pub is_index_new: bool,
    /// What could not be asked for objects, or not be done, and why.
    pub notices: Vec<String>,
}

impl RepairOutcome {
    /// Whether there was nothing to do.
    pub fn is_nothing(&self) -> bool {
        self.main.is_none() && self.objects.is_empty() && !self.is_index_new
    }
}

impl Repository {
    /// Mends what can be mended of the store of these options: takes objects that are damaged or
    /// missing from its remotes and from `folders` (clones, backups), has main lead to the newest
    /// revision that is there, and makes an index anew that does not follow. Then opens it. Nothing
    /// is thrown away: what was damaged is kept in the store's folder `annals/damaged`.
    ///
    /// # Errors
    /// `Locked`: somebody else is at it. `Invalid`: one of the folders is no repository. `Corrupt`:
    /// what is left of the store cannot be opened.
    pub fn repair(
        options: &OpenOptions,
        folders: &[&Path],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Self, RepairOutcome)> {
        let path = Self::locate(options)?;
        let store = Store::open_damaged(&path)?;
        let _lock = store.begin_mending()?;
        let mut outcome = RepairOutcome::default();
        let each = &mut |done, total| progress(Progress { unit: "objects", done, total });
        if !store.check(each).is_empty() {
            let donors = donors(&store, folders, &mut outcome)?;
            outcome.main = store.mend_main(&donors)?;
            outcome.objects = store.mend_objects(&donors, each)?;
        }
        if !outcome.objects.is_empty() && store.has_damaged_packs()? {
            // A damaged pack goes, now that what it should have is loose.
            let settings = Settings::load(&options.environment.config, &options.environment.home);
            if let Err(error) = store.gc(settings.packing_level.value) {
                outcome.notices.push(format!("the store could not be packed: {error}"));
            }
        }
        drop(store);
        let mut repository = Self::open(options)?;
        if repository.check_index()?.verdict == Verdict::Damaged {
            repository.index.forget()?;
            outcome.is_index_new = true;
            let check = repository.check_index()?;
            if check.verdict == Verdict::Damaged {
                return Err(Error::new(ErrorKind::Corrupt, format!("the index: {}", check.found)));
            }
        }
        let count = outcome.objects.iter().map(|(_, count)| count).sum();
        let steps = [
            ("main", u64::from(outcome.main.is_some())),
            ("objects", count),
            ("index", u64::from(outcome.is_index_new)),
        ];
        for (what, count) in steps.into_iter().filter(|(_, count)| *count > 0) {
            repository.observer.repaired(what, count);
        }
        Ok((repository, outcome))
    }
}

/// Who may have what is missing: the folders, and each remote that can be asked.
fn donors(store: &Store, folders: &[&Path], outcome: &mut RepairOutcome) -> Result<Vec<Donor>> {
    let mut donors = Vec::new();
    for folder in folders {
        donors.push(Store::donor_at(folder)?);
    }
    for remote in store.usable_remotes()?.into_iter().filter(|remote| remote.only.is_none()) {
        match store.donor_of(&remote) {
            Ok(donor) => donors.push(donor),
            Err(error) => outcome.notices.push(error.to_string()),
        }
    }
    Ok(donors)
}
