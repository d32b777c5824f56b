//! What a download shows of itself.

use super::limits::RATE_SPAN;
use crate::base::ByteRate;
use crate::engine::transfer::reason::Reason;
use crate::wire::control::Transfer;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// The picture of one download; whoever shows it is woken when it changes. Clones change the same picture.
#[derive(Clone)]
pub(in crate::node) struct Progress {
    shown: Arc<watch::Sender<Arc<Transfer>>>,
    changed: Arc<Notify>,
    /// Since when it runs, and for how many seconds it ran before.
    running: Option<(Instant, f64)>,
}

impl Progress {
    pub(in crate::node) fn new(first: Transfer, changed: Arc<Notify>) -> Self {
        let (shown, _) = watch::channel(Arc::new(first));
        Self { shown: Arc::new(shown), changed, running: None }
    }

    /// The same picture, whose seconds go by.
    pub(in crate::node) fn running(&self) -> Self {
        let running = Some((Instant::now(), self.shown().seconds));
        Self { shown: self.shown.clone(), changed: self.changed.clone(), running }
    }

    /// The newest picture.
    pub(in crate::node) fn shown(&self) -> Arc<Transfer> {
        self.shown.borrow().clone()
    }

    /// Changes the picture.
    pub(in crate::node) fn update(&self, change: impl FnOnce(&mut Transfer)) {
        self.shown.send_modify(|transfer| {
            let transfer = Arc::make_mut(transfer);
            change(transfer);
            if let Some((began, before)) = self.running {
                transfer.seconds = before + began.elapsed().as_secs_f64();
            }
        });
        self.changed.notify_one();
    }

    /// Says in which state the download is, and why.
    pub(in crate::node) fn state(&self, state: &str, reason: Reason, about: &str) {
        let same = {
            let shown = self.shown.borrow();
            shown.state == state && shown.reason == reason.code() && shown.about == about
        };
        if !same {
            self.update(|transfer| {
                state.clone_into(&mut transfer.state);
                reason.code().clone_into(&mut transfer.reason);
                about.clone_into(&mut transfer.about);
                transfer.detail = reason.sentence(about);
                if state != "running" {
                    transfer.rate = 0;
                    transfer.sources.iter_mut().for_each(|source| source.rate = 0);
                }
            });
        }
    }

    /// The download ended, or was stopped by the person: in this state, with nothing more to say.
    pub(in crate::node) fn ended(&self, state: &str) {
        self.update(|transfer| end(transfer, state));
    }

    /// The person stopped it; of one that ended just now the word stays.
    pub(in crate::node) fn paused(&self) {
        self.update(|transfer| {
            if !matches!(&*transfer.state, "finished" | "failed") {
                end(transfer, "paused");
            }
        });
    }
}

fn end(transfer: &mut Transfer, state: &str) {
    state.clone_into(&mut transfer.state);
    (transfer.reason, transfer.about, transfer.detail) = Default::default();
    transfer.rate = 0;
    transfer.sources.iter_mut().for_each(|source| source.rate = 0);
}

/// Since when a download waits. That it tries again is no way on, only what comes is: who cannot be reached, or a disk
/// that is full, is tried every few seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::node) struct Waiting {
    since: Option<Instant>,
    done: u64,
}

impl Waiting {
    /// Looks at its picture, again and again.
    pub(in crate::node) fn look(&mut self, shown: &Transfer, now: Instant) {
        if shown.state == "waiting" {
            self.since.get_or_insert(now);
        } else if shown.rate > 0 || shown.done > self.done {
            self.since = None;
        }
        self.done = shown.done;
    }

    /// When it began to wait.
    pub(in crate::node) const fn since(&self) -> Option<Instant> {
        self.since
    }
}

/// Measures a rate over the last [`RATE_SPAN`].
#[derive(Debug, Default)]
pub(in crate::node) struct Meter {
    samples: VecDeque<(Instant, u64)>,
}

impl Meter {
    /// Nothing came before `now`.
    pub(in crate::node) fn from_nothing(now: Instant) -> Self {
        Self { samples: VecDeque::from([(now, 0)]) }
    }

    /// The rate, when `total` bytes have come until `now`.
    pub(in crate::node) fn rate(&mut self, now: Instant, total: u64) -> ByteRate {
        self.samples.push_back((now, total));
        // One sample from before the span stays: what it is measured from.
        while self.samples.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= RATE_SPAN) {
            self.samples.pop_front();
        }
        let Some((first, before)) = self.samples.front() else { return ByteRate::default() };
        ByteRate::average(total.saturating_sub(*before), now.duration_since(*first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_rate_forgets_what_is_longer_ago() {
        let start = Instant::now();
        let mut meter = Meter::default();
        let mut rates = Vec::new();
        for second in 0..20u64 {
            let total = 1_000 * second.min(10);
            rates.push(meter.rate(start + Duration::from_secs(second), total).bytes_per_second());
        }
        let expected = [
            0, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 800, 600, 400, 200, 0, 0, 0, 0, 0,
        ];
        assert_eq!(rates, expected);
    }
}
