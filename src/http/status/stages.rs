//! The status of the stages behind the listener, arranged for the page: by names that reveal nothing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::log_names::LogNames;
use crate::model::{ClusterStatus, CredentialId, KeptRoster, Pause, RosterStatus, SpentShare, UpstreamStatus};

/// How many of the largest rosters, of the pauses and of the callers are shown.
const SHOWN: usize = 10;
/// The ages that rosters are counted by, in seconds.
const AGES: [u64; 4] = [60, 300, 900, 3600];

/// Asks the stages that this one does not know.
pub trait StatusSource: Send + Sync {
    /// How the rosters are.
    fn rosters(&self) -> RosterStatus;
    /// The status of the calls to the vendor.
    fn upstream(&self) -> UpstreamStatus;
    /// How the replicas are, where there are any.
    fn cluster(&self) -> Option<ClusterStatus>;
}

/// Rosters by age: each entry has those that are younger than so many seconds and not counted before, the last one the rest.
pub(super) fn ages(kept: &[KeptRoster]) -> Vec<Value> {
    let mut counts = [(0_u64, 0_u64); AGES.len() + 1];
    for roster in kept {
        let (rosters, bytes) = &mut counts[AGES.partition_point(|age| Duration::from_secs(*age) <= roster.age)];
        *rosters += 1;
        *bytes += roster.bytes as u64;
    }
    let limits = AGES.into_iter().map(Some).chain([None]);
    let entry = |(limit, (rosters, bytes)): (Option<u64>, (u64, u64))| json!({ "youngerThanSeconds": limit, "rosters": rosters, "bytes": bytes });
    limits.zip(counts).map(entry).collect()
}

/// The largest rosters.
pub(super) fn largest(mut kept: Vec<KeptRoster>, names: &LogNames) -> Vec<Value> {
    kept.sort_by_key(|roster| std::cmp::Reverse(roster.bytes));
    let entry = |roster: &KeptRoster| {
        json!({
            "account": names.account(&roster.key.account),
            "members": roster.members,
            "bytes": roster.bytes,
            "ageSeconds": roster.age.as_secs(),
            "stale": roster.stale,
        })
    };
    kept.iter().take(SHOWN).map(entry).collect()
}

/// Why calls are not made now, the longest pause first.
pub(super) fn pauses(upstream: &mut UpstreamStatus, names: &LogNames) -> Vec<Value> {
    upstream.pauses.sort_by_key(|pause| std::cmp::Reverse(pause.left));
    let entry = |pause: &Pause| {
        json!({
            "reason": pause.reason.name(),
            "plan": plan(pause.credential.as_ref(), names),
            "secondsLeft": pause.left.as_secs_f64().ceil() as u64,
        })
    };
    upstream.pauses.iter().take(SHOWN).map(entry).collect()
}

/// The callers that have spent most of shared plans.
pub(super) fn callers(upstream: &mut UpstreamStatus, names: &LogNames) -> Vec<Value> {
    upstream.shares.sort_by_key(|share| std::cmp::Reverse(share.calls));
    let entry = |share: &SpentShare| {
        json!({
            "caller": names.caller(share.caller),
            "plan": plan(share.credential.as_ref(), names),
            "calls": share.calls,
            "limit": share.limit,
        })
    };
    upstream.shares.iter().take(SHOWN).map(entry).collect()
}

/// The replicas; null where there is no tier.
pub(super) fn cluster(status: Option<ClusterStatus>) -> Value {
    let Some(ClusterStatus { replicas, joined, up: (leases, values) }) = status else { return Value::Null };
    json!({ "replicas": replicas, "joined": joined, "leasesUp": leases, "valuesUp": values })
}

/// The name of a plan; null for one that all credentials share.
fn plan(credential: Option<&CredentialId>, names: &LogNames) -> Option<String> {
    credential.map(|id| names.credential(id))
}
