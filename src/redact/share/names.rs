//! The user's login, full name, and the machine's name.
//!
//! A name that has a digit or a sign in it, or that no word is like, may stand anywhere. One that
//! is also a word is only meant where a program prints or takes names.

use crate::redact::Error;
use crate::redact::share::Kind;
use crate::redact::share::Place;
use crate::redact::share::Profile;
use crate::redact::share::Shape;
use crate::redact::share::accents::pattern_of;

/// Logins and machines that many have; in prose they are words.
const COMMON: &[&str] = &[
    "dev",
    "test",
    "root",
    "al",
    "user",
    "admin",
    "guest",
    "me",
    "work",
    "main",
    "build",
    "node",
    "code",
    "data",
    "home",
    "src",
    "app",
    "web",
    "api",
    "git",
    "ci",
    "ubuntu",
    "debian",
    "fedora",
    "pi",
    "vagrant",
    "runner",
    "docker",
    "developer",
    "administrator",
    "owner",
    "default",
    "local",
    "public",
    "shared",
    "system",
    "service",
    "server",
    "host",
    "localhost",
    "laptop",
    "desktop",
    "pc",
    "mac",
    "macbook",
    "box",
    "workstation",
    "dell",
    "thinkpad",
    "tmp",
    "lib",
    "bin",
    "doc",
    "docs",
    "tests",
    "demo",
    "example",
    "name",
    "project",
    "claude",
    "agent",
    "will",
    "mark",
    "max",
    "rose",
    "grace",
    "art",
    "bill",
    "frank",
    "hope",
    "joy",
    "june",
    "may",
    "april",
    "rob",
    "sue",
    "pat",
    "ray",
    "drew",
    "chase",
    "hunter",
    "mason",
    "dean",
    "miles",
    "grant",
    "jack",
    "ada",
    "ruby",
    "julia",
    "crystal",
    "jade",
    "pearl",
    "cloud",
    "sandbox",
    "worker",
    "master",
    "an",
    "as",
    "in",
    "is",
    "it",
    "on",
    "or",
    "to",
    "we",
    "no",
    "do",
    "go",
    "up",
    "us",
    "at",
    "be",
    "by",
    "he",
    "if",
    "my",
    "of",
    "so",
    "ed",
    "jo",
    "ben",
    "sam",
    "tim",
    "tom",
    "dan",
    "don",
];

/// What machines at home are called behind their own name.
const DOMAINS: &str = r"(?:\.(?:local|lan|home|internal|localdomain|intranet|intra|corp|private|fritz\.box|home\.arpa|ts\.net))?";

/// The patterns of names.
pub(super) fn shapes(profile: &Profile) -> Result<Vec<Shape>, Error> {
    let mut shapes = Vec::new();
    if !profile.user.is_empty() {
        shapes.extend(of_user(&profile.user)?);
    }
    if !profile.host.is_empty() && !profile.host.eq_ignore_ascii_case("localhost") {
        shapes.extend(of_host(&profile.host, &profile.user)?);
    }
    let parts: Vec<String> = profile.name.split_whitespace().map(pattern_of).collect();
    if parts.len() > 1 {
        let joint = r"(?:[\s._+-]|%20){1,3}";
        let turned: Vec<String> = parts.iter().rev().cloned().collect();
        let name = parts.join(joint);
        let pattern = format!(r"(?i){name}|{}", turned.join(r",?[\s._+-]{1,3}"));
        shapes.push(Shape::new(Kind::Name, &pattern, |place| place.is_word())?);
    } else if let [name] = parts.as_slice() {
        let is_common = is_common(&profile.name) || profile.name.chars().count() < 4;
        let pattern = if is_common {
            format!(r"(?i)(?:author|committer|name)[:= ]+({name})")
        } else {
            format!("(?i){name}")
        };
        shapes.push(Shape::new(Kind::Name, &pattern, |place| place.is_word())?);
    }
    Ok(shapes)
}

pub(super) fn is_common(name: &str) -> bool {
    COMMON.contains(&name.trim().to_lowercase().as_str())
}

/// Whether a name can be no word.
fn is_telling(name: &str) -> bool {
    let is_plain = name.chars().all(|letter| letter.is_ascii_alphabetic());
    !is_common(name) && !is_plain && name.chars().count() >= 3
}

fn of_user(user: &str) -> Result<Vec<Shape>, Error> {
    let name = pattern_of(user);
    let mut patterns = vec![
        // Environment variables; listings of files and processes; `id`, `whoami`, `who`, `sudo`.
        format!(
            r#"(?:USER|LOGNAME|USERNAME|SUDO_USER|LNAME|RUNNER_USER)["']?[ \t]*[=:][ \t]*["']?({name})"#
        ),
        format!(
            r"(?:^|[\s'(])[-dlbcps](?:[r-][w-][xsStT-]){{3}}[.+@]?[ \t]+[0-9]+[ \t]+({name})(?:[ \t]+({name}))?[ \t]"
        ),
        format!(
            r"[-dlbcps](?:[r-][w-][xsStT-]){{3}}[.+@]?[ \t]+[0-9]+[ \t]+\S{{1,32}}[ \t]+({name})[ \t]"
        ),
        format!(r"(?m)^[ \t]*({name})[ \t]+[0-9]+[ \t]+(?:[0-9]+\.[0-9]|[0-9]+[ \t]+[0-9]+[ \t])"),
        format!(r"[0-9/][ \t]*\(?[ \t]*({name})\)"),
        format!(r"(?i)(?:whoami|id -un|logname|echo \$USER)['`)]*\s*[\r\n]+[ \t]*({name})"),
        format!(r"(?m)^({name})[ \t]+(?:pts/|tty|console|:[0-9]|seat)"),
        format!(r"({name})[ \t]*: (?:TTY|PWD)="),
        format!(
            r"/(?:run/media|media|var/mail|var/spool/mail|var/spool/cron(?:/crontabs)?|scratch|run/user)/({name})"
        ),
        format!(r"(?:pytest-of-|claude-|tmux-|vscode-|ssh-|/tmp/[a-z-]{{1,24}}[-_.])({name})"),
    ];
    if !is_common(user) {
        patterns.push(format!(r#"(?i)(?:user(?:[_ -]?name)?|owner|login|logname|account|author|actor|role|group|uname|assignee|created_by|by)\\{{0,3}}["']?[ \t]*[=:][ \t]*\\{{0,3}}["'`]?({name})"#));
        patterns.push(format!(r#"(?i)\b(?:user|for|as|by|su(?: -l?)?|owner|role|account|login|chown(?: -R)?|-u|-U|-l|--user|--username|--owner|hello|hi|welcome|invalid user|from user|home of)[ \t]+["'`(]?({name})"#));
        patterns.push(format!(r"(?i)(?:chown(?: -R)?[ \t]+\S{{1,32}}:)({name})"));
        patterns.push(format!(r"(?i)[/\\]({name})"));
    }
    let mut shapes = vec![
        Shape::new(Kind::User, &format!("~({name})"), |place| place.is_tilde())?,
        Shape::new(Kind::User, &format!(r"(?i)({name})@[a-z0-9<\[]"), |place| place.is_login())?,
    ];
    for pattern in patterns {
        shapes.push(Shape::new(Kind::User, &pattern, |place| place.ends_name())?);
    }
    if is_telling(user) {
        shapes.push(Shape::new(Kind::User, &format!("(?i){name}"), |place| place.stands_alone())?);
    }
    if user.len() > 8 && user.is_ascii() {
        // `ps` cuts long names.
        let cut = format!(r"(?m)^[ \t]*({}\+)[ \t]+[0-9]+[ \t]", regex::escape(&user[..7]));
        shapes.push(Shape::new(Kind::User, &cut, super::always)?);
    }
    Ok(shapes)
}

fn of_host(host: &str, user: &str) -> Result<Vec<Shape>, Error> {
    let short = host.split('.').next().unwrap_or(host);
    let name = format!("(?:{}|{}{DOMAINS})", pattern_of(host), pattern_of(short));
    let mut patterns = vec![
        format!(r"(?i)@({name})"),
        format!(r"(?:Linux|Darwin|FreeBSD)[ \t]+({name})[ \t]+[0-9]"),
        format!(
            r#"(?:HOSTNAME|HOST|COMPUTERNAME|USERDOMAIN|LOGONSERVER|NAME)["']?[ \t]*[=:][ \t]*["']?\\*({name})"#
        ),
        format!(r"(?i)(?:hostname(?: -[a-z])?|uname -n)['`)]*\s*[\r\n]+[ \t]*({name})"),
        format!(
            r"(?m)[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:[.,][0-9]+)?(?:Z|[+-][0-9:]{{4,6}})?[ \t]+({name})[ \t]"
        ),
        format!(r"(?i)({}\.(?:local|lan|fritz\.box|home\.arpa))", pattern_of(short)),
    ];
    if !user.is_empty() {
        patterns.push(format!(r"(?m)^({name}):\S*[ \t]+{}", pattern_of(user)));
    }
    if !is_common(short) {
        patterns.push(format!(r#"(?i)\b(?:host(?:[_ -]?name)?|nodename|node|server|machine|computer(?:[_ -]?name)?|ssh|ping|static hostname|device)\\{{0,3}}["']?[ \t]*[=:]?[ \t]*\\{{0,3}}["'`(]?({name})"#));
        patterns.push(format!(r"(?i)//({name})"));
    }
    if is_telling(short) {
        patterns.push(format!("(?i){name}"));
    }
    patterns
        .iter()
        .map(|pattern| Shape::new(Kind::Host, pattern, |place| place.stands_apart()))
        .collect()
}

impl Place<'_> {
    fn is_tilde(&self) -> bool {
        self.begins() && self.ends()
    }

    /// `user@host`, but neither an example's address nor a package with its version.
    fn is_login(&self) -> bool {
        let host = &self.text[self.range.end - 1..];
        let end =
            host.iter().position(|byte| byte.is_ascii_whitespace() || b":/\"'`>".contains(byte));
        let host = &host[..end.unwrap_or(host.len())];
        let host = String::from_utf8_lossy(&host[..host.len().min(256)]).to_lowercase();
        let tags = ["latest", "next", "beta", "alpha", "canary"];
        let is_version = host.starts_with(|digit: char| digit.is_ascii_digit())
            && host.parse::<std::net::Ipv4Addr>().is_err();
        self.begins()
            && !is_version
            && !super::addresses::is_example(&host)
            && !tags.contains(&host.as_str())
    }

    /// Whether the name, which is at the end, ends there.
    fn ends_name(&self) -> bool {
        self.found().ends_with(b" ") || self.ends() || self.after().starts_with(b"-")
    }

    /// Whether it is no part of a longer word.
    fn stands_alone(&self) -> bool {
        let is_part = |byte: &u8| super::is_name_byte(*byte);
        !self.before(1).last().is_some_and(is_part) && !self.after().first().is_some_and(is_part)
    }

    /// As `stands_alone`, for matches that begin with something else.
    fn stands_apart(&self) -> bool {
        let begins = !self.found()[0].is_ascii_alphanumeric()
            || !self.before(1).last().is_some_and(|byte| super::is_name_byte(*byte));
        let is_closed = self.found().ends_with(b" ") || self.found().ends_with(b"\t");
        begins
            && (is_closed
                || !self.after().first().is_some_and(|byte| super::is_name_byte(*byte))
                || self.found().last().is_some_and(u8::is_ascii_digit))
    }
}
