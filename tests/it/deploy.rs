//! What is deployed beside the service: alert rules that promtool accepts, and a dashboard, over metrics that there are.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The names of metrics in expressions, without what the text format adds.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let base = |word: &str| {
        let word = word.strip_prefix("flowmatix_")?;
        let suffix = ["_total", "_bucket", "_count", "_sum"].into_iter().find_map(|suffix| word.strip_suffix(suffix));
        Some(suffix.unwrap_or(word).to_owned())
    };
    words.filter_map(base).filter(|name| !name.is_empty() && name != "graphql").collect()
}

fn catalogue() -> BTreeSet<String> {
    let page = read("docs/operations.md");
    page.lines().filter_map(|line| line.strip_prefix("| `flowmatix_")?.split('`').next().map(str::to_owned)).collect()
}

fn expressions(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn promtool_accepts_the_rules_and_their_cases() {
    for arguments in
        [["check", "rules", "deploy/prometheus-alerts.yaml"], ["test", "rules", "deploy/prometheus-alerts.test.yaml"]]
    {
        let output = Command::new("promtool").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}

#[test]
fn rules_and_panels_ask_for_metrics_that_there_are() {
    let catalogue = catalogue();
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana-dashboard.json")).unwrap();
    let rules = read("deploy/prometheus-alerts.yaml");
    let expressions = expressions(&dashboard);
    assert!(expressions.len() >= 15);
    for text in expressions.iter().chain([&rules]) {
        let missing: Vec<_> = named(text).into_iter().filter(|name| !catalogue.contains(name)).collect();
        assert_eq!(missing, Vec::<String>::new(), "{text}");
    }
}

/// As rules, so that promtool reads each.
#[test]
fn promtool_can_read_every_panels_query() {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana-dashboard.json")).unwrap();
    let mut rules = String::from("groups:\n  - name: panels\n    rules:\n");
    for (n, expression) in expressions(&dashboard).iter().enumerate() {
        let expression = expression.replace("$__rate_interval", "5m").replace('\'', "''");
        rules.push_str(&format!("      - record: panel:{n}\n        expr: '{expression}'\n"));
    }
    let file = crate::support::TempFile::new("panels.yaml", &rules);
    let output = Command::new("promtool").args(["check", "rules", file.as_str()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
