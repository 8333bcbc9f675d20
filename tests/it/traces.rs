//! Federated traces (ftv1): who gets one, what is in it, and where it ends.

use serde_json::{Value, json};

use crate::support::trace::{Node, Trace};
use crate::support::{Answer, Keys, TempFile, TestApp, member};

const HEADER: &str = "apollo-federation-include-trace";
const SECRET: &str = "x-flowmatix-router-secret";

async fn ask(app: &TestApp, query: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers.iter().fold(app.post(), |request, (name, value)| request.header(*name, *value));
    app.send(request.body(json!({ "query": query }).to_string())).await
}

/// The node at a path of names and indices.
fn at<'t>(trace: &'t Trace, path: &[&str]) -> &'t Node {
    path.iter().fold(trace.root.as_ref().unwrap(), |node, step| {
        let is_meant = |child: &&Node| match step.parse::<u32>() {
            Ok(index) => child.index == Some(index),
            Err(_) => child.response_name.as_deref() == Some(step),
        };
        node.child.iter().find(is_meant).unwrap_or_else(|| panic!("no {step}"))
    })
}

#[tokio::test]
async fn a_trace_is_there_where_it_is_asked_for_and_nowhere_else() {
    let app = TestApp::start().await;
    let query = "{ team { account { email } } }";
    for (value, there) in [("ftv1", true), ("ftv2", false), ("", false)] {
        let answer = ask(&app, query, &[(HEADER, value)]).await;
        assert_eq!(Trace::of(&answer.body).is_some(), there, "{value}");
    }
    assert!(Trace::of(&ask(&app, query, &[]).await.body).is_none());
    // What is kept for identical requests is no way to a trace, and none is kept.
    for traced in [false, false, true, false] {
        let headers = [(HEADER, "ftv1")];
        let answer = ask(&app, query, if traced { &headers } else { &[] }).await;
        assert_eq!(Trace::of(&answer.body).is_some(), traced);
    }
    assert!(ask(&app, query, &[]).await.header("vary").contains(HEADER));
    for off in ["federation.trace_nodes_limit", "federation.enabled"] {
        let app = TestApp::with(&[(off, if off.ends_with("limit") { "0" } else { "false" })]).await;
        assert!(Trace::of(&ask(&app, query, &[(HEADER, "ftv1")]).await.body).is_none(), "{off}");
    }
}

#[tokio::test]
async fn with_a_secret_only_a_router_gets_a_trace() {
    let secret = TempFile::new("router-secret", "between-routers\n");
    let app = TestApp::with(&[("federation.secret_file", secret.as_str())]).await;
    let query = "{ team { stale } }";
    assert!(Trace::of(&ask(&app, query, &[(HEADER, "ftv1")]).await.body).is_none());
    assert!(Trace::of(&ask(&app, query, &[(HEADER, "ftv1"), (SECRET, "wrong")]).await.body).is_none());
    assert!(Trace::of(&ask(&app, query, &[(HEADER, "ftv1"), (SECRET, "between-routers")]).await.body).is_some());
}

#[tokio::test]
async fn a_trace_has_fields_types_and_masked_errors() {
    for projection in ["true", "false"] {
        let app = TestApp::with(&[("graphql.projection", projection)]).await;
        let ids = member(&app, 0).await;
        let query = format!(
            r#"{{ __typename
                 people: teamMembers(first: 2) {{ __typename nodes {{ id full: name role {{ id }} }} }}
                 gone: teamMembers(account: {{ email: "secret.person@nowhere.example", type: AGENT }}) {{ totalCount }}
                 node(id: "{0}") {{ __typename id ... on TeamMember {{ name }} }}
                 _entities(representations: [{{ __typename: "Role", id: "none" }}, {{ __typename: "TeamMember", id: "{0}" }}]) {{
                   ... on TeamMember {{ name }} ... on Role {{ memberCount }} }} }}"#,
            ids[0].as_str()
        );
        let answer = ask(&app, &query, &[(HEADER, "ftv1")]).await;
        assert_eq!(answer.codes(), ["UPSTREAM_REJECTED"]);
        let trace = Trace::of(&answer.body).unwrap();
        assert!(!trace.is_incomplete);
        let node = |path: &[&str]| {
            let node = at(&trace, path);
            (node.parent_type.as_str(), node.original_field_name.as_str(), node.of.as_str())
        };
        assert_eq!(node(&["people"]), ("Query", "teamMembers", "TeamMemberConnection"));
        assert_eq!(node(&["people", "nodes"]), ("TeamMemberConnection", "", "[TeamMember!]!"));
        assert_eq!(node(&["people", "nodes", "1"]), ("", "", ""));
        assert_eq!(node(&["people", "nodes", "1", "full"]), ("TeamMember", "name", "String"));
        assert_eq!(node(&["people", "nodes", "0", "role", "id"]), ("Role", "", "ID!"));
        assert_eq!(node(&["node"]), ("Query", "", "Node"));
        assert_eq!(node(&["node", "name"]), ("TeamMember", "", "String"));
        assert_eq!(node(&["_entities", "1", "name"]), ("TeamMember", "", "String"));
        assert!(at(&trace, &["_entities", "0"]).child.is_empty());
        let [error] = at(&trace, &["gone"]).error.as_slice() else { panic!() };
        assert_eq!(error.message, "<masked>");
        let json: Value = serde_json::from_str(&error.json).unwrap();
        assert_eq!(json["path"], json!(["gone"]));
        assert_eq!(json["extensions"], json!({ "code": "UPSTREAM_REJECTED" }));
        assert_eq!(trace.errors(), 1);
        // Nothing of the document's values, and of the answer's, is in it.
        let text = format!("{trace:?}");
        for canary in ["secret.person", ids[0].as_str(), "lantern"] {
            assert!(!text.contains(canary), "{canary}");
        }
    }
}

#[tokio::test]
async fn a_trace_ends_at_its_limit_and_says_so() {
    for projection in ["true", "false"] {
        let app = TestApp::with(&[("graphql.projection", projection), ("federation.trace_nodes_limit", "40")]).await;
        // A root field, a list, and twelve items of two fields: 38 nodes.
        let fits = ask(&app, "{ teamMembers { nodes { id name } } }", &[(HEADER, "ftv1")]).await;
        let trace = Trace::of(&fits.body).unwrap();
        assert_eq!((trace.nodes(), trace.is_incomplete), (38, false));
        let cut = ask(&app, "{ teamMembers { nodes { id name status } } }", &[(HEADER, "ftv1")]).await;
        let trace = Trace::of(&cut.body).unwrap();
        assert!(trace.is_incomplete && trace.nodes() <= 40, "{}", trace.nodes());
        // The answer itself is whole.
        assert_eq!(cut.data()["teamMembers"]["nodes"].as_array().unwrap().len(), 12);
    }
}

#[tokio::test]
async fn an_error_in_a_row_is_at_its_node_or_at_the_last_one_above_it() {
    let keys = Keys::new(&[("plain", &[0], false)]);
    let query = "{ all: teamMembers { nodes { id mine: contact { email } } } more: teamMembers { nodes { contact { email } } } }";
    let field = |key: &str, name: &str| json!([key, "nodes", 0, name]);
    for projection in ["true", "false"] {
        // Both errors have their nodes; those of the first root field's row, and none of the second; none at all but a root's.
        for (limit, places) in [
            ("10000", [&["all", "nodes", "0", "mine"][..], &["more", "nodes", "0", "contact"]]),
            ("5", [&["all", "nodes", "0", "mine"], &[]]),
            ("3", [&["all", "nodes", "0"], &[]]),
            ("2", [&["all", "nodes"], &[]]),
        ] {
            let mut settings = keys.settings().to_vec();
            settings.extend([("graphql.projection", projection), ("federation.trace_nodes_limit", limit)]);
            let app = TestApp::with(&settings).await;
            let request = app.post().bearer_auth(keys.key(0)).header(HEADER, "ftv1");
            let answer = app.send(request.body(json!({ "query": query }).to_string())).await;
            let trace = Trace::of(&answer.body).unwrap();
            assert_eq!((trace.errors(), trace.is_incomplete), (2, limit != "10000"), "{limit}");
            for (place, path) in places.iter().zip([field("all", "mine"), field("more", "contact")]) {
                let is_meant = |json: &str| serde_json::from_str::<Value>(json).unwrap()["path"] == path;
                assert!(at(&trace, place).error.iter().any(|error| is_meant(&error.json)), "{limit}: {path}");
            }
        }
    }
}
