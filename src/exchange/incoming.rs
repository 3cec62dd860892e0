//! What enters: bundles, our JSON and YAML, older JSON sessions; looked at whole before any of it
//! is used.
//!
//! A file is one of these by what stands in it, not by its name. Sessions get their ids here: from
//! what they held before any rule touched them, so that the same file gives the same sessions
//! whenever it comes, and never the id that they had elsewhere.
//!
//! Limits: those of [`Bundle`]; 64 MiB and a million values a text; a million values a session.

use serde_json::Value;

use crate::exchange::digest_of;
use crate::exchange::share::BUNDLE_VERSION;
use crate::format;
use crate::format::GivenSession;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Head;
use crate::session::How;
use crate::session::Native;
use crate::session::Origin;
use crate::session::Record;
use crate::session::SessionId;
use crate::session::TextVisitor;
use crate::store::BUNDLE_LIMIT;
use crate::store::Bundle;
use crate::store::BundleError;

/// The most bytes of a file.
pub const INCOMING_LIMIT: u64 = BUNDLE_LIMIT;
/// The most bytes of a text.
const TEXT_LIMIT: usize = 64 << 20;
/// The most values of a session: each takes about 100 bytes of memory.
const MAX_VALUES: usize = 1_000_000;
/// Who wrote a session that does not say.
const UNNAMED_AGENT: &str = "annals";

/// Why a file does not enter.
#[derive(Debug, thiserror::Error)]
pub enum IncomingError {
    /// A bundle that is not taken.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A text that holds no session.
    #[error(transparent)]
    Format(#[from] format::Error),
    /// Something else.
    #[error("{0}")]
    Refused(String),
}

/// A file with sessions.
#[derive(Debug)]
pub struct IncomingFile {
    content: FileContent,
}

#[derive(Debug)]
enum FileContent {
    Bundle(Bundle),
    Text(Vec<GivenSession>),
}

/// A session as it comes.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The id it had where it comes from.
    pub source: String,
    /// The agent.
    pub agent: String,
    /// The id of the session that started it, as it was there.
    pub parent: Option<String>,
    /// What follows from all that it holds.
    digest: String,
    /// The agent's own name for a sub-agent.
    subagent: Option<String>,
    /// What is odd about it.
    pub warnings: Vec<String>,
    records: Vec<Record>,
}

/// What a session is called from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewName {
    /// Its id.
    pub id: SessionId,
    /// The agent's id of it.
    pub native: String,
}

impl IncomingFile {
    /// Reads a file and checks its form.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, IncomingError> {
        if bytes.starts_with(b"# v") {
            let bundle = Bundle::parse(&bytes)?;
            check_manifest(&bundle)?;
            return Ok(Self { content: FileContent::Bundle(bundle) });
        }
        if bytes.len() > TEXT_LIMIT {
            let limit = TEXT_LIMIT >> 20;
            return Err(IncomingError::Refused(format!("it has more than {limit} MiB")));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| IncomingError::Refused("it is no bundle, and no UTF-8 text".to_owned()))?;
        Ok(Self { content: FileContent::Text(format::parse_sessions(&text)?) })
    }

    /// How many sessions it holds.
    pub fn len(&self) -> usize {
        match &self.content {
            FileContent::Bundle(bundle) => bundle.sessions().len(),
            FileContent::Text(sessions) => sessions.len(),
        }
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads a session, and checks it.
    pub fn session(&self, number: usize) -> Result<Incoming, IncomingError> {
        let given = match &self.content {
            FileContent::Bundle(bundle) => from_bundle(bundle, number)?,
            FileContent::Text(sessions) => sessions[number].clone(),
        };
        Incoming::of(given)
    }
}

fn check_manifest(bundle: &Bundle) -> Result<(), IncomingError> {
    let manifest = format::parse_value(bundle.manifest())?;
    let number = |name: &str| manifest.get(name).and_then(Value::as_u64);
    let refused = |cause: &str| Err(IncomingError::Refused(format!("its annals.yaml {cause}")));
    if let Some(schema) =
        number("schema").filter(|it| *it > u64::from(crate::session::SCHEMA_VERSION))
    {
        let found = u32::try_from(schema).unwrap_or(u32::MAX);
        return Err(BundleError::TooNew { found }.into());
    }
    if number("bundle") != Some(BUNDLE_VERSION) {
        return refused("is not that of a bundle");
    }
    if number("schema") != Some(u64::from(crate::session::SCHEMA_VERSION)) {
        return refused("names a schema that bundles never had");
    }
    let listed = manifest.get("sessions").and_then(Value::as_array);
    let listed: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
    let held: Vec<String> = bundle.sessions().iter().map(|it| it.id().to_string()).collect();
    let is_same = listed.len() == held.len() && held.iter().all(|id| listed.contains(&id.as_str()));
    if is_same { Ok(()) } else { refused("lists other sessions than it holds") }
}

fn from_bundle(bundle: &Bundle, number: usize) -> Result<GivenSession, IncomingError> {
    let session = &bundle.sessions()[number];
    let head = bundle.head(session)?;
    if head.id != session.id() {
        let text = format!("the session.yaml of session {} names another one", session.id());
        return Err(IncomingError::Refused(text));
    }
    let mut records = Vec::new();
    let mut weight = Weight::of(session.id());
    bundle.each_chunk::<IncomingError>(session, &mut |mut chunk: Vec<Record>| {
        chunk.iter_mut().try_for_each(|record| weight.add(record))?;
        records.append(&mut chunk);
        Ok(())
    })?;
    Ok(GivenSession { head, records, warnings: Vec::new() })
}

impl Incoming {
    fn of(given: GivenSession) -> Result<Self, IncomingError> {
        let GivenSession { head, records, warnings } = given;
        if !records.iter().any(|record| !matches!(record, Record::Annals(_))) {
            let text = format!("session {} has no records", head.id);
            return Err(IncomingError::Refused(text));
        }
        let digest = digest_of(&records);
        let (mut agent, mut native) = (head.agent.name.clone(), head.agent.session.clone());
        let mut parent = None;
        for record in &records {
            match record {
                Record::Annals(AnnalsEvent { action: Action::Origin(origin), .. }) => {
                    agent.clone_from(&origin.agent);
                    native.clone_from(&origin.session);
                }
                Record::Annals(AnnalsEvent { action: Action::Parent(link), .. }) => {
                    parent = Some(link.session.clone());
                }
                _ => {}
            }
        }
        if agent.is_empty() {
            UNNAMED_AGENT.clone_into(&mut agent);
        }
        let is_nil = head.id == Head::default().id;
        let source = if is_nil { digest[..16].to_owned() } else { head.id.to_string() };
        let subagent =
            native.as_deref().and_then(|it| it.split_once('/')).map(|it| it.1.to_owned());
        Ok(Self {
            source,
            agent,
            parent,
            digest,
            subagent,
            warnings,
            records: said(&head, records),
        })
    }

    /// What it is called here. `again`: how many times it is here already; `parent`: what the
    /// session is called that started it.
    pub fn name(&self, again: u32, parent: Option<&NewName>) -> NewName {
        let seed = format!("{}\n{}\n{again}", self.source, self.digest);
        let id = SessionId::made_of("imported", &seed).to_string();
        let native = match parent {
            Some(parent) => {
                let own = self.subagent.as_deref().unwrap_or(&id);
                format!("{}/{own}", parent.native)
            }
            None => id,
        };
        // As capture will call it, once it is restored and its agent goes on with it.
        NewName { id: SessionId::captured(&self.agent, &native), native }
    }

    /// Its records under that name.
    pub fn records(&self, name: &NewName, parent: Option<&NewName>) -> Vec<Record> {
        let origin = Origin {
            agent: self.agent.clone(),
            session: Some(name.native.clone()),
            how: How::Imported { from: self.source.clone() },
        };
        let mut records = vec![Record::Annals(AnnalsEvent::fact(Action::Origin(origin)))];
        for record in &self.records {
            match record {
                Record::Annals(AnnalsEvent { action: Action::Origin(_), .. }) => {}
                Record::Annals(AnnalsEvent { action: Action::Parent(link), .. }) => {
                    let mut link = link.clone();
                    if let Some(parent) = parent {
                        link.session = parent.id.to_string();
                    }
                    let link = AnnalsEvent::fact(Action::Parent(link));
                    records.push(Record::Annals(link));
                }
                record => records.push(record.clone()),
            }
        }
        records
    }
}

/// The records, and before them what the head alone says, where somebody wrote it by hand.
fn said(head: &Head, mut records: Vec<Record>) -> Vec<Record> {
    if records.iter().any(|record| matches!(record, Record::Annals(_))) {
        return records;
    }
    for record in &mut records {
        if let Record::Message(message) = record {
            let place = &mut message.envelope.place;
            place.cwd = place.cwd.take().or_else(|| head.workspace.root.clone());
            place.branch = place.branch.take().or_else(|| head.workspace.branch.clone());
        }
    }
    let actions = [
        head.title.clone().map(|title| Action::Rename { title }),
        Some(Action::Tag { tags: head.tags.clone() }).filter(|_| !head.tags.is_empty()),
        head.notes.clone().map(|text| Action::Note { text }),
        Some(Action::ContextFiles { paths: head.context_files.clone() })
            .filter(|_| !head.context_files.is_empty()),
    ];
    let facts = actions.into_iter().flatten().map(AnnalsEvent::fact).map(Record::Annals);
    records.splice(0..0, facts);
    records
}

/// Counts the values of a session, up to the most that one may have.
pub(super) struct Weight {
    session: SessionId,
    values: usize,
}

impl Weight {
    pub(super) fn of(session: SessionId) -> Self {
        Self { session, values: 0 }
    }

    /// Counts those of a record in.
    ///
    /// # Errors
    /// [`BundleError::Refused`]: the session has too many.
    pub(super) fn add(&mut self, record: &mut Record) -> Result<(), BundleError> {
        record.visit_texts(self);
        if self.values <= MAX_VALUES {
            return Ok(());
        }
        let text = format!("session {} has more than {MAX_VALUES} values", self.session);
        Err(BundleError::Refused(text))
    }

    fn add_value(&mut self, value: &Value) {
        self.values += 1;
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.add_value(item)),
            Value::Object(fields) => fields.values().for_each(|value| self.add_value(value)),
            _ => {}
        }
    }
}

impl TextVisitor for Weight {
    fn text(&mut self, _: &str, _: &mut String) {
        self.values += 1;
    }

    fn value(&mut self, _: &str, value: &mut Value) {
        self.add_value(value);
    }

    fn native(&mut self, native: &mut Native) {
        native.values().for_each(|value| self.add_value(value));
    }

    fn bytes(&mut self, _: &mut Vec<u8>) {
        self.values += 1;
    }
}
