//! Cache tags: which answers have which names, where, and what the names tell.

use std::collections::BTreeSet;

use flowmatix_graphql::config::{Config, Flag, Profile};
use serde_json::{Value, json};

use crate::support::{Answer, TempFile, TestApp, account};

const EMAIL: &str = "maya@lantern-books.example";
const KEY: &str = "a-key-of-cache-tags";
const ROUTER: &str = "x-flowmatix-router-secret";

/// Three members, two of one role.
pub fn team() -> Vec<Value> {
    [("a", "r1"), ("b", "r1"), ("c", "r2")]
        .map(|(id, role)| json!({ "_id": id, "name": format!("Member {id}"), "_role": role }))
        .to_vec()
}

struct Tagged {
    app: TestApp,
    _key: TempFile,
}

impl Tagged {
    async fn with(pairs: &[(&str, &str)]) -> Self {
        Self::keyed(KEY, pairs).await
    }

    async fn keyed(key: &str, pairs: &[(&str, &str)]) -> Self {
        let key = TempFile::new("tags-key", key);
        let ours = [
            ("cache_tags.secret_file", key.as_str()),
            ("cache_tags.extensions", "true"),
            ("cache_tags.header", "true"),
        ];
        let app = TestApp::with(&[&ours[..], pairs].concat()).await;
        app.demo.set_team(EMAIL, team());
        Self { app, _key: key }
    }

    async fn entities(&self, representations: Value, selection: &str) -> Answer {
        let query = format!("query($r: [_Any!]!) {{ _entities(representations: $r) {{ {selection} }} }}");
        self.app.variables(&query, json!({ "r": representations })).await
    }
}

fn names(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

pub fn root_tags(answer: &Answer) -> Vec<String> {
    names(&answer.body["extensions"]["apolloCacheTags"])
}

pub fn entity_tags(answer: &Answer) -> Vec<Vec<String>> {
    answer.body["extensions"]["apolloEntityCacheTags"].as_array().unwrap().iter().map(names).collect()
}

fn kinds(names: &[String]) -> Vec<&str> {
    let mut kinds: Vec<&str> = names.iter().map(|name| name.split_once('-').unwrap().0).collect();
    kinds.sort_unstable();
    kinds
}

fn header_tags(answer: &Answer) -> BTreeSet<String> {
    answer.header("cache-tag").split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn without_settings_no_answer_has_a_tag() {
    let app = TestApp::start().await;
    let answer = app.query("{ teamMembers { totalCount } _entities(representations: []) { __typename } }").await;
    assert_eq!(answer.header("cache-tag"), "");
    let extensions: Vec<_> = answer.body["extensions"].as_object().unwrap().keys().collect();
    assert_eq!(extensions, ["upstream"]);
}

#[tokio::test]
async fn root_fields_are_tagged_by_what_they_read() {
    let tagged = Tagged::with(&[]).await;
    let other = account(1);
    for (query, expected) in [
        ("{ team { stale } }".to_owned(), vec!["account", "team"]),
        ("{ teamMembers { totalCount } }".to_owned(), vec!["account", "team"]),
        ("{ roles { id } }".to_owned(), vec!["account", "team"]),
        (r#"{ teamMember(id: "a") { name role { id } } }"#.to_owned(), vec!["account", "member"]),
        // One that is not there may come.
        (r#"{ teamMember(id: "nobody") { name } }"#.to_owned(), vec!["account", "member"]),
        (r#"{ teamMember(id: "a") { role { memberCount } } }"#.to_owned(), vec!["account", "member", "team"]),
        (r#"{ teamMember(id: "a") { team { generation } } }"#.to_owned(), vec!["account", "member", "team"]),
        (
            r#"{ role(id: "r1") { members { nodes { name role { memberCount } } } } }"#.to_owned(),
            vec!["account", "role"],
        ),
        (
            r#"{ role(id: "r1") { members { nodes { team { account { email } } } } } }"#.to_owned(),
            vec!["account", "role", "team"],
        ),
        (r#"{ node(id: "a") { id } }"#.to_owned(), vec!["account", "member", "role"]),
        // Two accounts; of what is read twice, each name is there once.
        (
            format!("{{ team {{ stale }} again: team {{ stale }} other: team({other}) {{ stale }} }}"),
            vec!["account", "account", "team", "team"],
        ),
    ] {
        let answer = tagged.app.query(&query).await;
        let tags = root_tags(&answer);
        assert_eq!(kinds(&tags), expected, "{query} {:#}", answer.body);
        assert_eq!(header_tags(&answer), tags.into_iter().collect(), "{query}");
        assert!(answer.header("cache-control").starts_with("private, max-age="), "{query}");
        assert!(answer.body["extensions"].get("apolloEntityCacheTags").is_none(), "{query}");
    }
    // Nothing of a team.
    let answer = tagged.app.query("{ __typename }").await;
    assert_eq!((answer.header("cache-tag"), answer.body.get("extensions")), ("", None));
}

#[tokio::test]
async fn entities_have_their_tags_in_the_order_of_the_representations() {
    let tagged = Tagged::with(&[]).await;
    let of = |kind: &str, id: &str| json!({ "__typename": kind, "id": id });
    let account = json!({ "email": EMAIL, "type": "CUSTOMER" });
    let representations = json!([
        of("TeamMember", "c"),
        of("TeamMember", "nobody"),
        of("Role", "r1"),
        { "__typename": "Team", "account": account },
        { "__typename": "TeamMember", "id": "c", "account": account },
        of("TeamMember", "a"),
    ]);
    let answer = tagged.entities(representations, "... on TeamMember { name } ... on Role { memberCount }").await;
    assert!(answer.data()["_entities"][1].is_null());
    let tags = entity_tags(&answer);
    let kinds: Vec<_> = tags.iter().map(|names| kinds(names)).collect();
    let member = vec!["account", "member"];
    assert_eq!(
        kinds,
        [member.clone(), member.clone(), vec!["account", "role"], vec!["account", "team"], member.clone(), member]
    );
    // Either key is of the same member, and each member has a name of its own.
    assert_eq!(tags[0], tags[4]);
    assert_eq!(tags.iter().flatten().collect::<BTreeSet<_>>().len(), 6);
    assert!(answer.body["extensions"].get("apolloCacheTags").is_none());
    assert_eq!(header_tags(&answer), tags.into_iter().flatten().collect());

    // What an entity shows of the team is of the team, and of no other entity.
    let both = json!([of("TeamMember", "a"), of("Role", "r1")]);
    let answer = tagged.entities(both, "... on TeamMember { name team { stale } } ... on Role { id }").await;
    let tags = entity_tags(&answer);
    assert_eq!((tags[0].len(), tags[1].len()), (3, 2));

    // Whose list it was, no router could tell of two.
    let two = r#"{ x: _entities(representations: [{ __typename: "Role", id: "r1" }]) { __typename }
                   y: _entities(representations: [{ __typename: "Role", id: "r2" }]) { __typename } }"#;
    let answer = tagged.app.query(two).await;
    assert!(answer.body["extensions"].get("apolloEntityCacheTags").is_none());
    assert_eq!(root_tags(&answer).len(), 3);
}

#[tokio::test]
async fn an_answer_has_the_same_tags_however_it_is_written() {
    let (projected, executed) = (Tagged::with(&[]).await, Tagged::with(&[("graphql.projection", "false")]).await);
    let query = r#"{ teamMembers { totalCount } _entities(representations: [{ __typename: "TeamMember", id: "a" }]) { __typename } }"#;
    let mut seen = BTreeSet::new();
    for app in [&projected.app, &executed.app] {
        for _ in 0..4 {
            let answer = app.query(query).await;
            let tags = (root_tags(&answer), entity_tags(&answer), answer.header("cache-tag").to_owned());
            assert_eq!((tags.0.len(), tags.1.len()), (2, 1));
            seen.insert(tags);
        }
    }
    assert_eq!(seen.len(), 1);
    let reused = "flowmatix_executions_total{path=\"response_cache\"}";
    assert!(projected.app.metric(reused).await > 0.0);
    assert_eq!(executed.app.metric("flowmatix_executions_total{path=\"engine\"}").await, 4.0);
}

#[tokio::test]
async fn a_name_tells_nothing_without_the_key_and_the_same_key_makes_the_same_names() {
    let query = r#"{ team { stale } teamMember(id: "a") { id } role(id: "r1") { id } }"#;
    let mut made = Vec::new();
    for key in [KEY, KEY, "another-key-of-tags"] {
        let tagged = Tagged::keyed(key, &[]).await;
        made.push(root_tags(&tagged.app.query(query).await));
    }
    assert_eq!(made[0], made[1]);
    let all: BTreeSet<&String> = made.iter().flatten().collect();
    assert_eq!(all.len(), 8, "of other keys, and of other things, are other names");
    for name in &all {
        let (kind, hash) = name.split_once('-').unwrap();
        assert!(["account", "team", "member", "role"].contains(&kind));
        // Caches that do not tell cases apart lose nothing.
        assert!(hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{name}");
    }
}

#[tokio::test]
async fn with_a_secret_of_routers_only_they_see_tags_in_answers() {
    let secret = TempFile::new("router-secret", "between-routers");
    let tagged = Tagged::with(&[("federation.secret_file", secret.as_str()), ("cache_tags.header", "false")]).await;
    let ask = |shown: &'static str| {
        let app = &tagged.app;
        async move {
            let body = json!({ "query": "{ team { stale } }" }).to_string();
            app.send(app.post().header(ROUTER, shown).body(body)).await
        }
    };
    // Also of what is kept for identical requests.
    for _ in 0..3 {
        for (shown, there) in [("wrong", false), ("between-routers", true)] {
            let answer = ask(shown).await;
            assert_eq!(answer.body["extensions"].get("apolloCacheTags").is_some(), there);
            assert!(answer.header("cache-control").starts_with("private, max-age="));
            assert_eq!(answer.header("cache-tag"), "");
        }
    }
    assert!(ask("wrong").await.header("vary").contains(ROUTER));
}

#[tokio::test]
async fn an_answer_that_no_cache_may_keep_has_no_tags() {
    let tagged = Tagged::with(&[]).await;
    let malformed = json!([{ "__typename": "TeamMember", "id": "a" }, { "__typename": "Nothing" }]);
    let answer = tagged.entities(malformed, "__typename").await;
    assert_eq!(answer.codes(), ["BAD_USER_INPUT"]);
    assert_eq!((answer.header("cache-control"), answer.header("cache-tag")), ("no-store", ""));
    assert!(answer.body["extensions"].get("apolloEntityCacheTags").is_none());
}

#[tokio::test]
async fn an_answer_with_more_tags_than_allowed_is_not_to_be_kept() {
    let tagged = Tagged::with(&[("cache_tags.limit", "4")]).await;
    let of = |ids: &[&str]| ids.iter().map(|id| json!({ "__typename": "TeamMember", "id": id })).collect::<Value>();
    let fits = tagged.entities(of(&["a", "b"]), "__typename").await;
    assert_eq!(entity_tags(&fits).len(), 2);
    assert!(fits.header("cache-control").starts_with("private, max-age="));
    for _ in 0..3 {
        let cut = tagged.entities(of(&["a", "b", "c"]), "__typename").await;
        assert_eq!(cut.data()["_entities"].as_array().unwrap().len(), 3);
        assert!(cut.body["extensions"].get("apolloEntityCacheTags").is_none());
        assert_eq!((cut.header("cache-control"), cut.header("cache-tag")), ("no-store", ""));
    }
    assert_eq!(tagged.app.metric("flowmatix_cache_tags_uncacheable_total").await, 3.0);
}

#[tokio::test]
async fn tags_for_which_there_is_no_room_make_no_answer_fail() {
    let ids: Vec<Value> = (0..250).map(|n| json!({ "__typename": "TeamMember", "id": format!("m{n}") })).collect();
    // In a header there is no room for so many names, and in the second no room beside the answer.
    for (limit, in_extensions) in [("64KiB", true), ("3KiB", false)] {
        let tagged = Tagged::with(&[("graphql.response_limit", limit)]).await;
        let answer = tagged.entities(json!(ids), "__typename").await;
        assert!(answer.codes().is_empty(), "{:#}", answer.body);
        assert_eq!(answer.body["extensions"].get("apolloEntityCacheTags").is_some(), in_extensions);
        assert_eq!((answer.header("cache-control"), answer.header("cache-tag")), ("no-store", ""));
    }
}

#[tokio::test]
async fn a_batch_is_tagged_by_all_of_its_answers() {
    let tagged = Tagged::with(&[("graphql.batch_limit", "3")]).await;
    let body = json!([
        { "query": "{ team { stale } }" },
        { "query": r#"{ teamMember(id: "a") { id } }"# },
        { "query": r#"{ teamMember(id: "b") { id } }"# },
    ]);
    let answer = tagged.app.send(tagged.app.post().body(body.to_string())).await;
    let tags: Vec<String> = header_tags(&answer).into_iter().collect();
    assert_eq!(kinds(&tags), ["account", "member", "member", "team"]);
    assert_eq!(names(&answer.body[1]["extensions"]["apolloCacheTags"]).len(), 2);
}

/// The problems of a configuration.
fn problems(pairs: &[(&str, &str)]) -> String {
    let mut config = Config::defaults(Profile::Demo);
    let flags: Vec<Flag> = pairs
        .iter()
        .map(|(path, value)| Flag { flag: "test".into(), path: (*path).into(), value: (*value).into() })
        .collect();
    config.follow(&flags).unwrap();
    config.check(Profile::Demo).err().map(|problems| problems.to_string()).unwrap_or_default()
}

#[test]
fn settings_that_do_not_fit_together_are_refused() {
    let url = ("cache_tags.webhook_url", "https://router.example/invalidation");
    let hosts = ("cache_tags.webhook_hosts", "router.example");
    let (key, secret) = (("cache_tags.secret_env", "TAGS"), ("cache_tags.webhook_secret_env", "ROUTER"));
    assert_eq!(problems(&[url, hosts, key, secret]), "");
    assert_eq!(problems(&[("cache_tags.header", "true"), key]), "");
    for (pairs, expected) in [
        (vec![("cache_tags.extensions", "true")], "cache_tags.secret_env and cache_tags.secret_file"),
        (vec![("cache_tags.header", "true")], "cache_tags.secret_env and cache_tags.secret_file"),
        (vec![url, hosts, secret], "cache_tags.secret_env and cache_tags.secret_file"),
        (
            vec![("cache_tags.header", "true"), key, ("cache_tags.secret_file", "/x")],
            "cache_tags.secret_env and cache_tags.secret_file",
        ),
        (vec![url, key, secret], "cache_tags.webhook_url: its host is not in cache_tags.webhook_hosts"),
        (
            vec![url, ("cache_tags.webhook_hosts", "example,notrouter.example"), key, secret],
            "cache_tags.webhook_url: its host is not in cache_tags.webhook_hosts",
        ),
        (
            vec![("cache_tags.webhook_url", "http://router.example/x"), hosts, key, secret],
            "cache_tags.webhook_url: expected https",
        ),
        (vec![url, hosts, key], "cache_tags.webhook_secret_env and cache_tags.webhook_secret_file"),
        (vec![("cache_tags.webhook_hosts", "https://router.example")], "cache_tags.webhook_hosts: expected host names"),
        (vec![("cache_tags.secret_env", "a secret")], "cache_tags.secret_env: expected the name"),
        (vec![("cache_tags.limit", "0")], "cache_tags.limit: expected at least 1"),
    ] {
        assert!(problems(&pairs).contains(expected), "{pairs:?}: {}", problems(&pairs));
    }
    let plain = [("cache_tags.webhook_url", "http://router.example/x"), ("cache_tags.webhook_allow_http", "true")];
    assert_eq!(problems(&[&plain[..], &[hosts, key, secret]].concat()), "");
    let local = [("cache_tags.webhook_url", "http://127.0.0.1:4000/x"), ("cache_tags.webhook_hosts", "127.0.0.1")];
    assert_eq!(problems(&[&local[..], &[key, secret]].concat()), "");
}

#[tokio::test]
async fn a_key_that_can_be_guessed_is_refused() {
    let key = TempFile::new("tags-key", "fifteen-letters");
    let pairs = [("cache_tags.secret_file", key.as_str()), ("cache_tags.header", "true")];
    let config = crate::support::settings("http://127.0.0.1:9", &pairs);
    let refused = flowmatix_graphql::app::verify(&config).await.unwrap_err().to_string();
    assert!(refused.contains("expected at least 16 characters") && !refused.contains("fifteen-letters"), "{refused}");
}
