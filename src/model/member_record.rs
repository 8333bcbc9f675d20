//! A row as a roster keeps it: small, and without an allocation of its own.

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
            pub(super) role: Option<u32>,
            pub(super) agency: Option<u32>,
            /// `contact`.
            pub contact: Option<ContactRecord>,
            /// Values that were present but could not be read.
            pub unrecognized: Box<[Unrecognized]>,
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

/// The texts of a roster, and the roles and agencies that its records name by their index.
#[derive(Default)]
pub(super) struct Strings {
    pub(super) texts: JsonArena,
    pub(super) roles: Vec<JsonSpan>,
    pub(super) agencies: Vec<JsonSpan>,
}

impl MemberRecord {
    /// Bytes on the heap, besides the texts.
    pub(super) fn heap_size(&self) -> usize {
        self.unrecognized.iter().map(|entry| size_of::<Unrecognized>() + entry.value.len()).sum()
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
