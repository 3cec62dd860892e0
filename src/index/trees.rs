//! Where each session is, in the revision that the catalogue stands for: who knows its tree finds it
//! though the folders above it are damaged.

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;

use crate::index::Error;
use crate::index::Index;
use crate::index::database::failed;
use crate::index::list::unreadable;
use crate::index::rows;
use crate::index::rows::digits;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::ObjectId;
use crate::store::SessionChange;

impl Index {
    /// The tree, or file of an older schema, that a session is in, in hex; none: the index stands for
    /// another revision, or does not know the session.
    pub fn tree_at(&self, revision: &RevisionId, id: SessionId) -> Result<Option<String>, Error> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT tree FROM heads JOIN sessions USING (key) WHERE id = ?2
                    AND ?1 = (SELECT value FROM meta WHERE key = 'indexed')",
                )?
                .query_row(params![revision.as_str(), digits(id)], |row| row.get(0))
                .optional()
        };
        read().map_err(failed("cannot read the index"))
    }
}

impl Index {
    /// The tree that each session is in at a revision; none: the index stands for another one.
    pub fn trees_at(&self, revision: &RevisionId) -> Result<Vec<(SessionId, ObjectId)>, Error> {
        if rows::indexed(&self.connection)?.as_ref() != Some(revision) {
            return Ok(Vec::new());
        }
        let all = all(&self.connection).map_err(failed("cannot read the index"))?;
        Ok(all.into_iter().filter_map(|it| Some((it.id, it.tree?))).collect())
    }
}

/// Every session that the catalogue lists, and each that is gone and has text still.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<SessionChange>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, tree FROM names LEFT JOIN heads USING (key)
        WHERE tree IS NOT NULL OR key IN (SELECT key FROM searched)",
    )?;
    let rows = statement.query_map([], |row| {
        let (id, tree): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        let tree = tree.map(|tree| ObjectId::parse(&tree).ok_or_else(|| unreadable(1, "tree")));
        let id = id.parse().map_err(|_| unreadable(0, "id"))?;
        Ok(SessionChange { id, tree: tree.transpose()?, existed: true })
    })?;
    rows.collect()
}
