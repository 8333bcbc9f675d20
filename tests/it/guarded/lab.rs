//! The laboratory: rosters over an in-memory endpoint whose answers the test chooses, and which counts calls as the vendor
//! would.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowmatix_graphql::config::{Config, Flag, Profile};
use flowmatix_graphql::model::{
    Account, Caller, CallerId, Clock, Credential, CredentialId, EmailAddress, Grant, Scopes, UserType,
};
use flowmatix_graphql::model::{ErrorKind, Fault, IdentityHash, UpstreamError};
use flowmatix_graphql::roster::{LookupWaits, Rosters};
use flowmatix_graphql::telemetry::Metrics;
use flowmatix_graphql::upstream::{Budget, Called, Endpoint, GuardedUpstream, RateLimit, RowPage, Upstream};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep};

/// What the endpoint does with a call.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    Team,
    Fail(ErrorKind),
    /// 503, which may be tried again.
    Unavailable,
    /// 500, the fault of one account.
    Broken,
    /// 503, which says how long it lasts.
    BackAt(Duration),
    Silence,
    Panic,
    /// A team, and this many calls left of so many, for so long.
    Left(u32, u32, Duration),
    /// A page with so many rows, of a list of so many.
    Rows(u32, u32),
}

type Script = dyn Fn(&Call) -> Reply + Send + Sync;
type Latency = dyn Fn(&Call) -> Duration + Send + Sync;

/// A call as the endpoint saw it.
#[derive(Clone, Debug)]
pub struct Call {
    pub at: Instant,
    /// Since the laboratory was set up.
    pub after: Duration,
    pub email: String,
    pub token: String,
    pub page: Option<u32>,
    pub number: usize,
}

/// What the endpoint remembers, over restarts of the service.
struct Memory {
    started: Instant,
    script: Box<Script>,
    latency: Box<Latency>,
    calls: Mutex<Vec<Call>>,
    /// Calls that have been answered with a team.
    teams: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

/// Counts a call that is under way until it is dropped.
struct UnderWay<'m>(&'m Memory);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The endpoint as one process sees it: once the process is killed, nothing of it arrives.
struct Process {
    memory: Arc<Memory>,
    alive: AtomicBool,
}

impl Endpoint for Process {
    fn call<'a>(
        &'a self,
        account: &'a Account,
        credential: &'a Credential,
        page: Option<u32>,
    ) -> BoxFuture<'a, Called> {
        if !self.alive.load(Ordering::Relaxed) {
            return std::future::pending().boxed();
        }
        let memory = &*self.memory;
        let call = {
            let mut calls = memory.calls.lock().unwrap();
            let (at, email) = (Instant::now(), account.email.as_str().to_owned());
            let (after, token) = (at - memory.started, credential.token().expose_secret().to_owned());
            let call = Call { at, after, email, token, page, number: calls.len() + 1 };
            calls.push(call.clone());
            call
        };
        let under_way = memory.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        memory.most_under_way.fetch_max(under_way, Ordering::Relaxed);
        let guard = UnderWay(memory);
        async move {
            let _guard = guard;
            sleep((memory.latency)(&call)).await;
            let (result, rate_limit) = match (memory.script)(&call) {
                Reply::Team => (Ok(page_of(1, None, 1)), None),
                Reply::Fail(kind) => (Err(kind.into()), None),
                Reply::Unavailable => (Err(UpstreamError::from(ErrorKind::Unavailable).retryable()), None),
                Reply::Broken => {
                    let error = UpstreamError::from(ErrorKind::Unavailable).retryable();
                    (Err(error.blaming(Fault::Account)), None)
                }
                Reply::BackAt(after) => {
                    (Err(UpstreamError::from(ErrorKind::Unavailable).with_retry_after(after)), None)
                }
                Reply::Silence => std::future::pending().await,
                Reply::Panic => panic!("the endpoint was told to"),
                Reply::Left(remaining, limit, reset) => {
                    (Ok(page_of(1, None, 1)), Some(RateLimit { limit: Some(limit), remaining, reset }))
                }
                Reply::Rows(rows, total) => (Ok(page_of(rows, Some(total), call.page.unwrap_or(1))), None),
            };
            memory.teams.fetch_add(usize::from(result.is_ok()), Ordering::Relaxed);
            Called { result, rate_limit }
        }
        .boxed()
    }
}

fn page_of(rows: u32, total: Option<u32>, number: u32) -> RowPage {
    let rows: Vec<String> = (0..rows).map(|row| format!(r#"{{"_id":"{number}-{row}"}}"#)).collect();
    let total = total.map_or(String::new(), |total| format!(r#""total":{total},"#));
    RowPage::read([format!(r#"{{"success":true,{total}"data":[{}]}}"#, rows.join(",")).as_bytes()]).unwrap()
}

pub struct Lab {
    pub rosters: Arc<Rosters>,
    pub upstream: Arc<dyn Upstream>,
    config: Config,
    seed: u64,
    endpoint: Arc<Memory>,
    process: Arc<Process>,
    credential: Arc<Credential>,
    clock: Clock,
    /// What the wall clock is off by, in milliseconds.
    step: &'static AtomicI64,
}

impl Lab {
    /// Over an endpoint that answers after 20 ms, with these settings.
    pub fn new(seed: u64, pairs: &[(&str, &str)], script: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_latency(seed, pairs, |_| Duration::from_millis(20), script)
    }

    /// Over an endpoint that answers each call after as long as `latency` says.
    pub fn with_latency(
        seed: u64,
        pairs: &[(&str, &str)],
        latency: impl Fn(&Call) -> Duration + Send + Sync + 'static,
        script: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let mut config = Config::defaults(Profile::Demo);
        let flag =
            |(path, value): &(&str, &str)| Flag { flag: "test".into(), path: (*path).into(), value: (*value).into() };
        config.follow(&pairs.iter().map(flag).collect::<Vec<_>>()).unwrap();
        let endpoint = Arc::new(Memory {
            started: Instant::now(),
            script: Box::new(script),
            latency: Box::new(latency),
            calls: Mutex::default(),
            teams: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
        });
        let step: &'static AtomicI64 = Box::leak(Box::new(AtomicI64::new(0)));
        let clock = Clock::start_off_by(step);
        let credential = Arc::new(Credential::new(CredentialId::Held("lab".into()), "secret".into()));
        let (process, rosters, upstream) = service(&config, seed, &endpoint, clock);
        Self { rosters, upstream, config, seed, endpoint, process, credential, clock, step }
    }

    /// Kills the process, whatever it is doing, and starts another one with the ledger file as it is. The endpoint stays.
    pub fn kill(mut self) -> Self {
        self.process.alive.store(false, Ordering::Relaxed);
        self.seed = self.seed.wrapping_add(1);
        if let Some(file) = &self.config.budget.file {
            // The dead process's tasks are still there and hold the lock.
            let copy = file.with_extension(self.seed.to_string());
            std::fs::copy(file, &copy).unwrap();
            self.config.budget.file = Some(copy);
        }
        (self.process, self.rosters, self.upstream) = service(&self.config, self.seed, &self.endpoint, self.clock);
        self
    }

    /// Sets the wall clock forward or back.
    pub fn step_clock(&self, millis: i64) {
        self.step.fetch_add(millis, Ordering::Relaxed);
    }

    /// What the wall clock shows without the steps, in milliseconds.
    pub fn wall_millis(&self) -> i64 {
        self.clock.wall(self.clock.now()).millis() - self.step.load(Ordering::Relaxed)
    }

    /// The right to read the n-th account.
    pub fn grant(&self, n: usize) -> Grant {
        self.grant_of(CallerId::Anonymous, n)
    }

    /// The same for a caller with a key of this name.
    pub fn grant_of(&self, id: CallerId, n: usize) -> Grant {
        self.grant_with(self.credential.clone(), id, n)
    }

    /// The same with another credential.
    pub fn grant_with(&self, credential: Arc<Credential>, id: CallerId, n: usize) -> Grant {
        let email = EmailAddress::parse(&format!("n{n}@a.example")).unwrap();
        let caller = Caller { id, credential, scopes: Scopes::ALL };
        Grant::mint(caller, Account { email, user_type: UserType::Agent })
    }

    /// The same for the n-th token that a caller brings.
    pub fn grant_by_token(&self, token: u8, n: usize) -> Grant {
        let id = IdentityHash([token; 32]);
        let credential = Credential::new(CredentialId::Forwarded(id), format!("token-{token}").into());
        self.grant_with(Arc::new(credential), CallerId::Token(id), n)
    }

    /// The server's credential.
    pub fn credential(&self) -> &Arc<Credential> {
        &self.credential
    }

    pub fn calls(&self) -> Vec<Call> {
        self.endpoint.calls.lock().unwrap().clone()
    }

    /// How many calls were answered with a team.
    pub fn teams(&self) -> usize {
        self.endpoint.teams.load(Ordering::Relaxed)
    }

    /// The most calls that were under way at once.
    pub fn most_under_way(&self) -> usize {
        self.endpoint.most_under_way.load(Ordering::Relaxed)
    }

    /// The calls of the fullest hour.
    pub fn fullest_hour(&self) -> usize {
        fullest(&self.calls(), Duration::from_secs(3600))
    }
}

/// The calls of the fullest window of this length.
pub fn fullest(calls: &[Call], window: Duration) -> usize {
    let mut at: Vec<Instant> = calls.iter().map(|call| call.at).collect();
    at.sort();
    let (mut first, mut most) = (0, 0);
    for (last, end) in at.iter().enumerate() {
        while *end - at[first] >= window {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

fn service(
    config: &Config,
    seed: u64,
    endpoint: &Arc<Memory>,
    clock: Clock,
) -> (Arc<Process>, Arc<Rosters>, Arc<dyn Upstream>) {
    let metrics = Arc::<Metrics>::default();
    let process = Arc::new(Process { memory: endpoint.clone(), alive: AtomicBool::new(true) });
    let budget = Budget::open(&config.budget, clock, metrics.clone()).unwrap();
    let guarded = GuardedUpstream::new(process.clone(), &config.upstream, budget, seed, clock, metrics.clone());
    let upstream: Arc<dyn Upstream> = Arc::new(guarded);
    let rosters = Rosters::new(&config.roster, upstream.clone(), clock, metrics).with_waits(LookupWaits::new(config));
    (process, Arc::new(rosters), upstream)
}

pub fn key(name: &str) -> CallerId {
    CallerId::Key(name.into())
}
