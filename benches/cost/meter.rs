//! What things cost: CPU time and memory as Linux counts them, and the table they are told in.

use std::fs;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;

/// A tick of the kernel's process times, in milliseconds, on every Linux that Rust knows.
const TICK_MS: f64 = 10.0;
const PAUSE: Duration = Duration::from_millis(1);

/// CPU spent so far, in milliseconds, to the nearest tick.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    own: f64,
    children: f64,
}

impl Cpu {
    /// Of this process, and of its children that have ended, with theirs.
    fn now() -> Result<Self> {
        let stat = fs::read_to_string("/proc/self/stat")?;
        // The name in parentheses may hold anything; the state is the first field behind it.
        let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat has no name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |n: usize| -> Result<f64> { Ok(fields[n].parse::<f64>()? * TICK_MS) };
        Ok(Self { own: ticks(11)? + ticks(12)?, children: ticks(13)? + ticks(14)? })
    }
}

/// CPU of this process and its children while `work` runs, in milliseconds.
pub(crate) fn spent(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let before = Cpu::now()?;
    work()?;
    let after = Cpu::now()?;
    Ok(after.own - before.own + after.children - before.children)
}

/// CPU that this process's first thread spent so far, in milliseconds, to the nanosecond.
pub(crate) fn own() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = stat.split(' ').next().context("/proc/self/schedstat is empty")?;
    Ok(nanoseconds.parse::<f64>()? / 1e6)
}

/// CPU of the children that end while `work` runs, in milliseconds.
pub(crate) fn spent_by_children(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let before = Cpu::now()?;
    work()?;
    Ok(Cpu::now()?.children - before.children)
}

/// CPU of a child that is run `times` times, on average, in milliseconds.
pub(crate) fn average(times: u32, mut command: impl FnMut() -> Command) -> Result<f64> {
    let all = spent_by_children(|| (0..times).try_for_each(|_| run(&mut command())))?;
    Ok(all / f64::from(times))
}

/// Runs a child to its end; its output is dropped.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// What a child prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The most memory that a child ever holds, in MB.
pub(crate) fn peak_of(command: &mut Command) -> Result<f64> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let path = format!("/proc/{}/status", child.id());
    let mut peak: f64 = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kilobytes) = line.and_then(|line| line.trim().strip_suffix(" kB")) {
            peak = peak.max(kilobytes.trim().parse::<f64>()? * 1024.0 / 1e6);
        }
        thread::sleep(PAUSE);
    };
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(peak)
}

/// What a figure must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Only told, to compare with.
    None,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Report {
    missed: u32,
}

impl Report {
    #[expect(clippy::unused_self, reason = "all that is printed goes through the table")]
    pub(crate) fn heading(&self, text: &str) {
        println!("\n{text}");
    }

    /// One line: what, its target, what was measured, and whether it is missed.
    pub(crate) fn row(&mut self, what: &str, target: Target, measured: f64, unit: &str) {
        let (is_met, target) = match target {
            Target::AtLeast(limit) => (measured >= limit, format!(">= {limit}")),
            Target::AtMost(limit) => (measured <= limit, format!("<= {limit}")),
            Target::None => (true, String::new()),
        };
        self.missed += u32::from(!is_met);
        let verdict = if is_met { "" } else { "MISSED" };
        println!("  {what:<62} {target:>8} {measured:>9.2} {unit:<10} {verdict}");
    }

    pub(crate) fn close(&self) {
        println!("\n{} targets missed.", self.missed);
    }
}
