//! The steps of an answer in this process, each alone: what the goals say of single steps, and what the micro-benchmarks repeat.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use flowmatix_graphql::config::Config;
use flowmatix_graphql::graphql::{BenchQuestion, Engine, Request};
use flowmatix_graphql::model::{Clock, Grants};
use flowmatix_graphql::upstream::decode;
use tokio::runtime::Runtime;

use crate::figures::Spread;
use crate::questions::{self, Whose};
use crate::{service, team};

/// The names of two of the steps.
pub const SCAN: &str = "pre-check: scan of a 2 KB text";
pub const MEASURE: &str = "pre-check: counting over its document";

/// The name of the projection's step for a team of this size.
pub fn projection(members: usize) -> String {
    format!("projection of {members} members × 6 fields")
}

/// What one step takes, at the median.
pub struct Step {
    pub name: String,
    pub seconds: f64,
}

/// An engine with everything at hand to take its steps.
pub struct Bench {
    pub engine: Engine,
    runtime: Runtime,
    grants: Arc<dyn Grants>,
}

impl Bench {
    pub fn new() -> Result<Self> {
        let config: Config = service::config("http://127.0.0.1:1")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let _entered = runtime.enter();
        let engine = service::engine(&config, Arc::new(service::InMemory), Clock::start(), Arc::default());
        let grants = service::grants(&config)?;
        drop(_entered);
        Ok(Self { engine, runtime, grants })
    }

    /// The request of a body.
    pub fn request(&self, body: &str) -> Result<Request> {
        service::request(body, self.grants.clone())
    }

    /// The n-th question about a team of this size, with its roster loaded.
    pub fn question(&self, n: usize, members: usize) -> Result<BenchQuestion> {
        let body = questions::lists(n + 1, members, |_| Whose::Warm(0)).pop().unwrap_or_default();
        let resolved = self.runtime.block_on(self.engine.steps().resolve(self.request(&body)?));
        resolved.context("not a question for the projection")
    }

    /// Asks, so that the operation is kept from now on.
    pub fn ask(&self, body: &str) -> Result<()> {
        let answer = self.runtime.block_on(self.engine.execute(self.request(body)?));
        ensure!(!answer.has_errors, "{}", String::from_utf8_lossy(&answer.body.into_vec()));
        Ok(())
    }
}

/// How often the longest hold of a worker is looked for, and in how many answers each time. A hold of ours is in all of them; one that
/// is in few is the machine's, which was elsewhere.
const TURNS: usize = 7;
const ANSWERS: usize = 100;

/// The longest holds of a worker, a turn after the other.
pub fn holds() -> Result<Spread> {
    (0..TURNS).map(|_| hold(ANSWERS)).collect::<Result<Vec<_>>>().map(Spread::of)
}

/// The longest that the runtime's only worker was away from a task that does nothing but come back to it, in seconds, while
/// so many answers of 10,000 members were made.
fn hold(answers: usize) -> Result<f64> {
    let bench = Bench::new()?;
    let bodies = questions::lists(answers, 10_000, |_| Whose::Warm(0));
    // With the roster loaded, and one that is not measured.
    bench.ask(&bodies[0])?;
    let requests = bodies.iter().map(|body| bench.request(body)).collect::<Result<Vec<_>>>()?;
    let Bench { engine, runtime, .. } = bench;
    let done = Arc::new(AtomicBool::new(false));
    let seen = done.clone();
    let watch = runtime.spawn(async move {
        let (mut longest, mut last) = (Duration::ZERO, Instant::now());
        while !seen.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
            let now = Instant::now();
            longest = longest.max(now - last);
            last = now;
        }
        longest
    });
    let answered = runtime.spawn(async move {
        let mut members = 0;
        for request in requests {
            members += engine.execute(request).await.body.len();
        }
        done.store(true, Ordering::Relaxed);
        members
    });
    ensure!(runtime.block_on(answered)? > answers * 1_000_000, "the answers are too short");
    Ok(runtime.block_on(watch)?.as_secs_f64())
}

/// The text of a query of two kilobytes.
pub fn two_kilobytes() -> String {
    let field =
        |n: usize| format!("a{n}: teamMember(id: \"65f1a0c2d4e5f6a7b8c9{n:04}\") {{ id name status role {{ id }} }} ");
    let mut text = String::from("{ ");
    for n in 0.. {
        if text.len() >= 2000 {
            break;
        }
        text += &field(n);
    }
    text + "}"
}

/// Measures all steps.
pub fn measure() -> Result<Vec<Step>> {
    let bench = Bench::new()?;
    let steps = bench.engine.steps();
    let mut figures = Vec::new();
    let mut add = |name: String, work: &mut dyn FnMut()| figures.push(Step { seconds: median(work), name });

    let text = two_kilobytes();
    let document = steps.parse(&text).context("it does not parse")?;
    ensure!(steps.scan(&text) && steps.measure(&document), "the pre-check refuses it");
    add(SCAN.into(), &mut || {
        black_box(steps.scan(black_box(&text)));
    });
    add(MEASURE.into(), &mut || {
        black_box(steps.measure(black_box(&document)));
    });

    let bodies = questions::lists(2, 100, |_| Whose::Warm(0));
    let text = service::text(&bodies[0])?;
    let parse = || steps.parse(&text).context("it does not parse");
    let valid = steps.validate(parse()?).context("it is not valid")?;
    ensure!(steps.plan(&valid), "it has no plan");
    add("parsing a list's operation".into(), &mut || {
        black_box(steps.parse(black_box(&text)));
    });
    add("parsing and validating it".into(), &mut || {
        black_box(steps.parse(black_box(&text)).and_then(|document| steps.validate(document)));
    });
    add("planning it".into(), &mut || {
        black_box(steps.plan(black_box(&valid)));
    });
    bench.ask(&bodies[0])?;
    for (name, body) in [("preparing one that is kept", &bodies[0]), ("preparing one that is not", &bodies[1])] {
        let request = bench.request(body)?;
        ensure!(steps.prepare(request), "it is refused");
        add(name.into(), &mut || {
            let _ = black_box(bench.request(body).map(|request| steps.prepare(request)));
        });
    }
    for members in [1, 10, 100, 1_000, 10_000] {
        // Several questions, because some fields are shorter than others.
        let questions = (0..8).map(|n| bench.question(n, members)).collect::<Result<Vec<_>>>()?;
        let mut next = 0;
        add(projection(members), &mut || {
            next = (next + 1) % questions.len();
            black_box(steps.project(black_box(&questions[next])));
        });
    }
    for members in [1, 100, 10_000] {
        let body = team::body(0, members);
        let name = format!("reading the upstream's body of {members} members, {} KiB", body.len() >> 10);
        add(name, &mut || {
            let _ = black_box(decode(black_box(body.as_bytes()).chunks(64 << 10)));
        });
    }
    Ok(figures)
}

/// The median of many batches, each long enough to be timed.
fn median(work: &mut dyn FnMut()) -> f64 {
    let mut batch = |count: u32| {
        let started = Instant::now();
        (0..count).for_each(|_| work());
        started.elapsed().as_secs_f64() / f64::from(count)
    };
    // So many that a batch takes about two milliseconds, and all of them about a tenth of a second.
    let once = batch(8);
    let count = (2e-3 / once).clamp(8.0, 1e6) as u32;
    let mut batches: Vec<f64> = (0..51).map(|_| batch(count)).collect();
    batches.sort_by(f64::total_cmp);
    batches[batches.len() / 2]
}
