//! YAML → values, exactly and within limits.
//!
//! No aliases, anchors or merge keys: annals never writes them, and without them a file cannot
//! grow while it is read. Numbers keep their kind; a key that occurs twice is an error.

use std::fmt;
use std::panic::resume_unwind;
use std::thread;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Number;
use serde_json::Value;
use serde_saphyr::Options;
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::options::MergeKeyPolicy;

use crate::format::Error;
use crate::format::canonical;

/// Deeper texts are refused.
const MAX_DEPTH: usize = 256;
/// Deeper texts are read on a thread of their own.
const USUAL_DEPTH: usize = 32;
/// Enough for the deepest, also where the compiler did not optimise.
const DEEP_STACK: usize = 64 * 1024 * 1024;

/// Reads all documents of a file.
pub(crate) fn read_documents(text: &str) -> Result<Vec<Value>, Error> {
    match canonical::read(text) {
        Some(documents) => Ok(documents),
        None => read_any(text),
    }
}

/// As [`read_documents`], of a text that anybody may have written.
pub(super) fn read_any(text: &str) -> Result<Vec<Value>, Error> {
    read_documents_within(text, usize::MAX)
}

/// The same, of a text that came from elsewhere: at most so many values.
pub(crate) fn read_documents_within(text: &str, values: usize) -> Result<Vec<Value>, Error> {
    // Reading takes several KiB of stack a level, and the caller's thread may have little. Equal
    // keys are refused by `ExactVisitor`; the parser would look for them a second time, but knows
    // the line, so it is told to only where something is wrong.
    match read_to_depth(text, (USUAL_DEPTH, values), DuplicateKeyPolicy::PassThrough) {
        Err(_) => read_deep(text, values),
        documents => documents,
    }
}

/// Reads on a thread with a stack for the deepest text that is allowed.
fn read_deep(text: &str, values: usize) -> Result<Vec<Value>, Error> {
    thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, || {
            read_to_depth(text, (MAX_DEPTH, values), DuplicateKeyPolicy::Error)
        });
        let documents =
            reader.map(|reader| reader.join().unwrap_or_else(|panic| resume_unwind(panic)));
        documents.unwrap_or_else(|error| {
            Err(Error::Yaml { line: 1, cause: format!("no thread to read it on: {error}") })
        })
    })
}

fn read_to_depth(
    text: &str,
    (depth, values): (usize, usize),
    duplicates: DuplicateKeyPolicy,
) -> Result<Vec<Value>, Error> {
    let options = options(text.len(), (depth, values), duplicates);
    let documents: Result<Vec<Exact>, _> = serde_saphyr::from_multiple_with_options(text, options);
    let documents = documents.map_err(|error| Error::Yaml {
        line: error.location().map_or(1, |location| location.line()),
        cause: plainly(&error.to_string(), (depth, values)),
    })?;
    Ok(documents.into_iter().map(|exact| exact.0).collect())
}

/// Reads a JSON text by the same rules.
pub(crate) fn read_json(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text)
        .map(|exact: Exact| exact.0)
        .map_err(|error| Error::Yaml { line: error.line() as u64, cause: error.to_string() })
}

/// Reads a JSON text that came from elsewhere: at most so many values.
pub(crate) fn read_json_within(text: &str, values: usize) -> Result<Value, Error> {
    let mut is_text = false;
    let mut found = 1;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if is_text => drop(bytes.next()),
            b'"' => is_text = !is_text,
            b',' | b'[' | b'{' if !is_text => found += 1,
            _ => {}
        }
    }
    if found > values {
        return Err(Error::Yaml { line: 1, cause: format!("it has more than {values} values") });
    }
    read_json(text)
}

fn options(
    size: usize,
    (depth, values): (usize, usize),
    duplicates: DuplicateKeyPolicy,
) -> Options {
    // Nothing in a text is shorter than a byte.
    let most = size + 64;
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: None,
            max_events: 2 * most,
            max_nodes: most.min(values),
            max_documents: most,
            max_total_scalar_bytes: most,
            max_aliases: 0,
            max_anchors: 0,
            max_merge_keys: 0,
            max_depth: depth,
        },
        duplicate_keys: duplicates,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    }
}

/// What is wrong, without the words that mean something to the parser alone.
fn plainly(text: &str, (depth, values): (usize, usize)) -> String {
    let line = text.lines().next().unwrap_or_default();
    let has = |parts: &[&str]| parts.iter().any(|part| line.contains(part));
    if has(&["{ anchors:", "{ aliases:", "merge keys"]) {
        return "anchors, aliases and merge keys are not read".to_owned();
    }
    if has(&["{ depth:", "recursion limit"]) {
        return format!("it is nested deeper than {depth} levels");
    }
    if has(&["{ nodes:", "{ events:"]) {
        return format!("it has more than {values} values");
    }
    line.replace(", set DuplicateKeyPolicy in Options if acceptable", "")
}

/// A value taken as it stands: `serde_json::Value` itself gives some keys a meaning of their own
/// and lets the last of several equal keys win.
struct Exact(Value);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExactVisitor).map(Self)
    }
}

struct ExactVisitor;

impl<'de> Visitor<'de> for ExactVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Exact(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let Exact(value) = entries.next_value()?;
            if map.contains_key(&key) {
                return Err(de::Error::custom(format!("the key {key:?} occurs twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
