//! The last look: whether a value that must not leave stands anywhere in finished bytes.
//!
//! The patterns of the other files ask where a name stands, so that prose keeps its words. What is
//! handed to others must not hold the name at all, so here it is enough that it is a word of its
//! own. Names that everybody has (`dev`, `root`) and the words of annals' own files say nothing of
//! anybody and are not looked for: a share could never be made where they are a user's name.

use crate::redact::Error;
use crate::redact::KnownSecrets;
use crate::redact::Profile;
use crate::redact::scan::Search;
use crate::redact::share::Kind;
use crate::redact::share::Place;
use crate::redact::share::Shape;
use crate::redact::share::accents::pattern_of;
use crate::redact::share::names::is_common;
use crate::redact::share::paths::JOINT;
use crate::redact::share::paths::outside;
use crate::redact::share::paths::parts_of;
use crate::redact::share::paths::slug;
use crate::redact::views::views_of;

/// The shortest name that is looked for as a word.
const MIN_NAME: usize = 3;

/// Words that stand in every file of a bundle, whoever made it.
const OWN: &[&str] = &[
    "annals",
    "assistant",
    "bundle",
    "captured",
    "codex",
    "content",
    "created",
    "email",
    "event",
    "file",
    "files",
    "gemini",
    "git",
    "id",
    "image",
    "import",
    "imported",
    "input",
    "message",
    "messages",
    "model",
    "models",
    "native",
    "opencode",
    "origin",
    "output",
    "record",
    "records",
    "redacted",
    "schema",
    "session",
    "sessions",
    "share",
    "shared",
    "text",
    "thinking",
    "time",
    "title",
    "tool",
    "tools",
    "type",
    "usage",
    "workspace",
    "yaml",
];

/// Finds what must not be in finished bytes. Its `Debug` shows no value.
pub struct Watch {
    shapes: Vec<Shape>,
    secrets: KnownSecrets,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Watch").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

impl Watch {
    /// Looks for the traces of users, for the folders he worked in, and for secrets.
    ///
    /// # Errors
    /// A value is so long that no pattern can be made of it.
    pub fn new(
        profiles: &[Profile],
        workspaces: &[String],
        secrets: &KnownSecrets,
    ) -> Result<Self, Error> {
        let shapes = shapes(profiles, &outside(workspaces, profiles))?;
        Ok(Self { shapes, secrets: secrets.clone() })
    }

    /// What kind of value stands in the bytes, escaped or not, if one does.
    pub fn find(&self, bytes: &[u8]) -> Option<&'static str> {
        let search = Search { rules: None, known: &self.secrets };
        if !search.find(bytes).is_empty() {
            return Some("secret");
        }
        let in_view = |text: &[u8]| {
            let is_in = |shape: &&Shape| {
                shape
                    .pattern
                    .find_iter(text)
                    .any(|found| (shape.check)(&Place { text, range: found.range() }))
            };
            self.shapes.iter().find(is_in).map(|shape| shape.kind.name())
        };
        in_view(bytes).or_else(|| views_of(bytes).iter().find_map(|view| in_view(view.bytes())))
    }
}

/// The values themselves, as patterns. `workspaces`: those that lie in nobody's home.
pub(super) fn shapes(profiles: &[Profile], workspaces: &[String]) -> Result<Vec<Shape>, Error> {
    let mut shapes = Vec::new();
    for profile in profiles {
        shapes.extend(of_profile(profile)?);
    }
    for workspace in workspaces.iter().filter(|workspace| parts_of(workspace).len() > 1) {
        shapes.push(path(Kind::Project, workspace)?);
    }
    Ok(shapes)
}

fn of_profile(profile: &Profile) -> Result<Vec<Shape>, Error> {
    let mut shapes = Vec::new();
    if parts_of(&profile.home).len() > 1 {
        shapes.push(path(Kind::Home, &profile.home)?);
        shapes.push(slug(&profile.home)?);
    }
    if !profile.email.is_empty() {
        let pattern = format!("(?i){}", pattern_of(&profile.email));
        shapes.push(Shape::new(Kind::Email, &pattern, |place| place.is_separate())?);
    }
    let parts: Vec<String> = profile.name.split_whitespace().map(pattern_of).collect();
    if parts.len() > 1 {
        let pattern = format!("(?i){}", parts.join(r"(?:[\s._+-]|%20){1,3}"));
        shapes.push(Shape::new(Kind::Name, &pattern, |place| place.is_separate())?);
    } else {
        shapes.extend(word(Kind::Name, &profile.name)?);
    }
    shapes.extend(word(Kind::User, &profile.user)?);
    shapes.extend(word(Kind::Host, &profile.host)?);
    if let Some((short, _)) = profile.host.split_once('.') {
        shapes.extend(word(Kind::Host, short)?);
    }
    Ok(shapes)
}

fn path(kind: Kind, path: &str) -> Result<Shape, Error> {
    let parts: Vec<String> = parts_of(path).iter().map(|part| pattern_of(part)).collect();
    let pattern = format!(r"(?i)(?:/|\\{{1,4}}){}", parts.join(JOINT));
    Shape::new(kind, &pattern, |place| place.ends_folder())
}

/// A name that can be told from what everybody says.
fn word(kind: Kind, name: &str) -> Result<Option<Shape>, Error> {
    let lower = name.to_lowercase();
    let is_plain = is_common(name)
        || OWN.contains(&lower.as_str())
        || name.chars().count() < MIN_NAME
        || name.chars().all(|letter| letter.is_ascii_digit());
    if is_plain {
        return Ok(None);
    }
    let pattern = format!("(?i){}", pattern_of(name));
    Shape::new(kind, &pattern, |place| place.is_separate()).map(Some)
}

impl Place<'_> {
    /// Whether neither a letter nor a digit goes on before or behind it.
    fn is_separate(&self) -> bool {
        let goes_on =
            |byte: Option<&u8>| byte.is_some_and(|it| it.is_ascii_alphanumeric() || *it >= 0x80);
        !goes_on(self.before(1).last()) && !goes_on(self.after().first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        Profile {
            home: "/home/alice".into(),
            user: "alice".into(),
            host: "heron-t14".into(),
            name: "Alice Castellan".into(),
            email: "alice@acme-corp.com".into(),
        }
    }

    #[test]
    fn what_must_not_leave_is_found_in_every_view_and_words_of_all_are_not() {
        let workspaces = ["/srv/acme/shop".to_owned()];
        let watch =
            Watch::new(&[profile()], &workspaces, &KnownSecrets::default()).expect("patterns");
        for text in [
            "see /home/alice/x",
            r#"{\"p\":\"\/home\/alice\/x\"}"#,
            "%2Fhome%2Falice%2Fx",
            "/HOME/ALICE",
            "-home-alice-work-shop",
            "thanks, Alice!",
            "alice_dev",
            r"a\nalice said",
            "on heron-t14:",
            "Alice Castellan",
            "Alice%20Castellan",
            "mail alice@acme-corp.com",
            "/srv/acme/shop/src",
        ] {
            assert!(watch.find(text.as_bytes()).is_some(), "{text}");
        }
        for text in
            ["malice", "chalices", "/home/alicent", "~/x <user> <host>", "/srv/acme/shopping"]
        {
            assert_eq!(watch.find(text.as_bytes()), None, "{text}");
        }
        let common = Profile { user: "dev".into(), host: "localhost".into(), ..Profile::default() };
        let watch = Watch::new(&[common], &[], &KnownSecrets::default()).expect("patterns");
        assert_eq!(watch.find(b"the dev server on localhost"), None);
    }

    #[test]
    fn a_folder_tells_whose_home_it_is_in() {
        let home = |folder| Profile::of_folder(folder).map(|it| (it.home, it.user));
        let some = |home: &str, user: &str| Some((home.to_owned(), user.to_owned()));
        assert_eq!(home("/home/alice/x/y"), some("/home/alice", "alice"));
        assert_eq!(home(r"C:\Users\Alice W\x"), some(r"C:\Users\Alice W", "Alice W"));
        assert_eq!(home("/mnt/c/Users/alice"), some("/mnt/c/Users/alice", "alice"));
        for folder in [
            "/srv/x",
            "/home",
            "/Users/Shared/x",
            "/home/runner/work",
            "",
            "x/home",
            "/tmp/home/work",
        ] {
            assert_eq!(home(folder), None, "{folder}");
        }
    }

    #[test]
    fn what_is_found_is_what_a_strict_sharing_takes_out() {
        let workspaces = ["/srv/acme/shop".to_owned()];
        let watch =
            Watch::new(&[profile()], &workspaces, &KnownSecrets::default()).expect("patterns");
        let mut sharing =
            super::super::Sharing::strict(&[profile()], &workspaces).expect("patterns");
        let text =
            r"Alice of alice_dev: \/home\/alice\/x, heron-t14.local; cd /srv/acme/shop; \nalice";
        let shared = sharing.text(text);
        assert_eq!(watch.find(shared.as_bytes()), None, "{shared}");
        assert!(sharing.counts()["user name"] > 0, "{:?}", sharing.counts());
    }
}
