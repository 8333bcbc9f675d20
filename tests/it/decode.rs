//! The documented bodies, taken from the vendor's documentation and not from the sample, read by the real service.

use axum::http::StatusCode;
use flowmatix_graphql::demo::Scripted;
use serde_json::json;

use crate::support::TestApp;

const EVERYTHING: &str = "{ teamMembers { nodes { id whitelabel name contact { id email phone { prefix number e164 } } picture
    liveAvailability leadsVisibility status description type unreadMessages role { id } agencyId createdAt updatedAt version
    assignedBotIds assignedAiAgentIds departmentIds businessHoursId chatTransferPermission maskedAttributes
    unrecognized { field value } } skippedRows { index } } }";

#[tokio::test]
async fn the_documented_body_is_read_field_by_field() {
    let app = TestApp::start().await;
    app.demo.script(None, Some(Scripted::ok(include_str!("fixtures/custom-user.json"))));
    let data = app.query(EVERYTHING).await.clean();
    assert_eq!(
        data["teamMembers"],
        json!({ "skippedRows": [], "nodes": [{
            "id": "65f1a0c2d4e5f6a7b8c9d001", "whitelabel": false, "name": "Asha Raman",
            "contact": { "id": "65f1a0c2d4e5f6a7b8c9e001", "email": "asha.raman@example.com",
                "phone": { "prefix": "91", "number": "5550100001", "e164": "+915550100001" } },
            "picture": "https://cdn.example.com/avatars/asha.svg", "liveAvailability": "ONLINE",
            "leadsVisibility": "ASSIGNED", "status": "ACTIVE", "description": "", "type": "CUSTOMER", "unreadMessages": 47,
            "role": { "id": "65f1a0c2d4e5f6a7b8c9f001" }, "agencyId": "65f1a0c2d4e5f6a7b8c9a001",
            "createdAt": "2024-04-26T17:10:22.134Z", "updatedAt": "2024-05-14T05:37:24.820Z", "version": 0,
            "assignedBotIds": null, "assignedAiAgentIds": null, "departmentIds": null, "businessHoursId": null,
            "chatTransferPermission": null, "maskedAttributes": null, "unrecognized": []
        }] })
    );
}

#[tokio::test]
async fn the_newer_fields_are_read_too() {
    let app = TestApp::start().await;
    app.demo.script(None, Some(Scripted::ok(include_str!("fixtures/custom-user-extended.json"))));
    let data = app.query(EVERYTHING).await.clean();
    let node = &data["teamMembers"]["nodes"][0];
    assert_eq!(node["assignedBotIds"], json!([]));
    assert_eq!(node["assignedAiAgentIds"], json!(["65f1a0c2d4e5f6a7b8c9b001", "65f1a0c2d4e5f6a7b8c9b002"]));
    assert_eq!(node["departmentIds"], json!(["65f1a0c2d4e5f6a7b8c9c001"]));
    assert_eq!((&node["chatTransferPermission"], &node["businessHoursId"]), (&json!("ASSIGNED"), &json!(null)));
    assert_eq!((&node["maskedAttributes"], &node["unrecognized"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn the_call_is_as_documented() {
    let app = TestApp::start().await;
    app.query("{ roles { id } }").await.clean();
    let call = &app.demo.log()[0];
    assert_eq!(call.token.as_deref(), Some("demo-agency-token"));
    assert_eq!(call.query, "email=maya%40lantern-books.example&type=CUSTOMER");
    for header in ["authtype", "authorization", "accept", "user-agent"] {
        assert!(call.headers.iter().any(|name| name == header), "{header}");
    }
}

#[tokio::test]
async fn envelopes_may_leave_out_or_add_members() {
    let app = TestApp::with(&[("upstream.breaker", "false")]).await;
    let fine = [
        r#"{"data":[{"_id":"1"}]}"#,
        r#" { "x" : [1,{"data":[]}] , "data" : [ { "_id" : "1" } ] , "success" : true } "#,
        r#"{"success":null,"message":null,"data":[{"_id":"1"}],"code":"200","meta":{"page":1}}"#,
        r#"{"d\u0061ta":[{"\u005fid":"1","na\u006de":"x"}],"success":true}"#,
    ];
    let query = "{ teamMembers { totalCount } }";
    let app_answer = async |body: &'static str| {
        app.demo.script(None, Some(Scripted::ok(body)));
        let other = "query($e: EmailAddress!) { teamMembers(account: { email: $e, type: AGENT }) { totalCount } }";
        // An account of its own for each: failures are remembered.
        let email = format!("a{}@example.com", app.demo.calls());
        app.variables(other, json!({ "e": email })).await
    };
    for body in fine {
        assert_eq!(app_answer(body).await.clean(), json!({ "teamMembers": { "totalCount": 1 } }), "{body}");
    }
    let wrong = [
        r#"[{"_id":"1"}]"#,
        r#"{"success":true}"#,
        r#"{"success":true,"data":null}"#,
        r#"{"success":"yes","data":[]}"#,
        r#"{"success":true,"data":[],"data":[]}"#,
        r#"{"success":true,"data":[{"_id":"1"}{"_id":"2"}]}"#,
        r#"{"success":true,"data":[{"_id":"1"},]}"#,
        r#"{"success":true,"data":[],}"#,
        r#"{"success":true "data":[]}"#,
        r#"{"success":true,"data":[]} trailing"#,
        r#"{"success":true,"data":[]"#,
        r#"{"success":tru,"data":[]}"#,
        "null",
        " ",
    ];
    for body in wrong {
        assert_eq!(app_answer(body).await.codes(), ["UPSTREAM_BAD_RESPONSE"], "{body}");
    }
    app.demo.script(None, Some(Scripted::status(StatusCode::OK, r#"{"data":[]}"#)));
    app.query(query).await.clean();
}
