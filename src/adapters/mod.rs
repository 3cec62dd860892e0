//! One file per agent: its native transcript → session, and back where it can; its hooks and
//! settings.

mod claude;
mod json;
mod jsonl;
mod lines;
mod mend;

use std::fs::Metadata;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;

use crate::session::AnnalsEvent;
use crate::session::Head;
use crate::session::Record;
use crate::session::SessionId;

/// A file of an agent's that holds a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// The agent's name (`claude-code`).
    pub agent: &'static str,
    /// The session in it.
    pub session: SessionId,
    /// The agent's own id of the session.
    pub native_id: String,
    /// What is known of the session that its records do not say: origin, parent.
    pub facts: Vec<AnnalsEvent>,
}

/// Something that could not be taken in, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    /// The file or folder (with `:line` where one line is meant).
    pub path: String,
    /// Why.
    pub reason: String,
}

/// A file of an agent's that holds a session, not looked into yet.
#[derive(Debug)]
pub struct FoundFile {
    /// The file.
    pub path: PathBuf,
    /// How it looks.
    pub metadata: Metadata,
}

/// The files of an agent that hold sessions.
#[derive(Debug, Default)]
pub struct Found {
    /// The files, parents before their sub-agents, in a fixed order.
    pub files: Vec<FoundFile>,
    /// Files and folders that could not be looked into.
    pub skipped: Vec<Skipped>,
}

/// Where a reader stopped, so that the next one goes on from there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    /// Bytes read, up to the end of the last item that was given and is no tail.
    pub offset: u64,
    /// Line ends among them.
    pub lines: u64,
    /// The SHA-256 of those bytes, in hex.
    pub prefix: String,
}

/// What was read of a file.
#[derive(Debug)]
pub struct Item {
    /// The record.
    pub record: Record,
    /// Why it is [`Record::Unreadable`], if it is.
    pub skipped: Option<Skipped>,
    /// The line it stands on.
    pub span: Span,
}

/// The place of a line in its file: from its first byte up to behind its last, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u64,
    /// Behind the last byte.
    pub end: u64,
}

/// How reading a file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadOutcome {
    /// At its end, or where `each` said so; the next reader goes on from there.
    Finished(Position),
    /// Nothing was read: the file is shorter than what was read of it, or begins otherwise. It is
    /// to be read from the start.
    Rewritten,
}

/// A file that puts a session back.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoredFile {
    /// Where the file goes.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// A change of a file in an agent's folder, which makes the agent call annals, or call it no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEdit {
    /// The file, in the agent's folder.
    pub path: PathBuf,
    /// What it is to hold; none: it goes.
    pub text: Option<String>,
}

/// The command that resumes a session in its agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeCommand {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The folder to start it in.
    pub folder: PathBuf,
}

/// An agent whose sessions annals can read and write.
pub trait Adapter: std::fmt::Debug + Sync {
    /// The agent's name (`claude-code`).
    fn name(&self) -> &'static str;
    /// The folder under `home` in which it keeps its files; `configured`: the one that its own
    /// environment variable names.
    fn folder(&self, home: &Path, configured: Option<&Path>) -> PathBuf;
    /// The files under `folder` that hold sessions: a look at each, none into it.
    fn find(&self, folder: &Path) -> Found;
    /// The session in a file, wherever it lies, and what beside it could not be read; `session`:
    /// the id to take instead of the one it has.
    fn source(
        &self,
        path: &Path,
        session: Option<&str>,
    ) -> Result<(Source, Option<Skipped>), Skipped>;
    /// Reads the records of a file from `from` on, if what was read before still stands there.
    /// `each` gets every item, in order, and may stop the reading. A last line without an end is
    /// a record if it is whole; if not, it is given as a tail and not counted as read.
    fn read(
        &self,
        path: &Path,
        from: &Position,
        each: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> io::Result<ReadOutcome>;
    /// Reads single lines of a file again, without a look at the rest of it. A line that is not
    /// there any more gives nothing.
    fn read_spans(
        &self,
        path: &Path,
        spans: &[Span],
        each: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> io::Result<()>;
    /// The files that put the session back into `folder`, for the workspace `workspace`.
    /// `session`: its head and its view. `subagents`: the sessions that it started, each with its
    /// view. None if another agent wrote the session.
    fn restore(
        &self,
        folder: &Path,
        workspace: &Path,
        session: (&Head, &[&Record]),
        subagents: &[(Head, Vec<Record>)],
    ) -> Vec<RestoredFile>;
    /// What to change in the agent's folder, so that it calls `program` by itself at the end of a
    /// turn; none: so that it does no more. `read` says what a file there holds.
    ///
    /// # Errors
    /// Why the agent's settings cannot be edited.
    fn plan_hooks(
        &self,
        read: &dyn Fn(&Path) -> Option<String>,
        program: Option<&str>,
    ) -> Result<Vec<HookEdit>, String>;
    /// The transcripts that the agent tells its hook of: only files that are there.
    fn transcripts_told(&self, word: &str) -> Vec<PathBuf>;
    /// How the restored session is resumed in `workspace`.
    fn resume_command(&self, head: &Head, workspace: &Path) -> ResumeCommand;
}

/// All agents that annals knows.
pub fn all() -> &'static [&'static dyn Adapter] {
    &[&claude::ClaudeCode]
}

/// The agent of that name.
pub fn find(name: &str) -> Option<&'static dyn Adapter> {
    all().iter().copied().find(|adapter| adapter.name() == name)
}
