//! The dashboard as a page for the browser.

use chrono::NaiveDate;

use crate::cli::brief;
use crate::cli::dashboard::DashboardLook;
use crate::cli::dashboard::bars::Series;
use crate::cli::dashboard::timed;
use crate::cli::dashboard::words;
use crate::cli::plain::line;
use crate::repository::Chart;
use crate::repository::Dashboard;
use crate::repository::Group;
use crate::repository::Stats;
use crate::repository::Table;
use crate::repository::TableRow;

/// The most columns of a chart.
const MOST_COLUMNS: usize = 120;

/// The most rows of a table.
const MOST_ROWS: usize = 20;

/// The page.
pub(crate) fn page(stats: &Stats, look: DashboardLook<'_>) -> Dashboard {
    let totals = &stats.totals;
    let mut tables: Vec<Table> = [
        ("AGENT", "Agents", &totals.agents),
        ("MODEL", "Models", &totals.models),
        ("WORKSPACE", "Workspaces", &totals.workspaces),
    ]
    .into_iter()
    .filter(|(.., groups)| !groups.is_empty())
    .map(|(kind, title, groups)| grouped(kind, title, groups, look))
    .collect();
    tables.extend(redactions(stats));
    tables.extend(operations(stats));
    Dashboard {
        title: "What annals keeps".to_owned(),
        subtitle: format!("{}: {}", look.today, words::headline(totals)),
        alerts: stats.alerts.iter().map(words::sentence).collect(),
        tiles: tiles(stats),
        charts: charts(stats, look.today),
        tables,
    }
}

fn tiles(stats: &Stats) -> Vec<(String, String)> {
    let (totals, storage) = (&stats.totals, &stats.storage);
    let ratio = storage.ratio().map_or_else(|| "–".to_owned(), |ratio| format!("1/{ratio:.1}"));
    let mut tiles = vec![
        ("Sessions", totals.sessions.to_string()),
        ("Messages", brief::compact(totals.counts.messages)),
        ("Tokens", brief::compact(totals.tokens.total)),
        ("Written by models", brief::compact(totals.tokens.output)),
        ("Tool calls", brief::compact(totals.counts.tool_calls)),
        ("History on disk", brief::bytes(storage.history)),
        ("Of what went in", ratio),
        ("All of the store", brief::bytes(storage.total)),
    ];
    if let Some(free) = storage.free {
        tiles.push(("Left of the disk", brief::bytes(free)));
    }
    tiles.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
}

fn charts(stats: &Stats, today: NaiveDate) -> Vec<Chart> {
    let Some(first) = words::first_day(&stats.totals) else { return Vec::new() };
    let (days, span) = (&stats.totals.days, (first, today));
    let messages: Vec<_> = days.iter().map(|day| (day.date, day.messages)).collect();
    let tokens: Vec<_> = days.iter().map(|day| (day.date, day.tokens.total)).collect();
    let grown = words::grown(&stats.totals.growth);
    let sums = |values: &[(NaiveDate, u64)]| Series::of(values, span, MOST_COLUMNS);
    let on_disk = Series::of_levels(&words::on_disk(&stats.sizes), span, MOST_COLUMNS);
    [
        chart("Messages", sums(&messages), brief::compact),
        chart("Tokens", sums(&tokens), brief::compact),
        chart("Text stored", sums(&grown), brief::bytes),
        chart("On disk", on_disk, brief::bytes),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn chart(name: &str, series: Option<Series>, written: fn(u64) -> String) -> Option<Chart> {
    let series = series.filter(|series| series.most() > 0)?;
    let each = match series.step {
        1 => "day".to_owned(),
        days => format!("{days} days"),
    };
    let column = |(date, value): (NaiveDate, &u64)| (date.to_string(), *value, written(*value));
    let columns = series.dates().zip(&series.values).map(column).collect();
    Some(Chart { title: format!("{name} by {each}"), columns })
}

fn grouped(kind: &str, title: &str, groups: &[Group], look: DashboardLook<'_>) -> Table {
    let row = |name: String, group: &Group| TableRow {
        name,
        value: Some(group.messages),
        cells: vec![
            group.sessions.to_string(),
            group.messages.to_string(),
            brief::compact(group.tokens.output),
            brief::compact(group.tokens.total),
        ],
    };
    let shown = groups.iter().take(MOST_ROWS);
    let mut rows: Vec<TableRow> =
        shown.map(|group| row(words::name(kind, group, look.home), group)).collect();
    if let Some(rest) = groups.get(MOST_ROWS..).filter(|rest| !rest.is_empty()) {
        let mut more = row(format!("{} more", rest.len()), &words::sum(rest));
        more.value = None;
        rows.push(more);
    }
    let headers = ["", "sessions", "messages", "written", "tokens"].map(str::to_owned).to_vec();
    Table { title: title.to_owned(), headers, rows }
}

fn redactions(stats: &Stats) -> Option<Table> {
    let mut found: Vec<(&String, &u64)> = stats.totals.redactions.iter().collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let row = |(rule, count): (&String, &u64)| TableRow {
        name: line(rule),
        value: Some(*count),
        cells: vec![count.to_string()],
    };
    let rows: Vec<TableRow> = found.into_iter().take(MOST_ROWS).map(row).collect();
    let headers = vec!["rule".to_owned(), "secrets".to_owned()];
    (!rows.is_empty()).then(|| Table { title: "Redacted".to_owned(), headers, rows })
}

fn operations(stats: &Stats) -> Option<Table> {
    let window = &stats.operations;
    let rows: Vec<TableRow> = window
        .operations
        .iter()
        .map(|(name, latency)| {
            let mut cells = timed(name, latency);
            let name = cells.remove(0);
            TableRow { name, value: None, cells }
        })
        .collect();
    let headers = ["", "count", "failed", "p50", "p95", "max"].map(str::to_owned).to_vec();
    let title = format!("Operations. {}", words::since(window)).replace('`', "");
    (!rows.is_empty()).then_some(Table { title, headers, rows })
}
