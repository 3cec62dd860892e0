//! Today's rules over what is stored: for stores made under older ones, and for history that was
//! saved before a value was recognised.
//!
//! Reads only. Of history, each file of records is read once, however many revisions hold it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::error::Result;
use crate::redact::Redactor;
use crate::repository::Operation;
use crate::repository::Progress;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::observing::ids;
use crate::repository::observing::observed;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::ObjectId;
use crate::store::StoredSession;

/// What to scan.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// The sessions; none: all.
    pub sessions: Vec<SessionAt>,
    /// Also all that history still holds of them. Their revisions do not matter then.
    pub history: bool,
}

/// What a scan found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanOutcome {
    /// How many sessions were looked at.
    pub sessions: u64,
    /// How many records were read.
    pub records: u64,
    /// What must go, by session, record and rule.
    pub findings: Vec<StoredFinding>,
    /// Sessions that could not be read whole, and why.
    pub unreadable: Vec<(SessionId, String)>,
}

/// Secrets of one kind in one stored record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFinding {
    /// The session.
    pub session: SessionId,
    /// The revision it was read from: of those that hold it, the newest that changed the session.
    pub revision: RevisionId,
    /// The number of the record in the session, from 1.
    pub record: u64,
    /// The agent's id of the record.
    pub id: Option<String>,
    /// The rule.
    pub rule: String,
    /// How many secrets it found there.
    pub count: u64,
}

impl Repository {
    /// Looks for secrets, by today's rules, in what is stored.
    pub fn scan(
        &mut self,
        options: &ScanOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ScanOutcome> {
        observed(self, Operation::Scan, &ids(&options.sessions), |it| {
            it.look_through_all(options, progress)
        })
    }

    fn look_through_all(
        &mut self,
        options: &ScanOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ScanOutcome> {
        self.rules()?;
        let mut outcome = ScanOutcome::default();
        if options.history {
            self.scan_history(options, &mut outcome, progress)?;
        } else {
            self.scan_sessions(options, &mut outcome, progress)?;
        }
        Ok(outcome)
    }

    fn scan_sessions(
        &self,
        options: &ScanOptions,
        outcome: &mut ScanOutcome,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let mut sessions = options.sessions.clone();
        if sessions.is_empty() {
            let tip = self.store.tip()?;
            let at = |id| SessionAt { id, revision: tip.clone(), is_past: false };
            sessions = self.store.sessions(&tip)?.into_iter().map(at).collect();
        }
        let total = sessions.len() as u64;
        for (done, at) in (1..).zip(sessions) {
            let mut seen = BTreeMap::new();
            match self.stored(&at.revision, at.id) {
                Ok(stored) => {
                    let redactor = Redactor::new(self.rules()?);
                    self.scan_stored(&at.revision, &stored, redactor, &mut seen, outcome);
                }
                Err(error) => outcome.unreadable.push((at.id, error.to_string())),
            }
            outcome.sessions += 1;
            progress(Progress { unit: "sessions", done, total });
        }
        Ok(())
    }

    /// Walks all commits, newest first, and reads the sessions that each changed.
    fn scan_history(
        &self,
        options: &ScanOptions,
        outcome: &mut ScanOutcome,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let wanted: BTreeSet<SessionId> = options.sessions.iter().map(|at| at.id).collect();
        let (mut waiting, mut visited) = (vec![self.store.tip()?], BTreeSet::new());
        let (mut seen, mut sessions) = (BTreeMap::new(), BTreeSet::new());
        let relearned = self.relearn()?;
        while let Some(revision) = waiting.pop() {
            if !visited.insert(revision.to_string()) {
                continue;
            }
            let parents = self.store.commit_entry(&revision)?.parents;
            for change in self.store.changes(parents.first(), &revision)? {
                let is_wanted = wanted.is_empty() || wanted.contains(&change.id);
                if !is_wanted || change.tree.is_none() {
                    continue;
                }
                sessions.insert(change.id);
                let mut redactor = Redactor::new(self.rules()?);
                relearned.get(&change.id).into_iter().for_each(|it| redactor.learn_all(it));
                match self.stored(&revision, change.id) {
                    Ok(stored) => {
                        self.scan_stored(&revision, &stored, redactor, &mut seen, outcome);
                    }
                    Err(error) => outcome.unreadable.push((change.id, error.to_string())),
                }
            }
            waiting.extend(parents.into_iter().rev());
            progress(Progress { unit: "revisions", done: visited.len() as u64, total: 0 });
        }
        outcome.sessions = sessions.len() as u64;
        Ok(())
    }

    /// Reads the files of records that were not `seen`, which says how many records each has.
    fn scan_stored(
        &self,
        revision: &RevisionId,
        stored: &StoredSession,
        mut redactor: Redactor<'_>,
        seen: &mut BTreeMap<ObjectId, u64>,
        outcome: &mut ScanOutcome,
    ) {
        let mut first = 1;
        for chunk in &stored.chunks {
            let key = chunk.1;
            let count = if let Some(count) = seen.get(&key) {
                *count
            } else {
                let part = StoredSession { chunks: vec![*chunk], ..stored.clone() };
                let records = match self.store.records_as_they_stand(&part) {
                    Ok(records) => records,
                    Err(error) => {
                        outcome.unreadable.push((stored.id, error.to_string()));
                        return;
                    }
                };
                let count = records.len() as u64;
                for (number, record) in (first..).zip(records) {
                    scan_record(&mut redactor, record, |id, rule, count| StoredFinding {
                        session: stored.id,
                        revision: revision.clone(),
                        record: number,
                        id,
                        rule,
                        count,
                    })
                    .for_each(|finding| outcome.findings.push(finding));
                }
                outcome.records += count;
                seen.insert(key, count);
                count
            };
            first += count;
        }
    }
}

/// What the rules find in a record.
fn scan_record(
    redactor: &mut Redactor<'_>,
    record: Record,
    finding: impl Fn(Option<String>, String, u64) -> StoredFinding,
) -> impl Iterator<Item = StoredFinding> {
    let id = record.envelope().and_then(|envelope| envelope.id.clone());
    let before = redactor.counts().clone();
    drop(redactor.record(record));
    let found: Vec<_> = redactor
        .counts()
        .iter()
        .map(|(rule, count)| (rule.clone(), count - before.get(rule).copied().unwrap_or(0)))
        .filter(|(_, count)| *count > 0)
        .collect();
    found.into_iter().map(move |(rule, count)| finding(id.clone(), rule, count))
}
