//! The section `graphql`: features of GraphQL, and the limits on documents, arguments, cost and responses.

use super::Size;

section! {
    /// GraphQL: features and limits.
    pub struct GraphQlConfig in "graphql" {
        /// Whether introspection (`__schema`, `__type`) is allowed.
        pub introspection: bool = false,
        /// Whether error messages suggest names from the schema.
        pub suggestions: bool = false,
        /// The page size when the request does not set one.
        pub page_default: usize = 100,
        /// The maximum page size.
        pub page_max: usize = 1_000,
        /// The maximum number of requests in one body; 0 and 1 disable batching. A batch counts as the sum of its requests.
        pub batch_limit: usize = 0,
        /// Whether responses are written directly from the rosters (projection); otherwise async-graphql executes every operation.
        pub projection: bool = true,
        /// The memory for the operation cache: documents that were parsed, validated and planned.
        pub operation_cache_limit: Size = Size::mib(32),
        /// The memory for the response cache: responses to identical requests over the same rosters; 0 = off.
        pub response_cache_limit: Size = Size::mib(32),
        /// The maximum length of a document.
        pub document_limit: Size = Size::kib(32),
        /// The maximum length of a response.
        pub response_limit: Size = Size::mib(8),
        /// The maximum number of jobs that wait for the compute pool; one caller's at most as many as it leaves room for. Past it,
        /// requests are refused with 503.
        pub compute_queue_limit: usize = 512,
        /// The maximum number of tokens in a document.
        pub tokens_limit: usize = 2_000,
        /// The maximum nesting of brackets and selection sets.
        pub nesting_limit: usize = 32,
        /// The maximum number of selections after fragment expansion.
        pub selections_limit: usize = 2_000,
        /// The maximum depth of fields, leaves counted.
        pub depth_limit: usize = 12,
        /// The maximum depth of introspection.
        pub introspection_depth_limit: usize = 20,
        /// The maximum number of aliases.
        pub aliases_limit: usize = 64,
        /// The maximum number of root fields, counted before merging.
        pub root_fields_limit: usize = 64,
        /// The maximum number of directives in all.
        pub directives_limit: usize = 50,
        /// The maximum number of directives at one location.
        pub field_directives_limit: usize = 5,
        /// The maximum estimated cost of a request, in cells. A cell is one field of one row in the response; a cursor and `e164`
        /// are sixteen. What a list looks through counts as well: conditions, texts to look for, sort keys and cursors, for each
        /// row of the roster.
        pub cost_limit: usize = 200_000,
        /// The maximum number of errors in a refusal.
        pub errors_limit: usize = 5,
        /// The maximum number of conditions in the filters of a request, counted for each list that has the filter.
        pub filter_terms_limit: usize = 200,
        /// The maximum nesting of a filter's conditions (`and`, `or`, `not`).
        pub filter_depth_limit: usize = 8,
        /// The maximum number of items of a list in an argument, such as the ids of a filter's `in`.
        pub list_items_limit: usize = 1_000,
        /// The maximum number of characters of a search text.
        pub search_limit: usize = 256,
        /// The maximum number of values in a request's variables: objects, lists and scalars, at any depth.
        pub variable_nodes_limit: usize = 20_000,
        /// The maximum number of representations in `_entities`.
        pub representations_limit: usize = 1_000,
    }
}
