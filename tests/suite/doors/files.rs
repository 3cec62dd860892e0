//! The files of a store, and of sessions that are given as texts.

use annals::exchange::Incoming;
use annals::exchange::IncomingFile;
use annals::format;
use annals::format::Chunk;
use annals::format::ChunkText;
use annals::format::Chunker;
use annals::format::Error;
use annals::session::HeadFold;
use annals::session::Record;
use annals::session::SessionId;
use serde_json::Value;

use crate::doors::text_of;

/// A chunk of a session's records.
pub(crate) fn records(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let read = read_alike(text, |text| format::parse_chunk(text, &mut |_| None));
    if let Some(chunk) = ChunkText::of(text.to_owned()) {
        let count = read.as_ref().map_or(3, Vec::len);
        chunk.messages_among(count);
        (0..=count).for_each(|place| drop(chunk.record(place, &mut |_| None)));
    }
    if let Some(records) = read {
        chunks_come_back(&records);
    }
    drop(format::document_lines(text));
}

/// What annals' own reader and the general one both say of a text. The comment before it is nothing
/// that annals writes, so it leads past the own reader.
fn read_alike<T: PartialEq + std::fmt::Debug>(
    text: &str,
    read: impl Fn(&str) -> Result<T, Error>,
) -> Option<T> {
    let fast = read(text).ok();
    // What is a mark at the beginning is a letter anywhere else.
    if !text.starts_with('\u{feff}') {
        let general = read(&format!("#\n{text}")).ok();
        assert_eq!(fast, general, "both readers say the same");
    }
    fast
}

/// Records are read back from their chunks, and written in the same bytes again.
pub(crate) fn chunks_come_back(records: &[Record]) {
    let written = chunks(records);
    let mut read = Vec::new();
    for Chunk { text, files, .. } in &written {
        let mut file =
            |name: &str| files.iter().find(|it| it.name == name).map(|it| it.bytes.clone());
        read.extend(format::parse_chunk(text, &mut file).expect("what is written can be read"));
    }
    assert_eq!(read, records, "they come back");
    assert_eq!(chunks(&read), written, "equal records have equal bytes");
}

fn chunks(records: &[Record]) -> Vec<Chunk> {
    let mut chunker = Chunker::default();
    let mut chunks: Vec<Chunk> = records.iter().filter_map(|it| chunker.push(it)).collect();
    chunks.extend(chunker.last());
    chunks
}

/// `session.yaml`
pub(crate) fn head(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    if let Some(head) = read_alike(text, format::parse_head) {
        let written = format::render_head(&head);
        assert_eq!(format::parse_head(&written).expect("it is read back"), head, "{written}");
    }
}

/// `annals.yaml`
pub(crate) fn marker(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    if let Some(marker) = read_alike(text, format::parse_marker) {
        let written = format::render_marker(&marker);
        assert_eq!(format::parse_marker(&written).expect("it is read back"), marker, "{written}");
    }
}

/// What is left of a deleted session.
pub(crate) fn tombstone(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    if let Some(tombstone) = read_alike(text, format::parse_tombstone) {
        let written = format::render_tombstone(&tombstone);
        let read = format::parse_tombstone(&written).expect("it is read back");
        assert_eq!(read, tombstone, "{written}");
    }
}

/// A session of an older schema: no text of it is lost.
pub(crate) fn older(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let Ok(given) = format::parse_older(text) else { return };
    chunks_come_back(&given.records);
    drop(HeadFold::of_stream(given.head.id, &given.records));
    let mut document = format::parse_value(text).expect("it was read");
    // When it was modified follows from its records.
    for name in ["modified", "lastModified"] {
        document.as_object_mut().expect("a session is a map").shift_remove(name);
    }
    let mut before = Vec::new();
    gather(&document, &mut before);
    let mut after = Vec::new();
    gather(&format::head_to_value(&given.head), &mut after);
    given.records.iter().for_each(|it| gather(&format::record_to_value(it), &mut after));
    // In whichever case an id is written, it is the same.
    let is_id = |text: &str| text.parse() == Ok(given.head.id);
    for text in before {
        assert!(after.contains(&text) || is_id(&text), "it is there still: {text:?}");
    }
}

/// All texts in a value.
fn gather(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.is_empty() => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(fields) => fields.values().for_each(|value| gather(value, texts)),
        _ => {}
    }
}

/// Sessions as people write them by hand, as JSON, and as older programs wrote them.
pub(crate) fn given(bytes: &[u8]) {
    if let Some(text) = text_of(bytes)
        && let Ok((head, records)) = format::parse_session(text)
    {
        let written = format::render_session(&head, &records);
        let read = format::parse_session(&written).expect("what is written can be read");
        assert_eq!(read, (head, records), "it comes back: {written}");
    }
    if !bytes.starts_with(b"# v") {
        taken_in(bytes);
    }
}

/// Takes all sessions of a file in, as an import does.
pub(crate) fn taken_in(bytes: &[u8]) {
    let Ok(file) = IncomingFile::parse(bytes.to_vec()) else { return };
    let sessions = (0..file.len()).filter_map(|number| file.session(number).ok());
    let sessions: Vec<Incoming> = sessions.collect();
    for session in &sessions {
        let name = session.name(0, None);
        let records = session.records(&name, None);
        chunks_come_back(&records);
        let head = HeadFold::of_stream(name.id, &records).head().clone();
        let written = format::render_head(&head);
        assert_eq!(format::parse_head(&written).expect("it is read back"), head, "{written}");
        assert_ne!(name.id.to_string(), session.source, "it has an id of its own");
        assert_eq!(name.id, SessionId::captured(&session.agent, &name.native));
    }
}
