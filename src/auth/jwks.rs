//! The issuer's keys: a JWKS from a URL or a file, each key bound to one algorithm.
//!
//! A URL is asked again when a token names a key that is not there, and now and then while it is used; at most once in an
//! interval (30 s by default) however many ask. What cannot be used replaces nothing: the last good keys stay. Only the configured place is ever asked;
//! what a token says of keys (`jku`, `x5u`, `jwk`) is not read.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::StreamExt;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::redirect;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::reloading_file::{ReloadingFile, Unusable};
use crate::config::HttpUrl;

/// After how many of the shortest times between two fetches the keys are fetched again beside a request that uses them.
const REFRESH_AFTER: u32 = 20;
/// How long a fetch may take in all.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest set that is read, in bytes.
const LENGTH_LIMIT: usize = 1 << 20;
/// The most keys that are looked at.
const KEYS_LIMIT: usize = 100;

/// Where the keys come from.
pub(super) enum Jwks {
    Url(Arc<Remote>),
    File(ReloadingFile<KeySet>),
}

/// The keys of a set that can be used here.
pub(super) struct KeySet(Vec<VerificationKey>);

/// A key, and the one algorithm that it is for.
#[derive(Clone)]
pub(super) struct VerificationKey {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// Why there is no key.
pub(super) enum NoKey {
    /// None of the keys is meant, or the one that is is not for this algorithm.
    Unknown,
    /// There have never been any keys; when to ask again.
    NoKeys(Duration),
}

impl Jwks {
    pub(super) fn file(path: &Path) -> Result<Self, Unusable> {
        ReloadingFile::open("jwt.jwks_file", path, |text| KeySet::read(text.as_bytes()).map_err(str::to_owned))
            .map(Self::File)
    }

    /// The keys at a URL, which are fetched at once, beside everything else.
    pub(super) fn url(url: &HttpUrl, interval: Duration) -> Result<Self, reqwest::Error> {
        let remote = Arc::new(Remote::new(url, interval)?);
        tokio::spawn(remote.clone().fetch());
        Ok(Self::Url(remote))
    }

    /// The key of this id for this algorithm; without an id, the only key.
    pub(super) async fn key(&self, id: Option<&str>, algorithm: &str) -> Result<VerificationKey, NoKey> {
        let remote = match self {
            Self::File(file) => return file.get().find(id, algorithm).cloned().ok_or(NoKey::Unknown),
            Self::Url(remote) => remote,
        };
        let known = remote.known();
        if let Some(key) = known.keys.as_ref().and_then(|keys| keys.find(id, algorithm)).cloned() {
            if known.at.elapsed() > remote.interval * REFRESH_AFTER {
                tokio::spawn(remote.clone().fetch());
            }
            return Ok(key);
        }
        // A key of this id that is for another algorithm does not become one for this.
        if known.keys.as_ref().is_none_or(|keys| !keys.has(id)) {
            // In a task of its own: a caller who leaves must not take the one fetch of the interval along.
            let _ = tokio::spawn(remote.clone().fetch()).await;
        }
        let known = remote.known();
        let keys =
            known.keys.as_ref().ok_or_else(|| NoKey::NoKeys(remote.interval.saturating_sub(known.at.elapsed())))?;
        keys.find(id, algorithm).cloned().ok_or(NoKey::Unknown)
    }
}

impl KeySet {
    /// The keys of a JWKS; those that are not for signatures, or not public, are left out.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }

        let set: Set = serde_json::from_slice(bytes).map_err(|_| "it is no JWKS")?;
        if set.keys.len() > KEYS_LIMIT {
            return Err("it has more than 100 keys");
        }
        let keys: Vec<VerificationKey> = set.keys.into_iter().filter_map(VerificationKey::read).collect();
        if keys.is_empty() {
            return Err("it has no key that can be used: RSA, EC (P-256, P-384) or Ed25519, for signatures");
        }
        Ok(Self(keys))
    }

    fn find(&self, id: Option<&str>, algorithm: &str) -> Option<&VerificationKey> {
        let key = match id {
            Some(_) => self.0.iter().find(|key| key.id.as_deref() == id && key.is_for(algorithm)),
            None => self.0.first().filter(|_| self.0.len() == 1),
        };
        key.filter(|key| key.is_for(algorithm))
    }

    fn has(&self, id: Option<&str>) -> bool {
        id.is_some() && self.0.iter().any(|key| key.id.as_deref() == id)
    }
}

impl VerificationKey {
    fn read(value: Value) -> Option<Self> {
        let jwk = Jwk::deserialize(value).ok()?;
        if jwk.common.public_key_use.as_ref().is_some_and(|meant| *meant != PublicKeyUse::Signature) {
            return None;
        }
        let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
            (AlgorithmParameters::RSA(_), named) => match named.unwrap_or(KeyAlgorithm::RS256) {
                KeyAlgorithm::RS256 => Algorithm::RS256,
                KeyAlgorithm::RS384 => Algorithm::RS384,
                KeyAlgorithm::RS512 => Algorithm::RS512,
                KeyAlgorithm::PS256 => Algorithm::PS256,
                KeyAlgorithm::PS384 => Algorithm::PS384,
                KeyAlgorithm::PS512 => Algorithm::PS512,
                _ => return None,
            },
            (AlgorithmParameters::EllipticCurve(curve), named) => match (&curve.curve, named) {
                (EllipticCurve::P256, None | Some(KeyAlgorithm::ES256)) => Algorithm::ES256,
                (EllipticCurve::P384, None | Some(KeyAlgorithm::ES384)) => Algorithm::ES384,
                _ => return None,
            },
            (AlgorithmParameters::OctetKeyPair(pair), None | Some(KeyAlgorithm::EdDSA))
                if pair.curve == EllipticCurve::Ed25519 =>
            {
                Algorithm::EdDSA
            }
            // A shared secret, or something newer, proves nothing about who signed.
            _ => return None,
        };
        Some(Self { id: jwk.common.key_id.clone(), algorithm, key: DecodingKey::from_jwk(&jwk).ok()? })
    }

    fn is_for(&self, algorithm: &str) -> bool {
        format!("{:?}", self.algorithm) == algorithm
    }
}

/// KeySet at a URL.
pub(super) struct Remote {
    http: reqwest::Client,
    url: String,
    interval: Duration,
    known: RwLock<CachedKeys>,
    /// ServerCredential while a fetch is under way: when the last one began.
    fetching: Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct CachedKeys {
    keys: Option<Arc<KeySet>>,
    /// When they were fetched, or when that was last tried in vain.
    at: Instant,
}

impl Remote {
    fn new(url: &HttpUrl, interval: Duration) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(FETCH_TIMEOUT)
            .connect_timeout(FETCH_TIMEOUT)
            .build()?;
        let known = RwLock::new(CachedKeys { keys: None, at: Instant::now() });
        Ok(Self { http, url: url.as_str().to_owned(), interval, known, fetching: Mutex::default() })
    }

    fn known(&self) -> CachedKeys {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys, unless that was tried a short time ago; whoever comes while it is under way waits for it.
    async fn fetch(self: Arc<Self>) {
        let mut last = self.fetching.lock().await;
        if last.is_some_and(|last| last.elapsed() < self.interval) {
            return;
        }
        *last = Some(Instant::now());
        let fetched = self.ask().await;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.at = Instant::now();
        match fetched {
            Ok(keys) => known.keys = Some(Arc::new(keys)),
            Err(problem) => {
                tracing::warn!(problem, "jwt.jwks_url gave no keys that can be used; the last good ones stay");
            }
        }
    }

    async fn ask(&self) -> Result<KeySet, &'static str> {
        let response = self.http.get(&self.url).send().await.map_err(|_| "it cannot be reached")?;
        if response.status() != reqwest::StatusCode::OK {
            return Err("it did not answer with 200");
        }
        let mut bytes = Vec::new();
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(|_| "its answer broke off")?);
            if bytes.len() > LENGTH_LIMIT {
                return Err("it is longer than 1 MiB");
            }
        }
        KeySet::read(&bytes)
    }
}
