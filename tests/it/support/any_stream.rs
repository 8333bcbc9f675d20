//! A subscription over any transport: what comes is the same.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{Events, Socket, TestApp};

const MULTIPART: &str = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0,application/json";

pub enum AnyStream {
    Events(Events),
    Parts(Events),
    Socket(Socket),
}

impl AnyStream {
    pub const TRANSPORTS: [&str; 3] = ["sse", "multipart", "websocket"];

    /// Subscribes over this transport.
    pub async fn open(app: &TestApp, transport: &str, query: &str) -> Self {
        Self::open_as(app, transport, query, None).await
    }

    /// The same with a key.
    pub async fn open_as(app: &TestApp, transport: &str, query: &str, key: Option<&str>) -> Self {
        let request = |accept: &str| -> RequestBuilder {
            let post = app.post().header("accept", accept);
            let post = key.into_iter().fold(post, RequestBuilder::bearer_auth);
            post.body(json!({ "query": query }).to_string())
        };
        match transport {
            "sse" => Self::Events(Events::open(request("text/event-stream")).await),
            "multipart" => Self::Parts(Events::open(request(MULTIPART)).await),
            _ => {
                let payload = key.map_or(json!({}), |key| json!({ "authorization": format!("Bearer {key}") }));
                let mut socket = Socket::ready(app.app.address(), payload).await;
                socket.subscribe("one", query).await;
                Self::Socket(socket)
            }
        }
    }

    /// The payload of the next event.
    pub async fn next(&mut self) -> Value {
        match self {
            Self::Events(events) => events.next().await,
            Self::Parts(events) => events.part().await.expect("a part")["payload"].take(),
            Self::Socket(socket) => socket.message().await["payload"].take(),
        }
    }

    /// Reads until the stream has ended.
    pub async fn end(mut self) {
        match &mut self {
            Self::Events(events) | Self::Parts(events) => drop(events.rest().await),
            Self::Socket(socket) => drop(socket.closed().await),
        }
    }
}
