//! Signals while a session is held: what waits is committed before the process goes.
//!
//! The prompt waits for keys, so a thread of its own waits for signals. SIGTERM and SIGHUP commit
//! what waits, for a bounded time, give the terminal back and do what they always do; Ctrl-C breaks
//! off an answer, and ends the shell with 130 where it reads from a pipe. Where there are no such
//! signals nothing is listened to: the journal holds what was said.

use std::io;
#[cfg(unix)]
use std::io::IsTerminal as _;
#[cfg(unix)]
use std::io::Write as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::thread;
use std::time::Duration;
#[cfg(unix)]
use std::time::Instant;

#[cfg(unix)]
use signal_hook::consts::SIGHUP;
#[cfg(unix)]
use signal_hook::consts::SIGINT;
#[cfg(unix)]
use signal_hook::consts::SIGTERM;

#[cfg(unix)]
use crate::cli::exit::ExitCode;
#[cfg(unix)]
use crate::platform::TerminalMode;
use crate::repository::LiveSession;

/// How long the last save may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long whatever is being done may take to end by itself: to keep what came of an answer, to
/// give back the screen.
#[cfg(unix)]
const MOMENT: Duration = Duration::from_secs(1);

/// What the shell is doing, which decides what signals mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// It waits for a line.
    Prompt,
    /// An answer comes in, and heeds signals itself.
    Answer,
    /// A command runs, and heeds Ctrl-C itself.
    Command,
}

/// What the thread needs to know.
#[derive(Debug, Clone)]
pub(super) struct Signals(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    doing: Doing,
    held: Weak<LiveSession>,
    is_ending: bool,
}

impl Signals {
    /// Begins to listen.
    pub(super) fn listen() -> io::Result<Self> {
        let state = State { doing: Doing::Command, held: Weak::new(), is_ending: false };
        let it = Self(Arc::new(Mutex::new(state)));
        #[cfg(unix)]
        it.hear()?;
        Ok(it)
    }

    /// Says what is being done from now on. Returns no more when the process is about to end.
    pub(super) fn set(&self, doing: Doing) {
        self.state().doing = doing;
        while doing == Doing::Prompt && self.is_ending() {
            thread::park();
        }
    }

    /// Says which session is held.
    pub(super) fn hold(&self, live: &Arc<LiveSession>) {
        self.state().held = Arc::downgrade(live);
    }

    /// Whether the process is about to end.
    pub(super) fn is_ending(&self) -> bool {
        self.state().is_ending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(unix)]
impl Signals {
    fn hear(&self) -> io::Result<()> {
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let (heard, mode) = (self.clone(), TerminalMode::now());
        let each = move |signal| heard.take(signal, mode.as_ref());
        let run = move || signals.forever().for_each(each);
        thread::Builder::new().name("annals-signals".to_owned()).spawn(run)?;
        Ok(())
    }

    /// `mode`: how the terminal was found.
    fn take(&self, signal: i32, mode: Option<&TerminalMode>) {
        if signal == SIGINT && self.state().doing != Doing::Prompt {
            return;
        }
        self.state().is_ending = true;
        let start = Instant::now();
        while self.state().doing != Doing::Prompt && start.elapsed() < MOMENT {
            thread::sleep(Duration::from_millis(5));
        }
        let held = self.state().held.upgrade();
        if let Some(live) = held {
            // What is not done by then is in the journal.
            drop(live.close_within(PATIENCE));
        }
        if let Some(mode) = mode {
            give_back(mode);
        }
        if signal != SIGINT {
            drop(signal_hook::low_level::emulate_default_handler(signal));
        }
        signal_hook::low_level::exit(i32::from(ExitCode::Interrupted.number()));
    }
}

/// Gives the terminal back as it was found. One that is gone needs nothing.
#[cfg(unix)]
fn give_back(mode: &TerminalMode) {
    if io::stderr().is_terminal() {
        // The prompt has the terminal bracket what is pasted.
        drop(io::stderr().write_all(b"\x1b[?2004l\r\n"));
    }
    drop(mode.set());
}
