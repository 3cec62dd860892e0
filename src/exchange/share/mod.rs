//! Sessions made ready for others: what a bundle holds, and the proof that nothing else is in it.
//!
//! The way of a session: only what is in view goes along. `leave_out` takes out what no text rule
//! can see or what nobody asked for: pictures, files, snapshots, signatures, the place and the
//! agent's version. [`Redactor`] takes out secrets by today's rules, in all sessions what it finds
//! in one. `ids` gives every id a new one, so that links stay and lead nowhere else. [`Sharing`]
//! takes out the user and the machine. The finished bytes are read back and searched for every
//! value that must not be there ([`Package::render`]); on a hit there is no bundle.
//!
//! It is a pure step: equal sessions, profiles and rules give equal bytes.

mod ids;
mod leave_out;
mod words;

use std::collections::BTreeMap;
use std::collections::HashMap;

use chrono::DateTime;
use chrono::Utc;

use crate::exchange::digest_of;
use crate::exchange::incoming::Weight;
use crate::redact::Clean;
use crate::redact::Profile;
use crate::redact::Redactor;
use crate::redact::Rules;
use crate::redact::Sharing;
use crate::redact::Watch;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::How;
use crate::session::Native;
use crate::session::Origin;
use crate::session::ParentLink;
use crate::session::Record;
use crate::session::Session;
use crate::session::SessionId;
use crate::session::Timestamp;
use crate::store::Bundle;
use crate::store::BundleError;
use crate::store::BundleText;
use crate::store::render_bundle;

use ids::Renaming;
use leave_out::Removal;

pub(super) use words::BUNDLE_VERSION;

/// What goes into a bundle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShareChoice {
    /// Pictures, documents and large texts go along.
    pub with_files: bool,
    /// Times keep their day alone.
    pub coarse_times: bool,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// The rules cannot be used.
    #[error(transparent)]
    Rules(#[from] crate::redact::Error),
    /// Nobody could import it.
    #[error("no bundle can be made of it: {0}")]
    Bundle(#[from] BundleError),
    /// Something that must not leave is still in it.
    #[error("a {kind} was still in the finished bundle, so none was made")]
    Leak {
        /// What kind of value.
        kind: &'static str,
    },
}

/// Sessions that may be handed to others.
#[derive(Debug)]
pub struct Package {
    sessions: Vec<Clean<(Head, Vec<Record>)>>,
    removed: BTreeMap<String, u64>,
    choice: ShareChoice,
    watch: Watch,
}

impl Package {
    /// Takes out of the sessions what others must not see. A sub-agent's session stands behind the
    /// one that started it.
    pub fn new(
        sessions: &[Session],
        profile: &Profile,
        rules: &Rules,
        choice: ShareChoice,
    ) -> Result<Self, ShareError> {
        let heads: Vec<Head> = sessions.iter().map(Session::head).collect();
        let workspaces = workspaces(sessions);
        let profiles = profiles(profile, &workspaces);
        let mut removal = Removal::new(choice, &workspaces);
        // Before the rules are run, which takes longest.
        let streams = sessions.iter().zip(&heads);
        let streams = streams.map(|(session, head)| leaving(&mut removal, session, head));
        let streams: Vec<Vec<Record>> = streams.collect::<Result<_, _>>()?;
        let mut redactor = Redactor::new(rules);
        let streams: Vec<Vec<Clean<Record>>> = streams
            .into_iter()
            .map(|stream| stream.into_iter().map(|record| redactor.record(record)).collect())
            .collect();
        let again = |stream: Vec<Clean<Record>>| {
            Clean::from_items(stream.into_iter().map(|record| redactor.again(record)))
        };
        let streams: Vec<Clean<Vec<Record>>> = streams.into_iter().map(again).collect();
        let renaming = Renaming::new(&heads, &streams);
        let mut sharing = Sharing::strict(&profiles, &workspaces)?;
        let shared: Vec<Clean<Vec<Record>>> = streams
            .into_iter()
            .map(|stream| {
                let renamed = stream.map(|stream| renaming.stream(stream)).items();
                Clean::from_items(renamed.map(|record| sharing.record(record)))
            })
            .collect();
        let old = heads.iter().map(|head| renaming.text(&head.id.to_string())).collect();
        let mut removed = removal.into_counts();
        add(&mut removed, redactor.counts().iter().map(|(rule, count)| (rule.as_str(), *count)));
        add(&mut removed, sharing.counts().iter().map(|(kind, count)| (*kind, *count)));
        let watch = Watch::new(&profiles, &workspaces, redactor.secrets())?;
        Ok(Self { sessions: named(old, shared), removed, choice, watch })
    }

    /// The heads of what leaves.
    pub fn heads(&self) -> impl Iterator<Item = &Head> {
        self.sessions.iter().map(|session| &session.0)
    }

    /// What was taken out, and how often, by kind.
    pub fn removed(&self) -> &BTreeMap<String, u64> {
        &self.removed
    }

    /// The bytes of the bundle, read back and searched.
    ///
    /// # Errors
    /// [`ShareError::Leak`]: something that must not leave is in it.
    pub fn render(&self) -> Result<Vec<u8>, ShareError> {
        let text = BundleText {
            manifest: words::manifest(&self.sessions, &self.removed, self.choice),
            readme: words::readme(&self.sessions, &self.removed),
            subject: words::subject(&self.sessions),
            at: self.at(),
        };
        let bytes = render_bundle(&text, &self.sessions)?;
        let bundle = Bundle::parse(&bytes)?;
        match bundle.texts().find_map(|text| self.watch.find(text)) {
            Some(kind) => Err(ShareError::Leak { kind }),
            None => Ok(bytes),
        }
    }

    /// When the sessions were last at work.
    fn at(&self) -> DateTime<Utc> {
        let times = self.heads().filter_map(|head| Timestamp::parse(head.modified.as_deref()?));
        times.map(|at| at.instant()).max().unwrap_or_default()
    }
}

fn add<'k>(removed: &mut BTreeMap<String, u64>, counts: impl Iterator<Item = (&'k str, u64)>) {
    for (kind, count) in counts {
        *removed.entry(kind.to_owned()).or_default() += count;
    }
}

/// Whose traces are taken out: the user's, and those of others in whose homes sessions were
/// recorded, which is what his own on other machines look like.
fn profiles(profile: &Profile, workspaces: &[String]) -> Vec<Profile> {
    let mut profiles = vec![profile.clone()];
    for found in workspaces.iter().filter_map(|folder| Profile::of_folder(folder)) {
        if profiles.iter().all(|known| known.home != found.home) {
            profiles.push(found);
        }
    }
    profiles
}

/// The folders that the sessions were about, each once.
fn workspaces(sessions: &[Session]) -> Vec<String> {
    let mut folders = Vec::new();
    for record in sessions.iter().flat_map(|session| &session.records) {
        let cwd = record.envelope().and_then(|envelope| envelope.place.cwd.as_ref());
        if let Some(cwd) = cwd.filter(|cwd| !folders.contains(*cwd)) {
            folders.push(cwd.clone());
        }
    }
    folders
}

/// What leaves of a session, before any rule has been run over it.
///
/// # Errors
/// [`ShareError::Bundle`]: it has more values than anybody takes in.
fn leaving(
    removal: &mut Removal<'_>,
    session: &Session,
    head: &Head,
) -> Result<Vec<Record>, ShareError> {
    let mut weight = Weight::of(session.id);
    let mut stream = Vec::new();
    for record in session.view() {
        if let Some(mut record) = removal.record(record) {
            weight.add(&mut record)?;
            stream.push(record);
        }
    }
    let mut stream = with_facts(head, stream);
    let is_fact = |record: &&mut Record| matches!(record, Record::Annals(_));
    stream.iter_mut().take_while(is_fact).try_for_each(|fact| weight.add(fact))?;
    Ok(stream)
}

/// The stream, and before it what the head says and the records in view do not.
fn with_facts(head: &Head, mut stream: Vec<Record>) -> Vec<Record> {
    let is_created = head.origin.as_deref() == Some("created");
    let origin = Origin {
        agent: head.agent.name.clone(),
        session: head.agent.session.clone(),
        how: if is_created { How::Created } else { How::Captured },
    };
    let own = HeadFold::of_stream(head.id, &stream).head().title.clone();
    let title = head.title.clone().filter(|title| own.as_ref() != Some(title));
    let link = head.parent.as_ref().map(|parent| ParentLink {
        session: parent.session.clone(),
        tool_call: parent.tool_call.clone(),
        native: Native::new(),
    });
    let actions = [
        Some(Action::Origin(origin)),
        link.map(Action::Parent),
        title.map(|title| Action::Rename { title }),
        Some(Action::Tag { tags: head.tags.clone() }).filter(|_| !head.tags.is_empty()),
        head.notes.clone().map(|text| Action::Note { text }),
        Some(Action::ContextFiles { paths: head.context_files.clone() })
            .filter(|_| !head.context_files.is_empty()),
    ];
    let facts = actions.into_iter().flatten().map(AnnalsEvent::fact).map(Record::Annals);
    stream.splice(0..0, facts);
    stream
}

/// The sessions under ids that follow from what they hold. `old`: what they are called in links.
fn named(old: Vec<String>, streams: Vec<Clean<Vec<Record>>>) -> Vec<Clean<(Head, Vec<Record>)>> {
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut sessions = Vec::new();
    for (old, stream) in old.into_iter().zip(streams) {
        let session = stream.map(|stream| {
            let stream: Vec<Record> =
                stream.into_iter().filter_map(|record| linked(record, &ids)).collect();
            let id = SessionId::made_of("shared", &digest_of(&stream));
            (HeadFold::of_stream(id, &stream).head().clone(), stream)
        });
        ids.insert(old, session.0.id.to_string());
        sessions.push(session);
    }
    sessions
}

/// The record, if it is a fact with an id made from what it says by now; a link to a session that
/// does not go along goes.
fn linked(record: Record, ids: &HashMap<String, String>) -> Option<Record> {
    let Record::Annals(AnnalsEvent { mut action, .. }) = record else {
        return Some(record);
    };
    if let Action::Parent(link) = &mut action {
        link.session.clone_from(ids.get(&link.session)?);
    }
    Some(Record::Annals(AnnalsEvent::fact(action)))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::session::Message;

    #[test]
    fn a_session_of_more_values_than_anybody_takes_in_is_refused() {
        let outcome = |values: usize| {
            let mut message = Message::new("user", "what was asked");
            message.native.insert("n".to_owned(), Value::from(vec![1; values]));
            let id = SessionId::from_bytes([7; 16]);
            let session = Session { id, records: vec![message.into()] };
            let mut removal = Removal::new(ShareChoice::default(), &[]);
            leaving(&mut removal, &session, &session.head()).map(|stream| stream.len())
        };
        // Beside the numbers: role, text, the list, and the agent in the fact before them.
        assert_eq!(outcome(999_996).expect("a million is taken in"), 2);
        let error = outcome(999_997).expect_err("one more is not").to_string();
        assert!(error.contains("has more than 1000000 values"), "{error}");
    }
}
