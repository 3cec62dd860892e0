//! Putting a history made anew in the place of the old one, and the old one off the disk.
//!
//! It may be interrupted anywhere: a note beside the lock says which refs go where, and whoever
//! opens the store next goes on from there. Until main has moved nothing is changed; from then on
//! there is no way back.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use git2::ObjectType;
use git2::Oid;

use crate::format::ScrubRecord;
use crate::platform;
use crate::platform::FileLock;
use crate::session::RevisionId;
use crate::store::Batch;
use crate::store::CommitNote;
use crate::store::Error;
use crate::store::History;
use crate::store::Rewrite;
use crate::store::Rewritten;
use crate::store::Store;
use crate::store::commit::TipEdit;
use crate::store::donors;
use crate::store::donors::MENDING;
use crate::store::git;
use crate::store::refs::MAIN;
use crate::store::refs::object_id;
use crate::store::refs::revision;
use crate::store::remote;
use crate::store::remote::FETCHING;
use crate::store::repack::each_in;
use crate::store::repack::remove;
use crate::store::repair::DAMAGED;

/// Refs that only say what another repository had.
const COPIES: [&str; 2] = ["refs/remotes/", "refs/annals/remotes/"];
/// Where else git notes commits.
const NOTED: [&str; 4] = ["FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD", "logs"];

/// Makes whatever was derived from the old history forget it.
pub type Forget<'f> = dyn FnMut() -> io::Result<()> + 'f;

/// Where a ref goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) name: String,
    pub(super) from: Oid,
    pub(super) to: Oid,
}

impl Store {
    /// Puts `rewritten` in the place of `history`, with one commit on top that records it, and
    /// takes what it replaced off the disk: objects, reflogs, notes of commits, copies of other
    /// repositories' refs. `forget` is called when main has moved. The store must be opened anew
    /// afterwards.
    ///
    /// Returns the new tip; none, and nothing was changed: the refs moved meanwhile.
    ///
    /// # Errors
    /// [`Error::Unsaved`]: a live session would bring back what goes; nothing was changed.
    /// [`Error::Unfinished`]: main has moved, but something was left on the disk.
    pub fn replace_history(
        &self,
        mut batch: Batch<'_>,
        note: &CommitNote,
        (history, rewritten): (&History, &Rewritten),
        rewrite: &Rewrite<'_>,
        forget: &mut Forget<'_>,
    ) -> Result<Option<RevisionId>, Error> {
        self.need_git()?;
        batch.prepare()?;
        let _lock = self.lock()?;
        let maintenance = self.wait_for_maintenance("rewriting the history")?;
        if self.is_outdated() {
            return Err(Error::Rewritten);
        }
        // What was made stays for the next try.
        batch.flush()?;
        if self.rewritable_refs()? != history.refs {
            return Ok(None);
        }
        self.check_journals(rewrite)?;
        let tip = self.tip()?;
        self.check_schema(&tip)?;
        let top = self.record_rewriting(&mut batch, note, &tip, rewritten, rewrite)?;
        batch.flush()?;
        let moves = moves(history, rewritten, top);
        let note_path = self.replacing_note();
        platform::write_atomic(&note_path, render_moves(&moves).as_bytes()).map_err(noting)?;
        if !self.move_main(&moves[0], note)? {
            fs::remove_file(&note_path).map_err(noting)?;
            return Ok(None);
        }
        self.finish(&moves, &maintenance, forget)?;
        Ok(Some(revision(top)))
    }

    /// Looks, under the lock, for journals whose records are not committed and must not be: who
    /// appends later says something new.
    pub(super) fn check_journals(&self, rewrite: &Rewrite<'_>) -> Result<(), Error> {
        let standing = self.journals().standing()?;
        match standing.into_iter().find(|journal| (rewrite.brings_back)(journal)) {
            Some(found) => Err(Error::Unsaved { session: found.session, process: found.process }),
            None => Ok(()),
        }
    }

    /// Goes on with a replacement whose process died. False: there is none, or somebody is at it.
    pub fn finish_replacement(&self, forget: &mut Forget<'_>) -> Result<bool, Error> {
        if !self.is_replacing() {
            return Ok(false);
        }
        self.need_git()?;
        let Some(_lock) = self.try_lock(Duration::ZERO)? else { return Ok(false) };
        let maintenance = self.wait_for_maintenance("rewriting the history")?;
        let path = self.replacing_note();
        let moves = match fs::read_to_string(&path) {
            Ok(text) => parse_moves(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(noting(error)),
        };
        let Some(main) = moves.first().filter(|first| first.name == MAIN) else {
            // A note is written whole: this one is not ours.
            return fs::remove_file(&path).map(|()| false).map_err(noting);
        };
        let tip = self.tip_id()?;
        if tip != main.from && !self.is_behind(main.to, tip)? {
            // Somebody saved before main had moved. Nothing was changed, and nothing will be.
            return fs::remove_file(&path).map(|()| false).map_err(noting);
        }
        if tip == main.from {
            let at = self.commit_time(&revision(main.to))?;
            let subject = crate::redact::Clean::stored("interrupted".to_owned());
            self.move_main(main, &CommitNote { operation: "rewrite", subject, at })?;
        }
        self.finish(&moves, &maintenance, forget).map(|()| true)
    }

    /// The remotes that git knows for this store, each with its address, without a password.
    pub fn remotes(&self) -> Vec<(String, String)> {
        let names = self.repository.remotes();
        let names = names.iter().flat_map(|names| names.iter()).flatten().flatten();
        let remote = |name: &str| {
            let remote = self.repository.find_remote(name).ok()?;
            Some((name.to_owned(), without_login(remote.url().ok()?)))
        };
        names.filter_map(remote).collect()
    }

    /// Whether history is being replaced, or a process died over it.
    pub fn is_replacing(&self) -> bool {
        self.replacing_note().exists()
    }

    /// Whether history was replaced since this store was opened: objects may be seen that are gone,
    /// so it must be opened anew before anything is written.
    pub fn is_outdated(&self) -> bool {
        self.read_generation() != self.generation
    }

    /// What tells one replacement of history from the next; empty before the first.
    pub(super) fn read_generation(&self) -> Vec<u8> {
        fs::read(self.generation_path()).unwrap_or_default()
    }

    fn generation_path(&self) -> PathBuf {
        self.private_folder().join("history-generation")
    }

    /// The refs that lead to histories of this store, main first.
    pub(super) fn rewritable_refs(&self) -> Result<Vec<(String, Oid)>, Error> {
        let failed = |source| Error::Git { doing: "listing the refs".into(), source };
        let mut refs = vec![(MAIN.to_owned(), self.tip_id()?)];
        for reference in self.repository.references().map_err(failed)? {
            let reference = reference.map_err(failed)?;
            let (Ok(name), Some(target)) = (reference.name(), reference.target()) else { continue };
            if name == MAIN || COPIES.iter().any(|copies| name.starts_with(copies)) {
                continue;
            }
            let is_commit =
                self.odb()?.read_header(target).is_ok_and(|(_, kind)| kind == ObjectType::Commit);
            if !is_commit {
                return Err(Error::OddRef { name: name.to_owned() });
            }
            refs.push((name.to_owned(), target));
        }
        Ok(refs)
    }

    /// The commit on top, which tells other stores of it.
    fn record_rewriting(
        &self,
        batch: &mut Batch<'_>,
        note: &CommitNote,
        tip: &RevisionId,
        rewritten: &Rewritten,
        rewrite: &Rewrite<'_>,
    ) -> Result<Oid, Error> {
        let old = object_id(tip);
        let new = rewritten.commits.get(&old).copied().unwrap_or(old);
        let mut edit = TipEdit::new(self, &revision(new))?;
        for tombstone in rewrite.purged.values() {
            edit.bury(batch, tombstone)?;
        }
        let mut marker = self.marker_at(&revision(new))?;
        marker.scrubs.push(ScrubRecord { from: tip.clone(), to: revision(new) });
        edit.mark(batch, &marker)?;
        let top = edit.write_commit(batch, note, new)?;
        Ok(top.expect("the marker has a record more"))
    }

    pub(super) fn move_main(&self, main: &Move, note: &CommitNote) -> Result<bool, Error> {
        self.advance(&mut self.batch(), (main.from, main.to), note.at, note.operation)
    }

    /// All that follows the move of main. It may be done again from the beginning.
    pub(super) fn finish(
        &self,
        moves: &[Move],
        maintenance: &FileLock,
        forget: &mut Forget<'_>,
    ) -> Result<(), Error> {
        let unfinished =
            |cause: &dyn std::fmt::Display| Error::Unfinished { cause: cause.to_string() };
        // From here on nobody commits who has the old packs open.
        let generation = moves[0].to.to_string();
        platform::write_atomic(&self.generation_path(), generation.as_bytes())
            .map_err(|error| unfinished(&error))?;
        self.move_refs(moves).map_err(|error| unfinished(&error))?;
        forget().map_err(|error| unfinished(&error))?;
        self.drop_unreached(maintenance).map_err(|error| unfinished(&error))?;
        // Seen anew: the packs that are open here outlive their files.
        let store = Self::open(&self.path)?;
        for left in moves.iter().filter(|it| it.from != it.to) {
            // What one ref led to may be what another one still has, and may stay then.
            if store.odb()?.exists(left.from) && !store.whole_history()?.contains(left.from) {
                return Err(unfinished(&format!("something still holds the commit {}", left.from)));
            }
        }
        // Gone for sure, before nobody knows any more that it was to go.
        self.sync_removals().map_err(|error| unfinished(&error))?;
        fs::remove_file(self.replacing_note()).map_err(|error| unfinished(&error))
    }

    /// Moves the other refs. One that is gone, or was moved meanwhile, is somebody else's.
    fn move_refs(&self, moves: &[Move]) -> Result<(), Error> {
        let at = self.commit_time(&revision(moves[0].to))?;
        for Move { name, from, to } in &moves[1..] {
            if from != to && self.ref_id(name)? == Some(*from) {
                let folder = self.path.join(name).parent().map_or(Ok(()), fs::create_dir_all);
                folder.map_err(noting)?;
                self.move_ref(&mut self.batch(), name, (*from, *to), at, "rewritten")?;
            }
        }
        let drop_copies = || {
            for reference in self.repository.references()? {
                let mut reference = reference?;
                let name = reference.name().unwrap_or_default();
                if COPIES.iter().any(|copies| name.starts_with(copies)) {
                    reference.delete()?;
                }
            }
            let head = self.repository.find_reference("HEAD")?;
            match head.symbolic_target() {
                Ok(Some(target)) if target == MAIN => Ok(()),
                // What it leads to would hold the old history.
                _ => self.repository.set_head(MAIN),
            }
        };
        let failed = |source| Error::Git { doing: "moving the refs".into(), source };
        drop_copies().map_err(failed)
    }

    /// Removes every object that no ref reaches, and all else that leads to one.
    fn drop_unreached(&self, maintenance: &FileLock) -> Result<(), Error> {
        let doing = "removing the old history";
        let failed = |source| Error::Io { doing: doing.into(), source };
        for name in NOTED {
            remove(&self.path.join(name)).map_err(failed)?;
        }
        // What a repair kept may be of the old history too.
        remove(&self.private_folder().join(DAMAGED)).map_err(failed)?;
        self.drop_arrivals().map_err(failed)?;
        let (info, packs) = (self.objects.join("info"), self.objects.join("pack"));
        // Whoever held its lock is dead: maintenance is ours alone.
        let graph = ["commit-graph", "commit-graphs", "commit-graph.lock"];
        for path in graph.map(|name| info.join(name)) {
            remove(&path).map_err(failed)?;
        }
        remove(&packs.join("multi-pack-index")).map_err(failed)?;
        each_in(&packs, &mut |path, name| {
            let is_keep = path.extension().is_some_and(|end| end == "keep");
            if is_keep || name.starts_with("tmp_") { remove(path) } else { Ok(()) }
        })
        .map_err(failed)?;
        let run = |arguments: &[&str]| {
            let mut command = git::git_in(&self.path);
            let held = maintenance.share().map_err(failed)?;
            command.args(arguments).stdin(Stdio::from(held));
            git::run(command, doing)
        };
        let pack = ["pack-objects", "--window=50", "--depth=50"];
        let name = self.write_pack(maintenance, &pack, doing)?;
        self.drop_other_packs(name.as_deref().unwrap_or_default()).map_err(failed)?;
        self.drop_loose().map_err(failed)?;
        run(&["commit-graph", "write", "--reachable", "--changed-paths", "--no-progress"])?;
        let failed = |source| Error::Git { doing: doing.into(), source };
        self.odb()?.refresh().map_err(failed)
    }

    /// Removes what a fetch or a repair had brought that died. One that lives removes its own.
    fn drop_arrivals(&self) -> io::Result<()> {
        let folder = self.private_folder();
        for (lock, beginning) in [(FETCHING, remote::ARRIVING), (MENDING, donors::ARRIVING)] {
            let lock = FileLock::acquire(&folder.join(lock), Duration::ZERO)?;
            each_in(&folder, &mut |path, name| {
                let is_left = lock.is_some() && name.starts_with(beginning);
                if is_left { remove(path) } else { Ok(()) }
            })?;
        }
        Ok(())
    }

    pub(super) fn need_git(&self) -> Result<(), Error> {
        let doing = || "rewriting the history".to_owned();
        let cause = || "the git program is not installed".to_owned();
        self.git_version()
            .map(drop)
            .ok_or_else(|| Error::Program { doing: doing(), cause: cause() })
    }

    pub(super) fn replacing_note(&self) -> PathBuf {
        self.private_folder().join("replacing-history")
    }
}

pub(super) fn moves(history: &History, rewritten: &Rewritten, top: Oid) -> Vec<Move> {
    let to = |name: &str, from: &Oid| match name {
        MAIN => top,
        _ => rewritten.commits.get(from).copied().unwrap_or(*from),
    };
    let each = history.refs.iter();
    each.map(|(name, from)| Move { name: name.clone(), from: *from, to: to(name, from) }).collect()
}

pub(super) fn render_moves(moves: &[Move]) -> String {
    let line = |it: &Move| format!("{} {} {}", it.from, it.to, it.name);
    moves.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

fn parse_moves(text: &str) -> Vec<Move> {
    let parse = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let mut id = || Oid::from_str(words.next()?).ok();
        let (from, to) = (id()?, id()?);
        Some(Move { name: words.next()?.to_owned(), from, to })
    };
    text.lines().filter_map(parse).collect()
}

/// The address without user and password.
fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

pub(super) fn noting(source: io::Error) -> Error {
    Error::Io { doing: "noting that the history is rewritten".into(), source }
}
