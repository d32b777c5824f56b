//! The activity page with its parts, the first start, and the question before closing.

use super::super::action::{Action, ActivityAction, News, Page, Purpose, Subject, Verb};
use super::super::desk::Order;
use super::super::fixtures::{FakePeer, check_report, event, results, transfer, typical_view};
use super::super::log::{Level, LogLine};
use super::super::model::{Model, NoteKind, Section, TOAST, Welcome};
use super::super::reduce::{Effect, reduce};
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use super::Window;
use cardume::node::config::Invite;
use cardume::node::{Command, CommandError, FINDINGS, Reply, View};
use cardume::wire::check::Verdict;
use cardume::wire::codes::Code;
use cardume::wire::control::Status;
use eframe::egui;
use egui::Role;
use egui_kittest::kittest::Queryable as _;
use std::path::PathBuf;
use std::sync::Arc;

fn model() -> Model {
    Model::new(Arc::new(typical_view()), Language::English, ThemeChoice::Dark)
}

fn activity(action: ActivityAction) -> Action {
    Action::Activity(action)
}

fn line(number: u64, level: Level, text: &str) -> LogLine {
    LogLine { number, unix_millis: 3_661_007, level, part: "node::check".to_owned(), text: text.to_owned() }
}

fn lines() -> Vec<LogLine> {
    vec![
        line(1, Level::Info, "started the name service"),
        line(2, Level::Debug, "linked"),
        line(3, Level::Warning, "the disk is slow"),
        line(4, Level::Error, "the name service is gone"),
    ]
}

/// The texts of the lines on screen.
fn shown(model: &Model) -> Vec<&str> {
    let log = &model.activity.log;
    log.shown.iter().map(|at| log.lines[*at].text.as_str()).collect()
}

#[test]
fn the_log_is_filtered_by_level_and_words_and_can_be_held() {
    let mut model = model();
    reduce(&mut model, activity(ActivityAction::Log(lines())));
    let usual = ["started the name service", "the disk is slow", "the name service is gone"];
    assert_eq!(shown(&model), usual, "details are not shown at first");
    reduce(&mut model, activity(ActivityAction::ToggleLevel(Level::Debug)));
    reduce(&mut model, activity(ActivityAction::ToggleLevel(Level::Info)));
    assert_eq!(shown(&model), ["linked", "the disk is slow", "the name service is gone"]);
    reduce(&mut model, activity(ActivityAction::Filter(" NAME service ".to_owned())));
    assert_eq!(shown(&model), ["the name service is gone"]);
    reduce(&mut model, activity(ActivityAction::Filter("check".to_owned())));
    assert_eq!(shown(&model).len(), 3, "the part of the program counts too");
    reduce(&mut model, activity(ActivityAction::TogglePause));
    reduce(&mut model, activity(ActivityAction::Log(vec![line(5, Level::Error, "later")])));
    assert_eq!(shown(&model).len(), 3, "held");
    reduce(&mut model, activity(ActivityAction::TogglePause));
    assert_eq!(shown(&model).last(), Some(&"later"));
    let effects = reduce(&mut model, activity(ActivityAction::CopyLog));
    let Some(Effect::Copy(text)) = effects.first() else { panic!("nothing is copied: {effects:?}") };
    assert!(text.starts_with("01:01:01.007 Debug node::check: linked\n"), "{text}");
}

#[test]
fn the_log_keeps_a_limited_number_of_lines() {
    let mut model = model();
    for number in 0..60 {
        let many = (0..100).map(|at| line(number * 100 + at, Level::Info, "x")).collect();
        reduce(&mut model, activity(ActivityAction::Log(many)));
    }
    assert_eq!(model.activity.log.lines.len(), super::super::log::MAX_LINES);
    assert_eq!(model.activity.log.lines[0].number, 1_000);
}

#[test]
fn the_check_is_made_by_the_button_and_names_what_fails_first() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.press_ctrl(egui::Key::Num5);
    window.click(Role::Tab, "Connection check");
    window.click(Role::Button, "Check connections");
    window.wait_for("1 failed, 1 to look at, 2 passed");
    assert_eq!(window.peer.commands(), [Command::Check]);
    let rows: Vec<String> = window.rows().into_iter().filter(|row| row.contains(": ")).collect();
    assert_eq!(rows[0], "failed: peer-5: no connection from here to there: refused");
    assert!(rows[1].starts_with("look at this: Others see this peer at 192.0.2.7"), "{rows:?}");
    assert!(window.has("Check that peer-5 runs"), "the way to mend it");
}

#[test]
fn every_finding_has_a_sentence_in_both_languages_and_every_bad_one_an_advice() {
    let text = Language::Portuguese.text();
    for test in check_report(FINDINGS).tests {
        let sentence = (text.activities.message)(&test);
        assert!(!sentence.is_empty() && sentence != test.message, "{}: {}", test.test, test.finding);
        let is_bad = matches!(test.verdict, Verdict::Warning | Verdict::Failed);
        let advice = (text.activities.advice)(&test);
        assert_eq!(!advice.is_empty(), is_bad, "{}: {}", test.test, test.finding);
        assert!(!is_bad || advice != test.advice, "{}: {}", test.test, test.finding);
    }
}

#[test]
fn a_check_that_fails_can_be_made_again() {
    let mut model = model();
    let check = [Effect::Command(Subject::Check, Command::Check)];
    assert_eq!(reduce(&mut model, Action::Do(Verb::Check)), check);
    assert_eq!((model.page, model.activity.section), (Page::Activity, Section::Check));
    assert_eq!(reduce(&mut model, Action::Do(Verb::Check)), [], "one at a time");
    let error = CommandError::new(Code::Internal as i32, "stopped".to_owned());
    let answer = Action::Answered { subject: Subject::Check, answer: Err(error), at_unix_millis: 0 };
    reduce(&mut model, answer);
    assert_eq!(model.notes[0].what, NoteKind::Failed(Subject::Check, "stopped".to_owned()));
    assert_eq!(reduce(&mut model, Action::Do(Verb::Check)), check);
}

#[test]
fn the_name_is_changed_and_a_refusal_is_said_beside_it() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.press_ctrl(egui::Key::Num5);
    window.click(Role::Tab, "Settings");
    window.harness.get_by_role_and_label(Role::TextInput, "Name").focus();
    window.harness.step();
    window.type_text("taken");
    window.press(egui::Key::Enter);
    window.wait_for("The name belongs to another peer");
    window.harness.get_by_role_and_label(Role::TextInput, "Name").focus();
    window.harness.step();
    window.type_text("2");
    window.wait_until("typing begins anew", |window| !window.has("The name belongs to another peer"));
    window.click(Role::Button, "Save");
    window.wait_until("the commands", |window| window.peer.commands().len() == 2);
    assert!(matches!(&window.peer.commands()[1], Command::Rename(name) if name.contains("taken")));
}

#[test]
fn the_settings_of_folder_and_start_become_commands() {
    let mut model = model();
    model.home = Some(PathBuf::from("/srv/me"));
    assert_eq!(reduce(&mut model, activity(ActivityAction::SaveDownloads)), [], "nothing was typed");
    reduce(&mut model, activity(ActivityAction::TypeDownloads("~/Incoming".to_owned())));
    let folder = Command::SetDownloadFolder(PathBuf::from("/srv/me/Incoming"));
    let effects = reduce(&mut model, activity(ActivityAction::SaveDownloads));
    assert_eq!(effects, [Effect::Command(Subject::Downloads, folder)]);
    let error = CommandError::new(Code::BadParameter as i32, "read-only".to_owned());
    let failed = Action::Answered { subject: Subject::Downloads, answer: Err(error), at_unix_millis: 0 };
    assert_eq!(reduce(&mut model, failed), []);
    assert_eq!(model.activity.form.downloads_problem.as_deref(), Some("read-only"));
    let done = Action::Answered { subject: Subject::Downloads, answer: Ok(Reply::Done), at_unix_millis: 0 };
    reduce(&mut model, done);
    assert_eq!((&model.activity.form.downloads, &model.activity.form.downloads_problem), (&None, &None));
    assert_eq!(
        reduce(&mut model, activity(ActivityAction::PickDownloads)),
        [Effect::PickFolder(Purpose::Downloads)]
    );

    let show = reduce(&mut model, activity(ActivityAction::Show(Section::Settings)));
    assert_eq!(show, [Effect::Desk(Order::LookAtAutostart)]);
    assert_eq!(model.activity.form.autostart, None, "not offered where systems do not have it");
    reduce(&mut model, activity(ActivityAction::News(News::Autostart(Ok(Some(false))))));
    assert_eq!(model.activity.form.autostart, Some(false));
    let on = reduce(&mut model, activity(ActivityAction::Autostart(true)));
    assert_eq!(on, [Effect::Desk(Order::Autostart(true))]);
}

#[test]
fn an_invite_is_copied_with_a_warning_and_never_kept() {
    let mut model = model();
    assert_eq!(reduce(&mut model, Action::Do(Verb::CopyInvite)), [Effect::Desk(Order::Invite)]);
    let link = "cardume:join?key=secret&names=192.0.2.7:7734".to_owned();
    let news = activity(ActivityAction::News(News::Invite(Ok(link.clone()))));
    assert_eq!(reduce(&mut model, news), [Effect::Copy(link), Effect::WakeAfter(TOAST)]);
    assert!(!format!("{model:?}").contains("secret"));
    let invite = |address: &str| {
        let usual = "cardume:join?key=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc&names=192.0.2.7:7734";
        let usual: Invite = usual.parse().expect("an invite");
        Invite { names: vec![address.parse().expect("an address")], ..usual }.to_string()
    };
    for (address, what) in [
        ("127.0.0.1:7734", NoteKind::LocalInviteCopied),
        ("[::1]:7734", NoteKind::LocalInviteCopied),
        ("192.0.2.7:7734", NoteKind::InviteCopied),
    ] {
        reduce(&mut model, activity(ActivityAction::News(News::Invite(Ok(invite(address))))));
        assert_eq!(model.notes.back().map(|note| &note.what), Some(&what), "{address}");
    }
    for language in Language::ALL {
        let text = language.text();
        assert!(text.activities.invite_copied.contains("memb"), "{language:?} warns");
    }
}

#[test]
fn diagnostics_hold_no_key_no_invite_and_no_folder() {
    let key = "5ec2e7".repeat(11)[..64].to_owned();
    let link = "cardume:join?key=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc&names=192.0.2.7:7734";
    let mut view = typical_view();
    let mut status = Status::clone(&view.status);
    status.notice = format!("odd: {key}");
    view.status = Arc::new(status);
    let mut events = view.events.to_vec();
    events.push(event(9, "names_refused", None, "", link));
    events.push(event(10, "share_added", None, "", "/srv/a private place"));
    view.events = Arc::new(events);
    let mut model = Model::new(Arc::new(view), Language::English, ThemeChoice::Dark);
    let told = vec![line(1, Level::Warning, &format!("{link} and {key}")), line(2, Level::Debug, "a detail")];
    reduce(&mut model, activity(ActivityAction::Log(told)));
    model.activity.check.report = Some(check_report(&FINDINGS[..3]));
    let effects = reduce(&mut model, Action::Do(Verb::CopyDiagnostics));
    let Some(Effect::Copy(text)) = effects.first() else { panic!("nothing is copied: {effects:?}") };
    for secret in [key.as_str(), "BwcHBw", "cardume:join", "private place", "/srv/music", "a detail"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    for wanted in
        [model.view.status.peer_id.as_str(), "[removed]", "\"finding\": \"silent\"", "heartbeats_received"]
    {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    serde_json::from_str::<serde_json::Value>(text).expect("still JSON");
}

#[test]
fn closing_while_downloads_run_asks_first() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    let shell = window.harness.state_mut().as_mut().expect("an open window");
    assert_eq!(reduce(&mut shell.model, Action::CloseRequested), []);
    window.wait_for("2 downloads are running");
    assert!(window.has("They go on at the next start"));
    window.click(Role::Button, "Stay");
    assert!(!window.has("2 downloads are running"));

    let mut model = model();
    assert_eq!(reduce(&mut model, Action::CloseRequested), []);
    assert_eq!(reduce(&mut model, Action::Do(Verb::Escape)), []);
    assert!(!model.asks_to_close);
    reduce(&mut model, Action::CloseRequested);
    assert_eq!(reduce(&mut model, Action::CloseRequested), [Effect::StopPeer], "who asks twice means it");
    let mut model = self::model();
    reduce(&mut model, Action::CloseRequested);
    assert_eq!(reduce(&mut model, activity(ActivityAction::CloseAnyway)), [Effect::StopPeer]);
    let mut model = self::model();
    let ended = View { transfers: Arc::new(vec![Arc::new(transfer(1, "a", "finished"))]), ..typical_view() };
    model.view = Arc::new(ended);
    assert_eq!(reduce(&mut model, Action::CloseRequested), [Effect::StopPeer], "nothing runs");
}

/// A window that starts for the first time.
fn first_start(language: Language, size: [f32; 2]) -> Window {
    let view = View { shares: Arc::default(), ..typical_view() };
    let mut window = Window::open_as(FakePeer::new(view, results()), language, ThemeChoice::Light, size);
    window.harness.state_mut().as_mut().expect("an open window").model.welcome = Some(Welcome::default());
    window.harness.step();
    window.harness.step();
    window
}

#[test]
fn the_first_start_is_one_page_until_something_is_shared_or_it_is_dismissed() {
    for (language, size) in [(Language::English, [1_280.0, 800.0]), (Language::Portuguese, [800.0, 600.0])] {
        let text = language.text();
        let mut window = first_start(language, size);
        window.wait_for(text.activities.welcome);
        for button in [text.share_a_folder, text.activities.copy_invite, text.activities.later] {
            window.harness.get_by_role_and_label(Role::Button, button);
        }
        window.click(Role::Button, text.activities.later);
        assert!(!window.has(text.activities.welcome));
    }
    let mut window = first_start(Language::English, [1_280.0, 800.0]);
    window.wait_for("Welcome to Cardume");
    window.peer.publish(typical_view());
    window.wait_until("it goes by itself", |window| !window.has("Welcome to Cardume"));
    let mut window = first_start(Language::English, [1_280.0, 800.0]);
    window.type_text("slides");
    window.wait_for("slides.pdf, 21.3 MB, 2 sources");
    window.press(egui::Key::Escape);
    window.wait_for("Welcome to Cardume");
    window.press(egui::Key::Escape);
    assert!(!window.has("Welcome to Cardume"), "Escape leaves the search first, then the welcome");
}

#[test]
fn an_invite_is_pasted_and_the_peer_stops_to_join_only_if_it_may() {
    let mut model = model();
    model.welcome = Some(Welcome::default());
    assert_eq!(reduce(&mut model, activity(ActivityAction::Join)), [], "nothing was pasted");
    let link = " cardume:join?key=x&names=192.0.2.7:1 ".to_owned();
    reduce(&mut model, activity(ActivityAction::TypeLink(link.clone())));
    let order = Effect::Desk(Order::Join(link.trim().to_owned()));
    assert_eq!(reduce(&mut model, activity(ActivityAction::Join)), [order]);
    assert_eq!(reduce(&mut model, activity(ActivityAction::Join)), [], "once");
    let refused = News::MayJoin(Err("the key in the invite is damaged".to_owned()));
    assert_eq!(reduce(&mut model, activity(ActivityAction::News(refused))), []);
    let problem = model.welcome.as_ref().and_then(|welcome| welcome.problem.clone());
    assert_eq!(problem.as_deref(), Some("the key in the invite is damaged"));
    reduce(&mut model, activity(ActivityAction::TypeLink(link)));
    reduce(&mut model, activity(ActivityAction::Join));
    let may = activity(ActivityAction::News(News::MayJoin(Ok(()))));
    assert_eq!(reduce(&mut model, may), [Effect::StopPeer]);
}

#[test]
fn every_part_of_the_page_draws_in_both_languages_and_themes() {
    for language in Language::ALL {
        for (theme, size) in [(ThemeChoice::Light, [800.0, 600.0]), (ThemeChoice::Dark, [1_280.0, 800.0])] {
            let mut window =
                Window::open_as(FakePeer::new(typical_view(), Vec::new()), language, theme, size);
            let model = &mut window.harness.state_mut().as_mut().expect("an open window").model;
            model.activity.check.report = Some(check_report(FINDINGS));
            model.activity.form.autostart = Some(true);
            reduce(model, activity(ActivityAction::Log(lines())));
            window.press_ctrl(egui::Key::Num5);
            for section in Section::ALL {
                window.click(Role::Tab, (language.text().activities.section)(section));
            }
            window.harness.get_by_role_and_label(Role::CheckBox, language.text().activities.autostart);
        }
    }
}
