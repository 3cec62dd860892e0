//! The prompt: line editing, history and completion. The history lives as long as the shell: what
//! is typed may hold secrets, and nothing of that goes to disk but through redaction.

use std::io::BufRead;

use rustyline::CompletionType;
use rustyline::Config;
use rustyline::Context;
use rustyline::Helper;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;

use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::shell::COMMANDS;
use crate::cli::shell::FIELDS;
use crate::cli::shell::is_interactive;

/// Reads lines: from a person, or from whatever stands in for one.
pub(super) enum Editor {
    Person(Box<rustyline::Editor<Words, MemHistory>>),
    Pipe,
}

/// What can be completed.
pub(super) struct Words {
    ids: Vec<String>,
}

impl Editor {
    pub(super) fn new(ids: Vec<String>) -> Result<Self> {
        if !is_interactive() {
            return Ok(Self::Pipe);
        }
        let config = Config::builder().completion_type(CompletionType::List).build();
        let editor = rustyline::Editor::with_history(config, MemHistory::new());
        let mut editor = editor.map_err(|error| failed(&error))?;
        editor.set_helper(Some(Words { ids }));
        Ok(Self::Person(Box::new(editor)))
    }

    /// The next line; none: the person left. Ctrl-C clears the line.
    pub(super) fn read(&mut self, prompt: &str) -> Result<Option<String>> {
        let editor = match self {
            Self::Person(editor) => editor,
            Self::Pipe => {
                let mut line = String::new();
                let read = std::io::stdin().lock().read_line(&mut line)?;
                return Ok((read > 0).then_some(line));
            }
        };
        loop {
            match editor.readline(prompt) {
                Ok(line) => {
                    editor.add_history_entry(&line).map_err(|error| failed(&error))?;
                    return Ok(Some(line));
                }
                Err(ReadlineError::Eof) => return Ok(None),
                Err(ReadlineError::Interrupted) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
    }
}

fn failed(error: &ReadlineError) -> Failure {
    Failure::Output(std::io::Error::other(error.to_string()))
}

impl Words {
    /// What the word that ends at `end` may become, and where it begins.
    fn candidates(&self, line: &str, end: usize) -> (usize, Vec<String>) {
        let typed = &line[..end];
        let commands = COMMANDS.iter().map(|(command, ..)| *command);
        let whole: Vec<String> =
            commands.filter(|it| it.starts_with(typed)).map(str::to_owned).collect();
        if !typed.starts_with('/') || !whole.is_empty() {
            return (0, if typed.starts_with('/') { whole } else { Vec::new() });
        }
        let start = typed.rfind(' ').map_or(0, |at| at + 1);
        let word = &typed[start..];
        let fields = FIELDS.iter().map(|field| format!("{field}:"));
        let all = self.ids.iter().cloned().chain(fields);
        (start, all.filter(|it| it.starts_with(word)).collect())
    }
}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        end: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.candidates(line, end))
    }
}

impl Helper for Words {}
impl Highlighter for Words {}
impl Validator for Words {}
impl Hinter for Words {
    type Hint = String;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_ids_and_fields_are_completed() {
        let words = Words { ids: vec!["3f2a9c10".to_owned()] };
        let found = |line: &str| words.candidates(line, line.len());
        assert_eq!(found("/ne"), (0, vec!["/new".to_owned()]));
        assert_eq!(found("/sessions sh").1, ["/sessions show", "/sessions share"]);
        assert_eq!(found("/sessions show 3f"), (15, vec!["3f2a9c10".to_owned()]));
        assert_eq!(found("/sessions filter ta"), (17, vec!["tag:".to_owned()]));
        assert!(found("hello 3f").1.is_empty(), "what is said is not completed");
    }
}
