//! A numbered list, page by page, and a question: what a screen reader reads well, and any terminal
//! can show.

use crate::cli::context::Context;
use crate::cli::exit::Result;
use crate::cli::listing::ListLook;
use crate::cli::listing::listing;
use crate::cli::picker::Choice;
use crate::cli::picker::PickerOptions;
use crate::cli::picker::nothing;
use crate::repository::Page;
use crate::repository::Repository;
use crate::repository::Summary;

/// How many sessions are shown at once.
const PAGE: u64 = 15;

/// Lets a session be chosen by its number.
pub(super) fn choose(
    options: &PickerOptions,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<Choice> {
    let mut shown: Vec<Summary> = Vec::new();
    let mut total = show_more(options, &mut shown, repository, context)?;
    if shown.is_empty() {
        return nothing(options, repository, context);
    }
    loop {
        let has_more = (shown.len() as u64) < total;
        let more = if has_more { ", + for more" } else { "" };
        let question = format!("Resume which one? (number{more}, Enter for none)");
        let answer = context.output.ask(&question)?.unwrap_or_default();
        if answer.is_empty() {
            return Ok(Choice::Cancelled);
        }
        if answer == "+" && has_more {
            total = show_more(options, &mut shown, repository, context)?;
            continue;
        }
        let place = answer.parse::<usize>().ok().and_then(|it| it.checked_sub(1));
        if let Some(row) = place.and_then(|place| shown.get(place)) {
            return Ok(Choice::Session { id: row.head.id, agent: None, is_seen: false });
        }
        context.output.status(&format!("There are {} to choose from.", shown.len()))?;
    }
}

/// Shows the next page; returns how many sessions there are.
fn show_more(
    options: &PickerOptions,
    shown: &mut Vec<Summary>,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<u64> {
    let page = Page { offset: shown.len() as u64, limit: PAGE };
    let next = repository.list(&options.filter, options.sort, options.is_reversed, page)?;
    if !next.sessions.is_empty() {
        let look = ListLook {
            paint: context.output.status_paint(),
            width: context.output.table_width(),
            home: &context.environment.home,
            now: repository.now(),
            first_number: Some(shown.len() + 1),
        };
        let text = listing(&next.sessions, look);
        context.output.status(text.trim_end())?;
    }
    shown.extend(next.sessions);
    Ok(next.total)
}
