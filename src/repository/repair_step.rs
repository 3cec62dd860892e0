//! The steps of a repair: what each is, and what it does to the store.

use std::path::PathBuf;

use chrono::DateTime;
use chrono::Utc;

use crate::error::Result;
use crate::repository::SalvagedSession;
use crate::session::SessionId;
use crate::store::DerivedFault;
use crate::store::FoundMain;
use crate::store::GitLock;
use crate::store::SettingsFault;
use crate::store::Store;

/// A step of a repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepairStep {
    /// Files and folders that others could read are closed to them.
    Modes(Vec<PathBuf>),
    /// A lock of git's that nobody can hold is removed.
    Lock(GitLock),
    /// Git's settings of the store say again what they must.
    Settings(SettingsFault),
    /// Git's file of many refs has only lines that are some.
    PackedRefs,
    /// The index of a pack is made again.
    PackIndex(DerivedFault),
    /// A pack that is damaged like its index is put aside, when what is left in it was taken.
    LostPack(DerivedFault),
    /// A file that git makes again by itself is put aside.
    Derived(DerivedFault),
    /// So many objects are taken from a donor.
    Objects(String, u64),
    /// Main, which leads nowhere, leads to the newest revision that is there. What a later one held
    /// that is lost, the index may know; else it is given up.
    Main(FoundMain),
    /// HEAD, which names nothing, names main.
    Head,
    /// A ref that leads nowhere is taken away.
    Ref(String),
    /// The marker of the store, or its attributes, are made again.
    TopFiles,
    /// Sessions are where the index knows them in the newest revision, which is lost.
    Revision,
    /// A folder is as the newest older revision has it; empty, the top folder.
    Folder(String),
    /// A session is put together from what can be read of it.
    Session(SalvagedSession),
    /// What stands for a deleted session is made again.
    Tombstone(SessionId),
    /// Packs that are damaged go, for what they should have is elsewhere.
    Packs(Vec<PathBuf>),
    /// The index is made anew, and what was wrong with it.
    Index(String),
}

impl RepairStep {
    /// Its kind, as logs and programs know it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Modes(_) => "modes",
            Self::Lock(_) => "locks",
            Self::Settings(_) => "settings",
            Self::PackedRefs => "packed_refs",
            Self::PackIndex(_) => "pack_indexes",
            Self::LostPack(_) => "lost_packs",
            Self::Derived(_) => "derived",
            Self::Objects(..) => "objects",
            Self::Main(_) => "main",
            Self::Head => "head",
            Self::Ref(_) => "refs",
            Self::TopFiles => "top_files",
            Self::Revision => "revision",
            Self::Folder(_) => "folders",
            Self::Session(_) => "sessions",
            Self::Tombstone(_) => "tombstones",
            Self::Packs(_) => "packs",
            Self::Index(_) => "index",
        }
    }

    /// Whether something is given up for lost with it.
    pub fn is_losing(&self) -> bool {
        match self {
            Self::Session(session) => session.is_losing(),
            Self::Main(main) => main.instead_of.is_some(),
            Self::Folder(_) => true,
            _ => false,
        }
    }

    /// Has main lead to an older revision although a later one is lost: what that held is known.
    pub(super) fn gives_nothing_up(&mut self) {
        if let Self::Main(main) = self {
            main.instead_of = None;
        }
    }

    /// Whether it is one of those that are done by one commit.
    pub(super) fn is_salvage(&self) -> bool {
        matches!(
            self,
            Self::TopFiles
                | Self::Revision
                | Self::Folder(_)
                | Self::Session(_)
                | Self::Tombstone(_)
        )
    }

    /// Whether it has to be done before objects are read.
    pub(super) fn is_derived(&self) -> bool {
        matches!(self, Self::PackedRefs | Self::PackIndex(_) | Self::Derived(_))
    }

    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Modes(paths) => paths.len() as u64,
            Self::Objects(_, count) => *count,
            _ => 1,
        }
    }

    /// Does what no other step is needed for; false: there was no need any more.
    pub(super) fn is_done(&self, store: &mut Store, at: DateTime<Utc>) -> Result<bool> {
        match self {
            Self::PackedRefs => store.mend_packed_refs()?,
            Self::PackIndex(fault) => store.place_index(&fault.path)?,
            Self::LostPack(fault) => {
                store.put_aside(&[fault.path.with_extension("pack"), fault.path.clone()])?;
            }
            Self::Derived(fault) => store.put_aside(std::slice::from_ref(&fault.path))?,
            Self::Settings(fault) => store.mend_settings(fault)?,
            Self::Packs(indexes) => store.empty_packs(indexes)?,
            Self::Modes(paths) => store.close(paths)?,
            Self::Lock(lock) => return Ok(store.remove_lock(lock)?),
            Self::Main(main) => store.set_main(&main.revision, at)?,
            Self::Head => store.set_head()?,
            Self::Ref(name) => store.set_ref_aside(name)?,
            // They are taken all at once, before the refs that lead to them.
            _ => {}
        }
        Ok(true)
    }
}
