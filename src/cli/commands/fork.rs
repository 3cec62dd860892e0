//! `annals fork`: begins a new session from the messages of another.

use clap::Args;

use crate::cli::commands::show::number;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::repository::EditOutcome;
use crate::repository::ForkPart;
use crate::session::Record;
use crate::session::Session;

/// Begin a new session from the messages of another
///
/// The new one has an id of its own and says where it comes from; the other one stays as it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals fork 3f2a9c10               all of it
  annals fork 3f2a9c10 --at 12       up to and with the 12th message, as `annals show` counts
  annals fork 3f2a9c10 --branch 2    one branch, as `annals show --tree` counts
  annals fork 3f2a9c10@~1            as it was before the last save")]
pub(crate) struct ForkArgs {
    /// The session, and its revision if not the latest
    #[arg(value_name = "ID[@REV]")]
    session: String,
    /// The last message to take: its number, or its id [default: all]
    #[arg(long, value_name = "MESSAGE")]
    at: Option<String>,
    /// Take only this branch, as `annals show --tree` numbers them
    #[arg(long, value_name = "N", conflicts_with = "at", value_parser = number)]
    branch: Option<usize>,
}

/// Runs it.
pub(crate) fn run(args: &ForkArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let at = context.resolve(&mut repository, &args.session)?;
    let until = match &args.at {
        Some(text) => Some(message_id(&repository.load(&at)?, text)?),
        None => None,
    };
    let part = match (&until, args.branch) {
        (Some(until), _) => ForkPart::UpTo(until),
        (None, Some(number)) => ForkPart::Branch(number - 1),
        (None, None) => ForkPart::All,
    };
    let outcome = repository.fork(&at, part)?;
    let outcome = EditOutcome { head: outcome.head, revision: outcome.revision };
    let done = format!("Forked {} into", at.id.short());
    context.edited("annals.fork/1", &done, &outcome)
}

/// The id of the message that was typed as a number, or as an id.
fn message_id(session: &Session, text: &str) -> Result<String> {
    // An agent's id may be all digits; a number that long counts nothing.
    let number = text.parse::<usize>().ok().filter(|_| text.len() < 8);
    let Some(number) = number else {
        return Ok(text.to_owned());
    };
    let messages: Vec<&Record> = session.view().filter(|it| it.as_message().is_some()).collect();
    let message = number.checked_sub(1).and_then(|place| messages.get(place));
    let Some(message) = message else {
        let count = messages.len();
        let text = format!("There is no message {number}: the session has {count}.");
        return Err(Failure::Usage(text));
    };
    match message.envelope().and_then(|it| it.id.clone()) {
        Some(id) => Ok(id),
        None => Err(Failure::Usage(format!(
            "Message {number} has no id of its agent's, so a fork cannot end there."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    #[test]
    fn a_message_is_typed_as_number_or_id() {
        let mut first = samples::message("user", 0, vec![samples::text("hello")]);
        first.envelope.id = Some("m-1".to_owned());
        let session = Session {
            id: samples::id(),
            records: vec![Record::Message(first), samples::user("no id")],
        };
        assert_eq!(message_id(&session, "1").expect("an id"), "m-1");
        assert_eq!(message_id(&session, "m-7").expect("an id"), "m-7");
        for bad in ["0", "2", "3"] {
            assert!(message_id(&session, bad).is_err(), "{bad}");
        }
    }
}
