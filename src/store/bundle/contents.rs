//! What a bundle's commit must hold, name by name; everything else is refused.

use std::collections::HashSet;

use git2::ObjectType;
use git2::Oid;

use crate::format;
use crate::session::Head;
use crate::session::Record;
use crate::session::SessionId;
use crate::store::bundle::Bundle;
use crate::store::bundle::BundleError;
use crate::store::bundle::damaged;
use crate::store::bundle::refused;
use crate::store::layout;
use crate::store::layout::ATTRIBUTES;
use crate::store::layout::Entry;
use crate::store::layout::FILES;
use crate::store::layout::HEAD;
use crate::store::layout::MARKER;
use crate::store::layout::MESSAGES;
use crate::store::layout::README;
use crate::store::layout::SESSIONS;
use crate::store::layout::Tree;

/// The most bytes of `annals.yaml` and of a `session.yaml`.
const SMALL_TEXT: usize = 1 << 20;
/// The most bytes of a file of messages.
const CHUNK: usize = 4 << 20;
/// The most bytes of all messages of a session.
const STREAM: usize = 64 << 20;

/// A session in a bundle.
#[derive(Debug)]
pub struct BundledSession {
    pub(super) id: SessionId,
    head: Oid,
    chunks: Vec<Oid>,
    files: Vec<(String, Oid)>,
}

impl Bundle {
    /// The head that the bundle gives a session.
    pub fn head(&self, session: &BundledSession) -> Result<Head, BundleError> {
        let what = format!("{HEAD} of session {}", session.id);
        let text = self.text(session.head, SMALL_TEXT, &what)?;
        format::parse_head(text).map_err(|error| unreadable(&what, &error))
    }

    /// Hands on the records of a session, a file of messages after the other.
    pub fn each_chunk<E: From<BundleError>>(
        &self,
        session: &BundledSession,
        take: &mut dyn FnMut(Vec<Record>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (number, chunk) in (1..).zip(&session.chunks) {
            let what =
                format!("{} of session {}", layout::chunk_name(session.id, number), session.id);
            let text = self.text(*chunk, CHUNK, &what)?;
            let mut file = |name: &str| {
                let (_, id) = session.files.iter().find(|(known, _)| known == name)?;
                Some(self.objects.get(id)?.bytes.clone())
            };
            let records = format::parse_chunk(text, &mut file);
            take(records.map_err(|error| unreadable(&what, &error))?)?;
        }
        Ok(())
    }

    /// Walks all that the commit holds. Nothing may be in the pack that the commit has not.
    pub(super) fn read_contents(&mut self, tip: Oid) -> Result<(), BundleError> {
        let mut seen = HashSet::from([tip]);
        let tree = self.root_of(tip)?;
        let root = self.tree(tree, "the top folder", &mut seen)?;
        let mut manifest = None;
        let mut sessions = Vec::new();
        for entry in root.iter() {
            match (&*entry.name, entry.is_file(), entry.is_folder()) {
                (name, true, _) if name == MARKER.as_bytes() => manifest = Some(entry.id),
                (name, true, _) if [README, ATTRIBUTES].map(str::as_bytes).contains(&name) => {}
                (name, _, true) if name == SESSIONS.as_bytes() => {
                    sessions = self.sessions_in(entry.id, &mut seen)?;
                }
                _ => return Err(unexpected("the top folder", entry)),
            }
            seen.insert(entry.id);
        }
        let manifest = manifest.ok_or_else(|| refused(format!("{MARKER} is not in it")))?;
        self.manifest = self.text(manifest, SMALL_TEXT, MARKER)?.to_owned();
        if sessions.is_empty() {
            return Err(refused("there is no session in it".to_owned()));
        }
        self.sessions = sessions;
        match self.objects.keys().find(|id| !seen.contains(id)) {
            Some(id) => Err(refused(format!("its object {id} belongs to nothing"))),
            None => Ok(()),
        }
    }

    /// The tree of a commit that has no parents.
    fn root_of(&self, tip: Oid) -> Result<Oid, BundleError> {
        let text = self.text_of_kind(tip, ObjectType::Commit, SMALL_TEXT, "its commit")?;
        let mut lines = text.split('\n');
        let tree = lines.next().and_then(|line| line.strip_prefix("tree "));
        let tree = tree.and_then(|id| Oid::from_str(id).ok());
        let tree = tree.ok_or_else(|| refused("its commit names no tree".to_owned()))?;
        match lines.next() {
            Some(line) if line.starts_with("author ") => Ok(tree),
            Some(line) if line.starts_with("parent ") => {
                Err(refused("it holds a history, not one commit".to_owned()))
            }
            _ => Err(refused("its commit has no author".to_owned())),
        }
    }

    fn sessions_in(
        &self,
        id: Oid,
        seen: &mut HashSet<Oid>,
    ) -> Result<Vec<BundledSession>, BundleError> {
        let mut sessions = Vec::new();
        for shard in self.tree(id, SESSIONS, seen)?.iter() {
            if !shard.is_folder() {
                return Err(unexpected(SESSIONS, shard));
            }
            let what = format!("{SESSIONS}/{}", shown(&shard.name));
            for entry in self.tree(shard.id, &what, seen)?.iter() {
                let session = layout::session_of(&shard.name, &entry.name);
                let session = session.filter(|_| entry.is_folder());
                let session = session.ok_or_else(|| unexpected(&what, entry))?;
                sessions.push(self.session_in(session, entry.id, seen)?);
            }
        }
        Ok(sessions)
    }

    fn session_in(
        &self,
        id: SessionId,
        tree: Oid,
        seen: &mut HashSet<Oid>,
    ) -> Result<BundledSession, BundleError> {
        let what = format!("session {id}");
        let (mut head, mut chunks, mut files) = (None, Vec::new(), Vec::new());
        for entry in self.tree(tree, &what, seen)?.iter() {
            match (&*entry.name, entry.is_file(), entry.is_folder()) {
                (name, true, _) if name == HEAD.as_bytes() => head = Some(entry.id),
                (name, _, true) if name == MESSAGES.as_bytes() => {
                    chunks = self.chunks_in(id, entry.id, seen)?;
                }
                (name, _, true) if name == FILES.as_bytes() => {
                    files = self.files_in(id, entry.id, seen)?;
                }
                _ => return Err(unexpected(&what, entry)),
            }
            seen.insert(entry.id);
        }
        let head = head.ok_or_else(|| refused(format!("{what} has no {HEAD}")))?;
        let mut length = 0;
        for chunk in &chunks {
            length += self.object(*chunk, ObjectType::Blob, &what)?.len();
        }
        if length > STREAM {
            let limit = STREAM >> 20;
            return Err(refused(format!("{what} has more than {limit} MiB of messages")));
        }
        Ok(BundledSession { id, head, chunks, files })
    }

    fn chunks_in(
        &self,
        id: SessionId,
        tree: Oid,
        seen: &mut HashSet<Oid>,
    ) -> Result<Vec<Oid>, BundleError> {
        let what = format!("the messages of session {id}");
        let mut chunks = Vec::new();
        for (expected, entry) in (1..).zip(self.tree(tree, &what, seen)?.iter()) {
            let number = layout::chunk_number(id, &entry.name).filter(|_| entry.is_file());
            if number != Some(expected) {
                return Err(unexpected(&what, entry));
            }
            seen.insert(entry.id);
            chunks.push(entry.id);
        }
        Ok(chunks)
    }

    fn files_in(
        &self,
        id: SessionId,
        tree: Oid,
        seen: &mut HashSet<Oid>,
    ) -> Result<Vec<(String, Oid)>, BundleError> {
        let what = format!("the files of session {id}");
        let mut files = Vec::new();
        for entry in self.tree(tree, &what, seen)?.iter() {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            if !entry.is_file() || !layout::is_file_name(&name) {
                return Err(unexpected(&what, entry));
            }
            self.object(entry.id, ObjectType::Blob, &what)?;
            seen.insert(entry.id);
            files.push((name, entry.id));
        }
        Ok(files)
    }

    /// A folder whose entries stand in git's order, each once, in git's own form.
    fn tree(&self, id: Oid, what: &str, seen: &mut HashSet<Oid>) -> Result<Tree, BundleError> {
        let bytes = self.object(id, ObjectType::Tree, what)?;
        seen.insert(id);
        let tree = Tree::parse(bytes).map_err(|cause| refused(format!("{what}: {cause}")))?;
        if tree.render() != bytes || !tree.is_ordered() {
            return Err(refused(format!("{what} is no folder as git writes it")));
        }
        Ok(tree)
    }

    fn text(&self, id: Oid, limit: usize, what: &str) -> Result<&str, BundleError> {
        self.text_of_kind(id, ObjectType::Blob, limit, what)
    }

    fn text_of_kind(
        &self,
        id: Oid,
        kind: ObjectType,
        limit: usize,
        what: &str,
    ) -> Result<&str, BundleError> {
        let bytes = self.object(id, kind, what)?;
        if bytes.len() > limit {
            return Err(refused(format!("{what} has more than {} MiB", limit >> 20)));
        }
        std::str::from_utf8(bytes).map_err(|_| refused(format!("{what} is no UTF-8 text")))
    }
}

fn unexpected(place: &str, entry: &Entry) -> BundleError {
    let kind = match entry {
        entry if entry.is_folder() => "folder",
        entry if entry.is_file() => "file",
        entry if entry.is_submodule() => "submodule",
        entry if entry.is_link() => "symbolic link",
        _ => "entry with an odd mode",
    };
    refused(format!("{place} holds the {kind} {:?}, which has no place there", shown(&entry.name)))
}

/// A name, as far as an error shows it.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(60).collect()
}

fn unreadable(what: &str, error: &format::Error) -> BundleError {
    match error {
        format::Error::TooNew { found } => BundleError::TooNew { found: *found },
        format::Error::File { .. } => damaged(format!("{what}: {error}")),
        other => refused(format!("{what}: {other}")),
    }
}
