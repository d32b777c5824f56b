//! The parts that pages are made of: icons, rows, buttons, cells, bars.
//!
//! Invariant: everything that can be clicked has an accessible label, which is also what tests find it by.

use super::action::{Action, Verb};
use super::text::Text;
use super::theme::{self, Tokens};
use eframe::egui;
use egui::{
    Align, Align2, Button, Color32, FontId, Pos2, Rect, Response, RichText, Role, Sense, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};
use std::f32::consts::TAU;

/// A drawn picture: no icon font, so no missing glyphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    /// A magnifier.
    Search,
    /// Arrows up and down.
    Transfers,
    /// A folder.
    Folder,
    /// A ring of peers around one.
    Group,
    /// A pulse.
    Activity,
    /// An arrow onto a line.
    Download,
    /// Closed: points right.
    Right,
    /// Open: points down.
    Down,
    /// A cross.
    Close,
    /// A tick.
    Check,
    /// A question mark in a circle.
    Help,
    /// To the one before.
    Earlier,
    /// To the next one.
    Later,
    /// A triangle.
    Play,
    /// Two bars.
    Hold,
    /// Three dots.
    More,
}

impl Icon {
    /// Draws it into the middle of `rect`.
    pub(crate) fn paint(self, ui: &Ui, rect: Rect, color: Color32) {
        let square = Rect::from_center_size(rect.center(), vec2(theme::ICON, theme::ICON));
        // Points are on a grid of 16 by 16.
        let at = |x: f32, y: f32| square.min + vec2(x, y) * (theme::ICON / 16.0);
        let stroke = Stroke::new(1.5, color);
        let painter = ui.painter();
        let line = |points: &[(f32, f32)]| {
            painter.line(points.iter().map(|(x, y)| at(*x, *y)).collect(), stroke);
        };
        match self {
            Self::Search => {
                painter.circle_stroke(at(7.0, 7.0), 4.5, stroke);
                line(&[(10.5, 10.5), (14.0, 14.0)]);
            }
            Self::Transfers => {
                line(&[(5.0, 2.5), (5.0, 13.5)]);
                line(&[(2.0, 10.5), (5.0, 13.5), (8.0, 10.5)]);
                line(&[(11.0, 13.5), (11.0, 2.5)]);
                line(&[(8.0, 5.5), (11.0, 2.5), (14.0, 5.5)]);
            }
            Self::Folder => line(&[
                (2.0, 13.0),
                (2.0, 3.5),
                (6.5, 3.5),
                (8.0, 5.5),
                (14.0, 5.5),
                (14.0, 13.0),
                (2.0, 13.0),
            ]),
            Self::Group => paint_ring(ui, square.center(), color),
            Self::Activity => {
                line(&[(1.5, 8.0), (4.5, 8.0), (6.5, 3.0), (9.5, 13.0), (11.5, 8.0), (14.5, 8.0)]);
            }
            Self::Download => {
                line(&[(8.0, 2.0), (8.0, 10.5)]);
                line(&[(4.5, 7.0), (8.0, 10.5), (11.5, 7.0)]);
                line(&[(3.0, 13.5), (13.0, 13.5)]);
            }
            Self::Right => line(&[(6.0, 4.0), (10.0, 8.0), (6.0, 12.0)]),
            Self::Down => line(&[(4.0, 6.0), (8.0, 10.0), (12.0, 6.0)]),
            Self::Close => {
                line(&[(4.0, 4.0), (12.0, 12.0)]);
                line(&[(12.0, 4.0), (4.0, 12.0)]);
            }
            Self::Check => line(&[(3.0, 8.5), (6.5, 12.0), (13.0, 4.5)]),
            Self::Earlier => {
                line(&[(3.5, 3.5), (3.5, 12.5)]);
                line(&[(12.0, 3.5), (6.5, 8.0), (12.0, 12.5)]);
            }
            Self::Later => {
                line(&[(12.5, 3.5), (12.5, 12.5)]);
                line(&[(4.0, 3.5), (9.5, 8.0), (4.0, 12.5)]);
            }
            Self::Play => line(&[(5.0, 3.0), (13.0, 8.0), (5.0, 13.0), (5.0, 3.0), (13.0, 8.0)]),
            Self::Hold => {
                line(&[(5.5, 3.5), (5.5, 12.5)]);
                line(&[(10.5, 3.5), (10.5, 12.5)]);
            }
            Self::More => {
                for x in [3.5, 8.0, 12.5] {
                    painter.circle_filled(at(x, 8.0), 1.4, color);
                }
            }
            Self::Help => {
                painter.circle_stroke(at(8.0, 8.0), 6.5, stroke);
                painter.text(at(8.0, 8.0), Align2::CENTER_CENTER, "?", theme::small(), color);
            }
        }
    }
}

/// Five peers around, one of them leading.
fn paint_ring(ui: &Ui, center: Pos2, color: Color32) {
    for (index, step) in [0.0_f32, 1.0, 2.0, 3.0, 4.0].into_iter().enumerate() {
        let angle = step / 5.0 * TAU - TAU / 4.0;
        let point = center + 5.5 * egui::Vec2::angled(angle);
        let radius = if index == 0 { 2.6 } else { 1.6 };
        ui.painter().circle_filled(point, radius, color);
    }
}

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
pub(crate) fn row_ui(ui: &mut Ui, height: f32, selected: bool, label: &str) -> (Rect, Response) {
    let tokens = theme::tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
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

/// How far `done` of `size` is.
pub(crate) fn fraction(done: u64, size: u64) -> f32 {
    if size == 0 {
        return 1.0;
    }
    let thousandths = u128::from(done.min(size)) * 1_000 / u128::from(size);
    f32::from(u16::try_from(thousandths).unwrap_or(1_000)) / 1_000.0
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
        icon.paint(ui, rect, tokens.weak);
        ui.label(RichText::new(title).font(theme::strong()).color(tokens.text));
        ui.label(RichText::new(hint).color(tokens.weak));
        ui.add_space(theme::GRID);
        button(ui);
    });
}
