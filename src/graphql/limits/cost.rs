//! Cost: how much work an operation can be, in cells, estimated before anything is computed.
//!
//! A cell is one field of one row in the answer. What a list looks through to find its rows is work as well: each test of a
//! filter, each character of a search and each comparison of a sort, for every row of the team. The operation's part of the
//! sum is worked out once (by `plan`); a request adds its arguments and the sizes of the teams that it reads. First the sizes
//! are the least that a team can have: what is refused then is too much for any team. Then they are the teams' own, once
//! those are loaded. So the verdict does not depend on what a cache holds.

use apollo_compiler::ast::FieldDefinition;

use super::arguments::{ArgumentId, ArgumentSize};
use crate::model::PageLimits;

/// All work is counted in steps, so that small things count too: a cell is so many. What a list looks through leaves no trace in
/// the answer, so it is bounded more tightly than what is written: a step of it is a fifth of a nanosecond of a processor, measured
/// over 10,000 members with an optimised build, with the texts and orders that take longest.
const CELL: usize = 16;
/// Looking at a row that a list may leave out.
const LOOK: usize = 2;
/// Looking for a text in one folded text of a row: a letter that each of them has takes longest.
const SCAN: usize = 64;
/// A search scans names and addresses; numbers, which fewer texts are, are short.
const SEARCH_SCANS: usize = 2;
/// Sorting a row by one key.
const SORT_KEY: usize = 48;
/// Finding where a row is in relation to a cursor, in a sorted list.
const CURSOR: usize = 16;
/// Making one test of a filter ready for a list.
const MADE: usize = 64;
/// Counting one row in its group, and reading a field of its key.
const GROUP: usize = 32;
const GROUP_FIELD: usize = 18;
/// The rows of a role lie apart in memory: looking through them takes so many times as long.
const APART: usize = 2;
/// Putting an item of a list argument into its set.
const ITEM: usize = 128;
/// Folding a character of a text that is looked for.
const CHARACTER: usize = 16;

/// Texts that are made for each row, where all others are copied, are so many cells.
const MADE_TEXT: usize = 16;

/// How many cells a field without a selection is.
pub(in crate::graphql) fn leaf_cells(on: &str, name: &str) -> usize {
    match (on, name) {
        ("TeamMemberEdge", "cursor") | ("TeamMemberPhone", "e164") => MADE_TEXT,
        _ => 1,
    }
}

/// The sizes of one team that a cost depends on. The default is the least that a team can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::graphql) struct RosterSize {
    pub(in crate::graphql) members: usize,
    pub(in crate::graphql) roles: usize,
    /// Members of the role that has the most.
    pub(in crate::graphql) largest_role: usize,
    pub(in crate::graphql) skipped_rows: usize,
    /// Unrecognized values of the member that has the most.
    pub(in crate::graphql) unrecognized: usize,
    /// Items of the longest list that a member has.
    pub(in crate::graphql) list_items: usize,
}

/// The rows of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "`SkippedRows` is the name of the field")]
pub(in crate::graphql) enum Rows {
    /// The field is no list.
    One,
    /// One object that is looked up by an identifier.
    Lookup,
    /// The field shows a page of an account's members, or of a role's.
    Page(PageWork),
    /// The members of the page around it, or of the whole team.
    Shown,
    Roles,
    /// The members of the page's list, on all pages, by key.
    Groups(ArgumentId),
    SkippedRows,
    Unrecognized,
    /// Scalars of one member.
    Scalars,
    /// A list that has no better estimate: as many as a page can have.
    Unknown,
    /// Nothing that depends on a team.
    Free,
    /// The entities that representations refer to, each looked up.
    Entities(ArgumentId),
}

/// The work of finding a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::graphql) struct PageWork {
    pub(in crate::graphql) filter: Option<ArgumentId>,
    pub(in crate::graphql) order: Option<ArgumentId>,
    pub(in crate::graphql) search: Option<ArgumentId>,
    pub(in crate::graphql) length: Option<ArgumentId>,
    pub(in crate::graphql) cursors: [Option<ArgumentId>; 2],
    /// Whether the rows are those of one role.
    pub(in crate::graphql) of_role: bool,
}

impl Rows {
    /// The rows of a list, by the type of its items; `None` for a list without a cost.
    pub(in crate::graphql) fn of_list(definition: &FieldDefinition, items_are_scalars: bool) -> Option<Self> {
        debug_assert!(definition.ty.is_list());
        Some(match definition.ty.inner_named_type().as_str() {
            "TeamMember" | "TeamMemberEdge" => Self::Shown,
            "Role" => Self::Roles,
            "SkippedRow" => Self::SkippedRows,
            "UnrecognizedField" => Self::Unrecognized,
            _ if items_are_scalars => Self::Scalars,
            _ => return None,
        })
    }
}

/// A field, and what is selected below it.
#[derive(Debug)]
pub(in crate::graphql) struct FieldCost {
    pub(in crate::graphql) rows: Rows,
    /// How many of a list's rows are shown, where an argument says so.
    pub(in crate::graphql) first: Option<ArgumentId>,
    /// For each type that its objects can be of.
    pub(in crate::graphql) below: Box<[SelectionCost]>,
}

/// The fields of one object.
#[derive(Debug, Default)]
pub(in crate::graphql) struct SelectionCost {
    /// How many of them are one cell each.
    pub(in crate::graphql) cells: usize,
    /// The others.
    pub(in crate::graphql) fields: Vec<FieldCost>,
}

/// An operation's cost, before its arguments and teams are known.
#[derive(Debug, Default)]
pub(in crate::graphql) struct OperationCost {
    /// Of each root field, in order.
    pub(in crate::graphql) roots: Vec<FieldCost>,
    /// Cells beside them.
    pub(in crate::graphql) cells: usize,
    /// The filters of all lists, each as often as a list has it.
    pub(in crate::graphql) filters: Vec<ArgumentId>,
    /// Whether a list finds or sorts the members of a role.
    pub(in crate::graphql) finds_in_roles: bool,
}

/// The teams that a root field reads: how many of its rows are read from a team of which size. Representations may name
/// several teams.
pub(in crate::graphql) type TeamSizes<'t> = &'t dyn Fn(usize, &mut dyn FnMut(usize, RosterSize));

/// Calculates a request's cost from its operation's.
pub(in crate::graphql) struct Estimate<'e> {
    /// Of the operation's arguments, in order.
    pub(in crate::graphql) arguments: &'e [ArgumentSize],
    pub(in crate::graphql) pages: PageLimits,
    /// Whether what lists look through is counted, beside what is written.
    pub(in crate::graphql) finds: bool,
}

impl Estimate<'_> {
    /// The most cells that the operation can come to, whatever the teams are.
    pub(in crate::graphql) fn least(&self, cost: &OperationCost) -> usize {
        self.cells(cost, &|root, team| {
            let rows = match cost.roots.get(root).map(|field| field.rows) {
                Some(Rows::Entities(argument)) => self.argument(Some(argument)).items,
                _ => 1,
            };
            team(rows, RosterSize::default());
        })
    }

    /// The most cells that the operation can come to over these teams.
    pub(in crate::graphql) fn cells(&self, cost: &OperationCost, teams: TeamSizes<'_>) -> usize {
        let mut steps = self.arguments.iter().fold(cost.cells.saturating_mul(CELL), |sum, argument| {
            let built = if argument.terms > 0 { argument.items } else { 0 };
            let folded = argument.characters.saturating_mul(CHARACTER);
            sum.saturating_add(built.saturating_mul(ITEM)).saturating_add(folded)
        });
        for (root, field) in cost.roots.iter().enumerate() {
            teams(root, &mut |rows, team| {
                // Where no page is around them, they are all members.
                let level = CostLevel { team, shown: team.members, rows: 0, page: PageWork::default() };
                let one = match field.rows {
                    Rows::Entities(_) => self.below(field, level).saturating_add(CELL),
                    _ => self.field(field, level),
                };
                steps = steps.saturating_add(one.saturating_mul(rows));
            });
        }
        steps.div_ceil(CELL)
    }

    fn field(&self, field: &FieldCost, level: CostLevel) -> usize {
        let team = level.team;
        let rows = match field.rows {
            Rows::One => 1,
            Rows::Lookup | Rows::Entities(_) => return self.below(field, level).saturating_add(CELL),
            Rows::Page(page) => {
                let rows = if page.of_role { team.largest_role } else { team.members };
                let length = self.argument(page.length).length.unwrap_or(self.pages.default);
                let shown = length.min(self.pages.max).min(rows);
                let found = self.looked_through(page, rows);
                return self.below(field, CostLevel { shown, rows, page, ..level }).saturating_add(found);
            }
            Rows::Shown => level.shown,
            Rows::Roles => team.roles,
            Rows::Groups(by) => return self.groups(field, self.argument(Some(by)), level),
            Rows::SkippedRows => team.skipped_rows,
            Rows::Unrecognized => team.unrecognized,
            Rows::Scalars => team.list_items,
            Rows::Unknown => self.pages.max,
            Rows::Free => return 0,
        };
        let rows = self.argument(field.first).length.map_or(rows, |first| first.min(rows));
        // An empty list is written, too.
        self.below(field, level).saturating_mul(rows).max(CELL)
    }

    /// Each row that the list has found is counted, and each key that can occur is written.
    fn groups(&self, field: &FieldCost, by: ArgumentSize, level: CostLevel) -> usize {
        let keys = by.keys.max(1).saturating_mul(if by.has_roles { level.team.roles + 1 } else { 1 });
        let rows = keys.min(level.rows);
        let rows = self.argument(field.first).length.map_or(rows, |first| first.min(rows));
        let each = by.items.saturating_mul(GROUP_FIELD).saturating_add(GROUP);
        let each = each.saturating_mul(if level.page.of_role { APART } else { 1 });
        self.below(field, level).saturating_mul(rows).max(CELL).saturating_add(each.saturating_mul(level.rows))
    }

    fn below(&self, field: &FieldCost, level: CostLevel) -> usize {
        let of = |selection: &SelectionCost| {
            let fields = selection.fields.iter().map(|field| self.field(field, level));
            fields.fold(selection.cells.saturating_mul(CELL), usize::saturating_add)
        };
        field.below.iter().map(of).max().unwrap_or_default().max(CELL)
    }

    /// The cost of finding a page among so many rows.
    fn looked_through(&self, page: PageWork, rows: usize) -> usize {
        let (filter, search) = (self.argument(page.filter), self.argument(page.search));
        let order = self.argument(page.order);
        let scans = filter.scans.saturating_add(if search.characters > 0 { SEARCH_SCANS } else { 0 });
        let mut each = filter.row_steps.saturating_add(scans.saturating_mul(SCAN));
        if order.items > 0 {
            let cursors = page.cursors.iter().filter(|id| self.argument(**id).items > 0).count();
            each = each.saturating_add(order.items.saturating_mul(SORT_KEY)).saturating_add(cursors * CURSOR);
        }
        let made = filter.terms.saturating_mul(MADE);
        if each == 0 || !self.finds {
            return made;
        }
        let each = each.saturating_mul(if page.of_role { APART } else { 1 });
        each.saturating_add(LOOK).saturating_mul(rows).saturating_add(made)
    }

    fn argument(&self, id: Option<ArgumentId>) -> ArgumentSize {
        id.and_then(|id| self.arguments.get(id)).copied().unwrap_or_default()
    }
}

/// Where in the answer a field stands.
#[derive(Clone, Copy)]
struct CostLevel {
    team: RosterSize,
    /// How many members the connection around it shows.
    shown: usize,
    /// Among how many it finds them, and how.
    rows: usize,
    page: PageWork,
}

impl OperationCost {
    /// Memory held, in bytes.
    pub(in crate::graphql) fn size(&self) -> usize {
        fn size(field: &FieldCost) -> usize {
            let below = |selection: &SelectionCost| {
                size_of::<SelectionCost>() + selection.fields.iter().map(size).sum::<usize>()
            };
            size_of::<FieldCost>() + field.below.iter().map(below).sum::<usize>()
        }
        self.roots.iter().map(size).sum::<usize>() + self.filters.capacity() * size_of::<ArgumentId>()
    }
}
