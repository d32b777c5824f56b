//! What lies over the pages: messages, the palette, the list of shortcuts, the drop target, the farewell.

use super::super::action::{Action, Verb};
use super::super::model::Model;
use super::super::text::Text;
use super::super::theme;
use super::super::widgets;
use super::activity::strong_ui;
use super::{leaving, library_warning, messages, palette, search};
use eframe::egui;
use egui::{Id, Modal, ScrollArea, Ui};

/// What a dialog has besides its list, and the least space around it.
const ROOM: f32 = 180.0;

/// Draws what lies over the pages.
pub(crate) fn overlays_ui(ui: &Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    messages::toasts_ui(ui, model, text, &mut actions);
    messages::list_ui(ui, model, text, &mut actions);
    if model.help {
        shortcuts_ui(ui, text, &mut actions);
    }
    search::dialogs_ui(ui, model, text, &mut actions);
    library_warning::warning_ui(ui, model, text, &mut actions);
    leaving::leaving_ui(ui, model, text, &mut actions);
    palette::palette_ui(ui, model, text, &mut actions);
    if model.closing {
        sheet_ui(ui, "closing", text.closing, text.close_hint);
    } else if ui.input(|input| !input.raw.hovered_files.is_empty()) {
        sheet_ui(ui, "drop", text.drop_here, text.no_shares_hint);
    }
    actions
}

fn shortcuts_ui(ui: &Ui, text: &Text, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let modal = Modal::new(Id::unique("shortcuts")).frame(theme::floating_frame(tokens));
    let response = modal.show(ui.ctx(), |ui| {
        ui.set_width(theme::DIALOG);
        widgets::title_ui(ui, text.shortcuts);
        let height = (ui.ctx().content_rect().height() - ROOM).max(theme::ROW);
        ScrollArea::vertical()
            .max_height(height)
            .min_scrolled_height(height)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                for verb in Verb::ALL {
                    shortcut_ui(ui, text, *verb);
                }
            });
        ui.add_space(theme::GRID);
        if widgets::primary_button(ui, text.dismiss).clicked() {
            actions.push(Action::Do(Verb::Escape));
        }
    });
    if response.backdrop_response.clicked() {
        actions.push(Action::Do(Verb::Escape));
    }
}

fn shortcut_ui(ui: &mut Ui, text: &Text, verb: Verb) {
    let keys: Vec<String> = verb.keys().iter().map(|shortcut| ui.ctx().format_shortcut(shortcut)).collect();
    if keys.is_empty() {
        return;
    }
    let tokens = theme::tokens(ui);
    let keys = keys.join("  /  ");
    let row = widgets::plain_row_ui(ui, theme::FACT, &format!("{}: {keys}", verb.label(text)));
    widgets::cell(ui, row, verb.label(text), theme::body(), tokens.text, egui::Align::Min);
    widgets::cell(ui, row, &keys, theme::small(), tokens.weak, egui::Align::Max);
}

fn sheet_ui(ui: &Ui, id: &str, title: &str, hint: &str) {
    let tokens = theme::tokens(ui);
    Modal::new(Id::unique(id)).frame(theme::floating_frame(tokens)).show(ui.ctx(), |ui| {
        ui.set_width(theme::DIALOG * 0.8);
        strong_ui(ui, title);
        widgets::weak_ui(ui, hint);
    });
}
