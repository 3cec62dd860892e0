//! From each module's error to the library's one: its kind, and the words that were there.

use std::io::ErrorKind::PermissionDenied;
use std::io::ErrorKind::ReadOnlyFilesystem;

use crate::config;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::format;
use crate::index;
use crate::redact;
use crate::store;

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        let kind = match &error {
            store::Error::Missing { .. } => ErrorKind::NotFound,
            store::Error::Foreign { .. }
            | store::Error::NoMain { .. }
            | store::Error::Untrusted { .. }
            | store::Error::Oversized { .. }
            | store::Error::Unredacted { .. } => ErrorKind::Invalid,
            store::Error::TooNew { .. }
            | store::Error::RemoteTooNew { .. }
            | store::Error::NewerSession { .. } => ErrorKind::TooNew,
            store::Error::TooOld { .. } => ErrorKind::TooOld,
            store::Error::Locked { .. }
            | store::Error::Collecting { .. }
            | store::Error::Unsaved { .. } => ErrorKind::Locked,
            store::Error::Corrupt { .. } => ErrorKind::Corrupt,
            store::Error::Io { source, .. }
                if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem) =>
            {
                ErrorKind::Denied
            }
            store::Error::Stale { .. }
            | store::Error::Rewritten
            | store::Error::OddRef { .. }
            | store::Error::Scrubbed { .. }
            | store::Error::Occupied { .. } => ErrorKind::Conflict,
            store::Error::Remote { .. } => ErrorKind::Remote,
            store::Error::Unfinished { .. }
            | store::Error::Program { .. }
            | store::Error::Git { .. }
            | store::Error::Io { .. } => ErrorKind::Io,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<index::Error> for Error {
    fn from(error: index::Error) -> Self {
        match error {
            index::Error::Store(error) => error.into(),
            other => {
                let kind = if other.is_busy() { ErrorKind::Locked } else { ErrorKind::Io };
                Self::new(kind, format!("the index failed: {other}"))
            }
        }
    }
}

impl From<config::Error> for Error {
    fn from(error: config::Error) -> Self {
        let kind = match &error {
            config::Error::Read { .. } | config::Error::Write { .. } => ErrorKind::Io,
            config::Error::Syntax { .. }
            | config::Error::Machine { .. }
            | config::Error::Key { .. }
            | config::Error::Unknown { .. }
            | config::Error::Value { .. } => ErrorKind::Invalid,
            config::Error::Changed { .. } => ErrorKind::Conflict,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<redact::Error> for Error {
    fn from(error: redact::Error) -> Self {
        Self::new(ErrorKind::Internal, error.to_string())
    }
}

impl From<format::Error> for Error {
    fn from(error: format::Error) -> Self {
        let kind = match &error {
            format::Error::TooNew { .. } => ErrorKind::TooNew,
            _ => ErrorKind::Invalid,
        };
        Self::new(kind, error.to_string())
    }
}
