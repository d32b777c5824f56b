//! The group page: what the ring shows is what was recorded, the stopwatch is the recorded difference, and
//! nobody is asked while nobody looks.

use super::super::action::{Action, GroupAction, Page, Step, Verb};
use super::super::fixtures::{FakePeer, empty_view, peer_id, typical_view};
use super::super::model::{DELAY, Drill, HappeningKind, LEASE, Model, Playback, RENEWAL, Speed};
use super::super::reduce::{Effect, reduce};
use super::super::text::{Language, Says};
use super::super::theme_choice::ThemeChoice;
use super::Window;
use cardume::base::{Epoch, PeerId};
use cardume::engine::election::Role as PeerRole;
use cardume::engine::trace::{FaultKind, Mail, MailKind, Part, Record, What};
use cardume::node::{Command, TraceChunk, TraceFeed, View};
use eframe::egui;
use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use std::sync::Arc;
use std::time::Duration;

/// When the recorded failure begins, in microseconds since 1970.
const CRASH_AT: u64 = 1_790_000_000_000_000;

fn peer(number: u64) -> PeerId {
    peer_id(number).parse().expect("an id")
}

fn epoch(number: u64) -> Epoch {
    Epoch::new(number).expect("an epoch")
}

fn mail(other: u64, kind: MailKind) -> Mail {
    Mail { peer: peer(other), kind, epoch: epoch(8), round: 3, refusal: None }
}

/// What a peer recorded, with times after the failure in microseconds.
fn part(number: u64, until: u64, records: &[(u64, What)]) -> Part {
    let records = (CRASH_AT..).zip(records).map(|(seq, (after, what))| Record {
        seq,
        at_micros: CRASH_AT + after,
        what: *what,
    });
    let (role, epoch) = (Some(PeerRole::Follower), Some(epoch(7)));
    Part { peer: peer(number), until_micros: CRASH_AT + until, records: records.collect(), role, epoch }
}

/// The failure of peer-2, as all five recorded it.
fn failover() -> Vec<Part> {
    let asked = |candidate| What::Received(mail(candidate, MailKind::Vote));
    let index = |have, of| What::Index { epoch: epoch(8), files: 4_819, have, of };
    vec![
        part(
            1,
            900_000,
            &[
                (150_400, asked(4)),
                (151_000, What::Sent(mail(4, MailKind::VoteAnswer))),
                (171_300, What::Tracker { tracker: Some(peer(4)), epoch: epoch(8) }),
            ],
        ),
        part(2, 900_000, &[(0, What::FaultBegan(FaultKind::Crash))]),
        part(3, 900_000, &[(150_500, asked(4)), (151_100, What::Sent(mail(4, MailKind::VoteAnswer)))]),
        part(
            4,
            900_000,
            &[
                (10, What::TimerSet { after_micros: 149_990 }),
                (150_000, What::TimerExpired),
                (150_050, What::Epoch(epoch(8))),
                (150_060, What::Role(PeerRole::Candidate)),
                (150_100, What::Sent(mail(1, MailKind::Vote))),
                (150_110, What::Sent(mail(3, MailKind::Vote))),
                (151_500, What::Received(mail(1, MailKind::VoteAnswer))),
                (171_000, What::Received(mail(3, MailKind::VoteAnswer))),
                (171_100, What::Tracker { tracker: Some(peer(4)), epoch: epoch(8) }),
                (171_200, What::Role(PeerRole::Tracker)),
                (172_000, index(3, 3)),
                (180_000, index(3, 4)),
                (240_500, index(4, 4)),
            ],
        ),
    ]
}

fn with_records(view: View, parts: Vec<Part>) -> View {
    let chunk = Arc::new(TraceChunk { number: 1, parts });
    View { trace: Arc::new(TraceFeed { chunks: [chunk].into(), ..TraceFeed::default() }), ..view }
}

/// A model on the group page that looks at the failure so long after it.
fn model(after: u64) -> Model {
    let mut model = Model::new(Arc::new(typical_view()), Language::English, ThemeChoice::Dark);
    model.page = Page::Group;
    model.unix_micros = CRASH_AT - 1_000;
    reduce(&mut model, Action::Do(Verb::CrashTracker));
    model.unix_micros = CRASH_AT + after + DELAY;
    reduce(&mut model, Action::View(Arc::new(with_records(typical_view(), failover()))));
    model
}

fn act(model: &mut Model, action: GroupAction) -> Vec<Effect> {
    reduce(model, Action::Group(action))
}

fn moment(model: &Model) -> u64 {
    model.group.moment(model.now, model.unix_micros).saturating_sub(CRASH_AT)
}

#[test]
fn the_stopwatch_is_the_recorded_difference() {
    let model = model(0);
    let Drill::Done(_, reading) = &model.drill else { panic!("{:?}", model.drill) };
    assert_eq!((reading.tracker.as_str(), reading.epoch, reading.recorded), ("peer-4", 8, true));
    assert_eq!((reading.millis, reading.complete_millis), (171, Some(240)));
}

#[test]
fn every_dot_is_a_record_of_both_ends() {
    let model = model(0);
    let recorded: Vec<(PeerId, u64, What)> = failover()
        .iter()
        .flat_map(|part| part.records.iter().map(|it| (part.peer, it.at_micros, it.what)))
        .collect();
    let mut seen = 0;
    for after in (0..400_000).step_by(250) {
        let shown = model.group.history.at(CRASH_AT + after, 3_000);
        for dot in shown.dots {
            let letter = dot.letter;
            let sent = What::Sent(letter.mail);
            let received = What::Received(Mail { peer: letter.from, ..letter.mail });
            assert!(recorded.contains(&(letter.from, letter.sent.expect("a sending"), sent)));
            assert!(recorded.contains(&(letter.to, letter.received.expect("a receipt"), received)));
            seen += 1;
        }
        for shown in shown.peers {
            let last = |is: fn(&What) -> bool| {
                let own = recorded
                    .iter()
                    .filter(|(by, at, what)| *by == shown.peer && *at <= CRASH_AT + after && is(what));
                own.max_by_key(|(_, at, _)| *at).map(|(_, _, what)| *what)
            };
            if let Some(role) = last(|what| matches!(what, What::Role(_))) {
                assert_eq!(shown.role.map(What::Role), Some(role), "{after}");
            }
            if let Some(epoch) = last(|what| matches!(what, What::Epoch(_))) {
                assert_eq!(shown.epoch.map(What::Epoch), Some(epoch), "{after}");
            }
        }
    }
    assert!(seen > 20, "{seen} dots were seen");
}

#[test]
fn a_recording_is_played_held_and_left() {
    let mut model = model(900_000);
    assert_eq!(moment(&model), 900_000, "live, a little later than now");
    act(&mut model, GroupAction::Election(Step::Back));
    assert!(matches!(model.group.playback, Playback::Playing { .. }));
    act(&mut model, GroupAction::Speed(Speed::Tenth));
    act(&mut model, GroupAction::Seek(CRASH_AT + 150_000));
    act(&mut model, GroupAction::PlayPause);
    model.now += Duration::from_millis(100);
    assert_eq!(moment(&model), 160_000, "ten times slower");
    act(&mut model, GroupAction::Speed(Speed::Hundredth));
    assert_eq!(moment(&model), 160_000, "without a jump");
    model.now += Duration::from_millis(100);
    assert_eq!(moment(&model), 161_000);
    act(&mut model, GroupAction::PlayPause);
    model.now += Duration::from_secs(1);
    assert_eq!((model.group.playback, moment(&model)), (Playback::Still(CRASH_AT + 161_000), 161_000));
    act(&mut model, GroupAction::Live);
    assert_eq!(moment(&model), 900_000);
    // What plays at full speed reaches the present and is live again.
    act(&mut model, GroupAction::Speed(Speed::Real));
    act(&mut model, GroupAction::Seek(CRASH_AT + 800_000));
    act(&mut model, GroupAction::PlayPause);
    model.now += Duration::from_secs(1);
    reduce(&mut model, Action::Tick);
    assert_eq!(model.group.playback, Playback::Live);
}

#[test]
fn an_election_is_shown_from_its_first_sign() {
    let mut model = model(900_000);
    act(&mut model, GroupAction::Election(Step::Back));
    assert_eq!(model.group.playback, Playback::Playing { from: CRASH_AT - 300_000, since: model.now });
    act(&mut model, GroupAction::Election(Step::Back));
    assert_eq!(model.group.playback, Playback::Playing { from: CRASH_AT - 300_000, since: model.now });
}

#[test]
fn only_a_page_that_is_seen_asks_and_moves() {
    let mut model = Model::new(Arc::new(typical_view()), Language::English, ThemeChoice::Dark);
    let watch = |effects: Vec<Effect>| -> Vec<Duration> {
        let leases = effects.into_iter().filter_map(|effect| match effect {
            Effect::Command(_, Command::Watch(lease)) => Some(lease),
            _ => None,
        });
        leases.collect()
    };
    model.search.due = None;
    for _ in 0..100 {
        model.now += Duration::from_millis(100);
        assert_eq!(reduce(&mut model, Action::Tick), [], "another page asks for nothing and draws nothing");
    }
    model.page = Page::Group;
    assert_eq!(watch(reduce(&mut model, Action::Tick)), [LEASE]);
    assert!(watch(reduce(&mut model, Action::Tick)).is_empty(), "the lease lasts");
    model.now += RENEWAL;
    assert_eq!(watch(reduce(&mut model, Action::Tick)), [LEASE]);
    model.visible = false;
    assert_eq!(reduce(&mut model, Action::Tick).len(), 1, "the lease is given back");
    assert!(watch(reduce(&mut model, Action::Tick)).is_empty());
    model.now += Duration::from_mins(1);
    assert_eq!(reduce(&mut model, Action::Tick), []);
    model.visible = true;
    assert_eq!(watch(reduce(&mut model, Action::Tick)), [LEASE]);
    model.page = Page::Search;
    assert_eq!(watch(reduce(&mut model, Action::Tick)), [Duration::ZERO]);
}

#[test]
fn frames_come_as_often_as_the_machine_can_and_never_without_motion() {
    let mut model = model(900_000);
    model.drill = Drill::Idle;
    let wakes = |model: &mut Model| -> Vec<Duration> {
        let effects = reduce(model, Action::Tick).into_iter();
        effects.filter_map(|it| if let Effect::WakeAfter(after) = it { Some(after) } else { None }).collect()
    };
    assert_eq!(wakes(&mut model), [Duration::from_millis(33)]);
    model.group.frame_cost = Duration::from_millis(20);
    assert_eq!(wakes(&mut model), [Duration::from_millis(160)], "a slow machine draws fewer");
    model.group.frame_cost = Duration::from_secs(2);
    assert_eq!(wakes(&mut model), [Duration::from_millis(250)]);
    act(&mut model, GroupAction::Seek(CRASH_AT));
    assert!(wakes(&mut model).is_empty(), "what is held does not move");
    act(&mut model, GroupAction::Live);
    model.reduced_motion = true;
    assert_eq!(wakes(&mut model), [Duration::from_millis(100)], "states change without travel");
}

#[test]
fn the_time_line_tells_the_election_of_all_peers() {
    let model = model(900_000);
    let told = |row: &&super::super::model::Happening| !matches!(row.what, HappeningKind::Told(_));
    let rows: Vec<(PeerId, HappeningKind)> = model
        .group
        .rows
        .iter()
        .filter(told)
        .map(|row| (row.peer.expect("a peer"), row.what.clone()))
        .collect();
    let vote = |by| HappeningKind::Answered { by, kind: MailKind::VoteAnswer, epoch: 8, refusal: None };
    assert_eq!(
        rows,
        [
            (peer(2), HappeningKind::Fault(FaultKind::Crash, true)),
            (peer(4), HappeningKind::TimerExpired),
            (peer(4), HappeningKind::Asks(MailKind::Vote, 8)),
            (peer(4), vote(peer(1))),
            (peer(4), vote(peer(3))),
            (peer(4), HappeningKind::Tracker(8)),
            (peer(1), HappeningKind::Follows(peer(4), 8)),
            (peer(4), HappeningKind::IndexComplete(4_819, 3)),
            (peer(4), HappeningKind::IndexComplete(4_819, 4)),
        ]
    );
}

#[test]
fn the_recording_is_exported_as_json() {
    let mut model = model(0);
    let effects = act(&mut model, GroupAction::Export);
    let [Effect::Export { folder, name, text }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(folder.to_str(), Some("/srv/downloads"));
    assert!(name.starts_with("cardume-group-") && name.contains(".json"), "{name}");
    let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let records = value["records"].as_array().expect("records");
    assert_eq!(records.len(), failover().iter().map(|part| part.records.len()).sum::<usize>());
    assert_eq!(records[0]["fault"], "crash");
    assert_eq!(records[0]["by"], peer_id(2));
    assert!(
        records.windows(2).all(|pair| pair[0]["unix_micros"].as_u64() <= pair[1]["unix_micros"].as_u64())
    );
    assert_eq!(value["peers"].as_array().map(Vec::len), Some(4));
}

#[test]
fn the_page_shows_every_peer_in_both_languages_and_themes() {
    for language in Language::ALL {
        for (theme, size) in [(ThemeChoice::Light, [800.0, 600.0]), (ThemeChoice::Dark, [1_280.0, 800.0])] {
            let view = with_records(typical_view(), failover());
            let mut window =
                Window::open_as(FakePeer::new(typical_view(), Vec::new()), language, theme, size);
            window.press_ctrl(egui::Key::Num4);
            window.peer.publish(view);
            let words = language.text().of_group;
            window.wait_until("the records", |window| {
                // A narrow page has the time line below what is seen.
                window.has(&(words.says)(&Says::Tracker(8))) || size[0] < 1_000.0
            });
            for number in 1..=5 {
                let label = format!("peer-{number}, ");
                let on_ring = window.harness.query_all_by_role(Role::Image);
                let found =
                    on_ring.filter_map(|node| node.accesskit_node().label()).any(|it| it.starts_with(&label));
                assert!(found, "{language:?}: {label}");
            }
            for label in [words.live, words.export] {
                window.harness.get_by_role_and_label(Role::Button, label);
            }
            window.harness.get_by_role_and_label(Role::Slider, words.moment);
        }
    }
}

#[test]
fn without_records_and_without_a_tracker_the_page_says_so() {
    let mut window = Window::open(FakePeer::new(empty_view(), Vec::new()));
    window.press_ctrl(egui::Key::Num4);
    window.wait_for("2 of 5 voters answer; 3 are needed to elect a tracker");
    window.click(Role::Button, "Simulate tracker crash");
    window.wait_for("There is no tracker to crash at the moment");
}

#[test]
fn drills_of_single_peers_are_ordered_from_the_table() {
    let mut window = Window::open(FakePeer::new(typical_view(), Vec::new()));
    window.press_ctrl(egui::Key::Num4);
    window.click(Role::Button, "Fault drills of peer-3");
    window.click(Role::Button, "Cut the link to peer-3 for 10 seconds");
    let cut = Command::Cut { peer: peer(3), duration: Duration::from_secs(10) };
    window.wait_until("the command", |window| window.peer.commands().contains(&cut));
    window.click(Role::Button, "Pause the tracker");
    let pause = Command::Pause { peer: Some(peer(2)), duration: Duration::from_secs(5) };
    window.wait_until("the command", |window| window.peer.commands().contains(&pause));
    window.wait_for("peer-2 is silent; waiting for a new tracker");
}
