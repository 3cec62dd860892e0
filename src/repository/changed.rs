//! Which sessions have files that are not as they were when they were last read.

use std::collections::HashMap;
use std::collections::HashSet;
use std::io;
use std::path::Path;

use crate::adapters;
use crate::adapters::Adapter;
use crate::adapters::FoundFile;
use crate::adapters::Skipped;
use crate::adapters::Source;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::Filter;
use crate::index::Sources;
use crate::repository::CaptureOptions;
use crate::repository::CaptureOutcome;
use crate::repository::Repository;
use crate::repository::take::Work;
use crate::repository::take::WorkFile;
use crate::session::SessionId;

/// The sessions to be taken in, in the order they were found.
#[derive(Default)]
struct Plan {
    works: Vec<Work>,
    /// The place of each session in `works`.
    places: HashMap<SessionId, usize>,
}

impl Plan {
    fn add(&mut self, adapter: &'static dyn Adapter, file: WorkFile) -> &mut Work {
        let session = file.source.session;
        let place = *self.places.entry(session).or_insert_with(|| {
            let files = Vec::new();
            self.works.push(Work { adapter, session, files, is_named_by_user: false });
            self.works.len() - 1
        });
        let work = &mut self.works[place];
        work.files.push(file);
        work
    }
}

impl Repository {
    /// The sessions to be taken in. What has nothing new is counted in `outcome`, what cannot be
    /// read is listed there.
    pub(super) fn plan_work(
        &self,
        options: &CaptureOptions,
        sources: &mut Sources,
        outcome: &mut CaptureOutcome,
    ) -> Result<Vec<Work>> {
        let adapters = wanted(&options.agents)?;
        if options.paths.is_empty() {
            self.plan_home(&adapters, options.home.as_deref(), sources, outcome)
        } else {
            self.plan_files(&adapters, options, sources, outcome)
        }
    }

    /// What was read of the agents' files, without that of sessions which main lost since: somebody
    /// may have moved it back, or taken them out of it, by git alone.
    pub(super) fn sources(&mut self) -> Result<Sources> {
        let mut sources = Sources::open(&self.store.private_folder())?;
        let tip = self.newest_revision()?;
        let taken_by = sources.taken_by()?;
        if taken_by.as_ref().is_none_or(|revision| *revision == tip) {
            return Ok(sources);
        }
        let all = Filter { with_subagents: true, ..Filter::default() };
        let (is_followed, there) = self.index(|index| {
            let is_followed = taken_by.as_ref().is_some_and(|it| index.is_followed(it));
            Ok((is_followed, index.matching(&all)?))
        })?;
        // What was saved since an older revision that stands in for the newest cannot be known.
        if self.index.unread().is_some() {
            return Ok(sources);
        }
        let there: HashSet<SessionId> = there.into_iter().collect();
        let is_deleted = |id| matches!(self.store.tombstone(&tip, id), Ok(Some(_)));
        sources.forget(&|id| !is_followed || !there.contains(&id) && !is_deleted(id), &tip)?;
        Ok(sources)
    }

    /// Files that look as they did cost a look at each, and are not opened: a home may hold tens
    /// of thousands.
    fn plan_home(
        &self,
        adapters: &[&'static dyn Adapter],
        home: Option<&Path>,
        sources: &mut Sources,
        outcome: &mut CaptureOutcome,
    ) -> Result<Vec<Work>> {
        if let Some(home) = home.filter(|home| !home.is_dir()) {
            let message = format!("there is no folder {}", home.display());
            return Err(Error::new(ErrorKind::Io, message));
        }
        let known = sources.load_all()?;
        let mut plan = Plan::default();
        let mut unchanged: Vec<(SessionId, &'static dyn Adapter, FoundFile)> = Vec::new();
        for adapter in adapters {
            let found = adapter.find(&self.agent_folder(*adapter, home));
            outcome.skipped.extend(found.skipped);
            for file in found.files {
                match known.find_unchanged(&file.path, &file.metadata) {
                    Some(session) => unchanged.push((session, *adapter, file)),
                    None => add_file(&mut plan, *adapter, file, sources, outcome)?,
                }
            }
        }
        let mut sessions = HashSet::new();
        for (session, adapter, file) in unchanged {
            if plan.places.contains_key(&session) {
                // All files of a session are read together.
                add_file(&mut plan, adapter, file, sources, outcome)?;
            } else {
                sessions.insert(session);
            }
        }
        outcome.unchanged = sessions.len() as u64;
        Ok(plan.works)
    }

    fn plan_files(
        &self,
        adapters: &[&'static dyn Adapter],
        options: &CaptureOptions,
        sources: &mut Sources,
        outcome: &mut CaptureOutcome,
    ) -> Result<Vec<Work>> {
        let mut plan = Plan::default();
        for path in &options.paths {
            let path = self.environment.current.join(path);
            let (adapter, source) = source_of(adapters, &path, options.session.as_deref())?;
            let own = |own: Source| own.session == source.session;
            let is_named = options.session.is_some()
                && !adapter.source(&path, None).is_ok_and(|(source, _)| own(source));
            match path.metadata() {
                Ok(metadata) => {
                    let state = sources.find(&path)?;
                    let file = WorkFile { source, state, metadata };
                    plan.add(adapter, file).is_named_by_user |= is_named;
                }
                Err(error) => outcome.skipped.push(unreadable(&path, &error)),
            }
        }
        let before = plan.works.len();
        plan.works.retain(Work::has_changed);
        outcome.unchanged = (before - plan.works.len()) as u64;
        Ok(plan.works)
    }
}

/// Looks which session is in a file, and plans to read it.
fn add_file(
    plan: &mut Plan,
    adapter: &'static dyn Adapter,
    file: FoundFile,
    sources: &mut Sources,
    outcome: &mut CaptureOutcome,
) -> Result<()> {
    match adapter.source(&file.path, None) {
        Ok((source, skipped)) => {
            outcome.skipped.extend(skipped);
            let state = sources.find(&file.path)?;
            plan.add(adapter, WorkFile { source, state, metadata: file.metadata });
        }
        Err(skipped) => outcome.skipped.push(skipped),
    }
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Skipped {
    let reason = format!("it cannot be read: {error}");
    Skipped { path: path.display().to_string(), reason }
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
            Ok((source, _)) => return Ok((*adapter, source)),
            Err(skipped) => reason = skipped.reason,
        }
    }
    Err(Error::new(ErrorKind::Invalid, format!("{}: {reason}", path.display())))
}
