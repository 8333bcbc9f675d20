//! The worst case of an operation's arguments: what variables may ask for before a limit refuses them.

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;

use crate::config;
use crate::graphql::limits::{ArgumentKind, ArgumentSize, OperationArgument, OperationArguments, filter_texts};

/// The sizes of all arguments, with each variable as large as the limits let it be; `filters` is how many lists have a filter.
pub(super) fn worst_sizes(
    arguments: &OperationArguments,
    given: &[ArgumentSize],
    filters: usize,
    schema: &Schema,
    limits: &config::GraphQlConfig,
) -> Vec<ArgumentSize> {
    let size = |(argument, given): (&OperationArgument, &ArgumentSize)| {
        if argument.fixed.is_some() {
            return *given;
        }
        let worst = match argument.kind {
            // The conditions of all filters are limited together.
            ArgumentKind::Filter => ArgumentSize {
                terms: limits.filter_terms_limit / filters.max(1),
                // A test is dearest where it looks for a text in a row's texts.
                scans: limits.filter_terms_limit / filters.max(1),
                depth: limits.filter_depth_limit,
                items: limits.list_items_limit,
                longest_list: limits.list_items_limit,
                characters: filter_texts(limits),
                ..ArgumentSize::default()
            },
            ArgumentKind::Order => {
                let items = keys(argument, schema);
                ArgumentSize { items, longest_list: items, ..ArgumentSize::default() }
            }
            ArgumentKind::Search => ArgumentSize { characters: limits.search_limit, ..ArgumentSize::default() },
            ArgumentKind::PageLength => ArgumentSize { length: Some(limits.page_max), ..ArgumentSize::default() },
            ArgumentKind::Representations => {
                let items = limits.representations_limit;
                ArgumentSize { items, longest_list: items, ..ArgumentSize::default() }
            }
            ArgumentKind::Cursor => ArgumentSize { items: 1, ..ArgumentSize::default() },
            // Groups by everything: as many as there are members.
            ArgumentKind::GroupKeys => {
                ArgumentSize { items: 6, longest_list: 6, keys: usize::MAX, has_roles: true, ..ArgumentSize::default() }
            }
            ArgumentKind::Object | ArgumentKind::Other => *given,
        };
        // What is written beside a variable counts, too.
        ArgumentSize {
            terms: worst.terms.max(given.terms),
            scans: worst.scans.max(given.scans),
            row_steps: worst.row_steps.max(given.row_steps),
            items: worst.items.max(given.items),
            characters: worst.characters.max(given.characters),
            ..worst
        }
    };
    arguments.iter().zip(given).map(size).collect()
}

/// How many sort keys there can be: a list is sorted by each field once.
fn keys(argument: &OperationArgument, schema: &Schema) -> usize {
    let Some(object) = schema.get_input_object(argument.definition.ty.inner_named_type()) else { return 1 };
    let values = |field: &str| match schema.types.get(field) {
        Some(ExtendedType::Enum(values)) => values.values.len(),
        _ => 0,
    };
    object.fields.values().map(|field| values(field.ty.inner_named_type())).max().unwrap_or(1)
}
