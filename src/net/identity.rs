//! Who a peer is and what makes it a member.
//!
//! A group has a random 256-bit key. Every member derives the same Ed25519 certificate authority from it,
//! every peer makes an Ed25519 key of its own once and issues itself a leaf. rustls' stock verifiers then
//! let exactly the members in. Any member can add members by passing the key on; removing one for good
//! means a new key.
//!
//! Invariant: keys appear neither in `Debug` nor in logs. What is absent on purpose: session resumption
//! and 0-RTT data, so that nothing can be replayed; expiry, because clocks of peers are not trusted.

use crate::base::PeerId;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use std::fmt;
use std::sync::Arc;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::{CipherSuite, ClientConfig, RootCertStore, ServerConfig, version::TLS13};

/// The name in every peer's certificate: who a peer is follows from its key, not from a host name.
pub const SERVER_NAME: &str = "cardume.peer";
/// Addresses in every certificate, so that tools that insist on a host name can talk to a peer on the same
/// machine. From other machines they map [`SERVER_NAME`] (as `curl --resolve` does).
const LOOPBACK: [&str; 2] = ["127.0.0.1", "::1"];
/// What separates this use of the group key from every other one (BLAKE3, key derivation mode).
const CA_CONTEXT: &str = "cardume 2026-11 group certificate authority Ed25519 seed";
/// An Ed25519 private key as PKCS#8 version 1 is this prefix and the seed (RFC 8410, section 7).
const PKCS8_ED25519: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// An Ed25519 public key in a certificate is this prefix and its 32 bytes (RFC 8410, section 4).
const SPKI_ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why an identity cannot be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The text is not a group key.
    #[error("a group key is 64 lower-case hexadecimal digits")]
    GroupKey,
    /// The bytes are not a peer's key.
    #[error("the bytes are not an Ed25519 private key in PKCS#8 form")]
    PeerKey,
    /// A certificate without an Ed25519 key.
    #[error("the certificate does not carry an Ed25519 key")]
    Certificate,
    /// The cryptographic library refused.
    #[error("a certificate cannot be made: {0}")]
    Issue(String),
}

fn issue(error: impl fmt::Display) -> IdentityError {
    IdentityError::Issue(error.to_string())
}

/// The secret that makes a peer a member: 256 random bits, never chosen by a person.
#[derive(Clone, PartialEq, Eq)]
pub struct GroupKey([u8; 32]);

impl GroupKey {
    /// A new key.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The key with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key with this text, see [`GroupKey::text`].
    ///
    /// # Errors
    /// If it is not 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| IdentityError::GroupKey)?;
        Ok(Self(bytes.try_into().map_err(|_| IdentityError::GroupKey)?))
    }

    /// Its 64 lower-case hexadecimal digits: for invites and the key file only.
    #[must_use]
    pub fn text(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    /// The group's certificate authority: the same for every member.
    fn authority(&self) -> Result<(CertificateParams, KeyPair), IdentityError> {
        let seed = blake3::derive_key(CA_CONTEXT, &self.0);
        let key = key_pair(&[&PKCS8_ED25519[..], &seed].concat()).map_err(issue)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "cardume group");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Ok((params, key))
    }
}

impl fmt::Debug for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupKey(secret)")
    }
}

fn key_pair(pkcs8: &[u8]) -> Result<KeyPair, rcgen::Error> {
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &PKCS_ED25519)
}

/// A peer's own Ed25519 key; made once, it is the peer's identity.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerKey(Vec<u8>);

impl PeerKey {
    /// A new key.
    ///
    /// # Errors
    /// If the cryptographic library refuses it.
    pub fn generate() -> Result<Self, IdentityError> {
        let seed: [u8; 32] = rand::random();
        Self::from_bytes(&[&PKCS8_ED25519[..], &seed].concat())
    }

    /// The key of this seed (RFC 8032, section 5.1.5).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self([&PKCS8_ED25519[..], seed].concat())
    }

    /// The key with these PKCS#8 bytes. Only version 1 (without the public key) is taken: it is the form
    /// that OpenSSL reads too.
    ///
    /// # Errors
    /// If they are not an Ed25519 private key.
    pub fn from_bytes(pkcs8: &[u8]) -> Result<Self, IdentityError> {
        let version_1 = pkcs8.len() == PKCS8_ED25519.len() + 32 && pkcs8.starts_with(&PKCS8_ED25519);
        if !version_1 || key_pair(pkcs8).is_err() {
            return Err(IdentityError::PeerKey);
        }
        Ok(Self(pkcs8.to_vec()))
    }

    /// Its PKCS#8 bytes: for the key file only.
    #[must_use]
    pub fn to_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerKey(secret)")
    }
}

/// What `cardume group credentials` writes, in PEM form, for `curl` and other clients: `curl --cacert
/// ca.pem --cert cert.pem --key key.pem https://127.0.0.1:PORT/`, and from another machine with
/// `--resolve cardume.peer:PORT:ADDRESS https://cardume.peer:PORT/`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The group's authority.
    pub ca: String,
    /// The peer's certificate.
    pub cert: String,
    /// The peer's private key: secret.
    pub key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(secret)")
    }
}

/// A peer as a member of a group. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    peer: PeerId,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    credentials: Arc<Credentials>,
}

impl Identity {
    /// Derives the group's authority and issues this peer's certificate.
    ///
    /// # Errors
    /// If the key is damaged or the cryptographic library refuses.
    pub fn new(group: &GroupKey, key: &PeerKey) -> Result<Self, IdentityError> {
        let (ca_params, ca_key) = group.authority()?;
        let ca = ca_params.self_signed(&ca_key).map_err(issue)?;
        let own = key_pair(&key.0).map_err(|_| IdentityError::PeerKey)?;
        let names: Vec<String> = [SERVER_NAME].into_iter().chain(LOOPBACK).map(str::to_owned).collect();
        let mut params = CertificateParams::new(names).map_err(issue)?;
        params.distinguished_name.push(DnType::CommonName, SERVER_NAME);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = params.signed_by(&own, &Issuer::new(ca_params, ca_key)).map_err(issue)?;
        let credentials = Credentials { ca: ca.pem(), cert: leaf.pem(), key: own.serialize_pem() };
        Ok(Self {
            peer: peer_id_of(leaf.der())?,
            server: Arc::new(server_config(ca.der(), leaf.der(), key)?),
            client: Arc::new(client_config(ca.der(), leaf.der(), key)?),
            credentials: Arc::new(credentials),
        })
    }

    /// Who this peer is.
    #[must_use]
    pub const fn peer_id(&self) -> PeerId {
        self.peer
    }

    /// For listeners: TLS 1.3 only, the caller's certificate is required.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.server.clone()
    }

    /// For callers: TLS 1.3 only, with this peer's certificate. Connect to [`server_name`].
    #[must_use]
    pub fn client_config(&self) -> Arc<ClientConfig> {
        self.client.clone()
    }

    /// What other programs need to talk to the group as this peer.
    #[must_use]
    pub fn credentials_pem(&self) -> Credentials {
        Credentials::clone(&self.credentials)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(secret)")
    }
}

/// The name that callers expect in every certificate.
#[must_use]
pub fn server_name() -> ServerName<'static> {
    ServerName::try_from(SERVER_NAME).expect("a constant DNS name")
}

/// Who a certificate belongs to: the BLAKE3 hash of the Ed25519 public key in it. Says nothing about
/// membership; that is the handshake's part.
///
/// # Errors
/// If it carries no Ed25519 key.
pub fn peer_id_of(certificate: &CertificateDer<'_>) -> Result<PeerId, IdentityError> {
    let parsed = webpki::EndEntityCert::try_from(certificate).map_err(|_| IdentityError::Certificate)?;
    let spki = parsed.subject_public_key_info();
    let key = spki.strip_prefix(&SPKI_ED25519[..]).filter(|key| key.len() == 32);
    let key = key.ok_or(IdentityError::Certificate)?;
    Ok(PeerId::from_bytes(*blake3::hash(key).as_bytes()))
}

/// AES-128 comes first: it is as far from being broken as AES-256, and a fourth faster.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    Arc::new(provider)
}

fn roots(ca: &CertificateDer<'static>) -> Result<Arc<RootCertStore>, IdentityError> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone()).map_err(issue)?;
    Ok(Arc::new(roots))
}

fn server_config(
    ca: &CertificateDer<'static>,
    leaf: &CertificateDer<'static>,
    key: &PeerKey,
) -> Result<ServerConfig, IdentityError> {
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots(ca)?, provider()).build().map_err(issue)?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(issue)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![leaf.clone()], PrivatePkcs8KeyDer::from(key.0.clone()).into())
        .map_err(issue)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn client_config(
    ca: &CertificateDer<'static>,
    leaf: &CertificateDer<'static>,
    key: &PeerKey,
) -> Result<ClientConfig, IdentityError> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(issue)?
        .with_root_certificates(roots(ca)?)
        .with_client_auth_cert(vec![leaf.clone()], PrivatePkcs8KeyDer::from(key.0.clone()).into())
        .map_err(issue)?;
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_text_and_bytes() {
        let group = GroupKey::random();
        assert_eq!(GroupKey::parse(&group.text()), Ok(group.clone()));
        for bad in ["", "00", &"0".repeat(63), &"A".repeat(64), &"g".repeat(64), &"0".repeat(66)] {
            assert_eq!(GroupKey::parse(bad), Err(IdentityError::GroupKey), "{bad}");
        }
        let key = PeerKey::generate().expect("randomness");
        assert_eq!(PeerKey::from_bytes(key.to_bytes()), Ok(key.clone()));
        assert_eq!(PeerKey::from_bytes(&[0; 48]), Err(IdentityError::PeerKey));
        let identity = Identity::new(&group, &key).expect("valid keys");
        let again = Identity::new(&GroupKey::random(), &key).expect("valid keys");
        assert_eq!(identity.peer_id(), again.peer_id(), "the id is the key's, in every group");
    }

    #[test]
    fn nothing_secret_is_shown() {
        let group = GroupKey::random();
        let key = PeerKey::generate().expect("randomness");
        let identity = Identity::new(&group, &key).expect("valid keys");
        let shown = format!("{group:?} {key:?} {identity:?} {:?}", identity.credentials_pem());
        assert_eq!(shown, "GroupKey(secret) PeerKey(secret) Identity(secret) Credentials(secret)");
    }
}
