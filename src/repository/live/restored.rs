//! What a program gets when it goes on with a session.

use std::path::Path;

use serde_json::Value;

use crate::error::Result;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::restore::missing_files;
use crate::session::Action;
use crate::session::Head;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::Session;
use crate::session::SessionId;

/// All that a session holds, as a program needs it to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// Title, workspace, tokens and the rest.
    pub head: Head,
    /// The records in view, without annals' own; of several branches those of the one last used.
    pub records: Vec<Record>,
    /// The record that what comes next follows, if that is not the last one of the stream.
    pub(super) after: Option<RecordKey>,
    /// The model that answered last, or was chosen since.
    pub model: Option<String>,
    /// What the program wanted to find again.
    pub state: Option<Value>,
    /// Context files that are not there now.
    pub missing_files: Vec<String>,
    /// Whether the workspace is there, if the session names one.
    pub workspace_exists: bool,
}

impl Repository {
    pub(super) fn restored(&self, id: SessionId) -> Result<Restored> {
        let at = SessionAt { id, revision: self.store.tip()?, is_past: false };
        let session = self.load(&at)?;
        let head = session.head();
        let root = head.workspace.root.as_deref().map(Path::new);
        let (model, state) = last_choices(&session);
        let branches = session.branches();
        let places = branches.path(branches.last_used);
        Ok(Restored {
            records: places.iter().map(|place| session.records[*place].clone()).collect(),
            after: (branches.ends.len() > 1).then(|| last_key(&session, &places)).flatten(),
            model,
            state,
            missing_files: missing_files(&head, root),
            workspace_exists: root.is_none_or(Path::is_dir),
            head,
        })
    }
}

/// The key of the last one of some records, if others follow it in the stream.
fn last_key(session: &Session, places: &[usize]) -> Option<RecordKey> {
    let last = *places.last()?;
    let is_agents = |record: &Record| !matches!(record, Record::Annals(_));
    let is_followed = session.records[last + 1..].iter().any(is_agents);
    is_followed.then(|| Keys::of(&session.records[..=last]).pop()).flatten()
}

/// The model and the state that hold at the end of the session.
fn last_choices(session: &Session) -> (Option<String>, Option<Value>) {
    let (mut model, mut state) = (None, None);
    for record in session.view() {
        match record {
            Record::Message(message) => {
                let named = message.model.as_ref().filter(|name| !name.starts_with('<'));
                model = named.cloned().or(model);
            }
            Record::Annals(event) => match &event.action {
                Action::Model { name } => model = Some(name.clone()),
                Action::State { value } => state = Some(value.clone()),
                _ => {}
            },
            Record::Event(_) | Record::Unreadable(_) => {}
        }
    }
    (model, state)
}
