//! The command line, as the real binary.

use serde_json::json;

use crate::support::service::{run, start};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn demo_answers_the_first_query_with_nothing_configured() {
    let service = start("demo", &[], &[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let query = json!({ "query": "{ teamMembers { nodes { name role { id } } } }" }).to_string();
    let request = client.post(service.url("/graphql")).header("content-type", "application/json").body(query);
    let answer: serde_json::Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(answer["data"]["teamMembers"]["nodes"].as_array().unwrap().len(), 12);
    let ready = client.get(service.admin_url("/health/ready")).send().await.unwrap();
    assert_eq!(ready.text().await.unwrap(), "ready\n");

    let admin = service.admin_url("").replace("http://", "");
    let asked = run(&["health", "--admin-listen", &admin], &[]);
    assert_eq!((asked.status.success(), text(&asked.stdout)), (true, "ready\n".to_owned()));

    let (well, out, _) = service.stop();
    assert!(well);
    for said in ["maya@lantern-books.example", "demo-lantern-token", "curl -s http://127.0.0.1:"] {
        assert!(out.contains(said), "{said}");
    }
    let gone = run(&["health", "--admin-listen", &admin], &[]);
    assert!(!gone.status.success());
    assert_eq!(text(&gone.stderr), format!("error: no answer from the admin port at {admin}\n"));
}

/// `cargo run` hands the program what its build script sets, as variables, and the service refuses settings that it does not know.
#[test]
fn what_the_build_script_sets_is_no_setting() {
    let script = include_str!("../../build.rs");
    let set: Vec<&str> = script
        .split("cargo::rustc-env=")
        .skip(1)
        .filter_map(|rest| rest.split_once('=').map(|(name, _)| name))
        .collect();
    assert_eq!(set.len(), 3, "{set:?}");
    let refused = |names: &[&str]| {
        let variables: Vec<(&str, &str)> = names.iter().map(|name| (*name, "unknown")).collect();
        let checked = run(&["check"], &variables);
        text(&checked.stderr).matches("no such setting").count()
    };
    assert_eq!((refused(&set), refused(&["FLOWMATIX_COMMIT"])), (0, 1));
}

#[tokio::test]
async fn demo_upstream_is_the_sample_alone_and_serve_works_over_it() {
    let mut sample = crate::support::service::command();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listen = format!("demo.listen={port}");
    sample.args(["demo-upstream", "--set", &listen]).stdout(std::process::Stdio::piped());
    let mut sample = sample.spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(sample.stdout.take().unwrap()), &mut line).unwrap();
    assert!(line.contains(&port.to_string()), "{line}");

    let settings = [
        format!("upstream.url=http://{port}"),
        "upstream.allow_http=true".to_owned(),
        "auth.mode=server".to_owned(),
        "auth.credential_env=VENDOR_TOKEN".to_owned(),
        "account.email=solo@quiet-harbor.example".to_owned(),
        "account.type=AGENT".to_owned(),
    ];
    let service = start("serve", &settings, &[("VENDOR_TOKEN", "demo-harbor-token")]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |query: &str| {
        let request = client.post(service.url("/graphql")).header("content-type", "application/json");
        let answer = request.body(json!({ "query": query }).to_string()).send().await.unwrap();
        serde_json::from_str::<serde_json::Value>(&answer.text().await.unwrap()).unwrap()
    };
    assert_eq!(ask("{ teamMembers { totalCount } }").await["data"], json!({ "teamMembers": { "totalCount": 1 } }));
    // The production profile shows its schema to nobody.
    let introspection = ask("{ __schema { types { name } } }").await;
    assert_eq!(introspection["errors"][0]["extensions"]["code"], "INTROSPECTION_DISABLED");
    let (well, _, log) = service.stop();
    assert!(well);
    assert!(!log.contains("demo-harbor-token") && !log.contains("quiet-harbor"), "{log}");
    // It ends when it is asked to, and by itself: a container's first process is ended by no signal that it does not ask for.
    let signal = |name: &str| {
        let id = sample.id().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    };
    signal("-HUP");
    assert!(client.get(format!("http://{port}/")).send().await.unwrap().status().is_success());
    signal("-TERM");
    assert_eq!(sample.wait().unwrap().code(), Some(0));
}

#[test]
fn serve_wants_a_caller_mode_and_says_which_there_are() {
    let output = run(&["serve"], &[]);
    assert!(!output.status.success());
    insta::assert_snapshot!(text(&output.stderr), @r"
    error: the configuration is not usable:
      auth.mode: must be chosen: `passthrough` (each request brings the Flowmatix access token as its bearer token), `api-keys` or `jwt` (each request brings one of these, and the server holds the token), `mtls` (each connection brings a client certificate, and the server holds the token), or `server` (the server holds the token and asks callers for nothing, on a loopback address)
    ");
}

#[test]
fn a_server_held_credential_must_be_there_and_stays_on_this_machine() {
    let missing = run(&["serve", "--auth-mode", "server"], &[]);
    assert!(
        text(&missing.stderr)
            .contains("auth.credential_env and auth.credential_file: every mode but `passthrough` needs one of them")
    );
    let arguments =
        ["serve", "--auth-mode", "server", "--set", "auth.credential_env=NO_SUCH", "--listen", "127.0.0.1:0"];
    let unset = run(&arguments, &[]);
    assert!(
        text(&unset.stderr).contains("auth.credential_env: the environment variable that it names is not set"),
        "{}",
        text(&unset.stderr)
    );
    let public =
        run(&["serve", "--auth-mode", "server", "--set", "auth.credential_env=T", "--listen", "0.0.0.0:0"], &[]);
    assert!(text(&public.stderr).contains("it must be a loopback address"));
    let unusable = run(&arguments, &[("NO_SUCH", "two words")]);
    assert!(text(&unusable.stderr).contains("there is no secret"));
    assert!(!text(&unusable.stderr).contains("two words"));
}

#[test]
fn schema_prints_and_compares() {
    let printed = run(&["schema"], &[]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    assert_eq!(text(&printed.stdout), std::fs::read_to_string(path).unwrap());
    assert!(run(&["schema", "--check", path], &[]).status.success());

    let drifted = std::env::temp_dir().join(format!("drifted-{}.graphql", std::process::id()));
    std::fs::write(&drifted, text(&printed.stdout).replace("memberCount: Int", "memberCount: Float")).unwrap();
    let checked = run(&["schema", "--check", drifted.to_str().unwrap()], &[]);
    assert!(!checked.status.success());
    let diff = text(&checked.stdout);
    assert!(diff.contains("-  memberCount: Float!\n+  memberCount: Int!\n"), "{diff}");
    assert!(text(&checked.stderr).contains("is not the schema of this version"));
    std::fs::remove_file(drifted).unwrap();
    assert!(text(&run(&["schema", "--federation"], &[]).stdout).contains("@link("));
}

/// As in `flowmatix-graphql settings | head -1`.
#[test]
fn nobody_has_to_read_everything_that_is_printed() {
    for arguments in [&["settings"][..], &["schema"], &["check", "--auth-mode", "passthrough"]] {
        let mut command = crate::support::service::command();
        let mut child = command
            .args(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn help_names_every_command() {
    let help = text(&run(&["--help"], &[]).stdout);
    for command in ["demo", "demo-upstream", "serve", "check", "schema", "health", "settings"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command}");
    }
}

#[test]
fn settings_prints_the_reference() {
    assert_eq!(text(&run(&["settings"], &[]).stdout), flowmatix_graphql::config::Config::reference());
}

/// SIGTERM: not ready at once, the listener stays open for the drain delay; a second one ends it, whatever is under way.
#[tokio::test]
async fn a_signal_drains_and_a_second_one_ends_it() {
    let settings = ["http.drain_delay=60s".to_owned(), "http.grace_period=60s".to_owned()];
    let service = start("demo", &settings, &[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready =
        async || client.get(service.admin_url("/health/ready")).send().await.map(|answer| answer.status().as_u16());
    let ask = || {
        let request = client.post(service.url("/graphql")).header("content-type", "application/json");
        request.body(r#"{"query":"{ teamMembers { totalCount } }"}"#).send()
    };
    assert_eq!(ready().await.unwrap(), 200);
    service.signal();
    // This cannot be asked any more once the delay is over.
    while ready().await.unwrap() != 503 {}
    // Still served: load balancers have yet to notice.
    let answer = ask().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["connection"].to_str().unwrap()), (200, "close"));
    // An idle connection that says it has more to send would keep it for the grace period.
    let mut open = tokio::net::TcpStream::connect(service.url("").trim_start_matches("http://")).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(
        &mut open,
        b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
    )
    .await
    .unwrap();
    // What came before this was read.
    ready().await.unwrap();
    let (well, _, log) = service.stop();
    // Not well: the request of that connection was cut off.
    assert!(!well && log.contains("ended by a second signal"), "{log}");
}

/// What is not answered when the grace period is over is cut off, and a script can see it; what is answered is not.
#[tokio::test]
async fn a_stop_that_cuts_a_request_off_has_another_exit_code() {
    for cut in [false, true] {
        let service = start("demo", &["http.grace_period=300ms".to_owned()], &[]);
        let mut open = tokio::net::TcpStream::connect(service.url("").trim_start_matches("http://")).await.unwrap();
        let head = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut open, head).await.unwrap();
        // With its whole head it is a request; before, it is none that could be lost.
        let rest: &[u8] = if cut { b"content-length: 9\r\n\r\n{" } else { b"content-le" };
        tokio::io::AsyncWriteExt::write_all(&mut open, rest).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        // Whatever came before this was read.
        client.get(service.admin_url("/health/ready")).send().await.unwrap();
        let (well, _, log) = service.stop();
        assert_eq!(well, !cut, "{log}");
        assert_eq!(log.contains("http.grace_period was over before 1 of the requests under way"), cut, "{log}");
    }
}

/// A terminal that is closed, and whoever reloads configurations by habit, do not end it.
#[tokio::test]
async fn sighup_does_not_end_it() {
    let mut service = start("demo", &[], &[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let hup = std::process::Command::new("kill").args(["-HUP", &service.id().to_string()]).status().unwrap();
    assert!(hup.success());
    for _ in 0..5 {
        assert_eq!(client.get(service.admin_url("/health/live")).send().await.unwrap().status(), 200);
    }
    // A stop that came before it would be obeyed first.
    service.logged_until("the configuration is in effect");
    let (well, _, log) = service.stop();
    assert!(well, "{log}");
}

/// Each mode of the demo, asked as it tells people to.
#[tokio::test]
async fn the_demo_works_in_every_mode_with_what_it_prints() {
    for mode in ["server", "passthrough", "api-keys", "jwt"] {
        let mut service = start("demo", &[format!("auth.mode={mode}")], &[]);
        let out = service.said_until("curl -s");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let pines = out.lines().find(|line| line.contains("ops@tall-pines.example")).unwrap();
        let token = pines.split_whitespace().last().unwrap();
        let query = "{ teamMembers(account: { email: \"ops@tall-pines.example\", type: CUSTOM_USER }) { totalCount nodes { contact { email } } } }";
        let ask = async |token: Option<&str>| {
            let request = client.post(service.url("/graphql")).header("content-type", "application/json");
            let request = request.body(json!({ "query": query }).to_string());
            let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
            serde_json::from_str::<serde_json::Value>(&request.send().await.unwrap().text().await.unwrap()).unwrap()
        };
        let answer = ask((mode != "server").then_some(token)).await;
        assert_eq!(answer["data"]["teamMembers"]["totalCount"], 250, "{mode}: {answer}");
        assert!(answer["data"]["teamMembers"]["nodes"][0]["contact"]["email"].is_string());
        if mode != "server" {
            assert_eq!(ask(None).await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{mode}");
        }
        assert!(service.stop().0);
    }
}

/// What the demo is told is done, or refused.
#[tokio::test]
async fn the_demo_honours_an_upstream_and_an_account_or_refuses() {
    let sample = flowmatix_graphql::demo::Demo::start(&crate::support::demo_settings()).unwrap();
    let upstream = format!("upstream.url={}", sample.url());
    let service = start("demo", &[upstream.clone(), "auth.mode=passthrough".to_owned()], &[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let query = json!({ "query": "{ teamMembers(account: { email: \"solo@quiet-harbor.example\", type: AGENT }) { totalCount } }" });
    let request = client.post(service.url("/graphql")).header("content-type", "application/json");
    let answer =
        request.bearer_auth("demo-harbor-token").body(query.to_string()).send().await.unwrap().text().await.unwrap();
    assert!(answer.contains(r#"{"totalCount":1}"#), "{answer}");
    assert_eq!(sample.calls(), 1);
    drop(service);
    for (arguments, expected) in [
        (vec!["--set", &upstream, "--set", "demo.seed=2"], "the settings of [demo] are for the sample Flowmatix"),
        (vec!["--set", &upstream], "auth.mode: must be chosen"),
        (vec!["--set", &upstream, "--auth-mode", "server"], "every mode but `passthrough` needs one of them"),
        (
            vec!["--upstream-url", "http://flowmatix.example", "--auth-mode", "passthrough"],
            "upstream.url: expected https",
        ),
        (
            vec!["--set", "upstream.allow_http=false", "--set", "demo.listen=127.0.0.1:0"],
            "upstream.url: expected https",
        ),
        (
            vec!["--auth-mode", "api-keys", "--set", "auth.keys_file=/no/such", "--set", "demo.listen=127.0.0.1:0"],
            "auth.keys_file",
        ),
    ] {
        let output = run(&[&["demo"], &arguments[..]].concat(), &[]);
        let error = text(&output.stderr);
        assert!(!output.status.success() && error.contains(expected), "{arguments:?}: {error}");
    }
    let own = ["account.email=solo@quiet-harbor.example".to_owned(), "account.type=AGENT".to_owned()];
    let service = start("demo", &own, &[]);
    let request = client.post(service.url("/graphql")).header("content-type", "application/json");
    let answer =
        request.body(r#"{"query":"{ teamMembers { totalCount } }"}"#).send().await.unwrap().text().await.unwrap();
    assert!(answer.contains(r#"{"totalCount":1}"#), "{answer}");
}

/// In a container it listens on every address, none of which can be opened.
#[tokio::test]
async fn an_unspecified_address_is_printed_as_one_that_can_be_opened() {
    let mut service = start("demo", &["http.listen=0.0.0.0:0".to_owned()], &[]);
    let out = service.said_until("curl -s");
    assert!(!out.contains("0.0.0.0"), "{out}");
    let explorer =
        out.lines().find(|line| line.contains("explorer")).and_then(|line| line.split_whitespace().nth(1)).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.get(explorer).send().await.unwrap().status(), 200);
    let port = explorer.trim_end_matches('/').rsplit(':').next().unwrap();
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    for host in [name.trim(), "0.0.0.0", "192.0.2.7", "localhost"] {
        let request =
            client.post(format!("http://127.0.0.1:{port}/graphql")).header("content-type", "application/json");
        let request = request.header("host", format!("{host}:{port}")).body(r#"{"query":"{ __typename }"}"#);
        assert_eq!(request.send().await.unwrap().status(), 200, "{host}");
    }
}

#[test]
fn version_man_page_and_completions_tell_what_the_command_line_is() {
    let said = |arguments: &[&str]| {
        let output = run(arguments, &[]);
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let version = said(&["--version"]);
    assert!(version.contains(env!("CARGO_PKG_VERSION")) && version.contains("(commit "), "{version}");
    assert!(version.contains(" build for "), "{version}");
    let page = said(&["man"]).replace("\\-", "-");
    for expected in ["flowmatix-graphql", "flowmatix-graphql serve", "--admin-listen", "completions"] {
        assert!(page.contains(expected), "{expected}");
    }
    for (shell, expected) in [
        ("bash", "complete -F _flowmatix"),
        ("zsh", "#compdef flowmatix-graphql"),
        ("fish", "complete -c flowmatix-graphql"),
    ] {
        assert!(said(&["completions", shell]).contains(expected), "{shell}");
    }
}
