//! The outcome table: what each upstream answer means for a caller with a fresh roster, a stale one, and none, with a retry
//! left in the retry budget and without.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::Service;
use crate::support::vendor::{Fault, Vendor};

/// What a caller without a roster sees; how many calls that takes where a retry is to be had; whether an old roster may be
/// served instead.
struct Outcome {
    code: &'static str,
    calls: usize,
    stale: bool,
}

const fn outcome(code: &'static str, calls: usize) -> Outcome {
    Outcome { code, calls, stale: true }
}

const UNAVAILABLE: &str = "UPSTREAM_UNAVAILABLE";
const BAD: &str = "UPSTREAM_BAD_RESPONSE";
const LIMITED: &str = "UPSTREAM_RATE_LIMITED";

fn table() -> Vec<(Fault, Outcome)> {
    let denied = |code| Outcome { code, calls: 1, stale: false };
    let mut table = vec![
        (Fault::Refused, outcome(UNAVAILABLE, 2)),
        (Fault::Reset, outcome(UNAVAILABLE, 2)),
        (Fault::BlackHole, outcome("UPSTREAM_TIMEOUT", 1)),
        (Fault::StallAfter(0), outcome("UPSTREAM_TIMEOUT", 1)),
        (Fault::StallAfter(60), outcome("UPSTREAM_TIMEOUT", 1)),
        (Fault::StallAfter(200), outcome("UPSTREAM_TIMEOUT", 1)),
        (Fault::Drip, outcome("UPSTREAM_TIMEOUT", 1)),
        (Fault::Truncated, outcome(BAD, 2)),
        (Fault::WrongLength, outcome(BAD, 2)),
        (Fault::Endless, outcome(BAD, 1)),
        (Fault::HeaderFlood, outcome(BAD, 1)),
        (Fault::GzipBomb, outcome(BAD, 1)),
        (Fault::NotHttp, outcome(BAD, 1)),
        (Fault::Status(429, "retry-after: 7\r\n"), outcome(LIMITED, 1)),
        (Fault::Status(429, ""), outcome(LIMITED, 1)),
        (Fault::Status(429, "retry-after: Wed, 21 Oct 2065 07:28:00 GMT\r\n"), outcome(LIMITED, 1)),
        (Fault::Status(429, "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 9\r\n"), outcome(LIMITED, 1)),
        (Fault::Status(429, "ratelimit: \"hour\";r=0;t=9\r\n"), outcome(LIMITED, 1)),
        (Fault::Envelope(429), outcome(LIMITED, 1)),
        (Fault::Envelope(503), outcome(UNAVAILABLE, 2)),
        (Fault::Envelope(404), outcome("UPSTREAM_REJECTED", 1)),
        // It is the server's own credential: its rosters stay.
        (Fault::Envelope(401), outcome("UPSTREAM_UNAUTHENTICATED", 1)),
        (Fault::Envelope(200), outcome(BAD, 1)),
        (Fault::Envelope(7), outcome(BAD, 1)),
        (Fault::Status(401, ""), outcome("UPSTREAM_UNAUTHENTICATED", 1)),
        (Fault::Status(403, ""), denied("UPSTREAM_FORBIDDEN")),
    ];
    for status in [204, 206, 301, 302, 308] {
        table.push((Fault::Status(status, "location: http://127.0.0.1:9/\r\n"), outcome(BAD, 1)));
    }
    for status in [400, 404, 418, 422, 451] {
        table.push((Fault::Status(status, ""), outcome("UPSTREAM_REJECTED", 1)));
    }
    for status in [408, 425, 500, 502, 503, 504] {
        table.push((Fault::Status(status, ""), outcome(UNAVAILABLE, 2)));
    }
    for status in [501, 505, 511, 599] {
        table.push((Fault::Status(status, ""), outcome(UNAVAILABLE, 1)));
    }
    let bodies: [&[u8]; 7] =
        [b"", b"<html>", b"{}", b"[]", b"{\"success\":true,\"data\":{}}", b"\xff\xfe", b"{\"success\":true"];
    for body in bodies {
        // One that ends too early may have been cut short.
        let calls = if body == b"{\"success\":true" { 2 } else { 1 };
        table.push((Fault::Body(body.to_vec()), outcome(BAD, calls)));
    }
    table
}

/// Short times, so that silence does not take long; and a stale wait that is long enough to see what a refresh brings.
const SETTINGS: [(&str, &str); 6] = [
    ("upstream.connect_timeout", "200ms"),
    ("upstream.attempt_timeout", "400ms"),
    ("upstream.timeout", "600ms"),
    ("roster.stale_wait", "10s"),
    ("roster.refresh_ahead", "false"),
    ("upstream.body_limit", "1MiB"),
];

#[tokio::test]
async fn every_row_for_a_caller_without_a_roster() {
    for (fault, outcome) in table() {
        for (share, calls) in [("0.1", outcome.calls), ("0", 1)] {
            let vendor = Vendor::start().await;
            let service = Service::start(&vendor, &[&SETTINGS[..], &[("upstream.retry_ratio", share)]].concat()).await;
            vendor.set(fault.clone());
            let answer = service.ask(0).await;
            assert_eq!((answer.status, answer.codes()), (200, vec![outcome.code]), "{fault:?}");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.upstream()["calls"], calls, "{fault:?} with {share}");
            assert_eq!(service.calls().await as usize, calls, "{fault:?}");
            if fault != Fault::Refused {
                assert_eq!(vendor.calls(), calls, "{fault:?}");
            }
            // It is remembered for a while.
            assert_eq!(service.ask(0).await.codes(), [outcome.code], "{fault:?}");
            assert_eq!(service.calls().await as usize, calls, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn every_row_for_a_caller_with_a_stale_roster() {
    for (fault, outcome) in table() {
        for (share, calls) in [("0.1", outcome.calls), ("0", 1)] {
            let vendor = Vendor::start().await;
            let settings = [("upstream.retry_ratio", share), ("roster.fresh_for", "1ms")];
            let service = Service::start(&vendor, &[&SETTINGS[..], &settings].concat()).await;
            service.ask(0).await.clean();
            sleep(Duration::from_millis(2)).await;
            vendor.set(fault.clone());
            let answer = service.ask(0).await;
            assert_eq!(answer.upstream()["calls"], calls, "{fault:?} with {share}");
            assert_eq!(service.calls().await as usize, 1 + calls, "{fault:?}");
            if outcome.stale {
                assert_eq!(answer.upstream()["cache"], "stale", "{fault:?}");
                assert_eq!(answer.header("cache-control"), "no-store");
                assert_eq!(answer.clean(), json!({ "teamMembers": { "totalCount": 12, "stale": true } }));
            } else {
                assert_eq!(answer.codes(), [outcome.code], "{fault:?}");
                // It is gone for good, not only while the refusal lasts.
                assert_eq!(service.ask(0).await.codes(), [outcome.code], "{fault:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_row_for_a_caller_with_a_fresh_roster() {
    for (fault, _) in table() {
        let vendor = Vendor::start().await;
        let service = Service::start(&vendor, &SETTINGS).await;
        service.ask(0).await.clean();
        vendor.set(fault.clone());
        let answer = service.ask(0).await;
        assert_eq!(answer.upstream()["cache"], "hit", "{fault:?}");
        assert_eq!(answer.clean(), json!({ "teamMembers": { "totalCount": 12, "stale": false } }));
        assert_eq!(vendor.calls(), 1, "{fault:?}");
    }
}
