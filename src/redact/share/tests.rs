use super::*;

fn profile() -> Profile {
    Profile {
        home: "/home/alice".to_owned(),
        user: "alice".to_owned(),
        host: "heron-t14".to_owned(),
        name: "Alice Liddell".to_owned(),
        email: "alice@liddell.org".to_owned(),
    }
}

fn shared(profile: &Profile, text: &str) -> String {
    Sharing::new(profile, &[]).expect("a plain profile").text(text)
}

#[test]
fn homes_go_in_every_spelling() {
    for (text, expected) in [
        ("cd /home/alice/x", "cd ~/x"),
        ("see file:///home/alice/x", "see file://~/x"),
        ("/var/home/alice/x", "~/x"),
        (r#""\/home\/alice\/x""#, r#""~\/x""#),
        ("p=%2Fhome%2Falice%2Fx", "p=~%2Fx"),
        ("\u{1b}[1m/home/al\u{1b}[0mice/x", "\u{1b}[1m~/x"),
        ("/home/alicea/x", "/home/<user2>/x"),
        ("/backup/home/alice/x", "/backup/home/<user>/x"),
        ("projects/-home-alice-work-x/1", "projects/<project>/1"),
    ] {
        assert_eq!(shared(&profile(), text), expected, "{text}");
    }
    let windows = Profile {
        home: r"C:\Users\Anna Maria".to_owned(),
        user: "Anna Maria".to_owned(),
        ..Profile::default()
    };
    for (text, expected) in [
        (r"c:\users\anna maria\x", r"~\x"),
        (r"\\?\C:\\Users\\Anna Maria\\x", r"~\\x"),
        ("/mnt/c/Users/Anna Maria/x", "~/x"),
        (r"cd /c/Users/Anna\ Maria/x", "cd ~/x"),
        (r"C:\Users\Public\x", r"C:\Users\Public\x"),
    ] {
        assert_eq!(shared(&windows, text), expected, "{text}");
    }
}

#[test]
fn accents_and_escapes_hide_no_name() {
    let jose = Profile {
        home: "/Users/jos\u{e9}".to_owned(),
        user: "jos\u{e9}".to_owned(),
        ..Profile::default()
    };
    let text = r"/Users/josé/a /Users/jos%C3%A9/b /Users/jos\u00e9/c";
    let text = format!("{text} /Users/jose\u{301}/d");
    assert_eq!(shared(&jose, &text), "~/a ~/b ~/c ~/d");
}

#[test]
fn names_go_where_programs_print_them() {
    for (text, expected) in [
        ("alice@heron-t14:~$ ls", "<user>@<host>:~$ ls"),
        ("Linux heron-t14 6.8", "Linux <host> 6.8"),
        ("-rw-r--r-- 1 alice staff 3 a", "-rw-r--r-- 1 <user> staff 3 a"),
        ("USER=alice", "USER=<user>"),
        ("uid=1000(alice) 27(sudo)", "uid=1000(<user>) 27(sudo)"),
        ("Author: Alice Liddell <alice@liddell.org>", "Author: <name> <<email>>"),
        ("to bob@corp.com and bob@corp.com", "to <email2> and <email2>"),
        ("https://x:tok@h.com/a git@h.com:a/b", "https://h.com/a git@h.com:a/b"),
        ("from 92.198.140.240, 92.198.140.241", "from <ip>, <ip2>"),
        ("inet6 2a02:8109:45fe::edff/64", "inet6 <ip>/64"),
        ("ether 28:6f:ae:21:66:b4 x", "ether <id> x"),
    ] {
        assert_eq!(shared(&profile(), text), expected, "{text}");
    }
}

#[test]
fn words_versions_and_examples_stay() {
    let plain = Profile {
        home: "/home/dev".to_owned(),
        user: "dev".to_owned(),
        host: "box".to_owned(),
        ..Profile::default()
    };
    for text in [
        "dev server in a box; npm run dev; /dev/null; devDependencies",
        "user@example.com noreply@github.com a@1.2.3 icon@2x.png @dev.route",
        "version 1.2.3.4, pkg==1.2.3.4, Chrome/120.0.0.0, 127.0.0.1, 192.168.0.4",
        "std::fmt dead::beef ::1 12:34:56 /home is a mount point; /Users too",
        "src/home/index.ts https://x.com/home/about /home/runner/work --home-dir",
    ] {
        assert_eq!(shared(&plain, text), text);
    }
}

#[test]
fn sharing_twice_changes_nothing_and_stand_ins_are_stable() {
    let mut sharing = Sharing::new(&profile(), &["/srv/acme/plan".to_owned()]).expect("a profile");
    let text = "/srv/acme/plan/a -srv-acme-plan /home/bob/x alice@heron-t14 bob@corp.com 91.2.3.4";
    let once = sharing.text(text);
    assert_eq!(once, "<project>/a <project2> /home/<user2>/x <user>@<host> <email2> <ip>");
    assert_eq!(sharing.text(&once), once);
    assert_eq!(sharing.text("/home/carl/ /home/bob/"), "/home/<user3>/ /home/<user2>/");
}

#[test]
fn a_home_that_is_one_folder_takes_no_words_with_it() {
    let profile = Profile { home: "/root".into(), user: "root".into(), ..Profile::default() };
    let text = "the root-cause, as a non-root user: /root/x";
    assert_eq!(shared(&profile, text), "the root-cause, as a non-root user: ~/x");
}
