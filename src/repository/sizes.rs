//! What the store took of the disk over time: looked at by saves, at most once a day.
//!
//! The figures stand in `annals/sizes.json`, one for each day on which something was saved. They
//! are for the dashboard alone: what cannot be read begins anew.

use std::path::PathBuf;

use chrono::DateTime;
use chrono::NaiveDate;
use chrono::TimeDelta;
use chrono::Utc;
use serde::Deserialize;
use serde::Serialize;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::DayOf;
use crate::platform;
use crate::repository::NOTES_LIMIT;
use crate::repository::Repository;
use crate::repository::Storage;
use crate::repository::upkeep::is_due;

const FILE: &str = "sizes.json";

/// How long it is at least from one look to the next: each reads the sizes of all files.
const PAUSE: TimeDelta = TimeDelta::days(1);

/// How many are kept: more than a year of days.
const MOST: usize = 400;

/// What the store took when it was looked at, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct SizeAt {
    at: DateTime<Utc>,
    total: u64,
    history: u64,
}

/// What the store took on a day, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeOn {
    /// The day.
    pub date: NaiveDate,
    /// All its files.
    pub total: u64,
    /// Of these, git's objects.
    pub history: u64,
}

impl Repository {
    /// Looks what the store takes, if that was not done within the day.
    pub(super) fn note_size(&self) -> Result<()> {
        let (mut state, now) = (self.upkeep_state(), self.now());
        if !is_due(state.measured, PAUSE, now) {
            return Ok(());
        }
        state.measured = Some(now);
        self.keep_upkeep_state(&state)?;
        let sizes = self.store.sizes()?;
        let mut noted = self.noted_sizes();
        noted.push(SizeAt { at: now, total: sizes.total, history: sizes.objects });
        noted.drain(..noted.len().saturating_sub(MOST));
        let text = serde_json::to_vec(&noted).expect("times and numbers become JSON");
        platform::place_unsynced(&self.sizes_file(), ".annals-", 0o600, &text).map_err(|error| {
            Error::new(ErrorKind::Io, "cannot note the size of the store").because(error)
        })
    }

    /// What the store took on each day on which that was looked at, today's at the end.
    pub(super) fn sizes_by_day(&self, storage: &Storage, day_of: &DayOf<'_>) -> Vec<SizeOn> {
        let now = SizeAt { at: self.now(), total: storage.total, history: storage.history };
        let mut days: Vec<SizeOn> = Vec::new();
        for SizeAt { at, total, history } in self.noted_sizes().into_iter().chain([now]) {
            let size = SizeOn { date: day_of(at), total, history };
            // What was noted for later, with the clock ahead say, is not after today.
            while days.pop_if(|last| last.date >= size.date).is_some() {}
            days.push(size);
        }
        days
    }

    fn noted_sizes(&self) -> Vec<SizeAt> {
        let text = platform::read_within(&self.sizes_file(), NOTES_LIMIT).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn sizes_file(&self) -> PathBuf {
        self.store.private_folder().join(FILE)
    }
}
