//! Sealed values in the tier: each under a keyed name, with a time to live, and bounded in size.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::Value;

use super::cipher::Cipher;
use super::names::Names;
use super::tier::{Tier, TierError};

/// Reads and writes values.
pub struct SharedValues {
    tier: Arc<Tier>,
    names: Names,
    cipher: Arc<Cipher>,
    /// The longest value that is written or read.
    limit: usize,
}

/// A value that was read, and the marks that were read with it.
#[derive(Debug, Default)]
pub struct MarkedValue {
    /// The value, and how long it has still to live.
    pub value: Option<(Vec<u8>, Duration)>,
    /// The marks, in the order that they were asked for.
    pub marks: Vec<Option<Vec<u8>>>,
}

/// A claim to do something that the others then wait for.
#[derive(Debug)]
pub struct Claim {
    name: String,
    token: String,
}

/// Removes a claim that is still ours.
const RELEASE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// Prolongs a claim that is still ours.
const RENEW: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0";

impl SharedValues {
    pub(super) fn new(tier: Arc<Tier>, names: Names, cipher: Arc<Cipher>, limit: usize) -> Self {
        Self { tier, names, cipher, limit }
    }

    /// How long an answer may take.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.tier.wait()
    }

    /// How names are made.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Seals a short text that is kept inside another record; `kind` is authenticated with it.
    #[must_use]
    pub fn seal(&self, kind: &str, plain: &[u8]) -> Option<String> {
        self.cipher.seal(kind, plain).map(|sealed| URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`seal`](Self::seal) has sealed.
    #[must_use]
    pub fn open(&self, kind: &str, sealed: &str) -> Option<Vec<u8>> {
        self.cipher.open(kind, &URL_SAFE_NO_PAD.decode(sealed).ok()?)
    }

    /// Whether the tier is there, as far as is known.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.tier.is_up()
    }

    /// Round trips that were made.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.tier.round_trips()
    }

    /// Reads a value and some marks, in one round trip. A value that cannot be opened is none.
    ///
    /// # Errors
    /// When the tier is away.
    pub async fn read(&self, name: &str, marks: &[&str]) -> Result<MarkedValue, TierError> {
        let mut commands = redis::pipe();
        commands.cmd("GET").arg(name).cmd("PTTL").arg(name);
        for mark in marks {
            commands.cmd("GET").arg(mark);
        }
        let mut values = match self.tier.call_all(&commands, self.limit + (4 << 10)).await {
            Ok(values) => values.into_iter(),
            Err(TierError::Garbage) => {
                tracing::warn!("a record in the cluster's tier is not of our kind: it is taken for missing");
                return Ok(MarkedValue::default());
            }
            Err(error) => return Err(error),
        };
        let sealed = values.next().and_then(bytes);
        let ttl = match values.next() {
            Some(Value::Int(millis)) => u64::try_from(millis).ok().map(Duration::from_millis),
            _ => None,
        };
        let plain = sealed.as_deref().and_then(|sealed| self.cipher.open(name, sealed));
        if sealed.is_some() && plain.is_none() {
            tracing::warn!("a record in the cluster's tier cannot be opened: it is taken for missing");
        }
        Ok(MarkedValue { value: plain.zip(ttl), marks: values.map(bytes).collect() })
    }

    /// How long a value has still to live; `None` where there is none.
    ///
    /// # Errors
    /// When the tier is away.
    pub async fn lives(&self, name: &str) -> Result<Option<Duration>, TierError> {
        match self.tier.call(redis::cmd("PTTL").arg(name), 4 << 10).await? {
            Value::Int(millis) => Ok(u64::try_from(millis).ok().map(Duration::from_millis)),
            _ => Err(TierError::Garbage),
        }
    }

    /// Writes a value, and releases a claim.
    ///
    /// # Errors
    /// When the tier is away.
    pub async fn write(&self, name: &str, plain: &[u8], ttl: Duration, claim: Option<&Claim>) -> Result<(), TierError> {
        let sealed = self.cipher.seal(name, plain).filter(|sealed| sealed.len() <= self.limit && !ttl.is_zero());
        let mut commands = redis::pipe();
        if let Some(sealed) = sealed {
            commands.cmd("SET").arg(name).arg(sealed).arg("PX").arg(millis(ttl));
        }
        if let Some(claim) = claim {
            commands.cmd("EVAL").arg(RELEASE).arg(1).arg(&claim.name).arg(&claim.token);
        }
        if commands.is_empty() {
            return Ok(());
        }
        self.tier.call_all(&commands, 4 << 10).await.map(drop)
    }

    /// Writes marks, each with a time to live. They are not sealed.
    ///
    /// # Errors
    /// When the tier is away.
    pub async fn mark(&self, marks: &[(&str, &str)], ttl: Duration) -> Result<(), TierError> {
        let mut commands = redis::pipe();
        for (name, mark) in marks {
            commands.cmd("SET").arg(name).arg(mark).arg("PX").arg(millis(ttl));
        }
        self.tier.call_all(&commands, 4 << 10).await.map(drop)
    }

    /// Claims something for so long; `None` when another replica has.
    ///
    /// # Errors
    /// When the tier is away.
    pub async fn claim(&self, name: &str, ttl: Duration) -> Result<Option<Claim>, TierError> {
        let token = format!("{:032x}", fastrand::u128(..));
        let command = {
            let mut command = redis::cmd("SET");
            command.arg(name).arg(&token).arg("NX").arg("PX").arg(millis(ttl));
            command
        };
        let won = matches!(self.tier.call(&command, 4 << 10).await?, Value::Okay);
        Ok(won.then(|| Claim { name: name.to_owned(), token }))
    }

    /// Prolongs a claim that is still ours.
    pub async fn renew(&self, claim: &Claim, ttl: Duration) {
        let mut command = redis::cmd("EVAL");
        command.arg(RENEW).arg(1).arg(&claim.name).arg(&claim.token).arg(millis(ttl));
        // It ends otherwise, and another replica loads, too.
        let _ = self.tier.call(&command, 4 << 10).await;
    }

    /// Gives a claim up.
    pub async fn release(&self, claim: &Claim) {
        let mut command = redis::cmd("EVAL");
        command.arg(RELEASE).arg(1).arg(&claim.name).arg(&claim.token);
        // It ends by itself otherwise.
        let _ = self.tier.call(&command, 4 << 10).await;
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}
