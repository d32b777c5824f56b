//! Looking into the folders of a peer: asked of the peer itself, so that it is true also without a tracker.

use super::CommandError;
use super::command_task::refuse;
use crate::base::{FolderPath, PeerId};
use crate::engine::browse::{Ask, Listing};
use crate::net::peer_link::PeerLinks;
use crate::store::Library;
use crate::wire::codes::Code;
use crate::wire::convert;
use crate::wire::transfer::TransferClient;
use jsonrpsee::core::client::Error as ClientError;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a peer may take to be connected to.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How long it may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How long pages without an entry are passed over until the asker gets an empty one: a filter that fits little,
/// in a folder of very many files.
const SKIPPING_LIMIT: Duration = Duration::from_millis(500);
/// JSON-RPC's "method not found".
const NO_SUCH_METHOD: i32 = -32601;

/// Who asks.
pub(super) struct Browser {
    pub(super) me: PeerId,
    pub(super) library: Arc<Library>,
    pub(super) links: PeerLinks,
}

impl Browser {
    /// A page of a folder of `peer`. A page without entries is given only if the search for one took long, or there
    /// is none.
    pub(super) async fn page(
        &self,
        peer: PeerId,
        folder: FolderPath,
        mut ask: Ask,
    ) -> Result<Listing, CommandError> {
        let until = Instant::now() + SKIPPING_LIMIT;
        loop {
            let listing = self.one_page(peer, &folder, &ask).await?;
            if !listing.entries.is_empty() || listing.next.is_none() || Instant::now() > until {
                return Ok(listing);
            }
            ask.after = listing.next;
        }
    }

    async fn one_page(&self, peer: PeerId, folder: &FolderPath, ask: &Ask) -> Result<Listing, CommandError> {
        if peer == self.me {
            let (library, folder, ask) = (self.library.clone(), folder.clone(), ask.clone());
            let looking = tokio::task::spawn_blocking(move || library.browse(&folder, &ask));
            let found = looking.await.map_err(|error| refuse(Code::Internal, error.to_string()))?;
            return found.ok_or_else(|| refuse(Code::NotFound, "no such folder is shared here"));
        }
        let away = |why: String| {
            refuse(Code::PeerAway, format!("the peer cannot be asked: {why}; try again when it is there"))
        };
        let client =
            self.links.connected(peer, CONNECT_LIMIT).await.map_err(|error| away(error.to_string()))?;
        let after = ask.after.as_ref().map(convert::place_to_wire);
        let limit = u32::try_from(ask.limit).ok();
        let call = client.browse(Some(folder.to_string()), after, limit, Some(ask.filter.clone()));
        let answer = match timeout(ANSWER_LIMIT, call).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(ClientError::Call(error))) if error.code() == NO_SUCH_METHOD => {
                let older =
                    "the peer runs an older version, whose folders cannot be looked into; search instead";
                return Err(refuse(Code::PeerAway, older));
            }
            Ok(Err(ClientError::Call(error))) => {
                return Err(CommandError::new(error.code(), error.message().to_owned()));
            }
            Ok(Err(error)) => return Err(away(error.to_string())),
            Err(_) => return Err(away("it does not answer".to_owned())),
        };
        convert::listing_from_wire(&answer, ask)
            .map_err(|error| away(format!("its answer is malformed: {}", error.message())))
    }
}
