//! The ledger file: calls made before a restart count after it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flowmatix_graphql::app::App;
use flowmatix_graphql::demo::{AGENCY_TOKEN, Demo, Scripted};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::service::{self, Service};
use crate::support::{Answer, TestApp, account, demo_settings, settings};

/// A file that no other test uses.
fn file(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("flowmatix-ledger-{}-{name}", std::process::id()));
    for suffix in ["", ".new", ".lock"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    path
}

async fn start(demo: &Demo, file: &Path, mode: &str) -> anyhow::Result<App> {
    start_with(demo, file, mode, "1000").await
}

async fn start_with(demo: &Demo, file: &Path, mode: &str, plan: &str) -> anyhow::Result<App> {
    let pairs = [
        ("budget.file", file.to_str().unwrap()),
        ("auth.mode", mode),
        ("roster.store", "false"),
        ("budget.calls_per_hour", plan),
    ];
    let token = (mode == "server").then(|| SecretString::from(AGENCY_TOKEN));
    App::start(&settings(&demo.url(), &pairs), token).await
}

/// A folder that no other test uses, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("flowmatix-ledgers-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The real binary, which can be killed, over a vendor that has a team for every account.
fn real(demo: &Demo, file: &Path, more: &[(&str, &str)]) -> Service {
    demo.script(None, Some(Scripted::ok(r#"{"success":true,"data":[{"_id":"1"}]}"#)));
    let own = [
        ("upstream.url", demo.url()),
        ("upstream.allow_http", "true".to_owned()),
        ("auth.mode", "server".to_owned()),
        ("auth.credential_env", "VENDOR_TOKEN".to_owned()),
        ("http.rate_limit", "0".to_owned()),
        ("budget.file", file.display().to_string()),
    ];
    let more = more.iter().map(|(path, value)| (*path, (*value).to_owned()));
    let settings: Vec<String> = own.into_iter().chain(more).map(|(path, value)| format!("{path}={value}")).collect();
    service::start("serve", &settings, &[("VENDOR_TOKEN", AGENCY_TOKEN)])
}

/// Asks for the n-th account's team.
async fn query(service: &Service, n: usize) -> Answer {
    let account = format!("account: {{ email: \"n{n}@example.com\", type: AGENT }}");
    let body = json!({ "query": format!("{{ teamMembers({account}) {{ totalCount stale }} }}") }).to_string();
    static CLIENT: LazyLock<reqwest::Client> =
        LazyLock::new(|| reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap());
    let request = CLIENT.post(service.url("/graphql")).header("content-type", "application/json");
    Answer::read(request.body(body).send().await.unwrap()).await
}

async fn metrics(service: &Service) -> String {
    reqwest::get(service.admin_url("/metrics")).await.unwrap().text().await.unwrap()
}

fn metric(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find(|line| line.starts_with(name));
    line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

/// Asks for one account's roles.
async fn ask(app: &App, index: usize) -> Answer {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({ "query": format!("{{ roles({}) {{ id }} }}", account(index)) }).to_string();
    let request = client.post(format!("http://{}/graphql", app.address())).bearer_auth(AGENCY_TOKEN);
    Answer::read(request.header("content-type", "application/json").body(body).send().await.unwrap()).await
}

/// What is left after asking for so many accounts.
async fn spend(app: &App, accounts: usize) -> Value {
    let mut left = Value::Null;
    for index in 0..accounts {
        left = ask(app, index).await.upstream()["budget"]["remaining"].clone();
    }
    left
}

#[tokio::test]
async fn a_restart_forgets_no_call_in_either_mode() {
    for mode in ["server", "passthrough"] {
        let (demo, file) = (Demo::start(&demo_settings()).unwrap(), file(mode));
        let first = start(&demo, &file, mode).await.unwrap();
        assert_eq!(spend(&first, 3).await, 947);
        first.stop().await;
        let second = start(&demo, &file, mode).await.unwrap();
        assert_eq!(spend(&second, 1).await, 946, "{mode}");
        second.stop().await;
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(AGENCY_TOKEN) && !text.contains('@'), "{text}");
        let kept = std::fs::metadata(&file).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&kept.permissions()) & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_call_is_on_disk_before_it_is_made() {
    let (demo, file) = (Demo::start(&demo_settings()).unwrap(), file("before"));
    let app = start(&demo, &file, "server").await.unwrap();
    let empty = std::fs::read_to_string(&file).unwrap();
    let gate = demo.hold();
    let asked = spend(&app, 1);
    let seen = async {
        demo.arrived(1).await;
        let written = std::fs::read_to_string(&file).unwrap();
        gate.send(true).unwrap();
        written
    };
    let (_, written) = tokio::join!(asked, seen);
    assert!(written != empty && written.contains("held:"), "{written}");
}

#[tokio::test]
async fn what_cannot_be_read_counts_as_half_the_plan_for_an_hour() {
    for (n, damage) in [&b""[..], b"{", b"not it", b"\xff\xff"].into_iter().enumerate() {
        let (demo, file) = (Demo::start(&demo_settings()).unwrap(), file(&format!("torn{n}")));
        let first = start(&demo, &file, "server").await.unwrap();
        spend(&first, 1).await;
        first.stop().await;
        std::fs::write(&file, damage).unwrap();
        let second = start(&demo, &file, "server").await.unwrap();
        assert_eq!(spend(&second, 1).await, 474);
        second.stop().await;
        // Also when it is restarted once more within that hour.
        let third = start(&demo, &file, "server").await.unwrap();
        assert_eq!(spend(&third, 1).await, 473);
    }
    // One digit that is another one is damage, too.
    let (demo, file) = (Demo::start(&demo_settings()).unwrap(), file("digit"));
    let first = start(&demo, &file, "server").await.unwrap();
    spend(&first, 1).await;
    first.stop().await;
    let text = std::fs::read_to_string(&file).unwrap();
    let end = text.rfind(",1]").unwrap();
    std::fs::write(&file, format!("{},0]{}", &text[..end], &text[end + 3..])).unwrap();
    let second = start(&demo, &file, "server").await.unwrap();
    assert_eq!(spend(&second, 1).await, 474);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let (demo, file) = (Demo::start(&demo_settings()).unwrap(), file("lock"));
    let _first = start(&demo, &file, "server").await.unwrap();
    let error = start(&demo, &file, "server").await.err().unwrap().to_string();
    assert!(error.contains("budget.file: another process is using"), "{error}");
}

/// However the path is written: relative, through a link to the file or to its folder, or to a file that is not there yet.
#[tokio::test]
async fn a_second_process_is_refused_whatever_it_calls_the_file() {
    let folder = Folder::new("spellings");
    std::os::unix::fs::symlink(folder.path(), folder.path().join("folder")).unwrap();
    std::os::unix::fs::symlink("ledger", folder.path().join("link")).unwrap();
    let around = format!("../{}/ledger", folder.path().file_name().unwrap().to_str().unwrap());
    let spellings = ["ledger", "./ledger", "folder/ledger", "folder/./ledger", &around, "link", "folder/link"];
    for first in spellings {
        let demo = Demo::start(&demo_settings()).unwrap();
        let running = start(&demo, &folder.path().join(first), "server").await.unwrap();
        for second in spellings {
            let error = start(&demo, &folder.path().join(second), "server").await.err().unwrap().to_string();
            assert!(error.contains("another process is using"), "{first}, {second}: {error}");
        }
        running.stop().await;
        assert!(folder.path().join("ledger").metadata().unwrap().is_file());
        assert!(folder.path().join("link").symlink_metadata().unwrap().is_symlink(), "{first}");
        std::fs::remove_file(folder.path().join("ledger")).unwrap();
    }
}

/// The lock's file may be removed, by hand or by a tidy-up of old files.
#[tokio::test]
async fn a_lock_that_was_removed_is_taken_again_with_the_next_call() {
    let (demo, folder) = (Demo::start(&demo_settings()).unwrap(), Folder::new("unlocked"));
    let file = folder.path().join("ledger");
    let first = start(&demo, &file, "server").await.unwrap();
    spend(&first, 1).await;
    std::fs::remove_file(folder.path().join("ledger.lock")).unwrap();
    spend(&first, 1).await;
    assert!(start(&demo, &file, "server").await.is_err());
    // Where another process was faster, this one makes no call any more.
    std::fs::remove_file(folder.path().join("ledger.lock")).unwrap();
    let second = start(&demo, &file, "server").await.unwrap();
    let calls = demo.calls();
    assert_eq!(ask(&first, 2).await.codes(), ["UPSTREAM_UNAVAILABLE"]);
    assert_eq!(demo.calls(), calls);
    ask(&second, 2).await.clean();
}

/// What a process spends while another one has lost the lock counts for both: with the file that the other had written, and
/// with a new one that was made because both were removed.
#[tokio::test]
async fn the_calls_of_a_process_that_took_the_file_meanwhile_are_taken_over() {
    for (mode, both) in [("server", false), ("server", true), ("passthrough", false), ("passthrough", true)] {
        let (demo, folder) = (Demo::start(&demo_settings()).unwrap(), Folder::new(&format!("taken-{mode}-{both}")));
        let file = folder.path().join("ledger");
        let first = start_with(&demo, &file, mode, "20").await.unwrap();
        for n in 0..5 {
            ask(&first, n % 3).await.clean();
        }
        std::fs::remove_file(folder.path().join("ledger.lock")).unwrap();
        if both {
            std::fs::remove_file(&file).unwrap();
        }
        let second = start_with(&demo, &file, mode, "20").await.unwrap();
        for n in 0..9 {
            ask(&second, n % 3).await.clean();
        }
        assert_eq!(ask(&first, 0).await.codes(), ["UPSTREAM_UNAVAILABLE"]);
        assert_eq!(demo.calls(), 14);
        second.stop().await;
        for n in 0..20 {
            ask(&first, n % 3).await;
        }
        assert_eq!(demo.calls(), 19, "{mode}, both removed: {both}");
        assert_eq!(ask(&first, 0).await.codes(), ["UPSTREAM_RATE_LIMITED"]);
        // It is written down, too.
        first.stop().await;
        let third = start_with(&demo, &file, mode, "20").await.unwrap();
        for n in 0..3 {
            assert_eq!(ask(&third, n).await.codes(), ["UPSTREAM_RATE_LIMITED"]);
        }
        assert_eq!(demo.calls(), 19, "{mode}, both removed: {both}");
    }
}

#[tokio::test]
async fn a_file_that_was_removed_is_written_again_at_the_next_call_and_at_the_end() {
    let (demo, folder) = (Demo::start(&demo_settings()).unwrap(), Folder::new("removed"));
    let file = folder.path().join("ledger");
    let app = start(&demo, &file, "server").await.unwrap();
    spend(&app, 2).await;
    std::fs::remove_file(&file).unwrap();
    spend(&app, 1).await;
    assert!(file.exists(), "the next call writes it again");
    std::fs::remove_file(&file).unwrap();
    app.stop().await;
    let app = start(&demo, &file, "server").await.unwrap();
    assert_eq!(spend(&app, 1).await, 946);
    // Another file in its place is not this one's.
    std::fs::write(&file, "something else").unwrap();
    app.stop().await;
    let app = start(&demo, &file, "server").await.unwrap();
    assert_eq!(spend(&app, 1).await, 945);
}

/// A plan that is spent needs the file most, and has no next call to write it.
#[tokio::test]
async fn a_file_that_was_removed_is_written_again_also_when_no_call_can_be_made() {
    let (demo, folder) = (Demo::start(&demo_settings()).unwrap(), Folder::new("spent"));
    let file = folder.path().join("ledger");
    let settings = [
        ("budget.calls_per_hour", "3"),
        ("budget.utilization", "1"),
        ("budget.reserve_ratio", "0"),
        ("budget.max_caller_ratio", "1"),
    ];
    let service = real(&demo, &file, &settings);
    for n in 0..4 {
        let answer = query(&service, n).await;
        assert_eq!(answer.codes().is_empty(), n < 3, "{n}: {:#}", answer.body);
    }
    std::fs::remove_file(&file).unwrap();
    crate::support::until(
        || query(&service, 9),
        |answer| {
            assert_eq!(answer.codes(), ["UPSTREAM_RATE_LIMITED"]);
            file.exists()
        },
    )
    .await;
    // Killed, not stopped.
    drop(service);
    let service = real(&demo, &file, &settings);
    assert_eq!(query(&service, 10).await.codes(), ["UPSTREAM_RATE_LIMITED"]);
    assert_eq!(demo.calls(), 3);
}

/// A full disk, which takes the name of a file and none of its bytes.
struct FullDisk(PathBuf);

impl FullDisk {
    fn at(file: &Path) -> Self {
        let new = PathBuf::from(format!("{}.new", file.display()));
        let _ = std::fs::remove_file(&new);
        std::os::unix::fs::symlink("/dev/full", &new).unwrap();
        Self(new)
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        // A service that had just begun to write may have put it in the file's place.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_call_that_cannot_be_written_down_is_not_made() {
    let (demo, folder) = (Demo::start(&demo_settings()).unwrap(), Folder::new("full"));
    let file = folder.path().join("ledger");
    let settings = [("roster.fresh_for", "1ms"), ("upstream.breaker", "true")];
    let service = real(&demo, &file, &settings);
    query(&service, 0).await.clean();
    let full = FullDisk::at(&file);
    let calls = demo.calls();
    for n in 1..31 {
        assert_eq!(query(&service, n).await.codes(), ["UPSTREAM_UNAVAILABLE"]);
    }
    // What is there is served, marked as old.
    let stale = crate::support::until(|| query(&service, 0), |answer| answer.upstream()["cache"] == "stale").await;
    assert_eq!(stale.clean()["teamMembers"]["stale"], true);
    assert_eq!(demo.calls(), calls);
    let metrics = metrics(&service).await;
    assert!(metric(&metrics, "flowmatix_budget_ledger_writes_total{result=\"failed\"}") >= 30.0);
    assert!(metric(&metrics, "flowmatix_budget_refusals_total{reason=\"ledger\"}") >= 30.0);
    assert_eq!(metric(&metrics, "flowmatix_upstream_breaker_open"), 0.0, "no failure of the host's");

    // Also after a restart: it starts, and makes no call.
    drop(service);
    let service = real(&demo, &file, &settings);
    assert_eq!(query(&service, 1).await.codes(), ["UPSTREAM_UNAVAILABLE"]);
    assert_eq!(demo.calls(), calls);
    // Until there is room again; the call that was written down before still counts.
    drop(full);
    let answer = crate::support::until(|| query(&service, 40), |answer| answer.codes().is_empty()).await;
    assert_eq!(answer.upstream()["budget"]["remaining"], 948);
    assert_eq!(demo.calls(), calls + 1);
    let (_, _, log) = service.stop();
    let lines = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    assert_eq!((lines("cannot be written"), lines("can be written again")), (1, 1), "{log}");
}

/// Wherever the disk fails, and wherever the process is killed: the vendor never counts more calls than the plan's share.
#[tokio::test]
async fn the_plan_holds_over_removals_full_disks_and_kills() {
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (demo, folder) = (Demo::start(&demo_settings()).unwrap(), Folder::new(&format!("chaos{seed}")));
        let file = folder.path().join("ledger");
        let settings = [("budget.calls_per_hour", "20")];
        let mut service = real(&demo, &file, &settings);
        let mut full = None;
        for n in 0..60 {
            match random.u32(0..12) {
                0 if full.is_none() => full = Some(FullDisk::at(&file)),
                1 | 2 => full = None,
                3 => {
                    drop(service);
                    service = real(&demo, &file, &settings);
                }
                4 => service.signal_and_wait(),
                _ => {}
            }
            if service.has_ended() {
                service = real(&demo, &file, &settings);
            }
            query(&service, n).await;
        }
        drop(full);
        for n in 60..90 {
            query(&service, n).await;
        }
        // 95 % of 20.
        assert!(demo.calls() <= 19, "seed {seed}: {} calls", demo.calls());
        assert!(demo.calls() > 10, "seed {seed}: {} calls", demo.calls());
    }
}

#[tokio::test]
async fn calls_that_start_together_share_a_write() {
    let (demo, folder) = (Demo::start(&demo_settings()).unwrap(), Folder::new("batch"));
    let service = real(&demo, &folder.path().join("ledger"), &[("upstream.concurrency", "100")]);
    let answers = futures_util::future::join_all((0..60).map(|n| query(&service, n))).await;
    assert!(answers.iter().all(|answer| answer.codes().is_empty()));
    let writes = metric(&metrics(&service).await, "flowmatix_budget_ledger_writes_total{result=\"ok\"}");
    assert!(writes < 60.0, "{writes} writes of 60 calls");
    assert_eq!(demo.calls(), 60);
}

/// As if the wall clock had been `hours` ahead when the file was written, and was set right before the next start.
fn written_by_a_clock_ahead(file: &Path, hours: i64, other_boot: bool) {
    let text = std::fs::read_to_string(file).unwrap();
    let mut content: Value = serde_json::from_str(text.split_once('\n').unwrap().1).unwrap();
    content["written"]["wall"] = (content["written"]["wall"].as_i64().unwrap() + hours * 3_600_000).into();
    for call in content["ledgers"][0]["calls"].as_array_mut().unwrap() {
        call[0] = (call[0].as_i64().unwrap() + hours * 120).into();
    }
    if other_boot {
        content["written"]["boot"] = "another".into();
    }
    let json = content.to_string();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, json.as_bytes());
    std::fs::write(file, format!("{}\n{json}\n", URL_SAFE_NO_PAD.encode(digest))).unwrap();
}

/// A clock that was two hours behind made calls that look two hours old once it is right; they still count.
#[tokio::test]
async fn a_wall_clock_that_was_set_between_two_starts_forgets_no_call() {
    for (hours, other_boot, left) in
        [(-2, false, 946), (2, false, 946), (0, false, 946), (2, true, 946), (-2, true, 949)]
    {
        let (demo, folder) = (Demo::start(&demo_settings()).unwrap(), Folder::new("clock"));
        let file = folder.path().join("ledger");
        let app = start(&demo, &file, "server").await.unwrap();
        spend(&app, 3).await;
        app.stop().await;
        written_by_a_clock_ahead(&file, hours, other_boot);
        let app = start(&demo, &file, "server").await.unwrap();
        // After a restart of the machine nothing tells a clock that was wrong from time that has passed.
        assert_eq!(spend(&app, 1).await, left, "{hours} hours, other boot: {other_boot}");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_a_wrong_setting() {
    let (demo, folder) = (Demo::start(&demo_settings()).unwrap(), Folder::new("nowhere"));
    for path in ["missing/ledger", "."] {
        let error = start(&demo, &folder.path().join(path), "server").await.err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains("budget.file: cannot use")), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn a_younger_team_can_be_asked_for_and_only_in_seconds() {
    let app = TestApp::start().await;
    let ask = async |max_age: &str| {
        let request = app.post().header("x-flowmatix-max-age", max_age);
        app.send(request.body(r#"{"query":"{ teamMembers { totalCount } }"}"#)).await
    };
    assert_eq!(ask("60").await.upstream()["calls"], 1);
    assert_eq!(ask("60").await.upstream()["calls"], 0);
    assert_eq!(ask("0").await.upstream()["calls"], 1);
    assert_eq!(app.demo.calls(), 2);
    for wrong in ["-1", "soon", "1.5", "", "99999999999"] {
        assert_eq!(ask(wrong).await.codes(), ["BAD_USER_INPUT"], "{wrong}");
    }
    assert_eq!(app.demo.calls(), 2);
}
