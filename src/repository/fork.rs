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
use crate::session::Branches;
use crate::session::How;
use crate::session::Keys;
use crate::session::Origin;
use crate::session::Record;
use crate::session::SessionId;
use crate::session::places_in_view;
use crate::session::view;

/// What a fork takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkPart<'p> {
    /// All records in view, whatever their branch.
    All,
    /// The branch of that number, from 0, as [`crate::session::Branches`] counts.
    Branch(usize),
    /// What leads to a message, and that: its id, or an unambiguous beginning of it.
    UpTo(&'p str),
}

impl Repository {
    /// Makes a new session of records of another.
    ///
    /// # Errors
    /// `NotFound` or `Ambiguous`: there is no such message, or several. `Invalid`: there is no such
    /// branch.
    pub fn fork(&mut self, at: &SessionAt, part: ForkPart<'_>) -> Result<SaveOutcome> {
        observed(self, Operation::Fork, &[at.id], |it| it.split_off(at, part))
    }

    fn split_off(&mut self, at: &SessionAt, part: ForkPart<'_>) -> Result<SaveOutcome> {
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
        let places = places_of(&stream, part)?;
        let kept = stream.derive(|stream| {
            let mut kept: Vec<Record> = places.iter().map(|it| stream[*it].clone()).collect();
            kept.iter_mut().for_each(|record| record.set_after(None));
            kept
        });
        let mut records = vec![Clean::stored(origin)];
        records.extend(title);
        records.extend(kept.items());
        self.save_clean(id, &records)
    }

    fn title_of_fork(&self, head: &Clean<crate::session::Head>) -> Option<Clean<Record>> {
        let title = head.title.as_ref().or(head.preview.as_ref())?;
        let title = format!("{title} (fork)");
        let bench = self.bench().ok()?;
        Some(bench.event(head, self.new_id(), self.now(), Action::Rename { title }))
    }
}

/// The places of the records that a fork takes, without annals' own events.
fn places_of(stream: &[Record], part: ForkPart<'_>) -> Result<Vec<usize>> {
    match part {
        ForkPart::All => {
            let is_agents = |place: &usize| !matches!(stream[*place], Record::Annals(_));
            Ok(view(stream, &Keys::of(stream)).into_iter().filter(is_agents).collect())
        }
        ForkPart::Branch(branch) => branch_of(&Branches::of(stream), branch),
        ForkPart::UpTo(until) => {
            let place = position(stream, until)?;
            let branches = Branches::of(stream);
            let missing =
                || Error::new(ErrorKind::NotFound, format!("there is no message {until}"));
            let branch = branches.through(place).ok_or_else(missing)?;
            let mut places = branches.path(branch);
            let length = places.iter().position(|it| *it == place).map_or(0, |it| it + 1);
            places.truncate(length);
            Ok(places)
        }
    }
}

/// The places of a branch's records.
pub(super) fn branch_of(branches: &Branches, branch: usize) -> Result<Vec<usize>> {
    if branch < branches.ends.len() {
        return Ok(branches.path(branch));
    }
    let has = match branches.ends.len() {
        1 => "no branches".to_owned(),
        count => format!("{count} branches"),
    };
    let message = format!("there is no branch {}: the session has {has}", branch + 1);
    Err(Error::new(ErrorKind::Invalid, message))
}

fn position(records: &[Record], until: &str) -> Result<usize> {
    let matches = |exact: bool| -> Vec<usize> {
        let is_it = |id: &str| {
            if exact { id == until } else { id.starts_with(until) }
        };
        let id = |record: &Record| record.as_message().and_then(|it| it.envelope.id.clone());
        let in_view = places_in_view(records).into_iter();
        in_view.filter(|place| id(&records[*place]).is_some_and(|id| is_it(&id))).collect()
    };
    let exact = matches(true);
    let places = if exact.is_empty() && until.len() >= 4 { matches(false) } else { exact };
    match places.as_slice() {
        [place] => Ok(*place),
        [] => Err(Error::new(ErrorKind::NotFound, format!("there is no message {until}"))),
        _ => Err(Error::new(ErrorKind::Ambiguous, format!("several messages begin with {until}"))),
    }
}
