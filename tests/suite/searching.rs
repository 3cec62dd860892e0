//! Search finds what is there: what it says is compared with a naive scan over the same texts,
//! which shares no code with the index.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use annals::repository::Filter;
use annals::repository::Page;
use annals::repository::Query;
use annals::repository::Repository;
use annals::repository::Scope;
use annals::repository::SearchOptions;
use annals::repository::record_to_value;
use annals::session::SessionId;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use serde_json::json;
use unicode_normalization::UnicodeNormalization;

use crate::support::NOW;
use crate::support::Sandbox;
use crate::support::corpus;

/// The searched texts of each session: those of talk and head, and those of tools.
type Texts = BTreeMap<SessionId, Vec<String>>;

fn options(scope: Scope) -> SearchOptions {
    SearchOptions {
        scope,
        filter: Filter { with_subagents: true, ..Filter::default() },
        page: Page { offset: 0, limit: 10_000 },
        hits: 1,
        now: NOW.parse().expect("a time"),
    }
}

fn found(repository: &mut Repository, query: &Query) -> BTreeSet<SessionId> {
    let found = repository.search(query, &options(Scope::All), &mut |_| {}).expect("it searches");
    let sessions: BTreeSet<SessionId> =
        found.sessions.iter().map(|session| session.summary.head.id).collect();
    assert_eq!(found.total, sessions.len() as u64, "the total is of what matches");
    for session in &found.sessions {
        assert!(!session.hits.is_empty() && session.score > 0.0, "{query:?}: a hit is shown");
    }
    sessions
}

/// All texts that search looks at, taken from what the repository loads.
fn texts(repository: &mut Repository) -> Texts {
    let page = Page { offset: 0, limit: 10_000 };
    let filter = Filter { with_subagents: true, ..Filter::default() };
    let listing = repository.list(&filter, annals::repository::SortKey::Modified, false, page);
    let mut texts = Texts::new();
    for summary in listing.expect("a list").sessions {
        let head = summary.head;
        let at = repository.resolve(&head.id.to_string(), None).expect("it is there");
        let session = repository.load(&at).expect("it loads");
        let mut all: Vec<String> = [&head.title, &head.notes, &head.workspace.root]
            .into_iter()
            .chain([&head.workspace.repository, &head.workspace.branch])
            .flatten()
            .cloned()
            .collect();
        all.extend(head.tags.iter().chain(&head.context_files).cloned());
        all.extend(head.models.iter().map(|model| model.0.clone()));
        for record in session.view().filter(|record| record.as_message().is_some()) {
            push_content(&record_to_value(record)["content"], &mut all);
        }
        texts.insert(head.id, all);
    }
    texts
}

fn push_content(content: &Value, all: &mut Vec<String>) {
    match content {
        Value::String(text) => all.push(text.clone()),
        Value::Array(blocks) => {
            for block in blocks {
                let said = ["text", "thinking", "tool_call"].map(|name| &block[name]);
                all.extend(said.iter().filter_map(|text| text.as_str()).map(str::to_owned));
                push_strings(&block["input"], all);
                push_content(&block["output"], all);
            }
        }
        _ => {}
    }
}

fn push_strings(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| push_strings(item, all)),
        Value::Object(map) => map.values().for_each(|item| push_strings(item, all)),
        _ => {}
    }
}

mod naive {
    use super::UnicodeNormalization;

    pub(super) fn is_accent(c: char) -> bool {
        matches!(c, '\u{300}'..='\u{36f}' | '\u{fe0f}')
    }

    pub(super) fn is_unseen(c: char) -> bool {
        matches!(c, '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}')
    }

    pub(super) fn is_dense(c: char) -> bool {
        matches!(c, '\u{3041}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
    }

    pub(super) fn is_letter(c: char) -> bool {
        c.is_alphanumeric() && !is_dense(c)
    }

    pub(super) fn is_pictograph(c: char) -> bool {
        u32::from(c) >= 0x1f000 || matches!(c, '\u{2190}'..='\u{27bf}')
    }

    /// Whether a term of such characters alone is words.
    pub(super) fn is_of_words(c: char) -> bool {
        is_letter(c) || c.is_whitespace() || is_accent(c) || is_unseen(c)
    }

    /// A text as its words, and `|` for each piece of dense script or pictograph between them.
    pub(super) fn words(text: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        for c in text.chars() {
            if is_letter(c) {
                let last = words.last_mut().expect("there is one");
                let plain = c.to_string().nfkd().filter(|c| !is_accent(*c)).collect::<String>();
                last.push_str(&plain.to_lowercase().to_uppercase().to_lowercase());
            } else if is_dense(c) || is_pictograph(c) {
                words.extend(["|".to_owned(), String::new()]);
            } else if !is_accent(c) && !is_unseen(c) && c != '\u{3099}' {
                words.push(String::new());
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    pub(super) fn has_phrase(text: &str, phrase: &[String]) -> bool {
        words(text).windows(phrase.len()).any(|window| window == phrase)
    }

    pub(super) fn has_dense(text: &str, term: &str) -> bool {
        let folded = |text: &str| {
            text.chars().filter(|c| !is_unseen(*c)).collect::<String>().nfkc().collect::<String>()
        };
        folded(text).contains(&folded(term))
    }

    /// As it stands but for case, with whole words at the ends.
    pub(super) fn has_literal(text: &str, term: &str) -> bool {
        let lower = |text: &str| {
            text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect::<Vec<char>>()
        };
        let (text, term) = (lower(text), lower(term));
        let joins = |c: &char| is_accent(*c) || is_unseen(*c) || *c == '\u{3099}';
        let base = |part: &[char]| part.iter().rev().find(|c| !joins(c)).copied();
        let (first, last) = (term.first().copied(), base(&term));
        (0..=text.len().saturating_sub(term.len())).any(|at| {
            let end = at + term.len();
            if text.get(at..end) != Some(&term[..]) {
                return false;
            }
            let next = text.get(end);
            let starts = !first.is_some_and(is_letter) || !base(&text[..at]).is_some_and(is_letter);
            let ends = match last {
                Some(last) if is_letter(last) => !next.is_some_and(|c| is_letter(*c) || joins(c)),
                Some(last) if is_dense(last) => !next.is_some_and(joins),
                _ => true,
            };
            starts && ends
        })
    }
}

/// How a term is meant to match.
fn matches(text: &str, term: &str) -> bool {
    // Most real texts are ASCII and lack the term: quickly told, where folding does nothing else.
    let longest = term.split(|c: char| !c.is_alphanumeric()).max_by_key(|word| word.len());
    let probe = longest.unwrap_or_default().to_ascii_lowercase();
    if text.is_ascii() && term.is_ascii() && !text.to_ascii_lowercase().contains(&probe) {
        return false;
    }
    let joins = |c: char| naive::is_accent(c) || naive::is_unseen(c) || c == '\u{3099}';
    let mut bases = term.trim().chars().filter(|c| !joins(*c));
    let (first, second) = (bases.next().unwrap_or(' '), bases.next());
    let starts_apart = !term.trim_start().starts_with(joins);
    if starts_apart && second.is_none() && naive::is_pictograph(first) {
        text.contains(first)
    } else if starts_apart && term.chars().all(naive::is_of_words) {
        naive::has_phrase(text, &naive::words(term))
    } else if starts_apart && term.chars().all(|c| naive::is_dense(c) || joins(c)) {
        naive::has_dense(text, term)
    } else {
        naive::has_literal(text, term)
    }
}

fn scanned(texts: &Texts, has: impl Fn(&str) -> bool) -> BTreeSet<SessionId> {
    let matching = texts.iter().filter(|(_, texts)| texts.iter().any(|text| has(text)));
    matching.map(|(id, _)| *id).collect()
}

fn quoted(term: &str) -> String {
    format!("\"{}\"", term.replace('"', "\\\""))
}

fn check(repository: &mut Repository, texts: &Texts, term: &str) {
    let query = Query::parse(&quoted(term)).expect("a query");
    let expected = scanned(texts, |text| matches(text, term));
    assert_eq!(found(repository, &query), expected, "{term:?}: {query:?}");
}

fn check_exact(repository: &mut Repository, texts: &Texts, piece: &str) {
    let query = Query::exact(piece).expect("a query");
    let expected = scanned(texts, |text| text.contains(piece));
    assert_eq!(found(repository, &query), expected, "{piece:?}");
}

/// Pieces that texts and terms are made of.
const PIECES: [&str; 44] = [
    "login",
    "Login",
    "LOGIN",
    "redirect",
    "naïve",
    "nai\u{308}ve",
    "naive",
    "Straße",
    "STRASSE",
    "ﬁle",
    "file",
    "co\u{ad}operate",
    "cooperate",
    "a\u{200b}b",
    "foo_bar",
    "foo::bar",
    "--flag",
    "src/main.rs",
    "x==y",
    "日本語",
    "日本",
    "本",
    "か\u{3099}",
    "が",
    "テスト",
    "한국어",
    "👍",
    "👍🏽",
    "👩\u{200d}💻",
    "❤\u{fe0f}",
    "x日本y",
    "é",
    "e\u{301}",
    "E",
    "Ω",
    "ß",
    "12",
    "v1.2",
    "\"q\"",
    "a.b",
    "(",
    "→",
    "=>",
    "\n",
];

fn made_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => "[a-c]{1,3}",
        1 => Just("w".repeat(300)),
        1 => "[a-c._:/-]{1,8}",
    ];
    let joined = (piece, proptest::sample::select(vec![" ", " ", " ", "", ", ", "-"]));
    proptest::collection::vec(joined, 1..12)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(a, b)| [a, b.to_owned()]).collect())
}

/// A store of sessions with made-up texts, in talk and tools.
fn made(sandbox: &Sandbox) -> Repository {
    let mut runner = TestRunner::deterministic();
    let mut text = || made_text().new_tree(&mut runner).expect("a text").current();
    for number in 0..24 {
        let messages: Vec<Value> = (0..4)
            .map(|place| match place {
                0 => json!({"role": "user", "text": text()}),
                1 => json!({"role": "assistant", "content": [
                    {"text": text()},
                    {"tool_call": "Bash", "id": "t", "input": {"command": text(), "n": [1, text()]}},
                ]}),
                2 => json!({"role": "user", "content": [
                    {"tool_result": "t", "output": text()}, {"text": text()},
                ]}),
                _ => json!({"role": "assistant", "text": text()}),
            })
            .collect();
        let id = format!("01890000-0000-7000-8000-0000000000{number:02}");
        sandbox.save(&json!({"id": id, "title": text(), "messages": messages}).to_string());
    }
    sandbox.repository()
}

/// Pieces of a text that begin and end between characters that belong to each other.
fn piece_of(text: &str, start: usize, length: usize) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let start = start % characters.len().max(1);
    let end = (start + 1 + length % 12).min(characters.len());
    let inner = |at: usize| {
        let (before, after) = (characters.get(at.wrapping_sub(1)), characters.get(at));
        let joins = |c: &char| {
            matches!(c, '\u{300}'..='\u{36f}' | '\u{3099}' | '\u{ad}' | '\u{200d}' | '\u{fe0f}')
        };
        let are_letters = before
            .zip(after)
            .is_some_and(|(before, after)| naive::is_letter(*before) && naive::is_letter(*after));
        are_letters || before.is_some_and(joins) || after.is_some_and(joins)
    };
    let piece: String = characters.get(start..end)?.iter().collect();
    let is_fit = !inner(start) && !inner(end) && !piece.trim().is_empty() && !piece.ends_with('\\');
    is_fit.then_some(piece)
}

#[test]
fn p14_search_finds_what_a_naive_scan_finds() {
    let sandbox = Sandbox::new();
    let mut repository = made(&sandbox);
    let texts = texts(&mut repository);
    let all: Vec<String> = texts.values().flatten().cloned().collect();
    for piece in PIECES.iter().filter(|piece| !piece.trim().is_empty()) {
        check(&mut repository, &texts, piece);
        check_exact(&mut repository, &texts, piece);
    }
    let config =
        ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let repository = std::cell::RefCell::new(repository);
    let strategy = (any::<prop::sample::Index>(), 0..200_usize, 0..12_usize);
    let outcome = runner.run(&strategy, |(text, start, length)| {
        if let Some(piece) = piece_of(text.get::<String>(&all), start, length) {
            check(&mut repository.borrow_mut(), &texts, &piece);
            check_exact(&mut repository.borrow_mut(), &texts, &piece);
        }
        Ok(())
    });
    outcome.expect("search and scan agree");
}

#[test]
fn p16_hits_carry_highlight_and_score() {
    let sandbox = Sandbox::new();
    let mut repository = made(&sandbox);
    let mut shown = 0;
    for piece in PIECES.iter().filter(|piece| !piece.trim().is_empty()) {
        let query = Query::parse(&quoted(piece)).expect("a query");
        let options = SearchOptions { hits: 5, ..options(Scope::All) };
        let found = repository.search(&query, &options, &mut |_| {}).expect("it searches");
        assert!(found.sessions.is_sorted_by(|left, right| left.score >= right.score), "{piece}");
        for session in &found.sessions {
            let at = repository.resolve(&session.summary.head.id.to_string(), None).expect("there");
            let conversation = repository.load(&at).expect("it loads");
            let messages: Vec<_> =
                conversation.view().filter(|record| record.as_message().is_some()).collect();
            assert!(session.hits.is_sorted_by(|left, right| left.score >= right.score), "{piece}");
            for hit in &session.hits {
                shown += 1;
                assert!(hit.score > 0.0, "{piece}: {hit:?}");
                let characters: Vec<char> = hit.snippet.text.chars().collect();
                let mut end = 0;
                assert!(!hit.snippet.highlights.is_empty(), "{piece}: {hit:?}");
                for (from, to) in &hit.snippet.highlights {
                    assert!(end <= *from && from < to && *to <= characters.len(), "{hit:?}");
                    end = *to;
                    let marked: String = characters[*from..*to].iter().collect();
                    assert!(matches(&marked, piece), "{piece:?} is marked in {marked:?}: {hit:?}");
                }
                let mut texts = Vec::new();
                match hit.message {
                    Some(number) => {
                        let place = usize::try_from(number - 1).expect("small");
                        push_content(&record_to_value(messages[place])["content"], &mut texts);
                    }
                    None => texts.extend(session.summary.head.title.clone()),
                }
                let is_there = texts.iter().any(|text| text.contains(&hit.snippet.text));
                assert!(is_there, "{piece}: the snippet stands in the message it names: {hit:?}");
            }
        }
    }
    assert!(shown > 500, "there were hits to look at: {shown}");
}

/// Terms of a corpus, some thousands of characters apart, of each kind.
fn drawn(texts: &Texts) -> Vec<String> {
    let all: Vec<&String> = texts.values().flatten().filter(|text| text.len() > 60).collect();
    let mut terms = Vec::new();
    for (number, text) in all.iter().step_by(all.len() / 20 + 1).enumerate() {
        let words: Vec<&str> = text.split_whitespace().filter(|word| word.is_ascii()).collect();
        let Some(at) = (!words.is_empty()).then(|| number * 7 % words.len()) else { continue };
        terms.push(words[at].to_owned());
        terms.push(words[at..words.len().min(at + 3)].join(" "));
        let plain = words[at].trim_matches(|c: char| !c.is_alphanumeric());
        terms.push(plain.to_owned());
        terms.extend(piece_of(text, number * 131, 11));
        terms.extend((0..20).find_map(|shift| piece_of(text, number * 977 + shift, 11)));
    }
    terms.retain(|term| !term.trim().is_empty() && !term.ends_with('\\'));
    terms
}

#[test]
fn p14_search_finds_what_a_naive_scan_finds_in_real_transcripts() {
    let Some(corpus) = corpus() else { return };
    let sandbox = Sandbox::new();
    let home = corpus.join("home");
    sandbox.run(["capture", "--home", &home.to_string_lossy()]).ok();
    let mut repository = sandbox.repository();
    let texts = texts(&mut repository);
    let terms = drawn(&texts);
    assert!(terms.len() > 40, "terms are drawn: {}", terms.len());
    for (number, term) in terms.iter().enumerate() {
        let is_simple = term.chars().all(|c| c.is_ascii() || c.is_alphabetic());
        if is_simple {
            check(&mut repository, &texts, term);
        }
        if number % 40 == 0 {
            check_exact(&mut repository, &texts, term);
        }
    }
}

/// The index has it in several rows.
#[test]
fn all_of_a_long_message_is_found_once() {
    const PIECE: usize = 4 << 20;
    let word = |at: u32| if at % 1_000 == 999 { "often ".to_owned() } else { format!("w{at} ") };
    let mut text = String::new();
    let mut at = 0;
    while text.len() < 2 * PIECE + 100_000 {
        text.push_str(&word(at));
        at += 1;
    }
    let sandbox = Sandbox::new();
    sandbox.transcript(1).user("short").agent(&text).write();
    sandbox.transcript(2).user("often heard").write();
    sandbox.capture();
    let words: Vec<&str> = text.split(' ').collect();
    let [border, next] = [1, 2].map(|n| text[..n * PIECE].matches(' ').count());
    let last = words.len() - 2;
    for at in [0, border - 1, border, next - 1, next, last - 1] {
        let phrase = words[at..at + 2].join(" ");
        let found = sandbox.json(["search", &format!("\"{phrase}\"")]);
        assert_eq!(found["total"], 1, "{phrase}: {found}");
        assert_eq!(found["hits"].as_array().map(Vec::len), Some(1), "{phrase}");
    }
    let often = sandbox.json(["search", "often", "--hits", "9"]);
    assert_eq!(often["hits"].as_array().map(Vec::len), Some(2), "one for each message: {often}");
    let id = sandbox.transcript(1).session().to_string();
    sandbox.run(["delete", &id, "--yes"]).ok();
    assert_eq!(sandbox.json(["search", "often"])["total"], 1);
    sandbox.run(["search", words[border]]).code(1);
}
