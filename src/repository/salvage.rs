//! Sessions of which nobody has a sound copy: put together from what can be read of them.
//!
//! A stream only grows, and its records have keys. So what the tip has lost of a session may stand in
//! an older revision, and goes where it stood. What is lost for good is told: how many messages,
//! between which records, which files. Where nothing can be read, the session stays as it is.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::format::Marker;
use crate::format::Tombstone;
use crate::index::Filter;
use crate::index::Index;
use crate::index::Page;
use crate::index::SortKey;
use crate::index::Sources;
use crate::redact::Clean;
use crate::repository::Progress;
use crate::repository::change::Bench;
use crate::repository::delete::tombstone_of;
use crate::repository::examine::Fault;
use crate::repository::examine::examine;
use crate::repository::gather::Gathered;
use crate::repository::gather::gather;
use crate::repository::gather::keys;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::Timestamp;
use crate::store::Change;
use crate::store::CommitNote;
use crate::store::ObjectId;
use crate::store::Remains;
use crate::store::SessionRemains;
use crate::store::Store;

/// What commits of repairs are called.
pub(super) const REPAIR: &str = "repair";

/// A session that is put together from what is left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalvagedSession {
    /// The session.
    pub session: SessionId,
    /// Its title, or how it begins, as far as that can be read.
    pub title: Option<String>,
    /// How many messages it has then.
    pub messages: u64,
    /// How many messages are lost; none: nobody can say.
    pub lost: Option<u64>,
    /// Where they stood.
    pub gaps: Vec<Gap>,
    /// Texts and pictures of messages that are lost, though the messages are there.
    pub lost_files: Vec<LostFile>,
    /// How many older revisions gave something.
    pub older: u64,
    /// What of it cannot be read.
    pub faults: Vec<String>,
}

/// Where records are lost: between two that are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The record before it; none: the session begins with it.
    pub after: Option<Place>,
    /// The record behind it; none: the session ends with it.
    pub before: Option<Place>,
}

/// A record, as it stands in the session that was put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its number in the stream, from 1.
    pub number: u64,
    /// Its key.
    pub key: String,
    /// Its time (RFC 3339), if it has one.
    pub at: Option<String>,
}

/// A large text or picture of a message that is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostFile {
    /// The record that it belongs to.
    pub place: Place,
    /// Its name in the store; a word with that name stands for it now.
    pub name: String,
}

/// A session of which nothing can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostSession {
    /// The session.
    pub session: SessionId,
    /// Its title, or how it began, if the index knows that.
    pub title: Option<String>,
    /// How many messages it had, if that is known.
    pub messages: Option<u64>,
    /// Why nothing can be read.
    pub faults: Vec<String>,
}

impl SalvagedSession {
    /// Whether something of it is lost for good.
    pub fn is_losing(&self) -> bool {
        !self.gaps.is_empty() || !self.lost_files.is_empty()
    }
}

/// What is to be put together.
#[derive(Debug)]
pub(super) struct Salvage {
    remains: Remains,
    revisions: Vec<RevisionId>,
    /// Sessions that an earlier repair gave something up of.
    salvaged: BTreeSet<SessionId>,
    /// The sessions that are not whole.
    pub(super) sessions: Vec<SalvagedSession>,
    /// Those that stay as they are.
    pub(super) lost: Vec<LostSession>,
}

/// What the index remembers of sessions, whatever became of them.
struct Known<'i> {
    index: &'i Index,
    /// Whether that is what the tip has.
    is_of_tip: bool,
}

impl Salvage {
    /// Looks through all sessions of a revision. `lost`: the revision that it stands in for.
    pub(super) fn of(
        store: &Store,
        index: &Index,
        (tip, lost): (&RevisionId, Option<&RevisionId>),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self> {
        let revisions = store.readable_revisions(tip)?;
        let mut remains = store.remains(tip, &revisions)?;
        remains.is_tip_lost = lost.is_some();
        let trees = index.trees_at(lost.unwrap_or(tip))?;
        // A session that stays in a file of an older schema has its place beside the folders.
        if !remains.is_whole() && trees.iter().all(|(_, tree)| !store.is_older_file(*tree)) {
            remains.place(&trees);
        }
        let is_of_tip = index.stands_for()?.as_ref() == Some(lost.unwrap_or(tip));
        let known = Known { index, is_of_tip };
        let (sessions, lost) = (Vec::new(), Vec::new());
        let salvaged = salvaged_before(store, &revisions);
        let mut salvage = Self { remains, revisions, salvaged, sessions, lost };
        let each: Vec<_> = salvage.remains.sessions.iter().map(|(id, at)| (*id, *at)).collect();
        let total = each.len() as u64;
        for (done, (id, tree)) in (1..).zip(each) {
            progress(Progress { unit: "sessions", done, total });
            salvage.look_at(store, &known, id, tree)?;
        }
        salvage.add_forgotten(&known)?;
        Ok(salvage)
    }

    fn look_at(
        &mut self,
        store: &Store,
        known: &Known<'_>,
        id: SessionId,
        tree: ObjectId,
    ) -> Result<()> {
        let is_older = self.remains.is_in_lost_folder(id);
        let fault = examine(store, id, tree).err();
        let is_salvaged = self.salvaged.contains(&id);
        let is_whole = fault.is_none();
        if matches!(fault, Some(Fault::Newer(_))) || is_whole && !is_older && !is_salvaged {
            return Ok(());
        }
        let remains = store.session_remains(id, tree)?;
        let gathered = gather(store, id, tree, &remains, &self.revisions, is_salvaged)?;
        if is_whole && !is_older && gathered.older == 0 {
            return Ok(());
        }
        let mut faults = faults_of(&remains);
        if let (true, Some(Fault::Damaged(fault))) = (faults.is_empty(), fault) {
            faults.push(fault);
        }
        let head = known.head(id);
        if gathered.pieces.is_empty() {
            self.lost.push(lost_session(id, head.as_ref(), faults));
            return Ok(());
        }
        // What an older folder has of a session need not be the last that it was.
        let own = remains.head.filter(|_| !is_older);
        let expected = own.or_else(|| head.filter(|_| known.is_of_tip));
        let session = report(id, gathered, expected.as_ref(), is_older, faults);
        if !is_older || is_salvaged || session.is_losing() || !session.faults.is_empty() {
            self.sessions.push(session);
        }
        Ok(())
    }

    /// Sessions that the index knows, and that no folder has any more.
    fn add_forgotten(&mut self, known: &Known<'_>) -> Result<()> {
        if self.remains.lost_folders.is_empty() {
            return Ok(());
        }
        let everything = Filter { with_subagents: true, ..Filter::default() };
        let page = Page { offset: 0, limit: u64::from(u32::MAX) };
        let (summaries, _) = known.index.list(&everything, SortKey::Modified, false, page)?;
        for head in summaries.into_iter().map(|summary| summary.head) {
            let is_there = self.remains.sessions.contains_key(&head.id);
            if !is_there && self.remains.is_in_lost_folder(head.id) {
                let faults = vec!["the folder that it was in cannot be read".to_owned()];
                self.lost.push(lost_session(head.id, Some(&head), faults));
            }
        }
        Ok(())
    }

    /// The folders whose state is that of an older revision.
    pub(super) fn lost_folders(&self) -> &[String] {
        &self.remains.lost_folders
    }

    /// Whether sessions are put where they were in a revision that is lost.
    pub(super) fn is_for_lost_tip(&self) -> bool {
        self.remains.is_tip_lost && !self.remains.placed.is_empty()
    }

    /// Whether a file of the top folder is made again.
    pub(super) fn has_lost_top_files(&self) -> bool {
        self.remains.is_marker_lost || self.remains.are_attributes_lost
    }

    /// The tombstones that are made again.
    pub(super) fn lost_tombstones(&self) -> &BTreeSet<SessionId> {
        &self.remains.lost_tombstones
    }

    /// What stands in for a marker that no revision has any more.
    pub(super) fn marker_may_be(&mut self, marker: Option<Marker>) {
        if self.remains.is_marker_lost && self.remains.marker.is_none() {
            self.remains.marker = marker;
        }
    }

    /// Whether all is as it should be.
    pub(super) fn is_idle(&self) -> bool {
        self.sessions.is_empty()
            && self.remains.lost_folders.is_empty()
            && self.remains.lost_tombstones.is_empty()
            && !self.is_for_lost_tip()
            && !self.has_lost_top_files()
    }

    /// Puts together what was planned, in one commit; none: objects that were lost are there again,
    /// the very same. What the agents' files still have of what is lost, the next capture takes in.
    pub(super) fn apply(
        &self,
        store: &Store,
        index: &Index,
        note: &CommitNote,
    ) -> Result<Option<RevisionId>> {
        let mut batch = store.batch_anew();
        let mut changes = Vec::new();
        for id in self.sessions.iter().map(|it| it.session) {
            let tree = self.remains.sessions[&id];
            let remains = store.session_remains(id, tree)?;
            let is_salvaged = self.salvaged.contains(&id);
            let gathered = gather(store, id, tree, &remains, &self.revisions, is_salvaged)?;
            let records = gathered.pieces.into_iter().map(|piece| piece.record).collect();
            let (staged, _) = Bench::stage_whole(&mut batch, id, None, Clean::stored(records))?;
            changes.push(Change::Save(staged));
        }
        for id in &self.remains.lost_tombstones {
            if let Some(tombstone) = self.tombstone(store, index, *id)? {
                changes.push(Change::Delete { base: None, tombstone });
            }
        }
        batch.keep()?;
        let revision = store.commit_remains(note, &self.remains, &changes)?;
        let losing = self.sessions.iter().filter(|it| it.is_losing()).map(|it| it.session);
        let losing: Vec<SessionId> = losing.collect();
        // The agents' own files may still have what is lost: the next capture looks. Where that
        // cannot be noted, a capture takes in what is new only.
        let mut sources = Sources::open(&store.private_folder()).ok();
        let at = revision.as_ref().unwrap_or(&self.remains.at);
        sources.as_mut().map(|sources| sources.forget(&|id| losing.contains(&id), at).ok());
        Ok(revision)
    }

    /// What stands for a deleted session, made again from the last revision that had it.
    fn tombstone(
        &self,
        store: &Store,
        index: &Index,
        id: SessionId,
    ) -> Result<Option<Clean<Tombstone>>> {
        let deleted = index.revisions(id)?.into_iter().find(|entry| entry.is_deleted);
        for (at, tree) in store.states(id, &self.revisions) {
            let Ok(Some(stored)) = store.session_of_tree(id, &tree.to_string()) else { continue };
            let time = match &deleted {
                Some(entry) => entry.at,
                None => store.commit_time(&at)?,
            };
            if let Ok(tombstone) = tombstone_of(store, &stored, &Timestamp::from_instant(time)) {
                return Ok(Some(tombstone));
            }
        }
        Ok(None)
    }
}

/// The sessions that earlier repairs put together.
fn salvaged_before(store: &Store, revisions: &[RevisionId]) -> BTreeSet<SessionId> {
    let mut found = BTreeSet::new();
    for at in revisions {
        let Ok(entry) = store.commit_entry(at) else { continue };
        if entry.operation == REPAIR
            && let Ok(changes) = store.changes_in_part(entry.parents.first(), at)
        {
            found.extend(changes.into_iter().filter(|it| it.existed).map(|it| it.id));
        }
    }
    found
}

impl Known<'_> {
    fn head(&self, id: SessionId) -> Option<Head> {
        let summary = self.index.summary(id).ok().flatten();
        // One that was never read says nothing.
        summary.map(|summary| summary.head).filter(|head| head.counts.records > 0)
    }
}

/// What is said of a session that is put together. `expected`: the head that it had.
fn report(
    session: SessionId,
    gathered: Gathered,
    expected: Option<&Head>,
    is_older: bool,
    faults: Vec<String>,
) -> SalvagedSession {
    let Gathered { pieces, mut gaps, older } = gathered;
    let keys = keys(&pieces);
    let place = |at: usize| Place {
        number: at as u64 + 1,
        key: keys[at].to_string(),
        at: pieces[at].record.at().map(ToString::to_string),
    };
    let lost_files = pieces
        .iter()
        .enumerate()
        .flat_map(|(at, piece)| piece.lost_files.iter().map(move |name| (at, name.clone())));
    let lost_files = lost_files.map(|(at, name)| LostFile { place: place(at), name }).collect();
    if is_older && gaps.is_empty() {
        gaps.push(pieces.len());
    }
    let mut fold = HeadFold::of(session);
    pieces.iter().for_each(|piece| fold.add(&piece.record));
    let head = fold.head();
    // What annals itself noted is in the stream, and no record that a head counts.
    let lost_records = expected.map(|it| it.counts.records.saturating_sub(head.counts.records));
    if lost_records == Some(0) {
        gaps.clear();
    }
    let lost = expected.map(|it| it.counts.messages.saturating_sub(head.counts.messages));
    let ends = |at: usize| Gap {
        after: at.checked_sub(1).map(place),
        before: (at < pieces.len()).then(|| place(at)),
    };
    SalvagedSession {
        session,
        title: name_of(head),
        messages: head.counts.messages,
        lost: if gaps.is_empty() { Some(0) } else { lost },
        gaps: gaps.into_iter().map(ends).collect(),
        lost_files,
        older,
        faults,
    }
}

fn lost_session(session: SessionId, head: Option<&Head>, faults: Vec<String>) -> LostSession {
    let title = head.and_then(name_of);
    LostSession { session, title, messages: head.map(|head| head.counts.messages), faults }
}

fn name_of(head: &Head) -> Option<String> {
    head.title.as_ref().or(head.preview.as_ref()).cloned()
}

fn faults_of(remains: &SessionRemains) -> Vec<String> {
    let chunks = remains.chunks.iter().flat_map(|chunk| {
        let lost =
            chunk.lost_files.iter().map(|(_, name)| format!("files/{name}: it cannot be read"));
        chunk.records.as_ref().err().cloned().into_iter().chain(lost)
    });
    remains.faults.iter().cloned().chain(chunks).collect()
}
