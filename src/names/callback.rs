//! The call-back: a registration is accepted only after its address answered with the key of whoever
//! registers it, so that no peer is listed as `localhost` or as somebody else.
//!
//! Nothing is held meanwhile but a place among a bounded number of call-backs.

use super::places::Places;
use crate::base::{PeerId, PeerUri};
use crate::net::{CallerLimits, Identity, connect};
use crate::wire::codes::Code;
use jsonrpsee::types::ErrorObjectOwned;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long an address may take to answer: a LAN needs a hundredth of it.
const CALL_BACK_TIMEOUT: Duration = Duration::from_secs(1);
/// How many call-backs run at once: sockets and handshakes that members can cause here.
const MAX_AT_ONCE: usize = 32;
/// How long a registration waits for a place.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// How many registrations of the callers of one bucket ([`Places`]) are under way at once.
const MAX_PER_BUCKET: usize = 4;
/// When a caller that found no place should try again.
const RETRY_AFTER_MILLIS: u64 = 200;

/// Calls addresses back.
#[derive(Debug)]
pub(super) struct CallBack {
    identity: Identity,
    places: Semaphore,
    registrations: Places,
}

impl CallBack {
    /// Calls back as `identity`.
    pub(super) fn new(identity: Identity) -> Self {
        let registrations = Places::new(MAX_PER_BUCKET);
        Self { identity, places: Semaphore::new(MAX_AT_ONCE), registrations }
    }

    /// Connects to every address and checks that `peer` is there.
    ///
    /// # Errors
    /// `CallBackFailed` with the address and the reason; `Busy` if too many are under way.
    pub(super) async fn verify(
        &self,
        peer: PeerId,
        addresses: impl IntoIterator<Item = PeerUri>,
    ) -> Result<(), ErrorObjectOwned> {
        let _registration = self.registrations.take(peer).ok_or_else(busy)?;
        for uri in addresses {
            let _place =
                timeout(MAX_WAIT, self.places.acquire()).await.ok().and_then(Result::ok).ok_or_else(busy)?;
            self.verify_one(peer, uri).await?;
        }
        Ok(())
    }

    async fn verify_one(&self, peer: PeerId, uri: PeerUri) -> Result<(), ErrorObjectOwned> {
        let limits = CallerLimits { connect_timeout: CALL_BACK_TIMEOUT, ..CallerLimits::GENERAL };
        let connecting = connect(&self.identity, uri.address(), Some(peer), limits);
        let Err(reason) = connecting.await else {
            return Ok(());
        };
        tracing::info!(%peer, "call-back failed: {reason}");
        let message = format!(
            "calling {uri} back failed: {reason}; register an address at which this peer answers, as seen \
             from the name service"
        );
        Err(Code::CallBackFailed.error(message))
    }
}

fn busy() -> ErrorObjectOwned {
    let data = serde_json::json!({ "retry_after_millis": RETRY_AFTER_MILLIS });
    Code::Busy.error_with("too many registrations are being called back; try again", &data)
}
