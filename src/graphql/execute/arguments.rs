//! Arguments: a plan's arguments, coerced with a request's variables, become values of the schema's types.
//!
//! Each distinct argument is coerced once, however many fields have it, and what a filter, a search or an order is prepared
//! into is shared. An argument that cannot be coerced is its fields' error.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use apollo_compiler::ast::Value;
use async_graphql::{Error, ID, InputType, Result};
use async_graphql_value::ConstValue;
use smallvec::SmallVec;

use super::entity_list::EntityList;
use crate::graphql::error::{Code, fault};
use crate::graphql::language::{
    ArgumentError, CoercedVariables, Document, SentRepresentations, coerce_argument, coerce_field,
};
use crate::graphql::limits::{ArgumentKind, OperationArgument};
use crate::graphql::plan::plan::{Argument, GroupSlot, LengthSlot, ListSlot, Plan, PlannedField, RootField};
use crate::graphql::schema::{
    FilterContext, FilterValue, ListParts, PreparedGroups, PreparedList, Representation, Session, TeamMemberOrder,
    account_of, filter_of, list_length, order, read_filter, unreadable,
};
use crate::model::{Account, Filter, Order, Scopes};

/// The arguments of a plan's fields.
pub(super) struct Arguments {
    /// Of each root field, in order.
    pub(super) roots: SmallVec<[Result<RootArguments>; 1]>,
    /// Of fields below the root, too.
    pub(super) slots: ArgumentSlots,
}

/// The arguments that a plan has a place for: what each asks for, or why it cannot be answered.
pub(super) struct ArgumentSlots {
    /// Most plans have one list.
    pub(super) lists: SmallVec<[Result<PreparedList>; 1]>,
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
    Entities(EntityList<Option<Account>>),
    /// Nothing of a team is asked for.
    Meta,
}

impl Arguments {
    /// Coerces the arguments of a plan and reads them.
    pub(super) fn of(plan: &Plan, document: &Document, variables: &CoercedVariables, session: &Session) -> Self {
        let source = ArgumentSource { document, variables };
        let read = |argument| ReadArgument { coerced: source.read(argument), filter: None, order: None };
        let arguments = plan.arguments.iter().map(read).collect();
        let mut reader = ArgumentReader { source, arguments, session, both: HashMap::new() };
        let roots = plan.roots.fields.iter().map(|item| reader.root(item)).collect();
        let lists = plan.lists.iter().map(|slot| reader.list(*slot)).collect();
        let lengths: Vec<_> = plan.lengths.iter().map(|slot| reader.length(*slot)).collect();
        let groups = plan.groups.iter().map(|slot| reader.groups(*slot)).collect();
        let ids = plan.ids.iter().map(|id| reader.parse::<ID>(*id).map(|id| id.0)).collect();
        let refuses_more = plan.lengths.iter().zip(&lengths).any(|(slot, read)| slot.is_non_null && read.is_err());
        Self { roots, slots: ArgumentSlots { lists, lengths, groups, ids, refuses_more } }
    }
}

/// The surroundings of arguments.
#[derive(Clone, Copy)]
struct ArgumentSource<'r> {
    document: &'r Document,
    variables: &'r CoercedVariables,
}

impl<'r> ArgumentSource<'r> {
    fn read(self, argument: &'r OperationArgument) -> Result<Option<CoercedArgument<'r>>> {
        match &*argument.value {
            // What a variable holds was coerced to its own type, which fits here: it is read where it is.
            Value::Variable(name) => {
                if let Some(list) = self.variables.representations(name) {
                    return Ok(Some(CoercedArgument::Representations(list)));
                }
                if let Some(value) = self.variables.get(name).filter(|value| **value != ConstValue::Null) {
                    return Ok(Some(CoercedArgument::Value(Cow::Borrowed(value))));
                }
            }
            Value::Object(_) if argument.kind == ArgumentKind::Filter => {
                return Ok(Some(CoercedArgument::Literal(argument)));
            }
            _ => {}
        }
        Ok(self.coerce(argument)?.map(|value| CoercedArgument::Value(Cow::Owned(value))))
    }

    fn coerce(self, argument: &OperationArgument) -> Result<Option<ConstValue>> {
        let schema = self.document.served_schema();
        let coerced = coerce_argument(schema, &argument.definition, Some(&argument.value), self.variables);
        coerced.map_err(|error| failed(self.document, error))
    }

    /// The condition of a filter that is a literal. One that is not simply right is coerced, to tell what is wrong with it.
    fn literal_filter(self, argument: &OperationArgument, scopes: Scopes) -> PreparedFilter {
        let Self { document, variables } = self;
        let context = FilterContext {
            scopes,
            variable: &|name| variables.get(name),
            literal: &|of, field, value| coerce_field(document.served_schema(), (of, field), value, variables),
        };
        let filter = match read_filter(FilterValue::Written(&argument.value), &context) {
            Ok(filter) => filter,
            Err(_) => match self.coerce(argument)? {
                Some(value) => filter_of(&value, scopes)?,
                None => return Ok(None),
            },
        };
        Ok(Some(Arc::new(filter)))
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
    /// A filter that was not coerced: it is read where it stands.
    Literal(&'r OperationArgument),
}

/// A prepared condition, where there is one.
type PreparedFilter = Result<Option<Arc<Filter>>>;

/// An argument, and what was made of it.
struct ReadArgument<'r> {
    coerced: Result<Option<CoercedArgument<'r>>>,
    /// The condition of a filter or a search that was prepared.
    filter: Option<PreparedFilter>,
    /// The order that was prepared.
    order: Option<Result<Arc<Order>>>,
}

struct ArgumentReader<'r> {
    source: ArgumentSource<'r>,
    /// By `ArgumentId`.
    arguments: SmallVec<[ReadArgument<'r>; 4]>,
    session: &'r Session,
    /// Of a search and a filter together.
    both: HashMap<(Argument, Argument), Arc<Filter>>,
}

/// The order of lists that ask for none.
static BY_ID: LazyLock<Arc<Order>> = LazyLock::new(|| Arc::new(order(None)));

impl<'r> ArgumentReader<'r> {
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

    fn entities(&self, argument: Argument) -> Result<EntityList<Option<Account>>> {
        if let Ok(Some(CoercedArgument::Representations(list))) = self.coerced(argument) {
            return Ok(sent_entities(list));
        }
        let Some(ConstValue::List(list)) = self.value(argument)? else { return Err(unreadable()) };
        let mut entities = EntityList::with_capacity(list.len());
        for value in list {
            read_entity(value, &mut entities);
        }
        Ok(entities)
    }

    fn list(&mut self, slot: ListSlot) -> Result<PreparedList> {
        let search = self.search(slot.search)?;
        let filter = self.filter(slot.filter);
        // What the caller may not filter by is an error of the list; what is no filter comes before the arguments after it.
        if filter.is_err() {
            self.value(slot.filter)?;
        }
        let order = self.order(slot.order_by)?;
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
        self.prepared(argument, |reader| {
            let contact = reader.session.scopes().contact;
            let text: Option<String> = reader.parse(argument)?;
            Ok(text.and_then(|text| Filter::search(&text, contact)).map(Arc::new))
        })
    }

    fn filter(&mut self, argument: Argument) -> PreparedFilter {
        let scopes = self.session.scopes();
        self.prepared(argument, |reader| match reader.coerced(argument)? {
            Some(CoercedArgument::Literal(literal)) => reader.source.literal_filter(literal, scopes),
            _ => match reader.value(argument)? {
                None | Some(ConstValue::Null) => Ok(None),
                Some(value) => filter_of(value, scopes).map(Arc::new).map(Some),
            },
        })
    }

    /// The condition of an argument, prepared once.
    fn prepared(&mut self, argument: Argument, prepare: impl FnOnce(&Self) -> PreparedFilter) -> PreparedFilter {
        let Some(id) = argument else { return Ok(None) };
        if let Some(known) = self.arguments.get(id).and_then(|known| known.filter.as_ref()) {
            return known.clone();
        }
        let prepared = prepare(self);
        if let Some(known) = self.arguments.get_mut(id) {
            known.filter = Some(prepared.clone());
        }
        prepared
    }

    fn order(&mut self, argument: Argument) -> Result<Arc<Order>> {
        let Some(id) = argument else { return Ok(BY_ID.clone()) };
        if let Some(known) = self.arguments.get(id).and_then(|known| known.order.as_ref()) {
            return known.clone();
        }
        let keys: Result<Option<Vec<TeamMemberOrder>>> = self.parse(argument);
        let order = keys.map(|keys| Arc::new(order(keys)));
        if let Some(known) = self.arguments.get_mut(id) {
            known.order = Some(order.clone());
        }
        order
    }

    fn parse<T: InputType>(&self, argument: Argument) -> Result<T> {
        T::parse(self.value(argument)?.cloned()).map_err(|_| unreadable())
    }

    /// The value of an argument, where the field has it.
    fn value(&self, argument: Argument) -> Result<Option<&ConstValue>> {
        Ok(match self.coerced(argument)? {
            None => None,
            Some(CoercedArgument::Value(value)) => Some(value),
            Some(CoercedArgument::Representations(list)) => Some(list.value()),
            // Whether it can be coerced is all that is asked.
            Some(CoercedArgument::Literal(literal)) => self.source.coerce(literal).map(|_| None)?,
        })
    }

    fn coerced(&self, argument: Argument) -> Result<Option<&CoercedArgument<'r>>> {
        match argument.and_then(|id| self.arguments.get(id)) {
            None => Ok(None),
            Some(argument) => argument.coerced.as_ref().map(Option::as_ref).map_err(Error::clone),
        }
    }
}

/// Reads representations; of those that differ in their ids only, the first.
fn sent_entities(list: &SentRepresentations) -> EntityList<Option<Account>> {
    let mut entities = EntityList::with_capacity(list.len());
    // Of each distinct one.
    let mut kinds: SmallVec<[usize; 4]> = SmallVec::new();
    for sent in list.iter() {
        match sent.id {
            Some(id) => entities.push(kinds[sent.like], id),
            None => kinds.push(read_entity(sent.value, &mut entities)),
        }
    }
    entities
}

/// Reads a representation, and says of which kind it is. Most are of the account that the one before is of.
fn read_entity(value: &ConstValue, entities: &mut EntityList<Option<Account>>) -> usize {
    let last = entities.last_kind().and_then(|kind| kind.as_ref().ok());
    let read = Representation::read(value, last.and_then(|(_, account)| account.as_ref()));
    let (kind, id) = match read {
        Ok(Representation { entity, id, account }) => (Ok((entity, account)), id),
        Err(error) => (Err(error), "".into()),
    };
    let kind = entities.kind(kind);
    entities.push(kind, &id);
    kind
}
