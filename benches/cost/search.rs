//! What searching costs, beside ripgrep on the same files in the same run.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use annals::repository::Filter;
use annals::repository::Page;
use annals::repository::Query;
use annals::repository::Repository;
use annals::repository::Scope;
use annals::repository::SearchOptions;
use annals::repository::SortKey;
use annals::repository::record_to_value;
use anyhow::Context;
use anyhow::Result;
use serde_json::Value;

use crate::homes;
use crate::homes::Corpus;
use crate::homes::Shelf;
use crate::meter;
use crate::meter::Report;
use crate::meter::Target;
use crate::stocked;

const RUNS: u32 = 30;

/// The whole home: queries, the index's size, and what following costs; then 10,000 sessions.
pub(crate) fn search(corpus: &Corpus, report: &mut Report) -> Result<()> {
    report.heading("search: the home");
    let shelf = Shelf::new()?;
    let home = corpus.home();
    meter::run(&mut shelf.annals(&["capture", "--home", &home.to_string_lossy()]))?;
    meter::run(&mut shelf.annals(&["gc"]))?;
    size(corpus, &shelf, report)?;
    let queries = drawn(&mut shelf.open()?)?;
    for (name, query) in &queries {
        beside_ripgrep(corpus, &shelf, (name, query), report)?;
    }
    let piece = &queries["identifier"];
    for (what, arguments) in [
        ("--exact, looking through every text", ["search", "--exact", piece]),
        ("--regex, looking through every text", ["search", "--regex", "[0-9]{4}z[0-9]{4}z"]),
    ] {
        let ms = meter::spent_by_children(|| runs(10, || shelf.annals(&arguments)))? / 10.0;
        report.row(what, Target::None, ms, "ms CPU");
    }
    following(&shelf, report)?;
    report.heading("search: 10,000 sessions");
    let shelf = stocked(corpus, 10_000)?;
    for (name, query) in &queries {
        let ms = average(&shelf, query)?;
        report.row(&format!("{name}, whole process"), Target::AtMost(15.0), ms, "ms CPU");
    }
    let ms = average(&shelf, "question")?;
    report.row("a word that stands in each of them", Target::None, ms, "ms CPU");
    Ok(())
}

fn size(corpus: &Corpus, shelf: &Shelf, report: &mut Report) -> Result<()> {
    let bytes = corpus.bytes() as f64;
    let index = fs::metadata(shelf.store().join("annals/index.db"))?.len() as f64;
    let whole = homes::size(&shelf.store())? as f64;
    report.row(
        "store and index, against the files",
        Target::AtMost(0.40),
        whole / bytes,
        "of them",
    );
    report.row("  of it the index", Target::None, index / bytes, "of them");
    Ok(())
}

/// A query as the program runs it, and ripgrep looking for the files that hold the same.
fn beside_ripgrep(
    corpus: &Corpus,
    shelf: &Shelf,
    (name, query): (&str, &str),
    report: &mut Report,
) -> Result<()> {
    let annals = average(shelf, query)?;
    let text = query.trim_matches('"');
    let has_ripgrep = Command::new("rg").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !has_ripgrep {
        report.row(&format!("{name} ({query})"), Target::None, annals, "ms CPU");
        return Ok(());
    }
    let folder = corpus.home();
    let ripgrep = |options: &[&str]| -> Result<f64> {
        let ms = meter::spent_by_children(|| {
            runs(RUNS, || {
                let mut command = Command::new("rg");
                command.args(["-l", "-uu", "-F"]).args(options).args(["--", text]).arg(&folder);
                command
            })
        })?;
        Ok((ms / f64::from(RUNS) * 10.0).round() / 10.0)
    };
    let (same_case, any_case) = (ripgrep(&[])?, ripgrep(&["-i"])?);
    // A common word is in all files: ripgrep looks at the beginning of each.
    let target = if name == "common" { Target::None } else { Target::AtMost(same_case) };
    report.row(&format!("{name} ({query})"), target, annals, "ms CPU");
    report.row("  rg -l -F", Target::None, same_case, "ms CPU");
    report.row("  rg -l -F -i", Target::None, any_case, "ms CPU");
    Ok(())
}

fn average(shelf: &Shelf, query: &str) -> Result<f64> {
    let ms = meter::spent_by_children(|| runs(RUNS, || shelf.annals(&["search", query])))?;
    Ok(ms / f64::from(RUNS))
}

/// Runs a child again and again; that it finds nothing is no failure.
fn runs(times: u32, mut command: impl FnMut() -> Command) -> Result<()> {
    for _ in 0..times {
        let status = command().stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        anyhow::ensure!(matches!(status.code(), Some(0 | 1)), "it ended with {status}");
    }
    Ok(())
}

/// What it costs to follow main: nothing new, and one save that the index has not seen.
fn following(shelf: &Shelf, report: &mut Report) -> Result<()> {
    let query = Query::parse("zzznothing")?;
    let options = SearchOptions {
        scope: Scope::All,
        filter: Filter { with_subagents: true, ..Filter::default() },
        page: Page { offset: 0, limit: 10 },
        hits: 3,
        now: chrono::DateTime::UNIX_EPOCH,
    };
    let mut store = shelf.open()?;
    store.search(&query, &options, &mut |_| {})?;
    let nothing = meter::spent(|| {
        for _ in 0..500 {
            store.search(&query, &options, &mut |_| {})?;
        }
        Ok(())
    })?;
    let row = "search for nothing, nothing new, in one process";
    report.row(row, Target::AtMost(1.0), nothing / 500.0, "ms CPU");
    let page = Page { offset: 0, limit: 1 };
    let largest = store.list(&Filter::default(), SortKey::Size, false, page)?;
    let id = largest.sessions.first().context("a session")?.head.id;
    drop(store);
    let rounds = 30;
    let mut spent = 0.0;
    for round in 0..rounds {
        let files = kept(&shelf.store().join("annals"))?;
        let message = annals::session::Message::new("user", &format!("Round {round} of them."));
        shelf.open()?.append(id, vec![message.into()])?;
        // As if another program, which knows no index, had saved it.
        for (path, bytes) in files {
            fs::write(path, bytes)?;
        }
        let mut store = shelf.open()?;
        spent += meter::spent(|| {
            store.search(&query, &options, &mut |_| {})?;
            Ok(())
        })?;
    }
    let row = "the same after one save";
    report.row(row, Target::AtMost(5.0), spent / f64::from(rounds), "ms CPU");
    Ok(())
}

/// The index's files.
fn kept(folder: &Path) -> Result<Vec<(std::path::PathBuf, Vec<u8>)>> {
    let names = ["index.db", "index.db-wal", "index.db-shm"].map(|name| folder.join(name));
    let there = names.into_iter().filter(|path| path.exists());
    there.map(|path| Ok((path.clone(), fs::read(&path)?))).collect()
}

/// Queries drawn from the texts: the first of each kind in alphabetical order.
fn drawn(store: &mut Repository) -> Result<BTreeMap<&'static str, String>> {
    let page = Page { offset: 0, limit: 1_000 };
    let mut words: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let mut phrases: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let mut paths: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let listing = store.list(&Filter::default(), SortKey::Modified, false, page)?;
    for (number, summary) in listing.sessions.iter().enumerate() {
        let at = store.resolve(&summary.head.id.to_string(), None)?;
        for record in store.load(&at)?.view().filter(|record| record.as_message().is_some()) {
            each_text(&record_to_value(record)["content"], &mut |text| {
                let mut before = "";
                for word in text.split(' ') {
                    let is_word = |word: &str| {
                        word.len() >= 6 && word.bytes().all(|byte| byte.is_ascii_lowercase())
                    };
                    let is_path = word.len() >= 12
                        && word.contains('/')
                        && word.contains('_')
                        && word.bytes().all(|b| b.is_ascii_lowercase() || b"/_.".contains(&b));
                    if is_word(word) {
                        words.entry(word.to_owned()).or_default().insert(number);
                    }
                    if is_word(word) && is_word(before) {
                        phrases.entry(format!("\"{before} {word}\"")).or_default().insert(number);
                    }
                    if is_path {
                        paths.entry(word.to_owned()).or_default().insert(number);
                    }
                    before = word;
                }
            });
        }
    }
    let rare = |all: &BTreeMap<String, BTreeSet<usize>>, most: usize| {
        let mut found = all.iter().filter(|(_, sessions)| sessions.len() <= most);
        found.next().map(|(text, _)| text.clone()).context("the corpus has such texts")
    };
    let common = words.iter().max_by_key(|(_, sessions)| sessions.len()).context("words")?;
    Ok(BTreeMap::from([
        ("rare", rare(&words, 1)?),
        ("phrase", rare(&phrases, 3)?),
        ("identifier", rare(&paths, 3)?),
        ("common", common.0.clone()),
        ("no hit", "zzznothing".to_owned()),
    ]))
}

fn each_text(value: &Value, see: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, see)),
        Value::Object(map) => map.values().for_each(|item| each_text(item, see)),
        _ => {}
    }
}
