//! Connects to the tier: TCP, TLS or a Unix socket, and asks it what it is before it is used.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::BuilderVerifierExt as _;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::dial::{INFO_LIMIT, RedisAddress, greet, tcp};
use super::error::TierError;
use super::link::Link;
use super::sentinel;

/// How long connecting may take, with all that is said before the connection is used.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How a tier's refusal begins that is in protected mode, and how long it is waited for.
const PROTECTED: [u8; 7] = *b"-DENIED";
const REFUSAL_WAIT: Duration = Duration::from_millis(200);
/// The oldest version whose scripts may say that they run without memory.
const OLDEST: (u32, u32) = (7, 0);

/// The tier's information about itself.
#[derive(Clone, Debug)]
pub struct TierInfo {
    /// Its version.
    pub version: String,
    /// Its eviction policy.
    pub policy: String,
    /// Copies that are connected to it.
    pub copies: u32,
}

/// Knows how to connect.
pub(super) struct Connector {
    address: Address,
    login: RedisConnectionInfo,
}

enum Address {
    Tcp(RedisAddress, Option<TlsConnector>),
    /// The primary of this name, whose address the Sentinels know.
    Named(String, Vec<RedisAddress>, Option<TlsConnector>),
    Unix(PathBuf),
}

impl Connector {
    /// Reads the address: `redis://`, `rediss://` or `redis+unix://`, with user name and database. Where there are Sentinels, its
    /// host is the name of the primary as they know it.
    pub(super) fn new(
        url: &str,
        sentinels: &[String],
        password: Option<&SecretString>,
        ca_pem: Option<&[u8]>,
    ) -> Result<Self, TierError> {
        let wrong =
            TierError::Setting("cluster.url: expected redis://, rediss:// or redis+unix:// with a host or a path");
        let sentinels = sentinels.iter().map(|text| sentinel::read_address(text)).collect::<Option<Vec<_>>>();
        let sentinels = sentinels.ok_or(TierError::Setting("cluster.sentinels: expected host:port each"))?;
        let secure = url.strip_prefix("rediss://");
        let plain = secure.map_or_else(|| url.to_owned(), |rest| format!("redis://{rest}"));
        let info = plain.as_str().into_connection_info().map_err(|_| wrong.clone())?;
        let secure = secure.map(|_| tls(ca_pem)).transpose()?;
        let address = match info.addr() {
            ConnectionAddr::Tcp(host, port) if sentinels.is_empty() => Address::Tcp((host.clone(), *port), secure),
            ConnectionAddr::Tcp(name, _) => Address::Named(name.clone(), sentinels, secure),
            ConnectionAddr::Unix(path) if sentinels.is_empty() => Address::Unix(path.clone()),
            _ => return Err(wrong),
        };
        let login = info.redis_settings().clone();
        let login = match password {
            Some(password) => login.set_password(password.expose_secret()),
            None => login,
        };
        Ok(Self { address, login })
    }

    /// Connects, and asks what the tier is.
    pub(super) async fn connect(&self) -> Result<(Link, TierInfo), TierError> {
        timeout(CONNECT_TIMEOUT, self.open()).await.unwrap_or(Err(TierError::Away))
    }

    async fn open(&self) -> Result<(Link, TierInfo), TierError> {
        let link = match &self.address {
            Address::Tcp(address, tls) => self.reach(address, tls.as_ref()).await?,
            Address::Named(name, sentinels, tls) => {
                self.reach(&sentinel::primary(name, sentinels).await?, tls.as_ref()).await?
            }
            Address::Unix(path) => {
                greet(UnixStream::connect(path).await.map_err(|_| TierError::Away)?, &self.login).await?
            }
        };
        let info = inspect(&link).await?;
        Ok((link, info))
    }

    async fn reach(&self, address: &RedisAddress, tls: Option<&TlsConnector>) -> Result<Link, TierError> {
        let stream = tcp(address).await?;
        let Some(tls) = tls else {
            return match greet(stream, &self.login).await {
                Err(TierError::Away) => Err(refusal(address).await),
                greeted => greeted,
            };
        };
        let name = ServerName::try_from(address.0.clone());
        let name =
            name.map_err(|_| TierError::Setting("cluster.url: its host is no name that a certificate can have"))?;
        greet(tls.connect(name, stream).await.map_err(|_| TierError::Away)?, &self.login).await
    }
}

/// Why a tier hangs up: in protected mode it says so before anything is asked, and is gone before an answer can be read.
async fn refusal(address: &RedisAddress) -> TierError {
    let said = async {
        let mut said = [0; PROTECTED.len()];
        tcp(address).await.ok()?.read_exact(&mut said).await.ok()?;
        Some(said)
    };
    match timeout(REFUSAL_WAIT, said).await {
        Ok(Some(said)) if said == PROTECTED => TierError::Protected,
        _ => TierError::Away,
    }
}

/// Asks the tier for what decides whether it can be used.
async fn inspect(link: &Link) -> Result<TierInfo, TierError> {
    let section = async |name: &str| -> Result<String, TierError> {
        let reply = link.call(redis::cmd("INFO").arg(name), INFO_LIMIT, CONNECT_TIMEOUT).await?;
        redis::from_redis_value::<String>(reply).map_err(|_| TierError::Garbage)
    };
    let (server, memory, copies) = (section("server").await?, section("memory").await?, section("replication").await?);
    let field = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim));
        line.filter(|value| value.len() <= 64).map(str::to_owned)
    };
    let version = field(&server, "redis_version").ok_or(TierError::Garbage)?;
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST {
        return Err(TierError::TooOld(version));
    }
    if field(&server, "redis_mode").is_some_and(|mode| mode == "cluster") {
        return Err(TierError::Clustered);
    }
    if field(&copies, "role").is_some_and(|role| role != "master") {
        return Err(TierError::Copy);
    }
    let policy = field(&memory, "maxmemory_policy").unwrap_or_default();
    if !policy.is_empty() && policy != "noeviction" {
        return Err(TierError::Evicts(policy));
    }
    let copies = field(&copies, "connected_slaves").and_then(|count| count.parse().ok()).unwrap_or(0);
    Ok(TierInfo {
        version: field(&server, "valkey_version").map_or(version, |own| format!("Valkey {own}")),
        policy,
        copies,
    })
}

fn tls(ca_pem: Option<&[u8]>) -> Result<TlsConnector, TierError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|_| TierError::Setting("cluster.url: TLS cannot be used"))?;
    let config = match ca_pem {
        None => builder
            .with_platform_verifier()
            .map_err(|_| TierError::Setting("cluster.url: the system's certificates cannot be read"))?
            .with_no_client_auth(),
        Some(pem) => {
            let wrong = TierError::Setting("cluster.ca_file: expected certificates in PEM");
            let mut roots = rustls::RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| wrong.clone())?;
                roots.add(certificate).map_err(|_| wrong.clone())?;
            }
            if roots.is_empty() {
                return Err(wrong);
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}
