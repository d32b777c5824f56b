//! How the matches of a query are distributed: by kind, by size, by peer. Each class is an operator that,
//! added to the query, leaves just that class.

use crate::base::{FileKind, PeerId};

/// The classes of sizes, from small to large: the first size that is too large, and the operator.
const SIZES: [(u64, &str); 5] = [
    (1_000_000, "size:<1M"),
    (10_000_000, "size:1M..10M"),
    (100_000_000, "size:10M..100M"),
    (1_000_000_000, "size:100M..1G"),
    (u64::MAX, "size:>=1G"),
];

/// The kind and the class of sizes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) kind: FileKind,
    /// The number of the class of sizes.
    size: u8,
}

impl Class {
    /// The class of a file of this kind and size.
    pub(super) fn of(kind: FileKind, size: u64) -> Self {
        // The last class has no end.
        let ends = &SIZES[..SIZES.len() - 1];
        Self { kind, size: ends.iter().map(|(end, _)| u8::from(size >= *end)).sum() }
    }
}

/// How many matches there are of each class. Classes without matches may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// By [`FileKind`], in its order.
    kinds: [u64; FileKind::ALL.len()],
    /// By size, from small to large.
    sizes: [u64; SIZES.len()],
    /// By peer. A match counts for every peer that has it under a name that fits.
    peers: Vec<(PeerId, u64)>,
}

impl Facets {
    pub(super) fn with_peers(mut self, peers: Vec<(PeerId, u64)>) -> Self {
        self.peers = peers;
        self
    }

    pub(super) fn count(&mut self, class: Class) {
        self.kinds[class.kind as usize] += 1;
        self.sizes[usize::from(class.size)] += 1;
    }

    /// Kinds with matches.
    pub fn kinds(&self) -> impl Iterator<Item = (FileKind, u64)> {
        FileKind::ALL.into_iter().zip(self.kinds).filter(|(_, count)| *count > 0)
    }

    /// The operators of classes of sizes with matches, from small to large.
    pub fn sizes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        SIZES.into_iter().map(|(_, operator)| operator).zip(self.sizes).filter(|(_, count)| *count > 0)
    }

    /// Peers with matches.
    pub fn peers(&self) -> impl Iterator<Item = (PeerId, u64)> {
        self.peers.iter().copied().filter(|(_, count)| *count > 0)
    }
}
