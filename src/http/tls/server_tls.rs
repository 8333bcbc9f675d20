//! The listener's side of TLS: certificate, key and client authorities, which are read again when their files change.
//!
//! Each handshake looks at the files, and takes what is new once all of it fits together: while a certificate and its key are
//! replaced one after the other, the former pair stays in use. No session is resumed where clients show certificates, because a
//! resumed one would not verify them again.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::auth::{ReloadingFile, Unusable};
use crate::config::{HttpTlsConfig, TlsVersion};
use crate::model::Clock;
use crate::telemetry::Metrics;

/// The protocols that are offered (RFC 7301), the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

static ALL_VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
static NEWEST_VERSION: &[&SupportedProtocolVersion] = &[&TLS13];

type Chain = Vec<CertificateDer<'static>>;
type PrivateKey = PrivateKeyDer<'static>;

/// The files, and what was made of them.
pub struct ServerTls {
    certificate: ReloadingFile<Chain>,
    key: ReloadingFile<PrivateKey>,
    authorities: Option<ReloadingFile<Chain>>,
    versions: &'static [&'static SupportedProtocolVersion],
    /// Whether a connection without a client certificate is let in: what its requests get is for authentication to say.
    optional: bool,
    pub(super) handshake_timeout: Duration,
    current: RwLock<CurrentAcceptor>,
    /// The files that were tried last and did not fit together.
    rejected: Mutex<Option<Files>>,
    pub(super) metrics: Arc<Metrics>,
}

struct CurrentAcceptor {
    files: Files,
    acceptor: TlsAcceptor,
}

/// The contents of the files at one time.
#[derive(Clone)]
struct Files {
    certificate: Arc<Chain>,
    key: Arc<PrivateKey>,
    authorities: Option<Arc<Chain>>,
}

impl Files {
    fn is_same(&self, other: &Self) -> bool {
        let authorities = match (&self.authorities, &other.authorities) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        Arc::ptr_eq(&self.certificate, &other.certificate) && Arc::ptr_eq(&self.key, &other.key) && authorities
    }
}

/// TLS cannot be served with these settings. No message quotes a key.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum InvalidTls {
    #[error(transparent)]
    File(#[from] Unusable),
    #[error("http.tls.certificate_file and http.tls.key_file: {0}")]
    Pair(&'static str),
    #[error("http.tls.client_ca_file: it has no certificate of an authority that can be used")]
    Authorities,
}

impl ServerTls {
    /// Reads the files; `None` where no certificate is configured. With `optional`, clients need not show a certificate.
    ///
    /// # Errors
    /// When a file cannot be read, or they do not fit together.
    pub fn open(settings: &HttpTlsConfig, optional: bool, metrics: Arc<Metrics>) -> Result<Option<Self>, InvalidTls> {
        let (Some(certificate), Some(key)) = (&settings.certificate_file, &settings.key_file) else { return Ok(None) };
        let certificate = ReloadingFile::open("http.tls.certificate_file", certificate, chain)?;
        let key = ReloadingFile::open("http.tls.key_file", key, self::key)?;
        let authorities = settings.client_ca_file.as_deref();
        let authorities =
            authorities.map(|path| ReloadingFile::open("http.tls.client_ca_file", path, chain)).transpose()?;
        let versions: &'static [&'static SupportedProtocolVersion] = match settings.min_version {
            TlsVersion::V12 => ALL_VERSIONS,
            TlsVersion::V13 => NEWEST_VERSION,
        };
        let files = Files {
            certificate: certificate.get(),
            key: key.get(),
            authorities: authorities.as_ref().map(ReloadingFile::get),
        };
        let acceptor = acceptor(&files, versions, optional)?;
        tell_expiry(&files, &metrics);
        Ok(Some(Self {
            certificate,
            key,
            authorities,
            versions,
            optional,
            handshake_timeout: settings.handshake_timeout,
            current: RwLock::new(CurrentAcceptor { files, acceptor }),
            rejected: Mutex::new(None),
            metrics,
        }))
    }

    /// Looks at the files, and takes over what is new.
    pub fn refresh(&self) {
        let files = Files {
            certificate: self.certificate.get(),
            key: self.key.get(),
            authorities: self.authorities.as_ref().map(ReloadingFile::get),
        };
        if self.current.read().files.is_same(&files) {
            return;
        }
        let mut rejected = self.rejected.lock();
        if rejected.as_ref().is_some_and(|rejected| rejected.is_same(&files)) {
            return;
        }
        match acceptor(&files, self.versions, self.optional) {
            Ok(acceptor) => {
                tell_expiry(&files, &self.metrics);
                tracing::info!("new connections use the new certificate");
                *self.current.write() = CurrentAcceptor { files, acceptor };
                *rejected = None;
            }
            Err(problem) => {
                tracing::warn!(%problem, "the former certificate and key stay in use");
                *rejected = Some(files);
            }
        }
    }

    /// The acceptor of handshakes from now on.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.refresh();
        self.current.read().acceptor.clone()
    }

    /// A warning about a certificate that is not valid now.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        let files = self.current.read().files.clone();
        let (from, to) = validity(files.certificate.first()?)?;
        let now = i64::try_from(Clock::since_epoch().as_secs()).unwrap_or(i64::MAX);
        match (now < from, now > to) {
            (true, _) => Some("the certificate is not valid yet"),
            (_, true) => Some("the certificate has expired"),
            _ => None,
        }
    }
}

fn acceptor(
    files: &Files,
    versions: &[&'static SupportedProtocolVersion],
    optional: bool,
) -> Result<TlsAcceptor, InvalidTls> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions);
    let builder = builder.map_err(|_| InvalidTls::Pair("no version of TLS can be served"))?;
    let builder = match &files.authorities {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(authorities.iter().cloned());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if optional { verifier.allow_unauthenticated() } else { verifier };
            builder.with_client_cert_verifier(verifier.build().map_err(|_| InvalidTls::Authorities)?)
        }
    };
    let pair = builder.with_single_cert(files.certificate.to_vec(), files.key.clone_key());
    let mut config = pair.map_err(|_| InvalidTls::Pair("the key is not the one of the first certificate"))?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    if files.authorities.is_some() {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn chain(text: &str) -> Result<Chain, String> {
    let chain = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Chain, _>>();
    match chain {
        Ok(chain) if !chain.is_empty() && chain.iter().all(|certificate| validity(certificate).is_some()) => Ok(chain),
        _ => Err("it is not a PEM file of certificates".to_owned()),
    }
}

fn key(text: &str) -> Result<PrivateKey, String> {
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|_| "it is not a PEM file with a private key that is not encrypted")?;
    match aws_lc_rs::default_provider().key_provider.load_private_key(key.clone_key()) {
        Ok(_) => Ok(key),
        Err(_) => {
            Err("its key is none that TLS is served with: RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, \
                       or Ed25519"
                .to_owned())
        }
    }
}

/// From when to when a certificate is valid, in seconds of Unix time.
fn validity(certificate: &[u8]) -> Option<(i64, i64)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some((certificate.validity.not_before.timestamp(), certificate.validity.not_after.timestamp()))
}

fn tell_expiry(files: &Files, metrics: &Metrics) {
    if let Some((_, expiry)) = files.certificate.first().and_then(|certificate| validity(certificate)) {
        metrics.listener().certificate_expires(expiry);
    }
}
