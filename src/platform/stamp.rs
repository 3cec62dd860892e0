//! How a file looked at a moment: enough to tell whether it was changed since.

use std::fs::Metadata;
use std::time::UNIX_EPOCH;

use serde::Deserialize;
use serde::Serialize;

/// Size, time and identity of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Its size in bytes.
    pub size: u64,
    /// When it was changed, in nanoseconds since 1970; 0 where the system does not say.
    pub changed: i64,
    /// The device it lies on and its number there; 0 where the system does not say.
    pub identity: (u64, u64),
}

impl FileStamp {
    /// What a look at the file gave.
    pub fn of(metadata: &Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let changed = since.and_then(|since| i64::try_from(since.as_nanos()).ok());
        Self {
            size: metadata.len(),
            changed: changed.unwrap_or_default(),
            identity: identity(metadata),
        }
    }

    /// The same as bytes: equal where the stamps are.
    pub fn to_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let numbers = [
            self.size.to_le_bytes(),
            self.changed.to_le_bytes(),
            self.identity.0.to_le_bytes(),
            self.identity.1.to_le_bytes(),
        ];
        bytes.copy_from_slice(numbers.as_flattened());
        bytes
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
