//! The help screen: what each key does.

use crate::cli::picker::job::Text;
use crate::cli::picker::keys::HELP;
use crate::cli::picker::text;

/// The columns of the keys.
const KEYS: usize = 12;

/// The keys and what they do, for so many columns.
pub(super) fn text(width: u16) -> Text {
    let indent = " ".repeat(KEYS);
    let mut shown = String::new();
    for (keys, what) in HELP {
        let first = format!("{keys:<KEYS$}");
        let options = textwrap::Options::new(usize::from(width).max(KEYS + 12))
            .initial_indent(&first)
            .subsequent_indent(&indent);
        shown += &textwrap::fill(what, options);
        shown.push('\n');
    }
    shown += "\n^T means: hold Ctrl and press T.\n";
    text::set(&shown, width)
}
