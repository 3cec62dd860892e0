//! Lists of sessions.

use crate::error::Result;
use crate::index::Filter;
use crate::index::Page;
use crate::index::SortKey;
use crate::index::Summary;
use crate::repository::Repository;

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
        let (sessions, total) = self.index(|index| index.list(filter, sort, is_reversed, page))?;
        Ok(Listing { total, sessions })
    }
}
