//! `make live`: thousands of subscribers of a few accounts for a minute of changes, beside GraphQL Yoga with graphql-ws, and a
//! plan that a hundred listened accounts share. Writes what was measured into `docs/subscriptions.md`, and exits with an error
//! where a figure falls short.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use flowmatix_graphql_benches::changing_vendor::{ChangingVendor, MEMBERS};
use flowmatix_graphql_benches::figures::{Spread, bytes, short, table, time};
use flowmatix_graphql_benches::machine;
use flowmatix_graphql_benches::process::Process;
use flowmatix_graphql_benches::subscribers::Subscribers;
use tokio::task::LocalSet;
use tokio::time::{sleep, sleep_until};

/// The accounts that the crowd listens to.
const ACCOUNTS: usize = 10;
const OURS: &str = "flowmatix-graphql";
const YOGA: &str = "GraphQL Yoga with graphql-ws";
/// An idle subscriber may take so much memory.
const MEMORY_LIMIT: f64 = 20.0 * 1024.0;
/// So many times as much processor time an event must take elsewhere.
const CPU_RATIO: f64 = 10.0;
/// The accounts that share a plan.
const SHARING: usize = 100;
/// The plan's calls in a window, and which of them may be made by the default `budget.utilization`.
const PLAN: usize = 1000;
const PLAN_SHARE: usize = 950;

struct Options {
    subscribers: usize,
    /// How many listen beside Yoga, which does not keep up with as many.
    peers: usize,
    seconds: u64,
    /// The plan's window, in seconds, and for how many of them it is watched.
    window: u64,
    windows: u64,
    service: PathBuf,
    only: Option<String>,
    /// Whether the page is written.
    write: bool,
}

/// What came of one crowd.
struct Crowd {
    subscribers: usize,
    /// Memory before anybody listened, with everybody at rest, and the most.
    empty: f64,
    idle: f64,
    most: f64,
    calls: usize,
    seconds: f64,
    events: u64,
    /// Events for each state that there was, if everybody had seen each.
    possible: u64,
    cpu: Duration,
    /// From the vendor's answer to the last subscriber's last byte, for each state of each account.
    delays: Vec<f64>,
    up_to_date: usize,
}

impl Crowd {
    fn memory(&self) -> f64 {
        (self.idle - self.empty) / self.subscribers as f64
    }

    fn cpu_of_an_event(&self) -> f64 {
        self.cpu.as_secs_f64() / self.events.max(1) as f64
    }

    fn delay(&self, share: f64) -> f64 {
        let mut delays = self.delays.clone();
        delays.sort_by(f64::total_cmp);
        delays.get(((delays.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or(f64::NAN)
    }
}

fn options(root: &Path) -> Result<Options> {
    let mut options = Options {
        subscribers: 10_000,
        peers: 1_000,
        seconds: 60,
        window: 60,
        windows: 3,
        service: root.join("target/release/flowmatix-graphql"),
        only: None,
        write: true,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--subscribers" => options.subscribers = value.parse()?,
            "--peers" => options.peers = value.parse()?,
            "--seconds" => options.seconds = value.parse()?,
            "--window" => options.window = value.parse()?,
            "--windows" => options.windows = value.parse()?,
            "--service" => options.service = value.into(),
            "--only" => options.only = Some(value),
            "--write" => options.write = value.parse()?,
            _ => bail!(
                "there is --subscribers, --peers, --seconds, --window, --windows, --service, --only and --write, but no {name}"
            ),
        }
    }
    Ok(options)
}

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no folder above")?.to_owned();
    let options = options(&root)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let wrong = LocalSet::new().block_on(&runtime, run(&root, &options))?;
    ensure!(wrong.is_empty(), "{} figures fall short: {}", wrong.len(), wrong.join(", "));
    Ok(())
}

async fn run(root: &Path, options: &Options) -> Result<Vec<String>> {
    let vendor = ChangingVendor::start()?;
    let wanted = |name: &str| options.only.as_ref().is_none_or(|only| only.split(',').any(|known| known == name));
    let mut report = Report::default();
    let mut rows = Vec::new();

    let mut crowd_row = |report: &mut Report, name: &str, crowd: &Crowd| {
        eprintln!(
            "{name}: {} subscribers, {} events of {}, {} calls in {:.1} s, delay {} / {}, CPU {} an event, memory {} idle, {} most",
            crowd.subscribers,
            crowd.events,
            crowd.possible,
            crowd.calls,
            crowd.seconds,
            time(crowd.delay(0.5)),
            time(crowd.delay(0.99)),
            time(crowd.cpu_of_an_event()),
            bytes(crowd.memory()),
            bytes(crowd.most),
        );
        report.add(
            &format!("everybody of {name} has the last state"),
            format!("{} of {}", crowd.up_to_date, crowd.subscribers),
            crowd.up_to_date == crowd.subscribers,
        );
        rows.push(vec![
            name.to_owned(),
            short(crowd.subscribers as f64),
            short(crowd.events as f64 / crowd.seconds),
            time(crowd.delay(0.5)),
            time(crowd.delay(0.99)),
            time(crowd.cpu_of_an_event()),
            bytes(crowd.memory()),
        ]);
    };

    if wanted("crowd") {
        let ours = service(options, &vendor, &[])?;
        let crowd = crowd(&ours, &vendor, options.subscribers, options.seconds).await?;
        drop(ours);
        crowd_row(&mut report, OURS, &crowd);
        let intervals = crowd.seconds * ACCOUNTS as f64;
        report.add(
            "upstream calls",
            format!("{} for {ACCOUNTS} pollers in {:.1} intervals", crowd.calls, crowd.seconds),
            (0.9 * intervals..=intervals + ACCOUNTS as f64).contains(&(crowd.calls as f64)),
        );
        report.add("memory of an idle subscriber", bytes(crowd.memory()), crowd.memory() <= MEMORY_LIMIT);
    }
    if wanted("yoga") {
        vendor.reset();
        let ours = service(options, &vendor, &[])?;
        let ours = crowd(&ours, &vendor, options.peers, options.seconds).await?;
        crowd_row(&mut report, OURS, &ours);
        vendor.reset();
        let server = root.join("benches/yoga/server.js");
        let server = server.to_str().context("a path that is no text")?;
        let yoga = Process::start(Path::new("node"), &[server, &vendor.url, "1000"])?;
        let yoga = crowd(&yoga, &vendor, options.peers, options.seconds).await?;
        crowd_row(&mut report, YOGA, &yoga);
        let ratio = yoga.cpu_of_an_event() / ours.cpu_of_an_event();
        report.add(
            "CPU of a delivered event",
            format!(
                "{}, beside {} by {YOGA}: × {ratio:.1}",
                time(ours.cpu_of_an_event()),
                time(yoga.cpu_of_an_event())
            ),
            ratio >= CPU_RATIO,
        );
    }
    if wanted("plan") {
        vendor.reset();
        plan(options, &vendor, &mut report).await?;
    }
    let head =
        ["", "subscribers", "events a second", "delay, median", "p99", "CPU an event", "memory, idle subscriber"];
    let text = page(options, &table(&head, &rows), &report);
    println!("{text}");
    if options.write && options.only.is_none() {
        write(&root.join("docs/subscriptions.md"), &text)?;
    }
    Ok(report.wrong)
}

/// The service, which reads each team every second.
fn service(options: &Options, vendor: &ChangingVendor, more: &[(&'static str, &str)]) -> Result<Process> {
    let settings = [
        ("live.interval", "1s"),
        ("live.interval_floor", "1s"),
        ("live.caller_subscriptions_limit", "2000"),
        ("http.connections_limit", "12000"),
        ("roster.fresh_for", "60s"),
    ];
    let settings: Vec<_> = settings.iter().chain(more).copied().collect();
    Ok(Process::service(&options.service, &vendor.url, &settings)?.0)
}

fn account(n: usize) -> String {
    format!("account-{n}@live.example")
}

/// Each account's subscribers are a caller of their own.
fn own_caller(account_number: usize) -> String {
    let email = account(account_number);
    format!(
        r#"{{"authorization":"Bearer bench-{account_number}","x-flowmatix-email":"{email}","x-flowmatix-type":"CUSTOMER"}}"#
    )
}

async fn crowd(server: &Process, vendor: &ChangingVendor, count: usize, seconds: u64) -> Result<Crowd> {
    vendor.set_changing(false);
    // Whatever is made once is made for these.
    let first = Subscribers::connect(server.address, ACCOUNTS, ACCOUNTS, &own_caller).await?;
    sleep(Duration::from_secs(2)).await;
    first.check()?;
    let empty = server.memory("VmRSS")? as f64;
    let all = Subscribers::connect(server.address, count, ACCOUNTS, &own_caller).await?;
    sleep(Duration::from_secs(10)).await;
    all.check()?;
    let idle = server.memory("VmRSS")? as f64;

    vendor.set_changing(true);
    sleep(Duration::from_secs(3)).await;
    let snapshot = || -> Result<_> {
        let states: Vec<usize> = (0..ACCOUNTS).map(|n| vendor.calls(&account(n)).states.len()).collect();
        let calls = (0..ACCOUNTS).map(|n| vendor.calls(&account(n)).all.len()).sum::<usize>();
        Ok((Instant::now(), server.cpu()?, all.events() + first.events(), calls, states))
    };
    let (began, cpu, events, calls, first_states) = snapshot()?;
    sleep(Duration::from_secs(seconds)).await;
    let (ended, cpu_now, events_now, calls_now, last_states) = snapshot()?;
    let most = server.memory("VmHWM")? as f64;
    vendor.set_changing(false);
    let newest = |n: usize| vendor.calls(&account(n)).states.len() - 1;
    let deadline = Instant::now() + Duration::from_secs(30);
    while all.up_to_date(newest) < count && Instant::now() < deadline {
        sleep(Duration::from_millis(50)).await;
    }
    all.check()?;
    let (mut delays, mut possible) = (Vec::new(), 0);
    for n in 0..ACCOUNTS {
        let calls = vendor.calls(&account(n));
        possible += (last_states[n] - first_states[n]) * (all.listeners(n) + 1);
        // A state that was left out for a slow subscriber has no last subscriber.
        let complete = (first_states[n]..last_states[n]).filter_map(|state| {
            let arrivals = all.arrivals(n, state).filter(|arrivals| arrivals.count == all.listeners(n))?;
            Some(arrivals.last.saturating_duration_since(calls.states[state]).as_secs_f64())
        });
        delays.extend(complete);
    }
    Ok(Crowd {
        subscribers: count,
        empty,
        idle,
        most,
        calls: calls_now - calls,
        seconds: (ended - began).as_secs_f64(),
        events: events_now - events,
        possible: possible as u64,
        cpu: cpu_now - cpu,
        delays,
        up_to_date: all.up_to_date(newest),
    })
}

/// A plan that many listened accounts share, watched for some of its windows.
async fn plan(options: &Options, vendor: &ChangingVendor, report: &mut Report) -> Result<()> {
    let (calls, window) = (PLAN.to_string(), format!("{}s", options.window));
    let settings = [("budget.calls_per_hour", calls.as_str()), ("budget.window", window.as_str())];
    let server = service(options, vendor, &settings)?;
    vendor.set_changing(true);
    let began = Instant::now();
    let caller = |n: usize| {
        let email = account(n);
        format!(r#"{{"authorization":"Bearer bench","x-flowmatix-email":"{email}","x-flowmatix-type":"CUSTOMER"}}"#)
    };
    let all = Subscribers::connect(server.address, SHARING, SHARING, &caller).await?;
    let length = Duration::from_secs(options.window * options.windows);
    // The first readings come at once; what is told is kept from then on.
    sleep(Duration::from_secs(options.window / 4)).await;
    let settled = Instant::now();
    sleep_until((began + length).into()).await;
    all.check()?;
    let calls: Vec<Vec<Instant>> = (0..SHARING).map(|n| vendor.calls(&account(n)).all).collect();
    let mut sorted: Vec<Instant> = calls.iter().flatten().copied().collect();
    sorted.sort_unstable();
    let window = Duration::from_secs(options.window);
    let most =
        (0..sorted.len()).map(|n| sorted[n..].partition_point(|call| *call < sorted[n] + window)).max().unwrap_or(0);
    let told = Spread::of((0..SHARING).map(|n| all.interval(n)).collect());
    let gaps: Vec<f64> = calls
        .iter()
        .flat_map(|calls| {
            calls.windows(2).filter(|pair| pair[0] >= settled).map(|pair| (pair[1] - pair[0]).as_secs_f64())
        })
        .collect();
    ensure!(!gaps.is_empty(), "no team was read twice");
    let gaps = Spread::of(gaps);
    report.add(
        &format!("calls of a plan of {PLAN} in any window ({} s here), {SHARING} accounts listened to", options.window),
        format!("at most {most} ({PLAN_SHARE} allowed), {} in {} windows", sorted.len(), options.windows),
        most <= PLAN_SHARE,
    );
    report.add(
        "interval told, and kept",
        format!(
            "{} s told; {} s between readings (median; {} to {})",
            short(told.median),
            short(gaps.median),
            short(gaps.least),
            short(gaps.greatest)
        ),
        (0.9 * told.least..=1.15 * told.greatest + 1.0).contains(&gaps.median)
            && gaps.greatest <= 1.3 * told.greatest + 1.0,
    );
    Ok(())
}

#[derive(Default)]
struct Report {
    lines: Vec<String>,
    wrong: Vec<String>,
}

impl Report {
    fn add(&mut self, name: &str, figure: String, is_well: bool) {
        eprintln!("{} {name}: {figure}", if is_well { "ok  " } else { "FAIL" });
        self.lines.push(format!("- {name}: {figure}"));
        if !is_well {
            self.wrong.push(name.to_owned());
        }
    }
}

fn page(options: &Options, table: &str, report: &Report) -> String {
    format!(
        "## Measured\n\n\
         By `make live`: {ACCOUNTS} accounts of {MEMBERS} members, read every second, each reading another state; subscribers over\n\
         WebSockets from 100 loopback addresses, on {}; {} s of changes. A delay is from the vendor's answer to the last byte of\n\
         the account's last subscriber, who shares the machine with the service. {YOGA} has a poller for each account, too; it is\n\
         measured with as many subscribers as it keeps up with.\n\n\
         {table}\n{}\n",
        machine::describe(),
        options.seconds,
        report.lines.join("\n"),
    )
}

/// Puts a section in the place of the one with the same heading.
fn write(path: &Path, section: &str) -> Result<()> {
    let page = std::fs::read_to_string(path)?;
    let heading = section.lines().next().context("no heading")?;
    let start = page.find(&format!("{heading}\n")).with_context(|| format!("no `{heading}` in {}", path.display()))?;
    let end = page[start + heading.len()..].find("\n## ").map_or(page.len(), |end| start + heading.len() + end + 1);
    let rest = &page[end..];
    let text =
        format!("{}{}{}", &page[..start], section, if rest.is_empty() { String::new() } else { format!("\n{rest}") });
    Ok(std::fs::write(path, text)?)
}
