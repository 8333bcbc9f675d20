//! Conditions: decides by `@skip` and `@include` whether a selection is part of the operation.

use apollo_compiler::ast::{DirectiveList, Value};

use super::arguments::ArgumentError;

/// The values of the variables that conditions have; `None` for one that is null.
pub(in crate::graphql) type Truths<'t> = &'t dyn Fn(&str) -> Option<bool>;

/// Whether a selection with these directives is part of the operation.
///
/// # Errors
/// A condition's variable is null.
pub(in crate::graphql) fn is_included(directives: &DirectiveList, truths: Truths<'_>) -> Result<bool, ArgumentError> {
    for (name, leaves_out) in [("skip", true), ("include", false)] {
        let Some(written) = directives.get(name).and_then(|directive| directive.specified_argument_by_name("if"))
        else {
            continue;
        };
        let value = match &**written {
            Value::Boolean(value) => Some(*value),
            Value::Variable(name) => truths(name),
            // The document is valid: it is one of the two.
            _ => None,
        };
        match value {
            Some(value) if value == leaves_out => return Ok(false),
            Some(_) => {}
            None => {
                let message = "Argument \"if\" of non-null type \"Boolean!\" must not be null.".to_owned();
                return Err(ArgumentError { message, location: written.location() });
            }
        }
    }
    Ok(true)
}
