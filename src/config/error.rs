//! Why settings cannot be used.

use std::path::PathBuf;

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
    /// A key that was asked for and is not known.
    #[error("`{key}` {cause}")]
    Unknown {
        /// The key.
        key: String,
        /// Which one may be meant.
        cause: String,
    },
    /// A value that a key was to be given, and that cannot be one of it.
    #[error("`{key}` {cause}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The file is another one than it was.
    #[error("the configuration {} was changed meanwhile", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
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
    /// The file that says where workspaces lie on this machine.
    #[error("{}{}: {cause}", path.display(), line.map_or(String::new(), |line| format!(", line {line}")))]
    Machine {
        /// The file.
        path: PathBuf,
        /// The line, from 1; none: it is about the whole file.
        line: Option<usize>,
        /// What is wrong.
        cause: String,
    },
}
