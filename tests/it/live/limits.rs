//! Limits: of subscriptions in all and of one caller, of time, and of what a client leaves lying.

use serde_json::json;

use super::{AVAILABILITY, quick, set, subscribe};
use crate::support::Socket;

#[tokio::test]
async fn one_subscription_too_many_is_refused_and_room_is_made_again() {
    let app = quick(&[("live.caller_subscriptions_limit", "3"), ("live.subscriptions_limit", "4")]).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut events = subscribe(&app, AVAILABILITY).await;
        events.next().await;
        open.push(events);
    }
    let request = app.post().header("accept", "text/event-stream").body(json!({ "query": AVAILABILITY }).to_string());
    let refused = app.send(request).await;
    assert_eq!(
        (refused.status, refused.codes(), refused.header("retry-after")),
        (503, vec!["REQUEST_CONCURRENCY_LIMITED"], "1")
    );
    let mut socket = Socket::ready(app.app.address(), json!({})).await;
    socket.subscribe("a", AVAILABILITY).await;
    assert_eq!(socket.message().await["payload"][0]["extensions"]["code"], "REQUEST_CONCURRENCY_LIMITED");
    open.pop();
    while app.metric("flowmatix_subscriptions_active{transport=\"sse\"}").await > 2.0 {
        tokio::task::yield_now().await;
    }
    subscribe(&app, AVAILABILITY).await.next().await;
}

#[tokio::test]
async fn streams_hold_no_permit_of_requests() {
    let app = quick(&[("http.concurrency", "2")]).await;
    let mut open = Vec::new();
    for _ in 0..10 {
        let mut events = subscribe(&app, AVAILABILITY).await;
        events.next().await;
        open.push(events);
    }
    app.query("{ teamMembers { totalCount } }").await.clean();
}

#[tokio::test]
async fn idle_sockets_and_old_ones_are_closed() {
    let app = quick(&[("live.idle_timeout", "300ms"), ("live.lifetime", "2s")]).await;
    let mut idle = Socket::ready(app.app.address(), json!({})).await;
    assert_eq!(idle.closed().await.0, 1000);
    let mut busy = Socket::ready(app.app.address(), json!({})).await;
    busy.subscribe("a", AVAILABILITY).await;
    assert_eq!(busy.closed().await.0, 1001);
    let mut events = subscribe(&app, AVAILABILITY).await;
    events.next().await;
    assert_eq!(events.event().await.unwrap().0, "complete");
}

#[tokio::test]
async fn who_takes_nothing_loses_the_connection_and_holds_up_nobody() {
    let app = quick(&[("http.send_timeout", "1s"), ("live.ping_interval", "60s")]).await;
    let mut slow = Socket::ready(app.app.address(), json!({})).await;
    // Large events, so that the socket's buffers fill.
    let query = format!(
        "subscription {{ team {{ members {{ nodes {{ {} }} }} }} }}",
        (0..60).map(|n| format!("a{n}: description")).collect::<Vec<_>>().join(" ")
    );
    slow.subscribe("a", &query).await;
    let mut brisk = subscribe(&app, AVAILABILITY).await;
    brisk.next().await;
    let text = "x".repeat(500);
    let mut n = 0;
    while app.metric("flowmatix_subscriptions_ended_total{reason=\"slow\"}").await < 1.0 {
        n += 1;
        let rows = (0..90).map(|m| json!({ "_id": format!("m{m}"), "name": "x", "description": format!("{text}{n}"), "liveAvailability": "ONLINE" }));
        app.demo.set_team(flowmatix_graphql::demo::ACCOUNTS[0].email, rows.collect());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert!(n < 300, "it was never dropped");
    }
    set(&app, &["OFFLINE"]);
    while super::availabilities(&brisk.next().await) != ["OFFLINE"] {}
}

/// A connection of HTTP/2 carries many WebSockets, so that those have a limit of their own.
#[tokio::test]
async fn an_address_has_so_many_web_sockets_with_subscriptions_or_without() {
    let app = quick(&[("live.caller_subscriptions_limit", "3")]).await;
    let address = app.app.address();
    let (mut client, _connection) = Socket::http2(address).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let socket = Socket::over_http2(&mut client, address, &[]).await;
        assert_eq!(socket.status, 200);
        open.push(socket);
    }
    assert_eq!(Socket::over_http2(&mut client, address, &[]).await.status, 503);
    assert_eq!(Socket::open(address, &[]).await.status, 503);
    // One that is closed leaves its place.
    open.pop().unwrap().frame(0x88, &[3, 232]).await;
    for attempt in 0.. {
        if Socket::over_http2(&mut client, address, &[]).await.status == 200 {
            break;
        }
        assert!(attempt < 300, "its place is never free");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
