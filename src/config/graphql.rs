//! What can be asked, and how much of it.

use super::Size;

section! {
    /// What can be asked, and how much of it.
    pub struct GraphQlConfig in "graphql" {
        /// Whether the schema can be asked for (`__schema`, `__type`).
        pub introspection: bool = false,
        /// Whether errors suggest names from the schema.
        pub suggestions: bool = false,
        /// How many members a page has when the request does not say.
        pub page_default: usize = 100,
        /// How many members a page can have.
        pub page_max: usize = 1_000,
        /// How many requests may come in one body; 0 and 1 take no batches. A batch is counted as the sum of its parts.
        pub batch_limit: usize = 0,
        /// Whether answers over plain data are written straight from the teams; without, the engine executes everything.
        pub projection: bool = true,
        /// How much memory prepared operations may take: documents that were parsed, checked and planned.
        pub operation_cache_limit: Size = Size::mib(32),
        /// How much memory answers may take that are kept for identical questions about the same teams; 0 for none.
        pub response_cache_limit: Size = Size::mib(32),
        /// The longest document.
        pub document_limit: Size = Size::kib(32),
        /// The longest answer.
        pub response_limit: Size = Size::mib(8),
        /// The most tokens in a document.
        pub tokens_limit: usize = 2_000,
        /// How deep brackets and selection sets may nest.
        pub nesting_limit: usize = 32,
        /// The most selections once fragments are spread.
        pub selections_limit: usize = 2_000,
        /// How many levels of fields a query may have, leaves counted.
        pub depth_limit: usize = 12,
        /// The same for introspection.
        pub introspection_depth_limit: usize = 20,
        /// The most aliases.
        pub aliases_limit: usize = 64,
        /// The most root fields, counted before equal ones are merged.
        pub root_fields_limit: usize = 64,
        /// The most directives in all.
        pub directives_limit: usize = 50,
        /// The most directives in one place.
        pub field_directives_limit: usize = 5,
        /// The most cells that an answer may have by estimate: rows times fields, where a list's rows are the smaller of its
        /// page and the team, as far as it is known. For a list that searches, filters or sorts, a tenth of the team is added.
        pub cost_limit: usize = 200_000,
        /// The most errors that a refusal lists.
        pub errors_limit: usize = 5,
        /// The most representations that `_entities` takes.
        pub representations_limit: usize = 1_000,
    }
}
