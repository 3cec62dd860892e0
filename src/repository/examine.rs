//! Whether a session is whole: all of it can be read, and its head is what its records say.

use crate::session::Head;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;
use crate::store;
use crate::store::ObjectId;
use crate::store::Store;

/// What is wrong with a session.
pub(super) enum Fault {
    /// It cannot be read, or its head is not what its records say.
    Damaged(String),
    /// It was written by a later version of annals: what it says cannot be known here.
    Newer(String),
}

/// Reads a session whole, and its head, which must be what the records say.
pub(super) fn examine(
    store: &Store,
    id: SessionId,
    tree: ObjectId,
) -> std::result::Result<Head, Fault> {
    let read = || -> std::result::Result<(Head, Head), store::Error> {
        let stored = store.session_of_tree(id, &tree.to_string())?;
        let stored = stored.ok_or(store::Error::Stale { session: id })?;
        let head = store.head(&stored)?.into_inner();
        Ok((head, store.fold(&stored)?.head().clone()))
    };
    match read() {
        // What a later version says there cannot be known here.
        Ok((head, folded)) if folded == head || head.schema > SCHEMA_VERSION => Ok(head),
        Ok(_) => Err(Fault::Damaged("its head is not what its records say".to_owned())),
        Err(error @ (store::Error::TooNew { .. } | store::Error::NewerSession { .. })) => {
            Err(Fault::Newer(error.to_string()))
        }
        Err(error) => Err(Fault::Damaged(error.to_string())),
    }
}
