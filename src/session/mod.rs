//! The domain as plain values: session, message, turn, tool call, usage, revision, summary; diff
//! and merge of two histories.
//!
//! Pure: no I/O, no clock, no randomness. A session is a stream of records that only ever grows
//! ([`Record`]); what is seen of it is its [`view()`]; its [`Head`] is a fold over that. What an
//! agent wrote and annals has no name for stands in `native` fields and goes back unchanged.

mod align;
mod branches;
mod content;
mod diff;
mod event;
mod fold;
mod head;
mod id;
mod key;
mod merge;
pub mod plain;
mod record;
mod redacted;
mod searched;
mod stream_fold;
mod tally;
mod texts;
mod time;
mod view;

pub use align::Aligner;
pub use align::Alignment;
pub use branches::Branches;
pub use branches::Limb;
pub use content::Block;
pub use content::BlockKind;
pub use content::Content;
pub use content::Native;
pub use diff::DiffStep;
pub use diff::RecordDiff;
pub use diff::TextChange;
pub use diff::diff;
pub use diff::message_steps;
pub use diff::words;
pub use event::Action;
pub use event::AnnalsEvent;
pub use event::How;
pub use event::Origin;
pub use event::ParentLink;
pub use event::Placement;
pub use event::ViewChange;
pub use fold::HeadFold;
pub use fold::REDACTION_MARK;
pub use head::Agent;
pub use head::Counts;
pub use head::Head;
pub use head::ParentSession;
pub use head::SCHEMA_VERSION;
pub use head::Tokens;
pub use head::Workspace;
pub use id::ModelName;
pub use id::RecordKey;
pub use id::RevisionId;
pub use id::SessionId;
pub use key::Keys;
pub use merge::merge;
pub use record::Envelope;
pub use record::Event;
pub use record::Injected;
pub use record::Message;
pub use record::Place;
pub use record::Raw;
pub use record::Record;
pub use record::Title;
pub use record::TitledBy;
pub use record::Unreadable;
pub use record::Usage;
pub use redacted::has_more_redactions;
pub use redacted::redacted_as_in;
pub use redacted::taken_out;
pub use searched::Part;
pub use stream_fold::StreamFold;
pub use tally::Tallies;
pub use tally::Tally;
pub use tally::Tallying;
pub use tally::tally;
pub use texts::TextVisitor;
pub use time::Timestamp;
pub use view::places_in_view;
pub use view::plan_view_change;
pub use view::view;

/// A whole session: its id and its stream of records.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Its records, in the order of the stream.
    pub records: Vec<Record>,
}

impl Session {
    /// The head, folded from the records.
    pub fn head(&self) -> Head {
        HeadFold::of_stream(self.id, &self.records).head().clone()
    }

    /// The ways that it went on.
    pub fn branches(&self) -> Branches {
        Branches::of(&self.records)
    }

    /// The records in view, in the order of the view.
    pub fn view(&self) -> impl Iterator<Item = &Record> {
        places_in_view(&self.records).into_iter().map(|place| &self.records[place])
    }
}

#[cfg(test)]
mod tests;
