//! What keys do outside of the list: where tags are typed, an agent is chosen, a text is read.

use crate::cli::picker::job::Effect;
use crate::cli::picker::job::Ending;
use crate::cli::picker::job::Job;
use crate::cli::picker::job::Text;
use crate::cli::picker::keys::Key;
use crate::cli::picker::state::State;
use crate::cli::picker::state::browse::erase_letter;
use crate::cli::picker::state::browse::erase_word;

/// What keys go to.
#[derive(Debug)]
pub(in crate::cli::picker) enum Mode {
    /// The list and its filter.
    Browse,
    /// Tags that are being typed.
    Tags(String),
    /// Agents to choose from, by number.
    Agents(Vec<String>),
    /// A text that fills the screen.
    Reading(Reading),
}

/// A text that is read.
#[derive(Debug)]
pub(in crate::cli::picker) struct Reading {
    /// What it is.
    pub(in crate::cli::picker) title: String,
    /// The text.
    pub(in crate::cli::picker) text: Text,
    /// The lines above the first that is seen.
    pub(in crate::cli::picker) scroll: usize,
}

impl Mode {
    /// Reading a text from its beginning.
    pub(super) fn reading(title: String, text: Text) -> Self {
        Self::Reading(Reading { title, text, scroll: 0 })
    }
}

impl State {
    pub(super) fn type_tags(&mut self, key: Key) -> Option<Effect> {
        let Mode::Tags(typed) = &mut self.mode else { return None };
        match key {
            Key::Character(letter) => typed.push(letter),
            Key::Erase => erase_letter(typed),
            Key::EraseWord => erase_word(typed),
            Key::EraseAll => typed.clear(),
            Key::Escape => self.mode = Mode::Browse,
            Key::Cancel => return Some(Effect::End(Ending::Cancelled)),
            Key::Enter => {
                let words = typed.split([' ', ',']).filter(|word| !word.is_empty());
                let (taken, put): (Vec<&str>, Vec<&str>) =
                    words.partition(|word| word.starts_with('-'));
                let put: Vec<String> = put.into_iter().map(str::to_owned).collect();
                let taken: Vec<String> =
                    taken.into_iter().map(|word| word.trim_start_matches('-').to_owned()).collect();
                self.mode = Mode::Browse;
                if put.is_empty() && taken.is_empty() {
                    return None;
                }
                let ids = self.targets();
                return self.begin("Tagging …", Job::Tag { ids, put, taken });
            }
            _ => {}
        }
        None
    }

    pub(super) fn choose_agent(&mut self, key: Key) -> Option<Effect> {
        let Mode::Agents(agents) = &self.mode else { return None };
        let agent = match key {
            Key::Cancel => return Some(Effect::End(Ending::Cancelled)),
            Key::Enter => agents.first().cloned(),
            Key::Character(digit) => {
                let place = digit.to_digit(10).and_then(|number| number.checked_sub(1));
                Some(agents.get(usize::try_from(place?).ok()?)?.clone())
            }
            _ => None,
        };
        self.mode = Mode::Browse;
        let id = self.selected()?.id;
        agent.map(|agent| Effect::End(Ending::Resume { id, agent: Some(agent) }))
    }

    pub(super) fn read(&mut self, key: Key) -> Option<Effect> {
        let page = usize::from(self.size.1).max(4) - 3;
        let Mode::Reading(reading) = &mut self.mode else { return None };
        let last = reading.text.lines.len().saturating_sub(page);
        let scroll = reading.scroll;
        reading.scroll = match key {
            Key::Cancel => return Some(Effect::End(Ending::Cancelled)),
            Key::Escape | Key::Enter | Key::Help | Key::Character('q' | '?') => {
                self.mode = Mode::Browse;
                return None;
            }
            Key::Up => scroll.saturating_sub(1),
            Key::Down => scroll + 1,
            Key::PageUp | Key::ScrollUp => scroll.saturating_sub(page),
            Key::PageDown | Key::ScrollDown | Key::Character(' ') => scroll + page,
            Key::First => 0,
            Key::Last => last,
            _ => scroll,
        }
        .min(last);
        None
    }
}
