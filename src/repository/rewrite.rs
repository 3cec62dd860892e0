//! History rewritten, and all that was derived from it: what scrub and purge share.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::io;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::format::Tombstone;
use crate::index::Index;
use crate::index::Sources;
use crate::redact::Clean;
use crate::repository::Repository;
use crate::repository::migrate::cleaner;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Batch;
use crate::store::CleanText;
use crate::store::CommitNote;
use crate::store::History;
use crate::store::ObjectId;
use crate::store::Rewrite;
use crate::store::StandingJournal;
use crate::store::Store;
use crate::store::Twins;

/// How often it is begun again when others save meanwhile.
const TRIES: usize = 5;

/// What a rewriting of history did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewriteOutcome {
    /// The tip before.
    pub before: RevisionId,
    /// The commit that records it, on top of the rewritten history.
    pub revision: RevisionId,
    /// How many earlier revisions are other than they were, or gone.
    pub rewritten: u64,
    /// How many there were.
    pub revisions: u64,
}

/// What becomes of sessions; kept from try to try.
#[derive(Default)]
pub(super) struct Renewal {
    /// What becomes of sessions' trees, where it is not the same.
    pub(super) trees: HashMap<ObjectId, ObjectId>,
    /// Trees that stay.
    pub(super) same: HashSet<ObjectId>,
    /// Trees that could not be read.
    pub(super) unread: HashSet<ObjectId>,
    /// Sessions that go.
    pub(super) purged: BTreeMap<SessionId, Clean<Tombstone>>,
}

/// Brings a renewal up to a history.
pub(super) type Renew<'r> =
    dyn FnMut(&Store, &mut Batch<'_>, &History, &mut Renewal) -> Result<()> + 'r;

impl Repository {
    /// Rewrites all history as `renew` says. `clean` is for the texts that are no session's;
    /// `brings_back` tells which journals would bring back what goes.
    pub(super) fn rewrite_history(
        &mut self,
        (operation, subject): (&'static str, String),
        renew: &mut Renew<'_>,
        clean: &CleanText<'_>,
        brings_back: &dyn Fn(&StandingJournal) -> bool,
    ) -> Result<RewriteOutcome> {
        let at = self.now();
        let note = CommitNote { operation, subject: Clean::stored(subject), at };
        let mut renewal = Renewal::default();
        self.ready_to_write()?;
        drop(self.sources()?);
        self.store.journals().clean_damaged(clean)?;
        self.clean_starts(clean)?;
        for _ in 0..TRIES {
            let Self { store, index, .. } = self;
            let history = store.whole_history()?;
            let before = store.tip()?;
            let mut batch = store.batch();
            renew(store, &mut batch, &history, &mut renewal)?;
            let Renewal { trees, unread, purged, .. } = &renewal;
            let twins = &Twins::default();
            let rewrite = Rewrite { trees, unread, purged, clean, twins, brings_back };
            let rewritten = store.rewrite(&mut batch, &history, &rewrite)?;
            let revision = store.replace_history(
                batch,
                &note,
                (&history, &rewritten),
                &rewrite,
                &mut || forget(store, index, trees),
            )?;
            if let Some(revision) = revision {
                self.catch_up()?;
                // Made anew on purpose; what fails is done by the next one who reads it.
                drop(self.index.refresh(&self.store));
                let revisions = history.len() as u64;
                let rewritten = rewritten.changed;
                return Ok(RewriteOutcome { before, revision, rewritten, revisions });
            }
        }
        let message = "others save into the store all the time, so its history cannot be rewritten";
        Err(Error::new(ErrorKind::Locked, message))
    }

    /// Goes on with a rewriting whose process died. What fails is tried again next time, and
    /// `doctor` tells of it: reading must not depend on it.
    pub(super) fn finish_rewriting(&mut self) {
        let Self { store, index, .. } = self;
        if store.is_replacing() {
            let is_done = store.finish_replacement(&mut || forget(store, index, &HashMap::new()));
            if is_done.unwrap_or(false) {
                self.observer.repaired("history", 1);
            }
            drop(self.catch_up());
            drop(self.index.refresh(&self.store));
        }
    }

    /// Opens the store anew if its history was rewritten, perhaps by another process: an open one
    /// still sees what is gone.
    pub(super) fn catch_up(&mut self) -> Result<()> {
        if self.store.is_outdated() {
            self.store = Store::open(self.store.path())?;
            self.store.clean_older_by(cleaner(&self.environment));
            self.index = Index::open(&self.store.private_folder())?;
        }
        Ok(())
    }
}

/// The trees that each session ever had, older ones first.
pub(super) fn versions(
    store: &Store,
    history: &History,
) -> Result<BTreeMap<SessionId, Vec<ObjectId>>> {
    let mut versions: BTreeMap<SessionId, Vec<ObjectId>> = BTreeMap::new();
    for (id, tree) in store.session_trees(history, &mut |_| {})? {
        versions.entry(id).or_default().push(tree);
    }
    Ok(versions)
}

/// Takes what the old history said out of the index and of what capture knows.
pub(super) fn forget(
    store: &Store,
    index: &mut Index,
    trees: &HashMap<ObjectId, ObjectId>,
) -> io::Result<()> {
    index.forget().map_err(io::Error::other)?;
    let mut sources = Sources::open(&store.private_folder()).map_err(io::Error::other)?;
    let trees = trees.iter().map(|(old, new)| (old.to_string(), new.to_string())).collect();
    let tip = store.tip().map_err(io::Error::other)?;
    sources.follow_rewriting(&trees, &tip).map_err(io::Error::other)
}
