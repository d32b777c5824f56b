//! The library page: the shared folders, and how to share one more.

use super::super::action::{Action, Verb};
use super::super::model::{MAX_PATH, Model};
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use cardume::wire::control::Share;
use eframe::egui;
use egui::{Align, Key, Layout, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo, vec2};

/// Draws the library page.
pub(crate) fn library_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    widgets::title_ui(ui, text.library);
    add_ui(ui, model, text, &mut actions);
    ui.add_space(theme::GRID);
    let shares = &model.view.shares;
    if shares.is_empty() {
        widgets::empty_ui(ui, Icon::Folder, text.no_shares, text.no_shares_hint, |_| {});
        return actions;
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for share in shares.iter() {
            card_ui(ui, text, share, &mut actions);
        }
        ui.add_space(2.0 * theme::GRID);
    });
    actions
}

fn add_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        if model.library.picking {
            widgets::weak_ui(ui, text.picking);
            if widgets::button(ui, text.stop_waiting).clicked() {
                actions.push(Action::StopPicking);
            }
        } else {
            widgets::primary_verb_button(ui, text, Verb::ShareFolder, actions);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let typed_any = !model.library.typed.trim().is_empty();
            let share = egui::Button::new(text.share).min_size(vec2(0.0, theme::CONTROL));
            if ui.add_enabled(typed_any, share).clicked() {
                actions.push(Action::ShareTyped);
            }
            let mut typed = model.library.typed.clone();
            let field = TextEdit::singleline(&mut typed)
                .hint_text(text.path_hint)
                .char_limit(MAX_PATH)
                .desired_width(ui.available_width())
                .margin(egui::Margin::symmetric(10, 6));
            let response = ui.add(field).accessible_name(text.path_field);
            if response.changed() {
                actions.push(Action::TypedPath(typed));
            }
            if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
                actions.push(Action::ShareTyped);
            }
        });
    });
}

fn card_ui(ui: &mut Ui, text: &Text, share: &Share, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let totals = (text.share_totals)(share.files, &text.bytes(share.bytes));
    let card = theme::card_frame(tokens).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            let stop = widgets::button(ui, text.stop_sharing);
            if stop.accessible_name((text.stop_sharing_named)(&share.path)).clicked() {
                actions.push(Action::Unshare(share.path.clone()));
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                let name = RichText::new(&share.path).font(theme::strong()).color(tokens.text);
                ui.add(egui::Label::new(name).truncate());
                facts_ui(ui, text, share, &totals);
            });
        });
    });
    let label = format!("{}: {totals}", share.path);
    card.response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &label));
}

fn facts_ui(ui: &mut Ui, text: &Text, share: &Share, totals: &str) {
    let tokens = theme::tokens(ui);
    if let Some(problem) = &share.problem {
        widgets::colored_ui(ui, problem, tokens.error);
        return;
    }
    let ready = share.hashing == 0 && share.files > 0;
    let totals = if ready { format!("{totals} · {}", text.all_hashed) } else { totals.to_owned() };
    widgets::weak_ui(ui, &totals);
    if share.skipped > 0 {
        widgets::colored_ui(ui, &(text.skipped)(share.skipped), tokens.warning);
    }
    if share.hashing > 0 {
        widgets::weak_ui(ui, &(text.hashing)(share.hashing, share.files));
        let done = widgets::fraction(share.files.saturating_sub(share.hashing), share.files);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme::GRID), egui::Sense::hover());
        widgets::bar(ui, rect, done, tokens.accent);
    }
}
