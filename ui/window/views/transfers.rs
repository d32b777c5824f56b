//! The transfers page: a row per download that says in a sentence what is going on.

use super::super::action::{Action, Verb};
use super::super::model::Model;
use super::super::text::{Progress, Text};
use super::super::theme;
use super::super::widgets::{self, Icon};
use cardume::wire::control::Transfer;
use eframe::egui;
use egui::{Align, Color32, Layout, Rect, ScrollArea, Ui, UiBuilder, pos2};
use std::path::{Path, PathBuf};

/// Draws the transfers page.
pub(crate) fn transfers_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    widgets::title_ui(ui, text.transfers);
    let transfers = &model.view.transfers;
    if transfers.is_empty() {
        widgets::empty_ui(ui, Icon::Transfers, text.no_transfers, text.no_transfers_hint, |ui| {
            if widgets::primary_button(ui, text.to_search).clicked() {
                actions.push(Action::Do(Verb::FocusSearch));
            }
        });
        return actions;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, theme::TALL_ROW, transfers.len(), |ui, range| {
        for transfer in transfers.get(range).unwrap_or_default() {
            transfer_ui(ui, model, text, transfer, &mut actions);
        }
    });
    actions
}

/// What is going on, and in which colour it is said.
fn sentence(ui: &Ui, text: &Text, transfer: &Transfer) -> (String, Color32) {
    let tokens = theme::tokens(ui);
    let size = text.bytes(transfer.size);
    match transfer.state.as_str() {
        "finished" => ((text.finished_at)(&size, transfer.seconds), tokens.ok),
        "failed" => ((text.failed)(&transfer.detail), tokens.error),
        "cancelled" => (text.cancelled.to_owned(), tokens.weak),
        "running" => {
            let rate = if transfer.rate > 0 { text.rate(transfer.rate) } else { String::new() };
            let sources: Vec<&str> = transfer
                .sources
                .iter()
                .filter(|source| source.dropped.is_none())
                .map(|source| source.name.as_str())
                .collect();
            let progress = Progress {
                done: &text.bytes(transfer.done),
                size: &size,
                rate: &rate,
                seconds_left: transfer.size.saturating_sub(transfer.done).checked_div(transfer.rate),
                from: &sources.join(", "),
            };
            ((text.running)(&progress), tokens.weak)
        }
        _ if transfer.detail.is_empty() => (text.waiting.to_owned(), tokens.weak),
        _ => (transfer.detail.clone(), tokens.weak),
    }
}

fn transfer_ui(ui: &mut Ui, model: &Model, text: &Text, transfer: &Transfer, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let (words, color) = sentence(ui, text, transfer);
    let label = (text.row_transfer)(&transfer.name, &words);
    let rect = widgets::plain_row_ui(ui, theme::TALL_ROW, &label);
    let buttons = Rect::from_min_max(pos2(rect.right() - 190.0, rect.top() + 8.0), rect.max);
    let left = buttons.left();
    let line = |from: f32, to: f32| {
        Rect::from_min_max(pos2(rect.left(), rect.top() + from), pos2(left, rect.top() + to))
    };
    widgets::cell(ui, line(8.0, 26.0), &transfer.name, theme::strong(), tokens.text, Align::Min);
    widgets::cell(ui, line(26.0, 44.0), &words, theme::small(), color, Align::Min);
    let open = matches!(transfer.state.as_str(), "running" | "waiting");
    if open {
        bar_ui(ui, model, transfer, line(48.0, 54.0));
    } else if let Some(path) = &transfer.path {
        widgets::cell(ui, line(43.0, 60.0), path, theme::small(), tokens.weak, Align::Min);
    }
    let area = UiBuilder::new()
        .max_rect(buttons)
        .layout(Layout::right_to_left(Align::Min))
        .id_salt(("transfer", transfer.id));
    let mut child = ui.new_child(area);
    child.add_space(theme::GRID);
    if open {
        let cancel = widgets::button(&mut child, text.cancel);
        if cancel.accessible_name((text.cancel_named)(&transfer.name)).clicked() {
            actions.push(Action::Cancel(transfer.id));
        }
    }
    if let Some(path) = &transfer.path {
        if widgets::button(&mut child, text.open_folder).clicked() {
            let folder = Path::new(path).parent().map_or_else(|| PathBuf::from(path), Path::to_owned);
            actions.push(Action::Open(folder));
        }
        if widgets::button(&mut child, text.open_file).clicked() {
            actions.push(Action::Open(PathBuf::from(path)));
        }
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, egui::Stroke::new(1.0, tokens.line));
}

/// The bar: what came from each source in its peer's hue, the rest of what is done in the accent.
fn bar_ui(ui: &Ui, model: &Model, transfer: &Transfer, rect: Rect) {
    let tokens = theme::tokens(ui);
    widgets::bar(ui, rect, widgets::fraction(transfer.done, transfer.size), tokens.accent);
    let mut left = rect.left();
    for source in &transfer.sources {
        let right = left + rect.width() * widgets::fraction(source.bytes, transfer.size.max(1));
        let part = widgets::span(rect, left, right.min(rect.right()));
        widgets::bar(ui, part, 1.0, widgets::hue_color(tokens, model.hue(&source.peer)));
        left = right;
    }
}
