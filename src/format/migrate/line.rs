//! Where a field stands in a text, for who has to mend it.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_saphyr::Spanned;

/// The line of a field such as `messages[1].at` in a YAML document, or of what it is missing from.
pub(super) fn line_of(text: &str, field: &str) -> u64 {
    let Ok(root) = serde_saphyr::from_str::<Spanned<Lined>>(text) else { return 1 };
    let mut found = &root;
    let names = field.split(['.', '[']).map(|name| name.trim_end_matches(']'));
    for name in names.filter(|name| !name.is_empty()) {
        let next = match &found.value {
            Lined::Map(entries) => entries.iter().find(|(key, _)| key == name).map(|it| &it.1),
            Lined::List(items) => name.parse().ok().and_then(|place: usize| items.get(place)),
            Lined::Other => None,
        };
        let Some(next) = next else { break };
        found = next;
    }
    found.referenced.line()
}

/// A value of which only the places are of interest.
enum Lined {
    Map(Vec<(String, Spanned<Lined>)>),
    List(Vec<Spanned<Lined>>),
    Other,
}

impl<'de> Deserialize<'de> for Lined {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LinedVisitor)
    }
}

struct LinedVisitor;

impl<'de> Visitor<'de> for LinedVisitor {
    type Value = Lined;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Lined, E> {
        Ok(Lined::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Lined, E> {
        Ok(Lined::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Lined, E> {
        Ok(Lined::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Lined, E> {
        Ok(Lined::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Lined, E> {
        Ok(Lined::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Lined, E> {
        Ok(Lined::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Lined, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Lined::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Lined, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Lined::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_where_it_stands_and_a_missing_one_at_what_it_is_missing_from() {
        let text = "schema: 3\nmessages:\n- role: user\n  content:\n  - text: a\n\
                    - id: b\n  content: [{text: c}]\n";
        let lines = ["messages[0].content[0].text", "messages[1].role", "messages[1].content", ""];
        assert_eq!(lines.map(|field| line_of(text, field)), [5, 6, 7, 1]);
        assert_eq!(line_of("a: [", "a"), 1, "where it is no YAML its own error tells the line");
    }
}
