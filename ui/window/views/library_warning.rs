//! The question before a folder is shared that a person may not mean to share.

use super::super::action::{Action, LibraryAction};
use super::super::model::{Model, Warning};
use super::super::text::{Counted, Text};
use super::super::theme;
use super::super::widgets;
use eframe::egui;
use egui::{Align, Id, Modal, RichText, Ui};

/// Asks about the first folder that waits for an answer.
pub(crate) fn warning_ui(ui: &Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let Some(warning) = model.library.warnings.front() else { return };
    let tokens = theme::tokens(ui);
    let modal = Modal::new(Id::unique("share_warning")).frame(theme::floating_frame(tokens));
    let response = modal.show(ui.ctx(), |ui| {
        ui.set_width(theme::DIALOG);
        widgets::title_ui(ui, text.sharing.ask);
        found_ui(ui, text, warning);
        ui.add_space(theme::GRID);
        ui.horizontal_wrapped(|ui| {
            let mut button = |response: egui::Response, action: LibraryAction| {
                if response.clicked() {
                    actions.push(Action::Library(action));
                }
            };
            button(widgets::primary_button(ui, text.sharing.choose_another), LibraryAction::ChooseAnother);
            button(widgets::button(ui, text.sharing.share_all_the_same), LibraryAction::ShareAllTheSame);
            button(widgets::button(ui, text.cancel), LibraryAction::DropWarning);
        });
    });
    if response.backdrop_response.clicked() {
        actions.push(Action::Library(LibraryAction::DropWarning));
    }
}

fn found_ui(ui: &mut Ui, text: &Text, warning: &Warning) {
    let tokens = theme::tokens(ui);
    let found = &warning.found;
    ui.spacing_mut().item_spacing.y = 4.0;
    let path = RichText::new(&found.path).font(theme::strong()).color(tokens.text);
    ui.add(egui::Label::new(path).truncate());
    widgets::colored_ui(ui, (text.sharing.place)(&found.place), tokens.warning);
    let counted = Counted::of(found.whole);
    widgets::weak_ui(ui, &(text.sharing.count)(found.files, &text.bytes(found.bytes), counted));
    ui.spacing_mut().item_spacing.y = 0.0;
    for finding in &found.findings {
        let (why, color) = match (finding.kind.as_str(), finding.shared) {
            (_, true) => (text.sharing.key_shared, tokens.error),
            ("key", false) => (text.sharing.key_safe, tokens.text),
            _ => (text.sharing.hidden_safe, tokens.weak),
        };
        let row = widgets::plain_row_ui(ui, theme::FACT, &format!("{}: {why}", finding.name));
        let middle = row.left() + row.width() * 0.45;
        let name = widgets::span(row, row.left() + 8.0, middle - 8.0);
        widgets::cell(ui, name, &finding.name, theme::body(), tokens.text, Align::Min);
        widgets::cell(ui, widgets::span(row, middle, row.right()), why, theme::small(), color, Align::Min);
    }
    ui.spacing_mut().item_spacing.y = 4.0;
    if found.hidden > 0 {
        widgets::weak_ui(ui, &(text.sharing.hidden)(found.hidden));
    }
}
