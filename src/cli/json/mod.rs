//! What `--json` prints: views of their own, made from the domain and only ever written.
//!
//! Each document has a `kind` with the version of its shape; `docs/json.md` shows them all. A shape
//! may get new keys; a key that changes its meaning makes a new version.

mod audit;
mod branches;
mod doctor;
mod findings;
mod hooks;
mod migration;
mod retention;
mod rewriting;
mod search;
mod settings;
mod stats;
mod sync;
mod transfer;
mod upkeep;
mod workspaces;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::cli::exit::Report;
use crate::repository::DeleteOutcome;
use crate::repository::Difference;
use crate::repository::FieldChange;
use crate::repository::Listing;
use crate::repository::LogEntry;
use crate::repository::RecordChange;
use crate::repository::SessionAt;
use crate::repository::Summary;
use crate::repository::record_to_value;
use crate::session::Head;
use crate::session::Record;
use crate::session::RevisionId;

pub(crate) use audit::AuditView;
pub(crate) use branches::BranchesView;
pub(crate) use doctor::DoctorView;
pub(crate) use findings::AllowView;
pub(crate) use findings::FindingView;
pub(crate) use findings::RedactView;
pub(crate) use findings::ScanView;
pub(crate) use hooks::HooksView;
pub(crate) use migration::MigrationView;
pub(crate) use retention::PruneView;
pub(crate) use retention::UndeletedView;
pub(crate) use rewriting::PurgeView;
pub(crate) use rewriting::ScrubView;
pub(crate) use search::SearchView;
pub(crate) use settings::ConfigView;
pub(crate) use stats::StatsView;
pub(crate) use stats::milliseconds;
pub(crate) use sync::RemoteView;
pub(crate) use sync::RemotesView;
pub(crate) use sync::SyncView;
pub(crate) use transfer::CaptureView;
pub(crate) use transfer::ExportView;
pub(crate) use transfer::ImportView;
pub(crate) use transfer::RestoreView;
pub(crate) use transfer::ShareView;
pub(crate) use upkeep::FolderView;
pub(crate) use upkeep::GcView;
pub(crate) use workspaces::ForgottenView;
pub(crate) use workspaces::MappedView;
pub(crate) use workspaces::WorkspacesView;

/// `annals.list/1`
#[derive(Debug, Serialize)]
pub(crate) struct ListView<'a> {
    kind: &'static str,
    total: u64,
    sessions: Vec<RowView<'a>>,
}

/// A session: the keys of its `session.yaml`, and its short id.
#[derive(Debug, Serialize)]
struct SessionView<'a> {
    short: String,
    #[serde(flatten)]
    head: &'a Head,
}

#[derive(Debug, Serialize)]
struct RowView<'a> {
    #[serde(flatten)]
    session: SessionView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    subagents: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<&'a str>,
}

impl<'a> SessionView<'a> {
    fn of(head: &'a Head) -> Self {
        Self { short: head.id.short(), head }
    }
}

impl<'a> ListView<'a> {
    /// The view of a page.
    pub(crate) fn of(listing: &'a Listing) -> Self {
        let row = |summary: &'a Summary| RowView {
            session: SessionView::of(&summary.head),
            author: summary.author.as_deref(),
            subagents: summary.subagents,
            damaged: summary.damaged.as_deref(),
        };
        Self {
            kind: "annals.list/1",
            total: listing.total,
            sessions: listing.sessions.iter().map(row).collect(),
        }
    }
}

/// `annals.show/1`
#[derive(Debug, Serialize)]
pub(crate) struct ShowView<'a> {
    kind: &'static str,
    revision: &'a RevisionId,
    session: SessionView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    messages: Vec<Value>,
    events: Vec<Value>,
}

impl<'a> ShowView<'a> {
    /// The view of a session whose messages, and whose other records, are these.
    pub(crate) fn of(
        (head, author): (&'a Head, Option<&'a str>),
        revision: &'a RevisionId,
        messages: Vec<Value>,
        events: Vec<Value>,
    ) -> Self {
        let session = SessionView::of(head);
        Self { kind: "annals.show/1", revision, session, author, messages, events }
    }
}

/// `annals.log/1`
#[derive(Debug, Serialize)]
pub(crate) struct LogView<'a> {
    kind: &'static str,
    session: String,
    revisions: Vec<RevisionView<'a>>,
}

#[derive(Debug, Serialize)]
struct RevisionView<'a> {
    revision: &'a RevisionId,
    time: String,
    operation: &'a str,
    messages: Option<u64>,
    added: u64,
    removed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<&'a str>,
}

impl<'a> LogView<'a> {
    /// The view of a session's revisions, newest first.
    pub(crate) fn of(at: &SessionAt, log: &'a [LogEntry]) -> Self {
        let revision = |it: &'a LogEntry| RevisionView {
            revision: &it.entry.revision,
            time: it.entry.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            operation: &it.entry.operation,
            messages: it.entry.counts.map(|counts| counts.messages),
            added: it.added,
            removed: it.removed,
            damaged: it.damaged.as_deref(),
        };
        Self {
            kind: "annals.log/1",
            session: at.id.to_string(),
            revisions: log.iter().map(revision).collect(),
        }
    }
}

/// `annals.diff/1`
#[derive(Debug, Serialize)]
pub(crate) struct DiffView<'a> {
    kind: &'static str,
    left: SideView<'a>,
    right: SideView<'a>,
    fields: BTreeMap<&'static str, FieldView<'a>>,
    equal: u64,
    changes: Vec<ChangeView>,
}

#[derive(Debug, Serialize)]
struct SideView<'a> {
    id: String,
    short: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    revision: Option<&'a RevisionId>,
}

#[derive(Debug, Serialize)]
struct FieldView<'a> {
    left: &'a Value,
    right: &'a Value,
}

#[derive(Debug, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
enum ChangeView {
    Added { message: Value },
    Removed { message: Value },
    Changed { left: Value, right: Value },
}

impl<'a> DiffView<'a> {
    /// The view of a difference between two sides; `left` none: there was nothing before.
    pub(crate) fn of(
        difference: &'a Difference,
        left: Option<&'a SessionAt>,
        right: &'a SessionAt,
    ) -> Self {
        Self::with(difference, left, right, record_to_value)
    }

    fn with(
        difference: &'a Difference,
        left: Option<&'a SessionAt>,
        right: &'a SessionAt,
        value: fn(&Record) -> Value,
    ) -> Self {
        let side = |head: &'a Head, at: Option<&'a SessionAt>| SideView {
            id: head.id.to_string(),
            short: head.id.short(),
            title: head.title.as_deref(),
            revision: at.map(|at| &at.revision),
        };
        let field = |it: &'a FieldChange| (it.name, FieldView { left: &it.left, right: &it.right });
        let mut equal = 0;
        let mut changes = Vec::new();
        for change in &difference.changes {
            changes.push(match change {
                RecordChange::Equal(count) => {
                    equal += count;
                    continue;
                }
                RecordChange::Added(record) => ChangeView::Added { message: value(record) },
                RecordChange::Removed(record) => ChangeView::Removed { message: value(record) },
                RecordChange::Changed(left, right) => {
                    ChangeView::Changed { left: value(left), right: value(right) }
                }
            });
        }
        Self {
            kind: "annals.diff/1",
            left: side(&difference.left, left),
            right: side(&difference.right, Some(right)),
            fields: difference.fields.iter().map(field).collect(),
            equal,
            changes,
        }
    }
}

/// `annals.save/1`, `annals.rename/1` and all others that leave one session in a new state.
#[derive(Debug, Serialize)]
pub(crate) struct EditView<'a> {
    kind: &'static str,
    session: SessionView<'a>,
    revision: Option<&'a RevisionId>,
}

impl<'a> EditView<'a> {
    /// The view of a session's new state; `kind` is the command's.
    pub(crate) fn of(kind: &'static str, head: &'a Head, revision: Option<&'a RevisionId>) -> Self {
        Self { kind, session: SessionView::of(head), revision }
    }
}

/// `annals.delete/1`
#[derive(Debug, Serialize)]
pub(crate) struct DeleteView<'a> {
    kind: &'static str,
    deleted: Vec<SessionView<'a>>,
    revision: Option<&'a RevisionId>,
}

impl<'a> DeleteView<'a> {
    /// The view of what was deleted.
    pub(crate) fn of(outcome: &'a DeleteOutcome) -> Self {
        Self {
            kind: "annals.delete/1",
            deleted: outcome.deleted.iter().map(SessionView::of).collect(),
            revision: outcome.revision.as_ref(),
        }
    }
}

/// What stands on stderr when a command fails.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorView<'a> {
    error: ErrorFields<'a>,
}

#[derive(Debug, Serialize)]
struct ErrorFields<'a> {
    kind: &'static str,
    message: &'a str,
    hint: Option<&'a str>,
}

impl<'a> ErrorView<'a> {
    /// The view of a failure.
    pub(crate) fn of(report: &'a Report) -> Self {
        Self {
            error: ErrorFields {
                kind: report.kind,
                message: &report.message,
                hint: report.hint.as_deref(),
            },
        }
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
