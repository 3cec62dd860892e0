//! What every command works with: the user's folders, the settings, the output, the store.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

use chrono::Local;

use crate::cli::behind;
use crate::cli::brief;
use crate::cli::commands::migrate;
use crate::cli::conversation::Look;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::interrupt::Interrupt;
use crate::cli::json::EditView;
use crate::cli::mending;
use crate::cli::output::Meter;
use crate::cli::output::Output;
use crate::cli::output::OutputOptions;
use crate::config;
use crate::config::Color;
use crate::config::Layer;
use crate::config::Section;
use crate::config::Settings;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::platform;
use crate::platform::Environment;
use crate::repository::EditOutcome;
use crate::repository::MigrationListener;
use crate::repository::MigrationStep;
use crate::repository::OpenOptions;
use crate::repository::RemedyKind;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::StorageNotice;
use crate::repository::StoreDamage;
use crate::session::Head;
use crate::session::SessionId;

/// The flags that every command takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    /// `--store`
    pub(crate) store: Option<PathBuf>,
    /// `--json`
    pub(crate) is_json: bool,
    /// `--quiet`
    pub(crate) is_quiet: bool,
    /// `--color`
    pub(crate) color: Option<Color>,
}

impl Flags {
    /// The output that flags and environment ask for, whatever is configured.
    pub(crate) fn plain_output(&self) -> Output {
        self.output(&self.layered(Settings::default()))
    }

    /// The settings of all layers, as the file has them now.
    fn settings(&self, environment: &Environment) -> Settings {
        let mut settings = self.layered(Settings::load(&environment.config, &environment.home));
        let stores = [&environment.store, &self.store].map(|path| path.clone().map(Some));
        let [variable, flag] = stores;
        let path = settings.store_path.over(Layer::Environment, variable);
        settings.store_path = path.over(Layer::Flag, flag);
        settings
    }

    /// The settings, with what flags and environment say over what the file does.
    fn layered(&self, mut settings: Settings) -> Settings {
        let variable = platform::variable("ANNALS_PAGER");
        // PAGER is for all programs, so what was said to annals alone outranks it.
        let general = platform::variable("PAGER");
        let general = general.filter(|_| settings.pager.layer == Layer::Default);
        settings.pager = settings.pager.over(Layer::Environment, variable.or(general));
        settings.color = settings.color.over(Layer::Flag, self.color);
        settings
    }

    /// The output that settings ask for.
    fn output(&self, settings: &Settings) -> Output {
        let (pager, color) = (&settings.pager.value, settings.color.value);
        let words = pager.split_whitespace().map(str::to_owned).collect();
        Output::of_process(OutputOptions {
            color: match color {
                Color::Auto => None,
                Color::Always => Some(true),
                Color::Never => Some(false),
            },
            is_quiet: self.is_quiet,
            is_json: self.is_json,
            pager: if pager == "cat" { Vec::new() } else { words },
            width: platform::terminal_width(),
        })
    }
}

/// What a command works with.
#[derive(Debug)]
pub(crate) struct Context {
    /// The user's folders, clock and ids.
    pub(crate) environment: Environment,
    /// The settings of all layers.
    pub(crate) settings: Settings,
    /// What is wrong with the settings, if that was told already.
    pub(crate) told: Option<config::Error>,
    /// What the command line says for every command.
    pub(crate) flags: Flags,
    /// Where everything is printed.
    pub(crate) output: Output,
    /// What Ctrl-C does.
    pub(crate) interrupt: Interrupt,
    /// Where the store that was opened last notes what is damaged of it.
    damage: Arc<OnceLock<StoreDamage>>,
    /// What was told of that already.
    told_damage: Option<StoreDamage>,
}

impl Context {
    /// The context of this process.
    pub(crate) fn of_process(flags: Flags) -> Result<Self> {
        let environment = Environment::from_process().map_err(|error| {
            let message = "The user's folders cannot be found";
            Error::new(ErrorKind::Io, message).because(error)
        })?;
        let settings = flags.settings(&environment);
        let mut output = flags.output(&settings);
        // Where the file also has to say which store it is, the command fails with the same words.
        let is_named = flags.store.is_some() || environment.store.is_some();
        let told = settings.check(Section::Output).err();
        let told = told.filter(|_| is_named || settings.check(Section::Store).is_ok());
        if let Some(error) = &told {
            output.warning(&format!("{error}; the default is used"))?;
        }
        let interrupt = Interrupt::listen().map_err(|error| {
            Error::new(ErrorKind::Io, "Signals cannot be listened to").because(error)
        })?;
        output.hold_while_paging(interrupt.clone());
        let (damage, told_damage) = (Arc::default(), None);
        Ok(Self { environment, settings, told, flags, output, interrupt, damage, told_damage })
    }

    /// Takes in what was changed in the file of settings.
    pub(crate) fn read_settings_again(&mut self) {
        self.settings = self.flags.settings(&self.environment);
    }

    /// How the store is opened.
    pub(crate) fn open_options(&self, create: bool) -> OpenOptions {
        OpenOptions {
            store: self.flags.store.clone(),
            environment: self.environment.clone(),
            create,
        }
    }

    /// The store, which must be there.
    pub(crate) fn open(&mut self) -> Result<Repository> {
        let opened = Repository::open(&self.open_options(false));
        let mut repository = opened.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                let hint = "`annals capture` makes one, and takes in what your agents wrote.";
                Failure::Hinted(error, hint.into())
            }
            _ => error.into(),
        })?;
        self.tell_of_opening(&mut repository, "")?;
        Ok(repository)
    }

    /// The store; made if it is not there.
    pub(crate) fn open_or_make(&mut self) -> Result<Repository> {
        let mut repository = Repository::open(&self.open_options(true))?;
        self.tell_of_opening(&mut repository, "")?;
        Ok(repository)
    }

    /// The same, for a program that offers to go on with interrupted sessions of that agent.
    pub(crate) fn open_to_offer(&mut self, agent: &str) -> Result<Repository> {
        let mut repository = Repository::open(&self.open_options(true))?;
        self.tell_of_opening(&mut repository, agent)?;
        Ok(repository)
    }

    /// Says what was mended when the store was opened, and what was done since the last command.
    /// `offered`: sessions of that agent are told of by the offer.
    fn tell_of_opening(&mut self, repository: &mut Repository, offered: &str) -> Result<()> {
        repository.listen_to_migration(self.migration_listener());
        self.damage = repository.damage();
        if let [first, others @ ..] = repository.closed_to_others() {
            let more = match others.len() as u64 {
                0 => String::new(),
                more => format!(" and {} more", brief::count(more, "file")),
            };
            let first = self.path(first);
            let text = format!("{first}{more} could be read by others, and no longer can");
            self.output.warning(&text)?;
        }
        self.tell_of_recovery(repository, offered)?;
        self.tell_of_upkeep(repository)
    }

    /// Says, once, what of the store is damaged though it was read, if the failure does not.
    pub(crate) fn tell_of_damage(&mut self, failure: Option<&Failure>) -> Result<()> {
        let is_told = matches!(failure, Some(Failure::Library(error) | Failure::Hinted(error, _))
            if error.kind() == ErrorKind::Corrupt);
        let Some(damage) = self.damage.get().filter(|_| !is_told) else { return Ok(()) };
        if self.told_damage.as_ref() == Some(damage) {
            return Ok(());
        }
        self.told_damage = Some(damage.clone());
        self.output.warning(&mending::read_on(damage))
    }

    /// Shows and tells, when it comes, of a migration that comes by itself.
    fn migration_listener(&self) -> MigrationListener {
        let (flags, settings) = (self.flags.clone(), self.settings.clone());
        let mut meter: Option<Meter> = None;
        Box::new(move |step| match step {
            MigrationStep::Progress(progress) => {
                let meter = meter.get_or_insert_with(|| flags.output(&settings).meter("Migrating"));
                meter.show(progress);
            }
            MigrationStep::Done(outcome) => {
                meter = None;
                // What is asked for goes on, whoever hears of this.
                drop(migrate::tell(outcome, &mut flags.output(&settings)));
            }
        })
    }

    /// Says which sessions of programs that died are whole again.
    fn tell_of_recovery(&mut self, repository: &Repository, offered: &str) -> Result<()> {
        for session in &repository.recovery().sessions {
            let is_told = session.messages == 0 || session.head.agent.name == offered;
            if is_told && session.unreadable == 0 {
                continue;
            }
            let messages = brief::count(session.messages, "message");
            let name = self.named(&session.head);
            let ago = brief::ago_said(repository.now(), session.interrupted.as_deref());
            self.output.status(&format!("Recovered {messages} of {name}, interrupted {ago}"))?;
            if session.unreadable > 0 {
                let lines = brief::count(session.unreadable, "line");
                let text = format!("{lines} of its journal cannot be read, and are kept there.");
                self.output.warning(&text)?;
            }
        }
        for left in &repository.recovery().left {
            let session = left.session.map_or_else(String::new, |id| format!(" {}", id.short()));
            let text =
                format!("An interrupted session{session} is not in the store yet: {}", left.reason);
            self.output.warning(&text)?;
        }
        Ok(())
    }

    /// Does what is to be done after a save, which is done whatever becomes of it, and tells of it.
    pub(crate) fn after_save(&mut self, repository: &mut Repository) -> Result<()> {
        if let Err(error) = repository.upkeep() {
            self.output.warning(&format!("Nothing was pruned: {error}"))?;
        }
        match repository.due_remotes() {
            Ok(due) if due.is_empty() => {}
            Ok(_) => behind::start_sync(&self.flags, &self.environment),
            Err(error) => self.output.warning(&format!("Nothing is synced by itself: {error}"))?,
        }
        self.tell_of_upkeep(repository)?;
        self.tell_of_limit(repository)
    }

    /// Says, at most once a day, that the store is past its limit, and what would help.
    fn tell_of_limit(&mut self, repository: &mut Repository) -> Result<()> {
        if !self.output.tells_status() {
            return Ok(());
        }
        let notice = match repository.storage_notice() {
            Ok(Some(notice)) => notice,
            Ok(None) => return Ok(()),
            Err(error) => {
                return self.output.warning(&format!("The store was not measured: {error}"));
            }
        };
        self.tell_notice(&notice)
    }

    /// Says how large the store is, and what would help.
    pub(crate) fn tell_notice(&mut self, notice: &StorageNotice) -> Result<()> {
        let (size, limit) = (brief::bytes(notice.size), brief::bytes(notice.limit));
        let text = format!("The store takes {size}, more than `limits.size` ({limit}).");
        self.output.warning(&text)?;
        for remedy in &notice.remedies {
            let (command, about) = match remedy.kind {
                RemedyKind::Pack => ("annals gc", "at least "),
                RemedyKind::PurgeDeleted => ("annals purge --deleted", "about "),
                RemedyKind::PruneAndPurge => ("annals prune && annals purge --deleted", "about "),
            };
            let frees = brief::bytes(remedy.frees);
            self.output.hint(&format!("  {command:<38}  frees {about}{frees}"))?;
        }
        if notice.remedies.is_empty() {
            let text = "Nothing can be freed as things are; `annals purge ID` takes a session out, \
                `annals config set limits.size` raises the limit.";
            self.output.hint(text)?;
        }
        Ok(())
    }

    /// Says what was let go by itself, once.
    fn tell_of_upkeep(&mut self, repository: &Repository) -> Result<()> {
        if !self.output.tells_status() {
            return Ok(());
        }
        for pruned in repository.take_untold() {
            let sessions = brief::count(pruned.sessions, "session");
            let text = format!("Let go {sessions} that the limits of retention do not keep.");
            self.output.status(&text)?;
            let revision = pruned.revision.short();
            let hint = format!("To bring all back: annals undelete --revision {revision}");
            self.output.hint(&hint)?;
        }
        Ok(())
    }

    /// The session, and revision, that was typed.
    pub(crate) fn resolve(&self, repository: &mut Repository, text: &str) -> Result<SessionAt> {
        let here = Some(self.environment.current.as_path());
        repository.resolve(text, here).map_err(|error| match text.rsplit_once('@') {
            // Where the session is there, it is the revision that is not.
            Some((name, _)) if error.kind() == ErrorKind::NotFound => {
                match repository.resolve(name, here) {
                    Ok(at) => no_revision(error, at.id),
                    Err(_) => error.into(),
                }
            }
            _ => error.into(),
        })
    }

    /// How conversations are set on stdout.
    pub(crate) fn look(&self) -> Look<'_> {
        Look {
            paint: self.output.paint(),
            width: self.output.text_width(),
            home: &self.environment.home,
            local: |at| at.with_timezone(&Local).naive_local(),
        }
    }

    /// A path, with the home folder as `~`.
    pub(crate) fn path(&self, path: &Path) -> String {
        brief::path(&path.to_string_lossy(), &self.environment.home)
    }

    /// Prints what an edit did: the session's new state in JSON, or a sentence that `done` begins
    /// (`Renamed`).
    pub(crate) fn edited(
        &mut self,
        kind: &'static str,
        done: &str,
        outcome: &EditOutcome,
    ) -> Result<ExitCode> {
        let EditOutcome { head, revision } = outcome;
        if self.output.is_json() {
            self.output.json(&EditView::of(kind, head, revision.as_ref()))?;
        } else if revision.is_some() {
            let name = self.named(head);
            self.output.status(&format!("{done} {name}"))?;
        } else {
            let name = self.named(head);
            self.output.status(&format!("Nothing to change in {name}"))?;
        }
        Ok(ExitCode::Done)
    }

    /// A session's short id and title, for status lines.
    pub(crate) fn named(&self, head: &Head) -> String {
        let paint = self.output.status_paint();
        let name = brief::name(head);
        match name.split_once(' ') {
            Some((id, title)) => format!("{} {title}", paint.id(id)),
            None => name,
        }
    }
}

/// A revision that is not there: the session's are listed.
pub(crate) fn no_revision(error: Error, id: SessionId) -> Failure {
    match error.kind() {
        ErrorKind::NotFound => {
            let hint = format!("`annals log {}` lists its revisions.", id.short());
            Failure::Hinted(error, hint.into())
        }
        _ => error.into(),
    }
}
