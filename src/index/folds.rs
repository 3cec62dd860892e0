//! The states of sessions' folds, kept so that a save need not read the whole session.

use rusqlite::OptionalExtension;
use rusqlite::params;

use crate::index::Error;
use crate::index::Index;
use crate::index::database::failed;
use crate::index::rows::digits;
use crate::session::HeadFold;
use crate::session::SessionId;

impl Index {
    /// Keeps the states of sessions' folds, each valid for the tree of that id.
    pub fn keep_folds<'f>(
        &mut self,
        folds: impl Iterator<Item = (SessionId, &'f str, &'f HeadFold)>,
    ) -> Result<(), Error> {
        let keep = || {
            let transaction = self.connection.transaction()?;
            for (id, tree, fold) in folds {
                let state = serde_json::to_string(fold).expect("a fold has string keys only");
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO folds VALUES (?1, ?2, ?3)")?
                    .execute(params![digits(id), tree, state])?;
            }
            transaction.commit()
        };
        keep().map_err(failed("cannot write the index"))
    }

    /// The kept state, if it is for that tree.
    pub fn fold(&self, id: SessionId, tree: &str) -> Result<Option<HeadFold>, Error> {
        let read = || {
            self.connection
                .prepare_cached("SELECT state FROM folds WHERE id = ?1 AND tree = ?2")?
                .query_row(params![digits(id), tree], |row| row.get::<_, String>(0))
                .optional()
        };
        let state = read().map_err(failed("cannot read the index"))?;
        // A state that another release of annals wrote is one that is not there.
        Ok(state.and_then(|state| serde_json::from_str(&state).ok()))
    }
}
