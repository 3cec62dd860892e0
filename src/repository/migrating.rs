//! The work of a migration: every older session of a revision is staged in its present form.
//!
//! What was staged is noted beside the store, so that a migration that was cut short goes on where
//! it was. A note is only good for the same program under the same rules: it says which.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use chrono::DateTime;
use chrono::Utc;
use sha2::Digest as _;
use sha2::Sha256;

use crate::config::Settings;
use crate::error::Result;
use crate::platform;
use crate::platform::Environment;
use crate::redact::Clean;
use crate::repository::NOTES_LIMIT;
use crate::repository::Progress;
use crate::repository::change::Bench;
use crate::repository::migrate::FailedMigration;
use crate::repository::migrate::failed;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::merge;
use crate::store;
use crate::store::Batch;
use crate::store::Migration;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::StoredSession;

/// The note, in the store's private folder.
const NOTE: &str = "migrating";
/// After so many sessions what is staged is made durable, and noted.
const PORTION: u64 = 2_000;

/// A migration at work.
pub(super) struct Migrating<'s> {
    store: &'s Store,
    at: RevisionId,
    batch: Batch<'s>,
    migration: Migration,
    /// Sessions that stay as they are.
    pub(super) failed: Vec<FailedMigration>,
    note: Note,
}

impl<'s> Migrating<'s> {
    /// The migration of a revision, with what one that was cut short had done of it.
    pub(super) fn of(store: &'s Store, environment: &Environment, at: &RevisionId) -> Self {
        Self {
            store,
            at: at.clone(),
            batch: store.batch(),
            migration: Migration::default(),
            failed: Vec::new(),
            note: Note::read(store, environment),
        }
    }

    /// Stages all sessions that are older.
    pub(super) fn stage_all(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let older = self.store.older_sessions(&self.at)?;
        let total = older.len() as u64;
        for (done, session) in (1..).zip(older) {
            match self.stream(&session) {
                Ok(stream) => self.stage(&session, stream)?,
                Err(error) => self.failed.push(failed(session.id, error)?),
            }
            if done % PORTION == 0 {
                self.batch.keep()?;
                self.note.write()?;
            }
            progress(Progress { unit: "sessions", done, total });
        }
        Ok(())
    }

    /// The records of an older session; none: it was staged before.
    fn stream(
        &self,
        older: &StoredSession,
    ) -> std::result::Result<Option<Clean<Vec<Record>>>, store::Error> {
        if let Some(tree) = self.note.known.get(&(older.id, older.tree))
            && self.store.session_of_tree(older.id, &tree.to_string()).is_ok()
        {
            return Ok(None);
        }
        self.store.records(older).map(Some)
    }

    fn stage(&mut self, older: &StoredSession, stream: Option<Clean<Vec<Record>>>) -> Result<()> {
        let id = older.id;
        if let Some(stream) = stream {
            let (staged, _) = Bench::stage_whole(&mut self.batch, id, None, stream)?;
            self.note.known.insert((id, older.tree), staged.tree);
        }
        let mut tree = self.note.known[&(id, older.tree)];
        // It has the present form too: what others went on with, while it could not be migrated here.
        if let Some(other) = self.store.session(&self.at, id)?.filter(|it| !it.is_older()) {
            let both = self.store.records(&other)?.join(self.store.records(older)?);
            let both = both.map(|(present, older)| merge(&present, &older));
            tree = Bench::stage_whole(&mut self.batch, id, None, both)?.0.tree;
        }
        self.migration.moved.insert(id, tree);
        Ok(())
    }

    /// How many sessions have the present form.
    pub(super) fn count(&self) -> u64 {
        self.migration.moved.len() as u64
    }

    /// Whether it would change nothing in a store that has the present schema.
    pub(super) fn is_idle(&self, version: &str) -> Result<bool> {
        let known = self.store.schema_state(&self.at)?.unmigrated_by;
        Ok(self.migration.moved.is_empty() && known == self.unmigrated_by(version))
    }

    /// Makes it the new tip; none: main moved meanwhile.
    pub(super) fn commit(mut self, version: &str, at: DateTime<Utc>) -> Result<Option<RevisionId>> {
        self.migration.unmigrated_by = self.unmigrated_by(version);
        let revision = self.store.commit_migration(self.batch, &self.at, &self.migration, at)?;
        if revision.is_some() {
            self.note.remove();
        }
        Ok(revision)
    }

    /// Makes a revision of it that no ref leads to.
    pub(super) fn revision(mut self, version: &str) -> Result<RevisionId> {
        self.migration.unmigrated_by = self.unmigrated_by(version);
        let revision = self.store.migrated_revision(self.batch, &self.at, &self.migration)?;
        self.note.remove();
        Ok(revision)
    }

    fn unmigrated_by(&self, version: &str) -> Option<String> {
        (!self.failed.is_empty()).then(|| version.to_owned())
    }
}

/// What was staged already.
struct Note {
    path: PathBuf,
    /// What it depends on beside the sessions.
    conditions: String,
    /// The tree that each session's file became.
    known: HashMap<(SessionId, ObjectId), ObjectId>,
}

impl Note {
    fn read(store: &Store, environment: &Environment) -> Self {
        let path = store.private_folder().join(NOTE);
        let redact = Settings::load(&environment.config, &environment.home).redact;
        let conditions = format!("{} {redact:?}", env!("CARGO_PKG_VERSION"));
        let conditions = Sha256::digest(conditions).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes all");
            text
        });
        let text = platform::read_text_within(&path, NOTES_LIMIT).unwrap_or_default();
        let mut lines = text.lines();
        let is_same = lines.next() == Some(conditions.as_str());
        let entry = |line: &str| {
            let mut words = line.split(' ');
            let id = words.next()?.parse().ok()?;
            let mut object = || ObjectId::parse(words.next()?);
            Some(((id, object()?), object()?))
        };
        let known = lines.filter(|_| is_same).filter_map(entry).collect();
        Self { path, conditions, known }
    }

    fn write(&self) -> Result<()> {
        let mut text = format!("{}\n", self.conditions);
        for ((id, file), tree) in &self.known {
            writeln!(text, "{id} {file} {tree}").expect("a string takes all");
        }
        let written = platform::write_atomic(&self.path, text.as_bytes());
        written.map_err(|source| {
            let doing = "noting how far the migration is".to_owned();
            store::Error::Io { doing, source }.into()
        })
    }

    /// It is of use no more; where it stays, it does no harm.
    fn remove(&self) {
        drop(std::fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Marker;
    use crate::session::Native;
    use crate::session::SCHEMA_VERSION;

    #[test]
    fn what_was_staged_is_known_again_under_the_same_rules_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut environment = Environment::from_process().expect("an environment");
        environment.config = folder.path().join("config");
        let marker = Marker {
            store: uuid::Uuid::nil(),
            schema: SCHEMA_VERSION,
            scrubs: Vec::new(),
            native: Native::new(),
        };
        let path = folder.path().join("store.git");
        let store = Store::init(&path, &marker, environment.clock.now()).expect("a store");
        let id = |digit: &str| ObjectId::parse(&digit.repeat(40)).expect("40 digits");
        let mut note = Note::read(&store, &environment);
        assert!(note.known.is_empty());
        let session = SessionId::captured("a", "b");
        note.known = HashMap::from([((session, id("a")), id("b")), ((session, id("c")), id("d"))]);
        note.write().expect("it is written");
        assert_eq!(Note::read(&store, &environment).known, note.known);
        let config = environment.config.join("annals");
        std::fs::create_dir_all(&config).expect("a folder");
        let rule = "[[redact.rules]]\nname = \"mine\"\npattern = \"zebra-[0-9]+\"\nkeywords = [\"zebra\"]\n";
        std::fs::write(config.join("config.toml"), rule).expect("it is written");
        assert!(Note::read(&store, &environment).known.is_empty(), "other rules, other trees");
        note.remove();
        assert!(!store.private_folder().join(NOTE).exists());
    }
}
