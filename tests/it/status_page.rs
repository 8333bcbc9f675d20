//! The status page: what it says with the vendor up, down and spent, in a browser, and that it names nobody.

use std::process::Command;

use flowmatix_graphql::demo::{ACCOUNTS, AGENCY_TOKEN, DemoSwitches};
use serde_json::Value;

use crate::support::{Keys, TempFile, TestApp, account};

async fn status(app: &TestApp) -> Value {
    let url = format!("http://{}/status.json", app.app.admin_address());
    let text = app.client.get(url).send().await.unwrap().text().await.unwrap();
    assert!(!text.contains('@') && !text.contains("demo-agency-token"), "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn rendered(app: &TestApp, folder: &str) -> String {
    rendered_at(format!("http://{}/", app.app.admin_address()), folder).await
}

/// The page as a browser shows it, on a phone's width.
pub async fn rendered_at(url: String, folder: &str) -> String {
    let folder = std::env::temp_dir().join(format!("flowmatix-{folder}-{}", std::process::id()));
    let profile = format!("--user-data-dir={}", folder.display());
    let output = tokio::task::spawn_blocking(move || {
        let quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=390,844"];
        let page = ["--virtual-time-budget=2500", "--dump-dom"];
        Command::new("chromium").args(quiet).arg(profile).args(page).arg(url).output().unwrap()
    });
    let output = output.await.unwrap();
    let _ = std::fs::remove_dir_all(folder);
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_shows_it_up_spent_and_down() {
    let app = TestApp::with(&[("budget.calls_per_hour", "2"), ("account.sources", "argument,default")]).await;
    let page = rendered(&app, "fresh").await;
    assert!(page.contains("Nothing was spent yet.") && page.contains(">ready<"), "{page}");
    app.query("{ teamMembers { totalCount } }").await.clean();
    app.query("{ teamMembers { totalCount } }").await.clean();
    let spent = app.query(&format!("{{ roles({}) {{ id }} }}", account(1))).await;
    assert_eq!(spent.codes(), ["UPSTREAM_RATE_LIMITED"]);
    let report = status(&app).await;
    assert_eq!((&report["plans"][0]["limit"], &report["plans"][0]["remaining"]), (&1.into(), &0.into()));
    let minutes = report["callsPerMinute"].as_array().unwrap();
    assert_eq!((minutes.len(), minutes.iter().filter_map(Value::as_u64).sum::<u64>()), (60, 1));
    assert_eq!((&report["rosters"]["count"], &report["rosters"]["lookups"]["hit"]), (&1.into(), &1.into()));
    let page = rendered(&app, "spent").await;
    assert!(page.contains("a plan is spent") && page.contains("0 of 1 calls left"), "{page}");
    assert!(page.contains("not called: plan") && page.matches("<rect").count() == 60, "{page}");
    assert!(page.contains("Teams by age and size") && page.contains("younger than 1 min"), "{page}");
    assert!(!page.contains(ACCOUNTS[0].email));
    assert_eq!(report["ready"], true);
    let young = &report["rosters"]["ages"][0];
    assert_eq!((&young["youngerThanSeconds"], &young["rosters"]), (&60.into(), &1.into()));
    assert!(report["rosters"]["ages"].as_array().unwrap()[1..].iter().all(|older| older["rosters"] == 0));
    let largest = &report["rosters"]["largest"];
    assert_eq!((&largest[0]["members"], &largest[0]["stale"]), (&ACCOUNTS[0].members.into(), &false.into()));
    assert_eq!(largest.as_array().unwrap().len(), 1);
    assert_eq!(report["cluster"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_refusals_are_there_and_the_oldest_ones_go() {
    let app = TestApp::start().await;
    app.query("{ nothing }").await;
    let last = async || status(&app).await["requests"]["lastRefusals"].as_array().unwrap().clone();
    assert_eq!(last().await.iter().map(|refusal| &refusal["code"]).collect::<Vec<_>>(), ["GRAPHQL_VALIDATION_FAILED"]);
    for _ in 0..30 {
        app.query("{").await;
    }
    let found = last().await;
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|refusal| refusal["code"] == "GRAPHQL_PARSE_FAILED"), "{found:?}");
    let page = rendered(&app, "refusals").await;
    assert!(page.contains("Last refusals") && page.matches("<dt>GRAPHQL_PARSE_FAILED</dt>").count() == 21, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_has_its_reason_and_its_end() {
    let app = TestApp::with(&[("auth.mode", "passthrough"), ("upstream.retry_ratio", "0")]).await;
    let ask = async |token| app.query_as(token, "{ teamMembers { totalCount } }").await;
    app.demo.set_switches(DemoSwitches { status: Some(403), ..DemoSwitches::default() });
    ask(ACCOUNTS[2].token).await;
    assert_eq!(status(&app).await["upstream"]["notTried"]["forbidden"], 1);
    let switches = DemoSwitches { status: Some(429), retry_after_seconds: Some(90), ..DemoSwitches::default() };
    app.demo.set_switches(switches);
    ask(ACCOUNTS[0].token).await;
    let report = status(&app).await;
    let pause = &report["upstream"]["pauses"][0];
    assert_eq!(pause["reason"], "rate_limited");
    assert!(pause["plan"].is_string(), "{pause}");
    assert!((60.0..=90.0).contains(&pause["secondsLeft"].as_f64().unwrap()), "{pause}");
    let switches = DemoSwitches { status: Some(503), retry_after_seconds: Some(300), ..DemoSwitches::default() };
    app.demo.set_switches(switches);
    ask(ACCOUNTS[1].token).await;
    let report = status(&app).await;
    let pause = &report["upstream"]["pauses"][0];
    assert_eq!((&pause["reason"], &pause["plan"]), (&"unavailable".into(), &Value::Null));
    let page = rendered(&app, "pauses").await;
    assert!(page.contains("too many calls (429)") && page.contains("it asks for a pause (503)"), "{page}");
    assert!(page.contains(">Flowmatix asks for a pause<"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_share_a_plan_are_told_apart_and_not_named() {
    let keys = Keys::new(&[("reporting", &[0, 1], true), ("support", &[2], true)]);
    let [mode, file] = keys.settings();
    let token = TempFile::new("token", AGENCY_TOKEN);
    let app = TestApp::with(&[mode, file, ("auth.credential_file", token.as_str())]).await;
    for (key, place) in [(0, 0), (0, 1), (1, 2)] {
        app.query_as(keys.key(key), &format!("{{ teamMembers({}) {{ totalCount }} }}", account(place))).await.clean();
    }
    let report = status(&app).await;
    let callers = report["callers"].as_array().unwrap();
    let calls: Vec<_> = callers.iter().map(|caller| caller["calls"].as_u64().unwrap()).collect();
    assert_eq!(calls, [2, 1]);
    assert!(callers[0]["caller"] != callers[1]["caller"] && callers[0]["plan"] == callers[1]["plan"], "{callers:?}");
    let page = rendered(&app, "callers").await;
    assert!(page.contains("2 of 950 calls") && page.contains("1 of 950 calls"), "{page}");
    assert!(!page.contains("reporting") && !page.contains("support"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_that_is_open_is_seen() {
    let app = TestApp::with(&[("roster.store", "false"), ("upstream.retry_ratio", "0")]).await;
    app.demo.set_switches(DemoSwitches { status: Some(503), ..DemoSwitches::default() });
    for n in 0..40 {
        app.query(&format!("{{ teamMembers({}) {{ totalCount }} }}", account(n % ACCOUNTS.len()))).await;
        if status(&app).await["upstream"]["breakerOpen"] == true {
            break;
        }
    }
    let page = rendered(&app, "down").await;
    assert!(page.contains("the breaker is open") && page.contains("calls: unavailable"), "{page}");
    assert!(page.contains("all calls: it does not answer"), "{page}");
}

#[tokio::test]
async fn nothing_is_loaded_from_elsewhere_and_nothing_of_elsewhere_is_run() {
    let app = TestApp::start().await;
    for (path, kind) in [("", "text/html"), ("status.js", "text/javascript"), ("status.css", "text/css")] {
        let response = app.client.get(format!("http://{}/{path}", app.app.admin_address())).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("connect-src 'self'"), "{policy}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(kind));
        let text = response.text().await.unwrap().replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http://") && !text.contains("https://"), "{path}");
    }
}

#[tokio::test]
async fn what_is_counted_follows_what_happens() {
    let app = TestApp::with(&[("auth.mode", "passthrough")]).await;
    app.query("{ __typename }").await;
    app.query_as("demo-lantern-token", "{ teamMembers { totalCount } }").await.clean();
    let report = status(&app).await;
    assert_eq!(report["requests"]["authFailures"]["missing"], 1);
    assert_eq!((&report["plans"][0]["limit"], &report["plans"][0]["remaining"]), (&950.into(), &949.into()));
    assert!(report["requests"]["connections"].as_i64().unwrap() >= 1);
    assert_eq!(report["requests"]["inFlight"], 0);
    app.metric("flowmatix_budget_remaining{").await;
    assert_eq!(app.metric("flowmatix_budget_remaining{").await, 949.0);
    assert!(app.metric("flowmatix_response_bytes_total").await > 100.0);
    assert_eq!(app.metric("flowmatix_auth_failures_total{reason=\"missing\"}").await, 1.0);
}
