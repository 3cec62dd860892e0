//! Damage of the index itself, and marks on sessions that cannot be read: a list must not show them as if they could.
//!
//! What a head says is found while main is followed; damage in the records is found by whoever
//! reads them, and noted here. A session that is saved again loses its mark, and so does one that
//! the doctor finds whole.

use rusqlite::OptionalExtension;
use rusqlite::params;

use crate::index::Error;
use crate::index::Index;
use crate::index::database;
use crate::index::database::failed;
use crate::index::rows::digits;
use crate::index::rows::write_head;
use crate::session::Head;
use crate::session::SessionId;

impl Index {
    /// What of its file is damaged, in SQLite's words; none: nothing.
    pub fn fault(&self) -> Result<Option<String>, Error> {
        let read = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
        let found: String = match read {
            Err(error) if database::is_damage(&error) => error.to_string(),
            read => read.map_err(failed("cannot check the index"))?,
        };
        Ok((found != "ok").then(|| format!("its file is damaged: {found}")))
    }

    /// Marks a session as one that cannot be read.
    pub fn mark_damaged(&self, id: SessionId, why: &str) -> Result<(), Error> {
        let sql =
            "UPDATE heads SET damaged = ?2 WHERE key = (SELECT key FROM sessions WHERE id = ?1)";
        let marked = self.connection.execute(sql, params![digits(id), why]);
        marked.map(drop).map_err(failed("cannot mark a session"))
    }

    /// Takes the mark off a session that can be read after all.
    pub fn mark_whole(&mut self, id: SessionId, head: &Head) -> Result<(), Error> {
        let doing = "cannot take a session's mark off";
        let digits = digits(id);
        let transaction = self.connection.transaction().map_err(failed(doing))?;
        let sql = "SELECT key, tree FROM sessions JOIN heads USING (key)
            WHERE id = ?1 AND damaged IS NOT NULL";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?));
        let marked = transaction
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([&digits], row).optional());
        if let Some((key, tree)) = marked.map_err(failed(doing))? {
            write_head(&transaction, key, &digits, (head, &tree, None)).map_err(failed(doing))?;
        }
        transaction.commit().map_err(failed(doing))
    }
}
