//! A disk that loses its power: what a command did to a folder, call by call, and what a disk may hold
//! of it that stopped behind any of these calls.
//!
//! Sure is only what was flushed: the bytes of a file by a flush of the file, a name by one of the folder
//! that it stands in (that of the file is not enough), a new folder's own name by one of the folder above.
//! Of all else a [`Loss`] says what is there. That is more than any file system does, and all that they
//! promise.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs;
use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use crate::support::Ran;
use crate::support::fault::Fault;

/// What is lost of what was not flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// All: names and bytes.
    All,
    /// The bytes of files; names are as they were last.
    Bytes,
    /// As before, but files keep their length, with zeros.
    Zeroed,
    /// The latest names, from some moment on, and some bytes.
    Latest(u64),
    /// Any names, whichever came first, and some bytes.
    Any(u64),
}

/// What a command did.
pub(crate) struct Recording {
    pub(crate) ran: Ran,
    /// The disk before.
    pub(crate) disk: Disk,
    pub(crate) calls: Vec<Call>,
}

/// A call that changed something, or made something sure.
#[derive(Debug)]
pub(crate) enum Call {
    Create {
        node: String,
        mode: u32,
        is_cut: bool,
        path: String,
    },
    Write {
        node: String,
        offset: usize,
        bytes: Vec<u8>,
    },
    Size(String, usize),
    Mode(String, u32),
    Folder {
        node: String,
        mode: u32,
        path: String,
    },
    Rename(String, String),
    Link(String, String),
    Symlink(String, String),
    Unlink(String),
    Sync(String),
    SyncAll,
    /// A file is written to through memory.
    Map(String),
    /// The command said something.
    Said(String),
    /// The command itself came to its end; what it started may go on.
    Ended,
}

/// A folder as the running system sees it, and as far as it is sure.
#[derive(Clone)]
pub(crate) struct Disk {
    root: PathBuf,
    /// The part of it that loses nothing: another machine's.
    safe: Option<&'static str>,
    nodes: Vec<Node>,
    /// The nodes by the system's numbers for them, which it uses again.
    numbers: HashMap<String, usize>,
    now: Names,
    sure: Names,
    /// What happened to names since they were sure.
    changes: Vec<Change>,
}

/// The names in each folder.
type Names = HashMap<usize, BTreeMap<String, usize>>;

#[derive(Clone)]
enum Node {
    Folder { mode: u32 },
    Link(String),
    File(Content),
}

#[derive(Clone, Default)]
struct Content {
    now: Rc<Vec<u8>>,
    sure: Rc<Vec<u8>>,
    modes: [u32; 2],
    /// What was written since it was sure.
    written: Vec<Range<usize>>,
    is_unsure: bool,
    /// It was emptied since it was sure.
    is_cut: bool,
}

/// One that happens to names at once.
#[derive(Clone)]
struct Change {
    gone: Option<(usize, String)>,
    new: Option<(usize, String, usize)>,
}

/// What a disk holds after it lost its power.
pub(crate) struct Left(BTreeMap<String, Entry>);

#[derive(PartialEq, Eq, Hash)]
enum Entry {
    Folder(u32),
    Link(String),
    File(u32, Rc<Vec<u8>>),
}

impl Recording {
    /// Runs the command, which changes what is in the folder. `safe`: what is below that name loses
    /// nothing.
    pub(crate) fn of(
        fault: &Fault,
        root: &Path,
        safe: Option<&'static str>,
        command: &Command,
    ) -> Self {
        let root = root.canonicalize().expect("it is there");
        let disk = Disk::read(&root, safe);
        let (ran, report) = fault.record(command);
        Self { ran, disk, calls: parse(&report) }
    }
}

fn parse(mut report: &[u8]) -> Vec<Call> {
    let mut calls = Vec::new();
    while let Some(end) = report.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8(report[..end].to_vec()).expect("it is text");
        report = &report[end + 1..];
        let parts: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| parts[at].parse().expect("a number");
        let mode = |at: usize| u32::from_str_radix(parts[at], 8).expect("a mode");
        let text = |at: usize| parts[at].to_owned();
        let mut bytes = |length: usize| {
            let (bytes, rest) = report.split_at(length);
            report = rest;
            bytes.to_vec()
        };
        calls.push(match parts[0] {
            "create" => {
                let is_cut = parts[3] == "1";
                Call::Create { node: text(1), mode: mode(2), is_cut, path: text(4) }
            }
            "write" => Call::Write { node: text(1), offset: number(2), bytes: bytes(number(3)) },
            "size" => Call::Size(text(1), number(2)),
            "mode" => Call::Mode(text(1), mode(2)),
            "mkdir" => Call::Folder { node: text(1), mode: mode(2), path: text(3) },
            "rename" => Call::Rename(text(1), text(2)),
            "link" => Call::Link(text(1), text(2)),
            "symlink" => Call::Symlink(text(1), text(2)),
            "unlink" => Call::Unlink(text(1)),
            "sync" => Call::Sync(text(1)),
            "syncfs" => Call::SyncAll,
            "map" => Call::Map(text(1)),
            "said" => Call::Said(String::from_utf8(bytes(number(1))).expect("it says text")),
            "ended" => Call::Ended,
            other => panic!("an unknown call: {other}"),
        });
    }
    calls
}

impl Disk {
    fn read(root: &Path, safe: Option<&'static str>) -> Self {
        let mut disk = Self {
            root: root.to_owned(),
            safe,
            nodes: Vec::new(),
            numbers: HashMap::new(),
            now: HashMap::new(),
            sure: HashMap::new(),
            changes: Vec::new(),
        };
        disk.read_node(root);
        disk.sure = disk.now.clone();
        disk
    }

    fn read_node(&mut self, path: &Path) -> usize {
        let metadata = fs::symlink_metadata(path).expect("it is there");
        let mode = metadata.permissions().mode() & 0o7777;
        let number = format!("{:x}:{:x}", metadata.dev(), metadata.ino());
        if metadata.is_dir() {
            let folder = self.add(&number, Node::Folder { mode });
            for entry in fs::read_dir(path).expect("it is readable") {
                let entry = entry.expect("an entry");
                let node = self.read_node(&entry.path());
                let name = entry.file_name().into_string().expect("a name in UTF-8");
                self.now.entry(folder).or_default().insert(name, node);
            }
            return folder;
        }
        if metadata.is_symlink() {
            let target = fs::read_link(path).expect("it is a link").display().to_string();
            return self.add(&number, Node::Link(target));
        }
        let bytes = Rc::new(fs::read(path).expect("it is readable"));
        let modes = [mode, mode];
        let content = Content { now: bytes.clone(), sure: bytes, modes, ..Content::default() };
        self.add(&number, Node::File(content))
    }

    fn add(&mut self, number: &str, node: Node) -> usize {
        self.nodes.push(node);
        self.numbers.insert(number.to_owned(), self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    /// The folder of a path, and its name there; none: it is elsewhere.
    fn place(&self, path: &str) -> Option<(usize, String)> {
        let inner = Path::new(path).strip_prefix(&self.root).ok()?;
        let name = inner.file_name()?.to_str()?.to_owned();
        let mut folder = 0;
        for part in inner.parent()? {
            let part = part.to_str()?;
            let found = self.node_at(&(folder, part.to_owned()));
            folder = found.unwrap_or_else(|| panic!("{path}: {part} is not known"));
        }
        Some((folder, name))
    }

    fn node_at(&self, place: &(usize, String)) -> Option<usize> {
        self.now.get(&place.0)?.get(&place.1).copied()
    }

    /// Whether a path is where nothing is lost.
    fn is_safe(&self, path: &str) -> bool {
        let inner = Path::new(path).strip_prefix(&self.root);
        inner.is_ok_and(|inner| self.safe.is_some_and(|safe| inner.starts_with(safe)))
    }

    /// Does what a call did.
    pub(crate) fn apply(&mut self, call: &Call) {
        match call {
            Call::Create { node, mode, is_cut, path } => self.create(node, *mode, *is_cut, path),
            Call::Folder { node, mode, path } => {
                if let Some((folder, name)) = self.place(path) {
                    let node = self.add(node, Node::Folder { mode: *mode });
                    self.change(path, Change { gone: None, new: Some((folder, name, node)) });
                }
            }
            Call::Symlink(target, path) => {
                if let Some((folder, name)) = self.place(path) {
                    let node = self.add("", Node::Link(target.clone()));
                    self.change(path, Change { gone: None, new: Some((folder, name, node)) });
                }
            }
            Call::Rename(from, to) => self.name(from, to, true),
            Call::Link(from, to) => self.name(from, to, false),
            Call::Unlink(path) => {
                let place = self.place(path);
                self.change(path, Change { gone: place, new: None });
            }
            Call::Write { node, offset, bytes } => self.edit(node, |content| {
                let (now, end) = (Rc::make_mut(&mut content.now), offset + bytes.len());
                now.resize(now.len().max(end), 0);
                now[*offset..end].copy_from_slice(bytes);
                content.written.push(*offset..end);
            }),
            Call::Size(node, length) => self.edit(node, |content| {
                let old = content.now.len();
                Rc::make_mut(&mut content.now).resize(*length, 0);
                content.written.push(old.min(*length)..*length);
            }),
            Call::Mode(node, mode) => self.edit(node, |content| content.modes[0] = *mode),
            Call::Sync(number) => {
                if let Some(node) = self.numbers.get(number).copied() {
                    self.sync(node);
                }
            }
            Call::SyncAll => {
                for change in std::mem::take(&mut self.changes) {
                    change.apply(&mut self.sure);
                }
                self.nodes.iter_mut().for_each(Node::sync);
            }
            Call::Map(path) => {
                let is_known = self.place(path).is_none() || path.ends_with("-shm");
                assert!(is_known, "what is written through memory is not recorded: {path}");
            }
            Call::Said(_) | Call::Ended => {}
        }
    }

    fn create(&mut self, number: &str, mode: u32, is_cut: bool, path: &str) {
        let Some(place) = self.place(path) else {
            // Its number may have been that of a file here.
            self.numbers.remove(number);
            return;
        };
        if self.node_at(&place).is_none() {
            let modes = [mode, mode];
            let node = self.add(number, Node::File(Content { modes, ..Content::default() }));
            self.change(path, Change { gone: None, new: Some((place.0, place.1, node)) });
            return;
        }
        let known = self.numbers.get(number).copied();
        assert_eq!(known, self.node_at(&place), "it came there unseen: {path}");
        if is_cut {
            self.edit(number, |content| {
                content.now = Rc::default();
                content.is_cut = true;
            });
        }
    }

    fn name(&mut self, from: &str, to: &str, is_moved: bool) {
        let (old, new) = (self.place(from), self.place(to));
        let node = old.as_ref().and_then(|old| self.node_at(old));
        assert!(node.is_some() || new.is_none(), "it comes from elsewhere: {from}");
        let new = new.zip(node).map(|((folder, name), node)| (folder, name, node));
        self.change(to, Change { gone: old.filter(|_| is_moved), new });
    }

    fn change(&mut self, path: &str, change: Change) {
        change.apply(&mut self.now);
        if self.is_safe(path) {
            change.apply(&mut self.sure);
        } else {
            self.changes.push(change);
        }
    }

    fn edit(&mut self, number: &str, edit: impl FnOnce(&mut Content)) {
        let node = self.numbers.get(number).copied();
        let Some(Node::File(content)) = node.map(|it| &mut self.nodes[it]) else { return };
        content.is_unsure = true;
        edit(content);
    }

    fn sync(&mut self, node: usize) {
        self.nodes[node].sync();
        let mut left = Vec::new();
        for change in std::mem::take(&mut self.changes) {
            if change.is_in(node) {
                change.apply(&mut self.sure);
            } else {
                left.push(change);
            }
        }
        self.changes = left;
    }

    /// What is there when the power goes now.
    pub(crate) fn left(&self, loss: Loss) -> Left {
        let mut dice = match loss {
            Loss::Latest(seed) | Loss::Any(seed) => Dice(seed),
            _ => Dice(0),
        };
        let mut names = self.sure.clone();
        let cut = dice.below(self.changes.len() + 1);
        for (at, change) in self.changes.iter().enumerate() {
            let is_there = match loss {
                Loss::All => false,
                Loss::Bytes | Loss::Zeroed => true,
                Loss::Latest(_) => at < cut,
                Loss::Any(_) => dice.below(2) == 0,
            };
            if is_there {
                change.apply(&mut names);
            }
        }
        let mut left = BTreeMap::new();
        self.collect(&names, loss, &mut dice, (0, ""), &mut left);
        Left(left)
    }

    fn collect(
        &self,
        names: &Names,
        loss: Loss,
        dice: &mut Dice,
        (folder, path): (usize, &str),
        left: &mut BTreeMap<String, Entry>,
    ) {
        for (name, node) in names.get(&folder).into_iter().flatten() {
            let path = format!("{path}{name}");
            match &self.nodes[*node] {
                Node::Folder { mode } => {
                    left.insert(path.clone(), Entry::Folder(*mode));
                    self.collect(names, loss, dice, (*node, &format!("{path}/")), left);
                }
                Node::Link(target) => drop(left.insert(path, Entry::Link(target.clone()))),
                Node::File(content) => {
                    let full = self.root.join(&path);
                    let entry = if self.is_safe(&full.to_string_lossy()) {
                        Entry::File(content.modes[0], content.now.clone())
                    } else {
                        content.left(loss, dice)
                    };
                    left.insert(path, entry);
                }
            }
        }
    }
}

impl Change {
    fn is_in(&self, folder: usize) -> bool {
        self.gone.as_ref().is_some_and(|(it, _)| *it == folder)
            || self.new.as_ref().is_some_and(|(it, ..)| *it == folder)
    }

    fn apply(&self, names: &mut Names) {
        if let Some((folder, name)) = &self.gone {
            names.entry(*folder).or_default().remove(name);
        }
        if let Some((folder, name, node)) = &self.new {
            names.entry(*folder).or_default().insert(name.clone(), *node);
        }
    }
}

impl Node {
    fn sync(&mut self) {
        if let Self::File(content) = self {
            content.sure = content.now.clone();
            content.modes[1] = content.modes[0];
            content.written.clear();
            content.is_unsure = false;
            content.is_cut = false;
        }
    }
}

impl Content {
    fn left(&self, loss: Loss, dice: &mut Dice) -> Entry {
        let [now, sure] = self.modes;
        if !self.is_unsure {
            return Entry::File(now, self.now.clone());
        }
        match loss {
            Loss::All | Loss::Bytes => Entry::File(sure, self.sure.clone()),
            Loss::Zeroed => Entry::File(now, Rc::new(self.zeroed(&mut |_| true))),
            Loss::Latest(_) | Loss::Any(_) => match dice.below(5) {
                1 if self.is_cut => Entry::File(now, Rc::default()),
                0 | 1 => Entry::File(sure, self.sure.clone()),
                2 => Entry::File(now, self.now.clone()),
                3 => Entry::File(now, Rc::new(self.zeroed(&mut |_| true))),
                _ => Entry::File(now, Rc::new(self.zeroed(&mut |_| dice.below(2) == 0))),
            },
        }
    }

    /// As it is now, but with zeros for what was written, sector by sector as `is_lost` says.
    fn zeroed(&self, is_lost: &mut dyn FnMut(usize) -> bool) -> Vec<u8> {
        const SECTOR: usize = 512;
        let mut bytes = Vec::clone(&self.now);
        for range in &self.written {
            let end = range.end.min(bytes.len());
            let mut at = range.start;
            while at < end {
                let next = (at / SECTOR + 1) * SECTOR;
                if is_lost(at) {
                    bytes[at..end.min(next)].fill(0);
                }
                at = next;
            }
        }
        bytes
    }
}

impl Left {
    /// What tells it from another.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    /// Lays it down in a folder, which it becomes the only content of. Files keep the times that they
    /// have in `from` where they are as there.
    pub(crate) fn lay_down(&self, root: &Path, from: &Path) {
        for entry in fs::read_dir(root).expect("it is readable") {
            let path = entry.expect("an entry").path();
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.expect("it can be removed");
        }
        for (name, entry) in &self.0 {
            let path = root.join(name);
            match entry {
                Entry::Folder(mode) => {
                    fs::create_dir(&path).expect("a folder is made");
                    set_mode(&path, *mode);
                }
                Entry::Link(target) => {
                    std::os::unix::fs::symlink(target, &path).expect("a link is made");
                }
                Entry::File(mode, bytes) => {
                    fs::write(&path, &**bytes).expect("it is written");
                    set_mode(&path, *mode);
                    let old = from.join(name);
                    if fs::read(&old).is_ok_and(|old| old == **bytes) {
                        let time = fs::metadata(&old).and_then(|it| it.modified());
                        let file = fs::File::open(&path).expect("it opens");
                        file.set_modified(time.expect("a time")).expect("it takes a time");
                    }
                }
            }
        }
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it takes a mode");
}

/// Numbers that look as if they came by chance, and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).expect("it is below a limit")
    }
}
