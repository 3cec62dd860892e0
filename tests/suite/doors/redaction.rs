//! Texts that secrets and personal traces are taken out of, and the rules that a user writes.

use std::fs;
use std::sync::LazyLock;

use annals::platform::Clock;
use annals::platform::Environment;
use annals::platform::Ids;
use annals::platform::Stopwatch;
use annals::redact::Profile;
use annals::redact::Redactor;
use annals::redact::Rules;
use annals::redact::Sharing;
use annals::repository::TextFilter;
use chrono::DateTime;

use crate::doors::in_scratch;
use crate::doors::text_of;

pub(super) static RULES: LazyLock<Rules> =
    LazyLock::new(|| Rules::builtin().expect("they are sound"));

/// What stands between two texts, on a line of its own.
pub(super) const SPLIT: &str = "\n----\n";

/// Any text, as one that is said.
pub(crate) fn redaction(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut redactor = Redactor::new(&RULES);
    let once = redactor.text("text", text.clone()).into_inner();
    let spots = redactor.spots("text", &once);
    assert!(spots.is_empty(), "nothing is left: {spots:?} in {once:?}");
    let twice = redactor.text("text", once.clone()).into_inner();
    assert_eq!(twice, once, "twice changes nothing");
    for spot in Redactor::new(&RULES).spots("text", &text) {
        let line = text.split('\n').nth(spot.line - 1).expect("the line is there");
        assert!(spot.column <= line.chars().count() + 1, "{spot:?} of {line:?}");
    }
    let raw = redactor.bytes(bytes, true).map(annals::redact::Clean::into_inner);
    if let Some(raw) = raw {
        assert_eq!(redactor.bytes(&raw, true), None, "bytes too: {raw:?}");
    }
}

/// A user's rules, a line of dashes, and a text that they are used on.
pub(crate) fn rules(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let (settings, said) = text.split_once(SPLIT).unwrap_or((text, "ACME-1234567890 abcdefgh"));
    in_scratch(|folder| {
        let configuration = folder.join("rules");
        fs::create_dir_all(configuration.join("annals")).expect("a folder is made");
        fs::write(configuration.join("annals/config.toml"), settings).expect("it is written");
        let environment = Environment {
            home: folder.to_owned(),
            data: folder.join("data"),
            config: configuration,
            store: None,
            claude_config_dir: None,
            codex_home: None,
            current: folder.to_owned(),
            stopwatch: Stopwatch::system(),
            clock: Clock::fixed(DateTime::UNIX_EPOCH),
            ids: Ids::counting(1),
        };
        let Ok(filter) = TextFilter::load(&environment) else { return };
        let once = filter.redact(said);
        assert_eq!(filter.redact(&once), once, "twice changes nothing");
        drop(filter.spots(said));
    });
}

/// What takes a user's traces out, in its two degrees: making it takes longer than using it.
static SHARING: LazyLock<[Sharing; 2]> = LazyLock::new(|| {
    let profile = Profile {
        home: "/home/kim".to_owned(),
        user: "kim".to_owned(),
        host: "orchard.example.org".to_owned(),
        name: "Kim Appleseed".to_owned(),
        email: "kim@example.org".to_owned(),
    };
    let workspaces = ["/home/kim/src/shop".to_owned()];
    [
        Sharing::new(&profile, &workspaces).expect("a plain profile"),
        Sharing::strict(&[profile], &workspaces).expect("a plain profile"),
    ]
});

/// A text that is shared, with a user's traces in it.
pub(crate) fn sharing(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    for sharing in &*SHARING {
        let mut sharing = sharing.clone();
        let once = sharing.text(text);
        assert_eq!(sharing.text(&once), once, "twice changes nothing");
        assert!(!once.contains("/home/kim/"), "{once:?}");
    }
}
