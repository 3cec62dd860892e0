//! `annals export`: sessions as files in other forms.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;

use crate::cli::brief;
use crate::cli::commands::share;
use crate::cli::commands::share::Way;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::filters::FilterArgs;
use crate::cli::filters::why_nothing;
use crate::cli::json::ExportView;
use crate::cli::plain::plain;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository::ExportFormat;
use crate::repository::ExportOptions;
use crate::repository::ExportTarget;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::ShareChoice;

/// Write sessions as files to read, keep or pass on
///
/// Markdown and HTML hold the conversation as `annals show --tools` tells it; the HTML is one file
/// without scripts that loads nothing. JSON and YAML hold everything, and `annals save` takes them.
/// Each session becomes a file of its own, named after its title, which only you may read; no file
/// is written over. With -o FILE or -o - several sessions go into one JSON document. Secrets that
/// were not recognised when the session was saved, but are by now, are taken out.
/// A bundle is what `annals share` makes, for others to read: without names, paths and files of this
/// machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals export 3f2a9c10                        as Markdown, in this folder
  annals export 3f2a9c10 -o login.html          as a page for the browser
  annals export @ @2 @3 --format yaml -o ~/out/ a file each, in a folder
  annals export --tag bug --since 2026-11       all that match, in this folder
  annals export 3f2a9c10@~2 --format json -o -  as it was two saves ago, to stdout")]
pub(crate) struct ExportArgs {
    /// The sessions, and their revisions if not the latest [default: those that the filters leave]
    #[arg(value_name = "ID[@REV]")]
    sessions: Vec<String>,
    /// The form [default: that of the ending of FILE, else markdown]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write to this file or folder; - is stdout [default: the current folder]
    #[arg(long, short, value_name = "FILE|DIR|-")]
    output: Option<PathBuf>,
    /// Write over files that are there
    #[arg(long, short)]
    force: bool,
    /// With filters: sub-agents' sessions too
    #[arg(long, short)]
    all: bool,
    #[command(flatten)]
    filters: FilterArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Yaml,
    Markdown,
    Html,
    Bundle,
}

impl Format {
    /// The form as the library has it; none: it is what `share` makes.
    fn of_export(self) -> Option<ExportFormat> {
        Some(match self {
            Self::Json => ExportFormat::Json,
            Self::Yaml => ExportFormat::Yaml,
            Self::Markdown => ExportFormat::Markdown,
            Self::Html => ExportFormat::Html,
            Self::Bundle => return None,
        })
    }
}

/// Runs it.
pub(crate) fn run(args: &ExportArgs, context: &mut Context) -> Result<ExitCode> {
    let target = target(args.output.as_deref(), &context.environment.current);
    let extension = match &target {
        Some(ExportTarget::File(path)) => path.extension().map(|it| it.to_string_lossy()),
        _ => None,
    };
    let is_bundle = args.format == Some(Format::Bundle)
        || (args.format.is_none() && extension.as_deref() == Some(share::EXTENSION));
    let named = args.format.and_then(Format::of_export);
    let format = named.or_else(|| ExportFormat::of_extension(&extension?));
    let format = format.unwrap_or(ExportFormat::Markdown);
    let mut repository = context.open()?;
    let sessions = sessions(args, &mut repository, context)?;
    if is_bundle {
        let way = Way { choice: ShareChoice::default(), target, force: args.force, is_dry: false };
        return share::make(&mut repository, &sessions, way, context);
    }
    let is_one = sessions.len() == 1 || format == ExportFormat::Json;
    if !is_one && !matches!(target, Some(ExportTarget::Folder(_))) {
        let text = "Only JSON holds several sessions; with -o DIR each gets a file of its own.";
        return Err(Failure::Usage(text.to_owned()));
    }
    match target {
        None => print(&repository, &sessions, format, context),
        Some(target) => {
            let options = ExportOptions { format, target, force: args.force };
            write(&repository, &sessions, &options, context)
        }
    }
}

/// The sessions that were named, or those that the filters leave.
fn sessions(
    args: &ExportArgs,
    repository: &mut Repository,
    context: &Context,
) -> Result<Vec<SessionAt>> {
    match (args.sessions.is_empty(), args.filters.is_empty()) {
        (true, true) => {
            let text = "Which sessions? `annals export` needs IDs, or filters.";
            return Err(Failure::Usage(text.to_owned()));
        }
        (false, false) => {
            let text = "`annals export` takes IDs or filters, not both.";
            return Err(Failure::Usage(text.to_owned()));
        }
        (true, false) => {
            let mut filter = args.filters.filter(repository, context)?;
            filter.with_subagents = args.all;
            let sessions = repository.matching(&filter)?;
            if sessions.is_empty() {
                let why = why_nothing(&filter, repository)?;
                return Err(Error::new(ErrorKind::NotFound, why).into());
            }
            return Ok(sessions);
        }
        (false, true) => {}
    }
    let mut sessions: Vec<SessionAt> = Vec::new();
    for text in &args.sessions {
        let at = context.resolve(repository, text)?;
        if !sessions.contains(&at) {
            sessions.push(at);
        }
    }
    Ok(sessions)
}

/// Where the export goes; none: to stdout.
pub(super) fn target(output: Option<&Path>, current: &Path) -> Option<ExportTarget> {
    let Some(output) = output else {
        return Some(ExportTarget::Folder(current.to_owned()));
    };
    if output.as_os_str() == "-" {
        return None;
    }
    let path = current.join(output);
    let is_folder = path.is_dir() || output.to_string_lossy().ends_with('/');
    Some(if is_folder { ExportTarget::Folder(path) } else { ExportTarget::File(path) })
}

fn print(
    repository: &Repository,
    sessions: &[SessionAt],
    format: ExportFormat,
    context: &mut Context,
) -> Result<ExitCode> {
    if context.output.is_json() {
        let text = "--json tells of files; with -o - the export itself is printed.";
        return Err(Failure::Usage(text.to_owned()));
    }
    let export = repository.export_text(sessions, format)?;
    // Files and pipes get the text as it is; a terminal must not be steered by it.
    if context.output.is_seen() {
        context.output.page(&plain(&export.text))?;
    } else {
        context.output.data(&export.text)?;
    }
    told(&export.redactions, context)?;
    Ok(ExitCode::Done)
}

fn write(
    repository: &Repository,
    sessions: &[SessionAt],
    options: &ExportOptions,
    context: &mut Context,
) -> Result<ExitCode> {
    let outcome = repository.export(sessions, options)?;
    if context.output.is_json() {
        context.output.json(&ExportView::of(&outcome))?;
        return Ok(ExitCode::Done);
    }
    let count = brief::count(sessions.len() as u64, "session");
    let mut lines = vec![format!("Exported {count} to")];
    lines.extend(outcome.files.iter().map(|file| format!("  {}", context.path(file))));
    context.output.status(&lines.join("\n"))?;
    told(&outcome.redactions, context)?;
    Ok(ExitCode::Done)
}

/// Says what the store has that should not be there.
fn told(redactions: &std::collections::BTreeMap<String, u64>, context: &mut Context) -> Result<()> {
    if redactions.is_empty() {
        return Ok(());
    }
    let rules = brief::rules(redactions);
    let text = format!("Taken out on the way, though the store still has it: {rules}");
    context.output.warning(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_stdout_a_folder_or_a_file() {
        let here = Path::new("/nowhere");
        let folder = |path: &str| Some(ExportTarget::Folder(PathBuf::from(path)));
        assert_eq!(target(None, here), folder("/nowhere"));
        assert_eq!(target(Some(Path::new("-")), here), None);
        assert_eq!(target(Some(Path::new("out/")), here), folder("/nowhere/out/"));
        assert_eq!(target(Some(Path::new("/")), here), folder("/"));
        let file = Some(ExportTarget::File(PathBuf::from("/nowhere/a.html")));
        assert_eq!(target(Some(Path::new("a.html")), here), file);
    }
}
