//! One WebSocket that speaks `graphql-transport-ws`, from `connection_init` to its close frame.
//!
//! One task reads, runs the operations and writes. While a message waits to be written nothing else is done, so a client who
//! takes nothing sends nothing, gets the newest states when it takes something, and is dropped after `http.send_timeout`.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::http::request::Parts;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tokio::time::{timeout, timeout_at};

use super::forwarded_head;
use super::limits::SocketPermit;
use super::messages::{self, ClientMessage, Close};
use super::operation_line;
use super::operations::{Operations, Outcome, Upgrade};
use super::rights::Rights;
use super::timers::Timers;
use super::woken::WokenPart;
use crate::http::AppState;
use crate::http::admission::busy::busy;
use crate::http::admission::caller_key::CallerKey;
use crate::http::admission::rate_clock::{self, Rate};
use crate::http::admission::rates::quota;
use crate::http::admission::response_deadline::ConnectionStream;
use crate::http::admission::response_memory::EventMemory;
use crate::http::graphql::callers::{IdentifiedCaller, identify};
use crate::http::graphql::parameters::max_age;
use crate::http::health::OpenStream;
use crate::http::request_id::RequestId;
use crate::http::response::error::HttpError;
use crate::model::Clock;
use crate::telemetry::Trace;

/// How many seconds' messages may come at once.
const BURST: u32 = 10;
/// How long the client may take for its half of the close.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// A connection that has become a WebSocket.
pub(super) struct NewSocket {
    pub(super) state: Arc<AppState>,
    pub(super) _permit: SocketPermit,
    /// The part of the request that authenticates.
    pub(super) head: Parts,
    /// Its trace.
    pub(super) trace: Option<Trace>,
    pub(super) peer: Option<IpAddr>,
    pub(super) connection: Option<ConnectionStream>,
    pub(super) open: OpenStream,
    /// Whether the client offers the protocol.
    pub(super) speaks: bool,
}

/// Why a socket ends without a close frame, as metrics name it.
struct Gone(&'static str);

/// The end of a socket.
enum SocketEnd {
    Close(Close),
    Gone(Gone),
}

impl SocketEnd {
    fn name(&self) -> &'static str {
        match self {
            Self::Close(close) => close.name,
            Self::Gone(gone) => gone.0,
        }
    }
}

impl From<Gone> for SocketEnd {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}

impl From<Close> for SocketEnd {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

pub(super) async fn serve(socket: WebSocket, new: NewSocket) {
    let NewSocket { state, _permit, head, trace, peer, connection: stream, open: _open, speaks } = new;
    state.metrics.live().socket_opened();
    let _counted = SocketCount(state.clone());
    let rate = message_rate(state.live.settings.message_rate);
    let upgrade = Upgrade { id: RequestId::of(&head.extensions), trace };
    let mut connection = Connection { socket, stream, state: state.clone(), rate, upgrade };
    let end = if speaks { connection.run(head, peer).await } else { SocketEnd::Close(Close::other_protocol()) };
    if let SocketEnd::Close(close) = end {
        connection.close(close).await;
    }
}

/// Counts a socket until it is closed.
struct SocketCount(Arc<AppState>);

impl Drop for SocketCount {
    fn drop(&mut self) {
        self.0.metrics.live().socket_closed();
    }
}

struct Connection {
    socket: WebSocket,
    /// Keeps the connection under it from being at rest.
    stream: Option<ConnectionStream>,
    state: Arc<AppState>,
    rate: Option<Rate>,
    /// The request that became the socket.
    upgrade: Upgrade,
}

/// The state of a connection beside its socket, once its caller is known.
struct SocketSession {
    caller: Arc<IdentifiedCaller>,
    max_age: Option<Duration>,
    rights: Arc<Rights>,
    operations: Operations,
    /// Completes when the caller's rights are lost. Made anew when the accounts change that are subscribed to.
    lost: BoxFuture<'static, HttpError>,
    /// For which of their changes it was made.
    watched: u64,
}

/// The next event of a socket.
enum SocketEvent {
    Tell(Outcome),
    /// A frame came, which may have a text.
    Received(Option<String>),
    Ping,
    End(SocketEnd),
}

impl SocketSession {
    fn watch_rights(&mut self) {
        self.watched = self.operations.changes();
        let (rights, accounts) = (self.rights.clone(), self.operations.accounts());
        self.lost = async move { rights.lost(&accounts).await }.boxed();
    }
}

impl Connection {
    async fn run(&mut self, head: Parts, peer: Option<IpAddr>) -> SocketEnd {
        let health = self.state.health.clone();
        let mut closing: BoxFuture<'static, ()> = async move { health.closing().await }.boxed();
        let initialised = tokio::select! {
            biased;
            () = &mut closing => return Close::going_away().into(),
            initialised = self.initialise(head, peer) => initialised,
        };
        match initialised {
            Ok(session) => self.serve(session, closing).await,
            Err(end) => end,
        }
    }

    /// Waits for `connection_init`, and authenticates.
    async fn initialise(&mut self, head: Parts, peer: Option<IpAddr>) -> Result<SocketSession, SocketEnd> {
        let started = Clock::instant();
        let deadline = started + self.state.live.settings.init_timeout;
        let payload = loop {
            let text = timeout_at(deadline, self.receive()).await.map_err(|_| Close::init_timeout())??;
            let Some(text) = text else { continue };
            match messages::read(&text)? {
                ClientMessage::ConnectionInit(payload) => break payload.map(str::to_owned),
                ClientMessage::Ping(payload) => self.send(messages::pong(payload)).await?,
                ClientMessage::Pong | ClientMessage::Complete(_) => {}
                ClientMessage::Subscribe(..) => return Err(Close::unauthorized().into()),
            }
        };
        let head = forwarded_head::with_payload(head, payload.as_deref()).map_err(Close::invalid)?;
        let max_age = max_age(&head.headers).map_err(|error| Close::invalid(error.message))?;
        let caller = match identify(&self.state, &head, peer).await {
            Ok(caller) => Arc::new(caller),
            Err(refusal) => {
                self.state.metrics.refused(refusal.code.name());
                self.state.metrics.answered("none", "refused", Duration::ZERO);
                let context = self.upgrade.id.task_context(self.upgrade.trace.clone());
                context.within(|| operation_line::not_let_in(started, refusal.code));
                if let Some(audit) = self.state.audit(self.upgrade.id.clone(), "websocket") {
                    audit.refused(refusal.code);
                }
                return Err(Close::forbidden().into());
            }
        };
        self.send(messages::ACK.to_owned()).await?;
        let rights = Arc::new(Rights::new(self.state.clone(), head, caller.grants.clone()));
        let lost = std::future::pending().boxed();
        let mut session =
            SocketSession { caller, max_age, rights, operations: Operations::default(), lost, watched: 0 };
        session.watch_rights();
        Ok(session)
    }

    async fn serve(&mut self, mut session: SocketSession, closing: BoxFuture<'static, ()>) -> SocketEnd {
        let mut timers = Timers::start(&self.state.live.settings, closing);
        let others = WokenPart::default();
        let mut answered = true;
        loop {
            let was_idle = session.operations.is_empty();
            // Operations first, because a socket mostly wakes for them.
            let next = poll_fn(|context| match session.operations.poll_next(context) {
                Poll::Ready(outcome) => Poll::Ready(SocketEvent::Tell(outcome)),
                Poll::Pending => others.poll(context, |context| self.poll_others(&mut session, &mut timers, context)),
            });
            let step = match next.await {
                SocketEvent::Tell(outcome) => self.tell(outcome, &session.caller.payer).await.map_err(SocketEnd::from),
                SocketEvent::Received(text) => {
                    answered = true;
                    match text {
                        Some(text) => self.handle(&text, &mut session).await,
                        None => Ok(()),
                    }
                }
                SocketEvent::Ping => self.ping(&mut answered).await,
                SocketEvent::End(end) => Err(end),
            };
            if let Err(end) = step {
                session.operations.end(end.name());
                return end;
            }
            if session.watched != session.operations.changes() {
                session.watch_rights();
                others.look_again();
            }
            if !was_idle && session.operations.is_empty() {
                timers.rest();
                others.look_again();
            }
        }
    }

    /// Whatever is no operation's.
    fn poll_others(
        &mut self,
        session: &mut SocketSession,
        timers: &mut Timers,
        context: &mut Context<'_>,
    ) -> Poll<SocketEvent> {
        if let Poll::Ready(close) = timers.poll_end(session.operations.is_empty(), context) {
            return Poll::Ready(SocketEvent::End(close.into()));
        }
        if session.lost.poll_unpin(context).is_ready() {
            return Poll::Ready(SocketEvent::End(Close::forbidden().into()));
        }
        if let Poll::Ready(received) = self.poll_receive(context) {
            return Poll::Ready(received.map_or_else(SocketEvent::End, SocketEvent::Received));
        }
        timers.poll_ping(context).map(|()| SocketEvent::Ping)
    }

    async fn handle(&mut self, text: &str, session: &mut SocketSession) -> Result<(), SocketEnd> {
        match messages::read(text)? {
            ClientMessage::ConnectionInit(_) => Err(Close::init_again().into()),
            ClientMessage::Ping(payload) => Ok(self.send(messages::pong(payload)).await?),
            ClientMessage::Pong => Ok(()),
            ClientMessage::Complete(id) => {
                session.operations.complete(&id);
                Ok(())
            }
            ClientMessage::Subscribe(id, _) if session.operations.contains(&id) => Err(Close::duplicate(&id).into()),
            ClientMessage::Subscribe(id, payload) => {
                // Operations go by the configuration of the time when they begin.
                self.state = self.state.latest();
                let SocketSession { caller, max_age, operations, .. } = session;
                let is_full = operations.len() >= self.state.live.settings.socket_operations_limit;
                let refusal = is_full.then(|| busy("too many operations are under way on this WebSocket"));
                operations.begin(id, (payload, refusal), *max_age, caller, (&self.state, &self.upgrade));
                Ok(())
            }
        }
    }

    async fn tell(&mut self, outcome: Outcome, payer: &CallerKey) -> Result<(), Gone> {
        match outcome {
            Outcome::Next { id, payload, is_last } => {
                let _memory = self.room(payload.len(), payer).await?;
                self.send(messages::next(&id, &payload)).await?;
                if is_last { self.send(messages::complete(&id)).await } else { Ok(()) }
            }
            Outcome::Refused { id, errors } => self.send(messages::error(&id, &errors)).await,
            Outcome::Complete { id } => self.send(messages::complete(&id)).await,
        }
    }

    /// Memory for a message until it is written.
    async fn room(&mut self, bytes: usize, payer: &CallerKey) -> Result<EventMemory, Gone> {
        let room = self.state.admission.hold_event(payer, bytes);
        within(self.state.settings.send_timeout, room).await.ok_or(Gone("slow"))
    }

    /// Asks for a sign of life, unless the last one was never given.
    async fn ping(&mut self, answered: &mut bool) -> Result<(), SocketEnd> {
        if !std::mem::replace(answered, false) {
            return Err(Gone("silent").into());
        }
        Ok(self.write(Message::Ping(bytes::Bytes::new())).await?)
    }

    /// The next text; `None` for a frame that has none.
    async fn receive(&mut self) -> Result<Option<String>, SocketEnd> {
        poll_fn(|context| self.poll_receive(context)).await
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<String>, SocketEnd>> {
        self.socket.poll_next_unpin(context).map(|received| self.read(received))
    }

    fn read(&self, received: Option<Result<Message, axum::Error>>) -> Result<Option<String>, SocketEnd> {
        let message = match received {
            None => return Err(self.gone().into()),
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                return Err(broken(&error.to_string()).map_or_else(|| self.gone().into(), SocketEnd::Close));
            }
        };
        if self.rate.as_ref().is_some_and(|rate| rate.check().is_err()) {
            return Err(Close::too_many_messages().into());
        }
        match message {
            Message::Text(text) => Ok(Some(text.as_str().to_owned())),
            Message::Binary(_) => Err(Close::invalid("a message must be text").into()),
            // The library answers pings.
            Message::Ping(_) | Message::Pong(_) => Ok(None),
            Message::Close(_) => Err(Gone("client").into()),
        }
    }

    async fn send(&mut self, text: String) -> Result<(), Gone> {
        self.write(Message::text(text)).await
    }

    async fn write(&mut self, message: Message) -> Result<(), Gone> {
        match within(self.state.settings.send_timeout, self.socket.send(message)).await {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(self.gone()),
            None => Err(Gone("slow")),
        }
    }

    /// Why the connection is gone. Its own watch may be the first to notice that the client takes nothing.
    fn gone(&self) -> Gone {
        Gone(if self.stream.as_ref().is_some_and(ConnectionStream::is_overdue) { "slow" } else { "client" })
    }

    /// Says why, and waits a little for the client's half of it, so that the reason arrives.
    async fn close(&mut self, close: Close) {
        let frame = CloseFrame { code: close.code, reason: close.reason.into() };
        if self.write(Message::Close(Some(frame))).await.is_ok() {
            let ended = async { while let Some(Ok(_)) = self.socket.recv().await {} };
            let _ = timeout(CLOSE_WAIT, ended).await;
        }
    }
}

/// So many messages a second, and a burst of `BURST` times as many.
fn message_rate(a_second: u32) -> Option<Rate> {
    quota(a_second, a_second.saturating_mul(BURST)).map(rate_clock::rate)
}

/// The future's output, if it comes within this time. A future that is ready at once needs no timer.
async fn within<T>(longest: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    match future.as_mut().now_or_never() {
        Some(done) => Some(done),
        None => timeout(longest, future).await.ok(),
    }
}

/// How to close for a frame that cannot be read, by the library's words for it; `None` where the connection is gone.
fn broken(error: &str) -> Option<Close> {
    let is = |start: &str| error.starts_with(start);
    if is("Space limit exceeded") {
        Some(Close::too_large())
    } else if is("UTF-8 encoding error") {
        Some(Close::not_utf8())
    } else if is("WebSocket protocol error") && !error.contains("reset") {
        Some(Close::broken())
    } else {
        None
    }
}
