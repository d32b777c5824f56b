//! The library page: sharing with a look first, cards, what is skipped.

use super::super::action::{Action, LibraryAction, Purpose, Subject};
use super::super::fixtures::{FakePeer, Risky, inspection, typical_view};
use super::super::model::Model;
use super::super::reduce::{Effect, reduce};
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use super::Window;
use cardume::node::{Command, Reply, View};
use eframe::egui;
use egui::Role;
use egui_kittest::kittest::Queryable as _;
use std::path::PathBuf;
use std::sync::Arc;

fn library() -> Window {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.press_ctrl(egui::Key::Num3);
    window
}

fn type_path(window: &mut Window, path: &str) {
    window.harness.get_by_role_and_label(Role::TextInput, "Path of a folder to share").focus();
    window.harness.step();
    window.type_text(path);
    window.press(egui::Key::Enter);
}

#[test]
fn a_home_folder_is_shared_only_after_a_question() {
    let mut window = library();
    type_path(&mut window, "/people/home");
    window.wait_for("Share this folder?");
    for sentence in [
        "This is your home folder",
        "More than 1\u{202f}204 files and 8.1 GB, for everybody in the group",
        "work/a project with a long name/deploy/server.pem: keys or passwords, would be shared",
        ".ssh: keys or passwords, is not shared",
        "41 hidden entries. What is hidden is never shared",
    ] {
        assert!(window.has(sentence), "{sentence}");
    }
    assert_eq!(window.peer.commands(), []);
    window.press(egui::Key::Escape);
    assert!(!window.has("Share this folder?"));
    type_path(&mut window, "/people/home");
    window.wait_for("Share this folder?");
    window.click(Role::Button, "Share all the same");
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    assert_eq!(window.peer.commands(), [Command::Share(PathBuf::from("/people/home"))]);
    assert!(!window.has("Share this folder?"));
}

#[test]
fn the_question_is_asked_in_portuguese_and_on_a_small_window() {
    let peer = FakePeer::new(typical_view(), Vec::new());
    let mut window = Window::open_as(peer, Language::Portuguese, ThemeChoice::Light, [800.0, 600.0]);
    window.press_ctrl(egui::Key::Num3);
    window.harness.get_by_role_and_label(Role::TextInput, "Caminho de uma pasta a compartilhar").focus();
    window.harness.step();
    window.type_text("/people/home");
    window.press(egui::Key::Enter);
    window.wait_for("Compartilhar esta pasta?");
    assert!(window.has("Esta é a sua pasta pessoal"));
    window.harness.get_by_role_and_label(Role::Button, "Compartilhar mesmo assim");
}

#[test]
fn several_dropped_folders_are_asked_about_one_after_the_other() {
    let mut model = Model::new(Arc::new(typical_view()), Language::English, ThemeChoice::Dark);
    let folders = ["/a", "/b", "/c"].map(PathBuf::from);
    let effects = reduce(&mut model, Action::Share(folders.to_vec()));
    let looks = folders.clone().map(|path| (Subject::Inspect(path.clone()), Command::Inspect(path)));
    assert_eq!(
        effects,
        [Effect::Commands(looks.to_vec())],
        "all in one order: a peer does only so much at once"
    );
    assert_eq!(model.library.looking, folders);
    let mut answer = |path: &str, risky| {
        let answer = Ok(Reply::Inspection(inspection(path, risky)));
        let subject = Subject::Inspect(PathBuf::from(path));
        reduce(&mut model, Action::Answered { subject, answer, at_unix_millis: 0 })
    };
    let share =
        |path: &str| Effect::Command(Subject::Share(path.to_owned()), Command::Share(PathBuf::from(path)));
    assert_eq!(answer("/a", Risky::Yes), []);
    assert_eq!(answer("/b", Risky::No), [share("/b")], "a harmless one does not wait for the others");
    assert_eq!(answer("/c", Risky::Yes), []);
    assert_eq!(model.library.looking, Vec::<PathBuf>::new());
    assert_eq!(reduce(&mut model, Action::Library(LibraryAction::ShareAllTheSame)), [share("/a")]);
    let another = reduce(&mut model, Action::Library(LibraryAction::ChooseAnother));
    assert_eq!(another, [Effect::PickFolder(Purpose::Share)]);
    assert!(model.library.warnings.is_empty());
    assert_eq!(
        reduce(&mut model, Action::Library(LibraryAction::ShareAllTheSame)),
        [],
        "nothing by accident"
    );
}

#[test]
fn a_card_says_how_far_hashing_is_and_pauses_it() {
    let mut window = library();
    window.wait_for("Hashing: 80 of 1\u{202f}204 files left · 960.0 MB · 10 s");
    window.click(Role::Button, "Pause hashing: /srv/music");
    window.wait_until("the command", |window| !window.peer.commands().is_empty());
    assert_eq!(window.peer.commands(), [Command::PauseHashing(PathBuf::from("/srv/music"))]);
    let mut view = typical_view();
    let mut shares = view.shares.to_vec();
    shares[0].paused = true;
    view.shares = Arc::new(shares);
    window.peer.publish(View { events: Arc::default(), ..view });
    window.wait_for("hashing is paused");
    window.click(Role::Button, "Go on hashing: /srv/music");
    window.wait_until("the command", |window| window.peer.commands().len() == 2);
    window.click(Role::Button, "Look again: /srv/music");
    window.wait_until("the commands", |window| window.peer.commands().len() == 3);
    let music = PathBuf::from("/srv/music");
    assert_eq!(window.peer.commands()[1..], [Command::ResumeHashing(music.clone()), Command::Rescan(music)]);
}

#[test]
fn a_card_says_what_the_system_does_not_watch_and_that_folders_are_looked_at() {
    let mut window = library();
    let limit = "The system's limit of watches is reached: changes in 12 folders are found every 1 min 35 s";
    window.wait_for(limit);
    let mut view = typical_view();
    let mut shares = view.shares.to_vec();
    (shares[1].unwatched, shares[1].walking) = (0, true);
    shares[1].skips = [("ignored".to_owned(), 2), ("pattern".to_owned(), 1)].into();
    view.shares = Arc::new(shares);
    window.peer.publish(View { events: Arc::default(), ..view });
    window.wait_for("3 entries are not shared: 2 ignored · 1 ignore file with a bad line");
    assert!(!window.has(limit));
    window.wait_for("looking for changes");
}

#[test]
fn what_is_not_shared_is_counted_by_kind_and_listed_with_reasons() {
    let mut window = library();
    window.wait_for("6 entries are not shared: 3 hidden · 2 links · 1 unreadable");
    let arrow = "6 entries are not shared: /srv/photos of the excursion to the sea";
    window.click(Role::Button, arrow);
    window.wait_for("to the sea: it is a link");
    window.wait_for("These are the first hundred");
    window.click(Role::Button, arrow);
    assert!(!window.has("to the sea: it is a link"));
}
