//! R2.4: a session is resumed where its workspace lies on this machine.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
#[cfg(unix)]
use crate::support::Terminal;
use crate::support::Transcript;

const SHOP: &str = "example.com/kim/shop";

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    let who = ["-c", "user.name=Kim", "-c", "user.email=kim@example.com"];
    command.arg("-C").arg(folder).args(who).args(arguments);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?} failed");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A folder of the sandbox's, with one below it, as the system has its path.
fn folder(sandbox: &Sandbox, path: &str) -> PathBuf {
    let folder = sandbox.root().join(path);
    fs::create_dir_all(folder.join("api/v1")).expect("a folder is made");
    folder.canonicalize().expect("it is there")
}

/// A repository with a remote.
fn clone(sandbox: &Sandbox, path: &str, url: &str) -> PathBuf {
    let folder = folder(sandbox, path);
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["remote", "add", "origin", url]);
    folder
}

fn talk(sandbox: &Sandbox, number: u32, workspace: &Path) -> Transcript {
    let transcript = sandbox.transcript(number).workspace(&workspace.to_string_lossy());
    transcript.user("Fix the login.").agent("Done.").write()
}

/// Another machine, with what is in this one's store and nothing else.
fn other_machine(sandbox: &Sandbox) -> Sandbox {
    let other = Sandbox::new();
    fs::create_dir_all(other.store().parent().expect("a folder")).expect("made");
    let mut command = Command::new("cp");
    let copied = command.arg("-a").args([sandbox.store(), other.store()]).status();
    assert!(copied.expect("it runs").success());
    fs::remove_dir_all(other.store().join("annals")).expect("it is never carried");
    other
}

/// Where a session is restored to, and how that was found.
fn place(sandbox: &Sandbox, session: &Transcript) -> (PathBuf, String) {
    let plan = sandbox.json(["restore", &session.short(), "--dry-run"]);
    assert_eq!(plan["notices"], json!([]));
    let text = |key: &str| plan[key].as_str().expect("a text").to_owned();
    (PathBuf::from(text("workspace")), text("workspace_source"))
}

fn found(folder: PathBuf) -> (PathBuf, String) {
    (folder, "repository".to_owned())
}

fn machine(sandbox: &Sandbox) -> PathBuf {
    sandbox.store().join("annals/machine.toml")
}

#[test]
fn r2_4_capture_tells_repositories_and_learns_where_they_lie() {
    let mut sandbox = Sandbox::new();
    let shop = clone(&sandbox, "shop", "https://kim:pw@Example.com/kim/shop.git");
    let talk = talk(&sandbox, 1, &shop.join("api"));
    sandbox.capture();
    let head = &sandbox.json(["show", &talk.short()])["session"];
    assert_eq!(head["workspace"]["repository"], SHOP);
    let path = machine(&sandbox);
    let text = fs::read_to_string(&path).expect("it is there");
    let marker = sandbox.git(["cat-file", "blob", "main:annals.yaml"]);
    let id = text.split('"').nth(1).expect("the store's id");
    assert!(marker.contains(id), "{text}\n{marker}");
    let expected = format!(
        "[[place]]\nrepository = \"{SHOP}\"\nfolder = \"{}\"\nseen = 2026-11-22T12:00:00Z\n",
        shop.display()
    );
    assert!(text.ends_with(&expected), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    talk.user("Go on.").write();
    sandbox.capture();
    assert_eq!(fs::read_to_string(&path).expect("there"), text, "nothing new was seen");
    sandbox.set_now("2026-12-28T12:00:00Z");
    sandbox.transcript(1).workspace(&shop.join("api").to_string_lossy()).user("New.").write();
    sandbox.capture();
    let later = fs::read_to_string(&path).expect("there");
    assert!(later.contains("seen = 2026-12-28T12:00:00Z"), "{later}");
}

#[test]
fn r2_4_a_repository_is_told_once_and_stays_what_it_was() {
    let sandbox = Sandbox::new();
    let shop = clone(&sandbox, "shop", "git@example.com:kim/shop.git");
    let session = talk(&sandbox, 1, &shop);
    sandbox.capture();
    git(&shop, &["remote", "set-url", "origin", "https://example.com/kim/store"]);
    // Read from its first line: the agent wrote all of it anew.
    session.reworded(0, "Fix the logout.").agent("Done again.").write();
    sandbox.capture();
    let facts =
        sandbox.tree().into_iter().map(|(_, text)| text.matches("annals: workspace").count());
    assert_eq!(facts.sum::<usize>(), 1);
    let again = talk(&sandbox, 2, &shop);
    sandbox.capture();
    let head = &sandbox.json(["show", &again.short()])["session"];
    assert_eq!(head["workspace"]["repository"], "example.com/kim/store");
}

#[test]
fn r2_4_a_moved_folder_is_found_once_it_was_seen_again() {
    let sandbox = Sandbox::new();
    let shop = clone(&sandbox, "src/shop", "https://example.com/kim/shop");
    let (top, below) = (talk(&sandbox, 1, &shop), talk(&sandbox, 2, &shop.join("api/v1")));
    sandbox.capture();
    assert_eq!(place(&sandbox, &top), (shop.clone(), "recorded".to_owned()));
    let moved = sandbox.root().canonicalize().expect("there").join("store");
    fs::rename(&shop, &moved).expect("it is moved and renamed");
    assert_eq!(place(&sandbox, &top), (shop, "recorded".to_owned()), "nobody saw it yet");
    talk(&sandbox, 3, &moved);
    sandbox.capture();
    assert_eq!(place(&sandbox, &top), found(moved.clone()));
    assert_eq!(place(&sandbox, &below), found(moved.join("api/v1")));
    let ran = sandbox.run(["resume", &below.short(), "--print"]).ok();
    let command =
        format!("cd {} && claude --resume {}\n", moved.join("api/v1").display(), below.id());
    assert_eq!(ran.stdout, command);
    let said = format!("is not here; {SHOP} lies in {}/api/v1", moved.display());
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    let restored = below.clone().workspace(&moved.join("api/v1").to_string_lossy()).path();
    assert!(restored.exists(), "the agent looks for it in the folder of the new place");
    assert_eq!(sandbox.json(["capture"])["revision"], Value::Null, "it is nothing new");
}

#[test]
fn r2_4_another_machine_has_the_repository_elsewhere_and_another_way_to_its_remote() {
    let sandbox = Sandbox::new();
    let shop = clone(&sandbox, "shop", "git@example.com:kim/shop.git");
    let session = talk(&sandbox, 1, &shop.join("api"));
    sandbox.capture();
    let other = other_machine(&sandbox);
    fs::rename(&shop, sandbox.root().join("hidden")).expect("no machine has the other's paths");
    let refused = other.run(["resume", &session.short(), "--yes"]).code(3);
    assert_eq!(
        refused.stderr,
        format!(
            "not done: There is no folder {shop}/api to start claude in, and {SHOP} was not seen here.\n\
             `annals resume {id} --workspace DIR` resumes the session in another; \
             `annals workspace map {SHOP} DIR` says where it lies, for all its sessions.\n",
            shop = shop.display(),
            id = session.short()
        )
    );
    let laden = clone(&other, "laden", "https://example.com/kim/shop");
    let mapped = other.run(["workspace", "map", "shop", "../laden/api"]).ok();
    let expected = format!("{SHOP} lies in {} here; 1 session is about it.\n", laden.display());
    assert_eq!(mapped.stderr, expected, "a folder in it stands for all of it");
    assert_eq!(place(&other, &session), found(laden.join("api")));
    other.run(["workspace", "forget", SHOP]).ok();
    assert_eq!(place(&other, &session).1, "recorded");
    let dir = laden.join("api").to_string_lossy().into_owned();
    other.run(["restore", &session.short(), "--workspace", &dir]).ok();
    assert_eq!(place(&other, &session), found(laden.join("api")), "--workspace was remembered");
}

#[test]
fn r2_4_another_machine_finds_it_where_its_own_sessions_were_held() {
    let sandbox = Sandbox::new();
    let shop = clone(&sandbox, "shop", "git@example.com:kim/shop.git");
    let session = talk(&sandbox, 1, &shop);
    sandbox.capture();
    let other = other_machine(&sandbox);
    fs::rename(&shop, sandbox.root().join("hidden")).expect("no machine has the other's paths");
    let laden = clone(&other, "laden", "https://example.com/kim/shop");
    talk(&other, 2, &laden);
    other.capture();
    assert_eq!(place(&other, &session), found(laden.clone()));
    fs::remove_file(machine(&other)).expect("somebody removed it");
    assert_eq!(place(&other, &session), found(laden), "its own session tells too");
}

#[test]
fn r2_4_of_two_clones_the_one_seen_last_is_taken_and_none_that_is_another_repository() {
    let sandbox = Sandbox::new();
    let [gone, first, second] = ["gone", "first", "second"]
        .map(|path| clone(&sandbox, path, "https://example.com/kim/shop"));
    let session = talk(&sandbox, 1, &gone);
    sandbox.capture();
    fs::remove_dir_all(&gone).expect("it is removed");
    for (number, seen) in [(2, &first), (3, &second), (4, &first)] {
        talk(&sandbox, number, seen);
        sandbox.capture();
        assert_eq!(place(&sandbox, &session), found(seen.clone()));
    }
    let dir = second.to_string_lossy();
    sandbox.run(["workspace", "map", SHOP, &dir]).ok();
    assert_eq!(place(&sandbox, &session), found(second.clone()), "what is said counts at once");
    git(&second, &["remote", "set-url", "origin", "https://example.com/kim/other"]);
    assert_eq!(
        place(&sandbox, &session),
        found(first.clone()),
        "another repository lies there now"
    );
    fs::remove_dir_all(&first).expect("it is removed");
    assert_eq!(place(&sandbox, &session), (gone, "recorded".to_owned()));
}

#[test]
fn r2_4_without_a_remote_the_first_commit_tells() {
    let sandbox = Sandbox::new();
    let shop = folder(&sandbox, "shop");
    git(&shop, &["init", "--quiet"]);
    git(&shop, &["commit", "--quiet", "--allow-empty", "-m", "one"]);
    let session = talk(&sandbox, 1, &shop);
    sandbox.capture();
    let identity = git(&shop, &["rev-parse", "HEAD"]);
    let head = &sandbox.json(["show", &session.short()])["session"];
    assert_eq!(head["workspace"]["repository"], *identity);
    let copy = sandbox.root().join("copy");
    git(sandbox.root(), &["clone", "--quiet", "shop", "copy"]);
    fs::remove_dir_all(&shop).expect("it is removed");
    sandbox.run(["workspace", "map", &identity[..7], &copy.to_string_lossy()]).ok();
    assert_eq!(place(&sandbox, &session).1, "repository");
}

#[test]
fn r2_4_a_folder_without_a_repository_is_mapped_with_all_below_it() {
    let sandbox = Sandbox::new();
    let notes = folder(&sandbox, "notes");
    let (top, below) = (talk(&sandbox, 1, &notes), talk(&sandbox, 2, &notes.join("api")));
    sandbox.capture();
    let head = &sandbox.json(["show", &top.short()])["session"];
    assert_eq!(head["workspace"]["repository"], Value::Null);
    let old = notes.to_string_lossy().into_owned();
    let there = sandbox.run(["workspace", "map", &old, "."]).code(3);
    assert!(there.stderr.contains("is there, so sessions about it are resumed in it"));
    let moved = folder(&sandbox, "moved");
    fs::remove_dir_all(&notes).expect("it is removed");
    let refused = sandbox.run(["resume", &top.short(), "--yes"]).code(3);
    assert!(
        refused.stderr.contains(&format!("`annals workspace map {old} DIR`")),
        "{}",
        refused.stderr
    );
    let mapped = sandbox.json(["workspace", "map", &format!("{old}/"), "../moved"]);
    let folder = moved.to_string_lossy().into_owned();
    assert_eq!(
        mapped,
        json!({"kind": "annals.mapped/1", "repository": null, "root": old, "folder": folder, "sessions": 2})
    );
    assert_eq!(place(&sandbox, &top), (moved.clone(), "moved".to_owned()));
    assert_eq!(place(&sandbox, &below), (moved.join("api"), "moved".to_owned()));
    let told = sandbox.run(["restore", &top.short()]).ok();
    assert!(
        told.stderr.contains(&format!("{old} is not here; it is {folder} now")),
        "{}",
        told.stderr
    );
    fs::remove_dir_all(&moved).expect("it is removed");
    assert_eq!(place(&sandbox, &top), (notes, "recorded".to_owned()), "what is gone is no place");
    let forgotten = sandbox.json(["workspace", "forget", &old]);
    assert_eq!(forgotten, json!({"kind": "annals.forgotten/1", "repository": null, "root": old}));
    let again = sandbox.run(["workspace", "forget", &old]).code(3);
    assert!(again.stderr.starts_with("not found: nothing is noted of "), "{}", again.stderr);
}

#[test]
fn r2_4_a_folder_named_at_restore_is_remembered_only_where_it_takes_the_place_of_one() {
    let sandbox = Sandbox::new();
    let notes = folder(&sandbox, "notes");
    let session = talk(&sandbox, 1, &notes);
    sandbox.capture();
    let elsewhere = folder(&sandbox, "elsewhere");
    let restore = || {
        let dir = elsewhere.to_string_lossy().into_owned();
        sandbox.run(["restore", &session.short(), "--force", "--workspace", &dir]).ok();
    };
    restore();
    fs::remove_dir_all(&notes).expect("it is removed");
    assert_eq!(place(&sandbox, &session).1, "recorded", "it was there then");
    restore();
    assert_eq!(place(&sandbox, &session), (elsewhere.clone(), "moved".to_owned()));
}

#[test]
fn r2_4_what_is_here_is_also_what_was_held_elsewhere() {
    let sandbox = Sandbox::new();
    let shop = clone(&sandbox, "shop", "git@example.com:kim/shop.git");
    let web = clone(&sandbox, "web", "git@example.com:kim/web.git");
    let session = talk(&sandbox, 1, &shop);
    talk(&sandbox, 2, &web);
    sandbox.capture();
    let other = other_machine(&sandbox);
    let laden = clone(&other, "laden", "https://example.com/kim/shop");
    let run = |folder: &Path, args: &[&str]| {
        let mut command = other.program();
        Ran::of(command.current_dir(folder).arg("--json").args(args))
    };
    for folder in [laden.clone(), laden.join("api")] {
        for args in
            [&["list", "--here"][..], &["search", "login", "--here"], &["search", "here: login"]]
        {
            let ran = run(&folder, args);
            let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
            assert_eq!(found["total"], 1, "{args:?}: {ran:?}");
        }
        let shown: Value =
            serde_json::from_str(&run(&folder, &["show", "@"]).stdout).expect("JSON");
        assert_eq!(shown["session"]["short"], session.short());
    }
    let none = run(&other.home(), &["list", "--here"]);
    let none: Value = serde_json::from_str(&none.stdout).expect("JSON");
    assert_eq!(none["total"], 0, "a folder in no repository has its own sessions only");
    let mut command = other.program();
    let ran = Ran::of(command.current_dir(&laden).args(["list", "--here", "--tag", "none"]));
    assert!(!ran.stderr.contains("No session is about"), "{}", ran.stderr);
}

#[test]
fn r2_4_a_hostile_file_leads_nowhere_and_stops_nothing() {
    let sandbox = Sandbox::new();
    let shop = clone(&sandbox, "shop", "git@example.com:kim/shop.git");
    let session = talk(&sandbox, 1, &shop);
    sandbox.capture();
    let other = clone(&sandbox, "other", "git@example.com:kim/other.git");
    fs::remove_dir_all(&shop).expect("it is removed");
    let path = machine(&sandbox);
    let entry = |folder: &str| format!("[[place]]\nrepository = \"{SHOP}\"\nfolder = {folder:?}\n");
    let hostile = [
        "[[place".to_owned(),
        "place = 7\nmoved = [1]\n".to_owned(),
        entry("../../etc"),
        entry("/etc"),
        entry("/dev/zero"),
        entry(&other.to_string_lossy()),
        entry("--upload-pack=x"),
        format!("[[moved]]\nfrom = \"/\"\nto = \"{}\"\n", other.join("api").display()),
        entry("/x\u{1b}[2J"),
        "#".repeat(2 << 20),
        "\u{0}".to_owned(),
    ];
    for text in hostile {
        fs::write(&path, &text).expect("written");
        let shown: String = text.chars().take(60).collect();
        let plan = sandbox.json(["restore", &session.short(), "--dry-run"]);
        assert_eq!(plan["workspace_source"], "recorded", "{shown}");
        let told = sandbox.run(["restore", &session.short()]).ok();
        assert!(!told.stderr.contains('\u{1b}'), "{shown}");
        let listed = sandbox.run(["workspace", "list"]).ok();
        assert!(!(listed.stdout + &listed.stderr).contains('\u{1b}'), "{shown}");
        assert_eq!(fs::read_to_string(&path).expect("there"), text, "nothing was written over");
    }
    fs::write(&path, "[[place").expect("written");
    talk(&sandbox, 2, &other);
    let captured = sandbox.json(["capture"]);
    let notice = captured["notices"][0].as_str().expect("a notice");
    assert!(notice.contains("machine.toml, line 1: "), "{notice}");
    let refused = sandbox.run(["workspace", "map", "other", &other.to_string_lossy()]).code(3);
    assert!(refused.stderr.contains("machine.toml, line 1: "), "{}", refused.stderr);
}

#[test]
fn r2_4_workspaces_are_listed_with_their_places() {
    let sandbox = Sandbox::new();
    let shop = clone(&sandbox, "home/shop", "git@example.com:kim/shop.git");
    let notes = folder(&sandbox, "home/notes");
    for (number, folder) in [(1, &shop), (2, &shop.join("api")), (3, &notes)] {
        talk(&sandbox, number, folder);
    }
    sandbox.transcript(4).workspace("/Users/kim/web").user("Hello.").write();
    sandbox.capture();
    let moved = clone(&sandbox, "home/store", "git@example.com:kim/shop.git");
    talk(&sandbox, 5, &moved);
    sandbox.capture();
    fs::remove_dir_all(&shop).expect("it is removed");
    sandbox.run(["workspace", "map", "/Users/kim", "notes"]).ok();
    let listed = sandbox.run(["workspace", "list"]).ok();
    let lines: Vec<&str> = listed.stdout.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    WORKSPACE             SESSIONS  HERE           ELSEWHERE
    ~/notes                      1  ~/notes
    example.com/kim/shop         3  ~/store        ~/shop
                                    ~/shop (gone)  ~/shop/api
    /Users/kim/web               1  –
    /Users/kim                   0  ~/notes
    ");
    let folder = shop.to_string_lossy().into_owned();
    let json = sandbox.json(["workspace", "list"]);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    assert_eq!(
        json,
        json!({
            "kind": "annals.workspaces/1",
            "workspaces": [
                {
                    "repository": null,
                    "root": text(&notes),
                    "sessions": 1,
                    "places": [{"folder": text(&notes), "exists": true, "seen": null}],
                    "elsewhere": [],
                },
                {
                    "repository": SHOP,
                    "root": null,
                    "sessions": 3,
                    "places": [
                        {"folder": text(&moved), "exists": true, "seen": "2026-11-22T12:00:01Z"},
                        {"folder": folder, "exists": false, "seen": "2026-11-22T12:00:00Z"},
                    ],
                    "elsewhere": [folder, format!("{folder}/api")],
                },
                {
                    "repository": null,
                    "root": "/Users/kim/web",
                    "sessions": 1,
                    "places": [],
                    "elsewhere": [],
                },
                {
                    "repository": null,
                    "root": "/Users/kim",
                    "sessions": 0,
                    "places": [{"folder": text(&notes), "exists": true, "seen": null}],
                    "elsewhere": [],
                },
            ],
            "faults": [],
        })
    );
}

#[test]
fn r2_4_what_is_mapped_wrongly_is_refused_with_the_reason() {
    let sandbox = Sandbox::new();
    let shop = clone(&sandbox, "shop", "git@example.com:kim/shop.git");
    let web = clone(&sandbox, "web", "git@example.com:lee/shop.git");
    talk(&sandbox, 1, &shop);
    talk(&sandbox, 2, &web);
    sandbox.capture();
    let (home, shop) = (sandbox.home().canonicalize().expect("there"), shop.display().to_string());
    let said = |args: [&str; 4]| {
        let said = sandbox.run(args).code(3).stderr;
        said.replace(&shop, "[shop]").replace(&home.display().to_string(), "[home]")
    };
    insta::assert_snapshot!(said(["workspace", "map", "lee/shop", "../shop"]), @r"
    refused: [shop] is example.com/kim/shop, not example.com/lee/shop
    `annals workspace map OLD_ROOT DIR` maps a folder that sessions have recorded, whatever lies in DIR.
    ");
    insta::assert_snapshot!(said(["workspace", "map", "kim/shop", "."]), @r"
    refused: [home] is in no git repository, so it is not example.com/kim/shop
    `annals workspace map OLD_ROOT DIR` maps a folder that sessions have recorded, whatever lies in DIR.
    ");
    insta::assert_snapshot!(said(["workspace", "map", "kim/shop", "gone"]), @r"
    not found: there is no folder [home]/gone
    DIR must be there already.
    ");
    insta::assert_snapshot!(said(["workspace", "map", "shop", "../shop"]), @r"
    ambiguous: shop may mean several repositories: example.com/kim/shop, example.com/lee/shop
    Give more of its name, from the end.
    ");
    insta::assert_snapshot!(said(["workspace", "map", "nothing", "../shop"]), @r"
    refused: nothing is neither a repository that a session is about nor a whole path
    `annals workspace list` shows what sessions are about, and what is noted.
    ");
    let secret = format!("ghp_{}", "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5");
    let hidden = folder(&sandbox, &secret);
    let refused = sandbox.run(["workspace", "map", "/old", &hidden.to_string_lossy()]).code(3);
    assert!(refused.stderr.contains("looks like a secret"), "{}", refused.stderr);
    let text = fs::read_to_string(machine(&sandbox)).expect("there");
    assert!(!text.contains(&secret), "{text}");
}

#[cfg(unix)]
#[test]
fn r2_4_on_a_terminal_the_folder_is_asked_for_once() {
    let sandbox = Sandbox::new();
    let shop = clone(&sandbox, "shop", "git@example.com:kim/shop.git");
    let (first, second) = (talk(&sandbox, 1, &shop), talk(&sandbox, 2, &shop));
    sandbox.capture();
    fs::rename(&shop, sandbox.home().join("laden")).expect("it is moved");
    let open = |session: &Transcript| {
        let mut command = sandbox.program();
        Terminal::start(command.args(["resume", &session.short()]), 200, 24)
    };
    let terminal = open(&first);
    terminal.wait_for("Where does it lie now?");
    terminal.press("\r");
    let left = terminal.end();
    assert!(left.screen.contains("There is no folder"), "{}", left.screen);
    assert_eq!(left.code, 3);
    let terminal = open(&first);
    terminal.wait_for("Where does it lie now?");
    terminal.press("~\r");
    let left = terminal.end();
    assert!(left.screen.contains("is in no git repository"), "{}", left.screen);
    let terminal = open(&first);
    terminal.wait_for("Where does it lie now?");
    terminal.press("~/laden\r").wait_for("Start claude in ~/laden?");
    terminal.press("n\r");
    assert_eq!(terminal.end().code, 3);
    let terminal = open(&second);
    let screen = terminal.wait_for("Start claude in ~/laden?");
    assert!(!screen.contains("Where does it lie"), "{screen}");
    terminal.press("n\r");
    assert_eq!(terminal.end().code, 3);
}
