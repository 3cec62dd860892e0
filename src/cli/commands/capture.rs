//! `annals capture`: takes in what agents wrote since last time.

use std::path::PathBuf;

use clap::Args;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::CaptureView;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::repository;
use crate::repository::CaptureOptions;
use crate::repository::CaptureOutcome;
use crate::repository::CapturedSession;
use crate::repository::Repository;

/// The most sessions, and skipped files, that are named one by one.
const NAMED: usize = 10;

/// Take in what agents wrote since last time
///
/// Reads the sessions of all known agents under your home folder, takes secrets out, and stores
/// what is new. What cannot be read is named, and the rest goes on. The store is made if there is
/// none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals capture                      everything new
  annals capture claude-code          of one agent only
  annals capture --dry-run            only say what would be taken in
  annals capture --path x.jsonl       one file, wherever it lies")]
pub(crate) struct CaptureArgs {
    /// Agents to take in [default: all]
    #[arg(value_name = "AGENT")]
    agents: Vec<String>,
    /// Look in DIR instead of your home folder
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Take in these files only
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "home")]
    path: Vec<PathBuf>,
    /// The agent's id of the session in the file [default: as its name or content says]
    #[arg(long, value_name = "ID", requires = "path")]
    session: Option<String>,
    /// Store nothing, only say what would be taken in
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Fail when something was skipped
    #[arg(long)]
    strict: bool,
    /// Name every session and every skipped file
    #[arg(long, short)]
    verbose: bool,
}

/// Runs it.
pub(crate) fn run(args: CaptureArgs, context: &mut Context) -> Result<ExitCode> {
    let options = CaptureOptions {
        agents: args.agents,
        home: args.home,
        paths: args.path,
        session: args.session,
        dry_run: args.dry_run,
    };
    let is_new = !Repository::locate(&context.open_options(true))?.exists();
    let mut repository = context.open_or_make()?;
    if is_new {
        let path = context.path(repository.path());
        context.output.status(&format!("Made a new store in {path}"))?;
    }
    let mut meter = context.output.meter("Reading");
    let outcome = repository.capture(&options, &mut |progress| meter.show(progress))?;
    drop(meter);
    if context.output.is_json() {
        let view = CaptureView::of(&outcome, options.dry_run);
        context.output.json(&view)?;
    } else {
        let most = if args.verbose { usize::MAX } else { NAMED };
        let text = summary(&outcome, options.dry_run, most, context.output.status_paint());
        context.output.status(text.trim_end())?;
        for notice in &outcome.notices {
            context.output.warning(notice)?;
        }
    }
    if !options.dry_run {
        context.after_save(&mut repository)?;
    }
    if outcome.is_damaged {
        let hint = "`annals doctor` says what is damaged, `annals doctor --repair` mends it.";
        context.output.hint(hint)?;
        return Ok(ExitCode::Damaged);
    }
    if args.strict && !outcome.skipped.is_empty() {
        return Ok(ExitCode::Failed);
    }
    Ok(ExitCode::Done)
}

/// What a capture did, in words.
pub(crate) fn summary(
    outcome: &CaptureOutcome,
    is_dry_run: bool,
    most: usize,
    paint: Paint,
) -> String {
    let sessions = || outcome.captured.iter().chain(&outcome.updated);
    let mut parts = vec![headline(outcome, is_dry_run)];
    parts.extend(sessions().take(most).map(|session| row(session, paint)));
    parts.push(more(sessions().count(), most, paint));
    if !outcome.redactions.is_empty() {
        parts.push(format!("Redacted {}.\n", brief::rules(&outcome.redactions)));
    }
    if !outcome.skipped.is_empty() {
        let skipped = format!("Skipped {}:", outcome.skipped.len());
        parts.push(paint.warning(&skipped) + "\n");
        let skipped = outcome.skipped.iter().take(most);
        parts.extend(skipped.map(|it| format!("  {}: {}\n", line(&it.path), line(&it.reason))));
        parts.push(more(outcome.skipped.len(), most, paint));
    }
    parts.concat()
}

/// How many sessions and messages came, in one line.
fn headline(outcome: &CaptureOutcome, is_dry_run: bool) -> String {
    let (new, updated) = (outcome.captured.len() as u64, outcome.updated.len());
    let unchanged = outcome.unchanged;
    if outcome == &CaptureOutcome::default() {
        let agents = repository::known_agents().join(", ");
        return format!("No sessions found. The agents that annals knows: {agents}.\n");
    }
    let text = if new == 0 && updated == 0 {
        format!("Nothing new: {} unchanged", brief::count(unchanged, "session"))
    } else {
        let done = if is_dry_run { "Would capture" } else { "Captured" };
        let sessions = outcome.captured.iter().chain(&outcome.updated);
        let messages = brief::count(sessions.map(|it| it.added).sum(), "message");
        let new = brief::count(new, "new session");
        format!("{done} {messages}: {new}, {updated} updated, {unchanged} unchanged")
    };
    match outcome.deleted {
        0 => format!("{text}.\n"),
        deleted => format!("{text}, {deleted} deleted before.\n"),
    }
}

fn row(session: &CapturedSession, paint: Paint) -> String {
    let id = paint.id(&session.head.id.short());
    let mut change = paint.good(&format!("+{}", session.added));
    if session.removed > 0 {
        change.push(' ');
        change += &paint.bad(&format!("−{}", session.removed));
    }
    let title = brief::fit(&brief::title(&session.head), 60);
    format!("  {id}  {title}  {change}\n")
}

fn more(count: usize, most: usize, paint: Paint) -> String {
    if count <= most {
        return String::new();
    }
    let text = format!("  … and {} more; --verbose names them all", count - most);
    paint.faint(&text) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;
    use crate::repository::Skipped;

    fn outcome(skipped: usize) -> CaptureOutcome {
        let session = |removed| CapturedSession { head: samples::head(), added: 3, removed };
        let skip = |number| Skipped {
            path: format!("/x/{number}.jsonl\u{1b}"),
            reason: "is a folder".to_owned(),
        };
        CaptureOutcome {
            captured: vec![session(0)],
            updated: vec![session(1)],
            unchanged: 12,
            deleted: 1,
            skipped: (0..skipped).map(skip).collect(),
            redactions: [("github-token".to_owned(), 2)].into(),
            ..CaptureOutcome::default()
        }
    }

    #[test]
    fn a_summary_says_what_came_and_what_did_not() {
        let text = summary(&outcome(2), false, 10, Paint::new(false));
        insta::assert_snapshot!(text, @r"
        Captured 6 messages: 1 new session, 1 updated, 12 unchanged, 1 deleted before.
          5e550011  Fix the login redirect  +3
          5e550011  Fix the login redirect  +3 −1
        Redacted 2 secrets (github-token).
        Skipped 2:
          /x/0.jsonl␛: is a folder
          /x/1.jsonl␛: is a folder
        ");
    }

    #[test]
    fn long_lists_are_cut() {
        let text = summary(&outcome(12), true, 10, Paint::new(false));
        assert!(text.starts_with("Would capture 6 messages: 1 new"), "{text}");
        assert!(text.contains("… and 2 more"), "{text}");
        assert_eq!(text.matches(".jsonl").count(), 10);
    }

    #[test]
    fn nothing_new_is_one_line() {
        let outcome = CaptureOutcome { unchanged: 1, ..CaptureOutcome::default() };
        let text = summary(&outcome, false, 10, Paint::new(false));
        assert_eq!(text, "Nothing new: 1 session unchanged.\n");
    }

    #[test]
    fn where_there_is_nothing_the_known_agents_are_named() {
        let text = summary(&CaptureOutcome::default(), false, 10, Paint::new(false));
        assert!(text.starts_with("No sessions found."), "{text}");
        assert!(text.contains("claude-code"), "{text}");
    }
}
