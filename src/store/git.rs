//! The git program, for what it does better than a library: packing, cloning.
//!
//! It runs without the user's settings and without what the environment says about repositories,
//! so that it does the same everywhere; without hooks, without replaced objects, and asks nobody for
//! objects that are missing. What the store's own settings may say, `foreign` decides.

use std::io;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use crate::store::Error;

/// Variables that would lead git to another repository, or change its settings.
const CLEARED: [&str; 17] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DEFAULT_HASH",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// What no git may be led by, whatever a store holds.
const DEAF: [&str; 2] = ["core.hooksPath=/dev/null", "core.fsmonitor=false"];

const NOWHERE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// The git program, undisturbed.
pub(super) fn git() -> Command {
    let mut command = Command::new("git");
    neutralise(&mut command);
    command
}

/// The git program, at work in a store, with the user's own settings.
pub(super) fn user_git(store: &Path) -> Command {
    let mut command = Command::new("git");
    leave_repositories(&mut command);
    command.arg("--git-dir").arg(store).stdin(Stdio::null());
    command
}

/// Keeps away from the git that a command runs what the environment says about repositories.
pub(super) fn leave_repositories(command: &mut Command) {
    for name in CLEARED {
        command.env_remove(name);
    }
}

/// Keeps settings and surroundings away from the git that a command runs.
pub(super) fn neutralise(command: &mut Command) {
    leave_repositories(command);
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_SYSTEM", NOWHERE)
        .env("GIT_CONFIG_GLOBAL", NOWHERE)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
}

/// The git program, at work in a store.
pub(super) fn git_in(store: &Path) -> Command {
    let mut command = git();
    command.arg("--git-dir").arg(store);
    hear_nothing(&mut command);
    command
}

/// Has git obey no hook, take no object for another, and fetch none that is missing. To be called
/// before the command itself is given.
pub(super) fn hear_nothing(command: &mut Command) {
    for setting in DEAF {
        command.args(["-c", setting]);
    }
    command.env("GIT_NO_REPLACE_OBJECTS", "1").env("GIT_NO_LAZY_FETCH", "1");
}

/// Runs git to its end; what it says on failure becomes the error.
pub(super) fn run(command: Command, doing: &str) -> Result<(), Error> {
    run_for(command, doing).map(drop)
}

/// As [`run`], for what git says.
pub(super) fn run_for(mut command: Command, doing: &str) -> Result<Vec<u8>, Error> {
    let failed = |cause: String| Error::Program { doing: doing.to_owned(), cause };
    let output = command.output().map_err(|error| failed(not_started(&error)))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(complaint(&output)))
}

/// Why git did not start.
pub(super) fn not_started(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "the git program is not installed".into(),
        _ => format!("the git program cannot be started: {error}"),
    }
}

/// What git says last when it fails.
pub(super) fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    let plain = |line: &str| {
        let heading = ["fatal: ", "error: "].iter().find_map(|it| line.strip_prefix(it));
        heading.unwrap_or(line).to_owned()
    };
    last.map_or_else(|| output.status.to_string(), plain)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn no_hook_runs_and_no_object_stands_for_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, mark) = (folder.path().join("store.git"), folder.path().join("mark"));
        let said = |mut command: Command, arguments: &[&str]| {
            let output = command.args(arguments).output().expect("git runs");
            assert!(output.status.success(), "{arguments:?}: {output:?}");
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        let obedient = || {
            let mut command = git();
            command.arg("--git-dir").arg(&store);
            command
        };
        let path = store.to_str().expect("UTF-8");
        said(git(), &["init", "--quiet", "--bare", path]);
        let who = ["-c", "user.name=Kim", "-c", "user.email=kim@example.com"];
        let commit = |word: &str| {
            let tree = said(obedient(), &["mktree"]);
            said(obedient(), &[&who[..], &["commit-tree", "-m", word, &tree]].concat())
        };
        let (one, other) = (commit("one"), commit("other"));
        said(obedient(), &["replace", &one, &other]);
        let hook = store.join("hooks/reference-transaction");
        fs::create_dir_all(store.join("hooks")).expect("a folder is made");
        fs::write(&hook, format!("#!/bin/sh\necho >> {}\n", mark.display())).expect("written");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("it is ours");
        let shown = ["log", "-1", "--format=%s", &one];
        // What happens where nothing is said against it.
        said(obedient(), &["update-ref", "refs/heads/a", &one]);
        assert!(mark.exists() && said(obedient(), &shown) == "other");
        fs::remove_file(&mark).expect("it is there");
        said(git_in(&store), &["update-ref", "refs/heads/b", &one]);
        assert!(!mark.exists(), "a hook ran");
        assert_eq!(said(git_in(&store), &shown), "one");
    }
}
