//! Bundles from strangers.

use sha1_smol::Sha1;

use crate::doors::files::taken_in;
use crate::support::forge::Forge;

/// The SHA-1 at the end of a pack.
const SUM: usize = 20;

/// A bundle, byte by byte. Its sum is made right, or hardly anything would be let in.
pub(crate) fn bundle(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    let start = memchr::memmem::find(&bytes, b"\n\n").map_or(bytes.len(), |end| end + 2);
    if let Some(end) = bytes.len().checked_sub(SUM).filter(|end| *end >= start) {
        let sum = Sha1::from(&bytes[start..end]).digest().bytes();
        bytes[end..].copy_from_slice(&sum);
    }
    taken_in(&bytes);
}

/// The files of a bundle: each begins with a line `== path`.
pub(crate) fn files(bytes: &[u8]) {
    let mut forge = Forge::default();
    let mut path: Option<String> = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match (line.strip_prefix(b"== "), &path) {
            (Some(name), _) => {
                let name = String::from_utf8_lossy(name.trim_ascii_end()).into_owned();
                forge.files.insert(name.clone(), Vec::new());
                path = Some(name);
            }
            (None, Some(path)) => {
                forge.files.entry(path.clone()).or_default().extend_from_slice(line);
            }
            (None, None) => {}
        }
    }
    taken_in(&forge.bundle());
}
