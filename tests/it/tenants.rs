//! Tenants: in any order of events, no caller sees another tenant's members. In process, on a paused clock, over an in-memory
//! vendor whose rows carry their tenant's mark.
//!
//! `make test` takes 5,000 steps; `make tenants` 100,000 for each of the eight. A failure names its seed:
//! `TENANTS_SEED=… TENANTS_STEPS=… cargo test --test it tenants`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use flowmatix_graphql::auth::{Authenticator, Secret};
use flowmatix_graphql::config::{Config, Profile};
use flowmatix_graphql::graphql::{Engine, Manifest, Reference, Request, Settings, Variables};
use flowmatix_graphql::loader::LoaderFactory;
use flowmatix_graphql::model::Clock;
use flowmatix_graphql::model::{ErrorKind, UpstreamError};
use flowmatix_graphql::roster::Rosters;
use flowmatix_graphql::telemetry::Metrics;
use flowmatix_graphql::upstream::{FetchedRoster, Load, Upstream, decode};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{TempFile, make_key_for};

const TENANTS: usize = 8;
/// An account that every tenant's own token opens, and that has other rows for each of them.
const SHARED: &str = "everybody@shared.example";

fn email(tenant: usize) -> String {
    format!("owner@tenant-{tenant}.example")
}

/// What the vendor knows.
#[derive(Default)]
struct Vendor(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Whose each token is; nobody's opens every account.
    tokens: HashMap<String, Option<usize>>,
    /// Accounts that are closed to a token's owner.
    closed: HashSet<(Option<usize>, String)>,
    calls: usize,
    rng: Rng,
}

impl Vendor {
    fn answer(&self, token: &str, account: &str) -> Result<usize, ErrorKind> {
        let mut known = self.0.lock().unwrap();
        known.calls += 1;
        let owner = *known.tokens.get(token).ok_or(ErrorKind::Unauthenticated)?;
        let asked = (0..TENANTS).find(|tenant| email(*tenant) == account);
        let mark = match (owner, asked) {
            (Some(owner), None) if account == SHARED => owner,
            (Some(owner), Some(asked)) if owner == asked => owner,
            (None, Some(asked)) => asked,
            _ => return Err(ErrorKind::Forbidden),
        };
        if known.closed.contains(&(owner, account.to_owned())) {
            return Err(ErrorKind::Forbidden);
        }
        match known.rng.usize(0..20) {
            0 => Err(ErrorKind::Unavailable),
            _ => Ok(mark),
        }
    }
}

impl Upstream for Vendor {
    fn fetch<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<FetchedRoster, UpstreamError>> {
        async move {
            let (grant, began) = (load.grant, Instant::now());
            load.observer.called();
            let token = grant.caller().credential.token().expose_secret().to_owned();
            let result = self.answer(&token, grant.account().email.as_str());
            let wait = self.0.lock().unwrap().rng.u64(0..40);
            tokio::time::sleep(Duration::from_millis(wait)).await;
            result.map_err(Into::into).map(|mark| {
                let rows: Vec<_> = (0..4).map(|n| row(mark, n)).collect();
                let body = json!({ "success": true, "message": "", "data": rows, "code": 200 }).to_string();
                FetchedRoster { roster: decode([body.as_bytes()]).unwrap(), began }
            })
        }
        .boxed()
    }
}

/// The same ids for every tenant: what is found under one must still be one's own.
fn row(tenant: usize, n: usize) -> Value {
    json!({
        "_id": format!("member-{n}"), "_role": format!("role-{}", n % 2), "name": format!("tenant-{tenant} person {n}"),
        "description": format!("tenant-{tenant}"), "contact": { "email": format!("p{n}@tenant-{tenant}.example") },
    })
}

/// The service without sockets, for callers of two kinds.
struct World {
    vendor: Arc<Vendor>,
    engine: Engine,
    passthrough: Authenticator,
    keyed: Authenticator,
    held: TempFile,
    _keys: TempFile,
    /// Each tenant's token now, and its key.
    tokens: Vec<String>,
    keys: Vec<String>,
    /// Cursors that anybody was given.
    cursors: Vec<String>,
    rotations: usize,
}

#[derive(Default, Debug)]
struct Tally {
    asked: usize,
    rows: usize,
    refused: usize,
    foreign: usize,
    seen: HashMap<String, usize>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut config = Config::defaults(Profile::Demo);
        config.roster.fresh_for = Duration::from_secs(2);
        config.roster.stale_for = Duration::from_secs(20);
        let vendor = Arc::new(Vendor::default());
        vendor.0.lock().unwrap().rng = Rng::with_seed(seed);
        let metrics = Arc::new(Metrics::default());
        let rosters = Arc::new(Rosters::new(&config.roster, vendor.clone(), Clock::start(), metrics.clone()));
        let settings = Settings {
            graphql: config.graphql.clone(),
            documents: config.documents.clone(),
            manifest: Manifest::default(),
            federation: config.federation.clone(),
            tokens: config.tokens.clone(),
        };
        let held = TempFile::new("held", "held-0");
        let (keys, entries): (Vec<_>, Vec<_>) =
            (0..TENANTS).map(|n| make_key_for(&format!("t{n}"), &[format!("CUSTOMER:{}", email(n))], true)).unzip();
        let file = TempFile::new("keys.toml", &entries.concat());
        let secret = Secret::file("auth.credential_file", held.path()).unwrap();
        let keyed = Authenticator::api_keys(file.path(), secret, &config.account, None).unwrap();
        let tokens: Vec<_> = (0..TENANTS).map(|n| format!("token-{n}-0")).collect();
        let mut known = vendor.0.lock().unwrap();
        known.tokens.insert("held-0".to_owned(), None);
        known.tokens.extend(tokens.iter().enumerate().map(|(n, token)| (token.clone(), Some(n))));
        drop(known);
        let engine = Engine::new(settings, LoaderFactory::new(rosters, 4, metrics.clone()), metrics);
        let passthrough = Authenticator::passthrough(&config.account, None);
        Self { vendor, engine, passthrough, keyed, held, _keys: file, tokens, keys, cursors: Vec::new(), rotations: 0 }
    }

    /// A random question of a random kind, about somebody's team.
    fn question(&self, rng: &mut Rng, tenant: usize) -> (String, Value) {
        let whose = |rng: &mut Rng| match rng.usize(0..10) {
            0..=6 => email(tenant),
            7..=8 => email(rng.usize(0..TENANTS)),
            _ => SHARED.to_owned(),
        };
        let account = |email: String| format!("account: {{ email: \"{email}\", type: CUSTOMER }}");
        let fields = "id name description account { email } contact { email }";
        let (n, first) = (rng.usize(0..4), rng.usize(1..4));
        let one = account(whose(rng));
        let query = match rng.usize(0..7) {
            0 => format!("{{ teamMembers({one}) {{ totalCount nodes {{ {fields} }} }} }}"),
            1 => format!(
                "{{ teamMembers({one}, first: {first}, search: \"tenant\") {{ edges {{ cursor node {{ {fields} }} }} }} }}"
            ),
            2 => format!(
                "{{ teamMember({one}, id: \"member-{n}\") {{ {fields} role {{ members {{ nodes {{ name }} }} }} }} }}"
            ),
            3 => format!(
                "{{ roles({one}) {{ id account {{ email }} members(first: {first}) {{ nodes {{ {fields} }} }} }} }}"
            ),
            4 => {
                let (two, three) = (account(whose(rng)), account(whose(rng)));
                format!(
                    "{{ a: teamMembers({one}) {{ nodes {{ {fields} }} }} b: role({two}, id: \"role-1\") {{ members {{ nodes {{ name }} }} }} c: teamMembers({three}, first: 1) {{ nodes {{ name }} pageInfo {{ endCursor }} }} }}"
                )
            }
            5 if !self.cursors.is_empty() => {
                let cursor = &self.cursors[rng.usize(0..self.cursors.len())];
                format!(
                    "{{ teamMembers({one}, first: 2, after: \"{cursor}\") {{ edges {{ cursor node {{ {fields} }} }} }} }}"
                )
            }
            _ => {
                let representations: Vec<_> = (0..3)
                    .map(|n| json!({ "__typename": "TeamMember", "id": format!("member-{n}"), "account": { "email": whose(rng), "type": "CUSTOMER" } }))
                    .collect();
                let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on TeamMember { id name contact { email } } } }";
                return (query.to_owned(), json!({ "r": representations }));
            }
        };
        (query, json!({}))
    }

    async fn ask(&self, tenant: usize, by_key: bool, (query, variables): (String, Value)) -> Value {
        let (auth, token) =
            if by_key { (&self.keyed, &self.keys[tenant]) } else { (&self.passthrough, &self.tokens[tenant]) };
        let request =
            axum::http::Request::builder().header("authorization", format!("Bearer {token}")).body(()).unwrap();
        let grants = auth.authenticate(&request.into_parts().0).await.unwrap();
        let answer = self.engine.execute(Request {
            document: Reference { text: Some(query), ..Reference::default() },
            operation_name: None,
            variables: Variables::from_json(variables),
            max_age: None,
            show_cost: false,
            trace: false,
            ticket: flowmatix_graphql::compute::Ticket::default(),
            queries_only: false,
            audit: None,
            grants,
        });
        serde_json::from_slice(&answer.await.body.into_vec()).unwrap()
    }

    /// Several at once, each of whom may leave before the answer.
    async fn burst(&mut self, rng: &mut Rng, tally: &mut Tally) {
        let askers: Vec<_> = (0..rng.usize(1..5))
            .map(|_| {
                let tenant = rng.usize(0..TENANTS);
                let time_limit = if rng.usize(0..6) == 0 { rng.u64(0..30) } else { 60_000 };
                (tenant, rng.bool(), time_limit, self.question(rng, tenant))
            })
            .collect();
        let world = &*self;
        let answers = join_all(askers.into_iter().map(|(tenant, by_key, time_limit, question)| async move {
            let answer =
                tokio::time::timeout(Duration::from_millis(time_limit), world.ask(tenant, by_key, question)).await;
            answer.ok().map(|answer| (tenant, by_key, answer))
        }))
        .await;
        for (tenant, by_key, answer) in answers.into_iter().flatten() {
            let text = answer.to_string();
            tally.asked += 1;
            tally.rows += text.matches(&format!("tenant-{tenant} person")).count();
            tally.foreign +=
                (0..TENANTS).filter(|other| *other != tenant && text.contains(&format!("tenant-{other}"))).count();
            for error in answer["errors"].as_array().into_iter().flatten() {
                tally.refused += 1;
                *tally.seen.entry(error["extensions"]["code"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            let unauthenticated = answer["errors"].as_array().into_iter().flatten();
            let unauthenticated =
                unauthenticated.filter(|error| error["extensions"]["code"] == "UPSTREAM_UNAUTHENTICATED").count();
            if unauthenticated > 0 && !by_key {
                // Seen to be refused: nothing more of its people, until the vendor takes the token again.
                let own = format!(
                    "{{ teamMembers(account: {{ email: \"{}\", type: CUSTOMER }}) {{ nodes {{ name }} }} }}",
                    email(tenant)
                );
                let known = self.vendor.0.lock().unwrap().tokens.contains_key(&self.tokens[tenant]);
                let again = self.ask(tenant, false, (own, json!({}))).await;
                assert!(known || again["data"]["teamMembers"].is_null(), "{again}");
            }
            remember(&mut self.cursors, &answer, rng);
        }
    }

    async fn step(&mut self, rng: &mut Rng, tally: &mut Tally) {
        let tenant = rng.usize(0..TENANTS);
        let vendor = self.vendor.clone();
        let known = || vendor.0.lock().unwrap();
        match rng.usize(0..40) {
            // Time passes: within the fresh window, past it, past all.
            0..=4 => tokio::time::advance(Duration::from_millis(rng.u64(0..1500))).await,
            5..=6 => tokio::time::advance(Duration::from_secs(rng.u64(2..15))).await,
            7 => tokio::time::advance(Duration::from_secs(30)).await,
            // A token is revoked, and accepted again.
            8 => drop(known().tokens.remove(&self.tokens[tenant])),
            9..=10 => drop(known().tokens.insert(self.tokens[tenant].clone(), Some(tenant))),
            // An account is closed, and opened again.
            11 => drop(known().closed.insert((Some(tenant), email(tenant)))),
            12 => drop(known().closed.insert((None, email(tenant)))),
            13..=14 => known().closed.retain(|(_, account)| *account != email(tenant)),
            // A tenant has a new token; the old one is no longer good, and may be shown by nobody.
            15 => {
                self.rotations += 1;
                let token = format!("token-{tenant}-{}", self.rotations);
                known().tokens.remove(&self.tokens[tenant]);
                known().tokens.insert(token.clone(), Some(tenant));
                self.tokens[tenant] = token;
            }
            // The held secret is replaced; now and then the vendor is quicker than the operator.
            16 => {
                self.rotations += 1;
                let token = format!("held-{}", self.rotations);
                known().tokens.retain(|_, owner| owner.is_some());
                if rng.bool() {
                    self.burst(rng, tally).await;
                }
                known().tokens.insert(token.clone(), None);
                self.held.replace(&token);
            }
            _ => self.burst(rng, tally).await,
        }
    }
}

/// Keeps a few cursors of anybody's.
fn remember(cursors: &mut Vec<String>, answer: &Value, rng: &mut Rng) {
    fn find<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| match value {
                Value::String(text) if name == "cursor" || name == "endCursor" => found.push(text),
                value => find(value, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| find(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    find(&answer["data"], &mut found);
    for cursor in found {
        if cursors.len() < 32 {
            cursors.push(cursor.to_owned());
        } else {
            cursors[rng.usize(0..32)] = cursor.to_owned();
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(start_paused = true)]
async fn nobody_sees_another_tenants_people_whatever_happens() {
    let seed = number("TENANTS_SEED").unwrap_or_else(|| fastrand::u64(..));
    let steps = number("TENANTS_STEPS").unwrap_or(5_000);
    let mut rng = Rng::with_seed(seed);
    let (mut world, mut tally) = (World::new(seed), Tally::default());
    for step in 0..steps {
        world.step(&mut rng, &mut tally).await;
        assert_eq!(tally.foreign, 0, "TENANTS_SEED={seed}, step {step}: {tally:?}");
    }
    let calls = world.vendor.0.lock().unwrap().calls;
    println!(
        "seed {seed}: {steps} steps, {TENANTS} tenants, {} answers, {} own rows, {} foreign rows, {} refusals {:?}, {calls} upstream calls, {} rotations",
        tally.asked, tally.rows, tally.foreign, tally.refused, tally.seen, world.rotations
    );
    // It was about something.
    assert!(tally.rows > usize::try_from(steps).unwrap(), "{tally:?}");
    for code in
        ["FORBIDDEN", "UPSTREAM_FORBIDDEN", "UPSTREAM_UNAUTHENTICATED", "BAD_USER_INPUT", "UPSTREAM_UNAVAILABLE"]
    {
        assert!(tally.seen.contains_key(code), "TENANTS_SEED={seed}: no {code} in {tally:?}");
    }
}
