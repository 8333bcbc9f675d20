//! The messages of the `graphql-transport-ws` protocol, and what a WebSocket is closed with.

use serde_json::value::RawValue;

use crate::http::graphql::json::{Outline, outline};

/// The WebSocket subprotocol.
pub(super) const PROTOCOL: &str = "graphql-transport-ws";
/// The longest reason that fits into a close frame, in bytes.
const REASON_LIMIT: usize = 123;
/// The longest id of an operation, in bytes.
const ID_LIMIT: usize = 256;

/// A client's message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ClientMessage<'t> {
    /// With a payload, as it was written.
    ConnectionInit(Option<&'t str>),
    Ping(Option<&'t str>),
    Pong,
    /// An operation: its id, and a GraphQL request.
    Subscribe(String, &'t str),
    Complete(String),
}

/// Why a WebSocket is closed. Clients decide by the code whether they connect again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: String,
    /// Its name in metrics, for the operations that end with it.
    pub(super) name: &'static str,
}

impl Close {
    fn new(code: u16, reason: impl Into<String>, name: &'static str) -> Self {
        let mut reason = reason.into();
        if let Some(end) = (0..=REASON_LIMIT).rfind(|end| reason.is_char_boundary(*end)) {
            reason.truncate(end);
        }
        Self { code, reason, name }
    }

    /// Nothing was under way for a while.
    pub(super) fn idle() -> Self {
        Self::new(1000, "idle", "idle")
    }

    /// The service stops.
    pub(super) fn going_away() -> Self {
        Self::new(1001, "the service is stopping", "drain")
    }

    /// It has been open long enough; the client comes back.
    pub(super) fn lifetime() -> Self {
        Self::new(1001, "connect again", "lifetime")
    }

    /// The frames are no WebSocket's.
    pub(super) fn broken() -> Self {
        Self::new(1002, "protocol error", "invalid")
    }

    pub(super) fn not_utf8() -> Self {
        Self::new(1007, "a message is not UTF-8", "invalid")
    }

    pub(super) fn too_many_messages() -> Self {
        Self::new(1008, "rate limit exceeded", "invalid")
    }

    pub(super) fn too_large() -> Self {
        Self::new(1009, "the message is larger than allowed", "invalid")
    }

    pub(super) fn invalid(reason: impl Into<String>) -> Self {
        Self::new(4400, reason, "invalid")
    }

    /// An operation came before `connection_init`.
    pub(super) fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized", "invalid")
    }

    /// The caller may not, or not any more.
    pub(super) fn forbidden() -> Self {
        Self::new(4403, "Forbidden", "rights")
    }

    pub(super) fn other_protocol() -> Self {
        Self::new(4406, "Subprotocol not acceptable", "invalid")
    }

    pub(super) fn init_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout", "invalid")
    }

    pub(super) fn duplicate(id: &str) -> Self {
        Self::new(4409, format!("Subscriber for {id} already exists"), "invalid")
    }

    pub(super) fn init_again() -> Self {
        Self::new(4429, "Too many initialisation requests", "invalid")
    }
}

/// Reads a message.
///
/// # Errors
/// It is none.
pub(super) fn read(text: &str) -> Result<ClientMessage<'_>, Close> {
    let Ok(Outline::Object([kind, id, payload])) = outline(text, ["type", "id", "payload"], 0) else {
        return Err(Close::invalid("a message must be a JSON object"));
    };
    let string = |text: &str| serde_json::from_str::<String>(text).ok();
    let kind = kind.and_then(string).ok_or_else(|| Close::invalid("a message needs a `type`"))?;
    let id = || {
        let id = id.and_then(string).filter(|id| !id.is_empty() && id.len() <= ID_LIMIT);
        id.ok_or_else(|| Close::invalid(format!("`{kind}` needs an `id`: a string of 1 to {ID_LIMIT} bytes")))
    };
    let object = |payload: Option<&'_ str>| payload.is_none_or(|text| text.starts_with('{') || text == "null");
    if matches!(kind.as_str(), "connection_init" | "ping" | "pong") && !object(payload) {
        return Err(Close::invalid(format!("the payload of `{kind}` must be an object")));
    }
    let payload = payload.filter(|text| *text != "null");
    match kind.as_str() {
        "connection_init" => Ok(ClientMessage::ConnectionInit(payload)),
        "ping" => Ok(ClientMessage::Ping(payload)),
        "pong" => Ok(ClientMessage::Pong),
        "complete" => Ok(ClientMessage::Complete(id()?)),
        "subscribe" => {
            let id = id()?;
            let payload = payload.filter(|text| text.starts_with('{'));
            let payload = payload.ok_or_else(|| Close::invalid("the payload of `subscribe` must be an object"))?;
            Ok(ClientMessage::Subscribe(id, payload))
        }
        _ => Err(Close::invalid("the `type` of a message is not known")),
    }
}

pub(super) const ACK: &str = r#"{"type":"connection_ack"}"#;

/// The answer to a ping, with its payload.
pub(super) fn pong(payload: Option<&str>) -> String {
    payload
        .map_or_else(|| r#"{"type":"pong"}"#.to_owned(), |payload| format!(r#"{{"type":"pong","payload":{payload}}}"#))
}

/// An operation's id as messages have it.
pub(super) fn quoted(id: &str) -> String {
    serde_json::to_string(id).unwrap_or_default()
}

/// A response of an operation. Here and below, the id is quoted.
pub(super) fn next(id: &str, payload: &[u8]) -> String {
    message("next", id, std::str::from_utf8(payload).ok())
}

/// The end of an operation that was not executed: its errors, a list as JSON.
pub(super) fn error(id: &str, errors: &str) -> String {
    message("error", id, Some(errors))
}

/// The end of an operation.
pub(super) fn complete(id: &str) -> String {
    message("complete", id, None)
}

fn message(kind: &str, id: &str, payload: Option<&str>) -> String {
    let parts = [r#"{"id":"#, id, r#","type":""#, kind, "\""];
    let payload = payload.map(|payload| [r#","payload":"#, payload]);
    // In memory of the right size, which is sent as it is.
    parts.iter().chain(payload.iter().flatten()).chain(&["}"]).copied().collect::<Vec<_>>().concat()
}

/// The errors of a response that has nothing else.
pub(super) fn errors_of(response: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Response<'r> {
        #[serde(borrow)]
        errors: &'r RawValue,
    }

    serde_json::from_slice::<Response<'_>>(response).ok().map(|response| response.errors.get().to_owned())
}
