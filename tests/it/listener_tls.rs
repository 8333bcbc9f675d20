//! TLS on the public listener: versions and protocols, a silent handshake, files that change under load, and broken ones.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ProtocolVersion;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::support::service::{run, start};
use crate::support::{Authority, Issued, Socket, TempFile, TestApp};

const QUERY: &str = r#"{"query":"{ teamMembers { totalCount } }"}"#;

async fn connect(address: SocketAddr, connector: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await.unwrap();
    connector.connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await
}

/// The certificate that the service shows to a new connection.
async fn shown(address: SocketAddr, connector: &TlsConnector) -> Vec<u8> {
    let stream = connect(address, connector).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn url(app: &TestApp) -> String {
    format!("https://{}/graphql", app.app.address())
}

async fn status(client: &reqwest::Client, url: &str) -> Result<u16, reqwest::Error> {
    let response = client.post(url).header("content-type", "application/json").body(QUERY).send().await?;
    let status = response.status().as_u16();
    response.bytes().await?;
    Ok(status)
}

#[tokio::test]
async fn both_versions_and_both_protocols_are_served() {
    let authority = Authority::new();
    let files = authority.issue(&["127.0.0.1"]).files();
    let app = TestApp::with(&files.settings()).await;
    assert_eq!(status(&authority.client(None), &url(&app)).await.unwrap(), 200);
    for (version, expected) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let offered =
            [("h2 http/1.1", Some("h2")), ("http/1.1 h2", Some("h2")), ("http/1.1", Some("http/1.1")), ("", None)];
        for (protocols, chosen) in offered {
            let protocols: Vec<&[u8]> = protocols.split_whitespace().map(str::as_bytes).collect();
            let chosen = chosen.map(str::as_bytes);
            let connector = authority.connector(&[version], &protocols, None);
            let stream = connect(app.app.address(), &connector).await.unwrap();
            let (_, session) = stream.get_ref();
            assert_eq!((session.protocol_version(), session.alpn_protocol()), (Some(expected), chosen));
        }
    }
    let stream = connect(app.app.address(), &authority.connector(&[&TLS13], &[b"h2"], None)).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = axum::http::Request::post(url(&app)).header("content-type", "application/json").body(()).unwrap();
    let (response, mut body) = client.ready().await.unwrap().send_request(request, false).unwrap();
    body.send_data(QUERY.into(), true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
    assert!(app.metric("flowmatix_tls_handshakes_total{result=\"ok\"}").await >= 10.0);
}

#[tokio::test]
async fn an_old_version_is_refused_where_the_settings_say_so() {
    let authority = Authority::new();
    let files = authority.issue(&["127.0.0.1"]).files();
    let app = TestApp::with(&[files.settings()[0], files.settings()[1], ("http.tls.min_version", "1.3")]).await;
    let old = connect(app.app.address(), &authority.connector(&[&TLS12], &[], None)).await;
    assert!(old.unwrap_err().to_string().contains("ProtocolVersion"));
    connect(app.app.address(), &authority.connector(&[&TLS13], &[], None)).await.unwrap();
}

#[tokio::test]
async fn what_is_no_handshake_or_never_ends_is_closed() {
    let authority = Authority::new();
    let files = authority.issue(&["127.0.0.1"]).files();
    let pairs = [files.settings()[0], files.settings()[1], ("http.tls.handshake_timeout", "200ms")];
    let app = TestApp::with(&pairs).await;
    let mut silent = TcpStream::connect(app.app.address()).await.unwrap();
    assert_eq!(silent.read(&mut [0; 10]).await.unwrap_or(0), 0);
    // Plain HTTP is answered with nothing but the library's alert.
    let plain = app.client.post(app.url()).body(QUERY).send().await;
    assert!(plain.is_err());
    // The client sees the end before the service has counted it.
    let count =
        async |result: &str| app.metric(&format!("flowmatix_tls_handshakes_total{{result=\"{result}\"}}")).await;
    for _ in 0..1000 {
        if count("timeout").await == 1.0 && count("failed").await == 1.0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the failures were not counted");
}

#[tokio::test]
async fn websockets_and_events_go_over_tls() {
    let authority = Authority::new();
    let files = authority.issue(&["127.0.0.1"]).files();
    let app = TestApp::with(&files.settings()).await;
    let stream = connect(app.app.address(), &authority.usual_connector(None)).await.unwrap();
    let mut socket = Socket::open_over(Box::new(stream), app.app.address(), &[]).await;
    socket.initialise(json!({})).await;
    socket.subscribe("a", "subscription { team { stale } }").await;
    assert_eq!(socket.message().await["payload"]["data"]["team"], json!({ "stale": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_swapped_under_load_without_a_failed_request() {
    let authority = Authority::new();
    let (first, second) = (authority.issue(&["127.0.0.1"]), authority.issue(&["127.0.0.1"]));
    let files = first.files();
    let app =
        TestApp::with(&[files.settings()[0], files.settings()[1], ("http.peer_connections_limit", "10000")]).await;
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|n| {
            let (stop, asked, url) = (stop.clone(), asked.clone(), url(&app));
            // Half of them connect anew for each request.
            let client = if n % 2 == 0 { authority.forgetful_client() } else { authority.client(None) };
            tokio::spawn(async move {
                let mut failed = 0;
                while !stop.load(Ordering::Relaxed) {
                    failed += usize::from(!matches!(status(&client, &url).await, Ok(200)));
                    asked.fetch_add(1, Ordering::Relaxed);
                }
                failed
            })
        })
        .collect();
    let connector = authority.usual_connector(None);
    let after = async |count: usize| {
        let goal = asked.load(Ordering::Relaxed) + count;
        while asked.load(Ordering::Relaxed) < goal {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    after(20).await;
    assert_eq!(shown(app.app.address(), &connector).await, first.der);
    // One after the other: in between they do not fit together.
    files.certificate.replace(&second.certificate);
    after(20).await;
    assert_eq!(shown(app.app.address(), &connector).await, first.der);
    files.key.replace(&second.key);
    after(20).await;
    assert_eq!(shown(app.app.address(), &connector).await, second.der);
    // What cannot be used replaces nothing.
    for broken in ["", "no PEM", &second.key] {
        files.certificate.replace(broken);
        after(5).await;
        assert_eq!(shown(app.app.address(), &connector).await, second.der, "{broken}");
    }
    std::fs::remove_file(files.certificate.path()).unwrap();
    after(5).await;
    assert_eq!(shown(app.app.address(), &connector).await, second.der);
    std::fs::write(files.certificate.path(), &second.certificate).unwrap();
    after(20).await;
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        assert_eq!(client.await.unwrap(), 0);
    }
}

#[tokio::test]
async fn links_that_are_swapped_are_seen() {
    // As a ConfigMap's volume: the files are links through a link to a folder, which is what changes.
    let authority = Authority::new();
    let folder = std::env::temp_dir().join(format!("flowmatix-links-{}", std::process::id()));
    let versions: Vec<Issued> = (0..2).map(|_| authority.issue(&["127.0.0.1"])).collect();
    for (n, version) in versions.iter().enumerate() {
        let version_folder = folder.join(format!("..{n}"));
        std::fs::create_dir_all(&version_folder).unwrap();
        std::fs::write(version_folder.join("tls.crt"), &version.certificate).unwrap();
        std::fs::write(version_folder.join("tls.key"), &version.key).unwrap();
    }
    let link = |n: usize| {
        let (next, data) = (folder.join("..next"), folder.join("..data"));
        std::os::unix::fs::symlink(format!("..{n}"), &next).unwrap();
        std::fs::rename(next, data).unwrap();
    };
    // The newer one is linked first, so that times go backwards.
    link(1);
    for name in ["tls.crt", "tls.key"] {
        std::os::unix::fs::symlink(format!("..data/{name}"), folder.join(name)).unwrap();
    }
    let path = |name: &str| folder.join(name).display().to_string();
    let (certificate, key) = (path("tls.crt"), path("tls.key"));
    let app = TestApp::with(&[("http.tls.certificate_file", &certificate), ("http.tls.key_file", &key)]).await;
    let connector = authority.usual_connector(None);
    assert_eq!(shown(app.app.address(), &connector).await, versions[1].der);
    link(0);
    assert_eq!(shown(app.app.address(), &connector).await, versions[0].der);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn files_that_do_not_fit_together_start_nothing() {
    let authority = Authority::new();
    let (one, other) = (authority.issue(&["127.0.0.1"]).files(), authority.issue(&["127.0.0.1"]).files());
    let text = TempFile::new("text", "canary");
    let (certificate, key, text) = (one.certificate.as_str(), other.key.as_str(), text.as_str());
    let own = one.key.as_str();
    // A private key all right, but of X25519, which signs nothing.
    let body = "MC4CAQAwBQYDK2VuBCIEIIhVksDltyBrigJt5hCzJ1zvNWsZ+avQx1l4t0GZ9mBV";
    let other_kind = TempFile::new("key", &format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"));
    let other_kind = other_kind.as_str();
    let cases: [(&[(&str, &str)], &str); 7] = [
        (&[("certificate_file", certificate)], "set both or neither"),
        (&[("certificate_file", certificate), ("key_file", key)], "not the one of the first certificate"),
        (&[("certificate_file", text), ("key_file", key)], "not a PEM file of certificates"),
        (&[("certificate_file", certificate), ("key_file", text)], "not a PEM file with a private key"),
        (&[("certificate_file", certificate), ("key_file", other_kind)], "its key is none that TLS is served with"),
        (&[("certificate_file", certificate), ("key_file", "/no/such/canary")], "cannot be read"),
        (&[("certificate_file", certificate), ("key_file", own), ("client_ca_file", text)], "not a PEM file"),
    ];
    for (pairs, expected) in cases {
        let sets = pairs.iter().flat_map(|(name, value)| ["--set".to_owned(), format!("http.tls.{name}={value}")]);
        let token = ["--set", "auth.mode=passthrough"].map(str::to_owned);
        let arguments: Vec<_> = ["check".to_owned()].into_iter().chain(token).chain(sets).collect();
        let output = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected) && !said.contains("canary"), "{said}");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_warned_of() {
    let authority = Authority::new();
    let files = authority.issue_expired().files();
    let pairs = files.settings().map(|(path, value)| format!("{path}={value}"));
    let service = start("demo", &pairs, &[]);
    let (_, _, log) = service.stop();
    assert!(log.contains("the certificate has expired"), "{log}");
}

#[tokio::test]
async fn the_settings_of_tls_are_a_table_of_their_own_in_files() {
    let file =
        TempFile::new("tls.toml", "[http.tls]\nhandshake_timeout = \"3s\"\nmin_versoin = \"1.3\"\nkey = \"k\"\n");
    let output = run(&["check", "--config", file.as_str(), "--set", "auth.mode=passthrough"], &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("http.tls.min_versoin: no such setting; did you mean http.tls.min_version?"), "{said}");
    assert!(said.contains("http.tls.key: no such setting; did you mean http.tls.key_file?"), "{said}");
    assert!(!said.contains("handshake_timeout"), "{said}");
}
