//! What is being sent, with its rates: gathered for the picture.
//!
//! Absent on purpose: any say in what is sent. That is [`Uploads`]' own.

use super::transfer::limits::TICK;
use super::transfer::progress::Meter;
use crate::base::{ContentId, PeerId};
use crate::net::{UploadPhase, UploadRow, Uploads};
use crate::wire::control::Upload;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

/// An upload and how fast it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) row: UploadRow,
    /// Bytes per second.
    pub(super) rate: u64,
}

impl Sent {
    /// In the shape of the protocol, with what a person calls the peer.
    pub(super) fn shown(&self, peer_name: Option<&str>) -> Upload {
        let row = &self.row;
        let state = match row.phase {
            UploadPhase::Sending => "sending",
            UploadPhase::Waiting => "waiting",
            UploadPhase::Idle => "idle",
            UploadPhase::Spoiled => "changed",
        };
        Upload {
            peer: row.peer.to_string(),
            peer_name: peer_name.map_or_else(|| row.peer.short(), str::to_owned),
            content: row.content.to_string(),
            name: row.name.clone(),
            size: row.size,
            sent: row.sent,
            rate: self.rate,
            state: state.to_owned(),
        }
    }
}

/// Measures and publishes, for as long as somebody looks.
pub(super) async fn upload_task(uploads: Uploads, published: watch::Sender<Arc<Vec<Sent>>>) {
    let mut changes = uploads.changes();
    let mut meters: BTreeMap<(PeerId, ContentId), Meter> = BTreeMap::new();
    while !published.is_closed() {
        let sent = measure(&mut meters, uploads.rows(), Instant::now());
        let is_quiet = sent.is_empty();
        published.send_if_modified(|known| {
            let changed = **known != sent;
            if changed {
                *known = Arc::new(sent);
            }
            changed
        });
        if is_quiet {
            tokio::select! {
                () = changes.next() => {}
                () = published.closed() => {}
            }
        } else {
            tokio::time::sleep(TICK).await;
        }
    }
}

fn measure(
    meters: &mut BTreeMap<(PeerId, ContentId), Meter>,
    rows: Vec<UploadRow>,
    now: Instant,
) -> Vec<Sent> {
    let mut kept = std::mem::take(meters);
    let measured = rows.into_iter().map(|row| {
        let key = (row.peer, row.content);
        let mut meter = kept.remove(&key).unwrap_or_else(|| Meter::from_nothing(now));
        let rate = meter.rate(now, row.sent).bytes_per_second();
        meters.insert(key, meter);
        Sent { row, rate }
    });
    measured.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn row(number: u8, sent: u64) -> UploadRow {
        let (peer, content) = (PeerId::from_bytes([number; 32]), ContentId::from_bytes([9; 32]));
        UploadRow { peer, content, name: "a".to_owned(), size: 9, sent, phase: UploadPhase::Sending }
    }

    #[test]
    fn each_upload_has_its_own_rate() {
        let (mut meters, now) = (BTreeMap::new(), Instant::now());
        let second = Duration::from_secs(1);
        let rates = |sent: Vec<Sent>| sent.iter().map(|sent| sent.rate).collect::<Vec<_>>();
        assert_eq!(rates(measure(&mut meters, vec![row(1, 0), row(2, 0)], now)), [0, 0]);
        assert_eq!(rates(measure(&mut meters, vec![row(1, 1_000), row(2, 500)], now + second)), [1_000, 500]);
        assert_eq!(rates(measure(&mut meters, vec![row(2, 500)], now + 2 * second)), [250]);
        assert_eq!(meters.len(), 1, "what is not shown any more is forgotten");
    }
}
