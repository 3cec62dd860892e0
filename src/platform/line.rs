//! A file of lines that several processes write to, one at a time.

use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;

/// Adds a line to a file: whole, or not at all. The file is made with mode 0600 if there is none.
/// Whoever calls this holds a lock that the other writers take too. The system decides when the
/// line reaches the disk.
pub fn append_line(path: &Path, line: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut entry = Vec::with_capacity(line.len() + 2);
    // A line that its writer did not finish, when the power failed say, stays one by itself.
    if length > 0 && last_byte(&mut file)? != b'\n' {
        entry.push(b'\n');
    }
    entry.extend_from_slice(line.as_bytes());
    entry.push(b'\n');
    file.write_all(&entry).inspect_err(|_| drop(file.set_len(length)))
}

fn last_byte(file: &mut std::fs::File) -> io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_follow_each_other_and_a_torn_one_stays_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        append_line(&path, "one").expect("written");
        append_line(&path, "two").expect("written");
        OpenOptions::new().append(true).open(&path).expect("there").write_all(b"to").expect("torn");
        append_line(&path, "three").expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "one\ntwo\nto\nthree\n");
    }
}
