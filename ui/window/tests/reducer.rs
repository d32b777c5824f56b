//! The reducer as a pure function: action in, model and effects out.

use super::super::action::{Action, Page, Pick, Purpose, SearchAction, Subject, Verb};
use super::super::fixtures::{content, empty_view, event, found, results, typical_view};
use super::super::model::search::{DEBOUNCE, PAGE, Row};
use super::super::model::{Drill, MAX_NOTES, Model, NoteKind, Reading, TOAST};
use super::super::reduce::{Effect, Field, reduce};
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use cardume::base::{FileName, FolderPath};
use cardume::node::{Command, CommandError, Reply, View};
use cardume::wire::codes::Code;
use cardume::wire::control::Status;
use cardume::wire::index::{Complete, Found, SearchAnswer};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

fn model(view: View) -> Model {
    Model::new(Arc::new(view), Language::English, ThemeChoice::Dark)
}

fn answer(results: Vec<Found>) -> SearchAnswer {
    let total = u64::try_from(results.len()).expect("few results");
    SearchAnswer { epoch: 7, complete: Complete { have: 5, of: 5 }, total, facets: Vec::new(), results }
}

fn search(number: u64, words: &str) -> Effect {
    Effect::Search { number, words: words.to_owned(), page: PAGE.into() }
}

fn answer_of(number: u64, answer: Result<SearchAnswer, CommandError>) -> Action {
    Action::Search(SearchAction::Answered { number, page: PAGE.into(), answer })
}

fn rows(model: &Model) -> Vec<Row> {
    (0..model.search.row_count()).filter_map(|row| model.search.row(row)).collect()
}

/// A model that has searched for nothing and got these results.
fn answered(results: Vec<Found>) -> Model {
    let mut model = model(typical_view());
    assert_eq!(reduce(&mut model, Action::Tick), [search(1, "")]);
    assert_eq!(reduce(&mut model, answer_of(1, Ok(answer(results)))), []);
    model
}

#[test]
fn typing_rests_before_it_searches() {
    let mut model = answered(results());
    assert_eq!(
        reduce(&mut model, Action::Search(SearchAction::Words("se".to_owned()))),
        [Effect::WakeAfter(DEBOUNCE)]
    );
    model.now += DEBOUNCE / 2;
    assert_eq!(reduce(&mut model, Action::Tick), []);
    reduce(&mut model, Action::Search(SearchAction::Words("sea".to_owned())));
    model.now += DEBOUNCE / 2;
    assert_eq!(reduce(&mut model, Action::Tick), [], "the last letter counts");
    model.now += DEBOUNCE;
    assert_eq!(reduce(&mut model, Action::Tick), [search(2, "sea")]);
    assert_eq!(reduce(&mut model, Action::Tick), [], "once");
}

#[test]
fn a_stale_answer_is_dropped_and_old_results_stay() {
    let mut model = answered(results());
    let before = rows(&model);
    reduce(&mut model, Action::Search(SearchAction::Words("sea".to_owned())));
    model.now += DEBOUNCE;
    reduce(&mut model, Action::Tick);
    reduce(&mut model, answer_of(1, Ok(answer(Vec::new()))));
    assert_eq!(rows(&model), before);
    reduce(&mut model, answer_of(2, Ok(answer(Vec::new()))));
    assert_eq!(rows(&model), []);
}

#[test]
fn enter_takes_the_best_result_only_when_words_are_typed() {
    let mut model = answered(results());
    assert_eq!(reduce(&mut model, Action::Do(Verb::Download)), [], "nothing by accident");
    reduce(&mut model, Action::Search(SearchAction::Words("sea".to_owned())));
    model.now += DEBOUNCE;
    reduce(&mut model, Action::Tick);
    reduce(&mut model, answer_of(2, Ok(answer(results()))));
    let name = "holiday by the sea.jpg".to_owned();
    let command = Command::Download {
        content: content(1).parse().expect("a content's id"),
        name: Some(name.clone()),
        to: None,
        from: Vec::new(),
        via_rpc: false,
    };
    let effects = reduce(&mut model, Action::Do(Verb::Download));
    assert_eq!(effects, [Effect::Command(Subject::Download(name), command)]);
}

#[test]
fn a_chosen_source_that_is_gone_is_not_replaced_by_all() {
    let mut model = answered(vec![found(1, "a", &[3])]);
    assert_eq!(reduce(&mut model, Action::Search(SearchAction::Download { found: 0, source: Some(4) })), []);
    assert_eq!(reduce(&mut model, Action::Search(SearchAction::Download { found: 9, source: None })), []);
}

#[test]
fn a_file_without_a_hash_is_not_downloaded() {
    let mut model = answered(vec![Found { content: None, ..found(1, "a", &[3]) }]);
    let effects = reduce(&mut model, Action::Search(SearchAction::Download { found: 0, source: None }));
    let source = &model.search.results.get(0).expect("the result").sources[0];
    let hurry = Command::Hurry {
        peer: source.peer.parse().expect("an id"),
        folder: FolderPath::new(&source.folder).expect("a folder"),
        name: FileName::new(&source.name).expect("a name"),
    };
    // It is hashed before others, since a person waits for it.
    assert_eq!(effects, [Effect::WakeAfter(TOAST), Effect::Command(Subject::Hurry, hurry)]);
    assert_eq!(model.notes[0].what, NoteKind::NotHashedYet("a".to_owned()));
}

#[test]
fn opened_results_show_their_sources_and_stay_open_across_answers() {
    let mut model = answered(vec![found(1, "a", &[2, 3]), found(2, "b", &[4])]);
    reduce(&mut model, Action::Search(SearchAction::Toggle(0)));
    let open = [Row::Content(0), Row::Source(0, 0), Row::Source(0, 1), Row::Content(1)];
    assert_eq!(rows(&model), open);
    reduce(&mut model, Action::Search(SearchAction::Words(String::new())));
    model.now += DEBOUNCE;
    reduce(&mut model, Action::Tick);
    let moved = answer(vec![found(2, "b", &[4]), found(1, "a", &[2])]);
    reduce(&mut model, answer_of(2, Ok(moved)));
    assert_eq!(rows(&model), [Row::Content(0), Row::Content(1), Row::Source(1, 0)]);
    assert_eq!(model.search.cursor, Some(1), "the selection stays on its result");
    reduce(&mut model, Action::Do(Verb::Collapse));
    assert_eq!(rows(&model), [Row::Content(0), Row::Content(1)]);
}

#[test]
fn the_selection_stays_inside_the_rows() {
    let mut model = answered(vec![found(1, "a", &[2]), found(2, "b", &[4])]);
    for (by, expected) in [(-1, 0), (1, 1), (10, 1), (-10, 0)] {
        reduce(&mut model, Action::Search(SearchAction::Move(by, Pick::Only)));
        assert_eq!(model.search.cursor, Some(expected), "after {by}");
    }
    let mut none = answered(Vec::new());
    reduce(&mut none, Action::Search(SearchAction::Move(1, Pick::Only)));
    assert_eq!(none.search.cursor, None);
}

#[test]
fn without_a_tracker_it_waits_and_then_searches() {
    let mut model = model(empty_view());
    assert_eq!(reduce(&mut model, Action::Tick), []);
    assert!(model.search.waiting);
    reduce(&mut model, Action::View(Arc::new(typical_view())));
    assert_eq!(reduce(&mut model, Action::Tick), [search(1, "")]);
    // Pictures that come while the question is under way do not ask again.
    for _ in 0..3 {
        reduce(&mut model, Action::View(Arc::new(typical_view())));
        assert_eq!(reduce(&mut model, Action::Tick), []);
    }
}

#[test]
fn a_search_that_finds_no_tracker_is_tried_again() {
    let mut model = model(typical_view());
    reduce(&mut model, Action::Tick);
    let error = CommandError::new(Code::NoTracker as i32, "no tracker".to_owned());
    reduce(&mut model, answer_of(1, Err(error)));
    assert!(model.search.waiting);
    assert_eq!(reduce(&mut model, Action::Tick), []);
    model.now += Duration::from_secs(1);
    assert_eq!(reduce(&mut model, Action::Tick), [search(2, "")]);
}

#[test]
fn a_changed_index_searches_again_but_not_ten_times_a_second() {
    let mut model = answered(results());
    let grown = |files: u64| {
        let view = typical_view();
        let mut status = Status::clone(&view.status);
        status.index.files = files;
        Arc::new(View { status: Arc::new(status), ..view })
    };
    reduce(&mut model, Action::View(grown(5_000)));
    assert_eq!(reduce(&mut model, Action::Tick), []);
    model.now += Duration::from_millis(100);
    reduce(&mut model, Action::View(grown(5_001)));
    assert_eq!(reduce(&mut model, Action::Tick), []);
    model.now += Duration::from_millis(500);
    assert_eq!(reduce(&mut model, Action::Tick), [search(2, "")]);
}

#[test]
fn an_index_that_changes_is_followed_only_while_the_results_are_seen() {
    let grown = |files: u64| {
        let view = typical_view();
        let mut status = Status::clone(&view.status);
        status.index.files = files;
        Action::View(Arc::new(View { status: Arc::new(status), ..view }))
    };
    let follow = |model: &mut Model, files: u64| {
        reduce(model, grown(files));
        model.now += Duration::from_secs(1);
        reduce(model, Action::Tick)
    };
    let mut model = answered(results());
    reduce(&mut model, Action::Do(Verb::Go(Page::Library)));
    assert_eq!(follow(&mut model, 5_000), []);
    assert_eq!(follow(&mut model, 5_001), []);
    reduce(&mut model, Action::Do(Verb::Go(Page::Search)));
    assert_eq!(reduce(&mut model, Action::Tick), [search(2, "")], "once, when it is looked at");
    reduce(&mut model, answer_of(2, Ok(answer(results()))));
    model.visible = false;
    assert_eq!(follow(&mut model, 5_002), []);
    model.visible = true;
    assert_eq!(reduce(&mut model, Action::Tick), [search(3, "")]);
}

#[test]
fn a_peer_that_was_asked_for_before_it_came_is_searched_when_it_is_here() {
    let mut model = answered(results());
    reduce(&mut model, Action::Search(SearchAction::Words("peer:ana".to_owned())));
    model.now += DEBOUNCE;
    assert_eq!(reduce(&mut model, Action::Tick), [], "nobody is called so");
    reduce(&mut model, Action::View(Arc::new(typical_view())));
    assert!(model.search.problem.is_some());
    let view = typical_view();
    let mut members = (*view.members).clone();
    members[4].peer.name = "Ana Maria".to_owned();
    reduce(&mut model, Action::View(Arc::new(View { members: Arc::new(members), ..view })));
    assert_eq!(model.search.problem, None);
    model.now += DEBOUNCE;
    assert_eq!(reduce(&mut model, Action::Tick), [search(2, "peer:ana")]);
}

#[test]
fn the_stopwatch_counts_from_the_crash_to_the_election_of_a_later_epoch() {
    let mut model = model(typical_view());
    reduce(&mut model, Action::Do(Verb::CrashTracker));
    let asked = event(8, "x", None, "", "").unix_millis;
    let answered =
        Action::Answered { subject: Subject::CrashTracker, answer: Ok(Reply::Done), at_unix_millis: asked };
    reduce(&mut model, answered);
    let mut view = typical_view();
    let mut events = view.events.to_vec();
    // The old tracker's own late news does not stop it.
    events.push(event(9, "tracker_elected", Some(7), "peer-2", ""));
    view.events = Arc::new(events.clone());
    reduce(&mut model, Action::View(Arc::new(view.clone())));
    assert!(matches!(model.drill, Drill::Running(_)));
    events.push(event(10, "tracker_elected", Some(8), "peer-4", ""));
    view.events = Arc::new(events);
    reduce(&mut model, Action::View(Arc::new(view)));
    let Drill::Done(stopwatch, reading) = &model.drill else { panic!("{:?}", model.drill) };
    assert_eq!((stopwatch.crashed.as_str(), stopwatch.own), ("peer-2", false));
    let expected = Reading {
        tracker: "peer-4".to_owned(),
        epoch: 8,
        millis: 342,
        complete_millis: None,
        recorded: false,
    };
    assert_eq!(*reading, expected);
}

#[test]
fn a_refused_crash_stops_the_stopwatch() {
    let mut model = model(typical_view());
    reduce(&mut model, Action::Do(Verb::CrashTracker));
    let error = CommandError::new(Code::NoTracker as i32, "gone".to_owned());
    let answered = Action::Answered { subject: Subject::CrashTracker, answer: Err(error), at_unix_millis: 0 };
    reduce(&mut model, answered);
    assert_eq!(model.drill, Drill::Idle);
    assert_eq!(model.notes[0].what, NoteKind::Failed(Subject::CrashTracker, "gone".to_owned()));
}

#[test]
fn without_a_tracker_there_is_nothing_to_crash() {
    let mut model = model(empty_view());
    assert_eq!(reduce(&mut model, Action::Do(Verb::CrashTracker)), [Effect::WakeAfter(TOAST)]);
    assert_eq!(model.notes[0].what, NoteKind::NoTrackerToCrash);
}

#[test]
fn a_typed_tilde_is_the_home_folder() {
    let mut model = model(typical_view());
    model.home = Some(PathBuf::from("/srv/me"));
    for (typed, path) in [("~/Music", "/srv/me/Music"), (" /srv/a b ", "/srv/a b"), ("~", "/srv/me")] {
        reduce(&mut model, Action::TypedPath(typed.to_owned()));
        let command = Command::Inspect(PathBuf::from(path));
        let subject = Subject::Inspect(PathBuf::from(path));
        assert_eq!(reduce(&mut model, Action::ShareTyped), [Effect::Command(subject, command)]);
        assert_eq!(model.library.typed, "");
    }
    assert_eq!(reduce(&mut model, Action::ShareTyped), []);
}

#[test]
fn one_folder_dialog_at_a_time() {
    let mut model = model(typical_view());
    let pick = Effect::PickFolder(Purpose::Share);
    assert_eq!(reduce(&mut model, Action::Do(Verb::ShareFolder)), std::slice::from_ref(&pick));
    assert_eq!(model.page, Page::Library);
    assert_eq!(reduce(&mut model, Action::Do(Verb::ShareFolder)), []);
    assert_eq!(reduce(&mut model, Action::Do(Verb::Escape)), [Effect::StopPicking]);
    assert_eq!(reduce(&mut model, Action::Do(Verb::ShareFolder)), [pick]);
    assert_eq!(reduce(&mut model, Action::Picked(Purpose::Share, None)), []);
    assert_eq!(model.picking, None);
}

#[test]
fn a_folder_is_only_for_what_it_was_chosen_for() {
    let folder = || Some(PathBuf::from("/srv/chosen"));
    let asked = || {
        let mut model = answered(results());
        reduce(&mut model, Action::Search(SearchAction::Select(0, Pick::Only)));
        assert_eq!(reduce(&mut model, Action::Do(Verb::DownloadTo)), [Effect::Focus(Field::Target)]);
        model
    };
    // The question is answered or left while its dialog is open.
    for end in [Action::Search(SearchAction::DownloadThere), Action::Do(Verb::Escape)] {
        let mut model = asked();
        let pick = reduce(&mut model, Action::Search(SearchAction::PickTarget));
        assert_eq!(pick, [Effect::PickFolder(Purpose::Target)]);
        assert!(reduce(&mut model, end).contains(&Effect::StopPicking));
        assert!(model.search.target.is_none() && model.picking.is_none(), "both at once");
        assert_eq!(reduce(&mut model, Action::Picked(Purpose::Target, folder())), [], "it is not shared");
        assert_eq!(model.library.looking, Vec::<PathBuf>::new());
    }
    // A dialog for sharing that is answered while the question is open.
    let mut model = asked();
    reduce(&mut model, Action::Do(Verb::ShareFolder));
    assert_eq!(reduce(&mut model, Action::Picked(Purpose::Share, folder())).len(), 1, "it is looked at");
    assert_ne!(model.search.target.map(|target| target.folder), Some("/srv/chosen".to_owned()));
    // One that another one replaced.
    let mut model = asked();
    reduce(&mut model, Action::Do(Verb::ShareFolder));
    reduce(&mut model, Action::Search(SearchAction::PickTarget));
    assert_eq!(reduce(&mut model, Action::Picked(Purpose::Share, folder())), []);
    reduce(&mut model, Action::Picked(Purpose::Target, folder()));
    assert_eq!(model.search.target.map(|target| target.folder), Some("/srv/chosen".to_owned()));
    assert_eq!(model.picking, None);
}

#[test]
fn closing_stops_the_peer_once_and_then_the_window() {
    let mut model = model(View { transfers: Arc::default(), ..typical_view() });
    assert_eq!(reduce(&mut model, Action::CloseRequested), [Effect::StopPeer]);
    assert_eq!(reduce(&mut model, Action::CloseRequested), []);
    assert_eq!(reduce(&mut model, Action::Stopped), [Effect::Close]);
}

#[test]
fn notes_have_a_limit_and_toasts_an_end() {
    let mut model = model(empty_view());
    for _ in 0..=MAX_NOTES {
        reduce(&mut model, Action::Do(Verb::CrashTracker));
    }
    assert_eq!(model.notes.len(), MAX_NOTES);
    assert_eq!(model.toasts().count(), MAX_NOTES);
    model.now += TOAST;
    assert_eq!(model.toasts().count(), 0);
}

#[test]
fn diagnostics_name_no_shared_folder() {
    let mut model = model(typical_view());
    let effects = reduce(&mut model, Action::Do(Verb::CopyDiagnostics));
    let Some(Effect::Copy(text)) = effects.first() else { panic!("nothing is copied: {effects:?}") };
    assert!(text.contains("\"role\": \"follower\""));
    assert!(!text.contains("excursion"), "{text}");
}
