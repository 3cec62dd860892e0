//! Capture: takes in what agents wrote since last time.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs::Metadata;
use std::path::Path;
use std::path::PathBuf;

use crate::adapters;
use crate::adapters::Adapter;
use crate::adapters::Found;
use crate::adapters::Position;
use crate::adapters::ReadOutcome;
use crate::adapters::Skipped;
use crate::adapters::Source;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::SourceState;
use crate::index::Sources;
use crate::platform::FileStamp;
use crate::redact::Clean;
use crate::repository::Progress;
use crate::repository::Repository;
use crate::repository::change::Planned;
use crate::repository::take::Take;
use crate::repository::take::Work;
use crate::repository::take::WorkFile;
use crate::session::Head;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::CommitNote;

/// How many bytes of agents' files go into one commit, at most: a long first capture keeps what
/// it has done when it is interrupted.
const COMMIT_BYTES: u64 = 64 * 1024 * 1024;

/// What to capture.
#[derive(Debug, Clone, Default)]
pub struct CaptureOptions {
    /// Agents; none: all.
    pub agents: Vec<String>,
    /// The home to look in instead of the user's.
    pub home: Option<PathBuf>,
    /// Single files instead of a home.
    pub paths: Vec<PathBuf>,
    /// The agent's session id for a single file.
    pub session: Option<String>,
    /// Only say what would be captured.
    pub dry_run: bool,
}

/// A captured session.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedSession {
    /// Its head now.
    pub head: Head,
    /// Messages that came.
    pub added: u64,
    /// Messages that left the view.
    pub removed: u64,
}

/// What a capture did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CaptureOutcome {
    /// Sessions that are new in the store.
    pub captured: Vec<CapturedSession>,
    /// Sessions that changed.
    pub updated: Vec<CapturedSession>,
    /// How many had nothing new.
    pub unchanged: u64,
    /// How many are deleted here and have nothing new.
    pub deleted: u64,
    /// What could not be read, and why.
    pub skipped: Vec<Skipped>,
    /// New redactions, by rule.
    pub redactions: BTreeMap<String, u64>,
    /// What the user should know, in whole sentences.
    pub notices: Vec<String>,
    /// The newest revision made; none: nothing was new.
    pub revision: Option<RevisionId>,
}

impl Repository {
    /// Takes in what agents wrote since last time. One bad file never stops the rest.
    ///
    /// # Errors
    /// `Invalid`: an agent that annals does not know. `Io`: a named home or file is not there.
    pub fn capture(
        &mut self,
        options: &CaptureOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<CaptureOutcome> {
        let mut outcome = CaptureOutcome::default();
        let mut sources = Sources::open(&self.store.private_folder())?;
        let mut works = self.plan_work(options, &sources, &mut outcome)?;
        if !works.is_empty() {
            // What was deleted is found in its past; and a damaged index is made anew here.
            self.index(|_| Ok(()))?;
        }
        let total = works.len() as u64;
        let mut done = 0;
        while !works.is_empty() {
            let mut bytes = 0;
            let is_within = |work: &Work| {
                bytes += work.bytes();
                bytes <= COMMIT_BYTES
            };
            let count = works.iter().map(is_within).take_while(|it| *it).count().max(1);
            let rest = works.split_off(count);
            self.capture_some(&works, options.dry_run, &mut sources, &mut outcome, &mut || {
                done += 1;
                progress(Progress { unit: "sessions", done, total });
            })?;
            works = rest;
        }
        Ok(outcome)
    }

    /// Takes in some sessions, in one commit.
    fn capture_some(
        &mut self,
        works: &[Work],
        dry_run: bool,
        sources: &mut Sources,
        outcome: &mut CaptureOutcome,
        step: &mut dyn FnMut(),
    ) -> Result<()> {
        let at = self.now();
        let bench = self.bench()?;
        let tip = bench.store.tip()?;
        let mut batch = bench.store.batch();
        let mut planned: Vec<Planned> = Vec::new();
        let mut takes: Vec<(SessionId, Take)> = Vec::new();
        for work in works {
            match bench.take(&mut batch, &tip, work) {
                Ok(mut take) => {
                    planned.extend(take.planned.take());
                    takes.push((work.session, take));
                }
                Err(error) => outcome.skip(work, &error)?,
            }
            step();
        }
        if dry_run {
            drop(batch);
            takes.into_iter().for_each(|(_, take)| outcome.count(take));
            return Ok(());
        }
        let by_session: HashMap<SessionId, &Work> =
            works.iter().map(|work| (work.session, work)).collect();
        let note = CommitNote { operation: "capture", subject: subject_of(&planned), at };
        let mut retaken: HashMap<SessionId, Take> = HashMap::new();
        let committed = bench.commit(batch, &note, planned, &mut |bench, batch, tip, id| {
            let Some(work) = by_session.get(&id) else {
                return Ok(None);
            };
            let mut take = bench.take(batch, tip, work)?;
            let planned = take.planned.take();
            retaken.insert(id, take);
            Ok(planned)
        })?;
        self.follow(&committed);
        outcome.revision = committed.revision.or_else(|| outcome.revision.take());
        let mut states = Vec::new();
        for (id, take) in takes {
            let mut take = retaken.remove(&id).unwrap_or(take);
            states.append(&mut take.states);
            outcome.count(take);
        }
        Ok(sources.put_all(&states)?)
    }

    /// The sessions whose files are not as they were last time.
    fn plan_work(
        &self,
        options: &CaptureOptions,
        sources: &Sources,
        outcome: &mut CaptureOutcome,
    ) -> Result<Vec<Work>> {
        let mut works: Vec<Work> = Vec::new();
        let mut places: HashMap<SessionId, usize> = HashMap::new();
        let found = self.find_sources(options, outcome)?;
        let known = match options.paths.as_slice() {
            [] => sources.load_all()?,
            _ => sources.load(found.iter().map(|(_, source)| source.path.as_path()))?,
        };
        for (adapter, source) in found {
            let metadata = match source.path.metadata() {
                Ok(metadata) => metadata,
                Err(error) => {
                    let reason = format!("it cannot be read: {error}");
                    outcome
                        .skipped
                        .push(Skipped { path: source.path.display().to_string(), reason });
                    continue;
                }
            };
            let state = known.find(&source.path).cloned();
            let place = *places.entry(source.session).or_insert_with(|| {
                works.push(Work { adapter, session: source.session, files: Vec::new() });
                works.len() - 1
            });
            works[place].files.push(WorkFile { source, state, metadata });
        }
        let before = works.len();
        works.retain(Work::has_changed);
        outcome.unchanged = (before - works.len()) as u64;
        Ok(works)
    }

    fn find_sources(
        &self,
        options: &CaptureOptions,
        outcome: &mut CaptureOutcome,
    ) -> Result<Vec<(&'static dyn Adapter, Source)>> {
        let adapters = wanted(&options.agents)?;
        let mut sources = Vec::new();
        if !options.paths.is_empty() {
            for path in &options.paths {
                let path = self.environment.current.join(path);
                sources.push(source_of(&adapters, &path, options.session.as_deref())?);
            }
            return Ok(sources);
        }
        if let Some(home) = options.home.as_ref().filter(|home| !home.is_dir()) {
            let message = format!("there is no folder {}", home.display());
            return Err(Error::new(ErrorKind::Io, message));
        }
        for adapter in adapters {
            let folder = self.agent_folder(adapter, options.home.as_deref());
            let Found { sources: found, skipped } = adapter.find(&folder);
            sources.extend(found.into_iter().map(|source| (adapter, source)));
            outcome.skipped.extend(skipped);
        }
        Ok(sources)
    }
}

impl CaptureOutcome {
    fn count(&mut self, take: Take) {
        self.skipped.extend(take.skipped);
        self.notices.extend(take.notices);
        for (rule, count) in take.redactions {
            *self.redactions.entry(rule).or_default() += count;
        }
        match take.captured {
            Some(captured) if take.is_new => self.captured.push(captured),
            Some(captured) => self.updated.push(captured),
            None if take.is_deleted => self.deleted += 1,
            None => self.unchanged += 1,
        }
    }

    /// A session that cannot be read is skipped; damage to the store is no fault of the session's.
    fn skip(&mut self, work: &Work, error: &Error) -> Result<()> {
        let is_fatal =
            matches!(error.kind(), ErrorKind::Locked | ErrorKind::TooNew | ErrorKind::Internal);
        if is_fatal {
            return Err(Error::new(error.kind(), error.to_string()));
        }
        let path = work.files.first().map(|file| file.source.path.display().to_string());
        self.skipped.push(Skipped { path: path.unwrap_or_default(), reason: error.to_string() });
        Ok(())
    }
}

/// What is known of a file that was just read to its end or written; `tree`: the session's, when
/// its stream ends where the file does.
pub(super) fn state_of(
    adapter: &dyn Adapter,
    path: &Path,
    session: SessionId,
    tree: Option<String>,
) -> Result<SourceState> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Io, format!("cannot read {}: {error}", path.display()))
    };
    let metadata = path.metadata().map_err(failed)?;
    let outcome = adapter
        .read(path, &Position::default(), &mut |_| std::ops::ControlFlow::Continue(()))
        .map_err(failed)?;
    let ReadOutcome::Finished(position) = outcome else {
        return Err(Error::new(ErrorKind::Io, format!("{} changed meanwhile", path.display())));
    };
    let mut state = state_at(&metadata, session, &position);
    state.tree = tree;
    Ok(state)
}

/// What is known of a file that was read up to `position`.
pub(super) fn state_at(
    metadata: &Metadata,
    session: SessionId,
    position: &Position,
) -> SourceState {
    SourceState {
        stamp: FileStamp::of(metadata),
        session,
        offset: position.offset,
        lines: position.lines,
        prefix: position.prefix.clone(),
        tree: None,
        foreign: Vec::new(),
        findings: Vec::new(),
        has_tail: false,
        is_restored: false,
    }
}

/// The names of the agents whose sessions can be captured.
pub fn known_agents() -> Vec<&'static str> {
    adapters::all().iter().map(|adapter| adapter.name()).collect()
}

fn wanted(names: &[String]) -> Result<Vec<&'static dyn Adapter>> {
    if names.is_empty() {
        return Ok(adapters::all().to_vec());
    }
    let find = |name: &String| {
        adapters::find(name).ok_or_else(|| {
            let known = known_agents().join(", ");
            let message = format!("annals does not know the agent {name}, only {known}");
            Error::new(ErrorKind::Invalid, message)
        })
    };
    names.iter().map(find).collect()
}

/// The agent whose file it is, and the session in it.
fn source_of(
    adapters: &[&'static dyn Adapter],
    path: &Path,
    session: Option<&str>,
) -> Result<(&'static dyn Adapter, Source)> {
    if !path.exists() {
        let message = format!("there is no file {}", path.display());
        return Err(Error::new(ErrorKind::Io, message));
    }
    let mut reason = String::from("no agent's session");
    for adapter in adapters {
        match adapter.source(path, session) {
            Ok(source) => return Ok((*adapter, source)),
            Err(skipped) => reason = skipped.reason,
        }
    }
    Err(Error::new(ErrorKind::Invalid, format!("{}: {reason}", path.display())))
}

fn subject_of(planned: &[Planned]) -> Clean<String> {
    match planned {
        [] => Clean::stored(String::from("nothing")),
        [one] => one.subject.clone(),
        [one, ..] => one.subject.derive(|_| {
            let added: u64 = planned.iter().map(|planned| planned.added).sum();
            format!("{} sessions (+{added} messages)", planned.len())
        }),
    }
}
