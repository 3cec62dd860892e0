//! Lists of a store with far more sessions than the corpus has: its index is filled with copies of
//! their rows, as it would be if there were that many.

use annals::repository::Filter;
use annals::repository::Page;
use annals::repository::SortKey;
use anyhow::Result;
use anyhow::ensure;
use rusqlite::Connection;
use rusqlite::params;

use crate::homes::Corpus;
use crate::homes::Shelf;
use crate::meter;
use crate::meter::Report;
use crate::meter::Target;

/// How many sessions.
const SESSIONS: i64 = 100_000;
const RUNS: u32 = 100;

/// Pages of 30 sessions, of all or of those that match.
pub(crate) fn lists(corpus: &Corpus, report: &mut Report) -> Result<()> {
    report.heading(&format!("lists: {SESSIONS} sessions"));
    let shelf = Shelf::new()?;
    let home = corpus.home();
    meter::run(&mut shelf.annals(&["capture", "--home", &home.to_string_lossy()]))?;
    crowd(&shelf)?;
    let page = Page { offset: 0, limit: 1 };
    let all = shelf.open()?.list(&Filter::default(), SortKey::Modified, false, page)?;
    ensure!(all.total >= SESSIONS.cast_unsigned(), "only {} sessions are listed", all.total);
    let cases: [(&str, &[&str], f64); 7] = [
        ("list", &["list"], 20.0),
        ("list --page 3000", &["list", "--page", "3000"], 40.0),
        ("list --sort title", &["list", "--sort", "title"], 20.0),
        ("list --sort created -r", &["list", "--sort", "created", "-r"], 20.0),
        ("list --all --sort tokens", &["list", "--all", "--sort", "tokens"], 20.0),
        ("list --model opus", &["list", "--model", "opus"], 200.0),
        ("list --since 'last 24 hours'", &["list", "--since", "last 24 hours"], 200.0),
    ];
    for (name, arguments, most) in cases {
        let ms = meter::average(RUNS, || shelf.annals(arguments))?;
        report.row(name, Target::AtMost(most), ms, "ms CPU");
    }
    Ok(())
}

/// Fills the index of a store with copies of its rows, each a minute older than the one before.
pub(crate) fn crowd(shelf: &Shelf) -> Result<()> {
    let mut index = Connection::open(shelf.store().join("annals/index.db"))?;
    let transaction = index.transaction()?;
    let mut statement = transaction.prepare("SELECT key, id FROM sessions WHERE parent IS NULL")?;
    let rows: rusqlite::Result<Vec<(i64, String)>> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect();
    drop(statement);
    let rows = rows?;
    for number in 0..SESSIONS {
        let (from, old) = &rows[usize::try_from(number)? % rows.len()];
        let (key, minutes) = (1_000_000 + number, number * 60_000_000);
        // The last digits differ, as those of real ids do.
        let id = format!(
            "{:016x}{:016x}",
            number / 7,
            number.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15)
        );
        let reversed: String = id.chars().rev().collect();
        for sql in [
            "INSERT INTO names (key, id, reversed, is_deleted) VALUES (?1, ?2, ?3, FALSE)",
            "INSERT INTO sessions SELECT ?1, ?2, agent, title || ' ' || ?3, created - ?5,
                modified - ?5, messages, tokens + ?1, size, workspace, repository, branch, NULL
                FROM sessions WHERE key = ?4",
            "INSERT INTO models SELECT ?1, folded FROM models WHERE key = ?4",
            "INSERT INTO tags SELECT ?1, tag FROM tags WHERE key = ?4",
            "INSERT INTO heads (key, head, damaged, tree)
                SELECT ?1, replace(head, ?3, ?2), damaged, tree FROM heads WHERE key = ?4",
        ] {
            let mut statement = transaction.prepare_cached(sql)?;
            match statement.parameter_count() {
                3 => statement.execute(params![key, id, reversed])?,
                5 => statement.execute(params![key, id, reversed, from, minutes])?,
                _ if sql.contains("heads") => {
                    statement.execute(params![key, dashed(&id), dashed(old), from])?
                }
                _ => statement.execute(params![key, id, reversed, from])?,
            };
        }
    }
    Ok(transaction.commit()?)
}

fn dashed(id: &str) -> String {
    [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-")
}
