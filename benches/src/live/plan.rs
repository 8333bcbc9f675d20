//! A plan that many listened accounts share, watched for some of its windows.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::time::{sleep, sleep_until};

use super::changing_vendor::ChangingVendor;
use super::crowd::{account, caller};
use super::fleet::Fleet;
use super::report::Report;
use super::subscribers::Subscribers;
use crate::figures::{Spread, short};

/// The accounts that share the plan.
pub const SHARING: usize = 100;
/// Its calls in a window, and which of them may be made by the default `budget.utilization`.
pub const PLAN: usize = 1000;
const PLAN_SHARE: usize = 950;

/// What came of it.
pub struct Watched {
    /// The most calls in any window, and all of them.
    most: usize,
    calls: usize,
    /// What subscribers are told of the interval, and what is between two readings of an account, in seconds.
    told: Spread,
    kept: Spread,
}

/// The service's settings for a plan that is renewed with every window of so many seconds.
pub fn settings(window: u64) -> [(&'static str, String); 2] {
    [("budget.calls_per_hour", PLAN.to_string()), ("budget.window", format!("{window}s"))]
}

fn one_caller(account_number: usize) -> String {
    caller("bench", account_number)
}

/// Listens for `windows` windows. For the first `unsettled` of them the first readings, and the start of replicas that may have
/// forgotten what was spent before, let the interval be another one.
pub async fn watch(
    server: &Fleet,
    vendor: &ChangingVendor,
    window: Duration,
    windows: u32,
    unsettled: f64,
) -> Result<Watched> {
    vendor.set_changing(true);
    let began = Instant::now();
    let all = Subscribers::connect(&server.addresses(), SHARING * server.len(), SHARING, &one_caller).await?;
    sleep(window.mul_f64(unsettled)).await;
    let settled = Instant::now();
    sleep_until((began + window * windows).into()).await;
    all.check()?;
    let calls: Vec<Vec<Instant>> = (0..SHARING).map(|n| vendor.calls(&account(n)).all).collect();
    let mut sorted: Vec<Instant> = calls.iter().flatten().copied().collect();
    sorted.sort_unstable();
    let within = |n: usize| sorted[n..].partition_point(|call| *call < sorted[n] + window);
    let most = (0..sorted.len()).map(within).max().unwrap_or(0);
    let kept: Vec<f64> = calls
        .iter()
        .flat_map(|calls| calls.windows(2).filter(|pair| pair[0] >= settled))
        .map(|pair| (pair[1] - pair[0]).as_secs_f64())
        .collect();
    ensure!(!kept.is_empty(), "no team was read twice");
    let told = Spread::of((0..SHARING * server.len()).map(|n| all.interval(n)).collect());
    Ok(Watched { most, calls: sorted.len(), told, kept: Spread::of(kept) })
}

impl Watched {
    /// Tells it of a service, by `name`.
    pub fn tell(&self, report: &mut Report, name: &str, window: u64, windows: u32) {
        report.add(
            &format!(
                "calls of a plan of {PLAN} in any window ({window} s here), {SHARING} accounts listened to, {name}"
            ),
            format!("at most {} ({PLAN_SHARE} allowed), {} in {windows} windows", self.most, self.calls),
            self.most <= PLAN_SHARE,
        );
        let (told, kept) = (&self.told, &self.kept);
        report.add(
            &format!("interval told, and kept, {name}"),
            format!(
                "{} s told; {} s between readings (median; {} to {})",
                short(told.median),
                short(kept.median),
                short(kept.least),
                short(kept.greatest)
            ),
            (0.9 * told.least..=1.15 * told.greatest + 1.0).contains(&kept.median)
                && kept.greatest <= 1.3 * told.greatest + 1.0,
        );
    }
}
