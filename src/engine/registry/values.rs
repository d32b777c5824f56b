//! What goes into the registry and what comes out of it. Every limit is here, with its reason.

use crate::base::{Epoch, FoundingId, PeerId, PeerName, PeerUri, tracker_epoch};
use crate::engine::election::Roster;
use std::collections::BTreeMap;
use std::time::Duration;

/// A name that can be registered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// What a person calls a peer.
    Peer(PeerName),
    /// `Tracker_Epoca_x`.
    Tracker(Epoch),
}

/// A text that is no name: too long, of other characters, or an imitation of `Tracker_Epoca_x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to 64 bytes of letters, digits, space, `-`, `_` and `.`, or is Tracker_Epoca_x with \
     x as plain decimal number; imitations of that are refused"
)]
pub struct NameError;

impl Name {
    /// The name that `text` is.
    ///
    /// # Errors
    /// If it is none; it is never repaired.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let tracker = tracker_epoch(text).map(Self::Tracker);
        tracker.or_else(|| PeerName::new(text).map(Self::Peer)).ok_or(NameError)
    }
}

/// How long a registration stays without a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease(Duration);

/// A lease of no time at all: it would end before it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a lease of 0 ms ends before it begins; ask for at least {} ms or leave it out", Lease::MIN.as_millis())]
pub struct LeaseError;

impl Lease {
    /// What is given to whoever asks for none: a dead peer leaves the list within half a minute, and a
    /// living one renews every ten seconds.
    pub const DEFAULT: Self = Self(Duration::from_secs(30));
    /// The shortest; a shorter one is lengthened to it. Renewals at a third of it cost nothing yet.
    pub const MIN: Duration = Duration::from_secs(1);
    /// The longest; a longer one is shortened to it, so that no dead name stays for a day.
    pub const MAX: Duration = Duration::from_hours(1);

    /// The lease that is granted to whoever asks for so many milliseconds.
    ///
    /// # Errors
    /// If that is 0.
    pub fn granted(asked_millis: Option<u64>) -> Result<Self, LeaseError> {
        match asked_millis {
            None => Ok(Self::DEFAULT),
            Some(0) => Err(LeaseError),
            Some(millis) => Ok(Self(Duration::from_millis(millis).clamp(Self::MIN, Self::MAX))),
        }
    }

    /// Its length.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

/// Names and values that a registration carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Metadata(BTreeMap<String, String>);

/// Metadata out of its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "metadata are at most {} names and values of at most {} bytes, no name empty, no control characters",
    Metadata::MAX_COUNT,
    Metadata::MAX_BYTES
)]
pub struct MetadataError;

impl Metadata {
    /// The most names: a registration is an address, not a store.
    pub const MAX_COUNT: usize = 16;
    /// The most bytes in a name or in a value.
    pub const MAX_BYTES: usize = 256;

    /// Checks the limits.
    ///
    /// # Errors
    /// If one is passed; nothing is cut off.
    pub fn new(map: BTreeMap<String, String>) -> Result<Self, MetadataError> {
        let fits = |text: &str| text.len() <= Self::MAX_BYTES && !text.chars().any(char::is_control);
        let all_fit = map.iter().all(|(name, value)| !name.is_empty() && fits(name) && fits(value));
        if map.len() <= Self::MAX_COUNT && all_fit { Ok(Self(map)) } else { Err(MetadataError) }
    }

    /// The names and values.
    #[must_use]
    pub const fn map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// What is registered under a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The key that the name belongs to.
    pub holder: PeerId,
    /// The general listener.
    pub uri: PeerUri,
    /// The election listener, if it has one.
    pub election_uri: Option<PeerUri>,
    /// What the registration carries.
    pub metadata: Metadata,
}

/// What is asked for of all that is registered; everything by [`Filter::default`]. Patterns are not here:
/// they take longer than whoever owns the registry may be held up ([`super::Pattern`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// What the name begins with.
    pub prefix: String,
    /// What the registration carries, beside whatever else it carries.
    pub metadata: Metadata,
}

impl Filter {
    /// Whether all of it holds.
    #[must_use]
    pub fn passes(&self, name: &str, entry: &Entry) -> bool {
        let carries = |(name, value): (&String, &String)| entry.metadata.map().get(name) == Some(value);
        name.starts_with(&self.prefix) && self.metadata.map().iter().all(carries)
    }
}

/// A peer's name that belongs to a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// What is registered.
    pub entry: Entry,
    /// The lease that was granted.
    pub lease: Lease,
    /// When the lease ends, since the start of the service. Not kept: after a restart leases begin anew.
    pub until: Duration,
    /// Whether the lease has ended: the name is not found any more, but still belongs to its key.
    pub lapsed: bool,
}

/// One change of the registry: the new value of one place; `None` is nothing there. Applying a change
/// twice is the same as once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A peer's name.
    Name(PeerName, Option<Held>),
    /// A tracker in the history.
    Tracker(Epoch, Option<Entry>),
    /// The highest epoch ever accepted.
    Highest(Epoch),
    /// The founding roster.
    Founding(Option<Roster>),
}

/// Everything that outlives the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The peers' names.
    pub names: BTreeMap<PeerName, Held>,
    /// The latest trackers.
    pub trackers: BTreeMap<Epoch, Entry>,
    /// The highest epoch ever accepted.
    pub highest: Epoch,
    /// The founding roster.
    pub founding: Option<Roster>,
}

/// Why a call is refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody has that name (any more).
    #[error("no such name is registered; register it (again)")]
    UnknownName,
    /// The name belongs to another key.
    #[error("the name belongs to another peer ({}…); choose another name, or wait until ten minutes after it was last seen", .holder.short())]
    NameTaken {
        /// Whose it is.
        holder: PeerId,
    },
    /// A tracker's registration is history; it is not removed.
    #[error("Tracker_Epoca_x is kept as history and never removed")]
    History,
    /// Too many names in all.
    #[error("all {} places are taken; try again when leases have ended", super::Registry::MAX_NAMES)]
    Full,
    /// Too many names of one key.
    #[error("this peer already has {} names; remove one first", super::Registry::MAX_NAMES_PER_KEY)]
    TooManyOfKey,
    /// The epoch was registered by somebody else, or a higher one was.
    #[error("epoch {highest} is already registered; a tracker of this or a lower epoch steps down")]
    Superseded {
        /// The highest epoch ever accepted.
        highest: Epoch,
    },
    /// The epoch is too far above the highest one.
    #[error("the epoch is more than {} above the highest one ({highest})", Epoch::MAX_JUMP)]
    AbsurdEpoch {
        /// The highest epoch ever accepted.
        highest: Epoch,
    },
    /// The groups were founded separately.
    #[error("this name service belongs to another founding ({}…); let one group join the other", .ours.short())]
    TwoGroups {
        /// The founding that is known here.
        ours: FoundingId,
    },
    /// A tracker registers without a roster in which it votes.
    #[error("only a voter of the roster that it sends along registers as tracker")]
    NotAVoter,
    /// The roster was made in a later epoch than the one registered.
    #[error("the roster is of a later epoch than the one to be registered")]
    RosterFromLater,
}
