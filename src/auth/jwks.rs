//! The issuer's keys: a JWKS from a URL or a file, each key bound to one algorithm.
//!
//! A URL is fetched again when a token names an unknown key, and now and then while its keys are used; at most once in an
//! interval (30 s by default). A fetch that fails replaces nothing: the last good keys stay, but only up to a maximum age, so
//! that a withdrawn key does not live on for as long as the fetches fail. Only the configured place is ever fetched; what a
//! token says of keys (`jku`, `x5u`, `jwk`) is not read.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::{RwLock, RwLockReadGuard};
use reqwest::redirect;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::reloading_file::{ReloadingFile, Unusable};
use crate::config::{self, HttpUrl};
use crate::model::Clock;
use crate::telemetry::Metrics;

/// After how many of the shortest times between two fetches the keys are fetched again beside a request that uses them.
const REFRESH_AFTER: u32 = 20;
/// How long a fetch may take in all.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest set that is read, in bytes.
const LENGTH_LIMIT: usize = 1 << 20;
/// The most keys that are looked at.
const KEYS_LIMIT: usize = 100;
/// The name that RFC 9864 gives EdDSA with the curve Ed25519.
const ED25519: &str = "Ed25519";
/// The byte order mark that some senders put in front of a JSON text (RFC 8259, 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

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
    /// There have never been any keys, or the last ones are too old; when to ask again.
    NoKeys(Duration),
}

impl Jwks {
    pub(super) fn file(path: &Path) -> Result<Self, Unusable> {
        ReloadingFile::open("jwt.jwks_file", path, |text| KeySet::read(text.as_bytes()).map_err(str::to_owned))
            .map(Self::File)
    }

    /// The keys at a URL, which are fetched at once, beside everything else.
    pub(super) fn url(
        url: &HttpUrl,
        settings: &config::JwtConfig,
        metrics: Arc<Metrics>,
    ) -> Result<Self, reqwest::Error> {
        let remote = Arc::new(Remote::new(url, settings, metrics)?);
        remote.start_fetch();
        Ok(Self::Url(remote))
    }

    /// Goes on with the keys that were fetched from the same URL.
    pub(super) fn succeed(&self, former: &Self) {
        if let (Self::Url(new), Self::Url(old)) = (self, former)
            && new.url == old.url
        {
            let fetched = old.state().fetched.clone();
            let mut state = new.state.write();
            state.fetched = state.fetched.take().or(fetched);
        }
    }

    /// The key of this id for this algorithm; without an id, the only key.
    pub(super) async fn key(&self, id: Option<&str>, algorithm: &str) -> Result<VerificationKey, NoKey> {
        let remote = match self {
            Self::File(file) => return file.get().find(id, algorithm).cloned().ok_or(NoKey::Unknown),
            Self::Url(remote) => remote,
        };
        let known = remote.known();
        if let Some(key) = known.as_ref().and_then(|known| known.keys.find(id, algorithm)).cloned() {
            if remote.is_refresh_due() {
                remote.start_fetch();
            }
            return Ok(key);
        }
        // A key of this id that is for another algorithm does not become one for this.
        if known.is_none_or(|known| !known.keys.has(id)) {
            let _ = remote.start_fetch().await;
        }
        let known = remote.known().ok_or_else(|| NoKey::NoKeys(remote.next_fetch_in()))?;
        known.keys.find(id, algorithm).cloned().ok_or(NoKey::Unknown)
    }
}

impl KeySet {
    /// The keys of a JWKS; those that are not for signatures, or not public, are left out.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }

        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
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
    fn read(mut value: Value) -> Option<Self> {
        if let Some(algorithm) = value.get_mut("alg")
            && algorithm == ED25519
        {
            // The library has only the older name.
            *algorithm = "EdDSA".into();
        }
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
        // RFC 9864 names EdDSA by its curve; Ed25519 is the only one that is read here.
        let algorithm = if algorithm == ED25519 { "EdDSA" } else { algorithm };
        format!("{:?}", self.algorithm) == algorithm
    }
}

/// KeySet at a URL.
pub(super) struct Remote {
    http: reqwest::Client,
    url: String,
    /// The shortest time between two fetches.
    interval: Duration,
    /// The age at which keys are fetched again beside a request that uses them, and the one at which they are not used.
    refresh_after: Duration,
    age_limit: Duration,
    state: RwLock<JwksState>,
    /// Held while a fetch is under way.
    fetching: Mutex<()>,
    metrics: Arc<Metrics>,
}

/// The fetched keys, and the time of the last attempt: a fetch that failed makes keys no younger.
#[derive(Default)]
struct JwksState {
    fetched: Option<FetchedKeys>,
    tried_at: Option<Instant>,
}

#[derive(Clone)]
struct FetchedKeys {
    keys: Arc<KeySet>,
    at: Instant,
}

impl Remote {
    fn new(url: &HttpUrl, settings: &config::JwtConfig, metrics: Arc<Metrics>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(FETCH_TIMEOUT)
            .connect_timeout(FETCH_TIMEOUT)
            .build()?;
        let (interval, age_limit) = (settings.fetch_interval, settings.keys_max_age);
        Ok(Self {
            http,
            url: url.as_str().to_owned(),
            interval,
            refresh_after: (interval * REFRESH_AFTER).min(age_limit / 2),
            age_limit,
            state: RwLock::default(),
            fetching: Mutex::default(),
            metrics,
        })
    }

    /// The keys, where there are any that are not too old.
    fn known(&self) -> Option<FetchedKeys> {
        self.state().fetched.clone().filter(|fetched| Clock::elapsed_since(fetched.at) < self.age_limit)
    }

    fn is_refresh_due(&self) -> bool {
        let state = self.state();
        state.fetched.as_ref().is_none_or(|fetched| Clock::elapsed_since(fetched.at) > self.refresh_after)
            && state.tried_at.is_none_or(|tried| Clock::elapsed_since(tried) >= self.interval)
    }

    fn next_fetch_in(&self) -> Duration {
        self.state().tried_at.map_or(Duration::ZERO, |tried| self.interval.saturating_sub(Clock::elapsed_since(tried)))
    }

    fn state(&self) -> RwLockReadGuard<'_, JwksState> {
        self.state.read()
    }

    /// Fetches the keys in a task of its own: a caller who leaves must not cancel the one fetch of the interval.
    #[expect(clippy::disallowed_methods, reason = "one fetch at a time, and it ends with its timeout")]
    fn start_fetch(self: &Arc<Self>) -> JoinHandle<()> {
        tokio::spawn(self.clone().fetch())
    }

    /// Fetches the keys, unless that was tried a short time ago. Concurrent callers wait for one fetch.
    async fn fetch(self: Arc<Self>) {
        let _fetching = self.fetching.lock().await;
        let started = Clock::instant();
        if self.state().tried_at.is_some_and(|tried| started - tried < self.interval) {
            return;
        }
        let fetched = self.ask().await;
        self.metrics.jwks_fetched(fetched.is_ok());
        if fetched.is_ok() {
            let now = Clock::since_epoch().as_secs();
            self.metrics.listener().keys_fetched(i64::try_from(now).unwrap_or(i64::MAX));
        }
        let mut state = self.state.write();
        state.tried_at = Some(started);
        match fetched {
            // As old as the question: the answer may have been made as soon as it was asked.
            Ok(keys) => state.fetched = Some(FetchedKeys { keys: Arc::new(keys), at: started }),
            Err(problem) => {
                tracing::warn!(
                    problem,
                    "jwt.jwks_url gave no keys that can be used; the last ones stay until they are too old"
                );
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
