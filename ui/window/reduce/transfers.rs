//! What follows on the transfers page.

use super::super::action::{Subject, TransfersAction};
use super::super::model::Model;
use super::Effect;
use cardume::base::FolderPath;
use cardume::node::{Command, TransferChange};

pub(super) fn transfers(model: &mut Model, action: TransfersAction) -> Vec<Effect> {
    match action {
        TransfersAction::Select(id) => {
            model.transfers.selected = Some(id);
            Vec::new()
        }
        TransfersAction::Unselect => {
            model.transfers.selected = None;
            Vec::new()
        }
        TransfersAction::MoveSelection(by) => move_selection(model, by),
        TransfersAction::Change(TransferChange::Cancel, ids) => {
            vec![Effect::Command(Subject::Cancel, Command::Transfers(TransferChange::Cancel, ids))]
        }
        TransfersAction::Change(what, ids) => {
            vec![Effect::Command(Subject::Transfers, Command::Transfers(what, ids))]
        }
        TransfersAction::Visible(rows) => {
            model.transfers.visible = rows;
            Vec::new()
        }
        TransfersAction::Revealed => {
            model.transfers.reveal = false;
            Vec::new()
        }
        TransfersAction::TogglePause => toggle_pause(model),
        TransfersAction::CancelSelected => match seen_selected(model) {
            Some(id) => transfers(model, TransfersAction::Change(TransferChange::Cancel, vec![id])),
            None => Vec::new(),
        },
        TransfersAction::Folder(peer, folder) => download_folder(&peer, &folder),
        TransfersAction::ToggleLimits => {
            model.transfers.limits_open = !model.transfers.limits_open;
            Vec::new()
        }
        TransfersAction::Limits(limits) => vec![Effect::Command(Subject::Transfers, Command::Limits(limits))],
    }
}

fn move_selection(model: &mut Model, by: isize) -> Vec<Effect> {
    let transfers = &model.view.transfers;
    let Some(last) = transfers.len().checked_sub(1) else { return Vec::new() };
    let next = match model.selected_transfer() {
        Some(place) => place.saturating_add_signed(by).min(last),
        None => 0,
    };
    model.transfers.selected = transfers.get(next).map(|transfer| transfer.id);
    model.transfers.reveal = true;
    Vec::new()
}

/// The selected one, if it is on screen; else it is brought there first: nothing happens to what is not seen.
fn seen_selected(model: &mut Model) -> Option<u64> {
    let row = model.selected_transfer()?;
    if !model.transfers.visible.contains(&row) {
        model.transfers.reveal = true;
        return None;
    }
    model.transfers.selected
}

fn toggle_pause(model: &mut Model) -> Vec<Effect> {
    let selected = seen_selected(model);
    let found = model.view.transfers.iter().find(|transfer| Some(transfer.id) == selected);
    let change = match found.map(|transfer| transfer.state.as_str()) {
        Some("paused") => TransferChange::Resume,
        Some("running" | "waiting") => TransferChange::Pause,
        _ => return Vec::new(),
    };
    transfers(model, TransfersAction::Change(change, selected.into_iter().collect()))
}

/// What the tracker said is not used when it is malformed.
fn download_folder(peer: &str, folder: &str) -> Vec<Effect> {
    let (Ok(peer), Ok(folder)) = (peer.parse(), FolderPath::new(folder)) else { return Vec::new() };
    let name = folder.last().unwrap_or_default().to_owned();
    let command = Command::DownloadFolder { peer, folder, to: None };
    vec![Effect::Command(Subject::Download(name), command)]
}
