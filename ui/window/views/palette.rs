//! The palette: everything that can be done, found by typing.

use super::super::action::{Action, PaletteAction, Verb};
use super::super::model::Model;
use super::super::model::palette::{Item, MAX_TYPED, Palette, items};
use super::super::reduce::Field;
use super::super::text::Text;
use super::super::theme;
use super::super::widgets;
use super::id_of;
use eframe::egui;
use egui::{Align, Align2, Id, Modal, ScrollArea, TextEdit, Ui, vec2};

/// Width of the palette; less where the window is narrow.
const WIDTH: f32 = 560.0;
/// The most rows at once.
const MAX_ROWS: f32 = 10.0;
/// What the palette has besides its rows, and the space around it.
const ROOM: f32 = 160.0;
/// From the upper edge of the window.
const TOP: f32 = 56.0;

/// Draws the palette, if it is open.
pub(super) fn palette_ui(ui: &Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let Some(palette) = &model.palette else { return };
    let tokens = theme::tokens(ui);
    let id = Id::unique("palette");
    let area = Modal::default_area(id).anchor(Align2::CENTER_TOP, vec2(0.0, TOP));
    let width = WIDTH.min(ui.ctx().content_rect().width() - 64.0);
    let modal = Modal::new(id).area(area).frame(theme::floating_frame(tokens)).show(ui.ctx(), |ui| {
        ui.set_width(width);
        field_ui(ui, palette, text, actions);
        list_ui(ui, model, palette, text, actions);
    });
    if modal.backdrop_response.clicked() {
        actions.push(Action::Do(Verb::Escape));
    }
}

fn field_ui(ui: &mut Ui, palette: &Palette, text: &Text, actions: &mut Vec<Action>) {
    let mut typed = palette.typed.clone();
    let field = TextEdit::singleline(&mut typed)
        .id(id_of(Field::Palette))
        .hint_text(text.finding.palette_hint)
        .char_limit(MAX_TYPED)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(10, 8));
    let response = ui.add(field).accessible_name(text.finding.palette_field);
    if !response.has_focus() {
        // All keys are the palette's while it is open.
        response.request_focus();
    }
    if response.changed() {
        actions.push(Action::Palette(PaletteAction::Typed(typed)));
    }
}

fn list_ui(ui: &mut Ui, model: &Model, palette: &Palette, text: &Text, actions: &mut Vec<Action>) {
    let items = items(model);
    if items.is_empty() {
        widgets::weak_ui(ui, text.finding.nothing_fits);
        return;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    // As high as it may be from the first frame on: what lies over the page has no height of its own yet.
    let room = (ui.ctx().content_rect().height() - ROOM).max(theme::ROW);
    let height = room.min(MAX_ROWS * theme::ROW);
    let area =
        ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, true]);
    area.show_rows(ui, theme::ROW, items.len(), |ui, range| {
        if palette.reveal {
            widgets::scroll_to_row(ui, palette.cursor, range.start, theme::ROW);
            actions.push(Action::Palette(PaletteAction::Revealed));
        }
        for number in range {
            if let Some(item) = items.get(number)
                && item_ui(ui, item, number == palette.cursor)
            {
                actions.push(Action::Palette(PaletteAction::Run(number)));
            }
        }
    });
}

fn item_ui(ui: &mut Ui, item: &Item, selected: bool) -> bool {
    let tokens = theme::tokens(ui);
    let keys = item.keys.map(|keys| ui.ctx().format_shortcut(&keys)).unwrap_or_default();
    let (rect, response) = widgets::row_ui(ui, theme::ROW, selected, &item.label);
    let icon = widgets::span(rect, rect.left() + 8.0, rect.left() + 24.0);
    match item.hue {
        None => item.icon.paint(ui, icon, if selected { tokens.accent } else { tokens.weak }),
        hue => drop(ui.painter().circle_filled(icon.center(), 4.0, widgets::hue_color(tokens, hue))),
    }
    let words = widgets::span(rect, rect.left() + 34.0, rect.right() - 8.0);
    let keys_width = widgets::cell(ui, words, &keys, theme::small(), tokens.weak, Align::Max);
    let words = widgets::span(words, words.left(), words.right() - keys_width - 12.0);
    let width = widgets::cell(ui, words, &item.label, theme::body(), tokens.text, Align::Min);
    let rest = widgets::span(words, words.left() + width + 12.0, words.right());
    if rest.width() > 60.0 {
        widgets::cell(ui, rest, &item.detail, theme::small(), tokens.weak, Align::Min);
    }
    response.clicked()
}
