//! Which git repository a folder of the user's belongs to, and by what it is known on every
//! machine: the normalised URL of its remote, or else the id of its first commit.
//!
//! A remote that is a path says nothing elsewhere, so such a repository goes by its first commit.
//! Nothing is written, and no remote is asked. What cannot be read, or belongs to somebody whom
//! git does not trust, is no repository. A shallow clone without a remote is none either: its
//! first commit is not that of others.

use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;

use git2::Repository;
use git2::RepositoryOpenFlags;

use crate::store::git::git;

/// The longest URL that is taken for one.
const URL_LIMIT: usize = 2_000;

/// A repository in the user's folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRepository {
    /// What it is known by: `github.com/kim/shop`, or the id of a commit.
    pub identity: String,
    /// The top folder of its working tree.
    pub top: PathBuf,
}

/// The repository that a folder lies in; none: it is in no repository, or in one that nothing is
/// known of.
pub fn repository_of(folder: &Path) -> Option<KnownRepository> {
    let repository = open(folder)?;
    let identity = remote(&repository).or_else(|| first_commit(&repository))?;
    Some(KnownRepository { identity, top: top(&repository) })
}

/// The top of the repository that a folder lies in, if it is the one that is known by `identity`:
/// also when it got its remote after that.
pub fn top_if_known_by(folder: &Path, identity: &str) -> Option<PathBuf> {
    let repository = open(folder)?;
    let remote = remote(&repository);
    let is_same = remote.as_deref() == Some(identity)
        || is_commit(identity) && first_commit(&repository).as_deref() == Some(identity);
    is_same.then(|| top(&repository))
}

/// A remote's URL in the form that all ways to it share; none: it leads to no other machine.
/// User, password, port and the ending `.git` are left out.
pub fn normalised_url(url: &str) -> Option<String> {
    let url = url.trim();
    if url.len() > URL_LIMIT || url.chars().any(char::is_control) {
        return None;
    }
    let (authority, path) = match url.split_once("://") {
        Some((scheme, rest)) => {
            let scheme = scheme.to_ascii_lowercase();
            if !["https", "http", "ssh", "git", "git+ssh", "ssh+git"].contains(&scheme.as_str()) {
                return None;
            }
            rest.split_once('/')?
        }
        // As ssh has it: `git@host:path`. One letter before the colon is a drive.
        None => url.split_once(':').filter(|(host, _)| host.len() > 1 && !host.contains('/'))?,
    };
    let host = without_port(authority.rsplit('@').next()?).to_ascii_lowercase();
    let path = path.split(['?', '#']).next()?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let path = parts.join("/");
    let path = path.strip_suffix(".git").unwrap_or(&path).trim_end_matches('/');
    // Two colons: a program of the user's is to be asked.
    let is_dots = |part: &str| matches!(part, "." | "..");
    let is_odd = path.starts_with(':') || is_dots(&host) || path.split('/').any(is_dots);
    (!host.is_empty() && !path.is_empty() && !is_odd).then(|| format!("{host}/{path}"))
}

/// Whether a text is the id of a commit.
pub fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn without_port(authority: &str) -> &str {
    let address = authority.find(']').map_or(0, |end| end + 1);
    match authority[address..].find(':') {
        Some(colon) => &authority[..address + colon],
        None => authority,
    }
}

fn open(folder: &Path) -> Option<Repository> {
    let nowhere: [&OsStr; 0] = [];
    // The environment is not asked, as it is about the current folder.
    Repository::open_ext(folder, RepositoryOpenFlags::empty(), nowhere).ok()
}

fn top(repository: &Repository) -> PathBuf {
    let top = repository.workdir().unwrap_or_else(|| repository.path());
    // The library has it with a separator at its end.
    top.components().collect()
}

/// Of several remotes the one that git makes itself, then the first of the alphabet.
fn remote(repository: &Repository) -> Option<String> {
    let config = repository.config().ok()?.snapshot().ok()?;
    let remotes = repository.remotes().ok()?;
    let mut names: Vec<&str> = remotes.iter().flatten().flatten().collect();
    names.sort_unstable_by_key(|name| (*name != "origin", *name));
    let url = |name: &str| config.get_str(&format!("remote.{name}.url")).ok();
    names.into_iter().filter_map(url).find_map(normalised_url)
}

/// The first commit of the branch's own line. Git itself reads the history: it cannot be led into
/// an endless loop by a torn object, and knows short cuts.
fn first_commit(repository: &Repository) -> Option<String> {
    if repository.is_shallow() {
        return None;
    }
    let mut command = git();
    command
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_NO_LAZY_FETCH", "1")
        .arg("--git-dir")
        .arg(repository.path())
        .args(["rev-list", "--first-parent", "--max-parents=0", "HEAD", "--"]);
    let output = command.output().ok().filter(|output| output.status.success())?;
    let said = String::from_utf8(output.stdout).ok()?;
    said.lines().next().filter(|line| is_commit(line)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, arguments: &[&str]) {
        let mut command = git();
        let who = ["-c", "user.name=Kim", "-c", "user.email=kim@example.com"];
        command.arg("-C").arg(folder).args(who).args(arguments);
        assert!(command.output().expect("git runs").status.success(), "{arguments:?}");
    }

    fn made(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(path.join("src")).expect("a folder is made");
        run(&path, &["init", "--quiet"]);
        path.canonicalize().expect("it is there")
    }

    #[test]
    fn all_ways_to_a_repository_have_one_name() {
        for url in [
            "https://github.com/kim/shop.git",
            "https://kim:pass@GitHub.com/kim/shop",
            "http://github.com:80/kim/shop/",
            "ssh://git@github.com:22/kim/shop.git/",
            "git@github.com:kim/shop.git",
            "github.com:/kim//shop",
            " git://github.com/kim/shop.git?x=1#y ",
        ] {
            assert_eq!(normalised_url(url).as_deref(), Some("github.com/kim/shop"), "{url}");
        }
        assert_eq!(normalised_url("ssh://[::1]:22/a/b.git").as_deref(), Some("[::1]/a/b"));
        assert_eq!(normalised_url("https://h/Kim/Shop").as_deref(), Some("h/Kim/Shop"));
    }

    #[test]
    fn what_leads_to_no_other_machine_is_no_name() {
        for url in [
            "",
            "/srv/git/shop.git",
            "../shop",
            "./a:b",
            "C:\\src\\shop",
            "file:///srv/shop",
            "ext::sh -c x",
            "gcrypt::git@host:x",
            "https://host",
            "https://host/../etc",
            "https://./etc",
            "https://..:80/etc",
            "https:///path",
            "git@host:",
            "git@ho\nst:x",
        ] {
            assert_eq!(normalised_url(url), None, "{url}");
        }
        assert_eq!(normalised_url(&format!("https://h/{}", "x".repeat(5_000))), None);
    }

    #[test]
    fn a_folder_below_is_of_the_same_repository() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(repository_of(folder.path()), None);
        assert_eq!(repository_of(&folder.path().join("gone")), None);
        let top = made(folder.path(), "shop");
        assert_eq!(repository_of(&top), None, "it has neither a remote nor a commit");
        run(&top, &["remote", "add", "fork", "https://example.com/lee/shop"]);
        run(&top, &["remote", "add", "origin", "git@example.com:kim/shop.git"]);
        let known =
            KnownRepository { identity: "example.com/kim/shop".to_owned(), top: top.clone() };
        assert_eq!(repository_of(&top.join("src")), Some(known));
        assert_eq!(top_if_known_by(&top.join("src"), "example.com/kim/shop"), Some(top.clone()));
        assert_eq!(top_if_known_by(&top, "example.com/lee/shop"), None);
    }

    #[test]
    fn without_a_remote_the_first_commit_counts_also_when_a_remote_comes() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = made(folder.path(), "shop");
        run(&top, &["commit", "--quiet", "--allow-empty", "-m", "one"]);
        let first = repository_of(&top).expect("it has a commit").identity;
        assert!(is_commit(&first), "{first}");
        run(&top, &["commit", "--quiet", "--allow-empty", "-m", "two"]);
        run(&top, &["remote", "add", "origin", "/srv/git/shop.git"]);
        assert_eq!(repository_of(&top).expect("a path is no name").identity, first);
        let copy = folder.path().join("copy");
        run(folder.path(), &["clone", "--quiet", "shop", "copy"]);
        assert_eq!(repository_of(&copy).expect("a clone").identity, first);
        run(&top, &["remote", "set-url", "origin", "https://example.com/kim/shop"]);
        assert_eq!(repository_of(&top).expect("known").identity, "example.com/kim/shop");
        assert_eq!(top_if_known_by(&top, &first), Some(top));
    }

    #[test]
    fn a_shallow_clone_has_no_first_commit() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = made(folder.path(), "shop");
        for name in ["one", "two"] {
            run(&top, &["commit", "--quiet", "--allow-empty", "-m", name]);
        }
        let url = format!("file://{}", top.display());
        run(folder.path(), &["clone", "--quiet", "--depth=1", &url, "shallow"]);
        assert_eq!(repository_of(&folder.path().join("shallow")), None);
    }

    #[test]
    fn a_torn_history_is_no_repository_and_no_endless_loop() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = made(folder.path(), "shop");
        run(&top, &["commit", "--quiet", "--allow-empty", "-m", "one"]);
        let first = repository_of(&top).expect("it has a commit").identity;
        let path = top.join(".git/objects").join(&first[..2]).join(&first[2..]);
        let whole = std::fs::read(&path).expect("a loose object");
        std::fs::remove_file(&path).expect("it is removed");
        std::fs::write(&path, &whole[..whole.len() / 2]).expect("it is torn");
        assert_eq!(repository_of(&top), None);
    }
}
