//! What the outcomes of operations have to say in the audit log: ids, revisions and numbers.

use chrono::DateTime;
use chrono::Utc;

use crate::observe::Entry;
use crate::observe::Metrics;
use crate::redact::Clean;
use crate::repository::CaptureOutcome;
use crate::repository::Check;
use crate::repository::DeleteOutcome;
use crate::repository::Difference;
use crate::repository::DropReason;
use crate::repository::EditOutcome;
use crate::repository::ExportOutcome;
use crate::repository::ExportText;
use crate::repository::Found;
use crate::repository::GcOutcome;
use crate::repository::Listing;
use crate::repository::LiveSession;
use crate::repository::LogEntry;
use crate::repository::MigrationOutcome;
use crate::repository::PrunePlan;
use crate::repository::PrunedSession;
use crate::repository::Recovery;
use crate::repository::Remote;
use crate::repository::RestoreOutcome;
use crate::repository::Restored;
use crate::repository::RewriteOutcome;
use crate::repository::SaveOutcome;
use crate::repository::ScanOutcome;
use crate::repository::SharedBundle;
use crate::repository::Stats;
use crate::repository::Summary;
use crate::repository::SyncOutcome;
use crate::repository::UndeleteOutcome;
use crate::repository::UndoneMigration;
use crate::repository::Verdict;
use crate::repository::observing::uuid;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::RevisionId;
use crate::session::Session;
use crate::session::SessionId;

/// An outcome that can be written down.
pub(super) trait Told {
    /// Puts what it has to say into the line. Nothing that anybody wrote.
    fn tell(&self, _entry: &mut Entry) {}

    /// Counts what is to be counted beside the operation itself.
    fn count(&self, _at: DateTime<Utc>, _metrics: &mut Metrics) {}
}

fn about<'h>(entry: &mut Entry, heads: impl IntoIterator<Item = &'h Head>) {
    entry.sessions = heads.into_iter().map(|head| uuid(&head.id)).collect();
}

fn made(entry: &mut Entry, revision: Option<&RevisionId>) {
    entry.revision = revision.map(|revision| Clean::stored(revision.to_string()));
}

impl Told for () {}

impl Told for Session {
    fn tell(&self, entry: &mut Entry) {
        entry.sessions = vec![uuid(&self.id)];
    }
}

impl Told for SaveOutcome {
    fn tell(&self, entry: &mut Entry) {
        about(entry, [&self.head]);
        made(entry, self.revision.as_ref());
        entry.counts.insert("messages", self.head.counts.messages);
    }
}

impl Told for EditOutcome {
    fn tell(&self, entry: &mut Entry) {
        about(entry, [&self.head]);
        made(entry, self.revision.as_ref());
    }
}

impl Told for DeleteOutcome {
    fn tell(&self, entry: &mut Entry) {
        about(entry, &self.deleted);
        made(entry, self.revision.as_ref());
    }
}

impl Told for UndeleteOutcome {
    fn tell(&self, entry: &mut Entry) {
        about(entry, &self.sessions);
        made(entry, self.revision.as_ref());
    }
}

impl Told for CaptureOutcome {
    fn tell(&self, entry: &mut Entry) {
        let changed = || self.captured.iter().chain(&self.updated);
        about(entry, changed().map(|session| &session.head));
        made(entry, self.revision.as_ref());
        entry.counts.extend([
            ("captured", self.captured.len() as u64),
            ("updated", self.updated.len() as u64),
            ("unchanged", self.unchanged),
            ("skipped", self.skipped.len() as u64),
            ("messages", changed().map(|session| session.added).sum()),
            ("redactions", self.redactions.values().sum()),
        ]);
    }

    fn count(&self, at: DateTime<Utc>, metrics: &mut Metrics) {
        let seen = self.captured.len() + self.updated.len();
        metrics.current.capture.sessions += seen as u64 + self.unchanged + self.deleted;
        metrics.current.capture.unchanged += self.unchanged + self.deleted;
        metrics.skipped.last = Some(at);
        metrics.skipped.count = self.skipped.len() as u64;
    }
}

/// What an auto-save came to.
impl Told for (Option<RevisionId>, Option<HeadFold>) {
    fn tell(&self, entry: &mut Entry) {
        made(entry, self.0.as_ref());
    }
}

/// What an import came to.
impl Told for Option<RevisionId> {
    fn tell(&self, entry: &mut Entry) {
        made(entry, self.as_ref());
    }
}

impl Told for Recovery {
    fn tell(&self, entry: &mut Entry) {
        about(entry, self.sessions.iter().map(|session| &session.head));
        let messages = self.sessions.iter().map(|session| session.messages).sum();
        entry.counts.extend([("messages", messages), ("left", self.left.len() as u64)]);
    }
}

/// What a prune did, and for which reasons.
impl Told for (DeleteOutcome, &PrunePlan) {
    fn tell(&self, entry: &mut Entry) {
        self.0.tell(entry);
        for PrunedSession { head, reason } in &self.1.dropped {
            if self.0.deleted.iter().any(|deleted| deleted.id == head.id) {
                let name = match reason {
                    DropReason::Age(_) => "by_age",
                    DropReason::Count(_) => "by_count",
                    DropReason::Size(_) => "by_size",
                };
                *entry.counts.entry(name).or_default() += 1;
            }
        }
    }
}

impl Told for LiveSession {
    fn tell(&self, entry: &mut Entry) {
        entry.sessions = vec![uuid(&self.id())];
    }
}

impl Told for (LiveSession, Restored) {
    fn tell(&self, entry: &mut Entry) {
        self.0.tell(entry);
    }
}

impl Told for RestoreOutcome {
    fn tell(&self, entry: &mut Entry) {
        about(entry, [&self.head]);
        entry.counts.insert("files", self.files.len() as u64);
    }
}

impl Told for ExportText {
    fn tell(&self, entry: &mut Entry) {
        entry.counts.insert("bytes", self.text.len() as u64);
    }
}

impl Told for ExportOutcome {
    fn tell(&self, entry: &mut Entry) {
        entry.counts.insert("files", self.files.len() as u64);
    }
}

impl Told for SharedBundle {
    fn tell(&self, entry: &mut Entry) {
        entry.sessions = self.sources.iter().map(uuid).collect();
        entry.counts.insert("bytes", self.bytes.len() as u64);
        entry.counts.insert("removed", self.removed.values().sum());
    }
}

impl Told for RewriteOutcome {
    fn tell(&self, entry: &mut Entry) {
        made(entry, Some(&self.revision));
        entry.counts.extend([("rewritten", self.rewritten), ("revisions", self.revisions)]);
    }
}

impl Told for MigrationOutcome {
    fn tell(&self, entry: &mut Entry) {
        made(entry, self.revision.as_ref());
        entry.sessions = self.failed.iter().map(|failed| uuid(&failed.session)).collect();
        entry.counts.extend([("migrated", self.sessions), ("failed", self.failed.len() as u64)]);
    }
}

impl Told for UndoneMigration {
    fn tell(&self, entry: &mut Entry) {
        made(entry, self.revision.as_ref());
        entry.counts.insert("set_aside", self.set_aside.len() as u64);
    }
}

impl Told for Remote {}

impl Told for SyncOutcome {
    fn tell(&self, entry: &mut Entry) {
        made(entry, self.revision.as_ref());
        entry.sessions = self.merged.iter().map(uuid).collect();
        let count = |ids: &[SessionId]| ids.len() as u64;
        entry.counts.extend([
            ("came", count(&self.came)),
            ("merged", count(&self.merged)),
            ("went", count(&self.went)),
        ]);
    }
}

impl Told for ScanOutcome {
    fn tell(&self, entry: &mut Entry) {
        let findings = self.findings.iter().map(|finding| finding.count).sum();
        entry.counts.extend([("scanned", self.sessions), ("findings", findings)]);
    }
}

impl Told for GcOutcome {
    fn tell(&self, entry: &mut Entry) {
        entry.counts.extend([("before", self.before), ("after", self.after)]);
    }
}

impl Told for Listing {
    fn tell(&self, entry: &mut Entry) {
        entry.counts.extend([("total", self.total), ("listed", self.sessions.len() as u64)]);
    }
}

impl Told for Vec<Summary> {
    fn tell(&self, entry: &mut Entry) {
        entry.counts.insert("listed", self.len() as u64);
    }
}

impl Told for Found {
    fn tell(&self, entry: &mut Entry) {
        entry.counts.insert("total", self.total);
    }
}

impl Told for Stats {}

impl Told for Vec<LogEntry> {
    fn tell(&self, entry: &mut Entry) {
        entry.counts.insert("revisions", self.len() as u64);
    }
}

impl Told for Difference {
    fn tell(&self, entry: &mut Entry) {
        about(entry, [&self.left, &self.right]);
        entry.sessions.dedup();
    }
}

impl Told for Vec<Check> {
    fn tell(&self, entry: &mut Entry) {
        let of = |verdict| self.iter().filter(|check| check.verdict == verdict).count() as u64;
        entry.counts.extend([
            ("fine", of(Verdict::Fine)),
            ("warnings", of(Verdict::Warning)),
            ("damaged", of(Verdict::Damaged)),
        ]);
    }
}
