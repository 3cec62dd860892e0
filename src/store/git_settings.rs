//! What git's own settings of a store must say, and making them say it again.
//!
//! What somebody set otherwise stays as it is; only what is not there at all is set.

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

use git2::Config;
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
    let made = Repository::init_opts(path, &options).and_then(|_| set_missing(path));
    made.map_err(|source| Error::Git { doing: format!("making {}", path.display()), source })
}

/// Whether there are settings that cannot be read: then the store cannot be opened.
pub(super) fn are_unreadable(path: &Path) -> bool {
    let config = config_of(path);
    config.exists() && names_of(&config).is_err()
}

/// Puts settings aside that cannot be read, and makes others.
pub(super) fn make_readable(path: &Path) -> Result<(), Error> {
    set_aside(path, &config_of(path))?;
    set_missing(path).map_err(failed)
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
        let names =
            if config.exists() { names_of(&config).unwrap_or_default() } else { Vec::new() };
        let is_missing = |name: &&str| !names.contains(&name.to_lowercase());
        let missing: Vec<&str> =
            SETTINGS.iter().map(|(name, _)| *name).filter(is_missing).collect();
        (!missing.is_empty()).then_some(SettingsFault::Missing(missing))
    }

    /// Has git's settings say what they must; those that cannot be read are put aside.
    pub fn mend_settings(&self, fault: &SettingsFault) -> Result<(), Error> {
        let config = config_of(&self.path);
        if matches!(fault, SettingsFault::Unreadable(_)) {
            self.set_aside(&config)?;
        }
        set_missing(&self.path).map_err(failed)?;
        platform::close_to_others(&config).map_err(mending)?;
        File::open(&config).and_then(|file| file.sync_all()).map_err(mending)?;
        platform::sync_folder(&self.path).map_err(mending)
    }
}

fn failed(source: git2::Error) -> Error {
    Error::Git { doing: "mending git's settings".into(), source }
}

fn config_of(store: &Path) -> PathBuf {
    store.join("config")
}

fn set_missing(store: &Path) -> Result<(), git2::Error> {
    let config = config_of(store);
    let names = if config.exists() { names_of(&config)? } else { Vec::new() };
    let mut config = Config::open(&config)?;
    for (name, value) in SETTINGS {
        if !names.contains(&name.to_lowercase()) {
            config.set_str(name, value)?;
        }
    }
    Ok(())
}
