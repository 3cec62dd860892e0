//! What `annals stats` prints.

use std::collections::BTreeMap;

use chrono::DateTime;
use chrono::NaiveDate;
use chrono::Utc;
use serde::Serialize;

use crate::cli::dashboard::sentence;
use crate::cli::json::RemoteView;
use crate::repository::Alert;
use crate::repository::CaptureCache;
use crate::repository::Day;
use crate::repository::Group;
use crate::repository::Latency;
use crate::repository::SizeOn;
use crate::repository::Stats;
use crate::repository::Storage;
use crate::session::Counts;
use crate::session::Tokens;

/// `annals.stats/1`
#[derive(Debug, Serialize)]
pub(crate) struct StatsView<'a> {
    kind: &'static str,
    sessions: u64,
    subagents: u64,
    damaged: u64,
    counts: &'a Counts,
    tokens: &'a Tokens,
    agents: Vec<GroupView<'a>>,
    models: Vec<GroupView<'a>>,
    workspaces: Vec<GroupView<'a>>,
    days: Vec<DayView<'a>>,
    undated: u64,
    redactions: &'a BTreeMap<String, u64>,
    growth: Vec<GrowthView>,
    sizes: Vec<SizeView>,
    storage: StorageView,
    capture: CaptureView,
    operations: OperationsView<'a>,
    remotes: Vec<RemoteView<'a>>,
    alerts: Vec<AlertView>,
}

#[derive(Debug, Serialize)]
struct GroupView<'a> {
    name: &'a str,
    sessions: u64,
    messages: u64,
    tokens: &'a Tokens,
}

#[derive(Debug, Serialize)]
struct DayView<'a> {
    date: NaiveDate,
    sessions: u64,
    messages: u64,
    tokens: &'a Tokens,
}

#[derive(Debug, Serialize)]
struct GrowthView {
    date: NaiveDate,
    bytes: i64,
}

#[derive(Debug, Serialize)]
struct SizeView {
    date: NaiveDate,
    total: u64,
    history: u64,
}

#[derive(Debug, Serialize)]
struct StorageView {
    total: u64,
    history: u64,
    derived: u64,
    raw: u64,
    ratio: Option<f64>,
    free: Option<u64>,
    limit: Option<u64>,
}

#[derive(Debug, Serialize)]
struct CaptureView {
    sessions: u64,
    unchanged: u64,
}

#[derive(Debug, Serialize)]
struct OperationsView<'a> {
    since: Option<DateTime<Utc>>,
    each: Vec<OperationView<'a>>,
}

#[derive(Debug, Serialize)]
struct OperationView<'a> {
    operation: &'a str,
    count: u64,
    failed: u64,
    p50_ms: f64,
    p95_ms: f64,
    max_ms: f64,
}

#[derive(Debug, Serialize)]
struct AlertView {
    kind: &'static str,
    message: String,
}

impl<'a> StatsView<'a> {
    /// The view of the state of a store.
    pub(crate) fn of(stats: &'a Stats) -> Self {
        let Stats { totals, storage, sizes, operations, remotes, alerts } = stats;
        let CaptureCache { sessions, unchanged } = operations.capture;
        let growth = |(date, bytes): &(NaiveDate, i64)| GrowthView { date: *date, bytes: *bytes };
        let each = operations.operations.iter().map(|(name, it)| OperationView::of(name, it));
        Self {
            kind: "annals.stats/1",
            sessions: totals.sessions,
            subagents: totals.subagents,
            damaged: totals.damaged,
            counts: &totals.counts,
            tokens: &totals.tokens,
            agents: totals.agents.iter().map(GroupView::of).collect(),
            models: totals.models.iter().map(GroupView::of).collect(),
            workspaces: totals.workspaces.iter().map(GroupView::of).collect(),
            days: totals.days.iter().map(DayView::of).collect(),
            undated: totals.undated,
            redactions: &totals.redactions,
            growth: totals.growth.iter().map(growth).collect(),
            sizes: sizes.iter().map(SizeView::of).collect(),
            storage: StorageView::of(storage),
            capture: CaptureView { sessions, unchanged },
            operations: OperationsView { since: operations.since, each: each.collect() },
            remotes: remotes.iter().map(RemoteView::known).collect(),
            alerts: alerts.iter().map(AlertView::of).collect(),
        }
    }
}

impl SizeView {
    fn of(size: &SizeOn) -> Self {
        let SizeOn { date, total, history } = *size;
        Self { date, total, history }
    }
}

impl<'a> GroupView<'a> {
    fn of(group: &'a Group) -> Self {
        let Group { name, sessions, messages, tokens } = group;
        Self { name, sessions: *sessions, messages: *messages, tokens }
    }
}

impl<'a> DayView<'a> {
    fn of(day: &'a Day) -> Self {
        let Day { date, sessions, messages, tokens } = day;
        Self { date: *date, sessions: *sessions, messages: *messages, tokens }
    }
}

impl StorageView {
    fn of(storage: &Storage) -> Self {
        let Storage { total, history, derived, raw, free, limit } = *storage;
        let ratio = storage.ratio().map(|ratio| (ratio * 100.0).round() / 100.0);
        Self { total, history, derived, raw, ratio, free, limit }
    }
}

impl<'a> OperationView<'a> {
    fn of(operation: &'a str, latency: &Latency) -> Self {
        Self {
            operation,
            count: latency.count,
            failed: latency.failed,
            p50_ms: milliseconds(latency.percentile(50)),
            p95_ms: milliseconds(latency.percentile(95)),
            max_ms: milliseconds(latency.max_us),
        }
    }
}

impl AlertView {
    fn of(alert: &Alert) -> Self {
        Self { kind: alert.name(), message: sentence(alert) }
    }
}

/// Microseconds as milliseconds.
#[expect(clippy::cast_precision_loss, reason = "nothing takes centuries")]
pub(crate) fn milliseconds(us: u64) -> f64 {
    us as f64 / 1_000.0
}
