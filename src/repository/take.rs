//! Taking one session in: from its agent's files, on top of what a revision has of it.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::fs::Metadata;
use std::path::PathBuf;

use crate::adapters::Adapter;
use crate::adapters::Position;
use crate::adapters::Skipped;
use crate::adapters::Source;
use crate::adapters::Span;
use crate::error::Result;
use crate::index::SourceState;
use crate::redact::Clean;
use crate::repository::CapturedSession;
use crate::repository::change::Bench;
use crate::repository::change::Planned;
use crate::repository::change::planned;
use crate::repository::delete::shorten;
use crate::repository::intake::Intake;
use crate::repository::reading::Reading;
use crate::repository::reading::remembered;
use crate::session::Action;
use crate::session::Aligner;
use crate::session::Alignment;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::Change;
use crate::store::StoredSession;

/// A session to be taken in.
pub(super) struct Work {
    pub(super) adapter: &'static dyn Adapter,
    pub(super) session: SessionId,
    pub(super) files: Vec<WorkFile>,
    /// Whether the user said which session it is, and the file says otherwise.
    pub(super) is_named_by_user: bool,
}

/// One of its files.
pub(super) struct WorkFile {
    pub(super) source: Source,
    pub(super) state: Option<SourceState>,
    pub(super) metadata: Metadata,
}

/// What taking a session in gave.
#[derive(Default)]
pub(super) struct Take {
    pub(super) planned: Option<Planned>,
    pub(super) captured: Option<CapturedSession>,
    pub(super) is_new: bool,
    pub(super) is_deleted: bool,
    pub(super) redactions: BTreeMap<String, u64>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) notices: Vec<String>,
    /// What to remember of each file once the commit is durable.
    pub(super) states: Vec<(PathBuf, SourceState)>,
}

impl Work {
    /// Bytes of its files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.metadata.len()).sum()
    }

    /// Whether a file is not as it was last time.
    pub(super) fn has_changed(&self) -> bool {
        self.files.iter().any(|file| {
            let state = file.state.as_ref().filter(|state| state.session == self.session);
            state.is_none_or(|state| !state.is_unchanged(&file.metadata))
        })
    }
}

impl Bench<'_> {
    /// Takes a session in, on top of what `tip` has of it.
    pub(super) fn take(
        &self,
        batch: &mut Batch<'_>,
        tip: &RevisionId,
        work: &Work,
    ) -> Result<Take> {
        let base = self.store.session(tip, work.session)?;
        if let (Some(base), [file]) = (&base, work.files.as_slice())
            && let Some(take) = self.take_longer(batch, base, work, file)?
        {
            return Ok(take);
        }
        match base {
            Some(base) => self.take_changed(batch, Some(&base), &base, work),
            None => match self.store.tombstone(tip, work.session)? {
                Some(tombstone) => self.take_deleted(batch, &tombstone.keys, work),
                None => self.take_new(batch, work),
            },
        }
    }

    /// Takes in what was appended to a file whose session ends where the file ended last time.
    /// None: it is not so, or earlier records must change.
    fn take_longer(
        &self,
        batch: &mut Batch<'_>,
        base: &StoredSession,
        work: &Work,
        file: &WorkFile,
    ) -> Result<Option<Take>> {
        let tree = base.tree.to_string();
        let ends_there =
            |state: &&SourceState| state.tree.as_ref() == Some(&tree) && !state.has_tail;
        let state = file.state.as_ref().filter(ends_there);
        let Some(state) = state else { return Ok(None) };
        let path = &file.source.path;
        let from =
            Position { offset: state.offset, lines: state.lines, prefix: state.prefix.clone() };
        let findings: Vec<Span> =
            state.findings.iter().map(|&(start, end)| Span { start, end }).collect();
        let mut intake = Intake::open(self.rules, work.adapter, path, from, &findings)?;
        if !intake.read()? || intake.has_learned() {
            return Ok(None);
        }
        let mut take = Take::default();
        let mut new = remembered(work.session, file, &intake);
        new.foreign.clone_from(&state.foreign);
        if intake.is_empty() {
            new.tree = Some(tree);
            take.states.push((path.clone(), new));
            return Ok(Some(take));
        }
        take.skipped.append(&mut intake.skipped);
        let before = self.store.head(base)?;
        let mut fold = self.fold(base)?;
        let mut stager = batch.append(base)?;
        intake.each(&mut |record| {
            fold.add(&record);
            Ok(stager.push(&record)?)
        })?;
        let added = fold.head().counts.messages - before.counts.messages;
        let staged = stager.finish(Clean::stored(fold.head().clone()))?;
        take.fill(planned(staged, fold, added), &before);
        take.remember(file, new);
        Ok(Some(take))
    }

    /// Takes in a session that the store does not have.
    fn take_new(&self, batch: &mut Batch<'_>, work: &Work) -> Result<Take> {
        let mut take = Take { is_new: true, ..Take::default() };
        let reading = self.look_through(work, &mut take)?;
        if reading.is_empty() {
            let paths = work.files.iter().map(|file| file.source.path.display().to_string());
            let reason = "it holds no records".to_owned();
            take.skipped.extend(paths.map(|path| Skipped { path, reason: reason.clone() }));
            return Ok(take);
        }
        let mut fold = HeadFold::of(work.session);
        let mut stager = batch.write(work.session, None);
        let states = reading.states.clone();
        for fact in &reading.facts {
            fold.add(fact);
            stager.push(fact)?;
        }
        reading.each(&mut |record| {
            fold.add(&record);
            Ok(stager.push(&record)?)
        })?;
        let added = fold.head().counts.messages;
        let staged = stager.finish(Clean::stored(fold.head().clone()))?;
        take.fill(planned(staged, fold, added), &Head::empty(work.session));
        take.remember_all(work, states);
        Ok(take)
    }

    /// Takes in a session whose stream must be compared with the files, record by record.
    /// `base`: what the tip has; `past`: the revision to compare with.
    fn take_changed(
        &self,
        batch: &mut Batch<'_>,
        base: Option<&StoredSession>,
        past: &StoredSession,
        work: &Work,
    ) -> Result<Take> {
        let mut take = Take::default();
        let before = self.store.head(past)?;
        let mut reading = self.look_through(work, &mut take)?;
        let mut states = std::mem::take(&mut reading.states);
        let facts = std::mem::take(&mut reading.facts);
        let (mut stream, cleaned) = reading.clean(self.store.records(past)?);
        let alignment = self.align(&stream, past, work, reading, &mut states)?;
        let missing: Vec<Clean<Record>> =
            facts.into_iter().filter(|fact| !is_told(fact, &stream)).collect();
        let base_of_append =
            base.filter(|_| cleaned == 0 && missing.is_empty() && alignment.is_append());
        let planned = match base_of_append {
            Some(base) if alignment.added.is_empty() => {
                take.remember_tree(states, &base.tree.to_string());
                return Ok(take);
            }
            Some(base) => {
                let added = alignment.map(|alignment| alignment.added);
                self.plan_longer(batch, base, Some(stream), added)?
            }
            None => {
                take.tell_of_late_findings(work.session, cleaned + alignment.replaced.len());
                stream = stream.join(alignment).map(|(mut stream, alignment)| {
                    alignment.apply(&mut stream);
                    stream
                });
                if !missing.is_empty() {
                    stream = Clean::from_items(missing.into_iter().chain(stream.items()));
                }
                let added = messages(&stream).saturating_sub(before.counts.messages);
                Self::plan_whole(batch, work.session, base, stream, added)?
            }
        };
        take.fill(planned, &before);
        take.remember_all(work, states);
        Ok(take)
    }

    /// What must happen to a stream, so that its view is what the files hold.
    fn align(
        &self,
        stream: &Clean<Vec<Record>>,
        past: &StoredSession,
        work: &Work,
        reading: Reading<'_>,
        states: &mut [(PathBuf, SourceState)],
    ) -> Result<Clean<Alignment>> {
        let keys = Keys::of(stream);
        let foreign = self.foreign(work, past, &keys);
        let (mut in_file, mut numbering) = (HashSet::new(), Keys::default());
        let mut aligner = Aligner::new(stream, &keys);
        reading.each(&mut |record| {
            if !foreign.is_empty() {
                in_file.insert(numbering.next(&record));
            }
            aligner.take(record.into_inner());
            Ok(())
        })?;
        if let [(_, state)] = states {
            state.foreign = foreign.difference(&in_file).cloned().collect();
            state.foreign.sort_unstable();
        }
        // Made of clean records alone.
        Ok(Clean::stored(aligner.finish(&foreign)))
    }

    /// The records that never stood in the session's one file: those that came since it was last
    /// read, from elsewhere, and those that were foreign then. Of a file of which it is not known
    /// that it was read, any may have come from elsewhere, if there are others.
    fn foreign(&self, work: &Work, past: &StoredSession, keys: &[RecordKey]) -> HashSet<RecordKey> {
        let known = match work.files.as_slice() {
            [file] => file.state.as_ref().filter(|state| state.session == work.session),
            _ => None,
        };
        let Some(state) = known else {
            let has_others = !self.store.remotes().is_empty();
            return keys.iter().filter(|_| has_others).cloned().collect();
        };
        let mut foreign: HashSet<RecordKey> = state.foreign.iter().cloned().collect();
        // A revision that cannot be read tells nothing, and must not keep the file out.
        let then = state.tree.as_ref().filter(|tree| **tree != past.tree.to_string());
        let then = then.and_then(|tree| {
            let then = self.store.session_of_tree(work.session, tree).ok()??;
            self.store.records(&then).ok()
        });
        if let Some(then) = then {
            let known: HashSet<RecordKey> = Keys::of(&then).into_iter().collect();
            foreign.extend(keys.iter().filter(|key| !known.contains(*key)).cloned());
        }
        foreign
    }

    /// Takes in a session that was deleted, if its agent wrote records that the tombstone does not
    /// list.
    fn take_deleted(
        &self,
        batch: &mut Batch<'_>,
        buried: &[RecordKey],
        work: &Work,
    ) -> Result<Take> {
        let mut take = Take::default();
        let reading = self.look_through(work, &mut take)?;
        let states = reading.states.clone();
        let buried: HashSet<&RecordKey> = buried.iter().collect();
        let (mut keys, mut goes_on) = (Keys::default(), false);
        reading.each(&mut |record| {
            goes_on |= !buried.contains(&shorten(&keys.next(&record)));
            Ok(())
        })?;
        if !goes_on {
            take.is_deleted = true;
            take.states = states;
            return Ok(take);
        }
        let notice = format!(
            "Session {} was deleted and came back: its agent went on with it.",
            work.session.short()
        );
        let past = self.index.revisions(work.session)?;
        let past = past.iter().find(|entry| entry.counts.is_some());
        let past = match past {
            Some(entry) => self.store.session(&entry.revision, work.session)?,
            None => None,
        };
        let mut take = match past {
            Some(past) => self.take_changed(batch, None, &past, work)?,
            None => self.take_new(batch, work)?,
        };
        take.notices.push(notice);
        Ok(take)
    }
}

impl Take {
    fn fill(&mut self, planned: Planned, before: &Head) {
        if let Change::Save(staged) = &planned.change {
            let head = (*staged.head).clone();
            for (rule, count) in &head.redactions {
                let earlier = before.redactions.get(rule).copied().unwrap_or_default();
                if *count > earlier {
                    self.redactions.insert(rule.clone(), count - earlier);
                }
            }
            let added = planned.added;
            let removed = (before.counts.messages + added).saturating_sub(head.counts.messages);
            self.captured = Some(CapturedSession { head, added, removed });
        }
        self.planned = Some(planned);
    }

    /// `count`: stored records that held what is only now known as a secret.
    fn tell_of_late_findings(&mut self, session: SessionId, count: usize) {
        if count > 0 {
            let records = if count == 1 { "record" } else { "records" };
            self.notices.push(format!(
                "A secret was recognised only now in session {0}; earlier revisions still hold it, \
                 in {count} {records}. `annals scrub {0}` takes it out.",
                session.short()
            ));
        }
    }

    /// What is known of a file whose session ends where it does, once the commit is durable.
    fn remember(&mut self, file: &WorkFile, mut state: SourceState) {
        if let Some(Planned { change: Change::Save(staged), .. }) = &self.planned {
            state.tree = Some(staged.tree.to_string());
        }
        self.states.push((file.source.path.clone(), state));
    }

    fn remember_all(&mut self, work: &Work, states: Vec<(PathBuf, SourceState)>) {
        if let ([file], Some((_, state))) = (work.files.as_slice(), states.first()) {
            self.remember(file, state.clone());
        } else {
            self.states = states;
        }
    }

    fn remember_tree(&mut self, states: Vec<(PathBuf, SourceState)>, tree: &str) {
        let is_single = states.len() == 1;
        self.states = states;
        for (_, state) in &mut self.states {
            state.tree = is_single.then(|| tree.to_owned());
        }
    }
}

/// Whether a stream has a fact. Which repository the workspace is stays what it was at first: a
/// remote that got another name later makes no other session of it.
fn is_told(fact: &Record, stream: &[Record]) -> bool {
    let is_workspace = |record: &Record| matches!(record, Record::Annals(event) if matches!(event.action, Action::Workspace { .. }));
    stream.contains(fact) || is_workspace(fact) && stream.iter().any(is_workspace)
}

fn messages(records: &[Record]) -> u64 {
    records.iter().filter(|record| record.as_message().is_some()).count() as u64
}
