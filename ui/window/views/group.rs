//! The group page: the ring of peers, the fault drills with their stopwatch, who is there, what happened.

use super::super::action::{Action, GroupAction, Verb};
use super::super::model::{Drill, Model};
use super::super::text::Text;
use super::super::theme;
use super::super::widgets;
use super::{group_playback, group_ring, group_table, group_time_line, notice};
use eframe::egui;
use egui::{RichText, ScrollArea, Ui, vec2};

/// Draws the group page.
pub(crate) fn group_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    widgets::title_ui(ui, text.group);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let width = ui.available_width();
        let ring = theme::ring_size(width);
        // A wide page has the time line beside the ring, a narrow one below the table.
        let wide = width >= theme::WIDE;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0 * theme::GRID;
            ui.allocate_ui(vec2(ring, ring), |ui| group_ring::ring_ui(ui, ring, model, text));
            let bottom = ui.min_rect().top() + ring;
            ui.vertical(|ui| {
                state_ui(ui, model, text);
                ui.add_space(4.0);
                drill_ui(ui, model, text, &mut actions);
                if wide {
                    ui.add_space(theme::GRID);
                    let height = bottom - ui.cursor().top();
                    group_time_line::scrolled_ui(ui, height, model, text, &mut actions);
                }
            });
        });
        group_playback::playback_ui(ui, model, text, &mut actions);
        ui.add_space(1.5 * theme::GRID);
        group_table::members_ui(ui, model, text, &mut actions);
        if !wide {
            ui.add_space(2.0 * theme::GRID);
            widgets::heading_ui(ui, text.time_line);
            ui.add_space(4.0);
            group_time_line::time_line_ui(ui, model, text, &mut actions);
        }
        counters_ui(ui, model, text);
        ui.add_space(2.0 * theme::GRID);
    });
    actions
}

fn state_ui(ui: &mut Ui, model: &Model, text: &Text) {
    let tokens = theme::tokens(ui);
    let status = &model.view.status;
    ui.spacing_mut().item_spacing.y = 4.0;
    widgets::heading_ui(ui, &(text.own_role)(text.role(&status.role), status.epoch));
    let quorum = &status.quorum;
    let sentence = (text.quorum)(quorum.reachable, quorum.voters, quorum.needed);
    let color = if quorum.reachable < quorum.needed { tokens.error } else { tokens.weak };
    widgets::colored_ui(ui, &sentence, color);
    if let Some((sentence, false)) = notice(model, text) {
        widgets::colored_ui(ui, &sentence, tokens.warning);
    }
}

fn counters_ui(ui: &mut Ui, model: &Model, text: &Text) {
    let tokens = theme::tokens(ui);
    let counters = &model.view.status.counters;
    if counters.is_empty() {
        return;
    }
    ui.add_space(2.0 * theme::GRID);
    widgets::heading_ui(ui, text.counters);
    ui.add_space(4.0);
    let counters: Vec<String> = counters
        .iter()
        .map(|(name, count)| format!("{}: {}", (text.counter)(name), text.number(*count)))
        .collect();
    ui.label(RichText::new(counters.join(" · ")).font(theme::small()).color(tokens.weak));
}

fn drill_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    theme::card_frame(tokens).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 6.0;
        widgets::heading_ui(ui, text.simulate);
        widgets::weak_ui(ui, text.simulate_hint);
        ui.horizontal_wrapped(|ui| {
            widgets::primary_verb_button(ui, text, Verb::CrashTracker, actions);
            widgets::verb_button(ui, text, Verb::PauseTracker, actions);
            widgets::verb_button(ui, text, Verb::CrashMe, actions);
            if is_drilling(model) && widgets::button(ui, text.of_group.end_drills).clicked() {
                actions.push(Action::Group(GroupAction::Recover));
            }
        });
        stopwatch_ui(ui, model, text);
    });
}

/// Whether this peer is in a drill that it can end.
fn is_drilling(model: &Model) -> bool {
    let own = matches!(model.view.status.role.as_str(), "silent" | "paused");
    own || model.view.members.iter().any(|member| member.cut)
}

fn stopwatch_ui(ui: &mut Ui, model: &Model, text: &Text) {
    let tokens = theme::tokens(ui);
    match &model.drill {
        Drill::Idle => {}
        Drill::Running(stopwatch) => {
            let tenths = model.now.saturating_sub(stopwatch.asked).as_millis() / 100;
            let words = format!("{}{}{} s", tenths / 10, text.decimal_point, tenths % 10);
            ui.label(RichText::new(words).font(theme::figure()).color(tokens.warning));
            let say = if stopwatch.own { text.stopwatch_own } else { text.stopwatch_running };
            widgets::weak_ui(ui, &say(&stopwatch.crashed));
        }
        Drill::Done(stopwatch, reading) => {
            let words = if stopwatch.own && !reading.recorded {
                (text.stopwatch_done_own)(&reading.tracker, reading.millis)
            } else {
                (text.of_group.stopwatch_done)(&reading.tracker, reading.millis, reading.complete_millis)
            };
            ui.label(RichText::new(words).font(theme::title()).color(tokens.ok));
            widgets::weak_ui(ui, &(text.epoch)(reading.epoch));
        }
    }
}
