//! Sessions as a table: what `list` shows, and what `resume` lets choose from.

use std::path::Path;

use chrono::DateTime;
use chrono::Utc;

use crate::cli::brief;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::cli::table;
use crate::cli::table::Column;
use crate::cli::table::Layout;
use crate::repository::Summary;

/// The columns of a title where no terminal sets a limit.
const LONGEST_TITLE: usize = 60;

/// How the table is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListLook<'a> {
    /// The colours.
    pub(crate) paint: Paint,
    /// The columns there are; none: as many as it takes, with titles cut.
    pub(crate) width: Option<usize>,
    /// The folder that is written as `~`.
    pub(crate) home: &'a Path,
    /// From when on times are told.
    pub(crate) now: DateTime<Utc>,
    /// The number of the first row, where rows have numbers to choose by.
    pub(crate) first_number: Option<usize>,
}

/// The table of these sessions.
pub(crate) fn listing(sessions: &[Summary], look: ListLook<'_>) -> String {
    let rows: Vec<Vec<String>> = sessions
        .iter()
        .enumerate()
        .map(|(place, summary)| {
            let mut row = row(summary, look);
            if let Some(first) = look.first_number {
                row.insert(0, (first + place).to_string());
            }
            row
        })
        .collect();
    let mut columns = columns();
    if look.first_number.is_some() {
        columns.insert(0, Column::number("#"));
    }
    table::render(&columns, &rows, look.width, look.paint)
}

fn columns() -> Vec<Column> {
    let faint = |paint: Paint, text: &str| paint.faint(text);
    let optional =
        |header, dispensable| Column { dispensable, style: faint, ..Column::new(header) };
    vec![
        Column { style: |paint, text| paint.id(text), ..Column::new("ID") },
        Column { least: 23, ..Column::new("TITLE") },
        optional("MODIFIED", 1),
        optional("CREATED", 5),
        Column { dispensable: 2, ..Column::number("MSGS") },
        Column { dispensable: 3, ..Column::number("TOKENS") },
        Column { least: 10, ..optional("MODEL", 3) },
        optional("AGENT", 4),
        Column { layout: Layout::End, least: 9, ..optional("WORKSPACE", 3) },
        Column { least: 8, ..optional("BRANCH", 6) },
    ]
}

fn row(summary: &Summary, look: ListLook<'_>) -> Vec<String> {
    let head = &summary.head;
    let models: Vec<String> = head.models.iter().map(|it| brief::model(&it.0)).collect();
    let root = head.workspace.root.as_deref().unwrap_or_default();
    vec![
        head.id.short(),
        title(summary, look.width.map_or(LONGEST_TITLE, |_| usize::MAX)),
        brief::ago_text(look.now, head.modified.as_deref()),
        brief::ago_text(look.now, head.created.as_deref()),
        head.counts.messages.to_string(),
        brief::compact(head.tokens.total),
        models.join(", "),
        line(&head.agent.name),
        brief::path(root, look.home),
        line(head.workspace.branch.as_deref().unwrap_or_default()),
    ]
}

/// The title with what must be seen beside it: damage, a pin, that it is a sub-agent's, sub-agents.
fn title(summary: &Summary, longest: usize) -> String {
    let title = brief::fit(&brief::title(&summary.head), longest);
    if let Some(damage) = &summary.damaged {
        return format!("! damaged: {} · {title}", line(damage));
    }
    let pin = match (summary.head.pinned, &summary.head.parent) {
        (true, _) => "★ ",
        (false, Some(_)) => "↳ ",
        (false, None) => "",
    };
    match summary.subagents {
        0 => format!("{pin}{title}"),
        subagents => format!("{pin}{title} (+{subagents})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    fn look() -> ListLook<'static> {
        ListLook {
            paint: Paint::new(false),
            width: None,
            home: Path::new("/home/dev"),
            now: samples::now(),
            first_number: None,
        }
    }

    fn shown(width: Option<usize>, is_numbered: bool) -> String {
        let mut other = samples::summary();
        other.head.title = None;
        other.head.preview = Some("What does\u{1b}[31m this do?".to_owned());
        other.head.pinned = true;
        other.subagents = 0;
        other.head.tokens.total = 4_512_000;
        other.head.modified = Some("2025-12-01T00:00:00Z".to_owned());
        let mut broken = samples::summary();
        broken.damaged = Some("an object is missing".to_owned());
        let look = ListLook { width, first_number: is_numbered.then_some(1), ..look() };
        listing(&[samples::summary(), other, broken], look)
    }

    #[test]
    fn without_a_terminal_every_field_is_there() {
        insta::assert_snapshot!(shown(None, false), @r"
        ID        TITLE                                                     MODIFIED  CREATED  MSGS  TOKENS  MODEL     AGENT        WORKSPACE  BRANCH
        5e550011  Fix the login redirect (+2)                               3 h ago   4 h ago    42   12.3k  opus-4-5  claude-code  ~/shop     main
        5e550011  ★ What does␛[31m this do?                                 2 mo ago  4 h ago    42    4.5M  opus-4-5  claude-code  ~/shop     main
        5e550011  ! damaged: an object is missing · Fix the login redirect  3 h ago   4 h ago    42   12.3k  opus-4-5  claude-code  ~/shop     main
        ");
    }

    #[test]
    fn it_fits_narrow_terminals_and_wide_characters() {
        insta::assert_snapshot!(shown(Some(40), false), @r"
        ID        TITLE
        5e550011  Fix the login redirect (+2)
        5e550011  ★ What does␛[31m this do?
        5e550011  ! damaged: an object is missi…
        ");
        insta::assert_snapshot!(shown(Some(24), false), @r"
        ID        TITLE
        5e550011  Fix the login…
        5e550011  ★ What does␛[…
        5e550011  ! damaged: an…
        ");
        let mut wide = samples::summary();
        wide.head.title = Some("ログイン後のリダイレクトを直す 🦀 и ещё".repeat(3));
        wide.head.workspace.root = Some("/srv/日本語の/とても長い名前のフォルダ".to_owned());
        wide.head.parent = Some(crate::session::ParentSession::default());
        for width in 12..200 {
            let look = ListLook { width: Some(width), ..look() };
            for line in listing(&[wide.clone(), samples::summary()], look).lines() {
                assert!(unicode_width::UnicodeWidthStr::width(line) <= width, "{width}: {line}");
            }
        }
        let look = ListLook { width: Some(80), ..look() };
        insta::assert_snapshot!(listing(&[wide], look), @r"
        ID        TITLE                    MODIFIED  MSGS  TOKENS  MODEL     WORKSPACE
        5e550011  ↳ ログイン後のリダイレ…  3 h ago     42   12.3k  opus-4-5  …のフォルダ
        ");
    }

    #[test]
    fn it_fits_common_terminals() {
        insta::assert_snapshot!(shown(Some(80), false), @r"
        ID        TITLE                      MODIFIED  MSGS  TOKENS  MODEL     WORKSPACE
        5e550011  Fix the login redirect (…  3 h ago     42   12.3k  opus-4-5  ~/shop
        5e550011  ★ What does␛[31m this do?  2 mo ago    42    4.5M  opus-4-5  ~/shop
        5e550011  ! damaged: an object is…   3 h ago     42   12.3k  opus-4-5  ~/shop
        ");
        insta::assert_snapshot!(shown(Some(100), true), @r"
        #  ID        TITLE                          MODIFIED  MSGS  TOKENS  MODEL     AGENT        WORKSPACE
        1  5e550011  Fix the login redirect (+2)    3 h ago     42   12.3k  opus-4-5  claude-code  ~/shop
        2  5e550011  ★ What does␛[31m this do?      2 mo ago    42    4.5M  opus-4-5  claude-code  ~/shop
        3  5e550011  ! damaged: an object is miss…  3 h ago     42   12.3k  opus-4-5  claude-code  ~/shop
        ");
    }
}
