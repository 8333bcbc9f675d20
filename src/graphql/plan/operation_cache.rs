//! The operation cache: documents that were parsed, measured, validated and planned once.
//!
//! They are found by their full text, and the cache is bounded in bytes: a document is weighed with the values in it and the
//! plans that were made of it. The most frequently used ones stay, so that a flood of distinct documents does not push them
//! out. Nothing in an entry depends on a request; what does (a batch's sums, variables, the caller) is checked each time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use ahash::RandomState;
use apollo_compiler::Node;
use apollo_compiler::executable::Operation;
use moka::sync::Cache;

use super::collect::conditions;
use super::document_size;
use super::plan::Plan;
use crate::graphql::language::Document;
use crate::graphql::limits::{Measured, SizeLimits};

/// The size of an entry besides its counted parts, in bytes, approximately.
const OVERHEAD: usize = 1024;
/// The process uses up to so many times the counted memory: blocks are rounded up, and their pages are shared with what
/// has been dropped. (Measured over nine kinds of documents: 1.1 to 2.1 times.)
const RESIDENT: usize = 2;
/// For so many conditions' variables each combination's plan is kept. With more, a plan is made for each request.
const CONDITIONS: usize = 3;

/// A document, and everything that is known of it without a request.
#[derive(Debug)]
pub(in crate::graphql) struct PreparedDocument {
    pub(in crate::graphql) document: Document,
    pub(in crate::graphql) measured: Measured,
    operations: Vec<PreparedOperation>,
    /// Memory held, in bytes: the document's, and that of the plans so far.
    size: AtomicUsize,
    /// The size with which the cache has weighed it.
    weighed: AtomicUsize,
    /// How long its last answer was, in bytes: room for the next.
    pub(in crate::graphql) length: AtomicUsize,
}

/// One of a document's operations.
#[derive(Debug)]
struct PreparedOperation {
    operation: Node<Operation>,
    /// The variables that decide what is skipped.
    conditions: Box<[Box<str>]>,
    /// By the values of the conditions, as bits.
    plans: Box<[OnceLock<Option<Arc<Plan>>>]>,
}

impl PreparedDocument {
    pub(in crate::graphql) fn new(document: Document, measured: Measured) -> Self {
        let operation = |operation: &Node<Operation>| {
            let conditions = conditions(&document, operation);
            let combinations = if conditions.len() > CONDITIONS { 0 } else { 1 << conditions.len() };
            PreparedOperation {
                operation: operation.clone(),
                conditions: conditions.into_iter().map(Into::into).collect(),
                plans: (0..combinations).map(|_| OnceLock::new()).collect(),
            }
        };
        let operations: Vec<_> = document.executable().operations.iter().map(operation).collect();
        let held = |operation: &PreparedOperation| {
            size_of::<PreparedOperation>() + size_of_val(&*operation.plans) + operation.conditions.len() * 48
        };
        let size = OVERHEAD
            + document.text_size()
            + document_size::of(document.executable())
            + operations.iter().map(held).sum::<usize>();
        let (size, weighed, length) = (AtomicUsize::new(size), AtomicUsize::new(0), AtomicUsize::new(0));
        Self { document, measured, operations, size, weighed, length }
    }

    /// The variables that decide what an operation skips.
    pub(in crate::graphql) fn conditions(&self, operation: &Node<Operation>) -> &[Box<str>] {
        let known = self.operations.iter().find(|known| known.operation.ptr_eq(operation));
        known.map_or(&[], |known| &known.conditions)
    }

    /// The plan of the operation asked for, with these values of its conditions' variables. `None` where there is no such
    /// operation, or none can be planned.
    pub(in crate::graphql) fn plan(
        &self,
        name: Option<&str>,
        truths: &dyn Fn(&str) -> Option<bool>,
        limits: SizeLimits,
    ) -> Option<Arc<Plan>> {
        let operation = self.document.operation(name)?;
        let prepared = self.operations.iter().find(|known| known.operation.ptr_eq(operation))?;
        let make = || Plan::of(&self.document, operation, truths, limits).map(Arc::new);
        let mut index = Some(0);
        for (n, name) in prepared.conditions.iter().enumerate() {
            let bit = usize::from(truths(name)?);
            index = index.filter(|_| n < CONDITIONS).map(|index| index | bit << n);
        }
        let Some(plan) = index.and_then(|index| prepared.plans.get(index)) else { return make() };
        let make = || {
            let plan = make();
            self.size.fetch_add(plan.as_ref().map_or(0, |plan| plan.size), Ordering::Relaxed);
            plan
        };
        plan.get_or_init(make).clone()
    }

    /// Memory held, in bytes, approximately.
    pub(in crate::graphql) fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }
}

/// All prepared documents.
pub(in crate::graphql) struct OperationCache(Cache<Arc<str>, Arc<PreparedDocument>, RandomState>);

impl OperationCache {
    /// A cache that holds so many bytes at most.
    pub(in crate::graphql) fn new(limit: u64) -> Self {
        let weigh = |_: &Arc<str>, prepared: &Arc<PreparedDocument>| {
            u32::try_from(prepared.size().saturating_mul(RESIDENT)).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(limit).weigher(weigh).build_with_hasher(RandomState::new()))
    }

    /// Drops everything.
    pub(in crate::graphql) fn clear(&self) {
        self.0.invalidate_all();
        self.0.run_pending_tasks();
    }

    pub(in crate::graphql) fn get(&self, text: &str) -> Option<Arc<PreparedDocument>> {
        self.0.get(text)
    }

    /// Whether a document is there, which does not count as a use of it.
    pub(in crate::graphql) fn contains(&self, text: &str) -> bool {
        self.0.contains_key(text)
    }

    /// Keeps a document, as far as there is room, and weighs one anew that has grown by a plan. Only what was executed for
    /// a caller whose credential is accepted may be kept: a flood of documents from anybody else must not take its room.
    pub(in crate::graphql) fn insert(&self, prepared: &Arc<PreparedDocument>, may_keep: impl FnOnce() -> bool) {
        let size = prepared.size();
        if prepared.weighed.load(Ordering::Relaxed) != size && may_keep() {
            prepared.weighed.store(size, Ordering::Relaxed);
            self.0.insert(prepared.document.text().clone(), prepared.clone());
        }
    }
}
