//! Taking secrets out of all history: what today's rules find, or what a person names.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::redact::Clean;
use crate::redact::KnownSecrets;
use crate::redact::Redactor;
use crate::redact::Rules;
use crate::repository::Operation;
use crate::repository::Progress;
use crate::repository::Repository;
use crate::repository::change::Bench;
use crate::repository::observing::attempted;
use crate::repository::observing::observed;
use crate::repository::rewrite::Renewal;
use crate::repository::rewrite::RewriteOutcome;
use crate::repository::rewrite::versions;
use crate::session::Record;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::History;
use crate::store::ObjectId;
use crate::store::StandingJournal;
use crate::store::Store;
use crate::store::StoredSession;

/// What a scrub would do.
#[derive(Debug)]
pub struct ScrubPlan {
    /// The sessions that hold what goes.
    pub sessions: Vec<ScrubbedSession>,
    /// How many revisions the store has.
    pub revisions: u64,
    /// The remotes of the store, name and address: they may hold it too.
    pub remotes: Vec<(String, String)>,
    /// Sessions that could not be read in some revision, and why.
    pub unreadable: Vec<(SessionId, String)>,
    /// Sessions that programs hold, and have not saved all that would bring back what goes. Until
    /// they have, or have ended, nothing is rewritten.
    pub unsaved: Vec<SessionId>,
    scrubber: Scrubber,
}

/// A session that holds what goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrubbedSession {
    /// The session.
    pub id: SessionId,
    /// How many versions of it hold it.
    pub versions: u64,
    /// Secrets by rule; empty for a value that a person named.
    pub rules: BTreeMap<String, u64>,
}

/// Knows what goes out of each session.
#[derive(Debug)]
struct Scrubber {
    /// The sessions that are looked at; none: all.
    wanted: BTreeSet<SessionId>,
    /// What a person named; none: the rules decide.
    given: Option<KnownSecrets>,
    /// What the rules found, by session: in the store, or in its agent's file.
    found: HashMap<SessionId, KnownSecrets>,
    /// Whether a file of records holds any of it.
    chunks: HashMap<(SessionId, ObjectId), bool>,
}

impl ScrubPlan {
    /// Whether nothing is to go.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }
}

impl Repository {
    /// Looks through all history for what today's rules find there, or found in the agents' files
    /// while those are there. `sessions`: those that are looked at; none: all.
    pub fn plan_scrub(
        &mut self,
        sessions: &[SessionId],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ScrubPlan> {
        attempted(self, Operation::Scrub, sessions, |it| it.plan(sessions, None, progress))
    }

    /// Looks through all history for a value.
    ///
    /// # Errors
    /// `Invalid`: the value is too short to be looked for.
    pub fn plan_scrub_of(
        &mut self,
        value: &str,
        sessions: &[SessionId],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ScrubPlan> {
        attempted(self, Operation::Scrub, sessions, |it| {
            let mut redactor = Redactor::new(it.rules()?);
            if !redactor.learn_given(value) {
                let message = "the value is too short: it would be found in the middle of words";
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            let given = redactor.secrets().clone();
            it.plan(sessions, Some(given), progress)
        })
    }

    fn plan(
        &mut self,
        sessions: &[SessionId],
        given: Option<KnownSecrets>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ScrubPlan> {
        let history = self.store.whole_history()?;
        let found = if given.is_none() { self.relearn()? } else { HashMap::new() };
        let chunks = HashMap::new();
        let wanted = sessions.iter().copied().collect();
        let mut plan = ScrubPlan {
            sessions: Vec::new(),
            revisions: history.len() as u64,
            remotes: self.store.remotes(),
            unreadable: Vec::new(),
            unsaved: Vec::new(),
            scrubber: Scrubber { wanted, given, found, chunks },
        };
        let versions = plan.scrubber.versions(&self.store, &history)?;
        let total = versions.len() as u64;
        for (done, (id, trees)) in (1..).zip(versions) {
            plan.look_at(&self.store, self.rules()?, id, &trees);
            progress(Progress { unit: "sessions", done, total });
        }
        for journal in self.store.journals().standing()? {
            if plan.scrubber.brings_back(self.rules()?, &journal) {
                plan.unsaved.push(journal.session);
            }
        }
        plan.unsaved.sort_unstable();
        plan.unsaved.dedup();
        Ok(plan)
    }

    /// Takes what a plan found out of all history. There is no way back.
    ///
    /// # Errors
    /// `Locked`: others save all the time, or a live session has records that it did not save yet
    /// and that hold what goes. After any error the store is as it was, or the next command goes on.
    pub fn scrub(&mut self, plan: &ScrubPlan) -> Result<RewriteOutcome> {
        let ids: Vec<SessionId> = plan.sessions.iter().map(|session| session.id).collect();
        observed(self, Operation::Scrub, &ids, |it| it.scrub_all(plan))
    }

    fn scrub_all(&mut self, plan: &ScrubPlan) -> Result<RewriteOutcome> {
        self.rules()?;
        // Lent out for as long as all the rest of the repository is changed.
        let rules = self.rules.take().expect("they were loaded above");
        let outcome = self.scrub_by(plan, &rules);
        drop(self.rules.set(rules));
        outcome
    }

    fn scrub_by(&mut self, plan: &ScrubPlan, rules: &Rules) -> Result<RewriteOutcome> {
        let scrubber = &plan.scrubber;
        let count = plan.sessions.len();
        let sessions = if count == 1 { "session" } else { "sessions" };
        let everything = scrubber.everything(rules);
        let with_rules = scrubber.given.is_none();
        self.clean_audit_log(&|line| everything.bytes(line, with_rules))?;
        self.rewrite_history(
            ("scrub", format!("{count} {sessions}")),
            &mut |store, batch, history, renewal| {
                for (id, trees) in scrubber.versions(store, history)? {
                    scrubber.renew_all(store, batch, rules, (id, &trees), renewal)?;
                }
                Ok(())
            },
            &|text| everything.bytes(text, with_rules),
            &|journal| scrubber.brings_back(rules, journal),
        )
    }
}

impl ScrubPlan {
    /// Finds out which versions of a session hold what goes.
    fn look_at(&mut self, store: &Store, rules: &Rules, id: SessionId, trees: &[ObjectId]) {
        let mut stored = Vec::new();
        for tree in trees {
            match store.session_of_tree(id, &tree.to_string()) {
                Ok(Some(version)) => stored.push(version),
                Ok(None) => {}
                Err(error) => self.unreadable.push((id, error.to_string())),
            }
        }
        let scrubber = &mut self.scrubber;
        let mut counts = BTreeMap::new();
        if scrubber.given.is_none() {
            let mut redactor = scrubber.redactor(rules, id);
            each_chunk(store, &stored, &mut |_, records| {
                for record in records.unwrap_or_default() {
                    redactor.record(record);
                }
            });
            counts.clone_from(redactor.counts());
            scrubber.found.insert(id, redactor.secrets().clone());
        }
        let mut redactor = scrubber.redactor(rules, id);
        each_chunk(store, &stored, &mut |chunk, records| match records {
            Ok(records) => {
                let is_held = records.iter().any(|record| {
                    let record = Clean::stored(record.clone());
                    scrubber.cleaned(&mut redactor, record.clone()) != record
                });
                scrubber.chunks.insert((id, chunk), is_held);
            }
            Err(error) => self.unreadable.push((id, error.to_string())),
        });
        let holds = |version: &&StoredSession| scrubber.holds(store, &redactor, version);
        let versions = stored.iter().filter(holds).count() as u64;
        if versions > 0 {
            self.sessions.push(ScrubbedSession { id, versions, rules: counts });
        }
    }
}

impl Scrubber {
    /// The trees that each wanted session ever had, older ones first.
    fn versions(
        &self,
        store: &Store,
        history: &History,
    ) -> Result<BTreeMap<SessionId, Vec<ObjectId>>> {
        let mut versions = versions(store, history)?;
        versions.retain(|id, _| self.wanted.is_empty() || self.wanted.contains(id));
        Ok(versions)
    }

    /// What takes it out of a session.
    fn redactor<'r>(&self, rules: &'r Rules, id: SessionId) -> Redactor<'r> {
        let mut redactor = Redactor::new(rules);
        let known = self.given.as_ref().or_else(|| self.found.get(&id));
        known.into_iter().for_each(|known| redactor.learn_all(known));
        redactor
    }

    /// What takes out all that was found anywhere.
    fn everything<'r>(&self, rules: &'r Rules) -> Redactor<'r> {
        let mut redactor = Redactor::new(rules);
        self.given.iter().chain(self.found.values()).for_each(|known| redactor.learn_all(known));
        redactor
    }

    fn cleaned(&self, redactor: &mut Redactor<'_>, record: Clean<Record>) -> Clean<Record> {
        let record = match self.given {
            Some(_) => record,
            None => redactor.record(record.into_inner()),
        };
        redactor.again(record)
    }

    /// Whether a journal that is not committed yet holds it, or may.
    fn brings_back(&self, rules: &Rules, journal: &StandingJournal) -> bool {
        if !(self.wanted.is_empty() || self.wanted.contains(&journal.session)) {
            return false;
        }
        let mut redactor = self.redactor(rules, journal.session);
        let with_rules = self.given.is_none();
        journal.is_marker
            || redactor.bytes(&journal.unread, with_rules).is_some()
            || journal.records.iter().any(|record| {
                let record = Clean::stored(record.clone());
                self.cleaned(&mut redactor, record.clone()) != record
            })
    }

    /// Whether a version holds it: in its records, or in a head that does not follow from them.
    fn holds(&self, store: &Store, redactor: &Redactor<'_>, version: &StoredSession) -> bool {
        let in_chunk = |(_, chunk): &(u32, ObjectId)| {
            self.chunks.get(&(version.id, *chunk)).copied().unwrap_or(false)
        };
        version.chunks.iter().any(in_chunk)
            || store
                .head_text(version)
                .is_ok_and(|text| redactor.bytes(text.as_bytes(), false).is_some())
    }

    /// Makes the versions of a session anew that hold it.
    fn renew_all(
        &self,
        store: &Store,
        batch: &mut Batch<'_>,
        rules: &Rules,
        (id, trees): (SessionId, &[ObjectId]),
        renewal: &mut Renewal,
    ) -> Result<()> {
        let mut redactor = self.redactor(rules, id);
        for tree in trees {
            let is_done = renewal.trees.contains_key(tree) || renewal.same.contains(tree);
            if is_done || renewal.unread.contains(tree) {
                continue;
            }
            let version = store.session_of_tree(id, &tree.to_string());
            // One of a later version is not written anew by this one: its files are cleaned.
            let version = version.and_then(|it| store.check_session(id, *tree).map(|()| it));
            let records = version.and_then(|it| match it {
                Some(version) if self.may_hold(store, &redactor, &version) => {
                    let records = store.records_as_they_stand(&version);
                    records.map(|records| Some((version, Clean::stored(records))))
                }
                _ => Ok(None),
            });
            match records {
                Ok(Some((version, records))) => {
                    let new = self.renew(batch, &mut redactor, &version, records)?;
                    renewal.trees.insert(*tree, new);
                }
                Ok(None) => {
                    renewal.same.insert(*tree);
                }
                // Its files are cleaned one by one, as they are.
                Err(_) => {
                    renewal.unread.insert(*tree);
                }
            }
        }
        Ok(())
    }

    /// As [`Self::holds`]; what came after the plan was made may.
    fn may_hold(&self, store: &Store, redactor: &Redactor<'_>, version: &StoredSession) -> bool {
        let is_new =
            |(_, chunk): &(u32, ObjectId)| !self.chunks.contains_key(&(version.id, *chunk));
        version.chunks.iter().any(is_new) || self.holds(store, redactor, version)
    }

    fn renew(
        &self,
        batch: &mut Batch<'_>,
        redactor: &mut Redactor<'_>,
        version: &StoredSession,
        records: Clean<Vec<Record>>,
    ) -> Result<ObjectId> {
        let records = records.items().map(|record| self.cleaned(redactor, record));
        let mut records: Vec<_> = records.collect();
        if version.is_older() {
            let file = records.pop().map_or(Ok(None), |record| batch.put_as_it_stands(record))?;
            return Ok(file.unwrap_or(version.tree));
        }
        let records = Clean::from_items(records);
        Ok(Bench::stage_whole(batch, version.id, None, records)?.0.tree)
    }
}

/// Reads each file of records that some versions of a session have, once.
fn each_chunk(
    store: &Store,
    versions: &[StoredSession],
    see: &mut dyn FnMut(ObjectId, Result<Vec<Record>>),
) {
    let mut seen = HashSet::new();
    for version in versions {
        for chunk in &version.chunks {
            if seen.insert(chunk.1) {
                let part = StoredSession { chunks: vec![*chunk], ..version.clone() };
                see(chunk.1, store.records_as_they_stand(&part).map_err(Error::from));
            }
        }
    }
}
