//! Turns: a caller with many requests under way has them worked on one after another, and other callers' come between them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;

use flowmatix_graphql::app::App;
use flowmatix_graphql::demo::Demo;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::support::{TempFile, TestApp, demo_settings, settings};

const NOISY: &str = "demo-agency-token";
const QUIET: &str = "demo-lantern-token";
/// How many requests a caller has sent at once, and how many of them are worked on as they come.
const MANY: usize = 32;
const FEW: usize = 4;

/// The service on a runtime of one worker, and the order in which it answers: that of the audit log.
struct OneWorker {
    service: Runtime,
    app: App,
    log: TempFile,
    _demo: (Runtime, Demo),
}

impl OneWorker {
    fn start() -> Self {
        let runtime = || Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (service, demos) = (runtime(), runtime());
        let demo = demos.block_on(async { Demo::start(&demo_settings()).unwrap() });
        let log = TempFile::new("audit.jsonl", "");
        let config = settings(&demo.url(), &[("auth.mode", "passthrough"), ("audit.target", log.as_str())]);
        let start = async move { App::start(&config, None).await.unwrap() };
        let app = service.block_on(async { tokio::spawn(start).await.unwrap() });
        Self { service, app, log, _demo: (demos, demo) }
    }

    fn connect(&self, token: &'static str, name: &'static str) -> Client {
        let stream = TcpStream::connect(self.app.address()).unwrap();
        Client { stream, token, name }
    }

    /// Keeps the only worker from its work until what is returned is dropped.
    fn hold(&self) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel();
        let (begin, begun) = mpsc::channel();
        self.service.spawn(async move {
            begin.send(()).unwrap();
            let _ = released.recv();
        });
        begun.recv().unwrap();
        release
    }

    /// The names of the operations that were answered after the first so many, in order, when there are `count` of them.
    fn answered(&self, first: usize, count: usize) -> Vec<String> {
        for _ in 0..2000 {
            let text = std::fs::read_to_string(self.log.path()).unwrap();
            let lines: Vec<&str> = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).skip(first).collect();
            if lines.len() >= count {
                let record = |line: &str| serde_json::from_str::<Value>(line).unwrap();
                return lines.iter().map(|line| record(line)["operationName"].as_str().unwrap().to_owned()).collect();
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("{count} records did not come");
    }
}

impl Drop for OneWorker {
    fn drop(&mut self) {
        let other = Builder::new_current_thread().build().unwrap();
        std::mem::replace(&mut self.service, other).shutdown_background();
    }
}

struct Client {
    stream: TcpStream,
    token: &'static str,
    name: &'static str,
}

impl Client {
    fn ask(&mut self) {
        let body = json!({ "query": format!("query {} {{ teamMembers(first: 1) {{ totalCount }} }}", self.name) });
        let body = body.to_string();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nauthorization: Bearer {}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).unwrap();
    }

    /// Reads an answer, all of it.
    fn answer(&mut self) {
        let mut text = Vec::new();
        while !text.ends_with(b"}") {
            let mut piece = [0; 4096];
            let count = self.stream.read(&mut piece).unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&piece[..count]);
        }
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("\"totalCount\":12"), "{text}");
    }
}

#[test]
fn another_callers_request_is_worked_on_before_the_rest_of_one_callers_many() {
    let service = OneWorker::start();
    let mut clients: Vec<Client> = (0..MANY).map(|_| service.connect(NOISY, "Noisy")).collect();
    // Neither the first nor the last that comes.
    clients.insert(MANY - 4, service.connect(QUIET, "Quiet"));
    for client in &mut clients {
        client.ask();
        client.answer();
    }
    let release = service.hold();
    clients.iter_mut().for_each(Client::ask);
    drop(release);
    clients.iter_mut().for_each(Client::answer);
    let order = service.answered(clients.len(), clients.len());
    let before = order.iter().position(|name| name == "Quiet").unwrap();
    // A worker that looks at its sockets in between works on as many again, and on the one whose turn it is.
    assert!(before <= 2 * FEW + 1, "{before} requests came before it: {order:?}");
}

#[tokio::test]
async fn requests_that_wait_for_the_upstream_take_no_turn() {
    let app = TestApp::with(&[("auth.mode", "passthrough")]).await;
    let query = |token: &str, text: &str| app.post().bearer_auth(token).body(json!({ "query": text }).to_string());
    let gate = app.demo.hold();
    let loads: Vec<_> =
        (0..MANY).map(|_| tokio::spawn(query(NOISY, "{ teamMembers { totalCount } }").send())).collect();
    app.demo.arrived(1).await;
    for token in [NOISY, QUIET] {
        let answer = app.send(query(token, "{ __typename }")).await;
        assert_eq!(answer.status, 200);
    }
    gate.send(true).unwrap();
    for load in loads {
        assert_eq!(load.await.unwrap().unwrap().status(), 200);
    }
}
