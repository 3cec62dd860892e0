//! Sessions that match, with all that belongs to them: a sub-agent's session stands and falls with
//! the one that started it.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params_from_iter;

use crate::index::Filter;
use crate::index::conditions::Conditions;
use crate::index::list::unreadable;
use crate::index::rows;
use crate::index::rows::digits;
use crate::session::Head;
use crate::session::SessionId;

/// The sessions that match and can be read, and those of their sub-agents, of these too. `also`:
/// deleted sessions, as they last were, which are looked at as if they were still there.
pub(super) fn family(
    connection: &Connection,
    filter: &Filter,
    also: &[Head],
) -> rusqlite::Result<BTreeSet<SessionId>> {
    // Never committed.
    let passing = connection.unchecked_transaction()?;
    for head in also {
        let id = digits(head.id);
        let key = passing
            .prepare_cached("SELECT key FROM names WHERE id = ?1")?
            .query_row([&id], |row| row.get(0))
            .optional()?;
        if let Some(key) = key {
            // Whatever tree it was in: only its head is looked at.
            rows::write_head(&passing, key, &id, (head, "", None))?;
        }
    }
    let conditions = Conditions::of(&Filter { with_subagents: false, ..filter.clone() });
    let is_whole = "NOT EXISTS (SELECT 1 FROM heads
        WHERE heads.key = sessions.key AND damaged IS NOT NULL)";
    let sql = format!(
        "WITH RECURSIVE family (member) AS (
            SELECT id FROM sessions WHERE {} AND {is_whole}
            UNION SELECT id FROM sessions JOIN family ON parent = member WHERE {is_whole})
        SELECT member FROM family",
        conditions.sql()
    );
    let mut statement = passing.prepare_cached(&sql)?;
    let found = statement.query_map(params_from_iter(conditions.values()), |row| {
        let id: String = row.get(0)?;
        id.parse().map_err(|_| unreadable(0, "id"))
    })?;
    found.collect()
}
