//! Floods of prepared documents: the operation cache weighs an entry by its real size, argument values included.

use serde_json::json;

use super::victim::{KNOWN, UNKNOWN, Victim, query};

/// A document that is large because of its arguments, another one for each number.
fn document(n: usize) -> String {
    format!(
        "{{ teamMembers(first: 1, filter: {{ id: {{ in: [\"{n}\"{}] }} }}) {{ totalCount }} }}",
        ", \"\"".repeat(900)
    )
}

#[tokio::test]
async fn a_flood_of_documents_takes_no_more_than_its_limit() {
    for token in [UNKNOWN, KNOWN] {
        let victim = Victim::start(&[("graphql.operation_cache_limit", "8MiB")]);
        victim.warm(0).await;
        let (_, usage) = victim
            .measured(async {
                for n in 0..400 {
                    victim.ask(token, query(&document(n), json!({}))).await;
                }
            })
            .await;
        println!("400 documents, {token:.6}: {usage:?}");
        // What is kept, and what one of them takes while it is read.
        assert!(usage.growth < 32 << 20, "{token}: {usage:?}");
        victim.still_answers().await;
    }
}

#[tokio::test]
async fn what_was_only_refused_is_not_kept() {
    let victim = Victim::start(&[]);
    victim.warm(0).await;
    let hit = "flowmatix_prepared_operations_total{result=\"hit\"}";
    let before = victim.metric(hit).await;
    for _ in 0..3 {
        // Nobody has accepted the token, and nothing is executed with it.
        victim.ask(UNKNOWN, query("{ teamMembers(first: 7) { totalCount } }", json!({}))).await;
    }
    assert_eq!(victim.metric(hit).await, before);
}
