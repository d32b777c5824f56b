//! The status bar: always true, and each part leads to its page. Where it does not fit, parts become
//! shorter from the least to the most important; none is cut in the middle of a figure.

use super::super::action::{Action, Page, Verb};
use super::super::model::Model;
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use super::notice;
use eframe::egui;
use egui::{Align, Color32, Layout, Response, Role, Sense, Ui, WidgetInfo, vec2};

/// Space between two parts.
const GAP: f32 = 4.0;
/// Width of the bell with its number.
const BELL: f32 = 48.0;
/// The narrowest that the last, cut part becomes.
const NARROWEST: f32 = 80.0;

/// What stands before a part's words.
enum Mark {
    Nothing,
    Dot(Color32),
    Icon(Icon, Color32),
}

/// A part of the bar.
struct Part {
    mark: Mark,
    /// What it says, and its accessible name whatever is drawn.
    words: String,
    /// The same in a few letters; none at all: the mark alone says it.
    short: String,
    tip: String,
    page: Page,
    /// In which order parts become short: the lowest first.
    rank: u8,
}

/// Draws the status bar.
pub(crate) fn status_bar_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    let parts = parts(ui, model, text);
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = GAP;
        let room = ui.available_width() - BELL;
        let is_short = shortened(ui, &parts, room);
        let mut left = room;
        for (part, is_short) in parts.iter().zip(is_short) {
            let words = if is_short { &part.short } else { &part.words };
            let width = width_of(ui, part, words).min(left.max(0.0));
            left -= width + GAP;
            if width < NARROWEST.min(width_of(ui, part, words)) {
                continue;
            }
            if part_ui(ui, part, words, width).on_hover_text(&part.tip).clicked() {
                actions.push(Action::Do(Verb::Go(part.page)));
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| bell_ui(ui, model, text, &mut actions));
    });
    actions
}

fn parts(ui: &Ui, model: &Model, text: &Text) -> Vec<Part> {
    let tokens = theme::tokens(ui);
    let status = &model.view.status;
    let notice = notice(model, text);
    let part = |mark: Mark, words: String, short: String, page: Page, rank: u8| {
        let tip = format!("{words}\n{}", Verb::Go(page).tooltip(text));
        Part { mark, words, short, tip, page, rank }
    };
    let (color, tracker, short) = match &status.tracker {
        Some(tracker) => {
            let short = (text.finding.tracker_short)(&tracker.name, status.epoch);
            (tokens.ok, (text.tracker_is)(&tracker.name, status.epoch), short)
        }
        None => (tokens.warning, text.no_tracker.to_owned(), text.no_tracker.to_owned()),
    };
    let mut parts = vec![part(Mark::Dot(color), tracker, short, Page::Group, 4)];
    if !matches!(notice, Some((_, true))) {
        let here = model.view.members.iter().filter(|member| member.connected || member.me).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (here, of) = (count(here), count(model.view.members.len()));
        parts.push(part(Mark::Nothing, (text.peers_here)(here, of), format!("{here}/{of}"), Page::Group, 3));
    }
    if let Some((sentence, is_grave)) = notice {
        let color = if is_grave { tokens.error } else { tokens.warning };
        parts.push(part(Mark::Dot(color), sentence.clone(), sentence, Page::Group, 9));
    }
    let files = status.index.files;
    let mark = Mark::Icon(Icon::File, tokens.weak);
    parts.push(part(mark, (text.files)(files), text.number(files), Page::Search, 2));
    for (icon, rate) in [(Icon::Download, status.rate_down), (Icon::Upload, status.rate_up)] {
        if rate > 0 {
            let mark = Mark::Icon(icon, tokens.accent);
            parts.push(part(mark, text.rate(rate), text.rate(rate), Page::Transfers, 5));
        }
    }
    parts.push(names_part(ui, model, text));
    parts
}

fn names_part(ui: &Ui, model: &Model, text: &Text) -> Part {
    let tokens = theme::tokens(ui);
    let (mark, tip) = if model.view.status.names.reachable {
        (Mark::Icon(Icon::Check, tokens.ok), text.name_service_up)
    } else {
        (Mark::Icon(Icon::Close, tokens.error), text.name_service_down)
    };
    let words = text.name_service.to_owned();
    Part { mark, words, short: String::new(), tip: tip.to_owned(), page: Page::Activity, rank: 1 }
}

/// Which parts are shortened so that all fit.
fn shortened(ui: &Ui, parts: &[Part], room: f32) -> Vec<bool> {
    let mut short = vec![false; parts.len()];
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|number| parts[*number].rank);
    let width = |number: usize, short: bool| {
        let part = &parts[number];
        width_of(ui, part, if short { &part.short } else { &part.words }) + GAP
    };
    let mut total: f32 = (0..parts.len()).map(|number| width(number, false)).sum();
    for number in order {
        if total <= room {
            break;
        }
        short[number] = true;
        total -= width(number, false) - width(number, true);
    }
    short
}

fn width_of(ui: &Ui, part: &Part, words: &str) -> f32 {
    let galley = ui.painter().layout_no_wrap(words.to_owned(), theme::small(), Color32::PLACEHOLDER);
    let before = if matches!(part.mark, Mark::Nothing) { 0.0 } else { 18.0 };
    galley.size().x + before + if words.is_empty() { 10.0 } else { 16.0 }
}

fn part_ui(ui: &mut Ui, part: &Part, words: &str, width: f32) -> Response {
    let tokens = theme::tokens(ui);
    let before = if matches!(part.mark, Mark::Nothing) { 0.0 } else { 18.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(width, theme::STATUS_BAR - 6.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &part.words));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, theme::RADIUS, tokens.hover);
    }
    let place = widgets::span(rect, rect.left() + 6.0, rect.left() + 22.0);
    match part.mark {
        Mark::Nothing => {}
        Mark::Dot(color) => drop(ui.painter().circle_filled(place.center(), 4.0, color)),
        Mark::Icon(icon, color) => icon.paint(ui, place, color),
    }
    let inside = widgets::span(rect, rect.left() + before + 8.0, rect.right() - 4.0);
    widgets::cell(ui, inside, words, theme::small(), tokens.text, Align::Min);
    response
}

/// The bell: how many messages are new, and the way to all of them.
fn bell_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let unseen = model.unseen();
    let label = (text.finding.unseen)(unseen);
    let (rect, response) = ui.allocate_exact_size(vec2(BELL - GAP, theme::STATUS_BAR - 6.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    if response.hovered() || response.has_focus() || model.notes_open {
        ui.painter().rect_filled(rect, theme::RADIUS, tokens.hover);
    }
    let place = widgets::span(rect, rect.left() + 4.0, rect.left() + 20.0);
    if unseen == 0 {
        Icon::Bell.paint(ui, place, tokens.weak);
    } else {
        Icon::Bell.paint_filled(ui, place, tokens.accent);
        let count = if unseen > 99 { "99+".to_owned() } else { unseen.to_string() };
        let words = widgets::span(rect, place.right() + 2.0, rect.right());
        widgets::cell(ui, words, &count, theme::small(), tokens.accent, Align::Min);
    }
    if response.on_hover_text(label).clicked() {
        actions.push(Action::Do(Verb::Messages));
    }
}
