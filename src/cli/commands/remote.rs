//! `annals remote`: which other repositories hold this store too.

use clap::Args;
use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::RemotesView;
use crate::repository::Remote;
use crate::repository::Repository;

/// Say which repositories this store is synced with
///
/// A remote is any git repository: an empty one on a server or on a disk will do. It is reached as
/// git reaches it, with your ssh settings and credential helpers. Addresses: https, ssh, a path, or
/// `gcrypt::` before one of them, for a remote that nobody else can read (needs git-remote-gcrypt).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals remote add origin git@example.org:me/annals.git
  annals remote add disk /media/stick/annals.git
  annals remote test origin
  annals sync")]
pub(crate) struct RemoteArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

/// What to do with remotes.
#[derive(Debug, Subcommand)]
enum Action {
    /// Add one
    Add {
        /// What to call it
        name: String,
        /// Where it is
        url: String,
    },
    /// List them
    List,
    /// Remove one; what was synced stays, here and there
    Remove {
        /// Its name
        name: String,
    },
    /// Ask one whether it can be reached
    Test {
        /// Its name
        name: String,
    },
}

/// Runs it.
pub(crate) fn run(args: &RemoteArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    match args.action.as_ref().unwrap_or(&Action::List) {
        Action::Add { name, url } => {
            let remote = repository.add_remote(name, url)?;
            let said = format!("Added the remote {name} at {}", remote.address);
            tell(&[remote], &said, &format!("To sync with it: annals sync {name}"), context)?;
        }
        Action::Remove { name } => {
            let remote = repository.remove_remote(name)?;
            let hint = format!("To add it again: annals remote add {name} {}", remote.address);
            tell(&[remote], &format!("Removed the remote {name}."), &hint, context)?;
        }
        Action::Test { name } => test(&repository, name, context)?,
        Action::List => {
            let remotes = repository.remotes()?;
            if context.output.is_json() {
                context.output.json(&RemotesView::of(&remotes))?;
            } else if remotes.is_empty() {
                context.output.status("There is no remote.")?;
                context.output.hint("To add one: annals remote add NAME URL")?;
            }
            let row = |it: &Remote| format!("{}  {}\n", it.name, it.address);
            let rows: String = remotes.iter().map(row).collect();
            if !context.output.is_json() {
                context.output.data(&rows)?;
            }
        }
    }
    Ok(ExitCode::Done)
}

fn tell(remotes: &[Remote], said: &str, hint: &str, context: &mut Context) -> Result<()> {
    if context.output.is_json() {
        return context.output.json(&RemotesView::of(remotes));
    }
    context.output.status(said)?;
    context.output.hint(hint)
}

fn test(repository: &Repository, name: &str, context: &mut Context) -> Result<()> {
    let (remote, tip) = repository.test_remote(name)?;
    if context.output.is_json() {
        return context.output.json(&RemotesView::tested(&remote, tip.as_ref()));
    }
    let has =
        tip.map_or_else(|| "it is empty.".to_owned(), |tip| format!("its main is {}", tip.short()));
    context.output.status(&format!("The remote {name} answers; {has}"))
}
