//! The list of operators: what can be typed, each to be tried by a click.

use super::super::super::action::{Action, SearchAction, Verb};
use super::super::super::model::Model;
use super::super::super::text::Text;
use super::super::super::theme;
use super::super::super::widgets;
use eframe::egui;
use egui::{Align, Id, Modal, Ui};

/// Width of the column with what is typed.
const TYPED: f32 = 130.0;
/// Width of the list; less where the window is narrow.
const WIDTH: f32 = 560.0;

/// Draws the list, if it is open.
pub(super) fn help_ui(ui: &Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    if !model.search.help {
        return;
    }
    let tokens = theme::tokens(ui);
    let finding = &text.finding;
    let rows = [
        ("holiday", finding.help_word),
        ("\"by the sea\"", finding.help_phrase),
        ("-draft", finding.help_without),
        ("type:video", finding.help_type),
        ("ext:pdf,doc", finding.help_ext),
        ("size:>10M", finding.help_size),
        ("size:1M..5M", finding.help_range),
        ("peer:peer-2", finding.help_peer),
        ("cardume:?h=…", finding.help_link),
    ];
    let modal = Modal::new(Id::unique("operators")).frame(theme::floating_frame(tokens));
    let response = modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 64.0));
        widgets::title_ui(ui, finding.operators);
        ui.spacing_mut().item_spacing.y = 0.0;
        for (typed, means) in rows {
            row_ui(ui, model, typed, means, actions);
        }
        ui.add_space(theme::GRID);
        widgets::weak_ui(ui, finding.help_try);
        ui.add_space(theme::GRID);
        if widgets::primary_button(ui, text.dismiss).clicked() {
            actions.push(Action::Do(Verb::Escape));
        }
    });
    if response.backdrop_response.clicked() {
        actions.push(Action::Do(Verb::Escape));
    }
}

fn row_ui(ui: &mut Ui, model: &Model, typed: &str, means: &str, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let label = [typed, means].join(": ");
    // A link is pasted, not tried; and of peers, one that is there.
    let tried = match model.view.members.first() {
        _ if typed.ends_with('…') => None,
        Some(member) if typed.starts_with("peer:") => Some(format!("peer:\"{}\"", member.peer.name)),
        _ => Some(typed.to_owned()),
    };
    let rect = match tried {
        None => widgets::plain_row_ui(ui, theme::CONTROL, &label),
        Some(term) => {
            let (rect, response) = widgets::row_ui(ui, theme::CONTROL, false, &label);
            if response.clicked() {
                actions.push(Action::Search(SearchAction::Term(term)));
                actions.push(Action::Do(Verb::Escape));
                actions.push(Action::Do(Verb::FocusSearch));
            }
            rect
        }
    };
    let left = widgets::span(rect, rect.left() + 6.0, rect.left() + TYPED);
    widgets::cell(ui, left, typed, theme::strong(), tokens.accent, Align::Min);
    let right = widgets::span(rect, rect.left() + TYPED, rect.right() - 6.0);
    widgets::cell(ui, right, means, theme::body(), tokens.text, Align::Min);
}
