//! The sources that a download knows: where they are, how they did, when they may be asked again.

use super::limits::{CONNECTIONS_PER_SOURCE, FIRST_PAUSE, MAX_KNOWN_SOURCES, MAX_PAUSE};
use super::network::{Connection, SourceAddress};
use super::progress::Meter;
use crate::base::{ByteRate, PeerId};
use crate::engine::transfer::source::Fault;
use crate::wire::control::TransferSource;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A known source.
pub(super) struct Known {
    pub(super) address: SourceAddress,
    /// Bytes that came from it, verified or not.
    pub(super) received: Arc<AtomicU64>,
    pub(super) meter: Meter,
    /// Connections that wait for work, at most [`CONNECTIONS_PER_SOURCE`].
    idle: Vec<Box<dyn Connection>>,
    /// Jobs that run on it.
    pub(super) running: usize,
    /// Verified bytes.
    pub(super) bytes: u64,
    /// What the meter said last.
    pub(super) rate: ByteRate,
    /// Whether enough others are asked.
    pub(super) is_spare: bool,
    fault: Option<Fault>,
    retry_at: Option<Instant>,
    pause: Duration,
}

/// All known sources, by id.
#[derive(Default)]
pub(super) struct Peers {
    known: BTreeMap<PeerId, Known>,
}

impl Peers {
    /// Takes in what the tracker says: new sources, and new addresses of known ones.
    pub(super) fn merge(&mut self, found: impl IntoIterator<Item = SourceAddress>, now: Instant) {
        for address in found {
            let has_room = self.known.len() < MAX_KNOWN_SOURCES;
            match self.known.get_mut(&address.peer) {
                Some(known) if known.address == address => {}
                Some(known) => {
                    // It moved: what was wrong with the old address says nothing of the new one.
                    if known.fault.is_some_and(|fault| !fault.is_for_good()) {
                        known.retry_at = Some(now);
                    }
                    known.address = address;
                    known.idle.clear();
                }
                None if has_room => {
                    self.known.insert(address.peer, Known::new(address));
                }
                None => {}
            }
        }
    }

    pub(super) fn get_mut(&mut self, peer: PeerId) -> Option<&mut Known> {
        self.known.get_mut(&peer)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (PeerId, &mut Known)> {
        self.known.iter_mut().map(|(peer, known)| (*peer, known))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// A source failed; it may be asked again after a pause, unless the fault is for good. The connections to one that
    /// breaks down fail one after the other: that is one failure.
    pub(super) fn failed(&mut self, peer: PeerId, fault: Fault, now: Instant) {
        let Some(known) = self.known.get_mut(&peer) else { return };
        known.idle.clear();
        if known.fault.is_some_and(Fault::is_for_good) {
            return;
        }
        let rests = known.fault.is_some() && known.retry_at.is_some_and(|at| at > now);
        known.fault = Some(fault);
        if !rests {
            known.retry_at = Some(now + known.pause);
            known.pause = (known.pause * 2).min(MAX_PAUSE);
        }
    }

    /// A source did what it should.
    pub(super) fn succeeded(&mut self, peer: PeerId, bytes: u64) {
        let Some(known) = self.known.get_mut(&peer) else { return };
        known.bytes += bytes;
        known.pause = FIRST_PAUSE;
        if known.fault.is_some_and(|fault| !fault.is_for_good()) {
            known.fault = None;
        }
    }

    /// Sources that may be asked: without a fault, or after their pause.
    pub(super) fn usable(&self, now: Instant) -> Vec<PeerId> {
        let usable = self.known.iter().filter(|(_, known)| match known.fault {
            None => true,
            Some(fault) => !fault.is_for_good() && known.retry_at.is_none_or(|at| at <= now),
        });
        usable.map(|(peer, _)| *peer).collect()
    }

    /// The faults that are for good.
    pub(super) fn dropped(&self) -> impl Iterator<Item = (PeerId, Fault)> {
        let faulty = self.known.iter().filter_map(|(peer, known)| Some((*peer, known.fault?)));
        faulty.filter(|(_, fault)| fault.is_for_good())
    }

    /// The names of all sources, if each of them has this very fault now.
    pub(super) fn all_with(&self, fault: Fault) -> Option<String> {
        let all = !self.known.is_empty() && self.known.values().all(|known| known.fault == Some(fault));
        let known = self.known.values();
        all.then(|| {
            let names: Vec<&str> = known.take(5).map(|known| known.address.name.as_str()).collect();
            names.join(", ")
        })
    }

    /// The place of a source in [`Peers::shown`].
    pub(super) fn place(&self, peer: PeerId) -> Option<u32> {
        self.known.keys().position(|known| *known == peer).and_then(|place| u32::try_from(place).ok())
    }

    /// Every source may be asked again now.
    pub(super) fn hurry(&mut self, now: Instant) {
        for known in self.known.values_mut() {
            known.retry_at = known.retry_at.map(|_| now);
            known.pause = FIRST_PAUSE;
        }
    }

    /// Whether there are sources, and all of them are out for good.
    pub(super) fn are_all_dropped(&self) -> bool {
        !self.known.is_empty() && self.dropped().count() == self.known.len()
    }

    /// Who is out of use and why: `peer-2 sent a wrong piece; peer-3 is silent`.
    pub(super) fn faults_text(&self) -> String {
        let faulty = self.known.values().filter_map(|known| Some((known, known.fault?)));
        let texts: Vec<String> =
            faulty.take(5).map(|(known, fault)| format!("{} {fault}", known.address.name)).collect();
        texts.join("; ")
    }

    /// All bytes that came from anybody, verified or not.
    pub(super) fn received(&self) -> u64 {
        self.known.values().map(|known| known.received.load(Ordering::Relaxed)).sum()
    }

    /// The names that sources give to the file.
    pub(super) fn file_names(&self) -> impl Iterator<Item = &str> {
        self.known.values().map(|known| known.address.file_name.as_str())
    }

    /// For the picture.
    pub(super) fn shown(&self) -> Vec<TransferSource> {
        let shown = |known: &Known| TransferSource {
            peer: known.address.peer.to_string(),
            name: known.address.name.clone(),
            bytes: known.bytes,
            rate: known.rate.bytes_per_second(),
            state: match known.fault {
                Some(fault) if fault.is_for_good() => "dropped",
                Some(_) => "resting",
                None if known.is_spare => "spare",
                None => "active",
            }
            .to_owned(),
            fault: known.fault.map(|fault| fault.code().to_owned()),
            dropped: known.fault.map(|fault| fault.to_string()),
        };
        self.known.values().map(shown).collect()
    }
}

impl Known {
    fn new(address: SourceAddress) -> Self {
        Self {
            address,
            received: Arc::default(),
            meter: Meter::default(),
            idle: Vec::new(),
            running: 0,
            bytes: 0,
            rate: ByteRate::default(),
            is_spare: false,
            fault: None,
            retry_at: None,
            pause: FIRST_PAUSE,
        }
    }

    /// Keeps a connection for the next job. One more than can be used is closed: a download that begins again and
    /// again, because the disk is full, connects each time.
    pub(super) fn keep(&mut self, connection: Option<Box<dyn Connection>>) {
        self.idle.retain(|kept| kept.is_open());
        let room = CONNECTIONS_PER_SOURCE.saturating_sub(self.idle.len());
        self.idle.extend(connection.into_iter().take(room));
    }

    /// A connection that was kept.
    pub(super) fn kept(&mut self) -> Option<Box<dyn Connection>> {
        self.idle.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ContentId;
    use futures_util::future::{BoxFuture, FutureExt as _};
    use hyper::body::Bytes;
    use std::ops::Range;

    struct Line(bool);

    impl Connection for Line {
        fn turn_to(&mut self, _: ContentId) {}

        fn is_open(&self) -> bool {
            self.0
        }

        fn begin(&mut self, _: Range<u64>) -> BoxFuture<'_, Result<(), Fault>> {
            std::future::ready(Ok(())).boxed()
        }

        fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Fault>> {
            std::future::ready(Ok(Bytes::new())).boxed()
        }
    }

    #[test]
    fn no_more_connections_are_kept_than_are_used() {
        let address = "127.0.0.1:1".parse().expect("an address");
        let name = "peer-1".to_owned();
        let peer = PeerId::from_bytes([1; 32]);
        let mut known = Known::new(SourceAddress { peer, name, address, file_name: String::new() });
        for _ in 0..100 {
            known.keep(Some(Box::new(Line(true))));
        }
        known.keep(None);
        let kept = std::iter::from_fn(|| known.kept()).count();
        assert_eq!(kept, CONNECTIONS_PER_SOURCE);
        // One that is closed takes nobody's place.
        for _ in 0..CONNECTIONS_PER_SOURCE {
            known.keep(Some(Box::new(Line(false))));
        }
        known.keep(Some(Box::new(Line(true))));
        assert!(known.kept().is_some_and(|kept| kept.is_open()));
    }
    fn address(number: u8, port: u16) -> SourceAddress {
        let peer = PeerId::from_bytes([number; 32]);
        let address = ([127, 0, 0, 1], port).into();
        SourceAddress { peer, name: format!("peer-{number}"), address, file_name: String::new() }
    }

    /// How long a source is left alone after this fault; `now` is then.
    fn rest(peers: &mut Peers, peer: PeerId, fault: Fault, now: &mut Instant) -> Duration {
        let began = *now;
        peers.failed(peer, fault, began);
        while !peers.usable(*now).contains(&peer) {
            *now += Duration::from_millis(1);
            assert!(*now - began < 2 * MAX_PAUSE, "it is asked again");
        }
        *now - began
    }

    #[test]
    fn a_source_that_fails_again_and_again_is_left_alone_longer_and_longer() {
        let (mut peers, mut now) = (Peers::default(), Instant::now());
        let [first, second] = [1, 2].map(|number| address(number, 1));
        let peer = first.peer;
        peers.merge([first, second.clone()], now);
        let doubled = [500, 1_000, 2_000, 4_000, 8_000, 8_000].map(Duration::from_millis);
        assert_eq!(doubled.map(|_| rest(&mut peers, peer, Fault::Closed, &mut now)), doubled);
        // What another one does is nothing to it.
        assert_eq!(rest(&mut peers, second.peer, Fault::Busy, &mut now), FIRST_PAUSE);
        // It did what it should.
        peers.succeeded(peer, 1);
        assert_eq!(doubled.map(|_| rest(&mut peers, peer, Fault::Closed, &mut now)), doubled);
        // A person does not want to wait.
        peers.failed(peer, Fault::Closed, now);
        assert_eq!(peers.usable(now), [second.peer]);
        peers.hurry(now);
        assert_eq!(peers.usable(now), [peer, second.peer]);
        assert_eq!(rest(&mut peers, peer, Fault::Closed, &mut now), FIRST_PAUSE);
        // It moved.
        peers.failed(peer, Fault::Unreachable, now);
        peers.merge([address(1, 1)], now);
        assert_eq!(peers.usable(now), [second.peer], "the same address is no news");
        peers.merge([address(1, 2)], now);
        assert_eq!(peers.usable(now), [peer, second.peer]);
        // What is for good stays so.
        peers.failed(peer, Fault::BadPiece, now);
        peers.failed(peer, Fault::Closed, now);
        peers.hurry(now);
        peers.merge([address(1, 3)], now);
        assert_eq!(peers.usable(now + 10 * MAX_PAUSE), [second.peer]);
        assert_eq!(peers.dropped().collect::<Vec<_>>(), [(peer, Fault::BadPiece)]);
    }

    #[test]
    fn connections_of_a_source_that_break_together_are_one_failure() {
        let (mut peers, mut now) = (Peers::default(), Instant::now());
        let peer = address(1, 1).peer;
        peers.merge([address(1, 1)], now);
        for pause in [500, 1_000, 2_000].map(Duration::from_millis) {
            for _ in 1..CONNECTIONS_PER_SOURCE {
                peers.failed(peer, Fault::Closed, now);
            }
            assert_eq!(rest(&mut peers, peer, Fault::Silent, &mut now), pause);
            assert_eq!(peers.all_with(Fault::Silent).as_deref(), Some("peer-1"), "the last one is said");
        }
        // Also if only the last one says that it is for good.
        peers.failed(peer, Fault::Closed, now);
        peers.failed(peer, Fault::BadPiece, now);
        assert_eq!(peers.usable(now + 10 * MAX_PAUSE), []);
    }
}
