//! The tools' side of the name service: what `cardume names list|lookup|register|remove|set-metadata|ping|
//! watch` calls.

use crate::base::{PeerId, PeerUri};
use crate::net::caller::CallError;
use crate::net::{CallerLimits, Client, GroupKey, Identity, IdentityError, PeerKey, call, connect};
use crate::wire::codes::Code;
use crate::wire::names::{Entry, Metadata, NamesClient as _, Pong, Registered, Watched};
use jsonrpsee::core::client::Error;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a name service may take to answer the connection: it is on a LAN.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long it may take for a call; a registration includes call-backs.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// An Ed25519 private key as PKCS#8 version 1 is this prefix and its seed (RFC 8410, section 7).
const PKCS8_ED25519: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Why a tool has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// No address answers.
    #[error("no name service answers: {0}; start one with `cardume names serve`")]
    Unreachable(String),
    /// The connection broke or the answer did not come in time.
    #[error("the name service did not answer: {0}")]
    NoAnswer(String),
    /// It refused.
    #[error("{message}")]
    Refused {
        /// The error's code, see [`Code`].
        code: i32,
        /// The sentence for a person.
        message: String,
    },
}

impl ToolError {
    /// Whether it said that there is no such name.
    #[must_use]
    pub const fn is_unknown_name(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == Code::UnknownName as i32)
    }

    /// Whether it said that what was asked for has not the form that it must have.
    #[must_use]
    pub const fn is_of_form(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == Code::BadParameter as i32 || *code == Code::BadName as i32)
    }
}

/// The identity with the keys that a home keeps: the group's, and an Ed25519 seed.
///
/// # Errors
/// If the cryptographic library refuses.
pub fn identity_of(group: &[u8; 32], seed: &[u8; 32]) -> Result<Identity, IdentityError> {
    let group = GroupKey::parse(&data_encoding::HEXLOWER.encode(group))?;
    let key = PeerKey::from_bytes(&[&PKCS8_ED25519[..], seed].concat())?;
    Identity::new(&group, &key)
}

/// A connection to a name service.
#[derive(Debug)]
pub struct NamesTool {
    client: Client,
    address: SocketAddr,
    service: PeerId,
}

impl NamesTool {
    /// Connects to the first of the addresses that answers.
    ///
    /// # Errors
    /// If none does; tells the last one's reason.
    pub async fn connect(identity: &Identity, addresses: &[SocketAddr]) -> Result<Self, ToolError> {
        let limits = CallerLimits { connect_timeout: CONNECT_TIMEOUT, ..CallerLimits::GENERAL };
        let mut reason = "no address is configured".to_owned();
        for address in addresses.iter().copied() {
            match connect(identity, address, None, limits).await {
                Ok((client, service)) => return Ok(Self { client, address, service }),
                Err(error) => reason = error.to_string(),
            }
        }
        Err(ToolError::Unreachable(reason))
    }

    /// Where it is connected to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The service's own key.
    #[must_use]
    pub const fn service(&self) -> PeerId {
        self.service
    }

    /// Everything whose name begins with `prefix`, in whose name `pattern` is found and which carries all of
    /// `metadata`.
    ///
    /// # Errors
    /// If there is no answer or a refusal; so for all methods.
    pub async fn list(
        &self,
        prefix: Option<String>,
        pattern: Option<String>,
        metadata: Metadata,
    ) -> Result<BTreeMap<String, Entry>, ToolError> {
        answer(self.client.list(prefix, pattern, Some(metadata))).await
    }

    /// What is registered under a name.
    ///
    /// # Errors
    /// See [`NamesTool::list`].
    pub async fn lookup(&self, name: &str) -> Result<Entry, ToolError> {
        answer(self.client.lookup(name.to_owned())).await
    }

    /// Registers a name for the key of this connection, which has to answer at `uri`.
    ///
    /// # Errors
    /// See [`NamesTool::list`].
    pub async fn register(
        &self,
        name: &str,
        uri: PeerUri,
        metadata: Metadata,
        lease: Option<Duration>,
    ) -> Result<Registered, ToolError> {
        let lease_millis = lease.map(|lease| u64::try_from(lease.as_millis()).unwrap_or(u64::MAX));
        let (name, uri) = (name.to_owned(), uri.to_string());
        answer(self.client.register(name, uri, None, Some(metadata), lease_millis, None)).await
    }

    /// Removes a name of this connection's key; says whether it was there.
    ///
    /// # Errors
    /// See [`NamesTool::list`].
    pub async fn remove(&self, name: &str) -> Result<bool, ToolError> {
        answer(self.client.remove(name.to_owned())).await
    }

    /// Replaces what a name of this connection's key carries; gives the entry as it is then.
    ///
    /// # Errors
    /// See [`NamesTool::list`].
    pub async fn set_metadata(&self, name: &str, metadata: Metadata) -> Result<Entry, ToolError> {
        answer(self.client.set_metadata(name.to_owned(), metadata)).await
    }

    /// What changed after that number, at once or within so long; without a number only the newest one.
    ///
    /// # Errors
    /// See [`NamesTool::list`].
    pub async fn watch(&self, after: Option<u64>, wait: Duration) -> Result<Watched, ToolError> {
        let wait_millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        answer_within(CALL_TIMEOUT.saturating_add(wait), self.client.watch(after, Some(wait_millis))).await
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// See [`NamesTool::list`].
    pub async fn ping(&self) -> Result<Pong, ToolError> {
        answer(self.client.ping()).await
    }
}

async fn answer<T>(calling: impl Future<Output = Result<T, Error>>) -> Result<T, ToolError> {
    answer_within(CALL_TIMEOUT, calling).await
}

async fn answer_within<T>(
    within: Duration,
    calling: impl Future<Output = Result<T, Error>>,
) -> Result<T, ToolError> {
    call(within, calling).await.map_err(|error| match error {
        CallError::Refused(error) => {
            ToolError::Refused { code: error.code(), message: error.message().to_owned() }
        }
        other => ToolError::NoAnswer(other.to_string()),
    })
}
