use std::fs;
use std::fs::OpenOptions;
use std::io::Write;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::session::Raw;
use crate::session::Title;
use crate::session::TitledBy;
use crate::session::Unreadable;

/// A transcript in a folder of its own.
struct Transcript {
    path: PathBuf,
    _folder: TempDir,
}

impl Transcript {
    fn of(bytes: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("s.jsonl");
        let transcript = Self { path, _folder: folder };
        transcript.add(bytes);
        transcript
    }

    fn add(&self, bytes: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
        file.write_all(bytes.as_ref()).unwrap();
    }

    fn read_from(&self, from: &Position) -> (Vec<Item>, ReadOutcome) {
        let mut items = Vec::new();
        let outcome = ClaudeCode.read(&self.path, from, &mut |item| {
            items.push(item);
            ControlFlow::Continue(())
        });
        (items, outcome.expect("the file is read"))
    }

    fn read(&self) -> (Vec<Item>, Position) {
        match self.read_from(&Position::default()) {
            (items, ReadOutcome::Finished(position)) => (items, position),
            other => panic!("not finished: {other:?}"),
        }
    }
}

fn records(items: Vec<Item>) -> Vec<Record> {
    items.into_iter().map(|item| item.record).collect()
}

fn unreadable(raw: Raw, is_tail: bool) -> Record {
    Record::Unreadable(Unreadable { raw, is_tail, after: None })
}

fn line(id: &str) -> String {
    let line = json!({"type": "user", "uuid": id, "message": {"role": "user", "content": id}});
    format!("{line}\n")
}

#[test]
fn reading_goes_on_where_it_stopped() {
    let transcript = Transcript::of(line("a") + "\r\n\n" + &line("b"));
    let (first, position) = transcript.read();
    assert_eq!((first.len(), position.lines), (2, 4));
    transcript.add(line("c"));
    let (more, outcome) = transcript.read_from(&position);
    let (all, end) = transcript.read();
    assert_eq!(outcome, ReadOutcome::Finished(end));
    assert_eq!(records(more), records(all)[2..]);
}

#[test]
fn reading_can_stop_at_any_record() {
    let transcript = Transcript::of(line("a").trim_end().to_owned() + &line("b") + &line("c"));
    let (all, end) = transcript.read();
    let mut position = Position::default();
    let mut one_by_one = Vec::new();
    for _ in 0..all.len() {
        let outcome = ClaudeCode.read(&transcript.path, &position, &mut |item| {
            one_by_one.push(item);
            ControlFlow::Break(())
        });
        match outcome.unwrap() {
            ReadOutcome::Finished(next) => position = next,
            ReadOutcome::Rewritten => panic!("the file is the same"),
        }
    }
    assert_eq!(records(one_by_one), records(all));
    assert_eq!(position, end);
}

#[test]
fn a_file_that_was_rewritten_or_shortened_is_noticed() {
    let transcript = Transcript::of(line("a") + &line("b"));
    let (_, position) = transcript.read();
    for text in [line("a"), line("x") + &line("b"), String::new()] {
        fs::remove_file(&transcript.path).unwrap();
        transcript.add(text);
        let (items, outcome) = transcript.read_from(&position);
        assert_eq!((items.len(), outcome), (0, ReadOutcome::Rewritten));
    }
    fs::remove_file(&transcript.path).unwrap();
    let gone = ClaudeCode.read(&transcript.path, &position, &mut |_| ControlFlow::Continue(()));
    assert_eq!(gone.unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_torn_last_line_is_a_tail_until_it_is_whole() {
    let whole = line("b");
    let transcript = Transcript::of(line("a") + &whole[..20]);
    let (items, position) = transcript.read();
    let tail = unreadable(Raw::Text(whole[..20].to_owned()), true);
    assert_eq!(records(items)[1], tail);
    assert_eq!(position.offset, line("a").len() as u64);
    transcript.add(whole[20..].trim_end());
    let (more, outcome) = transcript.read_from(&position);
    assert!(matches!(&more[..], [Item { skipped: None, .. }]), "{more:?}");
    let ReadOutcome::Finished(position) = outcome else {
        panic!("the file only grew");
    };
    transcript.add("\n".to_owned() + &line("c"));
    assert_eq!(transcript.read_from(&position).0.len(), 1, "nothing is read twice");
}

#[test]
fn damage_is_kept_and_reported_and_the_rest_is_read() {
    let mut bytes = line("a").trim_end().as_bytes().to_vec();
    bytes.extend_from_slice(line("b").as_bytes());
    bytes.extend_from_slice(b"\0\0\0\nhalf\xff\n not json \r\n");
    bytes.extend_from_slice(line("c").as_bytes());
    let transcript = Transcript::of(bytes);
    let (items, _) = transcript.read();
    let places: Vec<String> =
        items.iter().filter_map(|item| Some(item.skipped.as_ref()?.path.clone())).collect();
    let place = |line: u64| format!("{}:{line}", transcript.path.display());
    assert_eq!(places, [place(2), place(3), place(4)]);
    let records = records(items);
    assert_eq!(records.len(), 6);
    assert_eq!(records[2], unreadable(Raw::Bytes(vec![0; 3]), false));
    assert_eq!(records[3], unreadable(Raw::Bytes(b"half\xff".to_vec()), false));
    assert_eq!(records[4], unreadable(Raw::Text("not json ".to_owned()), false));
}

#[test]
fn what_values_cannot_hold_keeps_its_line() {
    let text = r#"{"type":"mode","mode":"a\ud800","n":123456789012345678901234567890,"n":1}"#;
    let transcript = Transcript::of(text.to_owned() + "\n" + &line("a"));
    let records = records(transcript.read().0);
    let native_line = |at: usize| records[at].envelope().unwrap().native_line.as_deref();
    assert_eq!((native_line(0), native_line(1)), (Some(text), None));
    let Record::Event(event) = &records[0] else {
        panic!("no event");
    };
    assert_eq!(event.native, json!({"mode": "a\u{fffd}", "n": 1}));
}

#[test]
fn a_summary_is_the_title_only_of_the_session_that_holds_its_last_record() {
    let summary = |text: &str, leaf: &str| {
        json!({"type": "summary", "summary": text, "leafUuid": leaf}).to_string() + "\n"
    };
    let transcript =
        Transcript::of(summary("of another", "z") + &summary("too early", "a") + &line("a"));
    let (_, position) = transcript.read();
    transcript.add(summary("of this", "a"));
    let titles = |items: Vec<Item>| -> Vec<Option<Title>> {
        let events = records(items).into_iter().filter_map(|record| match record {
            Record::Event(event) => Some(event.title),
            _ => None,
        });
        events.collect()
    };
    let title = Some(Title { text: "of this".to_owned(), by: TitledBy::Agent });
    assert_eq!(titles(transcript.read().0), [None, None, title.clone()]);
    let (more, _) = transcript.read_from(&position);
    assert_eq!(titles(more), [title], "also when reading begins behind the record");
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let position = Position::default();
    let outcome = ClaudeCode.read(folder.path(), &position, &mut |_| ControlFlow::Continue(()));
    assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert!(ClaudeCode.source(folder.path(), None).is_err());
}

#[test]
fn its_own_variable_names_its_folder() {
    let home = Path::new("/home/ada");
    assert_eq!(ClaudeCode.folder(home, None), home.join(".claude"));
    assert_eq!(ClaudeCode.folder(home, Some(Path::new("/c"))), Path::new("/c"));
    assert_eq!(crate::adapters::find(NAME).map(Adapter::name), Some(NAME));
}

/// Every line of every transcript in a folder of real ones comes back equal.
#[test]
fn real_transcripts_come_back() {
    #[expect(clippy::disallowed_methods, reason = "names real transcripts, where there are any")]
    let Some(corpus) = std::env::var_os("ANNALS_CORPUS") else {
        return;
    };
    let mut folders = vec![PathBuf::from(corpus)];
    let mut lines = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "jsonl") {
                lines += assert_comes_back(&path);
            }
        }
    }
    assert!(lines > 0, "the folder holds transcripts");
}

fn assert_comes_back(path: &Path) -> usize {
    let mut lowered = Vec::new();
    let position = Position::default();
    let outcome = ClaudeCode.read(path, &position, &mut |item| {
        if let Item { record, skipped: None, .. } = &item {
            lowered.push(lower::lower(record).expect("a message or an event"));
        }
        ControlFlow::Continue(())
    });
    outcome.unwrap();
    let text = fs::read_to_string(path).unwrap();
    let values = text.lines().flat_map(|line| {
        serde_json::Deserializer::from_str(line).into_iter::<Value>().map_while(Result::ok)
    });
    let values: Vec<Value> = values.collect();
    assert!(values == lowered, "{} differs", path.display());
    values.len()
}
