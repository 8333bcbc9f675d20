//! What a record says: of answers, batches, refusals and requests that are given up.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use flowmatix_graphql::demo::{ACCOUNTS, DemoSwitches};
use serde_json::{Value, json};

use super::{read, records, target};
use crate::support::issuer::{AUDIENCE, ISSUER, SigningKey, jwks};
use crate::support::{Keys, TempFile, TestApp, account};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_request_is_one_record_with_what_was_read() {
    let file = target();
    let app = TestApp::with(&[("audit.target", file.as_str())]).await;
    let query = "query People { teamMembers(first: 3) { nodes { id name contact { email } } } }";
    let mut ids = Vec::new();
    // Written, and later copied from the response to an identical request.
    for _ in 0..4 {
        let answer = app.query(query).await;
        ids.push(answer.header("x-request-id").to_owned());
        answer.clean();
    }
    let found = records(&file, 4).await;
    for (record, id) in found.iter().zip(&ids) {
        assert_eq!(record["requestId"], id.as_str());
        assert_eq!((&record["event"], &record["transport"]), (&json!("request"), &json!("http")));
        assert_eq!(record["caller"], "anonymous");
        assert_eq!((&record["operationName"], &record["operationType"]), (&json!("People"), &json!("query")));
        assert_eq!(record["operationHash"], found[0]["operationHash"]);
        assert_eq!(strings(&record["personalData"]), ["TeamMember.contact", "TeamMemberContact.email"]);
        assert_eq!((&record["rows"], &record["outcome"]), (&json!(3), &json!("ok")));
        assert_eq!(record.get("codes"), None);
        let [account] = strings(&record["accounts"])[..] else { panic!("{record}") };
        assert!(account.len() == 12 && account.bytes().all(|b| b.is_ascii_hexdigit()), "{account}");
        let time = chrono::DateTime::parse_from_rfc3339(record["time"].as_str().unwrap()).unwrap();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
        assert!((now - time.timestamp()).abs() < 60, "{time}");
    }
    assert_eq!(app.metric("flowmatix_executions_total{path=\"response_cache\"}").await, 2.0);
    assert!(!std::fs::read_to_string(file.path()).unwrap().contains('@'), "nobody is named");
    assert_eq!(app.metric("flowmatix_audit_records_total{result=\"written\"}").await, 4.0);
}

#[tokio::test]
async fn rows_are_the_members_of_the_answer_whatever_writes_it() {
    let file = target();
    for projection in ["true", "false"] {
        let app = TestApp::with(&[("audit.target", file.as_str()), ("graphql.projection", projection)]).await;
        let queries = [
            ("{ teamMembers(first: 5) { edges { node { id } } totalCount } }", 5),
            ("{ teamMembers { totalCount } }", 0),
            ("{ roles(first: 1) { members(first: 2) { nodes { name } } } }", 2),
            ("{ teamMember(id: \"no-such-id\") { name } }", 0),
            ("{ a: teamMembers(first: 2) { nodes { id } } b: teamMembers(first: 1) { nodes { id } } }", 3),
        ];
        for (query, _) in queries {
            app.query(query).await.clean();
        }
        let found = records(&file, queries.len()).await;
        let rows: Vec<_> = found.iter().map(|record| record["rows"].as_u64().unwrap()).collect();
        assert_eq!(rows, queries.map(|(_, rows)| rows), "projection: {projection}");
        std::fs::remove_file(file.path()).unwrap();
    }
}

/// What the subgraph's schema tags, read from its printed text by its lines.
fn tagged() -> BTreeSet<String> {
    const TAG: &str = "@tag(name: \"personal-data\")";
    let mut found = BTreeSet::new();
    let (mut on, mut whole, mut field) = (String::new(), false, String::new());
    for line in include_str!("../../federation/schema.graphql").lines() {
        let depth = line.len() - line.trim_start().len();
        let words: Vec<&str> = line.split_whitespace().collect();
        if let (0, ["type" | "input", name, ..]) = (depth, words.as_slice()) {
            (on, whole) = ((*name).to_owned(), line.contains(TAG));
        }
        // A field, or an argument of the field before; descriptions have no name in front of their first colon or bracket.
        let name = line.trim_start().split([':', '(']).next().unwrap_or_default();
        let is_name =
            !name.is_empty() && name.len() < line.trim_start().len() && name.bytes().all(|b| b.is_ascii_alphanumeric());
        match depth {
            2 if is_name => {
                name.clone_into(&mut field);
                if whole || line.contains(TAG) {
                    found.insert(format!("{on}.{name}"));
                }
            }
            4 if is_name && line.contains(TAG) => {
                found.insert(format!("{on}.{field}({name}:)"));
            }
            _ => {}
        }
    }
    found
}

#[tokio::test]
async fn everything_that_the_schema_tags_is_personal_data_and_nothing_else() {
    let file = target();
    let app = TestApp::with(&[("audit.target", file.as_str())]).await;
    let member = "{ id name picture contact { id email phone { prefix number e164 } } unrecognized { field value } }";
    let filter = "filter: { or: [{ name: { contains: \"a\" } }, { not: { email: { eq: \"x\" } } }] }";
    let queries = [
        format!("{{ teamMembers(search: \"a\") {{ nodes {member} }} }}"),
        format!(
            "{{ team {{ members(search: \"a\") {{ nodes {member} }} }} roles {{ members(search: \"a\") {{ totalCount }} }} }}"
        ),
        format!("{{ teamMembers({filter}) {{ totalCount }} }}"),
    ];
    for query in &queries {
        app.query(query).await.clean();
    }
    let found = records(&file, queries.len()).await;
    let all: BTreeSet<String> =
        found.iter().flat_map(|record| strings(&record["personalData"])).map(str::to_owned).collect();
    assert_eq!(all, tagged());
    assert_eq!(strings(&found[2]["personalData"]), ["TeamMemberFilter.email"]);
    // The same in a variable, in part of one, and left out by a condition.
    let query = "query($f: TeamMemberFilter, $p: TeamMemberStringFilter, $c: Boolean!) { \
                 a: teamMembers(filter: $f) { totalCount } b: teamMembers(filter: { email: $p }) { totalCount } \
                 c: teamMembers(first: 1) { nodes { contact @include(if: $c) { email } } } }";
    let ask = async |variables: Value| drop(app.variables(query, variables).await.clean());
    ask(json!({ "f": { "and": [{ "email": { "eq": "x" } }] }, "c": false })).await;
    ask(json!({ "f": { "name": { "eq": "x" } }, "c": true })).await;
    let found = records(&file, queries.len() + 2).await;
    assert_eq!(strings(&found[3]["personalData"]), ["TeamMemberFilter.email"]);
    let with_contact = ["TeamMember.contact", "TeamMemberContact.email", "TeamMemberFilter.email"];
    assert_eq!(strings(&found[4]["personalData"]), with_contact);
}

/// The text of a document can hold an address, which could be guessed from a plain hash of it.
#[tokio::test]
async fn documents_are_named_by_keyed_hashes_however_they_are_asked_for() {
    let key = TempFile::new("audit-key", "a-key-of-the-operator's");
    let query = "{ teamMembers(search: \"someone@somewhere.example\") { totalCount } }";
    let plain = hex(digest(&SHA256, query.as_bytes()).as_ref());
    let persisted = |hash: &str, query: Option<&str>| json!({ "query": query, "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
    let mut names = Vec::new();
    for with_key in [true, true, false, false] {
        let file = target();
        let mut settings = vec![("audit.target", file.as_str()), ("audit.accounts", "clear")];
        settings.extend(with_key.then_some(("audit.key_file", key.as_str())));
        let app = TestApp::with(&settings).await;
        for body in [persisted(&plain, Some(query)), persisted(&plain, None), persisted(&plain.to_uppercase(), None)] {
            app.send(app.post().body(body.to_string())).await;
        }
        let found = records(&file, 3).await;
        assert!(found.iter().all(|record| record["operationHash"] == found[0]["operationHash"]), "{found:#?}");
        assert!(!std::fs::read_to_string(file.path()).unwrap().contains(&plain[..12]));
        names.push(found[0]["operationHash"].as_str().unwrap().to_owned());
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a-key-of-the-operator's");
    let expected = hex(&hmac::sign(&key, format!("operation\0{plain}").as_bytes()).as_ref()[..6]);
    assert_eq!(names[..2], [expected.as_str(), expected.as_str()]);
    // Without one each process has another.
    assert!(names[2] != names[3] && !names[2..].contains(&expected));
}

#[tokio::test]
async fn names_of_operations_are_cut_and_those_of_abstract_fields_are_walked() {
    let file = target();
    let app = TestApp::with(&[("audit.target", file.as_str()), ("graphql.projection", "true")]).await;
    let name = "N".repeat(5_000);
    let query = format!("query {name} {{ node(id: \"none\") {{ id ... on TeamMember {{ contact {{ email }} }} }} }}");
    app.query(&query).await;
    let found = records(&file, 1).await;
    assert_eq!(found[0]["operationName"], name[..100]);
    assert_eq!(strings(&found[0]["personalData"]), ["TeamMember.contact", "TeamMemberContact.email"]);
}

#[tokio::test]
async fn accounts_are_in_the_clear_or_hashed_with_a_key_of_the_operators() {
    let key = TempFile::new("audit-key", "a key of the operator's\n".replace(' ', "-").as_str());
    let [clear, hashed] = [target(), target()];
    let first = TestApp::with(&[("audit.target", clear.as_str()), ("audit.accounts", "clear")]).await;
    first.query("{ teamMembers { totalCount } }").await.clean();
    let second = TestApp::with(&[("audit.target", hashed.as_str()), ("audit.key_file", key.as_str())]).await;
    second.query("{ teamMembers { totalCount } }").await.clean();
    let name = format!("CUSTOMER {}", ACCOUNTS[0].email);
    assert_eq!(records(&clear, 1).await[0]["accounts"], json!([name]));
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a-key-of-the-operator's");
    let hash = hmac::sign(&key, format!("account\0{name}").as_bytes());
    assert_eq!(records(&hashed, 1).await[0]["accounts"], json!([hex(&hash.as_ref()[..6])]));
}

#[tokio::test]
async fn a_caller_is_named_and_what_it_may_not_read_is_not_read() {
    let file = target();
    let keys = Keys::new(&[("reporting", &[0], false), ("support", &[0], true)]);
    let [mode, keys_file] = keys.settings();
    let token = TempFile::new("token", flowmatix_graphql::demo::AGENCY_TOKEN);
    let credential = ("auth.credential_file", token.as_str());
    let app = TestApp::with(&[mode, keys_file, credential, ("audit.target", file.as_str())]).await;
    let query = "{ teamMembers(first: 1, search: \"a\") { nodes { contact { email } unrecognized { field } } } }";
    for place in 0..2 {
        app.query_as(keys.key(place), query).await;
    }
    let found = records(&file, 2).await;
    assert!(found.iter().all(|record| record["caller"].as_str().unwrap().starts_with("key:")), "{found:#?}");
    assert_ne!(found[0]["caller"], found[1]["caller"]);
    assert_eq!((&found[0]["outcome"], &found[0]["codes"]), (&json!("partial"), &json!(["FORBIDDEN"])));
    assert_eq!(strings(&found[0]["personalData"]), ["TeamMember.unrecognized", "UnrecognizedField.field"]);
    assert_eq!(strings(&found[1]["personalData"]).len(), 5);
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert!((0..2).all(|place| !text.contains(keys.key(place))), "{text}");
}

#[tokio::test]
async fn a_subject_is_hashed_so_that_who_knows_it_finds_it_and_nobody_reads_it() {
    let (file, key) = (target(), SigningKey::new("one", "ES256"));
    let keys = TempFile::new("jwks.json", &jwks(&[&key]));
    let settings = [
        ("auth.mode", "jwt"),
        ("jwt.jwks_file", keys.as_str()),
        ("jwt.issuer", ISSUER),
        ("jwt.audience", AUDIENCE),
        ("audit.target", file.as_str()),
    ];
    let app = TestApp::with(&settings).await;
    for _ in 0..2 {
        let token = key.token(json!({ "sub": "someone-whose-name-is-personal" }));
        app.query_as(&token, "{ teamMembers { totalCount } }").await.clean();
    }
    let hash = digest(&SHA256, format!("{ISSUER}\0someone-whose-name-is-personal").as_bytes());
    let expected = json!(format!("subject:{}", hex(hash.as_ref())));
    assert!(records(&file, 2).await.iter().all(|record| record["caller"] == expected));
    assert!(!std::fs::read_to_string(file.path()).unwrap().contains("someone"));
}

#[tokio::test]
async fn each_operation_of_a_batch_is_a_record_with_its_own_accounts() {
    let file = target();
    let app = TestApp::with(&[("audit.target", file.as_str()), ("graphql.batch_limit", "3")]).await;
    let one = |query: String| json!({ "query": query });
    let batch = json!([
        one("{ teamMembers(first: 1) { nodes { id } } }".into()),
        one(format!("{{ teamMembers({}) {{ totalCount }} a: teamMembers {{ totalCount }} }}", account(1))),
        one("{ nothing }".into()),
    ]);
    let answer = app.send(app.post().body(batch.to_string())).await;
    let found = records(&file, 3).await;
    assert!(found.iter().all(|record| record["requestId"] == answer.header("x-request-id")));
    let accounts: Vec<_> = found.iter().map(|record| strings(&record["accounts"])).collect();
    assert!(accounts[0].len() == 1 && accounts[1].len() == 2 && accounts[1].contains(&accounts[0][0]), "{accounts:?}");
    assert_eq!(found[2]["outcome"], "refused");
    assert_eq!(found[2]["codes"], json!(["GRAPHQL_VALIDATION_FAILED"]));
    // Refused as a whole: each of them is.
    let many = Value::from(vec![one("{ __typename }".into()); 4]);
    app.send(app.post().body(many.to_string())).await;
    let found = records(&file, 7).await;
    assert!(found[3..].iter().all(|record| record["codes"] == json!(["BATCHING_NOT_ENABLED"])), "{found:#?}");
}

#[tokio::test]
async fn refused_requests_are_recorded_from_the_authentication_on() {
    let file = target();
    let settings = [("audit.target", file.as_str()), ("auth.mode", "passthrough"), ("graphql.cost_limit", "20")];
    let app = TestApp::with(&settings).await;
    // No GraphQL request yet.
    app.send(app.client.get(app.url()).header("accept", "image/png")).await;
    app.send(app.client.post(app.url()).header("content-type", "text/plain").body("{}")).await;
    assert_eq!(app.query("{ teamMembers { totalCount } }").await.status, 401);
    app.query_as(ACCOUNTS[0].token, "{ teamMembers {").await;
    let costly = "query Much { teamMembers(first: 1000) { nodes { id name type status } } }";
    assert_eq!(app.query_as(ACCOUNTS[0].token, costly).await.codes(), ["COST_ESTIMATED_TOO_EXPENSIVE"]);
    let found = records(&file, 3).await;
    let what =
        |n: usize| (&found[n]["caller"], &found[n]["outcome"], &found[n]["codes"][0], &found[n]["operationName"]);
    let (null, refused) = (Value::Null, json!("refused"));
    assert_eq!(what(0), (&null, &refused, &json!("UNAUTHENTICATED"), &null));
    let caller = &found[1]["caller"];
    assert!(caller.as_str().unwrap().starts_with("token:") && *caller == found[2]["caller"]);
    assert_eq!(what(1), (caller, &refused, &json!("GRAPHQL_PARSE_FAILED"), &null));
    assert_eq!(what(2), (caller, &refused, &json!("COST_ESTIMATED_TOO_EXPENSIVE"), &json!("Much")));
    assert!(!std::fs::read_to_string(file.path()).unwrap().contains(ACCOUNTS[0].token));
}

#[tokio::test]
async fn a_request_that_is_given_up_is_cancelled_and_one_that_takes_too_long_refused() {
    let file = target();
    let settings = [
        ("audit.target", file.as_str()),
        ("http.timeout", "1s"),
        ("upstream.timeout", "900ms"),
        ("upstream.attempt_timeout", "900ms"),
        ("upstream.connect_timeout", "900ms"),
    ];
    let app = TestApp::with(&settings).await;
    app.demo.set_switches(DemoSwitches { latency_ms: 30_000, ..DemoSwitches::default() });
    let query = "query Lost { teamMembers(first: 1) { nodes { contact { email } } } }";
    let body = json!({ "query": query }).to_string();
    let gone = app.post().body(body.clone()).timeout(Duration::from_millis(200)).send().await;
    assert!(gone.is_err());
    let found = records(&file, 1).await;
    assert_eq!((&found[0]["outcome"], &found[0]["caller"]), (&json!("cancelled"), &json!("anonymous")));
    assert_eq!(strings(&found[0]["accounts"]).len(), 1);
    // It was known what was asked for.
    assert_eq!((&found[0]["operationName"], &found[0]["rows"]), (&json!("Lost"), &json!(0)));
    assert_eq!(strings(&found[0]["personalData"]), ["TeamMember.contact", "TeamMemberContact.email"]);
    app.send(app.post().body(body)).await;
    let late = records(&file, 2).await.pop().unwrap();
    assert_eq!(late["rows"], 0);
    assert!(
        ["partial", "refused"].contains(&late["outcome"].as_str().unwrap()) && late.get("codes").is_some(),
        "{late}"
    );
}

#[tokio::test]
async fn without_a_target_nothing_is_recorded() {
    let app = TestApp::start().await;
    app.query("{ teamMembers { totalCount } }").await.clean();
    for result in ["written", "queue_full", "write_failed"] {
        assert_eq!(app.metric(&format!("flowmatix_audit_records_total{{result=\"{result}\"}}")).await, 0.0);
    }
    let file = target();
    assert!(read(&file).is_empty());
}
