//! `annals redact`: the redactor as a filter.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::cli::commands::save;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository::TextFilter;

/// Take the secrets out of a text
///
/// Each is replaced by `[redacted:RULE]`, by the rules that every save obeys. Nothing is stored.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env | annals redact
  annals redact build.log > shared.log
  annals redact --lines < texts.jsonl")]
pub(crate) struct RedactArgs {
    /// The file; - is stdin [default: -]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Read JSON objects, one a line, and redact the field `text` of each, judged by itself
    #[arg(long)]
    lines: bool,
}

/// Runs it.
pub(crate) fn run(args: &RedactArgs, context: &mut Context) -> Result<ExitCode> {
    let filter = TextFilter::builtin()?;
    let (input, name): (Box<dyn Read>, String) = match &args.file {
        Some(file) if file.as_os_str() != "-" => {
            let shown = context.path(file);
            let opened =
                std::fs::File::open(file).map_err(|error| save::unreadable(&shown, error))?;
            (Box::new(opened), shown)
        }
        _ => (Box::new(std::io::stdin()), "stdin".to_owned()),
    };
    if args.lines {
        return redact_lines(BufReader::new(input), &name, &filter, context);
    }
    let text = save::read(input, &name)?;
    context.output.data(&filter.redact(&text))?;
    Ok(ExitCode::Done)
}

fn redact_lines(
    input: impl BufRead,
    name: &str,
    filter: &TextFilter,
    context: &mut Context,
) -> Result<ExitCode> {
    for (number, line) in input.lines().enumerate() {
        let line = line.map_err(|error| save::unreadable(name, error))?;
        if line.trim().is_empty() {
            continue;
        }
        let mut object = parse(&line).ok_or_else(|| refused(name, number + 1))?;
        if let Some(Value::String(text)) = object.get_mut("text") {
            *text = filter.redact(text);
        }
        context.output.data(&format!("{object}\n"))?;
    }
    Ok(ExitCode::Done)
}

/// The object on a line, if it has a text.
fn parse(line: &str) -> Option<Value> {
    let object: Value = serde_json::from_str(line).ok()?;
    object.get("text")?.is_string().then_some(object)
}

/// The line itself is not told: it may hold what must not be seen.
fn refused(name: &str, line: usize) -> Failure {
    let text = format!("{name}, line {line}, is no JSON object with a `text`");
    Error::new(ErrorKind::Invalid, text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_object_with_a_text() {
        assert!(parse(r#"{"text": "a", "id": 1}"#).is_some());
        assert!(parse(r#"{"text": 1}"#).is_none());
        assert!(parse("text").is_none());
    }

    #[test]
    fn a_refusal_tells_the_line_but_not_what_stands_there() {
        let Failure::Library(error) = refused("stdin", 3) else {
            unreachable!("it is an error of the library's kind")
        };
        assert_eq!(error.to_string(), "stdin, line 3, is no JSON object with a `text`");
    }
}
