//! The schema's enums, from the model's tables: the values that the upstream is known to use, and those of arguments. An upstream
//! value that this version does not know is null, with its text in `unrecognized`.

use async_graphql::Enum;

use crate::model::{argument_enums, named_enums};

/// Defines an enum of the schema for each of the model's.
macro_rules! schema_enums {
    ($(($about:tt, $name:ident as $schema:ident = $path:tt { $(($value_about:tt, $value:ident, $text:tt))+ }))+) => {$(
        #[doc = $about]
        #[derive(Clone, Copy, Enum, PartialEq, Eq)]
        #[graphql(remote = $path)]
        pub(in crate::graphql) enum $schema { $(#[doc = $value_about] $value,)+ }
    )+};
}

named_enums!(schema_enums);
argument_enums!(schema_enums);
