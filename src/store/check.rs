//! Finding every damaged byte: reads all that a revision reaches, and names what is not whole; and the
//! names that are none of ours, which are never read.

use std::collections::HashSet;

use git2::ObjectType;
use git2::Oid;

use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Damage;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::history::Commit;
use crate::store::layout;
use crate::store::layout::Entry;
use crate::store::layout::SESSIONS;
use crate::store::layout::TOMBSTONES;
use crate::store::layout::Tree;
use crate::store::refs::object_id;
use crate::store::refs::revision;

/// An object that is still to be read, and the first place it was found at.
struct Waiting {
    id: Oid,
    kind: ObjectType,
    revision: RevisionId,
    path: String,
}

/// A walk over all objects.
struct Walk {
    waiting: Vec<Waiting>,
    seen: HashSet<Oid>,
    damages: Vec<Damage>,
}

impl Store {
    /// Reads every object of a revision and of all that it comes from, and says which are damaged or
    /// missing. `each` is told how many are done and how many are known of.
    pub fn check(&self, tip: &RevisionId, each: &mut dyn FnMut(u64, u64)) -> Vec<Damage> {
        let mut walk = Walk { waiting: Vec::new(), seen: HashSet::new(), damages: Vec::new() };
        walk.add(object_id(tip), ObjectType::Commit, tip, String::new());
        let mut done = 0;
        while let Some(next) = walk.waiting.pop() {
            walk.visit(self, &next);
            done += 1;
            each(done, walk.seen.len() as u64);
        }
        walk.damages
    }

    /// What lies in the folders of sessions and tombstones of a revision under names that are none
    /// of ours, as far as that can be read: it is kept, and never read.
    pub fn foreign_names(&self, at: &RevisionId) -> Result<Vec<String>, Error> {
        let (root, mut found) = (self.root(at)?, Vec::new());
        for area in [SESSIONS, TOMBSTONES] {
            let top = root.folder(area).ok().flatten();
            let Some(Ok(top)) = top.map(|id| self.read_tree(id, &area)) else { continue };
            for entry in top.iter() {
                let name = String::from_utf8_lossy(&entry.name);
                let is_older = area == SESSIONS && layout::older_session_of(&entry.name).is_some();
                if entry.is_file() && is_older {
                    continue;
                }
                if !entry.is_folder() || !layout::is_shard(&entry.name) {
                    found.push(format!("{area}/{name}"));
                } else if let Ok(shard) = self.read_tree(entry.id, &area) {
                    let is_foreign = |it: &&Entry| !is_in_place(area, &entry.name, it);
                    let names = shard.iter().filter(is_foreign);
                    let name_of = |it: &Entry| String::from_utf8_lossy(&it.name).into_owned();
                    found.extend(names.map(|it| format!("{area}/{name}/{}", name_of(it))));
                }
            }
        }
        Ok(found)
    }
}

/// Whether an entry is a session, or a tombstone, where it is looked for.
fn is_in_place(area: &str, shard: &[u8], entry: &Entry) -> bool {
    if area == SESSIONS {
        return entry.is_folder() && layout::session_of(shard, &entry.name).is_some();
    }
    let stem = entry.name.strip_suffix(b".yaml");
    entry.is_file() && stem.is_some_and(|stem| layout::session_of(shard, stem).is_some())
}

/// What makes a folder none that git, or we, would write.
fn flaw_of(tree: &Tree) -> Option<String> {
    let is_odd = |name: &[u8]| {
        matches!(name, b"." | b"..") || name.contains(&b'/') || name.eq_ignore_ascii_case(b".git")
    };
    if let Some(odd) = tree.iter().find(|entry| is_odd(&entry.name)) {
        return Some(format!("it has an entry called {:?}", String::from_utf8_lossy(&odd.name)));
    }
    (!tree.is_ordered()).then(|| "its entries do not stand in git's order, each once".to_owned())
}

impl Walk {
    fn add(&mut self, id: Oid, kind: ObjectType, revision: &RevisionId, path: String) {
        if self.seen.insert(id) {
            self.waiting.push(Waiting { id, kind, revision: revision.clone(), path });
        }
    }

    fn visit(&mut self, store: &Store, at: &Waiting) {
        // The cache of trees is passed by: the disk is what is checked.
        match store.read(at.id, at.kind, &"it") {
            Ok(bytes) => self.follow(at, &bytes),
            Err(Error::Corrupt { cause, .. }) => self.report(at, cause),
            Err(error) => self.report(at, error.to_string()),
        }
    }

    fn follow(&mut self, at: &Waiting, bytes: &[u8]) {
        match at.kind {
            ObjectType::Commit => match Commit::parse(bytes) {
                Some(commit) => {
                    for parent in commit.parents {
                        self.add(parent, ObjectType::Commit, &revision(parent), String::new());
                    }
                    // Last in, first out: what a newer revision holds is found there.
                    self.add(commit.tree, ObjectType::Tree, &at.revision, String::new());
                }
                None => self.report(at, "it is no commit".into()),
            },
            ObjectType::Tree => match Tree::parse(bytes) {
                Ok(tree) => {
                    if let Some(flaw) = flaw_of(&tree) {
                        self.report(at, flaw);
                    }
                    self.follow_tree(at, &tree);
                }
                Err(cause) => self.report(at, cause),
            },
            _ => {}
        }
    }

    fn follow_tree(&mut self, at: &Waiting, tree: &Tree) {
        for entry in tree.iter() {
            let name = String::from_utf8_lossy(&entry.name);
            let path =
                if at.path.is_empty() { name.into_owned() } else { format!("{}/{name}", at.path) };
            let is_ours = [SESSIONS, TOMBSTONES].iter().any(|area| path.starts_with(area));
            if entry.is_folder() {
                self.add(entry.id, ObjectType::Tree, &at.revision, path);
            } else if entry.is_file() {
                self.add(entry.id, ObjectType::Blob, &at.revision, path);
            } else if is_ours {
                self.report(at, format!("{path} is neither a plain file nor a folder"));
            }
        }
    }

    fn report(&mut self, at: &Waiting, cause: String) {
        self.damages.push(Damage {
            object: ObjectId(at.id),
            revision: at.revision.clone(),
            session: session_in(&at.path),
            file: at.path.clone(),
            cause,
        });
    }
}

/// The session that a path belongs to.
fn session_in(path: &str) -> Option<SessionId> {
    let mut parts = path.split('/').skip(1);
    let shard = parts.next()?;
    if let Some(id) = layout::older_session_of(shard.as_bytes()) {
        return Some(id);
    }
    let name = parts.next()?;
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    layout::session_of(shard.as_bytes(), name.as_bytes())
}
