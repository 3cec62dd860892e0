//! Writing a session back as its agent's files.

use std::path::Path;
use std::path::PathBuf;

use crate::adapters;
use crate::adapters::Adapter;
use crate::adapters::ResumeCommand;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::Sources;
use crate::platform;
use crate::platform::Environment;
use crate::repository::CaptureOptions;
use crate::repository::Operation;
use crate::repository::PlaceSource;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::capture::state_of;
use crate::repository::observing::attempted;
use crate::repository::observing::observed;
use crate::session::Head;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;

/// A file that changed so lately is taken to be in use, in seconds.
const LIVE_SECONDS: i64 = 60;

/// How restore works.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// The agent to restore for; none: the session's own.
    pub agent: Option<String>,
    /// The home to write to instead of the user's.
    pub home: Option<PathBuf>,
    /// The workspace instead of the recorded one.
    pub workspace: Option<PathBuf>,
    /// Write over a newer or live file.
    pub force: bool,
    /// Write nothing, only say what would be written.
    pub dry_run: bool,
}

/// What a restore wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreOutcome {
    /// The session.
    pub head: Head,
    /// The files, the session's own first.
    pub files: Vec<PathBuf>,
    /// The command that resumes it.
    pub command: ResumeCommand,
    /// Whether the workspace exists.
    pub workspace_exists: bool,
    /// How the workspace was found.
    pub place: PlaceSource,
    /// How many redactions its texts carry.
    pub redacted: u64,
    /// Context files that do not exist.
    pub missing_files: Vec<String>,
    /// What is known of workspaces and cannot be used, or could not be noted.
    pub notices: Vec<String>,
}

impl Repository {
    /// Writes the agent's files, so that the agent finds the session and can resume it.
    ///
    /// # Errors
    /// `Conflict`: a file is there that was changed since it was captured, or just now.
    /// `Invalid`: the agent is not one that annals can write for.
    pub fn restore(&mut self, at: &SessionAt, options: &RestoreOptions) -> Result<RestoreOutcome> {
        if options.dry_run {
            return attempted(self, Operation::Restore, &[at.id], |it| it.write_files(at, options));
        }
        observed(self, Operation::Restore, &[at.id], |it| it.write_files(at, options))
    }

    fn write_files(&mut self, at: &SessionAt, options: &RestoreOptions) -> Result<RestoreOutcome> {
        // What is written over must be in main still.
        drop(self.sources()?);
        let (head, view) = self.seen(&at.revision, at.id)?;
        let adapter = adapter_for(&head, options.agent.as_deref())?;
        let folder = self.agent_folder(adapter, options.home.as_deref());
        let mut place = self.place_of(&head, options)?;
        let workspace = place.folder.clone();
        let mut subagents = Vec::new();
        for id in self.index(|index| index.subagents(at.id))? {
            if self.find_stored(&at.revision, id)?.is_some() {
                subagents.push(self.seen(&at.revision, id)?);
            }
        }
        let view: Vec<&Record> = view.iter().collect();
        let files = adapter.restore(&folder, &workspace, (&head, &view), &subagents);
        let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
        for file in &files {
            self.check_target(&file.path, &file.bytes, options.force)?;
        }
        if !options.dry_run {
            if options.force {
                self.capture_before_overwriting(&paths)?;
            }
            for file in &files {
                write(&file.path, &file.bytes)?;
                self.remember(adapter, &file.path, at)?;
            }
            let notice = self.learn_place(&head, &place);
            place.notices.extend(notice);
        }
        Ok(RestoreOutcome {
            files: paths,
            command: adapter.resume_command(&head, &workspace),
            workspace_exists: workspace.is_dir(),
            place: place.source,
            redacted: head.redactions.values().sum(),
            missing_files: missing_files(&head, Some(&workspace)),
            notices: place.notices,
            head,
        })
    }

    /// The folder in which an agent keeps its files.
    pub(super) fn agent_folder(&self, adapter: &dyn Adapter, home: Option<&Path>) -> PathBuf {
        agent_folder(&self.environment, adapter, home)
    }

    /// A session's head and its records in view.
    fn seen(&self, revision: &RevisionId, id: SessionId) -> Result<(Head, Vec<Record>)> {
        let stored = self.stored(revision, id)?;
        let head = self.store.head(&stored)?.into_inner();
        let records = self.store.records(&stored)?.into_inner();
        let session = crate::session::Session { id, records };
        Ok((head, session.view().cloned().collect()))
    }

    /// Refuses to write over what the store does not hold, or what is in use.
    fn check_target(&self, path: &Path, bytes: &[u8], force: bool) -> Result<()> {
        let Ok(metadata) = path.symlink_metadata() else {
            return Ok(());
        };
        let conflict =
            |what: &str| Err(Error::new(ErrorKind::Conflict, format!("{} {what}", path.display())));
        if !metadata.is_file() {
            return conflict("is no plain file");
        }
        let is_same = metadata.len() == bytes.len() as u64
            && std::fs::read(path).is_ok_and(|there| there == bytes);
        if force || is_same {
            return Ok(());
        }
        let known = Sources::open(&self.store.private_folder())?.find(path)?;
        let Some(known) = known.filter(|known| known.is_unchanged(&metadata)) else {
            return conflict("was changed since it was last captured");
        };
        let changed = metadata.modified().ok().map(chrono::DateTime::<chrono::Utc>::from);
        let age = changed.map(|changed| (self.now() - changed).num_seconds());
        if !known.is_restored && age.is_some_and(|age| (0..LIVE_SECONDS).contains(&age)) {
            return conflict("changed less than a minute ago: the session may be in use");
        }
        Ok(())
    }

    /// What is about to be written over goes into history first.
    fn capture_before_overwriting(&mut self, paths: &[PathBuf]) -> Result<()> {
        for path in paths.iter().filter(|path| path.is_file()) {
            let is_session = path.extension().is_some_and(|extension| extension == "jsonl");
            if is_session {
                let paths = vec![path.clone()];
                let options = CaptureOptions { paths, ..CaptureOptions::default() };
                self.capture(&options, &mut |_| {})?;
            }
        }
        Ok(())
    }

    /// What was just written has nothing new for the next capture.
    fn remember(&self, adapter: &dyn Adapter, path: &Path, at: &SessionAt) -> Result<()> {
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            return Ok(());
        }
        let Ok((source, _)) = adapter.source(path, None) else {
            return Ok(());
        };
        let tip = self.newest_revision()?;
        let Some(stored) = self.find_stored(&tip, source.session)? else {
            return Ok(());
        };
        let past = self.find_stored(&at.revision, source.session)?;
        // Only the newest revision can be continued from where this file ends.
        let tree = past.filter(|past| past.tree == stored.tree).map(|it| it.tree.to_string());
        let mut state = state_of(adapter, path, source.session, tree)?;
        state.is_restored = true;
        let states = [(path.to_owned(), state)];
        Ok(Sources::open(&self.store.private_folder())?.put_all(&states, &tip)?)
    }
}

/// The agents in which a session of that agent can be resumed.
pub fn agents_for(agent: &str) -> Vec<&'static str> {
    // What one agent wrote, no other reads.
    let adapter = adapters::find(agent);
    adapter.into_iter().map(Adapter::name).collect()
}

fn adapter_for(head: &Head, wanted: Option<&str>) -> Result<&'static dyn Adapter> {
    let name = wanted.unwrap_or(&head.agent.name);
    let adapter = adapters::find(name).ok_or_else(|| {
        let known: Vec<&str> = adapters::all().iter().map(|adapter| adapter.name()).collect();
        let whose = match wanted {
            Some(name) => format!("annals cannot write files for {name}"),
            None => {
                format!("session {} is of {name}, which has no files to write", head.id.short())
            }
        };
        let message = format!("{whose}; annals writes those of {}", known.join(", "));
        Error::new(ErrorKind::Invalid, message)
    })?;
    if !agents_for(&head.agent.name).contains(&adapter.name()) {
        let message = format!(
            "session {} is of {}: it cannot be restored for {name}",
            head.id.short(),
            head.agent.name
        );
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    Ok(adapter)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Io, format!("cannot write {}: {error}", path.display()))
    };
    if let Some(folder) = path.parent() {
        platform::create_private_folder(folder).map_err(failed)?;
    }
    platform::write_atomic(path, bytes).map_err(failed)
}
/// The folder in which an agent keeps its files; `home`: another one than the user's.
pub(super) fn agent_folder(
    environment: &Environment,
    adapter: &dyn Adapter,
    home: Option<&Path>,
) -> PathBuf {
    let Some(home) = home else {
        let configured = match adapter.name() {
            "claude-code" => environment.claude_config_dir.as_deref(),
            "codex" => environment.codex_home.as_deref(),
            _ => None,
        };
        return adapter.folder(&environment.home, configured);
    };
    adapter.folder(home, None)
}

/// The context files of a session that are not there now; relative ones lie in the workspace.
pub(super) fn missing_files(head: &Head, workspace: Option<&Path>) -> Vec<String> {
    let folder = workspace.unwrap_or(Path::new(""));
    let is_missing = |path: &&String| !folder.join(path).exists();
    head.context_files.iter().filter(is_missing).cloned().collect()
}
