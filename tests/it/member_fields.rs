//! The table of a member's scalar fields against the schema: each field of either is in the other, documented, and in the
//! sample.

use std::collections::BTreeSet;

use flowmatix_graphql::model::{ScalarField, Since};
use serde_json::Value;

use crate::support::{TestApp, account};

/// The fields of `TeamMember` that are written by hand.
const OTHERS: [&str; 7] = ["id", "account", "contact", "role", "team", "agencyId", "unrecognized"];

#[tokio::test]
async fn every_field_of_a_member_is_in_the_table_and_documented() {
    let app = TestApp::start().await;
    let query = r#"{ __type(name: "TeamMember") { fields { name description args { name } } } }"#;
    let data = app.query(query).await.clean();
    let fields = data["__type"]["fields"].as_array().unwrap();
    let names: BTreeSet<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
    let known: BTreeSet<&str> = ScalarField::ALL.iter().map(|field| field.name()).chain(OTHERS).collect();
    assert_eq!(names, known);
    for field in fields {
        assert!(field["description"].as_str().is_some_and(|text| text.len() > 8 && text.ends_with('.')), "{field}");
    }
    for field in ScalarField::ALL {
        assert_eq!(ScalarField::from_name(field.name()), Some(*field));
        assert_eq!(ScalarField::from_key(field.key()), Some(*field));
    }
}

#[tokio::test]
async fn every_field_of_a_member_has_a_value_in_the_sample_and_the_same_by_both_executions() {
    let app = TestApp::start().await;
    let engine = TestApp::with(&[("graphql.projection", "false")]).await;
    let names: Vec<&str> = ScalarField::ALL.iter().map(|field| field.name()).collect();
    let query = format!("{{ teamMembers({}) {{ nodes {{ {} }} }} }}", account(2), names.join(" "));
    let data = app.query(&query).await.clean();
    assert_eq!(app.metric("flowmatix_executions_total{path=\"projection\"}").await, 1.0);
    // Pictures are served by each sample under its own address.
    let without_address = |data: &Value, app: &TestApp| data.to_string().replace(&app.demo.url(), "");
    assert_eq!(without_address(&data, &app), without_address(&engine.query(&query).await.clean(), &engine));
    let members = data["teamMembers"]["nodes"].as_array().unwrap();
    for field in ScalarField::ALL {
        let with_value = members.iter().filter(|member| !member[field.name()].is_null()).count();
        assert!(with_value > 0, "the sample has no {}", field.key());
        // Newer fields are missing in some rows, as they are upstream.
        assert_eq!(with_value == members.len(), field.since() == Since::Documented, "{}", field.key());
    }
}
