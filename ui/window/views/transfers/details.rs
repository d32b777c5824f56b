//! The details of the selected download: its pieces, its sources, and everything that can be done with it.

use super::super::super::action::{Action, TransfersAction};
use super::super::super::model::Model;
use super::super::super::text::Text;
use super::super::super::theme;
use super::super::super::widgets::{self, Icon};
use super::row::{bar_ui, choices, is_open, order_choices, sentence};
use cardume::wire::control::{Transfer, TransferSource};
use eframe::egui;
use egui::{Align, Label, Layout, Rect, RichText, ScrollArea, Sense, Ui, pos2, vec2};

/// Draws the details.
pub(super) fn details_ui(
    ui: &mut Ui,
    model: &Model,
    text: &Text,
    transfer: &Transfer,
    actions: &mut Vec<Action>,
) {
    let tokens = theme::tokens(ui);
    ui.add_space(theme::GRID);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(28.0, 28.0), Sense::hover());
            if widgets::icon_button_at(ui, rect, "close_details", Icon::Close, text.moving.close).clicked() {
                actions.push(Action::Transfers(TransfersAction::Unselect));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = RichText::new(&transfer.name).font(theme::strong()).color(tokens.text);
                ui.add(Label::new(name).truncate());
            });
        });
    });
    let (words, color) = sentence(ui, text, transfer);
    ui.add(Label::new(RichText::new(words).font(theme::small()).color(color)).truncate());
    if is_open(transfer) {
        ui.add_space(theme::GRID / 2.0);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme::WIDE_BAR), Sense::hover());
        bar_ui(ui, model, transfer, rect);
    }
    ui.add_space(theme::GRID);
    ui.horizontal_wrapped(|ui| {
        for (_, label, action) in choices(text, transfer).into_iter().chain(order_choices(text, transfer)) {
            if widgets::button(ui, label).clicked() {
                actions.push(action);
            }
        }
    });
    ui.add_space(theme::GRID);
    widgets::heading_ui(ui, text.moving.sources);
    if transfer.sources.is_empty() {
        widgets::weak_ui(ui, text.moving.no_sources);
        return;
    }
    ScrollArea::vertical().id_salt("transfer_sources").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for source in &transfer.sources {
            source_ui(ui, model, text, source);
        }
    });
}

fn source_ui(ui: &mut Ui, model: &Model, text: &Text, source: &TransferSource) {
    let tokens = theme::tokens(ui);
    let state = (text.moving.source_state)(&source.state);
    let fault = source.fault.as_deref().map(|fault| (text.moving.fault)(fault));
    let (words, color) = match fault {
        Some(fault) if source.state == "dropped" => ((text.moving.because)(state, fault), tokens.error),
        Some(fault) => ((text.moving.because)(state, fault), tokens.warning),
        None => (state.to_owned(), tokens.weak),
    };
    let (bytes, rate) = (text.bytes(source.bytes), text.rate(source.rate));
    let label = (text.moving.source)(&source.name, &words, &bytes, &rate);
    let rect = widgets::plain_row_ui(ui, theme::FACT, &label);
    let column = |from: f32, to: f32| {
        let at = |part: f32| rect.left() + rect.width() * part;
        Rect::from_min_max(pos2(at(from), rect.top()), pos2(at(to) - theme::GRID, rect.bottom()))
    };
    widgets::peer_cell(ui, column(0.0, 0.3), model.hue(&source.peer), &source.name, theme::body());
    widgets::cell(ui, column(0.3, 0.7), &words, theme::small(), color, Align::Min);
    widgets::cell(ui, column(0.7, 0.85), &bytes, theme::body(), tokens.weak, Align::Max);
    let rate = if source.rate > 0 { rate } else { String::new() };
    widgets::cell(ui, column(0.85, 1.0), &rate, theme::body(), tokens.weak, Align::Max);
}
