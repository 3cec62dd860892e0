//! The program in a real terminal: its keys are typed, its screen is read.

use std::io::Read as _;
use std::io::Write as _;
use std::num::NonZeroU16;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::process::Command;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::Pty;
use rustix::termios::LocalModes;

/// How long anything may take on a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal with a program in it.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

/// What the program wrote.
struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    is_ended: bool,
}

/// What was left when the program ended.
#[derive(Debug)]
pub(crate) struct Left {
    /// The exit code, or 128 and the number of the signal.
    pub(crate) code: i32,
    /// What the screen shows.
    pub(crate) screen: String,
    /// Whether the screen is the one that the program found.
    pub(crate) is_restored: bool,
    /// Whether what is typed is shown, and read by lines.
    pub(crate) is_cooked: bool,
    /// All that was written.
    pub(crate) bytes: Vec<u8>,
}

impl Terminal {
    /// Starts a program in a terminal of so many columns and lines.
    pub(crate) fn start(command: &Command, columns: u16, lines: u16) -> Self {
        let (pty, child_end) = pty_process::blocking::open().expect("a terminal can be made");
        pty.resize(Size::new(lines, columns)).expect("it has a size");
        let mut inside = pty_process::blocking::Command::new(command.get_program())
            .args(command.get_args())
            .env_clear()
            .env("TERM", "xterm-256color");
        for (name, value) in command.get_envs().filter(|(name, _)| *name != "COLUMNS") {
            inside = inside.env(name, value.unwrap_or_default());
        }
        if let Some(folder) = command.get_current_dir() {
            inside = inside.current_dir(folder);
        }
        let child = inside.spawn(child_end).expect("the program starts");
        let parser = vt100::Parser::new(size(lines), size(columns), 0);
        let seen = Seen { parser, bytes: Vec::new(), is_ended: false };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let pty = Arc::new(pty);
        let (reader, kept) = (Arc::clone(&pty), Arc::clone(&seen));
        thread::spawn(move || read(&reader, &kept));
        Self { pty, child, seen }
    }

    /// Types.
    pub(crate) fn press(&self, keys: &str) -> &Self {
        (&*self.pty).write_all(keys.as_bytes()).expect("the terminal takes keys");
        self
    }

    /// Waits until the screen shows a text.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is as it should be.
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let (seen, changed) = &*self.seen;
        let seen = seen.lock().expect("no reader panics");
        let is_waited =
            |seen: &mut Seen| !is_so(&seen.parser.screen().contents()) && !seen.is_ended;
        let (seen, _) =
            changed.wait_timeout_while(seen, PATIENCE, is_waited).expect("no reader panics");
        let screen = seen.parser.screen().contents();
        assert!(is_so(&screen), "the screen never shows {what}:\n{screen}");
        screen
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        let mut seen = self.seen.0.lock().expect("no reader panics");
        seen.parser.screen_mut().set_size(size(lines), size(columns));
        self.pty.resize(Size::new(lines, columns)).expect("it has a size");
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).expect("it is running");
    }

    /// Waits for the program's end.
    pub(crate) fn end(mut self) -> Left {
        let (seen, changed) = &*self.seen;
        let seen = seen.lock().expect("no reader panics");
        let (seen, waited) = changed
            .wait_timeout_while(seen, PATIENCE, |seen| !seen.is_ended)
            .expect("no reader panics");
        let screen = seen.parser.screen().contents();
        assert!(!waited.timed_out(), "the program does not end:\n{screen}");
        let status = self.child.wait().expect("it has ended");
        let cooked = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        let mode = rustix::termios::tcgetattr(&*self.pty);
        Left {
            is_cooked: mode.is_ok_and(|mode| mode.local_modes.contains(cooked)),
            code: status.code().or(status.signal().map(|it| 128 + it)).unwrap_or(-1),
            is_restored: !seen.parser.screen().alternate_screen(),
            bytes: seen.bytes.clone(),
            screen,
        }
    }
}

fn size(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a terminal has a size")
}

/// Reads what is written until nobody can write any longer.
fn read(pty: &Pty, (seen, changed): &(Mutex<Seen>, Condvar)) {
    let mut buffer = [0; 4096];
    let mut terminal: &Pty = pty;
    loop {
        let length = terminal.read(&mut buffer).unwrap_or(0);
        let mut seen = seen.lock().expect("no waiter panics while it looks");
        seen.parser.process(&buffer[..length]);
        seen.bytes.extend_from_slice(&buffer[..length]);
        seen.is_ended = length == 0;
        changed.notify_all();
        if length == 0 {
            return;
        }
    }
}
