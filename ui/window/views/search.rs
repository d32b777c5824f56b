//! The search page: as you type, one row per content, opening to its sources.

mod chips;
mod header;
mod help;
mod menu;
mod rows;
mod target;

use super::super::action::{Action, SearchAction, Verb};
use super::super::model::Model;
use super::super::model::search::{MAX_WORDS, Problem};
use super::super::reduce::Field;
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use super::welcome::welcome_ui;
use super::{id_of, notice, search_field};
use cardume::base::{ContentLink, bare_hash};
use eframe::egui;
use egui::{Align, Rect, TextEdit, Ui, pos2, vec2};

/// Draws what the page asks and explains, over whatever page is on screen: a verb of the palette opens it anywhere.
pub(super) fn dialogs_ui(ui: &Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    target::target_ui(ui, model, text, actions);
    help::help_ui(ui, model, text, actions);
}

/// Draws the search page.
pub(crate) fn search_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    field_ui(ui, model, text, &mut actions);
    if let Some(welcome) = model.welcome.as_ref().filter(|_| model.search.words.is_empty()) {
        actions.extend(welcome_ui(ui, model, text, welcome));
        return actions;
    }
    filter_ui(ui, model, text, &mut actions);
    chips::chips_ui(ui, model, text, &mut actions);
    state_ui(ui, model, text);
    if model.search.row_count() == 0 {
        nothing_ui(ui, model, text, &mut actions);
    } else {
        rows::results_ui(ui, model, text, &mut actions);
    }
    actions
}

fn field_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let mut words = model.search.words.clone();
    let field = TextEdit::singleline(&mut words)
        .id(search_field())
        .hint_text(text.search_hint)
        .char_limit(MAX_WORDS)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin { left: 34, right: 62, top: 8, bottom: 8 });
    let response = ui.add(field).accessible_name(text.search_field);
    let tokens = theme::tokens(ui);
    let rect = response.rect;
    Icon::Search.paint(ui, widgets::span(rect, rect.left() + 8.0, rect.left() + 28.0), tokens.weak);
    let place = |from_right: f32| {
        Rect::from_center_size(pos2(rect.right() - from_right, rect.center().y), vec2(22.0, 22.0))
    };
    if widgets::icon_button_at(ui, place(18.0), "operators", Icon::Help, text.finding.operators).clicked() {
        actions.push(Action::Do(Verb::SearchHelp));
    }
    if !words.is_empty()
        && widgets::icon_button_at(ui, place(44.0), "clear", Icon::Close, text.clear).clicked()
    {
        actions.push(Action::Search(SearchAction::Words(String::new())));
        actions.push(Action::Do(Verb::FocusSearch));
        return;
    }
    if response.changed() {
        actions.push(Action::Search(SearchAction::Words(words)));
    }
}

/// The field that narrows the results, if it is open.
fn filter_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let Some(filter) = &model.search.filter else { return };
    let mut words = filter.clone();
    let field = TextEdit::singleline(&mut words)
        .id(id_of(Field::Filter))
        .hint_text(text.finding.filter)
        .char_limit(MAX_WORDS)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin { left: 34, right: 34, top: 5, bottom: 5 });
    let response = ui.add(field).accessible_name(text.finding.filter_field);
    let tokens = theme::tokens(ui);
    let rect = response.rect;
    Icon::Filter.paint(ui, widgets::span(rect, rect.left() + 8.0, rect.left() + 28.0), tokens.weak);
    let close = Rect::from_center_size(pos2(rect.right() - 18.0, rect.center().y), vec2(22.0, 22.0));
    if widgets::icon_button_at(ui, close, "close_filter", Icon::Close, text.finding.close_filter).clicked() {
        actions.push(Action::Search(SearchAction::CloseFilter));
    } else if response.changed() {
        actions.push(Action::Search(SearchAction::Filter(words)));
    }
}

/// The line under the field: what the answer is worth.
fn state_ui(ui: &mut Ui, model: &Model, text: &Text) {
    let tokens = theme::tokens(ui);
    let search = &model.search;
    let (sentence, is_warning) = state_sentence(model, text);
    let line = widgets::plain_row_ui(ui, 22.0, &sentence);
    let color = if is_warning { tokens.warning } else { tokens.weak };
    let mut line = widgets::span(line, line.left() + 8.0, line.right());
    if let Some(answered) = &search.answered
        && answered.complete.have < answered.complete.of
        && !search.waiting
    {
        let partial = (text.index_partial)(answered.complete.have, answered.complete.of);
        let width = widgets::cell(ui, line, &partial, theme::small(), tokens.warning, Align::Max);
        line.set_right(line.right() - width - 16.0);
    }
    widgets::cell(ui, line, &sentence, theme::small(), color, Align::Min);
}

/// What is to be said of the search, and whether it is a warning.
fn state_sentence(model: &Model, text: &Text) -> (String, bool) {
    let search = &model.search;
    match (&search.answered, &search.problem) {
        _ if search.waiting => (text.waiting_for_tracker.to_owned(), true),
        (_, Some(Problem::Query(error))) => (text.finding.refusal(error), true),
        (_, Some(Problem::Refused(why))) => ((text.search_failed)(why), true),
        (Some(answered), None) => {
            let shown = u64::try_from(search.results.len()).unwrap_or(u64::MAX);
            let count = (text.finding.counted)(shown, answered.total);
            let chosen = u64::try_from(search.chosen.len()).unwrap_or(u64::MAX);
            if chosen < 2 {
                return (count, false);
            }
            (format!("{count} · {}", (text.finding.selected)(chosen)), false)
        }
        (None, None) => (text.asking.to_owned(), false),
    }
}

fn nothing_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let search = &model.search;
    if search.waiting {
        let hint = notice(model, text).map(|(sentence, _)| sentence).unwrap_or_default();
        widgets::empty_ui(ui, Icon::Group, text.no_tracker, &hint, |_| {});
        return;
    }
    if let Some(Problem::Query(error)) = &search.problem {
        widgets::empty_ui(ui, Icon::Search, text.finding.operators, &text.finding.refusal(error), |ui| {
            widgets::verb_button(ui, text, Verb::SearchHelp, actions);
        });
        return;
    }
    let Some(answered) = search.answered.as_ref() else { return };
    let words = answered.words.trim();
    // An index that is still filling knows too little to say that there is nothing.
    if answered.complete.have < answered.complete.of {
        let partial = (text.index_partial)(answered.complete.have, answered.complete.of);
        widgets::empty_ui(ui, Icon::Search, text.finding.filled_soon, &partial, |_| {});
    } else if words.is_empty() {
        widgets::empty_ui(ui, Icon::Folder, text.nothing_shared, text.nothing_shared_hint, |ui| {
            widgets::primary_verb_button(ui, text, Verb::ShareFolder, actions);
        });
    } else if ContentLink::is_meant(words) || bare_hash(words).is_some() {
        let finding = &text.finding;
        widgets::empty_ui(ui, Icon::Link, finding.nobody_has_it, finding.nobody_has_it_hint, |_| {});
    } else {
        let title = (text.nothing_found)(words);
        widgets::empty_ui(ui, Icon::Search, &title, text.nothing_found_hint, |_| {});
    }
}
