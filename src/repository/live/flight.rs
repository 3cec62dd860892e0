//! What a live session's thread does with the records that wait: it takes them, and says what
//! became of them.

use crate::error::Error;
use crate::redact::Clean;
use crate::redact::KnownSecrets;
use crate::repository::DeleteOutcome;
use crate::repository::live::LiveChange;
use crate::repository::live::shared::Shared;
use crate::repository::live::shared::State;
use crate::session::HeadFold;
use crate::session::Record;
use crate::session::RevisionId;
use crate::store::Journal;

/// Records on their way into the store.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) records: Vec<Clean<Record>>,
    /// What must be taken out of the records that are in the store.
    pub(super) late: Option<KnownSecrets>,
    /// Whether the store may have some of them: an earlier try failed.
    pub(super) is_retry: bool,
    journals: Vec<Journal>,
    requests: u64,
}

impl Shared {
    /// The records to save next, once their save is due; none: the session has ended.
    pub(super) fn next_flight(&self) -> Option<Flight> {
        let mut state = self.state();
        loop {
            let has_work = !state.pending.is_empty() || state.late.is_some();
            let is_asked = state.requests > state.answered || state.is_closing;
            let due = self.schedule.due_in(&state.waiting, self.environment.stopwatch.elapsed());
            if has_work && (is_asked || due.is_some_and(|due| due.is_zero())) {
                drop(state);
                return Some(self.take_flight());
            }
            if is_asked {
                state.answered = state.requests;
                self.woken.notify_all();
            }
            if state.is_closing {
                return None;
            }
            state = self.wait(state, due);
        }
    }

    fn take_flight(&self) -> Flight {
        // Made before the lock is taken, so that no `append` waits for it. Where it cannot be
        // made, the next `append` says so.
        let next = self.journals.as_ref().and_then(|journals| self.new_journal(journals).ok());
        let mut state = self.state();
        let mut journals = std::mem::take(&mut state.older);
        journals.extend(std::mem::replace(&mut state.journal, next));
        state.in_flight = std::mem::take(&mut state.pending);
        state.is_flight_kept = false;
        let is_retry = state.waiting.failures > 0;
        state.waiting.records = 0;
        Flight {
            records: state.in_flight.clone(),
            late: state.late.take(),
            is_retry,
            journals,
            requests: state.requests,
        }
    }

    /// Tells what retention let go.
    pub(super) fn pruned(&self, outcome: &DeleteOutcome) {
        let sessions = outcome.deleted.len() as u64;
        self.tell(&LiveChange::Pruned { sessions, revision: outcome.revision.clone() });
    }

    /// Tells whoever watches.
    pub(super) fn tell(&self, change: &LiveChange) {
        self.state().watchers.retain(|watcher| watcher.send(change.clone()).is_ok());
    }

    /// Whether anybody watches, as far as is known.
    pub(super) fn is_watched(&self) -> bool {
        !self.state().watchers.is_empty()
    }

    /// What was in flight is in the store. `fold`: the session's, where the one here may hold what
    /// was recognised as a secret since.
    pub(super) fn landed(
        &self,
        flight: Flight,
        revision: Option<RevisionId>,
        fold: Option<HeadFold>,
    ) {
        // Before anybody is told, who may end the process then: what the store has, and may take out as
        // a secret, is nowhere else.
        flight.journals.into_iter().for_each(|journal| drop(journal.remove()));
        let mut state = self.state();
        let records = flight.records.len() as u64;
        state.in_flight.clear();
        state.waiting.failures = 0;
        state.status.saved += records;
        state.status.error = None;
        if let Some(revision) = &revision {
            state.status.last_save = Some((self.environment.clock.now(), revision.clone()));
        }
        if let Some(mut fold) = fold {
            state.pending.iter().for_each(|record| fold.add(record));
            state.fold = fold;
        }
        self.answer(&mut state, flight.requests, &LiveChange::Saved { records, revision });
    }

    /// What was in flight waits again.
    pub(super) fn came_back(&self, flight: Flight, error: &Error) {
        let mut state = self.state();
        let mut records = std::mem::take(&mut state.in_flight);
        records.append(&mut state.pending);
        state.waiting.records = records.len();
        state.pending = records;
        state.late = state.late.take().or(flight.late);
        state.waiting.failures += 1;
        state.waiting.failed = self.environment.stopwatch.elapsed();
        state.status.failures += 1;
        state.status.error = Some((error.kind(), error.to_string()));
        if state.is_flight_kept {
            flight.journals.into_iter().for_each(|journal| drop(journal.remove()));
        } else {
            state.older.extend(flight.journals);
        }
        let failures = state.waiting.failures;
        let (error, pause) = (error.to_string(), self.schedule.pause(failures));
        let change = if state.is_closing {
            LiveChange::Failed { error }
        } else {
            LiveChange::Retrying { error, failures, pause }
        };
        self.answer(&mut state, flight.requests, &change);
    }

    /// Whether what waits is given up for now: the session is closing and its last save failed.
    pub(super) fn is_given_up(&self) -> bool {
        let state = self.state();
        state.is_closing && state.waiting.failures > 0
    }

    /// The saver has ended. Journals that hold nothing go with it; the others are left to be
    /// found.
    pub(super) fn ended(&self) {
        let mut state = self.state();
        state.has_ended = true;
        let journals: Vec<Journal> =
            state.journal.take().into_iter().chain(state.older.drain(..)).collect();
        state.marker.take().into_iter().for_each(|marker| drop(marker.remove()));
        let is_all_saved = state.pending.is_empty() && state.in_flight.is_empty();
        for journal in journals {
            if is_all_saved || journal.is_empty() {
                drop(journal.remove());
            }
        }
        self.woken.notify_all();
    }

    fn answer(&self, state: &mut State, requests: u64, change: &LiveChange) {
        state.answered = state.answered.max(requests);
        state.watchers.retain(|watcher| watcher.send(change.clone()).is_ok());
        self.woken.notify_all();
    }
}
