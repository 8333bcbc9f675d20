//! Where the audit log goes: files that move and disks that are full, pipes that nobody reads or that are closed, stops and
//! reloads.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::{read, records, target};
use crate::support::service::{Service, run, start};
use crate::support::{TempFile, TestApp};

const QUERY: &str = "{ teamMembers { totalCount } }";

async fn ask(service: &Service, client: &reqwest::Client, times: usize) {
    for _ in 0..times {
        let post = client.post(service.url("/graphql")).header("content-type", "application/json");
        let answer = post.body(json!({ "query": QUERY }).to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

async fn metric(service: &Service, client: &reqwest::Client, result: &str) -> f64 {
    let text = client.get(service.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
    let line = format!("flowmatix_audit_records_total{{result=\"{result}\"}} ");
    text.lines().find_map(|known| known.strip_prefix(&line)).unwrap().parse().unwrap()
}

/// Asks twenty times, and waits until that many records could not be written.
async fn ask_in_vain(service: &Service, client: &reqwest::Client) {
    ask(service, client, 20).await;
    for _ in 0..1000 {
        if metric(service, client, "write_failed").await == 20.0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(metric(service, client, "write_failed").await, 20.0);
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The real binary, quiet about requests.
fn service(settings: &[&str]) -> Service {
    let settings: Vec<String> = settings
        .iter()
        .map(|&setting| setting.to_owned())
        .chain(["log.level=warn,flowmatix_graphql::cli=info".into()])
        .collect();
    start("demo", &settings, &[])
}

#[tokio::test]
async fn everything_is_written_when_the_service_stops() {
    let file = target();
    let service = service(&[&format!("audit.target={}", file.as_str())]);
    let client = client();
    ask(&service, &client, 200).await;
    let (well, ..) = service.stop();
    assert!(well);
    assert_eq!(read(&file).len(), 200);
    let mode = std::fs::metadata(file.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "for its owner alone");
}

#[tokio::test]
async fn a_pipe_that_nobody_reads_holds_no_request_up_and_no_stop() {
    let mut service = service(&["audit.target=stdout", "audit.queue_limit=64KiB"]);
    let client = client();
    // A pipe takes 64 KiB, and the queue as much; a record has some 300 bytes.
    ask(&service, &client, 1000).await;
    let dropped = metric(&service, &client, "queue_full").await;
    assert!((100.0..1000.0).contains(&dropped), "{dropped}");
    service.signal_and_wait();
    let log = service.log_to_its_end();
    assert_eq!(log.matches("the audit log has no room for a record").count(), 1, "{log}");
    assert_eq!(log.matches("was not written to its end").count(), 1, "{log}");
}

#[tokio::test]
async fn standard_output_has_the_records_that_somebody_reads() {
    let service = service(&["audit.target=stdout"]);
    ask(&service, &client(), 3).await;
    let (well, out, _) = service.stop();
    assert!(well);
    let found = out.lines().filter(|line| line.starts_with('{')).count();
    assert_eq!(found, 3, "{out}");
}

#[tokio::test]
async fn a_pipe_that_is_closed_is_counted_and_said_once() {
    let mut service = service(&["audit.target=stdout"]);
    service.close_out();
    let client = client();
    ask_in_vain(&service, &client).await;
    let (well, _, log) = service.stop();
    assert!(well);
    assert_eq!(log.matches("the audit log cannot be written").count(), 1, "{log}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_counted_and_said_once() {
    let service = service(&["audit.target=/dev/full"]);
    let client = client();
    ask_in_vain(&service, &client).await;
    let (well, _, log) = service.stop();
    assert!(well);
    let line = log.lines().find(|line| line.contains("the audit log cannot be written")).unwrap();
    assert!(line.contains("No space left"), "{line}");
    assert_eq!(log.matches("the audit log cannot be written").count(), 1, "{log}");
}

#[tokio::test]
async fn a_file_that_is_moved_away_is_followed_by_a_new_one() {
    let file = target();
    let moved = file.path().with_extension("1");
    let app = TestApp::with(&[("audit.target", file.as_str())]).await;
    app.query(QUERY).await.clean();
    records(&file, 1).await;
    std::fs::rename(file.path(), &moved).unwrap();
    for count in 1..3 {
        app.query(QUERY).await.clean();
        records(&file, count).await;
    }
    assert_eq!(std::fs::read_to_string(&moved).unwrap().lines().count(), 1);
    // A folder in its place is none, until a file is there again; what was lost is counted.
    std::fs::remove_file(file.path()).unwrap();
    std::fs::create_dir(file.path()).unwrap();
    app.query(QUERY).await.clean();
    for _ in 0..1000 {
        if app.metric("flowmatix_audit_records_total{result=\"write_failed\"}").await == 1.0 {
            break;
        }
    }
    std::fs::remove_dir(file.path()).unwrap();
    app.query(QUERY).await.clean();
    records(&file, 1).await;
    std::fs::remove_file(moved).unwrap();
}

#[tokio::test]
async fn a_target_that_cannot_be_written_starts_nothing_and_check_makes_no_file() {
    let fifo = TempFile::new("audit-fifo", "");
    std::fs::remove_file(fifo.path()).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(fifo.path()).status().unwrap().success());
    let token = TempFile::new("token", "demo-agency-token");
    let folder = std::env::temp_dir().display().to_string();
    let short = TempFile::new("audit-key", "short");
    let wrong = [
        (
            "audit.target=/no/such/folder/audit.jsonl".to_owned(),
            String::new(),
            "audit.target: /no/such/folder/audit.jsonl",
        ),
        (format!("audit.target={}", fifo.as_str()), String::new(), "it is not a regular file"),
        (format!("audit.target={folder}"), String::new(), "it is not a regular file"),
        ("audit.target=stdout".to_owned(), format!("audit.key_file={}", short.as_str()), "at least 16 characters"),
        ("audit.queue_limit=1KiB".to_owned(), String::new(), "audit.queue_limit: expected 64KiB to 1GiB"),
        (format!("audit.key_file={}", token.as_str()), String::new(), "audit.key_file: needs audit.target"),
    ];
    let credential = format!("auth.credential_file={}", token.as_str());
    let base = ["--upstream-url", "https://x.example", "--auth-mode", "server", "--set", &credential];
    for (one, other, expected) in &wrong {
        for command in ["check", "serve"] {
            let mut arguments = vec![command];
            arguments.extend(base);
            arguments.extend(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--set", one]);
            if !other.is_empty() {
                arguments.extend(["--set", other]);
            }
            let output = run(&arguments, &[]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && said.contains(expected), "{command} {one}: {said}");
        }
    }
    let file = target();
    let well = format!("audit.target={}", file.as_str());
    let arguments = [&["check"], &base[..], &["--set", &well]].concat();
    assert!(run(&arguments, &[]).status.success());
    assert!(!file.path().exists());
}
