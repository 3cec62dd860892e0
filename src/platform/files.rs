//! Files and folders that are whole, durable and closed to others.

use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use tempfile::NamedTempFile;
use tempfile::TempPath;

/// Writes a file so that it is there whole or not at all, and durable: temporary file beside it,
/// flush, rename, folder flush. Mode 0600.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    place_file(path, ".annals-", 0o600, bytes)?;
    sync_folder(folder_of(path))
}

/// As [`write_atomic`], but never in place of a file that is there: that is `AlreadyExists`.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = prepared(path, ".annals-", 0o600, bytes, File::sync_all)?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(folder_of(path))
}

/// Writes a file whole and flushed, but leaves the flush of its folder to the caller, who may
/// place many files in one. `prefix` begins the name of the temporary file; `mode` loses what the
/// umask takes.
pub fn place_file(path: &Path, prefix: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
    place(path, prefix, mode, bytes, File::sync_all)
}

/// As [`place_file`], but flushes nothing: a power loss may leave it torn.
pub fn place_unsynced(path: &Path, prefix: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
    place(path, prefix, mode, bytes, |_| Ok(()))
}

/// The first half of [`place_file`], for many files that are flushed at once, by [`sync_placed`],
/// before they get their names.
pub fn prepare_file(path: &Path, prefix: &str, mode: u32, bytes: &[u8]) -> io::Result<TempPath> {
    prepared(path, prefix, mode, bytes, |_| Ok(())).map(NamedTempFile::into_temp_path)
}

/// Makes files durable, and the names in folders.
///
/// On Linux by one flush of the file system that they are on: it costs as much as that of one
/// file, and a save would need twenty. What is gone meanwhile has been moved by another process
/// (git packs objects, and removes their folders), which answers for it.
pub fn sync_placed(files: &[PathBuf], folders: &BTreeSet<PathBuf>) -> io::Result<()> {
    let Some(first) = folders.first().or(files.first()) else {
        return Ok(());
    };
    #[cfg(target_os = "linux")]
    match rustix::fs::syncfs(open_near(first)?) {
        // Not known to this kernel: file by file, as everywhere else.
        Err(rustix::io::Errno::NOSYS) => {}
        done => return done.map_err(Into::into),
    }
    let _ = first;
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    };
    let sync = |file: &PathBuf| File::open(file).and_then(|file| file.sync_all()).or_else(gone);
    files.iter().try_for_each(sync)?;
    folders.iter().try_for_each(|folder| sync_folder(folder).or_else(gone))
}

/// What lies there, or the nearest folder above it that is there.
#[cfg(target_os = "linux")]
fn open_near(path: &Path) -> io::Result<File> {
    let mut failure = None;
    for near in path.ancestors() {
        match File::open(near) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => failure = Some(error),
            opened => return opened,
        }
    }
    Err(failure.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

fn place(
    path: &Path,
    prefix: &str,
    mode: u32,
    bytes: &[u8],
    sync: impl Fn(&File) -> io::Result<()>,
) -> io::Result<()> {
    let file = prepared(path, prefix, mode, bytes, sync)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The temporary file that is to get the name `path`.
pub(super) fn prepared(
    path: &Path,
    prefix: &str,
    mode: u32,
    bytes: &[u8],
    sync: impl Fn(&File) -> io::Result<()>,
) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    let permissions = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(mode);
    #[cfg(unix)]
    builder.permissions(permissions);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = builder.tempfile_in(folder_of(path))?;
    file.write_all(bytes)?;
    sync(file.as_file())?;
    Ok(file)
}

/// Makes the names in a folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and its names are durable without.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Reads a file whole that somebody else may have put there.
///
/// # Errors
/// `InvalidData`: it is no plain file (who opens a pipe waits for its writer), or has more than
/// `limit` bytes; no more than that are ever held.
pub fn read_within(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let refused = |reason: String| Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    if !fs::metadata(path)?.is_file() {
        return refused("it is no plain file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return refused(format!("it has more than {} KiB", limit >> 10));
    }
    Ok(bytes)
}

/// As [`read_within`], of a text.
pub fn read_text_within(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read_within(path, limit)?).map_err(|error| {
        let reason = format!("it is no UTF-8 at byte {}", error.utf8_error().valid_up_to());
        io::Error::new(io::ErrorKind::InvalidData, reason)
    })
}

/// Makes a folder that only its owner may enter, and the missing ones above it, durably. One that
/// is there stays as it is.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    let missing = path.ancestors().take_while(|it| !it.as_os_str().is_empty() && !it.exists());
    let missing: Vec<&Path> = missing.collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // What is made in a folder lasts as long as its own name does.
    missing.into_iter().try_for_each(|made| sync_folder(folder_of(made)))
}

/// Whether this process may write in a folder; one that is not there: in the nearest above it.
pub fn is_writable(folder: &Path) -> bool {
    let there = folder.ancestors().find(|folder| folder.exists());
    let folder = there.unwrap_or(Path::new("."));
    #[cfg(unix)]
    {
        // The system's own word, which knows of read-only media too.
        rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
    }
    #[cfg(not(unix))]
    {
        fs::metadata(folder).is_ok_and(|metadata| !metadata.permissions().readonly())
    }
}

/// How many bytes of the disk a folder lies on are left for this user; none: the system does not
/// say.
pub fn free_space(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// Whether a file or folder belongs to the user that this process runs as.
pub fn is_own(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        metadata.uid() == rustix::process::geteuid().as_raw()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        true
    }
}

/// Whether others than its owner may do anything with a file or folder.
pub fn is_open_to_others(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        metadata.permissions().mode() & 0o077 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

/// Closes a file or folder of ours to others, if it is open to them. Whether it was. What is a
/// link, or belongs to somebody else, is left alone.
pub fn close_to_others(path: &Path) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() || !is_own(&metadata) || !is_open_to_others(&metadata) {
        return Ok(false);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What its owner may do stays as it is.
        let mode = metadata.permissions().mode() & 0o700;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(true)
}

/// The folder of a path; the current one for a bare name.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_replaces_the_old_one_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        write_atomic(&path, b"old").expect("written");
        write_atomic(&path, b"new").expect("written again");
        assert_eq!(fs::read(&path).expect("there"), b"new");
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1);
    }

    #[test]
    fn what_another_process_took_away_does_not_keep_the_rest_from_the_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let gone = folder.path().join("gone");
        let folders = BTreeSet::from([gone.clone(), folder.path().to_owned()]);
        sync_placed(&[gone.join("object")], &folders).expect("the rest is synced");
        sync_placed(&[gone.join("object")], &BTreeSet::from([gone])).expect("nothing is left");
    }

    #[test]
    fn a_file_that_cannot_be_placed_leaves_the_old_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("taken");
        fs::create_dir(&path).expect("made");
        fs::create_dir(path.join("inside")).expect("made");
        write_atomic(&path, b"new").expect_err("a folder stands there");
        assert!(path.join("inside").is_dir());
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1);
    }

    #[test]
    fn a_new_file_takes_no_other_ones_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        write_new(&path, b"first").expect("written");
        let error = write_new(&path, b"second").expect_err("the name is taken");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).expect("there"), b"first");
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1);
    }

    #[test]
    fn what_is_too_long_or_no_plain_file_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        write_atomic(&path, &[b'x'; 2048]).expect("written");
        assert_eq!(read_within(&path, 2048).expect("it fits").len(), 2048);
        let told = |read: io::Result<Vec<u8>>| read.expect_err("it is refused").to_string();
        assert_eq!(told(read_within(&path, 2047)), "it has more than 1 KiB");
        assert_eq!(told(read_within(folder.path(), 9)), "it is no plain file");
        write_atomic(&path, b"a\xff").expect("written");
        let error = read_text_within(&path, 9).expect_err("it is refused");
        assert_eq!(error.to_string(), "it is no UTF-8 at byte 1");
        // A file of the system's that has no size and no end.
        #[cfg(target_os = "linux")]
        assert_eq!(told(read_within(Path::new("/dev/zero"), 9)), "it is no plain file");
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_are_closed_to_others() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("a/b");
        create_private_folder(&inner).expect("made");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&inner), 0o700);
        assert_eq!(mode(&folder.path().join("a")), 0o700);
        write_atomic(&inner.join("file"), b"x").expect("written");
        assert_eq!(mode(&inner.join("file")), 0o600);
        place_file(&inner.join("read"), "t", 0o444, b"x").expect("written");
        assert_eq!(mode(&inner.join("read")) & 0o222, 0, "not writable");
        assert!(is_own(&fs::metadata(&inner).expect("there")));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_open_to_others_is_closed_and_what_a_link_leads_to_is_left() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "x").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        let set = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode));
        let mode = || fs::metadata(&file).expect("there").permissions().mode() & 0o777;
        for (before, after) in [(0o644, 0o600), (0o755, 0o700), (0o466, 0o400)] {
            set(before).expect("it is ours");
            assert!(!close_to_others(&link).expect("looked at"));
            assert_eq!(mode(), before);
            assert!(close_to_others(&file).expect("closed"));
            assert_eq!(mode(), after);
            assert!(!close_to_others(&file).expect("looked at"), "it is closed already");
        }
    }
}
