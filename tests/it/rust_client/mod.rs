//! A client in Rust, over the real server: graphql_client makes types of the printed schema and of documents. docs/clients.md
//! shows this file.

use std::collections::BTreeSet;

use graphql_client::{GraphQLQuery, Response};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::TestApp;

type DateTime = String;
type EmailAddress = String;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "tests/it/rust_client/documents.graphql",
    response_derives = "Debug, PartialEq",
    variables_derives = "Clone",
    skip_serializing_none
)]
struct Page;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "schema.graphql", query_path = "tests/it/rust_client/documents.graphql", skip_serializing_none)]
struct Beside;

async fn ask<Data: DeserializeOwned>(http: &reqwest::Client, url: &str, body: &impl Serialize) -> Response<Data> {
    let request = http.post(url).header(ACCEPT, "application/graphql-response+json");
    let request = request.header(CONTENT_TYPE, "application/json").body(serde_json::to_string(body).unwrap());
    let answer = request.send().await.unwrap();
    // Data of the fields that did not fail is kept; `errors` says which did.
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn pages_are_read_to_the_end_with_types_made_of_the_printed_schema() {
    let app = TestApp::start().await;
    let (http, url) = (reqwest::Client::builder().no_proxy().build().unwrap(), app.url());
    let account = page::AccountInput { email: "ops@tall-pines.example".to_owned(), type_: page::UserType::CUSTOM_USER };
    let mut variables = page::Variables { account: Some(account), filter: None, first: Some(7), after: None };
    let (mut ids, mut pages) = (BTreeSet::new(), 0);
    loop {
        let answer: Response<page::ResponseData> = ask(&http, &url, &Page::build_query(variables.clone())).await;
        assert!(answer.errors.is_none(), "{:?}", answer.errors);
        let members = answer.data.unwrap().team_members.unwrap();
        assert!(!members.stale);
        pages += 1;
        ids.extend(members.nodes.into_iter().map(|member| member.id));
        if !members.page_info.has_next_page {
            break;
        }
        variables.after = members.page_info.end_cursor;
    }
    assert_eq!((pages, ids.len()), (250_usize.div_ceil(7), 250));
}

#[tokio::test]
async fn a_condition_without_a_value_is_left_out_and_not_null() {
    let app = TestApp::start().await;
    let named = page::TeamMemberStringFilter {
        contains: Some("an".to_owned()),
        eq: None,
        in_: None,
        not_in: None,
        is_null: None,
        starts_with: None,
    };
    let filter = page::TeamMemberFilter { name: Some(named), ..no_condition() };
    let variables = page::Variables { account: None, filter: Some(filter), first: None, after: None };
    let (http, body) = (reqwest::Client::builder().no_proxy().build().unwrap(), Page::build_query(variables));
    let answer: Response<page::ResponseData> = ask(&http, &app.url(), &body).await;
    let nodes = answer.data.unwrap().team_members.unwrap().nodes;
    assert!(!nodes.is_empty() && nodes.iter().all(|node| folded(node.name.as_deref()).contains("an")), "{nodes:?}");
    // As it would be sent without `skip_serializing_none`.
    let mut body = serde_json::to_value(&body).unwrap();
    body["variables"]["filter"]["name"]["eq"] = serde_json::Value::Null;
    let refused: Response<page::ResponseData> = ask(&http, &app.url(), &body).await;
    assert_eq!(codes(&refused), ["BAD_USER_INPUT"]);
}

#[tokio::test]
async fn data_is_kept_beside_errors_and_their_codes_are_read() {
    let app = TestApp::start().await;
    let body = Beside::build_query(beside::Variables { wrong: Some(-1), account: None });
    let answer: Response<beside::ResponseData> =
        ask(&reqwest::Client::builder().no_proxy().build().unwrap(), &app.url(), &body).await;
    assert_eq!(codes(&answer), ["BAD_USER_INPUT"]);
    let data = answer.data.unwrap();
    assert!(data.team_members.is_none());
    let members: i64 = data.roles.unwrap().iter().map(|role| role.member_count).sum();
    assert!(members > 0);
}

fn no_condition() -> page::TeamMemberFilter {
    page::TeamMemberFilter {
        and: Box::new(None),
        or: Box::new(None),
        not: Box::new(None),
        id: None,
        name: None,
        email: None,
        role_id: None,
        type_: None,
        status: None,
        live_availability: None,
        leads_visibility: None,
        unread_messages: None,
        created_at: None,
        updated_at: None,
        whitelabel: None,
    }
}

fn codes<Data>(answer: &Response<Data>) -> Vec<String> {
    let code = |error: &graphql_client::Error| {
        let extensions = error.extensions.as_ref().unwrap();
        extensions["code"].as_str().unwrap().to_owned()
    };
    answer.errors.iter().flatten().map(code).collect()
}

fn folded(name: Option<&str>) -> String {
    name.unwrap_or_default().to_lowercase()
}
