//! The shell: a conversation at a prompt, in a terminal and behind a pipe; an endpoint of the test's own
//! answers.

use annals::cli::shell::COMMANDS;
use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::endpoint::endpoint;

fn only_session(sandbox: &Sandbox) -> Value {
    let listed = sandbox.json(["list"]);
    assert_eq!(listed["total"], 1, "{listed}");
    let id = listed["sessions"][0]["id"].as_str().expect("an id").to_owned();
    sandbox.json(["show", &id])
}

fn said(shown: &Value) -> Vec<String> {
    let messages = shown["messages"].as_array().expect("messages");
    messages.iter().map(|it| it["content"].as_str().expect("a text").to_owned()).collect()
}

fn shell(sandbox: &Sandbox, lines: &str) -> Ran {
    sandbox.run_with(["shell"], lines)
}

#[test]
fn what_is_typed_is_kept_and_nothing_else_makes_a_session() {
    let sandbox = Sandbox::new();
    shell(&sandbox, "/help\n/save\n\n").ok();
    assert_eq!(sandbox.json(["list"])["total"], 0, "an empty session is worth nothing");
    shell(&sandbox, "why is the last line dropped?\n//etc/hosts is fine\n/save\n").ok();
    let shown = only_session(&sandbox);
    assert_eq!(said(&shown), ["why is the last line dropped?", "/etc/hosts is fine"]);
    assert_eq!(shown["session"]["agent"]["name"], "annals-shell");
    let home = sandbox.home().display().to_string();
    assert_eq!(shown["session"]["workspace"]["root"], home.as_str());
}

#[test]
fn an_endpoint_answers_and_its_answers_are_kept() {
    let sandbox = Sandbox::new();
    let url = endpoint();
    let arguments = ["shell", "--endpoint", &url, "--model", "parrot-1"];
    let ran = sandbox.run_with(arguments, "hello\nand again\n").ok();
    assert!(ran.stdout.contains("You said: hello (1 so far)\n"), "{ran:?}");
    let shown = only_session(&sandbox);
    let expected =
        ["hello", "You said: hello (1 so far)", "and again", "You said: and again (3 so far)"];
    assert_eq!(said(&shown), expected);
    assert_eq!(shown["session"]["models"], json!(["parrot-1"]));
    assert_eq!(shown["session"]["tokens"]["total"], 30);
    assert_eq!(shown["messages"][1]["message"], "assistant");
}

#[test]
fn an_endpoint_that_is_not_there_is_told_and_what_was_said_is_kept() {
    let sandbox = Sandbox::new();
    let arguments = ["shell", "--endpoint", "http://127.0.0.1:9/v1", "--model", "m"];
    let ran = sandbox.run_with(arguments, "hello\n").ok();
    assert!(
        ran.stderr.contains("http://127.0.0.1:9/v1/chat/completions did not answer"),
        "{ran:?}"
    );
    assert_eq!(said(&only_session(&sandbox)), ["hello"]);
}

#[test]
fn slash_commands_are_the_programs_own() {
    let sandbox = Sandbox::new();
    shell(&sandbox, "first\n/save\nsecond\n/save\n/rollback ~1\n").ok();
    let shown = only_session(&sandbox);
    assert_eq!(said(&shown), ["first"], "the held session is taken back, and stays so");
    let id = shown["session"]["id"].as_str().expect("an id").to_owned();
    let lines = format!("/resume {id}\n/history\nthird\n/sessions rename {id} 'A title'\nfourth\n");
    let ran = shell(&sandbox, &lines).ok();
    assert!(ran.stderr.contains("Going on with") && ran.stdout.contains("first"), "{ran:?}");
    let shown = only_session(&sandbox);
    assert_eq!(said(&shown), ["first", "third", "fourth"]);
    assert_eq!(shown["session"]["title"], "A title");
    let one = sandbox.run(["shell", "-c", "/sessions filter agent:annals-shell"]).ok();
    assert!(one.stdout.contains("A title"), "{one:?}");
}

#[test]
fn what_is_set_in_the_shell_holds_in_it() {
    let sandbox = Sandbox::new();
    let ran = shell(
        &sandbox,
        "hello\n/config get save.interval\n/config set save.interval 9\n/config get save.interval\n",
    )
    .ok();
    assert_eq!(ran.stdout, "5\n9\n", "{ran:?}");
}

#[test]
fn a_wrong_line_is_told_and_the_shell_goes_on() {
    let sandbox = Sandbox::new();
    let ran = shell(
        &sandbox,
        "/nonsense\n/sessions show\n/sessions show nothing-like-it\n/history\n/rollback\n\
         /sessions delete \"open\nstill here\n",
    )
    .ok();
    for told in [
        "There is no command /nonsense; /help names them all.",
        "no session is called nothing-like-it",
        "Nothing was said yet.",
        "/rollback takes one revision, such as ~1.",
        "A quote is not closed.",
    ] {
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
    }
    assert_eq!(said(&only_session(&sandbox)), ["still here"]);
    sandbox.run(["shell", "-c", "/nonsense"]).code(2);
    sandbox.run(["shell", "--endpoint", "http://127.0.0.1:9"]).code(2);
}

/// Each slash command: a line, the code it ends with, and what it tells. ID: a session that is there.
const LINES: &[(&str, i32, &str)] = &[
    ("/resume ID", 0, "Going on with ID"),
    ("/resume nothing-like-it", 3, "no session is called nothing-like-it"),
    ("/resume ID ID", 2, "/resume takes one session, or none"),
    ("/new", 0, "A new session begins with what you say next."),
    ("/new now", 2, "/new takes nothing behind it"),
    ("/save", 0, "There is nothing to save."),
    ("/save now", 2, "/save takes nothing behind it"),
    ("/history", 2, "Nothing was said yet."),
    ("/history --bogus", 2, "Nothing was said yet."),
    ("/diff", 2, "Nothing was said yet."),
    ("/diff ~1 ~2", 2, "/diff takes at most one revision"),
    ("/rollback ~1", 2, "Nothing was said yet."),
    ("/rollback", 2, "/rollback takes one revision"),
    ("/sessions", 0, "the parser drops a line"),
    ("/sessions list --help", 0, "Usage: annals list"),
    ("/sessions eat ID", 2, "There is no command /sessions eat"),
    ("/sessions list -n 1", 0, "the parser drops a line"),
    ("/sessions list --sort colour", 2, "invalid value 'colour'"),
    ("/sessions search 'drops a line'", 0, "drops a line"),
    ("/sessions search zebra", 1, ""),
    ("/sessions search", 2, "QUERY"),
    ("/sessions filter tag:bug agent:tester", 0, "the parser drops a line"),
    ("/sessions filter tag:", 2, "/sessions filter takes a value behind agent:"),
    ("/sessions filter colour:red", 2, "/sessions filter takes a value behind agent:"),
    ("/sessions show ID", 0, "the parser drops a line"),
    ("/sessions show nothing-like-it", 3, "no session is called"),
    ("/sessions show", 2, "ID"),
    ("/sessions export ID -o session.md", 0, "session.md"),
    ("/sessions export nothing-like-it", 3, "no session is called"),
    ("/sessions export", 2, "ID"),
    ("/sessions share ID -o session.bundle", 0, "session.bundle"),
    ("/sessions share nothing-like-it", 3, "no session is called"),
    ("/sessions share", 2, "ID"),
    ("/sessions rename ID 'A title'", 0, "Renamed ID"),
    ("/sessions rename", 2, "ID"),
    ("/sessions tag ID later", 0, "ID"),
    ("/sessions tag nothing-like-it later", 3, "no session is called"),
    ("/config list", 0, "save.interval"),
    ("/config", 0, "save.interval"),
    ("/config list now", 2, "unexpected argument 'now'"),
    ("/config get save.interval", 0, "5"),
    ("/config get save.colour", 3, "save.colour"),
    ("/config set save.interval 9", 0, "save.interval = 9"),
    ("/config set save.interval 4", 3, "5 to 300"),
    ("/config set save.interval", 2, "VALUE"),
    ("/sessions delete ID", 3, "not done"),
    ("/sessions delete --yes ID", 0, "Deleted"),
    ("/sessions delete --yes nothing-like-it", 3, "no session is called"),
    ("/help", 0, "/sessions search"),
    ("/help me", 2, "/help takes nothing behind it"),
    ("/quit", 0, ""),
    ("/quit now", 2, "/quit takes nothing behind it"),
    ("/nonsense", 2, "There is no command /nonsense"),
    ("/sessions show 'ID", 2, "A quote is not closed"),
];

#[test]
fn every_slash_command_does_what_it_should_and_refuses_what_it_should() {
    let sandbox = Sandbox::new();
    let document = json!({
        "agent": "tester", "tags": ["bug"], "title": "the parser drops a line",
        "messages": [{"role": "user", "text": "the parser drops a line"}],
    });
    let id = sandbox.save(&document.to_string());
    sandbox.run(["tag", &id, "bug"]).ok();
    let short = &id[id.len() - 8..];
    for (line, code, told) in LINES {
        let line = line.replace("ID", short);
        let ran = sandbox.run(["shell", "-c", &line]);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, *code, "{line}: {ran:?}");
        // Usage names what is missing as the program does.
        let told = if *code == 2 { (*told).to_owned() } else { told.replace("ID", short) };
        assert!(all.contains(&told), "{line} tells {told:?}: {ran:?}");
    }
    for (command, ..) in COMMANDS {
        let has = |is_right: bool| {
            LINES.iter().any(|(line, code, _)| {
                let rest = line.strip_prefix(command);
                let is_it = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
                is_it && (*code == 2 || *code == 3) != is_right
            })
        };
        let needs_one_held = matches!(*command, "/history" | "/diff" | "/rollback");
        assert!(has(true) || needs_one_held, "{command} is called in a right way");
        assert!(has(false), "{command} is called in a wrong way");
    }
}

#[cfg(unix)]
mod in_a_terminal {
    use rustix::process::Signal;

    use super::*;
    use crate::support::Terminal;
    use crate::support::endpoint::ENDLESS;

    /// Starts a shell whose session is committed only when asked, so that its journal has something.
    fn start(sandbox: &Sandbox, url: &str) -> Terminal {
        sandbox.run(["config", "set", "save.idle", "300"]).ok();
        sandbox.run(["config", "set", "save.interval", "300"]).ok();
        let mut program = sandbox.program();
        program.args(["shell", "--endpoint", url, "--model", "parrot-1"]);
        Terminal::start(program.env("ANNALS_PAGER", "cat"), 100, 40)
    }

    /// Waits for a prompt behind `text`.
    fn wait_for_prompt(terminal: &Terminal, text: &str) -> String {
        terminal.wait_until(&format!("a prompt behind {text:?}"), |screen| {
            let behind = screen.rfind(text).map(|at| &screen[at..]);
            behind.is_some_and(|behind| behind.trim_end().ends_with('›'))
        })
    }

    fn say(terminal: &Terminal, text: &str, answer: &str) {
        terminal.press(&format!("{text}\r"));
        wait_for_prompt(terminal, answer);
    }

    #[test]
    fn a_conversation_is_killed_gone_on_with_found_and_exported() {
        let sandbox = Sandbox::new();
        let url = endpoint();
        let terminal = start(&sandbox, &url);
        wait_for_prompt(&terminal, "annals");
        let first = "why is the last line dropped?";
        say(&terminal, first, "dropped? (1 so far)");
        terminal.signal(Signal::KILL);
        assert_eq!(terminal.end().code, 128 + 9);
        // Somebody else opens the store before the shell is started again.
        assert_eq!(sandbox.json(["list"])["total"], 1);
        let terminal = start(&sandbox, &url);
        let screen = terminal.wait_for("Go on with it? [Y/n]");
        assert_eq!(screen.matches("interrupted").count(), 1, "{screen}");
        assert!(screen.contains("it has 2 messages, 2 of them out of its journal."), "{screen}");
        terminal.press("\r");
        let screen = wait_for_prompt(&terminal, "Going on with");
        assert!(screen.contains("2 messages · parrot-1"), "{screen}");
        say(&terminal, "and now?", "and now? (3 so far)");
        say(&terminal, "/sessions search 'line dropped'", "2  assistant");
        say(&terminal, "/sessions export . -o talk.md", "Exported");
        terminal.press("/quit\r");
        let left = terminal.end();
        assert_eq!(left.code, 0, "{}", left.screen);
        let exported = std::fs::read_to_string(sandbox.home().join("talk.md")).expect("written");
        for text in [first, "and now? (3 so far)"] {
            assert!(exported.contains(text), "{exported}");
        }
        let shown = only_session(&sandbox);
        assert_eq!(said(&shown).len(), 4, "{shown}");
        let terminal = start(&sandbox, &url);
        terminal.wait_for("Go on with it? [y/N]");
        terminal.press("n\r");
        wait_for_prompt(&terminal, "annals");
        terminal.press("\u{4}");
        assert_eq!(terminal.end().code, 0, "it is not interrupted any longer");
    }

    #[test]
    fn a_session_that_cannot_be_opened_is_told_and_not_offered_again() {
        let sandbox = Sandbox::new();
        shell(&sandbox, "the damaged one\n").ok();
        let files = sandbox.git(["ls-tree", "-r", "main"]);
        let chunk = files.lines().find(|line| line.contains("/messages/")).expect("a chunk");
        let object = chunk.split_whitespace().nth(2).expect("an id");
        let path = sandbox.store().join("objects").join(&object[..2]).join(&object[2..]);
        std::fs::remove_file(&path).expect("it is loose");
        std::fs::write(&path, "garbage").expect("written");
        let url = endpoint();
        let terminal = start(&sandbox, &url);
        terminal.wait_for("Go on with it? [y/N]");
        terminal.press("y\r");
        let screen = wait_for_prompt(&terminal, "A new session begins");
        assert!(screen.contains("damaged: session") && screen.contains("annals ›"), "{screen}");
        say(&terminal, "afresh", "afresh (1 so far)");
        terminal.press("/quit\r");
        assert_eq!(terminal.end().code, 0);
        let terminal = start(&sandbox, &url);
        let screen = terminal.wait_for("Go on with it? [y/N]");
        assert!(screen.contains("afresh") && !screen.contains("damaged"), "{screen}");
        terminal.press("y\r");
        wait_for_prompt(&terminal, "Going on with");
        // The same again: what waits is in what comes back.
        let id = sandbox.json(["list"])["sessions"][0]["id"].as_str().expect("an id").to_owned();
        say(&terminal, "waits", "waits (3 so far)");
        terminal.press(&format!("/resume {id}\r"));
        let screen = wait_for_prompt(&terminal, "4 messages");
        assert!(screen.contains("Going on with"), "{screen}");
        terminal.press("/quit\r");
        assert_eq!(terminal.end().code, 0);
        let list = sandbox.run(["list"]).ok();
        assert!(list.stdout.contains("the damaged one"), "the head is listed: {}", list.stdout);
    }

    #[test]
    fn what_waits_is_committed_and_the_terminal_given_back_when_it_is_told_to_stop() {
        for (signal, code) in [(Signal::TERM, 128 + 15), (Signal::HUP, 128 + 1)] {
            let sandbox = Sandbox::new();
            let terminal = start(&sandbox, &endpoint());
            wait_for_prompt(&terminal, "annals");
            // After the picker, which heeds signals of its own, they mean the same.
            say(&terminal, "hello", "hello (1 so far)");
            terminal.press("/resume\r").wait_for("1/1");
            terminal.press("\u{3}");
            wait_for_prompt(&terminal, "/resume");
            say(&terminal, "again", "again (3 so far)");
            terminal.signal(signal);
            let left = terminal.end();
            assert_eq!(left.code, code, "{}", left.screen);
            assert!(left.is_cooked, "the terminal is as it was");
            let journals = sandbox.store().join("annals/journal");
            assert_eq!(std::fs::read_dir(journals).expect("there").count(), 0, "it is committed");
            let told = said(&only_session(&sandbox));
            assert_eq!(told.len(), 4, "{told:?}");
            assert_eq!(told[3], "You said: again (3 so far)");
        }
    }

    #[test]
    fn an_answer_that_is_broken_off_is_kept_as_far_as_it_came() {
        let sandbox = Sandbox::new();
        let terminal = start(&sandbox, &endpoint());
        wait_for_prompt(&terminal, "annals");
        terminal.press(&format!("{ENDLESS}\r"));
        terminal.wait_for("(1 so far)");
        terminal.press("\u{3}");
        wait_for_prompt(&terminal, "Stopped");
        say(&terminal, "never mind", "never mind (3 so far)");
        terminal.press(&format!("{ENDLESS}\r"));
        terminal.wait_for("(5 so far)");
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.end().code, 128 + 15);
        let part = |count: u32| format!("You said: {ENDLESS} ({count} so far)");
        let shown = said(&only_session(&sandbox));
        assert_eq!((&shown[1], &shown[5]), (&part(1), &part(5)), "{shown:?}");
    }
}
