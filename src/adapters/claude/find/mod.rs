//! Where Claude Code's sessions lie: `projects/<folder of the workspace>/<session>.jsonl`, sub-agents
//! in `<session>/subagents/agent-<id>.jsonl`, older ones beside their parent.
//!
//! Finding looks into folders only. Which session is in a file its name says, or else the file
//! itself; of a sub-agent, a small file beside it says more. Symbolic links below `projects` are
//! not followed.

use std::ffi::OsStr;
use std::fs;
use std::fs::DirEntry;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::Value;

use crate::adapters::Found;
use crate::adapters::FoundFile;
use crate::adapters::Skipped;
use crate::adapters::Source;
use crate::adapters::claude::NAME;
use crate::adapters::claude::Seen;
use crate::adapters::jsonl;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::How;
use crate::session::Native;
use crate::session::Origin;
use crate::session::ParentLink;
use crate::session::SessionId;

/// How the names of sub-agents' files begin.
const SUBAGENT: &str = "agent-";

/// How much of a file is looked at to learn which session it is.
const PEEKED_BYTES: u64 = 4 * 1024 * 1024;

/// The largest file beside a sub-agent's that is read.
const META_BYTES: u64 = 1024 * 1024;

/// The transcripts below the agent's folder.
pub(super) fn find(folder: &Path) -> Found {
    let mut found = Found::default();
    for (project, kind) in entries(&folder.join("projects"), &mut found) {
        if kind.is_dir() {
            find_project(&project.path(), &mut found);
        }
    }
    found
}

fn find_project(project: &Path, found: &mut Found) {
    let mut subagents = Vec::new();
    for (entry, kind) in entries(project, found) {
        let name = entry.file_name();
        let stem = Path::new(&name).file_stem().and_then(OsStr::to_str);
        if kind.is_dir() {
            if stem.is_some_and(is_uuid) {
                find_subagents(&entry.path().join("subagents"), found, &mut subagents);
            }
        } else if is_transcript(&name) {
            let is_subagent = stem.is_some_and(|stem| stem.starts_with(SUBAGENT));
            let file = look_at(&entry, found);
            if is_subagent { &mut subagents } else { &mut found.files }.extend(file);
        }
    }
    found.files.append(&mut subagents);
}

fn find_subagents(folder: &Path, found: &mut Found, subagents: &mut Vec<FoundFile>) {
    for (entry, kind) in entries(folder, found) {
        if kind.is_dir() {
            found.skipped.push(skipped(&entry.path(), "a folder among sub-agents"));
        } else if is_transcript(&entry.file_name()) {
            subagents.extend(look_at(&entry, found));
        }
    }
}

fn look_at(entry: &DirEntry, found: &mut Found) -> Option<FoundFile> {
    match entry.metadata() {
        Ok(metadata) => Some(FoundFile { path: entry.path(), metadata }),
        Err(error) => {
            found.skipped.push(skipped(&entry.path(), &error.to_string()));
            None
        }
    }
}

/// The files and folders in a folder, sorted by name; none if the folder is not there.
fn entries(folder: &Path, found: &mut Found) -> Vec<(DirEntry, fs::FileType)> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed.collect::<io::Result<Vec<DirEntry>>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => Err(error),
    };
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => {
            found.skipped.push(skipped(folder, &error.to_string()));
            return Vec::new();
        }
    };
    let mut entries = Vec::new();
    for entry in listed {
        match entry.file_type() {
            Ok(kind) if kind.is_symlink() => {
                found.skipped.push(skipped(&entry.path(), "a symbolic link"));
            }
            Ok(kind) if kind.is_dir() || kind.is_file() => entries.push((entry, kind)),
            Ok(_) => found.skipped.push(skipped(&entry.path(), "neither a file nor a folder")),
            Err(error) => found.skipped.push(skipped(&entry.path(), &error.to_string())),
        }
    }
    entries.sort_by_cached_key(|(entry, _)| entry.file_name());
    entries
}

/// The session in a file, and what beside it could not be read. `session`: the id to take instead
/// of its own.
pub(super) fn source(
    path: &Path,
    session: Option<&str>,
) -> Result<(Source, Option<Skipped>), Skipped> {
    let failed = |error: io::Error| skipped(path, &error.to_string());
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(skipped(path, "not a regular file"));
    }
    let Some(stem) = stem(path) else {
        return Err(skipped(path, "its name is no UTF-8"));
    };
    if let Some(session) = session {
        return Ok((plain_source(path, session.to_owned()), None));
    }
    if is_uuid(stem) {
        return Ok((plain_source(path, stem.to_owned()), None));
    }
    if let (Some(agent), Some(parent)) = (stem.strip_prefix(SUBAGENT), parent_of(path)) {
        return Ok(subagent_source(path, parent, agent));
    }
    let inner = peek(path).map_err(failed)?;
    Ok(match (stem.strip_prefix(SUBAGENT), inner) {
        (Some(agent), Some((parent, true))) => subagent_source(path, &parent, agent),
        (_, Some((session, _))) => (plain_source(path, session), None),
        (_, None) => (plain_source(path, stem.to_owned()), None),
    })
}

fn plain_source(path: &Path, native_id: String) -> Source {
    Source {
        path: path.to_owned(),
        agent: NAME,
        session: SessionId::captured(NAME, &native_id),
        facts: vec![AnnalsEvent::fact(Action::Origin(Origin {
            agent: NAME.to_owned(),
            session: Some(native_id.clone()),
            how: How::Captured,
        }))],
        native_id,
    }
}

fn subagent_source(path: &Path, parent: &str, agent: &str) -> (Source, Option<Skipped>) {
    let mut source = plain_source(path, format!("{parent}/{agent}"));
    let meta_path = path.with_extension("meta.json");
    let (mut native, skipped) = match read_meta(&meta_path) {
        Ok(native) => (native, None),
        Err(reason) => (Native::new(), Some(skipped(&meta_path, &reason))),
    };
    let tool_call = match native.get("toolUseId") {
        Some(Value::String(id)) => Some(id.clone()),
        _ => None,
    };
    if tool_call.is_some() {
        native.shift_remove("toolUseId");
    }
    source.facts.push(AnnalsEvent::fact(Action::Parent(ParentLink {
        session: SessionId::captured(NAME, parent).to_string(),
        tool_call,
        native,
    })));
    (source, skipped)
}

/// What the agent wrote down about a sub-agent; nothing if it did not.
fn read_meta(path: &Path) -> Result<Native, String> {
    let size = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => return Err("not a regular file".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Native::new()),
        Err(error) => return Err(error.to_string()),
    };
    if size > META_BYTES {
        return Err(format!("larger than {META_BYTES} bytes"));
    }
    let text = fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|_| "not a JSON object".to_owned())
}

/// The session id in the first line that has one, and whether the line is a sub-agent's.
fn peek(path: &Path) -> io::Result<Option<(String, bool)>> {
    let mut inner = None;
    jsonl::each_value::<Seen>(path, PEEKED_BYTES, &mut |line| {
        let session = line.get("sessionId").and_then(Value::as_str);
        match session.filter(|session| !session.is_empty()) {
            Some(session) => {
                let is_subagent = line.get("isSidechain") == Some(&Value::Bool(true));
                inner = Some((session.to_owned(), is_subagent));
                ControlFlow::Break(())
            }
            None => ControlFlow::Continue(()),
        }
    })?;
    Ok(inner)
}

/// The session in whose folder of sub-agents the file lies.
fn parent_of(path: &Path) -> Option<&str> {
    let folder = path.parent()?;
    let session = folder.parent()?.file_name()?.to_str()?;
    (folder.file_name()? == "subagents" && is_uuid(session)).then_some(session)
}

fn stem(path: &Path) -> Option<&str> {
    path.file_stem()?.to_str()
}

fn is_transcript(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(b".jsonl")
}

/// Whether the text is a UUID in the form that names a session.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

fn skipped(path: &Path, reason: &str) -> Skipped {
    Skipped { path: path.display().to_string(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
