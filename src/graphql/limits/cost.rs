//! Cost: how many cells an answer may have at most, rows times fields, estimated before anything runs.
//!
//! A list's rows are the smaller of its page and the roster, where that is known. The walk spreads fragments; the measure
//! before it has bounded how much that can be.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Variables};
use async_graphql_value::{ConstValue, Value};

use crate::model::PageLimits;

/// What is known of an account's roster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::graphql) struct Known {
    /// How many members it has.
    pub(in crate::graphql) members: Option<usize>,
    /// How many roles.
    pub(in crate::graphql) roles: Option<usize>,
}

/// The most cells that the operation's answer can have. `known` tells of the roster that an `account` argument names, or of
/// the request's own without one.
pub(super) fn estimate(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    pages: PageLimits,
    known: &dyn Fn(Option<ConstValue>) -> Known,
) -> usize {
    let estimator = Estimator { fragments: &document.fragments, operation, variables, pages, known };
    estimator.selection_set(&operation.selection_set.node, Level { roster: known(None), page: 1 })
}

struct Estimator<'d> {
    fragments: &'d HashMap<Name, Positioned<FragmentDefinition>>,
    operation: &'d OperationDefinition,
    variables: &'d Variables,
    pages: PageLimits,
    known: &'d dyn Fn(Option<ConstValue>) -> Known,
}

/// Where in the answer a selection set stands.
#[derive(Clone, Copy)]
struct Level {
    /// The roster that it reads.
    roster: Known,
    /// How many members the connection around it shows.
    page: usize,
}

impl Estimator<'_> {
    fn selection_set(&self, set: &SelectionSet, level: Level) -> usize {
        let cost = |selection: &Positioned<Selection>| match &selection.node {
            Selection::Field(field) => self.field(&field.node, level),
            Selection::InlineFragment(fragment) => self.selection_set(&fragment.node.selection_set.node, level),
            Selection::FragmentSpread(spread) => {
                let fragment = self.fragments.get(&spread.node.fragment_name.node);
                fragment.map_or(0, |fragment| self.selection_set(&fragment.node.selection_set.node, level))
            }
        };
        set.items.iter().map(cost).fold(0, usize::saturating_add)
    }

    fn field(&self, field: &Field, level: Level) -> usize {
        let (rows, level) = match field.name.node.as_str() {
            "__schema" | "__type" => return 0,
            "teamMembers" => {
                let roster = self.roster(field);
                (1, Level { roster, page: self.page(field, roster) })
            }
            "members" => (1, Level { page: self.page(field, level.roster), ..level }),
            "nodes" | "edges" => (level.page, level),
            "roles" => {
                let roster = self.roster(field);
                (roster.roles.unwrap_or(self.pages.default), Level { roster, ..level })
            }
            "teamMember" | "role" if self.argument(field, "id").is_some() => {
                (1, Level { roster: self.roster(field), ..level })
            }
            "_entities" => match self.argument(field, "representations") {
                Some(ConstValue::List(list)) => (list.len(), level),
                _ => (1, level),
            },
            _ => (1, level),
        };
        let below = self.selection_set(&field.selection_set.node, level);
        rows.saturating_mul(below.max(1))
    }

    fn roster(&self, field: &Field) -> Known {
        (self.known)(self.argument(field, "account"))
    }

    /// How many members a connection shows at most.
    fn page(&self, field: &Field, roster: Known) -> usize {
        let length = |name| match self.argument(field, name) {
            Some(ConstValue::Number(number)) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
            _ => None,
        };
        let asked = length("first").or_else(|| length("last")).unwrap_or(self.pages.default).min(self.pages.max);
        asked.min(roster.members.unwrap_or(usize::MAX))
    }

    /// An argument's value with its variables filled in; `None` when it is absent or null.
    fn argument(&self, field: &Field, name: &str) -> Option<ConstValue> {
        let value: Value = field.get_argument(name)?.node.clone();
        let filled = value.into_const_with(|name| self.variable(&name).ok_or(()));
        filled.ok().filter(|value| *value != ConstValue::Null)
    }

    fn variable(&self, name: &Name) -> Option<ConstValue> {
        self.variables.get(name).cloned().or_else(|| {
            let mut definitions = self.operation.variable_definitions.iter();
            let definition = definitions.find(|definition| definition.node.name.node == *name)?;
            definition.node.default_value.as_ref().map(|value| value.node.clone())
        })
    }
}
