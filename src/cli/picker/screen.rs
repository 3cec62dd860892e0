//! The full screen: the loop between terminal, clerks and state.

use std::io;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::sync::mpsc::channel;
use std::time::Duration;

use chrono::DateTime;
use chrono::Local;
use chrono::Utc;
use ratatui::crossterm::event;
use ratatui::crossterm::event::Event;
use ratatui::crossterm::terminal;

use crate::cli::context::Context;
use crate::cli::exit::Result;
use crate::cli::picker::PickerOptions;
use crate::cli::picker::clerk;
use crate::cli::picker::clerk::Desk;
use crate::cli::picker::draw;
use crate::cli::picker::draw::Look;
use crate::cli::picker::job::Effect;
use crate::cli::picker::job::Ending;
use crate::cli::picker::job::Input;
use crate::cli::picker::job::Job;
use crate::cli::picker::keys;
use crate::cli::picker::row::Places;
use crate::cli::picker::row::Row;
use crate::cli::picker::sieve::Order;
use crate::cli::picker::stage::Signals;
use crate::cli::picker::stage::Stage;
use crate::cli::picker::stage::Watch;
use crate::cli::picker::stage::end_if_gone;
use crate::cli::picker::state::Start;
use crate::cli::picker::state::State;
use crate::repository::Repository;

/// The rows that are there when the screen is drawn first.
const FIRST: u64 = 100;
/// How long a key is waited for while something is being done beside.
const SHORT: Duration = Duration::from_millis(15);
/// How long a key is waited for before signals are looked for.
const LONG: Duration = Duration::from_millis(100);
/// The reports that are taken in between two keys.
const REPORTS: usize = 8;

/// Lets a session be chosen on the full screen. `here`: what the repository of the current folder
/// is known by.
pub(super) fn choose(
    options: &PickerOptions,
    (first, here): (Vec<Row>, Option<String>),
    now: DateTime<Utc>,
    context: &Context,
) -> Result<Ending> {
    let paint = context.output.status_paint();
    let (reports, inbox) = channel();
    let desk = Desk {
        options: context.open_options(false),
        paint,
        filter: options.filter.clone(),
        here,
        local: |at| at.with_timezone(&Local).naive_local(),
        reports,
    };
    let look = Look { now, is_coloured: paint.is_on() };
    let order = Order { sort: options.sort, is_reversed: options.is_reversed, only_here: false };
    let start = Start { order, purpose: options.purpose, ..Start::default() };
    let state = State::new(start, terminal::size()?);
    let signals = Signals::hold()?;
    context.interrupt.hold(true);
    let watch = Watch::begin(&signals);
    let ended = Stage::enter().and_then(|stage| {
        let is_stopped = || signals.is_pending() || context.interrupt.check().is_err();
        Play { stage, state, look, inbox, is_stopped: &is_stopped }.run(first, &desk)
    });
    drop(watch);
    context.interrupt.hold(false);
    // Whoever heeds them ends the process when all that he holds is saved.
    if !context.interrupt.is_all_heeded() {
        signals.free()?;
    }
    context.interrupt.check()?;
    if ended.is_err() {
        // Nobody is there to be told that the screen cannot be drawn.
        end_if_gone();
    }
    Ok(ended?)
}

/// The first rows: those of this folder, then those of all.
pub(super) fn first_rows(
    options: &PickerOptions,
    places: Places<'_>,
    repository: &mut Repository,
) -> Result<Vec<Row>> {
    let mut filters = vec![options.filter.clone()];
    if options.filter.workspaces.is_empty() {
        filters.insert(0, places.only_here(&options.filter));
    }
    let mut rows = Vec::new();
    for filter in &filters {
        let first = repository.first(filter, options.sort, options.is_reversed, FIRST)?;
        rows.extend(first.iter().map(|summary| Row::of(summary, places)));
    }
    Ok(rows)
}

/// A picker that is being used.
struct Play<'p> {
    stage: Stage,
    state: State,
    look: Look,
    inbox: Receiver<Input>,
    is_stopped: &'p dyn Fn() -> bool,
}

/// Who does what takes time: previews wait for no search, and neither for what changes the store.
struct Clerks {
    eyes: Sender<Job>,
    scout: Sender<Job>,
    hands: Sender<Job>,
}

impl Play<'_> {
    fn run(mut self, first: Vec<Row>, desk: &Desk) -> io::Result<Ending> {
        let mut effects = self.state.update(Input::Rows(first));
        self.draw()?;
        // The first screen is there; now what else there is.
        clerk::read_rows(desk.clone());
        let clerks = Clerks {
            eyes: clerk::hire(desk.clone()),
            scout: clerk::hire(desk.clone()),
            hands: clerk::hire(desk.clone()),
        };
        loop {
            for effect in effects.drain(..) {
                match effect {
                    Effect::End(ending) => return Ok(ending),
                    Effect::Do(job) => clerks.give(job),
                }
            }
            if (self.is_stopped)() {
                return Ok(Ending::Cancelled);
            }
            let (is_news, happened) = self.wait()?;
            effects = happened;
            if is_news {
                self.draw()?;
            }
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let Self { stage, state, look, .. } = self;
        stage.draw(|frame| draw::draw(frame, state, *look))
    }

    /// Waits a little for what happens, and whether anything did.
    fn wait(&mut self) -> io::Result<(bool, Vec<Effect>)> {
        let mut effects = Vec::new();
        let mut is_news = false;
        for input in self.inbox.try_iter().take(REPORTS) {
            effects.extend(self.state.update(input));
            is_news = true;
        }
        let patience = match (is_news || self.state.is_behind(), self.state.is_waiting()) {
            (true, _) => Duration::ZERO,
            (false, true) => SHORT,
            (false, false) => LONG,
        };
        if event::poll(patience)? {
            // All that is there: a screen for each key that is held down would come too late.
            loop {
                if let Some(input) = input(event::read()?) {
                    effects.extend(self.state.update(input));
                }
                is_news = true;
                let is_ended = effects.iter().any(|it| matches!(it, Effect::End(_)));
                if is_ended || !event::poll(Duration::ZERO)? {
                    break;
                }
            }
        } else if self.state.is_behind() {
            effects.extend(self.state.advance());
            is_news = true;
        }
        Ok((is_news, effects))
    }
}

fn input(event: Event) -> Option<Input> {
    match event {
        Event::Key(event) => keys::key(event).map(Input::Key),
        Event::Paste(text) => Some(Input::Pasted(text)),
        Event::Resize(width, height) => Some(Input::Resized(width, height)),
        _ => None,
    }
}

impl Clerks {
    fn give(&self, job: Job) {
        let clerk = match job {
            Job::Preview(_) => &self.eyes,
            Job::Search(_) => &self.scout,
            _ => &self.hands,
        };
        // A clerk ends only when nobody listens to him any longer.
        drop(clerk.send(job));
    }
}
