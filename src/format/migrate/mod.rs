//! Older forms of a session, brought to the present one step by step: each step is a pure
//! value → value function in a file of its own.
//!
//! ```text
//! schema 1 ─ v1_to_v2 ─ v2_to_v3 ─┐
//!                                 ├─ v3_to_v4 ─ the present form
//! JSON 0.7.0 … 1.0.0 ─ json_to_v3 ┘
//! ```
//!
//! No field is lost: [`Form::enter`] puts what a version does not know under `native` before the
//! first step, and no step looks into that. What a version knows but what has no place in the next
//! one goes there too. A session that is not of its form fails whole.

mod json_to_v3;
mod line;
mod v1_to_v2;
mod v2_to_v3;
mod v3_to_v4;

use serde_json::Map;
use serde_json::Value;

use crate::format::Error;
use crate::format::GivenSession;
use crate::format::object::Flaw;
use crate::format::object::Object;
use crate::format::object::wrong;
use crate::format::reader::read_documents;
use crate::session::SCHEMA_VERSION;

pub(super) use json_to_v3::is_older as is_older_json;
pub(super) use json_to_v3::older_session as older_json;

/// What is not known in a version, on its way through the steps.
const NATIVE: &str = "native";

/// A step from one schema to the next.
type Step = fn(Object) -> Result<Map<String, Value>, Flaw>;

/// The first is that from schema 1; the last one gives the present form.
const STEPS: [Step; 2] = [v1_to_v2::step, v2_to_v3::step];

/// The fields that a version knows.
struct Form {
    session: &'static [&'static str],
    message: &'static [&'static str],
    has_blocks: bool,
}

/// The oldest version first.
const FORMS: [Form; 3] = [
    Form {
        session: &["id", "created", "lastModified", "model", "messages", "tokenCount"],
        message: &["id", "role", "timestamp", "content"],
        has_blocks: false,
    },
    Form {
        session: &[
            "id",
            "created",
            "modified",
            "model",
            "workspaceRoot",
            "contextFiles",
            "tags",
            "notes",
            "messages",
            "tokenCount",
        ],
        message: &["id", "role", "at", "content"],
        has_blocks: false,
    },
    Form {
        session: &[
            "id",
            "title",
            "created",
            "modified",
            "model",
            "workspace",
            "contextFiles",
            "tags",
            "notes",
            "messages",
        ],
        message: &["id", "role", "at", "model", "content", "usage"],
        has_blocks: true,
    },
];

/// Whether a document is a session of an older schema.
pub(super) fn is_older(document: &Map<String, Value>) -> bool {
    schema_of(document).is_some_and(|schema| (1..SCHEMA_VERSION.into()).contains(&schema))
}

/// The session in such a document.
pub(super) fn older_session(document: Map<String, Value>) -> Result<GivenSession, Error> {
    migrated(document).map_err(|flaw| Error::shape(1, &flaw))
}

/// Reads the file of a session in an older schema; its head names that.
///
/// # Errors
/// The line is that of the field which is not as it must be. [`Error::TooNew`]: it is of a schema
/// that is not known yet.
pub fn parse_older(text: &str) -> Result<GivenSession, Error> {
    let mut documents = read_documents(text)?;
    let at =
        |flaw: &Flaw| Error::Yaml { line: line::line_of(text, flaw.field()), cause: flaw.words() };
    let (Some(Value::Object(document)), 0) = (documents.pop(), documents.len()) else {
        return Err(at(&Flaw::new("", "one document is wanted, a map")));
    };
    if let Some(error) = crate::format::head::too_new(schema_of(&document)) {
        return Err(error);
    }
    let schema = schema_of(&document).and_then(|schema| u32::try_from(schema).ok());
    let mut given = migrated(document).map_err(|flaw| at(&flaw))?;
    given.head.schema = schema.unwrap_or(SCHEMA_VERSION);
    Ok(given)
}

fn schema_of(document: &Map<String, Value>) -> Option<u64> {
    document.get("schema").and_then(Value::as_u64)
}

fn migrated(mut document: Map<String, Value>) -> Result<GivenSession, Flaw> {
    let schema = document.shift_remove("schema").unwrap_or_default();
    let known = schema.as_u64().and_then(|schema| usize::try_from(schema).ok()?.checked_sub(1));
    let Some((first, form)) = known.and_then(|it| Some((it, FORMS.get(it)?))) else {
        return Err(Flaw::new("schema", format!("{schema} is not known")));
    };
    let mut session = form.enter(document)?;
    // The last thing that a reader of the present form can know of it.
    set_apart(&mut session, "schema", schema);
    for step in STEPS.iter().skip(first) {
        session = step(Object::of(Value::Object(session))?)?;
    }
    v3_to_v4::session_of(Object::of(Value::Object(session))?)
}

impl Form {
    /// The session with all that this version does not know under `native`.
    fn enter(&self, session: Map<String, Value>) -> Result<Map<String, Value>, Flaw> {
        let mut session = known_fields(session, self.session);
        let messages = match session.shift_remove("messages") {
            Some(Value::Array(messages)) => messages,
            None | Some(Value::Null) => Vec::new(),
            Some(other) => return Err(wrong("messages", "a list", &other)),
        };
        let each = messages.into_iter().enumerate().map(|(place, message)| match message {
            Value::Object(message) => Ok(Value::Object(self.enter_message(message))),
            other => Err(wrong(&format!("messages[{place}]"), "a map", &other)),
        });
        let messages = each.collect::<Result<_, _>>()?;
        session.insert("messages".to_owned(), Value::Array(messages));
        Ok(session)
    }

    fn enter_message(&self, message: Map<String, Value>) -> Map<String, Value> {
        let mut message = known_fields(message, self.message);
        if let Some(content) = message.get_mut("content").filter(|_| self.has_blocks) {
            enter_blocks(content);
        }
        message
    }
}

/// Blocks of a list, those of results too; other values stay as they are.
fn enter_blocks(content: &mut Value) {
    let Value::Array(blocks) = content else { return };
    for block in blocks.iter_mut() {
        let Value::Object(fields) = block else { continue };
        let is_text = |name: &str| fields.get(name).is_some_and(Value::is_string);
        let known: &[&str] = match () {
            () if is_text("tool_call") => &["tool_call", "id", "input"],
            () if is_text("tool_result") => &["tool_result", "output", "error"],
            () if is_text("text") => &["text"],
            () => &[],
        };
        *fields = known_fields(std::mem::take(fields), known);
        if let Some(output) = fields.get_mut("output") {
            enter_blocks(output);
        }
    }
}

/// The map with only these fields, and the others under `native`.
fn known_fields(map: Map<String, Value>, known: &[&str]) -> Map<String, Value> {
    let (mut fields, others): (Map<_, _>, Map<_, _>) =
        map.into_iter().partition(|(name, _)| known.contains(&name.as_str()));
    if !others.is_empty() {
        fields.insert(NATIVE.to_owned(), Value::Object(others));
    }
    fields
}

/// Puts a value under `native`, where no step looks for it.
fn set_apart(map: &mut Map<String, Value>, name: &str, value: Value) {
    let native = map.entry(NATIVE).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(native) = native {
        native.insert(name.to_owned(), value);
    }
}

/// Does something with each message of a session.
fn each_message(
    session: &mut Map<String, Value>,
    work: &mut dyn FnMut(Object) -> Result<Map<String, Value>, Flaw>,
) -> Result<(), Flaw> {
    let Some(Value::Array(messages)) = session.get_mut("messages") else { return Ok(()) };
    for (place, message) in messages.iter_mut().enumerate() {
        let done = Object::of(message.take()).and_then(&mut *work);
        let done = done.map_err(|flaw| flaw.within(&format!("messages[{place}]")))?;
        *message = Value::Object(done);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
