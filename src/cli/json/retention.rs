//! What commands print that let sessions go, and bring them back: `prune`, `undelete --revision`.

use serde::Serialize;

use crate::cli::json::SessionView;
use crate::repository::DeleteOutcome;
use crate::repository::DropReason;
use crate::repository::KeptSessions;
use crate::repository::PrunePlan;
use crate::repository::PrunedSession;
use crate::repository::UndeleteOutcome;
use crate::session::RevisionId;

/// `annals.prune/1`
#[derive(Debug, Serialize)]
pub(crate) struct PruneView<'a> {
    kind: &'static str,
    dry_run: bool,
    limited: bool,
    pruned: Vec<PrunedView<'a>>,
    kept: KeptView,
    revision: Option<&'a RevisionId>,
}

#[derive(Debug, Serialize)]
struct PrunedView<'a> {
    #[serde(flatten)]
    session: SessionView<'a>,
    reason: &'static str,
    limit: u64,
}

#[derive(Debug, Serialize)]
struct KeptView {
    within: u64,
    pinned: u64,
    live: u64,
    undated: u64,
}

impl<'a> PruneView<'a> {
    /// The view of a plan, and of what was done of it.
    pub(crate) fn of(
        plan: &'a PrunePlan,
        dry_run: bool,
        outcome: Option<&'a DeleteOutcome>,
    ) -> Self {
        let is_gone = |it: &&PrunedSession| {
            outcome.is_none_or(|done| done.deleted.iter().any(|head| head.id == it.head.id))
        };
        let KeptSessions { within, pinned, live, undated } = plan.kept;
        Self {
            kind: "annals.prune/1",
            dry_run,
            limited: plan.has_limits,
            pruned: plan.dropped.iter().filter(is_gone).map(PrunedView::of).collect(),
            kept: KeptView { within, pinned, live, undated },
            revision: outcome.and_then(|outcome| outcome.revision.as_ref()),
        }
    }
}

impl<'a> PrunedView<'a> {
    fn of(pruned: &'a PrunedSession) -> Self {
        let (reason, limit) = match pruned.reason {
            DropReason::Age(age) => ("age", age.num_seconds().unsigned_abs()),
            DropReason::Count(most) => ("count", most),
            DropReason::Size(most) => ("size", most),
        };
        Self { session: SessionView::of(&pruned.head), reason, limit }
    }
}

/// `annals.undeleted/1`
#[derive(Debug, Serialize)]
pub(crate) struct UndeletedView<'a> {
    kind: &'static str,
    sessions: Vec<SessionView<'a>>,
    revision: Option<&'a RevisionId>,
}

impl<'a> UndeletedView<'a> {
    /// The view of what came back.
    pub(crate) fn of(outcome: &'a UndeleteOutcome) -> Self {
        Self {
            kind: "annals.undeleted/1",
            sessions: outcome.sessions.iter().map(SessionView::of).collect(),
            revision: outcome.revision.as_ref(),
        }
    }
}
