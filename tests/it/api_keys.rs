//! API keys: a request with a key gets the accounts and scopes of its entry; a request without a valid key is refused.

use flowmatix_graphql::app::App;
use secrecy::SecretString;

use crate::support::service::run;
use crate::support::{Keys, TempFile, TestApp, account, make_key, settings};

const QUERY: &str = "{ teamMembers { totalCount } }";

#[tokio::test]
async fn a_key_opens_its_accounts_with_the_servers_credential() {
    let keys = Keys::new(&[("reports", &[0], false), ("sales", &[2, 1], false)]);
    let app = TestApp::with(&keys.settings()).await;
    assert_eq!(app.query_as(keys.key(0), QUERY).await.clean()["teamMembers"]["totalCount"], 12);
    let sales = app.query_as(keys.key(1), &format!("{{ teamMembers({}) {{ totalCount }} }}", account(2))).await;
    assert_eq!(sales.clean()["teamMembers"]["totalCount"], 250);
    assert!(app.demo.log().iter().all(|call| call.token.as_deref() == Some("demo-agency-token")));
}

#[tokio::test]
async fn anything_but_a_known_key_is_refused_and_nothing_is_called() {
    let keys = Keys::new(&[("reports", &[0], true)]);
    let app = TestApp::with(&keys.settings()).await;
    let (key, (other, _)) = (keys.key(0), make_key("reports", &[], true));
    let (body, last) = key.split_at(key.len() - 1);
    let altered = format!("{body}{}", if last == "A" { "B" } else { "A" });
    let renamed = key.replacen("reports", "sales", 1);
    for wrong in
        [&other, &altered, &renamed, body, "demo-agency-token", "fmk_reports_", "fmk_", "x", &key.to_uppercase()]
    {
        let answer = app.query_as(wrong, QUERY).await;
        assert_eq!((answer.status, answer.codes()), (401, vec!["UNAUTHENTICATED"]), "{wrong}");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
        assert!(wrong.len() < 10 || !answer.body.to_string().contains(wrong));
    }
    let none = app.query(QUERY).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(app.demo.calls(), 0);
    app.query_as(key, QUERY).await.clean();
}

#[tokio::test]
async fn a_key_can_be_added_replaced_and_withdrawn_while_the_service_runs() {
    let (first, first_entry) = make_key("reports", &[0], false);
    let (second, second_entry) = make_key("reports", &[0], false);
    let file = TempFile::new("keys.toml", &first_entry);
    let app = TestApp::with(&[("auth.mode", "api-keys"), ("auth.keys_file", file.as_str())]).await;
    let statuses = async || [app.query_as(&first, QUERY).await.status, app.query_as(&second, QUERY).await.status];
    assert_eq!(statuses().await, [200, 401]);
    file.replace(&[first_entry.as_str(), &second_entry].concat());
    assert_eq!(statuses().await, [200, 200]);
    // What cannot be used replaces nothing.
    for broken in ["[[key]]\nname = \"reports\"\n", "key = 1", "[[key", &first_entry.replace("sha256:", "md5:")] {
        file.replace(broken);
        assert_eq!(statuses().await, [200, 200], "{broken}");
    }
    file.replace(&second_entry);
    assert_eq!(statuses().await, [401, 200]);
    // Written into, instead of replaced: half of it would be a file of other keys.
    let mut open = std::fs::File::options().write(true).truncate(true).open(file.path()).unwrap();
    for half in [&first_entry, &second_entry] {
        let written = std::time::Instant::now();
        let seen = statuses().await;
        // A machine that stops for longer has let the file settle.
        assert!(seen == [401, 200] || written.elapsed() > std::time::Duration::from_millis(50), "{seen:?}");
        std::io::Write::write_all(&mut open, half.as_bytes()).unwrap();
    }
    let reached = async |expected: [u16; 2]| {
        let started = std::time::Instant::now();
        while statuses().await != expected {
            assert!(started.elapsed() < std::time::Duration::from_secs(30), "{expected:?}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    reached([200, 200]).await;
    std::fs::write(file.path(), "").unwrap();
    reached([401, 401]).await;
}

#[tokio::test]
async fn a_file_that_cannot_be_used_starts_nothing_and_is_not_repeated() {
    let (_, entry) = make_key("reports", &[0], false);
    let cases = [
        ("[[key]]\nname = \"canary\"\nhash = 3", "line"),
        ("canary", "line 1"),
        (&entry.replace("reports", "Canary"), "its name"),
        (&entry.replace("sha256:", "canary"), "its hash"),
        (&entry.replace("team:read", "canary"), "its scopes"),
        (&entry.replace("maya@", "canary"), "its accounts"),
        (&entry.replace("CUSTOMER", "canary"), "its accounts"),
        (&format!("{entry}canary = 1"), "line"),
    ];
    for (text, expected) in cases {
        let file = TempFile::new("keys.toml", text);
        let config = settings("http://127.0.0.1:9", &[("auth.mode", "api-keys"), ("auth.keys_file", file.as_str())]);
        let error = App::start(&config, Some(SecretString::from("token"))).await.err().unwrap();
        let error = format!("{error:#}");
        assert!(error.contains("auth.keys_file") && error.contains(expected), "{error}");
        assert!(!error.contains("canary") && !error.contains("Canary"), "{error}");
    }
}

#[test]
fn keys_new_prints_the_entry_and_shows_the_key_once() {
    let made = run(&["keys", "new", "front-end", "--account", "CUSTOMER:Maya@Lantern-Books.example", "--contact"], &[]);
    assert!(made.status.success());
    let (entry, shown) = (String::from_utf8(made.stdout).unwrap(), String::from_utf8(made.stderr).unwrap());
    let key = shown.lines().find(|line| line.starts_with("fmk_front-end_")).unwrap();
    assert_eq!(key.len(), "fmk_front-end_".len() + 43);
    assert!(!entry.contains(key));
    let lines: Vec<_> = entry.lines().filter(|line| !line.starts_with("hash")).collect();
    assert_eq!(
        lines,
        [
            "[[key]]",
            "name = \"front-end\"",
            "scopes = [\"team:read\", \"team:contact:read\"]",
            "accounts = [{ email = \"maya@lantern-books.example\", type = \"CUSTOMER\" }]",
            "",
        ]
    );
    for wrong in [&["Front"][..], &[""], &["a_b"], &["a", "--account", "maya@lantern-books.example"]] {
        assert!(!run(&[&["keys", "new"], wrong].concat(), &[]).status.success(), "{wrong:?}");
    }
}
