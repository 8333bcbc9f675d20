//! The real binary with OpenTelemetry's variables, as an operator sets them.

use std::sync::Arc;

use serde_json::Value;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;

use super::receiver::Receiver;
use crate::support::service::{Service, run, start};
use crate::support::{Authority, TempFile};

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
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test%20%2C%20mine,service.name=other"),
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
    assert_eq!(delivery.resource["deployment.environment.name"], "test , mine");
    let spans = receiver.spans();
    assert_eq!(spans.len(), 2);
    let server = spans.iter().find(|span| span.is_server).unwrap();
    assert_eq!(server.get("flowmatix.request.id"), "first");

    // The log's lines of the request name it and its trace.
    let answered = lines.iter().find(|line| line["message"] == "answered").unwrap();
    assert_eq!(
        (&answered["request_id"], &answered["trace_id"]),
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
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let cases: [&[(&str, &str)]; 5] = [
        &[("OTEL_TRACES_SAMPLER", "always_on"), ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &endpoint)],
        &[of_traces, grpc, ("OTEL_SDK_DISABLED", "TRUE")],
        &[of_traces, ("OTEL_TRACES_EXPORTER", "none")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
        // Where there is nothing to be sent, nothing is wrong with how.
        &[grpc],
    ];
    for variables in cases {
        let service = start("demo", &[], variables);
        ask(&service, "one").await;
        let lines = stop(service).await;
        assert!(!lines.iter().any(|line| line["level"] == "WARN"), "{lines:#?}");
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

/// A protocol that is not spoken would send nothing, which would be noticed only when traces are needed.
#[test]
fn another_protocol_than_that_of_http_is_refused_at_the_start_and_by_check() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317");
    let refused: [&[(&str, &str)]; 3] = [
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc")],
        &[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")],
    ];
    let own = ["--auth-mode", "passthrough", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    for variables in refused {
        for command in ["check", "serve"] {
            let output = run(&[&[command], &own[..]].concat(), &[&[endpoint], variables].concat());
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success(), "{command} {variables:?}: {said}");
            assert!(said.contains(variables.last().unwrap().0) && said.contains("http/protobuf"), "{said}");
        }
    }
    let both = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")];
    assert!(run(&["check", "--auth-mode", "passthrough"], &[&[endpoint], &both[..]].concat()).status.success());
}

/// Neither a receiver that another authority vouches for is sent anything, nor is one reached that wants to know its clients.
#[tokio::test]
async fn tls_trusts_the_authority_that_a_variable_names_and_shows_the_certificate_of_another() {
    let (ours, others) = (Authority::new(), Authority::new());
    let server = ours.issue(&["127.0.0.1"]);
    let roots = Arc::new(ours.roots());
    let clients = WebPkiClientVerifier::builder(roots).build().unwrap();
    let certificate = vec![CertificateDer::from(server.der.clone())];
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap();
    let config = ServerConfig::builder().with_client_cert_verifier(clients).with_single_cert(certificate, key).unwrap();
    let receiver = Receiver::start_tls(config).await;
    let client = ours.issue_uri("spiffe://teams");
    let files = [ours.pem(), others.pem(), client.certificate, client.key].map(|pem| TempFile::new("otlp.pem", &pem));
    let [trusted, other, shown, key] = files.each_ref().map(TempFile::as_str);
    let certificate = "OTEL_EXPORTER_OTLP_CERTIFICATE";
    let identity = [("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", shown), ("OTEL_EXPORTER_OTLP_CLIENT_KEY", key)];
    // That of traces counts more than that of all signals.
    let own = ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", trusted);
    let cases: [(&[(&str, &str)], f64); 4] = [
        (&[(certificate, trusted), identity[0], identity[1]], 1.0),
        (&[own, (certificate, other), identity[0], identity[1]], 1.0),
        (&[(certificate, other), identity[0], identity[1]], 0.0),
        (&[(certificate, trusted)], 0.0),
    ];
    for (variables, exported) in cases {
        let app = super::traced(&receiver, &[], &[variables, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "500")]].concat()).await;
        app.post().body(r#"{"query":"{ __typename }"}"#).send().await.unwrap();
        let line = |result: &str| format!("flowmatix_trace_spans_total{{result=\"{result}\"}}");
        let mut results = [0.0; 2];
        while results == [0.0; 2] {
            results = [app.metric(&line("exported")).await, app.metric(&line("not_delivered")).await];
        }
        assert_eq!(results, [exported, 1.0 - exported], "{variables:?}");
    }
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
        ("OTEL_SDK_DISABLED", "canary"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-one=1,authorization=Bearer%zzcanary,x-two=2"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "canary"),
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
    // Of a list only what makes no sense is left out, and it is said which.
    let headers =
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-one=1,canary,,=canary,can ary=1,x=%f,x=%ff,x=a%0ab, x-two = 2 ");
    let (out, error) = said(&[endpoint, headers]);
    assert!(out.contains("traces: sent"), "{out}");
    let places: Vec<_> = error.lines().filter_map(|line| line.split("item ").nth(1)?.split(' ').next()).collect();
    assert_eq!(places, ["2", "4", "5", "6", "7", "8"], "{error}");
    assert!(!error.contains("canary"), "{error}");
    // A file that cannot be used: nothing is sent to a receiver that is trusted by chance.
    let short = TempFile::new("canary.pem", "no certificate");
    let files = ["/no/such/canary", short.as_str(), "/dev/zero", "/"];
    for (name, path) in ["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"]
        .into_iter()
        .flat_map(|name| files.map(|path| (name, path)))
    {
        let (out, error) = said(&[endpoint, (name, path)]);
        assert!(out.contains("traces: none") && error.contains(name) && !error.contains("canary"), "{out} {error}");
    }
    let (out, error) = said(&[]);
    assert!(out.contains("traces: none") && !error.contains("OTEL"), "{out} {error}");
}
