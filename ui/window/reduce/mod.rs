//! What follows from an action: the model changes, and effects are named for the bridge to carry out.
//!
//! Invariant: a pure function of model and action; the time is in the model. Absent on purpose: I/O.

mod activity;
mod browse;
mod group;
mod library;
mod palette;
mod search;
mod transfers;

pub(crate) use activity::{running_downloads, shows_log};

use super::action::{Action, ActivityAction, LibraryAction, Page, Purpose, SearchAction, Subject, Verb};
use super::desk::Order;
use super::diagnostics::diagnostics;
use super::model::{DEFAULT_ZOOM, Drill, MAX_NOTES, Model, Note, NoteKind, TOAST, ZOOM_STEP, ZOOMS};
use super::text::Language;
use super::theme_choice::ThemeChoice;
use cardume::base::ContentLink;
use cardume::node::{self, Command, CommandError, Reply, View};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What can have the keys, besides the search field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// The field that narrows the results.
    Filter,
    /// The results.
    Results,
    /// The folder to download to.
    Target,
    /// The palette's field.
    Palette,
    /// The rows of a folder.
    Folder,
    /// The field that narrows them.
    FolderFilter,
}

/// What is to be done outside of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Ask for a part of a search; the answer comes back with this number. What is under way with an older
    /// number is dropped.
    Search {
        /// The number.
        number: u64,
        /// The words.
        words: String,
        /// Which part.
        page: node::Page,
    },
    /// Have the peer do these things, one after the other.
    Commands(Vec<(Subject, Command)>),
    /// Have the peer do something.
    Command(Subject, Command),
    /// Let the person choose a folder for this. A dialog that is open for something else is given up.
    PickFolder(Purpose),
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
    /// Select what is in the search field, so that typing replaces it.
    SelectWords,
    /// Give the keys to this.
    Focus(Field),
    /// Everything so large, in percent.
    Zoom(u16),
    /// Look again after this time, also if nothing happens.
    WakeAfter(Duration),
    /// Look like this.
    Theme(ThemeChoice),
    /// Come before the other windows.
    ComeForward,
    /// Change at once, or move there.
    Still(bool),
    /// Stop the peer gracefully.
    StopPeer,
    /// Close the window.
    Close,
}

/// Changes the model as the action says and names what is to be done.
pub(crate) fn reduce(model: &mut Model, action: Action) -> Vec<Effect> {
    let shown = |model: &Model| (model.page, model.shown_browse().is_some());
    let before = shown(model);
    let effects = change(model, action);
    if shown(model) != before {
        // A menu was asked for where one was, not here.
        model.wants_menu = false;
    }
    effects
}

fn change(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Do(verb) => act(model, verb),
        Action::View(view) => take_view(model, view),
        Action::Tick => tick(model),
        Action::Search(action) => search::reduce(model, action),
        Action::Palette(action) => palette::act(model, action),
        Action::Dismiss(number) => {
            if let Some(note) = model.notes.iter_mut().find(|note| note.number == number) {
                note.dismissed = true;
            }
            Vec::new()
        }
        Action::Cancel(id) => vec![Effect::Command(Subject::Cancel, Command::Cancel(id))],
        Action::Open(path) => vec![Effect::Open(path)],
        Action::TypedPath(path) => {
            model.library.typed = path;
            Vec::new()
        }
        Action::ShareTyped => library::share_typed(model),
        Action::Share(paths) => library::look_and_share_all(model, paths),
        Action::Activity(action) => activity::activity(model, action),
        Action::Library(action) => library::library(model, action),
        Action::Transfers(action) => transfers::transfers(model, action),
        Action::Unshare(path) => {
            let command = Command::Unshare(PathBuf::from(&path));
            vec![Effect::Command(Subject::Unshare(path), command)]
        }
        Action::Picked(purpose, path) => picked(model, purpose, path),
        Action::StopPicking => stop_picking(model),
        Action::Group(action) => group::act(model, action),
        Action::Browse(action) => browse::reduce(model, action),
        Action::Language(language) => speak(model, language),
        Action::Theme(theme) => {
            model.theme = theme;
            vec![Effect::Theme(theme)]
        }
        Action::Answered { subject, answer, at_unix_millis } => {
            take_reply(model, subject, answer, at_unix_millis)
        }
        Action::ReducedMotion(reduced) => {
            model.system_reduces = reduced;
            follow_motion(model)
        }
        Action::Motion(choice) => {
            model.motion = choice;
            follow_motion(model)
        }
        Action::OpenLink(link) => open_link(model, &link),
        Action::MenuShown => menu_shown(model),
        Action::CloseRequested => activity::close_requested(model),
        Action::Stopped => {
            model.closing = true;
            vec![Effect::Close]
        }
    }
}

fn act(model: &mut Model, verb: Verb) -> Vec<Effect> {
    if let Some(effects) = browse::act(model, verb) {
        return effects;
    }
    match verb {
        Verb::Go(page) => {
            model.page = page;
            if page == Page::Search { vec![Effect::FocusSearch] } else { Vec::new() }
        }
        Verb::FocusSearch => {
            show_search(model);
            vec![Effect::FocusSearch, Effect::SelectWords]
        }
        Verb::ShareFolder => {
            model.page = Page::Library;
            pick(model, Purpose::Share)
        }
        Verb::Palette => palette::toggle(model),
        Verb::Messages => {
            model.notes_open = !model.notes_open;
            model.notes_seen = model.notes_made;
            Vec::new()
        }
        Verb::ZoomIn => zoom(model, model.zoom.saturating_add(ZOOM_STEP)),
        Verb::ZoomOut => zoom(model, model.zoom.saturating_sub(ZOOM_STEP)),
        Verb::ZoomReset => zoom(model, DEFAULT_ZOOM),
        Verb::Filter => {
            show_search(model);
            search::act(model, verb)
        }
        Verb::Download
        | Verb::DownloadTo
        | Verb::CopyLink
        | Verb::SelectAll
        | Verb::ToggleSources
        | Verb::Expand
        | Verb::Collapse
        | Verb::SearchHelp => search::act(model, verb),
        // Only where folders are looked into.
        Verb::FolderUp | Verb::FolderBack | Verb::Refresh => Vec::new(),
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
        Verb::RowMenu => row_menu(model),
        Verb::Escape => escape(model),
    }
}

/// Shows the search page itself, and not folders that were looked into from it.
fn show_search(model: &mut Model) {
    model.page = Page::Search;
    if model.shown_browse().is_some() {
        model.browse = None;
    }
}

/// Shows what a link means. It is downloaded only when the person says so.
fn open_link(model: &mut Model, link: &ContentLink) -> Vec<Effect> {
    let mut effects = vec![Effect::ComeForward];
    effects.extend(act(model, Verb::FocusSearch));
    effects.extend(search::reduce(model, SearchAction::Words(link.to_string())));
    let name = link.name.as_ref().map_or_else(|| link.content.short(), ToString::to_string);
    effects.extend(note(model, NoteKind::LinkOpened(name)));
    effects
}

/// Opens the folder dialog, unless it is open for this already.
fn pick(model: &mut Model, purpose: Purpose) -> Vec<Effect> {
    let before = model.picking.replace(purpose);
    if before == Some(purpose) { Vec::new() } else { vec![Effect::PickFolder(purpose)] }
}

fn stop_picking(model: &mut Model) -> Vec<Effect> {
    model.picking = None;
    vec![Effect::StopPicking]
}

/// The folder dialog was left. What it was opened for may be over: then its answer is for nothing else.
fn picked(model: &mut Model, purpose: Purpose, path: Option<PathBuf>) -> Vec<Effect> {
    if model.picking != Some(purpose) {
        return Vec::new();
    }
    model.picking = None;
    let Some(path) = path else { return Vec::new() };
    match purpose {
        Purpose::Share => vec![library::look_and_share(model, path)],
        Purpose::Target => search::take_folder(model, &path),
        Purpose::Downloads => activity::take_folder(model, path),
    }
}

fn follow_motion(model: &mut Model) -> Vec<Effect> {
    model.reduced_motion = model.motion.reduces(model.system_reduces);
    vec![Effect::Still(model.reduced_motion)]
}

fn menu_shown(model: &mut Model) -> Vec<Effect> {
    model.wants_menu = false;
    Vec::new()
}

fn speak(model: &mut Model, language: Language) -> Vec<Effect> {
    model.language = language;
    Vec::new()
}

/// Opens the menu of the row that the keyboard is at, and brings it into view.
fn row_menu(model: &mut Model) -> Vec<Effect> {
    let has_row = match model.page {
        _ if model.is_covered() => false,
        page if model.browse.as_ref().is_some_and(|browse| browse.origin == page) => {
            let browse = model.browse.as_mut().filter(|browse| browse.cursor.is_some());
            browse.map(|browse| browse.reveal = true).is_some()
        }
        Page::Search => {
            model.search.reveal = model.search.cursor_row().is_some();
            model.search.reveal
        }
        Page::Transfers => {
            model.transfers.reveal = model.selected_transfer().is_some();
            model.transfers.reveal
        }
        Page::Library | Page::Group | Page::Activity => false,
    };
    model.wants_menu = has_row;
    Vec::new()
}

fn zoom(model: &mut Model, percent: u16) -> Vec<Effect> {
    model.zoom = percent.clamp(*ZOOMS.start(), *ZOOMS.end());
    vec![Effect::Zoom(model.zoom)]
}

/// Leaves what is open, one thing at a time.
fn escape(model: &mut Model) -> Vec<Effect> {
    if model.palette.take().is_some() {
        return Vec::new();
    }
    if model.asks_to_close {
        return activity::activity(model, ActivityAction::Stay);
    }
    if !model.library.warnings.is_empty() {
        return library::library(model, LibraryAction::DropWarning);
    }
    if let Some(effects) = search::leave_dialog(model) {
        return effects;
    }
    for open in [&mut model.help, &mut model.notes_open] {
        if std::mem::take(open) {
            return Vec::new();
        }
    }
    if model.picking.is_some() {
        return stop_picking(model);
    }
    if let Some(effects) = browse::escape(model) {
        return effects;
    }
    if model.page == Page::Search {
        if let Some(effects) = search::escape(model) {
            return effects;
        }
        model.welcome = None;
    }
    Vec::new()
}

/// Tells the person something.
fn note(model: &mut Model, what: NoteKind) -> Vec<Effect> {
    model.notes_made += 1;
    model.notes.push_back(Note { number: model.notes_made, at: model.now, what, dismissed: false });
    if model.notes.len() > MAX_NOTES {
        model.notes.pop_front();
    }
    vec![Effect::WakeAfter(TOAST)]
}

fn take_view(model: &mut Model, view: Arc<View>) -> Vec<Effect> {
    let browsed_was_here = browse::is_connected(model);
    let old = std::mem::replace(&mut model.view, view);
    model.transfers.places.follow(&model.view.transfers);
    activity::follow_shares(model);
    let mut effects = news_of_transfers(model, &old);
    effects.extend(search::follow_index(model));
    effects.extend(search::follow_members(model));
    effects.extend(browse::follow_members(model, browsed_was_here));
    group::take_records(model, &old);
    effects.extend(group::read_stopwatch(model));
    effects
}

fn news_of_transfers(model: &mut Model, old: &View) -> Vec<Effect> {
    if Arc::ptr_eq(&old.transfers, &model.view.transfers) {
        return Vec::new();
    }
    let states: BTreeMap<u64, &str> =
        old.transfers.iter().map(|transfer| (transfer.id, transfer.state.as_str())).collect();
    let was = |id: u64| states.get(&id).copied();
    let news: Vec<NoteKind> = model
        .view
        .transfers
        .iter()
        .filter(|transfer| was(transfer.id) != Some(transfer.state.as_str()))
        .filter_map(|transfer| match transfer.state.as_str() {
            "finished" => Some(NoteKind::Downloaded(transfer.name.clone(), transfer.path.clone())),
            "failed" => {
                let said = (model.language.text().moving.reason)(&transfer.reason, &transfer.about);
                let why = if transfer.reason.is_empty() { transfer.detail.clone() } else { said };
                Some(NoteKind::DownloadFailed(transfer.name.clone(), why))
            }
            _ => None,
        })
        .collect();
    news.into_iter().flat_map(|what| note(model, what)).collect()
}

fn tick(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    if model.search.due.is_some_and(|due| due <= model.now) && search::is_shown(model) {
        effects.extend(search::send_search(model));
    }
    effects.extend(group::tick(model));
    effects.extend(browse::tick(model));
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
        (Ok(Reply::Listing(listing)), Subject::Browse(number)) => {
            browse::answered(model, number, Ok(listing))
        }
        (Err(error), Subject::Browse(number)) => browse::answered(model, number, Err(error)),
        (Ok(Reply::Check(report)), Subject::Check) => activity::checked(model, report),
        (Ok(_), subject @ (Subject::Rename | Subject::Downloads)) => activity::done(model, &subject),
        (Ok(_), Subject::Download(name)) => note(model, NoteKind::DownloadStarted(name)),
        (Ok(_), Subject::CrashTracker | Subject::CrashMe) => {
            group::crash_answered(model, at_unix_millis);
            group::read_stopwatch(model)
        }
        (Ok(_), Subject::Export(path)) => note(model, NoteKind::Exported(path)),
        (Ok(_), _) | (Err(_), Subject::Watch | Subject::Hurry) => Vec::new(),
        (Err(error), subject) => {
            let error = CommandError { message: (model.language.text().refusal)(&error), ..error };
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
