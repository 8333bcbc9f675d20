//! Data-driven cases: each `cases/*.graphql` holds a query over one small team, and below it the answer it must have.
//!
//! A file's first lines may be comments: `# variables: {…}` for variables, `# ` for what the case claims. The answer follows
//! a line `# =>` as a comment of JSON, to the letter of its values and the order of its keys.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::TestApp;

/// A team with something missing, odd or equal in every field.
fn team() -> Vec<Value> {
    vec![
        json!({
            "_id": "a1", "name": "Asha Raman", "contact": { "_id": "c1", "email": "Asha.Raman@example.com",
            "phone": { "prefix": "91", "number": "5550100001" } }, "picture": "https://cdn.example.com/asha.svg",
            "liveAvailability": "ONLINE", "leadsVisibility": "ASSIGNED", "status": "ACTIVE", "description": "",
            "type": "CUSTOMER", "unreadMessages": 47, "_role": "r1", "_parent": "p1", "whitelabel": false,
            "createdAt": "2024-04-26T17:10:22.134Z", "updatedAt": "2024-05-14T05:37:24.820Z", "__v": 0,
            "assignedBots": ["b1", "b2"], "assignedAiAgents": [], "_department": ["d1"], "maskedAttributes": ["phone"],
            "chatTransferPermission": "ALL", "_businessHours": "h1"
        }),
        json!({
            "_id": "b2", "name": "bruno Okafor", "contact": { "email": "bruno@example.com", "phone": { "prefix": "", "number": "" } },
            "liveAvailability": "OFFLINE", "leadsVisibility": "ALL", "status": "INACTIVE", "description": "Night shift",
            "type": "AGENT", "unreadMessages": 0, "_role": "r2", "whitelabel": true,
            "createdAt": "2024-04-27T10:00:00+02:00", "updatedAt": null
        }),
        json!({ "_id": "c3", "name": "Åsa Öberg", "status": "ACTIVE", "type": "AGENT", "_role": "r1", "unreadMessages": 3 }),
        json!({ "_id": "d4", "name": "ÅSA ÖBERG", "status": "SLEEPING", "type": "CUSTOM_USER", "_role": "", "contact": null }),
        json!({ "_id": "e5" }),
        json!({ "name": "Nobody" }),
        json!({ "_id": "f6", "name": 12, "contact": { "email": 5, "phone": "none" }, "unreadMessages": 9.5, "tags": ["x"] }),
    ]
}

#[tokio::test]
async fn every_case_has_its_answer_by_projection() {
    every_case_has_its_answer(true).await;
}

#[tokio::test]
async fn every_case_has_its_answer_by_the_engine() {
    every_case_has_its_answer(false).await;
}

async fn every_case_has_its_answer(projection: bool) {
    let app = TestApp::with(&[("graphql.projection", if projection { "true" } else { "false" })]).await;
    app.demo.set_team("maya@lantern-books.example", team());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 12, "the cases are gone");
    let mut wrong = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let (query, expected) = text.split_once("# =>\n").unwrap_or((&text, ""));
        let variables = query.lines().find_map(|line| line.strip_prefix("# variables: ")).unwrap_or("{}");
        let variables: Value = serde_json::from_str(variables).unwrap();
        let request = app.post().body(json!({ "query": query, "variables": variables }).to_string());
        let text = request.send().await.unwrap().text().await.unwrap();
        // The engine's own value keeps the order of keys.
        let mut body: async_graphql::Value = serde_json::from_str(&text).unwrap();
        if let async_graphql::Value::Object(body) = &mut body {
            body.shift_remove("extensions");
        }
        let printed = serde_json::to_string_pretty(&body).unwrap();
        let printed: String = printed.lines().map(|line| format!("# {line}\n")).collect();
        if std::env::var_os("UPDATE_CASES").is_some() {
            std::fs::write(&path, format!("{query}# =>\n{printed}")).unwrap();
        } else if printed != expected {
            wrong.push(format!("{}\n{printed}", path.display()));
        }
    }
    let projected = app.metric("flowmatix_executions_total{path=\"projection\"}").await;
    assert_eq!(projected > 0.0, projection);
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}
