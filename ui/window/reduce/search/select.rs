//! The cursor and the selection of results.

use super::super::super::action::Pick;
use super::super::super::model::search::{Choosing, Chosen, MAX_SELECTED, Row, key_of};
use super::super::super::model::{Model, NoteKind};
use super::super::{Field, note};
use super::Effect;
use cardume::node::Page;
use std::ops::Range;

pub(super) fn select(model: &mut Model, row: usize, pick: Pick) -> Vec<Effect> {
    let mut effects = vec![Effect::Focus(Field::Results)];
    if row < model.search.row_count() {
        model.search.cursor = Some(row);
        effects.extend(choose(model, row, pick));
    }
    effects
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

fn choose(model: &mut Model, row: usize, pick: Pick) -> Vec<Effect> {
    let search = &mut model.search;
    search.choosing = None;
    let content = match search.row(row) {
        Some(Row::Content(place)) => {
            search.results.get(place).cloned().map(|found| (key_of(&found), Chosen { found, place }))
        }
        _ => None,
    };
    match pick {
        Pick::Only => {
            search.chosen.clear();
            search.chosen.extend(content);
            search.anchor = Some(row);
        }
        Pick::Toggle => {
            search.anchor = Some(row);
            let Some((key, chosen)) = content else { return Vec::new() };
            if search.chosen.remove(&key).is_none() && search.chosen.len() < MAX_SELECTED as usize {
                search.chosen.insert(key, chosen);
            }
        }
        Pick::Range => {
            let anchor = *search.anchor.get_or_insert(row);
            let rows = (anchor.min(row)..=anchor.max(row)).take(MAX_SELECTED as usize);
            let contents = rows.filter_map(|row| match search.row(row)? {
                Row::Content(result) => Some(result),
                Row::Source(..) => None,
            });
            let (first, last) =
                contents.fold((usize::MAX, 0), |(first, last), it| (first.min(it), last.max(it + 1)));
            return choose_all(model, first.min(last)..last);
        }
    }
    Vec::new()
}

/// Selects all results: those that one message holds.
pub(super) fn select_all(model: &mut Model) -> Vec<Effect> {
    let all = model.search.results.len();
    let wanted = all.min(MAX_SELECTED as usize);
    if wanted < all {
        drop(note(model, NoteKind::SelectedFirst(u64::from(MAX_SELECTED))));
    }
    choose_all(model, 0..wanted)
}

/// Selects these results; those that are not there yet are asked for, and selected as they come.
fn choose_all(model: &mut Model, wanted: Range<usize>) -> Vec<Effect> {
    let search = &mut model.search;
    let there = wanted.clone().filter_map(|place| {
        let found = search.results.get(place)?.clone();
        Some((key_of(&found), Chosen { found, place }))
    });
    search.chosen = there.collect();
    search.choosing = None;
    let Some(asked) = search.results.first_missing(wanted.clone()) else { return Vec::new() };
    if !search.may_ask_more() {
        return Vec::new();
    }
    let limit = u32::try_from(wanted.end - asked).unwrap_or(MAX_SELECTED);
    let (number, page) = (search.number, Page { offset: asked as u64, limit, sort: search.sort });
    search.choosing = Some(Choosing { wanted, number, asked });
    vec![Effect::Search { number, words: search.query(), page }]
}

/// A page came: those of it that are to be selected are, and the next ones are asked for.
pub(super) fn go_on_choosing(model: &mut Model, came: Page) -> Vec<Effect> {
    let search = &mut model.search;
    let Some(Choosing { wanted, number, asked }) = search.choosing.clone() else { return Vec::new() };
    // An answer may have been lost with its search, which another one replaced.
    if number == search.number && came.offset != asked as u64 {
        return Vec::new();
    }
    let wanted = wanted.start..wanted.end.min(search.results.len());
    let effects = choose_all(model, wanted);
    let search = &mut model.search;
    let is_stuck = |now: &Choosing| (now.number, now.asked) == (number, asked);
    if search.choosing.as_ref().is_some_and(is_stuck) {
        // It brought nothing: there is no more.
        search.choosing = None;
        return Vec::new();
    }
    effects
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
