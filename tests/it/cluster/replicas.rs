//! Real service processes over one tier and one vendor.

use std::time::Duration;

use serde_json::json;

use super::counting_vendor::CountingVendor;
use super::redis_server::RedisServer;
use crate::support::service::{Service, start};
use crate::support::{Answer, TempFile};

pub const TOKEN: &str = "canary-token-of-the-vendor-5e7d";

pub struct Replicas {
    pub all: Vec<Option<Service>>,
    settings: Vec<String>,
    pub client: reqwest::Client,
    _keys: TempFile,
}

/// A file of keys, with keys of these names.
pub fn keys(ids: &[&str]) -> String {
    let mut text = "names = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n".to_owned();
    for id in ids {
        let secret = base64_of(&[id.as_bytes()[0]; 32]);
        text += &format!("[[keys]]\nid = \"{id}\"\nsecret = \"{secret}\"\n");
    }
    text
}

pub fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

impl Replicas {
    /// So many replicas, started together.
    pub async fn start(count: usize, tier: &RedisServer, vendor: &CountingVendor, more: &[&str]) -> Self {
        Self::at(count, &tier.url(), vendor, more).await
    }

    pub async fn at(count: usize, tier: &str, vendor: &CountingVendor, more: &[&str]) -> Self {
        let file = TempFile::new("keys.toml", &keys(&["a"]));
        let mut settings: Vec<String> = [
            "upstream.allow_http=true",
            "auth.mode=server",
            "auth.credential_env=VENDOR_TOKEN",
            "http.rate_limit=0",
            "http.peer_connections_limit=5000",
            "budget.window=4s",
            "cluster.lease_time=600ms",
            // A slow machine is no outage.
            "cluster.timeout=500ms",
        ]
        .map(str::to_owned)
        .into();
        settings.push(format!("upstream.url={}", vendor.url));
        settings.push(format!("cluster.url={tier}"));
        settings.push(format!("cluster.key_file={}", file.as_str()));
        settings.extend(more.iter().map(|setting| (*setting).to_owned()));
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        let mut replicas = Self { all: Vec::new(), settings, client, _keys: file };
        for _ in 0..count {
            replicas.all.push(None);
        }
        replicas.start_missing().await;
        replicas
    }

    /// Starts those that are not there.
    pub async fn start_missing(&mut self) {
        let missing: Vec<usize> = (0..self.all.len()).filter(|at| self.all[*at].is_none()).collect();
        let started = missing.iter().map(|_| {
            let settings = self.settings.clone();
            tokio::task::spawn_blocking(move || {
                let mut service = start("serve", &settings, &[("VENDOR_TOKEN", TOKEN)]);
                service.quiet();
                service
            })
        });
        let started = futures_util::future::join_all(started).await;
        for (at, service) in missing.into_iter().zip(started) {
            self.all[at] = Some(service.unwrap());
        }
    }

    /// One more.
    pub async fn add(&mut self) {
        self.all.push(None);
        self.start_missing().await;
    }

    pub fn service(&self, at: usize) -> &Service {
        self.all[at].as_ref().unwrap()
    }

    /// Kills one with -9.
    pub fn kill(&mut self, at: usize) {
        // Dropping it kills it so.
        self.all[at] = None;
    }

    pub fn ask(&self, at: usize, account: &str) -> impl Future<Output = Answer> + use<> {
        let request = self.request(at, account);
        async move { Answer::read(request.send().await.unwrap()).await }
    }

    pub fn request(&self, at: usize, account: &str) -> reqwest::RequestBuilder {
        let query = format!(
            "{{ teamMembers(account: {{ email: \"{account}@lantern.example\", type: CUSTOMER }}) \
             {{ totalCount stale nodes {{ name contact {{ email }} }} }} }}"
        );
        let request = self.client.post(self.service(at).url("/graphql")).header("content-type", "application/json");
        request.body(json!({ "query": query }).to_string())
    }

    /// The number at the end of the metric's line that starts so.
    pub async fn metric(&self, at: usize, line: &str) -> f64 {
        let text = self.client.get(self.service(at).admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
        let found = text.lines().find(|known| known.starts_with(line));
        found.map_or(0.0, |found| found.rsplit(' ').next().unwrap().parse().unwrap())
    }
}

/// The vendor's name of an account.
pub fn email(account: &str) -> String {
    format!("{account}@lantern.example")
}

pub fn is_fine(answer: &Answer) -> bool {
    answer.status == 200 && answer.body.get("errors").is_none() && answer.data()["teamMembers"]["totalCount"] == 3
}

/// Asks again and again until the answer is as expected; what comes of itself comes within seconds.
pub async fn until<T, F: Future<Output = T>>(ask: impl Fn() -> F, expected: impl Fn(&T) -> bool) -> T {
    for _ in 0..1500 {
        let answer = ask().await;
        if expected(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came");
}
