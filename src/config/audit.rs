//! The section `audit`: what is written down of operations, and where.

use std::path::PathBuf;

use crate::config::Setting;

const DAY: u64 = 24 * 3_600;

/// Which operations are written down. Each level has all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum AuditLevel {
    /// Those that failed.
    Error,
    /// Those that change something.
    #[default]
    Change,
    /// Those that only read.
    Read,
}

impl AuditLevel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Error, Self::Change, Self::Read];

    /// Its name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Change => "change",
            Self::Read => "read",
        }
    }
}

/// What is written down of operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSettings {
    /// `audit.enabled`: whether anything is.
    pub is_enabled: Setting<bool>,
    /// `audit.level`
    pub level: Setting<AuditLevel>,
    /// `audit.path`: the folder; none: in the store.
    pub path: Setting<Option<PathBuf>>,
    /// `audit.size`: the most bytes of a file.
    pub size: Setting<u64>,
    /// `audit.age`: how many seconds a file is written to.
    pub age: Setting<u64>,
    /// `audit.files`: how many closed files are kept.
    pub files: Setting<u64>,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            is_enabled: Setting::default(false),
            level: Setting::default(AuditLevel::default()),
            path: Setting::default(None),
            size: Setting::default(10_000_000),
            age: Setting::default(30 * DAY),
            files: Setting::default(12),
        }
    }
}
