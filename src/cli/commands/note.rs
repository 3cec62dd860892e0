//! `annals note`: writes and shows the notes of a session.

use clap::Args;

use crate::cli::commands::save::read;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::EditView;
use crate::cli::plain::plain;
use crate::repository::Edit;

/// Write or show the notes of a session
///
/// With a text, it becomes the whole of the notes; without one, the notes are shown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals note 3f2a9c10 Ask Kim about the cache      write
  annals note 3f2a9c10                              show
  annals note 3f2a9c10 - < notes.txt                write what a file holds
  annals note 3f2a9c10 --clear                      take them off")]
pub(crate) struct NoteArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: String,
    /// The notes; several words need no quotes; - reads them from stdin
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
    /// Take the notes off
    #[arg(long, conflicts_with = "text")]
    clear: bool,
}

/// Runs it.
pub(crate) fn run(args: &NoteArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let at = context.resolve(&mut repository, &args.session)?;
    if args.text.is_empty() && !args.clear {
        let head = repository.load(&at)?.head();
        match &head.notes {
            _ if context.output.is_json() => {
                let view = EditView::of("annals.note/1", &head, None);
                context.output.json(&view)?;
            }
            Some(notes) => {
                let text = format!("{}\n", plain(notes.trim_end()));
                context.output.page(&text)?;
            }
            None => context.output.hint("It has no notes.")?,
        }
        return Ok(ExitCode::Done);
    }
    let text = if args.text == ["-"] {
        read(std::io::stdin().lock(), "stdin")?.trim_end().to_owned()
    } else {
        args.text.join(" ")
    };
    let outcome = repository.edit(at.id, &[Edit::Note(text)])?;
    context.edited("annals.note/1", "Noted on", &outcome)
}
