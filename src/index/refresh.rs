//! Following main: the catalogue takes in, commit by commit, what it has not seen.

use std::collections::HashMap;

use crate::index::Error;
use crate::index::Index;
use crate::index::database;
use crate::index::rows;
use crate::index::rows::Portion;
use crate::index::rows::State;
use crate::index::rows::States;
use crate::session::Head;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store;
use crate::store::CommitEntry;
use crate::store::SessionChange;
use crate::store::Store;

/// After this many changes a transaction is closed: a long rebuild keeps what it has, takes
/// little memory, and lets others write in between.
const PORTION: usize = 1_000;

/// What a refresh did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refreshed {
    /// Commits taken in.
    pub commits: u64,
    /// Whether it was built from nothing.
    pub is_rebuilt: bool,
}

/// The history that a catalogue is derived from.
pub(super) trait HistorySource {
    /// The newest revision.
    fn tip(&self) -> Result<RevisionId, store::Error>;
    /// As [`Store::history`].
    fn history(
        &self,
        from: Option<&RevisionId>,
        to: &RevisionId,
        is_known: &dyn Fn(&RevisionId) -> bool,
    ) -> Result<Option<Vec<CommitEntry>>, store::Error>;
    /// The sessions that differ between two revisions.
    fn changes(
        &self,
        from: Option<&RevisionId>,
        to: &RevisionId,
    ) -> Result<Vec<(SessionId, Presence)>, store::Error>;
    /// The head of a session at a revision that has it.
    fn head(&self, at: &RevisionId, id: SessionId) -> Result<Option<Head>, store::Error>;
}

/// How a session stands in a revision that is compared with one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It is there, and was not before.
    Begun,
    /// It is there.
    There,
    /// It is not there.
    Gone,
}

impl HistorySource for Store {
    fn tip(&self) -> Result<RevisionId, store::Error> {
        self.tip()
    }

    fn history(
        &self,
        from: Option<&RevisionId>,
        to: &RevisionId,
        is_known: &dyn Fn(&RevisionId) -> bool,
    ) -> Result<Option<Vec<CommitEntry>>, store::Error> {
        self.history(from, to, is_known)
    }

    fn changes(
        &self,
        from: Option<&RevisionId>,
        to: &RevisionId,
    ) -> Result<Vec<(SessionId, Presence)>, store::Error> {
        let presence = |change: &SessionChange| match (change.tree, change.existed) {
            (None, _) => Presence::Gone,
            (Some(_), true) => Presence::There,
            (Some(_), false) => Presence::Begun,
        };
        let changes = match self.changes(from, to) {
            // One damaged folder must not keep the others from being listed.
            Err(store::Error::Corrupt { .. }) => self.changes_in_part(from, to)?,
            changes => changes?,
        };
        Ok(changes.iter().map(|change| (change.id, presence(change))).collect())
    }

    fn head(&self, at: &RevisionId, id: SessionId) -> Result<Option<Head>, store::Error> {
        match self.session(at, id)? {
            Some(session) => self.head(&session).map(|head| Some(head.into_inner())),
            None => Ok(None),
        }
    }
}

impl Index {
    /// The revision that the catalogue stands for, if it stands for one.
    pub fn stands_for(&self) -> Result<Option<RevisionId>, Error> {
        rows::indexed(&self.connection)
    }

    /// As [`Index::refresh`], of any history.
    pub(super) fn follow(&mut self, source: &dyn HistorySource) -> Result<Refreshed, Error> {
        match self.try_follow(source) {
            Err(error) if error.is_damage() => {
                self.rebuild()?;
                self.try_follow(source)
            }
            outcome => outcome,
        }
    }

    fn try_follow(&mut self, source: &dyn HistorySource) -> Result<Refreshed, Error> {
        let mut refreshed = Refreshed::default();
        // Again while other processes move the catalogue, or the tip, at the same time.
        loop {
            let tip = source.tip()?;
            let indexed = rows::indexed(&self.connection)?;
            if indexed.as_ref() == Some(&tip) {
                return Ok(refreshed);
            }
            if database::is_read_only(&self.connection) {
                self.rebuild()?;
                continue;
            }
            refreshed.is_rebuilt |= indexed.is_none();
            let is_known = |revision: &RevisionId| rows::is_known(&self.connection, revision);
            let Some(commits) = source.history(indexed.as_ref(), &tip, &is_known)? else {
                rows::clear(&mut self.connection, indexed.as_ref())?;
                continue;
            };
            refreshed.commits += self.take_in(source, indexed, commits)?;
        }
    }

    /// Takes in commits that follow `from`, portion by portion, until another process got ahead;
    /// returns how many.
    fn take_in(
        &mut self,
        source: &dyn HistorySource,
        mut from: Option<RevisionId>,
        commits: Vec<CommitEntry>,
    ) -> Result<u64, Error> {
        let mut taken = 0;
        let mut commits = commits.into_iter().peekable();
        let mut before = from.clone();
        let mut portion = Portion::default();
        while let Some(entry) = commits.next() {
            let states = read_states(source, before.as_ref(), &entry.revision)?;
            let own = match entry.parents.as_slice() {
                [] if before.is_none() => None,
                [parent] if before.as_ref() == Some(parent) => None,
                _ => Some(own_states(source, &entry)?),
            };
            before = Some(entry.revision.clone());
            portion.push(entry, states, own);
            if portion.changes() >= PORTION || commits.peek().is_none() {
                if !rows::apply(&mut self.connection, from.as_ref(), &portion)? {
                    break;
                }
                taken += portion.commits() as u64;
                from.clone_from(&before);
                portion = Portion::default();
            }
        }
        Ok(taken)
    }
}

/// Takes what changed between two revisions into a part of the index.
pub(super) type TakeIn<'t> = dyn FnMut(&mut Index, (Option<&RevisionId>, &RevisionId), &[SessionChange]) -> Result<(), Error>
    + 't;

impl Index {
    /// Brings the catalogue up to the tip, and then a part of the index that follows it behind.
    /// `part`: what the commit is called in the table that it stands for.
    pub(super) fn bring_up(
        &mut self,
        store: &Store,
        part: &str,
        take: &mut TakeIn<'_>,
    ) -> Result<(), Error> {
        match self.try_bring_up(store, part, take) {
            Err(error) if error.is_damage() => {
                self.rebuild()?;
                self.try_bring_up(store, part, take)
            }
            outcome => outcome,
        }
    }

    fn try_bring_up(
        &mut self,
        store: &Store,
        part: &str,
        take: &mut TakeIn<'_>,
    ) -> Result<(), Error> {
        // Again while other processes move the catalogue at the same time.
        loop {
            self.refresh(store)?;
            let tip = rows::indexed(&self.connection)?;
            let from = rows::stands_for(&self.connection, part)?;
            let Some(tip) = tip.filter(|tip| from.as_ref() != Some(tip)) else { return Ok(()) };
            if database::is_read_only(&self.connection) {
                self.rebuild()?;
                continue;
            }
            let changes = changes(store, from.as_ref(), &tip)?;
            let changes = rows::in_order_of_keys(&self.connection, changes)?;
            take(self, (from.as_ref(), &tip), &changes)?;
        }
    }
}

/// What changed; everything, where the commit that a part stands for is no more.
fn changes(
    store: &Store,
    from: Option<&RevisionId>,
    to: &RevisionId,
) -> Result<Vec<SessionChange>, Error> {
    if from.is_some()
        && let Ok(changes) = store.changes(from, to)
    {
        return Ok(changes);
    }
    Ok(store.changes_in_part(None, to)?)
}

fn read_states(
    source: &dyn HistorySource,
    before: Option<&RevisionId>,
    at: &RevisionId,
) -> Result<States, Error> {
    states_of(source, source.changes(before, at)?, at)
}

/// What a commit that does not follow the one before it in the list did: the sessions that it has
/// otherwise than every one of its parents.
fn own_states(source: &dyn HistorySource, entry: &CommitEntry) -> Result<States, Error> {
    let mut parents = entry.parents.iter();
    let mut changes = source.changes(parents.next(), &entry.revision)?;
    for parent in parents {
        let others: HashMap<SessionId, Presence> =
            source.changes(Some(parent), &entry.revision)?.into_iter().collect();
        changes.retain_mut(|(id, presence)| {
            let other = others.get(id);
            if other == Some(&Presence::There) {
                *presence = Presence::There;
            }
            other.is_some()
        });
    }
    states_of(source, changes, &entry.revision)
}

fn states_of(
    source: &dyn HistorySource,
    changes: Vec<(SessionId, Presence)>,
    at: &RevisionId,
) -> Result<States, Error> {
    let mut states = States::default();
    for (id, presence) in changes {
        let state = match presence {
            Presence::Gone => State::Deleted,
            _ => read_state(id, source.head(at, id))?,
        };
        states.each.push((id, state));
        if presence == Presence::Begun {
            states.begun.push(id);
        }
    }
    Ok(states)
}

/// One damaged session must not keep the others from being listed.
fn read_state(id: SessionId, head: Result<Option<Head>, store::Error>) -> Result<State, Error> {
    match head {
        Ok(Some(head)) if head.id != id => {
            Ok(State::Damaged(format!("its session.yaml is that of session {}", head.id)))
        }
        Ok(Some(head)) => Ok(State::Present(Box::new(head))),
        Ok(None) => Ok(State::Damaged("its session.yaml is missing".to_owned())),
        Err(error @ (store::Error::Corrupt { .. } | store::Error::TooNew { .. })) => {
            Ok(State::Damaged(error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}
