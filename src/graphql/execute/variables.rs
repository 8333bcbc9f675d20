//! Variables that the operation requires: checked before anything runs. That a value fits its type is the validator's to say.

use async_graphql::Variables;
use async_graphql::parser::types::OperationDefinition;
use async_graphql_value::ConstValue;

use crate::graphql::error::Code;
use crate::graphql::request_error::RequestError;

pub(super) fn check(operation: &OperationDefinition, variables: &Variables) -> Result<(), RequestError> {
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let required = !definition.var_type.node.nullable;
        let problem = match variables.get(&definition.name.node) {
            Some(ConstValue::Null) if required => "must not be null",
            None if required && definition.default_value.is_none() => "was not provided",
            _ => continue,
        };
        return Err(RequestError {
            code: Code::BadUserInput,
            message: format!(
                "variable \"${}\" of the required type \"{}\" {problem}",
                definition.name.node, definition.var_type.node
            ),
        });
    }
    Ok(())
}
