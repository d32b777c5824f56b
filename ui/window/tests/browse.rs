//! Looking into the folders of a peer: by mouse and by keyboard, in both languages, with all that can go wrong.

use super::super::action::{Action, BrowseAction, Page, Subject, Verb};
use super::super::fixtures::{FakePeer, found, peer_id, results, transfer, typical_view};
use super::super::model::Model;
use super::super::model::browse::{MAX_ROWS, PAGE, REFRESH};
use super::super::reduce::{Effect, reduce};
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use super::{PAUSE, Window};
use cardume::base::{FileName, FolderPath};
use cardume::node::{BrowseAsk, Command, Entry, FileState, Listing, Place, Reply, View};
use cardume::wire::control::{FolderProgress, Transfer};
use cardume::wire::index::Found;
use eframe::egui;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable as _;
use std::sync::Arc;
use std::time::Duration;

fn open(folder: &str) -> Action {
    Action::Browse(BrowseAction::Open { peer: peer_id(3), folder: folder.to_owned(), file: None })
}

fn with_away(view: &View, away: u64) -> View {
    let mut members = (*view.members).clone();
    for member in &mut members {
        member.connected &= member.peer.peer_id != peer_id(away);
    }
    View { members: Arc::new(members), ..view.clone() }
}

/// A window that looks into the folders of peer-3, from the group page.
fn window(language: Language, results: Vec<Found>) -> Window {
    let peer = FakePeer::new(typical_view(), results);
    let mut window = Window::open_as(peer, language, ThemeChoice::Dark, [1_280.0, 800.0]);
    window.press_ctrl(Key::Num4);
    window.click(Role::Button, &(language.text().browsing.browse)("peer-3"));
    window
}

#[test]
fn a_peers_folders_are_looked_into_from_the_group_page() {
    let mut window = window(Language::English, results());
    window.wait_for("Folder share of peer-3, 4 files");
    assert_eq!(window.rows().len(), 2, "the sums and the one shared folder: {:?}", window.rows());
    window.press(Key::Enter);
    window.wait_for("Folder course, 4 files");
    window.press(Key::Enter);
    window.wait_for("holiday by the sea.jpg");
    let rows = window.rows();
    assert!(rows[0].starts_with("4 files · in all 4 files, "), "{rows:?}");
    let names: Vec<&str> = rows[1..].iter().filter_map(|row| row.split(',').next()).collect();
    assert_eq!(names.len(), 4);
    assert!(names[1].starts_with("ação e coração"), "by name, without regard to accents: {names:?}");

    // One file, and the whole folder.
    window.click(Role::Button, "Download holiday by the sea.jpg from all sources");
    window.click(Role::Button, "Download this folder");
    window.wait_until("two downloads", |window| window.peer.commands().len() == 2);
    let commands = window.peer.commands();
    let is_file = |command: &Command| matches!(command, Command::Download { name: Some(name), from, .. } if name == "holiday by the sea.jpg" && from.is_empty());
    let is_folder = |command: &Command| matches!(command, Command::DownloadFolder { folder, to: None, .. } if folder.as_str() == "share of peer-3/course");
    assert!(commands.iter().any(is_file) && commands.iter().any(is_folder), "{commands:?}");

    // Up by the path, up by the keys, and out.
    window.click(Role::Button, "Go to share of peer-3");
    window.wait_for("Folder course, 4 files");
    window.press(Key::Backspace);
    window.wait_for("Folder share of peer-3, 4 files");
    window.harness.key_press_modifiers(Modifiers::ALT, Key::ArrowLeft);
    window.harness.step();
    window.wait_for("Folder course, 4 files");
    window.harness.key_press_modifiers(Modifiers::ALT, Key::ArrowUp);
    window.harness.step();
    window.wait_for("Folder share of peer-3, 4 files");
    window.press(Key::Escape);
    window.wait_for("Ring of peers");
}

#[test]
fn a_row_narrows_and_the_keys_reach_everything() {
    for language in Language::ALL {
        let mut window = window(language, results());
        window.wait_for("share of peer-3");
        window.press(Key::Enter);
        window.wait_for("course");
        window.press(Key::Enter);
        window.wait_for("holiday by the sea.jpg");
        window.type_text("ACAO");
        window.wait_until("one row", |window| window.rows().len() == 2 && window.has("ação e coração"));
        window.press(Key::Enter);
        window.wait_until("a download", |window| !window.peer.commands().is_empty());
        window.type_text("zz");
        window.wait_for(&(language.text().browsing.nothing_fits)("ACAOzz"));
        window.press(Key::Escape);
        window.wait_for("holiday by the sea.jpg");
    }
}

#[test]
fn an_open_menu_goes_with_its_file() {
    let mut window = window(Language::English, results());
    window.wait_for("share of peer-3");
    window.press(Key::Enter);
    window.wait_for("course");
    window.press(Key::Enter);
    window.wait_for("holiday by the sea.jpg");
    let row = window.row_with("holiday by the sea.jpg");
    window.harness.get_by_role_and_label(Role::ListItem, &row).click_secondary();
    window.harness.step();
    window.harness.step();
    let more = (20..25).map(|number| found(number, &format!("b{number}.txt"), &[3]));
    window.peer.set_results(results().into_iter().chain(more).collect());
    window.wait_for("b24.txt");
    window.click(Role::Button, Verb::Download.label(Language::English.text()));
    window.wait_until("a download", |window| !window.peer.commands().is_empty());
    let commands = window.peer.commands();
    let [Command::Download { name, .. }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(name.as_deref(), Some("holiday by the sea.jpg"), "not what stands in its row now");
}

#[test]
fn a_folder_shows_its_own_download_and_a_finished_one_comes_again() {
    let moving = &Language::English.text().moving;
    let button = (moving.download_folder)("share of peer-3", "peer-3");
    let of = |number: u64, state: &str| {
        let (peer, folder) = (peer_id(number), "share of peer-3".to_owned());
        let folder = Some(FolderProgress { peer, folder, ..FolderProgress::default() });
        let one = Transfer { folder, content: String::new(), ..transfer(number, "share of peer-3", state) };
        View { transfers: Arc::new(vec![Arc::new(one)]), ..typical_view() }
    };
    let mut window = window(Language::English, results());
    window.wait_for("Folder share of peer-3, 4 files");
    let shows_button =
        |window: &Window| window.harness.query_by_role_and_label(Role::Button, &button).is_some();
    for (view, expected) in [(of(4, "running"), true), (of(3, "running"), false), (of(3, "finished"), true)] {
        window.peer.publish(view.clone());
        window.wait_until("the list", |window| window.model().view.transfers == view.transfers);
        window.harness.step();
        assert_eq!(shows_button(&window), expected, "{:?}", view.transfers);
    }
    window.click(Role::Button, &button);
    window.wait_until("once more", |window| {
        matches!(&window.peer.commands()[..], [Command::DownloadFolder { .. }])
    });
}

#[test]
fn a_source_is_shown_in_its_folder() {
    let mut window = Window::open(FakePeer::new(typical_view(), results()));
    window.wait_for("holiday by the sea.jpg");
    let row = window.row_with("holiday by the sea.jpg");
    window.click(Role::ListItem, &row);
    window.press(Key::Space);
    let label =
        (Language::English.text().row_source)("peer-3", "holiday by the sea.jpg", "share of peer-3/course");
    window.wait_for(&label);
    window.harness.get_by_role_and_label(Role::ListItem, &label).click_secondary();
    window.harness.step();
    window.harness.step();
    window.click(Role::Button, "Show in folder of peer-3");
    window.wait_until("the file with the cursor", |window| {
        let browse = window.model().browse.as_ref();
        browse
            .and_then(|browse| browse.at_cursor())
            .is_some_and(|entry| entry.name().as_str() == "holiday by the sea.jpg")
    });
    assert_eq!(window.model().page, Page::Search);
    window.press(Key::Escape);
    window.wait_for("slides.pdf");
}

#[test]
fn a_peer_that_is_away_is_asked_again_when_it_is_back() {
    for language in Language::ALL {
        let text = language.text();
        let mut window = window(language, results());
        window.wait_for("share of peer-3");
        let view = typical_view();
        window.peer.publish(with_away(&view, 3));
        window.press(Key::F5);
        window.wait_for(&(text.browsing.away)("peer-3"));
        window.click(Role::Button, text.browsing.retry);
        window.wait_for(&(text.browsing.away)("peer-3"));
        window.peer.publish(view);
        window.wait_for("share of peer-3");

        // A folder that is not shared any more, and then nothing at all.
        window.press(Key::Enter);
        window.wait_for("course");
        window.peer.set_results(vec![found(1, "other.txt", &[2])]);
        window.press(Key::F5);
        window.wait_for(text.browsing.no_folder);
        window.press(Key::Backspace);
        window.wait_for(&(text.browsing.shares_nothing)("peer-3"));
    }
}

#[test]
fn a_page_that_is_refused_is_said_and_asked_for_again_on_demand_only() {
    for language in Language::ALL {
        let text = language.text();
        let many: Vec<Found> =
            (0..700).map(|number| found(number, &format!("file {number:06}.bin"), &[3])).collect();
        let mut window = window(language, many);
        window.wait_for("share of peer-3");
        window.press(Key::Enter);
        window.wait_for("course");
        window.press(Key::Enter);
        window.wait_for("file 000000.bin");
        window.peer.publish(with_away(&typical_view(), 3));
        window.press(Key::End);
        window.wait_for(&(text.browsing.away)("peer-3"));
        assert!(window.has("file 000499.bin"), "the rows stay");
        let questions = |window: &Window| window.model().browse.as_ref().map(|browse| browse.number);
        let before = questions(&window);
        for _ in 0..10 {
            window.harness.step();
            std::thread::sleep(PAUSE);
        }
        assert_eq!(questions(&window), before, "not again and again");
        window.click(Role::Button, text.browsing.retry);
        window.wait_until("one more question", |window| questions(window) == before.map(|number| number + 1));
        window.wait_for(&(text.browsing.away)("peer-3"));
        // Back again, it goes on where it stopped.
        window.peer.publish(typical_view());
        window.wait_until("the rest", |window| {
            window.model().browse.as_ref().is_some_and(|browse| browse.rows.len() == 700)
        });
        assert!(!window.has(&(text.browsing.away)("peer-3")) && window.has("file 000499.bin"));
    }
}

fn model() -> Model {
    let mut model = Model::new(Arc::new(typical_view()), Language::English, ThemeChoice::Dark);
    model.page = Page::Group;
    model
}

/// The question among these effects: its number, folder and part.
fn question(effects: &[Effect]) -> (u64, String, BrowseAsk) {
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Command(Subject::Browse(number), Command::Browse { folder, ask, .. }) => {
            Some((*number, folder.to_string(), ask.clone()))
        }
        _ => None,
    });
    asked.unwrap_or_else(|| panic!("no question: {effects:?}"))
}

fn file(number: usize) -> Entry {
    let name = FileName::new(&format!("{number:06}")).expect("a name");
    Entry::File { name, key: number as u64, state: FileState { size: 1, content: None } }
}

fn answer(model: &mut Model, number: u64, files: std::ops::Range<usize>, more: bool) -> Vec<Effect> {
    let entries: Vec<Entry> = files.map(file).collect();
    let next = entries.last().map(Entry::place).filter(|_| more);
    let listing = Listing { files: 1_000_000, entries, next, ..Listing::default() };
    let (subject, answer) = (Subject::Browse(number), Ok(Reply::Listing(listing)));
    reduce(model, Action::Answered { subject, answer, at_unix_millis: 0 })
}

#[test]
fn a_million_files_come_page_by_page_as_they_are_scrolled_to() {
    let mut model = model();
    let (number, folder, ask) = question(&reduce(&mut model, open("Music")));
    assert_eq!((folder.as_str(), ask.after, ask.limit), ("Music", None, PAGE));
    let effects = answer(&mut model, number, 0..PAGE, true);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Command(..))), "nothing more is on screen");
    // Scrolled to the end of what is there: the next page, once.
    let visible = |rows: std::ops::Range<usize>| Action::Browse(BrowseAction::Visible(rows));
    let (number, _, ask) = question(&reduce(&mut model, visible(470..500)));
    assert_eq!(ask.after, Some(Place::File(FileName::new("000499").expect("a name"), 499)));
    assert_eq!(reduce(&mut model, visible(480..500)), []);
    answer(&mut model, number - 1, 0..7, false);
    assert_eq!(model.browse.as_ref().map(|browse| browse.rows.len()), Some(PAGE), "an old answer is dropped");
    let mut next = number;
    let mut have = PAGE;
    while have < MAX_ROWS {
        answer(&mut model, next, have..have + PAGE, true);
        have += PAGE;
        let effects = reduce(&mut model, visible(have - 30..have));
        if have < MAX_ROWS {
            next = question(&effects).0;
        } else {
            assert_eq!(effects, [], "no more rows than the window can hold");
        }
    }
    assert_eq!(model.browse.as_ref().map(|browse| browse.rows.len()), Some(MAX_ROWS));
}

#[test]
fn what_is_sought_is_found_on_a_later_page_and_a_new_look_keeps_the_place() {
    let mut model = model();
    let open = |file: &str| {
        let (folder, file) = ("Music".to_owned(), Some(file.to_owned()));
        Action::Browse(BrowseAction::Open { peer: peer_id(3), folder, file })
    };
    let (mut number, ..) = question(&reduce(&mut model, open("001203")));
    // The folder is asked for up to it, though only the beginning is on screen.
    let come = |model: &mut Model, number: &mut u64| {
        for page in 0..3 {
            let effects = answer(model, *number, page * PAGE..(page + 1) * PAGE, true);
            if page < 2 {
                *number = question(&effects).0;
            } else {
                let asks = |it: &Effect| matches!(it, Effect::Command(Subject::Browse(_), _));
                assert!(!effects.iter().any(asks), "it is there: {effects:?}");
            }
        }
    };
    come(&mut model, &mut number);
    let at = |model: &Model| model.browse.as_ref().and_then(|browse| browse.cursor);
    assert_eq!(at(&model), Some(1_203));
    (number, ..) = question(&reduce(&mut model, Action::Do(Verb::Refresh)));
    come(&mut model, &mut number);
    assert_eq!(at(&model), Some(1_203));
    // What is gone is not sought for ever.
    (number, ..) = question(&reduce(&mut model, open("gone")));
    answer(&mut model, number, 0..3, false);
    assert_eq!(
        (at(&model), model.browse.as_ref().map(|browse| browse.sought.is_some())),
        (Some(0), Some(false))
    );
}

#[test]
fn what_is_on_screen_follows_the_peer_only_while_it_is_seen() {
    let mut model = model();
    let (number, ..) = question(&reduce(&mut model, open("Music")));
    let effects = answer(&mut model, number, 0..3, false);
    assert!(effects.contains(&Effect::WakeAfter(REFRESH)), "{effects:?}");
    reduce(&mut model, Action::Browse(BrowseAction::Move(2)));
    model.now += REFRESH;
    model.visible = false;
    let asks =
        |effects: &[Effect]| effects.iter().any(|it| matches!(it, Effect::Command(Subject::Browse(_), _)));
    assert!(!asks(&reduce(&mut model, Action::Tick)), "nobody sees it");
    model.visible = true;
    let (number, ..) = question(&reduce(&mut model, Action::Tick));
    answer(&mut model, number, 1..5, false);
    let browse = model.browse.as_ref().expect("open");
    assert_eq!(browse.at_cursor(), Some(&file(2)), "the cursor stays at its file");
    model.now += REFRESH;
    reduce(&mut model, Action::Do(Verb::Go(Page::Search)));
    assert!(!asks(&reduce(&mut model, Action::Tick)), "another page is seen");
    reduce(&mut model, Action::Do(Verb::Go(Page::Group)));
    assert!(model.shown_browse().is_some(), "it is still there");
    reduce(&mut model, Action::Do(Verb::Go(Page::Group)));
    assert!(model.browse.is_none(), "once more: the page itself");
}

#[test]
fn what_a_tracker_said_is_not_used_when_it_is_malformed() {
    let mut model = model();
    for (peer, folder) in [(peer_id(3), "../etc"), ("x".to_owned(), "Music")] {
        let (folder, file) = (folder.to_owned(), None);
        assert_eq!(reduce(&mut model, Action::Browse(BrowseAction::Open { peer, folder, file })), []);
        assert!(model.browse.is_none());
    }
}

#[test]
fn the_way_up_and_back_keeps_its_place() {
    let mut model = model();
    question(&reduce(&mut model, open("Music/Live/2026")));
    let go = |model: &mut Model, action| question(&reduce(model, action)).1;
    let (up, back) = (Action::Do(Verb::FolderUp), Action::Do(Verb::FolderBack));
    assert_eq!(go(&mut model, up), "Music/Live");
    assert_eq!(model.browse.as_ref().and_then(|it| it.sought.clone()), FileName::new("2026").ok());
    assert_eq!(go(&mut model, Action::Browse(BrowseAction::GoTo(FolderPath::default()))), "");
    assert_eq!(model.browse.as_ref().and_then(|it| it.sought.clone()), FileName::new("Music").ok());
    assert_eq!(go(&mut model, back.clone()), "Music/Live");
    assert_eq!(go(&mut model, back.clone()), "Music/Live/2026");
    reduce(&mut model, back);
    assert!(model.browse.is_none(), "back to the page");
    model.now += Duration::from_secs(1);
    assert!(
        !reduce(&mut model, Action::Tick)
            .iter()
            .any(|it| matches!(it, Effect::Command(Subject::Browse(_), _)))
    );
}
