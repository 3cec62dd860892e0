//! `annals man`: the manual pages.

use std::path::PathBuf;

use clap::Args;
use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::output::Output;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::platform;

/// Print the manual page, or write them all
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals man | man -l -
  annals man --dir ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write the pages of all commands to DIR
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs it.
pub(crate) fn run(args: &ManArgs, output: &mut Output) -> Result<ExitCode> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = &args.dir else {
        let page = page(command)?;
        output.write(&page)?;
        return Ok(ExitCode::Done);
    };
    let failed = |error| {
        let text = format!("The pages cannot be written to {}", folder.display());
        Error::new(ErrorKind::Io, text).because(error)
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let commands: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    for command in std::iter::once(command).chain(commands) {
        let name = command.get_display_name().unwrap_or(command.get_name());
        let file = folder.join(format!("{name}.1"));
        let page = page(command)?;
        platform::write_atomic(&file, &page).map_err(failed)?;
    }
    output.status(&format!("Wrote the pages to {}", folder.display()))?;
    Ok(ExitCode::Done)
}

fn page(command: clap::Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Kept;

    #[test]
    fn the_page_is_a_manual() {
        let kept = Kept::default();
        let mut output = Output::to(kept.clone(), false);
        run(&ManArgs { dir: None }, &mut output).expect("a page");
        let page = kept.text();
        assert!(page.contains(".TH annals 1"), "{page}");
        assert!(page.contains("annals\\-capture"), "{page}");
    }
}
