//! What a sync costs beside plain git, and what a merge does.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use annals::repository::SyncOptions;
use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;

use crate::homes;
use crate::homes::Corpus;
use crate::homes::Shelf;
use crate::homes::plain_git;
use crate::meter;
use crate::meter::Report;
use crate::meter::Target;
use crate::save_some;

const SAVES: usize = 1_000;

pub(crate) fn sync(corpus: &Corpus, report: &mut Report) -> Result<()> {
    report.heading("sync");
    nothing_to_do(corpus, report)?;
    many_saves(corpus, report)?;
    merge(corpus, report)
}

/// A store with the corpus, and a remote that has it too.
fn synced(corpus: &Corpus) -> Result<Shelf> {
    let shelf = Shelf::new()?;
    let home = corpus.home();
    meter::run(&mut shelf.annals(&["capture", "--home", &home.to_string_lossy()]))?;
    add_remote(&shelf, &remote_of(&shelf))?;
    meter::run(&mut shelf.annals(&["sync"]))?;
    Ok(shelf)
}

fn remote_of(shelf: &Shelf) -> PathBuf {
    shelf.folder.path().join("remote.git")
}

fn add_remote(shelf: &Shelf, remote: &Path) -> Result<()> {
    if !remote.exists() {
        meter::run(Command::new("git").args(["init", "-q", "--bare"]).arg(remote))?;
    }
    meter::run(&mut shelf.annals(&["remote", "add", "hub", &remote.to_string_lossy()]))
}

fn nothing_to_do(corpus: &Corpus, report: &mut Report) -> Result<()> {
    let shelf = synced(corpus)?;
    let (rounds, runs) = (5, 20);
    let (mut annals, mut git) = (0.0, 0.0);
    for _ in 0..rounds {
        annals += meter::average(runs, || shelf.annals(&["sync"]))?;
        git += meter::average(runs, || git_at(&shelf, &["fetch", "-q", "hub", "main"]))?;
        git += meter::average(runs, || git_at(&shelf, &["push", "-q", "hub", "main"]))?;
    }
    let [annals, git] = [annals, git].map(|ms| ms / f64::from(rounds));
    report.row("a sync with nothing to do", Target::None, annals, "ms CPU");
    report.row("git fetch and git push with nothing to do", Target::None, git, "ms CPU");
    report.row("annals against git", Target::AtMost(2.0), annals / git, "times");
    Ok(())
}

fn git_at(shelf: &Shelf, arguments: &[&str]) -> Command {
    let mut command = plain_git(&shelf.store());
    // The git that annals calls, too.
    command.args(arguments).env("PATH", "/usr/bin:/bin");
    command
}

/// A thousand saves go to a remote that has all before them: by annals, and by git from a copy.
fn many_saves(corpus: &Corpus, report: &mut Report) -> Result<()> {
    let shelf = synced(corpus)?;
    let (mut store, name) = (shelf.open()?, corpus.files.last().context("a transcript")?);
    let name = name.0.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let id = store.resolve(&name, None)?.id;
    let messages = crate::messages(&mut store, id)?;
    save_some(&mut store, id, &messages, 0, SAVES)?;
    drop(store);
    shelf.settle()?;
    let (mut annals, mut git, rounds) = (0.0, 0.0, 5);
    for round in 0..rounds {
        let copy = Shelf::new()?;
        homes::copy(&shelf.store(), &copy.store())?;
        homes::copy(&remote_of(&shelf), &remote_of(&copy))?;
        let there = remote_of(&copy).to_string_lossy().into_owned();
        meter::run(&mut git_at(&copy, &["config", "remote.hub.url", &there]))?;
        let other = copy.folder.path().join(format!("other-{round}.git"));
        homes::copy(&remote_of(&shelf), &other)?;
        let other = other.to_string_lossy().into_owned();
        // In turns, so that what else the machine does meets both.
        let mut one = || -> Result<()> {
            annals += meter::average(1, || copy.annals(&["sync"]))?;
            Ok(())
        };
        let mut two = || -> Result<()> {
            git += meter::average(1, || git_at(&copy, &["push", "-q", &other, "main"]))?;
            Ok(())
        };
        if round % 2 == 0 {
            one()?;
            two()?;
        } else {
            two()?;
            one()?;
        }
        let tips = [&there, &other]
            .map(|it| meter::output(plain_git(Path::new(it)).args(["rev-parse", "main"])));
        let [left, right] = tips;
        ensure!(left? == right?, "both pushed the same");
    }
    let [annals, git] = [annals, git].map(|ms| ms / f64::from(rounds));
    report.row("a sync of 1,000 saves", Target::None, annals, "ms CPU");
    report.row("git push of the same objects", Target::None, git, "ms CPU");
    report.row("annals against git", Target::AtMost(1.5), annals / git, "times");
    Ok(())
}

/// One session that two machines went on with, in a store of 10,000.
fn merge(corpus: &Corpus, report: &mut Report) -> Result<()> {
    let ours = crate::stocked(corpus, 10_000)?;
    let theirs = Shelf::new()?;
    homes::copy(&ours.home(), &theirs.home())?;
    homes::copy(&ours.store(), &theirs.store())?;
    let remote = remote_of(&ours);
    for shelf in [&ours, &theirs] {
        add_remote(shelf, &remote)?;
        meter::run(&mut shelf.annals(&["sync"]))?;
    }
    for size in [1, 0] {
        one_session(&ours, &theirs, size, report)?;
    }
    Ok(())
}

/// `number`: 0, the session of 5 MB; another, one of four messages.
fn one_session(ours: &Shelf, theirs: &Shelf, number: usize, report: &mut Report) -> Result<()> {
    let name = homes::session_name(number);
    let rounds = 20;
    let (mut merged, mut plain) = (0.0, 0.0);
    for round in 0..rounds {
        for (shelf, word) in [(ours, "ours"), (theirs, "theirs")] {
            let line = homes::short_session(&name, 1, "x");
            let id = format!("{round:08x}-{word}");
            let line = line.replace(&format!("\"{:08x}-{}\"", 0, &name[9..]), &format!("\"{id}\""));
            homes::append(&shelf.transcript(&name), line.as_bytes())?;
            meter::run(&mut shelf.annals(&[
                "capture",
                "--path",
                &shelf.transcript(&name).to_string_lossy(),
            ]))?;
        }
        meter::run(&mut theirs.annals(&["sync"]))?;
        // What is dear in a sync but the merge: git's part.
        let mut store = ours.open()?;
        let mut outcome = None;
        let mut steps = Vec::new();
        let mut at = |step: &'static str| {
            if let Ok(cpu) = meter::own() {
                steps.push((step, cpu));
            }
        };
        let all = meter::spent(|| {
            outcome = Some(store.sync(None, SyncOptions::default(), &mut at)?);
            Ok(())
        })?;
        let outcome = outcome.context("it synced")?;
        ensure!(outcome.merged.len() == 1, "one session is merged: {outcome:?}");
        let when = |name| steps.iter().find(|it| it.0 == name).map(|it| it.1);
        let (from, to) = (when("Merging").context("merging")?, when("Pushing").context("pushing")?);
        merged += to - from;
        plain += all;
        meter::run(&mut theirs.annals(&["sync"]))?;
    }
    let what = if number == 0 { "of 5 MB" } else { "of four messages" };
    let [merged, plain] = [merged, plain].map(|ms| ms / f64::from(rounds));
    let target = Target::AtMost(20.0);
    report.row(&format!("merge of a session {what}, 10,000 sessions"), target, merged, "ms CPU");
    report.row("the whole sync, git's part included", Target::None, plain, "ms CPU");
    Ok(())
}
