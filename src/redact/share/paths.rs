//! Home folders, the user's and others', and the names that agents make of folders.

use crate::redact::Error;
use crate::redact::share::Kind;
use crate::redact::share::Place;
use crate::redact::share::Profile;
use crate::redact::share::Shape;
use crate::redact::share::accents::pattern_of;

/// What may stand before `/home` or `/Users` and belongs to the same path: drives as Windows, Git,
/// Cygwin and WSL write them, and the real places behind links.
const ROOT: &str = r"(?:(?:\\{2,8}[?.]\\{1,4})?[a-z]:|/(?:mnt|cygdrive|host_mnt|run/desktop/mnt/host)/[a-z]|/[a-z]|/private|/System/Volumes/Data|/var|/export|/usr|[/\\]{2,8}wsl[^/\\\s]{0,12}[/\\]{1,4}[^/\\\s]{1,32})?";

/// Between two folders: a slash, escaped or not, or backslashes.
pub(super) const JOINT: &str = r"(?:\\{0,4}/+|\\{1,8})";

/// The name of a folder, when it is somebody's home.
const FOLDER: &str = r#"[^\s/\\"'`<>|:;,()\[\]{}*?&$=%!#@^~…]{1,64}(?:~[0-9])?"#;

/// Folders beside the homes that are nobody's, and accounts that are no persons.
const NOBODY: &[&str] = &[
    "shared",
    "public",
    "default",
    "all",
    "runner",
    "runneradmin",
    "vscode",
    "node",
    "ubuntu",
    "linuxbrew",
    "codespace",
    "coder",
    "gitpod",
    "circleci",
    "travis",
    "jenkins",
    "vagrant",
    "ec2-user",
    "user",
    "username",
    "you",
    "me",
    "app",
    "root",
    "git",
    "www-data",
    "nobody",
    "guest",
    "localuser",
    "containeradministrator",
    "vsts",
    "pi",
    "oai",
    "sandbox",
    "name",
    "your-name",
    "yourname",
    "your_name",
    "xxx",
    "foo",
];

/// Endings of files, which lie in no folder of homes.
const FILES: &[&str] = &[
    "html", "htm", "js", "jsx", "ts", "tsx", "css", "scss", "json", "php", "py", "rb", "vue", "md",
    "rs", "go", "java", "png", "svg",
];

/// The patterns of paths.
pub(super) fn shapes(profile: &Profile, workspaces: &[String]) -> Result<Vec<Shape>, Error> {
    let mut shapes = Vec::from(others()?);
    let folders = parts_of(&profile.home);
    let mut users: Vec<&str> = folders.last().copied().into_iter().collect();
    users.push(&profile.user);
    users.retain(|user| !user.is_empty());
    users.dedup();
    for user in &users {
        shapes.extend(homes_of(user)?);
    }
    if !folders.is_empty() {
        let home: Vec<String> = folders.iter().map(|part| pattern_of(part)).collect();
        let home = home.join(JOINT);
        let start = if folders[0].ends_with(':') { "" } else { r"(?:/|\\{1,4})" };
        shapes
            .push(Shape::new(Kind::Home, &format!("(?i){start}{home}"), |place| place.is_path())?);
    }
    // Of a home that is one folder (`/root`) a name made of it would be a word: root-cause.
    if folders.len() > 1 {
        shapes.push(slug(&profile.home)?);
    }
    for workspace in workspaces {
        let parts = parts_of(workspace);
        if parts.len() < 2 {
            continue;
        }
        shapes.push(slug(workspace)?);
        let path: Vec<String> = parts.iter().map(|part| pattern_of(part)).collect();
        let is_at_home = !profile.home.is_empty() && workspace.starts_with(&profile.home);
        if !is_at_home {
            let path = format!("(?:/|\\\\{{1,4}}|)(?:{})", path.join(JOINT));
            shapes.push(Shape::new(Kind::Project, &path, |place| place.is_path())?);
        }
    }
    Ok(shapes)
}

/// The user's home, wherever homes lie on any system.
pub(super) fn homes_of(user: &str) -> Result<[Shape; 3], Error> {
    let name = pattern_of(user);
    let path = format!(r"(?i){ROOT}(?:/|\\{{1,4}})(?:home|users){JOINT}{name}");
    let tail = format!(r"(?i){JOINT}(?:home|users){JOINT}({name})");
    let slug_name = slug_of(user);
    let slug = format!(
        r"(?i)(?:[a-z]-{{1,2}}|-?(?:mnt|cygdrive)-[a-z]-|-?(?:private|var|export|usr|system-volumes-data)-|-)?(?:home|users)[-_]{slug_name}(?:[-_][A-Za-z0-9_-]*)?"
    );
    Ok([
        Shape::new(Kind::Home, &path, |place| place.is_path())?,
        // A copy of a home below another folder.
        Shape::new(Kind::User, &tail, |place| place.ends_folder())?,
        Shape::new(Kind::Project, &slug, |place| place.is_slug())?,
    ])
}

/// The homes of others.
fn others() -> Result<[Shape; 4], Error> {
    let windows = format!(
        r"(?i)(?:[a-z]:|/(?:mnt|cygdrive)/[a-z]|/[a-z]){JOINT}users{JOINT}({FOLDER}(?: {FOLDER}){{1,2}}){JOINT}"
    );
    let drive =
        format!(r"(?i)(?:[a-z]:|/(?:mnt|cygdrive)/[a-z]|/[a-z]){JOINT}users{JOINT}({FOLDER})");
    let unix = format!(
        r"(?:/private|/System/Volumes/Data|/var|/export|/usr)?\\{{0,4}}/(?:home|Users)\\{{0,4}}/+({FOLDER})"
    );
    let slug = r"[/\\](-(?:home|Users)-[A-Za-z0-9][A-Za-z0-9_-]*)".to_owned();
    Ok([
        Shape::new(Kind::OtherUser, &windows, |place| place.is_person())?,
        Shape::new(Kind::OtherUser, &drive, |place| place.is_person())?,
        Shape::new(Kind::OtherUser, &unix, |place| place.is_person())?,
        Shape::new(Kind::Project, &slug, |place| place.is_somebodys_slug())?,
    ])
}

pub(super) fn parts_of(path: &str) -> Vec<&str> {
    path.split(['/', '\\']).filter(|part| !part.is_empty()).collect()
}

/// What agents make of a folder for a name of its own: all but letters and digits becomes `-`.
/// What follows names a folder below it.
pub(super) fn slug(path: &str) -> Result<Shape, Error> {
    let plain = slug_of(path.trim_end_matches(['/', '\\']));
    let pattern = format!("(?i){plain}(?:[-_][A-Za-z0-9_-]*)?");
    let bare = slug_of(path.trim_matches(['/', '\\']));
    let pattern = format!("{pattern}|(?i){bare}(?:[-_][A-Za-z0-9_-]*)?");
    Shape::new(Kind::Project, &pattern, |place| place.is_slug())
}

fn slug_of(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars() {
        match letter {
            letter if letter.is_ascii_alphanumeric() => slug.push(letter),
            '.' => slug.push_str("[-_.]"),
            _ => slug.push_str("[-_]"),
        }
    }
    slug
}

impl Place<'_> {
    /// Whether it is a path from the root, and ends where a folder's name does.
    fn is_path(&self) -> bool {
        self.begins() && self.ends_folder()
    }

    pub(super) fn ends_folder(&self) -> bool {
        self.ends()
    }

    /// Whether it is the name of a folder of its own, made of a path.
    fn is_slug(&self) -> bool {
        let found = self.found();
        let holds_joint = found.iter().filter(|byte| b"-_".contains(byte)).count() >= 1;
        let begins = found.starts_with(b"-")
            || !self
                .before(1)
                .last()
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
        let ends = !self.after().first().is_some_and(|byte| byte.is_ascii_alphanumeric());
        // `--home-dir` is an option.
        holds_joint && begins && ends && !self.before(1).ends_with(b"-")
    }

    fn is_somebodys_slug(&self) -> bool {
        let found = &self.found()[1..];
        let parts = found.split(|byte| *byte == b'-').filter(|part| !part.is_empty());
        let name = parts.skip(1).map(String::from_utf8_lossy).next();
        name.is_some_and(|name| !is_nobody(&name))
    }

    /// Whether the last folder is the home of a person.
    fn is_person(&self) -> bool {
        let found = String::from_utf8_lossy(self.found());
        let found = found.trim_end_matches(['/', '\\', '.']);
        let name = found.rsplit(['/', '\\']).next().unwrap_or_default();
        let drive = self.found().get(1) == Some(&b':');
        let begins = if drive {
            !self.before(1).last().is_some_and(u8::is_ascii_alphanumeric)
        } else {
            self.begins()
        };
        begins
            && !is_nobody(name)
            && name.chars().any(char::is_alphabetic)
            && !name.rsplit_once('.').is_some_and(|(_, end)| FILES.contains(&end))
    }
}

/// The folders that lie in nobody's home: those in one go with it.
pub(super) fn outside(workspaces: &[String], profiles: &[Profile]) -> Vec<String> {
    let homes = profiles.iter().map(|profile| profile.home.as_str()).filter(|it| !it.is_empty());
    let homes: Vec<&str> = homes.collect();
    let is_in = |folder: &str, home: &str| {
        let below = folder.strip_prefix(home.trim_end_matches(['/', '\\']));
        below.is_some_and(|below| below.is_empty() || below.starts_with(['/', '\\']))
    };
    let is_outside = |folder: &&String| !homes.iter().any(|home| is_in(folder, home));
    workspaces.iter().filter(is_outside).cloned().collect()
}

/// The home that a folder lies in, and whose it is, if it is a person's.
pub(super) fn home_in(folder: &str) -> Option<(&str, &str)> {
    let is_joint = |letter: char| letter == '/' || letter == '\\';
    let mut start = 0;
    let mut is_next = false;
    for part in folder.split_inclusive(is_joint) {
        let name = part.trim_end_matches(is_joint);
        if is_next && !name.is_empty() {
            let is_person = !is_nobody(name) && name.chars().any(char::is_alphabetic);
            return is_person.then_some((&folder[..start + name.len()], name));
        }
        let is_home = name.eq_ignore_ascii_case("home") || name.eq_ignore_ascii_case("users");
        is_next |= is_home && holds_homes(&folder[..start]);
        start += part.len();
    }
    None
}

/// Whether homes lie right in that folder: the root, a drive, or a real place behind a link.
fn holds_homes(folder: &str) -> bool {
    const PLACES: [&str; 5] = ["/private", "/system/volumes/data", "/var", "/export", "/usr"];
    let lower = folder.to_lowercase().replace('\\', "/");
    let place = lower.trim_end_matches('/');
    let (above, last) = place.rsplit_once('/').unwrap_or(("", place));
    let is_drive = last.trim_end_matches(':').len() == 1;
    let above = above.trim_start_matches("//?");
    place.is_empty()
        || PLACES.contains(&place)
        || (is_drive && ["", "/mnt", "/cygdrive", "/host_mnt"].contains(&above))
}

fn is_nobody(name: &str) -> bool {
    let lower = name.to_lowercase();
    NOBODY.contains(&lower.as_str()) || lower.starts_with("all users")
}
