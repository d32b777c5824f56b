//! A foreign client: registers a name, searches and downloads a file with nothing but what PROTOCOL.md
//! says - TLS with exported credentials, JSON-RPC by HTTP POST - and none of Cardume's own code.
//!
//! ```sh
//! cardume demo --headless --home D                        # in one terminal; it prints the name service's port
//! cardume --home D --profile peer-1 group credentials --out creds
//! cargo run --example json_rpc_client -- creds 127.0.0.1:PORT peer-1 shoal
//! ```

use anyhow::{Context as _, bail, ensure};
use data_encoding::BASE64;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto, version};

/// One part that `transfer_read` gives at most, in bytes.
const PART: u64 = 1 << 20;

struct Client {
    tls: TlsConnector,
}

impl Client {
    /// A member with the credentials in a folder: `ca.pem`, `cert.pem`, `key.pem`.
    fn new(folder: &Path) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join("ca.pem"))?)?;
        let certificate = CertificateDer::from_pem_file(folder.join("cert.pem"))?;
        let key = PrivateKeyDer::from_pem_file(folder.join("key.pem"))?;
        let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_protocol_versions(&[&version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// One call, by HTTP POST on a connection of its own.
    async fn call(&self, at: SocketAddr, method: &str, params: Value) -> anyhow::Result<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let socket = tokio::net::TcpStream::connect(at).await?;
        // Every certificate of the group carries this name.
        let mut stream = self.tls.connect(ServerName::try_from("cardume.peer")?, socket).await?;
        let head = format!(
            "POST / HTTP/1.1\r\nHost: cardume.peer\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            request.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await?;
        let response = String::from_utf8(response)?;
        let (_, body) = response.split_once("\r\n\r\n").context("an HTTP response")?;
        let mut answer: Value = serde_json::from_str(body)?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer["result"].take())
    }
}

/// The address in `wss://host:port/`.
fn address(uri: &Value) -> anyhow::Result<SocketAddr> {
    let uri = uri.as_str().context("a uri")?;
    let authority = uri.strip_prefix("wss://").and_then(|rest| rest.strip_suffix('/'));
    Ok(authority.context("wss://host:port/")?.parse()?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [credentials, names, peer, words] = &arguments[..] else {
        bail!("usage: json_rpc_client CREDENTIALS NAMES_ADDRESS PEER_OF_THE_CREDENTIALS WORDS");
    };
    let client = Client::new(Path::new(credentials))?;
    let names: SocketAddr = names.parse()?;

    let me = client.call(names, "names_lookup", json!({ "name": peer })).await?;
    let foreign = format!("{peer}-foreign");
    let params = json!({ "name": foreign, "uri": me["uri"], "metadata": { "made-by": "an example" } });
    let registered = client.call(names, "names_register", params).await?;
    println!("registered {foreign} for {} ms", registered["lease_millis"]);

    let tracker = address(&registered["tracker"]["uri"])?;
    let found = client.call(tracker, "index_search", json!({ "words": words, "limit": 10 })).await?;
    let results = found["results"].as_array().context("results")?;
    println!("{} files, epoch {}", found["total"], found["epoch"]);
    let file = results.iter().find(|file| file["content"].is_string()).context("nothing hashed was found")?;
    let size = file["size"].as_u64().context("a size")?;
    let source = address(&file["sources"][0]["uri"])?;

    let mut hasher = blake3::Hasher::new();
    let mut offset = 0;
    while offset < size {
        let length = PART.min(size - offset);
        let params = json!({ "content": file["content"], "offset": offset, "length": length });
        let part = client.call(source, "transfer_read", params).await?;
        let bytes = BASE64.decode(part["data"].as_str().context("data")?.as_bytes())?;
        ensure!(bytes.len() as u64 == length, "the source sent {} of {length} bytes", bytes.len());
        hasher.update(&bytes);
        offset += length;
    }
    let hash = hasher.finalize().to_hex();
    ensure!(file["content"] == hash.as_str(), "the source sent other bytes");
    println!("downloaded {} ({size} bytes), verified: {hash}", file["name"]);
    client.call(names, "names_remove", json!({ "name": foreign })).await?;
    Ok(())
}
