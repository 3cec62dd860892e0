//! How lists of entries are read, as plain values that know their lines.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::Item;
use toml_edit::TableLike;
use toml_edit::Value;

use crate::config::Wrong;
use crate::config::key::LineAt;
use crate::config::key::unknown;

/// An entry of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry<T> {
    /// What it says.
    pub value: T,
    line: usize,
    lines: BTreeMap<String, usize>,
}

impl<T> Entry<T> {
    /// The line of a key, or of the entry where it is not said.
    pub fn line_of(&self, key: &str) -> usize {
        self.lines.get(key).copied().unwrap_or(self.line)
    }
}

/// Takes a value into what an entry says. None: it has no such key.
pub(super) type Take<T> = fn(&mut T, &str, &Item) -> Option<Result<(), String>>;

/// A table, and where it stands in the text.
type Placed<'t> = (&'t dyn TableLike, Option<Range<usize>>);

/// How the entries of a list are read.
pub(super) struct Shape<T> {
    /// The keys of an entry.
    pub(super) keys: &'static [&'static str],
    /// Those that each must have.
    pub(super) needed: &'static [&'static str],
    /// Takes one in.
    pub(super) take: Take<T>,
}

/// The entries of a list.
pub(super) fn entries<T: Default>(
    list: &str,
    item: &Item,
    line_at: &LineAt<'_>,
    shape: &Shape<T>,
) -> Result<Vec<Entry<T>>, Wrong> {
    let tables: Option<Vec<Placed<'_>>> = match item {
        Item::ArrayOfTables(tables) => {
            Some(tables.iter().map(|table| (table as &dyn TableLike, table.span())).collect())
        }
        Item::Value(Value::Array(values)) => values
            .iter()
            .map(|value| Some((value.as_inline_table()? as &dyn TableLike, value.span())))
            .collect(),
        _ => None,
    };
    let wrong = |key: String, at, cause| Wrong { key, at, cause };
    let tables = tables.ok_or_else(|| {
        let cause = format!("must be a list of tables: [[{list}]]");
        wrong(list.to_owned(), item.span(), cause)
    })?;
    let mut entries = Vec::new();
    for (number, (table, at)) in (1..).zip(tables) {
        let line = line_at(at.clone().map(|at| at.start));
        let mut entry = Entry { value: T::default(), line, lines: BTreeMap::new() };
        let name_of = |key: &str| format!("{list}[{number}].{key}");
        for (key, item) in table.iter() {
            let taken = (shape.take)(&mut entry.value, key, item)
                .unwrap_or_else(|| Err(unknown(key, shape.keys.iter().copied(), "key")));
            taken.map_err(|cause| wrong(name_of(key), item.span(), cause))?;
            entry.lines.insert(key.to_owned(), line_at(item.span().map(|span| span.start)));
        }
        if let Some(key) = shape.needed.iter().find(|key| !table.contains_key(key)) {
            return Err(wrong(name_of(key), at, "is missing".to_owned()));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// The entries of a list of texts.
pub(super) fn names(
    list: &str,
    item: &Item,
    line_at: &LineAt<'_>,
) -> Result<Vec<Entry<String>>, Wrong> {
    let names = item.as_array().and_then(|values| {
        let name = |value: &Value| {
            let line = line_at(value.span().map(|span| span.start));
            let value = value.as_str()?.to_owned();
            Some(Entry { value, line, lines: BTreeMap::new() })
        };
        values.iter().map(name).collect()
    });
    names.ok_or_else(|| Wrong { key: list.to_owned(), at: item.span(), cause: not_texts() })
}

/// A list of texts.
pub(super) fn texts(item: &Item) -> Result<Vec<String>, String> {
    let values = item.as_array().ok_or_else(not_texts)?;
    let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(not_texts)
}

fn not_texts() -> String {
    "must be a list of texts in quotes".to_owned()
}
