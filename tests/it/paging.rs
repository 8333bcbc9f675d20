//! Paged upstreams: a roster is complete, or it is not there.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use flowmatix_graphql::app::App;
use flowmatix_graphql::demo::DemoSwitches;
use flowmatix_graphql::model::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, PATIENT, TestApp, account, settings};

/// A vendor that answers from a list of pages, the k-th call with what the script says for it.
type Script = Arc<Mutex<Box<dyn FnMut(usize, usize) -> Value + Send>>>;

struct Paged {
    app: App,
    calls: Arc<Mutex<Vec<usize>>>,
}

#[derive(Clone)]
struct Vendor {
    script: Script,
    calls: Arc<Mutex<Vec<usize>>>,
}

async fn answer(State(vendor): State<Vendor>, Query(query): Query<Vec<(String, String)>>) -> String {
    let value = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap();
    assert_eq!(value("ispagination"), "true");
    let page = value("page").parse().unwrap();
    vendor.calls.lock().unwrap().push(page);
    let call = vendor.calls.lock().unwrap().len();
    let body = (vendor.script.lock().unwrap())(call, page);
    body.to_string()
}

impl Paged {
    async fn start(pairs: &[(&str, &str)], script: impl FnMut(usize, usize) -> Value + Send + 'static) -> Self {
        let calls = Arc::default();
        let vendor = Vendor { script: Arc::new(Mutex::new(Box::new(script))), calls: Arc::clone(&calls) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/custom-user", get(answer)).with_state(vendor);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let config = settings(&url, &[&[("upstream.paged", "true")], pairs].concat());
        let app = App::start(&config, Some("token".into())).await.unwrap();
        Self { app, calls }
    }

    async fn ask(&self) -> Answer {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(format!("http://{}/graphql", self.app.address()));
        let query = json!({ "query": "{ teamMembers { nodes { id } skippedRows { index } } }" });
        let request = request.header("content-type", "application/json").body(query.to_string());
        Answer::read(request.send().await.unwrap()).await
    }

    async fn ids(&self) -> Vec<String> {
        let data = self.ask().await.clean();
        let nodes = data["teamMembers"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect()
    }

    fn calls(&self) -> Vec<usize> {
        self.calls.lock().unwrap().clone()
    }
}

fn page(ids: &[&str]) -> Value {
    let rows: Vec<Value> = ids.iter().map(|id| json!({ "_id": id })).collect();
    json!({ "success": true, "message": "", "data": rows, "code": 200 })
}

fn of(pages: Vec<Vec<&'static str>>) -> impl FnMut(usize, usize) -> Value + Send + 'static {
    move |_, number| page(pages.get(number - 1).map(Vec::as_slice).unwrap_or_default())
}

#[tokio::test]
async fn a_list_ends_at_its_short_or_its_empty_page() {
    let short = Paged::start(&[], of(vec![vec!["a", "b"], vec!["c", "d"], vec!["e"]])).await;
    assert_eq!(short.ids().await, ["a", "b", "c", "d", "e"]);
    assert_eq!(short.calls(), [1, 2, 3]);
    let empty = Paged::start(&[], of(vec![vec!["a", "b"], vec!["c", "d"]])).await;
    assert_eq!(empty.ids().await, ["a", "b", "c", "d"]);
    assert_eq!(empty.calls(), [1, 2, 3]);
    let nobody = Paged::start(&[], of(vec![])).await;
    assert_eq!(nobody.ids().await, [""; 0]);
}

#[tokio::test]
async fn a_page_that_repeats_the_last_one_ends_the_list() {
    let same = Paged::start(&[], |_, _| page(&["a", "b"])).await;
    assert_eq!(same.ids().await, ["a", "b"]);
    assert_eq!(same.calls(), [1, 2]);
}

#[tokio::test]
async fn the_total_ends_the_list_where_the_upstream_says_one() {
    let script = |_, number| {
        let mut page = page(if number == 1 { &["a", "b"] } else { &["c", "d"] });
        page["meta"] = json!({ "total": 4 });
        page
    };
    let told = Paged::start(&[], script).await;
    assert_eq!(told.ids().await, ["a", "b", "c", "d"]);
    assert_eq!(told.calls(), [1, 2]);
}

#[tokio::test]
async fn a_list_that_shifts_is_read_once_more_and_not_again() {
    // Somebody joined in front while the second page was read: "b" comes again.
    let once = |call, number| match (call, number) {
        (1, 1) => page(&["a", "b"]),
        (2, 2) => page(&["b", "c"]),
        (_, 1) => page(&["0", "a"]),
        (_, 2) => page(&["b", "c"]),
        _ => page(&[]),
    };
    let settled = Paged::start(&[], once).await;
    assert_eq!(settled.ids().await, ["0", "a", "b", "c"]);
    assert_eq!(settled.calls(), [1, 2, 1, 2, 3]);

    let totals = |call, number| {
        let mut page = page(if number == 1 { &["a", "b"] } else { &["c", "d"] });
        page["total"] = json!(4 + call);
        page
    };
    // It never rests: what came is served, and says so.
    let restless = Paged::start(&[], totals).await;
    let answer = restless.ask().await.clean();
    assert_eq!(answer["teamMembers"]["nodes"].as_array().unwrap().len(), 4);
    assert_eq!(answer["teamMembers"]["skippedRows"], json!([{ "index": 4 }]));
    assert_eq!(restless.calls()[..4], [1, 2, 1, 2]);
    assert!(restless.calls().len() <= 6, "{:?}", restless.calls());
}

fn updated(id: &str, time: SystemTime) -> Value {
    json!({ "_id": id, "updatedAt": Timestamp::from(time).to_string() })
}

/// The reasons of the rows that were skipped, and how many members there are.
async fn marks(paged: &Paged) -> (usize, usize) {
    let data = paged.ask().await.clean();
    let team = &data["teamMembers"];
    (team["nodes"].as_array().unwrap().len(), team["skippedRows"].as_array().unwrap().len())
}

#[tokio::test]
async fn a_list_of_which_a_row_was_updated_while_it_was_read_is_read_once_more_and_not_again() {
    let (long_ago, minute) = (SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000), Duration::from_secs(60));
    let list = move |number: usize, time: SystemTime| {
        // Dates have milliseconds: no page is read in the one in which another was begun.
        std::thread::sleep(Duration::from_millis(2));
        let rows = match number {
            1 => vec![updated("a", long_ago), updated("b", long_ago)],
            2 => vec![updated("c", long_ago), updated("d", time)],
            _ => vec![],
        };
        json!({ "data": rows, "total": 4 })
    };
    // Once, behind the page that is being read.
    let mut changed = None;
    let once = Paged::start(&[], move |_, number| {
        if number == 2 {
            changed.get_or_insert_with(SystemTime::now);
        }
        list(number, changed.unwrap_or(long_ago))
    });
    let once = once.await;
    assert_eq!(marks(&once).await, (4, 0));
    assert_eq!(once.calls(), [1, 2, 1, 2]);

    // All the time: it is served with a mark, and not read twice again the next time.
    let always = Paged::start(&[("roster.store", "false")], move |_, number| list(number, SystemTime::now())).await;
    for calls in [4, 6, 8] {
        assert_eq!(marks(&always).await, (4, 1));
        assert_eq!(always.calls().len(), calls);
    }
    // A date before the list was begun, or one that lies ahead, is no change.
    for time in [SystemTime::now() - minute, SystemTime::now() + minute] {
        let still = Paged::start(&[], move |_, number| list(number, time)).await;
        assert_eq!(marks(&still).await, (4, 0));
        assert_eq!(still.calls(), [1, 2]);
    }
}

/// The plan has room for one reading and a half.
#[tokio::test]
async fn a_list_that_changed_is_served_with_a_mark_where_the_plan_has_no_room_to_read_it_again() {
    let script = |call: usize, number: usize| {
        let mut page = page(if number == 1 { &["a", "b"] } else { &["c", "d"] });
        page["total"] = json!(4 + call);
        page
    };
    let plan = [("budget.calls_per_hour", "3"), ("budget.utilization", "1")];
    let short = Paged::start(&plan, script).await;
    assert_eq!(marks(&short).await, (4, 1));
    assert_eq!(short.calls(), [1, 2, 3]);
}

#[tokio::test]
async fn a_list_with_fewer_rows_than_its_total_is_read_once_more_and_a_total_that_is_none_only_once_for_all() {
    let script = |call, number| {
        // A row is gone from the first page while the second one was read; later all of them are there.
        let mut page = match (call, number) {
            (_, 1) => page(&["a", "b"]),
            (2, 2) => page(&["d"]),
            _ => page(&["c", "d"]),
        };
        page["total"] = json!(4);
        page
    };
    let settled = Paged::start(&[], script).await;
    assert_eq!(settled.ids().await, ["a", "b", "c", "d"]);
    assert_eq!(settled.calls(), [1, 2, 1, 2]);

    let odd = |_, number| {
        let mut page = page(if number == 1 { &["a", "b"] } else { &["c"] });
        page["total"] = json!(100);
        page
    };
    let odd = Paged::start(&[("roster.store", "false")], odd).await;
    for _ in 0..3 {
        let answer = odd.ask().await.clean();
        assert_eq!(answer["teamMembers"]["skippedRows"], json!([]));
    }
    assert_eq!(odd.calls(), [1, 2, 1, 2, 1, 2, 1, 2]);
}

#[tokio::test]
async fn the_number_of_pages_and_rows_is_bounded() {
    let endless = |_, number: usize| page(&[&format!("{number}a"), &format!("{number}b")]);
    let pages = Paged::start(&[("upstream.pages_limit", "3")], endless).await;
    assert_eq!(pages.ask().await.codes(), ["UPSTREAM_BAD_RESPONSE"]);
    assert_eq!(pages.calls(), [1, 2, 3]);
    let rows = Paged::start(&[("upstream.rows_limit", "5")], endless).await;
    assert_eq!(rows.ask().await.codes(), ["UPSTREAM_BAD_RESPONSE"]);
    assert_eq!(rows.calls(), [1, 2, 3]);
}

#[tokio::test]
async fn a_page_that_fails_leaves_no_half_roster() {
    let script = |call, number| match (call, number) {
        (2, 2) => json!({ "success": false, "message": "", "data": null, "code": 503 }),
        (_, 1) => page(&["a", "b"]),
        _ => page(&["c"]),
    };
    let failing = Paged::start(&[("upstream.retry_ratio", "0")], script).await;
    assert_eq!(failing.ask().await.codes(), ["UPSTREAM_UNAVAILABLE"]);
    let answer = crate::support::until(|| failing.ask(), |answer| answer.body.get("errors").is_none()).await;
    assert_eq!(answer.upstream()["calls"], 2);
    assert_eq!(answer.clean()["teamMembers"]["nodes"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_skipped_rows_place_counts_the_pages_before() {
    let script = |_, number| match number {
        1 => page(&["a", "b"]),
        _ => json!({ "success": true, "data": [{ "name": "no id" }], "code": 200 }),
    };
    let data = Paged::start(&[], script).await.ask().await.clean();
    assert_eq!(data["teamMembers"]["skippedRows"], json!([{ "index": 2 }]));
}

#[tokio::test]
async fn the_samples_ten_thousand_members_come_page_by_page() {
    let app = TestApp::with(&[&PATIENT[..], &[("upstream.paged", "true")]].concat()).await;
    let answer = app.query(&format!("{{ teamMembers({}) {{ totalCount }} }}", account(3))).await;
    assert_eq!(answer.upstream()["calls"], 101);
    assert_eq!(answer.clean(), json!({ "teamMembers": { "totalCount": 10_000 } }));
}

#[tokio::test]
async fn a_body_that_comes_slowly_leaves_a_long_list_the_rest_of_the_requests_time() {
    let app = TestApp::with(&[("upstream.paged", "true"), ("http.timeout", "2s")]).await;
    let _held = app.demo.hold();
    let body = json!({ "query": format!("{{ __typename teamMembers({}) {{ totalCount }} }}", account(2)) }).to_string();
    let (first, rest) = body.split_at(10);
    let mut stream = TcpStream::connect(app.app.address()).await.unwrap();
    let length = body.len();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all((head + first).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("UPSTREAM_TIMEOUT") && answer.contains("\"__typename\":\"Query\""), "{answer}");
}

#[tokio::test]
async fn a_list_that_takes_longer_than_its_caller_may_wait_is_there_for_the_next() {
    let app = TestApp::with(&[("upstream.paged", "true"), ("http.timeout", "160ms")]).await;
    app.demo.set_switches(DemoSwitches { latency_ms: 100, ..DemoSwitches::default() });
    let query = format!("{{ teamMembers({}) {{ totalCount }} }}", account(2));
    let first = app.query(&query).await;
    assert_eq!((first.status, first.codes()), (200, vec!["UPSTREAM_TIMEOUT"]));
    // The third page is the last.
    app.demo.arrived(3).await;
    let answer = loop {
        let answer = app.query(&query).await;
        if answer.body.get("errors").is_none() {
            break answer;
        }
    };
    assert_eq!(answer.clean(), json!({ "teamMembers": { "totalCount": 250 } }));
    assert_eq!(app.demo.calls(), 3);
}
