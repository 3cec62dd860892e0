//! A damaged revision, as far as it can be told: where its sessions lie, what of its folders is lost, and
//! what stands in for that.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::format::Marker;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::ObjectId;
use crate::store::layout::SESSIONS;
use crate::store::layout::Tree;

/// What can be read of a revision, with what older ones have in the place of the rest.
#[derive(Debug)]
pub struct Remains {
    /// The revision.
    pub at: RevisionId,
    /// Where each of its sessions lies, but for those in files of an older schema.
    pub sessions: BTreeMap<SessionId, ObjectId>,
    /// The folders that could not be read; `""` is the top one.
    pub lost_folders: Vec<String>,
    /// Whether it stands in for a later revision that is lost.
    pub is_tip_lost: bool,
    /// Sessions in these that are where somebody else knew them to be.
    pub placed: BTreeSet<SessionId>,
    /// Whether its marker cannot be read.
    pub is_marker_lost: bool,
    /// The marker that stands in for it: that of the newest older revision that has one.
    pub marker: Option<Marker>,
    /// Whether its attributes cannot be read.
    pub are_attributes_lost: bool,
    /// The tombstones that could not be read.
    pub lost_tombstones: BTreeSet<SessionId>,
    pub(super) root: Tree,
    pub(super) areas: BTreeMap<&'static str, Tree>,
    pub(super) shards: BTreeMap<(&'static str, String), Tree>,
}

impl Remains {
    /// Whether the folder that a session lies in could not be read, and nobody knew where it was.
    pub fn is_in_lost_folder(&self, id: SessionId) -> bool {
        !self.placed.contains(&id) && self.is_shard_lost(&id.shard())
    }

    /// Whether no folder is lost, nor the revision that it stands in for.
    pub fn is_whole(&self) -> bool {
        self.lost_folders.is_empty() && !self.is_tip_lost
    }

    fn is_shard_lost(&self, name: &str) -> bool {
        let shard = format!("{SESSIONS}/{name}");
        self.is_tip_lost
            || self.lost_folders.iter().any(|it| it.is_empty() || it == SESSIONS || *it == shard)
    }

    /// Puts the sessions of lost folders where they are known to have been. `trees`: where all of the
    /// revision's were; nothing, if nobody knows.
    pub fn place(&mut self, trees: &[(SessionId, ObjectId)]) {
        let lost: Vec<_> = trees.iter().filter(|(id, _)| self.is_shard_lost(&id.shard())).collect();
        if lost.is_empty() {
            return;
        }
        let (before, kept) = std::mem::take(&mut self.sessions)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(id, _)| self.is_shard_lost(&id.shard()));
        self.sessions = kept;
        if self.is_tip_lost {
            // What is there no more was deleted since.
            let there: BTreeSet<SessionId> = lost.iter().map(|(id, _)| *id).collect();
            self.lost_tombstones.extend(before.into_keys().filter(|id| !there.contains(id)));
        }
        self.shards.retain(|(area, _), _| *area != SESSIONS);
        if self.is_tip_lost || self.lost_folders.iter().any(|it| it.is_empty() || it == SESSIONS) {
            self.areas.insert(SESSIONS, Tree::default());
        }
        for (id, tree) in lost {
            let shard = self.shards.entry((SESSIONS, id.shard())).or_default();
            shard.set_folder(&id.to_string(), tree.0);
            self.sessions.insert(*id, *tree);
            self.placed.insert(*id);
        }
    }
}
