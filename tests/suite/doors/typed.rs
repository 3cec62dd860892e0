//! What people type: queries, dates, addresses, names of sessions and revisions.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use annals::ErrorKind;
use annals::cli::shell::Line;
use annals::index::FilterInput;
use annals::index::Page;
use annals::index::Query;
use annals::index::QueryError;
use annals::index::Scope;
use annals::index::SearchOptions;
use annals::index::SortKey;
use annals::index::parse_date;
use annals::index::parse_span;
use annals::platform::Clock;
use annals::platform::Environment;
use annals::platform::Ids;
use annals::platform::Stopwatch;
use annals::repository::Filter;
use annals::repository::OpenOptions;
use annals::repository::Repository;
use annals::session;
use annals::store::Address;
use annals::store::normalised_url;
use chrono::DateTime;
use chrono::FixedOffset;
use chrono::TimeZone;
use chrono::Utc;

use crate::doors::in_scratch;
use crate::doors::text_of;

/// The time at these doors.
const NOW: &str = "2024-02-29T23:59:59+05:45";

/// What is said in the sessions of the store that is searched.
const SAID: [&str; 3] = [
    "Why is the last line of src/main.rs dropped? İt isn't \"straße\" a::b --flag 100% x_y",
    "日本語 naïve e\u{301} log login LOGOUT\nnull NULL \\ ' * AND OR NOT NEAR(a b) ^x",
    "nothing of the kind 👩‍💻 \u{202e}abc\u{0}def",
];

fn now() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(NOW).expect("a time")
}

/// A query, in all its forms.
pub(crate) fn query(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let queries = [Query::parse(text), Query::exact(text), Query::regex(text)];
    for query in queries {
        match query {
            Ok(query) => {
                SAID.iter().for_each(|said| found_apart(said, &query.find(said)));
                found_apart(text, &query.find(text));
                drop(filter_of(&query));
            }
            Err(error) => stands_in(text, &error),
        }
    }
    match Query::fields(text) {
        Ok(fields) => assert!(!fields.is_empty()),
        Err(error) => stands_in(text, &error),
    }
}

fn stands_in(text: &str, error: &QueryError) {
    let length = text.chars().count();
    let Range { start, end } = error.span.clone();
    assert!(start <= end && start <= length && end <= length + 1, "{error:?} of {length}");
}

fn found_apart(text: &str, found: &[Range<usize>]) {
    for range in found {
        assert!(text.get(range.clone()).is_some(), "whole characters: {range:?} of {text:?}");
    }
    let mut pairs = found.iter().zip(found.iter().skip(1));
    assert!(pairs.all(|(one, next)| one.end < next.start), "apart, in order: {found:?}");
}

fn filter_of(query: &Query) -> Option<Filter> {
    let mut input = FilterInput::new(now(), Path::new("/home/kim"), Path::new("/work"));
    query.fields.iter().try_for_each(|field| input.take(field)).ok()?;
    input.finish().ok()
}

/// A query that a store answers, by its index and its texts.
pub(crate) fn search(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    with_store(|repository| {
        for query in [Query::parse(text), Query::regex(text)].into_iter().flatten() {
            if let Some(filter) = filter_of(&query) {
                answered(repository, &query, filter);
            }
        }
        if let Ok(query) = Query::exact(text) {
            let total = answered(repository, &query, Filter::default());
            let expected = SAID.iter().filter(|said| said.contains(text)).count() as u64;
            assert!(total >= expected, "{text:?} stands in {expected}, {total} are found");
        }
    });
}

fn answered(repository: &mut Repository, query: &Query, filter: Filter) -> u64 {
    let page = Page { offset: 0, limit: 10 };
    let sort = (SortKey::Modified, false);
    let listed = repository.list_matching(query, &filter, sort, page, &mut |_| {});
    let options =
        SearchOptions { scope: Scope::All, filter, page, hits: 3, now: now().with_timezone(&Utc) };
    let found = repository.search(query, &options, &mut |_| {}).expect("a search has an answer");
    assert_eq!(listed.expect("a list has an answer").total, found.total, "both find the same");
    for hit in found.sessions.iter().flat_map(|session| &session.hits) {
        let length = hit.snippet.text.chars().count();
        let mut end = 0;
        for (from, to) in &hit.snippet.highlights {
            assert!(end <= *from && from < to && *to <= length, "{:?}", hit.snippet);
            end = *to;
        }
    }
    found.total
}

/// A date or a span of time.
pub(crate) fn dates(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    names_time(text, &now());
    names_time(text, &now().with_timezone(&Utc));
}

fn names_time<Z: TimeZone>(text: &str, now: &DateTime<Z>) {
    if let Ok((from, to)) = parse_date(text, now) {
        assert!(from < to, "it lasts: {text:?}");
    }
    if let Ok((Some(from), Some(to))) = parse_span(text, now) {
        assert!(from < to, "it lasts: {text:?}");
    }
}

/// The address of a remote.
pub(crate) fn address(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    if let Ok(address) = Address::parse(text) {
        let kept = address.as_str();
        assert!(!kept.starts_with('-') && !kept.chars().any(char::is_control), "{kept:?}");
        assert_eq!(Address::parse(kept), Ok(address.clone()), "what is kept is an address");
    }
    if let Some(name) = normalised_url(text) {
        assert!(name.split('/').all(|part| !matches!(part, "" | "." | "..")), "{name:?}");
        let other = format!("ssh://git@{name}.git/");
        assert_eq!(normalised_url(&other).as_ref(), Some(&name), "all ways have one name");
    }
}

/// The name of a session, with a revision behind it or not.
pub(crate) fn revision(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    with_store(|repository| {
        let negative = [ErrorKind::NotFound, ErrorKind::Ambiguous, ErrorKind::Invalid];
        for name in [text.to_owned(), format!("@{text}"), format!("@@{text}")] {
            if let Err(error) = repository.resolve(&name, None) {
                assert!(negative.contains(&error.kind()), "{name:?}: {error:?}");
            }
        }
        if let Err(error) = repository.resolve_deleted(text) {
            assert!(negative.contains(&error.kind()), "{text:?}: {error:?}");
        }
    });
}

/// A text that is shown on a terminal.
pub(crate) fn plain(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let shown = session::plain::plain(&text);
    let is_safe = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    assert!(shown.chars().all(is_safe), "{shown:?}");
    assert_eq!(session::plain::plain(&shown), shown, "what is safe is not touched");
    let line = session::plain::line(&text);
    assert!(!line.contains(['\n', '\t']) && line.chars().all(is_safe), "{line:?}");
}

/// A line typed in the shell.
pub(crate) fn shell_line(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let typed = text.trim();
    let is_command = typed.starts_with('/') && !typed.starts_with("//");
    match Line::parse(text) {
        Ok(Line::Empty) => assert!(typed.is_empty(), "{typed:?} is something"),
        Ok(Line::Say(said)) => {
            let meant = if typed.starts_with("//") { &typed[1..] } else { typed };
            assert!(!is_command && said == meant, "{typed:?} says {said:?}");
        }
        Ok(Line::Own(command)) => assert!(is_command, "{typed:?} is {command:?}"),
        Ok(Line::Program(words)) => {
            assert!(is_command && PROGRAM.contains(&words[0].as_str()), "{typed:?} is {words:?}");
            // The same words in quotes are the same.
            let quoted = shlex::try_join(words.iter().map(String::as_str));
            if let (Ok(quoted), false) = (quoted, NOT_BY_NAME.contains(&words[0].as_str())) {
                let again = Line::parse(&format!("/sessions {quoted}"));
                assert_eq!(again, Ok(Line::Program(words)), "{quoted}");
            }
        }
        Err(error) => assert!(is_command, "{typed:?} is said: {error}"),
    }
}

/// The commands of the program that the shell has, and those that it has under other names.
const PROGRAM: [&str; 11] = [
    "list", "search", "show", "delete", "export", "share", "rename", "tag", "config", "diff",
    "rollback",
];
const NOT_BY_NAME: [&str; 3] = ["config", "diff", "rollback"];

/// Does something with a small store, made once a thread.
fn with_store<T>(work: impl FnOnce(&mut Repository) -> T) -> T {
    thread_local! {
        static STORE: RefCell<Option<Repository>> = const { RefCell::new(None) };
    }
    STORE.with_borrow_mut(|store| work(store.get_or_insert_with(small_store)))
}

/// Where that store lies, for git to be called there, and the file of its branch.
pub(super) fn store_folder() -> (Environment, PathBuf) {
    with_store(|_| ());
    let folder = in_scratch(|folder| folder.join("data/annals/store.git"));
    let main = folder.join("refs/heads/main");
    (Environment { current: folder, ..environment() }, main)
}

fn environment() -> Environment {
    in_scratch(|folder| Environment {
        home: folder.join("home"),
        data: folder.join("data"),
        config: folder.join("configuration"),
        store: None,
        claude_config_dir: None,
        codex_home: None,
        current: folder.to_owned(),
        stopwatch: Stopwatch::system(),
        clock: Clock::fixed(now().with_timezone(&Utc)),
        ids: Ids::counting(1),
    })
}

fn small_store() -> Repository {
    let environment = environment();
    let options = OpenOptions { store: None, environment, create: true };
    let mut repository = Repository::open(&options).expect("a store is made");
    for said in SAID {
        let document = serde_json::json!({
            "tags": ["work"],
            "workspace": "/work/demo",
            "messages": [{"role": "user", "text": said}],
        });
        repository.save_text(&document.to_string()).expect("it is saved");
    }
    repository
}
