//! `annals shell`: a conversation at a prompt.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::shell::Chat;
use crate::cli::shell::Shell;
use crate::platform;
use crate::repository::LiveOptions;

/// The variable that holds what an endpoint wants to be shown: an argument could be seen by others.
const KEY: &str = "ANNALS_ENDPOINT_KEY";

/// Hold a conversation at a prompt, saved by itself
///
/// What you type is kept as a message, on the disk before the next prompt, and committed soon after.
/// With --endpoint a chat service answers (anything that speaks the form of OpenAI's chat
/// completions, a local Ollama for instance), and its answers are kept too; a key that it wants is
/// taken from `ANNALS_ENDPOINT_KEY`. A shell that was interrupted offers to go on when it is next
/// started. Slash commands do the rest: /help names them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals shell
  annals shell --endpoint http://localhost:11434/v1 --model llama3.2
  annals shell -c '/sessions filter tag:bug'     one line, and back")]
pub(crate) struct ShellArgs {
    /// Run one line and leave
    #[arg(long = "command", short = 'c', value_name = "LINE")]
    line: Option<String>,
    /// Have this service answer
    #[arg(long, value_name = "URL", requires = "model")]
    endpoint: Option<String>,
    /// The model that answers there
    #[arg(long, value_name = "NAME", requires = "endpoint")]
    model: Option<String>,
}

/// Runs it.
pub(crate) fn run(args: &ShellArgs, context: &mut Context) -> Result<ExitCode> {
    let chat = args.endpoint.as_deref().zip(args.model.as_deref());
    let chat = chat.map(|(url, model)| Chat::new(url, model, platform::variable(KEY)));
    let options = LiveOptions::from_settings(&context.settings)?;
    let shell = Shell::new(context, options, chat)?;
    match &args.line {
        Some(line) => shell.run_line(line),
        None => shell.run(),
    }
}
