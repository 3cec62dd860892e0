//! The operating system, tamed: clock, random ids, atomic file writes, lock files, permissions,
//! data folders.
//!
//! Promises: a file written here is there whole or not at all, and on disk when the call returns;
//! a lock is freed when its owner dies; what annals makes for itself is closed to others. The
//! environment is read in one place, [`Environment::from_process`], and handed on as a value.
//! Limits: on systems without Unix permissions the folders keep what they inherit.

mod append;
mod clock;
mod environment;
mod files;
mod holders;
mod line;
mod lock;
mod process;
mod stamp;
mod terminal;

pub use append::AppendLog;
pub use clock::Clock;
pub use clock::Ids;
pub use clock::Stopwatch;
pub use environment::Environment;
pub use environment::host_name;
pub use environment::variable;
pub use environment::variables_beginning;
pub use files::close_to_others;
pub use files::create_private_folder;
pub use files::free_space;
pub use files::is_open_to_others;
pub use files::is_own;
pub use files::is_writable;
pub use files::place_file;
pub use files::place_unsynced;
pub use files::prepare_file;
pub use files::read_text_within;
pub use files::read_within;
pub use files::sync_folder;
pub use files::sync_placed;
pub use files::write_atomic;
pub use files::write_new;
pub use holders::is_abandoned;
pub use line::append_line;
pub use lock::FileLock;
pub use process::Pipe;
pub use process::end_with_descendants;
pub use process::has_said;
pub use process::is_alive;
pub use stamp::FileStamp;
#[cfg(unix)]
pub use terminal::TerminalMode;
pub use terminal::can_be_asked;
pub use terminal::is_terminal_gone;
pub use terminal::leave_terminal;
pub use terminal::read_hidden_line;
pub use terminal::terminal_width;

/// Why the user's environment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody says where the home folder is.
    #[error("the home folder is unknown: HOME is not set")]
    NoHome,
    /// A variable of the environment holds something else than it should.
    #[error("{name} is {value:?}, not {expected}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
}
