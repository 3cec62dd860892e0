//! The fold that derives a session's head from its records.

use std::cmp::Reverse;
use std::collections::VecDeque;

use chrono::DateTime;
use chrono::Utc;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Event;
use crate::session::Head;
use crate::session::How;
use crate::session::Keys;
use crate::session::Message;
use crate::session::ModelName;
use crate::session::ParentSession;
use crate::session::Place;
use crate::session::Raw;
use crate::session::Record;
use crate::session::SessionId;
use crate::session::Timestamp;
use crate::session::Tokens;
use crate::session::Usage;
use crate::session::view;

/// How many of the latest answers are remembered, to count the usage of each once. The parts of
/// an answer stand close together: in 8,168 real ones no other answer came between.
const REMEMBERED_ANSWERS: usize = 8;

/// The longest preview, in characters.
const PREVIEW_CHARS: usize = 200;

/// How a redaction begins in a text; the rule's name and `]` follow.
pub const REDACTION_MARK: &str = "[redacted:";

/// Derives a head, one record after the other. Its state can be kept, so that a save need not
/// read the earlier records.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeadFold {
    head: Head,
    titled_by: u8,
    agent_title: Option<String>,
    is_renamed: bool,
    answers: VecDeque<(String, [u64; 4])>,
}

impl HeadFold {
    /// A fold that has seen no record.
    pub fn of(id: SessionId) -> Self {
        Self {
            head: Head::empty(id),
            titled_by: 0,
            agent_title: None,
            is_renamed: false,
            answers: VecDeque::new(),
        }
    }

    /// The fold over the view of a whole stream.
    pub fn of_stream(id: SessionId, records: &[Record]) -> Self {
        let mut fold = Self::of(id);
        for place in by_time(records, view::view(records, &Keys::of(records))) {
            fold.add(&records[place]);
        }
        // What left the view was there: the session's times do not go back with it.
        records.iter().filter_map(Record::at).for_each(|at| fold.add_time(at));
        fold
    }

    /// Takes in the next record of the view. Rollbacks and rewrites change what came before: after
    /// one of them the fold must start afresh.
    pub fn add(&mut self, record: &Record) {
        if let Some(at) = record.at() {
            self.add_time(at);
        }
        match record {
            Record::Message(message) => self.add_message(message),
            Record::Event(event) => self.add_event(event),
            Record::Annals(event) => return self.add_annals(event),
            Record::Unreadable(_) => self.head.counts.unreadable += 1,
        }
        self.head.counts.records += 1;
        each_text(record, &mut |text| self.add_text(text));
    }

    /// The head of what was taken in.
    pub fn head(&self) -> &Head {
        &self.head
    }

    fn add_time(&mut self, at: &Timestamp) {
        let instant = at.instant();
        let is_outside = |limit: &Option<String>, keeps: fn(_, _) -> bool| {
            limit.as_deref().and_then(Timestamp::parse).is_none_or(|t| !keeps(t.instant(), instant))
        };
        if is_outside(&self.head.created, |limit, at| limit <= at) {
            self.head.created = Some(at.to_string());
        }
        if is_outside(&self.head.modified, |limit, at| limit >= at) {
            self.head.modified = Some(at.to_string());
        }
    }

    fn add_place(&mut self, place: &Place) {
        if self.head.workspace.root.is_none() {
            self.head.workspace.root.clone_from(&place.cwd);
        }
        if place.branch.as_ref().is_some_and(|branch| !branch.is_empty()) {
            self.head.workspace.branch.clone_from(&place.branch);
        }
        if place.version.is_some() {
            self.head.agent.version.clone_from(&place.version);
        }
    }

    fn add_model(&mut self, name: &str) {
        let model = ModelName(name.to_owned());
        if !self.head.models.contains(&model) {
            self.head.models.push(model);
        }
    }

    fn add_message(&mut self, message: &Message) {
        self.add_place(&message.envelope.place);
        self.head.counts.messages += 1;
        if let Some(model) = message.model.as_ref().filter(|model| !model.starts_with('<')) {
            self.add_model(model);
        }
        let is_call = |kind: &BlockKind| matches!(kind, BlockKind::ToolCall { .. });
        let calls = message.content.blocks().iter().filter(|block| is_call(&block.kind)).count();
        self.head.counts.tool_calls += calls as u64;
        if message.is_typed() {
            self.head.counts.turns += 1;
            if self.head.preview.is_none() {
                self.head.preview = message.preview();
            }
        }
        if let Some(usage) = message.usage {
            self.add_usage(message.answer.as_deref(), usage);
        }
    }

    fn add_usage(&mut self, answer: Option<&str>, usage: Usage) {
        let counts = [usage.input, usage.output, usage.cache_read, usage.cache_write]
            .map(Option::unwrap_or_default);
        let known = answer.and_then(|answer| self.answers.iter().position(|(id, _)| id == answer));
        // The last part of an answer carries its final counts.
        let earlier = known.and_then(|place| self.answers.remove(place)).map_or([0; 4], |it| it.1);
        let tokens = &mut self.head.tokens;
        let sums = [
            &mut tokens.input,
            &mut tokens.output,
            &mut tokens.cache_read,
            &mut tokens.cache_write,
        ];
        for ((sum, count), earlier) in sums.into_iter().zip(counts).zip(earlier) {
            *sum = sum.saturating_sub(earlier).saturating_add(count);
        }
        tokens.total = total(tokens);
        if let Some(answer) = answer {
            self.answers.push_back((answer.to_owned(), counts));
            if self.answers.len() > REMEMBERED_ANSWERS {
                self.answers.pop_front();
            }
        }
    }

    fn add_event(&mut self, event: &Event) {
        self.add_place(&event.envelope.place);
        if let Some(title) = &event.title {
            if title.by as u8 >= self.titled_by {
                self.titled_by = title.by as u8;
                self.agent_title = Some(one_line(&title.text)).filter(|title| !title.is_empty());
            }
            if !self.is_renamed {
                self.head.title.clone_from(&self.agent_title);
            }
        }
    }

    fn add_text(&mut self, text: &str) {
        self.head.counts.bytes += text.len() as u64;
        for (start, mark) in text.match_indices(REDACTION_MARK) {
            let rest = &text[start + mark.len()..];
            let rule = rest.split(']').next().unwrap_or_default();
            let is_rule = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if !rule.is_empty() && rule.len() < rest.len() && rule.chars().all(is_rule) {
                *self.head.redactions.entry(rule.to_owned()).or_default() += 1;
            }
        }
    }

    fn add_annals(&mut self, event: &AnnalsEvent) {
        let head = &mut self.head;
        match &event.action {
            Action::Rename { title } => {
                self.is_renamed = !title.is_empty();
                head.title =
                    if self.is_renamed { Some(title.clone()) } else { self.agent_title.clone() };
            }
            Action::Tag { tags } => {
                head.tags.extend(tags.iter().cloned());
                head.tags.sort();
                head.tags.dedup();
            }
            Action::Untag { tags } => head.tags.retain(|tag| !tags.contains(tag)),
            Action::Note { text } => head.notes = Some(text.clone()).filter(|it| !it.is_empty()),
            Action::Pin { pinned } => head.pinned = *pinned,
            Action::ContextFiles { paths } => head.context_files.clone_from(paths),
            Action::Origin(origin) => {
                head.agent.name.clone_from(&origin.agent);
                head.agent.session.clone_from(&origin.session);
                head.origin = Some(match &origin.how {
                    How::Captured => "captured".to_owned(),
                    How::Created => "created".to_owned(),
                    How::Imported { from } => format!("imported from {from}"),
                    How::Forked { from } => format!("forked from {from}"),
                });
            }
            Action::Workspace { repository } => {
                head.workspace.repository = Some(repository.clone());
            }
            Action::Parent(link) => {
                head.parent = Some(ParentSession {
                    session: link.session.clone(),
                    tool_call: link.tool_call.clone(),
                });
            }
            Action::Model { name } => self.add_model(name),
            Action::Rollback { .. }
            | Action::Rewrite { .. }
            | Action::Undelete
            | Action::State { .. }
            | Action::Other { .. } => {}
        }
    }
}

/// When an event counts among annals' own.
pub(super) type Moment<'e> = (Option<DateTime<Utc>>, Option<Reverse<&'e str>>);

/// When an event counts.
pub(super) fn moment(event: &AnnalsEvent) -> Moment<'_> {
    let at = event.at.as_ref().map(Timestamp::instant);
    (at, at.is_none().then_some(Reverse(event.id.as_str())))
}

/// A view with annals' own events in the order of their times, in the places that such events
/// have. After a merge they stand by the records that they followed, and what was said last counts
/// all the same. Of facts that disagree the one with the smallest id counts: it comes last.
fn by_time(records: &[Record], mut view: Vec<usize>) -> Vec<usize> {
    let event_at = |place: usize| match &records[place] {
        Record::Annals(event) => Some(event),
        _ => None,
    };
    let slots: Vec<usize> =
        (0..view.len()).filter(|slot| event_at(view[*slot]).is_some()).collect();
    let mut events: Vec<usize> = slots.iter().map(|slot| view[*slot]).collect();
    events.sort_by_key(|place| event_at(*place).map(moment));
    slots.into_iter().zip(events).for_each(|(slot, event)| view[slot] = event);
    view
}

impl Message {
    /// Whether a person typed it: it begins a turn.
    pub fn is_typed(&self) -> bool {
        let is_said = |kind: &BlockKind| {
            matches!(
                kind,
                BlockKind::Text { .. } | BlockKind::Image { .. } | BlockKind::File { .. }
            )
        };
        self.role == "user"
            && self.injected.is_none()
            && match &self.content {
                Content::Text(_) => true,
                Content::Blocks(blocks) => blocks.iter().any(|block| is_said(&block.kind)),
            }
    }
}

impl Message {
    /// The beginning of its first text, as one line; none: it says nothing in words.
    pub fn preview(&self) -> Option<String> {
        let text = match &self.content {
            Content::Text(text) => Some(text.as_str()),
            Content::Blocks(blocks) => blocks.iter().find_map(|block| match &block.kind {
                BlockKind::Text { text } => Some(text.as_str()),
                _ => None,
            }),
        };
        text.map(one_line).filter(|text| !text.is_empty())
    }
}

fn total(tokens: &Tokens) -> u64 {
    tokens
        .input
        .saturating_add(tokens.output)
        .saturating_add(tokens.cache_read)
        .saturating_add(tokens.cache_write)
}

fn one_line(text: &str) -> String {
    // Only the beginning is looked at: a pasted log may have megabytes.
    let beginning: String = text.chars().take(PREVIEW_CHARS * 8).collect();
    let line = beginning.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= PREVIEW_CHARS {
        return line;
    }
    line.chars().take(PREVIEW_CHARS - 1).chain(['…']).collect()
}

/// Shows the texts of a record that the head counts: all but links and names.
fn each_text<'a>(record: &'a Record, see: &mut dyn FnMut(&'a str)) {
    if let Some(line) = record.envelope().and_then(|envelope| envelope.native_line.as_ref()) {
        see(line);
    }
    match record {
        Record::Message(message) => {
            each_content_text(&message.content, see);
            message.native.values().for_each(|value| each_value_text(value, see));
        }
        Record::Event(event) => {
            event.title.iter().for_each(|title| see(&title.text));
            each_value_text(&event.native, see);
        }
        Record::Unreadable(unreadable) => {
            if let Raw::Text(text) = &unreadable.raw {
                see(text);
            }
        }
        Record::Annals(_) => {}
    }
}

fn each_content_text<'a>(content: &'a Content, see: &mut dyn FnMut(&'a str)) {
    if let Content::Text(text) = content {
        see(text);
    }
    for block in content.blocks() {
        match &block.kind {
            BlockKind::Text { text } | BlockKind::Thinking { text } => see(text),
            BlockKind::ToolCall { input, .. } => {
                input.iter().for_each(|value| each_value_text(value, see));
            }
            BlockKind::ToolResult { output, .. } => {
                output.iter().for_each(|content| each_content_text(content, see));
            }
            BlockKind::Image { data, .. } | BlockKind::File { data, .. } => see(data),
            BlockKind::Other => {}
        }
        block.native.values().for_each(|value| each_value_text(value, see));
    }
}

fn each_value_text<'a>(value: &'a Value, see: &mut dyn FnMut(&'a str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| each_value_text(item, see)),
        Value::Object(map) => map.values().for_each(|value| each_value_text(value, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
