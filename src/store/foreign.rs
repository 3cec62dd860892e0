//! What somebody else may have put into a store's folder so that opening it does his will.
//!
//! A store may be copied from anybody. Promises: before anything in its folder is opened, links and
//! what is no plain file are refused where annals or git would follow or wait for them, and so is
//! what leads git to other objects, another history or other settings. Before git talks to a remote,
//! every setting that is not known to be harmless is refused: with others it starts programs. Hooks
//! and replace refs need no refusal: no git that annals starts obeys them (`git`). It does not look
//! at objects, which are checked as they are read.
//!
//! Limits: 1 MiB of settings, a million files beside the objects.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use git2::Config;
use git2::ConfigLevel;

use crate::platform;
use crate::store::Error;

/// The most bytes of the store's git settings.
const CONFIG_BYTES: u64 = 1 << 20;
/// The most files and folders beside the objects.
const MOST_FILES: usize = 1_000_000;

/// Files with which git takes other objects, another history or other settings for the store's.
const ELSEWHERE: [&str; 7] = [
    "commondir",
    "config.worktree",
    "gitdir",
    "info/grafts",
    "objects/info/alternates",
    "objects/info/http-alternates",
    "shallow",
];

/// Folders that only programs of others use: no git that annals starts looks there.
const UNUSED: [&str; 2] = ["hooks", "worktrees"];

/// The settings with which git does nothing but keep files, in small letters; `*` stands for any end.
/// No git that annals starts in a store has a work tree, and a `config.worktree` is refused.
const HARMLESS: [&str; 60] = [
    "advice.*",
    "alias.*",
    "author.*",
    "branch.*",
    "color.*",
    "committer.*",
    "core.abbrev",
    "core.autocrlf",
    "core.bare",
    "core.bigfilethreshold",
    "core.checkstat",
    "core.commitgraph",
    "core.compression",
    "core.deltabasecachelimit",
    "core.eol",
    "core.filemode",
    "core.filesreflocktimeout",
    "core.fsync",
    "core.fsyncmethod",
    "core.fsyncobjectfiles",
    "core.ignorecase",
    "core.logallrefupdates",
    "core.loosecompression",
    "core.multipackindex",
    "core.packedgitlimit",
    "core.packedgitwindowsize",
    "core.packedrefstimeout",
    "core.precomposeunicode",
    "core.quotepath",
    "core.repositoryformatversion",
    "core.sharedrepository",
    "core.symlinks",
    "core.trustctime",
    "core.worktree",
    "extensions.noop",
    "extensions.objectformat",
    "extensions.preciousobjects",
    "extensions.worktreeconfig",
    "feature.*",
    "gc.aggressivedepth",
    "gc.aggressivewindow",
    "gc.auto",
    "gc.autodetach",
    "gc.autopacklimit",
    "gc.bigpackthreshold",
    "gc.cruftpacks",
    "gc.packrefs",
    "gc.pruneexpire",
    "gc.reflogexpire",
    "gc.reflogexpireunreachable",
    "gc.writecommitgraph",
    "gcrypt.participants",
    "gcrypt.publish-participants",
    "i18n.*",
    "index.*",
    "init.defaultbranch",
    "maintenance.*",
    "pack.*",
    "receive.deny*",
    "user.*",
];

/// The same of a remote: ours, git's, and those of git-remote-gcrypt.
const HARMLESS_OF_REMOTES: [&str; 13] = [
    "annalsauto",
    "annalsonly",
    "fetch",
    "gcrypt-id",
    "gcrypt-participants",
    "gcrypt-publish-participants",
    "mirror",
    "prune",
    "push",
    "skipdefaultupdate",
    "skipfetchall",
    "tagopt",
    "url",
];

/// Looks at a store's folder before it is opened.
///
/// # Errors
/// [`Error::Untrusted`]: something in it would have git, or us, obey whoever put it there.
pub(super) fn check(folder: &Path) -> Result<(), Error> {
    let check = Check { folder, seen: 0 };
    check.run().map_err(|cause| Error::Untrusted { path: folder.to_owned(), cause })
}

/// Looks at a store's git settings before git talks to a remote with them.
///
/// # Errors
/// [`Error::Untrusted`]: one of them is not known to be harmless.
pub(super) fn check_settings(folder: &Path) -> Result<(), Error> {
    let untrusted = |cause| Error::Untrusted { path: folder.to_owned(), cause };
    let path = folder.join("config");
    let names = names_of(&path).map_err(|error| untrusted(unreadable(error.message())))?;
    match names.iter().find(|name| !is_harmless(name)) {
        None => Ok(()),
        Some(name) => Err(untrusted(format!(
            "its git setting {name} is none that annals obeys in a store: what you want for \
             yourself stands in ~/.gitconfig, and `git config --file {} --unset-all {name}` takes \
             it out here",
            path.display(),
        ))),
    }
}

fn unreadable(cause: &str) -> String {
    format!("its config: {cause}")
}

struct Check<'p> {
    folder: &'p Path,
    seen: usize,
}

impl Check<'_> {
    fn run(mut self) -> Result<(), String> {
        self.walk(Path::new(""))?;
        for name in ELSEWHERE {
            // An empty one says nothing.
            if fs::metadata(self.folder.join(name)).is_ok_and(|it| it.len() > 0) {
                return Err(format!("{name} leads git elsewhere; remove it"));
            }
        }
        self.check_includes()
    }

    /// Looks at what lies in a folder of the store's, and below. Objects are only looked at where
    /// they are read, but the folders that hold them must be folders.
    fn walk(&mut self, inner: &Path) -> Result<(), String> {
        let is_objects = inner.starts_with("objects");
        // Gone meanwhile, or no folder of ours to look into: whoever needs it says so.
        let Ok(entries) = fs::read_dir(self.folder.join(inner)) else { return Ok(()) };
        for entry in entries {
            let read = |error: io::Error| format!("it cannot be looked into: {error}");
            let entry = entry.map_err(read)?;
            let path = inner.join(entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            let shown = path.display();
            self.seen += usize::from(!is_objects);
            if self.seen > MOST_FILES {
                return Err(format!("it holds more than {MOST_FILES} files beside its objects"));
            }
            if UNUSED.iter().any(|name| path.as_os_str() == OsStr::new(name)) {
                continue;
            }
            if kind.is_symlink() {
                return Err(format!("{shown} is a link; put in its place what it leads to"));
            }
            if !kind.is_dir() && !kind.is_file() {
                return Err(format!("{shown} is neither a file nor a folder; remove it"));
            }
            if kind.is_dir() && is_looked_into(&path) {
                self.walk(&path)?;
            }
        }
        Ok(())
    }

    fn check_includes(&self) -> Result<(), String> {
        let path = self.folder.join("config");
        let text = match platform::read_within(&path, CONFIG_BYTES) {
            // Git's own error says what is missing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read.map_err(|error| unreadable(&error.to_string()))?,
        };
        // Before any reader of git's follows it: it may lead to a pipe.
        let bare: Vec<u8> = text.iter().filter(|it| !it.is_ascii_whitespace()).copied().collect();
        if memchr::memmem::find(&bare.to_ascii_lowercase(), b"[include").is_some() {
            return Err("its config includes other files; remove the section include".to_owned());
        }
        names_of(&path).map(drop).map_err(|error| unreadable(error.message()))
    }
}

/// Whether what lies in a folder of the store's is used by its name.
fn is_looked_into(path: &Path) -> bool {
    let mut parts = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    match parts.next().as_deref() {
        Some("objects") => matches!(parts.next().as_deref(), None | Some("info" | "pack")),
        Some(name) => matches!(name, "annals" | "info" | "logs" | "refs"),
        None => true,
    }
}

pub(super) fn names_of(config: &Path) -> Result<Vec<String>, git2::Error> {
    let mut settings = Config::new()?;
    settings.add_file(config, ConfigLevel::Local, false)?;
    let mut names = Vec::new();
    settings.entries(None)?.for_each(|entry| names.extend(entry.name().map(str::to_owned)))?;
    Ok(names)
}

/// Whether git does nothing with a setting but keep files.
fn is_harmless(name: &str) -> bool {
    if let Some((remote, key)) = name.strip_prefix("remote.").and_then(|it| it.rsplit_once('.')) {
        // Git takes an address for the name of a remote first.
        return !remote.contains(['/', ':']) && HARMLESS_OF_REMOTES.contains(&key);
    }
    HARMLESS.iter().any(|known| match known.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => *known == name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(make: &dyn Fn(&Path)) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["annals", "info", "logs", "objects/info", "objects/17", "refs/heads", "hooks"]
        {
            fs::create_dir_all(folder.path().join(name)).expect("a folder is made");
        }
        fs::write(folder.path().join("config"), "[core]\n\tbare = true\n").expect("written");
        check(folder.path()).expect("it is a store's folder");
        make(folder.path());
        match check(folder.path()).and_then(|()| check_settings(folder.path())) {
            Ok(()) => String::new(),
            Err(Error::Untrusted { cause, .. }) => cause,
            Err(other) => unreachable!("{other}"),
        }
    }

    #[test]
    fn settings_that_start_programs_or_lead_elsewhere_are_refused_and_others_are_not() {
        let with =
            |text: &str| told(&|folder| fs::write(folder.join("config"), text).expect("written"));
        for name in [
            "core.fsmonitor",
            "core.hooksPath",
            "core.sshCommand",
            "core.gitProxy",
            "core.askPass",
            "core.pager",
            "core.editor",
            "core.alternateRefsCommand",
            "core.attributesFile",
            "gc.recentObjectsHook",
            "credential.helper",
            "diff.external",
            "filter.x.clean",
            "gpg.program",
            "http.sslVerify",
            "protocol.ext.allow",
            "remote.x.uploadpack",
            "remote.x.receivepack",
            "remote.x.vcs",
            "remote.x.proxy",
            "remote.https://example.com/x.url",
            "url.ext::sh.insteadOf",
            "extensions.partialClone",
            "uploadpack.packObjectsHook",
        ] {
            let (section, key) = name.rsplit_once('.').expect("a section");
            let text = match section.split_once('.') {
                Some((section, part)) => format!("[{section} \"{part}\"]\n{key} = x\n"),
                None => format!("[{section}]\n{key} = x\n"),
            };
            let cause = with(&text);
            let lower = name.to_lowercase();
            assert!(cause.contains(&format!("its git setting {lower} is none")), "{name}: {cause}");
        }
        for text in
            ["[include]\npath = /x", "[INCLUDEIF \"gitdir:/\"]path=/x", "[core][ include]path=x"]
        {
            assert!(with(text).contains("includes other files"), "{text}");
        }
        assert!(with("[core").contains("its config"), "what cannot be read is refused");
        for text in [
            "[user]\nname = Kim\n[gc]\nauto = 0\n",
            "[remote \"home\"]\nurl = /x\nannalsonly = tag:a\nfetch = +refs/heads/*:refs/remotes/home/*",
        ] {
            assert_eq!(with(text), "", "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_pipes_and_ways_to_other_objects_are_refused() {
        use std::os::unix::fs::symlink;
        for name in ["annals/moving-ref", "logs/HEAD", "refs/heads/main", "HEAD", "objects/17/ab"] {
            let cause = told(&|folder| symlink("/nowhere", folder.join(name)).expect("a link"));
            let is_object = name.starts_with("objects/");
            assert_eq!(cause.contains(&format!("{name} is a link")), !is_object, "{name}: {cause}");
        }
        let cause = told(&|folder| {
            fs::rename(folder.join("objects"), folder.join("others")).expect("moved");
            symlink("others", folder.join("objects")).expect("a link");
        });
        assert!(cause.contains("objects is a link"), "{cause}");
        let cause = told(&|folder| {
            let path = folder.join("annals/remotes.json");
            drop(std::os::unix::net::UnixListener::bind(path).expect("a socket"));
        });
        assert!(cause.contains("annals/remotes.json is neither a file nor a folder"), "{cause}");
        for name in ELSEWHERE {
            assert_eq!(told(&|folder| fs::write(folder.join(name), "").expect("written")), "");
            let cause = told(&|folder| fs::write(folder.join(name), "/x\n").expect("written"));
            assert!(cause.contains(&format!("{name} leads git elsewhere")), "{name}: {cause}");
        }
        assert_eq!(told(&|folder| symlink("/x", folder.join("hooks/post-x")).expect("a link")), "");
    }
}
