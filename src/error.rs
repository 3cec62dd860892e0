//! The one error of the library: what kind of failure, in words, and its cause.

use std::fmt;

/// What kind of failure it is; decides the hint and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A session, message, revision or store that is not there.
    NotFound,
    /// A name that several sessions answer to.
    Ambiguous,
    /// Input that is not what it must be.
    Invalid,
    /// Another process holds a lock.
    Locked,
    /// The target is newer, live or otherwise in the way.
    Conflict,
    /// Something in the store is damaged.
    Corrupt,
    /// Written by a later version of annals.
    TooNew,
    /// Written by an earlier version of annals, and not migrated.
    TooOld,
    /// The system or the person refused.
    Denied,
    /// A remote failed.
    Remote,
    /// The system failed, or a file that was named is not there.
    Io,
    /// A bug in annals.
    Internal,
}

impl ErrorKind {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Ambiguous => "ambiguous",
            Self::Invalid => "invalid",
            Self::Locked => "locked",
            Self::Conflict => "conflict",
            Self::Corrupt => "corrupt",
            Self::TooNew => "too_new",
            Self::TooOld => "too_old",
            Self::Denied => "denied",
            Self::Remote => "remote",
            Self::Io => "io",
            Self::Internal => "internal",
        }
    }
}

/// Why an operation failed.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What operations return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of a kind, in words: what failed, and which session or file.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}
