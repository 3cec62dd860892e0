//! Hooks: agents that call annals by themselves.
//!
//! What is put into an agent's folder, and taken out again, is planned first: one change a file. A
//! settings file is copied beside itself before it is changed for the first time.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::adapters;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::platform;
use crate::platform::Environment;
use crate::repository::restore::agent_folder;

/// What the copy of a file is called that was there before annals changed it.
const COPY: &str = "before-annals";

/// The largest file in an agent's folder that is read to be changed, in bytes.
const LIMIT: u64 = 4 << 20;

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookChange {
    /// It is made.
    Made,
    /// It is changed.
    Changed,
    /// It goes.
    Removed,
}

/// What is to happen in an agent's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookPlan {
    /// The agent.
    pub agent: &'static str,
    /// Its folder.
    pub folder: PathBuf,
    /// The files, and what they are to hold; none: they go.
    files: Vec<(PathBuf, HookChange, Option<String>)>,
}

impl HookPlan {
    /// What makes `agent` call `program` by itself, or, with none, what makes it do so no more.
    /// `home`: another home than the user's.
    ///
    /// # Errors
    /// `Invalid`: annals does not know the agent, or its settings cannot be edited.
    pub fn of(
        environment: &Environment,
        agent: &str,
        home: Option<&Path>,
        program: Option<&Path>,
    ) -> Result<Self> {
        let adapter = adapters::find(agent).ok_or_else(|| {
            let known = Self::agents().join(", ");
            let message =
                format!("there are no hooks for {agent:?}; there are for {known} and git");
            Error::new(ErrorKind::Invalid, message)
        })?;
        let folder = agent_folder(environment, adapter, home);
        let program = program.map(|program| quoted(&program.to_string_lossy()));
        // What cannot be read is not replaced as if it were not there.
        let unread = Cell::new(None);
        let read = |path: &Path| {
            let path = folder.join(path);
            match platform::read_text_within(&path, LIMIT) {
                Ok(text) => Some(text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => {
                    unread.set(Some(format!("{} cannot be edited: {error}", path.display())));
                    None
                }
            }
        };
        let edits = adapter.plan_hooks(&read, program.as_deref()).map_err(|cause| {
            Error::new(ErrorKind::Invalid, format!("{}: {cause}", folder.display()))
        })?;
        if let Some(message) = unread.take() {
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let files = edits.into_iter().map(|edit| {
            let path = folder.join(edit.path);
            let change = match (&edit.text, path.exists()) {
                (None, _) => HookChange::Removed,
                (Some(_), true) => HookChange::Changed,
                (Some(_), false) => HookChange::Made,
            };
            (path, change, edit.text)
        });
        let files = files.collect();
        Ok(Self { agent: adapter.name(), folder, files })
    }

    /// The agents that have hooks.
    pub fn agents() -> Vec<&'static str> {
        adapters::all().iter().map(|adapter| adapter.name()).collect()
    }

    /// The files, and what happens to each.
    pub fn files(&self) -> impl Iterator<Item = (&Path, HookChange)> {
        self.files.iter().map(|(path, change, _)| (path.as_path(), *change))
    }

    /// Does it.
    ///
    /// # Errors
    /// `Io` or `Denied`: a file cannot be written; those before it are.
    pub fn apply(&self) -> Result<()> {
        for (path, change, text) in &self.files {
            write(path, *change, text.as_deref()).map_err(|error| {
                let kind = match error.kind() {
                    io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                    _ => ErrorKind::Io,
                };
                Error::new(kind, format!("cannot write {}", path.display())).because(error)
            })?;
        }
        Ok(())
    }
}

/// The transcripts that an agent tells its hook of: only files that are there.
pub fn transcripts_told(agent: &str, word: &str) -> Vec<PathBuf> {
    adapters::find(agent).map(|it| it.transcripts_told(word)).unwrap_or_default()
}

fn write(path: &Path, change: HookChange, text: Option<&str>) -> io::Result<()> {
    let Some(text) = text else {
        return fs::remove_file(path);
    };
    if let Some(folder) = path.parent() {
        platform::create_private_folder(folder)?;
    }
    // The file itself, when the user keeps it elsewhere.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if change == HookChange::Changed {
        keep_copy(&path)?;
    }
    platform::write_atomic(&path, text.as_bytes())
}

/// The first copy stays: it is what the user had.
fn keep_copy(path: &Path) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(COPY);
    match platform::write_new(&path.with_file_name(name), &fs::read(path)?) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A path as a word of a shell's command.
pub(super) fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', r"'\''"))
}
