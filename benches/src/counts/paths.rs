//! The paths whose instructions are counted: each is prepared once, and then taken again and again with inputs that are the same
//! in every run.

use std::hint::black_box;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use flowmatix_graphql::upstream::decode;
use tokio::io::AsyncReadExt;

use super::bench::Bench;
use crate::live::changing_vendor;
use crate::{questions, team};

/// How often a path is taken before it is counted, so that caches are filled and vectors have grown.
const WARM_UP: usize = 100;
/// The members of the teams of whole answers: few, so that what each request takes besides its rows is most of it.
const FEW: usize = 10;
/// Those of the paths that are about rows.
const MANY: usize = 100;
/// How many different operations take turns.
const OPERATIONS: usize = 16;

/// Something that the service does, over and over.
pub struct CountedPath {
    pub name: &'static str,
    /// How often it is taken while it is counted: what happens only now and then is spread evenly over so many.
    pub times: usize,
    prepare: fn() -> Result<Pass>,
}

/// Takes a path once; what makes its input is not counted.
type Pass = Box<dyn FnMut(Counting) -> Result<()>>;

pub const PATHS: [CountedPath; 8] = [
    CountedPath { name: "warm-http", times: 600, prepare: warm_http },
    CountedPath { name: "warm", times: 1000, prepare: warm },
    CountedPath { name: "identical", times: 1000, prepare: identical },
    CountedPath { name: "cold", times: 600, prepare: cold },
    CountedPath { name: "project", times: 600, prepare: project },
    CountedPath { name: "decode", times: 100, prepare: decode_team },
    CountedPath { name: "parse-validate", times: 300, prepare: parse_validate },
    CountedPath { name: "event", times: 300, prepare: event },
];

impl CountedPath {
    pub fn named(name: &str) -> Result<&'static Self> {
        PATHS.iter().find(|path| path.name == name).with_context(|| format!("there is no path {name}"))
    }

    /// Takes the path so often, first uncounted.
    pub fn take(&self) -> Result<()> {
        let mut pass = (self.prepare)()?;
        for n in 0..WARM_UP + self.times {
            pass(Counting(n >= WARM_UP)).with_context(|| format!("the {n}th time of {}", self.name))?;
        }
        Ok(())
    }
}

/// Whether a pass is counted.
#[derive(Clone, Copy)]
struct Counting(bool);

impl Counting {
    fn count<T>(self, work: impl FnOnce() -> T) -> T {
        let (mut work, mut result) = (Some(work), None);
        let mut once = || result = work.take().map(|work| black_box(work()));
        if self.0 {
            flowmatix_counted(&mut once)
        } else {
            once()
        }
        result.expect("the work was done")
    }
}

/// What callgrind counts is what happens between its beginning and its end (`--toggle-collect`), so it has a name of its own.
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
#[inline(never)]
fn flowmatix_counted(work: &mut dyn FnMut()) {
    work();
}

/// A known operation over a loaded team, with variables that were not asked for yet, so that the answer is written.
fn warm() -> Result<Pass> {
    let bench = Bench::new()?;
    bench.teams.push(&team::body(0, FEW))?;
    let (email, mut asked) = (team::account(0, FEW), 0);
    Ok(Box::new(move |counting| {
        asked += 1;
        let request = bench.request(&questions::list(0, FEW, &email, -asked))?;
        counting.count(|| bench.answer(request))
    }))
}

/// The same from the bytes of a request to those of its answer, over a connection that is kept.
fn warm_http() -> Result<Pass> {
    let bench = Bench::new()?;
    bench.teams.push(&team::body(0, FEW))?;
    let service = bench.serve()?;
    let mut requests = TcpStream::connect(service.address())?;
    requests.set_nodelay(true)?;
    let answers = requests.try_clone()?;
    answers.set_nonblocking(true)?;
    let entered = bench.runtime.enter();
    let mut answers = tokio::net::TcpStream::from_std(answers)?;
    drop(entered);
    let (email, mut asked, mut read) = (team::account(0, FEW), 0, vec![0; 64 << 10]);
    Ok(Box::new(move |counting| {
        // It runs as long as its runtime and its listener.
        let _ = &service;
        asked += 1;
        let body = questions::list(0, FEW, &email, -asked);
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer bench\r\naccept: application/json\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        requests.write_all((head + &body).as_bytes())?;
        let length = counting.count(|| bench.runtime.block_on(answers.read(&mut read)))?;
        let answer = &read[..length];
        let is_whole = answer.starts_with(b"HTTP/1.1 200 OK") && answer.ends_with(b"}}}");
        ensure!(is_whole, "{}", String::from_utf8_lossy(answer));
        Ok(())
    }))
}

/// A request that was asked before, whose answer is used again.
fn identical() -> Result<Pass> {
    let bench = Bench::new()?;
    bench.teams.push(&team::body(0, FEW))?;
    let body = questions::list(0, FEW, &team::account(0, FEW), 0);
    Ok(Box::new(move |counting| {
        let request = bench.request(&body)?;
        counting.count(|| bench.answer(request))
    }))
}

/// A known operation about an account that no request has asked for yet, whose team comes from the upstream.
fn cold() -> Result<Pass> {
    let bench = Bench::new()?;
    let mut asked = 0;
    Ok(Box::new(move |counting| {
        asked += 1;
        bench.teams.push(&team::body(asked as u64, FEW))?;
        let request = bench.request(&questions::list(0, FEW, &team::account(asked, FEW), 0))?;
        counting.count(|| bench.answer(request))
    }))
}

/// Writes six fields of each member.
fn project() -> Result<Pass> {
    let bench = Bench::new()?;
    bench.teams.push(&team::body(0, MANY))?;
    let resolve = |n| {
        let request = bench.request(&questions::list(n, MANY, &team::account(0, MANY), 0))?;
        let question = bench.runtime.block_on(bench.engine.steps().resolve(request));
        question.context("not a question for the projection")
    };
    let questions = (0..OPERATIONS).map(resolve).collect::<Result<Vec<_>>>()?;
    let mut turns = turns();
    Ok(Box::new(move |counting| {
        let question = &questions[turns()];
        let length = counting.count(|| bench.engine.steps().project(question));
        ensure!(length > MANY * 6, "the answer is too short");
        Ok(())
    }))
}

/// Reads the upstream's answer, in pieces as they come from a socket.
fn decode_team() -> Result<Pass> {
    let bodies: Vec<String> = (0..OPERATIONS).map(|seed| team::body(seed as u64, MANY)).collect();
    let mut turns = turns();
    Ok(Box::new(move |counting| {
        let body = &bodies[turns()];
        let team = counting.count(|| decode(body.as_bytes().chunks(16 << 10)))?;
        ensure!(team.len() == MANY, "{} members", team.len());
        Ok(())
    }))
}

/// Prepares an operation that is not known: scans, parses, validates and plans its text.
fn parse_validate() -> Result<Pass> {
    let bench = Bench::new()?;
    let body = |n| questions::list(n, MANY, &team::account(0, MANY), 0);
    let bodies: Vec<String> = (0..OPERATIONS).map(body).collect();
    let mut turns = turns();
    Ok(Box::new(move |counting| {
        let request = bench.request(&bodies[turns()])?;
        let is_prepared = counting.count(|| bench.engine.steps().prepare(request));
        ensure!(is_prepared, "it is refused");
        Ok(())
    }))
}

/// A load brings a team that has changed, and a subscription of the whole team and one of its changes have their next events.
fn event() -> Result<Pass> {
    const MEMBER: &str = "id name liveAvailability unreadMessages";
    let bench = Bench::new()?;
    bench.teams.push(&changing_vendor::body(0))?;
    let email = team::account(0, changing_vendor::MEMBERS);
    let grant = bench.grants.grant(Some(Bench::account(&email)?))?;
    let account = format!("account: {{ email: \"{email}\", type: CUSTOMER }}");
    let mut subscriptions = [
        bench.subscribe(&format!("subscription {{ team({account}) {{ members {{ nodes {{ {MEMBER} }} }} }} }}"))?,
        bench.subscribe(&format!(
            "subscription {{ teamChanges({account}) {{ upserted {{ {MEMBER} }} removedIds }} }}"
        ))?,
    ];
    let mut state = 0;
    Ok(Box::new(move |counting| {
        state += 1;
        bench.teams.push(&changing_vendor::body(state))?;
        let events = counting.count(|| {
            bench.runtime.block_on(async {
                let load = bench.rosters.get(&grant, Some(Duration::ZERO)).await;
                load.map_err(|failed| failed.error)?;
                let mut events = Vec::new();
                for subscription in &mut subscriptions {
                    events.extend(subscription.next().await);
                }
                anyhow::Ok(events)
            })
        })?;
        ensure!(events.len() == 2 && events.iter().all(|event| !event.summary.has_errors), "{events:?}");
        Ok(())
    }))
}

/// Whose turn it is, again and again.
fn turns() -> impl FnMut() -> usize {
    let mut next = 0;
    move || {
        next += 1;
        next % OPERATIONS
    }
}
