//! The activity page: what the person was told and what happened, the connection check, the log, the
//! settings.

use super::super::action::{Action, ActivityAction, Subject, Verb};
use super::super::model::{Model, Note, NoteKind, Section};
use super::super::text::Text;
use super::super::theme;
use super::super::widgets;
use super::{activity_check, activity_log, activity_settings};
use crate::local_time::time_of_day;
use cardume::wire::control::EventRecord;
use eframe::egui;
use egui::{Align, Color32, Layout, RichText, Role, ScrollArea, Ui, WidgetInfo};

/// The most events of the time line that are drawn at once: each row costs layout.
const MAX_DRAWN: usize = 500;
/// The width of the column with the time of day.
const TIME: f32 = 92.0;

/// Draws the activity page.
pub(crate) fn activity_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    ui.horizontal(|ui| {
        widgets::title_ui(ui, text.activity);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            widgets::verb_button(ui, text, Verb::CopyDiagnostics, &mut actions);
        });
    });
    sections_ui(ui, model, text, &mut actions);
    ui.add_space(theme::GRID);
    match model.activity.section {
        Section::Messages => told_ui(ui, model, text),
        Section::Check => activity_check::check_ui(ui, model, text, &mut actions),
        Section::Log => activity_log::log_ui(ui, model, text, &mut actions),
        Section::Settings => activity_settings::settings_ui(ui, model, text, &mut actions),
    }
    actions
}

fn sections_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        for section in Section::ALL {
            let (name, chosen) = ((text.activities.section)(section), model.activity.section == section);
            let tab = ui.selectable_label(chosen, name);
            tab.widget_info(|| WidgetInfo::selected(Role::Tab, true, chosen, name));
            if tab.clicked() {
                actions.push(Action::Activity(ActivityAction::Show(section)));
            }
        }
    });
}

/// What the person was told, and what happened.
fn told_ui(ui: &mut Ui, model: &Model, text: &Text) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        widgets::heading_ui(ui, text.messages);
        messages_ui(ui, model, text);
        ui.add_space(theme::GRID);
        widgets::heading_ui(ui, text.time_line);
        ui.add_space(4.0);
        time_line_ui(ui, model, text);
        ui.add_space(2.0 * theme::GRID);
    });
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
        NoteKind::DownloadsStarted(count) => (text.finding.downloads_started)(*count),
        NoteKind::LinkOpened(name) => (text.browsing.link_opened)(name),
        NoteKind::LinksCopied(count) => (text.finding.links_copied)(*count),
        NoteKind::SelectedFirst(count) => (text.finding.selected_first)(*count),
        NoteKind::NotHashedYet(name) => (text.note_not_hashed)(name),
        NoteKind::SeveralNotHashedYet(count) => (text.finding.several_not_hashed)(*count),
        NoteKind::NoTrackerToCrash => text.no_tracker_to_crash.to_owned(),
        NoteKind::Exported(path) => (text.of_group.exported)(path),
        NoteKind::Copied => text.copied.to_owned(),
        NoteKind::LogCopied => text.activities.log_copied.to_owned(),
        NoteKind::InviteCopied => text.activities.invite_copied.to_owned(),
        NoteKind::LocalInviteCopied => text.activities.local_invite_copied.to_owned(),
        NoteKind::Failed(subject, why) => match subject {
            Subject::Share(path) => (text.note_share_failed)(path, why),
            Subject::Inspect(path) => (text.note_share_failed)(&path.display().to_string(), why),
            Subject::Folder(path) | Subject::Skipped(path) => (text.sharing.failed)(path, why),
            Subject::Unshare(path) => (text.note_unshare_failed)(path, why),
            Subject::Download(name) | Subject::DownloadOfMany(name) => (text.note_start_failed)(name, why),
            Subject::Check => (text.activities.check_failed)(why),
            Subject::Autostart => (text.activities.autostart_failed)(why),
            Subject::Invite => (text.activities.invite_failed)(why),
            // Said beside the setting, and where the folder would be.
            Subject::Rename | Subject::Downloads | Subject::Browse(_) => why.clone(),
            Subject::Cancel => (text.note_cancel_failed)(why),
            Subject::Transfers => (text.moving.failed)(why),
            Subject::CrashTracker | Subject::CrashMe => (text.note_crash_failed)(why),
            Subject::Drill | Subject::Watch | Subject::Hurry => (text.of_group.drill_failed)(why),
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
        "tracker_elected" | "names_reachable" => tokens.ok,
        "tracker_lost" | "timer_expired" | "names_unreachable" | "needless_election" | "drill_started" => {
            tokens.warning
        }
        "two_trackers" | "absurd_epoch" | "two_groups" | "names_refused" | "download_failed" => tokens.error,
        "pre_vote_started" | "election_started" | "vote_given" | "vote_received" | "epoch_adopted"
        | "role_changed" => tokens.info,
        _ => tokens.line,
    }
}

/// A strong label, for overlays.
pub(crate) fn strong_ui(ui: &mut Ui, words: &str) {
    let tokens = theme::tokens(ui);
    ui.label(RichText::new(words).font(theme::strong()).color(tokens.text));
}
