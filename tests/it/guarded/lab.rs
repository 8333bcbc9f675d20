//! The laboratory: rosters over an endpoint in memory, whose answers a test decides, and which remembers when it was called.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowmatix_graphql::config::{Config, Flag, Profile};
use flowmatix_graphql::model::{
    Account, Caller, CallerId, Clock, Credential, CredentialId, EmailAddress, Grant, Scopes, UserType,
};
use flowmatix_graphql::model::{ErrorKind, UpstreamError};
use flowmatix_graphql::roster::Rosters;
use flowmatix_graphql::telemetry::Metrics;
use flowmatix_graphql::upstream::{Budget, Called, Endpoint, GuardedUpstream, RateLimit, RowPage, Upstream};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep};

/// What the endpoint does with a call.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    Team,
    Fail(ErrorKind),
    /// 503, which may be tried again.
    Unavailable,
    Silence,
    Panic,
    /// A team, and this many calls left of so many, for so long.
    Left(u32, u32, Duration),
    /// A page with so many rows, of a list of so many.
    Rows(u32, u32),
}

type Script = dyn Fn(&Call) -> Reply + Send + Sync;

/// A call as the endpoint saw it.
#[derive(Clone, Debug)]
pub struct Call {
    pub at: Instant,
    /// Since the laboratory was set up.
    pub after: Duration,
    pub email: String,
    pub page: Option<u32>,
    pub number: usize,
}

struct Memory {
    started: Instant,
    script: Box<Script>,
    latency: Duration,
    calls: Mutex<Vec<Call>>,
}

impl Endpoint for Memory {
    fn call<'a>(&'a self, account: &'a Account, _: &'a Credential, page: Option<u32>) -> BoxFuture<'a, Called> {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            let (at, email) = (Instant::now(), account.email.as_str().to_owned());
            let call = Call { at, after: at - self.started, email, page, number: calls.len() + 1 };
            calls.push(call.clone());
            call
        };
        async move {
            sleep(self.latency).await;
            let (result, rate_limit) = match (self.script)(&call) {
                Reply::Team => (Ok(page_of(1, None, 1)), None),
                Reply::Fail(kind) => (Err(kind.into()), None),
                Reply::Unavailable => (Err(UpstreamError::from(ErrorKind::Unavailable).retryable()), None),
                Reply::Silence => std::future::pending().await,
                Reply::Panic => panic!("the endpoint was told to"),
                Reply::Left(remaining, limit, reset) => {
                    (Ok(page_of(1, None, 1)), Some(RateLimit { limit: Some(limit), remaining, reset }))
                }
                Reply::Rows(rows, total) => (Ok(page_of(rows, Some(total), call.page.unwrap_or(1))), None),
            };
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
    endpoint: Arc<Memory>,
    credential: Arc<Credential>,
}

impl Lab {
    /// Over an endpoint that answers after 20 ms, with these settings.
    pub fn new(seed: u64, pairs: &[(&str, &str)], script: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let mut config = Config::defaults(Profile::Demo);
        let flag =
            |(path, value): &(&str, &str)| Flag { flag: "test".into(), path: (*path).into(), value: (*value).into() };
        config.follow(&pairs.iter().map(flag).collect::<Vec<_>>()).unwrap();
        let (clock, metrics) = (Clock::start(), Arc::<Metrics>::default());
        let endpoint = Arc::new(Memory {
            started: Instant::now(),
            script: Box::new(script),
            latency: Duration::from_millis(20),
            calls: Mutex::default(),
        });
        let budget = Budget::open(&config.budget, clock).unwrap();
        let upstream: Arc<dyn Upstream> =
            Arc::new(GuardedUpstream::new(endpoint.clone(), &config.upstream, budget, seed, clock, metrics.clone()));
        let rosters = Arc::new(Rosters::new(&config.roster, upstream.clone(), clock, metrics));
        let credential = Arc::new(Credential::new(CredentialId::Held("lab".into()), "secret".into()));
        Self { rosters, upstream, endpoint, credential }
    }

    /// The right to read the n-th account.
    pub fn grant(&self, n: usize) -> Grant {
        self.grant_of(CallerId::Anonymous, n)
    }

    /// The same for a caller with a key of this name.
    pub fn grant_of(&self, id: CallerId, n: usize) -> Grant {
        let email = EmailAddress::parse(&format!("n{n}@a.example")).unwrap();
        let caller = Caller { id, credential: self.credential.clone(), scopes: Scopes::ALL };
        Grant::mint(caller, Account { email, user_type: UserType::Agent })
    }

    pub fn calls(&self) -> Vec<Call> {
        self.endpoint.calls.lock().unwrap().clone()
    }

    /// The calls of the fullest hour.
    pub fn fullest_hour(&self) -> usize {
        let calls = self.calls();
        let hour = Duration::from_secs(3600);
        let within =
            |first: &Call| calls.iter().filter(|call| call.at >= first.at && call.at - first.at < hour).count();
        calls.iter().map(within).max().unwrap_or(0)
    }
}

pub fn key(name: &str) -> CallerId {
    CallerId::Key(name.into())
}
