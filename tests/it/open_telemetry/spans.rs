//! What spans say: which there are, how they hang together, and what stands in them.

use serde_json::{Value, json};

use super::receiver::{Received, Receiver};
use super::traced;
use crate::support::{AnyStream, Socket, TestApp, account};

const COUNT: &str = "query Counted { teamMembers { totalCount } }";

fn server(spans: &[Received]) -> &Received {
    let mut servers = spans.iter().filter(|span| span.is_server);
    let server = servers.next().unwrap();
    assert!(servers.next().is_none(), "{spans:#?}");
    server
}

/// Asks, and returns the one span of a request that comes of it.
async fn span_of(receiver: &Receiver, app: &TestApp, body: Value) -> Received {
    let before = receiver.spans().iter().filter(|span| span.is_server).count();
    app.post().body(body.to_string()).send().await.unwrap();
    let spans = receiver.requests(before + 1).await;
    spans.into_iter().filter(|span| span.is_server).nth(before).unwrap()
}

#[tokio::test]
async fn a_cold_query_is_a_span_with_its_call_below_and_a_warm_one_a_span_alone() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &[], &[]).await;
    app.query(COUNT).await.clean();
    let spans = receiver.until(2, |_| true).await;
    let server = server(&spans);
    let expected = [
        ("http.request.method", json!("POST")),
        ("http.route", json!("/graphql")),
        ("url.path", json!("/graphql")),
        ("url.scheme", json!("http")),
        ("network.protocol.version", json!("1.1")),
        ("http.response.status_code", json!(200)),
        ("graphql.operation.type", json!("query")),
        ("graphql.operation.name", json!("Counted")),
        ("flowmatix.outcome", json!("ok")),
        ("flowmatix.cache", json!("miss")),
        ("flowmatix.upstream.calls", json!(1)),
    ];
    for (name, value) in expected {
        assert_eq!(server.get(name), &value, "{name}: {server:#?}");
    }
    assert!(server.get("flowmatix.cost").as_i64().unwrap() > 0);
    assert_eq!((server.name.as_str(), server.failed, server.parent.as_str()), ("query", false, ""));
    let call = spans.iter().find(|span| !span.is_server).unwrap();
    assert_eq!((&call.trace, &call.parent, call.failed), (&server.trace, &server.id, false));
    assert!(call.name.starts_with("GET /"), "{}", call.name);
    assert_eq!(call.get("http.response.status_code"), &json!(200));
    assert_eq!(call.get("flowmatix.outcome"), &json!("ok"));
    assert_eq!(call.get("server.address"), &json!("127.0.0.1"));
    assert!(call.nanos <= server.nanos);

    let warm = span_of(&receiver, &app, json!({ "query": COUNT })).await;
    assert_eq!(warm.get("flowmatix.cache"), &json!("hit"));
    assert_eq!(warm.get("flowmatix.upstream.calls"), &json!(0));
    assert_eq!(receiver.spans().len(), 3);
    assert!(
        warm.trace != server.trace && warm.get("flowmatix.document.names") == server.get("flowmatix.document.names")
    );
}

/// All three wait for the same call.
#[tokio::test]
async fn coalesced_requests_are_linked_to_the_one_call() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &[], &[]).await;
    let gate = app.demo.hold();
    let ask = || app.query(COUNT);
    let all = async { tokio::join!(ask(), ask(), ask()) };
    let open = async {
        app.demo.arrived(1).await;
        // The others have joined the load when they are under way.
        while app.metric("flowmatix_requests_in_flight").await < 3.0 {
            tokio::task::yield_now().await;
        }
        gate.send(true).unwrap();
    };
    tokio::join!(all, open);
    let spans = receiver.until(4, |_| true).await;
    let calls: Vec<_> = spans.iter().filter(|span| !span.is_server).collect();
    let [call] = calls.as_slice() else { panic!("{calls:#?}") };
    let servers: Vec<_> = spans.iter().filter(|span| span.is_server).collect();
    assert_eq!(servers.len(), 3);
    for server in servers {
        let is_leader = call.parent == server.id;
        let links = if is_leader { vec![] } else { vec![(call.trace.clone(), call.id.clone())] };
        assert_eq!(server.links, links);
        assert_eq!(server.get("flowmatix.cache"), if is_leader { "miss" } else { "coalesced" });
    }
}

#[tokio::test]
async fn answers_with_errors_mark_the_span_whatever_their_status() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &[("graphql.batch_limit", "5")], &[]).await;
    let unknown = "{ teamMembers(account: { email: \"unknown@nowhere.example\", type: AGENT }) { totalCount } }";
    let partial = span_of(&receiver, &app, json!({ "query": unknown })).await;
    assert_eq!(partial.get("http.response.status_code"), 200);
    assert_eq!((partial.get("error.type"), partial.failed), (&json!("UPSTREAM_REJECTED"), true));
    assert_eq!(partial.get("flowmatix.outcome"), "partial");
    let call = receiver.spans().into_iter().find(|span| !span.is_server).unwrap();
    assert_eq!((call.get("error.type"), call.failed), (&json!("rejected"), true));

    let invalid = span_of(&receiver, &app, json!({ "query": "{ nothing }" })).await;
    assert_eq!((invalid.get("error.type"), invalid.failed), (&json!("GRAPHQL_VALIDATION_FAILED"), true));
    assert_eq!((invalid.name.as_str(), invalid.get("flowmatix.outcome")), ("POST /graphql", &json!("refused")));

    let batch = json!([{ "query": COUNT }, { "query": unknown }]);
    let batch = span_of(&receiver, &app, batch).await;
    assert_eq!(batch.get("flowmatix.batch.size"), 2);
    assert_eq!((batch.get("flowmatix.outcome"), batch.failed), (&json!("partial"), true));

    // A client that sends what is no request at all has made a mistake of its own.
    let garbage = span_of(&receiver, &app, json!("garbage")).await;
    assert_eq!(garbage.get("error.type"), "BAD_REQUEST");
    assert_eq!((garbage.get("http.response.status_code"), garbage.failed), (&json!(400), false));
}

/// What a client names by its hash is shown as one, and nothing else that came in its place.
#[tokio::test]
async fn a_document_is_shown_by_its_hash_and_never_in_clear() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &[], &[]).await;
    // `printf '{ __typename }' | sha256sum`
    let hash = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b";
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let named = json!({ "query": "{ __typename }", "extensions": extensions });
    assert_eq!(span_of(&receiver, &app, named).await.get("graphql.document.hash"), hash);
    let forged = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "canary-hash" } } });
    assert_eq!(span_of(&receiver, &app, forged).await.get("graphql.document.hash"), &Value::Null);

    let query = "query Find($s: String) { teamMembers(search: $s, account: { email: \"ops@tall-pines.example\", type: CUSTOM_USER }) \
                 { nodes { name contact { email phone { number } } } } }";
    let body = json!({ "query": query, "variables": { "s": "canary-variable" } });
    let post = app.post().bearer_auth("canary-token").header("user-agent", "canary-agent").body(body.to_string());
    post.send().await.unwrap();
    let team = app.query("{ teamMembers { nodes { name contact { email } } } }").await;
    receiver.requests(4).await;
    app.app.stop().await;
    let deliveries = receiver.deliveries();
    let holds =
        |text: &str| deliveries.iter().any(|delivery| memchr::memmem::find(&delivery.bytes, text.as_bytes()).is_some());
    assert!(holds("graphql.operation.name") && holds("Find"));
    for canary in ["canary", "tall-pines", "totalCount", "teamMembers", "demo-agency-token"] {
        assert!(!holds(canary), "{canary}");
    }
    for node in team.data()["teamMembers"]["nodes"].as_array().unwrap() {
        for personal in [&node["name"], &node["contact"]["email"]] {
            assert!(!holds(personal.as_str().unwrap()), "{personal}");
        }
    }
}

#[tokio::test]
async fn operations_of_a_websocket_are_spans_of_their_own_that_are_linked_to_the_upgrade() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &[], &[]).await;
    let subscription = crate::live::AVAILABILITY.replace("subscription", "subscription Watch");
    let is_message = |span: &Received| span.get("network.protocol.name") == "websocket";
    let mut socket = Socket::open(app.app.address(), &[("x-request-id", "the-upgrade")]).await;
    socket.initialise(json!({})).await;
    socket.subscribe("one", COUNT).await;
    while socket.message().await["type"] != "complete" {}
    socket.subscribe("two", &subscription).await;
    socket.message().await;
    drop(socket);
    let spans = receiver.until(2, is_message).await;
    let messages: Vec<_> = spans.iter().filter(|span| is_message(span)).collect();
    // The handshake is a request, too; each operation is a trace of its own that names it.
    let upgrade = |span: &Received| span.get("http.response.status_code") == 101;
    let spans = receiver.until(1, upgrade).await;
    let upgrade = spans.iter().find(|span| upgrade(span)).unwrap();
    for (message, (name, kind)) in messages.iter().zip([("Counted", "query"), ("Watch", "subscription")]) {
        assert_eq!((message.get("graphql.operation.name"), message.name.as_str()), (&json!(name), kind));
        assert_eq!(message.get("flowmatix.request.id"), "the-upgrade");
        assert_eq!(message.get("flowmatix.document.names").as_str().unwrap().len(), 12, "{message:#?}");
        assert!(message.trace != upgrade.trace && message.parent.is_empty());
        assert_eq!(message.links, [(upgrade.trace.clone(), upgrade.id.clone())]);
    }
    let over_http = span_of(&receiver, &app, json!({ "query": COUNT })).await;
    assert_eq!(over_http.get("flowmatix.document.names"), messages[0].get("flowmatix.document.names"));
}

/// Its span lasts as long as its stream, so that what comes of it can be told.
#[tokio::test]
async fn the_span_of_a_subscription_ends_with_its_stream_and_tells_its_errors() {
    let unknown =
        "subscription Unknown { team(account: { email: \"unknown@nowhere.example\", type: AGENT }) { stale } }";
    let watch = crate::live::AVAILABILITY.replace("subscription", "subscription Watch");
    for transport in AnyStream::TRANSPORTS {
        let receiver = Receiver::start().await;
        let app = traced(&receiver, &crate::live::QUICK, &[]).await;
        let is_subscription = |span: &Received| span.is_server && span.name == "subscription";
        for (query, name, codes) in [(unknown, "Unknown", json!("UPSTREAM_REJECTED")), (&watch, "Watch", Value::Null)] {
            let mut stream = AnyStream::open(&app, transport, query).await;
            stream.next().await;
            app.query(COUNT).await.clean();
            let before = receiver.until(1, |span| span.name == "query").await;
            assert!(!before.iter().any(|span| span.get("graphql.operation.name") == name), "{transport}");
            drop(stream);
            let named = |span: &Received| is_subscription(span) && span.get("graphql.operation.name") == name;
            let spans = receiver.until(1, named).await;
            let span = spans.iter().find(|span| named(span)).unwrap();
            let outcome = if codes.is_null() { "ok" } else { "partial" };
            assert_eq!(
                (span.get("flowmatix.outcome"), span.failed),
                (&json!(outcome), !codes.is_null()),
                "{transport}"
            );
            assert_eq!(span.get("error.type"), &codes);
            assert_eq!(span.get("flowmatix.subscription.events"), 1);
            assert_eq!(span.get("flowmatix.subscription.ended"), "client");
        }
    }
}

#[tokio::test]
async fn a_batch_is_named_by_none_of_its_operations() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &[("graphql.batch_limit", "2")], &[]).await;
    let batch = span_of(&receiver, &app, json!([{ "query": COUNT }, { "query": COUNT }])).await;
    assert_eq!((batch.name.as_str(), batch.get("graphql.operation.name")), ("POST /graphql", &Value::Null));
    // Both wait for one call, which is below their span: a link would say it again.
    let spans = receiver.until(2, |_| true).await;
    let calls: Vec<_> = spans.iter().filter(|span| span.parent == batch.id).collect();
    assert_eq!((calls.len(), batch.links.as_slice()), (1, [].as_slice()), "{spans:#?}");
    let long = format!("query {} {{ __typename }}", "N".repeat(5_000));
    let long = span_of(&receiver, &app, json!({ "query": long })).await;
    assert_eq!(long.get("graphql.operation.name").as_str().unwrap().len(), 100);
}

/// Whatever asks, each call is a span: here those that keep a team live.
#[tokio::test]
async fn calls_that_no_request_waits_for_are_traces_of_their_own() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &crate::live::QUICK, &[]).await;
    let mut events = crate::live::subscribe(&app, crate::live::AVAILABILITY).await;
    events.next().await;
    let spans = receiver.until(2, |span| !span.is_server).await;
    let calls: Vec<_> = spans.iter().filter(|span| !span.is_server).collect();
    assert!(calls.iter().all(|call| call.parent.is_empty()) && calls[0].trace != calls[1].trace, "{calls:#?}");
}

#[tokio::test]
async fn a_request_whose_client_has_gone_is_a_span_that_says_so() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &[], &[]).await;
    let gate = app.demo.hold();
    let post = app.post().body(json!({ "query": COUNT }).to_string());
    let asked = tokio::spawn(post.send());
    app.demo.arrived(1).await;
    asked.abort();
    let spans = receiver.requests(1).await;
    let cancelled = server(&spans);
    assert_eq!(cancelled.get("flowmatix.outcome"), "cancelled");
    // What was asked for is known before anything is loaded for it.
    assert_eq!((cancelled.name.as_str(), cancelled.get("graphql.operation.name")), ("query", &json!("Counted")));
    assert!(cancelled.get("flowmatix.document.names").is_string(), "{cancelled:#?}");
    gate.send(true).unwrap();
    // The call goes on, and is still a part of that trace.
    let spans = receiver.until(2, |_| true).await;
    let call = spans.iter().find(|span| !span.is_server).unwrap();
    assert_eq!((&call.trace, call.get("flowmatix.outcome")), (&server(&spans).trace, &json!("ok")));
}

/// Work that is too long for the runtime's workers is done elsewhere, in the same trace.
#[tokio::test]
async fn long_requests_are_traced_like_short_ones() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &[], &[]).await;
    let padded = format!("{}\n{{ teamMembers({}) {{ totalCount }} }}", "#".repeat(9000), account(1));
    app.query(&padded).await.clean();
    let spans = receiver.until(2, |_| true).await;
    let call = spans.iter().find(|span| !span.is_server).unwrap();
    assert_eq!(call.parent, server(&spans).id);
}
