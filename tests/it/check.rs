//! `check`, as the real binary: one call, a readable report, and an exit code for scripts.

use axum::http::{HeaderMap, StatusCode};
use flowmatix_graphql::demo::{Demo, DemoSwitches, InvalidSwitches, Scripted};

use crate::support::service::{run, start};
use crate::support::{Answer, TempFile, demo_settings};

fn check(url: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let url = format!("upstream.url={url}");
    let settings = [
        &url,
        "upstream.allow_http=true",
        "auth.mode=server",
        "auth.credential_env=VENDOR_TOKEN",
        "account.email=maya@lantern-books.example",
        "account.type=CUSTOMER",
    ];
    let arguments: Vec<&str> = ["check"]
        .into_iter()
        .chain(settings.iter().flat_map(|setting| ["--set", setting]))
        .chain(more.iter().copied())
        .collect();
    let output = run(&arguments, &[("VENDOR_TOKEN", "demo-agency-token")]);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What is said about the call, without the time it took.
fn said(out: &str) -> String {
    let (_, said) = out.split_once("one call to ").unwrap();
    let said = said.split_once('\n').unwrap().1;
    let words = said.lines().map(|line| match line.split_once(" in ") {
        Some((before, after)) if after.ends_with(" ms") => format!("{before} in N ms"),
        _ => line.to_owned(),
    });
    words.collect::<Vec<_>>().join("\n")
}

#[test]
fn without_live_it_makes_no_call() {
    let (code, out, _) = check("http://127.0.0.1:1", &[]);
    assert_eq!(code, Some(0));
    assert!(out.contains("upstream.url = http://127.0.0.1:1   (set)\n"));
    assert!(out.contains("roster.fresh_for = 1m\n"));
    assert!(out.contains("the upstream credential: [REDACTED]\n") && !out.contains("demo-agency-token"));
    let (code, _, error) = check("ftp://x", &["--set", "roster.fresh_fro=1s"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("upstream.url") && error.contains("did you mean roster.fresh_for?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn live_makes_one_call_and_says_what_came_back() {
    let demo = Demo::start(&demo_settings()).unwrap();
    demo.set_switches(DemoSwitches { plan: Some(1000), rate_limit_headers: true, ..DemoSwitches::default() });
    let url = demo.url();
    let (code, out, _) = tokio::task::spawn_blocking(move || check(&url, &["--live"])).await.unwrap();
    assert_eq!((code, demo.calls()), (Some(0), 1));
    insta::assert_snapshot!(said(&out), @r"
    it answered 200 in N ms
    x-ratelimit-limit: 1000
    x-ratelimit-remaining: 999
    x-ratelimit-reset: 3600
    members: 12
    email and type seem to select the account whose team is listed (more than one person came)
    documented fields that are missing: none
    newer fields that are missing: none
    unknown fields: none
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_drifted_is_described() {
    let demo = Demo::start(&demo_settings()).unwrap();
    demo.set_switches(DemoSwitches { malformed: Some(InvalidSwitches::BadRows), ..DemoSwitches::default() });
    let url = demo.url();
    let (code, out, _) = tokio::task::spawn_blocking(move || check(&url, &["--live"])).await.unwrap();
    assert_eq!((code, demo.calls()), (Some(3), 1));
    assert!(out.contains("unknown fields: shoeSize\n"), "{out}");
    assert!(out.contains("unreadable values of type: 1\n"));
    assert!(out.contains("rows that could not be read at all: 5\n"));

    let one = r#"{"data":[{"_id":"1","contact":{"email":"Maya@Lantern-Books.example"}}]}"#;
    demo.script(None, Some(Scripted::ok(one)));
    let url = demo.url();
    let (code, out, _) = tokio::task::spawn_blocking(move || check(&url, &["--live"])).await.unwrap();
    assert_eq!(code, Some(3));
    assert!(out.contains("select one user: the only person who came has that address"), "{out}");
    let missing = out.lines().find(|line| line.contains("documented fields that are missing:")).unwrap();
    assert!(["whitelabel", "name", "picture", "_role"].iter().all(|field| missing.contains(field)), "{missing}");
    assert!(!missing.contains("_id") && !missing.contains("contact"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_a_dead_port_are_said_in_plain_words() {
    let demo = Demo::start(&demo_settings()).unwrap();
    let refused = Scripted { status: StatusCode::UNAUTHORIZED, headers: HeaderMap::new(), body: "".into() };
    demo.script(None, Some(refused));
    let url = demo.url();
    let (code, out, _) = tokio::task::spawn_blocking(move || check(&url, &["--live"])).await.unwrap();
    assert_eq!((code, demo.calls()), (Some(2), 1));
    assert!(out.contains("no team: the upstream did not accept the credential\n"), "{out}");

    let url = demo.url();
    demo.stop().await;
    let (code, out, _) = tokio::task::spawn_blocking(move || check(&url, &["--live"])).await.unwrap();
    assert_eq!(code, Some(2));
    assert!(out.contains("it did not answer (") && out.contains("no team: the upstream is unavailable\n"), "{out}");
}

/// Its call is one of the plan like any other: what a service has spent counts for it, and the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn the_live_call_is_written_down() {
    let demo = Demo::start(&demo_settings()).unwrap();
    let file = TempFile::new("check-ledger", "");
    std::fs::remove_file(file.path()).unwrap();
    let ledger = format!("budget.file={}", file.as_str());
    let live = async |more: &[&str]| {
        let arguments: Vec<String> =
            ["--live", "--set", &ledger].iter().chain(more).map(|argument| (*argument).to_owned()).collect();
        let url = demo.url();
        let run = move || check(&url, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let small = ["--set", "budget.calls_per_hour=2", "--set", "budget.utilization=1"];
    for n in 1..=2 {
        assert_eq!((live(&small).await.0, demo.calls()), (Some(0), n));
    }
    let (code, out, error) = live(&small).await;
    assert_eq!((code, demo.calls()), (Some(1), 2), "{out}{error}");
    assert!(error.contains("no call was made: the upstream's rate limit is reached"), "{error}");

    // A service that is started now has those two calls in its plan.
    let settings = [
        format!("upstream.url={}", demo.url()),
        "upstream.allow_http=true".to_owned(),
        "auth.mode=server".to_owned(),
        "auth.credential_env=VENDOR_TOKEN".to_owned(),
        "account.email=maya@lantern-books.example".to_owned(),
        "account.type=CUSTOMER".to_owned(),
        ledger.clone(),
    ];
    let service = start("serve", &settings, &[("VENDOR_TOKEN", "demo-agency-token")]);
    let request = reqwest::Client::new().post(service.url("/graphql")).header("content-type", "application/json");
    let answer = Answer::read(request.body(r#"{"query":"{ roles { id } }"}"#).send().await.unwrap()).await;
    assert_eq!(answer.upstream()["budget"]["remaining"], 947);
    // While it runs, the file is its own.
    let (code, _, error) = live(&[]).await;
    assert_eq!((code, demo.calls()), (Some(1), 3));
    assert!(error.contains("another process is using"), "{error}");
}

#[test]
fn live_wants_an_account_and_a_token() {
    let output = run(&["check", "--live", "--auth-mode", "passthrough"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("set account.email and account.type"));
}
