//! Mending the store: where main leads, refs that lead nowhere, locks that nobody holds.
//!
//! Nothing is thrown away: what is damaged moves into the folder `annals/damaged`, and stays there until
//! history is rewritten.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use chrono::DateTime;
use chrono::Utc;
use git2::ObjectType;
use git2::Oid;

use crate::platform;
use crate::platform::FileLock;
use crate::session::RevisionId;
use crate::store::Error;
use crate::store::GitLock;
use crate::store::PRIVATE;
use crate::store::Store;
use crate::store::donors::ARRIVING;
use crate::store::donors::MENDING;
use crate::store::git_settings;
use crate::store::lineage::LINEAGES;
use crate::store::refs::MAIN;
use crate::store::refs::object_id;
use crate::store::refs::revision;

/// Where what is damaged is kept, in the private folder.
pub(super) const DAMAGED: &str = "damaged";

/// Git's file of many refs.
const PACKED_REFS: &str = "packed-refs";

/// What `HEAD` says.
pub(super) const HEAD_TEXT: &[u8] = b"ref: refs/heads/main\n";

/// Where main is led back to, and how that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMain {
    /// The newest revision that is there.
    pub revision: RevisionId,
    /// What names it: a reflog, a ref, the index.
    pub by: String,
    /// A later revision that main led to and that is lost.
    pub instead_of: Option<RevisionId>,
}

impl Store {
    /// Has nobody else mend the store, and removes what was left by one who died over it.
    pub fn begin_mending(&self) -> Result<FileLock, Error> {
        let folder = self.private_folder();
        let lock = FileLock::acquire(&folder.join(MENDING), Duration::ZERO);
        let lock = lock.map_err(mending)?.ok_or(Error::Locked { seconds: 0 })?;
        for entry in fs::read_dir(&folder).map_err(mending)? {
            let entry = entry.map_err(mending)?;
            if entry.file_name().to_string_lossy().starts_with(ARRIVING) {
                fs::remove_dir_all(entry.path()).map_err(mending)?;
            }
        }
        Ok(lock)
    }

    /// Where main should lead, if it leads nowhere: the newest revision that is here, or at a
    /// donor's, by main's reflog, by `known` (what the index stands for), or by another ref. None: it
    /// leads somewhere, or nobody knows where it led.
    pub fn find_main(&self, known: Option<&RevisionId>) -> Result<Option<FoundMain>, Error> {
        let is_there = |id: Oid| self.read(id, ObjectType::Commit, &"it").is_ok();
        if self.tip_id().is_ok_and(is_there) {
            return Ok(None);
        }
        let logged = self.logged(MAIN)?;
        // What nobody has heard of was no revision.
        let was = |tip: &RevisionId| known == Some(tip) || logged.contains(&object_id(tip));
        let instead_of = self.tip().ok().filter(was);
        let logged = logged.into_iter().map(|id| (id, "its log".to_owned()));
        let known = known.map(|known| (object_id(known), "the index".to_owned()));
        let mut others = self.other_tips()?;
        others.retain(|(id, _)| is_there(*id));
        // Nobody said which of them is the newest: their times do.
        others.sort_by_cached_key(|(id, _)| {
            std::cmp::Reverse(self.commit_time(&revision(*id)).unwrap_or_default())
        });
        let found = logged.chain(known).chain(others).find(|(id, _)| is_there(*id));
        Ok(found.map(|(id, by)| FoundMain { revision: revision(id), by, instead_of }))
    }

    /// What a ref's log names, newest first.
    pub(super) fn logged(&self, name: &str) -> Result<Vec<Oid>, Error> {
        let text = match fs::read(self.path.join("logs").join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(mending)?,
        };
        let text = String::from_utf8_lossy(&text);
        let new = |line: &str| Oid::from_str(line.split(' ').nth(1)?).ok();
        let old = |line: &str| Oid::from_str(line.split(' ').next()?).ok();
        let entries = text.lines().rev().flat_map(|line| [new(line), old(line)]).flatten();
        Ok(entries.filter(|id| !id.is_zero()).collect())
    }

    /// What the other refs lead to that may be revisions of main: not those of a remote with a
    /// filter, which has a history of its own.
    pub(super) fn other_tips(&self) -> Result<Vec<(Oid, String)>, Error> {
        let mut found = Vec::new();
        for (name, id) in self.refs()? {
            if name != MAIN && !name.starts_with(LINEAGES) {
                found.extend(id.map(|id| (id, name)));
            }
        }
        Ok(found)
    }

    /// Has main lead to a revision; what stood there is kept.
    pub fn set_main(&self, to: &RevisionId, at: DateTime<Utc>) -> Result<(), Error> {
        let _lock = self.lock()?;
        self.set_aside(&self.path.join(MAIN))?;
        self.force_ref(MAIN, object_id(to), at)
    }

    /// What git and its libraries cannot open a store without, and is lost here: `HEAD`, the folders
    /// `refs` and `objects`, and settings that can be read.
    pub fn lacking(path: &Path) -> Vec<&'static str> {
        let is_there = |name: &str| path.join(name).symlink_metadata().is_ok();
        // One that has none of them may be anything.
        if !path.join(PRIVATE).is_dir() || !["HEAD", "refs", "objects"].into_iter().any(is_there) {
            return Vec::new();
        }
        let config = git_settings::are_unreadable(path).then_some("config");
        let others = ["refs", "objects", "HEAD"].into_iter().filter(|name| !is_there(name));
        config.into_iter().chain(others).collect()
    }

    /// Makes that again. What was made.
    pub fn make_openable(path: &Path) -> Result<Vec<&'static str>, Error> {
        let lacking = Self::lacking(path);
        for name in &lacking {
            match *name {
                "config" => git_settings::make_readable(path)?,
                "HEAD" => make_head(&path.join(name))?,
                folder => platform::create_private_folder(&path.join(folder)).map_err(mending)?,
            }
        }
        Ok(lacking)
    }

    /// Whether `HEAD` names a ref or a revision, as git wants it.
    pub fn is_head_sound(&self) -> bool {
        let text = fs::read_to_string(self.path.join("HEAD")).unwrap_or_default();
        let text = text.trim_end();
        text.strip_prefix("ref: ").is_some_and(|name| name.starts_with("refs/"))
            || full_id(text).is_some()
    }

    /// Has `HEAD` name main; what stood there is kept.
    pub fn set_head(&self) -> Result<(), Error> {
        let head = self.path.join("HEAD");
        self.set_aside(&head)?;
        platform::write_atomic(&head, HEAD_TEXT).map_err(mending)
    }

    /// The refs, but for main, that lead nowhere.
    pub fn stray_refs(&self) -> Result<Vec<String>, Error> {
        let is_stray = |id: Option<Oid>| {
            id.is_none_or(|id| {
                let kinds =
                    [ObjectType::Commit, ObjectType::Tag, ObjectType::Tree, ObjectType::Blob];
                !kinds.iter().any(|kind| self.read(id, *kind, &"it").is_ok())
            })
        };
        let refs = self.refs()?.into_iter().filter(|(name, _)| name != MAIN);
        Ok(refs.filter(|(_, id)| is_stray(*id)).map(|(name, _)| name).collect())
    }

    /// Takes a ref away; what it was is kept.
    pub fn set_ref_aside(&self, name: &str) -> Result<(), Error> {
        let _lock = self.lock()?;
        let loose = self.path.join(name);
        if loose.is_file() {
            self.set_aside(&loose)?;
        }
        let failed = |source| Error::Git { doing: format!("taking the ref {name} away"), source };
        match self.repository.find_reference(name) {
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(()),
            found => {
                // It stands among the packed ones, where many share a file.
                let mut found = found.map_err(failed)?;
                let folder = self.private_folder().join(DAMAGED);
                platform::create_private_folder(&folder).map_err(mending)?;
                let id = found.target().map(|id| id.to_string()).unwrap_or_default();
                let kept = folder.join(name.replace('/', "-"));
                platform::write_atomic(&kept, format!("{id} {name}\n").as_bytes())
                    .map_err(mending)?;
                found.delete().map_err(failed)
            }
        }
    }

    /// Each ref below `refs/`, and what it leads to; none: its file does not say.
    fn refs(&self) -> Result<Vec<(String, Option<Oid>)>, Error> {
        let mut found = Vec::new();
        for line in self.packed_refs()?.lines() {
            found.extend(packed_ref(line).map(|(id, name)| (name.to_owned(), full_id(id))));
        }
        let mut waiting = vec![self.path.join("refs")];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(&folder).map_err(mending)? {
                let path = entry.map_err(mending)?.path();
                if path.is_dir() {
                    waiting.push(path);
                } else if let Some(name) = self.ref_name(&path) {
                    found.retain(|(known, _)| *known != name);
                    let text = fs::read_to_string(&path).unwrap_or_default();
                    let text = text.trim_end();
                    // One that leads to another ref leads where that does.
                    let target =
                        text.strip_prefix("ref: ").map(|to| self.ref_id(to).ok().flatten());
                    found.push((name, target.unwrap_or_else(|| full_id(text))));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn packed_refs(&self) -> Result<String, Error> {
        match fs::read(self.path.join(PACKED_REFS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            read => Ok(String::from_utf8_lossy(&read.map_err(mending)?).into_owned()),
        }
    }

    /// Whether git can read its file of many refs: with one line that is none, it reads no ref at all.
    pub fn are_packed_refs_sound(&self) -> Result<bool, Error> {
        let is_sound = |line: &str| {
            line.starts_with('#')
                || line.strip_prefix('^').is_some_and(|id| full_id(id).is_some())
                || packed_ref(line).is_some()
        };
        let text = self.packed_refs()?;
        Ok(text.lines().all(is_sound) && (text.is_empty() || text.ends_with('\n')))
    }

    /// Leaves in the file of many refs what is one; the file is kept as it was.
    pub fn mend_packed_refs(&self) -> Result<(), Error> {
        let _lock = self.lock()?;
        let text = self.packed_refs()?;
        let sound: String = text
            .lines()
            .filter(|line| packed_ref(line).is_some())
            .fold(String::new(), |text, line| text + line + "\n");
        let path = self.path.join(PACKED_REFS);
        self.set_aside(&path)?;
        platform::write_atomic(&path, sound.as_bytes()).map_err(mending)
    }

    /// The name of the ref that a file is; none: it is a lock.
    fn ref_name(&self, path: &Path) -> Option<String> {
        let is_lock = path.extension().is_some_and(|end| end == "lock");
        let name = path.strip_prefix(&self.path).ok()?.to_str()?;
        (!is_lock).then(|| name.replace('\\', "/"))
    }

    /// Removes a lock that nobody can hold any more. False: somebody took it up meanwhile.
    pub fn remove_lock(&self, lock: &GitLock) -> Result<bool, Error> {
        let path = &lock.path;
        if !self.git_locks().iter().any(|now| now.path == *path && now.is_dead()) {
            return Ok(false);
        }
        self.set_aside(path)?;
        Ok(true)
    }

    /// Closes files and folders of annals' own to others.
    pub fn close(&self, paths: &[PathBuf]) -> Result<(), Error> {
        let mut paths = paths.iter();
        paths.try_for_each(|path| platform::close_to_others(path).map(drop)).map_err(mending)
    }

    /// Moves a file out of the way, if it is there.
    pub(super) fn set_aside(&self, path: &Path) -> Result<(), Error> {
        set_aside(&self.path, path)
    }
}

/// Moves a file of a store out of the way, if it is there.
pub(super) fn set_aside(store: &Path, path: &Path) -> Result<(), Error> {
    let folder = store.join(PRIVATE).join(DAMAGED);
    platform::create_private_folder(&folder).map_err(mending)?;
    // An object's name is its folder's and its own.
    let parent = path.parent().and_then(Path::file_name).unwrap_or_default();
    let name =
        [parent, path.file_name().unwrap_or_default()].map(|it| it.to_string_lossy()).concat();
    // What was kept before stays too.
    let mut places = (0..).map(|number| match number {
        0 => folder.join(&name),
        number => folder.join(format!("{name}.{number}")),
    });
    let place = places.find(|place| place.symlink_metadata().is_err()).unwrap_or(folder);
    match fs::rename(path, &place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(mending(error)),
        Ok(()) => platform::close_to_others(&place).map(drop).map_err(mending),
    }
}

/// The id and the name on a line of git's file of many refs.
fn packed_ref(line: &str) -> Option<(&str, &str)> {
    let (id, name) = line.split_once(' ')?;
    let is_ref = name.starts_with("refs/") && git2::Reference::is_valid_name(name);
    (full_id(id).is_some() && is_ref).then_some((id, name))
}

fn full_id(hex: &str) -> Option<Oid> {
    RevisionId::parse(hex).map(|id| object_id(&id))
}

fn make_head(path: &Path) -> Result<(), Error> {
    match platform::write_new(path, HEAD_TEXT) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(mending(error)),
        _ => Ok(()),
    }
}

pub(super) fn mending(source: io::Error) -> Error {
    Error::Io { doing: "mending the store".into(), source }
}
