//! What follows on the search page: searching, selecting, downloading.

use super::super::action::Subject;
use super::super::model::{
    Basis, DEBOUNCE, FOLLOW, MAX_RESULTS, Model, NoteKind, RETRY, Row, Search, key_of,
};
use super::{Effect, note};
use cardume::base::{ContentId, PeerId};
use cardume::node::{Command, CommandError};
use cardume::wire::codes::Code;
use cardume::wire::index::SearchAnswer;

/// The search runs again when its answer may be another one now.
pub(super) fn follow_index(model: &mut Model) -> Vec<Effect> {
    let search = &mut model.search;
    let basis = Basis::of(&model.view);
    let changed = search.basis.as_ref() != Some(&basis);
    if model.view.status.tracker.is_none() {
        search.waiting = true;
        return Vec::new();
    }
    if !(changed || search.waiting) || search.due.is_some() || search.asking {
        return Vec::new();
    }
    let at = match search.sent_at {
        Some(sent_at) if !search.waiting => model.now.max(sent_at + FOLLOW),
        _ => model.now,
    };
    search.due = Some(at);
    vec![Effect::WakeAfter(at.saturating_sub(model.now))]
}

pub(super) fn type_words(model: &mut Model, words: String) -> Vec<Effect> {
    model.search.words = words;
    model.search.due = Some(model.now + DEBOUNCE);
    vec![Effect::WakeAfter(DEBOUNCE)]
}

pub(super) fn send_search(model: &mut Model) -> Option<Effect> {
    let search = &mut model.search;
    search.due = None;
    if model.view.status.tracker.is_none() {
        search.waiting = true;
        return None;
    }
    search.number += 1;
    search.asking = true;
    search.sent_at = Some(model.now);
    search.basis = Some(Basis::of(&model.view));
    Some(Effect::Search { number: search.number, words: search.words.clone(), limit: MAX_RESULTS })
}

pub(super) fn take_answer(
    model: &mut Model,
    number: u64,
    answer: Result<SearchAnswer, CommandError>,
) -> Vec<Effect> {
    let search = &mut model.search;
    if number != search.number {
        return Vec::new();
    }
    search.asking = false;
    match answer {
        Ok(answer) => {
            search.waiting = false;
            search.problem = None;
            show_answer(model, answer);
            // The index may have changed while the answer was on its way.
            follow_index(model)
        }
        Err(error) => {
            search.waiting = is_for_want_of_tracker(error.code);
            search.problem = (!search.waiting).then_some(error.message);
            if error.code == Code::BadParameter as i32 {
                // The same words are refused again; others are typed by the person.
                return Vec::new();
            }
            search.due.get_or_insert(model.now + RETRY);
            vec![Effect::WakeAfter(RETRY)]
        }
    }
}

fn is_for_want_of_tracker(code: i32) -> bool {
    [Code::NoTracker, Code::NotTracker, Code::ElectionSilent, Code::OldEpoch, Code::Busy]
        .iter()
        .any(|of| *of as i32 == code)
}

/// Puts an answer on screen; the selection stays on its result where that is still there.
fn show_answer(model: &mut Model, answer: SearchAnswer) {
    let search = &mut model.search;
    let key = |search: &Search, row: Row| {
        let (Row::Content(found) | Row::Source(found, _)) = row;
        search.results().get(found).map(key_of)
    };
    let selected = search.selected_row().and_then(|row| key(search, row));
    let same_words = search.answered_words == search.words;
    search.answer = Some(answer);
    search.answered_words.clone_from(&search.words);
    search.rebuild_rows();
    let kept = selected
        .filter(|_| same_words)
        .and_then(|wanted| search.rows.iter().position(|row| key(search, *row).as_ref() == Some(&wanted)));
    // With words typed, Enter takes the best result; without any, nothing is taken by accident.
    let first = (!search.words.trim().is_empty() && !search.rows.is_empty()).then_some(0);
    search.selected = kept.or(first);
    search.reveal = !same_words;
}

pub(super) fn select(model: &mut Model, row: usize) -> Vec<Effect> {
    if row < model.search.rows.len() {
        model.search.selected = Some(row);
    }
    vec![Effect::FocusSearch]
}

pub(super) fn move_selection(model: &mut Model, by: isize) -> Vec<Effect> {
    let search = &mut model.search;
    let Some(last) = search.rows.len().checked_sub(1) else { return Vec::new() };
    let next = match search.selected {
        Some(selected) => selected.saturating_add_signed(by).min(last),
        None => 0,
    };
    search.selected = Some(next);
    search.reveal = true;
    Vec::new()
}

pub(super) fn toggle(model: &mut Model, found: usize) -> Vec<Effect> {
    let search = &mut model.search;
    let Some(key) = search.results().get(found).map(key_of) else { return Vec::new() };
    if !search.open.remove(&key) {
        search.open.insert(key);
    }
    search.rebuild_rows();
    search.selected = search.rows.iter().position(|row| *row == Row::Content(found));
    vec![Effect::FocusSearch]
}

pub(super) fn set_open(model: &mut Model, open: bool) -> Vec<Effect> {
    let Some(Row::Content(found) | Row::Source(found, _)) = model.search.selected_row() else {
        return Vec::new();
    };
    let Some(key) = model.search.results().get(found).map(key_of) else { return Vec::new() };
    if model.search.open.contains(&key) == open { Vec::new() } else { toggle(model, found) }
}

pub(super) fn download(model: &mut Model, found: usize, source: Option<usize>) -> Vec<Effect> {
    let Some(found) = model.search.results().get(found) else { return Vec::new() };
    let name = found.name.clone();
    let content = found.content.as_deref().and_then(|content| content.parse::<ContentId>().ok());
    let Some(content) = content else { return note(model, NoteKind::NotHashedYet(name)) };
    let from: Vec<PeerId> = source
        .and_then(|index| found.sources.get(index))
        .and_then(|source| source.peer.parse().ok())
        .into_iter()
        .collect();
    if source.is_some() && from.is_empty() {
        // The chosen source is not there any more: never take another one instead.
        return Vec::new();
    }
    let command = Command::Download { content, name: Some(name.clone()), to: None, from, via_rpc: false };
    vec![Effect::Command(Subject::Download(name), command)]
}
