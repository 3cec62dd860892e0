//! What commands print that look for secrets: `redact --list`, `redact --allow`, `scan`.

use serde::Serialize;

use crate::repository::AllowOutcome;
use crate::repository::ScanOutcome;
use crate::repository::Spot;
use crate::repository::StoredFinding;
use crate::session::SessionId;

/// `annals.redact/1`
#[derive(Debug, Serialize)]
pub(crate) struct RedactView {
    kind: &'static str,
    findings: Vec<FindingView>,
}

/// A place in a text where a secret stands.
#[derive(Debug, Serialize)]
pub(crate) struct FindingView {
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    rule: String,
    reason: String,
}

impl RedactView {
    /// The view of what was found.
    pub(crate) fn of(findings: Vec<FindingView>) -> Self {
        Self { kind: "annals.redact/1", findings }
    }
}

impl FindingView {
    /// The view of a place in a text.
    pub(crate) fn of(spot: Spot) -> Self {
        let Spot { rule, reason, line, column } = spot;
        Self { line, column: Some(column), rule, reason }
    }

    /// The view of a place in the text of an object on a line of the input.
    pub(crate) fn of_input(spot: Spot, line: usize) -> Self {
        Self { line, column: None, rule: spot.rule, reason: spot.reason }
    }

    /// The finding as a line of text.
    pub(crate) fn to_line(&self) -> String {
        let Self { line, column, rule, reason } = self;
        let column = column.map(|column| format!(":{column}")).unwrap_or_default();
        format!("{line}{column}  {rule}  {reason}\n")
    }
}

/// `annals.allow/1`
#[derive(Debug, Serialize)]
pub(crate) struct AllowView<'a> {
    kind: &'static str,
    file: String,
    added: bool,
    sha256: &'a [String],
    rules: &'a [String],
}

impl<'a> AllowView<'a> {
    /// The view of a value that was allowed.
    pub(crate) fn of(outcome: &'a AllowOutcome) -> Self {
        Self {
            kind: "annals.allow/1",
            file: outcome.path.display().to_string(),
            added: outcome.is_new,
            sha256: &outcome.digests,
            rules: &outcome.rules,
        }
    }
}

/// `annals.scan/1`
#[derive(Debug, Serialize)]
pub(crate) struct ScanView<'a> {
    kind: &'static str,
    sessions: u64,
    records: u64,
    findings: Vec<StoredView<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableView<'a>>,
}

#[derive(Debug, Serialize)]
struct StoredView<'a> {
    session: String,
    short: String,
    revision: String,
    record: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    rule: &'a str,
    count: u64,
}

/// A session that could not be read.
#[derive(Debug, Serialize)]
pub(crate) struct UnreadableView<'a> {
    session: String,
    reason: &'a str,
}

impl<'a> UnreadableView<'a> {
    /// The view of a session and the reason.
    pub(crate) fn of((session, reason): &'a (SessionId, String)) -> Self {
        Self { session: session.to_string(), reason }
    }
}

impl<'a> ScanView<'a> {
    /// The view of a scan.
    pub(crate) fn of(outcome: &'a ScanOutcome) -> Self {
        let finding = |it: &'a StoredFinding| StoredView {
            session: it.session.to_string(),
            short: it.session.short(),
            revision: it.revision.to_string(),
            record: it.record,
            id: it.id.as_deref(),
            rule: &it.rule,
            count: it.count,
        };
        let unreadable = outcome.unreadable.iter().map(UnreadableView::of);
        Self {
            kind: "annals.scan/1",
            sessions: outcome.sessions,
            records: outcome.records,
            findings: outcome.findings.iter().map(finding).collect(),
            unreadable: unreadable.collect(),
        }
    }
}
