//! The sections of the file.

/// A part of the settings that can be used though another cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Where the store lies.
    Store,
    /// How things are shown.
    Output,
    /// When live sessions are saved.
    Save,
    /// How the store is packed.
    Packing,
    /// Which sessions are let go.
    Retention,
    /// How large the store may be.
    Limits,
    /// When remotes are synced with by themselves.
    Sync,
    /// What is a secret.
    Redact,
    /// What is written down of operations.
    Audit,
}

impl Section {
    /// All of them.
    pub(super) const ALL: [Self; 9] = [
        Self::Store,
        Self::Output,
        Self::Save,
        Self::Packing,
        Self::Retention,
        Self::Limits,
        Self::Sync,
        Self::Redact,
        Self::Audit,
    ];

    /// Its name in the file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Output => "output",
            Self::Save => "save",
            Self::Packing => "packing",
            Self::Retention => "retention",
            Self::Limits => "limits",
            Self::Sync => "sync",
            Self::Redact => "redact",
            Self::Audit => "audit",
        }
    }
}
