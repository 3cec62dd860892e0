//! All files of one session, looked through before any of it is taken in.

use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use crate::adapters::Position;
use crate::error::Result;
use crate::index::SourceState;
use crate::redact::Clean;
use crate::redact::KnownSecrets;
use crate::redact::Redactor;
use crate::repository::capture::state_at;
use crate::repository::change::Bench;
use crate::repository::intake::Intake;
use crate::repository::take::Take;
use crate::repository::take::Work;
use crate::repository::take::WorkFile;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::SessionId;

/// All files of a session, looked through.
pub(super) struct Reading<'f> {
    /// What is known of the session beside its files.
    pub(super) facts: Vec<Clean<Record>>,
    intakes: Vec<Intake<'f>>,
    /// What to remember of each file.
    pub(super) states: Vec<(PathBuf, SourceState)>,
}

impl Reading<'_> {
    /// Whether nothing is in them.
    pub(super) fn is_empty(&self) -> bool {
        self.intakes.iter().all(Intake::is_empty)
    }

    /// Takes the secrets that the files give away out of records that are stored already, and
    /// counts those that held one.
    pub(super) fn clean(&self, mut stored: Clean<Vec<Record>>) -> (Clean<Vec<Record>>, usize) {
        let mut cleaned = 0;
        for intake in &self.intakes {
            let held;
            (stored, held) = intake.clean(stored);
            cleaned += held;
        }
        (stored, cleaned)
    }

    /// Hands on all records: those of the first file, then what the others have beyond.
    pub(super) fn each(self, take: &mut dyn FnMut(Clean<Record>) -> Result<()>) -> Result<()> {
        let has_several = self.intakes.len() > 1;
        let mut known: HashSet<RecordKey> = HashSet::new();
        for intake in self.intakes {
            let (mut keys, mut own) = (Keys::default(), HashSet::new());
            intake.each(&mut |record| {
                if has_several {
                    let key = keys.next(&record);
                    if known.contains(&key) {
                        return Ok(());
                    }
                    own.insert(key);
                }
                take(record)
            })?;
            known.extend(own);
        }
        Ok(())
    }
}

impl Bench<'_> {
    /// Looks through all files of a session; each then knows the secrets of all.
    pub(super) fn look_through<'f>(
        &'f self,
        work: &'f Work,
        take: &mut Take,
    ) -> Result<Reading<'f>> {
        let mut facts: Vec<Clean<Record>> = Vec::new();
        let (mut intakes, mut states) = (Vec::new(), Vec::new());
        let mut secrets = KnownSecrets::default();
        for file in &work.files {
            for fact in self.facts(file) {
                if !facts.contains(&fact) {
                    facts.push(fact);
                }
            }
            let (from, path) = (Position::default(), &file.source.path);
            let mut intake = Intake::open(self.rules, work.adapter, path, from, &[])?;
            intake.read()?;
            take.skipped.append(&mut intake.skipped);
            states.push((path.clone(), remembered(work.session, file, &intake)));
            if work.files.len() > 1 {
                intake.share_secrets(&mut secrets);
            }
            intakes.push(intake);
        }
        let root = intakes.iter().find_map(|intake: &Intake<'_>| intake.root.as_deref());
        facts.extend(root.and_then(|root| self.workspace_fact(root)));
        if work.files.len() > 1 {
            intakes.iter_mut().for_each(|intake| intake.share_secrets(&mut secrets));
        }
        Ok(Reading { facts, intakes, states })
    }

    fn facts(&self, file: &WorkFile) -> Vec<Clean<Record>> {
        let mut redactor = Redactor::new(self.rules);
        file.source.facts.iter().map(|it| redactor.record(Record::Annals(it.clone()))).collect()
    }

    /// Which repository a workspace is; none: the folder is not here, or in no repository.
    fn workspace_fact(&self, root: &str) -> Option<Clean<Record>> {
        let root = Path::new(root).is_absolute().then(|| Path::new(root))?;
        let repository = self.workspaces.identity_of(root)?;
        let mut redactor = Redactor::new(self.rules);
        // The id of a fact is made of what is stored.
        let repository = redactor.text("repository", repository).into_inner();
        let fact = AnnalsEvent::fact(Action::Workspace { repository });
        Some(redactor.record(Record::Annals(fact)))
    }
}

/// What to remember of a file that was looked through.
pub(super) fn remembered(session: SessionId, file: &WorkFile, intake: &Intake<'_>) -> SourceState {
    let mut state = state_at(&file.metadata, session, &intake.position);
    state.findings = intake.findings.iter().map(|span| (span.start, span.end)).collect();
    state.has_tail = intake.has_tail;
    state
}
