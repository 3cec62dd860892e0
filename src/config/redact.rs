//! The lists of the section `redact`, as plain values that know their lines.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use toml_edit::Item;
use toml_edit::TableLike;
use toml_edit::Value;

use crate::config::Wrong;
use crate::config::keys::LineAt;
use crate::config::keys::unknown;
use crate::config::values::text;

/// What the user says about the rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RedactSettings {
    /// `redact.rules`: rules of his own.
    pub rules: Vec<Entry<RuleEntry>>,
    /// `redact.off`: names of rules that are not to run.
    pub off: Vec<Entry<String>>,
    /// `redact.allow`: what is no secret.
    pub allow: Vec<Entry<AllowEntry>>,
}

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

/// A rule of the user's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RuleEntry {
    /// Its name, as in the mark.
    pub name: String,
    /// Texts near which alone the pattern is looked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// A regular expression.
    pub pattern: String,
    /// The least entropy of a secret, in bits a byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entropy: Option<f64>,
}

/// What is no secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AllowEntry {
    /// The SHA-256 of the value, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// A regular expression that the whole value matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// A regular expression that the whole name beside the value matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The only rule that it holds for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// Takes a value into what an entry says. None: it has no such key.
type Take<T> = fn(&mut T, &str, &Item) -> Option<Result<(), String>>;

/// A table, and where it stands in the text.
type Placed<'t> = (&'t dyn TableLike, Option<Range<usize>>);

/// How the entries of a list are read.
struct Shape<T> {
    keys: &'static [&'static str],
    needed: &'static [&'static str],
    take: Take<T>,
}

const RULE: Shape<RuleEntry> = Shape {
    keys: &["name", "keywords", "pattern", "entropy"],
    needed: &["name", "pattern"],
    take: |rule, key, item| {
        Some(match key {
            "name" => text(item).map(|text| text.clone_into(&mut rule.name)),
            "pattern" => text(item).map(|text| text.clone_into(&mut rule.pattern)),
            "keywords" => texts(item).map(|texts| rule.keywords = texts),
            "entropy" => number(item).map(|number| rule.entropy = Some(number)),
            _ => return None,
        })
    },
};

const ALLOW: Shape<AllowEntry> = Shape {
    keys: &["sha256", "pattern", "name", "rule"],
    needed: &[],
    take: |entry, key, item| {
        let place = match key {
            "sha256" => &mut entry.sha256,
            "pattern" => &mut entry.pattern,
            "name" => &mut entry.name,
            "rule" => &mut entry.rule,
            _ => return None,
        };
        Some(text(item).map(|text| *place = Some(text.to_owned())))
    },
};

/// Takes in a list, if that is one.
pub(super) fn take(
    settings: &mut RedactSettings,
    key: &str,
    item: &Item,
    line_at: &LineAt<'_>,
) -> Result<bool, Wrong> {
    match key {
        "redact.rules" => settings.rules = entries(key, item, line_at, &RULE)?,
        "redact.allow" => settings.allow = entries(key, item, line_at, &ALLOW)?,
        "redact.off" => settings.off = names(key, item, line_at)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn entries<T: Default>(
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

fn names(list: &str, item: &Item, line_at: &LineAt<'_>) -> Result<Vec<Entry<String>>, Wrong> {
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

fn texts(item: &Item) -> Result<Vec<String>, String> {
    let values = item.as_array().ok_or_else(not_texts)?;
    let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(not_texts)
}

fn not_texts() -> String {
    "must be a list of texts in quotes".to_owned()
}

fn number(item: &Item) -> Result<f64, String> {
    let whole = || item.as_integer().and_then(|number| i32::try_from(number).ok()).map(f64::from);
    item.as_float().or_else(whole).ok_or_else(|| "must be a number".to_owned())
}
