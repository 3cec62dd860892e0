//! The one place that prints: data to stdout; status, progress, warnings and hints to stderr.
//!
//! Decides colour, width and pager once, from the flags, the settings and what the streams lead
//! to. What commands hand over is already plain (`cli/plain.rs`); nothing is changed here.

use std::fmt;
use std::io;
use std::io::BufRead as _;
use std::io::IsTerminal as _;
use std::io::Read as _;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use anstream::AutoStream;
use anstream::ColorChoice;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::exit::Report;
use crate::cli::exit::Result;
use crate::cli::interrupt::Interrupt;
use crate::cli::json::ErrorView;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::cli::plain::plain;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::platform;
use crate::repository::Progress;
use crate::repository::told_without_secrets;

/// The widest that running text is set, wherever the terminal ends.
const TEXT_WIDTH: usize = 100;

/// The longest thing that is read from stdin without being shown, in bytes.
const HIDDEN_LIMIT: u64 = 64 << 10;

/// How often a meter that knows no end moves.
const TURN: Duration = Duration::from_millis(100);

/// What shall be printed, and how; as flags and settings have it.
#[derive(Debug, Clone, Default)]
pub(crate) struct OutputOptions {
    /// Colours always, never, or as the streams are.
    pub(crate) color: Option<bool>,
    /// No status, no progress, no hints.
    pub(crate) is_quiet: bool,
    /// Data as JSON.
    pub(crate) is_json: bool,
    /// The program that shows long texts, with its arguments; empty: none.
    pub(crate) pager: Vec<String>,
    /// How many columns the terminal has; none: there is no terminal.
    pub(crate) width: Option<usize>,
}

/// Where everything is printed.
pub(crate) struct Output {
    options: OutputOptions,
    stdout: Box<dyn Write>,
    stderr: Box<dyn Write>,
    data: Paint,
    status: Paint,
    is_data_seen: bool,
    is_status_seen: bool,
    interrupt: Interrupt,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Output {
    /// The output of this process.
    pub(crate) fn of_process(options: OutputOptions) -> Self {
        let color = |choice: ColorChoice| match options.color {
            Some(color) => color,
            None => choice != ColorChoice::Never,
        };
        Self {
            stdout: Box::new(io::stdout()),
            stderr: Box::new(io::stderr()),
            data: Paint::new(color(AutoStream::choice(&io::stdout()))),
            status: Paint::new(color(AutoStream::choice(&io::stderr()))),
            is_data_seen: io::stdout().is_terminal(),
            is_status_seen: io::stderr().is_terminal(),
            interrupt: Interrupt::default(),
            options,
        }
    }

    /// The paint for data.
    pub(crate) fn paint(&self) -> Paint {
        self.data
    }

    /// The paint for status.
    pub(crate) fn status_paint(&self) -> Paint {
        self.status
    }

    /// Whether data goes out as JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.options.is_json
    }

    /// How many columns a table may have; none: nobody reads it on a terminal.
    pub(crate) fn table_width(&self) -> Option<usize> {
        self.options.width.filter(|_| self.is_data_seen)
    }

    /// How many columns running text may have.
    pub(crate) fn text_width(&self) -> usize {
        self.table_width().map_or(TEXT_WIDTH, |width| width.clamp(30, TEXT_WIDTH))
    }

    /// Whether data is seen on a terminal.
    pub(crate) fn is_seen(&self) -> bool {
        self.is_data_seen
    }

    /// Whether somebody is there to answer a question.
    pub(crate) fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && self.is_status_seen && !self.options.is_json
    }

    /// Leaves Ctrl-C to the pager while it runs: it means "stop searching" there, and whoever
    /// ended would leave the terminal to two programs.
    pub(crate) fn hold_while_paging(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    /// Shows no text in a pager from here on.
    pub(crate) fn without_pager(&mut self) {
        self.options.pager.clear();
    }

    /// Prints data as it is.
    pub(crate) fn data(&mut self, text: &str) -> Result<()> {
        self.write(text.as_bytes())
    }

    /// Prints data in bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stdout.write_all(bytes)?;
        Ok(self.stdout.flush()?)
    }

    /// Prints one JSON document.
    pub(crate) fn json(&mut self, view: &impl Serialize) -> Result<()> {
        let mut text =
            serde_json::to_vec_pretty(view).map_err(|error| Failure::Output(error.into()))?;
        text.push(b'\n');
        self.write(&text)
    }

    /// Prints a text that may be longer than the screen.
    pub(crate) fn page(&mut self, text: &str) -> Result<()> {
        match self.options.pager.split_first() {
            Some((program, arguments)) if self.is_data_seen => {
                let mut command = Command::new(program);
                command.args(arguments).stdin(Stdio::piped());
                if crate::platform::variable("LESS").is_none() {
                    command.env("LESS", "FRX");
                }
                let Ok(pager) = command.spawn() else {
                    return self.data(text);
                };
                self.interrupt.hold(true);
                let fed = feed(pager, text);
                self.interrupt.hold(false);
                fed
            }
            _ => self.data(text),
        }
    }

    /// Whether anything is said of what was done.
    pub(crate) fn tells_status(&self) -> bool {
        !self.options.is_quiet && !self.options.is_json
    }

    /// Says what was done; not with `--quiet`.
    pub(crate) fn status(&mut self, text: &str) -> Result<()> {
        if self.tells_status() { self.tell(text) } else { Ok(()) }
    }

    /// Says what to do next; not with `--quiet`.
    pub(crate) fn hint(&mut self, text: &str) -> Result<()> {
        let text = self.status.faint(text);
        self.status(&text)
    }

    /// Says what is not as it should be, though the command goes on.
    pub(crate) fn warning(&mut self, text: &str) -> Result<()> {
        let heading = self.status.warning("warning:");
        self.tell(&format!("{heading} {}", plain(&told_without_secrets(text))))
    }

    /// Tells one of the things for which the command fails.
    pub(crate) fn refusal(&mut self, text: &str) -> Result<()> {
        let heading = self.status.bad("refused:");
        self.tell(&format!("{heading} {}", plain(&told_without_secrets(text))))
    }

    /// Tells why the command failed.
    pub(crate) fn failure(&mut self, report: &Report) -> Result<()> {
        if self.options.is_json {
            let view = ErrorView::of(report);
            let text =
                serde_json::to_string(&view).map_err(|error| Failure::Output(error.into()))?;
            return self.tell(&text);
        }
        let heading = self.status.bad(&format!("{}:", report.heading));
        self.tell(&format!("{heading} {}", plain(&report.message)))?;
        match &report.hint {
            Some(hint) => self.hint(hint),
            None => Ok(()),
        }
    }

    /// Asks, and gives what was answered; none at the end of input.
    pub(crate) fn ask(&mut self, question: &str) -> Result<Option<String>> {
        write!(self.stderr, "{question} ")?;
        self.stderr.flush()?;
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer)?;
        if read == 0 {
            writeln!(self.stderr)?;
            return Ok(None);
        }
        Ok(Some(answer.trim().to_owned()))
    }

    /// Asks a question, and whether the answer was yes.
    pub(crate) fn is_confirmed(&mut self, question: &str) -> Result<bool> {
        let answer = self.ask(question)?.unwrap_or_default();
        Ok(answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes"))
    }

    /// Asks for something that nobody must see, without a terminal from stdin; none at the end of
    /// input.
    pub(crate) fn ask_hidden(&mut self, question: &str) -> Result<Option<String>> {
        if !io::stdin().is_terminal() {
            let mut text = String::new();
            io::stdin().lock().take(HIDDEN_LIMIT + 1).read_to_string(&mut text)?;
            if text.len() as u64 > HIDDEN_LIMIT {
                let message = format!("the value is longer than {HIDDEN_LIMIT} bytes");
                return Err(Error::new(ErrorKind::Invalid, message).into());
            }
            let text = text.trim_end_matches(['\r', '\n']);
            return Ok((!text.is_empty()).then(|| text.to_owned()));
        }
        write!(self.stderr, "{question} ")?;
        self.stderr.flush()?;
        let answer = platform::read_hidden_line()?;
        writeln!(self.stderr)?;
        Ok(answer)
    }

    /// A meter for a long operation.
    pub(crate) fn meter(&self, doing: &str) -> Meter {
        let is_shown = self.is_status_seen && !self.options.is_quiet && !self.options.is_json;
        Meter { bar: is_shown.then(ProgressBar::new_spinner), doing: line(doing), has_total: false }
    }

    fn tell(&mut self, text: &str) -> Result<()> {
        Ok(self.stderr.write_all(format!("{text}\n").as_bytes())?)
    }
}

/// Gives a pager its text, and waits until the reader has seen enough.
fn feed(mut pager: std::process::Child, text: &str) -> Result<()> {
    let written = match pager.stdin.take() {
        Some(mut stdin) => stdin.write_all(text.as_bytes()),
        None => Ok(()),
    };
    pager.wait()?;
    match written {
        // Whoever leaves the pager early has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Shows how far a long operation is, on a terminal; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    doing: String,
    has_total: bool,
}

impl Meter {
    /// Shows that it goes on, where nobody knows how far it is.
    pub(crate) fn turn(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message(self.doing.clone());
            bar.enable_steady_tick(TURN);
        }
    }

    /// Shows what is being done now, where nobody knows how far it is. It does not move: another
    /// program may ask something there meanwhile, and must not be written over.
    pub(crate) fn step(&mut self, doing: &str) {
        self.doing = line(doing);
        if let Some(bar) = &self.bar {
            bar.set_message(self.doing.clone());
            bar.tick();
        }
    }

    /// Shows how far it is.
    pub(crate) fn show(&mut self, progress: Progress) {
        let Some(bar) = &self.bar else { return };
        if progress.total > 0 && !self.has_total {
            self.has_total = true;
            let style =
                ProgressStyle::with_template("{msg} {wide_bar:.dim} {human_pos}/{human_len}");
            if let Ok(style) = style {
                bar.set_style(style.progress_chars("━╸ "));
            }
        }
        if progress.total > 0 {
            bar.set_length(progress.total);
        }
        bar.set_message(format!("{} {}", self.doing, progress.unit));
        bar.set_position(progress.done);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
impl Output {
    /// An output that writes data to `stdout`, for tests.
    pub(crate) fn to(stdout: impl Write + 'static, is_json: bool) -> Self {
        let options = OutputOptions { is_json, is_quiet: true, ..OutputOptions::default() };
        Self {
            options,
            stdout: Box::new(stdout),
            stderr: Box::new(io::sink()),
            data: Paint::new(false),
            status: Paint::new(false),
            is_data_seen: false,
            is_status_seen: false,
            interrupt: Interrupt::default(),
        }
    }
}

/// Keeps what is written, for tests.
#[cfg(test)]
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

#[cfg(test)]
impl Kept {
    /// What was written.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

#[cfg(test)]
impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
