//! The picker of a store with far more sessions than the corpus has: how soon it is there.

use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::process::Command;
use std::time::Instant;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use pty_process::Size;
use pty_process::blocking::Pty;

use crate::homes::Corpus;
use crate::homes::Shelf;
use crate::lists;
use crate::meter;
use crate::meter::Report;
use crate::meter::Target;

const RUNS: usize = 21;
/// The end of the last line of the screen.
const DRAWN: &str = "Esc leave";

/// What a run took, in milliseconds and MB.
struct Run {
    first_screen: f64,
    all_rows: f64,
    peak: f64,
}

/// The picker with few sessions and with very many.
pub(crate) fn picker(corpus: &Corpus, report: &mut Report) -> Result<()> {
    report.heading("picker: on a terminal of 80 columns and 24 lines");
    let shelf = Shelf::new()?;
    let home = corpus.home();
    meter::run(&mut shelf.annals(&["capture", "--home", &home.to_string_lossy()]))?;
    let few = median_run(&shelf)?;
    report.row("first screen, the corpus alone", Target::None, few.first_screen, "ms");
    lists::crowd(&shelf)?;
    let many = median_run(&shelf)?;
    let what = "first screen, 100,000 sessions";
    report.row(what, Target::AtMost(50.0), many.first_screen, "ms");
    report.row("all 100,000 rows are there", Target::None, many.all_rows, "ms");
    report.row("peak memory with all of them", Target::AtMost(200.0), many.peak, "MB");
    Ok(())
}

/// The run in the middle of several.
fn median_run(shelf: &Shelf) -> Result<Run> {
    let runs: Result<Vec<Run>> = (0..RUNS).map(|_| run(&shelf.annals(&["resume"]))).collect();
    let mut runs = runs?;
    runs.sort_by(|a, b| a.first_screen.total_cmp(&b.first_screen));
    Ok(runs.swap_remove(RUNS / 2))
}

fn run(command: &Command) -> Result<Run> {
    let (mut pty, child_end) = pty_process::blocking::open()?;
    pty.resize(Size::new(24, 80))?;
    let mut inside = pty_process::blocking::Command::new(command.get_program())
        .args(command.get_args())
        .env("TERM", "xterm-256color");
    for (name, value) in command.get_envs() {
        inside = inside.env(name, value.unwrap_or_default());
    }
    let start = Instant::now();
    let passed = || start.elapsed().as_secs_f64() * 1000.0;
    let mut child = inside.spawn(child_end)?;
    let mut screen = vt100::Parser::default();
    read_until(&mut pty, &mut screen, |text| text.contains(DRAWN))?;
    let first_screen = passed();
    // While rows come, an ellipsis stands behind their number.
    let is_all = |text: &str| text.lines().next().is_some_and(|line| !line.contains('…'));
    read_until(&mut pty, &mut screen, is_all)?;
    let all_rows = passed();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no peak")?;
    let peak = kilobytes.trim().parse::<f64>()? * 1024.0 / 1e6;
    pty.write_all(b"\x03")?;
    while pty.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {}
    let status = child.wait()?;
    ensure!(status.code() == Some(130), "the picker ended with {status}");
    Ok(Run { first_screen, all_rows, peak })
}

/// Reads what is drawn until it is as it should be.
fn read_until(
    pty: &mut Pty,
    screen: &mut vt100::Parser,
    is_so: impl Fn(&str) -> bool,
) -> Result<()> {
    let mut buffer = [0; 4096];
    while !is_so(&screen.screen().contents()) {
        let length = pty.read(&mut buffer)?;
        ensure!(length > 0, "the picker ended before it was there");
        screen.process(&buffer[..length]);
    }
    Ok(())
}
