//! Starts both sides: the service as an API and as a subgraph, over a team of a few members, and graphql-js.

use flowmatix_graphql::app::App;
use flowmatix_graphql::demo::AGENCY_TOKEN;
use flowmatix_graphql::graphql::api_sdl;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::compare::{Comparison, compare};
use super::generate::Case;
use super::judge::{Judge, Verdict};
use super::respelled::respelled;
use super::service::{Client, Outcome};
use crate::support::settings;
use crate::support::vendor::{Fault, Vendor};

pub const SCHEMAS: [&str; 2] = ["api", "subgraph"];

/// What the federation specification adds to a subgraph's SDL.
const SUBGRAPH: &str = r#"
    """
    The `_Any` scalar is used to pass representations of entities from external
    services into the root `_entities` field for execution.
    """
    scalar _Any
    "The types that other subgraphs can refer to."
    union _Entity = TeamMember | Role | Team
    "What a composer needs to know of this subgraph."
    type _Service { "The subgraph's schema." sdl: String! }
    extend type Query {
        "For routers: the entities that these representations refer to, in their order."
        _entities("Type name and key fields of each entity." representations: [_Any!]!): [_Entity]!
        "For composers: this subgraph's schema."
        _service: _Service!
    }"#;

pub struct Sides {
    pub judge: Judge,
    pub clients: [Client; 2],
    /// For operations whose variables are written into them.
    pub inlined: [Client; 2],
    // Dropped after the clients.
    _apps: [App; 2],
    _vendor: Vendor,
    _runtime: Runtime,
}

/// A team with readable, missing and unreadable values.
fn team() -> Vec<u8> {
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/custom-user-extended.json")).unwrap();
    let mut rows: Vec<Value> = (1..4)
        .map(|n| {
            let mut row = fixture["data"][0].clone();
            row["_id"] = json!(format!("65f1a0c2d4e5f6a7b8c9d00{n}"));
            row["_role"] = json!(format!("65f1a0c2d4e5f6a7b8c9f00{}", n % 2 + 1));
            row["name"] = json!(["Ana", "bruno", "Élodie"][n - 1]);
            row
        })
        .collect();
    rows[1]["status"] = json!("ON_LEAVE");
    rows[1]["unreadMessages"] = json!("many");
    rows.push(json!({ "_id": "bare" }));
    rows.push(json!({ "name": "no identifier" }));
    json!({ "success": true, "message": "", "data": rows, "code": 200 }).to_string().into_bytes()
}

/// Limits that few generated documents reach. The limits have tests of their own.
const LIMITS: &[(&str, &str)] = &[
    ("graphql.nesting_limit", "64"),
    ("graphql.tokens_limit", "20000"),
    ("graphql.selections_limit", "20000"),
    ("graphql.depth_limit", "60"),
    ("graphql.introspection_depth_limit", "60"),
    ("graphql.aliases_limit", "1000"),
    ("graphql.root_fields_limit", "1000"),
    ("graphql.directives_limit", "1000"),
    ("graphql.field_directives_limit", "100"),
    ("graphql.cost_limit", "1000000000"),
    ("graphql.errors_limit", "1000"),
    // All answers of a run are about the same roster.
    ("roster.fresh_for", "1h"),
    ("roster.stale_for", "2h"),
];

impl Sides {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (vendor, apps) = runtime.block_on(async {
            let vendor = Vendor::start().await;
            vendor.set(Fault::Body(team()));
            let start = async |subgraph: &str| {
                let federation = [("federation.enabled", subgraph), ("federation.service", subgraph)];
                let pairs: Vec<_> = LIMITS.iter().chain(&federation).copied().collect();
                App::start(&settings(&vendor.url(), &pairs), Some(AGENCY_TOKEN.into())).await.unwrap()
            };
            let apps = [start("false").await, start("true").await];
            (vendor, apps)
        });
        // A subgraph serves the API, and what the federation specification adds to it.
        let (api, subgraph) = (api_sdl(false), api_sdl(false) + SUBGRAPH);
        let judge = Judge::start(&[(SCHEMAS[0], &api), (SCHEMAS[1], &subgraph)]);
        let clients = || [&apps[0], &apps[1]].map(|app| Client::new(app.address()));
        let (clients, inlined) = (clients(), clients());
        Self { judge, clients, inlined, _apps: apps, _vendor: vendor, _runtime: runtime }
    }

    /// Sends the requests to the service.
    pub fn ask(clients: &mut [Client; 2], cases: &[Case]) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; cases.len()];
        for (client, schema) in clients.iter_mut().zip(SCHEMAS) {
            let places: Vec<_> = (0..cases.len()).filter(|place| cases[*place].schema == schema).collect();
            let bodies: Vec<_> = places.iter().map(|place| cases[*place].body()).collect();
            for (place, outcome) in places.iter().zip(client.ask(&bodies)) {
                outcomes[*place] = Some(outcome);
            }
        }
        outcomes.into_iter().flatten().collect()
    }

    /// Asks graphql-js for verdicts on the requests and on the data that the service answered.
    pub fn verdicts(judge: &mut Judge, cases: &[Case], outcomes: &[Outcome]) -> Vec<[Verdict; 2]> {
        let line = |(case, outcome): (&Case, &Outcome)| {
            let data = outcome.data.as_ref().map_or(String::new(), |data| format!(",\"data\":{data}"));
            let paths = |paths: &[Vec<Value>]| Value::from_iter(paths.iter().cloned());
            let (undecided, failed) = (paths(&outcome.undecided), paths(&outcome.failed));
            let (schema, request) = (case.schema, case.body());
            format!(
                "{{\"schema\":\"{schema}\",\"request\":{request}{data},\"undecided\":{undecided},\"failed\":{failed}}}"
            )
        };
        judge.verdicts(&cases.iter().zip(outcomes).map(line).collect::<Vec<_>>())
    }

    /// Asks both sides about one request.
    pub fn judge(&mut self, case: &Case) -> (Outcome, [Verdict; 2]) {
        let cases = std::slice::from_ref(case);
        let outcomes = Self::ask(&mut self.clients, cases);
        let verdict = Self::verdicts(&mut self.judge, cases, &outcomes).remove(0);
        (outcomes.into_iter().next().unwrap(), verdict)
    }

    pub fn compare(&mut self, case: &Case) -> Comparison {
        let (outcome, verdicts) = self.judge(case);
        match Self::settle(&mut self.judge, case, &outcome, &verdicts) {
            Comparison::Agree => Self::compare_inlined(&mut self.inlined, case, &outcome, &verdicts),
            comparison => comparison,
        }
    }

    /// Compares an answer with that to the same operation without variables: the values that graphql-js coerced them to are
    /// written into it.
    pub fn compare_inlined(
        clients: &mut [Client; 2],
        case: &Case,
        outcome: &Outcome,
        verdicts: &[Verdict; 2],
    ) -> Comparison {
        let Some(query) = &verdicts[0].inlined else { return Comparison::Agree };
        let inlined = Case { query: query.clone(), operation_name: None, variables: None, ..case.clone() };
        let mut ask = |case: &Case| Self::ask(clients, std::slice::from_ref(case)).remove(0);
        let same = |one: &Outcome, other: &Outcome| {
            (&one.data, &one.messages, &one.failed) == (&other.data, &other.messages, &other.failed)
        };
        let other = ask(&inlined);
        // The team may have been read again between the two; then the first form is answered from the new reading, too.
        if same(outcome, &other) || same(&ask(case), &other) {
            Comparison::Agree
        } else {
            Comparison::Differ("other values of variables".to_owned())
        }
    }

    /// Compares an answer with its verdicts. Where they differ and the document can be spelled otherwise, graphql-js judges it
    /// in the other spelling as well.
    pub fn settle(judge: &mut Judge, case: &Case, outcome: &Outcome, verdicts: &[Verdict; 2]) -> Comparison {
        let comparison = compare(case, outcome, verdicts);
        let (Comparison::Differ(_), Some((other, reason))) = (&comparison, respelled(case)) else { return comparison };
        let verdicts = Self::verdicts(judge, std::slice::from_ref(&other), std::slice::from_ref(outcome)).remove(0);
        match compare(&other, outcome, &verdicts) {
            Comparison::Agree => Comparison::Deliberate(reason),
            _ => comparison,
        }
    }
}
