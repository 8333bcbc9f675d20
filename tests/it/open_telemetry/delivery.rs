//! Receivers that are away, slow or refuse: no request waits for them, and what is lost is counted and said once.

use serde_json::Value;

use super::receiver::{Mode, Receiver};
use super::traced;
use crate::support::service::start;

const WARM: &str = r#"{"query":"{ __typename }"}"#;

/// Waits until the metric says so many.
async fn counted(app: &crate::support::TestApp, result: &str, count: f64) {
    let line = format!("flowmatix_trace_spans_total{{result=\"{result}\"}}");
    for _ in 0..3000 {
        if app.metric(&line).await >= count {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{result} never came to {count}");
}

#[tokio::test]
async fn what_a_receiver_that_hangs_leaves_no_room_for_is_dropped_and_counted() {
    let receiver = Receiver::start().await;
    receiver.set(Mode::Hangs);
    let variables = [("OTEL_BSP_MAX_QUEUE_SIZE", "10"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5")];
    let app = traced(&receiver, &[], &variables).await;
    app.post().body(WARM).send().await.unwrap();
    // The first batch is on its way, and stays there.
    receiver.asked(1).await;
    for _ in 0..100 {
        let answer = app.post().body(WARM).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    // One is with the receiver, ten wait.
    counted(&app, "queue_full", 90.0).await;
    assert!(app.metric("flowmatix_trace_spans_total{result=\"queue_full\"}").await < 91.0);
    receiver.set(Mode::Takes);
    counted(&app, "exported", 10.0).await;
    app.post().body(WARM).send().await.unwrap();
    counted(&app, "exported", 11.0).await;
}

#[tokio::test]
async fn what_a_receiver_refuses_is_counted() {
    let receiver = Receiver::start().await;
    receiver.set(Mode::Refuses);
    let app = traced(&receiver, &[], &[]).await;
    for _ in 0..20 {
        app.post().body(WARM).send().await.unwrap();
    }
    counted(&app, "not_delivered", 20.0).await;
    assert!(receiver.spans().is_empty());
}

/// The binary, whose receiver is not there, then hangs, and whose stop waits for none of it.
#[tokio::test]
async fn the_log_says_once_that_spans_are_lost_and_the_process_ends() {
    // A port where nobody listens.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let receiver = Receiver::start().await;
    receiver.set(Mode::Hangs);
    for endpoint in [format!("http://{nobody}"), receiver.url()] {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "200"),
            ("OTEL_BSP_SCHEDULE_DELAY", "10"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "20"),
        ];
        // Where it listens is told at `info`; a line for each request would fill the pipe.
        let settings = ["http.rate_limit=0", "log.level=warn,flowmatix_graphql::cli=info"].map(str::to_owned);
        let service = start("demo", &settings, &variables);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let metric = async |result: &str| {
            let text = client.get(service.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
            let line = format!("flowmatix_trace_spans_total{{result=\"{result}\"}} ");
            text.lines().find_map(|known| known.strip_prefix(&line)?.parse::<f64>().ok()).unwrap()
        };
        let mut asked = 0;
        while metric("not_delivered").await < 1.0 || asked < 200 {
            let post = client.post(service.url("/graphql")).header("content-type", "application/json").body(WARM);
            assert_eq!(post.send().await.unwrap().status(), 200);
            asked += 1;
        }
        let (well, _, log) = tokio::task::spawn_blocking(|| service.stop()).await.unwrap();
        assert!(well);
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let said = lines.iter().filter(|line| line["level"] == "WARN").collect::<Vec<_>>();
        assert_eq!(said.len(), 1, "{log}");
        assert!(said[0]["message"].as_str().unwrap().starts_with("traces are not delivered"), "{log}");
    }
}
