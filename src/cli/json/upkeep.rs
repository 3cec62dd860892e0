//! What commands print that look after the store: `init`, `checkout`, `gc`, `doctor`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::cli::json::shown;
use crate::repository::Check;
use crate::repository::GcOutcome;
use crate::repository::RepairOutcome;
use crate::repository::Verdict;
use crate::session::RevisionId;

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
}

impl GcView {
    /// The view of a packing.
    pub(crate) fn of(outcome: GcOutcome) -> Self {
        Self { kind: "annals.gc/1", before: outcome.before, after: outcome.after }
    }
}

/// `annals.doctor/1`
#[derive(Debug, Serialize)]
pub(crate) struct DoctorView<'a> {
    kind: &'static str,
    verdict: &'static str,
    checks: Vec<CheckView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<RepairView<'a>>,
}

#[derive(Debug, Serialize)]
struct RepairView<'a> {
    main: Option<&'a RevisionId>,
    objects: BTreeMap<&'a str, u64>,
    index: bool,
    notices: &'a [String],
}

#[derive(Debug, Serialize)]
struct CheckView<'a> {
    name: &'a str,
    verdict: &'static str,
    found: &'a str,
}

impl<'a> DoctorView<'a> {
    /// The view of what the doctor found.
    pub(crate) fn of(checks: &'a [Check], mended: Option<&'a RepairOutcome>) -> Self {
        let repair = mended.map(|it| RepairView {
            main: it.main.as_ref(),
            objects: it.objects.iter().map(|(name, count)| (name.as_str(), *count)).collect(),
            index: it.is_index_new,
            notices: &it.notices,
        });
        let view = |check: &'a Check| CheckView {
            name: check.name,
            verdict: verdict(check.verdict),
            found: &check.found,
        };
        let worst = checks.iter().map(|check| check.verdict).max();
        Self {
            kind: "annals.doctor/1",
            verdict: verdict(worst.unwrap_or(Verdict::Fine)),
            checks: checks.iter().map(view).collect(),
            repair,
        }
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fine => "fine",
        Verdict::Warning => "warning",
        Verdict::Damaged => "damaged",
    }
}
