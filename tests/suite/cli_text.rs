//! What the program prints for people, whole: stdout, stderr and exit code.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Transcript;

const SHORT: &str = "8992cafe";

/// A session that was captured twice: four messages at noon, one more an hour later.
fn stage() -> (Sandbox, Transcript) {
    let mut sandbox = Sandbox::new();
    let input = json!({"command": "ls"});
    let begun = sandbox.transcript(1).user("Fix the login").agent("On it.");
    let begun = begun.tool("Bash", &input, "a b").write();
    sandbox.capture();
    sandbox.set_now("2026-11-22T13:00:00Z");
    let whole = begun.user("Thanks.").write();
    sandbox.capture();
    (sandbox, whole)
}

/// All that a run gave, with the sandbox's folder as ROOT.
fn told(sandbox: &Sandbox, ran: &Ran) -> String {
    let root = sandbox.root().to_string_lossy().into_owned();
    let text = format!("{}[stderr]\n{}[{}]\n", ran.stdout, ran.stderr, ran.code);
    text.replace(&root, "ROOT")
}

fn run<const N: usize>(sandbox: &Sandbox, args: [&str; N]) -> String {
    told(sandbox, &sandbox.run(args))
}

/// The short form of the `back`th last revision.
fn revision(sandbox: &Sandbox, back: u32) -> String {
    sandbox.git(["rev-parse", &format!("main~{back}")])[..8].to_owned()
}

#[test]
fn list() {
    let (sandbox, _) = stage();
    insta::assert_snapshot!(run(&sandbox, ["list"]), @r"
    ID        TITLE          MODIFIED  CREATED  MSGS  TOKENS  MODEL     AGENT        WORKSPACE   BRANCH
    8992cafe  Fix the login  2 d ago   2 d ago     5      30  opus-4-5  claude-code  /work/demo  main
    [stderr]
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["list", "--tag", "none"]), @r"
    [stderr]
    No session has the tag `none`. `annals list` without filters shows all.
    [0]
    ");
    let empty = Sandbox::new();
    empty.run(["init"]).ok();
    insta::assert_snapshot!(run(&empty, ["list"]), @r"
    [stderr]
    No sessions yet. `annals capture` takes in what your agents wrote.
    [0]
    ");
    assert_eq!(run(&sandbox, ["list", "--tag", "none", "--quiet"]), "[stderr]\n[0]\n");
}

#[test]
fn show() {
    let (sandbox, _) = stage();
    insta::assert_snapshot!(run(&sandbox, ["show", SHORT]), @r"
    Fix the login

      id        7f188a6e-4e79-5ad4-b3f9-d4f28992cafe
      agent     claude-code 2.1.0
      model     claude-opus-4-5
      workspace /work/demo (main)
      time      2026-11-20 10:00
      size      5 messages · 2 turns · 1 tool call · 265 B
      tokens    30 (20 in, 10 out)

    ── User  1  2026-11-20 10:00
    Fix the login

    ── Assistant  2–3  10:00
    On it.

    ⏺ Bash  ls
      ⎿ a b

    ── User  5  10:00
    Thanks.
    [stderr]
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["show", SHORT, "--tools", "--messages", "2.."]), @r"
    ── Assistant  2–3  2026-11-20 10:00
    On it.

    ⏺ Bash
        command: ls
      ⎿ a b

    ── User  5  10:00
    Thanks.
    [stderr]
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["show", SHORT, "--messages", "9.."]), @r"
    [stderr]
    error: The session has 5 messages; --messages 9 begins behind them.
    `annals help COMMAND` tells what a command takes.
    [2]
    ");
}

#[test]
fn show_raw() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("Fix: the\n  login").write();
    sandbox.capture();
    insta::assert_snapshot!(run(&sandbox, ["show", &transcript.short(), "--raw"]), @r#"
    ---
    schema: 4
    id: "7f188a6e-4e79-5ad4-b3f9-d4f28992cafe"
    preview: "Fix: the login"
    agent:
      name: claude-code
      version: "2.1.0"
      session: "00000001-1111-4222-8333-444444444444"
    created: "2026-11-20T10:00:00.000Z"
    modified: "2026-11-20T10:00:00.000Z"
    workspace:
      root: /work/demo
      branch: main
    counts:
      records: 1
      messages: 1
      turns: 1
      tool_calls: 0
      bytes: 60
    origin: captured
    ---
    annals: origin
    id: "6d25946a-2b5b-54fa-8d10-8981fab903f6"
    agent: claude-code
    session: "00000001-1111-4222-8333-444444444444"
    how: captured
    ---
    message: user
    id: "00000001-aaaa-4bbb-8ccc-000000000000"
    at: "2026-11-20T10:00:00.000Z"
    cwd: /work/demo
    branch: main
    version: "2.1.0"
    content: |-
      Fix: the
        login
    native:
      isSidechain: false
      parentUuid: null
      sessionId: "00000001-1111-4222-8333-444444444444"
      userType: external
    [stderr]
    [0]
    "#);
}

#[test]
fn log() {
    let (sandbox, _) = stage();
    sandbox.run(["rename", SHORT, "A title"]).ok();
    sandbox.run(["rollback", SHORT, "~2"]).ok();
    let expected = format!(
        "SAVE  REVISION  TIME              AGO      OPERATION  ADDED  REMOVED  MESSAGES\n  \
         ~0  {}  2026-11-22 13:00  now      rollback               −1         4\n  \
         ~1  {}  2026-11-22 13:00  now      rename                            5\n  \
         ~2  {}  2026-11-22 13:00  now      capture       +1                  5\n  \
         ~3  {}  2026-11-22 12:00  1 h ago  capture       +4                  4\n\
         [stderr]\n[0]\n",
        revision(&sandbox, 0),
        revision(&sandbox, 1),
        revision(&sandbox, 2),
        revision(&sandbox, 3),
    );
    assert_eq!(run(&sandbox, ["log", SHORT]), expected);
}

#[test]
fn diff() {
    let (sandbox, whole) = stage();
    let [new, old] = [revision(&sandbox, 0), revision(&sandbox, 1)];
    let sides =
        format!("--- {SHORT} “Fix the login” @ {old}\n+++ {SHORT} “Fix the login” @ {new}\n");
    let expected = format!(
        "{sides}  … 4 equal messages\n+ user  2026-11-20 10:00\n+   Thanks.\n+1 added  4 equal\n\
         [stderr]\n[1]\n"
    );
    assert_eq!(run(&sandbox, ["diff", SHORT]), expected);
    let expected = format!("{sides}+1 added  4 equal\n[stderr]\n[1]\n");
    assert_eq!(run(&sandbox, ["diff", SHORT, "--stat"]), expected);
    whole.reworded(4, "Thanks a lot.").write();
    sandbox.capture();
    let newest = revision(&sandbox, 0);
    let expected = format!(
        "--- {SHORT} “Fix the login” @ {new}\n+++ {SHORT} “Fix the login” @ {newest}\n  \
         … 4 equal messages\n~ user  2026-11-20 10:00\n    Thanks{{+ a lot+}}.\n\
         ~1 changed  4 equal\n[stderr]\n[1]\n"
    );
    assert_eq!(run(&sandbox, ["diff", SHORT]), expected, "word by word inside");
    let same = run(&sandbox, ["diff", SHORT, SHORT]);
    assert!(same.ends_with("5 equal\n[stderr]\n[0]\n"), "{same}");
}

#[test]
fn diff_of_what_people_say() {
    let (sandbox, _) = stage();
    sandbox.run(["tag", SHORT, "bug", "auth"]).ok();
    sandbox.run(["tag", SHORT, "--remove", "bug"]).ok();
    sandbox.run(["rename", SHORT, "Log in"]).ok();
    sandbox.run(["note", SHORT, "Look again."]).ok();
    sandbox.run(["pin", SHORT]).ok();
    let [new, old] = [revision(&sandbox, 0), revision(&sandbox, 4)];
    let sides = format!("--- {SHORT} “Fix the login” @ {old}\n+++ {SHORT} “Log in” @ {new}\n");
    let expected = format!(
        "{sides}~ title\n    {{+Log in+}}\n~ tags\n    auth[- bug-]\n~ notes\n    \
         {{+Look again.+}}\n~ pinned\n    [-no-]{{+yes+}}\n  … 5 equal messages\n\
         ~title  ~tags  ~notes  ~pinned  5 equal\n[stderr]\n[1]\n"
    );
    let left = format!("{SHORT}@~4");
    assert_eq!(run(&sandbox, ["diff", &left, SHORT]), expected);
    let last = run(&sandbox, ["diff", SHORT, "--stat"]);
    assert!(last.ends_with("~pinned  5 equal\n[stderr]\n[1]\n"), "{last}");
}

#[test]
fn a_revision_that_is_not_there_is_looked_for_in_the_log() {
    let (sandbox, _) = stage();
    for args in [["show", "8992cafe@~99"], ["log", "8992cafe@2001-01-01"]] {
        let said = run(&sandbox, args);
        assert!(said.ends_with("\n`annals log 8992cafe` lists its revisions.\n[3]\n"), "{said}");
    }
    let said = run(&sandbox, ["rollback", SHORT, "~99"]);
    assert!(said.ends_with("\n`annals log 8992cafe` lists its revisions.\n[3]\n"), "{said}");
    let said = run(&sandbox, ["show", "nothing@~1"]);
    assert!(said.contains("`annals list` shows"), "here it is the session: {said}");
}

#[test]
fn what_no_agent_can_take_back_can_be_exported() {
    let sandbox = Sandbox::new();
    for (agent, name) in [(r#""agent": "my-agent", "#, "my-agent"), ("", "annals")] {
        let document = format!(r#"{{{agent}"messages": [{{"role": "user", "text": "Hello."}}]}}"#);
        let id = sandbox.save(&document);
        let short = sandbox.json(["show", &id])["session"]["short"].to_string().replace('"', "");
        for command in ["restore", "resume"] {
            let expected = format!(
                "[stderr]\nrefused: session {short} is of {name}, which has no files to write; annals writes \
                 those of claude-code\n\
                 `annals export {short} --format markdown` writes it to be read, \
                 `--format json` for other programs.\n[3]\n"
            );
            assert_eq!(run(&sandbox, [command, &id]), expected);
        }
    }
    let homeless = json!({"agent": "claude-code", "messages": [{"role": "user", "text": "Hi."}]});
    let id = sandbox.save(&homeless.to_string());
    let said = run(&sandbox, ["restore", &id]);
    assert!(said.ends_with("\n--workspace DIR names one.\n[3]\n"), "{said}");
}

#[test]
fn capture() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(run(&sandbox, ["capture"]), @r"
    [stderr]
    Made a new store in ROOT/data/annals/store.git
    No sessions found. The agents that annals knows: claude-code.
    [0]
    ");
    sandbox.transcript(1).user("Fix the login").agent("On it.").write();
    let token = ["gh", "p_"].concat() + "0a1b2c3d4e5f6g7h8i9jAkBlCmDnEoFpGqHr";
    sandbox.transcript(2).user(&format!("Use {token}")).write();
    insta::assert_snapshot!(run(&sandbox, ["capture", "--dry-run"]), @r"
    [stderr]
    Would capture 3 messages: 2 new sessions, 0 updated, 0 unchanged.
      8992cafe  Fix the login  +2
      523ee339  Use [redacted:github-token]  +1
    Redacted 1 secret (github-token).
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["capture"]), @r"
    [stderr]
    Captured 3 messages: 2 new sessions, 0 updated, 0 unchanged.
      8992cafe  Fix the login  +2
      523ee339  Use [redacted:github-token]  +1
    Redacted 1 secret (github-token).
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["capture"]), @r"
    [stderr]
    Nothing new: 2 sessions unchanged.
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["capture", "--home", "nowhere"]), @r"
    [stderr]
    error: there is no folder nowhere
    [3]
    ");
    assert_eq!(run(&sandbox, ["capture", "--quiet"]), "[stderr]\n[0]\n");
}

#[test]
fn edits_rollback_and_fork() {
    let (sandbox, _) = stage();
    insta::assert_snapshot!(run(&sandbox, ["rename", SHORT, "A", "title"]), @r"
    [stderr]
    Renamed 8992cafe “A title”
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["tag", SHORT, "x"]), @r"
    [stderr]
    Tagged 8992cafe “A title”
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["tag", SHORT, "x"]), @r"
    [stderr]
    Nothing to change in 8992cafe “A title”
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["note", SHORT, "Ask", "Kim"]), @r"
    [stderr]
    Noted on 8992cafe “A title”
    [0]
    ");
    assert_eq!(run(&sandbox, ["note", SHORT]), "Ask Kim\n[stderr]\n[0]\n");
    let to = revision(&sandbox, 3);
    let expected = format!(
        "[stderr]\nRolled back to {to}: {SHORT} “Fix the login”\n\
         To write the agent's file too: annals restore {SHORT}\n[0]\n"
    );
    assert_eq!(run(&sandbox, ["rollback", SHORT, "~3"]), expected);
    let forked = run(&sandbox, ["fork", SHORT]);
    assert!(forked.starts_with("[stderr]\nForked 8992cafe into "), "{forked}");
    assert!(forked.ends_with(" “Fix the login (fork)”\n[0]\n"), "{forked}");
}

#[test]
fn delete_and_undelete() {
    let (sandbox, _) = stage();
    insta::assert_snapshot!(run(&sandbox, ["delete", SHORT]), @r"
    [stderr]
    not done: Nothing was deleted: without a terminal, `annals delete` needs --yes.
    [3]
    ");
    insta::assert_snapshot!(run(&sandbox, ["delete", SHORT, "--yes"]), @r"
    [stderr]
    Deleted 8992cafe “Fix the login”
    To bring one back: annals undelete 8992cafe
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["show", SHORT]), @r"
    [stderr]
    not found: no session is called 8992cafe
    `annals list` shows the sessions of all folders; `annals capture` takes in new ones.
    [3]
    ");
    insta::assert_snapshot!(run(&sandbox, ["undelete", SHORT]), @r"
    [stderr]
    Brought back 8992cafe “Fix the login”
    [0]
    ");
}

#[test]
fn restore() {
    let (sandbox, whole) = stage();
    let home = sandbox.root().join("other").to_string_lossy().into_owned();
    insta::assert_snapshot!(run(&sandbox, ["restore", SHORT, "--home", &home]), @r"
    cd /work/demo && claude --resume 00000001-1111-4222-8333-444444444444
    [stderr]
    Restored 8992cafe “Fix the login” to
      ROOT/other/.claude/projects/-work-demo/00000001-1111-4222-8333-444444444444.jsonl
    warning: There is no folder /work/demo; --workspace DIR names another.
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["restore", SHORT, "--home", &home, "--dry-run"]), @r"
    cd /work/demo && claude --resume 00000001-1111-4222-8333-444444444444
    [stderr]
    Would restore 8992cafe “Fix the login” to
      ROOT/other/.claude/projects/-work-demo/00000001-1111-4222-8333-444444444444.jsonl
    warning: There is no folder /work/demo; --workspace DIR names another.
    [0]
    ");
    whole.user("Newer.").write();
    insta::assert_snapshot!(run(&sandbox, ["restore", SHORT]), @r"
    [stderr]
    in the way: ROOT/home/.claude/projects/-work-demo/00000001-1111-4222-8333-444444444444.jsonl was changed since it was last captured
    --force writes over it.
    [3]
    ");
}

#[test]
fn wrong_usage() {
    let (sandbox, _) = stage();
    insta::assert_snapshot!(run(&sandbox, ["list", "--nope"]), @r"
    [stderr]
    error: unexpected argument '--nope' found

    Usage: annals list [OPTIONS]

    For more information, try '--help'.
    [2]
    ");
    insta::assert_snapshot!(run(&sandbox, ["lst"]), @r"
    [stderr]
    error: unrecognized subcommand 'lst'

      tip: a similar subcommand exists: 'list'

    Usage: annals [OPTIONS] [COMMAND]

    For more information, try '--help'.
    [2]
    ");
}

#[test]
fn upkeep() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(run(&sandbox, ["init"]), @r"
    [stderr]
    Made an empty store in ROOT/data/annals/store.git
    [0]
    ");
    insta::assert_snapshot!(run(&sandbox, ["init"]), @r"
    [stderr]
    in the way: there is a store at ROOT/data/annals/store.git already
    [3]
    ");
    let doctor = run(&sandbox, ["doctor"]);
    let (before, _) = doctor.split_once("✓ git").expect("git is checked");
    insta::assert_snapshot!(before, @r"
    ✓ objects   4, all whole
    ✓ refs      each leads somewhere
    ✓ sessions  0, each as its head says
    ✓ index     it says of each what the store does
    ✓ modes     nobody else can read the store
    ✓ owners    all of it is yours
    ");
    let gc = run(&sandbox, ["gc"]);
    assert!(gc.starts_with("[stderr]\nPacked the store: "), "{gc}");
}

#[test]
fn nothing_from_a_session_steers_the_terminal() {
    let sandbox = Sandbox::new();
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}txt\u{9b}31m\rover";
    let transcript = sandbox.transcript(1).workspace(&format!("/src/{hostile}"));
    let transcript = transcript.user(hostile).agent(hostile);
    let transcript = transcript.tool(hostile, &json!({hostile: hostile}), hostile).write();
    sandbox.capture();
    let id = transcript.short();
    for edit in ["rename", "note"] {
        sandbox.run([edit, &id, hostile]).ok();
    }
    let commands: [&[&str]; 9] = [
        &["list"],
        &["show", &id],
        &["show", &id, "--tools"],
        &["log", &id],
        &["diff", &id],
        &["diff", &format!("{id}@~2"), &id],
        &["note", &id],
        &["restore", &id, "--home", "x"],
        &["delete", &id, "--yes"],
    ];
    for command in commands {
        let ran = Ran::of(sandbox.program().args(command));
        let text = ran.stdout + &ran.stderr;
        let is_steering =
            |c: &char| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c);
        let found: Vec<char> = text.chars().filter(is_steering).collect();
        assert!(
            found.is_empty(),
            "{command:?} shows control characters, it does not send them: {found:?}"
        );
    }
}

#[test]
fn help_has_an_example_of_each_command() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(["--help"]).ok().stdout;
    let (_, commands) = help.split_once("Commands:\n").expect("a list of commands");
    let (commands, _) = commands.split_once("\n\n").expect("it ends");
    let names: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() >= 24, "all commands are listed: {names:?}");
    for name in names {
        for flag in ["-h", "--help"] {
            let help = sandbox.run([name, flag]).ok().stdout;
            let (_, examples) = help.split_once("Examples:\n").expect("examples");
            assert!(examples.contains("annals"), "{name} has an example:\n{help}");
        }
    }
}

#[test]
fn completions_and_manual_name_every_command() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.run(["completions", shell]).ok();
        assert_eq!(script.stderr, "");
        for word in ["capture", "rollback", "undelete", "no-scan"] {
            assert!(script.stdout.contains(word), "{shell} completes {word}");
        }
    }
    let page = sandbox.run(["man"]).ok().stdout;
    assert!(page.contains(".TH annals 1"), "{page}");
    let folder = sandbox.root().join("man");
    sandbox.run(["man", "--dir", &folder.to_string_lossy()]).ok();
    for name in ["annals", "annals-capture", "annals-resume"] {
        let page = std::fs::read_to_string(folder.join(format!("{name}.1")));
        assert!(page.is_ok_and(|it| it.contains(".SH")), "{name} has a page");
    }
}

/// The steps of the tour: each command line, and what stands below it.
fn steps(tour: &str) -> Vec<(Vec<String>, String)> {
    let mut steps: Vec<(Vec<String>, String)> = Vec::new();
    for line in tour.lines() {
        if let Some(command) = line.strip_prefix("$ annals ") {
            steps.push((command.split(' ').map(str::to_owned).collect(), String::new()));
        } else if let Some((_, output)) = steps.last_mut()
            && !line.starts_with("# ")
        {
            *output += line;
            *output += "\n";
        }
    }
    steps
}

/// Writes a session of the tour where its agent would have it.
fn lay_out(home: &Path, text: &str) {
    let workspace = home.join("shop").to_string_lossy().into_owned();
    let first: serde_json::Value =
        serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    let slug: String =
        workspace.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let folder = home.join(".claude/projects").join(slug);
    fs::create_dir_all(&folder).expect("a folder is made");
    let token = ["gh", "p_"].concat() + "0a1b2c3d4e5f6g7h8i9jAkBlCmDnEoFpGqHr";
    let text = text.replace("{{workspace}}", &workspace).replace("{{token}}", &token);
    let name = format!("{}.jsonl", first["sessionId"].as_str().expect("an id"));
    fs::write(folder.join(name), text).expect("it is written");
}

#[test]
fn each_step_of_the_tour_is_the_command_s_own_output() {
    const LOGIN: &str = include_str!("../../src/cli/tour/login.jsonl");
    const LOGIN_LATER: &str = include_str!("../../src/cli/tour/login_later.jsonl");
    const RELEASE: &str = include_str!("../../src/cli/tour/release.jsonl");
    let sandbox = Sandbox::new();
    let mut command = sandbox.program();
    command.env("TMPDIR", sandbox.root()).env("ANNALS_TEST_IDS", "7");
    let tour = Ran::of(command.args(["tour", "--no-scan"])).ok();
    let steps = steps(&tour.stdout);
    let names: Vec<&str> = steps.iter().map(|(words, _)| words[0].as_str()).collect();
    let expected =
        ["capture", "list", "show", "capture", "log", "diff", "rollback", "log", "restore"];
    assert_eq!(names, expected, "the tour walks through the main job");
    // The same folders again, as the tour's own are gone.
    let home = PathBuf::from(&steps[0].0[2]);
    let root = home.parent().expect("it lies in the tour's folder").to_owned();
    assert!(!root.exists(), "the tour leaves nothing behind");
    for folder in [home.join("shop"), root.join("laptop")] {
        fs::create_dir_all(folder).expect("a folder is made");
    }
    lay_out(&home, LOGIN);
    lay_out(&home, RELEASE);
    let mut status = String::new();
    for (place, (words, output)) in steps.iter().enumerate() {
        if place == 3 {
            lay_out(&home, &format!("{LOGIN}{LOGIN_LATER}"));
        }
        let mut command = sandbox.program();
        command.current_dir(home.join("shop")).env("HOME", &home);
        command.env("ANNALS_STORE", root.join("store.git"));
        // The first id of the tour is the store's, the next one the rollback's.
        command.env("ANNALS_TEST_IDS", if place == 0 { "7" } else { "8" });
        let ran = Ran::of(command.args(words));
        assert_eq!(output.trim_end(), ran.stdout.trim_end(), "the step {words:?}");
        assert!(ran.code <= 1, "the step {words:?}: {ran:?}");
        status += &ran.stderr;
    }
    assert_eq!(tour.stderr, status, "and what the commands say beside their output");
    assert!(!(tour.stdout + &status).contains("ghp_"), "no token is shown");
}
