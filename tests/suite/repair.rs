//! Stores that are damaged, and mended with what others have.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use crate::support::Ran;
use crate::support::Sandbox;

/// A store with three sessions in two commits, and a bare clone of it.
fn cloned() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    for number in 1..=3_u16 {
        sandbox.transcript(number.into()).by(number).user("hello there").agent("hi").write();
    }
    sandbox.capture();
    sandbox.transcript(1).by(1).user("hello there").agent("hi").user("more").write();
    sandbox.capture();
    let clone = sandbox.root().join("backup.git");
    let (from, to) = (sandbox.store(), clone.clone());
    let mut git = Command::new("git");
    git.args(["clone", "-q", "--bare", "--no-hardlinks"]).arg(from).arg(to);
    Ran::of(&mut git).ok();
    (sandbox, clone)
}

#[test]
fn each_damaged_object_is_mended_with_what_a_clone_has() {
    let (sandbox, clone) = cloned();
    let clone = clone.display().to_string();
    let tree = sandbox.tree();
    let objects = loose(&sandbox);
    assert!(objects.len() > 10, "there are objects to damage");
    for (number, path) in objects.iter().enumerate() {
        let whole = fs::read(path).expect("it is read");
        fs::set_permissions(path, PermissionsExt::from_mode(0o644)).expect("it is writable");
        match number % 3 {
            0 => fs::remove_file(path).expect("removed"),
            1 => fs::write(path, &whole[..whole.len() / 2]).expect("cut"),
            _ => {
                let mut bytes = whole.clone();
                bytes[whole.len() / 2] ^= 0x10;
                fs::write(path, bytes).expect("flipped");
            }
        }
        sandbox.run(["doctor"]).code(5);
        let mended = sandbox.json(["doctor", "--repair", "--from", &clone]);
        assert_eq!(mended["verdict"], "fine", "{}: {mended}", path.display());
        assert_eq!(mended["repair"]["objects"][&clone], 1, "{mended}");
        assert_eq!(sandbox.tree(), tree);
        sandbox.fsck();
    }
    // All at once, with a remote.
    for path in &objects {
        drop(fs::remove_file(path));
    }
    for pack in packs(&sandbox) {
        let mut bytes = fs::read(&pack).expect("it is read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs::remove_file(&pack).expect("removed");
        fs::write(&pack, bytes).expect("written");
    }
    sandbox.run(["doctor"]).code(5);
    sandbox.git(["config", "remote.origin.url", &clone]);
    let mended = sandbox.json(["doctor", "--repair"]);
    assert_eq!(mended["verdict"], "fine", "{mended}");
    assert_eq!(sandbox.tree(), tree);
    sandbox.fsck();
}

#[test]
fn main_that_leads_nowhere_is_found_again_in_its_reflog() {
    let (sandbox, clone) = cloned();
    let (tip, tree) = (sandbox.tip(), sandbox.tree());
    let main = sandbox.store().join("refs/heads/main");
    for torn in ["", "deadbeef", "0123456789012345678901234567890123456789\n"] {
        fs::write(&main, torn).expect("written");
        sandbox.run(["list"]).code(5);
        let told = sandbox.run(["doctor", "--repair"]).ok().stderr;
        assert!(told.contains("Main led nowhere"), "{told}");
        assert_eq!((sandbox.tip(), sandbox.tree()), (tip.clone(), tree.clone()));
    }
    fs::write(&main, "").expect("written");
    let missing = sandbox.root().join("nothing").display().to_string();
    sandbox.run(["doctor", "--repair", "--from", &missing]).code(3);
    sandbox.run(["doctor", "--repair", "--from", &clone.display().to_string()]).ok();
    assert_eq!(sandbox.tip(), tip);
}

#[test]
fn what_a_repair_kept_goes_with_a_scrub() {
    let (sandbox, clone) = cloned();
    let object = loose(&sandbox).remove(0);
    fs::set_permissions(&object, PermissionsExt::from_mode(0o644)).expect("it is writable");
    fs::write(&object, "torn").expect("written");
    sandbox.run(["doctor", "--repair", "--from", &clone.display().to_string()]).ok();
    let kept = sandbox.store().join("annals/damaged");
    assert!(kept.is_dir(), "what was damaged is kept");
    sandbox.run_with(["scrub", "--value", "--yes"], "hello there").ok();
    assert!(!kept.exists(), "but not past a scrub");
}

fn loose(sandbox: &Sandbox) -> Vec<PathBuf> {
    files_in(&sandbox.store().join("objects"), &|path| {
        path.file_name().is_some_and(|name| name.len() == 38)
    })
}

fn packs(sandbox: &Sandbox) -> Vec<PathBuf> {
    files_in(&sandbox.store().join("objects/pack"), &|path| {
        path.extension().is_some_and(|end| end == "pack")
    })
}

fn files_in(folder: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_in(&path, is_wanted));
        } else if is_wanted(&path) {
            found.push(path);
        }
    }
    found.sort();
    found
}
