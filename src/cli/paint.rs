//! Colours and weights, in one place: what stands out, what steps back. Off, they are nothing.

use anstyle::AnsiColor;
use anstyle::Style;

/// Puts styles around text, or leaves it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint {
    is_on: bool,
}

impl Paint {
    /// A paint that colours, or one that does not.
    pub(crate) const fn new(is_on: bool) -> Self {
        Self { is_on }
    }

    /// Whether it colours.
    pub(crate) const fn is_on(self) -> bool {
        self.is_on
    }

    /// Stands out: titles, headings.
    pub(crate) fn strong(self, text: &str) -> String {
        self.styled(Style::new().bold(), text)
    }

    /// Steps back: times, rules, labels.
    pub(crate) fn faint(self, text: &str) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    /// What is copied and typed again: ids, commands.
    pub(crate) fn id(self, text: &str) -> String {
        self.styled(AnsiColor::Yellow.on_default(), text)
    }

    /// What a person said.
    pub(crate) fn person(self, text: &str) -> String {
        self.styled(AnsiColor::Cyan.on_default().bold(), text)
    }

    /// What the model said.
    pub(crate) fn model(self, text: &str) -> String {
        self.styled(AnsiColor::Magenta.on_default().bold(), text)
    }

    /// What came or is well.
    pub(crate) fn good(self, text: &str) -> String {
        self.styled(AnsiColor::Green.on_default(), text)
    }

    /// What wants a look.
    pub(crate) fn warning(self, text: &str) -> String {
        self.styled(AnsiColor::Yellow.on_default().bold(), text)
    }

    /// What went or failed.
    pub(crate) fn bad(self, text: &str) -> String {
        self.styled(AnsiColor::Red.on_default(), text)
    }

    fn styled(self, style: Style, text: &str) -> String {
        if self.is_on && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
