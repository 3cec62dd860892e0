//! P8: exports hold the session, and nothing in it becomes markup.

use std::fs;
use std::sync::OnceLock;

use annals::exchange::ExportFormat;
use annals::exchange::Outgoing;
use annals::exchange::Package;
use annals::exchange::ShareChoice;
use annals::format;
use annals::redact::Profile;
use annals::redact::Rules;
use annals::store::Bundle;
use proptest::prelude::*;
use pulldown_cmark::Event;
use pulldown_cmark::HeadingLevel;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use serde_json::json;

use crate::doors::leaving::check_html;
use crate::doors::leaving::check_markdown;
use crate::doors::leaving::everywhere;
use crate::support::Sandbox;
use crate::support::corpus;

/// Hostile texts; `WORD` is a word that must be found again.
const HOSTILE: &[&str] = &[
    "WORD",
    "<script>alert('WORD')</script>",
    "<img src=x onerror=alert(1) alt=WORD>",
    "<svg/onload=alert(1)>WORD",
    "<a href=\"javascript:alert(1)\">WORD</a>",
    "[WORD](javascript:alert(1))",
    "[WORD](JaVaScRiPt:alert(1))",
    "[WORD](java&#115;cript&colon;alert(1))",
    "[WORD](<javascript:alert(1)> \"title\")",
    "[t](https://example.org/ \"WORD\")",
    "[WORD](vbscript:x) [b](data:text/html,<script>) [c](//evil.example) [d](file:///etc/passwd)",
    "[WORD](https://example.org/\"onclick=alert(1)//)",
    "[WORD](https://example.org/?a=b&c='d'>)",
    "<javascript:WORD>",
    "<https://example.org/WORD>",
    "<WORD@example.org>",
    "![WORD](https://evil.example/pixel.png)",
    "![WORD](javascript:alert(1))",
    "[![WORD](data:image/svg+xml,<svg/onload=alert(1)>)](javascript:alert(2))",
    "[WORD]: javascript:alert(1)\n\n[WORD]",
    "[x]: https://example.org/WORD 'a'\n[x]: https://example.org/WORD 'b'\n",
    "</style><style>*{background:url(//evil.example/WORD)}</style>",
    "<style>@import '//evil.example/WORD'</style>",
    "<div style=\"position:fixed;inset:0;background:url(javascript:WORD)\">",
    "</pre></details></section></main><h1>WORD",
    "<details open ontoggle=alert(1)>WORD",
    "<!-- WORD",
    "--> WORD <!--",
    "<![CDATA[ WORD ]]>",
    "<?php WORD ?>",
    "<meta http-equiv=refresh content='0;url=javascript:WORD'>",
    "<base href=//evil.example/><iframe srcdoc=WORD>",
    "\\<b>WORD \\\\<script>",
    "```WORD\nleft open",
    "~~~~ html WORD onload=x\n<script>",
    "````\n```\nWORD\n",
    "- ```\n  WORD",
    "> ```\n> WORD",
    "`` <b> ` WORD",
    "# WORD",
    "WORD\n===",
    "WORD\n---",
    "> WORD\n> ---",
    "- WORD\n  ===",
    "## 1. User · WORD",
    "---\nid: WORD\n---",
    "    WORD",
    "| WORD | <b>b</b> |\n|---|---|\n| c | d |",
    "- [x] WORD\n1. two",
    "&lt;script&gt;WORD&#60;script&#62;",
    "&#x202e;WORD&#27;[31m&#0;",
    "\u{202e}WORD\u{1b}[2J\u{7}\0\u{2028}",
    "{{ WORD }}{% for x in y %}{# WORD #}",
    "\"><WORD onmouseover='x'",
    "' onfocus=alert(1) autofocus WORD='",
    "<x\nonclick=WORD\n>",
    "<scr<script>ipt>WORD</scr</script>ipt>",
    "*a **b _c WORD ~~d",
    "WORD\r\nline\rline",
    "</title></textarea></code><script>WORD</script>",
    "<svg><animate onbegin=alert(1) attributeName=WORD dur=1s><script>alert(1)</script></svg>",
    "<object data=\"data:text/html,WORD\"></object><embed src=//evil.example/WORD>",
    "<link rel=stylesheet href=//evil.example/WORD.css><audio src=//evil.example/ autoplay>",
    "<form action=javascript:alert(1)><button autofocus formaction=javascript:WORD>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=WORD\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">WORD",
    "<template><img src=x onerror=alert('WORD')></template>",
    "<img \"\"\"><script>alert('WORD')</script>\">",
    "<a id=__proto__ name=body ping=//evil.example target=_blank href=x:y>WORD</a>",
    "[WORD]( javascript:alert(1) ) [b](java\nscript:alert(1)) [c](&#x6A;avascript&colon;alert(1))",
    "[WORD](https://example.org/ \"t\\\" onmouseover=\\\"alert(1)\")",
    "<http://example.org/WORD\"onclick=alert(1)>",
    "![WORD](data:image/svg+xml;base64,PHN2Zy8+) ![b](//evil.example/x \"t\")",
    "```a\"onmouseover=\"alert(1)\nWORD\n```",
    "~~~</code><script>alert(1)</script>\nWORD",
    "|WORD|b|\n|:-:|--:|\n|<img src=x onerror=alert(1)>|[x](javascript:alert(1))|",
    "WORD[^1]\n\n[^1]: <img src=x onerror=alert(1)>",
    "+ADw-script+AD4-WORD+ADw-/script+AD4-",
    "&amp;lt;script&amp;gt;WORD",
];

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| Rules::builtin().expect("the rules load"))
}

fn hostile(word: usize) -> impl Strategy<Value = String> {
    let piece = prop::sample::select(HOSTILE);
    let joint = prop::sample::select(&["\n\n", "\n", " ", "", "\n> ", "\n  "][..]);
    prop::collection::vec((piece, joint), 1..4).prop_map(move |pieces| {
        let text: String = pieces.iter().flat_map(|(piece, joint)| [*piece, *joint]).collect();
        text.replace("WORD", &format!("word{word}x"))
    })
}

fn hostile_texts() -> impl Strategy<Value = [String; 9]> {
    let texts: Vec<_> = (0..9).map(hostile).collect();
    texts.prop_map(|texts| <[String; 9]>::try_from(texts).expect("there are nine"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p08_json_and_yaml_parse_back_to_the_same_session(texts in hostile_texts()) {
        let session = everywhere(&texts);
        let outgoing = Outgoing::new(session.clone(), rules());
        prop_assume!(outgoing.redactions().is_empty());
        for form in [ExportFormat::Json, ExportFormat::Yaml] {
            let (head, records) = format::parse_session(&outgoing.render(form)).expect("it parses");
            prop_assert_eq!(head.id, session.id, "the id came back from {:?}", form);
            prop_assert_eq!(&records, &session.records, "the records came back from {:?}", form);
        }
    }

    #[test]
    fn p08_a_bundle_parses_back_to_the_same_talk(texts in hostile_texts()) {
        let session = everywhere(&texts);
        prop_assume!(Outgoing::new(session.clone(), rules()).redactions().is_empty());
        let nobody = ["home", "user", "host", "name", "email"].map(|of| format!("zqx-{of}-9f3"));
        let [home, user, host, name, email] = nobody;
        let profile = Profile { home: format!("/home/{home}"), user, host, name, email };
        let choice = ShareChoice { with_files: true, coarse_times: false };
        let package = Package::new(std::slice::from_ref(&session), &profile, rules(), choice).expect("made");
        let bundle = Bundle::parse(&package.render().expect("rendered")).expect("it parses");
        let [shared] = bundle.sessions() else { panic!("one session") };
        let head = bundle.head(shared).expect("a head");
        prop_assert_eq!(head.counts.messages, session.head().counts.messages);
        prop_assert_eq!(head.counts.tool_calls, session.head().counts.tool_calls);
        prop_assert_ne!(head.id, session.id, "it leads back to nobody");
    }

    #[test]
    fn p08_html_shows_every_text_and_obeys_none(texts in hostile_texts()) {
        let html = Outgoing::new(everywhere(&texts), rules()).render(ExportFormat::Html);
        check_html(&html, &texts);
    }

    #[test]
    fn p08_markdown_holds_every_text_and_obeys_none(texts in hostile_texts()) {
        let markdown = Outgoing::new(everywhere(&texts), rules()).render(ExportFormat::Markdown);
        check_markdown(&markdown, &texts, 2);
    }
}

#[test]
fn p08_each_hostile_text_by_itself_is_shown_and_obeyed_nowhere() {
    for piece in HOSTILE {
        let texts: [String; 9] =
            std::array::from_fn(|place| piece.replace("WORD", &format!("word{place}x")));
        let outgoing = Outgoing::new(everywhere(&texts), rules());
        check_html(&outgoing.render(ExportFormat::Html), &texts);
        check_markdown(&outgoing.render(ExportFormat::Markdown), &texts, 2);
    }
}

/// A store with one small session of Claude Code, and its short id.
fn stored() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox
        .transcript(1)
        .user("Why does the **login** fail?")
        .agent("Let me look.")
        .tool("Bash", &json!({"command": "git status --short"}), " M src/login.rs\n```\n")
        .agent("Fixed:\n\n```rust\nlet a = 1 < 2;\n```\n<b>Done</b>")
        .write();
    sandbox.run(["capture", "--quiet"]).ok();
    let list = sandbox.json(["list"]);
    let short = list["sessions"][0]["short"].as_str().expect("an id").to_owned();
    (sandbox, short)
}

#[test]
fn p08_markdown_of_a_small_session() {
    let (sandbox, id) = stored();
    let ran = sandbox.run(["export", &id, "-o", "-"]).ok();
    insta::assert_snapshot!(ran.stdout, @r##"
---
id: "7f188a6e-4e79-5ad4-b3f9-d4f28992cafe"
title: Why does the **login** fail?
agent: claude-code
workspace: /work/demo
created: "2026-11-20T10:00:00.000Z"
modified: "2026-11-20T10:00:04.000Z"
models:
- claude-opus-4-5
---

# Why does the \*\*login\*\* fail?

## 1. User · 2026-11-20 10:00 UTC

Why does the **login** fail?

### Assistant · claude-opus-4-5 · 2026-11-20 10:00 UTC

Let me look.

**Tool** `Bash`

```yaml
command: git status --short
```

**Result**

````text
 M src/login.rs
```
````

Fixed:

```rust
let a = 1 < 2;
```
&lt;b>Done&lt;/b>
"##);
}

#[test]
fn p08_html_of_a_small_session() {
    let (sandbox, id) = stored();
    let ran = sandbox.run(["export", &id, "--format", "html", "-o", "-"]).ok();
    let (head, rest) = ran.stdout.split_once("<style>").expect("it has a style");
    let (_, body) = rest.split_once("</style>").expect("which ends");
    assert!(
        head.contains("\"default-src 'none'; style-src 'unsafe-inline'; img-src data:;"),
        "the policy forbids all but styles and own pictures"
    );
    insta::assert_snapshot!(body, @r##"
</head>
<body>
<header>
<h1>Why does the **login** fail?</h1>
<dl>
<dt>Session</dt><dd>7f188a6e-4e79-5ad4-b3f9-d4f28992cafe</dd>
<dt>Agent</dt><dd>claude-code 2.1.0</dd>
<dt>Models</dt><dd>claude-opus-4-5</dd>
<dt>Workspace</dt><dd>&#x2f;work&#x2f;demo</dd>
<dt>Created</dt><dd>2026-11-20 10:00 UTC</dd>
<dt>Modified</dt><dd>2026-11-20 10:00 UTC</dd>
</dl>
</header>
<main>
<section class="person">
<h2>1. User <small>2026-11-20 10:00 UTC</small></h2>
<div class="prose">
<p>Why does the <strong>login</strong> fail?</p>
</div>
</section>
<section class="model">
<h2>Assistant <small>claude-opus-4-5</small> <small>2026-11-20 10:00 UTC</small></h2>
<div class="prose">
<p>Let me look.</p>
</div>
<details>
<summary><b>Bash</b> <span class="told">git status --short</span></summary>
<pre>
command: git status --short</pre>
<p class="label">Result</p>
<pre>
 M src&#x2f;login.rs
```</pre>
</details>
<div class="prose">
<p>Fixed:</p>
<pre><code class="language-rust">let a = 1 &lt; 2;
</code></pre>
<p>&lt;b&gt;Done&lt;/b&gt;</p>
</div>
</section>
</main>
<footer>Exported by annals. Times are UTC.</footer>
</body>
</html>
"##);
}

#[test]
fn p08_a_file_is_named_after_the_session_closed_to_others_and_never_written_over() {
    let (sandbox, id) = stored();
    let ran = sandbox.run(["export", &id]).ok();
    let name = format!("why-does-the-login-fail-{id}.md");
    assert_eq!(ran.stderr, format!("Exported 1 session to\n  ~/{name}\n"));
    assert_eq!(ran.stdout, "", "the file is told on stderr only");
    let path = sandbox.home().join(&name);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "only the owner may read it");
    }
    fs::write(&path, "mine").expect("written");
    let ran = sandbox.run(["export", &id]).code(3);
    assert!(ran.stderr.contains("is there already"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(&path).expect("there"), "mine", "it is left alone");
    sandbox.run(["export", &id, "--force"]).ok();
    assert!(fs::read_to_string(&path).expect("there").contains("Let me look."));
    let folder = sandbox.home().join("folder.md");
    fs::create_dir_all(&folder).expect("made");
    sandbox.run(["export", &id, "-o", "folder.md"]).ok();
    assert!(folder.join(&name).is_file(), "a folder takes files by whatever name");
    #[cfg(unix)]
    {
        let link = sandbox.home().join("link.md");
        std::os::unix::fs::symlink("/dev/null", &link).expect("made");
        sandbox.run(["export", &id, "-o", "link.md", "--force"]).code(3);
        assert!(link.is_symlink(), "what is no plain file stays even with --force");
    }
}

#[test]
fn p08_the_ending_decides_the_form_and_several_need_a_folder() {
    let (sandbox, id) = stored();
    sandbox.transcript(2).user("Second").agent("Yes.").write();
    sandbox.run(["capture", "--quiet"]).ok();
    let list = sandbox.json(["list"]);
    let ids = list["sessions"].as_array().expect("a list").iter();
    let ids: Vec<&str> = ids.map(|it| it["short"].as_str().expect("an id")).collect();
    sandbox.run(["export", &id, "-o", "a.html"]).ok();
    let text = fs::read_to_string(sandbox.home().join("a.html")).expect("there");
    assert!(text.starts_with("<!doctype html>"));
    for output in ["-", "all.md"] {
        let ran = sandbox.run(["export", ids[0], ids[1], "-o", output]).code(2);
        assert!(ran.stderr.contains("-o DIR"), "{}", ran.stderr);
    }
    let json = sandbox.json(["export", ids[0], ids[1], "--format", "yaml", "-o", "out/"]);
    assert_eq!(json["kind"], "annals.exported/1");
    assert_eq!(json["redactions"], json!({}));
    assert_eq!(json["files"].as_array().map(Vec::len), Some(2));
    for file in json["files"].as_array().expect("files") {
        let text = fs::read_to_string(file.as_str().expect("a path")).expect("there");
        assert!(!format::parse_session(&text).expect("it parses").1.is_empty());
    }
    let ran = sandbox.run(["export", ids[0], ids[1], ids[0], "--format", "json", "-o", "-"]).ok();
    let all: serde_json::Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    assert_eq!(all["kind"], "annals.export/1");
    assert_eq!(all["sessions"].as_array().map(Vec::len), Some(2), "each once");
    sandbox.run(["--json", "export", &id, "-o", "-"]).code(2);
    let ran = sandbox.run(["export", "nothing", "-o", "-"]).code(3);
    assert_eq!(ran.stdout, "", "nothing is printed for a session that is not there");
}

#[test]
fn p08_an_exported_session_can_be_saved_again() {
    let (sandbox, id) = stored();
    for form in ["json", "yaml"] {
        let text = sandbox.run(["export", &id, "--format", form, "-o", "-"]).ok().stdout;
        let other = Sandbox::new();
        other.run(["init"]).ok();
        other.run_with(["save", "-"], &text).ok();
        let again = other.run(["export", &id, "--format", form, "-o", "-"]).ok().stdout;
        assert_eq!(again, text, "{form} comes back as it left");
    }
}

#[test]
fn p08_real_sessions_leave_in_every_form() {
    let Some(folder) = corpus() else {
        return skip();
    };
    let sandbox = Sandbox::new();
    let home = folder.join("home");
    let home = home.to_str().expect("a path");
    sandbox.run(["capture", "--quiet", "--home", home]).ok();
    let list = sandbox.json(["list", "-n", "1000"]);
    let mut repository = sandbox.repository();
    // Every eighth is enough to meet all their kinds of records.
    for row in list["sessions"].as_array().expect("a list").iter().step_by(8) {
        let at = repository.resolve(row["id"].as_str().expect("an id"), None).expect("found");
        let session = repository.load(&at).expect("it loads");
        let outgoing = Outgoing::new(session, rules());
        check_html(&outgoing.render(ExportFormat::Html), &[]);
        let turns = row["counts"]["turns"].as_u64().expect("a count");
        check_turns(&outgoing.render(ExportFormat::Markdown), turns);
        let json = outgoing.render(ExportFormat::Json);
        let yaml = outgoing.render(ExportFormat::Yaml);
        let parsed = format::parse_session(&json).expect("JSON parses").1;
        assert_eq!(parsed, format::parse_session(&yaml).expect("YAML parses").1);
    }
}

#[expect(clippy::print_stdout, reason = "it is for whoever runs it; tests capture it")]
fn skip() {
    println!("ANNALS_CORPUS is not set: real sessions were not exported");
}

fn check_turns(markdown: &str, turns: u64) {
    let (_, body) = markdown.split_once("\n---\n").expect("the front matter ends");
    let levels = Parser::new(body).filter(|event| {
        matches!(event, Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }))
    });
    let headings = levels.count() as u64;
    assert_eq!(headings, turns, "each turn has its heading, and nothing else has one");
}
