//! Arguments: a plan's arguments, coerced with a request's variables, become values of the schema's types.
//!
//! Each distinct argument is coerced once, however many fields have it, and what a filter, a search or an order is prepared
//! into is shared. An argument that cannot be coerced is its fields' error.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::ast::Value;
use apollo_compiler::validation::Valid;
use async_graphql::{Error, ID, InputType, Result};
use async_graphql_value::ConstValue;

use crate::graphql::error::{Code, fault};
use crate::graphql::language::{
    ArgumentError, CoercedVariables, Document, SentRepresentation, SentRepresentations, coerce_argument,
};
use crate::graphql::limits::OperationArgument;
use crate::graphql::plan::plan::{Argument, GroupSlot, LengthSlot, ListSlot, Plan, PlannedField, RootField};
use crate::graphql::schema::{
    ListParts, PreparedGroups, PreparedList, Representation, Session, TeamMemberFilter, TeamMemberOrder, account_of,
    list_length, order,
};
use crate::model::{Account, Filter, Order};

/// The arguments of a plan's fields.
pub(super) struct Arguments {
    /// Of each root field, in order.
    pub(super) roots: Vec<Result<RootArguments>>,
    /// Of fields below the root, too.
    pub(super) slots: ArgumentSlots,
}

/// The arguments that a plan has a place for: what each asks for, or why it cannot be answered.
pub(super) struct ArgumentSlots {
    pub(super) lists: Vec<Result<PreparedList>>,
    /// Of lists that have no pages.
    pub(super) lengths: Vec<Result<usize>>,
    pub(super) groups: Vec<Result<PreparedGroups>>,
    pub(super) ids: Vec<Result<String>>,
    /// Whether a refused argument takes more than its own field with it.
    pub(super) refuses_more: bool,
}

pub(super) enum RootArguments {
    /// `team`, `teamMembers` and `roles`.
    All(Option<Account>),
    /// `teamMember`, `role` and `node`.
    One(String, Option<Account>),
    Entities(Vec<Result<Representation>>),
    /// Nothing of a team is asked for.
    Meta,
}

impl Arguments {
    /// Coerces the arguments of a plan and reads them.
    pub(super) fn of(plan: &Plan, document: &Document, variables: &CoercedVariables, session: &Session) -> Self {
        let schema: &Valid<Schema> = document.schema();
        let coerce = |argument: &OperationArgument| {
            // What a variable holds was coerced to its own type, which fits here: it is read where it is.
            if let Value::Variable(name) = &*argument.value {
                if let Some(list) = variables.representations(name) {
                    return Ok(Some(CoercedArgument::Representations(list)));
                }
                if let Some(value) = variables.get(name).filter(|value| **value != ConstValue::Null) {
                    return Ok(Some(CoercedArgument::Value(Cow::Borrowed(value))));
                }
            }
            let coerced = coerce_argument(schema, &argument.definition, Some(&argument.value), variables);
            let coerced = coerced.map_err(|error| failed(document, error))?;
            Ok(coerced.map(|value| CoercedArgument::Value(Cow::Owned(value))))
        };
        let mut reader = ArgumentReader {
            coerced: plan.arguments.iter().map(coerce).collect(),
            session,
            searches: HashMap::new(),
            filters: HashMap::new(),
            both: HashMap::new(),
            orders: HashMap::new(),
        };
        let roots = plan.roots.fields.iter().map(|item| reader.root(item)).collect();
        let lists = plan.lists.iter().map(|slot| reader.list(*slot)).collect();
        let lengths: Vec<_> = plan.lengths.iter().map(|slot| reader.length(*slot)).collect();
        let groups = plan.groups.iter().map(|slot| reader.groups(*slot)).collect();
        let ids = plan.ids.iter().map(|id| reader.parse::<ID>(*id).map(|id| id.0)).collect();
        let refuses_more = plan.lengths.iter().zip(&lengths).any(|(slot, read)| slot.is_non_null && read.is_err());
        Self { roots, slots: ArgumentSlots { lists, lengths, groups, ids, refuses_more } }
    }
}

/// The error of a field whose argument cannot be coerced. Its source is the argument's position.
fn failed(document: &Document, error: ArgumentError) -> Error {
    let source = error.location.map(|at| document.pos(Some(at)));
    let mut failed = fault(Code::BadUserInput, error.message);
    failed.source = source.map(|pos| Arc::new(pos) as _);
    failed
}

/// The value of an argument.
enum CoercedArgument<'r> {
    Value(Cow<'r, ConstValue>),
    Representations(&'r SentRepresentations),
}

/// A prepared condition, where there is one.
type PreparedFilter = Result<Option<Arc<Filter>>>;

struct ArgumentReader<'r> {
    /// By `ArgumentId`.
    coerced: Vec<Result<Option<CoercedArgument<'r>>>>,
    session: &'r Session,
    searches: HashMap<Argument, PreparedFilter>,
    filters: HashMap<Argument, PreparedFilter>,
    /// Of a search and a filter together.
    both: HashMap<(Argument, Argument), Arc<Filter>>,
    orders: HashMap<Argument, Result<Arc<Order>>>,
}

impl ArgumentReader<'_> {
    fn root(&self, item: &PlannedField<RootField>) -> Result<RootArguments> {
        Ok(match &item.field {
            RootField::Team { account, .. }
            | RootField::TeamChanges { account, .. }
            | RootField::TeamMembers { account, .. }
            | RootField::Roles { account, .. } => RootArguments::All(self.account(*account)?),
            RootField::TeamMember { id, account, .. } | RootField::Role { id, account, .. } => {
                RootArguments::One(self.parse::<ID>(*id)?.0, self.account(*account)?)
            }
            RootField::Node { id, .. } => RootArguments::One(self.parse::<ID>(*id)?.0, None),
            RootField::Entities { representations, .. } => RootArguments::Entities(self.entities(*representations)?),
            RootField::Meta => RootArguments::Meta,
        })
    }

    fn account(&self, argument: Argument) -> Result<Option<Account>> {
        match self.value(argument)? {
            None | Some(ConstValue::Null) => Ok(None),
            Some(value) => account_of(value, None).map(Some).ok_or_else(unreadable),
        }
    }

    fn entities(&self, argument: Argument) -> Result<Vec<Result<Representation>>> {
        if let Some(Ok(Some(CoercedArgument::Representations(list)))) = argument.and_then(|id| self.coerced.get(id)) {
            return Ok(representations(list));
        }
        match self.value(argument)? {
            Some(ConstValue::List(list)) => {
                let mut reader = RepresentationReader::default();
                Ok(list.iter().map(|value| reader.read(value)).collect())
            }
            _ => Err(unreadable()),
        }
    }

    fn list(&mut self, slot: ListSlot) -> Result<PreparedList> {
        let search = self.search(slot.search)?;
        let filter = self.filter(slot.filter);
        // What the caller may not filter by is an error of the list; what is no filter comes before the arguments after it.
        let order = match self.value(slot.filter) {
            Ok(_) => self.order(slot.order_by)?,
            Err(error) => return Err(error),
        };
        let (first, after) = (self.parse(slot.first)?, self.parse(slot.after)?);
        let (last, before) = (self.parse(slot.last)?, self.parse(slot.before)?);
        let filter = match (search, filter?) {
            (Some(search), Some(filter)) => {
                let both = || Arc::new(Filter::And(vec![Filter::clone(&search), Filter::clone(&filter)]));
                Some(self.both.entry((slot.search, slot.filter)).or_insert_with(both).clone())
            }
            (search, filter) => search.or(filter),
        };
        ListParts { filter, order, first, after, last, before }.prepare(self.session)
    }

    fn length(&self, slot: LengthSlot) -> Result<usize> {
        list_length(self.parse(slot.first)?)
    }

    fn groups(&self, slot: GroupSlot) -> Result<PreparedGroups> {
        PreparedGroups::new(self.parse(slot.by)?, self.parse(slot.order_by)?, self.parse(slot.first)?)
    }

    fn search(&mut self, argument: Argument) -> PreparedFilter {
        if argument.is_none() {
            return Ok(None);
        }
        if let Some(known) = self.searches.get(&argument) {
            return known.clone();
        }
        let contact = self.session.scopes().contact;
        let text: Result<Option<String>> = self.parse(argument);
        let search = text.map(|text| text.and_then(|text| Filter::search(&text, contact)).map(Arc::new));
        self.searches.insert(argument, search.clone());
        search
    }

    fn filter(&mut self, argument: Argument) -> PreparedFilter {
        if argument.is_none() {
            return Ok(None);
        }
        if let Some(known) = self.filters.get(&argument) {
            return known.clone();
        }
        let filter: Result<Option<Box<TeamMemberFilter>>> = self.parse_once(argument);
        let prepare = |filter: Box<TeamMemberFilter>| filter.prepare(self.session.scopes()).map(Arc::new);
        let prepared = filter.and_then(|filter| filter.map(prepare).transpose());
        self.filters.insert(argument, prepared.clone());
        prepared
    }

    fn order(&mut self, argument: Argument) -> Result<Arc<Order>> {
        if argument.is_none() {
            return Ok(Arc::new(order(None)));
        }
        if let Some(known) = self.orders.get(&argument) {
            return known.clone();
        }
        let keys: Result<Option<Vec<TeamMemberOrder>>> = self.parse_once(argument);
        let order = keys.map(|keys| Arc::new(order(keys)));
        self.orders.insert(argument, order.clone());
        order
    }

    /// As [`parse`](Self::parse), of an argument whose type is asked for only once: what was made for it is taken instead of copied.
    fn parse_once<T: InputType>(&mut self, argument: Argument) -> Result<T> {
        let coerced = argument.and_then(|id| self.coerced.get_mut(id));
        match coerced {
            Some(Ok(Some(CoercedArgument::Value(Cow::Owned(value))))) => {
                T::parse(Some(std::mem::take(value))).map_err(|_| unreadable())
            }
            _ => self.parse(argument),
        }
    }

    fn parse<T: InputType>(&self, argument: Argument) -> Result<T> {
        T::parse(self.value(argument)?.cloned()).map_err(|_| unreadable())
    }

    /// The value of an argument, where the field has it.
    fn value(&self, argument: Argument) -> Result<Option<&ConstValue>> {
        match argument.and_then(|id| self.coerced.get(id)) {
            None | Some(Ok(None)) => Ok(None),
            Some(Ok(Some(CoercedArgument::Value(value)))) => Ok(Some(value)),
            Some(Ok(Some(CoercedArgument::Representations(list)))) => Ok(Some(list.value())),
            Some(Err(error)) => Err(error.clone()),
        }
    }
}

/// Reads representations one after the other: most are of the account that the one before is of.
#[derive(Default)]
struct RepresentationReader {
    last: Option<Account>,
}

impl RepresentationReader {
    fn read(&mut self, value: &ConstValue) -> Result<Representation> {
        let representation = Representation::read(value, self.last.as_ref());
        if let Ok(Representation { account: Some(account), .. }) = &representation {
            self.last = Some(account.clone());
        }
        representation
    }
}

/// Reads representations; of those that differ in their ids only, the first.
fn representations(list: &SentRepresentations) -> Vec<Result<Representation>> {
    let mut known: Vec<Result<Representation>> = Vec::new();
    let mut reader = RepresentationReader::default();
    let read = |sent: SentRepresentation<'_>| {
        if sent.like == known.len() {
            known.push(reader.read(sent.value));
        }
        match (&known[sent.like], sent.id) {
            (Ok(known), Some(id)) => Ok(known.with_id(id)),
            (known, _) => known.clone(),
        }
    };
    list.iter().map(read).collect()
}

/// A coerced value is a value of its type, so this error does not occur.
fn unreadable() -> Error {
    fault(Code::BadUserInput, "an argument cannot be read")
}
