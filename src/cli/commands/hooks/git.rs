//! `annals hooks … git`: hooks and merge in a clone, and what they call.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::commands::hooks::tell;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::HooksView;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::platform;
use crate::repository::GitCall;
use crate::repository::GitHooksPlan;
use crate::repository::GitHooksState;
use crate::repository::Operation;
use crate::repository::Refusal;
use crate::repository::answer_git;
use crate::repository::record;

/// What it is called among the agents.
pub(super) const NAME: &str = "git";
/// The program that git must find for the merge strategy.
const STRATEGY: &str = "git-merge-annals";
/// How many refusals are told.
const TOLD: usize = 20;
/// The most that git tells a hook, in bytes: some hundred thousand branches.
const INPUT_LIMIT: u64 = 64 << 20;

/// Where, and how.
pub(super) struct GitArgs {
    pub(super) repo: Option<PathBuf>,
    pub(super) dry_run: bool,
}

/// Puts hooks and merge in.
pub(super) fn install(args: &GitArgs, program: &Path, context: &mut Context) -> Result<ExitCode> {
    let has_strategy = is_on_path(STRATEGY);
    let folder = folder_of(args.repo.as_deref(), context);
    let plan = GitHooksPlan::install(&folder, program, has_strategy);
    let plan = plan.map_err(|error| match error.kind() {
        ErrorKind::Invalid => {
            let hint = "A clone comes from `annals checkout DIR`, or from `git clone` of a remote.";
            Failure::Hinted(error, hint.into())
        }
        _ => not_found(error),
    })?;
    if let Some(shared) = plan.shared_hooks() {
        let message = format!(
            "the hooks of this repository lie in {}, where others find theirs too (core.hooksPath)",
            context.path(shared)
        );
        let own = plan.folder.join("hooks");
        let hint = format!(
            "Nothing was changed. `git config core.hooksPath '{}'`, in that repository, gives it a \
             folder of its own; the shared hooks no longer run there then.",
            own.display()
        );
        return Err(Failure::Hinted(Error::new(ErrorKind::Conflict, message), hint.into()));
    }
    apply(args, &plan, context)?;
    if !has_strategy && !plan.is_bare() {
        let text = format!(
            "{STRATEGY} is not on the PATH, where git looks for it: a session that one side deleted \
             and the other went on with will stop a merge. Put it there, beside annals, and install again."
        );
        context.output.warning(&text)?;
    }
    Ok(ExitCode::Done)
}

/// Takes them out.
pub(super) fn remove(args: &GitArgs, context: &mut Context) -> Result<ExitCode> {
    let folder = folder_of(args.repo.as_deref(), context);
    let plan = GitHooksPlan::remove(&folder).map_err(not_found)?;
    apply(args, &plan, context)?;
    Ok(ExitCode::Done)
}

fn apply(args: &GitArgs, plan: &GitHooksPlan, context: &mut Context) -> Result<()> {
    if !args.dry_run {
        record(&context.open_options(false), Operation::Hooks, || plan.apply())?;
    }
    if context.output.is_json() {
        return context.output.json(&HooksView::of_files(NAME, plan.files(), args.dry_run));
    }
    tell(NAME, plan.files(), args.dry_run, context)
}

/// Whether they are in; none: the folder lies in no repository. `is_wanted`: then that is an error.
pub(super) fn state(
    repo: Option<&Path>,
    is_wanted: bool,
    context: &Context,
) -> Result<Option<GitHooksState>> {
    match GitHooksPlan::state(&folder_of(repo, context)) {
        Ok(state) if state.is_installed || is_wanted || repo.is_some() => Ok(Some(state)),
        Err(error) if is_wanted || repo.is_some() => Err(not_found(error)),
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Does what git calls for.
pub(super) fn answer(call: &[OsString], context: &mut Context) -> Result<ExitCode> {
    let words: Vec<String> = call.iter().map(|it| it.to_string_lossy().into_owned()).collect();
    let name = words.first().map_or("", String::as_str);
    let call = GitCall::parse(name)
        .ok_or_else(|| Failure::Usage(format!("Git has no hook {name:?} that annals knows.")))?;
    let mut input = String::new();
    if call.has_input() {
        std::io::stdin().take(INPUT_LIMIT).read_to_string(&mut input)?;
    }
    let arguments = words.get(1..).unwrap_or_default();
    let skip =
        usize::from(call == GitCall::Merge && arguments.first().is_some_and(|it| it == "--"));
    let answered = answer_git(&context.environment, call, &arguments[skip..], &input);
    let refusals = answered.map_err(|error| {
        let is_in_the_way = matches!(error.kind(), ErrorKind::Io | ErrorKind::Conflict);
        let hint = match call {
            GitCall::Merge => "Commit what you changed, or `git stash` it, and merge again.",
            GitCall::PostMerge => {
                "The merge that git made is not whole. Put away what you changed (`git stash`), undo \
                 the merge (`git reset --keep HEAD^`), and merge again."
            }
            _ => return error.into(),
        };
        if is_in_the_way { Failure::Hinted(error, hint.into()) } else { error.into() }
    })?;
    if refusals.is_empty() {
        return Ok(ExitCode::Done);
    }
    for Refusal { place, cause, revision } in refusals.iter().take(TOLD) {
        let of =
            revision.as_ref().map_or_else(String::new, |it| format!(" (commit {})", it.short()));
        context.output.refusal(&format!("{place}: {cause}{of}"))?;
    }
    if let Some(more) = refusals.len().checked_sub(TOLD).filter(|more| *more > 0) {
        context.output.refusal(&format!("and {more} more"))?;
    }
    context.output.hint(call.remedy())?;
    Ok(ExitCode::Failed)
}

fn folder_of(repo: Option<&Path>, context: &Context) -> PathBuf {
    repo.map_or_else(
        || context.environment.current.clone(),
        |it| context.environment.current.join(it),
    )
}

fn not_found(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound => {
            let hint = "--repo names a clone of a store, or a bare repository that others push to.";
            Failure::Hinted(error, hint.into())
        }
        _ => error.into(),
    }
}

fn is_on_path(name: &str) -> bool {
    let path = platform::variable("PATH").unwrap_or_default();
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).any(|folder| folder.join(&name).is_file())
}
