//! `serve` with an upstream over TLS whose certificate is trusted through the configured file only.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::service;
use crate::support::vendor::{Fault, Vendor};

/// An upstream that answers every request over TLS with the documented body; returns its address and its certificate.
async fn upstream() -> (SocketAddr, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap().to_lowercase();
                assert!(head.contains("authorization: bearer the-token") && head.contains("authtype: key"), "{head}");
                let body = include_str!("fixtures/custom-user.json");
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            });
        }
    });
    (address, cert.pem())
}

#[tokio::test]
async fn serve_trusts_the_configured_certificate_and_no_other() {
    let (address, pem) = upstream().await;
    let folder = std::env::temp_dir().join(format!("flowmatix-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ca_file = folder.join("ca.pem");
    std::fs::write(&ca_file, pem).unwrap();
    let url = format!("https://localhost:{}", address.port());
    let query =
        json!({ "query": r#"{ teamMembers(account: { email: "a@b.example", type: AGENT }) { nodes { name } } }"# });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |settings: &[String]| {
        let service = service::start("serve", settings, &[]);
        let request = client.post(service.url("/graphql")).bearer_auth("the-token").body(query.to_string());
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        serde_json::from_str::<serde_json::Value>(&answer.text().await.unwrap()).unwrap()
    };
    let mut settings = vec!["auth.mode=passthrough".to_owned(), format!("upstream.url={url}")];
    let distrusted = ask(&settings).await;
    assert_eq!(distrusted["errors"][0]["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
    // A certificate does not get better by asking again; a handshake that fails otherwise may.
    assert_eq!(distrusted["extensions"]["upstream"]["calls"], 1);
    let vendor = Vendor::start().await;
    vendor.set(Fault::NotHttp);
    let port = vendor.address.port();
    let broken = ask(&["auth.mode=passthrough".to_owned(), format!("upstream.url=https://localhost:{port}")]).await;
    assert_eq!(broken["errors"][0]["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
    assert_eq!(broken["extensions"]["upstream"]["calls"], 2);
    settings.push(format!("upstream.ca_file={}", ca_file.display()));
    let trusted = ask(&settings).await;
    assert_eq!(trusted["data"], json!({ "teamMembers": { "nodes": [{ "name": "Asha Raman" }] } }));
    std::fs::remove_dir_all(folder).unwrap();
}
