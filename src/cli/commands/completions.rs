//! `annals completions`: what a shell needs to complete annals' commands.

use clap::Args;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::output::Output;

/// Print the completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals completions bash > ~/.local/share/bash-completion/completions/annals
  annals completions zsh > ~/.zfunc/_annals
  annals completions fish > ~/.config/fish/completions/annals.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Runs it.
pub(crate) fn run(args: &CompletionsArgs, output: &mut Output) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "annals", &mut script);
    output.write(&script)?;
    Ok(ExitCode::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Kept;

    #[test]
    fn the_script_knows_the_commands() {
        let kept = Kept::default();
        let mut output = Output::to(kept.clone(), false);
        let args = CompletionsArgs { shell: Shell::Bash };
        run(&args, &mut output).expect("a script");
        assert!(kept.text().contains("rollback"));
    }
}
