//! Bundles made by hand, byte by byte, also such as no program would make.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha1_smol::Sha1;

/// The id of an object.
pub(crate) type Id = [u8; 20];

pub(crate) const COMMIT: u8 = 1;
pub(crate) const TREE: u8 = 2;
pub(crate) const BLOB: u8 = 3;
pub(crate) const TAG: u8 = 4;

/// A pack in the making.
#[derive(Default, Clone)]
pub(crate) struct Pack {
    entries: Vec<u8>,
    count: u32,
    seen: Vec<Id>,
}

impl Pack {
    /// Adds an object, unless it is there.
    pub(crate) fn add(&mut self, kind: u8, bytes: &[u8]) -> Id {
        let id = id_of(kind, bytes);
        if !self.seen.contains(&id) {
            self.seen.push(id);
            self.entry(kind, bytes.len(), &[], &deflated(bytes));
        }
        id
    }

    /// Adds an entry as given: what it says to be, and what follows.
    pub(crate) fn entry(&mut self, kind: u8, size: usize, base: &[u8], rest: &[u8]) {
        let mut byte = kind << 4 | u8::try_from(size & 15).expect("4 bits");
        let mut left = size >> 4;
        while left > 0 {
            self.entries.push(byte | 0x80);
            byte = u8::try_from(left & 0x7f).expect("7 bits");
            left >>= 7;
        }
        self.entries.push(byte);
        self.entries.extend_from_slice(base);
        self.entries.extend_from_slice(rest);
        self.count += 1;
    }

    /// How many bytes of entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The pack.
    pub(crate) fn finish(&self) -> Vec<u8> {
        self.finish_with(self.count)
    }

    /// The pack, saying that it has `count` objects.
    pub(crate) fn finish_with(&self, count: u32) -> Vec<u8> {
        let mut pack = b"PACK\0\0\0\x02".to_vec();
        pack.extend_from_slice(&count.to_be_bytes());
        pack.extend_from_slice(&self.entries);
        let checksum = Sha1::from(&pack).digest().bytes();
        pack.extend_from_slice(&checksum);
        pack
    }

    /// The bundle of it, with one commit as main.
    pub(crate) fn bundle(&self, tip: Id) -> Vec<u8> {
        let tip = hex(&tip);
        let header = format!("# v2 git bundle\n{tip} refs/heads/main\n{tip} HEAD\n\n");
        self.with_header(&header)
    }

    pub(crate) fn with_header(&self, header: &str) -> Vec<u8> {
        let mut bundle = header.as_bytes().to_vec();
        bundle.extend_from_slice(&self.finish());
        bundle
    }
}

/// An entry of a folder.
pub(crate) type TreeEntry = (&'static str, Vec<u8>, Id);

/// The files of a bundle, by path, and what else stands in its folders.
#[derive(Default, Clone)]
pub(crate) struct Forge {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Entries that are put into the folder of that path, in this order, at its end.
    pub(crate) extra: Vec<(String, TreeEntry)>,
    /// Modes of files that are not plain ones.
    pub(crate) modes: BTreeMap<String, &'static str>,
    /// What stands between the tree and the author of the commit.
    pub(crate) parents: String,
}

impl Forge {
    /// The files of a repository's main.
    pub(crate) fn of(repository: &Path) -> Self {
        let git = |args: &[&str]| {
            let output = Command::new("git").arg("-C").arg(repository).args(args).output();
            output.expect("git runs").stdout
        };
        let names = git(&["ls-tree", "-r", "--name-only", "main"]);
        let mut forge = Self::default();
        for name in String::from_utf8(names).expect("names").lines() {
            let bytes = git(&["cat-file", "blob", &format!("main:{name}")]);
            forge.files.insert(name.to_owned(), bytes);
        }
        forge
    }

    /// A file changed.
    pub(crate) fn with(mut self, path: &str, bytes: &[u8]) -> Self {
        self.files.insert(path.to_owned(), bytes.to_vec());
        self
    }

    /// An entry more in a folder.
    pub(crate) fn and(mut self, folder: &str, mode: &'static str, name: &[u8], id: Id) -> Self {
        self.extra.push((folder.to_owned(), (mode, name.to_vec(), id)));
        self
    }

    /// The path of the one that ends so.
    pub(crate) fn path(&self, end: &str) -> String {
        self.files.keys().find(|path| path.ends_with(end)).expect("it is there").clone()
    }

    /// The bundle.
    pub(crate) fn bundle(&self) -> Vec<u8> {
        let mut pack = Pack::default();
        let tip = self.commit(&mut pack);
        pack.bundle(tip)
    }

    /// Puts all objects into a pack.
    pub(crate) fn commit(&self, pack: &mut Pack) -> Id {
        let tree = hex(&self.tree("", pack));
        let who = "annals <annals@localhost> 1770000000 +0000";
        let parents = &self.parents;
        let text = format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\nshare: x\n");
        pack.add(COMMIT, text.as_bytes())
    }

    fn tree(&self, folder: &str, pack: &mut Pack) -> Id {
        let mut entries: Vec<TreeEntry> = Vec::new();
        for (path, bytes) in &self.files {
            let Some(rest) = path.strip_prefix(folder) else { continue };
            if let Some((name, _)) = rest.split_once('/') {
                if !entries.iter().any(|(_, known, _)| known == name.as_bytes()) {
                    let id = self.tree(&format!("{folder}{name}/"), pack);
                    entries.push(("40000", name.as_bytes().to_vec(), id));
                }
            } else {
                let mode = self.modes.get(path).copied().unwrap_or("100644");
                entries.push((mode, rest.as_bytes().to_vec(), pack.add(BLOB, bytes)));
            }
        }
        entries.sort_by_key(|(mode, name, _)| {
            let end: &[u8] = if *mode == "40000" { b"/" } else { b"" };
            [name.as_slice(), end].concat()
        });
        for (place, entry) in &self.extra {
            if *place == folder {
                entries.push(entry.clone());
            }
        }
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(&name);
            bytes.push(0);
            bytes.extend_from_slice(&id);
        }
        pack.add(TREE, &bytes)
    }
}

pub(crate) fn id_of(kind: u8, bytes: &[u8]) -> Id {
    Sha1::from(with_header(kind, bytes)).digest().bytes()
}

/// The file of an object that lies by itself.
pub(crate) fn loose(kind: u8, bytes: &[u8]) -> Vec<u8> {
    deflated(&with_header(kind, bytes))
}

fn with_header(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let kind = ["", "commit", "tree", "blob", "tag"][usize::from(kind)];
    let mut object = format!("{kind} {}\0", bytes.len()).into_bytes();
    object.extend_from_slice(bytes);
    object
}

pub(crate) fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

pub(crate) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}
