//! Rosters that the operator takes back while somebody listens.

use flowmatix_graphql::demo::DemoSwitches;
use serde_json::json;

use super::{AVAILABILITY, availabilities, quick, set, subscribe};
use crate::support::{TempFile, TestApp};

const SECRET: &str = "an-admin-secret";

/// A service that reads a team once an hour, and is told when to read it.
async fn hourly(secret: &TempFile) -> TestApp {
    secret.replace(&format!("{SECRET}\n"));
    quick(&[
        ("live.interval", "1h"),
        ("admin.invalidate_secret_file", secret.as_str()),
        ("upstream.timeout", "60s"),
        ("upstream.attempt_timeout", "50s"),
    ])
    .await
}

async fn take_back(app: &TestApp, mode: &str) {
    let request = app.client.post(format!("http://{}/invalidate", app.app.admin_address())).bearer_auth(SECRET);
    let body = json!({ "all": true, "mode": mode }).to_string();
    let answer = app.send(request.header("content-type", "application/json").body(body)).await;
    assert_eq!(answer.status, 200, "{:#}", answer.body);
}

#[tokio::test]
async fn subscribers_see_the_new_state_at_once_however_long_the_interval_is() {
    let secret = TempFile::new("admin-secret", SECRET);
    let app = hourly(&secret).await;
    let mut events = subscribe(&app, AVAILABILITY).await;
    events.next().await;
    for (mode, state) in [("soft", ["OFFLINE", "OFFLINE"]), ("hard", ["ONLINE", "ONLINE"])] {
        set(&app, &state);
        take_back(&app, mode).await;
        assert_eq!(availabilities(&events.next().await), state);
    }
    assert_eq!(app.demo.calls(), 3);
}

#[tokio::test]
async fn who_subscribes_after_a_hard_invalidation_sees_nothing_that_was_read_before() {
    let secret = TempFile::new("admin-secret", SECRET);
    let app = hourly(&secret).await;
    let mut early = subscribe(&app, AVAILABILITY).await;
    early.next().await;
    for state in [["OFFLINE", "ONLINE"], ["OFFLINE", "ONLINE"], ["ONLINE", "ONLINE"]] {
        let before = app.demo.calls();
        app.demo.set_switches(DemoSwitches { latency_ms: 400, ..DemoSwitches::default() });
        set(&app, &state);
        take_back(&app, "hard").await;
        // The same question, so the bytes of the last event are at hand; the new reading takes a while.
        let mut late = subscribe(&app, AVAILABILITY).await;
        assert_eq!(availabilities(&late.next().await), state);
        assert_eq!(app.demo.calls(), before + 1);
        app.demo.set_switches(DemoSwitches::default());
    }
    // What was the same was no event for who had seen it.
    assert_eq!(availabilities(&early.next().await), ["OFFLINE", "ONLINE"]);
    assert_eq!(availabilities(&early.next().await), ["ONLINE", "ONLINE"]);
}
