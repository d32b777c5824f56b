//! The transfers page: what a row and the details say, and what buttons, keys and menus ask for.

use super::super::fixtures::{FakePeer, peer_id, transfer, typical_view};
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use super::super::widgets::fraction;
use super::Window;
use cardume::engine::transfer::reason::Reason;
use cardume::engine::transfer::source::Fault;
use cardume::node::{Command, TransferChange, View};
use cardume::wire::control::{FolderProgress, Limits, Transfer, Upload};
use eframe::egui;
use egui::Role;
use egui_kittest::kittest::Queryable as _;
use std::sync::Arc;

fn window_with(transfers: Vec<Transfer>) -> Window {
    let transfers = Arc::new(transfers.into_iter().map(Arc::new).collect());
    let mut window = Window::open(FakePeer::new(View { transfers, ..typical_view() }, Vec::new()));
    window.press_ctrl(egui::Key::Num2);
    window
}

fn waiting(reason: &str, about: &str) -> Transfer {
    let (reason, about) = (reason.to_owned(), about.to_owned());
    Transfer { reason, about, ..transfer(3, "film.mkv", "waiting") }
}

#[test]
fn every_reason_and_fault_has_a_sentence_in_both_languages() {
    for language in Language::ALL {
        let moving = &language.text().moving;
        let mut seen = std::collections::BTreeSet::new();
        for reason in Reason::ALL {
            let sentence = (moving.reason)(reason.code(), "x");
            assert!(!sentence.contains('_') && seen.insert(sentence.clone()), "{language:?}: {sentence}");
        }
        let faults = [
            Fault::BadPiece,
            Fault::BadManifest,
            Fault::WrongLength,
            Fault::Nonsense,
            Fault::NotShared,
            Fault::Changed,
            Fault::Busy,
            Fault::Unreachable,
            Fault::Closed,
            Fault::Silent,
        ];
        for fault in faults {
            assert!(seen.insert((moving.fault)(fault.code()).to_owned()), "{language:?}: {fault:?}");
        }
    }
}

/// Waits until the peer has heard so many commands: they travel on the runtime.
fn commands_are(window: &mut Window, number: usize) {
    window.wait_until("the commands", |window| window.peer.commands().len() >= number);
}

#[test]
fn a_download_that_waits_says_why_and_is_tried_again_on_demand() {
    let mut window = window_with(vec![waiting("disk_full", "")]);
    let expected = "film.mkv: The disk is full; make room and it goes on by itself";
    assert_eq!(window.rows(), [expected]);
    window.click(Role::Button, "Try again: film.mkv");
    commands_are(&mut window, 1);
    window.click(Role::Button, "Pause: film.mkv");
    commands_are(&mut window, 2);
    let change = |change| Command::Transfers(change, vec![3]);
    assert_eq!(window.peer.commands(), [change(TransferChange::Retry), change(TransferChange::Pause)]);
}

#[test]
fn what_a_failed_download_left_can_be_removed_and_what_stays_is_said() {
    let mut failed = transfer(3, "film.mkv", "failed");
    failed.reason = "name_refused".to_owned();
    let mut window = window_with(vec![failed]);
    window.click(Role::Button, "Remove what it left: film.mkv");
    commands_are(&mut window, 1);
    assert_eq!(window.peer.commands(), [Command::Transfers(TransferChange::Cancel, vec![3])]);
    let mut stays = transfer(3, "film.mkv", "cancelled");
    (stays.reason, stays.about) = ("not_removed".to_owned(), "/srv/.cardume".to_owned());
    let window = window_with(vec![stays]);
    let expected = "What it left could not be removed; cancel it again, or remove it yourself: /srv/.cardume";
    assert_eq!(window.rows(), [format!("film.mkv: {expected}")]);
}

#[test]
fn the_details_show_the_sources_and_what_can_be_done() {
    let mut liar = transfer(3, "film.mkv", "running");
    liar.sources[1].state = "dropped".to_owned();
    liar.sources[1].fault = Some("bad_piece".to_owned());
    liar.sources[1].dropped = Some("sent a wrong piece".to_owned());
    let mut window = window_with(vec![liar]);
    window.press(egui::Key::ArrowDown);
    window.wait_for("Sources");
    assert!(window.has("peer-3 · In use · 12.8 MB · 6.2 MB/s"), "the one that sends");
    assert!(window.has("peer-4 · Not used any more: sent a wrong piece"), "the one that lied");
    window.click(Role::Button, "To the top");
    commands_are(&mut window, 1);
    assert_eq!(window.peer.commands(), [Command::Transfers(TransferChange::Top, vec![3])]);
    window.click(Role::Button, "Close the details");
    assert!(!window.has("Sources"));
}

#[test]
fn an_open_menu_goes_with_its_download() {
    let list = [transfer(1, "a", "running"), transfer(2, "b", "running"), transfer(3, "c", "running")];
    let mut window = window_with(list.to_vec());
    let row = window.row_with("b: ");
    window.harness.get_by_role_and_label(Role::ListItem, &row).click_secondary();
    window.harness.step();
    window.harness.step();
    let [a, b, c] = list.map(Arc::new);
    window.peer.publish(View { transfers: Arc::new(vec![b, a.clone(), c.clone()]), ..typical_view() });
    window.wait_until("another order", |window| window.rows()[0].starts_with('b'));
    window.click(Role::Button, "Cancel");
    commands_are(&mut window, 1);
    assert_eq!(window.peer.commands(), [Command::Cancel(2)], "not what stands in its row now");

    // It closes with it.
    window.harness.get_by_role_and_label(Role::ListItem, &row).click_secondary();
    window.harness.step();
    window.harness.step();
    assert!(window.harness.query_by_role_and_label(Role::Button, "Cancel").is_some());
    window.peer.publish(View { transfers: Arc::new(vec![a, c]), ..typical_view() });
    window.wait_until("closed", |window| {
        window.harness.query_by_role_and_label(Role::Button, "Cancel").is_none()
    });
}

#[test]
fn keys_pause_and_cancel_the_selected_download() {
    let mut window = window_with(vec![transfer(1, "a", "running"), transfer(2, "b", "paused")]);
    window.press(egui::Key::Space);
    assert_eq!(window.peer.commands(), [], "none is selected");
    window.press(egui::Key::ArrowDown);
    window.press(egui::Key::Space);
    commands_are(&mut window, 1);
    window.press(egui::Key::ArrowDown);
    window.press(egui::Key::Space);
    commands_are(&mut window, 2);
    window.press(egui::Key::Delete);
    commands_are(&mut window, 3);
    let expected = [
        Command::Transfers(TransferChange::Pause, vec![1]),
        Command::Transfers(TransferChange::Resume, vec![2]),
        Command::Transfers(TransferChange::Cancel, vec![2]),
    ];
    assert_eq!(window.peer.commands(), expected);
}

#[test]
fn the_keyboards_selection_is_brought_into_view_and_nothing_unseen_is_cancelled() {
    let many: Vec<Transfer> = (1..=60).map(|id| transfer(id, &format!("file {id:02}"), "running")).collect();
    let mut window = window_with(many);
    for _ in 0..3 {
        window.press(egui::Key::PageDown);
    }
    window.wait_for("file 21");
    for _ in 0..2 {
        window.press(egui::Key::PageDown);
    }
    window.wait_for("file 41");
    // Scrolled away from it: the key shows it first.
    let center = window.harness.ctx.content_rect().center();
    window.harness.event(egui::Event::PointerMoved(egui::pos2(center.x, 200.0)));
    window.harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: egui::vec2(0.0, 100_000.0),
        phase: egui::TouchPhase::Move,
        modifiers: egui::Modifiers::NONE,
        source: egui::MouseWheelSource::Unknown,
    });
    window.wait_until("the top", |window| window.has("file 01") && window.row_with("file 41").is_empty());
    window.press(egui::Key::Delete);
    window.wait_until("seen", |window| !window.row_with("file 41").is_empty());
    assert_eq!(window.peer.commands(), [], "not yet");
    window.press(egui::Key::Delete);
    commands_are(&mut window, 1);
    assert_eq!(window.peer.commands(), [Command::Transfers(TransferChange::Cancel, vec![41])]);
}

#[test]
fn what_has_no_size_yet_is_not_full() {
    assert!([(0, 0), (0, 9), (7, 0)].into_iter().all(|(done, size)| fraction(done, size).abs() < 1e-6));
    assert!((fraction(9, 9) - 1.0).abs() < 1e-6 && (fraction(1, 4) - 0.25).abs() < 1e-6);
}

#[test]
fn all_are_paused_resumed_and_cleared_where_that_applies() {
    let mut window = window_with(vec![transfer(1, "a", "running"), transfer(2, "b", "finished")]);
    assert!(!window.has("Resume all"));
    window.click(Role::Button, "Pause all");
    commands_are(&mut window, 1);
    window.click(Role::Button, "Clear finished");
    commands_are(&mut window, 2);
    let all = |change| Command::Transfers(change, Vec::new());
    assert_eq!(window.peer.commands(), [all(TransferChange::Pause), all(TransferChange::Clear)]);
}

#[test]
fn a_folder_counts_its_files_and_uploads_have_rows() {
    let folder = FolderProgress {
        peer: peer_id(3),
        folder: "Music".to_owned(),
        files: 10_000,
        done: 312,
        current: None,
    };
    let music = Transfer { folder: Some(folder.clone()), ..transfer(1, "Music", "running") };
    let folder = Some(FolderProgress { current: Some("Live/take 2.flac".to_owned()), ..folder });
    let reason = "nobody_has_it".to_owned();
    let waiting = Transfer { folder, reason, ..transfer(2, "Music", "waiting") };
    let upload = Upload {
        peer: "0".repeat(64),
        peer_name: "peer-2".to_owned(),
        content: "1".repeat(64),
        name: "lecture.pdf".to_owned(),
        size: 2_000_000,
        sent: 1_500_000,
        rate: 38_000_000,
        state: "sending".to_owned(),
    };
    let transfers = Arc::new(vec![Arc::new(music), Arc::new(waiting)]);
    let view = View { transfers, uploads: Arc::new(vec![upload]), ..typical_view() };
    let mut window = Window::open(FakePeer::new(view, Vec::new()));
    window.press_ctrl(egui::Key::Num2);
    let rows = window.rows();
    assert!(rows[0].starts_with("Music: 312 of 10\u{202f}000 files · 25.6 MB of 64.0 MB"), "{}", rows[0]);
    let expected = [
        "Music: 312 of 10\u{202f}000 files · Live/take 2.flac · Nobody has it now; goes on when somebody has",
        "Others download from here",
        "lecture.pdf: To peer-2 · Sending · 1.5 MB of 2.0 MB · 38.0 MB/s",
    ];
    assert_eq!(rows[1..], expected);
}

#[test]
fn the_limits_are_shown_in_both_themes() {
    for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
        let limits = Limits { down: Some(2_000_000), ..Limits::default() };
        let view = View { limits, ..typical_view() };
        let peer = FakePeer::new(view, Vec::new());
        let mut window = Window::open_as(peer, Language::English, theme, [800.0, 600.0]);
        window.press_ctrl(egui::Key::Num2);
        assert!(!window.has("Download limit"));
        window.click(Role::Button, "Limits");
        for words in ["Download limit", "Upload limit", "Downloads at once"] {
            assert!(window.harness.query_all_by_label_contains(words).next().is_some(), "{words}");
        }
    }
}
