//! The tracker as downloads see it: who has a content.

use super::CommandError;
use super::search::Searcher;
use super::start::Route;
use super::transfer::network::{FoundSources, SourceAddress, SourceFinder};
use crate::base::ContentId;
use crate::wire::convert;
use crate::wire::index::Source;
use futures_util::future::BoxFuture;

/// Asks the tracker for sources.
pub(super) struct TrackerFinder(pub(super) Searcher<Route>);

impl SourceFinder for TrackerFinder {
    fn sources(&self, content: ContentId) -> BoxFuture<'_, Result<FoundSources, CommandError>> {
        Box::pin(async move {
            let answer = self.0.sources(content).await;
            let answer = answer.map_err(|error| CommandError::new(error.code(), error.to_string()))?;
            let sources = answer.sources.iter().filter_map(address).collect();
            Ok(FoundSources { size: answer.size, sources })
        })
    }
}

/// A source whose address is malformed cannot be asked: it is left out.
fn address(source: &Source) -> Option<SourceAddress> {
    Some(SourceAddress {
        peer: convert::parse_peer_id("peer", &source.peer).ok()?,
        name: source.peer_name.clone(),
        address: convert::parse_uri("uri", &source.uri).ok()?.address(),
        file_name: source.name.clone(),
    })
}
