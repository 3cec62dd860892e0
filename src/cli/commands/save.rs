//! `annals save`: stores one session given as text.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository::EditOutcome;

/// The longest session that is read, in bytes.
const LONGEST: u64 = 512 * 1024 * 1024;

/// Store one session given as YAML or JSON
///
/// The form is that of `annals show --raw`. A session that the store has already grows by what is
/// new in it. The store is made if there is none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals save session.yaml
  annals show --raw 3f2a9c10 | annals --store other.git save -")]
pub(crate) struct SaveArgs {
    /// The file; - is stdin [default: -]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Runs it.
pub(crate) fn run(args: &SaveArgs, context: &mut Context) -> Result<ExitCode> {
    let text = match &args.file {
        Some(file) if file.as_os_str() != "-" => {
            let shown = context.path(file);
            let opened = std::fs::File::open(file).map_err(|error| unreadable(&shown, error))?;
            read(opened, &shown)?
        }
        _ => read(std::io::stdin().lock(), "stdin")?,
    };
    let mut repository = context.open_or_make()?;
    let outcome = repository.save_text(&text)?;
    let outcome = EditOutcome { head: outcome.head, revision: outcome.revision };
    let code = context.edited("annals.save/1", "Saved", &outcome)?;
    context.after_save(&mut repository)?;
    Ok(code)
}

/// The whole of a text, if it is one and not too long; `name` is what errors call it.
pub(crate) fn read(from: impl Read, name: &str) -> Result<String> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(name, error))?;
    if bytes.len() as u64 > LONGEST {
        let text = format!("{name} is longer than {} MiB.", LONGEST >> 20);
        return Err(Error::new(ErrorKind::Invalid, text).into());
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let text = format!("{name} is no UTF-8 at byte {place}.");
        Error::new(ErrorKind::Invalid, text).into()
    })
}

/// Why a file or stream cannot be read.
pub(crate) fn unreadable(name: &str, error: std::io::Error) -> Failure {
    let kind = match error.kind() {
        std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Io,
    };
    let text = format!("{name} cannot be read");
    Error::new(kind, text).because(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(read(&b"a: 1"[..], "x").expect("text"), "a: 1");
        let refusal = read(&b"a\xff"[..], "x").expect_err("no UTF-8");
        let Failure::Library(error) = refusal else {
            unreachable!("it is an error of the library's kind")
        };
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.to_string(), "x is no UTF-8 at byte 1.");
    }
}
