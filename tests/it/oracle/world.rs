//! A world: accounts with random rosters, accounts that fail, and engines of both kinds over them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use flowmatix_graphql::config::{CacheTagsConfig, Config, Profile};
use flowmatix_graphql::graphql::{Engine, Settings};
use flowmatix_graphql::loader::LoaderFactory;
use flowmatix_graphql::model::{
    AccessError, Account, AccountTags, CacheTagKey, Caller, CallerId, Clock, Credential, CredentialId, Direction,
    EmailAddress, Grant, Grants, Order, OrderField, PageLimits, PageRequest, Roster, Scopes, UserType,
};
use flowmatix_graphql::model::{ErrorKind, UpstreamError};
use flowmatix_graphql::roster::Rosters;
use flowmatix_graphql::telemetry::Metrics;
use flowmatix_graphql::upstream::{FetchedRoster, Load, Upstream, decode};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::documents::Draw;

/// E-mail addresses: three teams and three failures.
const ACCOUNTS: [&str; 6] =
    ["big@a.example", "odd@a.example", "none@a.example", "down@a.example", "refused@a.example", "limited@a.example"];

/// What cache tags are made with.
const KEY: &[u8] = b"a-key-of-cache-tags";

pub struct World {
    pub projection: Engine,
    pub engine: Engine,
    pub cold_projection: Engine,
    pub cold_engine: Engine,
    pub pools: Pools,
    metrics: [Arc<Metrics>; 2],
    credential: Arc<Credential>,
    teams: Arc<Teams>,
}

/// What random arguments are taken from, so that they often hit something.
pub struct Pools {
    pub emails: Vec<String>,
    pub ids: Vec<String>,
    pub texts: Vec<String>,
    pub cursors: Vec<String>,
}

struct Teams(Mutex<HashMap<EmailAddress, Vec<u8>>>);

impl Upstream for Teams {
    fn fetch<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<FetchedRoster, UpstreamError>> {
        let result = match self.0.lock().unwrap().get(&load.grant.account().email) {
            Some(body) => {
                load.observer.called();
                Ok(FetchedRoster { roster: decode([&body[..]]).unwrap(), began: Instant::now() })
            }
            None => Err(match load.grant.account().email.as_str() {
                "refused@a.example" => ErrorKind::Forbidden.into(),
                "limited@a.example" => ErrorKind::Timeout.into(),
                _ => ErrorKind::Unavailable.into(),
            }),
        };
        // A failure that cost no call is not remembered: each case meets the same world.
        async move { result }.boxed()
    }
}

struct Reader {
    caller: Caller,
    default: Account,
}

impl Grants for Reader {
    fn grant(&self, argument: Option<Account>) -> Result<Grant, AccessError> {
        Ok(Grant::mint(self.caller.clone(), argument.unwrap_or_else(|| self.default.clone())))
    }

    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn is_router(&self) -> bool {
        true
    }
}

/// Random numbers, the same for the same seed.
pub fn numbers(seed: u64) -> Vec<u32> {
    let mut numbers = Vec::new();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    for _ in 0..4000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        numbers.push((state >> 33) as u32);
    }
    numbers
}

fn account(email: &str) -> Account {
    Account { email: EmailAddress::parse(email).unwrap(), user_type: UserType::Customer }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let numbers = numbers(seed);
        let mut draw = Draw::new(&numbers);
        let rows: Vec<Value> = (0..draw.up_to(14)).map(|n| row(&mut draw, n)).collect();
        let odd: Vec<Value> = (0..draw.up_to(6)).map(|n| row(&mut draw, n * 7)).collect();
        let teams: HashMap<_, _> = [(ACCOUNTS[0], body(&rows)), (ACCOUNTS[1], body(&odd)), (ACCOUNTS[2], body(&[]))]
            .into_iter()
            .map(|(email, body)| (account(email).email, body))
            .collect();

        let credential = Arc::new(Credential::new(CredentialId::Held("test".into()), "secret".into()));
        let mut cursors = Vec::new();
        // Cursors of the team as it is, and of another, whose members it may have or not.
        for (body, order) in [
            (&body(&rows), Order::default()),
            (&body(&rows), Order::new(vec![(OrderField::Name, Direction::Asc)])),
            (&body(&odd), Order::default()),
        ] {
            let (roster, limits) = (decode([&body[..]]).unwrap(), PageLimits { default: 3, max: 3 });
            let page = roster.page(None, None, &order, &PageRequest::default(), limits, &|| false).unwrap();
            let cursor = |n| Some(page.cursor(&roster, &order, n)?.encode(&account(ACCOUNTS[0]), &order));
            cursors.extend((0..3).filter_map(cursor));
        }
        cursors.push("forged".to_owned());
        let ids = rows.iter().chain(&odd).filter_map(|row| row["_id"].as_str()).map(str::to_owned);
        let pools = Pools {
            emails: ACCOUNTS.iter().map(|email| (*email).to_owned()).chain(["BIG@A.example".to_owned()]).collect(),
            ids: ids.chain(["r1", "r2", "r\"3", "nobody", ""].map(str::to_owned)).collect(),
            texts: ["", "a", "Å", "o", " an ", "\"", "91", "\u{1f600}"].map(str::to_owned).to_vec(),
            cursors,
        };

        let teams = Arc::new(Teams(Mutex::new(teams)));
        let metrics = [Arc::default(), Arc::default()];
        let stored = rosters(&teams, true);
        // Each load is a new generation: of two that load on their own, both see the same ones.
        let cold = [rosters(&teams, false), rosters(&teams, false)];
        Self {
            projection: engine(true, &stored, &metrics[0]),
            engine: engine(false, &stored, &metrics[1]),
            cold_projection: engine(true, &cold[0], &Arc::default()),
            cold_engine: engine(false, &cold[1], &Arc::default()),
            pools,
            metrics,
            credential,
            teams,
        }
    }

    /// Gives the default account another team, of so many random rows at most.
    pub fn change_team(&self, draw: &mut Draw, most: u32) {
        let rows: Vec<Value> = (0..draw.up_to(most)).map(|n| row(draw, n)).collect();
        self.teams.0.lock().unwrap().insert(account(ACCOUNTS[0]).email, body(&rows));
    }

    /// Changes a little of the default account's team, and says how it was and how it is.
    pub fn change_a_little(&self, draw: &mut Draw) -> [Roster; 2] {
        let mut teams = self.teams.0.lock().unwrap();
        let team = teams.get_mut(&account(ACCOUNTS[0]).email).unwrap();
        let before = decode([&team[..]]).unwrap();
        let mut answer: Value = serde_json::from_slice(team).unwrap();
        let rows = answer["data"].as_array_mut().unwrap();
        let index = draw.up_to(u32::try_from(rows.len()).unwrap()) as usize;
        let new = row(draw, u32::try_from(index).unwrap());
        match (rows.get_mut(index), draw.up_to(5)) {
            (None, _) => rows.push(new),
            (Some(_), 0) => drop(rows.remove(index)),
            (Some(old), 1) => *old = new,
            // One field of it.
            (Some(old), _) => {
                let key = ["name", "status", "_role", "contact", "unreadMessages"][draw.up_to(4) as usize];
                old[key] = new.get(key).cloned().unwrap_or_default();
            }
        }
        *team = body(answer["data"].as_array().unwrap());
        [before, decode([&team[..]]).unwrap()]
    }

    /// The names of the accounts that have the default account's team: the vendor here does not tell types of users apart.
    pub fn tags() -> Vec<AccountTags> {
        let email = account(ACCOUNTS[0]).email;
        let of = |user_type: &UserType| Account { email: email.clone(), user_type: *user_type };
        UserType::ALL.iter().map(|user_type| CacheTagKey::new(KEY).account(&of(user_type))).collect()
    }

    /// What a caller may read, with the one credential that there is.
    pub fn grants(&self, contact: bool) -> Arc<dyn Grants> {
        self.grants_with(self.credential.clone(), contact)
    }

    pub fn grants_with(&self, credential: Arc<Credential>, contact: bool) -> Arc<dyn Grants> {
        let caller = Caller { id: CallerId::Anonymous, credential, scopes: Scopes { contact, ..Scopes::ALL } };
        Arc::new(Reader { caller, default: account(ACCOUNTS[0]) })
    }

    /// An engine that projects, over a team of so many.
    pub fn with_members(members: usize) -> Engine {
        let row = |n: usize| json!({ "_id": format!("m{n:05}"), "name": format!("Member {n}"), "_role": "r1" });
        Self::with_rows(&(0..members).map(row).collect::<Vec<_>>())
    }

    /// An engine that projects, over a team of these rows.
    pub fn with_rows(rows: &[Value]) -> Engine {
        let teams = Arc::new(Teams(Mutex::new(HashMap::from([(account(ACCOUNTS[0]).email, body(rows))]))));
        engine(true, &rosters(&teams, true), &Arc::default())
    }

    /// An engine that projects, without cache tags, over a team of so many, with settings that are changed so.
    pub fn tuned(members: usize, tune: impl Fn(&mut Settings)) -> Engine {
        let row = |n: usize| json!({ "_id": format!("m{n:05}"), "name": format!("Member {n}") });
        Self::tuned_with_rows(&(0..members).map(row).collect::<Vec<_>>(), tune)
    }

    /// The same over a team of these rows.
    pub fn tuned_with_rows(rows: &[Value], tune: impl Fn(&mut Settings)) -> Engine {
        let teams = Arc::new(Teams(Mutex::new(HashMap::from([(account(ACCOUNTS[0]).email, body(rows))]))));
        tuned(true, &rosters(&teams, true), &Arc::default(), tune)
    }

    /// How many operations the engine that projects has answered this way.
    pub fn executions(&self, path: &str) -> u32 {
        let line = format!("flowmatix_executions_total{{path=\"{path}\"}} ");
        let text = self.metrics[0].exposition();
        text.lines().find_map(|known| known.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
    }
}

/// The upstream's answer with these rows.
fn body(rows: &[Value]) -> Vec<u8> {
    json!({ "success": true, "data": rows, "code": 200 }).to_string().into_bytes()
}

fn rosters(teams: &Arc<Teams>, store: bool) -> Arc<Rosters> {
    let settings = flowmatix_graphql::config::RosterConfig { store, ..Config::defaults(Profile::Demo).roster };
    Arc::new(Rosters::new(&settings, teams.clone(), Clock::start(), Arc::default()))
}

fn engine(projection: bool, rosters: &Arc<Rosters>, metrics: &Arc<Metrics>) -> Engine {
    let config = Config::defaults(Profile::Demo);
    let tags = CacheTagsConfig { extensions: true, header: true, ..config.cache_tags };
    tuned(projection, rosters, metrics, |_| {}).with_cache_tags(Arc::new(CacheTagKey::new(KEY)), tags)
}

/// An engine without cache tags, with settings that are changed so.
fn tuned(projection: bool, rosters: &Arc<Rosters>, metrics: &Arc<Metrics>, tune: impl Fn(&mut Settings)) -> Engine {
    let config = Config::defaults(Profile::Demo);
    let graphql = flowmatix_graphql::config::GraphQlConfig {
        projection,
        introspection: true,
        page_default: 5,
        page_max: 1000,
        tokens_limit: 100_000,
        depth_limit: 40,
        aliases_limit: 10_000,
        root_fields_limit: 1000,
        selections_limit: 100_000,
        directives_limit: 10_000,
        cost_limit: usize::MAX,
        ..config.graphql
    };
    let federation = flowmatix_graphql::config::FederationConfig { service: true, ..config.federation };
    let mut settings = Settings {
        graphql,
        documents: config.documents,
        manifest: Default::default(),
        federation,
        tokens: config.tokens,
    };
    tune(&mut settings);
    Engine::new(settings, LoaderFactory::new(rosters.clone(), 4, metrics.clone()), metrics.clone())
}

/// A row with anything missing, null, odd or plain.
fn row(draw: &mut Draw, n: u32) -> Value {
    let mut row = serde_json::Map::new();
    if !draw.one_in(12) {
        row.insert("_id".to_owned(), json!(format!("m{}{}", n % 5, ["", "\"", "\\é", "z"][draw.up_to(3) as usize])));
    }
    let mut put = |name: &str, values: &[Value]| match draw.up_to(7) {
        0 => {}
        1 => {
            row.insert(name.to_owned(), Value::Null);
        }
        2 => {
            let odd =
                [json!(""), json!(12), json!({ "a": [1, "\u{7}"] }), json!("ODD \"one\"\n"), json!([]), json!(9.5)];
            row.insert(name.to_owned(), odd[draw.up_to(5) as usize].clone());
        }
        _ => {
            let last = u32::try_from(values.len() - 1).unwrap();
            row.insert(name.to_owned(), values[draw.up_to(last) as usize].clone());
        }
    };
    put(
        "name",
        &[
            json!("Asha Raman"),
            json!("åsa \"Ö\" \\ Öberg"),
            json!("ÅSA\u{0}\u{1f}\u{8}\u{c}\t\r\n/"),
            json!("b\u{2028}ß😀"),
        ],
    );
    put("picture", &[json!("https://cdn.example.com/a?b=\"c\""), json!("ftp://x")]);
    put("liveAvailability", &[json!("ONLINE"), json!("OFFLINE"), json!("AWAY")]);
    put("leadsVisibility", &[json!("ALL"), json!("ASSIGNED")]);
    put("status", &[json!("ACTIVE"), json!("INACTIVE")]);
    put("description", &[json!(""), json!("Night\nshift"), json!("plain words that need no escape at all")]);
    put("type", &[json!("AGENT"), json!("CUSTOM_USER"), json!("CUSTOMER")]);
    put("unreadMessages", &[json!(0), json!(-3), json!(2_147_483_647), json!(-2_147_483_648_i64), json!(10)]);
    put("_role", &[json!("r1"), json!("r2"), json!("r\"3")]);
    put("_parent", &[json!("p1"), json!("p2")]);
    put("whitelabel", &[json!(true), json!(false)]);
    put(
        "createdAt",
        &[json!("2024-04-26T17:10:22.134Z"), json!("0001-02-28T23:59:59.999-01:00"), json!("9999-12-31T23:59:59Z")],
    );
    put("updatedAt", &[json!("2024-02-29T00:00:00Z"), json!("1969-12-31T23:59:59.001Z"), json!(1_700_000_000_000_i64)]);
    put("__v", &[json!(0), json!(7)]);
    put("assignedBots", &[json!([]), json!(["b1", "b\"2"])]);
    put("assignedAiAgents", &[json!(["a"]), json!([null])]);
    put("_department", &[json!(["d1", "d2", "d3"])]);
    put("_businessHours", &[json!("h1")]);
    put("chatTransferPermission", &[json!("ALL"), json!("ASSIGNED")]);
    put("maskedAttributes", &[json!(["phone", "e\\mail"])]);
    let phone =
        [json!({ "prefix": "91", "number": "555 010-0001" }), json!({ "prefix": "", "number": "12" }), json!("none")];
    put(
        "contact",
        &[
            json!({ "_id": "c1", "email": "Asha@example.com", "phone": phone[0] }),
            json!({ "email": "q\"@example.com", "phone": phone[1] }),
            json!({ "email": 5, "phone": phone[2] }),
            json!({}),
        ],
    );
    Value::Object(row)
}
