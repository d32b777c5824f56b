//! From JSON shapes to engine types and back: every limit is checked here, once.
//!
//! Functions named `…_from_wire` and `parse_…` take what came from outside and either give an engine type
//! that keeps all its limits or an error of [`Code::BadParameter`] that names the parameter; functions
//! named `…_to_wire` cannot fail. The same functions serve both ends: a server answers a caller with the
//! error, a caller takes it as a malformed answer, which is no answer (R5).
//!
//! What is absent on purpose: anything that depends on a state (whether the epoch is absurd, whether the
//! caller may make the call). That is for the engine.

use super::codes::Code;
use super::election::{self as shape, Sender, Stamp};
use super::{group, transfer};
use crate::base::{ContentId, Epoch, FoundingId, PeerId, PeerName, PeerUri, PieceIndex, PieceLayout};
use crate::engine::election::{
    Handover, HandoverAnswer, Heartbeat, HeartbeatReply, Member, Refusal, Roster, RosterStamp, VoteAnswer,
    VoteRequest,
};
use crate::engine::index::{Index, IndexPosition, Page};
use crate::engine::transfer::manifest::PieceHash;
use jsonrpsee::types::ErrorObjectOwned;
use std::collections::BTreeMap;
use std::fmt::Display;

pub mod trace;

/// A checked value, or the error that a caller gets.
pub type Checked<T> = Result<T, ErrorObjectOwned>;

/// The highest number that every JSON implementation carries exactly (RFC 8259, section 6).
pub const MAX_NUMBER: u64 = (1 << 53) - 1;
/// The most members of a roster: heartbeats carry it, and every member is served a connection.
pub const MAX_MEMBERS: usize = 64;
/// The most files in one chunk or changes in one delta: with typical names they fill 1 MiB of JSON.
pub const MAX_FILES: usize = 16_384;
/// The most pieces in one page of a manifest: 256 KiB of hexadecimal digits.
pub const MAX_PAGE_PIECES: usize = 4_096;
/// The most files in one page of a folder: 2 MiB of JSON with long names.
pub const MAX_FOLDER_FILES: usize = 4_096;
/// The most bytes in one answer to `transfer_read`.
pub const MAX_PART_BYTES: u32 = 1024 * 1024;

/// The error for a parameter that is out of its limits; `why` says what is expected.
pub fn bad(parameter: &str, why: impl Display) -> ErrorObjectOwned {
    Code::BadParameter.error(format!("`{parameter}` is refused: {why}"))
}

/// A number that every JSON implementation carries exactly.
pub fn number(parameter: &str, value: u64) -> Checked<u64> {
    if value > MAX_NUMBER {
        return Err(bad(parameter, "a number is at most 2^53 - 1"));
    }
    Ok(value)
}

fn at_most(parameter: &str, length: usize, most: usize) -> Checked<()> {
    if length > most {
        return Err(bad(parameter, format!("at most {most} entries are taken at once, not {length}")));
    }
    Ok(())
}

/// A peer's id from its 64 hexadecimal digits.
pub fn parse_peer_id(parameter: &str, text: &str) -> Checked<PeerId> {
    text.parse().map_err(|error| bad(parameter, error))
}

/// A content from its 64 hexadecimal digits.
pub fn parse_content_id(parameter: &str, text: &str) -> Checked<ContentId> {
    text.parse().map_err(|error| bad(parameter, error))
}

/// A founding from its 32 hexadecimal digits.
pub fn parse_founding(parameter: &str, text: &str) -> Checked<FoundingId> {
    text.parse().map_err(|error| bad(parameter, error))
}

/// An epoch from its number.
pub fn parse_epoch(parameter: &str, number: u64) -> Checked<Epoch> {
    Epoch::new(number).ok_or_else(|| bad(parameter, "an epoch is at most 2^53 - 1"))
}

/// A peer's URI, `wss://host:port/`.
pub fn parse_uri(parameter: &str, text: &str) -> Checked<PeerUri> {
    text.parse().map_err(|error| bad(parameter, error))
}

/// The name that a person gave to a peer.
pub fn parse_peer_name(parameter: &str, text: &str) -> Checked<PeerName> {
    PeerName::new(text).ok_or_else(|| {
        bad(parameter, "a peer's name is 1 to 64 bytes of letters, digits, space, `-`, `_` and `.`")
    })
}

/// Which local database a list of files comes from: 32 hexadecimal digits.
pub fn parse_index_id(parameter: &str, text: &str) -> Checked<[u8; 16]> {
    hexadecimal(parameter, text)
}

/// The digest of a list of files: 64 hexadecimal digits.
pub fn parse_digest(parameter: &str, text: &str) -> Checked<[u8; 32]> {
    hexadecimal(parameter, text)
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hexadecimal_text(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn hexadecimal<const N: usize>(parameter: &str, text: &str) -> Checked<[u8; N]> {
    let mut bytes = [0; N];
    let fits = text.len() == 2 * N
        && data_encoding::HEXLOWER.decode_mut(text.as_bytes(), &mut bytes).is_ok_and(|length| length == N);
    if !fits {
        return Err(bad(parameter, format!("{} lower-case hexadecimal digits are expected", 2 * N)));
    }
    Ok(bytes)
}

// Rosters.

/// Checks a stamp.
pub fn stamp_from_wire(stamp: Stamp) -> Checked<RosterStamp> {
    let epoch = parse_epoch("stamp.epoch", stamp.epoch)?;
    Ok(RosterStamp { epoch, version: number("stamp.version", stamp.version)? })
}

/// A stamp as JSON.
#[must_use]
pub fn stamp_to_wire(stamp: RosterStamp) -> Stamp {
    Stamp { epoch: stamp.epoch.number(), version: stamp.version }
}

/// Checks a member and its id.
pub fn member_from_wire(member: &group::Member) -> Checked<(PeerId, Member)> {
    let peer = parse_peer_id("member.peer_id", &member.peer_id)?;
    let checked = Member {
        name: parse_peer_name("member.name", &member.name)?,
        uri: parse_uri("member.uri", &member.uri)?,
        election_uri: parse_uri("member.election_uri", &member.election_uri)?,
        voter: member.voter,
    };
    Ok((peer, checked))
}

/// A member as JSON.
#[must_use]
pub fn member_to_wire(peer: PeerId, member: &Member) -> group::Member {
    group::Member {
        peer_id: peer.to_string(),
        name: member.name.to_string(),
        uri: member.uri.to_string(),
        election_uri: member.election_uri.to_string(),
        voter: member.voter,
    }
}

/// Checks a roster: 1 to 7 voters among at most [`MAX_MEMBERS`] members, each once and in the order of
/// their ids, so that one roster has one JSON form.
pub fn roster_from_wire(roster: &group::Roster) -> Checked<Roster> {
    at_most("roster.members", roster.members.len(), MAX_MEMBERS)?;
    let mut members = BTreeMap::new();
    for shape in &roster.members {
        let (peer, member) = member_from_wire(shape)?;
        if members.last_key_value().is_some_and(|(last, _)| *last >= peer) {
            return Err(bad("roster.members", "members stand once each, in the order of their ids"));
        }
        members.insert(peer, member);
    }
    let checked = Roster {
        founding: parse_founding("roster.founding", &roster.founding)?,
        stamp: stamp_from_wire(roster.stamp)?,
        min_voters: roster.min_voters,
        members,
    };
    if !(1..=Roster::MAX_VOTERS).contains(&checked.voters().count()) {
        return Err(bad("roster.members", "a roster has 1 to 7 voters"));
    }
    if !(1..=Roster::MAX_VOTERS).contains(&usize::from(checked.min_voters)) {
        return Err(bad("roster.min_voters", "a group is founded by 1 to 7 voters"));
    }
    Ok(checked)
}

/// A roster as JSON.
#[must_use]
pub fn roster_to_wire(roster: &Roster) -> group::Roster {
    group::Roster {
        founding: roster.founding.to_string(),
        stamp: stamp_to_wire(roster.stamp),
        min_voters: roster.min_voters,
        members: roster.members.iter().map(|(peer, member)| member_to_wire(*peer, member)).collect(),
    }
}

// Elections.

/// Checks where the sender of an election call listens: its general and its election listener.
pub fn sender_from_wire(sender: &Sender) -> Checked<(PeerUri, PeerUri)> {
    let general = parse_uri("sender.uri", &sender.uri)?;
    Ok((general, parse_uri("sender.election_uri", &sender.election_uri)?))
}

/// Where this peer listens, as JSON.
#[must_use]
pub fn sender_to_wire(uri: PeerUri, election_uri: PeerUri) -> Sender {
    Sender { uri: uri.to_string(), election_uri: election_uri.to_string() }
}

/// Checks the parameters of `election_pre_vote` and `election_vote`.
pub fn vote_request_from_wire(epoch: u64, round: u64, roster: &group::Roster) -> Checked<VoteRequest> {
    Ok(VoteRequest {
        epoch: parse_epoch("epoch", epoch)?,
        round: number("round", round)?,
        roster: roster_from_wire(roster)?,
    })
}

const REFUSALS: [(Refusal, &str); 9] = [
    (Refusal::OldEpoch, "old_epoch"),
    (Refusal::OldRoster, "old_roster"),
    (Refusal::NotAVoter, "not_a_voter"),
    (Refusal::VotedForOther, "voted_for_other"),
    (Refusal::TrackerKnown, "tracker_known"),
    (Refusal::Sticky, "sticky"),
    (Refusal::AbsurdEpoch, "absurd_epoch"),
    (Refusal::TwoGroups, "two_groups"),
    (Refusal::CannotVote, "cannot_vote"),
];

/// The text of a refusal, as in [`shape::VoteAnswer::refusal`].
#[must_use]
pub fn refusal_text(refusal: Refusal) -> &'static str {
    REFUSALS.iter().find(|(known, _)| *known == refusal).map_or("cannot_vote", |(_, text)| text)
}

/// Checks a vote's answer: a grant has no refusal, a refusal has one that is known.
pub fn vote_answer_from_wire(answer: &shape::VoteAnswer) -> Checked<VoteAnswer> {
    let refusal = match (answer.granted, answer.refusal.as_deref()) {
        (true, None) => None,
        (false, Some(text)) => {
            let known = REFUSALS.iter().find(|(_, known)| *known == text);
            Some(known.ok_or_else(|| bad("refusal", "no such reason is known"))?.0)
        }
        _ => return Err(bad("refusal", "exactly the answers that are not granted give a reason")),
    };
    Ok(VoteAnswer {
        epoch: parse_epoch("epoch", answer.epoch)?,
        round: number("round", answer.round)?,
        refusal,
        current_epoch: parse_epoch("current_epoch", answer.current_epoch)?,
        stamp: answer.stamp.map(stamp_from_wire).transpose()?,
    })
}

/// A vote's answer as JSON.
#[must_use]
pub fn vote_answer_to_wire(answer: &VoteAnswer) -> shape::VoteAnswer {
    shape::VoteAnswer {
        epoch: answer.epoch.number(),
        round: answer.round,
        granted: answer.refusal.is_none(),
        refusal: answer.refusal.map(|refusal| refusal_text(refusal).to_owned()),
        current_epoch: answer.current_epoch.number(),
        stamp: answer.stamp.map(stamp_to_wire),
    }
}

/// Checks the parameters of `election_heartbeat`. A roster that is sent along has the stamp of the
/// heartbeat.
pub fn heartbeat_from_wire(
    epoch: u64,
    round: u64,
    stamp: Stamp,
    roster: Option<&group::Roster>,
) -> Checked<Heartbeat> {
    let stamp = stamp_from_wire(stamp)?;
    let roster = roster.map(roster_from_wire).transpose()?;
    if roster.as_ref().is_some_and(|roster| roster.stamp != stamp) {
        return Err(bad("roster", "it has another stamp than the heartbeat that carries it"));
    }
    Ok(Heartbeat { epoch: parse_epoch("epoch", epoch)?, round: number("round", round)?, stamp, roster })
}

/// Checks where a list of files stands.
pub fn position_from_wire(position: &shape::IndexPosition) -> Checked<IndexPosition> {
    Ok(IndexPosition {
        index_id: parse_index_id("index_id", &position.index_id)?,
        seq: number("seq", position.seq)?,
    })
}

/// Where a list of files stands, as JSON.
#[must_use]
pub fn position_to_wire(position: IndexPosition) -> shape::IndexPosition {
    shape::IndexPosition { index_id: hexadecimal_text(&position.index_id), seq: position.seq }
}

/// Checks a heartbeat's reply, with where the replier's list of files stands.
pub fn heartbeat_reply_from_wire(
    reply: &shape::HeartbeatReply,
) -> Checked<(HeartbeatReply, Option<IndexPosition>)> {
    let checked = HeartbeatReply {
        epoch: parse_epoch("epoch", reply.epoch)?,
        round: number("round", reply.round)?,
        stamp: reply.stamp.map(stamp_from_wire).transpose()?,
    };
    Ok((checked, reply.index.as_ref().map(position_from_wire).transpose()?))
}

/// A heartbeat's reply as JSON, with where this peer's list of files stands.
#[must_use]
pub fn heartbeat_reply_to_wire(
    reply: &HeartbeatReply,
    position: Option<IndexPosition>,
) -> shape::HeartbeatReply {
    shape::HeartbeatReply {
        epoch: reply.epoch.number(),
        round: reply.round,
        stamp: reply.stamp.map(stamp_to_wire),
        index: position.map(position_to_wire),
    }
}

/// Checks the parameters of `election_handover`.
pub fn handover_from_wire(epoch: u64, successor: &str) -> Checked<Handover> {
    let successor = parse_peer_id("successor", successor)?;
    Ok(Handover { epoch: parse_epoch("epoch", epoch)?, successor })
}

/// Checks a handover's answer.
pub fn handover_answer_from_wire(answer: &shape::HandoverAnswer) -> Checked<HandoverAnswer> {
    Ok(HandoverAnswer { epoch: parse_epoch("epoch", answer.epoch)? })
}

/// A handover's answer as JSON.
#[must_use]
pub fn handover_answer_to_wire(answer: &HandoverAnswer) -> shape::HandoverAnswer {
    shape::HandoverAnswer { epoch: answer.epoch.number() }
}

/// Checks which part of a search's matches is wanted.
pub fn page_from_wire(limit: Option<u32>, offset: Option<u64>, sort: Option<&str>) -> Checked<Page> {
    let limit = limit.unwrap_or(Index::DEFAULT_RESULTS);
    if limit > Index::MAX_RESULTS {
        return Err(bad("limit", format!("at most {} results are given at once", Index::MAX_RESULTS)));
    }
    let sort = sort.map(str::parse).transpose().map_err(|error| bad("sort", error))?;
    let offset = offset.map(|offset| number("offset", offset)).transpose()?;
    Ok(Page { offset: offset.unwrap_or_default(), limit, sort: sort.unwrap_or_default() })
}

// Contents.

/// A checked page of a manifest. Whether the pieces merge to the content is known only with all pages
/// ([`crate::engine::transfer::manifest::root_of`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestPage {
    /// Which content.
    pub content: ContentId,
    /// Its claimed size and its pieces.
    pub layout: PieceLayout,
    /// The first piece in this page.
    pub first: PieceIndex,
    /// The hashes from there on: at least one, and no more than the layout has.
    pub pieces: Vec<PieceHash>,
}

/// Checks a page of a manifest.
pub fn manifest_from_wire(manifest: &transfer::Manifest) -> Checked<ManifestPage> {
    let layout = PieceLayout::new(manifest.size, manifest.piece_size).map_err(|error| bad("size", error))?;
    let first = layout.piece(manifest.first).ok_or_else(|| bad("first", "the content has no such piece"))?;
    at_most("pieces", manifest.pieces.len(), MAX_PAGE_PIECES)?;
    let left = u64::from(layout.count() - first.number());
    if manifest.pieces.is_empty() || manifest.pieces.len() as u64 > left {
        return Err(bad("pieces", format!("1 to {left} pieces are expected from there on")));
    }
    let hashes = manifest.pieces.iter().map(|text| hexadecimal("pieces", text).map(PieceHash));
    Ok(ManifestPage {
        content: parse_content_id("content", &manifest.content)?,
        layout,
        first,
        pieces: hashes.collect::<Checked<_>>()?,
    })
}

/// A page of a manifest as JSON.
#[must_use]
pub fn manifest_to_wire(page: &ManifestPage) -> transfer::Manifest {
    transfer::Manifest {
        content: page.content.to_string(),
        size: page.layout.size(),
        piece_size: page.layout.piece_size(),
        first: page.first.number(),
        pieces: page.pieces.iter().map(|hash| hexadecimal_text(&hash.0)).collect(),
    }
}

/// The bytes of a part: exactly `length` from `offset`.
pub fn part_from_wire(part: &transfer::Part, offset: u64, length: u32) -> Checked<Vec<u8>> {
    if part.offset != offset {
        return Err(bad("offset", "it is not the one that was asked for"));
    }
    let bytes = data_encoding::BASE64.decode(part.data.as_bytes());
    let bytes = bytes.map_err(|_| bad("data", "base64 (RFC 4648, section 4) is expected"))?;
    if bytes.len() as u64 != u64::from(length) {
        return Err(bad("data", format!("{length} bytes were asked for, not {}", bytes.len())));
    }
    Ok(bytes)
}

/// A part as JSON.
#[must_use]
pub fn part_to_wire(offset: u64, bytes: &[u8]) -> transfer::Part {
    transfer::Part { offset, data: data_encoding::BASE64.encode(bytes) }
}

mod browse;
mod files;
#[cfg(test)]
mod tests;

pub use browse::{ask_from_wire, listing_from_wire, listing_to_wire, place_to_wire};
pub use files::{
    changes_from_wire, changes_to_wire, file_entry_from_wire, file_entry_to_wire, files_from_wire,
    files_to_wire,
};
