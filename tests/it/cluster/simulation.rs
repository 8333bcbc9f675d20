//! The lease protocol under everything that may happen to replicas, tier and network: the vendor's own count is the judge.
//!
//! Replicas are the service's own state machines, the tier runs the real script. Time is simulated; each replica's clock runs a
//! little differently fast, and the tier's is set now and then.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use flowmatix_graphql::cluster::{LEASE_SCRIPT, LeaseRequest, Replica, Reply, Report, Taken, Timing};
use tokio::time::Instant;

use super::script_tier::ScriptTier;

const WINDOW: i64 = 3_000;
const LEASE: i64 = 500;
/// The longest that a call takes, from its start.
const ATTEMPT: i64 = 200;
const RESPONSE_TIMEOUT: i64 = 50;

#[derive(Clone, Debug)]
enum Event {
    Beat(usize),
    Demand(usize),
    /// A request reaches the tier.
    Arrives(usize, u64, Arc<LeaseRequest>),
    /// An answer reaches its replica.
    Answered(usize, u64, Arc<LeaseRequest>, Vec<String>, bool),
    TimesOut(usize, u64),
    CallEnds(usize, u64),
    Chaos,
    Resume,
}

struct Process {
    replica: Replica,
    alive: bool,
    /// How much faster its clock runs.
    drift: f64,
    ends: Vec<Instant>,
    open: BTreeMap<u64, Instant>,
    step: Option<u64>,
    waiting: u32,
    offline: u32,
    ever_eligible: bool,
}

/// What a schedule may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fair,
    Foul,
}

struct World {
    now: i64,
    rng: fastrand::Rng,
    base: Instant,
    queue: BinaryHeap<Reverse<(i64, u64)>>,
    events: HashMap<u64, Event>,
    next: u64,
    tier: ScriptTier,
    processes: Vec<Process>,
    ledger: Arc<str>,
    spendable: u32,
    weather: Weather,
    hung: bool,
    backlog: Vec<Event>,
    /// What the tier's copy has, and since when.
    copy: HashMap<String, HashMap<String, String>>,
    /// When the vendor counted each call.
    counted: Vec<i64>,
    faults: u32,
}

impl World {
    fn new(seed: u64, replicas: usize, spendable: u32, weather: Weather) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        let mut world = Self {
            now: 0,
            rng,
            base: Instant::now() + Duration::from_secs(86_400),
            queue: BinaryHeap::new(),
            events: HashMap::new(),
            next: 0,
            tier: ScriptTier::new(LEASE_SCRIPT, 1_700_000_000_000),
            processes: Vec::new(),
            ledger: "ledger".into(),
            spendable,
            weather,
            hung: false,
            backlog: Vec::new(),
            copy: HashMap::new(),
            counted: Vec::new(),
            faults: 0,
        };
        for _ in 0..replicas {
            world.spawn();
        }
        if weather == Weather::Foul {
            world.after(4_500, Event::Chaos);
        }
        world
    }

    fn timing() -> Timing {
        let millis = |n: i64| Duration::from_millis(n as u64);
        Timing::new(millis(WINDOW), millis(LEASE), millis(ATTEMPT + 20), true)
    }

    fn after(&mut self, delay: i64, event: Event) {
        let number = self.next;
        self.next += 1;
        self.events.insert(number, event);
        self.queue.push(Reverse((self.now + delay.max(0), number)));
    }

    fn instant(&self, process: usize) -> Instant {
        let elapsed = self.now as f64 * (1.0 + self.processes[process].drift);
        self.base + Duration::from_micros((elapsed * 1000.0) as u64)
    }

    fn spawn(&mut self) {
        let index = self.processes.len();
        let drift = (self.rng.f64() - 0.5) * 4e-4;
        let offline = if self.rng.u8(..) < 64 { 1 } else { 0 };
        let now = self.base + Duration::from_micros((self.now as f64 * (1.0 + drift) * 1000.0) as u64);
        self.processes.push(Process {
            replica: Replica::new(format!("r{index}"), Self::timing(), now),
            alive: true,
            drift,
            ends: Vec::new(),
            open: BTreeMap::new(),
            step: None,
            waiting: 0,
            offline,
            ever_eligible: false,
        });
        let delay = self.rng.i64(0..100);
        self.after(delay, Event::Beat(index));
        self.after(delay, Event::Demand(index));
    }

    fn run(&mut self, until: i64) {
        while let Some(Reverse((at, number))) = self.queue.pop() {
            if at > until {
                break;
            }
            self.tier.store.borrow_mut().wall += at - self.now;
            self.now = at;
            let event = self.events.remove(&number).unwrap();
            self.handle(event);
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Beat(p) if self.processes[p].alive => {
                if self.processes[p].step.is_none() {
                    self.send(p);
                }
                self.after(125, Event::Beat(p));
            }
            Event::Demand(p) if self.processes[p].alive => {
                self.processes[p].waiting = (self.processes[p].waiting + 1).min(5);
                self.serve(p);
                // Together, always more than the plan allows.
                let share = WINDOW * self.processes.iter().filter(|p| p.alive).count() as i64;
                let pause = share / i64::from(2 * self.spendable);
                let delay = self.rng.i64(0..=2 * pause.max(1));
                self.after(delay, Event::Demand(p));
            }
            Event::Arrives(..) if self.hung => self.backlog.push(event),
            Event::Arrives(p, number, step) => {
                let reply = self.tier.run(&step.arguments, step.ledger.is_some());
                let foul = self.weather == Weather::Foul;
                // The copy has it by the time of the answer, or not.
                let copied = !foul || self.rng.u8(..) < 200;
                if copied && foul {
                    self.copy = self.tier.store.borrow().data.clone();
                }
                if foul && self.rng.u8(..) < 8 {
                    return;
                }
                let delay = self.rng.i64(0..5);
                self.after(delay, Event::Answered(p, number, step, reply, copied));
            }
            Event::Answered(p, number, step, reply, copied) if self.processes[p].alive => {
                if self.processes[p].step != Some(number) {
                    return;
                }
                self.processes[p].step = None;
                let now = self.instant(p);
                let reply = Reply::read(&reply).expect("the script's answers can be read");
                let again = self.processes[p].replica.answered(&step, &reply, copied, now);
                self.processes[p].ever_eligible |= self.processes[p].replica.is_eligible();
                if again {
                    self.send(p);
                } else {
                    self.serve(p);
                }
            }
            Event::TimesOut(p, number) if self.processes[p].step == Some(number) => self.processes[p].step = None,
            Event::CallEnds(p, number) => {
                let now = self.instant(p);
                if self.processes[p].open.remove(&number).is_some() {
                    self.processes[p].ends.push(now);
                }
            }
            Event::Chaos => self.chaos(),
            Event::Resume => {
                self.hung = false;
                for event in std::mem::take(&mut self.backlog) {
                    self.handle(event);
                }
            }
            _ => {}
        }
    }

    fn report(&mut self, p: usize) -> Report {
        let now = self.instant(p);
        let window = Self::timing().window;
        let process = &mut self.processes[p];
        process.ends.retain(|end| now - *end < window);
        let ends = process.ends.iter().copied().chain(process.open.values().copied()).collect();
        let want = process.waiting.min((self.spendable / 20).max(1));
        Report { ends, payers: Vec::new(), want, offline: process.offline, spendable: self.spendable }
    }

    fn send(&mut self, p: usize) {
        let now = self.instant(p);
        let (ledger, report) = (self.ledger.clone(), self.report(p));
        let nonce = format!("e{}", self.next);
        // Not every beat has a ledger with it.
        let with = self.rng.u8(..) < 230;
        let step = self.processes[p].replica.step(with.then_some((&ledger, &report)), &nonce, now);
        let number = self.next;
        self.processes[p].step = Some(number);
        self.after(RESPONSE_TIMEOUT, Event::TimesOut(p, number));
        if self.weather == Weather::Foul && self.rng.u8(..) < 8 {
            return;
        }
        // Some are so slow that their replica has given up, and has sent a later one.
        let delay = if self.rng.u8(..) < 6 { self.rng.i64(0..400) } else { self.rng.i64(0..5) };
        self.after(delay, Event::Arrives(p, number, Arc::new(step)));
    }

    /// Makes the calls that wait, as far as leases go, and asks for more.
    fn serve(&mut self, p: usize) {
        let now = self.instant(p);
        let ledger = self.ledger.clone();
        while self.processes[p].waiting > 0 {
            let away = self.hung;
            let replica = &mut self.processes[p].replica;
            let taken =
                replica.take(&ledger, now).or_else(|| if away { replica.take_offline(&ledger, now) } else { None });
            let Some(taken) = taken else { break };
            if self.rng.u8(..) < 10 {
                self.processes[p].replica.settle(&ledger, taken, false);
                break;
            }
            self.call(p, taken);
        }
        // More often than the service, which waits for the next beat where it was refused.
        if self.processes[p].waiting > 0 && self.processes[p].step.is_none() && self.rng.u8(..) < 64 {
            self.send(p);
        }
    }

    fn call(&mut self, p: usize, taken: Taken) {
        let now = self.instant(p);
        let number = self.next;
        let late = Duration::from_millis(ATTEMPT as u64);
        self.processes[p].open.insert(number, now + late);
        let ledger = self.ledger.clone();
        self.processes[p].replica.settle(&ledger, taken, true);
        self.processes[p].waiting -= 1;
        let takes = self.rng.i64(1..ATTEMPT);
        // The vendor counts it whatever becomes of its caller.
        let arrives = self.rng.i64(0..=takes);
        self.counted.push(self.now + arrives);
        self.after(takes, Event::CallEnds(p, number));
    }

    fn chaos(&mut self) {
        self.faults += 1;
        let alive: Vec<usize> = (0..self.processes.len()).filter(|p| self.processes[*p].alive).collect();
        let elders = alive.iter().filter(|p| self.processes[**p].ever_eligible).count();
        match self.rng.u8(0..12) {
            0..=3 => {
                // One that knows what was spent is left, or half counts as spent and nothing is promised.
                let victim = alive[self.rng.usize(..alive.len())];
                if elders > 1 || !self.processes[victim].ever_eligible {
                    self.processes[victim].alive = false;
                    let delay = self.rng.i64(0..2_000);
                    if delay < 1_800 {
                        self.spawn();
                    }
                }
            }
            4 => self.spawn(),
            5 if elders > 0 => self.tier.store.borrow_mut().data.clear(),
            6 if elders > 0 => self.tier.restart(HashMap::new()),
            7 => {
                let data = self.tier.store.borrow().data.clone();
                self.tier.restart(data);
            }
            8 => {
                let copy = self.copy.clone();
                self.tier.restart(copy);
                // The other machine has another clock.
                let skew = self.rng.i64(-2_000..2_000);
                self.tier.store.borrow_mut().wall += skew;
            }
            9 | 10 if !self.hung => {
                self.hung = true;
                let delay = self.rng.i64(20..3_000);
                self.after(delay, Event::Resume);
            }
            _ => {
                let step = self.rng.i64(-20_000..20_000);
                self.tier.store.borrow_mut().wall += step;
            }
        }
        let pause = self.rng.i64(10..2_500);
        self.after(pause, Event::Chaos);
    }

    /// The most calls that the vendor counted in any window, and how many in all.
    fn judge(&mut self) -> (usize, usize) {
        self.counted.sort_unstable();
        let (mut first, mut most) = (0, 0);
        for (at, time) in self.counted.iter().enumerate() {
            while time - self.counted[first] >= WINDOW {
                first += 1;
            }
            most = most.max(at + 1 - first);
        }
        (most, self.counted.len())
    }
}

/// So many schedules are tried in the suite; `make cluster` tries 1,000.
const SHORT_RUN: u64 = 12;

fn seeds() -> u64 {
    std::env::var("SIMULATION_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SHORT_RUN)
}

/// Runs all seeds on two threads; says of each how many calls there were at most in a window, and in all.
fn all(run: impl Fn(u64) -> (usize, usize, u32) + Send + Sync + Copy) -> Vec<(usize, usize, u32)> {
    std::thread::scope(|scope| {
        let half =
            |odd: u64| scope.spawn(move || (0..seeds()).filter(|seed| seed % 2 == odd).map(run).collect::<Vec<_>>());
        let (a, b) = (half(0), half(1));
        a.join().unwrap().into_iter().chain(b.join().unwrap()).collect()
    })
}

#[test]
fn whatever_fails_the_vendor_never_counts_more_than_the_plan_in_a_window() {
    let results = all(|seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        let replicas = if seed % 50 == 49 { 50 } else { rng.usize(3..10) };
        let spendable = rng.u32(20..120);
        let mut world = World::new(seed, replicas, spendable, Weather::Foul);
        world.run(15_000);
        let (most, calls) = world.judge();
        assert!(most <= spendable as usize, "seed {seed}: {most} calls in a window, {spendable} allowed");
        (most, calls, world.faults)
    });
    let (calls, faults) = results.iter().fold((0, 0), |sum, (_, calls, faults)| (sum.0 + calls, sum.1 + faults));
    println!("{} schedules, {faults} faults, {calls} calls", results.len());
    // It is no feat to make no calls.
    assert!(calls > results.len() * 40, "{calls}");
}

#[test]
fn in_fair_weather_most_of_the_plan_can_be_spent() {
    // At first half counts as spent, because nobody knows.
    const KNOWN: i64 = 5_000;
    const END: i64 = 11_000;
    // Fifty take long.
    let sizes: &[usize] = if seeds() > SHORT_RUN { &[1, 3, 12, 50] } else { &[1, 3, 12] };
    for &replicas in sizes {
        let mut world = World::new(7, replicas, 100, Weather::Fair);
        world.run(END);
        let (most, _) = world.judge();
        assert!(most <= 100, "{most}");
        let calls = world.counted.iter().filter(|at| (KNOWN..END).contains(at)).count();
        let possible = 100 * (END - KNOWN) as usize / WINDOW as usize;
        println!("{replicas} replicas: {calls} of {possible} calls, {most} in a window");
        assert!(calls * 2 > possible, "{replicas} replicas: {calls} of {possible}");
    }
}
