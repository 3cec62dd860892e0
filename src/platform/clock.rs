//! Time and ids as values, so that tests can fix them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use chrono::DateTime;
use chrono::Utc;
use uuid::Builder;
use uuid::Uuid;

/// Where the time comes from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn system() -> Self {
        Self(Arc::new(Utc::now))
    }

    /// A clock that always shows `instant`.
    pub fn fixed(instant: DateTime<Utc>) -> Self {
        Self(Arc::new(move || instant))
    }

    /// What it shows.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// How much time has passed: it never goes back, whatever becomes of the clock.
#[derive(Clone)]
pub struct Stopwatch(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Stopwatch {
    /// The system's.
    pub fn system() -> Self {
        let start = Instant::now();
        Self(Arc::new(move || start.elapsed()))
    }

    /// One that shows what `read` says, for tests.
    pub fn reading(read: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The time since it was started.
    pub fn elapsed(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Stopwatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stopwatch")
    }
}

/// Where new ids come from.
#[derive(Clone)]
pub struct Ids(Arc<dyn Fn() -> [u8; 10] + Send + Sync>);

impl Ids {
    /// Random version 7 ids.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn random() -> Self {
        Self(Arc::new(|| {
            // The outer bytes of a version 4 id are all random; its version and variant lie in
            // bytes 6 and 8.
            let random = Uuid::new_v4().into_bytes();
            let mut bytes = [0; 10];
            bytes[..5].copy_from_slice(&random[..5]);
            bytes[5..].copy_from_slice(&random[11..]);
            bytes
        }))
    }

    /// Ids that count up from `seed`, for tests.
    pub fn counting(seed: u64) -> Self {
        let next = AtomicU64::new(seed);
        Self(Arc::new(move || {
            let mut bytes = [0; 10];
            bytes[2..].copy_from_slice(&next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            bytes
        }))
    }

    /// A new version 7 id for the time `now`.
    pub fn next(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &(self.0)()).into_uuid()
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_carry_the_time() {
        let at = DateTime::from_timestamp_millis(1_770_090_591_120).expect("a valid time");
        for ids in [Ids::random(), Ids::counting(41)] {
            let (first, second) = (ids.next(at), ids.next(at));
            assert_ne!(first, second, "no two ids are the same");
            assert_eq!(first.get_version_num(), 7);
            let (seconds, nanos) = first.get_timestamp().expect("version 7").to_unix();
            assert_eq!((seconds, nanos), (1_770_090_591, 120_000_000));
        }
    }

    #[test]
    fn counted_ids_are_the_same_each_time() {
        let at = DateTime::UNIX_EPOCH;
        let ids = |seed| {
            let ids = Ids::counting(seed);
            [ids.next(at), ids.next(at)]
        };
        assert_eq!(ids(7), ids(7));
        assert_eq!(ids(7)[1], ids(8)[0], "they count up");
    }
}
