//! The shapes are promises: each is compared whole.

use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::cli::exit::ExitCode;
use crate::cli::samples;
use crate::repository::CaptureOutcome;
use crate::repository::CapturedSession;
use crate::repository::Check;
use crate::repository::Found;
use crate::repository::FoundSession;
use crate::repository::GcOutcome;
use crate::repository::Hit;
use crate::repository::PlaceSource;
use crate::repository::RestoreOutcome;
use crate::repository::ResumeCommand;
use crate::repository::RevisionEntry;
use crate::repository::Skipped;
use crate::repository::Snippet;
use crate::repository::Verdict;
use crate::session::Part;

fn value(view: &impl Serialize) -> Value {
    serde_json::to_value(view).expect("a view is JSON")
}

fn session() -> Value {
    json!({
        "short": "5e550011",
        "schema": 4,
        "id": "01890000-0000-7000-8000-00005e550011",
        "title": "Fix the login redirect",
        "agent": {"name": "claude-code", "version": "2.1.197", "session": "abc"},
        "models": ["claude-opus-4-5-20251101"],
        "created": "2026-02-03T03:49:51.120Z",
        "modified": "2026-02-03T05:12:00Z",
        "workspace": {"root": "/home/dev/shop", "branch": "main"},
        "counts": {"records": 50, "messages": 42, "turns": 6, "tool_calls": 18, "bytes": 90_000},
        "tokens": {
            "input": 300, "output": 4_000, "cache_read": 8_000, "cache_write": 0, "total": 12_300,
        },
        "tags": ["auth", "bug"],
        "origin": "captured",
        "redactions": {"github-token": 2},
    })
}

#[test]
fn list() {
    let listing = Listing { total: 341, sessions: vec![samples::summary()] };
    let mut row = session();
    row["subagents"] = json!(2);
    let expected = json!({"kind": "annals.list/1", "total": 341, "sessions": [row]});
    assert_eq!(value(&ListView::of(&listing)), expected);
}

#[test]
fn search() {
    let hit = Hit {
        message: Some(7),
        field: None,
        part: Part::Talk,
        role: Some("assistant".to_owned()),
        at: Some("2026-02-03T03:49:51.120Z".to_owned()),
        score: 3.206_712,
        snippet: Snippet {
            text: "the redirect loses".to_owned(),
            highlights: vec![(4, 12)],
            is_cut_before: true,
            is_cut_after: false,
        },
    };
    let about = Hit {
        message: None,
        field: Some("title"),
        part: Part::About,
        role: None,
        at: None,
        ..hit.clone()
    };
    let sessions =
        vec![FoundSession { summary: samples::summary(), score: 4.0, hits: vec![hit, about] }];
    let found = Found { total: 12, sessions };
    let hit = |message: Value, field: Value, part: &str, role: Value, at: Value| {
        json!({
            "session": "01890000-0000-7000-8000-00005e550011",
            "short": "5e550011",
            "title": "Fix the login redirect",
            "message": message, "field": field, "part": part, "role": role, "at": at,
            "score": 3.207, "snippet": "the redirect loses", "highlights": [[4, 12]],
        })
    };
    let (none, at) = (Value::Null, json!("2026-02-03T03:49:51.120Z"));
    let hits = [
        hit(json!(7), none.clone(), "talk", json!("assistant"), at),
        hit(none.clone(), json!("title"), "about", none.clone(), none),
    ];
    let expected = json!({"kind": "annals.search/1", "total": 12, "hits": hits});
    assert_eq!(value(&SearchView::of(&found)), expected);
}

#[test]
fn show() {
    let (head, revision) = (samples::head(), samples::revision('a'));
    let view = ShowView::of((&head, None), &revision, vec![json!(1)], vec![json!(2)]);
    let expected = json!({
        "kind": "annals.show/1",
        "revision": "a".repeat(40),
        "session": session(),
        "messages": [1],
        "events": [2],
    });
    assert_eq!(value(&view), expected);
}

#[test]
fn log() {
    let log = [LogEntry {
        entry: RevisionEntry {
            revision: samples::revision('a'),
            at: samples::now(),
            operation: "save".to_owned(),
            counts: Some(samples::head().counts),
            is_deleted: false,
        },
        added: 3,
        removed: 1,
        damaged: None,
    }];
    let expected = json!({
        "kind": "annals.log/1",
        "session": "01890000-0000-7000-8000-00005e550011",
        "revisions": [{
            "revision": "a".repeat(40),
            "time": "2026-02-03T08:12:00Z",
            "operation": "save",
            "messages": 42,
            "added": 3,
            "removed": 1,
        }],
    });
    assert_eq!(value(&LogView::of(&samples::at('a'), &log)), expected);
}

#[test]
fn diff() {
    let record = || Box::new(samples::user("hello"));
    let difference = Difference {
        left: samples::head(),
        right: samples::head(),
        fields: vec![FieldChange { name: "tags", left: json!([]), right: json!(["auth"]) }],
        changes: vec![
            RecordChange::Equal(3),
            RecordChange::Added(record()),
            RecordChange::Removed(record()),
            RecordChange::Equal(4),
            RecordChange::Changed(record(), record()),
        ],
    };
    let side = |digit: &str| {
        json!({
            "id": "01890000-0000-7000-8000-00005e550011",
            "short": "5e550011",
            "title": "Fix the login redirect",
            "revision": digit.repeat(40),
        })
    };
    let (left, right) = (samples::at('a'), samples::at('b'));
    let view = DiffView::with(&difference, Some(&left), &right, |_| json!("record"));
    let expected = json!({
        "kind": "annals.diff/1",
        "left": side("a"),
        "right": side("b"),
        "fields": {"tags": {"left": [], "right": ["auth"]}},
        "equal": 7,
        "changes": [
            {"change": "added", "message": "record"},
            {"change": "removed", "message": "record"},
            {"change": "changed", "left": "record", "right": "record"},
        ],
    });
    assert_eq!(value(&view), expected);
}

#[test]
fn capture() {
    let session = || CapturedSession { head: samples::head(), added: 2, removed: 0 };
    let outcome = CaptureOutcome {
        captured: vec![session()],
        updated: Vec::new(),
        unchanged: 7,
        deleted: 1,
        skipped: vec![Skipped {
            path: "/home/dev/x.jsonl:3".to_owned(),
            reason: "not JSON".to_owned(),
        }],
        is_damaged: false,
        redactions: BTreeMap::from([("github-token".to_owned(), 2)]),
        notices: vec!["A notice.".to_owned()],
        revision: Some(samples::revision('c')),
    };
    let expected = json!({
        "kind": "annals.capture/1",
        "dry_run": false,
        "captured": [{
            "id": "01890000-0000-7000-8000-00005e550011",
            "short": "5e550011",
            "agent": "claude-code",
            "title": "Fix the login redirect",
            "messages": 42,
            "added": 2,
            "removed": 0,
        }],
        "updated": [],
        "unchanged": 7,
        "deleted": 1,
        "skipped": [{"path": "/home/dev/x.jsonl:3", "reason": "not JSON"}],
        "redactions": {"github-token": 2},
        "notices": ["A notice."],
        "revision": "c".repeat(40),
    });
    assert_eq!(value(&CaptureView::of(&outcome, false)), expected);
}

#[test]
fn restore() {
    let outcome = RestoreOutcome {
        head: samples::head(),
        files: vec![PathBuf::from("/home/dev/.claude/projects/x/abc.jsonl")],
        command: ResumeCommand {
            program: "claude".to_owned(),
            arguments: vec!["--resume".to_owned(), "abc".to_owned()],
            folder: PathBuf::from("/home/dev/shop"),
        },
        workspace_exists: true,
        place: PlaceSource::Repository,
        redacted: 2,
        missing_files: Vec::new(),
        notices: vec!["A notice.".to_owned()],
    };
    let expected = json!({
        "kind": "annals.restore/1",
        "session": "01890000-0000-7000-8000-00005e550011",
        "files": ["/home/dev/.claude/projects/x/abc.jsonl"],
        "command": ["claude", "--resume", "abc"],
        "workspace": "/home/dev/shop",
        "workspace_exists": true,
        "workspace_source": "repository",
        "redacted": 2,
        "missing_files": [],
        "notices": ["A notice."],
    });
    assert_eq!(value(&RestoreView::of("annals.restore/1", &outcome)), expected);
}

#[test]
fn edits_and_deletions() {
    let head = samples::head();
    let expected = json!({"kind": "annals.tag/1", "session": session(), "revision": null});
    assert_eq!(value(&EditView::of("annals.tag/1", &head, None)), expected);
    let outcome =
        DeleteOutcome { deleted: vec![samples::head()], revision: Some(samples::revision('d')) };
    let expected = json!({
        "kind": "annals.delete/1",
        "deleted": [session()],
        "revision": "d".repeat(40),
    });
    assert_eq!(value(&DeleteView::of(&outcome)), expected);
}

#[test]
fn upkeep() {
    let folder = FolderView::of("annals.init/1", Path::new("/data/store.git"));
    let expected = json!({"kind": "annals.init/1", "folder": "/data/store.git"});
    assert_eq!(value(&folder), expected);
    let gc = GcView::of(GcOutcome { before: 10, after: 4, is_whole: true });
    assert_eq!(value(&gc), json!({"kind": "annals.gc/1", "before": 10, "after": 4, "whole": true}));
    let checks = [Check {
        name: "objects",
        found: "All 12 are whole.".to_owned(),
        verdict: Verdict::Warning,
    }];
    let expected = json!({
        "kind": "annals.doctor/1",
        "verdict": "warning",
        "checks": [{"name": "objects", "verdict": "warning", "found": "All 12 are whole."}],
    });
    assert_eq!(value(&DoctorView::of(&checks, None)), expected);
}

#[test]
fn failures() {
    let report = Report {
        kind: "not_found",
        heading: "not found",
        message: "No session.".to_owned(),
        hint: Some("Look.".into()),
        code: ExitCode::Failed,
    };
    let expected =
        json!({"error": {"kind": "not_found", "message": "No session.", "hint": "Look."}});
    assert_eq!(value(&ErrorView::of(&report)), expected);
}

#[test]
fn the_page_that_documents_the_shapes_holds_json() {
    let page = include_str!("../../../docs/json.md");
    let mut examples = 0;
    for block in page.split("```json\n").skip(1) {
        let text = block.split("```").next().unwrap_or_default();
        let example: Value = serde_json::from_str(text).expect(text);
        assert!(example.is_object());
        examples += 1;
    }
    assert!(examples >= 12, "each shape has an example: {examples}");
    // The example of a session has every key that a head can have.
    let mut head = samples::head();
    head.preview = Some(String::new());
    head.workspace.repository = Some(String::new());
    head.counts.unreadable = 1;
    head.context_files = vec![String::new()];
    head.notes = Some(String::new());
    head.pinned = true;
    head.parent = Some(crate::session::ParentSession {
        session: String::new(),
        tool_call: Some(String::new()),
    });
    let Value::Object(keys) = value(&SessionView::of(&head)) else {
        unreachable!("a session is an object")
    };
    for key in keys.keys() {
        assert!(page.contains(&format!("\"{key}\":")), "{key} is not documented");
    }
}
