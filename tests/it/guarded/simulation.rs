//! Simulation on the paused clock: fifty accounts and several tokens, random latencies and refusals, one poisoned tenant,
//! restarts and steps of the wall clock. The vendor counts for itself, and is the judge.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use flowmatix_graphql::model::{ErrorKind, Grant};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::lab::{Call, Lab, Reply, fullest};

const SECOND: Duration = Duration::from_secs(1);
const ACCOUNTS: usize = 50;
/// Tokens 1 to 4 are good, the first of them is the poisoned tenant's; more are unknown to the vendor.
const POISONED: u8 = 1;
const GOOD: u8 = 4;
const TOKENS: u8 = 6;
const WINDOW: Duration = Duration::from_secs(60);
const PLAN: usize = 40;

/// What a tenant whose calls go wrong gets.
const TROUBLE: [Reply; 6] = [
    Reply::Broken,
    Reply::Unavailable,
    Reply::Silence,
    Reply::Fail(ErrorKind::Forbidden),
    Reply::Fail(ErrorKind::RateLimited(Duration::ZERO)),
    Reply::Fail(ErrorKind::Rejected(404)),
];

fn token(call: &Call) -> u8 {
    call.token.strip_prefix("token-").and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// A ledger file of one simulation, removed at its end.
struct LedgerFile(PathBuf);

impl LedgerFile {
    fn new(seed: u64) -> Self {
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        Self(folder.join(format!("flowmatix-simulation-{}-{seed}", std::process::id())))
    }
}

impl Drop for LedgerFile {
    fn drop(&mut self) {
        let name = self.0.file_name().unwrap().to_string_lossy().into_owned();
        for entry in std::fs::read_dir(self.0.parent().unwrap()).unwrap().flatten() {
            let other = entry.file_name().to_string_lossy().into_owned();
            if other.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

fn lab(seed: u64, file: Option<&LedgerFile>, plan: usize) -> Lab {
    let mut random = Rng::with_seed(seed);
    let trouble = TROUBLE[random.usize(0..TROUBLE.len())];
    let slowest = random.u64(50..1500);
    let plan = plan.to_string();
    let mut settings = vec![
        ("budget.calls_per_hour", plan.as_str()),
        ("budget.utilization", "0.9"),
        ("budget.window", "60s"),
        ("roster.fresh_for", "5s"),
        ("roster.stale_for", "30s"),
    ];
    settings.extend(file.map(|file| ("budget.file", file.0.to_str().unwrap())));
    Lab::with_latency(
        seed,
        &settings,
        move |call| Duration::from_millis(Rng::with_seed(seed ^ call.number as u64).u64(1..slowest)),
        move |call| match token(call) {
            POISONED => trouble,
            known if (1..=GOOD).contains(&known) => Reply::Team,
            _ => Reply::Fail(ErrorKind::Unauthenticated),
        },
    )
}

/// Each token's calls, as the vendor counts them.
fn most_of_a_token(calls: &[Call]) -> usize {
    let of = |n: u8| -> Vec<Call> { calls.iter().filter(|call| token(call) == n).cloned().collect() };
    (0..=TOKENS).map(|n| fullest(&of(n), WINDOW)).max().unwrap_or(0)
}

/// Plenty of plan: no call is wasted on a healthy account, and none of them is refused.
async fn healthy(seed: u64) {
    let lab = lab(seed, None, 100_000);
    let mut random = Rng::with_seed(!seed);
    let refused = Arc::new(AtomicUsize::new(0));
    let mut asked: Vec<tokio::task::JoinHandle<()>> = Vec::new();
    for _ in 0..60 {
        let token = random.u8(1..=TOKENS);
        let grant = lab.grant_by_token(token, random.usize(0..ACCOUNTS));
        let (rosters, refused) = (lab.rosters.clone(), refused.clone());
        let impatient = random.u8(0..10) == 0;
        let wait = Duration::from_millis(if impatient { random.u64(0..500) } else { 60_000 });
        asked.push(tokio::spawn(async move {
            let answer = tokio::time::timeout(wait, rosters.get(&grant, None)).await;
            if (POISONED + 1..=GOOD).contains(&token) && answer.is_ok_and(|answer| answer.is_err()) {
                refused.fetch_add(1, Ordering::Relaxed);
            }
        }));
        sleep(Duration::from_millis(random.u64(0..300))).await;
    }
    for asked in asked {
        asked.await.unwrap();
    }
    sleep(5 * SECOND).await;
    assert_eq!(refused.load(Ordering::Relaxed), 0, "seed {seed}: healthy accounts were refused");
    let healthy = lab.calls().iter().filter(|call| (POISONED + 1..=GOOD).contains(&token(call))).count();
    assert_eq!(lab.teams(), healthy, "seed {seed}: calls brought nothing");
}

/// A small plan, restarts, and a clock that is stepped: never more than the budget, as the vendor counts.
async fn restless(seed: u64, file: &LedgerFile) {
    let mut lab = lab(seed, Some(file), PLAN);
    let mut random = Rng::with_seed(seed.wrapping_mul(31));
    let started = Instant::now();
    while started.elapsed() < 3 * WINDOW {
        let grants: Vec<Grant> = (0..random.usize(1..8))
            .map(|_| lab.grant_by_token(random.u8(1..=TOKENS), random.usize(0..ACCOUNTS)))
            .collect();
        let answers = join_all(grants.iter().map(|grant| lab.rosters.get(grant, None)));
        match random.u8(0..20) {
            // Killed while calls are under way.
            0 => {
                let _ = tokio::time::timeout(Duration::from_millis(random.u64(0..200)), answers).await;
                lab = lab.kill();
            }
            1 => {
                answers.await;
                let hours = random.i64(-3..=3);
                lab.step_clock(hours * 3_600_000 + random.i64(-5_000..5_000));
            }
            _ => drop(answers.await),
        }
        sleep(Duration::from_millis(random.u64(0..4000))).await;
    }
    let most = most_of_a_token(&lab.calls());
    assert!(most <= PLAN * 9 / 10, "seed {seed}: {most} calls of a token in a window");
}

/// The clock is set while the process runs, then nineteen calls are made, then it is killed.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_forgets_no_call_and_tells_the_right_time_from_then_on() {
    for (seed, hours) in [(2_000_000, 2), (2_000_001, -2)] {
        let file = LedgerFile::new(seed);
        let path = file.0.to_str().unwrap();
        let settings = [("budget.calls_per_hour", "20"), ("budget.file", path)];
        let mut lab = Lab::new(seed, &settings, |_| Reply::Team);
        lab.step_clock(hours * 3_600_000);
        for n in 0..19 {
            let found = lab.rosters.get(&lab.grant(n), None).await.unwrap();
            let off = found.roster.fetched_at().millis() - (lab.wall_millis() + hours * 3_600_000);
            assert!(off.abs() < 60_000, "off by {off} ms");
        }
        for n in 0..3 {
            lab = lab.kill();
            sleep(600 * SECOND).await;
            assert!(lab.rosters.get(&lab.grant(100 + n), None).await.is_err());
        }
        assert_eq!(lab.calls().len(), 19);
    }
}

/// How many seeds: `usual` in the suite, as many as the environment says by `SEEDS=1000`.
fn seeds(usual: u64) -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(usual)
}

#[tokio::test(start_paused = true)]
async fn while_the_host_is_healthy_no_call_is_wasted_and_no_healthy_account_refused() {
    for seed in 0..seeds(100) {
        healthy(seed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn over_restarts_and_steps_of_the_clock_the_vendor_never_counts_more_than_the_budget() {
    for seed in 0..seeds(10) {
        let file = LedgerFile::new(seed);
        restless(seed, &file).await;
    }
}
