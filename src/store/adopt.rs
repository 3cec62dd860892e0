//! Taking over a history that was scrubbed elsewhere: what was taken out there leaves the disk here
//! too.

use crate::session::RevisionId;
use crate::store::CommitNote;
use crate::store::Error;
use crate::store::Forget;
use crate::store::Store;
use crate::store::refs::MAIN;
use crate::store::refs::object_id;
use crate::store::replace::Move;
use crate::store::replace::noting;
use crate::store::replace::render_moves;

impl Store {
    /// Whether main was `revision` before its history was scrubbed here: whoever still has that has
    /// nothing that is not here too, and what was taken out.
    pub fn was_scrubbed_away(&self, revision: &RevisionId) -> Result<bool, Error> {
        Ok(self.marker()?.scrubs.iter().any(|scrub| scrub.from == *revision))
    }

    /// Whether `theirs` is what became of `ours` when it was scrubbed elsewhere.
    pub fn is_scrubbed_form(&self, ours: &RevisionId, theirs: &RevisionId) -> Result<bool, Error> {
        let (known, scrubs) = (self.marker_at(ours)?.scrubs, self.marker_at(theirs)?.scrubs);
        Ok(scrubs.iter().any(|scrub| scrub.from == *ours && !known.contains(scrub)))
    }

    /// Puts the scrubbed history in the place of ours, and ours off the disk. Interrupted, it is
    /// gone on with as [`Store::replace_history`] is. The store must be opened anew afterwards.
    /// False, and nothing was changed: main moved meanwhile.
    pub fn adopt_history(
        &self,
        (ours, theirs): (&RevisionId, &RevisionId),
        note: &CommitNote,
        forget: &mut Forget<'_>,
    ) -> Result<bool, Error> {
        self.need_git()?;
        let _lock = self.lock()?;
        let maintenance = self.wait_for_maintenance("taking over the scrubbed history")?;
        if self.is_outdated() {
            return Err(Error::Rewritten);
        }
        if self.tip()? != *ours {
            return Ok(false);
        }
        self.check_schema(theirs)?;
        let main = Move { name: MAIN.to_owned(), from: object_id(ours), to: object_id(theirs) };
        let moves = [main];
        let path = self.replacing_note();
        crate::platform::write_atomic(&path, render_moves(&moves).as_bytes()).map_err(noting)?;
        if !self.move_main(&moves[0], note)? {
            std::fs::remove_file(&path).map_err(noting)?;
            return Ok(false);
        }
        self.finish(&moves, &maintenance, forget)?;
        Ok(true)
    }
}
