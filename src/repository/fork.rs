//! Splitting a new session off another.

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::redact::Clean;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::SaveOutcome;
use crate::repository::SessionAt;
use crate::repository::observing::observed;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::How;
use crate::session::Keys;
use crate::session::Origin;
use crate::session::Record;
use crate::session::SessionId;
use crate::session::view;

impl Repository {
    /// Makes a new session of the records up to and with the message `until` (its id, or an
    /// unambiguous beginning of it); none: all of them.
    ///
    /// # Errors
    /// `NotFound` or `Ambiguous`: `until` names no message, or several.
    pub fn fork(&mut self, at: &SessionAt, until: Option<&str>) -> Result<SaveOutcome> {
        observed(self, Operation::Fork, &[at.id], |it| it.split_off(at, until))
    }

    fn split_off(&mut self, at: &SessionAt, until: Option<&str>) -> Result<SaveOutcome> {
        let stored = self.stored(&at.revision, at.id)?;
        let head = self.store.head(&stored)?;
        let native = self.new_id();
        // As capture will call it, once it is restored and its agent goes on with it.
        let id = SessionId::captured(&head.agent.name, &native);
        let origin = Origin {
            agent: head.agent.name.clone(),
            session: Some(native),
            how: How::Forked { from: at.id.to_string() },
        };
        let origin = Record::Annals(AnnalsEvent::fact(Action::Origin(origin)));
        let title = self.title_of_fork(&head);
        let stream = self.store.records(&stored)?;
        let kept = stream.derive(|stream| {
            let mut kept: Vec<Record> = view(stream, &Keys::of(stream))
                .into_iter()
                .map(|place| stream[place].clone())
                .filter(|record| !matches!(record, Record::Annals(_)))
                .collect();
            kept.iter_mut().for_each(|record| record.set_after(None));
            kept
        });
        let length = match until {
            Some(until) => position(&kept, until)? + 1,
            None => kept.len(),
        };
        let mut records = vec![Clean::stored(origin)];
        records.extend(title);
        records.extend(kept.items().take(length));
        self.save_clean(id, &records)
    }

    fn title_of_fork(&self, head: &Clean<crate::session::Head>) -> Option<Clean<Record>> {
        let title = head.title.as_ref().or(head.preview.as_ref())?;
        let title = format!("{title} (fork)");
        let bench = self.bench().ok()?;
        Some(bench.event(head, self.new_id(), self.now(), Action::Rename { title }))
    }
}

fn position(records: &[Record], until: &str) -> Result<usize> {
    let matches = |exact: bool| -> Vec<usize> {
        let is_it = |id: &str| {
            if exact { id == until } else { id.starts_with(until) }
        };
        let id = |record: &Record| record.as_message().and_then(|it| it.envelope.id.clone());
        let places = records.iter().enumerate();
        places.filter(|(_, it)| id(it).is_some_and(|id| is_it(&id))).map(|it| it.0).collect()
    };
    let exact = matches(true);
    let places = if exact.is_empty() && until.len() >= 4 { matches(false) } else { exact };
    match places.as_slice() {
        [place] => Ok(*place),
        [] => Err(Error::new(ErrorKind::NotFound, format!("there is no message {until}"))),
        _ => Err(Error::new(ErrorKind::Ambiguous, format!("several messages begin with {until}"))),
    }
}
