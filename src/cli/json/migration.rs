//! What `annals migrate` prints.

use serde::Serialize;

use crate::cli::json::SessionView;
use crate::repository::FailedMigration;
use crate::repository::MigratedSession;
use crate::repository::MigrationOutcome;
use crate::repository::MigrationPlan;
use crate::repository::UndoneMigration;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;

/// `annals.migration/1`
#[derive(Debug, Serialize)]
pub(crate) struct MigrationView<'a> {
    kind: &'static str,
    dry_run: bool,
    from: u32,
    to: u32,
    /// How many sessions are, or would be, in the other schema.
    migrated: u64,
    /// Of a plan alone: each of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<Vec<MigratedView<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<FailedView<'a>>,
    /// Names among the sessions that are none of annals'.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    foreign: &'a [String],
    /// Of `--undo` alone: the sessions that were saved since.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_aside: Option<&'a [SessionId]>,
    before: Option<&'a RevisionId>,
    revision: Option<&'a RevisionId>,
}

#[derive(Debug, Serialize)]
struct MigratedView<'a> {
    from: u32,
    #[serde(flatten)]
    session: SessionView<'a>,
}

#[derive(Debug, Serialize)]
struct FailedView<'a> {
    session: &'a SessionId,
    reason: &'a str,
}

impl<'a> MigrationView<'a> {
    /// The view of what would be done.
    pub(crate) fn planned(plan: &'a MigrationPlan) -> Self {
        let view = |it: &'a MigratedSession| MigratedView {
            from: it.from,
            session: SessionView::of(&it.head),
        };
        Self {
            dry_run: true,
            sessions: Some(plan.sessions.iter().map(view).collect()),
            foreign: &plan.foreign,
            ..Self::from_to(plan.from, plan.sessions.len() as u64, &plan.failed)
        }
    }

    /// The view of what was done.
    pub(crate) fn of(outcome: &'a MigrationOutcome) -> Self {
        Self {
            foreign: &outcome.foreign,
            before: Some(&outcome.before),
            revision: outcome.revision.as_ref(),
            ..Self::from_to(outcome.from, outcome.sessions, &outcome.failed)
        }
    }

    /// The view of a migration that was taken back.
    pub(crate) fn undone(outcome: &'a UndoneMigration) -> Self {
        Self {
            dry_run: outcome.revision.is_none(),
            from: SCHEMA_VERSION,
            to: outcome.to,
            set_aside: Some(&outcome.set_aside),
            before: Some(&outcome.before),
            revision: outcome.revision.as_ref(),
            ..Self::from_to(SCHEMA_VERSION, 0, &[])
        }
    }

    fn from_to(from: u32, migrated: u64, failed: &'a [FailedMigration]) -> Self {
        let view =
            |it: &'a FailedMigration| FailedView { session: &it.session, reason: &it.reason };
        Self {
            kind: "annals.migration/1",
            dry_run: false,
            from,
            to: SCHEMA_VERSION,
            migrated,
            sessions: None,
            failed: failed.iter().map(view).collect(),
            foreign: &[],
            set_aside: None,
            before: None,
            revision: None,
        }
    }
}
