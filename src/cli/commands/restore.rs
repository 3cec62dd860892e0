//! `annals restore`: writes a session back into its agent's folder.

use std::path::PathBuf;

use clap::Args;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::RestoreView;
use crate::cli::plain::line;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository;
use crate::repository::PlaceSource;
use crate::repository::Repository;
use crate::repository::RestoreOptions;
use crate::repository::RestoreOutcome;
use crate::repository::ResumeCommand;
use crate::repository::SessionAt;
use crate::repository::WorkspaceName;

/// Write a session back into its agent's folder
///
/// Prints the command that resumes it. Where the session's folder is not on this machine, the place
/// is taken where its repository lies here (see `annals workspace`). A file that is newer, or that the agent has open, is left
/// alone unless --force is given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals restore 3f2a9c10                      for its own agent, in its own folder
  annals restore 3f2a9c10@~2 --force           as it was two saves ago, over what is there
  annals restore @ --workspace ~/src/other     as if it had been about another folder
  annals restore @ --home /tmp/h --dry-run     only say which files it would write")]
pub(crate) struct RestoreArgs {
    /// The session, and its revision if not the latest
    #[arg(value_name = "ID[@REV]")]
    session: String,
    /// The agent to write it for [default: its own]
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// Write below DIR instead of your home folder
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// The workspace it is resumed in [default: the recorded one, or where that lies here]
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Write over a newer file, or one that the agent has open
    #[arg(long, short)]
    force: bool,
    /// Write nothing, only say what would be written
    #[arg(long, short = 'n')]
    dry_run: bool,
}

/// Runs it.
pub(crate) fn run(args: RestoreArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let at = context.resolve(&mut repository, &args.session)?;
    let current = &context.environment.current;
    let options = RestoreOptions {
        agent: args.agent,
        home: args.home.map(|folder| current.join(folder)),
        workspace: args.workspace.map(|folder| current.join(folder)),
        force: args.force,
        dry_run: args.dry_run,
    };
    if context.output.can_ask() && options.home.is_none() && !options.dry_run {
        let plan = RestoreOptions { dry_run: true, ..options.clone() };
        let plan = repository.restore(&at, &plan);
        let plan = plan.map_err(|error| refused(error, &at, &repository))?;
        ask_for_place(&plan, &mut repository, context)?;
    }
    let outcome =
        repository.restore(&at, &options).map_err(|error| refused(error, &at, &repository))?;
    if context.output.is_json() {
        let view = RestoreView::of("annals.restore/1", &outcome);
        context.output.json(&view)?;
        return Ok(ExitCode::Done);
    }
    let done = if options.dry_run { "Would restore" } else { "Restored" };
    told(done, &outcome, context)?;
    let command = shell_line(&outcome.command);
    context.output.data(&format!("{command}\n"))?;
    Ok(ExitCode::Done)
}

/// What can be done where a session cannot be restored.
pub(crate) fn refused(error: Error, at: &SessionAt, repository: &Repository) -> Failure {
    let hint = match error.kind() {
        ErrorKind::Conflict => "--force writes over it.".to_owned(),
        ErrorKind::Invalid => match repository.load(at).map(|session| session.head()) {
            Ok(head) if !repository::known_agents().contains(&head.agent.name.as_str()) => {
                let id = head.id.short();
                format!(
                    "`annals export {id} --format markdown` writes it to be read, \
                     `--format json` for other programs."
                )
            }
            Ok(head) if head.workspace.root.is_none() => "--workspace DIR names one.".to_owned(),
            _ => return error.into(),
        },
        _ => return error.into(),
    };
    Failure::Hinted(error, hint.into())
}

/// Where the workspace is not here, asks for the folder, once: what is answered is noted, and found
/// from then on. Whether somebody answered.
pub(crate) fn ask_for_place(
    plan: &RestoreOutcome,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<bool> {
    let workspace = &plan.head.workspace;
    let is_open = !plan.workspace_exists && plan.place == PlaceSource::Recorded;
    let Some(root) = workspace.root.as_ref().filter(|_| is_open && context.output.can_ask()) else {
        return Ok(false);
    };
    let folder = context.path(root.as_ref());
    let (text, name) = match &workspace.repository {
        Some(name) => (
            format!("There is no folder {folder}, and {} was not seen here.", line(name)),
            WorkspaceName::Repository(name.clone()),
        ),
        None => (format!("There is no folder {folder}."), WorkspaceName::Root(root.clone())),
    };
    context.output.status(&text)?;
    let answer = context.output.ask("Where does it lie now? (a folder, Enter for none)")?;
    let Some(answer) = answer.filter(|answer| !answer.is_empty()) else {
        return Ok(false);
    };
    let folder = match answer.strip_prefix('~') {
        Some(below) if below.is_empty() || below.starts_with('/') => {
            context.environment.home.join(below.trim_start_matches('/'))
        }
        _ => PathBuf::from(&answer),
    };
    repository.map_workspace(&name, &folder).map_err(|error| {
        let hint =
            format!("`annals resume {} --workspace DIR` takes any folder.", plan.head.id.short());
        Failure::Hinted(error, hint.into())
    })?;
    Ok(true)
}

/// Says what was written, and what to know before resuming.
pub(crate) fn told(done: &str, outcome: &RestoreOutcome, context: &mut Context) -> Result<()> {
    let name = context.named(&outcome.head);
    let mut lines = vec![format!("{done} {name} to")];
    let files = outcome.files.iter();
    lines.extend(files.map(|file| format!("  {}", context.path(file))));
    context.output.status(&lines.join("\n"))?;
    let root = outcome.head.workspace.root.as_deref().map(|root| context.path(root.as_ref()));
    let folder = context.path(&outcome.command.folder);
    let found = match (outcome.place, root, &outcome.head.workspace.repository) {
        (PlaceSource::Repository, Some(root), Some(name)) => {
            Some(format!("{root} is not here; {} lies in {folder}", line(name)))
        }
        (PlaceSource::Moved, Some(root), _) => {
            Some(format!("{root} is not here; it is {folder} now"))
        }
        _ => None,
    };
    found.map_or(Ok(()), |text| context.output.status(&text))?;
    for notice in &outcome.notices {
        context.output.warning(notice)?;
    }
    if outcome.redacted > 0 {
        let texts = brief::count(outcome.redacted, "text");
        let text = format!("{texts} in it had secrets, which stay redacted.");
        context.output.status(&text)?;
    }
    if !outcome.workspace_exists {
        let text = format!("There is no folder {folder}; --workspace DIR names another.");
        context.output.warning(&text)?;
    }
    for file in &outcome.missing_files {
        let text = format!("A file that it refers to is not there: {}", line(file));
        context.output.warning(&text)?;
    }
    Ok(())
}

/// The command as a shell takes it.
pub(crate) fn shell_line(command: &ResumeCommand) -> String {
    let folder = quoted(&command.folder.to_string_lossy());
    let words = std::iter::once(&command.program).chain(&command.arguments);
    let words: Vec<String> = words.map(|word| quoted(word)).collect();
    format!("cd {folder} && {}", words.join(" "))
}

/// A word that a POSIX shell takes as it is. What a terminal would take for a command of its own
/// is written in the shell's escapes.
pub(crate) fn quoted(word: &str) -> String {
    let is_simple = |c: char| c.is_ascii_alphanumeric() || "/._-=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_simple) {
        return word.to_owned();
    }
    if crate::cli::plain::plain(word) == word && !word.contains(['\n', '\t']) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let mut text = String::from("$'");
    for character in word.chars() {
        let shown = character.to_string();
        let is_visible = crate::cli::plain::plain(&shown) == shown;
        match character {
            '\'' | '\\' => text.extend(['\\', character]),
            character if is_visible && !character.is_control() => text.push(character),
            _ => text.extend(shown.bytes().map(|byte| format!("\\x{byte:02x}"))),
        }
    }
    text + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_safe_to_paste() {
        let line = |folder: &str, argument: &str| {
            shell_line(&ResumeCommand {
                program: "claude".to_owned(),
                arguments: vec!["--resume".to_owned(), argument.to_owned()],
                folder: PathBuf::from(folder),
            })
        };
        assert_eq!(line("/src/shop", "abc"), "cd /src/shop && claude --resume abc");
        assert_eq!(
            line("/my src/$(rm)", "it's"),
            r"cd '/my src/$(rm)' && claude --resume 'it'\''s'"
        );
        assert_eq!(line("/x", ""), "cd /x && claude --resume ''");
        assert_eq!(
            line("/a\u{1b}[2J\nb'\\", "\u{202e}x"),
            r"cd $'/a\x1b[2J\x0ab\'\\' && claude --resume $'\xe2\x80\xaex'"
        );
    }
}
