//! Overload and abuse at the socket: refused at once, while other callers are served.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flowmatix_graphql::app::App;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, TestApp, account};

const QUERY: &str = r#"{"query":"{ __typename }"}"#;
const SLOW: &str = r#"{"query":"{ teamMembers { totalCount } }"}"#;

#[tokio::test]
async fn one_request_too_many_is_refused_at_once_and_the_others_are_answered() {
    let app = TestApp::with(&[("http.concurrency", "2"), ("http.caller_concurrency", "2")]).await;
    let gate = app.demo.hold();
    let under_way = [tokio::spawn(app.post().body(SLOW).send()), tokio::spawn(app.post().body(SLOW).send())];
    // Both wait for one load.
    app.demo.arrived(1).await;
    let refused = loop {
        let answer = app.send(app.post().body(QUERY)).await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!((refused.status, refused.codes()), (503, vec!["REQUEST_CONCURRENCY_LIMITED"]));
    assert_eq!(refused.header("retry-after"), "1");
    gate.send(true).unwrap();
    for request in under_way {
        Answer::read(request.await.unwrap().unwrap()).await.clean();
    }
    app.send(app.post().body(QUERY)).await.clean();
}

#[tokio::test]
async fn a_caller_with_many_requests_under_way_leaves_the_others_their_places() {
    let app = TestApp::with(&[("auth.mode", "passthrough"), ("http.concurrency", "4")]).await;
    let gate = app.demo.hold();
    let slow = || tokio::spawn(app.post().bearer_auth("demo-lantern-token").body(SLOW).send());
    let under_way = [slow(), slow()];
    app.demo.arrived(1).await;
    let ask = |token: &'static str| app.send(app.post().bearer_auth(token).body(QUERY));
    let refused = loop {
        let answer = ask("demo-lantern-token").await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!((refused.status, refused.codes()), (503, vec!["REQUEST_CONCURRENCY_LIMITED"]));
    ask("demo-pines-token").await.clean();
    gate.send(true).unwrap();
    for request in under_way {
        Answer::read(request.await.unwrap().unwrap()).await.clean();
    }
    ask("demo-lantern-token").await.clean();
}

/// Each may have as many as are free, so that those who keep theirs leave some for the next.
#[tokio::test]
async fn two_callers_with_many_requests_under_way_leave_some_to_a_third() {
    let app = TestApp::with(&[("auth.mode", "passthrough"), ("http.concurrency", "8")]).await;
    let gate = app.demo.hold();
    let slow = |token: &'static str| tokio::spawn(app.post().bearer_auth(token).body(SLOW).send());
    let mut under_way = Vec::new();
    for (token, own) in [("demo-lantern-token", 4), ("demo-agency-token", 2)] {
        under_way.extend((0..own).map(|_| slow(token)));
        while app.metric("flowmatix_requests_in_flight").await < under_way.len() as f64 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let answer = loop {
            let answer = app.send(app.post().bearer_auth(token).body(QUERY)).await;
            if answer.status != 200 {
                break answer;
            }
        };
        assert_eq!((answer.status, answer.codes()), (503, vec!["REQUEST_CONCURRENCY_LIMITED"]), "{token}");
    }
    app.send(app.post().bearer_auth("demo-pines-token").body(QUERY)).await.clean();
    gate.send(true).unwrap();
    for request in under_way {
        Answer::read(request.await.unwrap().unwrap()).await.clean();
    }
}

#[tokio::test]
async fn a_noisy_caller_is_slowed_and_a_quiet_one_is_not() {
    let app = TestApp::with(&[("auth.mode", "passthrough"), ("http.rate_limit", "1"), ("http.rate_burst", "5")]).await;
    let ask = |token: &'static str| app.send(app.post().bearer_auth(token).body(QUERY));
    let mut refused = 0;
    for _ in 0..10 {
        let answer = ask("noisy").await;
        if answer.status == 429 {
            refused += 1;
            assert_eq!(answer.codes(), ["REQUEST_RATE_LIMITED"]);
            let seconds: u64 = answer.header("retry-after").parse().unwrap();
            assert_eq!(answer.body["errors"][0]["extensions"]["retryAfterSeconds"], json!(seconds));
            assert!((1..=2).contains(&seconds));
        }
    }
    assert!((4..=5).contains(&refused), "{refused}");
    ask("quiet").await.clean();
}

#[tokio::test]
async fn where_callers_are_anonymous_the_peer_counts_as_trusted_proxies_tell_it() {
    let limits = [("http.rate_limit", "1"), ("http.rate_burst", "2")];
    let app = TestApp::with(&[&limits[..], &[("http.trusted_proxies", "127.0.0.0/8")]].concat()).await;
    let from = |forwarded: &'static str| app.send(app.post().header("x-forwarded-for", forwarded).body(QUERY));
    for expected in [200, 200, 429] {
        assert_eq!(from("203.0.113.7").await.status, expected);
    }
    // Another client of the same proxy; what a client writes in front of its own address is not believed.
    assert_eq!(from("203.0.113.8").await.status, 200);
    assert_eq!(from("198.51.100.1, 203.0.113.7").await.status, 429);
    // Without trust the header says nothing.
    let app = TestApp::with(&limits).await;
    let from = |forwarded: String| app.send(app.post().header("x-forwarded-for", forwarded).body(QUERY));
    let mut statuses = Vec::new();
    for n in 0..3 {
        statuses.push(from(format!("203.0.113.{n}")).await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
}

/// Whether the service lets this connection in: it answers on it.
async fn answers(stream: &mut TcpStream) -> bool {
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{QUERY}",
        QUERY.len()
    );
    if stream.write_all(request.as_bytes()).await.is_err() {
        return false;
    }
    let mut byte = [0; 1];
    matches!(stream.read(&mut byte).await, Ok(1))
}

#[tokio::test]
async fn connections_are_bounded_from_one_address_and_free_again_when_closed() {
    let app = TestApp::with(&[("http.peer_connections_limit", "3")]).await;
    let connect = || TcpStream::connect(app.app.address());
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = connect().await.unwrap();
        assert!(answers(&mut stream).await);
        open.push(stream);
    }
    assert!(!answers(&mut connect().await.unwrap()).await);
    drop(open.pop());
    // The place is free once the service has noticed.
    for attempt in 0.. {
        if answers(&mut connect().await.unwrap()).await {
            break;
        }
        assert!(attempt < 200, "the place was never free again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn trusted_proxies_may_have_more_connections_but_not_more_than_all() {
    let limits =
        [("http.peer_connections_limit", "1"), ("http.connections_limit", "3"), ("http.trusted_proxies", "127.0.0.1")];
    let app = TestApp::with(&limits).await;
    let mut open = Vec::new();
    for n in 0..4 {
        let mut stream = TcpStream::connect(app.app.address()).await.unwrap();
        assert_eq!(answers(&mut stream).await, n < 3);
        open.push(stream);
    }
}

#[tokio::test]
async fn a_socket_that_says_nothing_or_drips_is_closed() {
    let app = TestApp::with(&[("http.first_request_timeout", "200ms"), ("http.idle_timeout", "300ms")]).await;
    let closed = async |said: &[u8]| {
        let mut stream = TcpStream::connect(app.app.address()).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut rest = Vec::new();
        let read = stream.read_to_end(&mut rest);
        tokio::time::timeout(Duration::from_secs(3), read).await.expect("it stays open").map(|_| rest)
    };
    assert!(closed(b"").await.is_ok());
    assert!(closed(b"POST /graphql HTTP/1.1\r\nhost: localhost\r\nx: ").await.is_ok());
    // After an answer, silence is an idle connection.
    let mut stream = TcpStream::connect(app.app.address()).await.unwrap();
    assert!(answers(&mut stream).await);
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut rest)).await.expect("it stays open").unwrap();
}

#[tokio::test]
async fn a_body_that_never_comes_is_a_timeout() {
    let app = TestApp::with(&[
        ("http.timeout", "200ms"),
        ("upstream.timeout", "100ms"),
        ("upstream.attempt_timeout", "100ms"),
        ("upstream.connect_timeout", "100ms"),
    ])
    .await;
    assert_eq!(status(&mut begin_body(&app, 1).await).await, "HTTP/1.1 408");
}

/// Opens a connection and sends a request's head and the first bytes of its body, which is to have 1,000.
async fn begin_body(app: &TestApp, bytes: usize) -> TcpStream {
    let mut stream = TcpStream::connect(app.app.address()).await.unwrap();
    let head =
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    stream.write_all(format!("{head}{}", " ".repeat(bytes)).as_bytes()).await.unwrap();
    stream
}

/// The status of the answer that comes on this connection.
async fn status(stream: &mut TcpStream) -> String {
    let mut answer = vec![0; 12];
    tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn bodies_that_come_slowly_take_no_places() {
    let app = TestApp::with(&[("http.concurrency", "1")]).await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        slow.push(begin_body(&app, 10).await);
    }
    for _ in 0..20 {
        app.send(app.post().body(QUERY)).await.clean();
    }
}

#[tokio::test]
async fn bodies_that_are_being_read_have_so_much_room_together_and_small_ones_have_their_own() {
    let app = TestApp::with(&[("http.bodies_limit", "4MiB")]).await;
    let unfinished = async || {
        let mut stream = TcpStream::connect(app.app.address()).await.unwrap();
        let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let _ = stream.write_all(&vec![b' '; 999_999]).await;
        stream
    };
    // An address may take half of three quarters, and the first bytes of each body besides.
    let (mut first, mut second) = (unfinished().await, unfinished().await);
    let refused = tokio::select! { status = status(&mut first) => status, status = status(&mut second) => status };
    assert_eq!(refused, "HTTP/1.1 503");
    for _ in 0..10 {
        app.send(app.post().body(QUERY)).await.clean();
    }
    drop((first, second));
}

#[tokio::test]
async fn a_body_past_the_limit_is_refused_before_it_is_sent() {
    let app = TestApp::with(&[("http.body_limit", "999B")]).await;
    assert_eq!(status(&mut begin_body(&app, 1).await).await, "HTTP/1.1 413");
}

#[tokio::test]
async fn nobodys_body_is_read_who_may_not_ask() {
    let app = TestApp::with(&[("auth.mode", "passthrough")]).await;
    assert_eq!(status(&mut begin_body(&app, 1).await).await, "HTTP/1.1 401");
}

/// Its answers fill the socket, and then wait.
#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_left() {
    let limits = [("http.peer_connections_limit", "1"), ("http.timeout", "2s"), ("http.send_timeout", "1s")];
    let app = TestApp::with(&limits).await;
    let query = format!("{{ teamMembers({}, first: 250) {{ nodes {{ id name picture description }} }} }}", account(2));
    let body = json!({ "query": query }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut deaf = TcpStream::connect(app.app.address()).await.unwrap();
    deaf.write_all(request.repeat(300).as_bytes()).await.unwrap();
    let connect = || TcpStream::connect(app.app.address());
    assert!(!answers(&mut connect().await.unwrap()).await);
    let started = std::time::Instant::now();
    while !answers(&mut connect().await.unwrap()).await {
        assert!(started.elapsed() < Duration::from_secs(20), "it keeps its place");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(deaf);
}

#[tokio::test]
async fn headers_and_uris_are_bounded() {
    let app = TestApp::start().await;
    let send = async |head: String| {
        let mut stream = TcpStream::connect(app.app.address()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.map(|_| String::from_utf8(answer).unwrap()).unwrap_or_default()
    };
    let get = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\napollo-require-preflight: 1\r\n{headers}\r\n")
    };
    let path = |length: usize| format!("/graphql?query=%7B__typename%7D&x={}", "x".repeat(length - 34));
    assert_eq!(send(get(&path(8192), "")).await, "HTTP/1.1 200");
    assert_eq!(send(get(&path(8193), "")).await, "HTTP/1.1 414");
    let many = |n: usize| (0..n).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    assert_eq!(send(get(&path(40), &many(98))).await, "HTTP/1.1 200");
    assert_eq!(send(get(&path(40), &many(99))).await, "HTTP/1.1 431");
    // "host: localhost" and the preflight header are 38 bytes, "x" is one more.
    let long = |length: usize| format!("x: {}\r\n", "y".repeat(length));
    assert_eq!(send(get(&path(40), &long(16384 - 39))).await, "HTTP/1.1 200");
    assert_eq!(send(get(&path(40), &long(16384 - 38))).await, "HTTP/1.1 431");
    assert_eq!(send(get(&path(40), &long(64 << 10))).await, "HTTP/1.1 431");
}

/// A request that is under way when the service is told to stop is answered, and the next connection is not taken.
#[tokio::test]
async fn stopping_finishes_what_is_under_way() {
    let app = TestApp::start().await;
    let gate = app.demo.hold();
    let under_way = tokio::spawn(app.post().body(SLOW).send());
    app.demo.arrived(1).await;
    let TestApp { app, demo, client } = app;
    let address = App::address(&app);
    let stopping = tokio::spawn(app.stop());
    // Until the listener is closed.
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!stopping.is_finished());
    gate.send(true).unwrap();
    Answer::read(under_way.await.unwrap().unwrap()).await.clean();
    tokio::time::timeout(Duration::from_secs(5), stopping).await.expect("it does not end").unwrap();
    drop((demo, client));
}

/// A request on a connection that was made while the service stops is answered; what it cannot serve any more cannot connect.
#[tokio::test(flavor = "multi_thread")]
async fn stopping_cuts_off_no_connection_that_was_made() {
    for _ in 0..5 {
        let TestApp { app, demo, client } = TestApp::start().await;
        let (address, connections) = (App::address(&app), Arc::new(AtomicUsize::new(0)));
        let caller = || {
            let connections = connections.clone();
            tokio::task::spawn_blocking(move || ask_until_refused(address, &connections))
        };
        let callers = [(); 4].map(|()| caller());
        // In the middle of it.
        while connections.load(Ordering::Relaxed) < 50 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::timeout(Duration::from_secs(5), app.stop()).await.expect("it does not end");
        for caller in callers {
            caller.await.unwrap();
        }
        drop((demo, client));
    }
}

/// Asks on one connection after the other, and counts them, until there can be none.
fn ask_until_refused(address: SocketAddr, connections: &AtomicUsize) {
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{QUERY}",
        QUERY.len()
    );
    while let Ok(mut stream) = std::net::TcpStream::connect(address) {
        connections.fetch_add(1, Ordering::Relaxed);
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer)).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
