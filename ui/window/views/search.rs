//! The search page: as you type, one row per content, opening to its sources.

use super::super::action::{Action, TransfersAction, Verb};
use super::super::model::{MAX_WORDS, Model, Row};
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use super::welcome::welcome_ui;
use super::{notice, search_field};
use cardume::wire::index::{Found, Source};
use eframe::egui;
use egui::{Align, Rect, ScrollArea, TextEdit, Ui, pos2, vec2};
use std::ops::Range;

/// Draws the search page.
pub(crate) fn search_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    field_ui(ui, model, text, &mut actions);
    if let Some(welcome) = model.welcome.as_ref().filter(|_| model.search.words.is_empty()) {
        actions.extend(welcome_ui(ui, model, text, welcome));
        return actions;
    }
    state_ui(ui, model, text);
    if model.search.rows.is_empty() {
        nothing_ui(ui, model, text, &mut actions);
    } else {
        results_ui(ui, model, text, &mut actions);
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
        .margin(egui::Margin { left: 34, right: 34, top: 8, bottom: 8 });
    let response = ui.add(field).accessible_name(text.search_field);
    let tokens = theme::tokens(ui);
    let rect = response.rect;
    Icon::Search.paint(ui, widgets::span(rect, rect.left() + 8.0, rect.left() + 28.0), tokens.weak);
    if !words.is_empty() {
        let place = Rect::from_center_size(pos2(rect.right() - 18.0, rect.center().y), vec2(22.0, 22.0));
        if widgets::icon_button_at(ui, place, "clear", Icon::Close, text.clear).clicked() {
            actions.extend([Action::Words(String::new()), Action::Do(Verb::FocusSearch)]);
            return;
        }
    }
    if response.changed() {
        actions.push(Action::Words(words));
    }
}

/// The line under the field: what the answer is worth.
fn state_ui(ui: &mut Ui, model: &Model, text: &Text) {
    let tokens = theme::tokens(ui);
    let search = &model.search;
    let (sentence, is_warning) = state_sentence(model, text);
    let line = widgets::plain_row_ui(ui, 22.0, &sentence);
    let color = if is_warning { tokens.warning } else { tokens.weak };
    let line = widgets::span(line, line.left() + 8.0, line.right());
    widgets::cell(ui, line, &sentence, theme::small(), color, Align::Min);
    if let Some(answer) = &search.answer
        && answer.complete.have < answer.complete.of
        && !search.waiting
    {
        let partial = (text.index_partial)(answer.complete.have, answer.complete.of);
        widgets::cell(ui, line, &partial, theme::small(), tokens.warning, Align::Max);
    }
}

/// What is to be said of the search, and whether it is a warning.
fn state_sentence(model: &Model, text: &Text) -> (String, bool) {
    let search = &model.search;
    match (&search.answer, &search.problem) {
        _ if search.waiting => (text.waiting_for_tracker.to_owned(), true),
        (_, Some(problem)) => ((text.search_failed)(problem), true),
        (Some(answer), None) => {
            let shown = u64::try_from(answer.results.len()).unwrap_or(u64::MAX);
            ((text.results)(shown, answer.total), false)
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
    let Some(answer) = search.answer.as_ref() else { return };
    // An index that is still filling knows too little to say that there is nothing.
    if answer.complete.have < answer.complete.of {
        let partial = (text.index_partial)(answer.complete.have, answer.complete.of);
        widgets::empty_ui(ui, Icon::Search, text.asking, &partial, |_| {});
    } else if search.answered_words.trim().is_empty() {
        widgets::empty_ui(ui, Icon::Folder, text.nothing_shared, text.nothing_shared_hint, |ui| {
            widgets::primary_verb_button(ui, text, Verb::ShareFolder, actions);
        });
    } else {
        let title = (text.nothing_found)(search.answered_words.trim());
        widgets::empty_ui(ui, Icon::Search, &title, text.nothing_found_hint, |_| {});
    }
}

/// Where the columns begin and end.
#[derive(Clone, Copy)]
struct Columns {
    name: [f32; 2],
    size: [f32; 2],
    sources: [f32; 2],
    button: [f32; 2],
}

impl Columns {
    fn of(rect: Rect) -> Self {
        let (left, right) = (rect.left(), rect.right());
        let sources_width = (rect.width() * 0.3).clamp(120.0, 320.0);
        let button = right - 40.0;
        let sources = button - sources_width;
        let size = sources - 92.0;
        Self {
            name: [left + 32.0, size - 8.0],
            size: [size, sources - 16.0],
            sources: [sources, button - 8.0],
            button: [button, right - 8.0],
        }
    }
}

fn results_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    let header = widgets::plain_row_ui(ui, 24.0, text.column_name);
    let scrolls = rows_height(model.search.rows.len()) > ui.available_height();
    let bar = if scrolls { ui.spacing().scroll.allocated_width() } else { 0.0 };
    let columns = Columns::of(widgets::span(header, header.left(), header.right() - bar));
    for (column, name, align) in [
        (columns.name, text.column_name, Align::Min),
        (columns.size, text.column_size, Align::Max),
        (columns.sources, text.column_sources, Align::Min),
    ] {
        let rect = widgets::span(header, column[0], column[1]);
        widgets::cell(ui, rect, name, theme::small(), tokens.weak, align);
    }
    widgets::hairline(ui);
    ScrollArea::vertical().auto_shrink(false).show_rows(
        ui,
        theme::ROW,
        model.search.rows.len(),
        |ui, range| {
            reveal(ui, model, &range, actions);
            for index in range {
                match model.search.rows.get(index) {
                    Some(Row::Content(found)) => content_row_ui(ui, model, text, index, *found, actions),
                    Some(Row::Source(found, source)) => {
                        source_row_ui(ui, model, text, index, [*found, *source], actions);
                    }
                    None => {}
                }
            }
        },
    );
}

fn rows_height(count: usize) -> f32 {
    let half = |number: usize| f32::from(u16::try_from(number & 0xffff).unwrap_or(u16::MAX));
    half(count >> 16).mul_add(65_536.0, half(count)) * theme::ROW
}

/// Scrolls to a row that was selected by a key.
fn reveal(ui: &Ui, model: &Model, range: &Range<usize>, actions: &mut Vec<Action>) {
    let Some(selected) = model.search.selected.filter(|_| model.search.reveal) else { return };
    let top = ui.max_rect().top() + rows_height(selected) - rows_height(range.start);
    let row = Rect::from_min_size(pos2(ui.max_rect().left(), top), vec2(1.0, theme::ROW));
    ui.scroll_to_rect(row, None);
    actions.push(Action::Revealed);
}

fn content_row_ui(
    ui: &mut Ui,
    model: &Model,
    text: &Text,
    index: usize,
    number: usize,
    actions: &mut Vec<Action>,
) {
    let Some(found) = model.search.results().get(number) else { return };
    let tokens = theme::tokens(ui);
    let size = text.bytes(found.size);
    let sources = u64::try_from(found.sources.len()).unwrap_or(u64::MAX);
    let selected = model.search.selected == Some(index);
    let (rect, response) =
        widgets::row_ui(ui, theme::ROW, selected, &(text.row_content)(&found.name, &size, sources));
    let open = model.search.rows.get(index + 1).is_some_and(|row| matches!(row, Row::Source(..)));
    let columns = Columns::of(rect);
    let arrow = widgets::span(rect, rect.left() + 4.0, rect.left() + 28.0);
    let arrow_label = if open { text.hide_sources } else { text.show_sources };
    let arrow_icon = if open { Icon::Down } else { Icon::Right };
    if widgets::icon_button_at(ui, arrow.shrink2(vec2(0.0, 3.0)), ("open", index), arrow_icon, arrow_label)
        .clicked()
    {
        actions.push(Action::Toggle(number));
    }
    let part = |column: [f32; 2]| widgets::span(rect, column[0], column[1]);
    widgets::cell(ui, part(columns.name), &found.name, theme::body(), tokens.text, Align::Min);
    widgets::cell(ui, part(columns.size), &size, theme::body(), tokens.weak, Align::Max);
    sources_cell(ui, part(columns.sources), model, text, found);
    button_cell(ui, part(columns.button), model, text, number, actions);
    if response.double_clicked() {
        actions.push(Action::Download { found: number, source: None });
    } else if response.clicked() {
        // A click on the selected row opens or closes it.
        actions.push(if selected { Action::Toggle(number) } else { Action::Select(index) });
    }
}

/// How many sources, and who: dots in the peers' hues, then names as far as they fit.
fn sources_cell(ui: &Ui, rect: Rect, model: &Model, text: &Text, found: &Found) {
    let tokens = theme::tokens(ui);
    let mut left = rect.left();
    if found.content.is_none() {
        left += widgets::cell(ui, rect, text.still_hashing, theme::small(), tokens.warning, Align::Min) + 8.0;
    }
    let names: Vec<&str> = found.sources.iter().map(|source| name_of(model, text, source)).collect();
    for source in found.sources.iter().take(5) {
        let color = widgets::hue_color(tokens, model.hue(&source.peer));
        ui.painter().circle_filled(pos2(left + 4.0, rect.center().y), 4.0, color);
        left += 11.0;
    }
    let rest = widgets::span(rect, left + 5.0, rect.right());
    let names =
        if names.len() > 1 { format!("{} · {}", names.len(), names.join(", ")) } else { names.join(", ") };
    widgets::cell(ui, rest, &names, theme::small(), tokens.weak, Align::Min);
}

fn name_of<'a>(model: &Model, text: &'a Text, source: &'a Source) -> &'a str {
    if source.peer == model.view.status.peer_id { text.you } else { &source.peer_name }
}

/// The button that downloads from all sources, or what became of it.
fn button_cell(
    ui: &mut Ui,
    rect: Rect,
    model: &Model,
    text: &Text,
    number: usize,
    actions: &mut Vec<Action>,
) {
    let Some(found) = model.search.results().get(number) else { return };
    let tokens = theme::tokens(ui);
    let state = found
        .content
        .as_ref()
        .and_then(|content| model.view.transfers.iter().find(|transfer| &transfer.content == content));
    match state.map(|transfer| transfer.state.as_str()) {
        Some("finished") => Icon::Check.paint(ui, rect, tokens.ok),
        Some("running" | "waiting") => {
            let done = state.map_or(0.0, |transfer| widgets::fraction(transfer.done, transfer.size));
            widgets::bar(ui, rect, done, tokens.accent);
        }
        _ if found.content.is_none() => {}
        _ => {
            let place = Rect::from_center_size(rect.center(), vec2(26.0, 24.0));
            let label = (text.download_named)(&found.name);
            if widgets::icon_button_at(ui, place, ("download", number), Icon::Download, &label).clicked() {
                actions.push(Action::Download { found: number, source: None });
            }
        }
    }
}

fn source_row_ui(
    ui: &mut Ui,
    model: &Model,
    text: &Text,
    index: usize,
    [number, which]: [usize; 2],
    actions: &mut Vec<Action>,
) {
    let Some(found) = model.search.results().get(number) else { return };
    let Some(source) = found.sources.get(which) else { return };
    let tokens = theme::tokens(ui);
    let selected = model.search.selected == Some(index);
    let name = name_of(model, text, source);
    let label = (text.row_source)(name, &source.name);
    let (rect, response) = widgets::row_ui(ui, theme::ROW, selected, &label);
    let mine = source.peer == model.view.status.peer_id;
    let button = Rect::from_min_max(pos2(rect.right() - 190.0, rect.top() + 3.0), rect.max - vec2(8.0, 3.0));
    if mine {
        widgets::cell(ui, button, text.this_is_you, theme::small(), tokens.weak, Align::Max);
    } else if found.content.is_some() {
        let area = egui::UiBuilder::new()
            .max_rect(button)
            .layout(egui::Layout::right_to_left(Align::Center))
            .id_salt(("source", number, which));
        let mut child = ui.new_child(area);
        let words = egui::RichText::new(text.download_from_this).font(theme::small());
        let choose = child.add(egui::Button::new(words).fill(tokens.raised).min_size(vec2(0.0, 22.0)));
        if choose.accessible_name((text.download_from)(&source.peer_name)).clicked() {
            actions.push(Action::Download { found: number, source: Some(which) });
        }
    }
    let peer = widgets::span(rect, rect.left() + 48.0, rect.left() + 48.0 + rect.width() * 0.28);
    widgets::peer_cell(ui, peer, model.hue(&source.peer), name, theme::body());
    if source.name != found.name {
        let alias = widgets::span(rect, peer.right() + 8.0, button.left() - 8.0);
        let words = (text.source_as)(&source.name);
        widgets::cell(ui, alias, &words, theme::small(), tokens.weak, Align::Min);
    }
    if !mine && !source.folder.is_empty() {
        response.context_menu(|ui| {
            if ui.button((text.moving.download_folder)(&source.folder, name)).clicked() {
                let (peer, folder) = (source.peer.clone(), source.folder.clone());
                actions.push(Action::Transfers(TransfersAction::Folder(peer, folder)));
                ui.close();
            }
        });
    }
    if response.double_clicked() && !mine {
        actions.push(Action::Download { found: number, source: Some(which) });
    } else if response.clicked() {
        actions.push(Action::Select(index));
    }
}
