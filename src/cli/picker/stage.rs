//! The terminal while it is ours: taken in `enter`, given back when the value goes, however it goes.
//!
//! The screen is drawn on stderr, so that stdout can lead elsewhere. Signals that end a process are
//! held back meanwhile, and do their work when the terminal is as it was.

use std::io;
use std::io::BufWriter;
use std::io::Stderr;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::Sender;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use ratatui::Frame;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::DisableBracketedPaste;
use ratatui::crossterm::event::EnableBracketedPaste;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::Clear;
use ratatui::crossterm::terminal::ClearType;
use ratatui::crossterm::terminal::EnterAlternateScreen;
use ratatui::crossterm::terminal::LeaveAlternateScreen;
use ratatui::crossterm::terminal::disable_raw_mode;
use ratatui::crossterm::terminal::enable_raw_mode;
#[cfg(unix)]
use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGTERM;

use crate::platform::is_terminal_gone;

/// What a process gets when its terminal goes.
#[cfg(unix)]
const GONE: i32 = SIGHUP;
#[cfg(not(unix))]
const GONE: i32 = SIGTERM;

/// The terminal, in raw mode and on its other screen.
pub(super) struct Stage {
    terminal: Terminal<CrosstermBackend<BufWriter<Stderr>>>,
}

impl Stage {
    /// Takes the terminal.
    pub(super) fn enter() -> io::Result<Self> {
        let backend = CrosstermBackend::new(BufWriter::new(io::stderr()));
        let terminal = Terminal::new(backend)?;
        enable_raw_mode()?;
        // From here on it is given back.
        let stage = Self { terminal };
        execute!(io::stderr(), EnterAlternateScreen, EnableBracketedPaste)?;
        Ok(stage)
    }

    /// Draws what changed.
    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(render)?;
        self.terminal.backend_mut().flush()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.terminal.backend_mut().flush());
        give_back();
    }
}

/// Makes the terminal what it was. One that is gone needs nothing any longer.
fn give_back() {
    // A terminal that was made smaller meanwhile may wrap what is drawn when it changes the screens
    // (tmux 3.3 does), and leave a part of it among the lines of the shell.
    let clear = Clear(ClearType::All);
    drop(execute!(io::stderr(), clear, DisableBracketedPaste, LeaveAlternateScreen, Show));
    drop(disable_raw_mode());
}

/// How often it is looked whether the terminal is still there.
const LOOK: Duration = Duration::from_millis(250);
/// So many looks a signal is left to whoever draws the screen.
const PATIENCE: usize = 4;

/// Looks after the process while the screen is drawn. Whoever reads keys may wait for the rest of one
/// for ever, and reads nothing again and again from a terminal that is gone: then the process ends
/// here, as that signal, or the loss of its terminal, ends any. Drop it to end the watch.
pub(super) struct Watch {
    _over: Sender<()>,
}

impl Watch {
    /// Begins to watch.
    pub(super) fn begin(signals: &Signals) -> Self {
        let (over, is_over) = channel();
        let signals = signals.clone();
        thread::spawn(move || {
            let mut waited = 0;
            while is_over.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                end_if_gone();
                waited += usize::from(signals.is_pending());
                if waited > PATIENCE {
                    give_back();
                    drop(signals.free());
                }
            }
        });
        Self { _over: over }
    }
}

/// Ends the process if its terminal hung up.
pub(super) fn end_if_gone() {
    if is_terminal_gone() {
        drop(signal_hook::low_level::emulate_default_handler(GONE));
    }
}

/// The signals that end a process, held back.
#[derive(Debug, Clone, Default)]
pub(super) struct Signals {
    came: Arc<AtomicUsize>,
    is_free: Arc<AtomicBool>,
}

/// A process has each signal once; what is registered for one stays.
static SIGNALS: OnceLock<Signals> = OnceLock::new();

impl Signals {
    /// Holds them back.
    pub(super) fn hold() -> io::Result<Self> {
        if let Some(signals) = SIGNALS.get() {
            signals.is_free.store(false, Ordering::SeqCst);
            return Ok(signals.clone());
        }
        let it = SIGNALS.get_or_init(Self::default).clone();
        let mut signals = vec![SIGTERM];
        #[cfg(unix)]
        signals.push(SIGHUP);
        for signal in signals {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&it.is_free))?;
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&it.came), number)?;
        }
        Ok(it)
    }

    /// Whether one came.
    pub(super) fn is_pending(&self) -> bool {
        self.came.load(Ordering::SeqCst) != 0
    }

    /// Lets them end the process again; one that came does so now.
    pub(super) fn free(&self) -> io::Result<()> {
        self.is_free.store(true, Ordering::SeqCst);
        match i32::try_from(self.came.load(Ordering::SeqCst)) {
            Ok(signal) if signal != 0 => signal_hook::low_level::emulate_default_handler(signal),
            _ => Ok(()),
        }
    }
}
