//! What agents write: their transcripts and their settings.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;

use annals::adapters;
use annals::adapters::Adapter;
use annals::adapters::Item;
use annals::adapters::Position;
use annals::adapters::ReadOutcome;
use annals::repository::transcripts_told;
use annals::session::Head;
use annals::session::HeadFold;
use annals::session::Record;
use annals::session::SessionId;
use annals::session::Unreadable;
use serde_json::Value;

use crate::doors::files::chunks_come_back;
use crate::doors::in_scratch;
use crate::doors::text_of;

/// Below the agent's folder.
const TRANSCRIPT: &str = "projects/-work/00000001-1111-4222-8333-444444444444.jsonl";

/// The length of what the agent has written when it is first read is in the first two bytes, the
/// transcript behind them.
pub(crate) fn transcript(bytes: &[u8]) {
    let Some((cut, text)) = bytes.split_first_chunk::<2>() else { return };
    let cut = usize::from(u16::from_le_bytes(*cut)) % (text.len() + 1);
    let agent = adapters::find("claude-code").expect("it is known");
    in_scratch(|folder| {
        let path = folder.join(TRANSCRIPT);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder is made");
        fs::write(&path, text).expect("the transcript is written");
        drop(agent.source(&path, None));
        let whole = read(agent, &path, &Position::default()).0;
        let records: Vec<Record> = whole.iter().map(|item| item.record.clone()).collect();
        chunks_come_back(&records);
        restored_is_what_was_written(agent, text, &records);
        fs::write(&path, &text[..cut]).expect("the transcript is written");
        let (mut portions, position) = read(agent, &path, &Position::default());
        portions.retain(|item| !is_tail(&item.record));
        fs::write(&path, text).expect("the transcript is written");
        portions.extend(read(agent, &path, &position).0);
        let portions: Vec<Record> = portions.into_iter().map(|item| item.record).collect();
        assert_eq!(portions, records, "read as it grew it says the same");
    });
}

fn read(agent: &dyn Adapter, path: &Path, from: &Position) -> (Vec<Item>, Position) {
    let mut items = Vec::new();
    let mut take = |item| {
        items.push(item);
        ControlFlow::Continue(())
    };
    match agent.read(path, from, &mut take).expect("the file can be read") {
        ReadOutcome::Finished(position) => (items, position),
        ReadOutcome::Rewritten => panic!("what was read still stands there"),
    }
}

fn is_tail(record: &Record) -> bool {
    matches!(record, Record::Unreadable(Unreadable { is_tail: true, .. }))
}

/// Every line that is JSON comes out as an equal value, in its order; what comes out is read as the
/// same records.
fn restored_is_what_was_written(agent: &dyn Adapter, text: &[u8], records: &[Record]) {
    let fold = HeadFold::of_stream(SessionId::captured("claude-code", "x"), records);
    let mut head: Head = fold.head().clone();
    "claude-code".clone_into(&mut head.agent.name);
    let all: Vec<&Record> = records.iter().collect();
    let files = agent.restore(Path::new("/home/.claude"), Path::new("/work"), (&head, &all), &[]);
    let mut restored = values(&files[0].bytes);
    for value in values(text) {
        assert!(restored.any(|it| it == value), "it is there, in its order: {value}");
    }
}

fn values(text: &[u8]) -> impl Iterator<Item = Value> + '_ {
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

/// The agent's settings, which hooks are put into and taken out of.
pub(crate) fn settings(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let Some(with) = edited(text, Some("'/opt/annals'")) else { return };
    assert_eq!(edited(&with, Some("'/opt/annals'")).as_ref(), Some(&with), "a second time");
    let without = edited(&with, None).expect("what annals wrote it can read");
    let (Ok(mut before), Ok(mut after)) = (value_of(text), value_of(&without)) else { return };
    for value in [&mut before, &mut after] {
        value.as_object_mut().expect("only an object is edited").shift_remove("hooks");
    }
    assert_eq!(after, before, "nothing else is touched");
    value_of(&with).expect("JSON stays JSON");
}

/// What the agent tells its hook. `FOLDER` in it stands for a folder that has a transcript, and one of
/// a sub-agent.
pub(crate) fn hook_word(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    in_scratch(|folder| {
        let subagents = folder.join("told/it/subagents");
        fs::create_dir_all(&subagents).expect("a folder is made");
        for path in [folder.join("told/it.jsonl"), subagents.join("agent-a.jsonl")] {
            fs::write(path, "{}\n").expect("it is written");
        }
        let word = text.replace("FOLDER", &folder.join("told").to_string_lossy());
        let told = transcripts_told("claude-code", &word);
        assert!(told.iter().all(|path| path.is_file()), "they are there: {told:?}");
        let named = value_of(&word).ok();
        let named = named.as_ref().and_then(|it| it["transcript_path"].as_str());
        assert_eq!(
            told.first().and_then(|it| it.to_str()),
            named.filter(|it| Path::new(it).is_file())
        );
        let theirs = named.map(|it| Path::new(it).with_extension("").join("subagents"));
        let is_theirs = |path: &PathBuf| path.parent() == theirs.as_deref();
        assert!(told.iter().skip(1).all(is_theirs), "of its sub-agents: {told:?}");
    });
}

fn value_of(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text)
}

/// The settings after the hooks were put in, or taken out; none: they cannot be edited.
fn edited(text: &str, program: Option<&str>) -> Option<String> {
    let agent = adapters::find("claude-code").expect("it is known");
    let read = |path: &Path| (path == Path::new("settings.json")).then(|| text.to_owned());
    let edits = agent.plan_hooks(&read, program).ok()?;
    let edit = edits.into_iter().find(|edit| edit.path == Path::new("settings.json"));
    Some(edit.and_then(|edit| edit.text).unwrap_or_else(|| text.to_owned()))
}
