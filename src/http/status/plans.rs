//! Plans: the credentials whose plans are spent, by names that reveal nothing, for metrics and the status page.
//!
//! A name is a keyed hash of the credential's identity, the same as long as the process runs. A few credentials are remembered,
//! the ones that were used last.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ahash::RandomState;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::http::log_names::LogNames;
use crate::model::{BudgetShare, Caller, Clock, CredentialId};
use crate::telemetry::Metrics;

/// How many credentials are remembered: each is a few lines of metrics.
const LIMIT: usize = 50;

/// Returns the rest of a plan for its callers.
type AskShare = dyn Fn(&Caller) -> Option<BudgetShare> + Send + Sync;

/// The credentials that were used last.
#[derive(Clone)]
pub struct Plans(Arc<PlansState>);

struct PlansState {
    known: Mutex<HashMap<CredentialId, KnownPlan, RandomState>>,
    share: Box<AskShare>,
    names: LogNames,
}

struct KnownPlan {
    name: Arc<str>,
    caller: Caller,
    used: Instant,
}

/// One plan.
pub(in crate::http) struct BudgetPlan {
    pub(in crate::http) name: Arc<str>,
    pub(in crate::http) share: BudgetShare,
}

impl Plans {
    /// `share` tells what a caller may still spend.
    #[must_use]
    pub fn new(names: LogNames, share: Box<AskShare>) -> Self {
        Self(Arc::new(PlansState { known: Mutex::default(), share, names }))
    }

    /// A caller was let in, whose credential the upstream has accepted.
    pub(in crate::http) fn used(&self, caller: &Caller) {
        let mut known = self.0.known.lock();
        let now = Clock::instant();
        if let Some(seen) = known.get_mut(caller.credential.id()) {
            seen.used = now;
            return;
        }
        if known.len() >= LIMIT {
            let oldest = known.iter().min_by_key(|(_, seen)| seen.used).map(|(id, _)| id.clone());
            oldest.map(|id| known.remove(&id));
        }
        let name = self.0.names.credential(caller.credential.id()).into();
        known.insert(caller.credential.id().clone(), KnownPlan { name, caller: caller.clone(), used: now });
    }

    /// The plans of those credentials, as they are now, by name.
    pub(in crate::http) fn now(&self) -> Vec<BudgetPlan> {
        let callers: Vec<_> =
            self.0.known.lock().values().map(|seen| (seen.name.clone(), seen.caller.clone())).collect();
        // A plan that cannot be told is left out: the metrics are what an operator looks at then.
        let share = |caller: &Caller| catch_unwind(AssertUnwindSafe(|| (self.0.share)(caller))).ok().flatten();
        let plan = |(name, caller): (Arc<str>, Caller)| Some(BudgetPlan { name, share: share(&caller)? });
        let mut plans: Vec<BudgetPlan> = callers.into_iter().filter_map(plan).collect();
        plans.sort_by(|one, other| one.name.cmp(&other.name));
        plans
    }

    /// Names credentials, accounts and callers.
    pub(super) fn names(&self) -> &LogNames {
        &self.0.names
    }

    /// Brings the metrics up to date.
    pub(in crate::http) fn tell(&self, metrics: &Metrics) {
        let plans = self.now();
        let figures = plans.iter().map(|plan| (&*plan.name, plan.share.limit, plan.share.remaining));
        metrics.listener().set_plans(figures);
    }
}
