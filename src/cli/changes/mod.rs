//! What differs between two conversations, as people read it: message by message, word by word
//! within a message that changed.
//!
//! Pure. With colours, words that went are red and words that came green; without, they stand in
//! `[-…-]` and `{+…+}`.

use std::ops::Range;

use serde_json::Value;

use crate::cli::brief::count;
use crate::cli::conversation::Look;
use crate::cli::conversation::message_text;
use crate::cli::conversation::wrap;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::cli::plain::plain;
use crate::repository::Difference;
use crate::repository::FieldChange;
use crate::repository::RecordChange;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Message;
use crate::session::Raw;
use crate::session::Record;
use crate::session::TextChange;
use crate::session::words as words_of;

/// Unchanged lines that are shown around a changed one.
const CONTEXT: usize = 2;

/// The lines of what a tool put out that are shown.
const OUTPUT: usize = 8;

/// The columns of a sign and the blanks behind it.
const SIGN: usize = 4;

/// How much differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Stat {
    /// What people say of it otherwise.
    pub(crate) fields: Vec<&'static str>,
    /// Only on the right.
    pub(crate) added: u64,
    /// Only on the left.
    pub(crate) removed: u64,
    /// On both, with another content.
    pub(crate) changed: u64,
    /// The same on both.
    pub(crate) equal: u64,
}

impl Stat {
    /// The count of a difference.
    pub(crate) fn of(difference: &Difference) -> Self {
        let fields = difference.fields.iter().map(|field| field.name).collect();
        let mut stat = Self { fields, ..Self::default() };
        for change in &difference.changes {
            match change {
                RecordChange::Equal(count) => stat.equal += count,
                RecordChange::Added(_) => stat.added += 1,
                RecordChange::Removed(_) => stat.removed += 1,
                RecordChange::Changed(..) => stat.changed += 1,
            }
        }
        stat
    }

    /// Whether nothing differs.
    pub(crate) fn is_equal(&self) -> bool {
        self.fields.is_empty() && self.added + self.removed + self.changed == 0
    }

    /// The count in words.
    pub(crate) fn line(&self, paint: Paint) -> String {
        let part = |number: u64, sign: &str, what: &str, paint: &dyn Fn(&str) -> String| {
            (number > 0).then(|| paint(&format!("{sign}{number} {what}")))
        };
        let parts = [
            part(self.added, "+", "added", &|text| paint.good(text)),
            part(self.removed, "−", "removed", &|text| paint.bad(text)),
            part(self.changed, "~", "changed", &|text| paint.warning(text)),
            part(self.equal, "", "equal", &|text| paint.faint(text)),
        ];
        let fields = self.fields.iter().map(|name| paint.warning(&format!("~{name}")));
        let parts: Vec<String> = fields.chain(parts.into_iter().flatten()).collect();
        if parts.is_empty() {
            "nothing on either side\n".to_owned()
        } else {
            parts.join("  ") + "\n"
        }
    }
}

/// The whole difference.
pub(crate) fn changes(difference: &Difference, with_tools: bool, look: Look<'_>) -> String {
    let said_by = |record: &Record| match record {
        Record::Message(message) if !is_tool_result(message) => {
            wrap(&said(record), look.width - SIGN)
        }
        Record::Message(_) if !with_tools => cut(&said(record)),
        _ => said(record),
    };
    let paint = look.paint;
    let mut text = String::new();
    for FieldChange { name, left, right } in &difference.fields {
        text += &paint.warning(&format!("~ {name}"));
        text += "\n";
        text += &words(&field(left), &field(right), paint);
    }
    for change in &difference.changes {
        match change {
            RecordChange::Equal(number) => {
                text += &paint.faint(&format!("  … {}", count(*number, "equal message")));
                text += "\n";
            }
            RecordChange::Added(record) => {
                text += &side("+", record, &said_by(record), look, |text| paint.good(text));
            }
            RecordChange::Removed(record) => {
                text += &side("-", record, &said_by(record), look, |text| paint.bad(text));
            }
            RecordChange::Changed(left, right) => {
                text += &paint.warning(&format!("~ {}", label(right, look)));
                text += "\n";
                text += &words(&said(left), &said(right), paint);
            }
        }
    }
    text
}

/// What a field of the head holds, safe to be seen.
fn field(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    };
    plain(&text).into_owned()
}

/// A record that only one side has.
fn side(
    sign: &str,
    record: &Record,
    said: &str,
    look: Look<'_>,
    paint: impl Fn(&str) -> String,
) -> String {
    let mut text = paint(&format!("{sign} {}", label(record, look))) + "\n";
    for line in said.lines() {
        text += paint(format!("{sign}   {line}").trim_end()).as_str();
        text += "\n";
    }
    text
}

/// Who says it, or what it is, and when.
fn label(record: &Record, look: Look<'_>) -> String {
    let name = match record {
        Record::Message(message) if is_tool_result(message) => "tool result".to_owned(),
        Record::Message(message) => line(&message.role),
        Record::Event(event) => format!("event {}", line(&event.name)),
        Record::Annals(event) => format!("annals {}", action(event).0),
        Record::Unreadable(_) => "unreadable".to_owned(),
    };
    let at = record.at().map(|at| (look.local)(at.instant()));
    match at {
        Some(at) => format!("{name}  {}", at.format("%Y-%m-%d %H:%M")),
        None => name,
    }
}

/// Whether it is nothing but what tools answered; agents often write that as the user's.
fn is_tool_result(message: &Message) -> bool {
    let blocks = message.content.blocks();
    let is_result = |block: &Block| matches!(block.kind, BlockKind::ToolResult { .. });
    !blocks.is_empty() && blocks.iter().all(is_result)
}

/// The beginning of what a tool put out.
fn cut(text: &str) -> String {
    let lines = text.lines().count();
    if lines <= OUTPUT + 1 {
        return text.to_owned();
    }
    let mut kept: Vec<&str> = text.lines().take(OUTPUT).collect();
    let more = format!("… {} more lines; --tools shows them", lines - OUTPUT);
    kept.push(&more);
    kept.join("\n")
}

/// What a record says, safe to be seen.
fn said(record: &Record) -> String {
    let text = match record {
        Record::Message(message) => message_text(message),
        Record::Event(event) => event.native.to_string(),
        Record::Annals(event) => action(event).1,
        Record::Unreadable(unreadable) => match &unreadable.raw {
            Raw::Text(text) => text.clone(),
            Raw::Bytes(bytes) => format!("({} bytes)", bytes.len()),
        },
    };
    plain(&text).into_owned()
}

fn action(event: &AnnalsEvent) -> (String, String) {
    let (name, text) = match &event.action {
        Action::Rename { title } => ("rename", title.clone()),
        Action::Tag { tags } => ("tag", tags.join(", ")),
        Action::Untag { tags } => ("untag", tags.join(", ")),
        Action::Note { text } => ("note", text.clone()),
        Action::Pin { pinned: true } => ("pin", String::new()),
        Action::Pin { pinned: false } => ("unpin", String::new()),
        Action::Rollback { to, .. } => ("rollback", format!("to {}", to.short())),
        Action::Rewrite { change } => {
            ("rewrite", format!("{} left the view", count(change.removed.len() as u64, "record")))
        }
        Action::Undelete => ("undelete", String::new()),
        Action::Origin(origin) => ("origin", origin.agent.clone()),
        Action::Workspace { repository } => ("workspace", repository.clone()),
        Action::Parent(link) => ("parent", link.session.clone()),
        Action::ContextFiles { paths } => ("context files", paths.join("\n")),
        Action::Model { name } => ("model", name.clone()),
        Action::State { value } => ("state", value.to_string()),
        Action::Other { name, .. } => return (line(name), String::new()),
    };
    (name.to_owned(), text)
}

/// Two texts in one, with what changed marked, and only the lines around it.
fn words(left: &str, right: &str, paint: Paint) -> String {
    let mut marked = Marked::default();
    if left == right {
        return paint.faint("    (only fields that are not shown here)") + "\n";
    }
    for (change, text) in words_of(left, right) {
        marked.push(change, &text, paint);
    }
    marked.text(paint)
}

/// Lines with marks in them.
#[derive(Default)]
struct Marked {
    lines: Vec<(String, bool)>,
    is_open: bool,
}

impl Marked {
    /// Adds a run of words that are equal, went or came. Marks never span a line's end.
    fn push(&mut self, change: TextChange, text: &str, paint: Paint) {
        let is_changed = change != TextChange::Equal;
        for piece in text.split_inclusive('\n') {
            let words = piece.strip_suffix('\n').unwrap_or(piece);
            if !self.is_open {
                self.lines.push((String::new(), false));
            }
            self.is_open = words.len() == piece.len();
            if let Some((line, is_marked)) = self.lines.last_mut() {
                *is_marked |= is_changed;
                *line += &mark(change, words, paint);
            }
        }
    }

    fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        let mut shown = 0..0;
        for (place, _) in self.lines.iter().enumerate().filter(|(_, it)| it.1) {
            let around: Range<usize> =
                place.saturating_sub(CONTEXT)..(place + CONTEXT + 1).min(self.lines.len());
            if around.start > shown.end {
                text += &paint.faint("    ⋮");
                text += "\n";
            }
            for (line, _) in &self.lines[around.start.max(shown.end)..around.end] {
                text += format!("    {line}").trim_end();
                text += "\n";
            }
            shown = around;
        }
        if shown.end < self.lines.len() {
            text += &paint.faint("    ⋮");
            text += "\n";
        }
        text
    }
}

fn mark(change: TextChange, words: &str, paint: Paint) -> String {
    match (change, paint.is_on()) {
        _ if words.is_empty() => String::new(),
        (TextChange::Equal, _) => words.to_owned(),
        (TextChange::Removed, true) => paint.bad(words),
        (TextChange::Added, true) => paint.good(words),
        (TextChange::Removed, false) => format!("[-{words}-]"),
        (TextChange::Added, false) => format!("{{+{words}+}}"),
    }
}

#[cfg(test)]
mod tests;
