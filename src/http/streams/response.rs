//! Streams as responses: a subscription's events in the body of a response, as server-sent events or multipart.
//!
//! A body is asked for its next frame when the connection has room for it, so a client who is slow gets the newest state then,
//! and delays no other. The connection is closed when a frame is not taken within `http.send_timeout`, and the stream is cut
//! when an event finds no memory for as long.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, stream};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep, timeout_at};

use super::forwarded_head;
use super::limits::{SubscriptionPermit, crowded};
use super::rights::Rights;
use super::subscription_line::SubscriptionLine;
use crate::graphql::{AnswerBody, Delivery, GraphQlResponse, LiveRequest, LiveSubscription};
use crate::http::AppState;
use crate::http::admission::caller_key::CallerKey;
use crate::http::admission::response_deadline::{EndReason, Streamed};
use crate::http::admission::response_memory::EventMemory;
use crate::http::audit::{AuditSlot, AuditedStream};
use crate::http::health::OpenStream;
use crate::http::response::error::{HttpError, envelope, error_list};
use crate::http::response::negotiate::{MediaType, StreamType};
use crate::model::{Clock, Grants};
use crate::telemetry::Trace;

/// The response whose body has the subscription's events.
pub(in crate::http) fn subscribe(
    state: &Arc<AppState>,
    live: LiveRequest,
    stream_type: StreamType,
    parts: &Parts,
    grants: Arc<dyn Grants>,
    payer: &CallerKey,
    (audit, line): (&AuditSlot, Option<SubscriptionLine>),
) -> Result<Response<Body>, HttpError> {
    let ends = EndReason::default();
    let mut permit = state.live.admit(payer, stream_type.name(), ends.clone(), &state.metrics)?;
    let account = live.account().clone();
    let subscription = state.engine.listen(live, state.live.room_of(payer)).ok_or_else(crowded)?;
    let audited = audit.get().map(|request| AuditedStream::begin(request, stream_type.name()));
    permit.tell(audited, Trace::hold(), line);
    let open = state.health.open_stream();
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
        subscription: Some(subscription),
        waiting: None,
        is_cut: false,
        lost,
        closing: async move { health.closing().await }.boxed(),
        lifetime: Box::pin(sleep(state.live.settings.lifetime)),
        heartbeat,
        payer: payer.clone(),
        permit,
        _open: open,
    };
    let frames = stream::unfold(body, |mut body| async move { body.next().await.map(|frame| (frame, body)) });
    Ok(head(stream_type, Body::from_stream(frames), ends))
}

/// An answer as a stream of one event.
pub(in crate::http) fn answer(answer: GraphQlResponse, stream_type: StreamType) -> Response<AnswerBody> {
    let mut body = stream_type.opening().to_vec();
    stream_type.event(answer.body.into_vec().into()).iter().for_each(|frame| body.extend_from_slice(frame));
    body.extend_from_slice(&stream_type.ending());
    head(stream_type, body.into(), EndReason::default())
}

fn head<B>(stream_type: StreamType, body: B, ends: EndReason) -> Response<B> {
    let mut response = envelope(StatusCode::OK, MediaType::Json, body);
    response.headers_mut().insert(CONTENT_TYPE, stream_type.header());
    // Some proxies would collect the events otherwise.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.extensions_mut().insert(Streamed(ends));
    response
}

/// The body of one subscription.
struct EventBody {
    state: Arc<AppState>,
    stream_type: StreamType,
    /// Frames that are ready to be sent.
    frames: VecDeque<Bytes>,
    /// `None` when nothing more comes.
    subscription: Option<LiveSubscription>,
    /// An event that memory is waited for, and until when.
    waiting: Option<(Delivery, Instant)>,
    /// Whether the body ends before its end.
    is_cut: bool,
    lost: BoxFuture<'static, HttpError>,
    closing: BoxFuture<'static, ()>,
    lifetime: Pin<Box<Sleep>>,
    heartbeat: Interval,
    payer: CallerKey,
    permit: SubscriptionPermit,
    _open: OpenStream,
}

/// The next step of the body.
enum BodyStep {
    Send(Delivery, EventMemory),
    /// No memory was left for the event in time.
    Cut,
    /// There are no more events.
    End,
}

impl EventBody {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if let Some(frame) = self.frames.pop_front() {
            return Some(Ok(frame));
        }
        let subscription = self.subscription.as_mut()?;
        tokio::select! {
            biased;
            refusal = &mut self.lost => {
                self.frames.push_back(self.stream_type.failure(&error_list(&refusal)));
                self.permit.refused(refusal.code);
                self.end("rights");
            }
            () = &mut self.closing => self.end("drain"),
            () = &mut self.lifetime => self.end("lifetime"),
            step = step(subscription, &mut self.waiting, &self.payer, &self.state) => match step {
                BodyStep::Send(delivery, memory) => self.send(delivery, memory),
                BodyStep::Cut => self.cut(),
                BodyStep::End => self.end("upstream"),
            },
            _ = self.heartbeat.tick() => self.frames.push_back(self.stream_type.heartbeat()),
        }
        if self.is_cut {
            return Some(Err(io::ErrorKind::TimedOut.into()));
        }
        self.frames.pop_front().map(Ok)
    }

    fn send(&mut self, delivery: Delivery, memory: EventMemory) {
        self.permit.delivered(&delivery.summary);
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

    /// Breaks off, so that the client does not take it for the end, and comes back.
    fn cut(&mut self) {
        self.permit.end("slow");
        self.subscription = None;
        self.is_cut = true;
    }
}

/// The next event, with memory for it. Cancelling the wait loses nothing: an event that waits is in `waiting`.
async fn step(
    subscription: &mut LiveSubscription,
    waiting: &mut Option<(Delivery, Instant)>,
    payer: &CallerKey,
    state: &AppState,
) -> BodyStep {
    let (bytes, deadline) = match waiting {
        Some((delivery, deadline)) => (delivery.payload.len(), *deadline),
        None => {
            let Some(delivery) = subscription.next().await else { return BodyStep::End };
            let (bytes, deadline) = (delivery.payload.len(), Clock::instant() + state.settings.send_timeout);
            *waiting = Some((delivery, deadline));
            (bytes, deadline)
        }
    };
    let memory = timeout_at(deadline, state.admission.hold_event(payer, bytes)).await;
    match (memory, waiting.take()) {
        (Ok(memory), Some((delivery, _))) => BodyStep::Send(delivery, memory),
        _ => BodyStep::Cut,
    }
}
