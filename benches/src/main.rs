//! `make bench`: everything compared in one run, and `docs/performance.md` written from it.
//!
//! The contestants are processes of their own on this machine, under load one at a time. Each round runs every contestant in
//! every case, in another order; a ratio is taken within a round. Every answer is compared with what it must be: `data` as the
//! reference front gives it, or the very bytes of the upstream.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use flowmatix_graphql_benches::big_teams;
use flowmatix_graphql_benches::chart::{self, Bar, Group};
use flowmatix_graphql_benches::figures::{Results, Run, Spread, bytes, short, table, time};
use flowmatix_graphql_benches::load::{self, Ask, Expected, NUMBER, Numbers};
use flowmatix_graphql_benches::machine;
use flowmatix_graphql_benches::peers;
use flowmatix_graphql_benches::process::Process;
use flowmatix_graphql_benches::questions::{self, OPERATIONS, Whose};
use flowmatix_graphql_benches::resident::{self, Resident};
use flowmatix_graphql_benches::steps::{self, Step};
use flowmatix_graphql_benches::team;
use serde_json::value::RawValue;

const OURS: &str = "flowmatix-graphql";
const STATIC: &str = "static reply";
const PROXY: &str = "raw proxy";
const REFERENCE: &str = "reference front";
const APOLLO: &str = "Apollo Server";
const HIVE: &str = "Hive Gateway";
const TAILCALL: &str = "Tailcall";
/// The service with traces, and the part of them that is sampled.
const TRACED: [(&str, &str); 3] =
    [("traces, 0 % sampled", "0"), ("traces, 1 % sampled", "0.01"), ("traces, 100 % sampled", "1")];

/// The case that compares them. What is compared there is the service with itself, so the chart leaves it out.
const TRACES: &str = "traces";

/// The service with a line in its log for each request, written to a file.
const LOGGED: &str = "a log line for each request";
/// The upstream itself: what the service adds to it counts, not how many calls it makes a second, of which a plan sells three.
const DIRECT: &str = "direct call";
/// The cases that say so, of so many members, asked one after the other.
const ADDED: [(&str, &str, usize); 3] = [
    ("added-1", "Added to a call, alone: an account asked for the first time, of 1 member", 1),
    ("added-100", "Added to a call, alone: an account asked for the first time, of 100 members", 100),
    ("added-10000", "Added to a call, alone: an account asked for the first time, of 10,000 members", 10_000),
];

/// Another build of the service, which `--beside` names.
const BESIDE: &str = "the build beside";

/// All cases together ask more operations, and larger ones, than the defaults keep.
const KEPT: (&str, &str) = ("graphql.operation_cache_limit", "256MiB");
/// Responses are not reused where that would be what is measured.
const NO_REUSE: [(&str, &str); 2] = [KEPT, ("graphql.response_cache_limit", "0B")];

/// A case: what is asked, of whom, on how many connections.
struct Case {
    name: &'static str,
    title: &'static str,
    connections: usize,
    entries: Vec<Entry>,
}

struct Entry {
    contestant: &'static str,
    process: usize,
    asks: Vec<Ask>,
}

struct Options {
    rounds: usize,
    seconds: f64,
    /// The cases to run, between commas; nothing else is measured then, and nothing is written.
    only: Option<String>,
    /// Another build of the service.
    service: Option<PathBuf>,
    /// A build of the service to compare with, in every case that it is in. Nothing else is measured then, and nothing is written.
    beside: Option<PathBuf>,
}

fn options() -> Result<Options> {
    let mut options = Options { rounds: 6, seconds: 2.0, only: None, service: None, beside: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--rounds" => options.rounds = value.parse()?,
            "--seconds" => options.seconds = value.parse()?,
            "--only" => options.only = Some(value),
            "--service" => options.service = Some(value.into()),
            "--beside" => options.beside = Some(value.into()),
            _ => anyhow::bail!("there is --rounds, --seconds, --only, --service and --beside, but no {name}"),
        }
    }
    Ok(options)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = options()?;
    let started = Instant::now();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no folder above")?.to_owned();
    let mut stage = Stage::set(&root, &options)?;
    let runs = |case| options.only.as_ref().is_none_or(|only| only.split(',').any(|name| name == case));
    let with_peers = options.beside.is_none() && (runs("warm") || runs("cold"));
    let mut cases = stage.cases(with_peers).await?;
    if let Some(build) = &options.beside {
        stage.set_beside(build, &mut cases)?;
    }
    let cases: Vec<Case> = cases.into_iter().filter(|case| runs(case.name)).collect();

    let numbers = &stage.numbers;
    let mut results = Results::default();
    for round in 0..=options.rounds {
        // The first round warms up: connections, caches, Apollo's compiler.
        let length = Duration::from_secs_f64(if round == 0 { 0.5 } else { options.seconds });
        for index in 0..cases.len() {
            let case = &cases[(index + round) % cases.len()];
            for index in 0..case.entries.len() {
                let entry = &case.entries[(index + round) % case.entries.len()];
                let process = &stage.processes[entry.process];
                let before = process.cpu()?;
                let outcome = load::run(process.address, &entry.asks, case.connections, length, numbers).await;
                let outcome = outcome.with_context(|| format!("{} of {}", case.name, entry.contestant))?;
                let run = Run::new(&outcome, process.cpu()? - before);
                if round > 0 {
                    results.add(case.name, entry.contestant, run);
                }
                eprintln!(
                    "round {round}  {:<18} {:<18} {:>8} a second  p50 {:>8}  p99 {:>8}  CPU {:>8}",
                    case.name,
                    entry.contestant,
                    short(run.per_second),
                    time(run.p50.as_secs_f64()),
                    time(run.p99.as_secs_f64()),
                    time(run.cpu.as_secs_f64()),
                );
            }
        }
    }

    if options.beside.is_some() {
        println!("{}", beside(&results, &cases));
        return Ok(());
    }
    let neighbour = stage.neighbour(&options).await?;
    let allocated = stage.allocations(&cases).await?;
    if options.only.is_some() {
        for (name, bytes, allocations) in allocated {
            eprintln!("{name:<18} {bytes:.0} bytes in {allocations:.0} allocations a request");
        }
        eprintln!("a neighbour's p99 while large teams are loaded: {} × its own", spread(neighbour, short));
        return Ok(());
    }
    let lasting = stage.lasting().await?;
    let big_teams = big_teams::run(&stage.binaries.join("big_teams"))?;
    let resident = resident::measure(&stage.service, &stage.upstream.url, numbers).await?;
    // It has a runtime of its own.
    let steps = std::thread::spawn(steps::measure).join().map_err(|_| anyhow::anyhow!("a step panicked"))??;
    let hold = std::thread::spawn(steps::holds).join().map_err(|_| anyhow::anyhow!("an answer panicked"))??;
    let (options, results, cases, stage) = (&options, &results, &cases, &stage);
    let page = Page { options, results, cases, allocated, neighbour, lasting, big_teams, resident, steps, hold, stage };
    let (figures, svg) = (page.figures(), page.chart());
    println!("{figures}");
    put(&root.join("docs/performance.md"), &figures)?;
    std::fs::write(root.join("docs/performance.svg"), svg)?;
    eprintln!("took {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// What each case of the service is, beside another build.
fn beside(results: &Results, cases: &[Case]) -> String {
    let rows: Vec<Vec<String>> = cases
        .iter()
        .filter_map(|case| {
            let ratio = results.ratio(case.name, OURS, BESIDE)?;
            let cpu = |contestant| results.spread(case.name, contestant, |run| run.cpu.as_secs_f64());
            let (ours, theirs) = cpu(OURS).zip(cpu(BESIDE))?;
            let ratio = format!("{} ({} to {})", short(ratio.median), short(ratio.least), short(ratio.greatest));
            Some(vec![case.name.to_owned(), ratio, time(ours.median), time(theirs.median)])
        })
        .collect();
    table(&["Case", "Requests, of those of the build beside", "CPU", "CPU of the build beside"], &rows)
}

/// Puts the figures between their marks.
fn put(page: &Path, figures: &str) -> Result<()> {
    let text = std::fs::read_to_string(page)?;
    let (head, rest) = text.split_once("<!-- figures -->\n").context("no place for the figures")?;
    let (_, tail) = rest.split_once("<!-- /figures -->").context("no end of the figures")?;
    std::fs::write(page, format!("{head}<!-- figures -->\n{figures}<!-- /figures -->{tail}"))?;
    Ok(())
}

/// The contestants, and what they are started with.
struct Stage {
    benches: PathBuf,
    binaries: PathBuf,
    service: PathBuf,
    upstream: Process,
    /// Where traces go.
    collector: Process,
    processes: Vec<Process>,
    names: Vec<&'static str>,
    numbers: Numbers,
}

/// What the service is started with, and a build beside it: the first three of the contestants.
const STARTED_WITH: [&[(&str, &str)]; 3] = [&[KEPT], &NO_REUSE, &NO_REUSE];

const REUSING: usize = 0;
const VARIED: usize = 1;
const COLD: usize = 2;
const REFERENCE_FRONT: usize = 3;
const APOLLO_SERVER: usize = 4;
const RAW_PROXY: usize = 5;
const STATIC_REPLY: usize = 6;
const FIRST_TRACED: usize = 7;
const LOGGING: usize = FIRST_TRACED + TRACED.len();
const UPSTREAM: usize = LOGGING + 1;
const HIVE_GATEWAY: usize = UPSTREAM + 1;
const TAILCALL_WARM: usize = HIVE_GATEWAY + 1;
const TAILCALL_COLD: usize = TAILCALL_WARM + 1;

impl Stage {
    fn set(root: &Path, options: &Options) -> Result<Self> {
        let binaries = std::env::current_exe()?.parent().context("no folder")?.to_owned();
        let service = options.service.clone().unwrap_or_else(|| root.join("target/release/flowmatix-graphql"));
        let upstream = Process::start(&binaries.join("upstream"), &[])?;
        let collector = Process::start(&binaries.join("collector"), &[])?;
        let ours = |more: &[(&'static str, &str)]| Process::service(&service, &upstream.url, more);
        let benches = root.join("benches");
        let apollo = benches.join("apollo/server.js");
        let apollo = Process::start(Path::new("node"), &[&apollo.to_string_lossy(), &upstream.url]);
        let processes = vec![
            ours(STARTED_WITH[REUSING])?.0,
            ours(STARTED_WITH[VARIED])?.0,
            ours(STARTED_WITH[COLD])?.0,
            Process::start(&binaries.join("reference"), &[&upstream.url])?,
            apollo.context("is npm ci done in benches/apollo?")?,
            Process::start(&binaries.join("proxy"), &[&upstream.url])?,
        ];
        let names = vec![
            "flowmatix-graphql, reusing responses",
            "flowmatix-graphql, not reusing",
            "flowmatix-graphql, cold",
            REFERENCE,
            APOLLO,
            PROXY,
            STATIC,
            TRACED[0].0,
            TRACED[1].0,
            TRACED[2].0,
            LOGGED,
            DIRECT,
            HIVE,
            "Tailcall, with its cache",
            "Tailcall, without",
        ];
        Ok(Self { benches, binaries, service, upstream, collector, processes, names, numbers: Numbers::default() })
    }

    /// Asks the reference front, so that every contestant's answers can be compared with its.
    async fn known(&self, path: &str, bodies: &[String]) -> Result<Vec<Ask>> {
        let asks: Vec<Ask> = bodies.iter().map(|body| Ask::post("/", body, Expected::Any)).collect();
        let answers = load::answers(self.processes[REFERENCE_FRONT].address, &asks, &self.numbers).await?;
        bodies
            .iter()
            .zip(answers)
            .map(|(body, answer)| Ok(Ask::post(path, body, Expected::Data(data(&answer)?))))
            .collect()
    }

    async fn cases(&mut self, with_peers: bool) -> Result<Vec<Case>> {
        let warm = questions::lists(OPERATIONS, 100, |n| Whose::Warm(n % 4));
        let varied = self.known("/graphql", &warm).await?;
        let fronted = self.known("/", &warm).await?;
        let identical = varied[..1].to_vec();

        // The static reply has the very bytes that we answer.
        let answers = load::answers(self.processes[VARIED].address, &varied, &self.numbers).await?;
        let file = std::env::temp_dir().join(format!("flowmatix-graphql-answers-{}", std::process::id()));
        std::fs::write(&file, answers.join(&b'\n'))?;
        let replies = Process::start(&self.binaries.join("static_reply"), &[&file.to_string_lossy()]);
        std::fs::remove_file(&file)?;
        self.processes.push(replies?);
        for (_, ratio) in TRACED {
            let variables = [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", self.collector.url.as_str()),
                ("OTEL_TRACES_SAMPLER", "traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", ratio),
                // At many thousand requests a second a longer queue would only take memory.
                ("OTEL_BSP_MAX_QUEUE_SIZE", "16384"),
                ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ];
            self.processes.push(Process::service_with(&self.service, &self.upstream.url, &NO_REUSE, &variables)?.0);
        }
        let logged = [NO_REUSE[0], NO_REUSE[1], ("log.level", "info")];
        self.processes.push(Process::service(&self.service, &self.upstream.url, &logged)?.0);
        self.processes.push(Process::start(&self.binaries.join("upstream"), &[])?);
        if with_peers {
            self.processes.push(peers::hive(&self.benches, &self.upstream.url)?);
            for caches in [true, false] {
                self.processes.extend(peers::tailcall(&self.benches, &self.upstream.url, caches)?);
            }
        }
        let replied: Vec<Ask> = warm
            .iter()
            .zip(answers)
            .enumerate()
            .map(|(n, (body, answer))| Ask::post(&format!("/{n}"), body, Expected::Body(answer)))
            .collect();
        let replied_one = replied[..1].to_vec();

        let entry = |contestant, process, asks: &[Ask]| Entry { contestant, process, asks: asks.to_vec() };
        let mut cases = vec![
            Case {
                name: "warm",
                title: "Warm: 1,024 different operations and variables, 100 members × 6 fields",
                connections: 32,
                entries: vec![
                    entry(STATIC, STATIC_REPLY, &replied),
                    entry(OURS, VARIED, &varied),
                    entry(REFERENCE, REFERENCE_FRONT, &fronted),
                    entry(APOLLO, APOLLO_SERVER, &fronted),
                    entry(HIVE, HIVE_GATEWAY, &varied),
                    entry(TAILCALL, TAILCALL_WARM, &varied),
                ],
            },
            Case {
                name: "identical",
                title: "Warm: one and the same question, responses reused",
                connections: 32,
                entries: vec![entry(STATIC, STATIC_REPLY, &replied_one), entry(OURS, REUSING, &identical)],
            },
            Case {
                name: TRACES,
                title: "Warm, as the first case, with traces sent over OTLP, and with a log of requests",
                connections: 32,
                entries: std::iter::once(entry(OURS, VARIED, &varied))
                    .chain(TRACED.iter().enumerate().map(|(n, (name, _))| entry(name, FIRST_TRACED + n, &varied)))
                    .chain([entry(LOGGED, LOGGING, &varied)])
                    .collect(),
            },
        ];
        for (name, title, members, connections) in [
            ("cold-1", "Cold: an account asked for the first time, of 1 member", 1, 32),
            ("cold", "Cold: an account asked for the first time, of 100 members", 100, 32),
            ("cold-10000", "Cold: an account asked for the first time, of 10,000 members", 10_000, 4),
        ] {
            let count = if members > 100 { 16 } else { OPERATIONS };
            let bodies = questions::lists(count, members, |_| Whose::Cold);
            let (asked, fronted) = (self.known("/graphql", &bodies).await?, self.known("/", &bodies).await?);
            // The upstream's own answers, wherever they are asked for.
            let called = |path: &str| -> Vec<Ask> {
                let ask = |n| {
                    let path = format!("{path}?email=account-{NUMBER}%40m{members}.example&type=CUSTOMER");
                    let body = team::body(n as u64 % team::variants(members), members);
                    Ask::get(&path, Expected::Body(body.into_bytes()))
                };
                (0..count).map(ask).collect()
            };
            let mut entries = vec![entry(PROXY, RAW_PROXY, &called("/")), entry(OURS, COLD, &asked)];
            if members == 100 {
                entries.extend([
                    entry(APOLLO, APOLLO_SERVER, &fronted),
                    entry(HIVE, HIVE_GATEWAY, &asked),
                    entry(TAILCALL, TAILCALL_COLD, &asked),
                ]);
            }
            cases.push(Case { name, title, connections, entries });
            for (name, title, _) in ADDED.into_iter().filter(|added| added.2 == members) {
                let entries = vec![entry(DIRECT, UPSTREAM, &called("/custom-user")), entry(OURS, COLD, &asked)];
                cases.push(Case { name, title, connections: 1, entries });
            }
        }
        for (name, title, members, connections) in [
            ("members-1", "Warm: 1 member", 1, 32),
            ("members-10", "Warm: 10 members", 10, 32),
            ("members-1000", "Warm: 1,000 members", 1_000, 16),
            ("members-10000", "Warm: 10,000 members", 10_000, 4),
        ] {
            let count = if members > 1_000 { 16 } else { 128 };
            let bodies = questions::lists(count, members, |n| Whose::Warm(n % 4));
            let asks = self.known("/graphql", &bodies).await?;
            cases.push(Case { name, title, connections, entries: vec![entry(OURS, VARIED, &asks)] });
        }
        let bodies = questions::accounts(64);
        let (asked, fronted) = (self.known("/graphql", &bodies).await?, self.known("/", &bodies).await?);
        cases.push(Case {
            name: "accounts-50",
            title: "Warm: 50 accounts in one request, 10 members × 6 fields of each",
            connections: 32,
            entries: vec![entry(OURS, VARIED, &asked), entry(REFERENCE, REFERENCE_FRONT, &fronted)],
        });
        let bodies = questions::entities(OPERATIONS, 0, &self.ids().await?);
        let (asked, fronted) = (self.known("/graphql", &bodies).await?, self.known("/", &bodies).await?);
        cases.push(Case {
            name: "entities-50",
            title: "Warm: 50 `_entities`, 6 fields of each",
            connections: 32,
            entries: vec![entry(OURS, VARIED, &asked), entry(REFERENCE, REFERENCE_FRONT, &fronted)],
        });
        // Peers that were not started take no part.
        for case in &mut cases {
            case.entries.retain(|entry| entry.process < self.processes.len());
        }
        Ok(cases)
    }

    /// Starts another build as the service is started, and has it asked what the service is asked.
    fn set_beside(&mut self, build: &Path, cases: &mut [Case]) -> Result<()> {
        let first = self.processes.len();
        for more in STARTED_WITH {
            self.processes.push(Process::service(build, &self.upstream.url, more)?.0);
        }
        for case in cases.iter_mut().filter(|case| case.name != TRACES) {
            let ours =
                case.entries.iter().find(|entry| entry.contestant == OURS).context("a case without the service")?;
            let (process, asks) = (first + ours.process, ours.asks.clone());
            case.entries.push(Entry { contestant: BESIDE, process, asks });
        }
        Ok(())
    }

    /// The ids of the first warm team.
    async fn ids(&self) -> Result<Vec<String>> {
        let body: serde_json::Value = serde_json::from_str(&team::body(0, 100))?;
        let rows = body["data"].as_array().context("no rows")?;
        Ok(rows.iter().filter_map(|row| row["_id"].as_str()).map(str::to_owned).collect())
    }

    /// The p99 of a small question on one connection while teams of 10,000 members are loaded one after the other, as a multiple
    /// of its p99 alone, of which each round has both.
    async fn neighbour(&self, options: &Options) -> Result<Spread> {
        let address = self.processes[COLD].address;
        let small = self.known("/graphql", &questions::lists(4, 1, |n| Whose::Warm(n % 4))).await?;
        let team = vec![Ask::post("/graphql", &questions::size(10_000), Expected::Any)];
        let length = Duration::from_secs_f64(options.seconds);
        let mut ratios = Vec::new();
        for _ in 0..options.rounds {
            let alone = load::run(address, &small, 1, length, &self.numbers).await?;
            let (beside, loads) = tokio::try_join!(
                load::run(address, &small, 1, length, &self.numbers),
                load::run(address, &team, 1, length, &self.numbers)
            )?;
            ensure!(loads.requests > 1, "no team was loaded");
            let p99 = |outcome: load::Outcome| Run::new(&outcome, Duration::ZERO).p99.as_secs_f64();
            ratios.push(p99(beside) / p99(alone));
        }
        Ok(Spread::of(ratios))
    }

    /// Bytes and allocations for one request of ours, in each case.
    async fn allocations(&self, cases: &[Case]) -> Result<Vec<(&'static str, f64, f64)>> {
        let mut figures = Vec::new();
        for case in cases {
            let Some(entry) = case.entries.iter().find(|entry| entry.contestant == OURS) else { continue };
            let more = STARTED_WITH[entry.process];
            let (mut process, _) = Process::service(&self.binaries.join("counted"), &self.upstream.url, more)?;
            // Enough that the connection they come on does not count.
            let asks: Vec<Ask> = entry.asks.iter().cycle().take(64).cloned().collect();
            // Twice, so that what is kept is there; what is cold stays cold.
            for _ in 0..2 {
                load::answers(process.address, &asks, &self.numbers).await?;
            }
            let (bytes, allocations) = process.allocated()?;
            load::answers(process.address, &asks, &self.numbers).await?;
            let (more_bytes, more_allocations) = process.allocated()?;
            let each = |more: u64, before: u64| (more - before) as f64 / asks.len() as f64;
            figures.push((case.name, each(more_bytes, bytes), each(more_allocations, allocations)));
        }
        Ok(figures)
    }

    /// What the service takes when it starts, idles, and holds a thousand teams.
    async fn lasting(&self) -> Result<Lasting> {
        let mut starts = Vec::new();
        for _ in 0..11 {
            let (_, took) = Process::service(&self.service, &self.upstream.url, &[])?;
            starts.push(took.as_secs_f64());
        }
        let (process, _) = Process::service(&self.service, &self.upstream.url, &[])?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let idle = process.memory("VmRSS")? as f64;
        let body = &questions::lists(1, 100, |_| Whose::Cold)[0];
        let asks = vec![Ask::post("/graphql", body, Expected::Any); 1000];
        load::answers(process.address, &asks, &self.numbers).await?;
        Ok(Lasting { start: Spread::of(starts), idle, thousand_accounts: process.memory("VmRSS")? as f64 })
    }
}

/// What the service takes for as long as it runs.
struct Lasting {
    start: Spread,
    idle: f64,
    thousand_accounts: f64,
}

/// The text of `data` in an answer without errors.
fn data(answer: &[u8]) -> Result<Vec<u8>> {
    let answer: std::collections::BTreeMap<String, Box<RawValue>> = serde_json::from_slice(answer)?;
    ensure!(!answer.contains_key("errors"), "the reference front answers with errors: {answer:?}");
    Ok(answer.get("data").context("no data")?.get().as_bytes().to_vec())
}

/// The page, from the figures of a run.
struct Page<'a> {
    options: &'a Options,
    results: &'a Results,
    cases: &'a [Case],
    allocated: Vec<(&'static str, f64, f64)>,
    neighbour: Spread,
    lasting: Lasting,
    big_teams: Vec<big_teams::Figure>,
    resident: Resident,
    steps: Vec<Step>,
    hold: Spread,
    stage: &'a Stage,
}

impl Page<'_> {
    fn figures(&self) -> String {
        let versions = format!(
            "{}, Node.js {}, {}",
            machine::version("rustc", "--version"),
            machine::version("node", "--version"),
            peers::versions(&self.stage.benches)
        );
        format!(
            "Measured on {}; {versions}. {} rounds of {} s for each contestant in each case.\n\n![Requests a second of every \
             contestant](performance.svg)\n\n### Goals\n\n{}\n### Contestants side by side\n\nMedians; in brackets the least and the greatest of the \
             rounds. CPU is the contestant's own.\n\n{}\n### Steps\n\nIn one thread, without a network; medians.\n\n{}\n### Allocations\n\nOf the service, for one request.\n\n{}\n### Memory\n\nThe most \
             that each process has had over the whole run.\n\n{}\n### Big teams\n\n{}### What stays in memory\n\n{}",
            machine::describe(),
            self.options.rounds,
            self.options.seconds,
            self.goals(),
            self.throughput(),
            self.steps(),
            self.allocations(),
            self.memory(),
            big_teams::section(&self.big_teams),
            self.resident.section(),
        )
    }

    fn goals(&self) -> String {
        let mut rows = Vec::new();
        let mut goal = |goal: &str, figure: String, reached: bool| {
            rows.push(vec![goal.to_owned(), figure, if reached { "yes" } else { "no" }.to_owned()]);
        };
        let ratios = [
            ("Warm, varied: at least 0.65 of the static reply", "warm", STATIC, 0.65),
            ("Warm, varied: at least 8 × the reference front", "warm", REFERENCE, 8.0),
            ("Warm, varied: at least 50 × Apollo Server", "warm", APOLLO, 50.0),
            ("Warm, identical: at least 0.85 of the static reply", "identical", STATIC, 0.85),
            ("Cold: at least 10 × Apollo Server", "cold", APOLLO, 10.0),
        ];
        for (text, case, other, least) in ratios {
            if let Some(ratio) = self.results.ratio(case, OURS, other) {
                goal(text, spread(ratio, short), ratio.median >= least);
            }
        }
        if let Some(ratio) = self.results.ratio(TRACES, LOGGED, OURS) {
            goal(
                "With a log line for each request: at least 0.9 of those without",
                spread(ratio, short),
                ratio.median >= 0.9,
            );
        }
        let p50 = |case: &'static str, contestant| self.results.spread(case, contestant, |run| run.p50.as_secs_f64());
        for ((name, _, members), most) in ADDED.into_iter().zip([0.15e-3, 0.3e-3, f64::INFINITY]) {
            let Some((ours, call)) = p50(name, OURS).zip(p50(name, DIRECT)) else { continue };
            let (ours, call) = (ours.median, call.median);
            if most.is_finite() {
                let text = format!("Added to a call, alone, of {members} members: at most {}", time(most));
                let added = time((ours - call).max(0.0));
                goal(&text, format!("{added} ({} against {})", time(ours), time(call)), ours - call <= most);
            } else {
                let text = format!("A call of {members} members, alone: at most 2 × the direct call");
                goal(
                    &text,
                    format!("{} × ({} against {})", short(ours / call), time(ours), time(call)),
                    ours <= 2.0 * call,
                );
            }
        }
        let neighbour = self.neighbour;
        goal(
            "While teams of 10,000 members are loaded, a neighbour's p99: at most 3 × its own",
            format!("{} ×", spread(neighbour, short)),
            neighbour.median <= 3.0,
        );
        if let Some((_, _, warm)) = self.allocated.iter().find(|(name, ..)| *name == "warm") {
            goal("Warm, varied: at most 40 allocations", short(*warm), *warm <= 40.0);
        }
        let step = |name: &str| self.steps.iter().find(|step| step.name == name).map_or(f64::NAN, |step| step.seconds);
        let sizes = [10, 100, 1_000, 10_000];
        let costs = sizes.map(|members| step(&steps::projection(members)) / members as f64);
        let flat = costs.into_iter().fold(0.0, f64::max) / costs.into_iter().fold(f64::INFINITY, f64::min);
        let each: Vec<String> = costs.iter().map(|cost| time(*cost)).collect();
        goal(
            "Projection: cost per member flat within 1.5 × from 10 to 10,000 members",
            format!("{} × ({})", short(flat), each.join(", ")),
            flat <= 1.5,
        );
        let cell = costs[1] / 6.0;
        goal("Projection: at most 30 ns per member × field", time(cell), cell <= 30e-9);
        let check = step(steps::SCAN) + step(steps::MEASURE);
        goal("Pre-check of a 2 KB query: at most 10 µs", time(check), check <= 10e-6);
        let hold = self.hold;
        let holds = "An answer of 10,000 members holds no worker for more than 10 ms";
        goal(holds, spread(hold, time), hold.median <= 10e-3);
        let lasting = &self.lasting;
        goal("Idle memory at most 20 MiB", bytes(lasting.idle), lasting.idle <= 20.0 * 1048576.0);
        let thousand = lasting.thousand_accounts;
        goal("1,000 accounts of 100 members in at most 60 MiB", bytes(thousand), thousand <= 60.0 * 1048576.0);
        goal("Listening within 45 ms of start", spread(lasting.start, time), lasting.start.median <= 0.045);
        let size = std::fs::metadata(&self.stage.service).map_or(f64::NAN, |file| file.len() as f64);
        goal("The binary at most 22 MB", format!("{:.1} MB", size / 1e6), size <= 22e6);
        for own in big_teams::goals(&self.big_teams).into_iter().chain(self.resident.goals()) {
            goal(&own.text, own.figure, own.is_reached);
        }
        table(&["goal", "measured", "reached"], &rows)
    }

    fn throughput(&self) -> String {
        let mut text = String::new();
        for case in self.cases {
            let rows: Vec<Vec<String>> = case
                .entries
                .iter()
                .filter_map(|entry| {
                    let spread_of =
                        |figure: &dyn Fn(&Run) -> f64| self.results.spread(case.name, entry.contestant, figure);
                    let ratio = self.results.ratio(case.name, OURS, entry.contestant)?;
                    let ratio = if entry.contestant == OURS { "1".to_owned() } else { spread(ratio, short) };
                    Some(vec![
                        entry.contestant.to_owned(),
                        spread(spread_of(&|run| run.per_second)?, short),
                        time(spread_of(&|run| run.p50.as_secs_f64())?.median),
                        time(spread_of(&|run| run.p99.as_secs_f64())?.median),
                        time(spread_of(&|run| run.cpu.as_secs_f64())?.median),
                        ratio,
                    ])
                })
                .collect();
            let head = ["contestant", "requests a second", "p50", "p99", "CPU per request", "ours is … times this"];
            text.push_str(&format!(
                "**{}** ({} connections)\n\n{}\n",
                case.title,
                case.connections,
                table(&head, &rows)
            ));
        }
        text
    }

    fn steps(&self) -> String {
        let row = |step: &Step| vec![step.name.clone(), time(step.seconds)];
        table(&["step", "time"], &self.steps.iter().map(row).collect::<Vec<_>>())
    }

    fn allocations(&self) -> String {
        let title =
            |name: &str| self.cases.iter().find(|case| case.name == name).map_or("", |case| case.title).to_owned();
        let row = |(name, size, count): &(&'static str, f64, f64)| vec![title(name), bytes(*size), short(*count)];
        table(&["case", "bytes", "allocations"], &self.allocated.iter().map(row).collect::<Vec<_>>())
    }

    fn memory(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .stage
            .processes
            .iter()
            .zip(&self.stage.names)
            .map(|(process, name)| vec![(*name).to_owned(), bytes(process.memory("VmHWM").unwrap_or(0) as f64)])
            .collect();
        table(&["process", "peak"], &rows)
    }

    fn chart(&self) -> String {
        let groups =
            self.cases.iter().filter(|case| case.entries.len() > 1 && case.connections > 1 && case.name != TRACES).map(
                |case| Group {
                    title: case.title.replace('`', ""),
                    bars: case
                        .entries
                        .iter()
                        .filter_map(|entry| {
                            let per_second = self.results.spread(case.name, entry.contestant, |run| run.per_second)?;
                            Some(Bar { name: entry.contestant, ours: entry.contestant == OURS, per_second })
                        })
                        .collect(),
                },
            );
        chart::svg(&groups.collect::<Vec<_>>())
    }
}

fn spread(spread: Spread, text: impl Fn(f64) -> String) -> String {
    format!("{} ({} to {})", text(spread.median), text(spread.least), text(spread.greatest))
}
