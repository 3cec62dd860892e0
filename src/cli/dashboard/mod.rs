//! The dashboard of `annals stats`: on the terminal, fitted to its width, and as a page.

mod bars;
mod page;
mod words;

use std::path::Path;

use chrono::DateTime;
use chrono::NaiveDate;
use chrono::Utc;

use crate::cli::brief;
use crate::cli::json::milliseconds;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::cli::table;
use crate::cli::table::Column;
use crate::cli::table::Layout;
use crate::repository::Group;
use crate::repository::Latency;
use crate::repository::Stats;
use crate::repository::Window;

pub(crate) use page::page;
pub(crate) use words::sentence;

use bars::Series;
use bars::bar;

/// The most rows of a table; the rest is one row.
const MOST_ROWS: usize = 8;

/// How the dashboard is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DashboardLook<'a> {
    /// The colours.
    pub(crate) paint: Paint,
    /// The columns there are.
    pub(crate) width: usize,
    /// The folder that is written as `~`.
    pub(crate) home: &'a Path,
    /// The day on which it is looked at.
    pub(crate) today: NaiveDate,
    /// When it is looked at.
    pub(crate) now: DateTime<Utc>,
}

/// The dashboard for a terminal.
pub(crate) fn text(stats: &Stats, look: DashboardLook<'_>) -> String {
    let totals = &stats.totals;
    let mut parts = Vec::new();
    for alert in &stats.alerts {
        let alert = wrapped(&sentence(alert), "! ", look);
        parts.push(look.paint.warning(&alert) + "\n");
    }
    if !parts.is_empty() {
        parts.push("\n".to_owned());
    }
    parts.push(look.paint.strong(&wrapped(&words::headline(totals), "", look)) + "\n");
    parts.extend(activity(stats, look));
    for (title, groups) in
        [("AGENT", &totals.agents), ("MODEL", &totals.models), ("WORKSPACE", &totals.workspaces)]
    {
        if !groups.is_empty() {
            parts.push("\n".to_owned() + &grouped(title, groups, look));
        }
    }
    if !totals.redactions.is_empty() {
        let text = format!("Redacted {}.", brief::rules(&totals.redactions));
        parts.push("\n".to_owned() + &wrapped(&text, "", look) + "\n");
    }
    parts.push("\n".to_owned() + &wrapped(&words::storage(&stats.storage), "", look) + "\n");
    for state in &stats.remotes {
        parts.push(wrapped(&words::remote(state, look.now), "", look) + "\n");
    }
    parts.push(operations(&stats.operations, look));
    parts.concat()
}

/// Lines no longer than the width; those behind the first stand in from `lead`.
fn wrapped(text: &str, lead: &str, look: DashboardLook<'_>) -> String {
    let indent = " ".repeat(lead.len());
    let options =
        textwrap::Options::new(look.width.max(20)).initial_indent(lead).subsequent_indent(&indent);
    textwrap::fill(&line(text), options)
}

/// What was said, and what came into the store, by day.
fn activity(stats: &Stats, look: DashboardLook<'_>) -> Option<String> {
    let room = look.width.saturating_sub(22).clamp(8, 78);
    let days = &stats.totals.days;
    let span = (words::first_day(&stats.totals)?, look.today);
    let series = |name: &'static str, values: Vec<(NaiveDate, u64)>| {
        Series::of(&values, span, room).map(|series| (name, series))
    };
    let messages = days.iter().map(|day| (day.date, day.messages)).collect();
    let tokens = days.iter().map(|day| (day.date, day.tokens.total)).collect();
    let series: Vec<(&str, Series)> = [
        series("Messages", messages),
        series("Tokens", tokens),
        series("Text stored", words::grown(&stats.totals.growth)),
    ]
    .into_iter()
    .flatten()
    .chain(Series::of_levels(&words::on_disk(&stats.sizes), span, room).map(|it| ("On disk", it)))
    .filter(|(_, series)| series.most() > 0)
    .collect();
    let (_, first) = series.first()?;
    let caption = wrapped(&first.caption(), "", look);
    let mut text = format!("\n{}\n", look.paint.faint(&caption));
    for (name, series) in &series {
        let most = match *name {
            "Text stored" | "On disk" => brief::bytes(series.most()),
            _ => brief::compact(series.most()),
        };
        let drawn = look.paint.good(&series.spark());
        text += format!("{name:<11} {drawn} {}", look.paint.faint(&most)).trim_end();
        text.push('\n');
    }
    Some(text)
}

fn grouped(title: &'static str, groups: &[Group], look: DashboardLook<'_>) -> String {
    let columns = [
        Column { least: 12, layout: layout_of(title), ..Column::new(title) },
        Column { dispensable: 2, style: |paint, text| paint.good(text), ..Column::new("") },
        Column::number("SESSIONS"),
        Column::number("MESSAGES"),
        Column { dispensable: 1, ..Column::number("OUTPUT") },
        Column::number("TOKENS"),
    ];
    let most = groups.iter().map(|group| group.messages).max().unwrap_or(0);
    let row = |name: String, group: &Group| {
        vec![
            name,
            bar(group.messages, most, 20),
            group.sessions.to_string(),
            group.messages.to_string(),
            brief::compact(group.tokens.output),
            brief::compact(group.tokens.total),
        ]
    };
    let shown = groups.iter().take(MOST_ROWS);
    let mut rows: Vec<Vec<String>> =
        shown.map(|group| row(words::name(title, group, look.home), group)).collect();
    if let Some(rest) = groups.get(MOST_ROWS..).filter(|rest| !rest.is_empty()) {
        let rest_name = format!("{} more", rest.len());
        let mut cells = row(rest_name, &words::sum(rest));
        cells[1].clear();
        if title == "MODEL" {
            // A session may have several of them.
            cells[2].clear();
        }
        rows.push(cells);
    }
    table::render(&columns, &rows, Some(look.width), look.paint)
}

fn layout_of(title: &str) -> Layout {
    if title == "WORKSPACE" { Layout::End } else { Layout::Start }
}

fn operations(window: &Window, look: DashboardLook<'_>) -> String {
    if window.operations.is_empty() {
        return String::new();
    }
    let columns = [
        Column::new("OPERATION"),
        Column::number("COUNT"),
        Column { style: |paint, text| paint.bad(text), ..Column::number("FAILED") },
        Column { dispensable: 2, ..Column::number("P50") },
        Column::number("P95"),
        Column { dispensable: 1, ..Column::number("MAX") },
    ];
    let rows: Vec<Vec<String>> =
        window.operations.iter().map(|(name, latency)| timed(name, latency)).collect();
    let table = table::render(&columns, &rows, Some(look.width), look.paint);
    let since = words::since(window);
    format!("\n{}{}\n", table, look.paint.faint(&wrapped(&since, "", look)))
}

/// The row of an operation.
fn timed(name: &str, latency: &Latency) -> Vec<String> {
    let time = |us: u64| brief::span(milliseconds(us));
    let failed = if latency.failed == 0 { String::new() } else { latency.failed.to_string() };
    vec![
        line(name),
        latency.count.to_string(),
        failed,
        time(latency.percentile(50)),
        time(latency.percentile(95)),
        time(latency.max_us),
    ]
}

#[cfg(test)]
mod tests;
