//! Records with and without redactions: whether two are the same but for these, which has more,
//! and what was taken out.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

use crate::session::Keys;
use crate::session::Native;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::TextVisitor;
use crate::session::fold::REDACTION_MARK;

/// Whether two records are the same but for redactions.
pub(super) fn is_same(stored: &Record, read: &Record) -> bool {
    if stored.after().is_none() && read.after().is_none() && stored == read {
        return true;
    }
    let (stored, stored_values) = Skeleton::of(stored);
    let (read, read_values) = Skeleton::of(read);
    stored == read
        && stored_values.len() == read_values.len()
        && stored_values.iter().zip(&read_values).all(|(a, b)| is_redacted_value(a, b))
}

/// Whether two values are the same but for redactions, in keys too. The order of keys is not the
/// same in the agent's file and in ours.
fn is_redacted_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => is_redacted_form(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_redacted_value(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let mut unmatched: Vec<(&String, &Value)> =
                b.iter().filter(|(key, _)| !a.contains_key(*key)).collect();
            a.len() == b.len()
                && a.iter().all(|(key, value)| match b.get(key) {
                    Some(other) => is_redacted_value(value, other),
                    None => unmatched
                        .iter()
                        .position(|(name, other)| {
                            is_redacted_form(key, name) && is_redacted_value(value, other)
                        })
                        .map(|place| unmatched.swap_remove(place))
                        .is_some(),
                })
        }
        (a, b) => a == b,
    }
}

/// Whether one of two texts is the other with redactions in it.
fn is_redacted_form(a: &str, b: &str) -> bool {
    a == b || taken_out_of(b, a).is_some() || taken_out_of(a, b).is_some()
}

/// What stood in `text` where `redacted` has its marks, with the marks' rules; none: `redacted` is
/// not what became of `text`. A value whose place is not certain is left out.
fn taken_out_of<'a>(text: &'a str, redacted: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let (first, marks) = redacted.split_once(REDACTION_MARK)?;
    let marks = marks.split(REDACTION_MARK).map(|it| it.split_once(']').unwrap_or(("", it)));
    let (rules, pieces): (Vec<&str>, Vec<&str>) = marks.unzip();
    let gaps = gaps(text, first, &pieces)?;
    // The same from the end on: what stands elsewhere then may be cut in the wrong place.
    let (mut end, mut certain) = (text.len(), Vec::with_capacity(gaps.len()));
    for (place, piece) in pieces.iter().enumerate().rev() {
        let value_end = first.len() + text.get(first.len()..end)?.rfind(piece)?;
        let before = place.checked_sub(1).map(|before| pieces[before]);
        let value_start = match before {
            None => first.len(),
            Some(before) => {
                let area = text.get(first.len()..value_end)?;
                first.len() + area.rfind(before)? + before.len()
            }
        };
        if gaps[place] == (value_start..value_end) && !gaps[place].is_empty() {
            certain.push((rules[place], &text[gaps[place].clone()]));
        }
        end = value_end;
    }
    Some(certain)
}

/// Where `text` has what stands between `first` and the pieces that follow it, in order.
fn gaps(text: &str, first: &str, pieces: &[&str]) -> Option<Vec<Range<usize>>> {
    text.strip_prefix(first)?;
    let mut start = first.len();
    let mut gaps = Vec::with_capacity(pieces.len());
    for (place, piece) in (1..).zip(pieces) {
        let rest = &text[start..];
        let length =
            if place == pieces.len() { rest.strip_suffix(piece)?.len() } else { rest.find(piece)? };
        gaps.push(start..start + length);
        start += length + piece.len();
    }
    Some(gaps)
}

/// Shows what was taken out of `before`, of which `after` became: each value with its rule.
pub fn taken_out(before: &Record, after: &Record, see: &mut dyn FnMut(&str, &str)) {
    let (before, after) = (Skeleton::of(before).1, Skeleton::of(after).1);
    for (before, after) in before.iter().zip(&after) {
        values_taken_out(before, after, see);
    }
}

fn values_taken_out(before: &Value, after: &Value, see: &mut dyn FnMut(&str, &str)) {
    match (before, after) {
        (Value::String(before), Value::String(after)) if before != after => {
            for (rule, value) in taken_out_of(before, after).unwrap_or_default() {
                if !value.contains(REDACTION_MARK) {
                    see(rule, value);
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for (before, after) in before.iter().zip(after) {
                values_taken_out(before, after, see);
            }
        }
        (Value::Object(before), Value::Object(after)) => {
            for (key, before) in before {
                if let Some(after) = after.get(key) {
                    values_taken_out(before, after, see);
                }
            }
        }
        _ => {}
    }
}

/// The stream, with each record in the form that `other` has of it where more is taken out of that.
pub fn redacted_as_in(mut stream: Vec<Record>, other: &[Record]) -> Vec<Record> {
    let others: HashMap<RecordKey, &Record> = Keys::of(other).into_iter().zip(other).collect();
    let keys = Keys::of(&stream);
    for (record, key) in stream.iter_mut().zip(keys) {
        if let Some(other) = others.get(&key).filter(|other| has_more_redactions(other, record)) {
            let after = record.after().cloned();
            record.clone_from(other);
            record.set_after(after);
        }
    }
    stream
}

/// Whether a record that is another but for redactions has more of them.
pub fn has_more_redactions(record: &Record, other: &Record) -> bool {
    record != other && redactions(record) > redactions(other)
}

/// How many redactions a record holds.
pub(super) fn redactions(record: &Record) -> usize {
    let values = Skeleton::of(record).1;
    values.iter().map(|value| value.to_string().matches(REDACTION_MARK).count()).sum()
}

/// Takes the texts and values out of a record, so that they can be compared by themselves.
#[derive(Default)]
struct Skeleton {
    values: Vec<Value>,
}

impl Skeleton {
    fn of(record: &Record) -> (Record, Vec<Value>) {
        let mut record = record.clone();
        record.set_after(None);
        let mut skeleton = Self::default();
        record.visit_texts(&mut skeleton);
        (record, skeleton.values)
    }
}

impl TextVisitor for Skeleton {
    fn text(&mut self, _field: &str, text: &mut String) {
        self.values.push(Value::String(std::mem::take(text)));
    }

    fn value(&mut self, _field: &str, value: &mut Value) {
        self.values.push(std::mem::take(value));
    }

    fn native(&mut self, native: &mut Native) {
        self.values.push(Value::Object(std::mem::take(native)));
    }

    fn bytes(&mut self, bytes: &mut Vec<u8>) {
        let bytes = std::mem::take(bytes);
        self.values.push(Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_out_is_told_where_its_place_is_certain() {
        let told = |text, redacted| taken_out_of(text, redacted);
        assert_eq!(told("a secret b", "a [redacted:x] b"), Some(vec![("x", "secret")]));
        assert_eq!(
            told("one=AAAA two=BBBB", "one=[redacted:x] two=[redacted:y]"),
            Some(vec![("y", "BBBB"), ("x", "AAAA")])
        );
        assert_eq!(told("AAAA,BBBB,CCCC", "[redacted:x],[redacted:y]"), Some(vec![]));
        assert_eq!(told("AAAABBBB", "[redacted:x][redacted:y]"), Some(vec![]));
        assert_eq!(told("a secret b", "a secret b"), None);
        assert_eq!(told("a secret b", "c [redacted:x] b"), None);
        assert_eq!(told("aa", "a[redacted:x]a"), Some(vec![]));
        assert_eq!(told("a", "a[redacted:x]a"), None);
    }
}
