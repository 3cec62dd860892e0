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
use crate::repository::Page;
use crate::repository::Repository;
use crate::repository::SortKey;
use crate::session::Head;
use crate::session::SessionId;
use crate::store::CleanText;

const FILE: &str = "startup.json";

/// After so many different sessions that could not be opened nothing is offered any more.
const FAILURES: usize = 3;

/// How many of the latest sessions are looked at for one to offer.
const LOOKED_AT: u64 = 20;

/// What there is to go on with.
#[derive(Debug, Clone, PartialEq)]
pub enum StartOffer {
    /// A program died while it held this session; nothing of it is lost.
    Interrupted {
        /// The session.
        head: Box<Head>,
        /// How many messages came out of its journal.
        messages: u64,
        /// The time of the last one (RFC 3339).
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
struct Starts {
    failed: BTreeMap<String, FailedStart>,
}

impl Repository {
    /// What to offer to a program that starts. `agent`: only sessions of that agent.
    pub fn start_offer(&mut self, agent: &str) -> Result<StartOffer> {
        let starts = self.starts();
        if starts.failed.len() >= FAILURES {
            return Ok(StartOffer::Stopped(starts.failed.into_values().collect()));
        }
        let is_sound = |head: &Head| !starts.failed.contains_key(&head.id.to_string());
        let interrupted = self.recovery().sessions.iter().rev();
        let mut interrupted = interrupted.filter(|it| it.head.agent.name == agent);
        if let Some(found) = interrupted.find(|session| is_sound(&session.head)) {
            return Ok(StartOffer::Interrupted {
                head: Box::new(found.head.clone()),
                messages: found.messages,
                at: found.interrupted.clone(),
            });
        }
        let filter = Filter { agents: vec![agent.to_owned()], ..Filter::default() };
        let page = Page { offset: 0, limit: LOOKED_AT };
        let listing = self.list(&filter, SortKey::Modified, false, page)?;
        let last = listing.sessions.into_iter().map(|summary| summary.head).find(is_sound);
        Ok(last.map_or(StartOffer::Nothing, |head| StartOffer::Last(Box::new(head))))
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
        let text = std::fs::read(self.starts_file()).unwrap_or_default();
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
