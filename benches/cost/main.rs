//! What capturing, saving, listing, reading and migrating cost, on real transcripts, beside plain git in the
//! same run.
//!
//! `ANNALS_CORPUS=<folder> cargo bench` prints one line a figure; `cargo bench -- save` only the
//! part of that name. The folder holds `home/`, a home with Claude Code's sessions, and
//! `versions/<session>/<nn>.jsonl`, the same session at successive moments. Linux only: figures
//! are read from `/proc`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::format_push_string,
    reason = "a benchmark prints, and sets up its own files"
)]

mod homes;
mod lists;
mod live;
mod meter;
mod older;
mod picker;
mod search;
mod sync;

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use annals::repository::Repository;
use annals::session::Record;
use annals::session::SessionId;
use anyhow::Result;
use anyhow::ensure;

use homes::Corpus;
use homes::Shelf;
use meter::Report;
use meter::Target;

/// Bytes of the session that saves go to.
const SESSION_BYTES: usize = 5_000_000;
/// Bytes of the largest file.
const LARGE_BYTES: usize = 400_000_000;
const SAVES: u32 = 200;
const MB: f64 = 1e6;

type Part = fn(&Corpus, &mut Report) -> Result<()>;

fn main() -> Result<()> {
    let Some(folder) = env::var_os("ANNALS_CORPUS") else {
        println!("Nothing to measure: ANNALS_CORPUS names no folder with transcripts.");
        return Ok(());
    };
    let wanted: Vec<String> = env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let corpus = Corpus::open(PathBuf::from(folder))?;
    let mut report = Report::default();
    let parts: [(&str, Part); 12] = [
        ("capture", capture),
        ("large", large),
        ("save", save),
        ("append", live::append),
        ("size", size),
        ("versions", versions),
        ("read", read),
        ("lists", lists::lists),
        ("search", search::search),
        ("picker", picker::picker),
        ("sync", sync::sync),
        ("migrate", older::migrate),
    ];
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|it| it == name) {
            part(&corpus, &mut report)?;
        }
    }
    report.close();
    Ok(())
}

/// The whole home, and again with nothing new.
fn capture(corpus: &Corpus, report: &mut Report) -> Result<()> {
    let megabytes = corpus.bytes() as f64 / MB;
    report.heading(&format!("capture: {} sessions, {megabytes:.1} MB", corpus.files.len()));
    let runs = 5;
    let (mut annals, mut git, mut shelf) = (0.0, 0.0, Shelf::new()?);
    for _ in 0..runs {
        shelf = Shelf::new()?;
        let home = corpus.home();
        let home = home.to_string_lossy();
        annals += meter::average(1, || shelf.annals(&["capture", "--home", &home]))?;
        let raw = shelf.folder.path().join("raw");
        homes::copy(&corpus.home(), &raw)?;
        meter::run(homes::plain_git(&raw).args(["init", "-q"]))?;
        git += meter::spent_by_children(|| homes::commit_all(&raw))?;
    }
    let per_second = |ms: f64| megabytes * f64::from(runs) / (ms / 1000.0);
    report.row("first capture", Target::AtLeast(25.0), per_second(annals), "MB/CPU s");
    report.row("git add + git commit of the same files", Target::None, per_second(git), "MB/CPU s");
    let home = corpus.home();
    let again = ["capture", "--home", &home.to_string_lossy()];
    let before = shelf.tip()?;
    let ms = meter::average(50, || shelf.annals(&again))?;
    ensure!(shelf.tip()? == before, "a capture with nothing new made a commit");
    report.row("capture with nothing new", Target::AtMost(20.0), ms, "ms CPU");
    let fresh = Shelf::new()?;
    let peak = meter::peak_of(&mut fresh.annals(&again))?;
    report.row("first capture, peak memory", Target::AtMost(200.0), peak, "MB");
    Ok(())
}

/// One file far larger than what is held in memory.
fn large(corpus: &Corpus, report: &mut Report) -> Result<()> {
    report.heading(&format!("large: one file of {} MB", LARGE_BYTES / 1_000_000));
    let shelf = Shelf::new()?;
    let session = homes::session_name(1);
    let path = shelf.transcript(&session);
    let mut file = std::io::BufWriter::new(fs::File::create(&path)?);
    corpus.lines(LARGE_BYTES, &mut |line| Ok(std::io::Write::write_all(&mut file, line)?))?;
    std::io::Write::flush(&mut file)?;
    let mut peak = 0.0;
    let ms = meter::spent_by_children(|| {
        peak = meter::peak_of(&mut shelf.annals(&["capture"]))?;
        Ok(())
    })?;
    let speed = LARGE_BYTES as f64 / MB / (ms / 1000.0);
    report.row("first capture, peak memory", Target::AtMost(200.0), peak, "MB");
    report.row("first capture", Target::None, speed, "MB/CPU s");
    Ok(())
}

/// Two messages more in a session of 5 MB, in a small store and in a large one.
fn save(corpus: &Corpus, report: &mut Report) -> Result<()> {
    report.heading("save: 2 messages into a session of 5 MB");
    let shelves = [stocked(corpus, 100)?, stocked(corpus, 10_000)?];
    list(&shelves[1], report)?;
    let small = append_and_capture(corpus, &shelves[0], "100", report)?;
    let large = append_and_capture(corpus, &shelves[1], "10,000", report)?;
    report.row("--path, 10,000 sessions against 100", Target::AtMost(2.0), large / small, "times");
    let mut stores = Vec::new();
    for shelf in &shelves {
        let mut store = shelf.open()?;
        let id = store.resolve(&homes::session_name(0), None)?.id;
        let messages = messages(&mut store, id)?;
        stores.push((store, id, messages));
    }
    let mut costs = [0.0; 2];
    let block = 25;
    // In turns, so that what else the machine does meets both.
    for round in 0..SAVES / block {
        for ((store, id, messages), cost) in stores.iter_mut().zip(&mut costs) {
            let first = (round * block) as usize;
            *cost += meter::spent(|| save_some(store, *id, messages, first, block as usize))?;
        }
    }
    let [small, large] = costs.map(|ms| ms / f64::from(SAVES));
    report.row("library, 100 sessions in the store", Target::AtMost(5.0), small, "ms CPU");
    report.row("library, 10,000 sessions in the store", Target::AtMost(5.0), large, "ms CPU");
    report.row("10,000 sessions against 100", Target::AtMost(2.0), large / small, "times");
    let (store, id, messages) = &mut stores[1];
    let (first, more) = (SAVES as usize, 800);
    let packed = meter::spent(|| {
        save_some(store, *id, messages, first, more)?;
        shelves[1].settle()
    })?;
    let with_packing = packed / more as f64;
    report.row(
        "the same with packing in the background",
        Target::AtMost(5.0),
        with_packing,
        "ms CPU",
    );
    Ok(())
}

/// A store with a session of 5 MB and `count` small ones.
pub(crate) fn stocked(corpus: &Corpus, count: usize) -> Result<Shelf> {
    let shelf = Shelf::new()?;
    let large = shelf.transcript(&homes::session_name(0));
    let mut text = Vec::new();
    corpus.lines(SESSION_BYTES, &mut |line| {
        text.extend_from_slice(line);
        Ok(())
    })?;
    fs::write(large, text)?;
    for n in 1..count {
        let session = homes::session_name(n);
        fs::write(shelf.transcript(&session), homes::short_session(&session, 4, "gone"))?;
    }
    meter::run(&mut shelf.annals(&["capture"]))?;
    Ok(shelf)
}

pub(crate) fn messages(store: &mut Repository, id: SessionId) -> Result<Vec<Record>> {
    let at = store.resolve(&id.to_string(), None)?;
    let mut messages = store.load(&at)?.records;
    messages.retain(|record| record.as_message().is_some());
    for record in &mut messages {
        if let Record::Message(message) = record {
            message.envelope.id = None;
            message.envelope.at = None;
        }
    }
    Ok(messages)
}

pub(crate) fn save_some(
    store: &mut Repository,
    id: SessionId,
    messages: &[Record],
    first: usize,
    count: usize,
) -> Result<()> {
    for n in first..first + count {
        let two = [2 * n, 2 * n + 1].map(|n| messages[n % messages.len()].clone());
        store.append(id, two.to_vec())?;
    }
    Ok(())
}

/// What the program and git take to save two more lines of the agent's file: when it looks at all
/// files, and when it is told the file, as an agent's hook does. The latter is returned.
fn append_and_capture(
    corpus: &Corpus,
    shelf: &Shelf,
    name: &str,
    report: &mut Report,
) -> Result<f64> {
    let rounds = 20;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    corpus.lines(2_000_000, &mut |line| {
        lines.push(line.to_vec());
        Ok(())
    })?;
    let path = shelf.transcript(&homes::session_name(0));
    let told = ["capture", "--path", &path.to_string_lossy()];
    let raw = shelf.home();
    meter::run(homes::plain_git(&raw).args(["init", "-q"]))?;
    homes::commit_all(&raw)?;
    let (mut all, mut one, mut git) = (0.0, 0.0, 0.0);
    for four in lines.chunks_exact(4).take(rounds) {
        for line in &four[..2] {
            homes::append(&path, line)?;
        }
        git += meter::spent_by_children(|| homes::commit_all(&raw))?;
        all += meter::average(1, || shelf.annals(&["capture"]))?;
        for line in &four[2..] {
            homes::append(&path, line)?;
        }
        one += meter::average(1, || shelf.annals(&told))?;
    }
    let [all, one, git] = [all, one, git].map(|ms| ms / rounds as f64);
    report.row(&format!("capture of 2 lines, {name} sessions"), Target::None, all, "ms CPU");
    let what = format!("capture --path of 2 lines, {name} sessions");
    report.row(&what, Target::None, one, "ms CPU");
    report.row(&format!("git add + commit, {name} sessions"), Target::None, git, "ms CPU");
    Ok(one)
}

fn list(shelf: &Shelf, report: &mut Report) -> Result<()> {
    let ms = meter::average(100, || shelf.annals(&["list", "-n", "50"]))?;
    report.row("list -n 50, 10,000 sessions", Target::AtMost(10.0), ms, "ms CPU");
    Ok(())
}

/// The packed store beside the files it was made from.
fn size(corpus: &Corpus, report: &mut Report) -> Result<()> {
    report.heading("size: one version of each session, after gc");
    let shelf = Shelf::new()?;
    let home = corpus.home();
    meter::run(&mut shelf.annals(&["capture", "--home", &home.to_string_lossy()]))?;
    meter::run(&mut shelf.annals(&["gc"]))?;
    let raw = shelf.folder.path().join("raw");
    homes::copy(&home, &raw)?;
    meter::run(homes::plain_git(&raw).args(["init", "-q"]))?;
    homes::commit_all(&raw)?;
    let git = packed(&raw)?;
    let bytes = corpus.bytes() as f64;
    let whole = homes::size(&shelf.store())? as f64 / bytes;
    report.row("store, against the files", Target::AtMost(0.40), whole, "of them");
    let objects = homes::size(&shelf.store().join("objects"))? as f64 / bytes;
    report.row("  of it git's objects", Target::None, objects, "of them");
    report.row("git repack -adf of the files", Target::None, git as f64 / bytes, "of them");
    Ok(())
}

/// Sessions as they grew, against the same history of the raw files.
fn versions(corpus: &Corpus, report: &mut Report) -> Result<()> {
    report.heading("versions: each session replayed");
    let shelf = Shelf::new()?;
    let raw = shelf.home();
    meter::run(homes::plain_git(&raw).args(["init", "-q"]))?;
    let (mut states, mut annals, mut git) = (0, 0.0, 0.0);
    for session in sorted(&corpus.folder.join("versions"))? {
        let name = session.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for version in sorted(&session)? {
            homes::copy(&version, &shelf.transcript(&name))?;
            git += meter::spent_by_children(|| homes::commit_all(&raw))?;
            annals += meter::average(1, || shelf.annals(&["capture"]))?;
            states += 1;
        }
    }
    report.row("states captured", Target::None, f64::from(states), "");
    report.row("capture of a state", Target::None, annals / f64::from(states), "ms CPU");
    report.row("git add + commit of a state", Target::None, git / f64::from(states), "ms CPU");
    meter::run(&mut shelf.annals(&["gc"]))?;
    let objects = homes::size(&shelf.store().join("objects"))? as f64;
    let raw = packed(&raw)? as f64;
    report.row(
        "objects after gc, against git repack -adf",
        Target::AtMost(1.1),
        objects / raw,
        "times",
    );
    Ok(())
}

/// Bytes of a work tree's objects, packed tightly.
fn packed(raw: &Path) -> Result<u64> {
    meter::run(homes::plain_git(raw).args(["repack", "-adfq"]))?;
    meter::run(homes::plain_git(raw).args(["prune-packed", "-q"]))?;
    homes::size(&raw.join(".git/objects"))
}

/// Reading back.
fn read(corpus: &Corpus, report: &mut Report) -> Result<()> {
    report.heading("read");
    let shelf = Shelf::new()?;
    let names = [homes::session_name(1), homes::session_name(2)];
    for (name, word) in names.iter().zip(["lost", "kept"]) {
        fs::write(shelf.transcript(name), homes::short_session(name, 20_000, word))?;
    }
    meter::run(&mut shelf.annals(&["capture"]))?;
    let home = corpus.home();
    meter::run(&mut shelf.annals(&["capture", "--home", &home.to_string_lossy()]))?;
    let diff = meter::spent_by_children(|| {
        // Differences are a negative answer, so the exit code is 1.
        shelf
            .annals(&["diff", &names[0], &names[1]])
            .stdout(std::process::Stdio::null())
            .status()?;
        Ok(())
    })?;
    report.row("diff of two sessions of 20,000 records", Target::None, diff, "ms CPU");
    let Some((largest, length)) = corpus.files.last() else { return Ok(()) };
    let name = largest.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let megabytes = *length as f64 / MB;
    let what = |verb| format!("{verb} of a session of {megabytes:.1} MB");
    let ms = meter::average(10, || shelf.annals(&["show", &name]))?;
    report.row(&what("show"), Target::None, ms, "ms CPU");
    let ms = meter::average(10, || shelf.annals(&["--json", "show", &name]))?;
    report.row(&what("show --json"), Target::None, ms, "ms CPU");
    let target = shelf.folder.path().join("target");
    let target = target.to_string_lossy();
    fs::create_dir_all(&*target)?;
    let restore = ["restore", &name, "--force", "--home", &target];
    let ms = meter::average(10, || shelf.annals(&restore))?;
    report.row(&what("restore"), Target::None, ms, "ms CPU");
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries: std::io::Result<Vec<_>> = fs::read_dir(folder)?.collect();
    let mut paths: Vec<PathBuf> = entries?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}
