//! Takes a line apart into the JSON values that stand on it and what is no JSON.
//!
//! Promises: every byte but white space is given, once and in order; a value that our types can't
//! hold exactly (unpaired surrogates, duplicate keys, numbers beyond 64 bits, nesting beyond the
//! parser's) is marked as such. Limits: the search for good records behind damage, and mending,
//! look at a line a bounded number of times; past that the rest of the line is given as garbage,
//! and so is a value with more than a million others in it.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error as _;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Value;

use crate::adapters::mend;

/// A part of a line.
#[derive(Debug, PartialEq)]
pub(crate) struct Piece<'a> {
    /// What it is.
    pub(crate) kind: PieceKind,
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
    /// Where it ends in the line.
    pub(crate) end: usize,
}

/// What a part of a line is.
#[derive(Debug, PartialEq)]
pub(crate) enum PieceKind {
    /// A JSON value; whether it holds all that its bytes say.
    Value(Value, bool),
    /// Something else, and why it is no JSON.
    Garbage(String),
    /// The last part of a line that may still go on, and why it is no JSON so far.
    Tail(String),
}

/// The parts of a line, one after the other.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    line: &'a [u8],
    is_ended: bool,
    is_record: fn(&Map<String, Value>) -> bool,
    at: usize,
    budget: usize,
}

/// How often the bytes of a damaged line are looked at in search of what is good in it.
const LOOKS: usize = 8;

/// The most values that are taken out of one: each takes up to a hundred bytes of memory.
const MOST_VALUES: usize = 1_000_000;

impl<'a> Pieces<'a> {
    /// The parts of `line`. `is_ended`: whether the line has an end. `is_record` tells whether an
    /// object that stands behind damage is one of the agent's records, not a part of one.
    pub(crate) fn of(
        line: &'a [u8],
        is_ended: bool,
        is_record: fn(&Map<String, Value>) -> bool,
    ) -> Self {
        Self { line, is_ended, is_record, at: 0, budget: line.len().saturating_mul(LOOKS) }
    }

    fn piece(&mut self, kind: PieceKind, length: usize) -> Piece<'a> {
        let start = self.at;
        self.at += length;
        Piece { kind, bytes: &self.line[start..self.at], end: self.at }
    }

    /// Parses what comes next; mended if need be.
    fn parse(&mut self) -> Result<(Parsed, bool), serde_json::Error> {
        let rest = &self.line[self.at..];
        let error = match parse(rest) {
            Ok(parsed) => {
                let is_exact = parsed.is_exact(rest);
                return Ok((parsed, is_exact));
            }
            Err(error) => error,
        };
        if !self.spend(rest.len()) {
            return Err(error);
        }
        match mend::mended(rest).map(|text| parse(&text)) {
            Some(Ok(parsed)) => Ok((parsed, false)),
            _ => Err(error),
        }
    }

    /// How many bytes of damage there are before the next record.
    fn damage(&mut self) -> usize {
        let rest = &self.line[self.at..];
        let mut at = 1;
        while let Some(start) = find(rest, at, b"{\"") {
            let (looked_at, is_record) = match parse(&rest[start..]) {
                Ok(parsed) => {
                    let is_record = parsed.value.as_object().is_some_and(self.is_record);
                    (parsed.end, is_record)
                }
                // All of it was looked at to count its values.
                Err(error) if error.is_data() => (rest.len() - start, false),
                Err(error) => (error.column().clamp(1, rest.len() - start), false),
            };
            if is_record {
                return start;
            }
            // A whole object that is no record is passed over; in a torn one the search goes on.
            at = start
                + if looked_at > 2 && rest[start + looked_at - 1] == b'}' { looked_at } else { 1 };
            if !self.spend(looked_at) {
                break;
            }
        }
        rest.len()
    }

    fn spend(&mut self, bytes: usize) -> bool {
        let is_affordable = bytes <= self.budget;
        self.budget = self.budget.saturating_sub(bytes);
        is_affordable
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let is_space = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
        self.at += self.line[self.at..].iter().take_while(|b| is_space(b)).count();
        if self.at == self.line.len() {
            return None;
        }
        let left = self.line.len() - self.at;
        Some(match self.parse() {
            // `12` may become `123`.
            Ok((parsed, _))
                if !self.is_ended && parsed.end == left && !parsed.value.is_object() =>
            {
                self.piece(PieceKind::Tail("a line without an end".to_owned()), left)
            }
            Ok((parsed, is_exact)) => {
                self.piece(PieceKind::Value(parsed.value, is_exact), parsed.end)
            }
            Err(error) => {
                let reason = reason(&error, self.at);
                if self.is_ended {
                    let length = self.damage();
                    self.piece(PieceKind::Garbage(reason), length)
                } else {
                    self.piece(PieceKind::Tail(reason), left)
                }
            }
        })
    }
}

/// Why it is no JSON, without a word of what stands there.
fn reason(error: &serde_json::Error, start: usize) -> String {
    if error.is_eof() {
        return "the JSON ends too early".to_owned();
    }
    if error.is_data() {
        return format!("more than {MOST_VALUES} values");
    }
    format!("no JSON from column {} on", start + error.column().max(1))
}

fn find(text: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let found = text.get(from..)?.windows(what.len()).position(|it| it == what)?;
    Some(from + found)
}

/// A value, and what must be known of it.
struct Parsed {
    value: Value,
    notes: Notes,
    end: usize,
}

impl Parsed {
    fn is_exact(&self, text: &[u8]) -> bool {
        // Integers beyond 64 bits arrive as floats as well.
        let has_loss = self.notes.has_float && mend::has_inexact_number(&text[..self.end]);
        !self.notes.has_duplicate && !has_loss
    }
}

/// Parses the first value in the text. An error of kind "data": it has too many values.
fn parse(text: &[u8]) -> Result<Parsed, serde_json::Error> {
    if mend::has_more_values_than(MOST_VALUES, text) {
        return Err(serde_json::Error::custom("too many values"));
    }
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Noted>();
    let noted = values.next().unwrap_or_else(|| serde_json::from_slice(text))?;
    Ok(Parsed { value: noted.value, notes: noted.notes, end: values.byte_offset() })
}

#[derive(Debug, Clone, Copy, Default)]
struct Notes {
    has_duplicate: bool,
    has_float: bool,
}

/// A value that was watched while it was parsed. It also keeps objects as they are whose key is
/// one that `serde_json` itself gives a meaning.
struct Noted {
    value: Value,
    notes: Notes,
}

impl<'de> Deserialize<'de> for Noted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NotedVisitor)
    }
}

struct NotedVisitor;

impl From<Value> for Noted {
    fn from(value: Value) -> Self {
        Self { value, notes: Notes::default() }
    }
}

impl<'de> Visitor<'de> for NotedVisitor {
    type Value = Noted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Noted, E> {
        Ok(Value::Null.into())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Noted, E> {
        Ok(Value::Bool(flag).into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Noted, E> {
        Ok(Value::from(number).into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Noted, E> {
        Ok(Value::from(number).into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Noted, E> {
        let mut noted = Noted::from(Value::from(number));
        noted.notes.has_float = true;
        Ok(noted)
    }

    fn visit_str<E>(self, text: &str) -> Result<Noted, E> {
        Ok(Value::from(text).into())
    }

    fn visit_string<E>(self, text: String) -> Result<Noted, E> {
        Ok(Value::from(text).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Noted, A::Error> {
        let mut notes = Notes::default();
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Noted>()? {
            notes.add(item.notes);
            items.push(item.value);
        }
        let value = Value::Array(items);
        Ok(Noted { value, notes })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Noted, A::Error> {
        let mut notes = Notes::default();
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let item = access.next_value::<Noted>()?;
            notes.add(item.notes);
            notes.has_duplicate |= map.insert(key, item.value).is_some();
        }
        let value = Value::Object(map);
        Ok(Noted { value, notes })
    }
}

impl Notes {
    fn add(&mut self, other: Self) {
        self.has_duplicate |= other.has_duplicate;
        self.has_float |= other.has_float;
    }
}

#[cfg(test)]
mod tests;
