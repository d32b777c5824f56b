//! What follows on the activity page, at the first start, and when the window is closed while downloads
//! run.

use super::super::action::{ActivityAction, News, Page, Purpose, Subject};
use super::super::desk::Order;
use super::super::log::LogLine;
use super::super::model::{Form, Model, NoteKind, Section, Welcome};
use super::library::whole_path;
use super::{Effect, note, pick};
use crate::local_time::time_of_day;
use cardume::node::config::Invite;
use cardume::node::{Command, CommandError};
use cardume::wire::check::CheckReport;
use std::path::PathBuf;

pub(super) fn activity(model: &mut Model, action: ActivityAction) -> Vec<Effect> {
    match action {
        ActivityAction::Show(section) => {
            model.activity.section = section;
            if section == Section::Settings { vec![Effect::Desk(Order::LookAtAutostart)] } else { Vec::new() }
        }
        ActivityAction::Log(_)
        | ActivityAction::ToggleLevel(_)
        | ActivityAction::Filter(_)
        | ActivityAction::TogglePause
        | ActivityAction::CopyLog => log(model, action),
        ActivityAction::Check => {
            model.activity.section = Section::Check;
            if std::mem::replace(&mut model.activity.check.running, true) {
                return Vec::new();
            }
            vec![Effect::Command(Subject::Check, Command::Check)]
        }
        ActivityAction::CopyInvite => vec![Effect::Desk(Order::Invite)],
        ActivityAction::News(news) => take_news(model, news),
        ActivityAction::CloseAnyway => {
            model.asks_to_close = false;
            close(model)
        }
        ActivityAction::Stay => {
            model.asks_to_close = false;
            Vec::new()
        }
        ActivityAction::DismissWelcome => {
            model.welcome = None;
            Vec::new()
        }
        ActivityAction::TypeLink(_) | ActivityAction::Join => welcome(model, action),
        other => form(model, other),
    }
}

fn log(model: &mut Model, action: ActivityAction) -> Vec<Effect> {
    let log = &mut model.activity.log;
    match action {
        ActivityAction::Log(lines) => log.add(lines),
        ActivityAction::ToggleLevel(level) => {
            if !log.levels.remove(&level) {
                log.levels.insert(level);
            }
            log.select();
        }
        ActivityAction::Filter(filter) => {
            log.filter = filter;
            log.select();
        }
        ActivityAction::TogglePause => {
            let last = log.lines.back().map_or(0, |line| line.number);
            log.paused = if log.paused.is_some() { None } else { Some(last) };
            log.select();
        }
        ActivityAction::CopyLog => {
            let shown = log.shown.iter().filter_map(|at| log.lines.get(*at));
            let text: String = shown.map(as_text).collect();
            let mut effects = vec![Effect::Copy(text)];
            effects.extend(note(model, NoteKind::LogCopied));
            return effects;
        }
        _ => {}
    }
    Vec::new()
}

fn as_text(line: &LogLine) -> String {
    format!("{} {:?} {}: {}\n", time_of_day(line.unix_millis), line.level, line.part, line.text)
}

fn form(model: &mut Model, action: ActivityAction) -> Vec<Effect> {
    let form = &mut model.activity.form;
    match action {
        ActivityAction::TypeName(name) => {
            (form.name, form.name_problem) = (Some(name), None);
            Vec::new()
        }
        ActivityAction::SaveName => save_name(model),
        ActivityAction::TypeDownloads(folder) => {
            (form.downloads, form.downloads_problem) = (Some(folder), None);
            Vec::new()
        }
        ActivityAction::SaveDownloads => match form.downloads.clone() {
            Some(typed) => {
                let folder = whole_path(model, typed.trim());
                vec![Effect::Command(Subject::Downloads, Command::SetDownloadFolder(folder))]
            }
            None => Vec::new(),
        },
        ActivityAction::PickDownloads => pick(model, Purpose::Downloads),
        ActivityAction::Autostart(on) => vec![Effect::Desk(Order::Autostart(on))],
        _ => Vec::new(),
    }
}

/// This download folder was chosen in the dialog.
pub(super) fn take_folder(model: &mut Model, folder: PathBuf) -> Vec<Effect> {
    model.activity.form.downloads = Some(folder.display().to_string());
    vec![Effect::Command(Subject::Downloads, Command::SetDownloadFolder(folder))]
}

fn save_name(model: &mut Model) -> Vec<Effect> {
    let form = &mut model.activity.form;
    let Some(name) = form.name.clone().map(|name| name.trim().to_owned()) else { return Vec::new() };
    if name == model.view.status.name || form.renaming {
        return Vec::new();
    }
    form.renaming = true;
    vec![Effect::Command(Subject::Rename, Command::Rename(name))]
}

/// The peer answered to what the page asked for.
pub(super) fn checked(model: &mut Model, report: CheckReport) -> Vec<Effect> {
    (model.activity.check.running, model.activity.check.report) = (false, Some(report));
    Vec::new()
}

pub(super) fn done(model: &mut Model, subject: &Subject) -> Vec<Effect> {
    let form = &mut model.activity.form;
    match subject {
        Subject::Rename => *form = Form { name: None, renaming: false, name_problem: None, ..form.clone() },
        Subject::Downloads => (form.downloads, form.downloads_problem) = (None, None),
        _ => {}
    }
    Vec::new()
}

/// What failed is said where it was asked for. `None`: it belongs to somebody else.
pub(super) fn failed(model: &mut Model, subject: &Subject, error: &CommandError) -> Option<Vec<Effect>> {
    let form = &mut model.activity.form;
    let why = error.message.clone();
    match subject {
        Subject::Rename => (form.renaming, form.name_problem) = (false, Some(why)),
        Subject::Downloads => form.downloads_problem = Some(why),
        Subject::Check => {
            model.activity.check.running = false;
            return None;
        }
        _ => return None,
    }
    Some(Vec::new())
}

fn take_news(model: &mut Model, news: News) -> Vec<Effect> {
    match news {
        News::Invite(Ok(link)) => {
            let is_local = link.parse().is_ok_and(|invite: Invite| invite.is_local());
            let mut effects = vec![Effect::Copy(link)];
            let what = if is_local { NoteKind::LocalInviteCopied } else { NoteKind::InviteCopied };
            effects.extend(note(model, what));
            effects
        }
        News::Autostart(Ok(state)) => {
            model.activity.form.autostart = state;
            Vec::new()
        }
        News::Invite(Err(why)) => note(model, NoteKind::Failed(Subject::Invite, why)),
        News::Autostart(Err(why)) => note(model, NoteKind::Failed(Subject::Autostart, why)),
        News::MayJoin(Ok(())) => close(model),
        News::MayJoin(Err(why)) => {
            if let Some(welcome) = &mut model.welcome {
                (welcome.joining, welcome.problem) = (false, Some(why));
            }
            Vec::new()
        }
    }
}

fn welcome(model: &mut Model, action: ActivityAction) -> Vec<Effect> {
    let Some(welcome) = &mut model.welcome else { return Vec::new() };
    match action {
        ActivityAction::TypeLink(link) => {
            *welcome = Welcome { link, joining: false, problem: None };
            Vec::new()
        }
        ActivityAction::Join if !welcome.joining && !welcome.link.trim().is_empty() => {
            welcome.joining = true;
            vec![Effect::Desk(Order::Join(welcome.link.trim().to_owned()))]
        }
        _ => Vec::new(),
    }
}

/// Somebody who shares needs no welcome any more.
pub(super) fn follow_shares(model: &mut Model) {
    let joining = model.welcome.as_ref().is_some_and(|welcome| welcome.joining);
    if !model.view.shares.is_empty() && !joining {
        model.welcome = None;
    }
}

/// The window is to be closed: downloads that run are told of first.
pub(super) fn close_requested(model: &mut Model) -> Vec<Effect> {
    if model.closing {
        return Vec::new();
    }
    // Who asks again means it.
    let asked = std::mem::replace(&mut model.asks_to_close, true);
    if !asked && running_downloads(model) > 0 {
        return Vec::new();
    }
    model.asks_to_close = false;
    close(model)
}

fn close(model: &mut Model) -> Vec<Effect> {
    model.closing = true;
    vec![Effect::StopPeer]
}

/// Downloads that are not at their end.
pub(crate) fn running_downloads(model: &Model) -> usize {
    let open = |state: &str| matches!(state, "running" | "waiting");
    model.view.transfers.iter().filter(|transfer| open(&transfer.state)).count()
}

/// Whether the log is on screen.
pub(crate) fn shows_log(model: &Model) -> bool {
    model.page == Page::Activity && model.activity.section == Section::Log
}
