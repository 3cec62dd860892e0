//! Deleting sessions from the tip, and bringing them back from history.

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::format::Tombstone;
use crate::redact::Clean;
use crate::repository::EditOutcome;
use crate::repository::Repository;
use crate::repository::change::Bench;
use crate::repository::change::Planned;
use crate::repository::change::subject;
use crate::session::Action;
use crate::session::Head;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::Timestamp;
use crate::store::Change;
use crate::store::CommitNote;
use crate::store::StoredSession;

/// How many characters of a key a tombstone keeps: enough to know the record again.
const SHORT_KEY: usize = 16;

/// What a delete did.
#[derive(Debug, Clone, PartialEq)]
pub struct DeleteOutcome {
    /// The heads of what was deleted, sub-agents' sessions included.
    pub deleted: Vec<Head>,
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
        let ids = self.with_subagents(ids)?;
        let at = self.now();
        let bench = self.bench()?;
        let tip = bench.store.tip()?;
        let batch = bench.store.batch();
        let mut planned = Vec::new();
        let mut deleted = Vec::new();
        for id in &ids {
            let stored = self.stored(&tip, *id)?;
            deleted.push(bench.store.head(&stored)?.into_inner());
            planned.push(bury(&bench, &stored, &Timestamp::from_instant(at))?);
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
        let note = CommitNote { operation: "delete", subject, at };
        let committed = bench.commit(batch, &note, planned, &mut |bench, _, tip, id| {
            let Some(stored) = bench.store.session(tip, id)? else {
                return Ok(None);
            };
            bury(bench, &stored, &Timestamp::from_instant(at)).map(Some)
        })?;
        self.follow(&committed)?;
        Ok(DeleteOutcome { deleted, revision: committed.revision })
    }

    /// Brings a deleted session back as it was before.
    ///
    /// # Errors
    /// `Conflict`: it is not deleted. `NotFound`: history does not have it.
    pub fn undelete(&mut self, id: SessionId) -> Result<EditOutcome> {
        let now = self.now();
        let event_id = self.new_id();
        let buried = self.last_before_deletion(id)?;
        let committed = self.change_session("undelete", id, &mut |bench, batch, tip, id| {
            if bench.store.session(tip, id)?.is_some() {
                let message = format!("session {} is not deleted", id.short());
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            let head = bench.store.head(&buried)?;
            let event = bench.event(&head, event_id.clone(), now, Action::Undelete);
            let stream = bench.store.records(&buried)?;
            let stream = Clean::from_items(stream.items().chain([event]));
            Bench::plan_whole(batch, id, None, stream, 0).map(Some)
        })?;
        self.edited(id, committed)
    }

    /// The session in the newest revision that still had it.
    pub(super) fn last_before_deletion(&mut self, id: SessionId) -> Result<StoredSession> {
        let revisions = self.index()?.revisions(id)?;
        let last = revisions.iter().find(|entry| entry.counts.is_some());
        let last = last.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("history has no session {}", id.short()))
        })?;
        self.stored(&last.revision, id)
    }

    fn with_subagents(&mut self, ids: &[SessionId]) -> Result<Vec<SessionId>> {
        let index = self.index()?;
        let mut all = Vec::new();
        for id in ids {
            for id in [*id].into_iter().chain(index.subagents(*id)?) {
                if !all.contains(&id) {
                    all.push(id);
                }
            }
        }
        Ok(all)
    }
}

fn bury(bench: &Bench<'_>, stored: &StoredSession, at: &Timestamp) -> Result<Planned> {
    let head = bench.store.head(stored)?;
    let keys = bench.store.records(stored)?.derive(|stream| short_keys(stream));
    let tombstone = head.derive(|head| Tombstone {
        id: stored.id,
        agent: head.agent.name.clone(),
        session: head.agent.session.clone(),
        at: at.to_string(),
        keys: keys.to_vec(),
    });
    let change = Change::Delete { base: stored.tree, tombstone };
    Ok(Planned { change, fold: None, added: 0, subject: head.derive(|head| subject(head, 0)) })
}

/// The keys of a stream as a tombstone holds them: short, each once, sorted.
pub(super) fn short_keys(stream: &[Record]) -> Vec<RecordKey> {
    let mut keys: Vec<RecordKey> = Keys::of(stream).iter().map(shorten).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn shorten(key: &RecordKey) -> RecordKey {
    let base = key.base();
    let short: String = base.chars().take(SHORT_KEY).collect();
    RecordKey(format!("{short}{}", &key.0[base.len()..]))
}
