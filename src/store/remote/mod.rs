//! Other repositories that hold the same store: their addresses, what they have, fetching and
//! pushing.
//!
//! The git program does the talking, with the user's own settings, so that ssh, credential helpers
//! and proxies just work. It is never given data as options, follows no hooks, filters or
//! submodules, is held to the transports of [`address`], and to bounds of memory, room and time
//! ([`talk`]). What arrives lies apart from the store's objects until it was checked ([`arrival`]).

mod address;
mod arrival;
mod arrived;
mod outgoing;
mod settings;
mod talk;

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::platform;
use crate::platform::FileLock;
use crate::session::RevisionId;
use crate::store::Error;
use crate::store::Relation;
use crate::store::Store;
use crate::store::foreign;
use crate::store::git;
use crate::store::inspect::bytes_in;
use crate::store::refs::MAIN;
use crate::store::refs::object_id;

pub use address::Address;
pub use address::AddressError;
pub use arrived::Arrived;

use talk::Bounds;
use talk::Said;

/// What git must not do, whatever the user's settings say, and how it keeps what it fetches.
const SETTINGS: [&str; 10] = [
    "fetch.fsckObjects=true",
    "fetch.unpackLimit=1",
    "fetch.recurseSubmodules=false",
    "push.followTags=false",
    "push.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    // What is larger is never held whole; and one thread, since each holds as much.
    "core.bigFileThreshold=64m",
    "pack.threads=1",
    "fetch.writeCommitGraph=false",
];

/// How the folders begin in which things arrive.
pub(super) const ARRIVING: &str = "arriving-";
/// The lock of whoever fetches, in the private folder.
pub(super) const FETCHING: &str = "fetching";
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

/// How git says why it cannot move a ref.
const LOCKED: &str = "cannot lock ref";
/// How git says that it is not its own fault.
const UNREAD: &str = "Could not read from remote repository.";

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The remote has it.
    Done,
    /// Its main was not what it should be, or could not be moved: somebody else pushed first. With
    /// what git says of it.
    Overtaken(String),
}

impl Store {
    /// What main is at the other end; none: there is nothing yet.
    pub fn remote_tip(&self, remote: &Remote) -> Result<Option<RevisionId>, Error> {
        let mut command = self.transport("ls-remote", remote)?;
        command.args(["--", remote.address.as_str(), MAIN]);
        let said = run(command, remote, "asking what it has", Bounds::short())?;
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
    pub fn is_revision(&self, revision: &RevisionId) -> bool {
        let Ok(odb) = self.odb() else { return false };
        let header = odb.read_header(object_id(revision));
        header.is_ok_and(|(_, kind)| kind == git2::ObjectType::Commit)
    }

    /// Brings the remote's revision `tip` here, once it was checked; `fetching` is called where it
    /// must be fetched. No ref moves. What has something that was scrubbed here is held apart, and
    /// returned.
    ///
    /// # Errors
    /// [`Error::Remote`]: it cannot be reached, or what it has is no store's; then nothing of it
    /// stays.
    pub fn bring(
        &self,
        remote: &Remote,
        tip: &RevisionId,
        fetching: &mut dyn FnMut(),
    ) -> Result<Option<Arrived>, Error> {
        if !self.is_revision(tip) {
            fetching();
            return self.fetch(remote, tip);
        }
        // Left by an interrupted sync, or come along with something else, it was never looked at.
        if let Relation::Behind | Relation::Apart(_) = self.relation(&self.tip()?, tip)? {
            let _lock = self.clear_arrivals(remote)?;
            self.check_arrival(&self.objects, tip).map_err(|error| arrived(remote, error))?;
        }
        Ok(None)
    }

    fn fetch(&self, remote: &Remote, tip: &RevisionId) -> Result<Option<Arrived>, Error> {
        let lock = self.clear_arrivals(remote)?;
        let folder = self.private_folder();
        let place = tempfile::Builder::new().prefix(ARRIVING).tempdir_in(&folder);
        let place = place.map_err(making_room)?;
        let mut command = self.transport("fetch", remote)?;
        command
            .args(["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--"])
            .args([remote.address.as_str(), MAIN])
            .env("GIT_OBJECT_DIRECTORY", place.path())
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &self.objects);
        let store = run(command, remote, "fetching", Bounds::arriving(place.path()))
            .and_then(|_| self.check_arrival(place.path(), tip).map_err(|it| arrived(remote, it)));
        let is_apart = match &store {
            Ok(store) => store.scrubs_apart(&self.tip()?, tip)?.only_here,
            Err(_) => true,
        };
        if is_apart {
            self.forget_what_came(remote);
            return Ok(Some(Arrived::new(store?, place, lock)));
        }
        self.move_in(place.path()).map_err(making_room)?;
        let opening = |source| Error::Git { doing: "opening what was fetched".into(), source };
        self.odb()?.refresh().map_err(opening)?;
        Ok(None)
    }

    /// Brings all that leads to the remote's main, whatever is here already. No ref moves.
    pub(super) fn fetch_all(&self, remote: &Remote) -> Result<(), Error> {
        let mut command = self.transport("fetch", remote)?;
        command
            .args(["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--"])
            .args([remote.address.as_str(), MAIN]);
        run(command, remote, "fetching", Bounds::arriving(&self.objects)).map(drop)
    }

    /// Removes what fetches left that were cut short. One fetch at a time: so whatever still lies
    /// there is left by somebody who died.
    fn clear_arrivals(&self, remote: &Remote) -> Result<FileLock, Error> {
        let folder = self.private_folder();
        let lock = FileLock::acquire(&folder.join(FETCHING), PATIENCE).map_err(making_room)?;
        let lock = lock.ok_or(Error::Locked { seconds: PATIENCE.as_secs() })?;
        for entry in fs::read_dir(folder).map_err(making_room)? {
            let entry = entry.map_err(making_room)?;
            if entry.file_name().to_string_lossy().starts_with(ARRIVING) {
                self.forget_what_came(remote);
                fs::remove_dir_all(entry.path()).map_err(making_room)?;
            }
        }
        Ok(lock)
    }

    /// Has git-remote-gcrypt forget what it has brought here, for it did not stay.
    fn forget_what_came(&self, remote: &Remote) {
        if remote.address.is_encrypted() {
            // What is not there needs not be removed.
            fs::remove_dir_all(self.path.join("remote-gcrypt")).ok();
        }
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
        let mut command = self.transport("push", remote)?;
        command.args(["--quiet", "--porcelain", "--no-verify"]).args(how).arg("--");
        command.args([remote.address.as_str(), &format!("{tip}:{MAIN}")]);
        let bounds = Bounds::sending(bytes_in(&self.objects.join("pack")));
        let said = talk::talk(command, bounds).map_err(|cause| failed(remote, cause))?;
        if said.status.success() {
            return Ok(Pushed::Done);
        }
        match said.stdout.lines().find_map(|line| line.strip_prefix('!')) {
            Some(line) => {
                let reason = line.rsplit('\t').next().unwrap_or(line);
                if OVERTAKEN.iter().any(|it| line.contains(it)) {
                    let lock = said.stderr.lines().find_map(|it| it.split_once(LOCKED));
                    let lock = lock.map(|(_, why)| format!("{LOCKED}{}", why.trim_end()));
                    return Ok(Pushed::Overtaken(lock.unwrap_or_else(|| reason.to_owned())));
                }
                let why = words_of_remote(&said).map_or_else(String::new, |it| format!(": {it}"));
                Err(failed(remote, format!("it does not take what is pushed: {reason}{why}")))
            }
            None => Err(failed(remote, format!("pushing: {}", complaint(&said)))),
        }
    }

    /// The git program as it talks to others: with the user's settings, and none of the
    /// environment's repositories.
    fn transport(&self, subcommand: &str, remote: &Remote) -> Result<Command, Error> {
        foreign::check_settings(&self.path)?;
        let mut command = talk::bounded_git();
        git::leave_repositories(&mut command);
        command.arg("--git-dir").arg(&self.path);
        git::hear_nothing(&mut command);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let address = &remote.address;
        if address.is_on_this_machine() {
            // Whoever answers here has no business to lead elsewhere.
            command.args(["-c", "http.followRedirects=false"]);
        }
        command.arg(subcommand).env("GIT_ALLOW_PROTOCOL", address.protocols()).env("LC_ALL", "C");
        if !platform::can_be_asked() {
            self.ask_nobody(&mut command, address);
        }
        Ok(command)
    }

    /// Has git fail where it would ask for a password, or whether a host is to be trusted.
    fn ask_nobody(&self, command: &mut Command, address: &Address) {
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("GCM_INTERACTIVE", "never");
        // A program in `GIT_SSH` may be another than OpenSSH, and is not given options of it.
        if address.is_on_this_machine() || platform::variable("GIT_SSH").is_some() {
            return;
        }
        let configured = || {
            let mut git = git::user_git(&self.path);
            let output = git.args(["config", "--get", "core.sshCommand"]).output().ok()?;
            let text = String::from_utf8(output.stdout).ok()?;
            Some(text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let ssh = platform::variable("GIT_SSH_COMMAND").or_else(configured);
        let ssh = ssh.unwrap_or_else(|| "ssh".to_owned());
        command.env("GIT_SSH_COMMAND", format!("{ssh} -oBatchMode=yes"));
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

fn making_room(source: io::Error) -> Error {
    Error::Io { doing: "making room for what arrives".into(), source }
}

fn run(
    command: Command,
    remote: &Remote,
    doing: &str,
    bounds: Bounds<'_>,
) -> Result<String, Error> {
    let told = |cause| failed(remote, format!("{doing}: {cause}"));
    let said = talk::talk(command, bounds).map_err(told)?;
    if said.status.success() { Ok(said.stdout) } else { Err(told(complaint(&said))) }
}

/// What git complained of, here or there: its first fatal line, or the last one. Where it only says
/// that it could not read, whoever did the reading for it said why in the line before.
fn complaint(said: &Said) -> String {
    let lines = said.stderr.lines().map(|line| line.trim().trim_start_matches("remote: ").trim());
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let line = match lines.iter().position(|line| marked(line).is_some()) {
        Some(place @ 1..) if lines[place].ends_with(UNREAD) => lines.get(place - 1),
        Some(place) => lines.get(place),
        None => lines.last(),
    };
    let told = |line: &&str| Address::without_secrets(marked(line).unwrap_or(line));
    line.map_or_else(|| said.status.to_string(), told)
}

/// What a hook of the remote's says first.
fn words_of_remote(said: &Said) -> Option<String> {
    said.stderr
        .lines()
        .find_map(|line| line.strip_prefix("remote: "))
        .map(|it| it.trim().to_owned())
}

/// What stands behind a mark of git's for what went wrong.
fn marked(line: &str) -> Option<&str> {
    ["fatal: ", "error: "].iter().find_map(|it| line.strip_prefix(it))
}

fn failed(remote: &Remote, cause: String) -> Error {
    Error::Remote { name: remote.name.clone(), cause }
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
