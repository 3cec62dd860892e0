//! A whole session in one text: what `show --raw` prints and `save` takes.

use serde_json::Map;
use serde_json::Value;

use crate::format::EXPORT_KIND;
use crate::format::Error;
use crate::format::GivenSession;
use crate::format::emitter::Emitter;
use crate::format::head::head_fields;
use crate::format::head::head_of;
use crate::format::head::render_head;
use crate::format::head::too_new;
use crate::format::migrate;
use crate::format::node::Node;
use crate::format::node::into_object;
use crate::format::object::Flaw;
use crate::format::object::Object;
use crate::format::parse::KINDS;
use crate::format::parse::record_of;
use crate::format::reader::read_documents;
use crate::format::reader::read_documents_within;
use crate::format::reader::read_json;
use crate::format::reader::read_json_within;
use crate::format::record::fields_of;
use crate::session::Head;
use crate::session::Record;

/// The most values of a text that came from elsewhere: each takes about 100 bytes of memory.
const MAX_VALUES: usize = 1_000_000;

/// The most commas, line ends and opening brackets of a text that is saved. Each may stand for a
/// value, which takes some 75 to 250 bytes of memory; no remote takes more either.
const MAX_MARKS: usize = 10_000_000;

/// A record with the field names of the YAML form, large payloads included: what `--json` shows.
pub fn record_to_value(record: &Record) -> Value {
    Value::Object(into_object(fields_of(record)))
}

/// The record that a value with the field names of the YAML form stands for.
pub fn record_from_value(value: Value) -> Result<Record, Error> {
    record_of(value).map_err(|flaw| Error::shape(1, &flaw))
}

/// A head with the field names of `session.yaml`.
pub fn head_to_value(head: &Head) -> Value {
    Value::Object(head_fields(head))
}

/// A whole session as one readable YAML text: the head's document, then one a record, large
/// payloads included.
pub fn render_session(head: &Head, records: &[Record]) -> String {
    let mut emitter = Emitter::default();
    emitter.out.push_str("---\n");
    emitter.out.push_str(&render_head(head));
    emitter.out.push_str(&render_records(records));
    emitter.out
}

/// Records as YAML documents, large payloads included.
pub fn render_records(records: &[Record]) -> String {
    let mut emitter = Emitter::default();
    records.iter().for_each(|record| emitter.document(&fields_of(record)));
    emitter.out
}

/// A value as a YAML document, in the form of the store's files.
pub fn render_value(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut emitter = Emitter::default();
            fields.iter().for_each(|(key, value)| emitter.entry(0, key, &Node::Value(value)));
            emitter.out
        }
        other => other.to_string(),
    }
}

/// The value that a text of one YAML document stands for.
pub fn parse_value(text: &str) -> Result<Value, Error> {
    Ok(read_documents(text)?.into_iter().next().unwrap_or(Value::Null))
}

/// A session given as YAML (as [`render_session`] writes it, or one document with `messages:` or
/// `records:`) or as JSON of the same shape: what it says of itself, and its records. One of an older
/// schema is migrated.
///
/// The head's id is nil where the text gives none. A message may have `role` in place of
/// `message`, and `text` in place of `content`; its blocks may be texts.
pub fn parse_session(text: &str) -> Result<(Head, Vec<Record>), Error> {
    session_of(documents_of(text)?)
}

/// The sessions of a text that came from elsewhere: as [`parse_session`] takes them, a JSON
/// document with several under `sessions`, or an older JSON session.
pub fn parse_sessions(text: &str) -> Result<Vec<GivenSession>, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let given = |(head, records)| GivenSession { head, records, warnings: Vec::new() };
    if !text.trim_start().starts_with('{') {
        return Ok(vec![given(session_of(read_documents_within(text, MAX_VALUES)?)?)]);
    }
    let Value::Object(mut document) = read_json_within(text, MAX_VALUES)? else {
        return Err(Error::shape(1, &Flaw::new("", "a map is wanted")));
    };
    if migrate::is_older_json(&document) {
        return Ok(vec![migrate::older_json(document)?]);
    }
    if let Some(kind) = document.shift_remove("kind").filter(|kind| kind != EXPORT_KIND) {
        let flaw = Flaw::new("kind", format!("{kind} is not known"));
        return Err(Error::shape(1, &flaw));
    }
    match document.shift_remove("sessions") {
        Some(Value::Array(sessions)) => {
            let sessions = sessions.into_iter().map(|session| session_of(vec![session]));
            sessions.map(|session| session.map(given)).collect()
        }
        Some(_) => Err(Error::shape(1, &Flaw::new("sessions", "a list is wanted"))),
        None => Ok(vec![given(session_of(vec![Value::Object(document)])?)]),
    }
}

fn session_of(documents: Vec<Value>) -> Result<(Head, Vec<Record>), Error> {
    let mut documents = documents.into_iter();
    let Some(first) = documents.next() else {
        return Err(Error::shape(1, &Flaw::new("", "nothing stands there")));
    };
    let Value::Object(mut first) = first else {
        return Err(Error::shape(1, &Flaw::new("", "a map is wanted")));
    };
    if let Some(error) = too_new(first.get("schema").and_then(Value::as_u64)) {
        return Err(error);
    }
    if migrate::is_older(&first) {
        let given = migrate::older_session(first)?;
        return Ok((given.head, given.records));
    }
    let is_headless = KINDS.iter().any(|kind| first.contains_key(*kind));
    if is_headless {
        let records = std::iter::once(Value::Object(first)).chain(documents);
        return Ok((Head::default(), records_of(records, 1)?));
    }
    let is_stream = documents.len() > 0 || first.contains_key("schema");
    let inner = take_records(&mut first)?;
    if inner.is_none() && !is_stream {
        let flaw = Flaw::new("", "no session: messages or records is missing");
        return Err(Error::shape(1, &flaw));
    }
    plain_names(&mut first);
    let head = head_of(first, 1)?;
    let mut records = inner.unwrap_or_default();
    records.extend(records_of(documents, 2)?);
    Ok((head, records))
}

/// JSON is read by its own reader, which knows escapes that YAML lacks.
fn documents_of(text: &str) -> Result<Vec<Value>, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_many = |text: &str| text.bytes().filter(|it| b",\n[{".contains(it)).count() > MAX_MARKS;
    if text.len() > MAX_MARKS && is_many(text) {
        let cause = format!("it may hold more than {MAX_MARKS} values");
        return Err(Error::Yaml { line: 1, cause });
    }
    if !text.trim_start().starts_with('{') {
        return read_documents(text);
    }
    match read_json(text) {
        Ok(value) => Ok(vec![value]),
        Err(error) => read_documents(text).map_err(|_| error),
    }
}

fn records_of(values: impl Iterator<Item = Value>, first: usize) -> Result<Vec<Record>, Error> {
    values
        .enumerate()
        .map(|(place, value)| record_of(value).map_err(|flaw| Error::shape(first + place, &flaw)))
        .collect()
}

/// The records that stand in the first document itself.
fn take_records(map: &mut Map<String, Value>) -> Result<Option<Vec<Record>>, Error> {
    let mut found = None;
    for (field, is_loose) in [("records", false), ("messages", true)] {
        let Some(items) = map.shift_remove(field) else {
            continue;
        };
        let Value::Array(items) = items else {
            return Err(Error::shape(1, &Flaw::new(field, "a list is wanted")));
        };
        let records: &mut Vec<Record> = found.get_or_insert_default();
        for (place, item) in items.into_iter().enumerate() {
            let record = if is_loose { loose_record(item) } else { record_of(item) };
            let record = record.map_err(|flaw| flaw.within(&format!("{field}[{place}]")));
            records.push(record.map_err(|flaw| Error::shape(1, &flaw))?);
        }
    }
    Ok(found)
}

/// A message as people write it by hand.
fn loose_record(value: Value) -> Result<Record, Flaw> {
    let mut object = Object::of(value)?;
    if KINDS.iter().all(|kind| !object.has(kind)) {
        let role = object.want_text("role")?;
        object.put("message", Some(Value::String(role)));
    }
    if object.has("message") && !object.has("content") {
        let text = object.take_text("text")?;
        let text = text.ok_or_else(|| Flaw::new("content", "is missing"))?;
        object.put("content", Some(Value::String(text)));
    }
    if let Some(Value::Array(mut blocks)) = object.take_if("content", Value::is_array) {
        for block in &mut blocks {
            if let Value::String(text) = block {
                let text = Value::String(std::mem::take(text));
                *block = Value::Object(Map::from_iter([("text".to_owned(), text)]));
            }
        }
        object.put("content", Some(Value::Array(blocks)));
    }
    record_of(Value::Object(object.into_rest()))
}

/// An agent and a workspace may be given by name alone.
fn plain_names(map: &mut Map<String, Value>) {
    for (field, name) in [("agent", "name"), ("workspace", "root")] {
        if let Some(value @ Value::String(_)) = map.get_mut(field) {
            let text = value.take();
            *value = Value::Object(Map::from_iter([(name.to_owned(), text)]));
        }
    }
}
