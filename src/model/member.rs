//! One member of a team: a view of its record, in which every optional field is absent, read, or kept aside as unreadable.

use super::contact::Contact;
use super::fields::member_fields;
use super::json_str::JsonStr;
use super::kinds::{self, FieldKind, StoredKind};
use super::member_record::{MemberRecord, StringIndex, Strings};
use super::unrecognized::Unrecognized;

/// A member of a team. Only `id` is certain; everything else is `None` when missing, null, empty or unreadable.
#[derive(Clone, Copy)]
pub struct TeamMember<'r> {
    strings: &'r Strings,
    row: &'r MemberRecord,
}

impl std::fmt::Debug for TeamMember<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A member is personal data; only the identifier may reach a log or a panic message.
        f.debug_struct("TeamMember").field("id", &self.id().plain()).finish_non_exhaustive()
    }
}

impl<'r> TeamMember<'r> {
    pub(super) fn new(strings: &'r Strings, row: &'r MemberRecord) -> Self {
        Self { strings, row }
    }

    /// The upstream's `_id`: not empty.
    #[must_use]
    pub fn id(self) -> JsonStr<'r> {
        // No row without one gets into a roster.
        self.row.id.map_or(JsonStr::EMPTY, |span| self.strings.texts.get(span))
    }

    /// `contact`.
    #[must_use]
    pub fn contact(self) -> Option<Contact<'r>> {
        self.row.contact.as_ref().map(|contact| Contact::new(self.strings, contact))
    }

    /// `_role`.
    #[must_use]
    pub fn role_id(self) -> Option<JsonStr<'r>> {
        self.role_index().map(|index| self.strings.texts.get(self.strings.roles[index as usize]))
    }

    /// The index of the role in the roster's list of roles.
    #[must_use]
    pub fn role_index(self) -> Option<u32> {
        self.row.role.map(StringIndex::get)
    }

    /// `_parent`.
    #[must_use]
    pub fn agency_id(self) -> Option<JsonStr<'r>> {
        self.row.agency.map(|index| self.strings.texts.get(self.strings.agencies[index.get() as usize]))
    }

    /// Values that were present but could not be read.
    #[must_use]
    pub fn unrecognized(self) -> &'r [Unrecognized] {
        self.row.unrecognized()
    }
}

/// The accessors of the scalar fields, and equality over all fields.
macro_rules! accessors {
    ($(($variant:ident, $accessor:ident, $name:tt, $key:tt, $since:ident, $kind:ident, $about:tt))+) => {
        impl<'r> TeamMember<'r> {
            $(
                #[doc = $about]
                #[must_use]
                pub fn $accessor(self) -> Option<<kinds::$kind as FieldKind>::View<'r>> {
                    <kinds::$kind as StoredKind>::view(self.row.$accessor, &self.strings.texts)
                }
            )+

            /// How many items the longest of the member's lists has.
            pub(super) fn longest_list(self) -> usize {
                let mut longest = 0;
                $(
                    if let (Some(items), Some(value)) = (<kinds::$kind as FieldKind>::ITEMS, self.$accessor()) {
                        longest = longest.max(items(value));
                    }
                )+
                longest
            }
        }

        impl PartialEq for TeamMember<'_> {
            fn eq(&self, other: &Self) -> bool {
                self.id() == other.id()
                    && (self.role_id(), self.agency_id()) == (other.role_id(), other.agency_id())
                    && self.contact() == other.contact()
                    && self.unrecognized() == other.unrecognized()
                    $(&& self.$accessor() == other.$accessor())+
            }
        }
    };
}

member_fields!(accessors);
