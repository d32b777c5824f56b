//! Menus by keyboard, and links that are opened elsewhere.

use super::super::action::{Action, BrowseAction, Page, TransfersAction, Verb};
use super::super::fixtures::{FakePeer, content, peer_id, results, typical_view};
use super::super::model::{Model, NoteKind};
use super::super::reduce::{Effect, reduce};
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use super::Window;
use cardume::base::{ContentId, ContentLink, FileName};
use cardume::node::{Command, TransferChange, View};
use eframe::egui;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable as _;
use std::sync::Arc;

fn search_window(language: Language) -> Window {
    let peer = FakePeer::new(typical_view(), results());
    let mut window = Window::open_as(peer, language, ThemeChoice::Dark, [1_280.0, 800.0]);
    window.wait_for("holiday by the sea.jpg");
    let row = window.row_with("holiday by the sea.jpg");
    window.click(Role::ListItem, &row);
    window
}

/// Presses a key until the menu, which opens over two frames, has it.
fn press(window: &mut Window, key: Key) {
    window.press(key);
    window.harness.step();
}

fn is_open(window: &Window) -> bool {
    egui::Popup::is_any_open(&window.harness.ctx)
}

#[test]
fn the_menu_key_opens_the_menu_of_the_row_and_the_arrows_walk_through_it() {
    for language in Language::ALL {
        let mut window = search_window(language);
        press(&mut window, Key::Menu);
        assert!(is_open(&window));
        assert!(window.has(language.text().finding.copy_link));
        press(&mut window, Key::Enter);
        window.wait_until("a download", |window| !window.peer.commands().is_empty());
        assert!(matches!(window.peer.commands()[..], [Command::Download { .. }]), "the first entry");
        window.wait_until("the menu to close", |window| !is_open(window));

        // Shift+F10 too; from the first entry upward to the last one.
        window.harness.key_press_modifiers(Modifiers::SHIFT, Key::F10);
        window.harness.step();
        press(&mut window, Key::Home);
        assert!(is_open(&window));
        press(&mut window, Key::ArrowUp);
        press(&mut window, Key::Enter);
        window.wait_for(&(language.text().row_source)(
            "peer-3",
            "holiday by the sea.jpg",
            "share of peer-3/course",
        ));

        press(&mut window, Key::Menu);
        press(&mut window, Key::Escape);
        window.wait_until("the menu to close", |window| !is_open(window));
        assert_eq!(window.peer.commands().len(), 1, "nothing was chosen");
    }
}

#[test]
fn a_transfer_has_a_menu_by_keyboard() {
    let mut window = Window::open(FakePeer::new(typical_view(), results()));
    window.press_ctrl(Key::Num2);
    press(&mut window, Key::Menu);
    assert!(!is_open(&window), "no row is selected");
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Menu);
    assert!(is_open(&window));
    press(&mut window, Key::Enter);
    window.wait_until("a pause", |window| {
        matches!(window.peer.commands()[..], [Command::Transfers(TransferChange::Pause, _)])
    });
}

#[test]
fn the_menu_of_a_member_is_walked_by_keys() {
    let mut window = Window::open(FakePeer::new(typical_view(), results()));
    window.press_ctrl(Key::Num4);
    let label = (Language::English.text().of_group.drills_of)("peer-3");
    window.harness.get_by_role_and_label(Role::Button, &label).focus();
    window.harness.step();
    press(&mut window, Key::Enter);
    assert!(is_open(&window));
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Enter);
    window.wait_until("a pause", |window| {
        let peer = peer_id(3).parse().ok();
        matches!(&window.peer.commands()[..], [Command::Pause { peer: paused, .. }] if *paused == peer)
    });
}

#[test]
fn a_row_of_a_folder_has_a_menu_by_keyboard() {
    let mut window = search_window(Language::English);
    press(&mut window, Key::Space);
    let label =
        (Language::English.text().row_source)("peer-3", "holiday by the sea.jpg", "share of peer-3/course");
    window.wait_for(&label);
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Menu);
    // Upward from the first entry: the last is the whole folder, the one above it shows it.
    press(&mut window, Key::ArrowUp);
    press(&mut window, Key::ArrowUp);
    press(&mut window, Key::Enter);
    window.wait_until("the folder", |window| {
        window.model().browse.as_ref().is_some_and(|it| !it.rows.is_empty())
    });
    press(&mut window, Key::Menu);
    assert!(is_open(&window));
    press(&mut window, Key::Enter);
    window
        .wait_until("a download", |window| matches!(window.peer.commands()[..], [Command::Download { .. }]));
}

#[test]
fn a_menu_that_was_asked_for_does_not_open_on_another_page_or_for_what_is_gone() {
    let mut model = Model::new(Arc::new(typical_view()), Language::English, ThemeChoice::Dark);
    let act = |model: &mut Model, verb| reduce(model, Action::Do(verb));
    act(&mut model, Verb::Go(Page::Transfers));
    reduce(&mut model, Action::Transfers(TransfersAction::MoveSelection(1)));
    model.transfers.reveal = false;
    act(&mut model, Verb::RowMenu);
    assert!(model.wants_menu && model.transfers.reveal, "and its row is brought into view");
    act(&mut model, Verb::Go(Page::Search));
    assert!(!model.wants_menu);
    act(&mut model, Verb::Go(Page::Transfers));
    reduce(&mut model, Action::View(Arc::new(View { transfers: Arc::default(), ..typical_view() })));
    act(&mut model, Verb::RowMenu);
    assert!(!model.wants_menu, "the download is cleared");
}

#[test]
fn a_search_from_elsewhere_shows_the_search_and_not_folders() {
    let content: ContentId = content(1).parse().expect("a content");
    let link = ContentLink { content, name: None, size: None };
    for ask in [Action::Do(Verb::FocusSearch), Action::Do(Verb::Filter), Action::OpenLink(link)] {
        for page in [Page::Search, Page::Group] {
            let mut model = Model::new(Arc::new(typical_view()), Language::English, ThemeChoice::Dark);
            let (folder, file) = (String::new(), None);
            reduce(&mut model, Action::Browse(BrowseAction::Open { peer: peer_id(3), folder, file }));
            reduce(&mut model, Action::Do(Verb::Go(Page::Group)));
            if page == Page::Search {
                reduce(&mut model, Action::Do(Verb::Go(page)));
            }
            let is_filter_of_folder = page == Page::Search && ask == Action::Do(Verb::Filter);
            reduce(&mut model, ask.clone());
            assert_eq!(model.page, Page::Search);
            assert_eq!(model.shown_browse().is_some(), is_filter_of_folder, "{ask:?} from {page:?}");
        }
    }
}

#[test]
fn a_link_that_is_opened_elsewhere_is_shown_and_not_downloaded() {
    let mut model = Model::new(Arc::new(typical_view()), Language::English, ThemeChoice::Dark);
    model.page = Page::Group;
    let content: ContentId = content(1).parse().expect("a content");
    let name = FileName::new("holiday by the sea.jpg").ok();
    let link = ContentLink { content, name, size: Some(5) };
    let effects = reduce(&mut model, Action::OpenLink(link.clone()));
    assert!(effects.contains(&Effect::ComeForward), "{effects:?}");
    assert!(!effects.iter().any(|it| matches!(it, Effect::Command(..) | Effect::Commands(_))), "{effects:?}");
    assert_eq!((model.page, model.search.words.as_str()), (Page::Search, link.to_string().as_str()));
    assert_eq!(
        model.notes.back().map(|note| &note.what),
        Some(&NoteKind::LinkOpened("holiday by the sea.jpg".to_owned()))
    );
}
