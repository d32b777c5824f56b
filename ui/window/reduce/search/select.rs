//! The cursor and the selection of results.

use super::super::super::action::Pick;
use super::super::super::model::Model;
use super::super::super::model::search::{MAX_SELECTED, Row, Search, key_of};
use super::super::Field;
use super::Effect;

pub(super) fn select(model: &mut Model, row: usize, pick: Pick) -> Vec<Effect> {
    let search = &mut model.search;
    if row < search.row_count() {
        search.cursor = Some(row);
        choose(search, row, pick);
    }
    vec![Effect::Focus(Field::Results)]
}

pub(super) fn move_cursor(model: &mut Model, by: isize, pick: Pick) -> Vec<Effect> {
    let search = &mut model.search;
    let Some(last) = search.row_count().checked_sub(1) else { return Vec::new() };
    let next = match search.cursor {
        Some(cursor) => cursor.saturating_add_signed(by).min(last),
        None if by == isize::MAX => last,
        None => 0,
    };
    search.reveal = true;
    select(model, next, pick)
}

fn choose(search: &mut Search, row: usize, pick: Pick) {
    let content = match search.row(row) {
        Some(Row::Content(result)) => search.results.get(result).cloned(),
        _ => None,
    };
    match pick {
        Pick::Only => {
            search.chosen.clear();
            search.chosen.extend(content.map(|found| (key_of(&found), found)));
            search.anchor = Some(row);
        }
        Pick::Toggle => {
            search.anchor = Some(row);
            let Some(found) = content else { return };
            let key = key_of(&found);
            if search.chosen.remove(&key).is_none() && search.chosen.len() < MAX_SELECTED as usize {
                search.chosen.insert(key, found);
            }
        }
        Pick::Range => {
            let anchor = *search.anchor.get_or_insert(row);
            search.chosen.clear();
            let rows = (anchor.min(row)..=anchor.max(row)).take(MAX_SELECTED as usize);
            for row in rows {
                if let Some(Row::Content(result)) = search.row(row)
                    && let Some(found) = search.results.get(result)
                {
                    search.chosen.insert(key_of(found), found.clone());
                }
            }
        }
    }
}

pub(super) fn toggle(model: &mut Model, result: usize) -> Vec<Effect> {
    let search = &mut model.search;
    let Some(key) = search.results.get(result).map(key_of) else { return Vec::new() };
    if !search.open.remove(&key) {
        search.open.insert(key);
    }
    search.find_opened();
    let row = search.row_of(result);
    select(model, row, Pick::Only)
}

pub(super) fn set_open(model: &mut Model, open: bool) -> Vec<Effect> {
    let Some(row) = model.search.cursor_row() else { return Vec::new() };
    if model.search.is_open(row.result()) == open { Vec::new() } else { toggle(model, row.result()) }
}
