//! R10.2 and R10.3: what `annals stats` counts, against what a person would count by hand.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::corpus;

/// Sums by hand, from what `show` prints of each session.
#[derive(Debug, Default, PartialEq)]
struct Naive {
    sessions: u64,
    subagents: u64,
    messages: u64,
    calls: u64,
    tokens: [u64; 4],
    agents: BTreeMap<String, (u64, u64, u64)>,
    workspaces: BTreeMap<String, (u64, u64, u64)>,
    models: BTreeMap<String, (BTreeSet<String>, u64, u64)>,
    days: BTreeMap<String, (BTreeSet<String>, u64, u64)>,
    redactions: BTreeMap<String, u64>,
}

const PARTS: [&str; 4] = ["input", "output", "cache_read", "cache_write"];

impl Naive {
    fn of(sandbox: &Sandbox, filters: &[&str]) -> Self {
        let mut list = sandbox.program();
        let ran =
            Ran::of(list.args(["--json", "list", "--all", "-n", "100000"]).args(filters)).ok();
        let list: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let mut naive = Self::default();
        for row in list["sessions"].as_array().expect("sessions") {
            let id = row["id"].as_str().expect("an id");
            naive.add(&sandbox.json(["show", id]));
        }
        naive
    }

    fn add(&mut self, shown: &Value) {
        let session = &shown["session"];
        let id = session["id"].as_str().expect("an id").to_owned();
        if session["parent"].is_null() {
            self.sessions += 1;
        } else {
            self.subagents += 1;
        }
        let empty = serde_json::Map::new();
        let redactions = session["redactions"].as_object().unwrap_or(&empty);
        for (rule, count) in redactions {
            *self.redactions.entry(rule.clone()).or_default() += count.as_u64().expect("a count");
        }
        let mut total = 0;
        let messages = shown["messages"].as_array().expect("messages");
        // The usage of an answer is that of its last part.
        let mut last: BTreeMap<&str, usize> = BTreeMap::new();
        for (place, message) in messages.iter().enumerate() {
            if let Some(answer) =
                message["answer"].as_str().filter(|_| message["usage"].is_object())
            {
                last.insert(answer, place);
            }
        }
        for (place, message) in messages.iter().enumerate() {
            let counts = message["answer"].as_str().is_none_or(|it| last.get(it) == Some(&place));
            let mut tokens = 0;
            for (sum, part) in self.tokens.iter_mut().zip(PARTS) {
                let count = message["usage"][part].as_u64().filter(|_| counts).unwrap_or(0);
                *sum += count;
                tokens += count;
            }
            total += tokens;
            self.messages += 1;
            let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
            self.calls +=
                blocks.iter().filter(|block| block.get("tool_call").is_some()).count() as u64;
            let model = message["model"].as_str().filter(|model| !model.starts_with('<'));
            if let Some(model) = model {
                let (ids, messages, sum) = self.models.entry(model.to_owned()).or_default();
                ids.insert(id.clone());
                (*messages, *sum) = (*messages + 1, *sum + tokens);
            }
            if let Some(at) = message["at"].as_str() {
                let at = chrono::DateTime::parse_from_rfc3339(at).expect("a time").to_utc();
                let (ids, messages, sum) =
                    self.days.entry(at.date_naive().to_string()).or_default();
                ids.insert(id.clone());
                (*messages, *sum) = (*messages + 1, *sum + tokens);
            }
        }
        let agent = session["agent"]["name"].as_str().expect("a name").to_owned();
        let root = session["workspace"]["root"].as_str().unwrap_or_default().to_owned();
        for (groups, name) in [(&mut self.agents, agent), (&mut self.workspaces, root)] {
            let group = groups.entry(name).or_default();
            *group = (group.0 + 1, group.1 + messages.len() as u64, group.2 + total);
        }
    }
}

/// The same sums as `stats` tells them.
fn told(sandbox: &Sandbox, filters: &[&str]) -> Naive {
    let ran = Ran::of(sandbox.program().args(["--json", "stats"]).args(filters)).ok();
    let stats: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let number = |value: &Value| value.as_u64().expect("a number");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let each = |key: &str| stats[key].as_array().expect("a list").clone();
    let groups = |key: &str| {
        let group = |it: &Value| {
            let sums =
                (number(&it["sessions"]), number(&it["messages"]), number(&it["tokens"]["total"]));
            (text(&it["name"]), sums)
        };
        each(key).iter().map(group).collect()
    };
    // Who they were is not told, only how many.
    let counted = |it: &Value, name: &str| {
        let ids = (0..number(&it["sessions"])).map(|it| it.to_string()).collect();
        (text(&it[name]), (ids, number(&it["messages"]), number(&it["tokens"]["total"])))
    };
    let total: u64 = PARTS.iter().map(|part| number(&stats["tokens"][part])).sum();
    assert_eq!(number(&stats["tokens"]["total"]), total);
    let grown: i64 = each("growth").iter().map(|it| it["bytes"].as_i64().expect("bytes")).sum();
    assert_eq!(grown, stats["counts"]["bytes"].as_i64().expect("bytes"), "what grew is there");
    Naive {
        sessions: number(&stats["sessions"]),
        subagents: number(&stats["subagents"]),
        messages: number(&stats["counts"]["messages"]),
        calls: number(&stats["counts"]["tool_calls"]),
        tokens: PARTS.map(|part| number(&stats["tokens"][part])),
        agents: groups("agents"),
        workspaces: groups("workspaces"),
        models: each("models").iter().map(|it| counted(it, "name")).collect(),
        days: each("days").iter().map(|it| counted(it, "date")).collect(),
        redactions: serde_json::from_value(stats["redactions"].clone()).expect("counts"),
    }
}

fn assert_same(sandbox: &Sandbox, filters: &[&str]) {
    let mut naive = Naive::of(sandbox, filters);
    let numbered = |(ids, ..): &mut (BTreeSet<String>, u64, u64)| {
        *ids = (0..ids.len()).map(|it| it.to_string()).collect();
    };
    naive.models.values_mut().for_each(numbered);
    naive.days.values_mut().for_each(numbered);
    assert_eq!(told(sandbox, filters), naive, "with {filters:?}");
}

fn stage() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let secret = ["ghp_", "a8Fj2kLm9Qr4TzXw7Yb3Nc6Vd1Pe5Hs0UgAi"].concat();
    let input = json!({"command": "ls"});
    sandbox.transcript(1).user("Fix the login").agent("On it.").tool("Bash", &input, "a").write();
    sandbox.transcript(2).user(&format!("The token is {secret}")).agent("I see.").write();
    sandbox.capture();
    sandbox.set_now("2026-11-23T12:00:00Z");
    sandbox.save(
        "{agent: other, workspace: {root: /src/x}, messages: [\
         {role: user, text: q, at: '2026-11-21T23:59:59.9Z'},\
         {role: assistant, text: a, at: '2026-11-22T00:00:01Z', model: m, usage: {input: 3, output: 4}},\
         {role: assistant, text: b, at: '2026-11-22T09:00:00Z', model: n, usage: {output: 9}},\
         {role: user, text: undated}]}",
    );
    sandbox
}

#[test]
fn r10_3_the_sums_are_those_that_a_naive_count_gives() {
    let sandbox = stage();
    let other = ["--agent", "other"];
    for filters in [
        &[][..],
        &["--agent", "claude"],
        &other,
        &["--model", "opus"],
        &["--workspace", "/src/x"],
        &["--until", "2026-11-20"],
        &["--tag", "none"],
    ] {
        assert_same(&sandbox, filters);
    }
    // What changes is counted anew, what goes is gone.
    sandbox.transcript(1).user("Fix the login").agent("On it.").user("Thanks.").write();
    sandbox.capture();
    assert_same(&sandbox, &[]);
    let list = sandbox.json(["list", "--agent", "other"]);
    let id = list["sessions"][0]["id"].as_str().expect("an id").to_owned();
    sandbox.run(["rollback", &id, "~0"]).ok();
    sandbox.run(["delete", &id, "--yes"]).ok();
    assert_same(&sandbox, &[]);
    sandbox.run(["undelete", &id]).ok();
    assert_same(&sandbox, &[]);
    fs::remove_file(sandbox.store().join("annals/index.db")).expect("it was there");
    assert_same(&sandbox, &[]);
}

#[test]
fn r10_3_the_sums_are_those_of_a_naive_count_of_real_transcripts() {
    let Some(corpus) = corpus() else { return skip() };
    let sandbox = Sandbox::new();
    let home = corpus.join("home").to_string_lossy().into_owned();
    sandbox.run(["capture", "--home", &home]).ok();
    assert_same(&sandbox, &[]);
    assert_same(&sandbox, &["--model", "opus"]);
    let stats = sandbox.json(["stats"]);
    let ratio = stats["storage"]["ratio"].as_f64().expect("something went in");
    assert!(ratio > 0.5, "{ratio}");
    let mut raw = 0;
    let mut folders = vec![corpus.join("home/.claude/projects")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("readable").flatten() {
            let (path, metadata) = (entry.path(), entry.metadata().expect("there"));
            if metadata.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "jsonl") {
                raw += metadata.len();
            }
        }
    }
    let read = stats["storage"]["raw"].as_u64().expect("a size");
    assert!(read <= raw && read * 10 >= raw * 9, "{read} of {raw} bytes were read");
}

#[test]
fn r10_2_operations_are_counted_with_their_times_and_failures() {
    let sandbox = stage();
    for _ in 0..3 {
        sandbox.run(["list"]).ok();
        sandbox.run(["search", "login"]).ok();
    }
    sandbox.capture();
    sandbox.run(["import", "none.json"]).code(3);
    sandbox.run(["import", "none.json"]).code(3);
    let stats = sandbox.json(["stats"]);
    let of = |name: &str| {
        let all = stats["operations"]["each"].as_array().expect("operations");
        all.iter().find(|it| it["operation"] == name).cloned().unwrap_or_default()
    };
    let counts = |name| (of(name)["count"].as_u64(), of(name)["failed"].as_u64());
    assert_eq!(counts("list"), (Some(3), Some(0)));
    assert_eq!(counts("search"), (Some(3), Some(0)));
    assert_eq!(counts("capture"), (Some(2), Some(0)));
    assert_eq!(counts("save"), (Some(1), Some(0)));
    assert_eq!(counts("import"), (Some(2), Some(2)));
    let ms = |key: &str| of("search")[key].as_f64().expect("a time");
    assert!(0.0 < ms("p50_ms") && ms("p50_ms") <= ms("p95_ms") && ms("p95_ms") <= ms("max_ms"));
    assert_eq!(stats["capture"], json!({"sessions": 4, "unchanged": 2}));
    assert_eq!(stats["operations"]["since"], "2026-11-22T12:00:00Z");
    let alerts: Vec<&Value> = stats["alerts"].as_array().expect("alerts").iter().collect();
    let failed = alerts.iter().find(|it| it["kind"] == "failed").expect("it is told");
    let message = failed["message"].as_str().expect("a text");
    assert!(message.starts_with("2 operations failed of late, last `import` on 2026-11-23 (io)"));
    // Losing the file costs the counts alone, and a torn one is none.
    fs::write(sandbox.store().join("annals/metrics.json"), "{\"current\": {\"op").expect("written");
    let again = sandbox.json(["stats"]);
    assert_eq!(again["counts"], stats["counts"]);
    assert_eq!(again["alerts"], json!([]));
}

#[test]
fn r10_2_what_the_store_takes_is_noted_by_saves_once_a_day() {
    let mut sandbox = Sandbox::new();
    sandbox.transcript(1).user("hello").write();
    for (now, text) in [
        ("2026-11-22T09:00:00Z", "first"),
        ("2026-11-22T15:00:00Z", "not again on that day"),
        ("2026-11-24T09:00:00Z", "again"),
    ] {
        sandbox.set_now(now);
        sandbox.save(&format!("{{messages: [{{role: user, text: {text}}}]}}"));
    }
    // A capture with nothing new is a look too.
    sandbox.set_now("2026-11-26T12:00:00Z");
    sandbox.capture();
    sandbox.set_now("2026-11-28T12:00:00Z");
    let stats = sandbox.json(["stats"]);
    let sizes = stats["sizes"].as_array().expect("sizes");
    let dates: Vec<&str> = sizes.iter().map(|it| it["date"].as_str().expect("a date")).collect();
    assert_eq!(dates, ["2026-11-22", "2026-11-24", "2026-11-26", "2026-11-28"]);
    let history = |place: usize| sizes[place]["history"].as_u64().expect("bytes");
    assert!(0 < history(0) && history(0) < history(1), "{sizes:?}");
    assert!(sizes.iter().all(|it| it["total"].as_u64() > it["history"].as_u64()), "{sizes:?}");
    assert_eq!(sizes[3]["total"], stats["storage"]["total"]);
    assert_eq!(sizes[3]["history"], stats["storage"]["history"]);
    assert!(sandbox.run(["stats"]).ok().stdout.contains("On disk"), "it is drawn");
    let file = sandbox.store().join("annals/sizes.json");
    fs::write(file, "[{\"at\":").expect("written");
    assert_eq!(sandbox.json(["stats"])["sizes"].as_array().expect("sizes").len(), 1);
}

#[test]
fn r10_3_what_wants_a_look_is_an_alert() {
    let sandbox = stage();
    let kinds = || -> Vec<String> {
        let stats = sandbox.json(["stats"]);
        let alerts = stats["alerts"].as_array().expect("alerts").iter();
        alerts.map(|it| it["kind"].as_str().expect("a kind").to_owned()).collect()
    };
    assert_eq!(kinds(), [""; 0]);
    // A text that no deflating makes small.
    let mut state = 1_u64;
    let mut letter = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 26).expect("a letter"))
    };
    let word = |_| (0..4).map(|_| letter()).chain([' ']).collect::<String>();
    let big: String = (0..400_000).map(word).collect();
    sandbox.save(&format!("{{messages: [{{role: user, text: {big}}}]}}"));
    sandbox.run(["config", "set", "limits.size", "1 MB"]).ok();
    assert_eq!(kinds(), ["over_limit"]);
    sandbox.run(["config", "unset", "limits.size"]).ok();
    let blocked = sandbox.root().join("file");
    fs::write(&blocked, "no folder").expect("written");
    let path = blocked.join("log").to_string_lossy().into_owned();
    sandbox.run(["config", "set", "audit.path", &path]).ok();
    sandbox.run(["config", "set", "audit.enabled", "true"]).ok();
    sandbox.run(["gc"]).ok();
    assert!(kinds().contains(&"unaudited".to_owned()), "{:?}", kinds());
    sandbox.run(["config", "unset", "audit.enabled"]).ok();
    let index = sandbox.store().join("annals/index.db");
    fs::write(&index, "no database at all, but a text of some length").expect("written");
    for name in ["index.db-wal", "index.db-shm"] {
        drop(fs::remove_file(sandbox.store().join("annals").join(name)));
    }
    assert!(kinds().contains(&"index_rebuilt".to_owned()), "{:?}", kinds());
}

#[test]
fn r10_3_the_page_is_one_file_that_only_its_owner_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = stage();
    let evil = "<img src=x onerror=alert(1)>";
    sandbox.save(&format!(
        "{{agent: \"{evil}\", workspace: {{root: \"/{evil}\"}}, messages: [{{role: user, text: x}}]}}"
    ));
    let ran = sandbox.run(["stats", "--html", "stats.html"]).ok();
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", "Wrote ~/stats.html\n"));
    let file = sandbox.home().join("stats.html");
    let page = fs::read_to_string(&file).expect("it is there");
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>"));
    assert!(!page.contains("<img") && !page.contains("<script") && page.contains("&lt;img"));
    assert!(page.contains("2026-11-22: 2"), "the days are told: {page}");
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let again = sandbox.run(["stats", "--html", "stats.html"]).code(3);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    sandbox.run(["stats", "--html", "stats.html", "--force"]).ok();
    sandbox.run(["stats", "--html", "no/such/folder.html"]).code(3);
    let figures = sandbox.json(["stats", "--html", "both.html"]);
    assert_eq!(figures["kind"], "annals.stats/1");
    assert!(sandbox.home().join("both.html").exists(), "the page is written too");
}

#[expect(clippy::print_stderr, reason = "a test that checks nothing says so")]
fn skip() {
    eprintln!("skipped: ANNALS_CORPUS names no real transcripts");
}
