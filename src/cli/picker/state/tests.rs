use crate::cli::picker::job::Effect;
use crate::cli::picker::job::Ending;
use crate::cli::picker::job::Input;
use crate::cli::picker::job::Job;
use crate::cli::picker::job::Text;
use crate::cli::picker::job::View;
use crate::cli::picker::keys::Key;
use crate::cli::picker::row::Row;
use crate::cli::picker::samples;
use crate::cli::picker::state::Mode;
use crate::cli::picker::state::Start;
use crate::cli::picker::state::State;
use crate::session::SessionId;

/// A state with all rows, on a common terminal.
fn state() -> State {
    let agents = |_: &str| vec!["claude-code", "codex"];
    let mut state = State::new(Start { agents, ..Start::default() }, (80, 24));
    state.update(Input::Rows(samples::rows()));
    state.update(Input::AllRows);
    state
}

fn press(state: &mut State, key: Key) -> Vec<Effect> {
    state.update(Input::Key(key))
}

fn typed(state: &mut State, text: &str) -> Vec<Effect> {
    text.chars().flat_map(|letter| press(state, Key::Character(letter))).collect()
}

fn titles(state: &State) -> Vec<String> {
    (0..state.counts().0).filter_map(|n| state.row(n)).map(|row| row.title.clone()).collect()
}

fn selected(state: &State) -> String {
    state.selected().map(|row| row.title.clone()).unwrap_or_default()
}

fn id(n: u8) -> SessionId {
    samples::summary(n).head.id
}

/// What is to be done, previews left out.
fn done(effects: Vec<Effect>) -> Option<Effect> {
    effects.into_iter().find(|it| !matches!(it, Effect::Do(Job::Preview(_))))
}

#[test]
fn this_folder_stands_first_and_the_latest_in_it() {
    let titles = titles(&state());
    let expected = [
        "Fix the login redirect",
        "Find out why the release job fails",
        "Update what depends on the old queue",
        "Write the manual of the parser",
        "A flaky test of the queue",
        "ログイン後のリダイレクトを直す",
    ];
    assert_eq!(titles, expected);
}

#[test]
fn what_is_typed_filters_and_escape_takes_it_back_before_it_leaves() {
    let mut state = state();
    press(&mut state, Key::Down);
    typed(&mut state, "queue");
    assert_eq!(state.counts(), (2, 6));
    assert_eq!(state.cursor, 0, "the best match is selected");
    typed(&mut state, " flaky");
    assert_eq!(titles(&state), ["A flaky test of the queue"]);
    press(&mut state, Key::EraseWord);
    assert_eq!(state.typed, "queue ");
    assert_eq!(done(press(&mut state, Key::Escape)), None);
    assert_eq!(state.counts(), (6, 6));
    let left = done(press(&mut state, Key::Escape));
    assert_eq!(left, Some(Effect::End(Ending::Cancelled)));
}

#[test]
fn ctrl_c_leaves_from_everywhere() {
    let cancelled = Some(Effect::End(Ending::Cancelled));
    for key in [Key::Character('x'), Key::Tag, Key::OtherAgent, Key::Help] {
        let mut state = state();
        press(&mut state, key);
        assert_eq!(done(press(&mut state, Key::Cancel)), cancelled, "{key:?}");
    }
}

#[test]
fn enter_resumes_and_a_number_chooses_another_agent() {
    let mut state = state();
    press(&mut state, Key::Down);
    let ending = |agent: Option<&str>| {
        let agent = agent.map(str::to_owned);
        Some(Effect::End(Ending::Resume { id: id(1), agent }))
    };
    assert_eq!(done(press(&mut state, Key::Enter)), ending(None));
    assert_eq!(done(press(&mut state, Key::OtherAgent)), None);
    assert!(matches!(&state.mode, Mode::Agents(agents) if agents == &["codex"]));
    assert_eq!(done(typed(&mut state, "9")), None, "there is no ninth");
    assert_eq!(done(typed(&mut state, "1")), ending(Some("codex")));
}

#[test]
fn a_damaged_session_is_listed_and_not_resumed() {
    let mut state = state();
    typed(&mut state, "flaky");
    assert_eq!(done(press(&mut state, Key::Enter)), None);
    assert!(state.notice.as_deref().is_some_and(|said| said.contains("annals doctor")));
}

#[test]
fn rows_that_come_later_do_not_move_the_selection_and_come_but_once() {
    let mut state = State::new(Start::default(), (80, 24));
    let mut rows = samples::rows();
    let late: Vec<Row> = rows.drain(..2).collect();
    state.update(Input::Rows(rows.clone()));
    press(&mut state, Key::Down);
    let before = selected(&state);
    state.update(Input::Rows(late));
    state.update(Input::Rows(rows));
    assert_eq!(selected(&state), before);
    assert_eq!(state.counts(), (6, 6));
    assert!(state.is_loading);
    state.update(Input::AllRows);
    assert!(!state.is_loading);
}

#[test]
fn a_hundred_thousand_rows_are_filtered_in_portions_between_which_keys_are_heard() {
    let mut state = State::new(Start::default(), (80, 24));
    let rows = (0..100_000u32).map(|n| {
        let mut summary = samples::summary(0);
        let text = format!("01890000-0000-7000-8000-0000{n:08x}");
        summary.head.id = text.parse().expect("an id");
        summary.head.title = Some(format!("Session {n}"));
        samples::row(&summary)
    });
    state.update(Input::Rows(rows.collect()));
    assert!(state.is_behind());
    while state.is_behind() {
        state.advance();
    }
    typed(&mut state, "'99998");
    assert!(state.is_behind(), "a key does not wait for all rows");
    press(&mut state, Key::Erase);
    while state.is_behind() {
        state.advance();
    }
    assert_eq!(state.counts().0, 19, "9999 stands in 9999, x9999 and 9999x");
}

#[test]
fn the_order_and_the_scope_can_be_changed() {
    let mut state = state();
    press(&mut state, Key::Reverse);
    assert_eq!(titles(&state)[0], "Update what depends on the old queue");
    press(&mut state, Key::Reverse);
    for _ in 0..5 {
        press(&mut state, Key::Sort);
    }
    assert_eq!(
        titles(&state)[3..5],
        ["A flaky test of the queue", "Write the manual of the parser"]
    );
    press(&mut state, Key::Scope);
    assert_eq!(state.counts(), (3, 6));
}

#[test]
fn what_is_done_is_done_to_the_marked_or_else_to_the_selected() {
    let mut state = state();
    let pin = |ids: Vec<SessionId>, is_pinned| Some(Effect::Do(Job::Pin { ids, is_pinned }));
    assert_eq!(done(press(&mut state, Key::Pin)), pin(vec![id(0)], true));
    state.update(Input::Done("Pinned.".to_owned(), Vec::new()));
    press(&mut state, Key::Down);
    assert_eq!(done(press(&mut state, Key::Pin)), pin(vec![id(1)], false), "it was pinned");
    assert_eq!(done(press(&mut state, Key::Pin)), None, "one thing after the other");
    state.update(Input::Failed("It is locked.".to_owned()));
    assert_eq!(state.notice.as_deref(), Some("It is locked."));
    press(&mut state, Key::MarkUp);
    press(&mut state, Key::Mark);
    assert_eq!(state.marks(), 2);
    assert_eq!(done(press(&mut state, Key::Pin)), pin(vec![id(1), id(0)], true));
}

#[test]
fn tags_are_typed_and_put_on_or_taken_off() {
    let mut state = state();
    press(&mut state, Key::Tag);
    typed(&mut state, "bug, -auth");
    assert_eq!(state.typed, "", "the filter stays as it is");
    let job = Job::Tag { ids: vec![id(0)], put: vec!["bug".into()], taken: vec!["auth".into()] };
    assert_eq!(done(press(&mut state, Key::Enter)), Some(Effect::Do(job)));
    let mut changed = samples::summary(0);
    changed.head.tags = vec!["bug".to_owned()];
    changed.subagents = 0;
    state.update(Input::Done("Tagged.".to_owned(), vec![samples::row(&changed)]));
    assert_eq!(state.selected().map(|row| row.subagents), Some(2), "they are still there");
    typed(&mut state, "bug");
    assert_eq!(selected(&state), "Fix the login redirect");
}

#[test]
fn two_that_are_marked_are_compared() {
    let mut state = state();
    press(&mut state, Key::Mark);
    assert_eq!(done(press(&mut state, Key::Compare)), None);
    assert!(state.notice.as_deref().is_some_and(|said| said.contains("Mark two")));
    press(&mut state, Key::Mark);
    let job = Job::Compare { left: id(0), right: id(1), width: 80 };
    assert_eq!(done(press(&mut state, Key::Compare)), Some(Effect::Do(job)));
    let lines = (0..50).map(|n| format!("line {n}").into()).collect();
    state.update(Input::Text("What differs".to_owned(), Text { width: 80, lines, start: 0 }));
    let scroll = |state: &State| match &state.mode {
        Mode::Reading(reading) => Some(reading.scroll),
        _ => None,
    };
    press(&mut state, Key::Last);
    assert_eq!(scroll(&state), Some(29), "the last line is at the end of the screen");
    press(&mut state, Key::Down);
    assert_eq!(scroll(&state), Some(29));
    press(&mut state, Key::First);
    assert_eq!(scroll(&state), Some(0));
    press(&mut state, Key::Character('q'));
    assert_eq!(scroll(&state), None);
}

#[test]
fn a_delete_can_be_undone() {
    let mut state = state();
    assert_eq!(done(press(&mut state, Key::Undo)), None);
    let job = Job::Delete { ids: vec![id(0)] };
    assert_eq!(done(press(&mut state, Key::Delete)), Some(Effect::Do(job)));
    // A sub-agent's session went along.
    state.update(Input::Deleted(vec![id(0), id(200)]));
    assert_eq!(state.counts(), (5, 5));
    assert!(state.notice.as_deref().is_some_and(|said| said.contains("^Z")));
    let job = Job::Undelete { ids: vec![id(0)] };
    assert_eq!(done(press(&mut state, Key::Undo)), Some(Effect::Do(job)));
    state.update(Input::Undeleted(vec![samples::row(&samples::summary(0))]));
    assert_eq!(selected(&state), "Fix the login redirect");
    assert_eq!(state.counts(), (6, 6));
    assert_eq!(done(press(&mut state, Key::Undo)), None, "nothing else was deleted");
}

#[test]
fn the_last_row_can_be_deleted() {
    let mut state = state();
    press(&mut state, Key::Last);
    state.update(Input::Deleted(vec![id(3)]));
    assert_eq!(selected(&state), "A flaky test of the queue");
    state.update(Input::Deleted((0..6).map(id).collect()));
    assert_eq!(state.counts(), (0, 0));
    for key in [Key::Enter, Key::Mark, Key::Tag, Key::Delete, Key::Export, Key::OtherAgent, Key::Up]
    {
        assert_eq!(done(press(&mut state, key)), None, "{key:?}");
    }
}

#[test]
fn the_preview_is_asked_for_once_and_again_for_another_width() {
    let mut state = State::new(Start::default(), (80, 24));
    let view = |id, width| View { id, width, spot: None };
    let preview = |id, width| vec![Effect::Do(Job::Preview(view(id, width)))];
    assert_eq!(state.update(Input::Rows(samples::rows())), preview(id(0), 80));
    assert_eq!(press(&mut state, Key::Help), []);
    assert_eq!(press(&mut state, Key::Escape), []);
    assert_eq!(press(&mut state, Key::Down), preview(id(1), 80));
    assert!(state.is_waiting());
    let text = |width| Text { width, lines: vec!["It begins.".into()], start: 0 };
    state.update(Input::Preview(view(id(0), 80), text(80)));
    assert_eq!(state.preview.text, None, "it is of a session that is not selected any longer");
    state.update(Input::Preview(view(id(1), 80), text(80)));
    assert_eq!(state.preview.text, Some((view(id(1), 80), text(80))));
    assert_eq!(state.update(Input::Resized(120, 24)), preview(id(1), 58));
    assert_eq!(state.update(Input::Resized(40, 12)), [], "there is no room for it");
    assert_eq!(press(&mut state, Key::Preview), preview(id(1), 40), "it takes the list's place");
}

#[test]
fn the_selected_row_is_in_sight_at_any_size_and_after_any_key() {
    let keys = [
        Key::Down,
        Key::PageDown,
        Key::Last,
        Key::Up,
        Key::PageUp,
        Key::First,
        Key::Mark,
        Key::MarkUp,
        Key::Sort,
        Key::Preview,
        Key::ScrollDown,
        Key::ScrollUp,
        Key::Character('e'),
        Key::Erase,
    ];
    let mut state = state();
    for (width, height) in [(80, 24), (120, 40), (40, 12), (20, 5), (10, 3), (1, 1), (0, 0)] {
        state.update(Input::Resized(width, height));
        for key in keys {
            press(&mut state, key);
            let height = usize::from(state.panes().list.height).max(1);
            let seen = state.top..state.top + height;
            assert!(seen.contains(&state.cursor), "{key:?} at {width}x{height}");
        }
    }
}

#[test]
fn what_is_pasted_steers_nothing() {
    let mut state = state();
    state.update(Input::Pasted("log\u{1b}[2Jin\n".to_owned()));
    assert_eq!(state.typed, "log [2Jin");
}
