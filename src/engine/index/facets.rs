//! How the matches of a query are distributed: by kind, by size, by peer. Each class is an operator that,
//! added to the query, leaves just that class.

use crate::base::{FileKind, PeerId};
use std::num::NonZeroU8;

/// The classes of sizes, from small to large: the first size that is too large, and the operator.
const SIZES: [(u64, &str); 5] = [
    (1_000_000, "size:<1M"),
    (10_000_000, "size:1M..10M"),
    (100_000_000, "size:10M..100M"),
    (1_000_000_000, "size:100M..1G"),
    (u64::MAX, "size:>=1G"),
];

/// The kind and the class of sizes of a file, in one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class(NonZeroU8);

/// How many kinds there are: [`FileKind::Other`] is the last one.
const KINDS: u8 = FileKind::Other as u8 + 1;
/// How many classes there are, and one that none has.
pub(super) const CLASSES: usize = 1 + FileKind::ALL.len() * SIZES.len();
const _: () = assert!(FileKind::ALL.len() == KINDS as usize);

impl Class {
    /// The class of a file of this kind and size.
    pub(super) fn of(kind: FileKind, size: u64) -> Self {
        // The last class of sizes has no end.
        let ends = &SIZES[..SIZES.len() - 1];
        let sizes: u8 = ends.iter().map(|(end, _)| u8::from(size >= *end)).sum();
        Self(NonZeroU8::MIN.saturating_add(sizes * KINDS + kind as u8))
    }

    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (1..CLASSES).filter_map(|number| Some(Self(NonZeroU8::new(u8::try_from(number).ok()?)?)))
    }

    /// Its number; less than [`CLASSES`].
    pub(super) fn number(self) -> usize {
        usize::from(self.0.get())
    }

    /// The least and the greatest size.
    pub(super) fn sizes(self) -> (u64, u64) {
        let class = usize::from((self.0.get() - 1) / KINDS);
        let end = |class: usize| SIZES.get(class).map_or(u64::MAX, |(end, _)| *end);
        let is_last = class + 1 >= SIZES.len();
        (class.checked_sub(1).map_or(0, end), if is_last { u64::MAX } else { end(class) - 1 })
    }

    /// The kind.
    pub(super) fn kind(self) -> FileKind {
        FileKind::ALL[usize::from((self.0.get() - 1) % KINDS)]
    }
}

/// How many matches there are of each class. Classes without matches may be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facets {
    /// By [`Class`].
    classes: [u64; CLASSES],
    /// By peer. A match counts for every peer that has it under a name that fits.
    peers: Vec<(PeerId, u64)>,
}

impl Default for Facets {
    fn default() -> Self {
        Self { classes: [0; CLASSES], peers: Vec::new() }
    }
}

impl Facets {
    /// All of these together; of peers, none.
    pub(super) fn with(mut self, other: &Self) -> Self {
        for (count, more) in self.classes.iter_mut().zip(&other.classes) {
            *count += more;
        }
        self
    }

    pub(super) fn with_peers(mut self, peers: Vec<(PeerId, u64)>) -> Self {
        self.peers = peers;
        self
    }

    pub(super) fn count(&mut self, class: Class) {
        self.classes[class.number()] += 1;
    }

    /// How many of each kind there are, for each class of sizes.
    fn by_size(&self) -> impl Iterator<Item = &[u64]> {
        self.classes[1..].chunks(FileKind::ALL.len())
    }

    /// Kinds with matches.
    pub fn kinds(&self) -> impl Iterator<Item = (FileKind, u64)> {
        let count = |kind: FileKind| self.by_size().map(|kinds| kinds[kind as usize]).sum();
        FileKind::ALL.into_iter().map(move |kind| (kind, count(kind))).filter(|(_, count)| *count > 0)
    }

    /// The operators of classes of sizes with matches, from small to large.
    pub fn sizes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.by_size().map(|kinds| kinds.iter().sum());
        SIZES.into_iter().map(|(_, operator)| operator).zip(counts).filter(|(_, count)| *count > 0)
    }

    /// Peers with matches.
    pub fn peers(&self) -> impl Iterator<Item = (PeerId, u64)> {
        self.peers.iter().copied().filter(|(_, count)| *count > 0)
    }
}
