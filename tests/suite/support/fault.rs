//! A command in which one call that changes a file goes wrong: the Nth fails, for once or for good,
//! is torn, or is never reached. `fault.c` does it, with the system's means for debuggers: nothing of
//! it is in the program that is tested.
//!
//! ```text
//! let Some(fault) = Fault::tool() else { return };
//! let calls = fault.count(&command, "write,sync").calls;
//! for nth in sample(calls.len(), 10, 0) {
//!     let wrong = Wrong::Fails(Errno::NOSPC, Lasts::Once);
//!     let faulted = fault.run(&command, "write,sync", nth, wrong);
//! }
//! ```

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use rustix::io::Errno;

use crate::support::Ran;
use crate::support::say;

/// The tool, made once for all tests.
pub(crate) struct Fault {
    tool: PathBuf,
}

/// What goes wrong at the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Every process of the command is killed before it.
    Killed,
    /// Half of a write is done, then every process is killed.
    Torn,
    /// It fails with that error, and is not done.
    Fails(Errno, Lasts),
}

/// For how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// The next one works.
    Once,
    /// All behind it fail too.
    ForGood,
}

/// All that can go wrong at a call.
pub(crate) const WAYS: [Wrong; 10] = [
    Wrong::Killed,
    Wrong::Torn,
    Wrong::Fails(Errno::NOSPC, Lasts::Once),
    Wrong::Fails(Errno::NOSPC, Lasts::ForGood),
    Wrong::Fails(Errno::IO, Lasts::Once),
    Wrong::Fails(Errno::IO, Lasts::ForGood),
    Wrong::Fails(Errno::ACCESS, Lasts::Once),
    Wrong::Fails(Errno::ACCESS, Lasts::ForGood),
    Wrong::Fails(Errno::MFILE, Lasts::Once),
    Wrong::Fails(Errno::MFILE, Lasts::ForGood),
];

/// The calls that write, flush, and give names.
pub(crate) const CALLS: &str = "write,sync,rename,link,unlink,truncate,create,mkdir";

/// What came of it.
#[derive(Debug)]
pub(crate) struct Faulted {
    pub(crate) ran: Ran,
    /// The counted calls, up to the end: what was done, and to which file.
    pub(crate) calls: Vec<String>,
}

impl Fault {
    /// The tool; none, and a word of it, where it cannot be had.
    pub(crate) fn tool() -> Option<&'static Self> {
        static TOOL: OnceLock<Option<Fault>> = OnceLock::new();
        let tool = TOOL.get_or_init(|| {
            let made = Self { tool: make()? };
            let tried = made.count(&Command::new("true"), "all");
            (tried.ran.code == 0).then_some(made)
        });
        if tool.is_none() {
            say("skipped: calls to the system cannot be made to fail here");
        }
        tool.as_ref()
    }

    /// Runs the command as it is, and counts its calls of these kinds (`all`, or some of `write`,
    /// `sync`, `rename`, `unlink`, `link`, `truncate`, `mkdir`, `create`, `mode` with commas between).
    pub(crate) fn count(&self, command: &Command, calls: &str) -> Faulted {
        self.start(command, &["count", "0", "once", calls])
    }

    /// Runs the command, and has its `nth` call of these kinds go wrong; the first is 1.
    pub(crate) fn run(&self, command: &Command, calls: &str, nth: usize, wrong: Wrong) -> Faulted {
        let nth = nth.to_string();
        match wrong {
            Wrong::Killed => self.start(command, &["kill", &nth, "once", calls]),
            Wrong::Torn => self.start(command, &["tear", &nth, "once", calls]),
            Wrong::Fails(error, lasts) => {
                let scope = if lasts == Lasts::Once { "once" } else { "on" };
                self.start(command, &[&error.raw_os_error().to_string(), &nth, scope, calls])
            }
        }
    }

    /// Runs the command as it is, and writes down what each of its calls changed; `fault.c` says how.
    pub(crate) fn record(&self, command: &Command) -> (Ran, Vec<u8>) {
        self.trace(command, &["record", "0", "once", "all"])
    }

    fn start(&self, command: &Command, words: &[&str]) -> Faulted {
        let (ran, report) = self.trace(command, words);
        let calls = String::from_utf8_lossy(&report);
        Faulted { ran, calls: calls.lines().map(str::to_owned).collect() }
    }

    fn trace(&self, command: &Command, words: &[&str]) -> (Ran, Vec<u8>) {
        static REPORTS: AtomicU64 = AtomicU64::new(0);
        let number = REPORTS.fetch_add(1, Ordering::Relaxed);
        let report = std::env::temp_dir();
        let report = report.join(format!("annals-fault-{}-{number}", std::process::id()));
        let mut traced = Command::new(&self.tool);
        traced.arg(&report).args(words).arg(command.get_program()).args(command.get_args());
        traced.env_clear().stdin(Stdio::null());
        traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = command.get_current_dir() {
            traced.current_dir(folder);
        }
        let ran = Ran::of(&mut traced);
        let told = fs::read(&report).unwrap_or_default();
        drop(fs::remove_file(&report));
        (ran, told)
    }
}

impl Faulted {
    /// The call that went wrong, if it was reached.
    pub(crate) fn at(&self, nth: usize) -> Option<&str> {
        self.calls.get(nth - 1).map(String::as_str)
    }
}

/// Which of so many calls go wrong: all of them where `ANNALS_FAULTS` is `all`; else as many as that
/// says, or `usual`, spread evenly. Each `turn` has other ones.
pub(crate) fn sample(calls: usize, usual: usize, turn: usize) -> Vec<usize> {
    let count = match std::env::var("ANNALS_FAULTS").as_deref() {
        Ok("all") => calls,
        Ok(number) => number.parse().expect("`all`, or a number"),
        Err(_) => usual,
    };
    let count = count.clamp(1, calls);
    let shift = turn % (calls / count);
    (0..count).map(|it| 1 + it * calls / count + shift).collect()
}

fn place() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("fault")
}

/// Compiles it, beside its place and then there: another process of the tests may run it.
fn make() -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/support/fault.c");
    let (made, place) = (place().with_extension(std::process::id().to_string()), place());
    let mut compiler = Command::new("cc");
    let compiled = compiler.args(["-O1", "-o"]).arg(&made).arg(source).output().ok()?;
    if !compiled.status.success() {
        return None;
    }
    fs::rename(&made, &place).ok()?;
    Some(place)
}
