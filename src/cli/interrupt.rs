//! Ctrl-C: ends the process with 130 at once. What annals writes is whole at every instant, so
//! there is nothing to clean up; a command that has something to clean up holds the signal back.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use signal_hook::consts::SIGINT;

use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;

/// What Ctrl-C does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt {
    was_pressed: Arc<AtomicBool>,
    ends_at_once: Arc<AtomicBool>,
    is_all_heeded: Arc<AtomicBool>,
}

impl Interrupt {
    /// Begins to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        let it = Self::default();
        it.ends_at_once.store(true, Ordering::SeqCst);
        signal_hook::flag::register_conditional_shutdown(
            SIGINT,
            i32::from(ExitCode::Interrupted.number()),
            Arc::clone(&it.ends_at_once),
        )?;
        signal_hook::flag::register(SIGINT, Arc::clone(&it.was_pressed))?;
        Ok(it)
    }

    /// Holds the signal back, or lets it end the process again.
    pub(crate) fn hold(&self, is_held: bool) {
        self.ends_at_once.store(!is_held, Ordering::SeqCst);
    }

    /// Ends the process if the signal came while it was held back, and takes `folder` along.
    pub(crate) fn end_if_pressed(&self, folder: &Path) {
        if self.was_pressed.load(Ordering::SeqCst) {
            // A temporary folder that cannot be removed is the system's to clean up.
            drop(std::fs::remove_dir_all(folder));
            signal_hook::low_level::exit(i32::from(ExitCode::Interrupted.number()));
        }
    }

    /// Says that somebody heeds the other signals too, and ends the process when one came.
    pub(crate) fn heed_all(&self) {
        self.is_all_heeded.store(true, Ordering::SeqCst);
    }

    /// Whether somebody does.
    pub(crate) fn is_all_heeded(&self) -> bool {
        self.is_all_heeded.load(Ordering::SeqCst)
    }

    /// Whether the signal came while it was held back, since this was asked last.
    pub(crate) fn take(&self) -> bool {
        self.was_pressed.swap(false, Ordering::SeqCst)
    }

    /// Fails if the signal came while it was held back.
    pub(crate) fn check(&self) -> Result<()> {
        if self.was_pressed.load(Ordering::SeqCst) { Err(Failure::Interrupted) } else { Ok(()) }
    }
}
