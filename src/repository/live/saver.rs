//! The thread that commits what a live session holds.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::redact::Clean;
use crate::redact::KnownSecrets;
use crate::redact::Redactor;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::change::Bench;
use crate::repository::change::Planned;
use crate::repository::live::LiveChange;
use crate::repository::live::flight::Flight;
use crate::repository::live::shared::Shared;
use crate::repository::observing::observed;
use crate::session::HeadFold;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::Batch;

/// Starts the thread of a live session; it ends when the session does.
pub(super) fn start(mut repository: Repository, shared: Arc<Shared>) -> Result<()> {
    let run = move || {
        // Whatever becomes of the thread, nobody must wait for it for ever.
        let end = EndsWith(shared);
        while let Some(flight) = end.0.next_flight() {
            match repository.land(end.0.id(), &flight) {
                Ok((revision, fold)) => {
                    end.0.landed(flight, revision, fold);
                    repository.look_after(&end.0);
                }
                Err(error) => end.0.came_back(flight, &error),
            }
            if end.0.is_given_up() {
                break;
            }
        }
    };
    let started = thread::Builder::new().name("annals-save".to_owned()).spawn(run);
    let failed =
        |error| Error::new(ErrorKind::Io, "cannot start the thread that saves").because(error);
    started.map(drop).map_err(failed)
}

struct EndsWith(Arc<Shared>);

impl Drop for EndsWith {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl Repository {
    /// What follows a save, which is one whatever becomes of this; what fails is tried again.
    fn look_after(&mut self, shared: &Shared) {
        if let Ok(Some(pruned)) = self.upkeep() {
            shared.pruned(&pruned);
        }
        // Asked only where somebody hears it: it is told once a day.
        if shared.is_watched()
            && let Ok(Some(notice)) = self.storage_notice()
        {
            shared.tell(&LiveChange::LimitReached(notice));
        }
        if shared.is_watched() && self.due_remotes().is_ok_and(|due| !due.is_empty()) {
            shared.tell(&LiveChange::SyncDue);
        }
    }

    /// Commits what is in flight. The session's fold is given where it must be taken over.
    fn land(
        &mut self,
        id: SessionId,
        flight: &Flight,
    ) -> Result<(Option<RevisionId>, Option<HeadFold>)> {
        observed(self, Operation::Autosave, &[id], |it| it.commit_flight(id, flight))
    }

    fn commit_flight(
        &mut self,
        id: SessionId,
        flight: &Flight,
    ) -> Result<(Option<RevisionId>, Option<HeadFold>)> {
        let late = flight.late.as_ref();
        let mut landed = self.commit_records(id, &flight.records, late, flight.is_retry);
        if landed.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            // It was deleted meanwhile. New records bring it back, as they do when sides merge.
            self.undelete(id)?;
            landed = self.commit_records(id, &flight.records, late, true);
        }
        let revision = landed?;
        if late.is_none() {
            return Ok((revision, None));
        }
        let stored = self.stored(&self.store.tip()?, id)?;
        Ok((revision, Some(self.bench()?.fold(&stored)?)))
    }

    /// Commits clean records behind the last one of a session. `late`: secrets to take out of the
    /// stored ones. `is_again`: the store may have some of them.
    pub(in crate::repository) fn commit_records(
        &mut self,
        id: SessionId,
        records: &[Clean<Record>],
        late: Option<&KnownSecrets>,
        is_again: bool,
    ) -> Result<Option<RevisionId>> {
        let committed = self.change_session("save", id, &mut |bench, batch, tip, id| {
            let base = bench.store.session(tip, id)?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("there is no session {id}"))
            })?;
            let records = records.iter().cloned();
            if late.is_none() && !is_again {
                return bench.plan_longer(batch, &base, None, Clean::from_items(records)).map(Some);
            }
            let stream = bench.store.records(&base)?;
            let known: HashSet<RecordKey> = Keys::of(&stream).into_iter().collect();
            let mut numbering = Keys::default();
            let fresh = records.filter(|record| !known.contains(&numbering.next(record)));
            let fresh = Clean::from_items(fresh);
            match late.and_then(|late| cleaned(bench, &stream, late)) {
                Some(stream) => rewrite(batch, id, &base, stream, fresh).map(Some),
                None if fresh.is_empty() => Ok(None),
                None => bench.plan_longer(batch, &base, Some(stream), fresh).map(Some),
            }
        })?;
        Ok(committed.revision)
    }
}

/// The stream without what is known as a secret by now; none: it holds nothing of that.
fn cleaned(
    bench: &Bench<'_>,
    stream: &Clean<Vec<Record>>,
    late: &KnownSecrets,
) -> Option<Clean<Vec<Record>>> {
    let mut redactor = Redactor::new(bench.rules);
    redactor.learn_all(late);
    let records: Vec<Clean<Record>> =
        stream.clone().items().map(|record| redactor.again(record)).collect();
    let records = Clean::from_items(records);
    (records != *stream).then_some(records)
}

fn rewrite(
    batch: &mut Batch<'_>,
    id: SessionId,
    base: &crate::store::StoredSession,
    stream: Clean<Vec<Record>>,
    fresh: Clean<Vec<Record>>,
) -> Result<Planned> {
    let added = fresh.iter().filter(|record| record.as_message().is_some()).count() as u64;
    let stream = Clean::from_items(stream.items().chain(fresh.items()));
    Bench::plan_whole(batch, id, Some(base), stream, added)
}
