//! What a session holds by time and model: messages, and the tokens of each answer once.

use std::collections::BTreeMap;

use crate::session::HeadFold;
use crate::session::Record;
use crate::session::SessionId;
use crate::session::Tokens;
use crate::session::places_in_view;

/// How long the spans are that are told apart. Every zone's days begin where one of them does.
const QUARTER: i64 = 15 * 60;

/// What was said in a quarter of an hour, with one model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages.
    pub messages: u64,
    /// Tokens.
    pub tokens: Tokens,
}

/// What is in view of a session, by time (the seconds since 1970 at which a quarter of an hour
/// begins; none for what has no time) and model (empty for what has none). Its sums are those of the
/// session's head.
pub fn tally(id: SessionId, records: &[Record]) -> Tallies {
    let mut tallying = Tallying::of(id);
    places_in_view(records).into_iter().for_each(|place| tallying.add(&records[place]));
    tallying.finish()
}

/// Tallies, by time and model.
pub type Tallies = BTreeMap<(Option<i64>, String), Tally>;

/// As [`tally`], of records that come one by one, in the order of the view.
#[derive(Debug)]
pub struct Tallying {
    fold: HeadFold,
    tallies: Tallies,
}

impl Tallying {
    /// Of no record yet.
    pub fn of(id: SessionId) -> Self {
        Self { fold: HeadFold::of(id), tallies: Tallies::new() }
    }

    /// Counts the next record in.
    pub fn add(&mut self, record: &Record) {
        let before = self.fold.head().tokens;
        self.fold.add(record);
        let Some(message) = record.as_message() else { return };
        let at = record.at().map(|at| at.instant().timestamp());
        let quarter = at.map(|at| at.div_euclid(QUARTER) * QUARTER);
        let model = message.model.as_deref().filter(|model| !model.starts_with('<'));
        let key = (quarter, model.unwrap_or_default().to_owned());
        let entry = self.tallies.entry(key).or_default();
        entry.messages += 1;
        entry.tokens = added(entry.tokens, before, self.fold.head().tokens);
    }

    /// What was counted.
    pub fn finish(self) -> Tallies {
        self.tallies
    }
}

/// What is added when the sums of a session go from one to another. The last part of an answer may
/// correct what earlier ones said.
fn added(sum: Tokens, before: Tokens, after: Tokens) -> Tokens {
    let step = |sum: u64, before: u64, after: u64| sum.saturating_add(after).saturating_sub(before);
    Tokens {
        input: step(sum.input, before.input, after.input),
        output: step(sum.output, before.output, after.output),
        cache_read: step(sum.cache_read, before.cache_read, after.cache_read),
        cache_write: step(sum.cache_write, before.cache_write, after.cache_write),
        total: step(sum.total, before.total, after.total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Message;
    use crate::session::Timestamp;
    use crate::session::Usage;

    fn said(at: Option<&str>, model: Option<&str>, answer: Option<&str>, output: u64) -> Record {
        let mut message = Message::new("assistant", "text");
        message.envelope.at = at.and_then(Timestamp::parse);
        message.model = model.map(str::to_owned);
        message.answer = answer.map(str::to_owned);
        message.usage = Some(Usage { output: Some(output), ..Usage::default() });
        message.into()
    }

    #[test]
    fn an_answer_in_parts_is_counted_once_and_the_sums_are_the_heads() {
        let (noon, later) = (Some("2026-11-22T12:00:01Z"), Some("2026-11-22T12:15:00Z"));
        let records = [
            said(noon, Some("m"), Some("a"), 5),
            said(noon, Some("m"), Some("a"), 9),
            said(later, Some("m"), Some("b"), 7),
            said(later, Some("<synthetic>"), None, 1),
            said(None, Some("n"), None, 2),
        ];
        let tallies = tally(SessionId::from_bytes([7; 16]), &records);
        let of = |at: Option<i64>, model: &str| {
            let found = tallies[&(at, model.to_owned())];
            (found.messages, found.tokens.output)
        };
        let noon = 1_795_348_800;
        assert_eq!((of(Some(noon), "m"), of(Some(noon + 900), "m")), ((2, 9), (1, 7)));
        assert_eq!((of(Some(noon + 900), ""), of(None, "n")), ((1, 1), (1, 2)));
        let head = HeadFold::of_stream(SessionId::from_bytes([7; 16]), &records).head().clone();
        let total: u64 = tallies.values().map(|it| it.tokens.total).sum();
        let messages: u64 = tallies.values().map(|it| it.messages).sum();
        assert_eq!((total, messages), (head.tokens.total, head.counts.messages));
    }
}
