//! Conditions: whether `@skip` and `@include` leave a selection in.

use apollo_compiler::Schema;
use apollo_compiler::ast::DirectiveList;
use apollo_compiler::validation::Valid;
use async_graphql_value::ConstValue;

use super::arguments::{ArgumentError, coerce_argument};
use super::coerced_variables::CoercedVariables;

/// Whether a selection with these directives is part of the operation.
///
/// # Errors
/// A condition's variable is null.
pub(in crate::graphql) fn is_included(
    schema: &Valid<Schema>,
    directives: &DirectiveList,
    variables: &CoercedVariables,
) -> Result<bool, ArgumentError> {
    let condition = |name: &str| {
        let Some(directive) = directives.get(name) else { return Ok(None) };
        let Some(definition) = schema.directive_definitions.get(name).and_then(|of| of.argument_by_name("if")) else {
            return Ok(None);
        };
        let written = directive.specified_argument_by_name("if");
        let value = coerce_argument(schema, definition, written, variables)?;
        Ok(Some(value == Some(ConstValue::Boolean(true))))
    };
    Ok(condition("skip")? != Some(true) && condition("include")? != Some(false))
}
