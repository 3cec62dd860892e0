//! The lineage of a remote that gets only some sessions: commits on top of what it has, made for it.
//!
//! Nothing of main is among their ancestors but what the remote itself gave. Trees, tombstones,
//! messages and trailers hold what is handed in here, and what the remote had before; the marker has
//! the store's id, its schema and its records of scrubs. The ref `refs/annals/remotes/<name>` leads to
//! what the remote was when it was last synced with.

use std::collections::BTreeMap;

use chrono::DateTime;
use chrono::Utc;
use git2::ObjectType;
use git2::Oid;

use crate::format::Marker;
use crate::session::Native;
use crate::session::RevisionId;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::Change;
use crate::store::Error;
use crate::store::Store;
use crate::store::commit::NEUTRAL_AUTHOR;
use crate::store::commit::TipEdit;
use crate::store::commit_text::CommitText;
use crate::store::refs::object_id;
use crate::store::refs::revision;

/// Where the refs lie that lead to what remotes with a filter had.
pub(super) const LINEAGES: &str = "refs/annals/remotes/";

/// What a remote is to get.
#[derive(Debug, Default)]
pub struct LineageChanges {
    /// Sessions that it never had, by who saved them first; none: nobody in particular.
    pub new: BTreeMap<Option<String>, Vec<Change>>,
    /// Sessions that it has otherwise.
    pub changed: Vec<Change>,
}

impl LineageChanges {
    /// The sessions, in order.
    pub fn sessions(&self) -> Vec<SessionId> {
        let all = self.new.values().flatten().chain(&self.changed);
        let mut ids: Vec<SessionId> = all.map(Change::session).collect();
        ids.sort_unstable();
        ids
    }
}

impl Store {
    /// What a remote was when it was last synced with, if its lineage is kept.
    pub fn lineage(&self, remote: &str) -> Result<Option<RevisionId>, Error> {
        Ok(self.ref_id(&lineage_ref(remote))?.map(revision))
    }

    /// Keeps what a remote is now.
    pub fn keep_lineage(&self, remote: &str, tip: &RevisionId) -> Result<(), Error> {
        let _lock = self.lock()?;
        let name = lineage_ref(remote);
        let kept = self.repository.reference(&name, object_id(tip), true, "sync");
        kept.map(drop).map_err(keeping)
    }

    /// Forgets what a remote was.
    pub fn drop_lineage(&self, remote: &str) -> Result<(), Error> {
        let _lock = self.lock()?;
        match self.repository.find_reference(&lineage_ref(remote)) {
            Ok(mut reference) => reference.delete().map_err(keeping),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(()),
            Err(error) => Err(keeping(error)),
        }
    }

    /// Makes the commits that give a remote these changes, on top of what it has; no ref moves.
    /// `base`: what it has; none: nothing that stays. `ours`: the revision that the changes are of.
    /// None: there is nothing to give.
    pub fn extend_lineage(
        &self,
        (base, ours): (Option<&RevisionId>, &RevisionId),
        batch: Batch<'_>,
        changes: &LineageChanges,
        at: DateTime<Utc>,
    ) -> Result<Option<RevisionId>, Error> {
        self.check_schema(ours)?;
        let marker = self.lineage_marker(base, ours)?;
        let mut extension = Extension { store: self, batch, tip: base.map(object_id), marker, at };
        let is_marked = base
            .is_some_and(|base| self.marker_at(base).is_ok_and(|known| known == extension.marker));
        for (author, changes) in &changes.new {
            extension.add(changes, author.as_deref().unwrap_or(NEUTRAL_AUTHOR))?;
        }
        if !changes.changed.is_empty() || !is_marked && changes.new.is_empty() {
            extension.add(&changes.changed, self.author())?;
        }
        let tip = extension.tip.map(revision);
        Ok(tip.filter(|tip| base != Some(tip)))
    }

    /// The marker of the remote: as it was, and what was scrubbed here, so that nobody brings it back.
    fn lineage_marker(
        &self,
        base: Option<&RevisionId>,
        ours: &RevisionId,
    ) -> Result<Marker, Error> {
        let ours = self.marker_at(ours)?;
        let mut marker = match base {
            Some(base) => self.marker_at(base)?,
            None => Marker { scrubs: Vec::new(), native: Native::new(), ..ours.clone() },
        };
        for scrub in ours.scrubs {
            if !marker.scrubs.contains(&scrub) {
                marker.scrubs.push(scrub);
            }
        }
        Ok(marker)
    }
}

/// A lineage that is being extended.
struct Extension<'s> {
    store: &'s Store,
    batch: Batch<'s>,
    tip: Option<Oid>,
    marker: Marker,
    at: DateTime<Utc>,
}

impl Extension<'_> {
    /// One commit more.
    fn add(&mut self, changes: &[Change], author: &str) -> Result<(), Error> {
        let mut edit = match self.tip {
            Some(tip) => TipEdit::new(self.store, &revision(tip))?,
            None => TipEdit::begin(self.store, &mut self.batch)?,
        };
        for change in changes {
            edit.apply(&mut self.batch, change)?;
        }
        edit.mark(&mut self.batch, &self.marker)?;
        let tree = edit.write_root(&mut self.batch)?;
        let sessions: Vec<SessionId> = changes.iter().map(Change::session).collect();
        let noun = if sessions.len() == 1 { "session" } else { "sessions" };
        let subject = format!("{} {noun}", sessions.len());
        let text = CommitText {
            operation: "sync",
            subject: &subject,
            sessions: &sessions,
            schema: SCHEMA_VERSION,
            at: self.at,
        };
        let parents: Vec<Oid> = self.tip.into_iter().collect();
        let commit = text.render_by(tree, &parents, (author, self.store.author()));
        self.tip = Some(self.batch.put(ObjectType::Commit, commit)?);
        // The next one is made from what this one wrote.
        self.batch.flush()
    }
}

/// The ref that leads to what a remote had.
pub(super) fn lineage_ref(remote: &str) -> String {
    format!("{LINEAGES}{remote}")
}

fn keeping(source: git2::Error) -> Error {
    Error::Git { doing: "keeping what the remote has".into(), source }
}
