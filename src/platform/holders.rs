//! Whether anybody still holds a file that programs make to keep others out.

use std::fs;
use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;

/// Whether a file is left by somebody who died: nothing was written to it for that long, and no
/// process has it open. None: the system does not say who has it open.
pub fn is_abandoned(path: &Path, idle: Duration) -> Option<bool> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Some(false) };
    #[expect(clippy::disallowed_methods, reason = "the times of files are the system's")]
    let now = SystemTime::now();
    let age = metadata.modified().ok().and_then(|at| now.duration_since(at).ok());
    if age.is_none_or(|age| age < idle) {
        return Some(false);
    }
    is_open_somewhere(path).map(|is_open| !is_open)
}

/// Whether a process that we can look into has a file open; others cannot have opened one that is
/// closed to them.
#[cfg(target_os = "linux")]
fn is_open_somewhere(path: &Path) -> Option<bool> {
    let path = fs::canonicalize(path).ok()?;
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let processes = processes
        .filter(|it| it.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()));
    let files = processes.flat_map(|it| fs::read_dir(it.path().join("fd")).into_iter().flatten());
    let mut open = files.flatten().filter_map(|it| fs::read_link(it.path()).ok());
    Some(open.any(|open| open == path))
}

#[cfg(not(target_os = "linux"))]
fn is_open_somewhere(_path: &Path) -> Option<bool> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    #[cfg(target_os = "linux")]
    fn only_what_is_old_and_open_nowhere_is_abandoned() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.lock");
        let file = File::create(&path).expect("it is made");
        let idle = Duration::from_secs(600);
        assert_eq!(is_abandoned(&path, idle), Some(false), "it is new");
        file.set_modified(SystemTime::UNIX_EPOCH).expect("it is ours");
        assert_eq!(is_abandoned(&path, idle), Some(false), "we have it open");
        drop(file);
        assert_eq!(is_abandoned(&path, idle), Some(true));
        assert_eq!(is_abandoned(&folder.path().join("y"), idle), Some(false), "it is not there");
    }
}
