//! Arguments: the variables of a request, substitute_borrowed into a plan, become values of the schema's types.
//!
//! The types' own parsers read them, the ones that the engine uses. Whatever they do not take is `None` here: the engine is
//! asked then, and says what is wrong.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::parser::types::OperationDefinition;
use async_graphql::registry::{MetaType, MetaTypeName, Registry};
use async_graphql::{ID, InputType, Variables};
use async_graphql_value::ConstValue;

use crate::graphql::language::substitute::substitute_borrowed;
use crate::graphql::plan::plan::{Argument, ListSlot, Plan, RootField};
use crate::graphql::schema::{
    AccountInput, ListArguments, Representation, TeamMemberFilter, TeamMemberOrder, account_of,
};
use crate::model::Account;

/// The arguments of a plan's fields.
pub(super) struct Arguments {
    /// Of each root field, in order.
    pub(super) roots: Vec<RootArguments>,
    /// Of each list.
    pub(super) lists: Vec<ListArguments>,
}

pub(super) enum RootArguments {
    /// `teamMembers` and `roles`.
    All(Option<Account>),
    /// `teamMember` and `role`.
    One(String, Option<Account>),
    Entities(Vec<async_graphql::Result<Representation>>),
}

/// The variables as the operation declares them: no others, and defaults for those that are missing.
pub(super) fn complete(operation: &OperationDefinition, mut given: Variables) -> Variables {
    let declared = &operation.variable_definitions;
    if given.len() == declared.len() && declared.iter().all(|definition| given.contains_key(&definition.node.name.node))
    {
        return given;
    }
    let mut complete = Variables::default();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = &definition.name.node;
        if let Some(value) = given.remove(name).or_else(|| definition.default_value().cloned()) {
            complete.insert(name.clone(), value);
        }
    }
    complete
}

impl Arguments {
    pub(super) fn of(plan: &Plan, variables: &Variables) -> Option<Self> {
        let root = |item: &crate::graphql::plan::plan::PlannedField<RootField>| match &item.field {
            RootField::TeamMembers { account, .. } | RootField::Roles { account, .. } => {
                Some(RootArguments::All(self::account(account, variables)?))
            }
            RootField::TeamMember { id, account, .. } | RootField::Role { id, account, .. } => {
                let id: ID = parse(id, variables)?;
                Some(RootArguments::One(id.0, self::account(account, variables)?))
            }
            RootField::Entities { representations, .. } => entities(representations, variables),
        };
        Some(Self {
            roots: plan.roots.fields.iter().map(root).collect::<Option<_>>()?,
            lists: plan.lists.iter().map(|slot| list(slot, variables)).collect::<Option<_>>()?,
        })
    }
}

fn account(argument: &Argument, variables: &Variables) -> Option<Option<Account>> {
    match value::<AccountInput>(argument, variables)?.as_deref() {
        None | Some(ConstValue::Null) => Some(None),
        Some(value) => account_of(value).map(Some),
    }
}

fn entities(argument: &Argument, variables: &Variables) -> Option<RootArguments> {
    let value = substitute_borrowed(argument.value.as_ref()?, variables)?;
    // A single value stands for a list of one; the type is `[_Any!]!`, so null is none.
    let list = match &*value {
        ConstValue::List(list) => list,
        single => std::slice::from_ref(single),
    };
    if list.contains(&ConstValue::Null) {
        return None;
    }
    Some(RootArguments::Entities(list.iter().map(Representation::read).collect()))
}

fn list(slot: &ListSlot, variables: &Variables) -> Option<ListArguments> {
    Some(ListArguments {
        search: parse(&slot.search, variables)?,
        filter: parse::<Option<Box<TeamMemberFilter>>>(&slot.filter, variables)?,
        order_by: parse::<Option<Vec<TeamMemberOrder>>>(&slot.order_by, variables)?,
        first: parse(&slot.first, variables)?,
        after: parse(&slot.after, variables)?,
        last: parse(&slot.last, variables)?,
        before: parse(&slot.before, variables)?,
    })
}

fn parse<T: InputType>(argument: &Argument, variables: &Variables) -> Option<T> {
    T::parse(value::<T>(argument, variables)?.map(Cow::into_owned)).ok()
}

/// The value of an argument of this type, where there is one, with the variables that it names.
fn value<'v, T: InputType>(argument: &Argument, variables: &'v Variables) -> Option<Option<Cow<'v, ConstValue>>> {
    let Some(written) = &argument.value else { return Some(None) };
    let value = substitute_borrowed(written, variables)?;
    (!argument.has_variables || fits(&T::type_name(), &value)).then_some(Some(value))
}

/// The fields of the schema's input objects, with their types.
static INPUTS: LazyLock<HashMap<String, HashMap<String, String>>> = LazyLock::new(|| {
    let mut registry = Registry::default();
    AccountInput::create_type_info(&mut registry);
    TeamMemberFilter::create_type_info(&mut registry);
    TeamMemberOrder::create_type_info(&mut registry);
    let fields = |kind: MetaType| match kind {
        MetaType::InputObject { name, input_fields, .. } => {
            Some((name, input_fields.into_values().map(|field| (field.name, field.ty)).collect()))
        }
        _ => None,
    };
    registry.types.into_values().filter_map(fields).collect()
});

/// Whether the objects in a value have only fields that there are: the one thing that the parsers do not look at. What a
/// document itself holds, the validator has seen.
fn fits(kind: &str, value: &ConstValue) -> bool {
    match value {
        ConstValue::List(list) => list.iter().all(|value| fits(kind, value)),
        ConstValue::Object(values) => match INPUTS.get(MetaTypeName::concrete_typename(kind)) {
            None => true,
            Some(fields) => {
                values.iter().all(|(name, value)| fields.get(name.as_str()).is_some_and(|kind| fits(kind, value)))
            }
        },
        _ => true,
    }
}
