//! The real way to sources: manifests (and `transfer_read`) over the kept JSON-RPC connections, pieces by
//! `GET /content/<hash>` with `Range` over connections of their own.

use super::limits::{LIST_LIMIT, PAGE_LIMIT};
use super::listing::{NoPage, gather};
use super::network::{Connection, Counted, FolderLister, ListError, Network, SourceAddress, Way};
use crate::base::{ContentId, FolderPath, PeerId};
use crate::engine::transfer::source::Fault;
use crate::net::peer_link::PeerLinks;
use crate::net::{CallError, Client, ContentClient, FetchError, Identity, call};
use crate::store::folder::FolderFile;
use crate::wire::codes::Code;
use crate::wire::convert::{MAX_PART_BYTES, ManifestPage, manifest_from_wire, part_from_wire};
use crate::wire::transfer::{FolderPage, TransferClient};
use futures_util::future::{BoxFuture, FutureExt};
use hyper::body::Bytes;
use jsonrpsee::core::client::Error as ClientError;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes that are given at once to who asks for the next ones.
const NEXT_BYTES: usize = 256 * 1024;
/// How long a source may take to be connected to.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// The network that a peer is on.
pub struct PeerNetwork {
    /// Who this peer is.
    pub identity: Identity,
    /// Its kept connections.
    pub links: PeerLinks,
}

impl Network for PeerNetwork {
    fn manifest(
        &self,
        source: &SourceAddress,
        content: ContentId,
        first: u32,
    ) -> BoxFuture<'static, Result<ManifestPage, Fault>> {
        let (links, peer, address) = (self.links.clone(), source.peer, source.address);
        async move {
            let client = client(&links, peer, address).await?;
            let page = client.manifest(content.to_string(), Some(first)).await;
            let page = page.map_err(|error| call_fault(&error))?;
            manifest_from_wire(&page).map_err(|_| Fault::BadManifest)
        }
        .boxed()
    }

    fn connect(
        &self,
        source: &SourceAddress,
        content: ContentId,
        way: Way,
    ) -> BoxFuture<'static, Result<Box<dyn Connection>, Fault>> {
        let (peer, address) = (source.peer, source.address);
        let (links, identity) = (self.links.clone(), self.identity.clone());
        async move {
            let connection: Box<dyn Connection> = match way {
                Way::Rpc => {
                    let client = client(&links, peer, address).await?;
                    Box::new(RpcConnection { client, content, rest: 0..0 })
                }
                Way::Http => {
                    let opened =
                        ContentClient::connect_with(&links, &identity, address, peer, ContentClient::SILENCE);
                    let client = opened.await.map_err(|error| fetch_fault(&error))?;
                    Box::new(HttpConnection { client, content })
                }
            };
            Ok(connection)
        }
        .boxed()
    }
}

impl FolderLister for PeerNetwork {
    fn list(
        &self,
        peer: PeerId,
        folder: FolderPath,
        counted: Counted,
    ) -> BoxFuture<'_, Result<Vec<FolderFile>, ListError>> {
        let links = self.links.clone();
        async move {
            let folder = folder.to_string();
            let listing = gather(|after| page(&links, peer, &folder, after), &*counted);
            let too_long =
                || ListError::TooLong(format!("after {} minutes no end", LIST_LIMIT.as_secs() / 60));
            tokio::time::timeout(LIST_LIMIT, listing).await.unwrap_or_else(|_| Err(too_long()))
        }
        .boxed()
    }
}

/// A page, or why it does not come.
async fn page(
    links: &PeerLinks,
    peer: PeerId,
    folder: &str,
    after: Option<u64>,
) -> Result<FolderPage, NoPage> {
    let client = links.connected(peer, CONNECT_LIMIT).await;
    let client = client.map_err(|error| NoPage::Broken(error.to_string()))?;
    let asked = call(PAGE_LIMIT, client.folder(folder.to_owned(), after)).await;
    asked.map_err(|error| match &error {
        CallError::Refused(refused) if refused.code() == Code::Busy as i32 => NoPage::Busy(error.to_string()),
        _ => NoPage::Broken(error.to_string()),
    })
}

/// The kept connection to a source. An address is only said where there is no connection: who is a member
/// and where is known better elsewhere.
async fn client(links: &PeerLinks, peer: PeerId, address: SocketAddr) -> Result<Arc<Client>, Fault> {
    if !links.is_connected(peer) {
        links.set_address(peer, address);
    }
    links.connected(peer, CONNECT_LIMIT).await.map_err(|error| {
        tracing::debug!(%peer, %error, "a source cannot be reached");
        Fault::Unreachable
    })
}

fn call_fault(error: &ClientError) -> Fault {
    let code = match error {
        ClientError::Call(refused) => refused.code(),
        ClientError::ParseError(_) => return Fault::Nonsense,
        ClientError::RequestTimeout => return Fault::Silent,
        _ => return Fault::Closed,
    };
    match code {
        code if code == Code::UnknownContent as i32 => Fault::NotShared,
        code if code == Code::ContentChanged as i32 => Fault::Changed,
        code if code == Code::BadRange as i32 => Fault::Nonsense,
        _ => Fault::Busy,
    }
}

fn fetch_fault(error: &FetchError) -> Fault {
    tracing::debug!(%error, "a content does not arrive");
    match error {
        FetchError::Connect(_) => Fault::Unreachable,
        FetchError::Unknown => Fault::NotShared,
        FetchError::Changed => Fault::Changed,
        FetchError::Busy(_) => Fault::Busy,
        FetchError::Unfit(_) => Fault::WrongLength,
        FetchError::Broken(_) => Fault::Closed,
        FetchError::Silent(_) => Fault::Silent,
    }
}

struct HttpConnection {
    client: ContentClient,
    content: ContentId,
}

impl Connection for HttpConnection {
    fn turn_to(&mut self, content: ContentId) {
        self.content = content;
    }

    fn is_open(&self) -> bool {
        self.client.is_open()
    }

    fn many<'a>(
        &'a mut self,
        contents: &'a [ContentId],
    ) -> BoxFuture<'a, Result<Vec<Result<Bytes, Fault>>, Fault>> {
        let fault = |error: FetchError| fetch_fault(&error);
        async move {
            let found = self.client.many(contents).await.map_err(fault)?;
            Ok(found.into_iter().map(|content| content.map_err(fault)).collect())
        }
        .boxed()
    }

    fn begin(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<(), Fault>> {
        async move {
            let begun = self.client.begin(self.content, range).await;
            begun.map(drop).map_err(|error| fetch_fault(&error))
        }
        .boxed()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Fault>> {
        async move {
            let mut bytes = Vec::new();
            let read = self.client.read(&mut bytes, NEXT_BYTES).await;
            read.map_err(|error| fetch_fault(&error))?;
            Ok(Bytes::from(bytes))
        }
        .boxed()
    }

    fn read<'a>(
        &'a mut self,
        bytes: &'a mut Vec<u8>,
        length: usize,
        _: &'a mut Bytes,
    ) -> BoxFuture<'a, Result<usize, Fault>> {
        let missing = length.saturating_sub(bytes.len());
        async move { self.client.read(bytes, missing).await.map_err(|error| fetch_fault(&error)) }.boxed()
    }
}

struct RpcConnection {
    client: Arc<Client>,
    content: ContentId,
    rest: Range<u64>,
}

impl Connection for RpcConnection {
    fn turn_to(&mut self, content: ContentId) {
        self.content = content;
    }

    fn is_open(&self) -> bool {
        self.client.is_connected()
    }

    fn begin(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<(), Fault>> {
        self.rest = range;
        std::future::ready(Ok(())).boxed()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Fault>> {
        async move {
            let offset = self.rest.start;
            let length = (self.rest.end - offset).min(u64::from(MAX_PART_BYTES));
            let Some(length) = u32::try_from(length).ok().filter(|length| *length > 0) else {
                return Ok(Bytes::new());
            };
            let part = self.client.read(self.content.to_string(), offset, length).await;
            let part = part.map_err(|error| call_fault(&error))?;
            let bytes = part_from_wire(&part, offset, length).map_err(|_| Fault::WrongLength)?;
            self.rest.start += u64::from(length);
            Ok(Bytes::from(bytes))
        }
        .boxed()
    }
}
