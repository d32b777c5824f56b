//! Which members answer, which stopped a moment ago, and which are gone: from the pictures of the group.
//!
//! What is absent on purpose: a clock. Callers say what time it is.

use crate::base::PeerId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// How long the files of a peer that stopped answering are shown, after all others: a restart takes less.
pub(super) const FADING: Duration = Duration::from_secs(3);
/// How long its list is kept: a peer that comes back within it announces only what changed.
pub(super) const KEPT: Duration = Duration::from_mins(10);

/// Since when which members do not answer.
#[derive(Debug, Default)]
pub(super) struct Presence {
    silent: BTreeMap<PeerId, Instant>,
}

impl Presence {
    /// How the members are now.
    pub(super) fn update(&mut self, members: &BTreeSet<PeerId>, answering: &BTreeSet<PeerId>, now: Instant) {
        self.silent.retain(|peer, _| members.contains(peer) && !answering.contains(peer));
        for peer in members.difference(answering) {
            self.silent.entry(*peer).or_insert(now);
        }
    }

    /// Those that stopped answering a moment ago.
    pub(super) fn fading(&self, now: Instant) -> BTreeSet<PeerId> {
        self.silent.iter().filter(|(_, since)| now - **since < FADING).map(|(peer, _)| *peer).collect()
    }

    /// Those that have not answered for so long that they are forgotten.
    pub(super) fn gone(&self, now: Instant) -> impl Iterator<Item = PeerId> {
        self.silent.iter().filter(move |(_, since)| now - **since >= KEPT).map(|(peer, _)| *peer)
    }

    /// When the next one stops to be shown or kept.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        let changes = self.silent.values().flat_map(|since| [*since + FADING, *since + KEPT]);
        changes.filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_fades_is_hidden_and_is_forgotten() {
        let [here, away] = [1, 2].map(|number| PeerId::from_bytes([number; 32]));
        let (both, only) = (BTreeSet::from([here, away]), BTreeSet::from([here]));
        let (mut presence, start) = (Presence::default(), Instant::now());
        presence.update(&both, &both, start);
        assert_eq!(presence.next_change(start), None);
        presence.update(&both, &only, start);
        presence.update(&both, &only, start + FADING / 2);
        assert_eq!(presence.fading(start + FADING / 2), BTreeSet::from([away]));
        assert_eq!(presence.next_change(start), Some(start + FADING), "counted from when it fell silent");
        assert!(presence.fading(start + FADING).is_empty());
        assert_eq!(presence.next_change(start + FADING), Some(start + KEPT));
        assert_eq!(presence.gone(start + FADING).count(), 0);
        assert_eq!(presence.gone(start + KEPT).collect::<Vec<_>>(), [away]);
        presence.update(&both, &both, start + KEPT);
        assert_eq!(presence.gone(start + KEPT).count(), 0);
        presence.update(&only, &only, start + KEPT);
        assert!(presence.silent.is_empty());
    }
}
