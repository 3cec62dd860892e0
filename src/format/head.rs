//! The small files: a session's head, the store's marker, tombstones.

use serde_json::Map;
use serde_json::Value;
use uuid::Uuid;

use crate::format::Error;
use crate::format::Marker;
use crate::format::ScrubRecord;
use crate::format::Tombstone;
use crate::format::emitter::Emitter;
use crate::format::node::Fields;
use crate::format::node::Node;
use crate::format::object::Flaw;
use crate::format::object::Object;
use crate::format::reader::read_documents;
use crate::format::record::field;
use crate::format::record::push_text;
use crate::session::Head;
use crate::session::Native;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;

/// `session.yaml`.
pub fn render_head(head: &Head) -> String {
    render(&Fields::from([]), &head_fields(head))
}

/// Reads `session.yaml`; a newer schema is read as far as it goes.
pub fn parse_head(text: &str) -> Result<Head, Error> {
    let map = read_one(text)?;
    if !map.contains_key("id") {
        return Err(Error::shape(1, &Flaw::new("id", "is missing")));
    }
    head_of(map, 1)
}

/// The fields of a head, in the order of the file.
pub(crate) fn head_fields(head: &Head) -> Map<String, Value> {
    let mut sorted = head.clone();
    sorted.native.sort_keys();
    match serde_json::to_value(sorted) {
        Ok(Value::Object(map)) => map,
        _ => unreachable!("a head has text keys only"),
    }
}

/// The head that a map stands for.
pub(crate) fn head_of(map: Map<String, Value>, document: usize) -> Result<Head, Error> {
    let schema = map.get("schema").and_then(Value::as_u64);
    serde_json::from_value(Value::Object(map)).map_err(|error| {
        too_new(schema).unwrap_or_else(|| Error::Shape { document, cause: error.to_string() })
    })
}

/// `annals.yaml`.
pub fn render_marker(marker: &Marker) -> String {
    let mut native = marker.native.clone();
    native.sort_keys();
    let mut fields = vec![
        field("store", Node::Text(marker.store.to_string().into())),
        field("schema", Node::Count(marker.schema.into())),
    ];
    if !marker.scrubs.is_empty() {
        let record = |it: &ScrubRecord| {
            let revision = |it: &RevisionId| Node::Text(it.to_string().into());
            Node::Map(vec![field("from", revision(&it.from)), field("to", revision(&it.to))])
        };
        fields.push(field("scrubs", Node::List(marker.scrubs.iter().map(record).collect())));
    }
    render(&fields, &native)
}

/// Reads `annals.yaml`; a newer schema is read as far as it goes.
pub fn parse_marker(text: &str) -> Result<Marker, Error> {
    let map = read_one(text)?;
    let schema = map.get("schema").and_then(Value::as_u64);
    marker_of(map).map_err(|flaw| too_new(schema).unwrap_or_else(|| Error::shape(1, &flaw)))
}

fn marker_of(map: Native) -> Result<Marker, Flaw> {
    let mut object = Object::of(Value::Object(map))?;
    let store = object.want_text("store")?;
    let schema = object.take_count("schema")?;
    Ok(Marker {
        store: Uuid::try_parse(&store)
            .map_err(|_| Flaw::new("store", format!("{store:?} is no UUID")))?,
        schema: schema
            .and_then(|schema| u32::try_from(schema).ok())
            .ok_or_else(|| Flaw::new("schema", "a version is wanted"))?,
        scrubs: take_scrubs(&mut object)?,
        native: object.into_rest(),
    })
}

fn take_scrubs(object: &mut Object) -> Result<Vec<ScrubRecord>, Flaw> {
    let items = object.take_list("scrubs")?.unwrap_or_default();
    let record = |item| {
        let mut object = Object::of(item)?;
        let from = object.want_revision("from")?;
        Ok(ScrubRecord { from, to: object.want_revision("to")? })
    };
    items.into_iter().map(record).collect::<Result<_, Flaw>>().map_err(|it| it.within("scrubs"))
}

/// `tombstones/<xx>/<id>.yaml`.
pub fn render_tombstone(tombstone: &Tombstone) -> String {
    let keys = tombstone.keys.iter().map(|key| Node::text(&key.0));
    let mut fields = vec![
        field("id", Node::Text(tombstone.id.to_string().into())),
        field("agent", Node::text(&tombstone.agent)),
    ];
    push_text(&mut fields, "session", tombstone.session.as_deref());
    fields.push(field("at", Node::text(&tombstone.at)));
    fields.push(field("keys", Node::List(keys.collect())));
    render(&fields, &Native::new())
}

/// Reads a tombstone; fields that are not known are passed over.
pub fn parse_tombstone(text: &str) -> Result<Tombstone, Error> {
    tombstone_of(read_one(text)?).map_err(|flaw| Error::shape(1, &flaw))
}

fn tombstone_of(map: Native) -> Result<Tombstone, Flaw> {
    let mut object = Object::of(Value::Object(map))?;
    let id = object.want_text("id")?;
    let keys = object.take_texts("keys")?;
    Ok(Tombstone {
        id: id.parse().map_err(|_| Flaw::new("id", format!("{id:?} is no UUID")))?,
        agent: object.want_text("agent")?,
        session: object.take_text("session")?,
        at: object.want_text("at")?,
        keys: keys.into_iter().map(RecordKey).collect(),
    })
}

/// The error for a schema version that is not known yet.
pub(crate) fn too_new(schema: Option<u64>) -> Option<Error> {
    let found = u32::try_from(schema?).unwrap_or(u32::MAX);
    (found > SCHEMA_VERSION).then_some(Error::TooNew { found })
}

fn render(fields: &Fields<'_>, native: &Native) -> String {
    let mut emitter = Emitter::default();
    for (name, node) in fields {
        emitter.entry(0, name, node);
    }
    for (name, value) in native {
        if fields.iter().all(|(known, _)| known != name) {
            emitter.entry(0, name, &Node::Value(value));
        }
    }
    emitter.out
}

fn read_one(text: &str) -> Result<Map<String, Value>, Error> {
    let mut documents = read_documents(text)?;
    match (documents.pop(), documents.len()) {
        (Some(Value::Object(map)), 0) => Ok(map),
        (_, more) => Err(Error::Shape {
            document: more + 1,
            cause: "one document is wanted, a map".to_owned(),
        }),
    }
}
