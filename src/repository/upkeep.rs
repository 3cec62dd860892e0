//! What is done by itself after saves: retention, at most hourly, and told once; a look at the
//! store's size, at most daily.
//!
//! When it was done last stands in `annals/upkeep.json`, with what nobody has been told yet: a
//! program that holds a session prints nothing, so the next command says it.

use std::path::PathBuf;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;
use serde::Deserialize;
use serde::Serialize;

use crate::config::Section;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::Filter;
use crate::platform;
use crate::repository::DeleteOutcome;
use crate::repository::NOTES_LIMIT;
use crate::repository::Repository;
use crate::session::RevisionId;

const FILE: &str = "upkeep.json";

/// How long it is at least from one prune to the next.
const PAUSE: TimeDelta = TimeDelta::hours(1);

/// What was let go by itself, and nobody was told yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntoldPrune {
    /// How many sessions.
    pub sessions: u64,
    /// The revision that let them go.
    pub revision: RevisionId,
}

/// What was done, and when.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct UpkeepState {
    /// When retention was looked at last.
    pruned: Option<DateTime<Utc>>,
    /// When it was said last that the store is past its limit.
    pub(super) noticed: Option<DateTime<Utc>>,
    /// When it was looked last what the store takes.
    pub(super) measured: Option<DateTime<Utc>>,
    untold: Vec<UntoldPrune>,
}

impl Repository {
    /// Lets go what the user's retention does not keep, if that was not done within the hour. To
    /// be called after saves. None: there was nothing to do.
    ///
    /// # Errors
    /// `Invalid`: a setting of `retention` cannot be used; the message names file, line and key.
    pub fn upkeep(&mut self) -> Result<Option<DeleteOutcome>> {
        // Nothing but the dashboard knows of it.
        drop(self.note_size());
        let settings = self.settings();
        settings.check(Section::Retention)?;
        if settings.retention.is_off() {
            return Ok(None);
        }
        let (mut state, now) = (self.upkeep_state(), self.now());
        if !is_due(state.pruned, PAUSE, now) {
            return Ok(None);
        }
        // Noted first: what fails is not tried again by each save.
        state.pruned = Some(now);
        self.keep_upkeep_state(&state)?;
        let plan = self.plan_prune(&Filter::default())?;
        if plan.dropped.is_empty() {
            return Ok(None);
        }
        let outcome = self.prune(&plan)?;
        let Some(revision) = outcome.revision.clone() else {
            return Ok(None);
        };
        let sessions = outcome.deleted.len() as u64;
        state.untold.push(UntoldPrune { sessions, revision });
        self.keep_upkeep_state(&state)?;
        Ok(Some(outcome))
    }

    /// What was let go by itself since this was asked last: it is to be told now.
    pub fn take_untold(&self) -> Vec<UntoldPrune> {
        let mut state = self.upkeep_state();
        let untold = std::mem::take(&mut state.untold);
        // Where that cannot be noted, it is told again rather than not at all.
        if !untold.is_empty() {
            drop(self.keep_upkeep_state(&state));
        }
        untold
    }

    /// What was done; nothing, where that cannot be read.
    pub(super) fn upkeep_state(&self) -> UpkeepState {
        let text = platform::read_within(&self.upkeep_file(), NOTES_LIMIT).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(super) fn keep_upkeep_state(&self, state: &UpkeepState) -> Result<()> {
        let text = serde_json::to_vec(state).expect("times and numbers become JSON");
        platform::write_atomic(&self.upkeep_file(), &text).map_err(|error| {
            Error::new(ErrorKind::Io, "cannot note what was done after the save").because(error)
        })
    }

    fn upkeep_file(&self) -> PathBuf {
        self.store.private_folder().join(FILE)
    }
}

/// Whether so much time has passed; also when the clock was set back since.
pub(super) fn is_due(last: Option<DateTime<Utc>>, pause: TimeDelta, now: DateTime<Utc>) -> bool {
    last.is_none_or(|last| now < last || now - last >= pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_when_the_pause_is_over_or_the_clock_was_set_back() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        assert!(is_due(None, PAUSE, at(0)));
        assert!(!is_due(Some(at(0)), PAUSE, at(0)));
        assert!(!is_due(Some(at(0)), PAUSE, at(3_599)));
        assert!(is_due(Some(at(0)), PAUSE, at(3_600)));
        assert!(is_due(Some(at(9)), PAUSE, at(8)));
    }
}
