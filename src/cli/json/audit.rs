//! What `annals audit` prints.

use serde::Serialize;

use crate::cli::json::shown;
use crate::repository::AuditEntry;
use crate::repository::AuditReading;
use crate::repository::AuditState;

/// `annals.audit/1`
#[derive(Debug, Serialize)]
pub(crate) struct AuditView<'a> {
    kind: &'static str,
    enabled: bool,
    folder: String,
    entries: &'a [AuditEntry],
    more: bool,
    skipped: u64,
}

impl<'a> AuditView<'a> {
    /// The view of what was read.
    pub(crate) fn of(state: &AuditState, reading: &'a AuditReading) -> Self {
        Self {
            kind: "annals.audit/1",
            enabled: state.is_on,
            folder: shown(&state.folder),
            entries: &reading.entries,
            more: reading.has_more,
            skipped: reading.skipped,
        }
    }
}
