//! An operator that is null is refused by both executions, and never widens a filter to the whole team.

use serde_json::{Value, json};

use crate::support::TestApp;

const FILTERED: &str = "query($filter: TeamMemberFilter) { teamMembers(filter: $filter) { totalCount } }";

async fn both() -> [TestApp; 2] {
    [TestApp::start().await, TestApp::with(&[("graphql.projection", "false")]).await]
}

#[tokio::test]
async fn an_operator_that_is_null_is_refused_with_its_path() {
    let cases = [
        (json!({ "id": { "eq": null } }), "filter.id.eq"),
        (json!({ "roleId": { "in": null } }), "filter.roleId.in"),
        (json!({ "name": { "contains": null } }), "filter.name.contains"),
        (json!({ "name": { "contains": "a", "startsWith": null } }), "filter.name.startsWith"),
        (json!({ "email": { "eq": null } }), "filter.email.eq"),
        (json!({ "unreadMessages": { "gte": null } }), "filter.unreadMessages.gte"),
        (json!({ "createdAt": { "before": null } }), "filter.createdAt.before"),
        (json!({ "id": { "notIn": null } }), "filter.id.notIn"),
        (json!({ "roleId": { "isNull": null } }), "filter.roleId.isNull"),
        (json!({ "name": { "notIn": null } }), "filter.name.notIn"),
        (json!({ "unreadMessages": { "isNull": null } }), "filter.unreadMessages.isNull"),
        (json!({ "createdAt": { "onOrAfter": null } }), "filter.createdAt.onOrAfter"),
        (json!({ "updatedAt": { "onOrBefore": null } }), "filter.updatedAt.onOrBefore"),
        (json!({ "and": [{ "status": ["ACTIVE"] }, { "not": { "id": { "in": null } } }] }), "filter.and[1].not.id.in"),
        (json!({ "or": [{ "updatedAt": { "after": null } }] }), "filter.or[0].updatedAt.after"),
    ];
    for app in both().await {
        for (filter, path) in &cases {
            let answer = app.variables(FILTERED, json!({ "filter": filter })).await;
            assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{path}: {:#}", answer.body);
            assert_eq!(answer.body["errors"][0]["message"], format!("\"{path}\" must not be null"));
            assert_eq!(answer.data()["teamMembers"], Value::Null);
        }
        // Written in the document, and by a variable of its own.
        let literal = app.query("{ teamMembers(filter: { id: { eq: null } }) { totalCount } }").await;
        assert_eq!(literal.codes(), ["BAD_USER_INPUT"]);
        let own = "query($id: ID) { teamMembers(filter: { id: { eq: $id } }) { totalCount } }";
        assert_eq!(app.variables(own, json!({ "id": null })).await.codes(), ["BAD_USER_INPUT"]);
    }
}

#[tokio::test]
async fn a_condition_that_is_null_or_an_operator_that_is_not_given_is_left_out() {
    for app in both().await {
        for filter in
            [json!(null), json!({}), json!({ "id": null, "and": null, "name": {} }), json!({ "status": null })]
        {
            let data = app.variables(FILTERED, json!({ "filter": filter })).await.clean();
            assert_eq!(data["teamMembers"]["totalCount"], 12, "{filter}");
        }
        let own = "query($id: ID) { teamMembers(filter: { id: { eq: $id } }) { totalCount } }";
        assert_eq!(app.variables(own, json!({})).await.clean()["teamMembers"]["totalCount"], 12);
    }
}
