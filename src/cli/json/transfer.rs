//! What `capture`, `restore`, `resume`, `export`, `share` and `import` print: sessions on their way in and out.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::cli::json::shown;
use crate::repository::CaptureOutcome;
use crate::repository::CapturedSession;
use crate::repository::ExportOutcome;
use crate::repository::ImportPlan;
use crate::repository::ImportWarning;
use crate::repository::ImportedSession;
use crate::repository::Known;
use crate::repository::PlaceSource;
use crate::repository::RestoreOutcome;
use crate::repository::SharedBundle;
use crate::repository::Skipped;
use crate::session::Head;
use crate::session::RevisionId;
use crate::session::SessionId;

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
    workspace_source: &'static str,
    redacted: u64,
    missing_files: &'a [String],
    notices: &'a [String],
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
            workspace_source: match outcome.place {
                PlaceSource::Named => "named",
                PlaceSource::Recorded => "recorded",
                PlaceSource::Repository => "repository",
                PlaceSource::Moved => "moved",
            },
            redacted: outcome.redacted,
            missing_files: &outcome.missing_files,
            notices: &outcome.notices,
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

/// `annals.shared/1`
#[derive(Debug, Serialize)]
pub(crate) struct ShareView<'a> {
    kind: &'static str,
    dry_run: bool,
    file: Option<String>,
    bytes: usize,
    sessions: Vec<SharedView<'a>>,
    removed: &'a BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
struct SharedView<'a> {
    id: String,
    source: String,
    agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    messages: u64,
}

impl<'a> ShareView<'a> {
    /// The view of a bundle, and of the file it was written to.
    pub(crate) fn of(bundle: &'a SharedBundle, file: Option<&Path>) -> Self {
        let view = |(head, source): (&'a Head, &SessionId)| SharedView {
            id: head.id.to_string(),
            source: source.to_string(),
            agent: &head.agent.name,
            title: head.title.as_deref().or(head.preview.as_deref()),
            messages: head.counts.messages,
        };
        Self {
            kind: "annals.shared/1",
            dry_run: file.is_none(),
            file: file.map(shown),
            bytes: bundle.bytes.len(),
            sessions: bundle.sessions.iter().zip(&bundle.sources).map(view).collect(),
            removed: &bundle.removed,
        }
    }
}

/// `annals.import/1`
#[derive(Debug, Serialize)]
pub(crate) struct ImportView<'a> {
    kind: &'static str,
    dry_run: bool,
    imported: Vec<ImportedView<'a>>,
    known: Vec<KnownView<'a>>,
    redactions: &'a BTreeMap<String, u64>,
    revision: Option<&'a RevisionId>,
}

#[derive(Debug, Serialize)]
struct ImportedView<'a> {
    id: String,
    short: String,
    source: &'a str,
    file: String,
    agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    messages: u64,
    warnings: &'a [ImportWarning],
}

#[derive(Debug, Serialize)]
struct KnownView<'a> {
    id: String,
    source: &'a str,
    file: String,
    deleted: bool,
}

impl<'a> ImportView<'a> {
    /// The view of what was, or would be, taken in.
    pub(crate) fn of(
        plan: &'a ImportPlan,
        dry_run: bool,
        revision: Option<&'a RevisionId>,
    ) -> Self {
        let imported = |it: &'a ImportedSession| ImportedView {
            id: it.head.id.to_string(),
            short: it.head.id.short(),
            source: &it.source,
            file: shown(&it.file),
            agent: &it.head.agent.name,
            title: it.head.title.as_deref().or(it.head.preview.as_deref()),
            messages: it.head.counts.messages,
            warnings: &it.warnings,
        };
        let known = |it: &'a ImportedSession| {
            Some(KnownView {
                id: it.head.id.to_string(),
                source: &it.source,
                file: shown(&it.file),
                deleted: it.known? == Known::Deleted,
            })
        };
        Self {
            kind: "annals.import/1",
            dry_run,
            imported: plan.wanted().map(imported).collect(),
            known: plan.sessions.iter().filter_map(known).collect(),
            redactions: &plan.redactions,
            revision,
        }
    }
}
