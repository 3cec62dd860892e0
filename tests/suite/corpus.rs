//! Real transcripts, where `ANNALS_CORPUS` names a folder of them: `home/` (a user's home),
//! `versions/<session>/<nn>.jsonl` (one session as it grew), `broken/*.jsonl` (damaged lines).
//!
//! What comes out is compared with a reader of its own, which shares no code with the adapters: it
//! knows that a transcript has JSON values on lines, and nothing else.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::corpus;
use crate::support::say;

/// How a redaction begins.
const MARK: &str = "[redacted:";

/// A part of a line as the naive reader sees it.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Value(Value),
    Raw(String),
}

/// How many strings there were, and which came back redacted.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    lines: usize,
    strings: usize,
    redacted: Vec<String>,
}

#[test]
fn every_session_comes_back_line_for_line() {
    let Some(homes) = homes() else { return };
    for home in homes {
        let sandbox = Sandbox::new();
        capture_home(&sandbox, &home);
        let mut tally = Tally::default();
        let restored = restore_all(&sandbox);
        for path in transcripts(&home) {
            let name = path.file_name().expect("a file").to_owned();
            let back = restored.iter().find(|it| it.file_name() == Some(&name));
            let back = back.unwrap_or_else(|| panic!("{} is restored", path.display()));
            let (was, is) = (parts_of(&path), parts_of(back));
            compare(&path, &was, &is, &mut tally);
        }
        tally.tell(&home);
        assert!(
            tally.redacted.len() * 1000 <= tally.strings,
            "redactions touch at most 0.1 % of the strings"
        );
        sandbox.fsck();
    }
}

#[test]
fn no_line_that_parses_is_unreadable_and_all_talk_is_shown() {
    let Some(homes) = homes() else { return };
    for home in homes {
        let sandbox = Sandbox::new();
        capture_home(&sandbox, &home);
        let sessions = sessions(&sandbox);
        let mut shown = 0;
        for path in transcripts(&home) {
            let session = session_of(&sessions, &path);
            let document = sandbox.json(["show", session]);
            let events = document["events"].as_array().expect("a list");
            let unreadable = events.iter().filter(|it| it.get("unreadable").is_some()).count();
            let raw = parts_of(&path).iter().filter(|it| matches!(it, Part::Raw(_))).count();
            assert_eq!(unreadable, raw, "{}: what parses is never unreadable", path.display());
            let said = talk_in_file(&path);
            let is = talk_in_show(&document);
            assert_eq!(said.len(), is.len(), "{}: every text and call is shown", path.display());
            for (was, is) in said.iter().zip(&is) {
                let is_same = was == is || (is.contains(MARK) && fits(is, was));
                assert!(is_same, "{}: shown as it was said:\n{was}\n{is}", path.display());
            }
            shown += said.len();
        }
        say(&format!("{}: {shown} texts and tool calls are all shown", home.display()));
    }
}

#[test]
fn tokens_are_counted_once_an_answer() {
    let Some(homes) = homes() else { return };
    for home in homes {
        let sandbox = Sandbox::new();
        capture_home(&sandbox, &home);
        let sessions = sessions(&sandbox);
        let mut total = 0;
        for path in transcripts(&home) {
            let was = naive_tokens(&path);
            let document = sandbox.json(["show", session_of(&sessions, &path)]);
            let tokens = &document["session"]["tokens"];
            for (name, count) in &was {
                let shown = tokens.get(name).and_then(Value::as_u64).unwrap_or_default();
                assert_eq!(shown, *count, "{}: {name} tokens", path.display());
            }
            total += was.values().sum::<u64>();
        }
        assert!(total > 0, "the corpus has usage in it");
        say(&format!("{}: {total} tokens", home.display()));
    }
}

#[test]
fn damaged_files_keep_every_record() {
    let Some(folder) = corpus() else { return skip() };
    let mut tally = Tally::default();
    for path in files_in(&folder.join("broken")) {
        let sandbox = Sandbox::new();
        let text = path.to_str().expect("a path in UTF-8");
        let id = "0b0b0b0b-0000-4000-8000-000000000000";
        sandbox.run(["capture", "--path", text, "--session", id]).ok();
        sandbox.run(["restore", id, "--home", "out", "--workspace", "/work/demo"]).ok();
        let back = transcripts(&sandbox.home().join("out"));
        assert_eq!(back.len(), 1, "one file is restored");
        let was = parts_of(&path);
        let lines = fs::read(&path).expect("it is readable");
        let lines = lines.split(|byte| *byte == b'\n').filter(|it| !it.is_empty()).count();
        assert!(was.len() > lines, "{} has records run together", path.display());
        compare(&path, &was, &parts_of(&back[0]), &mut tally);
        sandbox.fsck();
    }
    tally.tell(&folder.join("broken"));
}

#[test]
fn versions_are_revisions_by_path() {
    replay_all(&|sandbox, session, file| {
        let file = file.to_str().expect("a path in UTF-8");
        sandbox.run(["capture", "--path", file, "--session", session]).ok();
    });
}

#[test]
fn versions_are_revisions_in_a_home() {
    replay_all(&|sandbox, session, file| {
        let folder = sandbox.home().join(".claude/projects/-work-demo");
        fs::create_dir_all(&folder).expect("a folder is made");
        let text = fs::read(file).expect("it is readable");
        fs::write(folder.join(format!("{session}.jsonl")), text).expect("it is written");
        sandbox.run(["capture"]).ok();
    });
}

/// Replays all versions, first as they came, then the other way round: a file that loses lines.
fn replay_all(capture: &dyn Fn(&Sandbox, &str, &Path)) {
    let Some(folder) = corpus() else { return skip() };
    let mut tally = Tally::default();
    let mut revisions = 0;
    for folder in files_in(&folder.join("versions")) {
        let mut files = files_in(&folder);
        for _ in ["as they came", "backwards"] {
            revisions += replay(&folder, &files, capture, &mut tally);
            files.reverse();
        }
    }
    tally.tell(&folder.join("versions"));
    say(&format!("{revisions} revisions"));
}

fn replay(
    folder: &Path,
    files: &[PathBuf],
    capture: &dyn Fn(&Sandbox, &str, &Path),
    tally: &mut Tally,
) -> usize {
    let sandbox = Sandbox::new();
    let session = folder.file_name().and_then(|it| it.to_str()).expect("a name in UTF-8");
    for file in files {
        capture(&sandbox, session, file);
    }
    let log = sandbox.json(["log", session]);
    let revisions = log["revisions"].as_array().expect("a list");
    assert_eq!(revisions.len(), files.len(), "each version is one revision: {log}");
    for (place, file) in files.iter().enumerate() {
        let back = files.len() - 1 - place;
        let at = format!("{session}@~{back}");
        let home = format!("out{place}");
        let ran = sandbox.run(["restore", &at, "--home", &home, "--workspace", "/work/demo"]);
        ran.ok();
        let restored = transcripts(&sandbox.home().join(&home));
        assert_eq!(restored.len(), 1, "one file is restored");
        compare(file, &parts_of(file), &parts_of(&restored[0]), tally);
        if let Some(before) = place.checked_sub(1) {
            let left = format!("{session}@~{}", back + 1);
            let ran = Ran::of(sandbox.program().args(["--json", "diff", &left, &at]));
            assert_eq!(ran.code, 1, "they differ: {}", ran.stderr);
            let is: Value = serde_json::from_str(&ran.stdout).expect("it prints JSON");
            check_diff(&messages_in(&files[before]), &messages_in(file), &is);
        }
    }
    sandbox.fsck();
    files.len()
}

/// The difference that is shown must be what a comparison of the records by their ids gives.
fn check_diff(left: &[(String, Value)], right: &[(String, Value)], is: &Value) {
    let by_id = |side: &[(String, Value)]| side.iter().cloned().collect::<HashMap<_, _>>();
    let (before, after) = (by_id(left), by_id(right));
    let mut was: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, value) in right {
        match before.get(id) {
            None => was.entry("added").or_default().push(id),
            Some(earlier) if earlier != value => was.entry("changed").or_default().push(id),
            Some(_) => {}
        }
    }
    for (id, _) in left.iter().filter(|(id, _)| !after.contains_key(id)) {
        was.entry("removed").or_default().push(id);
    }
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for change in is["changes"].as_array().expect("a list") {
        let kind = change["change"].as_str().expect("a name");
        let message = if kind == "changed" { &change["right"] } else { &change["message"] };
        found.entry(kind).or_default().push(message["id"].as_str().expect("an id"));
    }
    was.values_mut().chain(found.values_mut()).for_each(|ids| ids.sort_unstable());
    assert_eq!(found, was, "the difference is what was added, changed and removed");
}

/// The messages of a transcript by their ids.
fn messages_in(path: &Path) -> Vec<(String, Value)> {
    let values = parts_of(path).into_iter().filter_map(|part| match part {
        Part::Value(value) if is_message(&value) => Some(value),
        _ => None,
    });
    values.map(|it| (it["uuid"].as_str().expect("messages have ids").to_owned(), it)).collect()
}

fn is_message(value: &Value) -> bool {
    matches!(value["type"].as_str(), Some("user" | "assistant"))
        && value["message"]["role"].is_string()
        && value["message"].get("content").is_some()
}

/// Every text and tool call of a transcript, in order.
fn talk_in_file(path: &Path) -> Vec<String> {
    let mut talk = Vec::new();
    for (_, message) in messages_in(path) {
        let content = &message["message"]["content"];
        talk.extend(content.as_str().map(str::to_owned));
        for block in content.as_array().into_iter().flatten() {
            match block["type"].as_str() {
                Some("text") => talk.extend(block["text"].as_str().map(str::to_owned)),
                Some("thinking") => talk.extend(block["thinking"].as_str().map(str::to_owned)),
                Some("tool_use") => {
                    let name = block["name"].as_str().expect("tools have names");
                    talk.push(format!("{name} {}", sorted(&block["input"])));
                }
                _ => {}
            }
        }
    }
    talk
}

/// The same of what `show --json` prints.
fn talk_in_show(document: &Value) -> Vec<String> {
    let mut talk = Vec::new();
    for message in document["messages"].as_array().expect("a list") {
        let content = &message["content"];
        talk.extend(content.as_str().map(str::to_owned));
        for block in content.as_array().into_iter().flatten() {
            let text = block.get("text").or_else(|| block.get("thinking"));
            talk.extend(text.and_then(Value::as_str).map(str::to_owned));
            if let Some(name) = block["tool_call"].as_str() {
                talk.push(format!("{name} {}", sorted(&block["input"])));
            }
        }
    }
    talk
}

/// A value as text that does not depend on the order of keys.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, String> =
                map.iter().map(|(key, value)| (key, sorted(value))).collect();
            format!("{sorted:?}")
        }
        Value::Array(items) => format!("{:?}", items.iter().map(sorted).collect::<Vec<_>>()),
        other => other.to_string(),
    }
}

/// Usage of the last line of each answer, added up.
fn naive_tokens(path: &Path) -> BTreeMap<&'static str, u64> {
    let mut last: HashMap<String, Value> = HashMap::new();
    for (uuid, line) in messages_in(path) {
        let message = &line["message"];
        if message["usage"].is_object() {
            let id = message["id"].as_str().unwrap_or(&uuid).to_owned();
            last.insert(id, message["usage"].clone());
        }
    }
    let fields = [
        ("input", "input_tokens"),
        ("output", "output_tokens"),
        ("cache_read", "cache_read_input_tokens"),
        ("cache_write", "cache_creation_input_tokens"),
    ];
    let sum = |field: &str| last.values().filter_map(|usage| usage[field].as_u64()).sum();
    fields.into_iter().map(|(name, field)| (name, sum(field))).collect()
}

fn compare(path: &Path, was: &[Part], is: &[Part], tally: &mut Tally) {
    let name = path.display();
    tally.files += 1;
    tally.lines += was.len();
    assert_eq!(was.len(), is.len(), "{name}: as many records as before");
    for (number, (was, is)) in was.iter().zip(is).enumerate() {
        let place = format!("{name}:{}", number + 1);
        match (was, is) {
            (Part::Value(was), Part::Value(is)) => compare_values(&place, was, is, tally),
            (Part::Raw(was), Part::Raw(is)) => compare_texts(&place, was, is, tally),
            _ => panic!("{place}: {was:?} came back as {is:?}"),
        }
    }
}

fn compare_values(place: &str, was: &Value, is: &Value, tally: &mut Tally) {
    match (was, is) {
        (Value::String(was), Value::String(is)) => compare_texts(place, was, is, tally),
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            for (number, (was, is)) in was.iter().zip(is).enumerate() {
                compare_values(&format!("{place}/{number}"), was, is, tally);
            }
        }
        (Value::Object(was), Value::Object(is)) if was.len() == is.len() => {
            let mut strange = is.iter().filter(|(key, _)| !was.contains_key(*key));
            for (key, value) in was {
                let place = format!("{place}/{key}");
                tally.strings += 1;
                let back = is.get_key_value(key).or_else(|| strange.next());
                let (name, back) = back.unwrap_or_else(|| panic!("{place} is missing"));
                if name != key {
                    assert!(name.contains(MARK), "{place} came back as {name}");
                    tally.redacted.push(format!("{place}: the key {name}"));
                }
                compare_values(&place, value, back, tally);
            }
        }
        _ => assert_eq!(was, is, "{place} comes back"),
    }
}

fn compare_texts(place: &str, was: &str, is: &str, tally: &mut Tally) {
    tally.strings += 1;
    if was != is {
        assert!(is.contains(MARK) && fits(is, was), "{place} came back as {is:?}");
        tally.redacted.push(format!("{place}: {}", around_marks(is)));
    }
}

/// Whether `was` is `is` with something else in the place of each redaction.
fn fits(is: &str, was: &str) -> bool {
    let mut pieces = is.split(MARK);
    let Some(mut rest) = was.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    for piece in pieces {
        let piece = piece.split_once(']').map_or(piece, |it| it.1);
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// The redactions of a text with a little of what stands around them, and how often they occur.
fn around_marks(is: &str) -> String {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (at, _) in is.match_indices(MARK) {
        let before: String = is[..at].chars().rev().take(40).collect();
        let before: String = before.chars().rev().collect();
        let end = is[at..].find(']').map_or(is.len(), |it| at + it + 1);
        let after: String = is[end..].chars().take(20).collect();
        *seen
            .entry(format!("{before}{}{after}", &is[at..end]).escape_debug().to_string())
            .or_default() += 1;
    }
    seen.into_iter()
        .map(|(text, count)| format!("{count} × {text}"))
        .collect::<Vec<_>>()
        .join(" | ")
}

/// The values on the lines of a file, and what is none.
fn parts_of(path: &Path) -> Vec<Part> {
    let bytes = fs::read(path).expect("the transcript is readable");
    let mut parts = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let mut values = serde_json::Deserializer::from_slice(line).into_iter::<Value>();
        let mut end = 0;
        while let Some(value) = values.next() {
            let Ok(value) = value else {
                let rest = String::from_utf8_lossy(&line[end..]);
                parts.push(Part::Raw(rest.trim().to_owned()));
                break;
            };
            parts.push(Part::Value(value));
            end = values.byte_offset();
        }
    }
    parts
}

fn capture_home(sandbox: &Sandbox, home: &Path) {
    let home = home.to_str().expect("a path in UTF-8");
    let captured = sandbox.json(["capture", "--home", home]);
    let count = transcripts(Path::new(home)).len();
    let is = captured["captured"].as_array().expect("a list").len();
    assert_eq!(is, count, "every file is a session: {captured}");
    let again = sandbox.json(["capture", "--home", home]);
    assert_eq!(again["revision"], Value::Null, "a second capture finds nothing new");
}

/// Restores every session into an empty home; all the files there.
fn restore_all(sandbox: &Sandbox) -> Vec<PathBuf> {
    for (id, is_subagent) in sessions(sandbox).values() {
        if !is_subagent {
            sandbox.run(["restore", id, "--home", "out"]).ok();
        }
    }
    transcripts(&sandbox.home().join("out"))
}

/// The sessions by the agent's ids; whether each is a sub-agent's.
fn sessions(sandbox: &Sandbox) -> BTreeMap<String, (String, bool)> {
    let list = sandbox.json(["list", "--all", "-n", "100000"]);
    let sessions = list["sessions"].as_array().expect("a list");
    let entry = |it: &Value| {
        let native = it["agent"]["session"].as_str().expect("captured ones have the agent's id");
        let id = it["id"].as_str().expect("an id").to_owned();
        (native.to_owned(), (id, it.get("parent").is_some()))
    };
    sessions.iter().map(entry).collect()
}

fn session_of<'a>(sessions: &'a BTreeMap<String, (String, bool)>, path: &Path) -> &'a str {
    let stem = path.file_stem().and_then(|it| it.to_str()).expect("a name in UTF-8");
    let own = stem.strip_prefix("agent-").unwrap_or(stem);
    let is_its = |native: &&String| native.as_str() == own || native.ends_with(&format!("/{own}"));
    let native = sessions.keys().find(is_its);
    let native = native.unwrap_or_else(|| panic!("{} is listed", path.display()));
    &sessions[native].0
}

/// The homes with real transcripts in them.
fn homes() -> Option<Vec<PathBuf>> {
    let Some(folder) = corpus() else {
        skip();
        return None;
    };
    let samples = folder.parent().map(|it| it.join("samples/claude/home"));
    Some([folder.join("home")].into_iter().chain(samples.filter(|it| it.is_dir())).collect())
}

fn transcripts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in files_in(folder) {
        if path.is_dir() {
            found.extend(transcripts(&path));
        } else if path.extension().is_some_and(|it| it == "jsonl") {
            found.push(path);
        }
    }
    found
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is readable");
    let mut paths: Vec<PathBuf> = entries.map(|it| it.expect("an entry").path()).collect();
    paths.sort();
    paths
}

impl Tally {
    fn tell(&self, what: &Path) {
        let Self { files, lines, strings, redacted } = self;
        let name = what.display();
        let count = redacted.len();
        say(&format!(
            "{name}: {files} files, {lines} records, {strings} strings, {count} redacted"
        ));
        redacted.iter().for_each(|it| say(it));
    }
}

fn skip() {
    say("skipped: ANNALS_CORPUS names no real transcripts");
}
