//! A session → the files in which `claude --resume` finds it.
//!
//! Nothing that a record says becomes part of a path unless it is a UUID or a plain word.

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::adapters::RestoredFile;
use crate::adapters::claude::NAME;
use crate::adapters::claude::find::is_uuid;
use crate::adapters::claude::lower::lower;
use crate::session::Action;
use crate::session::Head;
use crate::session::Native;
use crate::session::Raw;
use crate::session::Record;

/// The longest folder name before it is cut and a hash is put behind it, in UTF-16 units.
const SLUG_UNITS: usize = 200;

/// The files of a session and its sub-agents; none if another agent wrote it.
pub(super) fn restore(
    folder: &Path,
    workspace: &Path,
    (head, records): (&Head, &[&Record]),
    subagents: &[(Head, Vec<Record>)],
) -> Vec<RestoredFile> {
    if head.agent.name != NAME {
        return Vec::new();
    }
    let project = folder.join("projects").join(slug(workspace));
    let mut files = files(&project, &file_id(head), head, records.iter().copied());
    for (subagent, records) in subagents {
        if subagent.agent.name == NAME {
            // Below the folder of the session that is restored, whatever its own parent is called.
            let id = format!("{}/{}", file_id(head), agent_id(subagent));
            files.extend(self::files(&project, &id, subagent, records.iter()));
        }
    }
    files
}

/// The id under which the agent finds the session: a UUID; a sub-agent's: its parent's, `/`, its
/// own.
fn file_id(head: &Head) -> String {
    let native = head.agent.session.as_deref().unwrap_or_default();
    match native.split_once('/') {
        Some((parent, _)) if is_uuid(parent) => format!("{parent}/{}", agent_id(head)),
        _ if is_uuid(native) => native.to_owned(),
        _ => head.id.to_string(),
    }
}

/// The id of the session that `claude --resume` takes: a sub-agent's is resumed in its parent.
pub(super) fn resumed_id(head: &Head) -> String {
    let id = file_id(head);
    id.split('/').next().unwrap_or(&id).to_owned()
}

/// The sub-agent's own id, if it may stand in a path.
fn agent_id(head: &Head) -> String {
    let native = head.agent.session.as_deref().unwrap_or_default();
    let id = native.rsplit('/').next().unwrap_or_default();
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if (1..=100).contains(&id.len()) && id.bytes().all(is_plain) {
        id.to_owned()
    } else {
        head.id.to_string()
    }
}

fn files<'a>(
    project: &Path,
    id: &str,
    head: &Head,
    records: impl Iterator<Item = &'a Record> + Clone,
) -> Vec<RestoredFile> {
    let Some((parent, agent)) = id.split_once('/') else {
        let path = project.join(format!("{id}.jsonl"));
        return vec![transcript(path, records)];
    };
    let folder = project.join(parent).join("subagents");
    let path = folder.join(format!("agent-{agent}.jsonl"));
    let mut files = vec![transcript(path, records.clone())];
    let meta = meta(head, records);
    if !meta.is_empty() {
        files.push(RestoredFile {
            path: folder.join(format!("agent-{agent}.meta.json")),
            bytes: Value::Object(meta).to_string().into_bytes(),
        });
    }
    files
}

/// What stood beside the sub-agent's transcript.
fn meta<'a>(head: &Head, records: impl Iterator<Item = &'a Record>) -> Native {
    let link = records.filter_map(|record| match record {
        Record::Annals(event) => match &event.action {
            Action::Parent(link) => Some(link),
            _ => None,
        },
        _ => None,
    });
    let link = link.last();
    let mut meta = link.map(|link| link.native.clone()).unwrap_or_default();
    let tool_call = match link {
        Some(link) => link.tool_call.as_ref(),
        None => head.parent.as_ref().and_then(|it| it.tool_call.as_ref()),
    };
    if let Some(tool_call) = tool_call {
        meta.insert("toolUseId".to_owned(), tool_call.as_str().into());
    }
    meta
}

/// One line a record. The file ends with a line end: the agent appends right behind it.
fn transcript<'a>(path: PathBuf, records: impl Iterator<Item = &'a Record>) -> RestoredFile {
    let mut bytes = Vec::new();
    for record in records {
        let native_line = record.envelope().and_then(|it| it.native_line.as_ref());
        match (record, native_line) {
            (_, Some(line)) => bytes.extend_from_slice(line.as_bytes()),
            (Record::Unreadable(unreadable), _) => match &unreadable.raw {
                Raw::Text(text) => bytes.extend_from_slice(text.as_bytes()),
                Raw::Bytes(raw) => bytes.extend_from_slice(raw),
            },
            _ => match lower(record) {
                Some(value) => bytes.extend_from_slice(value.to_string().as_bytes()),
                None => continue,
            },
        }
        bytes.push(b'\n');
    }
    RestoredFile { path, bytes }
}

/// The folder name that the agent makes of a workspace, whose path it takes without symbolic links.
/// Of a path too long for a name it also looks into all folders that begin with what is left of it.
fn slug(workspace: &Path) -> String {
    let path = workspace.to_string_lossy();
    let trimmed = path.trim_end_matches(std::path::MAIN_SEPARATOR);
    let path = if trimmed.is_empty() { &path } else { trimmed };
    let units: Vec<u16> = path.encode_utf16().collect();
    let plain = |unit: &u16| match u8::try_from(*unit) {
        Ok(byte) if byte.is_ascii_alphanumeric() => char::from(byte),
        _ => '-',
    };
    if units.len() <= SLUG_UNITS {
        return units.iter().map(plain).collect();
    }
    let beginning: String = units[..SLUG_UNITS].iter().map(plain).collect();
    format!("{beginning}-{}", base36(path_hash(&units)))
}

/// The agent's hash of a long path: 32 bits, signed, without the sign.
fn path_hash(units: &[u16]) -> u32 {
    let step = |hash: i32, unit: &u16| hash.wrapping_mul(31).wrapping_add(i32::from(*unit));
    units.iter().fold(0, step).unsigned_abs()
}

fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit(number % 36, 36).expect("a remainder of 36 is a digit"));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests;
