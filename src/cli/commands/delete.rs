//! `annals delete`: takes sessions out of the store's tip.

use clap::Args;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::DeleteView;
use crate::repository::Repository;
use crate::session::SessionId;

/// Delete sessions
///
/// They leave the list, and capture does not bring them back unless the agent writes more. History
/// keeps them, and `annals undelete` takes them out of there. Asks first; without a terminal, --yes
/// is needed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals delete 3f2a9c10
  annals delete 3f2a9c10 77aa01be --yes
  annals undelete 3f2a9c10                 bring it back")]
pub(crate) struct DeleteArgs {
    /// The sessions
    #[arg(value_name = "ID", required = true)]
    sessions: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Runs it.
pub(crate) fn run(args: &DeleteArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let mut ids: Vec<SessionId> = Vec::new();
    for text in &args.sessions {
        let at = context.resolve(&mut repository, text)?;
        if at.is_past {
            let text = format!("`{text}` names a revision; delete takes whole sessions.");
            return Err(Failure::Usage(text));
        }
        if !ids.contains(&at.id) {
            ids.push(at.id);
        }
    }
    if !args.yes && !is_confirmed(&mut repository, &ids, context)? {
        return Err(Failure::Declined("Nothing was deleted.".to_owned()));
    }
    let outcome = repository.delete(&ids)?;
    if context.output.is_json() {
        context.output.json(&DeleteView::of(&outcome))?;
        return Ok(ExitCode::Done);
    }
    for head in &outcome.deleted {
        let name = context.named(head);
        context.output.status(&format!("Deleted {name}"))?;
    }
    let ids: Vec<String> = ids.iter().map(SessionId::short).collect();
    let hint = format!("To bring one back: annals undelete {}", ids[0]);
    context.output.hint(&hint)?;
    Ok(ExitCode::Done)
}

fn is_confirmed(
    repository: &mut Repository,
    ids: &[SessionId],
    context: &mut Context,
) -> Result<bool> {
    if !context.output.can_ask() {
        let text = "Nothing was deleted: without a terminal, `annals delete` needs --yes.";
        return Err(Failure::Declined(text.to_owned()));
    }
    for id in ids {
        let at = context.resolve(repository, &id.to_string())?;
        let head = repository.load(&at)?.head();
        let (name, size) = (context.named(&head), brief::count(head.counts.messages, "message"));
        context.output.status(&format!("  {name}  {size}"))?;
    }
    let question = match ids.len() {
        1 => "Delete it, and its sub-agents' sessions? [y/N]".to_owned(),
        many => format!("Delete these {many}, and their sub-agents' sessions? [y/N]"),
    };
    context.output.is_confirmed(&question)
}
