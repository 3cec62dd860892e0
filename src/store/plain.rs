//! A repository that the git program works in by itself: somebody's clone of a store, or the store
//! when others push to it.
//!
//! Where things lie in it is asked of git, with the user's settings and, in a hook, with the
//! environment that git made for it: so linked worktrees, bare repositories, another index and the
//! place where a push arrives are what git says they are. Nothing of it is moved but the index and
//! the files of the work tree, by git, and HEAD, where a hook mends the merge that was just made.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use git2::ObjectType;

use crate::format::ScrubRecord;
use crate::session::RevisionId;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::git;
use crate::store::layout::MARKER;
use crate::store::layout::SESSIONS;
use crate::store::layout::TOMBSTONES;
use crate::store::layout::Tree;
use crate::store::refs::object_id;

/// How many tags may lead one to another.
const TAG_DEPTH: usize = 8;

/// A repository that git works in.
#[derive(Debug)]
pub struct PlainRepository {
    /// Where git is called.
    folder: PathBuf,
    /// Whether git called this process there: it is called with what it said then.
    is_caller: bool,
    common: PathBuf,
    objects: PathBuf,
    top: Option<PathBuf>,
}

impl PlainRepository {
    /// The repository that a folder lies in.
    ///
    /// # Errors
    /// [`Error::Program`]: it lies in none, or git does not trust its owner.
    pub fn of_folder(folder: &Path) -> Result<Self, Error> {
        if !folder.is_dir() {
            let doing = format!("looking for a repository at {}", folder.display());
            return Err(Error::Program { doing, cause: "there is no such folder".into() });
        }
        let mut found = Self::found(folder, false)?;
        let mut command = found.git();
        command.args(["rev-parse", "--is-bare-repository"]);
        let doing = format!("looking for a repository at {}", folder.display());
        if found.top.is_none() && !said(command, &doing)?.starts_with(b"true") {
            let cause = "it is the inside of a git folder; name the work tree".into();
            return Err(Error::Program { doing, cause });
        }
        found.folder = found.top.clone().unwrap_or_else(|| found.common.clone());
        Ok(found)
    }

    /// The repository that git calls this process for, in the folder `current`.
    ///
    /// # Errors
    /// [`Error::Program`]: it was not git who called it, and the folder lies in none.
    pub fn of_caller(current: &Path) -> Result<Self, Error> {
        Self::found(current, true)
    }

    fn found(folder: &Path, is_caller: bool) -> Result<Self, Error> {
        let mut found = Self {
            folder: folder.to_owned(),
            is_caller,
            common: PathBuf::new(),
            objects: PathBuf::new(),
            top: None,
        };
        let doing = format!("looking for a repository at {}", folder.display());
        found.common = found.path(&["--git-common-dir"], &doing)?;
        found.objects = found.path(&["--git-path", "objects"], &doing)?;
        found.top = found.path(&["--show-toplevel"], &doing).ok();
        Ok(found)
    }

    /// A path that git knows.
    fn path(&self, which: &[&str], doing: &str) -> Result<PathBuf, Error> {
        let mut command = self.git();
        command.args(["rev-parse", "--path-format=absolute"]).args(which);
        Ok(path_of(said(command, doing)?))
    }

    /// Its folder; of linked worktrees the one that they share.
    pub fn common_folder(&self) -> &Path {
        &self.common
    }

    /// The top of its work tree; none: it is bare.
    pub fn top(&self) -> Option<&Path> {
        self.top.as_deref()
    }

    /// Where git looks for hooks.
    pub fn hooks_folder(&self) -> Result<PathBuf, Error> {
        self.path(&["--git-path", "hooks"], "asking where the hooks lie")
    }

    /// The value of a setting, as git takes it here.
    pub fn setting(&self, name: &str) -> Option<String> {
        let mut command = self.git();
        command.args(["config", "--get", name]);
        let value = said(command, "reading the settings").ok()?;
        Some(String::from_utf8_lossy(&value).trim_end_matches('\n').to_owned())
    }

    /// Its history, to read it and to make objects.
    pub fn store(&self) -> Result<Store, Error> {
        Store::open_plain(&self.common, &self.objects)
    }

    /// Whether it has a store's history, or none at all yet.
    pub fn is_store_or_empty(&self) -> bool {
        let has_marker = |name: &str| {
            let mut command = self.git();
            command.args(["cat-file", "-e", &format!("{name}:{MARKER}")]);
            said(command, "looking for the marker").is_ok()
        };
        ["HEAD", "refs/heads/main"].into_iter().any(has_marker) || self.find("HEAD").is_none()
    }

    /// The commit that a name stands for; none: there is none of that name.
    pub fn find(&self, name: &str) -> Option<RevisionId> {
        let mut command = self.git();
        command.args(["rev-parse", "--quiet", "--verify", "--end-of-options"]);
        command.arg(format!("{name}^{{commit}}"));
        let id = said(command, "looking for a revision").ok()?;
        RevisionId::parse(String::from_utf8_lossy(&id).trim())
    }

    /// The commits that `new` lead to and `known` do not, oldest first. `known`: revisions, or
    /// what git takes in their place: `--all`, `--remotes=NAME`.
    pub fn commits_between(
        &self,
        new: &[RevisionId],
        known: &[String],
    ) -> Result<Vec<RevisionId>, Error> {
        let mut command = self.git();
        command.args(["rev-list", "--reverse", "--topo-order"]);
        command.args(new.iter().map(RevisionId::as_str)).arg("--not").args(known);
        let ids = said(command, "listing what is new")?;
        let ids = String::from_utf8_lossy(&ids).into_owned();
        Ok(ids.lines().filter_map(RevisionId::parse).collect())
    }

    /// Whether one revision is among the ancestors of another.
    pub fn is_ancestor(&self, old: &RevisionId, new: &RevisionId) -> bool {
        let mut command = self.git();
        command.args(["merge-base", "--is-ancestor", old.as_str(), new.as_str()]);
        said(command, "comparing two revisions").is_ok()
    }

    /// The top folder of what is staged, as the next commit would have it.
    pub fn staged(&self) -> Result<ObjectId, Error> {
        let mut command = self.git();
        command.arg("write-tree");
        tree_of(&said(command, "reading what is staged")?)
    }

    /// Brings index and work tree from one top folder to another. What is changed there and would
    /// be lost keeps it from happening.
    pub fn check_out(&self, from: ObjectId, to: ObjectId) -> Result<(), Error> {
        let mut command = self.git();
        let (from, to) = (from.to_string(), to.to_string());
        command.args(["read-tree", "-m", "-u", &from, &to]);
        said(command, "putting the merged sessions in place").map(drop)
    }

    /// Has HEAD lead to the same commit as `old`, but with that top folder, if it still leads to
    /// `old`. A signature would no longer be true, and goes.
    pub fn amend(&self, store: &Store, old: &RevisionId, tree: ObjectId) -> Result<(), Error> {
        let what = format!("the commit {old}");
        let bytes = store.read(object_id(old), ObjectType::Commit, &what)?;
        let doing = "making the merge whole";
        let mut command = self.git();
        command.args(["hash-object", "-w", "-t", "commit", "--stdin"]);
        let id = answer(command, &with_tree(&bytes, tree), doing)?;
        let mut command = self.git();
        let id = String::from_utf8_lossy(&id).trim().to_owned();
        command.args(["update-ref", "-m", "annals: sessions merged whole", "HEAD"]);
        command.args([&id, old.as_str()]);
        said(command, doing).map(drop)
    }

    fn git(&self) -> Command {
        let mut command = Command::new("git");
        if !self.is_caller {
            git::leave_repositories(&mut command);
        }
        command.arg("-C").arg(&self.folder);
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command
    }
}

impl Store {
    /// The top folder of a revision.
    pub fn top_folder(&self, at: &RevisionId) -> Result<ObjectId, Error> {
        Ok(ObjectId(self.read_commit(object_id(at))?.tree))
    }

    /// The revisions that `new` says were scrubbed, and `old` does not.
    pub fn scrubbed_since(
        &self,
        old: &RevisionId,
        new: &RevisionId,
    ) -> Result<Vec<RevisionId>, Error> {
        let (old, new) = (self.marker_at(old)?.scrubs, self.marker_at(new)?.scrubs);
        let is_more = |scrub: &ScrubRecord| !old.contains(scrub);
        Ok(new.into_iter().filter(is_more).map(|scrub| scrub.from).collect())
    }

    /// What a revision says of itself.
    pub fn message(&self, at: &RevisionId) -> Result<String, Error> {
        let bytes = self.read(object_id(at), ObjectType::Commit, &at.short())?;
        let start = memchr::memmem::find(&bytes, b"\n\n").map_or(bytes.len(), |end| end + 2);
        Ok(String::from_utf8_lossy(&bytes[start..]).into_owned())
    }

    /// What the tags say that lead from the object `id` to its commit; nothing: it is no tag.
    pub fn tag_texts(&self, id: &str) -> Result<Vec<String>, Error> {
        let (mut texts, mut next) = (Vec::new(), ObjectId::parse(id));
        while let Some(ObjectId(id)) = next.filter(|_| texts.len() < TAG_DEPTH) {
            let header = self.odb()?.read_header(id);
            if !header.is_ok_and(|(_, kind)| kind == ObjectType::Tag) {
                break;
            }
            let text = self.read(id, ObjectType::Tag, &"a tag")?;
            let text = String::from_utf8_lossy(&text).into_owned();
            let object = text.lines().find_map(|line| line.strip_prefix("object "));
            next = object.and_then(ObjectId::parse);
            texts.push(text);
        }
        Ok(texts)
    }

    /// Whether a top folder is that of a store.
    pub fn is_store_folder(&self, root: ObjectId) -> Result<bool, Error> {
        let root = self.read_tree(root.0, &"the top folder")?;
        Ok(matches!(root.file(MARKER), Ok(Some(_))))
    }

    /// The bytes of a file in the top folder `root`; none: there is no such file.
    pub fn bytes_at(&self, root: ObjectId, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let mut folder = root.0;
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            match self.read_tree(folder, &path)?.folder(part) {
                Ok(Some(id)) => folder = id,
                _ => return Ok(None),
            }
        }
        match self.read_tree(folder, &path)?.file(name) {
            Ok(Some(id)) => self.read(id, ObjectType::Blob, &path).map(Some),
            _ => Ok(None),
        }
    }

    /// A top folder with the sessions, tombstones and marker of another one, and the rest as it is.
    pub fn with_sessions_of(&self, root: ObjectId, from: ObjectId) -> Result<ObjectId, Error> {
        let mut top = Tree::clone(&*self.read_tree(root.0, &"the top folder")?);
        let from = self.read_tree(from.0, &"the top folder")?;
        for name in [SESSIONS, TOMBSTONES, MARKER] {
            match from.iter().find(|entry| *entry.name == *name.as_bytes()) {
                Some(entry) if entry.is_folder() => top.set_folder(name, entry.id),
                Some(entry) => top.set_file(name, entry.id),
                None => top.remove(name),
            }
        }
        let mut batch = self.batch();
        let id = batch.put_tree(&top)?;
        batch.flush()?;
        Ok(ObjectId(id))
    }
}

/// A commit with another top folder, and without its signature.
fn with_tree(commit: &[u8], tree: ObjectId) -> Vec<u8> {
    let end = memchr::memmem::find(commit, b"\n\n").unwrap_or(commit.len());
    let (header, message) = commit.split_at(end);
    let mut new = format!("tree {tree}").into_bytes();
    let mut is_signature = false;
    for line in header.split(|byte| *byte == b'\n').skip(1) {
        is_signature = line.starts_with(b"gpgsig") || is_signature && line.starts_with(b" ");
        if !is_signature {
            new.push(b'\n');
            new.extend_from_slice(line);
        }
    }
    new.extend_from_slice(message);
    new
}

fn tree_of(said: &[u8]) -> Result<ObjectId, Error> {
    let text = String::from_utf8_lossy(said);
    ObjectId::parse(text.trim()).ok_or_else(|| Error::Program {
        doing: "reading what git said".into(),
        cause: format!("{:?} is no id of a folder", text.trim()),
    })
}

/// What git says on its standard output.
fn said(command: Command, doing: &str) -> Result<Vec<u8>, Error> {
    answer(command, &[], doing)
}

/// The same, of a git that is told something.
fn answer(mut command: Command, input: &[u8], doing: &str) -> Result<Vec<u8>, Error> {
    let failed = |cause: String| Error::Program { doing: doing.to_owned(), cause };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(git::not_started(&error)))?;
    let mut stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // Git may answer before it has read all; one that wants no input may be gone already.
        scope.spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(input)));
        child.wait_with_output()
    });
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(git::complaint(&output)))
}

/// A path that git printed, with the line end that it put behind it.
fn path_of(mut said: Vec<u8>) -> PathBuf {
    said.pop_if(|byte| *byte == b'\n');
    #[cfg(unix)]
    let path = <OsString as std::os::unix::ffi::OsStringExt>::from_vec(said);
    #[cfg(not(unix))]
    let path = OsString::from(String::from_utf8_lossy(&said).into_owned());
    PathBuf::from(OsStr::new(&path))
}
