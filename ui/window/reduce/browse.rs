//! What follows while a person looks into the folders of a peer.

use super::super::action::{BrowseAction, Page, Subject, Verb};
use super::super::model::browse::{Browse, MAX_FILTER, MAX_ROWS, PAGE, PATIENCE, REFRESH, Refused, Totals};
use super::super::model::{Model, NoteKind};
use super::{Effect, Field, note};
use cardume::base::{ContentLink, FileName, FolderPath, PeerId};
use cardume::node::{Command, CommandError, Entry, Listing, Place};
use cardume::wire::codes::Code;
use std::time::Duration;

/// How long typing in the filter rests before the peer is asked.
const DEBOUNCE: Duration = Duration::from_millis(80);

/// What follows from an action.
pub(super) fn reduce(model: &mut Model, action: BrowseAction) -> Vec<Effect> {
    if let BrowseAction::Open { peer, folder, file } = action {
        return open(model, &peer, &folder, file.as_deref());
    }
    let Some(browse) = &mut model.browse else { return Vec::new() };
    match action {
        BrowseAction::Open { .. } => {}
        BrowseAction::GoTo(folder) => return go_to(model, folder),
        BrowseAction::Enter(place) => return enter(model, &place),
        BrowseAction::Download(place) => return download(model, &place),
        BrowseAction::DownloadFolder => {
            let (peer, folder) = (browse.peer, browse.folder.clone());
            return download_folder(model, peer, folder);
        }
        BrowseAction::CopyLink(place) => return copy_link(model, &place),
        BrowseAction::Select(place) => (browse.cursor, browse.sought) = (browse.row_of(&place), None),
        BrowseAction::Move(by) => return move_cursor(model, by),
        BrowseAction::Filter(words) => {
            browse.filter = Some(words);
            return ask_soon(model);
        }
        BrowseAction::Type(letters) => {
            let known = browse.filter.as_deref().unwrap_or_default();
            browse.filter = Some(known.chars().chain(letters.chars()).take(MAX_FILTER).collect());
            let mut effects = ask_soon(model);
            effects.push(Effect::Focus(Field::FolderFilter));
            return effects;
        }
        BrowseAction::CloseFilter => return close_filter(model),
        BrowseAction::Retry => return retry(model),
        BrowseAction::Visible(rows) => {
            browse.visible = rows;
            return ask_more(model);
        }
        BrowseAction::Revealed => {
            browse.reveal = false;
            browse.to_top = false;
        }
    }
    Vec::new()
}

/// What follows from a verb while folders are looked into; `None`: it means something else.
pub(super) fn act(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let cursor = model.shown_browse()?.at_cursor().map(Entry::place);
    Some(match verb {
        Verb::Download => cursor.map_or_else(Vec::new, |place| enter(model, &place)),
        Verb::CopyLink => cursor.map_or_else(Vec::new, |place| copy_link(model, &place)),
        Verb::Filter => {
            if let Some(browse) = &mut model.browse {
                browse.filter.get_or_insert_default();
            }
            vec![Effect::Focus(Field::FolderFilter)]
        }
        Verb::FolderUp => up(model),
        Verb::FolderBack => back(model),
        Verb::Refresh => refresh(model),
        Verb::FocusSearch => {
            leave(model);
            return None;
        }
        // Once more to the page that is shown: to the page itself.
        Verb::Go(page) if page == model.page => {
            leave(model);
            return None;
        }
        _ => return None,
    })
}

/// Leaves what is open, one thing at a time; `None` if no folders are looked into.
pub(super) fn escape(model: &mut Model) -> Option<Vec<Effect>> {
    let browse = model.shown_browse()?;
    if browse.filter.is_some() {
        return Some(close_filter(model));
    }
    Some(leave(model))
}

fn open(model: &mut Model, peer: &str, folder: &str, file: Option<&str>) -> Vec<Effect> {
    // What a tracker said is not used when it is malformed.
    let (Ok(peer), Ok(folder)) = (peer.parse(), FolderPath::new(folder)) else { return Vec::new() };
    let number = model.browse.as_ref().map_or(0, |browse| browse.number);
    let mut browse = Browse { number, ..Browse::new(model.page, peer, folder) };
    browse.sought = file.and_then(|file| FileName::new(file).ok());
    model.browse = Some(browse);
    let mut effects = ask_anew(model);
    effects.push(Effect::Focus(Field::Folder));
    effects
}

/// Back to the page that it was opened from.
fn leave(model: &mut Model) -> Vec<Effect> {
    model.browse = None;
    if model.page == Page::Search { vec![Effect::Focus(Field::Results)] } else { Vec::new() }
}

fn go_to(model: &mut Model, folder: FolderPath) -> Vec<Effect> {
    let Some(browse) = &mut model.browse else { return Vec::new() };
    if folder == browse.folder {
        return ask_anew(model);
    }
    let before = std::mem::replace(&mut browse.folder, folder);
    // Coming up, the cursor is at the folder that one comes from.
    let from = browse.folder.to_inner(&before).and_then(|inner| FileName::new(inner.names().next()?).ok());
    browse.trail.push(before);
    show_other(model, from)
}

fn back(model: &mut Model) -> Vec<Effect> {
    let Some(browse) = &mut model.browse else { return Vec::new() };
    let Some(folder) = browse.trail.pop() else { return leave(model) };
    let before = std::mem::replace(&mut browse.folder, folder);
    let from = browse.folder.to_inner(&before).and_then(|inner| FileName::new(inner.names().next()?).ok());
    show_other(model, from)
}

fn up(model: &mut Model) -> Vec<Effect> {
    match model.browse.as_ref().map(Browse::above) {
        Some(Some(above)) => go_to(model, above),
        Some(None) => leave(model),
        None => Vec::new(),
    }
}

/// Another folder is shown from now on, with the cursor at this name.
fn show_other(model: &mut Model, sought: Option<FileName>) -> Vec<Effect> {
    if let Some(browse) = &mut model.browse {
        (browse.filter, browse.totals, browse.next, browse.refused) = (None, None, None, None);
        browse.rows.clear();
        (browse.cursor, browse.sought, browse.to_top) = (None, sought, true);
    }
    ask_anew(model)
}

fn enter(model: &mut Model, place: &Place) -> Vec<Effect> {
    let Some(browse) = &model.browse else { return Vec::new() };
    match browse.entry(place) {
        Some(Entry::Folder { name, .. }) => match browse.inner(name) {
            Some(inner) => go_to(model, inner),
            None => Vec::new(),
        },
        Some(Entry::File { .. }) => download(model, place),
        None => Vec::new(),
    }
}

fn is_own(model: &Model, peer: PeerId) -> bool {
    model.view.status.peer_id == peer.to_string()
}

fn download(model: &mut Model, place: &Place) -> Vec<Effect> {
    let Some(browse) = &model.browse else { return Vec::new() };
    let peer = browse.peer;
    if is_own(model, peer) {
        return Vec::new();
    }
    match browse.entry(place) {
        Some(Entry::Folder { name, .. }) => match browse.inner(name) {
            Some(inner) => download_folder(model, peer, inner),
            None => Vec::new(),
        },
        Some(Entry::File { name, state, .. }) => {
            let name = name.to_string();
            let Some(content) = state.content else { return note(model, NoteKind::NotHashedYet(name)) };
            // From all that have it: the content is the same, and the peer may go.
            let (from, to, via_rpc) = (Vec::new(), None, false);
            let command = Command::Download { content, name: Some(name.clone()), to, from, via_rpc };
            vec![Effect::Command(Subject::Download(name), command)]
        }
        None => Vec::new(),
    }
}

fn download_folder(model: &Model, peer: PeerId, folder: FolderPath) -> Vec<Effect> {
    let Some(name) = folder.last().map(str::to_owned).filter(|_| !is_own(model, peer)) else {
        return Vec::new();
    };
    vec![Effect::Command(Subject::Download(name), Command::DownloadFolder { peer, folder, to: None })]
}

fn copy_link(model: &mut Model, place: &Place) -> Vec<Effect> {
    let entry = model.browse.as_ref().and_then(|browse| browse.entry(place));
    let Some(Entry::File { name, state, .. }) = entry else { return Vec::new() };
    let Some(content) = state.content else {
        let name = name.to_string();
        return note(model, NoteKind::NotHashedYet(name));
    };
    let link = ContentLink { content, name: Some(name.clone()), size: Some(state.size) };
    let mut effects = vec![Effect::Copy(link.to_string())];
    effects.extend(note(model, NoteKind::LinksCopied(1)));
    effects
}

fn move_cursor(model: &mut Model, by: isize) -> Vec<Effect> {
    let Some(browse) = &mut model.browse else { return Vec::new() };
    let Some(last) = browse.rows.len().checked_sub(1) else { return Vec::new() };
    browse.sought = None;
    browse.cursor = Some(match browse.cursor {
        Some(cursor) => cursor.saturating_add_signed(by).min(last),
        None if by < 0 => last,
        None => 0,
    });
    browse.reveal = true;
    Vec::new()
}

fn close_filter(model: &mut Model) -> Vec<Effect> {
    let filter = model.browse.as_mut().and_then(|browse| browse.filter.take());
    let narrowed = filter.is_some_and(|filter| !filter.trim().is_empty());
    let mut effects = if narrowed { ask_anew(model) } else { Vec::new() };
    effects.push(Effect::Focus(Field::Folder));
    effects
}

fn ask_soon(model: &mut Model) -> Vec<Effect> {
    let due = model.now + DEBOUNCE;
    if let Some(browse) = &mut model.browse {
        (browse.due, browse.to_top) = (Some(due), true);
    }
    vec![Effect::WakeAfter(DEBOUNCE)]
}

fn ask_anew(model: &mut Model) -> Vec<Effect> {
    if let Some(browse) = &mut model.browse {
        browse.anew = true;
    }
    ask(model)
}

/// Asks anew for everything, up to where the cursor is.
fn refresh(model: &mut Model) -> Vec<Effect> {
    if let Some(browse) = &mut model.browse {
        browse.sought =
            browse.at_cursor().filter(|_| browse.cursor > Some(0)).map(|entry| entry.name().clone());
    }
    ask_anew(model)
}

/// Asks again what was refused: what comes behind the rows, or everything where there are none.
fn retry(model: &mut Model) -> Vec<Effect> {
    let Some(browse) = &mut model.browse else { return Vec::new() };
    if browse.rows.is_empty() || browse.next.is_none() {
        return ask_anew(model);
    }
    (browse.refused, browse.anew) = (None, false);
    ask(model)
}

fn ask_more(model: &mut Model) -> Vec<Effect> {
    let Some(browse) = model.browse.as_mut().filter(|browse| browse.wants_more()) else { return Vec::new() };
    browse.anew = false;
    ask(model)
}

fn ask(model: &mut Model) -> Vec<Effect> {
    let Some(browse) = &mut model.browse else { return Vec::new() };
    browse.number += 1;
    (browse.due, browse.asked_at) = (None, Some(model.now));
    let command = Command::Browse { peer: browse.peer, folder: browse.folder.clone(), ask: browse.ask() };
    vec![Effect::Command(Subject::Browse(browse.number), command), Effect::WakeAfter(PATIENCE)]
}

/// The answer to the question with this number.
pub(super) fn answered(model: &mut Model, number: u64, answer: Result<Listing, CommandError>) -> Vec<Effect> {
    let Some(browse) = model.browse.as_mut().filter(|browse| browse.number == number) else {
        return Vec::new();
    };
    browse.asked_at = None;
    match answer {
        Ok(listing) => show(browse, listing),
        Err(error) => {
            browse.refused = Some(match error.code {
                code if code == Code::PeerAway as i32 => Refused::Away(error.message),
                code if code == Code::NotFound as i32 => Refused::NoFolder,
                _ => Refused::Other((model.language.text().refusal)(&error)),
            });
            if browse.anew {
                browse.rows.clear();
                (browse.next, browse.totals, browse.cursor) = (None, None, None);
            }
        }
    }
    let mut effects = ask_more(model);
    let Some(browse) = &mut model.browse else { return effects };
    let is_whole = browse.next.is_none() && browse.rows.len() <= PAGE && browse.refused.is_none();
    if is_whole && browse.due.is_none() {
        browse.due = Some(model.now + REFRESH);
        effects.push(Effect::WakeAfter(REFRESH));
    }
    effects
}

fn show(browse: &mut Browse, listing: Listing) {
    let Listing { below, folders, files, entries, next } = listing;
    browse.refused = None;
    browse.totals = Some(Totals { below, folders, files });
    let kept = browse.at_cursor().filter(|_| browse.anew).map(Entry::place);
    if browse.anew {
        browse.rows = entries;
        browse.cursor = kept.and_then(|place| browse.row_of(&place));
    } else {
        browse.rows.extend(entries);
    }
    browse.rows.truncate(MAX_ROWS);
    browse.next = next;
    let place = |name: &FileName| browse.rows.iter().position(|entry| entry.name() == name);
    if let Some(found) = browse.sought.as_ref().and_then(place) {
        (browse.cursor, browse.sought, browse.reveal) = (Some(found), None, true);
    } else if browse.is_over() {
        // It is gone.
        browse.sought = None;
    }
    if browse.cursor.is_none() && !browse.rows.is_empty() && browse.sought.is_none() {
        browse.cursor = Some(0);
    }
}

/// Time passed: what is due is asked, and only while it is seen.
pub(super) fn tick(model: &mut Model) -> Vec<Effect> {
    let Some(browse) = model.shown_browse() else { return Vec::new() };
    let is_due = browse.due.is_some_and(|due| due <= model.now);
    if is_due && model.visible && !model.closing { ask_anew(model) } else { Vec::new() }
}

/// A peer that was away is asked again when it is there.
pub(super) fn follow_members(model: &mut Model, were_connected: bool) -> Vec<Effect> {
    let Some(browse) = model.shown_browse() else { return Vec::new() };
    let away = matches!(browse.refused, Some(Refused::Away(_)));
    if away && !were_connected && is_connected(model) { retry(model) } else { Vec::new() }
}

/// Whether the peer that is looked into is connected.
pub(super) fn is_connected(model: &Model) -> bool {
    let peer = model.browse.as_ref().map(|browse| browse.peer);
    peer.and_then(|peer| model.member(peer)).is_some_and(|member| member.connected || member.me)
}
