//! `annals redact`: the redactor as a filter.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
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
use crate::cli::json::AllowView;
use crate::cli::json::FindingView;
use crate::cli::json::RedactView;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository::Operation;
use crate::repository::Profile;
use crate::repository::Sharing;
use crate::repository::TextFilter;
use crate::repository::allow_value;
use crate::repository::profile_of;
use crate::repository::record;

/// The longest line that `--lines` reads, in bytes.
const LONGEST_LINE: u64 = 64 << 20;

/// For how many profiles patterns are kept.
const MOST_PROFILES: usize = 64;

/// Take the secrets out of a text
///
/// Each is replaced by `[redacted:RULE]`, by the rules that every save obeys. Nothing is stored.
/// With `--share` the traces of the user and the machine go too: the home folder becomes `~`, the
/// rest `<user>`, `<host>`, `<name>`, `<email>`, `<ip>`, `<id>`, `<project>`. With `--list` the
/// places are shown instead of the text, and the exit code is 1 when there are any.
///
/// With `--allow` a value that a rule finds though it is no secret is taken up in
/// `[[redact.allow]]` of config.toml. Give the value, or the text in which it was found. Only its
/// SHA-256 is written. What is stored already stays as it is. Rules of your own, and rules that are
/// not to run, stand in `[[redact.rules]]` and `redact.off` there; docs/configuration.md has all of
/// it.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = "\
Examples:
  env | annals redact
  annals redact build.log > shared.log
  annals redact --share build.log        without names and paths of this machine too
  annals redact --list .env              only where secrets stand, and why
  annals redact --lines < texts.jsonl
  annals redact --allow                  a value that is no secret; it is asked for
  annals redact --allow < value.txt")]
pub(crate) struct RedactArgs {
    /// The file; - is stdin [default: -]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Read JSON objects, one a line, and redact the field `text` of each, judged by itself
    #[arg(long)]
    lines: bool,
    /// Take out local paths, names and addresses too: those of this user and machine or, of an
    /// object with a `profile`, those that stand there
    #[arg(long)]
    share: bool,
    /// Show where secrets stand, by which rule and why, instead of the text
    #[arg(long, conflicts_with = "share")]
    list: bool,
    /// Say that a value is no secret: it is asked for, or read from stdin, and no longer redacted
    #[arg(long, conflicts_with_all = ["file", "lines", "share", "list"])]
    allow: bool,
}

/// Runs it.
pub(crate) fn run(args: &RedactArgs, context: &mut Context) -> Result<ExitCode> {
    if args.allow {
        return allow(context);
    }
    let filter = TextFilter::load(&context.environment)?;
    let (input, name): (Box<dyn Read>, String) = match &args.file {
        Some(file) if file.as_os_str() != "-" => {
            let shown = context.path(file);
            let opened =
                std::fs::File::open(file).map_err(|error| save::unreadable(&shown, error))?;
            (Box::new(opened), shown)
        }
        _ => (Box::new(std::io::stdin()), "stdin".to_owned()),
    };
    match (args.list, args.lines) {
        (true, true) => {
            let findings = list_lines(BufReader::new(input), &name, &filter)?;
            show(findings, context)
        }
        (true, false) => {
            let findings = filter.spots(&save::read(input, &name)?);
            show(findings.into_iter().map(FindingView::of).collect(), context)
        }
        (false, true) => redact_lines(BufReader::new(input), &name, &filter, args.share, context),
        (false, false) => {
            let mut text = filter.redact(&save::read(input, &name)?);
            if args.share {
                text = filter.sharing(&profile_of(&context.environment))?.text(&text);
            }
            context.output.data(&text)?;
            Ok(ExitCode::Done)
        }
    }
}

/// Takes up a value that is no secret.
fn allow(context: &mut Context) -> Result<ExitCode> {
    let value = context.output.ask_hidden("The value that is no secret (it is not shown):")?;
    let nothing = || Failure::Declined("Nothing was allowed: no value was given.".to_owned());
    let value = value.ok_or_else(nothing)?;
    let outcome = record(&context.open_options(false), Operation::Allow, || {
        allow_value(&context.environment, &value)
    })?;
    if context.output.is_json() {
        context.output.json(&AllowView::of(&outcome))?;
        return Ok(ExitCode::Done);
    }
    let path = context.path(&outcome.path);
    if !outcome.is_new {
        context.output.status(&format!("It is allowed already, in {path}"))?;
        return Ok(ExitCode::Done);
    }
    let found = match outcome.rules.as_slice() {
        [] => "no rule finds it by itself; it stays where one finds it beside a name".to_owned(),
        rules => format!("found by {}", rules.join(", ")),
    };
    let digests: Vec<&str> = outcome.digests.iter().map(|digest| &digest[..8]).collect();
    context.output.status(&format!("Allowed from now on ({found})."))?;
    context
        .output
        .status(&format!("Its SHA-256 ({}…) was added to {path}", digests.join("…, ")))?;
    context.output.hint(
        "To undo it, take that entry of [[redact.allow]] out again. A password that is in use \
         should never be there: whoever guesses it can check the guess.",
    )?;
    Ok(ExitCode::Done)
}

fn redact_lines(
    input: impl BufRead,
    name: &str,
    filter: &TextFilter,
    is_shared: bool,
    context: &mut Context,
) -> Result<ExitCode> {
    // Making patterns of a profile takes longer than using them, and many lines have the same.
    let mut known: BTreeMap<Option<String>, Sharing> = BTreeMap::new();
    each_object(input, name, |_, mut object| {
        let profile = object.get("profile").filter(|_| is_shared).cloned();
        if let Some(Value::String(text)) = object.get_mut("text") {
            *text = filter.redact(text);
            if is_shared {
                let key = profile.as_ref().map(Value::to_string);
                if known.len() >= MOST_PROFILES {
                    known.clear();
                }
                let sharing = match known.entry(key) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => {
                        let own = || profile_of(&context.environment);
                        let profile = profile.as_ref().map_or_else(own, profile_in);
                        entry.insert(filter.sharing(&profile)?)
                    }
                };
                *text = sharing.clone().text(text);
            }
        }
        context.output.data(&format!("{object}\n"))?;
        Ok(())
    })?;
    Ok(ExitCode::Done)
}

/// The findings in the texts of objects; the line is that of the input.
fn list_lines(input: impl BufRead, name: &str, filter: &TextFilter) -> Result<Vec<FindingView>> {
    let mut findings = Vec::new();
    each_object(input, name, |line, object| {
        let text = object.get("text").and_then(Value::as_str).unwrap_or_default();
        let spots = filter.spots(text).into_iter();
        findings.extend(spots.map(|spot| FindingView::of_input(spot, line)));
        Ok(())
    })?;
    Ok(findings)
}

fn each_object(
    input: impl BufRead,
    name: &str,
    mut see: impl FnMut(usize, Value) -> Result<()>,
) -> Result<()> {
    let mut input = input;
    for number in 1.. {
        let mut line = Vec::new();
        let mut reader = (&mut input).take(LONGEST_LINE + 1);
        reader.read_until(b'\n', &mut line).map_err(|error| save::unreadable(name, error))?;
        if line.is_empty() {
            break;
        }
        if line.len() as u64 > LONGEST_LINE {
            let text = format!("{name}, line {number} is longer than {} MiB", LONGEST_LINE >> 20);
            return Err(Error::new(ErrorKind::Invalid, text).into());
        }
        if !line.trim_ascii().is_empty() {
            let object = std::str::from_utf8(&line).ok().and_then(parse);
            let object = object.ok_or_else(|| refused(name, number))?;
            see(number, object)?;
        }
    }
    Ok(())
}

/// Shows findings; their being there is the negative answer.
fn show(findings: Vec<FindingView>, context: &mut Context) -> Result<ExitCode> {
    let code = if findings.is_empty() { ExitCode::Done } else { ExitCode::Negative };
    if context.output.is_json() {
        context.output.json(&RedactView::of(findings))?;
    } else {
        let text: String = findings.iter().map(FindingView::to_line).collect();
        context.output.data(&text)?;
    }
    Ok(code)
}

/// The profile of an object, as far as it goes.
fn profile_in(value: &Value) -> Profile {
    let field = |names: &[&str]| {
        let text = names.iter().find_map(|name| value.get(*name)?.as_str());
        text.unwrap_or_default().to_owned()
    };
    Profile {
        home: field(&["home"]),
        user: field(&["user"]),
        host: field(&["host"]),
        name: field(&["full_name", "name"]),
        email: field(&["email"]),
    }
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
