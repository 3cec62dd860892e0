//! Messages and tokens by time and model, which heads do not tell: read from the records of what
//! changed since they were asked for last.

use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use rusqlite::params;

use crate::index::Error;
use crate::index::Index;
use crate::index::database::failed;
use crate::index::rows;
use crate::session::RevisionId;
use crate::session::tally;
use crate::store;
use crate::store::SessionChange;
use crate::store::Store;

/// Stands for the time of what has none.
pub(super) const UNDATED: i64 = i64::MIN;

/// How many sessions go into one transaction: others get to write in between.
const PORTION: usize = 50;

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
            for change in changes.iter().skip(done).take(PORTION) {
                write(&transaction, store, change)?;
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

fn write(
    transaction: &Transaction<'_>,
    store: &Store,
    change: &SessionChange,
) -> Result<(), Error> {
    let doing = || failed("cannot write the index");
    let id = rows::digits(change.id);
    transaction
        .prepare_cached("DELETE FROM tallies WHERE key = (SELECT key FROM names WHERE id = ?1)")
        .and_then(|mut statement| statement.execute([&id]))
        .map_err(doing())?;
    let Some(tree) = change.tree else { return Ok(()) };
    let stored = store.session_of_tree(change.id, &tree.to_string());
    let records = stored.and_then(|stored| stored.map(|it| store.records(&it)).transpose());
    let records = match records {
        Ok(Some(records)) => records.into_inner(),
        // `list` marks what is damaged; nobody knows what was said in it.
        Ok(None) | Err(store::Error::Corrupt { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for ((quarter, model), found) in tally(change.id, &records) {
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
    Ok(())
}
