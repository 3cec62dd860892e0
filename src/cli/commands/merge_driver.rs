//! `annals merge-driver`: merges a file of a session when git asks.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::error::ErrorKind;
use crate::repository::merge_file;

/// Merge a file of a session when git asks
///
/// Git calls it, by its protocol of merge drivers, for a file that both sides of a merge changed: it
/// becomes what `annals sync` would make of it. `annals hooks install git` sets that up, with the
/// hooks that put in place what no driver is asked about.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  git config merge.annals.driver 'annals merge-driver %O %A %B %L %P'")]
pub(crate) struct MergeDriverArgs {
    /// The file as both sides had it: %O
    #[arg(value_name = "BASE")]
    _base: PathBuf,
    /// The file here, which becomes the merged one: %A
    #[arg(value_name = "OURS")]
    ours: PathBuf,
    /// The file there: %B
    #[arg(value_name = "THEIRS")]
    _theirs: PathBuf,
    /// The length of conflict marks: %L
    #[arg(value_name = "LENGTH")]
    _length: OsString,
    /// Where the file lies in the repository: %P
    #[arg(value_name = "PATH")]
    path: OsString,
}

/// Runs it.
pub(crate) fn run(args: &MergeDriverArgs, context: &mut Context) -> Result<ExitCode> {
    let path = args.path.to_string_lossy();
    merge_file(&context.environment, &path, &args.ours).map_err(|error| match error.kind() {
        ErrorKind::Conflict => {
            let hint = "`git merge --abort`, or `git rebase --abort`, brings back what was there.";
            Failure::Hinted(error, hint.into())
        }
        _ => error.into(),
    })?;
    Ok(ExitCode::Done)
}
