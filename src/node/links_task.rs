//! Ends the links to peers that are gone, so that nobody is dialled for ever.
//!
//! Invariant: a link that works, or that leads to somebody in the book, stays. Whoever is wanted again (a
//! tracker to join at, a source) says the address again.

use super::address_book::AddressBook;
use crate::net::peer_link::PeerLinks;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked: a link to nobody costs an attempt every half second at most.
const LOOK: Duration = Duration::from_secs(20);

/// Looks after the links until the election ends.
pub(super) async fn links_task(links: PeerLinks, book: watch::Receiver<AddressBook>) {
    loop {
        tokio::time::sleep(LOOK).await;
        if book.has_changed().is_err() {
            return;
        }
        // A copy: the timing thread must not wait for this look.
        let known = book.borrow().clone();
        forget_the_gone(&links, &known);
    }
}

fn forget_the_gone(links: &PeerLinks, book: &AddressBook) {
    for peer in links.peers() {
        if book.get(peer).is_none() && !links.is_connected(peer) {
            tracing::debug!(peer = %peer.short(), "not dialled any more: it is no member, and not there");
            links.forget(peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::address_book::test_addresses;
    use super::*;
    use crate::base::PeerId;
    use crate::net::{CallerLimits, GroupKey, Identity, PeerKey};

    #[tokio::test]
    async fn who_is_not_in_the_book_and_not_there_is_not_dialled_any_more() {
        let identity =
            Identity::new(&GroupKey::random(), &PeerKey::generate().expect("a key")).expect("an identity");
        let links = PeerLinks::new(identity, CallerLimits::GENERAL);
        let [member, gone] = [1, 2].map(|byte| PeerId::from_bytes([byte; 32]));
        let mut book = AddressBook::default();
        book.learn(member, test_addresses(1));
        for peer in [member, gone] {
            links.set_address(peer, test_addresses(1).uri.address());
        }
        forget_the_gone(&links, &book);
        assert_eq!(links.peers(), [member]);
    }
}
