//! Two histories of which one was scrubbed, or each by itself: what was taken out of one leaves the
//! other too, and then they are joined as any two are.
//!
//! What both have is as the scrubbed one has it. What one has alone is rewritten on top of that: each
//! record as the other has it, where it has it with more redactions, and without the values that
//! the comparison of both shows. So nothing that was saved is lost, and nothing comes back.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::error::Result;
use crate::format::Tombstone;
use crate::redact::Clean;
use crate::redact::Redactor;
use crate::redact::Rules;
use crate::repository::Repository;
use crate::repository::change::Bench;
use crate::repository::merging::Merging;
use crate::repository::merging::goes_on;
use crate::repository::rewrite::forget;
use crate::repository::rewrite::versions;
use crate::repository::sync::SyncOutcome;
use crate::repository::sync::note;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::redacted_as_in;
use crate::session::taken_out;
use crate::store::Arrived;
use crate::store::Batch;
use crate::store::CleanText;
use crate::store::CommitNote;
use crate::store::History;
use crate::store::ObjectId;
use crate::store::Relation;
use crate::store::Remote;
use crate::store::Rewrite;
use crate::store::Rewritten;
use crate::store::ScrubsApart;
use crate::store::StandingJournal;
use crate::store::Store;
use crate::store::Twins;

/// A history without what was taken out of another.
struct Follower<'r> {
    history: History,
    twins: Twins,
    trees: HashMap<ObjectId, ObjectId>,
    unread: HashSet<ObjectId>,
    purged: BTreeMap<SessionId, Clean<Tombstone>>,
    /// Knows what was taken out.
    redactor: Redactor<'r>,
}

impl Repository {
    /// Comes to one state with a remote when `scrubs` were made on one side only. `arrived`: what
    /// it has, if that must not become part of the store as it is. False: one of the two moved
    /// meanwhile.
    pub(super) fn meet_scrubbed(
        &mut self,
        (remote, theirs): (&Remote, &RevisionId),
        arrived: Option<&Arrived>,
        scrubs: ScrubsApart,
        step: &mut dyn FnMut(&'static str),
        outcome: &mut SyncOutcome,
    ) -> Result<bool> {
        let come = self.take_out_scrubbed(theirs, arrived, scrubs, step, outcome)?;
        let Some((their_tip, top)) = come else { return Ok(false) };
        note(&mut outcome.went, self.store.differing_sessions(&their_tip, &top)?);
        if their_tip != *theirs {
            return self.give_over(remote, theirs, step, outcome);
        }
        outcome.revision = Some(top.clone());
        if top == *theirs { Ok(true) } else { self.give(remote, Some(theirs), &top, step, outcome) }
    }

    /// Takes out of both what was scrubbed out of one, and makes main what both come to. Returns what
    /// became of theirs, and main; none: main moved meanwhile.
    pub(super) fn take_out_scrubbed(
        &mut self,
        theirs: &RevisionId,
        arrived: Option<&Arrived>,
        scrubs: ScrubsApart,
        step: &mut dyn FnMut(&'static str),
        outcome: &mut SyncOutcome,
    ) -> Result<Option<(RevisionId, RevisionId)>> {
        step("Taking out what was scrubbed");
        self.rules()?;
        // Lent out for as long as all the rest of the repository is changed.
        let rules = self.rules.take().expect("they were loaded above");
        let come = self.come_to_one(theirs, arrived, scrubs, &rules, outcome);
        drop(self.rules.set(rules));
        come
    }

    /// Makes main what both come to. Returns what became of theirs, and main; none: main moved
    /// meanwhile.
    fn come_to_one(
        &mut self,
        theirs: &RevisionId,
        arrived: Option<&Arrived>,
        scrubs: ScrubsApart,
        rules: &Rules,
        outcome: &mut SyncOutcome,
    ) -> Result<Option<(RevisionId, RevisionId)>> {
        let ours = self.store.tip()?;
        let reader = arrived.map_or(&self.store, |arrived| &arrived.store);
        let (mut our_tip, mut their_tip) = (ours.clone(), theirs.clone());
        let mut here = None;
        if scrubs.only_there {
            let history = self.store.whole_history()?;
            let (follower, rewritten) = Follower::follow(reader, rules, history, (&ours, theirs))?;
            our_tip = rewritten.revision(&ours);
            here = (rewritten.changed > 0).then_some((follower, rewritten));
        }
        if scrubs.only_here {
            let history = reader.history_to(theirs)?;
            let (_, rewritten) = Follower::follow(reader, rules, history, (theirs, &our_tip))?;
            their_tip = rewritten.revision(theirs);
        }
        if let Some(arrived) = arrived {
            arrived.take_in(&self.store, &their_tip)?;
        }
        let top = self.joined((&our_tip, &their_tip), outcome)?;
        outcome.is_scrubbed |= here.is_some() || their_tip != *theirs;
        let is_done = match here {
            Some((follower, rewritten)) => self.adopt(&follower, &rewritten, &top)?,
            None if top == ours => true,
            None => self.store.fast_forward((&ours, &top), self.now())?,
        };
        self.catch_up()?;
        Ok(is_done.then_some((their_tip, top)))
    }

    /// One revision of two, of which neither needs to be main.
    fn joined(
        &self,
        (ours, theirs): (&RevisionId, &RevisionId),
        outcome: &mut SyncOutcome,
    ) -> Result<RevisionId> {
        Ok(match self.store.relation(ours, theirs)? {
            Relation::Same | Relation::Ahead => ours.clone(),
            Relation::Behind => {
                note(&mut outcome.came, self.store.differing_sessions(ours, theirs)?);
                self.in_present_schema(theirs)?
            }
            Relation::Apart(base) => {
                let theirs = self.in_present_schema(theirs)?;
                let merging = Merging::of(&self.store, (ours, &theirs, base.as_ref()))?;
                outcome.note_merging(&merging);
                merging.write(&self.store)?
            }
        })
    }

    /// Puts a history that follows a scrubbed one in the place of ours.
    fn adopt(
        &mut self,
        follower: &Follower<'_>,
        rewritten: &Rewritten,
        top: &RevisionId,
    ) -> Result<bool> {
        let clean = |text: &[u8]| follower.redactor.bytes(text, false);
        drop(self.sources()?);
        self.clean_audit_log(&clean)?;
        self.store.journals().clean_damaged(&clean)?;
        self.clean_starts(&clean)?;
        let (subject, at) = (Clean::stored("a scrubbed history".to_owned()), self.now());
        let note = CommitNote { operation: "sync", subject, at };
        let brings_back = |journal: &StandingJournal| follower.brings_back(journal);
        let rewrite = follower.rewrite(&clean, &brings_back);
        let Self { store, index, .. } = self;
        let mut forget = || forget(store, index, &follower.trees);
        let histories = (&follower.history, rewritten);
        let is_done = store.adopt_history(histories, top, &note, &rewrite, &mut forget)?;
        self.catch_up()?;
        drop(self.index.refresh(&self.store));
        Ok(is_done)
    }
}

impl<'r> Follower<'r> {
    /// Rewrites the history that ends in `tip` without what was taken out of the one that ends in
    /// `scrubbed`. Its objects are made durable; no ref leads to them.
    fn follow(
        store: &Store,
        rules: &'r Rules,
        history: History,
        (tip, scrubbed): (&RevisionId, &RevisionId),
    ) -> Result<(Self, Rewritten)> {
        let mut redactor = Redactor::new(rules);
        let twins = store.twins(&history, scrubbed, &mut |before, after| {
            learn(&mut redactor, before, after);
        })?;
        let (trees, unread, purged) = (twins.trees.clone(), HashSet::new(), BTreeMap::new());
        let mut follower = Self { history, twins, trees, unread, purged, redactor };
        let mut batch = store.batch();
        follower.renew(store, &mut batch, (tip, scrubbed))?;
        let clean = |text: &[u8]| follower.redactor.bytes(text, false);
        let rewrite = follower.rewrite(&clean, &|_| false);
        let rewritten = store.rewrite(&mut batch, &follower.history, &rewrite)?;
        batch.flush()?;
        Ok((follower, rewritten))
    }

    /// Finds out what becomes of the sessions' trees that this history has alone.
    fn renew(
        &mut self,
        store: &Store,
        batch: &mut Batch<'_>,
        (tip, scrubbed): (&RevisionId, &RevisionId),
    ) -> Result<()> {
        let every = versions(store, &self.history)?;
        let kept = self.purge(store, (tip, scrubbed), every.keys().copied())?;
        let mut own = versions(store, &self.history.without(&self.twins))?;
        own.extend(every.into_iter().filter(|(id, _)| kept.contains(id)));
        for (id, trees) in &own {
            let reference = reference(store, scrubbed, *id)?;
            for tree in trees {
                match records_of(store, *id, *tree) {
                    Some(records) => learn_of_same(&mut self.redactor, &records, &reference),
                    // Its files are cleaned one by one, as they are.
                    None => drop(self.unread.insert(*tree)),
                }
            }
        }
        for (id, trees) in own {
            let reference = reference(store, scrubbed, id)?;
            for tree in trees {
                let Some(records) = records_of(store, id, tree) else { continue };
                let new = self.cleaned(records.clone(), &reference);
                if new != records {
                    let (staged, _) = Bench::stage_whole(batch, id, None, new)?;
                    self.trees.insert(tree, staged.tree);
                }
            }
        }
        Ok(())
    }

    /// Notes the sessions of this history that were taken out of all of the other. Those that go on
    /// here are kept, and returned.
    fn purge(
        &mut self,
        store: &Store,
        (tip, scrubbed): (&RevisionId, &RevisionId),
        ids: impl Iterator<Item = SessionId>,
    ) -> Result<HashSet<SessionId>> {
        let other = versions(store, &store.history_to(scrubbed)?)?;
        let mut kept = HashSet::new();
        for id in ids.filter(|id| !other.contains_key(id)) {
            let Some(stone) = store.tombstone(scrubbed, id)? else { continue };
            match store.session(tip, id)? {
                Some(live) if goes_on(store, &live, &stone)? => drop(kept.insert(id)),
                _ => drop(self.purged.insert(id, stone)),
            }
        }
        Ok(kept)
    }

    fn cleaned(
        &self,
        records: Clean<Vec<Record>>,
        reference: &Clean<Vec<Record>>,
    ) -> Clean<Vec<Record>> {
        let records = records.join(reference.clone());
        let records = records.map(|(records, reference)| redacted_as_in(records, &reference));
        Clean::from_items(records.items().map(|record| self.redactor.again(record)))
    }

    fn rewrite<'w>(
        &'w self,
        clean: &'w CleanText<'w>,
        brings_back: &'w dyn Fn(&StandingJournal) -> bool,
    ) -> Rewrite<'w> {
        let Self { trees, unread, purged, twins, .. } = self;
        Rewrite { trees, unread, purged, clean, twins, brings_back }
    }

    /// Whether a journal that is not committed yet holds what was taken out, or may.
    fn brings_back(&self, journal: &StandingJournal) -> bool {
        let holds = |record: &Record| {
            let record = Clean::stored(record.clone());
            self.redactor.again(record.clone()) != record
        };
        journal.is_marker
            || self.redactor.bytes(&journal.unread, false).is_some()
            || journal.records.iter().any(holds)
    }
}

/// The records of a session's tree, if they can be read.
fn records_of(store: &Store, id: SessionId, tree: ObjectId) -> Option<Clean<Vec<Record>>> {
    let version = store.session_of_tree(id, &tree.to_string()).ok()??;
    // Of an older schema the file itself must be cleaned, not what is read of it.
    if version.is_older() { None } else { store.records(&version).ok() }
}

/// A session as the scrubbed history has it, deleted or not; no records: it never had it.
fn reference(store: &Store, scrubbed: &RevisionId, id: SessionId) -> Result<Clean<Vec<Record>>> {
    let mut found = store.session(scrubbed, id)?;
    if found.is_none() && store.tombstone(scrubbed, id)?.is_some() {
        found = store.buried_sessions(scrubbed, id)?.pop();
    }
    let nothing = || Clean::stored(Vec::new());
    Ok(found.map(|found| store.records(&found)).transpose()?.unwrap_or_else(nothing))
}

/// Learns what was taken out of records, from the same ones after it.
fn learn(redactor: &mut Redactor<'_>, before: &[Record], after: &[Record]) {
    for (before, after) in before.iter().zip(after) {
        if before != after {
            taken_out(before, after, &mut |rule, value| redactor.learn(rule, value));
        }
    }
}

/// The same of records that may stand elsewhere in the other stream, or not at all.
fn learn_of_same(redactor: &mut Redactor<'_>, before: &[Record], after: &[Record]) {
    let after: HashMap<RecordKey, &Record> = Keys::of(after).into_iter().zip(after).collect();
    for (record, key) in before.iter().zip(Keys::of(before)) {
        if let Some(other) = after.get(&key).filter(|other| **other != record) {
            taken_out(record, other, &mut |rule, value| redactor.learn(rule, value));
        }
    }
}
