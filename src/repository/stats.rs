//! What the store holds, what it takes, how operations went, and what a person should look at.

use std::path::Path;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;

use crate::config::Section;
use crate::error::Result;
use crate::exchange::Dashboard;
use crate::index::DayOf;
use crate::index::Sources;
use crate::observe::FailedOperation;
use crate::observe::Metrics;
use crate::observe::Operation;
use crate::platform;
use crate::repository::Filter;
use crate::repository::Progress;
use crate::repository::RemoteState;
use crate::repository::Repository;
use crate::repository::SizeOn;
use crate::repository::export::check;
use crate::repository::export::write;
use crate::repository::observing::observed;

pub use crate::index::Day;
pub use crate::index::Group;
pub use crate::index::Totals;
pub use crate::observe::CaptureCache;
pub use crate::observe::Happened;
pub use crate::observe::Latency;
pub use crate::observe::Window;

/// How long something stays an alert that went wrong once.
const RECENT: TimeDelta = TimeDelta::days(7);

/// With less of the disk left than this, or than history takes, there is no room to pack it.
const LEAST_FREE: u64 = 100_000_000;

/// The state of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Sums over the sessions that match.
    pub totals: Totals,
    /// What the store takes of the disk, whatever the filter.
    pub storage: Storage,
    /// What it took on the days on which that was looked at, today included.
    pub sizes: Vec<SizeOn>,
    /// How operations went, whatever the filter: in this window and the one before.
    pub operations: Window,
    /// What is known of syncs with each remote, by name.
    pub remotes: Vec<RemoteState>,
    /// What a person should look at.
    pub alerts: Vec<Alert>,
}

/// What a store takes of the disk, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Storage {
    /// All its files.
    pub total: u64,
    /// Of these, all sessions in all revisions: git's objects.
    pub history: u64,
    /// Of these, what is derived or passing: the index, the journals, the logs.
    pub derived: u64,
    /// What went in: the agents' files as far as they were read, and the text of sessions that came
    /// otherwise.
    pub raw: u64,
    /// What is left of the disk; none: the system does not say.
    pub free: Option<u64>,
    /// What the user wants it to take at most (`limits.size`).
    pub limit: Option<u64>,
}

impl Storage {
    /// How many times smaller history is than what went in; none: nothing went in.
    #[expect(clippy::cast_precision_loss, reason = "of a ratio two digits are told")]
    pub fn ratio(&self) -> Option<f64> {
        (self.raw > 0 && self.history > 0).then(|| self.raw as f64 / self.history as f64)
    }
}

/// Something that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    /// The store is past `limits.size`.
    OverLimit {
        /// What it takes.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// There is not much room on its disk.
    DiskFull {
        /// How much.
        free: u64,
    },
    /// Lines of the audit log could not be written.
    Unaudited(Happened),
    /// The folder of the audit log cannot be written now.
    AuditUnwritable,
    /// Operations failed of late: how many, and what the last one was.
    Failed {
        /// How many of the last twenty that failed.
        count: u64,
        /// When the last one did.
        at: DateTime<Utc>,
        /// What it was.
        operation: String,
        /// The kind of its error.
        kind: String,
    },
    /// The index was damaged, and made anew.
    IndexRebuilt(Happened),
    /// The last capture could not take in some files.
    NotCaptured(Happened),
    /// Sessions that cannot be read.
    Damaged(u64),
    /// Journals of programs that died, which could not be committed.
    Unrecovered(u64),
}

impl Alert {
    /// Its name in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OverLimit { .. } => "over_limit",
            Self::DiskFull { .. } => "disk_full",
            Self::Unaudited(_) => "unaudited",
            Self::AuditUnwritable => "audit_unwritable",
            Self::Failed { .. } => "failed",
            Self::IndexRebuilt(_) => "index_rebuilt",
            Self::NotCaptured(_) => "not_captured",
            Self::Damaged(_) => "damaged",
            Self::Unrecovered(_) => "unrecovered",
        }
    }
}

impl Repository {
    /// The state of the store. `filter`: the sessions that are summed up, those of sub-agents
    /// included; `day_of`: the day on which an instant falls. What was not counted yet is read from
    /// the records: that is long once only.
    pub fn stats(
        &mut self,
        filter: &Filter,
        day_of: &DayOf<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Stats> {
        observed(self, Operation::Stats, &[], |it| it.sum_up(filter, day_of, progress))
    }

    fn sum_up(
        &mut self,
        filter: &Filter,
        day_of: &DayOf<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Stats> {
        let filter = Filter { with_subagents: true, ..filter.clone() };
        let mut told = |done, total| progress(Progress { unit: "sessions", done, total });
        self.follow_main()?;
        self.index.refresh_tallies(&self.store, &mut told)?;
        let all = Filter { with_subagents: true, ..Filter::default() };
        let whole = self.index(|index| index.totals(&all, day_of))?;
        let totals = if filter.is_open() {
            whole.clone()
        } else {
            self.index(|index| index.totals(&filter, day_of))?
        };
        let metrics = self.observer.metrics();
        let storage = self.storage(&whole)?;
        let alerts = self.alerts(&whole, &storage, &metrics);
        let sizes = self.sizes_by_day(&storage, day_of);
        let (operations, remotes) = (metrics.whole(), self.remote_states()?);
        Ok(Stats { totals, storage, sizes, operations, remotes, alerts })
    }

    fn storage(&self, whole: &Totals) -> Result<Storage> {
        let sizes = self.store.sizes()?;
        let private = self.store.private_folder();
        // Losing what is known of the agents' files costs one re-read; then it is told again.
        let read = Sources::open(&private).and_then(|mut sources| sources.bytes_read());
        let settings = self.settings();
        let limit = settings.check(Section::Limits).ok().and(settings.size_limit.value);
        Ok(Storage {
            total: sizes.total,
            history: sizes.objects,
            derived: sizes.private,
            raw: read.unwrap_or_default().saturating_add(whole.uncaptured_bytes),
            free: platform::free_space(self.store.path()),
            limit,
        })
    }

    fn alerts(&self, whole: &Totals, storage: &Storage, metrics: &Metrics) -> Vec<Alert> {
        let now = self.now();
        let mut alerts = recent(metrics, now);
        if let Some(limit) = storage.limit.filter(|limit| storage.total > *limit) {
            alerts.insert(0, Alert::OverLimit { size: storage.total, limit });
        }
        if let Some(free) = storage.free.filter(|free| *free < storage.history.max(LEAST_FREE)) {
            alerts.insert(0, Alert::DiskFull { free });
        }
        let is_unwritable = |folder: &Path| !platform::is_writable(folder);
        if self.audit_state().is_ok_and(|audit| audit.is_on && is_unwritable(&audit.folder)) {
            alerts.push(Alert::AuditUnwritable);
        }
        if whole.damaged > 0 {
            alerts.push(Alert::Damaged(whole.damaged));
        }
        let left = self.recovery().left.len() as u64;
        if left > 0 {
            alerts.push(Alert::Unrecovered(left));
        }
        alerts
    }
}

/// Writes a page of figures to a file that only its owner may read, whole or not at all.
///
/// # Errors
/// `Conflict`: the file is there already.
pub fn write_dashboard(page: &Dashboard, path: &Path, force: bool) -> Result<()> {
    check(path, force)?;
    write(path, page.render().as_bytes(), force)
}

/// What went wrong of late, as all processes counted it.
fn recent(metrics: &Metrics, now: DateTime<Utc>) -> Vec<Alert> {
    let is_recent = |at: DateTime<Utc>| now - at < RECENT;
    let mut alerts = Vec::new();
    if metrics.unaudited.last.is_some_and(is_recent) {
        alerts.push(Alert::Unaudited(metrics.unaudited.clone()));
    }
    // Of a remote that was not reached it is told when it was, and why not since.
    let is_offline =
        |it: &FailedOperation| it.operation == Operation::Sync.name() && it.kind == "remote";
    let failed: Vec<_> =
        metrics.failures.iter().filter(|it| is_recent(it.at) && !is_offline(it)).collect();
    if let Some(last) = failed.last() {
        alerts.push(Alert::Failed {
            count: failed.len() as u64,
            at: last.at,
            operation: last.operation.clone(),
            kind: last.kind.clone(),
        });
    }
    if metrics.rebuilt.last.is_some_and(is_recent) {
        alerts.push(Alert::IndexRebuilt(metrics.rebuilt.clone()));
    }
    if metrics.skipped.count > 0 {
        alerts.push(Alert::NotCaptured(metrics.skipped.clone()));
    }
    alerts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_an_alert_for_a_week() {
        let at = |days: i64| DateTime::from_timestamp(days * 24 * 3_600, 0).expect("a time");
        let mut metrics = Metrics::default();
        for (day, kind) in [(1, "io"), (5, "locked"), (6, "denied")] {
            metrics.note("save", at(day), std::time::Duration::ZERO, Some(kind));
        }
        metrics.note("sync", at(6), std::time::Duration::ZERO, Some("remote"));
        metrics.unaudited.note(at(6), None);
        metrics.rebuilt.note(at(2), None);
        let names =
            |now| -> Vec<&str> { recent(&metrics, at(now)).iter().map(Alert::name).collect() };
        assert_eq!(names(7), ["unaudited", "failed", "index_rebuilt"]);
        assert_eq!(names(9), ["unaudited", "failed"]);
        assert_eq!(names(13), [""; 0]);
        let Some(Alert::Failed { count, kind, .. }) = recent(&metrics, at(9)).pop() else {
            panic!("there are failures");
        };
        assert_eq!((count, kind.as_str()), (2, "denied"));
    }
}
