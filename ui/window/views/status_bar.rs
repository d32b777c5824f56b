//! The status bar: always true, and each part leads to its page.

use super::super::action::{Action, Page, Verb};
use super::super::model::Model;
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use super::notice;
use eframe::egui;
use egui::{Align, Color32, Layout, Response, Role, Sense, Ui, WidgetInfo, vec2};

/// What stands before a part's words.
enum Mark {
    Nothing,
    Dot(Color32),
    Icon(Icon, Color32),
}

/// Draws the status bar.
pub(crate) fn status_bar_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let mut go = |ui: &mut Ui, mark: Mark, words: &str, tip: &str, page: Page| {
            if part_ui(ui, &mark, words).on_hover_text(tip).clicked() {
                actions.push(Action::Do(Verb::Go(page)));
            }
        };
        parts_ui(ui, model, text, &mut go);
    });
    actions
}

fn parts_ui(ui: &mut Ui, model: &Model, text: &Text, go: &mut impl FnMut(&mut Ui, Mark, &str, &str, Page)) {
    let tokens = theme::tokens(ui);
    let status = &model.view.status;
    let (color, tracker) = match &status.tracker {
        Some(tracker) => (tokens.ok, (text.tracker_is)(&tracker.name, status.epoch)),
        None => (tokens.warning, text.no_tracker.to_owned()),
    };
    go(ui, Mark::Dot(color), &tracker, text.group_tip, Page::Group);
    let notice = notice(model, text);
    if !matches!(notice, Some((_, true))) {
        let here = model.view.members.iter().filter(|member| member.connected || member.me).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let peers = (text.peers_here)(count(here), count(model.view.members.len()));
        go(ui, Mark::Nothing, &peers, text.group_tip, Page::Group);
    }
    if let Some((sentence, is_grave)) = notice {
        let color = if is_grave { tokens.error } else { tokens.warning };
        go(ui, Mark::Dot(color), &sentence, text.group_tip, Page::Group);
    }
    go(ui, Mark::Nothing, &(text.files)(status.index.files), text.search_tip, Page::Search);
    for (icon, rate) in [(Icon::Download, status.rate_down), (Icon::Upload, status.rate_up)] {
        if rate > 0 {
            let mark = Mark::Icon(icon, tokens.accent);
            go(ui, mark, &text.rate(rate), text.transfers_tip, Page::Transfers);
        }
    }
    let (mark, tip) = if status.names.reachable {
        (Mark::Icon(Icon::Check, tokens.ok), text.name_service_up)
    } else {
        (Mark::Icon(Icon::Close, tokens.error), text.name_service_down)
    };
    go(ui, mark, text.name_service, tip, Page::Activity);
}

fn part_ui(ui: &mut Ui, mark: &Mark, words: &str) -> Response {
    let tokens = theme::tokens(ui);
    let before = if matches!(mark, Mark::Nothing) { 0.0 } else { 18.0 };
    let galley = ui.painter().layout_no_wrap(words.to_owned(), theme::small(), tokens.text);
    let size = vec2(galley.size().x + before + 16.0, theme::STATUS_BAR - 6.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, words));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, theme::RADIUS, tokens.hover);
    }
    let place = widgets::span(rect, rect.left() + 6.0, rect.left() + 22.0);
    match mark {
        Mark::Nothing => {}
        Mark::Dot(color) => {
            ui.painter().circle_filled(place.center(), 4.0, *color);
        }
        Mark::Icon(icon, color) => icon.paint(ui, place, *color),
    }
    let words_at = rect.left_center() + vec2(before + 8.0, -galley.size().y / 2.0);
    ui.painter().galley(words_at, galley, tokens.text);
    response
}
