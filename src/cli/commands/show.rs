//! `annals show`: a conversation, readable.

use std::ops::RangeInclusive;

use chrono::DateTime;
use chrono::Utc;
use clap::Args;

use crate::cli::context::Context;
use crate::cli::conversation;
use crate::cli::conversation::Detail;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::BranchesView;
use crate::cli::json::ShowView;
use crate::cli::plain::plain;
use crate::repository;
use crate::repository::SessionAt;
use crate::session::Record;
use crate::session::Session;

/// Show a conversation
///
/// A header with what is known of the session, then who said what. Tool calls, thinking and what
/// the agent put in by itself are folded to a line each. Long texts go through a pager:
/// `ANNALS_PAGER`, `output.pager` in config.toml, `PAGER`, or else `less -FRX`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals show 3f2a9c10                 by the last digits of its id
  annals show @                        the newest one of this folder
  annals show 3f2a9c10@~2              as it was two saves ago
  annals show 3f2a9c10 --tools         with all that tools were given and gave
  annals show @ --messages 10..20      only these messages
  annals show @ --tree                 where it went on in several ways
  annals show @ --branch 2             one of these")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct ShowArgs {
    /// The session, and its revision if not the latest
    #[arg(value_name = "ID[@REV]")]
    session: String,
    /// Show inputs and outputs of tools, thinking, and injected messages in full
    #[arg(long, short)]
    tools: bool,
    /// Show thinking in full
    #[arg(long)]
    thinking: bool,
    /// Print the session as YAML, with everything the store has of it
    #[arg(long, conflicts_with_all = ["tools", "thinking", "messages"])]
    raw: bool,
    /// Show only these messages, counted from 1: 7, 10..20, 10.. or ..20
    #[arg(long, short, value_name = "RANGE", value_parser = range)]
    messages: Option<RangeInclusive<u64>>,
    /// Show the branches: where it went on in several ways from one message
    #[arg(long, conflicts_with_all = ["tools", "thinking", "raw", "messages"])]
    tree: bool,
    /// Show only this branch, as --tree numbers them
    #[arg(long, value_name = "N", conflicts_with_all = ["raw", "tree"], value_parser = number)]
    branch: Option<usize>,
}

/// Runs it.
pub(crate) fn run(args: ShowArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let at = context.resolve(&mut repository, &args.session)?;
    let session = repository.load(&at)?;
    if args.tree {
        return tree(&session, &at, repository.now(), context);
    }
    let records = records(&session, args.branch)?;
    if context.output.is_json() {
        let author = repository.author(at.id)?;
        let shown = (&session, author.as_deref(), records);
        return json(shown, &at, args.messages.as_ref(), context);
    }
    if args.raw {
        let text = repository::render_session(&session);
        // Files and pipes get the session as it is; a terminal must not be steered by it.
        if context.output.is_seen() {
            context.output.page(&plain(&text))?;
        } else {
            context.output.data(&text)?;
        }
        return Ok(ExitCode::Done);
    }
    if let Some(range) = &args.messages {
        check(range, conversation::count(&records))?;
    }
    let detail = Detail { tools: args.tools, thinking: args.thinking, messages: args.messages };
    let mut text = String::new();
    if detail.messages.is_none() {
        text += &conversation::header(
            &session.head(),
            repository.author(at.id)?.as_deref(),
            context.look(),
        );
        text += "\n";
    }
    text += &conversation::conversation(&records, &detail, context.look());
    context.output.page(&text)?;
    Ok(ExitCode::Done)
}

/// The records in view, or those of one branch.
fn records(session: &Session, branch: Option<usize>) -> Result<Vec<&Record>> {
    let Some(number) = branch else { return Ok(session.view().collect()) };
    let branches = session.branches();
    if number > branches.ends.len() {
        let has = match branches.ends.len() {
            1 => "no branches".to_owned(),
            count => format!("{count} branches"),
        };
        return Err(Failure::Usage(format!("There is no branch {number}: the session has {has}.")));
    }
    Ok(branches.path(number - 1).into_iter().map(|place| &session.records[place]).collect())
}

fn tree(
    session: &Session,
    at: &SessionAt,
    now: DateTime<Utc>,
    context: &mut Context,
) -> Result<ExitCode> {
    if context.output.is_json() {
        let (common, branches) = conversation::branches(session);
        context.output.json(&BranchesView::of(session.id, &at.revision, (common, &branches)))?;
        return Ok(ExitCode::Done);
    }
    let text = conversation::tree(session, now, context.look());
    context.output.page(&text)?;
    Ok(ExitCode::Done)
}

/// The number of a branch.
pub(super) fn number(text: &str) -> std::result::Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "a branch is a number from 1 on".to_owned())
}

fn json(
    (session, author, records): (&Session, Option<&str>, Vec<&Record>),
    at: &SessionAt,
    range: Option<&RangeInclusive<u64>>,
    context: &mut Context,
) -> Result<ExitCode> {
    let (messages, events): (Vec<&Record>, Vec<&Record>) =
        records.into_iter().partition(|it| it.as_message().is_some());
    if let Some(range) = range {
        check(range, messages.len() as u64)?;
    }
    let numbered = (1..).zip(messages);
    let messages = numbered
        .filter(|(number, _)| range.is_none_or(|range| range.contains(number)))
        .map(|(_, record)| repository::record_to_value(record))
        .collect();
    let events = events.into_iter().map(repository::record_to_value).collect();
    let head = session.head();
    context.output.json(&ShowView::of((&head, author), &at.revision, messages, events))?;
    Ok(ExitCode::Done)
}

/// Refuses a range that lies behind the last message.
fn check(range: &RangeInclusive<u64>, count: u64) -> Result<()> {
    if *range.start() > count {
        return Err(Failure::Usage(format!(
            "The session has {count} messages; --messages {} begins behind them.",
            range.start()
        )));
    }
    Ok(())
}

/// Reads `7`, `10..20`, `10..` or `..20`; both ends are meant.
fn range(text: &str) -> std::result::Result<RangeInclusive<u64>, String> {
    let number = |text: &str, default: u64| match text {
        "" => Some(default),
        text => text.parse().ok().filter(|number| *number > 0),
    };
    let parsed = match text.split_once("..") {
        Some((from, to)) => number(from, 1).zip(number(to, u64::MAX)),
        None => text.parse().ok().filter(|it| *it > 0).map(|it| (it, it)),
    };
    match parsed {
        Some((first, last)) if first <= last => Ok(first..=last),
        _ => Err("a range is a number from 1 on, or two with `..` between, as 10..20".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_both_ends() {
        assert_eq!(range("7"), Ok(7..=7));
        assert_eq!(range("10..20"), Ok(10..=20));
        assert_eq!(range("10.."), Ok(10..=u64::MAX));
        assert_eq!(range("..20"), Ok(1..=20));
        for text in ["", "0", "0..3", "20..10", "a..b", "-1", "1...3"] {
            assert!(range(text).is_err(), "{text}");
        }
        assert!(check(&(3..=9), 2).is_err());
        assert!(check(&(2..=9), 2).is_ok());
    }
}
