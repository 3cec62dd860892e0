//! Filters as SQL with bound values.

use std::collections::HashSet;

use chrono::DateTime;
use chrono::Utc;
use rusqlite::types::Value;

use crate::index::Filter;
use crate::index::rows::trimmed;

/// What a row must fulfil: pieces of SQL that hold no text of the user's, and the values they
/// are bound to.
#[derive(Default)]
pub(super) struct Conditions {
    clauses: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    pub(super) fn of(filter: &Filter) -> Self {
        let mut all = Self::default();
        if !filter.with_subagents {
            all.clauses.push("parent IS NULL".to_owned());
        }
        all.fields(filter, Self::any_of);
        if let Some(without) = &filter.without {
            all.fields(without, Self::none_of);
        }
        all
    }

    /// What the fields of a filter ask for; `join`: what becomes of the alternatives of one.
    fn fields(&mut self, filter: &Filter, join: fn(&[&str]) -> String) {
        let all = &mut Asked { conditions: self, join };
        all.any(&filter.agents, |name| agent(name));
        all.any(&filter.branches, |name| branch(name));
        all.any(&filter.tags, |tag| {
            let sql = "EXISTS (SELECT 1 FROM tags WHERE tags.key = sessions.key AND tag = ?)";
            (sql, vec![text(&tag.to_lowercase())])
        });
        all.any(&filter.models, |model| {
            let sql = "EXISTS (SELECT 1 FROM models
                WHERE models.key = sessions.key AND instr(folded, ?) > 0)";
            (sql, vec![text(&model.to_lowercase())])
        });
        all.any(&filter.authors, |author| {
            let sql = "EXISTS (SELECT 1 FROM names JOIN commits ON number = begun
                JOIN authors ON authors.key = commits.author
                WHERE names.key = sessions.key AND instr(folded, ?) > 0)";
            (sql, vec![text(&author.to_lowercase())])
        });
        let places: Vec<(&str, bool)> = filter.places().collect();
        all.any(&places, |(place, is_repository)| match is_repository {
            true => ("repository = ?", vec![text(place)]),
            false => workspace(place),
        });
        all.any(&filter.spans, |span| touches(*span));
    }

    /// One of these must hold.
    fn any_of(clauses: &[&str]) -> String {
        format!("({})", clauses.join(" OR "))
    }

    /// None of these may hold; what is not known does not.
    fn none_of(clauses: &[&str]) -> String {
        format!("NOT coalesce(({}), FALSE)", clauses.join(" OR "))
    }

    pub(super) fn among(&mut self, keys: &HashSet<i64>) {
        let keys = serde_json::to_string(keys).expect("numbers are JSON");
        self.clauses.push("key IN (SELECT value FROM json_each(?))".to_owned());
        self.values.push(Value::from(keys));
    }

    /// Whether every row will do.
    pub(super) fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    pub(super) fn sql(&self) -> String {
        if self.clauses.is_empty() {
            return "TRUE".to_owned();
        }
        self.clauses.join(" AND ")
    }
}

/// Conditions, and how the alternatives of a field are joined.
struct Asked<'c> {
    conditions: &'c mut Conditions,
    join: fn(&[&str]) -> String,
}

impl Asked<'_> {
    /// Adds the alternatives of one field; none given: nothing is asked.
    fn any<T>(&mut self, alternatives: &[T], clause: impl Fn(&T) -> (&'static str, Vec<Value>)) {
        let mut clauses = Vec::with_capacity(alternatives.len());
        for alternative in alternatives {
            let (sql, values) = clause(alternative);
            clauses.push(sql);
            self.conditions.values.extend(values);
        }
        if !clauses.is_empty() {
            self.conditions.clauses.push((self.join)(&clauses));
        }
    }
}

fn text(text: &str) -> Value {
    Value::from(text.to_owned())
}

/// The name, or its first words: `claude` is the beginning of `claude-code`.
fn agent(name: &str) -> (&'static str, Vec<Value>) {
    let sql = "(agent = ? COLLATE NOCASE OR substr(agent, 1, length(?)) = ? COLLATE NOCASE)";
    let beginning = format!("{name}-");
    (sql, vec![text(name), text(&beginning), text(&beginning)])
}

fn branch(name: &str) -> (&'static str, Vec<Value>) {
    if !name.contains(['*', '?']) {
        return ("branch = ?", vec![text(name)]);
    }
    // Brackets are no pattern here: one stands for itself inside of others.
    ("branch GLOB ?", vec![Value::from(name.replace('[', "[[]"))])
}

fn workspace(path: &str) -> (&'static str, Vec<Value>) {
    if path.starts_with('/') {
        // What lies below begins with `path/`; `0` is the character behind `/`.
        let path = trimmed(path);
        return (
            "(workspace = ? OR (workspace >= ? AND workspace < ?))",
            vec![text(path), Value::from(format!("{path}/")), Value::from(format!("{path}0"))],
        );
    }
    let end = format!("/{path}");
    (
        "(substr(workspace, -length(?)) = ? OR repository = ?
        OR substr(repository, -length(?)) = ?)",
        vec![text(&end), text(&end), text(path), text(&end), text(&end)],
    )
}

fn touches(
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> (&'static str, Vec<Value>) {
    let bound = |at: Option<DateTime<Utc>>, open: i64| {
        Value::from(at.map_or(open, |at| at.timestamp_micros()))
    };
    (
        "(coalesce(modified, created) >= ? AND coalesce(created, modified) < ?)",
        vec![bound(from, i64::MIN), bound(to, i64::MAX)],
    )
}
