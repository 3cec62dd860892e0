//! Names and trees: where things lie in a revision, and git's form of a folder.
//!
//! Only the names made here are ever written or looked for. A tree that came from elsewhere may
//! hold other entries: they stay where they are, byte for byte, and are never read; but a session's
//! own folder is made anew by each save of it, and its folder of messages holds nothing else. An
//! entry with one of our names but another mode than a plain file's or folder's is refused.

use std::cmp::Ordering;
use std::str::FromStr;

use git2::Oid;

use crate::session::SessionId;

pub(super) const MARKER: &str = "annals.yaml";
pub(super) const ATTRIBUTES: &str = ".gitattributes";
pub(super) const README: &str = "README.md";
pub(super) const SESSIONS: &str = "sessions";
pub(super) const TOMBSTONES: &str = "tombstones";
pub(super) const HEAD: &str = "session.yaml";
pub(super) const MESSAGES: &str = "messages";
pub(super) const FILES: &str = "files";

const FILE_MODE: u32 = 0o100_644;
const FOLDER_MODE: u32 = 0o040_000;
const SUBMODULE_MODE: u32 = 0o160_000;
const LINK_MODE: u32 = 0o120_000;

/// The name of a session's chunk. The id's last digits stand in it because git looks for
/// deltas among files with equal names: packs are 2.8 times smaller with them.
pub(super) fn chunk_name(id: SessionId, number: u32) -> String {
    format!("{}-{number:06}.yaml", id.short())
}

/// The number in the name of a session's chunk.
pub(super) fn chunk_number(id: SessionId, name: &[u8]) -> Option<u32> {
    let name = std::str::from_utf8(name).ok()?;
    let digits = name.strip_prefix(&id.short())?.strip_prefix('-')?.strip_suffix(".yaml")?;
    let number = digits.parse().ok()?;
    (chunk_name(id, number) == name).then_some(number)
}

/// The name of a session's tombstone within its folder.
pub(super) fn tombstone_name(id: SessionId) -> String {
    format!("{id}.yaml")
}

/// Whether the folders of sessions may lie in one of this name.
pub(super) fn is_shard(name: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    name.len() == 2 && name.iter().all(is_digit)
}

/// The session whose folder has this name in the folder `shard`.
pub(super) fn session_of(shard: &[u8], name: &[u8]) -> Option<SessionId> {
    let name = std::str::from_utf8(name).ok()?;
    let id = SessionId::from_str(name).ok()?;
    (id.to_string() == name && id.shard().as_bytes() == shard).then_some(id)
}

/// The name of a session's file in an older schema.
pub(super) fn older_name(id: SessionId) -> String {
    format!("{id}.yaml")
}

/// The session whose file in an older schema has this name.
pub(super) fn older_session_of(name: &[u8]) -> Option<SessionId> {
    let stem = std::str::from_utf8(name).ok()?.strip_suffix(".yaml")?;
    let id = SessionId::from_str(stem).ok()?;
    (id.to_string() == stem).then_some(id)
}

/// Whether a large payload may have this name: digits and lower-case letters, one point.
pub(super) fn is_file_name(name: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
    };
    name.len() <= 100
        && name.split_once('.').is_some_and(|(stem, end)| is_plain(stem) && is_plain(end))
}

/// What lies in a folder, in git's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tree {
    entries: Vec<Entry>,
    /// Whether the entries do not stand in git's order: then none is where it is looked for.
    is_jumbled: bool,
}

/// A file or folder in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    mode: u32,
    pub(super) name: Box<[u8]>,
    pub(super) id: Oid,
}

impl Entry {
    pub(super) fn is_folder(&self) -> bool {
        self.mode == FOLDER_MODE
    }

    pub(super) fn is_file(&self) -> bool {
        self.mode == FILE_MODE
    }

    /// Whether it is another repository, of which only a name is kept here.
    pub(super) fn is_submodule(&self) -> bool {
        self.mode == SUBMODULE_MODE
    }

    /// Whether it is a symbolic link.
    pub(super) fn is_link(&self) -> bool {
        self.mode == LINK_MODE
    }

    /// Git sorts a folder as if its name ended in a slash.
    fn order(&self, other: &Self) -> Ordering {
        self.order_to(&other.name, other.end())
    }

    fn order_to(&self, name: &[u8], end: &[u8]) -> Ordering {
        self.name.iter().chain(self.end()).cmp(name.iter().chain(end))
    }

    fn end(&self) -> &'static [u8] {
        if self.is_folder() { b"/" } else { b"" }
    }
}

impl Tree {
    /// Reads git's form of a tree; says what is wrong with it otherwise.
    pub(super) fn parse(mut bytes: &[u8]) -> Result<Self, String> {
        let mut entries = Vec::with_capacity(bytes.len() / 32);
        while !bytes.is_empty() {
            let (entry, rest) = parse_entry(bytes).ok_or("it is no list of files")?;
            entries.push(entry);
            bytes = rest;
        }
        let is_jumbled = !entries.is_sorted_by(|a: &Entry, b| a.order(b).is_lt());
        Ok(Self { entries, is_jumbled })
    }

    /// Git's form of it.
    pub(super) fn render(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.entries.len() * 64);
        for entry in &self.entries {
            bytes.extend_from_slice(format!("{:o} ", entry.mode).as_bytes());
            bytes.extend_from_slice(&entry.name);
            bytes.push(0);
            bytes.extend_from_slice(entry.id.as_bytes());
        }
        bytes
    }

    /// Whether the entries stand in git's order, each name once.
    pub(super) fn is_ordered(&self) -> bool {
        let names: std::collections::BTreeSet<_> = self.entries.iter().map(|it| &it.name).collect();
        names.len() == self.len() && !self.is_jumbled
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// The file of that name.
    pub(super) fn file(&self, name: &str) -> Result<Option<Oid>, String> {
        self.find(name, FILE_MODE)
    }

    /// The folder of that name.
    pub(super) fn folder(&self, name: &str) -> Result<Option<Oid>, String> {
        self.find(name, FOLDER_MODE)
    }

    pub(super) fn set_file(&mut self, name: &str, id: Oid) {
        self.set(name, FILE_MODE, id);
    }

    pub(super) fn set_folder(&mut self, name: &str, id: Oid) {
        self.set(name, FOLDER_MODE, id);
    }

    /// The same entries, each leading to what `map` makes of it; those without go.
    pub(super) fn try_map<E>(
        &self,
        mut map: impl FnMut(&Entry) -> Result<Option<Oid>, E>,
    ) -> Result<Self, E> {
        let mut entries = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            if let Some(id) = map(entry)? {
                entries.push(Entry { id, ..entry.clone() });
            }
        }
        Ok(Self { entries, is_jumbled: self.is_jumbled })
    }

    /// Takes the entries out that `is_gone` tells.
    pub(super) fn drop_if(&mut self, is_gone: impl Fn(&Entry) -> bool) {
        self.entries.retain(|entry| !is_gone(entry));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.entries.retain(|entry| *entry.name != *name.as_bytes());
    }

    /// The entry of that name, whatever it is.
    pub(super) fn entry(&self, name: &[u8]) -> Option<&Entry> {
        self.place(name).map(|place| &self.entries[place])
    }

    fn place(&self, name: &[u8]) -> Option<usize> {
        if self.is_jumbled {
            return self.entries.iter().position(|entry| *entry.name == *name);
        }
        // A folder stands elsewhere than a file of its name would.
        let ends: [&'static [u8]; 2] = [b"", b"/"];
        let search = |end| self.entries.binary_search_by(|entry| entry.order_to(name, end));
        ends.into_iter().find_map(|end| search(end).ok())
    }

    fn find(&self, name: &str, mode: u32) -> Result<Option<Oid>, String> {
        match self.entry(name.as_bytes()) {
            None => Ok(None),
            Some(entry) if entry.mode == mode => Ok(Some(entry.id)),
            Some(entry) => Err(format!("{name} in it has the mode {:o}", entry.mode)),
        }
    }

    fn set(&mut self, name: &str, mode: u32, id: Oid) {
        let new = Entry { mode, name: name.as_bytes().into(), id };
        match self.place(&new.name) {
            Some(place) if self.entries[place].mode == mode => self.entries[place].id = id,
            found => {
                if found.is_some() {
                    self.remove(name);
                }
                let place = self.entries.partition_point(|entry| entry.order(&new).is_lt());
                self.entries.insert(place, new);
            }
        }
    }
}

fn parse_entry(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let space = bytes.iter().take(8).position(|&b| b == b' ')?;
    let mode = u32::from_str_radix(std::str::from_utf8(&bytes[..space]).ok()?, 8).ok()?;
    let rest = &bytes[space + 1..];
    let end = memchr::memchr(0, rest)?;
    let (name, rest) = (&rest[..end], &rest[end + 1..]);
    let (id, rest) = rest.split_at_checked(20)?;
    let id = Oid::from_bytes(id).ok()?;
    (!name.is_empty()).then(|| (Entry { mode, name: name.into(), id }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn oid(n: u8) -> Oid {
        Oid::from_bytes(&[n; 20]).expect("20 bytes")
    }

    #[test]
    fn a_folder_sorts_as_if_it_ended_in_a_slash() {
        let mut tree = Tree::default();
        tree.set_folder("a", oid(1));
        tree.set_file("a.b", oid(2));
        tree.set_file("a0", oid(3));
        let names: Vec<_> = tree.iter().map(|entry| entry.name.to_vec()).collect();
        assert_eq!(names, [b"a.b".to_vec(), b"a".to_vec(), b"a0".to_vec()]);
    }

    #[test]
    fn a_wrong_mode_is_refused_and_a_foreign_entry_is_kept() {
        let mut bytes = b"120000 session.yaml\0".to_vec();
        bytes.extend_from_slice(&[1; 20]);
        let tree = Tree::parse(&bytes).expect("well formed");
        assert!(tree.file(HEAD).is_err());
        assert_eq!(tree.render(), bytes);
    }

    #[test]
    fn what_is_set_takes_the_place_of_its_name_whatever_stood_there() {
        let mut tree = Tree::default();
        for name in ["b", "a", "c"] {
            tree.set_file(name, oid(1));
        }
        let mut jumbled = Tree { entries: tree.entries.clone(), is_jumbled: true };
        jumbled.entries.reverse();
        for tree in [&mut tree, &mut jumbled] {
            tree.set_file("b", oid(2));
            tree.set_folder("a", oid(3));
            assert_eq!(tree.len(), 3);
            assert_eq!(tree.file("b"), Ok(Some(oid(2))));
            assert_eq!(tree.folder("a"), Ok(Some(oid(3))));
        }
    }

    #[test]
    fn only_a_sessions_own_names_are_its_chunks() {
        let id = SessionId::captured("a", "b");
        assert_eq!(chunk_number(id, chunk_name(id, 12).as_bytes()), Some(12));
        assert_eq!(chunk_number(id, b"00000000-000012.yaml"), None);
        assert_eq!(chunk_number(id, chunk_name(id, 12).replace("000012", "12").as_bytes()), None);
        assert!(is_file_name("00ff.png"));
        for wrong in ["../x.y", "a.b.c", "A.png", ".git", "x.", "a/b.c"] {
            assert!(!is_file_name(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn trees_read_back_as_they_were_written_and_torn_ones_never_panic(
            names in proptest::collection::btree_set("[a-z0-9-]{1,12}(\\.yaml)?", 0..40),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut tree = Tree::default();
            for (n, name) in names.iter().enumerate() {
                if n % 3 == 0 { tree.set_folder(name, oid(7)) } else { tree.set_file(name, oid(9)) }
            }
            let bytes = tree.render();
            prop_assert_eq!(Tree::parse(&bytes).expect("our own"), tree);
            let torn = &bytes[..cut.index(bytes.len() + 1)];
            drop(Tree::parse(torn));
        }
    }
}
