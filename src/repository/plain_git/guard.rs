//! Looks at what is committed and pushed by plain git: whether it is what a store holds, and
//! whether a secret is in it.
//!
//! What a store's files must look like is checked of the newest state; secrets are looked for in
//! each commit that is new, for history keeps what the newest state has no more. Records are looked
//! at as capture does, value by value, other texts as they stand. A secret is named by its rule and
//! place, never by what it reads.

use std::collections::HashSet;

use crate::error::Error;
use crate::error::Result;
use crate::format;
use crate::redact::Clean;
use crate::redact::Redactor;
use crate::redact::Rules;
use crate::redact::Spot;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Record;
use crate::session::RevisionId;
use crate::store;
use crate::store::NewFile;
use crate::store::NewFileKind;
use crate::store::ObjectId;
use crate::store::PlainRepository;
use crate::store::Store;

/// The branch that a store is.
const MAIN: &str = "refs/heads/main";
/// What stands for the id of what is not there.
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// Something that must not be committed, or pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where: a file, with its line if that is known, or a branch.
    pub place: String,
    /// Why.
    pub cause: String,
    /// The commit that brings it; none: it is not committed yet, or it is no file.
    pub revision: Option<RevisionId>,
}

/// A branch that moves.
struct Move<'l> {
    name: &'l str,
    old: Option<RevisionId>,
    /// None: it is to be deleted.
    new: Option<RevisionId>,
}

pub(super) struct Guard<'p> {
    plain: &'p PlainRepository,
    store: Store,
    rules: Rules,
    /// The files that were looked at.
    seen: HashSet<ObjectId>,
    refusals: Vec<Refusal>,
}

impl<'p> Guard<'p> {
    pub(super) fn new(plain: &'p PlainRepository, rules: Rules) -> Result<Self> {
        let (seen, refusals) = Default::default();
        Ok(Self { plain, store: plain.store()?, rules, seen, refusals })
    }

    /// What is staged.
    pub(super) fn staged(mut self) -> Result<Vec<Refusal>> {
        let staged = self.plain.staged()?;
        let sides = ["HEAD", "MERGE_HEAD"].into_iter().filter_map(|name| self.plain.find(name));
        let known = self.tops_of(&sides.collect::<Vec<_>>())?;
        self.check_form(staged, known.first().copied(), None)?;
        for file in self.store.new_files(staged, &known)? {
            self.look_at(&file, None)?;
        }
        Ok(self.refusals)
    }

    /// What is to go to a remote. `arguments`: its name and address.
    pub(super) fn pushed(mut self, arguments: &[String], input: &str) -> Result<Vec<Refusal>> {
        let moves = self.moves(input, |fields| match fields {
            [_, new, name, old] => Some((*old, *new, *name)),
            _ => None,
        })?;
        let mut known: Vec<String> = Vec::new();
        if let Some(name) = arguments.first()
            && self.plain.setting(&format!("remote.{name}.url")).is_some()
        {
            known.push(format!("--remotes={name}"));
        }
        known.extend(moves.iter().filter_map(|it| it.old.as_ref()).map(ToString::to_string));
        for change in &moves {
            self.check_tip(change)?;
        }
        self.look_through(&moves, &known)
    }

    /// What waits to be taken.
    pub(super) fn received(mut self, input: &str) -> Result<Vec<Refusal>> {
        let moves = self.moves(input, |fields| match fields {
            [old, new, name] => Some((*old, *new, *name)),
            _ => None,
        })?;
        for change in &moves {
            if self.check_move(change) {
                self.check_tip(change)?;
            }
        }
        self.look_through(&moves, &["--all".to_owned()])
    }

    /// The branches that move, by what git says: `old new name`.
    fn moves<'l>(
        &mut self,
        input: &'l str,
        read: impl Fn(&[&'l str]) -> Option<(&'l str, &'l str, &'l str)>,
    ) -> Result<Vec<Move<'l>>> {
        let mut moves = Vec::new();
        for line in input.lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            let named = read(&fields).filter(|(_, _, name)| !name.is_empty());
            let Some((old, new, name)) = named else {
                let message = format!("git says {line:?}, which names no branch");
                return Err(Error::new(crate::error::ErrorKind::Invalid, message));
            };
            let find = |id: &str| if id == NOTHING { None } else { self.plain.find(id) };
            let (old, found) = (find(old), find(new));
            if found.is_none() && new != NOTHING {
                self.refuse(name, "it leads to no commit, which cannot be looked at", None);
                continue;
            }
            for text in self.store.tag_texts(new)? {
                for spot in Redactor::new(&self.rules).spots("text", &text) {
                    self.refuse_secret(&format!("line {} of {name}", spot.line), &spot.rule, None);
                }
            }
            moves.push(Move { name, old, new: found });
        }
        Ok(moves)
    }

    /// Whether a branch may move so.
    fn check_move(&mut self, change: &Move<'_>) -> bool {
        let Some(new) = &change.new else {
            if change.name == MAIN {
                self.refuse(change.name, "the branch of the store must not be deleted", None);
            }
            return false;
        };
        let Some(old) = &change.old else { return true };
        // A scrub is the one way in which a secret leaves a store that others have.
        let is_scrubbed = || {
            let scrubbed = self.store.scrubbed_since(old, new).unwrap_or_default();
            scrubbed.iter().any(|from| from == old || self.plain.is_ancestor(from, old))
        };
        if !change.name.starts_with("refs/heads/")
            || self.plain.is_ancestor(old, new)
            || is_scrubbed()
        {
            return true;
        }
        let cause = "history must not be rewritten; `git pull` first, and push without force";
        self.refuse(change.name, cause, None);
        false
    }

    fn check_tip(&mut self, change: &Move<'_>) -> Result<()> {
        let Some(new) = &change.new else { return Ok(()) };
        let top = self.store.top_folder(new)?;
        let known = change.old.as_ref().map(|old| self.store.top_folder(old)).transpose()?;
        if change.name == MAIN || self.store.is_store_folder(top)? {
            self.check_form(top, known, Some(new))?;
        }
        Ok(())
    }

    /// Whether a top folder is what a store has.
    fn check_form(
        &mut self,
        top: ObjectId,
        known: Option<ObjectId>,
        revision: Option<&RevisionId>,
    ) -> Result<()> {
        let was_store = known.map(|known| self.store.is_store_folder(known)).transpose()?;
        if revision.is_none() && was_store != Some(true) && !self.store.is_store_folder(top)? {
            return Ok(());
        }
        match self.store.check_folder(top, known) {
            Ok(()) => {}
            Err(store::Error::Corrupt { what, cause }) => self.refuse(&what, &cause, revision),
            Err(store::Error::Foreign { .. }) => {
                self.refuse(
                    "annals.yaml",
                    "it is missing, and without it this is no store",
                    revision,
                );
            }
            Err(error @ store::Error::TooNew { .. }) => {
                let cause = format!("{error}; update annals here");
                self.refuse("annals.yaml", &cause, revision);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Looks for secrets in each commit that is new.
    fn look_through(mut self, moves: &[Move<'_>], known: &[String]) -> Result<Vec<Refusal>> {
        let new: Vec<RevisionId> = moves.iter().filter_map(|it| it.new.clone()).collect();
        if new.is_empty() {
            return Ok(self.refusals);
        }
        for revision in self.plain.commits_between(&new, known)? {
            let text = self.store.message(&revision)?;
            for spot in Redactor::new(&self.rules).spots("text", &text) {
                let place = format!("line {} of its message", spot.line);
                self.refuse_secret(&place, &spot.rule, Some(&revision));
            }
            let parents = self.store.commit_entry(&revision)?.parents;
            let known = self.tops_of(&parents)?;
            for file in self.store.new_files(self.store.top_folder(&revision)?, &known)? {
                self.look_at(&file, Some(&revision))?;
            }
        }
        Ok(self.refusals)
    }

    fn tops_of(&self, revisions: &[RevisionId]) -> Result<Vec<ObjectId>> {
        revisions.iter().map(|revision| Ok(self.store.top_folder(revision)?)).collect()
    }

    fn look_at(&mut self, file: &NewFile, revision: Option<&RevisionId>) -> Result<()> {
        if !self.seen.insert(file.id) {
            return Ok(());
        }
        let bytes = self.store.file_bytes(file)?;
        let found = match String::from_utf8(bytes) {
            Ok(text) => self.secrets_of(file, &text),
            Err(error) => {
                let found = Redactor::new(&self.rules).bytes(error.as_bytes(), true);
                found.into_iter().map(|_| (0, "in bytes that are no text".to_owned())).collect()
            }
        };
        for (line, rule) in found {
            let place = if line == 0 { file.path.clone() } else { format!("{}:{line}", file.path) };
            self.refuse_secret(&place, &rule, revision);
        }
        Ok(())
    }

    /// The secrets in a text: line and rule.
    fn secrets_of(&self, file: &NewFile, text: &str) -> Vec<(usize, String)> {
        let records = match file.kind {
            NewFileKind::Chunk { session, tree, number } => self
                .store
                .chunk_records(session, tree, (number, file.id))
                .ok()
                .map(Clean::into_inner),
            NewFileKind::Fields => format::parse_value(text).ok().map(|native| {
                let name = "fields".to_owned();
                vec![Record::Event(Event {
                    envelope: Envelope::default(),
                    name,
                    title: None,
                    native,
                })]
            }),
            NewFileKind::Payload | NewFileKind::Foreign => None,
        };
        match records {
            Some(records) => self.secrets_of_records(&records, text),
            None => {
                let spots = Redactor::new(&self.rules).spots("text", text);
                spots.into_iter().map(|spot| (spot.line, spot.rule)).collect()
            }
        }
    }

    /// The secrets in the records of a text.
    fn secrets_of_records(&self, records: &[Record], text: &str) -> Vec<(usize, String)> {
        let (documents, lines) = (format::document_lines(text), text.lines().collect::<Vec<_>>());
        // Before the records there may be a document of what they have in common.
        let first = documents.len().saturating_sub(records.len());
        let mut redactor = Redactor::new(&self.rules);
        let mut found = Vec::new();
        for (place, record) in records.iter().enumerate() {
            let start = documents.get(first + place).copied().unwrap_or(1);
            let end = documents.get(first + place + 1).map_or(lines.len(), |next| next - 1);
            let spots = redactor.record_spots(record);
            let counts = redactor.counts().clone();
            drop(redactor.record(record.clone()));
            let place = |(spot, said): &(Spot, String)| {
                (line_of(&lines, (start, end), (said, spot.column)), spot.rule.clone())
            };
            found.extend(spots.iter().map(place));
            // What no line is known of: in a picture, or only beside what was taken out.
            let is_more = |rule: &String, count: &u64| counts.get(rule).is_none_or(|it| it < count);
            let unplaced = redactor.counts().iter().filter(|(rule, count)| {
                is_more(rule, count) && spots.iter().all(|(spot, _)| spot.rule != **rule)
            });
            found.extend(unplaced.map(|(rule, _)| (start, rule.clone())));
        }
        found.sort();
        found.dedup();
        found
    }

    fn refuse_secret(&mut self, place: &str, rule: &str, revision: Option<&RevisionId>) {
        self.refuse(place, &format!("holds a secret ({rule})"), revision);
    }

    fn refuse(&mut self, place: &str, cause: &str, revision: Option<&RevisionId>) {
        let (place, cause) = (place.to_owned(), cause.to_owned());
        self.refusals.push(Refusal { place, cause, revision: revision.cloned() });
    }
}

/// The line of a document that holds what a line of one of its texts says, at a column; where YAML
/// writes it in another way, the first line of the document.
fn line_of(lines: &[&str], (start, end): (usize, usize), (said, column): (&str, usize)) -> usize {
    let is_plain = |c: &char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '\'');
    let word: String = said.chars().skip(column - 1).take_while(is_plain).collect();
    let document = lines.get(start - 1..end).unwrap_or_default();
    let find = |piece: &str| {
        let is_in = |line: &&str| !piece.is_empty() && line.contains(piece);
        document.iter().position(is_in)
    };
    find(said.trim()).or_else(|| find(&word)).map_or(start, |place| start + place)
}
