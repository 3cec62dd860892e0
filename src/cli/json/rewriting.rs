//! What commands print that rewrite history: `scrub`, `purge`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::json::SessionView;
use crate::cli::json::findings::UnreadableView;
use crate::repository::PurgePlan;
use crate::repository::PurgedSession;
use crate::repository::RewriteOutcome;
use crate::repository::ScrubPlan;
use crate::repository::ScrubbedSession;
use crate::session::RevisionId;

/// `annals.scrub/1`
#[derive(Debug, Serialize)]
pub(crate) struct ScrubView<'a> {
    kind: &'static str,
    dry_run: bool,
    sessions: Vec<ScrubbedView<'a>>,
    #[serde(flatten)]
    history: HistoryView<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unsaved: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableView<'a>>,
}

#[derive(Debug, Serialize)]
struct ScrubbedView<'a> {
    session: String,
    short: String,
    versions: u64,
    rules: &'a BTreeMap<String, u64>,
}

/// `annals.purge/1`
#[derive(Debug, Serialize)]
pub(crate) struct PurgeView<'a> {
    kind: &'static str,
    dry_run: bool,
    sessions: Vec<PurgedView<'a>>,
    #[serde(flatten)]
    history: HistoryView<'a>,
}

#[derive(Debug, Serialize)]
struct PurgedView<'a> {
    #[serde(flatten)]
    session: SessionView<'a>,
    revisions: u64,
}

/// What becomes of the history, and where else it may be.
#[derive(Debug, Serialize)]
struct HistoryView<'a> {
    revisions: u64,
    rewritten: Option<u64>,
    before: Option<&'a RevisionId>,
    revision: Option<&'a RevisionId>,
    remotes: Vec<RemoteView<'a>>,
}

#[derive(Debug, Serialize)]
struct RemoteView<'a> {
    name: &'a str,
    url: &'a str,
}

impl<'a> ScrubView<'a> {
    /// The view of a plan, and of what was done of it.
    pub(crate) fn of(
        plan: &'a ScrubPlan,
        dry_run: bool,
        outcome: Option<&'a RewriteOutcome>,
    ) -> Self {
        let session = |it: &'a ScrubbedSession| ScrubbedView {
            session: it.id.to_string(),
            short: it.id.short(),
            versions: it.versions,
            rules: &it.rules,
        };
        Self {
            kind: "annals.scrub/1",
            dry_run,
            sessions: plan.sessions.iter().map(session).collect(),
            history: HistoryView::of(plan.revisions, &plan.remotes, outcome),
            unsaved: plan.unsaved.iter().map(ToString::to_string).collect(),
            unreadable: plan.unreadable.iter().map(UnreadableView::of).collect(),
        }
    }
}

impl<'a> PurgeView<'a> {
    /// The view of a plan, and of what was done of it.
    pub(crate) fn of(
        plan: &'a PurgePlan,
        dry_run: bool,
        outcome: Option<&'a RewriteOutcome>,
    ) -> Self {
        let session = |it: &'a PurgedSession| PurgedView {
            session: SessionView::of(&it.head),
            revisions: it.revisions,
        };
        Self {
            kind: "annals.purge/1",
            dry_run,
            sessions: plan.sessions.iter().map(session).collect(),
            history: HistoryView::of(plan.revisions, &plan.remotes, outcome),
        }
    }
}

impl<'a> HistoryView<'a> {
    fn of(
        revisions: u64,
        remotes: &'a [(String, String)],
        outcome: Option<&'a RewriteOutcome>,
    ) -> Self {
        Self {
            revisions,
            rewritten: outcome.map(|outcome| outcome.rewritten),
            before: outcome.map(|outcome| &outcome.before),
            revision: outcome.map(|outcome| &outcome.revision),
            remotes: remotes.iter().map(|(name, url)| RemoteView { name, url }).collect(),
        }
    }
}
