//! What leaves and enters: JSON, YAML, Markdown, HTML, bundle; validation of imports.
//!
//! JSON and YAML hold everything and parse back to the same session. Markdown and HTML are for
//! reading: the records in view, as a `script` of who said what. Only an [`Outgoing`] session can
//! be rendered, and making one redacts it by today's rules, which may know more than those it was
//! stored under.
//!
//! In the readable forms no text of a session becomes markup of the file: `harmless` takes out of
//! Markdown what could run, load, hide or pass for one of our own headings; `prose` makes HTML of
//! Markdown and lets through text, plain structure and links to the web; the template in
//! `page.html` escapes all other values. The HTML has no script and a policy that forbids any.
//!
//! `dashboard` sets figures as a page, in `dashboard.html`, by the same rules.
//!
//! `share` makes sessions ready for others and puts them into a bundle; `incoming` reads what comes
//! from others, and checks it.

mod dashboard;
mod harmless;
mod html;
mod incoming;
mod markdown;
mod prose;
mod script;
mod share;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap as _;
use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;

use crate::format;
use crate::format::EXPORT_KIND;
use crate::redact::Clean;
use crate::redact::Redactor;
use crate::redact::Rules;
use crate::session::Head;
use crate::session::Record;
use crate::session::Session;

pub use dashboard::Chart;
pub use dashboard::Dashboard;
pub use dashboard::Table;
pub use dashboard::TableRow;
pub use incoming::INCOMING_LIMIT;
pub use incoming::Incoming;
pub use incoming::IncomingError;
pub use incoming::IncomingFile;
pub use incoming::NewName;
pub use share::Package;
pub use share::ShareChoice;
pub use share::ShareError;

/// A form that a session leaves in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Everything, as one JSON document.
    Json,
    /// Everything, as the YAML that `show --raw` prints.
    Yaml,
    /// The conversation, to read and to quote.
    Markdown,
    /// The conversation as one page for a browser.
    Html,
}

impl ExportFormat {
    /// How the names of its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Markdown => "md",
            Self::Html => "html",
        }
    }

    /// The form of files whose names end so.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            "md" | "markdown" => Some(Self::Markdown),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

/// A session that may leave: redacted by today's rules.
#[derive(Debug)]
pub struct Outgoing {
    session: Session,
    head: Head,
    redactions: BTreeMap<String, u64>,
}

impl Outgoing {
    /// Redacts a session.
    pub fn new(session: Session, rules: &Rules) -> Self {
        let mut redactor = Redactor::new(rules);
        let records: Vec<Clean<Record>> =
            session.records.into_iter().map(|record| redactor.record(record)).collect();
        // What became known late goes out of the earlier records too.
        let records = records.into_iter().map(|record| redactor.again(record).into_inner());
        let session = Session { id: session.id, records: records.collect() };
        Self { head: session.head(), session, redactions: redactor.counts().clone() }
    }

    /// The head of what leaves.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What was redacted that the stored session still had, by rule.
    pub fn redactions(&self) -> &BTreeMap<String, u64> {
        &self.redactions
    }

    /// The session in that form.
    pub fn render(&self, format: ExportFormat) -> String {
        match format {
            ExportFormat::Json => printed(&Document { session: self, kind: Some(EXPORT_KIND) }),
            ExportFormat::Yaml => format::render_session(&self.head, &self.session.records),
            ExportFormat::Markdown => {
                let records: Vec<&Record> = self.session.view().collect();
                markdown::render(&self.head, &script::script(&records))
            }
            ExportFormat::Html => {
                let records: Vec<&Record> = self.session.view().collect();
                html::render(&self.head, &script::script(&records))
            }
        }
    }
}

/// Several sessions as one JSON document.
pub fn render_together(sessions: &[Outgoing]) -> String {
    let documents = sessions.iter().map(|session| Document { session, kind: None });
    printed(&Together { kind: EXPORT_KIND, sessions: documents.collect() })
}

/// Several sessions, as they are printed.
#[derive(Serialize)]
struct Together<'s> {
    kind: &'static str,
    sessions: Vec<Document<'s>>,
}

/// A session as it is printed: the head's fields, and all records under `records`. Each becomes a
/// value when it is written, for all of them would take as much memory as the session again.
struct Document<'s> {
    session: &'s Outgoing,
    kind: Option<&'static str>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_map(None)?;
        if let Some(kind) = self.kind {
            document.serialize_entry("kind", kind)?;
        }
        if let Value::Object(fields) = format::head_to_value(&self.session.head) {
            for (name, value) in fields.iter().filter(|(name, _)| *name != "records") {
                document.serialize_entry(name, value)?;
            }
        }
        document.serialize_entry("records", &Records(&self.session.session.records))?;
        document.end()
    }
}

struct Records<'s>(&'s [Record]);

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(format::record_to_value))
    }
}

fn printed(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("a value has no odd keys");
    text.push('\n');
    text
}

/// What the records say, as a hash: equal hashes, equal sessions.
fn digest_of(records: &[Record]) -> String {
    let mut content = Sha256::new();
    for record in records {
        content.update(format::record_to_value(record).to_string());
        content.update("\n");
    }
    hex(&content.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

/// What a readable file calls a session.
fn title(head: &Head) -> String {
    let title = head.title.as_deref().or(head.preview.as_deref());
    let title = title.map(crate::session::plain::line).filter(|title| !title.is_empty());
    title.unwrap_or_else(|| format!("Session {}", head.id.short()))
}

/// The size of a payload, in words.
fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

#[cfg(test)]
mod tests;
