//! What follows from an action: the model changes, and effects are named for the bridge to carry out.
//!
//! Invariant: a pure function of model and action; the time is in the model. Absent on purpose: I/O.

use super::action::{Action, Page, Subject, Verb};
use super::diagnostics::diagnostics;
use super::model::{
    Basis, CRASH, DEBOUNCE, Drill, FOLLOW, MAX_NOTES, MAX_RESULTS, Model, Note, NoteKind, RETRY, Row, TOAST,
    key_of,
};
use super::theme_choice::ThemeChoice;
use cardume::base::{ContentId, PeerId};
use cardume::node::{Command, CommandError, Reply, View};
use cardume::wire::codes::Code;
use cardume::wire::index::SearchAnswer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What is to be done outside of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Search; the answer comes back with this number. An older search under way is dropped.
    Search {
        /// The number.
        number: u64,
        /// The words.
        words: String,
        /// The most results.
        limit: u32,
    },
    /// Have the peer do something.
    Command(Subject, Command),
    /// Let the person choose a folder.
    PickFolder,
    /// Do not wait for it any longer.
    StopPicking,
    /// Open with the system's program.
    Open(PathBuf),
    /// Put on the clipboard.
    Copy(String),
    /// Type into the search field.
    FocusSearch,
    /// Look again after this time, also if nothing happens.
    WakeAfter(Duration),
    /// Look like this.
    Theme(ThemeChoice),
    /// Stop the peer gracefully.
    StopPeer,
    /// Close the window.
    Close,
}

/// How often the running stopwatch is drawn.
const STOPWATCH: Duration = Duration::from_millis(100);
/// How long it runs at most: then something is wrong that the status bar tells.
const STOPWATCH_MOST: Duration = Duration::from_secs(30);

/// Changes the model as the action says and names what is to be done.
pub(crate) fn reduce(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Do(verb) => act(model, verb),
        Action::View(view) => take_view(model, view),
        Action::Tick => tick(model),
        Action::Words(words) => type_words(model, words),
        Action::SearchAnswered { number, answer } => take_answer(model, number, answer),
        Action::Select(row) => select(model, row),
        Action::MoveSelection(by) => move_selection(model, by),
        Action::Revealed => {
            model.search.reveal = false;
            Vec::new()
        }
        Action::Toggle(found) => toggle(model, found),
        Action::Download { found, source } => download(model, found, source),
        Action::Cancel(id) => vec![Effect::Command(Subject::Cancel, Command::Cancel(id))],
        Action::Open(path) => vec![Effect::Open(path)],
        Action::TypedPath(path) => {
            model.library.typed = path;
            Vec::new()
        }
        Action::ShareTyped => share_typed(model),
        Action::Share(paths) => paths.into_iter().map(share).collect(),
        Action::Unshare(path) => {
            let command = Command::Unshare(PathBuf::from(&path));
            vec![Effect::Command(Subject::Unshare(path), command)]
        }
        Action::Picked(path) => {
            model.library.picking = false;
            path.into_iter().map(share).collect()
        }
        Action::StopPicking => {
            model.library.picking = false;
            vec![Effect::StopPicking]
        }
        Action::Language(language) => {
            model.language = language;
            Vec::new()
        }
        Action::Theme(theme) => {
            model.theme = theme;
            vec![Effect::Theme(theme)]
        }
        Action::Answered { subject, answer, at_unix_millis } => {
            take_reply(model, subject, answer, at_unix_millis)
        }
        Action::CloseRequested if model.closing => Vec::new(),
        Action::CloseRequested => {
            model.closing = true;
            vec![Effect::StopPeer]
        }
        Action::Stopped => {
            model.closing = true;
            vec![Effect::Close]
        }
    }
}

fn act(model: &mut Model, verb: Verb) -> Vec<Effect> {
    match verb {
        Verb::Go(page) => {
            model.page = page;
            if page == Page::Search { vec![Effect::FocusSearch] } else { Vec::new() }
        }
        Verb::FocusSearch => {
            model.page = Page::Search;
            vec![Effect::FocusSearch]
        }
        Verb::ShareFolder => {
            model.page = Page::Library;
            let already = std::mem::replace(&mut model.library.picking, true);
            if already { Vec::new() } else { vec![Effect::PickFolder] }
        }
        Verb::Download => match model.search.selected_row() {
            Some(Row::Content(found)) => download(model, found, None),
            Some(Row::Source(found, source)) => download(model, found, Some(source)),
            None => Vec::new(),
        },
        Verb::Expand => set_open(model, true),
        Verb::Collapse => set_open(model, false),
        Verb::CrashTracker => crash_tracker(model),
        Verb::CrashMe => crash_me(model),
        Verb::CopyDiagnostics => {
            let mut effects = vec![Effect::Copy(diagnostics(&model.view))];
            effects.extend(note(model, NoteKind::Copied));
            effects
        }
        Verb::Shortcuts => {
            model.help = !model.help;
            Vec::new()
        }
        Verb::Escape => escape(model),
    }
}

fn escape(model: &mut Model) -> Vec<Effect> {
    if model.help {
        model.help = false;
        return Vec::new();
    }
    if model.library.picking {
        return reduce(model, Action::StopPicking);
    }
    if model.page == Page::Search && !model.search.words.is_empty() {
        let mut effects = type_words(model, String::new());
        effects.push(Effect::FocusSearch);
        return effects;
    }
    Vec::new()
}

/// Tells the person something.
fn note(model: &mut Model, what: NoteKind) -> Vec<Effect> {
    model.notes_made += 1;
    model.notes.push_back(Note { number: model.notes_made, at: model.now, what });
    if model.notes.len() > MAX_NOTES {
        model.notes.pop_front();
    }
    vec![Effect::WakeAfter(TOAST)]
}

fn take_view(model: &mut Model, view: Arc<View>) -> Vec<Effect> {
    let old = std::mem::replace(&mut model.view, view);
    let mut effects = news_of_transfers(model, &old);
    effects.extend(follow_index(model));
    effects.extend(read_stopwatch(model));
    effects
}

fn news_of_transfers(model: &mut Model, old: &View) -> Vec<Effect> {
    let was = |id: u64| old.transfers.iter().find(|transfer| transfer.id == id).map(|t| t.state.as_str());
    let news: Vec<NoteKind> = model
        .view
        .transfers
        .iter()
        .filter(|transfer| was(transfer.id) != Some(transfer.state.as_str()))
        .filter_map(|transfer| match transfer.state.as_str() {
            "finished" => Some(NoteKind::Downloaded(transfer.name.clone(), transfer.path.clone())),
            "failed" => Some(NoteKind::DownloadFailed(transfer.name.clone(), transfer.detail.clone())),
            _ => None,
        })
        .collect();
    news.into_iter().flat_map(|what| note(model, what)).collect()
}

/// The search runs again when its answer may be another one now.
fn follow_index(model: &mut Model) -> Vec<Effect> {
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

fn tick(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    if model.search.due.is_some_and(|due| due <= model.now) {
        effects.extend(send_search(model));
    }
    if let Drill::Running { asked, .. } = &model.drill
        && model.page == Page::Group
        && model.now.saturating_sub(*asked) < STOPWATCH_MOST
    {
        effects.push(Effect::WakeAfter(STOPWATCH));
    }
    effects
}

fn type_words(model: &mut Model, words: String) -> Vec<Effect> {
    model.search.words = words;
    model.search.due = Some(model.now + DEBOUNCE);
    vec![Effect::WakeAfter(DEBOUNCE)]
}

fn send_search(model: &mut Model) -> Option<Effect> {
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

fn take_answer(model: &mut Model, number: u64, answer: Result<SearchAnswer, CommandError>) -> Vec<Effect> {
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
    let key = |search: &super::model::Search, row: Row| {
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

fn select(model: &mut Model, row: usize) -> Vec<Effect> {
    if row < model.search.rows.len() {
        model.search.selected = Some(row);
    }
    vec![Effect::FocusSearch]
}

fn move_selection(model: &mut Model, by: isize) -> Vec<Effect> {
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

fn toggle(model: &mut Model, found: usize) -> Vec<Effect> {
    let search = &mut model.search;
    let Some(key) = search.results().get(found).map(key_of) else { return Vec::new() };
    if !search.open.remove(&key) {
        search.open.insert(key);
    }
    search.rebuild_rows();
    search.selected = search.rows.iter().position(|row| *row == Row::Content(found));
    vec![Effect::FocusSearch]
}

fn set_open(model: &mut Model, open: bool) -> Vec<Effect> {
    let Some(Row::Content(found) | Row::Source(found, _)) = model.search.selected_row() else {
        return Vec::new();
    };
    let Some(key) = model.search.results().get(found).map(key_of) else { return Vec::new() };
    if model.search.open.contains(&key) == open { Vec::new() } else { toggle(model, found) }
}

fn download(model: &mut Model, found: usize, source: Option<usize>) -> Vec<Effect> {
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

fn share(path: PathBuf) -> Effect {
    Effect::Command(Subject::Share(path.display().to_string()), Command::Share(path))
}

fn share_typed(model: &mut Model) -> Vec<Effect> {
    let typed = std::mem::take(&mut model.library.typed);
    let trimmed = typed.trim();
    if trimmed.is_empty() {
        return Vec::new();
    }
    let path = match (trimmed.strip_prefix("~/"), &model.home) {
        (Some(rest), Some(home)) => home.join(rest),
        (None, Some(home)) if trimmed == "~" => home.clone(),
        _ => PathBuf::from(trimmed),
    };
    vec![share(path)]
}

fn crash_tracker(model: &mut Model) -> Vec<Effect> {
    let Some(tracker) = model.view.status.tracker.clone() else {
        return note(model, NoteKind::NoTrackerToCrash);
    };
    let own = tracker.peer_id == model.view.status.peer_id;
    start_stopwatch(model, tracker.name, own);
    vec![Effect::Command(Subject::CrashTracker, Command::CrashTracker(CRASH)), Effect::WakeAfter(STOPWATCH)]
}

fn crash_me(model: &mut Model) -> Vec<Effect> {
    let status = model.view.status.clone();
    if status.tracker.as_ref().is_some_and(|tracker| tracker.peer_id == status.peer_id) {
        start_stopwatch(model, status.name.clone(), true);
    }
    vec![Effect::Command(Subject::CrashMe, Command::Crash(Some(CRASH)))]
}

fn start_stopwatch(model: &mut Model, crashed: String, own: bool) {
    model.drill = Drill::Running {
        crashed,
        own,
        epoch: model.view.status.epoch,
        after_seq: model.view.events.last().map_or(0, |event| event.seq),
        asked: model.now,
        crashed_at_unix_millis: None,
    };
}

/// Stops the stopwatch when the events tell of a tracker of a later epoch.
fn read_stopwatch(model: &mut Model) -> Vec<Effect> {
    let Drill::Running { crashed, own, epoch, after_seq, crashed_at_unix_millis, .. } = &model.drill else {
        return Vec::new();
    };
    let mut later = model.view.events.iter().filter(|event| event.seq > *after_seq);
    let started = later.clone().find(|event| event.kind == "drill_started").map(|event| event.unix_millis);
    let elected = later.find(|event| event.kind == "tracker_elected" && event.epoch > Some(*epoch));
    if let (Some(start), Some(elected)) = (started.or(*crashed_at_unix_millis), elected) {
        model.drill = Drill::Done {
            crashed: crashed.clone(),
            own: *own,
            tracker: elected.peer.clone().unwrap_or_default(),
            epoch: elected.epoch.unwrap_or_default(),
            millis: elected.unix_millis.saturating_sub(start),
        };
    }
    Vec::new()
}

fn take_reply(
    model: &mut Model,
    subject: Subject,
    answer: Result<Reply, CommandError>,
    at_unix_millis: u64,
) -> Vec<Effect> {
    match (answer, subject) {
        (Ok(_), Subject::Download(name)) => note(model, NoteKind::DownloadStarted(name)),
        (Ok(_), Subject::CrashTracker | Subject::CrashMe) => {
            if let Drill::Running { crashed_at_unix_millis, .. } = &mut model.drill {
                crashed_at_unix_millis.get_or_insert(at_unix_millis);
            }
            read_stopwatch(model)
        }
        (Ok(_), _) => Vec::new(),
        (Err(error), subject) => {
            if matches!(subject, Subject::CrashTracker | Subject::CrashMe) {
                model.drill = Drill::Idle;
            }
            note(model, NoteKind::Failed(subject, error.message))
        }
    }
}
