//! `annals config edit`: the file in an editor.

use std::io;
use std::path::Path;

use crate::cli::context::Context;
use crate::cli::editor::edited;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::config;
use crate::config::Settings;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::platform;
use crate::repository::Operation;
use crate::repository::check_settings;
use crate::repository::record;

/// Runs it: a copy is edited, and takes the file's place when all of it can be used.
pub(super) fn run(context: &mut Context) -> Result<ExitCode> {
    let path = context.settings.path.clone();
    let before = text_of(&path)?;
    let folder = tempfile::Builder::new().prefix("annals-config-").tempdir().map_err(|error| {
        Error::new(ErrorKind::Io, "No temporary folder can be made").because(error)
    })?;
    let file = folder.path().join("config.toml");
    let mut text = if before.is_empty() { config::template() } else { before.clone() };
    let first = text.clone();
    let applied = loop {
        text = edited(&file, &text, context)?;
        if text == first || text == before {
            context.output.status("Nothing was changed.")?;
            return Ok(ExitCode::Done);
        }
        let settings = Settings::parse(&text, &path, &context.environment.home);
        let Err(error) = check_settings(&settings) else {
            break record(&context.open_options(false), Operation::Config, || {
                Ok(config::replace(&context.environment.config, &before, &text)?)
            });
        };
        if !(context.output.can_ask() && goes_back(&error, context)?) {
            break Err(error);
        }
    };
    if let Err(error) = applied {
        // What somebody wrote is not thrown away because of a missing quote.
        let kept = folder.keep().join("config.toml");
        let hint = format!("Nothing was changed; what you wrote is kept in {}", kept.display());
        return Err(Failure::Hinted(error, hint.into()));
    }
    let shown = context.path(&path);
    context.output.status(&format!("Changed {shown}"))?;
    Ok(ExitCode::Done)
}

fn goes_back(error: &Error, context: &mut Context) -> Result<bool> {
    context.output.warning(&error.to_string())?;
    let answer = context.output.ask("Go back to the editor? [Y/n]")?;
    Ok(answer.is_some_and(|answer| !answer.to_lowercase().starts_with('n')))
}

/// What the file says; nothing, where there is none.
fn text_of(path: &Path) -> Result<String> {
    match platform::read_text_within(path, config::FILE_LIMIT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => {
            let text = format!("The configuration {} cannot be read", path.display());
            Ok(read.map_err(|error| Error::new(ErrorKind::Io, text).because(error))?)
        }
    }
}
