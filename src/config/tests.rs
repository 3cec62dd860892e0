use std::fs;

use proptest::prelude::*;

use super::*;

const HOME: &str = "/home/dev";

/// Sets a key in a file that says `text`, and gives what it says then.
fn after_set(text: &str, key: &str, value: &str) -> Result<String, Error> {
    let (folder, file) = folder(Some(text));
    set(folder.path(), Path::new(HOME), key, value)?;
    Ok(fs::read_to_string(&file).expect("it is there"))
}

fn after_unset(text: &str, key: &str) -> String {
    let (folder, file) = folder(Some(text));
    unset(folder.path(), Path::new(HOME), key).expect("unset");
    fs::read_to_string(&file).expect("it is there")
}

#[test]
fn every_key_is_in_the_documentation_with_range_and_default() {
    let documentation = include_str!("../../docs/configuration.md");
    for key in KEYS {
        let default = match key.default() {
            serde_json::Value::Null => key.without.to_owned(),
            value => format!("`{value}`"),
        };
        let row = format!("| `{}` | {} | {default} | {} |", key.name, key.kind.range(), key.about);
        let row = row.replace("\"\" for", "`\"\"` for");
        assert!(documentation.lines().any(|line| line == row), "not documented: {row}");
    }
    let rows = documentation.lines().filter(|line| {
        Section::ALL.iter().any(|section| line.starts_with(&format!("| `{}.", section.name())))
    });
    assert_eq!(rows.count(), KEYS.len(), "a key that is not one is documented");
}

#[test]
fn every_key_can_be_set_to_its_default_and_is_told_apart_from_it() {
    for key in KEYS.iter().filter(|key| key.kind != Kind::List) {
        let typed = match (&key.kind, key.default()) {
            (_, serde_json::Value::String(text)) => text,
            (Kind::Path, _) => "/srv/x".to_owned(),
            (Kind::Age, _) => "1 hour".to_owned(),
            (Kind::Size, _) => "2 GB".to_owned(),
            (_, serde_json::Value::Null) => "7".to_owned(),
            (_, value) => value.to_string(),
        };
        let text = after_set("", key.name, &typed).expect("its default is one of its values");
        let settings = parse(&text);
        assert_eq!(settings.check_key(key), Ok(()), "{text}");
        let (value, layer) = key.value(&settings);
        assert_eq!(layer, Layer::File, "{text}");
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert_eq!(shown, typed, "{}", key.name);
        assert_eq!(key.value(&Settings::default()).1, Layer::Default);
    }
}

proptest! {
    #[test]
    fn p23_what_the_file_says_is_what_holds(
        interval in SAVE_INTERVALS,
        idle in 1_u64..=300,
        records in 1_u64..=1_000,
        level in 1_u8..=9,
        count in 1_u64..=1_000_000,
        days in 1_u64..=3_650,
        size in 1_u64..=1_000_000,
        folder in "[a-zA-Z0-9 _.-]{1,20}",
    ) {
        let text = format!(
            "[store]\npath = \"/{folder}\"\n[save]\ninterval = {interval}\nidle = {idle}\n\
             records = {records}\n[packing]\nlevel = {level}\n[retention]\ncount = {count}\n\
             age = \"{days} days\"\n[limits]\nsize = \"{size} MB\"\n"
        );
        let settings = parse(&text);
        prop_assert_eq!(settings.faults().next(), None, "{}", text);
        let path = PathBuf::from(format!("/{folder}"));
        prop_assert_eq!(&settings.store_path, &Setting { value: Some(path), layer: Layer::File });
        prop_assert_eq!(settings.save_interval.value.as_secs(), interval);
        prop_assert_eq!(settings.save_idle.value.as_secs(), idle);
        prop_assert_eq!(settings.save_records.value, records);
        prop_assert_eq!(settings.packing_level.value, level);
        prop_assert_eq!(settings.retention.count.value, Some(count));
        prop_assert_eq!(settings.retention.age.value, Some(days * 24 * 3_600));
        prop_assert_eq!(settings.size_limit.value, Some(size * 1_000_000));
        for (name, line) in [("store.path", 2), ("save.idle", 5), ("limits.size", 13)] {
            prop_assert_eq!(settings.line_of(Key::find(name).expect("a key")), Some(line));
        }
    }

    #[test]
    fn p24_an_interval_is_taken_from_5_to_300_and_refused_elsewhere(
        interval in prop_oneof![-10_i64..=400, any::<i64>()],
    ) {
        let is_allowed = (5..=300).contains(&interval);
        let settings = parse(&format!("[save]\ninterval = {interval}\n"));
        prop_assert_eq!(settings.check(Section::Save).is_ok(), is_allowed);
        let set = after_set("", "save.interval", &interval.to_string());
        prop_assert_eq!(set.is_ok(), is_allowed);
    }
}

#[test]
fn p24_an_interval_outside_5_to_300_is_refused_wherever_it_stands() {
    for typed in ["4", "301", "0", "-5", "5.5", "soon", "99999999999999999999", ""] {
        let error = after_set("", "save.interval", typed).expect_err("it is refused");
        let told = error.to_string();
        assert!(
            told.starts_with("`save.interval` ") && told.contains("5 to 300 seconds"),
            "{told}"
        );
        let written = typed.parse::<f64>().map_or(format!("'{typed}'"), |_| typed.to_owned());
        let text = format!("[save]\ninterval = {written}\n");
        assert!(parse(&text).check(Section::Save).is_err(), "{text}");
    }
    for typed in ["5", "42", "300"] {
        let text = after_set("", "save.interval", typed).expect("it is taken");
        assert_eq!(text, format!("[save]\ninterval = {typed}\n"));
        assert_eq!(parse(&text).save_interval.value.as_secs().to_string(), typed);
    }
}

#[test]
fn spans_and_sizes_have_units() {
    let age = |typed: &str| after_set("", "retention.age", typed).map(|text| parse(&text));
    let hours = |typed: &str| age(typed).map(|it| it.retention.age.value.map(|it| it / 3_600)).ok();
    for (typed, expected) in [
        ("1 hour", 1),
        ("36hours", 36),
        ("90 Days", 2_160),
        ("2 weeks", 336),
        ("6 months", 4_320),
        ("1 year", 8_760),
    ] {
        assert_eq!(hours(typed), Some(Some(expected)), "{typed}");
    }
    for typed in
        ["", "0 days", "30", "-1 day", "1.5 days", "101 years", "99999999999999999999 days"]
    {
        assert_eq!(hours(typed), None, "{typed}");
    }
    let size = |typed: &str| {
        let text = after_set("", "retention.size", typed).ok()?;
        parse(&text).retention.size.value
    };
    assert_eq!(size("2 GB"), Some(2_000_000_000));
    assert_eq!(size("1500000 b"), Some(1_500_000));
    assert_eq!(["1 KB", "GB", "2 GiB", "2000 TB", "12"].map(size), [None; 5]);
    let shown = |typed: &str| {
        let key = Key::find("retention.age").expect("a key");
        key.value(&age(typed).expect("it is taken")).0
    };
    assert_eq!(["14 days", "36 hours", "365 days"].map(shown), ["2 weeks", "36 hours", "1 year"]);
}

#[test]
fn a_changed_value_leaves_everything_else_as_it_stands() {
    let text = "# mine\n[output] # look\n# why\ncolor   =  'never'  # for now\n\n\n# end\n";
    let set = after_set(text, "output.color", "always").expect("set");
    assert_eq!(set, text.replace("'never'", "\"always\""));
    let set = after_set(text, "output.pager", "more -x").expect("set");
    let (head, end) = text.split_at(text.find("\n\n\n").expect("it is there") + 1);
    assert_eq!(set, format!("{head}pager = \"more -x\"\n{end}"));
    let set = after_set(text, "save.idle", "9").expect("set");
    assert_eq!(set, format!("{text}\n[save]\nidle = 9\n"));
    let lists = "[[redact.allow]]\nname = 'X'\n# end\n";
    let set = after_set(lists, "save.idle", "9").expect("set");
    assert_eq!(set, format!("{lists}\n[save]\nidle = 9\n"));
    let inline = after_set("save = {idle = 3}\n", "save.interval", "9").expect("set");
    assert_eq!(parse(&inline).save_interval.value.as_secs(), 9, "{inline}");
    let dotted = after_set("save.idle = 3\n", "save.idle", "4").expect("set");
    assert_eq!(dotted, "save.idle = 4\n");
}

#[test]
fn a_value_that_is_unset_takes_no_comment_with_it() {
    let text = "[save]\n# about both\nidle = 3 # s\ninterval = 9\n\n# end\n";
    let left = "[save]\n# about both\ninterval = 9\n\n# end\n";
    assert_eq!(after_unset(text, "save.idle"), left);
    assert_eq!(after_unset(left, "save.idle"), left);
    assert_eq!(after_unset("save.idle = 3", "save.idle"), "");
    assert!(!after_unset("save = {idle = 3, interval = 9}\n", "save.idle").contains("idle"));
    let (folder, file) = folder(None);
    let unset = unset(folder.path(), Path::new(HOME), "save.idle").expect("nothing to do");
    assert!(!unset.is_new && !file.exists());
}

#[test]
fn what_cannot_be_set_leaves_the_file_as_it_is() {
    let cases = [
        ("", "save.intervall", "5", "is meant"),
        ("", "shop.x", "5", "is no key that annals knows"),
        ("", "redact.off", "x", "is a list; `annals config edit` changes it"),
        ("", "output.color", "red", "must be auto, always or never"),
        ("", "store.path", "here", "must be an absolute path"),
        ("", "packing.level", "10", "must be a whole number, 1 to 9"),
        ("x = [\n", "save.idle", "5", "line 1"),
        ("save = 3\n", "save.idle", "5", "`save` is no section"),
    ];
    for (text, key, value, expected) in cases {
        let (folder, file) = folder(Some(text));
        let error = set(folder.path(), Path::new(HOME), key, value).expect_err("it is refused");
        let told = error.to_string();
        assert!(told.contains(expected) || told.contains("meant?"), "{told}");
        assert_eq!(fs::read_to_string(&file).expect("it is there"), text);
    }
}

#[test]
fn a_wrong_value_can_be_mended_and_what_is_wrong_elsewhere_does_not_matter() {
    let text = "[save]\nidle = 'x'\n[output]\ncolor = 'red'\n";
    let set = after_set(text, "save.idle", "4").expect("it is mended");
    assert_eq!(set, text.replace("'x'", "4"));
    assert_eq!(parse(&set).check(Section::Save), Ok(()));
    assert_eq!(parse(&set).faults().count(), 1);
}

#[test]
fn a_text_that_was_changed_meanwhile_is_not_replaced() {
    let (folder, file) = folder(Some("# mine\n"));
    let error = replace(folder.path(), "# other\n", "# new\n").expect_err("it is refused");
    assert!(error.to_string().ends_with("was changed meanwhile"), "{error}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "# mine\n");
    assert!(replace(folder.path(), "# mine\n", "# new\n").expect("replaced").is_new);
}

#[test]
fn what_a_new_file_begins_as_changes_nothing() {
    let settings = parse(&template());
    assert_eq!(settings.faults().next(), None);
    assert_eq!(settings, parse(""));
    for key in KEYS.iter().filter(|key| !key.default().is_null() && key.kind != Kind::List) {
        assert!(template().contains(&format!("# {} = ", key.place().1)), "{}", key.name);
    }
}

fn parse(text: &str) -> Settings {
    Settings::parse(text, Path::new("/c.toml"), Path::new("/home/dev"))
}

fn refused(text: &str, section: Section) -> String {
    parse(text).check(section).expect_err("it is refused").to_string()
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(parse(""), Settings::of(Path::new("/c.toml")));
    let missing = Settings::load(Path::new("/nowhere"), Path::new("/home/dev"));
    assert_eq!(missing.redact, RedactSettings::default());
    for section in Section::ALL {
        assert_eq!(missing.check(section), Ok(()), "no file is no error");
    }
}

#[test]
fn values_know_where_they_came_from() {
    let settings = parse("[store]\npath = \"~/s.git\"\n[output]\ncolor = 'never'\npager = ''\n");
    assert_eq!(settings.check(Section::Store), Ok(()));
    let path = settings.store_path;
    assert_eq!(path.value, Some(PathBuf::from("/home/dev/s.git")));
    assert_eq!(path.layer, Layer::File);
    assert_eq!(settings.color.value, Color::Never);
    assert_eq!(settings.pager.value, "");
    let pager = settings.pager.over(Layer::Environment, Some("more".to_owned()));
    assert_eq!((pager.value.as_str(), pager.layer), ("more", Layer::Environment));
    let color = settings.color.over(Layer::Flag, None);
    assert_eq!(color.layer, Layer::File);
    let flag = Setting { value: 1, layer: Layer::Flag };
    assert_eq!(flag.over(Layer::File, Some(2)).value, 1);
}

#[test]
fn what_is_wrong_is_told_with_line_and_key() {
    let cases = [
        ("[store]\npath = 3\n", "line 2: `store.path` must be a text"),
        ("[store]\npath = 'x'\n", "line 2: `store.path` must be an absolute"),
        (
            "[store]\npaht = '/x'\n",
            "line 2: `store.paht` is no key that annals knows; is \"store.path\" meant?",
        ),
        ("\n[shop]\n", "line 2: `shop` is no section that annals knows"),
        ("[sotre]\n", "line 1: `sotre` is no section that annals knows; is \"store\" meant?"),
        ("store = 1\n", "line 1: `store` must be a section"),
        ("[store]\npath = \n", "line 2:"),
        ("[store\n", "line 1:"),
    ];
    for (text, expected) in cases {
        let message = refused(text, Section::Store);
        assert!(message.contains(expected), "{message}");
        assert!(message.starts_with("the configuration /c.toml, "), "{message}");
        assert!(!message.contains("\"\""), "{message}");
    }
    let color = refused("\n[output]\n\ncolor = 'red'\n", Section::Output);
    assert!(color.contains("line 4: `output.color` is \"red\""), "{color}");
    let width = refused("[output]\nwidth = 3\n", Section::Output);
    assert!(width.contains("line 2: `output.width` is no key"), "{width}");
}

#[test]
fn what_is_wrong_stops_only_its_own_section() {
    let text = "[output]\ncolor = 'red'\n[redact]\nof = []\n[store]\npath = '/s'\n";
    let settings = parse(text);
    assert_eq!(settings.check(Section::Store), Ok(()));
    assert_eq!(settings.store_path.value, Some(PathBuf::from("/s")));
    assert!(settings.check(Section::Output).is_err());
    assert!(settings.check(Section::Redact).is_err());
    for text in ["[redcat]\noff = []\n", "x = [\n"] {
        for section in Section::ALL {
            assert!(parse(text).check(section).is_err(), "it may belong to {section:?}");
        }
    }
}

#[test]
fn lists_are_read_in_both_forms_and_know_their_lines() {
    let text = "\
redact.off = [
    'jwt',
    'key']
[[redact.rules]]
name = 'acme'
pattern = 'acme_.'

[[redact.rules]]
name = 'corp'
keywords = ['corp']
pattern = '.'
entropy = 3
[[redact.allow]]
name = 'X'
rule = 'jwt'
";
    let settings = parse(text);
    assert_eq!(settings.check(Section::Redact), Ok(()));
    let RedactSettings { rules, off, allow } = settings.redact;
    assert_eq!((off[1].value.as_str(), off[1].line_of("")), ("key", 3));
    assert_eq!((rules[1].line_of(""), rules[1].line_of("pattern")), (8, 11));
    assert_eq!(rules[1].value.keywords, ["corp"]);
    assert_eq!((rules[0].value.entropy, rules[1].value.entropy), (None, Some(3.0)));
    assert_eq!(allow[0].value.rule.as_deref(), Some("jwt"));
    let inline =
        parse("redact = {rules = [{name = 'a', pattern = 'b'}], allow = [{sha256 = 'c'}]}");
    assert_eq!(inline.check(Section::Redact), Ok(()));
    assert_eq!((inline.redact.rules.len(), inline.redact.allow.len()), (1, 1));
}

#[test]
fn lists_that_are_wrong_are_refused_with_the_entry() {
    for (text, expected) in [
        (
            "[redact]\nrules = 1\n",
            "line 2: `redact.rules` must be a list of tables: [[redact.rules]]",
        ),
        ("[redact]\noff = 'jwt'\n", "line 2: `redact.off` must be a list of texts in quotes"),
        ("[redact]\noff = ['a', 1]\n", "line 2: `redact.off` must be a list of texts in quotes"),
        ("[[redact.rules]]\nname = 'a'\n", "line 1: `redact.rules[1].pattern` is missing"),
        (
            "[[redact.rules]]\nname = 'a'\npattern = 'b'\n[[redact.rules]]\nname = 'a'\npatern = 'b'\n",
            "line 6: `redact.rules[2].patern` is no key that annals knows; is \"pattern\" meant?",
        ),
        ("[[redact.rules]]\nname = 1\n", "line 2: `redact.rules[1].name` must be a text"),
        (
            "[[redact.rules]]\nname = 'a'\npattern = 'b'\nentropy = 'x'\n",
            "line 4: `redact.rules[1].entropy` must be a number",
        ),
        ("[[redact.allow]]\nvalue = 'a'\n", "line 2: `redact.allow[1].value` is no key"),
    ] {
        let said = refused(text, Section::Redact);
        assert!(said.contains(expected), "{said}");
    }
}

/// A folder of configurations whose file holds `text`, if there is one.
fn folder(text: Option<&str>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(FILE);
    if let Some(text) = text {
        fs::create_dir(folder.path().join("annals")).expect("a folder");
        fs::write(&file, text).expect("it is written");
    }
    (folder, file)
}

#[test]
fn a_value_is_allowed_without_touching_what_stands_there() {
    let sha256 = "ab".repeat(32);
    let allow = |folder: &Path, home: &Path, sha256: &String, comment: &str| {
        allow(folder, home, std::slice::from_ref(sha256), comment)
    };
    let before = "# mine\n[store]   # here\npath='/s'\n\n[redact]\noff = ['jwt'] # why\n\n[output]\npager = ''\n# end\n";
    for text in [
        None,
        Some(""),
        Some(before),
        Some("[[redact.allow]]\nname = 'X'\n[output]\npager = ''\n"),
        Some("[redact]\nallow = [ {name = 'X'} ]\n"),
        Some("redact = {off = ['jwt']}\n"),
        Some("redact.off = ['jwt']\n"),
        Some("# only a comment\n"),
    ] {
        let (folder, file) = folder(text);
        let home = Path::new("/home/dev");
        let entries = Settings::load(folder.path(), home).redact.allow.len();
        let allowed = allow(folder.path(), home, &sha256, "found by password").expect("allowed");
        assert_eq!(allowed, Allowed { path: file.clone(), is_new: true });
        let after = fs::read_to_string(&file).expect("it is there");
        let settings = Settings::load(folder.path(), home);
        assert_eq!(settings.check(Section::Redact), Ok(()), "{after}");
        assert_eq!(settings.redact.allow.len(), entries + 1, "{after}");
        assert_eq!(settings.redact.allow[entries].value.sha256.as_ref(), Some(&sha256));
        let kept: Vec<&str> = text.unwrap_or_default().lines().collect();
        let kept = kept
            .iter()
            .filter(|line| !line.contains("allow = [") && !line.starts_with("redact = {"));
        for line in kept {
            assert!(after.contains(line), "{line:?} is still there: {after}");
        }
        let again = allow(folder.path(), home, &sha256.to_uppercase(), "").expect("it is there");
        assert!(!again.is_new);
        assert_eq!(fs::read_to_string(&file).expect("it is there"), after);
    }
}

#[test]
fn the_file_reads_well_after_a_value_was_allowed() {
    let (folder, file) = folder(Some("[store]\npath = '/s'\n# the end\n"));
    let home = Path::new("/home/dev");
    allow(folder.path(), home, &["a".repeat(64)], "found by jwt").expect("allowed");
    allow(folder.path(), home, &["b".repeat(64)], "found by key").expect("allowed");
    let text = fs::read_to_string(&file).expect("it is there");
    let text = text.replace(&"a".repeat(64), "a…").replace(&"b".repeat(64), "b…");
    insta::assert_snapshot!(text, @r#"
    [store]
    path = '/s'
    # the end

    # found by jwt
    [[redact.allow]]
    sha256 = "a…"

    # found by key
    [[redact.allow]]
    sha256 = "b…"
    "#);
}

#[cfg(unix)]
#[test]
fn the_file_is_closed_to_others_and_a_link_stays_one() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, file) = folder(Some("# mine\n"));
    let real = folder.path().join("dotfiles.toml");
    fs::rename(&file, &real).expect("it is moved");
    std::os::unix::fs::symlink(&real, &file).expect("it is linked");
    allow(folder.path(), Path::new("/h"), &["a".repeat(64)], "x").expect("allowed");
    assert!(fs::symlink_metadata(&file).expect("there").is_symlink());
    assert!(fs::read_to_string(&real).expect("there").starts_with("# mine\n"));
    assert_eq!(fs::metadata(&real).expect("there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_in_which_something_is_wrong_stays_as_it_is() {
    for text in ["[redact]\nof = []\n", "[output]\ncolor = 'red'\n", "x = [\n"] {
        let (folder, file) = folder(Some(text));
        allow(folder.path(), Path::new("/h"), &["a".repeat(64)], "x").expect_err("it is refused");
        assert_eq!(fs::read_to_string(&file).expect("it is there"), text);
    }
}
