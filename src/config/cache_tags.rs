//! Cache tags, and the webhook that tells of those that have changed.

use std::path::PathBuf;
use std::time::Duration;

use super::value::HttpUrl;

section! {
    /// Cache tags: names of what an answer was made from, by which routers and CDNs in front of the service drop it again. They are
    /// keyed hashes, and hold no personal data.
    pub struct CacheTagsConfig in "cache_tags" {
        /// Whether answers have tags for routers, in `extensions.apolloCacheTags` and `extensions.apolloEntityCacheTags`. With a
        /// secret of routers (`federation.secret_file`), only answers to requests that carry it.
        pub extensions: bool = false,
        /// Whether answers have a `Cache-Tag` header, for CDNs.
        pub header: bool = false,
        /// The maximum number of tags of an answer. One that has more is marked `no-store`.
        pub limit: usize = 4_000,
        /// The name of the environment variable with the secret that tags are made with, of at least 16 characters. The same on
        /// all replicas.
        pub secret_env: Option<String> = None,
        /// The file that holds that secret. It is read at the start.
        pub secret_file: Option<PathBuf> = None,
        /// Where to post the tags of teams that have changed: a router's invalidation endpoint. Without it nothing is posted.
        pub webhook_url: Option<HttpUrl> = None,
        /// The hosts that `cache_tags.webhook_url` may name.
        pub webhook_hosts: Vec<String> = Vec::new(),
        /// Whether `cache_tags.webhook_url` may be http on another machine: the secret then travels in the clear.
        pub webhook_allow_http: bool = false,
        /// The name of the environment variable with what is sent in `authorization`: the router's shared key.
        pub webhook_secret_env: Option<String> = None,
        /// The file that holds it. It is read again when it changes.
        pub webhook_secret_file: Option<PathBuf> = None,
        /// The name that this service has in the supergraph.
        pub webhook_subgraph: String = "team".to_owned(),
        /// The timeout of a post.
        pub webhook_timeout: Duration = Duration::from_secs(2),
        /// The maximum number of posts in a minute while they fail.
        pub webhook_retries: u32 = 30,
        /// The maximum number of tags that wait to be posted. Further ones are dropped and counted.
        pub webhook_queue_limit: usize = 10_000,
    }
}
