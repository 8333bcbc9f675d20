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

/// The documents whose worst costs are held against the service, and the largest variables of each.
fn worst_requests() -> Vec<(&'static str, Value)> {
    let (text, many) = ("x".repeat(64 * 256), vec!["x"; 1000]);
    let keys = json!(["NAME", "STATUS", "CREATED_AT"].map(|field| json!({ "field": field })));
    vec![
        (
            "query A($t: String) { teamMembers(filter: { name: { contains: $t } }) { totalCount } }",
            json!({ "t": text }),
        ),
        ("query A($i: [ID!]) { teamMembers(filter: { id: { in: $i } }) { totalCount } }", json!({ "i": many })),
        ("query A($s: String) { teamMembers(search: $s) { totalCount } }", json!({ "s": "x".repeat(256) })),
        ("query A($n: Int) { teamMembers(first: $n) { nodes { id name } } }", json!({ "n": 1000 })),
        (
            "query A($n: Int, $c: String) { teamMembers(first: $n, after: $c, orderBy: [{ field: NAME }]) { nodes { id } } }",
            json!({ "n": 1000, "c": null }),
        ),
        (
            "query A($d: OrderDirection!) { teamMembers(orderBy: [{ field: NAME, direction: $d }]) { totalCount } }",
            json!({ "d": "DESC" }),
        ),
        ("query A($o: [TeamMemberOrder!]) { teamMembers(orderBy: $o) { totalCount } }", json!({ "o": keys })),
        (
            "query A($n: TeamMemberStringFilter) { teamMembers(filter: { name: $n }) { totalCount } }",
            json!({ "n": { "contains": text, "in": many, "isNull": false } }),
        ),
        ("query A($f: TeamMemberFilter) { teamMembers(filter: $f) { totalCount } }", json!({ "f": deep_filter() })),
    ]
}

/// As many scans as a request may have.
fn deep_filter() -> Value {
    json!({ "or": (0..199).map(|n| json!({ "name": { "contains": format!("x{n}") } })).collect::<Vec<_>>() })
}

/// No request costs more than its operation's worst, and where the variables are written into a document, one costs just that.
#[tokio::test]
async fn the_worst_cost_is_what_the_limits_let_through() {
    let app = TestApp::start().await;
    for (n, (document, variables)) in worst_requests().into_iter().enumerate() {
        let folder = Folder::with(&[("a.graphql", document)]);
        let team = TempFile::new("traffic.toml", "[team]\nmembers = 12\nlargest = 12\n");
        let report = report(&["--documents", &folder.glob(), "--traffic", team.as_str()]);
        let worst = report["operations"][0]["cost"]["worst"].as_u64().unwrap();
        let body = json!({ "query": document, "variables": variables }).to_string();
        let answer = app.send(app.post().header("x-flowmatix-show-cost", "true").body(body)).await;
        let cost = &answer.body["extensions"]["cost"]["estimated"];
        let Some(cost) = cost.as_u64() else {
            assert_eq!((answer.codes(), worst), (vec!["COST_ESTIMATED_TOO_EXPENSIVE"], 200_000), "{document}");
            continue;
        };
        assert!(cost <= worst, "{document}: {cost} of {worst}");
        if n < 4 {
            assert_eq!(cost, worst, "{document}");
        }
    }
}

#[test]
fn what_is_past_the_limit_is_named_and_no_cost() {
    let folder = Folder::with(&[
        ("open.graphql", "query Open($who: TeamMemberFilter) { teamMembers(filter: $who) { totalCount } }"),
        (
            "named.graphql",
            "query Named($who: String) { teamMembers(filter: { name: { contains: $who } }) { totalCount } }",
        ),
        ("large.graphql", "{ teamMembers(first: 1000) { nodes { role { members(first: 1000) { nodes { id } } } } } }"),
    ]);
    let glob = folder.glob();
    let (code, out, err) = plan(&["--documents", &glob, "--format", "json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    let costs: Vec<_> = report["operations"].as_array().unwrap().iter().map(|line| &line["cost"]).collect();
    // By name: Named, Open, large.
    assert!(costs[0]["worst"].as_u64().unwrap() < 200_000 && costs[0]["refused"].is_null(), "{costs:?}");
    assert_eq!((&costs[1]["worst"], &costs[1]["refused"]["argument"]), (&json!(200_000), &json!("filter ($who)")));
    assert!(costs[1]["refused"]["upTo"].as_u64().unwrap() > 200_000);
    // A usual team is 100 members, a third of them with one role: 3,300 cells and more, which is no problem.
    assert_eq!((code, &costs[2]["refused"]["argument"]), (0, &Value::Null), "{err}");
    let (_, out, _) = plan(&["--documents", &glob]);
    assert!(out.contains("most of it by filter ($who), and more than graphql.cost_limit is refused"), "{out}");
    let (_, out, _) = plan(&["--documents", &glob, "--format", "markdown"]);
    assert!(out.contains("| 200000, more is refused |"), "{out}");
    // What a usual request costs past the limit, the service would refuse.
    let (code, _, err) = plan(&["--documents", &glob, "--set", "graphql.cost_limit=1000"]);
    assert!(code == 1 && err.contains("large costs") && err.contains("graphql.cost_limit (1000) refuses it"), "{err}");
}

#[test]
fn subscriptions_are_priced_by_the_interval_that_their_team_is_read_at() {
    let folder = Folder::with(&[
        ("live.graphql", "subscription Live { team { generation } }"),
        ("roles.graphql", "query Roles { roles { id } }"),
    ]);
    let glob = folder.glob();
    let total = |more: &[&str]| {
        let report = report(&[&["--documents", glob.as_str()], more].concat());
        let configured = &report["total"]["configured"];
        (configured["callsPerHour"].as_f64().unwrap(), configured["pollSeconds"].as_f64().unwrap())
    };
    // One poller, every 15 seconds, unless they ask for something else or the service is set to something else.
    assert_eq!(total(&["--subscriptions", "50"]), (240.0, 15.0));
    assert_eq!(total(&["--subscriptions", "50", "--live-interval", "30s"]), (120.0, 30.0));
    assert_eq!(total(&["--subscriptions", "50", "--set", "live.interval=60s"]), (60.0, 60.0));
    // Below the floor, which half of the plan then cannot bear: 427.5 calls.
    assert_eq!(total(&["--subscriptions", "50", "--live-interval", "1s"]), (428.0, 8.4));
    let plenty = ["--subscriptions", "50", "--live-interval", "1s", "--set", "budget.calls_per_hour=5000"];
    assert_eq!(total(&plenty), (720.0, 5.0));
    let file = TempFile::new("traffic.toml", "subscriptions = 1\n[operations.Live]\nclients = 7\ninterval = \"20s\"\n");
    assert_eq!(total(&["--traffic", file.as_str()]), (180.0, 20.0));
    let (_, out, _) = plan(&["--documents", &glob, "--subscriptions", "50", "--clients", "2"]);
    assert!(out.contains("all together: 120 requests an hour, 50 subscriptions"), "{out}");
    assert!(out.contains("cache      live, every 15 s") && out.contains("read every 15 s"), "{out}");
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
    let traffic = ["--clients", "500", "--interval", "30s", "--subscriptions", "200", "--accounts", "40"];
    let traffic = [&traffic[..], &["--format", "markdown"]].concat();
    let (code, table, err) = plan(&[&["--documents", &folder.glob()], &traffic[..]].concat());
    assert_eq!(code, 0, "{err}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let shown = guide.split("<!-- plan -->\n").nth(1).unwrap().split("<!-- /plan -->").next().unwrap();
    assert_eq!(shown.trim(), table.trim(), "docs/plan.md has another table than `plan` prints:\n{table}");
}
