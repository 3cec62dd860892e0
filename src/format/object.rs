//! A map that is taken apart field by field; what is wrong names the field.

use serde_json::Map;
use serde_json::Value;

use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::Timestamp;

/// What is wrong with a value, and where in its document.
#[derive(Debug)]
pub(crate) struct Flaw {
    field: String,
    cause: String,
}

impl Flaw {
    /// A flaw of a field.
    pub(crate) fn new(field: &str, cause: impl Into<String>) -> Self {
        Self { field: field.to_owned(), cause: cause.into() }
    }

    /// The same, seen from the field above.
    pub(crate) fn within(mut self, field: &str) -> Self {
        if self.field.is_empty() {
            field.clone_into(&mut self.field);
        } else {
            self.field = format!("{field}.{}", self.field);
        }
        self
    }

    /// The field; empty: the document itself.
    pub(crate) fn field(&self) -> &str {
        &self.field
    }

    /// The flaw in words.
    pub(crate) fn words(&self) -> String {
        if self.field.is_empty() {
            self.cause.clone()
        } else {
            format!("{}: {}", self.field, self.cause)
        }
    }
}

/// A map whose fields are taken out one by one; what remains was not known.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    map: Map<String, Value>,
}

impl Object {
    /// Takes a value that must be a map.
    pub(crate) fn of(value: Value) -> Result<Self, Flaw> {
        match value {
            Value::Object(map) => Ok(Self { map }),
            other => Err(Flaw::new("", format!("a map is wanted, not {}", kind(&other)))),
        }
    }

    /// Whether the field is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Takes a field of any kind.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.shift_remove(name)
    }

    /// Takes a field if it is of the kind that `is_kind` tells.
    pub(crate) fn take_if(&mut self, name: &str, is_kind: fn(&Value) -> bool) -> Option<Value> {
        self.map.get(name).is_some_and(is_kind).then(|| self.take(name))?
    }

    /// Puts a field back that was taken.
    pub(crate) fn put(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.map.insert(name.to_owned(), value);
        }
    }

    /// Takes a text.
    pub(crate) fn take_text(&mut self, name: &str) -> Result<Option<String>, Flaw> {
        self.take(name).map(|value| text(name, value)).transpose()
    }

    /// Takes a text that must be there.
    pub(crate) fn want_text(&mut self, name: &str) -> Result<String, Flaw> {
        self.take_text(name)?.ok_or_else(|| Flaw::new(name, "is missing"))
    }

    /// Takes a value of any kind that must be there.
    pub(crate) fn want_value(&mut self, name: &str) -> Result<Value, Flaw> {
        self.take(name).ok_or_else(|| Flaw::new(name, "is missing"))
    }

    /// Takes a time.
    pub(crate) fn take_time(&mut self, name: &str) -> Result<Option<Timestamp>, Flaw> {
        self.take_text(name)?
            .map(|text| {
                Timestamp::parse(&text)
                    .ok_or_else(|| Flaw::new(name, format!("{text:?} is no RFC 3339 time")))
            })
            .transpose()
    }

    /// Takes the key of a record.
    pub(crate) fn take_key(&mut self, name: &str) -> Result<Option<RecordKey>, Flaw> {
        Ok(self.take_text(name)?.map(RecordKey))
    }

    /// Takes the name of a revision that must be there.
    pub(crate) fn want_revision(&mut self, name: &str) -> Result<RevisionId, Flaw> {
        let text = self.want_text(name)?;
        RevisionId::parse(&text).ok_or_else(|| Flaw::new(name, format!("{text:?} is no revision")))
    }

    /// Takes a flag.
    pub(crate) fn take_bool(&mut self, name: &str) -> Result<Option<bool>, Flaw> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong(name, "true or false", &other)),
        }
    }

    /// Takes a count.
    pub(crate) fn take_count(&mut self, name: &str) -> Result<Option<u64>, Flaw> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        value.as_u64().map(Some).ok_or_else(|| wrong(name, "a whole number", &value))
    }

    /// Takes a list.
    pub(crate) fn take_list(&mut self, name: &str) -> Result<Option<Vec<Value>>, Flaw> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(wrong(name, "a list", &other)),
        }
    }

    /// Takes a list of texts; none when the field is absent.
    pub(crate) fn take_texts(&mut self, name: &str) -> Result<Vec<String>, Flaw> {
        let items = self.take_list(name)?.unwrap_or_default();
        items.into_iter().map(|item| text(name, item)).collect()
    }

    /// Takes a map; empty when the field is absent.
    pub(crate) fn take_map(&mut self, name: &str) -> Result<Map<String, Value>, Flaw> {
        match self.take(name) {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map),
            Some(other) => Err(wrong(name, "a map", &other)),
        }
    }

    /// Takes `native`, with all fields that are still there under their names.
    pub(crate) fn take_native(&mut self) -> Result<Map<String, Value>, Flaw> {
        let mut native = self.take_map("native")?;
        for (name, value) in std::mem::take(&mut self.map) {
            if native.contains_key(&name) {
                return Err(Flaw::new(&name, "is not known, and stands in native too"));
            }
            native.insert(name, value);
        }
        Ok(native)
    }

    /// As [`Object::take_native`], for the last time.
    pub(crate) fn into_native(mut self) -> Result<Map<String, Value>, Flaw> {
        self.take_native()
    }

    /// Whether no field is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The fields that are still there.
    pub(crate) fn into_rest(self) -> Map<String, Value> {
        self.map
    }

    /// Refuses fields that are still there.
    pub(crate) fn end(self) -> Result<(), Flaw> {
        match self.map.keys().next() {
            Some(name) => Err(Flaw::new(name, "is not known")),
            None => Ok(()),
        }
    }
}

fn text(name: &str, value: Value) -> Result<String, Flaw> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(wrong(name, "a text", &other)),
    }
}

/// A field of the wrong kind.
pub(crate) fn wrong(name: &str, wanted: &str, found: &Value) -> Flaw {
    Flaw::new(name, format!("{wanted} is wanted, not {}", kind(found)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
