//! Tables that fit their width: columns shrink, then drop out, before a line would break.

use unicode_width::UnicodeWidthStr;

use crate::cli::brief::fit;
use crate::cli::brief::fit_end;
use crate::cli::paint::Paint;

/// Blanks between two columns.
const GAP: usize = 2;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// What stands above it.
    pub(crate) header: &'static str,
    /// How its cells are laid out.
    pub(crate) layout: Layout,
    /// The narrowest it may become; 0: it does not shrink.
    pub(crate) least: usize,
    /// When it drops out for want of room: the highest first; 0: never.
    pub(crate) dispensable: u8,
    /// How its cells are painted.
    pub(crate) style: fn(Paint, &str) -> String,
}

/// How the cells of a column are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// To the left; the end is cut.
    Start,
    /// To the left; the beginning is cut.
    End,
    /// To the right: numbers.
    Number,
}

impl Column {
    /// A column of its natural width.
    pub(crate) fn new(header: &'static str) -> Self {
        Self {
            header,
            layout: Layout::Start,
            least: 0,
            dispensable: 0,
            style: |_, text| text.to_owned(),
        }
    }

    /// A column of numbers.
    pub(crate) fn number(header: &'static str) -> Self {
        Self { layout: Layout::Number, ..Self::new(header) }
    }

    /// The header in its place: names are cut at their ends.
    fn title(&self, width: usize) -> String {
        self.placed(fit(self.header, width), width)
    }

    fn cell(&self, text: &str, width: usize) -> String {
        let shown = match self.layout {
            Layout::Start => fit(text, width),
            Layout::End | Layout::Number => fit_end(text, width),
        };
        self.placed(shown, width)
    }

    fn placed(&self, shown: String, width: usize) -> String {
        let blanks = " ".repeat(width.saturating_sub(shown.width()));
        match self.layout {
            Layout::Number => blanks + &shown,
            Layout::Start | Layout::End => shown + &blanks,
        }
    }
}

/// The lines of a table, the header first; `width` none: as wide as it likes.
pub(crate) fn render(
    columns: &[Column],
    rows: &[Vec<String>],
    width: Option<usize>,
    paint: Paint,
) -> String {
    let widths = fitted(columns, &natural(columns, rows), width);
    let shown: Vec<(usize, &Column, usize)> = columns
        .iter()
        .enumerate()
        .filter_map(|(index, column)| widths[index].map(|width| (index, column, width)))
        .collect();
    let headers: Vec<String> =
        shown.iter().map(|(_, column, width)| column.title(*width)).collect();
    let mut text = paint.faint(headers.join("  ").trim_end()) + "\n";
    for row in rows {
        let mut line = String::new();
        for (place, (index, column, width)) in shown.iter().enumerate() {
            let is_last = place + 1 == shown.len();
            let cell = column.cell(&row[*index], *width);
            let cell = if is_last { cell.trim_end() } else { &cell };
            line += &(column.style)(paint, cell);
            line += if is_last { "\n" } else { "  " };
        }
        text += &line;
    }
    text
}

/// The width that each column would like.
fn natural(columns: &[Column], rows: &[Vec<String>]) -> Vec<usize> {
    let widest = |(index, column): (usize, &Column)| {
        let cells = rows.iter().map(|row| row[index].width());
        cells.max().unwrap_or(0).max(column.header.width())
    };
    columns.iter().enumerate().map(widest).collect()
}

/// The width that each column gets; none: it is left out.
fn fitted(columns: &[Column], natural: &[usize], width: Option<usize>) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = natural.iter().copied().map(Some).collect();
    let Some(width) = width else {
        return widths;
    };
    let least = |index: usize| match columns[index].least {
        0 => natural[index],
        least => least.min(natural[index]),
    };
    while total(&widths, least) > width {
        let dispensable = (0..columns.len())
            .filter(|index| widths[*index].is_some() && columns[*index].dispensable > 0)
            .max_by_key(|index| columns[*index].dispensable);
        match dispensable {
            Some(index) => widths[index] = None,
            None => break,
        }
    }
    // The widest of those that can shrink gives way, column by column; one that might as well be
    // left out counts double.
    let weight = |index: usize, width: Option<usize>| {
        width.map(|width| width * if columns[index].dispensable > 0 { 2 } else { 1 })
    };
    let shrinks = |index: usize| columns[index].least > 0;
    while total(&widths, |index| widths[index].unwrap_or(0)) > width {
        // Where even the least is too much, one column of few characters is better than lines
        // that break.
        let widest = |least: &dyn Fn(usize) -> usize| {
            (0..columns.len())
                .filter(|index| widths[*index].is_some_and(|width| width > least(*index)))
                .max_by_key(|index| weight(*index, widths[*index]))
        };
        let floor = |index: usize| if shrinks(index) { 1 } else { natural[index] };
        match widest(&least).or_else(|| widest(&floor)) {
            Some(index) => widths[index] = widths[index].map(|width| width - 1),
            None => break,
        }
    }
    widths
}

fn total(widths: &[Option<usize>], of: impl Fn(usize) -> usize) -> usize {
    let shown: Vec<usize> =
        (0..widths.len()).filter(|index| widths[*index].is_some()).map(of).collect();
    shown.iter().sum::<usize>() + GAP * shown.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::new("ID"),
            Column { least: 6, ..Column::new("TITLE") },
            Column::number("MSGS"),
            Column { layout: Layout::End, least: 6, dispensable: 1, ..Column::new("WORKSPACE") },
            Column { dispensable: 2, ..Column::new("BRANCH") },
        ]
    }

    fn shown(width: Option<usize>) -> String {
        let row = |cells: [&str; 5]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["3f2a9c10", "Fix the login redirect", "42", "~/src/shop", "main"]),
            row(["77aa01be", "日本語のタイトル", "7", "~/src/a/long/way/down", "feat/x"]),
        ];
        render(&columns(), &rows, width, Paint::new(false))
    }

    #[test]
    fn without_a_width_all_is_shown() {
        insta::assert_snapshot!(shown(None), @r"
        ID        TITLE                   MSGS  WORKSPACE              BRANCH
        3f2a9c10  Fix the login redirect    42  ~/src/shop             main
        77aa01be  日本語のタイトル           7  ~/src/a/long/way/down  feat/x
        ");
    }

    #[test]
    fn it_shrinks_and_then_leaves_columns_out() {
        insta::assert_snapshot!(shown(Some(52)), @r"
        ID        TITLE               MSGS  WORKSPA…  BRANCH
        3f2a9c10  Fix the login red…    42  …/shop    main
        77aa01be  日本語のタイトル       7  …/down    feat/x
        ");
        insta::assert_snapshot!(shown(Some(24)), @r"
        ID        TITLE     MSGS
        3f2a9c10  Fix the…    42
        77aa01be  日本語…      7
        ");
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        for width in 22..100 {
            for line in shown(Some(width)).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }
}
