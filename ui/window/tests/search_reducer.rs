//! The reducer of the search page: pages, the selection, links, what follows the index.

use super::super::action::{Action, BrowseAction, Pick, SearchAction, Subject, Verb};
use super::super::fixtures::{content, found, peer_id, typical_view};
use super::super::model::browse::MAX_FILTER;
use super::super::model::search::{DEBOUNCE, MAX_WORDS, PAGE, Problem, terms, with_term_toggled};
use super::super::model::{DEFAULT_ZOOM, Model, NoteKind, TOAST, ZOOMS};
use super::super::reduce::{Effect, Field, reduce};
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use cardume::node::{CommandError, Page, SortKey, View};
use cardume::wire::codes::Code;
use cardume::wire::control::Status;
use cardume::wire::index::{Complete, Found, SearchAnswer};
use std::sync::Arc;

fn answer(first: u64, count: u64, total: u64) -> SearchAnswer {
    let results = (first..first + count).map(|number| found(number, &format!("file {number:06}.bin"), &[2]));
    let complete = Complete { have: 5, of: 5 };
    SearchAnswer { epoch: 7, complete, total, facets: Vec::new(), results: results.collect() }
}

fn page(offset: u64) -> Page {
    Page { offset, ..Page::from(PAGE) }
}

fn rest(offset: u64, limit: u32) -> Page {
    Page { offset, limit, ..page(0) }
}

fn part(number: u64, offset: u64, total: u64) -> Action {
    let count = (total - offset).min(u64::from(PAGE));
    let answer = Ok(answer(offset, count, total));
    Action::Search(SearchAction::Answered { number, page: page(offset), answer })
}

/// A model with so many results, of which the first page is there.
fn answered(total: u64) -> Model {
    let mut model = Model::new(Arc::new(typical_view()), Language::English, ThemeChoice::Dark);
    reduce(&mut model, Action::Tick);
    assert_eq!(reduce(&mut model, part(1, 0, total)), []);
    model
}

fn asked(effects: &[Effect]) -> Vec<(u64, u64)> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Search { number, page, .. } => Some((*number, page.offset)),
        _ => None,
    });
    asked.collect()
}

#[test]
fn pages_are_asked_for_as_they_come_into_view_and_once() {
    let mut model = answered(10_000);
    let see = |model: &mut Model, rows| asked(&reduce(model, Action::Search(SearchAction::Visible(rows))));
    assert_eq!(see(&mut model, 0..30), []);
    assert_eq!(see(&mut model, 190..220), [(1, 200)]);
    assert_eq!(see(&mut model, 195..225), [], "it is under way");
    reduce(&mut model, part(1, 200, 10_000));
    assert_eq!(see(&mut model, 200..230), []);
    assert_eq!(see(&mut model, 9_990..10_000), [(1, 9_800)]);
    // Of a wild drag only so many are under way.
    for start in [1_000, 2_000, 3_000, 4_000, 5_000] {
        see(&mut model, start..start + 30);
    }
    assert_eq!(see(&mut model, 6_000..6_030), []);
    assert_eq!(
        asked(&reduce(&mut model, part(1, 9_800, 10_000))),
        [(1, 6_000)],
        "what is on screen comes next"
    );
}

#[test]
fn a_search_that_follows_the_index_begins_where_the_person_looks() {
    let mut model = answered(10_000);
    reduce(&mut model, Action::Search(SearchAction::Visible(400..430)));
    reduce(&mut model, part(1, 400, 10_000));
    reduce(&mut model, Action::Search(SearchAction::Select(410, Pick::Only)));
    let mut status = Status::clone(&typical_view().status);
    status.index.files += 1;
    reduce(&mut model, Action::View(Arc::new(View { status: Arc::new(status), ..typical_view() })));
    model.now += std::time::Duration::from_secs(1);
    assert_eq!(asked(&reduce(&mut model, Action::Tick)), [(2, 400)]);
    assert!(model.search.results.get(410).is_some(), "the old page stays on screen");
    // A file more before it: the cursor goes with its result.
    let mut moved = answer(399, u64::from(PAGE), 10_001);
    moved.results[0].content = Some(content(99_999));
    reduce(
        &mut model,
        Action::Search(SearchAction::Answered { number: 2, page: page(400), answer: Ok(moved) }),
    );
    assert_eq!(model.search.cursor, Some(411));
    assert_eq!(model.search.chosen.len(), 1);
}

#[test]
fn other_words_and_another_order_begin_at_the_top() {
    let mut model = answered(10_000);
    reduce(&mut model, Action::Search(SearchAction::Visible(400..430)));
    reduce(&mut model, Action::Search(SearchAction::Sort(SortKey::Size)));
    let effects = reduce(&mut model, Action::Tick);
    assert_eq!(asked(&effects), [(2, 0)]);
    reduce(&mut model, part(2, 0, 10_000));
    assert!(model.search.to_top && model.search.results.get(410).is_none());
}

#[test]
fn a_range_is_bounded_and_selected_results_outlive_their_page() {
    let mut model = answered(100_000);
    reduce(&mut model, Action::Search(SearchAction::Select(0, Pick::Only)));
    let effects = reduce(&mut model, Action::Search(SearchAction::Select(99_999, Pick::Range)));
    assert_eq!(model.search.chosen.len(), PAGE as usize, "what is there");
    assert_eq!(asked(&effects), [(1, 200)], "and the rest is asked for");
    reduce(
        &mut model,
        Action::Search(SearchAction::Answered {
            number: 1,
            page: rest(200, 800),
            answer: Ok(answer(200, 800, 100_000)),
        }),
    );
    assert_eq!(model.search.chosen.len(), 1_000, "as many as can be selected");
    for number in 1..100 {
        let offset = number * u64::from(PAGE);
        reduce(&mut model, Action::Search(SearchAction::Visible(0..1)));
        let start = usize::try_from(offset).expect("small");
        reduce(&mut model, Action::Search(SearchAction::Visible(start..start + 30)));
        reduce(&mut model, part(1, offset, 100_000));
    }
    assert!(model.search.results.get(0).is_none(), "the first page is forgotten");
    assert_eq!(model.search.wanted().len(), 1_000);
    assert!(model.search.results.loaded().count() <= 64 * PAGE as usize, "memory is bounded");
}

#[test]
fn an_answer_that_was_cut_is_asked_for_to_its_end() {
    let mut model = answered(1_000);
    let take = |model: &mut Model, page: Page, count| {
        let answer = Ok(answer(page.offset, count, 1_000));
        reduce(model, Action::Search(SearchAction::Answered { number: 1, page, answer }))
    };
    // What is looked at.
    assert_eq!(asked(&reduce(&mut model, Action::Search(SearchAction::Visible(400..430)))), [(1, 400)]);
    assert_eq!(asked(&take(&mut model, page(400), 150)), [(1, 550)]);
    assert_eq!(asked(&take(&mut model, rest(550, 50), 49)), [(1, 599)]);
    assert_eq!(asked(&take(&mut model, rest(599, 1), 0)), [], "there is no more");
    // What is selected: an answer that came already is not made shorter by another one.
    assert_eq!(asked(&reduce(&mut model, Action::Do(Verb::SelectAll))), [(1, 200)]);
    assert_eq!(asked(&take(&mut model, rest(200, 800), 300)), [(1, 599)]);
    assert_eq!(asked(&take(&mut model, rest(599, 401), 300)), [(1, 899)]);
    assert_eq!(model.search.chosen.len(), 899);
    assert_eq!(asked(&take(&mut model, rest(899, 101), 101)), []);
    assert_eq!(model.search.chosen.len(), 1_000);
    assert!(model.search.choosing.is_none());
}

fn type_words(model: &mut Model, words: &str) -> Vec<Effect> {
    reduce(model, Action::Search(SearchAction::Words(words.to_owned())))
}

/// Sends what is typed.
fn send(model: &mut Model) {
    model.now += DEBOUNCE;
    reduce(model, Action::Tick);
}

fn answer_of(number: u64, results: Vec<Found>) -> Action {
    let total = u64::try_from(results.len()).expect("few");
    let answer = SearchAnswer { results, ..answer(0, 0, total) };
    Action::Search(SearchAction::Answered { number, page: page(0), answer: Ok(answer) })
}

#[test]
fn nothing_of_other_words_is_downloaded_linked_or_filtered_out() {
    let abc = || vec![found(1, "abc.txt", &[2]), found(2, "abc.pdf", &[2])];
    for change in [SearchAction::Words("xyz".to_owned()), SearchAction::Filter("pdf".to_owned())] {
        let mut model = answered(3);
        type_words(&mut model, "abc");
        send(&mut model);
        reduce(&mut model, answer_of(2, abc()));
        assert_eq!(model.search.wanted().len(), 1, "the best result");
        reduce(&mut model, Action::Search(change.clone()));
        for verb in [Verb::Download, Verb::CopyLink, Verb::DownloadTo] {
            assert_eq!(reduce(&mut model, Action::Do(verb)), [], "{verb:?} after {change:?}");
        }
        send(&mut model);
        assert_eq!(reduce(&mut model, Action::Do(Verb::Download)), [], "still on its way");
        reduce(&mut model, answer_of(3, vec![found(7, "xyz abc.pdf", &[3])]));
        assert_eq!(model.search.wanted()[0].found.name, "xyz abc.pdf");
        // What is no other query changes nothing: white space, for example.
        let spaced = format!("{} ", model.search.words);
        type_words(&mut model, &spaced);
        assert_eq!(model.search.wanted().len(), 1);
    }
    // Typed, and taken back before it was sent: what is on screen is the answer.
    let mut model = answered(3);
    type_words(&mut model, "abc");
    send(&mut model);
    reduce(&mut model, answer_of(2, abc()));
    type_words(&mut model, "abcd");
    type_words(&mut model, "abc");
    assert_eq!(model.search.wanted()[0].found.name, "abc.txt");
}

#[test]
fn an_answer_belongs_to_the_words_that_were_sent() {
    let mut model = answered(3);
    type_words(&mut model, "ree");
    send(&mut model);
    type_words(&mut model, "reef");
    reduce(&mut model, answer_of(2, vec![found(1, "reed.pdf", &[2])]));
    assert_eq!(model.search.answered.as_ref().map(|it| it.words.as_str()), Some("ree"));
    assert_eq!(model.search.wanted(), [], "it may not be what is meant now");
    send(&mut model);
    reduce(&mut model, answer_of(3, vec![found(2, "reef.jpg", &[2]), found(1, "reed.pdf", &[2])]));
    let names: Vec<_> = model.search.wanted().into_iter().map(|wanted| wanted.found.name).collect();
    assert_eq!(names, ["reef.jpg"]);

    // Typed back while the other answer is on its way: that one's number is not used for these words.
    let mut model = answered(1_000);
    type_words(&mut model, "ree");
    send(&mut model);
    reduce(&mut model, part(2, 0, 1_000));
    type_words(&mut model, "reef");
    send(&mut model);
    type_words(&mut model, "ree");
    assert_eq!(asked(&reduce(&mut model, Action::Do(Verb::SelectAll))), []);
    send(&mut model);
    reduce(&mut model, part(4, 0, 1_000));
    assert_eq!(asked(&reduce(&mut model, Action::Do(Verb::SelectAll))), [(4, 200)]);

    // What is wrong with the words of now is not taken back by an answer to older ones, nor said otherwise.
    let refused = CommandError::new(Code::BadParameter as i32, "no".to_owned());
    let late = [
        answer_of(5, Vec::new()),
        Action::Search(SearchAction::Answered { number: 6, page: page(0), answer: Err(refused) }),
    ];
    for late in late {
        type_words(&mut model, "reef x");
        send(&mut model);
        type_words(&mut model, "size:big");
        reduce(&mut model, late);
        assert!(matches!(model.search.problem, Some(Problem::Query(_))), "{:?}", model.search.problem);
    }
}

/// The index changes, and what was found is asked for again.
fn search_again(model: &mut Model) {
    let mut status = Status::clone(&model.view.status);
    status.index.files += 1;
    reduce(model, Action::View(Arc::new(View { status: Arc::new(status), ..typical_view() })));
    model.now += std::time::Duration::from_secs(1);
    reduce(model, Action::Tick);
}

#[test]
fn a_chosen_source_stays_the_chosen_one_or_none_is() {
    let mut model = answered(0);
    search_again(&mut model);
    reduce(&mut model, answer_of(2, vec![found(1, "a", &[2, 3, 4]), found(2, "b", &[5])]));
    reduce(&mut model, Action::Search(SearchAction::Toggle(0)));
    reduce(&mut model, Action::Search(SearchAction::Select(2, Pick::Only)));
    let source_of = |model: &Model| match &model.search.wanted()[..] {
        [wanted] => wanted.source.map(|source| wanted.found.sources[source].peer.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(source_of(&model), Some(peer_id(3)));
    // Another source before it comes or goes, and a result before it.
    let answers = [
        vec![found(1, "a", &[3, 4])],
        vec![found(1, "a", &[1, 2, 3, 4])],
        vec![found(7, "0", &[5]), found(2, "b", &[5]), found(1, "a", &[2, 3])],
    ];
    for (number, results) in (3..).zip(answers) {
        search_again(&mut model);
        reduce(&mut model, answer_of(number, results));
        assert_eq!(source_of(&model), Some(peer_id(3)), "answer {number}");
        assert_eq!(model.search.anchor, model.search.cursor);
    }
    // It is gone: Enter takes neither another one nor all.
    search_again(&mut model);
    reduce(&mut model, answer_of(6, vec![found(1, "a", &[2, 4])]));
    assert_eq!(reduce(&mut model, Action::Do(Verb::Download)), []);
}

#[test]
fn what_is_selected_comes_in_the_order_of_its_rows() {
    let mut model = answered(0);
    search_again(&mut model);
    let order = [5, 2, 9, 1];
    let results = |order: &[u64]| order.iter().map(|number| found(*number, "a", &[3])).collect::<Vec<_>>();
    reduce(&mut model, answer_of(2, results(&order)));
    let wanted = |model: &Model| -> Vec<_> {
        model.search.wanted().into_iter().filter_map(|wanted| wanted.found.content).collect()
    };
    reduce(&mut model, Action::Do(Verb::SelectAll));
    assert_eq!(wanted(&model), order.map(content));
    reduce(&mut model, Action::Search(SearchAction::Select(3, Pick::Only)));
    reduce(&mut model, Action::Search(SearchAction::Select(1, Pick::Toggle)));
    assert_eq!(wanted(&model), [2, 1].map(content));
    search_again(&mut model);
    reduce(&mut model, answer_of(3, results(&[1, 5, 2])));
    assert_eq!(wanted(&model), [1, 2].map(content), "as the rows are now");
}

#[test]
fn of_many_selected_those_that_are_not_hashed_are_counted_and_hurried() {
    let unhashed = |number, name: &str| Found { content: None, ..found(number, name, &[2]) };
    let hurried = |effects: &[Effect]| {
        let is_hurry = |effect: &&Effect| matches!(effect, Effect::Command(Subject::Hurry, _));
        effects.iter().filter(is_hurry).count()
    };
    let mut model = answered(0);
    search_again(&mut model);
    let many = (0..20).map(|number| unhashed(number, &format!("{number}")));
    reduce(&mut model, answer_of(2, many.chain([found(99, "hashed", &[2])]).collect()));
    reduce(&mut model, Action::Do(Verb::SelectAll));
    let effects = reduce(&mut model, Action::Do(Verb::Download));
    assert_eq!(hurried(&effects), 8, "a few of them");
    assert!(matches!(effects.last(), Some(Effect::Command(Subject::Download(name), _)) if name == "hashed"));
    let told = |model: &Model| model.notes.iter().map(|note| note.what.clone()).collect::<Vec<_>>();
    assert_eq!(told(&model), [NoteKind::SeveralNotHashedYet(20)]);
    reduce(&mut model, Action::Do(Verb::CopyLink));
    assert_eq!(told(&model)[1..], [NoteKind::SeveralNotHashedYet(20), NoteKind::LinksCopied(1)]);
    // All of them: nothing is asked that leads nowhere.
    reduce(&mut model, Action::Search(SearchAction::Select(0, Pick::Only)));
    reduce(&mut model, Action::Search(SearchAction::Select(1, Pick::Toggle)));
    for verb in [Verb::Download, Verb::DownloadTo, Verb::CopyLink] {
        assert_eq!(hurried(&reduce(&mut model, Action::Do(verb))), 2, "{verb:?}");
        assert_eq!(told(&model).last(), Some(&NoteKind::SeveralNotHashedYet(2)));
    }
    assert!(model.search.target.is_none());
}

#[test]
fn what_is_pasted_into_the_rows_has_the_limit_of_their_field() {
    let mut model = answered(3);
    type_words(&mut model, "é");
    reduce(&mut model, Action::Search(SearchAction::Type("x".repeat(5_000_000))));
    assert_eq!(model.search.words.chars().count(), MAX_WORDS);
    let (peer, folder, file) = (peer_id(3), "Music".to_owned(), None);
    reduce(&mut model, Action::Browse(BrowseAction::Open { peer, folder, file }));
    for _ in 0..2 {
        reduce(&mut model, Action::Browse(BrowseAction::Type("é".repeat(50))));
    }
    let filter = model.browse.and_then(|browse| browse.filter).unwrap_or_default();
    assert_eq!(filter.chars().count(), MAX_FILTER);
}

#[test]
fn zoom_has_ends_and_a_usual_size() {
    let mut model = answered(1);
    for _ in 0..40 {
        reduce(&mut model, Action::Do(Verb::ZoomIn));
    }
    assert_eq!(model.zoom, *ZOOMS.end());
    for _ in 0..40 {
        reduce(&mut model, Action::Do(Verb::ZoomOut));
    }
    assert_eq!(model.zoom, *ZOOMS.start());
    assert_eq!(reduce(&mut model, Action::Do(Verb::ZoomReset)), [Effect::Zoom(DEFAULT_ZOOM)]);
}

#[test]
fn escape_leaves_one_thing_at_a_time() {
    let mut model = answered(3);
    reduce(&mut model, Action::Search(SearchAction::Select(0, Pick::Only)));
    assert_eq!(reduce(&mut model, Action::Do(Verb::DownloadTo)), [Effect::Focus(Field::Target)]);
    reduce(&mut model, Action::Do(Verb::Palette));
    reduce(&mut model, Action::Do(Verb::Escape));
    assert!(model.palette.is_none() && model.search.target.is_some());
    assert_eq!(reduce(&mut model, Action::Do(Verb::Escape)), [Effect::Focus(Field::Results)]);
    assert!(model.search.target.is_none());
}

#[test]
fn dismissed_and_old_toasts_are_not_shown_but_kept() {
    let mut model = answered(0);
    reduce(&mut model, Action::Do(Verb::CopyDiagnostics));
    reduce(&mut model, Action::Do(Verb::CopyDiagnostics));
    reduce(&mut model, Action::Dismiss(1));
    assert_eq!(model.toasts().map(|note| note.number).collect::<Vec<_>>(), [2]);
    model.now += TOAST;
    assert_eq!((model.toasts().count(), model.notes.len(), model.unseen()), (0, 2, 2));
    reduce(&mut model, Action::Do(Verb::Messages));
    assert_eq!(model.unseen(), 0);
}

#[test]
fn terms_are_toggled_as_wholes() {
    assert_eq!(terms("a \"b c\"  peer:\"Ana Maria\" x").len(), 4);
    let cases = [
        ("", "type:video", "type:video "),
        ("sea", "type:video", "sea type:video "),
        ("sea type:video ", "type:video", "sea"),
        ("peer:\"Ana Maria\" sea", "peer:\"Ana Maria\"", "sea"),
        ("type:videos", "type:video", "type:videos type:video "),
    ];
    for (words, term, expected) in cases {
        assert_eq!(with_term_toggled(words, term), expected, "{words:?} with {term}");
    }
}

#[test]
fn a_link_is_copied_for_what_is_selected() {
    let mut model = answered(2);
    reduce(&mut model, Action::Search(SearchAction::Select(0, Pick::Only)));
    reduce(&mut model, Action::Search(SearchAction::Select(1, Pick::Toggle)));
    let effects = reduce(&mut model, Action::Do(Verb::CopyLink));
    let link = |number: u64| {
        let size = 64_000_000 / (number + 1);
        format!("cardume:?h={}&n=file%20{number:06}.bin&s={size}", content(number))
    };
    assert_eq!(effects[0], Effect::Copy(format!("{}\n{}", link(0), link(1))));
    assert_eq!(model.notes[0].what, NoteKind::LinksCopied(2));
}
