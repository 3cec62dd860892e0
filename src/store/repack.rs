//! Bringing objects together in one pack, so that what it replaces goes only when the pack is sure.
//!
//! Git flushes the files that it writes and no folder. So a loss of power may leave what `repack -d`
//! removed without the pack that was to take its place; here a pack has its name for sure before
//! anything is removed.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use git2::Oid;

use crate::platform;
use crate::platform::FileLock;
use crate::store::Error;
use crate::store::Store;
use crate::store::git;

/// Where the ids stand in version 2 of git's pack index, and how many bytes one has.
const IDS: (usize, usize) = (8 + 256 * 4, 20);

/// A pack, by its index.
pub(super) struct Packed {
    path: PathBuf,
    /// The ids of its objects, sorted, one behind the other.
    ids: Vec<u8>,
}

impl Store {
    /// Has git make one pack of objects; nothing is removed. `arguments`: which, and how. Gives the
    /// pack's file name without its ending; none: there were no objects.
    pub(super) fn write_pack(
        &self,
        lock: &FileLock,
        arguments: &[&str],
        doing: &str,
    ) -> Result<Option<String>, Error> {
        let failed = |source| Error::Io { doing: doing.to_owned(), source };
        let mut command = git::git_in(&self.path);
        command.args(arguments);
        command.args(["--all", "--reflog", "--indexed-objects", "--delta-base-offset"]);
        command.args(["--non-empty", "--quiet"]).arg(self.objects.join("pack/pack"));
        // Git holds the lock itself, should this process be killed. It is empty: no more revisions.
        command.stdin(Stdio::from(lock.share().map_err(failed)?));
        let said = git::run_for(command, doing)?;
        let names = String::from_utf8_lossy(&said);
        let name = names.lines().next().map(|name| format!("pack-{name}"));
        platform::sync_folder(&self.objects.join("pack")).map_err(failed)?;
        Ok(name)
    }

    /// Removes the packs whose objects are all in a larger one, and gives the others.
    pub(super) fn drop_superfluous(&self) -> io::Result<Vec<Packed>> {
        let folder = self.objects.join("pack");
        // What a larger one has may have its name only in memory.
        platform::sync_folder(&folder)?;
        let mut packs = Vec::new();
        for entry in fs::read_dir(&folder)? {
            packs.extend(Packed::read(&entry?.path())?);
        }
        packs.sort_by_key(|pack| Reverse(pack.ids.len()));
        let mut kept: Vec<Packed> = Vec::new();
        for pack in packs {
            let is_kept = pack.path.with_extension("keep").exists();
            match kept.iter().find(|larger| !is_kept && larger.has_all_of(&pack)) {
                None => kept.push(pack),
                Some(larger) => {
                    larger.sync()?;
                    pack.remove()?;
                }
            }
        }
        Ok(kept)
    }

    /// Removes all packs but that one.
    pub(super) fn drop_other_packs(&self, name: &str) -> io::Result<()> {
        each_in(&self.objects.join("pack"), &mut |path, _| {
            if path.file_stem().is_some_and(|stem| stem == name) { Ok(()) } else { remove(path) }
        })
    }

    /// Removes the loose objects: what refs reach is in the pack now.
    pub(super) fn drop_loose(&self) -> io::Result<()> {
        each_in(&self.objects, &mut |folder, name| {
            let is_hex = |byte: u8| byte.is_ascii_hexdigit();
            if name.len() == 2 && name.bytes().all(is_hex) {
                each_in(folder, &mut |path, _| remove(path))
            } else if name.starts_with("tmp_") {
                remove(folder)
            } else {
                Ok(())
            }
        })
    }

    /// Makes sure that what was removed stays so.
    pub(super) fn sync_removals(&self) -> io::Result<()> {
        let mut folders = BTreeSet::from([self.path.clone(), self.private_folder()]);
        folders.insert(self.objects.clone());
        each_in(&self.objects, &mut |path, _| {
            folders.extend(path.is_dir().then(|| path.to_owned()));
            Ok(())
        })?;
        platform::sync_placed(&[], &folders)
    }
}

impl Packed {
    /// The pack of an index; none: the file is none, or a pack of an older form.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        if path.extension().is_none_or(|end| end != "idx") {
            return Ok(None);
        }
        let index = match fs::read(path) {
            // Git has just removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let count = index.get(IDS.0 - 4..IDS.0).and_then(|it| it.try_into().ok());
        let count = count.map_or(0, u32::from_be_bytes) as usize;
        let ids = index.get(IDS.0..IDS.0 + count * IDS.1);
        let is_whole =
            index.starts_with(b"\xfftOc\0\0\0\x02") && path.with_extension("pack").exists();
        let ids = ids.filter(|_| is_whole).map(<[u8]>::to_vec);
        Ok(ids.map(|ids| Self { path: path.to_owned(), ids }))
    }

    /// The ids of its objects.
    pub(super) fn into_ids(self) -> Vec<Oid> {
        self.ids.chunks(IDS.1).filter_map(|id| Oid::from_bytes(id).ok()).collect()
    }

    /// Whether it has that object.
    pub(super) fn has(&self, id: Oid) -> bool {
        self.finds(id.as_bytes())
    }

    fn has_all_of(&self, other: &Self) -> bool {
        other.ids.chunks(IDS.1).all(|id| self.finds(id))
    }

    fn finds(&self, id: &[u8]) -> bool {
        let at = |place: usize| &self.ids[place * IDS.1..(place + 1) * IDS.1];
        let (mut low, mut high) = (0, self.ids.len() / IDS.1);
        while low < high {
            let middle = low.midpoint(high);
            if at(middle) < id { low = middle + 1 } else { high = middle }
        }
        low < self.ids.len() / IDS.1 && at(low) == id
    }

    fn sync(&self) -> io::Result<()> {
        ["pack", "idx"]
            .iter()
            .try_for_each(|end| File::open(self.path.with_extension(end))?.sync_all())
    }

    /// Removes it and what git made for it: first the index, without which there is no pack.
    fn remove(&self) -> io::Result<()> {
        let ends = ["idx", "rev", "bitmap", "mtimes", "pack"];
        ends.iter().try_for_each(|end| remove(&self.path.with_extension(end)))
    }
}

/// Shows what lies in a folder, with its name.
pub(super) fn each_in(
    folder: &Path,
    see: &mut dyn FnMut(&Path, &str) -> io::Result<()>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        see(&path, &name)?;
    }
    Ok(())
}

/// Removes a file or folder, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
