//! What is written down of operations: the one place that all of them pass.
//!
//! [`observed`] goes round an operation: it takes the time, counts it, and gives the audit log a
//! line. What an operation does within another one is part of that one. Neither may stop the
//! operation, so what fails here is counted, and told by `stats` and `doctor`.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::ops::Deref;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use chrono::DateTime;
use chrono::Utc;
use uuid::Uuid;

use crate::config::AuditLevel;
use crate::config::AuditSettings;
use crate::config::Section;
use crate::config::Settings;
use crate::error::Error;
use crate::error::Result;
use crate::observe::AuditLog;
use crate::observe::Entry;
use crate::observe::Failure;
use crate::observe::Metrics;
use crate::observe::MetricsFile;
use crate::platform::Environment;
use crate::redact::Clean;
use crate::redact::Redactor;
use crate::redact::Rules;
use crate::repository::OpenOptions;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::rules::load_rules;
use crate::repository::told::Told;
use crate::session::SessionId;

pub use crate::observe::Operation;

/// What is counted reaches the file after so long, when a failure is among it, or with the end.
const FLUSH: Duration = Duration::from_secs(5);

/// Writes down what is done to one store.
#[derive(Debug)]
pub(super) struct Observer {
    environment: Environment,
    folder: PathBuf,
    audit: OnceCell<Audit>,
    done: RefCell<Metrics>,
    flushed: Cell<Duration>,
    is_within: Cell<bool>,
}

/// The audit log, as the settings have it.
#[derive(Debug)]
enum Audit {
    Off,
    On(AuditLog, AuditLevel),
    /// Its settings cannot be used.
    Unusable,
}

/// An operation that has begun.
pub(super) struct Begun {
    at: DateTime<Utc>,
    start: Duration,
}

impl Begun {
    /// One that begins now.
    pub(super) fn now(environment: &Environment) -> Self {
        Self { at: environment.clock.now(), start: environment.stopwatch.elapsed() }
    }
}

impl Observer {
    /// The observer of the store with that private folder.
    pub(super) fn new(environment: Environment, private_folder: &Path) -> Self {
        let flushed = Cell::new(environment.stopwatch.elapsed());
        Self {
            environment,
            folder: private_folder.to_owned(),
            audit: OnceCell::new(),
            done: RefCell::default(),
            flushed,
            is_within: Cell::new(false),
        }
    }

    fn begin(&self) -> Begun {
        // The settings as they were before: that the log was switched off is the last thing in it.
        self.audit();
        Begun::now(&self.environment)
    }

    /// Writes down what an operation did. `rules`: what error messages are redacted by.
    fn end<T: Told>(
        &self,
        begun: &Begun,
        (operation, sessions): (Operation, &[SessionId]),
        outcome: &Result<T>,
        rules: impl Fn(&str) -> Option<Clean<String>>,
    ) {
        let mut entry = Entry::new(operation, begun.at);
        let now = self.environment.stopwatch.elapsed();
        entry.duration = now.saturating_sub(begun.start);
        entry.sessions = sessions.iter().map(uuid).collect();
        match outcome {
            Ok(outcome) => outcome.tell(&mut entry),
            Err(error) => {
                entry.failure = Some(Failure { kind: error.kind().name(), message: None });
            }
        }
        if entry.sessions.len() > 1 {
            entry.counts.insert("sessions", entry.sessions.len() as u64);
        }
        let kind = entry.failure.as_ref().map(|failure| failure.kind);
        self.note(|done| {
            done.note(operation.name(), entry.at, entry.duration, kind);
            if let Ok(outcome) = outcome {
                outcome.count(begun.at, done);
            }
        });
        if self.is_wanted(&entry) {
            if let (Some(failure), Err(error)) = (&mut entry.failure, outcome) {
                failure.message = rules(&error.to_string());
            }
            self.append(&entry);
        }
        if kind.is_some() || now.saturating_sub(self.flushed.get()) >= FLUSH {
            self.flush();
        }
    }

    /// Counts something.
    pub(super) fn note(&self, note: impl FnOnce(&mut Metrics)) {
        note(&mut self.done.borrow_mut());
    }

    /// Adds what was counted to what all processes did.
    pub(super) fn flush(&self) {
        self.flushed.set(self.environment.stopwatch.elapsed());
        let mut done = self.done.borrow_mut();
        let now = self.environment.clock.now();
        if !done.is_empty() && self.file().add(&done, now).unwrap_or(false) {
            *done = Metrics::default();
        }
    }

    /// What all processes did; this one's too.
    pub(super) fn metrics(&self) -> Metrics {
        let mut metrics = self.file().load();
        metrics.join(self.done.borrow().clone(), self.environment.clock.now());
        metrics
    }

    /// The audit log, as the settings have it now; it may be switched off.
    pub(super) fn log(&self) -> Result<AuditLog> {
        let settings = self.settings();
        settings.check(Section::Audit)?;
        Ok(AuditLog::of(&settings.audit, &self.folder))
    }

    /// That log, and the one that is in the store while nobody says otherwise.
    pub(super) fn logs(&self) -> Result<Vec<AuditLog>> {
        let usual = AuditLog::of(&AuditSettings::default(), &self.folder);
        let log = self.log()?;
        let is_usual = log.folder() == usual.folder();
        Ok(if is_usual { vec![log] } else { vec![log, usual] })
    }

    /// Writes down that something was mended, whatever it was mended for.
    pub(super) fn repaired(&self, what: &'static str, count: u64) {
        let mut entry = Entry::new(Operation::Repair, self.environment.clock.now());
        entry.counts.insert(what, count);
        self.note(|done| done.note(Operation::Repair.name(), entry.at, entry.duration, None));
        if self.is_wanted(&entry) {
            self.append(&entry);
        }
    }

    /// Whether operations are written down.
    pub(super) fn is_auditing(&self) -> bool {
        matches!(self.audit(), Audit::On(..))
    }

    fn file(&self) -> MetricsFile {
        MetricsFile::in_folder(&self.folder)
    }

    fn settings(&self) -> Settings {
        Settings::load(&self.environment.config, &self.environment.home)
    }

    fn audit(&self) -> &Audit {
        self.audit.get_or_init(|| {
            let settings = self.settings();
            if settings.check(Section::Audit).is_err() {
                return Audit::Unusable;
            }
            let audit = &settings.audit;
            if audit.is_enabled.value {
                Audit::On(AuditLog::of(audit, &self.folder), audit.level.value)
            } else {
                Audit::Off
            }
        })
    }

    fn is_wanted(&self, entry: &Entry) -> bool {
        match self.audit() {
            Audit::Off => false,
            Audit::On(_, level) => entry.level() <= *level,
            Audit::Unusable => true,
        }
    }

    fn append(&self, entry: &Entry) {
        let cause = match self.audit() {
            Audit::Off => return,
            Audit::On(log, _) => match log.append(entry) {
                Ok(()) => return,
                // The kind alone: the rest may name files.
                Err(error) => error.kind().to_string(),
            },
            Audit::Unusable => "its settings cannot be used".to_owned(),
        };
        self.note(|done| done.unaudited.note(entry.at, Some(cause)));
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Does what `work` does, and writes it down. `sessions`: those it is about, where its outcome does
/// not say so.
pub(super) fn observed<R, T>(
    mut repository: R,
    operation: Operation,
    sessions: &[SessionId],
    work: impl FnOnce(&mut R) -> Result<T>,
) -> Result<T>
where
    R: Deref<Target = Repository>,
    T: Told,
{
    if repository.observer.is_within.replace(true) {
        return work(&mut repository);
    }
    let begun = repository.observer.begin();
    let outcome = work(&mut repository);
    repository.observer.is_within.set(false);
    repository.note_outcome(&begun, (operation, sessions), &outcome);
    outcome
}

/// As [`observed`], of a step that only finds out what is to be done: it is written down if it
/// fails, for then that is all there was of the operation.
pub(super) fn attempted<R, T>(
    mut repository: R,
    operation: Operation,
    sessions: &[SessionId],
    work: impl FnOnce(&mut R) -> Result<T>,
) -> Result<T>
where
    R: Deref<Target = Repository>,
{
    if repository.observer.is_within.replace(true) {
        return work(&mut repository);
    }
    let begun = repository.observer.begin();
    let outcome = work(&mut repository);
    repository.observer.is_within.set(false);
    if let Err(error) = &outcome {
        let failed: Result<()> = Err(Error::new(error.kind(), error.to_string()));
        repository.note_outcome(&begun, (operation, sessions), &failed);
    }
    outcome
}

/// Does what `work` does, which needs no open store, and writes it down in the one that these
/// options name, if it is there.
pub fn record<T>(
    options: &OpenOptions,
    operation: Operation,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let folder = Repository::locate(options).map(|path| path.join("annals"));
    let Ok(folder) = folder.as_ref() else { return work() };
    if !folder.is_dir() {
        return work();
    }
    let observer = Observer::new(options.environment.clone(), folder);
    let begun = observer.begin();
    let outcome = work();
    let told = outcome.as_ref().map(drop).map_err(|it| Error::new(it.kind(), it.to_string()));
    observer.end(&begun, (operation, &[]), &told, |text| {
        load_rules(&options.environment).ok().map(|rules| clean(&rules, text))
    });
    outcome
}

impl Repository {
    /// Does what is an operation of its own, though it is needed for the one that is at work.
    pub(super) fn apart<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let is_within = self.observer.is_within.replace(false);
        let done = work(self);
        self.observer.is_within.set(is_within);
        done
    }

    /// Writes down what an operation came to that began before there was a repository.
    pub(super) fn note_outcome<T: Told>(
        &self,
        begun: &Begun,
        about: (Operation, &[SessionId]),
        outcome: &Result<T>,
    ) {
        self.observer.end(begun, about, outcome, |text| {
            // Where the rules cannot be loaded nothing passes.
            self.rules().ok().map(|rules| clean(rules, text))
        });
    }
}

fn clean(rules: &Rules, text: &str) -> Clean<String> {
    Redactor::new(rules).text("message", text.to_owned())
}

/// The ids of sessions, for the line of what is done with them.
pub(super) fn ids(sessions: &[SessionAt]) -> Vec<SessionId> {
    sessions.iter().map(|at| at.id).collect()
}

/// A session's id as a line has it.
pub(super) fn uuid(id: &SessionId) -> Uuid {
    Uuid::from_bytes(id.to_bytes())
}
