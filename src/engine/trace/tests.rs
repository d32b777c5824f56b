//! The history: what it shows is what was recorded.

use super::*;

const SECOND: u64 = 1_000_000;

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

fn epoch(number: u64) -> Epoch {
    Epoch::new(number).expect("an epoch")
}

fn mail(other: u8, kind: MailKind, refusal: Option<Refusal>) -> Mail {
    Mail { peer: peer(other), kind, epoch: epoch(8), round: 3, refusal }
}

/// What a peer told up to a moment.
fn part(number: u8, until: u64, records: &[(u64, u64, What)]) -> Part {
    let records =
        records.iter().map(|(seq, at_micros, what)| Record { seq: *seq, at_micros: *at_micros, what: *what });
    let records = records.collect();
    Part { peer: peer(number), until_micros: until, records, role: None, epoch: None }
}

fn history(parts: &[Part]) -> History {
    let mut history = History::default();
    for part in parts {
        history.take(part);
    }
    history
}

#[test]
fn both_ends_of_a_message_become_one_letter_in_either_order() {
    let asked = part(1, 200, &[(1, 100, What::Sent(mail(2, MailKind::Vote, None)))]);
    let heard = part(2, 200, &[(9, 103, What::Received(mail(1, MailKind::Vote, None)))]);
    for parts in [[asked.clone(), heard.clone()], [heard, asked]] {
        let letters: Vec<Letter> = history(&parts).letters(0, SECOND).copied().collect();
        let expected = Letter {
            from: peer(1),
            to: peer(2),
            mail: mail(2, MailKind::Vote, None),
            sent: Some(100),
            received: Some(103),
        };
        assert_eq!(letters, [expected]);
    }
}

#[test]
fn a_message_travels_from_its_sending_and_arrives_only_if_it_was_received() {
    let history = history(&[
        part(
            1,
            SECOND,
            &[
                (1, 1_000, What::Sent(mail(2, MailKind::Vote, None))),
                (2, 1_000, What::Sent(mail(3, MailKind::Vote, None))),
                (3, 1_000, What::Unsent(mail(4, MailKind::Vote, None))),
            ],
        ),
        part(2, SECOND, &[(1, 1_400, What::Received(mail(1, MailKind::Vote, None)))]),
    ]);
    let dots = |at| history.at(at, 10_000).dots;
    assert_eq!(dots(999), []);
    let shown: Vec<(PeerId, f32, bool)> =
        dots(3_500).iter().map(|dot| (dot.letter.to, dot.progress, dot.arrives)).collect();
    assert_eq!(shown, [(peer(2), 0.25, true), (peer(3), 0.25, false)], "what was not sent is not shown");
    assert_eq!(dots(11_000), []);
}

#[test]
fn what_is_received_from_nobody_known_is_not_drawn() {
    let history = history(&[part(2, SECOND, &[(1, 1_400, What::Received(mail(1, MailKind::Vote, None)))])]);
    assert_eq!(history.at(1_500, 10_000).dots, []);
    assert_eq!(history.letters(0, SECOND).count(), 1);
}

#[test]
fn timers_shrink_and_end() {
    let history = history(&[part(
        1,
        SECOND,
        &[
            (1, 1_000, What::TimerSet { after_micros: 200_000 }),
            (2, 101_000, What::TimerSet { after_micros: 160_000 }),
            (3, 261_000, What::TimerExpired),
        ],
    )]);
    let timer = |at| history.peer_at(peer(1), at).timer;
    assert_eq!(timer(999), None);
    assert_eq!(timer(51_000), Some(TimerMoment { length_micros: 200_000, left_micros: 150_000 }));
    assert_eq!(timer(101_000), Some(TimerMoment { length_micros: 160_000, left_micros: 160_000 }));
    assert_eq!(timer(261_000), None);
}

#[test]
fn a_peer_that_tells_nothing_is_not_shown_as_present() {
    let mut history = history(&[part(1, SECOND, &[(1, 1_000, What::Role(Role::Follower))])]);
    let condition = |history: &History, at| history.peer_at(peer(1), at).condition;
    assert_eq!(condition(&history, 500), Condition::Unheard, "before its first record");
    assert_eq!(condition(&history, SECOND), Condition::Present);
    assert_eq!(condition(&history, 3 * SECOND), Condition::Unheard);
    assert_eq!(condition(&History::default(), SECOND), Condition::Unheard);
    // It was silent by a drill, which it tells when it is back.
    let kind = FaultKind::Crash;
    history.take(&part(
        1,
        9 * SECOND,
        &[(2, 2 * SECOND, What::FaultBegan(kind)), (3, 7 * SECOND, What::FaultEnded(kind))],
    ));
    assert_eq!(condition(&history, 3 * SECOND), Condition::Crashed);
    assert_eq!(condition(&history, 8 * SECOND), Condition::Present);
}

#[test]
fn a_peer_that_is_the_same_for_long_is_what_it_says() {
    let mut told = part(1, SECOND, &[(1, 1_000, What::TimerExpired)]);
    (told.role, told.epoch) = (Some(Role::Follower), Some(epoch(7)));
    let history = history(&[told]);
    let moment = history.peer_at(peer(1), 2_000);
    assert_eq!((moment.role, moment.epoch), (Some(Role::Follower), Some(epoch(7))));
}

#[test]
fn votes_are_counted_as_they_come_in() {
    let grant = |from: u8| What::Received(mail(from, MailKind::VoteAnswer, None));
    let refusal = What::Received(mail(4, MailKind::VoteAnswer, Some(Refusal::VotedForOther)));
    let history = history(&[part(
        1,
        SECOND,
        &[
            (1, 1_000, What::Role(Role::Candidate)),
            (2, 2_000, grant(2)),
            (3, 3_000, refusal),
            (4, 4_000, grant(3)),
            (5, 4_100, What::Role(Role::Tracker)),
            (6, 5_000, grant(5)),
        ],
    )]);
    let votes = |at| history.peer_at(peer(1), at).votes;
    assert_eq!(
        [999, 1_000, 2_000, 3_000, 4_050, 5_000].map(votes),
        [None, Some(1), Some(2), Some(2), Some(3), Some(4)]
    );
    assert_eq!(votes(3 * SECOND), None, "an old election is not shown for ever");
}

#[test]
fn records_are_taken_once() {
    let told = part(1, SECOND, &[(1, 100, What::Sent(mail(2, MailKind::Vote, None)))]);
    let history = history(&[told.clone(), told]);
    assert_eq!(history.letters(0, SECOND).count(), 1);
    assert_eq!(history.records().count(), 1);
}

#[test]
fn the_stopwatch_reads_the_records() {
    let index = |have, of| What::Index { epoch: epoch(8), files: 1, have, of };
    let mut history = history(&[
        part(
            4,
            4 * SECOND,
            &[
                (1, 1_100_000, What::Epoch(epoch(8))),
                (2, 1_171_000, What::Role(Role::Tracker)),
                (3, 1_172_000, index(3, 3)),
                (4, 1_180_000, index(3, 4)),
                (5, 1_240_000, index(4, 4)),
            ],
        ),
        // The old tracker's own election is no answer to its failure.
        part(2, 4 * SECOND, &[(1, 900_000, What::Epoch(epoch(7))), (2, 910_000, What::Role(Role::Tracker))]),
    ]);
    let found = history.failover(peer(2), epoch(7), 950_000);
    assert_eq!(found.began, None, "the crashed one has not told yet");
    assert_eq!(found.elected, Some((peer(4), epoch(8), 1_171_000)));
    assert_eq!(found.complete, Some(1_240_000), "complete of three is not complete of four");
    history.take(&part(2, 6 * SECOND, &[(3, SECOND, What::FaultBegan(FaultKind::Crash))]));
    let found = history.failover(peer(2), epoch(7), 950_000);
    assert_eq!(found.began, Some(SECOND));
    // Who comes back later is not waited for.
    history.take(&part(4, 6 * SECOND, &[(6, 3 * SECOND, index(4, 5)), (7, 3 * SECOND + 9, index(5, 5))]));
    assert_eq!(history.failover(peer(2), epoch(7), 950_000).complete, Some(1_240_000));
    assert_eq!(history.elections(), [(peer(2), epoch(7), 910_000), (peer(4), epoch(8), 1_171_000)]);
    assert_eq!(history.story_begins(epoch(8), 1_171_000), 1_171_000 - 171_000);
}

#[test]
fn memory_is_bounded() {
    let mut history = History::default();
    for round in 0..60_000 {
        let beat = Mail { round, ..mail(2, MailKind::Heartbeat, None) };
        let records = [(round + 1, round * 1_000, What::Sent(beat))];
        history.take(&part(1, round * 1_000, &records));
    }
    assert!(history.records().count() <= 32_768);
    let letters = history.all_letters(0, u64::MAX).count();
    assert!(letters <= 16_384, "{letters}");
    assert!(history.at(59_999_000, 50_000).dots.len() > 40, "the newest are there");
    for number in 0..200 {
        history.take(&part(number, 1, &[]));
    }
    assert!(history.peers().count() <= 64);
}
