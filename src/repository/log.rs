//! The revisions of a session, each with what it changed.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::RevisionEntry;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::observing::observed;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::SessionId;
use crate::session::view;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::StoredSession;

/// A revision of a session, and what it changed.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// The revision.
    pub entry: RevisionEntry,
    /// Messages that came with it.
    pub added: u64,
    /// Messages that went with it.
    pub removed: u64,
    /// Why the session cannot be read there, if it cannot; what came and went is then told of the
    /// next revision that can.
    pub damaged: Option<String>,
}

/// What a revision has of the session, as far as the next one is compared with it.
struct Past {
    /// None: nothing.
    stored: Option<StoredSession>,
    /// How many messages each of its chunks holds.
    messages: Vec<u64>,
    /// The records of its last chunk.
    last: Vec<Record>,
    /// Whether its view is the stream as it stands.
    is_whole: bool,
    /// The keys of the messages in view, where they were asked for.
    keys: OnceCell<HashSet<RecordKey>>,
}

impl Past {
    fn nothing() -> Self {
        Self {
            stored: None,
            messages: Vec::new(),
            last: Vec::new(),
            is_whole: true,
            keys: OnceCell::from(HashSet::new()),
        }
    }

    fn chunks(&self) -> &[(u32, ObjectId)] {
        self.stored.as_ref().map_or(&[], |stored| &stored.chunks)
    }

    /// The keys of the messages in view.
    fn keys(&self, store: &Store) -> Result<&HashSet<RecordKey>> {
        if let (None, Some(stored)) = (self.keys.get(), &self.stored) {
            drop(self.keys.set(messages_in_view(store, stored, self.is_whole)?));
        }
        Ok(self.keys.get_or_init(HashSet::new))
    }
}

impl Repository {
    /// The revisions of a session, newest first; those that cannot be read say why.
    pub fn log(&mut self, id: SessionId) -> Result<Vec<LogEntry>> {
        observed(self, Operation::Log, &[id], |it| it.revisions_of(id))
    }

    fn revisions_of(&mut self, id: SessionId) -> Result<Vec<LogEntry>> {
        let revisions = self.index(|index| index.revisions(id))?;
        let mut entries = Vec::with_capacity(revisions.len());
        let mut before = Past::nothing();
        // Oldest first, so that of each revision only what is new in it is read.
        for entry in revisions.into_iter().rev() {
            let told = match self.step_from(&before, &entry, id) {
                Ok((now, added, removed)) => {
                    before = now;
                    (added, removed, None)
                }
                // One that is damaged does not hide the others.
                Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::TooNew) => {
                    (0, 0, Some(error.to_string()))
                }
                Err(error) => return Err(error),
            };
            let (added, removed, damaged) = told;
            entries.push(LogEntry { entry, added, removed, damaged });
        }
        entries.reverse();
        Ok(entries)
    }

    /// What a revision has, and how many messages came and went since the one before.
    fn step_from(
        &self,
        before: &Past,
        entry: &RevisionEntry,
        id: SessionId,
    ) -> Result<(Past, u64, u64)> {
        let (now, goes_on) = if entry.is_deleted {
            (Past::nothing(), false)
        } else {
            self.past(self.stored(&entry.revision, id)?, before)?
        };
        if goes_on && before.is_whole && now.is_whole {
            // A key stands for one record, so all that came are others.
            let sum = |past: &Past| past.messages.iter().sum::<u64>();
            let added = sum(&now) - sum(before);
            return Ok((now, added, 0));
        }
        let (old, new) = (before.keys(&self.store)?, now.keys(&self.store)?);
        let added = new.difference(old).count() as u64;
        let removed = old.difference(new).count() as u64;
        Ok((now, added, removed))
    }

    /// What is stored, and whether its stream is that of the revision before with records behind
    /// it. Chunks that both have are not read again.
    fn past(&self, stored: StoredSession, before: &Past) -> Result<(Past, bool)> {
        let pairs = stored.chunks.iter().zip(before.chunks());
        let same = pairs.take_while(|(now, before)| now == before).count();
        self.store.check_files(&stored)?;
        let mut now = Past {
            stored: None,
            messages: before.messages[..same].to_vec(),
            last: Vec::new(),
            is_whole: before.is_whole || same == 0,
            keys: OnceCell::new(),
        };
        let mut goes_on = before.chunks().len() == same;
        // The last one that both have is read again where nothing follows it.
        let from = same.min(stored.chunks.len().saturating_sub(1));
        now.messages.truncate(from);
        for (place, chunk) in stored.chunks.iter().enumerate().skip(from) {
            let records = self.store.chunk_records(stored.id, stored.tree, *chunk)?.into_inner();
            if place == same && before.chunks().len() == same + 1 {
                goes_on = records.starts_with(&before.last);
            }
            now.is_whole &= !records.iter().any(Record::changes_view);
            let messages = records.iter().filter(|record| record.as_message().is_some());
            now.messages.push(messages.count() as u64);
            now.last = records;
        }
        now.stored = Some(stored);
        Ok((now, goes_on))
    }
}

/// The keys of the messages in view. `is_whole`: it is the stream as it stands.
fn messages_in_view(
    store: &Store,
    stored: &StoredSession,
    is_whole: bool,
) -> Result<HashSet<RecordKey>> {
    let mut found = HashSet::new();
    if is_whole {
        let mut keys = Keys::default();
        // Nothing breaks it off.
        let _ = store.each_record(stored, &mut |record| {
            let key = keys.next(record);
            if record.as_message().is_some() {
                found.insert(key);
            }
            ControlFlow::Continue(())
        })?;
        return Ok(found);
    }
    let stream = store.records(stored)?;
    let keys = Keys::of(&stream);
    let in_view = view(&stream, &keys).into_iter();
    let messages = in_view.filter(|place| stream[*place].as_message().is_some());
    found.extend(messages.map(|place| keys[place].clone()));
    Ok(found)
}
