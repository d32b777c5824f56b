//! Below the ring: which moment it shows, and the way to other moments.

use super::super::action::{Action, GroupAction, Step};
use super::super::model::{Model, Playback, Speed};
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use cardume::engine::trace::What;
use eframe::egui;
use egui::{Align, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use std::time::Duration;

/// Draws the buttons and the track.
pub(crate) fn playback_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let words = text.of_group;
    let mut act = |action| actions.push(Action::Group(action));
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let live = model.group.playback == Playback::Live;
        if ui.selectable_label(live, words.live).on_hover_text(words.live_tip).clicked() {
            act(GroupAction::Live);
        }
        if icon_ui(ui, Icon::StepBack, words.earlier_election).clicked() {
            act(GroupAction::Election(Step::Back));
        }
        let still = matches!(model.group.playback, Playback::Still(_));
        let (icon, label) = if still { (Icon::Play, words.play) } else { (Icon::Pause, words.hold) };
        if icon_ui(ui, icon, label).clicked() {
            act(GroupAction::PlayPause);
        }
        if icon_ui(ui, Icon::StepForward, words.later_election).clicked() {
            act(GroupAction::Election(Step::Forward));
        }
        for (speed, name) in Speed::ALL.into_iter().zip(words.speeds) {
            let chosen = model.group.speed == speed;
            if ui.selectable_label(chosen, name).on_hover_text(words.speed_tip).clicked() {
                act(GroupAction::Speed(speed));
            }
        }
        let export = (theme::CONTROL * 3.5).min(ui.available_width());
        let track = (ui.available_width() - export - theme::TIME).max(theme::CONTROL);
        if let Some(at) = track_ui(ui, track, model, text) {
            act(GroupAction::Seek(at));
        }
        let (time, _) = ui.allocate_exact_size(vec2(theme::TIME, theme::CONTROL), Sense::hover());
        let tokens = theme::tokens(ui);
        let shown = crate::local_time::time_of_day(moment(model) / 1_000);
        widgets::cell(ui, time, &shown, theme::small(), tokens.weak, Align::Center);
        if widgets::button(ui, words.export).on_hover_text(words.export_tip).clicked() {
            act(GroupAction::Export);
        }
    });
}

pub(super) fn moment(model: &Model) -> u64 {
    model.group.moment(model.now, model.unix_micros)
}

fn icon_ui(ui: &mut Ui, icon: Icon, label: &str) -> Response {
    let (rect, _) = ui.allocate_exact_size(vec2(theme::CONTROL, theme::CONTROL), Sense::hover());
    widgets::icon_button_at(ui, rect, label, icon, label)
}

/// The whole recording as a line: elections and expired timers are marked, a click shows that moment.
fn track_ui(ui: &mut Ui, width: f32, model: &Model, text: &Text) -> Option<u64> {
    let tokens = theme::tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, theme::CONTROL), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, text.of_group.moment));
    let line = Rect::from_center_size(rect.center(), vec2(rect.width(), theme::BAR));
    ui.painter().rect_filled(line, theme::BAR / 2.0, tokens.line);
    let (from, until) = model.group.history.span()?;
    let length = until.saturating_sub(from).max(1);
    let x_of = |at: u64| {
        let along = widgets::fraction(at.clamp(from, until) - from, length);
        rect.left() + rect.width() * along
    };
    for (_, record) in model.group.history.records() {
        if record.what == What::TimerExpired {
            let x = x_of(record.at_micros);
            let mark = Rect::from_center_size(pos2(x, rect.center().y), vec2(1.0, 10.0));
            ui.painter().rect_filled(mark, 0.0, tokens.warning);
        }
    }
    for (peer, _, at) in model.group.history.elections() {
        let hue = widgets::hue_color(tokens, model.hue(&peer.to_string()));
        let mark = Rect::from_center_size(pos2(x_of(at), rect.center().y), vec2(3.0, 16.0));
        ui.painter().rect_filled(mark, 1.5, hue);
    }
    let head = pos2(x_of(moment(model)), rect.center().y);
    ui.painter().circle_filled(head, 6.0, tokens.accent);
    ui.painter().circle_filled(head, 3.0, tokens.canvas);
    let at = response.interact_pointer_pos().filter(|_| response.clicked() || response.dragged())?;
    Some(from.saturating_add(along(length, (at.x - rect.left()) / rect.width())))
}

/// A part of a length in microseconds, by a fraction from 0 to 1.
fn along(length: u64, fraction: f32) -> u64 {
    let part = Duration::from_micros(length).mul_f64(f64::from(fraction.clamp(0.0, 1.0)));
    u64::try_from(part.as_micros()).unwrap_or(length)
}
