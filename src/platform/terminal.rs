//! What the terminal is like, and what is typed there unseen.

use std::io;
use std::io::BufRead;
use std::io::IsTerminal as _;

/// How many columns the terminal that stdout leads to has; none when it leads to no terminal.
#[cfg(unix)]
pub fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// How many columns the terminal that stdout leads to has: not known here.
#[cfg(not(unix))]
pub fn terminal_width() -> Option<usize> {
    None
}

/// Leaves the terminal that this process was started at. What it runs can then ask nobody, and no key
/// means it. False: it is a job of the shell at the terminal, and stays one.
#[cfg(unix)]
pub fn leave_terminal() -> bool {
    rustix::process::setsid().is_ok()
}

/// Leaves the terminal that this process was started at: there is nothing to leave here.
#[cfg(not(unix))]
pub fn leave_terminal() -> bool {
    false
}

/// Whether stdin was a terminal that has hung up: its window was closed, its connection is lost.
#[cfg(unix)]
pub fn is_terminal_gone() -> bool {
    rustix::termios::tcgetattr(io::stdin()).err() == Some(rustix::io::Errno::IO)
}

/// Whether stdin was a terminal that has hung up: not known here.
#[cfg(not(unix))]
pub fn is_terminal_gone() -> bool {
    false
}

/// Whether there is somebody at a terminal who can be asked something.
pub fn can_be_asked() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// How the terminal that stdin is treats what is typed.
#[cfg(unix)]
#[derive(Debug, Clone)]
pub struct TerminalMode(rustix::termios::Termios);

#[cfg(unix)]
impl TerminalMode {
    /// How it does now; none: stdin is no terminal.
    pub fn now() -> Option<Self> {
        rustix::termios::tcgetattr(io::stdin()).ok().map(Self)
    }

    /// Has it do so again.
    pub fn set(&self) -> io::Result<()> {
        let action = rustix::termios::OptionalActions::Now;
        Ok(rustix::termios::tcsetattr(io::stdin(), action, &self.0)?)
    }
}

/// Reads a line from the terminal that stdin is, without showing it. None: the input ended, or
/// Ctrl-C was typed.
#[cfg(unix)]
pub fn read_hidden_line() -> io::Result<Option<String>> {
    use rustix::termios::LocalModes;
    use rustix::termios::OptionalActions;
    let stdin = io::stdin();
    let before = rustix::termios::tcgetattr(&stdin)?;
    let mut hidden = before.clone();
    // Without signals, too: a process that ends here would leave the terminal without echo.
    hidden.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    rustix::termios::tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let line = read_keys(stdin.lock());
    rustix::termios::tcsetattr(&stdin, OptionalActions::Now, &before)?;
    line
}

/// Reads a line from stdin; it cannot be hidden here.
#[cfg(not(unix))]
pub fn read_hidden_line() -> io::Result<Option<String>> {
    read_keys(io::stdin().lock())
}

/// A line, key by key, as a terminal sends it.
fn read_keys(keys: impl BufRead) -> io::Result<Option<String>> {
    const INTERRUPT: u8 = 3;
    const END: u8 = 4;
    const BACK: u8 = 8;
    const DELETE: u8 = 127;
    let mut line = Vec::new();
    for key in keys.bytes() {
        match key? {
            b'\n' | b'\r' => return Ok(Some(String::from_utf8_lossy(&line).into_owned())),
            INTERRUPT => return Ok(None),
            END if line.is_empty() => return Ok(None),
            BACK | DELETE => {
                // A whole character, however many bytes it has.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            key => line.push(key),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_line_can_be_corrected_and_given_up() {
        let read = |keys: &[u8]| read_keys(keys).expect("bytes can be read");
        assert_eq!(read(b"abc\r").as_deref(), Some("abc"));
        assert_eq!(read("a\u{e9}\u{7f}b\n".as_bytes()).as_deref(), Some("ab"));
        assert_eq!(read(b"abc\x03"), None);
        assert_eq!(read(b"\x04"), None);
        assert_eq!(read(b"no end"), None);
    }
}
