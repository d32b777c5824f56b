//! The search page: pages, orders, selection, links, operators; the palette; messages; the status bar.

use super::super::action::{Page, Verb};
use super::super::fixtures::{FakePeer, content, many_results, peer_id, results, transfer, typical_view};
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use super::Window;
use cardume::node::{Command, View};
use eframe::egui;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use std::path::PathBuf;
use std::sync::Arc;

fn open(results: Vec<cardume::wire::index::Found>) -> Window {
    Window::open(FakePeer::new(typical_view(), results))
}

fn downloads(window: &Window) -> Vec<(String, Option<PathBuf>, usize)> {
    let commands = window.peer.commands().into_iter().filter_map(|command| match command {
        Command::Download { name, to, from, .. } => Some((name.unwrap_or_default(), to, from.len())),
        _ => None,
    });
    commands.collect()
}

fn press_shift(window: &mut Window, key: Key) {
    window.harness.key_press_modifiers(Modifiers::SHIFT, key);
    window.harness.step();
    window.harness.step();
}

fn words(window: &Window) -> String {
    let field = window.harness.get_by_role_and_label(Role::TextInput, "Search");
    field.accesskit_node().value().unwrap_or_default()
}

#[test]
fn a_hundred_thousand_results_are_scrolled_through_to_the_last() {
    let mut window = open(many_results(100_000));
    window.wait_for("100\u{202f}000 results");
    window.press(Key::ArrowDown);
    window.press(Key::End);
    window.wait_for("file 099999.bin");
    assert!(window.rows().len() < 60, "only what is seen is drawn");
    window.press(Key::Home);
    window.wait_for("file 000000.bin");
    assert!(!window.has("file 099999.bin"));
}

#[test]
fn a_click_on_a_head_sorts_and_says_so() {
    let mut window = open(results());
    window.wait_for("slides.pdf");
    window.click(Role::Button, "Sort by Size");
    window.wait_until("the largest first", |window| {
        window.rows().iter().any(|row| row == "6 results")
            && window.rows().iter().position(|row| row.starts_with("holiday"))
                < window.rows().iter().position(|row| row.starts_with("slides"))
    });
    window.click(Role::Button, "Size, sorted, largest first");
    window.wait_until("the smallest first", |window| {
        window
            .rows()
            .iter()
            .find(|row| row.contains("source"))
            .is_some_and(|row| row.starts_with("being-hashed"))
    });
    window.click(Role::Button, "Size, sorted, smallest first");
    window.wait_for("Sort by Size");
}

#[test]
fn several_results_are_selected_by_keyboard_and_downloaded_at_once() {
    let mut window = open(many_results(50));
    window.wait_for("file 000000.bin");
    window.press(Key::ArrowDown);
    press_shift(&mut window, Key::ArrowDown);
    press_shift(&mut window, Key::ArrowDown);
    window.wait_for("50 results · 3 selected");
    window.press(Key::Enter);
    window.wait_until("three downloads", |window| downloads(window).len() == 3);
    let names: Vec<_> = downloads(&window).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["file 000000.bin", "file 000001.bin", "file 000002.bin"]);
    window.wait_for("Downloading 3 files");
    assert!(!window.has("Downloading file 000000.bin"), "one message for all");
}

#[test]
fn ctrl_and_shift_clicks_select() {
    let mut window = open(many_results(50));
    window.wait_for("file 000000.bin");
    let click = |window: &mut Window, number: usize, modifiers: Modifiers| {
        let label = format!("file {number:06}.bin");
        let row = window.harness.get_all_by_role(Role::ListItem);
        let row = row
            .into_iter()
            .find(|row| row.accesskit_node().label().is_some_and(|text| text.starts_with(&label)));
        row.expect("the row").click_modifiers(modifiers);
        window.harness.step();
        window.harness.step();
    };
    click(&mut window, 1, Modifiers::NONE);
    click(&mut window, 4, Modifiers::SHIFT);
    window.wait_for("4 selected");
    click(&mut window, 2, Modifiers::COMMAND);
    window.wait_for("3 selected");
    click(&mut window, 9, Modifiers::COMMAND);
    window.wait_for("4 selected");
    window.press(Key::Escape);
    window.wait_until("nothing is selected", |window| !window.has("selected"));
}

#[test]
fn all_are_selected_as_far_as_one_message_goes() {
    let mut window = open(many_results(2_500));
    window.wait_for("file 000000.bin");
    window.press(Key::ArrowDown);
    window.press_ctrl(Key::A);
    window.wait_for("1\u{202f}000 selected");
    window.wait_for("The first 1\u{202f}000 results are selected");
}

#[test]
fn the_context_menu_downloads_from_a_chosen_peer() {
    let mut window = open(results());
    window.type_text("slides");
    window.wait_until("one result", |window| window.has("slides.pdf") && !window.has("holiday"));
    let label = "slides.pdf, 21.3 MB, 2 sources";
    window.harness.get_by_role_and_label(Role::ListItem, label).click_secondary();
    window.harness.step();
    window.harness.step();
    window.harness.get_by_label_contains("Copy link");
    window.harness.get_by_label_contains("Download to…");
    window.harness.get_by_role_and_label(Role::Button, "Download from").click();
    window.harness.step();
    window.harness.step();
    window.harness.get_by_role_and_label(Role::Button, "peer-4").click();
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    let from = match &window.peer.commands()[..] {
        [Command::Download { from, .. }] => from.iter().map(ToString::to_string).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(from, [peer_id(4)]);
}

#[test]
fn the_folder_is_asked_for_and_typed() {
    let mut window = open(results());
    window.type_text("slides");
    window.wait_until("one result", |window| window.has("slides.pdf") && !window.has("holiday"));
    window.press_ctrl(Key::D);
    window.wait_for("Download to which folder?");
    window.harness.step();
    window.press_ctrl(Key::A);
    window.type_text("/srv/elsewhere");
    assert_eq!(window.peer.commands(), [], "not before it is confirmed");
    window.press(Key::Enter);
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    let target = Some(PathBuf::from("/srv/elsewhere"));
    assert_eq!(downloads(&window), [("slides.pdf".to_owned(), target, 0)]);
    assert!(!window.has("to which folder"));
}

#[test]
fn what_is_asked_stays_on_screen_and_keys_do_nothing_under_it() {
    let title = "Download to which folder?";
    let mut window = open(results());
    window.type_text("slides");
    window.wait_until("one result", |window| window.has("slides.pdf") && !window.has("holiday"));
    window.press_ctrl(Key::D);
    window.wait_for(title);
    for key in [Key::Num2, Key::O, Key::F, Key::L] {
        window.press_ctrl(key);
        assert_eq!((window.model().page, window.has(title)), (Page::Search, true), "{key:?}");
    }
    // What the palette does is done, and the question still seen.
    window.press_ctrl(Key::K);
    window.type_text("transfers");
    window.harness.step();
    window.press(Key::Enter);
    assert_eq!(window.model().page, Page::Transfers);
    assert!(window.has(title));
    window.press(Key::Escape);
    assert!(!window.has(title) && !window.model().is_covered());
    window.press_ctrl(Key::Num3);
    assert_eq!(window.model().page, Page::Library, "the keys are free again");
    // The list of shortcuts closes by its own key.
    window.press(Key::F1);
    window.press(Key::F1);
    assert!(!window.model().is_covered());
}

#[test]
fn a_pasted_link_shows_its_content_and_downloads_nothing_by_itself() {
    let mut window = open(results());
    window.wait_for("slides.pdf");
    window.type_text(&format!("cardume:?h={}&n=other%20name.pdf&s=1", content(2)));
    window.wait_until("only that", |window| window.has("slides.pdf") && !window.has("holiday"));
    assert_eq!(window.peer.commands(), []);
    window.press(Key::Enter);
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    assert_eq!(downloads(&window), [("slides.pdf".to_owned(), None, 0)]);
    window.press(Key::Escape);
    window.wait_for("holiday");
    window.type_text(&content(777));
    window.wait_for("Nobody here has this file now");
}

#[test]
fn chips_add_operators_and_take_them_out() {
    let mut window = open(results());
    window.wait_for("slides.pdf");
    window.click(Role::Button, "Video 1");
    window.wait_until("videos only", |window| window.has("lecture 04") && !window.has("slides.pdf"));
    assert_eq!(words(&window), "type:video ");
    window.click(Role::Button, "Remove type:video");
    window.wait_for("slides.pdf");
    window.click(Role::Button, "Peer");
    window.click(Role::Button, "peer-5 2");
    window.wait_until("of that peer", |window| window.has("ação e coração") && !window.has("slides.pdf"));
    assert_eq!(words(&window), "peer:peer-5 ");
}

#[test]
fn a_filter_narrows_the_results_and_goes() {
    let mut window = open(results());
    window.type_text("e");
    window.wait_for("slides.pdf");
    window.press_ctrl(Key::F);
    window.type_text("slides");
    window.wait_until("narrowed", |window| window.has("slides.pdf") && !window.has("holiday"));
    assert_eq!(words(&window), "e");
    window.press(Key::Escape);
    window.wait_for("holiday");
    assert!(window.harness.query_by_role_and_label(Role::TextInput, "Filter").is_none());
}

#[test]
fn malformed_operators_are_told_in_the_language_and_results_stay() {
    for (language, sentence) in [
        (Language::English, "“size:big” is not understood. Write it as size:>10M"),
        (Language::Portuguese, "“size:big” não foi entendido. Escreva como size:>10M"),
    ] {
        let peer = FakePeer::new(typical_view(), results());
        let mut window = Window::open_as(peer, language, ThemeChoice::Light, [800.0, 600.0]);
        window.wait_for("slides.pdf");
        window.type_text("size:big");
        window.wait_for(sentence);
        assert!(window.has("slides.pdf"), "{language:?}");
    }
    let mut window = open(results());
    window.wait_for("slides.pdf");
    window.type_text("peer:nobody");
    window.wait_for("No peer of the group has a name that begins with “nobody”");
}

#[test]
fn the_list_of_operators_tries_one() {
    let mut window = open(results());
    window.wait_for("slides.pdf");
    window.click(Role::Button, "Search operators");
    window.wait_until("the list", |window| {
        window.harness.query_by_role_and_label(Role::Heading, "Search operators").is_some()
    });
    let label = "type:video: audio, video, image, document, archive, code, program, other";
    window.click(Role::ListItem, label);
    window.wait_until("tried", |window| window.has("lecture 04") && !window.has("slides.pdf"));
    assert!(window.harness.query_by_role_and_label(Role::Heading, "Search operators").is_none());
}

#[test]
fn letters_go_on_in_the_field_after_arrows() {
    let mut window = open(results());
    window.type_text("sli");
    window.wait_until("one result", |window| window.has("slides.pdf") && !window.has("holiday"));
    window.press(Key::ArrowDown);
    window.press(Key::Space);
    window.wait_for("peer-4 has copy of slides.pdf");
    window.type_text("des");
    window.wait_until("typed on", |window| words(window) == "slides");
    window.press(Key::ArrowDown);
    window.press(Key::ArrowLeft);
    window.wait_until("closed", |window| !window.has("peer-4 has copy of slides.pdf"));
}

#[test]
fn the_palette_finds_verbs_peers_and_files() {
    let mut window = open(results());
    window.press_ctrl(Key::K);
    window.wait_until("the palette", |window| {
        window.harness.query_by_role_and_label(Role::TextInput, "Command").is_some()
    });
    window.type_text("tracker crash");
    window.wait_until("the verb", |window| {
        window.harness.query_by_role_and_label(Role::ListItem, "Simulate tracker crash").is_some()
    });
    window.press(Key::Enter);
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    assert!(matches!(window.peer.commands()[0], Command::CrashTracker(_)));
    window.press_ctrl(Key::K);
    window.type_text("peer-5");
    window.harness.step();
    window.press(Key::Enter);
    window.wait_until("its files", |window| words(window) == "peer:peer-5");
    window.press_ctrl(Key::K);
    window.type_text("qqq");
    window.wait_for("Search for “qqq”");
    window.press(Key::Escape);
    window.wait_until("closed", |window| !window.has("Search for “qqq”"));
    assert_eq!(words(&window), "peer:peer-5", "Escape closes the palette only");
}

#[test]
fn every_verb_has_a_label_a_tooltip_and_a_place_in_the_list() {
    for language in Language::ALL {
        let text = language.text();
        let mut labels = std::collections::BTreeSet::new();
        for verb in Verb::ALL {
            assert!(labels.insert(verb.label(text)), "{language:?}: {} is there twice", verb.label(text));
            assert!(verb.tooltip(text).len() > 4, "{language:?}: {verb:?}");
            assert!(!verb.tooltip(text).ends_with('.'), "{language:?}: {verb:?}");
        }
    }
}

#[test]
fn the_status_bar_keeps_all_parts_where_the_window_is_narrow() {
    for language in Language::ALL {
        for width in [560.0, 800.0, 1_280.0] {
            let peer = FakePeer::new(typical_view(), Vec::new());
            let window = Window::open_as(peer, language, ThemeChoice::Dark, [width, 600.0]);
            let text = language.text();
            let parts = [
                (text.tracker_is)("peer-2", 7),
                (text.peers_here)(4, 5),
                (text.files)(4_819),
                text.name_service.to_owned(),
                (text.finding.unseen)(0),
            ];
            let mut left = 0.0;
            for label in parts {
                let place = window.harness.get_by_role_and_label(Role::Button, &label).rect();
                assert!(place.left() >= left && place.right() <= width, "{language:?} {width}: {label}");
                left = place.right();
            }
        }
    }
}

#[test]
fn messages_are_counted_listed_and_put_away() {
    let mut window = open(Vec::new());
    let finished =
        View { transfers: Arc::new(vec![transfer(3, "lecture.mp4", "finished").into()]), ..typical_view() };
    window.peer.publish(finished);
    window.wait_for("Downloaded lecture.mp4");
    window.wait_for("Messages: 1 new");
    window.click(Role::Button, "Put this message away");
    window.wait_until("the toast goes", |window| !window.has("Downloaded lecture.mp4"));
    window.click(Role::Button, "Messages: 1 new");
    window.wait_for("Downloaded lecture.mp4");
    window.harness.get_by_role_and_label(Role::Button, "Open folder");
    window.press(Key::Escape);
    window.wait_until("the list closes", |window| !window.has("Downloaded lecture.mp4"));
    window.harness.get_by_role_and_label(Role::Button, "Messages");
}

#[test]
fn what_one_has_is_marked() {
    let mut window = open(results());
    window.wait_for("lecture 04 - elections and quorums.mp4, 16.0 MB, 3 sources, on this computer");
    let button = "Download lecture 04 - elections and quorums.mp4 from all sources";
    assert!(window.harness.query_by_role_and_label(Role::Button, button).is_none());
}
