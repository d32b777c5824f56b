//! The pages and what is around them: each a function from the model to the actions that a person took.
//!
//! Invariant: views change nothing. Absent on purpose: colours and sizes (the theme), sentences (the text).

mod activity;
mod activity_check;
mod activity_log;
mod activity_settings;
mod browse;
mod group;
mod group_playback;
mod group_ring;
mod group_table;
mod group_time_line;
mod leaving;
mod library;
mod library_warning;
mod messages;
mod overlays;
mod palette;
mod rail;
mod search;
mod status_bar;
mod transfers;
mod welcome;

pub(crate) use transfers::transfers_keys;

use super::action::{Action, Page};
use super::model::Model;
use super::reduce::Field;
use super::text::Text;
use super::theme;
use cardume::wire::control::Founders;
use eframe::egui;
use egui::{CentralPanel, Panel, Ui};

/// The id of the search field, for the focus.
pub(crate) fn search_field() -> egui::Id {
    egui::Id::unique("search_field")
}

/// The id of what can have the keys.
pub(crate) fn id_of(field: Field) -> egui::Id {
    egui::Id::unique(match field {
        Field::Filter => "filter_field",
        Field::Results => "results_list",
        Field::Target => "target_field",
        Field::Palette => "palette_field",
        Field::Folder => "folder_list",
        Field::FolderFilter => "folder_filter_field",
    })
}

/// Draws the whole window.
pub(crate) fn window_ui(ui: &mut Ui, model: &Model) -> Vec<Action> {
    let text = model.language.text();
    let tokens = theme::tokens(ui);
    let mut actions = Vec::new();
    let narrow = ui.available_width() < theme::NARROW;
    Panel::bottom("status_bar")
        .exact_size(theme::STATUS_BAR)
        .resizable(false)
        .show_separator_line(false)
        .frame(theme::status_frame(tokens))
        .show(ui, |ui| actions.extend(status_bar::status_bar_ui(ui, model, text)));
    Panel::left("rail")
        .exact_size(if narrow { theme::RAIL[1] } else { theme::RAIL[0] })
        .resizable(false)
        .show_separator_line(false)
        .frame(theme::rail_frame(tokens))
        .show(ui, |ui| actions.extend(rail::rail_ui(ui, model, text, narrow)));
    CentralPanel::no_frame()
        .frame(theme::page_frame(tokens))
        .show(ui, |ui| actions.extend(page_ui(ui, model, text)));
    actions.extend(overlays::overlays_ui(ui, model, text));
    actions
}

/// What a person should know now, and whether it keeps the group from working. The peer says the same
/// in English (`notice` of its status); here it is said in the person's language.
fn notice(model: &Model, text: &Text) -> Option<(String, bool)> {
    let status = &model.view.status;
    let quorum = &status.quorum;
    if status.role == "silent" {
        return Some((text.notice_silent.to_owned(), false));
    }
    if status.role == "paused" {
        return Some((text.of_group.notice_paused.to_owned(), false));
    }
    match status.voting.as_str() {
        "waiting" => return Some((text.of_group.notice_disk_full.to_owned(), true)),
        "ended" => return Some((text.of_group.notice_disk_failed.to_owned(), true)),
        _ => {}
    }
    if let Some(address) = &status.moved_to {
        return Some(((text.of_group.notice_moved)(address), true));
    }
    if quorum.voters > 0 && quorum.reachable < quorum.needed {
        return Some(((text.quorum_missing)(quorum.reachable, quorum.voters, quorum.needed), true));
    }
    if model.view.members.is_empty() {
        let waiting =
            |founders: Founders| (text.of_group.notice_founding)(founders.registered, founders.expected);
        let sentence = status.names.founding.map_or_else(|| text.notice_alone.to_owned(), waiting);
        return Some((sentence, false));
    }
    if status.tracker.is_none() {
        return Some((text.notice_electing.to_owned(), false));
    }
    (!status.notice.is_empty()).then(|| (status.notice.clone(), false))
}

fn page_ui(ui: &mut Ui, model: &Model, text: &Text) -> Vec<Action> {
    if let Some(browse) = model.shown_browse() {
        return browse::browse_ui(ui, model, browse, text);
    }
    match model.page {
        Page::Search => search::search_ui(ui, model, text),
        Page::Transfers => transfers::transfers_ui(ui, model, text),
        Page::Library => library::library_ui(ui, model, text),
        Page::Group => group::group_ui(ui, model, text),
        Page::Activity => activity::activity_ui(ui, model, text),
    }
}
