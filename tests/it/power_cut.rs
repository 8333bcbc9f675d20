//! What a power cut leaves of the ledger: the system calls of the real binary, in the order in which it makes them.

use std::path::Path;

use flowmatix_graphql::demo::{AGENCY_TOKEN, Demo, Scripted};
use serde_json::json;

use crate::support::demo_settings;
use crate::support::service;

/// What is written so far, once it has a line with this in it after `from` bytes.
async fn trace_with(path: &Path, from: usize, expected: &str) -> Vec<String> {
    for _ in 0..2000 {
        let text = std::fs::read_to_string(path).unwrap();
        let new = text.get(from..).unwrap_or_default();
        if new.contains(expected) {
            return new.lines().map(str::to_owned).collect();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no {expected} in {}", path.display());
}

#[tokio::test]
async fn file_and_folder_are_synced_before_a_call_is_sent() {
    let demo = Demo::start(&demo_settings()).unwrap();
    demo.script(None, Some(Scripted::ok(r#"{"success":true,"data":[{"_id":"1"}]}"#)));
    let folder = std::env::temp_dir().join(format!("flowmatix-power-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    let (file, trace) = (folder.join("ledger"), folder.with_extension("trace"));
    let settings = [
        format!("upstream.url={}", demo.url()),
        "upstream.allow_http=true".to_owned(),
        "auth.mode=server".to_owned(),
        "auth.credential_env=VENDOR_TOKEN".to_owned(),
        format!("budget.file={}", file.display()),
    ];
    let calls = "fdatasync,fsync,rename,renameat,renameat2,connect";
    let service = service::start_traced("serve", &settings, &[("VENDOR_TOKEN", AGENCY_TOKEN)], calls, &trace);
    let from = std::fs::read_to_string(&trace).unwrap().len();

    let query = "{ teamMembers(account: { email: \"a@example.com\", type: AGENT }) { totalCount } }";
    let body = json!({ "query": query }).to_string();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(service.url("/graphql")).header("content-type", "application/json").body(body);
    let answer = request.send().await.unwrap().text().await.unwrap();
    assert!(answer.contains("\"totalCount\":1"), "{answer}");

    let port = demo.url().trim_end_matches('/').rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    let connect = format!("htons({port})");
    let lines = trace_with(&trace, from, &connect).await;
    let new = format!("{}.new", file.display());
    let place = |what: &dyn Fn(&str) -> bool| lines.iter().position(|line| what(line));
    let synced = place(&|line| line.contains("fdatasync(") && line.contains(&new));
    let renamed = place(&|line| line.contains("rename") && line.contains(&new));
    let named = place(&|line| line.contains("fsync(") && line.contains(&format!("<{}>", folder.display())));
    let called = place(&|line| line.contains(&connect));
    let order = [synced, renamed, named, called];
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?} in {lines:#?}");
    drop(service);
    let _ = (std::fs::remove_dir_all(&folder), std::fs::remove_file(&trace));
}
