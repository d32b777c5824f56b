//! The columns of the results, and their heads: a click sorts.

use super::super::super::action::{Action, SearchAction};
use super::super::super::model::Model;
use super::super::super::text::Text;
use super::super::super::theme;
use super::super::super::widgets::{self, Icon};
use cardume::node::{Direction, SortKey};
use eframe::egui;
use egui::{Align, Rect, Role, Sense, Ui, WidgetInfo};

/// From so wide on there is a column with the type in words.
const WITH_TYPE: f32 = 640.0;

/// From so wide on the sources are named.
const WITH_NAMES: f32 = 520.0;

/// Where the columns begin and end.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    pub(super) arrow: [f32; 2],
    pub(super) icon: [f32; 2],
    pub(super) name: [f32; 2],
    /// `None` where the window is narrow.
    pub(super) kind: Option<[f32; 2]>,
    pub(super) size: [f32; 2],
    pub(super) sources: [f32; 2],
    pub(super) button: [f32; 2],
}

impl Columns {
    pub(super) fn of(rect: Rect) -> Self {
        let (left, right) = (rect.left(), rect.right());
        let sources_width = if rect.width() < WITH_NAMES {
            // Room for the dots and a number.
            84.0
        } else {
            (rect.width() * 0.27).clamp(110.0, 320.0)
        };
        let button = right - 40.0;
        let sources = button - sources_width;
        let size = sources - 92.0;
        let kind = (rect.width() >= WITH_TYPE).then_some([size - 96.0, size - 4.0]);
        Self {
            arrow: [left + 4.0, left + 28.0],
            icon: [left + 30.0, left + 50.0],
            name: [left + 56.0, kind.map_or(size, |kind| kind[0]) - 8.0],
            kind,
            size: [size, sources - 16.0],
            sources: [sources, button - 8.0],
            button: [button, right - 8.0],
        }
    }
}

/// Draws the heads of the columns; the rows below leave `bar` for their scroll bar.
pub(super) fn header_ui(ui: &mut Ui, model: &Model, text: &Text, bar: f32, actions: &mut Vec<Action>) {
    let (header, _) = ui.allocate_exact_size(egui::vec2(ui.available_width(), theme::FACT), Sense::hover());
    let columns = Columns::of(widgets::span(header, header.left(), header.right() - bar));
    let kind = columns.kind.map(|kind| (kind, SortKey::Type, Align::Min));
    let all = [
        (columns.name, SortKey::Name, Align::Min),
        (columns.size, SortKey::Size, Align::Max),
        (columns.sources, SortKey::Sources, Align::Min),
    ];
    for (column, key, align) in all.into_iter().chain(kind) {
        let rect = widgets::span(header, column[0], column[1]);
        if head_ui(ui, rect, model, text, key, align) {
            actions.push(Action::Search(SearchAction::Sort(key)));
        }
    }
    widgets::hairline(ui);
}

fn head_ui(ui: &Ui, rect: Rect, model: &Model, text: &Text, key: SortKey, align: Align) -> bool {
    let tokens = theme::tokens(ui);
    let name = text.column(key);
    let sort = model.search.sort;
    let sorted = (sort.key == key).then_some(sort.direction);
    let label = match sorted {
        None => (text.finding.sort_by)(name),
        Some(Direction::Ascending) => format!("{name}, {}", text.finding.sorted_up),
        Some(Direction::Descending) => format!("{name}, {}", text.finding.sorted_down),
    };
    let response = ui.interact(rect, ui.scope_id().with(("head", key)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    let lit = response.hovered() || response.has_focus() || sorted.is_some();
    let color = if lit { tokens.text } else { tokens.weak };
    let arrow = if sorted.is_some() { 16.0 } else { 0.0 };
    let words = widgets::span(rect, rect.left(), rect.right() - arrow);
    let width = widgets::cell(ui, words, name, theme::small(), color, align);
    if let Some(direction) = sorted {
        let left = if align == Align::Max { words.right() } else { words.left() + width };
        let icon = if direction == Direction::Ascending { Icon::ArrowUp } else { Icon::ArrowDown };
        icon.paint(ui, widgets::span(rect, left + 1.0, left + 17.0), tokens.accent);
    }
    response.on_hover_text(label).clicked()
}
