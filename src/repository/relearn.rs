//! What the agents' own files still give away about sessions that are stored.
//!
//! A value that was first plain, and only later stood beside a name that makes a secret of it, is
//! nowhere in the store beside that name: only the places of findings are kept, and only the
//! agent's file has the value there.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::adapters;
use crate::adapters::Span;
use crate::error::Result;
use crate::index::Sources;
use crate::redact::KnownSecrets;
use crate::redact::Redactor;
use crate::repository::Repository;
use crate::session::SessionId;

impl Repository {
    /// The secrets of sessions, learnt again from the places in the agents' files where they were
    /// found. A file that cannot be read, or is gone, gives none.
    pub(super) fn relearn(&self) -> Result<HashMap<SessionId, KnownSecrets>> {
        let mut secrets: HashMap<SessionId, KnownSecrets> = HashMap::new();
        let mut sources = Sources::open(&self.store.private_folder())?;
        for adapter in adapters::all() {
            for file in adapter.find(&self.agent_folder(*adapter, None)).files {
                let Some(state) = sources.find(&file.path)? else { continue };
                let span = |&(start, end): &(u64, u64)| Span { start, end };
                let spans: Vec<Span> = state.findings.iter().map(span).collect();
                if spans.is_empty() {
                    continue;
                }
                let mut redactor = Redactor::new(self.rules()?);
                let read = adapter.read_spans(&file.path, &spans, &mut |item| {
                    redactor.record(item.record);
                    ControlFlow::Continue(())
                });
                if read.is_ok() {
                    secrets.entry(state.session).or_default().add_all(redactor.secrets());
                }
            }
        }
        Ok(secrets)
    }
}
