//! Lists of sessions.

use crate::error::Result;
use crate::index::Filter;
use crate::index::FilterError;
use crate::index::Page;
use crate::index::SortKey;
use crate::index::Summary;
use crate::index::Unmatched;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::known_agents;
use crate::repository::observing::observed;
use crate::session::SessionId;

/// A page of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// How many sessions match.
    pub total: u64,
    /// The rows of the page.
    pub sessions: Vec<Summary>,
}

impl Repository {
    /// A page of the sessions that match.
    pub fn list(
        &mut self,
        filter: &Filter,
        sort: SortKey,
        is_reversed: bool,
        page: Page,
    ) -> Result<Listing> {
        observed(self, Operation::List, &[], |it| it.list_page(filter, sort, is_reversed, page))
    }

    fn list_page(
        &mut self,
        filter: &Filter,
        sort: SortKey,
        is_reversed: bool,
        page: Page,
    ) -> Result<Listing> {
        let (sessions, total) = self.index(|index| index.list(filter, sort, is_reversed, page))?;
        Ok(Listing { total, sessions })
    }

    /// The first of the sessions that match, without counting the others.
    pub fn first(
        &mut self,
        filter: &Filter,
        sort: SortKey,
        is_reversed: bool,
        limit: u64,
    ) -> Result<Vec<Summary>> {
        observed(self, Operation::List, &[], |it| it.list_first(filter, sort, is_reversed, limit))
    }

    fn list_first(
        &mut self,
        filter: &Filter,
        sort: SortKey,
        is_reversed: bool,
        limit: u64,
    ) -> Result<Vec<Summary>> {
        self.index(|index| index.first(filter, sort, is_reversed, limit))
    }

    /// All sessions that match, as they are now, the latest change first.
    pub fn matching(&mut self, filter: &Filter) -> Result<Vec<SessionAt>> {
        let ids = self.index(|index| index.matching(filter))?;
        let revision = self.newest_revision()?;
        let now = |id| SessionAt { id, revision: revision.clone(), is_past: false };
        Ok(ids.into_iter().map(now).collect())
    }

    /// Who saved a session first, `name <address>`; none: his git did not say.
    pub fn author(&mut self, id: SessionId) -> Result<Option<String>> {
        self.index(|index| index.author(id))
    }

    /// The values of a filter that no session has, whatever the others are: why nothing matches.
    pub fn unmatched(&mut self, filter: &Filter) -> Result<Vec<Unmatched>> {
        self.index(|index| index.unmatched(filter))
    }

    /// The first agent of a filter that annals does not know and no session is of: a slip of the
    /// finger, for there are few agents, and those that exist are known.
    pub fn unknown_agent(&mut self, filter: &Filter) -> Result<Option<FilterError>> {
        let agents = filter.agents.iter().filter(|name| !is_known(name)).cloned().collect();
        let filter = Filter { agents, ..Filter::default() };
        let unknown = self.unmatched(&filter)?.into_iter().next();
        Ok(unknown.map(|Unmatched { value, mut near, .. }| {
            near.extend(known_agents().iter().map(|it| (*it).to_owned()));
            near.sort();
            near.dedup();
            FilterError::UnknownAgent { name: value, near }
        }))
    }
}

fn is_known(name: &str) -> bool {
    let name = name.to_lowercase();
    let beginning = format!("{name}-");
    known_agents().iter().any(|known| *known == name || known.starts_with(&beginning))
}
