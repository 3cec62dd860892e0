//! Saving: new sessions, and records added to one.

use std::collections::HashMap;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::format;
use crate::redact::Clean;
use crate::redact::Redactor;
use crate::repository::Edit;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::change::Bench;
use crate::repository::change::Committed;
use crate::repository::change::Planned;
use crate::repository::edit::effective;
use crate::repository::observing::observed;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Head;
use crate::session::How;
use crate::session::Keys;
use crate::session::Origin;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::Session;
use crate::session::SessionId;
use crate::session::Timestamp;
use crate::store::Batch;

/// What a save did.
#[derive(Debug, Clone, PartialEq)]
pub struct SaveOutcome {
    /// The session's head.
    pub head: Head,
    /// The revision; none: the store held all of it.
    pub revision: Option<RevisionId>,
}

/// The agent of sessions that name none.
const UNNAMED_AGENT: &str = "annals";

impl Repository {
    /// Stores a session given as YAML or JSON text, in the form of `annals show --raw` or a plain
    /// document with `messages`.
    ///
    /// # Errors
    /// `Invalid`: the text is neither; the message names line and cause.
    pub fn save_text(&mut self, text: &str) -> Result<SaveOutcome> {
        observed(self, Operation::Save, &[], |it| it.save_parsed(text))
    }

    fn save_parsed(&mut self, text: &str) -> Result<SaveOutcome> {
        let (head, mut records) = format::parse_session(text)?;
        if records.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "the session has no messages"));
        }
        let id = if head.id == Head::default().id { self.create_id() } else { head.id };
        let is_event = |record: &Record| matches!(record, Record::Annals(_));
        if !records.iter().any(is_event) {
            place(&head, &mut records);
            let mut stream = self.opening(&head, &self.known_head(id)?);
            stream.append(&mut records);
            records = stream;
        }
        self.save(&Session { id, records })
    }

    /// Stores a new session of that agent, still without messages.
    pub(super) fn create_session(&mut self, agent: &str) -> Result<SaveOutcome> {
        let mut head = Head::empty(self.create_id());
        agent.clone_into(&mut head.agent.name);
        let records = self.opening(&head, &Head::empty(head.id));
        self.save(&Session { id: head.id, records })
    }

    /// Stores a session: what the store does not have of it is added to what it has.
    pub fn save(&mut self, session: &Session) -> Result<SaveOutcome> {
        observed(self, Operation::Save, &[session.id], |it| it.save_whole(session))
    }

    fn save_whole(&mut self, session: &Session) -> Result<SaveOutcome> {
        let rules = self.rules()?;
        let mut redactor = Redactor::new(rules);
        let clean: Vec<Clean<Record>> =
            session.records.iter().map(|record| redactor.record(record.clone())).collect();
        let clean: Vec<Clean<Record>> =
            clean.into_iter().map(|record| redactor.again(record)).collect();
        self.save_clean(session.id, &clean)
    }

    /// Adds records to a session; a message without an id or a time is given one.
    ///
    /// # Errors
    /// `NotFound`: there is no such session.
    pub fn append(&mut self, id: SessionId, records: Vec<Record>) -> Result<SaveOutcome> {
        observed(self, Operation::Save, &[id], |it| it.add_records(id, records))
    }

    fn add_records(&mut self, id: SessionId, records: Vec<Record>) -> Result<SaveOutcome> {
        let now = Timestamp::from_instant(self.now());
        let mut redactor = Redactor::new(self.rules()?);
        let records: Vec<Clean<Record>> = records
            .into_iter()
            .map(|mut record| {
                stamp(&mut record, &now, || self.new_id());
                redactor.record(record)
            })
            .collect();
        let records = Clean::from_items(records);
        let committed = self.change_session("save", id, &mut |bench, batch, tip, id| {
            let base = bench.store.session(tip, id)?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("there is no session {id}"))
            })?;
            bench.plan_longer(batch, &base, None, records.clone()).map(Some)
        })?;
        self.saved(id, committed)
    }

    /// The id of a new session.
    pub fn create_id(&self) -> SessionId {
        SessionId::from_uuid(self.environment.ids.next(self.now()))
    }

    pub(super) fn save_clean(
        &mut self,
        id: SessionId,
        records: &[Clean<Record>],
    ) -> Result<SaveOutcome> {
        let committed = self.change_session("save", id, &mut |bench, batch, tip, id| {
            plan_union(bench, batch, tip, id, records)
        })?;
        self.saved(id, committed)
    }

    fn saved(&self, id: SessionId, committed: Committed) -> Result<SaveOutcome> {
        let revision = committed.revision.clone();
        Ok(SaveOutcome { head: self.head_after(id, committed)?, revision })
    }

    /// What the tip says of a session; nothing, where it has none.
    fn known_head(&self, id: SessionId) -> Result<Head> {
        match self.store.session(&self.store.tip()?, id)? {
            Some(stored) => Ok(self.store.head(&stored)?.into_inner()),
            None => Ok(Head::empty(id)),
        }
    }

    /// The events that a session needs which is given with title, tags and the like; `known`: what
    /// the store says of it already.
    fn opening(&self, head: &Head, known: &Head) -> Vec<Record> {
        let agent = if head.agent.name.is_empty() { UNNAMED_AGENT } else { &head.agent.name };
        let origin = Origin {
            agent: agent.to_owned(),
            session: head.agent.session.clone(),
            how: How::Created,
        };
        let mut stream = vec![Record::Annals(AnnalsEvent::fact(Action::Origin(origin)))];
        if let Some(repository) = &head.workspace.repository {
            let action = Action::Workspace { repository: repository.clone() };
            stream.push(Record::Annals(AnnalsEvent::fact(action)));
        }
        let edits = [
            head.title.clone().map(Edit::Rename),
            Some(Edit::Tag(head.tags.clone())),
            head.notes.clone().map(Edit::Note),
            head.pinned.then_some(Edit::Pin(true)),
        ];
        let mut actions: Vec<Action> =
            edits.iter().flatten().filter_map(|edit| effective(edit, known)).collect();
        if !head.context_files.is_empty() && head.context_files != known.context_files {
            actions.push(Action::ContextFiles { paths: head.context_files.clone() });
        }
        let created = head.created.as_deref().filter(|_| known.modified.is_none());
        let at = created
            .and_then(Timestamp::parse)
            .unwrap_or_else(|| Timestamp::from_instant(self.now()));
        stream.extend(actions.into_iter().map(|action| {
            Record::Annals(AnnalsEvent { id: self.new_id(), at: Some(at.clone()), action })
        }));
        stream
    }
}

/// Gives a record an id and a time where it has none.
pub(super) fn stamp(record: &mut Record, now: &Timestamp, new_id: impl FnOnce() -> String) {
    let envelope = match record {
        Record::Message(message) => &mut message.envelope,
        Record::Event(event) => &mut event.envelope,
        Record::Annals(event) => {
            if !event.is_fact() {
                event.at.get_or_insert_with(|| now.clone());
            }
            return;
        }
        Record::Unreadable(_) => return,
    };
    envelope.id.get_or_insert_with(new_id);
    envelope.at.get_or_insert_with(|| now.clone());
}

/// Records without a place are taken to be where the head says that the session was.
fn place(head: &Head, records: &mut [Record]) {
    let workspace = &head.workspace;
    for record in records {
        if let Record::Message(message) = record {
            let place = &mut message.envelope.place;
            place.cwd = place.cwd.take().or_else(|| workspace.root.clone());
            place.branch = place.branch.take().or_else(|| workspace.branch.clone());
        }
    }
}

/// Plans the union of what the tip has of a session and `records`, by key and content.
fn plan_union(
    bench: &Bench<'_>,
    batch: &mut Batch<'_>,
    tip: &RevisionId,
    id: SessionId,
    records: &[Clean<Record>],
) -> Result<Option<Planned>> {
    let messages = |records: &[Clean<Record>]| {
        records.iter().filter(|record| record.as_message().is_some()).count() as u64
    };
    let Some(base) = bench.store.session(tip, id)? else {
        let stream = Clean::from_items(records.iter().cloned());
        return Bench::plan_whole(batch, id, None, stream, messages(records)).map(Some);
    };
    let stream = bench.store.records(&base)?;
    let keys = Keys::of(&stream);
    let known: HashMap<&RecordKey, &Record> = keys.iter().zip(stream.iter()).collect();
    let mut contents: HashMap<&str, Vec<&Record>> = HashMap::new();
    for (key, record) in &known {
        contents.entry(key.base()).or_default().push(record);
    }
    let mut numbering = Keys::default();
    let mut fresh = Vec::new();
    for record in records {
        let key = numbering.next(record);
        // A record that changed stands behind the first one with its key: there it is found again.
        let is_there = |stored: &&Record| {
            **stored == **record
                || contents.get(key.base()).is_some_and(|all| all.contains(&&**record))
        };
        if !known.get(&key).is_some_and(is_there) {
            fresh.push(record.clone());
        }
    }
    if fresh.is_empty() {
        return Ok(None);
    }
    bench.plan_longer(batch, &base, Some(stream), Clean::from_items(fresh)).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Environment;
    use crate::repository::Filter;
    use crate::repository::OpenOptions;
    use crate::repository::Page;
    use crate::repository::SortKey;
    use crate::session::Content;
    use crate::session::Message;

    fn repository() -> (tempfile::TempDir, Repository) {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = Environment::from_process().expect("an environment");
        let store = Some(folder.path().join("store.git"));
        let options = OpenOptions { store, environment, create: true };
        let repository = Repository::open(&options).expect("a store");
        (folder, repository)
    }

    #[test]
    fn a_created_session_is_stored_before_it_has_messages_and_grows() {
        let (_folder, mut repository) = repository();
        let created = repository.create_session("my-agent").expect("created");
        assert!(created.revision.is_some(), "a new session has its files at once");
        let (id, page) = (created.head.id, Page { offset: 0, limit: 9 });
        let listing = repository.list(&Filter::default(), SortKey::Modified, false, page);
        assert_eq!(listing.expect("a list").sessions[0].head.id, id);
        let messages = vec![Message::new("user", "Why?").into(), Message::new("tool", "Ok").into()];
        let head = repository.append(id, messages).expect("appended").head;
        assert_eq!((head.counts.messages, head.preview.as_deref()), (2, Some("Why?")));
        assert_eq!(
            (head.agent.name.as_str(), head.origin.as_deref()),
            ("my-agent", Some("created"))
        );
        let at = repository.resolve(&id.short(), None).expect("it is found");
        let session = repository.load(&at).expect("it loads");
        let said = session.records.iter().filter_map(Record::as_message).map(|it| &it.content);
        let expected = ["Why?", "Ok"].map(|text| Content::Text(text.to_owned()));
        assert!(said.eq(&expected), "what was appended is what is loaded");
    }

    #[test]
    fn a_session_given_as_text_keeps_its_workspace() {
        let (_folder, mut repository) = repository();
        let text = "workspace: {root: /src/x, branch: main, repository: example.com/x}\n\
                    messages:\n- {role: user, text: hello}\n";
        let workspace = repository.save_text(text).expect("saved").head.workspace;
        assert_eq!(workspace.root.as_deref(), Some("/src/x"));
        assert_eq!(workspace.branch.as_deref(), Some("main"));
        assert_eq!(workspace.repository.as_deref(), Some("example.com/x"));
    }
}
