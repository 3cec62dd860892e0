//! How the shell starts: it offers to go on with what was interrupted, or said last.

use crate::cli::brief;
use crate::cli::exit;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::picker;
use crate::cli::picker::Choice;
use crate::cli::picker::PickerOptions;
use crate::cli::picker::Purpose;
use crate::cli::shell::AGENT;
use crate::cli::shell::Shell;
use crate::cli::shell::is_interactive;
use crate::cli::shell::latest;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository::StartOffer;
use crate::session::Head;
use crate::session::SessionId;

impl Shell<'_> {
    /// Offers what there is to go on with. Whatever fails, a new session can always begin.
    pub(super) fn offer(&mut self) -> Result<()> {
        let mut repository = self.context.open_to_offer(AGENT)?;
        let offer = match repository.start_offer(AGENT) {
            Ok(offer) => offer,
            Err(error) => {
                self.tell(&Failure::from(error))?;
                return self.context.output.hint("A new session begins with what you say.");
            }
        };
        match offer {
            StartOffer::Nothing => self.context.output.hint("/help says what there is."),
            StartOffer::Interrupted { head, messages, at } => {
                let name = self.context.named(&head);
                let ago = brief::ago_said(repository.now(), at.as_deref());
                let count = brief::count(head.counts.messages, "message");
                let came = match messages {
                    0 => String::new(),
                    came => format!(", {came} of them out of its journal"),
                };
                let text = format!("{name} was interrupted {ago}; it has {count}{came}.");
                self.context.output.status(&text)?;
                self.ask_to_go_on(&head, "Go on with it? [Y/n]", true)
            }
            StartOffer::Last(head) => {
                let name = self.context.named(&head);
                let ago = brief::ago_said(repository.now(), head.modified.as_deref());
                let count = brief::count(head.counts.messages, "message");
                self.context.output.status(&format!("Last: {name}  {count}, {ago}"))?;
                self.ask_to_go_on(&head, "Go on with it? [y/N]", false)
            }
            StartOffer::Stopped(failed) => {
                self.context.output.warning("These sessions could not be opened:")?;
                for failed in failed {
                    let text = format!("  {}  {}", failed.session.short(), failed.reason);
                    self.context.output.status(&text)?;
                }
                let hint = "Nothing is offered until one is opened: `annals doctor` says what is \
                            wrong, /resume ID tries one again, and a new session begins below.";
                self.context.output.hint(hint)
            }
        }
    }

    fn ask_to_go_on(&mut self, head: &Head, question: &str, is_default: bool) -> Result<()> {
        if !self.context.output.can_ask() {
            return Ok(());
        }
        let answer = self.context.output.ask(question)?.unwrap_or_else(|| "n".to_owned());
        let is_yes = match answer.to_ascii_lowercase().as_str() {
            "" => is_default,
            other => matches!(other, "y" | "yes"),
        };
        if !is_yes {
            return Ok(());
        }
        match self.go_on(head.id) {
            Ok(()) => Ok(()),
            Err(failure) => {
                self.tell(&failure)?;
                self.context.output.status("A new session begins with what you say next.")
            }
        }
    }

    /// Goes on with a session, and notes whether that went well.
    pub(super) fn go_on(&mut self, id: SessionId) -> Result<()> {
        let mut repository = self.context.open()?;
        // It may be the one that is held.
        if let Some(live) = &self.live {
            live.save()?;
        }
        // Noted before: whatever ends this process meanwhile, it does not so again and again.
        drop(repository.mark_failed_start(id, "the program ended while it was opened"));
        let resumed = repository.resume(id, &self.options);
        // Somebody else's lock says nothing of the session.
        let is_sound = resumed.as_ref().err().is_none_or(|it| it.kind() == ErrorKind::Locked);
        if is_sound {
            repository.clear_failed_starts(Some(id))?;
        }
        match resumed {
            Ok((live, restored)) => {
                self.close()?;
                self.tell_restored(&restored)?;
                self.hold(live, restored);
                Ok(())
            }
            Err(error) => {
                let kind = error.kind();
                let reason = exit::report(&Failure::from(error));
                let reason = reason.map_or_else(String::new, |report| report.message);
                if !is_sound {
                    repository.mark_failed_start(id, &reason)?;
                }
                let message = format!("session {} cannot be opened: {reason}", id.short());
                Err(Failure::Library(Error::new(kind, message)))
            }
        }
    }

    /// Chooses a session: on the full screen where there is one, else by a numbered list.
    pub(super) fn choose(&mut self) -> Result<()> {
        if is_interactive() && self.context.output.can_ask() {
            return self.pick();
        }
        self.choose_by_number()
    }

    /// The picker may change sessions, that which is held too: it is saved before, and read anew.
    fn pick(&mut self) -> Result<()> {
        if let Some(live) = &self.live {
            live.save()?;
        }
        let held = self.held();
        let mut repository = self.context.open()?;
        let options = PickerOptions { purpose: Purpose::Shell, ..PickerOptions::default() };
        let choice = picker::pick(&options, &mut repository, self.context)?;
        drop(repository);
        if let Some(held) = held {
            self.read_again(held)?;
        }
        match choice {
            Choice::Session { id, .. } if self.held() != Some(id) => self.go_on(id),
            Choice::Session { .. } | Choice::Cancelled | Choice::NoSessions => Ok(()),
        }
    }

    fn choose_by_number(&mut self) -> Result<()> {
        let mut repository = self.context.open()?;
        let heads = latest(&mut repository, 9)?;
        for (number, head) in heads.iter().enumerate() {
            let ago = brief::ago_text(repository.now(), head.modified.as_deref());
            let line = format!("{:>3}  {}  {ago}\n", number + 1, self.context.named(head));
            self.context.output.data(&line)?;
        }
        let answer = self.context.output.ask("Which one? (number or id)")?.unwrap_or_default();
        if answer.is_empty() {
            return Ok(());
        }
        let numbered = answer.parse::<usize>().ok().and_then(|it| heads.get(it.checked_sub(1)?));
        let id = match numbered {
            Some(head) => head.id,
            None => self.context.resolve(&mut repository, &answer)?.id,
        };
        self.go_on(id)
    }

    fn tell_restored(&mut self, restored: &crate::repository::Restored) -> Result<()> {
        let head = &restored.head;
        let name = self.context.named(head);
        let count = brief::count(head.counts.messages, "message");
        let mut parts = vec![count];
        parts.extend(restored.model.as_deref().map(brief::model));
        if head.tokens.total > 0 {
            parts.push(format!("{} tokens", brief::compact(head.tokens.total)));
        }
        self.context.output.status(&format!("Going on with {name}  {}", parts.join(" · ")))?;
        if let Some(root) = head.workspace.root.as_deref().filter(|_| !restored.workspace_exists) {
            let text = format!("There is no folder {root} any more.");
            self.context.output.warning(&text)?;
        }
        for file in &restored.missing_files {
            self.context.output.warning(&format!("The context file {file} is not there."))?;
        }
        Ok(())
    }
}
