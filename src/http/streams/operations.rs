//! The operations of one WebSocket: queries, mutations and subscriptions side by side, each under its id.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::timeout_at;

use super::limits::SubscriptionPermit;
use super::messages::errors_of;
use crate::compute::{Hold, Lane, Ticket};
use crate::graphql;
use crate::graphql::{Code, Delivery, GraphQlResponse, Started, Subscription, Variables};
use crate::http::AppState;
use crate::http::admission::response_deadline::EndReason;
use crate::http::graphql::callers::IdentifiedCaller;
use crate::http::graphql::parameters;
use crate::http::response::error::{HttpError, error_list};
use crate::model::{Account, Cancellation, Clock};

/// A payload that is longer, in bytes, is parsed and executed beside the runtime's workers.
const LONG_PAYLOAD: usize = 8 << 10;

/// Everything under way on one WebSocket.
#[derive(Default)]
pub(super) struct Operations {
    running: FuturesUnordered<Abortable<BoxFuture<'static, (String, u64, Progress)>>>,
    /// By id.
    open: HashMap<String, Open>,
    started: u64,
    ends: EndReason,
}

struct Open {
    number: u64,
    abort: AbortHandle,
    /// Whose team it subscribes to.
    account: Option<Account>,
}

/// What has come of an operation.
enum Progress {
    /// A query or mutation was answered, or something was refused.
    Answered(GraphQlResponse),
    Refused(HttpError),
    /// A subscription has begun.
    Begun(Box<LiveOperation>),
    /// It has an event, or none any more.
    Event(Box<LiveOperation>, Option<Delivery>),
}

struct LiveOperation {
    subscription: Subscription,
    account: Account,
    permit: SubscriptionPermit,
}

/// What to tell the client of an operation.
pub(super) enum Outcome {
    /// A response, and whether it is the last.
    Next { id: String, payload: bytes::Bytes, is_last: bool },
    /// It was not executed.
    Refused { id: String, errors: String },
    /// It has ended.
    Complete { id: String },
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

    /// Begins an operation: a GraphQL request, as it was written.
    pub(super) fn begin(
        &mut self,
        id: String,
        payload: &str,
        max_age: Option<Duration>,
        caller: &Arc<IdentifiedCaller>,
        state: &Arc<AppState>,
    ) {
        self.started += 1;
        let started = start(payload.to_owned(), max_age, caller.clone(), state.clone(), self.ends.clone());
        self.run(id, self.started, None, started.boxed());
    }

    /// Says why everything ends that is under way.
    pub(super) fn end(&self, reason: &'static str) {
        let _ = self.ends.set(reason);
    }

    /// Ends an operation that its client no longer wants.
    pub(super) fn complete(&mut self, id: &str) {
        if let Some(open) = self.open.remove(id) {
            open.abort.abort();
        }
    }

    fn run(&mut self, id: String, number: u64, account: Option<Account>, progress: BoxFuture<'static, Progress>) {
        let (abort, registration) = AbortHandle::new_pair();
        self.open.insert(id.clone(), Open { number, abort, account });
        let progress = async move { (id, number, progress.await) };
        self.running.push(Abortable::new(progress.boxed(), registration));
    }

    /// The next thing to tell; waits for ever where nothing is under way. Cancelling the wait loses nothing.
    pub(super) async fn next(&mut self) -> Outcome {
        loop {
            let Some(progress) = self.running.next().await else { return std::future::pending().await };
            // Aborted ones have been forgotten before.
            let Ok((id, number, progress)) = progress else { continue };
            if self.open.get(&id).is_none_or(|open| open.number != number) {
                continue;
            }
            match progress {
                Progress::Begun(live) => {
                    let account = Some(live.account.clone());
                    self.run(id, number, account, event(live).boxed());
                }
                Progress::Event(live, Some(Delivery { payload, ends: false })) => {
                    let account = Some(live.account.clone());
                    self.run(id.clone(), number, account, event(live).boxed());
                    return Outcome::Next { id, payload, is_last: false };
                }
                Progress::Event(mut live, delivery) => {
                    live.permit.end("upstream");
                    self.open.remove(&id);
                    return match delivery {
                        Some(Delivery { payload, .. }) => Outcome::Next { id, payload, is_last: true },
                        None => Outcome::Complete { id },
                    };
                }
                Progress::Answered(answer) => {
                    self.open.remove(&id);
                    return match errors_of(&answer.body) {
                        Some(errors) if answer.class != graphql::Class::Executed => Outcome::Refused { id, errors },
                        _ => Outcome::Next { id, payload: answer.body.into(), is_last: true },
                    };
                }
                Progress::Refused(refusal) => {
                    self.open.remove(&id);
                    return Outcome::Refused { id, errors: error_list(&refusal) };
                }
            }
        }
    }
}

async fn event(mut live: Box<LiveOperation>) -> Progress {
    let delivery = live.subscription.next().await;
    Progress::Event(live, delivery)
}

async fn start(
    payload: String,
    max_age: Option<Duration>,
    caller: Arc<IdentifiedCaller>,
    state: Arc<AppState>,
    ends: EndReason,
) -> Progress {
    match execute(&payload, max_age, &caller, &state).await {
        Ok(Started::Answer(answer)) => Progress::Answered(answer),
        Ok(Started::Live(live)) => match state.live.admit(&caller.payer, "websocket", ends, &state.metrics) {
            Ok(permit) => {
                let account = live.account().clone();
                let subscription = state.engine.listen(live);
                Progress::Begun(Box::new(LiveOperation { subscription, account, permit }))
            }
            Err(refusal) => Progress::Refused(refusal),
        },
        Err(refusal) => {
            state.metrics.refused(refusal.code.name());
            Progress::Refused(refusal)
        }
    }
}

/// As for a request over HTTP: the rate, a permit, the deadline.
async fn execute(
    payload: &str,
    max_age: Option<Duration>,
    caller: &IdentifiedCaller,
    state: &Arc<AppState>,
) -> Result<Started, HttpError> {
    let limits = caller.grants.limits();
    state.admission.check_rate(&caller.key, limits)?;
    state.admission.check_responses(&caller.payer)?;
    let permit: Hold = Arc::new(state.admission.admit(caller.key.clone(), limits)?);
    let deadline = Clock::instant() + state.settings.timeout;
    let ticket = Ticket::new(Lane::of(&caller.payer), Cancellation::at(deadline), Some(permit));
    let parameters = parameters::of_object(payload)?;
    let request = graphql::Request {
        document: parameters.document,
        operation_name: parameters.operation_name,
        variables: Variables::new(parameters.variables),
        max_age: parameters.live_interval.or(max_age),
        show_cost: false,
        queries_only: false,
        grants: caller.grants.clone(),
        ticket: ticket.clone(),
    };
    let engine = state.clone();
    let started = async move { engine.engine.start(request).await };
    let started = async {
        if payload.len() > LONG_PAYLOAD {
            state.engine.compute().drive(&ticket, started.boxed()).await.map_err(HttpError::from)
        } else {
            Ok(started.await)
        }
    };
    let late = || HttpError::new(Code::RequestTimeout, "the answer was not ready in time");
    timeout_at(deadline, started).await.map_err(|_| late())?
}
