//! Cost: how many cells an answer may have at most, rows times fields, estimated before anything runs.
//!
//! A list's rows are the smaller of its page and the roster, where that is known. One that searches, filters or sorts looks
//! through all rows of the roster whatever its page; that costs, too. What a document's fields come to is worked
//! out once; how many rows a request makes of them, each time. The walk spreads fragments; the measure before it has bounded
//! how much that can be.

use std::borrow::Cow;
use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Variables};
use async_graphql_value::{ConstValue, Value};

use crate::graphql::language::substitute::substitute_borrowed;
use crate::model::PageLimits;

/// So many rows that a list looks through cost as much as one cell.
const LOOKED_THROUGH: usize = 10;

/// What is known of an account's roster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::graphql) struct RosterSize {
    /// How many members it has.
    pub(in crate::graphql) members: Option<usize>,
    /// How many roles.
    pub(in crate::graphql) roles: Option<usize>,
}

/// What an operation's answer can come to, before its variables are known.
#[derive(Debug)]
pub(in crate::graphql) struct Cost(Cells);

/// The cells of one selection set.
#[derive(Debug, Default)]
struct Cells {
    /// Those that are one each.
    single: usize,
    /// Those that depend on rows.
    fields: Vec<(RowCount, Cells)>,
}

/// How many rows a field has.
#[derive(Debug)]
enum RowCount {
    One,
    /// A root field that shows one object of this account's roster.
    Lookup(WrittenArgument),
    /// The connection over an account's members.
    TeamMembers {
        account: WrittenArgument,
        page: PageArguments,
    },
    /// The connection over a role's members.
    Members(PageArguments),
    /// What a connection shows.
    PageArguments,
    /// An account's roles.
    Roles(WrittenArgument),
    /// What representations refer to.
    Entities(WrittenArgument),
}

/// An argument as written.
type WrittenArgument = Option<Value>;

#[derive(Debug)]
struct PageArguments {
    first: WrittenArgument,
    last: WrittenArgument,
    /// Whether every row is looked at for it.
    chosen: bool,
}

impl Cost {
    pub(super) fn of(document: &ExecutableDocument, operation: &OperationDefinition) -> Self {
        Self(cells(&operation.selection_set.node, &document.fragments))
    }

    /// The most cells that the answer can have. `known` tells of the roster that an `account` argument names, or of the
    /// request's own without one.
    pub(super) fn estimate(
        &self,
        variables: &Variables,
        pages: PageLimits,
        known: &dyn Fn(Option<&ConstValue>) -> RosterSize,
    ) -> usize {
        Estimator { variables, pages, known }.cells(&self.0, Level { roster: RosterSize::default(), page: 1 })
    }

    /// Memory held, in bytes, approximately.
    pub(in crate::graphql) fn size(&self) -> usize {
        fn size(cells: &Cells) -> usize {
            cells.fields.iter().map(|(_, below)| size_of::<(RowCount, Cells)>() + size(below)).sum()
        }
        size(&self.0)
    }
}

fn cells(set: &SelectionSet, fragments: &HashMap<Name, Positioned<FragmentDefinition>>) -> Cells {
    let mut sum = Cells::default();
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => sum.add_field(&field.node, fragments),
            Selection::InlineFragment(fragment) => sum.add(cells(&fragment.node.selection_set.node, fragments)),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    sum.add(cells(&fragment.node.selection_set.node, fragments));
                }
            }
        }
    }
    sum
}

impl Cells {
    fn add(&mut self, other: Self) {
        self.single = self.single.saturating_add(other.single);
        self.fields.extend(other.fields);
    }

    fn add_field(&mut self, field: &Field, fragments: &HashMap<Name, Positioned<FragmentDefinition>>) {
        let argument = |name| field.get_argument(name).map(|value| value.node.clone());
        let chosen = || ["search", "filter", "orderBy"].into_iter().any(|name| field.get_argument(name).is_some());
        let page = || PageArguments { first: argument("first"), last: argument("last"), chosen: chosen() };
        let account = || argument("account");
        let rows = match field.name.node.as_str() {
            "__schema" | "__type" => return,
            "teamMembers" => RowCount::TeamMembers { account: account(), page: page() },
            "members" => RowCount::Members(page()),
            "nodes" | "edges" => RowCount::PageArguments,
            "roles" => RowCount::Roles(account()),
            "teamMember" | "role" if field.get_argument("id").is_some() => RowCount::Lookup(account()),
            "_entities" => RowCount::Entities(argument("representations")),
            _ => RowCount::One,
        };
        let below = cells(&field.selection_set.node, fragments);
        if matches!(rows, RowCount::One) && below.fields.is_empty() {
            self.single = self.single.saturating_add(below.single.max(1));
        } else {
            self.fields.push((rows, below));
        }
    }
}

struct Estimator<'r> {
    variables: &'r Variables,
    pages: PageLimits,
    known: &'r dyn Fn(Option<&ConstValue>) -> RosterSize,
}

/// Where in the answer a selection set stands.
#[derive(Clone, Copy)]
struct Level {
    /// The roster that it reads.
    roster: RosterSize,
    /// How many members the connection around it shows.
    page: usize,
}

impl Estimator<'_> {
    fn cells(&self, cells: &Cells, level: Level) -> usize {
        let fields = cells.fields.iter().map(|(rows, below)| self.field(rows, below, level));
        fields.fold(cells.single, usize::saturating_add)
    }

    fn field(&self, rows: &RowCount, below: &Cells, level: Level) -> usize {
        let connection = |page: &PageArguments, roster: RosterSize| {
            let looked_through = if page.chosen { roster.members.unwrap_or(self.pages.max) } else { 0 };
            let level = Level { roster, page: self.page(page, roster) };
            self.cells(below, level).max(1).saturating_add(looked_through / LOOKED_THROUGH)
        };
        let (rows, level) = match rows {
            RowCount::One => (1, level),
            RowCount::Lookup(account) => (1, Level { roster: self.roster(account), ..level }),
            RowCount::TeamMembers { account, page } => return connection(page, self.roster(account)),
            RowCount::Members(page) => return connection(page, level.roster),
            RowCount::PageArguments => (level.page, level),
            RowCount::Roles(account) => {
                let roster = self.roster(account);
                (roster.roles.unwrap_or(self.pages.default), Level { roster, ..level })
            }
            RowCount::Entities(representations) => {
                let value = self.value(representations);
                let list = match value.as_deref() {
                    Some(ConstValue::List(list)) => list,
                    single => single.map(std::slice::from_ref).unwrap_or_default(),
                };
                (list.len().max(1), Level { roster: self.largest(list), ..level })
            }
        };
        rows.saturating_mul(self.cells(below, level).max(1))
    }

    /// What is known of the largest roster that these representations are read from.
    fn largest(&self, representations: &[ConstValue]) -> RosterSize {
        let mut accounts: Vec<Option<&ConstValue>> = representations.iter().map(account).collect();
        accounts.dedup();
        let known = accounts.into_iter().map(self.known);
        let larger = |one: RosterSize, other: RosterSize| RosterSize {
            members: one.members.zip(other.members).map(|(one, other)| one.max(other)),
            roles: one.roles.zip(other.roles).map(|(one, other)| one.max(other)),
        };
        known.reduce(larger).unwrap_or_default()
    }

    fn roster(&self, account: &WrittenArgument) -> RosterSize {
        (self.known)(self.value(account).as_deref())
    }

    /// How many members a connection shows at most.
    fn page(&self, page: &PageArguments, roster: RosterSize) -> usize {
        let length = |argument| match self.value(argument).as_deref() {
            Some(ConstValue::Number(number)) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
            _ => None,
        };
        let asked = length(&page.first).or_else(|| length(&page.last)).unwrap_or(self.pages.default);
        asked.min(self.pages.max).min(roster.members.unwrap_or(usize::MAX))
    }

    /// An argument's value with its variables substitute_borrowed in; `None` when it is absent or null.
    fn value(&self, argument: &WrittenArgument) -> Option<Cow<'_, ConstValue>> {
        substitute_borrowed(argument.as_ref()?, self.variables).filter(|value| **value != ConstValue::Null)
    }
}

/// The account that a representation names.
fn account(representation: &ConstValue) -> Option<&ConstValue> {
    match representation {
        ConstValue::Object(fields) => fields.get("account").filter(|account| **account != ConstValue::Null),
        _ => None,
    }
}
