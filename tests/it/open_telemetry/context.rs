//! The trace context of W3C, in and out, and whose sampling decision is heeded.

use serde_json::json;

use super::receiver::Receiver;
use super::{traced, with_variables};
use crate::support::TestApp;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Has the team read anew by a request with these fields, and returns what the vendor received.
async fn handed_on(app: &TestApp, fields: &[(&str, &str)]) -> [Option<String>; 2] {
    let before = app.demo.calls();
    let request = fields.iter().fold(app.post(), |request, (name, value)| request.header(*name, *value));
    let body = json!({ "query": "{ teamMembers { totalCount } }" }).to_string();
    app.send(request.header("x-flowmatix-max-age", "0").body(body)).await.clean();
    assert_eq!(app.demo.calls(), before + 1);
    app.demo.log().pop().unwrap().trace
}

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

#[tokio::test]
async fn a_trace_goes_on_through_the_service_to_the_vendor() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &[], &[]).await;
    let state = "vendor=opaque,other@system=1";
    let [handed, handed_state] = handed_on(&app, &[("traceparent", &parent("01")), ("tracestate", state)]).await;
    let spans = receiver.until(2, |_| true).await;
    let (server, call) = (spans.iter().find(|span| span.is_server), spans.iter().find(|span| !span.is_server));
    let (server, call) = (server.unwrap(), call.unwrap());
    assert_eq!((server.trace.as_str(), server.parent.as_str(), server.state.as_str()), (TRACE, PARENT, state));
    assert_eq!(call.parent, server.id);
    assert_eq!(handed.unwrap(), format!("00-{TRACE}-{}-01", call.id));
    assert_eq!(handed_state.unwrap(), state);
}

#[tokio::test]
async fn a_parents_sampling_decision_is_heeded_where_the_sampler_is_parent_based() {
    let receiver = Receiver::start().await;
    // Sampler, its argument, the parent's flags, and whether a span comes of it.
    let cases = [
        ("parentbased_always_on", "", "00", false),
        ("parentbased_always_off", "", "01", true),
        ("parentbased_traceidratio", "0", "01", true),
        ("always_on", "", "00", true),
        ("always_off", "", "01", false),
        ("traceidratio", "0", "01", false),
        ("traceidratio", "1", "00", true),
    ];
    for (sampler, argument, flags, sampled) in cases {
        let variables = [("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)];
        let app = traced(&receiver, &[], &variables).await;
        let before = receiver.spans().len();
        let handed = handed_on(&app, &[("traceparent", &parent(flags))]).await[0].clone().unwrap();
        let expected = if sampled { "-01" } else { "-00" };
        assert!(handed.starts_with(&format!("00-{TRACE}-")) && handed.ends_with(expected), "{sampler}: {handed}");
        assert!(!handed.contains(PARENT), "{handed}");
        // Everything is sent by then.
        app.app.stop().await;
        assert_eq!(receiver.spans().len() > before, sampled, "{sampler} {argument} {flags}");
    }
}

#[tokio::test]
async fn callers_who_decide_nothing_are_named_by_a_link() {
    let receiver = Receiver::start().await;
    let variables = [("OTEL_TRACES_SAMPLER", "parentbased_always_on")];
    let app = traced(&receiver, &[("traces.incoming", "link"), ("traces.outgoing", "false")], &variables).await;
    let handed = handed_on(&app, &[("traceparent", &parent("00")), ("tracestate", "a=b")]).await;
    assert_eq!(handed, [None, None]);
    let spans = receiver.requests(1).await;
    let server = spans.iter().find(|span| span.is_server).unwrap();
    assert!(server.trace != TRACE && server.parent.is_empty());
    assert_eq!(server.links, [(TRACE.to_owned(), PARENT.to_owned())]);
}

/// Without an endpoint nothing is recorded, and what came is handed on as it was, where it is a trace context.
#[tokio::test]
async fn what_is_no_trace_context_is_handed_on_by_nobody() {
    let app = with_variables(&[], &[]).await;
    let good = parent("01");
    for valid in [
        good.as_str(),
        &parent("00"),
        &format!("cc-{TRACE}-{PARENT}-01-what-will-be"),
        &format!("01-{TRACE}-{PARENT}-01"),
    ] {
        let handed = handed_on(&app, &[("traceparent", valid)]).await[0].clone().unwrap();
        assert_eq!(&handed[2..55], &valid[2..55], "{valid}");
        assert!(handed.starts_with("00-") && handed.len() == 55);
    }
    let invalid = [
        String::new(),
        "garbage".to_owned(),
        format!("{good}-more"),
        format!("{good}."),
        good.to_uppercase(),
        good.replace('-', "_"),
        format!("ff-{TRACE}-{PARENT}-01"),
        format!("cc-{TRACE}-{PARENT}-01.what-will-be"),
        format!("00-{}-{PARENT}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("00-{TRACE}-{PARENT}-0"),
        format!("00-{TRACE}-{PARENT}-0x"),
        format!("0-{TRACE}-{PARENT}-001"),
        format!("00-{}-{PARENT}-01", TRACE.replace('4', "g")),
    ];
    for invalid in invalid {
        assert_eq!(
            handed_on(&app, &[("traceparent", &invalid), ("tracestate", "a=b")]).await,
            [None, None],
            "{invalid}"
        );
    }
    let twice = [("traceparent", good.as_str()), ("traceparent", good.as_str())];
    assert_eq!(handed_on(&app, &twice).await, [None, None]);

    let long = format!("a={}", "b".repeat(200));
    let states: [(&[&str], Option<&str>); 10] = [
        (&["a=b"], Some("a=b")),
        (&["a=b, c@d=e f"], Some("a=b, c@d=e f")),
        (&["a=b", "c=d"], Some("a=b,c=d")),
        (&["a=b,,"], Some("a=b,,")),
        (&[""], None),
        (&["a"], None),
        (&["=b"], None),
        (&["A=b"], None),
        (&["a=b=c"], None),
        (&[&long, &long, &long], None),
    ];
    for (sent, expected) in states {
        let fields: Vec<_> = sent.iter().map(|state| ("tracestate", *state)).collect();
        let [parent, state] = handed_on(&app, &[&[("traceparent", good.as_str())], &fields[..]].concat()).await;
        // The trace goes on without notes that make no sense.
        assert_eq!((parent.as_deref(), state.as_deref()), (Some(good.as_str()), expected), "{sent:?}");
    }
    assert_eq!(handed_on(&app, &[]).await, [None, None]);
}

/// The decision is a function of the trace's number, so that all services decide alike.
#[tokio::test]
async fn a_ratio_samples_its_part_of_the_traces_and_the_same_ones_each_time() {
    let receiver = Receiver::start().await;
    let variables = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.25")];
    let mut sampled = Vec::new();
    for _ in 0..2 {
        let app = traced(&receiver, &[], &variables).await;
        for n in 0..400u64 {
            // Spread evenly, as random numbers are.
            let low = n.wrapping_mul(u64::MAX / 400);
            let parent = format!("00-{:016x}{low:016x}-{PARENT}-00", n + 1);
            let post = app.post().header("traceparent", parent).body(r#"{"query":"{ __typename }"}"#);
            post.send().await.unwrap();
        }
        app.app.stop().await;
        let mut traces: Vec<_> = receiver.spans().into_iter().map(|span| span.trace).collect();
        traces.sort();
        sampled.push(traces);
    }
    let mut twice: Vec<_> = sampled[0].iter().chain(&sampled[0]).cloned().collect();
    twice.sort();
    assert_eq!(sampled[1], twice);
    assert!((90..=110).contains(&sampled[0].len()), "{}", sampled[0].len());
}
