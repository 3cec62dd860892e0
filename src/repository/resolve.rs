//! What a person means by a name: a session, a revision.

use std::path::Path;

use chrono::Local;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::RevisionEntry;
use crate::index::parse_date;
use crate::repository::Repository;
use crate::session::Head;
use crate::session::RevisionId;
use crate::session::SessionId;

/// A session at a revision, as it was typed and resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionAt {
    /// The session.
    pub id: SessionId,
    /// The revision; the tip unless another was asked for.
    pub revision: RevisionId,
    /// Whether a revision was asked for.
    pub is_past: bool,
}

/// How many candidates an ambiguous name is told with.
const CANDIDATES: usize = 8;

impl Repository {
    /// The session that `text` means: its id, a beginning or ending of it, the agent's id, `@` for
    /// the newest, `@2` for the one before; with `@REV` behind it, where REV is a commit, `~N`
    /// saves back, or a date in braces or without (`@{yesterday 14:00}`). `here`: the folder that `@` is newest in; none: everywhere.
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub fn resolve(&mut self, text: &str, here: Option<&Path>) -> Result<SessionAt> {
        let (name, revision) = split(text);
        let id = match name.strip_prefix('@') {
            Some(number) => self.newest(number, here)?,
            None => self.only(name, false)?,
        };
        match revision {
            Some(revision) => {
                let revision = self.resolve_revision(id, revision)?;
                Ok(SessionAt { id, revision, is_past: true })
            }
            None => Ok(SessionAt { id, revision: self.newest_revision()?, is_past: false }),
        }
    }

    /// As [`Repository::resolve`], among deleted sessions too.
    pub fn resolve_deleted(&mut self, text: &str) -> Result<SessionId> {
        self.only(text, true)
    }

    /// The revision of a session that `text` means: a commit, `~N` saves back, or a date: what
    /// stood at the end of it, so that the minute that a log shows has what was saved in it.
    ///
    /// # Errors
    /// `NotFound`: there is no such revision, or the session was not in it.
    pub fn resolve_revision(&mut self, id: SessionId, text: &str) -> Result<RevisionId> {
        let missing = |what: String| Error::new(ErrorKind::NotFound, what);
        let revisions = self.index(|index| index.revisions(id))?;
        if let Some(back) = text.strip_prefix('~') {
            let back: usize = if back.is_empty() { Ok(1) } else { back.parse() }
                .map_err(|_| Error::new(ErrorKind::Invalid, format!("~{back} is no revision")))?;
            let past: Vec<_> = revisions.iter().filter(|it| it.counts.is_some()).collect();
            return past.get(back).map(|it| it.revision.clone()).ok_or_else(|| {
                let first = past.len().saturating_sub(1);
                missing(format!("session {} has no ~{back}; its first is ~{first}", id.short()))
            });
        }
        let is_hex = text.len() >= 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if is_hex && let Some(revision) = self.find_commit(&revisions, text)? {
            self.stored(&revision, id)?;
            return Ok(revision);
        }
        let date = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        let Ok((_, end)) = parse_date(date, &self.now().with_timezone(&Local)) else {
            return Err(missing(format!("there is no revision {text} of session {}", id.short())));
        };
        let at = revisions.iter().find(|entry| entry.at < end);
        at.filter(|entry| entry.counts.is_some())
            .map(|entry| entry.revision.clone())
            .ok_or_else(|| missing(format!("session {} was not there at {text}", id.short())))
    }

    /// The commit that digits stand for: one of the session's own revisions, or any on main.
    fn find_commit(&self, own: &[RevisionEntry], digits: &str) -> Result<Option<RevisionId>> {
        let digits = digits.to_ascii_lowercase();
        let mut named = own.iter().filter(|entry| entry.revision.as_str().starts_with(&digits));
        match (named.next(), named.next()) {
            // No way over main, which may be damaged, is needed to it.
            (Some(entry), None) => Ok(Some(entry.revision.clone())),
            _ => Ok(self.store.find_revision(&digits)?),
        }
    }

    fn newest(&mut self, number: &str, here: Option<&Path>) -> Result<SessionId> {
        let number: u64 = if number.is_empty() { Ok(1) } else { number.parse() }.map_err(|_| {
            Error::new(ErrorKind::Invalid, format!("@{number} is no session: @, @2, @3 … are"))
        })?;
        let found = self.index(|index| index.newest(number.max(1), here))?;
        found.ok_or_else(|| {
            let place = here.map_or(String::new(), |here| format!(" about {}", here.display()));
            let message = match number {
                0 | 1 => format!("there is no session{place}"),
                number => format!("there are no {number} sessions{place}"),
            };
            Error::new(ErrorKind::NotFound, message)
        })
    }

    fn only(&mut self, name: &str, with_deleted: bool) -> Result<SessionId> {
        let found = self.index(|index| {
            let mut found: Vec<(SessionId, Option<Head>)> = Vec::new();
            for id in index.find(name, CANDIDATES, with_deleted)? {
                found.push((id, index.summary(id)?.map(|summary| summary.head)));
            }
            Ok(found)
        })?;
        match without_subagents(found).as_slice() {
            [(id, _)] => Ok(*id),
            [] => {
                let message = match name.chars().count() {
                    0..4 => format!("no session is called {name}; give 4 characters or more"),
                    _ => format!("no session is called {name}"),
                };
                Err(Error::new(ErrorKind::NotFound, message))
            }
            several => {
                let mut message = format!("{name} may mean several sessions:");
                for (id, head) in several {
                    let title =
                        head.as_ref().and_then(|it| it.title.as_ref().or(it.preview.as_ref()));
                    message.push_str("\n  ");
                    message.push_str(&id.to_string());
                    message.push_str("  ");
                    message.push_str(title.map_or("", String::as_str));
                }
                Err(Error::new(ErrorKind::Ambiguous, message))
            }
        }
    }
}

/// A sub-agent's session goes by a name that begins with its parent's: the parent is meant.
fn without_subagents(found: Vec<(SessionId, Option<Head>)>) -> Vec<(SessionId, Option<Head>)> {
    let ids: Vec<String> = found.iter().map(|(id, _)| id.to_string()).collect();
    let parent = |head: &Option<Head>| Some(head.as_ref()?.parent.as_ref()?.session.clone());
    found.into_iter().filter(|(_, head)| parent(head).is_none_or(|it| !ids.contains(&it))).collect()
}

/// The session's name and the revision's, at the `@` between them.
fn split(text: &str) -> (&str, Option<&str>) {
    let start = usize::from(text.starts_with('@'));
    match text[start..].split_once('@') {
        Some((name, revision)) => (&text[..start + name.len()], Some(revision)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_at_the_at_sign_before_the_revision() {
        assert_eq!(split("ab12"), ("ab12", None));
        assert_eq!(split("ab12@~2"), ("ab12", Some("~2")));
        assert_eq!(split("@"), ("@", None));
        assert_eq!(split("@2"), ("@2", None));
        assert_eq!(split("@2@~1"), ("@2", Some("~1")));
        assert_eq!(split("@@2026-01-01 10:00"), ("@", Some("2026-01-01 10:00")));
        assert_eq!(split("ab12@{yesterday 14:00}"), ("ab12", Some("{yesterday 14:00}")));
    }
}
