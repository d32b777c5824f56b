//! The parts that pages are made of: rows, buttons, cells, bars.
//!
//! Invariant: everything that can be clicked has an accessible label, which is also what tests find it by.

use super::action::{Action, Verb};
pub(crate) use super::icon::Icon;
use super::text::Text;
use super::theme::{self, Tokens};
use eframe::egui;
use egui::{
    Align, Button, Color32, FontId, Id, Rect, Response, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

/// A page's title with what belongs beside it.
pub(crate) fn title_ui(ui: &mut Ui, title: &str) {
    let tokens = theme::tokens(ui);
    let label = ui.label(RichText::new(title).font(theme::title()).color(tokens.text));
    let name = title.to_owned();
    label.widget_info(|| WidgetInfo::labeled(Role::Heading, true, &name));
    ui.add_space(theme::GRID);
}

/// A heading inside a page.
pub(crate) fn heading_ui(ui: &mut Ui, text: &str) {
    let tokens = theme::tokens(ui);
    ui.label(RichText::new(text).font(theme::strong()).color(tokens.text));
}

/// Secondary text that may wrap.
pub(crate) fn weak_ui(ui: &mut Ui, text: &str) {
    let tokens = theme::tokens(ui);
    ui.label(RichText::new(text).color(tokens.weak));
}

/// Text in a meaning colour that may wrap.
pub(crate) fn colored_ui(ui: &mut Ui, text: &str, color: Color32) {
    ui.label(RichText::new(text).color(color));
}

/// The main button of a page.
pub(crate) fn primary_button(ui: &mut Ui, text: &str) -> Response {
    let tokens = theme::tokens(ui);
    let label = RichText::new(text).font(theme::strong()).color(tokens.on_accent);
    ui.add(Button::new(label).fill(tokens.accent_fill).min_size(vec2(0.0, theme::CONTROL)))
}

/// An ordinary button.
pub(crate) fn button(ui: &mut Ui, text: &str) -> Response {
    ui.add(Button::new(text).min_size(vec2(0.0, theme::CONTROL)))
}

/// The button of a verb, with its tooltip and keys.
pub(crate) fn verb_button(ui: &mut Ui, text: &Text, verb: Verb, actions: &mut Vec<Action>) {
    let response = button(ui, verb.label(text)).on_hover_text(tooltip(ui, text, verb));
    if response.clicked() {
        actions.push(Action::Do(verb));
    }
}

/// The main button of a verb.
pub(crate) fn primary_verb_button(ui: &mut Ui, text: &Text, verb: Verb, actions: &mut Vec<Action>) {
    let response = primary_button(ui, verb.label(text)).on_hover_text(tooltip(ui, text, verb));
    if response.clicked() {
        actions.push(Action::Do(verb));
    }
}

/// A verb's tooltip with its first key.
pub(crate) fn tooltip(ui: &Ui, text: &Text, verb: Verb) -> String {
    match verb.keys().first() {
        Some(shortcut) => format!("{} ({})", verb.tooltip(text), ui.ctx().format_shortcut(shortcut)),
        None => verb.tooltip(text).to_owned(),
    }
}

/// A picture to click, at `rect`. `label` is its accessible name and tooltip.
pub(crate) fn icon_button_at(
    ui: &mut Ui,
    rect: Rect,
    salt: impl std::hash::Hash + std::fmt::Debug,
    icon: Icon,
    label: &str,
) -> Response {
    let tokens = theme::tokens(ui);
    let response = ui.interact(rect, ui.scope_id().with(salt), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, theme::RADIUS, tokens.hover);
    }
    icon.paint(ui, rect, if response.hovered() { tokens.accent } else { tokens.weak });
    response.on_hover_text(label)
}

/// A row over the whole width that can be clicked: its background is drawn, its contents are the caller's.
///
/// What is clicked is the place. Where rows move by themselves it has to be [`row_of_ui`].
pub(crate) fn row_ui(ui: &mut Ui, height: f32, selected: bool, label: &str) -> (Rect, Response) {
    let (id, rect) = ui.allocate_space(vec2(ui.available_width(), height));
    row_at(ui, id, rect, selected, label)
}

/// The same for something with an id: clicks and the menu go with it when it moves to another row, and end when it goes.
pub(crate) fn row_of_ui(ui: &mut Ui, id: Id, height: f32, selected: bool, label: &str) -> (Rect, Response) {
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), height));
    row_at(ui, id, rect, selected, label)
}

fn row_at(ui: &Ui, id: Id, rect: Rect, selected: bool, label: &str) -> (Rect, Response) {
    let tokens = theme::tokens(ui);
    let response = ui.interact(rect, id, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, selected, label));
    if selected {
        ui.painter().rect_filled(rect, theme::RADIUS, tokens.selected);
    } else if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, theme::RADIUS, tokens.hover);
    }
    (rect, response)
}

/// A row that only shows something.
pub(crate) fn plain_row_ui(ui: &mut Ui, height: f32, label: &str) -> Rect {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, label));
    rect
}

/// The same, so wide.
pub(crate) fn plain_row_ui_of_width(ui: &mut Ui, width: f32, height: f32, label: &str) -> Rect {
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, label));
    rect
}

/// One line of text in `rect`, cut with an ellipsis where it does not fit. Gives its width.
pub(crate) fn cell(ui: &Ui, rect: Rect, text: &str, font: FontId, color: Color32, align: Align) -> f32 {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width().max(0.0));
    let galley = ui.painter().layout_job(job);
    let size = galley.size();
    let x = match align {
        Align::Min => rect.left(),
        Align::Center => rect.center().x - size.x / 2.0,
        Align::Max => rect.right() - size.x,
    };
    ui.painter().galley(pos2(x, rect.center().y - size.y / 2.0), galley, color);
    size.x
}

/// Draws a folder's path with its end, which says most, if it does not fit as a whole; nothing where even its last name
/// would not be readable.
pub(crate) fn path_cell(ui: &Ui, rect: Rect, path: &str, font: FontId, color: Color32) {
    /// Less is a letter or two and an ellipsis.
    const READABLE: f32 = 40.0;
    if rect.width() < READABLE {
        return;
    }
    let fits = |text: &str| {
        ui.painter().layout_no_wrap(text.to_owned(), font.clone(), color).size().x <= rect.width()
    };
    let ends = path.match_indices('/').map(|(slash, _)| format!("…{}", &path[slash..]));
    let shown = std::iter::once(path.to_owned()).chain(ends).find(|text| fits(text));
    let last = || path.rsplit('/').next().unwrap_or(path).to_owned();
    cell(ui, rect, &shown.unwrap_or_else(last), font, color, Align::Min);
}

/// The part of a row from `left` to `right`.
pub(crate) fn span(row: Rect, left: f32, right: f32) -> Rect {
    Rect::from_min_max(pos2(left, row.top()), pos2(right.max(left), row.bottom()))
}

/// A peer's dot and name in `rect`; gives the width.
pub(crate) fn peer_cell(ui: &Ui, rect: Rect, hue: Option<usize>, name: &str, font: FontId) -> f32 {
    let tokens = theme::tokens(ui);
    let color = hue_color(tokens, hue);
    ui.painter().circle_filled(pos2(rect.left() + 5.0, rect.center().y), 4.0, color);
    16.0 + cell(ui, span(rect, rect.left() + 16.0, rect.right()), name, font, tokens.text, Align::Min)
}

/// The hue of a peer; grey for one that is not a member.
pub(crate) fn hue_color(tokens: &Tokens, hue: Option<usize>) -> Color32 {
    hue.and_then(|index| tokens.peers.get(index % tokens.peers.len())).copied().unwrap_or(tokens.weak)
}

/// A bar that is full at 1.
pub(crate) fn bar(ui: &Ui, rect: Rect, fraction: f32, color: Color32) {
    let tokens = theme::tokens(ui);
    let rect = Rect::from_center_size(rect.center(), vec2(rect.width(), theme::BAR));
    ui.painter().rect_filled(rect, theme::BAR / 2.0, tokens.line);
    let full = span(rect, rect.left(), rect.left() + rect.width() * fraction.clamp(0.0, 1.0));
    ui.painter().rect_filled(full, theme::BAR / 2.0, color);
}

/// How far `done` of `size` is; not at all while the size is not known.
pub(crate) fn fraction(done: u64, size: u64) -> f32 {
    if size == 0 {
        return 0.0;
    }
    let thousandths = u128::from(done.min(size)) * 1_000 / u128::from(size);
    f32::from(u16::try_from(thousandths).unwrap_or(1_000)) / 1_000.0
}

/// The height of so many rows.
pub(crate) fn rows_height(count: usize, row: f32) -> f32 {
    let half = |number: usize| f32::from(u16::try_from(number & 0xffff).unwrap_or(u16::MAX));
    half(count >> 16).mul_add(65_536.0, half(count)) * row
}

/// Scrolls to a row of a list that is drawn from its row `first` on, at once.
pub(crate) fn scroll_to_row(ui: &Ui, row: usize, first: usize, height: f32) {
    let top = ui.max_rect().top() + rows_height(row, height) - rows_height(first, height);
    let rect = Rect::from_min_size(pos2(ui.max_rect().left(), top), vec2(1.0, height));
    ui.scroll_to_rect_animation(rect, None, egui::style::ScrollAnimation::none());
}

/// A line across.
pub(crate) fn hairline(ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    ui.painter().rect_filled(rect, 0.0, tokens.line);
}

/// A page without content says what to do next.
pub(crate) fn empty_ui(ui: &mut Ui, icon: Icon, title: &str, hint: &str, button: impl FnOnce(&mut Ui)) {
    let tokens = theme::tokens(ui);
    let above = (ui.available_height() * 0.22).max(theme::GRID);
    ui.add_space(above);
    ui.vertical_centered(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(48.0, 48.0), Sense::hover());
        ui.painter().circle_filled(rect.center(), 24.0, tokens.raised);
        icon.paint_large(ui, rect, tokens.weak);
        ui.label(RichText::new(title).font(theme::strong()).color(tokens.text));
        ui.label(RichText::new(hint).color(tokens.weak));
        ui.add_space(theme::GRID);
        button(ui);
    });
}
