//! The user's editor.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::platform;

/// The most bytes of an edited text.
const LONGEST: u64 = 16 << 20;

/// Lets the person edit a text in a file, in VISUAL or EDITOR, and gives what it is then.
pub(crate) fn edited(file: &Path, text: &str, context: &Context) -> Result<String> {
    // Ctrl-C belongs to the editor, and must not leave the file behind.
    context.interrupt.hold(true);
    let edited = edit(file, text);
    context.interrupt.hold(false);
    edited
}

fn edit(file: &Path, text: &str) -> Result<String> {
    platform::write_atomic(file, text.as_bytes())
        .map_err(|error| failed("The editor's file cannot be written", error))?;
    let editor = platform::variable("VISUAL")
        .or_else(|| platform::variable("EDITOR"))
        .unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or("vi"));
    let status = command.args(words).arg(file).status();
    match status {
        Ok(status) if status.success() => {}
        Ok(_) => {
            let text = format!("`{editor}` ended with a failure, so nothing was changed.");
            return Err(Failure::Declined(text));
        }
        Err(error) => {
            let text = format!("The editor `{editor}` cannot be started; EDITOR names another");
            return Err(failed(&text, error).into());
        }
    }
    let text = platform::read_text_within(file, LONGEST);
    Ok(text.map_err(|error| failed("The edited text cannot be read", error))?)
}

fn failed(what: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, what).because(error)
}
