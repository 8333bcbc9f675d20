//! Commands to the tier, as spans below the request that waits for them.

use super::receiver::Receiver;
use crate::cluster::{RedisServer, cluster_keys};
use crate::support::TempFile;
use crate::support::service::start;

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_a_request_waits_for_are_spans_below_it() {
    let (receiver, tier) = (Receiver::start().await, RedisServer::start());
    let keys = TempFile::new("otel-keys.toml", &cluster_keys(&["a"]));
    let settings = [
        format!("cluster.url={}", tier.url()),
        format!("cluster.key_file={}", keys.as_str()),
        "cluster.timeout=500ms".to_owned(),
    ];
    let endpoint = receiver.url();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
    let service = start("demo", &settings, &variables);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client.post(service.url("/graphql")).header("content-type", "application/json");
    post.body(r#"{"query":"{ teamMembers { totalCount } }"}"#).send().await.unwrap();
    let (well, _, log) = tokio::task::spawn_blocking(|| service.stop()).await.unwrap();
    assert!(well, "{log}");
    let spans = receiver.spans();
    let server = spans.iter().find(|span| span.is_server).unwrap();
    let commands: Vec<_> = spans.iter().filter(|span| span.get("db.system.name") == "redis").collect();
    // The record is looked for, and the right to read the team is claimed, and a call is leased.
    for name in ["PIPELINE", "SET"] {
        assert!(commands.iter().any(|command| command.name == name), "{name}: {commands:#?}");
    }
    for command in &commands {
        assert_eq!((&command.trace, &command.parent, command.failed), (&server.trace, &server.id, false));
        assert_eq!(command.get("flowmatix.outcome"), "ok");
    }
    // No key of the tier, and no value, is told.
    assert!(!receiver.deliveries().iter().any(|sent| memchr::memmem::find(&sent.bytes, b"flowmatix:").is_some()));
}
