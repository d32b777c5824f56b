//! The handlers of `names_`: they check limits, call back, and ask the thread that owns the registry.

use super::callback::CallBack;
use super::keeper::{Failure, Granted, Keeper, Registration};
use super::shape::{MAX_ANSWER_BYTES, bytes_of, entry_to_wire, registered};
use super::sieve::Sieve;
use super::watchers::Watchers;
use crate::base::PeerUri;
use crate::engine::registry::{Entry, Filter, Lease, Metadata, Name, Refusal};
use crate::wire::Caller;
use crate::wire::codes::Code;
use crate::wire::convert::{bad, number, parse_uri, roster_from_wire};
use crate::wire::group::Roster;
use crate::wire::names::{self, NamesServer, Pong, Registered};
use jsonrpsee::Extensions;
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::types::ErrorObjectOwned;
use std::collections::BTreeMap;
use std::time::Duration;

/// When a caller should try again after `Busy`.
const RETRY_AFTER_MILLIS: u64 = 100;
/// When a caller should try again after all places were taken: leases end within so long.
const FULL_RETRY_AFTER_MILLIS: u64 = 30_000;

/// What serves `names_`.
#[derive(Debug)]
pub(super) struct Handlers {
    pub(super) keeper: Keeper,
    pub(super) call_back: CallBack,
    pub(super) sieve: Sieve,
    pub(super) watchers: Watchers,
}

#[async_trait]
impl NamesServer for Handlers {
    async fn register(
        &self,
        extensions: &Extensions,
        name: String,
        uri: String,
        election_uri: Option<String>,
        metadata: Option<names::Metadata>,
        lease_millis: Option<u64>,
        roster: Option<Roster>,
    ) -> RpcResult<Registered> {
        let caller = caller(extensions)?;
        let name = parse_name(&name)?;
        let entry = checked_entry(caller, &uri, election_uri.as_deref(), metadata)?;
        let lease = parse_lease(lease_millis)?;
        let roster = roster.as_ref().map(roster_from_wire).transpose()?;
        let addresses = [Some(entry.uri), entry.election_uri];
        let registration = match (name, roster) {
            (Name::Peer(name), roster) => Registration::Peer { name, entry, lease, roster },
            (Name::Tracker(epoch), Some(roster)) => Registration::Tracker { epoch, entry, roster },
            (Name::Tracker(_), None) => return Err(refused(Refusal::NotAVoter)),
        };
        self.call_back.verify(caller.peer, addresses.into_iter().flatten()).await?;
        granted(self.keeper.register(registration).await)
    }

    async fn renew(
        &self,
        extensions: &Extensions,
        name: String,
        lease_millis: Option<u64>,
    ) -> RpcResult<Registered> {
        let caller = caller(extensions)?;
        let name = parse_name(&name)?;
        let lease = lease_millis.map(|millis| parse_lease(Some(millis))).transpose()?;
        granted(self.keeper.renew(name, caller.peer, lease).await)
    }

    async fn lookup(&self, extensions: &Extensions, name: String) -> RpcResult<names::Entry> {
        caller(extensions)?;
        let found = self.keeper.lookup(parse_name(&name)?).await;
        found.map(|entry| entry_to_wire(&entry)).map_err(failed)
    }

    async fn list(
        &self,
        extensions: &Extensions,
        prefix: Option<String>,
        pattern: Option<String>,
        metadata: Option<names::Metadata>,
    ) -> RpcResult<BTreeMap<String, names::Entry>> {
        caller(extensions)?;
        let filter = Filter { prefix: prefix.unwrap_or_default(), metadata: parse_metadata(metadata)? };
        let entries = match pattern {
            None => self.keeper.list(filter).await.map_err(failed)?,
            Some(pattern) => {
                let listing = async { self.keeper.list(filter).await.map_err(failed) };
                self.sieve.sift(&pattern, listing).await?
            }
        };
        let bytes: usize = entries.iter().map(|(name, entry)| bytes_of(name, Some(entry))).sum();
        if bytes > MAX_ANSWER_BYTES {
            return Err(bad(
                "prefix",
                "so many names fit that no answer holds them; ask for a longer prefix, or for less by a pattern \
                 or metadata",
            ));
        }
        Ok(entries.into_iter().map(|(name, entry)| (name, entry_to_wire(&entry))).collect())
    }

    async fn remove(&self, extensions: &Extensions, name: String) -> RpcResult<bool> {
        let caller = caller(extensions)?;
        self.keeper.remove(parse_name(&name)?, caller.peer).await.map_err(failed)
    }

    async fn set_metadata(
        &self,
        extensions: &Extensions,
        name: String,
        metadata: names::Metadata,
    ) -> RpcResult<names::Entry> {
        let caller = caller(extensions)?;
        let name = parse_name(&name)?;
        let metadata = parse_metadata(Some(metadata))?;
        let changed = self.keeper.set_metadata(name, caller.peer, metadata).await;
        changed.map(|entry| entry_to_wire(&entry)).map_err(failed)
    }

    async fn count(&self, extensions: &Extensions) -> RpcResult<u64> {
        caller(extensions)?;
        let (count, _) = self.keeper.count().await.map_err(failed)?;
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    async fn watch(
        &self,
        extensions: &Extensions,
        after: Option<u64>,
        wait_millis: Option<u64>,
    ) -> RpcResult<names::Watched> {
        let caller = caller(extensions)?;
        let after = after.map(|after| number("after", after)).transpose()?;
        let wait = Duration::from_millis(number("wait_millis", wait_millis.unwrap_or(0))?);
        self.watchers.watch(caller.peer, after, wait).await
    }

    async fn ping(&self, extensions: &Extensions) -> RpcResult<Pong> {
        caller(extensions)?;
        let (count, highest) = self.keeper.count().await.map_err(failed)?;
        Ok(Pong {
            service: format!("cardume names {}", env!("CARGO_PKG_VERSION")),
            pid: std::process::id(),
            count: u64::try_from(count).unwrap_or(u64::MAX),
            highest_epoch: highest.number(),
        })
    }
}

fn caller(extensions: &Extensions) -> Result<Caller, ErrorObjectOwned> {
    let unknown = || {
        Code::NotAllowed.error("the connection does not prove who calls; connect with a member's certificate")
    };
    extensions.get::<Caller>().copied().ok_or_else(unknown)
}

fn parse_name(text: &str) -> Result<Name, ErrorObjectOwned> {
    Name::parse(text).map_err(|error| Code::BadName.error(format!("the name is refused: {error}")))
}

fn parse_lease(millis: Option<u64>) -> Result<Lease, ErrorObjectOwned> {
    Lease::granted(millis).map_err(|error| bad("lease_millis", error))
}

fn parse_metadata(metadata: Option<names::Metadata>) -> Result<Metadata, ErrorObjectOwned> {
    Metadata::new(metadata.unwrap_or_default()).map_err(|error| bad("metadata", error))
}

fn checked_entry(
    caller: Caller,
    uri: &str,
    election_uri: Option<&str>,
    metadata: Option<names::Metadata>,
) -> Result<Entry, ErrorObjectOwned> {
    let metadata = parse_metadata(metadata)?;
    let uri = reachable_uri(caller, "uri", uri)?;
    let election_uri = election_uri.map(|text| reachable_uri(caller, "election_uri", text)).transpose()?;
    Ok(Entry { holder: caller.peer, uri, election_uri, metadata })
}

/// An address of this machine itself, registered from another one, would mean another machine to every
/// reader (the most common mistake with name services).
fn reachable_uri(caller: Caller, parameter: &str, text: &str) -> Result<PeerUri, ErrorObjectOwned> {
    let uri = parse_uri(parameter, text)?;
    let comes_from_afar = caller.address.is_some_and(|address| !address.ip().to_canonical().is_loopback());
    if comes_from_afar && uri.address().ip().to_canonical().is_loopback() {
        return Err(bad(
            parameter,
            "it is a loopback address, which means another machine to everybody else",
        ));
    }
    Ok(uri)
}

fn granted(outcome: Result<Granted, Failure>) -> RpcResult<Registered> {
    outcome.map(|(lease, overview)| registered(&overview, lease.duration())).map_err(failed)
}

fn failed(failure: Failure) -> ErrorObjectOwned {
    let retry = serde_json::json!({ "retry_after_millis": RETRY_AFTER_MILLIS });
    match failure {
        Failure::Refused(refusal) => refused(refusal),
        Failure::Storage => Code::StorageFailed
            .error("the name service cannot write its storage, so nothing was changed; its log says why"),
        Failure::Busy => Code::Busy.error_with("the name service has too much to do; try again", &retry),
        Failure::Stopping => Code::Busy.error_with("the name service is stopping; try again", &retry),
    }
}

fn refused(refusal: Refusal) -> ErrorObjectOwned {
    let message = refusal.to_string();
    match refusal {
        Refusal::UnknownName => Code::UnknownName.error(message),
        Refusal::NameTaken { .. } => Code::NameTaken.error(message),
        Refusal::History | Refusal::TooManyOfKey => Code::NotAllowed.error(message),
        Refusal::Full => {
            let data = serde_json::json!({ "retry_after_millis": FULL_RETRY_AFTER_MILLIS });
            Code::Busy.error_with(message, &data)
        }
        Refusal::Superseded { highest } => {
            Code::EpochSuperseded.error_with(message, &serde_json::json!({ "highest": highest.number() }))
        }
        Refusal::AbsurdEpoch { highest } => {
            Code::AbsurdEpoch.error_with(message, &serde_json::json!({ "highest": highest.number() }))
        }
        Refusal::TwoGroups { ours } => {
            Code::TwoGroups.error_with(message, &serde_json::json!({ "founding": ours.to_string() }))
        }
        Refusal::NotAVoter => Code::NotAVoter.error(message),
        Refusal::RosterFromLater => Code::BadParameter.error(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PeerId;

    #[test]
    fn a_loopback_address_is_registered_only_from_the_same_machine() {
        let from = |address: &str| Caller {
            peer: PeerId::from_bytes([1; 32]),
            address: Some(address.parse().expect("an address")),
        };
        // Caller's address, registered address, whether it is taken.
        let table = [
            ("127.0.0.1:5", "wss://127.0.0.1:7000/", true),
            ("[::ffff:127.0.0.1]:5", "wss://127.0.0.2:7000/", true),
            ("[::1]:5", "wss://[::1]:7000/", true),
            ("10.0.0.2:5", "wss://10.0.0.2:7000/", true),
            ("10.0.0.2:5", "wss://127.0.0.1:7000/", false),
            ("10.0.0.2:5", "wss://[::1]:7000/", false),
            ("10.0.0.2:5", "wss://[::ffff:127.0.0.1]:7000/", false),
            ("127.0.0.1:5", "wss://127.0.0.1:0/", false),
            ("127.0.0.1:5", "wss://0.0.0.0:7000/", false),
            ("127.0.0.1:5", "wss://localhost:7000/", false),
            ("127.0.0.1:5", "http://127.0.0.1:7000/", false),
        ];
        for (caller, uri, taken) in table {
            assert_eq!(reachable_uri(from(caller), "uri", uri).is_ok(), taken, "{uri} from {caller}");
        }
    }
}
