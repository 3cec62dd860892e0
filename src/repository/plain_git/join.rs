//! Merges of git's, made as a sync makes them.
//!
//! A merge driver sees one file, and is not asked about files that one side alone has, or has
//! deleted. So where git finds the strategy `annals`, the whole merge is made at once; where not,
//! the driver makes each file that it is asked about what it is in the whole, and the hooks put
//! the rest in place before anything is committed on top.

use std::path::Path;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::platform;
use crate::repository::merging::Merging;
use crate::repository::plain_git::conflict;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::ObjectId;
use crate::store::PlainRepository;
use crate::store::Relation;
use crate::store::Store;

/// How git tells those it calls for a merge what is merged: `GITHEAD_<commit>`.
const OTHER_SIDE: &str = "GITHEAD_";

/// The whole merge. `arguments`: bases, `--`, ours, theirs.
///
/// A rebase calls it too, for each commit that it moves, with the commit before that as the base:
/// of files beside the sessions only what the commit itself did to them is taken over then.
pub(super) fn merge(plain: &PlainRepository, arguments: &[String]) -> Result<()> {
    let mut sides = arguments.iter().skip_while(|it| *it != "--").skip(1);
    let (Some(ours), Some(theirs), None) = (sides.next(), sides.next(), sides.next()) else {
        return Err(conflict("sessions are merged of two branches at a time, no more"));
    };
    let mut bases = arguments.iter().take_while(|it| *it != "--").filter(|it| !it.starts_with('-'));
    let base = match (bases.next(), bases.next()) {
        (Some(base), None) => Some(commit(plain, base)?),
        _ => None,
    };
    let (ours, theirs) = (commit(plain, ours)?, commit(plain, theirs)?);
    let store = plain.store()?;
    let before = store.top_folder(&ours)?;
    if !are_stores(&store, (&ours, &theirs))? {
        let message = "this branch is no store's; `-s ort` merges it as git does";
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    if plain.staged()? != before {
        return Err(conflict("something is staged that is not committed yet"));
    }
    let merging = merging(&store, (&ours, &theirs), None)?;
    let merging = if let Some(base) = base { merging.with_file_base(base) } else { merging };
    let tree = merging.tree(&store)?;
    Ok(plain.check_out(before, tree)?)
}

/// After a merge: its commit, or what is staged of it, becomes whole, if it is not.
pub(super) fn complete(plain: &PlainRepository, arguments: &[String]) -> Result<()> {
    let Some(head) = plain.find("HEAD") else { return Ok(()) };
    if arguments.first().is_some_and(|squash| squash == "1") {
        return match other_side(plain) {
            Some(theirs) => complete_index(plain, (&head, &theirs)),
            None => Ok(()),
        };
    }
    // A merge that others made, and that came by itself, is theirs.
    let store = plain.store()?;
    let parents = store.commit_entry(&head)?.parents;
    let ([ours, theirs], Some(merged)) = (&parents[..], plain.find("MERGE_HEAD")) else {
        return Ok(());
    };
    if *theirs != merged || !are_stores(&store, (ours, theirs))? {
        return Ok(());
    }
    let before = store.top_folder(&head)?;
    let tree = store.with_sessions_of(before, joined(&store, (ours, theirs), None)?)?;
    if tree != before {
        plain.check_out(before, tree)?;
        plain.amend(&store, &head, tree)?;
    }
    Ok(())
}

/// Before a commit that ends a merge: what is staged becomes whole.
pub(super) fn complete_staged(plain: &PlainRepository) -> Result<()> {
    match (plain.find("HEAD"), plain.find("MERGE_HEAD")) {
        (Some(ours), Some(theirs)) => complete_index(plain, (&ours, &theirs)),
        _ => Ok(()),
    }
}

fn complete_index(plain: &PlainRepository, sides: (&RevisionId, &RevisionId)) -> Result<()> {
    let (store, staged) = (plain.store()?, plain.staged()?);
    if !are_stores(&store, sides)? {
        return Ok(());
    }
    let tree = store.with_sessions_of(staged, joined(&store, sides, None)?)?;
    if tree != staged {
        plain.check_out(staged, tree)?;
    }
    Ok(())
}

/// Whether both are revisions of a store.
fn are_stores(store: &Store, (ours, theirs): (&RevisionId, &RevisionId)) -> Result<bool> {
    let is_store = |side| store.top_folder(side).and_then(|top| store.is_store_folder(top));
    Ok(is_store(ours)? && is_store(theirs)?)
}

/// One file of a merge that git makes file by file.
pub(super) fn merge_file(plain: &PlainRepository, path: &str, current: &Path) -> Result<()> {
    let Some(theirs) = other_side(plain) else {
        return Err(conflict(
            "a session is merged whole, which this is not: merge the branch (`git merge`, \
             `git pull --no-rebase`) instead",
        ));
    };
    let ours = commit(plain, "HEAD")?;
    let store = plain.store()?;
    let ids: Vec<SessionId> = session_in(path).into_iter().collect();
    let tree = joined(&store, (&ours, &theirs), Some(&ids))?;
    let bytes = store.bytes_at(tree, path)?;
    let bytes = bytes.ok_or_else(|| conflict(format!("{path} is not in the merged session")))?;
    platform::write_atomic(current, &bytes).map_err(|error| {
        let message = format!("{} cannot be written", current.display());
        Error::new(ErrorKind::Io, message).because(error)
    })
}

/// The top folder that a sync would come to. `only`: those sessions, the others as they are here.
fn joined(
    store: &Store,
    sides: (&RevisionId, &RevisionId),
    only: Option<&[SessionId]>,
) -> Result<ObjectId> {
    merging(store, sides, only)?.tree(store)
}

fn merging<'s>(
    store: &'s Store,
    (ours, theirs): (&RevisionId, &RevisionId),
    only: Option<&[SessionId]>,
) -> Result<Merging<'s>> {
    let base = match store.relation(ours, theirs)? {
        Relation::Same | Relation::Behind => Some(ours.clone()),
        Relation::Ahead => Some(theirs.clone()),
        Relation::Apart(base) => base,
    };
    let sides = (ours, theirs, base.as_ref());
    match only {
        Some(ids) => Merging::of_sessions(store, sides, ids),
        None => Merging::of(store, sides),
    }
}

/// What is being merged into HEAD; none: it is no merge of two branches.
fn other_side(plain: &PlainRepository) -> Option<RevisionId> {
    let sides = platform::variables_beginning(OTHER_SIDE);
    match &sides[..] {
        [only] => plain.find(only),
        _ => None,
    }
}

fn commit(plain: &PlainRepository, name: &str) -> Result<RevisionId> {
    let unknown = || Error::new(ErrorKind::NotFound, format!("{name:?} is no commit"));
    plain.find(name).ok_or_else(unknown)
}

/// The session that a path belongs to.
fn session_in(path: &str) -> Option<SessionId> {
    let name = path.split('/').nth(2)?;
    name.strip_suffix(".yaml").unwrap_or(name).parse().ok()
}
