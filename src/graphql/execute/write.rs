//! Writing: the answer to a request whose rosters are loaded, by an identical request's response, by projection, or else by
//! async-graphql; with a trace where one is wanted.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;

use super::answer_tags::{Tagging, TagsBeside};
use super::engine::Engine;
use super::executable_schema::execute_by_engine;
use super::extensions::ReportedCost;
use super::loaded_request::{LoadedData, LoadedRequest};
use super::lookups::{Resolved, RootData};
use super::offload::is_long;
use super::project::{ProjectionOptions, project};
use super::response::{Beside, GraphQlResponse, data_of, too_large};
use super::response_cache::CacheKey;
use super::trace::{TraceTimes, Tracing};
use super::validated_request::ValidatedRequest;
use crate::compute::{ComputeError, ReservedRoom};
use crate::graphql::schema::Session;
use crate::model::Cancellation;

/// An answer that is no longer, in bytes, is counted when it is sent.
const SHORT: usize = 32 << 10;

impl Engine {
    /// The answer by an identical request's response, by projection, or else by the engine.
    pub(super) async fn write(&self, loaded: LoadedRequest) -> GraphQlResponse {
        let LoadedRequest { mut request, session, data, cells } = loaded;
        let limit = self.settings.graphql.cost_limit;
        let cost = request.show_cost.then_some(ReportedCost { estimated: cells, limit });
        let tags = self.tagging.as_ref().and_then(|tagging| self.tags(tagging, &request, &data));
        let tracing = request.trace.take().map(|times| Arc::new(self.tracing(&request, times, &data)));
        match data {
            LoadedData::Panicked => return GraphQlResponse::panicked(),
            LoadedData::Cached(cached) => {
                self.metrics.executed("response_cache");
                let beside = Beside { summary: session.loader.summary(), cost, tags, ftv1: None };
                return GraphQlResponse::reused(&cached.data, beside).of_rows(cached.rows);
            }
            LoadedData::Resolved(resolved, cache_key, true) => {
                let extensions = Beside { cost, tags: tags.clone(), ..Beside::default() };
                let projection = self.project(&request, &session, resolved, (cache_key, cells), extensions, &tracing);
                if let Some(answer) = projection.await {
                    return answer;
                }
            }
            LoadedData::Resolved(..) => {}
        }
        self.metrics.executed("engine");
        // It resolves field by field, and never yields where everything is there: never on a worker of the runtime.
        let (ticket, schema) = (request.ticket.clone(), self.schema.clone());
        let ValidatedRequest { prepared, variables, operation_name, .. } = *request;
        let limit = self.settings.graphql.response_limit.as_u64();
        let beside = (Beside { cost, tags, ..Beside::default() }, tracing);
        let execution = execute_by_engine(schema, prepared, variables, operation_name, session, beside, limit);
        let payer = ticket.clone();
        let execution = async move {
            if payer.has_room() { execution.await.in_room_of(&payer) } else { GraphQlResponse::crowded() }
        };
        let executed = self.compute.drive(&ticket, execution.boxed()).await;
        executed.unwrap_or_else(GraphQlResponse::not_computed)
    }

    /// The answer by projection; `None` where that panicked.
    async fn project(
        &self,
        request: &ValidatedRequest,
        session: &Session,
        resolved: Resolved,
        (cache_key, cells): (Option<CacheKey>, usize),
        beside: Beside,
        tracing: &Option<Arc<Tracing>>,
    ) -> Option<GraphQlResponse> {
        let summary = session.loader.summary();
        self.metrics.executed("projection");
        let limit = usize::try_from(self.settings.graphql.response_limit.as_u64()).unwrap_or(usize::MAX);
        let options = ProjectionOptions { contact: session.scopes().contact, pages: session.page_limits, limit };
        let out = GraphQlResponse::begin(request.prepared.length.load(Ordering::Relaxed));
        let plan = request.plan.clone();
        let is_offloaded = is_long(request, &resolved, cells, &self.settings.graphql) || tracing.is_some();
        let (traced, payer) = (tracing.clone(), request.ticket.clone());
        let job = move |cancellation: &Cancellation| {
            if is_offloaded && !payer.has_room() {
                return None;
            }
            let projected = project(&plan, &resolved, options, cancellation, out);
            let bytes = projected.as_ref().map_or(0, |projected| projected.out.len());
            // They take room as soon as they are written: a turn to send them may be far away.
            let room = if bytes > SHORT { payer.reserve(bytes)? } else { ReservedRoom::default() };
            let ftv1 = traced.zip(projected.as_ref().ok()).and_then(|(tracing, projected)| {
                tracing.encode(data_of(&projected.out), &projected.errors, limit.saturating_sub(projected.out.len()))
            });
            Some((projected, resolved, ftv1, room))
        };
        let done = if is_offloaded {
            match self.compute.run(&request.ticket, job).await {
                Ok(done) => done,
                // What panics there is tried by the engine.
                Err(ComputeError::Panicked) => return None,
                Err(error) => return Some(GraphQlResponse::not_computed(error)),
            }
        } else {
            job(request.ticket.cancellation())
        };
        let Some((projected, resolved, ftv1, room)) = done else { return Some(GraphQlResponse::crowded()) };
        let Ok(projected) = projected else {
            return Some(GraphQlResponse::not_computed(ComputeError::Cancelled));
        };
        if projected.is_too_long {
            return Some(GraphQlResponse::refused(too_large(limit as u64)));
        }
        request.prepared.length.store(projected.out.len(), Ordering::Relaxed);
        if let Some(cache_key) = cache_key.filter(|_| projected.errors.is_empty()) {
            let tags = beside.tags.as_ref().map(|beside| beside.tags.clone());
            self.response_cache.keep(cache_key, &resolved, (cells, projected.rows), &projected.out, tags);
        }
        Some(GraphQlResponse::projected(projected, Beside { summary, ftv1, ..beside }).in_room(room))
    }

    /// The cache tags of a request's answer.
    fn tags(&self, tagging: &Tagging, request: &ValidatedRequest, data: &LoadedData) -> Option<TagsBeside> {
        let tags = match data {
            LoadedData::Cached(cached) => cached.tags.clone()?,
            LoadedData::Resolved(resolved, ..) => Arc::new(tagging.tags(&request.plan, resolved)),
            LoadedData::Panicked => return None,
        };
        if tags.is_cut {
            self.metrics.cache_tags().uncacheable();
        }
        let in_extensions = tagging.settings.extensions && request.grants.is_router();
        let limit = usize::try_from(self.settings.graphql.response_limit.as_u64()).unwrap_or(usize::MAX);
        Some(TagsBeside { tags, in_extensions, in_header: tagging.settings.header, limit })
    }

    /// The input of the trace of a request's answer.
    fn tracing(&self, request: &ValidatedRequest, times: TraceTimes, data: &LoadedData) -> Tracing {
        let types = match data {
            LoadedData::Resolved(resolved, ..) => {
                let keys = request.plan.roots.fields.iter().map(|field| field.key.clone());
                keys.zip(resolved.roots.iter().map(concrete_types)).collect()
            }
            LoadedData::Cached(_) | LoadedData::Panicked => HashMap::new(),
        };
        Tracing {
            times,
            prepared: request.prepared.clone(),
            operation_name: request.operation_name.clone(),
            variables: request.variables.clone(),
            types,
            nodes_limit: self.settings.federation.trace_nodes_limit,
        }
    }
}

/// The types of the objects of a root field, where the field's own type is abstract: `_entities`, `node`.
fn concrete_types(root: &RootData) -> Vec<&'static str> {
    match root {
        RootData::Entities(list) => {
            list.iter().map(|entity| entity.kind.as_ref().map_or("", |(entity, _)| entity.name())).collect()
        }
        RootData::One(view, id) if view.roster.find(id).is_some() => vec!["TeamMember"],
        RootData::One(..) => vec!["Role"],
        _ => Vec::new(),
    }
}
