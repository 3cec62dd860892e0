//! Values of a filter that no session has, and what may have been meant.

use rusqlite::Connection;

use crate::index::Filter;
use crate::index::FilterField;
use crate::index::filter::did_you_mean;
use crate::index::list::is_any;

/// How like a value must be to be asked for: 0 nothing in common, 1 the same.
const LIKENESS: f64 = 0.8;

/// How many values are asked for.
const SUGGESTIONS: usize = 3;

/// A value that no session has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// The field.
    pub field: FilterField,
    /// What was asked for.
    pub value: String,
    /// Values that sessions do have and that look like it, the likest first.
    pub near: Vec<String>,
}

impl std::fmt::Display for Unmatched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { field, value, near } = self;
        match field {
            FilterField::Agent => write!(f, "No session is of the agent `{value}`.")?,
            FilterField::Workspace | FilterField::Here => {
                write!(f, "No session is about `{value}`.")?;
            }
            field => write!(f, "No session has the {} `{value}`.", field.name())?,
        }
        f.write_str(&did_you_mean(near))
    }
}

/// The values of a filter that no session has.
pub(super) fn unmatched(
    connection: &Connection,
    filter: &Filter,
) -> rusqlite::Result<Vec<Unmatched>> {
    let alone = |change: &dyn Fn(&mut Filter)| {
        let mut filter = Filter { with_subagents: true, ..Filter::default() };
        change(&mut filter);
        filter
    };
    let mut asked: Vec<(FilterField, &String, Filter)> = Vec::new();
    for value in &filter.agents {
        asked.push((FilterField::Agent, value, alone(&|it| it.agents.push(value.clone()))));
    }
    for value in &filter.models {
        asked.push((FilterField::Model, value, alone(&|it| it.models.push(value.clone()))));
    }
    // Of the folder and the repository that are here, one is enough.
    let here = alone(&|it| it.repositories.clone_from(&filter.repositories));
    let is_found = !filter.repositories.is_empty() && is_any(connection, &here)?;
    for value in filter.workspaces.iter().filter(|_| !is_found) {
        asked.push((FilterField::Workspace, value, alone(&|it| it.workspaces.push(value.clone()))));
    }
    for value in &filter.tags {
        asked.push((FilterField::Tag, value, alone(&|it| it.tags.push(value.clone()))));
    }
    for value in &filter.branches {
        asked.push((FilterField::Branch, value, alone(&|it| it.branches.push(value.clone()))));
    }
    for value in &filter.authors {
        asked.push((FilterField::Author, value, alone(&|it| it.authors.push(value.clone()))));
    }
    let mut unmatched = Vec::new();
    for (field, value, filter) in asked {
        if !is_any(connection, &filter)? {
            let near = near(value, known(connection, field, value)?);
            unmatched.push(Unmatched { field, value: value.clone(), near });
        }
    }
    Ok(unmatched)
}

/// The values that sessions have for a field.
fn known(
    connection: &Connection,
    field: FilterField,
    value: &str,
) -> rusqlite::Result<Vec<String>> {
    let sql = match field {
        FilterField::Agent => "SELECT DISTINCT agent FROM sessions",
        FilterField::Model => "SELECT DISTINCT folded FROM models",
        FilterField::Tag => "SELECT DISTINCT tag FROM tags",
        FilterField::Author => {
            "SELECT rtrim(substr(author, 1, instr(author, '<') - 1)) FROM authors"
        }
        FilterField::Branch => "SELECT DISTINCT branch FROM sessions WHERE branch IS NOT NULL",
        _ => "SELECT DISTINCT workspace FROM sessions WHERE workspace IS NOT NULL",
    };
    let rows: rusqlite::Result<Vec<String>> =
        connection.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect();
    let mut known = rows?;
    if field == FilterField::Workspace && !value.starts_with('/') {
        let name = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
        known = known.iter().map(name).collect();
        known.sort();
        known.dedup();
    }
    Ok(known)
}

/// Those that look like `value`.
fn near(value: &str, known: Vec<String>) -> Vec<String> {
    let folded = value.to_lowercase();
    let is_short = folded.chars().count() < 3;
    let likeness = |other: &String| {
        let other = other.to_lowercase();
        // One slip of a finger in a short word weighs more than it should by likeness alone.
        match strsim::osa_distance(&folded, &other) {
            _ if !is_short && other.contains(&folded) => 1.0,
            0..=1 if !is_short => 0.9,
            _ => strsim::jaro_winkler(&folded, &other),
        }
    };
    let mut found: Vec<(f64, String)> = known
        .into_iter()
        .map(|other| (likeness(&other), other))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    found.into_iter().take(SUGGESTIONS).map(|(_, other)| other).collect()
}
