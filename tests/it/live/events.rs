//! Events: the whole state first, then whatever changes in what is selected, and the truth about age and price.

use serde_json::json;

use super::{AVAILABILITY, availabilities, quick, set, subscribe};

#[tokio::test]
async fn the_first_event_is_the_whole_state_and_each_change_is_one() {
    let app = quick(&[]).await;
    let mut events = subscribe(&app, AVAILABILITY).await;
    assert_eq!((events.status(), events.header("content-type")), (200, "text/event-stream; charset=utf-8"));
    let first = events.next().await;
    assert_eq!(availabilities(&first), ["ONLINE", "OFFLINE"]);
    assert_eq!(first["extensions"]["live"], json!({ "intervalSeconds": 0.1, "callsPerHour": 36_000 }));
    for state in [["OFFLINE", "OFFLINE"], ["ONLINE", "ONLINE"], ["OFFLINE", "ONLINE"]] {
        set(&app, &state);
        assert_eq!(availabilities(&events.next().await), state);
    }
}

#[tokio::test]
async fn what_is_not_selected_is_no_event() {
    let app = quick(&[]).await;
    let mut names = subscribe(&app, "subscription { team { members { nodes { name } } } }").await;
    let mut all = subscribe(&app, AVAILABILITY).await;
    names.next().await;
    all.next().await;
    set(&app, &["OFFLINE", "OFFLINE"]);
    all.next().await;
    // The next thing that this one hears of is the new member.
    set(&app, &["ONLINE", "ONLINE", "ONLINE"]);
    let payload = names.next().await;
    assert_eq!(payload["data"]["team"]["members"]["nodes"].as_array().unwrap().len(), 3);
    assert!(app.metric("flowmatix_subscription_events_suppressed_total").await >= 1.0);
}

#[tokio::test]
async fn any_number_of_subscribers_cost_one_poller_and_all_have_the_last_state() {
    let app = quick(&[("live.interval", "300ms")]).await;
    let mut all = Vec::new();
    for _ in 0..40 {
        let mut events = subscribe(&app, AVAILABILITY).await;
        events.next().await;
        all.push(events);
    }
    assert_eq!(app.metric("flowmatix_roster_pollers").await, 1.0);
    assert_eq!(app.metric("flowmatix_subscriptions_active{transport=\"sse\"}").await, 40.0);
    set(&app, &["OFFLINE", "OFFLINE"]);
    for events in &mut all {
        assert_eq!(availabilities(&events.next().await), ["OFFLINE", "OFFLINE"]);
    }
    drop(all);
    while app.metric("flowmatix_roster_pollers").await > 0.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.metric("flowmatix_subscriptions_active{transport=\"sse\"}").await, 0.0);
}

#[tokio::test]
async fn changes_are_told_by_member_and_members_that_are_the_same_are_not() {
    let app = quick(&[]).await;
    let query = "subscription { teamChanges { reset removedIds upserted { id liveAvailability } team { members { totalCount } } } }";
    let mut events = subscribe(&app, query).await;
    let changes = |payload: &serde_json::Value| payload["data"]["teamChanges"].clone();
    let member = |n: usize, availability: &str| json!({ "id": format!("m{n}"), "liveAvailability": availability });
    assert_eq!(
        changes(&events.next().await),
        json!({ "reset": true, "removedIds": [], "upserted": [member(0, "ONLINE"), member(1, "OFFLINE")],
                "team": { "members": { "totalCount": 2 } } })
    );
    set(&app, &["ONLINE", "ONLINE"]);
    assert_eq!(
        changes(&events.next().await),
        json!({ "reset": false, "removedIds": [], "upserted": [member(1, "ONLINE")],
                "team": { "members": { "totalCount": 2 } } })
    );
    set(&app, &["ONLINE", "ONLINE", "OFFLINE"]);
    assert_eq!(changes(&events.next().await)["upserted"], json!([member(2, "OFFLINE")]));
    set(&app, &["ONLINE"]);
    let gone = changes(&events.next().await);
    assert_eq!((&gone["removedIds"], &gone["upserted"]), (&json!(["m1", "m2"]), &json!([])));
    assert_eq!(gone["team"]["members"]["totalCount"], 1);
}

#[tokio::test]
async fn who_subscribes_later_gets_the_whole_state_first() {
    let app = quick(&[]).await;
    let query = "subscription { teamChanges { reset upserted { id liveAvailability } } }";
    let mut early = subscribe(&app, query).await;
    early.next().await;
    set(&app, &["OFFLINE", "OFFLINE"]);
    early.next().await;
    let late = subscribe(&app, query).await.next().await;
    let changes = &late["data"]["teamChanges"];
    assert_eq!((&changes["reset"], changes["upserted"].as_array().unwrap().len()), (&json!(true), 2));
}

#[tokio::test]
async fn an_outage_is_told_once_and_its_end_once_and_the_stream_stays_open() {
    let app = quick(&[("roster.fresh_for", "300ms"), ("upstream.breaker", "false")]).await;
    let mut events = subscribe(&app, "subscription { team { stale members { totalCount } } }").await;
    let stale = |payload: &serde_json::Value| payload["data"]["team"]["stale"].as_bool().unwrap();
    assert!(!stale(&events.next().await));
    app.demo.set_switches(flowmatix_graphql::demo::DemoSwitches { status: Some(500), ..Default::default() });
    app.demo.script(Some(flowmatix_graphql::demo::ACCOUNTS[0].email), None);
    let payload = events.next().await;
    assert!(stale(&payload), "{payload:#}");
    assert_eq!(payload["data"]["team"]["members"]["totalCount"], 2, "what is known is still there");
    set(&app, &["ONLINE", "OFFLINE"]);
    app.demo.set_switches(Default::default());
    assert!(!stale(&events.next().await));
}

#[tokio::test]
async fn a_team_that_cannot_be_read_is_an_error_and_comes_when_it_can() {
    let app = quick(&[("upstream.breaker", "false")]).await;
    app.demo.script(Some(flowmatix_graphql::demo::ACCOUNTS[0].email), Some(broken()));
    let mut events = subscribe(&app, AVAILABILITY).await;
    let first = events.next().await;
    assert_eq!(
        (&first["data"]["team"], &first["errors"][0]["extensions"]["code"]),
        (&json!(null), &json!("UPSTREAM_UNAVAILABLE"))
    );
    set(&app, &["ONLINE"]);
    assert_eq!(availabilities(&events.next().await), ["ONLINE"]);
}

fn broken() -> flowmatix_graphql::demo::Scripted {
    flowmatix_graphql::demo::Scripted::status(axum::http::StatusCode::INTERNAL_SERVER_ERROR, String::new())
}

#[tokio::test]
async fn an_account_that_the_upstream_forbids_ends_the_stream_with_an_error() {
    let app = quick(&[]).await;
    let mut events = subscribe(&app, AVAILABILITY).await;
    events.next().await;
    let forbidden = flowmatix_graphql::demo::Scripted::status(axum::http::StatusCode::FORBIDDEN, String::new());
    app.demo.script(Some(flowmatix_graphql::demo::ACCOUNTS[0].email), Some(forbidden));
    let last = events.next().await;
    assert_eq!(last["errors"][0]["extensions"]["code"], "UPSTREAM_FORBIDDEN");
    assert_eq!(events.event().await.unwrap().0, "complete");
    assert_eq!(events.rest().await, "");
}

#[tokio::test]
async fn the_same_question_is_written_once_for_all_who_ask_it() {
    let app = quick(&[]).await;
    let mut all = Vec::new();
    for _ in 0..10 {
        let mut events = subscribe(&app, "subscription { team { members { nodes { name } } } }").await;
        events.next().await;
        all.push(events);
    }
    for _ in 0..5 {
        // Nothing that is selected: suppressed once, not ten times.
        let before = app.metric("flowmatix_subscription_events_suppressed_total").await;
        set(&app, &["OFFLINE", "OFFLINE"]);
        while app.metric("flowmatix_subscription_events_suppressed_total").await == before {
            tokio::task::yield_now().await;
        }
        assert_eq!(app.metric("flowmatix_subscription_events_suppressed_total").await, before + 1.0);
        set(&app, &["ONLINE", "OFFLINE"]);
        let before = before + 1.0;
        while app.metric("flowmatix_subscription_events_suppressed_total").await == before {
            tokio::task::yield_now().await;
        }
    }
}
