//! `annals edit`: title, tags, notes and pin of a session in an editor.

use clap::Args;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::editor::edited;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::plain::line;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository;
use crate::repository::Edit;
use crate::repository::EditOutcome;
use crate::repository::Repository;
use crate::session::Head;

/// Edit title, tags, notes and pin of a session in an editor
///
/// Opens a small YAML file in VISUAL, or EDITOR [default: vi]. Nothing happens if it is closed
/// without a change. The conversation itself is not edited.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals edit 3f2a9c10
  EDITOR=nano annals edit @")]
pub(crate) struct EditArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: String,
}

/// Runs it.
pub(crate) fn run(args: &EditArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let at = context.resolve(&mut repository, &args.session)?;
    let head = repository.load(&at)?.head();
    let text = sheet(&head);
    let folder = tempfile::Builder::new()
        .prefix("annals-edit-")
        .tempdir()
        .map_err(|error| failed("No temporary folder can be made", error))?;
    let file = folder.path().join("session.yaml");
    let edited = edited(&file, &text, context)?;
    if edited == text {
        let outcome = EditOutcome { head, revision: None };
        return context.edited("annals.edit/1", "Edited", &outcome);
    }
    let applied = apply(&mut repository, head, &edited);
    if applied.is_err() {
        // What somebody wrote is not thrown away because of a missing quote.
        let kept = folder.keep().join("session.yaml");
        let shown = context.path(&kept);
        context.output.status(&format!("What you wrote is kept in {shown}"))?;
    }
    context.edited("annals.edit/1", "Edited", &applied?)
}

/// Makes the session what the edited text says.
fn apply(repository: &mut Repository, head: Head, edited: &str) -> Result<EditOutcome> {
    let edits = edits(&head, &repository::parse_yaml(edited)?)?;
    if edits.is_empty() {
        return Ok(EditOutcome { head, revision: None });
    }
    Ok(repository.edit(head.id, &edits)?)
}

/// What stands in the editor.
fn sheet(head: &Head) -> String {
    let about = format!("# Session {}: {}\n", head.id.short(), line(&head.agent.name));
    let rule = "# Save and close to apply; close without a change to leave all as it is.\n";
    about + rule + &repository::render_yaml(&fields(head))
}

fn fields(head: &Head) -> Value {
    json!({
        "title": head.title.as_deref().unwrap_or_default(),
        "tags": head.tags,
        "notes": head.notes.as_deref().unwrap_or_default(),
        "pinned": head.pinned,
    })
}

/// What has to change, so that the session has these fields.
fn edits(head: &Head, value: &Value) -> Result<Vec<Edit>> {
    let Value::Object(now) = value else {
        return Err(refuse("The text must have the fields title, tags, notes and pinned."));
    };
    let before = fields(head);
    if let Some(unknown) = now.keys().find(|key| before.get(key).is_none()) {
        return Err(refuse(&format!(
            "`{}` cannot be edited; title, tags, notes and pinned can.",
            line(unknown)
        )));
    }
    let mut edits = Vec::new();
    let title = text(now, "title")?;
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title != head.title.as_deref().unwrap_or_default() {
        edits.push(Edit::Rename(title));
    }
    let tags = tags(now)?;
    let gone: Vec<String> = missing(&head.tags, &tags);
    let new: Vec<String> = missing(&tags, &head.tags);
    edits.extend((!gone.is_empty()).then_some(Edit::Untag(gone)));
    edits.extend((!new.is_empty()).then_some(Edit::Tag(new)));
    let notes = text(now, "notes")?;
    if notes.trim_end() != head.notes.as_deref().unwrap_or_default().trim_end() {
        edits.push(Edit::Note(notes.trim_end().to_owned()));
    }
    let is_pinned = match now.get("pinned") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(is_pinned)) => *is_pinned,
        Some(_) => return Err(refuse("`pinned` must be true or false.")),
    };
    if is_pinned != head.pinned {
        edits.push(Edit::Pin(is_pinned));
    }
    Ok(edits)
}

fn missing(of: &[String], in_: &[String]) -> Vec<String> {
    of.iter().filter(|it| !in_.contains(it)).cloned().collect()
}

fn text<'a>(now: &'a Map<String, Value>, name: &str) -> Result<&'a str> {
    match now.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(refuse(&format!("`{name}` must be a text; put it in quotes."))),
    }
}

fn tags(now: &Map<String, Value>) -> Result<Vec<String>> {
    let refused = || refuse("`tags` must be a list of words: [auth, bug]");
    match now.get("tags") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(tags)) => {
            let words = tags.iter().map(|tag| tag.as_str().map(str::to_owned));
            words.collect::<Option<_>>().ok_or_else(refused)
        }
        Some(_) => Err(refused()),
    }
}

fn failed(what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, what).because(error)
}

fn refuse(message: &str) -> Failure {
    Error::new(ErrorKind::Invalid, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    fn edits_of(value: &Value) -> std::result::Result<Vec<Edit>, String> {
        edits(&samples::head(), value).map_err(|failure| {
            crate::cli::exit::report(&failure).map_or(String::new(), |it| it.message)
        })
    }

    #[test]
    fn only_what_changed_is_an_edit() {
        assert_eq!(edits_of(&fields(&samples::head())), Ok(Vec::new()));
        let value = json!({
            "title": " A  new\ntitle ",
            "tags": ["bug", "later"],
            "notes": "Ask Kim.\n",
            "pinned": true,
        });
        let expected = vec![
            Edit::Rename("A new title".to_owned()),
            Edit::Untag(vec!["auth".to_owned()]),
            Edit::Tag(vec!["later".to_owned()]),
            Edit::Note("Ask Kim.".to_owned()),
            Edit::Pin(true),
        ];
        assert_eq!(edits_of(&value), Ok(expected));
    }

    #[test]
    fn fields_that_are_taken_out_are_emptied() {
        let both = vec!["auth".to_owned(), "bug".to_owned()];
        let expected = vec![Edit::Rename(String::new()), Edit::Untag(both)];
        assert_eq!(edits_of(&json!({})), Ok(expected));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let cases = [
            (json!([]), "must have the fields"),
            (json!({"models": []}), "`models` cannot be edited"),
            (json!({"title": 3}), "`title` must be a text"),
            (json!({"tags": "bug"}), "`tags` must be a list"),
            (json!({"tags": [3]}), "`tags` must be a list"),
            (json!({"pinned": "yes"}), "`pinned` must be"),
        ];
        for (value, expected) in cases {
            let refusal = edits_of(&value).expect_err("refused");
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
