use proptest::prelude::*;

use super::*;
use crate::format::arbitrary;
use crate::session::Content;
use crate::session::Envelope;
use crate::session::Message;
use crate::session::Native;

#[test]
fn endings_name_forms() {
    for format in
        [ExportFormat::Json, ExportFormat::Yaml, ExportFormat::Markdown, ExportFormat::Html]
    {
        assert_eq!(ExportFormat::of_extension(format.extension()), Some(format));
    }
    assert_eq!(ExportFormat::of_extension("HTM"), Some(ExportFormat::Html));
    assert_eq!(ExportFormat::of_extension("txt"), None);
}

#[test]
fn what_todays_rules_know_does_not_leave() {
    let secret = format!("ghp_{}", "x7Kd92LmQpR4sTvWz1AbCdEfGhJk35NqYuXe");
    let texts = [format!("is {secret} still there?"), "GITHUB_TOKEN was it".to_owned()];
    let session = Session { id: Head::default().id, records: texts.map(said).into() };
    let outgoing = Outgoing::new(session, &Rules::builtin().expect("the rules load"));
    assert_eq!(outgoing.redactions().values().sum::<u64>(), 1, "it is counted");
    for format in
        [ExportFormat::Json, ExportFormat::Yaml, ExportFormat::Markdown, ExportFormat::Html]
    {
        let text = outgoing.render(format);
        assert!(!text.contains(&secret), "a secret leaves as {format:?}");
        assert!(text.contains("redacted:"), "its place is not marked in {format:?}");
    }
}

#[test]
fn endless_markup_takes_no_endless_time() {
    let long = |text: &str, count: usize| text.repeat(count);
    let texts = [
        long("> ", 100_000),
        long("- ", 100_000),
        long("[", 100_000),
        long("![", 100_000),
        long("*a_ ", 50_000),
        long("<", 100_000),
        long("`` ` ", 50_000),
        long("[a]: b\n", 20_000),
        long("# a\n", 20_000),
        long("<b>", 50_000),
        long("&#x202e;", 20_000),
        long("|a", 50_000) + "\n" + &long("|-", 50_000),
        long("a\n\n", 300_000),
    ];
    let start = std::time::Instant::now();
    for text in texts {
        let name: String = text.chars().take(8).collect();
        let html = prose::prose(&text);
        let markdown = harmless::harmless(&text);
        assert!(html.len() < text.len() * 40, "{name:?} grows in HTML");
        assert!(markdown.len() < text.len() * 40, "{name:?} grows in Markdown");
    }
    let taken = start.elapsed();
    assert!(taken.as_secs() < 20, "hostile markup took {taken:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// P8: whatever the records, JSON and YAML parse back to the same session.
    #[test]
    fn json_and_yaml_parse_back(records in arbitrary::stream()) {
        let rules = Rules::builtin().expect("the rules load");
        let session = Session { id: Head::default().id, records };
        let outgoing = Outgoing::new(session.clone(), &rules);
        for format in [ExportFormat::Json, ExportFormat::Yaml] {
            let (head, records) = format::parse_session(&outgoing.render(format))
                .expect("an export parses");
            prop_assert_eq!(head.id, session.id);
            prop_assert_eq!(&records, &outgoing.session.records);
            if outgoing.redactions().is_empty() {
                prop_assert_eq!(&records, &session.records);
            }
        }
    }

    /// No form of any stream panics, or holds a character that steers or turns.
    #[test]
    fn readable_forms_show_control_characters(records in arbitrary::stream()) {
        let rules = Rules::builtin().expect("the rules load");
        let session = Session { id: Head::default().id, records };
        let outgoing = Outgoing::new(session, &rules);
        for format in [ExportFormat::Markdown, ExportFormat::Html] {
            let text = outgoing.render(format);
            let shown = crate::session::plain::plain(&text);
            prop_assert_eq!(shown.as_ref(), text.as_str());
        }
    }
}

fn said(text: String) -> Record {
    Record::Message(Message {
        envelope: Envelope::default(),
        role: "user".to_owned(),
        injected: None,
        model: None,
        answer: None,
        content: Content::Text(text),
        usage: None,
        native: Native::new(),
    })
}
