//! Streams in bodies of responses: what is negotiated, and the framing of server-sent events and multipart responses.

use serde_json::{Value, json};

use super::{AVAILABILITY, availabilities, quick, set, subscribe};
use crate::support::{Answer, Events};

const MULTIPART: &str = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0,application/json";

#[tokio::test]
async fn a_part_is_complete_as_soon_as_it_is_sent() {
    let app = quick(&[]).await;
    let request = app.post().header("accept", MULTIPART).body(json!({ "query": AVAILABILITY }).to_string());
    let mut events = Events::open(request).await;
    assert_eq!(events.header("content-type"), "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=1.0");
    // Each part is read to the boundary behind it before anything more happens.
    for state in [["ONLINE", "OFFLINE"], ["OFFLINE", "OFFLINE"], ["OFFLINE", "ONLINE"]] {
        set(&app, &state);
        let mut part = events.part().await.unwrap();
        while availabilities(&part["payload"]) != state {
            part = events.part().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_get_can_subscribe() {
    let app = quick(&[]).await;
    let request = app.client.get(app.url()).query(&[("query", AVAILABILITY)]);
    let request = request.header("accept", "text/event-stream").header("apollo-require-preflight", "1");
    let mut events = Events::open(request).await;
    assert_eq!(availabilities(&events.next().await), ["ONLINE", "OFFLINE"]);
    // Without the header another site's page might have sent it.
    let request = app.client.get(app.url()).query(&[("query", AVAILABILITY)]).header("accept", "text/event-stream");
    assert_eq!(app.send(request).await.codes(), ["CSRF_ERROR"]);
}

#[tokio::test]
async fn a_query_over_a_stream_is_one_event_and_its_end() {
    let app = quick(&[]).await;
    let mut events = subscribe(&app, "{ teamMembers { totalCount } }").await;
    assert_eq!(events.next().await["data"]["teamMembers"]["totalCount"], 2);
    assert_eq!(events.event().await.unwrap(), ("complete".into(), String::new()));
    let mut events = subscribe(&app, "subscription { nothing }").await;
    assert_eq!(events.next().await["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(events.event().await.unwrap().0, "complete");
}

#[tokio::test]
async fn a_client_that_accepts_json_too_gets_json_for_what_is_no_subscription() {
    let app = quick(&[]).await;
    let urql = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed";
    let ask = |query: &str| app.post().header("accept", urql).body(json!({ "query": query }).to_string());
    let answer = app.send(ask("{ teamMembers { totalCount } }")).await;
    assert!(answer.header("content-type").starts_with("application/graphql-response+json"));
    assert_eq!(answer.clean()["teamMembers"]["totalCount"], 2);
    let mut events = Events::open(ask(AVAILABILITY)).await;
    assert_eq!(availabilities(&events.next().await).len(), 2);
}

#[tokio::test]
async fn a_subscription_without_a_stream_is_refused_and_says_what_it_needs() {
    let app = quick(&[]).await;
    let answer: Answer = app.query(AVAILABILITY).await;
    assert_eq!((answer.status, answer.codes()), (400, vec!["BAD_REQUEST"]));
    assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains("text/event-stream"));
    let app = quick(&[("live.enabled", "false")]).await;
    let answer = app
        .send(
            app.post()
                .header("accept", "text/event-stream, */*;q=0.1")
                .body(json!({ "query": AVAILABILITY }).to_string()),
        )
        .await;
    assert_eq!(answer.codes(), ["BAD_REQUEST"]);
    let answer = app.send(app.post().header("accept", "text/event-stream").body("{}")).await;
    assert_eq!(answer.codes(), ["INVALID_ACCEPT_HEADER"]);
}

#[tokio::test]
async fn subscriptions_pass_the_same_limits_as_queries() {
    let app = quick(&[("graphql.depth_limit", "4"), ("graphql.cost_limit", "20")]).await;
    let code = |payload: Value| payload["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned();
    let deep = "subscription { team { members { nodes { role { id } } } } }";
    assert_eq!(code(subscribe(&app, deep).await.next().await), "MAX_DEPTH_LIMIT");
    let mut events = subscribe(&app, "subscription { team { members { nodes { id } } } }").await;
    events.next().await;
    // A team that grows past what the selection may cost ends it.
    set(&app, &["ONLINE"; 40]);
    assert_eq!(code(events.next().await), "COST_ESTIMATED_TOO_EXPENSIVE");
    assert_eq!(events.event().await.unwrap().0, "complete");
    assert_eq!(
        code(subscribe(&app, "subscription { team { stale } teamChanges { reset } }").await.next().await),
        "GRAPHQL_VALIDATION_FAILED"
    );
    assert_eq!(app.demo.calls_for("nobody"), 0);
}

#[tokio::test]
async fn a_stream_is_not_compressed() {
    let app = quick(&[]).await;
    let request = app.post().header("accept", "text/event-stream").header("accept-encoding", "gzip, br, zstd");
    let mut events = Events::open(request.body(json!({ "query": AVAILABILITY }).to_string())).await;
    assert_eq!(events.header("content-encoding"), "");
    events.next().await;
    set(&app, &["OFFLINE", "OFFLINE"]);
    events.next().await;
}

#[tokio::test]
async fn a_stream_gives_signs_of_life_and_outlives_the_timeouts_of_requests() {
    let app = quick(&[
        ("live.ping_interval", "100ms"),
        ("http.timeout", "1s"),
        ("http.send_timeout", "1s"),
        ("http.idle_timeout", "1s"),
    ])
    .await;
    let mut events = subscribe(&app, AVAILABILITY).await;
    events.next().await;
    tokio::time::sleep(std::time::Duration::from_millis(3500)).await;
    set(&app, &["OFFLINE", "OFFLINE"]);
    assert_eq!(availabilities(&events.next().await), ["OFFLINE", "OFFLINE"]);
}
