//! What follows from an action: the model changes, and effects are named for the bridge to carry out.
//!
//! Invariant: a pure function of model and action; the time is in the model. Absent on purpose: I/O.

mod activity;
mod group;
mod library;
mod search;
mod transfers;

pub(crate) use activity::{running_downloads, shows_log};

use super::action::{Action, ActivityAction, LibraryAction, Page, Subject, Verb};
use super::desk::Order;
use super::diagnostics::diagnostics;
use super::model::{Drill, MAX_NOTES, Model, Note, NoteKind, Row, TOAST};
use super::theme_choice::ThemeChoice;
use cardume::node::{Command, CommandError, Reply, View};
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
    /// Let the person choose where downloads go.
    PickDownloads,
    /// Do something beside the peer.
    Desk(Order),
    /// Do not wait for it any longer.
    StopPicking,
    /// Open with the system's program.
    Open(PathBuf),
    /// Write this text into a new file in this folder; the answer names it.
    Export {
        /// The folder.
        folder: PathBuf,
        /// The file's name.
        name: String,
        /// What to write.
        text: String,
    },
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

/// Changes the model as the action says and names what is to be done.
pub(crate) fn reduce(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Do(verb) => act(model, verb),
        Action::View(view) => take_view(model, view),
        Action::Tick => tick(model),
        Action::Words(words) => search::type_words(model, words),
        Action::SearchAnswered { number, answer } => search::take_answer(model, number, answer),
        Action::Select(row) => search::select(model, row),
        Action::MoveSelection(by) => search::move_selection(model, by),
        Action::Revealed => {
            model.search.reveal = false;
            Vec::new()
        }
        Action::Toggle(found) => search::toggle(model, found),
        Action::Download { found, source } => search::download(model, found, source),
        Action::Cancel(id) => vec![Effect::Command(Subject::Cancel, Command::Cancel(id))],
        Action::Open(path) => vec![Effect::Open(path)],
        Action::TypedPath(path) => {
            model.library.typed = path;
            Vec::new()
        }
        Action::ShareTyped => library::share_typed(model),
        Action::Share(paths) => paths.into_iter().map(|path| library::look_and_share(model, path)).collect(),
        Action::Activity(action) => activity::activity(model, action),
        Action::Library(action) => library::library(model, action),
        Action::Transfers(action) => transfers::transfers(model, action),
        Action::Unshare(path) => {
            let command = Command::Unshare(PathBuf::from(&path));
            vec![Effect::Command(Subject::Unshare(path), command)]
        }
        Action::Picked(path) => {
            model.library.picking = false;
            path.into_iter().map(|path| library::look_and_share(model, path)).collect()
        }
        Action::StopPicking => {
            model.library.picking = false;
            vec![Effect::StopPicking]
        }
        Action::Group(action) => group::act(model, action),
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
        Action::ReducedMotion(reduced) => {
            model.reduced_motion = reduced;
            Vec::new()
        }
        Action::CloseRequested => activity::close_requested(model),
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
            Some(Row::Content(found)) => search::download(model, found, None),
            Some(Row::Source(found, source)) => search::download(model, found, Some(source)),
            None => Vec::new(),
        },
        Verb::Expand => search::set_open(model, true),
        Verb::Collapse => search::set_open(model, false),
        Verb::CrashTracker => group::crash_tracker(model),
        Verb::CrashMe => group::crash_me(model),
        Verb::PauseTracker => group::pause_tracker(model),
        Verb::Check => {
            model.page = Page::Activity;
            activity::activity(model, ActivityAction::Check)
        }
        Verb::CopyInvite => activity::activity(model, ActivityAction::CopyInvite),
        Verb::CopyDiagnostics => {
            let mut effects = vec![Effect::Copy(diagnostics(model))];
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
    if model.asks_to_close {
        return activity::activity(model, ActivityAction::Stay);
    }
    if !model.library.warnings.is_empty() {
        return library::library(model, LibraryAction::DropWarning);
    }
    if model.library.picking {
        return reduce(model, Action::StopPicking);
    }
    if model.page == Page::Search && !model.search.words.is_empty() {
        let mut effects = search::type_words(model, String::new());
        effects.push(Effect::FocusSearch);
        return effects;
    }
    if model.page == Page::Search {
        model.welcome = None;
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
    activity::follow_shares(model);
    let mut effects = news_of_transfers(model, &old);
    effects.extend(search::follow_index(model));
    group::take_records(model, &old);
    effects.extend(group::read_stopwatch(model));
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

fn tick(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    if model.search.due.is_some_and(|due| due <= model.now) {
        effects.extend(search::send_search(model));
    }
    effects.extend(group::tick(model));
    effects
}

fn take_reply(
    model: &mut Model,
    subject: Subject,
    answer: Result<Reply, CommandError>,
    at_unix_millis: u64,
) -> Vec<Effect> {
    match (answer, subject) {
        (Ok(Reply::Inspection(found)), Subject::Inspect(folder)) => library::inspected(model, folder, found),
        (Ok(Reply::Skipped(files)), Subject::Skipped(share)) => library::skipped(model, &share, files),
        (Ok(Reply::Check(report)), Subject::Check) => activity::checked(model, report),
        (Ok(_), subject @ (Subject::Rename | Subject::Downloads)) => activity::done(model, &subject),
        (Ok(_), Subject::Download(name)) => note(model, NoteKind::DownloadStarted(name)),
        (Ok(_), Subject::CrashTracker | Subject::CrashMe) => {
            group::crash_answered(model, at_unix_millis);
            group::read_stopwatch(model)
        }
        (Ok(_), Subject::Export(path)) => note(model, NoteKind::Exported(path)),
        (Ok(_), _) | (Err(_), Subject::Watch) => Vec::new(),
        (Err(error), subject) => {
            if matches!(subject, Subject::CrashTracker | Subject::CrashMe | Subject::Drill) {
                model.drill = Drill::Idle;
            }
            if let Some(effects) = activity::failed(model, &subject, &error) {
                return effects;
            }
            if let Subject::Inspect(folder) = &subject {
                library::looked(model, folder);
            }
            note(model, NoteKind::Failed(subject, error.message))
        }
    }
}
