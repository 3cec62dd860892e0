//! One change of the store: planned without a lock, committed under it, followed by the index.
//!
//! Every operation that writes goes through here. A plan that another process overtook is made
//! anew on the newer tip, so nothing is lost and nothing is doubled.

use std::collections::HashMap;
use std::collections::HashSet;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;

use crate::error::Result;
use crate::index::Index;
use crate::redact::Clean;
use crate::redact::Redactor;
use crate::redact::Rules;
use crate::repository::Progress;
use crate::repository::Repository;
use crate::repository::machine::KnownFolders;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::Timestamp;
use crate::store;
use crate::store::Batch;
use crate::store::Change;
use crate::store::CommitNote;
use crate::store::ObjectId;
use crate::store::StagedSession;
use crate::store::Store;
use crate::store::StoredSession;

/// What plans are made with.
pub(super) struct Bench<'r> {
    pub(super) store: &'r Store,
    pub(super) index: &'r Index,
    pub(super) rules: &'r Rules,
    pub(super) workspaces: KnownFolders,
}

/// A change that is ready, and the fold its head came from.
pub(super) struct Planned {
    pub(super) change: Change,
    pub(super) fold: Option<HeadFold>,
    /// Messages that it adds.
    pub(super) added: u64,
    pub(super) subject: Clean<String>,
}

/// Makes the change of one session on top of a revision; none: there is nothing to change.
pub(super) type Plan<'p> =
    dyn FnMut(&Bench<'_>, &mut Batch<'_>, &RevisionId, SessionId) -> Result<Option<Planned>> + 'p;

/// What a commit left for the index.
#[derive(Default)]
pub(super) struct Committed {
    pub(super) revision: Option<RevisionId>,
    folds: HashMap<SessionId, (String, HeadFold)>,
    pub(super) heads: HashMap<SessionId, Head>,
    trees: HashMap<SessionId, ObjectId>,
    /// Sessions that left the tip.
    gone: HashSet<SessionId>,
    /// Sessions whose change came out as what was there.
    same: HashSet<SessionId>,
}

impl Committed {
    fn keep(&mut self, planned: Planned) -> Change {
        match &planned.change {
            Change::Save(staged) => {
                self.heads.insert(staged.id, (*staged.head).clone());
                self.trees.insert(staged.id, staged.tree);
                if staged.base == Some(staged.tree) {
                    self.same.insert(staged.id);
                }
                if let Some(fold) = planned.fold {
                    self.folds.insert(staged.id, (staged.tree.to_string(), fold));
                }
            }
            Change::Keep { .. } => {}
            Change::Delete { tombstone, .. } => {
                self.gone.insert(tombstone.id);
            }
        }
        planned.change
    }

    /// Whether it took that session from the tip.
    pub(super) fn is_gone(&self, id: SessionId) -> bool {
        self.gone.contains(&id)
    }

    /// Forgets what was planned for a session: another process overtook it.
    fn forget(&mut self, id: SessionId) {
        self.heads.remove(&id);
        self.trees.remove(&id);
        self.folds.remove(&id);
        self.gone.remove(&id);
        self.same.remove(&id);
    }

    /// What the commit changed, as the index wants it.
    fn changes(&self) -> Vec<(SessionId, Option<(&Head, ObjectId)>)> {
        let is_other = |(id, _): &(&SessionId, &Head)| !self.same.contains(id);
        let others = self.heads.iter().filter(is_other);
        let saved = others.filter_map(|(id, head)| Some((*id, Some((head, *self.trees.get(id)?)))));
        saved.chain(self.gone.iter().map(|id| (*id, None))).collect()
    }
}

impl Bench<'_> {
    /// Commits what is planned; a plan that was overtaken is made anew by `plan`.
    pub(super) fn commit(
        &self,
        batch: Batch<'_>,
        note: &CommitNote,
        planned: Vec<Planned>,
        plan: &mut Plan<'_>,
    ) -> Result<Committed> {
        let mut committed = Committed::default();
        let changes = planned.into_iter().map(|planned| committed.keep(planned)).collect();
        let mut failure = None;
        let revision = self.store.commit(batch, note, changes, &mut |batch, tip, overtaken| {
            let id = overtaken.session();
            committed.forget(id);
            match plan(self, batch, tip, id) {
                Ok(planned) => Ok(planned.map(|planned| committed.keep(planned))),
                Err(error) => {
                    failure = Some(error);
                    Err(store::Error::Stale { session: id })
                }
            }
        });
        committed.revision = match (failure, revision) {
            (Some(error), _) => return Err(error),
            (None, revision) => revision?,
        };
        Ok(committed)
    }

    /// The fold over a stored session: kept from the last save, or made from its records.
    pub(super) fn fold(&self, stored: &StoredSession) -> Result<HeadFold> {
        // An index that cannot be read knows nothing: it is derived, and made anew when it is next
        // refreshed.
        if let Ok(Some(fold)) = self.index.fold(stored.id, &stored.tree.to_string()) {
            return Ok(fold);
        }
        Ok(self.store.fold(stored)?)
    }

    /// Plans the session `base` with records behind its last one. `stream`: its records, if they
    /// were read already.
    pub(super) fn plan_longer(
        &self,
        batch: &mut Batch<'_>,
        base: &StoredSession,
        stream: Option<Clean<Vec<Record>>>,
        records: Clean<Vec<Record>>,
    ) -> Result<Planned> {
        let fold = if records.iter().any(Record::changes_view) {
            let stream = stream.map_or_else(|| self.store.records(base), Ok)?;
            let mut stream = stream.into_inner();
            stream.extend(records.iter().cloned());
            HeadFold::of_stream(base.id, &stream)
        } else {
            let mut fold = self.fold(base)?;
            records.iter().for_each(|record| fold.add(record));
            fold
        };
        let mut stager = batch.append(base)?;
        let added = records.iter().filter(|record| record.as_message().is_some()).count();
        for record in records.items() {
            stager.push(&record)?;
        }
        Ok(planned(stager.finish(Clean::stored(fold.head().clone()))?, fold, added as u64))
    }

    /// Plans a session whose stream is `stream` from its first record on. `base`: what it replaces.
    pub(super) fn plan_whole(
        batch: &mut Batch<'_>,
        id: SessionId,
        base: Option<&StoredSession>,
        stream: Clean<Vec<Record>>,
        added: u64,
    ) -> Result<Planned> {
        let (staged, fold) = Self::stage_whole(batch, id, base, stream)?;
        Ok(planned(staged, fold, added))
    }

    /// Stages a session whose stream is `stream` from its first record on.
    pub(super) fn stage_whole(
        batch: &mut Batch<'_>,
        id: SessionId,
        base: Option<&StoredSession>,
        stream: Clean<Vec<Record>>,
    ) -> Result<(StagedSession, HeadFold)> {
        let fold = HeadFold::of_stream(id, &stream);
        let mut stager = batch.write(id, base);
        for record in stream.items() {
            stager.push(&record)?;
        }
        Ok((stager.finish(Clean::stored(fold.head().clone()))?, fold))
    }

    /// What a person did, as a record: its own id, and a time that never runs backwards.
    pub(super) fn event(
        &self,
        head: &Head,
        id: String,
        now: DateTime<Utc>,
        action: Action,
    ) -> Clean<Record> {
        let latest = head.modified.as_deref().and_then(Timestamp::parse).map(|at| at.instant());
        let at = latest.map_or(now, |latest| now.max(latest + TimeDelta::milliseconds(1)));
        let event = AnnalsEvent { id, at: Some(Timestamp::from_instant(at)), action };
        Redactor::new(self.rules).record(Record::Annals(event))
    }
}

/// A staged session as a plan; `added`: the messages that its commit's subject tells of.
pub(super) fn planned(staged: StagedSession, fold: HeadFold, added: u64) -> Planned {
    let subject = staged.head.derive(|head| subject(head, added));
    Planned { change: Change::Save(staged), fold: Some(fold), added, subject }
}

/// What a commit's subject says of a session: its title, or what was asked first.
pub(super) fn subject(head: &Head, added: u64) -> String {
    let name = head.title.as_deref().or(head.preview.as_deref());
    let name = name.map_or_else(|| head.id.short(), str::to_owned);
    match added {
        0 => name,
        1 => format!("{name} (+1 message)"),
        more => format!("{name} (+{more} messages)"),
    }
}

impl Repository {
    /// What plans are made with.
    pub(super) fn bench(&self) -> Result<Bench<'_>> {
        Ok(Bench {
            store: &self.store,
            index: &self.index,
            rules: self.rules()?,
            workspaces: KnownFolders::default(),
        })
    }

    /// Makes one change of one session.
    pub(super) fn change_session(
        &mut self,
        operation: &'static str,
        id: SessionId,
        plan: &mut Plan<'_>,
    ) -> Result<Committed> {
        self.ready_to_write()?;
        let at = self.now();
        let bench = self.bench()?;
        let tip = bench.store.tip()?;
        let mut batch = bench.store.batch();
        let planned = plan(&bench, &mut batch, &tip, id)?;
        let Some(planned) = planned else {
            return Ok(Committed::default());
        };
        let note = CommitNote { operation, subject: planned.subject.clone(), at };
        let committed = bench.commit(batch, &note, vec![planned], plan)?;
        self.follow(&committed);
        Ok(committed)
    }

    /// The head of a session after a commit, or as the tip has it if nothing was committed.
    pub(super) fn head_after(&self, id: SessionId, mut committed: Committed) -> Result<Head> {
        match committed.heads.remove(&id) {
            Some(head) => Ok(head),
            None => {
                let stored = self.stored(&self.store.tip()?, id)?;
                Ok(self.store.head(&stored)?.into_inner())
            }
        }
    }

    /// Brings the index up to a commit.
    pub(super) fn follow(&mut self, committed: &Committed) {
        let Some(revision) = &committed.revision else {
            return;
        };
        // The commit is durable, so nothing may say that it failed: what the index does not take in
        // now, the next refresh does.
        if self.index_commit(revision, committed).is_ok() {
            let folds = committed.folds.iter().map(|(id, (tree, fold))| (*id, tree.as_str(), fold));
            drop(self.index.keep_folds(folds));
        }
        // Where the level cannot be read, the default does: packing is never in the way.
        self.store.maintain(self.settings().packing_level.value);
    }

    /// Brings the full text up to the tip, at the end of a capture. A save does not wait for it: the
    /// next search does that. Like all of the index it is derived, so what fails now is done then.
    pub(super) fn index_texts(&mut self, progress: &mut dyn FnMut(Progress)) {
        drop(self.index.refresh_texts(&self.store, &mut |done, total| {
            progress(Progress { unit: "sessions indexed", done, total });
        }));
    }

    /// Tells the index of a commit; it reads the store only for what others committed before.
    fn index_commit(&mut self, revision: &RevisionId, committed: &Committed) -> Result<()> {
        let entry = self.store.commit_entry(revision)?;
        if !self.index.note_commit(&entry, &committed.changes()).unwrap_or(false) {
            self.index.refresh(&self.store)?;
        }
        Ok(())
    }
}
