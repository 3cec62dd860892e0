//! What differs between two sessions, or two revisions of one.

use serde_json::Value;
use serde_json::json;

use crate::error::Result;
use crate::redact::Clean;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::fork::branch_of;
use crate::repository::observing::observed;
use crate::session::Branches;
use crate::session::DiffStep;
use crate::session::Head;
use crate::session::Record;
use crate::session::SessionId;
use crate::session::diff;
use crate::session::message_steps;
use crate::session::places_in_view;

/// Two versions of a conversation, message by message.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The left side.
    pub left: Head,
    /// The right side.
    pub right: Head,
    /// What people say about it that differs.
    pub fields: Vec<FieldChange>,
    /// What differs, in the order of the conversation; runs of equal messages are counted.
    pub changes: Vec<RecordChange>,
}

/// Something that people say about a session, and the two sides say otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The field of the head: `title`, `tags`, `notes` or `pinned`.
    pub name: &'static str,
    /// What it is on the left side; null: there is none.
    pub left: Value,
    /// What it is on the right side.
    pub right: Value,
}

/// One step of a difference.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordChange {
    /// This many messages are equal.
    Equal(u64),
    /// A message that only the right side has.
    Added(Box<Record>),
    /// A message that only the left side has.
    Removed(Box<Record>),
    /// The same message with another content.
    Changed(Box<Record>, Box<Record>),
}

impl Difference {
    /// Whether both sides hold the same messages, and people say the same of them.
    pub fn is_empty(&self) -> bool {
        let is_equal = |change| matches!(change, &RecordChange::Equal(_));
        self.fields.is_empty() && self.changes.iter().all(is_equal)
    }
}

impl Repository {
    /// What differs between the messages of two sessions, or of two revisions of one. `left` none:
    /// an empty session.
    pub fn diff(&self, left: Option<&SessionAt>, right: &SessionAt) -> Result<Difference> {
        observed(self, Operation::Diff, &[], |it| it.compare(left, right))
    }

    /// What differs between the messages of two branches of a session, from 0, as
    /// [`crate::session::Branches`] counts.
    ///
    /// # Errors
    /// `Invalid`: the session has no such branch.
    pub fn diff_branches(&self, at: &SessionAt, branches: (usize, usize)) -> Result<Difference> {
        observed(self, Operation::Diff, &[], |it| {
            let stored = it.stored(&at.revision, at.id)?;
            let head = it.store.head(&stored)?.into_inner();
            let stream = it.store.records(&stored)?.into_inner();
            let all = Branches::of(&stream);
            let side = |branch: usize| -> Result<Vec<Record>> {
                let places = branch_of(&all, branch)?.into_iter();
                let records = places.map(|place| stream[place].clone());
                Ok(records.filter(|record| record.as_message().is_some()).collect())
            };
            let (left, right) = (side(branches.0)?, side(branches.1)?);
            Ok(Difference {
                changes: changes(&left, &right),
                left: head.clone(),
                right: head,
                fields: Vec::new(),
            })
        })
    }

    fn compare(&self, left: Option<&SessionAt>, right: &SessionAt) -> Result<Difference> {
        let stored = self.stored(&right.revision, right.id)?;
        let right_head = self.store.head(&stored)?.into_inner();
        let (left_head, [left, right]) = match left {
            Some(left) => {
                let left = self.stored(&left.revision, left.id)?;
                let head = self.store.head(&left)?.into_inner();
                (head, self.store.records_of_both(&left, &stored)?.map(messages))
            }
            None => (Head::empty(right.id), [Vec::new(), messages(self.store.records(&stored)?)]),
        };
        let fields = field_changes(&left_head, &right_head);
        let changes = changes(&left, &right);
        Ok(Difference { left: left_head, right: right_head, fields, changes })
    }

    /// The latest two revisions of a session; no left one when there is but one.
    pub fn last_change(&mut self, id: SessionId) -> Result<(Option<SessionAt>, SessionAt)> {
        let revisions = self.index(|index| index.revisions(id))?;
        let mut past = revisions
            .into_iter()
            .filter(|entry| entry.counts.is_some())
            .map(|entry| SessionAt { id, revision: entry.revision, is_past: true });
        let right = past.next();
        let left = past.next();
        match right {
            Some(right) => Ok((left, right)),
            None => {
                let revision = self.newest_revision()?;
                Ok((None, SessionAt { id, revision, is_past: false }))
            }
        }
    }
}

/// What differs between messages, in the order of the conversation.
fn changes(left: &[Record], right: &[Record]) -> Vec<RecordChange> {
    let (left_refs, right_refs): (Vec<_>, Vec<_>) = (left.iter().collect(), right.iter().collect());
    let take = |records: &[Record], place: usize| Box::new(records[place].clone());
    let change = |step| match step {
        DiffStep::Equal(count) => RecordChange::Equal(count as u64),
        DiffStep::Added(place) => RecordChange::Added(take(right, place)),
        DiffStep::Removed(place) => RecordChange::Removed(take(left, place)),
        DiffStep::Changed(was, is) => RecordChange::Changed(take(left, was), take(right, is)),
    };
    message_steps(&diff(&left_refs, &right_refs)).into_iter().map(change).collect()
}

/// The messages in view.
fn messages(stream: Clean<Vec<Record>>) -> Vec<Record> {
    let stream = stream.into_inner();
    let places = places_in_view(&stream);
    let mut stream: Vec<Option<Record>> = stream.into_iter().map(Some).collect();
    let in_view = places.into_iter().filter_map(|place| stream[place].take());
    in_view.filter(|record| record.as_message().is_some()).collect()
}

fn field_changes(left: &Head, right: &Head) -> Vec<FieldChange> {
    let fields = |head: &Head| {
        [
            ("title", json!(head.title)),
            ("tags", json!(head.tags)),
            ("notes", json!(head.notes)),
            ("pinned", json!(head.pinned)),
        ]
    };
    let both = fields(left).into_iter().zip(fields(right));
    both.filter(|((_, left), (_, right))| left != right)
        .map(|((name, left), (_, right))| FieldChange { name, left, right })
        .collect()
}
