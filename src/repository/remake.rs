//! Damaged objects that nobody has, made again from what holds the same records: the session as it
//! is now, and its agent's own file; and folders, from what the index knows of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::adapters;
use crate::error::Result;
use crate::index::Index;
use crate::platform::Environment;
use crate::redact::Clean;
use crate::repository::Damage;
use crate::repository::change::Bench;
use crate::repository::gather::Gathered;
use crate::repository::gather::Piece;
use crate::repository::machine::KnownFolders;
use crate::repository::repair::marker_of_machine;
use crate::repository::restore::agent_folder;
use crate::repository::rules::load_rules;
use crate::repository::take::Take;
use crate::repository::take::Work;
use crate::repository::take::WorkFile;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::ObjectId;
use crate::store::Store;

/// What objects are taken from that follow from a session as it is now.
const NOW: &str = "what the sessions are now";
/// What folders are taken from that follow from where the index has the sessions.
const INDEX: &str = "what the index knows";
/// What objects are taken from that follow from an agent's own file.
const AGENTS: &str = "the agents' own files";
/// In how many older revisions is looked for what stood beside the sessions.
const OLDER: usize = 50;
/// An object that is made again may show that one in it is damaged too.
const ROUNDS: usize = 8;

/// Makes again what can be made of the objects that are damaged, has the store read it, and says what
/// is damaged still.
pub(super) fn remake(
    store: &mut Store,
    environment: &Environment,
    index: &Index,
    tip: &RevisionId,
    mut damages: Vec<Damage>,
) -> Result<Vec<Damage>> {
    let trees = index.trees_at(tip)?;
    for _ in 0..ROUNDS {
        let wanted = damages.iter().map(|damage| damage.object).collect();
        let (older, marker) = (store.readable_revisions(tip)?, marker_of_machine(store));
        let older = &older[..older.len().min(OLDER)];
        let made = store.remake_folders(&trees, older, marker.as_ref(), &wanted)?;
        let mut is_better = !made.is_empty();
        store.borrow_made(INDEX, made);
        for (id, mut wanted) in by_session(&damages) {
            let stored = store.session(tip, id).ok().flatten();
            if let Some(now) = stored.and_then(|it| store.records(&it).ok()) {
                is_better |= add_made(store, NOW, (id, &now), &mut wanted)?;
            }
            if wanted.is_empty() {
                continue;
            }
            for theirs in from_agents(store, environment, index, tip, id)? {
                is_better |= add_made(store, AGENTS, (id, &theirs), &mut wanted)?;
            }
        }
        if !is_better {
            break;
        }
        damages = store.check(tip, &mut |_, _| {});
    }
    Ok(damages)
}

/// Whether something that is wanted could be made of a stream; it is wanted no more.
fn add_made(
    store: &mut Store,
    name: &str,
    (id, stream): (SessionId, &Clean<Vec<Record>>),
    wanted: &mut BTreeSet<ObjectId>,
) -> Result<bool> {
    let made = store.remake(id, stream, wanted)?;
    wanted.retain(|object| !made.has(*object));
    let is_better = !made.is_empty();
    store.borrow_made(name, made);
    Ok(is_better)
}

fn by_session(damages: &[Damage]) -> BTreeMap<SessionId, BTreeSet<ObjectId>> {
    let mut wanted: BTreeMap<SessionId, BTreeSet<ObjectId>> = BTreeMap::new();
    for damage in damages {
        if let Some(id) = damage.session {
            wanted.entry(id).or_default().insert(damage.object);
        }
    }
    wanted
}

/// What the agent's files have of a session: put into what can be read of it at a revision, and as
/// they stand, behind what annals noted first.
fn from_agents(
    store: &Store,
    environment: &Environment,
    index: &Index,
    tip: &RevisionId,
    id: SessionId,
) -> Result<Vec<Clean<Vec<Record>>>> {
    let Some(work) = work_of(environment, id) else { return Ok(Vec::new()) };
    // Without rules nothing of them may be read.
    let Ok(rules) = load_rules(environment) else { return Ok(Vec::new()) };
    let bench = Bench { store, index, rules: &rules, workspaces: KnownFolders::default() };
    // What cannot be read of it gives nothing.
    let Ok(reading) = bench.look_through(&work, &mut Take::default()) else {
        return Ok(Vec::new());
    };
    let facts = reading.facts.iter().cloned().map(Clean::into_inner).collect();
    let mut theirs: Vec<Record> = Vec::new();
    reading.each(&mut |record| {
        theirs.push(record.into_inner());
        Ok(())
    })?;
    let (found, _) = store.found_sessions(tip)?;
    let tree = found.into_iter().find(|(found, _)| *found == id);
    let remains = tree.map(|(_, tree)| store.session_remains(id, tree)).transpose()?;
    let mut gathered = remains.as_ref().map(Gathered::of).unwrap_or_default();
    let first = gathered.pieces.iter().map(|piece| &piece.record);
    let first = first.take_while(|record| matches!(record, Record::Annals(_)));
    let first: Vec<Record> = first.cloned().collect();
    // Facts are what they were when the session was saved first, where that can be read.
    let facts: Vec<Record> = if first.is_empty() { facts } else { first };
    let alone: Vec<Record> = facts.into_iter().chain(theirs).collect();
    let piece = |record: &Record| Piece { record: record.clone(), lost_files: Vec::new() };
    gathered.add(alone.iter().map(piece).collect());
    let together = gathered.pieces.into_iter().map(|piece| piece.record).collect();
    Ok(vec![Clean::stored(together), Clean::stored(alone)])
}

/// The files of a session in its agent's folder.
fn work_of(environment: &Environment, session: SessionId) -> Option<Work> {
    adapters::all().iter().find_map(|adapter| {
        let mut files = Vec::new();
        for file in adapter.find(&agent_folder(environment, *adapter, None)).files {
            let Ok((source, _)) = adapter.source(&file.path, None) else { continue };
            if source.session == session {
                files.push(WorkFile { source, state: None, metadata: file.metadata });
            }
        }
        let is_named_by_user = false;
        (!files.is_empty()).then_some(Work { adapter: *adapter, session, files, is_named_by_user })
    })
}
