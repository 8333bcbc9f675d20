//! What is sent once and becomes much: variables that literals mention again and again, and fields that are selected again and
//! again where each is resolved.

use serde_json::{Value, json};

use super::victim::{KNOWN, UNKNOWN, Victim, codes, query};
use crate::support::account;

/// What an allocator keeps besides, in bytes.
const BESIDES: u64 = 12 << 20;

fn filtered(kind: &str, filter: &str, value: Value) -> String {
    query(
        &format!("query($s: {kind}) {{ teamMembers(first: 1, filter: {filter}) {{ totalCount }} }}"),
        json!({ "s": value }),
    )
}

/// As often as a document may be long.
fn list_of(times: usize) -> String {
    format!("[{}]", "$s ".repeat(times))
}

pub fn requests() -> Vec<(&'static str, String, &'static str)> {
    let wide = "\u{fdfa}";
    let entities = format!("query($s: _Any!) {{ _entities(representations: {}) {{ __typename }} }}", list_of(900));
    let representation = |inner: Value| json!({ "s": { "__typename": "TeamMember", "id": "1", "z": inner } });
    let texts = vec![wide.repeat(300); 100];
    let terms = format!("{{ and: [{}] }}", "{ name: { notIn: $s } } ".repeat(60));
    vec![
        (
            "a long name",
            filtered("String!", &format!("{{ name: {{ notIn: {} }} }}", list_of(900)), json!(wide.repeat(10_000))),
            "BAD_USER_INPUT",
        ),
        (
            "a short name",
            filtered("String!", &format!("{{ name: {{ in: {} }} }}", list_of(900)), json!(wide.repeat(20))),
            "BAD_USER_INPUT",
        ),
        (
            "a long address",
            filtered("String!", &format!("{{ email: {{ notIn: {} }} }}", list_of(900)), json!("a".repeat(30_000))),
            "BAD_USER_INPUT",
        ),
        (
            "a long id",
            filtered("ID!", &format!("{{ id: {{ notIn: {} }} }}", list_of(900)), json!("a".repeat(900_000))),
            "BAD_USER_INPUT",
        ),
        ("a list in many conditions", filtered("[String!]", &terms, json!(texts)), "BAD_USER_INPUT"),
        (
            "a representation",
            query(&entities, representation(json!(vec![vec!["x"; 900]; 20]))),
            "MAX_VARIABLE_NODES_LIMIT",
        ),
        (
            "a smaller representation",
            query(&entities, representation(json!(vec!["xxxxxxxxxx"; 900]))),
            "MAX_VARIABLE_NODES_LIMIT",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_that_are_mentioned_again_and_again_are_refused() {
    let victim = Victim::start(&[]);
    victim.still_answers().await;
    for (name, body, code) in requests() {
        for token in [KNOWN, UNKNOWN] {
            let length = body.len() as u64;
            let ((_, answer), usage) = victim.measured(victim.ask(token, body.clone())).await;
            assert_eq!(codes(&answer), [code], "{name}: {answer:.300}");
            assert!(usage.growth <= BESIDES + 64 * length, "{name}: {} for {length}", usage.growth);
        }
    }
    victim.still_answers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_that_clients_mention_are_not() {
    let victim = Victim::start(&[]);
    let ids: Vec<String> = (0..1000).map(|n| format!("{n:024}")).collect();
    let lists: String = (0..5).map(|n| format!("l{n}: teamMembers(first: 1, filter: {{ id: {{ in: $s }}, unreadMessages: {{ gte: {n} }} }}) {{ totalCount }} ")).collect();
    let addresses: Vec<String> = (0..1000).map(|n| format!("member.{n:04}@example.com")).collect();
    let representations: String =
        (0..150).map(|n| format!("{{ __typename: \"TeamMember\", id: \"{n}\", account: $s }} ")).collect();
    let of_account =
        format!("query($s: AccountInput) {{ _entities(representations: [{representations}]) {{ __typename }} }}");
    let of_account = of_account.replace("$s: AccountInput", "$s: _Any");
    let accepted = [
        query(&format!("query($s: [ID!]) {{ {lists} }}"), json!({ "s": ids })),
        filtered("[String!]", "{ email: { in: $s } }", json!(addresses)),
        filtered(
            "String!",
            "{ or: [{ name: { contains: $s } }, { email: { contains: $s } }, { name: { in: [$s, $s] } }] }",
            json!("garcia"),
        ),
        query(&of_account, json!({ "s": { "email": "ops@tall-pines.example", "type": "CUSTOM_USER" } })),
    ];
    for body in accepted {
        let (_, answer) = victim.ask(KNOWN, body.clone()).await;
        assert!(answer["data"].is_object(), "{body:.200}: {answer:.300}");
    }
}

/// At the limits, and past them.
#[tokio::test(flavor = "multi_thread")]
async fn texts_of_filters_have_a_limit_in_all() {
    let victim = Victim::start(&[]);
    // Four lists of 1,000 texts of 16 bytes and a little are 64 KiB.
    let texts = |bytes: usize| {
        let mut texts = vec!["x".repeat(64); 1023];
        texts.push("x".repeat(bytes - 64 * 1023));
        json!({ "a": texts[..512], "b": texts[512..] })
    };
    let text = "query($a: [String!], $b: [String!]) { teamMembers(first: 1, filter: { name: { in: $a, notIn: $b } }) { totalCount } }";
    let (_, answer) = victim.ask(KNOWN, query(text, texts(64 << 10))).await;
    assert!(answer["data"].is_object(), "{answer:.300}");
    let (_, answer) = victim.ask(KNOWN, query(text, texts((64 << 10) + 1))).await;
    assert_eq!(codes(&answer), ["BAD_USER_INPUT"], "{answer:.300}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_resolved_field_by_field_is_priced_so() {
    let victim = Victim::start(&[("graphql.introspection", "true")]);
    victim.warm(3).await;
    let large = account(3);
    let beside = |schema: &str, list: &str| query(&format!("{{ {schema} {list} }}"), json!({}));
    let repeated = |times: usize, field: &str| {
        format!("teamMembers({large}, first: 1000) {{ nodes {{ {} }} }}", format!("{field} ").repeat(times))
    };
    let asked = "x: __schema { queryType { name } }";
    let refused = [
        beside(asked, &repeated(900, "id")),
        beside(asked, &repeated(170, "... { id }")),
        beside(asked, &repeated(100, "role { id }")),
        beside(asked, &repeated(1, "id name status type")),
        beside(asked, &format!("teamMembers({large}, first: 100) {{ nodes {{ {} }} }}", "id ".repeat(900))),
        // An argument that fails where a field may not be null.
        beside(
            "",
            &format!(
                "teamMembers({large}, first: 1000) {{ nodes {{ {} }} skippedRows(first: -1) {{ index }} }}",
                "id ".repeat(900)
            ),
        ),
    ];
    for body in refused {
        let (_, answer) = victim.ask(KNOWN, body.clone()).await;
        assert_eq!(codes(&answer), ["COST_ESTIMATED_TOO_EXPENSIVE"], "{body:.200}: {answer:.300}");
    }
    let (_, answer) = victim
        .ask(KNOWN, beside(asked, &format!("teamMembers({large}, first: 25) {{ nodes {{ id id name }} }}")))
        .await;
    assert_eq!(answer["data"]["teamMembers"]["nodes"].as_array().map(Vec::len), Some(25), "{answer:.300}");
    // Projected, they are written once.
    let (_, answer) = victim.ask(KNOWN, beside("", &repeated(900, "id"))).await;
    assert_eq!(answer["data"]["teamMembers"]["nodes"].as_array().map(Vec::len), Some(1000), "{answer:.300}");
}
