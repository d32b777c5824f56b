//! The question before a window is closed whose downloads run.

use super::super::action::{Action, ActivityAction};
use super::super::model::Model;
use super::super::reduce::running_downloads;
use super::super::text::Text;
use super::super::theme;
use super::super::widgets;
use eframe::egui;
use egui::{Id, Modal, Ui};

/// Asks whether to close all the same.
pub(crate) fn leaving_ui(ui: &Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    if !model.asks_to_close || model.closing {
        return;
    }
    let tokens = theme::tokens(ui);
    let modal = Modal::new(Id::unique("leaving")).frame(theme::floating_frame(tokens));
    let response = modal.show(ui.ctx(), |ui| {
        ui.set_width(theme::DIALOG * 0.8);
        let running = running_downloads(model);
        widgets::title_ui(ui, &(text.activities.still_running)(running));
        if running > 0 {
            widgets::weak_ui(ui, text.activities.go_on_later);
        }
        ui.add_space(theme::GRID);
        ui.horizontal(|ui| {
            if widgets::primary_button(ui, text.activities.close).clicked() {
                actions.push(Action::Activity(ActivityAction::CloseAnyway));
            }
            if widgets::button(ui, text.activities.stay).clicked() {
                actions.push(Action::Activity(ActivityAction::Stay));
            }
        });
    });
    if response.backdrop_response.clicked() {
        actions.push(Action::Activity(ActivityAction::Stay));
    }
}
