//! Arguments: what an operation's arguments mean by their types in the schema, and how much work their values ask for.
//!
//! Equal arguments of an operation are one. What depends on no variable is measured once, the rest for each request.

use apollo_compiler::ast::{InputValueDefinition, Value};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::{Node, Schema};
use async_graphql_value::ConstValue;
use smallvec::SmallVec;

use crate::model::GroupField;

/// The values of a request's variables, by name.
pub(in crate::graphql) type VariableValues<'v> = &'v dyn Fn(&str) -> Option<Given<'v>>;

/// The meaning of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graphql) enum ArgumentKind {
    /// Conditions on a row: an input object whose type contains itself.
    Filter,
    /// Sort keys: a list of input objects that have a required enum.
    Order,
    /// References to entities: a list of `_Any`.
    Representations,
    /// The keys of groups: a list of enum values.
    GroupKeys,
    /// Any other input object, such as the account that is read: it costs the same with every value.
    Object,
    /// Text to search for.
    Search,
    /// How many rows a page has at most.
    PageLength,
    /// A position that a page begins behind, or ends before.
    Cursor,
    /// Whatever else costs the same with every value.
    Other,
}

impl ArgumentKind {
    /// The meaning of an argument of this definition.
    pub(in crate::graphql) fn of(definition: &InputValueDefinition, schema: &Schema) -> Self {
        let name = definition.ty.inner_named_type();
        let is_in = |object: &InputObjectType| object.fields.values().any(|field| field.ty.inner_named_type() == name);
        match schema.types.get(name) {
            Some(ExtendedType::InputObject(object)) if is_in(object) => Self::Filter,
            Some(ExtendedType::InputObject(object)) if definition.ty.is_list() && key(object, schema).is_some() => {
                Self::Order
            }
            Some(ExtendedType::InputObject(_)) => Self::Object,
            Some(ExtendedType::Enum(_)) if definition.ty.is_list() => Self::GroupKeys,
            Some(ExtendedType::Scalar(_)) => match (name.as_str(), definition.name.as_str()) {
                ("_Any", _) => Self::Representations,
                ("String", "search") => Self::Search,
                ("Int", "first" | "last" | "limit") => Self::PageLength,
                ("String", "after" | "before") => Self::Cursor,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

/// The field that says what a sort key sorts by.
fn key<'s>(object: &'s InputObjectType, schema: &Schema) -> Option<&'s str> {
    let is_key = |field: &&Node<InputValueDefinition>| {
        field.is_required() && matches!(schema.types.get(field.ty.inner_named_type()), Some(ExtendedType::Enum(_)))
    };
    object.fields.values().find(is_key).map(|field| field.name.as_str())
}

/// How much a value asks for. What does not apply to its argument's kind is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::graphql) struct ArgumentSize {
    /// Tests on a row that a filter makes at most.
    pub(in crate::graphql) terms: usize,
    /// The cost of these tests on each row, in steps, without scans.
    pub(in crate::graphql) row_steps: usize,
    /// Texts that are looked for anywhere in a row's texts.
    pub(in crate::graphql) scans: usize,
    /// How deep a filter's conditions nest.
    pub(in crate::graphql) depth: usize,
    /// Items of all lists in it, sort keys and representations included.
    pub(in crate::graphql) items: usize,
    pub(in crate::graphql) longest_list: usize,
    /// Characters of texts that a row is searched for.
    pub(in crate::graphql) characters: usize,
    /// Bytes of texts in lists, each of which is folded.
    pub(in crate::graphql) listed_text: usize,
    /// Whether two sort keys, or two fields to group by, are the same.
    pub(in crate::graphql) repeats_key: bool,
    /// How many different keys groups can have, roles left out.
    pub(in crate::graphql) keys: usize,
    /// Whether groups are made by role.
    pub(in crate::graphql) has_roles: bool,
    /// The page's length.
    pub(in crate::graphql) length: Option<usize>,
}

/// How much the arguments of an operation ask for, in order.
pub(in crate::graphql) type ArgumentSizes = SmallVec<[ArgumentSize; 3]>;

/// One argument of an operation, of one or more of its fields.
#[derive(Debug)]
pub(in crate::graphql) struct OperationArgument {
    pub(in crate::graphql) kind: ArgumentKind,
    pub(in crate::graphql) definition: Node<InputValueDefinition>,
    /// The value as written.
    pub(in crate::graphql) value: Node<Value>,
    /// How much it asks for, where no variable has a say.
    pub(in crate::graphql) fixed: Option<ArgumentSize>,
}

/// Which of an operation's arguments.
pub(in crate::graphql) type ArgumentId = usize;

/// All distinct arguments of an operation.
#[derive(Debug, Default)]
pub(in crate::graphql) struct OperationArguments(Vec<OperationArgument>);

impl OperationArguments {
    /// Adds an argument, unless an equal one is there.
    pub(in crate::graphql) fn add(
        &mut self,
        definition: &Node<InputValueDefinition>,
        value: &Node<Value>,
        schema: &Schema,
        limits: SizeLimits,
    ) -> ArgumentId {
        let equal = |known: &OperationArgument| {
            known.definition.name == definition.name && known.definition.ty == definition.ty && known.value == *value
        };
        if let Some(known) = self.0.iter().position(equal) {
            return known;
        }
        let kind = ArgumentKind::of(definition, schema);
        let mut argument =
            OperationArgument { kind, definition: definition.clone(), value: value.clone(), fixed: None };
        if !has_variables(&argument.value) {
            argument.fixed = Some(argument.size(&|_| None, schema, limits));
        }
        self.0.push(argument);
        self.0.len() - 1
    }

    /// In the order of their identifiers.
    pub(in crate::graphql) fn iter(&self) -> impl ExactSizeIterator<Item = &OperationArgument> {
        self.0.iter()
    }

    /// How much each of them asks for, in order, with these variables.
    pub(in crate::graphql) fn sizes<'v>(
        &'v self,
        variables: VariableValues<'v>,
        schema: &'v Schema,
        limits: SizeLimits,
    ) -> ArgumentSizes {
        let size = |argument: &'v OperationArgument| {
            argument.fixed.unwrap_or_else(|| argument.size(variables, schema, limits))
        };
        self.0.iter().map(size).collect()
    }

    /// Memory held besides the values, which belong to the document, in bytes.
    pub(in crate::graphql) fn size(&self) -> usize {
        self.0.capacity() * size_of::<OperationArgument>()
    }
}

/// From where on it does not matter how large a value is: it is past its limit.
#[derive(Clone, Copy, Debug)]
pub(in crate::graphql) struct SizeLimits {
    pub(in crate::graphql) terms: usize,
}

impl OperationArgument {
    fn size<'v>(&'v self, variables: VariableValues<'v>, schema: &'v Schema, limits: SizeLimits) -> ArgumentSize {
        let mut meter = ArgumentMeter { schema, variables, limits, size: ArgumentSize::default() };
        let Some(given) = meter.given(Given::Written(&self.value)) else { return meter.size };
        let object = schema.get_input_object(self.definition.ty.inner_named_type());
        match (self.kind, object) {
            (ArgumentKind::Filter, Some(object)) => meter.filters(given, object, 1),
            (ArgumentKind::Order, Some(object)) => meter.keys(given, object),
            (ArgumentKind::GroupKeys, _) => meter.group_keys(given),
            (ArgumentKind::Search, _) => meter.size.characters = given.text().map_or(0, |text| text.chars().count()),
            (ArgumentKind::PageLength, _) => meter.size.length = given.number(),
            (ArgumentKind::Cursor, _) => meter.size.items = usize::from(given.text().is_some()),
            (ArgumentKind::Representations, _) => meter.list(given),
            _ if given.is_list() => meter.list(given),
            _ => {}
        }
        meter.size
    }
}

/// Whether there is a variable anywhere in a value.
fn has_variables(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(items) => items.iter().any(|item| has_variables(item)),
        Value::Object(fields) => fields.iter().any(|(_, value)| has_variables(value)),
        _ => false,
    }
}

/// A value, written in the document or given as (a part of) a variable.
#[derive(Clone, Copy)]
pub(in crate::graphql) enum Given<'v> {
    Written(&'v Value),
    Variable(&'v ConstValue),
    /// A list of so many representations, which were not read to their ends.
    Representations(usize),
}

impl<'v> Given<'v> {
    fn text(self) -> Option<&'v str> {
        match self {
            Self::Written(Value::String(text)) | Self::Variable(ConstValue::String(text)) => Some(text),
            Self::Written(Value::Enum(name)) => Some(name.as_str()),
            Self::Variable(ConstValue::Enum(name)) => Some(name.as_str()),
            _ => None,
        }
    }

    fn number(self) -> Option<usize> {
        match self {
            Self::Written(Value::Int(number)) => number.as_str().parse().ok(),
            Self::Variable(ConstValue::Number(number)) => usize::try_from(number.as_u64()?).ok(),
            _ => None,
        }
    }

    fn is_list(self) -> bool {
        matches!(self, Self::Written(Value::List(_)) | Self::Variable(ConstValue::List(_)) | Self::Representations(_))
    }

    /// How many items it has, as a list: a single value is a list of one.
    fn items(self) -> usize {
        match self {
            Self::Written(Value::List(items)) => items.len(),
            Self::Variable(ConstValue::List(items)) => items.len(),
            Self::Representations(items) => items,
            _ => 1,
        }
    }

    /// Calls `each` with its items until that says to stop.
    fn each_item(self, mut each: impl FnMut(Self) -> bool) {
        let _ = match self {
            Self::Written(Value::List(items)) => items.iter().all(|item| each(Self::Written(item))),
            Self::Variable(ConstValue::List(items)) => items.iter().all(|item| each(Self::Variable(item))),
            single => each(single),
        };
    }

    /// Calls `each` with its fields.
    fn each_field(self, mut each: impl FnMut(&'v str, Self)) {
        match self {
            Self::Written(Value::Object(fields)) => {
                fields.iter().for_each(|(name, value)| each(name.as_str(), Self::Written(value)));
            }
            Self::Variable(ConstValue::Object(fields)) => {
                fields.iter().for_each(|(name, value)| each(name.as_str(), Self::Variable(value)));
            }
            _ => {}
        }
    }
}

struct ArgumentMeter<'v> {
    schema: &'v Schema,
    variables: VariableValues<'v>,
    limits: SizeLimits,
    size: ArgumentSize,
}

/// Comparing a number, time or enum of a row, or looking for a member in a set of members.
const NUMBER: usize = 8;
/// Comparing a text of a row by its hash.
const TEXT: usize = 40;
/// Looking at what a text begins with.
const PREFIX: usize = 60;

impl<'v> ArgumentMeter<'v> {
    /// The value that is meant; `None` for null, and for a variable that has none.
    fn given(&self, given: Given<'v>) -> Option<Given<'v>> {
        let given = match given {
            Given::Written(Value::Variable(name)) => (self.variables)(name.as_str())?,
            given => given,
        };
        match given {
            Given::Written(Value::Null) | Given::Variable(ConstValue::Null) => None,
            given => Some(given),
        }
    }

    fn list(&mut self, given: Given<'v>) {
        let items = given.items();
        self.size.items = self.size.items.saturating_add(items);
        self.size.longest_list = self.size.longest_list.max(items);
    }

    fn keys(&mut self, given: Given<'v>, object: &'v InputObjectType) {
        self.list(given);
        let Some(key) = key(object, self.schema) else { return };
        let mut seen: Vec<&str> = Vec::new();
        let mut repeats = false;
        given.each_item(|item| {
            let Some(item) = self.given(item) else { return true };
            item.each_field(|name, value| {
                if let Some(field) = self.given(value).and_then(Given::text).filter(|_| name == key) {
                    repeats |= seen.contains(&field);
                    seen.push(field);
                }
            });
            !repeats
        });
        self.size.repeats_key = repeats;
    }

    fn group_keys(&mut self, given: Given<'v>) {
        self.list(given);
        let mut seen: Vec<&str> = Vec::new();
        let (mut keys, mut has_roles, mut repeats) = (1_usize, false, false);
        given.each_item(|item| {
            let Some(name) = self.given(item).and_then(Given::text) else { return true };
            repeats |= seen.contains(&name);
            seen.push(name);
            match GroupField::from_name(name) {
                Some(GroupField::Role) => has_roles = true,
                Some(field) => keys = keys.saturating_mul(field.value_count(0)),
                None => {}
            }
            !repeats
        });
        (self.size.keys, self.size.has_roles, self.size.repeats_key) = (keys, has_roles, repeats);
    }

    /// A filter, or a list of them.
    fn filters(&mut self, given: Given<'v>, object: &'v InputObjectType, depth: usize) {
        self.size.depth = self.size.depth.max(depth);
        self.size.longest_list = self.size.longest_list.max(given.items());
        given.each_item(|item| {
            if let Some(item) = self.given(item) {
                self.filter(item, object, depth);
            }
            // What is past the limit need not be counted to its end.
            self.size.terms <= self.limits.terms
        });
    }

    fn filter(&mut self, given: Given<'v>, object: &'v InputObjectType, depth: usize) {
        let before = self.size.terms;
        given.each_field(|name, value| {
            let Some(value) = self.given(value).filter(|_| self.size.terms <= self.limits.terms) else { return };
            let Some(field) = object.fields.get(name) else { return };
            match self.schema.types.get(field.ty.inner_named_type()) {
                Some(ExtendedType::InputObject(below)) if below.name == object.name => {
                    self.filters(value, object, depth + 1);
                }
                Some(ExtendedType::InputObject(operators)) => value.each_field(|name, operand| {
                    let operator = operators.fields.get(name);
                    if let Some((operand, operator)) = self.given(operand).zip(operator) {
                        self.term(operand, operator);
                    }
                }),
                _ => self.term(value, field),
            }
        });
        // Even an empty condition is one that is made and looked at.
        self.size.terms = self.size.terms.max(before + 1);
    }

    /// One test: a list of values is a set, which is looked into once.
    fn term(&mut self, operand: Given<'v>, operator: &InputValueDefinition) {
        self.size.terms += 1;
        let of_text = operator.ty.inner_named_type() == "String";
        let steps = match operator.name.as_str() {
            "contains" if of_text => {
                self.size.scans += 1;
                0
            }
            "startsWith" if of_text => PREFIX,
            _ if of_text => TEXT,
            _ => NUMBER,
        };
        self.size.row_steps = self.size.row_steps.saturating_add(steps);
        match operand.text() {
            Some(text) => self.size.characters = self.size.characters.saturating_add(text.len()),
            None if operand.is_list() => {
                self.list(operand);
                operand.each_item(|item| {
                    self.size.listed_text +=
                        self.given(item).and_then(Given::text).filter(|_| of_text).map_or(0, str::len);
                    true
                });
            }
            None => {}
        }
    }
}
