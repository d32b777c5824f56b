//! The group page: who is there, who leads, what happened, and the fault drill with its stopwatch.

use super::super::action::{Action, Verb};
use super::super::model::{Drill, Model};
use super::super::text::Text;
use super::super::theme;
use super::super::widgets;
use super::{activity, notice};
use cardume::wire::control::MemberState;
use eframe::egui;
use egui::{Align, Rect, RichText, ScrollArea, Ui, pos2};

/// Draws the group page.
pub(crate) fn group_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    widgets::title_ui(ui, text.group);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        state_ui(ui, model, text);
        ui.add_space(theme::GRID);
        drill_ui(ui, model, text, &mut actions);
        ui.add_space(theme::GRID);
        members_ui(ui, model, text);
        counters_ui(ui, model, text);
        ui.add_space(2.0 * theme::GRID);
        widgets::heading_ui(ui, text.time_line);
        ui.add_space(4.0);
        activity::time_line_ui(ui, model, text);
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
            widgets::verb_button(ui, text, Verb::CrashMe, actions);
        });
        stopwatch_ui(ui, model, text);
    });
}

fn stopwatch_ui(ui: &mut Ui, model: &Model, text: &Text) {
    let tokens = theme::tokens(ui);
    let figure = |ui: &mut Ui, words: String, color| {
        ui.label(RichText::new(words).font(theme::figure()).color(color));
    };
    match &model.drill {
        Drill::Idle => {}
        Drill::Running { crashed, own, asked, .. } => {
            let tenths = model.now.saturating_sub(*asked).as_millis() / 100;
            let words = format!("{}{}{} s", tenths / 10, text.decimal_point, tenths % 10);
            figure(ui, words, tokens.warning);
            let sentence =
                if *own { (text.stopwatch_own)(crashed) } else { (text.stopwatch_running)(crashed) };
            widgets::weak_ui(ui, &sentence);
        }
        Drill::Done { own, tracker, epoch, millis, .. } => {
            let say = if *own { text.stopwatch_done_own } else { text.stopwatch_done };
            figure(ui, say(tracker, *millis), tokens.ok);
            widgets::weak_ui(ui, &(text.epoch)(*epoch));
        }
    }
}

/// The columns of the table, as parts of its width: name, role, connection, last contact, address.
const COLUMNS: [f32; 6] = [0.0, 0.24, 0.42, 0.57, 0.74, 1.0];

fn column(rect: Rect, index: usize) -> Rect {
    let at = |index: usize| rect.left() + rect.width() * COLUMNS.get(index).copied().unwrap_or(1.0);
    Rect::from_min_max(pos2(at(index) + 8.0, rect.top()), pos2(at(index + 1) - 4.0, rect.bottom()))
}

fn members_ui(ui: &mut Ui, model: &Model, text: &Text) {
    let tokens = theme::tokens(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    let header = widgets::plain_row_ui(ui, 24.0, text.members);
    let names = [
        text.column_member,
        text.column_role,
        text.column_connected,
        text.column_contact,
        text.column_address,
    ];
    for (index, name) in names.into_iter().enumerate() {
        widgets::cell(ui, column(header, index), name, theme::small(), tokens.weak, Align::Min);
    }
    widgets::hairline(ui);
    for member in model.view.members.iter() {
        member_ui(ui, model, text, member);
    }
}

fn member_ui(ui: &mut Ui, model: &Model, text: &Text, member: &MemberState) {
    let tokens = theme::tokens(ui);
    let role = match (member.tracker, member.me, member.voter) {
        (true, ..) => text.role_tracker,
        (false, true, _) => text.role(&model.view.status.role),
        (false, false, true) => text.voter,
        (false, false, false) => text.guest,
    };
    let label = (text.row_member)(&member.peer.name, role);
    let rect = widgets::plain_row_ui(ui, theme::ROW, &label);
    if member.tracker {
        ui.painter().rect_filled(rect, theme::RADIUS, tokens.selected);
    }
    let hue = model.hue(&member.peer.peer_id);
    let name_rect = column(rect, 0);
    let used = widgets::peer_cell(ui, name_rect, hue, &member.peer.name, theme::strong());
    if member.me {
        let rest = widgets::span(name_rect, name_rect.left() + used + 6.0, name_rect.right());
        widgets::cell(ui, rest, text.me, theme::small(), tokens.weak, Align::Min);
    }
    let (connection, color) = match (member.me, member.connected) {
        (true, _) => ("", tokens.weak),
        (false, true) => (text.connected, tokens.ok),
        (false, false) => (text.not_connected, tokens.error),
    };
    let contact = if member.me { String::new() } else { contact(text, member.last_contact_millis) };
    let role_color = if member.tracker { tokens.accent } else { tokens.text };
    let cells = [
        (1, role, role_color),
        (2, connection, color),
        (3, contact.as_str(), tokens.weak),
        (4, member.peer.uri.as_str(), tokens.weak),
    ];
    for (index, words, color) in cells {
        widgets::cell(ui, column(rect, index), words, theme::body(), color, Align::Min);
    }
}

fn contact(text: &Text, millis: Option<u64>) -> String {
    match millis {
        None => text.never.to_owned(),
        Some(0..1_000) => text.just_now.to_owned(),
        Some(millis) => (text.ago)(millis / 1_000),
    }
}
