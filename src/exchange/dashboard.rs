//! Figures as one page for a browser: charts drawn here, no script, nothing loaded, every value
//! escaped. What the figures mean is not known here.

use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use serde::Serialize;

/// The page. Its name makes the engine escape every value.
const TEMPLATE: (&str, &str) = ("dashboard.html", include_str!("dashboard.html"));

/// The size of a chart of columns, in units of its own.
const CHART: (f64, f64) = (600.0, 120.0);

/// A page of figures.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Dashboard {
    /// What it is about.
    pub title: String,
    /// When it was made, and of what.
    pub subtitle: String,
    /// What to look at, in whole sentences.
    pub alerts: Vec<String>,
    /// The figures that come first: what is counted, and how many.
    pub tiles: Vec<(String, String)>,
    /// Figures by day.
    pub charts: Vec<Chart>,
    /// Figures by name.
    pub tables: Vec<Table>,
}

/// A value for each of several days, as columns.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The days, in order: what each is called, its value, and how that is written.
    pub columns: Vec<(String, u64, String)>,
}

/// Named rows of figures; the first figure of each is drawn too.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// What stands above the columns; the first is that of the names.
    pub headers: Vec<String>,
    /// The rows.
    pub rows: Vec<TableRow>,
}

/// A row of figures.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TableRow {
    /// Its name.
    pub name: String,
    /// How much is drawn; none: nothing is.
    pub value: Option<u64>,
    /// The figures, as they are written.
    pub cells: Vec<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    title: &'a str,
    subtitle: &'a str,
    alerts: &'a [String],
    tiles: &'a [(String, String)],
    charts: Vec<ChartView<'a>>,
    tables: Vec<TableView<'a>>,
}

#[derive(Serialize)]
struct ChartView<'a> {
    title: &'a str,
    width: f64,
    height: f64,
    most: &'a str,
    first: &'a str,
    last: &'a str,
    bars: Vec<Bar>,
}

#[derive(Serialize)]
struct Bar {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    told: String,
}

#[derive(Serialize)]
struct TableView<'a> {
    title: &'a str,
    headers: &'a [String],
    is_drawn: bool,
    rows: Vec<RowView<'a>>,
}

#[derive(Serialize)]
struct RowView<'a> {
    name: &'a str,
    share: Option<f64>,
    cells: &'a [String],
}

impl Dashboard {
    /// The page.
    pub fn render(&self) -> String {
        let page = Page {
            title: &self.title,
            subtitle: &self.subtitle,
            alerts: &self.alerts,
            tiles: &self.tiles,
            charts: self.charts.iter().map(Chart::view).collect(),
            tables: self.tables.iter().map(Table::view).collect(),
        };
        let mut engine = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        engine.set_syntax(syntax.expect("the signs are the usual ones"));
        let (name, source) = TEMPLATE;
        engine.add_template(name, source).expect("the template is ours");
        let template = engine.get_template(name).expect("it was added above");
        template.render(Serde(&page)).expect("the template uses what the page has")
    }
}

impl Chart {
    fn view(&self) -> ChartView<'_> {
        let most = self.columns.iter().max_by_key(|(_, value, _)| *value);
        let step = CHART.0 * share(1, self.columns.len() as u64).min(1.0);
        let bar = |(place, (name, value, told)): (usize, &(String, u64, String))| {
            let height = rounded(CHART.1 * share(*value, most.map_or(0, |it| it.1)));
            // What is not nothing is seen.
            let height = if *value > 0 { height.max(1.0) } else { 0.0 };
            Bar {
                x: rounded(CHART.0 * share(place as u64, self.columns.len() as u64)),
                y: rounded(CHART.1 - height),
                width: rounded((step * 0.8).max(0.5)),
                height,
                told: format!("{name}: {told}"),
            }
        };
        ChartView {
            title: &self.title,
            width: CHART.0,
            height: CHART.1,
            most: most.map(|(_, _, told)| told.as_str()).unwrap_or_default(),
            first: self.columns.first().map(|it| it.0.as_str()).unwrap_or_default(),
            last: self.columns.last().map(|it| it.0.as_str()).unwrap_or_default(),
            bars: self.columns.iter().enumerate().map(bar).collect(),
        }
    }
}

impl Table {
    fn view(&self) -> TableView<'_> {
        let most = self.rows.iter().filter_map(|row| row.value).max().unwrap_or(0);
        let rows = self.rows.iter().map(|row| RowView {
            name: &row.name,
            share: row.value.map(|value| rounded(100.0 * share(value, most))),
            cells: &row.cells,
        });
        TableView {
            title: &self.title,
            headers: &self.headers,
            is_drawn: most > 0,
            rows: rows.collect(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is drawn")]
fn share(value: u64, most: u64) -> f64 {
    if most == 0 { 0.0 } else { value as f64 / most as f64 }
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_escaped_and_nothing_is_loaded_or_run() {
        let evil = "<script>alert(1)</script>\"'&";
        let text = || evil.to_owned();
        let page = Dashboard {
            title: text(),
            subtitle: text(),
            alerts: vec![text()],
            tiles: vec![(text(), text())],
            charts: vec![Chart { title: text(), columns: vec![(text(), 3, text())] }],
            tables: vec![Table {
                title: text(),
                headers: vec![text(), text()],
                rows: vec![TableRow { name: text(), value: Some(3), cells: vec![text()] }],
            }],
        }
        .render();
        assert!(!page.contains("<script") && !page.contains(evil), "{page}");
        assert!(page.matches("&lt;script&gt;").count() >= 12, "{page}");
        for loads in ["http:", "https:", "src=", "url(", "@import", "<link"] {
            assert!(!page.contains(loads), "{loads}");
        }
    }

    #[test]
    fn columns_are_as_high_as_their_values_and_nothing_is_no_column() {
        let column = |value: u64| (format!("d{value}"), value, value.to_string());
        let chart =
            Chart { title: String::new(), columns: [0, 1, 500, 1_000].map(column).to_vec() };
        let bars = chart.view().bars;
        let heights: Vec<f64> = bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0.0, 1.0, 60.0, 120.0]);
        assert!(bars.iter().all(|bar| (bar.y + bar.height - CHART.1).abs() < 0.01));
        assert!(bars.last().is_some_and(|bar| bar.x + bar.width <= CHART.0));
        assert_eq!(Chart::default().view().bars.len(), 0);
        assert!(Dashboard::default().render().contains("</html>"));
    }
}
