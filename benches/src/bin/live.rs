//! `make live`: thousands of subscribers of a few accounts for a minute of changes, before one process and before replicas, beside
//! GraphQL Yoga with graphql-ws, and a plan that a hundred listened accounts share. Writes what was measured into
//! `docs/subscriptions.md`, and exits with an error where a figure falls short.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use flowmatix_graphql_benches::figures::{bytes, time};
use flowmatix_graphql_benches::live::changing_vendor::{ChangingVendor, MEMBERS};
use flowmatix_graphql_benches::live::crowd::{ACCOUNTS, Crowd, crowd};
use flowmatix_graphql_benches::live::fleet::{Fleet, INTERVAL};
use flowmatix_graphql_benches::live::plan;
use flowmatix_graphql_benches::live::report::{Report, write};
use flowmatix_graphql_benches::machine;
use flowmatix_graphql_benches::process::Process;
use tokio::task::LocalSet;

const OURS: &str = "flowmatix-graphql";
const YOGA: &str = "GraphQL Yoga with graphql-ws";
/// How many replicas share a tier.
const REPLICAS: usize = 3;
/// An idle subscriber may take so much memory.
const MEMORY_LIMIT: f64 = 20.0 * 1024.0;
/// So many times as much processor time an event must take elsewhere.
const CPU_RATIO: f64 = 10.0;

struct Options {
    subscribers: usize,
    /// How many listen beside Yoga, which does not keep up with as many.
    peers: usize,
    seconds: u64,
    /// The plan's window, in seconds, and for how many of them it is watched.
    window: u64,
    windows: u32,
    service: PathBuf,
    only: Option<String>,
    /// Whether the page is written.
    write: bool,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.split(',').any(|known| known == name))
    }

    fn fleet(&self, count: usize, vendor: &ChangingVendor) -> Result<Fleet> {
        Fleet::start(&self.service, count, &vendor.url, &[])
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
                "there is --subscribers, --peers, --seconds, --window, --windows, --service, --only (of crowd, yoga, \
                 replicas, plan) and --write, but no {name}"
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
    let mut report = Report::default();
    if options.wants("crowd") {
        let ours = options.fleet(1, &vendor)?;
        let crowd = crowd(&ours, &vendor, options.subscribers, options.seconds).await?;
        drop(ours);
        tell(&mut report, OURS, &crowd);
    }
    if options.wants("yoga") {
        beside_yoga(root, options, &vendor, &mut report).await?;
    }
    replicas_and_plans(options, &vendor, &mut report).await?;
    let text = page(options, &report);
    println!("{text}");
    if options.write && options.only.is_none() {
        write(&root.join("docs/subscriptions.md"), &text)?;
    }
    Ok(report.wrong)
}

/// A crowd of ours, and whether it cost what is promised.
fn tell(report: &mut Report, name: &str, crowd: &Crowd) {
    report.crowd(name, crowd);
    let expected = crowd.seconds / INTERVAL * ACCOUNTS as f64;
    report.add(
        &format!("upstream calls of {name}"),
        format!("{} for {ACCOUNTS} pollers in {:.1} intervals", crowd.calls, crowd.seconds / INTERVAL),
        (0.9 * expected..=1.02 * expected + ACCOUNTS as f64).contains(&(crowd.calls as f64)),
    );
    let memory = crowd.memory();
    report.add(&format!("memory of an idle subscriber of {name}"), bytes(memory), memory <= MEMORY_LIMIT);
}

async fn beside_yoga(root: &Path, options: &Options, vendor: &ChangingVendor, report: &mut Report) -> Result<()> {
    let service = options.fleet(1, vendor)?;
    let ours = crowd(&service, vendor, options.peers, options.seconds).await?;
    drop(service);
    report.crowd(OURS, &ours);
    let server = root.join("benches/yoga/server.js");
    let server = server.to_str().context("a path that is no text")?;
    let yoga = Fleet::of(Process::start(Path::new("node"), &[server, &vendor.url, "1000"])?);
    let yoga = crowd(&yoga, vendor, options.peers, options.seconds).await?;
    report.crowd(YOGA, &yoga);
    let (own, other) = (ours.cpu_of_an_event(), yoga.cpu_of_an_event());
    let ratio = other / own;
    let figure = format!("{}, beside {} by {YOGA}: × {ratio:.1}", time(own), time(other));
    report.add("CPU of a delivered event", figure, ratio >= CPU_RATIO);
    Ok(())
}

/// The crowd again, before replicas, while plans are watched that cost next to nothing.
async fn replicas_and_plans(options: &Options, vendor: &ChangingVendor, report: &mut Report) -> Result<()> {
    let replicas = async {
        if !options.wants("replicas") {
            return Ok(None);
        }
        let ours = options.fleet(REPLICAS, vendor)?;
        crowd(&ours, vendor, options.subscribers, options.seconds).await.map(Some)
    };
    let window = Duration::from_secs(options.window);
    let plan = async |count: usize, unsettled: f64| -> Result<_> {
        if !options.wants("plan") {
            return Ok(None);
        }
        let vendor = ChangingVendor::start()?;
        let settings = plan::settings(options.window);
        let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
        let ours = Fleet::start(&options.service, count, &vendor.url, &settings)?;
        plan::watch(&ours, &vendor, window, options.windows, unsettled).await.map(Some)
    };
    // Without a record of what was spent, half the plan of replicas counts as spent for the first window.
    let (replicas, one, shared) = tokio::try_join!(replicas, plan(1, 0.25), plan(REPLICAS, 1.25))?;
    let name = format!("{REPLICAS} replicas");
    if let Some(crowd) = replicas {
        tell(report, &format!("{OURS}, {name}"), &crowd);
    }
    for (watched, name) in [(one, "one process"), (shared, &*name)] {
        if let Some(watched) = watched {
            watched.tell(report, name, options.window, options.windows);
        }
    }
    Ok(())
}

fn page(options: &Options, report: &Report) -> String {
    format!(
        "## Measured\n\n\
         By `make live`: {ACCOUNTS} accounts of {MEMBERS} members, read every second, each reading another state; subscribers over\n\
         WebSockets from 100 loopback addresses, on {}; {} s of changes. A delay is from the vendor's answer to the last byte of\n\
         the account's last subscriber, who shares the machine with the service. {YOGA} has a poller for each account, too; it is\n\
         measured with as many subscribers as it keeps up with. The replicas share a Redis; one of them reads a team for all.\n\n\
         {}",
        machine::describe(),
        options.seconds,
        report.text(),
    )
}
