//! What people say about a session: title, tags, notes, pinned.

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::redact::Clean;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::change::Committed;
use crate::repository::observing::observed;
use crate::session::Action;
use crate::session::Head;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;

/// A change that a person makes to a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// A new title; empty: back to the agent's.
    Rename(String),
    /// Add tags.
    Tag(Vec<String>),
    /// Take tags off.
    Untag(Vec<String>),
    /// The notes' whole text; empty: none.
    Note(String),
    /// Pin or unpin.
    Pin(bool),
}

/// What an edit, a rollback or an undelete did.
#[derive(Debug, Clone, PartialEq)]
pub struct EditOutcome {
    /// The head now.
    pub head: Head,
    /// The revision; none: nothing changed.
    pub revision: Option<RevisionId>,
}

impl Repository {
    /// Changes what people say about a session, in one commit.
    ///
    /// # Errors
    /// `NotFound`: there is no such session. `Invalid`: a tag is empty or holds a blank.
    pub fn edit(&mut self, id: SessionId, edits: &[Edit]) -> Result<EditOutcome> {
        observed(self, operation(edits), &[id], |it| it.make_edits(id, edits))
    }

    fn make_edits(&mut self, id: SessionId, edits: &[Edit]) -> Result<EditOutcome> {
        for edit in edits {
            check(edit)?;
        }
        let now = self.now();
        let ids: Vec<String> = edits.iter().map(|_| self.new_id()).collect();
        let operation = operation(edits).name();
        let committed = self.change_session(operation, id, &mut |bench, batch, tip, id| {
            let base = bench.store.session(tip, id)?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("there is no session {id}"))
            })?;
            let mut fold = bench.fold(&base)?;
            let mut events: Vec<Clean<Record>> = Vec::new();
            for (edit, event_id) in edits.iter().zip(&ids) {
                if let Some(action) = effective(edit, fold.head()) {
                    let event = bench.event(fold.head(), event_id.clone(), now, action);
                    fold.add(&event);
                    events.push(event);
                }
            }
            if events.is_empty() {
                return Ok(None);
            }
            bench.plan_longer(batch, &base, None, Clean::from_items(events)).map(Some)
        })?;
        self.edited(id, committed)
    }

    pub(super) fn edited(&self, id: SessionId, committed: Committed) -> Result<EditOutcome> {
        let revision = committed.revision.clone();
        Ok(EditOutcome { head: self.head_after(id, committed)?, revision })
    }
}

impl Edit {
    /// The edit as an action, whatever the session is like.
    pub(super) fn into_action(self) -> Result<Action> {
        check(&self)?;
        Ok(match self {
            Self::Rename(title) => Action::Rename { title: one_line(&title) },
            Self::Tag(tags) => Action::Tag { tags },
            Self::Untag(tags) => Action::Untag { tags },
            Self::Note(text) => Action::Note { text },
            Self::Pin(pinned) => Action::Pin { pinned },
        })
    }
}

fn one_line(title: &str) -> String {
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn check(edit: &Edit) -> Result<()> {
    let (Edit::Tag(tags) | Edit::Untag(tags)) = edit else {
        return Ok(());
    };
    let is_bad = |tag: &&String| {
        tag.is_empty() || tag.chars().any(|c| c.is_whitespace() || c.is_control() || c == ',')
    };
    match tags.iter().find(is_bad) {
        Some(tag) => Err(Error::new(
            ErrorKind::Invalid,
            format!("the tag {tag:?} must be one word without commas"),
        )),
        None => Ok(()),
    }
}

fn operation(edits: &[Edit]) -> Operation {
    match edits {
        [Edit::Rename(_)] => Operation::Rename,
        [Edit::Tag(_)] => Operation::Tag,
        [Edit::Untag(_)] => Operation::Untag,
        [Edit::Note(_)] => Operation::Note,
        [Edit::Pin(true)] => Operation::Pin,
        [Edit::Pin(false)] => Operation::Unpin,
        _ => Operation::Edit,
    }
}

/// What an edit changes in that head; none: it is so already.
pub(super) fn effective(edit: &Edit, head: &Head) -> Option<Action> {
    match edit {
        Edit::Rename(title) => {
            let title = one_line(title);
            (head.title.as_deref().unwrap_or_default() != title).then_some(Action::Rename { title })
        }
        Edit::Tag(tags) => {
            let tags: Vec<_> = tags.iter().filter(|it| !head.tags.contains(it)).cloned().collect();
            (!tags.is_empty()).then_some(Action::Tag { tags })
        }
        Edit::Untag(tags) => {
            let tags: Vec<_> = tags.iter().filter(|it| head.tags.contains(it)).cloned().collect();
            (!tags.is_empty()).then_some(Action::Untag { tags })
        }
        Edit::Note(text) => (head.notes.as_deref().unwrap_or_default() != text)
            .then(|| Action::Note { text: text.clone() }),
        Edit::Pin(pinned) => (head.pinned != *pinned).then_some(Action::Pin { pinned: *pinned }),
    }
}
