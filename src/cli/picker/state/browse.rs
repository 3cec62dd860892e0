//! What keys do in the list.

use crate::cli::picker::Purpose;
use crate::cli::picker::help;
use crate::cli::picker::job::Effect;
use crate::cli::picker::job::Ending;
use crate::cli::picker::job::Job;
use crate::cli::picker::keys::Key;
use crate::cli::picker::row::Row;
use crate::cli::picker::state::Mode;
use crate::cli::picker::state::State;
use crate::cli::shell;
use crate::repository::SortKey;
use crate::session::SessionId;

/// The orders, one after the other.
const ORDERS: [SortKey; 6] = [
    SortKey::Modified,
    SortKey::Created,
    SortKey::Messages,
    SortKey::Tokens,
    SortKey::Size,
    SortKey::Title,
];

impl State {
    pub(super) fn browse(&mut self, key: Key) -> Option<Effect> {
        match key {
            Key::Cancel => return Some(Effect::End(Ending::Cancelled)),
            Key::Search | Key::Escape if self.search.is_some() => self.close_search(),
            Key::Search => self.open_search(),
            Key::Sort | Key::Reverse if self.search.is_some() => self.step(key),
            Key::Escape if self.typed.is_empty() => return Some(Effect::End(Ending::Cancelled)),
            Key::Help => self.help(),
            Key::Character('?') if self.prompt().1.is_empty() => self.help(),
            Key::Character(letter) => self.retype(|typed| typed.push(letter)),
            Key::Erase => self.retype(erase_letter),
            Key::EraseWord => self.retype(erase_word),
            Key::EraseAll | Key::Escape => self.retype(String::clear),
            Key::Sort | Key::Reverse | Key::Scope => self.reorder(key),
            Key::Preview => self.is_preview_wanted = !self.is_preview_wanted,
            Key::Mark | Key::MarkUp => self.mark(key),
            Key::Enter => return self.resume(),
            Key::OtherAgent => self.other_agent(),
            Key::Tag => self.tag(),
            Key::Compare => return self.compare(),
            Key::Pin | Key::Export | Key::Delete | Key::Undo => return self.act(key),
            moving => self.walk(moving),
        }
        None
    }

    pub(super) fn paste(&mut self, text: &str) {
        let text: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
        match &mut self.mode {
            Mode::Browse => self.retype(|typed| typed.push_str(text.trim())),
            Mode::Tags(typed) => typed.push_str(text.trim()),
            Mode::Agents(_) | Mode::Reading(_) => {}
        }
    }

    /// Changes what is typed; the best match is selected then.
    fn retype(&mut self, change: impl FnOnce(&mut String)) {
        if let Some(search) = &mut self.search {
            change(&mut search.typed);
            return;
        }
        let before = self.typed.clone();
        change(&mut self.typed);
        if self.typed != before {
            self.select_first();
            self.sift();
        }
    }

    fn reorder(&mut self, key: Key) {
        match key {
            Key::Sort => {
                let place = ORDERS.iter().position(|it| *it == self.order.sort).unwrap_or(0);
                self.order.sort = ORDERS[(place + 1) % ORDERS.len()];
            }
            Key::Reverse => self.order.is_reversed = !self.order.is_reversed,
            _ => self.order.only_here = !self.order.only_here,
        }
        self.select_first();
        self.sift();
    }

    pub(super) fn select_first(&mut self) {
        (self.cursor, self.top, self.held) = (0, 0, None);
    }

    fn walk(&mut self, key: Key) {
        let page = self.rows_in_sight().max(2) - 1;
        let half = usize::from(self.panes().preview.height).div_ceil(2);
        let last = self.counts().0.saturating_sub(1);
        match key {
            Key::Up => self.cursor = self.cursor.saturating_sub(1),
            Key::Down => self.cursor = last.min(self.cursor + 1),
            Key::PageUp => self.cursor = self.cursor.saturating_sub(page),
            Key::PageDown => self.cursor = last.min(self.cursor + page),
            Key::First => self.cursor = 0,
            Key::Last => self.cursor = last,
            Key::ScrollUp => self.preview.scroll = self.preview.scroll.saturating_sub(half),
            Key::ScrollDown => {
                let lines = self.preview.text.as_ref().map_or(0, |(_, text)| text.lines.len());
                let most = lines.saturating_sub(half);
                self.preview.scroll = most.min(self.preview.scroll + half);
            }
            _ => return,
        }
        self.held = None;
    }

    fn mark(&mut self, key: Key) {
        let Some(id) = self.selected().map(|row| row.id) else { return };
        match self.marked.iter().position(|marked| *marked == id) {
            Some(place) => drop(self.marked.remove(place)),
            None => self.marked.push(id),
        }
        self.walk(if key == Key::Mark { Key::Down } else { Key::Up });
    }

    /// Those that are marked, or else the selected one.
    pub(super) fn targets(&self) -> Vec<SessionId> {
        if self.marked.is_empty() {
            return self.selected().map(|row| row.id).into_iter().collect();
        }
        self.marked.clone()
    }

    fn resume(&mut self) -> Option<Effect> {
        if self.search.as_ref().is_some_and(|search| !search.is_done()) {
            // What is selected may be another one in a moment.
            self.notice = Some("One moment: the search is not done.".to_owned());
            return None;
        }
        let row = self.selected()?;
        let (id, short) = (row.id, row.id.short());
        let why = if row.damaged.is_some() {
            "It is damaged. `annals doctor` says what of it.".to_owned()
        } else if self.purpose == Purpose::Shell || !(self.agents)(&row.agent).is_empty() {
            return Some(Effect::End(Ending::Resume { id, agent: None }));
        } else if row.agent == shell::AGENT {
            format!("It goes on in the shell: `annals shell`, and there /resume {short}")
        } else {
            format!("annals cannot start {}. To read it: annals show {short}", row.agent)
        };
        self.notice = Some(why);
        None
    }

    fn other_agent(&mut self) {
        let Some(row) = self.selected() else { return };
        if self.purpose == Purpose::Shell {
            self.notice = Some("What is chosen here goes on in this shell.".to_owned());
            return;
        }
        let others = (self.agents)(&row.agent).into_iter().filter(|name| *name != row.agent);
        let others: Vec<String> = others.map(str::to_owned).collect();
        if others.is_empty() {
            let text = format!("No other agent can go on with a session of {}.", row.agent);
            self.notice = Some(text);
        } else {
            self.mode = Mode::Agents(others);
        }
    }

    fn tag(&mut self) {
        if !self.targets().is_empty() {
            self.mode = Mode::Tags(String::new());
        }
    }

    fn compare(&mut self) -> Option<Effect> {
        let [left, right] = *self.marked.as_slice() else {
            self.notice = Some("Mark two sessions with Tab to compare them.".to_owned());
            return None;
        };
        let width = self.size.0;
        self.begin("Comparing …", Job::Compare { left, right, width })
    }

    fn act(&mut self, key: Key) -> Option<Effect> {
        if key == Key::Undo {
            let Some(ids) = self.deleted.last().cloned() else {
                self.notice = Some("Nothing was deleted here.".to_owned());
                return None;
            };
            return self.begin("Bringing back …", Job::Undelete { ids });
        }
        let ids = self.targets();
        if ids.is_empty() {
            return None;
        }
        match key {
            Key::Pin => {
                let is_left = |row: &Row| ids.contains(&row.id) && !row.is_pinned;
                let is_pinned = self.all_rows().any(is_left);
                self.begin("Pinning …", Job::Pin { ids, is_pinned })
            }
            Key::Export => self.begin("Exporting …", Job::Export { ids }),
            _ => self.begin("Deleting …", Job::Delete { ids }),
        }
    }

    /// Has something done, one thing after the other.
    pub(super) fn begin(&mut self, saying: &str, job: Job) -> Option<Effect> {
        if self.is_busy {
            self.notice = Some("One moment: something is being done.".to_owned());
            return None;
        }
        self.is_busy = true;
        self.notice = Some(saying.to_owned());
        Some(Effect::Do(job))
    }

    fn help(&mut self) {
        self.mode = Mode::reading("Keys".to_owned(), help::text(self.size.0));
    }
}

/// The last letter goes.
pub(super) fn erase_letter(typed: &mut String) {
    typed.pop();
}

/// The last word goes, and the blanks behind it.
pub(super) fn erase_word(typed: &mut String) {
    let rest = typed.trim_end();
    let start = rest.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
    typed.truncate(start);
}
