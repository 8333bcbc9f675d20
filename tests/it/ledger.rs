//! The ledger file: what was spent before a restart counts after it.

use std::path::{Path, PathBuf};

use flowmatix_graphql::app::App;
use flowmatix_graphql::demo::{AGENCY_TOKEN, Demo};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, account, demo_settings, settings};

/// A file that nobody else uses.
fn file(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("flowmatix-ledger-{}-{name}", std::process::id()));
    for suffix in ["", ".new", ".lock"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    path
}

async fn start(demo: &Demo, file: &Path, mode: &str) -> anyhow::Result<App> {
    let pairs = [("budget.file", file.to_str().unwrap()), ("auth.mode", mode), ("roster.store", "false")];
    let token = (mode == "server").then(|| SecretString::from(AGENCY_TOKEN));
    App::start(&settings(&demo.url(), &pairs), token).await
}

/// What is left after asking for so many accounts.
async fn spend(app: &App, accounts: usize) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut left = Value::Null;
    for place in 0..accounts {
        let body = json!({ "query": format!("{{ roles({}) {{ id }} }}", account(place)) }).to_string();
        let request = client.post(format!("http://{}/graphql", app.address())).bearer_auth(AGENCY_TOKEN);
        let answer = Answer::read(request.header("content-type", "application/json").body(body).send().await.unwrap());
        left = answer.await.upstream()["budget"]["remaining"].clone();
    }
    left
}

#[tokio::test]
async fn a_restart_forgets_no_call_whoever_holds_the_token() {
    for mode in ["server", "passthrough"] {
        let (demo, file) = (Demo::start(&demo_settings()).unwrap(), file(mode));
        let first = start(&demo, &file, mode).await.unwrap();
        assert_eq!(spend(&first, 3).await, 947);
        first.stop().await;
        let second = start(&demo, &file, mode).await.unwrap();
        assert_eq!(spend(&second, 1).await, 946, "{mode}");
        second.stop().await;
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(AGENCY_TOKEN) && !text.contains('@'), "{text}");
        let kept = std::fs::metadata(&file).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&kept.permissions()) & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_call_is_on_disk_before_it_is_made() {
    let (demo, file) = (Demo::start(&demo_settings()).unwrap(), file("before"));
    let app = start(&demo, &file, "server").await.unwrap();
    let empty = std::fs::read_to_string(&file).unwrap();
    let gate = demo.hold();
    let asked = spend(&app, 1);
    let seen = async {
        demo.arrived(1).await;
        let written = std::fs::read_to_string(&file).unwrap();
        gate.send(true).unwrap();
        written
    };
    let (_, written) = tokio::join!(asked, seen);
    assert!(written != empty && written.contains("held:"), "{written}");
}

#[tokio::test]
async fn what_cannot_be_read_counts_as_half_the_plan_for_an_hour() {
    for (n, damage) in [&b""[..], b"{", b"not it", b"\xff\xff"].into_iter().enumerate() {
        let (demo, file) = (Demo::start(&demo_settings()).unwrap(), file(&format!("torn{n}")));
        let first = start(&demo, &file, "server").await.unwrap();
        spend(&first, 1).await;
        first.stop().await;
        std::fs::write(&file, damage).unwrap();
        let second = start(&demo, &file, "server").await.unwrap();
        assert_eq!(spend(&second, 1).await, 474);
        second.stop().await;
        // Also when it is restarted once more within that hour.
        let third = start(&demo, &file, "server").await.unwrap();
        assert_eq!(spend(&third, 1).await, 473);
    }
    // One digit that is another one is damage, too.
    let (demo, file) = (Demo::start(&demo_settings()).unwrap(), file("digit"));
    let first = start(&demo, &file, "server").await.unwrap();
    spend(&first, 1).await;
    first.stop().await;
    let text = std::fs::read_to_string(&file).unwrap();
    let end = text.rfind(",1]").unwrap();
    std::fs::write(&file, format!("{},0]{}", &text[..end], &text[end + 3..])).unwrap();
    let second = start(&demo, &file, "server").await.unwrap();
    assert_eq!(spend(&second, 1).await, 474);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let (demo, file) = (Demo::start(&demo_settings()).unwrap(), file("lock"));
    let _first = start(&demo, &file, "server").await.unwrap();
    let error = start(&demo, &file, "server").await.err().unwrap().to_string();
    assert!(error.contains("budget.file: another process is using"), "{error}");
}

#[tokio::test]
async fn a_younger_team_can_be_asked_for_and_only_in_seconds() {
    let app = TestApp::start().await;
    let ask = async |max_age: &str| {
        let request = app.post().header("x-flowmatix-max-age", max_age);
        app.send(request.body(r#"{"query":"{ teamMembers { totalCount } }"}"#)).await
    };
    assert_eq!(ask("60").await.upstream()["calls"], 1);
    assert_eq!(ask("60").await.upstream()["calls"], 0);
    assert_eq!(ask("0").await.upstream()["calls"], 1);
    assert_eq!(app.demo.calls(), 2);
    for wrong in ["-1", "soon", "1.5", "", "99999999999"] {
        assert_eq!(ask(wrong).await.codes(), ["BAD_USER_INPUT"], "{wrong}");
    }
    assert_eq!(app.demo.calls(), 2);
}
