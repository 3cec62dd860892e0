//! Hostile bundles: each is refused whole, with one clear line, in bounded time and memory, and
//! nothing is written anywhere.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use crate::support::Forge;
use crate::support::Pack;
use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::forge;
use crate::support::forge::BLOB;
use crate::support::forge::COMMIT;
use crate::support::forge::TREE;
use crate::support::forge::deflated;
use crate::support::forge::hex;
use crate::support::forge::id_of;

/// A store, and the parts of a bundle that it takes.
struct Scene {
    sandbox: Sandbox,
    good: Forge,
    before: Vec<PathBuf>,
}

impl Scene {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let id = sandbox.save("title: Parser\nmessages:\n- {role: user, text: Why?}\n");
        let file = sandbox.root().join("good.bundle");
        Ran::of(sandbox.program().args(["share", &id, "-o"]).arg(&file)).ok();
        let good = taken_apart(&file, &sandbox.root().join("clone"));
        fs::remove_file(&file).expect("it is there");
        let before = listing(&sandbox);
        Self { sandbox, good, before }
    }

    /// Imports bytes, which must be refused.
    fn refused(&self, what: &str, bytes: &[u8], code: i32, why: &str) {
        let file = self.sandbox.root().join("hostile.bundle");
        fs::write(&file, bytes).expect("it is written");
        let tip = self.sandbox.tip();
        let start = Instant::now();
        let mut command = self.sandbox.limited();
        let ran = Ran::of(command.arg("import").arg("--yes").arg(&file)).code(code);
        let took = start.elapsed();
        fs::remove_file(&file).expect("it is there");
        // Five seconds as people run it; the tests' own build is several times slower.
        let limit = if cfg!(debug_assertions) { 20 } else { 5 };
        assert!(took < Duration::from_secs(limit), "{what} took {took:?}");
        let first = ran.stderr.lines().next().unwrap_or_default();
        assert!(first.contains("hostile.bundle is not imported: "), "{what}: {}", ran.stderr);
        assert!(first.contains(why), "{what}: {}", ran.stderr);
        assert!(
            ran.stderr.lines().count() <= 2,
            "{what} takes one line and a hint: {}",
            ran.stderr
        );
        assert!(!ran.stderr.contains('\u{1b}'), "{what}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{what}: {}", ran.stdout);
        assert_eq!(self.sandbox.tip(), tip, "{what} changes nothing in the store");
        assert_eq!(listing(&self.sandbox), self.before, "{what} leaves nothing behind");
    }
}

fn listing(sandbox: &Sandbox) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![sandbox.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            // SQLite's own, which comes and goes with each reader.
            let name = path.to_string_lossy().into_owned();
            if ["-wal", "-shm", ".lock"].iter().any(|end| name.ends_with(end)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The files of a bundle.
fn taken_apart(bundle: &Path, clone: &Path) -> Forge {
    let mut git = Command::new("git");
    git.args(["-c", "init.defaultBranch=main", "clone", "-q", "--bare"]).arg(bundle).arg(clone);
    assert!(git.status().expect("git runs").success(), "git opens the bundle");
    let forge = Forge::of(clone);
    fs::remove_dir_all(clone).expect("it is there");
    forge
}

#[test]
fn r7_3_a_bundle_taken_apart_and_put_together_is_imported() {
    let scene = Scene::new();
    let file = scene.sandbox.root().join("again.bundle");
    fs::write(&file, scene.good.bundle()).expect("it is written");
    let ran = Ran::of(scene.sandbox.limited().arg("import").arg(&file)).ok();
    assert!(ran.stderr.contains("Imported 1 session"), "{}", ran.stderr);
}

#[test]
fn r7_3_names_and_modes_that_have_no_place_are_refused() {
    let scene = Scene::new();
    let good = &scene.good;
    let blob = good.files["README.md"].clone();
    let blob = id_of(BLOB, &blob);
    let session = good.path("session.yaml").replace("session.yaml", "");
    let messages = format!("{session}messages/");
    let names: [&[u8]; 18] = [
        b"..",
        b".",
        b".git",
        b".GIT",
        b".Git",
        b"git~1",
        b".git ",
        b".git.",
        b".git::$INDEX_ALLOCATION",
        ".g\u{200c}it".as_bytes(),
        b"../../x",
        b"/etc/passwd",
        b"a\\b",
        b".gitmodules",
        b"con",
        b"\x1b]0;x\x07",
        b"\xff\xfe",
        b"zzz",
    ];
    for name in names {
        for folder in ["", "sessions/", &session, &messages] {
            for (mode, what) in [("100644", "file"), ("40000", "folder")] {
                if mode == "40000" && !folder.is_empty() {
                    continue;
                }
                let forged = good.clone().and(folder, mode, name, blob);
                let shown = String::from_utf8_lossy(name);
                scene.refused(
                    &format!("{shown:?} as a {what} in {folder:?}"),
                    &forged.bundle(),
                    3,
                    "",
                );
            }
        }
    }
    for (mode, why) in [
        ("120000", "symbolic link"),
        ("160000", "submodule"),
        ("100755", "odd mode"),
        ("100664", "odd mode"),
        ("100600", "odd mode"),
        ("0100644", "as git writes it"),
        ("777", "odd mode"),
    ] {
        for end in ["README.md", "session.yaml", "-000001.yaml"] {
            let mut forged = good.clone();
            forged.modes.insert(good.path(end), mode);
            scene.refused(&format!("{end} with the mode {mode}"), &forged.bundle(), 3, why);
        }
    }
}

#[test]
fn r7_3_folders_that_git_would_not_write_are_refused() {
    let scene = Scene::new();
    let good = &scene.good;
    let readme = id_of(BLOB, &good.files["README.md"]);
    let twice = good.clone().and("", "100644", b"README.md", readme);
    scene.refused("a name twice", &twice.bundle(), 3, "as git writes it");
    let mut late = good.clone();
    late.files.remove(".gitattributes");
    let attributes = id_of(BLOB, b"* -text\n");
    let late = late.and("", "100644", b".gitattributes", attributes);
    scene.refused("an unsorted folder", &late.bundle(), 3, "as git writes it");
    let mut pack = Pack::default();
    let torn = pack.add(TREE, b"100644 README.md\0short");
    let commit = commit_of(&mut pack, torn);
    scene.refused("a torn folder", &pack.bundle(commit), 3, "no list of files");
    let mut pack = Pack::default();
    good.commit(&mut pack);
    let tree = pack.add(BLOB, b"no folder");
    let commit = commit_of(&mut pack, tree);
    scene.refused("a file as the top folder", &pack.bundle(commit), 3, "not a tree");
    let mut pack = Pack::default();
    let empty = pack.add(TREE, b"");
    let commit = commit_of(&mut pack, empty);
    scene.refused("nothing", &pack.bundle(commit), 3, "annals.yaml is not in it");
    // A folder that holds itself cannot be made, but one in the other for ever can be claimed.
    let mut pack = Pack::default();
    let missing = pack.add(TREE, &[b"40000 sessions\0".as_slice(), &[7; 20]].concat());
    let commit = commit_of(&mut pack, missing);
    scene.refused("a folder that is not there", &pack.bundle(commit), 3, "is not in it");
}

fn commit_of(pack: &mut Pack, tree: forge::Id) -> forge::Id {
    let who = "a <a@b> 1770000000 +0000";
    let text = format!("tree {}\nauthor {who}\ncommitter {who}\n\nx\n", hex(&tree));
    pack.add(COMMIT, text.as_bytes())
}

#[test]
fn r7_3_headers_refs_and_histories_are_refused() {
    let scene = Scene::new();
    let mut pack = Pack::default();
    let tip = scene.good.commit(&mut pack);
    let id = hex(&tip);
    let header = |lines: &str| pack.with_header(&format!("# v2 git bundle\n{lines}\n"));
    let many: Vec<String> = (0..5000).map(|n| format!("{id} refs/heads/b{n}\n")).collect();
    let many = many.concat();
    for (what, bytes, why) in [
        (
            "an option as a ref",
            header(&format!("{id} --upload-pack=touch x\n")),
            "only main is taken",
        ),
        ("a dash", header(&format!("{id} -x\n")), "only main is taken"),
        ("another branch", header(&format!("{id} refs/heads/other\n")), "only main is taken"),
        (
            "a climbing ref",
            header(&format!("{id} refs/heads/../../config\n")),
            "only main is taken",
        ),
        ("a ref with escapes", header(&format!("{id} refs/\u{1b}[2J\n")), "only main is taken"),
        ("many refs", header(&many), "only main is taken"),
        ("main many times", header(&format!("{id} HEAD\n").repeat(5000)), "too many refs"),
        ("prerequisites", header(&format!("-{id} x\n{id} HEAD\n")), "does not bring"),
        ("a filter", header(&format!("@filter=blob:none\n{id} HEAD\n")), "does not bring"),
        ("no ref", header(""), "no ref stands in its header"),
        ("a ref to nothing", header(&format!("{} HEAD\n", "0".repeat(40))), "is not in it"),
        (
            "two tips",
            header(&format!("{id} HEAD\n{} refs/heads/main\n", "1".repeat(40))),
            "different",
        ),
        ("letters for an id", header(&format!("{} HEAD\n", "Z".repeat(40))), "names no commit"),
        (
            "a later version",
            pack.with_header(&format!("# v9 git bundle\n{id} HEAD\n\n")),
            "no git bundle",
        ),
        (
            "a header without end",
            [b"# v2 git bundle\n".as_slice(), &[b'a'; 9000]].concat(),
            "no git bundle",
        ),
        ("a header alone", b"# v2 git bundle\n".to_vec(), "cut off"),
        ("bytes", vec![0xff; 5000], "no UTF-8 text"),
        ("nothing", Vec::new(), "nothing stands there"),
    ] {
        scene.refused(what, &bytes, 3, why);
    }
    let mut forged = scene.good.clone();
    forged.parents = format!("parent {id}\n");
    scene.refused("a history", &forged.bundle(), 3, "a history, not one commit");
    let mut pack = Pack::default();
    let tip = scene.good.commit(&mut pack);
    pack.add(BLOB, b"what nobody asked for");
    scene.refused("a stowaway", &pack.bundle(tip), 3, "belongs to nothing");
}

#[test]
fn r7_3_torn_and_changed_packs_are_damaged() {
    let scene = Scene::new();
    let good = scene.good.bundle();
    let start = good.windows(4).position(|part| part == b"PACK").expect("a pack");
    for cut in [start + 5, start + 12, start + 40, good.len() - 21, good.len() - 1] {
        scene.refused(&format!("cut at {cut}"), &good[..cut], 5, "it is damaged");
    }
    for at in [start + 11, start + 20, start + 60, good.len() - 3] {
        let mut changed = good.clone();
        changed[at] ^= 0x40;
        scene.refused(&format!("changed at {at}"), &changed, 5, "it is damaged");
    }
    // The checksum is right, what stands before it is not.
    let mut pack = Pack::default();
    let tip = scene.good.commit(&mut pack);
    let header = format!("# v2 git bundle\n{} HEAD\n\n", hex(&tip));
    let with = |pack: Vec<u8>| [header.as_bytes(), &pack].concat();
    scene.refused("an object too many", &with(pack.finish_with(500)), 5, "cut off");
    scene.refused("a million objects", &with(pack.finish_with(1_000_000)), 3, "1000000 objects");
    scene.refused("an object too few", &with(pack.finish_with(3)), 3, "follows its last object");
    let forged = |edit: &dyn Fn(&mut Pack)| {
        let mut pack = Pack::default();
        let tip = scene.good.commit(&mut pack);
        edit(&mut pack);
        pack.bundle(tip)
    };
    let garbage = forged(&|pack| pack.entry(BLOB, 10, &[], b"garbage that is no zlib stream"));
    scene.refused("garbage", &garbage, 5, "inflated");
    let short = forged(&|pack| pack.entry(BLOB, 90, &[], &deflated(b"short")));
    scene.refused("an object shorter than it says", &short, 5, "longer or shorter");
    let kind = forged(&|pack| pack.entry(5, 5, &[], &deflated(b"short")));
    scene.refused("an unknown kind", &kind, 3, "of the kind 5");
    let tag = forged(&|pack| pack.entry(4, 5, &[], &deflated(b"short")));
    scene.refused("a tag", &tag, 3, "of the kind 4");
    let twice = forged(&|pack| {
        pack.entry(BLOB, 5, &[], &deflated(b"twice"));
        pack.entry(BLOB, 5, &[], &deflated(b"twice"));
    });
    scene.refused("an object twice", &twice, 3, "twice");
}

#[test]
fn r7_3_deltas_stay_within_their_limits() {
    let scene = Scene::new();
    let forged = |edit: &dyn Fn(&mut Pack)| {
        let mut pack = Pack::default();
        let tip = scene.good.commit(&mut pack);
        edit(&mut pack);
        pack.bundle(tip)
    };
    let insert = [0, 1, 1, b'x'];
    let thin = forged(&|pack| pack.entry(7, 4, &[7; 20], &deflated(&insert)));
    scene.refused("a thin pack", &thin, 3, "does not bring");
    let nowhere = forged(&|pack| pack.entry(6, 4, &[0x7f], &deflated(&insert)));
    scene.refused("a delta on nothing", &nowhere, 5, "leads nowhere");
    let itself = forged(&|pack| pack.entry(6, 4, &[0], &deflated(&insert)));
    scene.refused("a delta on itself", &itself, 5, "leads nowhere");
    let far = forged(&|pack| pack.entry(6, 4, &[0xff; 12], &deflated(&insert)));
    scene.refused("a delta from far away", &far, 5, "leads nowhere");
    let deep = forged(&|pack| {
        let mut base = pack.add(BLOB, b"");
        for number in 1..=80_u8 {
            // Each inserts one byte more than the one before.
            let text: Vec<u8> = (0..number).collect();
            let delta = [&[number - 1, number, number][..], &text].concat();
            pack.entry(7, delta.len(), &base, &deflated(&delta));
            base = id_of(BLOB, &text);
        }
    });
    scene.refused("a tower of deltas", &deep, 3, "one upon the other");
    let bomb = forged(&|pack| {
        // A megabyte, copied again and again.
        let base = vec![b'x'; 1 << 16];
        let base = pack.add(BLOB, &base);
        let mut delta = vec![0x80, 0x80, 0x04, 0x80, 0x80, 0x80, 0x80, 0x04];
        delta.extend_from_slice(&[0x80].repeat(16_384));
        pack.entry(7, delta.len(), &base, &deflated(&delta));
    });
    scene.refused("a delta that makes a gigabyte", &bomb, 3, "more than 32 MiB");
}

#[test]
fn r7_3_bombs_and_giants_are_refused_before_they_grow() {
    let scene = Scene::new();
    let good = &scene.good;
    let zeros = vec![0; 31 << 20];
    let packed = deflated(&zeros);
    let mut pack = Pack::default();
    let tip = good.commit(&mut pack);
    // 1 GiB in a MiB.
    for _ in 0..32 {
        pack.entry(BLOB, zeros.len(), &[], &packed);
    }
    assert!(pack.len() < 2 << 20, "it is small: {}", pack.len());
    scene.refused("a bomb of many", &pack.bundle(tip), 3, "");
    let mut pack = Pack::default();
    let tip = good.commit(&mut pack);
    pack.entry(BLOB, 1 << 33, &[], &packed);
    scene.refused("a giant", &pack.bundle(tip), 3, "more than 32 MiB");
    let mut pack = Pack::default();
    let tip = good.commit(&mut pack);
    pack.entry(BLOB, 100, &[], &packed);
    scene.refused("a stream that goes on", &pack.bundle(tip), 5, "longer or shorter");
    let chunk = good.path("-000001.yaml");
    let long = good.clone().with(&chunk, &vec![b'#'; 5 << 20]);
    scene.refused("a long file of messages", &long.bundle(), 3, "more than 4 MiB");
    let head = good.clone().with(&good.path("session.yaml"), &vec![b'#'; 2 << 20]);
    scene.refused("a long head", &head.bundle(), 3, "more than 1 MiB");
    let values =
        format!("---\nmessage: user\ncontent: x\nnative:\n  x: [{}1]\n", "1,".repeat(600_000));
    let mut many = good.clone().with(&chunk, values.as_bytes());
    for number in 2..=3 {
        let path = chunk.replace("-000001", &format!("-{number:06}"));
        let text = format!("{values}  n: {number}\n");
        many = many.with(&path, text.as_bytes());
    }
    scene.refused("too many values", &many.bundle(), 3, "values");
    let mut wide = Vec::new();
    for number in 0..200_000 {
        wide.extend_from_slice(format!("100644 f{number:06}\0").as_bytes());
        wide.extend_from_slice(&[7; 20]);
    }
    let mut pack = Pack::default();
    let tree = pack.add(TREE, &wide);
    let tip = commit_of(&mut pack, tree);
    scene.refused("a wide folder", &pack.bundle(tip), 3, "");
}

#[test]
fn r7_3_what_stands_in_the_files_is_checked_too() {
    let scene = Scene::new();
    let good = &scene.good;
    let (head, chunk) = (good.path("session.yaml"), good.path("-000001.yaml"));
    let text = |path: &str| String::from_utf8(good.files[path].clone()).expect("text");
    let manifest = text("annals.yaml");
    let id = text(&head)
        .lines()
        .find_map(|it| it.strip_prefix("id: ").map(str::to_owned))
        .expect("an id");
    let id = id.trim_matches('"').to_owned();
    for (what, path, bytes, code, why) in [
        ("a later schema", "annals.yaml", manifest.replace("schema: 4", "schema: 5"), 5, "newer"),
        ("an older schema", "annals.yaml", manifest.replace("schema: 4", "schema: 3"), 3, "schema"),
        (
            "another manifest",
            "annals.yaml",
            manifest.replace("bundle: 1", "bundle: 7"),
            3,
            "bundle",
        ),
        ("a store's marker", "annals.yaml", format!("store: \"{id}\"\nschema: 4\n"), 3, "bundle"),
        (
            "other sessions",
            "annals.yaml",
            manifest.replace(&id, "01890000-0000-7000-8000-00005e550011"),
            3,
            "other sessions",
        ),
        ("no manifest", "annals.yaml", "- [".to_owned(), 3, "line"),
        (
            "another head",
            &head,
            text(&head).replace(&id, "01890000-0000-7000-8000-00005e550011"),
            3,
            "another",
        ),
        ("a later head", &head, "schema: 99\nid: x\n".to_owned(), 5, "newer"),
        ("no head", &head, "a: b\n".to_owned(), 3, "id: is missing"),
        ("no records", &chunk, "---\nnothing: 1\n".to_owned(), 3, "no record"),
        ("broken YAML", &chunk, "---\nmessage: \"user\n".to_owned(), 3, "line"),
        ("an alias bomb", &chunk, "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n".to_owned(), 3, "line"),
        ("a deep text", &chunk, format!("message: {}", "[".repeat(100_000)), 3, "line"),
        (
            "a file that is not there",
            &chunk,
            "---\nmessage: user\ncontent: \"\"\nfiles:\n  /content: ../../x.txt\n".to_owned(),
            5,
            "is missing",
        ),
        ("a tag", &chunk, "---\n!!python/object:os.system x\n".to_owned(), 3, ""),
    ] {
        let forged = good.clone().with(path, bytes.as_bytes());
        scene.refused(what, &forged.bundle(), code, why);
    }
    let not_text = good.clone().with(&chunk, b"---\nmessage: \xff\n");
    scene.refused("no UTF-8", &not_text.bundle(), 3, "no UTF-8");
    let mut renumbered = good.clone();
    let bytes = renumbered.files.remove(&chunk).expect("it is there");
    let renumbered = renumbered.with(&chunk.replace("-000001", "-000002"), &bytes);
    scene.refused("a gap in the messages", &renumbered.bundle(), 3, "no place there");
    let mut moved = Forge::default();
    for (path, bytes) in &good.files {
        let path = path.replace(&id, "01890000-0000-7000-8000-00005e550011");
        moved.files.insert(path, bytes.clone());
    }
    scene.refused("a session in a wrong folder", &moved.bundle(), 3, "no place there");
}

#[test]
fn r7_3_a_plain_bundle_of_any_repository_is_refused() {
    let scene = Scene::new();
    let work = scene.sandbox.root().join("work");
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").arg("-C").arg(&work).args(args);
        assert!(command.output().expect("git runs").status.success(), "{args:?}");
    };
    fs::create_dir(&work).expect("a folder");
    git(&["init", "-q", "-b", "main"]);
    fs::write(work.join("main.rs"), "fn main() {}").expect("written");
    git(&["add", "."]);
    git(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x"]);
    git(&["bundle", "create", "-q", "x.bundle", "main", "HEAD"]);
    let bytes = fs::read(work.join("x.bundle")).expect("a bundle");
    fs::remove_dir_all(&work).expect("it is there");
    scene.refused("code", &bytes, 3, "main.rs");
}
