//! Several replicas, one plan.

mod cache_tags;
mod chaos;
mod counting_vendor;
mod listeners;
mod load;
mod pacing;
mod polls;
mod probes;
mod proxy;
mod redis_server;
mod replicas;
mod script_tier;
mod shared_plan;
mod shared_rosters;
mod shares;
mod simulation;
mod snapshots;
mod status;
mod tier;
mod told;
mod versions;

pub use redis_server::RedisServer;
pub use replicas::keys as cluster_keys;
