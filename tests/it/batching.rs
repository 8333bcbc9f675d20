//! The upstream calls of requests: at most one load for each account, for any number of fields and concurrent requests.

use std::fmt::Write;

use serde_json::json;

use crate::support::{PATIENT, TestApp, account, member};

/// A query of 60 aliased look-ups over two accounts, 30 each.
async fn sixty(app: &TestApp) -> String {
    let mut query = String::from("{");
    for index in [0, 2] {
        let ids = member(app, index).await;
        for n in 0..30 {
            let id = &ids[n % ids.len()];
            write!(
                query,
                " m{index}x{n}: teamMember(id: \"{id}\", {}) {{ id name role {{ memberCount }} }}",
                account(index)
            )
            .unwrap();
        }
    }
    query + " }"
}

#[tokio::test]
async fn sixty_look_ups_over_two_accounts_cost_two_calls_and_then_none() {
    let app = TestApp::start().await;
    let query = sixty(&app).await;
    let before = app.demo.calls();

    let first = app.query(&query).await;
    let budget = json!({ "limit": 950, "remaining": 948, "resetSeconds": 3600 });
    assert_eq!(first.upstream(), &json!({ "calls": 2, "cache": "miss", "ageSeconds": 0, "budget": budget }));
    assert_eq!(first.header("ratelimit-policy"), "\"upstream\";q=950;w=3600");
    assert_eq!(first.header("ratelimit"), "\"upstream\";r=948;t=3600");
    assert_eq!(first.clean().as_object().unwrap().values().filter(|member| member["id"].is_string()).count(), 60);
    assert_eq!(app.demo.calls() - before, 2);

    let second = app.query(&query).await;
    assert_eq!(second.upstream()["calls"], 0);
    assert_eq!(second.upstream()["cache"], "hit");
    assert_eq!(app.demo.calls() - before, 2);
}

#[tokio::test]
async fn with_store_and_single_flight_off_the_loader_still_makes_one_batch_of_two() {
    let app = TestApp::with(&[("roster.store", "false"), ("roster.single_flight", "false")]).await;
    let query = sixty(&app).await;
    let before = app.demo.calls();
    app.query(&query).await.clean();
    assert_eq!(app.demo.calls() - before, 2);
    assert_eq!(app.metric("flowmatix_loader_batches_total").await, 1.0);
    assert_eq!(app.metric("flowmatix_loader_batch_keys_total").await, 2.0);
    // Nothing was kept: the same again costs the same again.
    app.query(&query).await.clean();
    assert_eq!(app.demo.calls() - before, 4);
}

#[tokio::test]
async fn roles_and_their_members_cost_nothing_more() {
    let app = TestApp::start().await;
    let query =
        "{ teamMembers { nodes { role { id members { nodes { name role { memberCount } } } } } } roles { id } }";
    assert_eq!(app.query(query).await.upstream()["calls"], 1);
    assert_eq!(app.demo.calls(), 1);
}

#[tokio::test]
async fn asking_for_nothing_costs_nothing() {
    let app = TestApp::start().await;
    let answer = app.query("{ __typename }").await;
    assert_eq!(answer.body, json!({ "data": { "__typename": "Query" } }));
    assert_eq!(app.demo.calls(), 0);
}

#[tokio::test]
async fn equal_questions_from_many_callers_cost_one_call() {
    let app = TestApp::with(&PATIENT).await;
    let gate = app.demo.hold();
    let asked: Vec<_> = (0..200).map(|_| app.query("{ teamMembers { totalCount } }")).collect();
    let all = futures_util::future::join_all(asked);
    let release = async {
        app.demo.arrived(1).await;
        gate.send(true).unwrap();
    };
    let (answers, ()) = tokio::join!(all, release);
    let calls: u64 = answers.iter().map(|answer| answer.upstream()["calls"].as_u64().unwrap()).sum();
    // How they ended tells why there was another one.
    let ended = ["ok", "timeout", "unavailable"]
        .map(|outcome| format!("flowmatix_upstream_calls_total{{outcome=\"{outcome}\"}}"));
    let ended = [app.metric(&ended[0]).await, app.metric(&ended[1]).await, app.metric(&ended[2]).await];
    assert_eq!((calls, app.demo.calls()), (1, 1), "{ended:?}");
    for answer in answers {
        answer.clean();
    }
}

#[tokio::test]
async fn a_caller_who_leaves_costs_no_second_call() {
    let app = TestApp::start().await;
    let gate = app.demo.hold();
    let leaver = tokio::spawn(app.post().body(r#"{"query":"{ teamMembers { totalCount } }"}"#).send());
    app.demo.arrived(1).await;
    leaver.abort();
    assert!(leaver.await.unwrap_err().is_cancelled());
    gate.send(true).unwrap();
    // Joins the load that the leaver started, or finds what it brought.
    let answer = app.query("{ teamMembers { totalCount } }").await;
    assert_eq!(answer.upstream()["calls"], 0);
    assert_eq!(answer.clean(), json!({ "teamMembers": { "totalCount": 12 } }));
    assert_eq!(app.demo.calls(), 1);
}

#[tokio::test]
async fn different_accounts_are_loaded_side_by_side() {
    let app = TestApp::start().await;
    let gate = app.demo.hold();
    let query = format!("{{ a: roles({}) {{ id }} b: roles({}) {{ id }} c: roles {{ id }} }}", account(1), account(2));
    let release = async {
        // All three wait at the upstream together, or this never ends.
        app.demo.arrived(3).await;
        gate.send(true).unwrap();
    };
    let (answer, ()) = tokio::join!(app.query(&query), release);
    assert_eq!(answer.upstream()["calls"], 3);
    answer.clean();
}

#[tokio::test]
async fn the_concurrency_cap_holds() {
    let app = TestApp::with(&[("loader.concurrency", "2")]).await;
    let gate = app.demo.hold();
    let query = format!("{{ a: roles({}) {{ id }} b: roles({}) {{ id }} c: roles {{ id }} }}", account(1), account(2));
    let release = async {
        app.demo.arrived(2).await;
        // A third would come within this time; that it does not is what is tested.
        let third = tokio::time::timeout(std::time::Duration::from_millis(200), app.demo.arrived(3)).await;
        assert!(third.is_err());
        gate.send(true).unwrap();
    };
    let (answer, ()) = tokio::join!(app.query(&query), release);
    answer.clean();
    assert_eq!(app.demo.calls(), 3);
}

#[tokio::test]
async fn a_roster_is_loaded_again_after_its_fresh_window() {
    let app = TestApp::with(&[("roster.fresh_for", "1ms")]).await;
    for _ in 0..3 {
        app.query("{ teamMembers { totalCount } }").await.clean();
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    assert_eq!(app.demo.calls(), 3);
}

#[tokio::test]
async fn the_store_is_bounded_in_bytes() {
    let app = TestApp::with(&[&PATIENT[..], &[("roster.store_limit", "192KiB")]].concat()).await;
    let ask = async |index| app.query(&format!("{{ roles({}) {{ id }} }}", account(index))).await;
    for index in [1, 2, 0] {
        ask(index).await.clean();
    }
    let bytes = app.metric("flowmatix_roster_store_bytes").await;
    assert!(bytes > 0.0 && bytes <= 196_608.0, "{bytes}");
    // One that is larger than the whole store is kept beside it, so that it is not paid for again and again.
    assert_eq!(ask(3).await.upstream()["calls"], 1);
    assert_eq!(ask(3).await.upstream()["calls"], 0);
}

#[tokio::test]
async fn the_least_recently_used_roster_makes_room_for_a_new_one() {
    // Room for one of 250 members.
    let app = TestApp::with(&[&PATIENT[..], &[("roster.store_limit", "192KiB")]].concat()).await;
    let ask = async |n: usize| {
        let query = format!("{{ roles(account: {{ email: \"n{n}@example.com\", type: AGENT }}) {{ id }} }}");
        app.query(&query).await.upstream()["calls"].as_u64().unwrap()
    };
    for n in 0..20 {
        let rows = (0..100).map(|row| crate::support::row(&row.to_string(), "x")).collect();
        app.demo.set_team(&format!("n{n}@example.com"), rows);
        assert_eq!(ask(n).await, 1);
        // The new one is there, and so is the first, which is used all the time.
        assert_eq!(ask(n).await, 0);
        assert_eq!(ask(0).await, 0, "after {n}");
    }
    assert_eq!(ask(1).await, 1);
}

#[tokio::test]
async fn rosters_that_are_dropped_for_want_of_room_are_counted_and_no_others() {
    let app = TestApp::with(&[&PATIENT[..], &[("roster.store_limit", "192KiB")]].concat()).await;
    let ask = async |email: &str| {
        let query = format!("{{ roles(account: {{ email: \"{email}\", type: AGENT }}) {{ id }} }}");
        app.query(&query).await.clean();
    };
    let evicted = async || app.metric("flowmatix_roster_store_evictions_total").await as u64;
    for (rows, oversized) in [(100, false), (1000, true)] {
        let before = evicted().await;
        let stored = app.metric("flowmatix_roster_store_rosters").await as u64;
        for n in 0..12 {
            let email = format!("n{n}-{rows}@example.com");
            let rows = (0..rows).map(|row| crate::support::row(&row.to_string(), "x")).collect();
            app.demo.set_team(&email, rows);
            ask(&email).await;
        }
        // What came is there, or was dropped; of those that are larger than the store, one is kept beside it.
        let kept = app.metric("flowmatix_roster_store_rosters").await as u64 - stored;
        assert_eq!(evicted().await - before, 12 - kept, "{rows}");
        assert!(kept <= if oversized { 1 } else { 8 }, "{kept}");
    }
    // One that is read anew, and one that is taken away, has not been dropped for want of room.
    let app = TestApp::with(&[("roster.fresh_for", "1ms")]).await;
    for _ in 0..3 {
        app.query("{ teamMembers { totalCount } }").await.clean();
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    assert_eq!(app.metric("flowmatix_roster_store_evictions_total").await as u64, 0);
}

#[tokio::test]
async fn everything_in_one_response_reads_one_snapshot() {
    let app = TestApp::with(&[("roster.fresh_for", "0s"), ("roster.stale_for", "0s")]).await;
    let query = "{ a: teamMembers { fetchedAt } b: teamMembers { fetchedAt } roles { members { fetchedAt } } }";
    let data = app.query(query).await.clean();
    assert_eq!(data["a"], data["b"]);
    assert_eq!(data["a"], data["roles"][0]["members"]);
    assert_eq!(app.demo.calls(), 1);
}

#[tokio::test]
async fn accounts_that_are_looked_up_too_late_are_answered_each_for_itself_and_never_a_504() {
    let settings = [
        ("loader.concurrency", "1"),
        ("http.timeout", "1s"),
        ("upstream.timeout", "600ms"),
        ("upstream.attempt_timeout", "500ms"),
    ];
    let app = TestApp::with(&settings).await;
    app.demo.set_switches(flowmatix_graphql::demo::DemoSwitches { latency_ms: 300, ..Default::default() });
    let fields: String = (0..8)
        .map(|n| format!("a{n}: teamMembers(account: {{ email: \"a{n}@b.example\", type: AGENT }}) {{ totalCount }} "))
        .collect();
    let answer = app.query(&format!("{{ {fields} }}")).await;
    assert_eq!(answer.status, 200);
    let codes = answer.codes();
    assert!(codes.iter().filter(|code| **code == "UPSTREAM_TIMEOUT").count() >= 4, "{codes:?}");
}
