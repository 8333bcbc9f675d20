//! Printed documents agree with the code: the schema, the federation schema, the README, the error codes, the settings.

use flowmatix_graphql::config::Config;
use flowmatix_graphql::config::FederationConfig;
use flowmatix_graphql::demo::{DemoSwitches, InvalidSwitches};
use flowmatix_graphql::graphql::{Code, api_sdl, federation_sdl};
use serde_json::Value;

use crate::support::{TestApp, account};

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What stands in the file between the two comments of this name.
fn between<'t>(text: &'t str, name: &str) -> &'t str {
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    text.split_once(&start).and_then(|(_, rest)| rest.split_once(&end)).map(|(inside, _)| inside).unwrap()
}

#[test]
fn the_schema_file_is_the_codes_schema() {
    assert_eq!(read("schema.graphql"), api_sdl(true), "print it anew: cargo run -- schema > schema.graphql");
}

#[test]
fn the_federation_schema_file_is_the_codes_schema() {
    let path = "tests/federation/schema.graphql";
    assert_eq!(
        read(path),
        federation_sdl(&FederationConfig::default(), false),
        "print it anew: cargo run -- schema --federation --without-tokens > {path}"
    );
}

#[test]
fn the_settings_page_is_the_codes_reference() {
    let page = read("docs/configuration.md");
    assert_eq!(between(&page, "settings").trim(), Config::reference().trim(), "print it anew: cargo run -- settings");
}

#[test]
fn the_page_of_codes_lists_each_code_once_and_no_other() {
    let page = read("docs/errors.md");
    let listed: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut expected: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let mut sorted = listed.clone();
    sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
}

#[tokio::test]
async fn the_readmes_first_query_has_the_answer_that_it_shows() {
    let readme = read("README.md");
    let query = between(&readme, "first query").lines().find(|line| line.starts_with('{')).unwrap().to_owned();
    let shown = between(&readme, "first answer");
    let shown = shown.trim().trim_start_matches("```json").trim_end_matches("```");
    let mut shown: Value = serde_json::from_str(shown).unwrap();
    let mut answer = TestApp::start().await.query(&query).await.body;
    // The one figure that depends on the time.
    for body in [&mut shown, &mut answer] {
        *body.pointer_mut("/extensions/upstream/budget/resetSeconds").unwrap() = Value::Null;
    }
    assert_eq!(answer, shown);
}

#[tokio::test]
async fn the_page_of_metrics_lists_what_is_counted_and_no_more() {
    let page = read("docs/operations.md");
    let mut listed: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `flowmatix_")?.split('`').next()).collect();
    listed.sort_unstable();
    // Everything that can happen, once: what never happened is not in the text.
    let app = TestApp::with(&[("budget.calls_per_hour", "2")]).await;
    app.query("{").await;
    app.demo.set_switches(DemoSwitches { malformed: Some(InvalidSwitches::BadRows), ..DemoSwitches::default() });
    app.query("{ teamMembers { totalCount } }").await.clean();
    assert_eq!(app.query(&format!("{{ roles({}) {{ id }} }}", account(1))).await.codes(), ["UPSTREAM_RATE_LIMITED"]);
    let mut events = crate::live::subscribe(&app, crate::live::AVAILABILITY).await;
    events.next().await;
    drop(events);
    while app.metric("flowmatix_subscriptions_ended_total{reason=\"client\"}").await < 1.0 {
        tokio::task::yield_now().await;
    }
    let url = format!("http://{}/metrics", app.app.admin_address());
    let text = app.client.get(url).send().await.unwrap().text().await.unwrap();
    let mut counted: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# HELP flowmatix_")?.split(' ').next()).collect();
    counted.sort_unstable();
    assert_eq!(listed, counted);
    // The values of every label are listed, too.
    for (_, labels) in text.lines().filter_map(|line| line.split_once('{')) {
        for value in labels.split('"').skip(1).step_by(2).filter(|value| !value.contains(|c: char| c.is_ascii_digit()))
        {
            let known = page.contains(&format!("`{value}`")) || read("docs/errors.md").contains(&format!("`{value}`"));
            assert!(known || value == "+Inf", "{value}");
        }
    }
}
