//! What lies over the pages: toasts, the list of shortcuts, the drop target, the farewell.

use super::super::action::{Action, Verb};
use super::super::model::{Model, Note, NoteKind};
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use super::activity::{note_sentence, strong_ui};
use super::{leaving, library_warning};
use eframe::egui;
use egui::{Align2, Area, Id, Label, Modal, Order, RichText, Role, Sense, Ui, WidgetInfo, vec2};
use std::path::{Path, PathBuf};

/// The most toasts at once: more would cover the page.
const MAX_TOASTS: usize = 4;

/// Draws what lies over the pages.
pub(crate) fn overlays_ui(ui: &Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    toasts_ui(ui, model, text, &mut actions);
    if model.help {
        shortcuts_ui(ui, text, &mut actions);
    }
    library_warning::warning_ui(ui, model, text, &mut actions);
    leaving::leaving_ui(ui, model, text, &mut actions);
    if model.closing {
        sheet_ui(ui, "closing", text.closing, text.close_hint);
    } else if ui.input(|input| !input.raw.hovered_files.is_empty()) {
        sheet_ui(ui, "drop", text.drop_here, text.no_shares_hint);
    }
    actions
}

fn toasts_ui(ui: &Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let toasts: Vec<&Note> = model.toasts().collect();
    if toasts.is_empty() {
        return;
    }
    let tokens = theme::tokens(ui);
    let offset = vec2(-2.0 * theme::GRID, -theme::STATUS_BAR - theme::GRID);
    Area::new(Id::unique("toasts")).order(Order::Foreground).anchor(Align2::RIGHT_BOTTOM, offset).show(
        ui.ctx(),
        |ui| {
            for note in toasts.iter().rev().take(MAX_TOASTS).rev() {
                theme::floating_frame(tokens).show(ui, |ui| {
                    ui.set_width(theme::DIALOG * 0.8);
                    toast_ui(ui, text, note, actions);
                });
            }
        },
    );
}

fn toast_ui(ui: &mut Ui, text: &Text, note: &Note, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let sentence = note_sentence(text, note);
    let color = if note.what.is_bad() { tokens.error } else { tokens.text };
    let icon = match &note.what {
        NoteKind::Downloaded(name, _) | NoteKind::DownloadStarted(name) => Icon::of_file(name),
        what if what.is_bad() => Icon::Warning,
        _ => Icon::Info,
    };
    let label = ui
        .horizontal_top(|ui| {
            let (place, _) = ui.allocate_exact_size(vec2(theme::ICON, theme::ICON), Sense::hover());
            icon.paint(ui, place, color);
            ui.add(Label::new(RichText::new(&sentence).color(color)).wrap())
        })
        .inner;
    label.widget_info(|| WidgetInfo::labeled(Role::Status, true, &sentence));
    if let NoteKind::Downloaded(_, Some(path)) = &note.what
        && widgets::button(ui, text.open_folder).clicked()
    {
        let folder = Path::new(path).parent().map_or_else(|| PathBuf::from(path), Path::to_owned);
        actions.push(Action::Open(folder));
    }
}

fn shortcuts_ui(ui: &Ui, text: &Text, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let modal = Modal::new(Id::unique("shortcuts")).frame(theme::floating_frame(tokens));
    let response = modal.show(ui.ctx(), |ui| {
        ui.set_width(theme::DIALOG);
        widgets::title_ui(ui, text.shortcuts);
        for verb in Verb::ALL {
            let keys: Vec<String> =
                verb.keys().iter().map(|shortcut| ui.ctx().format_shortcut(shortcut)).collect();
            if keys.is_empty() {
                continue;
            }
            let keys = keys.join("  /  ");
            let label = format!("{}: {keys}", verb.label(text));
            let row = widgets::plain_row_ui(ui, 24.0, &label);
            widgets::cell(ui, row, verb.label(text), theme::body(), tokens.text, egui::Align::Min);
            widgets::cell(ui, row, &keys, theme::small(), tokens.weak, egui::Align::Max);
        }
        ui.add_space(theme::GRID);
        if widgets::primary_button(ui, text.dismiss).clicked() {
            actions.push(Action::Do(Verb::Escape));
        }
    });
    if response.backdrop_response.clicked() {
        actions.push(Action::Do(Verb::Escape));
    }
}

fn sheet_ui(ui: &Ui, id: &str, title: &str, hint: &str) {
    let tokens = theme::tokens(ui);
    Modal::new(Id::unique(id)).frame(theme::floating_frame(tokens)).show(ui.ctx(), |ui| {
        ui.set_width(theme::DIALOG * 0.8);
        strong_ui(ui, title);
        widgets::weak_ui(ui, hint);
    });
}
