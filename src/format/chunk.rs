//! Chunks: the pieces that a session's stream lies in, one file each.
//!
//! Where a chunk ends depends on the records from its first one on and on nothing else, so equal
//! streams give equal files, and records added at the end change the last chunk only. What all
//! records of one label have in common stands once, in the first document.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Map;
use serde_json::Value;

use crate::format::Chunk;
use crate::format::Chunker;
use crate::format::Error;
use crate::format::StoredFile;
use crate::format::emitter::Emitter;
use crate::format::node::Node;
use crate::format::object::Object;
use crate::format::parse::record_of;
use crate::format::payload::FILES;
use crate::format::payload::Payloads;
use crate::format::payload::push_step;
use crate::format::payload::put_back;
use crate::format::reader::read_documents;
use crate::format::record::fields_of;
use crate::session::Record;

/// A chunk's records, as they would stand alone, have at most so many bytes, unless there is only
/// one.
const MAX_BYTES: usize = 64 * 1024;
/// A chunk has at most so many records.
const MAX_RECORDS: usize = 50;
/// The fields beside `native` that may stand in the first document.
const SHARED: [&str; 3] = ["cwd", "branch", "version"];
/// The field that tells the first document from a record.
const COMMON: &str = "common";
/// How much deeper the fields stand in the first document than in a record.
const COMMON_INDENT: &str = "      ";

/// The maps of the first document, by the kind of record.
const GROUPS: [(&str, &str); 2] = [("event", "events"), ("message", "messages")];

impl Chunker {
    /// Takes the next record; gives the chunk that it closed, if it closed one.
    pub fn push(&mut self, record: &Record) -> Option<Chunk> {
        let next = Rendered::of(record);
        let is_full = !self.open.is_empty()
            && (self.size + next.text.len() > MAX_BYTES || self.open.len() == MAX_RECORDS);
        let closed = is_full.then(|| assemble(&std::mem::take(&mut self.open)));
        if is_full {
            self.size = 0;
        }
        self.size += next.text.len();
        self.open.push(next);
        closed
    }

    /// Gives the last chunk, as it is now; more records may follow, which make it another one.
    pub fn last(&self) -> Option<Chunk> {
        (!self.open.is_empty()).then(|| assemble(&self.open))
    }

    /// The bytes of the records since the last cut.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Drops the large payloads of the records since the last cut: the caller has stored them.
    pub fn drop_files(&mut self) {
        self.open.iter_mut().for_each(|record| record.files = Vec::new());
    }
}

/// A record as its document, with the places of the fields that other records may share.
#[derive(Debug)]
pub(crate) struct Rendered {
    text: String,
    label: Option<Label>,
    /// Whole lines.
    shared: Vec<Range<usize>>,
    /// Those of `native`; all entries of it that could be shared.
    shared_native: Vec<Range<usize>>,
    /// The line `native:`, if all its entries could be shared.
    native_line: Option<Range<usize>>,
    files: Vec<StoredFile>,
}

/// Which map of the first document, and which of its entries.
type Label = (&'static str, String);

impl Rendered {
    fn of(record: &Record) -> Self {
        let mut rendered = Self {
            text: String::new(),
            label: label_of(record),
            shared: Vec::new(),
            shared_native: Vec::new(),
            native_line: None,
            files: Vec::new(),
        };
        let mut emitter = Emitter::default();
        let mut payloads = Payloads::default();
        emitter.out.push_str("---\n");
        for (key, mut node) in fields_of(record) {
            if key == "native"
                && let Node::Map(entries) = node
            {
                rendered.native(&mut emitter, &mut payloads, entries);
                continue;
            }
            let mut path = String::new();
            push_step(&mut path, &key);
            let has_payload = payloads.take_out(&path, &mut node);
            let start = emitter.out.len();
            emitter.entry(0, &key, &node);
            if SHARED.contains(&key.as_ref()) && !has_payload {
                rendered.shared.push(start..emitter.out.len());
            }
        }
        if let Some(files) = payloads.field() {
            emitter.entry(0, FILES, &files);
        }
        rendered.text = emitter.out;
        rendered.files = payloads.files;
        rendered
    }

    fn native(
        &mut self,
        emitter: &mut Emitter,
        payloads: &mut Payloads,
        entries: Vec<(Cow<'_, str>, Node<'_>)>,
    ) {
        let start = emitter.out.len();
        emitter.open_map(0, "native");
        let line = start..emitter.out.len();
        let total = entries.len();
        for (key, mut node) in entries {
            let mut path = String::from("/native");
            push_step(&mut path, &key);
            let has_payload = payloads.take_out(&path, &mut node);
            let start = emitter.out.len();
            emitter.entry(2, &key, &node);
            if !has_payload {
                self.shared_native.push(start..emitter.out.len());
            }
        }
        self.native_line = (self.shared_native.len() == total).then_some(line);
    }

    fn part(&self, range: &Range<usize>) -> &str {
        &self.text[range.clone()]
    }

    fn has(&self, part: &str) -> bool {
        let mut ranges = self.shared.iter().chain(&self.shared_native);
        ranges.any(|range| self.part(range) == part)
    }

    /// Writes the document without the parts that are common to its label.
    fn push_rest(&self, common: &Parts<'_>, out: &mut String) {
        let is_common = |range: &&Range<usize>| common.has(self.part(range));
        let natives: Vec<&Range<usize>> = self.shared_native.iter().filter(is_common).collect();
        let line = self.native_line.as_ref().filter(|_| natives.len() == self.shared_native.len());
        let mut removed: Vec<&Range<usize>> = self.shared.iter().filter(is_common).collect();
        removed.extend(line);
        removed.extend(natives);
        removed.sort_unstable_by_key(|range| range.start);
        let mut start = 0;
        for range in removed {
            out.push_str(&self.text[start..range.start]);
            start = range.end;
        }
        out.push_str(&self.text[start..]);
    }
}

/// The parts that all records of a label have.
#[derive(Debug, Default)]
struct Parts<'r> {
    fields: Vec<&'r str>,
    native: Vec<&'r str>,
}

impl<'r> Parts<'r> {
    fn of(records: &[&'r Rendered]) -> Self {
        let [first, others @ ..] = records else {
            return Self::default();
        };
        if others.is_empty() {
            return Self::default();
        }
        let in_all = |range: &Range<usize>| {
            let part = first.part(range);
            others.iter().all(|other| other.has(part)).then_some(part)
        };
        Self {
            fields: first.shared.iter().filter_map(in_all).collect(),
            native: first.shared_native.iter().filter_map(in_all).collect(),
        }
    }

    fn has(&self, part: &str) -> bool {
        self.fields.contains(&part) || self.native.contains(&part)
    }

    fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.native.is_empty()
    }

    fn push(&self, emitter: &mut Emitter) {
        let push = |part: &&str, emitter: &mut Emitter| {
            for line in part.split_inclusive('\n') {
                if line != "\n" {
                    emitter.out.push_str(COMMON_INDENT);
                }
                emitter.out.push_str(line);
            }
        };
        self.fields.iter().for_each(|part| push(part, emitter));
        if !self.native.is_empty() {
            emitter.open_map(COMMON_INDENT.len(), "native");
            self.native.iter().for_each(|part| push(part, emitter));
        }
    }
}

fn label_of(record: &Record) -> Option<Label> {
    match record {
        Record::Message(message) => Some(("messages", message.role.clone())),
        Record::Event(event) => Some(("events", event.name.clone())),
        Record::Annals(_) | Record::Unreadable(_) => None,
    }
}

fn assemble(records: &[Rendered]) -> Chunk {
    let mut labels: BTreeMap<&Label, Vec<&Rendered>> = BTreeMap::new();
    for record in records {
        if let Some(label) = &record.label {
            labels.entry(label).or_default().push(record);
        }
    }
    let common: BTreeMap<&Label, Parts<'_>> = labels
        .into_iter()
        .map(|(label, records)| (label, Parts::of(&records)))
        .filter(|(_, parts)| !parts.is_empty())
        .collect();
    let mut emitter = Emitter::default();
    push_common(&common, &mut emitter);
    let mut text = emitter.out;
    let nothing = Parts::default();
    for record in records {
        let parts = record.label.as_ref().and_then(|label| common.get(label));
        record.push_rest(parts.unwrap_or(&nothing), &mut text);
    }
    let mut files: Vec<StoredFile> = Vec::new();
    for file in records.iter().flat_map(|record| &record.files) {
        if files.iter().all(|known| known.name != file.name) {
            files.push(file.clone());
        }
    }
    Chunk { text, files, records: records.len() }
}

fn push_common(common: &BTreeMap<&Label, Parts<'_>>, emitter: &mut Emitter) {
    if common.is_empty() {
        return;
    }
    emitter.out.push_str("---\n");
    emitter.open_map(0, COMMON);
    let mut open = "";
    for ((group, name), parts) in common {
        if open != *group {
            open = group;
            emitter.open_map(2, group);
        }
        emitter.open_map(4, name);
        parts.push(emitter);
    }
}

/// Reads the records of a chunk; `file` gives the bytes of a stored file by its name.
pub fn parse_chunk(
    text: &str,
    file: &mut dyn FnMut(&str) -> Option<Vec<u8>>,
) -> Result<Vec<Record>, Error> {
    parse(text, None, file)
}

/// As [`parse_chunk`], of a chunk some of whose files may be lost: a word stands for each, and
/// `lost` gets its name and the place of its record.
pub fn parse_chunk_in_part(
    text: &str,
    lost: &mut Vec<(usize, String)>,
    file: &mut dyn FnMut(&str) -> Option<Vec<u8>>,
) -> Result<Vec<Record>, Error> {
    parse(text, Some(lost), file)
}

fn parse(
    text: &str,
    mut lost: Option<&mut Vec<(usize, String)>>,
    file: &mut dyn FnMut(&str) -> Option<Vec<u8>>,
) -> Result<Vec<Record>, Error> {
    let mut documents = read_documents(text)?.into_iter().enumerate().peekable();
    let is_common = |(_, first): &(usize, Value)| first.get(COMMON).is_some();
    let common = match documents.next_if(is_common) {
        Some((_, first)) => common_of(first).map_err(|flaw| Error::shape(1, &flaw))?,
        None => Map::new(),
    };
    let mut records = Vec::with_capacity(documents.len());
    for (place, mut document) in documents {
        let (number, at) = (place + 1, records.len());
        match &mut lost {
            Some(lost) => {
                let note = &mut |name| lost.push((at, name));
                put_back(&mut document, number, file, Some(note))?;
            }
            None => put_back(&mut document, number, file, None)?,
        }
        add_common(&mut document, &common)
            .map_err(|cause| Error::Shape { document: number, cause })?;
        records.push(record_of(document).map_err(|flaw| Error::shape(number, &flaw))?);
    }
    Ok(records)
}

fn common_of(first: Value) -> Result<Map<String, Value>, crate::format::object::Flaw> {
    let mut first = Object::of(first)?;
    let common = first.take_map(COMMON)?;
    first.end()?;
    Ok(common)
}

fn add_common(document: &mut Value, common: &Map<String, Value>) -> Result<(), String> {
    let Some(map) = document.as_object_mut() else {
        return Ok(());
    };
    let shared = GROUPS.iter().find_map(|(kind, group)| {
        let label = map.get(*kind)?.as_str()?;
        common.get(*group)?.get(label)?.as_object()
    });
    for (name, value) in shared.into_iter().flatten() {
        if name != "native" {
            insert_new(map, name, value)?;
            continue;
        }
        let native = map.entry("native").or_insert_with(|| Value::Object(Map::new()));
        let (Some(native), Some(entries)) = (native.as_object_mut(), value.as_object()) else {
            return Err("native: a map is wanted, as its label has fields in common".to_owned());
        };
        for (name, value) in entries {
            insert_new(native, name, value)?;
        }
    }
    Ok(())
}

fn insert_new(map: &mut Map<String, Value>, name: &str, value: &Value) -> Result<(), String> {
    match map.insert(name.to_owned(), value.clone()) {
        None => Ok(()),
        Some(_) => Err(format!("{name}: stands in {COMMON} too")),
    }
}
