//! Migrating a store of schema 3: the corpus as an earlier program would have kept it, and many small
//! sessions.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use annals::repository::Filter;
use annals::repository::Page;
use annals::repository::SortKey;
use annals::repository::record_to_value;
use annals::repository::render_yaml;
use anyhow::Context;
use anyhow::Result;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::homes;
use crate::homes::Corpus;
use crate::homes::Shelf;
use crate::meter;
use crate::meter::Report;
use crate::meter::Target;

const MB: f64 = 1e6;
/// How many small sessions a store has.
const SMALL: u128 = 10_000;

/// From 3 to 4.
pub(crate) fn migrate(corpus: &Corpus, report: &mut Report) -> Result<()> {
    let sessions = of_corpus(corpus)?;
    let bytes: usize = sessions.iter().map(|(_, text)| text.len()).sum();
    let count = sessions.len();
    report.heading(&format!("migrate: {count} sessions, {:.1} MB in schema 3", bytes as f64 / MB));
    measure(&sessions, report)?;
    let small: Vec<_> = (0..SMALL).map(small_session).collect();
    report.heading(&format!("migrate: {SMALL} sessions of 4 messages"));
    measure(&small, report)
}

fn measure(sessions: &[(String, String)], report: &mut Report) -> Result<()> {
    let shelf = Shelf::new()?;
    commit(&shelf.store(), sessions)?;
    let count = sessions.len() as f64;
    let mut peak = 0.0;
    let listed = meter::average(1, || shelf.annals(&["list"]))?;
    report.row("the first list, without a migration", Target::None, listed, "ms CPU");
    let ms = meter::spent_by_children(|| {
        peak = meter::peak_of(&mut shelf.annals(&["migrate"]))?;
        Ok(())
    })?;
    let bytes: usize = sessions.iter().map(|(_, text)| text.len()).sum();
    report.row("migrate", Target::None, ms, "ms CPU");
    report.row("  a second of it", Target::None, bytes as f64 / MB / (ms / 1000.0), "MB");
    report.row("  a session", Target::None, ms / count, "ms CPU");
    report.row("  peak memory", Target::AtMost(200.0), peak, "MB");
    let undo = meter::average(1, || shelf.annals(&["migrate", "--undo"]))?;
    report.row("migrate --undo", Target::None, undo, "ms CPU");
    let again = meter::average(1, || shelf.annals(&["migrate"]))?;
    report.row("migrate, after that", Target::None, again, "ms CPU");
    Ok(())
}

/// The sessions of the corpus as schema 3 had them: id and text.
fn of_corpus(corpus: &Corpus) -> Result<Vec<(String, String)>> {
    let shelf = Shelf::new()?;
    meter::run(&mut shelf.annals(&["capture", "--home", &corpus.home().to_string_lossy()]))?;
    let mut store = shelf.open()?;
    let filter = Filter { with_subagents: true, ..Filter::default() };
    let page = Page { offset: 0, limit: u64::MAX };
    let listing = store.list(&filter, SortKey::Created, false, page)?;
    let mut sessions = Vec::new();
    for summary in listing.sessions {
        let id = summary.head.id.to_string();
        let at = store.resolve(&id, None)?;
        let records = store.load(&at)?.records;
        let messages: Vec<Value> =
            records.iter().map(record_to_value).filter_map(message).collect();
        let root = summary.head.workspace.root.unwrap_or_default();
        let session = json!({
            "schema": 3, "id": id, "title": summary.head.title,
            "workspace": {"root": root}, "messages": messages,
        });
        sessions.push((id, render_yaml(&session)));
    }
    Ok(sessions)
}

/// A message of the present form as schema 3 had it; what the agent added stays beside it.
fn message(record: Value) -> Option<Value> {
    let Value::Object(mut fields) = record else { return None };
    let role = fields.shift_remove("message")?;
    let content = match fields.shift_remove("content") {
        Some(Value::String(text)) => json!([{ "text": text }]),
        content => content.unwrap_or_else(|| json!([])),
    };
    let mut message = Map::from_iter([("role".to_owned(), role), ("content".to_owned(), content)]);
    let known = ["id", "at", "model", "usage", "native"];
    message.extend(fields.into_iter().filter(|(name, _)| known.contains(&name.as_str())));
    Some(Value::Object(message))
}

fn small_session(number: u128) -> (String, String) {
    let id = format!("00000000-0000-7000-8000-{number:012x}");
    let mut text = format!("schema: 3\nid: {id}\ntitle: Session {number}\nmessages:\n");
    for turn in 0..4 {
        let role = ["user", "assistant"][turn % 2];
        text += &format!(
            "- id: m{turn}\n  role: {role}\n  at: 2026-01-01T00:00:0{turn}Z\n  content:\n  \
             - text: Why does the parser drop the last line of {number}?\n"
        );
    }
    (id, text)
}

/// A store as an earlier program left it.
fn commit(store: &Path, sessions: &[(String, String)]) -> Result<()> {
    fs::create_dir_all(store)?;
    meter::run(homes::plain_git(store).args(["init", "-q", "--bare", "-b", "main"]))?;
    let mut import = homes::plain_git(store);
    import.args(["fast-import", "--quiet"]).stdin(Stdio::piped());
    let mut child = import.spawn()?;
    let mut to = child.stdin.take().context("its input is a pipe")?;
    writeln!(to, "commit refs/heads/main\ncommitter x <x@localhost> 1770000000 +0000")?;
    writeln!(to, "data 5\nolder")?;
    let marker = "store: 6a0b9d3e-1c52-4c0e-8a51-0d6f0c1b2a33\nschema: 3\n".to_owned();
    let files = sessions.iter().map(|(id, text)| (format!("sessions/{id}.yaml"), text));
    for (name, text) in files.chain([("annals.yaml".to_owned(), &marker)]) {
        writeln!(to, "M 100644 inline {name}\ndata {}\n{text}", text.len())?;
    }
    drop(to);
    anyhow::ensure!(child.wait()?.success(), "git fast-import failed");
    Ok(())
}
