//! Suggestions: which names of the schema a misspelt one may have meant.

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;

/// The most names that an error suggests.
const AT_MOST: usize = 5;

/// The suggestion at the end of a finding's message: `names` are those that it quotes, in order.
pub(super) fn suggestion(schema: &Schema, kind: &str, names: &[&str]) -> String {
    let of_type = |name: &str| schema.types.get(name);
    match (kind, names) {
        ("UndefinedField", [field, parent]) => {
            let fields = match of_type(parent) {
                Some(ExtendedType::Object(object)) => &object.fields,
                Some(ExtendedType::Interface(interface)) => &interface.fields,
                _ => return String::new(),
            };
            did_you_mean(field, fields.keys().map(|name| name.as_str()))
        }
        ("UndefinedArgument", [argument, place]) => {
            let arguments = match (place.strip_prefix('@'), place.split_once('.')) {
                (Some(directive), _) => schema.directive_definitions.get(directive).map(|of| &of.arguments),
                (None, Some((parent, field))) => schema.type_field(parent, field).ok().map(|of| &of.arguments),
                (None, None) => None,
            };
            did_you_mean(argument, arguments.into_iter().flatten().map(|argument| argument.name.as_str()))
        }
        ("UndefinedEnumValue", [value, name]) => match of_type(name) {
            Some(ExtendedType::Enum(of)) => did_you_mean(value, of.values.keys().map(|name| name.as_str())),
            _ => String::new(),
        },
        ("UndefinedInputValue", [field, name]) => match of_type(name) {
            Some(ExtendedType::InputObject(of)) => did_you_mean(field, of.fields.keys().map(|name| name.as_str())),
            _ => String::new(),
        },
        (
            "UndefinedDefinition"
            | "UndefinedTypeInNamedFragmentTypeCondition"
            | "UndefinedTypeInInlineFragmentTypeCondition",
            [name],
        ) => did_you_mean(name, schema.types.keys().map(|name| name.as_str()).filter(|name| !name.starts_with("__"))),
        _ => String::new(),
    }
}

/// Names that differ from this one in less than half of their letters, the most similar first.
fn did_you_mean<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let lower = name.to_ascii_lowercase();
    // A difference in case alone is the smallest.
    let distance = |known: &str| match known.to_ascii_lowercase() {
        same if same == lower => 1,
        other => strsim::damerau_levenshtein(&lower, &other),
    };
    let threshold = name.len() * 2 / 5 + 1;
    let mut similar: Vec<_> =
        known.map(|known| (distance(known), known)).filter(|(far, _)| *far <= threshold).collect();
    similar.sort_unstable();
    similar.truncate(AT_MOST);
    let quoted: Vec<String> = similar.into_iter().map(|(_, known)| format!("\"{known}\"")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => format!(" Did you mean {one}?"),
        [one, other] => format!(" Did you mean {one} or {other}?"),
        [more @ .., last] => format!(" Did you mean {}, or {last}?", more.join(", ")),
    }
}
