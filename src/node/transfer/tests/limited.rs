//! Downloads under a limit of speed.

use super::*;
use crate::node::transfer::limits::{LEAST_LANE_SPEED, SILENCE};

#[tokio::test]
async fn under_a_low_limit_few_requests_run_at_once() {
    let silent = [1, 2, 3, 4].map(|number| (number, Does::IsSilent, true));
    let asked_at_once = async |limits: Limits| {
        let run = Run::with_limits(40 * PIECE + 1, false, &silent, limits);
        let id = run.start(&[]).await;
        run.until(id, &["downloading"]).await;
        // Long enough for all requests that are allowed, and too short for one to be given up.
        tokio::time::sleep(SILENCE / 3).await;
        // One was for the proof.
        run.requests.load(Ordering::Relaxed) - 1
    };
    let limits = |down: Option<u64>| Limits { down, ..Limits::default() };
    let asked = tokio::join!(asked_at_once(limits(None)), asked_at_once(limits(Some(2 * LEAST_LANE_SPEED))));
    assert_eq!(asked, (4, 2), "each source, and two of them");
}
