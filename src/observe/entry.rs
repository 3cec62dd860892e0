//! A line of the audit log: what is written, and what is read back.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::DateTime;
use chrono::SecondsFormat;
use chrono::Utc;
use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::config::AuditLevel;
use crate::observe::Operation;
use crate::redact::Clean;

/// The most sessions that a line names; `counts` still has how many there were.
const MOST_SESSIONS: usize = 1_000;

/// What an operation did. There is no room in it for titles, paths, queries or messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it began.
    pub at: DateTime<Utc>,
    /// What it was.
    pub operation: Operation,
    /// How long it took.
    pub duration: Duration,
    /// The sessions that it was about.
    pub sessions: Vec<Uuid>,
    /// The revision that it made.
    pub revision: Option<Clean<String>>,
    /// How much of what.
    pub counts: BTreeMap<&'static str, u64>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The kind of error.
    pub kind: &'static str,
    /// What it said; none: it could not be redacted.
    pub message: Option<Clean<String>>,
}

/// A line that was read back. Whoever can write the file can write anything into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// When it began.
    pub time: DateTime<Utc>,
    /// What it was.
    pub operation: String,
    /// `error`, `change` or `read`.
    pub level: String,
    /// `done` or `failed`.
    pub outcome: String,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// The sessions that it was about.
    #[serde(default)]
    pub sessions: Vec<String>,
    /// The revision that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// How much of what.
    #[serde(default)]
    pub counts: BTreeMap<String, u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RecordedFailure>,
}

/// Why an operation failed, as it was read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFailure {
    /// The kind of error.
    pub kind: String,
    /// What it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: &'static str,
    operation: &'static str,
    outcome: &'static str,
    ms: f64,
    #[serde(skip_serializing_if = "<[Uuid]>::is_empty")]
    sessions: &'a [Uuid],
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    counts: &'a BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorLine<'a>>,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl Entry {
    /// An operation that began then, and of which nothing more is known.
    pub fn new(operation: Operation, at: DateTime<Utc>) -> Self {
        Self {
            at,
            operation,
            duration: Duration::ZERO,
            sessions: Vec::new(),
            revision: None,
            counts: BTreeMap::new(),
            failure: None,
        }
    }

    /// The level at which it is written down.
    pub fn level(&self) -> AuditLevel {
        if self.failure.is_some() { AuditLevel::Error } else { self.operation.level() }
    }

    /// The line, without its end.
    pub(super) fn render(&self) -> String {
        let line = Line {
            time: self.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            level: self.level().name(),
            operation: self.operation.name(),
            outcome: if self.failure.is_some() { "failed" } else { "done" },
            ms: milliseconds(self.duration),
            sessions: &self.sessions[..self.sessions.len().min(MOST_SESSIONS)],
            revision: self.revision.as_ref().map(|it| it.as_str()),
            counts: &self.counts,
            error: self.failure.as_ref().map(|failure| ErrorLine {
                kind: failure.kind,
                message: failure.message.as_ref().map(|it| it.as_str()),
            }),
        };
        serde_json::to_string(&line).expect("numbers and texts become JSON")
    }
}

impl Recorded {
    /// What a line says; none: it is torn, or was not written by annals.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// Whether it failed.
    pub fn has_failed(&self) -> bool {
        self.error.is_some() || self.outcome == "failed"
    }
}

/// A span in milliseconds, to the microsecond.
fn milliseconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let at = DateTime::from_timestamp_millis(1_795_000_000_123).expect("a time");
        let mut entry = Entry::new(Operation::Delete, at);
        entry.sessions = vec![Uuid::from_u128(7); MOST_SESSIONS + 1];
        entry.counts = BTreeMap::from([("sessions", 1_001)]);
        entry.revision = Some(Clean::stored("ab12".to_owned()));
        entry.duration = Duration::from_micros(1_234);
        let read = Recorded::parse(entry.render().as_bytes()).expect("it is whole");
        assert_eq!((read.time, read.operation.as_str(), read.ms), (at, "delete", 1.234));
        assert_eq!((read.level.as_str(), read.outcome.as_str()), ("change", "done"));
        assert_eq!((read.sessions.len(), read.counts["sessions"]), (MOST_SESSIONS, 1_001));
        assert_eq!(read.revision.as_deref(), Some("ab12"));
        let message = Some(Clean::stored("There is no\nsuch session.".to_owned()));
        entry.failure = Some(Failure { kind: "not_found", message });
        let line = entry.render();
        assert!(!line.contains('\n'), "it is one line");
        let read = Recorded::parse(line.as_bytes()).expect("it is whole");
        assert!(read.has_failed() && read.level == "error");
        assert_eq!(Recorded::parse(&line.as_bytes()[..line.len() - 3]), None, "it is torn");
        assert_eq!(Recorded::parse(b"{\"time\": 3}"), None, "it is another one's");
    }
}
