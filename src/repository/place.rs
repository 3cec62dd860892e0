//! Where a session is resumed on this machine: its folder may be another machine's, or was moved.
//!
//! A folder that was named, or that is there as it was recorded, is the place. Else what somebody
//! said of a moved folder counts, then the repository: wherever it was seen here last, if it still
//! is there and still is that repository. Nothing that sessions or files say is gone to unchecked.

use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use crate::config::Machine;
use crate::config::MovedRoot;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::repository::Repository;
use crate::repository::RestoreOptions;
use crate::session::Head;
use crate::session::Workspace;
use crate::store;

/// So many folders must be the same for a place to be told by them alone.
const TELLING: usize = 2;

/// How the place of a session was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceSource {
    /// It was named.
    Named,
    /// It is the recorded one, which need not be there.
    Recorded,
    /// The repository was found there.
    Repository,
    /// It was said that the folder was moved there.
    Moved,
}

/// A folder to resume a session in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) source: PlaceSource,
    /// What is known of this machine and could not be used.
    pub(super) notices: Vec<String>,
}

impl Repository {
    /// The place of a session here.
    ///
    /// # Errors
    /// `Invalid`: the session names no folder, and none was found.
    pub(super) fn place_of(&mut self, head: &Head, options: &RestoreOptions) -> Result<Place> {
        let mut notices = Vec::new();
        if let Some(named) = &options.workspace {
            let folder = as_the_system_has_it(self.environment.current.join(named));
            return Ok(Place { folder, source: PlaceSource::Named, notices });
        }
        // What a share made of a path is a name, and no place on any machine.
        let recorded = head.workspace.root.as_deref().filter(|root| is_place(root));
        if let Some(root) = recorded.map(PathBuf::from).filter(|root| root.is_dir()) {
            return Ok(Place { folder: root, source: PlaceSource::Recorded, notices });
        }
        let machine = self.machine();
        notices.extend(machine.faults.iter().map(ToString::to_string));
        if let Some(folder) = recorded.and_then(|root| moved_to(root, &machine.moved)) {
            return Ok(Place { folder, source: PlaceSource::Moved, notices });
        }
        if let Some(folder) = self.place_of_repository(&head.workspace, &machine)? {
            return Ok(Place { folder, source: PlaceSource::Repository, notices });
        }
        let folder = recorded.map(PathBuf::from).ok_or_else(|| {
            let message = format!(
                "session {} has no workspace to be resumed in: name one with --workspace",
                head.id.short()
            );
            Error::new(ErrorKind::Invalid, message)
        })?;
        Ok(Place { folder, source: PlaceSource::Recorded, notices })
    }

    /// Where the repository of a workspace lies here: the place that was seen last, else one where
    /// other sessions of it were held.
    fn place_of_repository(
        &mut self,
        workspace: &Workspace,
        machine: &Machine,
    ) -> Result<Option<PathBuf>> {
        let Some(repository) = workspace.repository.as_deref() else {
            return Ok(None);
        };
        let places = machine.places.iter().filter(|place| place.repository == repository);
        let known: Vec<PathBuf> = places.map(|place| place.folder.clone()).collect();
        let found = known.iter().find_map(|folder| store::top_if_known_by(folder, repository));
        let found = match found {
            Some(top) => Some(top),
            None => {
                let roots = self.index(|index| index.roots_of(repository))?;
                let mut roots = roots.iter().map(Path::new).filter(|root| root.is_absolute());
                roots.find_map(|root| store::top_if_known_by(root, repository))
            }
        };
        let root = workspace.root.as_deref().filter(|root| is_place(root));
        let place = |top: PathBuf| match root {
            Some(root) => as_the_system_has_it(below(root, repository, &known, top)),
            None => as_the_system_has_it(top),
        };
        Ok(found.map(place))
    }

    /// Remembers where a session was restored to: the place of its repository; or of its folder,
    /// if it has no repository and the folder is not here. Says why if that fails.
    pub(super) fn learn_place(&self, head: &Head, place: &Place) -> Option<String> {
        let workspace = &head.workspace;
        match (&workspace.repository, &workspace.root) {
            (Some(repository), _) => {
                self.learn([(repository.as_str(), place.folder.as_path())].into_iter())
            }
            (None, Some(root))
                if place.source == PlaceSource::Named
                    && is_place(root)
                    && !Path::new(root).is_dir()
                    && place.folder.is_dir() =>
            {
                let failed = self.note_moved(root, &place.folder).err();
                failed.map(|error| format!("Where the workspace lies could not be noted: {error}"))
            }
            _ => None,
        }
    }
}

/// Whether a recorded folder is a path from the root of this or another system.
pub(super) fn is_place(root: &str) -> bool {
    let is_drive = |root: &[u8]| root.len() > 2 && root[0].is_ascii_alphabetic() && root[1] == b':';
    root.starts_with(['/', '\\']) || is_drive(root.as_bytes())
}

/// Whether a recorded folder is another one or lies below it.
pub(super) fn is_below(root: &str, above: &str) -> bool {
    parts(root).strip_prefix(parts(above).as_slice()).is_some()
}

/// A path as the system has it, so that the agent started there finds the session.
pub(super) fn as_the_system_has_it(path: PathBuf) -> PathBuf {
    path.canonicalize().unwrap_or(path)
}

/// Where a folder lies that was moved with one above it, or by itself; of several rules the
/// longest that leads to a folder which is there.
pub(super) fn moved_to(root: &str, moved: &[MovedRoot]) -> Option<PathBuf> {
    let mut fitting: Vec<(usize, PathBuf)> = Vec::new();
    let parts = parts(root);
    for rule in moved {
        let above = self::parts(&rule.from);
        if is_place(&rule.from)
            && let Some(rest) = parts.strip_prefix(above.as_slice())
        {
            fitting.push((above.len(), joined(&rule.to, rest)?));
        }
    }
    fitting.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    fitting.into_iter().map(|(_, folder)| folder).find(|folder| folder.is_dir())
}

/// The folder below the top of a repository that a recorded folder stands for: what lies below a
/// place where the repository was, or below a folder of its name, or, of a longer path, what there
/// is below the top; else the top itself.
fn below(root: &str, repository: &str, known: &[PathBuf], top: PathBuf) -> PathBuf {
    let parts = parts(root);
    let is_there = |rest: &[&str]| joined(&top, rest).filter(|folder| folder.is_dir());
    let known = known.iter().filter_map(|folder| folder.to_str());
    let mut rests = known.filter_map(|folder| parts.strip_prefix(self::parts(folder).as_slice()));
    if let Some(folder) = rests.find_map(is_there) {
        return folder;
    }
    let names = [repository.rsplit('/').next(), top.file_name().and_then(|name| name.to_str())];
    for name in names.into_iter().flatten() {
        let places = (0..parts.len()).filter(|place| parts[*place] == name);
        if let Some(folder) = places.map(|place| &parts[place + 1..]).find_map(is_there) {
            return folder;
        }
    }
    let telling = (1..(parts.len() + 1).saturating_sub(TELLING)).map(|start| &parts[start..]);
    telling.into_iter().find_map(is_there).unwrap_or(top)
}

/// The names in a path of this or another system.
fn parts(path: &str) -> Vec<&str> {
    let is_other = !path.starts_with('/');
    let is_between = |c: char| c == '/' || is_other && c == '\\';
    path.split(is_between).filter(|part| !part.is_empty()).collect()
}

/// A folder below another; none: the names lead elsewhere.
fn joined(top: &Path, rest: &[&str]) -> Option<PathBuf> {
    let mut folder = top.to_owned();
    for part in rest {
        let mut components = Path::new(part).components();
        match (components.next(), components.next()) {
            (Some(Component::Normal(_)), None) => folder.push(part),
            _ => return None,
        }
    }
    Some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these below it.
    fn folder(below: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for path in below {
            std::fs::create_dir_all(folder.path().join(path)).expect("made");
        }
        folder
    }

    #[test]
    fn a_folder_in_a_repository_is_found_below_its_new_top() {
        let here = folder(&["work/store/shop/api", "work/store/packages/api"]);
        let top = here.path().join("work/store");
        let known = [PathBuf::from("/gone/before")];
        for (root, expected) in [
            ("/home/kim/shop", ""),
            ("/home/kim/shop/shop", "shop"),
            ("/home/kim/shop/shop/api/", "shop/api"),
            ("/home/kim/store/shop", ""),
            ("/home/kim/store/packages", "packages"),
            ("/home/shop/src/shop", ""),
            ("C:\\src\\shop\\shop\\api", "shop/api"),
            ("/gone/before/packages", "packages"),
            ("/gone/before/gone", ""),
            ("/home/kim/renamed/packages/api", "packages/api"),
            ("/home/kim/renamed/shop", ""),
            ("/home/kim/renamed", ""),
            ("/home/kim/shop/../../..", ""),
            ("/", ""),
        ] {
            let found = below(root, "example.com/kim/shop", &known, top.clone());
            assert_eq!(found, top.join(expected), "{root}");
        }
    }

    #[test]
    fn what_lay_below_a_moved_folder_lies_below_it_still() {
        let here = folder(&["new/api", "api"]);
        let rule = |from: &str, to: &str| MovedRoot { from: from.into(), to: here.path().join(to) };
        let rules = [
            rule("/old", "new"),
            rule("/old/api", "api"),
            rule("/old/api/deep", "gone"),
            rule("x", ""),
        ];
        let to = |root: &str| moved_to(root, &rules);
        assert_eq!(to("/old"), Some(here.path().join("new")));
        assert_eq!(to("/old/api"), Some(here.path().join("api")), "the longest rule counts");
        assert_eq!(to("/old/gone"), None);
        assert_eq!(to("/older"), None);
        assert_eq!(to("/old/../new"), None, "no name leads upwards");
        assert_eq!(to("x"), None, "a name is no place");
    }

    #[test]
    fn a_rule_that_leads_nowhere_hides_no_other() {
        let here = folder(&["new/api/deep"]);
        let rule = |from: &str, to: &str| MovedRoot { from: from.into(), to: here.path().join(to) };
        let rules = [rule("/old", "new"), rule("/old/api", "gone")];
        assert_eq!(moved_to("/old/api/deep", &rules), Some(here.path().join("new/api/deep")));
    }
}
