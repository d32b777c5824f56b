//! The question where to download to: a typed path, or a folder chosen in the system's dialog.

use super::super::super::action::{Action, Purpose, SearchAction, Verb};
use super::super::super::model::search::{Target, Wanted};
use super::super::super::model::{MAX_PATH, Model};
use super::super::super::reduce::Field;
use super::super::super::text::Text;
use super::super::super::theme;
use super::super::super::widgets;
use super::super::id_of;
use eframe::egui;
use egui::{Id, Key, Modal, TextEdit, Ui};

/// Draws the question, if it is asked.
pub(super) fn target_ui(ui: &Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let Some(target) = &model.search.target else { return };
    let tokens = theme::tokens(ui);
    let modal = Modal::new(Id::unique("download_to")).frame(theme::floating_frame(tokens));
    let response = modal.show(ui.ctx(), |ui| {
        ui.set_width(theme::DIALOG);
        let count = u64::try_from(target.files.len()).unwrap_or(u64::MAX);
        widgets::title_ui(ui, &(text.finding.download_title)(count));
        if let [Wanted { found, .. }] = &target.files[..] {
            widgets::weak_ui(ui, &found.name);
        }
        folder_ui(ui, text, target, actions);
        buttons_ui(ui, model, text, actions);
    });
    if response.backdrop_response.clicked() {
        actions.push(Action::Do(Verb::Escape));
    }
}

fn folder_ui(ui: &mut Ui, text: &Text, target: &Target, actions: &mut Vec<Action>) {
    let mut folder = target.folder.clone();
    let field = TextEdit::singleline(&mut folder)
        .id(id_of(Field::Target))
        .char_limit(MAX_PATH)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(10, 6));
    let response = ui.add(field).accessible_name(text.finding.target_field);
    if response.changed() {
        actions.push(Action::Search(SearchAction::TargetFolder(folder)));
    }
    if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
        actions.push(Action::Search(SearchAction::DownloadThere));
    } else if ui.memory(|memory| memory.focused().is_none()) {
        response.request_focus();
    }
}

fn buttons_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    ui.add_space(theme::GRID);
    ui.horizontal(|ui| {
        if widgets::primary_button(ui, text.finding.download_here).clicked() {
            actions.push(Action::Search(SearchAction::DownloadThere));
        }
        if model.picking == Some(Purpose::Target) {
            if widgets::button(ui, text.stop_waiting).clicked() {
                actions.push(Action::StopPicking);
            }
        } else if widgets::button(ui, text.finding.choose_folder).clicked() {
            actions.push(Action::Search(SearchAction::PickTarget));
        }
        if widgets::button(ui, text.cancel).clicked() {
            actions.push(Action::Do(Verb::Escape));
        }
    });
}
