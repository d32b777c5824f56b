//! The limit of bytes per second that all downloads share.

use super::lanes::{Entrant, Lane, Lanes};
use crate::base::ByteRate;
use crate::engine::upload::bucket::Bucket;
use crate::wire::control::Limits;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Makes whoever receives bytes wait, so that all together keep the limit. Without a limit it costs nothing.
pub(in crate::node) struct Throttle {
    limits: watch::Receiver<Limits>,
    began: Instant,
    /// In a channel of its own: changed at once, and never waited for.
    bucket: watch::Sender<Bucket>,
    lanes: Lanes,
}

impl Throttle {
    pub(in crate::node) fn new(limits: watch::Receiver<Limits>) -> Self {
        Self {
            limits,
            began: Instant::now(),
            bucket: watch::Sender::new(Bucket::default()),
            lanes: Lanes::default(),
        }
    }

    fn rate(&self) -> Option<ByteRate> {
        self.limits.borrow().down.map(ByteRate::per_second)
    }

    /// Whether bytes may have to wait here.
    pub(super) fn is_limited(&self) -> bool {
        self.limits.borrow().down.is_some()
    }

    /// A download begins to fetch; see [`Throttle::lane`].
    pub(super) fn enter(&self) -> Entrant {
        self.lanes.enter()
    }

    /// The right to one more request, if the limit leaves room for it. To be asked again now and then.
    pub(super) fn lane(&self, of: &Entrant) -> Option<Lane> {
        of.lane(self.rate())
    }

    /// Returns when so many bytes more may be received. A new limit counts at once.
    pub(super) async fn pass(&self, bytes: usize) {
        let mut left = bytes as u64;
        let mut limits = self.limits.clone();
        while left > 0
            && let Some(rate) = self.rate()
        {
            let now = self.began.elapsed();
            let (mut part, mut wait) = (left, Duration::ZERO);
            self.bucket.send_modify(|bucket| (part, wait) = bucket.take(now, rate, left));
            left -= part;
            if wait.is_zero() {
                continue;
            }
            let other = |limits: &Limits| limits.down.map(ByteRate::per_second) != Some(rate);
            let other_limit = async { limits.wait_for(other).await.is_ok() };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                true = other_limit => {
                    self.bucket.send_replace(Bucket::default());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_together_keep_the_limit_and_a_new_one_counts_at_once() {
        let (set, limits) = watch::channel(Limits { down: Some(1_000_000), ..Limits::default() });
        let throttle = Throttle::new(limits);
        let begun = Instant::now();
        let some = || async {
            for _ in 0..20 {
                throttle.pass(10_000).await;
            }
        };
        tokio::join!(some(), some());
        // The burst of a tenth of a second is free, and a busy machine may be late.
        let seconds = begun.elapsed().as_secs_f64();
        assert!(seconds >= 0.29, "400 kB at 1 MB/s took {seconds} s");
        let raise = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            set.send_replace(Limits::default());
        };
        let passed = async { tokio::join!(throttle.pass(1_000_000_000), raise) };
        assert!(tokio::time::timeout(Duration::from_secs(30), passed).await.is_ok(), "not 1,000 s");
    }
}
