//! The section `cluster`: the tier that replicas share, its keys, and the leases of the budget.

use std::path::PathBuf;
use std::time::Duration;

use super::Size;
use super::value::SettingValue;

section! {
    /// Several replicas on one plan: what they share over Valkey or Redis 7. Without `cluster.url` the service is one process that
    /// shares nothing.
    pub struct ClusterConfig in "cluster" {
        /// The address of Valkey or Redis: `redis://user@host:6379/0`, `rediss://` for TLS, `redis+unix:///path` for a socket.
        pub url: Option<TierUrl> = None,
        /// The addresses of Sentinels, `host:port`. With them the host in `cluster.url` is the name of the primary as they know it.
        pub sentinels: Vec<String> = Vec::new(),
        /// The name of the environment variable that holds its password.
        pub password_env: Option<String> = None,
        /// The file that holds its password.
        pub password_file: Option<PathBuf> = None,
        /// A PEM file of the certificates to trust instead of the system's.
        pub ca_file: Option<PathBuf> = None,
        /// The TOML file of the keys that records are sealed with. `keys cluster` makes one.
        pub key_file: Option<PathBuf> = None,
        /// Whether records are kept in the clear: everybody who reads the tier reads names, e-mail addresses and phone numbers.
        pub plaintext: bool = false,
        /// The prefix of the names of all keys. Services with different prefixes share a tier and nothing else.
        pub prefix: String = "flowmatix".to_owned(),
        /// How long the tier may take to answer; after that it counts as away.
        pub timeout: Duration = Duration::from_millis(50),
        /// How long a replica may use the calls that it was given of the plan without asking again.
        pub lease_time: Duration = Duration::from_secs(5),
        /// Calls of the plan that each replica keeps for when the tier is away. They are taken out of the shared plan.
        pub offline_calls: u32 = 0,
        /// How many replicas of the tier must have confirmed a lease before it is used. Without a value: one, where the tier has
        /// any.
        pub confirmations: Option<u32> = None,
        /// The longest record; a roster that is longer is not shared.
        pub value_limit: Size = Size::mib(16),
    }
}

/// The address of a tier, without a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierUrl(String);

impl TierUrl {
    /// The address as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SettingValue for TierUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let rest = ["redis://", "rediss://", "redis+unix://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.filter(|rest| !rest.is_empty()).ok_or_else(|| format!("expected {}", Self::shape()))?;
        let login = rest.split('/').next().and_then(|authority| authority.rsplit_once('@')).map(|(login, _)| login);
        if login.is_some_and(|login| login.contains(':')) || rest.contains("pass=") {
            return Err(
                "a password does not belong here: see cluster.password_env and cluster.password_file".to_owned()
            );
        }
        Ok(Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }

    fn shape() -> String {
        "a redis://, rediss:// or redis+unix:// URL without password".to_owned()
    }
}
