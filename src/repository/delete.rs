//! Deleting sessions from the tip, and bringing them back from history.

use chrono::DateTime;
use chrono::Utc;
use sha2::Digest as _;
use sha2::Sha256;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::format::Tombstone;
use crate::redact::Clean;
use crate::repository::EditOutcome;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::change::Bench;
use crate::repository::change::Committed;
use crate::repository::change::Planned;
use crate::repository::change::subject;
use crate::repository::merging::buried_stream;
use crate::repository::observing::observed;
use crate::session::Action;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::Timestamp;
use crate::store::Batch;
use crate::store::Change;
use crate::store::CommitNote;
use crate::store::Store;
use crate::store::StoredSession;

/// What a delete did.
#[derive(Debug, Clone, PartialEq)]
pub struct DeleteOutcome {
    /// The heads of what was deleted, sub-agents' sessions included.
    pub deleted: Vec<Head>,
    /// The revision.
    pub revision: Option<RevisionId>,
}

/// What bringing back the sessions of a revision did.
#[derive(Debug, Clone, PartialEq)]
pub struct UndeleteOutcome {
    /// The heads of what came back.
    pub sessions: Vec<Head>,
    /// The revision.
    pub revision: Option<RevisionId>,
}

impl Repository {
    /// Deletes sessions with their sub-agents' sessions, in one commit: a tombstone without
    /// content stands for each. History keeps them.
    ///
    /// # Errors
    /// `NotFound`: one of them is not there; then none is deleted.
    pub fn delete(&mut self, ids: &[SessionId]) -> Result<DeleteOutcome> {
        observed(self, Operation::Delete, ids, |it| it.delete_all(ids))
    }

    fn delete_all(&mut self, ids: &[SessionId]) -> Result<DeleteOutcome> {
        self.ready_to_write()?;
        let ids = self.with_subagents(ids)?;
        self.bury("delete", &ids)
    }

    /// Puts a tombstone in the place of each session, in one commit. Of what others changed
    /// meanwhile, a prune leaves alone.
    pub(super) fn bury(
        &mut self,
        operation: &'static str,
        ids: &[SessionId],
    ) -> Result<DeleteOutcome> {
        let at = self.now();
        let bench = self.bench()?;
        let tip = bench.store.tip()?;
        let batch = bench.store.batch();
        let mut planned = Vec::new();
        let mut deleted = Vec::new();
        for id in ids {
            let stored = self.stored(&tip, *id)?;
            deleted.push(bench.store.head(&stored)?.into_inner());
            planned.push(tombstone(&bench, &stored, &Timestamp::from_instant(at))?);
        }
        let subject = match planned.as_slice() {
            [] => {
                return Ok(DeleteOutcome { deleted, revision: None });
            }
            [one] => one.subject.clone(),
            [one, ..] => {
                one.subject.derive(|name| format!("{name} and {} more", planned.len() - 1))
            }
        };
        let note = CommitNote { operation, subject, at };
        let committed = bench.commit(batch, &note, planned, &mut |bench, _, tip, id| {
            let stored = bench.store.session(tip, id)?;
            let Some(stored) = stored.filter(|_| operation != "prune") else {
                return Ok(None);
            };
            tombstone(bench, &stored, &Timestamp::from_instant(at)).map(Some)
        })?;
        self.follow(&committed);
        deleted.retain(|head| committed.is_gone(head.id));
        Ok(DeleteOutcome { deleted, revision: committed.revision })
    }

    /// Brings a deleted session back as it was before, with the sub-agents' sessions that went
    /// with it.
    ///
    /// # Errors
    /// `Conflict`: it is not deleted. `NotFound`: history does not have it.
    pub fn undelete(&mut self, id: SessionId) -> Result<EditOutcome> {
        observed(self, Operation::Undelete, &[id], |it| it.undelete_one(id))
    }

    fn undelete_one(&mut self, id: SessionId) -> Result<EditOutcome> {
        self.ready_to_write()?;
        let at = self.now();
        let mut buried = vec![(self.last_before_deletion(id)?, self.new_id())];
        for other in self.index(|index| index.deleted_with(id))? {
            let stored = self.last_before_deletion(other)?;
            let parent = self.store.head(&stored)?.into_inner().parent;
            if parent.is_some_and(|parent| parent.session == id.to_string()) {
                buried.push((stored, self.new_id()));
            }
        }
        if self.store.session(&self.store.tip()?, id)?.is_some() {
            let message = format!("session {} is not deleted", id.short());
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let committed = self.bring_back(&buried, at)?;
        self.edited(id, committed)
    }

    /// Brings back all that a revision deleted and that is still deleted, in one commit: what a
    /// prune took. `text`: the beginning of the revision.
    ///
    /// # Errors
    /// `NotFound`: there is no such revision, or nothing that it deleted is still so.
    pub fn undelete_revision(&mut self, text: &str) -> Result<UndeleteOutcome> {
        observed(self, Operation::Undelete, &[], |it| it.undelete_all(text))
    }

    fn undelete_all(&mut self, text: &str) -> Result<UndeleteOutcome> {
        self.ready_to_write()?;
        let revision = self.store.find_revision(text)?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("there is no revision {text}"))
        })?;
        let mut buried = Vec::new();
        for id in self.index(|index| index.deleted_in(&revision))? {
            buried.push((self.last_before_deletion(id)?, self.new_id()));
        }
        if buried.is_empty() {
            let message = format!("nothing that revision {} deleted is gone", revision.short());
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let at = self.now();
        let committed = self.bring_back(&buried, at)?;
        let sessions = buried.iter().filter_map(|(it, _)| committed.heads.get(&it.id).cloned());
        Ok(UndeleteOutcome { sessions: sessions.collect(), revision: committed.revision })
    }

    /// Brings sessions back, each with the event of that id.
    fn bring_back(
        &mut self,
        buried: &[(StoredSession, String)],
        at: DateTime<Utc>,
    ) -> Result<Committed> {
        let bench = self.bench()?;
        let tip = bench.store.tip()?;
        let plan = |bench: &Bench<'_>, batch: &mut Batch<'_>, tip: &RevisionId, id: SessionId| {
            let found = buried.iter().find(|(stored, _)| stored.id == id);
            match found {
                Some((stored, event)) if bench.store.session(tip, id)?.is_none() => {
                    dig_up(bench, batch, (tip, stored), event, at).map(Some)
                }
                _ => Ok(None),
            }
        };
        let mut batch = bench.store.batch();
        let mut planned = Vec::new();
        for (stored, _) in buried {
            planned.extend(plan(&bench, &mut batch, &tip, stored.id)?);
        }
        let subject = planned.first().map(|it| it.subject.clone());
        let subject = subject.unwrap_or_else(|| Clean::stored("nothing".to_owned()));
        let note = CommitNote { operation: "undelete", subject, at };
        let committed = bench.commit(batch, &note, planned, &mut { plan })?;
        self.follow(&committed);
        Ok(committed)
    }

    /// The session in the newest revision that still had it.
    pub(super) fn last_before_deletion(&mut self, id: SessionId) -> Result<StoredSession> {
        let revisions = self.index(|index| index.revisions(id))?;
        let last = revisions.iter().find(|entry| entry.counts.is_some());
        let last = last.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("history has no session {}", id.short()))
        })?;
        self.stored(&last.revision, id)
    }

    pub(super) fn with_subagents(&mut self, ids: &[SessionId]) -> Result<Vec<SessionId>> {
        self.index(|index| {
            let mut all = Vec::new();
            for id in ids {
                for id in [*id].into_iter().chain(index.subagents(*id)?) {
                    if !all.contains(&id) {
                        all.push(id);
                    }
                }
            }
            Ok(all)
        })
    }
}

/// Brings a session back with what each line of history had of it when it was deleted there.
fn dig_up(
    bench: &Bench<'_>,
    batch: &mut Batch<'_>,
    (tip, buried): (&RevisionId, &StoredSession),
    event: &str,
    at: DateTime<Utc>,
) -> Result<Planned> {
    let stream = match buried_stream(bench.store, tip, buried.id)? {
        Some(stream) => stream,
        None => bench.store.records(buried)?,
    };
    let head = HeadFold::of_stream(buried.id, &stream).head().clone();
    let event = bench.event(&head, event.to_owned(), at, Action::Undelete);
    let stream = Clean::from_items(stream.items().chain([event]));
    Bench::plan_whole(batch, buried.id, None, stream, 0)
}

/// What stands for a session that is deleted now.
pub(super) fn tombstone_of(
    store: &Store,
    stored: &StoredSession,
    at: &Timestamp,
) -> Result<Clean<Tombstone>> {
    let head = store.head(stored)?;
    let keys = store.records(stored)?.derive(|stream| short_keys(stream));
    Ok(head.derive(|head| Tombstone {
        id: stored.id,
        agent: head.agent.name.clone(),
        session: head.agent.session.clone(),
        at: at.to_string(),
        keys: keys.to_vec(),
    }))
}

fn tombstone(bench: &Bench<'_>, stored: &StoredSession, at: &Timestamp) -> Result<Planned> {
    let head = bench.store.head(stored)?;
    let tombstone = tombstone_of(bench.store, stored, at)?;
    let change = Change::Delete { base: Some(stored.tree), tombstone };
    Ok(Planned { change, fold: None, added: 0, subject: head.derive(|head| subject(head, 0)) })
}

/// The keys of a stream as a tombstone holds them: short, each once, sorted.
pub(super) fn short_keys(stream: &[Record]) -> Vec<RecordKey> {
    let mut keys: Vec<RecordKey> = Keys::of(stream).iter().map(shorten).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// 16 digits of a hash: the ids of some agents differ only at their end.
pub(super) fn shorten(key: &RecordKey) -> RecordKey {
    let base = key.base();
    let digest = Sha256::digest(base.as_bytes());
    let beginning = digest[..8].iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    RecordKey(format!("{beginning:016x}{}", &key.0[base.len()..]))
}
