//! When a live session is saved by itself: a pure function of what happened when.

use std::time::Duration;

/// The longest pause between two tries of a save that fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What decides when a save is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    /// No record waits longer than this.
    pub(super) interval: Duration,
    /// Nor do more records than this.
    pub(super) records: usize,
    /// When nothing came for this long, what waits is saved.
    pub(super) idle: Duration,
}

/// What waits for its save; times are those of one stopwatch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    /// How many records wait.
    pub(super) records: usize,
    /// When the first of them came.
    pub(super) first: Duration,
    /// When the last of them came.
    pub(super) last: Duration,
    /// How many tries to save them failed in a row, and when the last did.
    pub(super) failures: u32,
    /// See `failures`.
    pub(super) failed: Duration,
}

impl Schedule {
    /// How long it is until a save is due; zero: it is; none: nothing waits.
    pub(super) fn due_in(&self, waiting: &Waiting, now: Duration) -> Option<Duration> {
        if waiting.records == 0 {
            return None;
        }
        let due = if waiting.failures > 0 {
            waiting.failed + self.pause(waiting.failures)
        } else if waiting.records >= self.records {
            waiting.last
        } else {
            (waiting.first + self.interval).min(waiting.last + self.idle)
        };
        Some(due.saturating_sub(now))
    }

    /// How long is waited after that many failures in a row.
    pub(super) fn pause(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        (self.interval * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SCHEDULE: Schedule =
        Schedule { interval: Duration::from_secs(5), records: 50, idle: Duration::from_secs(2) };

    fn waiting(records: usize, first: u64, last: u64) -> Waiting {
        let [first, last] = [first, last].map(Duration::from_millis);
        Waiting { records, first, last, ..Waiting::default() }
    }

    #[test]
    fn a_save_is_due_when_nothing_comes_when_much_waits_and_at_the_interval() {
        let due = |waiting, now| SCHEDULE.due_in(&waiting, Duration::from_millis(now));
        assert_eq!(due(waiting(0, 0, 0), 9_000), None);
        assert_eq!(due(waiting(1, 1_000, 1_000), 1_000), Some(Duration::from_secs(2)));
        assert_eq!(due(waiting(9, 1_000, 5_500), 5_500), Some(Duration::from_millis(500)));
        assert_eq!(due(waiting(50, 1_000, 1_100), 1_100), Some(Duration::ZERO));
    }

    #[test]
    fn what_fails_is_tried_again_ever_more_seldom() {
        let pauses: Vec<u64> = (1..=8).map(|n| SCHEDULE.pause(n).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
        let failed = Waiting { failures: 2, failed: Duration::from_secs(7), ..waiting(60, 0, 0) };
        assert_eq!(SCHEDULE.due_in(&failed, Duration::from_secs(8)), Some(Duration::from_secs(9)));
    }

    proptest! {
        #[test]
        fn p02_no_record_waits_longer_than_the_interval(
            gaps in proptest::collection::vec(0_u64..4_000, 1..80),
            interval in 5_u64..=300,
            records in 1_usize..60,
        ) {
            let schedule = Schedule { interval: Duration::from_secs(interval), records, ..SCHEDULE };
            let (mut now, mut state) = (Duration::ZERO, Waiting::default());
            for gap in gaps {
                let next = now + Duration::from_millis(gap);
                if let Some(due) = schedule.due_in(&state, now).filter(|due| now + *due <= next) {
                    prop_assert!(now + due <= state.first + schedule.interval);
                    prop_assert!(state.records <= records);
                    state = Waiting::default();
                }
                now = next;
                let first = if state.records == 0 { now } else { state.first };
                state = Waiting { records: state.records + 1, first, last: now, ..state };
            }
            let due = schedule.due_in(&state, now).expect("something waits");
            prop_assert!(now + due <= state.first + schedule.interval);
        }
    }
}
