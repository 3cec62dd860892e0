//! R5: finding, as far as filters go.

use serde_json::json;

use crate::support::Sandbox;

/// Sessions 1 to 6, each with its own agent, model, workspace, branch, tags and days.
fn six(sandbox: &Sandbox) {
    let rows = [
        (1, "claude-code", "claude-opus-4-5-20251101", "/src/shop", "main", "a,b", ["01", "03"]),
        (2, "claude-code", "claude-sonnet-4-5", "/src/shop/api", "fix", "a", ["02", "02"]),
        (3, "codex", "gpt-5.1-codex", "/src/shop-old", "main", "b", ["04", "04"]),
        (4, "codex", "o3", "/src/other", "dev", "", ["05", "09"]),
        (5, "mine", "claude-opus-4-1", "/home/kim/shop", "main", "A", ["10", "10"]),
        (6, "mine", "m_1", "/src/100%", "fe_x", "c", ["20", "21"]),
    ];
    for (number, agent, model, root, branch, tags, days) in rows {
        let repository = (number == 4).then_some("github.com/joe/app");
        let at = |day: &str| format!("2026-10-{day}T12:00:00Z");
        let tags: Vec<&str> = tags.split(',').filter(|tag| !tag.is_empty()).collect();
        let document = json!({
            "id": format!("01890000-0000-7000-8000-00000000000{number}"),
            "created": at(days[0]),
            "agent": agent,
            "tags": tags,
            "workspace": {"root": root, "branch": branch, "repository": repository},
            "messages": [
                {"role": "user", "at": at(days[0]), "text": "Hi"},
                {"role": "assistant", "at": at(days[1]), "text": "Yes", "model": model},
            ],
        });
        sandbox.save(&document.to_string());
    }
}

fn found<const N: usize>(sandbox: &Sandbox, filter: [&str; N]) -> Vec<u64> {
    let ran =
        sandbox.program().args(["--json", "list", "--sort", "created", "-r"]).args(filter).output();
    let ran = ran.expect("the program starts");
    assert!(ran.status.success(), "{filter:?}: {}", String::from_utf8_lossy(&ran.stderr));
    let list: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let rows = list["sessions"].as_array().expect("rows");
    let found: Vec<u64> = rows
        .iter()
        .map(|row| row["short"].as_str().and_then(|it| it.parse().ok()).expect("a number"))
        .collect();
    assert_eq!(list["total"].as_u64(), Some(found.len() as u64), "the total is of what matches");
    found
}

#[test]
fn r5_3_filters_find_exactly_what_they_name() {
    let sandbox = Sandbox::new();
    six(&sandbox);
    let find = |filter: [&str; 2]| found(&sandbox, filter);
    assert_eq!(find(["--agent", "codex"]), [3, 4]);
    assert_eq!(find(["--agent", "Codex"]), [3, 4]);
    assert_eq!(find(["--agent", "claude"]), [1, 2], "the beginning of an agent's name is enough");
    assert_eq!(find(["--model", "opus"]), [1, 5], "a part of the model's name is enough");
    assert_eq!(find(["--model", "OPUS-4-5"]), [1], "in any case of letters");
    assert_eq!(find(["--model", "m_1"]), [6], "and nothing in it is a pattern");
    assert_eq!(find(["--model", "_"]), [6]);
    assert_eq!(find(["--model", "%"]), [0; 0]);
    assert_eq!(find(["--workspace", "/src/shop"]), [1, 2], "a folder and what lies below it");
    assert_eq!(find(["--workspace", "/src/shop/"]), [1, 2]);
    assert_eq!(find(["--workspace", "shop"]), [1, 5], "a name is the folder's own");
    assert_eq!(find(["--workspace", "kim/shop"]), [5], "or its last parts");
    assert_eq!(find(["--workspace", "app"]), [4], "or those of the repository");
    assert_eq!(find(["--workspace", "joe/app"]), [4]);
    assert_eq!(find(["--workspace", "/src/100%"]), [6]);
    assert_eq!(find(["--tag", "a"]), [1, 2, 5], "a tag is whole, in any case of letters");
    assert_eq!(find(["--tag", "A"]), [1, 2, 5]);
    assert_eq!(find(["--branch", "main"]), [1, 3, 5]);
    assert_eq!(find(["--branch", "fe%"]), [0; 0]);
    assert_eq!(find(["--branch", "f*"]), [2, 6], "a star stands for any text");
    assert_eq!(find(["--branch", "?e*"]), [4, 6]);
    assert_eq!(find(["--branch", "[mf]*"]), [0; 0], "and nothing else is a pattern");
}

#[test]
fn r5_3_values_of_one_filter_are_alternatives_and_filters_add_up() {
    let sandbox = Sandbox::new();
    six(&sandbox);
    assert_eq!(found(&sandbox, ["--agent", "codex", "--agent", "mine"]), [3, 4, 5, 6]);
    assert_eq!(found(&sandbox, ["--tag", "a", "--tag", "c"]), [1, 2, 5, 6]);
    assert_eq!(found(&sandbox, ["--tag", "a", "--branch", "main"]), [1, 5]);
    assert_eq!(found(&sandbox, ["--model", "claude", "--agent", "mine", "--tag", "A"]), [5]);
    assert_eq!(found(&sandbox, ["--tag", "a", "--agent", "mine"]), [5]);
    assert_eq!(found(&sandbox, ["--tag", "b", "--date", "2026-10-04"]), [3]);
}

#[test]
fn r5_3_here_is_the_current_folder_and_those_below() {
    let sandbox = Sandbox::new();
    let home = sandbox.home();
    let folders = [home.clone(), home.join("shop"), sandbox.root().join("home-two")];
    for (number, root) in (1..).zip(folders) {
        sandbox.transcript(number).workspace(&root.to_string_lossy()).user("hello").write();
    }
    sandbox.capture();
    let list = sandbox.json(["list", "--here"]);
    assert_eq!(list["total"], 2, "{list}");
}

#[test]
fn r5_4_dates_are_years_months_days_and_ranges() {
    let sandbox = Sandbox::new();
    six(&sandbox);
    let date = |text: &str| found(&sandbox, ["--date", text]);
    assert_eq!(date("2026"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(date("2025"), [0; 0]);
    assert_eq!(date("2026-10"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(date("2026-09"), [0; 0]);
    assert_eq!(date("2026-10-02"), [1, 2], "a session counts on each day between its ends");
    assert_eq!(date("2026-10-07"), [4]);
    assert_eq!(date("2026-10-04..2026-10-05"), [3, 4], "both ends of a range belong to it");
    assert_eq!(date("2026-10-10.."), [5, 6]);
    assert_eq!(date("..2026-10-02"), [1, 2]);
    assert_eq!(date("2026-10-04T12:00:00Z"), [3], "a time is its second");
    assert_eq!(found(&sandbox, ["--since", "2026-10-09"]), [4, 5, 6]);
    assert_eq!(found(&sandbox, ["--until", "2026-10-03"]), [1, 2]);
    assert_eq!(found(&sandbox, ["--since", "2026-10-04", "--until", "2026-10-05"]), [3, 4]);
    assert_eq!(found(&sandbox, ["--date", "2026-10-02", "--date", "2026-10-20"]), [1, 2, 6]);
}

#[test]
fn r5_4_dates_are_words_in_the_time_zone_of_the_user() {
    let mut sandbox = Sandbox::new();
    six(&sandbox);
    sandbox.set_now("2026-10-10T12:30:00Z");
    let date = |text: &str| found(&sandbox, ["--date", text]);
    assert_eq!(date("today"), [5]);
    assert_eq!(date("yesterday"), [4]);
    assert_eq!(date("6 days ago"), [3], "that day");
    assert_eq!(date("this week"), [4, 5], "it began on Monday the 5th");
    assert_eq!(date("last week"), [1, 2, 3]);
    assert_eq!(date("october"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(date("last october"), [0; 0]);
    assert_eq!(date("last 24 hours"), [5], "4 ended half an hour earlier");
    assert_eq!(date("last 25 hours"), [4, 5]);
    assert_eq!(date("sunday..yesterday"), [3, 4]);
    assert_eq!(found(&sandbox, ["--since", "2 days ago", "--until", "yesterday"]), [4]);
    assert_eq!(found(&sandbox, ["--since", "today", "--since", "friday"]), [4, 5, 6]);
    let there = |zone: &str| {
        let mut program = sandbox.program();
        let ran = program.env("TZ", zone).args(["--json", "list", "--date", "2026-10-04 22:00"]);
        let list: serde_json::Value =
            serde_json::from_str(&crate::support::Ran::of(ran).ok().stdout).expect("JSON");
        list["total"].as_u64()
    };
    assert_eq!(there("XXX-10"), Some(1), "noon is ten in the evening there");
    assert_eq!(there("XXX-11"), Some(0));
}

#[test]
fn r5_4_a_revision_is_named_by_a_date_too() {
    let mut sandbox = Sandbox::new();
    sandbox.set_now("2026-11-20T12:00:30Z");
    let id = sandbox.save("title: one\nmessages:\n- {role: user, text: Hi}\n");
    sandbox.set_now("2026-11-21T14:00:30Z");
    sandbox.run(["rename", &id, "two"]).ok();
    sandbox.set_now("2026-11-22T12:00:00Z");
    sandbox.run(["rename", &id, "three"]).ok();
    let title = |revision: &str| {
        let shown = sandbox.json(["show", &format!("{id}@{revision}")]);
        shown["session"]["title"].as_str().expect("a title").to_owned()
    };
    assert_eq!(title("{yesterday 14:00}"), "two", "what was saved in that minute belongs to it");
    assert_eq!(title("{yesterday 13:59}"), "one");
    assert_eq!(title("yesterday"), "two");
    assert_eq!(title("{2 days ago}"), "one");
    assert_eq!(title("{2026-11-21T14:00:30Z}"), "two");
    assert_eq!(title("now"), "three");
    let ran = sandbox.run(["show", &format!("{id}@{{last year}}")]).code(3);
    assert!(ran.stderr.contains("was not there at"), "{}", ran.stderr);
    let ran = sandbox.run(["show", &format!("{id}@{{soon}}")]).code(3);
    assert!(ran.stderr.contains("there is no revision"), "{}", ran.stderr);
}

#[test]
fn r5_3_a_filter_that_can_match_nothing_says_so() {
    let sandbox = Sandbox::new();
    six(&sandbox);
    let refused = |filter: [&str; 3], message: &str| {
        let commands: [&[&str]; 5] =
            [&["list"], &["export"], &["search", "word"], &["prune", "--dry-run"], &["stats"]];
        for command in commands {
            let ran = crate::support::Ran::of(sandbox.program().args(command).args(filter)).code(2);
            assert!(ran.stderr.starts_with(&format!("error: {message}\n")), "{}", ran.stderr);
        }
    };
    refused(
        ["--agent", "cluade", "--here"],
        "No agent is called `cluade`. Did you mean `claude-code`?",
    );
    refused(["--agent", "", "--here"], "`agent` needs a value.");
    refused(
        ["--since", "2026-10-05", "--until=2026-10-01"],
        "`since` lies after `until`, so nothing could match.",
    );
    let told = |filter: [&str; 2], message: &str| {
        let ran = sandbox.run(["list", filter[0], filter[1]]).ok();
        assert_eq!(ran.stdout, "");
        let expected = format!("{message} `annals list` without filters shows all.\n");
        assert_eq!(ran.stderr, expected);
        let ran = sandbox.run(["export", filter[0], filter[1]]).code(3);
        assert!(ran.stderr.starts_with(&format!("not found: {message}\n")), "{}", ran.stderr);
        let ran = sandbox.run(["search", "word", filter[0], filter[1]]).code(1);
        let why = if message == "No session matches." { "" } else { &format!(" {message}") };
        assert_eq!(ran.stderr, format!("Nothing matches.{why}\n"));
        let ran = sandbox.run(["list", "--text", "word", filter[0], filter[1]]).ok();
        let expected = format!("{message} `annals list` without --text shows more.\n");
        assert_eq!(ran.stderr, expected);
    };
    told(["--model", "opsu-4-5"], "No session has the model `opsu-4-5`.");
    told(["--branch", "mian"], "No session has the branch `mian`. Did you mean `main`?");
    told(["--workspace", "shpo"], "No session is about `shpo`. Did you mean `shop` or `shop-old`?");
    told(["--date", "2025"], "No session matches.");
}

#[test]
fn r5_3_export_takes_filters_in_place_of_ids() {
    let sandbox = Sandbox::new();
    six(&sandbox);
    sandbox.run(["export", "--agent", "codex", "--format", "json", "-o", "out/"]).ok();
    let files = std::fs::read_dir(sandbox.home().join("out")).expect("a folder").count();
    assert_eq!(files, 2);
    let ran = sandbox.run(["export", "--tag", "a", "--format", "json", "-o", "-"]).ok();
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["sessions"].as_array().map(Vec::len), Some(3));
    sandbox.run(["export"]).code(2);
    sandbox.run(["export", "@", "--tag", "a"]).code(2);
}

#[test]
fn r5_4_what_is_no_date_is_refused() {
    let sandbox = Sandbox::new();
    six(&sandbox);
    for text in ["2026-13", "2026-02-30", "soon", "", "..", "2026-10-05..2026-10-01"] {
        let ran = sandbox.run(["list", "--date", text]).code(2);
        assert!(ran.stderr.starts_with("error:"), "{text}: {}", ran.stderr);
    }
    sandbox.run(["list", "--since", "2026-10-05", "--until", "2026-10-01"]).code(2);
}
