//! Schema 3 → 4: one document a session becomes a stream of records.
//!
//! What the session says of itself stands before the first message, each in the event that says it
//! since; what has no event of its own in `older-session`.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::format::GivenSession;
use crate::format::migrate::NATIVE;
use crate::format::migrate::set_apart;
use crate::format::object::Flaw;
use crate::format::object::Object;
use crate::format::parse::record_of;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Head;
use crate::session::How;
use crate::session::Origin;
use crate::session::Place;
use crate::session::Record;
use crate::session::Timestamp;

/// The event with what the session said of itself and no event says.
const EVENT: &str = "older-session";
/// The agent of sessions that name none.
const UNNAMED_AGENT: &str = "annals";
/// What is counted of an answer.
const COUNTS: [&str; 4] = ["input", "output", "cache_read", "cache_write"];

/// The session in the present form; of the head only the id is said, for the rest follows.
pub(super) fn session_of(mut session: Object) -> Result<GivenSession, Flaw> {
    let mut head = Head::default();
    if let Some(id) = session.take_text("id")? {
        head.id = id.parse().map_err(|_| Flaw::new("id", format!("{id:?} is no UUID")))?;
    }
    let messages = session.take_list("messages")?.unwrap_or_default();
    let mut rest = Rest { fields: session, apart: Map::new() };
    let place = rest.place();
    let model = rest.text("model");
    let mut said = Vec::with_capacity(messages.len());
    for (number, message) in messages.into_iter().enumerate() {
        let record = Object::of(message)
            .and_then(|it| message_of(it, &place, model.as_deref()))
            .and_then(|document| record_of(Value::Object(document)));
        said.push(record.map_err(|flaw| flaw.within(&format!("messages[{number}]")))?);
    }
    let mut records = rest.facts(model.filter(|model| !is_told(model, &said)));
    let (created, modified) = (rest.time("created"), rest.time("modified"));
    // Where no message tells it, this event does.
    let place = if said.is_empty() { place_of(&place) } else { Place::default() };
    records.push(event(created, place, rest.into_native()));
    let latest = said.iter().filter_map(Record::at).map(Timestamp::instant).max();
    records.extend(said);
    // A session that was changed behind its last message was not younger for it.
    if let Some(modified) = modified.filter(|it| latest.is_none_or(|last| it.instant() > last)) {
        let native = Map::from_iter([("modified".to_owned(), modified.as_str().into())]);
        records.push(event(Some(modified), Place::default(), native));
    }
    Ok(GivenSession { head, records, warnings: Vec::new() })
}

fn place_of(fields: &Map<String, Value>) -> Place {
    let text = |name| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    Place { cwd: text("cwd"), branch: text("branch"), version: None }
}

fn event(at: Option<Timestamp>, place: Place, native: Map<String, Value>) -> Record {
    let envelope = Envelope { at, place, ..Envelope::default() };
    let native = Value::Object(native);
    Record::Event(Event { envelope, name: EVENT.to_owned(), title: None, native })
}

fn is_told(model: &str, said: &[Record]) -> bool {
    said.iter().filter_map(Record::as_message).any(|it| it.model.as_deref() == Some(model))
}

/// The document of a message.
fn message_of(
    mut message: Object,
    place: &Map<String, Value>,
    model: Option<&str>,
) -> Result<Map<String, Value>, Flaw> {
    let role = message.want_text("role")?;
    let own = message.take_if("model", |value| !value.is_null());
    message.take("model");
    let default = model.filter(|_| role == "assistant").map(Value::from);
    message.put("model", own.or(default));
    message.put("message", Some(role.into()));
    let content = message.take("content").filter(|content| !content.is_null());
    message.put("content", Some(plain(content.unwrap_or_else(|| json!([])))));
    let usage = message.take("usage");
    let mut document = message.into_rest();
    document.extend(place.clone());
    if let Some(usage) = usage.filter(|usage| !usage.is_null()) {
        count(&mut document, usage);
    }
    Ok(document)
}

/// One text alone needs no block.
fn plain(mut content: Value) -> Value {
    if let Value::Array(blocks) = &mut content {
        if let [Value::Object(block)] = blocks.as_mut_slice()
            && block.len() == 1
            && let Some(text @ Value::String(_)) = block.get_mut("text")
        {
            return text.take();
        }
        blocks.iter_mut().for_each(result_of);
    }
    content
}

/// What a result may not hold goes apart.
fn result_of(block: &mut Value) {
    let Value::Object(fields) = block else { return };
    let is_wrong = |name: &str, value: &Value| match name {
        "output" => !(value.is_string() || value.is_array()),
        "error" => !value.is_boolean(),
        "id" => !value.is_string(),
        _ => false,
    };
    for name in ["output", "error", "id"] {
        match fields.get(name) {
            Some(value) if is_wrong(name, value) => {
                let value = fields.shift_remove(name).unwrap_or_default();
                if !value.is_null() {
                    set_apart(fields, name, value);
                }
            }
            Some(Value::Array(_)) if name == "output" => {
                if let Some(output) = fields.get_mut(name) {
                    *output = plain(output.take());
                }
            }
            _ => {}
        }
    }
}

/// What is counted, as the present form counts it; anything else apart.
fn count(document: &mut Map<String, Value>, usage: Value) {
    let Value::Object(usage) = usage else { return set_apart(document, "usage", usage) };
    let is_count = |(name, value): &(String, Value)| {
        COUNTS.contains(&name.as_str()) && value.as_u64().is_some()
    };
    let (counts, others): (Map<_, _>, Map<_, _>) = usage.into_iter().partition(is_count);
    document.insert("usage".to_owned(), Value::Object(counts));
    if !others.is_empty() {
        set_apart(document, "usage", Value::Object(others));
    }
}

/// What is left of a session, and what of it is not as it must be.
struct Rest {
    fields: Object,
    apart: Map<String, Value>,
}

impl Rest {
    /// Takes a field if it is of the kind that `is_kind` tells; another one is kept apart.
    fn take(&mut self, name: &str, is_kind: fn(&Value) -> bool) -> Option<Value> {
        let value = self.fields.take(name).filter(|value| !value.is_null())?;
        if is_kind(&value) {
            return Some(value);
        }
        self.apart.insert(name.to_owned(), value);
        None
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name, Value::is_string) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let is_texts =
            |value: &Value| value.as_array().is_some_and(|it| it.iter().all(Value::is_string));
        match self.take(name, is_texts) {
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        let is_time = |value: &Value| value.as_str().and_then(Timestamp::parse).is_some();
        self.take(name, is_time).as_ref().and_then(Value::as_str).and_then(Timestamp::parse)
    }

    /// Where it took place, as fields of every message.
    fn place(&mut self) -> Map<String, Value> {
        let mut place = Map::new();
        let Some(Value::Object(mut workspace)) = self.take("workspace", Value::is_object) else {
            return place;
        };
        for (name, field) in [("root", "cwd"), ("branch", "branch")] {
            if let Some(value) = workspace.get(name).filter(|it| it.is_string()) {
                place.insert(field.to_owned(), value.clone());
                workspace.shift_remove(name);
            }
        }
        workspace.retain(|_, value| !value.is_null());
        if !workspace.is_empty() {
            self.apart.insert("workspace".to_owned(), Value::Object(workspace));
        }
        place
    }

    /// What has an event of its own. `model`: one that no message names.
    fn facts(&mut self, model: Option<String>) -> Vec<Record> {
        let origin = Origin { agent: UNNAMED_AGENT.to_owned(), session: None, how: How::Created };
        let (tags, paths) = (self.texts("tags"), self.texts("contextFiles"));
        let actions = [
            Some(Action::Origin(origin)),
            self.text("title").map(|title| Action::Rename { title }),
            Some(tags).filter(|it| !it.is_empty()).map(|tags| Action::Tag { tags }),
            self.text("notes").map(|text| Action::Note { text }),
            Some(paths).filter(|it| !it.is_empty()).map(|paths| Action::ContextFiles { paths }),
            model.map(|name| Action::Model { name }),
        ];
        actions.into_iter().flatten().map(AnnalsEvent::fact).map(Record::Annals).collect()
    }

    /// All that is left: what no version knew, and what is not as it must be.
    fn into_native(self) -> Map<String, Value> {
        let mut fields = self.fields.into_rest();
        let native = fields.shift_remove(NATIVE);
        let mut all = self.apart;
        all.extend(fields);
        if let Some(Value::Object(native)) = native {
            all.extend(native);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::record_to_value;

    fn records(session: Value) -> Vec<Value> {
        let session = Object::of(session).and_then(session_of).expect("it is of schema 3");
        session.records.iter().map(record_to_value).collect()
    }

    #[test]
    fn a_message_takes_place_and_model_from_its_session() {
        let session = json!({
            "model": "m", "workspace": {"root": "/w", "branch": "main", "host": "h"},
            "messages": [
                {"role": "assistant", "content": [{"text": "a"}]},
                {"role": "user", "content": [{"text": "b", "native": {"c": 1}}], "model": null},
            ],
        });
        let records = records(session);
        assert_eq!(
            records[2..],
            [
                json!({
                    "message": "assistant", "model": "m", "cwd": "/w", "branch": "main",
                    "content": "a",
                }),
                json!({
                    "message": "user", "cwd": "/w", "branch": "main",
                    "content": [{"text": "b", "native": {"c": 1}}],
                }),
            ]
        );
        assert_eq!(records[1]["native"], json!({"workspace": {"host": "h"}}));
    }

    #[test]
    fn a_session_without_messages_keeps_its_place() {
        let session = json!({"workspace": {"root": "/w", "branch": "main"}, "messages": []});
        let event = json!({"event": "older-session", "cwd": "/w", "branch": "main"});
        assert_eq!(records(session)[1..], [event]);
    }

    #[test]
    fn what_is_not_as_it_must_be_is_kept_beside() {
        let session = json!({
            "title": 7, "tags": ["a", 1], "created": "soon", "model": "m", "native": {"x": null},
            "messages": [{
                "role": "tool", "usage": {"input": 1, "output": "many", "other": 2},
                "content": [{"tool_result": "c", "output": {"a": 1}, "error": "yes"}],
            }],
        });
        let records = records(session);
        assert_eq!(records[1], json!({"annals": "model", "id": records[1]["id"], "model": "m"}));
        assert_eq!(
            records[2],
            json!({
                "event": "older-session",
                "native": {"title": 7, "tags": ["a", 1], "created": "soon", "x": null},
            })
        );
        let message = &records[3];
        assert_eq!(message["native"], json!({"usage": {"output": "many", "other": 2}}));
        assert_eq!(message["content"][0]["native"], json!({"output": {"a": 1}, "error": "yes"}));
        assert_eq!(message["usage"], json!({"input": 1}));
    }

    #[test]
    fn a_session_changed_behind_its_last_message_is_not_younger_for_it() {
        let session = json!({
            "created": "2025-01-01T00:00:00Z", "modified": "2025-01-03T00:00:00Z",
            "messages": [{"role": "user", "at": "2025-01-02T00:00:00Z", "content": []}],
        });
        let times: Vec<Value> = records(session).iter().map(|it| it["at"].clone()).collect();
        let day = |day: u8| json!(format!("2025-01-0{day}T00:00:00Z"));
        assert_eq!(times[1..], [day(1), day(2), day(3)]);
    }
}
