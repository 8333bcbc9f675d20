//! The log of the real binary: one line for each request, without personal data or secrets.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Keys;
use crate::support::service::start;

#[tokio::test]
async fn a_request_is_one_line_without_its_query_string_and_variables() {
    // TRACE, as far as the caps let it.
    let service = start("demo", &["log.level=trace".to_owned()], &[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client.post(service.url("/graphql")).header("content-type", "application/json");
    let body = json!({
        "query": "query($s: String, $a: AccountInput) { teamMembers(search: $s, account: $a) { nodes { name contact { email } } } }",
        "variables": { "s": "canary-search", "a": { "email": "canary@secret.example", "type": "AGENT" } }
    });
    let answer = post.header("x-request-id", "my-request").bearer_auth("canary-token").body(body.to_string());
    assert_eq!(answer.send().await.unwrap().headers()["x-request-id"], "my-request");
    let get = client.get(service.url("/graphql?query=%7Bcanary%7D")).header("apollo-require-preflight", "1");
    get.send().await.unwrap();
    let all = json!({ "query": "{ teamMembers { nodes { name contact { email phone { number } } } } }" }).to_string();
    let post = client.post(service.url("/graphql")).header("content-type", "application/json").body(all);
    let team: Value = serde_json::from_str(&post.send().await.unwrap().text().await.unwrap()).unwrap();

    let (well, _, log) = service.stop();
    assert!(well);
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    assert_eq!(answered.len(), 3);
    assert_eq!(answered[0]["request_id"], "my-request");
    assert_eq!((&answered[1]["path"], &answered[1]["status"]), (&json!("/graphql"), &json!(200)));
    assert!(!log.contains("canary"), "{log}");
    for node in team["data"]["teamMembers"]["nodes"].as_array().unwrap() {
        for personal in [&node["name"], &node["contact"]["email"], &node["contact"]["phone"]["number"]] {
            assert!(!log.contains(personal.as_str().unwrap()));
        }
    }
    assert!(!log.contains("demo-agency-token"));
}

/// The operator can look the hash up, or put it on the list.
#[tokio::test]
async fn documents_that_are_not_listed_are_logged_by_their_hash_as_manifests_have_it() {
    let path = std::env::temp_dir().join(format!("flowmatix-empty-manifest-{}.json", std::process::id()));
    std::fs::write(&path, "{}").unwrap();
    let manifest = format!("documents.manifest={}", path.display());
    let service = start("demo", &["documents.safelist=log".to_owned(), manifest], &[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client.post(service.url("/graphql")).header("content-type", "application/json");
    post.body(r#"{"query":"{ __typename }"}"#).send().await.unwrap();
    let (well, _, log) = service.stop();
    std::fs::remove_file(path).unwrap();
    // `printf '{ __typename }' | sha256sum`
    assert!(well && log.contains("\"7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b\""), "{log}");
}

/// The method is a client's text as well.
#[tokio::test]
async fn a_made_up_method_is_not_in_the_log() {
    let service = start("demo", &["log.level=trace".to_owned()], &[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for method in ["CANARY", "canary@secret.example".split('@').next().unwrap(), "PATCH"] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(client.request(method, service.url("/graphql")).send().await.unwrap().status(), 405);
    }
    let (_, _, log) = service.stop();
    assert!(!log.to_lowercase().contains("canary"), "{log}");
    assert!(log.contains(r#""method":"other""#) && log.contains(r#""method":"PATCH""#), "{log}");
}

/// A file of keys that is gone keeps its keys, which the log says once, as it does when the file is back.
#[tokio::test]
async fn a_keys_file_that_is_gone_keeps_its_keys_and_says_so_once() {
    let keys = Keys::new(&[("reports", &[0], false)]);
    let setting = format!("auth.keys_file={}", keys.file.as_str());
    let service = start("demo", &["auth.mode=api-keys".to_owned(), setting], &[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async || {
        let post = client.post(service.url("/graphql")).header("content-type", "application/json");
        let answer = post.bearer_auth(keys.key(0)).body(r#"{"query":"{ __typename }"}"#).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    };
    let text = std::fs::read_to_string(keys.file.path()).unwrap();
    std::fs::remove_file(keys.file.path()).unwrap();
    ask().await;
    ask().await;
    std::fs::write(keys.file.path(), text).unwrap();
    ask().await;
    let (_, _, log) = service.stop();
    assert_eq!(log.matches("the file is not there any more; its last content stays").count(), 1, "{log}");
    assert_eq!(log.matches("the file is there again").count(), 1, "{log}");
}

/// Lines about the same account and operation can be found together, and neither can be read.
#[tokio::test]
async fn accounts_and_operations_are_in_the_log_as_keyed_hashes() {
    let mut keys = Vec::new();
    for _ in 0..2 {
        let service = start("demo", &["graphql.batch_limit=3".to_owned()], &[]);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = async |body: Value| {
            let post = client.post(service.url("/graphql")).header("content-type", "application/json");
            assert_eq!(post.body(body.to_string()).send().await.unwrap().status(), 200);
        };
        let pines = "{ teamMembers(account: { email: \"ops@tall-pines.example\", type: CUSTOM_USER }) { totalCount } }";
        let own = "{ teamMembers { totalCount } }";
        ask(json!({ "query": own })).await;
        ask(json!({ "query": pines })).await;
        ask(json!({ "query": own })).await;
        ask(json!([{ "query": own }, { "query": pines }])).await;
        ask(json!({ "query": "{ __typename }" })).await;
        let (_, _, log) = service.stop();
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let named = |name: &str| -> Vec<Value> {
            lines.iter().filter(|line| line["message"] == "answered").map(|line| line[name].clone()).collect()
        };
        let (operations, accounts) = (named("operations"), named("accounts"));
        assert_eq!(operations.len(), 5);
        assert!(operations[0] == operations[2] && operations[0] != operations[1], "{operations:?}");
        assert!(accounts[0] == accounts[2] && accounts[0] != accounts[1] && accounts[4] == Value::Null, "{accounts:?}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        assert_eq!(text(&operations[3]), format!("{},{}", text(&operations[0]), text(&operations[1])));
        let mut both: Vec<_> = text(&accounts[3]).split(',').map(str::to_owned).collect();
        both.sort();
        let mut expected = vec![text(&accounts[0]), text(&accounts[1])];
        expected.sort();
        assert_eq!(both, expected);
        assert!(!log.contains("tall-pines") && !log.contains("teamMembers"), "{log}");
        keys.push((accounts[0].clone(), operations[0].clone()));
    }
    // Another process has another key: nobody finds an account by hashing what it may be.
    assert!(keys[0].0 != keys[1].0 && keys[0].1 != keys[1].1);
}

/// Whatever becomes of a request, it has a line; what it asked for is known before anything is loaded for it.
#[tokio::test]
async fn a_request_that_its_client_gives_up_has_a_line_that_says_what_it_was() {
    let service = start("demo", &["demo.latency=20s".to_owned()], &[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client.post(service.url("/graphql")).header("content-type", "application/json");
    let post = post.header("x-request-id", "given-up").timeout(Duration::from_millis(500));
    assert!(post.body(json!({ "query": "{ teamMembers { totalCount } }" }).to_string()).send().await.is_err());
    // The stop does not wait for an answer without a client.
    let (_, _, log) = tokio::task::spawn_blocking(|| service.stop()).await.unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_request = |line: &&Value| line["request_id"] == "given-up" && line.get("method").is_some();
    let found: Vec<_> = lines.iter().filter(of_request).collect();
    let [line] = found.as_slice() else { panic!("{log}") };
    assert_eq!(line["message"], "given up by its client");
    assert_eq!((&line["method"], &line["path"]), (&json!("POST"), &json!("/graphql")));
    let name = |name: &str| line[name].as_str().map_or(0, str::len);
    assert_eq!((name("operations"), name("accounts")), (12, 12), "{line}");
}
