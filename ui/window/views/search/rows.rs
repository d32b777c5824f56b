//! The rows of results: only those on screen are drawn, and only their pages are fetched.

use super::super::super::action::{Action, BrowseAction, Pick, SearchAction, TransfersAction};
use super::super::super::menu::{Menu, context_menu};
use super::super::super::model::Model;
use super::super::super::model::search::{Row, is_mine, key_of};
use super::super::super::reduce::Field;
use super::super::super::text::Text;
use super::super::super::theme;
use super::super::super::widgets::{self, Icon};
use super::super::id_of;
use super::header::{Columns, header_ui};
use super::menu::menu_ui;
use cardume::base::{FileKind, Natural};
use cardume::wire::index::{Found, Source};
use eframe::egui;
use egui::{Align, EventFilter, Id, Rect, Response, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use std::ops::Range;

/// Width of the mark at the row that the keyboard is at.
const CURSOR: f32 = 3.0;

/// Between a name and what is said of it.
const GAP: f32 = 12.0;

/// Draws the results.
pub(super) fn results_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let search = &model.search;
    ui.spacing_mut().item_spacing.y = 0.0;
    let count = search.row_count();
    let scrolls = widgets::rows_height(count, theme::ROW) > ui.available_height() - theme::FACT;
    let bar = if scrolls { ui.spacing().scroll.allocated_width() } else { 0.0 };
    header_ui(ui, model, text, bar, actions);
    list_focus_ui(ui, model, text);
    let mut area = ScrollArea::vertical().id_salt("results").auto_shrink(false);
    if search.to_top {
        area = area.vertical_scroll_offset(0.0);
        actions.push(Action::Search(SearchAction::Revealed));
    }
    area.show_rows(ui, theme::ROW, count, |ui, range| {
        if search.visible != range {
            actions.push(Action::Search(SearchAction::Visible(range.clone())));
        }
        reveal(ui, model, &range, actions);
        for row in range {
            match search.row(row) {
                Some(Row::Content(result)) => content_row_ui(ui, model, text, row, result, actions),
                Some(Row::Source(result, source)) => {
                    source_row_ui(ui, model, text, row, [result, source], actions);
                }
                None => {}
            }
        }
    });
}

/// What has the keys while the person is among the results. Arrows stay with it.
fn list_focus_ui(ui: &Ui, model: &Model, text: &Text) {
    let id = id_of(Field::Results);
    let rect = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), 1.0));
    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::List, true, text.search));
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    let is_free = !model.is_covered() && !egui::Popup::is_any_open(ui.ctx());
    ui.memory_mut(|memory| {
        // Where nothing has the keys an arrow would move the focus to any button.
        if is_free && memory.focused().is_none() {
            memory.request_focus(id);
        }
        memory.set_focus_lock_filter(id, filter);
    });
}

/// Scrolls to the row that the cursor was moved to by a key.
fn reveal(ui: &Ui, model: &Model, range: &Range<usize>, actions: &mut Vec<Action>) {
    let Some(cursor) = model.search.cursor.filter(|_| model.search.reveal) else { return };
    widgets::scroll_to_row(ui, cursor, range.start, theme::ROW);
    actions.push(Action::Search(SearchAction::Revealed));
}

/// How a click joins the selection.
fn pick_of(ui: &Ui) -> Pick {
    let keys = ui.input(|input| input.modifiers);
    match (keys.shift, keys.command) {
        (true, _) => Pick::Range,
        (false, true) => Pick::Toggle,
        (false, false) => Pick::Only,
    }
}

/// The mark at the row that the keyboard is at.
fn cursor_ui(ui: &Ui, model: &Model, row: usize, rect: Rect) {
    if model.search.cursor == Some(row) {
        let mark = Rect::from_min_size(rect.min, vec2(CURSOR, rect.height()));
        ui.painter().rect_filled(mark, CURSOR / 2.0, theme::tokens(ui).accent);
    }
}

fn content_row_ui(
    ui: &mut Ui,
    model: &Model,
    text: &Text,
    row: usize,
    result: usize,
    actions: &mut Vec<Action>,
) {
    let Some(found) = model.search.results.get(result) else {
        let rect = widgets::plain_row_ui(ui, theme::ROW, text.finding.loading_row);
        let name = Columns::of(rect).name;
        widgets::cell(
            ui,
            widgets::span(rect, name[0], name[1]),
            "…",
            theme::body(),
            theme::tokens(ui).weak,
            Align::Min,
        );
        return;
    };
    let size = text.bytes(found.size);
    let sources = u64::try_from(found.sources.len()).unwrap_or(u64::MAX);
    let key = key_of(found);
    let selected = model.search.chosen.contains_key(&key);
    let mut label = (text.row_content)(&found.name, &size, sources);
    if is_mine(model, found) {
        label = (text.finding.row_mine)(&label);
    }
    let id = Id::unique(("result", &key));
    let (rect, response) = widgets::row_of_ui(ui, id, theme::ROW, selected, &label);
    cursor_ui(ui, model, row, rect);
    let open = model.search.is_open(result);
    let columns = Columns::of(rect);
    let arrow = widgets::span(rect, columns.arrow[0], columns.arrow[1]).shrink2(vec2(0.0, 3.0));
    let (arrow_label, arrow_icon) =
        if open { (text.hide_sources, Icon::Down) } else { (text.show_sources, Icon::Right) };
    if widgets::icon_button_at(ui, arrow, ("open", &key), arrow_icon, arrow_label).clicked() {
        actions.push(Action::Search(SearchAction::Toggle(result)));
    }
    cells_ui(ui, model, text, found, &size, rect);
    button_cell(ui, widgets::span(rect, columns.button[0], columns.button[1]), model, text, result, actions);
    if response.secondary_clicked() && !selected {
        actions.push(Action::Search(SearchAction::Select(row, Pick::Only)));
    }
    let asked = asks_for_menu(model, row, actions);
    if keeps_menu(model, row, selected, &response) {
        context_menu(&response, asked, |ui, menu| menu_ui(ui, menu, model, text, actions));
    }
    if response.double_clicked() {
        actions.push(Action::Search(SearchAction::Download { found: result, source: None }));
    } else if response.clicked() {
        let pick = pick_of(ui);
        // A click on the one selected row opens or closes it.
        let again = selected && pick == Pick::Only && model.search.chosen.len() == 1;
        let action = if again { SearchAction::Toggle(result) } else { SearchAction::Select(row, pick) };
        actions.push(Action::Search(action));
    }
}

fn cells_ui(ui: &Ui, model: &Model, text: &Text, found: &Found, size: &str, rect: Rect) {
    let tokens = theme::tokens(ui);
    let columns = Columns::of(rect);
    let part = |column: [f32; 2]| widgets::span(rect, column[0], column[1]);
    Icon::of_file(&found.name).paint(ui, part(columns.icon), tokens.weak);
    let name = part(columns.name);
    let width = widgets::cell(ui, name, &found.name, theme::body(), tokens.text, Align::Min);
    // Of several files that are called alike it says which one this is; they stand in this order.
    let are_this = found.sources.iter().filter(|source| source.name == found.name);
    if let Some(source) = are_this.min_by_key(|source| Natural(source.folder.as_bytes())) {
        let folder = folder_of(source);
        let rest = widgets::span(name, name.left() + width + GAP, name.right() - GAP);
        widgets::path_cell(ui, rest, folder, theme::small(), tokens.weak);
    }
    if let Some(kind) = columns.kind {
        let name = text.finding.kind(FileKind::of_name(&found.name));
        widgets::cell(ui, part(kind), name, theme::small(), tokens.weak, Align::Min);
    }
    widgets::cell(ui, part(columns.size), size, theme::body(), tokens.weak, Align::Max);
    sources_cell(ui, part(columns.sources), model, text, found);
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

/// The folder, unless it is one that is called as its peer: that is said anyway.
fn folder_of(source: &Source) -> &str {
    if source.folder == source.peer_name { "" } else { &source.folder }
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
    result: usize,
    actions: &mut Vec<Action>,
) {
    let Some(found) = model.search.results.get(result) else { return };
    let Some(content) = &found.content else { return };
    let tokens = theme::tokens(ui);
    if is_mine(model, found) {
        Icon::CheckCircle.paint_filled(ui, rect, tokens.ok);
        ui.interact(rect, ui.scope_id().with(("mine", content)), Sense::hover())
            .on_hover_text(text.finding.mine);
        return;
    }
    match model.transfer_of(content).map(|transfer| (transfer, transfer.state.as_str())) {
        Some((_, "finished")) => Icon::Check.paint(ui, rect, tokens.ok),
        Some((transfer, "running" | "waiting")) => {
            widgets::bar(ui, rect, widgets::fraction(transfer.done, transfer.size), tokens.accent);
        }
        _ => {
            let place = Rect::from_center_size(rect.center(), vec2(26.0, 24.0));
            let label = (text.download_named)(&found.name);
            if widgets::icon_button_at(ui, place, ("download", content), Icon::Download, &label).clicked() {
                actions.push(Action::Search(SearchAction::Download { found: result, source: None }));
            }
        }
    }
}

fn source_row_ui(
    ui: &mut Ui,
    model: &Model,
    text: &Text,
    row: usize,
    [result, which]: [usize; 2],
    actions: &mut Vec<Action>,
) {
    let Some(found) = model.search.results.get(result) else { return };
    let Some(source) = found.sources.get(which) else { return };
    let tokens = theme::tokens(ui);
    let selected = model.search.cursor == Some(row);
    let name = name_of(model, text, source);
    let label = (text.row_source)(name, &source.name, &source.folder);
    let id = Id::unique(("source", key_of(found), &source.peer, &source.folder, &source.name));
    let (rect, response) = widgets::row_of_ui(ui, id, theme::ROW, selected, &label);
    cursor_ui(ui, model, row, rect);
    let download = Action::Search(SearchAction::Download { found: result, source: Some(which) });
    let mine = source.peer == model.view.status.peer_id;
    let button = Rect::from_min_max(pos2(rect.right() - 190.0, rect.top() + 3.0), rect.max - vec2(8.0, 3.0));
    if mine {
        widgets::cell(ui, button, text.this_is_you, theme::small(), tokens.weak, Align::Max);
    } else if found.content.is_some() {
        let area = egui::UiBuilder::new()
            .max_rect(button)
            .layout(egui::Layout::right_to_left(Align::Center))
            .id_salt(id);
        let mut child = ui.new_child(area);
        // Within the row, or it would hang below its text.
        child.spacing_mut().interact_size.y = button.height();
        child.spacing_mut().button_padding.y = 2.0;
        let words = egui::RichText::new(text.download_from_this).font(theme::small());
        let choose = child.add(egui::Button::new(words).fill(tokens.raised));
        if choose.accessible_name((text.download_from)(&source.peer_name)).clicked() {
            actions.push(download.clone());
        }
    }
    let left = Columns::of(rect).name[0];
    let peer = widgets::span(rect, left, left + rect.width() * 0.28);
    widgets::peer_cell(ui, peer, model.hue(&source.peer), name, theme::body());
    let mut rest = widgets::span(rect, peer.right() + 8.0, button.left() - 8.0);
    if source.name != found.name {
        let words = (text.source_as)(&source.name);
        let width = widgets::cell(ui, rest, &words, theme::small(), tokens.weak, Align::Min);
        rest = widgets::span(rest, rest.left() + width + GAP, rest.right());
    }
    widgets::path_cell(ui, rest, folder_of(source), theme::small(), tokens.weak);
    if response.secondary_clicked() && !selected {
        actions.push(Action::Search(SearchAction::Select(row, Pick::Only)));
    }
    let asked = asks_for_menu(model, row, actions);
    if keeps_menu(model, row, selected, &response) {
        context_menu(&response, asked, |ui, menu| {
            menu_ui(ui, menu, model, text, actions);
            if !mine && !source.folder.is_empty() {
                folder_ui(ui, menu, text, source, name, actions);
            }
        });
    }
    if response.double_clicked() && !mine {
        actions.push(download);
    } else if response.clicked() {
        actions.push(Action::Search(SearchAction::Select(row, Pick::Only)));
    }
}

/// Whether the menu key asks for the menu of this row.
fn asks_for_menu(model: &Model, row: usize, actions: &mut Vec<Action>) -> bool {
    let asked = model.wants_menu && model.search.cursor == Some(row);
    if asked {
        actions.push(Action::MenuShown);
    }
    asked
}

/// Whether this row may have a menu: it is about what is selected, and ends when that is something else.
fn keeps_menu(model: &Model, row: usize, selected: bool, response: &Response) -> bool {
    selected || model.search.cursor == Some(row) || response.secondary_clicked()
}

/// Offers the whole folder that a source has the file in.
fn folder_ui(
    ui: &mut Ui,
    menu: &mut Menu,
    text: &Text,
    source: &Source,
    name: &str,
    actions: &mut Vec<Action>,
) {
    if menu.item(ui, egui::Button::new((text.browsing.show_in_folder)(name))) {
        let (peer, folder, file) = (source.peer.clone(), source.folder.clone(), Some(source.name.clone()));
        actions.push(Action::Browse(BrowseAction::Open { peer, folder, file }));
    }
    if menu.item(ui, egui::Button::new((text.moving.download_folder)(&source.folder, name))) {
        let (peer, folder) = (source.peer.clone(), source.folder.clone());
        actions.push(Action::Transfers(TransfersAction::Folder(peer, folder)));
    }
}
