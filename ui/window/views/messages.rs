//! What the person is told: toasts for four seconds, and the list in which they are kept.
//!
//! Toasts come where the pointer is not, so that none covers what is about to be clicked.

use super::super::action::{Action, Verb};
use super::super::model::{Model, Note, NoteKind};
use super::super::text::Text;
use super::super::theme;
use super::super::widgets::{self, Icon};
use super::activity::note_sentence;
use eframe::egui;
use egui::{Align, Align2, Area, Id, Layout, Order, RichText, Role, ScrollArea, Ui, WidgetInfo, vec2};
use std::path::{Path, PathBuf};

/// The most toasts at once: more would cover the page.
const MAX_TOASTS: usize = 4;
/// Width of a toast and of the list.
const WIDTH: f32 = 340.0;
/// The most of the window's height that the list takes.
const LIST_HEIGHT: f32 = 0.6;

/// Draws the toasts.
pub(super) fn toasts_ui(ui: &Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let toasts: Vec<&Note> = model.toasts().collect();
    let corner_id = Id::unique("toasts_corner");
    if toasts.is_empty() || model.notes_open {
        ui.data_mut(|data| data.remove::<Align2>(corner_id));
        return;
    }
    let tokens = theme::tokens(ui);
    let corner = ui.data(|data| data.get_temp::<Align2>(corner_id)).unwrap_or_else(|| free_corner(ui));
    ui.data_mut(|data| data.insert_temp(corner_id, corner));
    let edge = if corner == Align2::RIGHT_TOP { theme::GRID } else { -theme::STATUS_BAR - theme::GRID };
    Area::new(Id::unique("toasts"))
        .order(Order::Foreground)
        .anchor(corner, vec2(-2.0 * theme::GRID, edge))
        .show(ui.ctx(), |ui| {
            for note in toasts.iter().rev().take(MAX_TOASTS).rev() {
                theme::floating_frame(tokens).show(ui, |ui| {
                    ui.set_width(WIDTH);
                    note_ui(ui, text, note, &Shown::Toast, actions);
                });
            }
        });
}

/// The lower right corner, or the upper one while the pointer is in the lower half.
fn free_corner(ui: &Ui) -> Align2 {
    let window = ui.ctx().content_rect();
    let pointer = ui.input(|input| input.pointer.latest_pos());
    let is_low = pointer.is_some_and(|at| at.y > window.center().y && at.x > window.center().x);
    if is_low { Align2::RIGHT_TOP } else { Align2::RIGHT_BOTTOM }
}

/// Draws the list of messages, if it is open.
pub(super) fn list_ui(ui: &Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    if !model.notes_open {
        return;
    }
    let tokens = theme::tokens(ui);
    let offset = vec2(-theme::GRID, -theme::STATUS_BAR - theme::GRID);
    let area =
        Area::new(Id::unique("messages")).order(Order::Foreground).anchor(Align2::RIGHT_BOTTOM, offset);
    let height = ui.ctx().content_rect().height() * LIST_HEIGHT;
    area.show(ui.ctx(), |ui| {
        theme::floating_frame(tokens).show(ui, |ui| {
            ui.set_width(WIDTH);
            ui.horizontal(|ui| {
                widgets::heading_ui(ui, text.messages);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let (rect, _) = ui.allocate_exact_size(vec2(22.0, 22.0), egui::Sense::hover());
                    if widgets::icon_button_at(ui, rect, "close", Icon::Close, text.dismiss).clicked() {
                        actions.push(Action::Do(Verb::Messages));
                    }
                });
            });
            if model.notes.is_empty() {
                widgets::weak_ui(ui, text.no_messages);
            }
            ScrollArea::vertical()
                .max_height(height)
                .min_scrolled_height(height)
                .auto_shrink([false, true])
                .show(ui, |ui| {
                    for note in model.notes.iter().rev() {
                        widgets::hairline(ui);
                        let age = (text.ago)(model.now.saturating_sub(note.at).as_secs());
                        note_ui(ui, text, note, &Shown::Listed(age), actions);
                    }
                });
        });
    });
}

fn icon_of(note: &NoteKind) -> Icon {
    match note {
        NoteKind::Downloaded(..) => Icon::CheckCircle,
        NoteKind::DownloadStarted(_) | NoteKind::DownloadsStarted(_) => Icon::Download,
        NoteKind::LinksCopied(_) | NoteKind::LinkOpened(_) => Icon::Link,
        NoteKind::Copied => Icon::Copy,
        note if note.is_bad() => Icon::Warning,
        _ => Icon::Info,
    }
}

/// How a message is shown.
enum Shown {
    /// For a while; it can be put away.
    Toast,
    /// In the list, with its age.
    Listed(String),
}

/// A message with what can be done about it.
fn note_ui(ui: &mut Ui, text: &Text, note: &Note, shown: &Shown, actions: &mut Vec<Action>) {
    let tokens = theme::tokens(ui);
    let sentence = note_sentence(text, note);
    let color = if note.what.is_bad() { tokens.error } else { tokens.text };
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(18.0, 18.0), egui::Sense::hover());
        let mark = match &note.what {
            NoteKind::Downloaded(..) => tokens.ok,
            what if what.is_bad() => tokens.error,
            _ => tokens.weak,
        };
        icon_of(&note.what).paint(ui, rect, mark);
        let is_toast = matches!(shown, Shown::Toast);
        let width = ui.available_width() - if is_toast { 28.0 } else { 0.0 };
        ui.vertical(|ui| {
            ui.set_width(width);
            let label = ui.label(RichText::new(&sentence).color(color));
            let role = if is_toast { Role::Status } else { Role::ListItem };
            label.widget_info(|| WidgetInfo::labeled(role, true, &sentence));
            if let Shown::Listed(age) = shown {
                ui.label(RichText::new(age).font(theme::small()).color(tokens.weak));
            }
            file_ui(ui, text, note, actions);
        });
        if is_toast {
            let (rect, _) = ui.allocate_exact_size(vec2(20.0, 20.0), egui::Sense::hover());
            let label = text.finding.dismiss_message;
            if widgets::icon_button_at(ui, rect, ("dismiss", note.number), Icon::Close, label).clicked() {
                actions.push(Action::Dismiss(note.number));
            }
        }
    });
}

/// What can be done with a file that has come.
fn file_ui(ui: &mut Ui, text: &Text, note: &Note, actions: &mut Vec<Action>) {
    let NoteKind::Downloaded(_, Some(path)) = &note.what else { return };
    ui.horizontal(|ui| {
        if widgets::button(ui, text.open_file).clicked() {
            actions.push(Action::Open(PathBuf::from(path)));
        }
        if widgets::button(ui, text.open_folder).clicked() {
            let folder = Path::new(path).parent().map_or_else(|| PathBuf::from(path), Path::to_owned);
            actions.push(Action::Open(folder));
        }
    });
}
