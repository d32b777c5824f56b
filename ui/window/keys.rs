//! What the pressed keys ask for, by the table of verbs.
//!
//! Keys with more modifiers are looked at first, since egui takes Ctrl+Shift+K for Ctrl+K too. Where the
//! results have the keys, letters go on in the search field.

use super::action::{Action, BrowseAction, Page, PaletteAction, Pick, SearchAction, Verb, yields_to_typing};
use super::model::Model;
use super::reduce::Field;
use super::views;
use eframe::egui;
use egui::text::CCursorRange;
use egui::text_edit::TextEditState;
use egui::{Event, Id, InputState, Key, KeyboardShortcut, Modifiers};

/// Rows that a page key moves by.
const PAGE_ROWS: isize = 10;

/// What has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    /// The results, or nothing on the search page.
    Results,
    /// A field above the results: letters are typed, arrows move in the results.
    FieldOfResults,
    /// The rows of a folder that is looked into, or nothing there.
    Folder,
    /// The field above them.
    FieldOfFolder,
    /// Anything else.
    Elsewhere,
}

/// What the pressed keys ask for.
pub(super) fn pressed_keys(ctx: &egui::Context, model: &Model) -> Vec<Action> {
    if egui::Popup::is_any_open(ctx) {
        // An open menu has the keys.
        return Vec::new();
    }
    let focus = ctx.memory(egui::Memory::focused);
    let typing = ctx.text_edit_focused();
    let keys = keys_of(model, focus);
    let browses = model.shown_browse().is_some() && !model.is_covered();
    let copies_text = typing && focus.is_some_and(|field| has_selected_text(ctx, field));
    ctx.input_mut(|input| {
        if model.palette.is_some() {
            return palette_keys(input);
        }
        let mut actions = Vec::new();
        for (verb, shortcut) in shortcuts() {
            let free = is_free(verb, keys, browses) && (!model.is_covered() || works_above(verb, model));
            if free && !(typing && yields_to_typing(shortcut)) && input.consume_shortcut(&shortcut) {
                actions.push(Action::Do(verb));
                drop_text(input, shortcut);
            }
        }
        if model.page == Page::Transfers && !model.is_covered() && !typing && focus.is_none() {
            actions.extend(views::transfers_keys(input));
        }
        if keys != Keys::Elsewhere {
            // Desktops give Ctrl+C as this event, not as a key.
            let copies = |event: &Event| matches!(event, Event::Copy);
            if !copies_text && input.events.iter().any(copies) {
                input.events.retain(|event| !copies(event));
                actions.push(Action::Do(Verb::CopyLink));
            }
            if matches!(keys, Keys::Folder | Keys::FieldOfFolder) {
                actions.extend(folder_keys(input, keys).into_iter().map(Action::Browse));
            } else {
                actions.extend(cursor_keys(input, keys).into_iter().map(Action::Search));
            }
        }
        actions
    })
}

fn keys_of(model: &Model, focus: Option<Id>) -> Keys {
    if model.is_covered() || model.notes_open {
        return Keys::Elsewhere;
    }
    if model.shown_browse().is_some() {
        return match focus {
            Some(id) if id == views::id_of(Field::FolderFilter) => Keys::FieldOfFolder,
            Some(id) if id != views::id_of(Field::Folder) && id != views::search_field() => Keys::Elsewhere,
            _ => Keys::Folder,
        };
    }
    if model.page != Page::Search {
        return Keys::Elsewhere;
    }
    match focus {
        None => Keys::Results,
        Some(id) if id == views::id_of(Field::Results) => Keys::Results,
        Some(id) if id == views::search_field() || id == views::id_of(Field::Filter) => Keys::FieldOfResults,
        Some(_) => Keys::Elsewhere,
    }
}

/// Whether a verb's keys work while something lies over the pages: what is under it is not meant.
fn works_above(verb: Verb, model: &Model) -> bool {
    match verb {
        Verb::Escape | Verb::Palette | Verb::ZoomIn | Verb::ZoomOut | Verb::ZoomReset => true,
        // The same key closes it.
        Verb::Shortcuts => model.help,
        _ => false,
    }
}

/// Whether a verb's keys mean that verb where these have the keys, and folders are looked into or not.
fn is_free(verb: Verb, keys: Keys, browses: bool) -> bool {
    let results = matches!(keys, Keys::Results | Keys::FieldOfResults);
    let folder = matches!(keys, Keys::Folder | Keys::FieldOfFolder);
    match verb {
        Verb::Download | Verb::CopyLink => results || folder,
        Verb::DownloadTo | Verb::SelectAll | Verb::ToggleSources | Verb::Expand | Verb::Collapse => results,
        Verb::FolderUp | Verb::FolderBack | Verb::Refresh => browses,
        _ => true,
    }
}

/// All keys of the table, those with most modifiers first.
fn shortcuts() -> Vec<(Verb, KeyboardShortcut)> {
    let count = |keys: Modifiers| {
        u8::from(keys.alt) + u8::from(keys.shift) + u8::from(keys.ctrl || keys.command || keys.mac_cmd)
    };
    let all = Verb::ALL.iter().flat_map(|verb| verb.keys().iter().map(|shortcut| (*verb, *shortcut)));
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(_, shortcut)| std::cmp::Reverse(count(shortcut.modifiers)));
    all
}

/// A key without modifiers is a letter too: it must not be typed into what gets the focus by it.
fn drop_text(input: &mut InputState, shortcut: KeyboardShortcut) {
    if shortcut.modifiers == Modifiers::NONE {
        input.events.retain(|event| !matches!(event, Event::Text(text) if text == "/" || text == " "));
    }
}

/// Moving in the rows of a folder; letters go to its filter.
fn folder_keys(input: &mut InputState, keys: Keys) -> Vec<BrowseAction> {
    let mut moves =
        vec![(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::PageDown, PAGE_ROWS), (Key::PageUp, -PAGE_ROWS)];
    if keys == Keys::Folder {
        moves.extend([(Key::Home, isize::MIN), (Key::End, isize::MAX)]);
    }
    let mut actions = Vec::new();
    for (key, by) in moves {
        for _ in 0..input.count_and_consume_key(Modifiers::NONE, key) {
            actions.push(BrowseAction::Move(by));
        }
    }
    if keys == Keys::Folder {
        actions.extend(typed_letters(input).map(BrowseAction::Type));
    }
    actions
}

fn cursor_keys(input: &mut InputState, keys: Keys) -> Vec<SearchAction> {
    let mut actions = Vec::new();
    for (key, by) in
        [(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::PageDown, PAGE_ROWS), (Key::PageUp, -PAGE_ROWS)]
    {
        for (modifiers, pick) in [(Modifiers::SHIFT, Pick::Range), (Modifiers::NONE, Pick::Only)] {
            for _ in 0..input.count_and_consume_key(modifiers, key) {
                actions.push(SearchAction::Move(by, pick));
            }
        }
    }
    if keys == Keys::FieldOfResults {
        return actions;
    }
    for (key, by) in [(Key::Home, isize::MIN), (Key::End, isize::MAX)] {
        for (modifiers, pick) in [(Modifiers::SHIFT, Pick::Range), (Modifiers::NONE, Pick::Only)] {
            if input.consume_key(modifiers, key) {
                actions.push(SearchAction::Move(by, pick));
            }
        }
    }
    for (key, action) in [(Key::ArrowRight, SearchAction::Open), (Key::ArrowLeft, SearchAction::Close)] {
        if input.consume_key(Modifiers::NONE, key) {
            actions.push(action);
        }
    }
    actions.extend(typed_letters(input).map(SearchAction::Type));
    actions
}

/// Letters typed while rows have the keys.
fn typed_letters(input: &mut InputState) -> Option<String> {
    let mut typed = String::new();
    input.events.retain(|event| match event {
        Event::Text(text) | Event::Paste(text) => {
            typed.push_str(text);
            false
        }
        _ => true,
    });
    (!typed.trim().is_empty()).then_some(typed)
}

fn palette_keys(input: &mut InputState) -> Vec<Action> {
    let mut actions = Vec::new();
    for (key, by) in
        [(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::PageDown, PAGE_ROWS), (Key::PageUp, -PAGE_ROWS)]
    {
        for _ in 0..input.count_and_consume_key(Modifiers::NONE, key) {
            actions.push(Action::Palette(PaletteAction::Move(by)));
        }
    }
    if input.consume_key(Modifiers::NONE, Key::Enter) {
        actions.push(Action::Palette(PaletteAction::RunChosen));
    }
    if input.consume_key(Modifiers::NONE, Key::Escape) {
        actions.push(Action::Do(Verb::Escape));
    }
    if input.consume_key(Modifiers::COMMAND, Key::K) {
        actions.push(Action::Do(Verb::Palette));
    }
    actions
}

fn has_selected_text(ctx: &egui::Context, field: Id) -> bool {
    let range = TextEditState::load(ctx, field).and_then(|state| state.cursor.char_range());
    range.is_some_and(|range| !range.is_empty())
}

/// Puts the text cursor of a field behind its text.
pub(super) fn go_behind_text(ctx: &egui::Context, field: Id, text: &str) {
    place_text_cursor(ctx, field, CCursorRange::one(CCursorRange::select_all_str(text).primary));
}

/// Selects the text of a field.
pub(super) fn select_text(ctx: &egui::Context, field: Id, text: &str) {
    place_text_cursor(ctx, field, CCursorRange::select_all_str(text));
}

fn place_text_cursor(ctx: &egui::Context, field: Id, range: CCursorRange) {
    let Some(mut state) = TextEditState::load(ctx, field) else { return };
    state.cursor.set_char_range(Some(range));
    state.store(ctx, field);
}
