//! The state that replicas share, put together: one connection for leases, whose answers are short and whose time
//! matters, and one for values and notices.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::cipher::{Cipher, InvalidKeys};
use super::leases::{LeaseSettings, Leases, Timing};
use super::names::Names;
use super::notices::Notices;
use super::pacing::Pacing;
use super::tier::{Tier, TierError, TierInfo};
use super::values::SharedValues;
use crate::config::ClusterConfig;
use crate::model::{Clock, ClusterStatus};
use crate::telemetry::Metrics;

/// The key that names are hashed with where no file of keys is configured. It is public, so it hides nothing.
const OPEN_NAMES: &[u8] = b"flowmatix-graphql";
/// How long a start waits for the others to know this replica, beyond the length of a lease.
const JOIN_BEATS: u32 = 6;

/// The secrets that come from files and the environment.
#[derive(Default)]
pub struct ClusterSecrets {
    /// The tier's password.
    pub password: Option<SecretString>,
    /// The text of the file of keys.
    pub keys: Option<SecretString>,
    /// The certificates to trust.
    pub ca_pem: Option<Vec<u8>>,
}

/// Why there can be no cluster. The texts are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCluster {
    /// The file of keys cannot be used.
    #[error("cluster.key_file: {0}")]
    Keys(InvalidKeys),
    /// The tier cannot be used.
    #[error("cluster.url: {0}")]
    Tier(TierError),
}

/// The state that replicas share.
pub struct Cluster {
    /// The leases of plans.
    pub leases: Arc<Leases>,
    /// Sealed values.
    pub values: Arc<SharedValues>,
    /// Notices between replicas.
    pub notices: Arc<Notices>,
    /// The paces that all replicas keep together.
    pub pacing: Pacing,
    ledger_tier: Arc<Tier>,
    value_tier: Arc<Tier>,
    join_limit: Duration,
}

impl Cluster {
    /// The shared state that these settings ask for; `None` where they ask for none. `late` is how long after its start
    /// a call may be counted by the vendor.
    ///
    /// # Errors
    /// When the keys, the address or the certificates cannot be used.
    pub fn new(
        settings: &ClusterConfig,
        secrets: &ClusterSecrets,
        window: Duration,
        late: Duration,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Self>, InvalidCluster> {
        let Some(url) = &settings.url else { return Ok(None) };
        let (cipher, secret) = match &secrets.keys {
            Some(text) => Cipher::read(text.expose_secret()).map_err(InvalidCluster::Keys)?,
            None => (Cipher::plaintext(), OPEN_NAMES.to_vec()),
        };
        let names = Names::new(&secret, &settings.prefix);
        let tier = || {
            let (password, ca) = (secrets.password.as_ref(), secrets.ca_pem.as_deref());
            let tier = Tier::new(url.as_str(), &settings.sentinels, password, ca, settings.timeout, metrics.clone());
            tier.map(Arc::new).map_err(InvalidCluster::Tier)
        };
        let (ledger_tier, value_tier) = (tier()?, tier()?);
        let timing = Timing::new(window, settings.lease_time, late, settings.offline_calls > 0);
        let leased = LeaseSettings { offline_calls: settings.offline_calls, confirmations: settings.confirmations };
        // Of this process alone: a restart is another replica.
        let replica = format!("{:032x}", fastrand::Rng::new().u128(..));
        let leases =
            Leases::new(ledger_tier.clone(), replica.clone(), names.single("state"), timing, leased, metrics.clone());
        let limit = usize::try_from(settings.value_limit.as_u64()).unwrap_or(usize::MAX);
        let notices = Arc::new(Notices::new(value_tier.clone(), &names, &replica));
        let pacing = Pacing::new(value_tier.clone());
        let values = Arc::new(SharedValues::new(value_tier.clone(), names, Arc::new(cipher), limit));
        let join_limit = settings.lease_time + JOIN_BEATS * timing.beat;
        Ok(Some(Self { leases, values, notices, pacing, ledger_tier, value_tier, join_limit }))
    }

    /// Connects, and joins the other replicas. A tier that is away is waited for in the background.
    ///
    /// # Errors
    /// When the tier is there and cannot be used.
    pub async fn start(&self) -> Result<(), InvalidCluster> {
        for (name, tier) in [("leases", &self.ledger_tier), ("values", &self.value_tier)] {
            match tier.connect().await {
                Ok(info) => tracing::info!(
                    connection = name,
                    version = info.version,
                    copies = info.copies,
                    "joined the cluster's tier"
                ),
                Err(TierError::Away) => {}
                Err(error) => return Err(InvalidCluster::Tier(error)),
            }
            tier.keep_connected(name);
        }
        self.leases.start();
        self.notices.start();
        self.leases.joined(self.join_limit).await;
        Ok(())
    }

    /// Connects once, and says what the tier is and how long a round trip takes.
    ///
    /// # Errors
    /// When it is away, or cannot be used.
    pub async fn probe(&self) -> Result<(TierInfo, Duration), InvalidCluster> {
        let info = self.value_tier.connect().await.map_err(InvalidCluster::Tier)?;
        let asked = Clock::instant();
        self.value_tier.call(&redis::cmd("PING"), 1 << 10).await.map_err(InvalidCluster::Tier)?;
        Ok((info, Clock::elapsed_since(asked)))
    }

    /// How the replicas are.
    #[must_use]
    pub fn status(&self) -> ClusterStatus {
        let (replicas, joined) = self.leases.replicas();
        ClusterStatus { replicas, joined, up: (self.ledger_tier.is_up(), self.value_tier.is_up()) }
    }

    /// Leaves the others.
    pub async fn close(&self) {
        self.leases.close().await;
    }
}
