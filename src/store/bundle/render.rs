//! Making a bundle: trees, one commit, a pack of whole objects, two refs.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Write;

use chrono::DateTime;
use chrono::Utc;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::ObjectType;
use git2::Oid;
use sha1_smol::Sha1;

use crate::format;
use crate::format::Chunk;
use crate::format::Chunker;
use crate::redact::Clean;
use crate::session::Head;
use crate::session::Record;
use crate::session::SCHEMA_VERSION;
use crate::session::SessionId;
use crate::store::bundle::BundleError;
use crate::store::bundle::refused;
use crate::store::commit::NEUTRAL_AUTHOR;
use crate::store::commit_text::CommitText;
use crate::store::layout;
use crate::store::layout::ATTRIBUTES;
use crate::store::layout::FILES;
use crate::store::layout::HEAD;
use crate::store::layout::MARKER;
use crate::store::layout::MESSAGES;
use crate::store::layout::README;
use crate::store::layout::SESSIONS;
use crate::store::layout::Tree;
use crate::store::pack::push_header;

/// Bytes stay as they are in every clone, whatever its git is set to.
const ATTRIBUTES_TEXT: &str = "* -text\n";

/// What stands in a bundle beside its sessions.
#[derive(Debug)]
pub struct BundleText {
    /// `annals.yaml`.
    pub manifest: Clean<String>,
    /// `README.md`.
    pub readme: Clean<String>,
    /// The commit's subject, one line.
    pub subject: Clean<String>,
    /// The commit's time.
    pub at: DateTime<Utc>,
}

/// The bytes of a bundle that holds these sessions; `git clone` opens it.
pub fn render_bundle(
    text: &BundleText,
    sessions: &[Clean<(Head, Vec<Record>)>],
) -> Result<Vec<u8>, BundleError> {
    let mut pack = Pack::default();
    let mut shards: BTreeMap<String, Tree> = BTreeMap::new();
    for session in sessions {
        let id = session.0.id;
        let tree = add_session(&mut pack, session)?;
        shards.entry(id.shard()).or_default().set_folder(&id.to_string(), tree);
    }
    let mut area = Tree::default();
    for (name, shard) in &shards {
        area.set_folder(name, pack.tree(shard)?);
    }
    let mut root = Tree::default();
    root.set_file(ATTRIBUTES, pack.blob(ATTRIBUTES_TEXT.as_bytes())?);
    root.set_file(README, pack.blob(text.readme.as_bytes())?);
    root.set_file(MARKER, pack.blob(text.manifest.as_bytes())?);
    root.set_folder(SESSIONS, pack.tree(&area)?);
    let root = pack.tree(&root)?;
    let ids: Vec<SessionId> = sessions.iter().map(|session| session.0.id).collect();
    let commit = CommitText {
        operation: "share",
        subject: &text.subject,
        sessions: &ids,
        schema: SCHEMA_VERSION,
        at: text.at,
    };
    let commit = pack.add(ObjectType::Commit, &commit.render(root, &[], NEUTRAL_AUTHOR))?;
    let header = format!("# v2 git bundle\n{commit} refs/heads/main\n{commit} HEAD\n\n");
    Ok(pack.finish(header.into_bytes()))
}

fn add_session(pack: &mut Pack, session: &Clean<(Head, Vec<Record>)>) -> Result<Oid, BundleError> {
    let (head, records) = &**session;
    let (mut messages, mut files) = (Tree::default(), Tree::default());
    let mut chunker = Chunker::default();
    let mut chunks: Vec<Chunk> = records.iter().filter_map(|it| chunker.push(it)).collect();
    chunks.extend(chunker.last());
    for (number, chunk) in (1..).zip(chunks) {
        for file in &chunk.files {
            files.set_file(&file.name, pack.blob(&file.bytes)?);
        }
        let name = layout::chunk_name(head.id, number);
        messages.set_file(&name, pack.blob(chunk.text.as_bytes())?);
    }
    let mut top = Tree::default();
    top.set_file(HEAD, pack.blob(format::render_head(head).as_bytes())?);
    for (name, tree) in [(MESSAGES, &messages), (FILES, &files)] {
        if !tree.is_empty() {
            top.set_folder(name, pack.tree(tree)?);
        }
    }
    pack.tree(&top)
}

/// A pack in memory.
#[derive(Default)]
struct Pack {
    known: BTreeSet<Oid>,
    entries: Vec<u8>,
}

impl Pack {
    fn blob(&mut self, bytes: &[u8]) -> Result<Oid, BundleError> {
        self.add(ObjectType::Blob, bytes)
    }

    fn tree(&mut self, tree: &Tree) -> Result<Oid, BundleError> {
        self.add(ObjectType::Tree, &tree.render())
    }

    fn add(&mut self, kind: ObjectType, bytes: &[u8]) -> Result<Oid, BundleError> {
        let failed = |cause: String| refused(format!("an object cannot be made: {cause}"));
        let id = Oid::hash_object(kind, bytes).map_err(|error| failed(error.to_string()))?;
        if self.known.insert(id) {
            push_header(&mut self.entries, kind, bytes.len());
            let mut deflater = ZlibEncoder::new(&mut self.entries, Compression::default());
            let deflated = deflater.write_all(bytes).and_then(|()| deflater.finish().map(drop));
            deflated.map_err(|error| failed(error.to_string()))?;
        }
        Ok(id)
    }

    /// The pack behind a header, with its checksum.
    fn finish(self, mut bytes: Vec<u8>) -> Vec<u8> {
        let start = bytes.len();
        bytes.extend_from_slice(b"PACK\0\0\0\x02");
        let count = u32::try_from(self.known.len()).expect("a session has fewer objects");
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend_from_slice(&self.entries);
        let checksum = Sha1::from(&bytes[start..]).digest().bytes();
        bytes.extend_from_slice(&checksum);
        bytes
    }
}
