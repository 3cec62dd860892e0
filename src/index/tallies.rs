//! Messages and tokens by time and model, which heads do not tell: read from the records of what
//! changed since they were asked for last.

use std::ops::ControlFlow;

use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use rusqlite::params;

use crate::index::Error;
use crate::index::Index;
use crate::index::database::failed;
use crate::index::rows;
use crate::session::RevisionId;
use crate::session::Tallies;
use crate::session::Tallying;
use crate::session::tally;
use crate::store;
use crate::store::SessionChange;
use crate::store::Store;
use crate::store::StoredSession;

/// Stands for the time of what has none.
pub(super) const UNDATED: i64 = i64::MIN;

/// After so many records a transaction is closed: others get to write in between.
const PORTION: u64 = 10_000;

impl Index {
    /// Brings catalogue and tallies up to the tip. `progress` hears how many of the sessions that
    /// changed are done, and how many there are.
    pub fn refresh_tallies(
        &mut self,
        store: &Store,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Error> {
        self.bring_up(store, TALLIED, &mut |index, (from, tip), changes| {
            index.take_tallies(store, from, tip, changes, progress)
        })
    }

    /// Writes the changes until another process moved the catalogue.
    fn take_tallies(
        &mut self,
        store: &Store,
        from: Option<&RevisionId>,
        tip: &RevisionId,
        changes: &[SessionChange],
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Error> {
        let doing = || failed("cannot write the index");
        let mut done = 0;
        loop {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(doing())?;
            let is_same = rows::stands_for(&transaction, TALLIED)?.as_ref() == from
                && rows::indexed(&transaction)?.as_ref() == Some(tip);
            if !is_same {
                return Ok(());
            }
            let mut records = 0;
            while let Some(change) = changes.get(done).filter(|_| records < PORTION) {
                records += write(&transaction, store, change)?;
                done += 1;
            }
            let is_end = done == changes.len();
            if is_end {
                rows::stand_for(&transaction, TALLIED, tip).map_err(doing())?;
            }
            transaction.commit().map_err(doing())?;
            progress(done as u64, changes.len() as u64);
            if is_end {
                return Ok(());
            }
        }
    }
}

/// What the commit is called in the table that the tallies stand for.
const TALLIED: &str = "tallied";

/// Writes one session's; returns how many records were read for it, and one for itself.
fn write(
    transaction: &Transaction<'_>,
    store: &Store,
    change: &SessionChange,
) -> Result<u64, Error> {
    let doing = || failed("cannot write the index");
    let id = rows::digits(change.id);
    transaction
        .prepare_cached("DELETE FROM tallies WHERE key = (SELECT key FROM names WHERE id = ?1)")
        .and_then(|mut statement| statement.execute([&id]))
        .map_err(doing())?;
    let Some(tree) = change.tree else { return Ok(1) };
    let stored = store.session_of_tree(change.id, &tree.to_string());
    let tallied = stored.and_then(|stored| stored.map(|it| tallied(store, &it)).transpose());
    let (tallies, records) = match tallied {
        Ok(Some(tallied)) => tallied,
        // `list` marks what is damaged; nobody knows what was said in it.
        Ok(None) | Err(store::Error::Corrupt { .. }) => return Ok(1),
        Err(error) => return Err(error.into()),
    };
    for ((quarter, model), found) in tallies {
        let numbers = [
            found.messages,
            found.tokens.input,
            found.tokens.output,
            found.tokens.cache_read,
            found.tokens.cache_write,
        ]
        .map(rows::sortable);
        let [messages, input, output, read, write] = numbers;
        transaction
            .prepare_cached(
                "INSERT INTO tallies SELECT key, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM names
                WHERE id = ?1",
            )
            .and_then(|mut statement| {
                let quarter = quarter.unwrap_or(UNDATED);
                statement.execute(params![id, quarter, model, messages, input, output, read, write])
            })
            .map_err(doing())?;
    }
    Ok(records + 1)
}

/// A session's tallies, and how many records it has.
fn tallied(store: &Store, stored: &StoredSession) -> Result<(Tallies, u64), store::Error> {
    let (mut tallying, mut records) = (Tallying::of(stored.id), 0);
    let passed = store.each_record(stored, &mut |record| {
        if record.changes_view() {
            return ControlFlow::Break(());
        }
        records += 1;
        tallying.add(record);
        ControlFlow::Continue(())
    })?;
    if passed.is_continue() {
        return Ok((tallying.finish(), records));
    }
    let records = store.records(stored)?;
    Ok((tally(stored.id, &records), records.len() as u64))
}
