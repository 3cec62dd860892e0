//! What can go wrong with the store.

use std::path::PathBuf;

use crate::session::SessionId;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no store.
    #[error("there is no store at {}", .path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// There is something else.
    #[error("{} is no annals store: {cause}", .path.display())]
    Foreign {
        /// Where.
        path: PathBuf,
        /// Why it is not one.
        cause: String,
    },
    /// It has no branch main.
    #[error(
        "{} has no branch main{}",
        .path.display(),
        .branch.as_ref().map_or_else(String::new, |branch| format!(
            "; `git -C {} branch -m {branch} main` gives it back the one that is called {branch} now",
            .path.display()
        ))
    )]
    NoMain {
        /// Where.
        path: PathBuf,
        /// The branch that it has instead.
        branch: Option<String>,
    },
    /// Something in the folder would have git, or annals, obey whoever put it there.
    #[error("the store at {} is not trusted: {cause}", .path.display())]
    Untrusted {
        /// Where.
        path: PathBuf,
        /// What it is, and what to do about it.
        cause: String,
    },
    /// The store was written by a later version of annals.
    #[error("the store has schema {found}, newer than this program's")]
    TooNew {
        /// Its schema version.
        found: u32,
    },
    /// A session was written by a later version of annals.
    #[error("the session {session} has schema {found}, newer than this program's")]
    NewerSession {
        /// The session.
        session: SessionId,
        /// Its schema version.
        found: u32,
    },
    /// The store was written by an earlier version of annals, and is not migrated.
    #[error("the store has schema {found}, older than this program's, and is only read")]
    TooOld {
        /// Its schema version.
        found: u32,
    },
    /// A session of an older schema cannot be redacted, so nothing of it is read.
    #[error("{cause}")]
    Unredacted {
        /// Why.
        cause: String,
    },
    /// What a remote has was written by a later version of annals.
    #[error("the remote {name} has schema {found}, newer than this program's; nothing was synced")]
    RemoteTooNew {
        /// Its name.
        name: String,
        /// The schema version.
        found: u32,
    },
    /// Another process holds the store's lock.
    #[error("another process has been writing to the store for {seconds} seconds")]
    Locked {
        /// How long it was waited for.
        seconds: u64,
    },
    /// Git is clearing up the store, and could take away what is being made.
    #[error(
        "a git gc has been at work in the store for {seconds} seconds; nothing was changed. Where \
         none is, one that died left {}: remove it",
        .path.display()
    )]
    Collecting {
        /// How long it was waited for.
        seconds: u64,
        /// The file that says so.
        path: PathBuf,
    },
    /// Something in the store is damaged.
    #[error("{what} is damaged: {cause}")]
    Corrupt {
        /// The object, with the session and file it belongs to where known.
        what: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A change was made from another state of its session than the one at the tip.
    #[error("the session {session} was changed meanwhile")]
    Stale {
        /// The session.
        session: SessionId,
    },
    /// The history was rewritten meanwhile, and what the change needs is no longer there.
    #[error("the history of the store was rewritten meanwhile; nothing was changed, try again")]
    Rewritten,
    /// A program holds a session live, and what it has not saved would bring back what goes.
    #[error(
        "{} is held by a program that is running{}, and what that has not saved yet would bring back \
         what is to go; nothing was changed",
        .session.short(),
        if *.process == 0 { String::new() } else { format!(" (process {})", .process) }
    )]
    Unsaved {
        /// The session.
        session: SessionId,
        /// The process; 0: that is not known.
        process: u32,
    },
    /// History was replaced, but not all that it replaced could be taken away.
    #[error(
        "the history is rewritten, but what it replaced is still on the disk: {cause}; the next \
         command goes on with it"
    )]
    Unfinished {
        /// What failed.
        cause: String,
    },
    /// A ref leads to something that is no commit, so its history cannot be rewritten.
    #[error("the ref {name} leads to no commit; remove it first")]
    OddRef {
        /// The ref.
        name: String,
    },
    /// Something stands where a new folder should be made.
    #[error("{} is there already, and not empty", .path.display())]
    Occupied {
        /// Where.
        path: PathBuf,
    },
    /// A remote cannot be used: it is not reached, or what it has is no store.
    #[error("the remote {name}: {cause}")]
    Remote {
        /// Its name.
        name: String,
        /// Why.
        cause: String,
    },
    /// A session is larger than other stores take in from a remote.
    #[error(
        "session {} is larger than any store takes in from a remote, so nothing was pushed: {cause}; a \
         remote with a filter (`annals remote add --only`) can do without it",
        .session.short()
    )]
    Oversized {
        /// The session.
        session: SessionId,
        /// What is too large.
        cause: String,
    },
    /// Two histories of which one was scrubbed must not be merged.
    #[error(
        "history was scrubbed {side}, and not there: merging would bring back what was taken out"
    )]
    Scrubbed {
        /// Where it was scrubbed.
        side: &'static str,
    },
    /// The git program failed, or is missing.
    #[error("{doing}: {cause}")]
    Program {
        /// What was being done.
        doing: String,
        /// What git said.
        cause: String,
    },
    /// Git failed.
    #[error("{doing}: {}", .source.message())]
    Git {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: git2::Error,
    },
    /// The operating system failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, and to which file.
        doing: String,
        /// Why it failed.
        source: std::io::Error,
    },
}
