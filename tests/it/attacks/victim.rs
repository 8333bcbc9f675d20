//! The real binary in its own process, so that the system counts its processor time and memory alone.

use std::time::{Duration, Instant};

use flowmatix_graphql::demo::{ACCOUNTS, Demo};
use serde_json::{Value, json};

use crate::support::demo_settings;
use crate::support::service::{self, Service};

/// A token that the vendor accepts, and one that it has never heard of.
pub const KNOWN: &str = "demo-agency-token";
pub const UNKNOWN: &str = "a-token-that-nobody-has-accepted";
/// A caller who does nothing wrong.
pub const NEIGHBOUR: &str = "demo-lantern-token";

pub struct Victim {
    service: Service,
    _demo: Demo,
    client: reqwest::Client,
}

/// What the system counts of the process.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub cpu: Duration,
    /// How much larger it was at its largest than before, in bytes.
    pub growth: u64,
}

impl Victim {
    /// Callers bring tokens; what an unoptimised build does slowly is waited for.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let demo = Demo::start(&demo_settings()).unwrap();
        let url = demo.url();
        let ours = [
            ("auth.mode", "passthrough"),
            ("upstream.url", url.as_str()),
            ("upstream.allow_http", "true"),
            ("account.email", ACCOUNTS[0].email),
            ("account.type", ACCOUNTS[0].user_type),
            ("federation.enabled", "true"),
            ("http.rate_limit", "0"),
            ("http.timeout", "60s"),
            ("upstream.timeout", "50s"),
            ("upstream.attempt_timeout", "40s"),
            ("roster.fresh_for", "1h"),
        ];
        let settings: Vec<String> =
            ours.iter().chain(settings).map(|(path, value)| format!("{path}={value}")).collect();
        let mut service = service::start("serve", &settings, &[]);
        service.quiet();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { service, _demo: demo, client }
    }

    pub fn address(&self) -> String {
        let url = self.service.url("");
        url.rsplit('/').next().unwrap().to_owned()
    }

    pub fn admin_address(&self) -> String {
        let url = self.service.admin_url("");
        url.rsplit('/').next().unwrap().to_owned()
    }

    pub async fn is_healthy(&self) -> bool {
        self.client.get(self.service.admin_url("/health/live")).send().await.unwrap().status() == 200
    }

    /// Asks with this token, and says the status and the answer.
    pub async fn ask(&self, token: &str, body: String) -> (u16, Value) {
        self.answer(self.request(token, body)).await
    }

    /// The same, with what it was estimated to cost in the answer.
    pub async fn ask_cost(&self, token: &str, body: String) -> (u16, Value) {
        self.answer(self.request(token, body).header("x-flowmatix-show-cost", "true")).await
    }

    fn request(&self, token: &str, body: String) -> reqwest::RequestBuilder {
        let request = self.client.post(self.service.url("/graphql")).header("content-type", "application/json");
        request.bearer_auth(token).body(body)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text:.200}")))
    }

    /// Asks with this token, and takes the answer without looking at it.
    pub async fn flood(&self, token: &str, body: String) {
        let mut answer = self.request(token, body).send().await.unwrap();
        while answer.chunk().await.unwrap().is_some() {}
    }

    /// Asks for something small, as a caller with another token, and expects it.
    pub async fn still_answers(&self) {
        let (status, answer) = self.ask(NEIGHBOUR, query("{ teamMembers(first: 1) { totalCount } }", json!({}))).await;
        assert_eq!((status, &answer["data"]["teamMembers"]["totalCount"]), (200, &json!(12)), "{answer}");
    }

    /// Reads a sample account's team, so that later requests find it.
    pub async fn warm(&self, place: usize) {
        let text = format!("{{ teamMembers({}, first: 1) {{ totalCount }} }}", crate::support::account(place));
        let (_, answer) = self.ask(KNOWN, query(&text, json!({}))).await;
        assert_eq!(answer["data"]["teamMembers"]["totalCount"], ACCOUNTS[place].members, "{answer}");
    }

    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.service.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    }

    /// The memory that it has now, in bytes.
    pub fn resident(&self) -> u64 {
        self.status("VmRSS")
    }

    /// The processor time of all its threads.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.service.id())).unwrap();
        // The name, in brackets, may hold anything; what follows are numbers, these two in hundredths of a second.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        Duration::from_millis((fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10)
    }

    /// The processor time of the threads that are alive, to the nanosecond: for what takes less than a hundredth of a second.
    pub fn fine_cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.service.id())).unwrap();
        let nanos = tasks.flatten().filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// Measures what `work` makes the process use.
    pub async fn measured<T>(&self, work: impl Future<Output = T>) -> (T, Usage) {
        // The highest mark of memory begins anew from what there is.
        std::fs::write(format!("/proc/{}/clear_refs", self.service.id()), "5").unwrap();
        let (cpu, resident) = (self.cpu(), self.resident());
        let result = work.await;
        let growth = self.status("VmHWM").saturating_sub(resident);
        (result, Usage { cpu: self.cpu().saturating_sub(cpu), growth })
    }

    /// Waits until the process does nothing any more, and says how much processor time it has used until then. A process that does
    /// nothing for one look may be waiting for a core.
    pub async fn at_rest(&self) -> Duration {
        let started = Instant::now();
        let (mut before, mut quiet) = (self.cpu(), 0);
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = self.cpu();
            quiet = if now - before < Duration::from_millis(20) { quiet + 1 } else { 0 };
            if quiet == 3 {
                return now;
            }
            assert!(started.elapsed() < Duration::from_secs(120), "it goes on and on");
            before = now;
        }
    }

    /// Asks it to stop, and says whether that went well and how long it took.
    pub async fn stop(self) -> (bool, Duration) {
        let started = Instant::now();
        let service = self.service;
        let (well, _, _) = tokio::task::spawn_blocking(move || service.stop()).await.unwrap();
        (well, started.elapsed())
    }

    /// The number at the end of the metric's line that starts so; 0 when there is none.
    pub async fn metric(&self, line: &str) -> f64 {
        let text = self.client.get(self.service.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
        let found = text.lines().find(|known| known.starts_with(line));
        found.map_or(0.0, |found| found.rsplit(' ').next().unwrap().parse().unwrap())
    }
}

/// A request's body.
pub fn query(text: &str, variables: Value) -> String {
    json!({ "query": text, "variables": variables }).to_string()
}

/// The codes of an answer's errors.
pub fn codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("no code")).collect()
}

/// As many aliased uses of a field as the limits allow.
pub fn aliased(field: &str) -> String {
    (0..64).map(|n| format!("a{n}: {field} ")).collect()
}
