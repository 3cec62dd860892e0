//! Counts and times of operations, and what went wrong of late, in `annals/metrics.json`.
//!
//! A process keeps what it did to itself and adds it to the file from time to time, under a lock and
//! in one step. What is lost, when a process is killed say, is lost: nothing but a dashboard knows of
//! it. There is no text in it: names of operations, kinds of errors, numbers and times.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;
use serde::Deserialize;
use serde::Serialize;

use crate::observe::Latency;
use crate::platform;
use crate::platform::FileLock;

const FILE: &str = "metrics.json";
/// The most bytes that are read of it.
const FILE_LIMIT: u64 = 16 << 20;
const LOCK: &str = "metrics.lock";

/// How long another process is waited for; then what was to be added waits for the next time.
const PATIENCE: Duration = Duration::from_millis(20);

/// After so long a new window begins. Two are kept.
const PERIOD: TimeDelta = TimeDelta::days(30);

/// How many failed operations are remembered one by one.
const MOST_FAILURES: usize = 20;

/// What was done in a span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    /// When it began.
    pub since: Option<DateTime<Utc>>,
    /// Counts and times by operation.
    pub operations: BTreeMap<String, Latency>,
    /// What captures met.
    pub capture: CaptureCache,
}

/// What captures met: how much was known to be unchanged without being read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaptureCache {
    /// Sessions that were looked at.
    pub sessions: u64,
    /// Those of them that had nothing new.
    pub unchanged: u64,
}

/// That something happened, how often, when last, and of what kind it was then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Happened {
    /// How often.
    pub count: u64,
    /// When last.
    pub last: Option<DateTime<Utc>>,
    /// The kind of its cause, if it has one.
    pub cause: Option<String>,
}

/// An operation that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedOperation {
    /// When.
    pub at: DateTime<Utc>,
    /// What it was.
    pub operation: String,
    /// The kind of error.
    pub kind: String,
}

/// All that is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// What was done of late.
    pub current: Window,
    /// What was done in the window before.
    pub previous: Window,
    /// The operations that failed last, the latest at the end.
    pub failures: Vec<FailedOperation>,
    /// Lines of the audit log that could not be written.
    pub unaudited: Happened,
    /// An index that was damaged and made anew.
    pub rebuilt: Happened,
    /// Files that the last capture could not take in, and when that was.
    pub skipped: Happened,
}

impl Window {
    fn join(&mut self, other: &Self) {
        self.since = [self.since, other.since].into_iter().flatten().min();
        for (operation, latency) in &other.operations {
            self.operations.entry(operation.clone()).or_default().join(latency);
        }
        self.capture.sessions = self.capture.sessions.saturating_add(other.capture.sessions);
        self.capture.unchanged = self.capture.unchanged.saturating_add(other.capture.unchanged);
    }
}

impl Happened {
    /// Notes that it happened.
    pub fn note(&mut self, at: DateTime<Utc>, cause: Option<String>) {
        self.count += 1;
        (self.last, self.cause) = (Some(at), cause);
    }

    fn join(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        if other.last.is_some() {
            (self.last, self.cause) = (other.last, other.cause);
        }
    }
}

impl Metrics {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes an operation; with the kind of error, if it failed.
    pub fn note(
        &mut self,
        operation: &str,
        at: DateTime<Utc>,
        duration: Duration,
        failure: Option<&str>,
    ) {
        self.current.since.get_or_insert(at);
        let latency = self.current.operations.entry(operation.to_owned()).or_default();
        latency.add(duration, failure.is_some());
        if let Some(kind) = failure {
            let (operation, kind) = (operation.to_owned(), kind.to_owned());
            self.failures.push(FailedOperation { at, operation, kind });
        }
    }

    /// Both windows together.
    pub fn whole(&self) -> Window {
        let mut whole = self.current.clone();
        whole.join(&self.previous);
        whole
    }

    /// Takes in what a process did.
    pub fn join(&mut self, other: Self, now: DateTime<Utc>) {
        let is_over = self.current.since.is_some_and(|since| now - since >= PERIOD);
        if is_over {
            self.previous = std::mem::take(&mut self.current);
        }
        self.current.join(&other.current);
        self.failures.extend(other.failures);
        let surplus = self.failures.len().saturating_sub(MOST_FAILURES);
        self.failures.drain(..surplus);
        self.unaudited.join(other.unaudited);
        self.rebuilt.join(other.rebuilt);
        if other.skipped.last.is_some() {
            self.skipped = other.skipped;
        }
    }
}

/// The file that all processes add to.
#[derive(Debug)]
pub struct MetricsFile {
    folder: PathBuf,
}

impl MetricsFile {
    /// The file in the store's private folder.
    pub fn in_folder(private_folder: &Path) -> Self {
        Self { folder: private_folder.to_owned() }
    }

    /// What it says; nothing, where that cannot be read.
    pub fn load(&self) -> Metrics {
        let text = platform::read_within(&self.folder.join(FILE), FILE_LIMIT).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Adds what a process did. False: another process is at it.
    pub fn add(&self, done: &Metrics, now: DateTime<Utc>) -> io::Result<bool> {
        let Some(_lock) = FileLock::acquire(&self.folder.join(LOCK), PATIENCE)? else {
            return Ok(false);
        };
        let mut metrics = self.load();
        metrics.join(done.clone(), now);
        let text = serde_json::to_vec(&metrics).expect("names and numbers become JSON");
        platform::place_unsynced(&self.folder.join(FILE), ".annals-", 0o600, &text)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    fn one(operation: &str, seconds: i64, failure: Option<&str>) -> Metrics {
        let mut done = Metrics::default();
        done.note(operation, at(seconds), Duration::from_millis(2), failure);
        done
    }

    #[test]
    fn what_many_threads_did_is_all_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let add = || {
            let file = MetricsFile::in_folder(folder.path());
            for seconds in 0..50 {
                let done = one("save", seconds, (seconds == 7).then_some("io"));
                while !file.add(&done, at(seconds)).expect("it is written") {}
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(add);
            }
        });
        let metrics = MetricsFile::in_folder(folder.path()).load();
        let save = &metrics.current.operations["save"];
        assert_eq!((save.count, save.failed, metrics.failures.len()), (200, 4, 4));
    }

    #[test]
    fn a_new_window_begins_after_a_month_and_the_one_before_is_kept() {
        const DAY: i64 = 24 * 3_600;
        let mut metrics = Metrics::default();
        for day in [0, 29, 30, 61, 95] {
            metrics.join(one("list", day * DAY, Some("io")), at(day * DAY));
        }
        assert_eq!(metrics.current.operations["list"].count, 1);
        assert_eq!(metrics.whole().operations["list"].count, 2);
        assert_eq!(metrics.whole().since, Some(at(61 * DAY)));
        assert_eq!(metrics.failures.len(), 5);
    }

    #[test]
    fn a_file_that_cannot_be_read_begins_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = MetricsFile::in_folder(folder.path());
        platform::write_atomic(&folder.path().join(FILE), b"{\"current\":{\"op").expect("written");
        assert!(file.load().is_empty());
        assert!(file.add(&one("gc", 1, None), at(1)).expect("it is written"));
        assert_eq!(file.load().current.operations["gc"].count, 1);
        assert!(file.load().failures.is_empty());
    }
}
