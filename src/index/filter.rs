//! Which sessions are wanted: as people type it, field by field, and as the catalogue is asked.
//!
//! Values of one field are alternatives, fields must all hold. `date`, `since` and `until` speak of
//! the same thing, the time in which a session was active, and so narrow one another.

use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use chrono::DateTime;
use chrono::TimeZone;
use chrono::Utc;

use crate::index::DateError;
use crate::index::Field;
use crate::index::TimeSpan;
use crate::index::parse_date;
use crate::index::parse_span;
use crate::store::repository_of;

/// Which sessions are wanted: values of one kind are alternatives, kinds must all hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Agents: the name, or its beginning up to a hyphen (`claude`), in any case of ASCII letters.
    pub agents: Vec<String>,
    /// Models: any part of the name, in any letter case.
    pub models: Vec<String>,
    /// Workspaces. With `/` in front: that folder or any below it. Else the last parts of the
    /// folder's path or of the repository's name, `shop` or `kim/shop`.
    pub workspaces: Vec<String>,
    /// Repositories, by what they are known by; alternatives to the workspaces.
    pub repositories: Vec<String>,
    /// Tags, in any letter case.
    pub tags: Vec<String>,
    /// Branches; `*` stands for any text, `?` for one character.
    pub branches: Vec<String>,
    /// Who saved a session first: any part of his name or address, in any letter case.
    pub authors: Vec<String>,
    /// Sessions with activity (created to modified) that touches one of these half-open spans.
    /// One without times touches none.
    pub spans: Vec<TimeSpan>,
    /// What sessions must not be: none of these values, whatever their fields.
    pub without: Option<Box<Self>>,
    /// Sub-agents' sessions too.
    pub with_subagents: bool,
}

impl Filter {
    /// Sessions of a folder and those below it, and of its repository, wherever that lay when the
    /// sessions were held.
    pub fn here(folder: &Path) -> Self {
        let repository = repository_of(folder).map(|it| it.identity);
        Self {
            workspaces: vec![folder.to_string_lossy().into_owned()],
            repositories: repository.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The places that are asked for, each with whether it is a repository's identity.
    pub(super) fn places(&self) -> impl Iterator<Item = (&str, bool)> {
        let workspaces = self.workspaces.iter().map(|place| (place.as_str(), false));
        workspaces.chain(self.repositories.iter().map(|place| (place.as_str(), true)))
    }

    /// Whether it leaves nothing out but sub-agents' sessions.
    pub fn is_open(&self) -> bool {
        Self { with_subagents: false, ..self.clone() } == Self::default()
    }
}

/// A field that sessions can be filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterField {
    /// The agent.
    Agent,
    /// A model that took part.
    Model,
    /// The folder or repository.
    Workspace,
    /// The current folder, and its repository wherever else it lies; its value says nothing.
    Here,
    /// A tag.
    Tag,
    /// The git branch.
    Branch,
    /// Who saved it first.
    Author,
    /// A date or a range in which it was active.
    Date,
    /// Active on this date or later.
    Since,
    /// Active on this date or earlier.
    Until,
}

impl FilterField {
    /// All of them, with the names that they go by.
    pub const NAMES: [(&'static str, Self); 11] = [
        ("agent", Self::Agent),
        ("model", Self::Model),
        ("workspace", Self::Workspace),
        ("in", Self::Workspace),
        ("here", Self::Here),
        ("tag", Self::Tag),
        ("branch", Self::Branch),
        ("author", Self::Author),
        ("date", Self::Date),
        ("since", Self::Since),
        ("until", Self::Until),
    ];

    /// The field of that name.
    pub fn find(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }

    /// Whether it speaks of when a session was active.
    pub fn is_date(self) -> bool {
        matches!(self, Self::Date | Self::Since | Self::Until)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let named = Self::NAMES.iter().find(|(_, field)| *field == self);
        named.map_or("", |(name, _)| name)
    }
}

/// Why what was typed is no filter, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// There is no such field.
    #[error("There is no field `{name}`. Fields are {}.", field_names())]
    UnknownField {
        /// What was typed.
        name: String,
    },
    /// A field without a value.
    #[error("`{field}` needs a value.")]
    NoValue {
        /// The name of the field.
        field: &'static str,
    },
    /// A value that is no date.
    #[error(transparent)]
    Date(#[from] DateError),
    /// A limit that is a range.
    #[error("`{field}` takes one date, not a range.")]
    Range {
        /// The name of the field.
        field: &'static str,
    },
    /// A date that is taken away.
    #[error("`{field}` cannot be taken away; dates are limited by `since` and `until`.")]
    NotDate {
        /// The name of the field.
        field: &'static str,
    },
    /// The limits leave nothing between them.
    #[error("`since` lies after `until`, so nothing could match.")]
    InvertedLimits,
    /// A date that the limits leave out.
    #[error("`{date}` lies outside `since` and `until`, so nothing could match.")]
    OutsideLimits {
        /// What was typed.
        date: String,
    },
    /// An agent that annals does not know and no session is of.
    #[error("No agent is called `{name}`.{}", did_you_mean(.near))]
    UnknownAgent {
        /// What was typed.
        name: String,
        /// Agents that it may mean.
        near: Vec<String>,
    },
}

/// A question after the values that were meant perhaps; nothing where there are none.
pub(super) fn did_you_mean(near: &[String]) -> String {
    let quoted: Vec<String> = near.iter().map(|value| format!("`{value}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => format!(" Did you mean {last}?"),
        Some((last, others)) => format!(" Did you mean {} or {last}?", others.join(", ")),
    }
}

fn field_names() -> String {
    FilterField::NAMES.map(|(name, _)| name).join(", ")
}

/// A filter that is being typed: flags and fields of a query go into the same one.
#[derive(Debug, Clone)]
pub struct FilterInput<Z: TimeZone> {
    now: DateTime<Z>,
    home: PathBuf,
    current: PathBuf,
    filter: Filter,
    without: Filter,
    dates: Vec<(String, TimeSpan)>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

impl<Z: TimeZone> FilterInput<Z> {
    /// Nothing typed yet. `now`: the time, in the zone that dates are meant in; `home` is what `~`
    /// stands for, and relative paths begin at `current`.
    pub fn new(now: DateTime<Z>, home: &Path, current: &Path) -> Self {
        Self {
            now,
            home: home.to_owned(),
            current: current.to_owned(),
            filter: Filter::default(),
            without: Filter::default(),
            dates: Vec::new(),
            since: None,
            until: None,
        }
    }

    /// Takes in a field of a query.
    ///
    /// # Errors
    /// As those of [`Self::add`] and [`Self::take_away`].
    pub fn take(&mut self, field: &Field) -> Result<(), FilterError> {
        if field.is_not {
            self.take_away(&field.name, &field.value)
        } else {
            self.add(&field.name, &field.value)
        }
    }

    /// Takes in a value of a field that sessions must not have, by the field's name.
    ///
    /// # Errors
    /// There is no such field, the value is none, or it is a date: a date is limited, not taken away.
    pub fn take_away(&mut self, name: &str, value: &str) -> Result<(), FilterError> {
        if let Some(field) = FilterField::find(name).filter(|field| field.is_date()) {
            return Err(FilterError::NotDate { field: field.name() });
        }
        std::mem::swap(&mut self.filter, &mut self.without);
        let added = self.add(name, value);
        std::mem::swap(&mut self.filter, &mut self.without);
        added
    }

    /// Takes in a value of a field, by the field's name.
    ///
    /// # Errors
    /// There is no such field, or the value is none.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), FilterError> {
        let Some(field) = FilterField::find(name) else {
            return Err(FilterError::UnknownField { name: name.to_owned() });
        };
        if value.trim().is_empty() && field != FilterField::Here {
            return Err(FilterError::NoValue { field: field.name() });
        }
        let is_limit = matches!(field, FilterField::Since | FilterField::Until);
        if is_limit && value.contains("..") {
            return Err(FilterError::Range { field: field.name() });
        }
        let text = || value.to_owned();
        match field {
            FilterField::Agent => self.filter.agents.push(text()),
            FilterField::Model => self.filter.models.push(text()),
            FilterField::Tag => self.filter.tags.push(text()),
            FilterField::Branch => self.filter.branches.push(text()),
            FilterField::Author => self.filter.authors.push(text()),
            FilterField::Workspace => self.add_workspace(value),
            FilterField::Here => {
                let here = Filter::here(&self.current);
                self.filter.workspaces.extend(here.workspaces);
                self.filter.repositories.extend(here.repositories);
            }
            FilterField::Date => self.dates.push((text(), parse_span(value, &self.now)?)),
            // Of several the widest holds: they are alternatives.
            FilterField::Since => {
                let since = parse_date(value, &self.now)?.0;
                self.since = Some(self.since.map_or(since, |known| known.min(since)));
            }
            FilterField::Until => {
                let until = parse_date(value, &self.now)?.1;
                self.until = Some(self.until.map_or(until, |known| known.max(until)));
            }
        }
        Ok(())
    }

    /// The filter.
    ///
    /// # Errors
    /// The dates leave nothing that could match.
    pub fn finish(mut self) -> Result<Filter, FilterError> {
        if self.without != Filter::default() {
            self.filter.without = Some(Box::new(self.without));
        }
        let limits = (self.since, self.until);
        if is_empty(limits) {
            return Err(FilterError::InvertedLimits);
        }
        if self.dates.is_empty() && limits != (None, None) {
            self.filter.spans.push(limits);
        }
        for (date, span) in self.dates {
            let span = both(span, limits);
            if is_empty(span) {
                return Err(FilterError::OutsideLimits { date });
            }
            self.filter.spans.push(span);
        }
        Ok(self.filter)
    }

    /// A name is that of a folder or repository; a path is taken from the home or the current
    /// folder, and may be the end of a name too: `kim/shop`.
    fn add_workspace(&mut self, value: &str) {
        let value = value.trim_end_matches('/');
        let is_name = value.split('/').all(|part| !matches!(part, "" | "." | ".." | "~"));
        if is_name {
            self.filter.workspaces.push(value.to_owned());
        }
        if !is_name || value.contains('/') {
            let path = match value.strip_prefix('~') {
                Some("") => self.home.clone(),
                Some(below) if below.starts_with('/') => self.home.join(&below[1..]),
                _ => self.current.join(if value.is_empty() { "/" } else { value }),
            };
            self.filter.workspaces.push(without_dots(&path));
        }
    }
}

/// A path as it is recorded: without `.` and `..`.
fn without_dots(path: &Path) -> String {
    let mut folder = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                folder.pop();
            }
            Component::CurDir => {}
            part => folder.push(part),
        }
    }
    folder.to_string_lossy().into_owned()
}

/// What lies in both spans.
fn both(a: TimeSpan, b: TimeSpan) -> TimeSpan {
    let start = match (a.0, b.0) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    };
    let end = match (a.1, b.1) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    (start, end)
}

fn is_empty(span: TimeSpan) -> bool {
    matches!(span, (Some(start), Some(end)) if start >= end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> Result<Filter, FilterError> {
        let now = "2026-11-28T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let mut input = FilterInput::new(now, Path::new("/home/kim"), Path::new("/home/kim/src"));
        for (name, value) in fields {
            input.add(name, value)?;
        }
        input.finish()
    }

    #[test]
    fn folders_are_made_absolute_and_names_are_not() {
        let cases: [(&str, &[&str]); 10] = [
            ("shop", &["shop"]),
            ("kim/shop/", &["kim/shop", "/home/kim/src/kim/shop"]),
            (".", &["/home/kim/src"]),
            ("..", &["/home/kim"]),
            ("../x/./y", &["/home/kim/x/y"]),
            ("~", &["/home/kim"]),
            ("~/x/y", &["/home/kim/x/y"]),
            ("~joe", &["~joe"]),
            ("/srv/../etc/", &["/etc"]),
            ("/", &["/"]),
        ];
        for (text, expected) in cases {
            assert_eq!(typed(&[("in", text)]).unwrap().workspaces, expected, "{text}");
            assert_eq!(typed(&[("Workspace", text)]).unwrap().workspaces, expected, "{text}");
        }
        assert_eq!(typed(&[("here", "")]).unwrap().workspaces, ["/home/kim/src"]);
    }

    #[test]
    fn r5_4_limits_hold_together_with_dates() {
        let found =
            typed(&[("date", "2026-11"), ("since", "2026-11-15"), ("date", "2026-12")]).unwrap();
        let starts: Vec<String> =
            found.spans.iter().map(|span| span.0.unwrap().format("%F").to_string()).collect();
        assert_eq!(starts, ["2026-11-15", "2026-12-01"]);
        let several = typed(&[("since", "2026-11"), ("since", "2026-10")]).unwrap();
        let october = "2026-10-01T00:00:00Z".parse().unwrap();
        assert_eq!(several.spans, [(Some(october), None)], "alternatives: the wider one");
        assert!(typed(&[("since", "2026"), ("until", "2026")]).is_ok());
        assert!(typed(&[]).unwrap().is_open());
    }

    #[test]
    fn what_could_match_nothing_is_refused() {
        let said = |fields: &[(&str, &str)]| typed(fields).unwrap_err().to_string();
        assert_eq!(
            said(&[("until", "yesterday"), ("since", "today")]),
            "`since` lies after `until`, so nothing could match."
        );
        assert_eq!(
            said(&[("date", "2026-11"), ("since", "2026-12")]),
            "`2026-11` lies outside `since` and `until`, so nothing could match."
        );
        assert_eq!(said(&[("tag", " ")]), "`tag` needs a value.");
        assert_eq!(
            said(&[("titel", "x")]),
            "There is no field `titel`. Fields are agent, model, workspace, in, here, tag, branch, \
             author, date, since, until."
        );
        let range = said(&[("since", "2026-10..2026-11")]);
        assert_eq!(range, "`since` takes one date, not a range.");
        let near = ["codex".to_owned(), "claude-code".to_owned()];
        assert_eq!(did_you_mean(&near), " Did you mean `codex` or `claude-code`?");
    }
}
