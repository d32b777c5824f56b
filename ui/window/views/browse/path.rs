//! The path of the folder that is looked into: every step can be gone to.

use super::super::super::action::{Action, BrowseAction, Verb};
use super::super::super::model::Model;
use super::super::super::model::browse::Browse;
use super::super::super::text::Text;
use super::super::super::theme;
use super::super::super::widgets::{self, Icon};
use cardume::base::FolderPath;
use eframe::egui;
use egui::{Align, Button, Layout, Rect, RichText, Role, Sense, Ui, WidgetInfo, vec2};

/// Room for a step's name; longer ones are cut.
const STEP: f32 = 180.0;
/// Room for the arrow between two steps.
const ARROW: f32 = 16.0;

/// Draws the path and what can be done with the whole folder.
pub(super) fn path_ui(ui: &mut Ui, model: &Model, browse: &Browse, text: &Text, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.set_min_height(theme::CONTROL);
        ui.spacing_mut().item_spacing.x = 2.0;
        verb_ui(ui, text, Verb::FolderBack, actions);
        verb_ui(ui, text, Verb::FolderUp, actions);
        ui.add_space(6.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let is_own = browse.peer.to_string() == model.view.status.peer_id;
            if !is_own && !browse.folder.is_empty() && !browse.rows.is_empty() {
                let label = text.browsing.download_folder;
                if widgets::button(ui, label).clicked() {
                    actions.push(Action::Browse(BrowseAction::DownloadFolder));
                }
            }
            verb_ui(ui, text, Verb::Filter, actions);
            verb_ui(ui, text, Verb::Refresh, actions);
            ui.add_space(6.0);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                steps_ui(ui, model, browse, text, actions);
            });
        });
    });
    ui.add_space(4.0);
}

/// A verb as a picture.
fn verb_ui(ui: &mut Ui, text: &Text, verb: Verb, actions: &mut Vec<Action>) {
    let (rect, _) = ui.allocate_exact_size(vec2(theme::CONTROL, theme::CONTROL), Sense::hover());
    let Some(icon) = verb.icon() else { return };
    let label = if verb == Verb::Filter { text.browsing.filter } else { verb.label(text) };
    let response = widgets::icon_button_at(ui, rect, ("folder", verb.label(text)), icon, label);
    if response.clicked() {
        actions.push(Action::Do(verb));
    }
}

/// The peer and the folders down to this one. Where there is no room for all, those in the middle are left out.
fn steps_ui(ui: &mut Ui, model: &Model, browse: &Browse, text: &Text, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let name = model.name_of(browse.peer);
    let (dot, _) = ui.allocate_exact_size(vec2(14.0, theme::CONTROL), Sense::hover());
    let hue = model.hue(&browse.peer.to_string());
    ui.painter().circle_filled(dot.center(), 4.0, widgets::hue_color(tokens, hue));
    let mut steps = vec![(name.clone(), FolderPath::default())];
    let mut whole = String::new();
    for folder in browse.folder.names() {
        if !whole.is_empty() {
            whole.push('/');
        }
        whole.push_str(folder);
        steps.extend(FolderPath::new(&whole).ok().map(|path| (folder.to_owned(), path)));
    }
    let room = ui.available_width();
    let widths: Vec<f32> =
        steps.iter().map(|(step, _)| width_of(ui, step).min(STEP) + 16.0 + ARROW).collect();
    let last = steps.len() - 1;
    let mut left_out = 0;
    let used = |left_out: usize| -> f32 {
        let shown = widths.iter().enumerate().filter(|(at, _)| *at == 0 || *at > left_out);
        shown.map(|(_, width)| width).sum::<f32>() + if left_out > 0 { 24.0 + ARROW } else { 0.0 }
    };
    while left_out + 1 < last && used(left_out) > room {
        left_out += 1;
    }
    for (at, (step, path)) in steps.into_iter().enumerate() {
        if at > 0 && at <= left_out {
            if at == left_out {
                arrow_ui(ui);
                ui.label(RichText::new("…").color(tokens.weak));
            }
            continue;
        }
        if at > 0 {
            arrow_ui(ui);
        }
        step_ui(ui, text, &step, path, at == last, actions);
    }
}

fn width_of(ui: &Ui, step: &str) -> f32 {
    let galley = ui.painter().layout_no_wrap(step.to_owned(), theme::strong(), theme::tokens(ui).text);
    galley.size().x
}

fn arrow_ui(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ARROW - 4.0, theme::CONTROL), Sense::hover());
    Icon::Right.paint(ui, rect, theme::tokens(ui).weak);
}

fn step_ui(ui: &mut Ui, text: &Text, step: &str, path: FolderPath, is_here: bool, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let width = width_of(ui, step).min(STEP).min((ui.available_width() - 16.0).max(24.0));
    if is_here {
        let (rect, label) = ui.allocate_exact_size(vec2(width + 8.0, theme::CONTROL), Sense::hover());
        let inner = Rect::from_min_max(rect.min + vec2(4.0, 0.0), rect.max);
        widgets::cell(ui, inner, step, theme::strong(), tokens.text, Align::Min);
        label.widget_info(|| WidgetInfo::labeled(Role::Heading, true, step));
        label.on_hover_text(step);
        return;
    }
    let words = RichText::new(step).color(tokens.weak);
    let button = Button::new(words).frame(false).truncate();
    let response = ui.add_sized(vec2(width + 8.0, theme::CONTROL), button);
    if response.accessible_name((text.browsing.go_to)(step)).clicked() {
        actions.push(Action::Browse(BrowseAction::GoTo(path)));
    }
}
