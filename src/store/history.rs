//! Reading commits.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::DateTime;
use chrono::Utc;
use git2::ErrorCode;
use git2::ObjectType;
use git2::Oid;

use crate::session::RevisionId;
use crate::store::CommitEntry;
use crate::store::Error;
use crate::store::Store;
use crate::store::commit::NEUTRAL_AUTHOR;
use crate::store::objects::corrupt;
use crate::store::refs::object_id;
use crate::store::refs::revision;

/// The operation of a commit that annals did not make.
const FOREIGN_OPERATION: &str = "commit";
/// The fewest digits that may stand for a revision.
const SHORTEST_PREFIX: usize = 4;
/// The most characters of an author that are kept.
const LONGEST_AUTHOR: usize = 200;

/// A commit, as git has it.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) tree: Oid,
    pub(super) parents: Vec<Oid>,
    author: Option<String>,
    seconds: i64,
    message: String,
}

impl Store {
    /// A full revision id for a prefix of at least 4 digits that stands for one commit on main.
    pub fn find_revision(&self, prefix: &str) -> Result<Option<RevisionId>, Error> {
        let prefix = prefix.to_ascii_lowercase();
        let is_hex = prefix.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hex || !(SHORTEST_PREFIX..=40).contains(&prefix.len()) {
            return Ok(None);
        }
        let start = Oid::from_str(&format!("{prefix:0<40}")).expect("40 hex digits");
        let is_single = match self.odb()?.exists_prefix(start, prefix.len()) {
            Ok(_) => true,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(_) => false,
        };
        let mut found = None;
        // What is damaged elsewhere hides nothing here.
        for id in self.ancestors()?.flatten() {
            if id.to_string().starts_with(&prefix) {
                if is_single {
                    return Ok(Some(revision(id)));
                }
                if found.replace(id).is_some() {
                    return Ok(None);
                }
            }
        }
        Ok(found.map(revision))
    }

    /// The commits up to `to` that are not known yet, each behind its parents, `to` last. `None`
    /// when `from` is not among the ancestors of `to`. `from` and all its ancestors are known;
    /// without it nothing is, and damaged ones are left out, with all behind them.
    pub fn history(
        &self,
        from: Option<&RevisionId>,
        to: &RevisionId,
        is_known: &dyn Fn(&RevisionId) -> bool,
    ) -> Result<Option<Vec<CommitEntry>>, Error> {
        let from = from.map(object_id);
        let (mut entries, mut seen) = (Vec::new(), HashSet::new());
        let (mut open, mut has_met) = (vec![(object_id(to), false)], from.is_none());
        let mut has_merges = false;
        while let Some((id, are_parents_in)) = open.pop() {
            if are_parents_in {
                entries.push(self.read_commit(id)?.entry(id));
                continue;
            }
            has_met |= from == Some(id);
            // A line without merges ends at `from`, and who asks only needs to be asked otherwise.
            let is_old = from == Some(id) || has_merges && is_known(&revision(id));
            if is_old || !seen.insert(id) {
                continue;
            }
            let commit = match self.read_commit(id) {
                // Whoever begins from nothing takes what there is.
                Err(Error::Corrupt { .. }) if from.is_none() && id != object_id(to) => continue,
                commit => commit?,
            };
            has_merges |= commit.parents.len() > 1;
            open.push((id, true));
            open.extend(commit.parents.iter().rev().map(|parent| (*parent, false)));
        }
        Ok(has_met.then_some(entries))
    }

    /// A commit, as the index wants it.
    pub fn commit_entry(&self, at: &RevisionId) -> Result<CommitEntry, Error> {
        let id = object_id(at);
        Ok(self.read_commit(id)?.entry(id))
    }

    /// The time of a commit.
    pub fn commit_time(&self, at: &RevisionId) -> Result<DateTime<Utc>, Error> {
        Ok(self.commit_entry(at)?.at)
    }

    pub(super) fn read_commit(&self, id: Oid) -> Result<Arc<Commit>, Error> {
        if let Some(commit) = self.commits.borrow().find(&id) {
            return Ok(commit.clone());
        }
        let what = format_args!("the revision {:.8}", id.to_string());
        let bytes = self.read(id, ObjectType::Commit, &what)?;
        let commit = Commit::parse(&bytes);
        let commit = commit.ok_or_else(|| corrupt(id, &what, "it is no commit".into()))?;
        let commit = Arc::new(commit);
        self.commits.borrow_mut().add(id, commit.clone());
        Ok(commit)
    }

    /// Whether `commit` is an ancestor of `tip`, or the same.
    pub(super) fn is_behind(&self, commit: Oid, tip: Oid) -> Result<bool, Error> {
        let (mut waiting, mut seen) = (vec![tip], HashSet::new());
        while let Some(id) = waiting.pop() {
            if id == commit {
                return Ok(true);
            }
            if seen.insert(id) {
                waiting.extend(self.read_commit(id)?.parents.iter().rev());
            }
        }
        Ok(false)
    }

    /// The revisions that main led to once and that are no more in its history, newest first, without
    /// those that others of them come from: somebody moved it back, by git alone.
    pub fn left_behind(&self) -> Result<Vec<RevisionId>, Error> {
        let past = self.past_tips()?;
        let mut gone: HashSet<Oid> = past.iter().copied().collect();
        for id in self.ancestors()? {
            gone.remove(&id?);
        }
        let mut found = Vec::new();
        for tip in past {
            if gone.contains(&tip) && self.read_commit(tip).is_ok() {
                found.push(revision(tip));
                for id in self.ancestors_of(tip).map_while(Result::ok) {
                    gone.remove(&id);
                }
            }
        }
        Ok(found)
    }

    /// All commits of main, newest first along each line of them.
    fn ancestors(&self) -> Result<impl Iterator<Item = Result<Oid, Error>> + '_, Error> {
        Ok(self.ancestors_of(self.tip_id()?))
    }

    /// A commit and all that it comes from, newest first along each line of them.
    pub(super) fn ancestors_of(&self, tip: Oid) -> impl Iterator<Item = Result<Oid, Error>> + '_ {
        let mut waiting = vec![tip];
        let mut seen = HashSet::new();
        std::iter::from_fn(move || {
            let id = loop {
                let id = waiting.pop()?;
                if seen.insert(id) {
                    break id;
                }
            };
            Some(self.read_commit(id).map(|commit| {
                waiting.extend(commit.parents.iter().rev());
                id
            }))
        })
    }
}

impl Commit {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        // Git allows messages in any encoding; ours are UTF-8.
        let text = String::from_utf8_lossy(bytes);
        let (header, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut lines = header.lines();
        let tree = parse_id(lines.next()?.strip_prefix("tree ")?)?;
        let (mut parents, mut author, mut seconds) = (Vec::new(), None, 0);
        for line in lines {
            if let Some(parent) = line.strip_prefix("parent ") {
                parents.push(parse_id(parent)?);
            } else if let Some(text) = line.strip_prefix("author ") {
                author = parse_author(text);
            } else if let Some(committer) = line.strip_prefix("committer ") {
                seconds = parse_seconds(committer).unwrap_or(0);
            }
        }
        Some(Self { tree, parents, author, seconds, message: message.to_owned() })
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Whether annals made it.
    pub(super) fn is_ours(&self) -> bool {
        self.trailer("Annals-Operation").is_some()
    }

    fn entry(&self, id: Oid) -> CommitEntry {
        CommitEntry {
            revision: revision(id),
            at: DateTime::from_timestamp(self.seconds, 0).unwrap_or(DateTime::UNIX_EPOCH),
            operation: self.trailer("Annals-Operation").unwrap_or(FOREIGN_OPERATION).to_owned(),
            subject: self.message.lines().next().unwrap_or_default().to_owned(),
            author: self.author.clone(),
            parents: self.parents.iter().copied().map(revision).collect(),
        }
    }

    /// A trailer of the message's last paragraph.
    fn trailer(&self, name: &str) -> Option<&str> {
        let (_, last) = self.message.trim_end().rsplit_once("\n\n")?;
        let value = |line: &'_ str| Some(line.strip_prefix(name)?.strip_prefix(": ")?.len());
        last.lines().find_map(|line| value(line).map(|length| &line[line.len() - length..]))
    }
}

fn parse_id(hex: &str) -> Option<Oid> {
    RevisionId::parse(hex).map(|id| object_id(&id))
}

/// Who is meant by `Name <email> 1770090591 +0000`; none: nobody in particular.
fn parse_author(text: &str) -> Option<String> {
    let (author, _) = text.rsplit_once('>')?;
    let author: String = author.chars().chain(['>']).take(LONGEST_AUTHOR).collect();
    (author != NEUTRAL_AUTHOR).then_some(author)
}

/// The seconds in `Name <email> 1770090591 +0000`.
fn parse_seconds(committer: &str) -> Option<i64> {
    committer.rsplit(' ').nth(1)?.parse().ok()
}
