//! Capture: takes in what agents wrote since last time.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs::Metadata;
use std::path::Path;
use std::path::PathBuf;

use crate::adapters::Adapter;
use crate::adapters::Position;
use crate::adapters::ReadOutcome;
use crate::adapters::Skipped;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::SourceState;
use crate::index::Sources;
use crate::platform::FileStamp;
use crate::redact::Clean;
use crate::redact::Redactor;
use crate::redact::Rules;
use crate::repository::Operation;
use crate::repository::Progress;
use crate::repository::Repository;
use crate::repository::change::Planned;
use crate::repository::observing::attempted;
use crate::repository::observing::observed;
use crate::repository::take::Take;
use crate::repository::take::Work;
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
    /// Whether some of that is the store's own damage: it is taken in once that is mended.
    pub is_damaged: bool,
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
        if options.dry_run {
            return attempted(self, Operation::Capture, &[], |it| {
                it.capture_all(options, progress)
            });
        }
        observed(self, Operation::Capture, &[], |it| it.capture_all(options, progress))
    }

    fn capture_all(
        &mut self,
        options: &CaptureOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<CaptureOutcome> {
        if options.dry_run {
            self.catch_up()?;
        } else {
            self.ready_to_write()?;
        }
        // Where the rules cannot be loaded, that is told even when nothing is new.
        self.rules()?;
        let mut outcome = CaptureOutcome::default();
        let mut sources = self.sources()?;
        let mut works = self.plan_work(options, &mut sources, &mut outcome)?;
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
        outcome.clean(self.rules()?);
        if !options.dry_run {
            let taken = outcome.captured.iter().chain(&outcome.updated);
            let notice = self.learn_roots(taken.map(|captured| &captured.head));
            outcome.notices.extend(notice);
            self.index_texts(progress);
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
        batch.keep_from_pruning()?;
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
            // Which session is in the file the user said, and may say otherwise next time.
            if !by_session.get(&id).is_some_and(|work| work.is_named_by_user) {
                states.append(&mut take.states);
            }
            outcome.count(take);
        }
        Ok(sources.put_all(&states, &self.store.tip()?)?)
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

    /// Takes secrets out of what is told of files: a name may hold one.
    fn clean(&mut self, rules: &Rules) {
        for Skipped { path, reason } in &mut self.skipped {
            let mut redactor = Redactor::new(rules);
            for text in [path, reason] {
                *text = redactor.text("", std::mem::take(text)).into_inner();
            }
        }
    }

    /// A session that cannot be read is skipped; damage to the store is no fault of the session's.
    fn skip(&mut self, work: &Work, error: &Error) -> Result<()> {
        if matches!(error.kind(), ErrorKind::Locked | ErrorKind::Internal) {
            return Err(Error::new(error.kind(), error.to_string()));
        }
        self.is_damaged |= error.kind() == ErrorKind::Corrupt;
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
