//! Requests that used to cost seconds of processor time or hundreds of megabytes: each is refused, or cheap. `--nocapture`
//! prints what they cost.

use std::time::Duration;

use serde_json::{Value, json};

use super::victim::{KNOWN, NEIGHBOUR, UNKNOWN, Usage, Victim, aliased, codes, query};
use crate::support::account;

/// What a refusal, or a cheap answer, may cost here, as a multiple of what a page of a long team does: these builds are
/// unoptimised.
const CPU_RATIO: u32 = 12;
const GROWTH: u64 = 24 << 20;

/// A name, who asks, what, and the code of the refusal, where there must be one.
type Case = (&'static str, &'static str, String, Option<&'static [&'static str]>);

fn cases() -> Vec<Case> {
    let large = account(3);
    let conditions = |n: usize| json!({ "f": { "or": vec![json!({ "name": { "eq": "q" } }); n] } });
    let filtered = |team: &str| {
        format!(
            "query($f: TeamMemberFilter) {{ {} }}",
            aliased(&format!("teamMembers({team}first: 1, filter: $f) {{ totalCount }}"))
        )
    };
    let empty =
        format!("query($f: TeamMemberFilter) {{ {} }}", aliased("teamMembers(filter: $f, first: 0) { totalCount }"));
    let digits =
        format!("query($s: String) {{ {} }}", aliased(&format!("teamMembers({large}, search: $s) {{ totalCount }}")));
    let searched = format!("query($s: String) {{ teamMembers({large}, search: $s) {{ totalCount }} }}");
    let sorted = format!("query($o: [TeamMemberOrder!]) {{ teamMembers({large}, orderBy: $o) {{ totalCount }} }}");
    let two = format!(
        "query A($s: String) {{ teamMembers({large}, search: $s) {{ totalCount }} }} query B($x: Boolean!) {{ __typename @skip(if: $x) }}"
    );
    let named = json!({ "query": two, "operationName": "A", "variables": { "s": "x".repeat(70_000) } }).to_string();
    vec![
        ("64 filters of 25,000 terms", KNOWN, query(&filtered(""), conditions(25_000)), Some(&[])),
        (
            "64 filters of 300 terms over 10,000 members",
            KNOWN,
            query(&filtered(&format!("{large}, ")), conditions(300)),
            Some(&[]),
        ),
        ("a search of 100 KB", KNOWN, query(&searched, json!({ "s": "x".repeat(100_000) })), Some(&["BAD_USER_INPUT"])),
        ("a search of 900 KB", KNOWN, query(&searched, json!({ "s": "x".repeat(900_000) })), Some(&["BAD_USER_INPUT"])),
        (
            "20,000 equal sort keys",
            KNOWN,
            query(&sorted, json!({ "o": vec![json!({ "field": "NAME", "direction": "ASC" }); 20_000] })),
            Some(&[]),
        ),
        (
            "64 filters of 21,000 empty terms, from a token that nobody knows",
            UNKNOWN,
            query(&empty, json!({ "f": { "and": vec![json!({}); 21_000] } })),
            Some(&[]),
        ),
        (
            "64 searches for 3,000 digits over 10,000 members",
            KNOWN,
            query(&digits, json!({ "s": "7".repeat(3_000) })),
            Some(&[]),
        ),
        ("70 KB to look for, beside another operation", KNOWN, named, Some(&["BAD_USER_INPUT"])),
    ]
}

#[tokio::test]
async fn requests_that_once_cost_seconds_are_refused_or_cheap() {
    let victim = Victim::start(&[("graphql.response_cache_limit", "0B")]);
    victim.warm(0).await;
    victim.warm(3).await;
    let page = query(&format!("{{ teamMembers({}, first: 1000) {{ nodes {{ id name }} }} }}", account(3)), Value::Null);
    let (_, usual) = victim.measured(victim.ask(KNOWN, page)).await;
    for (name, token, body, refused) in cases() {
        let bytes = body.len();
        let ((status, answer), usage) = victim.measured(victim.ask(token, body)).await;
        let Usage { cpu, growth } = usage;
        println!(
            "{name}: {bytes} bytes: {status} {:?}, {cpu:?}, {} KiB larger (a page: {:?})",
            codes(&answer),
            growth >> 10,
            usual.cpu
        );
        if let Some(expected) = refused {
            assert!(!codes(&answer).is_empty() && answer["data"].is_null(), "{name}: {answer:.300}");
            assert!(expected.is_empty() || codes(&answer)[0] == expected[0], "{name}: {answer:.300}");
        }
        let ceiling = usual.cpu * CPU_RATIO + Duration::from_millis(200);
        assert!(cpu <= ceiling, "{name}: {cpu:?}, where a page costs {:?}", usual.cpu);
        assert!(growth <= GROWTH, "{name}: {} KiB", growth >> 10);
        victim.still_answers().await;
    }
}

/// What is too expensive for any team is refused whether the team is known or not, and what is not is answered in both cases.
#[tokio::test]
async fn the_verdict_is_the_same_before_and_after_a_team_was_read() {
    let members = "id name status contact { email } role { id } picture description createdAt updatedAt type version";
    let all = format!("{{ roles {{ id members(first: 1000) {{ nodes {{ {members} }} }} }} }}");
    let cold = Victim::start(&[]);
    let (before, answer) = cold.ask(NEIGHBOUR, query(&all, Value::Null)).await;
    let first = (before, codes(&answer).join(","));
    let (_, roles) = cold.ask(NEIGHBOUR, query("{ roles { id } }", Value::Null)).await;
    assert!(roles["data"]["roles"].as_array().is_some_and(|roles| !roles.is_empty()), "{roles}");
    let (after, answer) = cold.ask(NEIGHBOUR, query(&all, Value::Null)).await;
    assert_eq!(first, (after, codes(&answer).join(",")));
    assert_eq!(after, 200);
}
