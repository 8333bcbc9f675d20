//! The webhook of cache tags, against a real receiver that accepts, hangs, fails, refuses, and comes back.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use flowmatix_graphql::demo::{DemoSwitches, Scripted};
use serde_json::{Value, json};

use crate::cache_tags::{entity_tags, root_tags, team};
use crate::support::receiver::{Behaviour, Post, Receiver};
use crate::support::{Answer, TempFile, TestApp, account};

const EMAIL: &str = "maya@lantern-books.example";
const ADMIN: &str = "an-admin-secret";

struct Posting {
    app: TestApp,
    _files: [TempFile; 3],
}

impl Posting {
    async fn to(url: &str, pairs: &[(&str, &str)]) -> Self {
        let files = [
            TempFile::new("tags-key", "a-key-of-cache-tags"),
            TempFile::new("webhook-secret", "router-key\n"),
            TempFile::new("admin-secret", ADMIN),
        ];
        let ours = [
            ("cache_tags.secret_file", files[0].as_str()),
            ("cache_tags.extensions", "true"),
            ("cache_tags.webhook_url", url),
            ("cache_tags.webhook_hosts", "127.0.0.1"),
            ("cache_tags.webhook_secret_file", files[1].as_str()),
            ("cache_tags.webhook_subgraph", "people"),
            ("admin.invalidate_secret_file", files[2].as_str()),
            ("admin.invalidations_limit", "0"),
        ];
        let app = TestApp::with(&[&ours[..], pairs].concat()).await;
        app.demo.set_team(EMAIL, team());
        let posting = Self { app, _files: files };
        posting.read().await;
        posting
    }

    /// Has the team read anew.
    async fn read(&self) -> Answer {
        let body = json!({ "query": "{ teamMembers { totalCount } }" }).to_string();
        let answer = self.app.send(self.app.post().header("x-flowmatix-max-age", "0").body(body)).await;
        assert_eq!(answer.upstream()["calls"], 1, "{:#}", answer.body);
        answer
    }

    /// Gives the team these rows, and has it read.
    async fn change(&self, rows: Vec<Value>) {
        self.app.demo.set_team(EMAIL, rows);
        self.read().await;
    }

    /// Gives a member another name, and has it read.
    async fn rename(&self, index: usize, name: &str) {
        let mut rows = team();
        rows[index]["name"] = json!(name);
        self.change(rows).await;
    }

    /// The names of the members a, b and c, of the roles r1 and r2, and of the team, each without those of the account.
    async fn names(&self) -> [String; 6] {
        let of = |(kind, id): (&str, &str)| json!({ "__typename": kind, "id": id });
        let own = [("TeamMember", "a"), ("TeamMember", "b"), ("TeamMember", "c"), ("Role", "r1"), ("Role", "r2")];
        let query = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } team { stale } }";
        let answer = self.app.variables(query, json!({ "r": own.map(of) })).await;
        let own = entity_tags(&answer).into_iter().chain([root_tags(&answer)]);
        let own = own.map(|tags| tags.into_iter().find(|tag| !tag.starts_with("account-")).unwrap());
        own.collect::<Vec<_>>().try_into().unwrap()
    }

    async fn account(&self) -> String {
        let answer = self.app.query("{ team { stale } }").await;
        root_tags(&answer).into_iter().find(|tag| tag.starts_with("account-")).unwrap()
    }

    async fn invalidate(&self, body: Value) {
        let url = format!("http://{}/invalidate", self.app.app.admin_address());
        let request = self.app.client.post(url).bearer_auth(ADMIN).header("content-type", "application/json");
        assert_eq!(self.app.send(request.body(body.to_string())).await.status, 200);
    }

    async fn dropped(&self, reason: &str) -> f64 {
        self.app.metric(&format!("flowmatix_cache_tags_dropped_total{{reason=\"{reason}\"}}")).await
    }

    async fn posts(&self, result: &str) -> f64 {
        self.app.metric(&format!("flowmatix_cache_tag_posts_total{{result=\"{result}\"}}")).await
    }

    /// Waits for a metric.
    async fn until(&self, line: &str, expected: impl Fn(f64) -> bool) {
        for _ in 0..3000 {
            if expected(self.app.metric(line).await) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{line} is {}", self.app.metric(line).await);
    }
}

/// The names in accepted posts, one by one.
fn accepted(posts: &[Post]) -> Vec<String> {
    let bodies = posts.iter().filter(|post| post.accepted).flat_map(|post| post.body.as_array().unwrap());
    bodies.map(|entry| entry["cache_tag"].as_str().unwrap_or("everything").to_owned()).collect()
}

fn set(names: &[String]) -> BTreeSet<String> {
    names.iter().cloned().collect()
}

/// Whether all of these names were accepted.
fn all(names: BTreeSet<String>) -> impl Fn(&[Post]) -> bool {
    move |posts| names.is_subset(&set(&accepted(posts)))
}

#[tokio::test]
async fn a_change_is_posted_under_the_names_that_answers_had() {
    let receiver = Receiver::start(Behaviour::Accept).await;
    let posting = Posting::to(&receiver.url(), &[]).await;
    let [_, b, c, r1, r2, list] = posting.names().await;
    posting.rename(1, "Somebody else").await;
    let first = set(&[b, r1, list.clone()]);
    let posts = receiver.posts_until(all(first.clone())).await;
    assert_eq!(set(&accepted(&posts)), first);
    // As Apollo Router takes it.
    let post = &posts[0];
    assert_eq!(post.path, "/invalidation");
    assert_eq!(post.headers["authorization"], "router-key");
    assert_eq!(post.headers["content-type"], "application/json");
    let tag = &post.body[0]["cache_tag"];
    assert_eq!(post.body[0], json!({ "kind": "cache_tag", "subgraphs": ["people"], "cache_tag": tag }));

    // What is read again and is the same says nothing; a member that goes does.
    posting.read().await;
    let mut rows = team();
    rows[1]["name"] = json!("Somebody else");
    rows.pop();
    posting.change(rows).await;
    let second = set(&[c, r2, list]);
    let posts = receiver.posts_until(all(second.clone())).await;
    assert_eq!(set(&accepted(&posts[first_batches(&posts, &first)..])), second);
    posting.until("flowmatix_cache_tags_posted_total", |posted| posted == 6.0).await;
    posting.until("flowmatix_cache_tags_pending", |pending| pending == 0.0).await;
    assert_eq!(posting.posts("ok").await, posts.len() as f64);
}

/// How many posts it took to bring these names.
fn first_batches(posts: &[Post], names: &BTreeSet<String>) -> usize {
    (0..=posts.len()).find(|n| names.is_subset(&set(&accepted(&posts[..*n])))).unwrap()
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_nothing_up_and_gets_each_name_once_when_it_is_back() {
    let receiver = Receiver::start(Behaviour::Hang).await;
    let posting = Posting::to(&receiver.url(), &[("cache_tags.webhook_timeout", "300ms")]).await;
    let [a, b, c, r1, r2, list] = posting.names().await;
    for (n, index) in [0, 1, 2, 0, 1, 2].into_iter().enumerate() {
        posting.rename(index, &format!("Name {n}")).await;
    }
    posting.until("flowmatix_cache_tag_posts_total{result=\"failed\"}", |failed| failed >= 1.0).await;
    receiver.behave(Behaviour::Accept);
    let everything = set(&[a, b, c, r1, r2, list]);
    let posts = receiver.posts_until(all(everything.clone())).await;
    let names = accepted(&posts);
    assert_eq!((set(&names), names.len()), (everything, 6), "each once");
    posting.until("flowmatix_cache_tags_pending", |pending| pending == 0.0).await;
    assert_eq!(posting.dropped("full").await + posting.dropped("late").await, 0.0);
}

#[tokio::test]
async fn a_receiver_that_is_not_there_gets_what_it_missed() {
    // An address that nobody listens on, until later.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let posting = Posting::to(&format!("http://{address}/invalidation"), &[]).await;
    let [a, _, _, r1, _, list] = posting.names().await;
    posting.rename(0, "Somebody else").await;
    posting.until("flowmatix_cache_tag_posts_total{result=\"failed\"}", |failed| failed >= 2.0).await;
    let receiver = Receiver::start_at(address, Behaviour::Accept).await;
    receiver.posts_until(all(set(&[a, r1, list]))).await;
}

#[tokio::test]
async fn retries_come_from_a_budget() {
    let unavailable = Behaviour::Answer(StatusCode::SERVICE_UNAVAILABLE, None);
    let receiver = Receiver::start(unavailable).await;
    let posting = Posting::to(&receiver.url(), &[("cache_tags.webhook_retries", "1")]).await;
    posting.rename(0, "Somebody else").await;
    // The first post, and five that the budget begins with.
    receiver.posts_until(|posts| posts.len() == 6).await;
    for n in 0..20 {
        posting.rename(n % 3, &format!("Name {n}")).await;
    }
    assert_eq!(receiver.posts().len(), 6);
    // Whatever waits is as much as the team has names.
    posting.until("flowmatix_cache_tags_pending", |pending| pending == 6.0).await;
    assert_eq!(posting.dropped("full").await, 0.0);
}

#[tokio::test]
async fn a_refusal_is_final_and_a_redirect_is_not_followed() {
    let elsewhere = Receiver::start(Behaviour::Accept).await;
    let receiver = Receiver::start(Behaviour::Answer(StatusCode::UNAUTHORIZED, None)).await;
    let posting = Posting::to(&receiver.url(), &[]).await;
    let [_, b, _, r1, _, list] = posting.names().await;
    let refused = "flowmatix_cache_tags_dropped_total{reason=\"refused\"}";
    posting.rename(0, "Somebody else").await;
    posting.until(refused, |count| count == 3.0).await;
    assert_eq!(receiver.posts().len(), 1);
    receiver.behave(Behaviour::Answer(StatusCode::TEMPORARY_REDIRECT, Some(("location", elsewhere.url()))));
    posting.change(team()).await;
    posting.until(refused, |count| count == 6.0).await;
    // Later changes are posted all the same.
    receiver.behave(Behaviour::Accept);
    posting.rename(1, "Somebody else").await;
    let posts = receiver.posts_until(all(set(&[b, r1, list]))).await;
    assert_eq!((posts.len(), elsewhere.posts().len()), (3, 0));
}

#[tokio::test]
async fn what_finds_no_room_is_dropped_and_counted() {
    let receiver = Receiver::start(Behaviour::Hang).await;
    let posting =
        Posting::to(&receiver.url(), &[("cache_tags.webhook_queue_limit", "2"), ("cache_tags.webhook_timeout", "1h")])
            .await;
    let account_tag = posting.account().await;
    // Three names have no room, so the account's come instead; they are under way.
    posting.rename(0, "Somebody else").await;
    let posts = receiver.posts_until(|posts| posts.len() == 1).await;
    assert!(posts[0].body.to_string().contains(&account_tag));
    assert_eq!(posts[0].body.as_array().unwrap().len(), 2);
    // The next ones wait, and of another account there is no room for any.
    posting.change(team()).await;
    assert_eq!(posting.dropped("full").await, 0.0);
    posting.invalidate(json!({ "account": { "email": "else@lantern-books.example", "type": "CUSTOMER" } })).await;
    assert_eq!(posting.dropped("full").await, 2.0);
    assert_eq!(posting.app.metric("flowmatix_cache_tags_pending").await, 2.0);
    // What drops everything always has room.
    posting.invalidate(json!({ "all": true })).await;
    assert_eq!(posting.app.metric("flowmatix_cache_tags_pending").await, 1.0);
}

#[tokio::test]
async fn what_no_cache_can_hold_any_more_is_not_posted() {
    let receiver = Receiver::start(Behaviour::Hang).await;
    let pairs = [("roster.fresh_for", "500ms"), ("cache_tags.webhook_timeout", "200ms")];
    let posting = Posting::to(&receiver.url(), &pairs).await;
    posting.rename(0, "Somebody else").await;
    posting.until("flowmatix_cache_tags_dropped_total{reason=\"late\"}", |late| late == 3.0).await;
    posting.until("flowmatix_cache_tags_pending", |pending| pending == 0.0).await;
}

#[tokio::test]
async fn what_may_not_be_shown_any_more_is_posted_at_once() {
    let receiver = Receiver::start(Behaviour::Accept).await;
    let posting = Posting::to(&receiver.url(), &[]).await;
    let [.., list] = posting.names().await;
    let account_tag = posting.account().await;
    let whole = set(&[account_tag, list]);
    let mut seen = 0;
    for mode in ["soft", "hard"] {
        posting.invalidate(json!({ "account": { "email": EMAIL, "type": "CUSTOMER" }, "mode": mode })).await;
        let posts = receiver.posts_until(|posts| all(whole.clone())(&posts[seen..])).await;
        assert_eq!(set(&accepted(&posts[seen..])), whole, "{mode}");
        seen = posts.len();
        posting.app.query("{ teamMembers { totalCount } }").await;
    }
    posting.invalidate(json!({ "all": true })).await;
    let posts = receiver.posts_until(|posts| posts.len() > seen).await;
    assert_eq!(posts.last().unwrap().body, json!([{ "kind": "subgraph", "subgraph": "people" }]));
    seen = posts.len();

    // An account that the vendor forbids is withdrawn, once; one that was never shown is not.
    posting.app.query("{ teamMembers { totalCount } }").await;
    posting.app.demo.set_switches(DemoSwitches { status: Some(403), ..Default::default() });
    let forbidden = format!("{{ teamMembers({}) {{ totalCount }} }}", account(1));
    assert_eq!(posting.app.query(&forbidden).await.codes(), ["UPSTREAM_FORBIDDEN"]);
    posting.app.demo.script(Some(EMAIL), Some(Scripted::status(StatusCode::FORBIDDEN, "")));
    let body = json!({ "query": "{ teamMembers { totalCount } }" }).to_string();
    let answer = posting.app.send(posting.app.post().header("x-flowmatix-max-age", "0").body(body)).await;
    assert_eq!(answer.codes(), ["UPSTREAM_FORBIDDEN"], "{:#}", answer.body);
    let posts = receiver.posts_until(|posts| all(whole.clone())(&posts[seen..])).await;
    assert_eq!(set(&accepted(&posts[seen..])), whole);
}

#[tokio::test]
async fn many_changes_of_an_account_are_one() {
    let receiver = Receiver::start(Behaviour::Accept).await;
    let posting = Posting::to(&receiver.url(), &crate::support::PATIENT).await;
    let rows = |name: &str, count: usize| -> Vec<Value> {
        (0..count).map(|n| json!({ "_id": format!("m{n}"), "name": format!("{name} {n}") })).collect()
    };
    let [.., list] = posting.names().await;
    let whole = set(&[posting.account().await, list.clone()]);
    posting.change(rows("First", 501)).await;
    let posts = receiver.posts_until(all(whole.clone())).await;
    assert_eq!(set(&accepted(&posts)), whole, "three went, and 501 came");
    // Of a long list, too, one change is one name.
    posting.change(rows("First", 1500)).await;
    let seen = receiver.posts_until(|posts| accepted(posts).len() >= 4).await.len();
    let mut changed = rows("First", 1500);
    changed[700]["name"] = json!("Somebody else");
    posting.change(changed).await;
    let posts = receiver.posts_until(|posts| accepted(&posts[seen..]).len() >= 2).await;
    let names = accepted(&posts[seen..]);
    assert_eq!(names.len(), 2);
    assert!(names[0].starts_with("member-") && names[1] == list, "{names:?}");
}
