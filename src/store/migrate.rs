//! Bringing a store to the present schema, and back: one commit each.
//!
//! A session moves from its file into a folder of its own; what cannot be migrated stays where it
//! is. The tip before is kept under `refs/annals/backup/`, so nothing that anybody could still want
//! depends on a reflog.

use std::collections::BTreeMap;
use std::fs;

use chrono::DateTime;
use chrono::Utc;
use git2::ObjectType;
use git2::Oid;

use crate::format::Marker;
use crate::platform;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::commit::NEUTRAL_AUTHOR;
use crate::store::commit::TipEdit;
use crate::store::commit_text::CommitText;
use crate::store::commit_text::subject_line;
use crate::store::init::ATTRIBUTES_TEXT;
use crate::store::layout;
use crate::store::layout::ATTRIBUTES;
use crate::store::refs::object_id;
use crate::store::refs::revision;

/// What the commits of a migration are called, both ways.
const OPERATION: &str = "migrate";
/// Where the tips before it are kept.
const BACKUPS: &str = "refs/annals/backup";
/// The field of the marker that says which version of annals could not migrate some sessions.
const UNMIGRATED: &str = "unmigrated";

/// How a revision stands to the schema of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaState {
    /// Its schema version.
    pub schema: u32,
    /// The version of annals that left sessions of an older schema in it, which it could not migrate.
    pub unmigrated_by: Option<String>,
}

/// A migration that is ready to be committed.
#[derive(Debug, Default)]
pub struct Migration {
    /// What becomes of each session that changes: the tree that it is in from now on.
    pub moved: BTreeMap<SessionId, ObjectId>,
    /// The version of annals that could not migrate some; none: there are none of those.
    pub unmigrated_by: Option<String>,
}

impl Store {
    /// The schema of a revision.
    pub fn schema_state(&self, at: &RevisionId) -> Result<SchemaState, Error> {
        let marker = self.marker_at(at)?;
        let by = marker.native.get(UNMIGRATED).and_then(|by| by.as_str()).map(str::to_owned);
        Ok(SchemaState { schema: marker.schema, unmigrated_by: by })
    }

    /// Whether the older sessions of a revision are to be migrated before anything is written.
    pub fn is_migration_due(&self, at: &RevisionId, version: &str) -> Result<bool, Error> {
        // Asked before each save: what is known to be of the present schema is not read again.
        if self.checked_marker.get() == Some(self.marker_id(at)?) {
            return Ok(false);
        }
        Ok(self.schema_state(at)?.is_due(version))
    }

    /// The last change of schema that led to a revision, and the revision before it. None: there was
    /// none, or histories were merged since: then nobody can say what it was a change of.
    pub fn last_migration(
        &self,
        at: &RevisionId,
    ) -> Result<Option<(RevisionId, RevisionId)>, Error> {
        let mut entry = self.commit_entry(at)?;
        while let [before] = entry.parents.as_slice() {
            let before = before.clone();
            if entry.operation == OPERATION {
                let schema = |at: &RevisionId| self.marker_at(at).map(|marker| marker.schema);
                if schema(&entry.revision)? != schema(&before)? {
                    return Ok(Some((entry.revision, before)));
                }
            }
            entry = self.commit_entry(&before)?;
        }
        Ok(None)
    }

    /// The ref that keeps what the store was before a migration; the one of the latest schema.
    pub fn kept_tip(&self) -> Result<Option<String>, Error> {
        let tips = self.other_tips()?.into_iter().map(|(_, name)| name);
        Ok(tips.filter(|name| name.starts_with(BACKUPS)).max())
    }

    /// The commit on top of `at` that a migration is, in `batch`. It is the same on every machine:
    /// for what others gave us.
    pub fn migrated_revision(
        &self,
        mut batch: Batch<'_>,
        at: &RevisionId,
        migration: &Migration,
    ) -> Result<RevisionId, Error> {
        let time = self.commit_time(at)?;
        let commit = self.write_migration(&mut batch, at, migration, (time, NEUTRAL_AUTHOR))?;
        batch.prepare()?;
        batch.flush()?;
        Ok(revision(commit))
    }

    /// Makes a migration of `tip` the new tip. None, and nothing was changed: main is no longer
    /// there.
    pub fn commit_migration(
        &self,
        mut batch: Batch<'_>,
        tip: &RevisionId,
        migration: &Migration,
        at: DateTime<Utc>,
    ) -> Result<Option<RevisionId>, Error> {
        let commit = self.write_migration(&mut batch, tip, migration, (at, self.author()))?;
        self.publish(batch, tip, commit, at)
    }

    /// Makes the state of `to` the new tip, in a commit on top of `tip`. None, and nothing was
    /// changed: main is no longer there.
    pub fn commit_return(
        &self,
        (tip, to): (&RevisionId, &RevisionId),
        at: DateTime<Utc>,
    ) -> Result<Option<RevisionId>, Error> {
        let schema = self.marker_at(to)?.schema;
        let changed = self.changes(Some(tip), to)?;
        let sessions: Vec<SessionId> = changed.into_iter().map(|change| change.id).collect();
        let subject = format!("back to schema {schema}");
        let text =
            CommitText { operation: OPERATION, subject: &subject, sessions: &sessions, schema, at };
        let mut batch = self.batch();
        let tree = self.read_commit(object_id(to))?.tree;
        let bytes = text.render(tree, &[object_id(tip)], self.author());
        let commit = batch.put(ObjectType::Commit, bytes)?;
        self.publish(batch, tip, commit, at)
    }

    /// Makes a revision that was made of `tip`, and that no ref leads to, the new tip. False, and
    /// nothing was changed: main is no longer there.
    pub fn commit_migrated(
        &self,
        (tip, to): (&RevisionId, &RevisionId),
        at: DateTime<Utc>,
    ) -> Result<bool, Error> {
        Ok(self.publish(self.batch(), tip, object_id(to), at)?.is_some())
    }

    fn write_migration(
        &self,
        batch: &mut Batch<'_>,
        at: &RevisionId,
        migration: &Migration,
        (time, author): (DateTime<Utc>, &str),
    ) -> Result<Oid, Error> {
        let mut edit = TipEdit::new(self, at)?;
        edit.move_older(&migration.moved)?;
        let marker = Marker { schema: SCHEMA_VERSION, ..self.marker_at(at)? };
        edit.mark(batch, &marked(marker, migration))?;
        let has_attributes = edit.root.iter().any(|entry| *entry.name == *ATTRIBUTES.as_bytes());
        if !has_attributes {
            let text = ATTRIBUTES_TEXT.as_bytes().to_vec();
            edit.root.set_file(ATTRIBUTES, batch.put(ObjectType::Blob, text)?);
            // Git's check wants it for every tree that names it, also one that nothing leads to.
            batch.flush()?;
        }
        let tree = edit.write_root(batch)?;
        let sessions: Vec<SessionId> = migration.moved.keys().copied().collect();
        let count = sessions.len();
        let noun = if count == 1 { "session" } else { "sessions" };
        let subject = format!("{count} {noun} to schema {SCHEMA_VERSION}");
        let (sessions, schema) = (sessions.as_slice(), SCHEMA_VERSION);
        let text =
            CommitText { operation: OPERATION, subject: &subject, sessions, schema, at: time };
        batch.put(ObjectType::Commit, text.render(tree, &[object_id(at)], author))
    }

    /// Moves main to a commit in `batch`, and keeps where it was.
    fn publish(
        &self,
        mut batch: Batch<'_>,
        tip: &RevisionId,
        commit: Oid,
        at: DateTime<Utc>,
    ) -> Result<Option<RevisionId>, Error> {
        batch.prepare()?;
        let _lock = self.lock()?;
        if self.is_outdated() {
            return Err(Error::Rewritten);
        }
        if self.tip()? != *tip {
            return Ok(None);
        }
        self.keep_tip(tip)?;
        let message = subject_line(OPERATION, "another schema");
        let moved = self.advance(&mut batch, (object_id(tip), commit), at, &message)?;
        Ok(moved.then(|| revision(commit)))
    }

    /// Keeps a tip under a ref of its own, named by its schema and id. Git's lock of it is not needed,
    /// for whoever makes it makes the same; and a dead owner would leave it behind.
    fn keep_tip(&self, tip: &RevisionId) -> Result<(), Error> {
        let schema = self.marker_at(tip)?.schema;
        let name = format!("{BACKUPS}/schema-{schema}-{}", &tip.as_str()[..12]);
        let (made, place) = (self.private_folder().join("keeping-tip"), self.path.join(&name));
        let folder = place.parent().unwrap_or(&self.path);
        // Made apart: whatever lies below `refs` for a moment git takes for a ref.
        let kept = platform::create_private_folder(folder)
            .and_then(|()| platform::write_atomic(&made, format!("{tip}\n").as_bytes()))
            .and_then(|()| fs::rename(&made, &place))
            .and_then(|()| platform::sync_folder(folder));
        let doing = || format!("keeping the tip under {name}");
        kept.map_err(|source| Error::Io { doing: doing(), source })
    }
}

/// The marker after a migration.
fn marked(mut marker: Marker, migration: &Migration) -> Marker {
    match &migration.unmigrated_by {
        Some(by) => drop(marker.native.insert(UNMIGRATED.to_owned(), by.as_str().into())),
        None => drop(marker.native.shift_remove(UNMIGRATED)),
    }
    marker
}

impl TipEdit<'_> {
    /// Has sessions in folders of their own, and their files of an older schema no more.
    fn move_older(&mut self, moved: &BTreeMap<SessionId, ObjectId>) -> Result<(), Error> {
        for (id, tree) in moved {
            self.place(*id, *tree)?;
        }
        self.drop_older(&|name| {
            layout::older_session_of(name).is_some_and(|id| moved.contains_key(&id))
        })
    }
}

impl SchemaState {
    /// Whether sessions of older schemas are to be migrated: all of them, or those that an earlier
    /// version could not.
    pub fn is_due(&self, version: &str) -> bool {
        let is_earlier = |by: &String| numbers(by) < numbers(version);
        self.schema < SCHEMA_VERSION
            || (self.schema == SCHEMA_VERSION
                && self.unmigrated_by.as_ref().is_some_and(is_earlier))
    }
}

/// The numbers of a version.
fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_version_tries_again_what_an_earlier_one_could_not_migrate() {
        let state =
            |schema, by: Option<&str>| SchemaState { schema, unmigrated_by: by.map(str::to_owned) };
        assert!(state(3, None).is_due("0.1.0"));
        assert!(!state(4, None).is_due("0.1.0"));
        assert!(!state(4, Some("0.1.0")).is_due("0.1.0"));
        assert!(state(4, Some("0.9.0")).is_due("0.10.0"));
        assert!(!state(4, Some("0.10.0")).is_due("0.9.0"));
        assert!(!state(5, Some("0.1.0")).is_due("9.0.0"));
    }
}
