//! The operations of one WebSocket: queries, mutations and subscriptions side by side, each under its id.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::timeout_at;

use super::limits::{SubscriptionPermit, crowded};
use super::messages::{self, errors_of};
use super::operation_line::OperationLine;
use crate::compute::{Lane, Ticket};
use crate::graphql;
use crate::graphql::{Code, Delivery, GraphQlResponse, LiveSubscription, Started};
use crate::http::AppState;
use crate::http::admission::response_deadline::EndReason;
use crate::http::audit::{AuditedAnswer, AuditedRequest, AuditedStream};
use crate::http::graphql::callers::IdentifiedCaller;
use crate::http::graphql::{parameters, span};
use crate::http::request_id::RequestId;
use crate::http::response::error::{HttpError, error_list};
use crate::model::{Account, Cancellation, Clock};
use crate::telemetry::{Span, Trace};

/// A payload that is longer, in bytes, is parsed and executed beside the runtime's workers.
const LONG_PAYLOAD: usize = 8 << 10;

/// Everything under way on one WebSocket.
#[derive(Default)]
pub(super) struct Operations {
    open: Vec<Operation>,
    /// Those that are not subscriptions, or not yet.
    starting: FuturesUnordered<Abortable<BoxFuture<'static, NumberedStart>>>,
    /// Which of those that are open is looked at first.
    turn: usize,
    /// How often the accounts have changed that are subscribed to.
    changes: u64,
    started: u64,
    ends: EndReason,
}

/// Of which operation, and what has come of its start.
type NumberedStart = (u64, Result<LiveOperation, Finished>);

struct Operation {
    id: Box<str>,
    /// The same as messages have it.
    quoted: Arc<str>,
    number: u64,
    stage: Stage,
}

/// Where an operation stands.
enum Stage {
    /// It is aborted when it is completed by its client.
    Starting(AbortHandle),
    Live(Box<LiveOperation>),
}

struct LiveOperation {
    subscription: LiveSubscription,
    account: Account,
    permit: SubscriptionPermit,
}

/// The result of an operation that is no subscription.
enum Finished {
    /// A query or mutation was answered, or something was refused.
    Answered(Box<GraphQlResponse>),
    Refused(HttpError),
}

/// The message to the client about an operation, whose id is as messages have it.
pub(super) enum Outcome {
    /// A response, and whether it is the last.
    Next { id: Arc<str>, payload: bytes::Bytes, is_last: bool },
    /// It was not executed.
    Refused { id: Arc<str>, errors: String },
    /// It has ended.
    Complete { id: Arc<str> },
}

impl Operations {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.open.iter().any(|open| *open.id == *id)
    }

    /// The accounts whose teams are subscribed to.
    pub(super) fn accounts(&self) -> Vec<Account> {
        let account = |open: &Operation| match &open.stage {
            Stage::Live(live) => Some(live.account.clone()),
            Stage::Starting(_) => None,
        };
        self.open.iter().filter_map(account).collect()
    }

    /// Another number whenever these have changed.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Begins an operation: a GraphQL request, as it was written, and what it is refused with, whatever it is.
    pub(super) fn begin(
        &mut self,
        id: String,
        (payload, refusal): (&str, Option<HttpError>),
        max_age: Option<Duration>,
        caller: &Arc<IdentifiedCaller>,
        (state, upgrade): (&Arc<AppState>, &Upgrade),
    ) {
        self.started += 1;
        let number = self.started;
        let work = Work {
            state: state.clone(),
            caller: caller.clone(),
            audit: state.audit(upgrade.id.clone(), "websocket"),
            max_age,
            refusal,
        };
        let line = OperationLine::begin(state, &self.ends);
        let span = state.traces.message(upgrade.trace.as_ref());
        if let Some(span) = &span {
            span::message(span, &upgrade.id);
        }
        let trace = span.as_ref().map(Span::trace).or(upgrade.trace.as_ref());
        let context = upgrade.id.task_context(trace.cloned()).at(span.as_ref().map(Span::trace).cloned());
        let ends = self.ends.clone();
        let payload = payload.to_owned();
        let started = async move {
            let started = work.start(&payload, line, ends).await;
            if let Some(span) = span {
                span.end();
            }
            started
        };
        let started = context.scope(started).map(move |started| (number, started)).boxed();
        let (abort, registration) = AbortHandle::new_pair();
        let quoted = messages::quoted(&id).into();
        self.open.push(Operation { id: id.into(), quoted, number, stage: Stage::Starting(abort) });
        self.starting.push(Abortable::new(started, registration));
    }

    /// Says why everything ends that is under way.
    pub(super) fn end(&self, reason: &'static str) {
        let _ = self.ends.set(reason);
    }

    /// Ends an operation that its client no longer wants.
    pub(super) fn complete(&mut self, id: &str) {
        if let Some(at) = self.open.iter().position(|open| *open.id == *id)
            && let Stage::Starting(abort) = self.remove(at).stage
        {
            abort.abort();
        }
    }

    fn remove(&mut self, at: usize) -> Operation {
        let open = self.open.remove(at);
        self.changes += u64::from(matches!(open.stage, Stage::Live(_)));
        open
    }

    /// The next thing to tell. Pending where nothing is under way.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Outcome> {
        while let Poll::Ready(Some(started)) = self.starting.poll_next_unpin(context) {
            // Aborted ones have been forgotten before.
            let Ok((number, started)) = started else { continue };
            let Some(at) = self.open.iter().position(|open| open.number == number) else { continue };
            match started {
                Ok(live) => {
                    self.open[at].stage = Stage::Live(Box::new(live));
                    self.changes += 1;
                }
                Err(finished) => return Poll::Ready(finished.outcome(self.remove(at).quoted)),
            }
        }
        for _ in 0..self.open.len() {
            self.turn = (self.turn + 1) % self.open.len();
            let Stage::Live(live) = &mut self.open[self.turn].stage else { continue };
            if let Poll::Ready(delivery) = live.subscription.poll_next(context) {
                return Poll::Ready(self.deliver(self.turn, delivery));
            }
        }
        Poll::Pending
    }

    fn deliver(&mut self, at: usize, delivery: Option<Delivery>) -> Outcome {
        let open = &mut self.open[at];
        let id = open.quoted.clone();
        let is_last = delivery.as_ref().is_none_or(|delivery| delivery.ends);
        if let Stage::Live(live) = &mut open.stage {
            delivery.iter().for_each(|delivery| live.permit.delivered(&delivery.summary));
            if is_last {
                live.permit.end("upstream");
            }
        }
        if is_last {
            self.remove(at);
        }
        match delivery {
            Some(Delivery { payload, .. }) => Outcome::Next { id, payload, is_last },
            None => Outcome::Complete { id },
        }
    }
}

impl Finished {
    fn outcome(self, id: Arc<str>) -> Outcome {
        match self {
            Self::Answered(answer) => {
                let is_executed = answer.class == graphql::Class::Executed;
                let payload = answer.body.into_vec();
                match (!is_executed).then(|| errors_of(&payload)).flatten() {
                    Some(errors) => Outcome::Refused { id, errors },
                    None => Outcome::Next { id, payload: payload.into(), is_last: true },
                }
            }
            Self::Refused(refusal) => Outcome::Refused { id, errors: error_list(&refusal) },
        }
    }
}

/// The request that became the socket.
pub(super) struct Upgrade {
    pub(super) id: RequestId,
    pub(super) trace: Option<Trace>,
}

/// The input of an operation's execution.
struct Work {
    state: Arc<AppState>,
    caller: Arc<IdentifiedCaller>,
    audit: Option<Arc<AuditedRequest>>,
    max_age: Option<Duration>,
    refusal: Option<HttpError>,
}

impl Work {
    /// Executes it, as far as it is no subscription, and has its line, its span, its audit and the metrics tell what became of it.
    async fn start(mut self, payload: &str, line: OperationLine, ends: EndReason) -> Result<LiveOperation, Finished> {
        let refusal = self.refusal.take();
        let Self { state, caller, audit, .. } = &self;
        let audit = audit.as_ref();
        if let Some(audit) = audit {
            audit.identified(caller.grants.caller());
        }
        let refused = |refusal: HttpError, line: OperationLine| {
            state.metrics.refused(refusal.code.name());
            state.metrics.answered("none", "refused", Duration::ZERO);
            line.refused(refusal.code);
            span::refused(&refusal);
            if let Some(audit) = audit {
                audit.refused(refusal.code);
            }
            Finished::Refused(refusal)
        };
        let executed = match refusal {
            Some(refusal) => Err(refusal),
            None => self.execute(payload, &line).await,
        };
        match executed {
            Ok(Started::Answer(mut answer)) => {
                state.metrics.answered(answer.kind, answer.outcome(), Clock::elapsed_since(line.started()));
                line.answered(&answer);
                span::answered(std::slice::from_ref(&answer));
                if let Some(audit) = audit {
                    audit.answered(&[AuditedAnswer::take(&mut answer)]);
                }
                Err(Finished::Answered(Box::new(answer)))
            }
            Ok(Started::Live(live)) => {
                let mut permit = match state.live.admit(&caller.payer, "websocket", ends, &state.metrics) {
                    Ok(permit) => permit,
                    Err(refusal) => return Err(refused(refusal, line)),
                };
                let account = live.account().clone();
                let room = state.live.room_of(&caller.payer);
                let Some(subscription) = state.engine.listen(live, room) else {
                    return Err(refused(crowded(), line));
                };
                let audited = audit.map(|audit| AuditedStream::begin(audit, "websocket"));
                permit.tell(audited, Trace::hold(), line.subscribed());
                Ok(LiveOperation { subscription, account, permit })
            }
            Err(refusal) => Err(refused(refusal, line)),
        }
    }

    /// As for a request over HTTP: the rate, a permit, the deadline.
    async fn execute(&self, payload: &str, line: &OperationLine) -> Result<Started, HttpError> {
        let Self { state, caller, audit, max_age, .. } = self;
        let limits = caller.grants.limits();
        state.admission.check_rate(&caller.key, limits)?;
        state.admission.check_responses(&caller.payer)?;
        let admitted = state.admission.admit(caller.key.clone(), &caller.payer, limits)?;
        let deadline = Clock::instant() + state.settings.timeout;
        let lane = Lane::of(&caller.payer);
        let ticket = Ticket::new(lane, Cancellation::at(deadline), Some(admitted.clone())).with_room(admitted);
        let parameters = parameters::of_object(payload)?;
        let is_long = payload.len() > LONG_PAYLOAD
            || state.engine.is_long_to_prepare(&parameters.document, &parameters.variables);
        span::documents(std::iter::once(&parameters.document));
        span::names(|| state.log_names.operation(&parameters.document));
        let grants = line.record(&parameters.document, caller.grants.clone());
        let (grants, audit) = match audit {
            Some(audit) => audit.ask(&parameters.document, grants),
            None => (grants, None),
        };
        let request = graphql::Request {
            document: parameters.document,
            operation_name: parameters.operation_name,
            variables: parameters.variables,
            max_age: parameters.live_interval.or(*max_age),
            show_cost: false,
            trace: false,
            queries_only: false,
            audit,
            grants,
            ticket: ticket.clone(),
        };
        let engine = state.clone();
        let started = async move { engine.engine.start(request).await };
        let started = async {
            if is_long {
                state.engine.compute().drive(&ticket, started.boxed()).await.map_err(HttpError::from)
            } else {
                Ok(started.await)
            }
        };
        let late = || HttpError::new(Code::RequestTimeout, "request timed out");
        let started = pin!(started);
        timeout_at(deadline, state.admission.take_turns(&caller.payer, started)).await.map_err(|_| late())?
    }
}
