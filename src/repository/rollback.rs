//! Going back to an earlier revision of a session, as a new commit.

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::redact::Clean;
use crate::repository::EditOutcome;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::observing::observed;
use crate::session::Action;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::plan_view_change;
use crate::session::view;

impl Repository {
    /// Takes the session back (or forward again) to what it was at a revision.
    ///
    /// The records stay in the stream; an event names those that leave the view or come back, so
    /// that neither the next capture nor a merge undoes it.
    ///
    /// # Errors
    /// `NotFound`: there is no such session, or that revision does not have it.
    pub fn rollback(&mut self, id: SessionId, to: &RevisionId) -> Result<EditOutcome> {
        observed(self, Operation::Rollback, &[id], |it| it.go_back(id, to))
    }

    fn go_back(&mut self, id: SessionId, to: &RevisionId) -> Result<EditOutcome> {
        let now = self.now();
        let event_id = self.new_id();
        let past = self.stored(to, id)?;
        let past = self.store.records(&past)?.into_inner();
        let committed = self.change_session("rollback", id, &mut |bench, batch, tip, id| {
            let base = bench.store.session(tip, id)?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("there is no session {id}"))
            })?;
            let stream = bench.store.records(&base)?;
            let current = seen(&stream);
            let known: std::collections::HashSet<RecordKey> =
                Keys::of(&stream).into_iter().collect();
            let target: Vec<RecordKey> =
                seen(&past).into_iter().filter(|key| known.contains(key)).collect();
            let change = plan_view_change(&current, &target);
            if change.is_empty() {
                return Ok(None);
            }
            let head = bench.store.head(&base)?;
            let action = Action::Rollback { to: to.clone(), change };
            let event = bench.event(&head, event_id.clone(), now, action);
            bench.plan_longer(batch, &base, Some(stream), Clean::from_items([event])).map(Some)
        })?;
        self.edited(id, committed)
    }
}

/// The keys in view, but for facts and for events that change the view themselves.
fn seen(stream: &[Record]) -> Vec<RecordKey> {
    let keys = Keys::of(stream);
    let is_undoable = |record: &Record| match record {
        Record::Annals(event) => {
            !event.is_fact() && event.view_change().is_none() && event.action != Action::Undelete
        }
        _ => true,
    };
    view(stream, &keys)
        .into_iter()
        .filter(|place| is_undoable(&stream[*place]))
        .map(|place| keys[place].clone())
        .collect()
}
