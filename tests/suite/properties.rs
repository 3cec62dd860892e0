//! The properties, by number, on real stores with random content.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use annals::repository::CaptureOptions;
use annals::repository::Edit;
use annals::repository::Filter;
use annals::repository::Page;
use annals::repository::Repository;
use annals::repository::RestoreOptions;
use annals::repository::SessionAt;
use annals::repository::SortKey;
use annals::session::Keys;
use annals::session::Record;
use annals::session::Session;
use annals::session::SessionId;
use annals::session::view;
use chrono::DateTime;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::sample::select;
use serde_json::Value;
use serde_json::json;

use crate::support::Sandbox;
use crate::support::Transcript;
use crate::support::lines;

/// How many cases a property gets that costs a git store each time.
const CASES: u32 = 24;

fn dear() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) }
}

/// Texts that some reader or writer gets wrong; none looks like a secret.
fn text() -> BoxedStrategy<String> {
    let pieces = vec![
        "",
        " ",
        "\n",
        "\r\n",
        "\t",
        "a",
        "word",
        "---",
        "...",
        ": ",
        " #",
        "- ",
        "'",
        "\"",
        "\\",
        "{",
        "]",
        "|",
        "yes",
        "null",
        "~",
        "1.0",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\0",
        "\u{1b}[2J",
        "é",
        "漢字",
        "🦀",
        "\u{202e}",
        "[redacted:",
        "&a",
        "*a",
    ];
    prop_oneof![
        4 => vec(select(pieces), 0..6).prop_map(|pieces| pieces.concat()),
        1 => vec(any::<char>(), 0..8).prop_map(|letters| letters.into_iter().collect()),
        1 => Just("long line\n".repeat(700)),
    ]
    .boxed()
}

fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((text(), inner), 0..3).prop_map(|entries| entries.into_iter().collect()),
        ]
    })
    .boxed()
}

/// A message in the field names of the store's files.
fn message() -> BoxedStrategy<Value> {
    let content = prop_oneof![
        text().prop_map(Value::from),
        vec(
            prop_oneof![
                text().prop_map(|text| json!({"text": text})),
                (text(), value()).prop_map(|(name, input)| json!({
                    "tool_call": format!("n{name}"), "id": "t1", "input": input,
                })),
                text().prop_map(|output| json!({"tool_result": "t1", "output": output})),
            ],
            1..3
        )
        .prop_map(Value::from),
    ];
    (select(vec!["user", "assistant", "tool"]), content, option::of(value()), option::of(0_u32..60))
        .prop_map(|(role, content, native, second)| {
            let mut message = json!({"message": role, "content": content});
            if let Some(native) = native {
                message["native"] = json!({"x": native});
            }
            if let Some(second) = second {
                message["at"] = json!(format!("2026-11-20T10:00:{second:02}.000Z"));
            }
            message
        })
        .boxed()
}

fn records(messages: &[Value]) -> Vec<Record> {
    let document = json!({"records": messages}).to_string();
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    let saved = repository.save_text(&document).expect("a session is saved");
    let at = repository.resolve(&saved.head.id.to_string(), None).expect("it is there");
    let records = repository.load(&at).expect("it loads").records;
    records.into_iter().filter(|record| record.as_message().is_some()).collect()
}

fn load(repository: &mut Repository, id: SessionId) -> Session {
    let at = repository.resolve(&id.to_string(), None).expect("the session is there");
    repository.load(&at).expect("the session loads")
}

/// How many families of secrets there are.
const FAMILIES: usize = 11;

/// A secret of a family, made of `digits`: as it is said, and what of it must be found nowhere. Put
/// together here, so that no scanner takes this file for a leak.
fn of_family(family: usize, digits: &str) -> (String, String) {
    let part = |length: usize| digits[..length].to_owned();
    let capitals = part(16).to_ascii_uppercase().replace(['0', '1', '8', '9'], "Q");
    let numbers: String = digits.bytes().map(|byte| char::from(b'0' + byte % 10)).collect();
    let whole = |parts: &[&str]| (parts.concat(), parts.concat());
    match family {
        0 => whole(&["gh", "p_", &part(36)]),
        1 => whole(&["AK", "IA", &capitals]),
        2 => whole(&["xo", "xb-", &numbers[..12], "-", &numbers[12..24], "-", &part(24)]),
        3 => whole(&["sk_", "live_", &part(24)]),
        4 => whole(&["sk-", "ant-api03-", &part(93), "AA"]),
        5 => whole(&["AI", "za", &part(35)]),
        6 => whole(&["gl", "pat-", &part(20)]),
        7 => (format!("DB_PASSWORD={}", part(20)), part(20)),
        8 => (format!("postgres://app:{}@db.test/app", part(24)), part(24)),
        9 => (format!("Authorization: Bearer {}", part(60)), part(60)),
        _ => {
            let (begin, end) =
                (["-----BEGIN PRIV", "ATE KEY-----"], ["-----END PRIV", "ATE KEY-----"]);
            let text = format!("{}\n{}\n{}\n{}", begin.concat(), part(64), part(44), end.concat());
            (text, part(64))
        }
    }
}

/// A line of a transcript: a message of a random kind, or something else.
#[derive(Debug, Clone)]
enum Line {
    User(String),
    Agent(String),
    Tool(Value, String),
    Other(Value),
}

fn line() -> BoxedStrategy<Line> {
    prop_oneof![
        3 => text().prop_map(Line::User),
        3 => text().prop_map(Line::Agent),
        2 => (value(), text()).prop_map(|(input, output)| Line::Tool(input, output)),
        1 => value().prop_map(Line::Other),
        1 => (text(), value()).prop_map(|(kind, value)| Line::Other(json!({
            "type": kind, "payload": value, "timestamp": "2026-11-20T10:00:00.000Z",
        }))),
    ]
    .boxed()
}

fn written(transcript: Transcript, lines: &[Line]) -> Transcript {
    lines.iter().fold(transcript, |transcript, line| match line {
        Line::User(text) => transcript.user(text),
        Line::Agent(text) => transcript.agent(text),
        Line::Tool(input, output) => transcript.tool("Bash", input, output),
        Line::Other(value) => transcript.line(value.clone()),
    })
}

fn capture(repository: &mut Repository) -> annals::repository::CaptureOutcome {
    repository.capture(&CaptureOptions::default(), &mut |_| {}).expect("a capture succeeds")
}

fn restored(sandbox: &Sandbox, repository: &mut Repository, name: &str) -> Vec<Value> {
    let home = tempfile::tempdir_in(sandbox.root()).expect("a folder is made");
    let at = repository.resolve(name, None).expect("the revision is there");
    // A session whose lines name no folder has no workspace of its own.
    let options = RestoreOptions {
        home: Some(home.path().to_owned()),
        workspace: Some("/work/demo".into()),
        ..RestoreOptions::default()
    };
    let outcome = repository.restore(&at, &options).expect("it is restored");
    lines(&outcome.files[0])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn p01_ids_are_unique(count in 1_usize..200, moments in vec(0_i64..3, 1..200)) {
        let ids = annals::platform::Ids::random();
        let made: HashSet<_> = (0..count)
            .map(|number| {
                let at = DateTime::from_timestamp_millis(moments[number % moments.len()]);
                ids.next(at.expect("a time"))
            })
            .collect();
        prop_assert_eq!(made.len(), count, "no id is given twice, whatever the clock shows");
    }
}

proptest! {
    #![proptest_config(dear())]

    #[test]
    fn p01_a_new_session_has_its_files_when_the_save_returns(messages in vec(message(), 1..5)) {
        let sandbox = Sandbox::new();
        let mut repository = sandbox.repository();
        let mut ids = BTreeSet::new();
        for _ in 0..2 {
            let document = json!({"records": messages}).to_string();
            let saved = repository.save_text(&document).expect("it is saved");
            let id = saved.head.id.to_string();
            let names = sandbox.git(["ls-tree", "-r", "--name-only", "main"]);
            let head = format!("sessions/{}/{id}/session.yaml", &id[id.len() - 2..]);
            prop_assert!(names.lines().any(|name| name == head), "{} is in\n{}", head, names);
            ids.insert(id);
        }
        prop_assert_eq!(ids.len(), 2);
    }

    #[test]
    fn p04_modified_follows_every_change_and_never_goes_back(
        steps in vec((0_u8..6, 0_i64..2_000_000_000, text()), 1..8),
    ) {
        let mut sandbox = Sandbox::new();
        let id = sandbox.repository()
            .save_text("messages:\n- {role: user, id: m1, text: Hi}\n")
            .expect("it is saved").head.id;
        let mut last = modified(&load(&mut sandbox.repository(), id));
        for (step, (kind, seconds, text)) in steps.into_iter().enumerate() {
            let now = DateTime::from_timestamp(seconds, 0).expect("a time");
            sandbox.set_now(&now.to_rfc3339());
            let mut repository = sandbox.repository();
            let is_changed = match kind {
                0 => edit(&mut repository, id, Edit::Rename(text)),
                1 => edit(&mut repository, id, Edit::Tag(vec![format!("t{step}")])),
                2 => edit(&mut repository, id, Edit::Note(text)),
                3 => edit(&mut repository, id, Edit::Pin(step % 2 == 0)),
                4 => {
                    let more = records(&[json!({"message": "user", "content": text})]);
                    repository.append(id, more).expect("it is appended").revision.is_some()
                }
                _ => {
                    let log = repository.log(id).expect("it has revisions");
                    let to = log.last().expect("a first one").entry.revision.clone();
                    repository.rollback(id, &to).expect("it goes back").revision.is_some()
                }
            };
            let after = modified(&load(&mut repository, id));
            if is_changed && kind != 4 {
                prop_assert!(after > last, "step {}: a change moves it forward", step);
            } else {
                prop_assert!(after >= last, "step {}: it never goes back", step);
            }
            last = after;
        }
        sandbox.fsck();
    }

    #[test]
    fn p05_what_was_saved_and_appended_loads_back_exactly(
        first in vec(message(), 1..6),
        portions in vec(vec(message(), 1..4), 0..3),
    ) {
        let sandbox = Sandbox::new();
        let mut expected = records(&first);
        let id = {
            let repository = sandbox.repository();
            repository.create_id()
        };
        let mut repository = sandbox.repository();
        repository.save(&Session { id, records: expected.clone() }).expect("it is saved");
        for portion in &portions {
            let before = expected.len();
            // What append gives a message that lacks it: an id and a time.
            let more = records(portion);
            repository.append(id, more.clone()).expect("it is appended");
            let loaded = load(&mut repository, id);
            let added = loaded.records[before..].to_vec();
            prop_assert_eq!(added.len(), more.len());
            for (stored, given) in added.iter().zip(&more) {
                let (Some(stored), Some(given)) = (stored.as_message(), given.as_message()) else {
                    return Err(TestCaseError::fail("a message stays a message"));
                };
                prop_assert_eq!(&stored.content, &given.content);
                prop_assert_eq!(&stored.native, &given.native);
                prop_assert_eq!(&stored.role, &given.role);
                prop_assert!(stored.envelope.id.is_some() && stored.envelope.at.is_some());
            }
            expected.extend(added);
        }
        // Another process sees the same.
        let loaded = load(&mut sandbox.repository(), id);
        prop_assert_eq!(&loaded.records, &expected, "all of it, in order");
        let again = repository.save(&loaded).expect("it is saved");
        prop_assert_eq!(again.revision, None, "and saving what was loaded changes nothing");
        sandbox.fsck();
    }

    #[test]
    fn p05_what_was_captured_is_restored_line_by_line(
        first in vec(line(), 1..8),
        more in vec(line(), 0..6),
        cut in any::<Index>(),
    ) {
        let sandbox = Sandbox::new();
        let mut repository = sandbox.repository();
        let whole = written(written(sandbox.transcript(1), &first), &more);
        let begun = written(sandbox.transcript(1), &first);
        let shorter = whole.clone().without_last(cut.index(whole.lines().len()));
        let id = whole.session().to_string();
        for state in [&begun, &whole, &shorter] {
            state.clone().write();
            capture(&mut repository);
            let found = restored(&sandbox, &mut repository, &id);
            prop_assert_eq!(&found[..], state.lines(), "restore gives what the agent wrote");
        }
        let log = repository.log(whole.session()).expect("it has revisions");
        let first = log.last().expect("a first one").entry.revision.to_string();
        let found = restored(&sandbox, &mut repository, &format!("{id}@{first}"));
        prop_assert_eq!(&found[..], begun.lines(), "and what it had written before");
        sandbox.fsck();
    }

    #[test]
    fn p06_a_list_shows_every_required_field(sessions in vec(vec(line(), 0..5), 1..4)) {
        let sandbox = Sandbox::new();
        let mut repository = sandbox.repository();
        let mut expected = BTreeSet::new();
        for (number, lines) in (1..).zip(&sessions) {
            let transcript = written(sandbox.transcript(number).user("Hello"), lines).write();
            expected.insert(transcript.session().to_string());
        }
        capture(&mut repository);
        let page = Page { offset: 0, limit: 100 };
        let listing = repository
            .list(&Filter::default(), SortKey::Modified, false, page)
            .expect("it lists");
        prop_assert_eq!(listing.total, expected.len() as u64);
        let mut found = BTreeSet::new();
        let mut last = None;
        for row in listing.sessions {
            let head = row.head;
            let whole = load(&mut repository, head.id);
            let messages = whole.view().filter(|it| it.as_message().is_some()).count() as u64;
            prop_assert_eq!(head.counts.messages, messages);
            prop_assert!(head.title.is_some() || head.preview.is_some());
            prop_assert!(head.created.is_some() && head.modified.is_some());
            prop_assert!(head.created <= head.modified);
            prop_assert_eq!(&head.agent.name, "claude-code");
            prop_assert_eq!(head.workspace.root.as_deref(), Some("/work/demo"));
            prop_assert_eq!(&head, &whole.head(), "the row is what the records say");
            prop_assert!(last.is_none_or(|last| head.modified <= last), "newest first");
            last = Some(head.modified.clone());
            found.insert(head.id.to_string());
        }
        prop_assert_eq!(found, expected, "each session once");
    }

    #[test]
    fn p07_delete_leaves_nothing_but_a_tombstone(
        lines in vec(line(), 1..6),
        mark in "[a-z]{12}",
        edits in vec(0_u8..3, 0..3),
    ) {
        let sandbox = Sandbox::new();
        let mut repository = sandbox.repository();
        let word = format!("quux{mark}");
        let transcript = written(sandbox.transcript(1).user(&word), &lines).agent(&word).write();
        sandbox.transcript(2).user("the other").write();
        capture(&mut repository);
        let id = transcript.session();
        for edit_kind in edits {
            edit(&mut repository, id, match edit_kind {
                0 => Edit::Rename(word.clone()),
                1 => Edit::Tag(vec![word.clone()]),
                _ => Edit::Note(word.clone()),
            });
        }
        repository.delete(&[id]).expect("it is deleted");
        let mut tombstones = 0;
        for (name, text) in sandbox.tree() {
            prop_assert!(!text.contains(&word), "{} has no content of it", name);
            if name.contains(&id.to_string()) {
                prop_assert!(name.starts_with("tombstones/"), "{} is gone", name);
                tombstones += 1;
            }
        }
        prop_assert_eq!(tombstones, 1);
        let everything = Filter { with_subagents: true, ..Filter::default() };
        let page = Page { offset: 0, limit: 100 };
        let listing = repository.list(&everything, SortKey::Title, false, page).expect("it lists");
        prop_assert_eq!(listing.total, 1, "lists have the other only");
        prop_assert!(repository.resolve(&id.to_string(), None).is_err(), "no name finds it");
        repository.undelete(id).expect("it comes back");
        let found = restored(&sandbox, &mut repository, &id.to_string());
        prop_assert_eq!(&found[..], transcript.lines(), "and comes back whole");
        sandbox.fsck();
    }

    #[test]
    fn p10_files_stand_where_their_ids_say_and_pass_their_schema(
        sessions in vec(vec(line(), 1..6), 1..3),
        is_deleted in any::<bool>(),
    ) {
        let sandbox = Sandbox::new();
        let mut repository = sandbox.repository();
        for (number, lines) in (1..).zip(&sessions) {
            written(sandbox.transcript(number), lines).write();
        }
        capture(&mut repository);
        if is_deleted {
            let id = sandbox.transcript(1).session();
            prop_assume!(repository.resolve(&id.to_string(), None).is_ok());
            repository.delete(&[id]).expect("it is deleted");
        }
        let schemas = Schemas::published();
        for (name, text) in sandbox.tree() {
            if let Err(fault) = schemas.check(&name, &text) {
                return Err(TestCaseError::fail(format!("{name}: {fault}\n{text}")));
            }
        }
    }

    #[test]
    fn p11_no_secret_is_in_any_file(
        secrets in vec((0..FAMILIES, "[0-9A-Za-z]{100}", (text(), text()), 0_u8..14), 8..16),
    ) {
        let sandbox = Sandbox::new();
        let mut repository = sandbox.repository();
        let mut transcript = sandbox.transcript(1).user("Hello");
        let mut planted = Vec::new();
        for (family, digits, around, place) in secrets {
            // What a smaller case makes of them must look drawn at random too.
            let different = |length| digits.bytes().take(length).collect::<HashSet<_>>().len();
            prop_assume!(different(16) > 9 && different(36) > 16);
            let (said, secret) = of_family(family, &digits);
            planted.push(secret);
            let text = format!("{} {said} {}", around.0, around.1);
            let nested = json!({"text": text}).to_string();
            transcript = match place {
                0 => transcript.user(&text),
                1 => transcript.agent(&text),
                2 => transcript.tool("Bash", &json!({"a": [text]}), "ok"),
                3 => transcript.tool("Bash", &json!({text: 1}), "ok"),
                4 => transcript.tool("Bash", &json!({}), &text),
                5 => transcript.tool(&text, &json!({}), "ok"),
                6 => transcript.line(json!({"type": "x", "deep": {"a": [text]}})),
                7 => transcript.line(json!({"type": "summary", "summary": text})),
                8 => transcript.tool("Bash", &json!({"a": nested}), &nested),
                9 => transcript.line(json!({"type": text})),
                10 => transcript.line(json!([text])),
                11 => transcript.line(json!({"type": "x", "gitBranch": text, "cwd": text})),
                12 => {
                    repository.save_text(&json!({
                        "title": text, "notes": text, "messages": [{"role": "user", "text": text}],
                    }).to_string()).expect("it is saved");
                    transcript
                }
                _ => {
                    transcript.clone().write();
                    capture(&mut repository);
                    let id = transcript.session();
                    let edits = [Edit::Rename(text.clone()), Edit::Note(text)];
                    repository.edit(id, &edits).expect("it is edited");
                    transcript
                }
            };
        }
        transcript.write();
        capture(&mut repository);
        let mut files = sandbox.every_file();
        files.push((PathBuf::from("the objects"), sandbox.every_object()));
        for (path, bytes) in files {
            for secret in &planted {
                let is_in = memchr::memmem::find(&bytes, secret.as_bytes()).is_some();
                prop_assert!(!is_in, "{} does not hold {}", path.display(), secret);
            }
        }
    }

    #[test]
    fn p13_a_damaged_object_never_crashes_or_hangs_and_the_rest_works(
        victim in any::<Index>(),
        damage in 0_u8..4,
        at in any::<Index>(),
    ) {
        damaged_object_is_survived(victim, damage, at)?;
    }

    #[test]
    fn p15_filters_return_exactly_the_sessions_that_match(
        rows in vec((0_u8..3, 0_u8..3, 0_u8..4, 0_u8..3, 0_u32..40), 1..10),
        wanted in (option::of(0_u8..3), option::of(0_u8..3), option::of(0_u8..4), option::of(0_u8..3)),
        days in option::of((0_u32..40, 0_u32..10)),
    ) {
        filters_are_exact(&rows, wanted, days)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(6) })]

    #[test]
    fn p13_a_damaged_transcript_is_named_and_all_that_is_whole_is_taken_in(
        victim in 0_usize..3,
        damage in 0_u8..4,
        at in any::<Index>(),
    ) {
        damaged_transcript_is_survived(victim, damage, at)?;
    }

    #[test]
    fn p13_a_damaged_file_beside_the_objects_never_crashes_and_is_named(
        victim in any::<Index>(),
        damage in 0_u8..4,
        at in any::<Index>(),
    ) {
        damaged_file_is_survived(victim, damage, at)?;
    }

    #[test]
    fn p12_the_packed_store_is_smaller_than_what_went_in(
        words in vec(select(vec!["login", "query", "the", "fails", "test", "cart", "server", "is"]), 40..60),
        turns in 20_usize..30,
    ) {
        let sandbox = Sandbox::new();
        let mut repository = sandbox.repository();
        let said = |number: usize| {
            let mut words = words.clone();
            words.rotate_left(number % 37);
            format!("{number} {}\n", words.join(" ")).repeat(3)
        };
        let transcript = (0..turns).fold(sandbox.transcript(1), |it, number| {
            it.user(&said(number)).tool("Bash", &json!({"command": said(number + 1)}), &said(number + 2))
        });
        let transcript = transcript.write();
        capture(&mut repository);
        repository.gc().expect("it packs");
        let raw = transcript.text().len() as u64;
let packed: u64 = sandbox
            .every_file()
            .iter()
            .filter(|(path, _)| path.starts_with(sandbox.store().join("objects")))
            .map(|(_, bytes)| bytes.len() as u64)
            .sum();
        prop_assert!(packed < raw, "{} bytes went in, {} are kept", raw, packed);
        let found = restored(&sandbox, &mut repository, &transcript.session().to_string());
        prop_assert_eq!(&found[..], transcript.lines(), "and nothing is lost");
    }
}

/// Empty, where no record has a time.
fn modified(session: &Session) -> String {
    session.head().modified.unwrap_or_default()
}

fn edit(repository: &mut Repository, id: SessionId, edit: Edit) -> bool {
    repository.edit(id, &[edit]).expect("it is edited").revision.is_some()
}

#[test]
fn the_log_tells_what_came_and_went_since_the_revision_before() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    let first = "messages:\n- {role: user, id: m1, text: Hi}\n";
    let id = repository.save_text(first).expect("it is saved").head.id;
    let append = |repository: &mut Repository, range: std::ops::Range<u32>| {
        let said = |n: u32| json!({"message": "user", "content": format!("said {n}")});
        let each: Vec<Value> = range.map(said).collect();
        repository.append(id, records(&each)).expect("it is appended");
    };
    // Over the ends of chunks and within them.
    append(&mut repository, 0..60);
    edit(&mut repository, id, Edit::Rename("named".to_owned()));
    append(&mut repository, 60..61);
    append(&mut repository, 61..260);
    let back = repository.log(id).expect("it has revisions")[3].entry.revision.clone();
    repository.rollback(id, &back).expect("it goes back");
    append(&mut repository, 300..360);
    sandbox.run(["delete", &id.to_string(), "--yes"]).ok();
    sandbox.run(["undelete", &id.to_string()]).ok();
    append(&mut repository, 400..401);
    let log = repository.log(id).expect("it has revisions");
    assert_eq!(log.len(), 10);
    let mut before = BTreeSet::new();
    for told in log.iter().rev() {
        let mut now = BTreeSet::new();
        if !told.entry.is_deleted {
            let revision = told.entry.revision.clone();
            let at = SessionAt { id, revision, is_past: true };
            let stream = repository.load(&at).expect("it loads").records;
            let keys = Keys::of(&stream);
            let in_view = view(&stream, &keys).into_iter();
            let messages = in_view.filter(|place| stream[*place].as_message().is_some());
            now.extend(messages.map(|place| keys[place].clone()));
        }
        let [came, went] = [now.difference(&before), before.difference(&now)].map(Iterator::count);
        assert_eq!((told.added, told.removed), (came as u64, went as u64), "{told:?}");
        before = now;
    }
    sandbox.fsck();
}

/// The published schemas.
struct Schemas(Vec<(&'static str, jsonschema::Validator)>);

impl Schemas {
    fn published() -> Self {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
        let read = |name: &'static str| {
            let text = fs::read(folder.join(format!("{name}.schema.json"))).expect("it is there");
            let schema = serde_json::from_slice(&text).expect("a schema is JSON");
            (name, jsonschema::validator_for(&schema).expect("it is a schema"))
        };
        Self(["marker", "session", "record", "tombstone"].map(read).into())
    }

    fn check(&self, name: &str, text: &str) -> Result<(), String> {
        let parts: Vec<&str> = name.split('/').collect();
        let is_in_place = |shard: &str, id: &str| id.len() == 36 && id.ends_with(shard);
        let schema = match parts.as_slice() {
            [".gitattributes"] => return Ok(()),
            ["annals.yaml"] => "marker",
            ["tombstones", shard, file]
                if file.strip_suffix(".yaml").is_some_and(|id| is_in_place(shard, id)) =>
            {
                "tombstone"
            }
            ["sessions", shard, id, "session.yaml"] if is_in_place(shard, id) => "session",
            ["sessions", shard, id, "messages", chunk]
                if is_in_place(shard, id) && chunk.starts_with(&id[28..]) =>
            {
                "record"
            }
            ["sessions", shard, id, "files", _] if is_in_place(shard, id) => return Ok(()),
            _ => return Err("it stands in no right place".to_owned()),
        };
        let (_, validator) = self.0.iter().find(|it| it.0 == schema).expect("it is published");
        for document in text.split("\n---\n") {
            let document = document.trim_start_matches("---\n");
            let value = annals::repository::parse_yaml(document).map_err(|it| it.to_string())?;
            if value.get("common").is_some() {
                continue;
            }
            if let Err(fault) = validator.validate(&value) {
                return Err(fault.to_string());
            }
        }
        Ok(())
    }
}

/// Flips a byte of a loose object, cuts it off, empties it, or takes it away.
fn damaged_object_is_survived(victim: Index, damage: u8, at: Index) -> Result<(), TestCaseError> {
    let sandbox = Sandbox::new();
    for number in 1..=3 {
        sandbox.transcript(number).user(&format!("number {number}")).agent("Yes.").write();
    }
    sandbox.capture();
    let ids: Vec<String> = (1..=3).map(|number| sandbox.transcript(number).short()).collect();
    sandbox.run(["rename", &ids[0], "A title"]).ok();
    let mut objects = loose_objects(&sandbox);
    objects.sort();
    let path = &objects[victim.index(objects.len())];
    let mut bytes = fs::read(path).expect("an object is readable");
    let place = at.index(bytes.len());
    match damage {
        0 => bytes[place] ^= 0x55,
        1 => bytes.truncate(place),
        2 => bytes.clear(),
        _ => {}
    }
    fs::remove_file(path).expect("an object can be replaced");
    if damage < 3 {
        fs::write(path, bytes).expect("an object can be replaced");
    }
    let name = format!(
        "{}{}",
        path.parent().and_then(|it| it.file_name()).expect("a folder").to_string_lossy(),
        path.file_name().expect("a name").to_string_lossy()
    );
    let (mut intact, mut commands) = (0, vec![vec!["list"], vec!["doctor"], vec!["capture"]]);
    for id in &ids {
        commands.extend([vec!["show", id], vec!["log", id], vec!["tag", id, "x"]]);
    }
    for command in &commands {
        let (code, stderr, stdout) = run_bounded(&sandbox, command)?;
        prop_assert!(matches!(code, 0 | 3 | 5), "{:?} ends in order: {} {}", command, code, stderr);
        let told = stderr + &stdout;
        if code != 0 {
            prop_assert!(!told.trim().is_empty(), "{:?} says what is wrong", command);
        }
        if command[0] == "doctor" {
            prop_assert!(code == 5, "the doctor finds it: {}", told);
            prop_assert!(told.contains(&name[..8]), "the doctor names {}:\n{}", name, told);
        }
        intact += u32::from(command[0] == "show" && code == 0);
    }
    // Damage to the tip itself or to a folder above all sessions leaves none readable.
    let shared = is_shared(&sandbox, &name);
    prop_assert!(shared || intact >= 2, "two of three sessions are still shown, {} are", intact);
    Ok(())
}

/// Does to a file what disks and people do: a byte that is another, an end that is gone, nothing, or
/// a link to itself in its place, which nobody can read.
fn spoil(path: &Path, damage: u8, at: Index) {
    let mut bytes = fs::read(path).expect("it is readable");
    let place = at.index(bytes.len().max(1));
    match damage {
        0 => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 0x55),
        1 => bytes.truncate(place),
        _ => bytes.clear(),
    }
    fs::remove_file(path).expect("it can be replaced");
    if damage < 3 {
        fs::write(path, bytes).expect("it can be replaced");
    } else {
        std::os::unix::fs::symlink(path, path).expect("it can be replaced");
    }
}

fn damaged_transcript_is_survived(
    victim: usize,
    damage: u8,
    at: Index,
) -> Result<(), TestCaseError> {
    let sandbox = Sandbox::new();
    let number = |it: usize| u32::try_from(it).expect("small") + 1;
    let begun =
        |it: usize| sandbox.transcript(number(it)).user("asked").agent("said").user("again");
    (0..3).for_each(|it| drop(begun(it).write()));
    let path = begun(victim).path();
    let whole = lines(&path);
    spoil(&path, damage, at);
    let is_good = |line: &[u8]| serde_json::from_slice::<Value>(line).ok();
    let text = fs::read(&path).unwrap_or_default();
    let good: Vec<Value> = text.split(|it| *it == b'\n').filter_map(is_good).collect();
    let (code, told, _) = run_bounded(&sandbox, &["capture"])?;
    prop_assert!(matches!(code, 0 | 3), "{} {}", code, told);
    let is_torn = text.split(|it| *it == b'\n').any(|it| !it.is_empty() && is_good(it).is_none());
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    let is_named = told.contains(&name);
    prop_assert!(is_named || damage < 3, "{} is named: {}", name, told);
    let mut repository = sandbox.repository();
    for it in 0..3 {
        let id = begun(it).session().to_string();
        let expected = if it == victim { &good } else { &whole };
        let Ok(at) = repository.resolve(&id, None) else {
            prop_assert!(it == victim && good.is_empty(), "{} is there", it);
            continue;
        };
        let records = repository.load(&at).expect("it loads").records;
        let count = records.iter().filter(|it| !matches!(it, Record::Annals(_))).count();
        prop_assert!(count >= expected.len(), "{} of {} lines", count, expected.len());
        // A letter that JSON does not allow is put right, and the line is kept as it was.
        let is_whole = it != victim || !is_torn || count == whole.len();
        prop_assert!(is_named || is_whole, "{} is named: {}", name, told);
    }
    Ok(())
}

/// A file of the store that is none of its objects, or of the user's settings.
fn damaged_file_is_survived(victim: Index, damage: u8, at: Index) -> Result<(), TestCaseError> {
    let sandbox = Sandbox::new();
    sandbox.transcript(1).user("asked").agent("said").write();
    sandbox.capture();
    let id = sandbox.transcript(1).short();
    sandbox.run(["config", "set", "save.interval", "9"]).ok();
    sandbox.run(["search", "asked"]).ok();
    let files = sandbox.every_file().into_iter().map(|it| it.0);
    let files: Vec<PathBuf> =
        files.filter(|path| !path.components().any(|it| it.as_os_str() == "objects")).collect();
    let path = victim.get(&files);
    spoil(path, damage, at);
    let commands =
        [vec!["list"], vec!["show", &id], vec!["search", "asked"], vec!["capture"], vec!["doctor"]];
    for command in &commands {
        let (code, stderr, stdout) = run_bounded(&sandbox, command)?;
        let told = format!("{}, {command:?}: {code} {stderr}", path.display());
        prop_assert!(matches!(code, 0 | 3 | 5), "{}", told);
        prop_assert!(!told.contains("panicked"), "{}", told);
        // What can be made anew, or says nothing about sessions, stops nothing; else it is named.
        let (name, whole) = (path.file_name().expect("a name").to_string_lossy(), stderr + &stdout);
        // With another digit main names a revision that nobody has, and that is what is told.
        let is_revision = path.ends_with("refs/heads/main") && whole.contains("the revision");
        let is_named = whole.contains(&*name) || whole.contains("store.git") || is_revision;
        prop_assert!(code == 0 || is_named, "{}", told);
    }
    Ok(())
}

/// Whether the object is a commit, or a folder or file that belongs to no single session.
fn is_shared(sandbox: &Sandbox, name: &str) -> bool {
    let ran = std::process::Command::new("git")
        .arg("-C")
        .arg(sandbox.store())
        .args(["ls-tree", "-r", "-t", "main"])
        .output();
    let listing = ran.expect("git runs");
    let text = String::from_utf8_lossy(&listing.stdout).into_owned();
    let own = |line: &&str| line.contains(name) && line.contains("sessions/");
    // Only what lies in one session's own folder is told apart here; a shard may hold two.
    !text.lines().any(|line| own(&line) && line.matches('/').count() >= 2)
}

fn loose_objects(sandbox: &Sandbox) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in fs::read_dir(sandbox.store().join("objects")).expect("objects are there") {
        let folder = folder.expect("an entry").path();
        if folder.file_name().is_some_and(|name| name.len() == 2) {
            for entry in fs::read_dir(folder).expect("a folder") {
                found.push(entry.expect("an entry").path());
            }
        }
    }
    assert!(found.len() > 10, "the store has loose objects");
    found
}

/// Runs the program, which must end within a time.
fn run_bounded(sandbox: &Sandbox, args: &[&str]) -> Result<(i32, String, String), TestCaseError> {
    let mut command = sandbox.program();
    let out = tempfile::NamedTempFile::new().expect("a file");
    let err = tempfile::NamedTempFile::new().expect("a file");
    command.args(args).stdin(Stdio::null());
    command.stdout(out.reopen().expect("a file")).stderr(err.reopen().expect("a file"));
    let mut child = command.spawn().expect("the program starts");
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        if started.elapsed() > Duration::from_secs(60) {
            child.kill().expect("it can be ended");
            child.wait().expect("it ends");
            return Err(TestCaseError::fail(format!("{args:?} hangs")));
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let read = |file: &tempfile::NamedTempFile| {
        String::from_utf8_lossy(&fs::read(file.path()).expect("it is readable")).into_owned()
    };
    Ok((status.code().unwrap_or(-1), read(&err), read(&out)))
}

type Row = (u8, u8, u8, u8, u32);
type Wanted = (Option<u8>, Option<u8>, Option<u8>, Option<u8>);

/// Compares the list with a scan over what was saved.
fn filters_are_exact(
    rows: &[Row],
    wanted: Wanted,
    days: Option<(u32, u32)>,
) -> Result<(), TestCaseError> {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    let start = DateTime::parse_from_rfc3339("2026-10-01T00:00:00Z").expect("a time").to_utc();
    let on = |day: u32| start + chrono::TimeDelta::days(i64::from(day));
    let root = |number: u8| ["/src/a", "/src/a/b", "/src/ab"][usize::from(number % 3)];
    let mut ids = Vec::new();
    for (agent, model, tag, branch, day) in rows {
        let noon = (on(*day) + chrono::TimeDelta::hours(12)).to_rfc3339();
        let document = json!({
            "agent": format!("agent-{agent}"),
            "created": noon,
            "tags": [format!("t{tag}")],
            "workspace": {"root": root(*branch), "branch": format!("b{branch}")},
            "messages": [
                {"role": "assistant", "at": noon, "text": "x", "model": format!("m-{model}-x")},
            ],
        });
        ids.push(repository.save_text(&document.to_string()).expect("it is saved").head.id);
    }
    let (agent, model, tag, branch) = wanted;
    let filter = Filter {
        agents: agent.map(|it| format!("agent-{it}")).into_iter().collect(),
        models: model.map(|it| format!("M-{it}")).into_iter().collect(),
        tags: tag.map(|it| format!("t{it}")).into_iter().collect(),
        branches: branch.map(|it| format!("b{it}")).into_iter().collect(),
        authors: Vec::new(),
        without: None,
        workspaces: branch.map(|_| "/src/a".to_owned()).into_iter().collect(),
        repositories: Vec::new(),
        spans: days
            .map(|(from, long)| (Some(on(from)), Some(on(from + long + 1))))
            .into_iter()
            .collect(),
        with_subagents: false,
    };
    let page = Page { offset: 0, limit: 1000 };
    let listing = repository.list(&filter, SortKey::Created, true, page).expect("it lists");
    let found: BTreeSet<SessionId> = listing.sessions.iter().map(|row| row.head.id).collect();
    let is_wanted = |row: &Row| {
        let below = root(row.3) == "/src/a" || root(row.3).starts_with("/src/a/");
        agent.is_none_or(|it| it == row.0)
            && model.is_none_or(|it| it == row.1)
            && tag.is_none_or(|it| it == row.2)
            && branch.is_none_or(|it| it == row.3 && below)
            && days.is_none_or(|(from, long)| (from..=from + long).contains(&row.4))
    };
    let expected: BTreeSet<SessionId> =
        rows.iter().zip(&ids).filter(|(row, _)| is_wanted(row)).map(|(_, id)| *id).collect();
    prop_assert_eq!(&found, &expected, "exactly those that match");
    prop_assert_eq!(listing.total, expected.len() as u64);
    Ok(())
}
