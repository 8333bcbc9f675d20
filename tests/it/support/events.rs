//! A stream of events in a response's body: server-sent events, or Apollo's multipart protocol.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

/// No event takes so long.
const LONG: Duration = Duration::from_secs(30);

pub struct Events {
    response: reqwest::Response,
    read: String,
    /// Whether the first boundary has been read.
    begun: bool,
}

impl Events {
    pub async fn open(request: reqwest::RequestBuilder) -> Self {
        Self { response: request.send().await.unwrap(), read: String::new(), begun: false }
    }

    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn more(&mut self) -> bool {
        let chunk = timeout(LONG, self.response.chunk()).await.expect("no event came");
        let Ok(Some(chunk)) = chunk else { return false };
        self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        true
    }

    /// What comes before this text, without it; `None` at the end of the body.
    pub async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some(place) = self.read.find(end) {
                let rest = self.read.split_off(place + end.len());
                let mut before = std::mem::replace(&mut self.read, rest);
                before.truncate(place);
                return Some(before);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// The next server-sent event: its name and data. Comments are passed over.
    pub async fn event(&mut self) -> Option<(String, String)> {
        loop {
            let block = self.until("\n\n").await?;
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim_start().to_owned())
            };
            if let Some(name) = field("event:") {
                return Some((name, field("data:").expect("an event without data is not dispatched")));
            }
        }
    }

    /// The payload of the next `next` event.
    pub async fn next(&mut self) -> Value {
        let (name, data) = self.event().await.expect("an event");
        assert_eq!(name, "next", "{data}");
        serde_json::from_str(&data).unwrap()
    }

    /// The next part of a multipart response that is no sign of life; `None` after the last.
    pub async fn part(&mut self) -> Option<Value> {
        if !std::mem::replace(&mut self.begun, true) {
            assert_eq!(self.until("--graphql").await.unwrap(), "");
        }
        loop {
            let part = self.until("\r\n--graphql").await?;
            let (head, body) = part.split_once("\r\n\r\n").expect("a part has a head");
            assert_eq!(head.trim(), "content-type: application/json");
            let body: Value = serde_json::from_str(body).unwrap();
            if body != serde_json::json!({}) {
                return Some(body);
            }
        }
    }

    /// Everything up to the end of the body.
    pub async fn rest(&mut self) -> String {
        while self.more().await {}
        std::mem::take(&mut self.read)
    }
}
