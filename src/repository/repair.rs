//! Mending a store: first a plan, which changes nothing, then its steps, each told and written down.
//!
//! What other repositories have is taken from them; what nobody has is put together from what can be
//! read (`salvage`). Nothing is thrown away: what was damaged is kept in `annals/damaged`, and history
//! stays as it is.

use std::path::Path;
use std::str::FromStr;

use crate::config::Machine;
use crate::config::Settings;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::format::Marker;
use crate::index::Index;
use crate::platform::FileLock;
use crate::redact::Clean;
use crate::repository::LostSession;
use crate::repository::OpenOptions;
use crate::repository::Progress;
use crate::repository::RepairStep;
use crate::repository::Repository;
use crate::repository::doctor::index_fault;
use crate::repository::migrate::cleaner;
use crate::repository::observing::Observer;
use crate::repository::remake::remake;
use crate::repository::salvage::REPAIR;
use crate::repository::salvage::Salvage;
use crate::session::Native;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::store::CommitNote;
use crate::store::Damage;
use crate::store::DerivedFault;
use crate::store::Donor;
use crate::store::FoundMain;
use crate::store::GitLock;
use crate::store::SettingsFault;
use crate::store::Store;

/// What is to be done to mend a store. While it is there, nobody else mends it.
#[derive(Debug)]
pub struct RepairPlan {
    /// The steps, in their order.
    pub steps: Vec<RepairStep>,
    /// Sessions of which nothing can be read: they stay as they are.
    pub lost: Vec<LostSession>,
    /// What of history stays damaged: nobody who was asked has it.
    pub damages: Vec<Damage>,
    /// Who could not be asked for objects, and why.
    pub notices: Vec<String>,
    store: Store,
    salvage: Salvage,
    _lock: FileLock,
}

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepairOutcome {
    /// The steps that were done.
    pub done: Vec<RepairStep>,
    /// The steps that were not, because they give something up.
    pub left: Vec<RepairStep>,
    /// Sessions of which nothing can be read.
    pub lost: Vec<LostSession>,
    /// What could not be asked for objects, or not be done, and why.
    pub notices: Vec<String>,
}

impl RepairPlan {
    /// Whether some step gives something up for lost.
    pub fn is_losing(&self) -> bool {
        self.steps.iter().any(RepairStep::is_losing)
    }

    /// Whether something is damaged, and not only open to others or in the way.
    pub fn has_damage(&self) -> bool {
        let is_damage = |step: &RepairStep| match step {
            RepairStep::Modes(_)
            | RepairStep::Lock(_)
            | RepairStep::Settings(SettingsFault::Missing(_)) => false,
            RepairStep::PackIndex(fault) => fault.is_damage(),
            _ => true,
        };
        self.steps.iter().any(is_damage) || !self.lost.is_empty() || !self.damages.is_empty()
    }
}

impl Repository {
    /// What the store of these options lacks and cannot be opened without: before that is made again,
    /// nothing else of a repair can be planned.
    pub fn lacking(options: &OpenOptions) -> Result<Vec<&'static str>> {
        Ok(Store::lacking(&Self::locate(options)?))
    }

    /// Makes what the store of these options cannot be opened without, if that is missing: the first
    /// step of a repair, without which none can be planned.
    pub fn make_openable(options: &OpenOptions) -> Result<Vec<&'static str>> {
        Ok(Store::make_openable(&Self::locate(options)?)?)
    }

    /// Finds out what can be mended of the store of these options, and changes nothing. What is
    /// damaged or missing is looked for in its remotes and in `folders` (clones, backups).
    ///
    /// # Errors
    /// `Locked`: somebody else is at it. `Invalid`: one of the folders is no repository. `Corrupt`:
    /// nobody knows where main led.
    pub fn plan_repair(
        options: &OpenOptions,
        folders: &[&Path],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<RepairPlan> {
        let mut store = Store::open_damaged(&Self::locate(options)?)?;
        store.clean_older_by(cleaner(&options.environment));
        let lock = store.begin_mending()?;
        let mut index = Index::open(&store.private_folder())?;
        let known = index.stands_for()?;
        let (mut steps, mut notices) = (harmless_steps(&store), Vec::new());
        steps.extend((!store.are_packed_refs_sound()?).then_some(RepairStep::PackedRefs));
        let derived = store.derived_faults()?;
        let is_lost = |step: &RepairStep| matches!(step, RepairStep::LostPack(_));
        let (lost_packs, mended): (Vec<_>, Vec<_>) =
            derived_steps(&mut store, &derived)?.into_iter().partition(is_lost);
        steps.extend(mended);
        let each = &mut |done, total| progress(Progress { unit: "objects", done, total });
        let is_sound = store.find_main(known.as_ref())?.is_none()
            && store.tip().is_ok_and(|tip| store.check(&tip, each).is_empty())
            && store.stray_refs()?.is_empty()
            && store.given().is_empty();
        let mut damages = Vec::new();
        if !is_sound {
            let donors = donors(&store, folders, &mut notices)?;
            store.borrow_from(donors);
            let main = store.find_main(known.as_ref())?;
            let tip = planned_tip(&store, main.as_ref())?;
            damages = store.check(&tip, each);
            damages = remake(&mut store, &options.environment, &index, &tip, damages)?;
            let strays = store.stray_refs()?.into_iter().map(RepairStep::Ref);
            // An object comes before the ref that leads to it.
            let given = store.given().into_iter().map(|(name, it)| RepairStep::Objects(name, it));
            steps.extend(given.chain(main.map(RepairStep::Main)).chain(strays));
        }
        // What is left in them is taken before.
        steps.extend(lost_packs);
        let main = steps.iter().find_map(|step| match step {
            RepairStep::Main(main) => Some(main),
            _ => None,
        });
        let tip = planned_tip(&store, main)?;
        // The index may know what the revision held that main led to.
        let lost = known.filter(|it| main.is_some() && store.tip().is_ok_and(|tip| tip == *it));
        let mut salvage = Salvage::of(&store, &index, (&tip, lost.as_ref()), progress)?;
        salvage.marker_may_be(marker_of_machine(&store));
        match store.schema_state(&tip) {
            Ok(state) if state.schema != SCHEMA_VERSION => {
                notices.extend(left_to_another_version(&salvage, state.schema));
            }
            _ => {
                if salvage.is_for_lost_tip() {
                    // Nothing that it held is lost.
                    steps.iter_mut().for_each(RepairStep::gives_nothing_up);
                }
                steps.extend(salvage_steps(&salvage));
            }
        }
        let is_sound = is_sound && !derived.iter().any(DerivedFault::is_pack);
        if damages.is_empty() && !is_sound {
            let packs = store.damaged_packs()?;
            steps.extend((!packs.is_empty()).then_some(RepairStep::Packs(packs)));
        }
        if !steps.iter().any(|step| step.is_salvage() || matches!(step, RepairStep::Main(_))) {
            steps.extend(index_fault(&store, &mut index)?.map(RepairStep::Index));
        }
        let lost = salvage.lost.clone();
        Ok(RepairPlan { steps, lost, damages, notices, store, salvage, _lock: lock })
    }

    /// Does what was planned, and opens the store. Without `may_give_up`, what loses something for
    /// good is left for the day when somebody has it. `tell` hears of each step that is done.
    ///
    /// # Errors
    /// `Corrupt`: what is left of the store cannot be opened. `Conflict`: others wrote meanwhile.
    pub fn repair(
        options: &OpenOptions,
        plan: RepairPlan,
        may_give_up: bool,
        tell: &mut dyn FnMut(&RepairStep),
    ) -> Result<(Self, RepairOutcome)> {
        let RepairPlan { steps, lost, notices, mut store, salvage, _lock: lock, .. } = plan;
        let observer = Observer::new(options.environment.clone(), &store.private_folder());
        let mut outcome = RepairOutcome { lost, notices, ..RepairOutcome::default() };
        let mut note = |step: RepairStep, outcome: &mut RepairOutcome| {
            observer.repaired(step.kind(), step.count());
            tell(&step);
            outcome.done.push(step);
        };
        let at = options.environment.clock.now();
        let gives_up = steps.iter().any(RepairStep::is_losing);
        let (salvaged, others): (Vec<_>, Vec<_>) =
            steps.into_iter().partition(RepairStep::is_salvage);
        let (last, others): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|it| matches!(it, RepairStep::Packs(_) | RepairStep::Index(_)));
        let (derived, first): (Vec<_>, Vec<_>) =
            others.into_iter().partition(RepairStep::is_derived);
        for step in derived {
            step.is_done(&mut store, at)?;
            note(step, &mut outcome);
        }
        store.take_given(&mut |_, _| {})?;
        for step in first {
            if step.is_losing() && !may_give_up {
                outcome.left.push(step);
            } else if step.is_done(&mut store, at)? {
                note(step, &mut outcome);
            }
        }
        if gives_up && !may_give_up {
            outcome.left.extend(salvaged);
        } else if !salvaged.is_empty() {
            let index = Index::open(&store.private_folder())?;
            let subject = Clean::stored(subject(&salvaged));
            salvage.apply(&store, &index, &CommitNote { operation: REPAIR, subject, at })?;
            salvaged.into_iter().for_each(|step| note(step, &mut outcome));
        }
        let is_packs = |step: &RepairStep| matches!(step, RepairStep::Packs(_));
        if let Some(step) = last.into_iter().find(is_packs) {
            step.is_done(&mut store, at)?;
            let settings = Settings::load(&options.environment.config, &options.environment.home);
            match store.gc(settings.packing_level.value) {
                Ok(_) => note(step, &mut outcome),
                Err(error) => {
                    outcome.notices.push(format!("the store could not be packed: {error}"));
                }
            }
        }
        drop(store);
        let mut repository = Self::open(options)?;
        if let Some(fault) = repository.index_fault()? {
            repository.index.forget()?;
            if let Some(fault) = repository.index_fault()? {
                return Err(Error::new(ErrorKind::Corrupt, format!("the index: {fault}")));
            }
            note(RepairStep::Index(fault), &mut outcome);
        }
        observer.flush();
        drop(lock);
        Ok((repository, outcome))
    }
}

fn harmless_steps(store: &Store) -> Vec<RepairStep> {
    let open = store.wrong_modes();
    let modes = (!open.is_empty()).then_some(RepairStep::Modes(open));
    let dead = store.git_locks().into_iter().filter(GitLock::is_dead);
    let head = (!store.is_head_sound()).then_some(RepairStep::Head);
    let settings = store.settings_fault().map(RepairStep::Settings);
    modes.into_iter().chain(dead.map(RepairStep::Lock)).chain(head).chain(settings).collect()
}

/// What becomes of files beside the objects. From then on packs are read without those indexes.
fn derived_steps(store: &mut Store, faults: &[DerivedFault]) -> Result<Vec<RepairStep>> {
    let mut steps = Vec::new();
    for fault in faults.iter().cloned() {
        if fault.is_index() {
            let is_whole = store.read_without_index(&fault.path)?;
            let step = if is_whole { RepairStep::PackIndex } else { RepairStep::LostPack };
            steps.push(step(fault));
        } else if !fault.is_pack() {
            steps.push(RepairStep::Derived(fault));
        }
    }
    Ok(steps)
}

fn salvage_steps(salvage: &Salvage) -> Vec<RepairStep> {
    if salvage.is_idle() {
        return Vec::new();
    }
    let top = salvage.has_lost_top_files().then_some(RepairStep::TopFiles);
    let revision = salvage.is_for_lost_tip().then_some(RepairStep::Revision);
    let folders = salvage.lost_folders().iter().cloned().map(RepairStep::Folder);
    let sessions = salvage.sessions.iter().cloned().map(RepairStep::Session);
    let tombstones = salvage.lost_tombstones().iter().copied().map(RepairStep::Tombstone);
    top.into_iter().chain(revision).chain(folders).chain(sessions).chain(tombstones).collect()
}

/// Why nothing is put together in a store that this program must not write.
fn left_to_another_version(salvage: &Salvage, schema: u32) -> Option<String> {
    let who =
        if schema > SCHEMA_VERSION { "a later version of annals" } else { "`annals migrate`" };
    let text = format!("the store has schema {schema}: what is damaged in it waits for {who}");
    (!salvage.is_idle()).then_some(text)
}

fn planned_tip(store: &Store, main: Option<&FoundMain>) -> Result<RevisionId> {
    if let Some(main) = main {
        return Ok(main.revision.clone());
    }
    let tip = store.tip();
    let is_there = tip.as_ref().is_ok_and(|tip| store.commit_entry(tip).is_ok());
    match tip {
        Ok(tip) if is_there => Ok(tip),
        _ => {
            let message = "main leads nowhere, and no log, index or other ref of the store knows a \
                revision that can be read";
            Err(Error::new(ErrorKind::Corrupt, message))
        }
    }
}

/// The marker of a store that no revision has any more: what this machine began with.
pub(super) fn marker_of_machine(store: &Store) -> Option<Marker> {
    let id = Machine::load(&store.private_folder()).store?;
    let store = uuid::Uuid::from_str(&id).ok()?;
    Some(Marker { store, schema: SCHEMA_VERSION, scrubs: Vec::new(), native: Native::new() })
}

fn subject(salvaged: &[RepairStep]) -> String {
    let count = salvaged.iter().filter(|it| matches!(it, RepairStep::Session(_))).count();
    match count {
        0 => "folders and files of the store".to_owned(),
        1 => "1 session, from what was left of it".to_owned(),
        count => format!("{count} sessions, from what was left of them"),
    }
}

/// Who may have what is missing: the folders, and each remote that can be asked.
fn donors(store: &Store, folders: &[&Path], notices: &mut Vec<String>) -> Result<Vec<Donor>> {
    let mut donors = Vec::new();
    for folder in folders {
        donors.push(Store::donor_at(folder)?);
    }
    for remote in store.usable_remotes()?.into_iter().filter(|remote| remote.only.is_none()) {
        match store.donor_of(&remote) {
            Ok(donor) => donors.push(donor),
            Err(error) => notices.push(error.to_string()),
        }
    }
    Ok(donors)
}
