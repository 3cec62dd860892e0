//! Other repositories that hold the same store: their addresses, what they have, fetching and
//! pushing.
//!
//! The git program does the talking, with the user's own settings, so that ssh, credential helpers
//! and proxies just work. It is never given data as options, follows no hooks, filters or
//! submodules, and is held to the transports of [`address`]. What arrives lies apart from the
//! store's objects until it was checked ([`arrival`]).

mod address;
mod arrival;

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use crate::platform;
use crate::platform::FileLock;
use crate::session::RevisionId;
use crate::store::Error;
use crate::store::Store;
use crate::store::git;
use crate::store::lineage::lineage_ref;
use crate::store::refs::MAIN;
use crate::store::refs::object_id;

pub use address::Address;
pub use address::AddressError;
pub use arrival::Arrived;

/// What git must not do, whatever the user's settings say, and how it keeps what it fetches.
const SETTINGS: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "fetch.fsckObjects=true",
    "fetch.unpackLimit=1",
    "fetch.recurseSubmodules=false",
    "push.followTags=false",
    "push.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
];
/// The transports that git may use.
const PROTOCOLS: &str = "https:http:ssh:file:gcrypt";

/// The settings of a remote that are ours: its filter, and whether it is synced with by itself.
const ONLY: &str = "annalsonly";
const AUTO: &str = "annalsauto";

/// How the folders begin in which things arrive.
const ARRIVING: &str = "arriving-";
/// How long one fetch waits for another.
const PATIENCE: Duration = Duration::from_secs(60);
/// How git says that somebody else was faster.
const OVERTAKEN: [&str; 7] = [
    "(fetch first)",
    "(non-fast-forward)",
    "(needs force)",
    "(stale info)",
    "(failed to update ref)",
    "(incorrect old value provided)",
    "cannot lock ref",
];

/// A remote, as the store's settings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// The filter that says which sessions it gets; none: all.
    pub only: Option<String>,
    /// Whether it is synced with by itself.
    pub is_auto: bool,
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// The remote has it.
    Done,
    /// Somebody else pushed first.
    Overtaken,
}

impl Store {
    /// The remotes, by name.
    ///
    /// # Errors
    /// [`Error::Remote`]: one of them has an address that may not be used.
    pub fn remotes_to_sync(&self) -> Result<Vec<Remote>, Error> {
        self.each_remote()?.into_iter().collect()
    }

    /// Those of the remotes whose addresses may be used, by name.
    pub fn usable_remotes(&self) -> Result<Vec<Remote>, Error> {
        Ok(self.each_remote()?.into_iter().flatten().collect())
    }

    fn each_remote(&self) -> Result<Vec<Result<Remote, Error>>, Error> {
        let failed = |source| Error::Git { doing: "reading the remotes".into(), source };
        let config = self.repository.config().and_then(|mut it| it.snapshot()).map_err(failed)?;
        let mut names = Vec::new();
        for name in self.repository.remotes().map_err(failed)?.iter().flatten().flatten() {
            names.push(name.to_owned());
        }
        names.sort();
        let remote = |name: String| {
            let text = config.get_string(&format!("remote.{name}.url")).map_err(failed)?;
            let address = Address::parse(&text).map_err(|error| refused(&name, &error))?;
            let key = |end: &str| format!("remote.{name}.{end}");
            let only = unless_missing(config.get_string(&key(ONLY))).map_err(failed)?;
            let is_auto = unless_missing(config.get_bool(&key(AUTO))).map_err(failed)?;
            Ok(Remote { name, address, only, is_auto: is_auto.unwrap_or_default() })
        };
        Ok(names.into_iter().map(remote).collect())
    }

    /// Adds a remote.
    pub fn add_remote(&self, remote: &Remote) -> Result<(), Error> {
        let failed = |source| Error::Git { doing: "writing the remote".into(), source };
        let _lock = self.lock()?;
        if self.repository.find_remote(&remote.name).is_ok() {
            let cause = format!("there is a remote {} already", remote.name);
            return Err(Error::Remote { name: remote.name.clone(), cause });
        }
        let write = || {
            let mut config = self.repository.config()?.open_level(git2::ConfigLevel::Local)?;
            let key = |end: &str| format!("remote.{}.{end}", remote.name);
            // The address comes last: there is never a remote without its filter.
            if let Some(only) = &remote.only {
                config.set_str(&key(ONLY), only)?;
                config.set_str(&key("push"), &format!("{}:{MAIN}", lineage_ref(&remote.name)))?;
            }
            if remote.is_auto {
                config.set_bool(&key(AUTO), true)?;
            }
            config.set_str(&key("url"), remote.address.as_str())
        };
        write().map_err(failed)
    }

    /// Removes a remote, and what is known of it.
    pub fn remove_remote(&self, name: &str) -> Result<(), Error> {
        let _lock = self.lock()?;
        let remove = || {
            let mut config = self.repository.config()?.open_level(git2::ConfigLevel::Local)?;
            config.remove(&format!("remote.{name}.url"))?;
            for end in [ONLY, "push", AUTO] {
                unless_missing(config.remove(&format!("remote.{name}.{end}")))?;
            }
            Ok(())
        };
        remove()
            .map_err(|source| Error::Git { doing: format!("removing the remote {name}"), source })
    }

    /// What main is at the other end; none: there is nothing yet.
    pub fn remote_tip(&self, remote: &Remote) -> Result<Option<RevisionId>, Error> {
        let mut command = self.transport("ls-remote");
        command.args(["--", remote.address.as_str(), MAIN]);
        let said = run(command, remote, "asking what it has")?;
        let line = said.lines().find_map(|line| line.strip_suffix(MAIN)?.strip_suffix('\t'));
        match line {
            None => Ok(None),
            Some(id) => match RevisionId::parse(id) {
                Some(id) => Ok(Some(id)),
                None => Err(failed(remote, format!("it names a revision {id:?}"))),
            },
        }
    }

    /// Whether the store has that revision already.
    pub fn has_revision(&self, revision: &RevisionId) -> bool {
        self.odb().is_ok_and(|odb| odb.exists(object_id(revision)))
    }

    /// Brings the remote's main here, up to `tip` at least, once it was checked. No ref moves. What
    /// has something that was scrubbed here is held apart, and returned.
    ///
    /// # Errors
    /// [`Error::Remote`]: it cannot be reached, or what it has is no store's; then nothing of it
    /// stays.
    pub fn fetch(&self, remote: &Remote, tip: &RevisionId) -> Result<Option<Arrived>, Error> {
        let making = |source| Error::Io { doing: "making room for what arrives".into(), source };
        let folder = self.private_folder();
        // One at a time: so whatever still lies there is left by somebody who died.
        let lock = FileLock::acquire(&folder.join("fetching"), PATIENCE).map_err(making)?;
        let lock = lock.ok_or(Error::Locked { seconds: PATIENCE.as_secs() })?;
        drop_arrivals(&folder).map_err(making)?;
        let mut builder = tempfile::Builder::new();
        let place = builder.prefix(ARRIVING).tempdir_in(&folder).map_err(making)?;
        let mut command = self.transport("fetch");
        command
            .args(["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--"])
            .args([remote.address.as_str(), MAIN])
            .env("GIT_OBJECT_DIRECTORY", place.path())
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &self.objects);
        run(command, remote, "fetching")?;
        let arrival = self.check_arrival(place.path(), tip);
        let store = arrival.map_err(|error| arrived(remote, error))?;
        if store.scrubs_apart(&self.tip()?, tip)?.only_here {
            return Ok(Some(Arrived::new(store, place, lock)));
        }
        self.move_in(place.path()).map_err(making)?;
        let opening = |source| Error::Git { doing: "opening what was fetched".into(), source };
        self.odb()?.refresh().map_err(opening)?;
        Ok(None)
    }

    /// Gives the remote a revision as its main, if it still has the one before.
    pub fn push(&self, remote: &Remote, tip: &RevisionId) -> Result<Pushed, Error> {
        self.pushed(remote, tip, &[])
    }

    /// As [`Store::push`], in the place of the history that ends in `old`, which was scrubbed here.
    pub fn push_over(
        &self,
        remote: &Remote,
        old: &RevisionId,
        tip: &RevisionId,
    ) -> Result<Pushed, Error> {
        self.pushed(remote, tip, &[&format!("--force-with-lease={MAIN}:{old}")])
    }

    fn pushed(&self, remote: &Remote, tip: &RevisionId, how: &[&str]) -> Result<Pushed, Error> {
        let mut command = self.transport("push");
        command.args(["--quiet", "--porcelain", "--no-verify"]).args(how).arg("--");
        command.args([remote.address.as_str(), &format!("{tip}:{MAIN}")]);
        let output = start(command, remote)?;
        if output.status.success() {
            return Ok(Pushed::Done);
        }
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        match said.lines().find_map(|line| line.strip_prefix('!')) {
            Some(line) if OVERTAKEN.iter().any(|it| line.contains(it)) => Ok(Pushed::Overtaken),
            Some(line) => {
                let reason = line.rsplit('\t').next().unwrap_or(line);
                Err(failed(remote, format!("it does not take what is pushed: {reason}")))
            }
            None => Err(failed(remote, format!("pushing: {}", complaint(&output)))),
        }
    }

    /// The git program as it talks to others: with the user's settings, and none of the
    /// environment's repositories.
    fn transport(&self, subcommand: &str) -> Command {
        let mut command = Command::new("git");
        git::leave_repositories(&mut command);
        command.arg("--git-dir").arg(&self.path);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.arg(subcommand).env("GIT_ALLOW_PROTOCOL", PROTOCOLS).env("LC_ALL", "C");
        command
    }

    /// Makes the packs that arrived part of the store, durably.
    fn move_in(&self, place: &Path) -> io::Result<()> {
        let from = place.join("pack");
        let to = self.objects.join("pack");
        let mut names = Vec::new();
        match fs::read_dir(&from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => {
                for entry in entries? {
                    names.push(entry?.file_name());
                }
            }
        }
        fs::create_dir_all(&to)?;
        // An index without its pack would be a broken promise, so it comes last.
        names.sort_by_key(|name| Path::new(name).extension().is_some_and(|end| end == "idx"));
        for name in names.iter().filter(|it| !it.to_string_lossy().ends_with(".keep")) {
            fs::File::open(from.join(name))?.sync_all()?;
            fs::rename(from.join(name), to.join(name))?;
        }
        platform::sync_folder(&to)
    }
}

/// A setting, if there is one.
fn unless_missing<T>(read: Result<T, git2::Error>) -> Result<Option<T>, git2::Error> {
    match read {
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Removes what fetches left that were cut short.
fn drop_arrivals(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(ARRIVING) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn run(command: Command, remote: &Remote, doing: &str) -> Result<String, Error> {
    let output = start(command, remote)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(remote, format!("{doing}: {}", complaint(&output))))
}

fn start(mut command: Command, remote: &Remote) -> Result<std::process::Output, Error> {
    command.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => failed(remote, "the git program is not installed".into()),
        _ => failed(remote, format!("the git program cannot be started: {error}")),
    })
}

/// What git complained of: its first fatal line, or the last one.
fn complaint(output: &std::process::Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let fatal = lines().find(|it| it.starts_with("fatal:") || it.starts_with("error:"));
    let line = fatal.or_else(|| lines().next_back());
    let told = |line: &str| {
        let line =
            ["fatal: ", "error: "].iter().find_map(|it| line.strip_prefix(it)).unwrap_or(line);
        Address::without_secrets(line)
    };
    line.map_or_else(|| output.status.to_string(), told)
}

fn failed(remote: &Remote, cause: String) -> Error {
    Error::Remote { name: remote.name.clone(), cause }
}

fn refused(name: &str, error: &AddressError) -> Error {
    Error::Remote { name: name.to_owned(), cause: error.to_string() }
}

/// What is wrong with what arrived is the remote's fault, not this store's.
fn arrived(remote: &Remote, error: Error) -> Error {
    match error {
        Error::Corrupt { what, cause } => failed(remote, format!("{what}: {cause}")),
        Error::TooNew { found } => Error::RemoteTooNew { name: remote.name.clone(), found },
        Error::Foreign { cause, .. } => failed(remote, format!("it is no annals store: {cause}")),
        other => other,
    }
}
