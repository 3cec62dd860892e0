//! Searching the text of sessions.

use crate::error::Result;
use crate::index::Filter;
use crate::index::Found;
use crate::index::Page;
use crate::index::Query;
use crate::index::SearchOptions;
use crate::index::SortKey;
use crate::repository::Listing;
use crate::repository::Operation;
use crate::repository::Progress;
use crate::repository::Repository;
use crate::repository::observing::observed;

impl Repository {
    /// The sessions that match, best first. What the full text lacks is taken in first: that is
    /// long once only, goes on where it was interrupted, and costs little when nothing is new.
    /// The filters that stand in the query are the caller's: they belong into the options.
    pub fn search(
        &mut self,
        query: &Query,
        options: &SearchOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Found> {
        observed(self, Operation::Search, &[], |it| it.find_text(query, options, progress))
    }

    fn find_text(
        &mut self,
        query: &Query,
        options: &SearchOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Found> {
        self.catch_up_texts(progress)?;
        match self.index.search(&self.store, query, options) {
            Err(error) if error.is_damage() => {
                self.rebuild_index()?;
                self.catch_up_texts(progress)?;
                Ok(self.index.search(&self.store, query, options)?)
            }
            found => Ok(found?),
        }
    }

    /// A page of the sessions that the filter leaves and whose text matches.
    pub fn list_matching(
        &mut self,
        query: &Query,
        filter: &Filter,
        sort: (SortKey, bool),
        page: Page,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Listing> {
        observed(self, Operation::List, &[], |it| {
            it.catch_up_texts(progress)?;
            let listed = it.index.list_matching(&it.store, query, filter, sort, page)?;
            Ok(Listing { sessions: listed.0, total: listed.1 })
        })
    }

    fn catch_up_texts(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.follow_main()?;
        let mut told = |done, total| progress(Progress { unit: "sessions indexed", done, total });
        Ok(self.index.refresh_texts(&self.store, &mut told)?)
    }
}
