//! Floods in variables: refused from the raw text, or answered at about the cost of reading them, with an accepted token and
//! without.

use serde_json::{Value, json};

use super::victim::{KNOWN, UNKNOWN, Usage, Victim, aliased, codes, query};
use crate::support::account;

/// How much more processor time a flood may cost than a body of the same length that is one long string; these builds are
/// unoptimised, and looking at every byte is what costs most in them.
const CPU_RATIO: u32 = 100;
/// How many bytes of memory a byte of a request may take, and what is allowed besides: threads that were not there before,
/// and what an allocator keeps.
const BYTES_PER_BYTE: u64 = 64;
const BESIDES: u64 = 12 << 20;

pub struct Flood {
    pub name: &'static str,
    pub body: String,
}

fn flood(name: &'static str, text: &str, variables: Value) -> Flood {
    Flood { name, body: query(text, variables) }
}

/// Everything that a request can have many of without its document being long.
pub fn floods() -> Vec<Flood> {
    let filtered = |team: &str| {
        format!(
            "query($f: TeamMemberFilter) {{ {} }}",
            aliased(&format!("teamMembers({team}first: 1, filter: $f) {{ totalCount }}"))
        )
    };
    let large = format!("{}, ", account(3));
    let searched = |team: &str| {
        format!(
            "query($s: String) {{ {} }}",
            aliased(&format!("teamMembers({team}first: 0, search: $s) {{ totalCount }}"))
        )
    };
    let ids = |n: usize| (0..n).map(|n| format!("{n:024}")).collect::<Vec<_>>();
    let one = |argument: &str, kind: &str| {
        format!("query($v: {kind}) {{ teamMembers(first: 1, {argument}: $v) {{ totalCount }} }}")
    };
    let entities = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }";
    let representation = |n: usize| json!({ "__typename": "TeamMember", "id": format!("{n:024}") });
    let of_account = |n: usize| json!({ "__typename": "TeamMember", "id": "1", "account": { "email": format!("a{n}@x.example"), "type": "CUSTOMER" } });
    let deep = |n: usize| (0..n).fold(json!({ "whitelabel": true }), |inner, _| json!({ "not": inner }));
    let conditions = |n: usize, condition: Value| json!({ "f": { "or": vec![condition; n] } });
    let nothing = "query($x: Int) { __typename @skip(if: false) a: teamMembers(first: $x) { totalCount } }";
    let brackets = "[".repeat(100_000) + &"]".repeat(100_000);
    vec![
        flood("25,000 conditions", &filtered(""), conditions(25_000, json!({ "name": { "eq": "q" } }))),
        flood("300 conditions on a long team", &filtered(&large), conditions(300, json!({ "name": { "eq": "q" } }))),
        flood("21,000 empty conditions", &filtered(""), json!({ "f": { "and": vec![json!({}); 21_000] } })),
        flood("conditions 100 deep", &filtered(""), json!({ "f": deep(100) })),
        flood(
            "30,000 ids to be in",
            &one("filter", "TeamMemberFilter"),
            json!({ "v": { "id": { "in": ids(30_000) } } }),
        ),
        flood(
            "30,000 names to be in",
            &one("filter", "TeamMemberFilter"),
            json!({ "v": { "name": { "in": ids(30_000) } } }),
        ),
        flood(
            "a name of 800 KB",
            &one("filter", "TeamMemberFilter"),
            json!({ "v": { "name": { "contains": "ß".repeat(400_000) } } }),
        ),
        flood(
            "90,000 states",
            &one("filter", "TeamMemberFilter"),
            json!({ "v": { "status": vec!["ACTIVE"; 90_000] } }),
        ),
        flood(
            "20,000 equal keys",
            &one("orderBy", "[TeamMemberOrder!]"),
            json!({ "v": vec![json!({ "field": "NAME" }); 20_000] }),
        ),
        flood("900 KB to look for", &searched(""), json!({ "s": "x".repeat(900_000) })),
        flood("100 KB to look for in a long team", &searched(&large), json!({ "s": "x".repeat(100_000) })),
        flood("3,000 digits to look for in a long team", &searched(&large), json!({ "s": "7".repeat(3_000) })),
        flood("15,000 representations", entities, json!({ "r": (0..15_000).map(representation).collect::<Vec<_>>() })),
        flood("8,000 accounts", entities, json!({ "r": (0..8_000).map(of_account).collect::<Vec<_>>() })),
        flood("representations that are numbers", entities, json!({ "r": vec![1; 400_000] })),
        flood("variables that nothing declares", nothing, json!({ "y": vec![json!([]); 300_000] })),
        flood(
            "many variables",
            nothing,
            (0..50_000).map(|n| (format!("v{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into(),
        ),
        flood("a large value of a small type", nothing, json!({ "x": vec![1; 400_000] })),
        Flood {
            name: "brackets in variables",
            body: format!(r#"{{"query":"{{ __typename }}","variables":{{"a":{brackets}}}}}"#),
        },
        Flood {
            name: "brackets in extensions",
            body: format!(r#"{{"query":"{{ __typename }}","extensions":{{"a":{brackets}}}}}"#),
        },
        Flood {
            name: "extensions",
            body: json!({ "query": "{ __typename }", "extensions": { "a": vec![json!({}); 300_000] } }).to_string(),
        },
        Flood {
            name: "members that mean nothing",
            body: json!({ "query": "{ __typename }", "more": vec![json!([1]); 200_000] }).to_string(),
        },
    ]
}

/// What reading so many bytes costs that are one string.
async fn reading(victim: &Victim, token: &str, bytes: usize) -> Usage {
    let body = json!({ "query": "{ __typename }", "more": "x".repeat(bytes) }).to_string();
    victim.measured(async { victim.ask(token, body).await }).await.1
}

#[tokio::test]
async fn floods_in_variables_cost_no_more_than_reading_them() {
    let victim = Victim::start(&[]);
    victim.warm(0).await;
    victim.warm(3).await;
    for token in [KNOWN, UNKNOWN] {
        for Flood { name, body } in floods() {
            let bytes = body.len();
            let plain = reading(&victim, token, bytes).await;
            let ((status, answer), usage) = victim.measured(async { victim.ask(token, body).await }).await;
            println!("{name}, {token:.6}: {bytes} bytes, {status} {:?}, {usage:?}, {plain:?}", codes(&answer));
            assert!([200, 400, 413].contains(&status), "{name}: {status} {answer}");
            assert!(answer.to_string().len() < 20_000, "{name}: {answer:.300}");
            let ceiling = plain.cpu * CPU_RATIO + std::time::Duration::from_millis(300);
            assert!(usage.cpu <= ceiling, "{name}: {usage:?}, where reading it costs {plain:?}");
            let ceiling = bytes as u64 * BYTES_PER_BYTE + BESIDES;
            assert!(usage.growth <= ceiling, "{name}: {usage:?} for {bytes} bytes");
        }
    }
    victim.still_answers().await;
}

#[tokio::test]
async fn what_a_flood_asks_for_is_refused_with_a_code() {
    let victim = Victim::start(&[]);
    victim.warm(0).await;
    victim.warm(3).await;
    // These could never be answered cheaply, and the caller is told why.
    let refused = [
        "25,000 conditions",
        "300 conditions on a long team",
        "21,000 empty conditions",
        "conditions 100 deep",
        "30,000 ids to be in",
        "20,000 equal keys",
        "900 KB to look for",
        "100 KB to look for in a long team",
        "3,000 digits to look for in a long team",
        "15,000 representations",
        "8,000 accounts",
    ];
    for Flood { name, body } in floods().into_iter().filter(|flood| refused.contains(&flood.name)) {
        let (_, answer) = victim.ask(KNOWN, body).await;
        assert!(!codes(&answer).is_empty() && answer["data"].is_null(), "{name}: {answer:.300}");
    }
}

/// What real gateways and clients send.
#[tokio::test]
async fn a_few_hundred_representations_or_ids_are_no_flood() {
    let victim = Victim::start(&[]);
    victim.warm(0).await;
    let ids: Vec<String> = (0..500).map(|n| format!("{n:024}")).collect();
    let representations: Vec<Value> = ids.iter().map(|id| json!({ "__typename": "TeamMember", "id": id })).collect();
    let requests = [
        query("query($r: [_Any!]!) { _entities(representations: $r) { __typename } }", json!({ "r": representations })),
        query("query($i: [ID!]) { teamMembers(filter: { id: { in: $i } }) { totalCount } }", json!({ "i": ids })),
    ];
    for body in requests {
        let (status, answer) = victim.ask("demo-lantern-token", body).await;
        assert_eq!((status, codes(&answer)), (200, vec![]), "{answer:.300}");
    }
}
