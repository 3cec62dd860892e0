//! The sentences of the dashboard.

use std::path::Path;

use chrono::DateTime;
use chrono::NaiveDate;
use chrono::Utc;

use crate::cli::brief;
use crate::cli::plain::line;
use crate::repository::Alert;
use crate::repository::Group;
use crate::repository::Happened;
use crate::repository::RemoteState;
use crate::repository::SizeOn;
use crate::repository::Storage;
use crate::repository::Totals;
use crate::repository::Window;

/// What an alert says, and what helps, in a sentence or two.
pub(crate) fn sentence(alert: &Alert) -> String {
    match alert {
        Alert::OverLimit { size, limit } => format!(
            "The store takes {}, more than `limits.size` ({}): the next `annals capture` says what \
             would free space.",
            brief::bytes(*size),
            brief::bytes(*limit)
        ),
        Alert::DiskFull { free } => format!(
            "Only {} of the disk are left: `annals gc` may want as much as the history takes.",
            brief::bytes(*free)
        ),
        Alert::Unaudited(happened) => format!(
            "{} of the audit log could not be written, last on {}{}.",
            brief::count(happened.count, "line"),
            day_of(happened),
            happened.cause.as_ref().map_or_else(String::new, |cause| format!(": {}", line(cause)))
        ),
        Alert::AuditUnwritable => {
            "The folder of the audit log cannot be written: `annals config get audit.path` names it."
                .to_owned()
        }
        Alert::Failed { count, at, operation, kind } => format!(
            "{} failed of late, last `{}` on {} ({}): `annals audit --failed` tells of it if the log \
             is on.",
            brief::count(*count, "operation"),
            line(operation),
            date(*at),
            line(&kind.replace('_', " "))
        ),
        Alert::IndexRebuilt(happened) => format!(
            "The index was made anew on {}; nothing is lost by that.",
            day_of(happened)
        ),
        Alert::NotCaptured(happened) => format!(
            "The last capture, on {}, left out {}: `annals capture --verbose` names them.",
            day_of(happened),
            brief::count(happened.count, "file")
        ),
        Alert::Damaged(count) => format!(
            "{} cannot be read: `annals doctor` says what is damaged.",
            brief::count(*count, "session")
        ),
        Alert::Unrecovered(count) => format!(
            "{} of interrupted sessions could not be taken in; it is tried again each time.",
            brief::count(*count, "journal")
        ),
    }
}

fn day_of(happened: &Happened) -> String {
    happened.last.map_or_else(|| "a day unknown".to_owned(), date)
}

fn date(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// How much there is of what.
pub(super) fn headline(totals: &Totals) -> String {
    let mut parts = vec![brief::count(totals.sessions, "session")];
    if totals.subagents > 0 {
        parts.push(format!("{} of sub-agents", totals.subagents));
    }
    parts.push(brief::count(totals.counts.messages, "message"));
    parts.push(brief::count(totals.counts.turns, "turn"));
    parts.push(brief::count(totals.counts.tool_calls, "tool call"));
    let tokens = totals.tokens;
    if tokens.total > 0 {
        let cached = percent(tokens.cache_read, tokens.total);
        let (all, output) = (brief::compact(tokens.total), brief::compact(tokens.output));
        parts.push(format!("{all} tokens ({output} written, {cached} from caches)"));
    }
    parts.join(", ")
}

/// What the store takes, and how that compares with what went in.
pub(super) fn storage(storage: &Storage) -> String {
    let history = brief::bytes(storage.history);
    let ratio = storage.ratio().map_or_else(String::new, |ratio| {
        let raw = brief::bytes(storage.raw);
        format!(", {} of the {raw} that went in", times(ratio))
    });
    let total = brief::bytes(storage.total);
    let derived = brief::bytes(storage.derived);
    let limit = storage
        .limit
        .map_or_else(String::new, |limit| format!(" Its limit is {}.", brief::bytes(limit)));
    let free = storage
        .free
        .map_or_else(String::new, |free| format!(" {} of the disk are left.", brief::bytes(free)));
    format!(
        "The store takes {total}: history {history}{ratio}; index and logs {derived}.{limit}{free}"
    )
}

/// When a remote was synced with, and why not since.
pub(super) fn remote(state: &RemoteState, now: DateTime<Utc>) -> String {
    let RemoteState { remote, synced, failed } = state;
    let said = |at: DateTime<Utc>| match brief::ago(now, at).as_str() {
        "now" => "just now".to_owned(),
        ago => ago.to_owned(),
    };
    let by_itself = if remote.is_auto { " by itself" } else { "" };
    let last = match synced {
        Some(at) => format!("The remote {} was synced with{by_itself} {}", remote.name, said(*at)),
        None => format!("The remote {} was never synced with{by_itself} yet", remote.name),
    };
    match failed.as_ref().filter(|failed| synced.is_none_or(|at| failed.at >= at)) {
        Some(failed) => format!("{last}; that failed {}: {}.", said(failed.at), failed.reason),
        None => format!("{last}."),
    }
}

/// A ratio as a part: `1/5.3`.
fn times(ratio: f64) -> String {
    if ratio >= 1.0 { format!("1/{ratio:.1}") } else { format!("{:.1} times", 1.0 / ratio) }
}

/// What is said below the table of operations.
pub(super) fn since(window: &Window) -> String {
    let since = window.since.map_or_else(String::new, |since| format!("Since {}.", date(since)));
    let capture = window.capture;
    if capture.sessions == 0 {
        return since;
    }
    let known = percent(capture.unchanged, capture.sessions);
    let looks = brief::count(capture.sessions, "look");
    let since = if since.is_empty() { since } else { since + " " };
    format!("{since}Of {looks} at sessions by `capture`, {known} found nothing new.")
}

/// A part of a whole in percent.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    if percent == 0 && part > 0 { "under 1 %".to_owned() } else { format!("{percent} %") }
}

/// What a group is called.
pub(super) fn name(title: &str, group: &Group, home: &Path) -> String {
    match (title, group.name.as_str()) {
        (_, "") => "(none)".to_owned(),
        ("MODEL", name) => brief::model(name),
        ("WORKSPACE", path) => brief::path(path, home),
        (_, name) => line(name),
    }
}

/// The sums of groups.
pub(super) fn sum(groups: &[Group]) -> Group {
    let mut sum = Group::default();
    for group in groups {
        sum.sessions += group.sessions;
        sum.messages += group.messages;
        sum.tokens.output = sum.tokens.output.saturating_add(group.tokens.output);
        sum.tokens.total = sum.tokens.total.saturating_add(group.tokens.total);
    }
    sum
}

/// The first day of which there is anything to tell.
pub(super) fn first_day(totals: &Totals) -> Option<NaiveDate> {
    let said = totals.days.first().map(|day| day.date);
    let stored = totals.growth.first().map(|(date, _)| *date);
    said.into_iter().chain(stored).min()
}

/// What came into the store on each day; what only left it is nothing.
pub(super) fn grown(growth: &[(NaiveDate, i64)]) -> Vec<(NaiveDate, u64)> {
    growth.iter().map(|(date, bytes)| (*date, u64::try_from(*bytes).unwrap_or(0))).collect()
}

/// What the store took on each day on which that is known; one day alone shows nothing.
pub(super) fn on_disk(sizes: &[SizeOn]) -> Vec<(NaiveDate, u64)> {
    let shown = if sizes.len() > 1 { sizes } else { &[] };
    shown.iter().map(|size| (size.date, size.total)).collect()
}
