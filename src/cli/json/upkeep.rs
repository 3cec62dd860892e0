//! What commands print that look after the store: `init`, `checkout`, `gc`.

use std::path::Path;

use serde::Serialize;

use crate::cli::json::shown;
use crate::repository::GcOutcome;

/// `annals.init/1` and `annals.checkout/1`.
#[derive(Debug, Serialize)]
pub(crate) struct FolderView {
    kind: &'static str,
    folder: String,
}

impl FolderView {
    /// The view of a folder that was made; `kind` is the command's.
    pub(crate) fn of(kind: &'static str, folder: &Path) -> Self {
        Self { kind, folder: shown(folder) }
    }
}

/// `annals.gc/1`
#[derive(Debug, Serialize)]
pub(crate) struct GcView {
    kind: &'static str,
    before: u64,
    after: u64,
    /// Whether all that history leads to is there.
    whole: bool,
}

impl GcView {
    /// The view of a packing.
    pub(crate) fn of(outcome: GcOutcome) -> Self {
        let GcOutcome { before, after, is_whole: whole } = outcome;
        Self { kind: "annals.gc/1", before, after, whole }
    }
}
