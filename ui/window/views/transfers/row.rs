//! A row of the list: a download, or an upload.

use super::super::super::action::{Action, TransfersAction};
use super::super::super::menu::{Menu, context_menu};
use super::super::super::model::Model;
use super::super::super::text::{Progress, Text};
use super::super::super::theme;
use super::super::super::widgets::{self, Icon};
use cardume::node::TransferChange;
use cardume::wire::control::{Transfer, Upload};
use eframe::egui;
use egui::{Align, Color32, Rect, Ui, pos2, vec2};
use std::path::{Path, PathBuf};

/// Room for the buttons at the end of a row.
const BUTTONS: f32 = 104.0;

/// The most sources whose faults are told in a row.
const MAX_FAULTS: usize = 5;

/// What is going on, and in which colour it is said.
pub(super) fn sentence(ui: &Ui, text: &Text, transfer: &Transfer) -> (String, Color32) {
    let tokens = theme::tokens(ui);
    let size = text.bytes(transfer.size);
    let why = || why(text, transfer);
    let needs_help = matches!(
        transfer.reason.as_str(),
        "disk_full"
            | "no_permission"
            | "folder_unusable"
            | "folder_gone"
            | "in_the_way"
            | "disk_error"
            | "no_source_left"
    );
    match transfer.state.as_str() {
        "finished" => {
            let finished = (text.finished_at)(&size, transfer.seconds);
            let renamed = transfer.reason == "renamed";
            (if renamed { (text.moving.both)(&finished, &why()) } else { finished }, tokens.ok)
        }
        "failed" if transfer.reason.is_empty() => ((text.failed)(&transfer.detail), tokens.error),
        "failed" => ((text.failed)(&why()), tokens.error),
        "cancelled" if transfer.reason == "not_removed" => (why(), tokens.warning),
        "cancelled" => (text.cancelled.to_owned(), tokens.weak),
        "paused" => {
            let so_far = (text.moving.paused_at)(&text.bytes(transfer.done), &size);
            (if transfer.size > 0 { so_far } else { text.moving.paused.to_owned() }, tokens.weak)
        }
        "running" if matches!(transfer.reason.as_str(), "" | "downloading") => {
            (running(text, transfer, &size), tokens.weak)
        }
        "running" => (why(), tokens.weak),
        _ if needs_help => (why(), tokens.warning),
        _ if transfer.reason.is_empty() => (text.waiting.to_owned(), tokens.weak),
        _ => (why(), tokens.weak),
    }
}

/// Why it does not run. What is wrong with its sources is said by source.
fn why(text: &Text, transfer: &Transfer) -> String {
    let of_sources = matches!(transfer.reason.as_str(), "sources_away" | "no_source_left");
    let faulty = transfer.sources.iter().filter(|_| of_sources).filter_map(|source| {
        Some(format!("{} {}", source.name, (text.moving.fault)(source.fault.as_deref()?)))
    });
    let faults: Vec<String> = faulty.take(MAX_FAULTS).collect();
    let about = if faults.is_empty() { transfer.about.clone() } else { faults.join("; ") };
    let why = (text.moving.reason)(&transfer.reason, &about);
    match &transfer.folder {
        Some(folder) if folder.files > 0 && (transfer.state == "waiting" || transfer.reason == "listing") => {
            let files = (text.moving.files)(folder.done, folder.files);
            let of_file = folder.current.as_ref().map(|file| (text.moving.both)(file, &why));
            (text.moving.both)(&files, &of_file.unwrap_or(why))
        }
        _ => why,
    }
}

/// How far a running download is, how fast, and from whom.
fn running(text: &Text, transfer: &Transfer, size: &str) -> String {
    let rate = if transfer.rate > 0 { text.rate(transfer.rate) } else { String::new() };
    let used = transfer.sources.iter().filter(|source| source.dropped.is_none());
    let sources: Vec<&str> = used.map(|source| source.name.as_str()).collect();
    let progress = Progress {
        done: &text.bytes(transfer.done),
        size,
        rate: &rate,
        seconds_left: transfer.size.saturating_sub(transfer.done).checked_div(transfer.rate),
        from: &sources.join(", "),
    };
    let sentence = (text.running)(&progress);
    match &transfer.folder {
        Some(folder) if folder.files > 0 => {
            (text.moving.both)(&(text.moving.files)(folder.done, folder.files), &sentence)
        }
        _ => sentence,
    }
}

/// Draws a download.
pub(super) fn download_ui(
    ui: &mut Ui,
    model: &Model,
    text: &Text,
    transfer: &Transfer,
    actions: &mut Vec<Action>,
) {
    let tokens = theme::tokens(ui);
    let (words, color) = sentence(ui, text, transfer);
    let label = (text.row_transfer)(&transfer.name, &words);
    let selected = model.transfers.selected == Some(transfer.id);
    let (rect, response) = widgets::row_of_ui(
        ui,
        egui::Id::unique(("transfer", transfer.id)),
        theme::TALL_ROW,
        selected,
        &label,
    );
    let left = rect.right() - BUTTONS;
    let line = |from: f32, to: f32| {
        Rect::from_min_max(pos2(rect.left() + theme::GRID, rect.top() + from), pos2(left, rect.top() + to))
    };
    let name = line(8.0, 26.0);
    let icon = if transfer.folder.is_some() { Icon::Folder } else { Icon::of_file(&transfer.name) };
    icon.paint(ui, widgets::span(name, name.left(), name.left() + theme::ICON), tokens.weak);
    let name = widgets::span(name, name.left() + 24.0, name.right());
    widgets::cell(ui, name, &transfer.name, theme::strong(), tokens.text, Align::Min);
    widgets::cell(ui, line(26.0, 44.0), &words, theme::small(), color, Align::Min);
    if is_open(transfer) {
        bar_ui(ui, model, transfer, line(48.0, 54.0));
    } else if let Some(path) = &transfer.path {
        widgets::cell(ui, line(43.0, 60.0), path, theme::small(), tokens.weak, Align::Min);
    }
    buttons_ui(ui, text, transfer, rect, actions);
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, egui::Stroke::new(1.0, tokens.line));
    let asked = selected && model.wants_menu;
    if asked {
        actions.push(Action::MenuShown);
    }
    context_menu(&response, asked, |ui, menu| menu_ui(ui, menu, text, transfer, actions));
    if response.double_clicked() {
        actions.extend(transfer.path.as_ref().map(|path| Action::Open(PathBuf::from(path))));
    } else if response.clicked() {
        let select = if selected { TransfersAction::Unselect } else { TransfersAction::Select(transfer.id) };
        actions.push(Action::Transfers(select));
    }
}

/// Whether it is not over.
pub(super) fn is_open(transfer: &Transfer) -> bool {
    matches!(transfer.state.as_str(), "running" | "waiting" | "paused")
}

/// What can be done with a download now: icon, label and action.
pub(super) fn choices(text: &Text, transfer: &Transfer) -> Vec<(Icon, &'static str, Action)> {
    let change = |change| Action::Transfers(TransfersAction::Change(change, vec![transfer.id]));
    let moving = &text.moving;
    let mut choices = Vec::new();
    match transfer.state.as_str() {
        "running" => choices.push((Icon::Pause, moving.pause, change(TransferChange::Pause))),
        "paused" => choices.push((Icon::Play, moving.resume, change(TransferChange::Resume))),
        "waiting" => {
            choices.push((Icon::Pause, moving.pause, change(TransferChange::Pause)));
            if transfer.reason != "queued" {
                choices.push((Icon::Retry, moving.retry, change(TransferChange::Retry)));
            }
        }
        "failed" | "cancelled" => choices.push((Icon::Retry, moving.retry, change(TransferChange::Retry))),
        _ => {}
    }
    if transfer.state == "failed" || transfer.reason == "not_removed" {
        choices.push((Icon::Close, moving.remove_left, change(TransferChange::Cancel)));
    }
    if let Some(path) = &transfer.path {
        let path = PathBuf::from(path);
        let folder = path.parent().map_or_else(|| path.clone(), Path::to_owned);
        choices.push((Icon::External, text.open_file, Action::Open(path)));
        choices.push((Icon::FolderOpen, text.open_folder, Action::Open(folder)));
    }
    if is_open(transfer) {
        choices.push((Icon::Close, text.cancel, Action::Cancel(transfer.id)));
    }
    choices
}

/// Where a download stands in the order.
pub(super) fn order_choices(text: &Text, transfer: &Transfer) -> Vec<(Icon, &'static str, Action)> {
    if !is_open(transfer) {
        return Vec::new();
    }
    let change = |change| Action::Transfers(TransfersAction::Change(change, vec![transfer.id]));
    vec![
        (Icon::Up, text.moving.up, change(TransferChange::Up)),
        (Icon::Down, text.moving.down, change(TransferChange::Down)),
        (Icon::ArrowUp, text.moving.top, change(TransferChange::Top)),
    ]
}

fn buttons_ui(ui: &mut Ui, text: &Text, transfer: &Transfer, rect: Rect, actions: &mut Vec<Action>) {
    let mut right = rect.right() - theme::GRID;
    for (icon, label, action) in choices(text, transfer).into_iter().rev() {
        let place = Rect::from_center_size(pos2(right - 14.0, rect.center().y), vec2(28.0, 28.0));
        let label = (text.moving.of)(label, &transfer.name);
        if widgets::icon_button_at(ui, place, ("transfer", transfer.id, icon.glyph()), icon, &label).clicked()
        {
            actions.push(action);
        }
        right -= 32.0;
    }
}

fn menu_ui(ui: &mut Ui, menu: &mut Menu, text: &Text, transfer: &Transfer, actions: &mut Vec<Action>) {
    for (_, label, action) in choices(text, transfer).into_iter().chain(order_choices(text, transfer)) {
        if menu.item(ui, egui::Button::new(label)) {
            actions.push(action);
        }
    }
}

/// The bar of pieces: what is here in the hue of the peer that brought it, what is on the way paler. Before the pieces
/// are known: how much is here.
pub(super) fn bar_ui(ui: &Ui, model: &Model, transfer: &Transfer, rect: Rect) {
    let tokens = theme::tokens(ui);
    let parts: u32 = transfer.pieces.iter().map(|run| run.parts).sum();
    if parts == 0 {
        widgets::bar(ui, rect, widgets::fraction(transfer.done, transfer.size), tokens.accent);
        return;
    }
    ui.painter().rect_filled(rect, theme::BAR / 2.0, tokens.line);
    let mut at = 0;
    for run in &transfer.pieces {
        let left = rect.left() + rect.width() * widgets::fraction(at.into(), parts.into());
        at += run.parts;
        let right = rect.left() + rect.width() * widgets::fraction(at.into(), parts.into());
        let source = run.source.and_then(|source| transfer.sources.get(source as usize));
        let hue = source.map(|source| widgets::hue_color(tokens, model.hue(&source.peer)));
        let color = match run.state.as_str() {
            "here" => hue.unwrap_or(tokens.accent),
            "in_flight" => hue.unwrap_or(tokens.accent).gamma_multiply(0.45),
            _ => continue,
        };
        ui.painter().rect_filled(widgets::span(rect, left, right), 0.0, color);
    }
}

/// Draws the heading above the uploads.
pub(super) fn heading_ui(ui: &mut Ui, heading: &str) {
    let tokens = theme::tokens(ui);
    let rect = widgets::plain_row_ui(ui, theme::TALL_ROW, heading);
    let line = Rect::from_min_max(pos2(rect.left() + theme::GRID, rect.bottom() - 30.0), rect.max);
    widgets::cell(ui, line, heading, theme::strong(), tokens.text, Align::Min);
}

/// Draws an upload.
pub(super) fn upload_ui(ui: &mut Ui, model: &Model, text: &Text, upload: &Upload) {
    let tokens = theme::tokens(ui);
    let state = (text.moving.upload_state)(&upload.state);
    let (sent, size) = (text.bytes(upload.sent), text.bytes(upload.size));
    let words = (text.moving.upload)(&upload.peer_name, state, &sent, &size, &text.rate(upload.rate));
    let rect = widgets::plain_row_ui(ui, theme::TALL_ROW, &(text.row_transfer)(&upload.name, &words));
    let line = |from: f32, to: f32| {
        let left = rect.left() + theme::GRID;
        Rect::from_min_max(pos2(left, rect.top() + from), pos2(rect.right() - theme::GRID, rect.top() + to))
    };
    let name = line(8.0, 26.0);
    Icon::Upload.paint(ui, widgets::span(name, name.left(), name.left() + theme::ICON), tokens.weak);
    let name = widgets::span(name, name.left() + 24.0, name.right());
    widgets::cell(ui, name, &upload.name, theme::strong(), tokens.text, Align::Min);
    widgets::cell(ui, line(26.0, 44.0), &words, theme::small(), tokens.weak, Align::Min);
    let hue = widgets::hue_color(tokens, model.hue(&upload.peer));
    widgets::bar(ui, line(48.0, 54.0), widgets::fraction(upload.sent, upload.size), hue);
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, egui::Stroke::new(1.0, tokens.line));
}
