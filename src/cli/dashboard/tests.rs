use std::collections::BTreeMap;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::*;
use crate::cli::samples;
use crate::repository::Alert;
use crate::repository::CaptureCache;
use crate::repository::Day;
use crate::repository::SizeOn;
use crate::repository::Storage;
use crate::repository::Totals;
use crate::session::Counts;
use crate::session::Tokens;

fn day(number: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, number).expect("a day")
}

fn tokens(output: u64) -> Tokens {
    Tokens { input: 10, output, cache_read: 990 * output, cache_write: 0, total: 10 + 991 * output }
}

fn group(name: &str, messages: u64) -> Group {
    Group { name: name.to_owned(), sessions: 3, messages, tokens: tokens(messages) }
}

fn stats() -> Stats {
    let mut operations = Window {
        since: None,
        operations: BTreeMap::new(),
        capture: CaptureCache { sessions: 40, unchanged: 38 },
    };
    let mut save = Latency::default();
    for ms in [2, 2, 3, 90] {
        save.add(Duration::from_millis(ms), ms == 90);
    }
    operations.operations.insert("save".to_owned(), save);
    Stats {
        totals: Totals {
            sessions: 12,
            subagents: 2,
            counts: Counts { messages: 400, turns: 30, tool_calls: 90, ..Counts::default() },
            tokens: tokens(4_000),
            redactions: BTreeMap::from([("github-token".to_owned(), 2)]),
            agents: vec![group("claude-code", 400)],
            models: vec![group("claude-opus-4-5-20251101", 200), group("\u{1b}[31m", 25)],
            workspaces: (1..=10).map(|it| group(&format!("/home/dev/src/{it}/shop"), 50)).collect(),
            days: vec![
                Day { date: day(2), sessions: 1, messages: 300, tokens: tokens(3_000) },
                Day { date: day(20), sessions: 2, messages: 100, tokens: tokens(1_000) },
            ],
            growth: vec![(day(20), 90_000), (day(21), -4)],
            ..Totals::default()
        },
        storage: Storage {
            total: 9_000_000,
            history: 2_000_000,
            derived: 6_900_000,
            raw: 10_600_000,
            free: Some(40_000_000_000),
            limit: Some(5_000_000),
        },
        sizes: [(12, 3_000_000), (20, 8_000_000), (22, 9_000_000)]
            .map(|(date, total)| SizeOn { date: day(date), total, history: 2_000_000 })
            .to_vec(),
        operations,
        remotes: Vec::new(),
        alerts: vec![Alert::OverLimit { size: 9_000_000, limit: 5_000_000 }],
    }
}

fn look(width: usize) -> DashboardLook<'static> {
    let (paint, home) = (Paint::new(false), Path::new("/home/dev"));
    DashboardLook { paint, width, home, today: day(22), now: samples::now() }
}

#[test]
fn it_says_what_there_is() {
    insta::assert_snapshot!(text(&stats(), look(80)), @r"
        ! The store takes 9 MB, more than `limits.size` (5 MB): the next `annals
          capture` says what would free space.

        12 sessions, 2 of sub-agents, 400 messages, 30 turns, 90 tool calls, 4M tokens
        (4k written, 99 % from caches)

        2026-11-02 to 2026-11-22, a day each; the most on the right
        Messages    █·················▂·· 300
        Tokens      █·················▂·· 3M
        Text stored ··················█·· 90 kB
        On disk     ··········▂▂▂▂▂▂▂▂▇▇█ 9 MB

        AGENT                              SESSIONS  MESSAGES  OUTPUT  TOKENS
        claude-code  ████████████████████         3       400     400    396k

        MODEL                           SESSIONS  MESSAGES  OUTPUT  TOKENS
        opus-4-5  ████████████████████         3       200     200    198k
        ␛[31m     ██▌                          3        25      25   24.8k

        WORKSPACE                           SESSIONS  MESSAGES  OUTPUT  TOKENS
        ~/src/1/shop  ████████████████████         3        50      50   49.6k
        ~/src/2/shop  ████████████████████         3        50      50   49.6k
        ~/src/3/shop  ████████████████████         3        50      50   49.6k
        ~/src/4/shop  ████████████████████         3        50      50   49.6k
        ~/src/5/shop  ████████████████████         3        50      50   49.6k
        ~/src/6/shop  ████████████████████         3        50      50   49.6k
        ~/src/7/shop  ████████████████████         3        50      50   49.6k
        ~/src/8/shop  ████████████████████         3        50      50   49.6k
        2 more                                     6       100     100   99.1k

        Redacted 2 secrets (github-token).

        The store takes 9 MB: history 2 MB, 1/5.3 of the 10.6 MB that went in; index and
        logs 6.9 MB. Its limit is 5 MB. 40 GB of the disk are left.

        OPERATION  COUNT  FAILED      P50      P95      MAX
        save           4       1  2.05 ms  90.0 ms  90.0 ms
        Of 40 looks at sessions by `capture`, 95 % found nothing new.
    ");
}

#[test]
fn no_line_is_longer_than_the_terminal_and_nothing_steers_it() {
    for width in [40, 60, 80, 120, 200] {
        let text = text(&stats(), look(width));
        for line in text.lines() {
            assert!(line.width() <= width, "{} columns of {width}: {line}", line.width());
        }
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn nothing_at_all_is_told_too() {
    let nothing = Stats {
        totals: Totals::default(),
        storage: Storage::default(),
        sizes: vec![SizeOn { date: day(22), total: 900, history: 0 }],
        operations: Window::default(),
        remotes: Vec::new(),
        alerts: Vec::new(),
    };
    let told = text(&nothing, look(60));
    assert!(told.starts_with("0 sessions, 0 messages"), "{told}");
    let page = page(&nothing, look(60));
    assert!(page.charts.is_empty() && page.tables.is_empty() && page.alerts.is_empty());
}

#[test]
fn the_page_has_the_same_figures() {
    let page = page(&stats(), look(80));
    let titles: Vec<&str> = page.charts.iter().map(|chart| chart.title.as_str()).collect();
    assert_eq!(
        titles,
        ["Messages by day", "Tokens by day", "Text stored by day", "On disk by day"]
    );
    assert_eq!(page.charts[0].columns.len(), 21);
    assert_eq!(page.charts[0].columns[0], ("2026-11-02".to_owned(), 300, "300".to_owned()));
    let tables: Vec<(&str, usize)> =
        page.tables.iter().map(|table| (table.title.as_str(), table.rows.len())).collect();
    assert_eq!(tables[..4], [("Agents", 1), ("Models", 2), ("Workspaces", 10), ("Redacted", 1)]);
    assert_eq!(page.tables[4].rows[0].cells[..2], ["4", "1"]);
    assert_eq!(page.alerts.len(), 1);
    let text = page.render();
    assert!(
        text.contains("2026-11-02: 300") && text.contains("~&#x2f;src&#x2f;10&#x2f;shop"),
        "{text}"
    );
}
