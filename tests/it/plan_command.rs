//! `plan`: operations are judged as the service judges requests, and its exit codes are for CI.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::service::run;
use crate::support::{TempFile, TestApp};

/// A folder of documents, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let (process, n) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("flowmatix-plan-{process}-{n}"));
        for (name, text) in files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn glob(&self) -> String {
        format!("{}/**/*.graphql", self.0.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn plan(arguments: &[&str]) -> (i32, String, String) {
    let output = run(&[&["plan"][..], arguments].concat(), &[]);
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// The report as JSON, which has to be within its limits.
fn report(arguments: &[&str]) -> Value {
    let (code, out, err) = plan(&[arguments, &["--format", "json"]].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

const TEAM: &str = "query Team($first: Int) { teamMembers(first: $first) { nodes { ...Card } totalCount } }";
const CARD: &str = "fragment Card on TeamMember { id name role { id } ...Reach }";
const REACH: &str = "fragment Reach on TeamMember { contact { email } }";

#[test]
fn operations_are_found_with_their_fragments_and_described() {
    let folder = Folder::with(&[
        ("a/team.graphql", TEAM),
        ("b/card.graphql", CARD),
        ("b/deep/reach.graphql", REACH),
        (
            "two.graphql",
            "query Two($a: AccountInput) { own: roles { id } other: roles(account: $a) { id } third: role(id: 1) { id } }",
        ),
        ("token.graphql", "mutation Issue($a: AccountInput!) { issuePermanentToken(account: $a) { token } }"),
        ("entities.graphql", "query Entities($r: [_Any!]!) { _entities(representations: $r) { ... on Role { id } } }"),
        ("about.graphql", "{ __typename }"),
    ]);
    let report = report(&["--documents", &folder.glob()]);
    let found: Vec<_> = report["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let scopes: Vec<_> =
                line["scopes"].as_array().unwrap().iter().map(|scope| scope.as_str().unwrap()).collect();
            json!([
                line["name"],
                line["kind"],
                line["accounts"]["usual"],
                line["accounts"]["most"],
                line["directCalls"],
                line["cacheableSeconds"],
                scopes.join(" ")
            ])
        })
        .collect();
    assert_eq!(
        found,
        [
            json!(["Entities", "query", 1, 1000, 0, 60, "team:read"]),
            json!(["Issue", "mutation", 0, 0, 1, 0, "team:read team:token:issue"]),
            json!(["Team", "query", 1, 1, 0, 60, "team:read team:contact:read"]),
            json!(["Two", "query", 2, 2, 0, 60, "team:read"]),
            json!(["about", "query", 0, 0, 0, 0, ""]),
        ]
    );
    assert_eq!(report["total"], Value::Null);
}

/// What `plan` estimates is what the service says of the same request over a team of that size.
#[tokio::test]
async fn estimates_are_those_of_the_service() {
    let app = TestApp::start().await;
    let documents = [
        ("all", "query A { teamMembers { nodes { id name status unreadMessages } totalCount } }", json!({})),
        (
            "page",
            "query B($n: Int) { teamMembers(first: $n) { nodes { id role { id } } pageInfo { endCursor } } }",
            json!({ "n": 5 }),
        ),
        (
            "search",
            "query C($s: String) { teamMembers(search: $s, orderBy: [{ field: NAME }]) { nodes { id } } }",
            json!({ "s": "a long text" }),
        ),
        (
            "skip",
            "query D($all: Boolean!) { teamMembers { nodes { id name @include(if: $all) } } }",
            json!({ "all": false }),
        ),
        ("one", "query E { teamMember(id: \"x\") { id name picture } }", json!({})),
    ];
    for (name, document, variables) in documents {
        let folder = Folder::with(&[(&format!("{name}.graphql"), document)]);
        let operation = document[6..7].to_owned();
        let traffic = TempFile::new(
            "traffic.toml",
            &format!("[team]\nmembers = 12\n[operations.{operation}]\nvariables = {}\n", toml_of(&variables)),
        );
        let report = report(&["--documents", &folder.glob(), "--traffic", traffic.as_str()]);
        let estimated = &report["operations"][0]["cost"]["estimated"];
        let body = json!({ "query": document, "variables": variables }).to_string();
        let answer = app.send(app.post().header("x-flowmatix-show-cost", "true").body(body)).await;
        assert_eq!(answer.body["extensions"]["cost"]["estimated"], *estimated, "{name}");
    }
}

fn toml_of(variables: &Value) -> String {
    let fields: Vec<_> =
        variables.as_object().unwrap().iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!("{{ {} }}", fields.join(", "))
}

#[test]
fn a_worst_cost_covers_every_variable_and_the_limits_set_the_exit_code() {
    let folder = Folder::with(&[("team.graphql", &format!("{TEAM} {CARD} {REACH}"))]);
    let glob = folder.glob();
    let base = ["--documents", glob.as_str()];
    let line = report(&base)["operations"][0].clone();
    let (estimated, worst) = (line["cost"]["estimated"].as_u64().unwrap(), line["cost"]["worst"].as_u64().unwrap());
    // A hundred members by default, a thousand at most; four or five cells each, and a few around them.
    assert!((390..700).contains(&estimated) && (3900..7000).contains(&worst), "{estimated} {worst}");
    let limited = |more: &[&str]| plan(&[&base[..], more].concat());
    assert_eq!(limited(&["--max-cost", &worst.to_string()]).0, 0);
    let (code, _, err) = limited(&["--max-cost", &(worst - 1).to_string()]);
    assert!(code == 1 && err.contains("Team costs up to"), "{code} {err}");
    let traffic = ["--clients", "400", "--interval", "10s", "--accounts", "20"];
    let (code, out, _) = limited(&traffic);
    assert!(code == 0 && out.contains("all together: 144000 requests an hour"), "{out}");
    // Twenty teams, each about every minute: more than a plan of 1,000 can bear.
    let (code, _, err) = limited(&[&traffic[..], &["--max-calls", "100"]].concat());
    assert!(code == 1 && err.contains("calls an hour are expected, more than 100"), "{err}");
    assert_eq!(limited(&[&traffic[..], &["--max-calls", "5000", "--max-age", "1h"]].concat()).0, 0);
    let (code, _, err) = limited(&[&traffic[..], &["--max-age", "61s"]].concat());
    assert!(code == 1 && err.contains("s old"), "{err}");
    assert_eq!(limited(&[&traffic[..], &["--max-age", "61s", "--set", "budget.calls_per_hour=10000"]].concat()).0, 0);
    assert_eq!(limited(&["--max-calls", "100"]).0, 2);
}

#[test]
fn a_larger_plan_and_the_tier_are_compared() {
    let folder = Folder::with(&[("roles.graphql", "query Roles { roles { id } }")]);
    let glob = folder.glob();
    let report = report(&[
        "--documents",
        &glob,
        "--clients",
        "3000",
        "--interval",
        "10s",
        "--accounts",
        "200",
        "--replicas",
        "3",
    ]);
    let total = &report["total"];
    let ages: Vec<_> =
        total["plans"].as_array().unwrap().iter().map(|plan| plan["oldestSeconds"].as_f64().unwrap()).collect();
    assert!(ages[0] > ages[1] && ages[1] > ages[2], "{ages:?}");
    assert_eq!(total["configured"]["overruns"], true);
    assert_eq!(total["withTier"]["overruns"], false);
    assert!(total["withTier"]["callsPerHour"].as_f64() < total["configured"]["callsPerHour"].as_f64());
    let (_, out, _) =
        plan(&["--documents", &glob, "--clients", "3000", "--interval", "10s", "--accounts", "200", "--replicas", "3"]);
    assert!(out.contains("with the cluster tier") && out.contains("more often than the plan allows"), "{out}");
}

#[test]
fn manifests_of_both_forms_are_read_and_a_document_that_is_in_two_places_counts_once() {
    let folder = Folder::with(&[("roles.graphql", "query Roles { roles { id } }")]);
    let plain = TempFile::new("plain.json", &json!({ "x1": "query Own { teamMembers { totalCount } }" }).to_string());
    let apollo = json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [
        { "id": "y", "name": "Card", "type": "query", "body": format!("query Card {{ teamMember(id: 1) {{ ...Card }} }} {CARD} {REACH}") },
        { "id": "z", "name": "Own", "type": "query", "body": "query Own { teamMembers { totalCount } }" },
    ] });
    let apollo = TempFile::new("apollo.json", &apollo.to_string());
    let report = report(&["--documents", &folder.glob(), "--manifest", plain.as_str(), "--manifest", apollo.as_str()]);
    let names: Vec<_> =
        report["operations"].as_array().unwrap().iter().map(|line| line["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Card", "Own", "Roles"]);
}

#[test]
fn what_the_service_would_refuse_is_told_with_its_place() {
    let wrong = [
        ("query A { nothing }", "A: Cannot query field"),
        ("query A { roles { id ", "line 1"),
        ("query A { roles { ...Gone } }", "uses the fragment Gone, which is in no file"),
        ("query A { a: roles { id } } query A { b: roles { id } }", "another operation A"),
        ("fragment X on Role { id }", "there is no operation"),
    ];
    for (document, said) in wrong {
        let folder = Folder::with(&[("wrong.graphql", document)]);
        let (code, _, err) = plan(&["--documents", &folder.glob()]);
        assert!(code == 2 && err.contains(said), "{document}: {code} {err}");
    }
    let folder = Folder::with(&[("roles.graphql", "query Roles { roles { id } }")]);
    for (traffic, said) in [
        ("client = 1", "unknown field"),
        ("interval = \"fast\"", "a duration such as"),
        ("accounts = 0", "expected at least 1"),
        ("interval = \"1ms\"", "expected 100ms"),
        ("[operations.Gone]\nclients = 1", "Gone, which is in no document"),
    ] {
        let file = TempFile::new("traffic.toml", traffic);
        let (code, _, err) = plan(&["--documents", &folder.glob(), "--traffic", file.as_str()]);
        assert!(code == 2 && err.contains(said), "{traffic}: {code} {err}");
    }
    assert_eq!(plan(&["--documents", "/nowhere/*.graphql"]).0, 2);
    assert_eq!(plan(&[]).0, 2);
}

/// The documents of the dashboard and of the guides.
fn our_documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let mut documents = Vec::new();
    for piece in read("examples/team-dashboard/src/queries.ts").split("graphql(`").skip(1) {
        documents.push((format!("dashboard-{}", documents.len()), piece.split('`').next().unwrap().to_owned()));
    }
    for (path, name) in
        [("README.md", "first query of the README"), ("docs/security.md", "contact data of the security guide")]
    {
        for piece in read(path).split("```graphql\n").skip(1) {
            let document = piece.split("```").next().unwrap().to_owned();
            documents.push((name.replace(' ', "-"), document));
        }
    }
    documents
}

#[test]
fn the_table_in_the_guide_is_what_the_command_prints() {
    let documents = our_documents();
    assert!(documents.len() >= 3);
    let files: Vec<_> = documents.iter().map(|(name, text)| (format!("{name}.graphql"), text.as_str())).collect();
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let folder = Folder::with(&files);
    let traffic = ["--clients", "500", "--interval", "30s", "--accounts", "40", "--format", "markdown"];
    let (code, table, err) = plan(&[&["--documents", &folder.glob()], &traffic[..]].concat());
    assert_eq!(code, 0, "{err}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let shown = guide.split("<!-- plan -->\n").nth(1).unwrap().split("<!-- /plan -->").next().unwrap();
    assert_eq!(shown.trim(), table.trim(), "docs/plan.md has another table than `plan` prints:\n{table}");
}
