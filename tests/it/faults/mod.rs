//! Faults over real sockets: the service in front of a vendor that fails in every way.

mod table;
mod under_load;

use flowmatix_graphql::app::App;
use secrecy::SecretString;
use serde_json::json;

use crate::support::vendor::Vendor;
use crate::support::{Answer, settings};

/// A service over this vendor.
struct Service {
    app: App,
    client: reqwest::Client,
}

impl Service {
    async fn start(vendor: &Vendor, pairs: &[(&str, &str)]) -> Self {
        let config = settings(&vendor.url(), pairs);
        let app = App::start(&config, Some(SecretString::from("the-token"))).await.unwrap();
        Self { app, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Asks for the n-th account's team.
    async fn ask(&self, n: usize) -> Answer {
        self.try_ask(n).await.unwrap()
    }

    /// The same, where there may be no answer at all.
    async fn try_ask(&self, n: usize) -> reqwest::Result<Answer> {
        let query = format!(
            "{{ teamMembers(account: {{ email: \"n{n}@example.com\", type: AGENT }}) {{ totalCount stale }} }}"
        );
        let request = self.client.post(format!("http://{}/graphql", self.app.address()));
        let request = request.header("content-type", "application/json").body(json!({ "query": query }).to_string());
        Ok(Answer::read(request.send().await?).await)
    }

    /// Calls made to the vendor, whether they reached it or not.
    async fn calls(&self) -> u32 {
        let url = format!("http://{}/metrics", self.app.admin_address());
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        let lines = text.lines().filter(|line| line.starts_with("flowmatix_upstream_calls_total"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u32).sum()
    }
}
