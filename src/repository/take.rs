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
use crate::repository::capture::state_at;
use crate::repository::change::Bench;
use crate::repository::change::Planned;
use crate::repository::change::planned;
use crate::repository::delete::short_keys;
use crate::repository::intake::Intake;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::Keys;
use crate::session::NextStream;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::join_files;
use crate::session::next_stream;
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

/// What all files of a session hold together.
struct Reading {
    /// What is known of the session beside its files.
    facts: Clean<Vec<Record>>,
    records: Clean<Vec<Record>>,
    /// What to remember of each file.
    states: Vec<(PathBuf, SourceState)>,
    /// What was stored before, without the secrets that the files give away.
    stored: Clean<Vec<Record>>,
    /// How many records of it held one.
    cleaned: usize,
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

    /// Takes in a session that the store has never seen.
    fn take_new(&self, batch: &mut Batch<'_>, work: &Work) -> Result<Take> {
        let [file] = work.files.as_slice() else {
            return self.take_from_nothing(batch, work);
        };
        let mut take = Take { is_new: true, ..Take::default() };
        let mut intake = self.open_whole(work, file)?;
        take.skipped.append(&mut intake.skipped);
        let state = remembered(work.session, file, &intake);
        if intake.is_empty() {
            let reason = "it holds no records".to_owned();
            take.skipped.push(Skipped { path: file.source.path.display().to_string(), reason });
            return Ok(take);
        }
        let mut fold = HeadFold::of(work.session);
        let mut stager = batch.write(work.session, None);
        for fact in self.facts(file) {
            fold.add(&fact);
            stager.push(&fact)?;
        }
        intake.each(&mut |record| {
            fold.add(&record);
            Ok(stager.push(&record)?)
        })?;
        let added = fold.head().counts.messages;
        let staged = stager.finish(Clean::stored(fold.head().clone()))?;
        take.fill(planned(staged, fold, added), &Head::empty(work.session));
        take.remember(file, state);
        Ok(take)
    }

    /// Takes in a new session that lies in several files.
    fn take_from_nothing(&self, batch: &mut Batch<'_>, work: &Work) -> Result<Take> {
        let mut take = Take { is_new: true, ..Take::default() };
        let Reading { facts, records, states, .. } =
            self.read_all(work, Clean::from_items([]), &mut take)?;
        let stream = facts.join(records).map(|(facts, file)| [facts, file].concat());
        let added = messages(&stream);
        let planned = Self::plan_whole(batch, work.session, None, stream, added)?;
        take.fill(planned, &Head::empty(work.session));
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
        let stored = self.store.records(past)?;
        let Reading { facts, records, mut states, stored: stream, cleaned } =
            self.read_all(work, stored, &mut take)?;
        let foreign = self.foreign(work, &stream);
        if let [(_, state)] = states.as_mut_slice() {
            let held: HashSet<RecordKey> = Keys::of(&records).into_iter().collect();
            state.foreign = foreign.difference(&held).cloned().collect();
            state.foreign.sort_unstable();
        }
        let next = stream
            .clone()
            .join(facts)
            .join(records)
            .map(|((stream, facts), file)| next_stream(stream, facts, file, &foreign));
        let planned = match (base, &*next) {
            (Some(base), NextStream::Same) if cleaned == 0 => {
                take.remember_tree(states, &base.tree.to_string());
                return Ok(take);
            }
            (Some(base), NextStream::Longer(_)) if cleaned == 0 => {
                let added = next.map(|next| next.whole(Vec::new()));
                self.plan_longer(batch, base, added)?
            }
            _ => {
                take.tell_of_late_findings(work.session, cleaned, &next);
                let stream = next.join(stream).map(|(next, stream)| next.whole(stream));
                let added = messages(&stream).saturating_sub(before.counts.messages);
                Self::plan_whole(batch, work.session, base, stream, added)?
            }
        };
        take.fill(planned, &before);
        take.remember_all(work, states);
        Ok(take)
    }

    /// The records that never stood in the session's one file: those that came since it was last
    /// read, from elsewhere, and those that were foreign then. Nothing is known of a file that was
    /// not read before.
    fn foreign(&self, work: &Work, stream: &[Record]) -> HashSet<RecordKey> {
        let [WorkFile { state: Some(state), .. }] = work.files.as_slice() else {
            return HashSet::new();
        };
        if state.session != work.session {
            return HashSet::new();
        }
        let mut foreign: HashSet<RecordKey> = state.foreign.iter().cloned().collect();
        // A revision that cannot be read tells nothing, and must not keep the file out.
        let then = state.tree.as_ref().and_then(|tree| {
            let then = self.store.session_of_tree(work.session, tree).ok()??;
            self.store.records(&then).ok()
        });
        if let Some(then) = then {
            let known: HashSet<RecordKey> = Keys::of(&then).into_iter().collect();
            foreign.extend(Keys::of(stream).into_iter().filter(|key| !known.contains(key)));
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
        let Reading { records, states, .. } =
            self.read_all(work, Clean::from_items([]), &mut take)?;
        let buried: HashSet<&RecordKey> = buried.iter().collect();
        if short_keys(&records).iter().all(|key| buried.contains(key)) {
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
            None => self.take_from_nothing(batch, work)?,
        };
        take.notices.push(notice);
        Ok(take)
    }

    /// All records of a session's files: those of the first, then what the others have beyond;
    /// beside them what is known of the session, and `stored` as it must be now.
    fn read_all(
        &self,
        work: &Work,
        mut stored: Clean<Vec<Record>>,
        take: &mut Take,
    ) -> Result<Reading> {
        let mut cleaned = 0;
        let mut facts: Vec<Clean<Record>> = Vec::new();
        let mut records = Clean::from_items([]);
        let mut states = Vec::new();
        for file in &work.files {
            for fact in self.facts(file) {
                if !facts.contains(&fact) {
                    facts.push(fact);
                }
            }
            let mut intake = self.open_whole(work, file)?;
            take.skipped.append(&mut intake.skipped);
            states.push((file.source.path.clone(), remembered(work.session, file, &intake)));
            let held;
            (stored, held) = intake.clean(stored);
            cleaned += held;
            records = intake.clean(records).0;
            let mut part: Vec<Clean<Record>> = Vec::new();
            intake.each(&mut |record| {
                part.push(record);
                Ok(())
            })?;
            records = records
                .join(Clean::from_items(part))
                .map(|(first, second)| join_files(first, second));
        }
        Ok(Reading { facts: Clean::from_items(facts), records, states, stored, cleaned })
    }

    fn open_whole<'f>(&'f self, work: &Work, file: &'f WorkFile) -> Result<Intake<'f>> {
        let from = Position::default();
        let mut intake = Intake::open(self.rules, work.adapter, &file.source.path, from, &[])?;
        intake.read()?;
        Ok(intake)
    }

    fn facts(&self, file: &WorkFile) -> Vec<Clean<Record>> {
        let mut redactor = crate::redact::Redactor::new(self.rules);
        file.source.facts.iter().map(|it| redactor.record(Record::Annals(it.clone()))).collect()
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

    /// `cleaned`: stored records that held what is only now known as a secret.
    fn tell_of_late_findings(&mut self, session: SessionId, cleaned: usize, next: &NextStream) {
        let replaced = match next {
            NextStream::Changed { replaced, .. } => *replaced,
            NextStream::Same | NextStream::Longer(_) => 0,
        };
        let count = cleaned + replaced;
        if count > 0 {
            let records = if count == 1 { "record" } else { "records" };
            self.notices.push(format!(
                "A secret was recognised only now in session {}; earlier revisions still hold it, \
                 in {count} {records}.",
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

fn remembered(session: SessionId, file: &WorkFile, intake: &Intake<'_>) -> SourceState {
    let mut state = state_at(&file.metadata, session, &intake.position);
    state.findings = intake.findings.iter().map(|span| (span.start, span.end)).collect();
    state.has_tail = intake.has_tail;
    state
}

fn messages(records: &[Record]) -> u64 {
    records.iter().filter(|record| record.as_message().is_some()).count() as u64
}
