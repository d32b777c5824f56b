//! The folders of a peer: the path, what is in the folder, and what can be done with it.

mod path;
mod rows;

use super::super::action::{Action, BrowseAction, Verb};
use super::super::model::Model;
use super::super::model::browse::{Browse, MAX_FILTER, MAX_ROWS, PATIENCE, Refused};
use super::super::reduce::Field;
use super::super::text::{InFolder, Text};
use super::super::theme;
use super::super::widgets::{self, Icon};
use super::id_of;
use eframe::egui;
use egui::{Align, Rect, TextEdit, Ui, pos2, vec2};

/// Draws the folder that is looked into.
pub(super) fn browse_ui(ui: &mut Ui, model: &Model, browse: &Browse, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    path::path_ui(ui, model, browse, text, &mut actions);
    filter_ui(ui, browse, text, &mut actions);
    if browse.rows.is_empty() {
        nothing_ui(ui, model, browse, text, &mut actions);
    } else {
        state_ui(ui, model, browse, text, &mut actions);
        rows::rows_ui(ui, model, browse, text, &mut actions);
    }
    actions
}

/// The field that narrows the rows, if it is open.
fn filter_ui(ui: &mut Ui, browse: &Browse, text: &Text, actions: &mut Vec<Action>) {
    let Some(filter) = &browse.filter else { return };
    let mut words = filter.clone();
    let field = TextEdit::singleline(&mut words)
        .id(id_of(Field::FolderFilter))
        .hint_text(text.browsing.filter)
        .char_limit(MAX_FILTER)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin { left: 34, right: 34, top: 5, bottom: 5 });
    let response = ui.add(field).accessible_name(text.browsing.filter);
    let tokens = theme::tokens(ui);
    let rect = response.rect;
    Icon::Filter.paint(ui, widgets::span(rect, rect.left() + 8.0, rect.left() + 28.0), tokens.weak);
    let close = Rect::from_center_size(pos2(rect.right() - 18.0, rect.center().y), vec2(22.0, 22.0));
    let label = text.finding.close_filter;
    if widgets::icon_button_at(ui, close, "close_folder_filter", Icon::Close, label).clicked() {
        actions.push(Action::Browse(BrowseAction::CloseFilter));
    } else if response.changed() {
        actions.push(Action::Browse(BrowseAction::Filter(words)));
    }
}

/// The line above the rows: what is in the folder, or why the rest of it does not come.
fn state_ui(ui: &mut Ui, model: &Model, browse: &Browse, text: &Text, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let why = browse.refused.as_ref().map(|refused| why(text, refused, &model.name_of(browse.peer)));
    let sentence = why.clone().unwrap_or_else(|| in_folder(text, browse));
    let line = widgets::plain_row_ui(ui, 22.0, &sentence);
    let mut line = widgets::span(line, line.left() + 8.0, line.right());
    if why.is_some() {
        let button = Rect::from_center_size(pos2(line.right() - 18.0, line.center().y), vec2(22.0, 22.0));
        if widgets::icon_button_at(ui, button, "retry", Icon::Retry, text.browsing.retry).clicked() {
            actions.push(Action::Browse(BrowseAction::Retry));
        }
        line.set_right(button.left() - 8.0);
    }
    let color = if why.is_some() { tokens.warning } else { tokens.weak };
    widgets::cell(ui, line, &sentence, theme::small(), color, Align::Min);
}

/// Why there is nothing (newer).
fn why(text: &Text, refused: &Refused, name: &str) -> String {
    match refused {
        Refused::Away(_) => (text.browsing.away)(name),
        Refused::Other(why) => (text.browsing.refused)(why),
        Refused::NoFolder => text.browsing.no_folder.to_owned(),
    }
}

/// What is in the folder.
fn in_folder(text: &Text, browse: &Browse) -> String {
    let totals = browse.totals.unwrap_or_default();
    let mut sentence = (text.browsing.totals)(&InFolder {
        own: [totals.folders, totals.files],
        files: &text.number(totals.below.files),
        size: &text.bytes(totals.below.bytes),
        hashing: totals.below.hashing,
    });
    let all = text.number(totals.folders + totals.files);
    let shown = text.number(browse.rows.len() as u64);
    if browse.rows.len() >= MAX_ROWS && browse.next.is_some() {
        sentence = (text.browsing.first_rows)(&shown, &all);
    } else if browse.filter.as_deref().is_some_and(|filter| !filter.trim().is_empty()) {
        let more = if browse.next.is_some() { "+" } else { "" };
        sentence = (text.browsing.fitting)(&format!("{shown}{more}"), &all);
    }
    sentence
}

/// Why there is nothing, and what to do.
fn nothing_ui(ui: &mut Ui, model: &Model, browse: &Browse, text: &Text, actions: &mut Vec<Action>) {
    let words = &text.browsing;
    let name = model.name_of(browse.peer);
    let filter = browse.filter.as_deref().map_or("", str::trim);
    let again = |ui: &mut Ui| {
        if widgets::primary_button(ui, words.retry).clicked() {
            actions.push(Action::Browse(BrowseAction::Retry));
        }
    };
    let title = browse.refused.as_ref().map(|refused| why(text, refused, &name)).unwrap_or_default();
    match &browse.refused {
        Some(Refused::Away(_)) => widgets::empty_ui(ui, Icon::Unplug, &title, words.away_hint, again),
        Some(Refused::Other(_)) => widgets::empty_ui(ui, Icon::Warning, &title, "", again),
        Some(Refused::NoFolder) => {
            widgets::empty_ui(ui, Icon::Folder, &title, words.no_folder_hint, |ui| {
                widgets::verb_button(ui, text, Verb::FolderUp, actions);
            });
        }
        None if browse.totals.is_none() || browse.next.is_some() => {
            // What is answered at once is not announced.
            let waited = browse.asked_at.map_or(PATIENCE, |at| model.now.saturating_sub(at));
            if waited >= PATIENCE {
                widgets::empty_ui(ui, Icon::Peer, &(words.asking)(&name), "", |_| {});
            }
        }
        None if !filter.is_empty() => {
            widgets::empty_ui(ui, Icon::Filter, &(words.nothing_fits)(filter), "", |ui| {
                if widgets::button(ui, text.finding.close_filter).clicked() {
                    actions.push(Action::Browse(BrowseAction::CloseFilter));
                }
            });
        }
        None if browse.folder.is_empty() => {
            let title = (words.shares_nothing)(&name);
            widgets::empty_ui(ui, Icon::Folder, &title, words.shares_nothing_hint, again);
        }
        None => widgets::empty_ui(ui, Icon::Folder, words.empty, words.empty_hint, again),
    }
}
