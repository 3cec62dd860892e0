//! Taking over what was taken out of a history elsewhere: it leaves the disk here too.

use std::fs;

use crate::platform;
use crate::session::RevisionId;
use crate::store::CommitNote;
use crate::store::Error;
use crate::store::Forget;
use crate::store::History;
use crate::store::Rewrite;
use crate::store::Rewritten;
use crate::store::Store;
use crate::store::refs::object_id;
use crate::store::replace::moves;
use crate::store::replace::noting;
use crate::store::replace::render_moves;

impl Store {
    /// Whether main was `revision` before its history was scrubbed here: whoever still has that has
    /// nothing that is not here too, and what was taken out.
    pub fn was_scrubbed_away(&self, revision: &RevisionId) -> Result<bool, Error> {
        Ok(self.marker()?.scrubs.iter().any(|scrub| scrub.from == *revision))
    }

    /// Puts `rewritten` in the place of `history`, with `top` as main, and what it replaces off the
    /// disk. Interrupted, it is gone on with as [`Store::replace_history`] is. The store must be
    /// opened anew afterwards. False, and nothing was changed: the refs moved meanwhile.
    ///
    /// # Errors
    /// As those of [`Store::replace_history`].
    pub fn adopt_history(
        &self,
        (history, rewritten): (&History, &Rewritten),
        top: &RevisionId,
        note: &CommitNote,
        rewrite: &Rewrite<'_>,
        forget: &mut Forget<'_>,
    ) -> Result<bool, Error> {
        self.need_git()?;
        let _lock = self.lock()?;
        let maintenance = self.wait_for_maintenance("taking over the scrubbed history")?;
        if self.is_outdated() {
            return Err(Error::Rewritten);
        }
        if self.rewritable_refs()? != history.refs {
            return Ok(false);
        }
        self.check_journals(rewrite)?;
        self.check_schema(top)?;
        let moves = moves(history, rewritten, object_id(top));
        let path = self.replacing_note();
        platform::write_atomic(&path, render_moves(&moves).as_bytes()).map_err(noting)?;
        if !self.move_main(&moves[0], note)? {
            fs::remove_file(&path).map_err(noting)?;
            return Ok(false);
        }
        self.finish(&moves, &maintenance, forget)?;
        Ok(true)
    }
}
