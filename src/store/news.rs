//! What a revision has that others have not, file by file, whatever its folders hold: for who
//! looks at what is committed and pushed before it becomes part of a history.

use std::sync::Arc;

use git2::ObjectType;
use git2::Oid;

use crate::session::SessionId;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::layout;
use crate::store::layout::FILES;
use crate::store::layout::MARKER;
use crate::store::layout::MESSAGES;
use crate::store::layout::SESSIONS;
use crate::store::layout::TOMBSTONES;
use crate::store::layout::Tree;

/// How deep folders may lie in each other.
const DEPTH: usize = 32;

/// A file that is new in a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its path.
    pub path: String,
    /// Its content.
    pub id: ObjectId,
    /// What it is.
    pub kind: NewFileKind,
}

/// What a file is, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewFileKind {
    /// Records of a session.
    Chunk {
        /// The session.
        session: SessionId,
        /// Its folder.
        tree: ObjectId,
        /// The chunk's number.
        number: u32,
    },
    /// A `session.yaml`, a tombstone, the marker.
    Fields,
    /// A large payload of a session.
    Payload,
    /// What people put beside our own files.
    Foreign,
}

impl Store {
    /// The files in the top folder `root` that none of the others has under the same name.
    pub fn new_files(&self, root: ObjectId, known: &[ObjectId]) -> Result<Vec<NewFile>, Error> {
        let mut found = Vec::new();
        let known: Vec<Oid> = known.iter().map(|id| id.0).collect();
        self.gather(&mut Vec::new(), root.0, (&known, None), &mut found)?;
        Ok(found)
    }

    /// The bytes of a file.
    pub fn file_bytes(&self, file: &NewFile) -> Result<Vec<u8>, Error> {
        self.read(file.id.0, ObjectType::Blob, &file.path)
    }

    /// `session`: the folder of a session that `id` is, or lies in.
    fn gather(
        &self,
        path: &mut Vec<String>,
        id: Oid,
        (known, session): (&[Oid], Option<Oid>),
        found: &mut Vec<NewFile>,
    ) -> Result<(), Error> {
        let what = path.join("/");
        if path.len() > DEPTH {
            return Err(Error::Corrupt { what, cause: "it lies too deep".into() });
        }
        let tree = self.read_tree(id, &what)?;
        let known: Vec<Arc<Tree>> =
            known.iter().map(|id| self.read_tree(*id, &what)).collect::<Result<_, _>>()?;
        for entry in tree.iter().filter(|entry| !entry.is_submodule()) {
            let same = |tree: &Arc<Tree>| {
                let mut entries = tree.iter();
                entries
                    .find(|it| it.name == entry.name && it.is_folder() == entry.is_folder())
                    .map(|it| it.id)
            };
            let before: Vec<Oid> = known.iter().filter_map(same).collect();
            if before.contains(&entry.id) {
                continue;
            }
            path.push(String::from_utf8_lossy(&entry.name).into_owned());
            if entry.is_folder() {
                let is_session = path.len() == 3 && path[0] == SESSIONS;
                let session = if is_session { Some(entry.id) } else { session };
                self.gather(path, entry.id, (&before, session), found)?;
            } else {
                let kind = kind_of(path, session);
                found.push(NewFile { path: path.join("/"), id: ObjectId(entry.id), kind });
            }
            path.pop();
        }
        Ok(())
    }
}

fn kind_of(path: &[String], tree: Option<Oid>) -> NewFileKind {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    match (names.as_slice(), tree) {
        ([area, shard, id, folder, name], Some(tree))
            if *area == SESSIONS && *folder == MESSAGES =>
        {
            let session = layout::session_of(shard.as_bytes(), id.as_bytes());
            let number = session.and_then(|it| layout::chunk_number(it, name.as_bytes()));
            match (session, number) {
                (Some(session), Some(number)) => {
                    NewFileKind::Chunk { session, tree: ObjectId(tree), number }
                }
                _ => NewFileKind::Foreign,
            }
        }
        ([area, _, _, folder, _], _) if *area == SESSIONS && *folder == FILES => {
            NewFileKind::Payload
        }
        ([area, _, _, _], _) if *area == SESSIONS => NewFileKind::Fields,
        ([area, _, _], _) if *area == TOMBSTONES => NewFileKind::Fields,
        ([name], _) if *name == MARKER => NewFileKind::Fields,
        _ => NewFileKind::Foreign,
    }
}
