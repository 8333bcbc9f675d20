//! What a roster keeps of a row: small, and without an allocation of its own.

use super::json_str::{JsonArena, JsonStr, Span};
use super::{ChatTransferPermission, LeadsVisibility, LiveAvailability, TeamMemberStatus, Timestamp, UserType};

/// What a row says: its texts and lists are in the roster's buffer, its role and agency in a list of the few there are.
#[derive(Default)]
pub struct MemberRecord {
    pub(super) texts: [Option<Span>; TextField::COUNT],
    pub(super) role: Option<u32>,
    pub(super) agency: Option<u32>,
    /// Whether there is a `contact`, and a `phone` in it.
    pub has_contact: bool,
    /// See `has_contact`.
    pub has_phone: bool,
    /// `liveAvailability`.
    pub live_availability: Option<LiveAvailability>,
    /// `leadsVisibility`.
    pub leads_visibility: Option<LeadsVisibility>,
    /// `status`.
    pub status: Option<TeamMemberStatus>,
    /// `type`.
    pub user_type: Option<UserType>,
    /// `unreadMessages`.
    pub unread_messages: Option<i32>,
    /// `whitelabel`.
    pub whitelabel: Option<bool>,
    /// `createdAt`.
    pub created_at: Option<Timestamp>,
    /// `updatedAt`.
    pub updated_at: Option<Timestamp>,
    /// `__v`.
    pub version: Option<i32>,
    /// `chatTransferPermission`.
    pub chat_transfer_permission: Option<ChatTransferPermission>,
    /// What was there but could not be read.
    pub unrecognized: Box<[Unrecognized]>,
}

/// The fields of a row whose values are texts, or lists of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TextField {
    Id,
    Name,
    ContactId,
    Email,
    PhonePrefix,
    PhoneNumber,
    Picture,
    Description,
    BusinessHoursId,
    AssignedBotIds,
    AssignedAiAgentIds,
    DepartmentIds,
    MaskedAttributes,
}

impl TextField {
    const COUNT: usize = Self::MaskedAttributes as usize + 1;
}

/// The texts of a roster, and the roles and agencies that its rows name by their place here.
#[derive(Default)]
pub(super) struct Strings {
    pub(super) texts: JsonArena,
    pub(super) roles: Vec<Span>,
    pub(super) agencies: Vec<Span>,
}

impl MemberRecord {
    /// Sets a text or list.
    pub fn set(&mut self, field: TextField, span: Option<Span>) {
        self.texts[field as usize] = span;
    }

    /// Whether it is there.
    #[must_use]
    pub fn has(&self, field: TextField) -> bool {
        self.texts[field as usize].is_some()
    }

    /// The same row, where its texts have moved.
    pub(super) fn moved(mut self, before: u32) -> Self {
        for span in self.texts.iter_mut().flatten() {
            *span = span.moved(before);
        }
        self
    }

    /// Bytes on the heap, besides the texts.
    pub(super) fn heap_size(&self) -> usize {
        self.unrecognized.iter().map(|entry| size_of::<Unrecognized>() + entry.value.len()).sum()
    }
}

impl Strings {
    pub(super) fn text(&self, row: &MemberRecord, field: TextField) -> Option<JsonStr<'_>> {
        row.texts[field as usize].map(|span| self.texts.get(span))
    }
}

/// A value that was there but could not be read as what its field is.
#[derive(Clone, PartialEq, Eq)]
pub struct Unrecognized {
    /// The field, as our schema names it; a dotted path inside `contact`.
    pub field: &'static str,
    /// The raw text: a string's characters, or the JSON of anything else; cut after 1,024 bytes.
    pub value: Box<str>,
}

impl Unrecognized {
    /// Whether the text may be contact data.
    #[must_use]
    pub fn is_contact(&self) -> bool {
        self.field == "contact" || self.field.starts_with("contact.")
    }
}
