//! What is kept of this machine, and what becomes of a file that somebody else wrote.

use super::*;

fn at(hour: u32) -> DateTime<Utc> {
    format!("2026-11-{:02}T{:02}:00:00Z", 20 + hour / 24, hour % 24).parse().expect("a time")
}

fn seen(repository: &str, folder: &str, hour: u32) -> MachineEdit {
    let seen = Some(at(hour));
    MachineEdit::Seen(KnownPlace { repository: repository.into(), folder: folder.into(), seen })
}

fn after(text: &str, edits: &[MachineEdit]) -> String {
    edited(text, edits, Path::new("m")).expect("it can be changed")
}

fn folders(text: &str) -> Vec<String> {
    let places = Machine::parse(text, Path::new("m")).places;
    places.iter().map(|place| place.folder.display().to_string()).collect()
}

#[test]
fn a_new_file_says_what_it_is() {
    let moved = MovedRoot { from: "/a".to_owned(), to: "/b \"c\"".into() };
    let edits =
        [MachineEdit::Began("id".to_owned()), seen("h/x", "/x", 1), MachineEdit::Moved(moved)];
    insta::assert_snapshot!(after("", &edits), @r#"
    # Where the workspaces of sessions lie on this machine. `annals workspace` shows and changes it.

    store = "id"

    [[place]]
    repository = "h/x"
    folder = "/x"
    seen = 2026-11-20T01:00:00Z

    [[moved]]
    from = "/a"
    to = '/b "c"'
    "#);
    let machine = Machine::parse(&after("", &edits), Path::new("m"));
    assert_eq!(machine.store.as_deref(), Some("id"));
    assert_eq!(machine.places[0].seen, Some(at(1)));
    assert_eq!(machine.moved[0].to, Path::new("/b \"c\""));
    assert_eq!(machine.faults, []);
    assert_eq!(after("", &[]), "");
}

#[test]
fn what_else_stands_there_stays() {
    let text = "# mine\nx = 1 # y\nstore = \"a\"\n\n# first\n[[place]]\nrepository = \"h/x\"\n\
                folder = \"/x\"\nnote = \"z\"\n# end\n";
    let text = after(text, &[MachineEdit::Began("b".to_owned()), seen("h/y", "/y", 1)]);
    for kept in
        ["# mine\nx = 1 # y\nstore = \"a\"\n", "# first\n[[place]]", "note = \"z\"", "# end"]
    {
        assert!(text.contains(kept), "{kept} is gone:\n{text}");
    }
    assert_eq!(folders(&text), ["/y", "/x"]);
}

#[test]
fn the_place_seen_last_comes_first_and_is_noted_only_where_that_says_something_new() {
    let text = after("", &[seen("h/x", "/a", 1), seen("h/x", "/b", 2)]);
    assert_eq!(folders(&text), ["/b", "/a"]);
    assert_eq!(after(&text, &[seen("h/x", "/b", 5)]), text, "it was seen lately");
    assert_eq!(folders(&after(&text, &[seen("h/x", "/a", 5)])), ["/a", "/b"]);
    assert_ne!(after(&text, &[seen("h/x", "/b", 30)]), text, "that was long ago");
    let later = after("", &[seen("h/x", "/a", 60)]);
    assert_ne!(after(&later, &[seen("h/x", "/a", 1)]), later, "the clock was set back");
}

#[test]
fn a_folder_holds_one_repository_and_a_repository_has_so_many_places() {
    let text = after("", &[seen("h/x", "/a", 1), seen("h/y", "/a", 2)]);
    let places = Machine::parse(&text, Path::new("m")).places;
    assert_eq!(places.len(), 1);
    assert_eq!(places[0].repository, "h/y");
    let mut text = String::new();
    for number in 0..20 {
        text = after(&text, &[seen("h/x", &format!("/{number}"), number)]);
    }
    assert_eq!(folders(&text).len(), PLACES);
    assert_eq!(folders(&text)[0], "/19");
}

#[test]
fn what_is_forgotten_is_gone() {
    let moved = |from: &str, to: &str| {
        MachineEdit::Moved(MovedRoot { from: from.to_owned(), to: to.into() })
    };
    let edits = [seen("h/x", "/a", 1), seen("h/y", "/b", 1), moved("/o", "/p"), moved("/o", "/q")];
    let text = after("", &edits);
    assert_eq!(Machine::parse(&text, Path::new("m")).moved.len(), 1, "the later one holds");
    let text = after(&text, &[MachineEdit::ForgetRepository("h/x".to_owned())]);
    assert_eq!(folders(&text), ["/b"]);
    let forget = |folder: &str| MachineEdit::ForgetFolder(folder.to_owned());
    let text = after(&text, &[forget("/o"), forget("/b")]);
    let machine = Machine::parse(&text, Path::new("m"));
    assert_eq!((machine.places.len(), machine.moved.len()), (0, 0));
}

#[test]
fn an_entry_that_cannot_be_used_hides_no_other() {
    let text = "store = 7\n[[place]]\nrepository = \"h/x\"\nfolder = \"../x\"\n\
        [[place]]\nrepository = \"h/x\"\nfolder = \"/x\"\nseen = \"noon\"\n\
        [[place]]\nfolder = \"/y\"\n\
        [[place]]\nrepository = \"h/z\"\nfolder = \"/z\"\n\
        [moved]\nfrom = \"/a\"\n";
    let machine = Machine::parse(text, Path::new("m"));
    assert_eq!(folders(text), ["/z"]);
    let told: Vec<String> = machine.faults.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    m, line 1: `store` must be a text
    m, line 2: `folder` must be a whole path
    m, line 5: `seen` must be a time
    m, line 9: `repository` must be a text
    m, line 14: `moved` must be written as [[moved]]
    ");
    let moved = MovedRoot { from: "/a".to_owned(), to: "/b".into() };
    let refused = edited(text, &[MachineEdit::Moved(moved)], Path::new("m"));
    assert_eq!(
        refused.expect_err("nothing is written over").to_string(),
        "m: `moved` must be written as [[moved]]"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(FILE);
    assert_eq!(Machine::load(folder.path()), Machine::default());
    let edits = [MachineEdit::Began("id".to_owned())];
    fs::write(&path, "[[place\n").expect("written");
    let told = Machine::load(folder.path()).faults[0].to_string();
    assert!(told.contains("machine.toml, line 1: "), "{told}");
    Machine::change(folder.path(), &edits).expect_err("it is no TOML");
    assert_eq!(fs::read(&path).expect("there"), b"[[place\n");
    for bytes in [vec![b'#'; (1 << 20) + 1], vec![0xff, 0xfe]] {
        fs::write(&path, &bytes).expect("written");
        assert_eq!(Machine::load(folder.path()).faults.len(), 1);
        Machine::change(folder.path(), &edits).expect_err("it cannot be read");
        assert_eq!(fs::read(&path).expect("there"), bytes);
    }
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("made");
    assert_eq!(Machine::load(folder.path()).faults.len(), 1);
    Machine::change(folder.path(), &edits).expect_err("a folder stands there");
}

#[cfg(unix)]
#[test]
fn the_file_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let edits = [MachineEdit::Began("id".to_owned())];
    assert!(!Machine::is_begun(folder.path()));
    assert!(Machine::change(folder.path(), &edits).expect("written"));
    assert!(!Machine::change(folder.path(), &edits).expect("nothing to write"));
    assert!(Machine::is_begun(folder.path()));
    let mode = fs::metadata(folder.path().join(FILE)).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
