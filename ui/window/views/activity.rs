//! The activity page: settings, what the person was told, what happened, diagnostics.

use super::super::action::{Action, Subject, Verb};
use super::super::model::{Model, Note, NoteKind};
use super::super::text::{Language, Text};
use super::super::theme;
use super::super::theme_choice::ThemeChoice;
use super::super::widgets;
use cardume::wire::control::EventRecord;
use eframe::egui;
use egui::{Align, Color32, RichText, ScrollArea, Ui};

/// The most events of the time line that are drawn at once: each row costs layout.
const MAX_DRAWN: usize = 500;
/// The width of the column with the time of day.
const TIME: f32 = 92.0;
/// The width of the settings' names.
const NAMES: f32 = 140.0;

/// Draws the activity page.
pub(crate) fn activity_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    widgets::title_ui(ui, text.activity);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        widgets::heading_ui(ui, text.settings);
        settings_ui(ui, model, text, &mut actions);
        ui.add_space(theme::GRID);
        widgets::heading_ui(ui, text.this_peer);
        facts_ui(ui, model, text);
        widgets::verb_button(ui, text, Verb::CopyDiagnostics, &mut actions);
        ui.add_space(theme::GRID);
        widgets::heading_ui(ui, text.messages);
        messages_ui(ui, model, text);
        ui.add_space(theme::GRID);
        widgets::heading_ui(ui, text.time_line);
        ui.add_space(4.0);
        time_line_ui(ui, model, text);
        ui.add_space(2.0 * theme::GRID);
    });
    actions
}

fn setting_ui(ui: &mut Ui, name: &str, value: impl FnOnce(&mut Ui)) {
    let tokens = theme::tokens(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = theme::FACT;
        let rect = widgets::plain_row_ui_of_width(ui, NAMES, theme::FACT, name);
        widgets::cell(ui, rect, name, theme::body(), tokens.weak, Align::Min);
        value(ui);
    });
}

fn settings_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.y = 4.0;
    setting_ui(ui, text.language, |ui| {
        for language in Language::ALL {
            let chosen = model.language == language;
            if ui.selectable_label(chosen, language.own_name()).clicked() {
                actions.push(Action::Language(language));
            }
        }
    });
    setting_ui(ui, text.theme, |ui| {
        let themes = [
            (ThemeChoice::System, text.theme_system),
            (ThemeChoice::Light, text.theme_light),
            (ThemeChoice::Dark, text.theme_dark),
        ];
        for (choice, name) in themes {
            if ui.selectable_label(model.theme == choice, name).clicked() {
                actions.push(Action::Theme(choice));
            }
        }
    });
}

fn facts_ui(ui: &mut Ui, model: &Model, text: &Text) {
    let status = &model.view.status;
    let process = status.pid.to_string();
    let facts = [
        (text.profile, status.profile.as_str()),
        (text.process, process.as_str()),
        (text.peer_id, status.peer_id.as_str()),
        (text.name_service_address, status.names.uri.as_str()),
        (text.download_folder, &*model.view.download_folder),
    ];
    for (name, value) in facts {
        setting_ui(ui, name, |ui| {
            ui.add(egui::Label::new(value).truncate().selectable(true));
        });
    }
}

fn messages_ui(ui: &mut Ui, model: &Model, text: &Text) {
    if model.notes.is_empty() {
        widgets::weak_ui(ui, text.no_messages);
    }
    let tokens = theme::tokens(ui);
    for note in model.notes.iter().rev() {
        let color = if note.what.is_bad() { tokens.error } else { tokens.text };
        widgets::colored_ui(ui, &note_sentence(text, note), color);
    }
}

/// What a note says.
pub(crate) fn note_sentence(text: &Text, note: &Note) -> String {
    match &note.what {
        NoteKind::Downloaded(name, _) => (text.note_downloaded)(name),
        NoteKind::DownloadFailed(name, why) => (text.note_download_failed)(name, why),
        NoteKind::DownloadStarted(name) => (text.note_download_started)(name),
        NoteKind::NotHashedYet(name) => (text.note_not_hashed)(name),
        NoteKind::NoTrackerToCrash => text.no_tracker_to_crash.to_owned(),
        NoteKind::Exported(path) => (text.of_group.exported)(path),
        NoteKind::Copied => text.copied.to_owned(),
        NoteKind::Failed(subject, why) => match subject {
            Subject::Share(path) => (text.note_share_failed)(path, why),
            Subject::Inspect(path) => (text.note_share_failed)(&path.display().to_string(), why),
            Subject::Folder(path) | Subject::Skipped(path) => (text.sharing.failed)(path, why),
            Subject::Unshare(path) => (text.note_unshare_failed)(path, why),
            Subject::Download(name) => (text.note_start_failed)(name, why),
            Subject::Cancel => (text.note_cancel_failed)(why),
            Subject::Transfers => (text.moving.failed)(why),
            Subject::CrashTracker | Subject::CrashMe => (text.note_crash_failed)(why),
            Subject::Drill | Subject::Watch => (text.of_group.drill_failed)(why),
            Subject::Export(path) => (text.of_group.export_failed)(path, why),
            Subject::Open(path) => (text.note_open_failed)(path, why),
        },
    }
}

/// The events in sentences, the newest first.
pub(crate) fn time_line_ui(ui: &mut Ui, model: &Model, text: &Text) {
    let events = &model.view.events;
    if events.is_empty() {
        widgets::weak_ui(ui, text.no_events);
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    for event in events.iter().rev().take(MAX_DRAWN) {
        event_ui(ui, text, event);
    }
}

fn event_ui(ui: &mut Ui, text: &Text, event: &EventRecord) {
    let tokens = theme::tokens(ui);
    let sentence = (text.event)(event);
    let row = widgets::plain_row_ui(ui, 22.0, &sentence);
    if !ui.is_rect_visible(row) {
        return;
    }
    let time = widgets::span(row, row.left(), row.left() + TIME);
    widgets::cell(ui, time, &time_of_day(event.unix_millis), theme::small(), tokens.weak, Align::Min);
    let dot = egui::pos2(row.left() + TIME + 4.0, row.center().y);
    ui.painter().circle_filled(dot, 3.0, event_color(ui, &event.kind));
    let words = widgets::span(row, row.left() + TIME + 16.0, row.right());
    widgets::cell(ui, words, &sentence, theme::body(), tokens.text, Align::Min);
}

pub(super) fn event_color(ui: &Ui, kind: &str) -> Color32 {
    let tokens = theme::tokens(ui);
    match kind {
        "tracker_elected" | "download_finished" | "names_reachable" => tokens.ok,
        "tracker_lost" | "timer_expired" | "names_unreachable" | "needless_election" | "drill_started" => {
            tokens.warning
        }
        "two_trackers" | "absurd_epoch" | "two_groups" | "names_refused" | "download_failed" => tokens.error,
        "pre_vote_started" | "election_started" | "vote_given" | "vote_received" | "epoch_adopted"
        | "role_changed" => tokens.info,
        _ => tokens.line,
    }
}

/// The time of day of an event, to the millisecond: elections are faster than a second. In UTC, as in
/// the logs, so that five windows side by side tell one story.
pub(super) fn time_of_day(unix_millis: u64) -> String {
    let millis = unix_millis % 86_400_000;
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A strong label, for overlays.
pub(crate) fn strong_ui(ui: &mut Ui, words: &str) {
    let tokens = theme::tokens(ui);
    ui.label(RichText::new(words).font(theme::strong()).color(tokens.text));
}
