//! The tracker's answers as they go over the wire, and its refusals.

use super::GroupState;
use crate::base::{Epoch, PeerId};
use crate::engine::index::{AnnounceError, Begun, ChosenPeers, Facets, Matches, Query, Source, Taken};
use crate::wire::codes::{Code, Refused};
use crate::wire::index::{self as shape, AnnounceAnswer, BeginAnswer, Complete, Facet, Found, SearchAnswer};
use serde_json::json;
use std::time::Duration;

/// The most bytes of results in an answer, estimated: it stays below the 4 MiB that a peer sends and
/// takes. Beyond, fewer results than asked for are given; `total` tells.
const MAX_ANSWER_BYTES: usize = 3 * 1024 * 1024;
/// The JSON of a result or a source without its names.
const ROW_BYTES: usize = 256;

pub(super) fn begun(begun: Begun) -> BeginAnswer {
    match begun {
        Begun::UpToDate => BeginAnswer::UpToDate,
        Begun::SendFrom(seq) => BeginAnswer::SendFrom(seq),
        Begun::SendAll => BeginAnswer::SendAll,
    }
}

pub(super) fn begin_busy(retry: Duration) -> BeginAnswer {
    BeginAnswer::Busy(u64::try_from(retry.as_millis()).unwrap_or(u64::MAX))
}

pub(super) fn taken(taken: Taken) -> AnnounceAnswer {
    match taken {
        Taken::Accepted => AnnounceAnswer::Accepted,
        Taken::Gap(have) => AnnounceAnswer::Gap(have),
    }
}

/// Checks the words of a search, and whom they mean by `peer:`.
pub(super) fn query(group: &GroupState, words: &str) -> Result<(Query, ChosenPeers), Refused> {
    let refused = |error| Code::BadParameter.error(format!("`words` is refused: {error}"));
    let query = Query::parse(words).map_err(refused)?;
    let names = group.members.iter().map(|(peer, member)| (*peer, member.name.to_string())).collect();
    let chosen = query.chosen_peers(&names).map_err(refused)?;
    Ok((query, chosen))
}

fn facets(group: &GroupState, facets: &Facets) -> Vec<Facet> {
    let kinds = facets.kinds().map(|(kind, count)| (format!("type:{}", kind.name()), count));
    let sizes = facets.sizes().map(|(term, count)| (term.to_owned(), count));
    let peers = facets.peers().filter_map(|(peer, count)| {
        let name = group.members.get(&peer)?.name.to_string();
        let quote = if name.contains(' ') { "\"" } else { "" };
        Some((format!("peer:{quote}{name}{quote}"), count))
    });
    kinds.chain(sizes).chain(peers).map(|(term, count)| Facet { term, count }).collect()
}

pub(super) fn search_answer(
    group: &GroupState,
    epoch: Epoch,
    complete: Complete,
    matches: &Matches,
) -> SearchAnswer {
    let mut bytes = 0;
    let mut results = Vec::with_capacity(matches.results.len());
    for found in &matches.results {
        let sources = sources(group, &found.sources);
        let names: usize =
            sources.iter().map(|source| ROW_BYTES + source.name.len() + source.folder.len()).sum();
        bytes += ROW_BYTES + found.name.as_str().len() + names;
        if bytes > MAX_ANSWER_BYTES {
            break;
        }
        results.push(Found {
            content: found.content.map(|content| content.to_string()),
            name: found.name.to_string(),
            size: found.size,
            sources,
        });
    }
    let facets = facets(group, &matches.facets);
    SearchAnswer { epoch: epoch.number(), complete, total: matches.total, facets, results }
}

pub(super) fn sources(group: &GroupState, sources: &[Source]) -> Vec<shape::Source> {
    let shape = |source: &Source| {
        let member = group.members.get(&source.peer);
        shape::Source {
            peer: source.peer.to_string(),
            peer_name: member.map_or_else(|| source.peer.short(), |member| member.name.to_string()),
            folder: source.folder.to_string(),
            name: source.name.to_string(),
            uri: member.and_then(|member| member.uri).map(|uri| uri.to_string()).unwrap_or_default(),
        }
    };
    sources.iter().map(shape).collect()
}

pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn announce_refused(error: AnnounceError) -> Refused {
    Code::BadParameter.error(format!("the announcement is refused: {error}"))
}

pub(super) fn old_epoch(group: &GroupState) -> Refused {
    let message = format!("the call's epoch is over; the present one is {}", group.epoch);
    Code::OldEpoch.error_with(message, &known_tracker(group))
}

pub(super) fn not_tracker(group: &GroupState) -> Refused {
    let message = match group.tracker.filter(|tracker| *tracker != group.me) {
        Some(_) => "this peer is not the tracker; ask the one in the data",
        None if group.is_tracker() => {
            "this peer waits for a majority and does not answer as tracker; try again soon"
        }
        None => "this peer knows of no tracker at the moment; try again soon",
    };
    Code::NotTracker.error_with(message, &known_tracker(group))
}

pub(super) fn not_a_member() -> Refused {
    Code::NotAllowed.error("only members of the group announce files; join first")
}

pub(super) fn busy(retry: Duration) -> Refused {
    let data = json!({ "retry_after_millis": u64::try_from(retry.as_millis()).unwrap_or(u64::MAX) });
    Code::Busy.error_with("the tracker has too much to do at the moment; try again", &data)
}

pub(super) fn stopping() -> Refused {
    Code::Internal.error("the tracker's task has ended: the peer is stopping")
}

fn known_tracker(group: &GroupState) -> serde_json::Value {
    let tracker = group.tracker.map(|peer: PeerId| {
        let member = group.members.get(&peer);
        json!({
            "peer_id": peer.to_string(),
            "name": member.map(|member| member.name.to_string()),
            "uri": member.and_then(|member| member.uri).map(|uri| uri.to_string()),
        })
    });
    json!({ "epoch": group.epoch.number(), "tracker": tracker })
}
