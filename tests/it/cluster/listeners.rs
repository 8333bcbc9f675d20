//! Subscribers of teams at single replicas, and what they have seen.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::replicas::{Replicas, email, until};

/// One subscriber.
pub struct Listener(Arc<Mutex<Vec<String>>>);

impl Listener {
    /// Listens to an account's team at one replica.
    pub async fn start(replicas: &Replicas, at: usize, account: &str) -> Self {
        let query = format!(
            "subscription {{ team(account: {{ email: \"{}\", type: CUSTOMER }}) {{ members {{ nodes {{ name }} }} }} }}",
            email(account)
        );
        let request =
            replicas.client.post(replicas.service(at).url("/graphql")).header("content-type", "application/json");
        let request = request.header("accept", "text/event-stream").timeout(Duration::from_secs(300));
        let mut stream = request.body(json!({ "query": query }).to_string()).send().await.unwrap();
        assert_eq!(stream.status(), 200);
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let said = seen.clone();
        tokio::spawn(async move {
            let mut text = String::new();
            while let Ok(Some(bytes)) = stream.chunk().await {
                text.push_str(&String::from_utf8_lossy(&bytes));
                while let Some(end) = text.find('\n') {
                    let line: String = text.drain(..=end).collect();
                    if let Some(name) = line.split("\"name\":\"").nth(1) {
                        said.lock().unwrap().push(name.split('"').next().unwrap().to_owned());
                    }
                }
            }
        });
        Self(seen)
    }

    /// Whether the newest event has people of this name.
    pub fn sees(&self, name: &str) -> bool {
        self.0.lock().unwrap().last().is_some_and(|last| last.starts_with(name))
    }
}

/// Waits until all of them see people of this name.
pub async fn all_see(listeners: &[Listener], name: &str) {
    until(|| async { listeners.iter().all(|listener| listener.sees(name)) }, |all| *all).await;
}
