//! The fold over a stream that is never held whole.

use std::cmp::Reverse;

use chrono::DateTime;
use chrono::Utc;

use crate::session::HeadFold;
use crate::session::Record;
use crate::session::SessionId;
use crate::session::fold::moment;

/// Comes to what [`HeadFold::of_stream`] does, record by record, of a stream that is in view as it
/// stands and has annals' own events in the order of their times. Most are so.
#[derive(Debug)]
pub struct StreamFold {
    fold: HeadFold,
    /// The last of annals' own events: its time, or its id.
    last: Option<(Option<DateTime<Utc>>, Option<String>)>,
}

impl StreamFold {
    /// One that has seen no record.
    pub fn of(id: SessionId) -> Self {
        Self { fold: HeadFold::of(id), last: None }
    }

    /// Takes in the next record. False: the stream must be seen whole after all.
    pub fn add(&mut self, record: &Record) -> bool {
        if record.changes_view() {
            return false;
        }
        if let Record::Annals(event) = record {
            let (at, id) = moment(event);
            let last = self.last.as_ref().map(|(at, id)| (*at, id.as_deref().map(Reverse)));
            if last.is_some_and(|last| last > (at, id)) {
                return false;
            }
            self.last = Some((at, id.map(|Reverse(id)| id.to_owned())));
        }
        self.fold.add(record);
        true
    }

    /// What the records fold to.
    pub fn finish(self) -> HeadFold {
        self.fold
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Action;
    use crate::session::AnnalsEvent;
    use crate::session::Message;
    use crate::session::Timestamp;
    use crate::session::ViewChange;

    const ID: SessionId = SessionId::from_bytes([7; 16]);

    fn event(id: &str, at: Option<&str>, action: Action) -> Record {
        let at = at.and_then(Timestamp::parse);
        Record::Annals(AnnalsEvent { id: id.to_owned(), at, action })
    }

    fn named(id: &str, at: Option<&str>) -> Record {
        event(id, at, Action::Rename { title: format!("named by {id}") })
    }

    fn streamed(records: &[Record]) -> Option<HeadFold> {
        let mut fold = StreamFold::of(ID);
        records.iter().all(|record| fold.add(record)).then(|| fold.finish())
    }

    #[test]
    fn a_stream_in_order_comes_to_what_it_does_whole_and_others_are_not_taken() {
        let (early, late) = (Some("2026-11-01T10:00:00Z"), Some("2026-11-01T11:00:00Z"));
        let said = || Record::from(Message::new("user", "what was asked"));
        let in_order = [
            [named("b", None), named("a", None), said(), named("c", early), named("d", late)],
            [said(), named("c", early), said(), named("d", early), said()],
        ];
        for records in &in_order {
            let whole = HeadFold::of_stream(ID, records);
            let streamed = streamed(records).expect("it is in order");
            assert_eq!(streamed.head(), whole.head());
        }
        let change = ViewChange { removed: Vec::new(), placed: Vec::new() };
        let others = [
            vec![named("c", late), said(), named("d", early)],
            vec![named("a", None), named("b", None)],
            vec![named("c", early), named("a", None)],
            vec![said(), event("e", late, Action::Rewrite { change })],
        ];
        for records in &others {
            assert!(streamed(records).is_none(), "{records:?}");
        }
    }
}
