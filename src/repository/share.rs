//! Sharing: sessions as a bundle for others.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::exchange::Package;
use crate::exchange::ShareError;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::export;
use crate::repository::observing::ids;
use crate::repository::observing::observed;
use crate::repository::profile_of;
use crate::session::Head;
use crate::session::Session;
use crate::session::SessionId;

pub use crate::exchange::ShareChoice;

/// A bundle that may be handed on: every value that must not leave was looked for in its bytes.
#[derive(Debug)]
pub struct SharedBundle {
    /// The sessions in it, as others will see them.
    pub sessions: Vec<Head>,
    /// The sessions of this store that they were made of, in the same order.
    pub sources: Vec<SessionId>,
    /// What was taken out, and how often, by kind.
    pub removed: BTreeMap<String, u64>,
    /// The bundle.
    pub bytes: Vec<u8>,
}

impl Repository {
    /// Makes a bundle of sessions and all their sub-agents'. Nothing is written.
    ///
    /// # Errors
    /// `Denied`: something that must not leave was still in the finished bundle. `Invalid`: the
    /// sessions are too large for one.
    pub fn share(&mut self, sessions: &[SessionAt], choice: ShareChoice) -> Result<SharedBundle> {
        observed(self, Operation::Share, &ids(sessions), |it| it.make_bundle(sessions, choice))
    }

    fn make_bundle(&mut self, sessions: &[SessionAt], choice: ShareChoice) -> Result<SharedBundle> {
        let sessions = self.load_with_subagents(sessions)?;
        let sources = sessions.iter().map(|session| session.id).collect();
        let profile = profile_of(&self.environment);
        let package =
            Package::new(&sessions, &profile, self.rules()?, choice).map_err(|it| failed(&it))?;
        let bytes = package.render().map_err(|it| failed(&it))?;
        let (heads, removed) = (package.heads().cloned().collect(), package.removed().clone());
        Ok(SharedBundle { sessions: heads, sources, removed, bytes })
    }

    /// The sessions, each followed by those that it started, none twice.
    fn load_with_subagents(&mut self, sessions: &[SessionAt]) -> Result<Vec<Session>> {
        let mut left: Vec<SessionAt> = sessions.iter().rev().cloned().collect();
        let mut all: Vec<Session> = Vec::new();
        while let Some(at) = left.pop() {
            if all.iter().any(|session| session.id == at.id) {
                continue;
            }
            all.push(self.load(&at)?);
            for id in self.index(|index| index.subagents(at.id))?.into_iter().rev() {
                if self.find_stored(&at.revision, id)?.is_some() {
                    left.push(SessionAt { id, ..at.clone() });
                }
            }
        }
        Ok(parents_first(all))
    }
}

/// One that was asked for by itself may stand before the one that started it.
fn parents_first(mut left: Vec<Session>) -> Vec<Session> {
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |session: &Session| {
            let parent = session.head().parent.map(|parent| parent.session);
            left.iter().any(|other| parent.as_deref() == Some(&other.id.to_string()))
        };
        // Sessions that name each other in a circle go as they come.
        let next = left.iter().position(|session| !waits(session)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

impl SharedBundle {
    /// What a file with the bundle is called.
    pub fn file_name(&self) -> PathBuf {
        let head = self.sessions.first();
        let title = head.and_then(|head| head.title.as_deref().or(head.preview.as_deref()));
        let slug = export::slug(title.unwrap_or_default());
        let id = head.map(|head| head.id.short()).unwrap_or_default();
        let parts: Vec<String> = [slug, id].into_iter().filter(|part| !part.is_empty()).collect();
        PathBuf::from(format!("{}.bundle", parts.join("-")))
    }

    /// Writes the bundle to a file that only its owner may read, whole or not at all.
    ///
    /// # Errors
    /// `Conflict`: something is there already.
    pub fn write(&self, path: &Path, force: bool) -> Result<()> {
        export::check(path, force)?;
        export::write(path, &self.bytes, force)
    }
}

fn failed(error: &ShareError) -> Error {
    let kind = match error {
        ShareError::Rules(_) => ErrorKind::Internal,
        ShareError::Bundle(_) => ErrorKind::Invalid,
        ShareError::Leak { .. } => ErrorKind::Denied,
    };
    Error::new(kind, error.to_string())
}
