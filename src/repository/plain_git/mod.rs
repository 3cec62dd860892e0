//! For those who let git itself work on a clone of a store: what its hooks and merges call.
//!
//! `join` makes of a merge of git's what a sync would make of the same two revisions; `guard` looks
//! at what is committed and pushed; `install` puts the hooks and the merge into a repository, and
//! takes them out again. None of it opens the user's own store.

mod blocks;
mod edit;
mod guard;
mod install;
mod join;

use std::path::Path;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::platform::Environment;
use crate::repository::rules::load_rules;
use crate::store::PlainRepository;

pub use guard::Refusal;
pub use install::GitHooksPlan;
pub use install::GitHooksState;

use guard::Guard;

/// What git calls annals for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitCall {
    /// Something is about to be committed.
    PreCommit,
    /// Something is about to be pushed from here.
    PrePush,
    /// Something was pushed to here, and waits to be taken.
    PreReceive,
    /// A merge is done.
    PostMerge,
    /// Two revisions are to be merged: git's protocol of merge strategies.
    Merge,
}

impl GitCall {
    /// The call of that name; none: there is no such call.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "pre-commit" => Self::PreCommit,
            "pre-push" => Self::PrePush,
            "pre-receive" => Self::PreReceive,
            "post-merge" => Self::PostMerge,
            "merge" => Self::Merge,
            _ => return None,
        })
    }

    /// Whether git tells it more on its standard input.
    pub fn has_input(self) -> bool {
        matches!(self, Self::PrePush | Self::PreReceive)
    }

    /// What whoever is refused can do.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::PreCommit => {
                "Nothing was committed. Take out, or mend, what is named, and `git add` it again; \
                 `annals redact --allow` takes up a value that is no secret."
            }
            Self::PrePush => {
                "Nothing was pushed. A secret that is in a commit already goes with `git rebase` or \
                 `git commit --amend` while nobody else has it, and with `annals scrub` from a store."
            }
            Self::PreReceive => {
                "Nothing was taken. Mend it where it was made, and push again: `annals doctor` and \
                 `annals scan` say more there."
            }
            Self::PostMerge | Self::Merge => "",
        }
    }
}

/// Answers a call of git's from the repository that it works in. What comes back is refused.
///
/// # Errors
/// `Io`: it is no git that calls. `Conflict`, `Corrupt`, `TooNew`: the merge cannot be made.
pub fn answer_git(
    environment: &Environment,
    call: GitCall,
    arguments: &[String],
    input: &str,
) -> Result<Vec<Refusal>> {
    let plain = PlainRepository::of_caller(&environment.current)?;
    match call {
        GitCall::Merge => join::merge(&plain, arguments).map(|()| Vec::new()),
        GitCall::PostMerge => join::complete(&plain, arguments).map(|()| Vec::new()),
        GitCall::PreCommit => {
            join::complete_staged(&plain)?;
            Guard::new(&plain, load_rules(environment)?)?.staged()
        }
        GitCall::PrePush => Guard::new(&plain, load_rules(environment)?)?.pushed(arguments, input),
        GitCall::PreReceive => Guard::new(&plain, load_rules(environment)?)?.received(input),
    }
}

/// One file of a merge, for git's protocol of merge drivers: what stands in `current` becomes what
/// a sync would make of the file at `path`.
///
/// # Errors
/// `Conflict`: it is not a merge of two branches, or the file is no session's.
pub fn merge_file(environment: &Environment, path: &str, current: &Path) -> Result<()> {
    join::merge_file(&PlainRepository::of_caller(&environment.current)?, path, current)
}

fn conflict(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Conflict, message)
}
