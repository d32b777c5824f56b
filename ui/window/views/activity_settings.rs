//! The settings, and who this peer is.

use super::super::action::{Action, ActivityAction, Purpose, Verb};
use super::super::model::{MAX_PATH, Model};
use super::super::motion::MotionChoice;
use super::super::text::{Language, Text};
use super::super::theme;
use super::super::theme_choice::ThemeChoice;
use super::super::widgets;
use super::transfers;
use cardume::base::PeerName;
use cardume::node::CommandError;
use eframe::egui;
use egui::{Align, Key, ScrollArea, TextEdit, Ui};
use std::path::PathBuf;

/// The width of the settings' names.
const NAMES: f32 = 140.0;
/// The width of a field.
const FIELD: f32 = 300.0;

/// Draws the settings.
pub(crate) fn settings_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        peer_ui(ui, model, text, actions);
        look_ui(ui, model, text, actions);
        ui.add_space(2.0 * theme::GRID);
        widgets::heading_ui(ui, text.moving.limits);
        transfers::limits_ui(ui, model, text, actions);
        ui.add_space(theme::GRID);
        widgets::heading_ui(ui, text.activities.your_group);
        setting_ui(ui, text.activities.invite, |ui| {
            widgets::verb_button(ui, text, Verb::CopyInvite, actions);
        });
        note_ui(ui, text.activities.invite_warning, theme::tokens(ui).weak);
        ui.add_space(2.0 * theme::GRID);
        widgets::heading_ui(ui, text.this_peer);
        facts_ui(ui, model, text);
        ui.add_space(2.0 * theme::GRID);
    });
}

/// A setting's name and what stands beside it.
fn setting_ui(ui: &mut Ui, name: &str, value: impl FnOnce(&mut Ui)) {
    let tokens = theme::tokens(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = theme::CONTROL;
        let rect = widgets::plain_row_ui_of_width(ui, NAMES, theme::CONTROL, name);
        widgets::cell(ui, rect, name, theme::body(), tokens.weak, Align::Min);
        value(ui);
    });
}

/// A sentence under a setting.
fn note_ui(ui: &mut Ui, words: &str, color: egui::Color32) {
    ui.horizontal(|ui| {
        ui.add_space(NAMES + ui.spacing().item_spacing.x);
        ui.vertical(|ui| widgets::colored_ui(ui, words, color));
    });
}

fn peer_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let (form, words) = (&model.activity.form, &text.activities);
    let error = theme::tokens(ui).error;
    setting_ui(ui, words.name, |ui| name_ui(ui, model, text, actions));
    // Why the typed name is not taken, or why the present one is refused.
    let refused = form.name_problem.clone().or_else(|| name_refused(model, text));
    if let Some(why) = refused {
        note_ui(ui, &why, error);
    }
    let known = &*model.view.download_folder;
    let typed = form.downloads.as_deref().unwrap_or(known);
    setting_ui(ui, text.download_folder, |ui| {
        let mut folder = typed.to_owned();
        let field = TextEdit::singleline(&mut folder)
            .char_limit(MAX_PATH)
            .desired_width(FIELD.min(ui.available_width() * 0.5))
            .margin(egui::Margin::symmetric(10, 6));
        let response = ui.add(field).accessible_name(text.download_folder);
        if response.changed() {
            actions.push(Action::Activity(ActivityAction::TypeDownloads(folder)));
        }
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let changed = typed != known;
        if changed && (widgets::button(ui, words.save).clicked() || entered) {
            actions.push(Action::Activity(ActivityAction::SaveDownloads));
        }
        if model.picking == Some(Purpose::Downloads) {
            if widgets::button(ui, text.stop_waiting).clicked() {
                actions.push(Action::StopPicking);
            }
        } else if widgets::button(ui, words.choose).clicked() {
            actions.push(Action::Activity(ActivityAction::PickDownloads));
        }
        if widgets::button(ui, text.open_folder).clicked() {
            actions.push(Action::Open(PathBuf::from(known)));
        }
    });
    if let Some(why) = &form.downloads_problem {
        note_ui(ui, why, error);
    }
    if let Some(mut on) = form.autostart {
        setting_ui(ui, words.start, |ui| {
            if ui.checkbox(&mut on, words.autostart).changed() {
                actions.push(Action::Activity(ActivityAction::Autostart(on)));
            }
        });
    }
}

/// Why the name service does not take the peer's name, if so.
pub(crate) fn name_refused(model: &Model, text: &Text) -> Option<String> {
    let names = &model.view.status.names;
    let refused = names.refused.as_ref()?;
    let error = CommandError::new(names.refused_code.unwrap_or_default(), refused.clone());
    Some((text.refusal)(&error))
}

/// The peer's name, to be changed.
pub(crate) fn name_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let (form, known) = (&model.activity.form, &model.view.status.name);
    let typed = form.name.as_ref().unwrap_or(known);
    let mut name = typed.clone();
    let field = TextEdit::singleline(&mut name)
        .char_limit(PeerName::MAX_BYTES)
        .desired_width(FIELD.min(ui.available_width() * 0.5))
        .margin(egui::Margin::symmetric(10, 6));
    let response = ui.add(field).accessible_name(text.activities.name);
    if response.changed() {
        actions.push(Action::Activity(ActivityAction::TypeName(name)));
    }
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    let changed = typed.trim() != known && !form.renaming;
    if changed && (widgets::button(ui, text.activities.save).clicked() || entered) {
        actions.push(Action::Activity(ActivityAction::SaveName));
    }
}

fn look_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    setting_ui(ui, text.language, |ui| {
        for language in Language::ALL {
            if ui.selectable_label(model.language == language, language.own_name()).clicked() {
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
    setting_ui(ui, text.activities.reduce_motion, |ui| {
        for choice in MotionChoice::ALL {
            let name = match choice {
                MotionChoice::System => text.theme_system,
                MotionChoice::Reduced => text.activities.on,
                MotionChoice::Full => text.activities.off,
            };
            let label = ui.selectable_label(model.motion == choice, name);
            // Not to be taken for the same words beside another setting.
            let whole = format!("{}: {name}", text.activities.reduce_motion);
            if label.accessible_name(whole).clicked() {
                actions.push(Action::Motion(choice));
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
    ];
    ui.spacing_mut().item_spacing.y = 2.0;
    for (name, value) in facts {
        setting_ui(ui, name, |ui| {
            ui.add(egui::Label::new(value).truncate().selectable(true));
        });
    }
}
