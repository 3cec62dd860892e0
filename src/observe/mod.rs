//! Audit log with rotation; counters and latencies.
//!
//! `operation` is the list of what can be written down, `entry` what a line of the log says,
//! `audit` the log: files of JSON lines that several processes write to. `metrics` counts operations
//! and keeps how long they took, in a small file beside the index that may be lost at any moment;
//! `latency` is the histogram in it.
//!
//! Promises: a line is whole or not there, and no text is in it that is not clean; nothing here stops
//! the operation that it tells of. It does not know what a session is: it has their ids.
//! Limits: the system decides when a line reaches the disk.

mod audit;
mod entry;
mod latency;
mod metrics;
mod operation;

pub use audit::AuditFilter;
pub use audit::AuditLog;
pub use audit::AuditReading;
pub use audit::CleanLine;
pub use entry::Entry;
pub use entry::Failure;
pub use entry::Recorded;
pub use entry::RecordedFailure;
pub use latency::Latency;
pub use metrics::CaptureCache;
pub use metrics::FailedOperation;
pub use metrics::Happened;
pub use metrics::Metrics;
pub use metrics::MetricsFile;
pub use metrics::Window;
pub use operation::Operation;
