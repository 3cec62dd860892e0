//! Git's own locks in the store: somebody is at work, or died over it.
//!
//! A lock is a file that git makes, and removes when it is done. One that is left keeps git, and at
//! times us, from writing; nobody may remove it who cannot know that its owner is gone.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::platform;
use crate::store::Store;
use crate::store::prune_guard::HOST;

/// Locks that do not lie among the refs.
const LOCKS: [&str; 9] = [
    "HEAD.lock",
    "config.lock",
    "index.lock",
    "objects/info/commit-graph.lock",
    "objects/info/commit-graphs/commit-graph-chain.lock",
    "objects/maintenance.lock",
    "objects/pack/multi-pack-index.lock",
    "packed-refs.lock",
    "shallow.lock",
];
/// The file of a `git gc`, with the number of its process.
const GC: &str = "gc.pid";
/// A lock that was not written to for so long is held by nobody, if no process has it open. Git
/// closes some before it is done, but not for so long.
const IDLE: Duration = Duration::from_secs(600);

/// A lock of git's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitLock {
    /// The file.
    pub path: PathBuf,
    /// Whether its owner is gone; none: that cannot be known here.
    pub is_left: Option<bool>,
}

impl GitLock {
    /// Whether nobody can hold it.
    pub fn is_dead(&self) -> bool {
        self.is_left == Some(true)
    }
}

impl Store {
    /// The locks that stand in the store now.
    pub fn git_locks(&self) -> Vec<GitLock> {
        let mut paths: Vec<PathBuf> = LOCKS.iter().map(|name| self.path.join(name)).collect();
        add_locks_in(&self.path.join("refs"), &mut paths);
        paths.retain(|path| path.symlink_metadata().is_ok());
        paths.sort();
        let lock = |path: PathBuf| {
            let is_left = platform::is_abandoned(&path, IDLE);
            GitLock { path, is_left }
        };
        paths.into_iter().map(lock).chain(self.gc_lock()).collect()
    }

    fn gc_lock(&self) -> Option<GitLock> {
        let path = self.path.join(GC);
        let text = fs::read_to_string(&path).ok()?;
        let (process, host) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if HOST.starts_with(host) && !host.is_empty() {
            // Our own, which keeps git away while something is written, and is cleared by us.
            return None;
        }
        let is_left = match (platform::is_abandoned(&path, IDLE), process.parse()) {
            // Where other machines see the store, they know of their own processes only.
            (Some(true), _) if platform::host_name().as_deref() != Some(host) => None,
            (Some(true), Ok(process)) => Some(!platform::is_alive(process)),
            (is_left, _) => is_left,
        };
        Some(GitLock { path, is_left })
    }
}

fn add_locks_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            add_locks_in(&path, found);
        } else if path.extension().is_some_and(|end| end == "lock") {
            found.push(path);
        }
    }
}
