//! What does not go along: what no text rule can see into, and what nobody reads.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;

use crate::exchange::share::ShareChoice;
use crate::exchange::size;
use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Envelope;
use crate::session::Message;
use crate::session::Native;
use crate::session::Raw;
use crate::session::Record;
use crate::session::TextVisitor;
use crate::session::Timestamp;

/// A text of more bytes is a file that was read or printed, not talk.
const LONGEST_TEXT: usize = 256 * 1024;
/// Base64 of so many letters is a picture or a document.
const SHORTEST_DATA: usize = 1024;
/// What a workspace is called, whatever it was called.
const WORKSPACE: &str = "workspace";

/// Fields of agents that lead back to the service, or hold what the service alone can read.
const SIGNED: [&str; 5] =
    ["signature", "thoughtSignature", "thought_signature", "encrypted_content", "requestId"];
/// Fields at the top of an agent's record that name its machine's session.
const NAMED: [&str; 3] = ["slug", "gitBranch", "version"];
/// Events that hold files as they were, and nothing that was said.
const SNAPSHOTS: [&str; 1] = ["file-history-snapshot"];

/// Takes out of records what does not go along, and counts it.
#[derive(Debug)]
pub(super) struct Removal<'w> {
    choice: ShareChoice,
    workspaces: &'w [String],
    counts: BTreeMap<String, u64>,
}

impl<'w> Removal<'w> {
    pub(super) fn new(choice: ShareChoice, workspaces: &'w [String]) -> Self {
        Self { choice, workspaces, counts: BTreeMap::new() }
    }

    /// A record in view, as far as it goes along.
    pub(super) fn record(&mut self, record: &Record) -> Option<Record> {
        let mut record = record.clone();
        record.set_after(None);
        let goes = match &mut record {
            Record::Message(message) => self.message(message),
            Record::Event(event) if SNAPSHOTS.contains(&event.name.as_str()) => {
                self.count("file snapshot");
                false
            }
            Record::Event(event) => {
                self.envelope(&mut event.envelope);
                self.native_value(&event.name, &mut event.native);
                true
            }
            Record::Annals(_) => false,
            Record::Unreadable(unreadable) => {
                unreadable.is_tail = false;
                if let Raw::Bytes(bytes) = &unreadable.raw {
                    let text = self.placeholder("data", bytes.len());
                    unreadable.raw = Raw::Text(text);
                }
                true
            }
        };
        if goes {
            record.visit_texts(&mut Rest { removal: self });
        }
        goes.then_some(record)
    }

    pub(super) fn into_counts(self) -> BTreeMap<String, u64> {
        self.counts
    }

    fn message(&mut self, message: &mut Message) -> bool {
        self.envelope(&mut message.envelope);
        self.content(&mut message.content);
        self.fields(&mut message.native, true);
        true
    }

    fn envelope(&mut self, envelope: &mut Envelope) {
        let place = &mut envelope.place;
        for (kind, field) in [("branch", &mut place.branch), ("agent version", &mut place.version)]
        {
            if field.take().is_some() {
                *self.counts.entry(kind.to_owned()).or_default() += 1;
            }
        }
        if let Some(cwd) = &mut place.cwd {
            *cwd = neutral(cwd, self.workspaces);
            *self.counts.entry("workspace path".to_owned()).or_default() += 1;
        }
        if envelope.native_line.take().is_some() {
            self.count("line as the agent wrote it");
        }
        if self.choice.coarse_times {
            envelope.at = envelope.at.take().map(|at| day(&at));
        }
    }

    fn content(&mut self, content: &mut Content) {
        if let Content::Blocks(blocks) = content {
            blocks.iter_mut().for_each(|block| self.block(block));
        }
    }

    fn block(&mut self, block: &mut Block) {
        match &mut block.kind {
            BlockKind::Image { media_type, data } | BlockKind::File { media_type, data }
                if !self.choice.with_files =>
            {
                let what = media_type.clone();
                let text = self.placeholder(&what, data.len() / 4 * 3);
                *block = Block { kind: BlockKind::Text { text }, native: Native::new() };
                return;
            }
            BlockKind::ToolResult { output: Some(output), .. } => self.content(output),
            _ => {}
        }
        self.fields(&mut block.native, false);
    }

    fn native_value(&mut self, name: &str, value: &mut Value) {
        if let Value::Object(fields) = value {
            self.fields(fields, true);
            if name == "attachment" && !self.choice.with_files {
                self.attachment(fields);
            }
        }
    }

    /// What was attached goes, that something was stays: other records follow this one.
    fn attachment(&mut self, fields: &mut Native) {
        let Some(Value::Object(attached)) = fields.get_mut("attachment") else { return };
        let length = Value::Object(attached.clone()).to_string().len();
        let kind = attached.get("type").cloned();
        let text = self.placeholder("attachment", length);
        attached.clear();
        kind.into_iter().for_each(|kind| drop(attached.insert("type".to_owned(), kind)));
        attached.insert("content".to_owned(), text.into());
    }

    /// Takes out of an agent's fields, at any depth, what is signed or a copy of a file.
    fn fields(&mut self, fields: &mut Map<String, Value>, is_top: bool) {
        if is_top {
            NAMED.iter().for_each(|name| drop(fields.shift_remove(*name)));
        }
        for name in SIGNED {
            if fields.shift_remove(name).is_some() {
                self.count("signature or request id");
            }
        }
        if let Some(file) = fields.get_mut("originalFile").filter(|file| file.is_string()) {
            *file = Value::Null;
            self.count("file snapshot");
        }
        for value in fields.values_mut() {
            self.nested(value);
        }
    }

    fn nested(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) => self.fields(fields, false),
            Value::Array(items) => items.iter_mut().for_each(|item| self.nested(item)),
            _ => {}
        }
    }

    /// What stands in the place of something that was left out.
    fn placeholder(&mut self, what: &str, bytes: usize) -> String {
        let kind = match what.split('/').next() {
            Some("image") => "picture",
            Some("attachment") => "attachment",
            Some("text") => "large text",
            _ => "file",
        };
        self.count(kind);
        format!("[left out: {what}, {}]", size(bytes))
    }

    fn count(&mut self, kind: &str) {
        *self.counts.entry(kind.to_owned()).or_default() += 1;
    }
}

/// A look at every text that is left.
struct Rest<'r, 'w> {
    removal: &'r mut Removal<'w>,
}

impl TextVisitor for Rest<'_, '_> {
    fn text(&mut self, _: &str, text: &mut String) {
        if self.removal.choice.coarse_times
            && let Some(at) = time(text)
        {
            *text = day(&at).to_string();
        }
        if self.removal.choice.with_files {
            return;
        }
        if text.len() >= SHORTEST_DATA && text.bytes().all(is_base64) {
            *text = self.removal.placeholder("data", text.len() / 4 * 3);
        } else if text.len() > LONGEST_TEXT {
            *text = self.removal.placeholder("text", text.len());
        }
    }

    fn value(&mut self, field: &str, value: &mut Value) {
        match value {
            Value::String(text) => self.text(field, text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(field, item)),
            Value::Object(fields) => self.native(fields),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn native(&mut self, native: &mut Native) {
        for (key, value) in native.iter_mut() {
            self.value(key, value);
        }
    }

    fn bytes(&mut self, _: &mut Vec<u8>) {}
}

/// The folder below a workspace, under a name that tells nothing.
fn neutral(cwd: &str, workspaces: &[String]) -> String {
    // The first that was worked in gives the others their place.
    let mut roots: Vec<&String> = Vec::new();
    for folder in workspaces {
        if !roots.iter().any(|root| is_below(folder, root)) {
            roots.push(folder);
        }
    }
    match roots.iter().position(|root| is_below(cwd, root)) {
        Some(0) => format!("{WORKSPACE}{}", cwd[roots[0].len()..].replace('\\', "/")),
        Some(number) => {
            let rest = cwd[roots[number].len()..].replace('\\', "/");
            format!("{WORKSPACE}-{}{rest}", number + 1)
        }
        None => WORKSPACE.to_owned(),
    }
}

fn is_below(folder: &str, root: &str) -> bool {
    folder.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))
}

/// Whether a letter may stand in base64, of either alphabet.
fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte)
}

fn time(text: &str) -> Option<Timestamp> {
    let is_like_one = (20..=35).contains(&text.len()) && text.as_bytes()[0].is_ascii_digit();
    if is_like_one { Timestamp::parse(text) } else { None }
}

/// The beginning of its day.
fn day(at: &Timestamp) -> Timestamp {
    let day = at.instant().date_naive().and_hms_opt(0, 0, 0).expect("a day has a midnight");
    Timestamp::from_instant(day.and_utc())
}
