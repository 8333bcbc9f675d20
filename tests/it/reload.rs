//! Reload: the configuration is read again while the service runs; what was learned goes on, and a bad one changes nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use flowmatix_graphql::demo::{ACCOUNTS, AGENCY_TOKEN, Demo};
use serde_json::{Value, json};

use crate::support::service::{Service, start};
use crate::support::{Answer, Frame, Socket, TempFile, demo_settings, make_key, until};

pub const QUERY: &str = "{ teamMembers { totalCount } }";
const INTROSPECTION: &str = "{ __schema { queryType { name } } }";

/// `serve` in front of a sample, with a file that is written anew.
pub struct World {
    pub service: Service,
    demo: Demo,
    file: TempFile,
    base: String,
    client: reqwest::Client,
    _token: TempFile,
}

impl World {
    /// `auth` is the section of callers, `rest` what else the file has.
    pub async fn start(auth: &str, rest: &str) -> Self {
        let demo = Demo::start(&demo_settings()).unwrap();
        let token = TempFile::new("token", AGENCY_TOKEN);
        let base = format!(
            "[upstream]\nurl = \"{}\"\nallow_http = true\n[auth]\n{auth}\n[account]\nemail = \"{}\"\ntype = \"{}\"\n\
             [roster]\nfresh_for = \"1h\"\nstale_for = \"2h\"\n[reload]\ninterval = \"20ms\"\n",
            demo.url(),
            ACCOUNTS[0].email,
            ACCOUNTS[0].user_type
        )
        .replace("TOKEN", token.as_str());
        let file = TempFile::new("reload.toml", &format!("{base}{rest}"));
        // Whatever else is set comes from the file.
        let service = start("serve", &[format!("upstream.url={}", demo.url())], &[("FLOWMATIX_CONFIG", file.as_str())]);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { service, demo, file, base, client, _token: token }
    }

    pub fn write(&self, rest: &str) {
        self.file.replace(&format!("{}{rest}", self.base));
    }

    pub async fn ask(&self, token: Option<&str>, query: &str) -> Answer {
        ask(&self.client, &self.service.url("/graphql"), token, query).await.unwrap()
    }

    pub async fn metric(&self, line: &str) -> f64 {
        let text = self.client.get(self.service.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
        let found = text.lines().find(|known| known.starts_with(line));
        found.map_or(0.0, |found| found.rsplit(' ').next().unwrap().parse().unwrap())
    }

    /// Waits until so many configurations were in effect, or refused.
    pub async fn reached(&self, line: &str, count: f64) {
        for _ in 0..2000 {
            if self.metric(line).await >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{line} did not reach {count}");
    }

    fn hangup(&self) {
        let id = self.service.id().to_string();
        assert!(std::process::Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    }
}

pub const GENERATION: &str = "flowmatix_config_generation";
const FAILED: &str = "flowmatix_config_reloads_total{result=\"failed\"}";
pub const SERVER: &str = "mode = \"server\"\ncredential_file = \"TOKEN\"";

async fn ask(client: &reqwest::Client, url: &str, token: Option<&str>, query: &str) -> Result<Answer, reqwest::Error> {
    let mut request = client.post(url).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    Ok(Answer::read(request.body(json!({ "query": query }).to_string()).send().await?).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_no_request_fails_and_rosters_ledger_and_subscriptions_go_on() {
    let mut world = World::start(SERVER, "[http]\nrate_limit = 0\n").await;
    world.service.quiet();
    world.ask(None, QUERY).await.clean();
    let address = world.service.url("").trim_start_matches("http://").parse().unwrap();
    let mut socket = Socket::ready(address, json!({})).await;
    socket.subscribe("a", "subscription { team { stale } }").await;
    assert_eq!(socket.message().await["type"], "next");
    let calls = world.demo.calls();
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stop, asked, client) = (stop.clone(), asked.clone(), world.client.clone());
            let url = world.service.url("/graphql");
            tokio::spawn(async move {
                let mut failed = 0;
                while !stop.load(Ordering::Relaxed) {
                    let answer = ask(&client, &url, None, QUERY).await;
                    failed += usize::from(!answer.is_ok_and(|answer| answer.body.get("errors").is_none()));
                    asked.fetch_add(1, Ordering::Relaxed);
                }
                failed
            })
        })
        .collect();
    for n in 0..6_u32 {
        let is_on = n % 2 == 0;
        world.write(&format!("[http]\nrate_limit = 0\n[graphql]\nintrospection = {is_on}\n"));
        if n % 3 == 0 {
            world.hangup();
        }
        until(|| world.ask(None, INTROSPECTION), |answer| answer.body.get("errors").is_none() == is_on).await;
        // A broken one in between.
        let failed = world.metric(FAILED).await;
        world.write("[http]\nrate_limti = 0\n");
        world.reached(FAILED, failed + 1.0).await;
        assert_eq!(world.ask(None, INTROSPECTION).await.body.get("errors").is_none(), is_on);
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        assert_eq!(client.await.unwrap(), 0);
    }
    assert!(asked.load(Ordering::Relaxed) > 20);
    assert!(world.metric(GENERATION).await >= 7.0);
    let last = world.ask(None, QUERY).await;
    // The live team is read again by its poller, at its interval; queries cost nothing.
    let spent = world.demo.calls() as u64;
    assert_eq!(
        last.upstream()["budget"]["limit"].as_u64().unwrap() - last.upstream()["budget"]["remaining"].as_u64().unwrap(),
        spent
    );
    assert!(world.demo.calls() <= calls + 3, "{calls} {}", world.demo.calls());
    // The subscription of the first configuration is there, and so is its socket.
    socket.subscribe("b", INTROSPECTION).await;
    let answer = socket.message().await;
    assert_eq!((&answer["id"], &answer["type"]), (&json!("b"), &json!("error")), "the newest configuration holds");
    let team = |row: Value| world.demo.set_team(ACCOUNTS[0].email, vec![row]);
    team(json!({ "_id": "m1", "name": "New" }));
    socket.send(json!({ "id": "a", "type": "complete" })).await;
}

#[tokio::test]
async fn a_bad_one_changes_nothing_and_says_what_is_wrong() {
    let world = World::start(SERVER, "").await;
    let wrong = [
        "[http]\nconcurrency = 0\n",
        "[graphql]\nintrospection = \"perhaps\"\n",
        "[documents]\nmanifest = \"/no/such/canary\"\n",
        "not toml",
        "[http]\nlisten = \"127.0.0.1:1\"\n[graphql]\npage_max = 5\n",
    ];
    for (n, text) in wrong.iter().enumerate() {
        world.write(text);
        world.reached(FAILED, n as f64 + 1.0).await;
        world.ask(None, QUERY).await.clean();
    }
    assert_eq!(world.metric(GENERATION).await, 1.0);
    let (well, _, log) = world.service.stop();
    assert!(well);
    for expected in [
        "http.concurrency: expected at least 1",
        "graphql.introspection: expected",
        "documents.manifest",
        "line",
        "graphql.page_default",
    ] {
        assert!(log.contains(expected), "{expected}: {log}");
    }
}

#[tokio::test]
async fn what_needs_a_restart_is_named_and_the_rest_takes_effect() {
    let world = World::start(SERVER, "").await;
    world.write("[budget]\ncalls_per_hour = 77\n[graphql]\nintrospection = true\n");
    world.reached(GENERATION, 2.0).await;
    world.ask(None, INTROSPECTION).await.clean();
    assert_eq!(world.ask(None, QUERY).await.upstream()["budget"]["limit"], 950);
    let (_, _, log) = world.service.stop();
    let line = log.lines().find(|line| line.contains("need a restart")).unwrap();
    assert!(line.contains("budget.calls_per_hour") && !line.contains("introspection"), "{line}");
}

#[tokio::test]
async fn a_file_that_is_only_touched_is_not_read_and_an_older_one_is() {
    let world = World::start(SERVER, "").await;
    let now = std::fs::read_to_string(world.file.path()).unwrap();
    world.file.replace(&now);
    world.write("[graphql]\nintrospection = true\n");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    std::fs::File::options().write(true).open(world.file.path()).unwrap().set_modified(long_ago).unwrap();
    world.reached(GENERATION, 2.0).await;
    assert_eq!(world.metric(GENERATION).await, 2.0);
    // Gone for a while.
    let text = std::fs::read_to_string(world.file.path()).unwrap();
    std::fs::remove_file(world.file.path()).unwrap();
    world.ask(None, INTROSPECTION).await.clean();
    std::fs::write(world.file.path(), text).unwrap();
    world.write("");
    world.reached(GENERATION, 3.0).await;
    assert_eq!(world.ask(None, INTROSPECTION).await.codes(), ["INTROSPECTION_DISABLED"]);
    assert_eq!(world.metric(FAILED).await, 0.0);
}

#[tokio::test]
async fn links_of_a_volume_that_are_swapped_are_seen() {
    let world = World::start(SERVER, "").await;
    let folder = std::env::temp_dir().join(format!("flowmatix-volume-{}", std::process::id()));
    for (name, rest) in [("..1", ""), ("..2", "[graphql]\nintrospection = true\n")] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
        std::fs::write(folder.join(name).join("service.toml"), format!("{}{rest}", world.base)).unwrap();
    }
    let link = |to: &str, at: &Path| {
        let next = folder.join("..next");
        std::os::unix::fs::symlink(to, &next).unwrap();
        std::fs::rename(next, at).unwrap();
    };
    link("..1", &folder.join("..data"));
    let path = folder.join("..data/service.toml");
    link(path.to_str().unwrap(), world.file.path());
    link("..2", &folder.join("..data"));
    until(|| world.ask(None, INTROSPECTION), |answer| answer.body.get("errors").is_none()).await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn callers_stay_who_they_are() {
    let world = World::start("mode = \"passthrough\"", "").await;
    let token = Some(ACCOUNTS[0].token);
    world.ask(token, QUERY).await.clean();
    world.write("[graphql]\nintrospection = true\n");
    world.reached(GENERATION, 2.0).await;
    // The same credential: its roster is there.
    assert_eq!(world.ask(token, QUERY).await.upstream()["calls"], 0);
    assert_eq!(world.demo.calls(), 1);
}

#[tokio::test]
async fn a_stream_whose_key_is_not_in_the_new_file_ends() {
    let ((key, entry), (_, other)) = (make_key("one", &[0], false), make_key("two", &[0], false));
    let (first, second) = (TempFile::new("first.toml", &entry), TempFile::new("second.toml", &other));
    let auth = format!("mode = \"api-keys\"\ncredential_file = \"TOKEN\"\nkeys_file = \"{}\"", first.as_str());
    let world = World::start(&auth, "[live]\nrecheck_interval = \"100ms\"\n").await;
    let address = world.service.url("").trim_start_matches("http://").parse().unwrap();
    let mut socket = Socket::ready(address, json!({ "Authorization": format!("Bearer {key}") })).await;
    socket.subscribe("a", "subscription { team { stale } }").await;
    assert!(matches!(socket.next().await, Frame::Message(_)));
    world.ask(Some(&key), QUERY).await.clean();
    let base = world.base.replace(first.as_str(), second.as_str());
    world.file.replace(&format!("{base}[live]\nrecheck_interval = \"100ms\"\n"));
    until(|| world.ask(Some(&key), QUERY), |answer| answer.status == 401).await;
    let (code, _) = socket.closed().await;
    assert!(code == 4401 || code == 4403, "{code}");
}

#[tokio::test]
async fn the_level_of_the_log_changes() {
    let world = World::start(SERVER, "[log]\nlevel = \"info\"\n").await;
    world.ask(None, "{ __typename }").await;
    world.write("[log]\nlevel = \"warn\"\n");
    world.reached(GENERATION, 2.0).await;
    for _ in 0..3 {
        world.ask(None, "{ __typename }").await;
    }
    let (_, _, log) = world.service.stop();
    assert_eq!(log.lines().filter(|line| line.contains("\"answered\"")).count(), 1, "{log}");
}

#[tokio::test]
async fn a_configuration_that_is_too_long_is_read_no_further_and_refused() {
    let world = World::start(SERVER, "").await;
    world.write("");
    std::fs::File::options().write(true).open(world.file.path()).unwrap().set_len(1 << 30).unwrap();
    world.reached(FAILED, 1.0).await;
    world.ask(None, QUERY).await.clean();
    let (_, _, log) = world.service.stop();
    assert!(log.contains("it is longer than 64 MiB"), "{log}");
}

#[tokio::test]
async fn the_audit_log_begins_moves_and_ends_with_reloads() {
    let world = World::start(SERVER, "").await;
    let folder = std::env::temp_dir();
    let files = ["first", "second"].map(|name| folder.join(format!("flowmatix-{name}-{}.jsonl", std::process::id())));
    let lines = |n: usize| std::fs::read_to_string(&files[n]).unwrap_or_default().lines().count();
    let audit = |n: usize| format!("[audit]\ntarget = \"{}\"\n", files[n].display());
    world.ask(None, QUERY).await.clean();
    for n in 0..2 {
        world.write(&audit(n));
        world.reached(GENERATION, n as f64 + 2.0).await;
        world.ask(None, QUERY).await.clean();
    }
    // One that cannot be used changes nothing.
    world.write("[audit]\ntarget = \"/no/such/folder/audit.jsonl\"\n");
    world.reached(FAILED, 1.0).await;
    world.ask(None, QUERY).await.clean();
    world.write("");
    world.reached(GENERATION, 4.0).await;
    world.ask(None, QUERY).await.clean();
    assert!(world.service.stop().0);
    assert_eq!([lines(0), lines(1)], [1, 2]);
    files.iter().for_each(|file| std::fs::remove_file(file).unwrap());
}

/// Whatever appears in the place of a file that is watched, no thread waits for it, and what comes after it is seen.
#[tokio::test]
async fn what_is_no_file_in_the_place_of_the_configuration_is_refused_and_the_watch_goes_on() {
    let world = World::start(SERVER, "").await;
    let path = world.file.path();
    let make = |kind: &str| {
        std::fs::remove_file(path).unwrap();
        match kind {
            "fifo" => assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success()),
            "folder" => std::fs::create_dir(path).unwrap(),
            device => std::os::unix::fs::symlink(device, path).unwrap(),
        }
    };
    let remove = || std::fs::remove_file(path).or_else(|_| std::fs::remove_dir(path)).unwrap();
    for (n, kind) in ["fifo", "folder", "/dev/zero"].into_iter().enumerate() {
        make(kind);
        world.reached(FAILED, 2.0 * n as f64 + 1.0).await;
        // Asked for by a signal it is the same.
        world.hangup();
        world.reached(FAILED, 2.0 * n as f64 + 2.0).await;
        world.ask(None, QUERY).await.clean();
        remove();
        world.write(&format!("[graphql]\ndepth_limit = {}\n", n + 5));
        world.reached(GENERATION, n as f64 + 2.0).await;
    }
    let (well, _, log) = world.service.stop();
    assert!(well);
    assert_eq!(log.matches("cannot be read: it is not a regular file").count(), 6, "{log}");
}

/// It may be between two versions, so nothing is read; a restart would fail, so it is said.
#[tokio::test]
async fn a_configuration_that_is_gone_stays_in_effect_and_is_said_to_be_gone_once() {
    let mut world = World::start(SERVER, "").await;
    for _ in 0..2 {
        std::fs::remove_file(world.file.path()).unwrap();
        world.service.logged_until("the file is not there any more; what was read of it last stays");
        world.ask(None, QUERY).await.clean();
        world.write("");
        world.service.logged_until("the file is there again");
    }
    assert_eq!((world.metric(GENERATION).await, world.metric(FAILED).await), (1.0, 0.0));
    let (well, _, log) = world.service.stop();
    assert!(well);
    assert_eq!(log.matches("not there any more").count(), 2, "{log}");
}
