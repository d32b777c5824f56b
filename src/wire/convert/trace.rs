//! Records of elections from and to their JSON shape. What a later version adds is left out.

use super::{MAX_NUMBER, REFUSALS, refusal_text};
use crate::base::{Epoch, PeerId};
use crate::engine::election::Role;
use crate::engine::trace::{FaultKind, Mail, MailKind, Record, What};
use crate::wire::group::TraceRecord;

/// The most records in one answer to `group_trace`: about 300 KB of JSON.
pub const MAX_TRACE: usize = 1_000;

const ROLES: [(Role, &str); 5] = [
    (Role::Outside, "outside"),
    (Role::Follower, "follower"),
    (Role::PreCandidate, "pre-candidate"),
    (Role::Candidate, "candidate"),
    (Role::Tracker, "tracker"),
];

const MAILS: [(MailKind, &str); 8] = [
    (MailKind::PreVote, "pre_vote"),
    (MailKind::PreVoteAnswer, "pre_vote_answer"),
    (MailKind::Vote, "vote"),
    (MailKind::VoteAnswer, "vote_answer"),
    (MailKind::Heartbeat, "heartbeat"),
    (MailKind::HeartbeatReply, "heartbeat_reply"),
    (MailKind::Handover, "handover"),
    (MailKind::HandoverAnswer, "handover_answer"),
];

/// The role as `control_status` and `group_trace` say it.
#[must_use]
pub fn role_text(role: Role) -> &'static str {
    ROLES.iter().find(|(known, _)| *known == role).map_or("outside", |(_, text)| text)
}

/// The role of this text, if it is one.
#[must_use]
pub fn role_of(text: &str) -> Option<Role> {
    ROLES.iter().find(|(_, known)| *known == text).map(|(role, _)| *role)
}

/// The text of a message's kind.
#[must_use]
pub fn mail_text(kind: MailKind) -> &'static str {
    MAILS.iter().find(|(known, _)| *known == kind).map_or("heartbeat", |(_, text)| text)
}

/// The text of a fault drill, without the peer that a cut link leads to.
#[must_use]
pub fn fault_text(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Crash => "crash",
        FaultKind::Pause => "pause",
        FaultKind::Cut(_) => "cut",
    }
}

/// A record as it goes over the wire.
#[must_use]
pub fn record_to_wire(record: &Record) -> TraceRecord {
    let shape = TraceRecord { seq: record.seq, unix_micros: record.at_micros, ..TraceRecord::default() };
    let of = |kind: &str| TraceRecord { kind: kind.to_owned(), ..shape.clone() };
    match record.what {
        What::TimerSet { after_micros } => {
            TraceRecord { after_micros: Some(after_micros), ..of("timer_set") }
        }
        What::TimerStopped => of("timer_stopped"),
        What::TimerExpired => of("timer_expired"),
        What::Role(role) => TraceRecord { role: Some(role_text(role).to_owned()), ..of("role") },
        What::Epoch(epoch) => TraceRecord { epoch: Some(epoch.number()), ..of("epoch") },
        What::Tracker { tracker, epoch } => TraceRecord {
            peer: tracker.map(|peer| peer.to_string()),
            epoch: Some(epoch.number()),
            ..of("tracker")
        },
        What::Sent(mail) => mail_to_wire(mail, of("sent")),
        What::Unsent(mail) => mail_to_wire(mail, of("unsent")),
        What::Received(mail) => mail_to_wire(mail, of("received")),
        What::Index { epoch, files, have, of: all } => TraceRecord {
            epoch: Some(epoch.number()),
            files: Some(files),
            have: Some(have),
            of: Some(all),
            ..of("index")
        },
        What::FaultBegan(kind) => fault_to_wire(kind, of("fault_began")),
        What::FaultEnded(kind) => fault_to_wire(kind, of("fault_ended")),
    }
}

fn mail_to_wire(mail: Mail, shape: TraceRecord) -> TraceRecord {
    TraceRecord {
        peer: Some(mail.peer.to_string()),
        message: Some(mail_text(mail.kind).to_owned()),
        epoch: Some(mail.epoch.number()),
        round: Some(mail.round),
        refusal: mail.refusal.map(|refusal| refusal_text(refusal).to_owned()),
        ..shape
    }
}

fn fault_to_wire(kind: FaultKind, shape: TraceRecord) -> TraceRecord {
    let peer = if let FaultKind::Cut(peer) = kind { Some(peer.to_string()) } else { None };
    TraceRecord { fault: Some(fault_text(kind).to_owned()), peer, ..shape }
}

/// The record of a shape; `None` for one that is malformed or of a later version.
#[must_use]
pub fn record_from_wire(shape: &TraceRecord) -> Option<Record> {
    if shape.seq > MAX_NUMBER || shape.unix_micros > MAX_NUMBER {
        return None;
    }
    let epoch = || Epoch::new(shape.epoch?);
    let what = match shape.kind.as_str() {
        "timer_set" => What::TimerSet { after_micros: shape.after_micros.filter(|it| *it <= MAX_NUMBER)? },
        "timer_stopped" => What::TimerStopped,
        "timer_expired" => What::TimerExpired,
        "role" => What::Role(role_of(shape.role.as_deref()?)?),
        "epoch" => What::Epoch(epoch()?),
        "tracker" => {
            let tracker = shape.peer.as_deref().map(str::parse).transpose().ok()?;
            What::Tracker { tracker, epoch: epoch()? }
        }
        "sent" => What::Sent(mail_from_wire(shape)?),
        "unsent" => What::Unsent(mail_from_wire(shape)?),
        "received" => What::Received(mail_from_wire(shape)?),
        "index" => {
            let files = shape.files.filter(|files| *files <= MAX_NUMBER)?;
            What::Index { epoch: epoch()?, files, have: shape.have?, of: shape.of? }
        }
        "fault_began" => What::FaultBegan(fault_from_wire(shape)?),
        "fault_ended" => What::FaultEnded(fault_from_wire(shape)?),
        _ => return None,
    };
    Some(Record { seq: shape.seq, at_micros: shape.unix_micros, what })
}

fn peer(shape: &TraceRecord) -> Option<PeerId> {
    shape.peer.as_deref()?.parse().ok()
}

fn mail_from_wire(shape: &TraceRecord) -> Option<Mail> {
    let text = shape.message.as_deref()?;
    let (kind, _) = MAILS.iter().find(|(_, known)| *known == text)?;
    let refusal = match shape.refusal.as_deref() {
        None => None,
        Some(text) => Some(REFUSALS.iter().find(|(_, known)| *known == text)?.0),
    };
    let round = shape.round.filter(|round| *round <= MAX_NUMBER)?;
    Some(Mail { peer: peer(shape)?, kind: *kind, epoch: Epoch::new(shape.epoch?)?, round, refusal })
}

fn fault_from_wire(shape: &TraceRecord) -> Option<FaultKind> {
    match shape.fault.as_deref()? {
        "crash" => Some(FaultKind::Crash),
        "pause" => Some(FaultKind::Pause),
        "cut" => Some(FaultKind::Cut(peer(shape)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::election::Refusal;

    #[test]
    fn every_record_survives_the_wire() {
        let epoch = Epoch::new(7).expect("an epoch");
        let peer = PeerId::from_bytes([3; 32]);
        let mail = |kind, refusal| Mail { peer, kind, epoch, round: 9, refusal };
        let mut whats = vec![
            What::TimerSet { after_micros: 217_000 },
            What::TimerStopped,
            What::TimerExpired,
            What::Epoch(epoch),
            What::Tracker { tracker: Some(peer), epoch },
            What::Tracker { tracker: None, epoch },
            What::Unsent(mail(MailKind::Vote, None)),
            What::Index { epoch, files: 12, have: 4, of: 5 },
            What::FaultBegan(FaultKind::Crash),
            What::FaultBegan(FaultKind::Cut(peer)),
            What::FaultEnded(FaultKind::Pause),
        ];
        whats.extend(ROLES.iter().map(|(role, _)| What::Role(*role)));
        whats.extend(MAILS.iter().map(|(kind, _)| What::Sent(mail(*kind, None))));
        whats.extend(
            REFUSALS.iter().map(|(refusal, _)| What::Received(mail(MailKind::VoteAnswer, Some(*refusal)))),
        );
        for (seq, what) in (1..).zip(whats) {
            let record = Record { seq, at_micros: 1_790_000_000_000_000 + seq, what };
            let shape = record_to_wire(&record);
            let text = serde_json::to_string(&shape).expect("JSON");
            let back: TraceRecord = serde_json::from_str(&text).expect("the shape");
            assert_eq!(record_from_wire(&back), Some(record), "{text}");
        }
    }

    #[test]
    fn what_is_malformed_or_of_the_future_is_left_out() {
        let peer = PeerId::from_bytes([3; 32]);
        let epoch = Epoch::new(7).expect("an epoch");
        let mail = Mail { peer, kind: MailKind::Vote, epoch, round: 1, refusal: Some(Refusal::Sticky) };
        let good = record_to_wire(&Record { seq: 1, at_micros: 1, what: What::Sent(mail) });
        assert!(record_from_wire(&good).is_some());
        let text = |text: &str| Some(text.to_owned());
        let bad = [
            TraceRecord { kind: "of_the_future".to_owned(), ..good.clone() },
            TraceRecord { peer: text("nobody"), ..good.clone() },
            TraceRecord { peer: None, ..good.clone() },
            TraceRecord { message: text("gossip"), ..good.clone() },
            TraceRecord { refusal: text("mood"), ..good.clone() },
            TraceRecord { round: Some(u64::MAX), ..good.clone() },
            TraceRecord { epoch: Some(u64::MAX), ..good.clone() },
            TraceRecord { seq: u64::MAX, ..good.clone() },
            TraceRecord { unix_micros: u64::MAX, ..good },
        ];
        for shape in bad {
            assert_eq!(record_from_wire(&shape), None, "{shape:?}");
        }
    }
}
