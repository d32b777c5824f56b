//! What follows on the library page: a folder is looked at before it is shared, and a person is asked
//! where it is risky.

use super::super::action::{LibraryAction, Subject, Verb};
use super::super::model::{Model, Warning};
use super::{Effect, act};
use cardume::node::Command;
use cardume::wire::library::{Inspection, SkippedFile};
use std::path::PathBuf;

fn share(path: PathBuf) -> Effect {
    Effect::Command(Subject::Share(path.display().to_string()), Command::Share(path))
}

fn look(model: &mut Model, path: PathBuf) -> (Subject, Command) {
    model.library.looking.push(path.clone());
    (Subject::Inspect(path.clone()), Command::Inspect(path))
}

/// Has the files of a folder counted first.
pub(super) fn look_and_share(model: &mut Model, path: PathBuf) -> Effect {
    let (subject, command) = look(model, path);
    Effect::Command(subject, command)
}

/// The same for many folders, one after the other: a peer does only so much at once.
pub(super) fn look_and_share_all(model: &mut Model, paths: Vec<PathBuf>) -> Vec<Effect> {
    let commands: Vec<_> = paths.into_iter().map(|path| look(model, path)).collect();
    vec![Effect::Commands(commands)]
}

pub(super) fn share_typed(model: &mut Model) -> Vec<Effect> {
    let typed = std::mem::take(&mut model.library.typed);
    let trimmed = typed.trim();
    if trimmed.is_empty() {
        return Vec::new();
    }
    let path = whole_path(model, trimmed);
    vec![look_and_share(model, path)]
}

/// A typed path, with `~` for the home folder.
pub(super) fn whole_path(model: &Model, typed: &str) -> PathBuf {
    match (typed.strip_prefix("~/"), &model.home) {
        (Some(rest), Some(home)) => home.join(rest),
        (None, Some(home)) if typed == "~" => home.clone(),
        _ => PathBuf::from(typed),
    }
}

/// Nothing is looked at any more for this folder.
pub(super) fn looked(model: &mut Model, folder: &PathBuf) {
    if let Some(at) = model.library.looking.iter().position(|looking| looking == folder) {
        model.library.looking.remove(at);
    }
}

pub(super) fn inspected(model: &mut Model, folder: PathBuf, found: Inspection) -> Vec<Effect> {
    looked(model, &folder);
    if !found.is_risky() {
        return vec![share(folder)];
    }
    model.library.warnings.push_back(Warning { folder, found });
    Vec::new()
}

pub(super) fn skipped(model: &mut Model, share: &str, files: Vec<SkippedFile>) -> Vec<Effect> {
    if model.library.opened.as_deref() == Some(share) {
        model.library.skipped = Some(files);
    }
    Vec::new()
}

pub(super) fn library(model: &mut Model, action: LibraryAction) -> Vec<Effect> {
    let command = |of: &str, command: fn(PathBuf) -> Command| {
        vec![Effect::Command(Subject::Folder(of.to_owned()), command(PathBuf::from(of)))]
    };
    match action {
        LibraryAction::ShareAllTheSame => {
            let warning = model.library.warnings.pop_front();
            warning.map(|warning| share(warning.folder)).into_iter().collect()
        }
        LibraryAction::ChooseAnother => {
            model.library.warnings.pop_front();
            act(model, Verb::ShareFolder)
        }
        LibraryAction::DropWarning => {
            model.library.warnings.pop_front();
            Vec::new()
        }
        LibraryAction::Rescan(path) => command(&path, Command::Rescan),
        LibraryAction::Pause(path) => command(&path, Command::PauseHashing),
        LibraryAction::Resume(path) => command(&path, Command::ResumeHashing),
        LibraryAction::ToggleSkipped(path) => {
            model.library.skipped = None;
            if model.library.opened.as_ref() == Some(&path) {
                model.library.opened = None;
                return Vec::new();
            }
            model.library.opened = Some(path.clone());
            vec![Effect::Command(Subject::Skipped(path.clone()), Command::Skipped(PathBuf::from(path)))]
        }
    }
}
