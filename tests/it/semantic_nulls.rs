//! Fields that the subgraph's SDL marks with `@semanticNonNull` are null only where an error says why.

use std::collections::BTreeSet;

use flowmatix_graphql::config::FederationConfig;
use flowmatix_graphql::graphql::federation_sdl;
use serde_json::{Value, json};

use crate::support::TestApp;

/// The marked fields, by their types.
fn marked() -> BTreeSet<(String, String)> {
    let sdl = federation_sdl(&FederationConfig::default(), true);
    let (mut on, mut field, mut found) = (String::new(), String::new(), BTreeSet::new());
    for line in sdl.lines() {
        if let Some(rest) = line.strip_prefix("type ") {
            rest.split(' ').next().unwrap().clone_into(&mut on);
        } else if let Some(rest) = line.strip_prefix("  ").filter(|rest| rest.starts_with(|c: char| c.is_lowercase())) {
            rest.split(['(', ':']).next().unwrap().clone_into(&mut field);
        }
        if line.ends_with(" @semanticNonNull") {
            found.insert((on.clone(), field.clone()));
        }
    }
    found
}

/// The paths of marked fields that are null, and how many marked fields there are in all.
fn nulls(
    value: &Value,
    path: &mut Vec<Value>,
    marked: &BTreeSet<(String, String)>,
    seen: &mut BTreeSet<String>,
) -> Vec<Value> {
    match value {
        Value::Array(items) => {
            let mut found = Vec::new();
            for (n, item) in items.iter().enumerate() {
                path.push(json!(n));
                found.extend(nulls(item, path, marked, seen));
                path.pop();
            }
            found
        }
        Value::Object(fields) => {
            let on = fields["__typename"].as_str().unwrap();
            let mut found = Vec::new();
            for (key, value) in fields {
                path.push(json!(key));
                if marked.contains(&(on.to_owned(), key.clone())) {
                    seen.insert(format!("{on}.{key} {}", value.is_null()));
                    found.extend(value.is_null().then(|| json!(path)));
                }
                found.extend(nulls(value, path, marked, seen));
                path.pop();
            }
            found
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn a_marked_field_is_null_only_with_an_error() {
    let marked = marked();
    assert_eq!(marked.len(), 9, "{marked:?}");
    for projection in ["true", "false"] {
        let app = TestApp::with(&[("graphql.projection", projection)]).await;
        let accounts = [
            "",
            r#"account: { email: "nobody@nowhere.example", type: AGENT }"#,
            r#"account: { email: "solo@quiet-harbor.example", type: AGENT }"#,
        ];
        let mut seen = BTreeSet::new();
        for account in accounts {
            for list in
                ["first: 2", "first: -1", "first: 1, last: 1", "after: \"nothing\"", "search: \"zzzzzz\"", "first: 0"]
            {
                let open = if account.is_empty() { String::new() } else { format!("({account})") };
                let groups = "groups(by: [ROLE, ROLE]) { __typename count }";
                for groups in [
                    groups,
                    "groups(by: [ROLE]) { __typename count }",
                    "groups(by: [STATUS], first: -1) { __typename count }",
                ] {
                    let connection = format!("{{ __typename totalCount {groups} }}");
                    let query = format!(
                        "{{ __typename
                           team{open} {{ __typename members({list}) {connection}
                             roles {{ __typename members({list}) {connection} }} }}
                           teamMembers({account} {list}) {connection}
                           roles{open} {{ __typename id }} }}"
                    );
                    let answer = app.query(&query).await;
                    let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
                    let paths: Vec<&Value> = errors.iter().map(|error| &error["path"]).collect();
                    for path in nulls(answer.data(), &mut Vec::new(), &marked, &mut seen) {
                        assert!(paths.contains(&&path), "{path} is null without an error: {query}");
                    }
                }
            }
        }
        // Each was there with a value and without one; mutations and subscriptions are tested where they are.
        let reached: Vec<&str> = seen.iter().map(String::as_str).collect();
        let mut expected = Vec::new();
        for field in [
            "Query.roles",
            "Query.team",
            "Query.teamMembers",
            "Role.members",
            "Team.members",
            "TeamMemberConnection.groups",
        ] {
            expected.extend([format!("{field} false"), format!("{field} true")]);
        }
        expected.sort_unstable();
        assert_eq!(reached, expected);
    }
}
