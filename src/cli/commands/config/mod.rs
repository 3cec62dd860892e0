//! `annals config`: the settings, where each came from, and changes of them.

mod edit;

use clap::Args;
use clap::Subcommand;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::ConfigView;
use crate::cli::plain::line;
use crate::config;
use crate::config::Changed;
use crate::config::Error;
use crate::config::KEYS;
use crate::config::Key;
use crate::config::Layer;
use crate::config::Settings;
use crate::repository::Operation;
use crate::repository::record;

/// Show and change the settings
///
/// They stand in config.toml. A flag outdoes the environment, the environment the file, the file
/// the default. Changes keep comments and order; a value that cannot be is refused, and the file
/// stays as it is. docs/configuration.md has every key.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals config list --origin                every key, its value, and where that came from
  annals config get save.interval
  annals config set save.interval 30
  annals config unset save.interval          the default holds again
  annals config edit                         in an editor; what cannot be is not taken")]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: ConfigAction,
}

#[derive(Debug, Subcommand)]
enum ConfigAction {
    /// Show every key and its value
    List {
        /// Show where each value came from
        #[arg(long)]
        origin: bool,
    },
    /// Print the value that holds
    Get {
        /// The key, with its section: save.interval
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Give a key a value in config.toml
    Set {
        /// The key, with its section: save.interval
        #[arg(value_name = "KEY")]
        key: String,
        /// The value
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
    },
    /// Take the value of a key out of config.toml
    Unset {
        /// The key, with its section: save.interval
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Open config.toml in VISUAL, or EDITOR
    Edit,
}

/// Runs it.
pub(crate) fn run(args: ConfigArgs, context: &mut Context) -> Result<ExitCode> {
    match args.action {
        ConfigAction::List { origin } => list(origin, context),
        ConfigAction::Get { key } => get(&key, context),
        ConfigAction::Set { key, value } => {
            let environment = &context.environment;
            let changed = record(&context.open_options(false), Operation::Config, || {
                Ok(config::set(&environment.config, &environment.home, &key, &value)?)
            });
            tell_change(&key, &changed?, context)
        }
        ConfigAction::Unset { key } => {
            let environment = &context.environment;
            let changed = record(&context.open_options(false), Operation::Config, || {
                Ok(config::unset(&environment.config, &environment.home, &key)?)
            });
            tell_change(&key, &changed?, context)
        }
        ConfigAction::Edit => edit::run(context),
    }
}

fn list(with_origin: bool, context: &mut Context) -> Result<ExitCode> {
    let keys: Vec<&'static Key> = KEYS.iter().collect();
    if context.output.is_json() {
        let view = ConfigView::of(&keys, &context.settings, |key| origin(key, &context.settings));
        context.output.json(&view)?;
        return Ok(ExitCode::Done);
    }
    let paint = context.output.paint();
    let width = keys.iter().map(|key| key.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for key in keys {
        let (value, layer) = key.value(&context.settings);
        let name = paint.id(&format!("{:width$}", key.name));
        let mut row = format!("{name}  {}", line(&in_list(key, &value)));
        if with_origin {
            row += &paint.faint(&format!("  ({})", place(key, &context.settings)));
        } else if layer == Layer::Default {
            row = paint.faint(&format!("{:width$}  {}", key.name, in_list(key, &value)));
        }
        text += &row;
        text.push('\n');
    }
    context.output.page(&text)?;
    let faults: Vec<Error> = context.settings.faults().cloned().collect();
    for fault in faults {
        if context.told.as_ref() != Some(&fault) {
            context.output.warning(&fault.to_string())?;
        }
    }
    let path = context.path(&context.settings.path);
    context.output.hint(&format!("The file: {path}"))?;
    Ok(ExitCode::Done)
}

fn get(name: &str, context: &mut Context) -> Result<ExitCode> {
    let key = Key::find(name).map_err(crate::error::Error::from)?;
    // What outdoes the file holds, whatever stands there.
    if key.value(&context.settings).1 <= Layer::File {
        context.settings.check_key(key).map_err(crate::error::Error::from)?;
    }
    if context.output.is_json() {
        let view = ConfigView::of(&[key], &context.settings, |key| origin(key, &context.settings));
        context.output.json(&view)?;
        return Ok(ExitCode::Done);
    }
    let text = match key.value(&context.settings).0 {
        Value::Null => {
            let text = format!("`{}` has no value: {}.", key.name, key.without);
            context.output.hint(&text)?;
            return Ok(ExitCode::Negative);
        }
        Value::String(text) => text,
        value => value.to_string(),
    };
    context.output.data(&format!("{}\n", line(&text)))?;
    Ok(ExitCode::Done)
}

/// Says what became of the file, and what outdoes it.
fn tell_change(name: &str, changed: &Changed, context: &mut Context) -> Result<ExitCode> {
    let environment = &context.environment;
    let file = Settings::load(&environment.config, &environment.home);
    let key = Key::find(name).map_err(crate::error::Error::from)?;
    let is_outdone = key.value(&context.settings).1 > Layer::File;
    let outdoes = origin(key, &context.settings);
    if context.output.is_json() {
        let view = ConfigView::of(&[key], &file, |key| origin(key, &file));
        context.output.json(&view)?;
        return Ok(ExitCode::Done);
    }
    let (path, value) = (context.path(&changed.path), in_list(key, &key.value(&file).0));
    let done = if changed.is_new { "" } else { "Nothing to change: " };
    context.output.status(&format!("{done}{name} = {} in {path}", line(&value)))?;
    if is_outdone {
        context.output.warning(&format!("{outdoes} outdoes it now"))?;
    }
    Ok(ExitCode::Done)
}

/// A value as a list shows it.
fn in_list(key: &Key, value: &Value) -> String {
    match value {
        Value::Null => format!("({})", key.without),
        value => value.to_string(),
    }
}

/// Where the value of a key came from, and on which line of the file.
fn place(key: &Key, settings: &Settings) -> String {
    let origin = origin(key, settings);
    match settings.line_of(key).filter(|_| key.value(settings).1 == Layer::File) {
        Some(line) => format!("{origin}:{line}"),
        None => origin.to_owned(),
    }
}

/// Where the value of a key came from.
fn origin(key: &Key, settings: &Settings) -> &'static str {
    match key.value(settings).1 {
        Layer::Default => "default",
        Layer::File => "config.toml",
        Layer::Environment => key.variable.unwrap_or("environment"),
        Layer::Flag => key.flag.unwrap_or("command line"),
    }
}
