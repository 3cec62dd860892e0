use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use ratatui::style::Modifier;

use crate::cli::picker::draw::Look;
use crate::cli::picker::draw::draw;
use crate::cli::picker::job::Asked;
use crate::cli::picker::job::Input;
use crate::cli::picker::job::Refusal;
use crate::cli::picker::job::View;
use crate::cli::picker::keys::Key;
use crate::cli::picker::preview;
use crate::cli::picker::samples;
use crate::cli::picker::state::Start;
use crate::cli::picker::state::State;
use crate::cli::picker::text;
use crate::cli::samples as sessions;
use crate::repository::Beginning;

/// A state with all rows, and the preview of the selected one.
fn state(width: u16, height: u16) -> State {
    let mut state = State::new(Start::default(), (width, height));
    state.update(Input::Rows(samples::rows()));
    state.update(Input::AllRows);
    with_preview(&mut state);
    state
}

fn with_preview(state: &mut State) {
    let (id, width) = (state.selected().expect("a row").id, state.panes().preview.width);
    let records = vec![
        sessions::user("The login page sends me back to the login page.\u{1b}[2J"),
        crate::session::Record::Message(sessions::message(
            "assistant",
            1,
            vec![sessions::text("The query is lost on the redirect.")],
        )),
    ];
    let beginning = Beginning { head: sessions::head(), records, is_whole: false };
    let look = crate::cli::conversation::Look {
        paint: crate::cli::paint::Paint::new(false),
        width: usize::from(width).max(20),
        home: std::path::Path::new("/home/dev"),
        local: |at| at.naive_utc(),
    };
    let shown = preview::preview(&beginning, look);
    let view = View { id, width, spot: None };
    state.update(Input::Preview(view, text::set(&shown, width)));
}

fn terminal(state: &mut State, is_coloured: bool, size: (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a screen");
    let look = Look { now: sessions::now(), is_coloured };
    terminal.draw(|frame| draw(frame, state, look)).expect("it can be drawn on");
    terminal
}

fn screen(state: &mut State, size: (u16, u16)) -> String {
    let text = terminal(state, false, size).backend().to_string();
    // Without the quotes around each line, what stands behind them, and the blanks at its end.
    let bare = |line: &str| line.trim_start_matches('"').split('"').next().map(str::to_owned);
    let lines = text.lines().filter_map(bare).map(|line| line.trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

fn press(state: &mut State, keys: &[Key]) {
    for key in keys {
        state.update(Input::Key(*key));
    }
}

#[test]
fn a_common_terminal_has_the_preview_below() {
    let mut state = state(80, 24);
    insta::assert_snapshot!(screen(&mut state, (80, 24)), @r"
    >                                                6/6 · everywhere · latest first
    >  Fix the login redirect (+2)                   3 h ago  ~/shop
       ★ Find out why the release job fails          1 d ago  ~/shop
       Update what depends on the old queue         29 d ago  ~/shop/api
       Write the manual of the parser                1 h ago  ~/parser
       ! A flaky test of the queue                   4 h ago  ~/queue
       ログイン後のリダイレクトを直す                2 d ago  /srv/日本語/店


    ────────────────────────────────────────────────────────────────────────────────
    5e550011 · claude-code 2.1.197 · claude-opus-4-5-20251101 · ~/shop (main) ·
    2026-02-03 03:49 – 05:12 · 42 messages · 6 turns · 18 tool calls · 90 kB · 12.3k
    tokens · tags auth, bug · redacted 2 secrets (github-token)

    ── User  1  2026-02-03 03:00
    The login page sends me back to the login page.␛[2J

    ── Assistant  2  03:01
    The query is lost on the redirect.

    … `annals show 5e550011` shows all of it


    Enter resume  ? help  Esc leave  ^F search texts  Tab mark  ^L here  ^S sort
    ");
}

#[test]
fn a_wide_terminal_has_the_preview_beside() {
    let mut state = state(120, 40);
    press(&mut state, &[Key::Mark, Key::Mark]);
    with_preview(&mut state);
    insta::assert_snapshot!(screen(&mut state, (120, 40)), @r"
    >                                                                             6/6 · 2 marked · everywhere · latest first
     * Fix the login redirect (+2)                      3 h ago │ 5e550011 · claude-code 2.1.197 · claude-opus-4-5-20251101
     * ★ Find out why the release job fails             1 d ago │ · ~/shop (main) · 2026-02-03 03:49 – 05:12 · 42 messages ·
    >  Update what depends on the old queue            29 d ago │ 6 turns · 18 tool calls · 90 kB · 12.3k tokens · tags
       Write the manual of the parser                   1 h ago │ auth, bug · redacted 2 secrets (github-token)
       ! A flaky test of the queue                      4 h ago │
       ログイン後のリダイレクトを直す                   2 d ago │ ── User  1  2026-02-03 03:00
                                                                │ The login page sends me back to the login page.␛[2J
                                                                │
                                                                │ ── Assistant  2  03:01
                                                                │ The query is lost on the redirect.
                                                                │
                                                                │ … `annals show 5e550011` shows all of it
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
                                                                │
    ^G compare  Enter resume  ? help  Esc leave  ^F search texts  Tab mark  ^L here  ^S sort  ^V preview  ^T tag  ^K pin
    ");
}

#[test]
fn a_small_terminal_has_the_list_or_the_preview() {
    let mut state = state(40, 12);
    insta::assert_snapshot!(screen(&mut state, (40, 12)), @r"
    >        6/6 · everywhere · latest first
    >  Fix the login redire… (+2)    3 h ago
       ★ Find out why the releas…    1 d ago
       Update what depends on th…   29 d ago
       Write the manual of the p…    1 h ago
       ! A flaky test of the que…    4 h ago
       ログイン後のリダイレクト…     2 d ago




    Enter resume  ? help  Esc leave  ^L here
    ");
    press(&mut state, &[Key::Preview]);
    with_preview(&mut state);
    insta::assert_snapshot!(screen(&mut state, (40, 12)), @r"
    >        6/6 · everywhere · latest first
    5e550011 · claude-code 2.1.197 · claude-
    opus-4-5-20251101 · ~/shop (main) ·
    2026-02-03 03:49 – 05:12 · 42 messages ·
    6 turns · 18 tool calls · 90 kB · 12.3k
    tokens · tags auth, bug · redacted 2
    secrets (github-token)

    ── User  1  2026-02-03 03:00
    The login page sends me back to the
    login page.␛[2J
    Enter resume  ? help  Esc leave  ^L here
    ");
}

#[test]
fn tags_are_typed_in_the_first_line() {
    let mut state = state(60, 8);
    press(&mut state, &[Key::Tag, Key::Character('b'), Key::Character('u')]);
    insta::assert_snapshot!(screen(&mut state, (60, 8)), @r"
    tags> bu                     6/6 · everywhere · latest first
    >  Fix the login redirect (+2)                       3 h ago
       ★ Find out why the release job fails              1 d ago
       Update what depends on the old queue             29 d ago
       Write the manual of the parser                    1 h ago
       ! A flaky test of the queue                       4 h ago
       ログイン後のリダイレクトを直す                    2 d ago
    Enter puts these tags on, -tag takes one off, Esc: do not
    ");
}

#[test]
fn the_help_tells_of_every_key() {
    let mut state = state(80, 24);
    press(&mut state, &[Key::Character('?')]);
    insta::assert_snapshot!(screen(&mut state, (80, 24)), @r"
    Keys

    letters     filter by title, folder, branch, tags and first words
                'word exactly  ^word at the start  word$ at the end  !word not
    ^F          search the texts by a query (words, -not, tag:bug), and back
    Enter       resume the session
    ^O          resume it in another agent
    ↑ ↓ ^P ^N   another session; also PgUp, PgDn, Home, End
    ← →         scroll the preview
    Tab         mark; what follows then is done to all that are marked
    ^G          compare the two that are marked
    ^T          put tags on, -tag takes one off
    ^K          pin, or unpin
    ^E          export as Markdown into the current folder
    ^D ^Z       delete, history keeps it; undo the last delete
    ^L          only this folder, or everywhere
    ^S ^R       sort by something else, turn around; in a search: other hits
    ^V          show or hide the preview
    ^U ^W       erase all that was typed, or its last word
    Esc ^C      end the search, or erase what was typed, or leave; leave at once

    ^T means: hold Ctrl and press T.

    Esc back
    ");
}

/// A search that found two sessions.
fn search(width: u16, height: u16) -> State {
    let mut state = state(width, height);
    press(&mut state, &[Key::Search]);
    state.update(Input::Pasted("query -test".to_owned()));
    let asked = Asked { query: "query -test".to_owned(), ..Asked::default() };
    let found = vec![samples::found(0, &[3, 12]), samples::found(3, &[112])];
    state.update(Input::Found(asked, found, 2));
    state
}

/// The text that is underlined, line by line.
fn underlined(terminal: &Terminal<TestBackend>) -> Vec<String> {
    let buffer = terminal.backend().buffer();
    let rows = buffer.content().chunks(usize::from(buffer.area.width));
    let marked = rows.map(|row| {
        let cells = row.iter().filter(|cell| cell.modifier.contains(Modifier::UNDERLINED));
        cells.map(ratatui::buffer::Cell::symbol).collect::<String>()
    });
    marked.filter(|text| !text.is_empty()).collect()
}

#[test]
fn a_search_shows_the_best_hit_of_each_session() {
    let mut state = search(80, 24);
    insta::assert_snapshot!(screen(&mut state, (80, 24)), @r"
    search> query -test                            2 found · everywhere · best first
    >  Fix the login redirect (+2)                   3 h ago  ~/shop
         12 assistant (2/2): …The query is lost on the redirect, and so is the hash…
       ログイン後のリダイレクトを直す                2 d ago  /srv/日本語/店
         112 assistant: …The query is lost on the redirect, and so is the hash.




    ────────────────────────────────────────────────────────────────────────────────
    5e550011 · claude-code 2.1.197 · claude-opus-4-5-20251101 · ~/shop (main) ·
    2026-02-03 03:49 – 05:12 · 42 messages · 6 turns · 18 tool calls · 90 kB · 12.3k
    tokens · tags auth, bug · redacted 2 secrets (github-token)

    ── User  1  2026-02-03 03:00
    The login page sends me back to the login page.␛[2J

    ── Assistant  2  03:01
    The query is lost on the redirect.

    … `annals show 5e550011` shows all of it


    Enter resume  Esc back  ^S ^R other hits  ^L here  Tab mark  ^V preview  ^T tag
    ");
    let drawn = terminal(&mut state, false, (80, 24));
    assert_eq!(underlined(&drawn), ["query", "query"], "matches stand out without colours");
    state.update(Input::Key(Key::Scope));
    assert!(screen(&mut state, (80, 24)).contains("… · only here"));
}

#[test]
fn what_is_wrong_with_a_query_is_said_and_marked() {
    let mut state = search(60, 12);
    press(&mut state, &[' ', 'O', 'R'].map(Key::Character));
    let asked = Asked { query: "query -test OR".to_owned(), ..Asked::default() };
    let why = "Character 13: OR stands between two terms".to_owned();
    state.update(Input::Refused(asked, Refusal { why, span: 12..14 }));
    insta::assert_snapshot!(screen(&mut state, (60, 12)), @r"
    search> query -test OR     2 found · everywhere · best first
    >  Fix the login redirect (+2)                       3 h ago
         12 assistant (2/2): …The query is lost on the redirect…
       ログイン後のリダイレクトを直す                    2 d ago
         112 assistant: …The query is lost on the redirect, and…






    Character 13: OR stands between two terms
    ");
    let drawn = terminal(&mut state, false, (60, 12));
    assert_eq!(underlined(&drawn)[0], "OR");
    let drawn = terminal(&mut state, false, (16, 12));
    assert_eq!(underlined(&drawn)[0], "OR", "where only the end of the query fits, too");
}

#[test]
fn the_folder_that_matches_stands_out() {
    let mut state = state(80, 24);
    state.update(Input::Pasted("~/parser".to_owned()));
    let drawn = terminal(&mut state, false, (80, 24));
    assert_eq!(underlined(&drawn)[0], "~/parser");
}

#[test]
fn where_nothing_matches_it_says_what_to_do() {
    let mut state = state(60, 8);
    state.update(Input::Pasted("xyzzy".to_owned()));
    insta::assert_snapshot!(screen(&mut state, (60, 8)), @r"
    > xyzzy                      0/6 · everywhere · latest first
       Nothing matches. Esc erases what was typed





    Enter resume  ? help  Esc leave  ^F search texts  Tab mark
    ");
    press(&mut state, &[Key::Scope]);
    assert!(screen(&mut state, (60, 8)).contains("^L: everywhere"));
}

#[test]
fn without_colours_there_are_none_and_nothing_is_missed() {
    let mut state = state(80, 24);
    state.update(Input::Pasted("login".to_owned()));
    with_preview(&mut state);
    let plain = terminal(&mut state, false, (80, 24));
    let coloured = terminal(&mut state, true, (80, 24));
    let cells = |it: &Terminal<TestBackend>| it.backend().buffer().content().to_vec();
    assert!(cells(&plain).iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(cells(&coloured).iter().any(|cell| cell.fg == Color::Yellow));
    for (plain, coloured) in cells(&plain).iter().zip(cells(&coloured)) {
        assert_eq!((plain.symbol(), plain.modifier), (coloured.symbol(), coloured.modifier));
    }
}

#[test]
fn it_is_drawn_at_any_size() {
    for width in 0..110 {
        for height in [0, 1, 2, 3, 5, 15, 16, 40] {
            let mut state = state(width, height);
            for keys in [&[Key::Preview][..], &[Key::Mark, Key::Help], &[Key::Escape, Key::Tag]] {
                press(&mut state, keys);
                terminal(&mut state, true, (width, height));
            }
            let mut state = search(width, height);
            let refusal = Refusal { why: "…".to_owned(), span: 3..20 };
            press(&mut state, &[Key::Down]);
            terminal(&mut state, true, (width, height));
            state.update(Input::Pasted("x".to_owned()));
            let asked = Asked { query: "query -testx".to_owned(), ..Asked::default() };
            state.update(Input::Refused(asked, refusal));
            terminal(&mut state, true, (width, height));
        }
    }
}

#[test]
fn a_screen_that_shrank_before_it_was_told_is_drawn() {
    for (width, height) in [(12, 3), (120, 5), (1, 1), (80, 15), (200, 60)] {
        let mut state = state(80, 24);
        press(&mut state, &[Key::Last, Key::Mark]);
        let drawn = screen(&mut state, (width, height));
        assert!(drawn.starts_with('>'), "{width}x{height}: {drawn}");
    }
}
