//! Every page in every state: empty, typical, many rows, no tracker, both languages, both themes. The
//! harness itself fails at a widget without an accessible name and at a missing glyph.

use super::super::action::{Page, Verb};
use super::super::fixtures::{FakePeer, empty_view, event, many_results, results, transfer, typical_view};
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use super::Window;
use cardume::node::View;
use cardume::wire::control::Status;
use cardume::wire::index::Complete;
use eframe::egui;
use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use std::sync::Arc;

const KEYS: [egui::Key; 5] =
    [egui::Key::Num1, egui::Key::Num2, egui::Key::Num3, egui::Key::Num4, egui::Key::Num5];

#[test]
fn every_page_draws_in_every_state_language_and_theme() {
    for language in Language::ALL {
        for (theme, size) in [(ThemeChoice::Light, [800.0, 600.0]), (ThemeChoice::Dark, [1_280.0, 800.0])] {
            for view in [empty_view(), typical_view()] {
                let mut window = Window::open_as(FakePeer::new(view, results()), language, theme, size);
                for (page, key) in Page::ALL.into_iter().zip(KEYS) {
                    window.press_ctrl(key);
                    let title = page.title(language.text());
                    let tab = window.harness.get_by_role_and_label(Role::Tab, title);
                    let toggled = tab.accesskit_node().toggled();
                    assert_eq!(toggled, Some(egui::accesskit::Toggled::True), "{title} is on screen");
                    if page != Page::Search {
                        window.harness.get_by_role_and_label(Role::Heading, title);
                    }
                }
            }
        }
    }
}

#[test]
fn the_status_bar_says_what_is() {
    let cases = [
        (Language::English, typical_view(), ["Tracker: peer-2 (epoch 7)", "4 of 5 peers", "files"]),
        (
            Language::Portuguese,
            typical_view(),
            ["Tracker: peer-2 (época 7)", "4 de 5 peers", "4.819 arquivos"],
        ),
        (Language::English, empty_view(), ["No tracker", "2 of 5 peers here, 3 needed", "0 files"]),
        (
            Language::Portuguese,
            empty_view(),
            ["Sem tracker", "2 de 5 peers aqui, 3 necessários", "0 arquivos"],
        ),
    ];
    for (language, view, words) in cases {
        let window =
            Window::open_as(FakePeer::new(view, Vec::new()), language, ThemeChoice::Dark, [1_280.0, 800.0]);
        for part in words {
            assert!(window.has(part), "{language:?}: {part}");
        }
    }
}

#[test]
fn parts_of_the_status_bar_lead_to_their_pages() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.click(Role::Button, "Tracker: peer-2 (epoch 7)");
    window.harness.get_by_role_and_label(Role::Heading, "Group");
    window.click(Role::Button, "name service");
    window.harness.get_by_role_and_label(Role::Heading, "Activity");
}

#[test]
fn a_hundred_thousand_results_draw_only_what_is_seen() {
    let mut window = Window::open(FakePeer::new(typical_view(), many_results(100_000)));
    window.wait_for("file 000000.bin");
    let rows = window.rows().len();
    assert!(rows < 60, "{rows} rows are drawn");
    assert!(!window.has("file 099999.bin"));
    for _ in 0..3 {
        window.press(egui::Key::PageDown);
    }
    window.wait_for("file 000020.bin");
}

#[test]
fn ten_thousand_transfers_draw_only_what_is_seen() {
    let many =
        (0..10_000).map(|id| Arc::new(transfer(id, &format!("download {id:05}"), "finished"))).collect();
    let view = View { transfers: Arc::new(many), ..typical_view() };
    let mut window = Window::open(FakePeer::new(view, Vec::new()));
    window.press_ctrl(egui::Key::Num2);
    assert!(window.has("download 00000"));
    let rows = window.rows().len();
    assert!(rows < 40, "{rows} rows are drawn");
}

#[test]
fn transfers_say_in_a_sentence_what_is_going_on() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.press_ctrl(egui::Key::Num2);
    let rows = window.rows();
    assert_eq!(
        rows[0],
        "lecture 04 - elections and quorums.mp4: 25.6 MB of 64.0 MB · 12.4 MB/s · 3 s left · from peer-3, peer-4"
    );
    assert!(rows[1].ends_with("one.tar.gz: Waiting"), "{}", rows[1]);
    let ended = [
        "slides.pdf: Finished: 64.0 MB in 2.4 s, verified",
        "notes.txt: Failed: no source left",
        "old.iso: Cancelled",
    ];
    assert_eq!(rows[2..], ended);
}

#[test]
fn an_index_that_still_fills_is_not_nothing_found() {
    let mut view = typical_view();
    let mut status = Status::clone(&view.status);
    status.index.complete = Complete { have: 3, of: 5 };
    view.status = Arc::new(status);
    let mut window = Window::open(FakePeer::new(view, Vec::new()));
    window.type_text("unknown");
    window.wait_for("Index 3 of 5 peers");
    assert!(!window.has("Nothing found"));
}

#[test]
fn nothing_found_says_what_to_do() {
    let mut window = Window::open(FakePeer::new(typical_view(), results()));
    window.type_text("unknown");
    window.wait_for("Nothing found for “unknown”");
    window.wait_for("Try fewer or shorter words");
}

#[test]
fn an_empty_group_offers_to_share() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.wait_for("Nobody shares anything yet");
    window.harness.get_by_role_and_label(Role::Button, "Share a folder…");
}

#[test]
fn every_kind_of_event_has_a_sentence_in_both_languages() {
    // As the protocol lists them.
    let document = include_str!("../../../PROTOCOL.md");
    let (_, listed) = document.split_once("\nKinds: ").expect("a list");
    let (listed, _) = listed.split_once(". Others").expect("an end");
    let kinds: Vec<&str> = listed.split(',').map(|kind| kind.trim().trim_matches('`')).collect();
    assert!(kinds.len() > 30, "{kinds:?}");
    for language in Language::ALL {
        let mut seen = std::collections::BTreeSet::new();
        for kind in kinds.iter().copied() {
            let sentence = (language.text().event)(&event(1, kind, Some(7), "peer-3", "tracker"));
            assert!(!sentence.contains('_') && !sentence.contains(kind), "{language:?}: {sentence}");
            assert!(seen.insert(sentence.clone()), "{language:?}: two kinds say {sentence}");
            // An event may come without what it is about.
            let bare = (language.text().event)(&event(1, kind, None, "", ""));
            assert!(!bare.trim().is_empty());
        }
        let unknown = (language.text().event)(&event(1, "of_the_future", None, "peer-3", "why"));
        assert_eq!(unknown, "of the future: peer-3: why");
    }
}

#[test]
fn no_key_does_two_things() {
    // Results and folders are never on screen together.
    let everywhere = ["results", "folders"];
    let mut keys = std::collections::BTreeSet::new();
    for verb in Verb::ALL {
        let places = match verb {
            Verb::Expand | Verb::Collapse => &everywhere[..1],
            Verb::FolderUp | Verb::FolderBack => &everywhere[1..],
            _ => &everywhere,
        };
        for (key, place) in verb.keys().iter().flat_map(|key| places.iter().map(move |place| (key, place))) {
            assert!(keys.insert(format!("{key:?} {place}")), "{key:?} is there twice");
        }
    }
}
