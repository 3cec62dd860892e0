//! A pack file, written as its objects come: whole objects, deflated, without deltas.
//!
//! It is a temporary file until [`PackWriter::install`]; git's own clean-up knows its name.
//! Deltas are made later, by maintenance.

use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;

use flate2::Crc;
use git2::ObjectType;
use git2::Oid;
use sha1_smol::Sha1;
use tempfile::NamedTempFile;

use crate::platform;

/// Where a pack is full: offsets beyond 2 GiB would need another form of index.
const PACK_LIMIT: u64 = 1 << 30;
/// How much is gathered before it is written to the file.
const BUFFER: usize = 1 << 20;

/// A pack that is being written.
#[derive(Debug)]
pub(super) struct PackWriter {
    file: NamedTempFile,
    buffer: Vec<u8>,
    written: u64,
    entries: Vec<PackEntry>,
}

#[derive(Debug)]
struct PackEntry {
    id: Oid,
    crc: u32,
    offset: u32,
}

impl PackWriter {
    /// Begins a pack for the folder `objects/pack`.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let file = builder.prefix("tmp_pack_").tempfile_in(folder)?;
        let mut buffer = Vec::with_capacity(BUFFER + (BUFFER >> 2));
        // The number of objects follows when it is known.
        buffer.extend_from_slice(b"PACK\0\0\0\x02\0\0\0\0");
        Ok(Self { file, buffer, written: 0, entries: Vec::new() })
    }

    /// Adds an object: its size and its deflated bytes.
    pub(super) fn add(
        &mut self,
        id: Oid,
        kind: ObjectType,
        size: usize,
        deflated: &[u8],
    ) -> io::Result<()> {
        let offset = self.written + self.buffer.len() as u64;
        let start = self.buffer.len();
        push_header(&mut self.buffer, kind, size);
        self.buffer.extend_from_slice(deflated);
        let mut crc = Crc::new();
        crc.update(&self.buffer[start..]);
        let offset = u32::try_from(offset).map_err(io::Error::other)?;
        self.entries.push(PackEntry { id, crc: crc.sum(), offset });
        if self.buffer.len() > BUFFER {
            self.write_out()?;
        }
        Ok(())
    }

    /// Whether the next object should go into another pack.
    pub(super) fn is_full(&self) -> bool {
        self.written > PACK_LIMIT
    }

    /// Brings what was written so far to the disk, so that [`PackWriter::install`] is quick.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.write_out()?;
        self.file.as_file().sync_data()
    }

    /// Makes the pack part of the store, durably: first the pack, then its index, then their
    /// names.
    pub(super) fn install(mut self, folder: &Path) -> io::Result<()> {
        self.write_out()?;
        let count = u32::try_from(self.entries.len()).map_err(io::Error::other)?;
        let file = self.file.as_file_mut();
        file.seek(SeekFrom::Start(8))?;
        file.write_all(&count.to_be_bytes())?;
        let checksum = checksum(file)?;
        file.write_all(&checksum.bytes())?;
        set_read_only(file)?;
        file.sync_all()?;
        let name = folder.join(format!("pack-{checksum}.pack"));
        self.file.persist(&name).map_err(|error| error.error)?;
        let index = render_index(&mut self.entries, &checksum.bytes());
        platform::place_file(&name.with_extension("idx"), "tmp_idx_", 0o444, &index)?;
        platform::sync_folder(folder)
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Kind and size of an object: four bits of the size in the first byte, seven in each further.
pub(super) fn push_header(buffer: &mut Vec<u8>, kind: ObjectType, size: usize) {
    let number: u8 = match kind {
        ObjectType::Commit => 1,
        ObjectType::Tree => 2,
        _ => 3,
    };
    let mut rest = size >> 4;
    let mut byte = (number << 4) | low_bits(size, 0x0f);
    while rest > 0 {
        buffer.push(byte | 0x80);
        byte = low_bits(rest, 0x7f);
        rest >>= 7;
    }
    buffer.push(byte);
}

fn low_bits(number: usize, mask: u8) -> u8 {
    u8::try_from(number & usize::from(mask)).expect("the mask has 8 bits")
}

/// The SHA-1 of the whole file, which is left at its end.
fn checksum(file: &mut File) -> io::Result<sha1_smol::Digest> {
    let mut sha = Sha1::new();
    let mut buffer = vec![0; 1 << 16];
    file.seek(SeekFrom::Start(0))?;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(sha.digest()),
            length => sha.update(&buffer[..length]),
        }
    }
}

fn set_read_only(file: &File) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    permissions.set_readonly(true);
    file.set_permissions(permissions)
}

/// Version 2 of git's pack index.
fn render_index(entries: &mut [PackEntry], checksum: &[u8; 20]) -> Vec<u8> {
    entries.sort_unstable_by_key(|entry| entry.id);
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    let mut counts = [0u32; 256];
    for entry in entries.iter() {
        counts[usize::from(entry.id.as_bytes()[0])] += 1;
    }
    let mut sum = 0;
    for count in counts {
        sum += count;
        index.extend_from_slice(&sum.to_be_bytes());
    }
    entries.iter().for_each(|entry| index.extend_from_slice(entry.id.as_bytes()));
    entries.iter().for_each(|entry| index.extend_from_slice(&entry.crc.to_be_bytes()));
    entries.iter().for_each(|entry| index.extend_from_slice(&entry.offset.to_be_bytes()));
    index.extend_from_slice(checksum);
    let own = Sha1::from(&index).digest().bytes();
    index.extend_from_slice(&own);
    index
}
