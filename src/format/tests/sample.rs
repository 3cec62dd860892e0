//! Files with every field filled in, for the schemas.

use std::collections::BTreeMap;

use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::session::Action;
use crate::session::Agent;
use crate::session::AnnalsEvent;
use crate::session::Counts;
use crate::session::ModelName;
use crate::session::ParentSession;
use crate::session::Tokens;
use crate::session::Workspace;

pub(crate) fn head() -> Head {
    let some = |text: &str| Some(text.to_owned());
    Head {
        title: some("Fix the login"),
        preview: some("Please fix"),
        agent: Agent {
            name: "claude-code".to_owned(),
            version: some("2.0"),
            session: some("7c0e"),
        },
        models: vec![ModelName("claude-opus-4-5".to_owned())],
        created: some("2026-02-03T03:49:51.120Z"),
        modified: some("2026-02-03T03:50:51.120Z"),
        workspace: Workspace {
            root: some("/work"),
            repository: some("github.com/a/b"),
            branch: some("main"),
        },
        counts: Counts { unreadable: 1, ..Counts::default() },
        tokens: Tokens { input: 1, total: 1, ..Tokens::default() },
        context_files: vec!["src/a.rs".to_owned()],
        tags: vec!["login".to_owned()],
        notes: some("a\nb\n"),
        pinned: true,
        parent: Some(ParentSession { session: "x".to_owned(), tool_call: some("y") }),
        origin: some("captured"),
        redactions: BTreeMap::from([("key".to_owned(), 1)]),
        ..Head::empty(SessionId::captured("claude-code", "7c0e"))
    }
}

/// Chunks of arbitrary records, the same in every run.
pub(crate) fn chunks() -> Vec<Chunk> {
    let mut runner = TestRunner::deterministic();
    let mut records = vec![say("user", &"long ".repeat(60_000)), say("user", "short")];
    for _ in 0..200 {
        let tree = arbitrary::record().new_tree(&mut runner).expect("a record");
        let record = tree.current();
        // A later action may have a field of ours with another type; the schema knows ours.
        let is_later = |event: &AnnalsEvent| matches!(event.action, Action::Other { .. });
        if !matches!(&record, Record::Annals(event) if is_later(event)) {
            records.push(record.clone());
            records.push(record);
        }
    }
    super::chunks(&records)
}

pub(crate) fn marker() -> Marker {
    let revision = |digit: &str| RevisionId::parse(&digit.repeat(40)).expect("40 digits");
    let scrubs = vec![ScrubRecord { from: revision("a"), to: revision("b") }];
    Marker { store: Uuid::from_u128(7), schema: 4, scrubs, native: Map::new() }
}

pub(crate) fn tombstone() -> Tombstone {
    Tombstone {
        id: head().id,
        agent: "claude-code".to_owned(),
        session: Some("7c0e".to_owned()),
        at: "2026-02-03T03:49:51.120Z".to_owned(),
        keys: vec![RecordKey("0123456789abcdef#2".to_owned())],
    }
}
