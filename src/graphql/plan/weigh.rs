//! Weighing: an operation's cost, from its fields' definitions in the schema.
//!
//! Nothing here matches a field's name: what is a list, what its rows are and which arguments it has, the schema says. A
//! test walks the schema and finds a cost for each of its lists.

use apollo_compiler::Node;
use apollo_compiler::ast::FieldDefinition;
use apollo_compiler::executable::SelectionSet;
use apollo_compiler::schema::ExtendedType;

use super::collect::{Collected, Collector};
use crate::graphql::limits::{
    ArgumentId, ArgumentKind, FieldCost, OperationArguments, OperationCost, PageWork, Rows, SelectionCost, SizeLimits,
    leaf_cells,
};

/// What is resolved field by field counts as so many times a cell: fields that tell about the schema as so many of them do.
const DESCRIBED: usize = 32;
/// How many items a list has that tells about a part of the schema.
const LISTED: usize = 5;

/// Works out the cost of one operation, and finds its arguments.
pub(super) struct Weigher<'w, 'd> {
    pub(super) collector: &'w Collector<'d>,
    pub(super) arguments: &'w mut OperationArguments,
    pub(super) limits: SizeLimits,
    pub(super) cost: OperationCost,
}

impl<'d> Weigher<'_, 'd> {
    /// Weighs a root field.
    pub(super) fn root(&mut self, field: &Collected<'d>, on: &str) -> Option<()> {
        if field.name() == "__typename" {
            self.cost.cells += 1;
            return Some(());
        }
        let cost = if field.name().starts_with("__") {
            // The schema describes itself at no team's cost.
            let fields = self.described(field, on)?;
            self.cost.cells = self.cost.cells.saturating_add(fields / DESCRIBED);
            FieldCost { rows: Rows::Free, first: None, below: Box::default() }
        } else {
            self.field(field, on)?
        };
        self.cost.roots.push(cost);
        Some(())
    }

    /// How many fields of types and their like are resolved, in a schema that is like others: all its types have a few fields each.
    fn described(&self, field: &Collected<'d>, on: &str) -> Option<usize> {
        let types = &self.collector.document.schema().types;
        let items = match field.field.definition.ty.is_list() {
            true if on == "__Schema" => types.len(),
            true => LISTED,
            false => 1,
        };
        let of = field.type_name();
        let below = self.collector.fields(&field.below, of).ok()?;
        let below: Option<usize> = below.iter().map(|field| self.described(field, of)).sum();
        Some(below?.saturating_add(1).saturating_mul(items))
    }

    fn selection(&mut self, sets: &[&'d SelectionSet], on: &str) -> Option<SelectionCost> {
        let mut selection = SelectionCost::default();
        for field in self.collector.fields(sets, on).ok()? {
            let cost = self.field(&field, on)?;
            match &*cost.below {
                // A leaf, or an object of leaves.
                [] if cost.rows == Rows::One => selection.cells += leaf_cells(on, field.name()),
                [only] if cost.rows == Rows::One && only.fields.is_empty() => selection.cells += only.cells.max(1),
                _ => selection.fields.push(cost),
            }
        }
        Some(selection)
    }

    fn field(&mut self, field: &Collected<'d>, on: &str) -> Option<FieldCost> {
        let (rows, first) = self.rows(field, on);
        let schema = self.collector.document.schema();
        let types: Vec<&str> = match schema.types.get(field.type_name()) {
            Some(ExtendedType::Object(object)) => vec![object.name.as_str()],
            Some(ExtendedType::Union(union)) => union.members.iter().map(|name| name.as_str()).collect(),
            Some(ExtendedType::Interface(interface)) => {
                let implements = |on: &&ExtendedType| on.is_object() && schema.is_subtype(&interface.name, on.name());
                schema.types.values().filter(implements).map(|on| on.name().as_str()).collect()
            }
            _ => Vec::new(),
        };
        let below: Option<Box<[_]>> = types.into_iter().map(|on| self.selection(&field.below, on)).collect();
        Some(FieldCost { rows, first, below: below? })
    }

    /// The rows of a field, and the argument that says how many of them are shown.
    fn rows(&mut self, field: &Collected<'d>, on: &str) -> (Rows, Option<ArgumentId>) {
        let definition = &field.field.definition;
        let schema = self.collector.document.schema();
        let kinds: Vec<_> = definition
            .arguments
            .iter()
            .map(|argument| (ArgumentKind::of(argument, schema), self.argument(field, &argument.name)))
            .collect();
        let given = |kind| kinds.iter().find(|(known, id)| *known == kind && id.is_some()).and_then(|(_, id)| *id);
        let takes = |kind| kinds.iter().any(|(known, _)| *known == kind);
        if definition.ty.is_list() {
            let rows = match (given(ArgumentKind::Representations), given(ArgumentKind::GroupKeys)) {
                (Some(representations), _) => Rows::Entities(representations),
                (_, Some(by)) => Rows::Groups(by),
                _ => rows_of(definition, schema.types.get(field.type_name())).unwrap_or(Rows::Unknown),
            };
            return (rows, given(ArgumentKind::PageLength));
        }
        if takes(ArgumentKind::PageLength) {
            let (filter, order) = (given(ArgumentKind::Filter), given(ArgumentKind::Order));
            let (search, of_role) = (given(ArgumentKind::Search), on == "Role");
            self.cost.filters.extend(filter);
            self.cost.finds_in_roles |= of_role && filter.or(order).or(search).is_some();
            let mut cursors = kinds.iter().filter(|(kind, _)| *kind == ArgumentKind::Cursor).map(|(_, id)| *id);
            let page = PageWork {
                filter,
                order,
                search,
                length: given(ArgumentKind::PageLength),
                cursors: std::array::from_fn(|_| cursors.next().flatten()),
                of_role,
            };
            return (Rows::Page(page), None);
        }
        (if kinds.is_empty() { Rows::One } else { Rows::Lookup }, None)
    }

    /// The argument of this name; `None` where the field has none of it, and the schema no default for it.
    pub(super) fn argument(&mut self, field: &Collected<'d>, name: &str) -> Option<ArgumentId> {
        let field = &**field.field;
        let definition = field.definition.argument_by_name(name)?;
        let value = field.specified_argument_by_name(name).or(definition.default_value.as_ref())?;
        Some(self.arguments.add(definition, value, self.collector.document.schema(), self.limits))
    }
}

/// The rows of a list without representations.
pub(super) fn rows_of(definition: &Node<FieldDefinition>, of: Option<&ExtendedType>) -> Option<Rows> {
    Rows::of_list(definition, of.is_some_and(ExtendedType::is_leaf))
}
