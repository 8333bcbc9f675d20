//! Rights: who may subscribe to what, looked at when a stream begins and while it lives.

use flowmatix_graphql::demo::ACCOUNTS;
use serde_json::{Value, json};

use super::{QUICK, quick};
use crate::support::issuer::{AUDIENCE, ISSUER, SigningKey, jwks, now};
use crate::support::{Events, Frame, Keys, Socket, TempFile, TestApp, account};

const CONTACTS: &str = "subscription { team { members(first: 1) { nodes { id contact { email } } } } }";

async fn with_keys(keys: &Keys) -> TestApp {
    let pairs: Vec<_> = QUICK.iter().copied().chain(keys.settings()).collect();
    TestApp::with(&pairs).await
}

async fn subscribe_as(app: &TestApp, key: &str, query: &str) -> Events {
    let request = app.post().bearer_auth(key).header("accept", "text/event-stream");
    Events::open(request.body(json!({ "query": query }).to_string())).await
}

#[tokio::test]
async fn scopes_hold_for_subscriptions_and_those_with_more_share_no_bytes_with_those_with_less() {
    let keys = Keys::new(&[("all", &[0], true), ("some", &[0], false)]);
    let app = with_keys(&keys).await;
    let mut all = subscribe_as(&app, keys.key(0), CONTACTS).await;
    let mut some = subscribe_as(&app, keys.key(1), CONTACTS).await;
    let contact = |payload: &Value| payload["data"]["team"]["members"]["nodes"][0]["contact"].clone();
    assert!(contact(&all.next().await)["email"].is_string());
    let payload = some.next().await;
    assert_eq!((contact(&payload), &payload["errors"][0]["extensions"]["code"]), (json!(null), &json!("FORBIDDEN")));
}

#[tokio::test]
async fn a_foreign_account_and_a_wrong_token_are_refused() {
    let keys = Keys::new(&[("own", &[0], true)]);
    let app = with_keys(&keys).await;
    let foreign = format!("subscription {{ team({}) {{ stale }} }}", account(1));
    let mut events = subscribe_as(&app, keys.key(0), &foreign).await;
    let payload = events.next().await;
    assert_eq!((payload.get("data"), &payload["errors"][0]["extensions"]["code"]), (None, &json!("FORBIDDEN")));
    assert_eq!(subscribe_as(&app, "fmk_own_wrong", CONTACTS).await.status(), 401);
    assert_eq!(app.demo.calls(), 0);
    let mut socket =
        Socket::ready(app.app.address(), json!({ "Authorization": format!("Bearer {}", keys.key(0)) })).await;
    socket.subscribe("a", &foreign).await;
    let message = socket.message().await;
    assert_eq!(
        (&message["type"], &message["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("FORBIDDEN"))
    );
    for payload in [json!({}), json!({ "headers": { "authorization": "Bearer fmk_own_wrong" } })] {
        let mut socket = Socket::open(app.app.address(), &[]).await;
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.closed().await, (4403, "Forbidden".into()));
    }
}

#[tokio::test]
async fn a_socket_takes_its_credential_from_the_header_or_from_the_payload() {
    let keys = Keys::new(&[("own", &[2], true)]);
    let app = with_keys(&keys).await;
    let bearer = format!("Bearer {}", keys.key(0));
    let named = json!({ "x-flowmatix-email": ACCOUNTS[2].email, "x-flowmatix-type": ACCOUNTS[2].user_type });
    let query = "subscription { team { account { email } } }";
    let mut socket = Socket::open(app.app.address(), &[("authorization", &bearer)]).await;
    socket.send(json!({ "type": "connection_init", "payload": { "headers": named } })).await;
    assert_eq!(socket.message().await["type"], "connection_ack");
    socket.subscribe("a", query).await;
    assert_eq!(socket.message().await["payload"]["data"]["team"]["account"]["email"], ACCOUNTS[2].email);
}

#[tokio::test]
async fn a_key_that_is_taken_away_ends_its_streams_and_nobody_elses() {
    let keys = Keys::new(&[("goes", &[0], true), ("stays", &[0], true)]);
    let app = with_keys(&keys).await;
    let query = "subscription { team { stale } }";
    let mut gone = subscribe_as(&app, keys.key(0), query).await;
    let mut stays = subscribe_as(&app, keys.key(1), query).await;
    let mut socket =
        Socket::ready(app.app.address(), json!({ "authorization": format!("Bearer {}", keys.key(0)) })).await;
    socket.subscribe("a", query).await;
    gone.next().await;
    stays.next().await;
    socket.message().await;
    let text = std::fs::read_to_string(keys.file.path()).unwrap();
    let kept = text.split_inclusive("[[key]]").collect::<Vec<_>>();
    keys.file.replace(&format!("[[key]]{}", kept.last().unwrap()));
    let last = gone.next().await;
    assert_eq!(last["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(gone.event().await.unwrap().0, "complete");
    assert_eq!(socket.closed().await, (4403, "Forbidden".into()));
    while app.metric("flowmatix_subscriptions_ended_total{reason=\"rights\"}").await < 2.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.metric("flowmatix_subscriptions_active{transport=\"sse\"}").await, 1.0);
}

#[tokio::test]
async fn a_client_that_is_never_quiet_is_checked_all_the_same() {
    let keys = Keys::new(&[("goes", &[0], true), ("stays", &[0], true)]);
    let pairs: Vec<_> = QUICK.into_iter().chain(keys.settings()).chain([("live.message_rate", "0")]).collect();
    let app = TestApp::with(&pairs).await;
    let mut socket =
        Socket::ready(app.app.address(), json!({ "authorization": format!("Bearer {}", keys.key(0)) })).await;
    let text = std::fs::read_to_string(keys.file.path()).unwrap();
    let kept = text.split_inclusive("[[key]]").collect::<Vec<_>>();
    keys.file.replace(&format!("[[key]]{}", kept.last().unwrap()));
    // The accounts that are watched change more often than they are checked.
    for n in 0.. {
        assert!(n < 20_000, "it was never closed");
        socket.subscribe("a", "subscription { team { stale } }").await;
        match socket.next().await {
            Frame::Message(message) => assert_eq!(message["type"], "next"),
            Frame::Close(code, reason) => {
                assert_eq!((code, reason.as_str()), (4403, "Forbidden"));
                break;
            }
            Frame::Ping | Frame::Pong => {}
            Frame::End => panic!("it was not told why"),
        }
        socket.send(json!({ "id": "a", "type": "complete" })).await;
    }
}

#[tokio::test]
async fn a_token_that_expires_ends_its_streams() {
    let key = SigningKey::new("one", "ES256");
    let file = TempFile::new("jwks.json", &jwks(&[&key]));
    let jwt = [
        ("auth.mode", "jwt"),
        ("jwt.jwks_file", file.as_str()),
        ("jwt.issuer", ISSUER),
        ("jwt.audience", AUDIENCE),
        ("jwt.leeway", "0s"),
    ];
    let app = quick(&jwt).await;
    let token = key.token(json!({ "exp": now() + 3 }));
    let query = "subscription { team { stale } }";
    let mut events = subscribe_as(&app, &token, query).await;
    let mut socket = Socket::ready(app.app.address(), json!({ "authorization": format!("Bearer {token}") })).await;
    socket.subscribe("a", query).await;
    assert!(events.next().await["data"]["team"].is_object());
    assert!(socket.message().await["payload"]["data"]["team"].is_object());
    assert_eq!(events.next().await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(socket.closed().await, (4403, "Forbidden".into()));
}
