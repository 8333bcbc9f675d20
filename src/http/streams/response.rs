//! Streams as responses: a subscription's events in the body of a response, as server-sent events or multipart.
//!
//! A body is asked for its next frame when the connection has room for it, so a client who is slow gets the newest state then,
//! and delays no other. The connection is closed when a frame is not taken within `http.send_timeout`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, stream};
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval_at, sleep};

use super::forwarded_head;
use super::limits::SubscriptionPermit;
use super::rights::Rights;
use crate::graphql::{Delivery, GraphQlResponse, LiveRequest, Subscription};
use crate::http::AppState;
use crate::http::admission::caller_key::CallerKey;
use crate::http::admission::response_deadline::Streamed;
use crate::http::health::OpenStream;
use crate::http::response::error::{HttpError, envelope, error_list};
use crate::http::response::negotiate::{MediaType, StreamType};
use crate::model::{Clock, Grants};

/// The response whose body has the subscription's events.
pub(in crate::http) fn subscribe(
    state: &Arc<AppState>,
    live: LiveRequest,
    stream_type: StreamType,
    parts: &Parts,
    grants: Arc<dyn Grants>,
    payer: &CallerKey,
) -> Result<Response<Body>, HttpError> {
    let permit = state.live.admit(payer, stream_type.name(), Default::default(), &state.metrics)?;
    let open = state.health.open_stream();
    let account = live.account().clone();
    let rights = Rights::new(state.clone(), forwarded_head::kept(parts), grants);
    let lost = async move { rights.lost(&[account]).await }.boxed();
    let every = state.live.settings.ping_interval;
    let mut heartbeat = interval_at(Clock::instant() + every, every);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let health = state.health.clone();
    let body = EventBody {
        state: state.clone(),
        stream_type,
        frames: VecDeque::from([stream_type.opening()]),
        subscription: Some(state.engine.listen(live)),
        lost,
        closing: async move { health.closing().await }.boxed(),
        lifetime: Box::pin(sleep(state.live.settings.lifetime)),
        heartbeat,
        payer: payer.clone(),
        permit,
        _open: open,
    };
    let frames =
        stream::unfold(
            body,
            |mut body| async move { body.next().await.map(|frame| (Ok::<_, Infallible>(frame), body)) },
        );
    Ok(head(stream_type, Body::from_stream(frames)))
}

/// An answer as a stream of one event.
pub(in crate::http) fn answer(answer: &GraphQlResponse, stream_type: StreamType) -> Response<Body> {
    let mut body = stream_type.opening().to_vec();
    stream_type.event(Bytes::copy_from_slice(&answer.body)).iter().for_each(|frame| body.extend_from_slice(frame));
    body.extend_from_slice(&stream_type.ending());
    head(stream_type, Body::from(body))
}

fn head(stream_type: StreamType, body: Body) -> Response<Body> {
    let mut response = envelope(StatusCode::OK, MediaType::Json, Vec::new());
    *response.body_mut() = body;
    response.headers_mut().insert(CONTENT_TYPE, stream_type.header());
    // Some proxies would collect the events otherwise.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.extensions_mut().insert(Streamed);
    response
}

/// The body of one subscription.
struct EventBody {
    state: Arc<AppState>,
    stream_type: StreamType,
    /// What is ready to be sent.
    frames: VecDeque<Bytes>,
    /// `None` when nothing more comes.
    subscription: Option<Subscription>,
    lost: BoxFuture<'static, HttpError>,
    closing: BoxFuture<'static, ()>,
    lifetime: Pin<Box<Sleep>>,
    heartbeat: Interval,
    payer: CallerKey,
    permit: SubscriptionPermit,
    _open: OpenStream,
}

impl EventBody {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(frame) = self.frames.pop_front() {
            return Some(frame);
        }
        let subscription = self.subscription.as_mut()?;
        tokio::select! {
            biased;
            refusal = &mut self.lost => {
                self.frames.push_back(self.stream_type.failure(&error_list(&refusal)));
                self.end("rights");
            }
            () = &mut self.closing => self.end("drain"),
            () = &mut self.lifetime => self.end("lifetime"),
            delivery = subscription.next() => match delivery {
                Some(delivery) => self.deliver(delivery).await,
                None => self.end("upstream"),
            },
            _ = self.heartbeat.tick() => self.frames.push_back(self.stream_type.heartbeat()),
        }
        self.frames.pop_front()
    }

    async fn deliver(&mut self, delivery: Delivery) {
        let bytes = delivery.payload.len();
        let memory = self.state.admission.hold_event(&self.payer, bytes).await;
        self.frames.extend(self.stream_type.event(memory.hold(delivery.payload)));
        self.heartbeat.reset();
        if delivery.ends {
            self.end("upstream");
        }
    }

    fn end(&mut self, reason: &'static str) {
        self.permit.end(reason);
        self.subscription = None;
        self.frames.push_back(self.stream_type.ending());
    }
}
