//! `annals scan`: today's rules over what is stored.

use clap::Args;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::ScanView;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::cli::table;
use crate::cli::table::Column;
use crate::repository::Repository;
use crate::repository::ScanOptions;
use crate::repository::ScanOutcome;
use crate::repository::SessionAt;
use crate::repository::StoredFinding;

/// Look for secrets in what is stored, by today's rules
///
/// For sessions that were saved under older rules. Says in which record which rule finds
/// something, never what it reads. Changes nothing. Ends with 1 when there are findings.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals scan                    all sessions, as they are now
  annals scan 3f2a9c10           one session
  annals scan --all --history    also all that older revisions still hold")]
pub(crate) struct ScanArgs {
    /// The sessions [default: all]
    #[arg(value_name = "ID")]
    sessions: Vec<String>,
    /// All sessions
    #[arg(long, conflicts_with = "sessions")]
    all: bool,
    /// Also what only older revisions hold, and deleted sessions
    #[arg(long)]
    history: bool,
}

/// Runs it.
pub(crate) fn run(args: &ScanArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let sessions = args
        .sessions
        .iter()
        .map(|text| resolve(text, args.history, &mut repository, context))
        .collect::<Result<_>>()?;
    let options = ScanOptions { sessions, history: args.history };
    let mut meter = context.output.meter("Scanning");
    let outcome = repository.scan(&options, &mut |progress| meter.show(progress))?;
    drop(meter);
    if context.output.is_json() {
        context.output.json(&ScanView::of(&outcome))?;
    } else {
        if !outcome.findings.is_empty() {
            let width = context.output.table_width();
            let text = findings(&outcome.findings, width, context.output.paint());
            context.output.page(&text)?;
        }
        for (id, reason) in &outcome.unreadable {
            context.output.warning(&format!("session {}: {}", id.short(), line(reason)))?;
        }
        context.output.status(&summary(&outcome))?;
    }
    Ok(match &outcome {
        it if !it.unreadable.is_empty() => ExitCode::Damaged,
        it if !it.findings.is_empty() => ExitCode::Negative,
        _ => ExitCode::Done,
    })
}

/// The session that was typed; with its history, also a deleted one.
pub(super) fn resolve(
    text: &str,
    history: bool,
    repository: &mut Repository,
    context: &Context,
) -> Result<SessionAt> {
    match context.resolve(repository, text) {
        Err(error) if history => {
            let Ok(id) = repository.resolve_deleted(text) else { return Err(error) };
            let revision = repository.log(id)?.into_iter().next().map(|it| it.entry.revision);
            revision.map(|revision| SessionAt { id, revision, is_past: true }).ok_or(error)
        }
        resolved => resolved,
    }
}

fn findings(findings: &[StoredFinding], width: Option<usize>, paint: Paint) -> String {
    let columns = [
        Column { style: |paint, text| paint.id(text), ..Column::new("SESSION") },
        Column::new("REVISION"),
        Column::number("RECORD"),
        Column { dispensable: 1, ..Column::new("ID") },
        Column::new("RULE"),
        Column::number("COUNT"),
    ];
    let row = |it: &StoredFinding| {
        vec![
            it.session.short(),
            it.revision.short().to_owned(),
            it.record.to_string(),
            it.id.as_deref().map(line).unwrap_or_default(),
            it.rule.clone(),
            it.count.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = findings.iter().map(row).collect();
    table::render(&columns, &rows, width, paint)
}

fn summary(outcome: &ScanOutcome) -> String {
    let ScanOutcome { sessions, records, findings, .. } = outcome;
    let found: u64 = findings.iter().map(|finding| finding.count).sum();
    let (records, sessions) =
        (brief::count(*records, "record"), brief::count(*sessions, "session"));
    match found {
        0 => format!("Nothing found in {records} of {sessions}."),
        _ => format!("{} found in {records} of {sessions}.", brief::count(found, "secret")),
    }
}
