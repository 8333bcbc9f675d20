//! A running service over the sample Flowmatix, each on a port of its own.

use std::net::{Ipv4Addr, SocketAddr};

use flowmatix_graphql::app::App;
use flowmatix_graphql::config::{AuthMode, Config, Flag, Profile};
use flowmatix_graphql::demo::{ACCOUNTS, AGENCY_TOKEN, Demo};
use reqwest::RequestBuilder;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::Answer;

pub struct TestApp {
    pub app: App,
    pub demo: Demo,
    pub client: reqwest::Client,
}

/// Any free port of this machine.
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// For teams of thousands, which an unoptimised build on a busy machine reads and sorts for seconds.
pub const PATIENT: [(&str, &str); 4] = [
    ("http.timeout", "60s"),
    ("upstream.timeout", "50s"),
    ("upstream.attempt_timeout", "40s"),
    ("upstream.connect_timeout", "30s"),
];

pub fn demo_settings() -> flowmatix_graphql::config::DemoConfig {
    flowmatix_graphql::config::DemoConfig { listen: ANY, ..Default::default() }
}

/// The settings of a service over this upstream, on free ports, changed by these pairs.
pub fn settings(upstream: &str, pairs: &[(&str, &str)]) -> Config {
    let mut config = Config::defaults(Profile::Demo);
    config.http.listen = ANY;
    config.admin.listen = ANY;
    config.auth.mode = Some(AuthMode::Server);
    let ours = [
        ("upstream.url", upstream),
        ("account.email", ACCOUNTS[0].email),
        ("account.type", "CUSTOMER"),
        // Tests ask as fast as they can.
        ("http.rate_limit", "0"),
    ];
    let flags: Vec<Flag> = ours
        .iter()
        .chain(pairs)
        .map(|(path, value)| Flag { flag: "test".into(), path: (*path).into(), value: (*value).into() })
        .collect();
    config.follow(&flags).unwrap();
    config
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these settings.
    pub async fn with(pairs: &[(&str, &str)]) -> Self {
        let demo = Demo::start(&demo_settings()).unwrap();
        let config = settings(&demo.url(), pairs);
        let auth = &config.auth;
        let token = (auth.credential_env.is_none() && auth.credential_file.is_none()).then_some(AGENCY_TOKEN);
        let app = App::start(&config, token.map(SecretString::from)).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { app, demo, client }
    }

    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.app.address())
    }

    pub fn post(&self) -> RequestBuilder {
        self.client.post(self.url()).header("content-type", "application/json")
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.unwrap()).await
    }

    /// A query of whoever has this token.
    pub async fn query_as(&self, token: &str, query: &str) -> Answer {
        self.send(self.post().bearer_auth(token).body(json!({ "query": query }).to_string())).await
    }

    pub async fn query(&self, query: &str) -> Answer {
        self.variables(query, json!({})).await
    }

    pub async fn variables(&self, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        self.send(self.post().body(body.to_string())).await
    }

    /// The number at the end of the metric's line that starts so; 0 when there is none.
    pub async fn metric(&self, line: &str) -> f64 {
        let url = format!("http://{}/metrics", self.app.admin_address());
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        let found = text.lines().find(|known| known.starts_with(line));
        found.map_or(0.0, |found| found.rsplit(' ').next().unwrap().parse().unwrap())
    }
}
