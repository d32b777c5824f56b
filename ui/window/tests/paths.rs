//! What a person does, step by step.

use super::super::fixtures::{
    FakePeer, content, empty_view, event, peer_id, results, transfer, typical_view,
};
use super::Window;
use cardume::base::{ContentId, PeerId};
use cardume::node::{Command, View};
use eframe::egui;
use egui::Role;
use egui_kittest::kittest::Queryable as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

fn content_id(number: u64) -> ContentId {
    content(number).parse().expect("a content's id")
}

fn download(number: u64, name: &str, from: &[u64]) -> Command {
    let from: Vec<PeerId> = from.iter().map(|peer| peer_id(*peer).parse().expect("a peer's id")).collect();
    let name = Some(name.to_owned());
    Command::Download { content: content_id(number), name, to: None, from, via_rpc: false }
}

#[test]
fn search_and_download_by_keyboard_alone() {
    let mut window = Window::open(FakePeer::new(typical_view(), results()));
    window.press_ctrl(egui::Key::Num3);
    window.press_ctrl(egui::Key::L);
    window.type_text("sea");
    window.wait_until("only what matches", |window| window.rows().iter().any(|row| row == "1 result"));
    assert!(window.rows().iter().any(|row| row == "holiday by the sea.jpg, 32.0 MB, 1 source"));
    window.press(egui::Key::Enter);
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    assert_eq!(window.peer.commands(), [download(1, "holiday by the sea.jpg", &[])]);
    window.wait_for("Downloading holiday by the sea.jpg");
    window.press(egui::Key::Escape);
    window.wait_for("slides.pdf");
}

#[test]
fn the_person_chooses_a_source() {
    let mut window = Window::open(FakePeer::new(typical_view(), results()));
    window.type_text("slides");
    window.wait_until("one result", |window| window.has("slides.pdf, 21.3 MB, 2 sources"));
    window.wait_until("nothing else", |window| !window.has("holiday"));
    window.click(Role::Button, "Show sources");
    window.wait_for("peer-4 has copy of slides.pdf");
    window.click(Role::Button, "Download from peer-4");
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    assert_eq!(window.peer.commands(), [download(2, "slides.pdf", &[4])]);
}

#[test]
fn a_source_is_chosen_by_keyboard_too() {
    let mut window = Window::open(FakePeer::new(typical_view(), results()));
    window.type_text("slides");
    window.wait_until("nothing else", |window| window.has("slides.pdf") && !window.has("holiday"));
    window.harness.key_press_modifiers(egui::Modifiers::ALT, egui::Key::ArrowRight);
    window.wait_for("peer-4 has copy of slides.pdf");
    window.press(egui::Key::ArrowDown);
    window.press(egui::Key::Enter);
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    assert_eq!(window.peer.commands(), [download(2, "slides.pdf", &[2])]);
}

#[test]
fn a_click_on_the_arrow_downloads_from_all() {
    let mut window = Window::open(FakePeer::new(typical_view(), results()));
    window.wait_for("holiday by the sea.jpg");
    window.click(Role::Button, "Download holiday by the sea.jpg from all sources");
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    assert_eq!(window.peer.commands(), [download(1, "holiday by the sea.jpg", &[])]);
}

#[test]
fn nothing_is_downloaded_from_oneself() {
    let mut window = Window::open(FakePeer::new(typical_view(), results()));
    window.type_text("lecture");
    window.wait_until("nothing else", |window| window.has("lecture 04") && !window.has("holiday"));
    window.click(Role::Button, "Show sources");
    window.wait_for("you has lecture");
    assert!(window.harness.query_by_role_and_label(Role::Button, "Download from peer-1").is_none());
    window.harness.get_by_role_and_label(Role::Button, "Download from peer-3");
}

#[test]
fn without_a_tracker_the_search_waits_and_runs_by_itself() {
    let mut window = Window::open(FakePeer::new(empty_view(), results()));
    window.type_text("slides");
    window.wait_for("The search runs by itself");
    window.peer.publish(typical_view());
    window.wait_for("slides.pdf, 21.3 MB, 2 sources");
    assert!(!window.has("The search runs by itself"));
}

#[test]
fn a_folder_is_shared_by_its_path() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.press_ctrl(egui::Key::Num3);
    window.harness.get_by_role_and_label(Role::TextInput, "Path of a folder to share").focus();
    window.harness.step();
    window.type_text("/srv/books");
    window.press(egui::Key::Enter);
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    assert_eq!(window.peer.commands(), [Command::Share(PathBuf::from("/srv/books"))]);
    window.click(Role::Button, "Stop sharing /srv/music");
    window.wait_until("the command", |window| window.peer.commands().len() == 2);
    assert_eq!(window.peer.commands()[1], Command::Unshare(PathBuf::from("/srv/music")));
}

#[test]
fn a_refused_folder_is_told_and_kept_in_the_messages() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.press_ctrl(egui::Key::Num3);
    window.harness.get_by_role_and_label(Role::TextInput, "Path of a folder to share").focus();
    window.harness.step();
    window.type_text("/nowhere");
    window.press(egui::Key::Enter);
    let sentence = "Could not share /nowhere: no such folder. Check the path";
    window.wait_for(sentence);
    window.press_ctrl(egui::Key::Num1);
    window.wait_until("the toast goes", |window| !window.has(sentence));
    window.press_ctrl(egui::Key::Num5);
    assert!(window.has(sentence));
}

#[test]
fn the_tracker_is_crashed_by_the_button_and_the_stopwatch_reads_the_events() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.press_ctrl(egui::Key::Num4);
    window.click(Role::Button, "Simulate tracker crash");
    window.wait_for("peer-2 is silent; waiting for a new tracker");
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    assert_eq!(window.peer.commands(), [Command::CrashTracker(Duration::from_secs(5))]);
    let mut view = typical_view();
    let mut events = view.events.to_vec();
    events.push(event(9, "drill_started", None, "peer-2", ""));
    events.push(event(10, "tracker_elected", Some(8), "peer-4", ""));
    view.events = Arc::new(events);
    window.peer.publish(view);
    window.wait_for("New tracker peer-4 in 171 ms");
    window.wait_for("peer-4 is the tracker of epoch 8");
}

#[test]
fn a_download_that_finishes_is_told_once() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    let finished = View {
        transfers: Arc::new(vec![Arc::new(transfer(3, "lecture.mp4", "finished"))]),
        ..typical_view()
    };
    window.peer.publish(finished.clone());
    window.wait_for("Downloaded lecture.mp4");
    window.peer.publish(View { events: Arc::default(), ..finished });
    window.press_ctrl(egui::Key::Num5);
    window.wait_until("the toast goes", |window| {
        window.harness.query_all_by_label_contains("Downloaded lecture.mp4").count() == 1
    });
}

#[test]
fn a_download_is_cancelled() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.press_ctrl(egui::Key::Num2);
    window.click(Role::Button, "Cancel: lecture 04 - elections and quorums.mp4");
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    assert_eq!(window.peer.commands(), [Command::Cancel(3)]);
}

#[test]
fn the_language_changes_at_once() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.press_ctrl(egui::Key::Num5);
    window.click(Role::Tab, "Settings");
    window.click(Role::Button, "Português (Brasil)");
    window.harness.get_by_role_and_label(Role::Heading, "Atividade");
    window.harness.get_by_role_and_label(Role::Tab, "Busca");
}

#[test]
fn all_shortcuts_are_listed_and_escape_closes_the_list() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.press(egui::Key::F1);
    window.harness.get_by_role_and_label(Role::Heading, "Keyboard shortcuts");
    window.press(egui::Key::Escape);
    assert!(window.harness.query_by_role_and_label(Role::Heading, "Keyboard shortcuts").is_none());
}

#[test]
fn a_slash_goes_to_the_search_and_is_typed_there() {
    let mut window = Window::open(FakePeer::new(typical_view(), results()));
    window.press_ctrl(egui::Key::Num4);
    window.press(egui::Key::Slash);
    window.wait_for("slides.pdf");
    window.type_text("a/b");
    window.wait_for("Nothing found for “a/b”");
}
