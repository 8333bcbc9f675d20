//! The real binary with OpenTelemetry's variables, as an operator sets them.

use serde_json::Value;

use super::receiver::Receiver;
use crate::support::service::{Service, run, start};

const QUERY: &str = r#"{"query":"{ teamMembers { totalCount } }"}"#;

async fn ask(service: &Service, id: &str) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client.post(service.url("/graphql")).header("content-type", "application/json");
    assert_eq!(post.header("x-request-id", id).body(QUERY).send().await.unwrap().status(), 200);
}

async fn stop(service: Service) -> Vec<Value> {
    let (well, _, log) = tokio::task::spawn_blocking(|| service.stop()).await.unwrap();
    assert!(well, "{log}");
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_variables_say_where_traces_go_and_what_is_told_of_the_process() {
    let receiver = Receiver::start().await;
    let endpoint = format!("{}/prefix/", receiver.url());
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20canary-secret,x-tenant=one"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_SERVICE_NAME", "teams"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=other"),
        // What was not sent by then is sent at the stop.
        ("OTEL_BSP_SCHEDULE_DELAY", "60000"),
    ];
    let service = start("demo", &["log.level=trace".to_owned()], &variables);
    ask(&service, "first").await;
    let lines = stop(service).await;
    let deliveries = receiver.deliveries();
    let [delivery] = deliveries.as_slice() else { panic!("{deliveries:?}") };
    assert_eq!(delivery.path, "/prefix/v1/traces");
    let header = |name: &str| delivery.headers.get(name).map_or("", |value| value.to_str().unwrap());
    assert_eq!(header("content-type"), "application/x-protobuf");
    assert_eq!(header("content-encoding"), "gzip");
    assert_eq!((header("authorization"), header("x-tenant")), ("Bearer canary-secret", "one"));
    assert_eq!(delivery.resource["service.name"], "teams");
    assert_eq!(delivery.resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(delivery.resource["deployment.environment.name"], "test");
    let spans = receiver.spans();
    assert_eq!(spans.len(), 2);
    let server = spans.iter().find(|span| span.is_server).unwrap();
    assert_eq!(server.get("flowmatix.request.id"), "first");

    // The log's lines of the request name it and its trace.
    let answered = lines.iter().find(|line| line["message"] == "answered").unwrap();
    assert_eq!(
        (&answered["span"]["id"], &answered["span"]["trace_id"]),
        (&Value::from("first"), &Value::from(server.trace.clone()))
    );
    assert_eq!(answered["operations"], *server.get("flowmatix.document.names"));
    assert!(!lines.iter().any(|line| line.to_string().contains("canary")));
}

#[tokio::test]
async fn without_an_endpoint_or_switched_off_nothing_is_sent() {
    let receiver = Receiver::start().await;
    let endpoint = receiver.url();
    let of_traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint.as_str());
    let cases: [&[(&str, &str)]; 5] = [
        &[("OTEL_TRACES_SAMPLER", "always_on"), ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &endpoint)],
        &[of_traces, ("OTEL_SDK_DISABLED", "TRUE")],
        &[of_traces, ("OTEL_TRACES_EXPORTER", "none")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
        &[of_traces, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
    ];
    for (n, variables) in cases.into_iter().enumerate() {
        let service = start("demo", &[], variables);
        ask(&service, "one").await;
        let lines = stop(service).await;
        let warned = lines.iter().filter(|line| line["level"] == "WARN").map(|line| line["problem"].to_string());
        let warned: Vec<_> = warned.collect();
        // Another protocol's port is no place to send to.
        assert_eq!(warned.iter().any(|problem| problem.contains("OTEL_EXPORTER_OTLP_PROTOCOL")), n == 4, "{warned:?}");
        assert_eq!(warned.len(), usize::from(n == 4), "{warned:?}");
    }
    assert!(receiver.spans().is_empty());
    // That of traces is taken as it is.
    let all = format!("{endpoint}/not-here");
    let variables = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint.as_str()), ("OTEL_EXPORTER_OTLP_ENDPOINT", &all)];
    let service = start("demo", &[], &variables);
    ask(&service, "one").await;
    stop(service).await;
    assert_eq!(receiver.deliveries()[0].path, "/");
}

/// What makes no sense is left aside, and named without its value.
#[test]
fn check_names_each_variable_that_makes_no_sense() {
    let said = |variables: &[(&str, &str)]| {
        let output = run(&["check", "--auth-mode", "passthrough"], variables);
        assert!(output.status.success(), "{output:?}");
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    let wrong = [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "canary"),
        ("OTEL_TRACES_SAMPLER", "canary"),
        ("OTEL_RESOURCE_ATTRIBUTES", "canary"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3000"),
        ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "1e9"),
    ];
    let (out, error) = said(&[&[endpoint], &wrong[..]].concat());
    assert!(out.contains("traces: sent"), "{out}");
    for (name, _) in wrong {
        assert_eq!(error.matches(name).count(), 1, "{name}: {error}");
    }
    assert!(!error.contains("canary"), "{error}");
    let (_, error) = said(&[endpoint, ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "7")]);
    assert!(error.contains("OTEL_TRACES_SAMPLER_ARG"), "{error}");
    for url in ["ftp://canary", "canary", "http://"] {
        let (out, error) = said(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url)]);
        assert!(out.contains("traces: none") && error.contains("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
    let (out, error) = said(&[]);
    assert!(out.contains("traces: none") && !error.contains("OTEL"), "{out} {error}");
}
