//! New ids for old: what was linked stays linked, and nothing leads back to the agent's own files.
//!
//! An id is known by where it stands: in a link field of a record, of a block, or of the agent's
//! own fields. Once known it is renamed wherever it stands, file names and commands included. Other
//! UUIDs are what the conversation is about, and stay. A new id follows from the number of the old
//! one and from all that the sessions say, so that two bundles have no ids in common by chance.

use std::collections::HashMap;

use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;
use uuid::Uuid;

use crate::exchange::digest_of;
use crate::exchange::hex;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Head;
use crate::session::Native;
use crate::session::Record;
use crate::session::TextVisitor;

/// How ids begin that services give.
const PREFIXES: [&str; 8] = ["toolu_", "msg_", "req_", "call_", "resp_", "rs_", "fc_", "srvtoolu_"];
/// The shortest and longest id of a sub-agent.
const AGENT_ID: std::ops::RangeInclusive<usize> = 6..=40;

/// The new id of each old one.
#[derive(Debug)]
pub(super) struct Renaming {
    salt: String,
    /// Those that are known wherever they stand.
    names: HashMap<String, String>,
    /// Those of records that might be words: known in link fields alone.
    links: HashMap<String, String>,
}

impl Renaming {
    /// Finds the ids of sessions and gives each a new one.
    pub(super) fn new<S: std::ops::Deref<Target = Vec<Record>>>(
        heads: &[Head],
        streams: &[S],
    ) -> Self {
        let mut content = Sha256::new();
        streams.iter().for_each(|stream| content.update(digest_of(stream)));
        let salt = hex(&content.finalize());
        let mut renaming = Self { salt, names: HashMap::new(), links: HashMap::new() };
        for (head, stream) in heads.iter().zip(streams) {
            renaming.know("id", &head.id.to_string());
            for part in head.agent.session.iter().flat_map(|native| native.split('/')) {
                renaming.know("agentId", part);
            }
            stream.iter().for_each(|record| renaming.know_record(record));
        }
        renaming
    }

    /// The records with the new ids in all their texts.
    pub(super) fn stream(&self, mut stream: Vec<Record>) -> Vec<Record> {
        stream.iter_mut().for_each(|record| record.visit_texts(&mut Rename(self)));
        stream
    }

    /// The text with the new ids.
    pub(super) fn text(&self, text: &str) -> String {
        let mut renamed = String::with_capacity(text.len());
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let (bytes, mut at) = (text.as_bytes(), 0);
        while at < bytes.len() {
            let end = bytes[at..].iter().position(|byte| !is_part(*byte));
            let end = end.map_or(bytes.len(), |length| at + length);
            self.push_run(&text[at..end], &mut renamed);
            let next = bytes[end..].iter().position(|byte| is_part(*byte));
            at = next.map_or(bytes.len(), |length| end + length);
            renamed.push_str(&text[end..at]);
        }
        renamed
    }

    /// A run of letters, digits and hyphens: an id, or one within a longer name.
    fn push_run(&self, run: &str, renamed: &mut String) {
        if let Some(name) = self.names.get(run) {
            return renamed.push_str(name);
        }
        if let Some(name) = run.strip_prefix("agent-").and_then(|id| self.names.get(id)) {
            renamed.push_str("agent-");
            return renamed.push_str(name);
        }
        let mut copied = 0;
        let mut at = 0;
        while at + 36 <= run.len() {
            let is_one = run.as_bytes()[at + 8] == b'-' && run.as_bytes()[at + 23] == b'-';
            match self.names.get(&run[at..at + 36]).filter(|_| is_one) {
                Some(name) => {
                    renamed.push_str(&run[copied..at]);
                    renamed.push_str(name);
                    at += 36;
                    copied = at;
                }
                None => at += 1,
            }
        }
        renamed.push_str(&run[copied..]);
    }

    fn know_record(&mut self, record: &Record) {
        if let Some(envelope) = record.envelope() {
            for id in [&envelope.id, &envelope.parent].into_iter().flatten() {
                self.know("id", id);
                if !self.names.contains_key(id) && !self.links.contains_key(id) {
                    let seed = format!("{}\nlink {}", self.salt, self.links.len());
                    self.links.insert(id.clone(), uuid_of(&seed).to_string());
                }
            }
        }
        match record {
            Record::Message(message) => {
                message.answer.iter().for_each(|id| self.know("id", id));
                self.know_content(&message.content);
                self.know_fields(&message.native);
            }
            Record::Event(event) => self.know_value(&event.name, &event.native),
            Record::Annals(_) | Record::Unreadable(_) => {}
        }
    }

    fn know_content(&mut self, content: &Content) {
        for block in content.blocks() {
            match &block.kind {
                BlockKind::ToolCall { id: Some(id), .. } => self.know("id", id),
                BlockKind::ToolResult { id, output, .. } => {
                    self.know("id", id);
                    output.iter().for_each(|output| self.know_content(output));
                }
                _ => {}
            }
            self.know_fields(&block.native);
        }
    }

    fn know_fields(&mut self, fields: &Native) {
        fields.iter().for_each(|(field, value)| self.know_value(field, value));
    }

    fn know_value(&mut self, field: &str, value: &Value) {
        match value {
            Value::String(text) => self.know(field, text),
            Value::Array(items) => items.iter().for_each(|item| self.know_value(field, item)),
            Value::Object(fields) => self.know_fields(fields),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Gives a text a new id, if it is one by its field and its form.
    fn know(&mut self, field: &str, text: &str) {
        if !is_link_field(field) || self.names.contains_key(text) {
            return;
        }
        let number = self.names.len();
        if let Some(name) = new_id(field, text, &format!("{}\n{number}", self.salt)) {
            self.names.insert(text.to_owned(), name);
        }
    }
}

/// An id of the same form, made from `seed`; none: the text is no id.
fn new_id(field: &str, text: &str, seed: &str) -> Option<String> {
    let is_plain =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let digest = hex(&Sha256::digest(seed));
    if text.len() == 36 && Uuid::try_parse(text).is_ok() {
        return Some(uuid_of(seed).to_string());
    }
    if let Some(prefix) = PREFIXES.iter().find(|prefix| text.starts_with(**prefix)) {
        return is_plain(text).then(|| format!("{prefix}{}", &digest[..24]));
    }
    let is_agents = field == "agentId"
        && AGENT_ID.contains(&text.len())
        && is_plain(text)
        && text.bytes().any(|byte| byte.is_ascii_digit());
    is_agents.then(|| digest[..text.len()].to_owned())
}

fn uuid_of(seed: &str) -> Uuid {
    let digest = Sha256::digest(seed);
    let bytes: [u8; 16] = digest[..16].try_into().expect("a digest has 32 bytes");
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn is_link_field(field: &str) -> bool {
    const ENDS: [&str; 6] = ["id", "Id", "ID", "uuid", "Uuid", "UUID"];
    field == "parent" || ENDS.iter().any(|end| field.ends_with(end))
}

struct Rename<'r>(&'r Renaming);

impl TextVisitor for Rename<'_> {
    fn text(&mut self, field: &str, text: &mut String) {
        let link = self.0.links.get(text).filter(|_| is_link_field(field));
        *text = link.cloned().unwrap_or_else(|| self.0.text(text));
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
        for (key, mut value) in std::mem::take(native) {
            self.value(&key, &mut value);
            native.insert(self.0.text(&key), value);
        }
    }

    fn bytes(&mut self, _: &mut Vec<u8>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    #[test]
    fn an_id_is_renamed_wherever_it_stands_and_what_is_no_link_stays() {
        let mut renaming =
            Renaming { salt: "s".into(), names: HashMap::new(), links: HashMap::new() };
        for (field, id) in [
            ("sessionId", SESSION),
            ("tool_use_id", "toolu_01HkATuZJsQXYwXPZkkvYVpn"),
            ("agentId", "aa74e8d"),
            ("id", "12"),
            ("filePath", "/x/y"),
        ] {
            renaming.know(field, id);
        }
        assert_eq!(renaming.names.len(), 3, "{:?}", renaming.names);
        let text = renaming.text(&format!(
            "~/.claude/projects/-x-{SESSION}/agent-aa74e8d.jsonl of toolu_01HkATuZJsQXYwXPZkkvYVpn: \
             5c1e6b81-2dc8-41b7-b70d-1bb7ff44f1c8, ünï 12"
        ));
        for gone in [SESSION, "aa74e8d", "01HkATuZ"] {
            assert!(!text.contains(gone), "{text}");
        }
        assert!(text.contains(&renaming.names[SESSION]), "{text}");
        assert!(text.ends_with("5c1e6b81-2dc8-41b7-b70d-1bb7ff44f1c8, ünï 12"), "{text}");
    }
}
