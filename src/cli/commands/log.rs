//! `annals log`: the revisions of a session.

use chrono::DateTime;
use chrono::NaiveDateTime;
use chrono::Utc;
use clap::Args;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::LogView;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::cli::table;
use crate::cli::table::Column;
use crate::repository::LogEntry;

/// List the revisions of a session
///
/// Newest first. What stands in the first column can stand behind the id wherever a revision is
/// asked for: `annals show ID@~1`. Ends with 5 when a revision cannot be read: it is named, and the
/// others are listed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals log 3f2a9c10        when it was saved, and what came with each save
  annals log @ --json        the same for programs")]
pub(crate) struct LogArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: String,
}

/// Runs it.
pub(crate) fn run(args: &LogArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let at = context.resolve(&mut repository, &args.session)?;
    let log = repository.log(at.id)?;
    if context.output.is_json() {
        context.output.json(&LogView::of(&at, &log))?;
    } else {
        let width = context.output.table_width();
        let look = context.look();
        let text = revisions(&log, repository.now(), look.local, width, look.paint);
        context.output.page(&text)?;
    }
    let mut code = ExitCode::Done;
    for it in &log {
        if let Some(cause) = &it.damaged {
            let revision = it.entry.revision.short();
            let text = format!("Revision {revision} cannot be read: {}", line(cause));
            context.output.warning(&text)?;
            code = ExitCode::Damaged;
        }
    }
    Ok(code)
}

fn revisions(
    log: &[LogEntry],
    now: DateTime<Utc>,
    local: fn(DateTime<Utc>) -> NaiveDateTime,
    width: Option<usize>,
    paint: Paint,
) -> String {
    let faint = |paint: Paint, text: &str| paint.faint(text);
    let columns = [
        Column::number("SAVE"),
        Column { style: |paint, text| paint.id(text), ..Column::new("REVISION") },
        Column::new("TIME"),
        Column { style: faint, dispensable: 1, ..Column::new("AGO") },
        Column::new("OPERATION"),
        Column { style: |paint, text| paint.good(text), ..Column::number("ADDED") },
        Column { style: |paint, text| paint.bad(text), ..Column::number("REMOVED") },
        Column::number("MESSAGES"),
    ];
    let change = |sign: &str, number: u64| match number {
        0 => String::new(),
        number => format!("{sign}{number}"),
    };
    // `~N` counts what can be gone back to; a deletion cannot.
    let mut places = (0..).map(|place| format!("~{place}"));
    let row = |it: &LogEntry| {
        let place = it.entry.counts.and_then(|_| places.next());
        vec![
            place.unwrap_or_default(),
            it.entry.revision.short().to_owned(),
            local(it.entry.at).format("%Y-%m-%d %H:%M").to_string(),
            brief::ago(now, it.entry.at),
            line(&it.entry.operation),
            change("+", it.added),
            change("−", it.removed),
            match it.entry.counts {
                _ if it.damaged.is_some() => "damaged".to_owned(),
                Some(counts) => counts.messages.to_string(),
                None => "deleted".to_owned(),
            },
        ]
    };
    let rows: Vec<Vec<String>> = log.iter().map(row).collect();
    table::render(&columns, &rows, width, paint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;
    use crate::repository::RevisionEntry;

    #[test]
    fn revisions_are_a_table_newest_first() {
        let entry = |digit, counts: Option<crate::session::Counts>, added, removed| LogEntry {
            entry: RevisionEntry {
                revision: samples::revision(digit),
                at: samples::now() - chrono::TimeDelta::hours(i64::from(digit as u32)),
                operation: "capture".to_owned(),
                is_deleted: counts.is_none(),
                counts,
            },
            added,
            removed,
            damaged: None,
        };
        let damaged = Some("a file of it is missing".to_owned());
        let log = [
            LogEntry { damaged, ..entry('9', Some(samples::head().counts), 0, 0) },
            entry('a', None, 0, 42),
            entry('b', Some(samples::head().counts), 3, 1),
            entry('c', Some(samples::head().counts), 40, 0),
        ];
        let local = |at: DateTime<Utc>| at.naive_utc();
        let text = revisions(&log, samples::now(), local, None, Paint::new(false));
        insta::assert_snapshot!(text, @r"
        SAVE  REVISION  TIME              AGO      OPERATION  ADDED  REMOVED  MESSAGES
          ~0  99999999  2026-01-31 23:12  2 d ago  capture                     damaged
              aaaaaaaa  2026-01-30 07:12  4 d ago  capture               −42   deleted
          ~1  bbbbbbbb  2026-01-30 06:12  4 d ago  capture       +3       −1        42
          ~2  cccccccc  2026-01-30 05:12  4 d ago  capture      +40                 42
        ");
    }
}
