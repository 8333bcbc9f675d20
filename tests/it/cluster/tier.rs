//! The tier itself: what is refused at start, how it is connected to, and one that is wrong or hostile.

use std::sync::Arc;
use std::time::Duration;

use flowmatix_graphql::cluster::{Cipher, Tier, TierError};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::counting_vendor::CountingVendor;
use super::redis_server::{RedisServer, free_port};
use super::replicas::{Replicas, TOKEN, is_fine, keys, until};
use crate::support::TempFile;
use crate::support::service::run;

fn tier_at(url: &str, password: Option<&str>, ca: Option<&[u8]>) -> Tier {
    let password = password.map(SecretString::from);
    Tier::new(url, &[], password.as_ref(), ca, Duration::from_millis(500), Arc::default()).unwrap()
}

#[tokio::test]
async fn a_tier_that_evicts_is_refused_with_the_reason() {
    let server = RedisServer::with(&["--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"]);
    let error = tier_at(&server.url(), None, None).connect().await.unwrap_err();
    assert_eq!(error, TierError::Evicts("allkeys-lru".to_owned()));
    assert!(error.to_string().contains("noeviction"));
}

#[tokio::test]
async fn a_node_of_a_redis_cluster_is_refused_with_the_reason() {
    // The port of the nodes' own talk would be ten thousand higher, and that may be none.
    let (port, file) = (free_port().to_string(), TempFile::new("keys.toml", &keys(&["a"])));
    let server = RedisServer::with(&["--cluster-enabled", "yes", "--cluster-port", &port]);
    assert_eq!(tier_at(&server.url(), None, None).connect().await.unwrap_err(), TierError::Clustered);
    for command in ["check", "serve"] {
        let settings = settings(&server.url(), file.as_str());
        let words = settings.iter().flat_map(|setting| ["--set", setting]);
        let words: Vec<&str> = std::iter::once(command).chain(words).collect();
        let output = run(&words, &[("VENDOR_TOKEN", TOKEN)]);
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("cluster.url: it is a node of a cluster (`cluster-enabled yes`)"), "{command}: {said}");
    }
}

#[tokio::test]
async fn a_copy_is_refused() {
    let first = RedisServer::start();
    let copy = RedisServer::copy_of(&first);
    assert_eq!(tier_at(&copy.url(), None, None).connect().await.unwrap_err(), TierError::Copy);
}

#[tokio::test]
async fn user_names_passwords_and_sockets_work() {
    let folder = std::env::temp_dir().join(format!("flowmatix-socket-{}.sock", std::process::id()));
    let socket = folder.to_str().unwrap();
    let server = RedisServer::with(&[
        "--requirepass",
        "of the default user",
        "--unixsocket",
        socket,
        "--user",
        "service",
        "on",
        ">secret",
        "~flowmatix:*",
        "+@all",
    ]);
    let url = format!("redis://service@127.0.0.1:{}", server.port);
    assert!(tier_at(&url, Some("secret"), None).connect().await.is_ok());
    assert_eq!(tier_at(&url, Some("wrong"), None).connect().await.unwrap_err(), TierError::Denied);
    assert_eq!(tier_at(&server.url(), None, None).connect().await.unwrap_err(), TierError::Denied);
    assert!(tier_at(&server.url(), Some("of the default user"), None).connect().await.is_ok());
    let path = format!("redis+unix://{socket}");
    assert!(tier_at(&path, Some("of the default user"), None).connect().await.is_ok());
}

#[tokio::test]
async fn sentinels_lead_to_the_primary_also_after_a_failover() {
    let mut first = RedisServer::start();
    let second = RedisServer::copy_of(&first);
    until(|| async { second.text(&["INFO", "replication"]) }, |text| text.contains("master_link_status:up")).await;
    let file = TempFile::new(
        "sentinel.conf",
        &format!(
            "sentinel monitor teams 127.0.0.1 {} 1\nsentinel down-after-milliseconds teams 300\nsentinel failover-timeout teams 2000\n",
            first.port
        ),
    );
    let sentinel = RedisServer::sentinel(file.as_str());
    // It finds the copy by asking the primary.
    until(|| async { sentinel.text(&["INFO", "sentinel"]) }, |text| text.contains("slaves=1")).await;
    let places = ["127.0.0.1:1".to_owned(), format!("127.0.0.1:{}", sentinel.port)];
    let tier = |url: &str| Tier::new(url, &places, None, None, Duration::from_millis(500), Arc::default()).unwrap();
    let known = tier("redis://teams");
    assert_eq!(known.connect().await.unwrap().copies, 1);
    assert_eq!(tier("redis://others").connect().await.unwrap_err(), TierError::Away);
    first.kill();
    let promoted = until(|| known.connect(), Result::is_ok).await.unwrap();
    assert_eq!(promoted.copies, 0);
}

#[tokio::test]
async fn tls_is_spoken_with_a_certificate_that_is_trusted() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = TempFile::new("tier.crt", &made.cert.pem());
    let key = TempFile::new("tier.key", &made.signing_key.serialize_pem());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _server = RedisServer::with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        certificate.as_str(),
        "--tls-key-file",
        key.as_str(),
        "--tls-auth-clients",
        "no",
    ]);
    let url = format!("rediss://localhost:{port}");
    let pem = made.cert.pem();
    assert!(tier_at(&url, None, Some(pem.as_bytes())).connect().await.is_ok());
    // The system does not know it.
    assert_eq!(tier_at(&url, None, None).connect().await.unwrap_err(), TierError::Away);
}

fn settings<'a>(url: &'a str, file: &'a str) -> Vec<String> {
    ["auth.mode=server", "auth.credential_env=VENDOR_TOKEN", "upstream.allow_http=true"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("cluster.url={url}"), format!("cluster.key_file={file}")])
        .collect()
}

#[test]
fn check_tries_the_tier() {
    let server = RedisServer::start();
    let file = TempFile::new("keys.toml", &keys(&["a"]));
    let check = |settings: Vec<String>| {
        let words = settings.iter().flat_map(|setting| ["--set", setting]);
        let output = run(&["check"].into_iter().chain(words).collect::<Vec<_>>(), &[("VENDOR_TOKEN", TOKEN)]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let url = server.url();
    let (code, said) = check(settings(&url, file.as_str()));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("eviction policy noeviction") && said.contains("records are sealed"), "{said}");
    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"]);
    let (code, said) = check(settings(&url, file.as_str()));
    assert!(code == Some(1) && said.contains("allkeys-lfu"), "{said}");
    let (code, said) = check(settings("redis://127.0.0.1:1", file.as_str()));
    assert!(code == Some(0) && said.contains("warning: cluster.url: it cannot be reached"), "{said}");
    let broken = TempFile::new("keys.toml", "names = \"short\"\nkeys = []\n");
    let (code, said) = check(settings(&url, broken.as_str()));
    assert!(code == Some(1) && said.contains("cluster.key_file: expected"), "{said}");
}

#[test]
fn without_a_key_file_a_cluster_does_not_start() {
    let words = ["check", "--set", "auth.mode=passthrough", "--set", "cluster.url=redis://127.0.0.1:1"];
    let output = run(&words, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("cluster.plaintext = true"), "{said}");
    let output = run(&[&words[..4], &["cluster.url=redis://user:secret@host"]].concat(), &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cluster.password_env") && !said.contains("secret@"), "{said}");
}

#[test]
fn a_new_key_seals_and_an_old_one_still_opens() {
    let read = |ids: &[&str]| Cipher::read(&keys(ids)).unwrap().0;
    let (before, both, after) = (read(&["a"]), read(&["b", "a"]), read(&["b"]));
    let old = before.seal("name", b"a roster").unwrap();
    assert_eq!(both.open("name", &old).as_deref(), Some(&b"a roster"[..]));
    let new = both.seal("name", b"a roster").unwrap();
    assert_eq!(after.open("name", &new).as_deref(), Some(&b"a roster"[..]));
    assert_eq!(before.open("name", &new), None);
    assert_eq!(both.open("another name", &new), None);
    for at in 0..new.len() {
        let mut changed = new.clone();
        changed[at] ^= 1;
        assert_eq!(both.open("name", &changed), None, "byte {at}");
        assert_eq!(both.open("name", &new[..at]), None, "{at} bytes");
    }
    // A secret is used once with a nonce.
    assert_ne!(both.seal("name", b"a roster"), both.seal("name", b"a roster"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_values_of_every_type_under_our_names_are_misses() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let mut replicas = Replicas::start(1, &tier, &vendor, &[]).await;
    assert!(is_fine(&replicas.ask(0, "account-0").await));
    until(|| async { tier.keys() }, |keys| keys.iter().any(|key| key.contains(":roster:"))).await;
    let names = tier.keys();
    let huge = "x".repeat(20 << 20);
    let wrongs: [&[&str]; 6] = [
        &["SET", "", "garbage"],
        &["SET", "", ""],
        &["RPUSH", "", "a", "b"],
        &["SADD", "", "a"],
        &["HSET", "", "epoch", "???", "r:x", "|||", "m:x", "1,2"],
        &["SET", "", &huge],
    ];
    for wrong in wrongs {
        for name in &names {
            // In one step: a replica may write the name again in between.
            let replace = "redis.call('DEL', KEYS[1]) return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))";
            tier.command(&[&["EVAL", replace, "1", name.as_str()], &wrong[..1], &wrong[2..]].concat());
        }
        // It has neither what is there nor a lease; it answers, one way or the other, and lives.
        replicas.add().await;
        let at = replicas.all.len() - 1;
        let answer = replicas.ask(at, "account-0").await;
        assert_eq!(answer.status, 200, "{:#}", answer.body);
        replicas.kill(at);
        assert!(is_fine(&replicas.ask(0, "account-0").await));
    }
    tier.command(&["FLUSHALL"]);
    until(|| replicas.ask(0, "account-1"), is_fine).await;
}

/// A server that says this to every line, without end where it is told so.
async fn hostile(answer: Vec<u8>, endless: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    while stream.write_all(&answer).await.is_ok() && endless {}
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_hostile_tier_is_an_error_and_takes_no_memory() {
    let nested = b"*1\r\n".repeat(10_000);
    let answers: [(Vec<u8>, bool); 8] = [
        (b"+OK\r\n".to_vec(), false),
        (b"-ERR no\r\n".to_vec(), false),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), false),
        (b"$999999999999\r\n".to_vec(), false),
        (b"*999999999999\r\n".to_vec(), false),
        (nested, false),
        ([b"$1000000000\r\n".to_vec(), vec![b'x'; 1 << 16]].concat(), true),
        (b"*2147483647\r\n:1\r\n:1\r\n".to_vec(), true),
    ];
    for (answer, endless) in answers {
        let said = String::from_utf8_lossy(&answer[..answer.len().min(20)]).into_owned();
        let port = hostile(answer, endless).await;
        let before = resident();
        let error = tier_at(&format!("redis://127.0.0.1:{port}"), None, None).connect().await.unwrap_err();
        assert!(matches!(error, TierError::Away | TierError::Garbage | TierError::Denied), "{said}: {error:?}");
        let grown = resident().saturating_sub(before);
        assert!(grown < 64 << 10, "{said}: {grown} KiB");
    }
}

/// What Redis does with whom it does not know in protected mode: it says so, and hangs up before anything is asked.
#[tokio::test]
async fn a_tier_in_protected_mode_is_told_from_one_that_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let said = b"-DENIED Redis is running in protected mode because protected mode is enabled\r\n";
            let _ = stream.write_all(said).await;
        }
    });
    let error = tier_at(&format!("redis://127.0.0.1:{port}"), None, None).connect().await.unwrap_err();
    assert_eq!(error, TierError::Protected);
}

/// This process's memory, in KiB; 0 where the system does not say.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}
