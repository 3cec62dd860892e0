//! R5: the screens of the picker in a real terminal, whole.

use std::fs;

use crate::support::Sandbox;
use crate::support::Terminal;

const ENTER: &str = "\r";
/// What Ctrl and F, V, C send.
const SEARCH: &str = "\u{6}";
const PREVIEW: &str = "\u{16}";
const LEAVE: &str = "\u{3}";

/// Three sessions, one of them about the current folder.
fn stage() -> Sandbox {
    let sandbox = Sandbox::new();
    let shop = sandbox.home().join("shop");
    fs::create_dir(&shop).expect("a folder is made");
    let [one, two, three] = [1, 2, 3].map(|number| sandbox.transcript(number));
    one.workspace("/srv/queue")
        .user("Make the queue test stable")
        .agent("It waits for a clock.")
        .tool("Bash", &serde_json::json!({"command": "make test"}), "queue: lost update\n1 failed")
        .agent("Two of them take the same place.")
        .write();
    two.workspace("/srv/parser")
        .user("Write the manual of the parser")
        .agent("Chapter one begins with what a parser is.")
        .write();
    three
        .workspace(&shop.to_string_lossy())
        .user("Fix the login redirect")
        .agent("The query is lost on the way.")
        .write();
    sandbox.capture();
    sandbox
}

fn open<const N: usize>(sandbox: &Sandbox, args: [&str; N]) -> Terminal {
    Terminal::start(sandbox.program().args(args), 80, 24)
}

/// The screen as soon as it shows all of these, without the blanks at the ends of lines.
fn screen(terminal: &Terminal, parts: &[&str]) -> String {
    let is_so = |screen: &str| parts.iter().all(|part| screen.contains(part));
    let screen = terminal.wait_until(&parts.join(" and "), is_so);
    let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
    lines.join("\n")
}

fn leave(terminal: Terminal) -> String {
    terminal.press(LEAVE);
    terminal.end().screen
}

#[test]
fn opened_filtered_and_left() {
    let sandbox = stage();
    let terminal = open(&sandbox, ["resume"]);
    let opened = screen(&terminal, &["3/3 ·", "Enter resume", "The query is lost"]);
    insta::assert_snapshot!(opened, @r"
    >                                                3/3 · everywhere · latest first
    >  Fix the login redirect                        2 d ago  ~/shop
       Make the queue test stable                    2 d ago  /srv/queue
       Write the manual of the parser                2 d ago  /srv/parser





    ────────────────────────────────────────────────────────────────────────────────
    44ba0ee0 · claude-code 2.1.0 · claude-opus-4-5 · ~/shop (main) · 2026-11-20
    10:00 · 2 messages · 1 turn · 0 tool calls · 146 B · 15 tokens

    ── User  1  2026-11-20 10:00
    Fix the login redirect

    ── Assistant  2  10:00
    The query is lost on the way.





    Enter resume  ? help  Esc leave  ^F search texts  Tab mark  ^L here  ^S sort
    ");
    terminal.press("qtest");
    let filtered = screen(&terminal, &["1/3 ·", "It waits for a clock.", "Two of them"]);
    insta::assert_snapshot!(filtered, @r"
    > qtest                                          1/3 · everywhere · latest first
    >  Make the queue test stable                    2 d ago  /srv/queue







    ────────────────────────────────────────────────────────────────────────────────
    8992cafe · claude-code 2.1.0 · claude-opus-4-5 · /srv/queue (main) · 2026-11-20
    10:00 · 5 messages · 1 turn · 1 tool call · 356 B · 45 tokens

    ── User  1  2026-11-20 10:00
    Make the queue test stable

    ── Assistant  2–5  10:00
    It waits for a clock.

    ⏺ Bash  make test
      ⎿ 2 lines

    Two of them take the same place.
    Enter resume  ? help  Esc leave  ^F search texts  Tab mark  ^L here  ^S sort
    ");
    let left = leave(terminal);
    assert_eq!(left.trim(), "", "nothing of it is left");
}

#[test]
fn searched() {
    let sandbox = stage();
    let terminal = open(&sandbox, ["list", "-i"]);
    screen(&terminal, &["3/3 ·"]);
    terminal.press(SEARCH).press("lost");
    let found = screen(&terminal, &["2 found", "lost update 1 failed", "Assistant  2  2026"]);
    insta::assert_snapshot!(found, @r"
    search> lost                                   2 found · everywhere · best first
    >  Fix the login redirect                        2 d ago  ~/shop
         2 assistant: The query is lost on the way.
       Make the queue test stable                    2 d ago  /srv/queue
         4 tool: queue: lost update 1 failed




    ────────────────────────────────────────────────────────────────────────────────
    44ba0ee0 · claude-code 2.1.0 · claude-opus-4-5 · ~/shop (main) · 2026-11-20
    10:00 · 2 messages · 1 turn · 0 tool calls · 146 B · 15 tokens

    ── User  1  2026-11-20 10:00
    Fix the login redirect

    ── Assistant  2  2026-11-20 10:00
    The query is lost on the way.





    Enter resume  Esc back  ^S ^R other hits  ^L here  Tab mark  ^V preview  ^T tag
    ");
    terminal.press(" -");
    let refused = screen(&terminal, &["lost -", "Character 6"]);
    insta::assert_snapshot!(refused, @r"
    search> lost -                                 2 found · everywhere · best first
    >  Fix the login redirect                        2 d ago  ~/shop
         2 assistant: The query is lost on the way.
       Make the queue test stable                    2 d ago  /srv/queue
         4 tool: queue: lost update 1 failed




    ────────────────────────────────────────────────────────────────────────────────
    44ba0ee0 · claude-code 2.1.0 · claude-opus-4-5 · ~/shop (main) · 2026-11-20
    10:00 · 2 messages · 1 turn · 0 tool calls · 146 B · 15 tokens

    ── User  1  2026-11-20 10:00
    Fix the login redirect

    ── Assistant  2  2026-11-20 10:00
    The query is lost on the way.





    Character 6: there is nothing to look for
    ");
    leave(terminal);
}

#[test]
fn made_smaller_and_larger() {
    let sandbox = stage();
    let terminal = open(&sandbox, ["resume"]);
    screen(&terminal, &["3/3 ·", "The query is lost"]);
    terminal.resize(50, 10);
    let smaller = screen(&terminal, &["3/3 ·", "Esc leave", "Write the manual of the parser"]);
    insta::assert_snapshot!(smaller, @r"
    >                  3/3 · everywhere · latest first
    >  Fix the login redirect                  2 d ago
       Make the queue test stable              2 d ago
       Write the manual of the parser          2 d ago





    Enter resume  ? help  Esc leave  ^F search texts
    ");
    terminal.press(PREVIEW);
    // Its end is seen as soon as it is set for this width.
    let preview = screen(&terminal, &["3/3 ·", "Esc leave", "15 tokens"]);
    insta::assert_snapshot!(preview, @r"
    >                  3/3 · everywhere · latest first
    44ba0ee0 · claude-code 2.1.0 · claude-opus-4-5 ·
    ~/shop (main) · 2026-11-20 10:00 · 2 messages · 1
    turn · 0 tool calls · 146 B · 15 tokens

    ── User  1  2026-11-20 10:00
    Fix the login redirect

    ── Assistant  2  10:00
    Enter resume  ? help  Esc leave  ^F search texts
    ");
    terminal.resize(110, 14);
    let larger = screen(&terminal, &["^K pin", "│ turn · 0 tool", "The query is lost"]);
    insta::assert_snapshot!(larger, @r"
    >                                                                              3/3 · everywhere · latest first
    >  Fix the login redirect                      2 d ago │ 44ba0ee0 · claude-code 2.1.0 · claude-opus-4-5 ·
       Make the queue test stable                  2 d ago │ ~/shop (main) · 2026-11-20 10:00 · 2 messages · 1
       Write the manual of the parser              2 d ago │ turn · 0 tool calls · 146 B · 15 tokens
                                                           │
                                                           │ ── User  1  2026-11-20 10:00
                                                           │ Fix the login redirect
                                                           │
                                                           │ ── Assistant  2  10:00
                                                           │ The query is lost on the way.
                                                           │
                                                           │
                                                           │
    Enter resume  ? help  Esc leave  ^F search texts  Tab mark  ^L here  ^S sort  ^V preview  ^T tag  ^K pin
    ");
    leave(terminal);
}

#[test]
fn resumed() {
    let sandbox = stage();
    let bin = sandbox.root().join("bin");
    fs::create_dir(&bin).expect("a folder is made");
    let agent = bin.join("claude");
    fs::write(&agent, "#!/bin/sh\necho \"$(basename \"$PWD\"): claude $*\"\n").expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&agent, mode).expect("it may be run");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut program = sandbox.program();
    program.env("PATH", format!("{}:{path}", bin.display()));
    let terminal = Terminal::start(program.arg("resume"), 80, 24);
    screen(&terminal, &["3/3 ·", "The query is lost"]);
    terminal.press(ENTER);
    let left = terminal.end();
    let home = sandbox.home();
    let home = home.to_string_lossy().replace(|it: char| !it.is_ascii_alphanumeric(), "-");
    insta::assert_snapshot!(left.screen.replace(&home, "-home-dev"), @r"
    Restored 44ba0ee0 “Fix the login redirect” to
      ~/.claude/projects/-home-dev-shop/00000003-1111-4222-8333-444444444444.jsonl
    shop: claude --resume 00000003-1111-4222-8333-444444444444
    ");
    assert_eq!(left.code, 0);
}

#[test]
fn without_sessions() {
    let sandbox = Sandbox::new();
    sandbox.run(["init"]).ok();
    let left = open(&sandbox, ["resume"]).end();
    let hint = "No sessions yet. `annals capture` takes in what your agents wrote.";
    assert_eq!((left.screen.trim_end(), left.code), (hint, 0));
}

#[test]
fn with_a_broken_session() {
    let sandbox = stage();
    let id = sandbox.transcript(1).session().to_string();
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
    let terminal = open(&sandbox, ["resume"]);
    screen(&terminal, &["3/3 ·"]);
    terminal.press("\u{1b}[F");
    let broken = screen(&terminal, &["3/3 ·", "! This session cannot be read."]);
    insta::assert_snapshot!(broken, @r"
    >                                                3/3 · everywhere · latest first
       Fix the login redirect                        2 d ago  ~/shop
       Write the manual of the parser                2 d ago  /srv/parser
    >  ! (nothing said)





    ────────────────────────────────────────────────────────────────────────────────
    ! This session cannot be read.

    session.yaml of session 7f188a6e-4e79-5ad4-b3f9-d4f28992cafe (object
    571bfcd0fac78bb22661ad8e4e69df78dea29cfa) is damaged: it is no zlib stream

    `annals doctor` says what is damaged, `annals doctor --repair` mends it.







    Enter resume  ? help  Esc leave  ^F search texts  Tab mark  ^L here  ^S sort
    ");
    leave(terminal);
}
