//! Cursors: valid for the list that they came from, and refused for any other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::TestApp;

async fn cursor(app: &TestApp, arguments: &str) -> String {
    let data =
        app.query(&format!("{{ teamMembers({arguments} first: 3) {{ pageInfo {{ endCursor }} }} }}")).await.clean();
    data["teamMembers"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned()
}

async fn codes(app: &TestApp, arguments: &str, cursor: &str) -> Vec<String> {
    let query = format!("query($c: String) {{ teamMembers({arguments} after: $c) {{ totalCount }} }}");
    let answer = app.variables(&query, json!({ "c": cursor })).await;
    if !answer.codes().is_empty() {
        assert_eq!(answer.data()["teamMembers"], Value::Null);
    }
    answer.codes().into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_cursor_altered_in_any_bit_is_refused() {
    let app = TestApp::start().await;
    let good = cursor(&app, "").await;
    assert_eq!(codes(&app, "", &good).await, [""; 0]);
    let bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        assert_eq!(codes(&app, "", &URL_SAFE_NO_PAD.encode(&altered)).await, ["BAD_USER_INPUT"], "byte {at}");
    }
}

#[tokio::test]
async fn a_cursor_cut_short_made_longer_or_made_up_is_refused() {
    let app = TestApp::start().await;
    let good = cursor(&app, "").await;
    let made_up = [
        "".to_owned(),
        "MTA=".to_owned(),
        "🦀".to_owned(),
        "A".repeat(10_000),
        format!("{good}AAAA"),
        format!("{good}="),
    ];
    let cut = (1..good.len()).map(|length| good[..length].to_owned());
    for cursor in made_up.into_iter().chain(cut) {
        assert_eq!(codes(&app, "", &cursor).await, ["BAD_USER_INPUT"], "{cursor}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_account_or_order_is_refused() {
    let app = TestApp::start().await;
    let good = cursor(&app, "").await;
    let pines = "account: { email: \"ops@tall-pines.example\", type: CUSTOM_USER },";
    assert_eq!(codes(&app, pines, &good).await, ["BAD_USER_INPUT"]);
    assert_eq!(codes(&app, "orderBy: [{ field: NAME }],", &good).await, ["BAD_USER_INPUT"]);
    // By id, said or unsaid, is one order.
    assert_eq!(codes(&app, "orderBy: [{ field: ID }],", &good).await, [""; 0]);
}

#[tokio::test]
async fn a_cursor_survives_a_restart() {
    let first = TestApp::start().await;
    let cursor = cursor(&first, "").await;
    let second = TestApp::start().await;
    assert_eq!(codes(&second, "", &cursor).await, [""; 0]);
}

#[tokio::test]
async fn a_cursor_is_good_with_another_credential_that_reads_the_account() {
    let app = TestApp::with(&[("auth.mode", "passthrough")]).await;
    let page = |token: &'static str, after: &Value| {
        let query = "query($c: String) { teamMembers(first: 2, after: $c) { nodes { id } pageInfo { endCursor } } }";
        let body = json!({ "query": query, "variables": { "c": after } }).to_string();
        app.send(app.post().bearer_auth(token).body(body))
    };
    let first = page("demo-lantern-token", &Value::Null).await.clean();
    let cursor = &first["teamMembers"]["pageInfo"]["endCursor"];
    let second = page("demo-lantern-token", cursor).await.clean();
    assert_ne!(second["teamMembers"]["nodes"], first["teamMembers"]["nodes"]);
    assert_eq!(page("demo-agency-token", cursor).await.clean(), second);
    // It opens nothing: who may not read the account is told so before the cursor is looked at.
    assert_eq!(page("demo-pines-token", cursor).await.codes(), ["UPSTREAM_FORBIDDEN"]);
}

#[tokio::test]
async fn a_cursor_holds_no_personal_data() {
    let app = TestApp::start().await;
    let cursor = cursor(&app, "orderBy: [{ field: NAME }],").await;
    let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap();
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    let data = app.query("{ teamMembers { nodes { name contact { email } } } }").await.clean();
    for node in data["teamMembers"]["nodes"].as_array().unwrap() {
        for word in node["name"].as_str().unwrap().split(' ').filter(|word| word.len() > 3) {
            assert!(!text.contains(&word.to_lowercase()));
        }
        assert!(!text.contains(node["contact"]["email"].as_str().unwrap()));
    }
    assert!(!text.contains("maya"));
}

#[tokio::test]
async fn a_cursor_tells_names_apart_by_their_beginning_only() {
    let app = TestApp::start().await;
    let mut cursors = Vec::new();
    for name in ["Maximiliane Silberstein", "Maximiliano Zweig"] {
        app.demo.set_team("maya@lantern-books.example", vec![crate::support::row("a", name)]);
        let request = app.post().header("x-flowmatix-max-age", "0");
        let query = "{ teamMembers(orderBy: [{ field: NAME }], first: 3) { pageInfo { endCursor } } }";
        let data = app.send(request.body(json!({ "query": query }).to_string())).await.clean();
        cursors.push(URL_SAFE_NO_PAD.decode(data["teamMembers"]["pageInfo"]["endCursor"].as_str().unwrap()).unwrap());
    }
    // What differs is a hash of the member, and the checksum: four bytes each.
    let different = cursors[0].iter().zip(&cursors[1]).filter(|(a, b)| a != b).count();
    assert!(cursors[0].len() == cursors[1].len() && (1..=8).contains(&different), "{cursors:?}");
}
