//! `make cluster`: three replicas, a tier with a copy, a vendor with a plan, load, and everything that may happen to them, for
//! three minutes; prints the tables of docs/cluster.md, and fails where a figure falls short. Not a part of the suite.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::counting_vendor::CountingVendor;
use super::load::{Load, Told};
use super::proxy::Proxy;
use super::redis_server::RedisServer;
use super::replicas::{Replicas, is_fine, until};

const WINDOW: Duration = Duration::from_secs(10);
const SPENDABLE: usize = 190;
const SETTINGS: [&str; 6] = [
    "budget.window=10s",
    "budget.calls_per_hour=200",
    "cluster.lease_time=1s",
    "cluster.timeout=100ms",
    "roster.fresh_for=1s",
    "roster.stale_for=1h",
];
const ACCOUNTS: usize = 40;

/// What happens to the tier or a replica.
enum Phase {
    Nothing,
    Killed,
    Hung(Duration),
    Flushed,
    WithoutScripts,
    RestartedEmpty,
    FailedOver,
}

struct Row {
    what: &'static str,
    told: Told,
    /// Calls in any window that ends in this phase.
    most: usize,
    recovery: Option<Duration>,
}

/// The tier, and what stands behind its address.
struct Stage {
    vendor: CountingVendor,
    replicas: Replicas,
    proxy: Proxy,
    first: RedisServer,
    second: RedisServer,
}

impl Stage {
    async fn new() -> Self {
        let vendor = CountingVendor::start().await;
        vendor.set_latency(Duration::from_millis(20));
        let first = RedisServer::start();
        let second = RedisServer::copy_of(&first);
        until(|| async { second.text(&["INFO", "replication"]) }, |text| text.contains("master_link_status:up")).await;
        let proxy = Proxy::start(first.port).await;
        let url = format!("redis://127.0.0.1:{}", proxy.port);
        let replicas = Replicas::at(3, &url, &vendor, &SETTINGS).await;
        Self { vendor, replicas, proxy, first, second }
    }

    /// Has every replica know every account: what each of them has read or taken from the tier, it has for when that is away.
    async fn warm(&self) {
        for at in 0..3 {
            for n in 0..ACCOUNTS {
                until(|| self.replicas.ask(at, &format!("account-{n}")), is_fine).await;
            }
        }
    }

    /// Has something happen while the load goes on.
    async fn strike(&mut self, phase: &Phase) {
        match phase {
            Phase::Nothing => {}
            Phase::Killed => self.replicas.kill(0),
            Phase::Hung(time) => {
                self.first.signal("STOP");
                sleep(*time).await;
                self.first.signal("CONT");
            }
            Phase::Flushed => drop(self.first.command(&["FLUSHALL"])),
            Phase::WithoutScripts => drop(self.first.command(&["SCRIPT", "FLUSH"])),
            Phase::RestartedEmpty => self.first.restart_empty(),
            Phase::FailedOver => {
                self.second.command(&["REPLICAOF", "NO", "ONE"]);
                sleep(Duration::from_millis(200)).await;
                self.first.kill();
                self.proxy.lead_to(self.second.port);
            }
        }
    }

    /// How long until a team that nobody knows is read again.
    async fn recovery(&self, n: usize) -> Duration {
        let started = Instant::now();
        let at = (0..3).find(|at| self.replicas.all[*at].is_some()).unwrap();
        until(|| self.replicas.ask(at, &format!("new-{n}")), is_fine).await;
        started.elapsed()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes of work; see `make cluster`"]
async fn a_plan_is_kept_while_everything_fails() {
    let mut stage = Stage::new().await;
    let mut rows = Vec::new();
    let phases = [
        ("nothing", Phase::Nothing),
        ("a replica is killed with -9", Phase::Killed),
        ("the tier hangs for 5 s", Phase::Hung(Duration::from_secs(5))),
        ("the tier is flushed", Phase::Flushed),
        ("the tier loses its scripts", Phase::WithoutScripts),
        ("the tier is restarted empty", Phase::RestartedEmpty),
        ("the tier is away for a minute", Phase::Hung(Duration::from_secs(60))),
        ("the tier fails over to a copy that is behind", Phase::FailedOver),
    ];
    for (n, (what, phase)) in phases.into_iter().enumerate() {
        stage.warm().await;
        let before = stage.vendor.calls();
        let load = Load::start(&stage.replicas, ACCOUNTS);
        sleep(Duration::from_secs(3)).await;
        stage.strike(&phase).await;
        let recovery = Some(stage.recovery(n).await).filter(|_| n > 0);
        sleep(Duration::from_secs(6)).await;
        // What was asked of the replica that is no more went nowhere.
        let told = if matches!(phase, Phase::Killed) { load.stop_without(0).await } else { load.stop().await };
        stage.replicas.start_missing().await;
        rows.push(Row { what, told, most: stage.vendor.most_since(before, WINDOW), recovery });
    }
    let most = stage.vendor.most_in(WINDOW);
    let loads = stampede(stage).await;
    println!(
        "\n| what happens | questions | failed | stale | calls in any 10 s (190 allowed) | a new team is read after |"
    );
    println!("|---|---|---|---|---|---|");
    for Row { what, told, most, recovery } in &rows {
        let recovery = recovery.map_or("–".to_owned(), |after| format!("{:.1} s", after.as_secs_f64()));
        println!("| {what} | {} | {} | {} | {most} | {recovery} |", told.asked, told.failed, told.stale);
    }
    println!(
        "\nIn any 10 s of all: {most} calls of 190. 10,000 equal cold questions over the three: {loads} call(s).\n"
    );
    assert!(most <= SPENDABLE);
    assert_eq!(loads, 1);
    for row in &rows {
        assert_eq!(row.told.failed, 0, "{}: of {}", row.what, row.told.asked);
    }
}

/// The calls for questions about a team that nobody knows, at replicas where it stays fresh for longer than the questions take.
async fn stampede(mut stage: Stage) -> usize {
    stage.replicas.all.clear();
    let url = format!("redis://127.0.0.1:{}", stage.proxy.port);
    let settings = [&SETTINGS[..], &["roster.fresh_for=10m"]].concat();
    let replicas = Replicas::at(3, &url, &stage.vendor, &settings).await;
    // In a window of its own.
    sleep(WINDOW + Duration::from_secs(4)).await;
    stage.vendor.set_latency(Duration::from_millis(500));
    let mut asked = JoinSet::new();
    for n in 0..10_000 {
        asked.spawn(replicas.request(n % 3, "stampede").send());
        while asked.len() > 300 {
            assert_eq!(asked.join_next().await.unwrap().unwrap().unwrap().status(), 200);
        }
    }
    for answer in asked.join_all().await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    stage.vendor.calls_for(&super::replicas::email("stampede"))
}

/// A plan of 1,000 in an hour, 500 accounts and as many look-ups as come, a hundred times as fast: one process, then three.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes of work; see `make cluster`"]
async fn three_replicas_spend_a_plan_as_one_process_does() {
    println!("\n| replicas | look-ups | calls | the most in a window (950 allowed) | oldest answer, in windows |");
    println!("|---|---|---|---|---|");
    for count in [1, 3] {
        let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
        let settings = [
            "budget.window=36s",
            "budget.calls_per_hour=1000",
            "cluster.lease_time=1s",
            "roster.fresh_for=600ms",
            "roster.stale_for=1h",
        ];
        let replicas = Replicas::start(count, &tier, &vendor, &settings).await;
        let window = Duration::from_secs(36);
        let load = Load::start(&replicas, 500);
        sleep(2 * window).await;
        let told = load.stop().await;
        let most = vendor.most_in(window);
        let oldest = told.oldest.as_secs_f64() / window.as_secs_f64();
        println!("| {count} | {} | {} | {most} | {oldest:.2} |", told.asked, vendor.calls());
        assert!(most <= 950, "{most}");
    }
}

/// What a second-level hit costs beside a vendor that answers at once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "see `make cluster`"]
async fn a_second_level_hit_costs_less_than_a_call() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let mut replicas =
        Replicas::start(1, &tier, &vendor, &["budget.calls_per_hour=10000", "roster.fresh_for=10m"]).await;
    let median = async |replicas: &Replicas, at: usize| {
        let mut times = Vec::new();
        for n in 0..200 {
            let asked = Instant::now();
            assert!(is_fine(&replicas.ask(at, &format!("account-{n}")).await));
            times.push(asked.elapsed());
        }
        times.sort_unstable();
        times[100]
    };
    let (cold, warm) = (median(&replicas, 0).await, median(&replicas, 0).await);
    replicas.add().await;
    let hit = median(&replicas, 1).await;
    let millis = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1000.0);
    println!("\n| median of 200 | |\n|---|---|");
    println!("| a team that the replica has | {} |", millis(warm));
    println!("| a team that another replica has read | {} |", millis(hit));
    println!("| a call to a vendor on the same machine | {} |\n", millis(cold));
    assert_eq!(vendor.calls(), 200);
}
