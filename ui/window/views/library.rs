//! The library page: the shared folders, and how to share one more.

use super::super::action::{Action, LibraryAction, Purpose, Verb};
use super::super::model::{MAX_PATH, Model};
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use cardume::wire::control::Share;
use cardume::wire::library::SkippedFile;
use eframe::egui;
use egui::{Align, Key, Layout, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo, vec2};
use std::path::PathBuf;

/// Draws the library page.
pub(crate) fn library_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    let mut actions = Vec::new();
    widgets::title_ui(ui, text.library);
    add_ui(ui, model, text, &mut actions);
    for folder in &model.library.looking {
        widgets::weak_ui(ui, &(text.sharing.looking)(&folder.display().to_string()));
    }
    ui.add_space(theme::GRID);
    let shares = &model.view.shares;
    if shares.is_empty() {
        widgets::empty_ui(ui, Icon::Folder, text.no_shares, text.no_shares_hint, |_| {});
        return actions;
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for share in shares.iter() {
            card_ui(ui, model, text, share, &mut actions);
        }
        ui.add_space(2.0 * theme::GRID);
    });
    actions
}

fn add_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        if model.picking == Some(Purpose::Share) {
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

fn card_ui(ui: &mut Ui, model: &Model, text: &Text, share: &Share, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let totals = (text.share_totals)(share.files, &text.bytes(share.bytes));
    let card = theme::card_frame(tokens).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        let name = RichText::new(&share.path).font(theme::strong()).color(tokens.text);
        ui.add(egui::Label::new(name).truncate());
        facts_ui(ui, model, text, share, &totals);
        skipped_ui(ui, model, text, share, actions);
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| buttons_ui(ui, text, share, actions));
    });
    let label = format!("{}: {totals}", share.path);
    card.response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &label));
    ui.add_space(theme::GRID);
}

fn buttons_ui(ui: &mut Ui, text: &Text, share: &Share, actions: &mut Vec<Action>) {
    let of = |what: &str| (text.sharing.of_folder)(what, &share.path);
    let mut button = |ui: &mut Ui, words: &str, label: String, action: Action| {
        let response = widgets::button(ui, words).accessible_name(label);
        if response.clicked() {
            actions.push(action);
        }
        response
    };
    let library = |action: fn(String) -> LibraryAction| Action::Library(action(share.path.clone()));
    let open = Action::Open(PathBuf::from(&share.path));
    button(ui, text.open_folder, of(text.open_folder), open);
    let again = button(ui, text.sharing.rescan, of(text.sharing.rescan), library(LibraryAction::Rescan));
    again.on_hover_text(text.sharing.rescan_tip);
    if share.paused {
        button(ui, text.sharing.resume, of(text.sharing.resume), library(LibraryAction::Resume));
    } else if share.hashing > 0 {
        button(ui, text.sharing.pause, of(text.sharing.pause), library(LibraryAction::Pause));
    }
    let stop = (text.stop_sharing_named)(&share.path);
    button(ui, text.stop_sharing, stop, Action::Unshare(share.path.clone()));
}

fn facts_ui(ui: &mut Ui, model: &Model, text: &Text, share: &Share, totals: &str) {
    let tokens = theme::tokens(ui);
    if let Some(problem) = &share.problem {
        let said = (text.sharing.problem)(share.problem_kind.as_deref().unwrap_or_default(), problem);
        // What the system says is in English, and tells more.
        ui.label(RichText::new(said).color(tokens.error)).on_hover_text(problem);
        return;
    }
    let ready = share.hashing == 0 && share.files > 0;
    let more = match (share.paused, ready) {
        (true, _) => format!(" · {}", text.sharing.paused),
        (false, true) => format!(" · {}", text.all_hashed),
        (false, false) => String::new(),
    };
    let walking = if share.walking { format!(" · {}", text.sharing.walking) } else { String::new() };
    widgets::weak_ui(ui, &format!("{totals}{more}{walking}"));
    if share.unwatched > 0 {
        let every = model.view.status.library.rescan_seconds;
        widgets::colored_ui(ui, &(text.sharing.unwatched)(share.unwatched, every), tokens.warning);
    }
    if share.hashing > 0 {
        let left = text.bytes(share.hashing_bytes);
        widgets::weak_ui(ui, &(text.sharing.hashing)(share.hashing, share.files, &left, share.seconds_left));
        let done = widgets::fraction(share.bytes.saturating_sub(share.hashing_bytes), share.bytes);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme::GRID), egui::Sense::hover());
        widgets::bar(ui, rect, done, if share.paused { tokens.weak } else { tokens.accent });
    }
}

/// How much is not shared, by kind; opens to the list.
fn skipped_ui(ui: &mut Ui, model: &Model, text: &Text, share: &Share, actions: &mut Vec<Action>) {
    let count: u64 = share.skips.values().sum();
    if count == 0 {
        return;
    }
    let opened = model.library.opened.as_ref() == Some(&share.path);
    let tokens = theme::tokens(ui);
    let words = (text.sharing.not_shared)(count);
    let kinds: Vec<String> =
        share.skips.iter().map(|(kind, count)| (text.sharing.kind)(kind, *count)).collect();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let (rect, _) = ui.allocate_exact_size(vec2(theme::ICON, theme::ICON), egui::Sense::hover());
        let arrow = if opened { Icon::Down } else { Icon::Right };
        let label = (text.sharing.of_folder)(&words, &share.path);
        if widgets::icon_button_at(ui, rect, &share.path, arrow, &label).clicked() {
            actions.push(Action::Library(LibraryAction::ToggleSkipped(share.path.clone())));
        }
        // What a person or a program says is not for sharing is nothing to worry about.
        let expected = share.skips.get("ignored").copied().unwrap_or(0);
        let color = if share.skipped > expected { tokens.warning } else { tokens.weak };
        widgets::colored_ui(ui, &format!("{words}: {}", kinds.join(" · ")), color);
    });
    if !opened {
        return;
    }
    match &model.library.skipped {
        None => widgets::weak_ui(ui, text.sharing.loading),
        Some(files) if files.is_empty() => widgets::weak_ui(ui, text.sharing.only_hidden),
        Some(files) => list_ui(ui, text, share, files),
    }
}

fn list_ui(ui: &mut Ui, text: &Text, share: &Share, files: &[SkippedFile]) {
    let tokens = theme::tokens(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    for file in files {
        let below = file.path.strip_prefix(&share.path).unwrap_or(&file.path).trim_start_matches('/');
        let row = widgets::plain_row_ui(ui, theme::FACT, &format!("{below}: {}", file.reason));
        let (left, middle) = (row.left() + 20.0, row.left() + row.width() * 0.6);
        let name = widgets::span(row, left, middle - 8.0);
        widgets::cell(ui, name, below, theme::body(), tokens.text, Align::Min);
        let reason = if matches!(file.kind.as_str(), "name" | "ignored" | "pattern") {
            file.reason.clone()
        } else {
            (text.sharing.kind)(&file.kind, 1)
        };
        let reason = reason.strip_prefix("1 ").unwrap_or(&reason);
        let place = widgets::span(row, middle, row.right());
        widgets::cell(ui, place, reason, theme::body(), tokens.weak, Align::Min);
    }
    if share.skipped > files.len() as u64 {
        widgets::weak_ui(ui, text.sharing.first_hundred);
    }
}
