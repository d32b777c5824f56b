//! The palette: everything that can be done, found by typing.
//!
//! Absent on purpose: a table of its own; it shows the verbs, pages, peers and files that there are.

use super::super::action::{Page, Verb};
use super::super::icon::Icon;
use super::super::text::Language;
use super::super::theme_choice::ThemeChoice;
use super::{Model, Section};
use cardume::node::fold;
use eframe::egui::KeyboardShortcut;
use std::path::PathBuf;

/// The most characters that can be typed.
pub(crate) const MAX_TYPED: usize = 200;
/// The most finished downloads that are offered.
const MAX_FILES: usize = 50;

/// The open palette.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Palette {
    /// What is typed.
    pub typed: String,
    /// The number of the chosen item.
    pub cursor: usize,
    /// Whether it must be brought into view.
    pub reveal: bool,
}

/// What an item does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Something of the table.
    Do(Verb),
    /// Search with these words.
    Search(String),
    /// Open a file.
    Open(PathBuf),
    /// Look like this.
    Theme(ThemeChoice),
    /// Speak this language.
    Language(Language),
}

/// An item of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Its picture.
    pub icon: Icon,
    /// What it is called.
    pub label: String,
    /// What it does, in a few words.
    pub detail: String,
    /// Its first key.
    pub keys: Option<KeyboardShortcut>,
    /// The number of the peer's hue, if it is about one.
    pub hue: Option<usize>,
    /// What it does.
    pub goal: Goal,
}

/// What fits what is typed, the best first; everything that can be done now if nothing is typed.
pub(crate) fn items(model: &Model) -> Vec<Item> {
    let Some(palette) = &model.palette else { return Vec::new() };
    let typed = fold(palette.typed.trim());
    let mut scored: Vec<(u32, Item)> = all_items(model)
        .into_iter()
        .filter_map(|item| {
            let by_label = score(&fold(&item.label), &typed);
            // What explains it counts too, but less.
            let by_detail =
                || score(&fold(&item.detail), &typed).filter(|of| *of < SCATTERED).map(|of| of + SCATTERED);
            Some((by_label.or_else(by_detail)?, item))
        })
        .collect();
    scored.sort_by_key(|(score, _)| *score);
    let mut items: Vec<Item> = scored.into_iter().map(|(_, item)| item).collect();
    if !typed.is_empty() {
        let text = model.language.text();
        items.push(Item {
            icon: Icon::Search,
            label: (text.finding.search_for)(palette.typed.trim()),
            detail: text.focus_search.to_owned(),
            keys: None,
            hue: None,
            goal: Goal::Search(palette.typed.trim().to_owned()),
        });
    }
    items
}

fn all_items(model: &Model) -> Vec<Item> {
    let text = model.language.text();
    let verbs = Verb::ALL.iter().copied().filter(|verb| is_possible(model, *verb)).map(|verb| Item {
        icon: verb.icon().unwrap_or(Icon::Right),
        label: verb.label(text).to_owned(),
        detail: verb.tooltip(text).to_owned(),
        keys: verb.keys().first().copied(),
        hue: None,
        goal: Goal::Do(verb),
    });
    let peers = model.view.members.iter().enumerate().map(|(number, member)| {
        let quote = if member.peer.name.contains(' ') { "\"" } else { "" };
        Item {
            icon: Icon::Peer,
            label: member.peer.name.clone(),
            detail: text.finding.files_of_peer.to_owned(),
            keys: None,
            hue: Some(number),
            goal: Goal::Search(format!("peer:{quote}{}{quote}", member.peer.name)),
        }
    });
    let finished = model.view.transfers.iter().filter_map(|transfer| {
        let path = transfer.path.as_ref().filter(|_| transfer.state == "finished")?;
        Some(Item {
            icon: Icon::of_file(&transfer.name),
            label: transfer.name.clone(),
            detail: text.finding.open_downloaded.to_owned(),
            keys: None,
            hue: None,
            goal: Goal::Open(PathBuf::from(path)),
        })
    });
    verbs.chain(peers).chain(finished.take(MAX_FILES)).chain(choices(model)).collect()
}

/// Themes and languages other than the one in use.
fn choices(model: &Model) -> impl Iterator<Item = Item> {
    let text = model.language.text();
    let themes = [
        (ThemeChoice::System, Icon::Gauge, text.theme_system),
        (ThemeChoice::Light, Icon::Sun, text.theme_light),
        (ThemeChoice::Dark, Icon::Moon, text.theme_dark),
    ];
    let item = |icon: Icon, label: String, goal: Goal| Item {
        icon,
        label,
        detail: (text.activities.section)(Section::Settings).to_owned(),
        keys: None,
        hue: None,
        goal,
    };
    let used = model.theme;
    let themes = themes
        .into_iter()
        .filter(move |(theme, ..)| *theme != used)
        .map(move |(theme, icon, name)| item(icon, format!("{}: {name}", text.theme), Goal::Theme(theme)));
    let spoken = model.language;
    let languages =
        Language::ALL.into_iter().filter(move |language| *language != spoken).map(move |language| {
            let label = format!("{}: {}", text.language, language.own_name());
            item(Icon::Language, label, Goal::Language(language))
        });
    themes.chain(languages)
}

/// Whether a verb can do something now and makes sense in a list.
fn is_possible(model: &Model, verb: Verb) -> bool {
    let on_results = model.page == Page::Search && model.search.cursor_row().is_some();
    match verb {
        Verb::Palette | Verb::Escape | Verb::Expand | Verb::Collapse | Verb::RowMenu => false,
        Verb::FolderUp | Verb::FolderBack | Verb::Refresh => model.shown_browse().is_some(),
        Verb::Download | Verb::DownloadTo | Verb::CopyLink | Verb::ToggleSources => on_results,
        Verb::SelectAll => model.page == Page::Search && model.search.row_count() > 0,
        Verb::CrashTracker => model.view.status.tracker.is_some(),
        _ => true,
    }
}

/// Letters that stand apart count so much.
const SCATTERED: u32 = 1_000;

/// How well a folded text fits what is typed, the lowest the best; `None` if letters are missing.
fn score(text: &str, typed: &str) -> Option<u32> {
    let at = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).min(99);
    if let Some(found) = text.find(typed) {
        let begins_word = text[..found].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
        return Some(at(found) + if begins_word { 0 } else { 200 });
    }
    let words: Vec<&str> = typed.split_whitespace().collect();
    if words.len() > 1 && words.iter().all(|word| text.contains(word)) {
        return Some(400);
    }
    let mut rest = text.char_indices();
    let mut first = None;
    let mut last = 0;
    for letter in typed.chars().filter(|c| !c.is_whitespace()) {
        let (found, _) = rest.find(|(_, c)| *c == letter)?;
        first.get_or_insert(found);
        last = found;
    }
    Some(SCATTERED + at(last - first.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_fit_is_lowest() {
        let texts = ["share a folder", "rescan shares", "search for files", "show sources", "group"];
        let order = |typed: &str| {
            let mut fits: Vec<_> =
                texts.iter().filter_map(|text| score(text, typed).map(|score| (score, *text))).collect();
            fits.sort_unstable();
            fits.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        };
        assert_eq!(order("sh"), ["share a folder", "show sources", "rescan shares", "search for files"]);
        assert_eq!(order("sff"), ["search for files"]);
        assert_eq!(order("folder share"), ["share a folder"]);
        assert_eq!(order("zz"), [""; 0]);
        assert_eq!(order("").len(), texts.len());
    }
}
