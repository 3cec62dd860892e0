//! File systems of a test's own.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// A file system that lasts as long as this value.
pub(crate) struct Mount(PathBuf);

impl Mount {
    /// One in memory; none: no file system may be mounted here.
    pub(crate) fn tmpfs(folder: &Path, size: &str) -> Option<Self> {
        let option = format!("size={size}");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &option, "none"]).arg(folder);
        let mounted = command.output().is_ok_and(|it| it.status.success());
        mounted.then(|| Self(folder.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}
