//! Values: an input field is given once, variables inside scalars that take anything are declared, a default of null gives a
//! non-null place nothing, and the literals of the schema's own scalars are what those scalars take.

use apollo_compiler::ast::Value;
use apollo_compiler::executable::Operation;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{ExecutableDocument, Name, Node, Schema};

use super::super::arguments::untyped;
use super::super::scalar_rules;
use super::finding::Finding;
use super::usages::{Usage, visit};
use apollo_compiler::validation::Valid;

/// The values of a document that do not fit their types.
pub(in super::super) fn unfit_values(schema: &Valid<Schema>, document: &ExecutableDocument) -> Vec<Finding> {
    let mut findings = Vec::new();
    for operation in document.operations.iter() {
        visit(schema, document, operation, &mut |usage| {
            match &**usage.value {
                Value::Object(fields) => repeated_fields(fields, &mut findings),
                Value::Variable(name) => variable(operation, name, &usage, &mut findings),
                _ => {}
            }
            custom_scalar(schema, &usage, &mut findings);
        });
    }
    findings
}

fn repeated_fields(fields: &[(Name, Node<Value>)], findings: &mut Vec<Finding>) {
    for (n, (name, _)) in fields.iter().enumerate() {
        if let Some((first, _)) = fields[..n].iter().find(|(known, _)| known == name) {
            findings.push(Finding {
                message: format!("There can be only one input field named \"{name}\"."),
                locations: vec![first.location(), name.location()],
            });
        }
    }
}

fn variable(operation: &Operation, name: &Name, usage: &Usage<'_>, findings: &mut Vec<Finding>) {
    let locations = vec![usage.value.location()];
    let Some(definition) = operation.variables.iter().find(|definition| definition.name == *name) else {
        // Elsewhere it has been found already.
        let of = operation.name.as_ref().map_or_else(String::new, |name| format!(" by operation \"{name}\""));
        findings.push(Finding { message: format!("Variable \"${name}\" is not defined{of}."), locations });
        return;
    };
    let gives_null = definition.default_value.as_ref().is_some_and(|default| default.is_null());
    if let Some(expected) = usage.expected.filter(|ty| ty.is_non_null())
        && gives_null
        && !definition.ty.is_non_null()
        && !usage.has_default
    {
        let ty = &definition.ty;
        let message = format!("Variable \"${name}\" of type \"{ty}\" used in position expecting type \"{expected}\".");
        findings.push(Finding { message, locations: vec![definition.location(), usage.value.location()] });
    }
}

fn custom_scalar(schema: &Valid<Schema>, usage: &Usage<'_>, findings: &mut Vec<Finding>) {
    let Some(expected) = usage.expected else { return };
    // A list of them is looked at item by item.
    let is_list = expected.is_list() && matches!(&**usage.value, Value::List(_));
    let is_literal = !matches!(&**usage.value, Value::Variable(_) | Value::Null);
    let name = expected.inner_named_type();
    if let Some(ExtendedType::Scalar(scalar)) = schema.types.get(name)
        && !scalar.is_built_in()
        && is_literal
        && !is_list
        && let Err(rule) = scalar_rules::custom(name, &untyped(usage.value, None))
    {
        let message = format!("Expected value of type \"{expected}\"; {rule}.");
        findings.push(Finding { message, locations: vec![usage.value.location()] });
    }
}
