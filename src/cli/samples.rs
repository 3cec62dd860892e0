//! Hand-made values that the tests of this module show.

use chrono::DateTime;
use chrono::Utc;
use serde_json::Value;

use crate::repository::SessionAt;
use crate::repository::Summary;
use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Counts;
use crate::session::Envelope;
use crate::session::Head;
use crate::session::Message;
use crate::session::ModelName;
use crate::session::Native;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::Timestamp;
use crate::session::Tokens;

pub(crate) fn now() -> DateTime<Utc> {
    crate::cli::brief::instant("2026-02-03T08:12:00Z").expect("a time")
}

pub(crate) fn id() -> SessionId {
    "01890000-0000-7000-8000-00005e550011".parse().expect("an id")
}

pub(crate) fn revision(digit: char) -> RevisionId {
    RevisionId::parse(&String::from(digit).repeat(40)).expect("40 digits")
}

pub(crate) fn at(digit: char) -> SessionAt {
    SessionAt { id: id(), revision: revision(digit), is_past: true }
}

pub(crate) fn head() -> Head {
    let mut head = Head::empty(id());
    head.title = Some("Fix the login redirect".to_owned());
    head.agent.name = "claude-code".to_owned();
    head.agent.version = Some("2.1.197".to_owned());
    head.agent.session = Some("abc".to_owned());
    head.models = vec![ModelName("claude-opus-4-5-20251101".to_owned())];
    head.created = Some("2026-02-03T03:49:51.120Z".to_owned());
    head.modified = Some("2026-02-03T05:12:00Z".to_owned());
    head.workspace.root = Some("/home/dev/shop".to_owned());
    head.workspace.branch = Some("main".to_owned());
    head.counts = Counts {
        records: 50,
        messages: 42,
        turns: 6,
        tool_calls: 18,
        unreadable: 0,
        bytes: 90_000,
    };
    head.tokens =
        Tokens { input: 300, output: 4_000, cache_read: 8_000, cache_write: 0, total: 12_300 };
    head.tags = vec!["auth".to_owned(), "bug".to_owned()];
    head.origin = Some("captured".to_owned());
    head.redactions.insert("github-token".to_owned(), 2);
    head
}

pub(crate) fn summary() -> Summary {
    Summary { head: head(), author: None, subagents: 2, damaged: None }
}

pub(crate) fn message(role: &str, minute: u32, blocks: Vec<BlockKind>) -> Message {
    let at = Timestamp::parse(&format!("2026-02-03T03:{minute:02}:00Z"));
    let block = |kind| Block { kind, native: Native::new() };
    Message {
        envelope: Envelope { at, ..Envelope::default() },
        role: role.to_owned(),
        injected: None,
        model: None,
        answer: None,
        content: Content::Blocks(blocks.into_iter().map(block).collect()),
        usage: None,
        native: Native::new(),
    }
}

pub(crate) fn text(text: &str) -> BlockKind {
    BlockKind::Text { text: text.to_owned() }
}

pub(crate) fn call(name: &str, id: &str, input: Value) -> BlockKind {
    BlockKind::ToolCall { name: name.to_owned(), id: Some(id.to_owned()), input: Some(input) }
}

pub(crate) fn result(id: &str, output: &str, error: Option<bool>) -> BlockKind {
    BlockKind::ToolResult {
        id: id.to_owned(),
        output: Some(Content::Text(output.to_owned())),
        error,
    }
}

pub(crate) fn user(said: &str) -> Record {
    Record::Message(message("user", 0, vec![text(said)]))
}
