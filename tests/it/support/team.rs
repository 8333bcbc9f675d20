//! Generated teams.

use flowmatix_graphql::demo::{ACCOUNTS, DemoAccount};
use serde_json::{Value, json};

/// A row with an id and a name.
pub fn row(id: &str, name: &str) -> Value {
    json!({ "_id": id, "name": name })
}

/// The account argument for one of the sample's accounts.
pub fn account(index: usize) -> String {
    let DemoAccount { email, user_type, .. } = ACCOUNTS[index];
    format!("account: {{ email: \"{email}\", type: {user_type} }}")
}

/// The id of the n-th member of a sample account, asked of the sample itself.
pub async fn member(app: &super::TestApp, index: usize) -> Vec<String> {
    let DemoAccount { email, user_type, token, .. } = ACCOUNTS[index];
    let url = format!("{}/custom-user", app.demo.url());
    let request = app.client.get(url).query(&[("email", email), ("type", user_type)]);
    let answer = app.send(request.bearer_auth(token).header("authtype", "Key")).await;
    answer.body["data"].as_array().unwrap().iter().map(|row| row["_id"].as_str().unwrap().to_owned()).collect()
}
