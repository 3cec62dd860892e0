//! What git's own settings of a store must say, and making them say it again.
//!
//! What somebody set otherwise stays as it is; only what is not there at all is set.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use git2::Repository;
use git2::RepositoryInitOptions;

use crate::platform;
use crate::store::Error;
use crate::store::Store;
use crate::store::foreign::names_of;
use crate::store::git;
use crate::store::repair::mending;
use crate::store::repair::set_aside;

/// What they say. Nothing is ever pruned: an object may belong to a save that is just being made.
/// What main led to stays known, whoever moved it.
const SETTINGS: [(&str, &str); 8] = [
    ("core.repositoryformatversion", "0"),
    ("core.bare", "true"),
    ("core.fsync", "all"),
    ("core.logAllRefUpdates", "always"),
    ("gc.auto", "0"),
    ("gc.pruneExpire", "never"),
    ("gc.reflogExpire", "never"),
    ("gc.reflogExpireUnreachable", "never"),
];

/// What is wrong with git's settings of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsFault {
    /// Git cannot read them, and why: it does nothing in the store.
    Unreadable(String),
    /// They do not say these.
    Missing(Vec<&'static str>),
}

/// Makes an empty repository with these settings.
pub(super) fn make_repository(path: &Path) -> Result<(), Error> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).initial_head("main").mkdir(false);
    let made = Repository::init_opts(path, &options);
    made.map_err(|source| Error::Git { doing: format!("making {}", path.display()), source })?;
    set_missing(path)
}

/// Whether there are settings that cannot be read: then the store cannot be opened.
pub(super) fn are_unreadable(path: &Path) -> bool {
    let config = config_of(path);
    config.exists() && names_of(&config).is_err()
}

/// Puts settings aside that cannot be read, and makes others.
pub(super) fn make_readable(path: &Path) -> Result<(), Error> {
    set_aside(path, &config_of(path))?;
    set_missing(path)
}

impl Store {
    /// What is wrong with git's settings here, if something is.
    pub fn settings_fault(&self) -> Option<SettingsFault> {
        let config = config_of(&self.path);
        let mut command = git::git_in(&self.path);
        command.args(["config", "--list", "--null", "--file"]).arg(&config);
        match git::run(command, "reading git's settings") {
            // Where there is no git program, that is told by itself.
            Err(Error::Program { cause, .. })
                if config.exists() && self.git_version().is_some() =>
            {
                return Some(SettingsFault::Unreadable(cause));
            }
            _ => {}
        }
        let missing = missing_in(&config);
        (!missing.is_empty()).then_some(SettingsFault::Missing(missing))
    }

    /// Adds the settings that are missing: a store that an older program made may lack some.
    pub fn complete_settings(&self) -> Result<(), Error> {
        if missing_in(&config_of(&self.path)).is_empty() { Ok(()) } else { set_missing(&self.path) }
    }

    /// Has git's settings say what they must; those that cannot be read are put aside.
    pub fn mend_settings(&self, fault: &SettingsFault) -> Result<(), Error> {
        let config = config_of(&self.path);
        if matches!(fault, SettingsFault::Unreadable(_)) {
            self.set_aside(&config)?;
        }
        set_missing(&self.path)
    }
}

fn config_of(store: &Path) -> PathBuf {
    store.join("config")
}

/// Adds what is missing, behind what is there. Not by git's own lock of the file: whoever died over that
/// would keep every later repair out.
fn set_missing(store: &Path) -> Result<(), Error> {
    let config = config_of(store);
    let names = names_in(&config);
    let mut text = match fs::read(&config) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(mending)?,
    };
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    for (name, value) in SETTINGS {
        if let Some((section, key)) = name.split_once('.').filter(|_| !is_in(&names, name)) {
            text.extend(format!("[{section}]\n\t{key} = {value}\n").into_bytes());
        }
    }
    platform::write_atomic(&config, &text).map_err(mending)
}

fn missing_in(config: &Path) -> Vec<&'static str> {
    let names = names_in(config);
    SETTINGS.iter().map(|(name, _)| *name).filter(|name| !is_in(&names, name)).collect()
}

/// The names of the settings that are there, in small letters; none: they cannot be read.
fn names_in(config: &Path) -> Vec<String> {
    if config.exists() { names_of(config).unwrap_or_default() } else { Vec::new() }
}

fn is_in(names: &[String], name: &str) -> bool {
    names.contains(&name.to_lowercase())
}
