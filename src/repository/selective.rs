//! Syncing with a remote that gets only some sessions.
//!
//! Such a remote never gets main: commits are made for it on top of what it has, and hold only the
//! sessions that match its filter, each as it is here, with those of their sub-agents. Main takes in
//! what others gave the remote. What the remote has stays there: a session that matches no longer is
//! neither called back nor gone on with, and what was deleted here is deleted there only if it
//! matched to the end.

use std::collections::BTreeSet;
use std::collections::HashSet;

use crate::error::Result;
use crate::index::Filter;
use crate::repository::Repository;
use crate::repository::SyncOutcome;
use crate::repository::delete::short_keys;
use crate::repository::merging::Merging;
use crate::repository::merging::as_it_is;
use crate::repository::merging::buried_stream;
use crate::repository::remote_filter::RemoteFilter;
use crate::repository::sync::note;
use crate::session::HeadFold;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Change;
use crate::store::LineageChanges;
use crate::store::Pushed;
use crate::store::Relation;
use crate::store::Remote;
use crate::store::SessionState;

/// What became of what a remote has.
enum Received {
    /// It is in main. The revision: what the remote has, without what was scrubbed here.
    All(RevisionId),
    /// It has nothing.
    Nothing,
    /// Main moved meanwhile.
    Overtaken,
}

/// What a remote is to get, and what it is not.
#[derive(Debug, Default)]
struct Giving {
    changes: LineageChanges,
    /// Sessions that it has, and that went on here but do not match.
    held: Vec<SessionId>,
}

impl Repository {
    /// One try to come to one state with such a remote. False: one of the two moved meanwhile.
    pub(super) fn exchange_some(
        &mut self,
        remote: &Remote,
        filter: &RemoteFilter,
        theirs: Option<&RevisionId>,
        step: &mut dyn FnMut(&'static str),
        outcome: &mut SyncOutcome,
    ) -> Result<bool> {
        let base = match self.receive(remote, theirs, step, outcome)? {
            Received::All(base) => Some(base),
            Received::Nothing => None,
            Received::Overtaken => return Ok(false),
        };
        let ours = self.store.tip()?;
        let giving = self.plan_giving(base.as_ref(), &ours, filter.filter(), outcome)?;
        if self.store.tip()? != ours {
            return Ok(false);
        }
        note(&mut outcome.went, giving.changes.sessions());
        note(&mut outcome.held, giving.held);
        outcome.stays = Some(self.remote_share(filter.filter())?.stays);
        outcome.revision = theirs.cloned();
        if outcome.is_dry_run {
            return Ok(true);
        }
        let (batch, at) = (self.store.batch(), self.now());
        let made = self.store.extend_lineage((base.as_ref(), &ours), batch, &giving.changes, at)?;
        let Some(made) = made.or(base) else { return Ok(true) };
        step("Pushing");
        let pushed = match theirs {
            // Nothing to give.
            Some(theirs) if *theirs == made => Pushed::Done,
            // What it has was scrubbed here, and is replaced.
            Some(theirs) if outcome.is_scrubbed => self.store.push_over(remote, theirs, &made)?,
            _ => self.store.push(remote, &made)?,
        };
        if !outcome.is_pushed(pushed) {
            return Ok(false);
        }
        self.saw(remote, &made)?;
        outcome.revision = Some(made);
        Ok(true)
    }

    /// Keeps what the remote has now: all of it is in main too.
    fn saw(&self, remote: &Remote, tip: &RevisionId) -> Result<()> {
        self.store.keep_lineage(&remote.name, tip)?;
        self.note_remote(&remote.name, |note| note.seen = Some(tip.clone()))
    }

    /// Takes into main what others gave the remote.
    fn receive(
        &mut self,
        remote: &Remote,
        theirs: Option<&RevisionId>,
        step: &mut dyn FnMut(&'static str),
        outcome: &mut SyncOutcome,
    ) -> Result<Received> {
        let Some(theirs) = theirs else {
            self.look_for_rewriting(remote, None, outcome)?;
            return Ok(Received::Nothing);
        };
        let arrived = self.store.bring(remote, theirs, &mut || step("Fetching"))?;
        let reader = arrived.as_ref().map_or(&self.store, |arrived| &arrived.store);
        let scrubs = reader.scrubs_apart(&self.store.tip()?, theirs)?;
        if !scrubs.only_here && !scrubs.only_there {
            self.look_for_rewriting(remote, Some(theirs), outcome)?;
            let is_in = self.join_theirs(remote, theirs, step, outcome)?;
            return Ok(if is_in { Received::All(theirs.clone()) } else { Received::Overtaken });
        }
        if outcome.is_dry_run {
            outcome.is_scrubbed = true;
            return Ok(Received::Nothing);
        }
        let come = self.take_out_scrubbed(theirs, arrived.as_ref(), scrubs, step, outcome)?;
        Ok(come.map_or(Received::Overtaken, |(theirs, _)| Received::All(theirs)))
    }

    /// Joins what others gave the remote with main. False: main moved meanwhile.
    fn join_theirs(
        &mut self,
        remote: &Remote,
        theirs: &RevisionId,
        step: &mut dyn FnMut(&'static str),
        outcome: &mut SyncOutcome,
    ) -> Result<bool> {
        let known = self.store.lineage(&remote.name)?;
        if let Some(known) = &known
            && self.comes_from(theirs, known)?
        {
            return Ok(true);
        }
        let ours = self.store.tip()?;
        let joined = match self.store.relation(&ours, theirs)? {
            Relation::Same | Relation::Ahead => return Ok(true),
            Relation::Behind => {
                note(&mut outcome.came, self.store.differing_sessions(&ours, theirs)?);
                let is_dry = outcome.is_dry_run;
                is_dry || self.store.fast_forward((&ours, theirs), self.now())?
            }
            Relation::Apart(base) => {
                step("Merging");
                // Main has all of what was seen last, though that is none of its ancestors.
                let base = match known {
                    Some(known) if self.comes_from(&known, theirs)? => Some(known),
                    _ => base,
                };
                let merging = Merging::of(&self.store, (&ours, theirs, base.as_ref()))?;
                outcome.note_merging(&merging);
                outcome.is_dry_run || merging.is_empty() || merging.commit(&self.store)?.is_some()
            }
        };
        self.catch_up()?;
        Ok(joined)
    }

    /// Decides what the remote is to get. `base`: what it has.
    fn plan_giving(
        &mut self,
        base: Option<&RevisionId>,
        ours: &RevisionId,
        filter: &Filter,
        outcome: &SyncOutcome,
    ) -> Result<Giving> {
        let family = self.index(|index| index.family(filter, &[]))?;
        let ids = match base {
            Some(base) => self.store.differing_sessions(base, ours)?,
            None => family.iter().copied().collect(),
        };
        let (mut giving, mut deleted) = (Giving::default(), Vec::new());
        let came: HashSet<&SessionId> = outcome.came.iter().collect();
        for id in ids {
            let here = self.store.session_state(ours, id)?;
            let there = base.map(|base| self.store.session_state(base, id)).transpose()?;
            let there = there.unwrap_or(SessionState { tree: None, tombstone: None });
            match (here.tree, there.tree) {
                // Of a dry run: what would come is not here yet, and does not go back.
                _ if outcome.is_dry_run && came.contains(&id) => {}
                (Some(tree), _) if family.contains(&id) => {
                    let change = as_it_is(&self.store, id, there.tree, tree)?;
                    if there == (SessionState { tree: None, tombstone: None }) {
                        let author = self.index(|index| index.author(id))?;
                        giving.changes.new.entry(author).or_default().push(change);
                    } else {
                        giving.changes.changed.push(change);
                    }
                }
                (Some(_), Some(_)) => giving.held.push(id),
                (None, Some(_)) if here.tombstone.is_some() => deleted.push(id),
                _ => {}
            }
        }
        if let Some(base) = base.filter(|_| !deleted.is_empty()) {
            self.plan_deletions(base, ours, filter, &deleted, &mut giving)?;
        }
        Ok(giving)
    }

    /// Of what was deleted here that which matched to the end is deleted there too. The tombstone
    /// knows only records that the remote has.
    fn plan_deletions(
        &mut self,
        base: &RevisionId,
        ours: &RevisionId,
        filter: &Filter,
        deleted: &[SessionId],
        giving: &mut Giving,
    ) -> Result<()> {
        let mut heads = Vec::new();
        for id in deleted {
            // Not as the newest revision has it: lines of history that were merged have no order.
            let stream = buried_stream(&self.store, ours, *id)?;
            heads.extend(stream.map(|it| HeadFold::of_stream(*id, &it).head().clone()));
        }
        let family: BTreeSet<SessionId> = self.index(|index| index.family(filter, &heads))?;
        for id in deleted {
            let stone = self.store.tombstone(ours, *id)?;
            let there = self.store.session(base, *id)?;
            let (Some(stone), Some(there)) = (stone, there) else { continue };
            if !family.contains(id) {
                giving.held.push(*id);
                continue;
            }
            let records = self.store.records(&there)?;
            let tombstone = stone.join(records).map(|(mut stone, records)| {
                let known: HashSet<_> = short_keys(&records).into_iter().collect();
                stone.keys.retain(|key| known.contains(key));
                stone
            });
            giving.changes.changed.push(Change::Delete { base: Some(there.tree), tombstone });
        }
        Ok(())
    }
}
