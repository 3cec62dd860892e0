//! A conversation as readers follow it: who spoke, and in which parts; each tool's result stands
//! with its call.

use std::collections::HashMap;
use std::collections::HashSet;

use chrono::DateTime;
use chrono::Utc;
use serde_json::Value;

use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Event;
use crate::session::Injected;
use crate::session::Message;
use crate::session::Raw;
use crate::session::Record;
use crate::session::Timestamp;

/// What one speaker says in a row.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Who it is.
    pub(super) speaker: Speaker<'a>,
    /// The number of the turn that it opens.
    pub(super) turn: Option<usize>,
    /// When it began.
    pub(super) at: Option<DateTime<Utc>>,
    /// What was said and done.
    pub(super) parts: Vec<Part<'a>>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker<'a> {
    /// The person.
    Person,
    /// The language model, by its name.
    Model(Option<&'a str>),
    /// The agent's program, of its own accord.
    Agent,
    /// Anybody else, by the role.
    Other(&'a str),
}

/// A part of what is said.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// Words.
    Text(&'a str),
    /// What the model thought.
    Thinking(&'a str),
    /// A tool was called, with its results.
    Call { name: &'a str, input: Option<&'a Value>, results: Vec<Outcome<'a>> },
    /// The result of a call that is not in view.
    Result(Outcome<'a>),
    /// Words that the agent put in.
    Injected(&'static str, &'a str),
    /// A picture: media type and base64.
    Image(&'a str, &'a str),
    /// A file: media type and base64.
    File(&'a str, &'a str),
    /// A block of an unknown kind.
    Other(Value),
    /// A line that could not be read.
    Unreadable(&'a Raw),
    /// A remark between the messages.
    Remark(&'static str),
}

/// What a tool answered.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    /// Its parts.
    pub(super) parts: Vec<Part<'a>>,
    /// Whether it failed.
    pub(super) is_error: bool,
}

impl Speaker<'_> {
    /// What a heading calls the speaker.
    pub(super) fn name(self) -> String {
        match self {
            Self::Person => "User".to_owned(),
            Self::Model(_) => "Assistant".to_owned(),
            Self::Agent => "Agent".to_owned(),
            Self::Other("user" | "tool") => "Tools".to_owned(),
            Self::Other(role) => {
                let mut name = crate::session::plain::line(role);
                if let Some(first) = name.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                name
            }
        }
    }
}

/// A time as the readable forms write it.
pub(super) fn shown_time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The script of these records, which stand in the order of the view.
pub(super) fn script<'a>(records: &[&'a Record]) -> Vec<Entry<'a>> {
    let mut calls = Calls::of(records);
    let mut entries: Vec<Entry<'a>> = Vec::new();
    let mut turns = 0;
    for &record in records {
        let Some(mut entry) = calls.entry(record) else {
            continue;
        };
        if entry.speaker == Speaker::Person {
            turns += 1;
            entry.turn = Some(turns);
        }
        match entries.last_mut() {
            Some(last) if entry.turn.is_none() && last.speaker == entry.speaker => {
                last.parts.append(&mut entry.parts);
            }
            _ => entries.push(entry),
        }
    }
    entries
}

/// The results of tools, until they are shown with their calls.
struct Calls<'a> {
    results: HashMap<&'a str, Vec<(Option<&'a Content>, bool)>>,
    /// Ids of calls in view whose results are not shown again.
    called: HashSet<&'a str>,
}

impl<'a> Calls<'a> {
    fn of(records: &[&'a Record]) -> Self {
        let mut calls = Self { results: HashMap::new(), called: HashSet::new() };
        let messages = records.iter().filter_map(|record| record.as_message());
        for block in messages.flat_map(|message| message.content.blocks()) {
            match &block.kind {
                BlockKind::ToolCall { id: Some(id), .. } => {
                    calls.called.insert(id);
                }
                BlockKind::ToolResult { id, output, error } => {
                    let result = (output.as_ref(), *error == Some(true));
                    calls.results.entry(id).or_default().push(result);
                }
                _ => {}
            }
        }
        calls
    }

    fn entry(&mut self, record: &'a Record) -> Option<Entry<'a>> {
        let entry = |speaker, at: Option<&Timestamp>, parts: Vec<Part<'a>>| {
            let at = at.map(Timestamp::instant);
            (!parts.is_empty()).then_some(Entry { speaker, turn: None, at, parts })
        };
        match record {
            Record::Message(message) => {
                let parts = self.parts(&message.content);
                let parts = match message.injected {
                    Some(injected) => parts.into_iter().map(|it| put_in(injected, it)).collect(),
                    None => parts,
                };
                entry(speaker(message), message.envelope.at.as_ref(), parts)
            }
            Record::Event(event) if is_compaction(event) => {
                let remark = Part::Remark("The agent compacted what stands above.");
                entry(Speaker::Agent, event.envelope.at.as_ref(), vec![remark])
            }
            Record::Unreadable(unreadable) => {
                entry(Speaker::Agent, None, vec![Part::Unreadable(&unreadable.raw)])
            }
            Record::Event(_) | Record::Annals(_) => None,
        }
    }

    fn parts(&mut self, content: &'a Content) -> Vec<Part<'a>> {
        match content {
            Content::Text(text) if text.trim().is_empty() => Vec::new(),
            Content::Text(text) => vec![Part::Text(text)],
            Content::Blocks(blocks) => blocks.iter().filter_map(|it| self.part(it)).collect(),
        }
    }

    fn part(&mut self, block: &'a Block) -> Option<Part<'a>> {
        match &block.kind {
            BlockKind::ToolCall { name, id, input } => {
                let results = id.as_deref().and_then(|id| self.results.remove(id));
                let results = results.unwrap_or_default().into_iter();
                let results = results.map(|(output, is_error)| self.outcome(output, is_error));
                Some(Part::Call { name, input: input.as_ref(), results: results.collect() })
            }
            BlockKind::ToolResult { id, .. } if self.called.contains(id.as_str()) => None,
            BlockKind::ToolResult { output, error, .. } => {
                Some(Part::Result(self.outcome(output.as_ref(), *error == Some(true))))
            }
            BlockKind::Text { text } | BlockKind::Thinking { text } if text.trim().is_empty() => {
                None
            }
            BlockKind::Text { text } => Some(Part::Text(text)),
            BlockKind::Thinking { text } => Some(Part::Thinking(text)),
            BlockKind::Image { media_type, data } => Some(Part::Image(media_type, data)),
            BlockKind::File { media_type, data } => Some(Part::File(media_type, data)),
            BlockKind::Other => Some(Part::Other(Value::Object(block.native.clone()))),
        }
    }

    fn outcome(&mut self, output: Option<&'a Content>, is_error: bool) -> Outcome<'a> {
        let parts = output.map(|output| self.parts(output)).unwrap_or_default();
        Outcome { parts, is_error }
    }
}

fn speaker(message: &Message) -> Speaker<'_> {
    match message.role.as_str() {
        _ if message.injected.is_some() => Speaker::Agent,
        "user" if message.is_typed() => Speaker::Person,
        "assistant" => Speaker::Model(message.model.as_deref()),
        role => Speaker::Other(role),
    }
}

/// A part of a message that nobody typed.
fn put_in(injected: Injected, part: Part<'_>) -> Part<'_> {
    let what = match injected {
        Injected::Context => "context",
        Injected::Summary => "summary of what was compacted",
        Injected::Command => "command",
    };
    match part {
        Part::Text(text) => Part::Injected(what, text),
        other => other,
    }
}

/// Whether the agent says here that what came before was summed up.
fn is_compaction(event: &Event) -> bool {
    let subtype = event.native.get("subtype").and_then(Value::as_str);
    event.name == "compacted" || subtype == Some("compact_boundary")
}
