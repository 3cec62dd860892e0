//! Following main: the catalogue takes in, commit by commit, what it has not seen.

use std::collections::HashMap;

use crate::index::Error;
use crate::index::Index;
use crate::index::database;
use crate::index::database::failed;
use crate::index::rows;
use crate::index::rows::Portion;
use crate::index::rows::State;
use crate::index::rows::States;
use crate::index::trees;
use crate::session::Head;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store;
use crate::store::CommitEntry;
use crate::store::ObjectId;
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
    /// As [`Store::check_readable`].
    fn check_readable(&self, at: &RevisionId) -> Result<(), store::Error>;
    /// As [`Store::newest_readable`].
    fn newest_readable(&self) -> Result<Option<RevisionId>, store::Error>;
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
    /// It is there, in this tree, and was not before.
    Begun(ObjectId),
    /// It is there, in this tree.
    There(ObjectId),
    /// It was there, and the folder that it was in cannot be read.
    Hidden,
    /// It is not there.
    Gone,
}

impl HistorySource for Store {
    fn tip(&self) -> Result<RevisionId, store::Error> {
        self.tip()
    }

    fn check_readable(&self, at: &RevisionId) -> Result<(), store::Error> {
        self.check_readable(at)
    }

    fn newest_readable(&self) -> Result<Option<RevisionId>, store::Error> {
        self.newest_readable()
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
            (Some(tree), true) => Presence::There(tree),
            (Some(tree), false) => Presence::Begun(tree),
        };
        let (changes, hidden) = match self.changes(from, to) {
            // One damaged folder must not keep the others from being listed.
            Err(store::Error::Corrupt { .. }) => {
                let hidden = from.map(|from| self.hidden_sessions(from, to)).transpose()?;
                (self.changes_in_part(from, to)?, hidden.unwrap_or_default())
            }
            changes => (changes?, Vec::new()),
        };
        let changes = changes.iter().map(|change| (change.id, presence(change)));
        Ok(changes.chain(hidden.into_iter().map(|id| (id, Presence::Hidden))).collect())
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

    /// Why the newest revision could not be followed to, when that was last tried.
    pub fn unread(&self) -> Option<&str> {
        self.unread.as_deref()
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
            let indexed = rows::indexed(&self.connection)?;
            let tip = match self.readable_tip(source, indexed.as_ref())? {
                Some(tip) if indexed.as_ref() != Some(&tip) => tip,
                _ => return Ok(refreshed),
            };
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

    /// The revision to follow to: the newest; where that cannot be read, whatever the catalogue stands
    /// for is kept (none), and one that stands for nothing follows to the newest that can be read.
    fn readable_tip(
        &mut self,
        source: &dyn HistorySource,
        indexed: Option<&RevisionId>,
    ) -> Result<Option<RevisionId>, Error> {
        self.unread = None;
        let tip = source.tip();
        if let (Ok(tip), Some(indexed)) = (&tip, indexed)
            && tip == indexed
        {
            return Ok(None);
        }
        match tip.and_then(|tip| source.check_readable(&tip).map(|()| tip)) {
            Err(error @ store::Error::Corrupt { .. }) => {
                let found = match indexed {
                    Some(_) => None,
                    None => match source.newest_readable()? {
                        None => return Err(error.into()),
                        found => found,
                    },
                };
                self.unread = Some(error.to_string());
                Ok(found)
            }
            tip => Ok(Some(tip?)),
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
            let changes = self.changes(store, from.as_ref(), &tip)?;
            let changes = rows::in_order_of_keys(&self.connection, changes)?;
            take(self, (from.as_ref(), &tip), &changes)?;
        }
    }

    /// What changed; everything that the catalogue knows, where the commit that a part stands for is no
    /// more, or one of the two cannot be read.
    fn changes(
        &self,
        store: &Store,
        from: Option<&RevisionId>,
        to: &RevisionId,
    ) -> Result<Vec<SessionChange>, Error> {
        if from.is_some()
            && let Ok(changes) = store.changes(from, to)
        {
            return Ok(changes);
        }
        trees::all(&self.connection).map_err(failed("cannot read the index"))
    }
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
            if let (Some(Presence::There(_)), Presence::Begun(tree)) = (other, &*presence) {
                *presence = Presence::There(*tree);
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
            Presence::Hidden => State::Hidden(format!(
                "the folder that it is in cannot be read in the revision {}, and this is what it was \
                before",
                at.short()
            )),
            Presence::Begun(tree) | Presence::There(tree) => {
                read_state(id, tree, source.head(at, id))?
            }
        };
        states.each.push((id, state));
        if matches!(presence, Presence::Begun(_)) {
            states.begun.push(id);
        }
    }
    Ok(states)
}

/// One damaged session must not keep the others from being listed.
fn read_state(
    id: SessionId,
    tree: ObjectId,
    head: Result<Option<Head>, store::Error>,
) -> Result<State, Error> {
    let damaged = |why: String| Ok(State::Damaged(tree, why));
    match head {
        Ok(Some(head)) if head.id != id => {
            damaged(format!("its session.yaml is that of session {}", head.id))
        }
        Ok(Some(head)) => Ok(State::Present(tree, Box::new(head))),
        Ok(None) => damaged("its session.yaml is missing".to_owned()),
        Err(error @ (store::Error::Corrupt { .. } | store::Error::TooNew { .. })) => {
            damaged(error.to_string())
        }
        Err(error) => Err(error.into()),
    }
}
