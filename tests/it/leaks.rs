//! Leaks: planted secrets and personal data are searched for in everything that the process writes or answers, at TRACE and
//! with panics.
//!
//! The services run in a process of their own (this binary again), so that its output can be read to the end.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use flowmatix_graphql::app::App;
use flowmatix_graphql::config::LogConfig;
use flowmatix_graphql::demo::{Demo, Scripted};
use flowmatix_graphql::model::BudgetShare;
use flowmatix_graphql::model::{Caller, Clock, PermanentToken, UpstreamError};
use flowmatix_graphql::telemetry::{Metrics, start_logs};
use flowmatix_graphql::upstream::{FetchedRoster, Load, Upstream};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::{Client, RequestBuilder};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::issuer::{AUDIENCE, ISSUER, SigningKey, jwks};
use crate::support::{Keys, TempFile, demo_settings, settings};

/// The people. None of them is anywhere but in the planted rows.
const NAME: &str = "Zyxwanda Qanaryová";
const EMAIL: &str = "zyxwanda.qanary@leaky-pipes.example";
const PHONE: &str = "9180273645";
/// The held token, and one that a caller brings.
const HELD: &str = "held-canary-5dQ0vXw2Lr9";
const BROUGHT: &str = "brought-canary-7pM3zKt8Ns";
/// What tokens are issued with, a new one in each round; and a permanent token that the vendor issues.
const ISSUING: &str = "issuing-canary-9Vb3nCx7Ju";
const ISSUED: &str = "issued-canary-2Rk6yHb4Wq";
/// The secret of the admin port.
const ADMIN: &str = "admin-canary-6Yt1pLd0Ez";
/// What cache tags are made with, and what their webhook shows a router.
const TAGS: &str = "tags-canary-3Fg8sQw1Ze";
const ROUTER: &str = "router-canary-8Hd2mKp5Vx";
const MAYA: &str = "maya@lantern-books.example";
const SOLO: &str = "solo@quiet-harbor.example";

/// A vendor that panics with everything that it knows: while it loads for one account, and while it counts for the others.
struct Panics;

impl Upstream for Panics {
    fn fetch<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<FetchedRoster, UpstreamError>> {
        async move { panic!("{HELD} {EMAIL} {PHONE} {NAME} {:?}", load.grant.account()) }.boxed()
    }

    fn issue_token<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<PermanentToken, UpstreamError>> {
        async move { panic!("{ISSUED} {HELD} {:?}", load.grant.account()) }.boxed()
    }

    fn share(&self, _: &Caller) -> Option<BudgetShare> {
        panic!("{HELD} {EMAIL} {PHONE} {NAME}")
    }
}

fn rows() -> Vec<Value> {
    let contact = json!({ "_id": "c1", "email": EMAIL, "phone": { "prefix": "91", "number": PHONE } });
    vec![
        json!({ "_id": "m1", "name": NAME, "contact": contact, "_role": "r1", "unreadMessages": "many", "picture": "not a url" }),
        json!({ "_id": "m2", "name": [NAME], "contact": { "email": [EMAIL], "phone": PHONE }, "status": "SLEEPING" }),
        json!({ "name": NAME, "contact": contact }),
        json!([EMAIL]),
    ]
}

/// The services: one for each mode, and one whose vendor panics. Says where they are, and runs until its input ends.
#[tokio::test]
#[ignore = "the other half of the test below, which starts it"]
async fn services() {
    let told: Value = serde_json::from_str(&std::env::var("LEAKS").unwrap()).unwrap();
    let level = "trace,hyper::proto=trace,hyper_util::client=trace,h2::codec=trace,reqwest::connect=trace,rustls=trace";
    start_logs(&LogConfig { level: level.to_owned(), ..LogConfig::default() }).unwrap();
    tracing::trace!("this is TRACE");
    let demo = told["demo"].as_str().unwrap();
    let mut apps = Vec::new();
    for service in told["services"].as_array().unwrap() {
        let pairs: Vec<(&str, &str)> =
            service.as_object().unwrap().iter().map(|(path, value)| (path.as_str(), value.as_str().unwrap())).collect();
        apps.push(App::start(&settings(demo, &pairs), Some(SecretString::from(HELD))).await.unwrap());
    }
    let metrics = Arc::new(Metrics::default());
    let config = settings(demo, &[("tokens.enabled", "true")]);
    apps.push(
        App::start_over(&config, Some(SecretString::from(HELD)), Arc::new(Panics), Clock::start(), metrics).unwrap(),
    );
    let addresses: Vec<_> =
        apps.iter().flat_map(|app| [app.address().to_string(), app.admin_address().to_string()]).collect();
    println!("LISTENING {}", addresses.join(" "));
    std::io::stdout().flush().unwrap();
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    for app in apps {
        app.stop().await;
    }
}

/// What is looked for, by what it is.
struct Canaries(BTreeMap<&'static str, String>);

impl Canaries {
    /// How a canary may look: itself, URL-encoded, in JSON's escapes, and in the middle of a base64 text.
    fn forms(text: &str) -> Vec<String> {
        let encoded = |plain: fn(u8) -> bool| -> String {
            text.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
        };
        let url = encoded(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
        let form = encoded(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b) || b == b' ').replace(' ', "+");
        let escaped: String = text
            .encode_utf16()
            .map(|unit| if unit < 128 { (unit as u8 as char).to_string() } else { format!("\\u{unit:04x}") })
            .collect();
        let mut forms = vec![text.to_owned(), text.to_lowercase(), url.clone(), url.to_lowercase(), form, escaped];
        for shift in 0..3 {
            // The letters that depend on what stands before and after are left away.
            let padded = [vec![b'x'; shift], text.as_bytes().to_vec()].concat();
            for engine in [&STANDARD, &URL_SAFE] {
                let whole = engine.encode(&padded);
                let whole = whole.trim_end_matches('=');
                forms.push(whole[shift * 4 / 3 + 1..whole.len() - 2].to_owned());
            }
        }
        forms.retain(|form| form.len() >= 8);
        forms
    }

    /// The canaries among these that a text holds.
    fn in_text(&self, text: &str, kinds: &[&str]) -> Vec<String> {
        let looked_for = self.0.iter().filter(|(kind, _)| kinds.contains(kind));
        looked_for
            .flat_map(|(kind, canary)| Self::forms(canary).into_iter().map(move |form| (kind, form)))
            .filter(|(_, form)| text.contains(form))
            .map(|(kind, form)| format!("{kind} as {form}"))
            .collect()
    }
}

const PEOPLE: [&str; 3] = ["name", "email", "phone"];
const SECRETS: [&str; 9] = ["held", "brought", "issuing", "admin", "tags", "router", "key", "plain key", "jwt"];
const ALL: [&str; 13] = [
    "name",
    "email",
    "phone",
    "held",
    "brought",
    "issuing",
    "admin",
    "tags",
    "router",
    "key",
    "plain key",
    "jwt",
    "issued",
];
/// An issued token is for the answer to whom it was issued to, and for nothing beside its data.
const ELSEWHERE: [&str; 4] = ["name", "email", "phone", "issued"];

/// Every document of the cases, and some that go wrong in every way.
fn documents() -> Vec<(String, Value)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases");
    let mut documents: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .map(|text| {
            let query = text.split("# =>\n").next().unwrap().to_owned();
            let variables = query.lines().find_map(|line| line.strip_prefix("# variables: ")).unwrap_or("{}");
            let variables = serde_json::from_str(variables).unwrap();
            (query, variables)
        })
        .collect();
    let with = |query: &str, variables| (query.to_owned(), variables);
    documents.extend([
        with("{ teamMembers { nodes { id name contact { email phone { number e164 } } unrecognized { field value } } skippedRows { index reason } } }", json!({})),
        with("query($s: String) { teamMembers(search: $s) { totalCount } }", json!({ "s": EMAIL })),
        with("query($s: String) { teamMembers(filter: { email: { eq: $s } }) { totalCount } }", json!({ "s": EMAIL })),
        with("query($a: AccountInput) { teamMembers(account: $a) { totalCount } }", json!({ "a": { "email": EMAIL, "type": "AGENT" } })),
        with("query($a: AccountInput) { roles(account: $a) { id } }", json!({ "a": { "email": format!("{EMAIL} {PHONE}"), "type": "AGENT" } })),
        with("query($i: Int) { teamMembers(first: $i) { totalCount } }", json!({ "i": PHONE })),
        with("query($d: DateTime) { teamMembers(filter: { createdAt: { before: $d } }) { totalCount } }", json!({ "d": PHONE })),
        with("mutation($a: AccountInput!) { issuePermanentToken(account: $a) { token active } }", json!({ "a": { "email": SOLO, "type": "AGENT" } })),
        with("mutation($a: AccountInput!) { issuePermanentToken(account: $a) { token } }", json!({ "a": { "email": EMAIL, "type": "AGENT" } })),
        with("query($c: String) { teamMembers(after: $c) { totalCount } }", json!({ "c": EMAIL })),
        with("query($r: [_Any!]!) { _entities(representations: $r) { __typename } }", json!({ "r": [{ "__typename": "TeamMember", "id": NAME, "account": { "email": EMAIL, "type": PHONE } }, { "__typename": NAME, "id": 1 }, EMAIL] })),
    ]);
    documents
}

#[tokio::test]
async fn nothing_secret_or_personal_is_where_it_does_not_belong() {
    let demo = Demo::start(&demo_settings()).unwrap();
    demo.set_team(MAYA, rows());
    let keys = Keys::new(&[("full", &[0], true), ("plain", &[0], false)]);
    let signing = SigningKey::new("ec", "ES256");
    let set = TempFile::new("jwks.json", &jwks(&[&signing]));
    let jwt = signing.token(json!({ "sub": "canary-subject-4Gh7", "scope": "team:read" }));
    let signature = jwt.rsplit('.').next().unwrap().to_owned();
    let admin_secret = TempFile::new("admin-secret", ADMIN);
    let (tags, router) = (TempFile::new("tags", TAGS), TempFile::new("router", ROUTER));
    let told = json!({ "demo": demo.url(), "services": [
        { "auth.mode": "passthrough", "tokens.enabled": "true", "admin.invalidate_secret_file": admin_secret.as_str(), "admin.invalidations_limit": "0",
          "cache_tags.extensions": "true", "cache_tags.header": "true", "cache_tags.secret_file": tags.as_str(),
          // The sample knows no such path, and refuses.
          "cache_tags.webhook_url": format!("{}/invalidation", demo.url()), "cache_tags.webhook_hosts": "127.0.0.1",
          "cache_tags.webhook_secret_file": router.as_str() },
        { "auth.mode": "api-keys", "auth.keys_file": keys.file.as_str(), "tokens.enabled": "true" },
        { "auth.mode": "jwt", "jwt.jwks_file": set.as_str(), "jwt.issuer": ISSUER, "jwt.audience": AUDIENCE, "tokens.enabled": "true" },
        { "auth.mode": "api-keys", "auth.keys_file": keys.file.as_str(), "graphql.projection": "false", "graphql.batch_limit": "4", "tokens.enabled": "true" },
    ]});
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["leaks::services", "--exact", "--ignored", "--nocapture"])
        .env("LEAKS", told.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Read beside, so that no pipe is ever full.
    let mut stderr = child.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    });
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut out = String::new();
    let line = loop {
        let mut line = String::new();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "it did not start: {out}");
        out.push_str(&line);
        if let Some(at) = line.find("LISTENING ") {
            break line[at + "LISTENING ".len()..].trim().to_owned();
        }
    };
    let addresses: Vec<_> = line.split(' ').collect();
    let canaries = Canaries(BTreeMap::from([
        ("name", NAME.to_owned()),
        ("email", EMAIL.to_owned()),
        ("phone", PHONE.to_owned()),
        ("held", HELD.to_owned()),
        ("brought", BROUGHT.to_owned()),
        ("key", keys.key(0).to_owned()),
        ("plain key", keys.key(1).to_owned()),
        ("jwt", signature),
        ("issuing", ISSUING.to_owned()),
        ("issued", ISSUED.to_owned()),
        ("admin", ADMIN.to_owned()),
        ("tags", TAGS.to_owned()),
        ("router", ROUTER.to_owned()),
    ]));

    let client = Client::builder().no_proxy().build().unwrap();
    let (mut hits, mut scanned, mut shown, mut issued) = (Vec::new(), 0_usize, 0_usize, 0_usize);
    let mut scan = |what: &str, text: &str, kinds: &[&str]| {
        scanned += 1;
        hits.extend(canaries.in_text(text, kinds).into_iter().map(|hit| format!("{what}: {hit}")));
    };
    // The caller: the index of its service, the token, and whether they may see people's contact data, or anybody at all.
    let callers: [(usize, Option<&str>, &[&str]); 9] = [
        (0, Some(BROUGHT), &[]),
        (1, Some(keys.key(0)), &[]),
        (1, Some(keys.key(1)), &["email", "phone"]),
        (2, Some(&jwt), &["email", "phone"]),
        (3, Some(keys.key(1)), &["email", "phone"]),
        (1, Some(BROUGHT), &ALL),
        (2, Some(keys.key(0)), &ALL),
        (2, None, &ALL),
        (4, None, &PEOPLE),
    ];
    for round in 0..3 {
        // The vendor answers, then fails in its own words, then answers again.
        let words = json!({ "success": false, "message": format!("User {EMAIL} {HELD} not found, call {PHONE}"), "data": null, "code": 404 });
        let token = json!({ "permanentToken": { "key": ISSUED, "active": true, "note": EMAIL } });
        let envelope = json!({ "success": true, "message": EMAIL, "data": token, "code": 200 }).to_string();
        demo.script(Some(MAYA), None);
        demo.script(Some(SOLO), Some(Scripted::ok(envelope.clone())));
        match round {
            1 => {
                let words = words.to_string().replace(HELD, ISSUED);
                demo.script(Some(SOLO), Some(Scripted::status(axum::http::StatusCode::NOT_FOUND, words)));
            }
            2 => demo.script(Some(SOLO), Some(Scripted::ok(envelope.trim_end_matches('}').to_owned()))),
            _ => {}
        }
        match round {
            1 => demo.script(Some(MAYA), Some(Scripted::status(axum::http::StatusCode::NOT_FOUND, words.to_string()))),
            2 => demo.script(Some(MAYA), Some(Scripted::ok(format!("<h1>{EMAIL} {NAME} {HELD}</h1>")))),
            _ => demo.set_team(MAYA, rows()),
        }
        let issuing = format!("{ISSUING}{round}");
        for (index, token, hidden) in callers.into_iter().chain([(0, Some(issuing.as_str()), &[][..])]) {
            let address = addresses[index * 2];
            let url = format!("http://{address}/graphql");
            let bearer =
                |request: RequestBuilder| token.iter().fold(request, |request, token| request.bearer_auth(token));
            let mut requests: Vec<RequestBuilder> = documents()
                .into_iter()
                .filter(|(query, _)| token != Some(&issuing) || query.contains("active"))
                .map(|(query, variables)| {
                    let body = json!({ "query": query, "variables": variables });
                    bearer(client.post(&url)).header("content-type", "application/json").body(body.to_string())
                })
                .collect();
            let post = || bearer(client.post(&url)).header("content-type", "application/json");
            requests.extend([
                bearer(client.get(&url))
                    .header("apollo-require-preflight", "1")
                    .query(&[("query", "{ roles { id } }"), ("variables", &json!({ "x": EMAIL }).to_string())]),
                client
                    .get(&url)
                    .header("apollo-require-preflight", "1")
                    .query(&[("query", "{ roles { id } }"), ("access_token", token.unwrap_or(HELD))]),
                post()
                    .header("x-flowmatix-email", EMAIL)
                    .header("x-flowmatix-type", "AGENT")
                    .body(r#"{"query":"{ roles { id } }"}"#),
                post().header("x-flowmatix-email", EMAIL).body(r#"{"query":"{ roles { id } }"}"#),
                post()
                    .header("x-request-id", format!("{EMAIL}/{HELD}"))
                    .body(format!("{{\"query\":\"{{ {EMAIL} }}\"}}").replace('@', " ")),
                post().body(format!("{EMAIL} {HELD}")),
                post().body(
                    json!([{ "query": "{ roles { id } }" }, { "query": "{ teamMembers { nodes { name } } }" }])
                        .to_string(),
                ),
                bearer(client.get(format!("http://{address}/{EMAIL}"))),
                bearer(client.put(&url)).body(HELD),
                client
                    .post(&url)
                    .header("authorization", format!("Basic {}", STANDARD.encode(HELD)))
                    .header("content-type", "application/json")
                    .body("{}"),
            ]);
            for request in requests {
                let response = request.send().await.unwrap();
                let head = format!("{} {:?}", response.status(), response.headers());
                let body = response.text().await.unwrap();
                let what = format!("caller of service {index}, round {round}: {body:.300}");
                // What came back as a name for the request is the sender's own text.
                if !head.contains("x-request-id\": \"zyx") {
                    scan(&what, &head, &ALL);
                }
                scan(&what, &body, &SECRETS);
                scan(&what, &body, hidden);
                let mut rest: Value = serde_json::from_str(&body).unwrap_or_default();
                let answers = match &mut rest {
                    Value::Array(batch) => batch.iter_mut().collect(),
                    Value::Object(_) => vec![&mut rest],
                    _ => Vec::new(),
                };
                for answer in answers {
                    let data = answer["data"].take();
                    shown += data.to_string().matches(NAME).count();
                    // Under the name of its field, and nowhere else.
                    let tokens = data["issuePermanentToken"].to_string().matches(ISSUED).count();
                    assert_eq!(data.to_string().matches(ISSUED).count(), tokens);
                    issued += tokens;
                    scan(&what, &answer.to_string(), &ELSEWHERE);
                }
            }
        }
    }
    // Rosters are taken back, and what names them is wrong in every way.
    let mut taken_back = 0;
    for body in [
        json!({ "all": true }),
        json!({ "account": { "email": EMAIL, "type": "AGENT" }, "mode": "hard" }),
        json!({ "account": { "email": MAYA, "type": "CUSTOMER" } }),
        json!({ "credential": BROUGHT }),
        json!({ "credential": [HELD] }),
        json!({ "account": { "email": format!("{EMAIL} {PHONE}"), "type": NAME } }),
        json!({ EMAIL: HELD }),
        json!(HELD),
    ] {
        for secret in [ADMIN, BROUGHT] {
            let request = client.post(format!("http://{}/invalidate", addresses[1])).bearer_auth(secret);
            let request = request.header("content-type", "application/json").body(body.to_string());
            let response = request.send().await.unwrap();
            taken_back += u32::from(response.status() == 200);
            scan("invalidation", &format!("{:?} {}", response.headers().clone(), response.text().await.unwrap()), &ALL);
        }
    }
    assert_eq!(taken_back, 4);
    for admin in addresses.iter().skip(1).step_by(2) {
        for path in ["metrics", "health/ready", "health/live"] {
            let text = client.get(format!("http://{admin}/{path}")).send().await.unwrap().text().await.unwrap();
            scan(path, &text, &ALL);
        }
    }
    drop(child.stdin.take());
    stdout.read_to_string(&mut out).unwrap();
    let log = log.join().unwrap();
    assert!(child.wait().unwrap().success(), "{log}");
    scan("standard output", &out, &ALL);
    scan("standard error", &log, &ALL);
    println!(
        "{scanned} texts and {} lines of log scanned for {} canaries in every form: {} hits",
        log.lines().count(),
        ALL.len(),
        hits.len()
    );
    assert!(hits.is_empty(), "{hits:#?}");
    // The scan was about something: people were shown where they may be, the log is at TRACE, and there were panics.
    assert!(shown > 20, "{shown}");
    // Once in the round in which the vendor issues them.
    assert_eq!(issued, 1);
    assert!(log.contains("this is TRACE") && log.contains("panicked"), "{log:.2000}");
}

/// The scanner itself: it finds what is hidden.
#[test]
fn a_canary_is_found_in_every_disguise() {
    let canaries = Canaries(BTreeMap::from([("email", EMAIL.to_owned()), ("name", NAME.to_owned())]));
    for before in ["", "a", "ab", "abc"] {
        let plain = format!("{before}{EMAIL} and more");
        for text in [plain.clone(), STANDARD.encode(&plain), URL_SAFE.encode(&plain), plain.replace('@', "%40")] {
            assert!(!canaries.in_text(&text, &["email"]).is_empty(), "{text}");
        }
    }
    assert!(!canaries.in_text(&NAME.replace('á', "\\u00e1"), &["name"]).is_empty());
    assert!(canaries.in_text("nobody@nowhere.example", &ALL).is_empty());
}
