//! A service on one thread, over teams that were decoded before: what a path takes does not depend on which thread does it, and
//! decoding is a path of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use flowmatix_graphql::app::App;
use flowmatix_graphql::config::Config;
use flowmatix_graphql::graphql::{Engine, LiveSubscription, Request, Started};
use flowmatix_graphql::model::{Account, Clock, EmailAddress, ErrorKind, Grants, Roster, UpstreamError, UserType};
use flowmatix_graphql::roster::Rosters;
use flowmatix_graphql::upstream::{FetchedRoster, Load, Upstream, decode};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::service;

pub struct Bench {
    pub engine: Engine,
    pub rosters: Arc<Rosters>,
    pub grants: Arc<dyn Grants>,
    pub teams: Arc<Teams>,
    pub runtime: Runtime,
    config: Config,
}

/// An upstream whose answers are there before they are asked for, one for each call.
#[derive(Default)]
pub struct Teams(Mutex<VecDeque<Roster>>);

impl Teams {
    /// Has the next call that no other team is there for answered with this one.
    pub fn push(&self, body: &str) -> Result<()> {
        let team = decode([body.as_bytes()])?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(team);
        Ok(())
    }
}

impl Upstream for Teams {
    fn fetch<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<FetchedRoster, UpstreamError>> {
        load.observer.called();
        let team = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let fetched = team.map(|roster| FetchedRoster { roster, began: Clock::instant() });
        async move { fetched.ok_or_else(|| ErrorKind::Rejected(404).into()) }.boxed()
    }
}

impl Bench {
    pub fn new() -> Result<Self> {
        let mut config = service::config("http://127.0.0.1:1")?;
        (config.http.listen, config.admin.listen) = ("127.0.0.1:0".parse()?, "127.0.0.1:0".parse()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (teams, metrics) = (Arc::<Teams>::default(), Arc::default());
        let entered = runtime.enter();
        let rosters = Arc::new(Rosters::new(&config.roster, teams.clone(), Clock::start(), Arc::clone(&metrics)));
        let engine = service::engine_over(&config, rosters.clone(), metrics);
        drop(entered);
        let grants = service::grants(&config)?;
        Ok(Self { engine, rosters, grants, teams, runtime, config })
    }

    pub fn request(&self, body: &str) -> Result<Request> {
        service::request(body, self.grants.clone())
    }

    /// Answers a request, without an error.
    pub fn answer(&self, request: Request) -> Result<()> {
        let answer = self.runtime.block_on(self.engine.execute(request));
        ensure!(!answer.has_errors, "{}", String::from_utf8_lossy(&answer.body.into_vec()));
        Ok(())
    }

    /// Begins a subscription.
    pub fn subscribe(&self, query: &str) -> Result<LiveSubscription> {
        let request = self.request(&json!({ "query": query }).to_string())?;
        let live = match self.runtime.block_on(self.engine.start(request)) {
            Started::Live(live) => live,
            Started::Answer(answer) => bail!("{}", String::from_utf8_lossy(&answer.body.into_vec())),
        };
        let _entered = self.runtime.enter();
        self.engine.listen(live, Arc::new(())).context("there is no room for events")
    }

    /// The account of an address in the questions.
    pub fn account(email: &str) -> Result<Account> {
        Ok(Account { email: EmailAddress::parse(email)?, user_type: UserType::Customer })
    }

    /// The whole service over the same teams, listening.
    pub fn serve(&self) -> Result<App> {
        let start = async { App::start_over(&self.config, None, self.teams.clone(), Clock::start(), Arc::default()) };
        self.runtime.block_on(start).context("the service does not start")
    }
}
