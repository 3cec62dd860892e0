//! `annals share`: sessions as a bundle for others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::cli::brief;
use crate::cli::commands::export;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::ShareView;
use crate::error::ErrorKind;
use crate::repository::ExportTarget;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::ShareChoice;
use crate::repository::SharedBundle;

/// How files with bundles end.
pub(super) const EXTENSION: &str = "bundle";

/// Make a bundle of sessions that others may have
///
/// The bundle is one file that `git clone` opens and `annals import` takes in. It holds what is in
/// view of the sessions, and their sub-agents', without secrets, without the names, paths and
/// addresses of you and this machine, without branch names, the agent's version and its ids, and
/// without pictures, files and large texts. Title, tags, notes, agent, models, times and token
/// counts go along. Before the file is written, its bytes are searched for every value that must
/// not be in it. What the talk itself says of you is yours to read through first.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = "\
Examples:
  annals share 3f2a9c10                     into this folder, named after the title
  annals share 3f2a9c10 --dry-run           only what would be taken out
  annals share @ @2 -o fix.bundle           two sessions in one bundle
  annals share 3f2a9c10 --with-files        pictures and files too: no rule sees into them
  git clone fix.bundle fix                  what a colleague without annals does")]
pub(crate) struct ShareArgs {
    /// The sessions, and their revisions if not the latest
    #[arg(value_name = "ID[@REV]", required = true)]
    sessions: Vec<String>,
    /// Write to this file or folder; - is stdout [default: the current folder]
    #[arg(long, short, value_name = "FILE|DIR|-")]
    output: Option<PathBuf>,
    /// Let pictures, documents and texts of more than 256 KiB go along
    #[arg(long)]
    with_files: bool,
    /// Keep of each time its day alone
    #[arg(long)]
    coarse_times: bool,
    /// Only say what would be taken out
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Write over a file that is there
    #[arg(long, short)]
    force: bool,
}

/// How a bundle is made, and where it goes; none: to stdout.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) choice: ShareChoice,
    pub(super) target: Option<ExportTarget>,
    pub(super) force: bool,
    pub(super) is_dry: bool,
}

/// Runs it.
pub(crate) fn run(args: &ShareArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let mut sessions: Vec<SessionAt> = Vec::new();
    for text in &args.sessions {
        let at = context.resolve(&mut repository, text)?;
        if !sessions.contains(&at) {
            sessions.push(at);
        }
    }
    let way = Way {
        choice: ShareChoice { with_files: args.with_files, coarse_times: args.coarse_times },
        target: export::target(args.output.as_deref(), &context.environment.current),
        force: args.force,
        is_dry: args.dry_run,
    };
    make(&mut repository, &sessions, way, context)
}

/// Makes a bundle, writes it, and tells what was taken out.
pub(super) fn make(
    repository: &mut Repository,
    sessions: &[SessionAt],
    way: Way,
    context: &mut Context,
) -> Result<ExitCode> {
    if way.target.is_none() && context.output.is_json() {
        let text = "--json tells of files; with -o - the bundle itself is printed.";
        return Err(Failure::Usage(text.to_owned()));
    }
    if way.target.is_none() && !way.is_dry && context.output.is_seen() {
        let text = "A bundle is no text for a terminal; name a file with -o FILE.";
        return Err(Failure::Usage(text.to_owned()));
    }
    let meter = context.output.meter("Making the bundle");
    meter.turn();
    let bundle = repository.share(sessions, way.choice).map_err(|error| match error.kind() {
        ErrorKind::Denied => {
            let hint = "Nothing was written. `annals redact --share` shows what is taken out of a \
                        text; please report what it missed.";
            Failure::Hinted(error, hint.into())
        }
        _ => error.into(),
    })?;
    drop(meter);
    write(&bundle, way, context)
}

fn write(bundle: &SharedBundle, way: Way, context: &mut Context) -> Result<ExitCode> {
    let path = match way.target {
        _ if way.is_dry => None,
        Some(ExportTarget::Folder(folder)) => Some(folder.join(bundle.file_name())),
        Some(ExportTarget::File(path)) => Some(path),
        None => {
            context.output.write(&bundle.bytes)?;
            tell(bundle, "Shared", "on stdout", context)?;
            return Ok(ExitCode::Done);
        }
    };
    if let Some(path) = &path {
        bundle.write(path, way.force)?;
    }
    if context.output.is_json() {
        context.output.json(&ShareView::of(bundle, path.as_deref()))?;
        return Ok(ExitCode::Done);
    }
    match &path {
        Some(path) => tell(bundle, "Shared", &format!("in\n  {}", context.path(path)), context)?,
        None => tell(bundle, "Would share", "in a bundle", context)?,
    }
    Ok(ExitCode::Done)
}

fn tell(bundle: &SharedBundle, did: &str, place: &str, context: &mut Context) -> Result<()> {
    let count = brief::count(bundle.sessions.len() as u64, "session");
    let size = brief::bytes(bundle.bytes.len() as u64);
    context.output.status(&format!("{did} {count} ({size}) {place}"))?;
    context.output.status(&removed(&bundle.removed))?;
    context.output.hint("Read it through before you pass it on: no rule knows what you talk of.")
}

/// What was taken out, the most first.
fn removed(removed: &BTreeMap<String, u64>) -> String {
    if removed.is_empty() {
        return "Nothing had to be taken out.".to_owned();
    }
    let mut kinds: Vec<(&str, u64)> = removed.iter().map(|(kind, n)| (kind.as_str(), *n)).collect();
    kinds.sort_by_key(|(kind, count)| (u64::MAX - count, *kind));
    let width = kinds.iter().map(|(_, count)| count.to_string().len()).max().unwrap_or(1);
    let lines = kinds.iter().map(|(kind, count)| format!("\n  {count:>width$}  {kind}"));
    format!("Taken out:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_out_is_listed_by_number() {
        let counts = [("branch", 3), ("home folder", 12), ("picture", 3)];
        let counts = counts.map(|(kind, count)| (kind.to_owned(), count));
        let text = removed(&BTreeMap::from(counts));
        assert_eq!(text, "Taken out:\n  12  home folder\n   3  branch\n   3  picture");
    }
}
