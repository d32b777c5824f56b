//! The transfers page: a row per download and upload that says in a sentence what is going on, and the details of the
//! selected one.

mod details;
mod limits;
mod row;

pub(crate) use limits::limits_ui;

use super::super::action::{Action, TransfersAction, Verb};
use super::super::model::Model;
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use cardume::node::TransferChange;
use eframe::egui;
use egui::{Align, InputState, Key, Layout, Modifiers, Panel, ScrollArea, Ui};

/// The least height of a page that shows details below the list.
const ROOM_FOR_DETAILS: f32 = 420.0;

/// Draws the transfers page.
pub(crate) fn transfers_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    head_ui(ui, model, text, &mut actions);
    if model.transfers.limits_open {
        limits_ui(ui, model, text, &mut actions);
    }
    let (transfers, uploads) = (&model.view.transfers, &model.view.uploads);
    if transfers.is_empty() && uploads.is_empty() {
        widgets::empty_ui(ui, Icon::Transfers, text.no_transfers, text.no_transfers_hint, |ui| {
            if widgets::primary_button(ui, text.to_search).clicked() {
                actions.push(Action::Do(Verb::FocusSearch));
            }
        });
        return actions;
    }
    let selected = transfers.iter().find(|transfer| Some(transfer.id) == model.transfers.selected);
    if let Some(transfer) = selected.filter(|_| ui.available_height() >= ROOM_FOR_DETAILS) {
        Panel::bottom("transfer_details")
            .exact_size(theme::DETAILS)
            .resizable(false)
            .show_separator_line(true)
            .frame(egui::Frame::NONE)
            .show(ui, |ui| details::details_ui(ui, model, text, transfer, &mut actions));
    }
    list_ui(ui, model, text, &mut actions);
    actions
}

/// The title, and what concerns all transfers.
fn head_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        widgets::title_ui(ui, text.transfers);
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            let any = |states: &[&str]| {
                model.view.transfers.iter().any(|transfer| states.contains(&transfer.state.as_str()))
            };
            if widgets::button(ui, text.moving.limits).clicked() {
                actions.push(Action::Transfers(TransfersAction::ToggleLimits));
            }
            let all = [
                (any(&["finished", "failed", "cancelled"]), text.moving.clear, TransferChange::Clear),
                (any(&["paused"]), text.moving.resume_all, TransferChange::Resume),
                (any(&["running", "waiting"]), text.moving.pause_all, TransferChange::Pause),
            ];
            for (_, label, change) in all.into_iter().filter(|(applies, ..)| *applies) {
                if widgets::button(ui, label).clicked() {
                    actions.push(Action::Transfers(TransfersAction::Change(change, Vec::new())));
                }
            }
        });
    });
    ui.add_space(theme::GRID);
}

/// Downloads in their order, then uploads under a heading: all rows of one height, so that only those on screen are
/// drawn.
fn list_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let (transfers, uploads) = (&model.view.transfers, &model.view.uploads);
    let heading = usize::from(!uploads.is_empty());
    let count = transfers.len() + heading + uploads.len();
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, theme::TALL_ROW, count, |ui, range| {
        if model.transfers.visible != range {
            actions.push(Action::Transfers(TransfersAction::Visible(range.clone())));
        }
        if model.transfers.reveal {
            if let Some(row) = model.selected_transfer() {
                widgets::scroll_to_row(ui, row, range.start, theme::TALL_ROW);
            }
            actions.push(Action::Transfers(TransfersAction::Revealed));
        }
        for index in range {
            if let Some(transfer) = transfers.get(index) {
                row::download_ui(ui, model, text, transfer, actions);
            } else if let Some(upload) = (index - transfers.len()).checked_sub(heading) {
                if let Some(upload) = uploads.get(upload) {
                    row::upload_ui(ui, model, text, upload);
                }
            } else {
                row::heading_ui(ui, text.moving.uploads);
            }
        }
    });
}

/// What the keys of this page ask for.
pub(crate) fn transfers_keys(input: &mut InputState) -> Vec<Action> {
    let keys = [
        (Key::ArrowDown, TransfersAction::MoveSelection(1)),
        (Key::ArrowUp, TransfersAction::MoveSelection(-1)),
        (Key::PageDown, TransfersAction::MoveSelection(10)),
        (Key::PageUp, TransfersAction::MoveSelection(-10)),
        (Key::Space, TransfersAction::TogglePause),
        (Key::Delete, TransfersAction::CancelSelected),
    ];
    let pressed = keys.into_iter().filter(|(key, _)| input.consume_key(Modifiers::NONE, *key));
    pressed.map(|(_, action)| Action::Transfers(action)).collect()
}
