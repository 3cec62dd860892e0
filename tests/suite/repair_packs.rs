//! A packed store in which what git keeps beside the objects is damaged, mended with nobody's help: it
//! follows from the objects. Git's settings of the store, likewise.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::support::Ran;
use crate::support::Sandbox;

/// A packed store with two sessions.
fn packed() -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 1..=2_u16 {
        sandbox.transcript(number.into()).by(number).user("hello there").agent("hi").write();
    }
    sandbox.capture();
    sandbox.run(["gc"]).ok();
    sandbox
}

fn file(sandbox: &Sandbox, end: &str) -> PathBuf {
    let folder = sandbox.store().join("objects/pack");
    let mut paths = fs::read_dir(folder).expect("packs").map(|it| it.expect("an entry").path());
    paths.find(|path| path.extension().is_some_and(|it| it == end)).expect("it is there")
}

/// Puts something else in the place of a file, or nothing.
fn put(path: &Path, text: Option<&[u8]>) {
    fs::remove_file(path).expect("removed");
    if let Some(text) = text {
        fs::write(path, text).expect("written");
    }
}

fn flipped(whole: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    bytes[at] ^= 0x04;
    bytes
}

/// Git has nothing to say about the store, and can pack it.
fn is_sound(sandbox: &Sandbox, (tip, tree): (&str, &str), when: &str) {
    sandbox.run(["doctor"]).ok();
    let mut git = sandbox.plain_git(&sandbox.store(), false);
    let checked = Ran::of(git.args(["fsck", "--strict", "--full", "--no-dangling"]));
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{when}: {checked:?}");
    assert_eq!(sandbox.tip(), tip, "{when}");
    assert_eq!(sandbox.git(["rev-parse", "main^{tree}"]), tree, "{when}");
    sandbox.run(["gc"]).ok();
}

#[test]
fn what_git_keeps_beside_the_objects_is_made_again() {
    let sandbox = packed();
    let (tip, tree) = (sandbox.tip(), sandbox.git(["rev-parse", "main^{tree}"]));
    let graph = |sandbox: &Sandbox| sandbox.store().join("objects/info/commit-graph");
    for end in ["idx", "rev", "graph"] {
        for how in ["empty", "half", "flipped", "gone"] {
            let path = if end == "graph" { graph(&sandbox) } else { file(&sandbox, end) };
            let whole = fs::read(&path).expect("it is read");
            let bytes = match how {
                "gone" => None,
                "empty" => Some(Vec::new()),
                "half" => Some(whole[..whole.len() / 2].to_vec()),
                _ => Some(flipped(&whole, whole.len() * 2 / 3)),
            };
            put(&path, bytes.as_deref());
            let when = format!("{end} {how}");
            // Git does without the others.
            let is_damaged = how != "gone" || end == "idx";
            let before = sandbox.run(["doctor"]);
            assert_eq!(before.code == 5, is_damaged, "{when}: {before:?}");
            let ran = sandbox.run(["doctor", "--repair"]).ok();
            assert_eq!(ran.stderr.contains("Nothing was mended"), !is_damaged, "{when}: {ran:?}");
            is_sound(&sandbox, (&tip, &tree), &when);
        }
    }
}

#[test]
fn what_is_left_of_a_pack_is_read_without_its_index() {
    let sandbox = packed();
    let (tip, tree) = (sandbox.tip(), sandbox.git(["rev-parse", "main^{tree}"]));
    let (pack, index) = (file(&sandbox, "pack"), file(&sandbox, "idx"));
    let whole = fs::read(&pack).expect("it is read");
    // Its end says that it is damaged, but each object is whole.
    put(&pack, Some(&flipped(&whole, whole.len() - 1)));
    put(&index, None);
    sandbox.run(["doctor"]).code(5);
    let planned = sandbox.run(["doctor", "--repair", "--dry-run"]).code(5);
    assert!(planned.stdout.contains("Would put aside a pack"), "{planned:?}");
    assert!(pack.exists(), "a plan changes nothing");
    let ran = sandbox.run(["doctor", "--repair"]).ok();
    assert!(ran.stderr.contains("from what is left of"), "{ran:?}");
    is_sound(&sandbox, (&tip, &tree), "no index");
}

/// Packed anew, a small store comes out as the very pack that is damaged.
#[test]
fn a_pack_with_a_damaged_object_goes_though_git_would_make_it_again() {
    let sandbox = packed();
    let (tip, tree) = (sandbox.tip(), sandbox.git(["rev-parse", "main^{tree}"]));
    let pack = file(&sandbox, "pack");
    let whole = fs::read(&pack).expect("it is read");
    // The commits stand first, and nobody has those.
    for at in (whole.len() / 2..whole.len()).step_by(whole.len() / 9) {
        put(&pack, Some(&flipped(&whole, at)));
        sandbox.run(["doctor"]).code(5);
        sandbox.run(["doctor", "--repair"]).ok();
        is_sound(&sandbox, (&tip, &tree), &format!("flipped at {at}"));
        let rest = file(&sandbox, "pack");
        assert_eq!(fs::read(&rest).expect("it is read"), whole, "it is the same again");
    }
}

/// What a killed writer leaves is no damage, and goes on being readable.
#[test]
fn a_pack_without_an_index_that_nobody_needs_is_told_and_mended() {
    let sandbox = packed();
    let (tip, tree) = (sandbox.tip(), sandbox.git(["rev-parse", "main^{tree}"]));
    let pack = file(&sandbox, "pack");
    let other = pack.with_file_name("pack-0123456789012345678901234567890123456789.pack");
    fs::copy(&pack, &other).expect("copied");
    let told = sandbox.run(["doctor"]).ok();
    assert!(told.stdout.contains("! packs"), "{told:?}");
    let ran = sandbox.run(["doctor", "--repair"]).ok();
    assert!(ran.stderr.contains("Made the index of a pack again"), "{ran:?}");
    is_sound(&sandbox, (&tip, &tree), "no index");
}

#[test]
fn gc_takes_in_what_a_killed_one_left_without_an_index() {
    let sandbox = packed();
    let pack = file(&sandbox, "pack");
    let beside = |digit: &str| pack.with_file_name(format!("pack-{}.pack", digit.repeat(40)));
    fs::copy(&pack, beside("1")).expect("copied");
    let whole = fs::read(&pack).expect("it is read");
    fs::write(beside("2"), &whole[..whole.len() / 2]).expect("written");
    sandbox.run(["gc"]).ok();
    let packs = fs::read_dir(pack.parent().expect("a folder")).expect("packs");
    let packs = packs.map(|it| it.expect("an entry").path());
    let packs: Vec<PathBuf> =
        packs.filter(|it| it.extension().is_some_and(|it| it == "pack")).collect();
    assert_eq!(
        packs.len(),
        2,
        "one that has all, and the torn one, which is the doctor's: {packs:?}"
    );
    sandbox.run(["doctor", "--repair"]).ok();
    let told = sandbox.run(["doctor"]).ok();
    assert!(!told.stdout.contains("! packs"), "{told:?}");
}

/// Git itself packs nothing then.
#[test]
fn what_is_missing_of_the_past_keeps_nothing_else_from_being_packed() {
    let names = ["main~1", "main~1^{tree}", "main~1:sessions"];
    for (name, is_cut) in names.into_iter().flat_map(|name| [(name, false), (name, true)]) {
        let sandbox = Sandbox::new();
        for said in 1..=3 {
            let transcript = sandbox.transcript(1).user("hello there");
            (0..said).fold(transcript, |it, at| it.agent(&format!("hi {at}"))).write();
            sandbox.capture();
        }
        let id = sandbox.git(["rev-parse", name]);
        let (shard, rest) = id.trim().split_at(2);
        let objects = sandbox.store().join("objects");
        let object = objects.join(shard).join(rest);
        let bytes = fs::read(&object).expect("it is read");
        put(&object, is_cut.then(|| &bytes[..bytes.len() / 2]));
        let tree = sandbox.git(["rev-parse", "main^{tree}"]);
        let mended = sandbox.run(["doctor", "--repair"]).code(5);
        assert!(mended.stderr.contains("Nobody who was asked has 1 object"), "{mended:?}");
        let packed = sandbox.run(["gc"]).ok();
        assert!(packed.stderr.contains("Something of the history is missing"), "{packed:?}");
        assert_eq!(sandbox.json(["gc"])["whole"], false, "{name}");
        let is_shard = |name: &str| name.len() == 2;
        let names = fs::read_dir(objects).expect("objects").map(|it| it.expect("one").file_name());
        let loose = names.filter(|it| is_shard(&it.to_string_lossy())).count();
        assert_eq!(loose, usize::from(is_cut), "{name}: all that can be read is in a pack");
        assert_eq!(sandbox.git(["rev-parse", "main^{tree}"]), tree, "{name}");
        assert_eq!(sandbox.json(["list"])["total"], 1, "{name}");
        sandbox.save("messages:\n- {role: user, text: Hi}\n");
    }
    assert_eq!(packed().json(["gc"])["whole"], true);
}

#[test]
fn lines_that_are_no_refs_go_out_of_the_packed_ones() {
    let sandbox = packed();
    let (tip, tree) = (sandbox.tip(), sandbox.git(["rev-parse", "main^{tree}"]));
    sandbox.git(["branch", "kept", "main~1"]);
    sandbox.git(["pack-refs", "--all"]);
    let path = sandbox.store().join("packed-refs");
    let kept = sandbox.git(["rev-parse", "kept"]);
    let mut bytes = fs::read(&path).expect("it is read");
    bytes.extend(b"\xff\0 refs/heads/torn\n0123");
    fs::write(&path, bytes).expect("written");
    let told = sandbox.run(["doctor"]).code(5);
    assert!(told.stdout.contains("packed-refs has lines"), "{told:?}");
    sandbox.run(["doctor", "--repair"]).ok();
    assert_eq!(sandbox.git(["rev-parse", "kept"]), kept);
    is_sound(&sandbox, (&tip, &tree), "packed-refs");
}

#[test]
fn without_objects_all_of_it_comes_from_a_clone() {
    let sandbox = packed();
    let (tip, tree) = (sandbox.tip(), sandbox.git(["rev-parse", "main^{tree}"]));
    let clone = sandbox.root().join("clone.git").display().to_string();
    let mut git = sandbox.plain_git(sandbox.root(), false);
    let store = sandbox.store();
    git.args(["clone", "-q", "--bare", "--no-hardlinks"]).arg(&store).arg(&clone);
    Ran::of(&mut git).ok();
    fs::remove_dir_all(store.join("objects")).expect("removed");
    assert_ne!(sandbox.run(["list"]).code, 0);
    let ran = sandbox.run(["doctor", "--repair", "--from", &clone]).ok();
    assert!(ran.stderr.contains("Made objects again"), "{ran:?}");
    is_sound(&sandbox, (&tip, &tree), "no objects");
}

#[test]
fn gits_settings_of_the_store_are_told_and_made_again() {
    let sandbox = packed();
    let (tip, tree) = (sandbox.tip(), sandbox.git(["rev-parse", "main^{tree}"]));
    let config = sandbox.store().join("config");
    let whole = fs::read_to_string(&config).expect("it is read");
    let zeros = "\0".repeat(100);
    for (text, code) in [(Some(zeros.as_str()), 5), (Some("[core"), 3), (Some(""), 0), (None, 0)] {
        put(&config, text.map(str::as_bytes));
        let told = sandbox.run(["doctor"]).code(code);
        assert!(code == 3 || told.stdout.contains("settings"), "{text:?}: {told:?}");
        let ran = sandbox.run(["doctor", "--repair"]).ok();
        assert!(ran.stderr.contains("settings") || code == 3, "{text:?}: {ran:?}");
        is_sound(&sandbox, (&tip, &tree), &format!("{text:?}"));
        let same = ["core.fsync=all", "core.bare=true", "gc.pruneexpire=never", "gc.auto=0"];
        let said = sandbox.git(["config", "--list", "--file", &config.display().to_string()]);
        assert!(same.iter().all(|it| said.contains(it)), "{text:?}: {said}");
    }
    // What somebody set otherwise is his.
    fs::write(&config, whole.replace("auto = 0", "auto = 7")).expect("written");
    let ran = sandbox.run(["doctor", "--repair"]).ok();
    assert!(ran.stderr.contains("Nothing was mended"), "{ran:?}");
}
