//! `annals workspace`: where the workspaces of sessions lie on this machine.

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::ForgottenView;
use crate::cli::json::MappedView;
use crate::cli::json::WorkspacesView;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::cli::table;
use crate::cli::table::Column;
use crate::cli::table::Layout;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository::Repository;
use crate::repository::WorkspaceEntry;
use crate::repository::WorkspaceName;

/// Say where workspaces lie on this machine
///
/// A session knows the folder that it was held in and the git repository there, by its remote's URL
/// or its first commit. Where that folder is not on this machine, because the session comes from
/// another one or the folder was moved, `resume` and `restore` go where the repository lies here.
/// That is learnt by itself from `capture`, and from `--workspace`; `map` says it, `forget` takes it
/// back. It stays on this machine, in the file `annals/machine.toml` of the store.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals workspace list
  annals workspace map github.com/kim/shop ~/src/shop    this repository lies there
  annals workspace map /Users/kim/notes ~/notes          that folder, with all below it, is here
  annals workspace forget github.com/kim/shop")]
pub(crate) struct WorkspaceArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what sessions are about, and where that lies
    ///
    /// HERE is where it lies on this machine, what was seen last first; ELSEWHERE are folders that
    /// sessions have recorded and that are not here.
    #[command(after_help = "\
Examples:
  annals workspace list
  annals --json workspace list | jq '.workspaces[] | select(.places == [])'")]
    List,
    /// Say where one lies
    ///
    /// The folder of a repository must be that repository. A folder that sessions have recorded, and
    /// that is not there, may lie anywhere.
    #[command(after_help = "\
Examples:
  annals workspace map github.com/kim/shop ~/src/shop
  annals workspace map shop .                            its last part is enough, if it is the only one
  annals workspace map /Users/kim/notes ~/notes")]
    Map(MapArgs),
    /// Forget where one lies
    #[command(after_help = "\
Examples:
  annals workspace forget shop
  annals workspace forget /Users/kim/notes")]
    Forget(ForgetArgs),
}

#[derive(Debug, Args)]
struct MapArgs {
    /// A repository, as `workspace list` has it, or a folder that sessions have recorded
    #[arg(value_name = "IDENTITY|OLD_ROOT")]
    workspace: String,
    /// The folder on this machine
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

#[derive(Debug, Args)]
struct ForgetArgs {
    /// A repository, as `workspace list` has it, or a folder
    #[arg(value_name = "IDENTITY|OLD_ROOT")]
    workspace: String,
}

/// Runs it.
pub(crate) fn run(args: WorkspaceArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    match args.action {
        Action::List => list(&mut repository, context),
        Action::Map(args) => map(&args, &mut repository, context),
        Action::Forget(args) => forget(&args, &mut repository, context),
    }
}

fn list(repository: &mut Repository, context: &mut Context) -> Result<ExitCode> {
    let listing = repository.workspaces()?;
    if context.output.is_json() {
        context.output.json(&WorkspacesView::of(&listing))?;
        return Ok(ExitCode::Done);
    }
    for fault in &listing.faults {
        context.output.warning(&format!("This is passed over: {fault}"))?;
    }
    if listing.workspaces.is_empty() {
        context.output.hint("No session is about a workspace yet.")?;
        return Ok(ExitCode::Done);
    }
    let rows: Vec<_> = listing.workspaces.iter().flat_map(|entry| rows(entry, context)).collect();
    let (width, paint) = (context.output.table_width(), context.output.paint());
    context.output.page(&table::render(&columns(), &rows, width, paint))?;
    Ok(ExitCode::Done)
}

fn columns() -> [Column; 4] {
    let path = |header| Column { layout: Layout::End, least: 12, ..Column::new(header) };
    [
        Column { style: |paint: Paint, text: &str| paint.id(text), ..path("WORKSPACE") },
        Column::number("SESSIONS"),
        path("HERE"),
        Column { dispensable: 1, ..path("ELSEWHERE") },
    ]
}

/// A row for each place, here or elsewhere; the first says what it is.
fn rows(entry: &WorkspaceEntry, context: &Context) -> Vec<Vec<String>> {
    let count = entry.places.len().max(entry.elsewhere.len()).max(1);
    let row = |index: usize| {
        let here = entry.places.get(index).map(|place| {
            let gone = if place.exists { "" } else { " (gone)" };
            format!("{}{gone}", context.path(&place.folder))
        });
        let here = here.or_else(|| (index == 0).then(|| "–".to_owned()));
        let elsewhere = entry.elsewhere.get(index).map(|root| context.path(root.as_ref()));
        let (name, sessions) = match index {
            0 => (shown(&entry.name, context), entry.sessions.to_string()),
            _ => (String::new(), String::new()),
        };
        vec![name, sessions, here.unwrap_or_default(), elsewhere.unwrap_or_default()]
    };
    (0..count).map(row).collect()
}

fn shown(name: &WorkspaceName, context: &Context) -> String {
    match name {
        WorkspaceName::Repository(name) => line(name),
        WorkspaceName::Root(root) => context.path(root.as_ref()),
    }
}

fn map(args: &MapArgs, repository: &mut Repository, context: &mut Context) -> Result<ExitCode> {
    let name = named(&args.workspace, repository, context)?;
    let mapped = repository.map_workspace(&name, &args.folder).map_err(|error| {
        let is_other = matches!(name, WorkspaceName::Repository(_));
        match error.kind() {
            ErrorKind::Invalid if is_other => {
                let hint = "`annals workspace map OLD_ROOT DIR` maps a folder that sessions have \
                    recorded, whatever lies in DIR.";
                Failure::Hinted(error, hint.into())
            }
            ErrorKind::NotFound => Failure::Hinted(error, "DIR must be there already.".into()),
            _ => error.into(),
        }
    })?;
    if context.output.is_json() {
        context.output.json(&MappedView::of(&mapped))?;
        return Ok(ExitCode::Done);
    }
    let (name, folder) = (shown(&mapped.name, context), context.path(&mapped.folder));
    let whose = match mapped.sessions {
        0 => "no session is about it yet".to_owned(),
        1 => "1 session is about it".to_owned(),
        many => format!("{many} sessions are about it"),
    };
    context.output.status(&format!("{name} lies in {folder} here; {whose}."))?;
    Ok(ExitCode::Done)
}

fn forget(
    args: &ForgetArgs,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<ExitCode> {
    let name = named(&args.workspace, repository, context)?;
    if !repository.forget_workspace(&name)? {
        let message = format!("nothing is noted of {name}");
        let error = Error::new(ErrorKind::NotFound, message);
        return Err(Failure::Hinted(error, LIST.into()));
    }
    if context.output.is_json() {
        context.output.json(&ForgottenView::of(&name))?;
        return Ok(ExitCode::Done);
    }
    let text = format!("Forgot where {} lies.", shown(&name, context));
    context.output.status(&text)?;
    Ok(ExitCode::Done)
}

/// What to do where a workspace is not known.
const LIST: &str = "`annals workspace list` shows what sessions are about, and what is noted.";

/// The workspace that was typed.
fn named(text: &str, repository: &mut Repository, context: &Context) -> Result<WorkspaceName> {
    let named = repository.workspace_named(text, &context.environment.current);
    named.map_err(|error| match error.kind() {
        ErrorKind::Ambiguous => {
            Failure::Hinted(error, "Give more of its name, from the end.".into())
        }
        ErrorKind::Invalid => Failure::Hinted(error, LIST.into()),
        _ => error.into(),
    })
}
