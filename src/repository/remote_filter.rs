//! Which sessions a remote gets: filters, as people type them in queries.
//!
//! What is kept means the same from everywhere and at any time: places are made absolute when it is
//! typed, and dates are no part of it.

use std::path::Path;

use crate::index::Field;
use crate::index::Filter;
use crate::index::FilterError;
use crate::index::FilterField;
use crate::index::FilterInput;
use crate::index::Query;
use crate::index::QueryError;
use crate::platform::Environment;

/// A filter of a remote, as it is kept and shown.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteFilter {
    text: String,
    filter: Filter,
}

impl RemoteFilter {
    /// The filter that somebody typed where `environment` says.
    ///
    /// # Errors
    /// What is wrong, and at which characters.
    pub fn typed(text: &str, environment: &Environment) -> Result<Self, QueryError> {
        let mut kept = Vec::new();
        for field in Query::fields(text)? {
            let resolved = resolve(&field, environment);
            let values = resolved.map_err(|why| field.refused(why))?;
            let name = match FilterField::find(&field.name) {
                Some(FilterField::Here) => FilterField::Workspace.name(),
                Some(known) => known.name(),
                None => &field.name,
            };
            let sign = if field.is_not { "-" } else { "" };
            for value in values {
                let written = written(name, &value).map_err(|why| field.refused(why))?;
                kept.push(format!("{sign}{written}"));
            }
        }
        Self::kept(&kept.join(" "), &environment.home)
    }

    /// The filter as it was kept.
    ///
    /// # Errors
    /// It is none: somebody wrote it by hand, or a later version of annals did.
    pub(super) fn kept(text: &str, home: &Path) -> Result<Self, QueryError> {
        // No zone is asked for: there are no dates in it.
        let now = chrono::DateTime::<chrono::Utc>::UNIX_EPOCH;
        let mut input = FilterInput::new(now, home, Path::new("/"));
        for field in Query::fields(text)? {
            check(&field).map_err(|why| field.refused(why))?;
            input.take(&field).map_err(|error| field.refused(error.to_string()))?;
        }
        match input.finish() {
            Ok(filter) => Ok(Self { text: text.to_owned(), filter }),
            Err(error) => Err(whole(text, &error)),
        }
    }

    /// As it is kept: `tag:work workspace:/home/kim/shop`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it matches.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }
}

/// The values that a field stands for, wherever it is read again.
fn resolve(field: &Field, environment: &Environment) -> Result<Vec<String>, String> {
    let kind = check(field)?;
    if !matches!(kind, FilterField::Workspace | FilterField::Here) {
        return Ok(vec![field.value.clone()]);
    }
    let now = environment.clock.now();
    let mut input = FilterInput::new(now, &environment.home, &environment.current);
    let added = input.add(&field.name, &field.value).and_then(|()| input.finish());
    let filter = added.map_err(|error| error.to_string())?;
    Ok(filter.workspaces.into_iter().chain(filter.repositories).collect())
}

/// The kind of a field that may stand here.
fn check(field: &Field) -> Result<FilterField, String> {
    match FilterField::find(&field.name) {
        Some(kind) if kind.is_date() => Err(format!(
            "a remote's filter says what sessions are, not when they were; `{}` cannot be in it",
            field.name
        )),
        Some(kind) => Ok(kind),
        None => Err(FilterError::UnknownField { name: field.name.clone() }.to_string()),
    }
}

/// A field as it is typed.
fn written(name: &str, value: &str) -> Result<String, String> {
    if value.chars().any(char::is_control) || value.ends_with('\\') {
        return Err(format!("{value:?} cannot be kept"));
    }
    let is_plain = !value.starts_with('"') && !value.contains(char::is_whitespace);
    if is_plain {
        return Ok(format!("{name}:{value}"));
    }
    Ok(format!("{name}:\"{}\"", value.replace('"', "\\\"")))
}

fn whole(text: &str, error: &FilterError) -> QueryError {
    let (name, value, span) = (String::new(), String::new(), 0..text.chars().count());
    Field { name, value, is_not: false, span }.refused(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Clock;
    use crate::platform::Ids;
    use crate::platform::Stopwatch;

    fn environment() -> Environment {
        let clock = Clock::fixed(chrono::DateTime::UNIX_EPOCH);
        Environment {
            home: "/home/kim".into(),
            data: "/nowhere".into(),
            config: "/nowhere".into(),
            store: None,
            claude_config_dir: None,
            codex_home: None,
            current: "/home/kim/src".into(),
            clock,
            stopwatch: Stopwatch::system(),
            ids: Ids::counting(1),
        }
    }

    #[test]
    fn what_is_kept_means_the_same_from_everywhere() {
        let cases = [
            ("tag:work", "tag:work"),
            ("TAG:Work  agent:claude", "tag:Work agent:claude"),
            ("in:.", "workspace:/home/kim/src"),
            ("here:", "workspace:/home/kim/src"),
            ("in:~/shop author:kim", "workspace:/home/kim/shop author:kim"),
            ("in:shop", "workspace:shop"),
            ("-tag:private -in:\"../my diary\"", "-tag:private -workspace:\"/home/kim/my diary\""),
            ("in:\"../my shop/\"", "workspace:\"/home/kim/my shop\""),
            ("in:kim/shop", "workspace:kim/shop workspace:/home/kim/src/kim/shop"),
            (r#"tag:"say \"hi\"" branch:fix/*"#, r#"tag:"say \"hi\"" branch:fix/*"#),
        ];
        for (typed, kept) in cases {
            let filter = RemoteFilter::typed(typed, &environment()).expect("a filter");
            assert_eq!(filter.as_str(), kept, "{typed}");
            let again = RemoteFilter::kept(kept, Path::new("/home/kim")).expect("it was kept");
            assert_eq!(again, filter, "{typed}");
            assert!(!again.filter().is_open(), "{typed}");
        }
    }

    #[test]
    fn what_is_no_filter_of_a_remote_is_refused_at_its_place() {
        for (typed, place) in [
            ("", 0),
            ("work", 0),
            ("tag:x since:2026", 6),
            ("tag:x -since:2026", 6),
            ("tag:x -y", 6),
            ("tag:x\\", 0),
            ("tag:x OR tag:y", 6),
            ("titel:x", 0),
        ] {
            let refused = RemoteFilter::typed(typed, &environment()).expect_err(typed);
            assert_eq!(refused.span.start, place, "{typed}: {refused}");
        }
        assert!(RemoteFilter::kept("until:2026", Path::new("/")).is_err());
    }
}
