//! The kinds of scalar fields: how a value is stored in a member's record, and how it is viewed.

use super::json_str::{JsonArena, JsonSpan, JsonStr, JsonStrList};
use super::names;
use super::timestamp::Timestamp;

pub use super::names::{ChatTransferPermission, LeadsVisibility, LiveAvailability, TeamMemberStatus, UserType};

/// A kind of scalar field.
pub trait FieldKind {
    /// The stored form.
    type Stored: Copy + Default;
    /// The accessor's return type.
    type View<'r>: PartialEq;
    /// Counts the items of a value, where the kind is a list: they cost as rows do.
    const ITEMS: Option<fn(Self::View<'_>) -> usize> = None;
}

/// How a stored value is viewed, and what happens to it when the roster's text buffer is appended to another one.
pub(super) trait StoredKind: FieldKind {
    fn view(stored: Self::Stored, texts: &JsonArena) -> Option<Self::View<'_>>;

    fn moved(stored: Self::Stored, _before: u32) -> Self::Stored {
        stored
    }
}

/// Kinds whose values are strings in the text buffer.
macro_rules! text_kinds {
    ($($(#[doc = $about:literal])+ $kind:ident -> $view:ident by $get:ident, $items:expr;)+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug)]
        pub struct $kind;

        impl FieldKind for $kind {
            type Stored = Option<JsonSpan>;
            type View<'r> = $view<'r>;
            const ITEMS: Option<fn(Self::View<'_>) -> usize> = $items;
        }

        impl StoredKind for $kind {
            fn view(stored: Self::Stored, texts: &JsonArena) -> Option<Self::View<'_>> {
                stored.map(|span| texts.$get(span))
            }

            fn moved(stored: Self::Stored, before: u32) -> Self::Stored {
                stored.map(|span| span.moved(before))
            }
        }
    )+};
}

text_kinds! {
    /// A string that may be empty.
    Text -> JsonStr by get, None;
    /// An http or https URL.
    Url -> JsonStr by get, None;
    /// An identifier: not empty, at most 128 bytes, without white space.
    Id -> JsonStr by get, None;
    /// A list of identifiers.
    Ids -> JsonStrList by list, Some(|list| list.count());
    /// A list of strings.
    Texts -> JsonStrList by list, Some(|list| list.count());
}

/// Kinds whose values are stored in the record itself.
macro_rules! plain_kinds {
    ($($kind:ty => $value:ty;)+) => {$(
        impl FieldKind for $kind {
            type Stored = Option<$value>;
            type View<'r> = $value;
        }

        impl StoredKind for $kind {
            fn view(stored: Self::Stored, _texts: &JsonArena) -> Option<Self::View<'_>> {
                stored
            }
        }
    )+};
}

/// An integer of 32 bits.
#[derive(Clone, Copy, Debug)]
pub struct Integer;

/// True or false.
#[derive(Clone, Copy, Debug)]
pub struct Boolean;

/// A date and time, RFC 3339 upstream.
#[derive(Clone, Copy, Debug)]
pub struct Time;

/// An integer that may be absent, in five bytes: an optional `i32` takes eight.
#[derive(Clone, Copy, Default)]
pub struct StoredInteger {
    is_there: bool,
    bytes: [u8; 4],
}

impl From<Option<i32>> for StoredInteger {
    fn from(number: Option<i32>) -> Self {
        Self { is_there: number.is_some(), bytes: number.unwrap_or_default().to_ne_bytes() }
    }
}

impl FieldKind for Integer {
    type Stored = StoredInteger;
    type View<'r> = i32;
}

impl StoredKind for Integer {
    fn view(stored: Self::Stored, _texts: &JsonArena) -> Option<Self::View<'_>> {
        stored.is_there.then(|| i32::from_ne_bytes(stored.bytes))
    }
}

plain_kinds! {
    Boolean => bool;
    Time => Timestamp;
    names::LiveAvailability => names::LiveAvailability;
    names::LeadsVisibility => names::LeadsVisibility;
    names::TeamMemberStatus => names::TeamMemberStatus;
    names::ChatTransferPermission => names::ChatTransferPermission;
    names::UserType => names::UserType;
}
