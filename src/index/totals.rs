//! Sums over the sessions that a filter leaves: of their heads, by agent, model, workspace and day.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use chrono::DateTime;
use chrono::NaiveDate;
use chrono::Utc;
use rusqlite::Connection;
use rusqlite::params_from_iter;

use crate::index::Error;
use crate::index::Filter;
use crate::index::conditions::Conditions;
use crate::index::database::failed;
use crate::index::list::parse;
use crate::index::tallies::UNDATED;
use crate::session::Counts;
use crate::session::Head;
use crate::session::Tokens;

/// The day on which an instant falls, where the user is.
pub type DayOf<'d> = dyn Fn(DateTime<Utc>) -> NaiveDate + 'd;

/// Sums over sessions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Sessions that no other one started.
    pub sessions: u64,
    /// Sessions of sub-agents.
    pub subagents: u64,
    /// Sessions that cannot be read; what is known of them is counted.
    pub damaged: u64,
    /// Sessions whose agent wrote them: they were captured.
    pub captured: u64,
    /// The counts of all.
    pub counts: Counts,
    /// Bytes of text in those that were not captured.
    pub uncaptured_bytes: u64,
    /// The tokens of all.
    pub tokens: Tokens,
    /// Redactions in their records, by rule.
    pub redactions: BTreeMap<String, u64>,
    /// By agent, the most messages first.
    pub agents: Vec<Group>,
    /// By model, the most messages first. A session counts for each of its models.
    pub models: Vec<Group>,
    /// By workspace, the most messages first.
    pub workspaces: Vec<Group>,
    /// By day, the earliest first, each on which something was said.
    pub days: Vec<Day>,
    /// Messages without a time.
    pub undated: u64,
    /// Bytes of text that came (or went) on each day on which something was stored.
    pub growth: Vec<(NaiveDate, i64)>,
}

/// What some sessions have in common, and their sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// What they have in common; empty: they have none of it.
    pub name: String,
    /// How many there are, sub-agents' included.
    pub sessions: u64,
    /// Their messages; of a model: its own.
    pub messages: u64,
    /// Their tokens; of a model: its own.
    pub tokens: Tokens,
}

/// What was said on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub date: NaiveDate,
    /// Sessions in which something was said.
    pub sessions: u64,
    /// Messages.
    pub messages: u64,
    /// Tokens.
    pub tokens: Tokens,
}

/// Sums over what a filter leaves, all of one moment.
pub(super) fn totals(
    connection: &Connection,
    filter: &Filter,
    day_of: &DayOf<'_>,
) -> Result<Totals, Error> {
    let read = || -> rusqlite::Result<Totals> {
        let snapshot = connection.unchecked_transaction()?;
        let conditions = Conditions::of(filter);
        let mut totals = Totals::default();
        add_heads(connection, &conditions, &mut totals)?;
        add_tallies(connection, &conditions, day_of, &mut totals)?;
        add_growth(connection, &conditions, day_of, &mut totals)?;
        snapshot.commit()?;
        Ok(totals)
    };
    read().map_err(failed("cannot sum up the sessions"))
}

fn add_heads(
    connection: &Connection,
    conditions: &Conditions,
    totals: &mut Totals,
) -> rusqlite::Result<()> {
    let (mut agents, mut workspaces) = (BTreeMap::new(), BTreeMap::new());
    let sql = format!(
        "SELECT head, damaged IS NOT NULL FROM heads
        WHERE key IN (SELECT key FROM sessions WHERE {})",
        conditions.sql()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(conditions.values()))?;
    while let Some(row) = rows.next()? {
        let head: Head = parse(0, row.get_ref(0)?.as_str()?)?;
        totals.damaged += u64::from(row.get::<_, bool>(1)?);
        add_head(totals, &head);
        let root = head.workspace.root.as_deref().unwrap_or_default();
        let root = if root.len() > 1 { root.trim_end_matches('/') } else { root };
        for (groups, name) in [(&mut agents, head.agent.name.as_str()), (&mut workspaces, root)] {
            add_to(groups, name, head.counts.messages, head.tokens);
        }
    }
    totals.agents = sorted(agents);
    totals.workspaces = sorted(workspaces);
    Ok(())
}

fn add_head(totals: &mut Totals, head: &Head) {
    match head.parent {
        None => totals.sessions += 1,
        Some(_) => totals.subagents += 1,
    }
    match head.origin.as_deref() {
        Some("captured") => totals.captured += 1,
        _ => totals.uncaptured_bytes += head.counts.bytes,
    }
    let (sum, counts) = (&mut totals.counts, &head.counts);
    for (sum, count) in [
        (&mut sum.records, counts.records),
        (&mut sum.messages, counts.messages),
        (&mut sum.turns, counts.turns),
        (&mut sum.tool_calls, counts.tool_calls),
        (&mut sum.unreadable, counts.unreadable),
        (&mut sum.bytes, counts.bytes),
    ] {
        *sum = sum.saturating_add(count);
    }
    add_tokens(&mut totals.tokens, head.tokens);
    for (rule, count) in &head.redactions {
        *totals.redactions.entry(rule.clone()).or_default() += count;
    }
}

fn add_tallies(
    connection: &Connection,
    conditions: &Conditions,
    day_of: &DayOf<'_>,
    totals: &mut Totals,
) -> rusqlite::Result<()> {
    let mut models: BTreeMap<String, Group> = BTreeMap::new();
    let mut days: BTreeMap<NaiveDate, (Day, BTreeSet<i64>)> = BTreeMap::new();
    let mut sessions: BTreeSet<(String, i64)> = BTreeSet::new();
    let sql = format!(
        "SELECT key, quarter, model, messages, input, output, cache_read, cache_write FROM tallies
        WHERE key IN (SELECT key FROM sessions WHERE {})",
        conditions.sql()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(conditions.values()))?;
    while let Some(row) = rows.next()? {
        let (key, quarter, model): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let number = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let messages = number(3)?;
        let mut tokens = Tokens {
            input: number(4)?,
            output: number(5)?,
            cache_read: number(6)?,
            cache_write: number(7)?,
            total: 0,
        };
        let parts = [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write];
        tokens.total = parts.into_iter().fold(0, u64::saturating_add);
        if !model.is_empty() {
            add_to(&mut models, &model, messages, tokens);
            sessions.insert((model, key));
        }
        match DateTime::from_timestamp(quarter, 0).filter(|_| quarter != UNDATED) {
            None => totals.undated += messages,
            Some(at) => {
                let date = day_of(at);
                let none = Day { date, sessions: 0, messages: 0, tokens: Tokens::default() };
                let (day, keys) = days.entry(date).or_insert((none, BTreeSet::new()));
                day.messages = day.messages.saturating_add(messages);
                add_tokens(&mut day.tokens, tokens);
                keys.insert(key);
            }
        }
    }
    for (name, group) in &mut models {
        let first = (name.clone(), i64::MIN);
        group.sessions =
            sessions.range(first..).take_while(|(model, _)| model == name).count() as u64;
    }
    totals.models = sorted(models);
    let day = |(day, keys): (Day, BTreeSet<i64>)| Day { sessions: keys.len() as u64, ..day };
    totals.days = days.into_values().map(day).collect();
    Ok(())
}

/// What each revision added to its session, on the day of the revision.
fn add_growth(
    connection: &Connection,
    conditions: &Conditions,
    day_of: &DayOf<'_>,
    totals: &mut Totals,
) -> rusqlite::Result<()> {
    let mut days: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    let sql = format!(
        "SELECT revisions.key, commits.at, coalesce(json_extract(counts, '$.bytes'), 0)
        FROM revisions JOIN commits USING (number)
        WHERE revisions.key IN (SELECT key FROM sessions WHERE {}) ORDER BY 1, number",
        conditions.sql()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(conditions.values()))?;
    let mut last = (0, 0);
    while let Some(row) = rows.next()? {
        let (key, at, bytes): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let before = if last.0 == key { last.1 } else { 0 };
        if let Some(at) = DateTime::from_timestamp_micros(at) {
            *days.entry(day_of(at)).or_default() += bytes - before;
        }
        last = (key, bytes);
    }
    totals.growth = days.into_iter().collect();
    Ok(())
}

fn add_to(groups: &mut BTreeMap<String, Group>, name: &str, messages: u64, tokens: Tokens) {
    let none = Group { name: name.to_owned(), ..Group::default() };
    let group = groups.entry(name.to_owned()).or_insert(none);
    group.sessions += 1;
    group.messages = group.messages.saturating_add(messages);
    add_tokens(&mut group.tokens, tokens);
}

fn add_tokens(sum: &mut Tokens, tokens: Tokens) {
    for (sum, count) in [
        (&mut sum.input, tokens.input),
        (&mut sum.output, tokens.output),
        (&mut sum.cache_read, tokens.cache_read),
        (&mut sum.cache_write, tokens.cache_write),
        (&mut sum.total, tokens.total),
    ] {
        *sum = sum.saturating_add(count);
    }
}

fn sorted(groups: BTreeMap<String, Group>) -> Vec<Group> {
    let mut groups: Vec<Group> = groups.into_values().collect();
    // Stable: what is alike stays in the order of names.
    groups.sort_by_key(|group| std::cmp::Reverse((group.messages, group.sessions)));
    groups
}
