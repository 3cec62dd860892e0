//! The objects of a pack, all in memory, within the limits of a bundle.

use std::collections::HashMap;

use flate2::Decompress;
use flate2::FlushDecompress;
use flate2::Status;
use git2::ObjectType;
use git2::Oid;
use sha1_smol::Sha1;

use crate::store::bundle::BundleError;
use crate::store::bundle::DEPTH;
use crate::store::bundle::OBJECT_BYTES;
use crate::store::bundle::OBJECTS;
use crate::store::bundle::Object;
use crate::store::bundle::TOTAL_BYTES;
use crate::store::bundle::damaged;
use crate::store::bundle::delta;
use crate::store::bundle::refused;

/// `PACK`, the version, the number of objects.
const HEADER: usize = 12;
/// The SHA-1 at the end.
const TRAILER: usize = 20;

/// An entry of the pack.
struct Entry {
    content: Content,
    bytes: Vec<u8>,
}

/// What the bytes of an entry are.
enum Content {
    Whole(ObjectType),
    /// What changes another object, which the pack has at that place, or by that id.
    DeltaAt(usize),
    DeltaOf(Oid),
}

/// The objects of a pack, by their ids.
pub(super) fn unpack(pack: &[u8]) -> Result<HashMap<Oid, Object>, BundleError> {
    let count = check_frame(pack)?;
    let end = pack.len() - TRAILER;
    let mut reader = Reader { pack: &pack[..end], at: HEADER, total: 0 };
    let mut entries = Vec::new();
    let mut places = HashMap::new();
    for number in 0..count {
        let start = reader.at;
        entries.push(reader.entry(&places)?);
        places.insert(start, number);
    }
    if reader.at != end {
        return Err(refused("something follows its last object".to_owned()));
    }
    resolve(entries, reader.total)
}

/// The number of objects; the pack is whole.
fn check_frame(pack: &[u8]) -> Result<usize, BundleError> {
    if pack.len() < HEADER + TRAILER {
        return Err(damaged("its pack is cut off"));
    }
    if !pack.starts_with(b"PACK\0\0\0\x02") {
        return Err(refused("no pack that annals reads follows its header".to_owned()));
    }
    let (body, checksum) = pack.split_at(pack.len() - TRAILER);
    if Sha1::from(body).digest().bytes() != checksum {
        return Err(damaged("the checksum of its pack is wrong"));
    }
    let count = pack[8..HEADER].iter().fold(0, |count, byte| count << 8 | usize::from(*byte));
    if count > OBJECTS {
        return Err(refused(format!("it says to have {count} objects; {OBJECTS} are taken")));
    }
    Ok(count)
}

struct Reader<'p> {
    pack: &'p [u8],
    at: usize,
    /// The bytes of the entries so far.
    total: usize,
}

impl Reader<'_> {
    fn entry(&mut self, places: &HashMap<usize, usize>) -> Result<Entry, BundleError> {
        let start = self.at;
        let first = self.byte()?;
        let mut size = usize::from(first & 0x0f);
        let (mut shift, mut more) = (4, first & 0x80 != 0);
        while more {
            let byte = self.byte()?;
            if shift > 32 {
                return Err(too_large());
            }
            size |= usize::from(byte & 0x7f) << shift;
            (shift, more) = (shift + 7, byte & 0x80 != 0);
        }
        let content = match (first >> 4) & 7 {
            1 => Content::Whole(ObjectType::Commit),
            2 => Content::Whole(ObjectType::Tree),
            3 => Content::Whole(ObjectType::Blob),
            6 => {
                let back = self.offset()?;
                let place = start.checked_sub(back).and_then(|place| places.get(&place));
                let place = place.ok_or_else(|| damaged("a delta in it leads nowhere"))?;
                Content::DeltaAt(*place)
            }
            7 => Content::DeltaOf(self.id()?),
            kind => return Err(refused(format!("it has an object of the kind {kind}"))),
        };
        let bytes = self.inflate(size)?;
        Ok(Entry { content, bytes })
    }

    fn byte(&mut self) -> Result<u8, BundleError> {
        let byte = self.pack.get(self.at).ok_or_else(|| damaged("its pack is cut off"))?;
        self.at += 1;
        Ok(*byte)
    }

    /// How far before the entry its base lies.
    fn offset(&mut self) -> Result<usize, BundleError> {
        let mut byte = self.byte()?;
        let mut offset = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            if offset > self.pack.len() {
                return Err(damaged("a delta in it leads nowhere"));
            }
            byte = self.byte()?;
            offset = ((offset + 1) << 7) | usize::from(byte & 0x7f);
        }
        Ok(offset)
    }

    fn id(&mut self) -> Result<Oid, BundleError> {
        let id = self.pack.get(self.at..self.at + 20).and_then(|id| Oid::from_bytes(id).ok());
        self.at += 20;
        id.ok_or_else(|| damaged("its pack is cut off"))
    }

    /// Inflates exactly `size` bytes: a stream that goes on is stopped there.
    fn inflate(&mut self, size: usize) -> Result<Vec<u8>, BundleError> {
        take_from_budget(&mut self.total, size)?;
        // One byte more, so that a stream that is longer than it says is seen.
        let mut bytes = vec![0; size + 1];
        let mut inflater = Decompress::new(true);
        let input = &self.pack[self.at..];
        let status = inflater.decompress(input, &mut bytes, FlushDecompress::Finish);
        let status = status.map_err(|_| damaged("an object in it cannot be inflated"))?;
        if status != Status::StreamEnd || inflater.total_out() != size as u64 {
            return Err(damaged("an object in it is longer or shorter than it says"));
        }
        let read = usize::try_from(inflater.total_in()).expect("it lies in memory");
        self.at += read;
        bytes.truncate(size);
        Ok(bytes)
    }
}

fn take_from_budget(total: &mut usize, size: usize) -> Result<(), BundleError> {
    *total = total.saturating_add(size);
    if size > OBJECT_BYTES {
        return Err(too_large());
    }
    if *total > TOTAL_BYTES {
        let limit = TOTAL_BYTES >> 20;
        return Err(refused(format!("its objects have more than {limit} MiB together")));
    }
    Ok(())
}

fn too_large() -> BundleError {
    refused(format!("an object in it has more than {} MiB", OBJECT_BYTES >> 20))
}

/// Makes objects of the entries. A delta may stand before the object that it changes, so the
/// entries are gone through until nothing is left; each time the deltas get one deeper.
fn resolve(entries: Vec<Entry>, mut total: usize) -> Result<HashMap<Oid, Object>, BundleError> {
    let mut objects = HashMap::with_capacity(entries.len());
    let mut places: Vec<Option<Oid>> = vec![None; entries.len()];
    let mut depths: HashMap<Oid, usize> = HashMap::new();
    let mut left: Vec<(usize, Entry)> = entries.into_iter().enumerate().collect();
    while !left.is_empty() {
        let before = left.len();
        let mut waiting = Vec::new();
        for (number, entry) in left {
            let (object, depth) = match &entry.content {
                Content::Whole(kind) => (Object { kind: *kind, bytes: entry.bytes }, 0),
                content => {
                    let base = match content {
                        Content::DeltaAt(place) => places[*place],
                        Content::DeltaOf(id) => Some(*id),
                        Content::Whole(_) => None,
                    };
                    let Some((base, depth)) = base.and_then(|it| depths.get_key_value(&it)) else {
                        waiting.push((number, entry));
                        continue;
                    };
                    take_from_budget(&mut total, delta::result_size(&entry.bytes)?)?;
                    let base: &Object = &objects[base];
                    let bytes = delta::apply(&base.bytes, &entry.bytes)?;
                    (Object { kind: base.kind, bytes }, depth + 1)
                }
            };
            if depth > DEPTH {
                return Err(refused(format!("more than {DEPTH} deltas lie one upon the other")));
            }
            let id = add(&mut objects, object)?;
            depths.insert(id, depth);
            places[number] = Some(id);
        }
        if waiting.len() == before {
            return Err(refused("it needs objects that it does not bring".to_owned()));
        }
        left = waiting;
    }
    Ok(objects)
}

fn add(objects: &mut HashMap<Oid, Object>, object: Object) -> Result<Oid, BundleError> {
    let id = Oid::hash_object(object.kind, &object.bytes)
        .map_err(|_| damaged("an object in it cannot be hashed"))?;
    match objects.insert(id, object) {
        None => Ok(id),
        Some(_) => Err(refused(format!("it has the object {id} twice"))),
    }
}
