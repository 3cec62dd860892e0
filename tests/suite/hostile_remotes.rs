//! Remotes that mean harm: each is refused with one line, in bounded time, and the store is as it
//! was before, to the last object.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::support::Forge;
use crate::support::Mount;
use crate::support::Pack;
use crate::support::Ran;
use crate::support::Sandbox;
#[cfg(unix)]
use crate::support::Terminal;
use crate::support::forge::BLOB;
use crate::support::forge::COMMIT;
use crate::support::forge::Id;
use crate::support::forge::TAG;
use crate::support::forge::TREE;
use crate::support::forge::deflated;
use crate::support::forge::hex;
use crate::support::forge::id_of;
use crate::support::say;
use crate::support::servers::Impostor;
use crate::support::servers::packet;
use crate::support::servers::serve;

/// A store, and all that is in it, to be put together anew in other ways.
struct Scene {
    machine: Sandbox,
    good: Forge,
    tip: String,
    objects: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let machine = Sandbox::of_machine(1);
        machine.transcript(1).user("why?").agent("so that").write();
        machine.capture();
        let mut good = Forge::of(&machine.store());
        let tip = machine.tip();
        good.parents = format!("parent {tip}\n");
        let objects = machine.every_object();
        Self { machine, good, tip, objects }
    }

    /// Syncs with what an impostor says.
    fn sync(&self, address: &str) -> Ran {
        let start = Instant::now();
        self.machine.git(["config", "remote.evil.url", address]);
        let ran = self.machine.run(["sync"]);
        let took = start.elapsed();
        // Two seconds as people run it; the tests' own build is several times slower.
        assert!(took < Duration::from_secs(30), "it took {took:?}");
        assert!(!ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
        ran
    }

    /// Syncs with what is there, which must be refused in the time that any remote has.
    fn patiently(&self, what: &str, address: &str, why: &str) {
        let start = Instant::now();
        self.machine.git(["config", "remote.evil.url", address]);
        let ran = self.machine.run(["sync"]);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(300), "{what} took {took:?}");
        self.is_refusal(what, &ran, why);
    }

    /// Syncs with what is there, which must be refused.
    fn refused(&self, what: &str, impostor: Impostor, why: &str) {
        let ran = self.sync(&impostor.serve());
        self.is_refusal(what, &ran, why);
    }

    fn is_refusal(&self, what: &str, ran: &Ran, why: &str) {
        assert!(ran.code == 3 || ran.code == 5, "{what}: {ran:?}");
        assert!(ran.stderr.lines().count() <= 2, "{what}: one line and a hint: {}", ran.stderr);
        let first = ran.stderr.lines().next().unwrap_or_default();
        assert!(first.contains(why), "{what}: {}", ran.stderr);
        assert_eq!(self.machine.tip(), self.tip, "{what}");
        assert!(self.machine.every_object() == self.objects, "nothing of it stays: {what}");
        let own = fs::read_dir(self.machine.store().join("annals")).expect("it is there");
        let names = own.map(|it| it.expect("an entry").file_name().into_string().expect("a name"));
        let left: Vec<String> = names.filter(|it| it.starts_with("arriving")).collect();
        assert!(left.is_empty(), "{what}: {left:?}");
    }

    /// A folder put together otherwise, as main.
    fn spoilt(&self, what: &str, forged: &Forge, why: &str) {
        self.refused(what, offered(&|pack| forged.commit(pack)), why);
    }
}

/// What has that revision as its main.
fn offered(put: &dyn Fn(&mut Pack) -> Id) -> Impostor {
    let mut pack = Pack::default();
    let tip = put(&mut pack);
    Impostor { refs: main_at(&tip), pack: pack.finish() }
}

fn main_at(tip: &Id) -> Vec<String> {
    vec![format!("{} refs/heads/main", hex(tip))]
}

#[test]
fn a_store_put_together_by_hand_is_taken() {
    let scene = Scene::new();
    let note = scene.good.clone().with("notes.txt", b"mine\n");
    let ran = scene.sync(&offered(&|pack| note.commit(pack)).serve()).ok();
    assert_eq!(ran.stdout, "", "{ran:?}");
    assert!(scene.machine.tree().iter().any(|it| it.0 == "notes.txt"));
    scene.machine.fsck();
}

#[test]
fn names_that_have_no_place_are_refused() {
    let scene = Scene::new();
    let good = &scene.good;
    let blob = id_of(BLOB, &good.files[".gitattributes"]);
    let session = good.path("session.yaml").replace("session.yaml", "");
    let folders = ["", "sessions/", &session, &format!("{session}messages/")];
    let names: [&[u8]; 16] = [
        b"..",
        b".",
        b".git",
        b".GIT",
        b"git~1",
        b".git ",
        b".git.",
        b".git::$INDEX_ALLOCATION",
        ".g\u{200c}it".as_bytes(),
        b"../../x",
        b"/etc/passwd",
        b"a\\b",
        b".gitmodules",
        b"\x1b]0;x\x07",
        b"\xff\xfe",
        b"zzz",
    ];
    for (number, name) in names.iter().enumerate() {
        // A file of any fair name may stand in the top folder.
        let fair = [".gitmodules", "zzz", "a\\b", "\u{1b}]0;x\u{7}"];
        let is_fair = number == 14 || fair.iter().any(|it| it.as_bytes() == *name);
        let folder = folders[if is_fair { 1 + number % 3 } else { number % 4 }];
        let forged = good.clone().and(folder, "100644", name, blob);
        scene.spoilt(&format!("{:?} in {folder:?}", String::from_utf8_lossy(name)), &forged, "");
    }
}

#[test]
fn modes_and_folders_that_git_would_not_write_are_refused() {
    let scene = Scene::new();
    let good = &scene.good;
    for (mode, end) in [
        ("120000", "session.yaml"),
        ("160000", "session.yaml"),
        ("100755", "-000001.yaml"),
        ("100600", "session.yaml"),
        ("0100644", "-000001.yaml"),
        ("777", "annals.yaml"),
        ("120000", ".gitattributes"),
        ("120000", "annals.yaml"),
    ] {
        let mut forged = good.clone();
        forged.modes.insert(good.path(end), mode);
        scene.spoilt(&format!("{end} with the mode {mode}"), &forged, "");
    }
    let blob = id_of(BLOB, &good.files[".gitattributes"]);
    let twice = good.clone().and("", "100644", b".gitattributes", blob);
    scene.spoilt("a name twice", &twice, "");
    let shard = good.path("session.yaml");
    let shard: String = shard.split_inclusive('/').take(2).collect();
    let twice =
        good.clone().and(&shard, "40000", shard.split('/').nth(1).expect("hex").as_bytes(), blob);
    scene.spoilt("a file that says to be a folder", &twice, "");
    let mut late = good.clone();
    let attributes = late.files.remove(".gitattributes").expect("it is there");
    let late = late.and("", "100644", b".gitattributes", id_of(BLOB, &attributes));
    scene.spoilt("an unsorted folder", &late, "");
    for (what, bytes) in [
        ("a torn folder", b"100644 annals.yaml\0short".to_vec()),
        ("a folder that is not there", [b"40000 sessions\0".as_slice(), &[7; 20]].concat()),
        ("an empty folder", Vec::new()),
    ] {
        let spoilt = offered(&|pack| {
            let tree = pack.add(TREE, &bytes);
            commit_of(pack, &tree, "")
        });
        scene.refused(what, spoilt, "");
    }
    // Not what it says: each may stand where a revision should.
    let blob = offered(&|pack| pack.add(BLOB, b"no revision"));
    scene.refused("a file as main", blob, "it is a blob");
    let tree = offered(&|pack| pack.add(TREE, b""));
    scene.refused("a folder as main", tree, "it is a tree");
    let tag = offered(&|pack| {
        let tip = good.commit(pack);
        let text = format!(
            "object {}\ntype commit\ntag x\ntagger a <a@b> 1770000000 +0000\n\nx\n",
            hex(&tip)
        );
        pack.add(TAG, text.as_bytes())
    });
    scene.refused("a tag as main", tag, "it is a tag");
    // What is there already, but no revision.
    let known = scene.machine.git(["rev-parse", "main:annals.yaml"]);
    let known = Impostor { refs: vec![format!("{} refs/heads/main", known.trim())], pack: vec![] };
    scene.refused("a file of our own as main", known, "");
}

fn commit_of(pack: &mut Pack, tree: &Id, parents: &str) -> Id {
    let who = "a <a@b> 1770000000 +0000";
    let text = format!("tree {}\n{parents}author {who}\ncommitter {who}\n\nx\n", hex(tree));
    pack.add(COMMIT, text.as_bytes())
}

#[test]
fn what_came_along_unseen_is_looked_at_before_it_is_taken() {
    let scene = Scene::new();
    let note = scene.good.clone().with("notes.txt", b"mine\n");
    let (mut pack, mut spoilt) = (Pack::default(), scene.good.clone());
    let tip = note.commit(&mut pack);
    let head = spoilt.path("session.yaml");
    spoilt.modes.insert(head, "120000");
    spoilt.parents = format!("parent {}\n", hex(&tip));
    let stowaway = spoilt.commit(&mut pack);
    scene.sync(&Impostor { refs: main_at(&tip), pack: pack.finish() }.serve()).ok();
    assert_eq!(scene.machine.tip(), hex(&tip));
    // Now its objects are here, though nothing leads to it: as after a sync that was cut short.
    let known = Impostor { refs: main_at(&stowaway), pack: Vec::new() };
    let ran = scene.sync(&known.serve()).code(3);
    assert!(ran.stderr.contains("session.yaml"), "{}", ran.stderr);
    assert_eq!(scene.machine.tip(), hex(&tip));
    assert_eq!(scene.machine.json(["doctor"])["verdict"], "fine");
}

#[test]
fn torn_and_lying_packs_are_refused() {
    let scene = Scene::new();
    let mut pack = Pack::default();
    let tip = scene.good.clone().with("notes.txt", b"mine\n").commit(&mut pack);
    let good = pack.finish();
    let sent = |pack: Vec<u8>| Impostor { refs: main_at(&tip), pack };
    for cut in [0, 5, 12, 40, good.len() - 21, good.len() - 1] {
        scene.refused(&format!("cut at {cut}"), sent(good[..cut].to_vec()), "");
    }
    for at in [5, 11, 20, 60, good.len() - 3] {
        let mut changed = good.clone();
        changed[at] ^= 0x40;
        scene.refused(&format!("changed at {at}"), sent(changed), "");
    }
    scene.refused("objects that do not come", sent(pack.finish_with(500)), "");
    scene.refused("four thousand million objects", sent(pack.finish_with(u32::MAX)), "");
    scene.refused("objects that nobody counted", sent(pack.finish_with(3)), "");
    let other = offered(&|pack| pack.add(BLOB, b"another"));
    scene.refused("another pack", sent(other.pack), "");
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let scene = Scene::new();
    let good = &scene.good;
    let with = |edit: &dyn Fn(&mut Pack)| {
        offered(&|pack| {
            edit(pack);
            good.commit(pack)
        })
    };
    let says = |size| with(&|pack| pack.entry(BLOB, size, &[], &deflated(&vec![0; 31 << 20])));
    scene.refused("a giant that is none", says(1 << 33), "");
    scene.refused("an object that goes on", says(100), "");
    // 64 KiB, copied often enough to make 16 GiB of some KB.
    let delta = |copies: usize, size: &[u8]| {
        [&[0x80, 0x80, 0x04][..], size, &[0x80].repeat(copies)].concat()
    };
    let bomb = with(&|pack| {
        let base = pack.add(BLOB, &vec![b'x'; 1 << 16]);
        let delta = delta(1 << 18, &[0x80, 0x80, 0x80, 0x80, 0x40]);
        pack.entry(7, delta.len(), &base, &deflated(&delta));
    });
    assert!(bomb.pack.len() < 64 << 10, "it is small: {}", bomb.pack.len());
    scene.refused("16 GiB in one", bomb, "");
    let chunk = good.path("-000001.yaml");
    let long = good.clone().with(&chunk, &vec![b'#'; 65 << 20]);
    scene.spoilt("a long file of messages", &long, "more than 64 MiB");
    let list = "1,".repeat(11_000_000);
    let values = format!("---\nmessage: user\ncontent: x\nnative:\n  x: [{list}1]\n");
    let many = good.clone().with(&chunk, values.as_bytes());
    scene.spoilt("too many values", &many, "may hold more than 10000000 values");
    let long = good.clone().with(&good.path("session.yaml"), &vec![b'#'; 2 << 20]);
    scene.spoilt("a long head", &long, "more than 1 MiB");
    let long = good.clone().with("annals.yaml", &vec![b'#'; 2 << 20]);
    scene.spoilt("a long marker", &long, "more than 1 MiB");
    let mut many = good.clone();
    let messages = chunk.replace("-000001.yaml", "");
    let id = id_of(BLOB, &vec![b'#'; 60 << 20]);
    let (folder, short) = messages.rsplit_once('/').expect("a path");
    for number in 2..=5_000 {
        let name = format!("{short}-{number:06}.yaml");
        many = many.and(&format!("{folder}/"), "100644", name.as_bytes(), id);
    }
    let bomb = offered(&|pack| {
        pack.add(BLOB, &vec![b'#'; 60 << 20]);
        many.commit(pack)
    });
    scene.refused("one file five thousand times", bomb, "its messages have more than 512 MiB");
    let mut wide = good.clone();
    for number in 0..2_000 {
        wide = wide.with(&format!("f{number}"), b"");
    }
    scene.spoilt("a wide folder", &wide, "more than 1000 files");
    let bomb = offered(&|pack| {
        let tree = folders_in_folders(pack);
        good.clone().and("", "40000", b"tree", tree).commit(pack)
    });
    scene.refused("ten thousand million files in folders", bomb, "has no place in a store");
}

#[cfg(unix)]
#[test]
fn who_waits_for_a_remote_that_says_nothing_can_stop_it() {
    let scene = Scene::new();
    let (told, heard) = std::sync::mpsc::channel();
    let silent = serve(move |_, _| {
        told.send(()).ok();
        std::thread::sleep(Duration::from_secs(60));
    });
    scene.machine.git(["config", "remote.evil.url", &format!("{silent}/x.git")]);
    let mut program = scene.machine.program();
    let terminal = Terminal::start(program.arg("sync"), 100, 20);
    heard.recv_timeout(Duration::from_secs(60)).expect("it asks");
    let start = Instant::now();
    terminal.press("\u{3}");
    let left = terminal.end();
    assert_eq!(left.code, 130, "{}", left.screen);
    assert!(start.elapsed() < Duration::from_secs(20), "all that it started is gone too");
    assert_eq!(scene.machine.tip(), scene.tip);
}

#[test]
fn the_dearest_that_a_remote_can_do_ends_too() {
    if std::env::var_os("ANNALS_BOMBS").is_none() {
        return say("skipped: ANNALS_BOMBS is not set; these take minutes");
    }
    let scene = Scene::new();
    let good = &scene.good;
    let start = |what: &str| (what.to_owned(), Instant::now());
    let told = |(what, start): (String, Instant)| say(&format!("{what}: {:?}", start.elapsed()));
    let values = |count: usize| {
        let list = "1,".repeat(count);
        format!("---\nmessage: user\ncontent: x\nnative:\n  x: [{list}1]\n")
    };
    let timed = start("nine million values in a file of messages");
    let chunk = good.path("-000001.yaml");
    let many = good.clone().with(&chunk, values(9_000_000).as_bytes());
    scene.patiently("many values", &offered(&|pack| many.commit(pack)).serve(), "");
    told(timed);
    let timed = start("as many folders as values, one in the other");
    let deep = format!("---\nmessage: user\ncontent: x\nnative: {}\n", "[".repeat(60 << 20));
    let deep = good.clone().with(&chunk, deep.as_bytes());
    scene.patiently("deep values", &offered(&|pack| deep.commit(pack)).serve(), "");
    told(timed);
    let timed = start("a thousand deltas that make 480 MiB each");
    let bomb = offered(&|pack| {
        let base = pack.add(BLOB, &vec![b'x'; 1 << 16]);
        for number in 0..1_000_u16 {
            let [high, low] = number.to_be_bytes();
            let size: usize = (480 << 20) + 2;
            let mut delta = vec![0x80, 0x80, 0x04];
            let mut left = size;
            while left >= 0x80 {
                delta.push(u8::try_from(left & 0x7f).expect("7 bits") | 0x80);
                left >>= 7;
            }
            delta.push(u8::try_from(left).expect("7 bits"));
            delta.extend_from_slice(&[2, high, low]);
            delta.extend_from_slice(&[0x80].repeat(480 << 4));
            pack.entry(7, delta.len(), &base, &deflated(&delta));
        }
        good.commit(pack)
    });
    scene.patiently("many giants", &bomb.serve(), "nothing came for");
    told(timed);
    let timed = start("refs without end");
    let endless = serve(|_, stream| {
        use std::io::Write as _;
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\
                    Content-Type: application/x-git-upload-pack-advertisement\r\n\r\n";
        let begin = [packet("# service=git-upload-pack\n"), b"0000".to_vec()].concat();
        stream.write_all(&[head.as_bytes(), &begin].concat()).ok();
        let mut number = 0_u64;
        loop {
            let line = format!("{} refs/heads/b{number:030}\n", "1".repeat(40));
            if stream.write_all(&packet(&line).repeat(100)).is_err() {
                return;
            }
            number += 1;
        }
    });
    scene.patiently("refs without end", &format!("{endless}/x.git"), "");
    told(timed);
    let timed = start("nothing at all");
    let silent = serve(|_, _| std::thread::sleep(Duration::from_secs(600)));
    scene.patiently("silence", &format!("{silent}/x.git"), "nothing came for 120 s");
    told(timed);
}

/// Ten folders, each ten times in the next.
fn folders_in_folders(pack: &mut Pack) -> Id {
    let mut id = pack.add(BLOB, b"x");
    for level in 0..10 {
        let mode = if level == 0 { "100644" } else { "40000" };
        let entry = |number| [format!("{mode} {number}\0").as_bytes(), &id].concat();
        id = pack.add(TREE, &(0..10).map(entry).collect::<Vec<_>>().concat());
    }
    id
}

#[test]
fn what_lies_in_the_past_of_a_sound_revision_does_no_harm() {
    let scene = Scene::new();
    let good = &scene.good;
    let chunk = good.path("-000001.yaml");
    let mut link = good.clone();
    link.modes.insert(good.path("session.yaml"), "120000");
    let no_head = {
        let mut forge = good.clone();
        forge.files.remove(&good.path("session.yaml"));
        forge
    };
    let file = id_of(BLOB, &good.files["annals.yaml"]);
    let mut bare = Forge { parents: good.parents.clone(), ..Forge::default() };
    bare = bare.with("annals.yaml", &good.files["annals.yaml"]);
    let stories = [
        ("a link", link),
        ("no head", no_head),
        ("no marker", Forge { parents: good.parents.clone(), ..Forge::default() }.with("x", b"x")),
        ("a file for all sessions", bare.and("", "100644", b"sessions", file)),
        ("a torn record", good.clone().with(&chunk, &good.files[&chunk][..40])),
        ("a giant", good.clone().with(&chunk, &vec![b'#'; 65 << 20])),
        ("odd bytes", good.clone().with(&chunk, b"\xff\xfe\0")),
        ("a later schema", good.clone().with("annals.yaml", b"store: x\nschema: 9\n")),
    ];
    for (what, past) in stories {
        let scene = Scene::new();
        let offer = offered(&|pack| {
            let before = past.commit(pack);
            let mut note = scene.good.clone().with("notes.txt", b"mine\n");
            note.parents = format!("parent {}\n", hex(&before));
            note.commit(pack)
        });
        past_is_borne(what, &scene, offer);
    }
    let offer = offered(&|pack| {
        let tree = folders_in_folders(pack);
        let before = scene.good.clone().and("", "40000", b"tree", tree).commit(pack);
        let mut note = scene.good.clone().with("notes.txt", b"mine\n");
        note.parents = format!("parent {}\n", hex(&before));
        note.commit(pack)
    });
    past_is_borne("folders in folders", &scene, offer);
}

/// Either it is refused, or all that annals does goes on.
fn past_is_borne(what: &str, scene: &Scene, offer: Impostor) {
    let ran = scene.sync(&offer.serve());
    if ran.code != 0 {
        return scene.is_refusal(what, &ran, "");
    }
    let machine = &scene.machine;
    let begun = machine.transcript(1).user("why?").agent("so that");
    let id = begun.user("and then?").write().short();
    machine.capture();
    for command in [["show", &id], ["restore", &id], ["search", "why"], ["gc", "--quiet"]] {
        machine.run(command).ok();
    }
    machine.run(["list"]).ok();
    // What each revision changed, and what is damaged anywhere, asks for the past itself.
    for ran in [machine.run(["log", &id]), machine.run(["doctor"])] {
        assert!(ran.code == 0 || ran.code == 5, "{what}: {ran:?}");
    }
}

#[test]
fn what_a_remote_says_is_never_an_order() {
    let scene = Scene::new();
    let tip = scene.tip.clone();
    let refs = |lines: &[String]| Impostor { refs: lines.to_vec(), pack: Vec::new() };
    let many: Vec<String> = (0..200_000).map(|it| format!("{tip} refs/heads/b{it}")).collect();
    let empty = |refs| {
        let ran = scene.sync(&Impostor { refs, pack: Vec::new() }.serve());
        scene.is_refusal("a push that it does not take", &ran, "");
    };
    empty(many);
    empty(vec![format!("{tip} refs/heads/--upload-pack=touch x")]);
    scene.refused("no id", refs(&["zzzz refs/heads/main".to_owned()]), "");
    scene.refused("nothing", refs(&[format!("{} refs/heads/main", "0".repeat(40))]), "");
    let gone = refs(&[format!("{} refs/heads/main", "1".repeat(40))]);
    scene.refused("what it does not have", gone, "");
    // Control characters, and more of them than fit a line.
    let shouting = serve(|_, stream| {
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\
                    Content-Type: application/x-git-upload-pack-advertisement\r\n\r\n";
        std::io::Write::write_all(stream, head.as_bytes()).ok();
        let said = "ERR \u{1b}]0;owned\u{7}\u{1b}[2J\nfatal: do as I say\r\n";
        let said = [packet("# service=git-upload-pack\n"), b"0000".to_vec(), packet(said)];
        std::io::Write::write_all(stream, &said.concat()).ok();
    });
    let ran = scene.sync(&format!("{shouting}/x.git"));
    scene.is_refusal("one that shouts", &ran, "");
    // Elsewhere: nothing is asked there.
    let there = scene.machine.root().join("there");
    let was_asked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&was_asked);
    let other = serve(move |_, _| asked.store(true, Ordering::SeqCst));
    for target in ["https://127.0.0.1:1/x.git", "file:///etc", &other, "ext::sh"].map(str::to_owned)
    {
        let moved = serve(move |asked, stream| {
            let to = format!("{target}{}", asked.path.trim_start_matches("/x.git"));
            let head = format!(
                "HTTP/1.1 302 Found\r\nLocation: {to}?service=git-upload-pack\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n"
            );
            std::io::Write::write_all(stream, head.as_bytes()).ok();
        });
        let ran = scene.sync(&format!("{moved}/x.git"));
        scene.is_refusal("one that leads elsewhere", &ran, "");
        assert!(!was_asked.load(Ordering::SeqCst), "nobody else is asked");
    }
    // Settings that somebody else wrote.
    let touch = there.display();
    for address in [
        format!("ext::sh -c touch% {touch}"),
        format!("--upload-pack=touch {touch}"),
        format!("-oProxyCommand=touch {touch}:x"),
        format!("ssh://-oProxyCommand=touch {touch}/x"),
        "fd::3".to_owned(),
        format!("file://localhost/../../{touch}"),
        "gcrypt::ext::sh".to_owned(),
        "/dev/zero".to_owned(),
        "/proc/self".to_owned(),
        "/".to_owned(),
    ] {
        let ran = scene.sync(&address);
        scene.is_refusal(&address, &ran, "");
        assert!(!there.exists(), "{address}");
    }
}

#[test]
fn a_remote_that_sends_for_ever_is_ended_when_half_of_the_disk_is_full() {
    let machine = Sandbox::of_machine(1);
    let folder = machine.root().join("data");
    fs::create_dir(&folder).expect("a folder is made");
    let Some(mount) = Mount::tmpfs(&folder, "64m") else {
        return say("skipped: no file system may be mounted here");
    };
    machine.run(["init"]).ok();
    let tip = machine.tip();
    let head =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/x-git-upload-pack";
    let endless = serve(move |asked, stream| {
        use std::io::Write as _;
        let refs = format!("{} refs/heads/main\0ofs-delta\n", "1".repeat(40));
        if asked.path.ends_with("/info/refs") {
            write!(stream, "{head}-advertisement\r\n\r\n").ok();
            let refs = [packet("# service=git-upload-pack\n"), b"0000".to_vec(), packet(&refs)];
            stream.write_all(&refs.concat()).ok();
            stream.write_all(b"0000").ok();
            return;
        }
        write!(stream, "{head}-result\r\n\r\n0008NAK\n").ok();
        stream.write_all(&Pack::default().finish_with(1_000_000)[..12]).ok();
        // What no deflating makes small, object after object.
        let (mut state, mut number) = (1_u64, 0_u64);
        loop {
            let bytes: Vec<u8> = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(number | 1);
                state.to_be_bytes()[0]
            })
            .take(1 << 20)
            .collect();
            let mut pack = Pack::default();
            pack.add(BLOB, &bytes);
            let entry = &pack.finish_with(1)[12..];
            if stream.write_all(&entry[..entry.len() - 20]).is_err() {
                return;
            }
            number += 1;
        }
    });
    machine.run(["remote", "add", "evil", &format!("{endless}/x.git")]).ok();
    let ran = machine.run(["sync"]).code(3);
    let why = "fetching: more arrives than half of what is free on the disk";
    assert_eq!(ran.stderr, format!("remote: the remote evil: {why}\n"));
    assert_eq!(machine.tip(), tip);
    let own = fs::read_dir(machine.store().join("annals")).expect("it is there");
    let left: Vec<PathBuf> = own.map(|it| it.expect("an entry").path()).collect();
    assert!(!left.iter().any(|it| it.to_string_lossy().contains("arriving")), "{left:?}");
    drop(mount);
}
