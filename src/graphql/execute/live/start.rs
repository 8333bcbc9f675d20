//! Starting: a request becomes an answer, or a subscription that a transport may admit and then listens to.

use std::sync::Arc;

use smallvec::SmallVec;

use super::selection::{Selection, WrittenState};
use super::shared::SelectionKey;
use super::subscription::LiveSubscription;
use crate::compute::{Lane, Room, Ticket};
use crate::graphql::error::{Code, access_code};
use crate::graphql::execute::announce;
use crate::graphql::execute::arguments::{Arguments, RootArguments};
use crate::graphql::execute::engine::{Engine, Request};
use crate::graphql::execute::lookups::Resolved;
use crate::graphql::execute::project::ProjectionOptions;
use crate::graphql::execute::response::GraphQlResponse;
use crate::graphql::execute::validated_request::ValidatedRequest;
use crate::graphql::limits::RequestTotals;
use crate::graphql::request_error::RequestError;
use crate::graphql::schema::Views;
use crate::model::{Account, Grant};

/// The result of a request that may be a subscription.
pub enum Started {
    /// It was none, or it is refused.
    Answer(GraphQlResponse),
    /// A subscription that has not begun.
    Live(LiveRequest),
}

/// A subscription that was checked and has cost nothing yet.
pub struct LiveRequest {
    request: Box<ValidatedRequest>,
    arguments: Arguments,
    grant: Grant,
}

impl LiveRequest {
    /// The account whose team it is about.
    #[must_use]
    pub fn account(&self) -> &Account {
        self.grant.account()
    }
}

impl Engine {
    /// Answers a request, or prepares the subscription that it asks for.
    pub async fn start(&self, request: Request) -> Started {
        let mut totals = RequestTotals::default();
        let request = match self.prepare(request, &mut totals) {
            Ok(request) => request,
            Err(rejection) => return Started::Answer(self.reject(rejection)),
        };
        announce::to_trace(&request);
        if !request.is_subscription {
            return Started::Answer(self.run(request, totals).await);
        }
        match self.live_request(request) {
            Ok(live) => Started::Live(live),
            Err(error) => Started::Answer(self.refuse(error)),
        }
    }

    fn live_request(&self, request: Box<ValidatedRequest>) -> Result<LiveRequest, RequestError> {
        let session = self.session(request.grants.clone(), request.max_age, request.ticket.cancellation());
        let mut arguments = Arguments::of(&request.plan, &request.prepared.document, &request.variables, &session);
        let refused = |message: String| RequestError { code: Code::BadUserInput, message };
        let account = match arguments.roots.pop() {
            Some(Ok(RootArguments::All(account))) => account,
            Some(Err(error)) => return Err(refused(error.message)),
            _ => return Err(refused("a subscription has one field".to_owned())),
        };
        if arguments.slots.refuses_more || !request.is_decided {
            return Err(refused("an argument, or the condition of a selection, is refused".to_owned()));
        }
        let grant = request.grants.grant(account);
        let grant = grant.map_err(|error| RequestError { code: access_code(&error), message: error.to_string() })?;
        Ok(LiveRequest { request, arguments, grant })
    }

    /// Begins a subscription, whose events take room of this; `None` where there is none left.
    #[must_use]
    pub fn listen(&self, live: LiveRequest, room: Arc<dyn Room>) -> Option<LiveSubscription> {
        let LiveRequest { request, arguments, grant } = live;
        let variables: Box<[u8]> = request.variables.to_json().into();
        let ticket = Ticket::shared(Lane::of(grant.key())).with_room(room);
        let size = request.plan.size + request.prepared.document.text().len() + 2 * variables.len();
        let room = ticket.reserve(size)?;
        let listener = self.loaders.listen(&grant, request.max_age);
        let text = request.prepared.document.text().clone();
        self.documents.keep(&text, request.keep);
        self.operation_cache.insert(&request.prepared, || self.loaders.has_accepted(request.grants.caller()));
        let key = SelectionKey {
            feed: listener.feed(),
            text,
            operation: request.operation_name.as_deref().map(Into::into),
            variables,
            scopes: request.grants.caller().scopes,
        };
        let make = || {
            let limit = usize::try_from(self.settings.graphql.response_limit.as_u64()).unwrap_or(usize::MAX);
            let options = ProjectionOptions { contact: key.scopes.contact, pages: self.page_limits(), limit };
            let resolved = Resolved {
                roots: SmallVec::new(),
                slots: arguments.slots,
                accounts: SmallVec::new(),
                views: Views::new(),
            };
            let selection = Selection {
                plan: request.plan.clone(),
                resolved,
                sizes: request.sizes,
                grant,
                options,
                limits: self.settings.graphql.clone(),
                ticket,
                _room: room,
                row_changes: self.selections.row_changes(),
                written: WrittenState::default(),
            };
            (selection, listener.watcher())
        };
        let events = self.selections.subscribe(key.clone(), &self.compute, &self.metrics, make);
        self.metrics.executed("live");
        Some(LiveSubscription::new(events, listener, self.metrics.clone()))
    }
}
