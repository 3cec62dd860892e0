//! How long operations took, in buckets that grow: exact to a quarter, whatever the size.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

/// The counts and times of one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    /// How often it was done, failures included.
    pub count: u64,
    /// How often it failed.
    pub failed: u64,
    /// The longest, in microseconds.
    pub max_us: u64,
    /// How many fell into each bucket: four for each doubling of the time.
    buckets: BTreeMap<u16, u64>,
}

impl Latency {
    /// Takes in one more.
    pub fn add(&mut self, duration: Duration, has_failed: bool) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.count += 1;
        self.failed += u64::from(has_failed);
        self.max_us = self.max_us.max(us);
        *self.buckets.entry(bucket(us)).or_default() += 1;
    }

    /// Takes in all of another.
    pub fn join(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.failed = self.failed.saturating_add(other.failed);
        self.max_us = self.max_us.max(other.max_us);
        for (bucket, count) in &other.buckets {
            let sum = self.buckets.entry(*bucket).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// The time that so many of a hundred did not exceed, in microseconds: at most a quarter too
    /// large.
    pub fn percentile(&self, percent: u64) -> u64 {
        let total: u64 = self.buckets.values().fold(0, |sum, count| sum.saturating_add(*count));
        let rank = total.saturating_mul(percent).div_ceil(100);
        let mut seen = 0_u64;
        let found = self.buckets.iter().find(|(_, count)| {
            seen = seen.saturating_add(**count);
            seen >= rank
        });
        found.map_or(0, |(bucket, _)| last_of(*bucket).min(self.max_us))
    }
}

/// The bucket of a time.
fn bucket(us: u64) -> u16 {
    let Some(doublings) = us.checked_ilog2().filter(|it| *it >= 2) else {
        return u16::try_from(us).unwrap_or_default();
    };
    let quarter = (us >> (doublings - 2)) & 3;
    u16::try_from(u64::from(doublings - 1) * 4 + quarter).unwrap_or(u16::MAX)
}

/// The longest time of a bucket.
fn last_of(bucket: u16) -> u64 {
    let (doublings, quarter) = (u32::from(bucket / 4), u64::from(bucket % 4));
    match doublings.checked_sub(1) {
        None => quarter,
        Some(shift) => ((quarter + 5).checked_shl(shift).unwrap_or(u64::MAX)).saturating_sub(1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_time_means_nothing() {
        assert_eq!(Latency::default().percentile(95), 0);
    }

    proptest! {
        #[test]
        fn percentiles_are_at_most_a_quarter_too_large(
            times in prop::collection::vec(0_u64..5_000_000, 1..200),
            others in prop::collection::vec(0_u64..90, 0..50),
            percent in 1_u64..=100,
        ) {
            let mut latency = Latency::default();
            let mut other = Latency::default();
            times.iter().for_each(|us| latency.add(Duration::from_micros(*us), false));
            others.iter().for_each(|us| other.add(Duration::from_micros(*us), true));
            latency.join(&other);
            let text = serde_json::to_string(&latency).expect("it is JSON");
            let latency: Latency = serde_json::from_str(&text).expect("it is read back");
            let mut all = [times, others.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(latency.count, all.len() as u64);
            prop_assert_eq!(latency.failed, others.len() as u64);
            prop_assert_eq!(Some(latency.max_us), all.last().copied());
            let rank = (all.len() as u64 * percent).div_ceil(100);
            let exact = all[usize::try_from(rank).expect("small") - 1];
            let told = latency.percentile(percent);
            prop_assert!(told >= exact && told - exact <= exact / 4, "{told} for {exact}");
        }
    }
}
