//! The rows of a folder: only those on screen are drawn.

use super::super::super::action::{Action, BrowseAction, Verb};
use super::super::super::menu::context_menu;
use super::super::super::model::Model;
use super::super::super::model::browse::Browse;
use super::super::super::reduce::Field;
use super::super::super::text::Text;
use super::super::super::theme;
use super::super::super::widgets::{self, Icon};
use super::super::id_of;
use cardume::node::Entry;
use eframe::egui;
use egui::{Align, EventFilter, Id, Rect, Response, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};
use std::ops::Range;

/// Width of the mark at the row that the keyboard is at.
const CURSOR: f32 = 3.0;

/// Where the columns begin and end.
struct Columns {
    icon: Rect,
    name: Rect,
    files: Rect,
    size: Rect,
    button: Rect,
}

impl Columns {
    fn of(row: Rect) -> Self {
        let right = row.right();
        let (files, size) = ((row.width() * 0.16).clamp(64.0, 130.0), 96.0);
        let part = |from: f32, to: f32| widgets::span(row, from, to);
        let button = right - 40.0;
        let left = row.left();
        Self {
            icon: part(left + 8.0, left + 28.0),
            name: part(left + 34.0, button - size - files - 8.0),
            files: part(button - size - files, button - size - 8.0),
            size: part(button - size, button - 12.0),
            button: part(button, right - 8.0),
        }
    }
}

/// Draws the rows under their heads.
pub(super) fn rows_ui(ui: &mut Ui, model: &Model, browse: &Browse, text: &Text, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let count = browse.rows.len();
    let scrolls = widgets::rows_height(count, theme::ROW) > ui.available_height() - theme::FACT;
    let bar = if scrolls { ui.spacing().scroll.allocated_width() } else { 0.0 };
    header_ui(ui, text, bar);
    focus_ui(ui, model, text);
    let mut area = ScrollArea::vertical().id_salt("folder").auto_shrink(false);
    if browse.to_top && !browse.reveal {
        area = area.vertical_scroll_offset(0.0);
        actions.push(Action::Browse(BrowseAction::Revealed));
    }
    area.show_rows(ui, theme::ROW, count, |ui, range| {
        if browse.visible != range {
            actions.push(Action::Browse(BrowseAction::Visible(range.clone())));
        }
        reveal(ui, browse, &range, actions);
        for (row, entry) in range.clone().zip(browse.rows.get(range).unwrap_or_default()) {
            row_ui(ui, model, browse, text, (row, entry), actions);
        }
    });
}

fn header_ui(ui: &mut Ui, text: &Text, bar: f32) {
    let tokens = theme::tokens(ui);
    let (header, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme::FACT), Sense::hover());
    let columns = Columns::of(widgets::span(header, header.left(), header.right() - bar));
    let heads = [
        (columns.name, text.column_name, Align::Min),
        (columns.files, text.browsing.column_files, Align::Max),
        (columns.size, text.column_size, Align::Max),
    ];
    for (rect, name, align) in heads {
        widgets::cell(ui, rect, name, theme::small(), tokens.weak, align);
    }
    widgets::hairline(ui);
}

/// What has the keys while the person is among the rows. Arrows stay with it.
fn focus_ui(ui: &Ui, model: &Model, text: &Text) {
    let id = id_of(Field::Folder);
    let rect = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), 1.0));
    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::List, true, text.browsing.list));
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    let is_free = !model.is_covered() && !egui::Popup::is_any_open(ui.ctx());
    ui.memory_mut(|memory| {
        if is_free && memory.focused().is_none() {
            memory.request_focus(id);
        }
        memory.set_focus_lock_filter(id, filter);
    });
}

/// Scrolls to the row that the cursor was moved to by a key.
fn reveal(ui: &Ui, browse: &Browse, range: &Range<usize>, actions: &mut Vec<Action>) {
    let Some(cursor) = browse.cursor.filter(|_| browse.reveal) else { return };
    widgets::scroll_to_row(ui, cursor, range.start, theme::ROW);
    actions.push(Action::Browse(BrowseAction::Revealed));
}

fn row_ui(
    ui: &mut Ui,
    model: &Model,
    browse: &Browse,
    text: &Text,
    (row, entry): (usize, &Entry),
    actions: &mut Vec<Action>,
) {
    let tokens = theme::tokens(ui);
    let words = &text.browsing;
    let (icon, files, bytes, label) = match entry {
        Entry::Folder { name, below } => {
            let size = text.bytes(below.bytes);
            let label = (words.row_folder)(name.as_str(), below.files, &size);
            (Icon::Folder, text.number(below.files), size, label)
        }
        Entry::File { name, state, .. } => {
            let size = text.bytes(state.size);
            let label = (words.row_file)(name.as_str(), &size);
            let label = if state.content.is_none() { (words.row_hashing)(&label) } else { label };
            (Icon::of_file(name.as_str()), String::new(), size, label)
        }
    };
    let selected = browse.cursor == Some(row);
    let id = id_of_entry(browse, entry);
    let (rect, response) = widgets::row_of_ui(ui, id, theme::ROW, selected, &label);
    if selected {
        let mark = Rect::from_min_size(rect.min, vec2(CURSOR, rect.height()));
        ui.painter().rect_filled(mark, CURSOR / 2.0, tokens.accent);
    }
    let columns = Columns::of(rect);
    let is_folder = matches!(entry, Entry::Folder { .. });
    icon.paint(ui, columns.icon, if is_folder { tokens.accent } else { tokens.weak });
    let name = entry.name().as_str();
    let used = widgets::cell(ui, columns.name, name, theme::body(), tokens.text, Align::Min);
    if matches!(entry, Entry::File { state, .. } if state.content.is_none()) {
        let rest = widgets::span(columns.name, columns.name.left() + used + 12.0, columns.name.right());
        widgets::cell(ui, rest, text.still_hashing, theme::small(), tokens.warning, Align::Min);
    }
    widgets::cell(ui, columns.files, &files, theme::body(), tokens.weak, Align::Max);
    widgets::cell(ui, columns.size, &bytes, theme::body(), tokens.weak, Align::Max);
    button_ui(ui, model, browse, text, entry, columns.button, actions);
    clicks(&response, entry, actions);
    menu_ui(&response, model, browse, text, (row, entry), actions);
}

/// The id of what a row shows: rows move when something comes or goes.
fn id_of_entry(browse: &Browse, entry: &Entry) -> Id {
    let folder = browse.folder.as_str();
    match entry {
        Entry::Folder { name, .. } => Id::unique(("folder", folder, name.as_str())),
        Entry::File { name, key, .. } => Id::unique(("file", folder, name.as_str(), *key)),
    }
}

fn clicks(response: &Response, entry: &Entry, actions: &mut Vec<Action>) {
    if response.double_clicked() {
        actions.push(Action::Browse(BrowseAction::Enter(entry.place())));
    } else if response.clicked() || response.secondary_clicked() {
        actions.push(Action::Browse(BrowseAction::Select(entry.place())));
    }
}

fn is_own(model: &Model, browse: &Browse) -> bool {
    browse.peer.to_string() == model.view.status.peer_id
}

/// The button that downloads a file or a folder, or what became of it.
fn button_ui(
    ui: &mut Ui,
    model: &Model,
    browse: &Browse,
    text: &Text,
    entry: &Entry,
    rect: Rect,
    actions: &mut Vec<Action>,
) {
    if is_own(model, browse) {
        return;
    }
    let tokens = theme::tokens(ui);
    let name = entry.name().as_str();
    let transfer = match entry {
        Entry::Folder { name, .. } => browse
            .inner(name)
            .and_then(|inner| model.transfer_of_folder(&browse.peer.to_string(), inner.as_str())),
        Entry::File { state, .. } => {
            state.content.and_then(|content| model.transfer_of(&content.to_string()))
        }
    };
    if matches!(entry, Entry::File { state, .. } if state.content.is_none()) {
        return;
    }
    let is_folder = matches!(entry, Entry::Folder { .. });
    let icon = match transfer.map(|transfer| (transfer, transfer.state.as_str())) {
        Some((_, "finished")) if !is_folder => return Icon::Check.paint(ui, rect, tokens.ok),
        Some((transfer, "running" | "waiting")) => {
            return widgets::bar(ui, rect, widgets::fraction(transfer.done, transfer.size), tokens.accent);
        }
        // There may be more in a folder by now.
        Some((_, "finished")) => Icon::Check,
        _ => Icon::Download,
    };
    let place = Rect::from_center_size(rect.center(), vec2(26.0, 24.0));
    let label = match entry {
        Entry::Folder { .. } => (text.moving.download_folder)(name, &model.name_of(browse.peer)),
        Entry::File { .. } => (text.download_named)(name),
    };
    if widgets::icon_button_at(ui, place, ("get", id_of_entry(browse, entry)), icon, &label).clicked() {
        actions.push(Action::Browse(BrowseAction::Download(entry.place())));
    }
}

/// What can be done with a row.
fn menu_ui(
    response: &Response,
    model: &Model,
    browse: &Browse,
    text: &Text,
    (row, entry): (usize, &Entry),
    actions: &mut Vec<Action>,
) {
    let is_folder = matches!(entry, Entry::Folder { .. });
    let has_content = matches!(entry, Entry::File { state, .. } if state.content.is_some());
    let asked = model.wants_menu && browse.cursor == Some(row);
    if asked {
        actions.push(Action::MenuShown);
    }
    context_menu(response, asked, |ui, menu| {
        let mut item = |ui: &mut Ui, label: &str, action: BrowseAction| {
            if menu.item(ui, egui::Button::new(label)) {
                actions.push(Action::Browse(action));
            }
        };
        if is_folder {
            item(ui, text.browsing.open, BrowseAction::Enter(entry.place()));
        }
        if !is_own(model, browse) && (is_folder || has_content) {
            item(ui, Verb::Download.label(text), BrowseAction::Download(entry.place()));
        }
        if has_content {
            item(ui, Verb::CopyLink.label(text), BrowseAction::CopyLink(entry.place()));
        }
    });
}
