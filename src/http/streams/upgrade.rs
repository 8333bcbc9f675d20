//! The upgrade of a request to a WebSocket: what is checked before the connection changes hands. Over HTTP/2 it is a stream of
//! the connection that does (RFC 8441).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header::{ORIGIN, UPGRADE};
use axum::http::request::Parts;
use axum::http::{Method, Response};
use hyper::ext::Protocol;

use super::forwarded_head;
use super::messages::PROTOCOL;
use super::socket::{self, NewSocket};
use crate::graphql::Code;
use crate::http::AppState;
use crate::http::admission::caller_key::CallerKey;
use crate::http::admission::client_ip;
use crate::http::admission::response_deadline::ConnectionStreams;
use crate::http::framing::host;
use crate::http::response::error::HttpError;
use crate::telemetry::Trace;

/// Buffers of a WebSocket, in bytes: for reading, which is cleared whenever there may be something to read, so that a large one
/// costs each event; and from where on writes go to the socket.
const READ_BUFFER: usize = 512;
const WRITE_BUFFER: usize = 0;

/// Whether the request asks for a WebSocket.
pub(in crate::http) fn is_asked_for(parts: &Parts) -> bool {
    let is_websocket = |protocol: &[u8]| protocol.eq_ignore_ascii_case(b"websocket");
    match parts.method {
        Method::GET => parts.headers.get(UPGRADE).is_some_and(|value| is_websocket(value.as_bytes())),
        Method::CONNECT => parts.extensions.get::<Protocol>().is_some_and(|value| is_websocket(value.as_ref())),
        _ => false,
    }
}

/// Upgrades the connection. Its caller is authenticated by `connection_init`.
pub(in crate::http) async fn upgrade(state: &Arc<AppState>, parts: &mut Parts) -> Result<Response<Body>, HttpError> {
    check_origin(state, parts)?;
    let upgrade = WebSocketUpgrade::from_request_parts(parts, &()).await;
    let upgrade = upgrade.map_err(|_| HttpError::unreadable("the request is no valid WebSocket handshake"))?;
    let limit = usize::try_from(state.live.settings.message_limit.as_u64()).unwrap_or(usize::MAX);
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(limit)
        .max_frame_size(limit);
    let speaks = upgrade.selected_protocol().is_some();
    let peer = client_ip::address(parts, &state.settings);
    let permit = state.live.open_socket(CallerKey::of_address(peer))?;
    let new = NewSocket {
        _permit: permit,
        state: state.clone(),
        head: forwarded_head::kept(parts),
        trace: Trace::current(),
        peer,
        connection: parts.extensions.get::<ConnectionStreams>().map(ConnectionStreams::open),
        open: state.health.open_stream(),
        speaks,
    };
    Ok(upgrade.on_upgrade(move |socket| socket::serve(socket, new)))
}

/// Browsers let every page open a WebSocket, and say which page it is: it must be one of this origin, or one that CORS names.
fn check_origin(state: &AppState, parts: &Parts) -> Result<(), HttpError> {
    let Some(origin) = parts.headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let named = state.settings.cors_origins.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(origin));
    let own = || {
        let host = host::of(&parts.headers, &parts.uri)?;
        let page = origin.split_once("://")?.1;
        Some(page.eq_ignore_ascii_case(host.as_str()))
    };
    if named || own() == Some(true) {
        return Ok(());
    }
    Err(HttpError::new(Code::Forbidden, "pages of this origin may not connect: see http.cors_origins"))
}
