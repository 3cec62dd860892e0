//! Keys of the terminal as what they mean here, and the table that the help is made from.
//!
//! Letters are what is typed into the filter, so all else is on keys with Ctrl that terminals,
//! `tmux` and `screen` leave to programs.

use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyEventKind;
use ratatui::crossterm::event::KeyModifiers;

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Character(char),
    Enter,
    Escape,
    Cancel,
    Erase,
    EraseWord,
    EraseAll,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    ScrollUp,
    ScrollDown,
    Mark,
    MarkUp,
    OtherAgent,
    Compare,
    Tag,
    Pin,
    Delete,
    Undo,
    Export,
    Scope,
    Sort,
    Reverse,
    Preview,
    Search,
    Help,
}

/// The keys that the help tells of, and what they do.
pub(super) const HELP: &[(&str, &str)] = &[
    ("letters", "filter by title, folder, branch, tags and first words"),
    ("", "'word exactly  ^word at the start  word$ at the end  !word not"),
    ("^F", "search the texts by a query (words, -not, tag:bug), and back"),
    ("Enter", "resume the session"),
    ("^O", "resume it in another agent"),
    ("↑ ↓ ^P ^N", "another session; also PgUp, PgDn, Home, End"),
    ("← →", "scroll the preview"),
    ("Tab", "mark; what follows then is done to all that are marked"),
    ("^G", "compare the two that are marked"),
    ("^T", "put tags on, -tag takes one off"),
    ("^K", "pin, or unpin"),
    ("^E", "export as Markdown into the current folder"),
    ("^D ^Z", "delete, history keeps it; undo the last delete"),
    ("^L", "only this folder, or everywhere"),
    ("^S ^R", "sort by something else, turn around; in a search: other hits"),
    ("^V", "show or hide the preview"),
    ("^U ^W", "erase all that was typed, or its last word"),
    ("Esc ^C", "end the search, or erase what was typed, or leave; leave at once"),
];

/// What a key means; none: nothing.
pub(super) fn key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let has = |modifier| event.modifiers.contains(modifier);
    let key = match event.code {
        KeyCode::Char(letter) if has(KeyModifiers::CONTROL) => {
            return control(letter.to_ascii_lowercase());
        }
        KeyCode::Char(_) if has(KeyModifiers::ALT) => return None,
        KeyCode::Char(letter) => Key::Character(letter),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Erase,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::First,
        KeyCode::End => Key::Last,
        KeyCode::Left => Key::ScrollUp,
        KeyCode::Right => Key::ScrollDown,
        KeyCode::Tab => Key::Mark,
        KeyCode::BackTab => Key::MarkUp,
        KeyCode::Delete => Key::Delete,
        KeyCode::F(1) => Key::Help,
        _ => return None,
    };
    Some(key)
}

fn control(letter: char) -> Option<Key> {
    let key = match letter {
        'c' => Key::Cancel,
        'd' => Key::Delete,
        'e' => Key::Export,
        'f' => Key::Search,
        'g' => Key::Compare,
        'h' => Key::Erase,
        // What a terminal sends for a line feed.
        'j' => Key::Enter,
        'k' => Key::Pin,
        'l' => Key::Scope,
        'n' => Key::Down,
        'o' => Key::OtherAgent,
        'p' => Key::Up,
        'r' => Key::Reverse,
        's' => Key::Sort,
        't' => Key::Tag,
        'u' => Key::EraseAll,
        'v' => Key::Preview,
        'w' => Key::EraseWord,
        'z' => Key::Undo,
        _ => return None,
    };
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_help_means_something() {
        for name in HELP.iter().flat_map(|(names, _)| names.split_whitespace()) {
            if let Some(letter) = name.strip_prefix('^') {
                let letter = letter.to_ascii_lowercase().chars().next().unwrap_or(' ');
                assert!(control(letter).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn letters_are_letters_and_releases_are_nothing() {
        let event = |code, modifiers| KeyEvent::new(code, modifiers);
        let letter = event(KeyCode::Char('Q'), KeyModifiers::SHIFT);
        assert_eq!(key(letter), Some(Key::Character('Q')));
        assert_eq!(key(event(KeyCode::Char('C'), KeyModifiers::CONTROL)), Some(Key::Cancel));
        assert_eq!(key(event(KeyCode::Char('x'), KeyModifiers::ALT)), None);
        let mut release = letter;
        release.kind = KeyEventKind::Release;
        assert_eq!(key(release), None);
    }
}
