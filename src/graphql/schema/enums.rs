//! The schema's enums, from the model's table: the values that the upstream is known to use. A value that this version does
//! not know is null, with its text in `unrecognized`.

use async_graphql::Enum;

use crate::model::named_enums;

/// Defines an enum of the schema for each of the model's.
macro_rules! schema_enums {
    ($(($about:tt, $name:ident = $path:tt { $(($value_about:tt, $value:ident, $text:tt))+ }))+) => {$(
        #[doc = $about]
        #[derive(Clone, Copy, Enum, PartialEq, Eq)]
        #[graphql(remote = $path)]
        pub(super) enum $name { $(#[doc = $value_about] $value,)+ }
    )+};
}

named_enums!(schema_enums);
