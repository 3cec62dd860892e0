//! Large payloads: long texts and pictures, which lie in files of their own beside the records.
//!
//! The document holds an empty text in their place, and a map `files` from the place (a JSON
//! pointer) to the file, which is named by the SHA-256 of its bytes.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

use crate::format::Error;
use crate::format::StoredFile;
use crate::format::node::Fields;
use crate::format::node::Node;
use crate::format::object::Object;
use crate::format::record::field;
use crate::format::record_to_value;
use crate::session::Record;

/// Longer texts (in bytes) leave the document.
const LONGEST_TEXT: usize = 256 * 1024;
/// Shorter pictures (in bytes, decoded) stay in it.
const SHORTEST_PICTURE: usize = 1024;
/// How the word begins that stands for a payload that is lost.
const LOST: &str = "[lost: ";
/// The field with the places of the payloads.
pub(crate) const FILES: &str = "files";

/// What was taken out of one document.
#[derive(Debug, Default)]
pub(crate) struct Payloads {
    /// The files.
    pub(crate) files: Vec<StoredFile>,
    places: Fields<'static>,
}

impl Payloads {
    /// Takes the payloads out of a field; tells whether it had some.
    pub(crate) fn take_out(&mut self, path: &str, node: &mut Node<'_>) -> bool {
        let before = self.places.len();
        self.visit(&mut path.to_owned(), node);
        self.places.len() > before
    }

    /// The field `files`, if anything was taken out.
    pub(crate) fn field(&self) -> Option<Node<'_>> {
        (!self.places.is_empty()).then(|| Node::Map(self.places.clone()))
    }

    fn visit(&mut self, path: &mut String, node: &mut Node<'_>) {
        match node {
            Node::Value(value) if holds_payload(value) => {
                *node = opened(value);
                self.visit(path, node);
            }
            Node::Text(text) => {
                if let Some(payload) = payload_of(text) {
                    *node = Node::text("");
                    self.keep(path, payload);
                }
            }
            Node::List(items) => {
                for (place, item) in items.iter_mut().enumerate() {
                    let length = path.len();
                    let _ = write!(path, "/{place}");
                    self.visit(path, item);
                    path.truncate(length);
                }
            }
            Node::Map(fields) => {
                for (key, node) in fields {
                    let length = path.len();
                    push_step(path, key);
                    self.visit(path, node);
                    path.truncate(length);
                }
            }
            Node::Value(_) | Node::Bool(_) | Node::Count(_) | Node::Counts(_) => {}
        }
    }

    fn keep(&mut self, path: &str, payload: Payload) {
        let name = format!("{}.{}", digest(&payload.bytes), payload.extension);
        let place = if payload.is_base64 {
            Node::Map(vec![
                field("file", Node::Text(Cow::Owned(name.clone()))),
                field("encoding", Node::text("base64")),
            ])
        } else {
            Node::Text(Cow::Owned(name.clone()))
        };
        self.places.push((Cow::Owned(path.to_owned()), place));
        if self.files.iter().all(|file| file.name != name) {
            let bytes = payload.bytes;
            self.files.push(StoredFile { name, bytes });
        }
    }
}

/// A step of a JSON pointer.
pub(crate) fn push_step(path: &mut String, key: &str) {
    path.push('/');
    path.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// Puts the payloads of a document back in their places; `lost` takes the name of one that is not to
/// be had, and a word stands for it: without it that is an error.
pub(crate) fn put_back(
    document: &mut Value,
    number: usize,
    file: &mut dyn FnMut(&str) -> Option<Vec<u8>>,
    lost: Option<&mut dyn FnMut(String)>,
) -> Result<(), Error> {
    let Some(places) = document.as_object_mut().and_then(|map| map.shift_remove(FILES)) else {
        return Ok(());
    };
    let flawed = |cause: String| Error::Shape { document: number, cause };
    let Value::Object(places) = places else {
        return Err(flawed(format!("{FILES}: a map is wanted")));
    };
    let mut lost = lost;
    for (pointer, entry) in places {
        let (name, is_base64) = entry_of(entry)
            .ok_or_else(|| flawed(format!("{FILES}.{pointer}: no file is named")))?;
        let place = document
            .pointer_mut(&pointer)
            .filter(|place| place.as_str() == Some(""))
            .ok_or_else(|| flawed(format!("{FILES}.{pointer}: no empty text stands there")))?;
        let text = load(&name, is_base64, file);
        *place = Value::String(match (text, &mut lost) {
            (Err(_), Some(lost)) => {
                let word = format!("{LOST}{name}]");
                lost(name);
                word
            }
            (text, _) => text?,
        });
    }
    Ok(())
}

/// Whether a word stands in a record for a payload that was lost.
pub fn has_lost_file(record: &Record) -> bool {
    record_to_value(record).to_string().contains(LOST)
}

fn entry_of(entry: Value) -> Option<(String, bool)> {
    if let Value::String(name) = entry {
        return Some((name, false));
    }
    let mut entry = Object::of(entry).ok()?;
    let name = entry.want_text("file").ok()?;
    let encoding = entry.want_text("encoding").ok()?;
    (encoding == "base64").then_some((name, true))
}

fn load(
    name: &str,
    is_base64: bool,
    file: &mut dyn FnMut(&str) -> Option<Vec<u8>>,
) -> Result<String, Error> {
    let flawed = |cause: &str| Error::File { name: name.to_owned(), cause: cause.to_owned() };
    let bytes = file(name).ok_or_else(|| flawed("is missing"))?;
    if name.split('.').next() != Some(digest(&bytes).as_str()) {
        return Err(flawed("does not hold what its name says"));
    }
    if is_base64 {
        return Ok(STANDARD.encode(bytes));
    }
    String::from_utf8(bytes).map_err(|_| flawed("is no UTF-8 text"))
}

struct Payload {
    bytes: Vec<u8>,
    extension: &'static str,
    is_base64: bool,
}

fn payload_of(text: &str) -> Option<Payload> {
    if !may_be_payload(text) {
        return None;
    }
    picture_of(text).or_else(|| {
        (text.len() > LONGEST_TEXT).then(|| Payload {
            bytes: text.as_bytes().to_vec(),
            extension: "txt",
            is_base64: false,
        })
    })
}

/// A look at the length and the first letters only.
fn may_be_payload(text: &str) -> bool {
    const STARTS: [&str; 5] = ["iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "JVBERi"];
    text.len() > LONGEST_TEXT
        || (text.len() / 4 * 3 >= SHORTEST_PICTURE
            && STARTS.iter().any(|start| text.starts_with(start)))
}

fn picture_of(text: &str) -> Option<Payload> {
    // The strict decoder takes nothing that it would not write in the same letters.
    let bytes = STANDARD.decode(text).ok()?;
    let extension = match bytes.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, 0xff, ..] => "jpg",
        [b'G', b'I', b'F', b'8', ..] => "gif",
        [b'%', b'P', b'D', b'F', ..] => "pdf",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "webp",
        _ => return None,
    };
    let is_same = bytes.len() >= SHORTEST_PICTURE && STANDARD.encode(&bytes) == text;
    is_same.then_some(Payload { bytes, extension, is_base64: true })
}

fn holds_payload(value: &Value) -> bool {
    match value {
        Value::String(text) => may_be_payload(text),
        Value::Array(items) => items.iter().any(holds_payload),
        Value::Object(map) => map.values().any(holds_payload),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The value, one level of it open.
fn opened(value: &Value) -> Node<'_> {
    match value {
        Value::String(text) => Node::text(text),
        Value::Array(items) => Node::List(items.iter().map(Node::Value).collect()),
        Value::Object(map) => Node::map(map),
        other => Node::Value(other),
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
