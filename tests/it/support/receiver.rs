//! A router's invalidation endpoint: takes posts, and answers as it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How posts are answered.
#[derive(Clone, Debug)]
pub enum Behaviour {
    Accept,
    Hang,
    /// With this status, and this header where it has one.
    Answer(StatusCode, Option<(&'static str, String)>),
}

#[derive(Clone, Debug)]
pub struct Post {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
    /// Whether it was accepted.
    pub accepted: bool,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    posts: Mutex<Vec<Post>>,
    arrived: Notify,
}

pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub async fn start(behaviour: Behaviour) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), behaviour).await
    }

    pub async fn start_at(address: SocketAddr, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared =
            Arc::new(Shared { behaviour: Mutex::new(behaviour), posts: Mutex::default(), arrived: Notify::new() });
        let router = Router::new().fallback(take).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/invalidation", self.address)
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    pub fn posts(&self) -> Vec<Post> {
        self.shared.posts.lock().unwrap().clone()
    }

    /// Waits until the posts are as expected.
    pub async fn posts_until(&self, expected: impl Fn(&[Post]) -> bool) -> Vec<Post> {
        let wait = async {
            loop {
                let arrived = self.shared.arrived.notified();
                let posts = self.posts();
                if expected(&posts) {
                    return posts;
                }
                arrived.await;
            }
        };
        let waited = timeout(Duration::from_secs(60), wait).await;
        waited.unwrap_or_else(|_| panic!("it never came: {:#?}", self.posts()))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(shared): State<Arc<Shared>>, uri: axum::http::Uri, headers: HeaderMap, body: Bytes) -> Response {
    let behaviour = shared.behaviour.lock().unwrap().clone();
    let accepted = matches!(behaviour, Behaviour::Accept);
    let post = Post { path: uri.path().to_owned(), headers, body: serde_json::from_slice(&body).unwrap(), accepted };
    shared.posts.lock().unwrap().push(post);
    shared.arrived.notify_waiters();
    match behaviour {
        Behaviour::Accept => (StatusCode::ACCEPTED, r#"{"count":1}"#).into_response(),
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Answer(status, header) => {
            let mut response = status.into_response();
            if let Some((name, value)) = header {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
    }
}
