//! Finding every damaged byte: reads all that main reaches, and names what is not whole.

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
use crate::store::layout::SESSIONS;
use crate::store::layout::TOMBSTONES;
use crate::store::layout::Tree;
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
    /// Reads every object of main's whole history and says which are damaged or missing. `each`
    /// is told how many are done and how many are known of.
    pub fn check(&self, each: &mut dyn FnMut(u64, u64)) -> Vec<Damage> {
        let mut walk = Walk { waiting: Vec::new(), seen: HashSet::new(), damages: Vec::new() };
        match self.tip_id() {
            Ok(tip) => walk.add(tip, ObjectType::Commit, &revision(tip), String::new()),
            Err(error) => walk.damages.push(Damage {
                object: None,
                revision: None,
                session: None,
                file: "refs/heads/main".into(),
                cause: error.to_string(),
            }),
        }
        let mut done = 0;
        while let Some(next) = walk.waiting.pop() {
            walk.visit(self, &next);
            done += 1;
            each(done, walk.seen.len() as u64);
        }
        walk.damages
    }
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
                Ok(tree) => self.follow_tree(at, &tree),
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
            object: Some(ObjectId(at.id)),
            revision: Some(at.revision.clone()),
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
