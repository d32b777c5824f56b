//! The operators of the search as chips, and those that would narrow it: by type, size and peer.

use super::super::super::action::{Action, SearchAction};
use super::super::super::model::Model;
use super::super::super::model::search::terms;
use super::super::super::text::Text;
use super::super::super::theme;
use super::super::super::widgets::{self, Icon};
use cardume::base::FileKind;
use cardume::node::Operator;
use cardume::wire::index::Facet;
use eframe::egui;
use egui::containers::menu::MenuButton;
use egui::{Align, Button, Color32, Layout, RichText, Role, Sense, Ui, WidgetInfo, vec2};

/// Height of a chip.
const CHIP: f32 = 24.0;
/// What the two menus at the end need.
const MENUS: f32 = 170.0;

/// Draws the chips; nothing if there is nothing to narrow.
pub(super) fn chips_ui(ui: &mut Ui, model: &Model, text: &Text, actions: &mut Vec<Action>) {
    let search = &model.search;
    let active: Vec<&str> = terms(&search.words)
        .into_iter()
        .map(|place| &search.words[place])
        .filter(|term| is_operator(term))
        .collect();
    let facets = search.answered.as_ref().map_or(&[][..], |answered| &answered.facets);
    let is_idle = search.waiting || search.problem.is_some();
    if active.is_empty() && (is_idle || facets.is_empty()) {
        return;
    }
    let others = |prefix: &str| -> Vec<&Facet> {
        let of_prefix = facets.iter().filter(|facet| facet.term.starts_with(prefix));
        of_prefix.filter(|facet| !active.contains(&facet.term.as_str())).collect()
    };
    let size = vec2(ui.available_width(), CHIP);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.spacing_mut().interact_size.y = CHIP;
        for term in &active {
            let label = (text.finding.remove_chip)(term);
            if chip_ui(ui, Icon::Close, term, &label, Chip::Active) {
                actions.push(Action::Search(SearchAction::Term((*term).to_owned())));
            }
        }
        kinds_ui(ui, text, others("type:"), actions);
        menu_ui(ui, text.finding.size, text, &others("size:"), actions, size_label);
        menu_ui(ui, text.finding.peers, text, &others("peer:"), actions, |term| peer_name(term).to_owned());
    });
}

/// The commonest types, as many as fit; a type that all results have narrows nothing.
fn kinds_ui(ui: &mut Ui, text: &Text, mut kinds: Vec<&Facet>, actions: &mut Vec<Action>) {
    if kinds.len() < 2 {
        return;
    }
    kinds.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.term.cmp(&b.term)));
    for facet in kinds {
        let Some(kind) = facet.term.strip_prefix("type:").and_then(FileKind::named) else { continue };
        let words = (text.finding.chip)(text.finding.kind(kind), facet.count);
        if ui.available_width() < chip_width(ui, &words) + MENUS {
            return;
        }
        if chip_ui(ui, icon_of(kind), &words, &words, Chip::Offered) {
            actions.push(Action::Search(SearchAction::Term(facet.term.clone())));
        }
    }
}

fn menu_ui(
    ui: &mut Ui,
    title: &str,
    text: &Text,
    facets: &[&Facet],
    actions: &mut Vec<Action>,
    label: impl Fn(&str) -> String,
) {
    if facets.len() < 2 {
        return;
    }
    let tokens = theme::tokens(ui);
    // Space for the arrow, which is drawn: its glyph is no part of the name.
    let words = RichText::new(format!("{title}      ")).font(theme::small());
    let button = Button::new(words).fill(tokens.raised).corner_radius(CHIP / 2.0).min_size(vec2(0.0, CHIP));
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        for facet in facets {
            let words = (text.finding.chip)(&label(&facet.term), facet.count);
            if ui.button(words).clicked() {
                actions.push(Action::Search(SearchAction::Term(facet.term.clone())));
                ui.close();
            }
        }
    });
    let right = widgets::span(response.rect, response.rect.right() - 24.0, response.rect.right() - 6.0);
    Icon::Down.paint(ui, right, tokens.weak);
    drop(response.accessible_name(title));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Chip {
    Active,
    Offered,
}

fn chip_width(ui: &Ui, words: &str) -> f32 {
    ui.painter().layout_no_wrap(words.to_owned(), theme::small(), Color32::PLACEHOLDER).size().x + 36.0
}

fn chip_ui(ui: &mut Ui, icon: Icon, words: &str, label: &str, chip: Chip) -> bool {
    let tokens = theme::tokens(ui);
    let width = chip_width(ui, words).min(ui.available_width().max(40.0));
    let (rect, response) = ui.allocate_exact_size(vec2(width, CHIP), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    let (fill, color, mark) = match chip {
        Chip::Active => (tokens.selected, tokens.accent, tokens.accent),
        Chip::Offered if response.hovered() || response.has_focus() => {
            (tokens.hover, tokens.text, tokens.text)
        }
        Chip::Offered => (tokens.raised, tokens.text, tokens.weak),
    };
    ui.painter().rect_filled(rect, CHIP / 2.0, fill);
    icon.paint(ui, widgets::span(rect, rect.left() + 7.0, rect.left() + 23.0), mark);
    let inside = widgets::span(rect, rect.left() + 26.0, rect.right() - 6.0);
    widgets::cell(ui, inside, words, theme::small(), color, Align::Min);
    response.on_hover_text(label).clicked()
}

fn is_operator(term: &str) -> bool {
    let term = term.strip_prefix('-').unwrap_or(term);
    let name = term.split_once(':').map(|(name, _)| name.to_lowercase());
    name.is_some_and(|name| Operator::ALL.iter().any(|operator| operator.name() == name))
}

/// The icon of a kind of files.
fn icon_of(kind: FileKind) -> Icon {
    match kind {
        FileKind::Audio => Icon::Audio,
        FileKind::Video => Icon::Video,
        FileKind::Image => Icon::Image,
        FileKind::Document => Icon::Document,
        FileKind::Archive => Icon::Archive,
        FileKind::Code => Icon::Code,
        FileKind::Program => Icon::Program,
        FileKind::Other => Icon::File,
    }
}

/// A class of sizes for people: `1 MB – 10 MB`.
fn size_label(term: &str) -> String {
    let size = term.strip_prefix("size:").unwrap_or(term);
    let (sign, size) = match (size.strip_prefix(">="), size.strip_prefix('<')) {
        (Some(size), _) => ("≥ ", size),
        (None, Some(size)) => ("< ", size),
        (None, None) => ("", size),
    };
    let unit = |size: &str| size.replace('M', " MB").replace('G', " GB");
    match size.split_once("..") {
        Some((from, to)) => format!("{} – {}", unit(from), unit(to)),
        None => format!("{sign}{}", unit(size)),
    }
}

fn peer_name(term: &str) -> &str {
    term.strip_prefix("peer:").unwrap_or(term).trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_peers_are_said_for_people() {
        for (term, label) in
            [("size:<1M", "< 1 MB"), ("size:10M..100M", "10 MB – 100 MB"), ("size:>=1G", "≥ 1 GB")]
        {
            assert_eq!(size_label(term), label);
        }
        assert_eq!(peer_name("peer:\"Ana Maria\""), "Ana Maria");
    }

    #[test]
    fn operators_are_known_also_when_they_exclude() {
        for term in ["type:video", "-peer:bob", "SIZE:>1M", "ext:"] {
            assert!(is_operator(term), "{term}");
        }
        for term in ["video", "12:30", "\"type:video\"", "-x"] {
            assert!(!is_operator(term), "{term}");
        }
    }
}
