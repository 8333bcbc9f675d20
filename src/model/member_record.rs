//! A row as a roster keeps it: small, and without an allocation of its own.

use std::num::NonZeroU32;

use super::fields::member_fields;
use super::json_str::{JsonArena, JsonSpan, JsonStr};
use super::kinds::{self, FieldKind, StoredKind};
use super::unrecognized::Unrecognized;

/// Defines the record from the table of fields.
macro_rules! record {
    ($(($variant:ident, $accessor:ident, $name:tt, $key:tt, $since:ident, $kind:ident, $about:tt))+) => {
        /// The record of a member. Its strings and lists are in the roster's text buffer, its role and agency in a list of
        /// the few that occur.
        #[derive(Default)]
        pub struct MemberRecord {
            /// `_id`.
            pub id: Option<JsonSpan>,
            pub(super) role: Option<StringIndex>,
            pub(super) agency: Option<StringIndex>,
            /// `contact`.
            pub contact: Option<ContactRecord>,
            /// Values that were present but could not be read. Few rows have some, so a row has room for one pointer only.
            #[allow(clippy::box_collection, reason = "a boxed slice would take twice as much of each row")]
            pub unrecognized: Option<Box<Vec<Unrecognized>>>,
            $(#[doc = $about] pub $accessor: <kinds::$kind as FieldKind>::Stored,)+
        }

        impl MemberRecord {
            /// The same record, where its texts have moved by `before` bytes.
            pub(super) fn moved(mut self, before: u32) -> Self {
                self.id = self.id.map(|span| span.moved(before));
                self.contact = self.contact.map(|contact| contact.moved(before));
                $(self.$accessor = <kinds::$kind as StoredKind>::moved(self.$accessor, before);)+
                self
            }
        }
    };
}

member_fields!(record);

/// Each member of each team takes this much, so more is a decision.
const _: () = assert!(size_of::<MemberRecord>() <= 160);

/// The record of a member's contact data.
#[derive(Clone, Copy, Default)]
pub struct ContactRecord {
    /// `contact._id`.
    pub id: Option<JsonSpan>,
    /// `contact.email`.
    pub email: Option<JsonSpan>,
    /// `contact.phone`.
    pub phone: Option<PhoneRecord>,
}

/// The record of a telephone number.
#[derive(Clone, Copy, Default)]
pub struct PhoneRecord {
    /// `contact.phone.prefix`.
    pub prefix: Option<JsonSpan>,
    /// `contact.phone.number`.
    pub number: Option<JsonSpan>,
}

/// The index of a role or an agency. Kept as one more, so that an optional one takes no more room.
#[derive(Clone, Copy)]
pub(super) struct StringIndex(NonZeroU32);

impl StringIndex {
    pub(super) fn new(index: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(index))
    }

    pub(super) fn get(self) -> u32 {
        self.0.get() - 1
    }
}

/// The texts of a roster, and the roles and agencies that its records name by their index.
#[derive(Default)]
pub(super) struct Strings {
    pub(super) texts: JsonArena,
    pub(super) roles: Vec<JsonSpan>,
    pub(super) agencies: Vec<JsonSpan>,
}

impl MemberRecord {
    /// Of each line of memory in which it is, a byte or two.
    pub(super) fn read_lines(&self) -> u8 {
        let ends =
            [self.created_at.is_some(), self.id.is_some(), self.name.is_some(), self.masked_attributes.is_some()];
        ends.iter().fold(u8::from(self.status.is_some()), |read, is_there| read.rotate_left(1) ^ u8::from(*is_there))
    }

    /// Values that were present but could not be read.
    pub(super) fn unrecognized(&self) -> &[Unrecognized] {
        self.unrecognized.as_ref().map_or(&[], |values| values)
    }

    /// Bytes on the heap, besides the texts.
    pub(super) fn heap_size(&self) -> usize {
        let vector = self.unrecognized.as_ref().map_or(0, |_| size_of::<Vec<Unrecognized>>());
        vector + self.unrecognized().iter().map(|entry| size_of::<Unrecognized>() + entry.value.len()).sum::<usize>()
    }
}

impl ContactRecord {
    fn moved(self, before: u32) -> Self {
        let moved = |span: Option<JsonSpan>| span.map(|span| span.moved(before));
        let phone = self.phone.map(|phone| PhoneRecord { prefix: moved(phone.prefix), number: moved(phone.number) });
        Self { id: moved(self.id), email: moved(self.email), phone }
    }
}

impl Strings {
    pub(super) fn text(&self, span: Option<JsonSpan>) -> Option<JsonStr<'_>> {
        span.map(|span| self.texts.get(span))
    }
}
