//! What a live session and its thread share: the journal, what waits, and how it stands.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::time::Duration;
use std::time::Instant;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::platform::Environment;
use crate::redact::Clean;
use crate::redact::KnownSecrets;
use crate::redact::Redactor;
use crate::redact::Rules;
use crate::repository::live::LiveChange;
use crate::repository::live::LiveStatus;
use crate::repository::live::schedule::Schedule;
use crate::repository::live::schedule::Waiting;
use crate::repository::save::stamp;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::Timestamp;
use crate::store::Journal;
use crate::store::JournalFolder;

/// See the module. Locks are taken in the order of the fields; none is held while something is
/// committed.
#[derive(Debug)]
pub(super) struct Shared {
    session: SessionId,
    pub(super) environment: Environment,
    rules: Arc<Rules>,
    pub(super) journals: Option<JournalFolder>,
    pub(super) schedule: Schedule,
    known: Mutex<KnownSecrets>,
    state: Mutex<State>,
    pub(super) woken: Condvar,
}

/// How it stands.
#[derive(Debug)]
pub(super) struct State {
    pub(super) fold: HeadFold,
    /// Takes the next records; none: it is made when it is needed.
    pub(super) journal: Option<Journal>,
    /// Hold records of `pending` beside it: their save failed.
    pub(super) older: Vec<Journal>,
    /// Tells other processes that the session is held, where there is no other journal.
    pub(super) marker: Option<Journal>,
    /// Not committed, and not being committed.
    pub(super) pending: Vec<Clean<Record>>,
    /// Being committed.
    pub(super) in_flight: Vec<Clean<Record>>,
    /// Whether what is in flight stands in `journal` too.
    pub(super) is_flight_kept: bool,
    /// What the next record follows, if that is not the last one of the stream.
    after: Option<RecordKey>,
    /// Secrets that earlier records may hold, since they were found last.
    pub(super) late: Option<KnownSecrets>,
    pub(super) waiting: Waiting,
    pub(super) requests: u64,
    pub(super) answered: u64,
    pub(super) is_closing: bool,
    pub(super) has_ended: bool,
    pub(super) status: Status,
    pub(super) watchers: Vec<Sender<LiveChange>>,
}

/// What its saves came to.
#[derive(Debug, Default)]
pub(super) struct Status {
    pub(super) saved: u64,
    pub(super) last_save: Option<(DateTime<Utc>, RevisionId)>,
    pub(super) error: Option<(ErrorKind, String)>,
    pub(super) failures: u64,
}

impl Shared {
    pub(super) fn new(
        fold: HeadFold,
        environment: Environment,
        rules: Arc<Rules>,
        journals: Option<JournalFolder>,
        schedule: Schedule,
    ) -> Self {
        let state = State {
            fold,
            journal: None,
            older: Vec::new(),
            marker: None,
            pending: Vec::new(),
            in_flight: Vec::new(),
            is_flight_kept: false,
            after: None,
            late: None,
            waiting: Waiting::default(),
            requests: 0,
            answered: 0,
            is_closing: false,
            has_ended: false,
            status: Status::default(),
            watchers: Vec::new(),
        };
        Self {
            session: state.fold.head().id,
            environment,
            rules,
            journals,
            schedule,
            known: Mutex::default(),
            state: Mutex::new(state),
            woken: Condvar::new(),
        }
    }

    /// Makes the first journal before there is anything for it: it tells other processes that the
    /// session is held. Where it cannot be made, the first `append` says so.
    pub(super) fn begin(&self) {
        let journal = self.journals.as_ref().and_then(|journals| self.new_journal(journals).ok());
        self.state().journal = journal;
    }

    /// Tells other processes that the session is held, and that what is not saved is nowhere else.
    pub(super) fn mark(&self, journals: &JournalFolder) -> Result<()> {
        let now = self.environment.clock.now();
        let name = self.environment.ids.next(now);
        self.state().marker = Some(journals.start_marker(self.session, now, name)?);
        Ok(())
    }

    pub(super) fn id(&self) -> SessionId {
        self.session
    }

    pub(super) fn head(&self) -> Head {
        self.state().fold.head().clone()
    }

    pub(super) fn status(&self) -> LiveStatus {
        let state = self.state();
        LiveStatus {
            unsaved: (state.pending.len() + state.in_flight.len()) as u64,
            saved: state.status.saved,
            last_save: state.status.last_save.clone(),
            error: state.status.error.as_ref().map(|(_, message)| message.clone()),
            failures: state.status.failures,
        }
    }

    pub(super) fn watch(&self) -> Receiver<LiveChange> {
        let (sender, receiver) = mpsc::channel();
        self.state().watchers.push(sender);
        receiver
    }

    pub(super) fn wake(&self) {
        self.woken.notify_all();
    }

    /// What a person or program did, as a record.
    pub(super) fn act(&self, action: Action) -> Result<()> {
        let id = self.environment.ids.next(self.environment.clock.now()).to_string();
        self.append(vec![Record::Annals(AnnalsEvent { id, at: None, action })])
    }

    /// What is appended next follows that record, not the last one of the stream.
    pub(super) fn go_on_after(&self, after: Option<RecordKey>) {
        self.state().after = after;
    }

    pub(super) fn append(&self, mut records: Vec<Record>) -> Result<()> {
        let now = Timestamp::from_instant(self.forward_now());
        for record in &mut records {
            stamp(record, &now, || self.environment.ids.next(now.instant()).to_string());
        }
        let mut known = lock(&self.known);
        if let Some(first) = records.first_mut().filter(|it| it.after().is_none()) {
            first.set_after(self.state().after.clone());
        }
        let mut redactor = Redactor::new(&self.rules);
        redactor.learn_all(&known);
        let before = redactor.known();
        let mut records: Vec<Clean<Record>> =
            records.into_iter().map(|record| redactor.record(record)).collect();
        let has_learned = redactor.known() > before;
        let mut state = self.state();
        if state.has_ended || state.is_closing {
            let message = format!("the session {} has ended", self.session.short());
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        if has_learned {
            *known = redactor.secrets().clone();
            records = records.into_iter().map(|record| redactor.again(record)).collect();
            clean(&mut state, &redactor);
        }
        self.add(&mut state, records, has_learned)?;
        state.after = None;
        Ok(())
    }

    /// Now, or a moment after the session's last change if the clock was set back.
    fn forward_now(&self) -> DateTime<Utc> {
        let now = self.environment.clock.now();
        let state = self.state();
        let last = state.fold.head().modified.as_deref().and_then(Timestamp::parse);
        last.map_or(now, |last| now.max(last.instant() + TimeDelta::milliseconds(1)))
    }

    /// Adds clean records to the journal and to what waits. `anew`: the journal must be written
    /// anew, for what it holds is not as it should be.
    fn add(&self, state: &mut State, records: Vec<Clean<Record>>, anew: bool) -> Result<()> {
        if let Some(journals) = &self.journals {
            let is_good = state.journal.as_ref().is_some_and(Journal::is_sound);
            if anew || !is_good {
                self.begin_journal(state, journals)?;
            }
            if let Some(journal) = &mut state.journal {
                journal.append(&records)?;
            }
        }
        let now = self.environment.stopwatch.elapsed();
        let was_empty = state.pending.is_empty();
        if was_empty {
            state.waiting.first = now;
        }
        state.waiting.last = now;
        records.iter().for_each(|record| state.fold.add(record));
        state.pending.extend(records);
        state.waiting.records = state.pending.len();
        if was_empty || state.pending.len() >= self.schedule.records {
            self.woken.notify_all();
        }
        Ok(())
    }

    /// A journal that holds all that is not committed, in place of those that do.
    fn begin_journal(&self, state: &mut State, journals: &JournalFolder) -> Result<()> {
        let mut journal = self.new_journal(journals)?;
        let waiting = [state.in_flight.as_slice(), state.pending.as_slice()].concat();
        if !waiting.is_empty() {
            journal.append(&waiting)?;
        }
        state.is_flight_kept = true;
        let replaced = state.journal.replace(journal).into_iter().chain(state.older.drain(..));
        // One that cannot be removed is committed once more, which adds nothing.
        replaced.for_each(|journal| drop(journal.remove()));
        Ok(())
    }

    pub(super) fn new_journal(&self, journals: &JournalFolder) -> Result<Journal> {
        let now = self.environment.clock.now();
        Ok(journals.start(self.session, now, self.environment.ids.next(now))?)
    }

    /// Commits what waits, and waits for that.
    pub(super) fn save(&self) -> Result<Head> {
        let mut state = self.state();
        state.requests += 1;
        let mine = state.requests;
        self.woken.notify_all();
        while state.answered < mine && !state.has_ended {
            state = self.wait(state, None);
        }
        outcome(&state)
    }

    /// Ends the session, and waits up to `patience` for its last save; none: as long as it takes.
    pub(super) fn end(&self, patience: Option<Duration>) -> Result<Head> {
        let start = Instant::now();
        let mut state = self.state();
        state.is_closing = true;
        self.woken.notify_all();
        while !state.has_ended {
            let left = patience.map(|patience| patience.saturating_sub(start.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            state = self.wait(state, left);
        }
        outcome(&state)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn wait<'s>(
        &'s self,
        state: MutexGuard<'s, State>,
        patience: Option<Duration>,
    ) -> MutexGuard<'s, State> {
        match patience {
            None => self.woken.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                let waited = self.woken.wait_timeout(state, patience);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }
}

/// Takes what is known as a secret by now out of what waits, and has the saver take it out of what
/// is stored.
fn clean(state: &mut State, redactor: &Redactor<'_>) {
    for records in [&mut state.pending, &mut state.in_flight] {
        *records = std::mem::take(records).into_iter().map(|it| redactor.again(it)).collect();
    }
    state.late = Some(redactor.secrets().clone());
}

/// A thread that panicked leaves values that are whole: each is replaced in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn outcome(state: &State) -> Result<Head> {
    let waits = !state.pending.is_empty() || !state.in_flight.is_empty();
    match &state.status.error {
        Some((kind, message)) => Err(Error::new(*kind, message.clone())),
        None if state.has_ended && waits => {
            Err(Error::new(ErrorKind::Internal, "the session's saver ended before it was done"))
        }
        None if state.is_closing && !state.has_ended => {
            let message = "the session's last save is not done yet; its journal holds what waits";
            Err(Error::new(ErrorKind::Locked, message))
        }
        None => Ok(state.fold.head().clone()),
    }
}
