//! What follows on the group page: fault drills and their stopwatch.

use super::super::action::Subject;
use super::super::model::{CRASH, Drill, Model, NoteKind};
use super::{Effect, note};
use cardume::node::Command;
use std::time::Duration;

/// How often the running stopwatch is drawn.
pub(super) const STOPWATCH: Duration = Duration::from_millis(100);
/// How long it runs at most: then something is wrong that the status bar tells.
pub(super) const STOPWATCH_MOST: Duration = Duration::from_secs(30);

pub(super) fn crash_tracker(model: &mut Model) -> Vec<Effect> {
    let Some(tracker) = model.view.status.tracker.clone() else {
        return note(model, NoteKind::NoTrackerToCrash);
    };
    let own = tracker.peer_id == model.view.status.peer_id;
    start_stopwatch(model, tracker.name, own);
    vec![Effect::Command(Subject::CrashTracker, Command::CrashTracker(CRASH)), Effect::WakeAfter(STOPWATCH)]
}

pub(super) fn crash_me(model: &mut Model) -> Vec<Effect> {
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
pub(super) fn read_stopwatch(model: &mut Model) -> Vec<Effect> {
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
