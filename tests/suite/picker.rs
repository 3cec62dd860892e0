//! R5: the picker, driven in a real terminal.

use std::fs;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::support::Sandbox;
use crate::support::Terminal;
use crate::support::Transcript;

const ENTER: &str = "\r";
const ESCAPE: &str = "\u{1b}";
const TAB: &str = "\t";
const RIGHT: &str = "\u{1b}[C";

/// What Ctrl and that letter send.
fn ctrl(letter: char) -> String {
    char::from(letter as u8 - b'a' + 1).to_string()
}

/// A home with three sessions, one of them about the current folder, and an agent that says where it
/// was started, with what, and on which kind of terminal.
fn stage() -> (Sandbox, [Transcript; 3]) {
    let sandbox = Sandbox::new();
    let home = sandbox.home();
    let shop = home.join("shop");
    let queue = sandbox.root().join("queue");
    for folder in [&shop, &queue] {
        fs::create_dir_all(folder).expect("a folder is made");
    }
    let (shop, queue) = (shop.to_string_lossy(), queue.to_string_lossy());
    let [one, two, three] = [1, 2, 3].map(|number| sandbox.transcript(number));
    let transcripts = [
        one.workspace(&queue).user("Make the queue test stable").agent("It waits for a clock."),
        two.workspace(&queue).user("Write the manual of the parser").agent("Chapter one begins."),
        three
            .workspace(&shop)
            .user("Fix the login redirect\u{1b}]0;owned\u{7}")
            .agent("The query is lost on the way."),
    ];
    let transcripts = transcripts.map(Transcript::write);
    sandbox.capture();
    let bin = sandbox.root().join("bin");
    fs::create_dir(&bin).expect("a folder is made");
    let script = "#!/bin/sh\nstty -a | grep -o -e '-icanon' -e '-echo '\necho \"$PWD $*\"\n";
    fs::write(bin.join("claude"), script).expect("a program is written");
    make_executable(&bin.join("claude"));
    (sandbox, transcripts)
}

fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it may be run");
}

fn open<const N: usize>(sandbox: &Sandbox, args: [&str; N], size: (u16, u16)) -> Terminal {
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = sandbox.root().join("bin");
    let mut command = sandbox.program();
    command.env("PATH", format!("{}:{path}", bin.display()));
    Terminal::start(command.args(args), size.0, size.1)
}

#[test]
fn r5_picker_filters_previews_and_resumes() {
    let (sandbox, [one, ..]) = stage();
    let terminal = open(&sandbox, ["resume"], (100, 30));
    let screen = terminal.wait_for("The query is lost on the way.");
    let first = screen.lines().nth(1).unwrap_or_default();
    assert!(
        first.starts_with(">  Fix the login redirect␛]0;owned␇"),
        "this folder first: {screen}"
    );
    terminal.press("qtest").wait_for("It waits for a clock.");
    terminal.wait_for("1/3");
    terminal.press(ENTER);
    let left = terminal.end();
    let folder = sandbox.root().join("queue");
    let started = format!("{} --resume {}", folder.display(), one.id());
    assert!(left.screen.replace('\n', "").contains(&started), "{}", left.screen);
    assert!(!left.screen.contains("-icanon") && !left.screen.contains("-echo"), "{}", left.screen);
    assert_eq!((left.code, left.is_restored), (0, true));
    let steered = left.bytes.windows(4).any(|bytes| bytes == b"\x1b]0;");
    assert!(!steered, "what a session holds steers no terminal");
}

#[test]
fn r5_picker_is_left_without_a_choice() {
    let (sandbox, _) = stage();
    for keys in [ESCAPE.to_owned(), ctrl('c'), format!("?q{}", ctrl('c'))] {
        let terminal = open(&sandbox, ["list", "-i"], (80, 24));
        terminal.wait_for("3/3");
        terminal.press(&keys);
        let left = terminal.end();
        assert_eq!((left.code, left.is_restored), (130, true), "{keys:?}: {}", left.screen);
    }
}

#[test]
fn r5_picker_gives_the_terminal_back_when_it_is_killed() {
    let (sandbox, _) = stage();
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let terminal = open(&sandbox, ["resume"], (80, 24));
        terminal.wait_for("3/3");
        terminal.signal(signal);
        let left = terminal.end();
        assert_eq!((left.code, left.is_restored), (code, true), "{signal:?}: {}", left.screen);
        let shown = left.bytes.windows(6).rposition(|bytes| bytes == b"\x1b[?25h");
        assert!(shown.is_some(), "the cursor is there again");
    }
    // Half of a key: whoever reads it waits for the rest.
    let terminal = open(&sandbox, ["resume"], (80, 24));
    terminal.wait_for("3/3");
    terminal.press("\u{1b}[").signal(Signal::TERM);
    let left = terminal.end();
    assert_eq!((left.code, left.is_restored), (143, true), "{}", left.screen);
}

#[test]
fn r5_picker_ends_when_its_terminal_is_gone_though_no_signal_says_so() {
    let (sandbox, _) = stage();
    // Nobody's controlling terminal.
    let (pty, inside) = pty_process::blocking::open().expect("a terminal can be made");
    pty.resize(pty_process::Size::new(24, 80)).expect("it has a size");
    let end = || inside.as_fd().try_clone_to_owned().expect("it can be shared");
    let mut command = sandbox.program();
    command.arg("resume").env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end());
    let mut child = command.spawn().expect("the program starts");
    drop((command, inside));
    let mut drawn = Vec::new();
    let mut buffer = [0; 4096];
    while !drawn.windows(9).any(|bytes| bytes == b"Esc leave") {
        let length = (&pty).read(&mut buffer).expect("it draws");
        drawn.extend_from_slice(&buffer[..length]);
    }
    drop(pty);
    let (ended, end) = channel();
    thread::spawn(move || ended.send(child.wait()));
    let status = end.recv_timeout(Duration::from_secs(60)).expect("it ends by itself");
    assert_eq!(status.expect("it can be waited for").signal(), Some(Signal::HUP.as_raw()));
}

#[test]
fn r5_picker_leaves_nothing_of_its_screen_behind() {
    let (sandbox, _) = stage();
    let terminal = open(&sandbox, ["resume"], (80, 24));
    terminal.wait_for("3/3");
    terminal.resize(120, 40);
    terminal.wait_for("│");
    terminal.press(&ctrl('c'));
    let left = terminal.end();
    assert_eq!((left.screen.trim(), left.is_restored), ("", true));
    // What is drawn when the screens are changed is wrapped by some terminals, and pushed out.
    let last = left.bytes.windows(4).rposition(|bytes| bytes == b"\x1b[2J").expect("it clears");
    let gone = left.bytes.windows(8).rposition(|bytes| bytes == b"\x1b[?1049l").expect("it leaves");
    assert!(last < gone && !left.bytes[last..gone].contains(&b'H'), "nothing is drawn between");
}

#[test]
fn r5_picker_searches_the_texts() {
    let (sandbox, [one, ..]) = stage();
    let terminal = open(&sandbox, ["resume"], (100, 30));
    terminal.wait_for("3/3");
    terminal.press(&ctrl('f')).wait_for("Type what to look for in the texts.");
    terminal.press("\"waits for\"").wait_for("1 found");
    terminal.wait_for("2 assistant: It waits for a clock.");
    terminal.press(" OR").wait_for("Character 13: OR stands between two terms");
    terminal.press(" lost agent:claude").wait_for("2 found");
    terminal.press(&ctrl('l')).wait_for("1 found · only here");
    terminal.press(&ctrl('l')).wait_for("2 found · everywhere");
    terminal.press(" tag:none").wait_for("No text has it.");
    terminal.press(ESCAPE).wait_for("3/3");
    terminal.press("clock").wait_for("Nothing matches.");
    terminal.press(&ctrl('f')).wait_for("1 found");
    terminal.press(ENTER);
    let left = terminal.end();
    let started = format!("{} --resume {}", sandbox.root().join("queue").display(), one.id());
    assert!(left.screen.replace('\n', "").contains(&started), "{}", left.screen);
}

#[test]
fn r5_picker_finds_the_message_in_a_long_session() {
    let sandbox = Sandbox::new();
    let mut long = sandbox.transcript(1).user("Count");
    for number in 0..400 {
        long = match number {
            77 | 333 => {
                long.tool("Bash", &json!({"command": "count"}), &format!("needle {number}"))
            }
            _ => long.agent(&format!("This is number {number}.")),
        };
    }
    long.write();
    sandbox.capture();
    let terminal = open(&sandbox, ["resume"], (80, 24));
    terminal.wait_for("1/1");
    terminal.press(&ctrl('f')).press("needle").wait_for("1 found");
    let first = terminal.wait_for("/2)");
    let (here, there) = if first.contains("needle 77") { (77, 333) } else { (333, 77) };
    let shown = |number| format!("⎿ needle {number}");
    terminal.wait_for(&shown(here));
    terminal.press(&ctrl('s')).wait_for(&shown(there));
    terminal.press(&ctrl('r')).wait_for(&shown(here));
    terminal.press(&ctrl('c'));
    assert_eq!(terminal.end().code, 130);
}

#[test]
fn r5_picker_is_opened_by_the_shell_which_goes_on_with_what_is_chosen() {
    let (sandbox, [_, two, _]) = stage();
    let terminal = open(&sandbox, ["shell"], (80, 24));
    terminal.wait_for("annals ›");
    for _ in 0..2 {
        terminal.press("/resume").press(ENTER).wait_for("3/3");
        terminal.press(&ctrl('o')).wait_for("goes on in this shell");
        terminal.press(&ctrl('c')).wait_until("the prompt", |screen| !screen.contains("3/3"));
    }
    terminal.press("/resume").press(ENTER).wait_for("3/3");
    terminal.press("manual").wait_for("1/3");
    terminal.press(ENTER).wait_for("Going on with");
    let prompt = format!("{} ›", two.short());
    terminal.wait_for(&prompt);
    terminal.press("/resume").press(ENTER).wait_for("3/3");
    terminal.signal(Signal::TERM);
    let left = terminal.end();
    assert_eq!((left.code, left.is_restored), (143, true), "{}", left.screen);
}

#[test]
fn r5_picker_follows_the_size_of_the_terminal() {
    let (sandbox, _) = stage();
    let terminal = open(&sandbox, ["resume"], (80, 24));
    terminal.wait_for("The query is lost on the way.");
    terminal.resize(40, 12);
    // The last line, which lay below.
    let screen = terminal.wait_for("Esc leave");
    assert!(screen.contains("Make the queue") && !screen.contains("The query"), "{screen}");
    terminal.press(&ctrl('v')).wait_for("The query is lost on the way.");
    terminal.resize(120, 40);
    terminal.wait_for("│");
    terminal.resize(12, 3);
    // Its last line is drawn: a key that comes together with a change of size is read with the next.
    terminal.wait_for("? help");
    terminal.press(&ctrl('c'));
    let left = terminal.end();
    assert_eq!(left.code, 130, "{}", left.screen);
}

#[test]
fn r5_picker_changes_sessions() {
    let (sandbox, [_, two, three]) = stage();
    let terminal = open(&sandbox, ["resume"], (120, 30));
    terminal.wait_for("3/3");
    terminal.press(&ctrl('t')).wait_for("tags>");
    terminal.press("bug").press(ENTER).wait_for("Tagged “Fix the login");
    terminal.press(&ctrl('k')).wait_for("★ Fix the login");
    terminal.press(&ctrl('e')).wait_for("Wrote ~/");
    terminal.press("manual").wait_for("1/3");
    terminal.press(&ctrl('d')).wait_for("^Z brings it back");
    terminal.wait_for("0/2");
    terminal.press(&ctrl('z')).wait_for("Brought back 1 session.");
    terminal.press(&ctrl('d')).wait_for("Deleted “Write the manual");
    terminal.press(ESCAPE).wait_for("2/2");
    terminal.press(TAB).press(TAB).wait_for("2 marked");
    terminal.press(&ctrl('g')).wait_for("What differs");
    terminal.wait_for("The query is lost");
    terminal.press("q").wait_for("2 marked");
    terminal.press(&ctrl('o')).wait_for("No other agent can go on with a session of");
    terminal.press(&ctrl('c'));
    assert_eq!(terminal.end().code, 130);
    let list = sandbox.json(["list"]);
    assert_eq!(list["total"], 2);
    let session = sandbox.json(["show", &three.short()]);
    assert_eq!(
        (&session["session"]["tags"][0], &session["session"]["pinned"]),
        (&"bug".into(), &true.into())
    );
    sandbox.run(["show", &two.short()]).code(3);
    let files = fs::read_dir(sandbox.home()).expect("the home is readable").flatten();
    let pages = files.filter(|file| file.path().extension().is_some_and(|it| it == "md")).count();
    assert_eq!(pages, 1, "the export lies in the current folder");
}

#[test]
fn r5_picker_shows_the_beginning_of_a_long_session_and_scrolls() {
    let sandbox = Sandbox::new();
    let mut long = sandbox.transcript(1).user("Count");
    for number in 0..400 {
        long = long.agent(&format!("This is number {number}."));
    }
    long.write();
    sandbox.capture();
    let terminal = open(&sandbox, ["resume"], (80, 24));
    terminal.wait_for("This is number 0.");
    terminal.press(&RIGHT.repeat(60)).wait_for("shows all of it");
    terminal.press(&ctrl('c'));
    assert_eq!(terminal.end().code, 130);
}

#[test]
fn r5_picker_marks_a_broken_session_and_says_why() {
    let (sandbox, [one, ..]) = stage();
    let id = one.session().to_string();
    let name = format!("main:sessions/{}/{id}/session.yaml", &id[id.len() - 2..]);
    let object = sandbox.git(["rev-parse", &name]).trim().to_owned();
    let path = sandbox.store().join("objects").join(&object[..2]).join(&object[2..]);
    fs::remove_file(&path).expect("it is a loose object");
    fs::write(&path, "torn").expect("it is ours");
    for file in fs::read_dir(sandbox.store().join("annals")).expect("it is readable").flatten() {
        if file.file_name().to_string_lossy().starts_with("index.db") {
            fs::remove_file(file.path()).expect("the index can be made anew");
        }
    }
    let terminal = open(&sandbox, ["resume"], (100, 30));
    terminal.wait_for("3/3");
    terminal.press("\u{1b}[F").wait_for("! This session cannot be read.");
    let screen = terminal.wait_for("annals doctor");
    assert!(screen.lines().any(|line| line.starts_with(">  ! ")), "it is marked: {screen}");
    terminal.press(ENTER).wait_for("It is damaged.");
    terminal.press(&ctrl('c'));
    assert_eq!(terminal.end().code, 130);
}

#[test]
fn r5_picker_without_sessions_says_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox.run(["init"]).ok();
    for args in [["resume", "--plain"], ["list", "-i"]] {
        let left = open(&sandbox, args, (80, 24)).end();
        assert!(left.screen.contains("`annals capture` takes in what"), "{}", left.screen);
        assert_eq!(left.code, 0);
    }
    let (sandbox, _) = stage();
    let left = open(&sandbox, ["list", "-i", "--tag", "none"], (80, 24)).end();
    assert!(left.screen.contains("No session has the tag"), "{}", left.screen);
}

#[test]
fn r5_picker_is_a_numbered_list_where_one_is_wanted() {
    let (sandbox, _) = stage();
    let terminal = open(&sandbox, ["resume", "--plain"], (80, 24));
    terminal.wait_for("Resume which one?");
    terminal.press("7\r").wait_for("There are 3 to choose from.");
    terminal.press("1\r").wait_for("Start claude in");
    terminal.press("n\r");
    let left = terminal.end();
    assert!(!left.bytes.windows(8).any(|bytes| bytes == b"\x1b[?1049h"), "no other screen");
    assert_eq!(left.code, 3);
    let terminal = open(&sandbox, ["list", "-i", "--plain", "--workspace", "shop"], (80, 24));
    terminal.wait_for("Resume which one?");
    terminal.press("\r");
    assert_eq!(terminal.end().code, 130, "none was chosen");
}

#[test]
fn r5_picker_needs_a_terminal() {
    let (sandbox, _) = stage();
    let ran = sandbox.run(["resume"]).code(2);
    assert!(ran.stderr.contains("`annals resume` needs an ID"), "{}", ran.stderr);
    let ran = sandbox.run(["list", "-i"]).code(2);
    assert!(ran.stderr.contains("Without a terminal"), "{}", ran.stderr);
}
