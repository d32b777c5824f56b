//! What wakes the window and what may wait.

use super::super::bridge::is_quiet;
use super::super::fixtures::typical_view;
use cardume::node::View;
use std::sync::Arc;

#[test]
fn what_moves_all_the_time_may_wait_and_nothing_else() {
    let last = typical_view();
    let with_status = |change: fn(&mut cardume::wire::control::Status)| {
        let mut view = last.clone();
        change(Arc::make_mut(&mut view.status));
        view
    };
    let with_member = |change: fn(&mut cardume::wire::control::MemberState)| {
        let mut view = last.clone();
        change(&mut Arc::make_mut(&mut view.members)[1]);
        view
    };
    let quiet = [
        last.clone(),
        with_status(|status| *status.counters.entry("heartbeats_sent".to_owned()).or_default() += 10),
        with_status(|status| status.heartbeat_lateness.p99_micros += 1),
        with_member(|member| member.last_contact_millis = Some(7_000)),
    ];
    for view in quiet {
        assert!(is_quiet(&last, &view), "{view:?}");
    }
    let loud = [
        with_status(|status| status.epoch += 1),
        with_status(|status| status.rate_up += 1),
        with_status(|status| status.names.reachable = !status.names.reachable),
        with_member(|member| member.connected = !member.connected),
        View { transfers: Arc::default(), ..last.clone() },
        View { events: Arc::default(), ..last.clone() },
        View { members: Arc::default(), ..last.clone() },
    ];
    for view in loud {
        assert!(!is_quiet(&last, &view), "{view:?}");
    }
}
