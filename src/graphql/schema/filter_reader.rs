//! Reads a filter's value: the condition on a member that it means.
//!
//! All given conditions must hold. A condition that is null is left out; an operator that is null is refused, because a variable
//! that a client forgot to fill in would otherwise ask for the whole team. Objects are read in the order in which their types
//! declare their fields, so that the first mistake does not depend on the order in which they were written.

use std::fmt;

use apollo_compiler::{Node, ast};
use async_graphql::{Error, ID, InputType, Result, Value};

use super::enums::{LeadsVisibility, LiveAvailability, TeamMemberStatus, UserType};
use super::scalars::DateTime;
use crate::graphql::error::{Code, contact_forbidden, fault};
use crate::model::{Filter, FilterField, IdSet, IntCondition, Scopes, TextCondition, TimeCondition};

/// The condition that a filter means, for a caller with these scopes.
pub(in crate::graphql) fn filter_of(value: &Value, scopes: Scopes) -> Result<Filter> {
    read_filter(FilterValue::Given(value), &FilterContext { scopes, variable: &|_| None, literal: &|_, _, _| None })
}

/// The same, of a filter as it stands in a document, of which no value is made before. An error says only that it is not read
/// like this: the value that it would be coerced to tells what is wrong.
pub(in crate::graphql) fn read_filter<'v>(value: FilterValue<'v>, context: &FilterContext<'v, '_>) -> Result<Filter> {
    FilterObject { value, path: FilterPath { above: None, name: "filter", index: None }, context }.condition()
}

/// A filter, or a part of one.
#[derive(Clone, Copy)]
pub(in crate::graphql) enum FilterValue<'v> {
    Given(&'v Value),
    /// In the document; no variable.
    Written(&'v Node<ast::Value>),
}

/// Coerces a literal for a field of a type, which are named.
type LiteralCoercion<'v, 'c> = dyn Fn(&str, &str, &'v Node<ast::Value>) -> Option<Value> + 'c;

/// The surroundings of a filter that is read.
pub(in crate::graphql) struct FilterContext<'v, 'c> {
    pub(in crate::graphql) scopes: Scopes,
    /// A variable of the document, where it has a value.
    pub(in crate::graphql) variable: &'c dyn Fn(&str) -> Option<&'v Value>,
    /// What a literal is coerced to, for this field of this type.
    pub(in crate::graphql) literal: &'c LiteralCoercion<'v, 'c>,
}

impl<'v> FilterContext<'v, '_> {
    fn value(&self, written: &'v Node<ast::Value>) -> Option<FilterValue<'v>> {
        match &**written {
            ast::Value::Variable(name) => (self.variable)(name).map(FilterValue::Given),
            _ => Some(FilterValue::Written(written)),
        }
    }
}

impl<'v> FilterValue<'v> {
    fn is_null(self) -> bool {
        match self {
            Self::Given(value) => *value == Value::Null,
            Self::Written(value) => value.is_null(),
        }
    }

    fn is_object(self) -> bool {
        match self {
            Self::Given(value) => matches!(value, Value::Object(_)),
            Self::Written(value) => value.as_object().is_some(),
        }
    }

    /// A field of an object, where it is there. Objects have few fields.
    fn field(self, name: &str, context: &FilterContext<'v, '_>) -> Option<Self> {
        match self {
            Self::Given(Value::Object(fields)) => {
                fields.iter().find(|(known, _)| known.as_str() == name).map(|(_, value)| Self::Given(value))
            }
            Self::Given(_) => None,
            Self::Written(value) => {
                context.value(&value.as_object()?.iter().find(|(known, _)| known.as_str() == name)?.1)
            }
        }
    }
}

/// A value of an argument that does not fit its type. Values were coerced before, so this error does not occur.
pub(in crate::graphql) fn unreadable() -> Error {
    fault(Code::BadUserInput, "an argument cannot be read")
}

/// Where a value is in the arguments. It becomes a text where it is in an error.
#[derive(Clone, Copy)]
struct FilterPath<'p> {
    above: Option<&'p FilterPath<'p>>,
    name: &'static str,
    index: Option<usize>,
}

impl fmt::Display for FilterPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above}.")?;
        }
        f.write_str(self.name)?;
        self.index.map_or(Ok(()), |index| write!(f, "[{index}]"))
    }
}

/// An object of conditions.
struct FilterObject<'v, 'p> {
    value: FilterValue<'v>,
    path: FilterPath<'p>,
    context: &'p FilterContext<'v, 'p>,
}

impl<'v> FilterObject<'v, '_> {
    fn condition(&self) -> Result<Filter> {
        if !self.value.is_object() {
            return Err(unreadable());
        }
        let mut all = AllConditions::default();
        if let Some(filters) = self.given("and") {
            all.add(Filter::And(self.each("and", filters)?));
        }
        if let Some(filters) = self.given("or") {
            all.add(Filter::Or(self.each("or", filters)?));
        }
        if let Some(filter) = self.given("not") {
            all.add(Filter::Not(Box::new(self.below("not", None, filter).condition()?)));
        }
        if let Some(id) = self.operators("id", "TeamMemberIdFilter")? {
            id.identifiers(&mut all, Filter::Id, None)?;
        }
        if let Some(name) = self.operators("name", "TeamMemberStringFilter")? {
            name.texts(&mut all, Filter::Name, FilterField::Name)?;
        }
        if let Some(email) = self.operators("email", "TeamMemberStringFilter")? {
            // Even an empty test: what is forbidden is asking, not what comes of it.
            if !self.context.scopes.contact {
                return Err(contact_forbidden());
            }
            email.texts(&mut all, Filter::Email, FilterField::Email)?;
        }
        if let Some(role) = self.operators("roleId", "TeamMemberIdFilter")? {
            role.identifiers(&mut all, Filter::RoleId, Some(FilterField::RoleId))?;
        }
        all.extend(self.choice::<UserType, _>("type")?.map(Filter::Type));
        all.extend(self.choice::<TeamMemberStatus, _>("status")?.map(Filter::Status));
        all.extend(self.choice::<LiveAvailability, _>("liveAvailability")?.map(Filter::LiveAvailability));
        all.extend(self.choice::<LeadsVisibility, _>("leadsVisibility")?.map(Filter::LeadsVisibility));
        if let Some(number) = self.operators("unreadMessages", "TeamMemberIntFilter")? {
            number.numbers(&mut all)?;
        }
        if let Some(time) = self.operators("createdAt", "TeamMemberDateTimeFilter")? {
            time.times(&mut all, Filter::CreatedAt, FilterField::CreatedAt)?;
        }
        if let Some(time) = self.operators("updatedAt", "TeamMemberDateTimeFilter")? {
            time.times(&mut all, Filter::UpdatedAt, FilterField::UpdatedAt)?;
        }
        all.extend(self.read("whitelabel")?.map(Filter::Whitelabel));
        Ok(all.filter())
    }

    fn below<'b>(&'b self, name: &'static str, index: Option<usize>, value: FilterValue<'v>) -> FilterObject<'v, 'b> {
        FilterObject { value, path: FilterPath { above: Some(&self.path), name, index }, context: self.context }
    }

    /// The conditions of a list.
    fn each(&self, name: &'static str, filters: FilterValue<'v>) -> Result<Vec<Filter>> {
        let condition = |n: usize, item| self.below(name, Some(n), item).condition();
        match filters {
            FilterValue::Given(Value::List(items)) => {
                items.iter().enumerate().map(|(n, item)| condition(n, FilterValue::Given(item))).collect()
            }
            FilterValue::Written(list) => {
                let items = list.as_list().unwrap_or(std::slice::from_ref(list));
                let item = |(n, item)| condition(n, self.context.value(item).ok_or_else(unreadable)?);
                items.iter().enumerate().map(item).collect()
            }
            // A single value stands for a list of one.
            single => Ok(vec![condition(0, single)?]),
        }
    }

    /// The field, where it is given and not null.
    fn given(&self, name: &str) -> Option<FilterValue<'v>> {
        self.value.field(name, self.context).filter(|value| !value.is_null())
    }

    fn read<T: InputType>(&self, name: &str) -> Result<Option<T>> {
        self.given(name).map(|value| read(value, "TeamMemberFilter", name, self.context)).transpose()
    }

    /// The values in a list, of which a member has one.
    fn choice<S: InputType + Into<T>, T>(&self, name: &str) -> Result<Option<Vec<T>>> {
        let values: Option<Vec<S>> = self.read(name)?;
        Ok(values.map(|values| values.into_iter().map(Into::into).collect()))
    }

    /// The object of operators in a field of this type, where it is given.
    fn operators(&self, name: &'static str, of: &'static str) -> Result<Option<Operators<'v, '_>>> {
        match self.given(name) {
            None => Ok(None),
            Some(value) if value.is_object() => {
                let path = FilterPath { above: Some(&self.path), name, index: None };
                Ok(Some(Operators { value, of, path, context: self.context }))
            }
            Some(_) => Err(unreadable()),
        }
    }
}

/// A value for this field of this type.
fn read<'v, T: InputType>(value: FilterValue<'v>, of: &str, field: &str, context: &FilterContext<'v, '_>) -> Result<T> {
    let value = match value {
        FilterValue::Given(value) => value.clone(),
        FilterValue::Written(value) => (context.literal)(of, field, value).ok_or_else(unreadable)?,
    };
    T::parse(Some(value)).map_err(|_| unreadable())
}

/// AllConditions that must all hold: mostly a single one, which needs no list around it.
#[derive(Default)]
struct AllConditions {
    first: Option<Filter>,
    all: Vec<Filter>,
}

impl AllConditions {
    fn add(&mut self, filter: Filter) {
        match &self.first {
            None if self.all.is_empty() => self.first = Some(filter),
            _ => {
                self.all.extend(self.first.take());
                self.all.push(filter);
            }
        }
    }

    fn filter(self) -> Filter {
        self.first.unwrap_or(Filter::And(self.all))
    }
}

impl Extend<Filter> for AllConditions {
    fn extend<I: IntoIterator<Item = Filter>>(&mut self, filters: I) {
        filters.into_iter().for_each(|filter| self.add(filter));
    }
}

/// An object of operators.
#[derive(Clone, Copy)]
struct Operators<'v, 'p> {
    value: FilterValue<'v>,
    /// The name of its type.
    of: &'static str,
    path: FilterPath<'p>,
    context: &'p FilterContext<'v, 'p>,
}

impl Operators<'_, '_> {
    /// The operand of an operator, if it was given.
    fn operand<T: InputType>(self, operator: &str) -> Result<Option<T>> {
        match self.value.field(operator, self.context) {
            None => Ok(None),
            Some(value) if value.is_null() => {
                Err(fault(Code::BadUserInput, format!("\"{}.{operator}\" must not be null", self.path)))
            }
            Some(value) => read(value, self.of, operator, self.context).map(Some),
        }
    }

    /// AllConditions on an identifier, each on a set made by `of`. `field` is the one that may be missing; `None` for one that
    /// never is.
    fn identifiers(self, all: &mut AllConditions, of: fn(IdSet) -> Filter, field: Option<FilterField>) -> Result<()> {
        let set = |ids: Vec<ID>| of(ids.into_iter().map(|id| id.0).collect());
        let none_of = |ids| match field {
            Some(field) => set(ids).none_of(field),
            None => Filter::Not(Box::new(set(ids))),
        };
        let is_null = |is_null| match field {
            Some(field) => Filter::is_null(field, is_null),
            // Nothing of a choice never holds, everything of nothing always does.
            None if is_null => Filter::Or(Vec::new()),
            None => Filter::And(Vec::new()),
        };
        all.extend(self.operand("eq")?.map(|id| set(vec![id])));
        all.extend(self.operand("in")?.map(set));
        all.extend(self.operand("notIn")?.map(none_of));
        all.extend(self.operand("isNull")?.map(is_null));
        Ok(())
    }

    fn texts(self, all: &mut AllConditions, of: fn(TextCondition) -> Filter, field: FilterField) -> Result<()> {
        let set = |texts: Vec<String>| of(TextCondition::one_of(texts.iter().map(String::as_str)));
        all.extend(self.operand("eq")?.map(|text| set(vec![text])));
        all.extend(self.operand("in")?.map(set));
        all.extend(self.operand("notIn")?.map(|texts| set(texts).none_of(field)));
        all.extend(self.operand("isNull")?.map(|is_null| Filter::is_null(field, is_null)));
        all.extend(self.operand::<String>("contains")?.map(|text| of(TextCondition::contains(&text))));
        all.extend(self.operand::<String>("startsWith")?.map(|text| of(TextCondition::starts_with(&text))));
        Ok(())
    }

    fn numbers(self, all: &mut AllConditions) -> Result<()> {
        let condition = |operator, of: fn(i32) -> IntCondition| {
            Ok::<_, Error>(self.operand(operator)?.map(of).map(Filter::UnreadMessages))
        };
        all.extend(condition("eq", IntCondition::Eq)?);
        all.extend(condition("gt", IntCondition::Gt)?);
        all.extend(condition("gte", IntCondition::Gte)?);
        all.extend(condition("lt", IntCondition::Lt)?);
        all.extend(condition("lte", IntCondition::Lte)?);
        let is_null = self.operand("isNull")?;
        all.extend(is_null.map(|is_null| Filter::is_null(FilterField::UnreadMessages, is_null)));
        Ok(())
    }

    fn times(self, all: &mut AllConditions, of: fn(TimeCondition) -> Filter, field: FilterField) -> Result<()> {
        let operators: [(_, fn(_) -> TimeCondition); 4] = [
            ("before", TimeCondition::Before),
            ("onOrBefore", TimeCondition::OnOrBefore),
            ("after", TimeCondition::After),
            ("onOrAfter", TimeCondition::OnOrAfter),
        ];
        for (operator, condition) in operators {
            all.extend(self.operand::<DateTime>(operator)?.map(|time| of(condition(time.0))));
        }
        all.extend(self.operand("isNull")?.map(|is_null| Filter::is_null(field, is_null)));
        Ok(())
    }
}
