//! Relay's `node`: a member or a role of the request's account, by the upstream's identifier.

use flowmatix_graphql::config::FederationConfig;
use flowmatix_graphql::graphql::federation_sdl;
use serde_json::{Value, json};

use crate::support::{TestApp, member};

const NODE: &str =
    "query($id: ID!) { node(id: $id) { __typename id ... on TeamMember { name team { account { email } } }
    ... on Role { memberCount } ...N } } fragment N on Node { again: id }";

#[tokio::test]
async fn a_node_is_a_member_or_a_role_of_the_requests_account_by_both_executions() {
    for projection in ["true", "false"] {
        let app = TestApp::with(&[("graphql.projection", projection)]).await;
        let (ids, foreign) = (member(&app, 0).await, member(&app, 2).await);
        let roles = app.query("{ roles { id memberCount } }").await.clean();
        let role = &roles["roles"][0];
        let ask = async |id: &Value| app.variables(NODE, json!({ "id": id })).await.clean()["node"].clone();
        let found = ask(&json!(ids[0])).await;
        assert_eq!(
            (&found["__typename"], &found["id"], &found["again"]),
            (&json!("TeamMember"), &json!(ids[0]), &json!(ids[0]))
        );
        assert_eq!(found["team"]["account"]["email"], "maya@lantern-books.example");
        let expected =
            json!({ "__typename": "Role", "id": role["id"], "memberCount": role["memberCount"], "again": role["id"] });
        assert_eq!(ask(&role["id"]).await, expected);
        assert_eq!(ask(&json!("nobody")).await, Value::Null);
        // Another account's member is found where the request is of that account, and there alone.
        assert_eq!(ask(&json!(foreign[0])).await, Value::Null);
        let request =
            app.post().header("x-flowmatix-email", "ops@tall-pines.example").header("x-flowmatix-type", "CUSTOM_USER");
        let body = json!({ "query": NODE, "variables": { "id": foreign[0] } });
        let answer = app.send(request.body(body.to_string())).await.clean();
        assert_eq!(answer["node"]["id"], foreign[0]);
    }
}

#[test]
fn node_is_no_part_of_the_federation_sdl() {
    let sdl = federation_sdl(&FederationConfig::default(), true);
    assert!(!sdl.contains("Node") && !sdl.contains("node("), "{sdl}");
}
