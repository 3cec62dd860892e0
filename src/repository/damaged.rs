//! Reading on in a store that is damaged where the ways to all sessions lead: the newest commit, its
//! folders, the marker.
//!
//! What a revision holds of a session is found by these ways. Where one is damaged, the index still
//! knows the tree that each session is in at the revision it stands for; a tree is what its id says,
//! so what is read of it is right. Where the index stands for an older revision, for nobody can follow
//! it to the newest, that one is read, and told ([`StoreDamage`]). Nothing here helps who writes: a
//! commit is made from what the store itself can read, or not at all.

use std::sync::Arc;
use std::sync::OnceLock;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::repository::Repository;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store;
use crate::store::StoredSession;

/// What was found damaged of a store that is read all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreDamage {
    /// What is damaged, and how.
    pub cause: String,
    /// The older revision that is read, where the newest cannot be.
    pub stands_in: Option<RevisionId>,
}

/// What is known of the damage, from its opening on.
#[derive(Debug, Default)]
pub(super) struct Damaged {
    /// Why the store could not be opened to be written.
    opening: Option<String>,
    found: Arc<OnceLock<StoreDamage>>,
}

impl Damaged {
    /// That of a store that could not be opened to be written.
    pub(super) fn at_opening(error: &store::Error) -> Self {
        Self { opening: Some(error.to_string()), found: Arc::default() }
    }

    fn note(&self, cause: &str, stands_in: Option<RevisionId>) {
        // The first that is found is told: it is what others come of.
        self.found.get_or_init(|| StoreDamage { cause: cause.to_owned(), stands_in });
    }
}

impl Repository {
    /// Where it is noted, once that is found, that the store is damaged and read all the same. What
    /// only a single session lacks is not: that is told when the session is read.
    pub fn damage(&self) -> Arc<OnceLock<StoreDamage>> {
        Arc::clone(&self.damaged.found)
    }

    /// Whether the store could not be opened to be written.
    pub(super) fn is_only_read(&self) -> bool {
        self.damaged.opening.is_some()
    }

    /// Refuses whatever changes a store that could not be opened to be written.
    pub(super) fn refuse_if_only_read(&self) -> Result<()> {
        match &self.damaged.opening {
            Some(cause) => Err(Error::new(ErrorKind::Corrupt, cause)),
            None => Ok(()),
        }
    }

    /// Notes what is damaged, once the index stands where it can.
    pub(super) fn note_damage(&self) -> Result<()> {
        match (self.index.unread(), &self.damaged.opening) {
            (Some(cause), _) => self.damaged.note(cause, self.index.stands_for()?),
            (None, Some(cause)) => self.damaged.note(cause, None),
            (None, None) => {}
        }
        Ok(())
    }

    /// The revision that is read where no other is asked for: the newest, or the one that the index
    /// stands for, where it could not follow to the newest.
    pub(super) fn newest_revision(&self) -> Result<RevisionId> {
        if self.index.unread().is_some()
            && let Some(revision) = self.index.stands_for()?
        {
            return Ok(revision);
        }
        Ok(self.store.tip()?)
    }

    /// A session as a revision holds it.
    pub(super) fn stored(&self, revision: &RevisionId, id: SessionId) -> Result<StoredSession> {
        self.find_stored(revision, id)?.ok_or_else(|| {
            let message = format!("session {} is not in revision {}", id.short(), revision.short());
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// The same; none: it is not in that revision.
    pub(super) fn find_stored(
        &self,
        revision: &RevisionId,
        id: SessionId,
    ) -> Result<Option<StoredSession>> {
        let error = match self.store.session(revision, id) {
            Err(error @ store::Error::Corrupt { .. }) => error,
            found => return Ok(found?),
        };
        let Some(tree) = self.index.tree_at(revision, id)? else { return Err(error.into()) };
        let Some(stored) = self.store.session_of_tree(id, &tree)? else { return Err(error.into()) };
        // Where it is not what it was in that revision, its mark says so.
        let mark = self.index.summary(id)?.and_then(|summary| summary.damaged);
        let mark = mark.map(|mark| format!("session {}: {mark}", id.short()));
        self.damaged.note(&mark.unwrap_or_else(|| error.to_string()), None);
        Ok(Some(stored))
    }
}
