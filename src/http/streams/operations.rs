//! The operations of one WebSocket: queries, mutations and subscriptions side by side, each under its id.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::{BoxStream, SelectAll, unfold};
use futures_util::{FutureExt, StreamExt};
use tokio::time::timeout_at;
use tracing::Instrument;

use super::limits::SubscriptionPermit;
use super::messages::errors_of;
use crate::compute::{Hold, Lane, Ticket};
use crate::graphql;
use crate::graphql::{Code, Delivery, GraphQlResponse, Started, Subscription, Variables};
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
    running: SelectAll<Abortable<BoxStream<'static, NumberedProgress>>>,
    /// By id.
    open: HashMap<Arc<str>, Open>,
    /// How often the accounts have changed that are subscribed to.
    changes: u64,
    started: u64,
    ends: EndReason,
}

struct Open {
    number: u64,
    abort: AbortHandle,
    /// Whose team it subscribes to.
    account: Option<Account>,
}

/// Of which operation, and what has come of it.
type NumberedProgress = (Arc<str>, u64, Progress);

/// What has come of an operation.
enum Progress {
    /// A query or mutation was answered, or something was refused.
    Answered(GraphQlResponse),
    Refused(HttpError),
    /// A subscription to this account's team has begun.
    Begun(Account),
    /// It has an event, or none any more.
    Event(Option<Delivery>),
}

/// Where an operation stands.
enum Stage {
    Starting(BoxFuture<'static, Result<Box<LiveOperation>, Progress>>),
    Live(Box<LiveOperation>),
    Ended,
}

struct LiveOperation {
    subscription: Subscription,
    account: Account,
    permit: SubscriptionPermit,
}

/// What to tell the client of an operation.
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
        self.open.contains_key(id)
    }

    /// The accounts whose teams are subscribed to.
    pub(super) fn accounts(&self) -> Vec<Account> {
        self.open.values().filter_map(|open| open.account.clone()).collect()
    }

    /// Another number whenever these have changed.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Begins an operation: a GraphQL request, as it was written.
    pub(super) fn begin(
        &mut self,
        id: String,
        payload: &str,
        max_age: Option<Duration>,
        caller: &Arc<IdentifiedCaller>,
        (state, upgrade): (&Arc<AppState>, &Upgrade),
    ) {
        self.started += 1;
        let (id, number): (Arc<str>, _) = (id.into(), self.started);
        let work = Work {
            state: state.clone(),
            caller: caller.clone(),
            audit: state.audit(upgrade.id.clone(), "websocket"),
            max_age,
        };
        let span = state.traces.message(upgrade.trace.as_ref());
        if let Some(span) = &span {
            span::message(span, &upgrade.id);
        }
        let log_span = upgrade.id.log_span(span.as_ref().map(Span::trace).or(upgrade.trace.as_ref()));
        let ends = self.ends.clone();
        let payload = payload.to_owned();
        let started = async move {
            let started = Trace::within(span.as_ref(), work.start(&payload, ends)).await;
            if let Some(span) = span {
                span.end();
            }
            started
        };
        let started = started.instrument(log_span);
        let name = id.clone();
        let progress = unfold(Stage::Starting(started.boxed()), advance);
        let progress = progress.map(move |progress| (name.clone(), number, progress));
        let (abort, registration) = AbortHandle::new_pair();
        self.open.insert(id, Open { number, abort, account: None });
        self.running.push(Abortable::new(progress.boxed(), registration));
    }

    /// Says why everything ends that is under way.
    pub(super) fn end(&self, reason: &'static str) {
        let _ = self.ends.set(reason);
    }

    /// Ends an operation that its client no longer wants.
    pub(super) fn complete(&mut self, id: &str) {
        if let Some(open) = self.remove(id) {
            open.abort.abort();
        }
    }

    fn remove(&mut self, id: &str) -> Option<Open> {
        let open = self.open.remove(id)?;
        self.changes += u64::from(open.account.is_some());
        Some(open)
    }

    /// The next thing to tell; waits for ever where nothing is under way. Cancelling the wait loses nothing.
    pub(super) async fn next(&mut self) -> Outcome {
        loop {
            let Some((id, number, progress)) = self.running.next().await else { return std::future::pending().await };
            // Aborted ones have been forgotten before.
            let Some(open) = self.open.get_mut(&id).filter(|open| open.number == number) else { continue };
            match progress {
                Progress::Begun(account) => {
                    open.account = Some(account);
                    self.changes += 1;
                }
                Progress::Event(Some(Delivery { payload, ends, .. })) => {
                    if ends {
                        self.remove(&id);
                    }
                    return Outcome::Next { id, payload, is_last: ends };
                }
                Progress::Event(None) => {
                    self.remove(&id);
                    return Outcome::Complete { id };
                }
                Progress::Answered(answer) => {
                    self.remove(&id);
                    return match errors_of(&answer.body) {
                        Some(errors) if answer.class != graphql::Class::Executed => Outcome::Refused { id, errors },
                        _ => Outcome::Next { id, payload: answer.body.into(), is_last: true },
                    };
                }
                Progress::Refused(refusal) => {
                    self.remove(&id);
                    return Outcome::Refused { id, errors: error_list(&refusal) };
                }
            }
        }
    }
}

/// The next progress of an operation, and where it stands then.
async fn advance(stage: Stage) -> Option<(Progress, Stage)> {
    match stage {
        Stage::Starting(started) => Some(match started.await {
            Ok(live) => (Progress::Begun(live.account.clone()), Stage::Live(live)),
            Err(progress) => (progress, Stage::Ended),
        }),
        Stage::Live(mut live) => {
            let delivery = live.subscription.next().await;
            if let Some(delivery) = &delivery {
                live.permit.delivered(&delivery.summary);
            }
            let goes_on = delivery.as_ref().is_some_and(|delivery| !delivery.ends);
            let stage = if goes_on {
                Stage::Live(live)
            } else {
                live.permit.end("upstream");
                Stage::Ended
            };
            Some((Progress::Event(delivery), stage))
        }
        Stage::Ended => None,
    }
}

/// The request that became the socket.
pub(super) struct Upgrade {
    pub(super) id: RequestId,
    pub(super) trace: Option<Trace>,
}

/// What an operation is executed with.
struct Work {
    state: Arc<AppState>,
    caller: Arc<IdentifiedCaller>,
    audit: Option<Arc<AuditedRequest>>,
    max_age: Option<Duration>,
}

impl Work {
    /// Executes it, as far as it is no subscription, and has its span and its audit tell what became of it.
    async fn start(self, payload: &str, ends: EndReason) -> Result<Box<LiveOperation>, Progress> {
        let Self { state, caller, audit, .. } = &self;
        let audit = audit.as_ref();
        if let Some(audit) = audit {
            audit.identified(caller.grants.caller());
        }
        let refused = |refusal: HttpError| {
            span::refused(&refusal);
            if let Some(audit) = audit {
                audit.refused(refusal.code);
            }
            Progress::Refused(refusal)
        };
        match self.execute(payload).await {
            Ok(Started::Answer(mut answer)) => {
                span::answered(std::slice::from_ref(&answer));
                if let Some(audit) = audit {
                    audit.answered(&[AuditedAnswer::take(&mut answer)]);
                }
                Err(Progress::Answered(answer))
            }
            Ok(Started::Live(live)) => {
                let mut permit = state.live.admit(&caller.payer, "websocket", ends, &state.metrics).map_err(refused)?;
                let audited = audit.map(|audit| AuditedStream::begin(audit, "websocket"));
                permit.tell(audited, Trace::hold());
                let account = live.account().clone();
                let subscription = state.engine.listen(live);
                Ok(Box::new(LiveOperation { subscription, account, permit }))
            }
            Err(refusal) => {
                state.metrics.refused(refusal.code.name());
                Err(refused(refusal))
            }
        }
    }

    /// As for a request over HTTP: the rate, a permit, the deadline.
    async fn execute(&self, payload: &str) -> Result<Started, HttpError> {
        let Self { state, caller, audit, max_age } = self;
        let limits = caller.grants.limits();
        state.admission.check_rate(&caller.key, limits)?;
        state.admission.check_responses(&caller.payer)?;
        let permit: Hold = Arc::new(state.admission.admit(caller.key.clone(), limits)?);
        let deadline = Clock::instant() + state.settings.timeout;
        let ticket = Ticket::new(Lane::of(&caller.payer), Cancellation::at(deadline), Some(permit));
        let parameters = parameters::of_object(payload)?;
        let variables = parameters.variables.as_deref().map(|raw| raw.get());
        let is_long = payload.len() > LONG_PAYLOAD || state.engine.is_long_to_prepare(&parameters.document, variables);
        span::documents(std::iter::once(&parameters.document));
        span::names(|| state.log_names.operation(&parameters.document));
        let (grants, audit) = match audit {
            Some(audit) => audit.ask(&parameters.document, caller.grants.clone()),
            None => (caller.grants.clone(), None),
        };
        let request = graphql::Request {
            document: parameters.document,
            operation_name: parameters.operation_name,
            variables: Variables::new(parameters.variables),
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
        let late = || HttpError::new(Code::RequestTimeout, "the answer was not ready in time");
        timeout_at(deadline, started).await.map_err(|_| late())?
    }
}
