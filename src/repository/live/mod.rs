//! Live sessions: what a program appends is on disk at once, and committed by itself.
//!
//! [`LiveSession::append`] puts the records into the session's journal and returns when they are
//! durable. A thread of its own commits what waits: when the interval is over, when much waits, when
//! nothing came for a moment, and when asked. It never prints, and the caller never waits for it:
//! not for the store's lock, not for a commit. What fails is kept, told by
//! [`LiveSession::status`], and tried again, ever more seldom.
//!
//! A program that is told to stop (SIGTERM) calls [`LiveSession::close_within`] and goes: what does
//! not get done in that time is done when the store is next opened.
//!
//! A program that dies leaves its journal, and the next one that opens the store commits it
//! (`recover`). So the thread decides when history gets a revision, not whether anything is lost.

mod flight;
mod restored;
mod saver;
mod schedule;
mod shared;

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use chrono::DateTime;
use chrono::Utc;
use serde_json::Value;

use crate::config::SAVE_INTERVALS;
use crate::config::Section;
use crate::config::Settings;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::repository::Edit;
use crate::repository::OpenOptions;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::StorageNotice;
use crate::repository::observing::observed;
use crate::session::Action;
use crate::session::Head;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;

pub use restored::Restored;

use schedule::Schedule;
use shared::Shared;

/// The shortest and the longest interval of auto-save.
pub const INTERVALS: (Duration, Duration) =
    (Duration::from_secs(*SAVE_INTERVALS.start()), Duration::from_secs(*SAVE_INTERVALS.end()));

/// How a live session is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveOptions {
    /// No record waits longer for its commit; 5 to 300 seconds.
    pub interval: Duration,
    /// When this many wait they are committed.
    pub records: usize,
    /// When nothing came for this long, what waits is committed.
    pub idle: Duration,
    /// Whether records go into a journal before `append` returns. Without it a program that dies
    /// loses what came since the last save.
    pub journal: bool,
    /// How long dropping a session waits for its last save. What is not committed by then stays
    /// in the journal.
    pub patience: Duration,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self::of(&Settings::default())
    }
}

impl LiveOptions {
    /// What the user's settings ask for (`save.interval`, `save.records`, `save.idle`).
    ///
    /// # Errors
    /// `Invalid`: one of them cannot be used; the message names file, line and key.
    pub fn from_settings(settings: &Settings) -> Result<Self> {
        settings.check(Section::Save)?;
        Ok(Self::of(settings))
    }

    fn of(settings: &Settings) -> Self {
        Self {
            interval: settings.save_interval.value,
            records: usize::try_from(settings.save_records.value).unwrap_or(usize::MAX),
            idle: settings.save_idle.value,
            journal: true,
            patience: Duration::from_secs(5),
        }
    }
}

/// A change of what is said of a session, or kept with it.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// Title, tags, notes, pinned.
    Edit(Edit),
    /// The model that answers from now on.
    Model(String),
    /// The files that the session refers to from now on.
    ContextFiles(Vec<String>),
    /// What the program wants to find again when it goes on.
    State(Value),
}

/// How a live session stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveStatus {
    /// Records that are not committed yet. With a journal they are on disk nevertheless.
    pub unsaved: u64,
    /// Records committed since the session was opened.
    pub saved: u64,
    /// When that was done last, and the revision.
    pub last_save: Option<(DateTime<Utc>, RevisionId)>,
    /// Why the last save failed, if it did.
    pub error: Option<String>,
    /// How many saves failed since the session was opened.
    pub failures: u64,
}

/// Something that happened to a live session on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveChange {
    /// Records were committed.
    Saved {
        /// How many.
        records: u64,
        /// The revision; none: the store had them already.
        revision: Option<RevisionId>,
    },
    /// A save failed and will be tried again.
    Retrying {
        /// Why it failed.
        error: String,
        /// How many tries failed in a row.
        failures: u32,
        /// The pause before the next try.
        pause: Duration,
    },
    /// What the user's retention did not keep was let go.
    Pruned {
        /// How many sessions.
        sessions: u64,
        /// The revision.
        revision: Option<RevisionId>,
    },
    /// The store is past the limit of its size (`limits.size`), which is told at most once a day, to
    /// whoever saves first. What would free space is measured; nothing stops being saved.
    LimitReached(StorageNotice),
    /// Remotes that are to be synced with by themselves are due: [`Repository::sync_due`] does that, on
    /// a thread or in a process that no save waits for.
    SyncDue,
    /// The session ended, and its last save failed. What is in the journal is committed when the
    /// store is next opened.
    Failed {
        /// Why.
        error: String,
    },
}

/// A session that is being held: see the module.
///
/// It may be shared between threads. Dropping it saves what waits, within
/// [`LiveOptions::patience`]; [`LiveSession::close`] does so and says whether it worked.
#[derive(Debug)]
pub struct LiveSession {
    shared: Arc<Shared>,
    patience: Duration,
}

impl Repository {
    /// How live sessions are saved, as the user's configuration has it.
    ///
    /// # Errors
    /// As [`LiveOptions::from_settings`].
    pub fn live_options(&self) -> Result<LiveOptions> {
        LiveOptions::from_settings(&self.settings())
    }

    /// Creates a session of that agent and holds it live.
    ///
    /// # Errors
    /// `Invalid`: the interval is outside 5 to 300 seconds.
    pub fn create(&mut self, agent: &str, options: &LiveOptions) -> Result<LiveSession> {
        observed(self, Operation::Create, &[], |it| it.begin_live(agent, options))
    }

    fn begin_live(&mut self, agent: &str, options: &LiveOptions) -> Result<LiveSession> {
        check(options)?;
        let id = self.create_session(agent)?.head.id;
        self.hold(id, options)
    }

    /// Holds a stored session live, and gives what it holds.
    ///
    /// # Errors
    /// `NotFound`: there is no such session. `Invalid`: as for [`Repository::create`].
    pub fn resume(
        &mut self,
        id: SessionId,
        options: &LiveOptions,
    ) -> Result<(LiveSession, Restored)> {
        observed(self, Operation::Resume, &[id], |it| it.resume_live(id, options))
    }

    fn resume_live(
        &mut self,
        id: SessionId,
        options: &LiveOptions,
    ) -> Result<(LiveSession, Restored)> {
        check(options)?;
        self.ready_to_write()?;
        let restored = self.restored(id)?;
        let live = self.hold(id, options)?;
        live.shared.go_on_after(restored.after.clone());
        Ok((live, restored))
    }

    fn hold(&mut self, id: SessionId, options: &LiveOptions) -> Result<LiveSession> {
        let stored = self.stored(&self.store.tip()?, id)?;
        let fold = self.bench()?.fold(&stored)?;
        let schedule = Schedule {
            interval: options.interval,
            records: options.records.max(1),
            idle: options.idle,
        };
        let journals = options.journal.then(|| self.store.journals());
        let rules = self.shared_rules()?;
        let shared = Shared::new(fold, self.environment.clone(), rules, journals, schedule);
        let shared = Arc::new(shared);
        if options.journal {
            shared.begin();
        } else {
            shared.mark(&self.store.journals())?;
        }
        let own = OpenOptions {
            store: Some(self.store.path().to_owned()),
            environment: self.environment.clone(),
            create: false,
        };
        saver::start(Repository::open(&own)?, Arc::clone(&shared))?;
        Ok(LiveSession { shared, patience: options.patience })
    }
}

impl LiveSession {
    /// The session's id.
    pub fn id(&self) -> SessionId {
        self.shared.id()
    }

    /// Adds records: all, or none. When it returns they are durable, if there is a journal. A
    /// message without an id or a time is given one.
    ///
    /// # Errors
    /// `Io` or `Denied`: the journal cannot be written. `Conflict`: the session has ended.
    pub fn append(&self, records: Vec<Record>) -> Result<()> {
        self.shared.append(records)
    }

    /// Changes what is said of the session, or kept with it; as durable as a record.
    pub fn update(&self, update: Update) -> Result<()> {
        self.shared.act(match update {
            Update::Edit(edit) => edit.into_action()?,
            Update::Model(name) => Action::Model { name },
            Update::ContextFiles(paths) => Action::ContextFiles { paths },
            Update::State(value) => Action::State { value },
        })
    }

    /// What a list says of the session, with all that was appended.
    pub fn head(&self) -> Head {
        self.shared.head()
    }

    /// How it stands.
    pub fn status(&self) -> LiveStatus {
        self.shared.status()
    }

    /// Tells what happens from now on. A receiver that is dropped is forgotten.
    pub fn watch(&self) -> Receiver<LiveChange> {
        self.shared.watch()
    }

    /// Commits what waits, and returns when that is done.
    ///
    /// # Errors
    /// What made it fail; it is tried again by itself nevertheless.
    pub fn save(&self) -> Result<Head> {
        self.shared.save()
    }

    /// Looks at the stopwatch again, for programs that brought one of their own.
    pub fn wake(&self) {
        self.shared.wake();
    }

    /// Commits what waits and ends the session.
    ///
    /// # Errors
    /// What made it fail. What is in the journal is committed when the store is next opened.
    pub fn close(self) -> Result<Head> {
        self.shared.end(None)
    }

    /// Commits what waits and ends the session for all who share it, but waits no longer than
    /// that. It is for a program that is told to stop: the crate's page shows how.
    ///
    /// # Errors
    /// `Locked`: it took longer. Else what made it fail. What is in the journal is committed when
    /// the store is next opened.
    pub fn close_within(&self, patience: Duration) -> Result<Head> {
        self.shared.end(Some(patience))
    }
}

impl Drop for LiveSession {
    fn drop(&mut self) {
        // Who wants to know closes it.
        drop(self.shared.end(Some(self.patience)));
    }
}

fn check(options: &LiveOptions) -> Result<()> {
    if (INTERVALS.0..=INTERVALS.1).contains(&options.interval) {
        return Ok(());
    }
    let message = format!(
        "the auto-save interval is {} seconds; 5 to 300 are allowed",
        options.interval.as_secs_f64()
    );
    Err(Error::new(ErrorKind::Invalid, message))
}
