//! The context menu of the results: what can be done with the selection.

use super::super::super::action::{Action, SearchAction, Verb};
use super::super::super::menu::Menu;
use super::super::super::model::Model;
use super::super::super::model::search::Wanted;
use super::super::super::text::Text;
use cardume::base::Natural;
use eframe::egui;
use egui::{Button, Ui};

/// Draws the menu.
pub(super) fn menu_ui(ui: &mut Ui, menu: &mut Menu, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let wanted = model.search.wanted();
    verb_ui(ui, menu, text, Verb::Download, actions);
    let peers = peers(model, &wanted);
    if !peers.is_empty() {
        let from = ui.menu_button(text.finding.download_from, |ui| {
            for (id, name) in peers {
                if ui.button(name).clicked() {
                    actions.push(Action::Search(SearchAction::DownloadFrom(id.to_owned())));
                    ui.close();
                }
            }
        });
        menu.join(ui, &from.response);
    }
    verb_ui(ui, menu, text, Verb::DownloadTo, actions);
    verb_ui(ui, menu, text, Verb::CopyLink, actions);
    if wanted.len() == 1 {
        verb_ui(ui, menu, text, Verb::ToggleSources, actions);
    }
}

fn verb_ui(ui: &mut Ui, menu: &mut Menu, text: &Text, verb: Verb, actions: &mut Vec<Action>) {
    let mut button = Button::new(verb.label(text));
    if let Some(keys) = verb.keys().first() {
        button = button.shortcut_text(ui.ctx().format_shortcut(keys));
    }
    if menu.item(ui, button) {
        actions.push(Action::Do(verb));
    }
}

/// The others who have something of it: ids and names, each once.
fn peers<'a>(model: &Model, wanted: &'a [Wanted]) -> Vec<(&'a str, &'a str)> {
    let sources = wanted.iter().flat_map(|wanted| &wanted.found.sources);
    let others = sources.filter(|source| source.peer != model.view.status.peer_id);
    let mut peers: Vec<_> = others.map(|source| (source.peer.as_str(), source.peer_name.as_str())).collect();
    peers.sort_by_key(|(id, name)| (Natural(name.as_bytes()), *id));
    peers.dedup();
    peers
}
