//! Claude Code: its transcripts → sessions and back.
//!
//! A transcript has one JSON object a line. `user` and `assistant` lines with a message are messages;
//! every other line is an event. Restoring gives each line back, equal as a JSON value, for any
//! line whatever. It does not know what makes a session current, and writes no file itself.
//!
//! Limit: what a tool put out beyond some 30,000 characters is in no transcript. The agent keeps it
//! in a file of its own, in the folder `tool-results` beside those of the sub-agents, and names that
//! file to the model; it is not captured, and a session resumed elsewhere has only the beginning.

mod find;
mod hooks;
mod lift;
mod lower;
mod restore;

use std::collections::HashSet;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::adapters::Adapter;
use crate::adapters::Found;
use crate::adapters::HookEdit;
use crate::adapters::Item;
use crate::adapters::Position;
use crate::adapters::ReadOutcome;
use crate::adapters::RestoredFile;
use crate::adapters::ResumeCommand;
use crate::adapters::Skipped;
use crate::adapters::Source;
use crate::adapters::Span;
use crate::adapters::jsonl;
use crate::adapters::jsonl::Lift;
use crate::session::Head;
use crate::session::Native;
use crate::session::Record;

/// The agent's name.
const NAME: &str = "claude-code";

/// The adapter.
#[derive(Debug)]
pub(super) struct ClaudeCode;

impl Adapter for ClaudeCode {
    fn name(&self) -> &'static str {
        NAME
    }

    fn folder(&self, home: &Path, configured: Option<&Path>) -> PathBuf {
        configured.map_or_else(|| home.join(".claude"), Path::to_owned)
    }

    fn find(&self, folder: &Path) -> Found {
        find::find(folder)
    }

    fn source(
        &self,
        path: &Path,
        session: Option<&str>,
    ) -> Result<(Source, Option<Skipped>), Skipped> {
        find::source(path, session)
    }

    fn read(
        &self,
        path: &Path,
        from: &Position,
        each: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> io::Result<ReadOutcome> {
        let mut seen = Seen { path: path.to_owned(), unseen: from.offset, ids: HashSet::new() };
        jsonl::read(path, from, &mut seen, each)
    }

    fn read_spans(
        &self,
        path: &Path,
        spans: &[Span],
        each: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let mut seen = Seen { path: path.to_owned(), unseen: 0, ids: HashSet::new() };
        jsonl::read_spans(path, spans, &mut seen, each)
    }

    fn restore(
        &self,
        folder: &Path,
        workspace: &Path,
        session: (&Head, &[&Record]),
        subagents: &[(Head, Vec<Record>)],
    ) -> Vec<RestoredFile> {
        restore::restore(folder, workspace, session, subagents)
    }

    fn plan_hooks(
        &self,
        read: &dyn Fn(&Path) -> Option<String>,
        program: Option<&str>,
    ) -> Result<Vec<HookEdit>, String> {
        hooks::plan(read, program)
    }

    fn transcripts_told(&self, word: &str) -> Vec<PathBuf> {
        hooks::transcripts_told(word)
    }

    fn resume_command(&self, head: &Head, workspace: &Path) -> ResumeCommand {
        ResumeCommand {
            program: "claude".to_owned(),
            arguments: vec!["--resume".to_owned(), restore::resumed_id(head)],
            folder: workspace.to_owned(),
        }
    }
}

/// The ids of the records that stand before a line, as hashes.
///
/// A transcript may hold summaries of other sessions; one is about this session if the record it
/// ends at stands before it. So the same line gives the same record wherever reading began.
#[derive(Debug)]
struct Seen {
    path: PathBuf,
    /// How many bytes at the beginning of the file are yet to be looked at.
    unseen: u64,
    ids: HashSet<u64>,
}

impl Lift for Seen {
    fn is_record(object: &Native) -> bool {
        let is_text = |field: &str| object.get(field).is_some_and(Value::is_string);
        is_text("type") && ["uuid", "sessionId", "leafUuid", "messageId"].into_iter().any(is_text)
    }

    fn lift(&mut self, value: Value, native_line: Option<String>) -> io::Result<Record> {
        let is_summary = value.get("type").is_some_and(|it| it == lift::SUMMARY);
        let is_about_session = match value.get("leafUuid") {
            Some(Value::String(leaf)) if is_summary => self.has(leaf)?,
            _ => false,
        };
        self.add(&value);
        Ok(lift::lift(value, native_line, is_about_session))
    }
}

impl Seen {
    fn add(&mut self, line: &Value) {
        if let Some(Value::String(id)) = line.get("uuid") {
            self.ids.insert(hash(id));
        }
    }

    fn has(&mut self, id: &str) -> io::Result<bool> {
        let unseen = std::mem::take(&mut self.unseen);
        if unseen > 0 {
            let path = self.path.clone();
            jsonl::each_value::<Self>(&path, unseen, &mut |line| {
                self.add(&line);
                ControlFlow::Continue(())
            })?;
        }
        Ok(self.ids.contains(&hash(id)))
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
