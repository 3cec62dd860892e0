//! What `capture`, `restore`, `resume` and `export` print: sessions on their way in and out.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::json::shown;
use crate::repository::CaptureOutcome;
use crate::repository::CapturedSession;
use crate::repository::ExportOutcome;
use crate::repository::RestoreOutcome;
use crate::repository::Skipped;
use crate::session::RevisionId;

/// `annals.capture/1`
#[derive(Debug, Serialize)]
pub(crate) struct CaptureView<'a> {
    kind: &'static str,
    dry_run: bool,
    captured: Vec<CapturedView<'a>>,
    updated: Vec<CapturedView<'a>>,
    unchanged: u64,
    deleted: u64,
    skipped: &'a [Skipped],
    redactions: &'a BTreeMap<String, u64>,
    notices: &'a [String],
    revision: Option<&'a RevisionId>,
}

#[derive(Debug, Serialize)]
struct CapturedView<'a> {
    id: String,
    short: String,
    agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    messages: u64,
    added: u64,
    removed: u64,
}

impl<'a> CaptureView<'a> {
    /// The view of what a capture did, or would do.
    pub(crate) fn of(outcome: &'a CaptureOutcome, dry_run: bool) -> Self {
        let view = |it: &'a CapturedSession| CapturedView {
            id: it.head.id.to_string(),
            short: it.head.id.short(),
            agent: &it.head.agent.name,
            title: it.head.title.as_deref().or(it.head.preview.as_deref()),
            messages: it.head.counts.messages,
            added: it.added,
            removed: it.removed,
        };
        Self {
            kind: "annals.capture/1",
            dry_run,
            captured: outcome.captured.iter().map(view).collect(),
            updated: outcome.updated.iter().map(view).collect(),
            unchanged: outcome.unchanged,
            deleted: outcome.deleted,
            skipped: &outcome.skipped,
            redactions: &outcome.redactions,
            notices: &outcome.notices,
            revision: outcome.revision.as_ref(),
        }
    }
}

/// `annals.restore/1`, and `annals.resume/1` for `resume --print`.
#[derive(Debug, Serialize)]
pub(crate) struct RestoreView<'a> {
    kind: &'static str,
    session: String,
    files: Vec<String>,
    command: Vec<&'a str>,
    workspace: String,
    workspace_exists: bool,
    redacted: u64,
    missing_files: &'a [String],
}

impl<'a> RestoreView<'a> {
    /// The view of what was written; `kind` is the command's.
    pub(crate) fn of(kind: &'static str, outcome: &'a RestoreOutcome) -> Self {
        let arguments = outcome.command.arguments.iter().map(String::as_str);
        Self {
            kind,
            session: outcome.head.id.to_string(),
            files: outcome.files.iter().map(|path| shown(path)).collect(),
            command: std::iter::once(outcome.command.program.as_str()).chain(arguments).collect(),
            workspace: shown(&outcome.command.folder),
            workspace_exists: outcome.workspace_exists,
            redacted: outcome.redacted,
            missing_files: &outcome.missing_files,
        }
    }
}

/// `annals.exported/1`
#[derive(Debug, Serialize)]
pub(crate) struct ExportView<'a> {
    kind: &'static str,
    files: Vec<String>,
    redactions: &'a BTreeMap<String, u64>,
}

impl<'a> ExportView<'a> {
    /// The view of what was written.
    pub(crate) fn of(outcome: &'a ExportOutcome) -> Self {
        let files = outcome.files.iter().map(|path| shown(path)).collect();
        Self { kind: "annals.exported/1", files, redactions: &outcome.redactions }
    }
}
