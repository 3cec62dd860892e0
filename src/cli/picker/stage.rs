//! The terminal while it is ours: taken in `enter`, given back when the value goes, however it goes.
//!
//! The screen is drawn on stderr, so that stdout can lead elsewhere. Signals that end a process are
//! held back meanwhile, and do their work when the terminal is as it was.

use std::io;
use std::io::BufWriter;
use std::io::Stderr;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use ratatui::Frame;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::DisableBracketedPaste;
use ratatui::crossterm::event::EnableBracketedPaste;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::EnterAlternateScreen;
use ratatui::crossterm::terminal::LeaveAlternateScreen;
use ratatui::crossterm::terminal::disable_raw_mode;
use ratatui::crossterm::terminal::enable_raw_mode;
#[cfg(unix)]
use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGTERM;

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
        // A terminal that is gone needs nothing any longer.
        drop(self.terminal.backend_mut().flush());
        drop(execute!(io::stderr(), DisableBracketedPaste, LeaveAlternateScreen, Show));
        drop(disable_raw_mode());
    }
}

/// The signals that end a process, held back.
#[derive(Debug)]
pub(super) struct Signals {
    came: Arc<AtomicUsize>,
    is_free: Arc<AtomicBool>,
}

impl Signals {
    /// Holds them back.
    pub(super) fn hold() -> io::Result<Self> {
        let it = Self { came: Arc::default(), is_free: Arc::default() };
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
