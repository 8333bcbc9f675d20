//! PreparedDocument operations: a document's text is looked through, parsed, measured, validated and planned once.
//!
//! They are cached by their full text, bounded in bytes; the most frequently asked for stay, so that a flood of distinct
//! documents does not push them out. Nothing here depends on a request: what does (the sums of a batch, the variables,
//! the caller) is checked again each time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Variables};
use moka::sync::Cache;

use super::collect::{conditions, truth};
use super::plan::Plan;
use crate::graphql::limits;
use crate::graphql::limits::{Cost, Measured};

/// What an entry costs besides what is counted, in bytes, approximately.
const OVERHEAD: usize = 1024;
/// What a selection costs in a parsed document, in bytes, approximately.
const SELECTION: usize = 640;
/// For so many conditions' variables there is a place for each combination's plan.
const CONDITIONS: usize = 3;

/// A document, and everything that is known of it without a request.
pub(in crate::graphql) struct PreparedDocument {
    pub(in crate::graphql) text: Arc<str>,
    pub(in crate::graphql) document: ExecutableDocument,
    pub(in crate::graphql) tokens: usize,
    pub(in crate::graphql) measured: Measured,
    operations: Vec<Operation>,
    /// Whether the validator has found it good.
    valid: AtomicBool,
    /// Variables that decide what is skipped.
    conditions: Vec<Name>,
    pub(in crate::graphql) introspects: bool,
    selections: usize,
    /// How long its last answer was, in bytes: room for the next.
    pub(in crate::graphql) length: AtomicUsize,
}

/// One of a document's operations.
pub(in crate::graphql) struct Operation {
    name: Option<Name>,
    pub(in crate::graphql) cost: Cost,
    /// By the values of the conditions, as bits.
    plans: Box<[OnceLock<Option<Arc<Plan>>>]>,
    /// Whether another operation of the document has arguments with variables, which the validator looks at too.
    shares_variables: bool,
}

impl PreparedDocument {
    pub(in crate::graphql) fn new(
        text: Arc<str>,
        document: ExecutableDocument,
        tokens: usize,
        measured: Measured,
    ) -> Self {
        let conditions = conditions(&document);
        let combinations = if conditions.len() > CONDITIONS { 0 } else { 1 << conditions.len() };
        let several = document.operations.iter().count() > 1;
        let operation = |(name, operation): (Option<&Name>, &Positioned<OperationDefinition>)| Operation {
            name: name.cloned(),
            cost: limits::cost(&document, &operation.node),
            plans: (0..combinations).map(|_| OnceLock::new()).collect(),
            shares_variables: several
                && document
                    .operations
                    .iter()
                    .any(|(other, operation)| other != name && !operation.node.variable_definitions.is_empty()),
        };
        let operations = document.operations.iter().map(operation).collect();
        let (introspects, selections) = (introspects(&document), count(&document));
        let valid = AtomicBool::new(false);
        let length = AtomicUsize::new(0);
        Self { text, operations, valid, conditions, introspects, selections, tokens, measured, document, length }
    }

    /// The operation asked for, in its two forms.
    pub(in crate::graphql) fn operation(&self, name: Option<&str>) -> Option<(&Operation, &OperationDefinition)> {
        let (name, definition) = find(&self.document, name)?;
        let operation = self.operations.iter().find(|operation| operation.name.as_ref() == name)?;
        Some((operation, definition))
    }

    /// The operation's plan for these variables; `None` where the engine must execute it.
    pub(in crate::graphql) fn plan(&self, name: Option<&str>, variables: &Variables) -> Option<Arc<Plan>> {
        let (operation, definition) = self.operation(name)?;
        if operation.shares_variables {
            return None;
        }
        // Variables of other operations' conditions have no value, and no say.
        let value = |name: &Name| variables.get(name);
        let make = || Plan::of(&self.document, definition, &|name| truth(value(name))).map(Arc::new);
        let mut place = 0;
        for (n, name) in self.conditions.iter().enumerate() {
            match value(name) {
                Some(value) => place |= usize::from(truth(Some(value))?) << n,
                None if self.operations.len() > 1 => {}
                None => return None,
            }
        }
        match operation.plans.get(place) {
            Some(plan) => plan.get_or_init(make).clone(),
            None => make(),
        }
    }

    pub(in crate::graphql) fn is_valid(&self) -> bool {
        self.valid.load(Ordering::Acquire)
    }

    /// The validator has found it good, which holds for all variables whose values fit.
    pub(in crate::graphql) fn set_valid(&self) {
        self.valid.store(true, Ordering::Release);
    }

    /// Memory held, in bytes, approximately.
    fn size(&self) -> usize {
        // A plan is a little smaller than what it was made from.
        let plans: usize = self.operations.iter().map(|operation| operation.plans.len()).sum();
        let costs: usize = self.operations.iter().map(|operation| operation.cost.size()).sum();
        OVERHEAD + self.text.len() * 2 + self.selections * SELECTION * (1 + plans) + costs
    }
}

/// All prepared operations.
pub(in crate::graphql) struct OperationCache(Cache<Arc<str>, Arc<PreparedDocument>>);

impl OperationCache {
    pub(in crate::graphql) fn new(limit: u64) -> Self {
        let weigh = |_: &Arc<str>, prepared: &Arc<PreparedDocument>| u32::try_from(prepared.size()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(limit).weigher(weigh).build())
    }

    pub(in crate::graphql) fn get(&self, text: &str) -> Option<Arc<PreparedDocument>> {
        self.0.get(text)
    }

    /// Keeps a document that is known to be valid, as far as there is room.
    pub(in crate::graphql) fn keep(&self, prepared: &Arc<PreparedDocument>) {
        self.0.insert(prepared.text.clone(), prepared.clone());
    }
}

/// The operation asked for: that of the name, or the only one.
pub(in crate::graphql) fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Option<&'d OperationDefinition> {
    find(document, name).map(|(_, operation)| operation)
}

fn find<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Option<(Option<&'d Name>, &'d OperationDefinition)> {
    let named = |(known, _): &(Option<&Name>, _)| name.is_none() || known.map(Name::as_str) == name;
    let mut found = document.operations.iter().filter(named);
    let (name, operation) = found.next().filter(|_| found.next().is_none())?;
    Some((name, &operation.node))
}

fn introspects(document: &ExecutableDocument) -> bool {
    document.operations.iter().any(|(_, operation)| {
        operation.node.selection_set.node.items.iter().any(|item| match &item.node {
            Selection::Field(field) => matches!(field.node.name.node.as_str(), "__schema" | "__type"),
            _ => false,
        })
    })
}

/// The number of selections in the text.
fn count(document: &ExecutableDocument) -> usize {
    fn count(set: &SelectionSet) -> usize {
        let below = |selection: &Positioned<Selection>| match &selection.node {
            Selection::Field(field) => count(&field.node.selection_set.node),
            Selection::InlineFragment(fragment) => count(&fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => 0,
        };
        set.items.iter().map(|selection| 1 + below(selection)).sum()
    }
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    operations.chain(fragments).map(count).sum()
}
