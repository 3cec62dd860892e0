//! Addresses: e-mail, IP, hardware; logins in URLs; ids of machines and of their temporary folders.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::redact::Error;
use crate::redact::share::Kind;
use crate::redact::share::Place;
use crate::redact::share::Profile;
use crate::redact::share::Shape;
use crate::redact::share::accents::pattern_of;
use crate::redact::share::always;

/// Endings of file names, which are no domains: `icon@2x.png`.
const FILES: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "mjs", "cjs", "ts", "tsx", "jsx", "css",
    "json", "rs", "py", "txt", "html", "lock", "tgz", "gz", "zip", "yaml", "yml", "toml",
    "service", "target", "timer", "socket", "mount", "slice", "scope", "device",
];

/// Local parts that stand for no person.
const NOBODY: &[&str] = &["git", "noreply", "no-reply", "donotreply", "do-not-reply", "hg", "svn"];

/// Words before a number with dots that is a version or a section.
const VERSIONS: &[&str] = &[
    "version", "versions", "ver", "v", "release", "section", "sections", "schema", "chapter", "§",
    "rev", "revision", "build", "firmware", "driver", "upgrade", "update", "tag", "assembly",
];

/// Words before a number with dots that is an address.
const ADDRESSES: &[&str] = &[
    "ip",
    "addr",
    "address",
    "inet",
    "from",
    "host",
    "server",
    "peer",
    "client",
    "remote",
    "via",
    "gateway",
    "nameserver",
    "ping",
    "ssh",
    "curl",
    "dns",
    "to",
    "at",
    "src",
    "dst",
    "connect",
    "connected",
    "connecting",
    "listening",
    "traceroute",
    "route",
    "ipv4",
    "ips",
    "src=",
    "dst=",
];

/// The patterns of addresses.
pub(super) fn shapes(profile: &Profile) -> Result<Vec<Shape>, Error> {
    let mut shapes = vec![
        // `https://user:token@host`, `ssh://user@host`
        Shape::new(
            Kind::Dropped,
            r#"(?:https?|ssh|git|git\+ssh|git\+https|ftps?|sftp|svn\+ssh)://([^\s/@"'<>`?#\\]{1,512}@)"#,
            |place| place.is_personal_login(),
        )?,
        Shape::new(
            Kind::OtherEmail,
            r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,6}\.[A-Za-z]{2,24}",
            |place| place.is_email(),
        )?,
        Shape::new(Kind::Address, r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}", |place| {
            place.is_ipv4()
        })?,
        Shape::new(
            Kind::Address,
            r"[23][0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{1,4}|[23][0-9A-Fa-f]{3}(?::[0-9A-Fa-f]{1,4}){0,6}::",
            |place| place.is_ipv6(),
        )?,
        Shape::new(
            Kind::Id,
            r#"(?i)(?:ether|link/ether|hwaddr|mac|lladdr|mac[ _-]?address|physical[ _-]address|bssid|hardware[ _-]address)[. \t]{0,40}\\{0,3}["']?[ \t]*[:=]?[ \t]*\\{0,3}["']?((?:[0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2})"#,
            always,
        )?,
        Shape::new(
            Kind::Id,
            r#"(?i)(?:serial(?:[ _-]?(?:number|no\.?))?(?: \(system\))?|IOPlatformSerialNumber|IOPlatformUUID|hardware[ _-]UUID|machine[ _-]?id|boot[ _-]id|host[ _-]?id|device[ _-]id|UDID|product[ _-]uuid)\\{0,3}["']?[ \t]*[:=][ \t]*\\{0,3}["']?([A-Za-z0-9-]{8,64})"#,
            |place| place.holds_digit(),
        )?,
        Shape::new(Kind::Id, r"/etc/machine-id\s*[\r\n]+\s*([0-9a-f]{32})", always)?,
        Shape::new(
            Kind::Id,
            r"/var\\{0,4}/folders\\{0,4}/+([A-Za-z0-9_+-]{1,8}\\{0,4}/+[A-Za-z0-9_+-]{8,64})",
            always,
        )?,
    ];
    if profile.email.contains('@') {
        let email = format!("(?i){}", pattern_of(&profile.email));
        shapes.push(Shape::new(Kind::Email, &email, always)?);
    }
    if !profile.user.is_empty() {
        let hidden =
            format!(r"(?i)(?:[0-9]+\+)?{}@users\.noreply\.[a-z.]+", pattern_of(&profile.user));
        shapes.push(Shape::new(Kind::Email, &hidden, |place| place.is_word())?);
    }
    Ok(shapes)
}

/// Whether a domain is kept for examples (RFC 2606, RFC 6761).
pub(super) fn is_example(domain: &str) -> bool {
    let mut labels = domain.trim_end_matches('.').rsplit('.');
    let (last, second) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    matches!(last, "example" | "test" | "invalid" | "localhost") || second == "example"
}

/// The last word of a text, in lower case.
fn last_word(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text).to_lowercase();
    let text = text.trim_end_matches([' ', '\t', ':', '=', '"', '\'', '`', '(']);
    let word = text.rsplit(|letter: char| !letter.is_alphanumeric() && letter != '§').next();
    word.unwrap_or_default().to_owned()
}

impl Place<'_> {
    /// Whether a login in a URL says who it is: `ssh://git@host` does not.
    fn is_personal_login(&self) -> bool {
        let found = self.found();
        let login = found.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let is_ssh = found.starts_with(b"ssh") || found.starts_with(b"git+ssh");
        let is_program = is_ssh && matches!(login, b"git@" | b"hg@" | b"svn@");
        let is_stand_in = login.ends_with(b">@") || login.starts_with(b"$");
        !is_program && !is_stand_in
    }

    fn is_email(&self) -> bool {
        let found = String::from_utf8_lossy(self.found()).to_lowercase();
        let Some((local, domain)) = found.split_once('@') else { return false };
        let end = domain.rsplit('.').next().unwrap_or_default();
        let labels: Vec<&str> = domain.split('.').collect();
        let is_number =
            |label: &&str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
        let is_version = labels.len() > 2 && labels.iter().take(2).all(is_number);
        // The login of a URL, which has a rule of its own.
        let before = self.before(80);
        let is_in_url = memchr::memmem::rfind(before, b"://").is_some_and(|at| {
            !before[at + 3..].iter().any(|byte| byte.is_ascii_whitespace() || *byte == b'/')
        });
        local.bytes().any(|byte| byte.is_ascii_alphanumeric())
            && !NOBODY.contains(&local)
            && !is_example(domain)
            && !domain.contains("noreply")
            && !FILES.contains(&end)
            && !is_version
            && !is_in_url
            && self.ends()
    }

    fn is_ipv4(&self) -> bool {
        let text = String::from_utf8_lossy(self.found());
        let Ok(address) = text.parse::<Ipv4Addr>() else { return false };
        let is_free = !self
            .before(1)
            .last()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
            && !matches!(self.after(), [b'.', b'0'..=b'9', ..] | [b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_', ..])
            && !matches!(self.after(), [b'-', b'a'..=b'z', ..]);
        is_free && is_public(address) && self.is_no_version(address)
    }

    /// Whether a number with dots is an address rather than a version or a section.
    fn is_no_version(&self, address: Ipv4Addr) -> bool {
        let before = self.before(24);
        let word = last_word(before);
        let is_sign = [&b"=="[..], b"~=", b">=", b"<=", b"^", b"~>", b"~", b"@v"]
            .iter()
            .any(|sign| before.ends_with(sign));
        // `Chrome/120.0.0.0`
        let is_product = before.ends_with(b"/")
            && before.len() > 1
            && before[before.len() - 2].is_ascii_alphanumeric();
        if VERSIONS.contains(&word.as_str()) || is_sign || is_product {
            return false;
        }
        let is_small = address.octets().iter().all(|octet| *octet < 32);
        let is_named = ADDRESSES.contains(&word.as_str())
            || before.ends_with(b"//")
            || before.ends_with(b"@")
            || matches!(self.after(), [b':' | b'/', b'0'..=b'9', ..]);
        !is_small || is_named
    }

    fn is_ipv6(&self) -> bool {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b":_".contains(byte);
        let text = String::from_utf8_lossy(self.found());
        let address = text.parse::<Ipv6Addr>();
        address.is_ok_and(|address| {
            !(address.segments()[0] == 0x2001 && address.segments()[1] == 0xdb8)
        }) && !self.before(1).last().is_some_and(is_part)
            && !self.after().first().is_some_and(u8::is_ascii_alphanumeric)
    }

    fn holds_digit(&self) -> bool {
        let found = self.found();
        let value = found.rsplit(|byte| b"=: \t\"'".contains(byte)).next().unwrap_or_default();
        value.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
    }
}

/// Whether an address can be somebody's: neither for private nets, nor for examples, nor one of
/// the name servers that everybody knows.
fn is_public(address: Ipv4Addr) -> bool {
    const KNOWN: [[u8; 4]; 5] =
        [[8, 8, 8, 8], [8, 8, 4, 4], [1, 1, 1, 1], [1, 0, 0, 1], [9, 9, 9, 9]];
    let octets = address.octets();
    !address.is_loopback()
        && !address.is_unspecified()
        && !address.is_broadcast()
        && !address.is_documentation()
        && !address.is_private()
        && !address.is_link_local()
        && !address.is_multicast()
        && octets[0] != 0
        && octets[0] < 240
        && !KNOWN.contains(&octets)
}
