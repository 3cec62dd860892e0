//! A conversation as people read it: a header, then who said what, with tools folded to a line.
//!
//! Pure: records in, text out. Every text of the session passes `plain`. What is folded or left
//! out here is whole in `--raw` and `--json`.

mod body;
mod header;
mod tree;

use std::collections::HashMap;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::Path;

use chrono::DateTime;
use chrono::NaiveDateTime;
use chrono::Utc;

use crate::cli::brief::bytes;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::session::BlockKind;
use crate::session::Event;
use crate::session::Injected;
use crate::session::Message;
use crate::session::Raw;
use crate::session::Record;
use crate::session::Timestamp;

pub(crate) use body::ToolResult;
pub(crate) use body::message_text;
pub(crate) use body::wrap;
#[cfg(feature = "tui")]
pub(crate) use header::facts;
pub(crate) use header::header;
pub(crate) use tree::BranchSummary;
pub(crate) use tree::branches;
pub(crate) use tree::tree;

/// How a conversation is set: colours, width, and what is near.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    /// The colours.
    pub(crate) paint: Paint,
    /// The columns of running text.
    pub(crate) width: usize,
    /// The folder that is written as `~`.
    pub(crate) home: &'a Path,
    /// The clock on the wall.
    pub(crate) local: fn(DateTime<Utc>) -> NaiveDateTime,
}

/// How much of a conversation is shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Detail {
    /// Inputs and outputs of tools, and injected messages, in full.
    pub(crate) tools: bool,
    /// Thinking in full.
    pub(crate) thinking: bool,
    /// Only these messages, counted from 1.
    pub(crate) messages: Option<RangeInclusive<u64>>,
}

impl Detail {
    fn holds(&self, number: u64) -> bool {
        let range = self.messages.as_ref();
        range.is_none_or(|range| range.contains(&number))
    }
}

/// Who speaks in a piece of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Speaker {
    Person,
    Model,
    Other(String),
    /// Nobody: something between the messages.
    Aside,
}

/// A piece of the conversation: a message, or a line between messages.
struct Piece {
    speaker: Speaker,
    number: u64,
    at: Option<DateTime<Utc>>,
    body: String,
    /// It is a line or two that stand close to their like.
    is_folded: bool,
}

/// The conversation of these records, which stand in the order of the view.
pub(crate) fn conversation(records: &[&Record], detail: &Detail, look: Look<'_>) -> String {
    let results = results(records);
    let numbered = numbered(records);
    let shown_calls: HashSet<&str> = numbered
        .iter()
        .filter(|(number, _)| detail.holds(*number))
        .filter_map(|(_, record)| record.as_message())
        .flat_map(call_ids)
        .collect();
    let body = body::Body { detail, look, results: &results, shown_calls: &shown_calls };
    let mut pieces = Vec::new();
    for (number, record) in numbered {
        // What stands between two messages belongs to the one before it.
        if detail.holds(number.max(1)) {
            pieces.extend(piece(number, record, &body));
        }
    }
    set(&pieces, look)
}

/// How many messages these records hold.
pub(crate) fn count(records: &[&Record]) -> u64 {
    let messages = records.iter().filter(|record| record.as_message().is_some());
    messages.count() as u64
}

/// Each record with the number of the last message up to and with it.
fn numbered<'a>(records: &[&'a Record]) -> Vec<(u64, &'a Record)> {
    let mut number = 0;
    let number_of = |record: &&'a Record| {
        number += u64::from(record.as_message().is_some());
        (number, *record)
    };
    records.iter().map(number_of).collect()
}

fn call_ids(message: &Message) -> impl Iterator<Item = &str> {
    message.content.blocks().iter().filter_map(|block| match &block.kind {
        BlockKind::ToolCall { id, .. } => id.as_deref(),
        _ => None,
    })
}

fn results<'a>(records: &[&'a Record]) -> HashMap<&'a str, ToolResult<'a>> {
    let mut results = HashMap::new();
    let messages = records.iter().filter_map(|record| record.as_message());
    for block in messages.flat_map(|message| message.content.blocks()) {
        if let BlockKind::ToolResult { id, output, error } = &block.kind {
            let result = ToolResult { output: output.as_ref(), is_error: *error == Some(true) };
            results.entry(id.as_str()).or_insert(result);
        }
    }
    results
}

fn piece(number: u64, record: &Record, body: &body::Body<'_>) -> Option<Piece> {
    let aside = |text: String| Piece {
        speaker: Speaker::Aside,
        number,
        at: None,
        body: body.look.paint.faint(&text) + "\n",
        is_folded: true,
    };
    match record {
        Record::Message(message) => {
            let text = body.message(message);
            let is_injected = message.injected.is_some();
            (!text.is_empty()).then(|| Piece {
                speaker: if is_injected { Speaker::Aside } else { speaker(message) },
                number,
                at: message.envelope.at.as_ref().map(Timestamp::instant),
                body: text,
                is_folded: is_injected || body.is_folded(message),
            })
        }
        Record::Event(event) if is_compaction(event) => {
            Some(aside("┄┄ the agent compacted what is above ┄┄".to_owned()))
        }
        Record::Unreadable(unreadable) => {
            let (size, start) = match &unreadable.raw {
                Raw::Text(text) => (text.len(), line(text.get(..40).unwrap_or(text))),
                Raw::Bytes(raw) => (raw.len(), "(bytes)".to_owned()),
            };
            let size = bytes(size as u64);
            Some(aside(format!("! a line that could not be read ({size}): {start}")))
        }
        Record::Event(_) | Record::Annals(_) => None,
    }
}

/// Whether the agent says here that what came before was summed up.
fn is_compaction(event: &Event) -> bool {
    let subtype = event.native.get("subtype").and_then(|it| it.as_str());
    event.name == "compacted" || subtype == Some("compact_boundary")
}

fn speaker(message: &Message) -> Speaker {
    match message.role.as_str() {
        "user" if message.is_typed() => Speaker::Person,
        "assistant" => Speaker::Model,
        "user" | "tool" => Speaker::Other("Tools".to_owned()),
        other => {
            let mut name = line(other);
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            Speaker::Other(name)
        }
    }
}

/// Sets the pieces one below the other; what one speaker says in a row has one heading.
fn set(pieces: &[Piece], look: Look<'_>) -> String {
    let mut text = String::new();
    let mut day = None;
    for section in pieces.chunk_by(|a, b| a.speaker == b.speaker) {
        if !text.is_empty() {
            text += "\n";
        }
        let (first, last) = (&section[0], &section[section.len() - 1]);
        if first.speaker != Speaker::Aside {
            text += &heading(first, last.number, &mut day, look);
        }
        for (place, piece) in section.iter().enumerate() {
            if place > 0 && !(piece.is_folded && section[place - 1].is_folded) {
                text += "\n";
            }
            text += &piece.body;
        }
    }
    text
}

fn heading(
    first: &Piece,
    last: u64,
    day: &mut Option<chrono::NaiveDate>,
    look: Look<'_>,
) -> String {
    let paint = look.paint;
    let name = match &first.speaker {
        Speaker::Person => paint.person("User"),
        Speaker::Model => paint.model("Assistant"),
        Speaker::Other(name) => paint.strong(name),
        Speaker::Aside => String::new(),
    };
    let numbers = match first.number {
        number if number == last => format!("{number}"),
        number => format!("{number}–{last}"),
    };
    let mut place = format!("  {numbers}");
    if let Some(at) = first.at.map(look.local) {
        let format = if *day == Some(at.date()) { "  %H:%M" } else { "  %Y-%m-%d %H:%M" };
        *day = Some(at.date());
        place += &at.format(format).to_string();
    }
    format!("{} {name}{}\n", paint.faint("──"), paint.faint(&place))
}

/// What an injected message is, in a word.
fn injected_name(injected: Injected) -> &'static str {
    match injected {
        Injected::Context => "context",
        Injected::Summary => "summary of what was compacted",
        Injected::Command => "command",
    }
}

#[cfg(test)]
mod tests;
