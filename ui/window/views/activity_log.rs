//! The log: level chips, a filter, and the lines.

use super::super::action::{Action, ActivityAction};
use super::super::log::{Level, LogLine};
use super::super::model::{MAX_FILTER, Model};
use super::super::text::Text;
use super::super::theme::{self, Tokens};
use super::super::widgets;
use crate::local_time::time_of_day;
use eframe::egui;
use egui::{Align, Color32, Role, ScrollArea, TextEdit, Ui, WidgetInfo};

/// Height of a line.
const LINE: f32 = 22.0;
/// Width of the time of day.
const TIME: f32 = 92.0;
/// Width of the level.
const LEVEL: f32 = 84.0;
/// The most of a line's width that the part of the program takes.
const PART: f32 = 0.22;

/// Draws the log.
pub(crate) fn log_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    tools_ui(ui, model, text, actions);
    ui.add_space(theme::GRID);
    let log = &model.activity.log;
    if log.shown.is_empty() {
        widgets::weak_ui(ui, text.activities.log_empty);
        return;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    let area = ScrollArea::vertical().auto_shrink(false).stick_to_bottom(log.paused.is_none());
    area.show_rows(ui, LINE, log.shown.len(), |ui, range| {
        for at in log.shown.get(range).unwrap_or_default() {
            if let Some(line) = log.lines.get(*at) {
                line_ui(ui, text, line);
            }
        }
    });
}

fn tools_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let (log, words) = (&model.activity.log, &text.activities);
    let mut act = |action: ActivityAction| actions.push(Action::Activity(action));
    ui.horizontal_wrapped(|ui| {
        for level in Level::ALL {
            let on = log.levels.contains(&level);
            let name = (words.level)(level);
            let chip = ui.selectable_label(on, name);
            chip.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, name));
            if chip.clicked() {
                act(ActivityAction::ToggleLevel(level));
            }
        }
        let mut filter = log.filter.clone();
        let field = TextEdit::singleline(&mut filter)
            .hint_text(words.filter)
            .char_limit(MAX_FILTER)
            .desired_width(theme::DIALOG * 0.5)
            .margin(egui::Margin::symmetric(10, 6));
        if ui.add(field).accessible_name(words.filter).changed() {
            act(ActivityAction::Filter(filter));
        }
        let hold = if log.paused.is_some() { words.follow_log } else { words.pause_log };
        if widgets::button(ui, hold).clicked() {
            act(ActivityAction::TogglePause);
        }
        if widgets::button(ui, words.copy_log).clicked() {
            act(ActivityAction::CopyLog);
        }
        widgets::weak_ui(ui, &(words.log_count)(log.shown.len(), log.lines.len()));
    });
}

fn line_ui(ui: &mut Ui, text: &Text, line: &LogLine) {
    let tokens = theme::tokens(ui);
    let level = (text.activities.level_of_line)(line.level);
    let label = format!("{level}: {}", line.text);
    let (row, response) =
        ui.allocate_exact_size(egui::vec2(ui.available_width(), LINE), egui::Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &label));
    if response.hovered() {
        ui.painter().rect_filled(row, theme::RADIUS, tokens.hover);
    }
    let (color, weak) = (color(tokens, line.level), tokens.weak);
    let part = row.left() + TIME + LEVEL;
    let words = part + row.width() * PART;
    let cells = [
        (row.left(), row.left() + TIME, time_of_day(line.unix_millis), weak),
        (row.left() + TIME, part, level.to_owned(), color),
        (part, words - 8.0, line.part.clone(), weak),
    ];
    for (left, right, words, color) in cells {
        widgets::cell(ui, widgets::span(row, left, right), &words, theme::small(), color, Align::Min);
    }
    widgets::cell(
        ui,
        widgets::span(row, words, row.right()),
        &line.text,
        theme::body(),
        tokens.text,
        Align::Min,
    );
    response.on_hover_text(&line.text);
}

fn color(tokens: &Tokens, level: Level) -> Color32 {
    match level {
        Level::Error => tokens.error,
        Level::Warning => tokens.warning,
        Level::Info => tokens.info,
        Level::Debug => tokens.weak,
    }
}
