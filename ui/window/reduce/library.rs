//! What follows on the library page.

use super::super::action::Subject;
use super::super::model::Model;
use super::Effect;
use cardume::node::Command;
use std::path::PathBuf;

pub(super) fn share(path: PathBuf) -> Effect {
    Effect::Command(Subject::Share(path.display().to_string()), Command::Share(path))
}

pub(super) fn share_typed(model: &mut Model) -> Vec<Effect> {
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
