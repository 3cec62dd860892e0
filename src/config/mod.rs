//! Settings in layers (default, file, environment, flag), validated, each value knowing where it
//! came from.
//!
//! `config.toml` lies in annals' folder below `$XDG_CONFIG_HOME`. A key that is not known, or a
//! value that cannot be, is never passed over: a setting that is silently not heeded is worse than
//! none. What needs the section where it stands is refused, with line and key; the rest goes on.
//!
//! ```toml
//! [store]
//! path = "~/sessions.git"      # where the store lies
//!
//! [output]
//! pager = "less -FRX"          # what shows long texts; "" for none
//! color = "auto"               # auto, always or never
//!
//! [save]
//! interval = 5                 # seconds; a live session's records wait no longer
//!
//! [packing]
//! level = 6                    # 1 is quick, 9 is small
//!
//! [retention]
//! age = "180 days"             # what is older is let go; off while it is not set
//!
//! [limits]
//! size = "5 GB"                # past it you are told what would free space
//!
//! [sync]
//! interval = 15                # minutes, for remotes that are synced with by themselves
//!
//! [redact]
//! off = ["curl-login"]         # rules that are not to run
//!
//! [[redact.rules]]             # a rule of your own
//! name = "acme-key"
//! pattern = "acme_([a-z0-9]{32})"
//!
//! [[redact.allow]]             # a value that is no secret though a rule finds it
//! sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
//!
//! [audit]
//! enabled = true               # operations are written down, a line each
//! ```
//!
//! `keys` is the table of all keys, `key` what one is, `values` knows how values are written, `lists` how lists are;
//! `redact` and `retention` read those of the sections of these names; `file` changes the file without touching what else stands there,
//! `allow` adds to one of the lists; `machine` is another file, kept in the same way. What rules and
//! patterns mean is not known here.

mod allow;
mod audit;
mod error;
mod file;
mod key;
mod keys;
mod lists;
mod machine;
mod redact;
mod retention;
mod section;
mod values;

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use toml_edit::Document;

use crate::platform;

pub use allow::Allowed;
pub use allow::allow;
pub use audit::AuditLevel;
pub use audit::AuditSettings;
pub use error::Error;
pub use file::Changed;
pub use file::replace;
pub use file::set;
pub use file::template;
pub use file::unset;
pub use key::Key;
pub use keys::KEYS;
pub use lists::Entry;
pub use machine::KnownPlace;
pub use machine::Machine;
pub use machine::MachineEdit;
pub use machine::MovedRoot;
pub use redact::AllowEntry;
pub use redact::RedactSettings;
pub use redact::RuleEntry;
pub use retention::RetentionEntry;
pub use retention::RetentionSettings;
pub use section::Section;
pub use values::Kind;

/// The file's place below the folder of configurations.
const FILE: &str = "annals/config.toml";

/// The most bytes that are read of a file with settings.
pub const FILE_LIMIT: u64 = 1 << 20;

/// How long, in seconds, records of a live session may wait for their commit.
pub const SAVE_INTERVALS: RangeInclusive<u64> = 5..=300;

/// Where a value came from; a later layer outranks an earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Nobody set it.
    Default,
    /// `config.toml`.
    File,
    /// A variable of the environment.
    Environment,
    /// The command line.
    Flag,
}

/// A value, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub layer: Layer,
}

impl<T> Setting<T> {
    /// A value that nobody set.
    pub fn default(value: T) -> Self {
        Self { value, layer: Layer::Default }
    }

    /// The same, with the value of `layer` in its place if there is one and nothing higher holds.
    #[must_use]
    pub fn over(self, layer: Layer, value: Option<T>) -> Self {
        match value {
            Some(value) if layer >= self.layer => Self { value, layer },
            _ => self,
        }
    }
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// On a terminal that has them.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Its name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// All settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `store.path`: where the store lies; none: in the data folder.
    pub store_path: Setting<Option<PathBuf>>,
    /// `output.pager`: what shows long texts; empty: nothing.
    pub pager: Setting<String>,
    /// `output.color`
    pub color: Setting<Color>,
    /// `save.interval`: no record of a live session waits longer for its commit.
    pub save_interval: Setting<Duration>,
    /// `save.records`: when so many wait, they are committed.
    pub save_records: Setting<u64>,
    /// `save.idle`: when nothing came for so long, what waits is committed.
    pub save_idle: Setting<Duration>,
    /// `packing.level`: from 1, quick, to 9, small.
    pub packing_level: Setting<u8>,
    /// `retention`: which sessions are let go.
    pub retention: RetentionSettings,
    /// `limits.size`: past so many bytes of the store the user is told.
    pub size_limit: Setting<Option<u64>>,
    /// `sync.interval`: a remote that is synced with by itself is so no more often.
    pub sync_interval: Setting<Duration>,
    /// `redact`: what the user says about the rules.
    pub redact: RedactSettings,
    /// `audit`: what is written down of operations.
    pub audit: AuditSettings,
    /// The file, which need not be there.
    pub path: PathBuf,
    /// The lines of the keys that stand in it.
    lines: BTreeMap<String, usize>,
    faults: Vec<Fault>,
}

/// What is wrong in the file.
#[derive(Debug, Clone, PartialEq)]
struct Fault {
    /// The section that cannot be used; none: all of the file.
    section: Option<Section>,
    error: Error,
}

/// What is wrong with a key: which, where in the text, and why.
struct Wrong {
    key: String,
    at: Option<std::ops::Range<usize>>,
    cause: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self::of(Path::new(FILE))
    }
}

impl Settings {
    /// The defaults, and over them what the file says if there is one. `folder`: the folder of
    /// configurations; `home`: what `~/` stands for. What is wrong is told by [`Self::check`].
    pub fn load(folder: &Path, home: &Path) -> Self {
        let path = folder.join(FILE);
        match platform::read_text_within(&path, FILE_LIMIT) {
            Ok(text) => Self::parse(&text, &path, home),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::of(&path),
            Err(error) => {
                let mut settings = Self::of(&path);
                let error = Error::Read { path, cause: error.to_string() };
                settings.faults.push(Fault { section: None, error });
                settings
            }
        }
    }

    /// The defaults, and over them what `text` says, which stands in the file `path`.
    pub fn parse(text: &str, path: &Path, home: &Path) -> Self {
        let mut settings = Self::of(path);
        match Document::parse(text) {
            Ok(document) => settings.take(&document, text, home),
            Err(error) => {
                let error = Error::Syntax {
                    path: path.to_owned(),
                    line: line_at(text, error.span().map(|span| span.start)),
                    cause: error.message().trim().to_owned(),
                };
                settings.faults.push(Fault { section: None, error });
            }
        }
        settings
    }

    /// Whether a section can be used. What stands in another one does not matter, but a part of
    /// the file that cannot be understood might belong to any.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self, section: Section) -> Result<(), Error> {
        let mut faults = self.faults.iter();
        let fault = faults.find(|fault| fault.section.is_none_or(|of| of == section));
        fault.map_or(Ok(()), |fault| Err(fault.error.clone()))
    }

    /// Whether the section of a key can be used.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_key(&self, key: &Key) -> Result<(), Error> {
        let section = Section::ALL.into_iter().find(|section| section.name() == key.place().0);
        section.map_or(Ok(()), |section| self.check(section))
    }

    /// The line of the file on which a key has its value, from 1; none: it does not stand there.
    pub fn line_of(&self, key: &Key) -> Option<usize> {
        self.lines.get(key.name).copied()
    }

    /// All that is wrong, the first of each section.
    pub fn faults(&self) -> impl Iterator<Item = &Error> {
        self.faults.iter().map(|fault| &fault.error)
    }

    /// The error that a key of this file has a wrong value.
    pub fn refusal(&self, line: usize, key: String, cause: String) -> Error {
        Error::Key { path: self.path.clone(), line, key, cause }
    }

    /// The defaults.
    fn of(path: &Path) -> Self {
        Self {
            store_path: Setting::default(None),
            pager: Setting::default("less -FRX".to_owned()),
            color: Setting::default(Color::Auto),
            save_interval: Setting::default(Duration::from_secs(*SAVE_INTERVALS.start())),
            save_records: Setting::default(50),
            save_idle: Setting::default(Duration::from_secs(2)),
            packing_level: Setting::default(6),
            retention: RetentionSettings::default(),
            size_limit: Setting::default(None),
            sync_interval: Setting::default(Duration::from_secs(15 * 60)),
            redact: RedactSettings::default(),
            audit: AuditSettings::default(),
            path: path.to_owned(),
            lines: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    fn take(&mut self, document: &Document<&str>, text: &str, home: &Path) {
        for (name, item) in document.iter() {
            let section = Section::ALL.into_iter().find(|section| section.name() == name);
            for (key, item) in item.as_table_like().into_iter().flat_map(|table| table.iter()) {
                let line = line_at(text, item.span().map(|span| span.start));
                self.lines.insert(format!("{name}.{key}"), line);
            }
            let wrong = |cause: String| Wrong { key: name.to_owned(), at: item.span(), cause };
            let taken = match (section, item.as_table_like()) {
                (None, _) => {
                    let sections = Section::ALL.map(Section::name);
                    Err(wrong(key::unknown(name, sections, "section")))
                }
                (Some(_), None) => Err(wrong("must be a section".to_owned())),
                (Some(section), Some(table)) => {
                    key::take(self, section.name(), table, home, &|at| line_at(text, at))
                }
            };
            if let Err(Wrong { key, at, cause }) = taken {
                let error = self.refusal(line_at(text, at.map(|at| at.start)), key, cause);
                self.faults.push(Fault { section, error });
            }
        }
    }
}

fn line_at(text: &str, offset: Option<usize>) -> usize {
    let before = text.get(..offset.unwrap_or(0)).unwrap_or_default();
    before.split('\n').count()
}

#[cfg(test)]
mod tests;
