//! Keeping the store small and quick: packing, off the save path, and clones of it.
//!
//! Nothing here drops an object: one that no ref reaches may belong to a save that is just being
//! made, and stays in the packs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use git2::Oid;

use crate::platform;
use crate::platform::FileLock;
use crate::store::Error;
use crate::store::Store;
use crate::store::git;

/// Beyond this many loose objects they are packed.
const LOOSE_LIMIT: usize = 4_000;
/// The folder of loose objects that is counted.
const SAMPLE: &str = "17";
/// Beyond this many packs they are brought together: at 20 a save costs twice as much.
const PACK_LIMIT: usize = 20;
/// How long `gc` waits for a repack in the background.
const PATIENCE: Duration = Duration::from_secs(600);

/// The objects of a store that can be read.
struct SoundObjects {
    ids: Vec<Oid>,
    /// Whether there are no others.
    is_all: bool,
}

impl Store {
    /// Packs what is loose past the threshold, in the background, and removes what an earlier
    /// packing made superfluous. Never fails the caller. `level`: from 1, quick, to 9, small.
    pub fn maintain(&self, level: u8) {
        if !self.needs_packing() {
            return;
        }
        let Ok(Some(lock)) = self.maintenance_lock(Duration::ZERO) else { return };
        let Ok(packs) = self.drop_superfluous() else { return };
        let is_packed = |id| packs.iter().any(|pack| pack.has(id));
        if self.loose_in_sample().into_iter().any(is_packed) {
            start(&self.path, lock, &["prune-packed", "-q"]);
        } else if self.needs_packing() {
            // Quick rather than small: this is paid by every save, and `gc` makes it small.
            let compression = format!("pack.compression={}", level.saturating_sub(5).max(1));
            let repack = ["repack", "-n", "-q", "--geometric=2", "--window=1"];
            start(&self.path, lock, &[["-c", compression.as_str()].as_slice(), &repack].concat());
        }
    }

    /// Packs everything now, tightly, with commit-graph. `level`: from 1, quick, to 9, small. Whether
    /// all that history leads to is there; what is missing was none of the packing's doing.
    pub fn gc(&self, level: u8) -> Result<bool, Error> {
        let doing = "packing the store";
        let lock = self.wait_for_maintenance(doing)?;
        let run = |arguments: &[&str]| {
            let mut command = git::git_in(&self.path);
            // As in the background: git holds the lock itself, should this process be killed.
            let held = lock.share();
            let held = held.map_err(|source| Error::Io { doing: doing.into(), source })?;
            command.args(arguments).stdin(Stdio::from(held));
            git::run(command, doing)
        };
        self.index_packs()?;
        let compression = format!("pack.compression={level}");
        let window = format!("--window={}", window(level));
        let all = ["--keep-unreachable", "--pack-loose-unreachable", "--honor-pack-keep"];
        // What saves deflated in haste is deflated anew; a quarter of the store goes with it.
        let how = ["--no-reuse-object", &window, "--depth=50"];
        let command = ["-c", &compression, "pack-objects"];
        let packed = self.write_pack(&lock, &[command, all, how].concat(), doing);
        let is_whole = packed.is_ok();
        if let Err(error) = packed {
            let sound = self.sound_objects()?;
            let is_linked = || run(&["rev-list", "--objects", "--all", "--quiet"]).is_ok();
            if sound.is_all && is_linked() {
                return Err(error);
            }
            self.pack_only(&sound.ids).map_err(|_| error)?;
        }
        let dropped = self.drop_superfluous();
        dropped.map_err(|source| Error::Io { doing: doing.into(), source })?;
        run(&["prune-packed", "-q"])?;
        // It only makes reading quicker: a lock of it that a dead git left must stop nothing. The
        // doctor names that.
        drop(run(&["commit-graph", "write", "--reachable", "--changed-paths", "--no-progress"]));
        let failed = |source| Error::Git { doing: doing.into(), source };
        self.odb()?.refresh().map_err(failed)?;
        Ok(is_whole)
    }

    /// The objects that are here and whole, whatever leads to them.
    fn sound_objects(&self) -> Result<SoundObjects, Error> {
        let mut ids = Vec::new();
        let listed = self.odb()?.foreach(|id| {
            ids.push(*id);
            true
        });
        listed.map_err(|source| Error::Git { doing: "listing the objects".into(), source })?;
        let count = ids.len();
        // The library waits for ever for what is missing of an object's end.
        ids.retain(|id| self.has_sound(*id));
        Ok(SoundObjects { is_all: ids.len() == count, ids })
    }

    /// Packs these objects: git goes from one to the next, and stops where one is missing.
    fn pack_only(&self, ids: &[Oid]) -> Result<(), Error> {
        let failed = |source| Error::Git { doing: "packing what is there".into(), source };
        let mut builder = self.repository.packbuilder().map_err(failed)?;
        for id in ids {
            builder.insert_object(*id, None).map_err(failed)?;
        }
        let folder = self.objects.join("pack");
        builder.write(&folder, 0o444).map_err(failed)?;
        let name = builder.name().map_err(failed)?.unwrap_or_default();
        let files = ["pack", "idx"].map(|end| folder.join(format!("pack-{name}.{end}")));
        let synced = platform::sync_placed(&files, &BTreeSet::from([folder]));
        synced.map_err(|source| Error::Io { doing: "packing what is there".into(), source })
    }

    /// Takes the lock of maintenance, when a repack in the background is done.
    pub(super) fn wait_for_maintenance(&self, doing: &str) -> Result<FileLock, Error> {
        let locked = self.maintenance_lock(PATIENCE);
        let locked = locked.map_err(|source| Error::Io { doing: doing.into(), source })?;
        locked.ok_or(Error::Locked { seconds: PATIENCE.as_secs() })
    }

    /// Makes a folder with readable files of the newest revision: a plain clone.
    pub fn clone_to(&self, folder: &Path) -> Result<(), Error> {
        let doing = format!("cloning the store to {}", folder.display());
        match fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
            Ok(false) => {}
            Ok(true) => {
                return Err(Error::Occupied { path: folder.to_owned() });
            }
            // Made before git does, which would let others in as far as the umask does.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                platform::create_private_folder(folder)
                    .map_err(|source| Error::Io { doing: doing.clone(), source })?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                return Err(Error::Occupied { path: folder.to_owned() });
            }
            Err(source) => return Err(Error::Io { doing, source }),
        }
        let mut command = git::git();
        git::hear_nothing(&mut command);
        command.args(["clone", "--quiet", "--no-hardlinks", "--"]).arg(&self.path).arg(folder);
        git::run(command, &doing)
    }

    fn maintenance_lock(&self, patience: Duration) -> std::io::Result<Option<FileLock>> {
        let folder = self.private_folder();
        platform::create_private_folder(&folder)?;
        FileLock::acquire(&folder.join("maintenance.lock"), patience)
    }

    fn needs_packing(&self) -> bool {
        let is_pack = |name: &String| Path::new(name).extension().is_some_and(|end| end == "pack");
        let packs = self.names_in("pack").filter(is_pack).count();
        self.loose_in_sample().len() * 256 > LOOSE_LIMIT || packs > PACK_LIMIT
    }

    /// The loose objects in one folder, which stands for all 256: ids are spread evenly.
    fn loose_in_sample(&self) -> Vec<Oid> {
        let id = |name: String| Oid::from_str(&format!("{SAMPLE}{name}")).ok();
        self.names_in(SAMPLE).filter_map(id).collect()
    }

    fn names_in(&self, folder: &str) -> impl Iterator<Item = String> {
        let entries = fs::read_dir(self.objects.join(folder)).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok())
    }
}

/// Among how many objects `gc` looks for one to store another's difference to.
const fn window(level: u8) -> u8 {
    match level {
        0..=3 => 10,
        4..=6 => 50,
        _ => 250,
    }
}

/// Starts git with low priority. The lock is its standard input, so it is held until git ends,
/// also when this process ends first. Without a git program all stays as it is.
fn start(store: &Path, lock: FileLock, arguments: &[&str]) {
    let mut command = low_priority_git();
    command.arg("--git-dir").arg(store);
    git::hear_nothing(&mut command);
    command
        .args(arguments)
        .stdin(Stdio::from(lock.into_file()))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Ok(mut child) = command.spawn() {
        // Only so that a long-lived process does not collect dead children.
        drop(thread::Builder::new().spawn(move || child.wait()));
    }
}

fn low_priority_git() -> Command {
    #[cfg(unix)]
    {
        let mut command = Command::new("nice");
        command.args(["-n", "10", "git"]);
        git::neutralise(&mut command);
        // Ctrl-C at the terminal is not meant for it.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }
    #[cfg(not(unix))]
    git::git()
}
