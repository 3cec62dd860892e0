//! `annals audit`: what was done to the store.

use std::collections::BTreeMap;

use chrono::DateTime;
use chrono::NaiveDateTime;
use chrono::Utc;
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::filters::DateArgs;
use crate::cli::json::AuditView;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::cli::table;
use crate::cli::table::Column;
use crate::repository::AuditEntry;
use crate::repository::AuditFilter;
use crate::repository::AuditReading;
use crate::repository::AuditState;
use crate::repository::Operation;

/// Show what was done to the store, from the audit log
///
/// The latest first. The log is off until `audit.enabled` is set; then each operation that changes
/// something, or fails, is a line: when, what, to which sessions, how it ended, how long it took. With
/// `audit.level` set to `read` those that only read are in it too. Never what was said, asked for or
/// named.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals config set audit.enabled true     keep the log from now on
  annals audit                             the latest 30 operations
  annals audit --session @ --since monday  what was done to a session this week
  annals audit --failed                    what failed
  annals audit --operation purge --operation scrub -n 1000 --json")]
pub(crate) struct AuditArgs {
    /// Show at most N
    #[arg(short = 'n', long = "limit", value_name = "N", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Only this operation; may be repeated
    #[arg(long, value_name = "NAME", hide_possible_values = true,
          value_parser = PossibleValuesParser::new(Operation::ALL.map(Operation::name)))]
    operation: Vec<String>,
    /// Only what was done to this session, which may be gone; may be repeated
    #[arg(long, value_name = "ID")]
    session: Vec<String>,
    /// Only what failed
    #[arg(long)]
    failed: bool,
    #[command(flatten)]
    dates: DateArgs,
}

/// Runs it.
pub(crate) fn run(args: &AuditArgs, context: &mut Context) -> Result<ExitCode> {
    let mut filter = AuditFilter {
        spans: args.dates.spans(context)?,
        operations: args.operation.clone(),
        sessions: Vec::new(),
        failed: args.failed,
    };
    let mut repository = context.open()?;
    for id in &args.session {
        let here = context.environment.current.clone();
        filter.sessions.push(repository.audited_session(id, Some(&here))?);
    }
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let reading = repository.audit(&filter, limit)?;
    let state = repository.audit_state()?;
    if context.output.is_json() {
        context.output.json(&AuditView::of(&state, &reading))?;
        return Ok(ExitCode::Done);
    }
    if !reading.entries.is_empty() {
        let (look, width) = (context.look(), context.output.table_width());
        let text = entries(&reading.entries, look.local, width, look.paint);
        context.output.page(&text)?;
    }
    if reading.skipped > 0 {
        let lines = brief::count(reading.skipped, "line");
        let text = format!("{lines} of the log cannot be understood, and were passed over");
        context.output.warning(&text)?;
    }
    for hint in hints(&reading, &state) {
        context.output.hint(&hint)?;
    }
    Ok(ExitCode::Done)
}

fn hints(reading: &AuditReading, state: &AuditState) -> Vec<String> {
    let mut hints = Vec::new();
    if reading.has_more {
        hints.push("There are earlier ones: -n shows more.".to_owned());
    } else if reading.entries.is_empty() && state.is_on {
        hints.push("Nothing of this kind is in the log.".to_owned());
    }
    if !state.is_on {
        let text = "No log is kept: annals config set audit.enabled true";
        hints.push(text.to_owned());
    }
    hints
}

fn entries(
    entries: &[AuditEntry],
    local: fn(DateTime<Utc>) -> NaiveDateTime,
    width: Option<usize>,
    paint: Paint,
) -> String {
    let faint = |paint: Paint, text: &str| paint.faint(text);
    let columns = [
        Column::new("TIME"),
        Column::new("OPERATION"),
        Column { style: outcome, ..Column::new("OUTCOME") },
        Column { style: |paint, text| paint.id(text), ..Column::new("SESSIONS") },
        Column { dispensable: 1, style: faint, ..Column::number("TOOK") },
        Column { least: 16, style: faint, ..Column::new("WHAT") },
    ];
    let row = |entry: &AuditEntry| {
        vec![
            local(entry.time).format("%Y-%m-%d %H:%M:%S").to_string(),
            line(&entry.operation),
            line(&entry.outcome),
            sessions(&entry.sessions, &entry.counts),
            brief::span(entry.ms),
            what(entry),
        ]
    };
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    table::render(&columns, &rows, width, paint)
}

fn outcome(paint: Paint, text: &str) -> String {
    if text.trim_end() == "done" { paint.good(text) } else { paint.bad(text) }
}

/// The short id of the first session, and how many more there were.
fn sessions(sessions: &[String], counts: &BTreeMap<String, u64>) -> String {
    let Some(first) = sessions.first() else { return String::new() };
    let short: String = first.chars().skip(first.chars().count().saturating_sub(8)).collect();
    let all = counts.get("sessions").copied().unwrap_or(sessions.len() as u64);
    match all.saturating_sub(1) {
        0 => line(&short),
        more => format!("{} +{more}", line(&short)),
    }
}

/// Why it failed, or how much of what it did.
fn what(entry: &AuditEntry) -> String {
    if let Some(error) = &entry.error {
        return line(error.message.as_ref().unwrap_or(&error.kind));
    }
    let counts = entry.counts.iter().filter(|(name, count)| *name != "sessions" && **count > 0);
    let counts: Vec<String> =
        counts.map(|(name, count)| format!("{} {count}", line(&name.replace('_', " ")))).collect();
    counts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    fn entry(operation: &str, sessions: &[&str]) -> AuditEntry {
        AuditEntry {
            time: samples::now(),
            operation: operation.to_owned(),
            level: "change".to_owned(),
            outcome: "done".to_owned(),
            ms: 12.345,
            sessions: sessions.iter().map(|it| (*it).to_owned()).collect(),
            revision: None,
            counts: BTreeMap::new(),
            error: None,
        }
    }

    #[test]
    fn a_line_says_what_was_done_to_what_and_what_came_of_it() {
        let mut captured = entry("capture", &["x-12345678", "x-2"]);
        captured.counts = BTreeMap::from([
            ("sessions".to_owned(), 2),
            ("by_age".to_owned(), 7),
            ("no".to_owned(), 0),
        ]);
        let mut failed = entry("load", &["\u{1b}"]);
        (failed.outcome, failed.ms) = ("failed".to_owned(), 1_500.0);
        let (kind, message) = ("io".to_owned(), Some("cannot\u{1b}read".to_owned()));
        failed.error = Some(crate::repository::AuditFailure { kind, message });
        let all = [captured, failed];
        let text = entries(&all, |at| at.naive_utc(), None, Paint::new(false));
        insta::assert_snapshot!(text, @r"
        TIME                 OPERATION  OUTCOME  SESSIONS        TOOK  WHAT
        2026-02-03 08:12:00  capture    done     12345678 +1  12.3 ms  by age 7
        2026-02-03 08:12:00  load       failed   ␛              1.5 s  cannot␛read
        ");
    }
}
