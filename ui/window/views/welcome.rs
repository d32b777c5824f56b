//! The first start: who this peer is, its group, and a folder to share. Nothing else is asked.

use super::super::action::{Action, ActivityAction, Verb};
use super::super::model::{Model, Welcome};
use super::super::text::Text;
use super::super::theme;
use super::super::widgets;
use super::activity_settings::{name_refused, name_ui};
use eframe::egui;
use egui::{Key, RichText, ScrollArea, TextEdit, Ui};

/// The most characters of an invite that are taken.
const MAX_LINK: usize = 1_024;
/// How wide the page is.
const WIDTH: f32 = 560.0;

/// Draws the first start in place of the results.
pub(crate) fn welcome_ui(ui: &mut Ui, model: &Model, text: &Text, welcome: &Welcome) -> Vec<Action> {
    let mut actions = Vec::new();
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(WIDTH.min(ui.available_width()));
        ui.spacing_mut().item_spacing.y = 6.0;
        ui.add_space(theme::GRID);
        widgets::title_ui(ui, text.activities.welcome);
        widgets::weak_ui(ui, text.activities.welcome_hint);
        ui.add_space(2.0 * theme::GRID);
        who_ui(ui, model, text, &mut actions);
        ui.add_space(2.0 * theme::GRID);
        group_ui(ui, model, text, welcome, &mut actions);
        ui.add_space(2.0 * theme::GRID);
        ui.horizontal(|ui| {
            share_ui(ui, text, &mut actions);
            if widgets::button(ui, text.activities.later).clicked() {
                actions.push(Action::Activity(ActivityAction::DismissWelcome));
            }
        });
        ui.add_space(2.0 * theme::GRID);
    });
    actions
}

fn who_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    widgets::heading_ui(ui, text.activities.who);
    ui.horizontal(|ui| name_ui(ui, model, text, actions));
    let problem = model.activity.form.name_problem.clone().or_else(|| name_refused(model, text));
    if let Some(why) = problem {
        widgets::colored_ui(ui, &why, theme::tokens(ui).error);
    }
}

fn group_ui(ui: &mut Ui, model: &Model, text: &Text, welcome: &Welcome, actions: &mut Vec<Action>) {
    let words = &text.activities;
    widgets::heading_ui(ui, words.your_group);
    widgets::weak_ui(ui, &(words.group_state)(model.view.members.len()));
    ui.horizontal(|ui| widgets::verb_button(ui, text, Verb::CopyInvite, actions));
    if welcome.joining {
        widgets::weak_ui(ui, words.joining);
        return;
    }
    ui.horizontal(|ui| {
        let mut link = welcome.link.clone();
        let field = TextEdit::singleline(&mut link)
            .hint_text(words.paste_invite)
            .char_limit(MAX_LINK)
            .desired_width((ui.available_width() - 96.0).max(theme::DIALOG * 0.5))
            .margin(egui::Margin::symmetric(10, 6));
        let response = ui.add(field).accessible_name(words.paste_invite);
        if response.changed() {
            actions.push(Action::Activity(ActivityAction::TypeLink(link)));
        }
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let given = !welcome.link.trim().is_empty();
        if ui.add_enabled(given, egui::Button::new(words.join)).clicked() || (entered && given) {
            actions.push(Action::Activity(ActivityAction::Join));
        }
    });
    if let Some(why) = &welcome.problem {
        widgets::colored_ui(ui, why, theme::tokens(ui).error);
    }
}

/// The one big button.
fn share_ui(ui: &mut Ui, text: &Text, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let label = RichText::new(Verb::ShareFolder.label(text)).font(theme::title()).color(tokens.on_accent);
    let button =
        egui::Button::new(label).fill(tokens.accent_fill).min_size(egui::vec2(220.0, theme::BIG_CONTROL));
    if ui.add(button).on_hover_text(widgets::tooltip(ui, text, Verb::ShareFolder)).clicked() {
        actions.push(Action::Do(Verb::ShareFolder));
    }
}
