//! GraphQL to the letter: documents and variables that servers often judge differently from the specification, each with its
//! right outcome in both executions; and introspection in detail.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// A line of `fixtures/language.jsonl`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    claim: String,
    query: String,
    variables: Option<Box<RawValue>>,
    operation_name: Option<String>,
    /// Whether it needs the fields of a subgraph.
    #[serde(default)]
    subgraph: bool,
    /// The code of its first error, where there is one.
    code: Option<String>,
    /// Where that is in the document.
    locations: Option<Value>,
    message: Option<String>,
    /// Which field's error it is; then there is data beside it.
    path: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    data: Option<Value>,
}

/// A value that is given, if only as null.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn cases() -> Vec<Case> {
    let path = format!("{}/tests/it/fixtures/language.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

impl Case {
    async fn ask(&self, app: &TestApp) -> Answer {
        // Not by way of a value, which would round large numbers.
        let variables = self.variables.as_ref().map_or("null", |variables| variables.get());
        let (query, name) = (json!(self.query), json!(self.operation_name));
        let body = format!(r#"{{"query":{query},"variables":{variables},"operationName":{name}}}"#);
        app.send(app.post().body(body)).await
    }

    fn check(&self, answer: &Answer) {
        let (claim, body) = (&self.claim, &answer.body);
        let Some(code) = &self.code else {
            assert!(body.get("errors").is_none() && body["data"].is_object(), "{claim}: {body:#}");
            return;
        };
        let error = &body["errors"][0];
        assert_eq!(error["extensions"]["code"], code.as_str(), "{claim}: {body:#}");
        assert!(body["errors"].as_array().unwrap().len() == 1 || self.message.is_none(), "{claim}: {body:#}");
        let is_placed = error["locations"].as_array().is_some_and(|places| !places.is_empty());
        assert!(is_placed, "{claim}: {body:#}");
        if let Some(locations) = &self.locations {
            assert_eq!(&error["locations"], locations, "{claim}");
        }
        if let Some(message) = &self.message {
            assert_eq!(error["message"], message.as_str(), "{claim}");
        }
        match (&self.path, &self.data) {
            (Some(path), _) => {
                assert_eq!(&error["path"], path, "{claim}: {body:#}");
                assert!(body["data"].is_object(), "{claim}: {body:#}");
            }
            (None, Some(data)) => assert_eq!(body.get("data"), Some(data), "{claim}: {body:#}"),
            (None, None) => assert!(body.get("data").is_none(), "{claim}: {body:#}"),
        }
    }
}

#[tokio::test]
async fn documents_and_variables_are_judged_by_the_specification_on_both_ways_of_executing() {
    let projected = TestApp::with(&[("federation.enabled", "true")]).await;
    let executed = TestApp::with(&[("federation.enabled", "true"), ("graphql.projection", "false")]).await;
    let api = TestApp::start().await;
    for case in cases() {
        let answer = case.ask(&projected).await;
        case.check(&answer);
        let other = case.ask(&executed).await;
        assert_eq!(answer.body["errors"], other.body["errors"], "{}", case.claim);
        assert_eq!(answer.body.get("data"), other.body.get("data"), "{}", case.claim);
        if !case.subgraph {
            case.check(&case.ask(&api).await);
        }
    }
}

#[tokio::test]
async fn errors_of_a_fragment_are_said_once_however_many_operations_spread_it() {
    let app = TestApp::start().await;
    let query = "query A { roles { ...F } } query B { roles { ...F } } fragment F on Role { nope }";
    let answer = app.query(query).await;
    assert_eq!(answer.codes(), ["GRAPHQL_VALIDATION_FAILED"], "{:#}", answer.body);
}

#[tokio::test]
async fn introspection_tells_of_the_schema_what_is_in_it() {
    let app = TestApp::with(&[("federation.enabled", "true")]).await;
    let query = "{ before: __typename __schema { description
        types { name kind isOneOf specifiedByURL inputFields(includeDeprecated: true) { name isDeprecated deprecationReason } }
        directives { name isRepeatable args(includeDeprecated: true) { name isDeprecated } } }
        roles { __typename } __type(name: \"EmailAddress\") { specifiedByURL } none: __type(name: \"Nope\") { name } }";
    let answer = app.query(query).await.clean();
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 5);
    assert_eq!(answer["__schema"]["description"], Value::Null);
    assert!(answer["__type"]["specifiedByURL"].as_str().unwrap().starts_with("https://"));
    assert_eq!(answer["none"], Value::Null);
    let types = answer["__schema"]["types"].as_array().unwrap();
    let names: BTreeSet<&str> = types.iter().map(|of| of["name"].as_str().unwrap()).collect();
    assert!(!names.contains("Float"), "no field, argument or input field is of this type");
    assert!(["Int", "String", "Boolean", "ID", "_Any", "_Entity", "__Type"].iter().all(|name| names.contains(name)));
    for of in types {
        let expected = if of["kind"] == "INPUT_OBJECT" { json!(false) } else { Value::Null };
        assert_eq!(of["isOneOf"], expected, "{of}");
    }
    let directives = answer["__schema"]["directives"].as_array().unwrap();
    assert!(directives.iter().all(|directive| directive["isRepeatable"] == false));
    assert!(directives.iter().any(|directive| directive["name"] == "include"));
}

#[tokio::test]
async fn what_is_asked_of_the_schema_and_of_the_team_comes_in_the_order_of_the_document() {
    let app = TestApp::start().await;
    let query =
        "{ z: roles { __typename } ...F a: __typename } fragment F on Query { m: __type(name: \"Role\") { name } }";
    let body = json!({ "query": query }).to_string();
    let text = app.post().body(body).send().await.unwrap().text().await.unwrap();
    let places: Vec<_> = ["\"z\":", "\"m\":", "\"a\":"].iter().map(|key| text.find(key).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains(r#""m":{"name":"Role"}"#), "{text}");
}
