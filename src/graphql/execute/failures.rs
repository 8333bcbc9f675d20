//! Failures: what of an operation fails before the engine executes it, and how the engine's answer is made to say so.
//!
//! In the engine's document a mark stands in place of a field or selection that fails: `__typename` under a response key
//! that is no GraphQL name. Wherever the answer has a mark, the failure becomes an error, with null where the schema allows
//! it; what is nulled with it says no more of its own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use apollo_compiler::Node;
use apollo_compiler::ast::Type;
use apollo_compiler::executable::{Field, Operation, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use async_graphql::{Name, PathSegment, Response, ServerError};
use async_graphql_value::ConstValue;
use async_graphql_value::indexmap::IndexMap;

use crate::graphql::language::{ArgumentError, CoercedVariables, Document};
use crate::graphql::plan::collect::Collector;

/// No GraphQL name begins with it.
const MARK: char = '!';

/// The failures of an operation, in its order.
#[derive(Default)]
pub(super) struct Failures(Vec<FailingField>);

struct FailingField {
    /// The field that fails; none where an object's selection set does, because one of its conditions is null.
    field: Option<Node<Field>>,
    error: ArgumentError,
}

impl Failures {
    /// Adds the failure of a field, and returns the mark for it.
    pub(super) fn field(&mut self, field: &Node<Field>, error: ArgumentError) -> String {
        self.add(FailingField { field: Some(field.clone()), error })
    }

    /// Adds the failure of a selection set, and returns the mark for it.
    pub(super) fn selection_set(&mut self, error: ArgumentError) -> String {
        self.add(FailingField { field: None, error })
    }

    fn add(&mut self, failure: FailingField) -> String {
        self.0.push(failure);
        format!("{MARK}{}", self.0.len() - 1)
    }

    fn get(&self, key: &str) -> Option<&FailingField> {
        self.0.get(key.strip_prefix(MARK)?.parse::<usize>().ok()?)
    }

    /// Puts the errors into an answer that may have marks.
    pub(super) fn apply(
        &self,
        document: &Document,
        operation: &Operation,
        variables: &CoercedVariables,
        response: &mut Response,
    ) {
        if self.0.is_empty() {
            return;
        }
        let truths = |name: &str| variables.truth(name);
        let collector = Collector::new(document, &truths);
        let fields = shape_below(document, &collector, &[&operation.selection_set], operation.object_type());
        let errors = std::mem::take(&mut response.errors);
        let mut walk = Walk { failures: self, document, path: Vec::new(), errors };
        if let ConstValue::Object(data) = &mut response.data
            && walk.object(data, &fields)
        {
            response.data = ConstValue::Null;
        }
        response.errors = walk.errors;
    }
}

/// The types of an object's fields by response key, whichever of its possible types the object has: fields of one key are
/// null and list in the same places, or the document is not valid.
type Shape<'d> = HashMap<&'d str, FieldShape<'d>>;

struct FieldShape<'d> {
    ty: &'d Type,
    below: Shape<'d>,
}

fn shape_below<'d>(
    document: &'d Document,
    collector: &Collector<'d>,
    sets: &[&'d SelectionSet],
    of: &str,
) -> Shape<'d> {
    let types = &document.schema().types;
    let possible: Vec<&str> = match types.get(of) {
        Some(ExtendedType::Object(object)) => vec![object.name.as_str()],
        Some(ExtendedType::Union(union)) => union.members.iter().map(|name| name.as_str()).collect(),
        Some(ExtendedType::Interface(_)) => types
            .values()
            .filter_map(|ty| if let ExtendedType::Object(object) = ty { Some(object) } else { None })
            .filter(|object| object.implements_interfaces.iter().any(|interface| interface.as_str() == of))
            .map(|object| object.name.as_str())
            .collect(),
        _ => Vec::new(),
    };
    let mut shape = Shape::new();
    // Where a condition is null the object is, too.
    for field in possible.into_iter().filter_map(|of| collector.fields(sets, of).ok()).flatten() {
        let below = shape_below(document, collector, &field.below, field.type_name());
        let known = FieldShape { ty: &field.field.definition.ty, below };
        merge(&mut shape, field.key, known);
    }
    shape
}

/// Adds a field to a shape, whole: objects of other types may have the same key with other fields below.
fn merge<'d>(shape: &mut Shape<'d>, key: &'d str, field: FieldShape<'d>) {
    match shape.entry(key) {
        Entry::Vacant(place) => {
            place.insert(field);
        }
        Entry::Occupied(place) => {
            let known = &mut place.into_mut().below;
            field.below.into_iter().for_each(|(key, field)| merge(known, key, field));
        }
    }
}

/// A walk over the engine's data. What returns a truth tells whether the value has to be null.
struct Walk<'w> {
    failures: &'w Failures,
    document: &'w Document,
    path: Vec<PathSegment>,
    errors: Vec<ServerError>,
}

impl Walk<'_> {
    fn object(&mut self, fields: &mut IndexMap<Name, ConstValue>, shape: &Shape<'_>) -> bool {
        let marked = fields.keys().filter_map(|key| self.failures.get(key));
        if let Some(failure) = marked.into_iter().find(|failure| failure.field.is_none()) {
            // Nothing of it is executed.
            self.drop_errors(|_| true);
            self.fail(&failure.error);
            return true;
        }
        let given = std::mem::take(fields);
        let mut left = given.into_iter();
        while let Some((key, mut value)) = left.next() {
            let failure = self.failures.get(&key);
            let (name, failed) = match failure.and_then(|failure| Some((failure.field.as_ref()?, &failure.error))) {
                Some((field, error)) => {
                    let name = Name::new(field.response_name().as_str());
                    if fields.contains_key(&name) {
                        // Fields that are merged fail as one.
                        continue;
                    }
                    value = ConstValue::Null;
                    self.path.push(PathSegment::Field(name.to_string()));
                    self.fail(error);
                    (name, field.definition.ty.is_non_null())
                }
                None => {
                    self.path.push(PathSegment::Field(key.to_string()));
                    let failed =
                        shape.get(key.as_str()).is_some_and(|field| self.value(&mut value, field.ty, &field.below));
                    (key, failed)
                }
            };
            self.path.pop();
            if failed {
                let later: Vec<Name> = left.map(|(key, _)| key).collect();
                self.drop_errors(
                    |next| matches!(next, PathSegment::Field(key) if later.iter().any(|name| name == key)),
                );
                return true;
            }
            fields.insert(name, value);
        }
        false
    }

    fn value(&mut self, value: &mut ConstValue, ty: &Type, below: &Shape<'_>) -> bool {
        let failed = match value {
            ConstValue::List(items) => {
                let failed = items.iter_mut().enumerate().position(|(n, item)| {
                    self.path.push(PathSegment::Index(n));
                    let failed = self.value(item, ty.item_type(), below);
                    self.path.pop();
                    failed
                });
                if let Some(n) = failed {
                    self.drop_errors(|next| matches!(next, PathSegment::Index(later) if *later > n));
                }
                failed.is_some()
            }
            ConstValue::Object(fields) => self.object(fields, below),
            _ => false,
        };
        if failed {
            *value = ConstValue::Null;
        }
        failed && ty.is_non_null()
    }

    fn fail(&mut self, error: &ArgumentError) {
        let mut failed = ServerError::new(&error.message, Some(self.document.pos(error.location)));
        failed.path.clone_from(&self.path);
        self.errors.push(failed);
    }

    /// Drops the engine's errors below the walk's place, where the next segment of their paths is such a one.
    fn drop_errors(&mut self, is_meant: impl Fn(&PathSegment) -> bool) {
        let path = &self.path;
        self.errors.retain(|error| {
            let next = error.path.get(path.len()).filter(|_| error.path.starts_with(path));
            !next.is_some_and(&is_meant)
        });
    }
}
