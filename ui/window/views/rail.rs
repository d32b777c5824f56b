//! The rail: who this peer is, the pages, the shortcuts.

use super::super::action::{Action, Page, Verb};
use super::super::logo;
use super::super::model::Model;
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use eframe::egui;
use egui::{Align, Rect, Role, Sense, Ui, WidgetInfo, vec2};

/// Draws the rail; without words where the window is narrow.
pub(crate) fn rail_ui(ui: &mut Ui, model: &Model, text: &Text, narrow: bool) -> Vec<Action> {
    let mut actions = Vec::new();
    ui.spacing_mut().item_spacing.y = 2.0;
    identity_ui(ui, model, text, narrow);
    for page in Page::ALL {
        let badge = badge(model, page);
        if item_ui(ui, text, Verb::Go(page), model.page == page, badge.as_deref(), narrow) {
            actions.push(Action::Do(Verb::Go(page)));
        }
    }
    let left_over = ui.available_height() - theme::ROW - theme::GRID;
    ui.add_space(left_over.max(0.0));
    if item_ui(ui, text, Verb::Shortcuts, model.help, None, narrow) {
        actions.push(Action::Do(Verb::Shortcuts));
    }
    actions
}

/// The program's icon with this peer's hue at its corner, then who it is.
fn identity_ui(ui: &mut Ui, model: &Model, text: &Text, narrow: bool) {
    let tokens = theme::tokens(ui);
    let status = &model.view.status;
    let role = text.role(&status.role);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 52.0), Sense::hover());
    let label = (text.row_member)(&status.name, role);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &label));
    let middle = if narrow { rect.center() } else { rect.left_center() + vec2(18.0, 0.0) } - vec2(0.0, 3.0);
    let icon = Rect::from_center_size(middle, vec2(theme::LOGO, theme::LOGO));
    logo::paint(ui, icon);
    let hue = widgets::hue_color(tokens, model.hue(&status.peer_id));
    let corner = icon.max - vec2(2.0, 2.0);
    ui.painter().circle_filled(corner, 6.5, tokens.rail);
    ui.painter().circle_filled(corner, 4.5, hue);
    if !narrow {
        let line = |from: f32, to: f32| {
            Rect::from_min_max(rect.min + vec2(44.0, from), egui::pos2(rect.right(), rect.top() + to))
        };
        widgets::cell(ui, line(5.0, 23.0), &status.name, theme::strong(), tokens.text, Align::Min);
        widgets::cell(ui, line(23.0, 41.0), role, theme::small(), tokens.weak, Align::Min);
    }
    response.on_hover_text(label);
}

/// What a page has to say from the rail: downloads that run, peers that are missing.
fn badge(model: &Model, page: Page) -> Option<String> {
    match page {
        Page::Transfers => {
            let open = |state: &str| matches!(state, "running" | "waiting");
            let count = model.view.transfers.iter().filter(|transfer| open(&transfer.state)).count();
            (count > 0).then(|| count.to_string())
        }
        Page::Group => {
            let quorum = &model.view.status.quorum;
            (quorum.reachable < quorum.needed).then(|| "!".to_owned())
        }
        Page::Search | Page::Library | Page::Activity => None,
    }
}

fn item_ui(ui: &mut Ui, text: &Text, verb: Verb, selected: bool, badge: Option<&str>, narrow: bool) -> bool {
    let tokens = theme::tokens(ui);
    let label = verb.label(text);
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), theme::ROW + 2.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, selected, label));
    if selected {
        ui.painter().rect_filled(rect, theme::RADIUS, tokens.selected);
    } else if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, theme::RADIUS, tokens.hover);
    }
    let color = if selected { tokens.accent } else { tokens.weak };
    let icon = if narrow { rect } else { widgets::span(rect, rect.left() + 8.0, rect.left() + 24.0) };
    let picture = verb.icon().unwrap_or(Icon::Help);
    if selected {
        picture.paint_filled(ui, icon, color);
    } else {
        picture.paint(ui, icon, color);
    }
    if !narrow {
        let font = if selected { theme::strong() } else { theme::body() };
        let words =
            widgets::span(rect, rect.left() + 32.0, rect.right() - if badge.is_some() { 28.0 } else { 4.0 });
        widgets::cell(ui, words, label, font, tokens.text, Align::Min);
    }
    if let Some(badge) = badge {
        let corner = if narrow { rect.translate(vec2(-2.0, -8.0)) } else { rect.translate(vec2(-10.0, 0.0)) };
        widgets::cell(ui, corner, badge, theme::small(), tokens.accent, Align::Max);
    }
    let clicked = response.clicked();
    response.on_hover_text(widgets::tooltip(ui, text, verb));
    clicked
}
