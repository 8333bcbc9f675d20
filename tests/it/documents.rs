//! Documents that must say what the code does: schema, federation schema, README, the list of codes, the settings.

use flowmatix_graphql::config::Config;
use flowmatix_graphql::graphql::{Code, api_sdl, federation_sdl};
use serde_json::Value;

use crate::support::TestApp;

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
    assert_eq!(read("schema.graphql"), api_sdl(), "print it anew: cargo run -- schema > schema.graphql");
}

#[test]
fn the_federation_schema_file_is_the_codes_schema() {
    let path = "tests/federation/schema.graphql";
    assert_eq!(read(path), federation_sdl(), "print it anew: cargo run -- schema --federation > {path}");
}

#[test]
fn the_settings_page_is_the_codes_reference() {
    let page = read("docs/configuration.md");
    assert_eq!(between(&page, "settings").trim(), Config::reference().trim(), "print it anew: cargo run -- settings");
}

#[test]
fn the_readmes_table_names_every_setting_with_its_default() {
    let readme = read("README.md");
    assert_eq!(
        between(&readme, "settings").trim(),
        Config::summary().trim(),
        "print it anew: cargo run -- settings --summary"
    );
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
    let shown: Value = serde_json::from_str(shown).unwrap();
    let answer = TestApp::start().await.query(&query).await;
    assert_eq!(answer.body["data"], shown["data"]);
}
