//! Whether this machine is still reached where the peer listens: an address is given anew (another network, a lease
//! that ran out), or there was no network yet when the peer started. The listeners stay where they are.

use super::config::listen_address;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Tells the address from which `names` are reached now, while it is not that of `here`. A chosen address (one that was
/// not the usual one at the start) is not looked after.
pub(super) async fn address_task(here: IpAddr, names: Vec<SocketAddr>, moved: watch::Sender<Option<IpAddr>>) {
    let is_away = names.iter().any(|address| !address.ip().is_loopback());
    let is_usual = here == listen_address(&names) || here.is_loopback();
    if !is_away || !is_usual {
        return;
    }
    let mut look = tokio::time::interval(LOOK_INTERVAL);
    while !moved.is_closed() {
        look.tick().await;
        let now = moved_to(here, listen_address(&names));
        if let (Some(now), None) = (now, *moved.borrow()) {
            tracing::warn!(%here, %now, "this machine has another address now: the others do not find this peer until it is started again");
        }
        moved.send_if_modified(|known| std::mem::replace(known, now) != now);
    }
}

/// Without a network nobody is anywhere.
fn moved_to(here: IpAddr, now: IpAddr) -> Option<IpAddr> {
    (now != here && !now.is_loopback()).then_some(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_address_is_told_and_no_network_is_none() {
        let [one, other, local] =
            ["192.168.1.5", "10.0.0.7", "127.0.0.1"].map(|ip| ip.parse().expect("an address"));
        let expected =
            [(one, one, None), (one, other, Some(other)), (one, local, None), (local, one, Some(one))];
        for (here, now, told) in expected {
            assert_eq!(moved_to(here, now), told, "{here} {now}");
        }
    }

    #[tokio::test]
    async fn a_group_of_this_machine_alone_is_not_looked_after() {
        let (moved, said) = watch::channel(None);
        let local: IpAddr = "127.0.0.1".parse().expect("an address");
        address_task(local, vec![(local, 7734).into()], moved).await;
        assert_eq!(*said.borrow(), None);
    }
}
