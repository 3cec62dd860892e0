//! What the terminal is like.

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
