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
//! [redact]
//! off = ["curl-login"]         # rules that are not to run
//!
//! [[redact.rules]]             # a rule of your own
//! name = "acme-key"
//! pattern = "acme_([a-z0-9]{32})"
//!
//! [[redact.allow]]             # a value that is no secret though a rule finds it
//! sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
//! ```
//!
//! `keys` is the table of all keys that hold one value, `redact` reads the lists of the section of
//! that name, `file` changes the file without touching what else stands there. What rules and
//! patterns mean is not known here.

mod file;
mod keys;
mod redact;

use std::io;
use std::path::Path;
use std::path::PathBuf;

use toml_edit::Document;

pub use file::Allowed;
pub use file::allow;
pub use redact::AllowEntry;
pub use redact::Entry;
pub use redact::RedactSettings;
pub use redact::RuleEntry;

/// The file's place below the folder of configurations.
const FILE: &str = "annals/config.toml";

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

/// A part of the settings that can be used though another cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Where the store lies.
    Store,
    /// How things are shown.
    Output,
    /// What is a secret.
    Redact,
}

impl Section {
    /// All of them.
    const ALL: [Self; 3] = [Self::Store, Self::Output, Self::Redact];

    /// Its name in the file.
    const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Output => "output",
            Self::Redact => "redact",
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
    /// `redact`: what the user says about the rules.
    pub redact: RedactSettings,
    /// The file, which need not be there.
    pub path: PathBuf,
    faults: Vec<Fault>,
}

/// What is wrong in the file.
#[derive(Debug, Clone, PartialEq)]
struct Fault {
    /// The section that cannot be used; none: all of the file.
    section: Option<Section>,
    error: Error,
}

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is there and cannot be read.
    #[error("the configuration {} cannot be read: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file cannot be written.
    #[error("the configuration {} cannot be written: {cause}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file is not TOML.
    #[error("the configuration {}, line {line}: {cause}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        cause: String,
    },
    /// A key that is not known, or whose value cannot be.
    #[error("the configuration {}, line {line}: `{key}` {cause}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
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
        match std::fs::read_to_string(&path) {
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
            redact: RedactSettings::default(),
            path: path.to_owned(),
            faults: Vec::new(),
        }
    }

    fn take(&mut self, document: &Document<&str>, text: &str, home: &Path) {
        for (name, item) in document.iter() {
            let section = Section::ALL.into_iter().find(|section| section.name() == name);
            let wrong = |cause: String| Wrong { key: name.to_owned(), at: item.span(), cause };
            let taken = match (section, item.as_table_like()) {
                (None, _) => {
                    let sections = Section::ALL.map(Section::name);
                    Err(wrong(keys::unknown(name, sections, "section")))
                }
                (Some(_), None) => Err(wrong("must be a section".to_owned())),
                (Some(section), Some(table)) => {
                    keys::take(self, section.name(), table, home, &|at| line_at(text, at))
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
