//! The picker's state: a pure machine, from what happened to what is to be done.
//!
//! It knows no terminal, no repository and no clock. Rows come in portions and in any order; what
//! is selected stays selected while they do.

mod browse;
mod modes;
mod rows;
mod search;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::cli::picker::Purpose;
use crate::cli::picker::job::Effect;
use crate::cli::picker::job::Found;
use crate::cli::picker::job::Input;
use crate::cli::picker::job::Job;
use crate::cli::picker::job::Text;
use crate::cli::picker::job::View;
use crate::cli::picker::keys::Key;
use crate::cli::picker::panes::Panes;
use crate::cli::picker::panes::has_room;
use crate::cli::picker::panes::panes;
use crate::cli::picker::row::Row;
use crate::cli::picker::sieve::Order;
use crate::cli::picker::sieve::Sieve;
use crate::repository::agents_for;
use crate::session::SessionId;

pub(super) use modes::Mode;
pub(super) use search::Search;

/// What the list begins with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// Its order.
    pub(super) order: Order,
    /// What a session is chosen for.
    pub(super) purpose: Purpose,
    /// The agents that a session of an agent can be resumed in.
    pub(super) agents: fn(&str) -> Vec<&'static str>,
}

impl Default for Start {
    fn default() -> Self {
        Self { order: Order::default(), purpose: Purpose::default(), agents: agents_for }
    }
}

/// The preview of the selected session.
#[derive(Debug, Default)]
pub(super) struct Preview {
    /// What was asked for last.
    asked: Option<View>,
    /// What is there.
    pub(super) text: Option<(View, Text)>,
    /// The lines above the first that is seen.
    pub(super) scroll: usize,
}

/// All that the picker knows.
#[derive(Debug)]
pub(super) struct State {
    rows: Vec<Row>,
    known: HashSet<SessionId>,
    sieve: Sieve,
    /// The order of the list.
    pub(super) order: Order,
    /// What was typed into the filter.
    pub(super) typed: String,
    /// The search in the texts, while there is one: the list is what it found.
    pub(super) search: Option<Search>,
    /// What keys go to.
    pub(super) mode: Mode,
    /// The number of the selected row among those that match.
    pub(super) cursor: usize,
    /// The number of the first row that is seen.
    pub(super) top: usize,
    /// The place of the row that stays selected while others come.
    held: Option<usize>,
    marked: Vec<SessionId>,
    purpose: Purpose,
    agents: fn(&str) -> Vec<&'static str>,
    /// The preview.
    pub(super) preview: Preview,
    is_preview_wanted: bool,
    /// What was deleted, the last at the end.
    deleted: Vec<Vec<SessionId>>,
    /// What happened last, in a sentence.
    pub(super) notice: Option<String>,
    /// Whether something is being done.
    is_busy: bool,
    /// Whether rows still come.
    pub(super) is_loading: bool,
    size: (u16, u16),
}

impl State {
    /// Nothing there yet, on a screen of that size.
    pub(super) fn new(start: Start, size: (u16, u16)) -> Self {
        let mut sieve = Sieve::new();
        sieve.reset("", start.order);
        Self {
            rows: Vec::new(),
            known: HashSet::new(),
            sieve,
            order: start.order,
            typed: String::new(),
            search: None,
            mode: Mode::Browse,
            cursor: 0,
            top: 0,
            held: None,
            marked: Vec::new(),
            purpose: start.purpose,
            agents: start.agents,
            preview: Preview::default(),
            is_preview_wanted: has_room(size.0, size.1),
            deleted: Vec::new(),
            notice: None,
            is_busy: false,
            is_loading: true,
            size,
        }
    }

    /// Takes in what happened.
    pub(super) fn update(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Key(key) => effects.extend(self.key(key)),
            Input::Pasted(text) => self.paste(&text),
            Input::Resized(width, height) => self.resize((width, height)),
            Input::Rows(rows) => self.add(rows),
            Input::AllRows => self.is_loading = false,
            Input::Preview(view, text) => self.show(view, text),
            Input::Found(asked, found, total) => self.found(&asked, found, total),
            Input::Refused(asked, refusal) => self.refused(&asked, refusal),
            Input::Searching(said) => {
                if let Some(search) = self.search.as_mut().filter(|search| !search.is_done()) {
                    search.progress = Some(said);
                }
            }
            Input::Text(title, text) => {
                self.is_busy = false;
                self.notice = None;
                self.mode = Mode::reading(title, text);
            }
            Input::Done(said, rows) => self.replace(said, rows),
            Input::Deleted(ids) => self.remove(&ids),
            Input::Undeleted(rows) => self.bring_back(rows),
            Input::Failed(why) => {
                self.is_busy = false;
                self.notice = Some(why);
            }
        }
        effects.extend(self.advance());
        effects
    }

    /// Whether rows wait to be filtered.
    pub(super) fn is_behind(&self) -> bool {
        self.sieve.is_behind(&self.rows)
    }

    /// Whether something is being done that will be told of.
    pub(super) fn is_waiting(&self) -> bool {
        let shown = self.preview.text.as_ref().map(|(view, _)| view);
        let is_searching = self.search.as_ref().is_some_and(|search| !search.is_done());
        self.is_busy || self.is_loading || is_searching || shown != self.preview.asked.as_ref()
    }

    /// Filters a portion of the rows that wait, if any do.
    pub(super) fn advance(&mut self) -> Vec<Effect> {
        if self.is_behind() {
            self.sieve.advance(&self.rows);
        }
        self.settle();
        let search = self.wanted_search();
        // What was found before may be gone.
        self.settle();
        search.into_iter().chain(self.wanted_preview()).collect()
    }

    /// Takes the size of the screen that is drawn now: it may have changed before it was told.
    pub(super) fn fit(&mut self, width: u16, height: u16) {
        self.resize((width, height));
        self.settle();
    }

    /// The parts of the screen.
    pub(super) fn panes(&self) -> Panes {
        panes(self.size.0, self.size.1, self.is_preview_wanted)
    }

    /// How many rows match, and how many there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        match &self.search {
            Some(search) => (search.found.len(), usize::try_from(search.total).unwrap_or(0)),
            None => (self.sieve.count(), self.rows.len()),
        }
    }

    /// What a search found, by its number in the list.
    pub(super) fn found_at(&self, n: usize) -> Option<&Found> {
        self.search.as_ref().and_then(|search| search.found.get(n))
    }

    /// The lines of a row: what was found has its hit below it.
    pub(super) fn row_height(&self) -> u16 {
        if self.search.is_some() && self.panes().list.height > 1 { 2 } else { 1 }
    }

    /// How many rows are in sight.
    pub(super) fn rows_in_sight(&self) -> usize {
        usize::from(self.panes().list.height / self.row_height()).max(1)
    }

    /// The `n`th row that matches.
    pub(super) fn row(&self, n: usize) -> Option<&Row> {
        match &self.search {
            Some(search) => search.found.get(n).map(|found| &found.row),
            None => self.sieve.place(n).map(|place| &self.rows[place]),
        }
    }

    /// The selected row.
    pub(super) fn selected(&self) -> Option<&Row> {
        self.row(self.cursor)
    }

    /// Whether a session is marked.
    pub(super) fn is_marked(&self, id: SessionId) -> bool {
        self.marked.contains(&id)
    }

    /// How many are marked.
    pub(super) fn marks(&self) -> usize {
        self.marked.len()
    }

    /// The characters of what the filter looks at that match in the `n`th row, by number.
    pub(super) fn filter_hits(&mut self, n: usize) -> Vec<u32> {
        match self.sieve.place(n) {
            Some(place) if self.search.is_none() && !self.typed.is_empty() => {
                self.sieve.hits(&self.rows[place].haystack)
            }
            _ => Vec::new(),
        }
    }

    /// What was typed into the filter, word by word, without the signs of its language; nothing
    /// during a search, which knows its hits.
    pub(super) fn words(&self) -> Vec<String> {
        if self.search.is_some() {
            return Vec::new();
        }
        let words = self.typed.split_whitespace().filter(|word| !word.starts_with('!'));
        let bare = words.map(|word| word.trim_start_matches(['\'', '^']).trim_end_matches('$'));
        bare.filter(|word| word.chars().count() > 1).map(str::to_lowercase).collect()
    }

    /// What is typed where; after it stands the cursor.
    pub(super) fn prompt(&self) -> (&'static str, &str) {
        match (&self.mode, &self.search) {
            (Mode::Tags(text), _) => ("tags> ", text),
            (_, Some(search)) => ("search> ", &search.typed),
            _ => ("> ", &self.typed),
        }
    }

    fn key(&mut self, key: Key) -> Option<Effect> {
        self.notice = None;
        match &mut self.mode {
            Mode::Browse => self.browse(key),
            Mode::Tags(_) => self.type_tags(key),
            Mode::Agents(_) => self.choose_agent(key),
            Mode::Reading(_) => self.read(key),
        }
    }

    fn resize(&mut self, size: (u16, u16)) {
        // A small screen shows the list first.
        let had_room = has_room(self.size.0, self.size.1);
        if had_room != has_room(size.0, size.1) {
            self.is_preview_wanted = !had_room;
        }
        self.size = size;
    }

    fn show(&mut self, view: View, text: Text) {
        if self.preview.asked.as_ref() == Some(&view) {
            if view.spot.is_some() {
                // No empty lines at the end while there are some above.
                let height = usize::from(self.panes().preview.height);
                self.preview.scroll = text.start.min(text.lines.len().saturating_sub(height));
            }
            self.preview.text = Some((view, text));
        }
    }

    /// Begins to filter anew.
    fn sift(&mut self) {
        self.sieve.reset(&self.typed, self.order);
    }

    /// Puts the cursor on the row that is held, and both into sight.
    fn settle(&mut self) {
        if let Some(number) = self.held.and_then(|place| self.sieve.number_of(place)) {
            self.cursor = number;
        }
        if !self.is_behind() {
            self.held = None;
        }
        let count = self.counts().0;
        self.cursor = self.cursor.min(count.saturating_sub(1));
        let height = self.rows_in_sight();
        // No empty lines at the end while there are rows above.
        let lowest = count.saturating_sub(height);
        self.top = self.top.min(lowest).min(self.cursor);
        self.top = self.top.max((self.cursor + 1).saturating_sub(height));
    }

    /// Asks for the preview of the selected row, if it is to be seen and was not asked for.
    fn wanted_preview(&mut self) -> Option<Effect> {
        let width = self.panes().preview.width;
        let id = self.selected().filter(|_| width > 0)?.id;
        let view = View { id, width, spot: self.spot() };
        if self.preview.asked.as_ref() == Some(&view) {
            return None;
        }
        let is_other = |asked: &View| asked.id != id || asked.spot != view.spot;
        if self.preview.asked.as_ref().is_none_or(is_other) {
            self.preview.scroll = 0;
        }
        self.preview.asked = Some(view.clone());
        Some(Effect::Do(Job::Preview(view)))
    }
}
