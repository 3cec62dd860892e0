//! What other stores would not take in is not given to them: once a remote has it, nobody could
//! sync with it any more.
//!
//! Looks at sizes alone, which git tells without reading an object; only of a session with many
//! megabytes of messages are these read.

use git2::ObjectType;

use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Error;
use crate::store::Store;
use crate::store::layout::FILES;
use crate::store::layout::HEAD;
use crate::store::layout::MESSAGES;
use crate::store::remote::arrival::Arrival;
use crate::store::remote::arrival::PAYLOAD;
use crate::store::remote::arrival::SMALL_TEXT;

impl Store {
    /// Checks that other stores take in these sessions as a revision has them.
    ///
    /// # Errors
    /// [`Error::Oversized`]: one is larger than that.
    pub fn check_outgoing(&self, at: &RevisionId, sessions: &[SessionId]) -> Result<(), Error> {
        for id in sessions {
            let Some(session) = self.session(at, *id)?.filter(|it| !it.is_older()) else {
                continue;
            };
            let arrival = Arrival::at_home(self);
            let checked = self.read_tree(session.tree.0, &format_args!("session {id}"))?;
            for entry in checked.iter() {
                let looked_at = match &*entry.name {
                    name if name == HEAD.as_bytes() => {
                        arrival.check_size(entry.id, ObjectType::Blob, SMALL_TEXT, HEAD).map(drop)
                    }
                    name if name == MESSAGES.as_bytes() => arrival.check_messages(entry, MESSAGES),
                    name if name == FILES.as_bytes() => {
                        let files = arrival.folder(entry, FILES)?;
                        let check = |id| arrival.check_size(id, ObjectType::Blob, PAYLOAD, FILES);
                        files.iter().try_for_each(|file| check(file.id).map(drop))
                    }
                    _ => Ok(()),
                };
                looked_at.map_err(|error| match error {
                    Error::Corrupt { what, cause } => {
                        Error::Oversized { session: *id, cause: format!("{what}: {cause}") }
                    }
                    other => other,
                })?;
            }
        }
        Ok(())
    }
}
