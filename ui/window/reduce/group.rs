//! What follows on the group page: records that come in, which moment the ring shows, fault drills and
//! their stopwatch.

use super::super::action::{GroupAction, Page, Step, Subject};
use super::super::model::{
    CRASH, CUT, DELAY, Drill, LEASE, Model, NoteKind, Playback, RENEWAL, Reading, Stopwatch,
};
use super::{Effect, note};
use cardume::base::{Epoch, PeerId};
use cardume::node::{Command, View};
use std::path::PathBuf;
use std::time::Duration;

/// How often the running stopwatch is drawn.
pub(super) const STOPWATCH: Duration = Duration::from_millis(100);
/// How long it runs at most: then something is wrong that the status bar tells.
const STOPWATCH_MOST: Duration = Duration::from_secs(30);
/// A record of the failure may be so much older than the order for it, by another clock.
const CLOCKS: u64 = 50_000;
/// How long before its first sign an election is shown.
const LEAD: u64 = 300_000;

/// What a person did on the page.
pub(super) fn act(model: &mut Model, action: GroupAction) -> Vec<Effect> {
    match action {
        GroupAction::Live => model.group.playback = Playback::Live,
        GroupAction::PlayPause => play_pause(model),
        GroupAction::Seek(at) => model.group.playback = Playback::Still(at),
        GroupAction::Speed(speed) => {
            // From where it stands, without a jump.
            if let Playback::Playing { .. } = model.group.playback {
                play_from(model, moment(model));
            }
            model.group.speed = speed;
        }
        GroupAction::Election(step) => show_election(model, step),
        GroupAction::Export => return export(model),
        GroupAction::Pause(peer_id) => {
            let Ok(peer) = peer_id.parse::<PeerId>() else { return Vec::new() };
            return pause(model, peer);
        }
        GroupAction::Cut(peer_id) => {
            let Ok(peer) = peer_id.parse::<PeerId>() else { return Vec::new() };
            return vec![Effect::Command(Subject::Drill, Command::Cut { peer, duration: CUT })];
        }
        GroupAction::Recover => return vec![Effect::Command(Subject::Drill, Command::Recover)],
    }
    Vec::new()
}

fn moment(model: &Model) -> u64 {
    model.group.moment(model.now, model.unix_micros)
}

fn play_from(model: &mut Model, from: u64) {
    model.group.playback = Playback::Playing { from, since: model.now };
}

fn play_pause(model: &mut Model) {
    let at = moment(model);
    match model.group.playback {
        Playback::Still(_) => play_from(model, at),
        Playback::Live | Playback::Playing { .. } => model.group.playback = Playback::Still(at),
    }
}

/// The story of the election before or after the moment shown, from a little before its first sign.
fn show_election(model: &mut Model, step: Step) {
    let at = moment(model);
    let history = &model.group.history;
    let begins = history
        .elections()
        .into_iter()
        .map(|(_, epoch, elected)| history.story_begins(epoch, elected).saturating_sub(LEAD));
    // Whoever has just jumped to one goes on to the one before it.
    let found = match step {
        Step::Back => begins.filter(|begin| begin.saturating_add(2 * LEAD) < at).max(),
        Step::Forward => begins.filter(|begin| *begin > at).min(),
    };
    if let Some(from) = found {
        play_from(model, from);
    }
}

fn export(model: &mut Model) -> Vec<Effect> {
    let folder = PathBuf::from(&*model.view.download_folder);
    let name = format!("cardume-group-{}.json", model.unix_micros / 1_000);
    vec![Effect::Export { folder, name, text: super::super::diagnostics::recording(model) }]
}

/// Takes the chunks of records that were not taken yet.
pub(super) fn take_records(model: &mut Model, old: &View) {
    let mut is_new = *old.events != *model.view.events;
    for chunk in &model.view.trace.chunks {
        if chunk.number > model.group.taken {
            model.group.taken = chunk.number;
            is_new = true;
            for part in &chunk.parts {
                model.group.history.take(part);
            }
        }
    }
    if is_new || model.group.rows.is_empty() {
        let me = model.view.status.peer_id.parse().ok();
        model.group.rebuild_rows(&model.view.events, me);
    }
}

/// Watches the group while it is seen, and draws while something moves.
pub(super) fn tick(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    let seen = model.visible && model.page == Page::Group && model.shown_browse().is_none() && !model.closing;
    let timing = is_timing(model);
    effects.extend(watch(model, seen || timing));
    if !seen {
        return effects;
    }
    if let Playback::Playing { .. } = model.group.playback
        && model.group.speed.divisor() == 1
        && moment(model) >= model.unix_micros.saturating_sub(DELAY)
    {
        model.group.playback = Playback::Live;
    }
    let moves = !matches!(model.group.playback, Playback::Still(_)) && model.group.taken > 0;
    if moves && !model.reduced_motion {
        effects.push(Effect::WakeAfter(model.group.frame()));
    } else if timing || moves {
        effects.push(Effect::WakeAfter(STOPWATCH));
    }
    effects
}

/// Whether the stopwatch runs, or its reading may still become more exact.
fn is_timing(model: &Model) -> bool {
    let (Drill::Running(stopwatch) | Drill::Done(stopwatch, _)) = &model.drill else { return false };
    let most = if matches!(model.drill, Drill::Running(_)) { STOPWATCH_MOST } else { CRASH * 2 };
    model.now.saturating_sub(stopwatch.asked) < most
}

/// Renews the lease of watching, or gives it back.
fn watch(model: &mut Model, wanted: bool) -> Option<Effect> {
    let lease = match (wanted, model.group.renew_at) {
        (true, Some(renew_at)) if model.now < renew_at => return None,
        (true, _) => {
            model.group.renew_at = Some(model.now + RENEWAL);
            LEASE
        }
        (false, Some(_)) => {
            model.group.renew_at = None;
            Duration::ZERO
        }
        (false, None) => return None,
    };
    Some(Effect::Command(Subject::Watch, Command::Watch(lease)))
}

pub(super) fn crash_tracker(model: &mut Model) -> Vec<Effect> {
    let Some(tracker) = model.view.status.tracker.clone() else {
        return note(model, NoteKind::NoTrackerToCrash);
    };
    start_stopwatch(model, tracker.name, &tracker.peer_id);
    vec![Effect::Command(Subject::CrashTracker, Command::CrashTracker(CRASH)), Effect::WakeAfter(STOPWATCH)]
}

pub(super) fn crash_me(model: &mut Model) -> Vec<Effect> {
    let status = model.view.status.clone();
    if status.tracker.as_ref().is_some_and(|tracker| tracker.peer_id == status.peer_id) {
        start_stopwatch(model, status.name.clone(), &status.peer_id);
    }
    vec![Effect::Command(Subject::CrashMe, Command::Crash(Some(CRASH)))]
}

pub(super) fn pause_tracker(model: &mut Model) -> Vec<Effect> {
    let tracker = model.view.status.tracker.as_ref().and_then(|tracker| tracker.peer_id.parse().ok());
    match tracker {
        Some(peer) => pause(model, peer),
        None => note(model, NoteKind::NoTrackerToCrash),
    }
}

/// A paused tracker is timed as a crashed one: the others cannot tell the difference.
fn pause(model: &mut Model, peer: PeerId) -> Vec<Effect> {
    let tracker = model.view.status.tracker.clone();
    let mut subject = Subject::Drill;
    if let Some(tracker) = tracker.filter(|tracker| tracker.peer_id == peer.to_string()) {
        start_stopwatch(model, tracker.name, &tracker.peer_id);
        subject = Subject::CrashTracker;
    }
    let command = Command::Pause { peer: Some(peer), duration: CRASH };
    vec![Effect::Command(subject, command), Effect::WakeAfter(STOPWATCH)]
}

fn start_stopwatch(model: &mut Model, crashed: String, peer_id: &str) {
    model.group.playback = Playback::Live;
    model.drill = Drill::Running(Stopwatch {
        crashed,
        peer: peer_id.parse().ok(),
        own: model.view.status.peer_id == peer_id,
        epoch: model.view.status.epoch,
        after_seq: model.view.events.last().map_or(0, |event| event.seq),
        asked: model.now,
        asked_unix_micros: model.unix_micros,
        crashed_at_unix_millis: None,
    });
}

/// The order was carried out: until its own record says it better, that is when the failure began.
pub(super) fn crash_answered(model: &mut Model, at_unix_millis: u64) {
    if let Drill::Running(stopwatch) = &mut model.drill {
        stopwatch.crashed_at_unix_millis.get_or_insert(at_unix_millis);
    }
}

/// Reads the stopwatch: by the records of the new tracker, or until they are here by what this peer heard.
pub(super) fn read_stopwatch(model: &mut Model) -> Vec<Effect> {
    let (Drill::Running(stopwatch) | Drill::Done(stopwatch, _)) = &model.drill else { return Vec::new() };
    let reading = read_records(model, stopwatch).or_else(|| read_events(model, stopwatch));
    if let Some(reading) = reading {
        model.drill = Drill::Done(stopwatch.clone(), reading);
    }
    Vec::new()
}

fn read_records(model: &Model, stopwatch: &Stopwatch) -> Option<Reading> {
    let (peer, epoch) = (stopwatch.peer?, Epoch::new(stopwatch.epoch)?);
    let after = stopwatch.asked_unix_micros.saturating_sub(CLOCKS);
    let failover = model.group.history.failover(peer, epoch, after);
    let began = failover.began.or_else(|| stopwatch.crashed_at_unix_millis.map(|at| at * 1_000))?;
    let (tracker, epoch, elected) = failover.elected?;
    let millis = |at: u64| at.saturating_sub(began) / 1_000;
    Some(Reading {
        tracker: model.name_of(tracker),
        epoch: epoch.number(),
        millis: millis(elected),
        complete_millis: failover.complete.map(millis),
        recorded: true,
    })
}

fn read_events(model: &Model, stopwatch: &Stopwatch) -> Option<Reading> {
    let mut later = model.view.events.iter().filter(|event| event.seq > stopwatch.after_seq);
    let started = later.clone().find(|event| event.kind == "drill_started").map(|event| event.unix_millis);
    let began = started.or(stopwatch.crashed_at_unix_millis)?;
    let elected =
        later.find(|event| event.kind == "tracker_elected" && event.epoch > Some(stopwatch.epoch))?;
    Some(Reading {
        tracker: elected.peer.clone().unwrap_or_default(),
        epoch: elected.epoch.unwrap_or_default(),
        millis: elected.unix_millis.saturating_sub(began),
        complete_millis: None,
        recorded: false,
    })
}
