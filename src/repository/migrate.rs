//! Bringing a store of an older schema to the present one, in one commit, and back.
//!
//! It comes by itself before anything is written; who only reads needs none, for the store reads
//! older sessions too. A session that cannot be migrated stays as it is, and the others go on.
//! A store that was brought back is only read until somebody asks for the migration again.

use std::sync::Arc;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::redact::Clean;
use crate::redact::Redactor;
use crate::repository::Operation;
use crate::repository::Progress;
use crate::repository::Repository;
use crate::repository::merging::Merging;
use crate::repository::migrating::Migrating;
use crate::repository::observing::attempted;
use crate::repository::observing::observed;
use crate::repository::rules::load_rules;
use crate::session::Head;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;
use crate::store;
use crate::store::CleanRecords;

/// The version of this program: a later one tries again what it could not migrate.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How often it is begun again when somebody who knows no lock moves main meanwhile.
const TRIES: usize = 5;

/// What a migration would do.
#[derive(Debug, Clone, PartialEq)]
pub struct MigrationPlan {
    /// The schema of the store.
    pub from: u32,
    /// Whether the store was brought back to that schema by [`Repository::undo_migration`].
    pub is_undone: bool,
    /// The sessions that would be migrated.
    pub sessions: Vec<MigratedSession>,
    /// Those that cannot be.
    pub failed: Vec<FailedMigration>,
    /// Names among the sessions that are none of ours: what has them stays, and is never read.
    pub foreign: Vec<String>,
}

/// A session that would be migrated.
#[derive(Debug, Clone, PartialEq)]
pub struct MigratedSession {
    /// Its schema.
    pub from: u32,
    /// Its head in the present form.
    pub head: Head,
}

/// A session that cannot be migrated, and stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedMigration {
    /// The session.
    pub session: SessionId,
    /// Why, with file and line.
    pub reason: String,
}

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationOutcome {
    /// The schema that the store had.
    pub from: u32,
    /// How many sessions have the present form now.
    pub sessions: u64,
    /// Those that stayed as they were.
    pub failed: Vec<FailedMigration>,
    /// Names among the sessions that are none of ours: what has them stays, and is never read.
    pub foreign: Vec<String>,
    /// The tip before.
    pub before: RevisionId,
    /// The commit; none: there was nothing to do.
    pub revision: Option<RevisionId>,
}

/// What taking a migration back did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoneMigration {
    /// The schema that the store has again.
    pub to: u32,
    /// Sessions that were saved since the migration: what came to them then is in history, until
    /// the store is migrated again.
    pub set_aside: Vec<SessionId>,
    /// The tip before.
    pub before: RevisionId,
    /// The revision whose state it is.
    pub state_of: RevisionId,
    /// The commit; none: it only says what it would do.
    pub revision: Option<RevisionId>,
}

/// What is heard of a migration that comes by itself.
#[derive(Debug)]
pub enum MigrationStep<'m> {
    /// How far it is.
    Progress(Progress),
    /// It is done.
    Done(&'m MigrationOutcome),
}

/// Hears of a migration that comes by itself.
pub type MigrationListener = Box<dyn FnMut(MigrationStep<'_>) + Send>;

/// Who hears of it, if anybody does.
#[derive(Default)]
pub(super) struct Listener(Option<MigrationListener>);

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listener")
    }
}

impl Repository {
    /// Says who hears of a migration that comes by itself, before something is written.
    pub fn listen_to_migration(&mut self, listener: MigrationListener) {
        self.listener = Listener(Some(listener));
    }

    /// Finds out what a migration would do, and changes nothing.
    pub fn plan_migration(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<MigrationPlan> {
        attempted(self, Operation::Migrate, &[], |it| it.planned_migration(progress))
    }

    fn planned_migration(&self, progress: &mut dyn FnMut(Progress)) -> Result<MigrationPlan> {
        let tip = self.store.tip()?;
        let from = self.store.schema_state(&tip)?.schema;
        refuse_newer(from)?;
        let mut plan = MigrationPlan {
            from,
            is_undone: self.undone(&tip)?.is_some(),
            sessions: Vec::new(),
            failed: Vec::new(),
            foreign: self.store.foreign_names(&tip)?,
        };
        let older = self.store.older_sessions(&tip)?;
        let total = older.len() as u64;
        for (done, session) in (1..).zip(older) {
            match self.store.head(&session) {
                Ok(head) => plan.sessions.push(MigratedSession {
                    from: self.store.schema_of(&session)?,
                    head: head.into_inner(),
                }),
                Err(error) => plan.failed.push(failed(session.id, error)?),
            }
            progress(Progress { unit: "sessions", done, total });
        }
        Ok(plan)
    }

    /// Brings the store to the present schema: sessions that could not be migrated before are tried
    /// again, and a store that was brought back goes forward again, with all that it had then.
    ///
    /// # Errors
    /// `TooNew`: a later version wrote it.
    pub fn migrate(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<MigrationOutcome> {
        let outcome = observed(&mut *self, Operation::Migrate, &[], |it| it.migrate_all(progress))?;
        // What programs that died had not committed waited for it.
        self.recover();
        Ok(outcome)
    }

    /// Whether a migration comes before anything is written.
    pub(super) fn is_to_be_migrated(&self) -> Result<bool> {
        let tip = self.store.tip()?;
        Ok(self.store.is_migration_due(&tip, VERSION)? && self.undone(&tip)?.is_none())
    }

    /// Brings the store back to what it was before its last migration, in a commit. What came to it
    /// since is in history, and comes back when it is migrated again; until then it is only read.
    ///
    /// # Errors
    /// `Conflict`: there is no migration to take back.
    pub fn undo_migration(&mut self, is_dry_run: bool) -> Result<UndoneMigration> {
        if is_dry_run {
            return attempted(self, Operation::Migrate, &[], |it| it.undo(true));
        }
        observed(self, Operation::Migrate, &[], |it| it.undo(false))
    }

    fn undo(&mut self, is_dry_run: bool) -> Result<UndoneMigration> {
        self.catch_up()?;
        for _ in 0..TRIES {
            let before = self.store.tip()?;
            let schema = self.store.schema_state(&before)?.schema;
            refuse_newer(schema)?;
            if schema < SCHEMA_VERSION {
                let message =
                    format!("there is nothing to take back: the store has schema {schema}");
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            let Some((migration, state_of)) = self.store.last_migration(&before)? else {
                let mut message = "there is no migration to take back: this store was made in its \
                    present schema, or merged with another one since"
                    .to_owned();
                if let Some(kept) = self.store.kept_tip()? {
                    message = format!("{message}. What it was before is kept under {kept}");
                }
                return Err(Error::new(ErrorKind::Conflict, message));
            };
            let since = self.store.changes(Some(&migration), &before)?;
            let mut outcome = UndoneMigration {
                to: self.store.schema_state(&state_of)?.schema,
                set_aside: since.into_iter().map(|change| change.id).collect(),
                before,
                state_of,
                revision: None,
            };
            if is_dry_run {
                return Ok(outcome);
            }
            let (at, ends) = (self.now(), (&outcome.before, &outcome.state_of));
            outcome.revision = self.store.commit_return(ends, at)?;
            if outcome.revision.is_some() {
                return Ok(outcome);
            }
        }
        Err(moving())
    }

    /// To be called before anything is written: opens the store anew if its history was rewritten,
    /// and migrates it if it is of an older schema.
    ///
    /// # Errors
    /// `TooOld`: somebody brought it back to that.
    pub(super) fn ready_to_write(&mut self) -> Result<()> {
        self.catch_up()?;
        let tip = self.store.tip()?;
        // Who went on would skip each session for it, and call that done.
        self.store.check_readable(&tip)?;
        if !self.store.is_migration_due(&tip, VERSION)? {
            return Ok(self.store.check_schema(&tip)?);
        }
        if self.undone(&tip)?.is_some() {
            let found = self.store.schema_state(&tip)?.schema;
            let message = format!(
                "the store was brought back to schema {found}, and is only read by this program"
            );
            return Err(Error::new(ErrorKind::TooOld, message));
        }
        let Listener(mut listener) = std::mem::take(&mut self.listener);
        let mut tell = |step: MigrationStep<'_>| {
            if let Some(listener) = &mut listener {
                listener(step);
            }
        };
        let outcome =
            self.apart(|it| it.migrate(&mut |progress| tell(MigrationStep::Progress(progress))));
        if let Ok(outcome) = &outcome {
            tell(MigrationStep::Done(outcome));
        }
        self.listener = Listener(listener);
        outcome.map(drop).map_err(|error| {
            let message = format!("the store cannot be migrated to schema {SCHEMA_VERSION}");
            Error::new(error.kind(), format!("{message}: {error}"))
        })
    }

    fn migrate_all(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<MigrationOutcome> {
        self.catch_up()?;
        refuse_newer(self.store.schema_state(&self.store.tip()?)?.schema)?;
        self.store.complete_settings()?;
        for _ in 0..TRIES {
            let (before, at) = (self.store.tip()?, self.now());
            let from = self.store.schema_state(&before)?.schema;
            refuse_newer(from)?;
            let undone = self.undone(&before)?;
            let mut outcome = MigrationOutcome {
                from,
                sessions: 0,
                failed: Vec::new(),
                foreign: self.store.foreign_names(&before)?,
                before: before.clone(),
                revision: None,
            };
            if let Some((_, state)) = undone.as_ref().filter(|(back, _)| *back == before) {
                // Nobody wrote since: it is as it was.
                outcome.sessions = self.store.changes(Some(&before), state)?.len() as u64;
                outcome.revision = self.store.commit_return((&before, state), at)?;
                if outcome.revision.is_none() {
                    continue;
                }
                return Ok(outcome);
            }
            let mut migrating = Migrating::of(&self.store, &self.environment, &before);
            migrating.stage_all(progress)?;
            outcome.failed.clone_from(&migrating.failed);
            if from == SCHEMA_VERSION && migrating.is_idle(VERSION)? {
                return Ok(outcome);
            }
            outcome.sessions = migrating.count();
            outcome.revision = match undone {
                Some(undone) => self.rejoin(migrating, &before, undone)?,
                None => migrating.commit(VERSION, at)?,
            };
            if outcome.revision.is_some() {
                return Ok(outcome);
            }
        }
        Err(moving())
    }

    /// What was saved between the migration and its taking back, and what an older program saved
    /// since: both are there, or nothing was changed. None: main moved meanwhile.
    fn rejoin(
        &self,
        migrating: Migrating<'_>,
        before: &RevisionId,
        (back, state): (RevisionId, RevisionId),
    ) -> Result<Option<RevisionId>> {
        let ours = migrating.revision(VERSION)?;
        let merging = Merging::of(&self.store, (&ours, &state, Some(&back)))?;
        let joined = merging.write(&self.store)?;
        let is_done = self.store.commit_migrated((before, &joined), self.now())?;
        Ok(is_done.then_some(joined))
    }

    /// The commit that brought a revision back to an older schema, and the revision before that.
    fn undone(&self, at: &RevisionId) -> Result<Option<(RevisionId, RevisionId)>> {
        if self.store.schema_state(at)?.schema >= SCHEMA_VERSION {
            return Ok(None);
        }
        Ok(self.store.last_migration(at)?)
    }

    /// What others have, in the present schema; the same revision where it is that already. No ref
    /// moves.
    ///
    /// # Errors
    /// `TooOld`: somebody brought it back to an older schema.
    pub(super) fn in_present_schema(&self, theirs: &RevisionId) -> Result<RevisionId> {
        let found = self.store.schema_state(theirs)?.schema;
        if found >= SCHEMA_VERSION {
            return Ok(theirs.clone());
        }
        if self.undone(theirs)?.is_some() {
            let message =
                format!("what the remote has was brought back to schema {found} by somebody");
            return Err(Error::new(ErrorKind::TooOld, message));
        }
        let mut migrating = Migrating::of(&self.store, &self.environment, theirs);
        migrating.stage_all(&mut |_| {})?;
        migrating.revision(VERSION)
    }
}

/// What older sessions pass, by the user's settings as they are when the first one is read.
pub(super) fn cleaner(environment: &crate::platform::Environment) -> Arc<CleanRecords> {
    let environment = environment.clone();
    let rules = std::sync::OnceLock::new();
    Arc::new(move |records: Vec<Record>| {
        let loaded = match rules.get() {
            Some(rules) => rules,
            None => {
                let loaded = load_rules(&environment).map_err(|error| error.to_string())?;
                rules.get_or_init(|| loaded)
            }
        };
        let mut redactor = Redactor::new(loaded);
        let records: Vec<Clean<Record>> =
            records.into_iter().map(|record| redactor.record(record)).collect();
        Ok(Clean::from_items(records.into_iter().map(|record| redactor.again(record))))
    })
}

/// A session's own fault is told; any other stops the migration.
pub(super) fn failed(session: SessionId, error: store::Error) -> Result<FailedMigration> {
    match error {
        store::Error::Corrupt { .. } | store::Error::TooNew { .. } => {
            Ok(FailedMigration { session, reason: error.to_string() })
        }
        error => Err(error.into()),
    }
}

fn refuse_newer(found: u32) -> Result<()> {
    if found > SCHEMA_VERSION {
        return Err(store::Error::TooNew { found }.into());
    }
    Ok(())
}

fn moving() -> Error {
    let message = "others write into the store all the time, so it cannot be migrated";
    Error::new(ErrorKind::Locked, message)
}
