//! The limits of speed and of downloads at once.

use super::super::super::action::{Action, TransfersAction};
use super::super::super::model::Model;
use super::super::super::text::Text;
use super::super::super::theme;
use cardume::wire::control::Limits;
use eframe::egui;
use egui::{ComboBox, Label, RichText, Ui};

/// The rates that can be chosen, in bytes per second; others are set by the command line and shown as they are.
const RATES: [u64; 9] =
    [100_000, 250_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000];
/// The numbers of downloads at once that can be chosen.
const AT_ONCE: [u32; 7] = [1, 2, 3, 4, 6, 8, 16];

/// Draws the limits as three fields in a card.
pub(crate) fn limits_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let (tokens, limits) = (theme::tokens(ui), model.view.limits);
    let mut chosen = limits;
    theme::card_frame(tokens).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            rate_ui(ui, text, text.moving.limit_down, &mut chosen.down);
            rate_ui(ui, text, text.moving.limit_up, &mut chosen.up);
            at_once_ui(ui, text, &mut chosen);
        });
    });
    ui.add_space(theme::GRID);
    if chosen != limits {
        actions.push(Action::Transfers(TransfersAction::Limits(chosen)));
    }
}

fn name_ui(ui: &mut Ui, name: &str) -> egui::Response {
    let tokens = theme::tokens(ui);
    ui.add(Label::new(RichText::new(name).color(tokens.weak)))
}

fn rate_ui(ui: &mut Ui, text: &Text, name: &str, rate: &mut Option<u64>) {
    let shown =
        |rate: Option<u64>| rate.map_or_else(|| text.moving.no_limit.to_owned(), |rate| text.rate(rate));
    let label = name_ui(ui, name);
    let combo = ComboBox::from_id_salt(name).selected_text(shown(*rate)).show_ui(ui, |ui| {
        ui.selectable_value(rate, None, text.moving.no_limit);
        for choice in RATES {
            ui.selectable_value(rate, Some(choice), shown(Some(choice)));
        }
    });
    combo.response.labelled_by(label.id);
    ui.add_space(2.0 * theme::GRID);
}

fn at_once_ui(ui: &mut Ui, text: &Text, limits: &mut Limits) {
    let label = name_ui(ui, text.moving.at_once);
    let number = &mut limits.simultaneous;
    let combo =
        ComboBox::from_id_salt(text.moving.at_once).selected_text(number.to_string()).show_ui(ui, |ui| {
            for choice in AT_ONCE {
                ui.selectable_value(number, choice, choice.to_string());
            }
        });
    combo.response.labelled_by(label.id);
}
