//! What a program offers when it starts: to go on with the session that was interrupted, or with
//! the last one. What cannot be opened is never in the way.
//!
//! A session that could not be opened is marked in `annals/startup.json` and not offered again
//! until it was opened after all. After three different ones that failed nothing is offered any
//! more: then something else is wrong, and a person should look.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::platform;
use crate::redact::Redactor;
use crate::repository::Filter;
use crate::repository::NOTES_LIMIT;
use crate::repository::Page;
use crate::repository::RecoveredSession;
use crate::repository::Repository;
use crate::repository::SortKey;
use crate::session::Head;
use crate::session::SessionId;
use crate::store::CleanText;

const FILE: &str = "startup.json";

/// After so many different sessions that could not be opened nothing is offered any more.
const FAILURES: usize = 3;

/// How many interrupted sessions are remembered.
const REMEMBERED: usize = 20;

/// How many of the latest sessions are looked at for one to offer.
const LOOKED_AT: u64 = 20;

/// What there is to go on with.
#[derive(Debug, Clone, PartialEq)]
pub enum StartOffer {
    /// A program died while it held this session; nothing of it is lost.
    Interrupted {
        /// The session.
        head: Box<Head>,
        /// How many messages came out of its journal; 0: they were saved already.
        messages: u64,
        /// The time of its last record (RFC 3339).
        at: Option<String>,
    },
    /// The session that was held last.
    Last(Box<Head>),
    /// There is none.
    Nothing,
    /// Several sessions could not be opened, so none is offered any more.
    Stopped(Vec<FailedStart>),
}

/// A session that could not be opened at a start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedStart {
    /// The session.
    pub session: SessionId,
    /// Why.
    pub reason: String,
}

/// What earlier starts came to.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Starts {
    failed: BTreeMap<String, FailedStart>,
    /// Sessions of programs that died, not offered yet: whoever opened the store next may have been
    /// another program.
    interrupted: Vec<Interrupted>,
}

/// A session whose program died.
#[derive(Debug, Serialize, Deserialize)]
struct Interrupted {
    session: SessionId,
    agent: String,
    messages: u64,
    at: Option<String>,
}

impl Interrupted {
    fn of(recovered: &RecoveredSession) -> Self {
        Self {
            session: recovered.head.id,
            agent: recovered.head.agent.name.clone(),
            messages: recovered.messages,
            at: recovered.interrupted.clone(),
        }
    }
}

impl Repository {
    /// What to offer to a program that starts. `agent`: only sessions of that agent. What was
    /// interrupted is offered as that once.
    pub fn start_offer(&mut self, agent: &str) -> Result<StartOffer> {
        let starts = self.starts();
        if starts.failed.len() >= FAILURES {
            return Ok(StartOffer::Stopped(starts.failed.into_values().collect()));
        }
        if let Some(offer) = self.interrupted_offer(agent)? {
            return Ok(offer);
        }
        let is_sound = |head: &Head| !starts.failed.contains_key(&head.id.to_string());
        let filter = Filter { agents: vec![agent.to_owned()], ..Filter::default() };
        let page = Page { offset: 0, limit: LOOKED_AT };
        let listing = self.list(&filter, SortKey::Modified, false, page)?;
        let last = listing.sessions.into_iter().map(|summary| summary.head).find(is_sound);
        Ok(last.map_or(StartOffer::Nothing, |head| StartOffer::Last(Box::new(head))))
    }

    /// The session of that agent that was interrupted last, if it was not offered yet.
    fn interrupted_offer(&mut self, agent: &str) -> Result<Option<StartOffer>> {
        let mut starts = self.starts();
        if starts.interrupted.is_empty() {
            return Ok(None);
        }
        let tip = self.store.tip()?;
        let mut offer = None;
        while let Some(at) = starts.interrupted.iter().rposition(|it| it.agent == agent) {
            let found = starts.interrupted.remove(at);
            starts.interrupted.retain(|it| it.session != found.session);
            let is_sound = !starts.failed.contains_key(&found.session.to_string());
            // One that was deleted since, or cannot be read, is none to be offered.
            let stored = self.store.session(&tip, found.session).ok().flatten();
            let head = stored.filter(|_| is_sound).and_then(|it| self.store.head(&it).ok());
            if let Some(head) = head {
                let head = Box::new(head.into_inner());
                let (messages, at) = (found.messages, found.at);
                offer = Some(StartOffer::Interrupted { head, messages, at });
                break;
            }
        }
        // Where it cannot be noted that it was offered, it is offered again.
        drop(self.keep_starts(&starts));
        Ok(offer)
    }

    /// Keeps what was interrupted for the next start of its program.
    pub(super) fn note_interrupted(&self) {
        let found: Vec<Interrupted> =
            self.recovery().sessions.iter().map(Interrupted::of).collect();
        if found.is_empty() {
            return;
        }
        let mut starts = self.starts();
        starts.interrupted.retain(|it| found.iter().all(|new| new.session != it.session));
        starts.interrupted.extend(found);
        let excess = starts.interrupted.len().saturating_sub(REMEMBERED);
        starts.interrupted.drain(..excess);
        // Where that cannot be kept the session is there all the same, and the last one is offered.
        drop(self.keep_starts(&starts));
    }

    /// Notes that a session could not be opened: it is not offered again.
    pub fn mark_failed_start(&self, session: SessionId, reason: &str) -> Result<()> {
        let mut starts = self.starts();
        let reason = Redactor::new(self.rules()?).text("reason", reason.to_owned()).into_inner();
        let failed = FailedStart { session, reason };
        starts.failed.insert(session.to_string(), failed);
        self.keep_starts(&starts)
    }

    /// Notes that a session was opened after all; with none, that a person has looked, and
    /// everything may be offered again.
    pub fn clear_failed_starts(&self, session: Option<SessionId>) -> Result<()> {
        let mut starts = self.starts();
        let before = starts.failed.len();
        starts.failed.retain(|id, _| session.is_some_and(|session| *id != session.to_string()));
        if starts.failed.len() == before { Ok(()) } else { self.keep_starts(&starts) }
    }

    /// Takes what must go out of the reasons of failed starts.
    pub(super) fn clean_starts(&self, clean: &CleanText<'_>) -> Result<()> {
        let mut starts = self.starts();
        let mut is_changed = false;
        for failed in starts.failed.values_mut() {
            if let Some(reason) = clean(failed.reason.as_bytes()) {
                failed.reason = String::from_utf8_lossy(&reason).into_owned();
                is_changed = true;
            }
        }
        if is_changed { self.keep_starts(&starts) } else { Ok(()) }
    }

    /// What earlier starts came to; nothing, where that cannot be read.
    fn starts(&self) -> Starts {
        let text = platform::read_within(&self.starts_file(), NOTES_LIMIT).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn keep_starts(&self, starts: &Starts) -> Result<()> {
        let text = serde_json::to_vec(starts).expect("ids and texts become JSON");
        platform::write_atomic(&self.starts_file(), &text).map_err(|error| {
            Error::new(ErrorKind::Io, "cannot note how this start went").because(error)
        })
    }

    fn starts_file(&self) -> PathBuf {
        self.store.private_folder().join(FILE)
    }
}
