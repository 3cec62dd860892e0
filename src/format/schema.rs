//! The published JSON Schemas, made here and compared with the files in `docs/schema`.
//!
//! Run the tests with `ANNALS_UPDATE_SCHEMAS` set to write the files anew. Fields that a schema
//! does not name are allowed: they are those of a later version.

use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use super::tests::sample;
use super::*;
use crate::session::SCHEMA_VERSION;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
const UPDATE: &str = "ANNALS_UPDATE_SCHEMAS";

fn schemas() -> [(&'static str, Value); 4] {
    [("session", session()), ("record", record()), ("marker", marker()), ("tombstone", tombstone())]
}

fn text(about: &str) -> Value {
    json!({"type": "string", "description": about})
}

fn time(about: &str) -> Value {
    json!({"type": "string", "description": format!("{about} (RFC 3339)")})
}

fn count(about: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": about})
}

fn texts(about: &str) -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": about})
}

#[expect(clippy::needless_pass_by_value, reason = "so that a `json!` can stand in the call")]
fn map(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

fn titled(title: &str, mut schema: Value) -> Value {
    schema["$schema"] = DRAFT.into();
    schema["title"] = title.into();
    schema
}

fn uuid() -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"})
}

fn revision(about: &str) -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{40}$", "description": about})
}

fn session() -> Value {
    let agent = json!({
        "name": text("Its name."),
        "version": text("Its version, at the last record that tells."),
        "session": text("Its own id of the session."),
    });
    let workspace = json!({
        "root": text("The folder, as the first record that tells has it."),
        "repository": text("The normalised URL of the remote, or the id of the first commit."),
        "branch": text("The git branch, at the last record that tells."),
    });
    let counts = json!({
        "records": count("Records of the agent."),
        "messages": count("Messages among them."),
        "turns": count("Messages typed by a person."),
        "tool_calls": count("Tool calls."),
        "unreadable": count("Records that could not be parsed."),
        "bytes": count("Bytes of text."),
    });
    let tokens = json!({
        "input": count("Sent, and held by no cache."),
        "output": count("Written by the model."),
        "cache_read": count("Read from a cache."),
        "cache_write": count("Written to a cache."),
        "total": count("The sum of the four."),
    });
    let parent = json!({
        "session": text("Its id."),
        "tool_call": text("The tool call that started the sub-agent."),
    });
    let properties = json!({
        "schema": {"type": "integer", "minimum": SCHEMA_VERSION},
        "id": uuid(),
        "title": text("Its title, if anybody gave it one."),
        "preview": text("The beginning of what was asked first, on one line."),
        "agent": map(&["name"], agent),
        "models": texts("The models, in the order of their first message."),
        "created": time("The earliest time of a record"),
        "modified": time("The latest time of a record"),
        "workspace": map(&[], workspace),
        "counts": map(&["records", "messages", "turns", "tool_calls", "bytes"], counts),
        "tokens": map(&["input", "output", "cache_read", "cache_write", "total"], tokens),
        "context_files": texts("The files it refers to."),
        "tags": texts("Its tags, sorted."),
        "notes": text("Its notes."),
        "pinned": {"const": true, "description": "Retention leaves it alone."},
        "parent": map(&["session"], parent),
        "origin": text("captured, created, imported from …, forked from …"),
        "redactions": {"type": "object", "additionalProperties": count("Redactions by this rule.")},
    });
    titled("session.yaml", map(&["schema", "id", "agent", "counts"], properties))
}

fn record() -> Value {
    let kinds = [message(), event(), annals(), unreadable(), common()];
    let mut schema = titled("A document of a chunk", json!({"oneOf": kinds}));
    schema["$defs"] =
        json!({"content": content(), "files": files(), "key": text("The key of a record.")});
    schema
}

fn envelope(mut properties: Value) -> Value {
    let shared = json!({
        "id": text("The agent's id of the record."),
        "parent": text("The id of the record that this one follows in the conversation."),
        "at": time("When it was written"),
        "cwd": text("The agent's working folder."),
        "branch": text("The git branch."),
        "version": text("The agent's version."),
        "after": {"$ref": "#/$defs/key"},
        "native_line": text("The agent's own line, where values cannot hold all of it."),
        "files": {"$ref": "#/$defs/files"},
    });
    let shared = shared.as_object().cloned().unwrap_or_default();
    properties.as_object_mut().expect("a map").extend(shared);
    properties
}

fn message() -> Value {
    let usage = json!({
        "input": count("Tokens sent that no cache held."),
        "output": count("Tokens written by the model."),
        "cache_read": count("Tokens read from a cache."),
        "cache_write": count("Tokens written to a cache."),
    });
    let properties = json!({
        "message": text("Who speaks: user, assistant, system, tool, or as the agent calls it."),
        "model": text("The model that wrote it."),
        "answer": text("The id of the model's answer that this message is a part of."),
        "injected": {"enum": ["context", "summary", "command"]},
        "content": {"$ref": "#/$defs/content"},
        "usage": map(&[], usage),
        "native": {"type": "object", "description": "All other fields of the agent's record."},
    });
    map(&["message", "content"], envelope(properties))
}

fn event() -> Value {
    let properties = json!({
        "event": text("The agent's name for this type of record."),
        "title": text("The title that the record gives the session."),
        "titled_by": {"enum": ["person", "agent", "nobody"]},
        "native": {"description": "All other fields of the agent's record, or the value itself."},
    });
    map(&["event"], envelope(properties))
}

fn annals() -> Value {
    let placement = json!({"key": {"$ref": "#/$defs/key"}, "after": {"$ref": "#/$defs/key"}});
    let properties = json!({
        "annals": text("What was done: rename, tag, untag, note, pin, rollback, rewrite, undelete, \
            origin, workspace, parent, context_files, model, state."),
        "id": text("A UUID."),
        "at": time("When it was done; facts have no time"),
        "removed": {"type": "array", "items": {"$ref": "#/$defs/key"}},
        "placed": {"type": "array", "items": map(&["key"], placement)},
        "files": {"$ref": "#/$defs/files"},
    });
    map(&["annals", "id"], properties)
}

fn unreadable() -> Value {
    let properties = json!({
        "unreadable": {"enum": ["text", "bytes"]},
        "raw": text("What stands there."),
        "raw_bytes": {"type": "string", "contentEncoding": "base64"},
        "tail": {"const": true, "description": "The unterminated last line of the file."},
        "after": {"$ref": "#/$defs/key"},
        "files": {"$ref": "#/$defs/files"},
    });
    map(&["unreadable"], properties)
}

/// What stands in a chunk's first document.
fn common() -> Value {
    let fields = json!({
        "cwd": text("The agent's working folder."),
        "branch": text("The git branch."),
        "version": text("The agent's version."),
        "native": {"type": "object"},
    });
    let labels = json!({"type": "object", "additionalProperties": map(&[], fields)});
    let groups = map(&[], json!({"events": labels, "messages": labels}));
    map(&["common"], json!({"common": groups}))
}

fn content() -> Value {
    let block = json!({
        "text": text("What was said."),
        "thinking": text("What the model thought."),
        "tool_call": text("The name of the tool that the model asks for."),
        "id": text("What the tool's result refers to."),
        "input": {"description": "The arguments."},
        "tool_result": text("The id of the call."),
        "output": {"$ref": "#/$defs/content"},
        "error": {"type": "boolean", "description": "Whether the tool failed."},
        "image": text("The media type of a picture."),
        "file": text("The media type of a file."),
        "data": {"type": "string", "description": "Its bytes in base64, as the agent wrote them."},
        "native": {"type": "object", "description": "All other fields of the agent's block."},
    });
    json!({"type": ["string", "array"], "items": map(&[], block)})
}

fn files() -> Value {
    let name = "^[0-9a-f]{64}\\.[a-z]+$";
    let encoded = json!({
        "file": {"type": "string", "pattern": name},
        "encoding": {"const": "base64"},
    });
    let entry = json!({"oneOf": [
        {"type": "string", "pattern": name},
        map(&["file", "encoding"], encoded),
    ]});
    json!({
        "type": "object",
        "additionalProperties": entry,
        "description": "Texts that lie in files: a JSON pointer into this document, and the file.",
    })
}

fn marker() -> Value {
    let properties = json!({
        "store": uuid(),
        "schema": {"type": "integer", "minimum": 1},
        "scrubs": {
            "type": "array",
            "description": "The rewritings of history that the store went through, in their order.",
            "items": map(&["from", "to"], json!({
                "from": revision("The tip before."),
                "to": revision("The same revision, rewritten."),
            })),
        },
    });
    titled("annals.yaml", map(&["store", "schema"], properties))
}

fn tombstone() -> Value {
    let properties = json!({
        "id": uuid(),
        "agent": text("The agent's name."),
        "session": text("The agent's own id of the session."),
        "at": time("When it was deleted"),
        "keys": texts("The keys of the records it had, of each 16 digits of its SHA-256, and its number."),
    });
    titled("A tombstone", map(&["id", "agent", "at", "keys"], properties))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the files are this package's own")]
fn published_schemas_are_fresh() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
    for (name, schema) in schemas() {
        let path = folder.join(format!("{name}.schema.json"));
        let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, &text).expect("writes");
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(published == text, "{} is stale: run the tests with {UPDATE} set", path.display());
    }
}

#[test]
fn what_is_written_passes_the_schemas() {
    let [session, record, marker, tombstone] =
        schemas().map(|(_, schema)| jsonschema::validator_for(&schema).expect("a schema"));
    let check = |validator: &jsonschema::Validator, text: &str| {
        for document in reader::read_documents(text).expect("parses") {
            let flaws: Vec<String> =
                validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(flaws.is_empty(), "{flaws:?}\n{text}");
        }
    };
    check(&session, &render_head(&sample::head()));
    check(&session, &render_head(&Head::default()));
    for chunk in sample::chunks() {
        check(&record, &chunk.text);
    }
    check(&marker, &render_marker(&sample::marker()));
    check(&tombstone, &render_tombstone(&sample::tombstone()));
    assert!(!record.is_valid(&json!({"message": "user"})));
    assert!(!record.is_valid(&json!({"event": "x", "id": 1})));
    assert!(!tombstone.is_valid(&json!({"id": "x", "agent": "a", "at": "b", "keys": []})));
}

#[test]
fn the_schema_names_every_field_of_a_head() {
    let head = head_to_value(&sample::head());
    let wanted = session();
    for (name, value) in head.as_object().expect("a map") {
        let known = &wanted["properties"][name];
        assert!(known.is_object(), "{name}");
        for inner in value.as_object().into_iter().flat_map(|map| map.keys()) {
            let is_open = known["properties"].is_null();
            assert!(is_open || known["properties"][inner].is_object(), "{name}.{inner}");
        }
    }
    assert_eq!(
        head.as_object().map(serde_json::Map::len),
        wanted["properties"].as_object().map(serde_json::Map::len)
    );
}
