//! The user's folders and settings, read from the process once.

use std::env;
use std::path::PathBuf;

use chrono::DateTime;
use chrono::Utc;
use etcetera::BaseStrategy;

use crate::platform::Clock;
use crate::platform::Error;
use crate::platform::Ids;
use crate::platform::Stopwatch;

/// The folders and settings of the user that annals works for, as values.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The home folder.
    pub home: PathBuf,
    /// `$XDG_DATA_HOME`, or what stands for it.
    pub data: PathBuf,
    /// `$XDG_CONFIG_HOME`, or what stands for it.
    pub config: PathBuf,
    /// `ANNALS_STORE`.
    pub store: Option<PathBuf>,
    /// `CLAUDE_CONFIG_DIR`.
    pub claude_config_dir: Option<PathBuf>,
    /// `CODEX_HOME`.
    pub codex_home: Option<PathBuf>,
    /// The current folder; `.` when it is gone.
    pub current: PathBuf,
    /// The clock; `ANNALS_TEST_NOW` (RFC 3339) fixes it, for tests.
    pub clock: Clock,
    /// What tells how long something took.
    pub stopwatch: Stopwatch,
    /// The ids; `ANNALS_TEST_IDS` (a number) makes them count, for tests.
    pub ids: Ids,
}

impl Environment {
    /// The environment of this process. A variable that is set to nothing counts as not set, and
    /// a relative XDG folder is ignored, as the XDG specification wants it.
    pub fn from_process() -> Result<Self, Error> {
        // XDG on all Unix systems, macOS too: there a command line's files are looked for.
        #[cfg(unix)]
        let folders = etcetera::base_strategy::Xdg::new();
        #[cfg(not(unix))]
        let folders = etcetera::base_strategy::choose_base_strategy();
        let folders = folders.map_err(|_| Error::NoHome)?;
        Ok(Self {
            home: folders.home_dir().to_owned(),
            data: folders.data_dir(),
            config: folders.config_dir(),
            store: path_variable("ANNALS_STORE"),
            claude_config_dir: path_variable("CLAUDE_CONFIG_DIR"),
            codex_home: path_variable("CODEX_HOME"),
            current: env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            stopwatch: Stopwatch::system(),
            clock: clock(text_variable("ANNALS_TEST_NOW"))?,
            ids: ids(text_variable("ANNALS_TEST_IDS"))?,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn path_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// A variable of the environment; none when it is unset, empty or no Unicode.
pub fn variable(name: &str) -> Option<String> {
    path_variable(name)?.into_os_string().into_string().ok()
}

/// What stands behind `prefix` in the names of variables that begin with it.
pub fn variables_beginning(prefix: &str) -> Vec<String> {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter_map(|name| name.strip_prefix(prefix).map(str::to_owned)).collect()
}

/// The name of this machine.
pub fn host_name() -> Option<String> {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_str().ok().map(str::to_owned);
    #[cfg(not(unix))]
    let name = variable("COMPUTERNAME");
    name.filter(|name| !name.is_empty())
}

fn text_variable(name: &str) -> Option<String> {
    path_variable(name).map(|value| value.to_string_lossy().into_owned())
}

fn clock(fixed: Option<String>) -> Result<Clock, Error> {
    let Some(value) = fixed else {
        return Ok(Clock::system());
    };
    match DateTime::parse_from_rfc3339(&value) {
        Ok(instant) => Ok(Clock::fixed(instant.with_timezone(&Utc))),
        Err(_) => Err(Error::Variable {
            name: "ANNALS_TEST_NOW",
            value,
            expected: "a time such as 2026-02-03T03:49:51Z",
        }),
    }
}

fn ids(seed: Option<String>) -> Result<Ids, Error> {
    let Some(value) = seed else {
        return Ok(Ids::random());
    };
    match value.parse() {
        Ok(seed) => Ok(Ids::counting(seed)),
        Err(_) => Err(Error::Variable { name: "ANNALS_TEST_IDS", value, expected: "a number" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_of_this_process_is_read() {
        let environment = Environment::from_process().expect("tests run with a HOME");
        assert!(environment.home.is_absolute());
        assert!(environment.data.is_absolute());
    }

    #[test]
    fn a_fixed_clock_shows_what_the_variable_says() {
        let clock = clock(Some("2026-02-03T03:49:51+01:00".into())).expect("a valid time");
        assert_eq!(clock.now().to_rfc3339(), "2026-02-03T02:49:51+00:00");
    }

    #[test]
    fn wrong_variables_are_named_with_their_value() {
        let told = clock(Some("noon".into())).expect_err("no time").to_string();
        assert_eq!(told, "ANNALS_TEST_NOW is \"noon\", not a time such as 2026-02-03T03:49:51Z");
        let told = ids(Some("x".into())).expect_err("no number").to_string();
        assert_eq!(told, "ANNALS_TEST_IDS is \"x\", not a number");
    }
}
