//! The values that are written: borrowed from the records, so that nothing is copied on the way
//! into the text.

use std::borrow::Cow;

use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

/// A value to be written, its fields in the order of the file.
#[derive(Debug, Clone)]
pub(crate) enum Node<'a> {
    /// An agent's value, as it is.
    Value(&'a Value),
    /// True or false.
    Bool(bool),
    /// A number that counts.
    Count(u64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Node<'a>>),
    /// A map.
    Map(Fields<'a>),
    /// A map of counts, which stands on one line.
    Counts(Vec<(&'static str, u64)>),
}

/// The entries of a map.
pub(crate) type Fields<'a> = Vec<(Cow<'a, str>, Node<'a>)>;

impl<'a> Node<'a> {
    /// A borrowed text.
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// The entries of `map` in their own order.
    pub(crate) fn map(map: &'a Map<String, Value>) -> Self {
        Self::Map(fields(map))
    }

    /// The entries of `map`, sorted.
    pub(crate) fn sorted(map: &'a Map<String, Value>) -> Self {
        let mut fields = fields(map);
        fields.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        Self::Map(fields)
    }

    /// The same as a value.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Bool(flag) => Value::Bool(flag),
            Self::Count(count) => Value::Number(Number::from(count)),
            Self::Text(text) => Value::String(text.into_owned()),
            Self::List(items) => items.into_iter().map(Self::into_value).collect(),
            Self::Map(fields) => Value::Object(into_object(fields)),
            Self::Counts(counts) => counts
                .into_iter()
                .map(|(name, count)| (name.to_owned(), Value::from(count)))
                .collect(),
        }
    }
}

/// The entries as a map of values.
pub(crate) fn into_object(fields: Fields<'_>) -> Map<String, Value> {
    fields.into_iter().map(|(key, node)| (key.into_owned(), node.into_value())).collect()
}

fn fields(map: &Map<String, Value>) -> Fields<'_> {
    map.iter().map(|(key, value)| (Cow::Borrowed(key.as_str()), Node::Value(value))).collect()
}
