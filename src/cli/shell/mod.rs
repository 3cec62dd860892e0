//! `annals shell`: a conversation at a prompt, held by a live session.
//!
//! What is typed is a message, on the disk before the next prompt; an endpoint may answer, and its
//! answer is a message too. Slash commands ([`Line`]) are the program's own commands, with the same
//! parser, words and questions. The shell knows nothing of how a session is saved: that is the
//! business of [`LiveSession`].

mod chat;
mod editor;
mod line;
mod signals;
mod start;

use std::io::IsTerminal;
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use crate::cli::behind;
use crate::cli::commands;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::help_asked;
use crate::cli::parse_command;
use crate::cli::plain::plain;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository::Filter;
use crate::repository::LiveChange;
use crate::repository::LiveOptions;
use crate::repository::LiveSession;
use crate::repository::Page;
use crate::repository::Repository;
use crate::repository::Restored;
use crate::repository::SortKey;
use crate::repository::Update;
use crate::repository::told_without_secrets;
use crate::session::Head;
use crate::session::Message;
use crate::session::Record;
use crate::session::SessionId;

pub use line::COMMANDS;
pub use line::CURRENT;
pub use line::FIELDS;
pub use line::Line;
pub use line::LineError;
pub use line::OwnCommand;

pub(crate) use chat::Chat;

use editor::Editor;
use signals::Doing;
use signals::Signals;

/// The agent that sessions of the shell are by.
pub(crate) const AGENT: &str = "annals-shell";

/// A shell, and the session that it holds.
pub(crate) struct Shell<'c> {
    context: &'c mut Context,
    options: LiveOptions,
    chat: Option<Chat>,
    /// None until something is said: an empty session is worth nothing.
    live: Option<Arc<LiveSession>>,
    signals: Signals,
    /// What its saves come to.
    changes: Option<Receiver<LiveChange>>,
    /// What was said, for the endpoint.
    said: Vec<Message>,
}

/// Whether the shell goes on after a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Prompt(ExitCode),
    Leave,
}

impl<'c> Shell<'c> {
    pub(crate) fn new(
        context: &'c mut Context,
        options: LiveOptions,
        chat: Option<Chat>,
    ) -> Result<Self> {
        let signals = Signals::listen().map_err(|error| {
            Error::new(ErrorKind::Io, "Signals cannot be listened to").because(error)
        })?;
        context.interrupt.heed_all();
        let (live, changes, said) = (None, None, Vec::new());
        Ok(Self { context, options, chat, live, signals, changes, said })
    }

    /// Runs one line and leaves.
    pub(crate) fn run_line(mut self, text: &str) -> Result<ExitCode> {
        let next = self.take(text);
        let closed = self.close();
        // Returns no more when a signal came.
        self.set(Doing::Prompt);
        self.tell_changes()?;
        closed?;
        Ok(match next? {
            Next::Prompt(code) => code,
            Next::Leave => ExitCode::Done,
        })
    }

    /// Reads lines until the person leaves.
    pub(crate) fn run(mut self) -> Result<ExitCode> {
        self.offer()?;
        let mut editor = Editor::new(self.ids())?;
        loop {
            let prompt = match &self.live {
                Some(live) => format!("{} › ", live.id().short()),
                None => "annals › ".to_owned(),
            };
            self.tell_changes()?;
            self.set(Doing::Prompt);
            let text = editor.read(&prompt);
            self.set(Doing::Command);
            let Some(text) = text? else { break };
            match self.take(&text) {
                Ok(Next::Prompt(_)) => {}
                Ok(Next::Leave) => break,
                // Whoever ended the process knows.
                Err(_) if self.signals.is_ending() => {}
                Err(failure) => self.tell(&failure)?,
            }
        }
        self.close()?;
        self.tell_changes()?;
        Ok(ExitCode::Done)
    }

    /// Says what became of saves that nobody asked for.
    fn tell_changes(&mut self) -> Result<()> {
        let Some(changes) = &self.changes else { return Ok(()) };
        for change in changes.try_iter().collect::<Vec<_>>() {
            match change {
                // Once is enough of those that follow.
                LiveChange::Retrying { error, failures: 1, .. } => {
                    let text = format!(
                        "What was said is in the journal, but not in the store yet: {error}. It is \
                         tried again by itself; /save tries at once."
                    );
                    self.context.output.warning(&text)?;
                }
                LiveChange::LimitReached(notice) => self.context.tell_notice(&notice)?,
                LiveChange::SyncDue => {
                    behind::start_sync(&self.context.flags, &self.context.environment);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Says what is being done from now on, for signals to mean the right thing.
    fn set(&self, doing: Doing) {
        // What was pressed before was for something else.
        self.context.interrupt.take();
        self.context.interrupt.hold(doing != Doing::Command);
        self.signals.set(doing);
    }

    /// Does what a line says.
    fn take(&mut self, text: &str) -> Result<Next> {
        let line = Line::parse(text).map_err(|error| Failure::Usage(sentence(&error)))?;
        match line {
            Line::Empty => Ok(Next::Prompt(ExitCode::Done)),
            Line::Say(text) => self.say(&text),
            Line::Own(command) => self.own(command),
            Line::Program(words) => self.program(words).map(Next::Prompt),
        }
    }

    fn say(&mut self, text: &str) -> Result<Next> {
        let question = Message::new("user", text);
        self.keep(question)?;
        let Some(chat) = self.chat.clone() else {
            return Ok(Next::Prompt(ExitCode::Done));
        };
        self.set(Doing::Answer);
        let (interrupt, signals) = (self.context.interrupt.clone(), self.signals.clone());
        let mut show = |part: &str| {
            let mut out = std::io::stdout().lock();
            write!(out, "{}", plain(part))?;
            out.flush()
        };
        let is_stopped = || interrupt.take() || signals.is_ending();
        let answered = chat.answer(&self.said, &mut show, &is_stopped);
        let has_text = answered.message.is_some();
        // What came before it broke off was said.
        let kept = answered.message.map_or(Ok(()), |answer| self.keep(answer));
        self.set(Doing::Command);
        if has_text {
            self.context.output.data("\n")?;
        }
        kept?;
        answered.error.map_or(Ok(Next::Prompt(ExitCode::Done)), Err)
    }

    /// Puts a message into the session; made if there is none.
    fn keep(&mut self, message: Message) -> Result<()> {
        if self.live.is_none() {
            let live = self.context.open_or_make()?.create(AGENT, &self.options)?;
            let folder = self.context.environment.current.clone();
            let model = self.chat.as_ref().map(|chat| chat.model().to_owned());
            if let Some(model) = model {
                live.update(Update::Model(model))?;
            }
            self.take_hold(live);
            let mut message = message.clone();
            message.envelope.place.cwd = Some(folder.to_string_lossy().into_owned());
            return self.append(message);
        }
        self.append(message)
    }

    fn append(&mut self, message: Message) -> Result<()> {
        if let Some(live) = &self.live {
            live.append(vec![Record::Message(message.clone())])?;
        }
        self.said.push(message);
        Ok(())
    }

    fn own(&mut self, command: OwnCommand) -> Result<Next> {
        match command {
            OwnCommand::Resume(Some(id)) => {
                let mut repository = self.context.open()?;
                let at = self.context.resolve(&mut repository, &id)?;
                self.go_on(at.id)?;
            }
            OwnCommand::Resume(None) => self.choose()?,
            OwnCommand::New => {
                self.close()?;
                self.context.output.status("A new session begins with what you say next.")?;
            }
            OwnCommand::Save => self.save()?,
            OwnCommand::Help => self.help()?,
            OwnCommand::Quit => return Ok(Next::Leave),
        }
        Ok(Next::Prompt(ExitCode::Done))
    }

    fn save(&mut self) -> Result<()> {
        let Some(live) = &self.live else {
            return self.context.output.status("There is nothing to save.");
        };
        let head = live.save()?;
        let name = self.context.named(&head);
        self.context.output.status(&format!("Saved {name}"))
    }

    fn help(&mut self) -> Result<()> {
        let line = |(command, takes, does): &(&str, &str, &str)| {
            format!("  {:<34} {does}\n", format!("{command} {takes}"))
        };
        let commands: String = COMMANDS.iter().map(line).collect();
        let first = "What you type is kept as a message. // says what begins with /.\n";
        self.context.output.data(&format!("{first}{commands}"))
    }

    /// Runs a command of the program. What is held is saved before, and read anew after one that
    /// may have changed it.
    fn program(&mut self, words: Vec<String>) -> Result<ExitCode> {
        if let Some(help) = help_asked(&words) {
            self.context.output.page(&help)?;
            return Ok(ExitCode::Done);
        }
        let words = self.with_current(words)?;
        if let Some(live) = &self.live {
            live.save()?;
        }
        // What another program changed of the settings counts too.
        self.context.read_settings_again();
        let command = parse_command(&words)?;
        let changes = !command.only_reads();
        let ended = commands::run(command, self.context);
        self.context.read_settings_again();
        self.options = LiveOptions::from_settings(&self.context.settings)
            .unwrap_or_else(|_| self.options.clone());
        if changes && let Some(id) = self.held() {
            self.read_again(id)?;
        }
        ended
    }

    /// The words with the held session's id where they mean it.
    fn with_current(&self, words: Vec<String>) -> Result<Vec<String>> {
        let id = self.live.as_ref().map(|live| live.id().to_string());
        let replace = |word: String| {
            let behind = word.strip_prefix(CURRENT);
            let behind = behind.filter(|behind| behind.is_empty() || behind.starts_with('@'));
            match (behind, &id) {
                (None, _) => Ok(word),
                (Some(behind), Some(id)) => Ok(format!("{id}{behind}")),
                (Some(_), None) => Err(Failure::Usage("Nothing was said yet.".to_owned())),
            }
        };
        words.into_iter().map(replace).collect()
    }

    /// Holds the session again as the store has it now: it may be rolled back, or gone.
    fn read_again(&mut self, id: SessionId) -> Result<()> {
        self.live = None;
        self.said.clear();
        let mut repository = self.context.open()?;
        if let Ok((live, restored)) = repository.resume(id, &self.options) {
            self.hold(live, restored);
        }
        Ok(())
    }

    fn hold(&mut self, live: LiveSession, restored: Restored) {
        let message = |record: Record| match record {
            Record::Message(message) => Some(message),
            _ => None,
        };
        self.said = restored.records.into_iter().filter_map(message).collect();
        self.take_hold(live);
    }

    /// The session that is held.
    fn held(&self) -> Option<SessionId> {
        self.live.as_ref().map(|live| live.id())
    }

    fn take_hold(&mut self, live: LiveSession) {
        let live = Arc::new(live);
        self.signals.hold(&live);
        self.changes = Some(live.watch());
        self.live = Some(live);
    }

    fn close(&mut self) -> Result<()> {
        self.said.clear();
        let Some(live) = self.live.take() else { return Ok(()) };
        match Arc::try_unwrap(live) {
            Ok(live) => live.close()?,
            // A signal came, and it is being closed.
            Err(live) => live.close_within(signals::PATIENCE)?,
        };
        Ok(())
    }

    /// The short ids of the latest sessions, for completion.
    fn ids(&mut self) -> Vec<String> {
        let Ok(mut repository) = self.context.open() else { return Vec::new() };
        let listed = latest(&mut repository, 100).unwrap_or_default();
        listed.iter().map(|head| head.id.short()).collect()
    }

    fn tell(&mut self, failure: &Failure) -> Result<()> {
        let Some(mut report) = exit::report(failure) else { return Ok(()) };
        report.message = told_without_secrets(&report.message);
        if report.code == ExitCode::Usage {
            let hint = "/help names the commands; --help behind one tells what it takes.";
            report.hint = Some(hint.into());
        }
        self.context.output.failure(&report)
    }
}

/// Whether the shell has a person in front of it.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// The sessions that changed last.
fn latest(repository: &mut Repository, count: u64) -> Result<Vec<Head>> {
    let page = Page { offset: 0, limit: count };
    let listing = repository.list(&Filter::default(), SortKey::Modified, false, page)?;
    Ok(listing.sessions.into_iter().map(|summary| summary.head).collect())
}

fn sentence(error: &LineError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
