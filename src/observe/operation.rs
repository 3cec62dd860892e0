//! What can be written down: every operation of the repository, with its name and level.

use crate::config::AuditLevel;

/// An operation of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum Operation {
    Init,
    Capture,
    Create,
    Save,
    Autosave,
    Resume,
    Rename,
    Tag,
    Untag,
    Note,
    Pin,
    Unpin,
    Edit,
    Rollback,
    Fork,
    Delete,
    Undelete,
    Restore,
    Export,
    Share,
    Import,
    Prune,
    Purge,
    Scrub,
    Migrate,
    Recover,
    Repair,
    Gc,
    Checkout,
    Remote,
    Sync,
    Allow,
    Config,
    Hooks,
    Load,
    List,
    Search,
    Log,
    Diff,
    Scan,
    Doctor,
    Stats,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 42] = [
        Self::Init,
        Self::Capture,
        Self::Create,
        Self::Save,
        Self::Autosave,
        Self::Resume,
        Self::Rename,
        Self::Tag,
        Self::Untag,
        Self::Note,
        Self::Pin,
        Self::Unpin,
        Self::Edit,
        Self::Rollback,
        Self::Fork,
        Self::Delete,
        Self::Undelete,
        Self::Restore,
        Self::Export,
        Self::Share,
        Self::Import,
        Self::Prune,
        Self::Purge,
        Self::Scrub,
        Self::Migrate,
        Self::Recover,
        Self::Repair,
        Self::Gc,
        Self::Checkout,
        Self::Remote,
        Self::Sync,
        Self::Allow,
        Self::Config,
        Self::Hooks,
        Self::Load,
        Self::List,
        Self::Search,
        Self::Log,
        Self::Diff,
        Self::Scan,
        Self::Doctor,
        Self::Stats,
    ];

    /// Its name, in the log and in commits.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Capture => "capture",
            Self::Create => "create",
            Self::Save => "save",
            Self::Autosave => "autosave",
            Self::Resume => "resume",
            Self::Rename => "rename",
            Self::Tag => "tag",
            Self::Untag => "untag",
            Self::Note => "note",
            Self::Pin => "pin",
            Self::Unpin => "unpin",
            Self::Edit => "edit",
            Self::Rollback => "rollback",
            Self::Fork => "fork",
            Self::Delete => "delete",
            Self::Undelete => "undelete",
            Self::Restore => "restore",
            Self::Export => "export",
            Self::Share => "share",
            Self::Import => "import",
            Self::Prune => "prune",
            Self::Purge => "purge",
            Self::Scrub => "scrub",
            Self::Migrate => "migrate",
            Self::Recover => "recover",
            Self::Repair => "repair",
            Self::Gc => "gc",
            Self::Checkout => "checkout",
            Self::Remote => "remote",
            Self::Sync => "sync",
            Self::Allow => "allow",
            Self::Config => "config",
            Self::Hooks => "hooks",
            Self::Load => "load",
            Self::List => "list",
            Self::Search => "search",
            Self::Log => "log",
            Self::Diff => "diff",
            Self::Scan => "scan",
            Self::Doctor => "doctor",
            Self::Stats => "stats",
        }
    }

    /// The level at which it is written down when it went well.
    pub const fn level(self) -> AuditLevel {
        match self {
            Self::Load
            | Self::List
            | Self::Search
            | Self::Log
            | Self::Diff
            | Self::Scan
            | Self::Doctor
            | Self::Stats => AuditLevel::Read,
            _ => AuditLevel::Change,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Operation::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), Operation::ALL.len());
        assert!(Operation::ALL.is_sorted(), "in the order of the list");
        assert_eq!(Operation::ALL.last(), Some(&Operation::Stats));
    }
}
