//! Cases written by hand (`cases.jsonl`). `expect` is the phase in which a request must end; `refused` lists the fields whose
//! arguments must be refused. The service and graphql-js are both held to it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::compare::{Comparison, decide, shapes};
use super::generate::Case;
use super::judge::Phase;
use super::service::Ending;
use super::sides::{SCHEMAS, Sides};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    expect: Phase,
    #[serde(default)]
    schema: Option<String>,
    query: String,
    operation_name: Option<Box<RawValue>>,
    variables: Option<std::collections::BTreeMap<String, Box<RawValue>>>,
    #[serde(default)]
    refused: Vec<String>,
}

fn lines() -> Vec<(Line, Case)> {
    let read = |text: &str| {
        let line: Line = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let subgraph = line.schema.as_deref() == Some(SCHEMAS[1]);
        let raw = |value: &RawValue| value.get().to_owned();
        let variables = line.variables.as_ref();
        let case = Case {
            schema: SCHEMAS[usize::from(subgraph)],
            query: line.query.clone(),
            operation_name: line.operation_name.as_deref().map(raw),
            variables: variables.map(|all| all.iter().map(|(name, value)| (name.clone(), raw(value))).collect()),
        };
        (line, case)
    };
    include_str!("cases.jsonl").lines().map(read).collect()
}

#[test]
fn the_written_cases_end_as_expected_in_service_and_graphql_js() {
    let mut sides = Sides::start();
    let mut wrong = Vec::new();
    let lines = lines();
    assert!(lines.len() > 200);
    for (line, case) in &lines {
        let (outcome, verdicts) = sides.judge(case);
        let comparison = Sides::settle(&mut sides.judge, case, &outcome, &verdicts);
        let theirs = decide(&verdicts).map(|verdict| verdict.phase);
        let refused = shapes(&outcome.refused).into_iter().collect::<Vec<_>>();
        let agreed = matches!(comparison, Comparison::Agree | Comparison::Deliberate(_));
        if !agreed || outcome.ending != Ending::In(line.expect) || theirs != Ok(line.expect) || refused != line.refused
        {
            let expected = format!("expected {:?} {:?}, graphql-js {theirs:?}", line.expect, line.refused);
            wrong.push(format!("{}\n  {expected}, {comparison:?}\n  {}", case.body(), outcome.text));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}
